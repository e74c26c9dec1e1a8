#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

/* How many of the first bytes go out as they are: plain ones and whole characters beyond ASCII. */
static size_t count_unescaped(const char *bytes, size_t count)
{
    size_t at = 0;
    while (at < count) {
        unsigned char byte = (unsigned char)bytes[at];
        if (is_plain(byte)) {
            at++;
            continue;
        }
        if (byte < 0x80)
            return at;
        struct utf8_step step = utf8_next(bytes + at, count - at);
        if (step.kind != UTF8_VALID)
            return at;
        at += step.count;
    }
    return at;
}

static int write_control(struct buffer *to, char byte)
{
    static const char digits[] = "0123456789abcdef";
    static const char short_names[0x20] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    unsigned char code = (unsigned char)byte;
    if (byte == '"' || byte == '\\')
        return buffer_append(to, (const char[]){'\\', byte}, 2);
    if (code < sizeof(short_names) && short_names[code] != '\0')
        return buffer_append(to, (const char[]){'\\', short_names[code]}, 2);
    return buffer_append(
        to, (const char[]){'\\', 'u', '0', '0', digits[code >> 4], digits[code & 15]}, 6);
}

/* What count_unescaped() stopped at; *ret_count bytes were used. */
static int write_escaped(struct buffer *to, const char *bytes, size_t count, size_t *ret_count)
{
    if ((unsigned char)*bytes < 0x80) {
        *ret_count = 1;
        return write_control(to, *bytes);
    }
    *ret_count = utf8_next(bytes, count).count;
    return buffer_append(to, "\xEF\xBF\xBD", 3);
}

static int write_string(struct buffer *to, const char *bytes, size_t count)
{
    int r = buffer_append(to, "\"", 1);
    size_t at = 0;
    while (r == 0 && at < count) {
        size_t run = count_unescaped(bytes + at, count - at);
        r = buffer_append(to, bytes + at, run);
        at += run;
        if (r == 0 && at < count) {
            size_t used;
            r = write_escaped(to, bytes + at, count - at, &used);
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
