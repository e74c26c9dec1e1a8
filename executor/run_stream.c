#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "run_internal.h"

enum {
    OUT_FLUSH_BYTES = 131072,
    RESUME_MS = 2, /* how often a receiver that was too slow is looked at again */
};

static void on_stream(void *context, uint32_t events UNUSED)
{
    run_advance(context); /* the step finds out by itself what can be done */
}

bool run_flush(struct run *run)
{
    struct buffer *out = &run->context->out;
    size_t count = buffer_count(out);
    if (run->is_over) {
        buffer_clear(out);
        return false;
    }
    if (count == 0)
        return true;
    int r = run->sink.frames(run->sink.context, buffer_data(out), count);
    buffer_clear(out);
    if (r < 0)
        run->is_over = true;
    return !run->is_over;
}

void run_unwatch(struct run *run)
{
    loop_unwatch(run->watch);
    run->watch = NULL;
}

bool run_has_to_send(const struct run *run)
{
    return !run->send_failed && run->sent_count < run->start_count + run->request.program_bytes;
}

bool run_source_is_sent(const struct run *run)
{
    return run->sent_count >= run->start_count + run->request.source_frames_bytes;
}

void run_watch(struct run *run)
{
    uint32_t events = EPOLLIN | EPOLLRDHUP | (run_has_to_send(run) ? (uint32_t)EPOLLOUT : 0);
    int r = run->watch ? loop_watch_change(run->watch, events)
                       : loop_watch(run->context->config.loop, run->runner->fd, events, on_stream,
                                    run, &run->watch);
    if (r < 0) {
        run->stream_ended = true;
        run->fault = "no memory to watch the runner";
    }
}

/* Names the unsent rest in up to two parts; their count. */
static size_t unsent_parts(struct run *run, struct iovec parts[2])
{
    size_t count = 0;
    size_t sent = run->sent_count;
    if (sent < run->start_count) {
        parts[count++] = (struct iovec){run->start_bytes + sent, run->start_count - sent};
        sent = run->start_count;
    }
    size_t at = sent - run->start_count;
    if (at < run->request.program_bytes) /* an iovec is not const, but sendmsg() only reads it */
        parts[count++] = (struct iovec){(void *)((uintptr_t)run->request.program + at),
                                        run->request.program_bytes - at};
    return count;
}

void run_write(struct run *run)
{
    while (run_has_to_send(run)) {
        struct iovec parts[2];
        struct msghdr message = {.msg_iov = parts};
        message.msg_iovlen = unsent_parts(run, parts);
        uint64_t before_us = clock_now_us(); /* it may have run for long when we go on */
        ssize_t written = sendmsg(run->runner->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            run->send_failed = errno != EAGAIN;
            return;
        }
        run->sent_count += (size_t)written;
        if (run->handed_us == 0 && run_source_is_sent(run))
            run->handed_us = before_us;
    }
}

void run_read(struct run *run, unsigned chunks_max)
{
    struct run_context *context = run->context;
    while (chunks_max-- > 0 && run->runner && !run->stop_reading && !run->stream_ended) {
        ssize_t count = recv(run->runner->fd, context->chunk, RUN_CHUNK_BYTES, MSG_DONTWAIT);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        if (count <= 0) {
            run->stream_ended = true; /* half a frame may be left: it died while it wrote */
            return;
        }
        int r = frame_reader_feed(&run->reader, context->chunk, (size_t)count);
        if (r < 0) {
            run->stop_reading = true;
            if (!run->fault && r != -ECANCELED)
                run->fault = r == -EBADMSG ? "a malformed frame" : "no memory for a frame";
            return;
        }
        if ((size_t)count < RUN_CHUNK_BYTES)
            return; /* dry; level-triggered, so that what comes now is told */
        if (buffer_count(&context->out) >= OUT_FLUSH_BYTES && !run_flush(run))
            return;
    }
}

/* A receiver that does not keep up stops its runner: the stream is not read until it has. */
void run_pause_or_watch(struct run *run)
{
    if (run->sink.pending(run->sink.context) >= run->context->config.pause_bytes) {
        run_unwatch(run); /* a stream that hung up would be told again and again */
        run->paused = true;
        if (loop_timer_start_ms(run->context->config.loop, &run->resume_timer, RESUME_MS) < 0)
            run->fault = "no memory for a timer";
        return;
    }
    run->paused = false;
    if (!run->watch && !run->stream_ended)
        run_watch(run);
}
