#include <assert.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "http_server_internal.h"

enum {
    LINGER_BYTES_MAX = 8 << 20, /* a client that sends on after its refusal is cut off here */
    DRAIN_BYTES = 16 << 10,
    DRAINS_AT_ONCE = 32,
    DETACHED_TIMEOUT_S = 1,
};

/* ---- what the kernel knows of the stream ---- */

static bool tcp_state(const struct http_connection *connection, struct tcp_info *info)
{
    socklen_t length = sizeof(*info);
    return getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, info, &length) == 0;
}

bool connection_has_leftover(const struct http_connection *connection)
{
    /* In this order bytes that come in between make us close once too often, never too seldom. */
    int waiting = 0;
    struct tcp_info info = {0};
    if (ioctl(connection->fd, FIONREAD, &waiting) < 0 || !tcp_state(connection, &info))
        return true;
    return (uint64_t)info.tcpi_bytes_received != connection->position + (uint64_t)waiting;
}

bool connection_sent_progress(const struct http_connection *connection, uint64_t *ret_acked)
{
    int queued = 0;
    struct tcp_info info = {0};
    if (ioctl(connection->fd, SIOCOUTQ, &queued) < 0 || !tcp_state(connection, &info))
        return false;
    *ret_acked = info.tcpi_bytes_acked;
    return queued > 0;
}

/* ---- ending ---- */

static void lose_exchange(struct http_connection *connection, enum http_end end)
{
    struct http_exchange *exchange = TAKE(connection->exchange);
    if (exchange)
        exchange_finish(exchange, end);
}

/* Takes the connection from MHD: it finds an ended socket in the place of ours and winds up. */
static void detach_mhd(struct http_connection *connection)
{
    if (!connection->mhd || connection->detached)
        return;
    if (!connection->suspended)
        MHD_suspend_connection(connection->mhd); /* out of MHD's epoll set while it is still ours */
    int r = dup3(connection->server->ended_fd, connection->mhd_fd, O_CLOEXEC);
    assert(r >= 0); /* both descriptors are open: only a wrong number could fail */
    connection->detached = true;
    connection->suspended = false;
    /* With its buffer full MHD would not read on, and so never see the end: it gives up by time. */
    (void)MHD_set_connection_option(connection->mhd, MHD_CONNECTION_OPTION_TIMEOUT,
                                    (unsigned)DETACHED_TIMEOUT_S);
    MHD_resume_connection(connection->mhd);
    server_wake(connection->server);
}

void connection_resume(struct http_connection *connection)
{
    if (!connection->suspended || !connection->mhd)
        return;
    connection->suspended = false;
    MHD_resume_connection(connection->mhd);
    server_wake(connection->server);
}

void connection_kill(struct http_connection *connection)
{
    if (connection->state == CONNECTION_GONE)
        return;
    connection->state = CONNECTION_GONE;
    sweep_set(connection, SWEEP_NONE);
    loop_unwatch(connection->watch);
    connection->watch = NULL;
    detach_mhd(connection);
    close_fd(TAKE_FD(connection->fd));
    lose_exchange(connection, HTTP_END_LOST);
    if (!connection->mhd)
        server_forget(connection);
}

/* Throws away what the client still sends, so that it is not reset before it read our answer. */
static void drain(struct http_connection *connection)
{
    char bytes[DRAIN_BYTES];
    for (int i = 0; i < DRAINS_AT_ONCE; i++) {
        ssize_t count = recv(connection->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN)
            return;
        if (count <= 0)
            break;
        connection->lingered_bytes += (size_t)count;
        if (connection->lingered_bytes > LINGER_BYTES_MAX)
            break;
        if (i + 1 == DRAINS_AT_ONCE) {
            server_unsettle(connection); /* others first */
            return;
        }
    }
    connection_kill(connection);
}

void connection_linger(struct http_connection *connection)
{
    detach_mhd(connection);
    connection->state = CONNECTION_LINGER;
    sweep_set(connection, SWEEP_LINGER);
    (void)shutdown(connection->fd, SHUT_WR);
    drain(connection);
}

void connection_refuse(struct http_connection *connection, enum problem problem, const char *detail)
{
    if (!connection->exchange) {
        connection->exchange = exchange_create(connection, NULL);
        if (!connection->exchange) {
            connection_kill(connection);
            return;
        }
    }
    struct http_exchange *exchange = connection->exchange;
    if (exchange->answered) { /* a handler was first, but its answer cannot go out any more */
        connection_kill(connection);
        return;
    }
    exchange->raw = true;
    problem_respond(exchange, problem, detail);
    lose_exchange(connection, HTTP_END_LOST); /* for a handler that saw the headers */
    connection_linger(connection);
}

