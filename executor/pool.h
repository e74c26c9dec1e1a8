/*
 * pool - keeps runners warm: each is taken once, used once, and never comes back.
 *
 * The pool asks its backend for runners until `warm` of them are idle or on their way. A runner that
 * was taken is replaced when it is given back, so that the making of the next does not compete with
 * the run for processors, or at once when half of them are gone. Starts that fail, and idle runners that die, hold it back: it waits
 * (longer each time, up to a cap), then asks for one, two, four ... until the pool is full again.
 *
 * Threads: all on the loop's thread.
 * Memory:  pool_free() frees the backend too, which ends every runner. A runner that was taken is
 *          valid until pool_discard() or until its `ended` callback returns.
 * Errors:  0 or -errno.
 */
#ifndef TRYTOK_POOL_H
#define TRYTOK_POOL_H

#include "backend.h"

struct pool;

struct pool_config {
    struct loop *loop;     /* borrowed */
    unsigned warm;         /* idle runners to keep */
    unsigned in_use_max;   /* runners taken at a time; with `warm` the bound on all of them */
    unsigned retry_min_ms; /* first wait after a failed start */
    unsigned retry_max_ms; /* longest one */
    void *context;         /* for both callbacks */
    void (*available)(void *context);                  /* a runner has become idle */
    void (*failed)(void *context, const char *reason); /* a start failed or an idle runner died */
    void (*lost)(void *context); /* optional: the backend can make no more runners */
};

struct pool_counts {
    unsigned idle, starting, in_use;
    unsigned ending; /* killed, not yet gone */
};

/* The end of a taken runner that was not discarded; its stream may be read until this returns. */
typedef void (*pool_ended_fn)(void *context, const struct runner_ended *ended);

unsigned pool_runners_max(const struct pool_config *config); /* alive at a time, in all */

MUST_CHECK int pool_create(const struct pool_config *config, struct pool **ret_pool);
void pool_free(struct pool *pool); /* NULL is fine */

/* What to give the backend at its making; pool_use() then takes the backend over and fills up. */
struct backend_events pool_backend_events(struct pool *pool);
void pool_use(struct pool *pool, struct backend *backend);
void pool_backend_lost(void *pool); /* for a backend that ends: tells `lost` of the config */
struct backend *pool_backend(const struct pool *pool); /* borrowed */

/* -EAGAIN: none is idle. -ERANGE: none here can serve that much memory. */
MUST_CHECK int pool_take(struct pool *pool, uint64_t memory_bytes, pool_ended_fn ended,
                         void *context, struct runner **ret_runner);
/* Done with a taken runner: it is killed and reaped in the background, `ended` is not called. */
void pool_discard(struct pool *pool, struct runner *runner);
/* The same for one that has said its last word and should exit by itself: killed only if it is still
 * there after POOL_LINGER_MS, or twice that. Saves a message and a wake-up for every run. */
void pool_release(struct pool *pool, struct runner *runner);
enum { POOL_LINGER_MS = 20 };

struct pool_counts pool_count(const struct pool *pool);
uint64_t pool_started_total(const struct pool *pool); /* runners that became ready */
void pool_stop_refill(struct pool *pool); /* for shutting down: nothing new is started */

#endif
