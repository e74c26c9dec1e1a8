#include "settings.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "settings_internal.h"

static const char prefix[] = "TRYTOK_";

int settings_fail(struct settings_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

const struct setting *settings_find(const struct settings_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].key, key) == 0)
            return &table->rows[i];
    }
    return NULL;
}

/* ---- names ---- */

/* A letter of a key as the environment spells it. */
static char env_byte(char byte)
{
    return byte == '.' ? '_' : (char)toupper((unsigned char)byte);
}

/* Does NAME begin as the environment would spell the first `count` letters of this key? */
static bool is_env_spelling(const char *name, const char *key, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (env_byte(key[i]) != name[i])
            return false;
    }
    return true;
}

/* How many letters to add, drop or change (Levenshtein), in either spelling. */
static size_t distance(const char *a, const char *b)
{
    size_t a_count = strnlen(a, SETTINGS_KEY_MAX);
    size_t b_count = strnlen(b, SETTINGS_KEY_MAX);
    size_t row[SETTINGS_KEY_MAX + 1];
    for (size_t j = 0; j <= b_count; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_count; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_count; j++) {
            size_t change = diagonal + (env_byte(a[i - 1]) == env_byte(b[j - 1]) ? 0 : 1);
            size_t add_or_drop = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = change < add_or_drop ? change : add_or_drop;
        }
    }
    return row[b_count];
}

static const struct setting *nearest(const struct settings_table *table, const char *key,
                                     size_t distance_max)
{
    const struct setting *best = NULL;
    size_t best_distance = distance_max + 1;
    for (size_t i = 0; i < table->count; i++) {
        size_t d = distance(key, table->rows[i].key);
        if (d < best_distance) {
            best = &table->rows[i];
            best_distance = d;
        }
    }
    return best;
}

/* A setting of the group that this key names: "listen.port" of "listen". */
static const struct setting *first_of_group(const struct settings_table *table, const char *key)
{
    size_t count = strlen(key);
    for (size_t i = 0; i < table->count; i++) {
        const char *other = table->rows[i].key;
        if (strncmp(other, key, count) == 0 && other[count] == '.')
            return &table->rows[i];
    }
    return NULL;
}

int settings_fail_unknown(const struct settings_reader *reader, const char *place, const char *key)
{
    const struct setting *member = first_of_group(reader->table, key);
    if (member)
        return settings_fail(reader->error, "%s: \"%.100s\" is a group of settings, as %s", place,
                             key, member->key);
    const struct setting *meant = nearest(reader->table, key, 2 + strlen(key) / 4);
    if (meant)
        return settings_fail(reader->error, "%s: unknown setting \"%.100s\"; did you mean %s?",
                             place, key, meant->key);
    return settings_fail(reader->error, "%s: unknown setting \"%.100s\"; --help lists them", place,
                         key);
}

/* ---- setting a row ---- */

static int take(struct settings_reader *reader, const struct setting *row, const char *place,
                int result, const char *reason)
{
    if (result == -EINVAL)
        return settings_fail(reader->error, "%s: %s", place, reason);
    if (result == 0)
        reader->is_seen[row - reader->table->rows] = true;
    return result;
}

static int verify_first(const struct settings_reader *reader, const struct setting *row,
                        const char *place)
{
    return reader->is_seen[row - reader->table->rows]
               ? settings_fail(reader->error, "%s: is set twice", place)
               : 0;
}

int settings_take_text(struct settings_reader *reader, const struct setting *row, const char *place,
                       const char *text)
{
    char reason[SETTINGS_REASON_BYTES] = "";
    int r = verify_first(reader, row, place);
    if (r < 0)
        return r;
    r = setting_set_text(row, reader->settings, text, reason);
    return take(reader, row, place, r, reason);
}

int settings_take_items(struct settings_reader *reader, const struct setting *row,
                        const char *place, char *const *items, size_t count)
{
    char reason[SETTINGS_REASON_BYTES] = "";
    int r = verify_first(reader, row, place);
    if (r < 0)
        return r;
    r = setting_set_items(row, reader->settings, items, count, reason);
    return take(reader, row, place, r, reason);
}

static void begin_source(struct settings_reader *reader)
{
    memset(reader->is_seen, 0, reader->table->count * sizeof(reader->is_seen[0]));
}

/* ---- defaults ---- */

