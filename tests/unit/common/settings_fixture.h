/* settings_fixture - a small program's table, and reading it from texts. */
#ifndef TRYTOK_TEST_SETTINGS_FIXTURE_H
#define TRYTOK_TEST_SETTINGS_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "settings.h"
#include "suite.h"

#define ROWS                                                                                       \
    SETTING(queue_max, "queue.max", INTEGER, "256", 0, 65536, "requests that wait")                \
    SETTING(memory, "limits.memory", BYTES, "64MiB", 4096, 1073741824, "memory of a run")          \
    SETTING(wall_ms, "limits.wall_ms", MS, "10s", 1, 60000, "wall time of a run")                  \
    SETTING(enabled, "pool.enabled", BOOL, "true", 0, 1, "yes | no")                               \
    SETTING(name, "pool.name", STRING, "", 0, 8, "a name")                                         \
    SETTING(path, "secret.path", STRING, "/etc/secret", 1, 4096, "a file")                         \
    SETTING(require, "sandbox.require", LIST, "seccomp, rlimits", 0, 4, "layers that must be")     \
    SETTING(deep, "a.b.c.d", INTEGER, "1", 1, 9, "deeply nested")                                  \
    SETTING(address, "pool.address", ADDRESS, "127.0.0.1", 1, 64, "numeric")                       \
    SETTING(many, "many", LIST, "x", 1, 1000, "long lists")

struct fixture_settings {
#define SETTING(field, key, kind, default_text, min, max, help) SETTING_FIELD_##kind(field)
    ROWS
#undef SETTING
};

static const struct setting fixture_rows[] = {
#define SETTING(field, key, kind, default_text, min, max, help)                                    \
    {key, SETTING_##kind, offsetof(struct fixture_settings, field), default_text, min, max, help},
    ROWS
#undef SETTING
};

static const struct settings_table fixture_table = {
    "trytok-test",
    "tests settings",
    fixture_rows,
    ARRAY_COUNT(fixture_rows),
};

static struct fixture_settings settings;
static struct settings_error error;
static enum settings_outcome outcome;

/* Flags and variables are lists that end with NULL. */
static inline int read_with(const char *const *flags, const char *const *variables, FILE *out)
{
    char *argv[16] = {NULL};
    char *environment[16] = {NULL};
    int argc = 0;
    argv[argc++] = strdup("trytok-test");
    for (size_t i = 0; flags && flags[i]; i++)
        argv[argc++] = strdup(flags[i]);
    for (size_t i = 0; variables && variables[i]; i++)
        environment[i] = strdup(variables[i]);
    memset(&settings, 0xA5, sizeof(settings)); /* the caller need not clear it */
    memset(&error, 0, sizeof(error));
    int r =
        settings_read(&fixture_table, argc, argv, environment, out, &settings, &outcome, &error);
    for (size_t i = 0; i < ARRAY_COUNT(argv); i++) {
        free(argv[i]);
        free(environment[i]);
    }
    if (r < 0) {
        ck_assert_uint_gt(strlen(error.text), 0);
        ck_assert_ptr_null(settings.name);
        ck_assert_ptr_null(settings.path);
        ck_assert_ptr_null(settings.require.items);
        ck_assert_uint_eq(settings.require.count, 0);
    }
    return r;
}

static inline void done(void)
{
    settings_done(&fixture_table, &settings);
}

#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define VARIABLES(...) ((const char *const[]){__VA_ARGS__, NULL})

static char config_path[] = "/tmp/settings_XXXXXX";

static inline void write_config(const char *bytes, size_t count)
{
    memcpy(config_path + sizeof(config_path) - 7, "XXXXXX", 6);
    int fd = mkostemp(config_path, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
    close_fd(fd);
}

static inline void remove_config(void)
{
    (void)unlink(config_path);
}

#endif
