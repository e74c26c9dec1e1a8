#include "stats.h"

#include <string.h>

#include "log.h"

static const char *const verdict_names[] = {
#define VERDICT(name, text, exit_code, help) text,
#include "verdict.def"
#undef VERDICT
};

static const char *const refusal_names[] = {
    [REFUSAL_UNAUTHORIZED] = "unauthorized",
    [REFUSAL_MALFORMED] = "malformed",
    [REFUSAL_LIMITS] = "limits",
    [REFUSAL_QUEUE_FULL] = "queue_full",
    [REFUSAL_QUEUE_WAIT] = "queue_wait",
    [REFUSAL_NOT_STARTED] = "not_started",
    [REFUSAL_DRAINING] = "draining",
};
_Static_assert(ARRAY_COUNT(refusal_names) == REFUSAL_COUNT, "every refusal has a name");

/* The words that the pool and the backends give; any other counts as the last. */
static const char *const failure_names[] = {
    "refused",
    "died_idle",
    "no stream for it",
    "its identity could not be taken",
    "clone failed",
    "its cgroup could not be entered",
    "descriptors could not be closed",
    "its program could not be started",
    "no memory for its stream",
    "it ended before it was armed",
    "it did not speak our protocol",
    "it spoke before it was spoken to",
    "it was not armed in time",
    "a required layer is missing",
    "its spawner is gone",
    "other",
};

static const char *const layer_names[] = {
#define LAYER(name, text, help) text,
#include "layer.def"
#undef LAYER
};

enum pool_state { POOL_IDLE, POOL_STARTING, POOL_IN_USE, POOL_ENDING, POOL_STATE_COUNT };
static const char *const pool_state_names[] = {"idle", "starting", "in_use", "ending"};
_Static_assert(ARRAY_COUNT(pool_state_names) == POOL_STATE_COUNT, "every state has a name");

static const char *const versions[] = {TRYTOK_VERSION};

static const uint64_t wait_bounds_us[] = {100,    500,    1000,   5000,    10000,   50000,
                                          100000, 250000, 500000, 1000000, 2000000, 5000000};
static const uint64_t wall_bounds_us[] = {250,     500,     1000,     2500,     5000,
                                          10000,   50000,   100000,   500000,   1000000,
                                          2500000, 5000000, 10000000, 30000000, 60000000};

struct stats {
    struct metrics *metrics; /* owned */
    struct metric *runs, *refusals, *failures;
    struct metric *wait, *wall;
    struct metric *seccomp_kills, *out_of_memory, *cpu_us;
    struct metric *pool, *running, *waiting, *ready, *started, *layers, *log_dropped, *build;
};

static int add(struct stats *stats, enum metric_kind kind, const char *name, const char *help,
               struct metric **ret_metric)
{
    return metrics_add(stats->metrics, kind, name, help, NULL, 0, ret_metric);
}

static int add_labelled(struct stats *stats, enum metric_kind kind, const char *name,
                        const char *help, const struct metric_label *label,
                        struct metric **ret_metric)
{
    return metrics_add(stats->metrics, kind, name, help, label, 1, ret_metric);
}

static int add_counters(struct stats *stats)
{
    const struct metric_label verdict = {"verdict", verdict_names, ARRAY_COUNT(verdict_names)};
    const struct metric_label refusal = {"reason", refusal_names, ARRAY_COUNT(refusal_names)};
    const struct metric_label failure = {"reason", failure_names, ARRAY_COUNT(failure_names)};
    int r = add_labelled(stats, METRIC_COUNTER, "trytok_executor_runs_total",
                         "Runs that were answered, by verdict; cancelled: the client went away.",
                         &verdict, &stats->runs);
    if (r == 0)
        r = add_labelled(stats, METRIC_COUNTER, "trytok_executor_refusals_total",
                         "Requests that were refused and not started.", &refusal, &stats->refusals);
    if (r == 0)
        r = add_labelled(stats, METRIC_COUNTER, "trytok_executor_runner_failures_total",
                         "Runners that failed to start or died before they were used.", &failure,
                         &stats->failures);
    if (r == 0)
        r = add(stats, METRIC_COUNTER, "trytok_executor_seccomp_kills_total",
                "Runs that were killed for a forbidden system call.", &stats->seccomp_kills);
    if (r == 0)
        r = add(stats, METRIC_COUNTER, "trytok_executor_oom_total",
                "Runs that the kernel ended for want of memory.", &stats->out_of_memory);
    if (r == 0)
        r = add(stats, METRIC_COUNTER, "trytok_executor_run_cpu_microseconds_total",
                "Processor time of all answered runs.", &stats->cpu_us);
    return r;
}

