#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "presenter.h"
#include "suite.h"

/* A sink that writes down all it is given. */
static struct {
    char headers[512];
    char type[64];
    struct buffer body;
    unsigned answers, ends;
    size_t pending; /* what stream_pending() says */
    int write_result;
} sunk;

static struct loop *loop;
static struct presenter *presenter;

static void sink_add_header(void *context, const char *name, const char *value)
{
    (void)context;
    size_t used = strlen(sunk.headers);
    (void)snprintf(sunk.headers + used, sizeof(sunk.headers) - used, "%s: %s\n", name, value);
}

static void sink_respond_take(void *context, const char *type, char *body, size_t count)
{
    (void)context;
    (void)snprintf(sunk.type, sizeof(sunk.type), "%s", type);
    ck_assert_int_eq(buffer_append(&sunk.body, body, count), 0);
    free(body);
    sunk.answers++;
}

static void sink_stream_begin(void *context, const char *type)
{
    (void)context;
    (void)snprintf(sunk.type, sizeof(sunk.type), "%s", type);
    sunk.answers++;
}

static int sink_stream_write(void *context, const void *bytes, size_t count)
{
    (void)context;
    return sunk.write_result < 0 ? sunk.write_result : buffer_append(&sunk.body, bytes, count);
}

static size_t sink_stream_pending(void *context)
{
    (void)context;
    return sunk.pending;
}

static void sink_stream_end(void *context)
{
    (void)context;
    sunk.ends++;
}

static const struct answer_sink sink = {
    .add_header = sink_add_header,
    .respond_take = sink_respond_take,
    .stream_begin = sink_stream_begin,
    .stream_write = sink_stream_write,
    .stream_pending = sink_stream_pending,
    .stream_end = sink_stream_end,
};

static void setup(void)
{
    memset(&sunk, 0, sizeof(sunk));
    buffer_init(&sunk.body, 64 << 20);
    ck_assert_int_eq(loop_create(&loop), 0);
}

static void teardown(void)
{
    presenter_free(presenter);
    presenter = NULL;
    loop_free(loop);
    buffer_done(&sunk.body);
}

static void make(enum answer_form form, bool has_cases)
{
    const struct presenter_config config = {
        .sink = &sink,
        .loop = loop,
        .has_cases = has_cases,
        .output_bytes_max = 1 << 20,
        .heartbeat_ms = 20,
    };
    ck_assert_int_eq(presenter_create(form, &config, &presenter), 0);
}

static void print(const char *bytes, size_t count)
{
    ck_assert_int_eq(presenter_output(presenter, bytes, count), 0);
}

static void start(void)
{
    ck_assert_int_eq(presenter_started(presenter), 0);
}

static void diagnose(void)
{
    const struct frame_diagnostic diagnostic = {
        .line = 3,
        .column = 7,
        .length = 2,
        .message = {"no \"x\"", 6},
        .text = {"no x\n[line 3] in f()", 20},
        .trace_count = 2,
        .trace = {{.line = 3, .function = {"f", 1}}, {.line = 9}},
    };
    ck_assert_int_eq(presenter_diagnostic(presenter, &diagnostic), 0);
}

static struct outcome outcome_of(enum verdict verdict)
{
    struct outcome outcome;
    outcome_of_verdict(&outcome, "0123456789abcdef0123456789abcdef", verdict);
    outcome.queue_us = 20;
    outcome.wall_us = 1500;
    outcome.cpu_us = 12000;
    outcome.memory_peak_bytes = 4096;
    outcome.steps = 42;
    outcome.layers = LAYER_BIT(LAYER_USER_NS) | LAYER_BIT(LAYER_SECCOMP);
    memcpy(outcome.backend, "process", 8);
    return outcome;
}

static void end(enum verdict verdict)
{
    struct outcome outcome = outcome_of(verdict);
    ck_assert_int_eq(presenter_result(presenter, &outcome), 0);
}

static void finish(enum verdict verdict, bool truncated)
{
    struct outcome sum = outcome_of(verdict);
    sum.truncated = truncated;
    ck_assert_int_eq(presenter_finish(presenter, &sum), 0);
}

static void check_body(const char *expected, size_t count)
{
    ck_assert_uint_eq(buffer_count(&sunk.body), count);
    ck_assert_mem_eq(buffer_data(&sunk.body), expected, count);
}

static void check_text(const char *expected)
{
    ck_assert_int_eq(buffer_append(&sunk.body, "", 1), 0);
    ck_assert_str_eq(buffer_data(&sunk.body), expected);
}

/* ---- text ---- */

