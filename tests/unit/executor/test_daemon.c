/* The daemon as its coordinators see it. */
#include <cjson/cJSON.h>
#include <string.h>

#include "../common/suite.h"
#include "clock.h"
#include "house.h"

static struct house house;

static void assert_body_has(const struct ask *ask, const char *text)
{
    char *copy = calloc(1, buffer_count(&ask->body) + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, buffer_data(&ask->body), buffer_count(&ask->body));
    ck_assert_msg(strstr(copy, text) != NULL, "no %s in %s", text, copy);
    free(copy);
}

static void assert_ran(const struct ask *ask, enum verdict verdict, const char *output)
{
    ck_assert_uint_eq(ask->status, 200);
    ck_assert_int_eq(ask->failure, HTTP_FAILURE_NONE);
    ck_assert(ask->is_signed);
    ck_assert_uint_eq(ask->started_count, 1);
    ck_assert_uint_eq(ask->result_count, 1);
    ck_assert_str_eq(verdict_name(ask->result.verdict), verdict_name(verdict));
    ck_assert_uint_eq(buffer_count(&ask->output), strlen(output));
    ck_assert_mem_eq(buffer_data(&ask->output), output, strlen(output));
}

static void assert_busy(const struct ask *ask)
{
    ck_assert_uint_eq(ask->status, 503);
    ck_assert_str_eq(ask->retry_after, "1");
    assert_body_has(ask, "\"busy\"");
}

START_TEST(runs_a_program_and_signs_the_answer)
{
    house_open_ready(&house);
    struct ask ask;
    ask_init(&ask, &house, "hello");
    ask.input = " you";
    ask_run(&ask);
    ask_wait(&ask);
    assert_ran(&ask, VERDICT_OK, "hello you");
    ck_assert_uint_eq(ask.result.nonce, 9);
    ck_assert_str_eq(ask.slots, "2");
    ck_assert_str_eq(ask.busy, "1");
    ask_done(&ask);
    house_close(&house);
}
END_TEST

START_TEST(believes_nobody_without_the_secret)
{
    house_open_ready(&house);
    world_run_ms(&house.world, 10); /* the runner of its own first run is replaced */
    unsigned started = house.fake.started_total;
    struct ask ask;
    ask_init(&ask, &house, "hello");
    ask.is_badly_signed = true;
    ask_run(&ask);
    ask_wait(&ask);
    ck_assert_uint_eq(ask.status, 401);
    ck_assert(!ask.is_signed);
    assert_body_has(&ask, "\"unauthorized\"");
    ck_assert_uint_eq(house.fake.started_total, started); /* no runner was used */
    ask_done(&ask);
    house_close(&house);
}
END_TEST

START_TEST(refuses_limits_above_its_own)
{
    house_open_ready(&house);
    struct ask ask;
    ask_init(&ask, &house, "hello");
    ask.wall_ms = 5001;
    ask_run(&ask);
    ask_wait(&ask);
    ck_assert_uint_eq(ask.status, 422);
    ask_done(&ask);
    house_close(&house);
}
END_TEST

static void behave_wrong(struct fake_runner *runner)
{
    fake_send_started(runner);
    fake_send_stdout(runner, "ready 91\n");
    fake_send_result(runner, VERDICT_OK);
}

START_TEST(takes_nothing_until_its_own_first_run_was_right)
{
    house_prepare(&house);
    house.fake.behave = behave_wrong;
    house_open(&house);
    world_run_ms(&house.world, 20);
    struct ask ask;
    ask_init(&ask, &house, "");
    ask_get(&ask, false, "/readyz");
    ask_wait(&ask);
    ck_assert_uint_eq(ask.status, 503);
    ask_done(&ask);
    ask_init(&ask, &house, "hello");
    ask_run(&ask);
    ask_wait(&ask);
    assert_busy(&ask);
    ask_done(&ask);
    house_behave(&house, fake_behave_echo);
    world_run_ms(&house.world, 300); /* the test is tried again */
    ask_init(&ask, &house, "hello");
    ask_run(&ask);
    ask_wait(&ask);
    assert_ran(&ask, VERDICT_OK, "hello");
    ask_done(&ask);
    house_close(&house);
}
END_TEST

