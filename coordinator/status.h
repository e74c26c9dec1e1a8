/*
 * status - what the coordinator tells about itself: health, what it offers, metrics.
 *
 * Threads: the loop's. Memory: none kept. http_handler_fn with a struct service as their context.
 */
#ifndef TRYTOK_STATUS_H
#define TRYTOK_STATUS_H

#include "http_server.h"
#include "service.h"

void status_handle_livez(struct http_exchange *exchange, void *context);
void status_handle_readyz(struct http_exchange *exchange, void *context);
void status_handle_capabilities(struct http_exchange *exchange, void *context);
void status_handle_openapi(struct http_exchange *exchange, void *context);
void status_handle_metrics(struct http_exchange *exchange, void *context);

#endif