START_TEST(text_is_the_output_byte_for_byte)
{
    make(ANSWER_TEXT, false);
    start();
    print("a\0\xff", 3);
    print("\r\n", 2);
    end(VERDICT_OK);
    finish(VERDICT_OK, false);
    check_body("a\0\xff\r\n", 5);
    ck_assert_str_eq(sunk.type, "text/plain; charset=utf-8");
    ck_assert_str_eq(sunk.headers, "Tok-Verdict: ok\nTok-Exit-Code: 0\nTok-Stdout-Bytes: 5\n");
    ck_assert_uint_eq(sunk.answers, 1);
}
END_TEST

START_TEST(text_has_the_diagnostics_on_lines_of_their_own)
{
    make(ANSWER_TEXT, false);
    start();
    print("a", 1);
    diagnose();
    diagnose();
    end(VERDICT_RUNTIME_ERROR);
    finish(VERDICT_RUNTIME_ERROR, true);
    check_text("a\nno x\n[line 3] in f()\nno x\n[line 3] in f()\n");
    ck_assert_str_eq(sunk.headers, "Tok-Verdict: runtime_error\nTok-Exit-Code: 70\n"
                                   "Tok-Truncated: true\nTok-Stdout-Bytes: 1\n");
}
END_TEST

START_TEST(text_adds_no_line_end_where_there_is_one_or_nothing_before)
{
    make(ANSWER_TEXT, false);
    start();
    print("a\n", 2);
    diagnose();
    end(VERDICT_RUNTIME_ERROR);
    finish(VERDICT_RUNTIME_ERROR, false);
    check_text("a\nno x\n[line 3] in f()\n");
    teardown();
    setup();
    make(ANSWER_TEXT, false);
    start();
    diagnose();
    end(VERDICT_COMPILE_ERROR);
    finish(VERDICT_COMPILE_ERROR, false);
    check_text("no x\n[line 3] in f()\n");
}
END_TEST

/* ---- JSON ---- */

START_TEST(a_result_holds_no_more_output_than_its_cap)
{
    static char flood[1 << 20];
    make(ANSWER_JSON, false);
    start();
    print(flood, sizeof(flood));
    ck_assert_int_eq(presenter_output(presenter, flood, 1), -EMSGSIZE);
    end(VERDICT_OK); /* six bytes for each NUL: there is room for that */
    finish(VERDICT_OK, false);
    ck_assert_uint_gt(buffer_count(&sunk.body), 6 * sizeof(flood));
}
END_TEST

#define TAIL                                                                                       \
    "\"usage\":{\"queue_ms\":0.02,\"wall_ms\":1.5,\"cpu_ms\":12,\"memory_peak_bytes\":4096,"       \
    "\"steps\":42},\"truncated\":false"
#define SANDBOX ",\"sandbox\":{\"backend\":\"process\",\"layers\":[\"user_ns\",\"seccomp\"]}"
#define ID "\"id\":\"0123456789abcdef0123456789abcdef\","
#define DIAGNOSTIC                                                                                 \
    "\"severity\":\"error\",\"line\":3,\"column\":7,\"length\":2,\"message\":\"no \\\"x\\\"\","    \
    "\"trace\":[{\"line\":3,\"function\":\"f\"},{\"line\":9,\"function\":null}]"

START_TEST(json_is_one_result_object)
{
    make(ANSWER_JSON, false);
    start();
    print("a\0\xff\xc3", 4);
    print("\xa9\n", 2);
    diagnose();
    end(VERDICT_RUNTIME_ERROR);
    finish(VERDICT_RUNTIME_ERROR, false);
    check_text("{" ID "\"verdict\":\"runtime_error\",\"exit_code\":70,"
               "\"stdout\":\"a\\u0000\xef\xbf\xbd\xc3\xa9\\n\","
               "\"stderr\":\"no x\\n[line 3] in f()\\n\",\"diagnostics\":[{" DIAGNOSTIC
               "}]," TAIL SANDBOX "}\n");
    ck_assert_str_eq(sunk.type, "application/json");
    ck_assert_str_eq(sunk.headers, "Tok-Verdict: runtime_error\nTok-Exit-Code: 70\n");
}
END_TEST

START_TEST(json_of_cases_has_a_result_for_each)
{
    make(ANSWER_JSON, true);
    start();
    print("1", 1);
    end(VERDICT_OK);
    start();
    diagnose();
    end(VERDICT_RUNTIME_ERROR);
    finish(VERDICT_RUNTIME_ERROR, false);
    check_text("{" ID "\"verdict\":\"runtime_error\",\"exit_code\":70," TAIL ",\"cases\":[{" ID
               "\"verdict\":\"ok\",\"exit_code\":0,\"stdout\":\"1\",\"stderr\":\"\","
               "\"diagnostics\":[]," TAIL SANDBOX "},{" ID
               "\"verdict\":\"runtime_error\",\"exit_code\":70,\"stdout\":\"\","
               "\"stderr\":\"no x\\n[line 3] in f()\\n\",\"diagnostics\":[{" DIAGNOSTIC
               "}]," TAIL SANDBOX "}]}\n");
}
END_TEST