static void behave_start_and_stay(struct fake_runner *runner)
{
    fake_send_started(runner);
    fake_send_stdout(runner, "kept");
}

static bool are_in_use(void *context)
{
    const struct house *of = context;
    unsigned busy = 0;
    for (const struct fake_runner *runner = of->fake.runners; runner; runner = runner->next)
        busy += runner->has_behaved && !runner->is_ending;
    return busy == HOUSE_SLOTS;
}

/* Both slots taken by programs that do not end. */
static void occupy(struct ask asks[HOUSE_SLOTS])
{
    house_behave(&house, behave_start_and_stay);
    for (unsigned i = 0; i < HOUSE_SLOTS; i++) {
        ask_init(&asks[i], &house, "stay");
        ask_run(&asks[i]);
    }
    world_run_until(&house.world, are_in_use, &house);
}

START_TEST(a_full_queue_is_refused_at_once)
{
    house_open_ready(&house);
    struct ask busy[HOUSE_SLOTS], queued[HOUSE_QUEUE], ask;
    occupy(busy);
    for (unsigned i = 0; i < HOUSE_QUEUE; i++) {
        ask_init(&queued[i], &house, "wait");
        ask_run(&queued[i]);
    }
    world_run_ms(&house.world, 20);
    ask_init(&ask, &house, "one too many");
    ask_run(&ask);
    ask_wait(&ask);
    assert_busy(&ask);
    ck_assert_uint_lt(ask.ended_us - ask.asked_us, 100000);
    ck_assert_str_eq(ask.busy, "4"); /* two run, two wait */
    ask_done(&ask);
    for (unsigned i = 0; i < HOUSE_SLOTS; i++) {
        ask_done(&busy[i]);
        ask_done(&queued[i]);
    }
    house_close(&house);
}
END_TEST

START_TEST(a_full_queue_is_refused_before_a_large_body)
{
    static char source[60001];
    memset(source, 'x', sizeof(source) - 1);
    static char input[60001];
    memset(input, 'y', sizeof(input) - 1);
    house_prepare(&house);
    house.config.settings.queue_max = 0;
    house_behave(&house, fake_behave_echo);
    house_open(&house);
    world_run_ms(&house.world, 50);
    struct ask busy[HOUSE_SLOTS], ask;
    occupy(busy);
    for (unsigned round = 0; round < 2; round++) { /* with a small body, with a large one */
        ask_init(&ask, &house, source);
        ask.input = round == 0 ? "" : input;
        ask_run(&ask);
        ask_wait(&ask);
        assert_busy(&ask);
        ask_done(&ask);
    }
    for (unsigned i = 0; i < HOUSE_SLOTS; i++)
        ask_done(&busy[i]);
    house_close(&house);
}
END_TEST

START_TEST(a_wait_is_bounded_by_the_deadline_less_the_wall)
{
    house_open_ready(&house);
    struct ask busy[HOUSE_SLOTS], ask;
    occupy(busy);
    ask_init(&ask, &house, "wait");
    ask.deadline_ms = ask.wall_ms + 50;
    ask_run(&ask);
    ask_wait(&ask);
    assert_busy(&ask);
    ck_assert_uint_ge(ask.ended_us - ask.asked_us, 50000);
    ck_assert_uint_lt(ask.ended_us - ask.asked_us, 500000);
    ask_done(&ask);
    for (unsigned i = 0; i < HOUSE_SLOTS; i++)
        ask_done(&busy[i]);
    house_close(&house);
}
END_TEST

static bool is_nobody_in_use(void *context)
{
    const struct house *of = context;
    return of->fake.alive_count == HOUSE_WARM;
}

