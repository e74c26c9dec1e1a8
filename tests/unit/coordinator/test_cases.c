/* One program, many inputs: each a run of its own, all one answer. */
#include <stdio.h>
#include <string.h>

#include "asking.h"
#include "clock.h"
#include "suite.h"

START_TEST(cases_are_told_in_their_order_whatever_order_they_end_in)
{
    start(2, 4, NULL);
    ask_json("{\"source\":\"echo\",\"cases\":[{\"input\":\"a\"},{\"input\":\"b\"},{}]}");
    ck_assert_uint_eq(reply.status, 200);
    const char *a = strstr(reply_text(&reply), "\"stdout\":\"a\"");
    const char *b = strstr(reply_text(&reply), "\"stdout\":\"b\"");
    const char *c = strstr(reply_text(&reply), "\"stdout\":\"\"");
    ck_assert(a && b && c && a < b && b < c);
    ck_assert_uint_eq(fixture.fakes[0].runs + fixture.fakes[1].runs, 3);
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(every_case_is_a_run_with_an_id_of_its_own)
{
    start(1, 2, NULL);
    char body[4096] = "{\"source\":\"echo\",\"cases\":[{\"input\":\"c00\"}";
    for (int i = 1; i < 64; i++) {
        size_t used = strlen(body);
        (void)snprintf(body + used, sizeof(body) - used, ",{\"input\":\"c%02d\"}", i);
    }
    (void)snprintf(body + strlen(body), 8, "]}");
    ask_json(body);
    ck_assert_uint_eq(fixture.fakes[0].runs, 64);
    const char *at = reply_text(&reply);
    for (int i = 0; i < 64; i++) {
        char wanted[32];
        (void)snprintf(wanted, sizeof(wanted), "\"stdout\":\"c%02d\"", i);
        at = strstr(at, wanted);
        ck_assert_msg(at != NULL, "%s is missing or out of order", wanted);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(fixture.fakes[0].ids[i], fixture.fakes[0].ids[j]);
    }
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(all_cases_share_one_output_limit_in_their_order)
{
    start(1, 8, NULL);
    ask_json("{\"source\":\"flood 400\",\"limits\":{\"output_bytes\":1000},"
             "\"cases\":[{},{},{},{}]}");
    const char *at = reply_text(&reply);
    static const size_t expected[] = {400, 400, 200, 0};
    for (size_t i = 0; i < 4; i++) {
        at = strstr(at, "\"stdout\":\"");
        ck_assert_ptr_nonnull(at);
        at += 10;
        ck_assert_uint_eq(strspn(at, "x"), expected[i]);
    }
    ck_assert_str_eq(reply.verdict, "output_limit");
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(the_first_case_that_is_not_ok_gives_the_verdict)
{
    start(1, 4, NULL);
    ask_json("{\"source\":\"fail\",\"cases\":[{},{}]}");
    ck_assert_str_eq(reply.verdict, "runtime_error");
    check_holds("\"verdict\":\"runtime_error\",\"exit_code\":70,\"usage\"");
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(later_cases_are_streamed_when_it_is_their_turn)
{
    start(1, 8, NULL);
    fixture_send_events(&fixture, &reply, "{\"source\":\"hold\",\"cases\":[{},{},{}]}");
    until_held(3);
    until_holds(&reply, "{\"case\":0,\"data\":\"held\\n\"}");
    ck_assert_ptr_null(strstr(reply_text(&reply), "\"case\":1"));
    fake_executor_release(&fixture.fakes[0], 1);
    until_holds(&reply,
                "{\"case\":1,\"data\":\"held\\n\"}"); /* before its end: it is the first now */
    ck_assert_ptr_null(strstr(reply_text(&reply), "\"case\":2"));
    fake_executor_release(&fixture.fakes[0], 2);
    fixture_wait(&fixture, &reply);
    check_holds("event: result\ndata: {\"case\":2,");
    reply_done(&reply);
    stop();
}
END_TEST

static bool has_three_runs(void *context)
{
    return ((const struct fake_executor *)context)->runs == 3;
}

START_TEST(what_later_cases_said_meanwhile_is_told_whole_and_in_order)
{
    start(1, 8, NULL);
    fixture_send_events(&fixture, &reply,
                        "{\"source\":\"wait\",\"cases\":[{\"input\":\"x\"},{},{}]}");
    fixture_until(&fixture, has_three_runs, &fixture.fakes[0]);
    ck_assert_ptr_null(strstr(reply_text(&reply), "\"case\":1"));
    fake_executor_release(&fixture.fakes[0], 1);
    fixture_wait(&fixture, &reply);
    check_holds(
        "event: stdout\ndata: {\"case\":1,\"data\":\"a\"}\n\n"
        "event: diagnostic\ndata: {\"case\":1,\"severity\":\"error\",\"line\":3,\"column\":7");
    check_holds("\"text\":\"no such thing\\n[line 3] in script\"}\n\n"
                "event: result\ndata: {\"case\":1,");
    check_holds("event: result\ndata: {\"case\":2,");
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(no_more_cases_run_at_a_time_than_the_setting_says)
{
    static const char *const flags[] = {"--cases.parallel=2", NULL};
    start(1, 8, flags);
    fixture_send_json(&fixture, &reply, "{\"source\":\"hold\",\"cases\":[{},{},{},{},{}]}");
    for (unsigned i = 0; i < 5; i++) {
        until_held(i < 4 ? 2 : 1);
        fixture_run_ms(&fixture, 5); /* and no more come */
        ck_assert_uint_eq(fake_executor_held(&fixture.fakes[0]), i < 4 ? 2 : 1);
        fake_executor_release(&fixture.fakes[0], 1);
    }
    fixture_wait(&fixture, &reply);
    ck_assert_uint_eq(reply.status, 200);
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(one_total_wall_time_is_shared_by_all_cases)
{
    static const char *const flags[] = {"--cases.wall=300ms", "--cases.parallel=1",
                                        "--queue.wait=100ms", NULL};
    start(1, 1, flags);
    fixture_send_json(&fixture, &reply, "{\"source\":\"hold\",\"cases\":[{},{},{}]}");
    uint64_t begun_us = clock_now_us();
    fixture_run_ms(&fixture, 310);
    fake_executor_release(&fixture.fakes[0], 1);
    fixture_wait(&fixture, &reply);
    ck_assert_uint_lt(clock_now_us() - begun_us, 900000);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_str_eq(reply.verdict, "time_limit"); /* of the two that never got a turn */
    reply_done(&reply);
    stop();
}
END_TEST

START_TEST(cases_have_no_text_form)
{
    start(1, 1, NULL);
    static const char *const headers[] = {"Content-Type: application/json", "Accept: text/plain",
                                          NULL};
    static const char body[] = "{\"source\":\"echo\",\"cases\":[{}]}";
    fixture_send(&fixture, &reply, "POST", "/execute", headers, body, strlen(body));
    fixture_wait(&fixture, &reply);
    check_refused(400, "malformed");
    stop();
}
END_TEST

START_TEST(one_lost_case_refuses_a_buffered_answer_and_cancels_the_rest)
{
    start(2, 2, NULL);
    fixture_send_json(&fixture, &reply, "{\"source\":\"hold\",\"cases\":[{},{},{},{}]}");
    until_held(4);
    fake_executor_done(&fixture.fakes[0]);
    while (!reply.is_over) {
        fake_executor_release(&fixture.fakes[1], 1);
        fixture_run_ms(&fixture, 10);
    }
    check_refused(502, "executor_lost");
    stop();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, cases_are_told_in_their_order_whatever_order_they_end_in);
    tcase_add_test(tcase, every_case_is_a_run_with_an_id_of_its_own);
    tcase_add_test(tcase, all_cases_share_one_output_limit_in_their_order);
    tcase_add_test(tcase, the_first_case_that_is_not_ok_gives_the_verdict);
    tcase_add_test(tcase, later_cases_are_streamed_when_it_is_their_turn);
    tcase_add_test(tcase, what_later_cases_said_meanwhile_is_told_whole_and_in_order);
    tcase_add_test(tcase, no_more_cases_run_at_a_time_than_the_setting_says);
    tcase_add_test(tcase, one_total_wall_time_is_shared_by_all_cases);
    tcase_add_test(tcase, cases_have_no_text_form);
    tcase_add_test(tcase, one_lost_case_refuses_a_buffered_answer_and_cancels_the_rest);
}

int main(void)
{
    return suite_run("cases", add_tests);
}
