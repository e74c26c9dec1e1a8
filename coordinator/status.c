#include "status.h"

#include <inttypes.h>
#include <string.h>

#include "buffer.h"
#include "clock.h"
#include "embedded.h"
#include "json.h"
#include "metrics.h"
#include "problem.h"
#include "program.h"
#include "result_json.h"

enum { DOCUMENT_BYTES_MAX = 1024 * 1024, METRICS_BYTES_MAX = 4 * 1024 * 1024 };

static void respond(struct http_exchange *exchange, int error, unsigned status, const char *type,
                    struct buffer *document)
{
    char *body = NULL;
    size_t body_bytes = 0;
    if (error == 0)
        error = buffer_take_string(document, &body, &body_bytes);
    buffer_done(document);
    if (error < 0)
        problem_respond(exchange, PROBLEM_INTERNAL, "The document could not be made.");
    else
        http_exchange_respond_take(exchange, status, type, body, body_bytes);
}

void status_handle_livez(struct http_exchange *exchange, void *context)
{
    (void)context;
    static const char body[] = "{\"status\":\"alive\"}\n";
    http_exchange_respond(exchange, 200, "application/json", body, sizeof(body) - 1);
}

void status_handle_readyz(struct http_exchange *exchange, void *context)
{
    const struct service *service = context;
    struct executors_census census = executors_census(service->executors, clock_now_us());
    struct buffer document;
    buffer_init(&document, DOCUMENT_BYTES_MAX);
    int r = buffer_append_format(&document,
                                 "{\"status\":\"%s\",\"executors\":{\"known\":%zu,\"ready\":%zu,"
                                 "\"ejected\":%zu}}\n",
                                 service->is_draining ? "draining" : "ready", census.listed,
                                 census.ready, census.ejected);
    respond(exchange, r, service->is_draining ? 503 : 200, "application/json", &document);
}

/* ---- /v1/capabilities ---- */

static int write_limits(const struct coordinator_settings *settings, struct buffer *to)
{
    const struct {
        const char *key;
        uint64_t min, max, usual;
    } rows[] = {
        {"wall_ms", 1, settings->limits_wall_max_ms, settings->limits_wall_ms},
        {"cpu_ms", 1, settings->limits_cpu_max_ms, settings->limits_cpu_ms},
        {"steps", 1, settings->limits_steps_max, settings->limits_steps},
        {"memory_bytes", PROGRAM_MEMORY_BYTES_MIN, settings->limits_memory_max_bytes,
         settings->limits_memory_bytes},
        {"output_bytes", 0, settings->limits_output_max_bytes, settings->limits_output_bytes},
    };
    int r = buffer_append_format(
        to,
        "\"limits\":{\"source_bytes\":{\"max\":%" PRIu64 "},\"input_bytes\":{\"max\":%" PRIu64
        "},\"body_bytes\":{\"max\":%" PRIu64 "}",
        settings->limits_source_bytes, settings->limits_input_bytes, settings->limits_body_bytes);
    for (size_t i = 0; i < ARRAY_COUNT(rows) && r == 0; i++) {
        r = buffer_append_format(to, ",\"%s\":{\"min\":%" PRIu64 ",\"max\":%" PRIu64, rows[i].key,
                                 rows[i].min, rows[i].max);
        /* 0 steps: as many as it likes, which is no value that can be asked for. */
        if (r == 0 && rows[i].usual >= rows[i].min)
            r = buffer_append_format(to, ",\"default\":%" PRIu64, rows[i].usual);
        if (r == 0)
            r = buffer_append(to, "}", 1);
    }
    if (r < 0)
        return r;
    return buffer_append_format(to,
                                "},\"cases\":{\"max\":%" PRIu64 ",\"wall_ms\":%" PRIu64
                                "},\"queue\":{\"wait_ms\":%" PRIu64 "}",
                                settings->cases_max, settings->cases_wall_ms,
                                settings->queue_wait_ms);
}

static int write_verdicts(struct buffer *to)
{
    static const char *const helps[] = {
#define VERDICT(name, text, exit_code, help) help,
#include "verdict.def"
#undef VERDICT
    };
    int r = buffer_append_text(to, "\"verdicts\":[");
    for (unsigned i = 0; i < VERDICT_COUNT && r == 0; i++) {
        r = buffer_append_format(
            to, "%s{\"name\":\"%s\",\"exit_code\":%d,\"meaning\":", i == 0 ? "" : ",",
            verdict_name((enum verdict)i), verdict_exit_code((enum verdict)i));
        if (r == 0)
            r = json_write_text(to, helps[i]);
        if (r == 0)
            r = buffer_append(to, "}", 1);
    }
    return r == 0 ? buffer_append(to, "]", 1) : r;
}

