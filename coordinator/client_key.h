/*
 * client_key - who a request is counted for: its address, IPv6 by its /64 network.
 *
 * Threads: any. A plain value; two are equal when their bytes are.
 */
#ifndef TRYTOK_CLIENT_KEY_H
#define TRYTOK_CLIENT_KEY_H

#include <stdint.h>
#include <sys/socket.h>

struct client_key {
    uint64_t kind; /* so that no address equals another kind's */
    uint64_t value;
};

/* IPv4-mapped IPv6 addresses count as IPv4. What is neither is one client. */
struct client_key client_key_of_address(const struct sockaddr *address);

#endif
