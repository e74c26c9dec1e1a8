#include "request.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_slot.h"
#include "client_key.h"
#include "clock.h"
#include "log.h"
#include "negotiation.h"
#include "presenter.h"
#include "problem.h"
#include "program.h"

enum request_state {
#define STATE(name, text) REQUEST_##name,
#include "request_state.def"
#undef STATE
    REQUEST_STATE_COUNT
};

enum step_result { STEP_AGAIN, STEP_WAIT, STEP_FINISHED };

struct request {
    struct service *service;        /* borrowed */
    struct http_exchange *exchange; /* borrowed; until on_end */
    enum request_state state;
    enum body_form body_form;
    enum answer_form answer_form;
    struct client_key client;
    struct program program;
    struct answer_sink sink;
    struct presenter *presenter; /* owned */

    struct case_slot *slots; /* owned; case i is in slot i % slot_count */
    size_t slot_count;
    size_t head;  /* the case that is being shown */
    size_t start; /* the next one to hand in */
    uint64_t deadline_us;
    bool has_started;       /* any run */
    bool is_presenter_full; /* the answer could not take more */
    uint64_t output_left, diagnostic_left;
    uint64_t program_bytes, answer_bytes; /* of a JSON tree, and of an answer that was handed on */
    struct held_share share;
    struct outcome sum;

    /* For the log. */
    unsigned status;
    const char *problem_code;
    size_t body_bytes;
    uint64_t output_bytes, queue_us;
};

static void request_advance(struct request *request);

/* ---- memory ---- */

/* What it keeps beside its body and its stream, which the server counts. */
static void count_memory(struct request *request)
{
    uint64_t bytes =
        request->program_bytes + request->answer_bytes + presenter_held(request->presenter);
    for (size_t i = 0; i < request->slot_count; i++)
        bytes += buffer_count(&request->slots[i].kept);
    share_set(&request->share, bytes);
}

/* False when nothing new can be taken. */
static bool make_room(struct service *service)
{
    while (held_memory_is_short(&service->held, http_server_held_bytes(service->public_server))) {
        struct held_share *share = held_memory_slowest(&service->held, clock_now_us());
        if (!share)
            return false;
        struct request *slow = share->owner;
        log_info("slow reader cut off", LOG_STR("id", http_exchange_id(slow->exchange)),
                 LOG_UINT("bytes", share->bytes + http_exchange_stream_pending(slow->exchange)));
        share_done(share);
        http_exchange_abort(slow->exchange);
    }
    return true;
}

/* ---- answers ---- */

static void sink_add_header(void *context, const char *name, const char *value)
{
    struct request *request = context;
    http_exchange_add_header(request->exchange, name, value);
}

static void sink_respond_take(void *context, const char *content_type, char *body,
                              size_t body_bytes)
{
    struct request *request = context;
    request->status = 200;
    request->answer_bytes = body_bytes;
    count_memory(request);
    http_exchange_respond_take(request->exchange, 200, content_type, body, body_bytes);
}

static void sink_stream_begin(void *context, const char *content_type)
{
    struct request *request = context;
    request->status = 200;
    http_exchange_stream_begin(request->exchange, 200, content_type);
}

static int sink_stream_write(void *context, const void *bytes, size_t count)
{
    struct request *request = context;
    return http_exchange_stream_write(request->exchange, bytes, count);
}

static size_t sink_stream_pending(void *context)
{
    struct request *request = context;
    return http_exchange_stream_pending(request->exchange);
}

static void sink_stream_end(void *context)
{
    struct request *request = context;
    http_exchange_stream_end(request->exchange);
}

static void cancel_runs(struct request *request)
{
    for (size_t i = request->head; i < request->start; i++)
        run_cancel(&request->slots[i % request->slot_count].run);
}