void connection_head_is_late(struct http_connection *connection)
{
    char byte;
    if (recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
        connection_refuse(connection, PROBLEM_REQUEST_TIMEOUT,
                          "The head of the request took too long to arrive.");
    else
        connection_kill(connection);
}

/* ---- the next head ---- */

static int give_to_mhd(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->mhd) {
        connection_resume(connection);
        return 0;
    }
    int fd = fcntl(connection->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    server->adding = connection;
    connection->mhd_fd = fd;
    enum MHD_Result result =
        MHD_add_connection(server->mhd, fd, (struct sockaddr *)&connection->address,
                           connection->address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                     : sizeof(struct sockaddr_in));
    server->adding = NULL;
    server_wake(server);
    return result == MHD_YES ? 0 : -ENOMEM; /* MHD has closed fd then */
}

static void head_passed(struct http_connection *connection, struct http_head *head)
{
    struct http_exchange *exchange = exchange_create(connection, head);
    if (!exchange) {
        http_head_free(head);
        connection_kill(connection);
        return;
    }
    connection->exchange = exchange;
    connection->position += head->bytes + head->body_bytes;
    connection->probed = connection->completed = false;

    struct route_choice choice = server_route(connection->server, head);
    exchange->route = choice.route;
    exchange->refused = choice.refused;
    if (choice.refused != PROBLEM_COUNT && http_head_has_body(head)) {
        exchange->raw = true;
        server_refuse_route(exchange, choice.refused);
        lose_exchange(connection, HTTP_END_SENT);
        connection_linger(connection);
        return;
    }
    if (exchange->route)
        buffer_init(&exchange->body, exchange->route->body_bytes_max);
    connection->state = CONNECTION_BODY;
    sweep_set(connection, SWEEP_BODY);
    if (give_to_mhd(connection) < 0)
        connection_kill(connection);
}

static void look_for_head(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    size_t space = server->config.header_bytes_max + 1;
    connection->readable = false;
    ssize_t count = recv(connection->fd, server->peek, space, MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        connection_kill(connection);
        return;
    }
    struct http_head *head = NULL;
    struct http_refusal refusal;
    switch (http_gate_read(server->peek, (size_t)count, server->config.header_bytes_max,
                           server->config.target_bytes_max, &head, &refusal)) {
    case HTTP_GATE_PASS:
        head_passed(connection, head);
        return;
    case HTTP_GATE_REFUSE:
        connection_refuse(connection, refusal.problem, refusal.detail);
        return;
    case HTTP_GATE_MORE:
        break;
    }
    if (connection->half_closed)
        connection_refuse(connection, PROBLEM_MALFORMED, "The request ended within its head.");
    else if (connection->sweep != SWEEP_HEADER)
        sweep_set(connection, SWEEP_HEADER);
}

static void await_head(struct http_connection *connection)
{
    connection->state = CONNECTION_HEAD;
    connection->completed = false;
    sweep_set(connection, SWEEP_IDLE);
    if (connection->readable || connection->half_closed)
        look_for_head(connection);
}

/* ---- a client that shut its side while its request is in work ---- */

static void check_half_close(struct http_connection *connection)
{
    if (connection->server->config.half_close == HTTP_HALF_CLOSE_CANCELS) {
        connection_kill(connection);
        return;
    }
    /* A program that is gone answers any byte with a reset, one that waits for its answer does not:
     * an interim response may be sent to every HTTP/1.1 client at any time. */
    const struct http_exchange *exchange = connection->exchange;
    if (connection->probed || !exchange || !exchange->head->is_1_1)
        return;
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    connection->probed = true;
    (void)send(connection->fd, interim, sizeof(interim) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- events ---- */

static void connection_event(void *context, uint32_t events)
{
    struct http_connection *connection = context;
    if (events & (EPOLLHUP | EPOLLERR)) {
        connection_kill(connection);
        return;
    }
    if (events & EPOLLRDHUP)
        connection->half_closed = true;
    switch (connection->state) {
    case CONNECTION_HEAD:
        look_for_head(connection);
        break;
    case CONNECTION_LINGER:
        drain(connection);
        break;
    case CONNECTION_WORK:
        connection->readable = true;
        if (connection->half_closed)
            check_half_close(connection);
        break;
    case CONNECTION_SEND:
        connection->readable = true;
        if (connection->half_closed &&
            connection->server->config.half_close == HTTP_HALF_CLOSE_CANCELS)
            connection_kill(connection);
        break;
    case CONNECTION_BODY:
        connection->readable = true;
        break;
    case CONNECTION_GONE:
        break;
    }
}

/* MHD_run() has returned: acts on what its callbacks noted. */
void connection_settle(struct http_connection *connection)
{
    if (connection->state == CONNECTION_GONE) {
        if (!connection->mhd)
            server_forget(connection);
        return;
    }
    if (connection->state == CONNECTION_LINGER) {
        drain(connection);
        return;
    }
    if (connection->refusal_detail) {
        const char *detail = TAKE(connection->refusal_detail);
        connection_refuse(connection, connection->refusal_problem, detail);
        return;
    }
    if (connection->exchange && connection->exchange->failed) {
        connection_kill(connection);
        return;
    }
    if (!connection->mhd) { /* MHD closed it: after an answer, or because it could not go on */
        if (connection->completed)
            connection_linger(connection);
        else
            connection_kill(connection);
        return;
    }
    if (connection->completed) {
        MHD_suspend_connection(connection->mhd);
        connection->suspended = true;
        await_head(connection);
        return;
    }
    if (connection->state == CONNECTION_WORK && connection->half_closed)
        check_half_close(connection);
}

int connection_create(struct http_server *server, int fd, const struct sockaddr_storage *address,
                      struct address_count *address_count)
{
    AUTO_FREE struct http_connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return -ENOMEM;
    connection->server = server;
    connection->fd = fd;
    connection->mhd_fd = -1;
    connection->address = *address;
    connection->address_count = address_count;
    connection->sweep = SWEEP_NONE;
    connection->state = CONNECTION_HEAD;
    int r = loop_watch(server->loop, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, connection_event,
                       connection, &connection->watch);
    if (r < 0)
        return r;
    connection->next = server->connections;
    if (server->connections)
        server->connections->previous = connection;
    server->connections = connection;
    server->connection_count++;
    sweep_set(connection, SWEEP_HEADER);
    struct http_connection *created = TAKE(connection);
    look_for_head(created); /* may end it already */
    return 0;
}
