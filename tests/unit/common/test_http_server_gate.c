/* What an attacker sends: every case over a real socket, with a second request hidden behind it. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http_fixture.h"
#include "suite.h"

static struct http_fixture *fixture;
static struct answer answer;
static int interim;

static void setup(void)
{
    struct http_server_config config;
    fixture_config(&config);
    fixture = fixture_start(&config);
}

static void teardown(void)
{
    fixture_stop(fixture);
}

#define SMUGGLED "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD "POST /echo HTTP/1.1\r\nHost: x\r\n"

#define CASE(text_) .text = (text_), .count = sizeof(text_) - 1
static const struct {
    const char *text;
    size_t count;
    int status;
} refused[] = {
    {CASE(HEAD "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 40\r\n\r\n0\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "Content-Length: 0\r\nContent-Length: 33\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "Transfer-Encoding:\x0b"
               "chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
     400},
    {CASE("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "A: b\rContent-Length: 0\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "A: b\nContent-Length: 0\r\n\r\n" SMUGGLED), 400},
    {CASE("POST /echo HTTP/1.1\nHost: x\n\n" SMUGGLED), 400},
    {CASE(HEAD "A: b\r\n Content-Length: 33\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "A: b\0c\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "A b: c\r\n\r\n" SMUGGLED), 400},
    {CASE("POST /echo HTTP/1.1\r\n\r\n" SMUGGLED), 400},
    {CASE(HEAD "Host: y\r\n\r\n" SMUGGLED), 400},
    {CASE("\r\n" SMUGGLED), 400},
    {CASE(HEAD "Expect: something\r\n\r\n" SMUGGLED), 417},
    {CASE(HEAD "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc" SMUGGLED), 415},
    {CASE(HEAD "Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc" SMUGGLED), 415},
    {CASE(HEAD "Content-Encoding: deflate\r\nContent-Length: 3\r\n\r\nabc" SMUGGLED), 415},
    {CASE(HEAD "Content-Length: 18446744073709551616\r\n\r\n" SMUGGLED), 413},
    {CASE(HEAD "Content-Length: 4097\r\n\r\n" SMUGGLED), 413},
    {CASE(HEAD "Content-Length: 4097\r\nExpect: 100-continue\r\n\r\n"), 413},
    {CASE("GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
     413},
};

static void expect_refusal(int fd, int status)
{
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, status);
    ck_assert_int_eq(interim, 0);
    ck_assert(answer_has(&answer, "Connection: close"));
    ck_assert(answer_has(&answer, "application/problem+json"));
    ck_assert(answer_has(&answer, "X-Every: 1"));
    expect_end(fd);
    ck_assert_uint_eq(fixture_handled(fixture), 0);
}

START_TEST(what_is_ambiguous_is_refused_and_what_hides_behind_it_never_runs)
{
    int fd = dial(fixture);
    send_bytes(fd, refused[_i].text, refused[_i].count);
    expect_refusal(fd, refused[_i].status);
    close(fd);
}
END_TEST

START_TEST(the_same_is_refused_as_the_second_request_of_a_connection)
{
    int fd = dial(fixture);
    send_text(fd, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 404);
    send_bytes(fd, refused[_i].text, refused[_i].count);
    expect_refusal(fd, refused[_i].status);
    close(fd);
}
END_TEST

/* ---- sizes ---- */

enum { LONG_BYTES = 40 << 10 };

START_TEST(headers_of_40_kb_are_431)
{
    static char text[LONG_BYTES];
    memset(text, 'a', sizeof(text));
    int fd = dial(fixture);
    send_text(fd, HEAD "A: ");
    send_bytes(fd, text, sizeof(text));
    send_text(fd, "\r\n\r\n" SMUGGLED);
    expect_refusal(fd, 431);
    close(fd);
}
END_TEST

START_TEST(two_thousand_headers_are_431)
{
    int fd = dial(fixture);
    static char text[2000 * 5 + 1];
    for (int i = 0; i < 2000; i++)
        memcpy(text + 5 * i, "a:b\r\n", 5);
    send_text(fd, HEAD);
    send_bytes(fd, text, sizeof(text) - 1);
    send_text(fd, "\r\n" SMUGGLED);
    expect_refusal(fd, 431);
    close(fd);
}
END_TEST

START_TEST(a_target_of_40_kb_is_414)
{
    static char text[LONG_BYTES];
    memset(text, 'a', sizeof(text));
    int fd = dial(fixture);
    send_text(fd, "GET /");
    send_bytes(fd, text, sizeof(text));
    send_text(fd, " HTTP/1.1\r\nHost: x\r\n\r\n" SMUGGLED);
    expect_refusal(fd, 414);
    close(fd);
}
END_TEST

