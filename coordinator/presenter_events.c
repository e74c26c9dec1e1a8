/*
 * The events form (server-sent events): `stdout`, `diagnostic` and `result` as they happen.
 *
 * Output is cut on whole characters: the first bytes of one wait for its rest. While the client
 * reads slowly, output is gathered here and sent in larger pieces once there is room.
 */
#include <stdlib.h>

#include "buffer.h"
#include "json.h"
#include "presenter.h"
#include "result_json.h"

enum {
    PIECE_BYTES_MAX = 16 * 1024,    /* of output in one event */
    PENDING_BYTES_HIGH = 64 * 1024, /* unsent: gather until it is less */
    GATHER_US = 20 * 1000,          /* when to look again */
};

struct events_presenter {
    struct presenter base;
    const struct answer_sink *sink; /* borrowed */
    struct loop *loop;              /* borrowed */
    bool has_cases, is_open;
    unsigned index; /* of the case that is being told */
    uint64_t heartbeat_ms;
    int error;           /* of a write that a timer made */
    struct buffer held;  /* output not sent yet */
    struct buffer event; /* the one being written */
    struct loop_timer heartbeat, gather;
};

static struct events_presenter *events_of(struct presenter *presenter)
{
    return (struct events_presenter *)presenter;
}

/* ---- one event ---- */

static int event_begin(struct events_presenter *events, const char *name)
{
    buffer_clear(&events->event);
    return buffer_append_format(&events->event, "event: %s\ndata: {", name);
}

static int event_begin_case(struct events_presenter *events, const char *name)
{
    int r = event_begin(events, name);
    if (r == 0 && events->has_cases)
        r = buffer_append_format(&events->event, "\"case\":%u,", events->index);
    return r;
}

static int event_send(struct events_presenter *events)
{
    int r = buffer_append_text(&events->event, "}\n\n");
    if (r < 0)
        return r;
    return events->sink->stream_write(events->sink->context, buffer_data(&events->event),
                                      buffer_count(&events->event));
}

/* ---- output ---- */

static int send_piece(struct events_presenter *events, size_t count)
{
    int r = event_begin_case(events, "stdout");
    if (r == 0)
        r = buffer_append_text(&events->event, "\"data\":");
    if (r == 0)
        r = json_write_string(&events->event, buffer_data(&events->held), count);
    if (r == 0)
        r = event_send(events);
    if (r == 0)
        buffer_consume(&events->held, count);
    return r;
}

/* All whole characters; with `is_last` also what can never become whole. */
static int send_output(struct events_presenter *events, bool is_last)
{
    for (;;) {
        size_t count = buffer_count(&events->held);
        bool is_cut = count > PIECE_BYTES_MAX;
        if (is_cut)
            count = PIECE_BYTES_MAX;
        if (is_cut || !is_last)
            count = json_whole_characters(buffer_data(&events->held), count);
        if (count == 0)
            return 0;
        int r = send_piece(events, count);
        if (r < 0)
            return r;
    }
}

static void on_gather_time(void *context)
{
    struct events_presenter *events = context;
    if (events->error < 0)
        return;
    if (events->sink->stream_pending(events->sink->context) <= PENDING_BYTES_HIGH)
        events->error = send_output(events, false);
    else if (loop_timer_start_us(events->loop, &events->gather, GATHER_US) < 0)
        events->error = -ENOMEM;
}

static int events_output(struct presenter *presenter, const char *bytes, size_t count)
{
    struct events_presenter *events = events_of(presenter);
    if (events->error < 0)
        return events->error;
    int r = buffer_append(&events->held, bytes, count);
    if (r < 0)
        return r;
    if (events->sink->stream_pending(events->sink->context) <= PENDING_BYTES_HIGH)
        return send_output(events, false);
    return events->gather.loop ? 0 : loop_timer_start_us(events->loop, &events->gather, GATHER_US);
}

/* ---- the rest ---- */

