/*
 * cgroup - one control group for each runner that may be alive, made ahead and used again and again.
 *
 * Theory of operation. Making a group for each run costs 220 us of processor time, so a tree of slots
 * is made at start, by whoever may, and its files stay open; a runner enters its slot by writing "0"
 * (itself) into one of them. It has to be the runner, by `tasks`: a parent that writes a pid stalls
 * for 7-17 ms, in a lock that waits for a grace period. On version 2 every write to cgroup.procs
 * does, so a runner is born in its slot there (CLONE_INTO_CGROUP). The group of all runners carries their
 * common share of processor time; slots carry memory and number of processes.
 *
 *     <our own group>/trytok-<pid namespace>-<pid>/      made by us: cpu
 *                                                  0/    a slot: memory, pids
 *                                                  1/    ...
 *
 * Version 1 has one such tree in each controller's hierarchy, version 2 has one in all. Nothing
 * outside of directories of this name is ever written to, with one exception on version 2: handing
 * controllers down (cgroup.subtree_control) of our own group, which may first need to move ourselves
 * out of it into a leaf.
 *
 * Threads: one. Memory: the tree owns its open files; they are inherited by fork.
 * Errors:  0 or -errno. A controller that cannot be had is no error of cgroup_tree_create(): its
 *          layer is missing, and cgroup_tree_error() says why.
 */
#ifndef TRYTOK_CGROUP_H
#define TRYTOK_CGROUP_H

#include <stdbool.h>

#include "attributes.h"
#include "layer.h"

enum { CGROUP_CONTROLLERS = 3, CGROUP_PATH_MAX = 512 };

struct cgroup_config {
    const char *root;      /* where cgroup file systems are mounted: "/sys/fs/cgroup" */
    const char *self_file; /* "/proc/self/cgroup": which groups this process is in */
    unsigned slots;
    uint64_t memory_max_bytes;  /* of one slot */
    unsigned pids_max;          /* of one slot */
    unsigned cpu_shares;        /* of all slots together, 1024 is ordinary; 0: kernel's */
    unsigned cpu_quota_percent; /* of one processor, of all slots together; 0: none */
    uid_t clone_uid;            /* who will clone runners into slots (version 2) */
    /* Makes a directory; NULL: mkdirat(2). Tests put files into it, as the kernel would. */
    int (*make_directory)(int parent_fd, const char *name);
};

struct cgroup_slot {
    int enter_fds[CGROUP_CONTROLLERS]; /* for "0"; -1: none */
    int clone_fd; /* version 2: for CLONE_INTO_CGROUP, instead of entering; -1: none */
    int peak_fd;
    int oom_fd;
    uint64_t oom_count; /* seen so far */
};

struct cgroup_tree {
    unsigned version; /* 1 or 2; 0: none */
    char name[64];    /* of our directory */
    layer_set layers;
    int errors[LAYER_COUNT];
    int parent_fds[CGROUP_CONTROLLERS]; /* of the directory that ours is in; -1: none */
    int top_fds[CGROUP_CONTROLLERS];    /* ours */
    int join_fds[CGROUP_CONTROLLERS];   /* for "0" of a spawner; -1: none */
    unsigned slot_count;
    struct cgroup_slot *slots; /* owned */
};

MUST_CHECK int cgroup_tree_create(const struct cgroup_config *config, struct cgroup_tree *ret_tree);
void cgroup_tree_done(struct cgroup_tree *tree); /* closes; removes nothing */

/* Removes our directories. -EBUSY: somebody is still in one. */
MUST_CHECK int cgroup_tree_remove(const struct cgroup_tree *tree);

/* Moves the calling process, a spawner, to where its children get the share of all runners. */
MUST_CHECK int cgroup_tree_join(const struct cgroup_tree *tree);

/* Moves the calling process into a slot. Async-signal-safe: a clone calls it before exec. */
MUST_CHECK int cgroup_slot_enter(const struct cgroup_slot *slot);

/* Most memory ever charged since the slot was last reset, 0 when unknown. */
uint64_t cgroup_slot_peak_bytes(const struct cgroup_slot *slot);
/* Whether the kernel killed for lack of memory in this slot since the last call. */
bool cgroup_slot_take_oom(struct cgroup_slot *slot);
void cgroup_slot_reset(const struct cgroup_slot *slot);

#endif
