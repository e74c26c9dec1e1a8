/*
 * fair_queue - those who wait, one line a client, served in turn.
 *
 * Each client has a line of its own (first in, first out); the lines are served round robin, so that
 * a client that floods delays itself alone: with k clients waiting, a newcomer's first entry is at
 * most the k-th to start.
 *
 * Threads: one. Memory: entries are embedded in their owners; lines are allocated here, at most one
 * an entry. Errors: -EBUSY when the queue is full, -EDQUOT when the client's line is, -ENOMEM.
 */
#ifndef TRYTOK_FAIR_QUEUE_H
#define TRYTOK_FAIR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "attributes.h"
#include "client_key.h"

struct fair_line;

struct fair_entry {
    struct fair_line *line; /* NULL while not queued */
    struct fair_entry *next, *previous;
    void *owner; /* borrowed; the user's */
};

struct fair_queue;

MUST_CHECK int fair_queue_create(size_t count_max, size_t client_max,
                                 struct fair_queue **ret_queue);
void fair_queue_free(struct fair_queue *queue); /* must be empty; NULL is fine */

/* At the end of the client's line. */
MUST_CHECK int fair_queue_push(struct fair_queue *queue, struct client_key client,
                               struct fair_entry *entry);
/* The same without regard to the bounds: for work of a request that was let in already, which its
 * owner bounds. */
MUST_CHECK int fair_queue_push_more(struct fair_queue *queue, struct client_key client,
                                    struct fair_entry *entry);
struct fair_entry *fair_queue_pop(struct fair_queue *queue);                /* NULL when empty */
void fair_queue_remove(struct fair_queue *queue, struct fair_entry *entry); /* fine when not in */
size_t fair_queue_count(const struct fair_queue *queue);

#endif
