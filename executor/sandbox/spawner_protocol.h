/*
 * spawner_protocol - what an executor and its spawners say to each other: messages of a
 * SOCK_SEQPACKET pair, structs of one build as they are.
 *
 *   spawner -> executor   USER_READY           in its user namespace, waits for its ids
 *   executor -> spawner   MAPPED               (has_runner_id)
 *   spawner -> executor   READY                layers, errors
 *   executor -> spawner   (SPAWN | KILL)*      one message carries several
 *   spawner -> executor   SPAWNED + stream | FAILED, later for each SPAWNED: ENDED
 *
 * The end of the stream ends the other side: a spawner kills its runners and exits.
 */
#ifndef TRYTOK_SPAWNER_PROTOCOL_H
#define TRYTOK_SPAWNER_PROTOCOL_H

#include <stdint.h>

#include "layer.h"

enum { SPAWNER_BATCH_MAX = 64 };

enum spawner_request_kind { SPAWNER_MAPPED = 1, SPAWNER_SPAWN, SPAWNER_KILL };

struct spawner_request {
    uint32_t kind;
    uint32_t slot; /* the executor decides which is free */
    uint64_t id;   /* of the runner; a KILL for one that is gone is ignored */
    uint32_t has_runner_id;
    uint32_t reserved;
};

enum spawner_report_kind {
    SPAWNER_USER_READY = 1,
    SPAWNER_READY,
    SPAWNER_SPAWNED,
    SPAWNER_FAILED,
    SPAWNER_ENDED
};

/* What a start failed at. */
enum spawner_step {
    SPAWNER_STEP_STREAM,
    SPAWNER_STEP_IDENTITY,
    SPAWNER_STEP_CLONE,
    SPAWNER_STEP_CGROUP,
    SPAWNER_STEP_DESCRIPTORS,
    SPAWNER_STEP_EXEC,
    SPAWNER_STEP_COUNT
};

struct spawner_report {
    uint32_t kind;
    uint32_t slot;
    uint64_t id;
    int32_t pid;    /* SPAWNED */
    int32_t error;  /* FAILED, USER_READY: -errno */
    uint32_t step;  /* FAILED */
    int32_t status; /* ENDED: as of wait(2) */
    uint64_t cpu_us;
    uint64_t memory_peak_bytes;
    uint32_t is_oom;
    layer_set layers;            /* READY */
    int32_t errors[LAYER_COUNT]; /* READY: -errno of each layer that lacks */
};

#endif
