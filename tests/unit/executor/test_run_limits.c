/* What a run does when a limit is reached, with a receiver that dawdles or goes, and with many runs. */
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

static void behave_not_at_all(struct fake_runner *runner UNUSED)
{
}

/* ---- limits ---- */

static size_t bytes_to_print;

static void behave_print(struct fake_runner *runner)
{
    static char bytes[FRAME_PAYLOAD_MAX];
    memset(bytes, 'x', sizeof(bytes));
    fake_send_started(runner);
    for (size_t left = bytes_to_print; left > 0;) {
        size_t count = left < sizeof(bytes) ? left : sizeof(bytes);
        fake_send_frame(runner, FRAME_STDOUT, bytes, count);
        left -= count;
    }
    fake_send_result(runner, VERDICT_OK);
}

static const struct {
    uint64_t limit, printed;
    bool is_passed;
} outputs[] = {
    {0, 0, false},      {0, 1, true},          {1000, 999, false},    {1000, 1000, false},
    {1000, 1001, true}, {70000, 70000, false}, {70000, 140000, true},
};

START_TEST(output_is_cut_at_the_limit_and_not_before)
{
    struct run_request request = receiver_request("x", NULL);
    request.start.limits.output_bytes = outputs[_i].limit;
    bytes_to_print = outputs[_i].printed;
    receiver_run(&receiver, &request, behave_print);
    assert_verdict(outputs[_i].is_passed ? VERDICT_OUTPUT_LIMIT : VERDICT_OK);
    ck_assert_int_eq(receiver.result.truncated, outputs[_i].is_passed);
    ck_assert_uint_eq(buffer_count(&receiver.output),
                      outputs[_i].is_passed ? outputs[_i].limit : outputs[_i].printed);
}
END_TEST

static void behave_print_and_spin(struct fake_runner *runner)
{
    fake_send_started(runner);
    fake_send_stdout(runner, "kept");
}

START_TEST(the_wall_limit_kills_a_runner_that_says_nothing)
{
    struct run_request request = receiver_request("x", NULL);
    request.start.limits.wall_ms = 100;
    uint64_t begin_us = clock_now_us();
    receiver_run(&receiver, &request, behave_print_and_spin);
    assert_verdict(VERDICT_TIME_LIMIT);
    assert_output(&receiver, "kept");
    ck_assert_uint_ge(receiver.finished_us - begin_us, 100000);
    ck_assert_uint_lt(receiver.finished_us - begin_us, 600000);
}
END_TEST

START_TEST(the_deadline_holds_when_the_wall_limit_is_longer)
{
    struct run_request request = receiver_request("x", NULL);
    request.deadline_us = clock_now_us() + 100000;
    uint64_t begin_us = clock_now_us();
    receiver_run(&receiver, &request, behave_print_and_spin);
    assert_verdict(VERDICT_TIME_LIMIT);
    ck_assert_uint_lt(receiver.finished_us - begin_us, 600000);
}
END_TEST

static void behave_burn(struct fake_runner *runner)
{
    behave_print_and_spin(runner);
    runner->fake->cpu_us = 10000000;
}

START_TEST(the_cpu_limit_is_found_by_looking)
{
    struct run_request request = receiver_request("x", NULL);
    request.start.limits.cpu_ms = 50;
    uint64_t begin_us = clock_now_us();
    receiver_run(&receiver, &request, behave_burn);
    assert_verdict(VERDICT_TIME_LIMIT);
    assert_output(&receiver, "kept");
    ck_assert_uint_lt(receiver.finished_us - begin_us, 600000);
    ck_assert_uint_eq(receiver.result.cpu_us, 10000000);
}
END_TEST

static void behave_burn_and_end(struct fake_runner *runner)
{
    runner->fake->cpu_us = 10000000;
    fake_send_started(runner);
    fake_send_result(runner, VERDICT_OK);
}

START_TEST(the_cpu_limit_is_also_looked_at_in_the_end)
{
    struct run_request request = receiver_request("x", NULL);
    receiver_run(&receiver, &request, behave_burn_and_end);
    assert_verdict(VERDICT_TIME_LIMIT);
}
END_TEST

START_TEST(time_used_before_the_program_came_is_not_the_programs)
{
    struct world world;
    world_open(&world);
    world.fake.cpu_us = 10000000; /* the runner's own start */
    pool_use(world.pool, &world.fake.backend);
    world_run_until_warm(&world);
    receiver_open(&receiver, &world);
    const struct run_request request = receiver_request("x", NULL);
    receiver_start(&receiver, &request);
    receiver_wait(&receiver);
    assert_verdict(VERDICT_OK);
    ck_assert_uint_eq(receiver.result.cpu_us, 0);
    receiver_close(&receiver);
    world_close(&world);
}
END_TEST

