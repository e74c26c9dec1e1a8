/*
 * process - the backend whose runners are child processes on this machine, made by spawners.
 *
 * A spawner is a single-threaded process that is forked before anything else happens, and the only
 * kind of process that may clone. So a daemon's main() does, in this order:
 *
 *     process_backend_prepare(&config, &spawners);    first: no thread yet, root not yet given up
 *     process_spawners_layers(spawners), …_missing()  refuse to start when a required layer lacks
 *     privileges_drop(…);  loop_create(…);
 *     process_backend_create(loop, spawners, &events, &backend);
 *
 * Preparing starts the spawners, builds their cgroups and namespaces, starts one trial runner in each
 * and believes what that one shows, not what was attempted. A spawner that dies cannot be replaced
 * (there are threads and no privileges by then): its runners end as LOST, start() fails with -EPIPE
 * once no spawner is left, and on_lost tells the daemon to end and be started again.
 *
 * Threads: prepare before any thread; the rest on the loop's thread.
 * Memory:  create() takes the spawners over on success only; backend->ops->free() ends them.
 * Errors:  0 or -errno.
 */
#ifndef TRYTOK_PROCESS_H
#define TRYTOK_PROCESS_H

#include <sys/types.h>

#include "backend.h"

struct process_config {
    const char *runner_path; /* borrowed during prepare */
    unsigned runners_max;    /* alive at one time, in all: warm, busy and ending; 1 … 1024 */
    unsigned spawner_count;  /* 1 … 16; two are best on two processors */
    uint64_t
        memory_max_bytes; /* largest VM limit; the cgroup gets PROCESS_MEMORY_SLACK_BYTES more */
    unsigned cpu_shares;  /* of all runners together; 1024 is one ordinary group; 0: kernel's */
    unsigned cpu_quota_percent; /* of one processor, of all runners together; 0: none */
    unsigned cpu_max_seconds;   /* hard RLIMIT_CPU of one runner, the backstop; 0: 60 */
    uid_t spawner_uid;          /* the three are used when started as root, and must not be 0 */
    uid_t runner_uid;           /* owns nothing and is no one else's */
    gid_t runner_gid;
    const char *cgroup_root;   /* NULL: /sys/fs/cgroup; tests give another */
    layer_set layers_required; /* a runner that lacks one is killed and counts as failed */
};

enum { PROCESS_MEMORY_SLACK_BYTES = 8 * 1024 * 1024 };

struct process_spawners;

MUST_CHECK int process_backend_prepare(const struct process_config *config,
                                       struct process_spawners **ret_spawners);
layer_set process_spawners_layers(const struct process_spawners *spawners);
uint32_t process_spawners_landlock_abi(const struct process_spawners *spawners);
/* Why a layer is not there, as one line of text; NULL when it is. Valid as long as the spawners. */
const char *process_spawners_missing(const struct process_spawners *spawners, enum layer layer);
void process_spawners_free(struct process_spawners *spawners); /* NULL is fine */

struct process_events {
    struct backend_events runner;
    /* The last spawner is gone: no runner can be made any more. Called once. */
    void (*on_lost)(void *context);
};

MUST_CHECK int process_backend_create(struct loop *loop, struct process_spawners *spawners,
                                      const struct process_events *events,
                                      struct backend **ret_backend);

#endif
