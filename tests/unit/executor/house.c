#include "house.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "frame_reader.h"

enum { BODY_MAX = 64 * 1024 * 1024, ID_CHARS = 32, CALL_TIMEOUT_MS = 20000 };

static const char id[] = "0123456789abcdef0123456789abcdef";

/* ---- the house ---- */

void house_prepare(struct house *house)
{
    *house = (struct house){.secret = {{7}}};
    struct executor_settings *settings = &house->config.settings;
    *settings = (struct executor_settings){
        .listen_address = strdup("127.0.0.1"),
        .listen_connections = 64,
        .admin_address = strdup("127.0.0.1"),
        .slots = HOUSE_SLOTS,
        .queue_max = HOUSE_QUEUE,
        .queue_wait_ms = 2000,
        .pool_warm = HOUSE_WARM,
        .start_timeout_ms = 500,
        .wall_max_ms = 5000,
        .cpu_max_ms = 5000,
        .memory_max_bytes = 32 << 20,
        .output_max_bytes = 16 << 20,
        .source_max_bytes = 100000,
        .input_max_bytes = 100000,
        .call_depth_max = 10000,
        .stream_pause_bytes = 65536,
        .drain_wait_ms = 5000,
    };
    house->config.require = 3;
}

static int make_backend(void *context, struct loop *loop, const struct process_events *events,
                        struct backend **ret_backend)
{
    struct house *house = context;
    void (*behave)(struct fake_runner * runner) = house->fake.behave;
    fake_backend_init(&house->fake, loop);
    if (behave)
        house->fake.behave = behave;
    fake_backend_connect(&house->fake, &events->runner);
    house->on_lost = events->on_lost;
    *ret_backend = &house->fake.backend;
    return 0;
}

void house_open(struct house *house)
{
    const struct daemon_parts parts = {.config = &house->config,
                                       .secret = house->secret,
                                       .backend_name = "fake",
                                       .make_backend = make_backend,
                                       .context = house};
    ck_assert_int_eq(daemon_create(&parts, &house->daemon), 0);
    world_borrow(&house->world, daemon_loop(house->daemon));
    const struct http_client_config client = {
        .connect_timeout_ms = 1000, .connections_idle_max = 8, .connection_age_max_s = 30};
    ck_assert_int_eq(http_client_create(house->world.loop, &client, &house->client), 0);
}

void house_open_ready(struct house *house)
{
    house_prepare(house);
    house_behave(house, fake_behave_echo);
    house_open(house);
    for (unsigned i = 0; i < 1000; i++) {
        struct ask ask;
        ask_init(&ask, house, "");
        ask_get(&ask, false, "/readyz");
        ask_wait(&ask);
        unsigned status = ask.status;
        ask_done(&ask);
        if (status == 200)
            return;
    }
    ck_abort_msg("the daemon does not become ready");
}

void house_close(struct house *house)
{
    http_client_free(house->client);
    daemon_free(house->daemon);
    free(house->config.settings.listen_address);
    free(house->config.settings.admin_address);
}

static void (*behave_then)(struct fake_runner *runner);

static void behave_tested(struct fake_runner *runner)
{
    static const char own_input[] = "ready";
    if (runner->input.count != strlen(own_input) ||
        memcmp(runner->input.bytes, own_input, runner->input.count) != 0) {
        behave_then(runner);
        return;
    }
    fake_send_started(runner);
    fake_send_stdout(runner, "ready 90\n");
    fake_send_result(runner, VERDICT_OK);
    fake_end(runner, RUNNER_END_EXITED);
}

void house_behave(struct house *house, void (*then)(struct fake_runner *runner))
{
    behave_then = then;
    house->fake.behave = behave_tested;
}

/* ---- a guest ---- */

void ask_init(struct ask *ask, struct house *house, const char *source)
{
    *ask = (struct ask){.house = house,
                        .source = source,
                        .input = "",
                        .wall_ms = 3000,
                        .deadline_ms = 5000,
                        .output_bytes = 1 << 20};
    buffer_init(&ask->body, BODY_MAX);
    buffer_init(&ask->output, BODY_MAX);
}

void ask_done(struct ask *ask)
{
    if (ask->call)
        http_call_cancel(ask->call);
    buffer_done(&ask->body);
    buffer_done(&ask->output);
}

static void keep_header(const struct http_call *call, const char *name, char *to, size_t size)
{
    const char *value = http_call_header(call, name);
    snprintf(to, size, "%s", value ? value : "");
}

static int on_headers(void *context, struct http_call *call, unsigned status)
{
    struct ask *ask = context;
    ask->status = status;
    keep_header(call, INNER_HEADER_SLOTS, ask->slots, sizeof(ask->slots));
    keep_header(call, INNER_HEADER_BUSY, ask->busy, sizeof(ask->busy));
    keep_header(call, "Retry-After", ask->retry_after, sizeof(ask->retry_after));
    ask->is_signed = inner_check_answer(&ask->house->secret, id,
                                        http_call_header(call, INNER_HEADER_SIGNATURE)) == 0;
    return 0;
}

