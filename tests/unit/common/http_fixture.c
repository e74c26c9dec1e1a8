#include "http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "suite.h"

enum { BIG_BYTES = 64 << 10 };

struct http_fixture {
    pthread_t thread;
    struct loop *loop;
    struct http_server *server;
    struct loop_watch *watch;
    int commands[2], events[2]; /* pipes */
    struct http_exchange *held;
    uint16_t port;
    bool stopped;
    atomic_uint count, handled, answered;
    atomic_int last_write;
    char big[BIG_BYTES];
};

/* ---- the server's thread ---- */

static void tell(struct http_fixture *fixture, char event)
{
    ck_assert_int_eq(write(fixture->events[1], &event, 1), 1);
}

static void handle_livez(struct http_exchange *exchange, void *context)
{
    struct http_fixture *fixture = context;
    atomic_fetch_add(&fixture->handled, 1);
    http_exchange_respond(exchange, 200, "text/plain", "ok\n", 3);
}

static void handle_echo(struct http_exchange *exchange, void *context)
{
    struct http_fixture *fixture = context;
    atomic_fetch_add(&fixture->handled, 1);
    size_t count = 0;
    const char *body = http_exchange_body(exchange, &count);
    http_exchange_respond(exchange, 200, "text/plain", body, count);
}

static void ended(void *owner, enum http_end end)
{
    struct http_fixture *fixture = owner;
    fixture->held = NULL;
    tell(fixture, end == HTTP_END_SENT ? EVENT_SENT : EVENT_LOST);
}

static void handle_hold(struct http_exchange *exchange, void *context)
{
    struct http_fixture *fixture = context;
    atomic_fetch_add(&fixture->handled, 1);
    fixture->held = exchange;
    http_exchange_on_end(exchange, ended, fixture);
    tell(fixture, EVENT_HELD);
}

/* Nobody asks for its end: the exchange waits for the answer even when the client is gone. */
static void handle_forget(struct http_exchange *exchange, void *context)
{
    struct http_fixture *fixture = context;
    fixture->held = exchange;
    tell(fixture, EVENT_HELD);
}

static void handle_stream(struct http_exchange *exchange, void *context)
{
    handle_hold(exchange, context);
    http_exchange_stream_begin(exchange, 200, "text/event-stream");
}

static void headers_refuse(struct http_exchange *exchange, void *context UNUSED)
{
    http_exchange_add_header(exchange, "WWW-Authenticate", "Bearer");
    http_exchange_respond(exchange, 401, "text/plain", "no\n", 3);
}

static void handle_never(struct http_exchange *exchange UNUSED, void *context UNUSED)
{
    abort();
}

static void answering(struct http_exchange *exchange, unsigned status UNUSED,
                      const char *problem_code UNUSED, void *context)
{
    struct http_fixture *fixture = context;
    atomic_fetch_add(&fixture->answered, 1);
    http_exchange_add_header(exchange, "X-Every", "1");
}

static void do_command(struct http_fixture *fixture, char command)
{
    struct http_exchange *held = fixture->held;
    switch (command) {
    case 'r':
        http_exchange_respond(held, 200, "text/plain", "held\n", 5);
        break;
    case 'w':
        atomic_store(&fixture->last_write, http_exchange_stream_write(held, "0123456789", 10));
        break;
    case 'f':
        atomic_store(&fixture->last_write,
                     http_exchange_stream_write(held, fixture->big, BIG_BYTES));
        break;
    case 'e':
        http_exchange_stream_end(held);
        break;
    case 'x':
        http_exchange_stream_abort(held);
        break;
    case 'q':
        http_server_stop_accepting(fixture->server);
        break;
    case '.':
        loop_stop(fixture->loop);
        return;
    default:
        break;
    }
    atomic_store(&fixture->count, http_server_exchange_count(fixture->server));
}

static void command_come(void *context, uint32_t events UNUSED)
{
    struct http_fixture *fixture = context;
    char command;
    if (read(fixture->commands[0], &command, 1) != 1)
        return;
    bool answers = command < 'A' || command > 'Z';
    if (!answers)
        command = (char)(command - 'A' + 'a');
    if (answers || fixture->held)
        do_command(fixture, command);
    if (answers && command != '.')
        tell(fixture, '!');
}

