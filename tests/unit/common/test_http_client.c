/* The client against servers that follow a script: what a failure is called decides whether a run is
 * started again, so every way to fail has its test. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "http_peer.h"

/* ---- whole responses ---- */

static void script_three_answers(struct peer *own)
{
    take(own);
    for (int i = 0; i < 3; i++) {
        hear(own);
        say(own, OK_ANSWER);
    }
    wait_for_go(own);
    close(own->fd);
}

START_TEST(calls_to_one_address_share_a_connection)
{
    start_peer(script_three_answers);
    for (int i = 0; i < 3; i++) {
        result = (struct result){.ended = false};
        start(1000);
        ck_assert_int_eq(finish(), HTTP_FAILURE_NONE);
        ck_assert_uint_eq(result.status, 200);
        ck_assert_uint_eq(result.headers_calls, 1);
        ck_assert_str_eq(result.header, "b");
        ck_assert_uint_eq(result.body_bytes, 2);
        ck_assert_mem_eq(result.body, "ok", 2);
    }
    ck_assert_int_eq(write(peer.go[1], "g", 1), 1);
    join_peer();
    ck_assert_int_eq(atomic_load(&peer.accepted), 1);
    char host[64];
    (void)snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%u\r\n", ntohs(peer.address.sin_port));
    ck_assert_int_eq(strncmp(peer.request, "POST /run?x=1 HTTP/1.1\r\n", 24), 0);
    ck_assert_ptr_nonnull(strstr(peer.request, host));
    ck_assert_ptr_nonnull(strstr(peer.request, "\r\nX-Test: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(peer.request, "\r\nContent-Type: a/b\r\n"));
    ck_assert_ptr_nonnull(strstr(peer.request, "\r\n\r\nhello"));
    ck_assert_ptr_null(strcasestr(peer.request, "Expect"));
    ck_assert_ptr_null(strcasestr(peer.request, "Proxy"));
}
END_TEST

static void script_get_then_post(struct peer *own)
{
    take(own);
    hear(own);
    ck_assert_int_eq(strncmp(own->request, "GET /a HTTP/1.1\r\n", 17), 0);
    ck_assert_ptr_null(strcasestr(own->request, "Content-Length"));
    say(own, OK_ANSWER);
    hear(own);
    ck_assert_int_eq(strncmp(own->request, "POST /b HTTP/1.1\r\n", 18), 0);
    ck_assert_ptr_nonnull(strstr(own->request, "\r\nContent-Length: 0\r\n"));
    say(own, OK_ANSWER);
    hear(own);
    ck_assert_int_eq(strncmp(own->request, "GET /c HTTP/1.1\r\n", 17), 0);
    ck_assert_ptr_null(strcasestr(own->request, "Content-Length"));
    say(own, OK_ANSWER);
    close(own->fd);
}

START_TEST(methods_do_not_stain_the_handle_for_the_next_call)
{
    static const char *const methods[] = {"GET", "POST", "GET"};
    static const char *const paths[] = {"/a", "/b", "/c"};
    start_peer(script_get_then_post);
    for (int i = 0; i < 3; i++) {
        result = (struct result){.ended = false};
        start_to(&peer.address, methods[i], paths[i], NULL, 1000);
        ck_assert_int_eq(finish(), HTTP_FAILURE_NONE);
    }
    join_peer();
}
END_TEST

static void script_interim(struct peer *own)
{
    take(own);
    hear(own);
    say(own, "HTTP/1.1 100 Continue\r\nX-A: no\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" OK_ANSWER);
    close(own->fd);
}

START_TEST(interim_responses_are_passed_over)
{
    start_peer(script_interim);
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_NONE);
    ck_assert_uint_eq(result.status, 200);
    ck_assert_uint_eq(result.headers_calls, 1);
    ck_assert_str_eq(result.header, "b");
    join_peer();
}
END_TEST

static void script_chunks(struct peer *own)
{
    take(own);
    hear(own);
    say(own, "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n");
    say(own, "3\r\nabc\r\n");
    say(own, "2\r\nde\r\n0\r\nX-A: trailer\r\n\r\n");
    close(own->fd);
}

START_TEST(chunks_are_joined_and_any_status_is_a_response)
{
    start_peer(script_chunks);
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_NONE);
    ck_assert_uint_eq(result.status, 503);
    ck_assert_uint_eq(result.headers_calls, 1);
    ck_assert_mem_eq(result.body, "abcde", 5);
    join_peer();
}
END_TEST

/* ---- nothing was sent ---- */

START_TEST(a_refused_connection_is_connect)
{
    open_listener(1);
    close(peer.listen_fd);
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_CONNECT);
    ck_assert_uint_eq(result.headers_calls, 0);
}
END_TEST

START_TEST(a_connection_nobody_takes_is_connect_after_its_timeout)
{
    int fillers[8];
    open_listener(0);
    for (size_t i = 0; i < ARRAY_COUNT(fillers); i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&peer.address, sizeof(peer.address));
    }
    uint64_t start_ms = now_ms();
    start(5000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_CONNECT);
    ck_assert_uint_ge(now_ms() - start_ms + 1, CONNECT_MS);
    ck_assert_uint_lt(now_ms() - start_ms, CONNECT_MS + 1000);
    for (size_t i = 0; i < ARRAY_COUNT(fillers); i++)
        close(fillers[i]);
    close(peer.listen_fd);
}
END_TEST

