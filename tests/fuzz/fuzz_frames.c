/* Any bytes as a stream of frames: whatever decodes is in range, and encodes to the same again. */
#include <assert.h>
#include <string.h>

#include "frame_reader.h"

static int check_diagnostic(const uint8_t *payload, size_t count)
{
    static uint8_t encoded[FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX];
    struct frame_diagnostic diagnostic;
    int r = frame_decode_diagnostic(payload, count, &diagnostic);
    if (r < 0)
        return r;
    assert(diagnostic.trace_count <= FRAME_TRACE_MAX);
    assert(diagnostic.message.count <= FRAME_TEXT_MAX && diagnostic.text.count <= FRAME_TEXT_MAX);
    size_t bytes = frame_encode_diagnostic(encoded, &diagnostic);
    assert(bytes == FRAME_HEADER_BYTES + count);
    assert(memcmp(encoded + FRAME_HEADER_BYTES, payload, count) == 0);
    return 0;
}

static int check_result(const uint8_t *payload, size_t count)
{
    uint8_t encoded[FRAME_FIXED_MAX];
    struct frame_result result;
    int r = frame_decode_result(payload, count, &result);
    if (r < 0)
        return r;
    assert(result.verdict < VERDICT_COUNT && result.pod.count <= FRAME_POD_MAX);
    size_t bytes = frame_encode_result(encoded, &result);
    assert(bytes == FRAME_HEADER_BYTES + count);
    assert(memcmp(encoded + FRAME_HEADER_BYTES, payload, count) == 0);
    return 0;
}

static int check_frame(void *context, enum frame_type type, const uint8_t *payload, size_t count)
{
    struct frame_hello hello;
    struct frame_armed armed;
    struct frame_start start;
    struct frame_started started;
    (void)context;
    switch (type) {
    case FRAME_HELLO:
        return frame_decode_hello(payload, count, &hello);
    case FRAME_ARMED:
        return frame_decode_armed(payload, count, &armed);
    case FRAME_START:
        return frame_decode_start(payload, count, &start);
    case FRAME_STARTED:
        return frame_decode_started(payload, count, &started);
    case FRAME_DIAGNOSTIC:
        return check_diagnostic(payload, count);
    case FRAME_RESULT:
        return check_result(payload, count);
    case FRAME_SOURCE:
    case FRAME_INPUT:
    case FRAME_STDOUT:
        return 0;
    case FRAME_TYPE_COUNT:
        break;
    }
    __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct frame_reader reader;
    frame_reader_init(&reader, check_frame, NULL);
    /* The first byte says in what pieces the rest arrives. */
    size_t piece = count > 0 && bytes[0] != 0 ? bytes[0] : count;
    for (size_t at = 1; at < count; at += piece) {
        size_t left = count - at;
        if (frame_reader_feed(&reader, bytes + at, left < piece ? left : piece) < 0)
            break;
    }
    frame_reader_done(&reader);
    return 0;
}
