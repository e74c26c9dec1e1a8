/*
 * victim - one run of a Tok program with an allocator that fails when it is told to, and all that
 * came of it.
 *
 * Memory: outcome_done() frees what an outcome holds. What was freed by the machine is overwritten,
 * and every block moves when it is resized, so that a use of it shows.
 */
#ifndef TORTURE_VICTIM_H
#define TORTURE_VICTIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tok/tok.h>

struct bytes {
    char *bytes; /* owned; NULL while empty */
    size_t count;
};

struct outcome {
    enum tok_verdict verdict;
    uint64_t steps;
    uint64_t allocations;
    size_t leaked_bytes; /* not freed with the machine, or not counted by it */
    bool works_after;    /* with memory back, another program runs as it should, if budgets allow */
    struct bytes output;
    struct bytes reports; /* the texts of all diagnostics */
};

/* `fail_at`: the allocation that fails, from 1; 0: none. `for_ever`: all after it as well. */
void victim_run(const char *source, size_t source_bytes, uint64_t fail_at, bool for_ever,
                struct outcome *ret_outcome);
void outcome_done(struct outcome *outcome);

#endif
