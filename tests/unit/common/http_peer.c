#include "http_peer.h"

#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* ---- the script's side ---- */

struct peer peer;

void open_listener(int backlog)
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

void start_peer(void (*script)(struct peer *peer))
{
    open_listener(16);
    ck_assert_int_eq(pipe(peer.go), 0);
    peer.script = script;
    ck_assert_int_eq(pthread_create(&peer.thread, NULL, follow_script, &peer), 0);
}

void join_peer(void)
{
    ck_assert_int_eq(pthread_join(peer.thread, NULL), 0);
    close(peer.listen_fd);
}

void take(struct peer *own)
{
    own->fd = accept(own->listen_fd, NULL, NULL);
    ck_assert_int_ge(own->fd, 0);
    atomic_fetch_add(&own->accepted, 1);
}

/* Reads one request; the body's length is told by its header. */
void hear(struct peer *own)
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

void say(struct peer *own, const char *text)
{
    send_text(own->fd, text);
}

void wait_for_go(struct peer *own)
{
    char byte;
    ck_assert_int_eq(read(own->go[0], &byte, 1), 1);
}

void reset(struct peer *own)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(own->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(own->fd);
}

void go_deaf(struct peer *own)
{
    struct sock_filter drop = {.code = BPF_RET | BPF_K, .k = 0};
    struct sock_fprog program = {.len = 1, .filter = &drop};
    ck_assert_int_eq(setsockopt(own->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)),
                     0);
}

/* ---- the client's side ---- */

struct loop *loop;
struct http_client *client;
static struct loop_timer deadline;

struct result result;

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

void note_end(void *context, enum http_failure failure)
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

void peer_setup(void)
{
    struct http_client_config config = {
        .connect_timeout_ms = CONNECT_MS, .connections_idle_max = 4, .connection_age_max_s = 30};
    ck_assert_int_eq(setenv("http_proxy", "http://127.0.0.1:1", 1), 0); /* must not matter */
    ck_assert_int_eq(loop_create(&loop), 0);
    ck_assert_int_eq(http_client_create(loop, &config, &client), 0);
    loop_timer_init(&deadline, too_late, NULL);
    ck_assert_int_eq(loop_timer_start_ms(loop, &deadline, 2 * DEADLINE_MS), 0);
}

void peer_teardown(void)
{
    http_client_free(client);
    loop_timer_stop(&deadline);
    loop_free(loop);
}

void start_to(const struct sockaddr_in *address, const char *method, const char *path,
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

void start(unsigned timeout_ms)
{
    start_to(&peer.address, "POST", "/run?x=1", "hello", timeout_ms);
}

enum http_failure finish(void)
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

void run_for_ms(unsigned ms)
{
    struct loop_timer timer;
    loop_timer_init(&timer, stop_loop, NULL);
    ck_assert_int_eq(loop_timer_start_ms(loop, &timer, ms), 0);
    ck_assert_int_eq(loop_run(loop), 0);
    loop_timer_stop(&timer);
}
