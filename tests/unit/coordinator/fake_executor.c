#include "fake_executor.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "frame_reader.h"
#include "http_server.h"
#include "problem.h"

enum { BODY_BYTES_MAX = 8 << 20, STREAM_BYTES_MAX = 64 << 20 };

struct fake_run {
    struct fake_executor *fake;
    struct http_exchange *exchange;
    struct frame_start start;
    struct buffer source, input;
    bool is_held, is_unstarted;
    struct fake_run *next;
};

/* ---- frames ---- */

static int take_frame(void *context, enum frame_type type, const uint8_t *payload, size_t count)
{
    struct fake_run *run = context;
    if (type == FRAME_START)
        return frame_decode_start(payload, count, &run->start);
    return buffer_append(type == FRAME_SOURCE ? &run->source : &run->input, payload, count);
}

static void send_bytes(struct fake_run *run, const void *bytes, size_t count)
{
    ck_assert_int_eq(http_exchange_stream_write(run->exchange, bytes, count), 0);
}

static void send_started(struct fake_run *run, uint64_t nonce)
{
    uint8_t frame[FRAME_FIXED_MAX];
    send_bytes(run, frame, frame_encode_started(frame, &(struct frame_started){nonce}));
}

static void send_stdout(struct fake_run *run, const char *bytes, size_t count)
{
    while (count > 0) {
        size_t piece = count < FRAME_PAYLOAD_MAX ? count : FRAME_PAYLOAD_MAX;
        uint8_t header[FRAME_HEADER_BYTES];
        frame_encode_header(header, FRAME_STDOUT, (uint32_t)piece);
        send_bytes(run, header, sizeof(header));
        send_bytes(run, bytes, piece);
        bytes += piece;
        count -= piece;
    }
}

static void send_flood(struct fake_run *run, size_t count)
{
    char *flood = malloc(count + 1);
    ck_assert_ptr_nonnull(flood);
    memset(flood, 'x', count);
    send_stdout(run, flood, count);
    free(flood);
}

static void send_diagnostic(struct fake_run *run)
{
    static uint8_t frame[FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX];
    struct frame_diagnostic diagnostic = {
        .line = 3,
        .column = 7,
        .length = 2,
        .message = {"no \"such\" thing", 15},
        .text = {"no such thing\n[line 3] in script", 32},
        .trace_count = 2,
        .trace = {{.line = 3, .function = {"f", 1}}, {.line = 9}},
    };
    send_bytes(run, frame, frame_encode_diagnostic(frame, &diagnostic));
}

static void send_result(struct fake_run *run, enum verdict verdict)
{
    uint8_t frame[FRAME_FIXED_MAX];
    const struct frame_result result = {
        .nonce = run->start.nonce,
        .verdict = verdict,
        .steps = 42,
        .memory_peak_bytes = 4096,
        .queue_us = 0,
        .wall_us = 1500,
        .cpu_us = 310,
        .layers = LAYER_BIT(LAYER_USER_NS) | LAYER_BIT(LAYER_SECCOMP),
        .backend = {"process", 7},
    };
    send_bytes(run, frame, frame_encode_result(frame, &result));
}

/* ---- the life of a run ---- */

static void run_free(struct fake_run *run)
{
    struct fake_run **link = &run->fake->held;
    while (*link && *link != run)
        link = &(*link)->next;
    if (*link)
        *link = run->next;
    buffer_done(&run->source);
    buffer_done(&run->input);
    free(run);
}

static void on_exchange_end(void *owner, enum http_end end)
{
    struct fake_run *run = owner;
    if (end == HTTP_END_LOST)
        run->fake->cancelled++;
    run_free(run);
}

static void answer_begin(struct fake_run *run)
{
    struct fake_executor *fake = run->fake;
    const char *id = http_exchange_header(run->exchange, INNER_HEADER_ID);
    struct inner_secret secret = fake->secret;
    if (fake->fault == FAKE_STRANGER)
        secret.bytes[0] ^= 1;
    char signature[INNER_SIGNATURE_CHARS + 1];
    ck_assert_int_eq(inner_sign_answer(&secret, id, signature), 0);
    if (fake->fault != FAKE_UNSIGNED)
        http_exchange_add_header(run->exchange, INNER_HEADER_SIGNATURE, signature);
    http_exchange_stream_begin(run->exchange, 200, "application/octet-stream");
}

static bool is_word(const struct fake_run *run, const char *word)
{
    size_t count = strlen(word);
    return buffer_count(&run->source) >= count &&
           memcmp(buffer_data(&run->source), word, count) == 0;
}

