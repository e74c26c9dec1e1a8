/*
 * stream - the runner's end of its one connection: frames in and out with few system calls.
 *
 * What is printed gathers in one STDOUT frame until there is much of it, something else has to be
 * said, or stream_flush() is called.
 *
 * Threads: one. Memory: two buffers of fixed size, in the caller's struct.
 * Errors:  0 or -errno; -EBADMSG: the other side breaks the protocol; -EPIPE: it has gone.
 */
#ifndef TRYTOK_STREAM_H
#define TRYTOK_STREAM_H

#include "attributes.h"
#include "frame.h"

enum {
    STREAM_IN_BYTES = 64 * 1024,
    STREAM_STDOUT_MAX = 16 * 1024, /* of one STDOUT frame */
    /* The largest frame there is fits behind a full STDOUT frame and a short one. */
    STREAM_OUT_BYTES =
        2 * FRAME_HEADER_BYTES + STREAM_STDOUT_MAX + FRAME_PAYLOAD_MAX + FRAME_FIXED_MAX,
};

struct stream {
    int fd; /* borrowed, blocking */
    size_t in_start, in_end;
    size_t out_end;
    size_t stdout_start; /* where the open STDOUT frame begins; SIZE_MAX: none is open */
    uint8_t in[STREAM_IN_BYTES];
    uint8_t out[STREAM_OUT_BYTES];
};

void stream_init(struct stream *stream, int fd);

/* The next frame's header; *ret_end instead when the other side ended between two frames. */
MUST_CHECK int stream_read_header(struct stream *stream, struct frame_header *ret_header,
                                  bool *ret_end);
MUST_CHECK int stream_read_bytes(struct stream *stream, void *to, size_t count);

MUST_CHECK int stream_print(struct stream *stream, const char *bytes, size_t count);

/* Room for a frame of up to `count` bytes, header and all; then how many it became. */
MUST_CHECK int stream_reserve(struct stream *stream, size_t count, uint8_t **ret_space);
void stream_commit(struct stream *stream, size_t count);

MUST_CHECK int stream_flush(struct stream *stream);

#endif
