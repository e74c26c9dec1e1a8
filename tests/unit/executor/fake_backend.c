#include "fake_backend.h"

#include <check.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "log.h"

enum { RECEIVED_MAX = 16 * 1024 * 1024 };

static struct fake_backend *fake_of(struct backend *backend)
{
    return (struct fake_backend *)backend;
}

static struct fake_runner *runner_of(const struct runner *runner)
{
    return (struct fake_runner *)(uintptr_t)runner;
}

/* ---- the runner's side of the stream ---- */

void fake_send(struct fake_runner *runner, const void *bytes, size_t count)
{
    const char *at = bytes;
    while (count > 0 && runner->peer >= 0) {
        ssize_t sent = send(runner->peer, at, count, MSG_NOSIGNAL);
        if (sent < 0)
            return; /* the executor has hung up */
        at += sent;
        count -= (size_t)sent;
    }
}

void fake_send_frame(struct fake_runner *runner, enum frame_type type, const void *payload,
                     size_t count)
{
    uint8_t header[FRAME_HEADER_BYTES];
    frame_encode_header(header, type, (uint32_t)count);
    fake_send(runner, header, sizeof(header));
    fake_send(runner, payload, count);
}

void fake_send_started(struct fake_runner *runner)
{
    uint8_t bytes[FRAME_FIXED_MAX];
    const struct frame_started started = {.nonce = runner->start.nonce};
    fake_send(runner, bytes, frame_encode_started(bytes, &started));
}

void fake_send_stdout(struct fake_runner *runner, const char *text)
{
    fake_send_frame(runner, FRAME_STDOUT, text, strlen(text));
}

void fake_send_diagnostic(struct fake_runner *runner, const char *message)
{
    static uint8_t bytes[FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX];
    const struct frame_diagnostic diagnostic = {
        .line = 1,
        .column = 2,
        .length = 3,
        .message = {message, (uint32_t)strlen(message)},
        .text = {message, (uint32_t)strlen(message)},
    };
    fake_send(runner, bytes, frame_encode_diagnostic(bytes, &diagnostic));
}

void fake_send_result(struct fake_runner *runner, enum verdict verdict)
{
    uint8_t bytes[FRAME_FIXED_MAX];
    const struct frame_result result = {
        .nonce = runner->start.nonce, .verdict = verdict, .steps = 42, .memory_peak_bytes = 4096};
    fake_send(runner, bytes, frame_encode_result(bytes, &result));
}

void fake_close(struct fake_runner *runner)
{
    loop_unwatch(runner->watch);
    runner->watch = NULL;
    close_fd(TAKE_FD(runner->peer));
}

void fake_behave_echo(struct fake_runner *runner)
{
    fake_send_started(runner);
    if (runner->source.count > 0)
        fake_send_frame(runner, FRAME_STDOUT, runner->source.bytes, runner->source.count);
    if (runner->input.count > 0)
        fake_send_frame(runner, FRAME_STDOUT, runner->input.bytes, runner->input.count);
    fake_send_result(runner, VERDICT_OK);
    fake_end(runner, RUNNER_END_EXITED);
}

/* Gathers the payloads of `bytes` bytes into text, as far as it goes; the bytes used, or SIZE_MAX when
 * more has to come. */
static size_t gather(const uint8_t *at, size_t left, uint64_t bytes, char *text, size_t size)
{
    size_t used = 0;
    size_t done = 0;
    size_t kept = 0;
    while (done < bytes) {
        struct frame_header header;
        if (left - used < FRAME_HEADER_BYTES)
            return SIZE_MAX;
        ck_assert_int_eq(frame_decode_header(at + used, &header), 0);
        if (left - used - FRAME_HEADER_BYTES < header.payload_bytes)
            return SIZE_MAX;
        size_t fits = header.payload_bytes < size - kept ? header.payload_bytes : size - kept;
        memcpy(text + kept, at + used + FRAME_HEADER_BYTES, fits);
        kept += fits;
        done += header.payload_bytes;
        used += FRAME_HEADER_BYTES + header.payload_bytes;
    }
    return used;
}

static bool has_program(struct fake_runner *runner)
{
    const uint8_t *at = (const uint8_t *)buffer_data(&runner->received);
    size_t left = buffer_count(&runner->received);
    struct frame_header header;
    if (left < FRAME_HEADER_BYTES || frame_decode_header(at, &header) < 0 ||
        left - FRAME_HEADER_BYTES < header.payload_bytes)
        return false;
    ck_assert_int_eq(header.type, FRAME_START);
    ck_assert_int_eq(
        frame_decode_start(at + FRAME_HEADER_BYTES, header.payload_bytes, &runner->start), 0);
    at += FRAME_HEADER_BYTES + header.payload_bytes;
    left -= FRAME_HEADER_BYTES + header.payload_bytes;
    size_t used = gather(at, left, runner->start.source_bytes, runner->source_text,
                         sizeof(runner->source_text));
    if (used == SIZE_MAX)
        return false;
    at += used;
    left -= used;
    if (gather(at, left, runner->start.input_bytes, runner->input_text,
               sizeof(runner->input_text)) == SIZE_MAX)
        return false;
    runner->source = (struct frame_text){runner->source_text, runner->start.source_bytes};
    runner->input = (struct frame_text){runner->input_text, runner->start.input_bytes};
    return true;
}

