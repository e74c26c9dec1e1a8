/*
 * run - one program with one input on one executor: waiting, asking, retrying, listening.
 *
 * Threads: the loop's. Memory: embedded in its owner, which keeps it (and the texts it borrows) until
 * `end` was told or run_cancel(). Errors: 0 or -errno when handed in; later ones come through `end`.
 */
#ifndef TRYTOK_RUN_H
#define TRYTOK_RUN_H

#include "attributes.h"
#include "client_key.h"
#include "dispatcher.h"
#include "executor_call.h"
#include "fair_queue.h"
#include "frame.h"
#include "loop.h"

enum run_state {
#define STATE(name, text) RUN_##name,
#include "run_state.def"
#undef STATE
    RUN_STATE_COUNT
};

enum run_end {
    RUN_END_RESULT,      /* `result` was told */
    RUN_END_BUSY,        /* never started: no place in time */
    RUN_END_UNREACHABLE, /* never started: no executor could be reached */
    RUN_END_LATE,        /* not known to have started when its time was over */
    RUN_END_LOST,        /* its executor was lost, or cannot be believed */
    RUN_END_STOPPED,     /* an event refused */
    RUN_END_FAILED,      /* our own fault */
};

/* Of all but `end`: no run may be submitted or cancelled in them; negative stops this one. */
struct run_events {
    void *context;
    int (*started)(void *context);
    int (*output)(void *context, const char *bytes, size_t count);
    int (*diagnostic)(void *context, const struct frame_diagnostic *diagnostic);
    int (*result)(void *context, const struct frame_result *result);
    void (*end)(void *context, enum run_end end); /* the run is its owner's again */
};

struct run_config {
    struct dispatcher *dispatcher; /* borrowed */
    struct client_key client;
    char id[INNER_ID_CHARS + 1];
    enum frame_mode mode;
    struct frame_limits limits; /* wall_ms is cut to what the deadline leaves */
    struct frame_text source, input;
    uint64_t wait_max_us;
    uint64_t deadline_us; /* on the clock: waiting and running must be over then */
    bool is_more;         /* of a request whose first run was let in: not refused by a full queue */
    struct run_events events;
};

struct run {
    struct run_config config;
    enum run_state state;
    struct fair_entry entry;
    struct loop_timer timer;         /* of the wait */
    struct executor *executor;       /* acquired; NULL without one */
    struct executor_call *call;      /* owned; NULL without one */
    uint64_t submitted_us, asked_us; /* asked: the executor, last */
    unsigned attempts;
    /* What happened and was not looked at yet. */
    struct executor *offered;
    bool has_started, has_ended, is_late;
    enum call_end call_end;
};

/* -EBUSY: no place, -ENOENT: no executor is known; other errors are ours. Events come later. */
MUST_CHECK int run_submit(struct run *run, const struct run_config *config);
/* Ends it wherever it is; no event comes. Fine in every state. */
void run_cancel(struct run *run);
uint64_t run_waited_us(const struct run *run); /* from being handed in to asking an executor */

/* For the dispatcher: a place on this executor, acquired for the run. */
void run_offer(struct run *run, struct executor *executor);

#endif
