/*
 * request - one POST /execute or /check from its complete body to its answer's end.
 *
 * A request is one run, or with cases one run for each. Whatever order they run in, they are shown in
 * theirs: the first that is not over yet is shown as it happens, later ones are kept until it is
 * their turn. Output and wall time are shared by all cases of a request.
 *
 * Threads: the loop's. Memory: a request frees itself when its exchange ends; if the client goes away
 * first, its runs are cancelled. Errors: all become answers.
 */
#ifndef TRYTOK_REQUEST_H
#define TRYTOK_REQUEST_H

#include "http_server.h"
#include "service.h"

/* http_handler_fn with a struct service as its context. */
void request_handle_execute(struct http_exchange *exchange, void *context);
void request_handle_check(struct http_exchange *exchange, void *context);
/* Before the body: refuses what its headers show to be too much. */
void request_handle_headers(struct http_exchange *exchange, void *context);

#endif
