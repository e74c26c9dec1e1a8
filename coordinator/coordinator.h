/*
 * coordinator - the daemon: its two servers, its executors, and how it starts and stops.
 *
 * Threads: the loop's. Memory: owns all it makes. Errors: 0 or -errno, with a log line that says
 * what could not be done.
 */
#ifndef TRYTOK_COORDINATOR_H
#define TRYTOK_COORDINATOR_H

#include <stdint.h>

#include "attributes.h"
#include "config.h"
#include "http_server.h"
#include "inner.h"
#include "loop.h"

struct coordinator;

/* Listens when it returns. `settings` and `secret` are borrowed for its life. */
MUST_CHECK int coordinator_create(struct loop *loop, const struct coordinator_settings *settings,
                                  const struct inner_secret *secret,
                                  struct coordinator **ret_coordinator);
void coordinator_free(struct coordinator *coordinator); /* cuts off what is left; NULL is fine */

/* The public API's table of routes; borrowed. */
const struct http_route *coordinator_routes(const struct coordinator *coordinator,
                                            size_t *ret_count);
uint16_t coordinator_port(const struct coordinator *coordinator);
uint16_t coordinator_admin_port(const struct coordinator *coordinator);

/* What SIGTERM does: /readyz says no; after drain.delay nothing new is accepted; the loop is stopped
 * when every request is answered, or after drain.wait. The second call stops the loop at once. */
void coordinator_drain(struct coordinator *coordinator);

#endif
