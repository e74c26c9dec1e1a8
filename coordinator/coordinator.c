#include "coordinator.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "cors.h"
#include "http_client.h"
#include "log.h"
#include "prober.h"
#include "request.h"
#include "resolver.h"
#include "service.h"
#include "status.h"

enum {
    PUBLIC_ROUTES = 6,
    ADMIN_ROUTES = 3,
    ADMIN_CONNECTIONS_MAX = 64,
    IDLE_CONNECTIONS_MAX = 256, /* kept to executors */
    CONNECTION_AGE_MAX_S = 30,
    KEPT_DESCRIPTORS = 2 * ADMIN_CONNECTIONS_MAX + IDLE_CONNECTIONS_MAX + 128,
    DRAIN_LOOK_MS = 10,
    STREAM_ESCAPED_BYTES = 6, /* what a byte of output becomes at most in an event */
    STREAM_EXTRA_BYTES = 8 * 1024 * 1024,
};

struct coordinator {
    struct service service;
    struct http_client *client;
    struct resolver *resolver;
    struct prober *prober;
    struct loop_timer drain_timer;
    uint64_t drain_until_us;
    bool is_closed; /* draining, and nothing new is accepted */
    struct http_route public_routes[PUBLIC_ROUTES];
    struct http_route admin_routes[ADMIN_ROUTES];
};

/* The service is the first member: handlers get it, and what is behind it. */
_Static_assert(offsetof(struct coordinator, service) == 0, "a service is a coordinator's");

/* ---- every answer ---- */

static void log_other(const struct service *service, const struct http_exchange *exchange,
                      unsigned status, const char *problem_code)
{
    const struct http_route *route = http_exchange_route(exchange);
    const struct telemetry_request line = {
        .id = http_exchange_id(exchange),
        .method = route || status == 405 ? http_exchange_method(exchange) : "other",
        .path = route ? route->path : "none",
        .problem_code = problem_code,
        .status = status,
        .total_us = clock_now_us() - http_exchange_started_us(exchange),
    };
    telemetry_request(service->telemetry, &line);
}

static void on_answering(struct http_exchange *exchange, unsigned status, const char *problem_code,
                         void *context)
{
    const struct service *service = context;
    const struct http_route *route = http_exchange_route(exchange);
    http_exchange_add_header(exchange, "Tok-Request-Id", http_exchange_id(exchange));
    http_exchange_add_header(exchange, "X-Content-Type-Options", "nosniff");
    http_exchange_add_header(exchange, "Cache-Control", "no-store");
    cors_add_headers(exchange, &service->settings->cors_origins);
    if (service->is_draining)
        http_exchange_close_after(exchange);
    telemetry_answered(service->telemetry, route ? route->path : NULL, status, problem_code);
    if (!http_exchange_has_owner(exchange)) /* a request logs its own end */
        log_other(service, exchange, status, problem_code);
}

static void on_admin_answering(struct http_exchange *exchange, unsigned status,
                               const char *problem_code, void *context)
{
    (void)status;
    (void)problem_code;
    (void)context;
    http_exchange_add_header(exchange, "X-Content-Type-Options", "nosniff");
    http_exchange_add_header(exchange, "Cache-Control", "no-store");
}

static void handle_options(struct http_exchange *exchange, void *context)
{
    struct coordinator *coordinator = context;
    cors_preflight(exchange, &coordinator->service.settings->cors_origins,
                   coordinator->public_routes, PUBLIC_ROUTES);
}

/* ---- executors ---- */

static void on_addresses(void *context, const struct sockaddr_storage *addresses, size_t count)
{
    struct coordinator *coordinator = context;
    int r = executors_set(coordinator->service.executors, addresses, count);
    if (r < 0)
        log_warn("not all executors are used", LOG_ERRNO(r));
    prober_look(coordinator->prober);
}

static int create_executors(struct coordinator *coordinator)
{
    const struct coordinator_settings *settings = coordinator->service.settings;
    const struct executors_config config = {
        .slots_before_known = (unsigned)settings->executor_slots,
        .ahead = (unsigned)settings->executor_ahead,
        .eject_failures = (unsigned)settings->executor_eject_failures,
        .eject_us = settings->executor_eject_ms * 1000,
        .eject_max_us = settings->executor_eject_max_ms * 1000,
    };
    return executors_create(&config, &coordinator->service.executors);
}

static int create_client(struct coordinator *coordinator)
{
    const struct coordinator_settings *settings = coordinator->service.settings;
    const struct http_client_config config = {
        .connect_timeout_ms = (unsigned)settings->executor_connect_timeout_ms,
        .connections_idle_max = IDLE_CONNECTIONS_MAX,
        .connection_age_max_s = CONNECTION_AGE_MAX_S,
    };
    return http_client_create(coordinator->service.loop, &config, &coordinator->client);
}

