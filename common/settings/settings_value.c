#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "settings_internal.h"

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Largest first: a bound is shown in the first unit that divides it. */
static const struct unit byte_units[] = {
    {"GiB", (uint64_t)1 << 30},
    {"MiB", (uint64_t)1 << 20},
    {"KiB", (uint64_t)1 << 10},
    {"", 1},
};
static const struct unit ms_units[] = {{"s", 1000}, {"ms", 1}, {"", 1}};
static const struct unit no_units[] = {{"", 1}};

struct kind_row {
    const char *name;
    const struct unit *units;
    size_t unit_count;
    const char *form; /* of a number, for messages */
};

static const struct kind_row kinds[] = {
    [SETTING_INTEGER] = {"integer", no_units, ARRAY_COUNT(no_units), "an integer, as 42"},
    [SETTING_BYTES] = {"bytes", byte_units, ARRAY_COUNT(byte_units),
                       "a number of bytes, as 64MiB, 8KiB or 4096"},
    [SETTING_MS] = {"time", ms_units, ARRAY_COUNT(ms_units), "a time, as 10s, 500ms or 500"},
    [SETTING_BOOL] = {"true or false", NULL, 0, NULL},
    [SETTING_STRING] = {"text", NULL, 0, NULL},
    [SETTING_ADDRESS] = {"address", NULL, 0, NULL},
    [SETTING_LIST] = {"list", NULL, 0, NULL},
};

const char *setting_kind_name(enum setting_kind kind)
{
    return kinds[kind].name;
}

void setting_format_bound(enum setting_kind kind, uint64_t value, char text[SETTINGS_VALUE_BYTES])
{
    const struct kind_row *row = &kinds[kind];
    size_t i = 0;
    while (i + 1 < row->unit_count && (value == 0 || value % row->units[i].factor != 0))
        i++;
    const struct unit one = {"", 1};
    const struct unit *unit = row->unit_count > 0 ? &row->units[i] : &one;
    (void)snprintf(text, SETTINGS_VALUE_BYTES, "%" PRIu64 "%s", value / unit->factor, unit->suffix);
}

PRINTF_LIKE(2, 3) static int refuse(char reason[SETTINGS_REASON_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, SETTINGS_REASON_BYTES, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* What a user wrote, fit to be shown: short and printable. */
struct excerpt {
    char text[52];
};
static struct excerpt excerpt_of(const char *text)
{
    struct excerpt excerpt;
    size_t count = strnlen(text, sizeof(excerpt.text));
    bool is_cut = count == sizeof(excerpt.text);
    if (is_cut)
        count = sizeof(excerpt.text) - 4;
    for (size_t i = 0; i < count; i++)
        excerpt.text[i] = (unsigned char)text[i] >= 0x20 && text[i] != 0x7F ? text[i] : '?';
    memcpy(excerpt.text + count, is_cut ? "..." : "", is_cut ? 4 : 1);
    return excerpt;
}

static void *field_of(const struct setting *row, void *settings)
{
    return (char *)settings + row->offset;
}

static int verify_bounds(const struct setting *row, uint64_t value, const char *what,
                         char reason[SETTINGS_REASON_BYTES])
{
    if (value >= row->min && value <= row->max)
        return 0;
    char min[SETTINGS_VALUE_BYTES];
    char max[SETTINGS_VALUE_BYTES];
    setting_format_bound(row->kind, row->min, min);
    setting_format_bound(row->kind, row->max, max);
    return refuse(reason, "%s is out of bounds, %s to %s", what, min, max);
}

/* Digits, then one of the units. False when the text has another form; *ret_too_large when the
 * number has no room in 64 bits. */
static bool parse_number(const char *text, const struct kind_row *kind, uint64_t *ret_value,
                         bool *ret_too_large)
{
    uint64_t value = 0;
    bool too_large = false;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        too_large = too_large || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value);
    }
    if (at == text)
        return false;
    for (size_t i = 0; i < kind->unit_count; i++) {
        if (strcmp(at, kind->units[i].suffix) == 0) {
            too_large = too_large || __builtin_mul_overflow(value, kind->units[i].factor, &value);
            *ret_value = value;
            *ret_too_large = too_large;
            return true;
        }
    }
    return false;
}

static int set_number(const struct setting *row, void *settings, const char *text,
                      char reason[SETTINGS_REASON_BYTES])
{
    struct excerpt shown = excerpt_of(text);
    uint64_t value;
    bool too_large;
    if (!parse_number(text, &kinds[row->kind], &value, &too_large))
        return refuse(reason, "\"%s\" is not %s", shown.text, kinds[row->kind].form);
    if (too_large)
        return refuse(reason, "%s is too large a number", shown.text);
    int r = verify_bounds(row, value, shown.text, reason);
    if (r == 0)
        *(uint64_t *)field_of(row, settings) = value;
    return r;
}

