/*
 * presenter - shows what happens to a request's runs, in one of three forms: text, JSON, events.
 *
 * All three are fed the same way, one run after the other (cases in their order):
 *
 *     started  (output | diagnostic)*  result     for each run
 *     finish                                      once
 *
 * so that the forms cannot differ in what they tell. Text and JSON answer at `finish`; events open
 * their answer with the first `started`, from where on presenter_is_open() is true.
 *
 * Threads: the loop's. Memory: what is given is borrowed until the call returns; the sink outlives
 * the presenter. Errors: 0, -ENOMEM, -EMSGSIZE (more than the answer may hold, or than a slow reader
 * leaves room for).
 */
#ifndef TRYTOK_PRESENTER_H
#define TRYTOK_PRESENTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attributes.h"
#include "frame.h"
#include "loop.h"
#include "negotiation.h"
#include "outcome.h"

/* Where an answer goes: an exchange of the HTTP server, or a test's buffer. */
struct answer_sink {
    void *context;
    void (*add_header)(void *context, const char *name, const char *value);
    void (*respond_take)(void *context, const char *content_type, char *body, size_t body_bytes);
    void (*stream_begin)(void *context, const char *content_type);
    int (*stream_write)(void *context, const void *bytes, size_t count);
    size_t (*stream_pending)(void *context); /* unsent bytes */
    void (*stream_end)(void *context);
};

struct presenter_config {
    const struct answer_sink *sink; /* borrowed */
    struct loop *loop;              /* borrowed; for events' heartbeat */
    bool has_cases;
    uint64_t output_bytes_max; /* of all runs together */
    uint64_t heartbeat_ms;
};

enum { PRESENTER_DIAGNOSTIC_BYTES_MAX = 1024 * 1024 }; /* of one request: what a caller must keep */

struct presenter;
struct presenter_ops {
    int (*started)(struct presenter *presenter);
    int (*output)(struct presenter *presenter, const char *bytes, size_t count);
    int (*diagnostic)(struct presenter *presenter, const struct frame_diagnostic *diagnostic);
    int (*result)(struct presenter *presenter, const struct outcome *outcome);
    int (*finish)(struct presenter *presenter, const struct outcome *sum);
    bool (*is_open)(const struct presenter *presenter);
    size_t (*held)(const struct presenter *presenter);
    void (*free)(struct presenter *presenter);
};
struct presenter {
    const struct presenter_ops *ops;
};

MUST_CHECK int presenter_create(enum answer_form form, const struct presenter_config *config,
                                struct presenter **ret_presenter);
MUST_CHECK int presenter_create_text(const struct presenter_config *config,
                                     struct presenter **ret_presenter);
MUST_CHECK int presenter_create_json(const struct presenter_config *config,
                                     struct presenter **ret_presenter);
MUST_CHECK int presenter_create_events(const struct presenter_config *config,
                                       struct presenter **ret_presenter);

static inline int presenter_started(struct presenter *presenter)
{
    return presenter->ops->started(presenter);
}
static inline int presenter_output(struct presenter *presenter, const char *bytes, size_t count)
{
    return presenter->ops->output(presenter, bytes, count);
}
static inline int presenter_diagnostic(struct presenter *presenter,
                                       const struct frame_diagnostic *diagnostic)
{
    return presenter->ops->diagnostic(presenter, diagnostic);
}
static inline int presenter_result(struct presenter *presenter, const struct outcome *outcome)
{
    return presenter->ops->result(presenter, outcome);
}
static inline int presenter_finish(struct presenter *presenter, const struct outcome *sum)
{
    return presenter->ops->finish(presenter, sum);
}
static inline bool presenter_is_open(const struct presenter *presenter)
{
    return presenter->ops->is_open(presenter);
}
/* Bytes of the answer that it has not given to the sink; 0 for NULL. */
static inline size_t presenter_held(const struct presenter *presenter)
{
    return presenter ? presenter->ops->held(presenter) : 0;
}
static inline void presenter_free(struct presenter *presenter) /* NULL is fine */
{
    if (presenter)
        presenter->ops->free(presenter);
}

/* What one costs in the longest of the three forms, before escapes. */
uint64_t presenter_diagnostic_cost(const struct frame_diagnostic *diagnostic);

/* Tok-Verdict, Tok-Exit-Code, and Tok-Truncated where it is so: on text and JSON answers. */
void presenter_add_headers(const struct answer_sink *sink, const struct outcome *sum);

#endif
