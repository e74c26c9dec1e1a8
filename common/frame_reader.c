#include "frame_reader.h"

void frame_reader_init(struct frame_reader *reader, frame_fn on_frame, void *context)
{
    *reader = (struct frame_reader){.on_frame = on_frame, .context = context};
    buffer_init(&reader->pending, FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX);
}

void frame_reader_done(struct frame_reader *reader)
{
    buffer_done(&reader->pending);
}

bool frame_reader_is_between_frames(const struct frame_reader *reader)
{
    return reader->error == 0 && buffer_count(&reader->pending) == 0;
}

/* How many more bytes complete the frame that begins at `bytes` of which `count` are there: 0 when
 * it is whole, -EBADMSG as soon as its header is wrong. */
static int missing_bytes(const uint8_t *bytes, size_t count, struct frame_header *ret_header,
                         size_t *ret_missing)
{
    if (count < FRAME_HEADER_BYTES) {
        *ret_missing = FRAME_HEADER_BYTES - count;
        return 0;
    }
    int r = frame_decode_header(bytes, ret_header);
    if (r < 0)
        return r;
    size_t whole = FRAME_HEADER_BYTES + (size_t)ret_header->payload_bytes;
    *ret_missing = count < whole ? whole - count : 0;
    return 0;
}

/* Completes the frame that began in an earlier call; *bytes and *count move past what was used. */
static int feed_pending(struct frame_reader *reader, const uint8_t **bytes, size_t *count)
{
    for (;;) {
        const uint8_t *frame = (const uint8_t *)buffer_data(&reader->pending);
        struct frame_header header = {.payload_bytes = 0};
        size_t missing = 0;
        int r = missing_bytes(frame, buffer_count(&reader->pending), &header, &missing);
        if (r < 0)
            return r;
        if (missing == 0) {
            r = reader->on_frame(reader->context, header.type, frame + FRAME_HEADER_BYTES,
                                 header.payload_bytes);
            buffer_clear(&reader->pending);
            return r < 0 ? r : 0;
        }
        if (*count == 0)
            return 0;
        size_t used = missing < *count ? missing : *count;
        r = buffer_append(&reader->pending, *bytes, used);
        if (r < 0)
            return r;
        *bytes += used;
        *count -= used;
    }
}

static int feed(struct frame_reader *reader, const uint8_t *bytes, size_t count)
{
    if (buffer_count(&reader->pending) > 0) {
        int r = feed_pending(reader, &bytes, &count);
        if (r < 0)
            return r;
    }
    while (count > 0) { /* whole frames are delivered from the caller's bytes, without a copy */
        struct frame_header header = {.payload_bytes = 0};
        size_t missing = 0;
        int r = missing_bytes(bytes, count, &header, &missing);
        if (r < 0)
            return r;
        if (missing > 0)
            return buffer_append(&reader->pending, bytes, count);
        r = reader->on_frame(reader->context, header.type, bytes + FRAME_HEADER_BYTES,
                             header.payload_bytes);
        if (r < 0)
            return r;
        bytes += FRAME_HEADER_BYTES + (size_t)header.payload_bytes;
        count -= FRAME_HEADER_BYTES + (size_t)header.payload_bytes;
    }
    return 0;
}

int frame_reader_feed(struct frame_reader *reader, const void *bytes, size_t count)
{
    if (reader->error < 0)
        return reader->error;
    int r = feed(reader, bytes, count);
    if (r < 0)
        reader->error = r;
    return r;
}
