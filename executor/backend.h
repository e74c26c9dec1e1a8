/*
 * backend - where runners come from: one interface for `process` (a child on this machine) and `pod`
 * (a Pod of its own).
 *
 * A runner is a connected stream socket (used with MSG_DONTWAIT only) plus a way to end it. The backend makes runners when
 * asked, does the handshake (HELLO, ARMED) and hands over those whose sandbox holds every required
 * layer. From then on the stream is the caller's to read and write; the backend is asked to kill and
 * tells how the runner ended. A runner serves one run and is never reused.
 *
 * Threads: all on the loop's thread. Memory: the backend owns runners; a runner is valid from
 * ready() until ended() was called for it. Errors: 0 or -errno.
 */
#ifndef TRYTOK_BACKEND_H
#define TRYTOK_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "attributes.h"
#include "layer.h"
#include "loop.h"

struct backend;

struct runner {
    int fd;           /* the stream; owned by the backend, closed after ended() */
    uint64_t id;      /* never given twice by one backend */
    layer_set layers; /* that hold in it */
    uint32_t landlock_abi;
    uint64_t memory_max_bytes; /* largest VM memory limit it can serve */
    uint64_t cpu_us;           /* used until it was armed: not its program's */
    const char *pod;           /* its Pod's name, or NULL */
    void *owner;               /* for the pool */
};

/* How a runner ended, as the kernel (or the API server) tells it. */
enum runner_end {
    RUNNER_END_EXITED, /* by itself; exit_code is set */
    RUNNER_END_SIGSYS, /* a forbidden system call: verdict `killed` */
    RUNNER_END_OOM,    /* by the kernel, out of its memory: verdict `memory_limit` */
    RUNNER_END_CPU,    /* by its processor limit */
    RUNNER_END_KILLED, /* runner_kill() of ours */
    RUNNER_END_SIGNAL, /* any other signal */
    RUNNER_END_LOST,   /* nobody knows (a Pod that vanished, a spawner that died) */
};

struct runner_usage {
    uint64_t cpu_us;
    uint64_t memory_peak_bytes; /* the kernel's count; 0 where there is none */
};

struct runner_ended {
    enum runner_end end;
    int exit_code;
    struct runner_usage usage;
};

struct backend_events {
    void *context;
    /* A warm runner: armed, with every required layer. */
    void (*ready)(void *context, struct runner *runner);
    /* A start that came to nothing; `reason` is one of the backend's constant words. */
    void (*failed)(void *context, const char *reason);
    /* Once for each ready runner, after its process is gone (and its whole cgroup is empty). */
    void (*ended)(void *context, struct runner *runner, const struct runner_ended *ended);
};

struct backend_ops {
    const char *name; /* "process" */
    /* Asks for `count` more runners; each ends in ready() or failed(). -EBUSY: there is no room for
     * so many until some have ended; nothing was asked for. */
    int (*start)(struct backend *backend, unsigned count);
    /* Ends it at once, whatever it does, with all it may have made; ended() follows. */
    void (*kill)(struct backend *backend, struct runner *runner);
    /* Its processor time so far (the cpu limit is enforced with it); cheap: asked at every end. */
    int (*cpu)(struct backend *backend, const struct runner *runner, uint64_t *ret_cpu_us);
    /* That and the rest. */
    int (*usage)(struct backend *backend, const struct runner *runner, struct runner_usage *ret);
    layer_set (*layers)(const struct backend *backend); /* that the probe found */
    const char *(*missing)(const struct backend *backend, enum layer layer); /* why, or NULL */
    void (*free)(struct backend *backend); /* ends all runners and waits for them */
};

struct backend {
    const struct backend_ops *ops;
};

#endif
