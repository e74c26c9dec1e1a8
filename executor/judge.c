#include "judge.h"

enum { EARLY_FRACTION = 10 };

static bool is_spent(uint64_t used_us, uint32_t limit_ms)
{
    return used_us > (uint64_t)limit_ms * 1000 + JUDGE_TIME_GRACE_US;
}

/* The runner's clocks and ours are not read at the same moment. */
static bool is_nearly_spent(uint64_t used_us, uint32_t limit_ms)
{
    uint64_t limit_us = (uint64_t)limit_ms * 1000;
    return used_us + JUDGE_TIME_GRACE_US + limit_us / EARLY_FRACTION >= limit_us;
}

static bool is_plausible(const struct judge_facts *facts, const struct frame_result *claim)
{
    bool runs = facts->mode == FRAME_MODE_RUN;
    switch (claim->verdict) {
    case VERDICT_OK:
        return true;
    case VERDICT_COMPILE_ERROR:
        return facts->output_bytes == 0;
    case VERDICT_RUNTIME_ERROR:
        return runs;
    case VERDICT_STEP_LIMIT:
        return runs && facts->limits.steps > 0 && claim->steps >= facts->limits.steps;
    case VERDICT_MEMORY_LIMIT:
        return claim->memory_peak_bytes <= facts->limits.memory_bytes;
    case VERDICT_OUTPUT_LIMIT:
        return runs && facts->output_bytes == facts->limits.output_bytes;
    case VERDICT_TIME_LIMIT:
        return is_nearly_spent(facts->cpu_us, facts->limits.cpu_ms) ||
               is_nearly_spent(facts->wall_us, facts->limits.wall_ms);
    case VERDICT_KILLED:
    case VERDICT_CANCELLED:
    case VERDICT_INTERNAL_ERROR:
    case VERDICT_COUNT:
        return false;
    }
    return false;
}

enum verdict judge_claim(const struct judge_facts *facts, const struct frame_result *claim,
                         const char **ret_why)
{
    if (claim->verdict == VERDICT_INTERNAL_ERROR) {
        *ret_why = "the runner failed";
        return VERDICT_INTERNAL_ERROR;
    }
    if (!is_plausible(facts, claim)) {
        *ret_why = "a false claim";
        return VERDICT_INTERNAL_ERROR;
    }
    if (is_spent(facts->cpu_us, facts->limits.cpu_ms) ||
        is_spent(facts->wall_sure_us, facts->limits.wall_ms))
        return VERDICT_TIME_LIMIT;
    return claim->verdict;
}

enum verdict judge_end(const struct judge_facts *facts, enum runner_end end, const char **ret_why)
{
    switch (end) {
    case RUNNER_END_SIGSYS:
        return VERDICT_KILLED;
    case RUNNER_END_OOM:
        return VERDICT_MEMORY_LIMIT;
    case RUNNER_END_CPU:
        if (is_nearly_spent(facts->cpu_us, facts->limits.cpu_ms))
            return VERDICT_TIME_LIMIT;
        *ret_why = "the runner took another's time limit";
        return VERDICT_INTERNAL_ERROR;
    case RUNNER_END_EXITED:
        *ret_why = "the runner exited without a result";
        return VERDICT_INTERNAL_ERROR;
    case RUNNER_END_KILLED:
        *ret_why = "the runner closed its stream and stayed";
        return VERDICT_INTERNAL_ERROR;
    case RUNNER_END_SIGNAL:
        *ret_why = "the runner was ended by a signal";
        return VERDICT_INTERNAL_ERROR;
    case RUNNER_END_LOST:
        break;
    }
    *ret_why = "the runner was lost";
    return VERDICT_INTERNAL_ERROR;
}