/* The whole request is refused, or cut off if its stream is open. */
static enum step_result refuse(struct request *request, enum problem problem, const char *detail)
{
    request->state = REQUEST_ANSWERED;
    cancel_runs(request);
    request->problem_code = problem_code(problem);
    if (request->presenter && presenter_is_open(request->presenter)) {
        http_exchange_stream_abort(request->exchange);
        return STEP_FINISHED;
    }
    request->status = problem_status(problem);
    problem_respond(request->exchange, problem, detail);
    return STEP_FINISHED; /* the request may be gone */
}

static enum step_result refuse_run(struct request *request, enum run_end end)
{
    switch (end) {
    case RUN_END_BUSY:
        return refuse(request, PROBLEM_BUSY, "No executor has room. Send it again a little later.");
    case RUN_END_UNREACHABLE:
        return refuse(request, PROBLEM_NO_EXECUTOR,
                      "No executor can be reached. The program was not started.");
    case RUN_END_LATE:
        return refuse(request, PROBLEM_DEADLINE,
                      "No executor said in time that the program had started.");
    case RUN_END_LOST:
    case RUN_END_STOPPED:
        return refuse(request, PROBLEM_EXECUTOR_LOST,
                      "The executor was lost while it had the program. It may be sent again.");
    case RUN_END_RESULT:
    case RUN_END_FAILED:
        break;
    }
    return refuse(request, PROBLEM_INTERNAL, "The program could not be handed on.");
}

/* ---- showing a run, whose turn it is ---- */

static struct case_slot *slot_of(struct request *request, size_t index)
{
    return &request->slots[index % request->slot_count];
}

static int note_presented(struct request *request, int result)
{
    if (result < 0)
        request->is_presenter_full = true;
    return result;
}

static int show_output(struct case_slot *slot, const char *bytes, size_t count)
{
    struct request *request = slot->request;
    if (count > request->output_left) {
        slot->is_cut = true;
        count = (size_t)request->output_left;
    }
    if (count == 0)
        return 0;
    request->output_left -= count;
    request->output_bytes += count;
    return note_presented(request, presenter_output(request->presenter, bytes, count));
}

static int show_diagnostic(struct case_slot *slot, const struct frame_diagnostic *diagnostic)
{
    struct request *request = slot->request;
    if (slot->is_cut)
        return 0; /* what comes after the cut is not shown */
    uint64_t cost = presenter_diagnostic_cost(diagnostic);
    if (cost > request->diagnostic_left) {
        slot->is_incomplete = true;
        return 0;
    }
    request->diagnostic_left -= cost;
    return note_presented(request, presenter_diagnostic(request->presenter, diagnostic));
}

static int show_started(struct request *request)
{
    return note_presented(request, presenter_started(request->presenter));
}

/* What it said while it waited for its turn. */
static int show_kept(struct case_slot *slot)
{
    static const struct case_slot_events events = {show_output, show_diagnostic};
    int r = slot->has_started ? show_started(slot->request) : 0;
    return r == 0 ? case_slot_replay(slot, &events) : r;
}

static int show_result(struct case_slot *slot)
{
    struct request *request = slot->request;
    struct outcome *outcome = &slot->outcome;
    if (slot->is_cut)
        outcome->verdict = VERDICT_OUTPUT_LIMIT;
    outcome->truncated = outcome->truncated || slot->is_cut || slot->is_incomplete;
    outcome_add(&request->sum, outcome);
    telemetry_run(request->service->telemetry, request->program.mode, outcome->verdict);
    int r = show_started(request);
    return r == 0 ? note_presented(request, presenter_result(request->presenter, outcome)) : r;
}

/* ---- what runs say ---- */

static bool is_head(const struct case_slot *slot)
{
    return slot->index == slot->request->head;
}

static int on_started(void *context)
{
    struct case_slot *slot = context;
    struct request *request = slot->request;
    slot->has_started = true;
    if (request->program.has_cases && !request->has_started) {
        uint64_t end_us = clock_now_us() + request->service->settings->cases_wall_ms * 1000;
        if (end_us < request->deadline_us)
            request->deadline_us = end_us;
    }
    request->has_started = true;
    return is_head(slot) ? show_started(request) : 0;
}