/* The executors of one backend: how many, and the layers that hold in each of them. */
static int write_backend(const struct executors *executors, size_t first, struct buffer *to)
{
    const char *backend = executors_at(executors, first)->backend;
    layer_set layers = ~(layer_set)0;
    size_t count = 0;
    for (size_t i = first; i < executors_count(executors); i++) {
        const struct executor *executor = executors_at(executors, i);
        if (!executor->is_listed || !executor->is_known || strcmp(executor->backend, backend) != 0)
            continue;
        layers &= executor->layers;
        count++;
    }
    int r = buffer_append_text(to, "{\"backend\":");
    if (r == 0)
        r = json_write_text(to, backend);
    if (r == 0)
        r = buffer_append_format(to, ",\"executors\":%zu,\"layers\":", count);
    if (r == 0)
        r = result_json_layers(to, layers);
    return r == 0 ? buffer_append(to, "}", 1) : r;
}

static bool is_first_of_backend(const struct executors *executors, size_t index)
{
    const struct executor *executor = executors_at(executors, index);
    if (!executor->is_listed || !executor->is_known)
        return false;
    for (size_t i = 0; i < index; i++) {
        const struct executor *other = executors_at(executors, i);
        if (other->is_listed && other->is_known && strcmp(other->backend, executor->backend) == 0)
            return false;
    }
    return true;
}

static int write_sandboxes(const struct executors *executors, struct buffer *to)
{
    int r = buffer_append_text(to, "\"sandboxes\":[");
    bool is_first = true;
    for (size_t i = 0; i < executors_count(executors) && r == 0; i++) {
        if (!is_first_of_backend(executors, i))
            continue;
        r = is_first ? 0 : buffer_append(to, ",", 1);
        if (r == 0)
            r = write_backend(executors, i, to);
        is_first = false;
    }
    return r == 0 ? buffer_append(to, "]", 1) : r;
}

void status_handle_capabilities(struct http_exchange *exchange, void *context)
{
    const struct service *service = context;
    struct executors_census census = executors_census(service->executors, clock_now_us());
    struct buffer document;
    buffer_init(&document, DOCUMENT_BYTES_MAX);
    int r = buffer_append_format(&document,
                                 "{\"version\":\"%s\",\"executors\":{\"known\":%zu,\"ready\":%zu},",
                                 TRYTOK_VERSION, census.listed, census.ready);
    if (r == 0)
        r = write_limits(service->settings, &document);
    if (r == 0)
        r = buffer_append(&document, ",", 1);
    if (r == 0)
        r = write_verdicts(&document);
    if (r == 0)
        r = buffer_append(&document, ",", 1);
    if (r == 0)
        r = write_sandboxes(service->executors, &document);
    if (r == 0)
        r = buffer_append_text(&document, "}\n");
    respond(exchange, r, 200, "application/json", &document);
}

void status_handle_openapi(struct http_exchange *exchange, void *context)
{
    (void)context;
    http_exchange_respond(exchange, 200, "application/json", embedded_openapi,
                          embedded_openapi_bytes);
}

/* ---- /metrics ---- */

void status_handle_metrics(struct http_exchange *exchange, void *context)
{
    const struct service *service = context;
    struct executors_census census = executors_census(service->executors, clock_now_us());
    const struct dispatcher_counts *counts = dispatcher_counts(service->dispatcher);
    const struct telemetry_gauges gauges = {
        .executors_ready = census.ready,
        .executors_not_ready = census.listed - census.ready - census.ejected,
        .executors_ejected = census.ejected,
        .waiting = dispatcher_waiting(service->dispatcher),
        .in_flight = census.in_flight,
        .exchanges = http_server_exchange_count(service->public_server),
        .ejections = census.ejections_total,
        .retries = counts->retries,
        .retries_refused = counts->retries_refused,
    };
    struct buffer document;
    buffer_init(&document, METRICS_BYTES_MAX);
    int r = telemetry_write(service->telemetry, &gauges, &document);
    respond(exchange, r, 200, METRICS_CONTENT_TYPE, &document);
}