static int set_bool(const struct setting *row, void *settings, const char *text,
                    char reason[SETTINGS_REASON_BYTES])
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        return refuse(reason, "\"%s\" is neither true nor false", excerpt_of(text).text);
    *(bool *)field_of(row, settings) = is_true;
    return 0;
}

static int verify_text(const char *text, char reason[SETTINGS_REASON_BYTES])
{
    size_t count = strnlen(text, SETTINGS_STRING_MAX + 1);
    if (count > SETTINGS_STRING_MAX)
        return refuse(reason, "the text has more than %d bytes", SETTINGS_STRING_MAX);
    for (size_t i = 0; i < count; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return refuse(reason, "\"%s\" has a control character in it", excerpt_of(text).text);
    }
    return 0;
}

static int set_string(const struct setting *row, void *settings, const char *text,
                      char reason[SETTINGS_REASON_BYTES])
{
    int r = verify_text(text, reason);
    if (r == 0)
        r = verify_bounds(row, strlen(text), "the text's length", reason);
    if (r < 0)
        return r;
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    setting_clear(row, settings);
    *(char **)field_of(row, settings) = copy;
    return 0;
}

static int set_address(const struct setting *row, void *settings, const char *text,
                       char reason[SETTINGS_REASON_BYTES])
{
    struct in6_addr unused;
    if (inet_pton(AF_INET, text, &unused) != 1 && inet_pton(AF_INET6, text, &unused) != 1)
        return refuse(reason, "\"%s\" is not a numeric address, as 127.0.0.1 or ::1",
                      excerpt_of(text).text);
    return set_string(row, settings, text, reason);
}

static void list_free(struct settings_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct settings_list){0};
}

static struct settings_list list_take(struct settings_list *list)
{
    struct settings_list taken = *list;
    *list = (struct settings_list){0};
    return taken;
}

int setting_set_items(const struct setting *row, void *settings, char *const *items, size_t count,
                      char reason[SETTINGS_REASON_BYTES])
{
    if (row->kind != SETTING_LIST)
        return refuse(reason, "must be one value, not a list");
    if (count > SETTINGS_ITEMS_MAX)
        return refuse(reason, "the list has more than %d items", SETTINGS_ITEMS_MAX);
    int r = verify_bounds(row, count, "the number of items", reason);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = items[i][0] != '\0' ? verify_text(items[i], reason)
                                : refuse(reason, "an item of the list is empty");
    if (r < 0)
        return r;

    AUTO(list_free) struct settings_list list = {0};
    list.items = calloc(count > 0 ? count : 1, sizeof(list.items[0]));
    if (!list.items)
        return -ENOMEM;
    for (; list.count < count; list.count++) {
        list.items[list.count] = strdup(items[list.count]);
        if (!list.items[list.count])
            return -ENOMEM;
    }
    setting_clear(row, settings);
    *(struct settings_list *)field_of(row, settings) = list_take(&list);
    return 0;
}

static char *trim(char *text)
{
    while (*text == ' ')
        text++;
    size_t count = strlen(text);
    while (count > 0 && text[count - 1] == ' ')
        text[--count] = '\0';
    return text;
}

/* "a, b" */
static int set_list_text(const struct setting *row, void *settings, const char *text,
                         char reason[SETTINGS_REASON_BYTES])
{
    AUTO_FREE char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    char *items[SETTINGS_ITEMS_MAX + 1];
    size_t count = 0;
    char *rest = *trim(copy) != '\0' ? copy : NULL;
    while (rest && count < ARRAY_COUNT(items)) {
        char *item = strsep(&rest, ",");
        items[count++] = trim(item);
    }
    return setting_set_items(row, settings, items, count, reason);
}

int setting_set_text(const struct setting *row, void *settings, const char *text,
                     char reason[SETTINGS_REASON_BYTES])
{
    switch (row->kind) {
    case SETTING_INTEGER:
    case SETTING_BYTES:
    case SETTING_MS:
        return set_number(row, settings, text, reason);
    case SETTING_BOOL:
        return set_bool(row, settings, text, reason);
    case SETTING_STRING:
        return set_string(row, settings, text, reason);
    case SETTING_ADDRESS:
        return set_address(row, settings, text, reason);
    case SETTING_LIST:
        return set_list_text(row, settings, text, reason);
    }
    return -EINVAL;
}

void setting_clear(const struct setting *row, void *settings)
{
    if (row->kind == SETTING_STRING || row->kind == SETTING_ADDRESS) {
        char **text = field_of(row, settings);
        free(*text);
        *text = NULL;
    } else if (row->kind == SETTING_LIST) {
        list_free(field_of(row, settings));
    }
}
