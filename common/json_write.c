#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

static int write_control(struct buffer *to, char byte)
{
    switch (byte) {
    case '"':
        return buffer_append(to, "\\\"", 2);
    case '\\':
        return buffer_append(to, "\\\\", 2);
    case '\n':
        return buffer_append(to, "\\n", 2);
    case '\r':
        return buffer_append(to, "\\r", 2);
    case '\t':
        return buffer_append(to, "\\t", 2);
    default:
        return buffer_append_format(to, "\\u%04x", (unsigned)(unsigned char)byte);
    }
}

/* One character that is not plain; *ret_count bytes were used. */
static int write_character(struct buffer *to, const char *bytes, size_t count, size_t *ret_count)
{
    struct utf8_step step = utf8_next(bytes, count);
    *ret_count = step.count;
    if (step.kind != UTF8_VALID)
        return buffer_append(to, "\xEF\xBF\xBD", 3);
    if (step.count == 1)
        return write_control(to, *bytes);
    return buffer_append(to, bytes, step.count);
}

static int write_string(struct buffer *to, const char *bytes, size_t count)
{
    int r = buffer_append(to, "\"", 1);
    size_t at = 0;
    while (r == 0 && at < count) {
        size_t start = at;
        while (at < count && is_plain((unsigned char)bytes[at]))
            at++;
        r = buffer_append(to, bytes + start, at - start);
        if (r == 0 && at < count) {
            size_t used;
            r = write_character(to, bytes + at, count - at, &used);
            at += used;
        }
    }
    return r < 0 ? r : buffer_append(to, "\"", 1);
}

int json_write_string(struct buffer *to, const char *bytes, size_t count)
{
    size_t count_before = buffer_count(to);
    int r = write_string(to, bytes, count);
    if (r < 0)
        to->end = to->start + count_before; /* half a string would spoil the document */
    return r;
}

int json_write_text(struct buffer *to, const char *text)
{
    return json_write_string(to, text, strlen(text));
}

int json_write_uint(struct buffer *to, uint64_t value)
{
    return buffer_append_format(to, "%" PRIu64, value);
}

int json_write_ms(struct buffer *to, uint64_t microseconds)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%" PRIu64 ".%03" PRIu64, microseconds / 1000,
                          microseconds % 1000);
    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    return buffer_append(to, text, (size_t)length);
}

size_t json_whole_characters(const char *bytes, size_t count)
{
    for (size_t back = 1; back <= 3 && back <= count; back++) {
        unsigned char byte = (unsigned char)bytes[count - back];
        if ((byte & 0xC0) == 0x80)
            continue;
        struct utf8_step step = utf8_next(bytes + count - back, back);
        return step.kind == UTF8_PARTIAL ? count - back : count;
    }
    return count;
}
