#include "frame.h"

#include <errno.h>
#include <string.h>

/* Payloads are written and read field by field, little endian, in the order of the structs below;
 * texts are a u32 count and their bytes, names a u8 count and theirs. */

enum { FRAME_HEADER_ZERO_AT = 6, FRAME_BACKEND_MAX = 16, NAME_MAX_BYTES = 255 };
_Static_assert((int)FRAME_FUNCTION_MAX <= (int)NAME_MAX_BYTES, "a name's count is one byte");
_Static_assert((int)FRAME_POD_MAX <= (int)NAME_MAX_BYTES, "a name's count is one byte");
_Static_assert(2 * (4 + (int)FRAME_TEXT_MAX) +
                       (int)FRAME_TRACE_MAX * (5 + (int)FRAME_FUNCTION_MAX) + 64 <=
                   (int)FRAME_PAYLOAD_MAX,
               "the longest diagnostic is one frame");
_Static_assert(64 + 2 + (int)FRAME_BACKEND_MAX + (int)FRAME_POD_MAX <=
                   (int)FRAME_FIXED_MAX - (int)FRAME_HEADER_BYTES,
               "the longest result is a fixed frame");

/* ---- writing ---- */

static uint8_t *put_u8(uint8_t *to, uint8_t value)
{
    *to = value;
    return to + 1;
}

static uint8_t *put_u32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
    return to + 4;
}

static uint8_t *put_u64(uint8_t *to, uint64_t value)
{
    return put_u32(put_u32(to, (uint32_t)value), (uint32_t)(value >> 32));
}

/* The longest beginning of at most max bytes that does not end inside a character; text that is not
 * UTF-8 is cut at max. */
static uint32_t cut_count(struct frame_text text, uint32_t max)
{
    if (text.count <= max)
        return text.count;
    for (uint32_t back = 0; back < 4 && back < max; back++) {
        if (((unsigned char)text.bytes[max - back] & 0xC0) != 0x80)
            return max - back;
    }
    return max;
}

static uint8_t *put_bytes(uint8_t *to, struct frame_text text, uint32_t count)
{
    if (count > 0)
        memcpy(to, text.bytes, count);
    return to + count;
}

static uint8_t *put_text(uint8_t *to, struct frame_text text)
{
    uint32_t count = cut_count(text, FRAME_TEXT_MAX);
    return put_bytes(put_u32(to, count), text, count);
}

static uint8_t *put_name(uint8_t *to, struct frame_text name, uint32_t max)
{
    uint32_t count = cut_count(name, max);
    return put_bytes(put_u8(to, (uint8_t)count), name, count);
}

static size_t finish(uint8_t *frame, const uint8_t *end, enum frame_type type)
{
    size_t count = (size_t)(end - frame);
    frame_encode_header(frame, type, (uint32_t)(count - FRAME_HEADER_BYTES));
    return count;
}

void frame_encode_header(uint8_t bytes[FRAME_HEADER_BYTES], enum frame_type type,
                         uint32_t payload_bytes)
{
    uint8_t *to = put_u32(bytes, payload_bytes);
    to = put_u8(to, (uint8_t)type);
    to = put_u8(to, FRAME_VERSION);
    to = put_u8(to, 0);
    put_u8(to, 0);
}

size_t frame_encode_hello(uint8_t *to, const struct frame_hello *hello)
{
    uint8_t *at = to + FRAME_HEADER_BYTES;
    for (unsigned i = 0; i < 4; i++)
        at = put_u64(at, hello->token[i]);
    at = put_u32(at, hello->build);
    return finish(to, at, FRAME_HELLO);
}

size_t frame_encode_armed(uint8_t *to, const struct frame_armed *armed)
{
    uint8_t *at = put_u32(to + FRAME_HEADER_BYTES, armed->layers);
    at = put_u32(at, armed->landlock_abi);
    return finish(to, at, FRAME_ARMED);
}

size_t frame_encode_start(uint8_t *to, const struct frame_start *start)
{
    const struct frame_limits *limits = &start->limits;
    uint8_t *at = put_u8(to + FRAME_HEADER_BYTES, (uint8_t)start->mode);
    at = put_u64(at, start->nonce);
    at = put_u64(at, limits->steps);
    at = put_u64(at, limits->memory_bytes);
    at = put_u64(at, limits->output_bytes);
    at = put_u32(at, limits->wall_ms);
    at = put_u32(at, limits->cpu_ms);
    at = put_u32(at, limits->call_depth);
    at = put_u32(at, start->source_bytes);
    at = put_u32(at, start->input_bytes);
    return finish(to, at, FRAME_START);
}

size_t frame_encode_started(uint8_t *to, const struct frame_started *started)
{
    return finish(to, put_u64(to + FRAME_HEADER_BYTES, started->nonce), FRAME_STARTED);
}

