/*
 * http_floor - what HTTP alone costs: a server that answers at once, and one that streams.
 *
 *     http_floor [PORT]      prints "port N"; GET /livez, POST /echo, GET /stream, GET /later
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "http_server.h"

enum { STREAM_EVENTS = 3, ECHO_BYTES_MAX = 1 << 20 };

static struct loop *loop;

static void answer_livez(struct http_exchange *exchange, void *context UNUSED)
{
    http_exchange_respond(exchange, 200, "text/plain", "ok\n", 3);
}

static void answer_echo(struct http_exchange *exchange, void *context UNUSED)
{
    size_t count = 0;
    const char *body = http_exchange_body(exchange, &count);
    http_exchange_respond(exchange, 200, "application/octet-stream", body, count);
}

static void answer_stream(struct http_exchange *exchange, void *context UNUSED)
{
    http_exchange_stream_begin(exchange, 200, "text/event-stream");
    for (int i = 0; i < STREAM_EVENTS; i++) {
        if (http_exchange_stream_write(exchange, "data: tick\n\n", 12) < 0)
            break;
    }
    http_exchange_stream_end(exchange);
}

struct later {
    struct loop_hook hook;
    struct http_exchange *exchange;
};

static void answer_now(void *context)
{
    struct later *later = context;
    answer_livez(later->exchange, NULL);
    free(later);
}

/* The way of a real request: the handler returns first, the answer comes from the loop. */
static void answer_later(struct http_exchange *exchange, void *context UNUSED)
{
    struct later *later = calloc(1, sizeof(*later));
    if (!later)
        return;
    later->exchange = exchange;
    loop_hook_init(&later->hook, answer_now, later);
    loop_hook_start(loop, &later->hook);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/livez", .handle = answer_livez},
    {.method = "GET", .path = "/stream", .handle = answer_stream},
    {.method = "GET", .path = "/later", .handle = answer_later},
    {.method = "POST", .path = "/echo", .handle = answer_echo, .body_bytes_max = ECHO_BYTES_MAX},
};

static void stop(void *context UNUSED, int signal_number UNUSED)
{
    loop_stop(loop);
}

int main(int argc, char **argv)
{
    if (loop_create(&loop) < 0)
        return 1;
    struct http_server_config config;
    http_server_config_default(&config);
    config.port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 0;
    config.routes = routes;
    config.route_count = ARRAY_COUNT(routes);
    struct http_server *server = NULL;
    int r = http_server_create(loop, &config, &server);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    if (r == 0)
        r = loop_watch_signals(loop, &signals, stop, NULL);
    if (r == 0) {
        printf("port %" PRIu16 "\n", http_server_port(server));
        (void)fflush(stdout);
        r = loop_run(loop);
    }
    http_server_free(server);
    loop_free(loop);
    return r < 0;
}