static uint64_t cpu_to_claim_us;

static void behave_claim_cpu(struct fake_runner *runner)
{
    uint8_t bytes[FRAME_FIXED_MAX];
    const struct frame_result result = {
        .nonce = runner->start.nonce, .verdict = VERDICT_OK, .cpu_us = cpu_to_claim_us};
    runner->fake->cpu_us += 7;
    fake_send_started(runner);
    fake_send(runner, bytes, frame_encode_result(bytes, &result));
}

START_TEST(a_runners_own_cpu_time_counts_if_it_is_more_but_never_more_than_the_wall)
{
    const struct run_request request = receiver_request("x", NULL);
    cpu_to_claim_us = UINT64_MAX;
    receiver_run(&receiver, &request, behave_claim_cpu);
    assert_verdict(VERDICT_OK);
    ck_assert_uint_ge(receiver.result.cpu_us, 7);
    ck_assert_uint_le(receiver.result.cpu_us, receiver.result.wall_us);
    cpu_to_claim_us = 0; /* the kernel knows better */
    receiver_run(&receiver, &request, behave_claim_cpu);
    ck_assert_uint_eq(receiver.result.cpu_us, 7);
}
END_TEST

/* ---- the receiver ---- */

START_TEST(a_cancelled_run_kills_its_runner_and_says_nothing)
{
    struct world world;
    world_open_warm(&world);
    world.fake.behave = behave_not_at_all;
    receiver_open(&receiver, &world);
    const struct run_request request = receiver_request("x", NULL);
    receiver_start(&receiver, &request);
    world_run_ms(&world, 2);
    run_cancel(receiver.run);
    receiver.run = NULL;
    world_run_until_reaped(&world);
    ck_assert_uint_eq(receiver.finished_count, 0);
    ck_assert_uint_eq(world.fake.killed_total, 1);
    receiver_close(&receiver);
    world_close(&world);
}
END_TEST

static void behave_print_for_long(struct fake_runner *runner)
{
    fake_send_started(runner);
    for (int i = 0; i < 20; i++)
        fake_send_stdout(runner, "something");
}

START_TEST(a_receiver_that_fails_or_cancels_within_a_frame_ends_the_run)
{
    struct world world;
    world_open_warm(&world);
    world.fake.behave = behave_print_for_long;
    receiver_open(&receiver, &world);
    receiver.refuses = _i == 0;
    receiver.cancels = _i == 1;
    const struct run_request request = receiver_request("x", NULL);
    receiver_start(&receiver, &request);
    receiver_wait(&receiver);
    world_run_until_reaped(&world);
    ck_assert_uint_eq(receiver.finished_count, 0);
    ck_assert_uint_eq(world.fake.killed_total, 1);
    receiver_close(&receiver);
    world_close(&world);
}
END_TEST

/* One more frame each time the loop comes round, for as long as anyone reads. */
static void behave_flood(struct fake_runner *runner)
{
    static char bytes[FRAME_PAYLOAD_MAX];
    fake_send_started(runner);
    for (int i = 0; i < 3; i++) /* more than the stream would take if nobody read it */
        fake_send_frame(runner, FRAME_STDOUT, bytes, 50000);
}

START_TEST(a_slow_receiver_stops_the_reading_until_it_has_caught_up)
{
    struct world world;
    world_open_warm(&world);
    world.fake.behave = behave_print_and_spin;
    receiver_open(&receiver, &world);
    receiver.pending = 200000;
    const struct run_request request = receiver_request("x", NULL);
    receiver_start(&receiver, &request);
    world_run_ms(&world, 20); /* the first frames are through, then the run is paused */
    size_t before = buffer_count(&receiver.output);
    struct fake_runner *runner = world.fake.runners;
    while (!runner->has_behaved)
        runner = runner->next;
    behave_flood(runner); /* a second STARTED: seen only if somebody reads */
    world_run_ms(&world, 20);
    ck_assert_uint_eq(buffer_count(&receiver.output), before);
    ck_assert_uint_eq(receiver.finished_count, 0);
    receiver.pending = 0;
    receiver_wait(&receiver);
    assert_verdict(VERDICT_INTERNAL_ERROR);
    receiver_close(&receiver);
    world_close(&world);
}
END_TEST

START_TEST(the_deadline_holds_for_a_paused_run_and_what_was_printed_is_passed_on)
{
    struct world world;
    world_open_warm(&world);
    world.fake.behave = behave_print_and_spin;
    receiver_open(&receiver, &world);
    receiver.pending = 200000;
    struct run_request request = receiver_request("x", NULL);
    request.start.limits.wall_ms = 100;
    receiver_start(&receiver, &request);
    world_run_ms(&world, 20);
    struct fake_runner *runner = world.fake.runners;
    while (!runner->has_behaved)
        runner = runner->next;
    fake_send_stdout(runner, " and more");
    receiver_wait(&receiver);
    assert_verdict(VERDICT_TIME_LIMIT);
    assert_output(&receiver, "kept and more");
    receiver_close(&receiver);
    world_close(&world);
}
END_TEST