static void *serve(void *context)
{
    struct http_fixture *fixture = context;
    ck_assert_int_eq(loop_run(fixture->loop), 0);
    http_server_free(fixture->server);
    loop_unwatch(fixture->watch);
    loop_free(fixture->loop);
    return NULL;
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/livez", .handle = handle_livez},
    {.method = "POST", .path = "/echo", .handle = handle_echo, .body_bytes_max = ECHO_BYTES_MAX},
    {.method = "GET", .path = "/hold", .handle = handle_hold},
    {.method = "POST", .path = "/hold", .handle = handle_hold, .body_bytes_max = ECHO_BYTES_MAX},
    {.method = "GET", .path = "/forget", .handle = handle_forget},
    {.method = "GET", .path = "/stream", .handle = handle_stream},
    {.method = "POST",
     .path = "/early",
     .handle = handle_never,
     .headers_come = headers_refuse,
     .body_bytes_max = 1 << 20},
};

/* ---- the test's thread ---- */

void fixture_config(struct http_server_config *config)
{
    http_server_config_default(config);
    config->routes = routes;
    config->route_count = ARRAY_COUNT(routes);
    config->answering = answering;
    config->header_timeout_ms = 10000;
    config->idle_timeout_ms = 10000;
}

struct http_fixture *fixture_start(const struct http_server_config *config)
{
    struct http_fixture *fixture = calloc(1, sizeof(*fixture));
    ck_assert_ptr_nonnull(fixture);
    ck_assert_int_eq(pipe(fixture->commands), 0);
    ck_assert_int_eq(pipe(fixture->events), 0);
    ck_assert_int_eq(loop_create(&fixture->loop), 0);
    struct http_server_config own = *config;
    own.context = fixture;
    ck_assert_int_eq(http_server_create(fixture->loop, &own, &fixture->server), 0);
    fixture->port = http_server_port(fixture->server);
    ck_assert_uint_ne(fixture->port, 0);
    ck_assert_int_eq(loop_watch(fixture->loop, fixture->commands[0], EPOLLIN, command_come, fixture,
                                &fixture->watch),
                     0);
    ck_assert_int_eq(pthread_create(&fixture->thread, NULL, serve, fixture), 0);
    return fixture;
}

void fixture_stop_server(struct http_fixture *fixture)
{
    if (fixture->stopped)
        return;
    fixture->stopped = true;
    ck_assert_int_eq(write(fixture->commands[1], ".", 1), 1);
    ck_assert_int_eq(pthread_join(fixture->thread, NULL), 0);
}

void fixture_stop(struct http_fixture *fixture)
{
    fixture_stop_server(fixture);
    for (int i = 0; i < 2; i++) {
        close(fixture->commands[i]);
        close(fixture->events[i]);
    }
    free(fixture);
}

bool readable_within(int fd, int ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, ms) == 1;
}

char fixture_event(struct http_fixture *fixture)
{
    char event = 0;
    ck_assert_msg(readable_within(fixture->events[0], DEADLINE_MS), "no event came");
    ck_assert_int_eq(read(fixture->events[0], &event, 1), 1);
    return event;
}

void fixture_command(struct http_fixture *fixture, char command)
{
    ck_assert_int_eq(write(fixture->commands[1], &command, 1), 1);
    ck_assert_int_eq(fixture_event(fixture), '!');
}

void fixture_command_any(struct http_fixture *fixture, char command)
{
    char upper = (char)(command - 'a' + 'A');
    ck_assert_int_eq(write(fixture->commands[1], &upper, 1), 1);
}

bool fixture_is_quiet(struct http_fixture *fixture, int ms)
{
    return !readable_within(fixture->events[0], ms);
}

uint16_t fixture_port(const struct http_fixture *fixture)
{
    return fixture->port;
}

unsigned fixture_count(struct http_fixture *fixture)
{
    fixture_command(fixture, 'c');
    return atomic_load(&fixture->count);
}

int fixture_last_write(struct http_fixture *fixture)
{
    return atomic_load(&fixture->last_write);
}

unsigned fixture_handled(struct http_fixture *fixture)
{
    return atomic_load(&fixture->handled);
}

unsigned fixture_answered(struct http_fixture *fixture)
{
    return atomic_load(&fixture->answered);
}

uint64_t now_ms(void)
{
    return clock_now_ms();
}

