/*
 * admission - who may run now, who waits, who is refused.
 *
 * At most `slots` tickets are admitted at a time. The others wait in one queue, first come, first
 * served, bounded in length and each in time. A ticket is admitted when there is a slot and the pool
 * has a runner, so that an empty pool is a bounded wait as well.
 *
 * Threads: all on the loop's thread.
 * Memory:  a ticket is its owner's, who keeps it until admission_leave() or the refusal.
 * Errors:  -EBUSY: the queue is full; nothing was called.
 */
#ifndef TRYTOK_ADMISSION_H
#define TRYTOK_ADMISSION_H

#include "loop.h"
#include "pool.h"

struct admission;
struct admission_ticket;

struct admission_config {
    struct loop *loop; /* borrowed, as is the pool */
    struct pool *pool;
    unsigned slots, queue_max;
};

typedef void (*admission_fn)(void *context);

enum ticket_state { TICKET_NONE, TICKET_WAITING, TICKET_ADMITTED };

struct admission_ticket {
    struct admission *admission;
    enum ticket_state state;
    struct loop_timer timer;
    struct admission_ticket *next, *previous;
    void *context;
    admission_fn admitted; /* there is a slot and an idle runner; then admission_leave() */
    admission_fn refused;  /* waited in vain; the ticket is done with */
};

MUST_CHECK int admission_create(const struct admission_config *config,
                                struct admission **ret_admission);
void admission_free(struct admission *admission); /* when all tickets have left; NULL is fine */

/* `admitted` may be called before this returns. wait_us 0: now or never. */
MUST_CHECK int admission_enter(struct admission *admission, struct admission_ticket *ticket,
                               uint64_t wait_us);
void admission_leave(
    struct admission_ticket *ticket);             /* from any state; the next is admitted soon */
void admission_look(struct admission *admission); /* the pool has a runner again */

bool admission_is_full(const struct admission *admission); /* whoever comes now is refused */
unsigned admission_running(const struct admission *admission);
unsigned admission_waiting(const struct admission *admission);

#endif
