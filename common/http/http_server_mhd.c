/* libmicrohttpd's callbacks: they move bytes and note what happened; server_run() acts on it. */
#include <string.h>

#include "http_server_internal.h"

enum {
    POOL_SPARE_BYTES = 8 << 10,   /* of MHD's memory for a connection: the answer's headers */
    SWALLOW_BYTES_MAX = 64 << 10, /* a body this small is read to the end even when unwanted */
};

static enum MHD_Result note_refusal(struct http_connection *connection, enum problem problem,
                                    const char *detail)
{
    connection->refusal_problem = problem;
    connection->refusal_detail = detail;
    server_unsettle(connection);
    MHD_suspend_connection(connection->mhd);
    connection->suspended = true;
    return MHD_YES;
}

/* Hands the answer to MHD. */
static enum MHD_Result queue_answer(struct http_connection *connection)
{
    struct http_exchange *exchange = connection->exchange;
    if (exchange->stream && !exchange->response)
        exchange->response = stream_make_response(exchange->stream);
    struct MHD_Response *response = TAKE(exchange->response);
    if (!response || exchange->failed) {
        if (response)
            MHD_destroy_response(response);
        return MHD_NO;
    }
    bool close = exchange->close || connection->server->stopping || exchange->head->chunked ||
                 connection_has_leftover(connection);
    enum MHD_Result result = MHD_YES;
    if (close)
        result = MHD_add_response_header(response, "Connection", "close");
    struct header_walk walk = {.offset = 0};
    while (result == MHD_YES && exchange_next_header(exchange, &walk))
        result = MHD_add_response_header(response, walk.name, walk.value);
    if (result == MHD_YES) {
        connection->state = CONNECTION_SEND;
        sweep_set(connection, SWEEP_WRITE);
        exchange->queued = true;
        result = MHD_queue_response(connection->mhd, exchange->status, response);
    }
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_or_wait(struct http_connection *connection)
{
    if (connection->exchange->answered)
        return queue_answer(connection);
    connection->state = CONNECTION_WORK;
    sweep_set(connection, SWEEP_NONE);
    MHD_suspend_connection(connection->mhd);
    connection->suspended = true;
    if (connection->half_closed)
        server_unsettle(connection);
    return MHD_YES;
}

static enum MHD_Result head_come(struct http_connection *connection)
{
    struct http_exchange *exchange = connection->exchange;
    const struct http_head *head = exchange->head;
    if (exchange->route && exchange->route->headers_come && server_calls_route(exchange))
        exchange->route->headers_come(exchange, connection->server->config.context);
    if (!exchange->answered || !http_head_has_body(head))
        return MHD_YES;
    /* Answered already. A small body that is on its way anyhow is read, to keep the connection. */
    if (!head->expects && !head->chunked && head->body_bytes <= SWALLOW_BYTES_MAX)
        return MHD_YES;
    exchange->close = true;
    return queue_answer(connection);
}

static enum MHD_Result body_come(struct http_connection *connection, const char *bytes,
                                 size_t count)
{
    struct http_exchange *exchange = connection->exchange;
    exchange->body_seen_bytes += count;
    if (exchange->answered)
        return MHD_YES;
    struct http_server *server = connection->server;
    uint64_t bodies_bytes_max = server->config.bodies_bytes_max;
    if (bodies_bytes_max > 0 && server->body_bytes + count > bodies_bytes_max)
        return note_refusal(connection, PROBLEM_BUSY,
                            "Too many bodies are being read. Send it again a little later.");
    int r = buffer_append(&exchange->body, bytes, count);
    if (r == 0)
        server->body_bytes += count;
    if (r == -EMSGSIZE)
        return note_refusal(connection, PROBLEM_BODY_TOO_LARGE, "The body is too large.");
    return r < 0 ? MHD_NO : MHD_YES;
}

static enum MHD_Result handle(void *context UNUSED, struct MHD_Connection *mhd,
                              const char *url UNUSED, const char *method UNUSED,
                              const char *version UNUSED, const char *upload, size_t *upload_bytes,
                              void **request_context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_connection *connection = info->socket_context;
    connection->server->callbacks++;
    if (connection->detached || !connection->exchange)
        return MHD_NO;
    if (!*request_context) {
        *request_context = connection;
        return head_come(connection);
    }
    if (*upload_bytes > 0) {
        size_t count = *upload_bytes;
        *upload_bytes = 0;
        if (connection->refusal_detail)
            return MHD_YES;
        return body_come(connection, upload, count);
    }
    if (!connection->exchange->dispatched) {
        connection->exchange->dispatched = true;
        if (!connection->exchange->answered)
            server_dispatch(connection->exchange);
    }
    return answer_or_wait(connection);
}

static void request_completed(void *context UNUSED, struct MHD_Connection *mhd UNUSED,
                              void **request_context, enum MHD_RequestTerminationCode code)
{
    struct http_connection *connection = *request_context;
    if (!connection || !connection->exchange || connection->detached)
        return;
    if (connection->state == CONNECTION_BODY && code == MHD_REQUEST_TERMINATED_CLIENT_ABORT) {
        /* The exchange stays, to be refused once MHD is out of the way. */
        connection->refusal_problem = PROBLEM_MALFORMED;
        connection->refusal_detail = "The body ended before its announced length.";
        return;
    }
    struct http_exchange *exchange = TAKE(connection->exchange);
    bool sent =
        code == MHD_REQUEST_TERMINATED_COMPLETED_OK && exchange->queued && !exchange->failed;
    connection->completed = sent;
    server_unsettle(connection);
    exchange_finish(exchange, sent ? HTTP_END_SENT : HTTP_END_LOST);
}

static void connection_changed(void *context, struct MHD_Connection *mhd, void **socket_context,
                               enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = server->adding;
        server->adding->mhd = mhd;
        return;
    }
    struct http_connection *connection = *socket_context;
    server->callbacks++;
    connection->mhd = NULL;
    connection->suspended = false;
    server_unsettle(connection);
}

int server_start_mhd(struct http_server *server)
{
    const struct http_server_config *config = &server->config;
    size_t pool_bytes = 2 * config->header_bytes_max + POOL_SPARE_BYTES;
    /* TURBO: a new connection is read at once without an epoll_ctl, since its head is there. */
    unsigned flags =
        MHD_USE_EPOLL | MHD_USE_TURBO | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
    server->mhd = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, server, MHD_OPTION_NOTIFY_COMPLETED, request_completed,
        server, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes, MHD_OPTION_CONNECTION_LIMIT,
        config->connections_max + 64, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    return server->mhd ? 0 : -EIO;
}