static int on_output(void *context, const char *bytes, size_t count)
{
    struct case_slot *slot = context;
    int r =
        is_head(slot) ? show_output(slot, bytes, count) : case_slot_keep_output(slot, bytes, count);
    count_memory(slot->request);
    return r;
}

static int on_diagnostic(void *context, const struct frame_diagnostic *diagnostic)
{
    struct case_slot *slot = context;
    int r = is_head(slot) ? show_diagnostic(slot, diagnostic)
                          : case_slot_keep_diagnostic(slot, diagnostic);
    count_memory(slot->request);
    return r;
}

static int on_result(void *context, const struct frame_result *result)
{
    struct case_slot *slot = context;
    slot->has_result = true;
    outcome_of_result(&slot->outcome, slot->run.config.id, result);
    return 0;
}

static void on_run_end(void *context, enum run_end end)
{
    struct case_slot *slot = context;
    struct request *request = slot->request;
    slot->is_over = true;
    slot->end = end;
    uint64_t waited_us = run_waited_us(&slot->run);
    request->queue_us += waited_us;
    telemetry_waited(request->service->telemetry, waited_us);
    request_advance(request);
}

/* ---- steps ---- */

/* Each run has an id of its own: of case i, the request's with its last two digits changed. */
static void make_run_id(const struct request *request, size_t index, char id[INNER_ID_CHARS + 1])
{
    memcpy(id, http_exchange_id(request->exchange), INNER_ID_CHARS);
    id[INNER_ID_CHARS] = '\0';
    if (request->program.has_cases) {
        char digits[4];
        (void)snprintf(digits, sizeof(digits), "%02zx", index & 0xff);
        memcpy(id + INNER_ID_CHARS - 2, digits, 2);
    }
}

static void start_run(struct request *request)
{
    size_t index = request->start++;
    struct case_slot *slot = slot_of(request, index);
    case_slot_done(slot);
    case_slot_init(slot, request, index, request->program.limits.output_bytes);

    const struct coordinator_settings *settings = request->service->settings;
    uint64_t now_us = clock_now_us();
    uint64_t left_us = request->deadline_us > now_us ? request->deadline_us - now_us : 0;
    struct run_config config = {
        .dispatcher = request->service->dispatcher,
        .client = request->client,
        .mode = request->program.mode,
        .limits = request->program.limits,
        .source = request->program.source,
        .input = request->program.inputs[index],
        .wait_max_us = index == 0 ? settings->queue_wait_ms * 1000 : left_us,
        .deadline_us = request->deadline_us,
        .is_more = index > 0,
        .events = {slot, on_started, on_output, on_diagnostic, on_result, on_run_end},
    };
    config.limits.output_bytes = request->output_left;
    make_run_id(request, index, config.id);
    int r = run_submit(&slot->run, &config);
    if (r == 0)
        return;
    slot->is_over = true;
    slot->end = r == -EBUSY    ? RUN_END_BUSY
                : r == -ENOENT ? RUN_END_UNREACHABLE
                : r == -ETIME  ? RUN_END_LATE
                               : RUN_END_FAILED;
}

/* Hands in as many cases as may run at a time beyond the one that is shown. */
static void start_runs(struct request *request)
{
    while (request->start < request->program.input_count &&
           request->start < request->head + request->slot_count)
        start_run(request);
}

/* A run that ended without a result still has one where the answer is open already, or where only
 * the time of all cases together was over. False: there is none, the request is refused. */
static bool find_result(struct case_slot *slot)
{
    struct request *request = slot->request;
    if (slot->end == RUN_END_RESULT && slot->has_result)
        return true;
    const char *id = slot->run.config.id;
    if (slot->index > 0 && (slot->end == RUN_END_LATE || slot->end == RUN_END_BUSY)) {
        outcome_of_verdict(&slot->outcome, id, VERDICT_TIME_LIMIT);
        return true;
    }
    if (!presenter_is_open(request->presenter))
        return false;
    outcome_of_verdict(&slot->outcome, id, VERDICT_INTERNAL_ERROR);
    return true;
}

