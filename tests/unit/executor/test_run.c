/* What a run does with a runner that behaves, or dies, or does not begin. Limits and receivers are in
 * test_run_limits.c, forgeries in test_run_forged.c. */
#include <stdio.h>
#include <string.h>

#include "../common/suite.h"
#include "clock.h"
#include "receiver.h"

static struct receiver receiver;

static void assert_verdict(enum verdict verdict)
{
    ck_assert_int_eq(receiver.summary.outcome, RUN_ANSWERED);
    ck_assert_uint_eq(receiver.result_count, 1);
    ck_assert_str_eq(verdict_name(receiver.result.verdict), verdict_name(verdict));
    ck_assert_int_eq(receiver.summary.verdict, verdict);
}

/* ---- a runner as it should be ---- */

START_TEST(passes_on_what_was_printed_and_the_result)
{
    const struct run_request request = receiver_request("the source ", "the input");
    receiver_run(&receiver, &request, fake_behave_echo);
    assert_verdict(VERDICT_OK);
    assert_output(&receiver, "the source the input");
    ck_assert_uint_eq(receiver.result.steps, 42);
    ck_assert_uint_eq(receiver.result.memory_peak_bytes, 4096);
    ck_assert_uint_eq(receiver.result.layers, 7);
    ck_assert(!receiver.result.truncated);
    buffer_done(&receiver.output);
}
END_TEST

static void behave_diagnose(struct fake_runner *runner)
{
    fake_send_started(runner);
    for (int i = 0; i < FRAME_DIAGNOSTICS_MAX; i++)
        fake_send_diagnostic(runner, "Expect expression.");
    fake_send_result(runner, VERDICT_COMPILE_ERROR);
}

START_TEST(passes_on_a_hundred_diagnostics)
{
    const struct run_request request = receiver_request("(", NULL);
    receiver_run(&receiver, &request, behave_diagnose);
    assert_verdict(VERDICT_COMPILE_ERROR);
    ck_assert_uint_eq(receiver.diagnostic_count, FRAME_DIAGNOSTICS_MAX);
}
END_TEST

static void behave_wait_for_signal(struct fake_runner *runner)
{
    fake_send_started(runner);
    fake_send_result(runner, VERDICT_OK);
    /* And stays: nobody may wait for its exit. */
}

START_TEST(ends_with_the_result_though_the_process_stays)
{
    const struct run_request request = receiver_request("x", NULL);
    uint64_t begin_us = clock_now_us();
    receiver_run(&receiver, &request, behave_wait_for_signal);
    assert_verdict(VERDICT_OK);
    ck_assert_uint_lt(receiver.finished_us - begin_us, 100000);
}
END_TEST

static void behave_talk_on(struct fake_runner *runner)
{
    fake_send_started(runner);
    fake_send_stdout(runner, "before");
    fake_send_result(runner, VERDICT_OK);
    fake_send_stdout(runner, "after");
    fake_send_result(runner, VERDICT_RUNTIME_ERROR);
}

START_TEST(ignores_what_comes_after_the_result)
{
    const struct run_request request = receiver_request("x", NULL);
    receiver_run(&receiver, &request, behave_talk_on);
    assert_verdict(VERDICT_OK);
    assert_output(&receiver, "before");
}
END_TEST

/* ---- the ends of runners ---- */

static enum runner_end end_to_try;

static void behave_end(struct fake_runner *runner)
{
    fake_send_started(runner);
    fake_send_stdout(runner, "kept");
    fake_end(runner, end_to_try);
}

static const struct {
    enum runner_end end;
    enum verdict verdict;
} ends[] = {
    {RUNNER_END_SIGSYS, VERDICT_KILLED},         {RUNNER_END_OOM, VERDICT_MEMORY_LIMIT},
    {RUNNER_END_EXITED, VERDICT_INTERNAL_ERROR}, {RUNNER_END_SIGNAL, VERDICT_INTERNAL_ERROR},
    {RUNNER_END_LOST, VERDICT_INTERNAL_ERROR},   {RUNNER_END_KILLED, VERDICT_INTERNAL_ERROR},
    {RUNNER_END_CPU, VERDICT_INTERNAL_ERROR},
};

START_TEST(death_without_a_result_is_judged_by_its_cause_and_keeps_the_output)
{
    const struct run_request request = receiver_request("x", NULL);
    end_to_try = ends[_i].end;
    receiver_run(&receiver, &request, behave_end);
    assert_verdict(ends[_i].verdict);
    assert_output(&receiver, "kept");
    ck_assert_uint_eq(receiver.result.memory_peak_bytes, 12345); /* the kernel's count */
}
END_TEST

static void behave_hang_up(struct fake_runner *runner)
{
    fake_send_started(runner);
    fake_send_stdout(runner, "kept");
    fake_close(runner);
}

