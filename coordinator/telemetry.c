#include "telemetry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "metrics.h"
#include "problem.h"

static const char *const route_values[] = {
    "/execute", "/check", "/livez", "/readyz", "/v1/capabilities", "/openapi.json", "none",
};
static const char *const status_values[] = {
    "200", "204", "400", "401", "403", "404", "405", "408", "409", "413",   "414",
    "415", "417", "422", "429", "431", "500", "502", "503", "504", "other",
};
static const char *const problem_values[] = {
#define PROBLEM(name, code, status, title) code,
#include "problem.def"
#undef PROBLEM
};
static const char *const mode_values[] = {
    [FRAME_MODE_RUN] = "execute",
    [FRAME_MODE_CHECK] = "check",
};
static const char *const verdict_values[] = {
#define VERDICT(name, text, exit_code, help) text,
#include "verdict.def"
#undef VERDICT
};
static const char *const state_values[] = {"ready", "not_ready", "ejected"};
static const char *const version_values[] = {TRYTOK_VERSION};

static const uint64_t duration_bounds_us[] = {
    250,    500,    1000,   2500,    5000,    10000,   25000,    50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
};

struct telemetry {
    struct metrics *metrics;
    bool log_access;
    struct metric *answers, *problems, *runs, *duration, *wait;
    struct metric *executors, *waiting, *in_flight, *exchanges;
    struct metric *ejections, *retries, *retries_refused, *log_dropped, *build_info;
};

/* A family, or NULL and *result set; later ones are not tried then. */
static struct metric *add(struct telemetry *telemetry, int *result, enum metric_kind kind,
                          const char *name, const char *help, const struct metric_label *labels)
{
    size_t count = 0;
    while (labels && labels[count].name)
        count++;
    struct metric *metric = NULL;
    if (*result == 0)
        *result = metrics_add(telemetry->metrics, kind, name, help, labels, count, &metric);
    return metric;
}

static struct metric *add_histogram(struct telemetry *telemetry, int *result, const char *name,
                                    const char *help)
{
    struct metric *metric = NULL;
    if (*result == 0)
        *result = metrics_add_histogram_us(telemetry->metrics, name, help, duration_bounds_us,
                                           ARRAY_COUNT(duration_bounds_us), &metric);
    return metric;
}

#define LABEL(name_, values_)                                                                      \
    {                                                                                              \
        .name = (name_), .values = (values_), .count = ARRAY_COUNT(values_)                        \
    }
#define LABELS_END                                                                                 \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static int add_requests(struct telemetry *t)
{
    static const struct metric_label answers[] = {LABEL("route", route_values),
                                                  LABEL("status", status_values), LABELS_END};
    static const struct metric_label problems[] = {LABEL("code", problem_values), LABELS_END};
    static const struct metric_label runs[] = {LABEL("endpoint", mode_values),
                                               LABEL("verdict", verdict_values), LABELS_END};
    int r = 0;
    t->answers = add(t, &r, METRIC_COUNTER, "trytok_coordinator_requests_total",
                     "Answers by route and status.", answers);
    t->problems = add(t, &r, METRIC_COUNTER, "trytok_coordinator_problems_total",
                      "Refusals by problem code.", problems);
    t->runs = add(t, &r, METRIC_COUNTER, "trytok_coordinator_runs_total",
                  "Runs by endpoint and verdict; each case is one.", runs);
    t->duration = add_histogram(t, &r, "trytok_coordinator_request_duration_seconds",
                                "From a request's headers to the end of its answer, of runs.");
    t->wait = add_histogram(t, &r, "trytok_coordinator_queue_wait_seconds",
                            "Waiting for an executor with room.");
    t->exchanges = add(t, &r, METRIC_GAUGE, "trytok_coordinator_requests_in_flight",
                       "Requests not yet answered.", NULL);
    t->waiting = add(t, &r, METRIC_GAUGE, "trytok_coordinator_queue_depth",
                     "Runs that wait for an executor.", NULL);
    t->in_flight = add(t, &r, METRIC_GAUGE, "trytok_coordinator_runs_in_flight",
                       "Runs that executors have.", NULL);
    return r;
}

