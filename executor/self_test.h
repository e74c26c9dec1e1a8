/*
 * self_test - the executor's own first run: nothing is taken from others until it was right.
 *
 * Threads: the loop's. Memory: self_test_free(), which cancels what is under way.
 */
#ifndef TRYTOK_SELF_TEST_H
#define TRYTOK_SELF_TEST_H

#include "run.h"

struct self_test;

struct self_test_config {
    struct loop *loop; /* borrowed, as is the rest */
    struct run_context *runs;
    struct frame_limits limits; /* of the run; none may be above the executor's own */
    void *context;
    void (*passed)(void *context); /* once */
};

MUST_CHECK int self_test_create(const struct self_test_config *config, struct self_test **ret_test);
void self_test_free(struct self_test *test); /* NULL is fine */

/* The pool has a runner: runs the test unless it has passed, is under way or waits to try again. */
void self_test_look(struct self_test *test);

#endif
