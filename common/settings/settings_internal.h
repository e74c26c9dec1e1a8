/* settings_internal - what the parts of settings share: table, values, the YAML file, printing. */
#ifndef TRYTOK_SETTINGS_INTERNAL_H
#define TRYTOK_SETTINGS_INTERNAL_H

#include "settings.h"

enum {
    SETTINGS_STRING_MAX = 4096,
    SETTINGS_ITEMS_MAX = 256,
    SETTINGS_KEY_MAX = 128,
    SETTINGS_DEPTH_MAX = 4,
    SETTINGS_FILE_BYTES_MAX = 1024 * 1024,
    SETTINGS_REASON_BYTES = 160,
    SETTINGS_PLACE_BYTES = 224,
    SETTINGS_VALUE_BYTES = 32,
};

struct settings_reader {
    const struct settings_table *table;
    void *settings;               /* the program's struct */
    bool *is_seen;                /* rows that the source being read has set already */
    struct settings_error *error; /* borrowed */
};

/* ---- settings.c ---- */
/* Fills the error; -EINVAL. */
MUST_CHECK int settings_fail(struct settings_error *error, const char *format, ...)
    PRINTF_LIKE(2, 3);
MUST_CHECK int settings_fail_unknown(const struct settings_reader *reader, const char *place,
                                     const char *key);
const struct setting *settings_find(const struct settings_table *table, const char *key);
/* Sets one row from a source; `place` begins the message of an error. */
MUST_CHECK int settings_take_text(struct settings_reader *reader, const struct setting *row,
                                  const char *place, const char *text);
MUST_CHECK int settings_take_items(struct settings_reader *reader, const struct setting *row,
                                   const char *place, char *const *items, size_t count);

/* ---- settings_value.c: one value of one kind; -EINVAL with `reason` filled, -ENOMEM ---- */
MUST_CHECK int setting_set_text(const struct setting *row, void *settings, const char *text,
                                char reason[SETTINGS_REASON_BYTES]);
MUST_CHECK int setting_set_items(const struct setting *row, void *settings, char *const *items,
                                 size_t count, char reason[SETTINGS_REASON_BYTES]);
void setting_clear(const struct setting *row, void *settings); /* frees what the field owns */
const char *setting_kind_name(enum setting_kind kind);
/* "64MiB", "10s", "7": as a user would write it. */
void setting_format_bound(enum setting_kind kind, uint64_t value, char text[SETTINGS_VALUE_BYTES]);

/* ---- settings_yaml.c ---- */
MUST_CHECK int settings_read_yaml(struct settings_reader *reader, const char *path);

/* ---- settings_print.c ---- */
void settings_print_help(const struct settings_table *table, FILE *out);
void settings_print_markdown(const struct settings_table *table, FILE *out);

#endif