/* What the source says, between STARTED and RESULT. */
static enum verdict perform(struct fake_run *run)
{
    const char *source = buffer_data(&run->source);
    size_t count = buffer_count(&run->source);
    if (is_word(run, "print ")) {
        send_stdout(run, source + 6, count - 6);
        send_stdout(run, "\n", 1);
    } else if (is_word(run, "echo")) {
        send_stdout(run, buffer_data(&run->input), buffer_count(&run->input));
    } else if (is_word(run, "fail") || is_word(run, "wait")) {
        send_stdout(run, "a", 1);
        send_diagnostic(run);
        return VERDICT_RUNTIME_ERROR;
    } else if (is_word(run, "bytes")) {
        send_stdout(run, "\xc3", 1);
        send_stdout(run, "\xa9\0\xff\xe2\x82", 5);
    } else if (is_word(run, "flood ")) {
        send_flood(run, strtoul(source + 6, NULL, 10));
    }
    return VERDICT_OK;
}

static void finish(struct fake_run *run)
{
    enum verdict verdict = perform(run);
    if (run->fake->fault == FAKE_NO_RESULT) {
        http_exchange_stream_end(run->exchange);
        return;
    }
    send_result(run, verdict);
    if (run->fake->fault == FAKE_RESULT_TWICE)
        send_result(run, verdict);
    http_exchange_stream_end(run->exchange);
}

static void hold(struct fake_run *run)
{
    struct fake_run **link = &run->fake->held;
    while (*link)
        link = &(*link)->next;
    *link = run;
    run->is_held = true;
}

static void play(struct fake_run *run)
{
    struct fake_executor *fake = run->fake;
    if (is_word(run, "late")) {
        run->is_unstarted = true;
        hold(run);
        return;
    }
    answer_begin(run);
    if (fake->fault == FAKE_GARBAGE) {
        send_bytes(run, "this is no frame at all", 23);
        http_exchange_stream_end(run->exchange);
        return;
    }
    if (fake->fault == FAKE_WRONG_ORDER)
        send_stdout(run, "early", 5);
    send_started(run, run->start.nonce ^ (fake->fault == FAKE_WRONG_NONCE));
    if (fake->fault == FAKE_DIES_STARTED || fake->fault == FAKE_FLOODS) {
        send_flood(run, fake->fault == FAKE_FLOODS ? run->start.limits.output_bytes * 10 : 1);
        hold(run); /* the test kills it */
        return;
    }
    if (is_word(run, "hold") || (is_word(run, "wait") && buffer_count(&run->input) > 0)) {
        send_stdout(run, "held\n", 5);
        hold(run);
        return;
    }
    finish(run);
}

static void note(struct fake_executor *fake, struct fake_run *run)
{
    if (fake->runs < FAKE_LOG_MAX) {
        size_t count = buffer_count(&run->source);
        if (count >= FAKE_SOURCE_BYTES)
            count = FAKE_SOURCE_BYTES - 1;
        memcpy(fake->log[fake->runs], buffer_data(&run->source), count);
        fake->log[fake->runs][count] = '\0';
        (void)snprintf(fake->ids[fake->runs], sizeof(fake->ids[0]), "%s",
                       http_exchange_header(run->exchange, INNER_HEADER_ID));
    }
    fake->runs++;
    fake->wall_ms = run->start.limits.wall_ms;
    fake->output_bytes = run->start.limits.output_bytes;
    fake->mode = (unsigned)run->start.mode;
}

static bool is_signed(struct fake_executor *fake, struct http_exchange *exchange, const char *body,
                      size_t count)
{
    const char *id = http_exchange_header(exchange, INNER_HEADER_ID);
    const char *deadline = http_exchange_header(exchange, INNER_HEADER_DEADLINE);
    if (!id || !deadline)
        return false;
    fake->deadline_ms = (uint32_t)strtoul(deadline, NULL, 10);
    return inner_check_run(&fake->secret, id, fake->deadline_ms, body, count,
                           http_exchange_header(exchange, INNER_HEADER_SIGNATURE)) == 0;
}

static bool refuse_by_fault(struct fake_executor *fake, struct http_exchange *exchange)
{
    switch (fake->fault) {
    case FAKE_BUSY_ONCE:
        fake->fault = FAKE_HONEST;
        problem_respond(exchange, PROBLEM_BUSY, "full");
        return true;
    case FAKE_BUSY:
        problem_respond(exchange, PROBLEM_BUSY, "full");
        return true;
    case FAKE_REFUSES:
        problem_respond(exchange, PROBLEM_UNAUTHORIZED, "who are you");
        return true;
    case FAKE_LONG_REFUSAL: {
        static const char body[70000];
        http_exchange_respond(exchange, 503, "text/plain", body, sizeof(body));
        return true;
    }
    case FAKE_DIES_UNSTARTED:
        http_exchange_stream_begin(exchange, 200, "text/plain");
        http_exchange_stream_abort(exchange);
        return true;
    case FAKE_HONEST:
    case FAKE_STRANGER:
    case FAKE_UNSIGNED:
    case FAKE_GARBAGE:
    case FAKE_WRONG_ORDER:
    case FAKE_WRONG_NONCE:
    case FAKE_RESULT_TWICE:
    case FAKE_NO_RESULT:
    case FAKE_DIES_STARTED:
    case FAKE_FLOODS:
        break;
    }
    return false;
}

