/*
 * dispatcher - gives runs to executors: at once while one has room, else in turn from a fair queue.
 *
 * Threads: the loop's. Memory: runs are their owners'; a run leaves the dispatcher when it ends or is
 * cancelled. Errors: 0 or -errno.
 */
#ifndef TRYTOK_DISPATCHER_H
#define TRYTOK_DISPATCHER_H

#include "attributes.h"
#include "client_key.h"
#include "config.h"
#include "executors.h"
#include "http_client.h"
#include "inner.h"
#include "loop.h"

struct run;
struct dispatcher;

struct dispatcher_config {
    struct loop *loop; /* these five are borrowed */
    struct http_client *client;
    struct executors *executors;
    const struct inner_secret *secret;
    const struct coordinator_settings *settings;
};

MUST_CHECK int dispatcher_create(const struct dispatcher_config *config,
                                 struct dispatcher **ret_dispatcher);
void dispatcher_free(struct dispatcher *dispatcher); /* no run may be left; NULL is fine */
const struct dispatcher_config *dispatcher_config(const struct dispatcher *dispatcher);

/* An executor for a new run, or 0 and *ret_executor NULL: it waits in the queue (`is_more`: without
 * regard to its bounds) and gets run_offer() later. -EBUSY: no place in the queue; -ENOENT: no
 * executor is known; -ENOMEM. */
MUST_CHECK int dispatcher_submit(struct dispatcher *dispatcher, struct run *run, bool is_more,
                                 struct executor **ret_executor);
/* Once more for a run that `failed` did not start; -EDQUOT: the budget of retries is used up. */
MUST_CHECK int dispatcher_resubmit(struct dispatcher *dispatcher, struct run *run,
                                   const struct executor *failed, struct executor **ret_executor);
void dispatcher_withdraw(struct dispatcher *dispatcher, struct run *run); /* fine when not queued */
void dispatcher_release(struct dispatcher *dispatcher, struct executor *executor,
                        enum executor_outcome outcome);
/* There may be more room than before: the list of executors or their slots have changed. */
void dispatcher_wake(struct dispatcher *dispatcher);

size_t dispatcher_waiting(const struct dispatcher *dispatcher);

struct dispatcher_counts {
    uint64_t retries, retries_refused; /* refused: by the budget */
};
const struct dispatcher_counts *dispatcher_counts(const struct dispatcher *dispatcher);

#endif