static int create_dispatcher(struct coordinator *coordinator, const struct inner_secret *secret)
{
    struct service *service = &coordinator->service;
    const struct dispatcher_config config = {
        .loop = service->loop,
        .client = coordinator->client,
        .executors = service->executors,
        .secret = secret,
        .settings = service->settings,
    };
    return dispatcher_create(&config, &service->dispatcher);
}

static int create_prober(struct coordinator *coordinator)
{
    struct service *service = &coordinator->service;
    const struct prober_config config = {
        .loop = service->loop,
        .client = coordinator->client,
        .executors = service->executors,
        .dispatcher = service->dispatcher,
        .interval_ms = (unsigned)service->settings->executor_probe_interval_ms,
    };
    return prober_create(&config, &coordinator->prober);
}

static int create_resolver(struct coordinator *coordinator)
{
    const struct resolver_config config = {
        .loop = coordinator->service.loop,
        .names = &coordinator->service.settings->executors,
        .interval_ms = (unsigned)coordinator->service.settings->executor_resolve_interval_ms,
        .on_addresses = on_addresses,
        .context = coordinator,
        .look_up = getaddrinfo,
        .release = freeaddrinfo,
    };
    const char *bad = "";
    int r = resolver_create(&config, &coordinator->resolver, &bad);
    if (r == -EINVAL)
        log_error("an executor is not given as host:port", LOG_STR("executors", bad));
    return r;
}

/* ---- servers ---- */

static void fill_routes(struct coordinator *coordinator)
{
    uint64_t body_bytes_max = coordinator->service.settings->limits_body_bytes;
    const struct http_route public_routes[PUBLIC_ROUTES] = {
        {"POST", "/execute", request_handle_execute, request_handle_headers, body_bytes_max},
        {"POST", "/check", request_handle_check, request_handle_headers, body_bytes_max},
        {"GET", "/livez", status_handle_livez, NULL, 0},
        {"GET", "/readyz", status_handle_readyz, NULL, 0},
        {"GET", "/v1/capabilities", status_handle_capabilities, NULL, 0},
        {"GET", "/openapi.json", status_handle_openapi, NULL, 0},
    };
    const struct http_route admin_routes[ADMIN_ROUTES] = {
        {"GET", "/metrics", status_handle_metrics, NULL, 0},
        {"GET", "/livez", status_handle_livez, NULL, 0},
        {"GET", "/readyz", status_handle_readyz, NULL, 0},
    };
    memcpy(coordinator->public_routes, public_routes, sizeof(public_routes));
    memcpy(coordinator->admin_routes, admin_routes, sizeof(admin_routes));
}

/* Clients must not take the descriptors that executors are reached with: then none would be served. */
static unsigned fitting_connections(uint64_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return (unsigned)wanted;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    uint64_t kept = limit.rlim_max / 2 < KEPT_DESCRIPTORS ? limit.rlim_max / 2 : KEPT_DESCRIPTORS;
    uint64_t fitting = (limit.rlim_max - kept) / HTTP_SERVER_CONNECTION_DESCRIPTORS;
    if (fitting >= wanted)
        return (unsigned)wanted;
    log_warn("descriptors do not suffice for all connections", LOG_UINT("wanted", wanted),
             LOG_UINT("taken", fitting), LOG_UINT("descriptors", limit.rlim_max));
    return fitting > 0 ? (unsigned)fitting : 1;
}

static int create_public_server(struct coordinator *coordinator)
{
    struct service *service = &coordinator->service;
    const struct coordinator_settings *settings = service->settings;
    struct http_server_config config;
    http_server_config_default(&config);
    config.address = settings->listen_address;
    config.port = (uint16_t)settings->listen_port;
    config.routes = coordinator->public_routes;
    config.route_count = PUBLIC_ROUTES;
    config.context = coordinator;
    config.options = settings->cors_origins.count > 0 ? handle_options : NULL;
    config.answering = on_answering;
    config.half_close = HTTP_HALF_CLOSE_PROBES;
    config.connections_max = fitting_connections(settings->http_connections_max);
    config.connections_per_address_max = (unsigned)settings->http_connections_per_address_max;
    config.header_timeout_ms = (unsigned)settings->http_header_timeout_ms;
    config.body_timeout_ms = (unsigned)settings->http_body_timeout_ms;
    config.body_bytes_per_s_min = (unsigned)settings->http_body_bytes_per_s_min;
    config.write_timeout_ms = (unsigned)settings->http_write_timeout_ms;
    config.idle_timeout_ms = (unsigned)settings->http_idle_timeout_ms;
    config.bodies_bytes_max = settings->memory_held_max_bytes;
    config.stream_bytes_max =
        STREAM_ESCAPED_BYTES * settings->limits_output_max_bytes + STREAM_EXTRA_BYTES;
    return http_server_create(service->loop, &config, &service->public_server);
}

