/*
 * spawn - makes one runner: the clone, what is done between clone and exec, and the exec.
 *
 * Threads: a spawner's only one. Errors: 0 or -errno, with the step that failed.
 */
#ifndef TRYTOK_SPAWN_H
#define TRYTOK_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "cgroup.h"
#include "spawner_protocol.h"

/* Where a spawner keeps what its clones need; all other descriptors lie above. */
enum { SPAWN_STREAM_FD = 0, SPAWN_PROGRAM_FD = 1, SPAWN_FIRST_OTHER_FD = 2 };

struct spawn_config {
    uint64_t clone_flags; /* CLONE_NEW… */
    bool has_runner_id;   /* take the runner's user id for the clone */
    char *const *arguments;
};

/* The stream has to be SPAWN_STREAM_FD, and the caller closes it afterwards. */
MUST_CHECK int spawn_runner(const struct spawn_config *config, const struct cgroup_slot *slot,
                            pid_t *ret_pid, enum spawner_step *reterr_step);

#endif
