/*
 * metrics - counters, gauges and histograms in Prometheus' text format (version 0.0.4).
 *
 * Label values are fixed when a family is made, so that no client can make series: a family has up
 * to two labels, each with a fixed list of values, and is indexed by their positions.
 *
 * Threads: one (the loop's). Memory: names, helps and label lists are borrowed for the registry's
 * life (string literals, static tables). Errors: 0 or -errno at creation; updates cannot fail.
 */
#ifndef TRYTOK_METRICS_H
#define TRYTOK_METRICS_H

#include <stdint.h>

#include "attributes.h"
#include "buffer.h"

struct metrics;
struct metric; /* owned by its registry */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric_label {
    const char *name;
    const char *const *values;
    size_t count;
};

MUST_CHECK int metrics_create(struct metrics **ret_metrics);
void metrics_free(struct metrics *metrics); /* NULL is fine */

/* `labels` has label_count (0 to 2) entries. */
MUST_CHECK int metrics_add(struct metrics *metrics, enum metric_kind kind, const char *name,
                           const char *help, const struct metric_label *labels, size_t label_count,
                           struct metric **ret_metric);
/* Bounds are in microseconds and shown in seconds; the name ends in _seconds. */
MUST_CHECK int metrics_add_histogram_us(struct metrics *metrics, const char *name, const char *help,
                                        const uint64_t *bounds_us, size_t bound_count,
                                        struct metric **ret_metric);

void metric_add(struct metric *metric, size_t i, size_t j,
                uint64_t amount);                                          /* indexes 0 if unused */
void metric_set(struct metric *metric, size_t i, size_t j, int64_t value); /* gauges */
void metric_observe_us(struct metric *metric, uint64_t value_us);          /* histograms */
uint64_t metric_value(const struct metric *metric, size_t i, size_t j);

MUST_CHECK int metrics_write(const struct metrics *metrics, struct buffer *to);
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
