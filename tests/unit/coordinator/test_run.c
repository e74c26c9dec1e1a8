#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dispatcher.h"
#include "fixture.h"
#include "run.h"
#include "suite.h"

enum { WATCHED_MAX = 128 };

/* A run and what was told of it, in letters: S started, o output, d diagnostic, R result. */
struct watched {
    struct run run;
    char told[64];
    char output[64];
    bool is_over;
    enum run_end end;
    uint64_t queue_us;
    int output_result; /* what the output event returns */
};

static struct fixture fixture;
static struct executors *executors;
static struct dispatcher *dispatcher;
static struct watched watched[WATCHED_MAX];
static unsigned over_count;

static void tell(struct watched *one, char letter)
{
    size_t used = strlen(one->told);
    if (used + 1 < sizeof(one->told))
        one->told[used] = letter;
}

static int on_started(void *context)
{
    tell(context, 'S');
    return 0;
}

static int on_output(void *context, const char *bytes, size_t count)
{
    struct watched *one = context;
    tell(one, 'o');
    size_t used = strlen(one->output);
    (void)snprintf(one->output + used, sizeof(one->output) - used, "%.*s", (int)count, bytes);
    return one->output_result;
}

static int on_diagnostic(void *context, const struct frame_diagnostic *diagnostic)
{
    ck_assert_uint_eq(diagnostic->line, 3);
    tell(context, 'd');
    return 0;
}

static int on_result(void *context, const struct frame_result *result)
{
    struct watched *one = context;
    one->queue_us = result->queue_us;
    tell(one, 'R');
    return 0;
}

static void on_run_end(void *context, enum run_end end)
{
    struct watched *one = context;
    ck_assert(!one->is_over); /* exactly one end */
    one->is_over = true;
    one->end = end;
    over_count++;
}

/* ---- set-up: a dispatcher between these events and the fakes ---- */

static void start_with(size_t fakes, unsigned slots, const char *const *flags)
{
    memset(watched, 0, sizeof(watched));
    over_count = 0;
    fixture_init(&fixture, fakes, slots);
    fixture_config(&fixture.config, flags);
    const struct executors_config table = {.slots_before_known = slots,
                                           .eject_failures = 3,
                                           .eject_us = 1000000,
                                           .eject_max_us = 30000000};
    ck_assert_int_eq(executors_create(&table, &executors), 0);
    struct sockaddr_storage addresses[FIXTURE_FAKES_MAX];
    for (size_t i = 0; i < fakes; i++)
        addresses[i] = fake_executor_address(&fixture.fakes[i]);
    ck_assert_int_eq(executors_set(executors, addresses, fakes), 0);
    for (size_t i = 0; i < fakes; i++)
        executors_at(executors, i)->is_ready = true;
    const struct dispatcher_config config = {
        .loop = fixture.loop,
        .client = fixture.client,
        .executors = executors,
        .secret = &fixture.secret,
        .settings = &fixture.config.settings,
    };
    ck_assert_int_eq(dispatcher_create(&config, &dispatcher), 0);
}

static void start(size_t fakes, unsigned slots)
{
    start_with(fakes, slots, NULL);
}

static void teardown(void)
{
    for (size_t i = 0; i < WATCHED_MAX; i++)
        run_cancel(&watched[i].run);
    dispatcher_free(dispatcher);
    executors_free(executors);
    config_done(&fixture.config);
    fixture_done(&fixture);
}

static int submit(unsigned index, uint64_t client, const char *source)
{
    struct watched *one = &watched[index];
    const struct coordinator_settings *settings = &fixture.config.settings;
    struct run_config config = {
        .dispatcher = dispatcher,
        .client = {1, client},
        .mode = FRAME_MODE_RUN,
        .limits = {.wall_ms = 1000,
                   .cpu_ms = 500,
                   .memory_bytes = 1 << 20,
                   .output_bytes = 1000,
                   .call_depth = 1000},
        .source = {source, (uint32_t)strlen(source)},
        .input = {"input", 5},
        .wait_max_us = settings->queue_wait_ms * 1000,
        .deadline_us = clock_now_us() + (settings->queue_wait_ms + 1000) * 1000,
        .events = {one, on_started, on_output, on_diagnostic, on_result, on_run_end},
    };
    (void)snprintf(config.id, sizeof(config.id), "%032x", index + 1);
    return run_submit(&one->run, &config);
}

static bool is_one_over(void *context)
{
    return ((const struct watched *)context)->is_over;
}

static bool are_all_over(void *context)
{
    return over_count >= *(unsigned *)context;
}

static void wait_for(unsigned index)
{
    fixture_until(&fixture, is_one_over, &watched[index]);
}

