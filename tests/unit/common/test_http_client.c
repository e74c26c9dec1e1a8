/* The client against servers that follow a script: what a failure is called decides whether a run is
 * started again, so every way to fail has its test. */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "http_client.h"
#include "http_fixture.h"
#include "suite.h"

enum { CONNECT_MS = 150, REQUEST_BYTES = 8192 };

/* ---- the script's side ---- */

struct peer {
    pthread_t thread;
    int listen_fd;
    int fd; /* the connection */
    int go[2];
    struct sockaddr_in address;
    void (*script)(struct peer *peer);
    atomic_int accepted;
    char request[REQUEST_BYTES]; /* the last one, whole */
};

static struct peer peer;

static void open_listener(int backlog)
{
    socklen_t length = sizeof(peer.address);
    peer.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    peer.address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(peer.listen_fd, (struct sockaddr *)&peer.address, length), 0);
    ck_assert_int_eq(listen(peer.listen_fd, backlog), 0);
    ck_assert_int_eq(getsockname(peer.listen_fd, (struct sockaddr *)&peer.address, &length), 0);
}

static void *follow_script(void *context)
{
    struct peer *own = context;
    own->script(own);
    return NULL;
}

static void start_peer(void (*script)(struct peer *peer))
{
    open_listener(16);
    ck_assert_int_eq(pipe(peer.go), 0);
    peer.script = script;
    ck_assert_int_eq(pthread_create(&peer.thread, NULL, follow_script, &peer), 0);
}

static void join_peer(void)
{
    ck_assert_int_eq(pthread_join(peer.thread, NULL), 0);
    close(peer.listen_fd);
}

static void take(struct peer *own)
{
    own->fd = accept(own->listen_fd, NULL, NULL);
    ck_assert_int_ge(own->fd, 0);
    atomic_fetch_add(&own->accepted, 1);
}

/* Reads one request; the body's length is told by its header. */
static void hear(struct peer *own)
{
    size_t count = 0;
    size_t wanted = 0;
    memset(own->request, 0, sizeof(own->request));
    while (wanted == 0 || count < wanted) {
        ssize_t more = recv(own->fd, own->request + count, REQUEST_BYTES - 1 - count, 0);
        ck_assert_int_gt(more, 0);
        count += (size_t)more;
        const char *end = strstr(own->request, "\r\n\r\n");
        const char *length = strcasestr(own->request, "\r\nContent-Length:");
        if (end)
            wanted =
                (size_t)(end + 4 - own->request) + (length ? strtoul(length + 17, NULL, 10) : 0);
    }
    ck_assert_uint_eq(count, wanted);
}

static void say(struct peer *own, const char *text)
{
    send_text(own->fd, text);
}

static void wait_for_go(struct peer *own)
{
    char byte;
    ck_assert_int_eq(read(own->go[0], &byte, 1), 1);
}

static void reset(struct peer *own)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(own->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(own->fd);
}

/* Nothing that arrives is taken any more, or acknowledged: as if the cable were cut. */
static void go_deaf(struct peer *own)
{
    struct sock_filter drop = {.code = BPF_RET | BPF_K, .k = 0};
    struct sock_fprog program = {.len = 1, .filter = &drop};
    ck_assert_int_eq(setsockopt(own->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)),
                     0);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok"

/* ---- the client's side ---- */

static struct loop *loop;
static struct http_client *client;
static struct loop_timer deadline;

struct result {
    bool ended;
    enum http_failure failure;
    unsigned status, headers_calls;
    size_t body_bytes;
    char body[64];
    char header[32];
    int headers_verdict, body_verdict;
    struct http_call **cancel_in_headers, **cancel_in_body;
    struct http_call *call;
    void (*then)(void);
};
static struct result result;

static int note_headers(void *context, struct http_call *call, unsigned status)
{
    struct result *own = context;
    own->headers_calls++;
    own->status = status;
    const char *value = http_call_header(call, "x-a");
    (void)snprintf(own->header, sizeof(own->header), "%s", value ? value : "-");
    if (own->cancel_in_headers) {
        http_call_cancel(*own->cancel_in_headers);
        loop_stop(loop);
    }
    return own->headers_verdict;
}

static int note_body(void *context, const char *bytes, size_t count)
{
    struct result *own = context;
    for (size_t i = 0; i < count && own->body_bytes + i < sizeof(own->body); i++)
        own->body[own->body_bytes + i] = bytes[i];
    own->body_bytes += count;
    if (own->cancel_in_body) {
        http_call_cancel(*own->cancel_in_body);
        loop_stop(loop);
    }
    return own->body_verdict;
}

static void note_end(void *context, enum http_failure failure)
{
    struct result *own = context;
    ck_assert(!own->ended);
    own->ended = true;
    own->failure = failure;
    if (own->then)
        own->then();
    else
        loop_stop(loop);
}

static void too_late(void *context)
{
    (void)context;
    ck_abort_msg("the call did not end");
}

static void setup(void)
{
    struct http_client_config config = {
        .connect_timeout_ms = CONNECT_MS, .connections_idle_max = 4, .connection_age_max_s = 30};
    ck_assert_int_eq(setenv("http_proxy", "http://127.0.0.1:1", 1), 0); /* must not matter */
    ck_assert_int_eq(loop_create(&loop), 0);
    ck_assert_int_eq(http_client_create(loop, &config, &client), 0);
    loop_timer_init(&deadline, too_late, NULL);
    ck_assert_int_eq(loop_timer_start_ms(loop, &deadline, 2 * DEADLINE_MS), 0);
}

static void teardown(void)
{
    http_client_free(client);
    loop_timer_stop(&deadline);
    loop_free(loop);
}

static void start_to(const struct sockaddr_in *address, const char *method, const char *path,
                     const char *body, unsigned timeout_ms)
{
    static const char *const headers[] = {"X-Test: 1", "Content-Type: a/b", NULL};
    struct http_call_config config = {
        .address = (const struct sockaddr *)address,
        .method = method,
        .path = path,
        .headers = headers,
        .body = body ? strdup(body) : NULL,
        .body_bytes = body ? strlen(body) : 0,
        .timeout_ms = timeout_ms,
        .context = &result,
        .on_headers = note_headers,
        .on_body = note_body,
        .on_end = note_end,
    };
    ck_assert_int_eq(http_client_start(client, &config, &result.call), 0);
}

static void start(unsigned timeout_ms)
{
    start_to(&peer.address, "POST", "/run?x=1", "hello", timeout_ms);
}

static enum http_failure finish(void)
{
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert(result.ended);
    return result.failure;
}

static void stop_loop(void *context)
{
    (void)context;
    loop_stop(loop);
}

static void run_for_ms(unsigned ms)
{
    struct loop_timer timer;
    loop_timer_init(&timer, stop_loop, NULL);
    ck_assert_int_eq(loop_timer_start_ms(loop, &timer, ms), 0);
    ck_assert_int_eq(loop_run(loop), 0);
    loop_timer_stop(&timer);
}

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

/* ---- we refuse ---- */

START_TEST(headers_refused_by_their_callback_are_refused)
{
    start_peer(script_interim);
    result.headers_verdict = -EINVAL;
    start(1000);
    ck_assert_int_eq(finish(), HTTP_FAILURE_REFUSED);
    ck_assert_uint_eq(result.body_bytes, 0);
    join_peer();
}
END_TEST

START_TEST(a_body_refused_by_its_callback_is_refused)
{
    start_peer(script_interim);
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
    tcase_add_checked_fixture(tcase, setup, teardown);
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
    return suite_run("http_client", add_tests);
}