size_t frame_encode_result(uint8_t *to, const struct frame_result *result)
{
    uint8_t *at = put_u64(to + FRAME_HEADER_BYTES, result->nonce);
    at = put_u8(at, (uint8_t)result->verdict);
    at = put_u8(at, result->truncated ? 1 : 0);
    at = put_u64(at, result->steps);
    at = put_u64(at, result->memory_peak_bytes);
    at = put_u64(at, result->queue_us);
    at = put_u64(at, result->wall_us);
    at = put_u64(at, result->cpu_us);
    at = put_u32(at, result->layers);
    at = put_name(at, result->backend, FRAME_BACKEND_MAX);
    at = put_name(at, result->pod, FRAME_POD_MAX);
    return finish(to, at, FRAME_RESULT);
}

size_t frame_encode_diagnostic(uint8_t *to, const struct frame_diagnostic *diagnostic)
{
    uint32_t trace_count = diagnostic->trace_count;
    uint32_t omitted = diagnostic->trace_omitted;
    if (trace_count > FRAME_TRACE_MAX) {
        omitted += trace_count - FRAME_TRACE_MAX;
        trace_count = FRAME_TRACE_MAX;
    }

    uint8_t *at = put_u8(to + FRAME_HEADER_BYTES, diagnostic->severity);
    at = put_u32(at, diagnostic->line);
    at = put_u32(at, diagnostic->column);
    at = put_u32(at, diagnostic->length);
    at = put_text(at, diagnostic->message);
    at = put_text(at, diagnostic->text);
    at = put_u32(at, omitted);
    at = put_u8(at, (uint8_t)trace_count);
    for (uint32_t i = 0; i < trace_count; i++) {
        at = put_u32(at, diagnostic->trace[i].line);
        at = put_name(at, diagnostic->trace[i].function, FRAME_FUNCTION_MAX);
    }
    return finish(to, at, FRAME_DIAGNOSTIC);
}

/* ---- reading: a cursor that stays at the end, giving zeros, once anything was wrong ---- */

struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static struct cursor cursor_over(const uint8_t *payload, size_t count)
{
    return (struct cursor){.at = payload, .end = payload + count};
}

/* The next `count` bytes, or NULL when there are fewer. */
static const uint8_t *take(struct cursor *from, size_t count)
{
    if (from->bad || count > (size_t)(from->end - from->at)) {
        from->bad = true;
        return NULL;
    }
    const uint8_t *bytes = from->at;
    from->at += count;
    return bytes;
}

static uint8_t get_u8(struct cursor *from)
{
    const uint8_t *bytes = take(from, 1);
    return bytes ? *bytes : 0;
}

static uint32_t get_u32(struct cursor *from)
{
    const uint8_t *bytes = take(from, 4);
    uint32_t value = 0;
    for (unsigned i = 0; bytes && i < 4; i++)
        value |= (uint32_t)bytes[i] << (8 * i);
    return value;
}

static uint64_t get_u64(struct cursor *from)
{
    uint64_t low = get_u32(from);
    return low | (uint64_t)get_u32(from) << 32;
}

/* A byte below `limit`. */
static uint8_t get_below(struct cursor *from, unsigned limit)
{
    uint8_t value = get_u8(from);
    if (value >= limit) {
        from->bad = true;
        return 0;
    }
    return value;
}

static struct frame_text get_bytes(struct cursor *from, uint32_t count, uint32_t max)
{
    const uint8_t *bytes = count <= max ? take(from, count) : NULL;
    if (!bytes) {
        from->bad = true;
        return (struct frame_text){.bytes = ""};
    }
    return (struct frame_text){.bytes = (const char *)bytes, .count = count};
}

static struct frame_text get_text(struct cursor *from)
{
    uint32_t count = get_u32(from);
    return get_bytes(from, count, FRAME_TEXT_MAX);
}

static struct frame_text get_name(struct cursor *from, uint32_t max)
{
    uint32_t count = get_u8(from);
    return get_bytes(from, count, max);
}

static bool is_host_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
           byte == '.';
}

/* A name made by us or by Kubernetes, which goes into headers, events and logs: lower case letters,
 * digits, '-' and '.', nothing that needs escaping anywhere. */
static struct frame_text get_plain_name(struct cursor *from, uint32_t max)
{
    struct frame_text name = get_name(from, max);
    for (uint32_t i = 0; i < name.count; i++) {
        if (!is_host_name_byte(name.bytes[i]))
            from->bad = true;
    }
    return name;
}

static layer_set get_layers(struct cursor *from)
{
    const layer_set known = (layer_set)(((uint64_t)1 << LAYER_COUNT) - 1);
    layer_set layers = get_u32(from);
    if ((layers & ~known) != 0)
        from->bad = true;
    return layers;
}

