#include "fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

enum { ARGUMENTS_MAX = 64, WAIT_MS = 10000, LOOK_US = 500, REPLY_BODY_MAX = 128 << 20 };

void fixture_config(struct config *config, const char *const *flags)
{
    char *arguments[ARGUMENTS_MAX] = {strdup("trytok-coordinator"), strdup("--secret.file=x")};
    int count = 2;
    for (; flags && *flags; flags++)
        arguments[count++] = strdup(*flags);
    char *environment[] = {NULL};
    enum settings_outcome outcome;
    struct settings_error error;
    int r = config_read(count, arguments, environment, stdout, config, &outcome, &error);
    ck_assert_msg(r == 0, "%s", error.text);
    for (int i = 0; i < count; i++)
        free(arguments[i]);
}

void fixture_init(struct fixture *fixture, size_t fake_count, unsigned slots)
{
    memset(fixture, 0, sizeof(*fixture));
    memset(fixture->secret.bytes, 7, sizeof(fixture->secret.bytes));
    ck_assert_int_eq(loop_create(&fixture->loop), 0);
    const struct http_client_config config = {
        .connect_timeout_ms = 1000, .connections_idle_max = 64, .connection_age_max_s = 30};
    ck_assert_int_eq(http_client_create(fixture->loop, &config, &fixture->client), 0);
    fixture->fake_count = fake_count;
    for (size_t i = 0; i < fake_count; i++)
        fake_executor_init(&fixture->fakes[i], fixture->loop, &fixture->secret, slots);
}

static bool are_all_probed(void *context)
{
    const struct fixture *fixture = context;
    for (size_t i = 0; i < fixture->fake_count; i++) {
        if (fixture->fakes[i].probes == 0)
            return false;
    }
    return true;
}

void fixture_start(struct fixture *fixture, const char *const *flags)
{
    const char *all[ARGUMENTS_MAX] = {"--listen.port=0", "--admin.port=0", "--log.access=false"};
    char executors[256] = "--executors=";
    size_t count = 3;
    for (size_t i = 0; i < fixture->fake_count; i++) {
        size_t used = strlen(executors);
        (void)snprintf(executors + used, sizeof(executors) - used, "%s127.0.0.1:%u",
                       i == 0 ? "" : ",", (unsigned)fake_executor_port(&fixture->fakes[i]));
    }
    all[count++] = executors;
    for (; flags && *flags; flags++)
        all[count++] = *flags;
    fixture_config(&fixture->config, all);
    ck_assert_int_eq(coordinator_create(fixture->loop, &fixture->config.settings, &fixture->secret,
                                        &fixture->coordinator),
                     0);
    fixture_until(fixture, are_all_probed, fixture);
    fixture_run_ms(fixture, 5);
}

void fixture_done(struct fixture *fixture)
{
    coordinator_free(fixture->coordinator);
    for (size_t i = 0; i < fixture->fake_count; i++)
        fake_executor_done(&fixture->fakes[i]);
    http_client_free(fixture->client);
    loop_free(fixture->loop);
    if (fixture->coordinator)
        config_done(&fixture->config);
}

/* ---- running ---- */

struct waiting {
    struct fixture *fixture;
    struct loop_timer timer;
    bool (*is_so)(void *);
    void *context;
    uint64_t until_us;
    bool is_late;
};

static void look(void *context)
{
    struct waiting *waiting = context;
    waiting->is_late = clock_now_us() > waiting->until_us;
    if (waiting->is_late || (waiting->is_so && waiting->is_so(waiting->context)))
        loop_stop(waiting->fixture->loop);
    else
        ck_assert_int_eq(loop_timer_start_us(waiting->fixture->loop, &waiting->timer, LOOK_US), 0);
}

static bool run_until(struct fixture *fixture, bool (*is_so)(void *), void *context, unsigned ms)
{
    struct waiting waiting = {.fixture = fixture, .is_so = is_so, .context = context};
    waiting.until_us = clock_now_us() + ms * 1000ULL;
    loop_timer_init(&waiting.timer, look, &waiting);
    ck_assert_int_eq(loop_timer_start_us(fixture->loop, &waiting.timer, 0), 0);
    ck_assert_int_eq(loop_run(fixture->loop), 0);
    loop_timer_stop(&waiting.timer);
    return !waiting.is_late;
}

