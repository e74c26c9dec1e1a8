#include "stream.h"

#include <string.h>

void stream_init(struct stream *stream, int fd)
{
    stream->fd = fd;
    stream->in_start = 0;
    stream->in_end = 0;
    stream->out_end = 0;
    stream->stdout_start = SIZE_MAX;
}

/* At least one byte more in an empty buffer; -EPIPE at the end. */
static int fill(struct stream *stream)
{
    for (;;) {
        ssize_t count = read(stream->fd, stream->in, sizeof(stream->in));
        if (count > 0) {
            stream->in_start = 0;
            stream->in_end = (size_t)count;
            return 0;
        }
        if (count == 0)
            return -EPIPE;
        if (errno != EINTR)
            return -errno;
    }
}

int stream_read_bytes(struct stream *stream, void *to, size_t count)
{
    uint8_t *at = to;
    while (count > 0) {
        if (stream->in_start == stream->in_end) {
            int r = fill(stream);
            if (r < 0)
                return r;
        }
        size_t available = stream->in_end - stream->in_start;
        size_t part = available < count ? available : count;
        memcpy(at, stream->in + stream->in_start, part);
        stream->in_start += part;
        at += part;
        count -= part;
    }
    return 0;
}

int stream_read_header(struct stream *stream, struct frame_header *ret_header, bool *ret_end)
{
    *ret_end = false;
    if (stream->in_start == stream->in_end) {
        int r = fill(stream);
        if (r == -EPIPE)
            *ret_end = true;
        if (r < 0)
            return *ret_end ? 0 : r;
    }
    uint8_t bytes[FRAME_HEADER_BYTES];
    int r = stream_read_bytes(stream, bytes, sizeof(bytes));
    return r < 0 ? r : frame_decode_header(bytes, ret_header);
}

static void close_stdout_frame(struct stream *stream)
{
    if (stream->stdout_start == SIZE_MAX)
        return;
    size_t payload = stream->out_end - stream->stdout_start - FRAME_HEADER_BYTES;
    frame_encode_header(stream->out + stream->stdout_start, FRAME_STDOUT, (uint32_t)payload);
    stream->stdout_start = SIZE_MAX;
}

int stream_flush(struct stream *stream)
{
    close_stdout_frame(stream);
    size_t at = 0;
    while (at < stream->out_end) {
        ssize_t count = write(stream->fd, stream->out + at, stream->out_end - at);
        if (count < 0 && errno != EINTR)
            return -errno;
        at += count > 0 ? (size_t)count : 0;
    }
    stream->out_end = 0;
    return 0;
}

int stream_reserve(struct stream *stream, size_t count, uint8_t **ret_space)
{
    close_stdout_frame(stream);
    if (count > sizeof(stream->out) - stream->out_end) {
        int r = stream_flush(stream);
        if (r < 0)
            return r;
    }
    *ret_space = stream->out + stream->out_end;
    return 0;
}

void stream_commit(struct stream *stream, size_t count)
{
    stream->out_end += count;
}

static int open_stdout_frame(struct stream *stream)
{
    uint8_t *space = NULL;
    int r = stream_reserve(stream, FRAME_HEADER_BYTES + STREAM_STDOUT_MAX, &space);
    if (r < 0)
        return r;
    stream->stdout_start = stream->out_end;
    stream->out_end += FRAME_HEADER_BYTES;
    return 0;
}

int stream_print(struct stream *stream, const char *bytes, size_t count)
{
    while (count > 0) {
        if (stream->stdout_start == SIZE_MAX) {
            int r = open_stdout_frame(stream);
            if (r < 0)
                return r;
        }
        size_t end_max = stream->stdout_start + FRAME_HEADER_BYTES + STREAM_STDOUT_MAX;
        size_t room = end_max - stream->out_end;
        size_t part = count < room ? count : room;
        memcpy(stream->out + stream->out_end, bytes, part);
        stream->out_end += part;
        bytes += part;
        count -= part;
        if (part == room) {
            int r = stream_flush(stream);
            if (r < 0)
                return r;
        }
    }
    return 0;
}