int dial(const struct http_fixture *fixture)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fixture->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    int on = 1;
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    return fd;
}

void send_bytes(int fd, const void *bytes, size_t count)
{
    const char *at = bytes;
    while (count > 0) {
        ssize_t sent = send(fd, at, count, MSG_NOSIGNAL);
        if (sent < 0) /* the server has ended it: its answer tells why */
            return;
        at += sent;
        count -= (size_t)sent;
    }
}

void send_text(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text));
}

/* At least one more byte of the head or body; false at the end. */
static bool read_more(int fd, struct answer *answer, size_t *count)
{
    ck_assert_msg(readable_within(fd, DEADLINE_MS), "no answer came");
    ck_assert_uint_lt(*count, ANSWER_BYTES - 1);
    ssize_t more = recv(fd, answer->text + *count, ANSWER_BYTES - 1 - *count, 0);
    if (more <= 0)
        return false;
    *count += (size_t)more;
    answer->text[*count] = '\0';
    return true;
}

bool answer_has(const struct answer *answer, const char *text)
{
    const char *found = strcasestr(answer->text, text);
    return found && (size_t)(found - answer->text) < answer->head_bytes;
}

static bool join_chunks(struct answer *answer, size_t count)
{
    char *to = answer->text + answer->head_bytes;
    const char *from = to;
    const char *end = answer->text + count;
    answer->body_bytes = 0;
    /* A dry run first: the bytes must stay as they are until all are there. */
    for (int joining = 0; joining < 2; joining++) {
        for (from = answer->text + answer->head_bytes;;) {
            char *line_end = NULL;
            size_t length = strtoul(from, &line_end, 16);
            if (!line_end || end - line_end < 2)
                return false;
            ck_assert_msg(line_end != from && line_end[0] == '\r', "not a chunk's size");
            if ((size_t)(end - line_end) < length + 4)
                return false;
            if (length == 0)
                break;
            if (joining) {
                memmove(to + answer->body_bytes, line_end + 2, length);
                answer->body_bytes += length;
            }
            from = line_end + 2 + length + 2;
        }
    }
    return true;
}

static void read_body(int fd, struct answer *answer, size_t count)
{
    answer->body = answer->text + answer->head_bytes;
    if (answer_has(answer, "\r\nTransfer-Encoding: chunked")) {
        while (!join_chunks(answer, count))
            ck_assert_msg(read_more(fd, answer, &count), "cut within its chunks");
        return;
    }
    const char *length = strcasestr(answer->text, "\r\nContent-Length:");
    ck_assert_msg(length != NULL, "no length: %s", answer->text);
    answer->body_bytes = strtoul(length + 17, NULL, 10);
    while (count < answer->head_bytes + answer->body_bytes)
        ck_assert_msg(read_more(fd, answer, &count), "cut within its body");
    ck_assert_uint_eq(count, answer->head_bytes + answer->body_bytes);
}

void read_answer(int fd, struct answer *answer, bool is_head, int *ret_interim_count)
{
    size_t count = 0;
    const char *end;
    *answer = (struct answer){.status = 0};
    *ret_interim_count = 0;
    for (;;) {
        while ((end = strstr(answer->text, "\r\n\r\n")) == NULL)
            ck_assert_msg(read_more(fd, answer, &count), "ended without an answer");
        answer->head_bytes = (size_t)(end - answer->text) + 4;
        ck_assert_int_eq(strncmp(answer->text, "HTTP/1.1 ", 9), 0);
        answer->status = (int)strtol(answer->text + 9, NULL, 10);
        if (answer->status >= 200)
            break;
        ++*ret_interim_count;
        count -= answer->head_bytes;
        memmove(answer->text, answer->text + answer->head_bytes, count + 1);
    }
    if (!is_head)
        read_body(fd, answer, count);
}

void expect_end(int fd)
{
    char byte;
    ck_assert_msg(readable_within(fd, DEADLINE_MS), "the connection goes on");
    ssize_t count = recv(fd, &byte, 1, 0);
    ck_assert_msg(count == 0 || (count < 0 && errno == ECONNRESET), "more bytes came");
}

int ask(const struct http_fixture *fixture, const char *request, struct answer *answer)
{
    int interim = 0;
    int fd = dial(fixture);
    send_text(fd, request);
    read_answer(fd, answer, false, &interim);
    close(fd);
    return answer->status;
}
