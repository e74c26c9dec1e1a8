#include "outcome.h"

#include <string.h>

static void copy_text(char *to, size_t to_bytes, struct frame_text text)
{
    size_t count = text.count < to_bytes ? text.count : to_bytes - 1;
    memcpy(to, text.bytes, count);
    to[count] = '\0';
}

void outcome_of_verdict(struct outcome *outcome, const char *id, enum verdict verdict)
{
    *outcome = (struct outcome){.verdict = verdict};
    memcpy(outcome->id, id, INNER_ID_CHARS);
}

void outcome_of_result(struct outcome *outcome, const char *id, const struct frame_result *result)
{
    outcome_of_verdict(outcome, id, result->verdict);
    outcome->truncated = result->truncated;
    outcome->queue_us = result->queue_us;
    outcome->wall_us = result->wall_us;
    outcome->cpu_us = result->cpu_us;
    outcome->memory_peak_bytes = result->memory_peak_bytes;
    outcome->steps = result->steps;
    outcome->layers = result->layers;
    copy_text(outcome->backend, sizeof(outcome->backend), result->backend);
    copy_text(outcome->pod, sizeof(outcome->pod), result->pod);
}

void outcome_add(struct outcome *sum, const struct outcome *one)
{
    if (sum->verdict == VERDICT_OK)
        sum->verdict = one->verdict;
    sum->truncated = sum->truncated || one->truncated;
    sum->queue_us += one->queue_us;
    sum->wall_us += one->wall_us;
    sum->cpu_us += one->cpu_us;
    sum->steps += one->steps;
    if (sum->memory_peak_bytes < one->memory_peak_bytes)
        sum->memory_peak_bytes = one->memory_peak_bytes;
}