void fixture_until(struct fixture *fixture, bool (*is_so)(void *context), void *context)
{
    ck_assert_msg(run_until(fixture, is_so, context, WAIT_MS), "it did not come in time");
}

void fixture_run_ms(struct fixture *fixture, unsigned ms)
{
    (void)run_until(fixture, NULL, NULL, ms);
}

/* ---- requests ---- */

static void keep_header(const struct http_call *call, const char *name, char *to, size_t bytes)
{
    const char *value = http_call_header(call, name);
    (void)snprintf(to, bytes, "%s", value ? value : "");
}

static int on_headers(void *context, struct http_call *call, unsigned status)
{
    struct reply *reply = context;
    reply->status = status;
    keep_header(call, "Tok-Verdict", reply->verdict, sizeof(reply->verdict));
    keep_header(call, "Tok-Exit-Code", reply->exit_code, sizeof(reply->exit_code));
    keep_header(call, "Tok-Stdout-Bytes", reply->stdout_bytes, sizeof(reply->stdout_bytes));
    keep_header(call, "Tok-Request-Id", reply->request_id, sizeof(reply->request_id));
    keep_header(call, "Tok-Truncated", reply->truncated, sizeof(reply->truncated));
    keep_header(call, "Content-Type", reply->content_type, sizeof(reply->content_type));
    keep_header(call, "Retry-After", reply->retry_after, sizeof(reply->retry_after));
    keep_header(call, "Connection", reply->connection, sizeof(reply->connection));
    keep_header(call, "Access-Control-Allow-Origin", reply->allow_origin,
                sizeof(reply->allow_origin));
    return 0;
}

static int on_body(void *context, const char *bytes, size_t count)
{
    struct reply *reply = context;
    return buffer_append(&reply->body, bytes, count);
}

static void on_end(void *context, enum http_failure failure)
{
    struct reply *reply = context;
    reply->call = NULL;
    reply->is_over = true;
    reply->failure = failure;
    reply->over_us = clock_now_us();
}

void fixture_send(struct fixture *fixture, struct reply *reply, const char *method,
                  const char *path, const char *const *headers, const char *body, size_t body_bytes)
{
    static const char *const none[] = {NULL};
    memset(reply, 0, sizeof(*reply));
    buffer_init(&reply->body, REPLY_BODY_MAX);
    uint16_t port = fixture->to_admin ? coordinator_admin_port(fixture->coordinator)
                                      : coordinator_port(fixture->coordinator);
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char *copy = NULL;
    if (body) {
        copy = malloc(body_bytes + 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, body, body_bytes);
    }
    const struct http_call_config config = {
        .address = (const struct sockaddr *)&ipv4,
        .method = method,
        .path = path,
        .headers = headers ? headers : none,
        .body = copy,
        .body_bytes = body_bytes,
        .timeout_ms = WAIT_MS,
        .context = reply,
        .on_headers = on_headers,
        .on_body = on_body,
        .on_end = on_end,
    };
    ck_assert_int_eq(http_client_start(fixture->client, &config, &reply->call), 0);
}

void fixture_send_text(struct fixture *fixture, struct reply *reply, const char *source)
{
    static const char *const headers[] = {"Content-Type: text/plain", NULL};
    fixture_send(fixture, reply, "POST", "/execute", headers, source, strlen(source));
}

void fixture_send_json(struct fixture *fixture, struct reply *reply, const char *body)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    fixture_send(fixture, reply, "POST", "/execute", headers, body, strlen(body));
}

void fixture_send_events(struct fixture *fixture, struct reply *reply, const char *body)
{
    static const char *const headers[] = {"Content-Type: application/json",
                                          "Accept: text/event-stream", NULL};
    fixture_send(fixture, reply, "POST", "/execute", headers, body, strlen(body));
}

static bool is_over(void *context)
{
    return ((const struct reply *)context)->is_over;
}

void fixture_wait(struct fixture *fixture, struct reply *reply)
{
    fixture_until(fixture, is_over, reply);
}

const char *reply_text(struct reply *reply)
{
    size_t count = buffer_count(&reply->body);
    ck_assert_int_eq(buffer_append(&reply->body, "", 1), 0);
    reply->body.end = reply->body.start + count;
    return buffer_data(&reply->body);
}

void reply_done(struct reply *reply)
{
    if (reply->call)
        http_call_cancel(reply->call);
    buffer_done(&reply->body);
}
