/*
 * world - runs one attack in the runner's place and tells what became of it.
 *
 * With `backend` the attacker is started as a runner is: spawner, namespaces, cgroup. Without, it is
 * a plain child of the test that has only what it does to itself.
 */
#ifndef TRYTOK_WORLD_H
#define TRYTOK_WORLD_H

#include <stdbool.h>

#include "backend.h"

/* Layers that a runner takes upon itself. */
#define WORLD_SELF_LAYERS                                                                          \
    (LAYER_BIT(LAYER_NO_CAPABILITIES) | LAYER_BIT(LAYER_NO_NEW_PRIVS) |                            \
     LAYER_BIT(LAYER_NON_DUMPABLE) | LAYER_BIT(LAYER_RLIMITS) | LAYER_BIT(LAYER_LANDLOCK) |        \
     LAYER_BIT(LAYER_MDWE) | LAYER_BIT(LAYER_SECCOMP))

struct world_options {
    layer_set left_out; /* of WORLD_SELF_LAYERS */
    bool backend;
    bool without_cgroups;   /* with backend */
    unsigned kill_after_ms; /* 0: 5 s, and then it counts as alive for ever */
};

enum world_outcome {
    WORLD_WORKED,        /* the attack did what it was after */
    WORLD_STOPPED,       /* by an error, see `error` */
    WORLD_KILLED,        /* by SIGSYS */
    WORLD_OUT_OF_MEMORY, /* killed by the kernel */
    WORLD_CRASHED,       /* any other signal */
    WORLD_TIMED_OUT,     /* ended by us */
};

struct world_report {
    enum world_outcome outcome;
    int error;
    layer_set layers; /* of the runner */
    struct runner_ended ended;
    bool stream_ended; /* nobody holds the runner's stream any more */
    uint64_t late_us;  /* from our kill to its end */
    char text[8192];   /* what it printed */
};

/* 0 or -errno: the world could not be made. */
int world_attack(const char *name, const struct world_options *options,
                 struct world_report *ret_report);

/* Exits 77 (or fails, with TRYTOK_REQUIRE_ROOT=1) when not root. */
void world_require_root(void);
const char *world_outcome_name(enum world_outcome outcome);

/* For tests that make a backend of their own. */
struct process_config;
int world_patch_attacker(layer_set left_out, char path[64]); /* a copy; unlink it */
struct process_config world_process_config(const char *runner_path);
/* START and SOURCE for an attack, as one run of bytes: how many. */
size_t world_encode_program(const char *program, uint8_t bytes[4096]);

#endif
