#include <string.h>

#include "settings_internal.h"

enum { BOUNDS_BYTES = 2 * SETTINGS_VALUE_BYTES + 24 };

static void format_bounds(const struct setting *row, char text[BOUNDS_BYTES])
{
    char min[SETTINGS_VALUE_BYTES];
    char max[SETTINGS_VALUE_BYTES];
    setting_format_bound(row->kind, row->min, min);
    setting_format_bound(row->kind, row->max, max);
    const char *unit = "";
    if (row->kind == SETTING_STRING)
        unit = " bytes";
    else if (row->kind == SETTING_LIST)
        unit = " items";
    if (row->kind == SETTING_BOOL)
        (void)snprintf(text, BOUNDS_BYTES, "true, false");
    else if (row->kind == SETTING_ADDRESS)
        (void)snprintf(text, BOUNDS_BYTES, "IPv4 or IPv6");
    else
        (void)snprintf(text, BOUNDS_BYTES, "%s to %s%s", min, max, unit);
}

static const char *default_of(const struct setting *row)
{
    return row->default_text[0] != '\0' ? row->default_text : "(none)";
}

static int max_int(int a, size_t b)
{
    return b > (size_t)a ? (int)b : a;
}

static void print_rows(const struct settings_table *table, FILE *out)
{
    char bounds[BOUNDS_BYTES];
    int key_width = 0;
    int default_width = 0;
    int bounds_width = 0;
    for (size_t i = 0; i < table->count; i++) {
        format_bounds(&table->rows[i], bounds);
        key_width = max_int(key_width, strlen(table->rows[i].key));
        /* A long default pushes its own row only. */
        if (strlen(default_of(&table->rows[i])) <= 24)
            default_width = max_int(default_width, strlen(default_of(&table->rows[i])));
        bounds_width = max_int(bounds_width, strlen(bounds));
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *row = &table->rows[i];
        format_bounds(row, bounds);
        (void)fprintf(out, "  --%-*s  %-*s  %-*s  %s\n", key_width, row->key, default_width,
                      default_of(row), bounds_width, bounds, row->help);
    }
}

void settings_print_help(const struct settings_table *table, FILE *out)
{
    (void)fprintf(out,
                  "%s: %s\n"
                  "\n"
                  "Usage: %s [--config FILE] [--SETTING VALUE]...\n"
                  "\n"
                  "  --config FILE    read settings from this YAML file first\n"
                  "  --help           print this\n"
                  "  --help-markdown  print the settings as a table for the documentation\n"
                  "  --version        print the version\n"
                  "\n"
                  "Settings come from the file, then the environment (TRYTOK_A_B for a.b), then "
                  "flags; what comes later wins.\n"
                  "Bytes are written 64MiB, 8KiB or 4096; times 10s, 500ms or 500; lists a,b.\n"
                  "\n"
                  "Setting, default, bounds, meaning:\n",
                  table->program, table->summary, table->program);
    print_rows(table, out);
}

/* A '|' would end the cell. */
static void print_cell(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

void settings_print_markdown(const struct settings_table *table, FILE *out)
{
    (void)fprintf(out, "## %s\n\n%s\n\n", table->program, table->summary);
    (void)fprintf(out, "| setting | kind | default | bounds | meaning |\n"
                       "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *row = &table->rows[i];
        char bounds[BOUNDS_BYTES];
        format_bounds(row, bounds);
        bool has_default = row->default_text[0] != '\0';
        (void)fprintf(out, "| `%s` | %s | %s", row->key, setting_kind_name(row->kind),
                      has_default ? "`" : "");
        print_cell(default_of(row), out);
        (void)fprintf(out, "%s | %s | ", has_default ? "`" : "", bounds);
        print_cell(row->help, out);
        (void)fprintf(out, " |\n");
    }
}