static int on_body(void *context, const char *bytes, size_t count)
{
    struct ask *ask = context;
    return buffer_append(&ask->body, bytes, count);
}

static int on_frame(void *context, enum frame_type type, const uint8_t *payload, size_t count)
{
    struct ask *ask = context;
    if (type == FRAME_STARTED)
        ask->started_count++;
    if (type == FRAME_STDOUT)
        return buffer_append(&ask->output, payload, count);
    if (type == FRAME_RESULT) {
        ask->result_count++;
        return frame_decode_result(payload, count, &ask->result);
    }
    return 0;
}

static void on_end(void *context, enum http_failure failure)
{
    struct ask *ask = context;
    ask->call = NULL;
    ask->has_ended = true;
    ask->failure = failure;
    ask->ended_us = clock_now_us();
    if (ask->status != 200 || !ask->is_signed)
        return;
    struct frame_reader reader;
    frame_reader_init(&reader, on_frame, ask);
    ck_assert_int_eq(frame_reader_feed(&reader, buffer_data(&ask->body), buffer_count(&ask->body)),
                     0);
    frame_reader_done(&reader);
}

static void start_call(struct ask *ask, struct http_call_config *config, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    config->address = (const struct sockaddr *)&address;
    config->timeout_ms = CALL_TIMEOUT_MS;
    config->context = ask;
    config->on_headers = on_headers;
    config->on_body = on_body;
    config->on_end = on_end;
    ask->asked_us = clock_now_us();
    ck_assert_int_eq(http_client_start(ask->house->client, config, &ask->call), 0);
}

static char *make_body(const struct ask *ask, size_t *ret_count)
{
    size_t source = strlen(ask->source);
    size_t input = strlen(ask->input);
    ck_assert_uint_le(source, FRAME_PAYLOAD_MAX);
    uint8_t *body = malloc(3 * FRAME_FIXED_MAX + source + input);
    ck_assert_ptr_nonnull(body);
    const struct frame_start start = {.nonce = 9,
                                      .limits = {.memory_bytes = 1 << 20,
                                                 .output_bytes = ask->output_bytes,
                                                 .wall_ms = ask->wall_ms,
                                                 .cpu_ms = 3000,
                                                 .call_depth = 100},
                                      .source_bytes = (uint32_t)source,
                                      .input_bytes = (uint32_t)input};
    size_t count = frame_encode_start(body, &start);
    if (source > 0) {
        frame_encode_header(body + count, FRAME_SOURCE, (uint32_t)source);
        memcpy(body + count + FRAME_HEADER_BYTES, ask->source, source);
        count += FRAME_HEADER_BYTES + source;
    }
    if (input > 0) {
        frame_encode_header(body + count, FRAME_INPUT, (uint32_t)input);
        memcpy(body + count + FRAME_HEADER_BYTES, ask->input, input);
        count += FRAME_HEADER_BYTES + input;
    }
    *ret_count = count;
    return (char *)body;
}

void ask_run(struct ask *ask)
{
    size_t count = 0;
    char *body = make_body(ask, &count);
    char signature[INNER_SIGNATURE_CHARS + 1];
    ck_assert_int_eq(
        inner_sign_run(&ask->house->secret, id, ask->deadline_ms, body, count, signature), 0);
    if (ask->is_badly_signed)
        signature[0] = signature[0] == '0' ? '1' : '0';
    char lines[3][128];
    snprintf(lines[0], sizeof(lines[0]), INNER_HEADER_ID ": %s", id);
    snprintf(lines[1], sizeof(lines[1]), INNER_HEADER_DEADLINE ": %u", ask->deadline_ms);
    snprintf(lines[2], sizeof(lines[2]), INNER_HEADER_SIGNATURE ": %s", signature);
    const char *const headers[] = {lines[0], lines[1], lines[2], NULL};
    struct http_call_config config = {
        .method = "POST", .path = "/run", .headers = headers, .body = body, .body_bytes = count};
    start_call(ask, &config, daemon_inner_port(ask->house->daemon));
}

void ask_get(struct ask *ask, bool admin, const char *path)
{
    const char *const headers[] = {NULL};
    struct http_call_config config = {.method = "GET", .path = path, .headers = headers};
    start_call(ask, &config,
               admin ? daemon_admin_port(ask->house->daemon)
                     : daemon_inner_port(ask->house->daemon));
}

static bool has_ended(void *context)
{
    const struct ask *ask = context;
    return ask->has_ended;
}

void ask_wait(struct ask *ask)
{
    world_run_until(&ask->house->world, has_ended, ask);
}
