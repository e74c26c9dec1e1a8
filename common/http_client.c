#include "http_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

enum {
    URL_BYTES = 2048,
    RESPONSE_HEADER_BYTES_MAX = 64 << 10,
    STATUS_FINAL_MIN = 200,
};

struct traffic {
    uint64_t acked_bytes;    /* of ours, by the other side's kernel */
    uint64_t received_bytes; /* its end (FIN) counts as one */
};

/* One for each socket of curl's. Its watch outlives a transfer, so that a request on a kept
 * connection costs no epoll_ctl. */
struct client_socket {
    struct http_client *client;
    int fd;
    struct loop_watch *watch; /* NULL while nothing is watched */
    uint32_t watched;         /* EPOLL… of the watch */
    int wanted;               /* CURL_POLL_… */
    struct http_call *call;   /* whose request is on it, until its end */
    struct traffic before;    /* that request */
};

struct http_call {
    struct http_client *client;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    void *context;
    int (*on_headers)(void *context, struct http_call *call, unsigned status);
    int (*on_body)(void *context, const char *bytes, size_t count);
    void (*on_end)(void *context, enum http_failure failure);
    size_t header_bytes;
    struct client_socket *socket; /* NULL while not known, and after the close */
    bool added;                   /* curl has it */
    bool sent;                    /* a connection was there and the request went out */
    bool untaken;                 /* proved: the other side's kernel acknowledged none of it */
    bool answered;                /* a byte of a response came */
    bool headers_done;
    bool refused;
    bool cancelled;
    bool is_linked;
    bool is_todo;
    struct http_call *next_todo;       /* to be added or cancelled */
    struct http_call *next, *previous; /* of the client, or next of the spare ones */
    char url[URL_BYTES];
};

struct http_client {
    struct loop *loop; /* borrowed */
    struct http_client_config config;
    CURLM *multi;
    bool in_curl; /* curl's callbacks must not call it again */
    struct loop_timer timer;
    struct loop_hook hook;
    bool time_is_due;
    struct http_call *calls;
    struct http_call *todo_first, *todo_last;
    struct http_call *spare; /* with a ready easy handle */
    unsigned spare_count;
    struct client_socket **sockets; /* by descriptor */
    size_t socket_capacity;
};

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

static void part_socket(struct client_socket *socket)
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
        part_socket(call->socket);
    part_socket(socket);
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
        part_socket(call->socket); /* nothing can be proved */
    return CURL_PREREQFUNC_OK;
}

/* ---- sockets ---- */

static void forget_socket(struct client_socket *socket)
{
    part_socket(socket);
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
        forget_socket(socket);
    return close(fd);
}

static void finish_calls(struct http_client *client);

static void run_curl(struct http_client *client, curl_socket_t fd, int events)
{
    int running = 0;
    client->in_curl = true;
    (void)curl_multi_socket_action(client->multi, fd, events, &running);
    client->in_curl = false;
    finish_calls(client);
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
    run_curl(socket->client, socket->fd, ready);
}

static struct http_call *call_of(CURL *easy)
{
    char *private = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    return (struct http_call *)(void *)private;
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
        join_socket(socket, call_of(easy));
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

/* ---- time ---- */

static void time_come(void *context)
{
    struct http_client *client = context;
    run_curl(client, CURL_SOCKET_TIMEOUT, 0);
}

static int time_wanted(CURLM *multi UNUSED, long timeout_ms, void *context)
{
    struct http_client *client = context;
    loop_timer_stop(&client->timer);
    client->time_is_due = timeout_ms == 0;
    if (timeout_ms == 0)
        loop_hook_start(client->loop, &client->hook);
    else if (timeout_ms > 0 &&
             loop_timer_start_ms(client->loop, &client->timer, (uint64_t)timeout_ms) < 0)
        return -1;
    return 0;
}

/* ---- a response ---- */

static size_t header_come(char *bytes, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    size_t length = size * count;
    call->answered = true;
    if (call->cancelled || call->refused)
        return 0;
    call->header_bytes += length;
    if (call->header_bytes > RESPONSE_HEADER_BYTES_MAX) {
        call->refused = true;
        return 0;
    }
    bool is_empty = (length == 2 && bytes[0] == '\r') || (length == 1 && bytes[0] == '\n');
    if (!is_empty || call->headers_done)
        return length;
    long status = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < STATUS_FINAL_MIN) /* an interim response: the next one counts */
        return length;
    call->headers_done = true;
    if (call->on_headers && call->on_headers(call->context, call, (unsigned)status) < 0)
        call->refused = true;
    return call->refused || call->cancelled ? 0 : length;
}

