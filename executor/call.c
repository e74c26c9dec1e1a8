/*
 * call - POST /run: one exchange, its place in the queue, and its run.
 *
 * A call lives as long as its exchange. It is refused (a problem document, nothing was started), or
 * waits for admission, or has a run whose frames it streams. Whichever side ends first tells the
 * other: on_end() cancels the run, on_finished() ends the answer.
 */
#include <assert.h>
#include <string.h>

#include "api.h"
#include "clock.h"
#include "log.h"

enum { SMALL_BODY_DIGITS = 5 }; /* of Content-Length: less than 100,000 bytes */

struct call {
    struct api *api;                /* borrowed */
    struct http_exchange *exchange; /* valid until on_end() */
    struct admission_ticket ticket;
    struct request request;
    struct run *run;   /* NULL unless one is under way */
    bool is_streaming; /* the 200 has been sent */
    uint64_t arrived_us;
};

static const char queue_full_detail[] = "All slots are taken and the queue is full.";

static void refuse(struct api *api, struct http_exchange *exchange, enum refusal refusal,
                   const struct request_fault *fault)
{
    stats_count_refusal(api->stats, refusal);
    const char *id = http_exchange_header(exchange, INNER_HEADER_ID);
    log_info("run refused", LOG_STR("request_id", id),
             LOG_STR("code", problem_code(fault->problem)), LOG_STR("detail", fault->detail));
    problem_respond(exchange, fault->problem, fault->detail);
}

static void refuse_busy(struct call *call, enum refusal refusal, const char *detail)
{
    const struct request_fault fault = {PROBLEM_BUSY, detail};
    refuse(call->api, call->exchange, refusal, &fault);
}

/* ---- the run's receiver ---- */

static void end_run(struct call *call)
{
    call->run = NULL;
    admission_leave(&call->ticket);
}

static bool begin_stream(struct call *call)
{
    char signature[INNER_SIGNATURE_CHARS + 1];
    if (inner_sign_answer(&call->api->secret, call->request.id, signature) < 0)
        return false;
    http_exchange_add_header(call->exchange, INNER_HEADER_SIGNATURE, signature);
    http_exchange_stream_begin(call->exchange, 200, "application/octet-stream");
    call->is_streaming = true;
    return true;
}

/* An answer that cannot go on is cut off, so that nobody takes it for a whole one. */
static int on_frames(void *context, const void *bytes, size_t count)
{
    struct call *call = context;
    int r = -ENOMEM;
    if (bytes && (call->is_streaming || begin_stream(call)))
        r = http_exchange_stream_write(call->exchange, bytes, count);
    if (r == 0)
        return 0;
    log_warn("answer cut off", LOG_STR("request_id", call->request.id), LOG_ERRNO(r));
    end_run(call);
    if (call->is_streaming)
        http_exchange_stream_abort(call->exchange);
    else
        problem_respond(call->exchange, PROBLEM_INTERNAL, "There is no memory for the answer.");
    return r;
}

static size_t on_pending(void *context)
{
    const struct call *call = context;
    return call->is_streaming ? http_exchange_stream_pending(call->exchange) : 0;
}

static void on_finished(void *context, const struct run_summary *summary)
{
    struct call *call = context;
    struct api *api = call->api;
    end_run(call);
    switch (summary->outcome) {
    case RUN_ANSWERED:
        stats_count_run(api->stats, summary);
        http_exchange_stream_end(call->exchange);
        break;
    case RUN_NOT_STARTED:
        refuse_busy(call, REFUSAL_NOT_STARTED, "No runner took the program; try again.");
        break;
    case RUN_TOO_LARGE: {
        const struct request_fault fault = {PROBLEM_LIMIT_OUT_OF_RANGE,
                                            "No runner here can give a program that much memory."};
        refuse(api, call->exchange, REFUSAL_LIMITS, &fault);
        break;
    }
    }
}

/* ---- admission ---- */

static void on_admitted(void *context)
{
    struct call *call = context;
    struct api *api = call->api;
    stats_observe_wait(api->stats, clock_now_us() - call->arrived_us);
    const struct run_request request = {
        .id = call->request.id,
        .start = call->request.start,
        .program = call->request.program,
        .program_bytes = call->request.program_bytes,
        .source_frames_bytes = call->request.source_frames_bytes,
        .arrived_us = call->arrived_us,
        .deadline_us = call->arrived_us + (uint64_t)call->request.deadline_ms * 1000,
    };
    const struct run_sink sink = {
        .context = call, .frames = on_frames, .pending = on_pending, .finished = on_finished};
    if (run_start(api->runs, &request, &sink, &call->run) < 0) {
        end_run(call);
        refuse_busy(call, REFUSAL_NOT_STARTED, "There is no memory for another run; try again.");
    }
}

