#include "resolver.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "log.h"

enum { NAMES_MAX = 256, ADDRESSES_MAX = 1024, HOST_BYTES = 256, PORT_BYTES = 8 };

struct target {
    char host[HOST_BYTES];
    char port[PORT_BYTES];
    bool is_numeric;                    /* its one address stands from the start */
    struct sockaddr_storage *addresses; /* owned; the last good ones */
    size_t count;
    bool has_failed; /* the last look-up did: told once */
};

/* What loop and thread share; the last of the two to leave frees it. */
struct shared {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned owners;
    bool is_stopped;
    int event_fd; /* the thread tells the loop */
    unsigned interval_ms;
    int (*look_up)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void (*release)(struct addrinfo *);
    size_t target_count;
    struct target targets[];
};

struct resolver {
    struct shared *shared;
    struct loop_watch *watch;
    struct loop_hook first; /* tells the first addresses from the loop */
    void (*on_addresses)(void *, const struct sockaddr_storage *, size_t);
    void *context;
};

static void shared_leave(struct shared *shared)
{
    pthread_mutex_lock(&shared->lock);
    bool is_last = --shared->owners == 0;
    pthread_mutex_unlock(&shared->lock);
    if (!is_last)
        return;
    for (size_t i = 0; i < shared->target_count; i++)
        free(shared->targets[i].addresses);
    close_fd(shared->event_fd);
    pthread_cond_destroy(&shared->wake);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

/* ---- names ---- */

/* host:port or [ipv6]:port, the port 1 to 65535. */
static int parse_name(const char *name, struct target *target)
{
    const char *colon = strrchr(name, ':');
    if (!colon || colon == name)
        return -EINVAL;
    const char *host = name;
    size_t host_chars = (size_t)(colon - name);
    if (host[0] == '[') {
        if (host_chars < 3 || host[host_chars - 1] != ']')
            return -EINVAL;
        host++;
        host_chars -= 2;
    } else if (memchr(host, ':', host_chars)) {
        return -EINVAL; /* which of the colons starts the port? */
    }
    char *end = NULL;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port < 1 || port > 65535 ||
        host_chars >= sizeof(target->host))
        return -EINVAL;
    memcpy(target->host, host, host_chars);
    target->host[host_chars] = '\0';
    (void)snprintf(target->port, sizeof(target->port), "%lu", port);
    return 0;
}

int resolver_check_name(const char *name)
{
    struct target target = {.count = 0};
    return parse_name(name, &target);
}

static int parse_numeric(struct target *target)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    uint16_t port = htons((uint16_t)strtoul(target->port, NULL, 10));
    target->is_numeric = true;
    target->addresses = calloc(1, sizeof(*target->addresses));
    if (!target->addresses)
        return -ENOMEM;
    if (inet_pton(AF_INET, target->host, &ipv4.sin_addr) == 1) {
        ipv4.sin_port = port;
        memcpy(target->addresses, &ipv4, sizeof(ipv4));
        target->count = 1;
    } else if (inet_pton(AF_INET6, target->host, &ipv6.sin6_addr) == 1) {
        ipv6.sin6_port = port;
        memcpy(target->addresses, &ipv6, sizeof(ipv6));
        target->count = 1;
    } else {
        target->is_numeric = false;
    }
    return 0;
}

/* ---- the thread ---- */

static size_t copy_addresses(const struct addrinfo *list, struct sockaddr_storage *to, size_t max)
{
    size_t count = 0;
    for (; list && count < max; list = list->ai_next) {
        if (list->ai_family != AF_INET && list->ai_family != AF_INET6)
            continue;
        memset(&to[count], 0, sizeof(to[count]));
        memcpy(&to[count], list->ai_addr, list->ai_addrlen);
        count++;
    }
    return count;
}

static void look_up_target(struct shared *shared, struct target *target)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int error = shared->look_up(target->host, target->port, &hints, &list);
    struct sockaddr_storage *addresses = calloc(ADDRESSES_MAX, sizeof(*addresses));
    size_t count = error == 0 && addresses ? copy_addresses(list, addresses, ADDRESSES_MAX) : 0;
    if (error == 0)
        shared->release(list);

    bool has_failed = count == 0;
    if (has_failed && !target->has_failed)
        log_warn("executors' name not resolved", LOG_STR("host", target->host),
                 LOG_STR("reason", error ? gai_strerror(error) : "no address"));
    target->has_failed = has_failed;
    if (has_failed) {
        free(addresses);
        return;
    }
    pthread_mutex_lock(&shared->lock);
    free(target->addresses);
    target->addresses = addresses;
    target->count = count;
    pthread_mutex_unlock(&shared->lock);
}

