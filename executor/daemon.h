/*
 * daemon - the executor put together. How it works:
 *
 *   A coordinator sends POST /run (call.c). The request is believed once its signature is right
 *   (request.c), waits for a slot and a warm runner (admission.c, pool.c), and is run (run.c): the
 *   program goes to the runner over its stream, the frames that come back are checked one by one and
 *   passed on, and the executor decides the verdict (judge.c). A runner serves one run; the pool
 *   replaces it. Runners come from a backend (backend.h), whose processes are made by spawners that
 *   were forked before anything else. Everything here is one thread on one loop; there are three
 *   sides and none trusts another's bytes: coordinators (signed requests), runners (hostile frames),
 *   spawners (tell how a runner ended).
 *
 * The daemon takes runs once its own first run was right (self_test.c). SIGTERM, SIGINT and SIGHUP
 * drain: /readyz says no, after drain.delay runs are refused, accepted ones end, then it stops. A
 * second signal stops it at once.
 *
 * Threads: one. Memory: daemon_free(). Errors: 0 or -errno, logged where it happened.
 */
#ifndef TRYTOK_EXECUTOR_DAEMON_H
#define TRYTOK_EXECUTOR_DAEMON_H

#include "backends/process.h"
#include "config.h"
#include "inner.h"

struct daemon;

struct daemon_parts {
    const struct config *config; /* borrowed for the daemon's life */
    struct inner_secret secret;
    const char *backend_name;
    /* Makes the backend on the daemon's loop; on success the daemon owns it. */
    int (*make_backend)(void *context, struct loop *loop, const struct process_events *events,
                        struct backend **ret_backend);
    void *context;
};

MUST_CHECK int daemon_create(const struct daemon_parts *parts, struct daemon **ret_daemon);
void daemon_free(struct daemon *daemon); /* NULL is fine */

uint16_t daemon_inner_port(const struct daemon *daemon);
uint16_t daemon_admin_port(const struct daemon *daemon);
struct loop *daemon_loop(const struct daemon *daemon);

/* Until it is drained or stopped. 0, or -errno: the backend was lost, or the loop failed. */
MUST_CHECK int daemon_run(struct daemon *daemon);
/* What a signal does: the first call drains, the second stops. */
void daemon_stop(struct daemon *daemon);

/* Runners alive at a time, for the backend's own limit. */
unsigned daemon_runners_max(const struct config *config);

#endif
