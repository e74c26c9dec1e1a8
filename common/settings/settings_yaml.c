#include <fcntl.h>
#include <string.h>
#include <yaml.h>

#include "buffer.h"
#include "settings_internal.h"

struct yaml_reader {
    struct settings_reader *settings;
    const char *path;
    yaml_parser_t parser;
};

static int read_file(struct settings_reader *reader, const char *path, struct buffer *to)
{
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return settings_fail(reader->error, "%s: cannot be opened: %s", path,
                             strerrordesc_np(errno));
    for (;;) {
        char bytes[16384];
        ssize_t got = read(fd, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return settings_fail(reader->error, "%s: cannot be read: %s", path,
                                 strerrordesc_np(errno));
        if (got == 0)
            return 0;
        int r = buffer_append(to, bytes, (size_t)got);
        if (r == -EMSGSIZE)
            return settings_fail(reader->error, "%s: is larger than %d bytes", path,
                                 SETTINGS_FILE_BYTES_MAX);
        if (r < 0)
            return r;
    }
}

/* ---- events ---- */

static int fail_at(const struct yaml_reader *reader, size_t line, const char *text)
{
    return settings_fail(reader->settings->error, "%s:%zu: %s", reader->path, line + 1, text);
}

/* The line that an event is said to be on. */
static size_t line_of(const yaml_event_t *event)
{
    return event->start_mark.line;
}

static bool has_tag(const yaml_event_t *event)
{
    return (event->type == YAML_SCALAR_EVENT && event->data.scalar.tag) ||
           (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.tag) ||
           (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.tag);
}

/* On error there is no event to delete. */
static int next_event(struct yaml_reader *reader, yaml_event_t *ret_event)
{
    yaml_event_t event;
    if (!yaml_parser_parse(&reader->parser, &event)) {
        if (reader->parser.error == YAML_MEMORY_ERROR)
            return -ENOMEM;
        const char *problem = reader->parser.problem;
        return fail_at(reader, reader->parser.problem_mark.line, problem ? problem : "not YAML");
    }
    const char *refusal = NULL;
    if (event.type == YAML_ALIAS_EVENT)
        refusal = "aliases (*name) are not accepted; write the value again";
    else if (has_tag(&event))
        refusal = "tags (!name) are not accepted; write the plain value";
    if (refusal) {
        int r = fail_at(reader, line_of(&event), refusal);
        yaml_event_delete(&event);
        return r;
    }
    *ret_event = event;
    return 0;
}

/* A NULL when the scalar's bytes are no C string. */
static const char *text_of(const yaml_event_t *scalar)
{
    const char *text = (const char *)scalar->data.scalar.value;
    return strlen(text) == scalar->data.scalar.length ? text : NULL;
}

static bool is_null(const yaml_event_t *scalar)
{
    const char *text = (const char *)scalar->data.scalar.value;
    return scalar->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

/* ---- values ---- */

struct items {
    char *texts[SETTINGS_ITEMS_MAX + 1]; /* owned */
    size_t count;
};

static void items_release(struct items *items)
{
    for (size_t i = 0; i < items->count; i++)
        free(items->texts[i]);
}

static int add_item(struct yaml_reader *reader, const yaml_event_t *event, struct items *items)
{
    if (event->type != YAML_SCALAR_EVENT || is_null(event) || !text_of(event))
        return fail_at(reader, line_of(event), "an item of a list must be plain text");
    if (items->count == ARRAY_COUNT(items->texts))
        return 0; /* enough to be refused for their number */
    char *text = strdup(text_of(event));
    if (!text)
        return -ENOMEM;
    items->texts[items->count++] = text;
    return 0;
}

static int read_items(struct yaml_reader *reader, struct items *items)
{
    for (;;) {
        yaml_event_t event = {0};
        int r = next_event(reader, &event);
        if (r < 0)
            return r;
        bool is_end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!is_end)
            r = add_item(reader, &event, items);
        yaml_event_delete(&event);
        if (is_end || r < 0)
            return r;
    }
}

static int take_value(struct yaml_reader *reader, const char *key, const yaml_event_t *event)
{
    char place[SETTINGS_PLACE_BYTES];
    (void)snprintf(place, sizeof(place), "%s:%zu", reader->path, line_of(event) + 1);
    const struct setting *row = settings_find(reader->settings->table, key);
    if (!row)
        return settings_fail_unknown(reader->settings, place, key);

    (void)snprintf(place, sizeof(place), "%s:%zu: %s", reader->path, line_of(event) + 1, key);
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        AUTO(items_release) struct items items = {.count = 0};
        int r = read_items(reader, &items);
        return r < 0 ? r
                     : settings_take_items(reader->settings, row, place, items.texts, items.count);
    }
    if (is_null(event))
        return settings_fail(reader->settings->error, "%s: has no value", place);
    if (!text_of(event))
        return settings_fail(reader->settings->error, "%s: has a NUL in it", place);
    if (row->kind == SETTING_LIST)
        return settings_fail(reader->settings->error, "%s: must be a list, as [a, b]", place);
    return settings_take_text(reader->settings, row, place, text_of(event));
}