/* Zeroes the fields, whatever the caller's memory held. */
static void init_fields(const struct settings_table *table, void *settings)
{
    static const size_t sizes[] = {
        [SETTING_INTEGER] = sizeof(uint64_t),
        [SETTING_BYTES] = sizeof(uint64_t),
        [SETTING_MS] = sizeof(uint64_t),
        [SETTING_BOOL] = sizeof(bool),
        [SETTING_STRING] = sizeof(char *),
        [SETTING_ADDRESS] = sizeof(char *),
        [SETTING_LIST] = sizeof(struct settings_list),
    };
    for (size_t i = 0; i < table->count; i++)
        memset((char *)settings + table->rows[i].offset, 0, sizes[table->rows[i].kind]);
}

static int read_defaults(struct settings_reader *reader)
{
    begin_source(reader);
    for (size_t i = 0; i < reader->table->count; i++) {
        const struct setting *row = &reader->table->rows[i];
        int r = settings_take_text(reader, row, row->key, row->default_text);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- the environment ---- */

/* The word that all settings of a group begin with: "pool" of pool.warm. */
static bool is_our_group(const struct settings_table *table, const char *name)
{
    size_t count = strcspn(name, "_");
    for (size_t i = 0; i < table->count; i++) {
        const char *key = table->rows[i].key;
        if (strcspn(key, "._") == count && is_env_spelling(name, key, count))
            return true;
    }
    return false;
}

static const struct setting *find_env(const struct settings_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *key = table->rows[i].key;
        if (strlen(key) == strlen(name) && is_env_spelling(name, key, strlen(key)))
            return &table->rows[i];
    }
    return NULL;
}

static int read_variable(struct settings_reader *reader, const char *variable)
{
    size_t prefix_count = sizeof(prefix) - 1;
    const char *equals = strchr(variable, '=');
    if (!equals || strncmp(variable, prefix, prefix_count) != 0)
        return 0;
    char place[SETTINGS_PLACE_BYTES];
    size_t place_count = (size_t)(equals - variable);
    if (place_count >= SETTINGS_KEY_MAX)
        return 0; /* longer than any key: not ours */
    memcpy(place, variable, place_count);
    place[place_count] = '\0';
    const char *name = place + prefix_count;

    const struct setting *row = find_env(reader->table, name);
    if (row)
        return settings_take_text(reader, row, place, equals + 1);
    if (is_our_group(reader->table, name) || nearest(reader->table, name, 2))
        return settings_fail_unknown(reader, place, name);
    return 0;
}

static int read_environment(struct settings_reader *reader, char **environment)
{
    begin_source(reader);
    for (size_t i = 0; environment[i]; i++) {
        int r = read_variable(reader, environment[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- flags ---- */

enum action { ACTION_RUN, ACTION_HELP, ACTION_VERSION, ACTION_MARKDOWN };

struct flag {
    char name[SETTINGS_KEY_MAX]; /* without the dashes */
    const char *value;           /* borrowed; NULL when it has none */
};

static int parse_flag(struct settings_reader *reader, int argc, char **argv, int *at,
                      struct flag *ret_flag)
{
    const char *argument = argv[(*at)++];
    if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0')
        return settings_fail(reader->error, "\"%.60s\": expected a flag, as --config FILE",
                             argument);
    size_t count = strcspn(argument + 2, "=");
    if (count >= sizeof(ret_flag->name))
        return settings_fail(reader->error, "%.60s...: unknown flag; --help lists them", argument);
    memcpy(ret_flag->name, argument + 2, count);
    ret_flag->name[count] = '\0';
    ret_flag->value = argument[2 + count] == '=' ? argument + 2 + count + 1 : NULL;

    bool is_bare = strcmp(ret_flag->name, "help") == 0 || strcmp(ret_flag->name, "version") == 0 ||
                   strcmp(ret_flag->name, "help-markdown") == 0;
    if (is_bare && ret_flag->value)
        return settings_fail(reader->error, "--%s: takes no value", ret_flag->name);
    if (!is_bare && strcmp(ret_flag->name, "config") != 0 &&
        !settings_find(reader->table, ret_flag->name)) {
        char place[SETTINGS_PLACE_BYTES];
        (void)snprintf(place, sizeof(place), "--%s", ret_flag->name);
        return settings_fail_unknown(reader, place, ret_flag->name);
    }
    if (!is_bare && !ret_flag->value && *at < argc)
        ret_flag->value = argv[(*at)++];
    if (!is_bare && !ret_flag->value)
        return settings_fail(reader->error, "--%s: needs a value", ret_flag->name);
    return 0;
}

/* What has to be known before anything is read: the file, and whether to print only. */
static int find_actions(struct settings_reader *reader, int argc, char **argv,
                        const char **ret_config, enum action *ret_action)
{
    *ret_config = NULL;
    *ret_action = ACTION_RUN;
    for (int at = 1; at < argc;) {
        struct flag flag = {.value = NULL};
        int r = parse_flag(reader, argc, argv, &at, &flag);
        if (r < 0)
            return r;
        if (strcmp(flag.name, "config") == 0 && *ret_config)
            return settings_fail(reader->error, "--config: is given twice");
        if (strcmp(flag.name, "config") == 0)
            *ret_config = flag.value;
        else if (strcmp(flag.name, "help") == 0)
            *ret_action = ACTION_HELP;
        else if (strcmp(flag.name, "version") == 0)
            *ret_action = ACTION_VERSION;
        else if (strcmp(flag.name, "help-markdown") == 0)
            *ret_action = ACTION_MARKDOWN;
    }
    return 0;
}

static int read_flags(struct settings_reader *reader, int argc, char **argv)
{
    begin_source(reader);
    for (int at = 1; at < argc;) {
        struct flag flag = {.value = NULL};
        int r = parse_flag(reader, argc, argv, &at, &flag);
        if (r < 0)
            return r;
        if (strcmp(flag.name, "config") == 0)
            continue;
        char place[SETTINGS_PLACE_BYTES];
        (void)snprintf(place, sizeof(place), "--%s", flag.name);
        const struct setting *row = settings_find(reader->table, flag.name);
        r = settings_take_text(reader, row, place, flag.value);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- the whole ---- */

static void verify_table(const struct settings_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *key = table->rows[i].key;
        assert(strlen(key) + sizeof(prefix) < SETTINGS_KEY_MAX);
        for (size_t j = 0; j < i; j++) /* a.b_c and a_b.c would be one variable */
            assert(distance(key, table->rows[j].key) > 0);
    }
}

static int print(const struct settings_table *table, enum action action, FILE *out,
                 struct settings_error *reterr)
{
    if (action == ACTION_HELP)
        settings_print_help(table, out);
    else if (action == ACTION_MARKDOWN)
        settings_print_markdown(table, out);
    else
        (void)fprintf(out, "%s %s\n", table->program, TRYTOK_VERSION);
    return fflush(out) == 0 ? 0 : settings_fail(reterr, "cannot print: %s", strerrordesc_np(errno));
}

static int read_sources(struct settings_reader *reader, int argc, char **argv, char **environment,
                        const char *config)
{
    int r = read_defaults(reader);
    if (r == 0 && config) {
        begin_source(reader);
        r = settings_read_yaml(reader, config);
    }
    if (r == 0)
        r = read_environment(reader, environment);
    return r < 0 ? r : read_flags(reader, argc, argv);
}

int settings_read(const struct settings_table *table, int argc, char **argv, char **environment,
                  FILE *out, void *ret_settings, enum settings_outcome *ret_outcome,
                  struct settings_error *reterr)
{
    verify_table(table);
    init_fields(table, ret_settings);
    AUTO_FREE bool *is_seen = calloc(table->count, sizeof(is_seen[0]));
    struct settings_reader reader = {table, ret_settings, is_seen, reterr};
    const char *config;
    enum action action;
    int r = is_seen ? find_actions(&reader, argc, argv, &config, &action) : -ENOMEM;
    if (r == 0 && action != ACTION_RUN)
        r = print(table, action, out, reterr);
    else if (r == 0)
        r = read_sources(&reader, argc, argv, environment, config);
    if (r == -ENOMEM)
        (void)snprintf(reterr->text, sizeof(reterr->text), "out of memory");
    if (r < 0) {
        settings_done(table, ret_settings);
        return r;
    }
    *ret_outcome = action == ACTION_RUN ? SETTINGS_RUN : SETTINGS_HELP_PRINTED;
    return 0;
}

void settings_done(const struct settings_table *table, void *settings)
{
    for (size_t i = 0; i < table->count; i++)
        setting_clear(&table->rows[i], settings);
}