START_TEST(a_vanished_client_ends_its_run_and_frees_its_slot)
{
    house_open_ready(&house);
    struct ask busy[HOUSE_SLOTS], ask;
    occupy(busy);
    for (unsigned i = 0; i < HOUSE_SLOTS; i++)
        ask_done(&busy[i]); /* closes the connection */
    house_behave(&house, fake_behave_echo);
    ask_init(&ask, &house, "next");
    ask_run(&ask);
    ask_wait(&ask);
    assert_ran(&ask, VERDICT_OK, "next");
    ask_done(&ask);
    world_run_until(&house.world, is_nobody_in_use, &house);
    house_close(&house);
}
END_TEST

static void behave_and_get_killed(struct fake_runner *runner)
{
    fake_send_started(runner);
    fake_send_stdout(runner, "printed");
    fake_end(runner, RUNNER_END_SIGNAL);
}

START_TEST(a_runner_killed_in_the_middle_is_an_internal_error_with_what_was_printed)
{
    house_open_ready(&house);
    house_behave(&house, behave_and_get_killed);
    struct ask ask;
    ask_init(&ask, &house, "x");
    ask_run(&ask);
    ask_wait(&ask);
    assert_ran(&ask, VERDICT_INTERNAL_ERROR, "printed");
    ask_done(&ask);
    house_close(&house);
}
END_TEST

static void behave_not_at_all(struct fake_runner *runner UNUSED)
{
}

START_TEST(runners_that_never_start_mean_503_not_started)
{
    house_open_ready(&house);
    house_behave(&house, behave_not_at_all);
    struct ask ask;
    ask_init(&ask, &house, "x");
    ask_run(&ask);
    ask_wait(&ask);
    assert_busy(&ask);
    ask_done(&ask);
    house_close(&house);
}
END_TEST

START_TEST(the_wall_limit_is_kept_over_http)
{
    house_open_ready(&house);
    house_behave(&house, behave_start_and_stay);
    struct ask ask;
    ask_init(&ask, &house, "x");
    ask.wall_ms = 100;
    ask_run(&ask);
    ask_wait(&ask);
    assert_ran(&ask, VERDICT_TIME_LIMIT, "kept");
    ck_assert_uint_lt(ask.ended_us - ask.asked_us, 600000);
    ask_done(&ask);
    house_close(&house);
}
END_TEST

/* ---- the ends ---- */

static void finish_all(void *context)
{
    struct house *of = context;
    for (struct fake_runner *runner = of->fake.runners; runner; runner = runner->next) {
        if (runner->has_behaved && !runner->is_ending) {
            fake_send_stdout(runner, " to the end");
            fake_send_result(runner, VERDICT_OK);
        }
    }
}

START_TEST(a_drain_lets_accepted_runs_end_and_takes_no_more)
{
    house_open_ready(&house);
    struct ask busy[HOUSE_SLOTS], late, ready;
    occupy(busy);
    ask_init(&ready, &house, ""); /* their connections are open: listening ends with the drain */
    ask_get(&ready, false, "/readyz");
    ask_wait(&ready);
    ck_assert_uint_eq(ready.status, 200);
    ask_done(&ready);
    daemon_stop(house.daemon);
    world_run_ms(&house.world, 10);

    ask_init(&late, &house, "late");
    ask_run(&late);
    ask_wait(&late);
    ck_assert(late.status == 503 || late.failure != HTTP_FAILURE_NONE);
    ask_done(&late);
    ask_init(&ready, &house, "");
    ask_get(&ready, true, "/readyz");
    ask_wait(&ready);
    ck_assert_uint_eq(ready.status, 503);
    ask_done(&ready);

    struct loop_timer timer;
    loop_timer_init(&timer, finish_all, &house);
    ck_assert_int_eq(loop_timer_start_ms(house.world.loop, &timer, 5), 0);
    ck_assert_int_eq(daemon_run(house.daemon), 0); /* ends by itself */
    for (unsigned i = 0; i < HOUSE_SLOTS; i++) {
        if (!busy[i]
                 .has_ended) /* the answer is in the socket, the loop stopped before reading it */
            ask_wait(&busy[i]);
        assert_ran(&busy[i], VERDICT_OK, "kept to the end");
        ask_done(&busy[i]);
    }
    house_close(&house);
}
END_TEST