START_TEST(a_runner_that_closes_its_stream_and_stays_is_killed)
{
    const struct run_request request = receiver_request("x", NULL);
    receiver_run(&receiver, &request, behave_hang_up);
    assert_verdict(VERDICT_INTERNAL_ERROR);
    assert_output(&receiver, "kept");
}
END_TEST

static void behave_hang_up_for_good(struct fake_runner *runner)
{
    runner->fake->hold_ends = true;
    behave_hang_up(runner);
}

START_TEST(an_end_that_is_never_told_is_not_waited_for)
{
    const struct run_request request = receiver_request("x", NULL);
    uint64_t begin_us = clock_now_us();
    receiver_run(&receiver, &request, behave_hang_up_for_good);
    assert_verdict(VERDICT_INTERNAL_ERROR);
    ck_assert_uint_lt(receiver.finished_us - begin_us, 500000);
}
END_TEST

static void behave_die_in_a_frame(struct fake_runner *runner)
{
    uint8_t header[FRAME_HEADER_BYTES];
    fake_send_started(runner);
    fake_send_stdout(runner, "kept");
    frame_encode_header(header, FRAME_STDOUT, 1000);
    fake_send(runner, header, sizeof(header));
    fake_end(runner, RUNNER_END_SIGSYS);
}

START_TEST(death_within_a_frame_is_judged_by_its_cause)
{
    const struct run_request request = receiver_request("x", NULL);
    receiver_run(&receiver, &request, behave_die_in_a_frame);
    assert_verdict(VERDICT_KILLED);
    assert_output(&receiver, "kept");
}
END_TEST

/* ---- before STARTED ---- */

static void behave_die_once(struct fake_runner *runner)
{
    unsigned *deaths = runner->fake->context;
    if ((*deaths)++ == 0)
        fake_end(runner, RUNNER_END_SIGNAL);
    else
        fake_behave_echo(runner);
}

START_TEST(a_runner_that_dies_before_it_started_is_replaced)
{
    struct world world;
    unsigned deaths = 0;
    world_open_warm(&world);
    world.fake.behave = behave_die_once;
    world.fake.context = &deaths;
    receiver_open(&receiver, &world);
    const struct run_request request = receiver_request("once", NULL);
    receiver_start(&receiver, &request);
    receiver_wait(&receiver);
    assert_verdict(VERDICT_OK);
    assert_output(&receiver, "once");
    ck_assert_uint_eq(deaths, 2);
    receiver_close(&receiver);
    world_close(&world);
}
END_TEST

static void behave_die(struct fake_runner *runner)
{
    fake_end(runner, RUNNER_END_SIGNAL);
}

START_TEST(a_program_that_two_runners_die_of_is_an_internal_error)
{
    const struct run_request request = receiver_request("x", NULL);
    receiver_run(&receiver, &request, behave_die);
    ck_assert_int_eq(receiver.summary.outcome, RUN_ANSWERED);
    ck_assert_int_eq(receiver.summary.verdict, VERDICT_INTERNAL_ERROR);
    ck_assert_uint_eq(receiver.started_count, 1);
    ck_assert_uint_eq(receiver.result_count, 1);
}
END_TEST

static void behave_be_killed(struct fake_runner *runner)
{
    fake_end(runner, *(enum runner_end *)runner->fake->context);
}

/* STARTED comes together with what follows it, so that it may not have come. */
START_TEST(whom_the_kernel_ends_for_its_program_has_run)
{
    static const struct {
        enum runner_end end;
        enum verdict verdict;
    } cases[] = {{RUNNER_END_SIGSYS, VERDICT_KILLED}, {RUNNER_END_OOM, VERDICT_MEMORY_LIMIT}};
    struct world world;
    enum runner_end end = cases[_i].end;
    world_open_warm(&world);
    world.fake.behave = behave_be_killed;
    world.fake.context = &end;
    receiver_open(&receiver, &world);
    const struct run_request request = receiver_request("x", NULL);
    receiver_start(&receiver, &request);
    receiver_wait(&receiver);
    assert_verdict(cases[_i].verdict);
    receiver_close(&receiver);
    world_close(&world);
}
END_TEST

START_TEST(no_runner_means_not_started)
{
    struct world world;
    world_open(&world);
    world.fake.hold_starts = true;
    pool_use(world.pool, &world.fake.backend);
    receiver_open(&receiver, &world);
    const struct run_request request = receiver_request("x", NULL);
    receiver_start(&receiver, &request);
    ck_assert_uint_eq(receiver.finished_count, 1); /* at once */
    ck_assert_int_eq(receiver.summary.outcome, RUN_NOT_STARTED);
    receiver_close(&receiver);
    world_close(&world);
}
END_TEST

