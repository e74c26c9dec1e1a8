/*
 * http_fixture - a server on a thread of its own, and a client of raw bytes for the test's thread.
 *
 * Routes: GET /livez · POST /echo · GET|POST /hold (waits for a command) · GET /stream (likewise,
 * answers as a stream) · POST /early (answers 401 before the body) · GET /forget (without on_end).
 */
#ifndef TRYTOK_TEST_HTTP_FIXTURE_H
#define TRYTOK_TEST_HTTP_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_server.h"

enum { ECHO_BYTES_MAX = 4096, DEADLINE_MS = 10000, ANSWER_BYTES = 256 << 10 };

/* What the handlers met, in order. */
enum { EVENT_HELD = 'h', EVENT_SENT = 's', EVENT_LOST = 'l' };

struct http_fixture;

/* Small timeouts that a test may change before it starts. */
void fixture_config(struct http_server_config *config);
struct http_fixture *fixture_start(const struct http_server_config *config);
void fixture_stop_server(struct http_fixture *fixture); /* frees the server, joins the thread */
void fixture_stop(struct http_fixture *fixture);        /* likewise if need be; frees all */

uint16_t fixture_port(const struct http_fixture *fixture);

/* Commands for the request that is held: 'r' answers it, 'w' writes a piece of 10 bytes, 'f' one of
 * 64 KiB, 'e' ends the stream, 'x' aborts it, 'c' counts (fixture_count()), 'q' stops accepting. */
void fixture_command(struct http_fixture *fixture, char command);
/* Likewise, but does not wait until it is done, and does nothing when no request is held. */
void fixture_command_any(struct http_fixture *fixture, char command);
char fixture_event(struct http_fixture *fixture); /* the next one; fails after DEADLINE_MS */
bool fixture_is_quiet(struct http_fixture *fixture, int ms); /* no event comes */
unsigned fixture_count(struct http_fixture *fixture);        /* http_server_exchange_count() */
int fixture_last_write(struct http_fixture *fixture);        /* of the last 'w' or 'f' */
unsigned fixture_handled(struct http_fixture *fixture);      /* calls of handlers so far */
unsigned fixture_answered(struct http_fixture *fixture);     /* calls of `answering` so far */

/* ---- the client: every wait ends with a failed test after DEADLINE_MS ---- */
struct answer {
    int status;
    size_t head_bytes, body_bytes;
    const char *body;        /* chunks are joined */
    char text[ANSWER_BYTES]; /* as it came */
};

int dial(const struct http_fixture *fixture);
void send_bytes(int fd, const void *bytes, size_t count);
void send_text(int fd, const char *text);
/* One response with Content-Length, or chunked, or without a body (is_head). Interim ones are
 * skipped and counted. */
void read_answer(int fd, struct answer *answer, bool is_head, int *ret_interim_count);
bool answer_has(const struct answer *answer, const char *text); /* in its head */
bool readable_within(int fd, int ms);
/* Both ends of a request on a new connection; returns the status. */
int ask(const struct http_fixture *fixture, const char *request, struct answer *answer);
/* The connection ends: nothing more comes, by an end or a reset. */
void expect_end(int fd);
uint64_t now_ms(void);

#endif
