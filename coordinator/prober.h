/*
 * prober - looks at each executor's /readyz again and again, and once at what it offers.
 *
 * A look that cannot reach the executor counts as a failure of it; one that can brings it back.
 *
 * Threads: the loop's. Memory: the client and the table are borrowed and outlive it.
 */
#ifndef TRYTOK_PROBER_H
#define TRYTOK_PROBER_H

#include "attributes.h"
#include "dispatcher.h"
#include "executors.h"
#include "http_client.h"
#include "loop.h"

struct prober;

struct prober_config {
    struct loop *loop;
    struct http_client *client;
    struct executors *executors;
    struct dispatcher *dispatcher; /* woken when an executor has become ready */
    unsigned interval_ms;
};

MUST_CHECK int prober_create(const struct prober_config *config, struct prober **ret_prober);
void prober_free(struct prober *prober); /* NULL is fine */
/* Now, as well: new executors were listed. */
void prober_look(struct prober *prober);

#endif
