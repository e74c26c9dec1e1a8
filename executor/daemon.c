#include "daemon.h"

#include <stdio.h>

#include "api.h"
#include "log.h"
#include "self_test.h"

enum {
    RETRY_MIN_MS = 50,
    RETRY_MAX_MS = 5000,
    DRAIN_POLL_MS = 5,
    ADMIN_CONNECTIONS_MAX = 64,
    IDLE_TIMEOUT_MS = 120000, /* longer than coordinators keep a connection: they close first */
    STREAM_EXTRA_BYTES = 2 * 1024 * 1024, /* what a runner may have under way when it is paused */
    TEST_WALL_MS = 5000,
    TEST_MEMORY_BYTES = 4 * 1024 * 1024,
    TEST_OUTPUT_BYTES = 64,
    TEST_CALL_DEPTH = 100,
};

struct daemon {
    const struct config *config; /* borrowed */
    struct loop *loop;
    struct pool *pool;
    struct self_test *self_test;
    struct http_server *inner, *admin;
    struct api api;
    unsigned signals_seen;
    uint64_t drain_end_us;
    struct loop_timer drain_timer;
    int exit_error; /* what daemon_run() returns */
};

/* One runner may be in use by the self-test. */
static struct pool_config pool_config_of(const struct config *config)
{
    return (struct pool_config){.warm = (unsigned)config->settings.pool_warm,
                                .in_use_max = (unsigned)config->settings.slots + 1,
                                .retry_min_ms = RETRY_MIN_MS,
                                .retry_max_ms = RETRY_MAX_MS};
}

unsigned daemon_runners_max(const struct config *config)
{
    const struct pool_config pool = pool_config_of(config);
    return pool_runners_max(&pool);
}

/* ---- what the pool tells ---- */

static void on_available(void *context)
{
    struct daemon *daemon = context;
    if (daemon->self_test && !daemon->api.is_tested)
        self_test_look(daemon->self_test);
    if (daemon->api.admission)
        admission_look(daemon->api.admission);
}

static void on_start_failed(void *context, const char *reason)
{
    struct daemon *daemon = context;
    stats_count_start_failure(daemon->api.stats, reason);
}

static void on_backend_lost(void *context)
{
    struct daemon *daemon = context;
    log_error("the backend is lost; the daemon has to be started again");
    daemon->exit_error = -EPIPE;
    if (daemon->signals_seen == 0)
        daemon_stop(daemon);
}

static void on_tested(void *context)
{
    struct daemon *daemon = context;
    daemon->api.is_tested = true;
    log_info("ready", LOG_UINT("slots", daemon->api.slots));
}

/* ---- draining ---- */

static bool is_drained(const struct daemon *daemon)
{
    return daemon->api.call_count == 0 && http_server_exchange_count(daemon->inner) == 0;
}

static void on_drain(void *context)
{
    struct daemon *daemon = context;
    if (!daemon->api.is_refusing) {
        daemon->api.is_refusing = true;
        http_server_stop_accepting(daemon->inner);
    }
    bool is_late = loop_now_us(daemon->loop) >= daemon->drain_end_us;
    if (is_drained(daemon) || is_late) {
        if (is_late && !is_drained(daemon))
            log_warn("stopped before all runs had ended", LOG_UINT("runs", daemon->api.call_count));
        loop_stop(daemon->loop);
        return;
    }
    if (loop_timer_start_ms(daemon->loop, &daemon->drain_timer, DRAIN_POLL_MS) < 0)
        loop_stop(daemon->loop);
}

void daemon_stop(struct daemon *daemon)
{
    const struct executor_settings *settings = &daemon->config->settings;
    if (++daemon->signals_seen > 1) {
        loop_stop(daemon->loop);
        return;
    }
    log_info("draining", LOG_UINT("runs", daemon->api.call_count));
    daemon->api.is_draining = true;
    daemon->drain_end_us =
        loop_now_us(daemon->loop) + 1000 * (settings->drain_delay_ms + settings->drain_wait_ms);
    if (loop_timer_start_ms(daemon->loop, &daemon->drain_timer, settings->drain_delay_ms) < 0)
        loop_stop(daemon->loop);
}

