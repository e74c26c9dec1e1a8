/* S16: what a runner that somebody has taken over may try to say. Each forgery ends its own run with
 * internal_error, keeps what came before, and kills the runner. */
#include <string.h>
#include <sys/socket.h>

#include "../common/suite.h"
#include "receiver.h"

static struct receiver receiver;

static void send_header(struct fake_runner *runner, uint32_t bytes, uint8_t type, uint8_t version,
                        uint16_t padding)
{
    const uint8_t header[FRAME_HEADER_BYTES] = {
        (uint8_t)bytes, (uint8_t)(bytes >> 8), (uint8_t)(bytes >> 16), (uint8_t)(bytes >> 24), type,
        version,        (uint8_t)padding,      (uint8_t)(padding >> 8)};
    fake_send(runner, header, sizeof(header));
}

static void begin(struct fake_runner *runner)
{
    fake_send_started(runner);
    fake_send_stdout(runner, "kept");
}

static void longest_length(struct fake_runner *runner)
{
    begin(runner);
    send_header(runner, UINT32_MAX, FRAME_STDOUT, FRAME_VERSION, 0);
}

static void negative_length(struct fake_runner *runner)
{
    begin(runner);
    send_header(runner, 0x80000000U, FRAME_STDOUT, FRAME_VERSION, 0);
}

static void length_of_one_too_many(struct fake_runner *runner)
{
    begin(runner);
    send_header(runner, FRAME_PAYLOAD_MAX + 1, FRAME_STDOUT, FRAME_VERSION, 0);
}

static void unknown_type(struct fake_runner *runner)
{
    begin(runner);
    send_header(runner, 0, FRAME_TYPE_COUNT, FRAME_VERSION, 0);
}

static void type_zero(struct fake_runner *runner)
{
    begin(runner);
    send_header(runner, 0, 0, FRAME_VERSION, 0);
}

static void other_version(struct fake_runner *runner)
{
    begin(runner);
    send_header(runner, 1, FRAME_STDOUT, FRAME_VERSION + 1, 0);
}

static void padding(struct fake_runner *runner)
{
    begin(runner);
    send_header(runner, 1, FRAME_STDOUT, FRAME_VERSION, 1);
}

static void garbage(struct fake_runner *runner)
{
    begin(runner);
    for (unsigned char i = 1; i < 200; i++)
        fake_send(runner, &i, 1);
}

static void frame_within_a_frame(struct fake_runner *runner)
{
    begin(runner);
    uint8_t inner[FRAME_HEADER_BYTES];
    frame_encode_header(inner, FRAME_RESULT, 10);
    fake_send_frame(runner, FRAME_RESULT, inner, sizeof(inner));
}

static void wrong_nonce_in_result(struct fake_runner *runner)
{
    begin(runner);
    runner->start.nonce ^= 1;
    fake_send_result(runner, VERDICT_OK);
}

static void the_receivers_nonce(struct fake_runner *runner)
{
    begin(runner);
    runner->start.nonce = RECEIVER_NONCE;
    fake_send_result(runner, VERDICT_OK);
}

static void started_twice(struct fake_runner *runner)
{
    begin(runner);
    fake_send_started(runner);
}

static void empty_output(struct fake_runner *runner)
{
    begin(runner);
    fake_send_frame(runner, FRAME_STDOUT, "", 0);
}

static void one_diagnostic_too_many(struct fake_runner *runner)
{
    begin(runner);
    for (int i = 0; i <= FRAME_DIAGNOSTICS_MAX; i++)
        fake_send_diagnostic(runner, "no");
}

static void malformed_diagnostic(struct fake_runner *runner)
{
    begin(runner);
    fake_send_frame(runner, FRAME_DIAGNOSTIC, "nonsense", 8);
}

static void malformed_result(struct fake_runner *runner)
{
    begin(runner);
    fake_send_frame(runner, FRAME_RESULT, "nonsense", 8);
}

static void source_of_its_own(struct fake_runner *runner)
{
    begin(runner);
    fake_send_frame(runner, FRAME_SOURCE, "x", 1);
}

static void start_of_its_own(struct fake_runner *runner)
{
    uint8_t bytes[FRAME_FIXED_MAX];
    begin(runner);
    fake_send(runner, bytes, frame_encode_start(bytes, &runner->start));
}

