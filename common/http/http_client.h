/*
 * http_client - libcurl's multi interface on a loop: keep-alive connections to chosen addresses.
 *
 * The caller chooses the address (curl never resolves or balances). A response is delivered in
 * pieces as it comes. No redirects, no proxies, no decompression, HTTP/1.1 only, no Expect.
 *
 * Threads: all on the loop's thread.
 * Memory:  a call lives until on_end returned, or http_call_cancel(). Request bytes are taken over.
 * Errors:  0 or -errno at start; later ones come through on_end.
 */
#ifndef TRYTOK_HTTP_CLIENT_H
#define TRYTOK_HTTP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "attributes.h"
#include "loop.h"

struct http_client;
struct http_call;

struct http_client_config {
    unsigned connect_timeout_ms;   /* 250 */
    unsigned connections_idle_max; /* kept for reuse */
    unsigned connection_age_max_s; /* 30 */
};

enum http_failure {
    HTTP_FAILURE_NONE,    /* a complete response */
    HTTP_FAILURE_CONNECT, /* refused, unreachable or timed out: nothing was sent */
    /* The connection was closed without a byte of a response, and the other side's kernel had not
     * taken a byte of the request (a kept connection that was dead already): nothing can have
     * started. Whatever is not proved to be this is HTTP_FAILURE_LOST. */
    HTTP_FAILURE_UNSENT,
    HTTP_FAILURE_LOST,    /* the connection ended within the response, or before it */
    HTTP_FAILURE_TIMEOUT, /* timeout_ms passed after the request was sent */
    HTTP_FAILURE_REFUSED, /* a callback of ours refused the response */
};

struct http_call_config {
    const struct sockaddr *address; /* copied */
    const char *method, *path;      /* copied */
    const char *const *headers;     /* "Name: value" lines, NULL-terminated; copied */
    char *body;                     /* taken, malloc'ed; also on failure */
    size_t body_bytes;
    unsigned timeout_ms; /* of the whole call */
    void *context;
    /* Status line and headers are complete. Negative refuses the response. Header values by
     * http_call_header(). */
    int (*on_headers)(void *context, struct http_call *call, unsigned status);
    int (*on_body)(void *context, const char *bytes, size_t count); /* negative refuses */
    void (*on_end)(void *context, enum http_failure failure);       /* the call is gone after it */
};

MUST_CHECK int http_client_create(struct loop *loop, const struct http_client_config *config,
                                  struct http_client **ret_client);
void http_client_free(struct http_client *client); /* cancels what is left; NULL is fine */
MUST_CHECK int http_client_start(struct http_client *client, const struct http_call_config *config,
                                 struct http_call **ret_call);
const char *http_call_header(const struct http_call *call, const char *name); /* or NULL */
void http_call_cancel(struct http_call *call); /* closes its connection; on_end is not called */

#endif
