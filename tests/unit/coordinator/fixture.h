/*
 * fixture - a real coordinator on a loop, between a client and fake executors.
 *
 * All on one thread: fixture_until() runs the loop until something has happened, with a deadline.
 */
#ifndef COORDINATOR_FIXTURE_H
#define COORDINATOR_FIXTURE_H

#include <stdbool.h>

#include "buffer.h"
#include "config.h"
#include "coordinator.h"
#include "fake_executor.h"
#include "http_client.h"

enum { FIXTURE_FAKES_MAX = 4, REPLY_HEADER_BYTES = 128 };

struct fixture {
    struct loop *loop;
    struct config config;
    struct inner_secret secret;
    struct http_client *client;
    struct coordinator *coordinator;
    struct fake_executor fakes[FIXTURE_FAKES_MAX];
    size_t fake_count;
    bool to_admin; /* requests go to the admin port */
};

/* Settings from NULL-terminated flags; secret.file is set. */
void fixture_config(struct config *config, const char *const *flags);

/* Loop, secret, client and fakes. */
void fixture_init(struct fixture *fixture, size_t fake_count, unsigned slots);
/* The coordinator, with the fakes as its executors, and waits until it has found them ready. */
void fixture_start(struct fixture *fixture, const char *const *flags);
void fixture_done(struct fixture *fixture);

/* Runs the loop until it is so; fails the test after ten seconds. */
void fixture_until(struct fixture *fixture, bool (*is_so)(void *context), void *context);
/* Runs the loop for so long, whatever happens: for what must not happen. */
void fixture_run_ms(struct fixture *fixture, unsigned ms);

struct reply {
    struct http_call *call;
    unsigned status; /* 0: no answer yet */
    bool is_over;
    enum http_failure failure;
    uint64_t over_us;
    char verdict[32], exit_code[8], stdout_bytes[16], request_id[64], content_type[64];
    char retry_after[8], truncated[8], allow_origin[64], connection[16];
    struct buffer body;
};

/* Sends POST path; `headers` are lines, NULL-terminated, or NULL. */
void fixture_send(struct fixture *fixture, struct reply *reply, const char *method,
                  const char *path, const char *const *headers, const char *body,
                  size_t body_bytes);
/* POST /execute of text, to be answered as text. */
void fixture_send_text(struct fixture *fixture, struct reply *reply, const char *source);
void fixture_send_json(struct fixture *fixture, struct reply *reply, const char *body);
void fixture_send_events(struct fixture *fixture, struct reply *reply, const char *body);
void fixture_wait(struct fixture *fixture, struct reply *reply);
const char *reply_text(struct reply *reply); /* the body, NUL-terminated */
void reply_done(struct reply *reply);

#endif