/* 0 when every field was good and nothing is left over. */
static int verify_end(const struct cursor *from)
{
    return from->bad || from->at != from->end ? -EBADMSG : 0;
}

int frame_decode_header(const uint8_t bytes[FRAME_HEADER_BYTES], struct frame_header *ret_header)
{
    struct cursor from = cursor_over(bytes, FRAME_HEADER_BYTES);
    uint32_t payload_bytes = get_u32(&from);
    uint8_t type = get_u8(&from);
    uint8_t version = get_u8(&from);
    if (payload_bytes > FRAME_PAYLOAD_MAX || type < FRAME_HELLO || type >= FRAME_TYPE_COUNT ||
        version != FRAME_VERSION || bytes[FRAME_HEADER_ZERO_AT] != 0 ||
        bytes[FRAME_HEADER_ZERO_AT + 1] != 0)
        return -EBADMSG;
    *ret_header = (struct frame_header){(enum frame_type)type, payload_bytes};
    return 0;
}

int frame_decode_hello(const uint8_t *payload, size_t count, struct frame_hello *ret_hello)
{
    struct cursor from = cursor_over(payload, count);
    struct frame_hello hello;
    for (unsigned i = 0; i < 4; i++)
        hello.token[i] = get_u64(&from);
    hello.build = get_u32(&from);
    int r = verify_end(&from);
    if (r == 0)
        *ret_hello = hello;
    return r;
}

int frame_decode_armed(const uint8_t *payload, size_t count, struct frame_armed *ret_armed)
{
    struct cursor from = cursor_over(payload, count);
    struct frame_armed armed;
    armed.layers = get_layers(&from);
    armed.landlock_abi = get_u32(&from);
    int r = verify_end(&from);
    if (r == 0)
        *ret_armed = armed;
    return r;
}

int frame_decode_start(const uint8_t *payload, size_t count, struct frame_start *ret_start)
{
    struct cursor from = cursor_over(payload, count);
    struct frame_start start;
    start.mode = (enum frame_mode)get_below(&from, FRAME_MODE_CHECK + 1);
    start.nonce = get_u64(&from);
    start.limits.steps = get_u64(&from);
    start.limits.memory_bytes = get_u64(&from);
    start.limits.output_bytes = get_u64(&from);
    start.limits.wall_ms = get_u32(&from);
    start.limits.cpu_ms = get_u32(&from);
    start.limits.call_depth = get_u32(&from);
    start.source_bytes = get_u32(&from);
    start.input_bytes = get_u32(&from);
    int r = verify_end(&from);
    if (r == 0)
        *ret_start = start;
    return r;
}

int frame_decode_started(const uint8_t *payload, size_t count, struct frame_started *ret_started)
{
    struct cursor from = cursor_over(payload, count);
    struct frame_started started = {.nonce = get_u64(&from)};
    int r = verify_end(&from);
    if (r == 0)
        *ret_started = started;
    return r;
}

int frame_decode_result(const uint8_t *payload, size_t count, struct frame_result *ret_result)
{
    struct cursor from = cursor_over(payload, count);
    struct frame_result result;
    result.nonce = get_u64(&from);
    result.verdict = (enum verdict)get_below(&from, VERDICT_COUNT);
    result.truncated = get_below(&from, 2) == 1;
    result.steps = get_u64(&from);
    result.memory_peak_bytes = get_u64(&from);
    result.queue_us = get_u64(&from);
    result.wall_us = get_u64(&from);
    result.cpu_us = get_u64(&from);
    result.layers = get_layers(&from);
    result.backend = get_plain_name(&from, FRAME_BACKEND_MAX);
    result.pod = get_plain_name(&from, FRAME_POD_MAX);
    int r = verify_end(&from);
    if (r == 0)
        *ret_result = result;
    return r;
}

int frame_decode_diagnostic(const uint8_t *payload, size_t count,
                            struct frame_diagnostic *ret_diagnostic)
{
    struct cursor from = cursor_over(payload, count);
    struct frame_diagnostic diagnostic = {0};
    diagnostic.severity = get_below(&from, 2);
    diagnostic.line = get_u32(&from);
    diagnostic.column = get_u32(&from);
    diagnostic.length = get_u32(&from);
    diagnostic.message = get_text(&from);
    diagnostic.text = get_text(&from);
    diagnostic.trace_omitted = get_u32(&from);
    diagnostic.trace_count = get_below(&from, FRAME_TRACE_MAX + 1);
    for (uint32_t i = 0; i < diagnostic.trace_count; i++) {
        diagnostic.trace[i].line = get_u32(&from);
        diagnostic.trace[i].function = get_name(&from, FRAME_FUNCTION_MAX);
    }
    int r = verify_end(&from);
    if (r == 0)
        *ret_diagnostic = diagnostic;
    return r;
}