/* ---- many ---- */

START_TEST(after_a_thousand_runs_nothing_is_left)
{
    struct world world;
    world_open_warm(&world);
    receiver_open(&receiver, &world);
    const struct run_request request = receiver_request("x", NULL);
    unsigned fds = count_open_fds();
    for (unsigned i = 0; i < 1000; i++) {
        receiver_start(&receiver, &request);
        receiver_wait(&receiver);
        ck_assert_uint_eq(receiver.finished_count, i + 1);
        ck_assert_int_eq(receiver.summary.outcome, RUN_ANSWERED);
        receiver.result_count = receiver.started_count = 0;
        world_run_until_warm(&world);
    }
    world_run_until_reaped(&world);
    ck_assert_uint_eq(count_open_fds(), fds);
    ck_assert_uint_eq(world.fake.started_total, 1000 + WORLD_WARM);
    receiver_close(&receiver);
    world_close(&world);
}
END_TEST

/* S24: a result that comes within a millisecond of the deadline, before or after. */
static void end_now(void *context)
{
    struct fake_runner *runner = context;
    if (runner->peer >= 0)
        fake_send_result(runner, VERDICT_OK);
}

static struct loop_timer race_timer;
static unsigned race_delay_us;

static void behave_race(struct fake_runner *runner)
{
    fake_send_started(runner);
    loop_timer_init(&race_timer, end_now, runner);
    ck_assert_int_eq(loop_timer_start_us(runner->fake->loop, &race_timer, race_delay_us), 0);
}

START_TEST(a_result_and_the_deadline_at_the_same_moment_give_one_outcome)
{
    struct world world;
    world_open_warm(&world);
    world.fake.behave = behave_race;
    receiver_open(&receiver, &world);
    struct run_request request = receiver_request("x", NULL);
    request.start.limits.wall_ms = 1; /* and 20 ms of grace */
    enum { RACES = 40 };
    unsigned in_time = 0;
    for (unsigned i = 0; i < RACES; i++) {
        race_delay_us = 18000 + 100 * i;
        world.fake.hold_ends = true; /* the runner stays until nothing can be said by it */
        receiver_start(&receiver, &request);
        receiver_wait(&receiver);
        loop_timer_stop(&race_timer);
        world.fake.hold_ends = false;
        fake_backend_look(&world.fake);
        ck_assert_uint_eq(receiver.finished_count, i + 1);
        ck_assert_uint_eq(receiver.result_count, 1);
        enum verdict verdict = receiver.result.verdict;
        ck_assert(verdict == VERDICT_OK || verdict == VERDICT_TIME_LIMIT);
        in_time += verdict == VERDICT_OK;
        receiver.result_count = receiver.started_count = 0;
        world_run_until_reaped(&world);
    }
    ck_assert_uint_gt(in_time, 0);
    ck_assert_uint_lt(in_time, RACES);
    receiver_close(&receiver);
    world_close(&world);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, output_is_cut_at_the_limit_and_not_before, 0, ARRAY_COUNT(outputs));
    tcase_add_test(tcase, the_wall_limit_kills_a_runner_that_says_nothing);
    tcase_add_test(tcase, the_deadline_holds_when_the_wall_limit_is_longer);
    tcase_add_test(tcase, the_cpu_limit_is_found_by_looking);
    tcase_add_test(tcase, the_cpu_limit_is_also_looked_at_in_the_end);
    tcase_add_test(tcase, time_used_before_the_program_came_is_not_the_programs);
    tcase_add_test(tcase, a_runners_own_cpu_time_counts_if_it_is_more_but_never_more_than_the_wall);
    tcase_add_test(tcase, a_cancelled_run_kills_its_runner_and_says_nothing);
    tcase_add_loop_test(tcase, a_receiver_that_fails_or_cancels_within_a_frame_ends_the_run, 0, 2);
    tcase_add_test(tcase, a_slow_receiver_stops_the_reading_until_it_has_caught_up);
    tcase_add_test(tcase, the_deadline_holds_for_a_paused_run_and_what_was_printed_is_passed_on);
    tcase_add_test(tcase, after_a_thousand_runs_nothing_is_left);
    tcase_add_test(tcase, a_result_and_the_deadline_at_the_same_moment_give_one_outcome);
}

int main(void)
{
    return suite_run("run_limits", add_tests);
}
