/* The sweeper: ends connections that are too slow. A connection is in one queue at most; each queue
 * has one period, so appending keeps it ordered and one timer watches the heads. */
#include "http_server_internal.h"
#include "loop.h"

enum {
    LINGER_MS = 2000,
    BODY_STEP_MS = 1000, /* the rate is looked at once a second */
    WRITE_STEPS = 4,     /* so a stalled reader is dropped 0 to 25 % late */
};

static void queue_remove(struct http_connection *connection)
{
    struct sweep_queue *queue = &connection->server->sweeps[connection->sweep];
    if (connection->sweep_previous)
        connection->sweep_previous->sweep_next = connection->sweep_next;
    else
        queue->first = connection->sweep_next;
    if (connection->sweep_next)
        connection->sweep_next->sweep_previous = connection->sweep_previous;
    else
        queue->last = connection->sweep_previous;
    connection->sweep_next = connection->sweep_previous = NULL;
}

static void queue_append(struct http_connection *connection, enum sweep sweep)
{
    struct http_server *server = connection->server;
    struct sweep_queue *queue = &server->sweeps[sweep];
    connection->sweep = sweep;
    connection->sweep_due_us = loop_now_us(server->loop) + server->sweep_period_us[sweep];
    connection->sweep_previous = queue->last;
    if (queue->last)
        queue->last->sweep_next = connection;
    else
        queue->first = connection;
    queue->last = connection;
}

static void arm(struct http_server *server, uint64_t due_us)
{
    if (server->sweep_timer.loop && server->sweep_timer.due_us <= due_us)
        return;
    uint64_t now_us = loop_now_us(server->loop);
    uint64_t delay_us = due_us > now_us ? due_us - now_us : 0;
    /* Out of memory: the next connection to be queued tries again. */
    if (loop_timer_start_us(server->loop, &server->sweep_timer, delay_us) < 0)
        return;
}

void sweep_set(struct http_connection *connection, enum sweep sweep)
{
    if (connection->sweep != SWEEP_NONE)
        queue_remove(connection);
    connection->sweep = SWEEP_NONE;
    if (sweep == SWEEP_NONE)
        return;
    uint64_t now_us = loop_now_us(connection->server->loop);
    connection->phase_started_us = now_us;
    connection->progress_bytes = sweep == SWEEP_WRITE ? UINT64_MAX : 0; /* any count is progress */
    queue_append(connection, sweep);
    arm(connection->server, connection->sweep_due_us);
}

static void body_due(struct http_connection *connection)
{
    const struct http_server_config *config = &connection->server->config;
    uint64_t elapsed_us = loop_now_us(connection->server->loop) - connection->phase_started_us;
    uint64_t count = connection->exchange ? connection->exchange->body_seen_bytes : 0;
    bool slow = count - connection->progress_bytes < config->body_bytes_per_s_min;
    if (slow || elapsed_us >= (uint64_t)config->body_timeout_ms * 1000) {
        connection_refuse(connection, PROBLEM_REQUEST_TIMEOUT, "The body took too long to arrive.");
        return;
    }
    connection->progress_bytes = count;
    queue_append(connection, SWEEP_BODY);
}

static void write_due(struct http_connection *connection)
{
    uint64_t now_us = loop_now_us(connection->server->loop);
    uint64_t acked = 0;
    /* With nothing on its way a stream is quiet, not its reader slow. */
    bool waits = connection_sent_progress(connection, &acked);
    if (!waits || acked != connection->progress_bytes) {
        connection->progress_bytes = acked;
        connection->phase_started_us = now_us;
    } else if (now_us - connection->phase_started_us >=
               (uint64_t)connection->server->config.write_timeout_ms * 1000) {
        connection_kill(connection);
        return;
    }
    queue_append(connection, SWEEP_WRITE);
}

static void due(struct http_connection *connection, enum sweep sweep)
{
    switch (sweep) {
    case SWEEP_HEADER:
        connection_head_is_late(connection);
        break;
    case SWEEP_IDLE:
    case SWEEP_LINGER:
        connection_kill(connection);
        break;
    case SWEEP_BODY:
        body_due(connection);
        break;
    case SWEEP_WRITE:
        write_due(connection);
        break;
    case SWEEP_COUNT:
        break;
    }
}

static void sweep_time(void *context)
{
    struct http_server *server = context;
    uint64_t now_us = loop_now_us(server->loop);
    uint64_t next_us = UINT64_MAX;
    for (enum sweep sweep = 0; sweep < SWEEP_COUNT; sweep++) {
        struct http_connection *connection;
        while ((connection = server->sweeps[sweep].first) != NULL &&
               connection->sweep_due_us <= now_us) {
            queue_remove(connection);
            connection->sweep = SWEEP_NONE;
            due(connection, sweep);
        }
    }
    for (enum sweep sweep = 0; sweep < SWEEP_COUNT; sweep++) {
        const struct http_connection *first = server->sweeps[sweep].first;
        if (first && first->sweep_due_us < next_us)
            next_us = first->sweep_due_us;
    }
    if (next_us != UINT64_MAX)
        arm(server, next_us);
}

void sweep_init(struct http_server *server)
{
    const struct http_server_config *config = &server->config;
    unsigned body_ms =
        config->body_timeout_ms < BODY_STEP_MS ? config->body_timeout_ms : BODY_STEP_MS;
    server->sweep_period_us[SWEEP_HEADER] = (uint64_t)config->header_timeout_ms * 1000;
    server->sweep_period_us[SWEEP_IDLE] = (uint64_t)config->idle_timeout_ms * 1000;
    server->sweep_period_us[SWEEP_BODY] = (uint64_t)body_ms * 1000;
    server->sweep_period_us[SWEEP_WRITE] = (uint64_t)config->write_timeout_ms * 1000 / WRITE_STEPS;
    server->sweep_period_us[SWEEP_LINGER] = (uint64_t)LINGER_MS * 1000;
    loop_timer_init(&server->sweep_timer, sweep_time, server);
}
