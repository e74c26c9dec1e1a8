#include "config.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/sysinfo.h>

static const struct setting rows[] = {
#define SETTING(field, key_, kind_, default_, min_, max_, help_)                                   \
    {.key = (key_),                                                                                \
     .kind = SETTING_##kind_,                                                                      \
     .offset = offsetof(struct executor_settings, field),                                          \
     .default_text = (default_),                                                                   \
     .min = (min_),                                                                                \
     .max = (max_),                                                                                \
     .help = (help_)},
#include "settings.def"
#undef SETTING
};

static const struct settings_table table = {
    .program = "trytok-executor",
    .summary = "runs Tok programs, each in a locked-down process of its own",
    .rows = rows,
    .count = ARRAY_COUNT(rows),
};

enum { SLOTS_PER_PROCESSOR = 2, WARM_BEYOND_SLOTS = 4 };

int config_parse_layers(const struct settings_list *words, layer_set *ret_layers,
                        const char **reterr_word)
{
    layer_set layers = 0;
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->items[i];
        if (strcmp(word, "all") == 0) {
            layers = LAYER_BIT(LAYER_COUNT) - 1;
            continue;
        }
        bool leave_out = word[0] == '-';
        enum layer layer;
        if (layer_find(leave_out ? word + 1 : word, &layer) < 0) {
            *reterr_word = word;
            return -EINVAL;
        }
        if (leave_out)
            layers &= ~LAYER_BIT(layer);
        else
            layers |= LAYER_BIT(layer);
    }
    *ret_layers = layers;
    return 0;
}

/* trytok-runner in the directory that this program was started from. */
static int find_runner(char **ret_path)
{
    static const char name[] = "trytok-runner";
    char path[PATH_MAX];
    ssize_t count = readlink("/proc/self/exe", path, sizeof(path) - sizeof(name));
    if (count < 0)
        return -errno;
    path[count] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return -ENOENT;
    memcpy(slash + 1, name, sizeof(name));
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    *ret_path = copy;
    return 0;
}

static int refuse(struct settings_error *reterr, const char *key, const char *what)
{
    snprintf(reterr->text, sizeof(reterr->text), "%s: %s", key, what);
    return -EINVAL;
}

static int resolve(struct config *config, struct settings_error *reterr)
{
    struct executor_settings *settings = &config->settings;
    if (settings->slots == 0)
        settings->slots = SLOTS_PER_PROCESSOR * (uint64_t)get_nprocs();
    if (settings->pool_warm == 0)
        settings->pool_warm = settings->slots + WARM_BEYOND_SLOTS;
    if (settings->secret_file[0] == '\0')
        return refuse(reterr, "secret.file", "is not set; give a file of 64 hex digits, mode 0600");
    if (log_level_parse(settings->log_level, &config->log_level) < 0) {
        snprintf(reterr->text, sizeof(reterr->text),
                 "log.level: \"%s\" is not debug, info, warn or error", settings->log_level);
        return -EINVAL;
    }

    const char *word = NULL;
    if (config_parse_layers(&settings->sandbox_require, &config->require, &word) < 0) {
        snprintf(reterr->text, sizeof(reterr->text),
                 "sandbox.require: \"%s\" is not a layer; docs/security.md lists them", word);
        return -EINVAL;
    }
    if (settings->runner_path[0] == '\0') {
        char *path = NULL;
        int r = find_runner(&path);
        if (r < 0)
            return refuse(reterr, "runner.path", "is not set, and this program's place is unknown");
        free(settings->runner_path);
        settings->runner_path = path;
    }
    return 0;
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
    r = resolve(&config, reterr);
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
