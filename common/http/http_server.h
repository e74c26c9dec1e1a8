/*
 * http_server - libmicrohttpd on a loop, behind a strict gate.
 *
 * One server is one listening address. It accepts only what a careful HTTP/1.1 server should: the
 * header gate refuses ambiguous or oversized messages before a byte of the body is read, the sweeper
 * ends connections that are too slow, and every count has a cap. A handler sees a whole request and
 * answers it now or later, at once or as a stream.
 *
 * Threads: all on the loop's thread.
 * Memory:  an exchange lives from its handler's call until `on_end`, or until it is answered if no
 *          on_end was set. What its getters return is borrowed from it.
 * Errors:  0 or -errno. Refusals of the gate are answered by the server itself as problem documents
 *          (problem.h).
 */
#ifndef TRYTOK_HTTP_SERVER_H
#define TRYTOK_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "attributes.h"
#include "buffer.h"
#include "loop.h"

struct http_server;
struct http_exchange;

enum { HTTP_SERVER_CONNECTION_DESCRIPTORS = 2 }; /* what each connection takes */

typedef void (*http_handler_fn)(struct http_exchange *exchange, void *context);

/* Exact match of method and raw path; nothing is decoded, '%' in a path is 404. HEAD is served by
 * the GET route; OPTIONS by `options` of the config, else 405. */
struct http_route {
    const char *method;
    const char *path;
    http_handler_fn handle;       /* the body is complete */
    http_handler_fn headers_come; /* optional: before the body; may answer already */
    uint64_t body_bytes_max;      /* 0: a request with a body is refused */
};

enum http_half_close {
    HTTP_HALF_CLOSE_CANCELS, /* inner hop: a client that shut its side is gone */
    HTTP_HALF_CLOSE_PROBES,  /* public: an interim 100 tells a half-closed client from a dead one */
};

struct http_server_config {
    const char *address;             /* numeric, "127.0.0.1" or "::"; */
    uint16_t port;                   /* 0: the kernel chooses, see http_server_port() */
    const struct http_route *routes; /* borrowed for the server's life */
    size_t route_count;
    void *context;           /* given to handlers */
    http_handler_fn options; /* optional: OPTIONS on a known path (CORS) */
    /* Optional: sees every answer as it is queued, the server's own refusals too (metrics, and
     * headers every answer carries: http_exchange_add_header()). route NULL: no route matched. */
    void (*answering)(struct http_exchange *exchange, unsigned status, const char *problem_code,
                      void *context);
    enum http_half_close half_close;
    unsigned connections_max;
    unsigned connections_per_address_max; /* 0: no such limit */
    unsigned header_timeout_ms;    /* from accept, or the last answer's end, see idle_timeout_ms */
    unsigned body_timeout_ms;      /* whole body */
    unsigned body_bytes_per_s_min; /* after the first second */
    unsigned write_timeout_ms;     /* without any progress of the client's reading */
    unsigned idle_timeout_ms;      /* keep-alive without a request */
    size_t header_bytes_max;       /* request line and headers; more is 431, a longer target 414 */
    size_t target_bytes_max;
    size_t stream_bytes_max; /* unsent bytes of one streamed answer */
    uint64_t
        bodies_bytes_max; /* of all requests that are not ended; 0: no such limit. More is 503 */
};

void http_server_config_default(struct http_server_config *config);
MUST_CHECK int http_server_create(struct loop *loop, const struct http_server_config *config,
                                  struct http_server **ret_server);
uint16_t http_server_port(const struct http_server *server);
/* Held now for all exchanges: bodies, and what streams have not sent. */
uint64_t http_server_held_bytes(const struct http_server *server);
void http_server_stop_accepting(struct http_server *server); /* closes the listening socket */
/* Requests whose head has come and whose answer has not wholly gone out. */
unsigned http_server_exchange_count(const struct http_server *server);
/* Ends what is left; every pending on_end is called with HTTP_END_LOST. NULL is fine. */
void http_server_free(struct http_server *server);

/* ---- the request ---- */
const char *http_exchange_method(const struct http_exchange *exchange);
const char *http_exchange_path(const struct http_exchange *exchange);
const char *http_exchange_query(const struct http_exchange *exchange); /* "" without one; raw */
const char *http_exchange_header(const struct http_exchange *exchange,
                                 const char *name); /* or NULL */
const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_count);
/* In headers_come only: a smaller cap on this body than its route's; one that passes it is 413. */
void http_exchange_limit_body(struct http_exchange *exchange, uint64_t bytes_max);
const struct sockaddr *http_exchange_address(const struct http_exchange *exchange);
const struct http_route *http_exchange_route(const struct http_exchange *exchange); /* or NULL */
uint64_t http_exchange_started_us(const struct http_exchange *exchange); /* headers complete */
const char *http_exchange_id(const struct http_exchange *exchange);      /* 32 hex digits, random */

/* ---- the answer: one of respond, or stream_begin … stream_end ---- */
enum http_end { HTTP_END_SENT, HTTP_END_LOST };
/* Tells how the exchange ended; the exchange is gone when it returns. HTTP_END_LOST may come at any
 * time after this call, also before an answer: the client is gone, stop the work. */
void http_exchange_on_end(struct http_exchange *exchange,
                          void (*on_end)(void *owner, enum http_end), void *owner);

bool http_exchange_has_owner(const struct http_exchange *exchange); /* on_end was called */

void http_exchange_add_header(struct http_exchange *exchange, const char *name, const char *value);
bool http_exchange_has_added(const struct http_exchange *exchange, const char *name);
/* The stable code that `answering` is told; set by problem_respond(). */
void http_exchange_set_problem_code(struct http_exchange *exchange, const char *problem_code);
void http_exchange_close_after(struct http_exchange *exchange); /* Connection: close */
/* Copies the body. Runs out of memory: the connection is closed (HTTP_END_LOST). */
void http_exchange_respond(struct http_exchange *exchange, unsigned status,
                           const char *content_type, const void *body, size_t body_bytes);
/* Takes the bytes (malloc'ed). */
void http_exchange_respond_take(struct http_exchange *exchange, unsigned status,
                                const char *content_type, char *body, size_t body_bytes);

void http_exchange_stream_begin(struct http_exchange *exchange, unsigned status,
                                const char *content_type);
/* 0, -EMSGSIZE when stream_bytes_max would be passed, -ENOMEM. */
MUST_CHECK int http_exchange_stream_write(struct http_exchange *exchange, const void *bytes,
                                          size_t count);
size_t http_exchange_stream_pending(const struct http_exchange *exchange); /* unsent bytes */
void http_exchange_stream_end(struct http_exchange *exchange);
void http_exchange_stream_abort(struct http_exchange *exchange); /* cuts the connection */
/* For an answer that was given in whole: cuts the connection if it has not gone out yet. Its on_end
 * comes later. */
void http_exchange_abort(struct http_exchange *exchange);

#endif