static void wait_all(unsigned count)
{
    fixture_until(&fixture, are_all_over, &count);
}

static bool is_any_held(void *context)
{
    return fake_executor_held(context) > 0;
}

/* ---- one run ---- */

START_TEST(a_run_tells_its_frames_in_order)
{
    start(1, 4);
    ck_assert_int_eq(submit(0, 1, "fail"), 0);
    wait_for(0);
    ck_assert_str_eq(watched[0].told, "SodR");
    ck_assert_int_eq((int)watched[0].end, RUN_END_RESULT);
    ck_assert_str_eq(fixture.fakes[0].ids[0], "00000000000000000000000000000001");
    ck_assert_uint_eq(fixture.fakes[0].wall_ms, 1000);
    ck_assert_uint_le(fixture.fakes[0].deadline_ms, 3000);
    ck_assert_uint_ge(fixture.fakes[0].deadline_ms, 2900);
    ck_assert_uint_eq(executors_census(executors, clock_now_us()).in_flight, 0);
    teardown();
}
END_TEST

START_TEST(source_and_input_of_any_size_arrive_whole)
{
    static char source[300000];
    memset(source, ' ', sizeof(source) - 1);
    memcpy(source, "echo", 4);
    start(1, 4);
    ck_assert_int_eq(submit(0, 1, source), 0);
    wait_for(0);
    ck_assert_str_eq(watched[0].output, "input");
    ck_assert_int_eq(submit(1, 1, ""), 0);
    wait_for(1);
    ck_assert_str_eq(watched[1].told, "SR");
    teardown();
}
END_TEST

static const struct {
    enum fake_fault fault;
    const char *told;
    enum run_end end;
    unsigned runs; /* how often it was tried */
} faults[] = {
    {FAKE_STRANGER, "", RUN_END_LOST, 1},     {FAKE_UNSIGNED, "", RUN_END_LOST, 1},
    {FAKE_GARBAGE, "", RUN_END_LOST, 1},      {FAKE_WRONG_ORDER, "", RUN_END_LOST, 1},
    {FAKE_WRONG_NONCE, "", RUN_END_LOST, 1},  {FAKE_REFUSES, "", RUN_END_LOST, 1},
    {FAKE_NO_RESULT, "Soo", RUN_END_LOST, 1}, {FAKE_RESULT_TWICE, "SooR", RUN_END_LOST, 1},
    {FAKE_BUSY, "", RUN_END_BUSY, 2},         {FAKE_BUSY_ONCE, "SooR", RUN_END_RESULT, 2},
    {FAKE_LONG_REFUSAL, "", RUN_END_LOST, 1},
};

START_TEST(an_executor_that_breaks_the_rules_loses_the_run_and_counts_as_failed)
{
    start(1, 4);
    fixture.fakes[0].fault = faults[_i].fault;
    ck_assert_int_eq(submit(0, 1, "print x"), 0);
    wait_for(0);
    ck_assert_int_eq((int)watched[0].end, (int)faults[_i].end);
    ck_assert_str_eq(watched[0].told, faults[_i].told);
    ck_assert_uint_eq(fixture.fakes[0].runs, faults[_i].runs);
    if (faults[_i].end == RUN_END_LOST)
        ck_assert_uint_eq(executors_at(executors, 0)->failures, 1);
    ck_assert_uint_eq(executors_census(executors, clock_now_us()).in_flight, 0);
    teardown();
}
END_TEST

START_TEST(a_coordinator_with_another_secret_is_refused)
{
    start(1, 4);
    fixture.fakes[0].secret.bytes[5] ^= 1;
    ck_assert_int_eq(submit(0, 1, "print x"), 0);
    wait_for(0);
    ck_assert_int_eq((int)watched[0].end, RUN_END_LOST);
    ck_assert_uint_eq(fixture.fakes[0].unsigned_runs, 1);
    teardown();
}
END_TEST

/* What may have started is not tried again: on a new connection, and on one that was used before. */
START_TEST(an_executor_that_dies_without_a_word_is_not_asked_twice)
{
    start(1, 4);
    unsigned before = 0;
    if (_i == 1) {
        ck_assert_int_eq(submit(0, 1, "print x"), 0);
        wait_for(0);
        before = 1;
    }
    fixture.fakes[0].fault = FAKE_DIES_UNSTARTED;
    ck_assert_int_eq(submit(1, 1, "print x"), 0);
    wait_for(1);
    ck_assert_uint_eq(fixture.fakes[0].runs, before + 1);
    ck_assert_int_eq((int)watched[1].end, RUN_END_LOST);
    teardown();
}
END_TEST

