/*
 * cors - lets the pages named by the setting cors.origins call the API from a browser.
 *
 * Threads: the loop's. Memory: nothing is kept. With no origins every function does nothing.
 */
#ifndef TRYTOK_CORS_H
#define TRYTOK_CORS_H

#include "http_server.h"
#include "settings.h"

/* On every answer: Vary, and what lets the page read it if its origin is one of those named. */
void cors_add_headers(struct http_exchange *exchange, const struct settings_list *origins);
/* Answers a preflight for this path with 204. */
void cors_preflight(struct http_exchange *exchange, const struct settings_list *origins,
                    const struct http_route *routes, size_t route_count);

#endif
