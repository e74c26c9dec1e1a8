/*
 * run - one program in one runner, from the first byte sent to the one terminal answer.
 *
 * A run is a state machine (run_state.def). It writes the program to the runner, reads its frames,
 * believes none of them, and ends at the first of: a RESULT, too much output, a frame that should not
 * be, the cpu limit, the wall limit, the runner's death, run_cancel(). Whatever ends it, what was
 * printed before is passed on first, and the runner is killed at once; nobody waits for its exit.
 *
 * Threads: all on the loop's thread.
 * Memory:  a run frees itself: after `finished` returned, or in run_cancel(). A run holds at most one
 *          frame of its runner; what waits for the receiver is bounded by pause_bytes and one pipe.
 * Errors:  0 or -errno at start. Later, what we do wrong is the verdict internal_error.
 */
#ifndef TRYTOK_RUN_H
#define TRYTOK_RUN_H

#include "frame.h"
#include "pool.h"

struct run;
struct run_context;

struct run_config {
    struct loop *loop; /* borrowed, as is the pool */
    struct pool *pool;
    const char *backend;       /* name, for results; borrowed */
    unsigned start_timeout_ms; /* from the first byte to STARTED */
    size_t pause_bytes;        /* pending bytes of a receiver at which its runner is not read */
};

/* What the runs of one loop share: scratch memory and the settings. */
MUST_CHECK int run_context_create(const struct run_config *config,
                                  struct run_context **ret_context);
void run_context_free(struct run_context *context); /* after the last run; NULL is fine */

struct run_request {
    const char *id;           /* for the log; borrowed until the run is gone */
    struct frame_start start; /* as asked for; the nonce is given back, the runner gets its own */
    const void *program;      /* the SOURCE and INPUT frames as they are; borrowed likewise */
    size_t program_bytes;
    size_t source_frames_bytes; /* of those, the SOURCE frames */
    uint64_t arrived_us;        /* loop_now_us() when it came */
    uint64_t deadline_us;
};

enum run_outcome {
    RUN_ANSWERED,    /* a RESULT frame was passed on */
    RUN_NOT_STARTED, /* nothing was passed on, no runner said STARTED: may be tried elsewhere */
    RUN_TOO_LARGE,   /* likewise; no runner can serve that much memory */
};

struct run_summary {
    enum run_outcome outcome;
    enum verdict verdict; /* this and the rest: when answered */
    uint64_t wall_us, cpu_us;
    bool runner_died; /* `end` says how, as far as it is known when the answer is given */
    enum runner_end end;
};

struct run_sink {
    void *context;
    /* Frames for the receiver, whole ones, STARTED first. Negative: the receiver is gone, which
     * cancels the run (`finished` is not called then). NULL and 0: we are out of memory and cannot
     * go on; cut the answer off, `finished` is not called. */
    int (*frames)(void *context, const void *bytes, size_t count);
    /* Bytes that the receiver has not taken yet. */
    size_t (*pending)(void *context);
    /* Once; the run is gone when it returns. */
    void (*finished)(void *context, const struct run_summary *summary);
};

/* Takes a runner from the pool. `finished` may be called before this returns, so *ret_run is set
 * first. -ENOMEM: nothing was called. */
MUST_CHECK int run_start(struct run_context *context, const struct run_request *request,
                         const struct run_sink *sink, struct run **ret_run);
/* The receiver is gone: kills the runner, frees the run. Also from within the sink's frames(). */
void run_cancel(struct run *run);

#endif
