#include "executor_call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "frame_reader.h"

enum {
    /* What one answer may carry beside its output: diagnostics with their traces. */
    ANSWER_EXTRA_BYTES_MAX = 16 * 1024 * 1024,
    PROBLEM_BYTES_MAX = 64 * 1024, /* of an answer that is none */
    STATUS_OK = 200,
    STATUS_UNAVAILABLE = 503,
};

enum answer_state {
    ANSWER_HEADERS,
    ANSWER_STARTED,
    ANSWER_FRAMES,
    ANSWER_RESULT,
    ANSWER_BROKEN,
    ANSWER_STOPPED
};

struct executor_call {
    struct http_call *http;
    struct executor *executor;         /* borrowed */
    const struct inner_secret *secret; /* borrowed */
    struct call_events events;
    struct frame_reader reader;
    uint64_t nonce;
    uint64_t bytes_left; /* of the answer's body */
    unsigned diagnostics;
    unsigned status; /* of the executor's answer; 0 before */
    enum answer_state state;
    char id[INNER_ID_CHARS + 1];
};

/* ---- the request's body: START SOURCE* INPUT* ---- */

static size_t frames_for(size_t count)
{
    return (count + FRAME_PAYLOAD_MAX - 1) / FRAME_PAYLOAD_MAX;
}

static char *put_frames(char *to, enum frame_type type, struct frame_text text)
{
    uint32_t sent = 0;
    while (sent < text.count) {
        uint32_t count = text.count - sent;
        if (count > FRAME_PAYLOAD_MAX)
            count = FRAME_PAYLOAD_MAX;
        uint8_t header[FRAME_HEADER_BYTES];
        frame_encode_header(header, type, count);
        memcpy(to, header, FRAME_HEADER_BYTES);
        memcpy(to + FRAME_HEADER_BYTES, text.bytes + sent, count);
        to += FRAME_HEADER_BYTES + count;
        sent += count;
    }
    return to;
}

static int build_body(const struct call_config *config, uint64_t nonce, char **ret_body,
                      size_t *ret_count)
{
    size_t frames = frames_for(config->source.count) + frames_for(config->input.count);
    size_t bytes = FRAME_FIXED_MAX + frames * FRAME_HEADER_BYTES + (size_t)config->source.count +
                   (size_t)config->input.count;
    AUTO_FREE char *body = malloc(bytes);
    if (!body)
        return -ENOMEM;
    const struct frame_start start = {
        .mode = config->mode,
        .nonce = nonce,
        .limits = *config->limits,
        .source_bytes = config->source.count,
        .input_bytes = config->input.count,
    };
    uint8_t encoded[FRAME_FIXED_MAX];
    size_t count = frame_encode_start(encoded, &start);
    memcpy(body, encoded, count);
    char *end = put_frames(body + count, FRAME_SOURCE, config->source);
    end = put_frames(end, FRAME_INPUT, config->input);
    assert((size_t)(end - body) <= bytes);
    *ret_count = (size_t)(end - body);
    *ret_body = TAKE(body);
    return 0;
}

/* ---- the answer ---- */

