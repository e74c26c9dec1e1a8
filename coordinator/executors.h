/*
 * executors - the table of executors and the choice among them.
 *
 * Of the executors that have a free slot, two are drawn at random and the less busy one is taken
 * (power of two choices). One that fails several times in a row is left alone for a while (ejected),
 * longer each time, but never more than half of them: when most seem broken, it is more likely that
 * something between us and them is.
 *
 * Threads: one. Time is given by the caller (microseconds, monotonic). Memory: an executor stays
 * valid while runs are in flight on it, also after its address left the list. Errors: 0 or -errno.
 */
#ifndef TRYTOK_EXECUTORS_H
#define TRYTOK_EXECUTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "attributes.h"
#include "layer.h"

enum { EXECUTORS_MAX = 1024, EXECUTOR_NAME_BYTES = 64, EXECUTOR_BACKEND_BYTES = 16 };

struct executor {
    struct sockaddr_storage address;
    char name[EXECUTOR_NAME_BYTES]; /* "10.0.0.7:8081", for logs */
    unsigned in_flight;             /* runs of ours on it */
    unsigned slots;                 /* how many it takes, as it told */
    unsigned busy;                  /* running and waiting there, as it told last */
    bool is_listed;                 /* false: gone from the list, to be forgotten when idle */
    bool is_probing;                /* kept until the probe is over */
    bool is_ready;                  /* said so when last asked */
    bool is_unreachable;            /* the last failure was one of the connection */
    unsigned failures;              /* in a row */
    unsigned ejections;             /* in a row: doubles the time */
    uint64_t ejected_until_us;      /* 0: not ejected */
    bool is_known;                  /* it has told its backend and layers */
    layer_set layers;
    char backend[EXECUTOR_BACKEND_BYTES];
};

struct executors_config {
    unsigned slots_before_known, ahead;
    unsigned eject_failures;
    uint64_t eject_us, eject_max_us;
};

struct executors;

MUST_CHECK int executors_create(const struct executors_config *config,
                                struct executors **ret_executors);
void executors_free(struct executors *executors); /* NULL is fine */

/* The addresses that are to be used from now on; those that stay keep what is known of them. */
MUST_CHECK int executors_set(struct executors *executors, const struct sockaddr_storage *addresses,
                             size_t count);

/* -ENOENT: none is known; -EBUSY: none has room. `avoid` (or NULL) is taken only if it is the only
 * one. The chosen one has one more run in flight until executor_release(). */
MUST_CHECK int executors_acquire(struct executors *executors, const struct executor *avoid,
                                 uint64_t now_us, struct executor **ret_executor);

enum executor_outcome {
    EXECUTOR_WORKED,
    EXECUTOR_UNREACHABLE, /* no connection, or one that was lost */
    EXECUTOR_REFUSED,     /* was busy or shutting down */
    EXECUTOR_FAILED,      /* a stranger, or breaks the rules */
    EXECUTOR_NO_WORD,     /* ended by us: says nothing about it */
};
void executor_release(struct executors *executors, struct executor *executor,
                      enum executor_outcome outcome, uint64_t now_us);
/* What a look at its /readyz told. One that could not be reached is taken back at once when it can
 * be again; one that refused runs or could not prove itself is not, whatever its /readyz says. */
void executor_probed(struct executors *executors, struct executor *executor, bool was_reached,
                     bool is_ready, uint64_t now_us);
/* What it told in its headers; 0 slots: it did not tell. */
void executor_told(struct executor *executor, unsigned slots, unsigned busy);

size_t executors_count(const struct executors *executors); /* also those that left but are busy */
struct executor *executors_at(const struct executors *executors, size_t index);
/* Forgets those that left the list and are idle; indexes change. */
void executors_sweep(struct executors *executors);

struct executors_census {
    size_t listed, ready, ejected;
    unsigned in_flight;
    uint64_t ejections_total;
};
struct executors_census executors_census(const struct executors *executors, uint64_t now_us);

#endif