static void armed_once_more(struct fake_runner *runner)
{
    uint8_t bytes[FRAME_FIXED_MAX];
    const struct frame_armed armed = {.layers = UINT32_MAX};
    begin(runner);
    fake_send(runner, bytes, frame_encode_armed(bytes, &armed));
}

static void hello_once_more(struct fake_runner *runner)
{
    uint8_t bytes[FRAME_FIXED_MAX];
    const struct frame_hello hello = {.build = 1};
    begin(runner);
    fake_send(runner, bytes, frame_encode_hello(bytes, &hello));
}

static void claims_to_be_killed(struct fake_runner *runner)
{
    begin(runner);
    fake_send_result(runner, VERDICT_KILLED);
}

static void claims_cancelled(struct fake_runner *runner)
{
    begin(runner);
    fake_send_result(runner, VERDICT_CANCELLED);
}

static void claims_a_time_limit_at_once(struct fake_runner *runner)
{
    begin(runner);
    fake_send_result(runner, VERDICT_TIME_LIMIT);
}

static void claims_an_output_limit_at_once(struct fake_runner *runner)
{
    begin(runner);
    fake_send_result(runner, VERDICT_OUTPUT_LIMIT);
}

static void claims_a_step_limit_that_was_not_set(struct fake_runner *runner)
{
    begin(runner);
    fake_send_result(runner, VERDICT_STEP_LIMIT);
}

static void claims_a_compile_error_after_output(struct fake_runner *runner)
{
    begin(runner);
    fake_send_result(runner, VERDICT_COMPILE_ERROR);
}

static void claims_internal_error(struct fake_runner *runner)
{
    begin(runner);
    fake_send_result(runner, VERDICT_INTERNAL_ERROR);
}

static const struct {
    const char *name;
    void (*behave)(struct fake_runner *runner);
} forgeries[] = {
    {"longest length", longest_length},
    {"negative length", negative_length},
    {"length of one too many", length_of_one_too_many},
    {"unknown type", unknown_type},
    {"type zero", type_zero},
    {"other version", other_version},
    {"padding", padding},
    {"garbage", garbage},
    {"frame within a frame", frame_within_a_frame},
    {"wrong nonce in result", wrong_nonce_in_result},
    {"the receiver's nonce", the_receivers_nonce},
    {"started twice", started_twice},
    {"empty output", empty_output},
    {"one diagnostic too many", one_diagnostic_too_many},
    {"malformed diagnostic", malformed_diagnostic},
    {"malformed result", malformed_result},
    {"source of its own", source_of_its_own},
    {"start of its own", start_of_its_own},
    {"armed once more", armed_once_more},
    {"hello once more", hello_once_more},
    {"claims to be killed", claims_to_be_killed},
    {"claims cancelled", claims_cancelled},
    {"claims a time limit at once", claims_a_time_limit_at_once},
    {"claims an output limit at once", claims_an_output_limit_at_once},
    {"claims a step limit that was not set", claims_a_step_limit_that_was_not_set},
    {"claims a compile error after output", claims_a_compile_error_after_output},
    {"claims internal error", claims_internal_error},
};

START_TEST(a_forgery_after_started_is_an_internal_error_that_keeps_the_output)
{
    const struct run_request request = receiver_request("x", NULL);
    receiver_run(&receiver, &request, forgeries[_i].behave);
    ck_assert_msg(receiver.result_count == 1 && receiver.result.verdict == VERDICT_INTERNAL_ERROR,
                  "%s: %s", forgeries[_i].name, verdict_name(receiver.result.verdict));
    assert_output(&receiver, "kept");
    ck_assert_uint_eq(receiver.result.steps, 0); /* its figures are not believed either */
}
END_TEST

/* ---- before STARTED ---- */

static void wrong_nonce_in_started(struct fake_runner *runner)
{
    runner->start.nonce ^= 1;
    fake_send_started(runner);
}

static void output_before_started(struct fake_runner *runner)
{
    fake_send_stdout(runner, "x");
}

static void result_before_started(struct fake_runner *runner)
{
    fake_send_result(runner, VERDICT_OK);
}

static void garbage_before_started(struct fake_runner *runner)
{
    send_header(runner, UINT32_MAX, UINT8_MAX, UINT8_MAX, UINT16_MAX);
}

static void (*const early_forgeries[])(struct fake_runner *runner) = {
    wrong_nonce_in_started, output_before_started, result_before_started, garbage_before_started};