static int add_gauges(struct stats *stats)
{
    const struct metric_label state = {"state", pool_state_names, POOL_STATE_COUNT};
    const struct metric_label layer = {"layer", layer_names, LAYER_COUNT};
    const struct metric_label version = {"version", versions, 1};
    int r = add_labelled(stats, METRIC_GAUGE, "trytok_executor_runners", "Runners by state.",
                         &state, &stats->pool);
    if (r == 0)
        r = add(stats, METRIC_GAUGE, "trytok_executor_runs_running", "Slots in use.",
                &stats->running);
    if (r == 0)
        r = add(stats, METRIC_GAUGE, "trytok_executor_queue_depth", "Requests that wait.",
                &stats->waiting);
    if (r == 0)
        r = add(stats, METRIC_GAUGE, "trytok_executor_ready",
                "1 when the executor takes runs, as /readyz tells.", &stats->ready);
    if (r == 0)
        r = add(stats, METRIC_GAUGE, "trytok_executor_runners_started",
                "Runners that became ready since the start.", &stats->started);
    if (r == 0)
        r = add_labelled(stats, METRIC_GAUGE, "trytok_executor_sandbox_layer",
                         "1 for each sandbox layer that holds.", &layer, &stats->layers);
    if (r == 0)
        r = add(stats, METRIC_GAUGE, "trytok_executor_log_lines_dropped",
                "Log lines that could not be written at once.", &stats->log_dropped);
    if (r == 0)
        r = add_labelled(stats, METRIC_GAUGE, "trytok_executor_build_info",
                         "1, with the version as label.", &version, &stats->build);
    return r;
}

static int add_all(struct stats *stats)
{
    int r = metrics_create(&stats->metrics);
    if (r == 0)
        r = add_counters(stats);
    if (r == 0)
        r = add_gauges(stats);
    if (r == 0)
        r = metrics_add_histogram_us(stats->metrics, "trytok_executor_queue_wait_seconds",
                                     "Wait for a slot and a runner.", wait_bounds_us,
                                     ARRAY_COUNT(wait_bounds_us), &stats->wait);
    if (r == 0)
        r = metrics_add_histogram_us(stats->metrics, "trytok_executor_run_wall_seconds",
                                     "From the program's handing over to its result.",
                                     wall_bounds_us, ARRAY_COUNT(wall_bounds_us), &stats->wall);
    return r;
}

int stats_create(struct stats **ret_stats)
{
    struct stats *stats = calloc(1, sizeof(*stats));
    if (!stats)
        return -ENOMEM;
    int r = add_all(stats);
    if (r < 0) {
        stats_free(stats);
        return r;
    }
    metric_set(stats->build, 0, 0, 1);
    *ret_stats = stats;
    return 0;
}

void stats_free(struct stats *stats)
{
    if (!stats)
        return;
    metrics_free(stats->metrics);
    free(stats);
}

void stats_count_run(struct stats *stats, const struct run_summary *summary)
{
    metric_add(stats->runs, (size_t)summary->verdict, 0, 1);
    metric_add(stats->cpu_us, 0, 0, summary->cpu_us);
    metric_observe_us(stats->wall, summary->wall_us);
    if (summary->runner_died && summary->end == RUNNER_END_SIGSYS)
        metric_add(stats->seccomp_kills, 0, 0, 1);
    if (summary->runner_died && summary->end == RUNNER_END_OOM)
        metric_add(stats->out_of_memory, 0, 0, 1);
}

void stats_count_cancelled(struct stats *stats)
{
    metric_add(stats->runs, VERDICT_CANCELLED, 0, 1);
}

void stats_count_refusal(struct stats *stats, enum refusal refusal)
{
    metric_add(stats->refusals, (size_t)refusal, 0, 1);
}

void stats_count_start_failure(struct stats *stats, const char *reason)
{
    size_t i = 0;
    while (i + 1 < ARRAY_COUNT(failure_names) && strcmp(failure_names[i], reason) != 0)
        i++;
    metric_add(stats->failures, i, 0, 1);
}

void stats_observe_wait(struct stats *stats, uint64_t wait_us)
{
    metric_observe_us(stats->wait, wait_us);
}

int stats_write(struct stats *stats, const struct stats_sources *sources, struct buffer *to)
{
    struct pool_counts counts = pool_count(sources->pool);
    struct backend *backend = pool_backend(sources->pool);
    layer_set layers = backend ? backend->ops->layers(backend) : 0;
    metric_set(stats->pool, POOL_IDLE, 0, counts.idle);
    metric_set(stats->pool, POOL_STARTING, 0, counts.starting);
    metric_set(stats->pool, POOL_IN_USE, 0, counts.in_use);
    metric_set(stats->pool, POOL_ENDING, 0, counts.ending);
    metric_set(stats->running, 0, 0, admission_running(sources->admission));
    metric_set(stats->waiting, 0, 0, admission_waiting(sources->admission));
    metric_set(stats->ready, 0, 0, sources->is_ready);
    metric_set(stats->started, 0, 0, (int64_t)pool_started_total(sources->pool));
    metric_set(stats->log_dropped, 0, 0, (int64_t)log_dropped_count());
    for (size_t i = 0; i < LAYER_COUNT; i++)
        metric_set(stats->layers, i, 0, (layers & LAYER_BIT(i)) != 0);
    return metrics_write(stats->metrics, to);
}