static int add_executors(struct telemetry *t)
{
    static const struct metric_label states[] = {LABEL("state", state_values), LABELS_END};
    static const struct metric_label version[] = {LABEL("version", version_values), LABELS_END};
    int r = 0;
    t->executors = add(t, &r, METRIC_GAUGE, "trytok_coordinator_executors",
                       "Executors that are known, by state.", states);
    t->ejections = add(t, &r, METRIC_COUNTER, "trytok_coordinator_ejections_total",
                       "Times that an executor was left alone after failing.", NULL);
    t->retries = add(t, &r, METRIC_COUNTER, "trytok_coordinator_retries_total",
                     "Runs that had not started and were tried again.", NULL);
    t->retries_refused = add(t, &r, METRIC_COUNTER, "trytok_coordinator_retries_refused_total",
                             "Retries that the budget did not allow.", NULL);
    t->log_dropped = add(t, &r, METRIC_COUNTER, "trytok_coordinator_log_dropped_total",
                         "Log lines that could not be written at once.", NULL);
    t->build_info = add(t, &r, METRIC_GAUGE, "trytok_coordinator_build_info",
                        "The version that runs.", version);
    return r;
}

int telemetry_create(bool log_access, struct telemetry **ret_telemetry)
{
    struct telemetry *telemetry = calloc(1, sizeof(*telemetry));
    if (!telemetry)
        return -ENOMEM;
    telemetry->log_access = log_access;
    int r = metrics_create(&telemetry->metrics);
    if (r == 0)
        r = add_requests(telemetry);
    if (r == 0)
        r = add_executors(telemetry);
    if (r < 0) {
        telemetry_free(telemetry);
        return r;
    }
    metric_set(telemetry->build_info, 0, 0, 1);
    *ret_telemetry = telemetry;
    return 0;
}

void telemetry_free(struct telemetry *telemetry)
{
    if (!telemetry)
        return;
    metrics_free(telemetry->metrics);
    free(telemetry);
}

/* The place of a text in a list whose last entry stands for all others. */
static size_t place_of(const char *const *values, size_t count, const char *text)
{
    for (size_t i = 0; text && i + 1 < count; i++) {
        if (strcmp(values[i], text) == 0)
            return i;
    }
    return count - 1;
}

void telemetry_answered(struct telemetry *telemetry, const char *path, unsigned status,
                        const char *problem_code)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u", status);
    metric_add(telemetry->answers, place_of(route_values, ARRAY_COUNT(route_values), path),
               place_of(status_values, ARRAY_COUNT(status_values), text), 1);
    for (size_t i = 0; problem_code && i < ARRAY_COUNT(problem_values); i++) {
        if (strcmp(problem_values[i], problem_code) == 0)
            metric_add(telemetry->problems, i, 0, 1);
    }
}

void telemetry_run(struct telemetry *telemetry, enum frame_mode mode, enum verdict verdict)
{
    metric_add(telemetry->runs, (size_t)mode, (size_t)verdict, 1);
}

void telemetry_waited(struct telemetry *telemetry, uint64_t wait_us)
{
    metric_observe_us(telemetry->wait, wait_us);
}

void telemetry_request(struct telemetry *telemetry, const struct telemetry_request *request)
{
    if (request->is_run)
        metric_observe_us(telemetry->duration, request->total_us);
    if (!telemetry->log_access)
        return;
    /* Health checks that went well are noise. */
    enum log_level level =
        request->is_run || request->status >= 400 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
    LOG_EVENT(level, "request", LOG_STR("id", request->id), LOG_STR("method", request->method),
              LOG_STR("route", request->path), LOG_UINT("status", request->status),
              LOG_STR("code", request->problem_code), LOG_STR("verdict", request->verdict),
              LOG_UINT("runs", request->runs), LOG_UINT("total_us", request->total_us),
              LOG_UINT("queue_us", request->queue_us), LOG_UINT("wall_us", request->wall_us),
              LOG_UINT("body_bytes", request->body_bytes),
              LOG_UINT("output_bytes", request->output_bytes));
}

/* A counter that is kept elsewhere is brought up to date. */
static void catch_up(struct metric *counter, uint64_t total)
{
    uint64_t shown = metric_value(counter, 0, 0);
    if (total > shown)
        metric_add(counter, 0, 0, total - shown);
}

int telemetry_write(struct telemetry *telemetry, const struct telemetry_gauges *gauges,
                    struct buffer *to)
{
    metric_set(telemetry->executors, 0, 0, (int64_t)gauges->executors_ready);
    metric_set(telemetry->executors, 1, 0, (int64_t)gauges->executors_not_ready);
    metric_set(telemetry->executors, 2, 0, (int64_t)gauges->executors_ejected);
    metric_set(telemetry->waiting, 0, 0, (int64_t)gauges->waiting);
    metric_set(telemetry->in_flight, 0, 0, (int64_t)gauges->in_flight);
    metric_set(telemetry->exchanges, 0, 0, (int64_t)gauges->exchanges);
    catch_up(telemetry->ejections, gauges->ejections);
    catch_up(telemetry->retries, gauges->retries);
    catch_up(telemetry->retries_refused, gauges->retries_refused);
    catch_up(telemetry->log_dropped, log_dropped_count());
    return metrics_write(telemetry->metrics, to);
}
