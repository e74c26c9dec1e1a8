#include "self_test.h"

#include <string.h>

#include "buffer.h"
#include "clock.h"
#include "frame_reader.h"
#include "log.h"

/* Uses the compiler, a call, a loop, strings, the collector's allocator and the input. */
static const char program[] = "fun twice(n) { return n * 2; }\n"
                              "var sum = 0;\n"
                              "for (var i = 0; i < 10; i = i + 1) sum = sum + twice(i);\n"
                              "print input() + \" \" + string(sum);\n";
static const char input[] = "ready";
static const char expected[] = "ready 90\n";

enum { RETRY_MIN_MS = 100, RETRY_MAX_MS = 10000, OUTPUT_BYTES_MAX = 256, DEADLINE_US = 10000000 };

struct self_test {
    struct self_test_config config;
    struct run *run; /* NULL when none is under way */
    struct frame_reader reader;
    struct buffer output;
    struct loop_timer retry_timer;
    uint64_t retry_ms;
    bool has_passed;
    uint8_t frames[2 * FRAME_HEADER_BYTES + sizeof(program) + sizeof(input)];
};

static int on_frame(void *context, enum frame_type type, const uint8_t *payload, size_t count)
{
    struct self_test *test = context;
    return type == FRAME_STDOUT ? buffer_append(&test->output, payload, count) : 0;
}

static void try_later(struct self_test *test)
{
    test->retry_ms = test->retry_ms == 0 ? RETRY_MIN_MS : test->retry_ms * 2;
    if (test->retry_ms > RETRY_MAX_MS)
        test->retry_ms = RETRY_MAX_MS;
    if (loop_timer_start_ms(test->config.loop, &test->retry_timer, test->retry_ms) < 0)
        log_error("no timer for the self-test");
}

static int on_frames(void *context, const void *bytes, size_t count)
{
    struct self_test *test = context;
    int r = bytes ? frame_reader_feed(&test->reader, bytes, count) : -ENOMEM;
    if (r < 0) { /* ends the run without a word */
        test->run = NULL;
        try_later(test);
    }
    return r;
}

static size_t on_pending(void *context UNUSED)
{
    return 0;
}

static void on_finished(void *context, const struct run_summary *summary)
{
    struct self_test *test = context;
    test->run = NULL;
    bool is_right = summary->outcome == RUN_ANSWERED && summary->verdict == VERDICT_OK &&
                    buffer_count(&test->output) == sizeof(expected) - 1 &&
                    memcmp(buffer_data(&test->output), expected, sizeof(expected) - 1) == 0;
    frame_reader_done(&test->reader);
    buffer_clear(&test->output);
    if (is_right) {
        test->has_passed = true;
        test->config.passed(test->config.context);
        return;
    }
    log_error("the self-test failed",
              LOG_STR("verdict", summary->outcome == RUN_ANSWERED ? verdict_name(summary->verdict)
                                                                  : "not_started"));
    try_later(test);
}

static void start_run(struct self_test *test)
{
    const struct run_request request = {
        .id = "self-test",
        .start = {.mode = FRAME_MODE_RUN,
                  .limits = test->config.limits,
                  .source_bytes = sizeof(program) - 1,
                  .input_bytes = sizeof(input) - 1},
        .program = test->frames,
        .program_bytes = 2 * FRAME_HEADER_BYTES + sizeof(program) - 1 + sizeof(input) - 1,
        .source_frames_bytes = FRAME_HEADER_BYTES + sizeof(program) - 1,
        .arrived_us = clock_now_us(),
        .deadline_us = clock_now_us() + DEADLINE_US,
    };
    const struct run_sink sink = {
        .context = test, .frames = on_frames, .pending = on_pending, .finished = on_finished};
    frame_reader_init(&test->reader, on_frame, test);
    if (run_start(test->config.runs, &request, &sink, &test->run) < 0)
        try_later(test);
}

static void on_retry(void *context)
{
    self_test_look(context);
}

int self_test_create(const struct self_test_config *config, struct self_test **ret_test)
{
    struct self_test *test = calloc(1, sizeof(*test));
    if (!test)
        return -ENOMEM;
    test->config = *config;
    buffer_init(&test->output, OUTPUT_BYTES_MAX);
    loop_timer_init(&test->retry_timer, on_retry, test);
    uint8_t *to = test->frames;
    frame_encode_header(to, FRAME_SOURCE, sizeof(program) - 1);
    memcpy(to + FRAME_HEADER_BYTES, program, sizeof(program) - 1);
    to += FRAME_HEADER_BYTES + sizeof(program) - 1;
    frame_encode_header(to, FRAME_INPUT, sizeof(input) - 1);
    memcpy(to + FRAME_HEADER_BYTES, input, sizeof(input) - 1);
    *ret_test = test;
    return 0;
}

void self_test_free(struct self_test *test)
{
    if (!test)
        return;
    if (test->run)
        run_cancel(test->run);
    loop_timer_stop(&test->retry_timer);
    frame_reader_done(&test->reader);
    buffer_done(&test->output);
    free(test);
}

void self_test_look(struct self_test *test)
{
    if (!test->has_passed && !test->run && !test->retry_timer.loop)
        start_run(test);
}