static size_t body_come(char *bytes, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    size_t length = size * count;
    call->answered = true;
    if (call->cancelled || call->refused)
        return 0;
    if (call->on_body && call->on_body(call->context, bytes, length) < 0)
        call->refused = true;
    return call->refused || call->cancelled ? 0 : length;
}

const char *http_call_header(const struct http_call *call, const char *name)
{
    struct curl_header *header = NULL;
    if (curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

/* ---- calls ---- */

static bool set_fixed_options(struct http_call *call)
{
    const struct http_client_config *config = &call->client->config;
    CURL *easy = call->easy;
    return curl_easy_setopt(easy, CURLOPT_PRIVATE, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_timeout_ms) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)config->connection_age_max_s) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, call->client) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, request_goes_out) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_come) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_come) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) == CURLE_OK;
}

static void call_destroy(struct http_call *call)
{
    if (call->easy)
        curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    free(call->body);
    free(call);
}

/* A call from the spare ones, or a new one: its easy handle keeps all that is the same each time. */
static struct http_call *call_take(struct http_client *client)
{
    struct http_call *call = client->spare;
    if (call) {
        client->spare = call->next;
        client->spare_count--;
        call->next = NULL;
        return call;
    }
    call = calloc(1, sizeof(*call));
    if (!call)
        return NULL;
    call->client = client;
    call->easy = curl_easy_init();
    if (!call->easy || !set_fixed_options(call)) {
        call_destroy(call);
        return NULL;
    }
    return call;
}

static void call_unlink(struct http_call *call)
{
    if (call->previous)
        call->previous->next = call->next;
    else
        call->client->calls = call->next;
    if (call->next)
        call->next->previous = call->previous;
    call->next = call->previous = NULL;
    call->is_linked = false;
}

static void call_give_back(struct http_call *call)
{
    struct http_client *client = call->client;
    CURL *easy = call->easy;
    if (call->is_linked)
        call_unlink(call);
    curl_slist_free_all(call->headers);
    free(call->body);
    *call = (struct http_call){.client = client, .easy = easy};
    if (client->spare_count >= client->config.connections_idle_max) {
        call_destroy(call);
        return;
    }
    call->next = client->spare;
    client->spare = call;
    client->spare_count++;
}

static void call_remove(struct http_call *call)
{
    if (call->added)
        (void)curl_multi_remove_handle(call->client->multi, call->easy);
    call->added = false;
    if (!call->socket)
        return;
    if (call->sent)
        part_socket(call->socket);
    else /* curl 7.88 closes a connection that never was one without asking close_socket() */
        forget_socket(call->socket);
}

static enum http_failure classify(const struct http_call *call, CURLcode result)
{
    if (call->refused)
        return HTTP_FAILURE_REFUSED;
    if (result == CURLE_OK) /* curl takes a head that was cut for a response */
        return call->headers_done ? HTTP_FAILURE_NONE : HTTP_FAILURE_LOST;
    if (!call->sent)
        return HTTP_FAILURE_CONNECT;
    if (result == CURLE_OPERATION_TIMEDOUT)
        return HTTP_FAILURE_TIMEOUT;
    return call->untaken && !call->answered ? HTTP_FAILURE_UNSENT : HTTP_FAILURE_LOST;
}

static void call_end(struct http_call *call, CURLcode result)
{
    call_remove(call);
    if (call->cancelled) /* it waits for do_call() */
        return;
    enum http_failure failure = classify(call, result);
    void (*on_end)(void *, enum http_failure) = call->on_end;
    void *context = call->context;
    call_give_back(call);
    on_end(context, failure);
}

static void finish_calls(struct http_client *client)
{
    CURLMsg *message;
    int left = 0;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        call_end(call_of(message->easy_handle), message->data.result);
    }
}

static void enqueue(struct http_call *call)
{
    struct http_client *client = call->client;
    if (!call->is_todo) {
        call->is_todo = true;
        call->next_todo = NULL;
        if (client->todo_last)
            client->todo_last->next_todo = call;
        else
            client->todo_first = call;
        client->todo_last = call;
    }
    loop_hook_start(client->loop, &client->hook);
}

static void do_call(struct http_call *call)
{
    struct http_client *client = call->client;
    if (call->cancelled) {
        call_remove(call);
        call_give_back(call);
        return;
    }
    call->added = true;
    if (curl_multi_add_handle(client->multi, call->easy) != CURLM_OK) {
        call->added = false;
        void (*on_end)(void *, enum http_failure) = call->on_end;
        void *context = call->context;
        call_give_back(call);
        on_end(context, HTTP_FAILURE_CONNECT);
    }
}