static int create_admin_server(struct coordinator *coordinator)
{
    struct service *service = &coordinator->service;
    struct http_server_config config;
    http_server_config_default(&config);
    config.address = service->settings->admin_address;
    config.port = (uint16_t)service->settings->admin_port;
    config.routes = coordinator->admin_routes;
    config.route_count = ADMIN_ROUTES;
    config.context = coordinator;
    config.answering = on_admin_answering;
    config.connections_max = ADMIN_CONNECTIONS_MAX;
    return http_server_create(service->loop, &config, &service->admin_server);
}

/* ---- the end ---- */

static void on_drain_time(void *context)
{
    struct coordinator *coordinator = context;
    struct service *service = &coordinator->service;
    if (!coordinator->is_closed) {
        coordinator->is_closed = true;
        http_server_stop_accepting(service->public_server);
    }
    unsigned left = http_server_exchange_count(service->public_server);
    bool is_late = clock_now_us() >= coordinator->drain_until_us;
    if (left == 0 || is_late) {
        log_info("drained", LOG_UINT("requests_cut_off", left));
        loop_stop(service->loop);
        return;
    }
    if (loop_timer_start_ms(service->loop, &coordinator->drain_timer, DRAIN_LOOK_MS) < 0)
        loop_stop(service->loop);
}

void coordinator_drain(struct coordinator *coordinator)
{
    struct service *service = &coordinator->service;
    if (service->is_draining) {
        loop_stop(service->loop);
        return;
    }
    service->is_draining = true;
    log_info("draining", LOG_UINT("requests", http_server_exchange_count(service->public_server)));
    coordinator->drain_until_us =
        clock_now_us() +
        (service->settings->drain_delay_ms + service->settings->drain_wait_ms) * 1000;
    if (loop_timer_start_ms(service->loop, &coordinator->drain_timer,
                            service->settings->drain_delay_ms) < 0)
        loop_stop(service->loop);
}

/* ---- the begin ---- */

static int create_parts(struct coordinator *coordinator, const struct inner_secret *secret)
{
    struct service *service = &coordinator->service;
    int r = telemetry_create(service->settings->log_access, &service->telemetry);
    if (r == 0)
        r = create_executors(coordinator);
    if (r == 0)
        r = create_client(coordinator);
    if (r == 0)
        r = create_dispatcher(coordinator, secret);
    if (r == 0)
        r = create_prober(coordinator);
    if (r == 0)
        r = create_resolver(coordinator);
    if (r < 0) {
        log_error("cannot start", LOG_ERRNO(r));
        return r;
    }
    r = create_public_server(coordinator);
    if (r < 0) {
        log_error("cannot listen", LOG_STR("address", service->settings->listen_address),
                  LOG_UINT("port", service->settings->listen_port), LOG_ERRNO(r));
        return r;
    }
    r = create_admin_server(coordinator);
    if (r < 0)
        log_error("cannot listen", LOG_STR("address", service->settings->admin_address),
                  LOG_UINT("port", service->settings->admin_port), LOG_ERRNO(r));
    return r;
}

int coordinator_create(struct loop *loop, const struct coordinator_settings *settings,
                       const struct inner_secret *secret, struct coordinator **ret_coordinator)
{
    struct coordinator *coordinator = calloc(1, sizeof(*coordinator));
    if (!coordinator)
        return -ENOMEM;
    coordinator->service.loop = loop;
    coordinator->service.settings = settings;
    coordinator->service.held.bytes_max = settings->memory_held_max_bytes;
    loop_timer_init(&coordinator->drain_timer, on_drain_time, coordinator);
    fill_routes(coordinator);
    int r = create_parts(coordinator, secret);
    if (r < 0) {
        coordinator_free(coordinator);
        return r;
    }
    *ret_coordinator = coordinator;
    return 0;
}

void coordinator_free(struct coordinator *coordinator)
{
    if (!coordinator)
        return;
    struct service *service = &coordinator->service;
    loop_timer_stop(&coordinator->drain_timer);
    /* The public server first: its requests cancel their runs, which need all the rest. */
    http_server_free(service->public_server);
    http_server_free(service->admin_server);
    resolver_free(coordinator->resolver);
    prober_free(coordinator->prober);
    dispatcher_free(service->dispatcher);
    http_client_free(coordinator->client);
    executors_free(service->executors);
    telemetry_free(service->telemetry);
    free(coordinator);
}

const struct http_route *coordinator_routes(const struct coordinator *coordinator,
                                            size_t *ret_count)
{
    *ret_count = PUBLIC_ROUTES;
    return coordinator->public_routes;
}

uint16_t coordinator_port(const struct coordinator *coordinator)
{
    return http_server_port(coordinator->service.public_server);
}

uint16_t coordinator_admin_port(const struct coordinator *coordinator)
{
    return http_server_port(coordinator->service.admin_server);
}
