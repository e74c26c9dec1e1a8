#include <assert.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "http_server_internal.h"

enum { ANSWER_HEADERS_BYTES_MAX = 8 << 10 };

/* ---- life ---- */

static int make_id(struct http_server *server, char id[2 * EXCHANGE_ID_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    if (server->random_left < EXCHANGE_ID_BYTES) {
        /* Up to 256 bytes come whole or not at all. */
        for (size_t i = 0; i < RANDOM_BYTES; i += 256) {
            if (getrandom(server->random + i, 256, 0) != 256)
                return -EIO;
        }
        server->random_left = RANDOM_BYTES;
    }
    for (int i = 0; i < EXCHANGE_ID_BYTES; i++) {
        uint8_t byte = server->random[--server->random_left];
        id[2 * i] = digits[byte >> 4];
        id[2 * i + 1] = digits[byte & 15];
    }
    id[2 * EXCHANGE_ID_BYTES] = '\0';
    return 0;
}

struct http_exchange *exchange_create(struct http_connection *connection, struct http_head *head)
{
    struct http_server *server = connection->server;
    AUTO_FREE struct http_exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange || make_id(server, exchange->id) < 0)
        return NULL;
    exchange->server = server;
    exchange->connection = connection;
    exchange->head = head;
    exchange->refused = PROBLEM_COUNT;
    memcpy(&exchange->address, &connection->address, sizeof(exchange->address));
    exchange->started_us = loop_now_us(server->loop);
    exchange->counted = head != NULL;
    server->unanswered_count += exchange->counted;
    buffer_init(&exchange->body, 0);
    buffer_init(&exchange->headers, ANSWER_HEADERS_BYTES_MAX);
    exchange->next = server->exchanges;
    if (server->exchanges)
        server->exchanges->previous = exchange;
    server->exchanges = exchange;
    return TAKE(exchange);
}

static void uncount(struct http_exchange *exchange)
{
    if (exchange->counted)
        exchange->server->unanswered_count--;
    exchange->counted = false;
}

void exchange_free(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    uncount(exchange);
    if (exchange->previous)
        exchange->previous->next = exchange->next;
    else
        server->exchanges = exchange->next;
    if (exchange->next)
        exchange->next->previous = exchange->previous;
    if (exchange->stream)
        stream_detach(exchange->stream);
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    server->body_bytes -= buffer_count(&exchange->body);
    buffer_done(&exchange->body);
    buffer_done(&exchange->headers);
    http_head_free(exchange->head);
    free(exchange);
}

void exchange_finish(struct http_exchange *exchange, enum http_end end)
{
    exchange->connection = NULL;
    uncount(exchange);
    if (exchange->on_end) {
        void (*on_end)(void *, enum http_end) = TAKE(exchange->on_end);
        on_end(exchange->owner, end);
    } else if (exchange->dispatched && (!exchange->answered || exchange->streaming)) {
        return; /* its handler knows nothing of the loss and answers it later: freed then */
    }
    exchange_free(exchange);
}

void http_exchange_on_end(struct http_exchange *exchange,
                          void (*on_end)(void *owner, enum http_end), void *owner)
{
    exchange->on_end = on_end;
    exchange->owner = owner;
}

bool http_exchange_has_owner(const struct http_exchange *exchange)
{
    return exchange->on_end != NULL;
}

/* ---- the request ---- */

const char *http_exchange_method(const struct http_exchange *exchange)
{
    return exchange->head ? exchange->head->method : "";
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
    return exchange->head ? exchange->head->path : "";
}

const char *http_exchange_query(const struct http_exchange *exchange)
{
    return exchange->head ? exchange->head->query : "";
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
    return exchange->head ? http_head_find(exchange->head, name) : NULL;
}

const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_count)
{
    *ret_count = buffer_count(&exchange->body);
    return buffer_data(&exchange->body);
}

void http_exchange_limit_body(struct http_exchange *exchange, uint64_t bytes_max)
{
    if (bytes_max < exchange->body.count_max)
        exchange->body.count_max = (size_t)bytes_max;
}

const struct sockaddr *http_exchange_address(const struct http_exchange *exchange)
{
    return &exchange->address.any;
}

