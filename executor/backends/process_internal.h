/* process_internal - what preparing hands to the running backend; for process*.c. */
#ifndef TRYTOK_PROCESS_INTERNAL_H
#define TRYTOK_PROCESS_INTERNAL_H

#include "cgroup.h"
#include "process.h"

enum { PROCESS_SPAWNERS_MAX = 16, PROCESS_HANDSHAKE_MS = 2000, PROCESS_REASON_BYTES = 160 };

struct process_spawner {
    pid_t pid;
    int control_fd;   /* -1: gone */
    layer_set layers; /* what it made, and the cgroups */
    int errors[LAYER_COUNT];
};

struct process_spawners {
    unsigned count;
    struct process_spawner spawners[PROCESS_SPAWNERS_MAX];
    struct cgroup_tree tree; /* slot i belongs to spawner i % count */
    pid_t janitor_pid;
    int janitor_fd; /* a pipe that nobody writes to: its end starts the janitor */
    uint64_t memory_max_bytes;
    uint64_t cpu_max_seconds;
    layer_set required;
    layer_set layers;
    uint32_t landlock_abi;
    char missing[LAYER_COUNT][PROCESS_REASON_BYTES];
};

/* What holds in a runner, from what its spawner made and what it has seen itself. */
layer_set process_combine_layers(layer_set spawner, layer_set armed);

/* HELLO and ARMED at the start of a stream: the bytes they took, 0 when more are needed, or -EBADMSG
 * (also for a runner of another build). */
struct frame_armed;
MUST_CHECK ssize_t process_decode_handshake(const uint8_t *bytes, size_t count,
                                            struct frame_armed *ret_armed);

#endif