static void on_signal(void *context, int signal_number UNUSED)
{
    daemon_stop(context);
}

static int watch_signals(struct daemon *daemon)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    return loop_watch_signals(daemon->loop, &signals, on_signal, daemon);
}

/* ---- making it ---- */

static struct request_maxima maxima_of(const struct executor_settings *settings)
{
    return (struct request_maxima){
        .limits = {.memory_bytes = settings->memory_max_bytes,
                   .output_bytes = settings->output_max_bytes,
                   .wall_ms = (uint32_t)settings->wall_max_ms,
                   .cpu_ms = (uint32_t)settings->cpu_max_ms,
                   .call_depth = (uint32_t)settings->call_depth_max},
        .source_bytes = settings->source_max_bytes,
        .input_bytes = settings->input_max_bytes,
    };
}

static uint64_t at_most(uint64_t value, uint64_t max)
{
    return value < max ? value : max;
}

static int make_self_test(struct daemon *daemon)
{
    const struct executor_settings *settings = &daemon->config->settings;
    const struct self_test_config config = {
        .loop = daemon->loop,
        .runs = daemon->api.runs,
        .limits = {.wall_ms = (uint32_t)at_most(TEST_WALL_MS, settings->wall_max_ms),
                   .cpu_ms = (uint32_t)at_most(TEST_WALL_MS, settings->cpu_max_ms),
                   .memory_bytes = at_most(TEST_MEMORY_BYTES, settings->memory_max_bytes),
                   .output_bytes = TEST_OUTPUT_BYTES,
                   .call_depth = (uint32_t)at_most(TEST_CALL_DEPTH, settings->call_depth_max)},
        .context = daemon,
        .passed = on_tested,
    };
    return self_test_create(&config, &daemon->self_test);
}

static int make_runs(struct daemon *daemon, const struct daemon_parts *parts)
{
    const struct executor_settings *settings = &daemon->config->settings;
    struct api *api = &daemon->api;
    const struct admission_config admission = {.loop = daemon->loop,
                                               .pool = daemon->pool,
                                               .slots = (unsigned)settings->slots,
                                               .queue_max = (unsigned)settings->queue_max};
    const struct run_config run = {.loop = daemon->loop,
                                   .pool = daemon->pool,
                                   .backend = parts->backend_name,
                                   .start_timeout_ms = (unsigned)settings->start_timeout_ms,
                                   .pause_bytes = settings->stream_pause_bytes};
    int r = stats_create(&api->stats);
    if (r == 0)
        r = admission_create(&admission, &api->admission);
    if (r == 0)
        r = run_context_create(&run, &api->runs);
    if (r == 0)
        r = make_self_test(daemon);
    api->loop = daemon->loop;
    api->pool = daemon->pool;
    api->secret = parts->secret;
    api->maxima = maxima_of(settings);
    api->require = daemon->config->require;
    api->queue_wait_ms = settings->queue_wait_ms;
    api->slots = (unsigned)settings->slots;
    api_fill_routes(api);
    return r;
}

/* The first proof loads what the crypto library needs, which takes milliseconds: not a client's. */
static int warm_up_proofs(const struct inner_secret *secret)
{
    char signature[INNER_SIGNATURE_CHARS + 1];
    return inner_sign_answer(secret, "00000000000000000000000000000000", signature);
}

