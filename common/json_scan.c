#include "json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

struct level { /* where we are in one container, for the pointer of an error */
    bool is_object;
    size_t index;
    const char *key; /* as written, between its quotes; NULL before the first */
    size_t key_count;
};

struct scan {
    const char *bytes;
    size_t count, at;
    struct level levels[JSON_DEPTH_MAX];
    size_t depth, value_count;
    struct json_error *error;
};

/* ---- errors ---- */

static const char pointer_more[] = "/\xE2\x80\xA6"; /* "/…" */

void json_pointer_add(char pointer[JSON_POINTER_BYTES], const char *token, size_t count)
{
    size_t before = strlen(pointer);
    size_t more = sizeof(pointer_more) - 1;
    if (before >= more && strcmp(pointer + before - more, pointer_more) == 0)
        return;
    size_t room = JSON_POINTER_BYTES - more; /* what is cut can always say so */
    size_t at = before;
    bool fits = at + 1 < room;
    if (fits)
        pointer[at++] = '/';
    for (size_t i = 0; fits && i < count; i++) {
        bool is_escaped = token[i] == '~' || token[i] == '/';
        fits = at + 2 < room;
        if (fits && is_escaped) {
            pointer[at++] = '~';
            pointer[at++] = token[i] == '~' ? '0' : '1';
        } else if (fits) {
            pointer[at++] = token[i];
        }
    }
    if (fits)
        pointer[at] = '\0';
    else
        memcpy(pointer + before, pointer_more, sizeof(pointer_more));
}

void json_pointer_add_index(char pointer[JSON_POINTER_BYTES], size_t index)
{
    char token[24];
    int length = snprintf(token, sizeof(token), "%zu", index);
    json_pointer_add(pointer, token, (size_t)length);
}

PRINTF_LIKE(2, 3) static int fail(struct scan *scan, const char *format, ...)
{
    char text[JSON_ERROR_BYTES - 32];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)snprintf(scan->error->text, sizeof(scan->error->text), "%s at byte %zu", text, scan->at);

    scan->error->pointer[0] = '\0';
    for (size_t i = 0; i < scan->depth; i++) {
        const struct level *level = &scan->levels[i];
        if (!level->is_object)
            json_pointer_add_index(scan->error->pointer, level->index);
        else if (level->key)
            json_pointer_add(scan->error->pointer, level->key, level->key_count);
    }
    return -EINVAL;
}

/* ---- tokens ---- */

static bool is_at(const struct scan *scan, char byte)
{
    return scan->at < scan->count && scan->bytes[scan->at] == byte;
}

static bool skip(struct scan *scan, char byte)
{
    bool is_there = is_at(scan, byte);
    if (is_there)
        scan->at++;
    return is_there;
}

static void skip_blanks(struct scan *scan)
{
    while (is_at(scan, ' ') || is_at(scan, '\n') || is_at(scan, '\r') || is_at(scan, '\t'))
        scan->at++;
}

static size_t skip_digits(struct scan *scan)
{
    size_t start = scan->at;
    while (scan->at < scan->count && scan->bytes[scan->at] >= '0' && scan->bytes[scan->at] <= '9')
        scan->at++;
    return scan->at - start;
}

static int scan_number(struct scan *scan)
{
    size_t start = scan->at;
    (void)skip(scan, '-');
    if (skip(scan, '0')) {
        if (skip_digits(scan) > 0)
            return fail(scan, "a number must not begin with 0,");
    } else if (skip_digits(scan) == 0) {
        return fail(scan, "expected a digit");
    }
    if (skip(scan, '.') && skip_digits(scan) == 0)
        return fail(scan, "expected a digit after the decimal point");
    if (skip(scan, 'e') || skip(scan, 'E')) {
        if (!skip(scan, '+'))
            (void)skip(scan, '-');
        if (skip_digits(scan) == 0)
            return fail(scan, "expected a digit in the exponent");
    }
    if (scan->at - start > JSON_NUMBER_CHARS_MAX)
        return fail(scan, "a number has more than %d characters", JSON_NUMBER_CHARS_MAX);
    return 0;
}

/* The four digits of \uXXXX. */
static int scan_code_unit(struct scan *scan, uint32_t *ret_unit)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        char digit = scan->at < scan->count ? scan->bytes[scan->at] : '\0';
        uint32_t value;
        if (digit >= '0' && digit <= '9')
            value = (uint32_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = (uint32_t)(digit - 'a' + 10);
        else if (digit >= 'A' && digit <= 'F')
            value = (uint32_t)(digit - 'A' + 10);
        else
            return fail(scan, "expected four hexadecimal digits after \\u");
        unit = unit << 4 | value;
        scan->at++;
    }
    *ret_unit = unit;
    return 0;
}

static int scan_unicode_escape(struct scan *scan)
{
    uint32_t unit = 0;
    int r = scan_code_unit(scan, &unit);
    if (r < 0)
        return r;
    if (unit == 0)
        return fail(scan, "\\u0000 is not accepted in JSON; send the program as text/plain;");
    if (unit < 0xD800 || unit > 0xDFFF)
        return 0;
    uint32_t low = 0;
    if (unit <= 0xDBFF && skip(scan, '\\') && skip(scan, 'u')) {
        r = scan_code_unit(scan, &low);
        if (r < 0)
            return r;
    }
    if (low < 0xDC00 || low > 0xDFFF)
        return fail(scan, "half of a surrogate pair is not a character");
    return 0;
}

