#include <errno.h>

#include "run_internal.h"

enum {
    /* STDOUT frames: so many, one for each millisecond, and one for so many bytes. */
    OUTPUT_FRAMES_MIN = 4096,
    OUTPUT_FRAME_BYTES = 16,
};

static int refuse(struct run *run, const char *fault)
{
    run->fault = fault;
    return -EBADMSG;
}

static int put(struct run *run, enum frame_type type, const void *payload, size_t count)
{
    struct buffer *out = &run->context->out;
    uint8_t header[FRAME_HEADER_BYTES];
    frame_encode_header(header, type, (uint32_t)count);
    int r = buffer_append(out, header, sizeof(header));
    if (r < 0)
        return r;
    return buffer_append(out, payload, count);
}

static int on_started(struct run *run, const uint8_t *payload, size_t count)
{
    struct frame_started started;
    if (run->started || frame_decode_started(payload, count, &started) < 0)
        return refuse(run, "a STARTED that should not be");
    if (started.nonce != run->nonce)
        return refuse(run, "a wrong nonce");
    if (!run_source_is_sent(run)) /* input may follow while it runs */
        return refuse(run, "STARTED before the program was sent");
    run->started = true;
    started.nonce = run->request.start.nonce;
    size_t bytes = frame_encode_started(run->context->encoded, &started);
    return buffer_append(&run->context->out, run->context->encoded, bytes);
}

static int on_stdout(struct run *run, const uint8_t *payload, size_t count)
{
    const struct frame_limits *limits = &run->request.start.limits;
    if (run->request.start.mode != FRAME_MODE_RUN)
        return refuse(run, "output of a check");
    uint64_t frames_max =
        OUTPUT_FRAMES_MIN + limits->wall_ms + limits->output_bytes / OUTPUT_FRAME_BYTES;
    if (count == 0 || ++run->output_frames > frames_max)
        return refuse(run, "too many frames");
    uint64_t room = limits->output_bytes - run->output_bytes;
    size_t fits = count <= room ? count : (size_t)room;
    if (fits > 0) {
        int r = put(run, FRAME_STDOUT, payload, fits);
        if (r < 0)
            return r;
        run->output_bytes += fits;
    }
    if (fits < count) {
        run->output_passed = true;
        return -ECANCELED; /* nothing that follows counts */
    }
    return 0;
}

static int on_diagnostic(struct run *run, const uint8_t *payload, size_t count)
{
    struct frame_diagnostic diagnostic;
    if (++run->diagnostics > FRAME_DIAGNOSTICS_MAX)
        return refuse(run, "too many diagnostics");
    if (frame_decode_diagnostic(payload, count, &diagnostic) < 0)
        return refuse(run, "a malformed diagnostic");
    return put(run, FRAME_DIAGNOSTIC, payload, count);
}

static int on_result(struct run *run, const uint8_t *payload, size_t count)
{
    struct frame_result result;
    if (frame_decode_result(payload, count, &result) < 0)
        return refuse(run, "a malformed result");
    if (result.nonce != run->nonce)
        return refuse(run, "a wrong nonce");
    run->claim = result;
    run->has_claim = true;
    return -ECANCELED; /* nothing that follows counts */
}

int run_on_frame(void *context, enum frame_type type, const uint8_t *payload, size_t count)
{
    struct run *run = context;
    if (type == FRAME_STARTED)
        return on_started(run, payload, count);
    if (!run->started)
        return refuse(run, "a frame before STARTED");
    switch (type) {
    case FRAME_STDOUT:
        return on_stdout(run, payload, count);
    case FRAME_DIAGNOSTIC:
        return on_diagnostic(run, payload, count);
    case FRAME_RESULT:
        return on_result(run, payload, count);
    case FRAME_STARTED:
    case FRAME_HELLO:
    case FRAME_ARMED:
    case FRAME_START:
    case FRAME_SOURCE:
    case FRAME_INPUT:
    case FRAME_TYPE_COUNT:
        break;
    }
    return refuse(run, "a frame of another kind");
}
