#include "http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "http_server_internal.h"

enum {
    BACKLOG = 4096,
    ACCEPTS_AT_ONCE = 64,
    ACCEPT_PAUSE_MS = 50,
    RUN_ROUNDS_MAX = 32, /* of MHD in one turn of the loop */
    IDLE_ROUNDS_MAX = 8, /* of them without a callback: MHD is busy with nothing */
    STUCK_PAUSE_US = 5000,
};

void http_server_config_default(struct http_server_config *config)
{
    *config = (struct http_server_config){
        .address = "127.0.0.1",
        .half_close = HTTP_HALF_CLOSE_PROBES,
        .connections_max = 4096,
        .connections_per_address_max = 0,
        .header_timeout_ms = 5000,
        .body_timeout_ms = 10000,
        .body_bytes_per_s_min = 1024,
        .write_timeout_ms = 10000,
        .idle_timeout_ms = 30000,
        .header_bytes_max = 16 << 10,
        .target_bytes_max = 8 << 10,
        .stream_bytes_max = 4 << 20,
    };
}

/* ---- running MHD ---- */

void server_wake(struct http_server *server)
{
    loop_hook_start(server->loop, &server->hook);
}

void server_unsettle(struct http_connection *connection)
{
    if (connection->unsettled)
        return;
    connection->unsettled = true;
    connection->next_unsettled = connection->server->unsettled;
    connection->server->unsettled = connection;
    server_wake(connection->server);
}

static void settle_all(struct http_server *server)
{
    while (server->unsettled) {
        struct http_connection *connection = server->unsettled;
        server->unsettled = connection->next_unsettled;
        connection->unsettled = false;
        connection_settle(connection);
    }
}

/* MHD's epoll is edge-triggered: what it left half done shows in its timeout only, and is done in
 * further rounds. But it also says "at once" while a chunk's extension fills its buffer, though it
 * can do nothing until the sweeper ends that connection: then it is asked again after a pause. */
static void run_later(struct http_server *server, uint64_t delay_us)
{
    if (loop_timer_start_us(server->loop, &server->run_timer, delay_us) < 0)
        server_wake(server);
}

void server_run(struct http_server *server)
{
    assert(!server->running);
    server->running = true;
    loop_hook_stop(&server->hook);
    int idle_rounds = 0;
    for (int round = 0; round < RUN_ROUNDS_MAX; round++) {
        uint64_t callbacks = server->callbacks;
        (void)MHD_run(server->mhd);
        settle_all(server);
        MHD_UNSIGNED_LONG_LONG timeout_ms = UINT64_MAX;
        bool has_timeout = MHD_get_timeout(server->mhd, &timeout_ms) == MHD_YES;
        if (!server->hook.loop && timeout_ms > 0) {
            if (has_timeout)
                run_later(server, (uint64_t)timeout_ms * 1000 + STUCK_PAUSE_US);
            server->running = false;
            return;
        }
        idle_rounds = server->callbacks != callbacks || server->hook.loop ? 0 : idle_rounds + 1;
        loop_hook_stop(&server->hook);
        if (idle_rounds == IDLE_ROUNDS_MAX) {
            run_later(server, STUCK_PAUSE_US);
            server->running = false;
            return;
        }
    }
    server_wake(server);
    server->running = false;
}

static void hook_run(void *context)
{
    server_run(context);
}

static void mhd_ready(void *context, uint32_t events UNUSED)
{
    server_wake(context);
}

/* ---- addresses ---- */

/* IPv4 counts by address, IPv6 by /64: a client has a whole such net to itself. */
static void address_key(const struct sockaddr_storage *address, uint8_t key[16])
{
    memset(key, 0, 16);
    if (address->ss_family == AF_INET) {
        key[0] = 4;
        memcpy(key + 1, &((const struct sockaddr_in *)address)->sin_addr, 4);
        return;
    }
    struct in6_addr in6 = ((const struct sockaddr_in6 *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&in6)) {
        key[0] = 4;
        memcpy(key + 1, in6.s6_addr + 12, 4);
        return;
    }
    key[0] = 6;
    memcpy(key + 1, in6.s6_addr, 8);
}