START_TEST(a_drain_does_not_wait_for_ever)
{
    house_open_ready(&house);
    house.config.settings.drain_wait_ms = 50;
    struct ask busy[HOUSE_SLOTS];
    occupy(busy);
    uint64_t begin_us = clock_now_us();
    daemon_stop(house.daemon);
    ck_assert_int_eq(daemon_run(house.daemon), 0);
    ck_assert_uint_lt(clock_now_us() - begin_us, 1000000);
    for (unsigned i = 0; i < HOUSE_SLOTS; i++)
        ask_done(&busy[i]);
    house_close(&house);
}
END_TEST

START_TEST(a_second_signal_stops_at_once)
{
    house_open_ready(&house);
    struct ask busy[HOUSE_SLOTS];
    occupy(busy);
    daemon_stop(house.daemon);
    daemon_stop(house.daemon);
    ck_assert_int_eq(daemon_run(house.daemon), 0);
    for (unsigned i = 0; i < HOUSE_SLOTS; i++)
        ask_done(&busy[i]);
    house_close(&house);
}
END_TEST

START_TEST(a_lost_backend_ends_the_daemon_with_an_error)
{
    house_open_ready(&house);
    house.on_lost(house.fake.events.context);
    ck_assert_int_eq(daemon_run(house.daemon), -EPIPE);
    house_close(&house);
}
END_TEST

START_TEST(readiness_turns_before_runs_are_refused)
{
    house_open_ready(&house);
    house.config.settings.drain_delay_ms = 200;
    daemon_stop(house.daemon);
    struct ask ask;
    ask_init(&ask, &house, "");
    ask_get(&ask, false, "/readyz");
    ask_wait(&ask);
    ck_assert_uint_eq(ask.status, 503);
    assert_body_has(&ask, "\"draining\"");
    ask_done(&ask);
    ask_init(&ask, &house, "still taken");
    ask_run(&ask);
    ask_wait(&ask);
    assert_ran(&ask, VERDICT_OK, "still taken");
    ask_done(&ask);
    house_close(&house);
}
END_TEST

/* ---- what it tells of itself ---- */

START_TEST(metrics_count_what_happened)
{
    house_open_ready(&house);
    struct ask ask;
    for (unsigned i = 0; i < 3; i++) {
        ask_init(&ask, &house, "x");
        ask.is_badly_signed = i == 2;
        ask_run(&ask);
        ask_wait(&ask);
        ask_done(&ask);
    }
    ask_init(&ask, &house, "");
    ask_get(&ask, true, "/metrics");
    ask_wait(&ask);
    ck_assert_uint_eq(ask.status, 200);
    assert_body_has(&ask, "trytok_executor_runs_total{verdict=\"ok\"} 2\n");
    assert_body_has(&ask, "trytok_executor_refusals_total{reason=\"unauthorized\"} 1\n");
    assert_body_has(&ask, "trytok_executor_queue_wait_seconds_count 2\n");
    assert_body_has(&ask, "trytok_executor_run_wall_seconds_count 2\n");
    assert_body_has(&ask, "trytok_executor_sandbox_layer{layer=\"cgroup_memory\"} 1\n");
    assert_body_has(&ask, "trytok_executor_sandbox_layer{layer=\"seccomp\"} 0\n");
    assert_body_has(&ask, "trytok_executor_build_info{version=");
    ask_done(&ask);
    ask_init(&ask, &house, "");
    ask_get(&ask, false, "/metrics"); /* not for coordinators */
    ask_wait(&ask);
    ck_assert_uint_eq(ask.status, 404);
    ask_done(&ask);
    house_close(&house);
}
END_TEST

