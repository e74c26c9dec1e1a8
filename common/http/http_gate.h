/*
 * http_gate - reads the head of an HTTP/1.1 request strictly: request line, headers, body framing.
 *
 * Whatever two parsers could read in two ways is refused here, before libmicrohttpd sees a byte:
 * bare CR or LF, NUL and other control bytes, folded lines, blanks before a colon, names that are no
 * tokens, repeated single headers, Transfer-Encoding beside Content-Length, every other coding than
 * "chunked", a missing or repeated Host, absolute-form targets, and anything too long.
 *
 * Threads: none of its own; pure functions of their arguments.
 * Memory:  http_gate_read() allocates the head; http_head_free() frees it.
 */
#ifndef TRYTOK_HTTP_GATE_H
#define TRYTOK_HTTP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attributes.h"
#include "problem.h"

enum {
    HTTP_GATE_HEADERS_MAX = 100,        /* more is 431 */
    HTTP_GATE_METHOD_BYTES_MAX = 32,    /* a longer one is 400 */
    HTTP_GATE_HEAD_BYTES_MAX = 60 << 10 /* offsets are 16 bits wide */
};

struct http_head {
    size_t bytes;        /* of request line and headers, with the empty line */
    const char *method;  /* these point into text */
    const char *path;    /* as it came; not decoded */
    const char *query;   /* after the '?'; "" without one */
    bool is_1_1;         /* else 1.0 */
    bool chunked;        /* the body's length is in its chunks */
    bool expects;        /* Expect: 100-continue */
    bool is_connect;     /* target is an authority: path is "" */
    uint64_t body_bytes; /* Content-Length, 0 without one */
    size_t header_count;
    struct {
        uint16_t name, value; /* offsets into text */
    } headers[HTTP_GATE_HEADERS_MAX];
    char text[]; /* NUL-terminated pieces */
};

struct http_refusal {
    enum problem problem;
    const char *detail; /* constant text */
};

enum http_gate_result {
    HTTP_GATE_MORE,   /* no fault so far, the empty line has not come */
    HTTP_GATE_PASS,   /* *ret_head is set */
    HTTP_GATE_REFUSE, /* *reterr is set; the connection cannot be used further */
};

/* `bytes` start where a request must start. `head_bytes_max` is at most HTTP_GATE_HEAD_BYTES_MAX;
 * hand over one byte more than that where they are there, so that "too long" shows. */
enum http_gate_result http_gate_read(const char *bytes, size_t count, size_t head_bytes_max,
                                     size_t target_bytes_max, struct http_head **ret_head,
                                     struct http_refusal *reterr);
void http_head_free(struct http_head *head); /* NULL is fine */

/* The value of the first header of that name (any case), or NULL. */
const char *http_head_find(const struct http_head *head, const char *name);
bool http_head_has_body(const struct http_head *head);

#endif
