/*
 * namespaces - the world that a spawner makes once and its runners are born into: a user namespace
 * where a spawner has a few rights and nobody else exists, an empty read-only root, a network without
 * an interface, System V IPC that holds nothing.
 *
 * What is cheap is made anew for each runner on top of this (namespaces_clone_flags): user, pid,
 * UTS and cgroup namespaces cost 15 us together. A network namespace would cost 320 us, an IPC
 * namespace 20 and more, later; a mount namespace is cheap to make, but its end waits for every
 * processor (an expedited RCU grace period) and cost a sixth of the throughput. So those three are
 * shared, and made such that there is nothing in them to share: no interface is up, no System V
 * object or message queue can be made, and the only mount is the empty read-only root.
 *
 * Threads: a process with one thread, which is changed for good.
 * Errors:  a layer that cannot be had is missing from `layers`, and errors[layer] says why.
 */
#ifndef TRYTOK_NAMESPACES_H
#define TRYTOK_NAMESPACES_H

#include <stdbool.h>
#include <sys/types.h>

#include "attributes.h"
#include "layer.h"

/* Ids as a spawner sees them in its user namespace. */
enum { NAMESPACES_SPAWNER_ID = 0, NAMESPACES_RUNNER_ID = 1 };

struct namespaces_ids {
    uid_t spawner_uid; /* of this machine */
    uid_t runner_uid;
    gid_t runner_gid;
};

struct namespaces {
    layer_set layers;
    int errors[LAYER_COUNT];
    bool has_runner_id; /* runners get a user id that is not their spawner's */
    uint64_t clone_flags;
};

/* First half, in the spawner: a user namespace, in which it is nobody yet. */
MUST_CHECK int namespaces_enter_user(struct namespaces *namespaces);
/* In the parent, which has the rights: who is who in the user namespace of `pid`. *ret_has_runner_id
 * is false when this user may only map itself. */
MUST_CHECK int namespaces_map_ids(pid_t pid, const struct namespaces_ids *ids,
                                  bool *ret_has_runner_id);
/* Second half, in the spawner: takes its id, makes all else, and keeps only the capabilities to
 * change ids and to kill. */
void namespaces_enter_rest(struct namespaces *namespaces, const struct namespaces_ids *ids);

#endif
