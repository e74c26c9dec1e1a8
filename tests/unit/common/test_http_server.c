/* Requests and their ends: routing, keep-alive, half-closed and vanished clients, counts. */
#include <dirent.h>
#include <string.h>
#include <sys/socket.h>

#include "http_fixture.h"
#include "suite.h"

static struct http_fixture *fixture;
static struct http_server_config config;
static struct answer answer;
static int interim;

static void setup(void)
{
    fixture_config(&config);
    fixture = fixture_start(&config);
}

static void setup_inner(void)
{
    fixture_config(&config);
    config.half_close = HTTP_HALF_CLOSE_CANCELS;
    fixture = fixture_start(&config);
}

static void teardown(void)
{
    fixture_stop(fixture);
}

#define GET(path_) "GET " path_ " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path_, length_)                                                                       \
    "POST " path_ " HTTP/1.1\r\nHost: x\r\nContent-Length: " length_ "\r\n\r\n"

START_TEST(a_get_is_answered_and_the_connection_kept)
{
    int fd = dial(fixture);
    for (int i = 0; i < 3; i++) {
        send_text(fd, GET("/livez"));
        read_answer(fd, &answer, false, &interim);
        ck_assert_int_eq(answer.status, 200);
        ck_assert_uint_eq(answer.body_bytes, 3);
        ck_assert_mem_eq(answer.body, "ok\n", 3);
        ck_assert(!answer_has(&answer, "Connection: close"));
        ck_assert(answer_has(&answer, "X-Every: 1"));
        ck_assert(answer_has(&answer, "Content-Type: text/plain"));
        ck_assert(answer_has(&answer, "Date: "));
    }
    close(fd);
    ck_assert_uint_eq(fixture_answered(fixture), 3);
}
END_TEST

START_TEST(a_request_in_single_bytes_is_one_request)
{
    static const char text[] = POST("/echo", "5") "hello";
    int fd = dial(fixture);
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        send_bytes(fd, text + i, 1);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_mem_eq(answer.body, "hello", 5);
    ck_assert(!answer_has(&answer, "Connection: close"));
    send_text(fd, GET("/livez"));
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    close(fd);
    ck_assert_uint_eq(fixture_handled(fixture), 2);
}
END_TEST