static void script_deaf_second(struct peer *own)
{
    take(own);
    hear(own);
    go_deaf(own);
    say(own, OK_ANSWER);
    wait_for_go(own);
    close(own->fd);
}

START_TEST(a_kept_connection_whose_end_took_nothing_is_unsent)
{
    start_peer(script_deaf_second);
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_NONE);
    result = (struct result){.ended = false};
    start(5000);
    run_for_ms(60); /* the request goes out into the void */
    ck_assert(!result.ended);
    ck_assert_int_eq(write(peer.go[1], "g", 1), 1);
    ck_assert_int_eq(finish(), HTTP_FAILURE_UNSENT);
    join_peer();
    ck_assert_int_eq(atomic_load(&peer.accepted), 1);
}
END_TEST

static void script_close_kept(struct peer *own)
{
    take(own);
    hear(own);
    say(own, OK_ANSWER);
    close(own->fd);
    take(own);
    hear(own);
    say(own, OK_ANSWER);
    close(own->fd);
}

START_TEST(a_kept_connection_that_was_closed_meanwhile_is_replaced)
{
    start_peer(script_close_kept);
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_NONE);
    run_for_ms(30); /* its end arrives */
    result = (struct result){.ended = false};
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_NONE);
    join_peer();
    ck_assert_int_eq(atomic_load(&peer.accepted), 2);
}
END_TEST

/* ---- something may have started ---- */

static void script_hear_and_close(struct peer *own)
{
    take(own);
    hear(own);
    close(own->fd);
}

START_TEST(an_end_before_the_response_is_lost)
{
    start_peer(script_hear_and_close);
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_LOST);
    join_peer();
}
END_TEST

static void script_second_heard_and_reset(struct peer *own)
{
    take(own);
    hear(own);
    say(own, OK_ANSWER);
    hear(own);
    reset(own);
    /* A second attempt of curl's own would wait here. */
    struct pollfd poll_fd = {.fd = own->listen_fd, .events = POLLIN};
    if (poll(&poll_fd, 1, 200) == 1)
        take(own);
}

START_TEST(a_request_taken_by_a_kept_connection_that_then_ends_is_lost_and_not_sent_again)
{
    start_peer(script_second_heard_and_reset);
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_NONE);
    result = (struct result){.ended = false};
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_LOST);
    join_peer();
    ck_assert_int_eq(atomic_load(&peer.accepted), 1);
}
END_TEST

static const char *const broken_answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-A: b\r\n\r\n0123456789",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "HTTP/1.1 200 OK\r\nContent-",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "garbage without a status line\r\n\r\n",
};
static const char *broken_answer;

static void script_broken(struct peer *own)
{
    take(own);
    hear(own);
    say(own, broken_answer);
    close(own->fd);
}

START_TEST(a_response_that_is_cut_or_none_is_lost)
{
    broken_answer = broken_answers[_i];
    start_peer(script_broken);
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_LOST);
    if (_i == 0)
        ck_assert_mem_eq(result.body, "0123456789", 10);
    join_peer();
}
END_TEST

static void script_silent(struct peer *own)
{
    take(own);
    hear(own);
    wait_for_go(own);
    close(own->fd);
}

START_TEST(a_silent_server_is_timeout)
{
    start_peer(script_silent);
    uint64_t start_ms = now_ms();
    start(150);
    ck_assert_int_eq(finish(), HTTP_FAILURE_TIMEOUT);
    ck_assert_uint_ge(now_ms() - start_ms + 1, 150);
    ck_assert_int_eq(write(peer.go[1], "g", 1), 1);
    join_peer();
}
END_TEST

static void script_half(struct peer *own)
{
    take(own);
    hear(own);
    say(own, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    wait_for_go(own);
    close(own->fd);
}

START_TEST(a_body_that_does_not_end_in_time_is_timeout)
{
    start_peer(script_half);
    start(150);
    ck_assert_int_eq(finish(), HTTP_FAILURE_TIMEOUT);
    ck_assert_uint_eq(result.body_bytes, 2);
    ck_assert_int_eq(write(peer.go[1], "g", 1), 1);
    join_peer();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, peer_setup, peer_teardown);
    tcase_add_test(tcase, calls_to_one_address_share_a_connection);
    tcase_add_test(tcase, methods_do_not_stain_the_handle_for_the_next_call);
    tcase_add_test(tcase, interim_responses_are_passed_over);
    tcase_add_test(tcase, chunks_are_joined_and_any_status_is_a_response);
    tcase_add_test(tcase, a_refused_connection_is_connect);
    tcase_add_test(tcase, a_connection_nobody_takes_is_connect_after_its_timeout);
    tcase_add_test(tcase, a_kept_connection_whose_end_took_nothing_is_unsent);
    tcase_add_test(tcase, a_kept_connection_that_was_closed_meanwhile_is_replaced);
    tcase_add_test(tcase, an_end_before_the_response_is_lost);
    tcase_add_test(tcase,
                   a_request_taken_by_a_kept_connection_that_then_ends_is_lost_and_not_sent_again);
    tcase_add_loop_test(tcase, a_response_that_is_cut_or_none_is_lost, 0,
                        (int)ARRAY_COUNT(broken_answers));
    tcase_add_test(tcase, a_silent_server_is_timeout);
    tcase_add_test(tcase, a_body_that_does_not_end_in_time_is_timeout);
}

int main(void)
{
    return suite_run("http_client", add_tests);
}
