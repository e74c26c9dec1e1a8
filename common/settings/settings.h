/*
 * settings - one table describes every setting of a program; this reads them from a YAML file, then
 * the environment (TRYTOK_SANDBOX_REQUIRE for sandbox.require), then flags (--sandbox.require X or
 * --sandbox.require=X). What is read later wins. The same table prints --help and docs/settings.md.
 *
 * A program has a table file with rows  SETTING(field, "key", KIND, default, min, max, "help")
 * which makes both its struct (SETTING_FIELD_<KIND>) and its descriptions (see executor/settings.c).
 *
 * Threads: at start only. Memory: strings and lists are owned by the struct; settings_done() frees.
 * Limits:  a file of 1 MiB, texts of 4096 bytes, lists of 256 items, groups 4 deep.
 * Errors:  -EINVAL with a text that names the place and the mend ("trytok.yaml:12: queue.max: 70000
 *          is out of bounds, 0 to 65536"); unknown keys, wrong kinds, duplicates (within one source) are errors.
 *
 * In the environment '.' and '_' of a key are both '_' (two keys that would be one variable are
 * a bug of the table, asserted). An unknown TRYTOK_ variable is an error when its first word is
 * the group of one of this program's settings (TRYTOK_POOL_WRM) or when it is at most two letters
 * from one of them; others are taken to be another program's, because both daemons may share one
 * environment. Kubernetes makes such variables for every Service (TRYTOK_PORT=tcp://...): its Pods
 * need enableServiceLinks: false.
 */
#ifndef TRYTOK_SETTINGS_H
#define TRYTOK_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "attributes.h"

struct settings_list {
    char **items; /* owned */
    size_t count;
};

/* INTEGER: uint64_t with bounds. BYTES: the same, written 64MiB, 8KiB or plain. MS: milliseconds,
 * written 500ms, 10s or plain. BOOL: true or false. ADDRESS: a numeric one. STRING, LIST (YAML sequence; "a,b" elsewhere; min
 * and max bound the length in bytes or the count; "" is a list of no items). */
enum setting_kind {
    SETTING_INTEGER,
    SETTING_BYTES,
    SETTING_MS,
    SETTING_BOOL,
    SETTING_STRING,
    SETTING_ADDRESS,
    SETTING_LIST,
};

#define SETTING_FIELD_INTEGER(field) uint64_t field;
#define SETTING_FIELD_BYTES(field) uint64_t field;
#define SETTING_FIELD_MS(field) uint64_t field;
#define SETTING_FIELD_BOOL(field) bool field;
#define SETTING_FIELD_STRING(field) char *field;
#define SETTING_FIELD_ADDRESS(field) char *field;
#define SETTING_FIELD_LIST(field) struct settings_list field;

struct setting {
    const char *key; /* dotted, lower case: "pool.warm" */
    enum setting_kind kind;
    size_t offset;            /* of the field in the program's struct */
    const char *default_text; /* in the form a user would write */
    uint64_t min, max;
    const char *help;
};

struct settings_table {
    const char *program; /* "trytok-executor" */
    const char *summary; /* first line of --help */
    const struct setting *rows;
    size_t count;
};

enum { SETTINGS_ERROR_BYTES = 320 };
struct settings_error {
    char text[SETTINGS_ERROR_BYTES];
};

enum settings_outcome { SETTINGS_RUN, SETTINGS_HELP_PRINTED };

/*
 * Defaults, then --config FILE if given, then the environment, then the other flags. --help,
 * --version and --help-markdown (the table of docs/settings.md) print to `out` and return
 * SETTINGS_HELP_PRINTED. On error the struct is left empty (settings_done() was called).
 */
MUST_CHECK int settings_read(const struct settings_table *table, int argc, char **argv,
                             char **environment, FILE *out, void *ret_settings,
                             enum settings_outcome *ret_outcome, struct settings_error *reterr);
void settings_done(const struct settings_table *table, void *settings);

#endif
