#include "api.h"

#include <inttypes.h>
#include <stdio.h>

#include "json.h"

enum { TEXT_BYTES_MAX = 1024 * 1024, NUMBER_CHARS = 16 };

static void respond_buffer(struct http_exchange *exchange, int error, struct buffer *text,
                           const char *type)
{
    char *bytes = NULL;
    size_t count = 0;
    if (error == 0)
        error = buffer_take_string(text, &bytes, &count);
    buffer_done(text);
    if (error < 0)
        problem_respond(exchange, PROBLEM_INTERNAL, "There is no memory for the answer.");
    else
        http_exchange_respond_take(exchange, 200, type, bytes, count);
}

/* ---- GET /livez, /readyz ---- */

static void handle_livez(struct http_exchange *exchange, void *context UNUSED)
{
    http_exchange_respond(exchange, 200, "text/plain", "alive\n", 6);
}

bool api_is_ready(const struct api *api)
{
    struct pool_counts counts = pool_count(api->pool);
    return api->is_tested && !api->is_draining && counts.idle + counts.in_use > 0;
}

static void handle_readyz(struct http_exchange *exchange, void *context)
{
    const struct api *api = context;
    if (api_is_ready(api))
        http_exchange_respond(exchange, 200, "text/plain", "ready\n", 6);
    else if (api->is_draining)
        problem_respond(exchange, PROBLEM_DRAINING, "This executor is shutting down.");
    else if (!api->is_tested)
        problem_respond(exchange, PROBLEM_BUSY, "The executor's own first run was not right yet.");
    else
        problem_respond(exchange, PROBLEM_BUSY, "There is no runner.");
}

void api_add_load(struct http_exchange *exchange, unsigned status UNUSED,
                  const char *problem_code UNUSED, void *context)
{
    const struct api *api = context;
    char number[NUMBER_CHARS];
    snprintf(number, sizeof(number), "%u", api->slots);
    http_exchange_add_header(exchange, INNER_HEADER_SLOTS, number);
    snprintf(number, sizeof(number), "%u",
             admission_running(api->admission) + admission_waiting(api->admission));
    http_exchange_add_header(exchange, INNER_HEADER_BUSY, number);
}

/* ---- GET /metrics ---- */

static void handle_metrics(struct http_exchange *exchange, void *context)
{
    struct api *api = context;
    const struct stats_sources sources = {api->pool, api->admission, api_is_ready(api)};
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    int r = stats_write(api->stats, &sources, &text);
    respond_buffer(exchange, r, &text, METRICS_CONTENT_TYPE);
}

/* ---- GET /v1/capabilities ---- */

static int write_layer(const struct api *api, enum layer layer, struct buffer *to)
{
    struct backend *backend = pool_backend(api->pool);
    bool holds = (backend->ops->layers(backend) & LAYER_BIT(layer)) != 0;
    int r = buffer_append_format(to, "%s{\"name\":\"%s\",\"holds\":%s,\"required\":%s,\"against\":",
                                 layer == 0 ? "" : ",", layer_name(layer), holds ? "true" : "false",
                                 api->require & LAYER_BIT(layer) ? "true" : "false");
    if (r == 0)
        r = json_write_text(to, layer_help(layer));
    const char *why = holds ? NULL : backend->ops->missing(backend, layer);
    if (r == 0 && why)
        r = buffer_append_text(to, ",\"missing\":");
    if (r == 0 && why)
        r = json_write_text(to, why);
    if (r == 0)
        r = buffer_append_text(to, "}");
    return r;
}

static int write_capabilities(const struct api *api, struct buffer *to)
{
    const struct frame_limits *limits = &api->maxima.limits;
    struct backend *backend = pool_backend(api->pool);
    int r = buffer_append_format(
        to,
        "{\"build\":\"" TRYTOK_VERSION "\",\"backend\":\"%s\",\"slots\":%u,\"limits\":{"
        "\"wall_ms\":%" PRIu32 ",\"cpu_ms\":%" PRIu32 ",\"memory_bytes\":%" PRIu64
        ",\"output_bytes\":%" PRIu64 ",\"call_depth\":%" PRIu32 ",\"source_bytes\":%" PRIu64
        ",\"input_bytes\":%" PRIu64 "},\"layers\":[",
        backend->ops->name, api->slots, limits->wall_ms, limits->cpu_ms, limits->memory_bytes,
        limits->output_bytes, limits->call_depth, api->maxima.source_bytes,
        api->maxima.input_bytes);
    for (unsigned i = 0; i < LAYER_COUNT && r == 0; i++)
        r = write_layer(api, (enum layer)i, to);
    if (r == 0)
        r = buffer_append_text(to, "]}\n");
    return r;
}

static void handle_capabilities(struct http_exchange *exchange, void *context)
{
    const struct api *api = context;
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    int r = write_capabilities(api, &text);
    respond_buffer(exchange, r, &text, "application/json");
}

/* ---- routes ---- */

const struct http_route api_admin_routes[API_ADMIN_ROUTES] = {
    {.method = "GET", .path = "/metrics", .handle = handle_metrics},
    {.method = "GET", .path = "/livez", .handle = handle_livez},
    {.method = "GET", .path = "/readyz", .handle = handle_readyz},
    {.method = "GET", .path = "/v1/capabilities", .handle = handle_capabilities},
};

void api_fill_routes(struct api *api)
{
    const struct http_route routes[API_INNER_ROUTES] = {
        {.method = "POST",
         .path = "/run",
         .handle = call_handle,
         .headers_come = call_headers_come,
         .body_bytes_max = request_body_bytes_max(&api->maxima)},
        {.method = "GET", .path = "/readyz", .handle = handle_readyz},
        {.method = "GET", .path = "/livez", .handle = handle_livez},
        {.method = "GET", .path = "/v1/capabilities", .handle = handle_capabilities},
    };
    for (size_t i = 0; i < API_INNER_ROUTES; i++)
        api->inner_routes[i] = routes[i];
}