static int make_servers(struct daemon *daemon)
{
    const struct executor_settings *settings = &daemon->config->settings;
    struct http_server_config inner;
    http_server_config_default(&inner);
    inner.half_close = HTTP_HALF_CLOSE_CANCELS;
    inner.idle_timeout_ms = IDLE_TIMEOUT_MS;
    inner.context = &daemon->api;
    struct http_server_config admin = inner;

    inner.address = settings->listen_address;
    inner.port = (uint16_t)settings->listen_port;
    inner.routes = daemon->api.inner_routes;
    inner.route_count = API_INNER_ROUTES;
    inner.answering = api_add_load;
    inner.connections_max = (unsigned)settings->listen_connections;
    inner.connections_per_address_max = 0;
    inner.stream_bytes_max = settings->stream_pause_bytes + STREAM_EXTRA_BYTES;
    int r = http_server_create(daemon->loop, &inner, &daemon->inner);
    if (r < 0) {
        log_error("cannot listen", LOG_STR("address", inner.address), LOG_UINT("port", inner.port),
                  LOG_ERRNO(r));
        return r;
    }
    admin.address = settings->admin_address;
    admin.port = (uint16_t)settings->admin_port;
    admin.routes = api_admin_routes;
    admin.route_count = API_ADMIN_ROUTES;
    admin.connections_max = ADMIN_CONNECTIONS_MAX;
    r = http_server_create(daemon->loop, &admin, &daemon->admin);
    if (r < 0)
        log_error("cannot listen", LOG_STR("address", admin.address), LOG_UINT("port", admin.port),
                  LOG_ERRNO(r));
    return r;
}

static int make_pool(struct daemon *daemon)
{
    struct pool_config config = pool_config_of(daemon->config);
    config.loop = daemon->loop;
    config.context = daemon;
    config.available = on_available;
    config.failed = on_start_failed;
    config.lost = on_backend_lost;
    return pool_create(&config, &daemon->pool);
}

static int make_all(struct daemon *daemon, const struct daemon_parts *parts)
{
    int r = loop_create(&daemon->loop);
    if (r == 0)
        r = watch_signals(daemon);
    if (r == 0)
        r = make_pool(daemon);
    if (r == 0)
        r = make_runs(daemon, parts);
    if (r == 0)
        r = warm_up_proofs(&parts->secret);
    if (r == 0)
        r = make_servers(daemon);
    if (r < 0)
        return r;
    const struct process_events events = {.runner = pool_backend_events(daemon->pool),
                                          .on_lost = pool_backend_lost};
    struct backend *backend = NULL;
    r = parts->make_backend(parts->context, daemon->loop, &events, &backend);
    if (r == 0)
        pool_use(daemon->pool, backend);
    return r;
}

int daemon_create(const struct daemon_parts *parts, struct daemon **ret_daemon)
{
    struct daemon *daemon = calloc(1, sizeof(*daemon));
    if (!daemon)
        return -ENOMEM;
    daemon->config = parts->config;
    loop_timer_init(&daemon->drain_timer, on_drain, daemon);
    int r = make_all(daemon, parts);
    if (r < 0) {
        daemon_free(daemon);
        return r;
    }
    *ret_daemon = daemon;
    return 0;
}

/* Servers first: ending their exchanges cancels what still runs. */
void daemon_free(struct daemon *daemon)
{
    if (!daemon)
        return;
    loop_timer_stop(&daemon->drain_timer);
    http_server_free(daemon->inner);
    http_server_free(daemon->admin);
    self_test_free(daemon->self_test);
    admission_free(daemon->api.admission);
    pool_free(daemon->pool);
    run_context_free(daemon->api.runs);
    stats_free(daemon->api.stats);
    loop_free(daemon->loop);
    free(daemon);
}

uint16_t daemon_inner_port(const struct daemon *daemon)
{
    return http_server_port(daemon->inner);
}

uint16_t daemon_admin_port(const struct daemon *daemon)
{
    return http_server_port(daemon->admin);
}

struct loop *daemon_loop(const struct daemon *daemon)
{
    return daemon->loop;
}

int daemon_run(struct daemon *daemon)
{
    int r = loop_run(daemon->loop);
    return r < 0 ? r : daemon->exit_error;
}
