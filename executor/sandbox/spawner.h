/*
 * spawner - the process that makes runners: single-threaded, with no more rights than that takes, and
 * gone when its executor is.
 *
 * It serves spawner_protocol.h. A runner is cloned with CLONE_VM|CLONE_VFORK: it shares the spawner's
 * memory until it is another program, so that nothing is copied, and the spawner waits for that
 * moment. It is killed by its spawner only, which is its parent: until the parent has waited for it,
 * its pid is no one else's. With a pid namespace, whatever it may have made dies with it, before
 * wait(2) returns.
 *
 * Threads: runs in a process of its own, forked before any thread. Memory: all until its end.
 */
#ifndef TRYTOK_SPAWNER_H
#define TRYTOK_SPAWNER_H

#include "cgroup.h"
#include "namespaces.h"

struct spawner_config {
    int control_fd;           /* a SOCK_SEQPACKET; CLOEXEC */
    int program_fd;           /* the runner's program; CLOEXEC */
    struct cgroup_tree *tree; /* borrowed; all its slots, of which the executor uses some here */
    struct namespaces_ids ids;
    uint64_t address_space_bytes; /* arguments of the runner */
    uint64_t cpu_seconds;
};

/* Serves until the executor is gone. The exit code. */
int spawner_run(const struct spawner_config *config);

#endif
