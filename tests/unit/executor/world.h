/*
 * world - what most tests of the executor need: a loop with a deadline, a fake backend, a pool.
 */
#ifndef TRYTOK_TEST_WORLD_H
#define TRYTOK_TEST_WORLD_H

#include "fake_backend.h"
#include "pool.h"

struct world {
    struct loop *loop;
    struct fake_backend fake;
    struct pool *pool;
    unsigned available_count, failed_count, lost_count;
    const char *failed_reason;
    struct loop_timer deadline, poll;
    bool (*is_done)(void *context);
    void *context;
};

enum { WORLD_WARM = 4, WORLD_IN_USE = 4 };

void world_open(struct world *world);      /* nothing is started yet */
void world_open_warm(struct world *world); /* all runners are warm */
/* Only to wait on somebody else's loop; not to be closed. */
void world_borrow(struct world *world, struct loop *loop);
void world_close(struct world *world);
/* Runs the loop until is_done() says so; fails the test after ten seconds. */
void world_run_until(struct world *world, bool (*is_done)(void *context), void *context);
void world_run_until_warm(struct world *world);
void world_run_until_reaped(struct world *world); /* warm, and nobody in use or ending */
/* Runs the loop for at least so long. */
void world_run_ms(struct world *world, unsigned duration_ms);

unsigned count_open_fds(void);

#endif