static void on_waited(void *context)
{
    refuse_busy(context, REFUSAL_QUEUE_WAIT, "No slot became free in time; try again.");
}

/* The coordinator has its answer, or is gone. */
static void on_end(void *owner, enum http_end end UNUSED)
{
    struct call *call = owner;
    if (call->run) {
        stats_count_cancelled(call->api->stats);
        log_info("run cancelled", LOG_STR("request_id", call->request.id));
        run_cancel(call->run);
    }
    admission_leave(&call->ticket);
    assert(call->api->call_count > 0);
    call->api->call_count--;
    free(call);
}

static uint64_t wait_max_us(const struct api *api, const struct request *request)
{
    uint64_t wall_ms = request->start.limits.wall_ms;
    uint64_t spare_ms = request->deadline_ms > wall_ms ? request->deadline_ms - wall_ms : 0;
    return 1000 * (spare_ms < api->queue_wait_ms ? spare_ms : api->queue_wait_ms);
}

static enum refusal refusal_of(enum problem problem)
{
    if (problem == PROBLEM_UNAUTHORIZED)
        return REFUSAL_UNAUTHORIZED;
    return problem == PROBLEM_MALFORMED ? REFUSAL_MALFORMED : REFUSAL_LIMITS;
}

/* False: refused. */
static bool read_request(struct api *api, struct http_exchange *exchange,
                         struct request *ret_request)
{
    const struct request_headers headers = {
        .id = http_exchange_header(exchange, INNER_HEADER_ID),
        .deadline = http_exchange_header(exchange, INNER_HEADER_DEADLINE),
        .signature = http_exchange_header(exchange, INNER_HEADER_SIGNATURE),
    };
    size_t body_bytes = 0;
    const char *body = http_exchange_body(exchange, &body_bytes);
    struct request_fault fault;
    if (request_read(&api->secret, &headers, body, body_bytes, &api->maxima, ret_request, &fault) ==
        0)
        return true;
    refuse(api, exchange, refusal_of(fault.problem), &fault);
    return false;
}

/* True: refused for a reason that has nothing to do with the request. */
static bool refuse_early(struct api *api, struct http_exchange *exchange)
{
    if (api->is_refusing) {
        const struct request_fault fault = {PROBLEM_DRAINING, "This executor is shutting down."};
        http_exchange_close_after(exchange);
        refuse(api, exchange, REFUSAL_DRAINING, &fault);
        return true;
    }
    if (!api->is_tested) {
        const struct request_fault fault = {PROBLEM_BUSY, "This executor is not ready yet."};
        refuse(api, exchange, REFUSAL_NOT_STARTED, &fault);
        return true;
    }
    if (admission_is_full(api->admission)) {
        const struct request_fault fault = {PROBLEM_BUSY, queue_full_detail};
        refuse(api, exchange, REFUSAL_QUEUE_FULL, &fault);
        return true;
    }
    return false;
}

/* A large body is not read when there is nobody to keep it for. A small one is, since an answer
 * before the body costs the connection. */
void call_headers_come(struct http_exchange *exchange, void *context)
{
    const char *length = http_exchange_header(exchange, "Content-Length");
    if (!length || strlen(length) > SMALL_BODY_DIGITS)
        (void)refuse_early(context, exchange);
}

void call_handle(struct http_exchange *exchange, void *context)
{
    struct api *api = context;
    struct request request;
    if (refuse_early(api, exchange) || !read_request(api, exchange, &request))
        return;
    struct call *call = calloc(1, sizeof(*call));
    if (!call) {
        const struct request_fault fault = {PROBLEM_BUSY, "There is no memory for another run."};
        refuse(api, exchange, REFUSAL_NOT_STARTED, &fault);
        return;
    }
    call->api = api;
    call->exchange = exchange;
    call->request = request;
    call->arrived_us = clock_now_us();
    call->ticket = (struct admission_ticket){.admission = api->admission,
                                             .context = call,
                                             .admitted = on_admitted,
                                             .refused = on_waited};
    api->call_count++;
    http_exchange_on_end(exchange, on_end, call);
    if (admission_enter(api->admission, &call->ticket, wait_max_us(api, &request)) < 0)
        refuse_busy(call, REFUSAL_QUEUE_FULL, queue_full_detail);
}