START_TEST(a_forgery_before_started_is_an_internal_error_and_not_tried_again)
{
    const struct run_request request = receiver_request("x", NULL);
    receiver_run(&receiver, &request, early_forgeries[_i]);
    ck_assert_int_eq(receiver.result.verdict, VERDICT_INTERNAL_ERROR);
    ck_assert_uint_eq(receiver.started_count, 1);
    assert_output(&receiver, "");
}
END_TEST

static void started_at_once(struct fake_runner *runner)
{
    fake_send_started(runner);
}

START_TEST(a_runner_that_starts_before_it_has_the_source_is_refused)
{
    /* It can do so only when it has START; a fake that has read that much echoes its nonce. */
    struct world world;
    world_open(&world);
    world.fake.ignores_program = true;
    pool_use(world.pool, &world.fake.backend);
    world_run_until_warm(&world);
    receiver_open(&receiver, &world);
    enum { BYTES = 60000, FRAMES = 40 };
    uint8_t *program = calloc(FRAMES, FRAME_HEADER_BYTES + BYTES);
    ck_assert_ptr_nonnull(program);
    for (size_t i = 0; i < FRAMES; i++)
        frame_encode_header(program + i * (FRAME_HEADER_BYTES + BYTES), FRAME_SOURCE, BYTES);
    struct run_request request = receiver_request("", NULL);
    request.start.source_bytes = FRAMES * BYTES;
    request.program = program;
    request.program_bytes = request.source_frames_bytes = FRAMES * (FRAME_HEADER_BYTES + BYTES);
    receiver_start(&receiver, &request);
    for (struct fake_runner *runner = world.fake.runners; runner; runner = runner->next) {
        uint8_t bytes[FRAME_FIXED_MAX];
        struct frame_header header;
        if (recv(runner->peer, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_PEEK) <= 0)
            continue;
        ck_assert_int_eq(frame_decode_header(bytes, &header), 0);
        ck_assert_int_eq(
            frame_decode_start(bytes + FRAME_HEADER_BYTES, header.payload_bytes, &runner->start),
            0);
        started_at_once(runner);
    }
    receiver_wait(&receiver);
    ck_assert_int_eq(receiver.result.verdict, VERDICT_INTERNAL_ERROR);
    receiver_close(&receiver);
    free(program);
    world_close(&world);
}
END_TEST

/* ---- other modes, other limits ---- */

START_TEST(a_check_may_print_nothing)
{
    struct run_request request = receiver_request("x", NULL);
    request.start.mode = FRAME_MODE_CHECK;
    receiver_run(&receiver, &request, fake_behave_echo);
    ck_assert_int_eq(receiver.result.verdict, VERDICT_INTERNAL_ERROR);
    assert_output(&receiver, "");
}
END_TEST

static void crumbs(struct fake_runner *runner)
{
    enum { FRAME_BYTES = FRAME_HEADER_BYTES + 1, FRAMES = 10000 };
    static uint8_t frames[FRAMES * FRAME_BYTES];
    for (size_t i = 0; i < FRAMES; i++) {
        frame_encode_header(frames + i * FRAME_BYTES, FRAME_STDOUT, 1);
        frames[i * FRAME_BYTES + FRAME_HEADER_BYTES] = 'x';
    }
    fake_send_started(runner);
    fake_send(runner, frames, sizeof(frames));
}

/* Ten thousand frames of one byte: fine for their bytes, not for their number. */
START_TEST(frames_are_counted_as_well_as_bytes)
{
    struct run_request request = receiver_request("x", NULL);
    request.start.limits.output_bytes = 16000;
    request.start.limits.wall_ms = 1000;
    receiver_run(&receiver, &request, crumbs);
    ck_assert_int_eq(receiver.result.verdict, VERDICT_INTERNAL_ERROR);
    ck_assert_uint_eq(buffer_count(&receiver.output), 4096 + 1000 + 16000 / 16);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_forgery_after_started_is_an_internal_error_that_keeps_the_output,
                        0, ARRAY_COUNT(forgeries));
    tcase_add_loop_test(tcase, a_forgery_before_started_is_an_internal_error_and_not_tried_again, 0,
                        ARRAY_COUNT(early_forgeries));
    tcase_add_test(tcase, a_runner_that_starts_before_it_has_the_source_is_refused);
    tcase_add_test(tcase, a_check_may_print_nothing);
    tcase_add_test(tcase, frames_are_counted_as_well_as_bytes);
}

int main(void)
{
    return suite_run("run_forged", add_tests);
}
