/* Responses that we refuse, calls that are cancelled, calls from callbacks. */
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "http_peer.h"

static void script_answer(struct peer *own)
{
    take(own);
    hear(own);
    say(own, OK_ANSWER);
    close(own->fd);
}

/* ---- we refuse ---- */

START_TEST(headers_refused_by_their_callback_are_refused)
{
    start_peer(script_answer);
    result.headers_verdict = -EINVAL;
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_REFUSED);
    ck_assert_uint_eq(result.body_bytes, 0);
    join_peer();
}
END_TEST

START_TEST(a_body_refused_by_its_callback_is_refused)
{
    start_peer(script_answer);
    result.body_verdict = -EMSGSIZE;
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_REFUSED);
    join_peer();
}
END_TEST

static void script_endless_headers(struct peer *own)
{
    char line[1024];
    memset(line, 'h', sizeof(line));
    memcpy(line, "X: ", 3);
    memcpy(line + sizeof(line) - 2, "\r\n", 2);
    take(own);
    hear(own);
    say(own, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100; i++)
        send_bytes(own->fd, line, sizeof(line));
    close(own->fd);
}

START_TEST(endless_headers_are_refused)
{
    start_peer(script_endless_headers);
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_REFUSED);
    ck_assert_uint_eq(result.headers_calls, 0);
    join_peer();
}
END_TEST

/* ---- cancelling: on_end is never called, the connection is closed ---- */

static void script_sees_the_end(struct peer *own)
{
    char byte;
    take(own);
    hear(own);
    say(own, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab");
    ssize_t more = recv(own->fd, &byte, 1, 0);
    ck_assert_int_le(more, 0);
    close(own->fd);
}

START_TEST(a_call_is_cancelled_before_it_was_sent)
{
    open_listener(1);
    start(1000);
    http_call_cancel(result.call);
    run_for_ms(20);
    ck_assert(!result.ended);
    struct pollfd poll_fd = {.fd = peer.listen_fd, .events = POLLIN};
    ck_assert_int_eq(poll(&poll_fd, 1, 0), 0);
    close(peer.listen_fd);
}
END_TEST

START_TEST(a_call_is_cancelled_within_its_own_callbacks)
{
    start_peer(script_sees_the_end);
    result.cancel_in_headers = _i == 0 ? &result.call : NULL;
    result.cancel_in_body = _i == 1 ? &result.call : NULL;
    start(5000);
    ck_assert_int_eq(loop_run(loop), 0);
    run_for_ms(1);
    join_peer(); /* it saw the end of the connection */
    ck_assert(!result.ended);
    ck_assert_uint_eq(result.headers_calls, 1);
}
END_TEST

START_TEST(a_waiting_call_is_cancelled)
{
    start_peer(script_sees_the_end);
    start(5000);
    while (result.body_bytes < 2)
        run_for_ms(1);
    http_call_cancel(result.call);
    run_for_ms(1);
    join_peer();
    ck_assert(!result.ended);
}
END_TEST

START_TEST(freeing_the_client_ends_its_calls)
{
    start_peer(script_sees_the_end);
    start(5000);
    while (result.body_bytes < 2)
        run_for_ms(1);
    http_client_free(client);
    client = NULL;
    join_peer();
    ck_assert(!result.ended);
}
END_TEST

/* ---- calls from callbacks, many calls ---- */

static struct http_fixture *fixture;
static int calls_left;

static void start_next(void)
{
    ck_assert_int_eq(result.failure, HTTP_FAILURE_NONE);
    ck_assert_uint_eq(result.status, 200);
    ck_assert_uint_eq(result.body_bytes, 5);
    if (--calls_left == 0) {
        loop_stop(loop);
        return;
    }
    result = (struct result){.then = start_next};
    start_to(&peer.address, "POST", "/echo", "hello", 5000);
}

START_TEST(thousands_of_calls_one_after_the_other_reach_our_own_server)
{
    struct http_server_config config;
    fixture_config(&config);
    fixture = fixture_start(&config);
    peer.address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons(fixture_port(fixture)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    calls_left = 1000;
    result.then = start_next;
    start_to(&peer.address, "POST", "/echo", "hello", 5000);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_int_eq(calls_left, 0);
    fixture_stop(fixture);
}
END_TEST

START_TEST(what_cannot_be_started_is_an_error_at_once)
{
    struct sockaddr_storage odd = {.ss_family = AF_UNIX};
    struct http_call *call = NULL;
    struct http_call_config config = {.address = (struct sockaddr *)&odd,
                                      .method = "GET",
                                      .path = "/",
                                      .body = strdup("taken on failure too"),
                                      .body_bytes = 20,
                                      .on_end = note_end};
    ck_assert_int_eq(http_client_start(client, &config, &call), -EINVAL);
    ck_assert_ptr_null(call);
    http_client_free(NULL);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, peer_setup, peer_teardown);
    tcase_add_test(tcase, headers_refused_by_their_callback_are_refused);
    tcase_add_test(tcase, a_body_refused_by_its_callback_is_refused);
    tcase_add_test(tcase, endless_headers_are_refused);
    tcase_add_test(tcase, a_call_is_cancelled_before_it_was_sent);
    tcase_add_loop_test(tcase, a_call_is_cancelled_within_its_own_callbacks, 0, 2);
    tcase_add_test(tcase, a_waiting_call_is_cancelled);
    tcase_add_test(tcase, freeing_the_client_ends_its_calls);
    tcase_add_test(tcase, thousands_of_calls_one_after_the_other_reach_our_own_server);
    tcase_add_test(tcase, what_cannot_be_started_is_an_error_at_once);
}

int main(void)
{
    return suite_run("http_client_ends", add_tests);
}
