#include "prober.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "clock.h"
#include "json.h"
#include "log.h"

enum { ANSWER_BYTES_MAX = 64 * 1024, NUMBER_CHARS_MAX = 6, PROBE_TIMEOUT_MS = 1000 };

struct probe {
    struct prober *prober;     /* borrowed */
    struct executor *executor; /* borrowed; kept by is_probing */
    struct http_call *call;    /* owned until it ends */
    bool is_of_capabilities;   /* else of /readyz */
    unsigned status;
    struct buffer body;
    struct probe *next, *previous;
};

struct prober {
    struct prober_config config;
    struct loop_timer timer;
    struct probe *probes; /* under way */
};

static int start_probe(struct prober *prober, struct executor *executor, bool is_of_capabilities);

static void probe_free(struct probe *probe)
{
    if (probe->next)
        probe->next->previous = probe->previous;
    if (probe->previous)
        probe->previous->next = probe->next;
    else
        probe->prober->probes = probe->next;
    probe->executor->is_probing = false;
    buffer_done(&probe->body);
    free(probe);
}

/* ---- what an executor offers ---- */

static layer_set parse_layers(const cJSON *array)
{
    layer_set layers = 0;
    for (const cJSON *item = array ? array->child : NULL; item; item = item->next) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(item, "name");
        enum layer layer;
        if (cJSON_IsString(name) && layer_find(name->valuestring, &layer) == 0 &&
            cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "holds")))
            layers |= LAYER_BIT(layer);
    }
    return layers;
}

static void take_capabilities(struct probe *probe)
{
    cJSON *tree = NULL;
    struct json_error error;
    if (json_parse(buffer_data(&probe->body), buffer_count(&probe->body), &tree, &error) < 0)
        return;
    struct executor *executor = probe->executor;
    const cJSON *backend = cJSON_GetObjectItemCaseSensitive(tree, "backend");
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(tree, "layers");
    if (cJSON_IsString(backend) && strlen(backend->valuestring) < sizeof(executor->backend) &&
        cJSON_IsArray(layers)) {
        memcpy(executor->backend, backend->valuestring, strlen(backend->valuestring) + 1);
        executor->layers = parse_layers(layers);
        executor->is_known = true;
    }
    cJSON_Delete(tree);
}

/* ---- /readyz ---- */

static void take_readiness(struct probe *probe, enum http_failure failure)
{
    struct prober *prober = probe->prober;
    bool was_ready = probe->executor->is_ready;
    bool is_ready = failure == HTTP_FAILURE_NONE && probe->status == 200;
    executor_probed(prober->config.executors, probe->executor, failure == HTTP_FAILURE_NONE,
                    is_ready, clock_now_us());
    if (is_ready != was_ready) {
        const char *state = is_ready                       ? "ready"
                            : failure == HTTP_FAILURE_NONE ? "not ready"
                                                           : "unreachable";
        log_info("executor changed", LOG_STR("executor", probe->executor->name),
                 LOG_STR("state", state));
    }
    /* Its slots may have changed too. */
    dispatcher_wake(prober->config.dispatcher);
}

static unsigned header_number(const struct http_call *call, const char *name)
{
    const char *text = http_call_header(call, name);
    unsigned value = 0;
    for (size_t i = 0; text && i < NUMBER_CHARS_MAX && text[i] >= '0' && text[i] <= '9'; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    return value;
}

static int on_headers(void *context, struct http_call *call, unsigned status)
{
    struct probe *probe = context;
    probe->status = status;
    if (!probe->is_of_capabilities)
        executor_told(probe->executor, header_number(call, INNER_HEADER_SLOTS),
                      header_number(call, INNER_HEADER_BUSY));
    return 0;
}

static int on_body(void *context, const char *bytes, size_t count)
{
    struct probe *probe = context;
    return buffer_append(&probe->body, bytes, count);
}

static void on_end(void *context, enum http_failure failure)
{
    struct probe *probe = context;
    struct prober *prober = probe->prober;
    struct executor *executor = probe->executor;
    probe->call = NULL;
    if (!probe->is_of_capabilities)
        take_readiness(probe, failure);
    else if (failure == HTTP_FAILURE_NONE && probe->status == 200)
        take_capabilities(probe);
    bool look_further = !probe->is_of_capabilities && executor->is_ready && !executor->is_known;
    probe_free(probe);
    if (look_further && start_probe(prober, executor, true) < 0)
        log_debug("executor not asked", LOG_STR("executor", executor->name));
}

static int start_probe(struct prober *prober, struct executor *executor, bool is_of_capabilities)
{
    struct probe *probe = calloc(1, sizeof(*probe));
    if (!probe)
        return -ENOMEM;
    probe->prober = prober;
    probe->executor = executor;
    probe->is_of_capabilities = is_of_capabilities;
    buffer_init(&probe->body, ANSWER_BYTES_MAX);
    executor->is_probing = true;
    probe->next = prober->probes;
    if (probe->next)
        probe->next->previous = probe;
    prober->probes = probe;

    static const char *const headers[] = {NULL};
    const struct http_call_config config = {
        .address = (const struct sockaddr *)&executor->address,
        .method = "GET",
        .path = is_of_capabilities ? "/v1/capabilities" : "/readyz",
        .headers = headers,
        .timeout_ms = PROBE_TIMEOUT_MS,
        .context = probe,
        .on_headers = on_headers,
        .on_body = on_body,
        .on_end = on_end,
    };
    int r = http_client_start(prober->config.client, &config, &probe->call);
    if (r < 0)
        probe_free(probe);
    return r;
}

void prober_look(struct prober *prober)
{
    executors_sweep(prober->config.executors);
    for (size_t i = 0; i < executors_count(prober->config.executors); i++) {
        struct executor *executor = executors_at(prober->config.executors, i);
        if (executor->is_listed && !executor->is_probing &&
            start_probe(prober, executor, false) < 0)
            log_debug("executor not asked", LOG_STR("executor", executor->name));
    }
}

static void on_time(void *context)
{
    struct prober *prober = context;
    prober_look(prober);
    int r = loop_timer_start_ms(prober->config.loop, &prober->timer, prober->config.interval_ms);
    if (r < 0)
        log_error("executors are no longer watched", LOG_ERRNO(r));
}

int prober_create(const struct prober_config *config, struct prober **ret_prober)
{
    AUTO_FREE struct prober *prober = calloc(1, sizeof(*prober));
    if (!prober)
        return -ENOMEM;
    prober->config = *config;
    loop_timer_init(&prober->timer, on_time, prober);
    int r = loop_timer_start_ms(config->loop, &prober->timer, config->interval_ms);
    if (r < 0)
        return r;
    *ret_prober = TAKE(prober);
    return 0;
}

void prober_free(struct prober *prober)
{
    if (!prober)
        return;
    loop_timer_stop(&prober->timer);
    while (prober->probes) {
        if (prober->probes->call)
            http_call_cancel(prober->probes->call);
        probe_free(prober->probes);
    }
    free(prober);
}