/* False when it is time to end. */
static bool sleep_for_interval(struct shared *shared)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += shared->interval_ms / 1000;
    until.tv_nsec += (long)(shared->interval_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&shared->lock);
    int error = 0;
    while (!shared->is_stopped && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&shared->wake, &shared->lock, &until);
    bool goes_on = !shared->is_stopped;
    pthread_mutex_unlock(&shared->lock);
    return goes_on;
}

static void *thread_main(void *context)
{
    struct shared *shared = context;
    do {
        for (size_t i = 0; i < shared->target_count; i++) {
            if (!shared->targets[i].is_numeric)
                look_up_target(shared, &shared->targets[i]);
        }
        uint64_t one = 1;
        ssize_t written = write(shared->event_fd, &one, sizeof(one));
        (void)written; /* a counter that is full has told the loop already */
    } while (sleep_for_interval(shared));
    shared_leave(shared);
    return NULL;
}

static int start_thread(struct shared *shared)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_t thread;
    shared->owners++;
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    int error = pthread_create(&thread, NULL, thread_main, shared);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        shared->owners--;
        return -error;
    }
    pthread_detach(thread);
    return 0;
}

/* ---- the loop's side ---- */

static void tell(struct resolver *resolver)
{
    struct shared *shared = resolver->shared;
    struct sockaddr_storage *addresses = calloc(ADDRESSES_MAX, sizeof(*addresses));
    if (!addresses)
        return; /* the next look-up tells again */
    size_t count = 0;
    pthread_mutex_lock(&shared->lock);
    for (size_t i = 0; i < shared->target_count; i++) {
        const struct target *target = &shared->targets[i];
        for (size_t j = 0; j < target->count && count < ADDRESSES_MAX; j++)
            addresses[count++] = target->addresses[j];
    }
    pthread_mutex_unlock(&shared->lock);
    resolver->on_addresses(resolver->context, addresses, count);
    free(addresses);
}

static void on_event(void *context, uint32_t events)
{
    (void)events;
    struct resolver *resolver = context;
    uint64_t count;
    if (read(resolver->shared->event_fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
        tell(resolver);
}

static void on_first(void *context)
{
    tell(context);
}

static int shared_create(const struct resolver_config *config, struct shared **ret_shared)
{
    size_t count = config->names->count < NAMES_MAX ? config->names->count : NAMES_MAX;
    struct shared *shared = calloc(1, sizeof(*shared) + count * sizeof(struct target));
    if (!shared)
        return -ENOMEM;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&shared->lock, NULL);
    pthread_cond_init(&shared->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    shared->owners = 1;
    shared->interval_ms = config->interval_ms;
    shared->look_up = config->look_up;
    shared->release = config->release;
    shared->target_count = count;
    shared->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (shared->event_fd < 0) {
        int r = -errno;
        shared_leave(shared);
        return r;
    }
    *ret_shared = shared;
    return 0;
}

static int parse_targets(const struct resolver_config *config, struct shared *shared,
                         bool *ret_has_names, const char **reterr_bad)
{
    *ret_has_names = false;
    for (size_t i = 0; i < shared->target_count; i++) {
        struct target *target = &shared->targets[i];
        int r = parse_name(config->names->items[i], target);
        if (r < 0) {
            *reterr_bad = config->names->items[i];
            return r;
        }
        r = parse_numeric(target);
        if (r < 0)
            return r;
        *ret_has_names = *ret_has_names || !target->is_numeric;
    }
    return 0;
}

int resolver_create(const struct resolver_config *config, struct resolver **ret_resolver,
                    const char **reterr_bad)
{
    *reterr_bad = "";
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    if (!resolver)
        return -ENOMEM;
    resolver->on_addresses = config->on_addresses;
    resolver->context = config->context;
    loop_hook_init(&resolver->first, on_first, resolver);
    bool has_names = false;
    int r = shared_create(config, &resolver->shared);
    if (r == 0)
        r = parse_targets(config, resolver->shared, &has_names, reterr_bad);
    if (r == 0)
        r = loop_watch(config->loop, resolver->shared->event_fd, EPOLLIN, on_event, resolver,
                       &resolver->watch);
    if (r == 0 && has_names)
        r = start_thread(resolver->shared);
    if (r < 0) {
        resolver_free(resolver);
        return r;
    }
    loop_hook_start(config->loop, &resolver->first);
    *ret_resolver = resolver;
    return 0;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    loop_hook_stop(&resolver->first);
    loop_unwatch(resolver->watch);
    if (resolver->shared) {
        pthread_mutex_lock(&resolver->shared->lock);
        resolver->shared->is_stopped = true;
        pthread_cond_signal(&resolver->shared->wake);
        pthread_mutex_unlock(&resolver->shared->lock);
        shared_leave(resolver->shared);
    }
    free(resolver);
}
