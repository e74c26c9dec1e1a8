/*
 * config - the coordinator's settings (settings.def), read and checked.
 *
 * Threads: at start only; read-only afterwards. Memory: config_done() frees. Errors: -EINVAL with a
 * text that names the setting and the mend.
 */
#ifndef TRYTOK_COORDINATOR_CONFIG_H
#define TRYTOK_COORDINATOR_CONFIG_H

#include "log.h"
#include "settings.h"

struct coordinator_settings {
#define SETTING(field, key, kind, default_text, min, max, help) SETTING_FIELD_##kind(field)
#include "settings.def"
#undef SETTING
};

struct config {
    struct coordinator_settings settings;
    enum log_level log_level;
};

MUST_CHECK int config_read(int argc, char **argv, char **environment, FILE *out,
                           struct config *ret_config, enum settings_outcome *ret_outcome,
                           struct settings_error *reterr);
void config_done(struct config *config);

#endif
