/*
 * fake_backend - a backend whose runners are the other ends of socketpairs, played by the test.
 *
 * A runner collects what it is sent; when the whole program is there (or at the first byte, if
 * asked), the test's `behave` is called once and says whatever it likes on runner->peer.
 *
 * Everything happens on the test's loop; nothing is told from within a call of the pool's.
 */
#ifndef TRYTOK_FAKE_BACKEND_H
#define TRYTOK_FAKE_BACKEND_H

#include "backend.h"
#include "buffer.h"
#include "frame.h"

struct fake_backend;

struct fake_runner {
    struct runner runner; /* what the pool sees */
    struct fake_backend *fake;
    int peer; /* the test's end; -1 once closed */
    struct loop_watch *watch;
    struct buffer received;
    struct frame_start start;
    struct frame_text source, input;
    char source_text[4096], input_text[4096]; /* the programs of tests are short */
    bool has_behaved, was_killed, is_deaf;
    bool is_ending;
    struct runner_ended ended;
    struct fake_runner *next;
};

struct fake_backend {
    struct backend backend;
    struct loop *loop;
    struct backend_events events;
    struct loop_hook hook; /* tells what is due */
    struct fake_runner *runners;
    unsigned to_start;

    /* How it acts; may be changed at any time. */
    void (*behave)(struct fake_runner *runner);
    void *context;
    const char *fail_reason; /* the next starts fail with this word */
    unsigned fail_count;     /* so many; UINT_MAX: all */
    bool hold_starts;        /* nothing becomes ready */
    bool hold_ends;          /* killed runners do not go away */
    bool refuse_starts;      /* start() itself fails */
    unsigned capacity;       /* more runners than that are -EBUSY; 0: no such bound */
    bool ignores_program;    /* new runners read nothing */
    uint64_t cpu_us;         /* what usage() tells */
    uint64_t memory_max_bytes;

    /* What happened. */
    unsigned started_total, start_calls, killed_total, alive_count, alive_max, start_count_max;
};

void fake_backend_init(struct fake_backend *fake, struct loop *loop);
void fake_backend_connect(struct fake_backend *fake, const struct backend_events *events);
void fake_backend_look(struct fake_backend *fake); /* after a hold was lifted */

/* ---- for `behave` ---- */
void fake_send(struct fake_runner *runner, const void *bytes, size_t count); /* all of it */
void fake_send_frame(struct fake_runner *runner, enum frame_type type, const void *payload,
                     size_t count);
void fake_send_started(struct fake_runner *runner);
void fake_send_stdout(struct fake_runner *runner, const char *text);
void fake_send_diagnostic(struct fake_runner *runner, const char *message);
void fake_send_result(struct fake_runner *runner, enum verdict verdict);
void fake_close(struct fake_runner *runner);
/* Its process is gone: the stream ends and `ended` is told. */
void fake_end(struct fake_runner *runner, enum runner_end end);

/* A runner that prints its source, then its input, and ends with `ok`. */
void fake_behave_echo(struct fake_runner *runner);

#endif