static void on_peer(void *context, uint32_t events UNUSED)
{
    struct fake_runner *runner = context;
    char *space = NULL;
    ck_assert_int_eq(buffer_reserve(&runner->received, 65536, &space), 0);
    ssize_t count = recv(runner->peer, space, 65536, MSG_DONTWAIT);
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN) { /* the executor hung up; kill() ends us */
            loop_unwatch(runner->watch);
            runner->watch = NULL;
        }
        return;
    }
    buffer_commit(&runner->received, (size_t)count);
    if (!runner->has_behaved && has_program(runner)) {
        runner->has_behaved = true;
        runner->fake->behave(runner);
    }
}

/* ---- the backend ---- */

static void make_ready(struct fake_backend *fake)
{
    struct fake_runner *runner = calloc(1, sizeof(*runner));
    ck_assert_ptr_nonnull(runner);
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    runner->fake = fake;
    runner->peer = ends[1];
    runner->is_deaf = fake->ignores_program;
    runner->runner = (struct runner){.fd = ends[0],
                                     .id = fake->started_total,
                                     .layers = 7,
                                     .cpu_us = fake->cpu_us,
                                     .memory_max_bytes = fake->memory_max_bytes};
    buffer_init(&runner->received, RECEIVED_MAX);
    if (!runner->is_deaf)
        ck_assert_int_eq(
            loop_watch(fake->loop, runner->peer, EPOLLIN, on_peer, runner, &runner->watch), 0);
    runner->next = fake->runners;
    fake->runners = runner;
    fake->started_total++;
    if (++fake->alive_count > fake->alive_max)
        fake->alive_max = fake->alive_count;
    fake->events.ready(fake->events.context, &runner->runner);
}

static void tell_end(struct fake_backend *fake, struct fake_runner *runner)
{
    struct fake_runner **link = &fake->runners;
    while (*link != runner)
        link = &(*link)->next;
    *link = runner->next;
    fake_close(runner);
    fake->alive_count--;
    fake->events.ended(fake->events.context, &runner->runner, &runner->ended);
    close_fd(runner->runner.fd);
    buffer_done(&runner->received);
    free(runner);
}

static bool tell_one_end(struct fake_backend *fake)
{
    for (struct fake_runner *runner = fake->runners; runner; runner = runner->next) {
        if (runner->is_ending && !(fake->hold_ends && runner->was_killed)) {
            tell_end(fake, runner);
            return true;
        }
    }
    return false;
}

static void on_hook(void *context)
{
    struct fake_backend *fake = context;
    while (tell_one_end(fake))
        ;
    while (fake->to_start > 0 && !fake->hold_starts) {
        fake->to_start--;
        if (fake->fail_count > 0) {
            if (fake->fail_count != UINT_MAX)
                fake->fail_count--;
            fake->events.failed(fake->events.context, fake->fail_reason);
        } else {
            make_ready(fake);
        }
    }
}

void fake_backend_look(struct fake_backend *fake)
{
    if (!fake->hook.loop)
        loop_hook_start(fake->loop, &fake->hook);
}

static int fake_start(struct backend *backend, unsigned count)
{
    struct fake_backend *fake = fake_of(backend);
    fake->start_calls++;
    if (count > fake->start_count_max)
        fake->start_count_max = count;
    if (fake->refuse_starts)
        return -EPIPE;
    if (fake->capacity > 0 && fake->alive_count + fake->to_start + count > fake->capacity)
        return -EBUSY;
    fake->to_start += count;
    fake_backend_look(fake);
    return 0;
}

void fake_end(struct fake_runner *runner, enum runner_end end)
{
    if (runner->is_ending)
        return;
    runner->is_ending = true;
    runner->ended = (struct runner_ended){
        .end = end, .usage = {.cpu_us = runner->fake->cpu_us, .memory_peak_bytes = 12345}};
    fake_backend_look(runner->fake);
}

static void fake_kill(struct backend *backend, struct runner *runner)
{
    fake_of(backend)->killed_total++;
    runner_of(runner)->was_killed = true;
    fake_end(runner_of(runner), RUNNER_END_KILLED);
}

static int fake_cpu(struct backend *backend, const struct runner *runner UNUSED,
                    uint64_t *ret_cpu_us)
{
    *ret_cpu_us = fake_of(backend)->cpu_us;
    return 0;
}

static int fake_usage(struct backend *backend, const struct runner *runner UNUSED,
                      struct runner_usage *ret_usage)
{
    *ret_usage =
        (struct runner_usage){.cpu_us = fake_of(backend)->cpu_us, .memory_peak_bytes = 12345};
    return 0;
}

static layer_set fake_layers(const struct backend *backend UNUSED)
{
    return 7;
}

static const char *fake_missing(const struct backend *backend UNUSED, enum layer layer)
{
    return LAYER_BIT(layer) & 7 ? NULL : "there is none here";
}

static void fake_free(struct backend *backend)
{
    struct fake_backend *fake = fake_of(backend);
    loop_hook_stop(&fake->hook);
    while (fake->runners) {
        fake->runners->is_ending = true;
        tell_end(fake, fake->runners);
    }
}

static const struct backend_ops ops = {
    .name = "fake",
    .start = fake_start,
    .kill = fake_kill,
    .cpu = fake_cpu,
    .usage = fake_usage,
    .layers = fake_layers,
    .missing = fake_missing,
    .free = fake_free,
};

void fake_backend_init(struct fake_backend *fake, struct loop *loop)
{
    *fake = (struct fake_backend){.backend = {.ops = &ops},
                                  .loop = loop,
                                  .behave = fake_behave_echo,
                                  .memory_max_bytes = 64 << 20};
    loop_hook_init(&fake->hook, on_hook, fake);
    log_init("test", LOG_LEVEL_ERROR);
}

void fake_backend_connect(struct fake_backend *fake, const struct backend_events *events)
{
    fake->events = *events;
}
