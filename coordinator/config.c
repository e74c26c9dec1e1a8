#include "config.h"

#include <inttypes.h>
#include <stddef.h>

#include "resolver.h"

static const struct setting rows[] = {
#define SETTING(field, key_, kind_, default_, min_, max_, help_)                                   \
    {.key = (key_),                                                                                \
     .kind = SETTING_##kind_,                                                                      \
     .offset = offsetof(struct coordinator_settings, field),                                       \
     .default_text = (default_),                                                                   \
     .min = (min_),                                                                                \
     .max = (max_),                                                                                \
     .help = (help_)},
#include "settings.def"
#undef SETTING
};

static const struct settings_table table = {
    .program = "trytok-coordinator",
    .summary = "takes Tok programs over HTTP and has executors run them",
    .rows = rows,
    .count = ARRAY_COUNT(rows),
};

static int check_pair(const char *key, uint64_t value, uint64_t max, struct settings_error *reterr)
{
    if (value <= max)
        return 0;
    snprintf(reterr->text, sizeof(reterr->text),
             "%s: %" PRIu64 " is above %s_max, %" PRIu64 "; raise that or lower this", key, value,
             key, max);
    return -EINVAL;
}

static int check_executors(const struct settings_list *names, struct settings_error *reterr)
{
    for (size_t i = 0; i < names->count; i++) {
        if (resolver_check_name(names->items[i]) == 0)
            continue;
        snprintf(reterr->text, sizeof(reterr->text),
                 "executors: \"%.100s\" is not host:port, as 127.0.0.1:8081 or [::1]:8081",
                 names->items[i]);
        return -EINVAL;
    }
    return 0;
}

/* What the bounds of single settings cannot say. */
static int check(struct config *config, struct settings_error *reterr)
{
    const struct coordinator_settings *settings = &config->settings;
    const struct {
        const char *key;
        uint64_t value, max;
    } pairs[] = {
        {"limits.wall", settings->limits_wall_ms, settings->limits_wall_max_ms},
        {"limits.cpu", settings->limits_cpu_ms, settings->limits_cpu_max_ms},
        {"limits.steps", settings->limits_steps, settings->limits_steps_max},
        {"limits.memory", settings->limits_memory_bytes, settings->limits_memory_max_bytes},
        {"limits.output", settings->limits_output_bytes, settings->limits_output_max_bytes},
        {"executor.eject", settings->executor_eject_ms, settings->executor_eject_max_ms},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        int r = check_pair(pairs[i].key, pairs[i].value, pairs[i].max, reterr);
        if (r < 0)
            return r;
    }
    if (settings->secret_file[0] == '\0') {
        snprintf(reterr->text, sizeof(reterr->text),
                 "secret.file: is not set; give a file of 64 hex digits, mode 0600");
        return -EINVAL;
    }
    if (log_level_parse(settings->log_level, &config->log_level) < 0) {
        snprintf(reterr->text, sizeof(reterr->text),
                 "log.level: \"%s\" is not debug, info, warn or error", settings->log_level);
        return -EINVAL;
    }
    return check_executors(&settings->executors, reterr);
}

int config_read(int argc, char **argv, char **environment, FILE *out, struct config *ret_config,
                enum settings_outcome *ret_outcome, struct settings_error *reterr)
{
    struct config config = {0};
    int r =
        settings_read(&table, argc, argv, environment, out, &config.settings, ret_outcome, reterr);
    if (r < 0)
        return r;
    if (*ret_outcome == SETTINGS_HELP_PRINTED) {
        config_done(&config);
        return 0;
    }
    r = check(&config, reterr);
    if (r < 0) {
        config_done(&config);
        return r;
    }
    *ret_config = config;
    return 0;
}

void config_done(struct config *config)
{
    settings_done(&table, &config->settings);
}