static const struct {
    const char *request;
    int status;
    const char *header;
} routed[] = {
    {GET("/nothing"), 404, "application/problem+json"},
    {GET("/livez/"), 404, ""},
    {GET("//livez"), 404, ""},
    {GET("/%6civez"), 404, ""},
    {GET("/livez%00"), 404, ""},
    {GET("/../livez"), 404, ""},
    {GET("/livez?a=%41"), 200, ""},
    {GET("/echo"), 405, "Allow: POST\r\n"},
    {"DELETE /livez HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: GET, HEAD\r\n"},
    {"TRACE /livez HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: GET, HEAD\r\n"},
    {"BREW /hold HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: GET, HEAD, POST\r\n"},
    {"OPTIONS /echo HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: POST\r\n"},
    {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404, ""},
    {"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: "},
    {"GET http://x/livez HTTP/1.1\r\nHost: x\r\n\r\n", 400, "Connection: close"},
    {"PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405, "Connection: close"},
    {"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 404, "Connection: close"},
    {"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 413, "Connection: close"},
    {POST("/echo", "0"), 200, "Content-Length: 0"},
    {"POST /echo HTTP/1.1\r\nHost: x\r\n\r\n", 200, "Content-Length: 0"},
};

START_TEST(a_request_goes_where_its_raw_path_and_method_say)
{
    ck_assert_int_eq(ask(fixture, routed[_i].request, &answer), routed[_i].status);
    ck_assert_msg(answer_has(&answer, routed[_i].header), "%s", answer.text);
    ck_assert(answer_has(&answer, "X-Every: 1"));
    if (answer.status >= 400)
        ck_assert_ptr_nonnull(strstr(answer.body, "\"instance\":\"urn:trytok:request:"));
}
END_TEST

START_TEST(head_gives_the_headers_of_get_and_keeps_the_connection)
{
    int fd = dial(fixture);
    for (int i = 0; i < 2; i++) {
        send_text(fd, "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        read_answer(fd, &answer, true, &interim);
        ck_assert_int_eq(answer.status, 200);
        ck_assert(answer_has(&answer, "Content-Length: 3"));
        ck_assert_uint_eq(strlen(answer.text), answer.head_bytes);
    }
    close(fd);
}
END_TEST

START_TEST(http_1_0_is_answered_and_closed)
{
    int fd = dial(fixture);
    send_text(fd, "GET /livez HTTP/1.0\r\n\r\n");
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    expect_end(fd);
    close(fd);
}
END_TEST

START_TEST(a_client_that_asks_for_the_end_gets_it)
{
    int fd = dial(fixture);
    send_text(fd, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    read_answer(fd, &answer, false, &interim);
    ck_assert(answer_has(&answer, "Connection: close"));
    expect_end(fd);
    close(fd);
}
END_TEST

START_TEST(an_early_refusal_keeps_the_connection_of_a_small_body)
{
    int fd = dial(fixture);
    send_text(fd, POST("/early", "5") "hello");
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 401);
    ck_assert(!answer_has(&answer, "Connection: close"));
    send_text(fd, GET("/livez"));
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    close(fd);
}
END_TEST

START_TEST(an_early_refusal_comes_before_a_large_body)
{
    int fd = dial(fixture);
    send_text(fd, POST("/early", "900000"));
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 401);
    ck_assert(answer_has(&answer, "Connection: close"));
    expect_end(fd);
    close(fd);
}
END_TEST

/* ---- the end of an exchange ---- */

START_TEST(a_later_answer_arrives_and_its_end_is_told_once)
{
    int fd = dial(fixture);
    send_text(fd, GET("/hold"));
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    ck_assert_uint_eq(fixture_count(fixture), 1);
    fixture_command(fixture, 'r');
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(interim, 0);
    close(fd);
    ck_assert(fixture_is_quiet(fixture, 20));
    ck_assert_uint_eq(fixture_count(fixture), 0);
}
END_TEST

START_TEST(a_half_closed_client_is_probed_and_still_answered)
{
    int fd = dial(fixture);
    send_text(fd, POST("/hold", "5") "hello");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    ck_assert(fixture_is_quiet(fixture, 50));
    fixture_command(fixture, 'r');
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_le(interim, 1);
    expect_end(fd);
    close(fd);
}
END_TEST

START_TEST(a_client_half_closed_in_the_midst_of_the_work_is_still_answered)
{
    int fd = dial(fixture);
    send_text(fd, GET("/hold"));
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert(fixture_is_quiet(fixture, 50));
    fixture_command(fixture, 'r');
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(interim, 1);
    close(fd);
}
END_TEST

START_TEST(a_half_closed_1_0_client_gets_its_answer_without_interim_ones)
{
    int fd = dial(fixture);
    send_text(fd, "GET /hold HTTP/1.0\r\n\r\n");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    ck_assert(fixture_is_quiet(fixture, 20));
    fixture_command(fixture, 'r');
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(interim, 0);
    close(fd);
}
END_TEST

START_TEST(a_client_that_is_gone_is_lost_within_moments)
{
    int fd = dial(fixture);
    send_text(fd, GET("/hold"));
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    uint64_t start_ms = now_ms();
    close(fd);
    ck_assert_int_eq(fixture_event(fixture), EVENT_LOST);
    ck_assert_uint_lt(now_ms() - start_ms, 2000);
    ck_assert(fixture_is_quiet(fixture, 20));
    ck_assert_uint_eq(fixture_count(fixture), 0);
}
END_TEST

START_TEST(a_reset_is_lost_at_once)
{
    int fd = dial(fixture);
    send_text(fd, GET("/hold"));
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(fd);
    ck_assert_int_eq(fixture_event(fixture), EVENT_LOST);
}
END_TEST

START_TEST(on_the_inner_hop_a_half_close_is_the_end)
{
    int fd = dial(fixture);
    send_text(fd, GET("/hold"));
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert_int_eq(fixture_event(fixture), EVENT_LOST);
    expect_end(fd);
    close(fd);
}
END_TEST

START_TEST(a_half_close_before_the_work_is_the_end_on_the_inner_hop_too)
{
    int fd = dial(fixture);
    send_text(fd, POST("/hold", "5") "hello");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    ck_assert_int_eq(fixture_event(fixture), EVENT_LOST);
    close(fd);
}
END_TEST

START_TEST(an_answer_for_nobody_is_thrown_away)
{
    int fd = dial(fixture);
    send_text(fd, GET("/forget"));
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    close(fd);
    while (fixture_count(fixture) > 0) {
        /* each turn of the loop is a chance for the reset to arrive */
    }
    fixture_command(fixture, 'r');
    ck_assert_int_eq(ask(fixture, GET("/livez"), &answer), 200);
}
END_TEST

START_TEST(freeing_the_server_tells_what_is_left)
{
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(fixture);
        send_text(fds[i], i == 2 ? GET("/stream") : GET("/hold"));
        ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    }
    int idle = dial(fixture);
    send_text(idle, "GET /li");
    /* teardown frees it; the events are read from a pipe that outlives the server */
    fixture_stop_server(fixture);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(fixture_event(fixture), EVENT_LOST);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(idle);
}
END_TEST

START_TEST(after_the_listener_closed_kept_connections_end_with_their_next_answer)
{
    int fd = dial(fixture);
    send_text(fd, GET("/livez"));
    read_answer(fd, &answer, false, &interim);
    fixture_command(fixture, 'q');
    send_text(fd, GET("/livez"));
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(answer_has(&answer, "Connection: close"));
    expect_end(fd);
    close(fd);
}
END_TEST

/* ---- caps ---- */

START_TEST(a_full_server_ends_its_oldest_idle_connection_for_a_new_one)
{
    fixture_stop(fixture);
    config.connections_max = 2;
    fixture = fixture_start(&config);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(fixture);
        send_text(fds[i], GET("/livez"));
        read_answer(fds[i], &answer, false, &interim);
        ck_assert_int_eq(answer.status, 200);
    }
    expect_end(fds[0]);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}
END_TEST

START_TEST(a_server_full_of_work_turns_new_connections_away)
{
    fixture_stop(fixture);
    config.connections_max = 1;
    fixture = fixture_start(&config);
    int busy = dial(fixture);
    send_text(busy, GET("/hold"));
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    int other = dial(fixture);
    expect_end(other);
    close(other);
    fixture_command(fixture, 'r');
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    read_answer(busy, &answer, false, &interim);
    close(busy);
}
END_TEST

START_TEST(an_address_has_its_share_of_connections_and_no_more)
{
    fixture_stop(fixture);
    config.connections_per_address_max = 2;
    fixture = fixture_start(&config);
    int first = dial(fixture);
    int second = dial(fixture);
    send_text(first, GET("/livez"));
    read_answer(first, &answer, false, &interim);
    send_text(second, GET("/livez"));
    read_answer(second, &answer, false, &interim);
    int third = dial(fixture);
    expect_end(third);
    close(third);
    /* One that ended makes room again. */
    close(first);
    send_text(second, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    read_answer(second, &answer, false, &interim);
    expect_end(second);
    close(second);
    ck_assert_int_eq(ask(fixture, GET("/livez"), &answer), 200);
}
END_TEST

/* ---- nothing is left behind ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { REQUESTS = 1000 }; /* each is ten times as slow */
#else
enum { REQUESTS = 10000 };
#endif

static unsigned count_open(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

START_TEST(thousands_of_requests_leave_no_descriptor_behind)
{
    ck_assert_int_eq(ask(fixture, GET("/livez"), &answer), 200);
    unsigned before = count_open();
    int fd = -1;
    for (int i = 0; i < REQUESTS; i++) {
        if (i % 10 == 0) {
            if (fd >= 0)
                close(fd);
            fd = dial(fixture);
        }
        send_text(fd, i % 2 ? POST("/echo", "3") "abc" : GET("/livez"));
        read_answer(fd, &answer, false, &interim);
        ck_assert_int_eq(answer.status, 200);
    }
    close(fd);
    uint64_t end_ms = now_ms() + DEADLINE_MS;
    while (count_open() > before && now_ms() < end_ms)
        (void)fixture_count(fixture);
    ck_assert_uint_le(count_open(), before);
    ck_assert_uint_eq(fixture_count(fixture), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_get_is_answered_and_the_connection_kept);
    tcase_add_test(tcase, a_request_in_single_bytes_is_one_request);
    tcase_add_loop_test(tcase, a_request_goes_where_its_raw_path_and_method_say, 0,
                        (int)ARRAY_COUNT(routed));
    tcase_add_test(tcase, head_gives_the_headers_of_get_and_keeps_the_connection);
    tcase_add_test(tcase, http_1_0_is_answered_and_closed);
    tcase_add_test(tcase, a_client_that_asks_for_the_end_gets_it);
    tcase_add_test(tcase, an_early_refusal_keeps_the_connection_of_a_small_body);
    tcase_add_test(tcase, an_early_refusal_comes_before_a_large_body);
    tcase_add_test(tcase, a_later_answer_arrives_and_its_end_is_told_once);
    tcase_add_test(tcase, a_half_closed_client_is_probed_and_still_answered);
    tcase_add_test(tcase, a_client_half_closed_in_the_midst_of_the_work_is_still_answered);
    tcase_add_test(tcase, a_half_closed_1_0_client_gets_its_answer_without_interim_ones);
    tcase_add_test(tcase, a_client_that_is_gone_is_lost_within_moments);
    tcase_add_test(tcase, a_reset_is_lost_at_once);
    tcase_add_test(tcase, an_answer_for_nobody_is_thrown_away);
    tcase_add_test(tcase, freeing_the_server_tells_what_is_left);
    tcase_add_test(tcase, after_the_listener_closed_kept_connections_end_with_their_next_answer);
    tcase_add_test(tcase, a_full_server_ends_its_oldest_idle_connection_for_a_new_one);
    tcase_add_test(tcase, a_server_full_of_work_turns_new_connections_away);
    tcase_add_test(tcase, an_address_has_its_share_of_connections_and_no_more);
    tcase_add_test(tcase, thousands_of_requests_leave_no_descriptor_behind);
}

static void add_inner_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup_inner, teardown);
    tcase_add_test(tcase, on_the_inner_hop_a_half_close_is_the_end);
    tcase_add_test(tcase, a_half_close_before_the_work_is_the_end_on_the_inner_hop_too);
}

int main(void)
{
    int outer = suite_run("http_server", add_tests);
    int inner = suite_run("http_server_inner", add_inner_tests);
    return outer == EXIT_SUCCESS ? inner : outer;
}