static bool has_output(void *context)
{
    return ((const struct watched *)context)->output[0] != '\0';
}

START_TEST(an_executor_lost_after_the_start_ends_the_run_at_once)
{
    start(1, 4);
    fixture.fakes[0].fault = FAKE_DIES_STARTED;
    ck_assert_int_eq(submit(0, 1, "print x"), 0);
    fixture_until(&fixture, has_output, &watched[0]);
    uint64_t killed_us = clock_now_us();
    fake_executor_done(&fixture.fakes[0]);
    wait_for(0);
    ck_assert_uint_lt(clock_now_us() - killed_us, 1000000);
    ck_assert_int_eq((int)watched[0].end, RUN_END_LOST);
    ck_assert_str_eq(watched[0].told, "So");
    teardown();
}
END_TEST

START_TEST(a_run_that_never_starts_ends_soon_after_its_deadline)
{
    static const char *const flags[] = {"--queue.wait=100ms", NULL};
    start_with(1, 4, flags);
    ck_assert_int_eq(submit(0, 1, "late"), 0);
    uint64_t begun_us = clock_now_us();
    wait_for(0);
    uint64_t took_us = clock_now_us() - begun_us;
    ck_assert_int_eq((int)watched[0].end, RUN_END_LATE);
    ck_assert_uint_ge(took_us, 1100 * 1000 - 2000);
    ck_assert_uint_le(took_us, 1600 * 1000);
    ck_assert_uint_eq(fixture.fakes[0].runs, 1);
    teardown();
}
END_TEST

START_TEST(an_event_that_refuses_stops_the_run_and_blames_nobody)
{
    start(1, 4);
    watched[0].output_result = -EMSGSIZE;
    ck_assert_int_eq(submit(0, 1, "hold"), 0);
    wait_for(0);
    ck_assert_int_eq((int)watched[0].end, RUN_END_STOPPED);
    ck_assert_uint_eq(executors_at(executors, 0)->failures, 0);
    teardown();
}
END_TEST

static bool has_cancelled(void *context)
{
    return ((const struct fake_executor *)context)->cancelled > 0;
}

START_TEST(a_cancelled_run_frees_its_place_and_its_executor_hears_of_it)
{
    start(1, 1);
    ck_assert_int_eq(submit(0, 1, "hold"), 0);
    ck_assert_int_eq(submit(1, 1, "print x"), 0);
    fixture_until(&fixture, is_any_held, &fixture.fakes[0]);
    run_cancel(&watched[0].run);
    run_cancel(&watched[0].run); /* fine in every state */
    wait_for(1);
    fixture_until(&fixture, has_cancelled, &fixture.fakes[0]);
    ck_assert(!watched[0].is_over);
    ck_assert_int_eq((int)watched[1].end, RUN_END_RESULT);
    teardown();
}
END_TEST

/* ---- retries ---- */

START_TEST(a_dead_executor_is_gone_round)
{
    start(2, 4);
    fake_executor_done(&fixture.fakes[0]);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(submit(i, 1, "print x"), 0);
        wait_for(i);
        ck_assert_int_eq((int)watched[i].end, RUN_END_RESULT);
    }
    ck_assert_uint_eq(fixture.fakes[1].runs, 20);
    ck_assert_uint_le(dispatcher_counts(dispatcher)->retries, 3);
    teardown();
}
END_TEST

START_TEST(a_busy_executor_is_gone_round)
{
    start(2, 4);
    fixture.fakes[0].fault = FAKE_BUSY;
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_int_eq(submit(i, 1, "print x"), 0);
        wait_for(i);
        ck_assert_int_eq((int)watched[i].end, RUN_END_RESULT);
    }
    teardown();
}
END_TEST

/* A socket whose queue of connections is full: further ones get no answer, as in a partition. */
static int open_black_hole(struct sockaddr_storage *ret_address, int fillers[], size_t count)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t bytes = sizeof(ipv4);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&ipv4, sizeof(ipv4)), 0);
    ck_assert_int_eq(listen(fd, 0), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&ipv4, &bytes), 0);
    for (size_t i = 0; i < count; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int r = connect(fillers[i], (struct sockaddr *)&ipv4, sizeof(ipv4));
        ck_assert(r == 0 || errno == EINPROGRESS);
    }
    memset(ret_address, 0, sizeof(*ret_address));
    memcpy(ret_address, &ipv4, sizeof(ipv4));
    return fd;
}