static void on_heartbeat_time(void *context)
{
    static const char comment[] = ": still running\n\n";
    struct events_presenter *events = context;
    int r = events->error;
    if (r == 0 && events->sink->stream_pending(events->sink->context) == 0)
        r = events->sink->stream_write(events->sink->context, comment, sizeof(comment) - 1);
    if (r == 0)
        r = loop_timer_start_ms(events->loop, &events->heartbeat, events->heartbeat_ms);
    events->error = r;
}

static int events_started(struct presenter *presenter)
{
    struct events_presenter *events = events_of(presenter);
    if (events->is_open)
        return 0;
    events->sink->add_header(events->sink->context, "X-Accel-Buffering", "no");
    events->sink->stream_begin(events->sink->context, "text/event-stream");
    events->is_open = true;
    return loop_timer_start_ms(events->loop, &events->heartbeat, events->heartbeat_ms);
}

static int events_diagnostic(struct presenter *presenter, const struct frame_diagnostic *diagnostic)
{
    struct events_presenter *events = events_of(presenter);
    int r = events->error < 0 ? events->error : send_output(events, true);
    if (r == 0)
        r = event_begin_case(events, "diagnostic");
    if (r == 0)
        r = result_json_diagnostic(&events->event, diagnostic);
    if (r == 0)
        r = buffer_append_text(&events->event, ",\"text\":");
    if (r == 0)
        r = json_write_string(&events->event, diagnostic->text.bytes, diagnostic->text.count);
    return r == 0 ? event_send(events) : r;
}

static int send_result(struct events_presenter *events, const struct outcome *outcome,
                       bool with_sandbox)
{
    int r = result_json_head(&events->event, outcome);
    if (r == 0)
        r = buffer_append(&events->event, ",", 1);
    if (r == 0)
        r = result_json_tail(&events->event, outcome, with_sandbox);
    return r == 0 ? event_send(events) : r;
}

static int events_result(struct presenter *presenter, const struct outcome *outcome)
{
    struct events_presenter *events = events_of(presenter);
    int r = events->error < 0 ? events->error : send_output(events, true);
    if (r == 0)
        r = event_begin_case(events, "result");
    if (r == 0)
        r = send_result(events, outcome, true);
    events->index++;
    return r;
}

/* With cases, a last `result` without "case" stands for all. */
static int events_finish(struct presenter *presenter, const struct outcome *sum)
{
    struct events_presenter *events = events_of(presenter);
    int r = events->error;
    if (r == 0 && events->has_cases) {
        r = event_begin(events, "result");
        if (r == 0)
            r = send_result(events, sum, false);
    }
    if (r < 0)
        return r;
    loop_timer_stop(&events->heartbeat);
    events->sink->stream_end(events->sink->context);
    return 0;
}

static bool events_is_open(const struct presenter *presenter)
{
    return ((const struct events_presenter *)presenter)->is_open;
}

static size_t events_held(const struct presenter *presenter)
{
    return buffer_count(&((const struct events_presenter *)presenter)->held);
}

static void events_free(struct presenter *presenter)
{
    struct events_presenter *events = events_of(presenter);
    loop_timer_stop(&events->heartbeat);
    loop_timer_stop(&events->gather);
    buffer_done(&events->held);
    buffer_done(&events->event);
    free(events);
}

static const struct presenter_ops events_ops = {
    .started = events_started,
    .output = events_output,
    .diagnostic = events_diagnostic,
    .result = events_result,
    .finish = events_finish,
    .is_open = events_is_open,
    .held = events_held,
    .free = events_free,
};

int presenter_create_events(const struct presenter_config *config, struct presenter **ret_presenter)
{
    struct events_presenter *events = calloc(1, sizeof(*events));
    if (!events)
        return -ENOMEM;
    events->base.ops = &events_ops;
    events->sink = config->sink;
    events->loop = config->loop;
    events->has_cases = config->has_cases;
    events->heartbeat_ms = config->heartbeat_ms;
    buffer_init(&events->held, config->output_bytes_max);
    buffer_init(&events->event, (size_t)16 * PRESENTER_DIAGNOSTIC_BYTES_MAX);
    loop_timer_init(&events->heartbeat, on_heartbeat_time, events);
    loop_timer_init(&events->gather, on_gather_time, events);
    *ret_presenter = &events->base;
    return 0;
}