START_TEST(a_pod_is_named_and_no_sandbox_is_claimed_that_nobody_told)
{
    make(ANSWER_JSON, true);
    struct outcome outcome = outcome_of(VERDICT_OK);
    memcpy(outcome.backend, "pod", 4);
    memcpy(outcome.pod, "runner-1", 9);
    outcome.layers = 0;
    ck_assert_int_eq(presenter_result(presenter, &outcome), 0);
    outcome.backend[0] = '\0';
    ck_assert_int_eq(presenter_result(presenter, &outcome), 0);
    finish(VERDICT_OK, false);
    ck_assert_int_eq(buffer_append(&sunk.body, "", 1), 0);
    ck_assert_ptr_nonnull(
        strstr(buffer_data(&sunk.body),
               "\"sandbox\":{\"backend\":\"pod\",\"layers\":[],\"pod\":\"runner-1\"}"));
    ck_assert_ptr_nonnull(strstr(buffer_data(&sunk.body), "\"sandbox\":null"));
}
END_TEST

/* ---- events ---- */

START_TEST(events_are_sent_as_they_happen)
{
    make(ANSWER_EVENTS, false);
    ck_assert(!presenter_is_open(presenter));
    start();
    ck_assert(presenter_is_open(presenter));
    ck_assert_uint_eq(sunk.answers, 1);
    ck_assert_str_eq(sunk.type, "text/event-stream");
    ck_assert_str_eq(sunk.headers, "X-Accel-Buffering: no\n");
    print("a\n\"", 3);
    check_text("event: stdout\ndata: {\"data\":\"a\\n\\\"\"}\n\n");
    buffer_clear(&sunk.body);
    diagnose();
    check_text("event: diagnostic\ndata: {" DIAGNOSTIC ",\"text\":\"no x\\n[line 3] in f()\"}\n\n");
    buffer_clear(&sunk.body);
    end(VERDICT_RUNTIME_ERROR);
    check_text("event: result\ndata: {" ID
               "\"verdict\":\"runtime_error\",\"exit_code\":70," TAIL SANDBOX "}\n\n");
    buffer_clear(&sunk.body);
    finish(VERDICT_RUNTIME_ERROR, false);
    check_text("");
    ck_assert_uint_eq(sunk.ends, 1);
}
END_TEST

START_TEST(events_are_cut_on_whole_characters)
{
    make(ANSWER_EVENTS, false);
    start();
    print("x\xe2", 2);
    print("\x82", 1);
    print("\xac\xff", 2);
    print("y\xf0\x9f", 3);
    end(VERDICT_OK);
    ck_assert_int_eq(buffer_append(&sunk.body, "", 1), 0);
    const char *result = strstr(buffer_data(&sunk.body), "event: result");
    ck_assert_ptr_nonnull(result);
    sunk.body.end = sunk.body.start + (size_t)(result - buffer_data(&sunk.body));
    check_text("event: stdout\ndata: {\"data\":\"x\"}\n\n"
               "event: stdout\ndata: {\"data\":\"\xe2\x82\xac\xef\xbf\xbd\"}\n\n"
               "event: stdout\ndata: {\"data\":\"y\"}\n\n"
               "event: stdout\ndata: {\"data\":\"\xef\xbf\xbd\"}\n\n");
}
END_TEST

START_TEST(events_of_cases_carry_the_index_and_end_with_the_sum)
{
    make(ANSWER_EVENTS, true);
    start();
    print("1", 1);
    end(VERDICT_OK);
    start();
    print("2", 1);
    end(VERDICT_STEP_LIMIT);
    finish(VERDICT_STEP_LIMIT, false);
    check_text("event: stdout\ndata: {\"case\":0,\"data\":\"1\"}\n\n"
               "event: result\ndata: {\"case\":0," ID
               "\"verdict\":\"ok\",\"exit_code\":0," TAIL SANDBOX "}\n\n"
               "event: stdout\ndata: {\"case\":1,\"data\":\"2\"}\n\n"
               "event: result\ndata: {\"case\":1," ID
               "\"verdict\":\"step_limit\",\"exit_code\":125," TAIL SANDBOX "}\n\n"
               "event: result\ndata: {" ID "\"verdict\":\"step_limit\",\"exit_code\":125," TAIL
               "}\n\n");
}
END_TEST

static void stop_loop(void *context)
{
    (void)context;
    loop_stop(loop);
}

