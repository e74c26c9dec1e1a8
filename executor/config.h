/*
 * config - the executor's settings (settings.def), read and made definite.
 *
 * Threads: at start only. Memory: config_done() frees. Errors: -EINVAL with a text that names the
 * setting and the mend.
 */
#ifndef TRYTOK_EXECUTOR_CONFIG_H
#define TRYTOK_EXECUTOR_CONFIG_H

#include "layer.h"
#include "log.h"
#include "settings.h"

struct executor_settings {
#define SETTING(field, key, kind, default_text, min, max, help) SETTING_FIELD_##kind(field)
#include "settings.def"
#undef SETTING
};

struct config {
    struct executor_settings settings; /* slots, pool_warm and runner_path are never empty here */
    layer_set require;
    enum log_level log_level;
};

MUST_CHECK int config_read(int argc, char **argv, char **environment, FILE *out,
                           struct config *ret_config, enum settings_outcome *ret_outcome,
                           struct settings_error *reterr);
void config_done(struct config *config);

/* "all", names and "-name", applied from left to right. -EINVAL: *ret_word is the unknown word. */
MUST_CHECK int config_parse_layers(const struct settings_list *words, layer_set *ret_layers,
                                   const char **reterr_word);

#endif
