/*
 * resolver - from the names of executors to addresses, again and again.
 *
 * Numeric addresses are known at once. Names are looked up in a thread of their own, so that a slow
 * DNS server never stops the loop; all addresses of a name are used, and while a look-up fails the
 * last good ones stay.
 *
 * Threads: all functions and the callback on the loop's; one thread inside, which holds nothing of
 * the loop. Memory: addresses are borrowed until the callback returns. Errors: 0 or -errno.
 */
#ifndef TRYTOK_RESOLVER_H
#define TRYTOK_RESOLVER_H

#include <netdb.h>
#include <sys/socket.h>

#include "attributes.h"
#include "loop.h"
#include "settings.h"

struct resolver;

struct resolver_config {
    struct loop *loop;
    const struct settings_list *names; /* "host:port", "[::1]:port"; borrowed while created */
    unsigned interval_ms;
    /* Called on the loop at first, and whenever looked up again; may be called with none. */
    void (*on_addresses)(void *context, const struct sockaddr_storage *addresses, size_t count);
    void *context;
    /* getaddrinfo() and freeaddrinfo(), or a test's; called in the thread. */
    int (*look_up)(const char *host, const char *port, const struct addrinfo *hints,
                   struct addrinfo **ret);
    void (*release)(struct addrinfo *result);
};

/* 0 when it is "host:port" with a port of 1 to 65535, else -EINVAL. */
MUST_CHECK int resolver_check_name(const char *name);

/* -EINVAL: *reterr_bad names the entry that is not host:port. */
MUST_CHECK int resolver_create(const struct resolver_config *config, struct resolver **ret_resolver,
                               const char **reterr_bad);
void resolver_free(struct resolver *resolver); /* never waits for a look-up; NULL is fine */

#endif