static int scan_escape(struct scan *scan)
{
    if (skip(scan, 'u'))
        return scan_unicode_escape(scan);
    char byte = scan->at < scan->count ? scan->bytes[scan->at] : '\0';
    if (byte == '\0' || !strchr("\"\\/bfnrt", byte))
        return fail(scan, "unknown escape in a string");
    scan->at++;
    return 0;
}

/* One character that is not plain: an escape, or more than ASCII. */
static int scan_character(struct scan *scan)
{
    if (skip(scan, '\\'))
        return scan_escape(scan);
    if ((unsigned char)scan->bytes[scan->at] < 0x20)
        return fail(scan, "a control character in a string must be escaped");
    struct utf8_step step = utf8_next(scan->bytes + scan->at, scan->count - scan->at);
    if (step.kind != UTF8_VALID)
        return fail(scan, "a string is not UTF-8");
    scan->at += step.count;
    return 0;
}

/* The opening quote is consumed already. */
static int scan_string(struct scan *scan)
{
    for (;;) {
        while (scan->at < scan->count) { /* the plain bytes, which are nearly all */
            unsigned char byte = (unsigned char)scan->bytes[scan->at];
            if (byte < 0x20 || byte >= 0x7F || byte == '"' || byte == '\\')
                break;
            scan->at++;
        }
        if (scan->at == scan->count)
            return fail(scan, "a string has no end");
        if (skip(scan, '"'))
            return 0;
        int r = scan_character(scan);
        if (r < 0)
            return r;
    }
}

static int scan_literal(struct scan *scan)
{
    static const char *const literals[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_COUNT(literals); i++) {
        size_t count = strlen(literals[i]);
        if (scan->count - scan->at >= count &&
            memcmp(scan->bytes + scan->at, literals[i], count) == 0) {
            scan->at += count;
            return 0;
        }
    }
    return fail(scan,
                scan->at == scan->count ? "the document ends too early," : "expected a value");
}

/* ---- containers: recursion as deep as JSON_DEPTH_MAX ---- */

static int scan_value(struct scan *scan);

static int scan_key(struct scan *scan)
{
    struct level *level = &scan->levels[scan->depth - 1];
    skip_blanks(scan);
    if (!skip(scan, '"'))
        return fail(scan, "expected a key in quotes");
    size_t start = scan->at;
    int r = scan_string(scan);
    if (r < 0)
        return r;
    size_t key_count = scan->at - 1 - start;
    if (key_count > JSON_KEY_BYTES_MAX)
        return fail(scan, "a key has more than %d bytes", JSON_KEY_BYTES_MAX);
    level->key = scan->bytes + start;
    level->key_count = key_count;
    if (level->index >= JSON_KEYS_MAX)
        return fail(scan, "an object has more than %d keys", JSON_KEYS_MAX);
    skip_blanks(scan);
    return skip(scan, ':') ? 0 : fail(scan, "expected ':'");
}

static int scan_members(struct scan *scan, char close)
{
    struct level *level = &scan->levels[scan->depth - 1];
    skip_blanks(scan);
    if (skip(scan, close))
        return 0;
    for (;; level->index++) {
        int r = level->is_object ? scan_key(scan) : 0;
        if (r == 0)
            r = scan_value(scan);
        if (r < 0)
            return r;
        skip_blanks(scan);
        if (skip(scan, close))
            return 0;
        if (!skip(scan, ','))
            return fail(scan, "expected ',' or '%c'", close);
    }
}

static int scan_container(struct scan *scan, char close)
{
    if (scan->depth == JSON_DEPTH_MAX) {
        scan->at--; /* back to the bracket */
        return fail(scan, "nested deeper than %d", JSON_DEPTH_MAX);
    }
    scan->levels[scan->depth++] = (struct level){.is_object = close == '}'};
    int r = scan_members(scan, close);
    if (r == 0)
        scan->depth--; /* after an error the levels stay: they are its pointer */
    return r;
}

static int scan_value(struct scan *scan)
{
    if (++scan->value_count > JSON_VALUES_MAX)
        return fail(scan, "the document has more than %d values", JSON_VALUES_MAX);
    skip_blanks(scan);
    if (skip(scan, '{'))
        return scan_container(scan, '}');
    if (skip(scan, '['))
        return scan_container(scan, ']');
    if (skip(scan, '"'))
        return scan_string(scan);
    char byte = scan->at < scan->count ? scan->bytes[scan->at] : '\0';
    if (byte == '-' || (byte >= '0' && byte <= '9'))
        return scan_number(scan);
    return scan_literal(scan);
}

int json_scan(const char *bytes, size_t count, struct json_error *reterr)
{
    struct scan scan = {.bytes = bytes, .count = count, .error = reterr};
    if (count >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        return fail(&scan, "send UTF-8 without a byte order mark; there is one");
    skip_blanks(&scan);
    if (scan.at == count)
        return fail(&scan, "expected a JSON document; it ends");
    int r = scan_value(&scan);
    if (r < 0)
        return r;
    skip_blanks(&scan);
    return scan.at == count ? 0 : fail(&scan, "expected nothing more after the document");
}
