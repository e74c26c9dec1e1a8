/*
 * stats - the executor's metrics: what was run, refused and waited for, and the state of the pool.
 *
 * Threads: the loop's. Memory: stats_free(). Errors: -ENOMEM at creation; counting cannot fail.
 */
#ifndef TRYTOK_STATS_H
#define TRYTOK_STATS_H

#include "admission.h"
#include "metrics.h"
#include "pool.h"
#include "run.h"

struct stats;

/* Why a request was refused; the names are label values. */
enum refusal {
    REFUSAL_UNAUTHORIZED,
    REFUSAL_MALFORMED,
    REFUSAL_LIMITS,
    REFUSAL_QUEUE_FULL,
    REFUSAL_QUEUE_WAIT,
    REFUSAL_NOT_STARTED,
    REFUSAL_DRAINING,
    REFUSAL_COUNT,
};

/* What is looked at when the metrics are read; all borrowed. */
struct stats_sources {
    const struct pool *pool;
    const struct admission *admission;
    bool is_ready;
};

MUST_CHECK int stats_create(struct stats **ret_stats);
void stats_free(struct stats *stats); /* NULL is fine */

void stats_count_run(struct stats *stats, const struct run_summary *summary); /* an answered one */
void stats_count_cancelled(struct stats *stats);
void stats_count_refusal(struct stats *stats, enum refusal refusal);
void stats_count_start_failure(struct stats *stats, const char *reason);
void stats_observe_wait(struct stats *stats, uint64_t wait_us);
MUST_CHECK int stats_write(struct stats *stats, const struct stats_sources *sources,
                           struct buffer *to);

#endif
