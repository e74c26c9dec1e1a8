#include "client_key.h"

#include <netinet/in.h>
#include <string.h>

enum client_kind { CLIENT_UNKNOWN, CLIENT_IPV4, CLIENT_IPV6 };

static struct client_key key_of_ipv6(const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        uint32_t ipv4;
        memcpy(&ipv4, address->s6_addr + 12, sizeof(ipv4));
        return (struct client_key){CLIENT_IPV4, ipv4};
    }
    struct client_key key = {CLIENT_IPV6, 0};
    memcpy(&key.value, address->s6_addr, sizeof(key.value));
    return key;
}

struct client_key client_key_of_address(const struct sockaddr *address)
{
    if (address && address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof(ipv4));
        return (struct client_key){CLIENT_IPV4, ipv4.sin_addr.s_addr};
    }
    if (address && address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof(ipv6));
        return key_of_ipv6(&ipv6.sin6_addr);
    }
    return (struct client_key){CLIENT_UNKNOWN, 0};
}