START_TEST(c12_an_executor_behind_a_partition_is_gone_round)
{
    enum { FILLERS = 4 };
    int fillers[FILLERS];
    struct sockaddr_storage addresses[2];
    start(1, 4);
    int fd = open_black_hole(&addresses[0], fillers, FILLERS);
    addresses[1] = fake_executor_address(&fixture.fakes[0]);
    ck_assert_int_eq(executors_set(executors, addresses, 2), 0);
    executors_at(executors, 0)->is_ready = executors_at(executors, 1)->is_ready = true;
    for (unsigned i = 0; i < 20; i++) {
        uint64_t begun_us = clock_now_us();
        ck_assert_int_eq(submit(i, 1, "print x"), 0);
        wait_for(i);
        ck_assert_int_eq((int)watched[i].end, RUN_END_RESULT);
        ck_assert_uint_lt(clock_now_us() - begun_us, 1900000);
    }
    ck_assert_uint_ge(dispatcher_counts(dispatcher)->retries, 1);
    ck_assert_uint_le(dispatcher_counts(dispatcher)->retries, 3);
    for (size_t i = 0; i < FILLERS; i++)
        close(fillers[i]);
    close(fd);
    teardown();
}
END_TEST

START_TEST(c15_a_slow_executor_gets_less)
{
    start(2, 8);
    unsigned next = 0;
    for (unsigned i = 0; i < 4; i++) /* the slow one: four runs that do not end */
        executors_at(executors, 0)->in_flight++;
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 4; i++)
            ck_assert_int_eq(submit(next++, 1, "print x"), 0);
        wait_all(next);
    }
    ck_assert_uint_eq(fixture.fakes[0].runs, 0);
    ck_assert_uint_eq(fixture.fakes[1].runs, 80);
    executors_at(executors, 0)->in_flight -= 4;
    teardown();
}
END_TEST

START_TEST(no_executor_that_can_be_reached_is_told_at_once)
{
    start(1, 4);
    fake_executor_done(&fixture.fakes[0]);
    uint64_t begun_us = clock_now_us();
    ck_assert_int_eq(submit(0, 1, "print x"), 0);
    wait_for(0);
    ck_assert_int_eq((int)watched[0].end, RUN_END_UNREACHABLE);
    ck_assert_uint_lt(clock_now_us() - begun_us, 500000);
    teardown();
}
END_TEST

START_TEST(retries_stop_when_their_budget_is_used_up)
{
    start(1, 4);
    fixture.fakes[0].fault = FAKE_BUSY;
    for (unsigned i = 0; i < 60; i++) {
        ck_assert_int_eq(submit(i, 1, "print x"), 0);
        wait_for(i);
        ck_assert_int_eq((int)watched[i].end, RUN_END_BUSY);
    }
    /* Ten to start with, six for sixty requests, one for each second. */
    const struct dispatcher_counts *counts = dispatcher_counts(dispatcher);
    ck_assert_uint_ge(counts->retries, 15);
    ck_assert_uint_le(counts->retries, 20);
    ck_assert_uint_eq(counts->retries + counts->retries_refused, 60);
    ck_assert_uint_eq(fixture.fakes[0].runs, 60 + counts->retries);
    teardown();
}
END_TEST

/* ---- the queue ---- */

START_TEST(clients_start_in_turn_whatever_the_order_they_came_in)
{
    start(1, 1);
    ck_assert_int_eq(submit(0, 9, "hold"), 0);
    fixture_until(&fixture, is_any_held, &fixture.fakes[0]);
    static const char *const greedy[] = {"print g0", "print g1", "print g2", "print g3"};
    static const char *const modest[] = {"print m0", "print m1"};
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(submit(1 + i, 1, greedy[i]), 0);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(submit(5 + i, 2, modest[i]), 0);
    ck_assert_uint_eq(dispatcher_waiting(dispatcher), 6);
    fake_executor_release(&fixture.fakes[0], 1);
    wait_all(7);
    static const char *const expected[] = {"hold",     "print g0", "print m0", "print g1",
                                           "print m1", "print g2", "print g3"};
    for (unsigned i = 0; i < 7; i++)
        ck_assert_str_eq(fixture.fakes[0].log[i], expected[i]);
    ck_assert_uint_gt(watched[6].queue_us, 0);
    teardown();
}
END_TEST

START_TEST(a_full_queue_refuses_at_once)
{
    static const char *const flags[] = {"--queue.max=2", NULL};
    start_with(1, 1, flags);
    ck_assert_int_eq(submit(0, 1, "hold"), 0);
    ck_assert_int_eq(submit(1, 1, "print x"), 0);
    ck_assert_int_eq(submit(2, 1, "print x"), 0);
    ck_assert_int_eq(submit(3, 1, "print x"), -EBUSY);
    fixture_until(&fixture, is_any_held, &fixture.fakes[0]);
    fake_executor_release(&fixture.fakes[0], 1);
    wait_all(3);
    ck_assert(!watched[3].is_over);
    teardown();
}
END_TEST

