#include "serve.h"

#include <string.h>
#include <tok/tok.h>

#include "arena.h"
#include "tick.h"

struct run {
    struct stream *stream; /* borrowed */
    struct frame_start start;
    char *source;               /* owned */
    uint64_t input_left;        /* bytes not yet given to the program */
    uint32_t input_frame_bytes; /* of those, in the frame that has begun */
    struct arena arena;
    int error; /* of the stream, seen in a callback */
};

/* ---- what the VM asks of its host ------------------------------------------------------------ */

static void *on_realloc(void *context, void *pointer, size_t old_bytes, size_t new_bytes)
{
    struct run *run = context;
    return arena_realloc(&run->arena, pointer, old_bytes, new_bytes);
}

static int on_write(void *context, const char *bytes, size_t count)
{
    struct run *run = context;
    tick_hold();
    int printed = stream_print(run->stream, bytes, count);
    int sent = tick_release();
    int r = printed < 0 ? printed : sent;
    if (r < 0)
        run->error = r;
    return r;
}

static int begin_input_frame(struct run *run)
{
    struct frame_header header;
    bool is_end = false;
    int r = stream_read_header(run->stream, &header, &is_end);
    if (r < 0)
        return r;
    if (is_end || header.type != FRAME_INPUT || header.payload_bytes > run->input_left)
        return -EBADMSG;
    run->input_frame_bytes = header.payload_bytes;
    return 0;
}

/* Input stays in the socket until the program wants it, so that its size is no memory of ours. */
static ptrdiff_t on_read(void *context, char *buffer, size_t size)
{
    struct run *run = context;
    int r = 0;
    while (run->input_left > 0 && run->input_frame_bytes == 0 && r == 0)
        r = begin_input_frame(run);
    size_t part = size < run->input_frame_bytes ? size : run->input_frame_bytes;
    if (r == 0)
        r = stream_read_bytes(run->stream, buffer, part);
    if (r < 0) {
        run->error = r;
        return r;
    }
    run->input_frame_bytes -= (uint32_t)part;
    run->input_left -= part;
    return (ptrdiff_t)part;
}

static struct frame_text text_of(const char *text)
{
    return (struct frame_text){.bytes = text, .count = text ? (uint32_t)strlen(text) : 0};
}

static void on_report(void *context, const struct tok_diagnostic *from)
{
    struct run *run = context;
    struct frame_diagnostic diagnostic = {
        .severity = from->severity == TOK_ERROR ? 0 : 1,
        .line = from->line,
        .column = from->column,
        .length = from->length,
        .message = text_of(from->message),
        .text = text_of(from->text),
        .trace_omitted = from->trace_omitted,
    };
    for (uint32_t i = 0; i < from->trace_count && i < FRAME_TRACE_MAX; i++) {
        diagnostic.trace[i].line = from->trace[i].line;
        diagnostic.trace[i].function = text_of(from->trace[i].function);
        diagnostic.trace_count = i + 1;
    }

    uint8_t *space = NULL;
    tick_hold();
    int r = stream_reserve(run->stream, FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX, &space);
    if (r == 0)
        stream_commit(run->stream, frame_encode_diagnostic(space, &diagnostic));
    int sent = tick_release();
    if (r < 0 || sent < 0)
        run->error = r < 0 ? r : sent;
}

static double on_clock(void *context UNUSED)
{
    return (double)tick_cpu_us() / 1e6;
}

/* ---- the run --------------------------------------------------------------------------------- */

static int read_start(struct run *run, bool *ret_end)
{
    struct frame_header header;
    uint8_t payload[FRAME_FIXED_MAX];
    int r = stream_read_header(run->stream, &header, ret_end);
    if (r < 0 || *ret_end)
        return r;
    if (header.type != FRAME_START || header.payload_bytes > sizeof(payload))
        return -EBADMSG;
    r = stream_read_bytes(run->stream, payload, header.payload_bytes);
    if (r < 0)
        return r;
    r = frame_decode_start(payload, header.payload_bytes, &run->start);
    run->input_left = run->start.input_bytes;
    return r;
}

