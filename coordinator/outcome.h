/*
 * outcome - how one run ended, as every kind of answer shows it; and the sum of several.
 *
 * Threads: any. Plain values.
 */
#ifndef TRYTOK_OUTCOME_H
#define TRYTOK_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "inner.h"

enum { OUTCOME_BACKEND_BYTES = 16 };

struct outcome {
    char id[INNER_ID_CHARS + 1];
    enum verdict verdict;
    bool truncated;
    uint64_t queue_us, wall_us, cpu_us;
    uint64_t memory_peak_bytes, steps;
    layer_set layers;
    char backend[OUTCOME_BACKEND_BYTES]; /* "": no executor told */
    char pod[FRAME_POD_MAX + 1];         /* "": none */
};

/* What an executor told; a verdict or a name that is too long is cut. */
void outcome_of_result(struct outcome *outcome, const char *id, const struct frame_result *result);
/* One that nobody told. */
void outcome_of_verdict(struct outcome *outcome, const char *id, enum verdict verdict);

/* Adds a case to the sum: the first verdict that is not ok stands for all, usage is added up (the
 * memory's peak: the largest). */
void outcome_add(struct outcome *sum, const struct outcome *one);

#endif
