/*
 * confine - what a runner does to itself before it says ARMED: the table of steps.
 *
 * Each step belongs to a layer (layer.def says what that protects against), has a way to apply it
 * and a way to see that it holds. Steps whose layer a spawner has already made (namespaces, root,
 * capabilities) are only seen. What cannot be applied is left out of the report; the executor
 * decides whether it may lack. Order matters: Landlock and seccomp need no_new_privs, seccomp takes
 * the calls away that all others need.
 *
 * Threads: a process with one thread. Memory: none, nothing is allocated (musl and glibc).
 */
#ifndef TRYTOK_CONFINE_H
#define TRYTOK_CONFINE_H

#include "layer.h"

struct confine_config {
    int stream_fd;                /* the only file descriptor that stays open; must be 0 */
    uint64_t address_space_bytes; /* RLIMIT_AS */
    uint64_t cpu_seconds;         /* RLIMIT_CPU, the hard one: the kernel's SIGKILL */
    layer_set left_out;           /* steps not to take: for tests that show what each is good for */
};

struct confine_report {
    layer_set layers; /* seen to hold */
    uint32_t landlock_abi;
    int errors[LAYER_COUNT]; /* -errno of the step, 0 */
};

void confine_self(const struct confine_config *config, struct confine_report *ret_report);

/* Name of the host in a UTS namespace of ours, by which a runner sees that it is in one. */
#define CONFINE_HOST_NAME "runner"

/* Layers that a runner can see or make by itself; the others are known to its spawner alone. */
#define CONFINE_LAYERS                                                                             \
    (LAYER_BIT(LAYER_USER_NS) | LAYER_BIT(LAYER_PID_NS) | LAYER_BIT(LAYER_UTS_NS) |                \
     LAYER_BIT(LAYER_EMPTY_ROOT) | LAYER_BIT(LAYER_NO_CAPABILITIES) |                              \
     LAYER_BIT(LAYER_NO_NEW_PRIVS) | LAYER_BIT(LAYER_NON_DUMPABLE) | LAYER_BIT(LAYER_RLIMITS) |    \
     LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_MDWE) | LAYER_BIT(LAYER_SECCOMP))

#endif