static int read_source(struct run *run)
{
    size_t total = run->start.source_bytes;
    run->source = arena_realloc(&run->arena, NULL, 0, total + 1);
    if (!run->source)
        return -ENOMEM;

    size_t at = 0;
    while (at < total) {
        struct frame_header header;
        bool is_end = false;
        int r = stream_read_header(run->stream, &header, &is_end);
        if (r < 0)
            return r;
        if (is_end || header.type != FRAME_SOURCE || header.payload_bytes > total - at)
            return -EBADMSG;
        r = stream_read_bytes(run->stream, run->source + at, header.payload_bytes);
        if (r < 0)
            return r;
        at += header.payload_bytes;
    }
    return 0;
}

static enum verdict verdict_of(enum tok_verdict verdict)
{
    switch (verdict) {
    case TOK_OK:
        return VERDICT_OK;
    case TOK_COMPILE_ERROR:
        return VERDICT_COMPILE_ERROR;
    case TOK_RUNTIME_ERROR:
        return VERDICT_RUNTIME_ERROR;
    case TOK_STEP_LIMIT:
        return VERDICT_STEP_LIMIT;
    case TOK_MEMORY_LIMIT:
        return VERDICT_MEMORY_LIMIT;
    case TOK_OUTPUT_LIMIT:
        return VERDICT_OUTPUT_LIMIT;
    case TOK_INTERRUPTED:
        return VERDICT_TIME_LIMIT;
    case TOK_HOST_ERROR:
    case TOK_VERDICT_COUNT:
        break;
    }
    return VERDICT_INTERNAL_ERROR;
}

static int create_vm(struct run *run, uint64_t hash_seed, struct tok_vm **ret_vm)
{
    const struct tok_config config = {
        .context = run,
        .realloc = on_realloc,
        .write = on_write,
        .read = on_read,
        .report = on_report,
        .clock = on_clock,
        .hash_seed = hash_seed,
        .limits =
            {
                .memory_bytes = run->start.limits.memory_bytes,
                .steps = run->start.limits.steps,
                .output_bytes = run->start.limits.output_bytes,
                .call_depth = run->start.limits.call_depth,
            },
    };
    return tok_vm_create(&config, ret_vm);
}

static int answer(struct run *run, enum tok_verdict verdict, const struct tok_usage *usage)
{
    const struct frame_result result = {
        .nonce = run->start.nonce,
        .verdict = verdict_of(verdict),
        .truncated = verdict == TOK_OUTPUT_LIMIT,
        .steps = usage->steps,
        .memory_peak_bytes = usage->memory_peak_bytes,
        .cpu_us = tick_cpu_us(),
    };
    uint8_t *space = NULL;
    int r = stream_reserve(run->stream, FRAME_FIXED_MAX, &space);
    if (r < 0)
        return r;
    stream_commit(run->stream, frame_encode_result(space, &result));
    return stream_flush(run->stream);
}

/* Not flushed: a program that ends before the first tick is one write, and one wake-up, in all. */
static int say_started(struct run *run)
{
    const struct frame_started started = {.nonce = run->start.nonce};
    uint8_t *space = NULL;
    int r = stream_reserve(run->stream, FRAME_FIXED_MAX, &space);
    if (r < 0)
        return r;
    stream_commit(run->stream, frame_encode_started(space, &started));
    return 0;
}

static struct run the_run; /* too large for the stack */

int serve_one(struct stream *stream, uint64_t hash_seed)
{
    struct run *run = &the_run;
    bool is_end = false;
    run->stream = stream;
    arena_init(&run->arena);
    int r = read_start(run, &is_end);
    if (r < 0 || is_end)
        return r;
    r = read_source(run);
    if (r < 0)
        return r;

    struct tok_vm *vm = NULL;
    r = create_vm(run, hash_seed, &vm);
    if (r < 0)
        return r;
    r = say_started(run);
    if (r < 0)
        return r;
    r = tick_start(vm, stream, run->start.limits.wall_ms, run->start.limits.cpu_ms);
    if (r < 0)
        return r;

    enum tok_verdict verdict = run->start.mode == FRAME_MODE_CHECK
                                   ? tok_check(vm, run->source, run->start.source_bytes)
                                   : tok_run(vm, run->source, run->start.source_bytes);
    tick_hold(); /* for good: the rest is said in one go */
    struct tok_usage usage;
    tok_get_usage(vm, &usage);
    return run->error < 0 ? run->error : answer(run, verdict, &usage);
}
