/*
 * api - the executor's endpoints on its two servers.
 *
 *   inner    POST /run (call.c), GET /readyz /livez /v1/capabilities
 *   admin    GET /metrics /readyz /livez /v1/capabilities
 *
 * Threads: all on the loop's thread. Memory: everything the struct points to is borrowed; it and
 * the struct outlive both servers.
 */
#ifndef TRYTOK_EXECUTOR_API_H
#define TRYTOK_EXECUTOR_API_H

#include "admission.h"
#include "http_server.h"
#include "inner.h"
#include "request.h"
#include "run.h"
#include "stats.h"

enum { API_INNER_ROUTES = 4, API_ADMIN_ROUTES = 4 };

struct api {
    struct loop *loop;
    struct pool *pool;
    struct admission *admission;
    struct run_context *runs;
    struct stats *stats;
    struct inner_secret secret;
    struct request_maxima maxima;
    layer_set require;
    uint64_t queue_wait_ms;
    unsigned slots;
    bool is_tested;   /* the executor's own first run was right */
    bool is_draining; /* /readyz says no */
    bool is_refusing; /* and no run is taken any more */
    unsigned call_count;
    struct http_route inner_routes[API_INNER_ROUTES];
};

void api_fill_routes(struct api *api); /* after `maxima` is set */
extern const struct http_route api_admin_routes[API_ADMIN_ROUTES];

bool api_is_ready(const struct api *api);

/* For http_server_config.answering of the inner server: every answer tells slots and load. */
void api_add_load(struct http_exchange *exchange, unsigned status, const char *problem_code,
                  void *context);

/* POST /run (call.c). */
void call_headers_come(struct http_exchange *exchange, void *context);
void call_handle(struct http_exchange *exchange, void *context);

#endif
