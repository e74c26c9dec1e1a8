/*
 * tick - a runner's sense of time: interrupts the program at its limits, and sends what it has
 * printed every so often.
 *
 * One real-time timer, whose handler looks at both clocks and sets the timer again for what comes
 * next. A short program never sees it. The handler sends from where the program happens to be,
 * unless that is in the middle of filling the stream: who does that says so with tick_hold(). The executor has the last word on time: it kills what does not stop by itself.
 *
 * Threads: one; the handler runs on it. Errors: 0 or -errno.
 */
#ifndef TRYTOK_TICK_H
#define TRYTOK_TICK_H

#include <stdint.h>

#include "attributes.h"

struct stream;
struct tok_vm;

enum { TICK_MS = 20 };

/* Installs the handler; before the filter, which takes sigaction away. */
MUST_CHECK int tick_prepare(void);

/* Starts to count; the first tick comes after TICK_MS. */
MUST_CHECK int tick_start(struct tok_vm *vm, struct stream *stream, uint32_t wall_ms,
                          uint32_t cpu_ms);

/* Between the two the stream is its caller's alone. 0, or -errno of a sending that came due. */
void tick_hold(void);
MUST_CHECK int tick_release(void);

uint64_t tick_cpu_us(void); /* processor time of this process */

#endif
