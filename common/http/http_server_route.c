/* Which handler a request goes to, or which refusal it gets. */
#include <stdio.h>
#include <string.h>

#include "http_server_internal.h"

enum { ALLOW_BYTES = 128 };

static bool is_method(const char *method, const char *name)
{
    return strcmp(method, name) == 0;
}

static bool serves(const struct http_route *route, const char *method)
{
    return is_method(method, route->method) ||
           (is_method(method, "HEAD") && is_method(route->method, "GET"));
}

/* OPTIONS goes to the config's own handler unless a route asks for it. */
static bool is_options(const struct http_server *server, const struct http_route *route,
                       const char *method)
{
    return server->config.options && is_method(method, "OPTIONS") && !serves(route, method);
}

static enum problem check_body(const struct http_head *head, uint64_t body_bytes_max)
{
    if (!http_head_has_body(head))
        return PROBLEM_COUNT;
    bool too_large = head->chunked ? body_bytes_max == 0 : head->body_bytes > body_bytes_max;
    return too_large ? PROBLEM_BODY_TOO_LARGE : PROBLEM_COUNT;
}

struct route_choice server_route(const struct http_server *server, const struct http_head *head)
{
    const struct http_route *on_path = NULL;
    for (size_t i = 0; i < server->config.route_count; i++) {
        const struct http_route *route = &server->config.routes[i];
        if (strcmp(route->path, head->path) != 0)
            continue;
        on_path = on_path ? on_path : route;
        if (serves(route, head->method))
            return (struct route_choice){route, check_body(head, route->body_bytes_max)};
    }
    if (on_path && is_options(server, on_path, head->method))
        return (struct route_choice){on_path, check_body(head, 0)};
    bool known = on_path || head->is_connect;
    return (struct route_choice){NULL, known ? PROBLEM_METHOD_NOT_ALLOWED : PROBLEM_NOT_FOUND};
}

static void add_allowed(char allow[ALLOW_BYTES], const char *method)
{
    size_t length = strlen(allow);
    if (strstr(allow, method)) /* no method here is a part of another */
        return;
    (void)snprintf(allow + length, ALLOW_BYTES - length, "%s%s", length ? ", " : "", method);
}

/* CONNECT names no path: all methods are listed. */
static void add_allow_header(struct http_exchange *exchange)
{
    const struct http_server_config *config = &exchange->server->config;
    const struct http_head *head = exchange->head;
    char allow[ALLOW_BYTES] = "";
    for (size_t i = 0; i < config->route_count; i++) {
        const struct http_route *route = &config->routes[i];
        if (!head->is_connect && strcmp(route->path, head->path) != 0)
            continue;
        add_allowed(allow, route->method);
        if (is_method(route->method, "GET"))
            add_allowed(allow, "HEAD");
    }
    if (config->options)
        add_allowed(allow, "OPTIONS");
    http_exchange_add_header(exchange, "Allow", allow);
}

void server_refuse_route(struct http_exchange *exchange, enum problem problem)
{
    const char *detail = "The body is too large for this path.";
    if (problem == PROBLEM_NOT_FOUND)
        detail = "Nothing is served at this path; paths are matched as they are, without decoding.";
    if (problem == PROBLEM_METHOD_NOT_ALLOWED) {
        detail = "The Allow header lists the methods of this path.";
        add_allow_header(exchange);
    }
    problem_respond(exchange, problem, detail);
}

bool server_calls_route(const struct http_exchange *exchange)
{
    return exchange->refused == PROBLEM_COUNT && serves(exchange->route, exchange->head->method);
}

void server_dispatch(struct http_exchange *exchange)
{
    const struct http_server_config *config = &exchange->server->config;
    if (exchange->refused != PROBLEM_COUNT)
        server_refuse_route(exchange, exchange->refused);
    else if (server_calls_route(exchange))
        exchange->route->handle(exchange, config->context);
    else
        config->options(exchange, config->context);
}