static enum step_result finish(struct request *request)
{
    request->state = REQUEST_ANSWERED;
    count_memory(request);
    share_is_sending(&request->share, clock_now_us());
    if (presenter_finish(request->presenter, &request->sum) < 0)
        return refuse(request, PROBLEM_INTERNAL, "The answer could not be made.");
    return STEP_FINISHED; /* the request may be gone */
}

static enum step_result step_running(struct request *request)
{
    for (;;) {
        struct case_slot *slot = slot_of(request, request->head);
        if (request->is_presenter_full)
            return refuse(request, PROBLEM_INTERNAL, "The answer could not be made.");
        if (!slot->is_over) {
            start_runs(request);
            if (!slot->is_over)
                return STEP_WAIT;
            continue;
        }
        if (!find_result(slot))
            return refuse_run(request, slot->end);
        if (show_result(slot) < 0)
            continue;
        request->head++;
        if (request->head == request->program.input_count)
            return finish(request);
        if (request->head == request->start)
            start_run(request);
        else if (show_kept(slot_of(request, request->head)) < 0)
            request->is_presenter_full = true;
    }
}

static int prepare(struct request *request)
{
    struct service *service = request->service;
    const struct coordinator_settings *settings = service->settings;
    const struct program *program = &request->program;
    uint64_t wall_ms = program->has_cases ? settings->cases_wall_ms : program->limits.wall_ms;
    request->deadline_us = clock_now_us() + (settings->queue_wait_ms + wall_ms) * 1000;
    request->output_left = program->limits.output_bytes;
    request->diagnostic_left = PRESENTER_DIAGNOSTIC_BYTES_MAX;
    outcome_of_verdict(&request->sum, http_exchange_id(request->exchange), VERDICT_OK);

    size_t parallel = settings->cases_parallel;
    request->slot_count = program->input_count < parallel ? program->input_count : parallel;
    request->slots = calloc(request->slot_count, sizeof(*request->slots));
    if (!request->slots)
        return -ENOMEM;
    request->sink = (struct answer_sink){
        .context = request,
        .add_header = sink_add_header,
        .respond_take = sink_respond_take,
        .stream_begin = sink_stream_begin,
        .stream_write = sink_stream_write,
        .stream_pending = sink_stream_pending,
        .stream_end = sink_stream_end,
    };
    const struct presenter_config config = {
        .sink = &request->sink,
        .loop = service->loop,
        .has_cases = program->has_cases,
        .output_bytes_max = program->limits.output_bytes,
        .heartbeat_ms = settings->events_heartbeat_ms,
    };
    return presenter_create(request->answer_form, &config, &request->presenter);
}

static enum step_result step_received(struct request *request)
{
    if (negotiation_body(http_exchange_header(request->exchange, "Content-Type"),
                         &request->body_form) < 0)
        return refuse(request, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "Taken are " NEGOTIATION_ACCEPTED);
    request->answer_form =
        negotiation_answer(http_exchange_header(request->exchange, "Accept"), request->body_form);
    const char *body = http_exchange_body(request->exchange, &request->body_bytes);
    if (!make_room(request->service))
        return refuse(request, PROBLEM_BUSY,
                      "Too many answers wait for their readers. Send it again a little later.");
    struct program_error error;
    enum frame_mode mode = request->program.mode;
    if (program_parse(request->service->settings, request->body_form, mode, body,
                      request->body_bytes, &request->program, &error) < 0)
        return refuse(request, error.problem, error.detail);
    if (request->body_form == BODY_JSON)
        request->program_bytes = request->body_bytes;
    if (request->program.has_cases && request->answer_form == ANSWER_TEXT)
        return refuse(request, PROBLEM_MALFORMED,
                      "/cases: has no text form; let Accept take application/json or "
                      "text/event-stream");
    if (prepare(request) < 0)
        return refuse(request, PROBLEM_INTERNAL, "There was no memory for the request.");
    request->state = REQUEST_RUNNING;
    start_run(request);
    return STEP_AGAIN;
}

static enum step_result step_answered(struct request *request)
{
    (void)request;
    return STEP_FINISHED;
}