/* Calls are added and removed here, never from within curl's callbacks. */
static void before_sleep(void *context)
{
    struct http_client *client = context;
    struct http_call *call;
    while ((call = client->todo_first) != NULL) {
        client->todo_first = call->next_todo;
        if (!client->todo_first)
            client->todo_last = NULL;
        call->is_todo = false;
        do_call(call);
    }
    if (client->time_is_due) {
        client->time_is_due = false;
        run_curl(client, CURL_SOCKET_TIMEOUT, 0);
    }
}

/* ---- starting ---- */

static int write_url(char url[URL_BYTES], const struct sockaddr *address, const char *path)
{
    char host[INET6_ADDRSTRLEN];
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    int length = -1;
    if (address->sa_family == AF_INET && inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)))
        length = snprintf(url, URL_BYTES, "http://%s:%u%s", host, ntohs(in->sin_port), path);
    if (address->sa_family == AF_INET6 && inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host)))
        length = snprintf(url, URL_BYTES, "http://[%s]:%u%s", host, ntohs(in6->sin6_port), path);
    return length > 0 && length < URL_BYTES ? 0 : -EINVAL;
}

static int add_header(struct http_call *call, const char *line)
{
    struct curl_slist *grown = curl_slist_append(call->headers, line);
    if (!grown)
        return -ENOMEM;
    call->headers = grown;
    return 0;
}

static int set_headers(struct http_call *call, const char *const *headers)
{
    bool has_type = false;
    int r = add_header(call, "Expect:"); /* removes curl's own, which would cost a round trip */
    for (; r == 0 && headers && *headers; headers++) {
        has_type = has_type || strncasecmp(*headers, "Content-Type:", 13) == 0;
        r = add_header(call, *headers);
    }
    if (r == 0 && !has_type)
        r = add_header(call, "Content-Type:"); /* removes curl's form type */
    return r;
}

static CURLcode set_method(struct http_call *call, const struct http_call_config *config)
{
    CURL *easy = call->easy;
    CURLcode r = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* undoes what the last call set */
    if (r != CURLE_OK)
        return r;
    if (strcmp(config->method, "HEAD") == 0)
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (config->body_bytes > 0 || strcmp(config->method, "POST") == 0) {
        r = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body ? call->body : "");
        if (r == CURLE_OK)
            r = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)config->body_bytes);
    }
    return r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, config->method) : r;
}

static bool set_request(struct http_call *call, const struct http_call_config *config)
{
    CURL *easy = call->easy;
    return set_method(call, config) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_URL, call->url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)config->timeout_ms) == CURLE_OK;
}

int http_client_start(struct http_client *client, const struct http_call_config *config,
                      struct http_call **ret_call)
{
    struct http_call *call = call_take(client);
    if (!call) {
        free(config->body);
        return -ENOMEM;
    }
    call->body = config->body;
    call->context = config->context;
    call->on_headers = config->on_headers;
    call->on_body = config->on_body;
    call->on_end = config->on_end;
    int r = write_url(call->url, config->address, config->path);
    if (r == 0)
        r = set_headers(call, config->headers);
    if (r == 0 && !set_request(call, config))
        r = -ENOMEM;
    if (r < 0) {
        call_give_back(call);
        return r;
    }
    call->next = client->calls;
    if (client->calls)
        client->calls->previous = call;
    client->calls = call;
    call->is_linked = true;
    enqueue(call);
    *ret_call = call;
    return 0;
}

void http_call_cancel(struct http_call *call)
{
    call->cancelled = true;
    enqueue(call);
}

/* ---- the client ---- */

int http_client_create(struct loop *loop, const struct http_client_config *config,
                       struct http_client **ret_client)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    struct http_client *client = calloc(1, sizeof(*client));
    if (!client) {
        curl_global_cleanup();
        return -ENOMEM;
    }
    client->loop = loop;
    client->config = *config;
    loop_timer_init(&client->timer, time_come, client);
    loop_hook_init(&client->hook, before_sleep, client);
    client->multi = curl_multi_init();
    CURLM *multi = client->multi;
    if (!multi || curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_wanted) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, time_wanted) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)config->connections_idle_max) !=
            CURLM_OK) {
        http_client_free(client);
        return -ENOMEM;
    }
    *ret_client = client;
    return 0;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    assert(!client->in_curl);
    while (client->calls) {
        struct http_call *call = client->calls;
        call_remove(call);
        call_unlink(call);
        call_destroy(call);
    }
    while (client->spare) {
        struct http_call *call = client->spare;
        client->spare = call->next;
        call_destroy(call);
    }
    if (client->multi)
        curl_multi_cleanup(client->multi);
    loop_timer_stop(&client->timer);
    loop_hook_stop(&client->hook);
    free(client->sockets);
    free(client);
    curl_global_cleanup();
}