static void run_ms(unsigned ms)
{
    struct loop_timer timer;
    loop_timer_init(&timer, stop_loop, NULL);
    ck_assert_int_eq(loop_timer_start_ms(loop, &timer, ms), 0);
    ck_assert_int_eq(loop_run(loop), 0);
}

START_TEST(a_silent_stream_gets_heartbeats_until_it_is_finished)
{
    make(ANSWER_EVENTS, false);
    start();
    run_ms(50);
    ck_assert_uint_ge(buffer_count(&sunk.body), 2 * strlen(": still running\n\n"));
    ck_assert_mem_eq(buffer_data(&sunk.body), ": still running\n\n", 17);
    end(VERDICT_OK);
    finish(VERDICT_OK, false);
    size_t count = buffer_count(&sunk.body);
    run_ms(50);
    ck_assert_uint_eq(buffer_count(&sunk.body), count);
}
END_TEST

START_TEST(output_is_gathered_while_the_client_reads_slowly)
{
    make(ANSWER_EVENTS, false);
    start();
    sunk.pending = 1 << 20;
    for (int i = 0; i < 1000; i++)
        print("ab", 2);
    ck_assert_uint_eq(buffer_count(&sunk.body), 0);
    run_ms(30);
    ck_assert_uint_eq(buffer_count(&sunk.body), 0);
    sunk.pending = 0;
    run_ms(60);
    ck_assert_uint_gt(buffer_count(&sunk.body), 2000); /* one event, without another word */
    ck_assert_uint_lt(buffer_count(&sunk.body), 2200);
    sunk.pending = 1 << 20;
    print("c", 1);
    end(VERDICT_OK); /* all that is left goes before the result */
    ck_assert_int_eq(buffer_append(&sunk.body, "", 1), 0);
    ck_assert_ptr_nonnull(strstr(buffer_data(&sunk.body), "{\"data\":\"c\"}\n\nevent: result"));
}
END_TEST

START_TEST(a_stream_that_takes_no_more_is_an_error)
{
    make(ANSWER_EVENTS, false);
    start();
    sunk.write_result = -EMSGSIZE;
    ck_assert_int_eq(presenter_output(presenter, "a", 1), -EMSGSIZE);
    struct outcome outcome = outcome_of(VERDICT_OK);
    ck_assert_int_eq(presenter_result(presenter, &outcome), -EMSGSIZE);
}
END_TEST

/* ---- the sum of cases ---- */

START_TEST(the_first_verdict_that_is_not_ok_stands_for_all)
{
    struct outcome sum = outcome_of(VERDICT_OK);
    struct outcome one = outcome_of(VERDICT_OK);
    one.memory_peak_bytes = 5000;
    outcome_add(&sum, &one);
    ck_assert_int_eq((int)sum.verdict, VERDICT_OK);
    one.verdict = VERDICT_TIME_LIMIT;
    one.truncated = true;
    outcome_add(&sum, &one);
    one.verdict = VERDICT_RUNTIME_ERROR;
    one.memory_peak_bytes = 1;
    outcome_add(&sum, &one);
    ck_assert_int_eq((int)sum.verdict, VERDICT_TIME_LIMIT);
    ck_assert(sum.truncated);
    ck_assert_uint_eq(sum.steps, 4 * 42);
    ck_assert_uint_eq(sum.wall_us, 4 * 1500);
    ck_assert_uint_eq(sum.memory_peak_bytes, 5000);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, text_is_the_output_byte_for_byte);
    tcase_add_test(tcase, text_has_the_diagnostics_on_lines_of_their_own);
    tcase_add_test(tcase, text_adds_no_line_end_where_there_is_one_or_nothing_before);
    tcase_add_test(tcase, a_result_holds_no_more_output_than_its_cap);
    tcase_add_test(tcase, json_is_one_result_object);
    tcase_add_test(tcase, json_of_cases_has_a_result_for_each);
    tcase_add_test(tcase, a_pod_is_named_and_no_sandbox_is_claimed_that_nobody_told);
    tcase_add_test(tcase, events_are_sent_as_they_happen);
    tcase_add_test(tcase, events_are_cut_on_whole_characters);
    tcase_add_test(tcase, events_of_cases_carry_the_index_and_end_with_the_sum);
    tcase_add_test(tcase, a_silent_stream_gets_heartbeats_until_it_is_finished);
    tcase_add_test(tcase, output_is_gathered_while_the_client_reads_slowly);
    tcase_add_test(tcase, a_stream_that_takes_no_more_is_an_error);
    tcase_add_test(tcase, the_first_verdict_that_is_not_ok_stands_for_all);
}

int main(void)
{
    return suite_run("presenter", add_tests);
}