/* ---- mappings: recursion as deep as SETTINGS_DEPTH_MAX ---- */

struct path {
    char text[SETTINGS_KEY_MAX]; /* dotted */
    unsigned depth;
};

static int read_mapping(struct yaml_reader *reader, const struct path *prefix);

static int read_member(struct yaml_reader *reader, const struct path *path)
{
    yaml_event_t event = {0};
    int r = next_event(reader, &event);
    if (r < 0)
        return r;
    AUTO(yaml_event_delete) yaml_event_t owned = event;
    if (owned.type != YAML_MAPPING_START_EVENT)
        return take_value(reader, path->text, &owned);
    if (settings_find(reader->settings->table, path->text))
        return settings_fail(reader->settings->error,
                             "%s:%zu: %s: must be a value, not a group of settings", reader->path,
                             line_of(&owned) + 1, path->text);
    if (path->depth == SETTINGS_DEPTH_MAX)
        return fail_at(reader, line_of(&owned), "nested too deep; there is no such setting");
    return read_mapping(reader, path);
}

static int extend_path(struct yaml_reader *reader, const struct path *prefix,
                       const yaml_event_t *key, struct path *ret_path)
{
    if (key->type != YAML_SCALAR_EVENT || !text_of(key))
        return fail_at(reader, line_of(key), "a key must be plain text");
    ret_path->depth = prefix->depth + 1;
    int length = snprintf(ret_path->text, sizeof(ret_path->text), "%s%s%s", prefix->text,
                          prefix->depth > 0 ? "." : "", text_of(key));
    if (length < 0 || (size_t)length >= sizeof(ret_path->text))
        return fail_at(reader, line_of(key), "a key is too long; there is no such setting");
    return 0;
}

static int read_mapping(struct yaml_reader *reader, const struct path *prefix)
{
    for (;;) {
        yaml_event_t event = {0};
        int r = next_event(reader, &event);
        if (r < 0)
            return r;
        bool is_end = event.type == YAML_MAPPING_END_EVENT;
        struct path path = {.depth = 0};
        if (!is_end)
            r = extend_path(reader, prefix, &event, &path);
        yaml_event_delete(&event);
        if (is_end || r < 0)
            return r;
        r = read_member(reader, &path);
        if (r < 0)
            return r;
    }
}

/* One document that is a mapping, or nothing at all. */
static int read_stream(struct yaml_reader *reader)
{
    bool had_document = false;
    for (;;) {
        yaml_event_t event = {0};
        int r = next_event(reader, &event);
        if (r < 0)
            return r;
        yaml_event_type_t type = event.type;
        size_t line = line_of(&event);
        bool is_empty = type == YAML_SCALAR_EVENT && is_null(&event);
        yaml_event_delete(&event);

        const struct path root = {.depth = 0};
        if (type == YAML_STREAM_END_EVENT)
            return 0;
        if (type == YAML_DOCUMENT_START_EVENT && had_document)
            return fail_at(reader, line, "a second document (---) is not accepted");
        if (type == YAML_DOCUMENT_START_EVENT)
            had_document = true;
        else if (type == YAML_MAPPING_START_EVENT)
            r = read_mapping(reader, &root);
        else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_END_EVENT && !is_empty)
            r = fail_at(reader, line, "expected settings, as \"key: value\"");
        if (r < 0)
            return r;
    }
}

int settings_read_yaml(struct settings_reader *reader, const char *path)
{
    AUTO(buffer_done) struct buffer text;
    buffer_init(&text, SETTINGS_FILE_BYTES_MAX);
    int r = read_file(reader, path, &text);
    if (r < 0)
        return r;
    struct yaml_reader yaml = {.settings = reader, .path = path};
    if (!yaml_parser_initialize(&yaml.parser))
        return -ENOMEM;
    yaml_parser_set_input_string(&yaml.parser, (const unsigned char *)buffer_data(&text),
                                 buffer_count(&text));
    r = read_stream(&yaml);
    yaml_parser_delete(&yaml.parser);
    return r;
}
