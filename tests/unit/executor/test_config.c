#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "../common/suite.h"
#include "config.h"

static char *no_environment[] = {NULL};
static FILE *nowhere;
static struct config config;
static struct settings_error error;
static enum settings_outcome outcome;

static int read_arguments(size_t count, const char *const *arguments)
{
    char *argv[16] = {0};
    ck_assert_uint_lt(count + 1, ARRAY_COUNT(argv));
    argv[0] = strdup("trytok-executor");
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = strdup(arguments[i]);
    nowhere = fopen("/dev/null", "w");
    ck_assert_ptr_nonnull(nowhere);
    int r = config_read((int)count + 1, argv, no_environment, nowhere, &config, &outcome, &error);
    fclose(nowhere);
    for (size_t i = 0; i <= count; i++)
        free(argv[i]);
    return r;
}

#define READ(...)                                                                                  \
    read_arguments(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *),                   \
                   (const char *[]){__VA_ARGS__})

START_TEST(what_is_left_to_the_machine_is_made_definite)
{
    ck_assert_int_eq(READ("--secret.file", "/s"), 0);
    ck_assert_uint_eq(config.settings.slots, 2 * (uint64_t)get_nprocs());
    ck_assert_uint_eq(config.settings.pool_warm, config.settings.slots + 4);
    const char *path = config.settings.runner_path;
    ck_assert_str_eq(path + strlen(path) - strlen("/trytok-runner"), "/trytok-runner");
    ck_assert_uint_eq(config.require,
                      LAYER_BIT(LAYER_COUNT) - 1); /* nothing is left out silently */
    config_done(&config);
}
END_TEST

START_TEST(what_is_told_is_kept)
{
    ck_assert_int_eq(READ("--secret.file", "/s", "--slots", "3", "--pool.warm", "5",
                          "--runner.path", "/r", "--log.level", "debug", "--sandbox.require",
                          "seccomp,rlimits"),
                     0);
    ck_assert_uint_eq(config.settings.slots, 3);
    ck_assert_uint_eq(config.settings.pool_warm, 5);
    ck_assert_str_eq(config.settings.runner_path, "/r");
    ck_assert_int_eq(config.log_level, LOG_LEVEL_DEBUG);
    ck_assert_uint_eq(config.require, LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_RLIMITS));
    config_done(&config);
}
END_TEST

START_TEST(no_secret_is_an_error_that_names_the_mend)
{
    ck_assert_int_eq(READ("--slots", "1"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "secret.file"));
}
END_TEST

START_TEST(an_unknown_log_level_is_an_error)
{
    ck_assert_int_eq(READ("--secret.file", "/s", "--log.level", "loud"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "log.level"));
}
END_TEST

START_TEST(an_unknown_layer_is_an_error)
{
    ck_assert_int_eq(READ("--secret.file", "/s", "--sandbox.require", "seccomp,castle"), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "castle"));
}
END_TEST

START_TEST(help_is_printed_and_nothing_is_read)
{
    ck_assert_int_eq(READ("--help"), 0);
    ck_assert_int_eq(outcome, SETTINGS_HELP_PRINTED);
}
END_TEST

static layer_set parse(const char *a, const char *b)
{
    char *items[] = {strdup(a), strdup(b)};
    const struct settings_list list = {items, b[0] ? 2 : 1};
    layer_set layers = 0;
    const char *word = NULL;
    ck_assert_int_eq(config_parse_layers(&list, &layers, &word), 0);
    free(items[0]);
    free(items[1]);
    return layers;
}

START_TEST(layers_are_added_and_left_out_from_left_to_right)
{
    layer_set all = LAYER_BIT(LAYER_COUNT) - 1;
    ck_assert_uint_eq(parse("all", ""), all);
    ck_assert_uint_eq(parse("all", "-landlock"), all & ~LAYER_BIT(LAYER_LANDLOCK));
    ck_assert_uint_eq(parse("-landlock", "all"), all);
    ck_assert_uint_eq(parse("seccomp", "-seccomp"), 0);
    const struct settings_list none = {NULL, 0};
    layer_set layers = 1;
    const char *word = NULL;
    ck_assert_int_eq(config_parse_layers(&none, &layers, &word), 0);
    ck_assert_uint_eq(layers, 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, what_is_left_to_the_machine_is_made_definite);
    tcase_add_test(tcase, what_is_told_is_kept);
    tcase_add_test(tcase, no_secret_is_an_error_that_names_the_mend);
    tcase_add_test(tcase, an_unknown_log_level_is_an_error);
    tcase_add_test(tcase, an_unknown_layer_is_an_error);
    tcase_add_test(tcase, help_is_printed_and_nothing_is_read);
    tcase_add_test(tcase, layers_are_added_and_left_out_from_left_to_right);
}

int main(void)
{
    return suite_run("executor_config", add_tests);
}