static void send_post(int fd, size_t length, size_t sent)
{
    static char body[ECHO_BYTES_MAX + 64];
    char head[128];
    (void)snprintf(head, sizeof(head), HEAD "Content-Length: %zu\r\n\r\n", length);
    memset(body, 'b', sizeof(body));
    send_text(fd, head);
    send_bytes(fd, body, sent);
}

START_TEST(a_body_may_be_as_long_as_the_limit_and_no_longer)
{
    int fd = dial(fixture);
    send_post(fd, 0, 0);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    send_post(fd, ECHO_BYTES_MAX, ECHO_BYTES_MAX);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.body_bytes, ECHO_BYTES_MAX);
    send_post(fd, ECHO_BYTES_MAX + 1, ECHO_BYTES_MAX + 1);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 413);
    expect_end(fd);
    close(fd);
}
END_TEST

START_TEST(a_body_shorter_than_announced_is_400)
{
    int fd = dial(fixture);
    send_post(fd, 10, 5);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    expect_refusal(fd, 400);
    close(fd);
}
END_TEST

START_TEST(a_head_that_ends_early_is_400)
{
    int fd = dial(fixture);
    send_text(fd, "GET /livez HTTP/1.1\r\nHost: x\r\n");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    expect_refusal(fd, 400);
    close(fd);
}
END_TEST

START_TEST(bytes_behind_the_announced_body_are_never_a_request)
{
    int fd = dial(fixture);
    send_text(fd, HEAD "Content-Length: 5\r\n\r\nhello world, no request\r\n\r\n");
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.body_bytes, 5);
    ck_assert(answer_has(&answer, "Connection: close"));
    expect_end(fd);
    close(fd);
}
END_TEST

START_TEST(a_client_that_sends_all_before_it_reads_still_reads_its_refusal)
{
    static char body[2 << 20];
    int fd = dial(fixture);
    send_text(fd, HEAD "Content-Length: 2097152\r\n\r\n");
    send_bytes(fd, body, sizeof(body));
    expect_refusal(fd, 413);
    close(fd);
}
END_TEST

/* ---- chunks ---- */

#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

START_TEST(a_chunked_body_is_taken_and_ends_its_connection)
{
    int fd = dial(fixture);
    send_text(fd, CHUNKED "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: t\r\n\r\n" SMUGGLED);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.body_bytes, 11);
    ck_assert_mem_eq(answer.body, "hello world", 11);
    ck_assert(answer_has(&answer, "Connection: close"));
    expect_end(fd);
    close(fd);
    ck_assert_uint_eq(fixture_handled(fixture), 1);
}
END_TEST

START_TEST(a_chunked_body_over_the_limit_is_413_while_it_arrives)
{
    static char chunk[1024 + 8];
    int length = snprintf(chunk, sizeof(chunk), "400\r\n");
    memset(chunk + length, 'c', 1024);
    memcpy(chunk + length + 1024, "\r\n", 2);
    int fd = dial(fixture);
    send_text(fd, CHUNKED);
    for (int i = 0; i < ECHO_BYTES_MAX / 1024 + 1; i++)
        send_bytes(fd, chunk, (size_t)length + 1024 + 2);
    expect_refusal(fd, 413);
    close(fd);
}
END_TEST

/* Here libmicrohttpd answers by itself, and what it answers is its own. */
static const char *const bad_chunks[] = {
    "FFFFFFFFFFFFFFFFF\r\nabc", "xyz\r\nabc\r\n0\r\n\r\n",  "-1\r\nabc\r\n0\r\n\r\n",
    " 3\r\nabc\r\n0\r\n\r\n",   "3\r\nabcdef\r\n0\r\n\r\n",
};

START_TEST(chunks_that_are_none_end_the_connection_and_run_nothing)
{
    char bytes[4096];
    int fd = dial(fixture);
    send_text(fd, CHUNKED);
    send_text(fd, bad_chunks[_i]);
    send_text(fd, SMUGGLED);
    ssize_t count = recv(fd, bytes, sizeof(bytes), MSG_WAITALL); /* to the end */
    ck_assert_int_ge(count, 13);
    ck_assert_int_eq(strncmp(bytes, "HTTP/1.1 4", 10), 0);
    ck_assert_uint_eq(fixture_handled(fixture), 0);
    close(fd);
}
END_TEST

START_TEST(an_endless_chunk_extension_ends_the_connection_and_runs_nothing)
{
    static char extension[100 << 10];
    char bytes[4096];
    memset(extension, 'e', sizeof(extension));
    int fd = dial(fixture);
    send_text(fd, CHUNKED "5;");
    send_bytes(fd, extension, sizeof(extension));
    send_text(fd, "\r\nhello\r\n0\r\n\r\n" SMUGGLED);
    while (recv(fd, bytes, sizeof(bytes), 0) > 0) {
        /* whatever it says, it must end */
    }
    ck_assert_uint_eq(fixture_handled(fixture), 0);
    close(fd);
    ck_assert_int_eq(ask(fixture, SMUGGLED, &answer), 200);
}
END_TEST

