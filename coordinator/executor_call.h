/*
 * executor_call - one run on one executor: the request of inner.h, and its answer's frames, checked.
 *
 * The executor proves with its signature that it is ours; after that its word is still checked: the
 * frames must come in order, for this run's nonce, and within the caps. What it sends is told as
 * events; on_end comes once, last, and on_result was told before it exactly when it is CALL_DONE.
 *
 * Threads: the loop's. Memory: what events carry is borrowed until they return; the call is gone when
 * on_end returns. Errors: 0 or -errno at start (nothing was sent then); later ones through on_end.
 */
#ifndef TRYTOK_EXECUTOR_CALL_H
#define TRYTOK_EXECUTOR_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "attributes.h"
#include "executors.h"
#include "frame.h"
#include "http_client.h"
#include "inner.h"

enum call_end {
    CALL_DONE,        /* a result came */
    CALL_UNREACHABLE, /* not started: no connection, nothing sent */
    CALL_REFUSED,     /* not started: the executor is busy, or shutting down */
    CALL_LOST,        /* may have started; the connection ended */
    CALL_LATE,        /* may have started; nothing more came in time */
    CALL_BROKEN,      /* may have started; a stranger, or an executor that breaks the rules */
    CALL_STOPPED,     /* an event of ours asked for it */
};

/* All but `end` come from within libcurl: no call may be started or cancelled in them. A negative
 * value stops the call; `end` follows with CALL_STOPPED. */
struct call_events {
    void *context;
    int (*started)(void *context);
    int (*output)(void *context, const char *bytes, size_t count);
    int (*diagnostic)(void *context, const struct frame_diagnostic *diagnostic);
    int (*result)(void *context, const struct frame_result *result);
    void (*end)(void *context, enum call_end end);
};

struct call_config {
    struct http_client *client;        /* borrowed */
    const struct inner_secret *secret; /* borrowed */
    struct executor *executor;         /* acquired; its slots are updated from the answer */
    const char *id;                    /* INNER_ID_CHARS; copied */
    enum frame_mode mode;
    const struct frame_limits *limits;
    struct frame_text source, input; /* borrowed until start returns */
    uint32_t deadline_ms;            /* what is left for waiting and running there */
    uint32_t grace_ms;               /* after it we stop listening */
    struct call_events events;
};

struct executor_call;

MUST_CHECK int executor_call_start(const struct call_config *config,
                                   struct executor_call **ret_call);
/* The executor ends the runner; no event comes any more. NULL is fine. */
void executor_call_cancel(struct executor_call *call);

#endif