START_TEST(more_memory_than_any_runner_has_is_too_large)
{
    struct run_request request = receiver_request("x", NULL);
    request.start.limits.memory_bytes = 65 << 20;
    receiver_run(&receiver, &request, fake_behave_echo);
    ck_assert_int_eq(receiver.summary.outcome, RUN_TOO_LARGE);
}
END_TEST

static void behave_not_at_all(struct fake_runner *runner UNUSED)
{
}

START_TEST(a_runner_that_never_starts_is_killed_and_replaced_once)
{
    struct run_request request = receiver_request("x", NULL);
    uint64_t begin_us = clock_now_us();
    receiver_run(&receiver, &request, behave_not_at_all);
    ck_assert_int_eq(receiver.summary.outcome, RUN_NOT_STARTED);
    ck_assert_uint_ge(receiver.finished_us - begin_us, 300000); /* two start timeouts */
    ck_assert_uint_lt(receiver.finished_us - begin_us, 1000000);
}
END_TEST

START_TEST(no_second_runner_is_tried_when_the_deadline_forbids_it)
{
    struct run_request request = receiver_request("x", NULL);
    request.deadline_us = clock_now_us() + 5000000 + 100000; /* wall and a little */
    uint64_t begin_us = clock_now_us();
    receiver_run(&receiver, &request, behave_not_at_all);
    ck_assert_int_eq(receiver.summary.outcome, RUN_NOT_STARTED);
    ck_assert_uint_lt(receiver.finished_us - begin_us, 290000);
}
END_TEST

/* S12: the stream to the runner is full and stays so. */
START_TEST(a_runner_that_does_not_read_its_program_is_killed)
{
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
    receiver_wait(&receiver);
    ck_assert_int_eq(receiver.summary.outcome, RUN_NOT_STARTED);
    ck_assert_uint_eq(world.fake.killed_total, 2);
    receiver_close(&receiver);
    free(program);
    world_close(&world);
}
END_TEST

static void behave_count_source(struct fake_runner *runner)
{
    char text[32];
    snprintf(text, sizeof(text), "%u %u", runner->source.count, runner->input.count);
    fake_send_started(runner);
    fake_send_stdout(runner, text);
    fake_send_result(runner, VERDICT_OK);
}

START_TEST(a_program_larger_than_the_stream_is_sent_in_pieces)
{
    enum { BYTES = 60000, FRAMES = 40 };
    static uint8_t program[FRAMES * (FRAME_HEADER_BYTES + BYTES)];
    for (size_t i = 0; i < FRAMES; i++)
        frame_encode_header(program + i * (FRAME_HEADER_BYTES + BYTES),
                            i < FRAMES / 2 ? FRAME_SOURCE : FRAME_INPUT, BYTES);
    struct run_request request = receiver_request("", NULL);
    request.start.source_bytes = request.start.input_bytes = FRAMES / 2 * BYTES;
    request.program = program;
    request.program_bytes = sizeof(program);
    request.source_frames_bytes = sizeof(program) / 2;
    receiver_run(&receiver, &request, behave_count_source);
    assert_verdict(VERDICT_OK);
    assert_output(&receiver, "1200000 1200000");
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, passes_on_what_was_printed_and_the_result);
    tcase_add_test(tcase, passes_on_a_hundred_diagnostics);
    tcase_add_test(tcase, ends_with_the_result_though_the_process_stays);
    tcase_add_test(tcase, ignores_what_comes_after_the_result);
    tcase_add_loop_test(tcase, death_without_a_result_is_judged_by_its_cause_and_keeps_the_output,
                        0, ARRAY_COUNT(ends));
    tcase_add_test(tcase, a_runner_that_closes_its_stream_and_stays_is_killed);
    tcase_add_test(tcase, an_end_that_is_never_told_is_not_waited_for);
    tcase_add_test(tcase, death_within_a_frame_is_judged_by_its_cause);
    tcase_add_test(tcase, a_runner_that_dies_before_it_started_is_replaced);
    tcase_add_test(tcase, a_program_that_two_runners_die_of_is_an_internal_error);
    tcase_add_loop_test(tcase, whom_the_kernel_ends_for_its_program_has_run, 0, 2);
    tcase_add_test(tcase, no_runner_means_not_started);
    tcase_add_test(tcase, more_memory_than_any_runner_has_is_too_large);
    tcase_add_test(tcase, a_runner_that_never_starts_is_killed_and_replaced_once);
    tcase_add_test(tcase, no_second_runner_is_tried_when_the_deadline_forbids_it);
    tcase_add_test(tcase, a_runner_that_does_not_read_its_program_is_killed);
    tcase_add_test(tcase, a_program_larger_than_the_stream_is_sent_in_pieces);
}

int main(void)
{
    return suite_run("run", add_tests);
}