static size_t address_bucket(const struct http_server *server, const uint8_t key[16])
{
    uint64_t hash = server->address_seed;
    for (int i = 0; i < 16; i++) {
        hash = (hash ^ key[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash % ADDRESS_BUCKETS;
}

/* NULL with *ret_refused set when the address has its share already. */
static struct address_count *
address_enter(struct http_server *server, const struct sockaddr_storage *address, bool *ret_refused)
{
    unsigned count_max = server->config.connections_per_address_max;
    *ret_refused = false;
    if (count_max == 0)
        return NULL;
    uint8_t key[16];
    address_key(address, key);
    struct address_count **bucket = &server->addresses[address_bucket(server, key)];
    struct address_count *entry = *bucket;
    while (entry && memcmp(entry->key, key, sizeof(key)) != 0)
        entry = entry->next;
    if (entry && entry->connections >= count_max) {
        *ret_refused = true;
        return NULL;
    }
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        *ret_refused = !entry;
        if (!entry)
            return NULL;
        memcpy(entry->key, key, sizeof(key));
        entry->next = *bucket;
        *bucket = entry;
    }
    entry->connections++;
    return entry;
}

static void address_leave(struct http_server *server, struct address_count *entry)
{
    if (!entry || --entry->connections > 0)
        return;
    struct address_count **link = &server->addresses[address_bucket(server, entry->key)];
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    free(entry);
}

/* ---- accepting ---- */

void server_forget(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    assert(!connection->mhd && !connection->exchange && !connection->watch);
    if (connection->unsettled) {
        struct http_connection **link = &server->unsettled;
        while (*link != connection)
            link = &(*link)->next_unsettled;
        *link = connection->next_unsettled;
    }
    sweep_set(connection, SWEEP_NONE);
    address_leave(server, connection->address_count);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    server->connection_count--;
    free(connection);
}

/* Makes room by ending the connection that has been idle longest. */
static bool evict_idle(struct http_server *server)
{
    struct http_connection *oldest = server->sweeps[SWEEP_IDLE].first;
    if (!oldest)
        return false;
    connection_kill(oldest);
    server_run(server); /* MHD lets go of it now, not later */
    return true;
}

static void admit(struct http_server *server, int fd, const struct sockaddr_storage *address)
{
    if (server->connection_count >= server->config.connections_max && !evict_idle(server)) {
        close_fd(fd);
        return;
    }
    bool refused = false;
    struct address_count *count = address_enter(server, address, &refused);
    if (refused) {
        close_fd(fd);
        return;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connection_create(server, fd, address, count) < 0) {
        address_leave(server, count);
        close_fd(fd);
    }
}

static void listen_again(void *context)
{
    struct http_server *server = context;
    if (loop_watch_change(server->listen_watch, EPOLLIN) == 0)
        return;
    /* Without memory there is no other way left than to keep the connections there are. */
    if (loop_timer_start_ms(server->loop, &server->accept_timer, ACCEPT_PAUSE_MS) < 0)
        return;
}

/* Out of descriptors or memory: the backlog would wake us for ever, so look away for a moment. */
static void pause_accepting(struct http_server *server)
{
    if (evict_idle(server))
        return;
    if (loop_watch_change(server->listen_watch, 0) < 0)
        return;
    if (loop_timer_start_ms(server->loop, &server->accept_timer, ACCEPT_PAUSE_MS) < 0)
        listen_again(server);
}

static void accept_some(void *context, uint32_t events UNUSED)
{
    struct http_server *server = context;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof(address);
        int fd = accept4(server->listen_fd, (struct sockaddr *)&address, &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(server, fd, &address);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            pause_accepting(server);
        return;
    }
}

static int parse_address(const char *text, uint16_t port, struct sockaddr_storage *ret_address,
                         socklen_t *ret_length)
{
    *ret_address = (struct sockaddr_storage){0};
    struct sockaddr_in *in = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_address;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        *ret_length = sizeof(*in);
        return 0;
    }
    if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        *ret_length = sizeof(*in6);
        return 0;
    }
    return -EINVAL;
}

