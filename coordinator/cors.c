#include "cors.h"

#include <stdio.h>
#include <string.h>

static bool is_allowed(const struct settings_list *origins, const char *origin)
{
    for (size_t i = 0; i < origins->count; i++) {
        if (strcmp(origins->items[i], "*") == 0 || strcmp(origins->items[i], origin) == 0)
            return true;
    }
    return false;
}

void cors_add_headers(struct http_exchange *exchange, const struct settings_list *origins)
{
    if (origins->count == 0)
        return;
    http_exchange_add_header(exchange, "Vary", "Origin");
    const char *origin = http_exchange_header(exchange, "Origin");
    if (!origin || !is_allowed(origins, origin))
        return;
    http_exchange_add_header(exchange, "Access-Control-Allow-Origin", origin);
    http_exchange_add_header(exchange, "Access-Control-Expose-Headers",
                             "Tok-Verdict, Tok-Exit-Code, Tok-Request-Id, Tok-Stdout-Bytes, "
                             "Tok-Truncated, Retry-After");
}

void cors_preflight(struct http_exchange *exchange, const struct settings_list *origins,
                    const struct http_route *routes, size_t route_count)
{
    const char *origin = http_exchange_header(exchange, "Origin");
    if (origin && is_allowed(origins, origin)) {
        char methods[64] = "";
        size_t used = 0;
        for (size_t i = 0; i < route_count; i++) {
            if (strcmp(routes[i].path, http_exchange_path(exchange)) != 0)
                continue;
            int count = snprintf(methods + used, sizeof(methods) - used, "%s%s",
                                 used > 0 ? ", " : "", routes[i].method);
            if (count > 0 && (size_t)count < sizeof(methods) - used)
                used += (size_t)count;
        }
        http_exchange_add_header(exchange, "Access-Control-Allow-Methods", methods);
        http_exchange_add_header(exchange, "Access-Control-Allow-Headers", "Content-Type, Accept");
        http_exchange_add_header(exchange, "Access-Control-Max-Age", "600");
    }
    http_exchange_respond(exchange, 204, NULL, "", 0);
}