static unsigned header_number(const struct http_call *http, const char *name)
{
    const char *text = http_call_header(http, name);
    unsigned value = 0;
    for (size_t i = 0; text && i < 6 && text[i] >= '0' && text[i] <= '9'; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    return value;
}

static int on_headers(void *context, struct http_call *http, unsigned status)
{
    struct executor_call *call = context;
    call->status = status;
    executor_told(call->executor, header_number(http, INNER_HEADER_SLOTS),
                  header_number(http, INNER_HEADER_BUSY));
    if (status != STATUS_OK) {
        call->bytes_left = PROBLEM_BYTES_MAX;
        return 0;
    }
    const char *signature = http_call_header(http, INNER_HEADER_SIGNATURE);
    if (inner_check_answer(call->secret, call->id, signature) < 0) {
        call->state = ANSWER_BROKEN;
        return -EACCES;
    }
    call->state = ANSWER_STARTED;
    return 0;
}

/* An event that refuses ends the call, and it is not the executor's fault. */
static int tell(struct executor_call *call, int answer)
{
    if (answer < 0)
        call->state = ANSWER_STOPPED;
    return answer;
}

static int take_started(struct executor_call *call, const uint8_t *payload, size_t count)
{
    struct frame_started started;
    if (call->state != ANSWER_STARTED || frame_decode_started(payload, count, &started) < 0 ||
        started.nonce != call->nonce)
        return -EBADMSG;
    call->state = ANSWER_FRAMES;
    return tell(call, call->events.started(call->events.context));
}

static int take_diagnostic(struct executor_call *call, const uint8_t *payload, size_t count)
{
    struct frame_diagnostic diagnostic;
    if (call->state != ANSWER_FRAMES || ++call->diagnostics > FRAME_DIAGNOSTICS_MAX ||
        frame_decode_diagnostic(payload, count, &diagnostic) < 0)
        return -EBADMSG;
    return tell(call, call->events.diagnostic(call->events.context, &diagnostic));
}

static int take_result(struct executor_call *call, const uint8_t *payload, size_t count)
{
    struct frame_result result;
    if (call->state != ANSWER_FRAMES || frame_decode_result(payload, count, &result) < 0 ||
        result.nonce != call->nonce)
        return -EBADMSG;
    call->state = ANSWER_RESULT;
    return tell(call, call->events.result(call->events.context, &result));
}

static int on_frame(void *context, enum frame_type type, const uint8_t *payload, size_t count)
{
    struct executor_call *call = context;
    switch (type) {
    case FRAME_STARTED:
        return take_started(call, payload, count);
    case FRAME_STDOUT:
        if (call->state != ANSWER_FRAMES)
            return -EBADMSG;
        return tell(call, call->events.output(call->events.context, (const char *)payload, count));
    case FRAME_DIAGNOSTIC:
        return take_diagnostic(call, payload, count);
    case FRAME_RESULT:
        return take_result(call, payload, count);
    case FRAME_HELLO:
    case FRAME_ARMED:
    case FRAME_START:
    case FRAME_SOURCE:
    case FRAME_INPUT:
    case FRAME_TYPE_COUNT:
        break;
    }
    return -EBADMSG;
}

static int on_body(void *context, const char *bytes, size_t count)
{
    struct executor_call *call = context;
    int r = count > call->bytes_left ? -EMSGSIZE : 0;
    if (r == 0 && call->status == STATUS_OK) /* else a problem document: its status said it all */
        r = frame_reader_feed(&call->reader, bytes, count);
    if (r < 0) {
        if (call->state != ANSWER_STOPPED)
            call->state = ANSWER_BROKEN;
        return r;
    }
    call->bytes_left -= count;
    return 0;
}

static enum call_end judge(const struct executor_call *call, enum http_failure failure)
{
    if (call->state == ANSWER_BROKEN)
        return CALL_BROKEN;
    if (call->state == ANSWER_STOPPED)
        return CALL_STOPPED;
    if (call->state == ANSWER_RESULT)
        return CALL_DONE; /* all there is to say was said, however the connection ended */
    switch (failure) {
    case HTTP_FAILURE_CONNECT:
    case HTTP_FAILURE_UNSENT:
        return CALL_UNREACHABLE;
    case HTTP_FAILURE_LOST:
        return CALL_LOST;
    case HTTP_FAILURE_TIMEOUT:
        return CALL_LATE;
    case HTTP_FAILURE_REFUSED:
        return CALL_BROKEN;
    case HTTP_FAILURE_NONE:
        break;
    }
    if (call->status == STATUS_UNAVAILABLE)
        return CALL_REFUSED;
    return CALL_BROKEN; /* another status, or an answer without its RESULT */
}

static void call_free(struct executor_call *call)
{
    frame_reader_done(&call->reader);
    free(call);
}

static void on_end(void *context, enum http_failure failure)
{
    struct executor_call *call = context;
    call->http = NULL;
    struct call_events events = call->events;
    enum call_end end = judge(call, failure);
    call_free(call);
    events.end(events.context, end);
}

/* ---- start and cancel ---- */

static int start_http(struct executor_call *call, const struct call_config *config)
{
    char *body = NULL;
    size_t body_bytes = 0;
    int r = build_body(config, call->nonce, &body, &body_bytes);
    if (r < 0)
        return r;
    char signature[INNER_SIGNATURE_CHARS + 1];
    r = inner_sign_run(config->secret, call->id, config->deadline_ms, body, body_bytes, signature);
    if (r < 0) {
        free(body);
        return r;
    }
    char id_line[sizeof(INNER_HEADER_ID) + INNER_ID_CHARS + 4];
    char deadline_line[sizeof(INNER_HEADER_DEADLINE) + 16];
    char signature_line[sizeof(INNER_HEADER_SIGNATURE) + INNER_SIGNATURE_CHARS + 4];
    (void)snprintf(id_line, sizeof(id_line), INNER_HEADER_ID ": %s", call->id);
    (void)snprintf(deadline_line, sizeof(deadline_line), INNER_HEADER_DEADLINE ": %u",
                   (unsigned)config->deadline_ms);
    (void)snprintf(signature_line, sizeof(signature_line), INNER_HEADER_SIGNATURE ": %s",
                   signature);
    const char *const headers[] = {id_line, deadline_line, signature_line,
                                   "Content-Type: application/octet-stream", NULL};
    const struct http_call_config http = {
        .address = (const struct sockaddr *)&config->executor->address,
        .method = "POST",
        .path = "/run",
        .headers = headers,
        .body = body,
        .body_bytes = body_bytes,
        .timeout_ms = config->deadline_ms + config->grace_ms,
        .context = call,
        .on_headers = on_headers,
        .on_body = on_body,
        .on_end = on_end,
    };
    return http_client_start(config->client, &http, &call->http);
}

int executor_call_start(const struct call_config *config, struct executor_call **ret_call)
{
    assert(strlen(config->id) == INNER_ID_CHARS);
    struct executor_call *call = calloc(1, sizeof(*call));
    if (!call)
        return -ENOMEM;
    call->executor = config->executor;
    call->secret = config->secret;
    call->events = config->events;
    call->bytes_left = config->limits->output_bytes * 2 + ANSWER_EXTRA_BYTES_MAX;
    memcpy(call->id, config->id, INNER_ID_CHARS + 1);
    frame_reader_init(&call->reader, on_frame, call);
    int r = getrandom(&call->nonce, sizeof(call->nonce), 0) == (ssize_t)sizeof(call->nonce)
                ? start_http(call, config)
                : -EIO;
    if (r < 0) {
        call_free(call);
        return r;
    }
    *ret_call = call;
    return 0;
}

void executor_call_cancel(struct executor_call *call)
{
    if (!call)
        return;
    if (call->http)
        http_call_cancel(call->http);
    call_free(call);
}
