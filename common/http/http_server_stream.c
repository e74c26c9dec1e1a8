/* A streamed answer: bytes wait in `pending` until MHD's content reader takes them. */
#include <string.h>

#include "http_server_internal.h"

enum { STREAM_BLOCK_BYTES = 32 << 10 };

struct http_stream *stream_create(struct http_exchange *exchange, size_t pending_bytes_max)
{
    struct http_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    stream->server = exchange->server;
    stream->exchange = exchange;
    buffer_init(&stream->pending, pending_bytes_max);
    return stream;
}

static void drop_pending(struct http_stream *stream)
{
    stream->server->stream_bytes -= buffer_count(&stream->pending);
    buffer_done(&stream->pending);
}

static void stream_free(void *context)
{
    struct http_stream *stream = context;
    if (stream->exchange)
        stream->exchange->stream = NULL;
    drop_pending(stream);
    free(stream);
}

void stream_detach(struct http_stream *stream)
{
    stream->exchange->stream = NULL;
    stream->exchange = NULL;
    if (!stream->mhds)
        stream_free(stream);
}

static ssize_t read_stream(void *context, uint64_t position UNUSED, char *space, size_t space_bytes)
{
    struct http_stream *stream = context;
    if (stream->aborted || !stream->exchange || !stream->exchange->connection)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    stream->exchange->server->callbacks++;
    size_t count = buffer_count(&stream->pending);
    if (count > space_bytes)
        count = space_bytes;
    if (count > 0) {
        memcpy(space, buffer_data(&stream->pending), count);
        buffer_consume(&stream->pending, count);
        stream->server->stream_bytes -= count;
        return (ssize_t)count;
    }
    if (stream->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    struct http_connection *connection = stream->exchange->connection;
    MHD_suspend_connection(connection->mhd);
    connection->suspended = true;
    return 0;
}

struct MHD_Response *stream_make_response(struct http_stream *stream)
{
    /* With its end known already an answer has a length, and goes out in one piece. */
    if (stream->ended) {
        size_t count = buffer_count(&stream->pending);
        void *bytes = (void *)(uintptr_t)buffer_data(&stream->pending);
        return MHD_create_response_from_buffer(count, bytes, MHD_RESPMEM_MUST_COPY);
    }
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, read_stream, stream, stream_free);
    stream->mhds = response != NULL;
    return response;
}

/* NULL once the client is gone, or memory was short at the beginning. */
static struct http_stream *living(const struct http_exchange *exchange)
{
    return exchange->connection ? exchange->stream : NULL;
}

static void wake_reader(struct http_exchange *exchange)
{
    connection_resume(exchange->connection);
}

int http_exchange_stream_write(struct http_exchange *exchange, const void *bytes, size_t count)
{
    struct http_stream *stream = living(exchange);
    if (!stream)
        return exchange->connection ? -ENOMEM : -EPIPE;
    int r = buffer_append(&stream->pending, bytes, count);
    if (r < 0)
        return r;
    stream->server->stream_bytes += count;
    if (count > 0)
        wake_reader(exchange);
    return 0;
}

size_t http_exchange_stream_pending(const struct http_exchange *exchange)
{
    const struct http_stream *stream = living(exchange);
    return stream ? buffer_count(&stream->pending) : 0;
}

/* False when the client is gone: the exchange lived on for its handler only. */
static bool finish(struct http_exchange *exchange)
{
    exchange->streaming = false;
    if (exchange->connection)
        return true;
    exchange_free(exchange);
    return false;
}

void http_exchange_stream_end(struct http_exchange *exchange)
{
    if (!finish(exchange))
        return;
    if (exchange->stream)
        exchange->stream->ended = true;
    wake_reader(exchange);
}

void http_exchange_stream_abort(struct http_exchange *exchange)
{
    if (finish(exchange))
        http_exchange_abort(exchange);
}

void http_exchange_abort(struct http_exchange *exchange)
{
    if (!exchange->connection)
        return;
    if (exchange->stream) {
        exchange->stream->aborted = true;
        drop_pending(exchange->stream);
    }
    exchange->failed = true;
    server_unsettle(
        exchange->connection); /* not later than now, even if the client reads nothing */
}