START_TEST(one_client_cannot_fill_the_queue)
{
    static const char *const flags[] = {"--queue.max=10", "--queue.client_max=2", NULL};
    start_with(1, 1, flags);
    ck_assert_int_eq(submit(0, 1, "hold"), 0);
    ck_assert_int_eq(submit(1, 1, "print x"), 0);
    ck_assert_int_eq(submit(2, 1, "print x"), 0);
    ck_assert_int_eq(submit(3, 1, "print x"), -EBUSY);
    ck_assert_int_eq(submit(4, 2, "print x"), 0);
    teardown();
}
END_TEST

START_TEST(a_wait_ends_when_its_time_is_over)
{
    static const char *const flags[] = {"--queue.wait=50ms", NULL};
    start_with(1, 1, flags);
    ck_assert_int_eq(submit(0, 1, "hold"), 0);
    uint64_t begun_us = clock_now_us();
    ck_assert_int_eq(submit(1, 1, "print x"), 0);
    wait_for(1);
    ck_assert_int_eq((int)watched[1].end, RUN_END_BUSY);
    ck_assert_uint_ge(clock_now_us() - begun_us, 50000);
    ck_assert_uint_lt(clock_now_us() - begun_us, 300000);
    ck_assert_uint_eq(dispatcher_waiting(dispatcher), 0);
    teardown();
}
END_TEST

START_TEST(no_known_executor_is_told_at_once)
{
    start(0, 1);
    ck_assert_int_eq(submit(0, 1, "print x"), -ENOENT);
    ck_assert(!watched[0].is_over);
    teardown();
}
END_TEST

static bool are_both_full(void *context)
{
    (void)context;
    return fake_executor_held(&fixture.fakes[0]) == 3 && fake_executor_held(&fixture.fakes[1]) == 3;
}

START_TEST(an_executor_never_has_more_runs_than_slots)
{
    start(2, 3);
    for (unsigned i = 0; i < 40; i++)
        ck_assert_int_eq(submit(i, i % 5, "hold"), 0);
    fixture_until(&fixture, are_both_full, NULL);
    while (over_count < 40) {
        for (size_t i = 0; i < 2; i++) {
            ck_assert_uint_le(fake_executor_held(&fixture.fakes[i]), 3);
            fake_executor_release(&fixture.fakes[i], 3);
        }
        fixture_run_ms(&fixture, 5);
    }
    ck_assert_uint_eq(fixture.fakes[0].runs + fixture.fakes[1].runs, 40);
    teardown();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_run_tells_its_frames_in_order);
    tcase_add_test(tcase, source_and_input_of_any_size_arrive_whole);
    tcase_add_loop_test(tcase, an_executor_that_breaks_the_rules_loses_the_run_and_counts_as_failed,
                        0, ARRAY_COUNT(faults));
    tcase_add_test(tcase, a_coordinator_with_another_secret_is_refused);
    tcase_add_loop_test(tcase, an_executor_that_dies_without_a_word_is_not_asked_twice, 0, 2);
    tcase_add_test(tcase, an_executor_lost_after_the_start_ends_the_run_at_once);
    tcase_add_test(tcase, a_run_that_never_starts_ends_soon_after_its_deadline);
    tcase_add_test(tcase, an_event_that_refuses_stops_the_run_and_blames_nobody);
    tcase_add_test(tcase, a_cancelled_run_frees_its_place_and_its_executor_hears_of_it);
    tcase_add_test(tcase, a_dead_executor_is_gone_round);
    tcase_add_test(tcase, a_busy_executor_is_gone_round);
    tcase_add_test(tcase, c12_an_executor_behind_a_partition_is_gone_round);
    tcase_add_test(tcase, c15_a_slow_executor_gets_less);
    tcase_add_test(tcase, no_executor_that_can_be_reached_is_told_at_once);
    tcase_add_test(tcase, retries_stop_when_their_budget_is_used_up);
    tcase_add_test(tcase, clients_start_in_turn_whatever_the_order_they_came_in);
    tcase_add_test(tcase, a_full_queue_refuses_at_once);
    tcase_add_test(tcase, one_client_cannot_fill_the_queue);
    tcase_add_test(tcase, a_wait_ends_when_its_time_is_over);
    tcase_add_test(tcase, no_known_executor_is_told_at_once);
    tcase_add_test(tcase, an_executor_never_has_more_runs_than_slots);
}

int main(void)
{
    return suite_run("run", add_tests);
}
