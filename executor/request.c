#include "request.h"

#include <stdbool.h>
#include <string.h>

/* A frame may carry little, but not so little that headers outweigh programs. */
enum { PAYLOAD_BYTES_MIN = 1024, LIMIT_MEMORY_BYTES_MIN = 65536 };

static int refuse(struct request_fault *reterr, enum problem problem, const char *detail)
{
    *reterr = (struct request_fault){problem, detail};
    return -EINVAL;
}

static bool is_id(const char *text)
{
    size_t count = strspn(text, "0123456789abcdef");
    return count == INNER_ID_CHARS && text[count] == '\0';
}

static bool parse_deadline(const char *text, uint32_t *ret_ms)
{
    uint64_t value = 0;
    size_t count = strspn(text, "0123456789");
    if (count == 0 || count > 9 || text[count] != '\0')
        return false;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (uint64_t)(text[i] - '0');
    *ret_ms = (uint32_t)value;
    return true;
}

/* Steps over the frames of one type that carry `bytes` bytes in all. */
static bool skip_frames(const uint8_t **at, size_t *left, enum frame_type type, uint64_t bytes)
{
    while (bytes > 0) {
        struct frame_header header;
        if (*left < FRAME_HEADER_BYTES || frame_decode_header(*at, &header) < 0)
            return false;
        size_t frame_bytes = FRAME_HEADER_BYTES + (size_t)header.payload_bytes;
        if (header.type != type || header.payload_bytes > bytes || frame_bytes > *left)
            return false;
        if (header.payload_bytes < PAYLOAD_BYTES_MIN && header.payload_bytes < bytes)
            return false;
        bytes -= header.payload_bytes;
        *at += frame_bytes;
        *left -= frame_bytes;
    }
    return true;
}

static int read_frames(const uint8_t *body, size_t count, struct request *request,
                       struct request_fault *reterr)
{
    struct frame_header header;
    if (count < FRAME_HEADER_BYTES || frame_decode_header(body, &header) < 0 ||
        header.type != FRAME_START || header.payload_bytes > count - FRAME_HEADER_BYTES ||
        frame_decode_start(body + FRAME_HEADER_BYTES, header.payload_bytes, &request->start) < 0)
        return refuse(reterr, PROBLEM_MALFORMED, "The body must begin with a START frame.");

    const uint8_t *at = body + FRAME_HEADER_BYTES + header.payload_bytes;
    size_t left = count - FRAME_HEADER_BYTES - header.payload_bytes;
    request->program = at;
    request->program_bytes = left;
    bool has_source = skip_frames(&at, &left, FRAME_SOURCE, request->start.source_bytes);
    request->source_frames_bytes = (size_t)(at - request->program);
    if (!has_source || !skip_frames(&at, &left, FRAME_INPUT, request->start.input_bytes) ||
        left != 0)
        return refuse(reterr, PROBLEM_MALFORMED,
                      "The frames after START must be exactly the source and the input it told.");
    return 0;
}

static bool is_within(uint64_t value, uint64_t min, uint64_t max)
{
    return value >= min && value <= max;
}

static int check_maxima(const struct frame_start *start, const struct request_maxima *maxima,
                        struct request_fault *reterr)
{
    const struct frame_limits *limits = &start->limits;
    const struct frame_limits *max = &maxima->limits;
    if (start->source_bytes > maxima->source_bytes || start->input_bytes > maxima->input_bytes)
        return refuse(reterr, PROBLEM_BODY_TOO_LARGE,
                      "The program or its input is larger than this executor takes.");
    if (!is_within(limits->wall_ms, 1, max->wall_ms) ||
        !is_within(limits->cpu_ms, 1, max->cpu_ms) ||
        !is_within(limits->memory_bytes, LIMIT_MEMORY_BYTES_MIN, max->memory_bytes) ||
        !is_within(limits->output_bytes, 0, max->output_bytes) ||
        !is_within(limits->call_depth, 1, max->call_depth))
        return refuse(reterr, PROBLEM_LIMIT_OUT_OF_RANGE,
                      "A limit is outside this executor's; GET /v1/capabilities shows them.");
    return 0;
}

int request_read(const struct inner_secret *secret, const struct request_headers *headers,
                 const void *body, size_t body_bytes, const struct request_maxima *maxima,
                 struct request *ret_request, struct request_fault *reterr_fault)
{
    struct request request = {0};
    if (!headers->id || !is_id(headers->id))
        return refuse(reterr_fault, PROBLEM_MALFORMED,
                      INNER_HEADER_ID " must be 32 lower-case hex digits.");
    memcpy(request.id, headers->id, INNER_ID_CHARS + 1);
    if (!headers->deadline || !parse_deadline(headers->deadline, &request.deadline_ms))
        return refuse(reterr_fault, PROBLEM_MALFORMED,
                      INNER_HEADER_DEADLINE " must be a number of milliseconds.");
    if (inner_check_run(secret, request.id, request.deadline_ms, body, body_bytes,
                        headers->signature) < 0)
        return refuse(reterr_fault, PROBLEM_UNAUTHORIZED,
                      INNER_HEADER_SIGNATURE " is not that of a coordinator with our secret.");
    int r = read_frames(body, body_bytes, &request, reterr_fault);
    if (r == 0)
        r = check_maxima(&request.start, maxima, reterr_fault);
    if (r == 0)
        *ret_request = request;
    return r;
}

uint64_t request_body_bytes_max(const struct request_maxima *maxima)
{
    uint64_t program = maxima->source_bytes + maxima->input_bytes;
    uint64_t frames = program / PAYLOAD_BYTES_MIN + 2;
    return FRAME_FIXED_MAX + program + frames * FRAME_HEADER_BYTES;
}
