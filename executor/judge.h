/*
 * judge - decides a run's verdict from what was measured; what the runner claims is only a hint.
 *
 * Pure functions. Time, output, `killed` and memory taken from the kernel are the executor's own
 * findings; a claim that they contradict makes the run an internal_error.
 */
#ifndef TRYTOK_JUDGE_H
#define TRYTOK_JUDGE_H

#include "backend.h"
#include "frame.h"

struct judge_facts {
    enum frame_mode mode;
    struct frame_limits limits;
    uint64_t output_bytes; /* forwarded */
    uint64_t wall_us;      /* since the program was handed over: it ran no longer */
    uint64_t wall_sure_us; /* since STARTED was seen: it ran at least that long */
    uint64_t cpu_us;
};

/* A runner ends a program at its time limit by itself; we look so much later. */
enum { JUDGE_TIME_GRACE_US = 20000 };

/* A RESULT came. *ret_why is a constant word when the verdict is internal_error. */
enum verdict judge_claim(const struct judge_facts *facts, const struct frame_result *claim,
                         const char **ret_why);
/* The runner ended without one. */
enum verdict judge_end(const struct judge_facts *facts, enum runner_end end, const char **ret_why);

#endif
