/*
 * held_memory - what requests and their answers take, counted for all clients together.
 *
 * A client that reads slowly keeps its answer in our memory. Nothing new is let in while too much is
 * kept, so such a client must not be able to stay: when memory is short, the answers that have been
 * going out for longest make room, those of clients that read fast are gone by then.
 *
 * Threads: the loop's. Memory: a share is its request's; share_done() before that goes away.
 */
#ifndef TRYTOK_HELD_MEMORY_H
#define TRYTOK_HELD_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "attributes.h"

enum { HELD_SENDING_US_MIN = 1000 * 1000 }; /* an answer has this long to go out in any case */

struct held_share {
    struct held_memory *memory; /* borrowed */
    uint64_t bytes;
    uint64_t sending_since_us;
    bool is_sending;
    struct held_share *next, *previous; /* those that are sending, longest first */
    void *owner;                        /* borrowed */
};

struct held_memory {
    uint64_t bytes, bytes_max;
    struct held_share *first, *last;
};

void share_init(struct held_share *share, struct held_memory *memory, void *owner);
void share_set(struct held_share *share, uint64_t bytes);
/* Its answer is whole: only the reader is waited for. */
void share_is_sending(struct held_share *share, uint64_t now_us);
void share_done(struct held_share *share); /* may be called again */

/* Whether more is held than may be, with `more` beside it. */
bool held_memory_is_short(const struct held_memory *memory, uint64_t more);
/* Whose answer has been going out for longest, and long enough to be cut; or NULL. */
struct held_share *held_memory_slowest(const struct held_memory *memory, uint64_t now_us);

#endif
