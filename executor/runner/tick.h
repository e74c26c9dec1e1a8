/*
 * tick - a runner's sense of time: interrupts the program at its limits, and says every so often
 * that what was printed should be seen.
 *
 * One real-time timer, whose handler looks at both clocks and sets the timer again for what comes
 * next. The executor has the last word on time: it kills what does not stop by itself.
 *
 * Threads: one; the handler runs on it. Errors: 0 or -errno.
 */
#ifndef TRYTOK_TICK_H
#define TRYTOK_TICK_H

#include <stdbool.h>
#include <stdint.h>

#include "attributes.h"

struct tok_vm;

enum { TICK_MS = 20 };

/* Installs the handler; before the filter, which takes sigaction away. */
MUST_CHECK int tick_prepare(void);

/* Starts to count. The first tick comes after TICK_MS, so that short programs never see one. */
MUST_CHECK int tick_start(struct tok_vm *vm, uint32_t wall_ms, uint32_t cpu_ms);

/* True once after each tick. */
bool tick_take(void);

uint64_t tick_cpu_us(void); /* processor time of this process */

#endif