static int open_listener(const struct http_server_config *config, int *ret_fd, uint16_t *ret_port)
{
    struct sockaddr_storage address;
    socklen_t length = 0;
    int r = parse_address(config->address, config->port, &address, &length);
    if (r < 0)
        return r;
    AUTO_FD int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1;
    int off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    if (address.ss_family == AF_INET6 && /* "::" takes both families */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return -errno;
    *ret_port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                    : ((struct sockaddr_in *)&address)->sin_port);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* ---- life ---- */

static int open_ended_socket(int *ret_fd)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    close_fd(pair[1]);
    *ret_fd = pair[0];
    return 0;
}

static int server_start(struct http_server *server)
{
    const struct http_server_config *config = &server->config;
    if (config->header_bytes_max > HTTP_GATE_HEAD_BYTES_MAX ||
        config->target_bytes_max > config->header_bytes_max)
        return -EINVAL;
    if (getrandom(&server->address_seed, sizeof(server->address_seed), 0) < 0)
        return -errno;
    server->peek = malloc(config->header_bytes_max + 1);
    if (!server->peek)
        return -ENOMEM;
    int r = open_ended_socket(&server->ended_fd);
    if (r < 0)
        return r;
    r = open_listener(config, &server->listen_fd, &server->port);
    if (r < 0)
        return r;
    r = server_start_mhd(server);
    if (r < 0)
        return r;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return -EIO;
    r = loop_watch(server->loop, info->epoll_fd, EPOLLIN, mhd_ready, server, &server->mhd_watch);
    if (r < 0)
        return r;
    return loop_watch(server->loop, server->listen_fd, EPOLLIN, accept_some, server,
                      &server->listen_watch);
}

int http_server_create(struct loop *loop, const struct http_server_config *config,
                       struct http_server **ret_server)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server)
        return -ENOMEM;
    server->loop = loop;
    server->config = *config;
    server->listen_fd = server->ended_fd = -1;
    loop_hook_init(&server->hook, hook_run, server);
    loop_timer_init(&server->accept_timer, listen_again, server);
    loop_timer_init(&server->run_timer, hook_run, server);
    sweep_init(server);
    int r = server_start(server);
    if (r < 0) {
        http_server_free(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_stop_accepting(struct http_server *server)
{
    server->stopping = true;
    loop_timer_stop(&server->accept_timer);
    loop_unwatch(server->listen_watch);
    server->listen_watch = NULL;
    close_fd(TAKE_FD(server->listen_fd));
}

unsigned http_server_exchange_count(const struct http_server *server)
{
    return server->unanswered_count;
}

uint64_t http_server_held_bytes(const struct http_server *server)
{
    return server->body_bytes + server->stream_bytes;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    http_server_stop_accepting(server);
    struct http_connection *next;
    for (struct http_connection *connection = server->connections; connection; connection = next) {
        next = connection->next;
        connection_kill(connection);
    }
    while (server->exchanges) /* nobody asked for their end, nobody answered them */
        exchange_free(server->exchanges);
    loop_unwatch(server->mhd_watch);
    if (server->mhd)
        MHD_stop_daemon(server->mhd); /* gives back the connections that were taken from it */
    settle_all(server);
    assert(!server->connections);
    loop_hook_stop(&server->hook);
    loop_timer_stop(&server->sweep_timer);
    loop_timer_stop(&server->run_timer);
    close_fd(server->ended_fd);
    free(server->peek);
    free(server);
}
