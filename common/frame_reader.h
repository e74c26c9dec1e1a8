/*
 * frame_reader - cuts a stream of bytes that arrive in any pieces into frames.
 *
 * Threads: none of its own. Memory: owns one buffer of at most one frame; the payload given to the
 * callback is borrowed until it returns. Errors: -EBADMSG (malformed: the reader is dead from then
 * on), -ENOMEM, or what the callback returned.
 */
#ifndef TRYTOK_FRAME_READER_H
#define TRYTOK_FRAME_READER_H

#include "buffer.h"
#include "frame.h"

/* 0 to go on, or a negative value that ends frame_reader_feed() with it. The callback must neither
 * feed nor free its reader: return a negative value and free it after frame_reader_feed(). */
typedef int (*frame_fn)(void *context, enum frame_type type, const uint8_t *payload, size_t count);

struct frame_reader {
    struct buffer pending;
    frame_fn on_frame;
    void *context; /* borrowed */
    int error;
};

void frame_reader_init(struct frame_reader *reader, frame_fn on_frame, void *context);
void frame_reader_done(struct frame_reader *reader);
MUST_CHECK int frame_reader_feed(struct frame_reader *reader, const void *bytes, size_t count);
bool frame_reader_is_between_frames(const struct frame_reader *reader);

#endif