START_TEST(capabilities_name_every_layer_and_why_one_is_missing)
{
    house_open_ready(&house);
    struct ask ask;
    ask_init(&ask, &house, "");
    ask_get(&ask, false, "/v1/capabilities");
    ask_wait(&ask);
    ck_assert_uint_eq(ask.status, 200);
    cJSON *tree = cJSON_ParseWithLength(buffer_data(&ask.body), buffer_count(&ask.body));
    ck_assert_ptr_nonnull(tree);
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(tree, "layers");
    ck_assert_int_eq(cJSON_GetArraySize(layers), LAYER_COUNT);
    const cJSON *layer = NULL;
    int i = 0;
    cJSON_ArrayForEach(layer, layers)
    {
        bool holds = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(layer, "holds"));
        ck_assert_int_eq(holds, i < 3);
        ck_assert_int_eq(cJSON_HasObjectItem(layer, "missing"), i >= 3);
        ck_assert(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(layer, "against")));
        i++;
    }
    const cJSON *limits = cJSON_GetObjectItemCaseSensitive(tree, "limits");
    ck_assert(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(limits, "wall_ms")) == 5000.0);
    cJSON_Delete(tree);
    ask_done(&ask);
    house_close(&house);
}
END_TEST

/* ---- many ---- */

static bool is_all_reaped(void *context)
{
    const struct house *of = context;
    return of->fake.alive_count == HOUSE_WARM && of->fake.to_start == 0;
}

START_TEST(after_many_runs_nothing_is_left)
{
    house_open_ready(&house);
    unsigned fds = 0;
    for (unsigned i = 0; i < 300; i++) {
        struct ask ask;
        ask_init(&ask, &house, "x");
        ask_run(&ask);
        ask_wait(&ask);
        assert_ran(&ask, VERDICT_OK, "x");
        ask_done(&ask);
        if (i == 10) {
            world_run_until(&house.world, is_all_reaped, &house);
            fds = count_open_fds();
        }
    }
    world_run_until(&house.world, is_all_reaped, &house);
    ck_assert_uint_eq(count_open_fds(), fds);
    house_close(&house);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, runs_a_program_and_signs_the_answer);
    tcase_add_test(tcase, believes_nobody_without_the_secret);
    tcase_add_test(tcase, refuses_limits_above_its_own);
    tcase_add_test(tcase, takes_nothing_until_its_own_first_run_was_right);
    tcase_add_test(tcase, a_full_queue_is_refused_at_once);
    tcase_add_test(tcase, a_full_queue_is_refused_before_a_large_body);
    tcase_add_test(tcase, a_wait_is_bounded_by_the_deadline_less_the_wall);
    tcase_add_test(tcase, a_vanished_client_ends_its_run_and_frees_its_slot);
    tcase_add_test(tcase, a_runner_killed_in_the_middle_is_an_internal_error_with_what_was_printed);
    tcase_add_test(tcase, runners_that_never_start_mean_503_not_started);
    tcase_add_test(tcase, the_wall_limit_is_kept_over_http);
    tcase_add_test(tcase, a_drain_lets_accepted_runs_end_and_takes_no_more);
    tcase_add_test(tcase, a_drain_does_not_wait_for_ever);
    tcase_add_test(tcase, a_second_signal_stops_at_once);
    tcase_add_test(tcase, a_lost_backend_ends_the_daemon_with_an_error);
    tcase_add_test(tcase, readiness_turns_before_runs_are_refused);
    tcase_add_test(tcase, metrics_count_what_happened);
    tcase_add_test(tcase, capabilities_name_every_layer_and_why_one_is_missing);
    tcase_add_test(tcase, after_many_runs_nothing_is_left);
}

int main(void)
{
    return suite_run("executor_daemon", add_tests);
}
