#include "receiver.h"

#include <check.h>
#include <string.h>

#include "clock.h"
#include "frame_reader.h"

enum {
    OUTPUT_MAX = 64 * 1024 * 1024,
    START_TIMEOUT_MS = 150,
    PAUSE_BYTES = 100000,
    PROGRAM_MAX = 8192,
};

static int on_frame(void *context, enum frame_type type, const uint8_t *payload, size_t count)
{
    struct receiver *receiver = context;
    struct frame_started started;
    struct frame_diagnostic diagnostic;
    if (receiver->result_count > 0)
        receiver->frames_after_result++;
    switch (type) {
    case FRAME_STARTED:
        ck_assert_int_eq(frame_decode_started(payload, count, &started), 0);
        ck_assert_uint_eq(started.nonce, RECEIVER_NONCE);
        receiver->started_count++;
        return 0;
    case FRAME_STDOUT:
        ck_assert_uint_eq(receiver->started_count, 1);
        return buffer_append(&receiver->output, payload, count);
    case FRAME_DIAGNOSTIC:
        ck_assert_int_eq(frame_decode_diagnostic(payload, count, &diagnostic), 0);
        receiver->diagnostic_count++;
        return 0;
    case FRAME_RESULT:
        ck_assert_int_eq(frame_decode_result(payload, count, &receiver->result), 0);
        ck_assert_uint_eq(receiver->result.nonce, RECEIVER_NONCE);
        ck_assert_uint_eq(receiver->started_count, 1);
        receiver->result_count++;
        return 0;
    case FRAME_HELLO:
    case FRAME_ARMED:
    case FRAME_START:
    case FRAME_SOURCE:
    case FRAME_INPUT:
    case FRAME_TYPE_COUNT:
        break;
    }
    ck_abort_msg("a frame of a kind that no receiver should see");
}

static int on_frames(void *context, const void *bytes, size_t count)
{
    struct receiver *receiver = context;
    if (receiver->refuses) {
        receiver->run = NULL;
        return -EMSGSIZE;
    }
    /* A piece is whole frames: a fresh reader each time would choke on anything else. */
    struct frame_reader reader;
    frame_reader_init(&reader, on_frame, receiver);
    ck_assert_int_eq(frame_reader_feed(&reader, bytes, count), 0);
    ck_assert(frame_reader_is_between_frames(&reader));
    frame_reader_done(&reader);
    if (receiver->cancels) {
        run_cancel(receiver->run);
        receiver->run = NULL;
    }
    return 0;
}

static size_t on_pending(void *context)
{
    const struct receiver *receiver = context;
    return receiver->pending;
}

static void on_finished(void *context, const struct run_summary *summary)
{
    struct receiver *receiver = context;
    receiver->run = NULL;
    receiver->summary = *summary;
    receiver->finished_count++;
    receiver->finished_us = clock_now_us();
}

void receiver_open(struct receiver *receiver, struct world *world)
{
    *receiver = (struct receiver){.world = world};
    buffer_init(&receiver->output, OUTPUT_MAX);
    const struct run_config config = {.loop = world->loop,
                                      .pool = world->pool,
                                      .backend = "fake",
                                      .start_timeout_ms = START_TIMEOUT_MS,
                                      .pause_bytes = PAUSE_BYTES};
    ck_assert_int_eq(run_context_create(&config, &receiver->runs), 0);
}

void receiver_close(struct receiver *receiver)
{
    if (receiver->run)
        run_cancel(receiver->run);
    run_context_free(receiver->runs);
    buffer_done(&receiver->output);
}

static size_t put_frame(uint8_t *to, enum frame_type type, const char *text)
{
    size_t count = strlen(text);
    frame_encode_header(to, type, (uint32_t)count);
    memcpy(to + FRAME_HEADER_BYTES, text, count);
    return FRAME_HEADER_BYTES + count;
}

struct run_request receiver_request(const char *source, const char *input)
{
    static uint8_t program[PROGRAM_MAX];
    size_t source_bytes = put_frame(program, FRAME_SOURCE, source);
    size_t input_bytes = input ? put_frame(program + source_bytes, FRAME_INPUT, input) : 0;
    return (struct run_request){
        .id = "0123456789abcdef0123456789abcdef",
        .start = {.mode = FRAME_MODE_RUN,
                  .nonce = RECEIVER_NONCE,
                  .limits = {.memory_bytes = 1 << 20,
                             .output_bytes = 1 << 20,
                             .wall_ms = 5000,
                             .cpu_ms = 5000,
                             .call_depth = 100},
                  .source_bytes = (uint32_t)strlen(source),
                  .input_bytes = input ? (uint32_t)strlen(input) : 0},
        .program = program,
        .program_bytes = source_bytes + input_bytes,
        .source_frames_bytes = source_bytes,
        .arrived_us = clock_now_us(),
        .deadline_us = clock_now_us() + 7000000,
    };
}

void receiver_start(struct receiver *receiver, const struct run_request *request)
{
    const struct run_sink sink = {
        .context = receiver, .frames = on_frames, .pending = on_pending, .finished = on_finished};
    ck_assert_int_eq(run_start(receiver->runs, request, &sink, &receiver->run), 0);
}

static bool has_finished(void *context)
{
    const struct receiver *receiver = context;
    return !receiver->run;
}

void receiver_wait(struct receiver *receiver)
{
    world_run_until(receiver->world, has_finished, receiver);
}

void receiver_run(struct receiver *receiver, const struct run_request *request,
                  void (*behave)(struct fake_runner *runner))
{
    struct world world;
    world_open_warm(&world);
    world.fake.behave = behave;
    receiver_open(receiver, &world);
    receiver_start(receiver, request);
    receiver_wait(receiver);
    ck_assert_uint_eq(receiver->finished_count, 1);
    ck_assert_uint_le(receiver->result_count, 1);
    ck_assert_uint_eq(receiver->frames_after_result, 0);
    world.fake.hold_ends = false;
    fake_backend_look(&world.fake);
    world_run_until_reaped(&world); /* nobody is left behind */
    ck_assert_uint_eq(receiver->finished_count, 1);
    run_context_free(receiver->runs);
    world_close(&world);
}

void assert_output(const struct receiver *receiver, const char *expected)
{
    ck_assert_uint_eq(buffer_count(&receiver->output), strlen(expected));
    ck_assert_mem_eq(buffer_data(&receiver->output), expected, strlen(expected));
}