static void handle_run(struct http_exchange *exchange, void *context)
{
    struct fake_executor *fake = context;
    size_t count = 0;
    const char *body = http_exchange_body(exchange, &count);
    if (!is_signed(fake, exchange, body, count)) {
        fake->unsigned_runs++;
        problem_respond(exchange, PROBLEM_UNAUTHORIZED, "not signed");
        return;
    }
    struct fake_run *run = calloc(1, sizeof(*run));
    ck_assert_ptr_nonnull(run);
    run->fake = fake;
    run->exchange = exchange;
    buffer_init(&run->source, BODY_BYTES_MAX);
    buffer_init(&run->input, BODY_BYTES_MAX);
    struct frame_reader reader;
    frame_reader_init(&reader, take_frame, run);
    ck_assert_int_eq(frame_reader_feed(&reader, body, count), 0);
    ck_assert(frame_reader_is_between_frames(&reader));
    frame_reader_done(&reader);
    ck_assert_uint_eq(run->start.source_bytes, buffer_count(&run->source));
    ck_assert_uint_eq(run->start.input_bytes, buffer_count(&run->input));
    note(fake, run);
    http_exchange_on_end(exchange, on_exchange_end, run);
    if (!refuse_by_fault(fake, exchange))
        play(run);
}

static void handle_readyz(struct http_exchange *exchange, void *context)
{
    struct fake_executor *fake = context;
    fake->probes++;
    if (fake->is_unready)
        problem_respond(exchange, PROBLEM_BUSY, "no runner");
    else
        http_exchange_respond(exchange, 200, "text/plain", "ready\n", 6);
}

static void handle_capabilities(struct http_exchange *exchange, void *context)
{
    struct fake_executor *fake = context;
    fake->asked_capabilities++;
    static const char body[] =
        "{\"backend\":\"process\",\"layers\":[{\"name\":\"user_ns\",\"holds\":true},"
        "{\"name\":\"landlock\",\"holds\":false},{\"name\":\"seccomp\",\"holds\":true}]}";
    http_exchange_respond(exchange, 200, "application/json", body, sizeof(body) - 1);
}

static void add_load(struct http_exchange *exchange, unsigned status, const char *problem_code,
                     void *context)
{
    (void)status;
    (void)problem_code;
    const struct fake_executor *fake = context;
    char text[16];
    (void)snprintf(text, sizeof(text), "%u", fake->slots);
    http_exchange_add_header(exchange, INNER_HEADER_SLOTS, text);
}

/* ---- for the tests ---- */

void fake_executor_init(struct fake_executor *fake, struct loop *loop,
                        const struct inner_secret *secret, unsigned slots)
{
    static const struct http_route routes[] = {
        {"POST", "/run", handle_run, NULL, BODY_BYTES_MAX},
        {"GET", "/readyz", handle_readyz, NULL, 0},
        {"GET", "/v1/capabilities", handle_capabilities, NULL, 0},
    };
    memset(fake, 0, sizeof(*fake));
    fake->loop = loop;
    fake->secret = *secret;
    fake->slots = slots;
    struct http_server_config config;
    http_server_config_default(&config);
    config.address = "127.0.0.1";
    config.port = 0;
    config.routes = routes;
    config.route_count = sizeof(routes) / sizeof(routes[0]);
    config.context = fake;
    config.answering = add_load;
    config.half_close = HTTP_HALF_CLOSE_CANCELS;
    config.stream_bytes_max = STREAM_BYTES_MAX;
    ck_assert_int_eq(http_server_create(loop, &config, &fake->server), 0);
}

void fake_executor_done(struct fake_executor *fake)
{
    http_server_free(fake->server);
    fake->server = NULL;
}

uint16_t fake_executor_port(const struct fake_executor *fake)
{
    return http_server_port(fake->server);
}

struct sockaddr_storage fake_executor_address(const struct fake_executor *fake)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(fake_executor_port(fake))};
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr_storage address = {0};
    memcpy(&address, &ipv4, sizeof(ipv4));
    return address;
}

void fake_executor_release(struct fake_executor *fake, unsigned count)
{
    while (count-- > 0 && fake->held) {
        struct fake_run *run = fake->held;
        fake->held = run->next;
        run->next = NULL;
        if (run->is_unstarted) {
            answer_begin(run);
            send_started(run, run->start.nonce);
        }
        finish(run);
    }
}

unsigned fake_executor_held(const struct fake_executor *fake)
{
    unsigned count = 0;
    for (const struct fake_run *run = fake->held; run; run = run->next)
        count++;
    return count;
}
