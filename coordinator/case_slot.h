/*
 * case_slot - one run of a request, and what it said while it was not its turn to be shown.
 *
 * Threads: the loop's. Memory: owns the kept frames; case_slot_done() frees them. Errors: 0, -ENOMEM,
 * -EMSGSIZE (an executor sends more than the run may print).
 */
#ifndef TRYTOK_CASE_SLOT_H
#define TRYTOK_CASE_SLOT_H

#include "attributes.h"
#include "buffer.h"
#include "outcome.h"
#include "run.h"

struct request;

struct case_slot {
    struct request *request; /* borrowed: whose run it is */
    struct run run;
    size_t index;       /* of the case */
    bool has_started;   /* said so */
    bool has_result;    /* said it: `outcome` holds it */
    bool is_over;       /* `end` holds how */
    bool is_cut;        /* more output came than the request may show */
    bool is_incomplete; /* diagnostics were left out */
    enum run_end end;
    struct outcome outcome;
    struct buffer kept;  /* STDOUT and DIAGNOSTIC frames to be shown later */
    size_t open_at;      /* where in it the last STDOUT frame starts that may still grow */
    uint32_t open_bytes; /* of its payload; 0: there is none */
};

void case_slot_init(struct case_slot *slot, struct request *request, size_t index,
                    size_t output_bytes_max);
void case_slot_done(struct case_slot *slot); /* fine after calloc; cancels the run */

/* Adjacent pieces of output become one frame. Diagnostics that find no room are left out and the
 * slot is marked incomplete. */
MUST_CHECK int case_slot_keep_output(struct case_slot *slot, const char *bytes, size_t count);
MUST_CHECK int case_slot_keep_diagnostic(struct case_slot *slot,
                                         const struct frame_diagnostic *diagnostic);

struct case_slot_events {
    int (*output)(struct case_slot *slot, const char *bytes, size_t count);
    int (*diagnostic)(struct case_slot *slot, const struct frame_diagnostic *diagnostic);
};
/* Tells all that was kept, in order, and forgets it. */
MUST_CHECK int case_slot_replay(struct case_slot *slot, const struct case_slot_events *events);

#endif