const struct http_route *http_exchange_route(const struct http_exchange *exchange)
{
    return exchange->route;
}

uint64_t http_exchange_started_us(const struct http_exchange *exchange)
{
    return exchange->started_us;
}

const char *http_exchange_id(const struct http_exchange *exchange)
{
    return exchange->id;
}

/* ---- the answer ---- */

static bool is_header_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' && *text != '\t')
            return false;
    }
    return true;
}

void http_exchange_add_header(struct http_exchange *exchange, const char *name, const char *value)
{
    assert(!exchange->queued);
    /* A value with a line end would be two headers; too many headers end the connection. */
    if (!is_header_text(value) || buffer_append(&exchange->headers, name, strlen(name) + 1) < 0 ||
        buffer_append(&exchange->headers, value, strlen(value) + 1) < 0)
        exchange->failed = true;
}

bool exchange_next_header(const struct http_exchange *exchange, struct header_walk *walk)
{
    if (walk->offset >= buffer_count(&exchange->headers))
        return false;
    walk->name = buffer_data(&exchange->headers) + walk->offset;
    walk->value = walk->name + strlen(walk->name) + 1;
    walk->offset += strlen(walk->name) + 1 + strlen(walk->value) + 1;
    return true;
}

bool http_exchange_has_added(const struct http_exchange *exchange, const char *name)
{
    struct header_walk walk = {.offset = 0};
    while (exchange_next_header(exchange, &walk)) {
        if (strcasecmp(walk.name, name) == 0)
            return true;
    }
    return false;
}

void http_exchange_close_after(struct http_exchange *exchange)
{
    exchange->close = true;
}

void http_exchange_set_problem_code(struct http_exchange *exchange, const char *problem_code)
{
    exchange->problem_code = problem_code;
}

/* What every answer passes: false when there is nobody to send it to. */
static bool answer_begin(struct http_exchange *exchange, unsigned status, const char *content_type)
{
    assert(!exchange->answered);
    if (!exchange->connection) {
        exchange_free(exchange);
        return false;
    }
    exchange->answered = true;
    exchange->status = status;
    if (content_type)
        http_exchange_add_header(exchange, "Content-Type", content_type);
    const struct http_server_config *config = &exchange->server->config;
    if (config->answering)
        config->answering(exchange, status, exchange->problem_code, config->context);
    return true;
}

/* The handler's answer is ready, or cannot be made: MHD asks for it when it runs. */
static void answer_ready(struct http_exchange *exchange)
{
    connection_resume(exchange->connection);
}

void http_exchange_respond_take(struct http_exchange *exchange, unsigned status,
                                const char *content_type, char *body, size_t body_bytes)
{
    if (!answer_begin(exchange, status, content_type)) {
        free(body);
        return;
    }
    if (exchange->raw) {
        exchange_write_raw(exchange, body, body_bytes);
        free(body);
        return;
    }
    exchange->response = MHD_create_response_from_buffer(body_bytes, body, MHD_RESPMEM_MUST_FREE);
    if (!exchange->response)
        free(body);
    answer_ready(exchange);
}

void http_exchange_respond(struct http_exchange *exchange, unsigned status,
                           const char *content_type, const void *body, size_t body_bytes)
{
    if (!answer_begin(exchange, status, content_type))
        return;
    if (exchange->raw) {
        exchange_write_raw(exchange, body, body_bytes);
        return;
    }
    /* MHD does not write to it: MUST_COPY. */
    void *bytes = (void *)(uintptr_t)body;
    exchange->response = MHD_create_response_from_buffer(body_bytes, bytes, MHD_RESPMEM_MUST_COPY);
    answer_ready(exchange);
}

void http_exchange_stream_begin(struct http_exchange *exchange, unsigned status,
                                const char *content_type)
{
    assert(!exchange->raw);
    exchange->streaming = true;
    if (!exchange->connection)
        return; /* freed by stream_end */
    exchange->stream = stream_create(exchange, exchange->server->config.stream_bytes_max);
    exchange->failed = exchange->failed || !exchange->stream;
    if (answer_begin(exchange, status, content_type))
        answer_ready(exchange);
}
