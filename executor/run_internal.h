/*
 * run_internal - what the three parts of a run share: run.c (its states and its end), run_frames.c
 * (what the runner's frames are worth) and run_stream.c (bytes to and from runner and receiver).
 *
 * Parts two and three only note facts in the struct; only a step of run.c decides.
 */
#ifndef TRYTOK_RUN_INTERNAL_H
#define TRYTOK_RUN_INTERNAL_H

#include "buffer.h"
#include "frame_reader.h"
#include "run.h"

enum {
    RUN_CHUNK_BYTES = 65536,
    RUN_OUT_BYTES_MAX = 1024 * 1024,
    RUN_NONCES = 32, /* what one getrandom() gives without being interrupted: 256 bytes */
};

struct run_context {
    struct run_config config;
    struct buffer out; /* frames of the run whose turn it is; empty between turns */
    uint8_t chunk[RUN_CHUNK_BYTES];
    uint8_t encoded[FRAME_FIXED_MAX];
    uint64_t nonces[RUN_NONCES]; /* random, each used once */
    size_t nonces_left;
};

enum run_state {
#define RUN_STATE(name, text) RUN_##name,
#include "run_state.def"
#undef RUN_STATE
};

struct run {
    struct run_context *context;
    struct run_request request;
    struct run_sink sink;
    enum run_state state;
    bool in_turn; /* run_advance() is on the stack */
    bool is_over; /* told or cancelled: freed as soon as the turn is over, nothing is called */

    /* The runner of this attempt. */
    struct runner *runner; /* NULL between attempts */
    struct loop_watch *watch;
    unsigned attempts;
    uint64_t nonce; /* random; the runner must echo it */
    uint8_t start_bytes[FRAME_FIXED_MAX];
    size_t start_count, sent_count; /* sent_count runs over START and the program */
    bool send_failed;               /* it takes no more; what it said can still be read */
    uint64_t cpu_before_us;         /* used before it had the program */
    uint64_t handed_us, started_us; /* the whole source written; STARTED seen */
    struct frame_reader reader;
    layer_set layers;
    struct runner_usage usage;

    /* Facts that events leave for the step of the state. */
    bool stream_ended, wall_passed, tick_passed, runner_ended;
    struct runner_ended ended;

    /* What its frames said. */
    bool started, output_passed, has_claim, stop_reading;
    struct frame_result claim; /* its texts are not kept */
    const char *fault;         /* why it is an internal_error, a constant word */
    uint64_t output_bytes, output_frames;
    unsigned diagnostics;

    bool paused; /* the receiver does not keep up: the runner is not read */
    bool killed; /* by us, while its end was awaited */
    struct loop_timer wall_timer, tick_timer, resume_timer;
};

void run_advance(struct run *run); /* lets the step of the state look at the facts */

/* run_frames.c: the frame_fn of a run's reader. -EBADMSG: refused, `fault` says why; -ECANCELED:
 * nothing that follows counts. */
int run_on_frame(void *context, enum frame_type type, const uint8_t *payload, size_t count);

/* run_stream.c */
bool run_has_to_send(const struct run *run);
bool run_source_is_sent(const struct run *run);
void run_write(struct run *run); /* as much of the program as the stream takes now */
void run_read(struct run *run, unsigned chunks_max);
/* Passes on what this turn has gathered. False: the receiver is gone, the run is over. */
bool run_flush(struct run *run);
void run_watch(struct run *run);
void run_unwatch(struct run *run);
void run_pause_or_watch(struct run *run);

#endif