static void request_advance(struct request *request)
{
    static enum step_result (*const steps[REQUEST_STATE_COUNT])(struct request *) = {
#define STATE(name, text) [REQUEST_##name] = step_##text,
#include "request_state.def"
#undef STATE
    };
    enum step_result result;
    do {
        result = steps[request->state](request);
    } while (result == STEP_AGAIN);
}

/* ---- its begin and its end ---- */

/* Runs that the client did not wait for. */
static void count_cancelled(const struct request *request)
{
    for (size_t i = request->head; i < request->start; i++) {
        const struct run *run = &request->slots[i % request->slot_count].run;
        if (run->state == RUN_CALLING || run->state == RUN_RUNNING)
            telemetry_run(request->service->telemetry, request->program.mode, VERDICT_CANCELLED);
    }
}

static void report(const struct request *request, bool is_cancelled)
{
    bool has_run = request->head > 0 || is_cancelled;
    const struct telemetry_request line = {
        .id = http_exchange_id(request->exchange),
        .method = http_exchange_method(request->exchange),
        .path = http_exchange_path(request->exchange),
        .problem_code = request->problem_code,
        .verdict =
            !has_run ? NULL : verdict_name(is_cancelled ? VERDICT_CANCELLED : request->sum.verdict),
        .status = request->status,
        .is_run = true,
        .runs = request->head,
        .total_us = clock_now_us() - http_exchange_started_us(request->exchange),
        .queue_us = request->queue_us,
        .wall_us = request->sum.wall_us,
        .body_bytes = request->body_bytes,
        .output_bytes = request->output_bytes,
    };
    telemetry_request(request->service->telemetry, &line);
}

static void request_completed(void *owner, enum http_end end)
{
    struct request *request = owner;
    bool is_cancelled = end == HTTP_END_LOST && request->state == REQUEST_RUNNING;
    if (is_cancelled)
        count_cancelled(request);
    report(request, is_cancelled);

    share_done(&request->share);
    for (size_t i = 0; i < request->slot_count && request->slots; i++)
        case_slot_done(&request->slots[i]);
    free(request->slots);
    presenter_free(request->presenter);
    program_done(&request->program);
    free(request);
}

static void request_begin(struct http_exchange *exchange, struct service *service,
                          enum frame_mode mode)
{
    struct request *request = calloc(1, sizeof(*request));
    if (!request) {
        problem_respond(exchange, PROBLEM_INTERNAL, "There was no memory for the request.");
        return;
    }
    request->service = service;
    request->exchange = exchange;
    request->program.mode = mode;
    request->client = client_key_of_address(http_exchange_address(exchange));
    share_init(&request->share, &service->held, request);
    http_exchange_on_end(exchange, request_completed, request);
    request_advance(request);
}

void request_handle_execute(struct http_exchange *exchange, void *context)
{
    request_begin(exchange, context, FRAME_MODE_RUN);
}

void request_handle_check(struct http_exchange *exchange, void *context)
{
    request_begin(exchange, context, FRAME_MODE_CHECK);
}

void request_handle_headers(struct http_exchange *exchange, void *context)
{
    const struct service *service = context;
    enum body_form form;
    if (negotiation_body(http_exchange_header(exchange, "Content-Type"), &form) < 0) {
        problem_respond(exchange, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
                        "Taken are " NEGOTIATION_ACCEPTED);
        return;
    }
    if (form != BODY_RAW)
        return;
    uint64_t bytes_max = service->settings->limits_source_bytes;
    http_exchange_limit_body(exchange, bytes_max); /* a chunked one tells no length */
    /* The server has seen to it that this is a number. */
    const char *length = http_exchange_header(exchange, "Content-Length");
    if (length && strtoull(length, NULL, 10) > bytes_max) {
        char detail[96];
        (void)snprintf(detail, sizeof(detail), "A program has at most %" PRIu64 " bytes.",
                       bytes_max);
        problem_respond(exchange, PROBLEM_BODY_TOO_LARGE, detail);
    }
}
