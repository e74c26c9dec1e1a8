/* curl's sockets: their watches on the loop, and what the kernel knows of them. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "http_client_internal.h"

/* ---- what was taken of a request ----
 * curl cannot say whether a request that was lost had reached anybody, and sends it again by itself
 * when a kept connection ends without a response. Both matter here, since a run that may have
 * started must not be started again: a second attempt is forbidden, and the kernel is asked. A FIN
 * alone, with no byte of the request acknowledged, is the proof that the connection was closed before
 * the request came. A reset proves nothing: it may overtake the acknowledgement. */

static bool measure(int fd, struct traffic *ret_traffic)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return false;
    ret_traffic->acked_bytes = info.tcpi_bytes_acked;
    ret_traffic->received_bytes = info.tcpi_bytes_received;
    return true;
}

void socket_part(struct client_socket *socket)
{
    struct http_call *call = socket->call;
    if (!call)
        return;
    struct traffic before = socket->before;
    call->untaken = call->sent && measure(socket->fd, &socket->before) &&
                    socket->before.acked_bytes == before.acked_bytes &&
                    socket->before.received_bytes == before.received_bytes + 1;
    call->socket = NULL;
    socket->call = NULL;
}

static void join_socket(struct client_socket *socket, struct http_call *call)
{
    if (!call || call->socket == socket)
        return;
    if (call->socket)
        socket_part(call->socket);
    socket_part(socket);
    socket->call = call;
    call->socket = socket;
}

static struct client_socket *find_socket(const struct http_client *client, curl_socket_t fd)
{
    return fd >= 0 && (size_t)fd < client->socket_capacity ? client->sockets[fd] : NULL;
}

/* A connection is there. A new one was joined when it was opened; a kept one becomes known when curl
 * waits for the response, and its count is that of its last call's end. */
static int request_goes_out(void *context, char *remote UNUSED, char *local UNUSED,
                            int remote_port UNUSED, int local_port UNUSED)
{
    struct http_call *call = context;
    if (call->sent || call->cancelled)
        return CURL_PREREQFUNC_ABORT;
    call->sent = true;
    if (call->socket && !measure(call->socket->fd, &call->socket->before))
        socket_part(call->socket); /* nothing can be proved */
    return CURL_PREREQFUNC_OK;
}

/* ---- sockets ---- */

void socket_forget(struct client_socket *socket)
{
    socket_part(socket);
    loop_unwatch(socket->watch);
    socket->client->sockets[socket->fd] = NULL;
    free(socket);
}

static int keep_socket(struct http_client *client, int fd)
{
    if ((size_t)fd >= client->socket_capacity) {
        size_t capacity = ((size_t)fd + 1) * 2;
        struct client_socket **grown = reallocarray(client->sockets, capacity, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        memset(grown + client->socket_capacity, 0,
               (capacity - client->socket_capacity) * sizeof(*grown));
        client->sockets = grown;
        client->socket_capacity = capacity;
    }
    struct client_socket *socket = calloc(1, sizeof(*socket));
    if (!socket)
        return -ENOMEM;
    socket->client = client;
    socket->fd = fd;
    client->sockets[fd] = socket;
    return 0;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose UNUSED,
                                 struct curl_sockaddr *address)
{
    struct http_call *call = context;
    if (call->sent) /* curl's own second attempt */
        return CURL_SOCKET_BAD;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (keep_socket(call->client, fd) < 0) {
        close_fd(fd);
        return CURL_SOCKET_BAD;
    }
    join_socket(call->client->sockets[fd], call);
    return fd;
}

static int close_socket(void *context, curl_socket_t fd)
{
    struct http_client *client = context;
    struct client_socket *socket = find_socket(client, fd);
    if (socket)
        socket_forget(socket);
    return close(fd);
}

static void socket_ready(void *context, uint32_t events)
{
    struct client_socket *socket = context;
    if (socket->wanted == CURL_POLL_NONE || socket->wanted == CURL_POLL_REMOVE) {
        /* A kept connection ended: curl finds that out when it would use it next. */
        loop_unwatch(socket->watch);
        socket->watch = NULL;
        socket->watched = 0;
        return;
    }
    int ready = 0;
    if (events & (EPOLLIN | EPOLLRDHUP))
        ready |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        ready |= CURL_CSELECT_OUT;
    if (events & (EPOLLERR | EPOLLHUP))
        ready |= CURL_CSELECT_ERR;
    client_run_curl(socket->client, socket->fd, ready);
}

static uint32_t events_for(int wanted)
{
    uint32_t events = 0;
    if (wanted == CURL_POLL_IN || wanted == CURL_POLL_INOUT)
        events |= EPOLLIN;
    if (wanted == CURL_POLL_OUT || wanted == CURL_POLL_INOUT)
        events |= EPOLLOUT;
    return events;
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int wanted, void *context,
                         void *socket_context UNUSED)
{
    struct http_client *client = context;
    struct client_socket *socket = find_socket(client, fd);
    if (!socket)
        return 0;
    socket->wanted = wanted;
    if (wanted != CURL_POLL_REMOVE)
        join_socket(socket, client_call_of(easy));
    uint32_t events = events_for(wanted);
    if (events == 0 && socket->watched == EPOLLIN)
        return 0; /* most likely wanted again soon */
    if (events == socket->watched)
        return 0;
    int r = 0;
    if (events == 0) {
        loop_unwatch(socket->watch);
        socket->watch = NULL;
    } else if (socket->watch) {
        r = loop_watch_change(socket->watch, events);
    } else {
        r = loop_watch(client->loop, fd, events, socket_ready, socket, &socket->watch);
    }
    socket->watched = r < 0 ? 0 : events;
    return r < 0 ? -1 : 0;
}

bool socket_set_client_options(struct http_client *client)
{
    return curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted) == CURLM_OK &&
           curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client) == CURLM_OK;
}

bool socket_set_call_options(struct http_call *call)
{
    CURL *easy = call->easy;
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, call->client) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, request_goes_out) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, call) == CURLE_OK;
}