/* ---- expectations ---- */

START_TEST(a_client_that_waits_for_100_gets_it)
{
    int fd = dial(fixture);
    send_text(fd, HEAD "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    char line[25];
    ck_assert_int_eq(recv(fd, line, sizeof(line), MSG_WAITALL), sizeof(line));
    ck_assert_int_eq(strncmp(line, "HTTP/1.1 100 Continue\r\n\r\n", sizeof(line)), 0);
    send_text(fd, "hello");
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    close(fd);
}
END_TEST

START_TEST(an_early_refusal_spares_a_waiting_client_its_body)
{
    int fd = dial(fixture);
    send_text(fd, "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                  "Expect: 100-continue\r\n\r\n");
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 401);
    ck_assert_int_eq(interim, 0);
    expect_end(fd);
    close(fd);
}
END_TEST

/* ---- pipelining ---- */

/* Three requests, cut anywhere: the answers come in order, each its own, or the connection ends. */
START_TEST(pipelined_requests_are_answered_in_order_or_not_at_all)
{
    static const char text[] =
        HEAD "Content-Length: 5\r\n\r\nfirst" HEAD "Content-Length: 6\r\n\r\nsecond" HEAD
             "Content-Length: 5\r\n\r\nthird";
    static const char *const bodies[] = {"first", "second", "third"};
    unsigned long long state = (unsigned long long)_i + 1;
    int fd = dial(fixture);
    size_t cut = 1 + suite_random(&state) % (sizeof(text) - 2);
    send_bytes(fd, text, cut);
    if (suite_random(&state) % 2) { /* let the first part be seen alone, now and then */
        ck_assert_uint_le(fixture_count(fixture), 1);
    }
    send_bytes(fd, text + cut, sizeof(text) - 1 - cut);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    static char bytes[16384];
    ssize_t count = recv(fd, bytes, sizeof(bytes) - 1, MSG_WAITALL);
    ck_assert_int_gt(count, 0);
    bytes[count] = '\0';
    const char *at = bytes;
    unsigned answers = 0;
    for (; *at != '\0' && strncmp(at, "HTTP/1.1 200", 12) == 0; answers++) {
        const char *body = strstr(at, "\r\n\r\n");
        ck_assert_ptr_nonnull(body);
        ck_assert_uint_lt(answers, 3);
        ck_assert_int_eq(strncmp(body + 4, bodies[answers], strlen(bodies[answers])), 0);
        at = body + 4 + strlen(bodies[answers]);
    }
    ck_assert_uint_ge(answers, 1);
    ck_assert_msg(*at == '\0', "more than answers: %s", at);
    ck_assert_uint_eq(fixture_handled(fixture), answers);
    close(fd);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, what_is_ambiguous_is_refused_and_what_hides_behind_it_never_runs, 0,
                        (int)ARRAY_COUNT(refused));
    tcase_add_loop_test(tcase, the_same_is_refused_as_the_second_request_of_a_connection, 0,
                        (int)ARRAY_COUNT(refused));
    tcase_add_test(tcase, headers_of_40_kb_are_431);
    tcase_add_test(tcase, two_thousand_headers_are_431);
    tcase_add_test(tcase, a_target_of_40_kb_is_414);
    tcase_add_test(tcase, a_body_may_be_as_long_as_the_limit_and_no_longer);
    tcase_add_test(tcase, a_body_shorter_than_announced_is_400);
    tcase_add_test(tcase, a_head_that_ends_early_is_400);
    tcase_add_test(tcase, bytes_behind_the_announced_body_are_never_a_request);
    tcase_add_test(tcase, a_client_that_sends_all_before_it_reads_still_reads_its_refusal);
    tcase_add_test(tcase, a_chunked_body_is_taken_and_ends_its_connection);
    tcase_add_test(tcase, a_chunked_body_over_the_limit_is_413_while_it_arrives);
    tcase_add_loop_test(tcase, chunks_that_are_none_end_the_connection_and_run_nothing, 0,
                        (int)ARRAY_COUNT(bad_chunks));
    tcase_add_test(tcase, an_endless_chunk_extension_ends_the_connection_and_runs_nothing);
    tcase_add_test(tcase, a_client_that_waits_for_100_gets_it);
    tcase_add_test(tcase, an_early_refusal_spares_a_waiting_client_its_body);
    tcase_add_loop_test(tcase, pipelined_requests_are_answered_in_order_or_not_at_all, 0, 40);
}

int main(void)
{
    return suite_run("http_server_gate", add_tests);
}
