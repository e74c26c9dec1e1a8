/*
 * fake_executor - an executor that speaks the inner protocol by a script, for tests.
 *
 * What a run does is said by the first word of its source: "print X" prints X and a line end, "echo"
 * prints its input, "fail" prints "a", then a diagnostic, and ends in runtime_error, "flood N" prints
 * N bytes, "bytes" prints bytes that are no UTF-8, "hold" prints "held" and waits for
 * fake_executor_release(), "late" the same but waits before it starts; "wait" does so only with an
 * input and else fails as "fail" does. Faults are set for all runs.
 *
 * Threads: the loop's. Memory: freed with fake_executor_free().
 */
#ifndef FAKE_EXECUTOR_H
#define FAKE_EXECUTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "inner.h"
#include "loop.h"

enum fake_fault {
    FAKE_HONEST,
    FAKE_BUSY,           /* 503 */
    FAKE_BUSY_ONCE,      /* the first run 503, then honest */
    FAKE_STRANGER,       /* signs with another secret */
    FAKE_UNSIGNED,       /* does not sign */
    FAKE_GARBAGE,        /* no frames */
    FAKE_WRONG_ORDER,    /* output before STARTED */
    FAKE_WRONG_NONCE,    /* of another run */
    FAKE_RESULT_TWICE,   /* a frame after RESULT */
    FAKE_NO_RESULT,      /* ends without one */
    FAKE_DIES_UNSTARTED, /* closes without an answer */
    FAKE_DIES_STARTED,   /* prints "a", then closes */
    FAKE_REFUSES,        /* 401 */
    FAKE_LONG_REFUSAL,   /* 503 with more in it than a problem document has */
    FAKE_FLOODS,         /* prints ten times more than allowed */
};

enum { FAKE_LOG_MAX = 512, FAKE_SOURCE_BYTES = 48 };

struct fake_executor {
    enum fake_fault fault;
    bool is_unready; /* /readyz says 503 */
    unsigned runs;   /* that came and were rightly signed */
    unsigned unsigned_runs;
    unsigned cancelled; /* that the coordinator gave up */
    unsigned probes;
    unsigned asked_capabilities;
    char log[FAKE_LOG_MAX][FAKE_SOURCE_BYTES]; /* sources in the order they came */
    char ids[FAKE_LOG_MAX][INNER_ID_CHARS + 1];
    uint32_t wall_ms, deadline_ms; /* of the last run */
    uint64_t output_bytes;         /* of the last run */
    unsigned mode;
    /* Private. */
    struct loop *loop;
    struct inner_secret secret;
    unsigned slots;
    struct http_server *server;
    struct fake_run *held;
};

void fake_executor_init(struct fake_executor *fake, struct loop *loop,
                        const struct inner_secret *secret, unsigned slots);
void fake_executor_done(struct fake_executor *fake); /* as if killed */
uint16_t fake_executor_port(const struct fake_executor *fake);
struct sockaddr_storage fake_executor_address(const struct fake_executor *fake);
/* Lets those that are held go on, the oldest first, at most `count`. */
void fake_executor_release(struct fake_executor *fake, unsigned count);
unsigned fake_executor_held(const struct fake_executor *fake);

#endif
