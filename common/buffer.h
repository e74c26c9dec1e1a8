/*
 * buffer - a growing run of bytes with a hard cap, consumed from the front.
 *
 * Threads: none of its own. Memory: owns its bytes; buffer_done() frees them.
 * Errors:  -ENOMEM; -EMSGSIZE when the cap would be passed (nothing is added then).
 */
#ifndef TRYTOK_BUFFER_H
#define TRYTOK_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

#include "attributes.h"

struct buffer {
    char *bytes;  /* owned; not NUL-terminated */
    size_t start; /* first byte not yet consumed */
    size_t end;   /* one past the last byte */
    size_t capacity;
    size_t count_max; /* cap on end - start */
};

void buffer_init(struct buffer *buffer, size_t count_max);
void buffer_done(struct buffer *buffer); /* may be used again after buffer_init() */

static inline size_t buffer_count(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}
static inline const char *buffer_data(const struct buffer *buffer)
{
    return buffer->bytes ? buffer->bytes + buffer->start : "";
}

MUST_CHECK int buffer_append(struct buffer *buffer, const void *bytes, size_t count);
MUST_CHECK int buffer_append_text(struct buffer *buffer, const char *text);
MUST_CHECK int buffer_append_format(struct buffer *buffer, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* Room for at least `count` more bytes at *ret_space; buffer_commit() then adds what was written. */
MUST_CHECK int buffer_reserve(struct buffer *buffer, size_t count, char **ret_space);
void buffer_commit(struct buffer *buffer, size_t count);

void buffer_consume(struct buffer *buffer, size_t count); /* drops bytes from the front */
void buffer_clear(struct buffer *buffer);

/* The bytes as a NUL-terminated string that the caller frees; the buffer is empty afterwards. */
MUST_CHECK int buffer_take_string(struct buffer *buffer, char **ret_text, size_t *ret_count);

#endif
