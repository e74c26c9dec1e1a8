/* The coordinator as its clients see it: forms, cases, refusals, health, the end. */
#include <stdio.h>
#include <string.h>

#include "asking.h"
#include "clock.h"
#include "frame.h"
#include "suite.h"

/* ---- the three forms ---- */

START_TEST(text_is_answered_with_the_output_and_the_verdict)
{
    start(1, 4, NULL);
    ask_text("print Hello, World!");
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_str_eq(reply_text(&reply), "Hello, World!\n");
    ck_assert_str_eq(reply.verdict, "ok");
    ck_assert_str_eq(reply.exit_code, "0");
    ck_assert_str_eq(reply.stdout_bytes, "14");
    ck_assert_uint_eq(strlen(reply.request_id), 32);
    reply_done(&reply);
    ask_text("fail");
    ck_assert_str_eq(reply_text(&reply), "a\nno such thing\n[line 3] in script\n");
    ck_assert_str_eq(reply.verdict, "runtime_error");
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(all_three_forms_tell_the_same)
{
    start(1, 4, NULL);
    ask_text("bytes");
    ck_assert_uint_eq(buffer_count(&reply.body), 6);
    ck_assert_mem_eq(buffer_data(&reply.body), "\xc3\xa9\0\xff\xe2\x82", 6);
    reply_done(&reply);
    ask_json("{\"source\":\"bytes\"}");
    check_holds("\"stdout\":\"\xc3\xa9\\u0000\xef\xbf\xbd\xef\xbf\xbd\"");
    reply_done(&reply);
    ask_events("{\"source\":\"bytes\"}");
    check_holds("{\"data\":\"\xc3\xa9\\u0000\xef\xbf\xbd\"}");
    check_holds("{\"data\":\"\xef\xbf\xbd\"}");
    check_holds("event: result\ndata: {\"id\":\"");
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(json_carries_usage_and_sandbox)
{
    start(1, 4, NULL);
    ask_json("{\"source\":\"echo\",\"input\":\"in\"}");
    ck_assert_str_eq(reply.content_type, "application/json");
    check_holds("\"verdict\":\"ok\",\"exit_code\":0,\"stdout\":\"in\",\"stderr\":\"\"");
    check_holds("\"wall_ms\":1.5,\"cpu_ms\":0.31,\"memory_peak_bytes\":4096,\"steps\":42}");
    check_holds("\"sandbox\":{\"backend\":\"process\",\"layers\":[\"user_ns\",\"seccomp\"]}");
    reply_done(&reply);
    stop();
}
END_TEST

static bool has_output(void *context)
{
    return buffer_count(&((const struct reply *)context)->body) > 0;
}

START_TEST(events_come_while_the_program_runs)
{
    start(1, 4, NULL);
    fixture_send_events(&fixture, &reply, "{\"source\":\"hold\"}");
    fixture_until(&fixture, has_output, &reply);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(!reply.is_over);
    check_holds("event: stdout\ndata: {\"data\":\"held\\n\"}\n\n");
    fake_executor_release(&fixture.fakes[0], 1);
    fixture_wait(&fixture, &reply);
    ck_assert_int_eq((int)reply.failure, HTTP_FAILURE_NONE);
    check_holds("event: result");
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(a_check_asks_for_a_check)
{
    start(1, 4, NULL);
    fixture_send(&fixture, &reply, "POST", "/check", NULL, "print x", 7);
    fixture_wait(&fixture, &reply);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_uint_eq(fixture.fakes[0].mode, FRAME_MODE_CHECK);
    reply_done(&reply);
    stop();
}
END_TEST

/* ---- refusals ---- */

static const struct {
    const char *type, *body;
    unsigned status;
    const char *code;
} refusals[] = {
    {"Content-Type: text/html", "x", 415, "unsupported_media_type"},
    {"Content-Type: application/json", "{", 400, "malformed"},
    {"Content-Type: application/json", "{\"source\":\"a\",\"x\":1}", 400, "malformed"},
    {"Content-Type: application/json", "{\"source\":\"a\",\"limits\":{\"wall_ms\":0}}", 422,
     "limit_out_of_range"},
    {"Content-Type: text/plain", "seventeen bytes..", 413, "body_too_large"},
};

START_TEST(what_cannot_be_run_is_refused)
{
    static const char *const flags[] = {"--limits.source=16", NULL};
    start(1, 4, flags);
    const char *const headers[] = {refusals[_i].type, NULL};
    fixture_send(&fixture, &reply, "POST", "/execute", headers, refusals[_i].body,
                 strlen(refusals[_i].body));
    fixture_wait(&fixture, &reply);
    check_refused(refusals[_i].status, refusals[_i].code);
    ck_assert_uint_eq(fixture.fakes[0].runs, 0);
    stop();
}
END_TEST

static const struct {
    enum fake_fault fault;
    unsigned status;
    const char *code;
} faults[] = {
    {FAKE_BUSY, 503, "busy"},
    {FAKE_STRANGER, 502, "executor_lost"},
    {FAKE_GARBAGE, 502, "executor_lost"},
    {FAKE_NO_RESULT, 502, "executor_lost"},
};

START_TEST(faults_of_an_executor_have_their_codes)
{
    start(1, 4, NULL);
    fixture.fakes[0].fault = faults[_i].fault;
    ask_text("print x");
    if (faults[_i].status == 503)
        ck_assert_str_eq(reply.retry_after, "1");
    check_refused(faults[_i].status, faults[_i].code);
    stop();
}
END_TEST

START_TEST(without_executors_it_is_503_at_once)
{
    start(0, 4, NULL);
    ask_text("print x");
    ck_assert_str_eq(reply.retry_after, "1");
    check_refused(503, "no_executor");
    stop();
}
END_TEST

START_TEST(an_executor_lost_in_a_run_is_502_within_a_second_and_the_next_go_elsewhere)
{
    start(2, 4, NULL);
    fixture_send_text(&fixture, &reply, "hold");
    until_held(1);
    fixture_run_ms(&fixture, 5); /* its STARTED is on the way */
    size_t victim = fake_executor_held(&fixture.fakes[0]) > 0 ? 0 : 1;
    uint64_t killed_us = clock_now_us();
    fake_executor_done(&fixture.fakes[victim]);
    fixture_wait(&fixture, &reply);
    ck_assert_uint_lt(clock_now_us() - killed_us, 1000000);
    check_refused(502, "executor_lost");
    for (int i = 0; i < 10; i++) {
        ask_text("print x");
        ck_assert_uint_eq(reply.status, 200);
        reply_done(&reply);
    }
    stop();
}
END_TEST

START_TEST(a_reader_of_events_is_told_of_a_lost_executor)
{
    start(1, 4, NULL);
    fixture_send_events(&fixture, &reply, "{\"source\":\"hold\"}");
    fixture_until(&fixture, has_output, &reply);
    fake_executor_done(&fixture.fakes[0]);
    fixture_wait(&fixture, &reply);
    ck_assert_int_eq((int)reply.failure, HTTP_FAILURE_NONE);
    check_holds("data\":\"held\\n\"");
    check_holds("\"verdict\":\"internal_error\",\"exit_code\":71");
    check_holds("\"sandbox\":null");
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(more_output_than_allowed_is_cut_even_if_an_executor_sends_it)
{
    start(1, 4, NULL);
    ask_json("{\"source\":\"flood 2000\",\"limits\":{\"output_bytes\":1000}}");
    check_holds("\"verdict\":\"output_limit\",\"exit_code\":141");
    check_holds("\"truncated\":true");
    ck_assert_str_eq(reply.truncated, "true");
    const char *text = strstr(reply_text(&reply), "\"stdout\":\"");
    ck_assert_uint_eq(strspn(text + 10, "x"), 1000);
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(a_slow_queue_is_503_when_the_wait_is_over)
{
    static const char *const flags[] = {"--queue.wait=50ms", NULL};
    start(1, 1, flags);
    hold_one(&others[0]);
    ask_text("print x");
    check_refused(503, "busy");
    reply_done(&others[0]);
    stop();
}
END_TEST

START_TEST(a_full_queue_is_503_at_once)
{
    static const char *const flags[] = {"--queue.max=1", NULL};
    start(1, 1, flags);
    hold_one(&others[0]);
    fixture_send_text(&fixture, &others[1], "print y");
    fixture_run_ms(&fixture, 20);
    uint64_t begun_us = clock_now_us();
    ask_text("print x");
    ck_assert_uint_lt(clock_now_us() - begun_us, 50000);
    ck_assert_str_eq(reply.retry_after, "1");
    check_refused(503, "busy");
    fake_executor_release(&fixture.fakes[0], 1);
    fixture_wait(&fixture, &others[1]);
    ck_assert_uint_eq(others[1].status, 200);
    reply_done(&others[0]);
    reply_done(&others[1]);
    stop();
}
END_TEST

START_TEST(while_too_much_is_held_nothing_new_is_let_in)
{
    enum { BODY_BYTES = 600000 }; /* twice that with what is read from it */
    static char body[BODY_BYTES + 1] = "{\"source\":\"hold\"}";
    static const char *const flags[] = {"--memory.held_max=1MiB", NULL};
    start(1, 4, flags);
    memset(body + strlen(body), ' ', BODY_BYTES - strlen(body));
    fixture_send_json(&fixture, &others[0], body);
    until_held(1);
    ask_text("print x");
    check_refused(503, "busy");
    fake_executor_release(&fixture.fakes[0], 1);
    fixture_wait(&fixture, &others[0]);
    ck_assert_uint_eq(others[0].status, 200);
    reply_done(&others[0]);
    ask_text("print x"); /* what was held is free again */
    ck_assert_uint_eq(reply.status, 200);
    stop();
}
END_TEST

START_TEST(what_a_client_has_read_is_not_held)
{
    static const char *const flags[] = {"--memory.held_max=1MiB", NULL};
    start(1, 4, flags);
    fixture_send_events(&fixture, &others[0],
                        "{\"source\":\"flood 1000000\",\"limits\":{\"output_bytes\":3000000},"
                        "\"cases\":[{},{},{}]}");
    fixture_wait(&fixture, &others[0]);
    ck_assert_uint_gt(buffer_count(&others[0].body), 3000000);
    reply_done(&others[0]);
    ask_text("print x");
    ck_assert_uint_eq(reply.status, 200);
    stop();
}
END_TEST

START_TEST(bodies_beyond_what_may_be_held_are_refused_while_they_come)
{
    enum { BODY_BYTES = 1048577 };
    static char body[BODY_BYTES + 1] = "{\"source\":\"print x\"}";
    static const char *const flags[] = {"--memory.held_max=1MiB", NULL};
    start(1, 4, flags);
    memset(body + strlen(body), ' ', BODY_BYTES - strlen(body));
    ask_json(body);
    check_refused(503, "busy");
    ask_text("print x");
    ck_assert_uint_eq(reply.status, 200);
    stop();
}
END_TEST

/* ---- clients that go away ---- */

static bool has_cancelled(void *context)
{
    return ((const struct fake_executor *)context)->cancelled > 0;
}

START_TEST(a_client_that_goes_away_cancels_its_run)
{
    start(1, 1, NULL);
    hold_one(&others[0]);
    reply_done(&others[0]);
    fixture_until(&fixture, has_cancelled, &fixture.fakes[0]);
    ask_text("print x");
    ck_assert_uint_eq(reply.status, 200);
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(a_client_that_goes_away_while_it_waits_is_forgotten)
{
    start(1, 1, NULL);
    hold_one(&others[0]);
    for (int i = 1; i < 10; i++) {
        fixture_send_text(&fixture, &others[i], "print gone");
        fixture_run_ms(&fixture, 5);
        reply_done(&others[i]);
    }
    fixture_run_ms(&fixture, 100);
    fake_executor_release(&fixture.fakes[0], 1);
    ask_text("print x");
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_uint_eq(fixture.fakes[0].runs, 2);
    reply_done(&reply);
    reply_done(&others[0]);
    stop();
}
END_TEST

START_TEST(many_clients_at_once_get_their_own_answers)
{
    start(2, 4, NULL);
    enum { CLIENTS = 80 };
    for (int i = 0; i < CLIENTS; i++) {
        char source[32];
        (void)snprintf(source, sizeof(source), "print client %d", i);
        fixture_send_text(&fixture, &others[i], source);
    }
    for (int i = 0; i < CLIENTS; i++) {
        char expected[32];
        (void)snprintf(expected, sizeof(expected), "client %d\n", i);
        fixture_wait(&fixture, &others[i]);
        ck_assert_uint_eq(others[i].status, 200);
        ck_assert_str_eq(reply_text(&others[i]), expected);
        reply_done(&others[i]);
    }
    stop();
}
END_TEST

/* ---- the end ---- */

START_TEST(a_drain_finishes_what_is_under_way_and_then_stops)
{
    static const char *const flags[] = {"--drain.delay=50ms", NULL};
    start(1, 2, flags);
    hold_one(&others[0]);
    coordinator_drain(fixture.coordinator);
    fixture_send(&fixture, &reply, "GET", "/readyz", NULL, NULL, 0);
    fixture_wait(&fixture, &reply);
    ck_assert_uint_eq(reply.status, 503);
    check_holds("\"status\":\"draining\"");
    reply_done(&reply);
    ask_text("print still"); /* within the delay requests are taken */
    ck_assert_uint_eq(reply.status, 200);
    reply_done(&reply);
    fixture_run_ms(&fixture, 100);
    fixture_send_text(&fixture, &reply, "print refused");
    fixture_wait(&fixture, &reply);
    ck_assert_int_eq((int)reply.failure, HTTP_FAILURE_CONNECT);
    reply_done(&reply);
    fake_executor_release(&fixture.fakes[0], 1);
    ck_assert_int_eq(loop_run(fixture.loop), 0); /* it stops by itself */
    fixture_wait(&fixture, &others[0]);
    ck_assert_uint_eq(others[0].status, 200);
    ck_assert_str_eq(reply_text(&others[0]), "held\n");
    reply_done(&others[0]);
    stop();
}
END_TEST

START_TEST(a_second_signal_stops_at_once)
{
    start(1, 2, NULL);
    hold_one(&others[0]);
    coordinator_drain(fixture.coordinator);
    coordinator_drain(fixture.coordinator);
    uint64_t begun_us = clock_now_us();
    ck_assert_int_eq(loop_run(fixture.loop), 0);
    ck_assert_uint_lt(clock_now_us() - begun_us, 500000);
    reply_done(&others[0]);
    stop();
}
END_TEST

START_TEST(a_coordinator_is_freed_with_runs_in_every_state)
{
    start(1, 2, NULL);
    fixture_send_text(&fixture, &others[0], "hold");
    fixture_send_text(&fixture, &others[1], "late");
    fixture_send_text(&fixture, &others[2], "print waits");
    fixture_send_events(&fixture, &others[3], "{\"source\":\"hold\",\"cases\":[{},{}]}");
    until_held(2);
    coordinator_free(fixture.coordinator);
    config_done(&fixture.config);
    fixture.coordinator = NULL;
    fixture_wait(&fixture, &others[0]);
    ck_assert_int_ne((int)others[0].failure, HTTP_FAILURE_NONE);
    for (int i = 0; i < 4; i++)
        reply_done(&others[i]);
    stop();
}
END_TEST

/* ---- what it tells about itself ---- */

static bool are_capabilities_known(void *context)
{
    (void)context;
    return fixture.fakes[0].asked_capabilities > 0 && fixture.fakes[1].asked_capabilities > 0;
}

START_TEST(health_and_capabilities_name_the_executors)
{
    start(2, 4, NULL);
    get("/livez");
    ck_assert_uint_eq(reply.status, 200);
    reply_done(&reply);
    get("/readyz");
    ck_assert_uint_eq(reply.status, 200);
    check_holds("{\"status\":\"ready\",\"executors\":{\"known\":2,\"ready\":2,\"ejected\":0}}");
    reply_done(&reply);
    fixture_until(&fixture, are_capabilities_known, NULL);
    get("/v1/capabilities");
    check_holds("\"wall_ms\":{\"min\":1,\"max\":60000,\"default\":10000}");
    check_holds("\"name\":\"step_limit\",\"exit_code\":125");
    check_holds("\"sandboxes\":[{\"backend\":\"process\",\"executors\":2,"
                "\"layers\":[\"user_ns\",\"seccomp\"]}]");
    reply_done(&reply);
    get("/metrics"); /* never here */
    check_refused(404, "not_found");
    stop();
}
END_TEST

START_TEST(metrics_count_what_happened)
{
    start(1, 4, NULL);
    ask_text("print x");
    reply_done(&reply);
    ask_text("fail");
    reply_done(&reply);
    ask_json("{\"source\":\"echo\",\"cases\":[{},{}]}");
    reply_done(&reply);
    ask_json("{");
    reply_done(&reply);
    fixture.to_admin = true;
    get("/metrics");
    check_holds("trytok_coordinator_runs_total{endpoint=\"execute\",verdict=\"ok\"} 3\n");
    check_holds(
        "trytok_coordinator_runs_total{endpoint=\"execute\",verdict=\"runtime_error\"} 1\n");
    check_holds("trytok_coordinator_problems_total{code=\"malformed\"} 1\n");
    check_holds("trytok_coordinator_requests_total{route=\"/execute\",status=\"200\"} 3\n");
    check_holds("trytok_coordinator_requests_total{route=\"/execute\",status=\"400\"} 1\n");
    check_holds("trytok_coordinator_request_duration_seconds_count 4\n");
    check_holds("trytok_coordinator_queue_wait_seconds_count 4\n");
    check_holds("trytok_coordinator_executors{state=\"ready\"} 1\n");
    check_holds("trytok_coordinator_runs_in_flight 0\n");
    reply_done(&reply);
    get("/execute");
    check_refused(404, "not_found");
    stop();
}
END_TEST

START_TEST(a_cancelled_run_is_counted_as_such)
{
    start(1, 4, NULL);
    hold_one(&others[0]);
    reply_done(&others[0]);
    fixture_until(&fixture, has_cancelled, &fixture.fakes[0]);
    fixture.to_admin = true;
    get("/metrics");
    check_holds("trytok_coordinator_runs_total{endpoint=\"execute\",verdict=\"cancelled\"} 1\n");
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(an_unready_executor_is_seen_and_spared)
{
    static const char *const flags[] = {"--executor.probe_interval=50ms", NULL};
    start(2, 4, flags);
    fixture.fakes[0].is_unready = true;
    fixture_run_ms(&fixture, 150);
    for (int i = 0; i < 4; i++) {
        ask_text("print x");
        reply_done(&reply);
    }
    ck_assert_uint_eq(fixture.fakes[1].runs, 4);
    get("/readyz");
    check_holds("\"known\":2,\"ready\":1");
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(pages_of_named_origins_may_call)
{
    static const char *const flags[] = {"--cors.origins=https://a.example", NULL};
    static const char *const good[] = {"Origin: https://a.example",
                                       "Access-Control-Request-Method: POST", NULL};
    static const char *const bad[] = {"Origin: https://b.example",
                                      "Access-Control-Request-Method: POST", NULL};
    start(1, 4, flags);
    fixture_send(&fixture, &reply, "OPTIONS", "/execute", good, NULL, 0);
    fixture_wait(&fixture, &reply);
    ck_assert_uint_eq(reply.status, 204);
    ck_assert_str_eq(reply.allow_origin, "https://a.example");
    reply_done(&reply);
    fixture_send(&fixture, &reply, "OPTIONS", "/execute", bad, NULL, 0);
    fixture_wait(&fixture, &reply);
    ck_assert_uint_eq(reply.status, 204);
    ck_assert_str_eq(reply.allow_origin, "");
    reply_done(&reply);
    fixture_send(&fixture, &reply, "POST", "/execute", good, "print x", 7);
    fixture_wait(&fixture, &reply);
    ck_assert_str_eq(reply.allow_origin, "https://a.example");
    reply_done(&reply);
    stop();
}
END_TEST

static void add_forms_and_refusals(TCase *tcase)
{
    tcase_add_test(tcase, text_is_answered_with_the_output_and_the_verdict);
    tcase_add_test(tcase, all_three_forms_tell_the_same);
    tcase_add_test(tcase, json_carries_usage_and_sandbox);
    tcase_add_test(tcase, events_come_while_the_program_runs);
    tcase_add_test(tcase, a_check_asks_for_a_check);
    tcase_add_loop_test(tcase, what_cannot_be_run_is_refused, 0, ARRAY_COUNT(refusals));
    tcase_add_loop_test(tcase, faults_of_an_executor_have_their_codes, 0, ARRAY_COUNT(faults));
    tcase_add_test(tcase, without_executors_it_is_503_at_once);
    tcase_add_test(tcase,
                   an_executor_lost_in_a_run_is_502_within_a_second_and_the_next_go_elsewhere);
    tcase_add_test(tcase, a_reader_of_events_is_told_of_a_lost_executor);
    tcase_add_test(tcase, more_output_than_allowed_is_cut_even_if_an_executor_sends_it);
    tcase_add_test(tcase, a_slow_queue_is_503_when_the_wait_is_over);
    tcase_add_test(tcase, a_full_queue_is_503_at_once);
}

static void add_tests(TCase *tcase)
{
    add_forms_and_refusals(tcase);
    tcase_add_test(tcase, while_too_much_is_held_nothing_new_is_let_in);
    tcase_add_test(tcase, what_a_client_has_read_is_not_held);
    tcase_add_test(tcase, bodies_beyond_what_may_be_held_are_refused_while_they_come);
    tcase_add_test(tcase, a_client_that_goes_away_cancels_its_run);
    tcase_add_test(tcase, a_client_that_goes_away_while_it_waits_is_forgotten);
    tcase_add_test(tcase, many_clients_at_once_get_their_own_answers);
    tcase_add_test(tcase, a_drain_finishes_what_is_under_way_and_then_stops);
    tcase_add_test(tcase, a_second_signal_stops_at_once);
    tcase_add_test(tcase, a_coordinator_is_freed_with_runs_in_every_state);
    tcase_add_test(tcase, health_and_capabilities_name_the_executors);
    tcase_add_test(tcase, metrics_count_what_happened);
    tcase_add_test(tcase, a_cancelled_run_is_counted_as_such);
    tcase_add_test(tcase, an_unready_executor_is_seen_and_spared);
    tcase_add_test(tcase, pages_of_named_origins_may_call);
}

int main(void)
{
    return suite_run("service", add_tests);
}
