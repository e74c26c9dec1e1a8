#include "run.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "judge.h"
#include "log.h"
#include "run_internal.h"

enum {
    CHUNKS_A_TURN = 4,  /* then the loop's others have theirs */
    CHUNKS_AT_END = 12, /* what a dead runner can have left behind, and more */
    ATTEMPTS_MAX = 2,   /* a runner that dies before STARTED is replaced once */
    CPU_POLL_MIN_US = 10000,
    CPU_POLL_MAX_US = 100000,
    ENDING_WAIT_MS = 100,      /* between the end of the stream and our kill */
    ENDING_KILL_WAIT_MS = 200, /* and then until its end is told */
    START_TIMEOUT_MIN_US = 100000,
    /* A runner that watches its own time, as ours does, ends the program at the limit and says so,
     * with all that was printed. One that does not is killed so much later. */
    TIME_GRACE_US = JUDGE_TIME_GRACE_US,
};

enum step_result { STEP_AGAIN, STEP_WAIT };

/* ---- the runner of an attempt ---- */

static uint64_t since(uint64_t then_us)
{
    uint64_t now_us = clock_now_us();
    return then_us == 0 || now_us < then_us ? 0 : now_us - then_us;
}

/* The runner's own word on its processor time, as far as it can be true. */
static uint64_t claimed_cpu_us(const struct run *run)
{
    uint64_t wall_us = since(run->handed_us);
    uint64_t claimed_us = run->claim.cpu_us;
    claimed_us = claimed_us > run->cpu_before_us ? claimed_us - run->cpu_before_us : 0;
    return claimed_us < wall_us ? claimed_us : wall_us;
}

static int ask_usage(struct run *run, struct runner_usage *ret_usage)
{
    struct backend *backend = pool_backend(run->context->config.pool);
    if (run->runner_ended) {
        *ret_usage = run->ended.usage;
        return 0;
    }
    if (!run->runner)
        return -ESRCH;
    if (run->has_claim) /* which tells the memory */
        return backend->ops->cpu(backend, run->runner, &ret_usage->cpu_us);
    return backend->ops->usage(backend, run->runner, ret_usage);
}

/* What the runner has used since it was taken. The kernel brings a process's clock up to date only when
 * it stops running or at a tick, and has none for one that has just gone: then the runner's word counts
 * if it is more. A runner could only make its own program look busier. */
static void read_usage(struct run *run)
{
    struct runner_usage usage = {0};
    if (ask_usage(run, &usage) == 0) {
        usage.cpu_us = usage.cpu_us > run->cpu_before_us ? usage.cpu_us - run->cpu_before_us : 0;
        run->usage = usage;
    }
    if (run->has_claim) {
        uint64_t claimed_us = claimed_cpu_us(run);
        if (run->usage.cpu_us < claimed_us)
            run->usage.cpu_us = claimed_us;
    }
}

/* The runner's stream can be read until this returns, and the step of every state does so. */
static void on_runner_ended(void *context, const struct runner_ended *ended)
{
    struct run *run = context;
    assert(!run->in_turn);
    run->runner_ended = true;
    run->ended = *ended;
    run_advance(run);
}

static void drop_runner(struct run *run)
{
    struct pool *pool = run->context->config.pool;
    run_unwatch(run);
    if (run->runner && !run->runner_ended) {
        if (run->has_claim)
            pool_release(pool, run->runner);
        else
            pool_discard(pool, run->runner);
    }
    run->runner = NULL;
    loop_timer_stop(&run->wall_timer);
    loop_timer_stop(&run->tick_timer);
    loop_timer_stop(&run->resume_timer);
}

/* Whoever waits for the answer gives up soon after the deadline. */
static uint64_t start_timeout_us(const struct run *run)
{
    uint64_t timeout_us = (uint64_t)run->context->config.start_timeout_ms * 1000;
    uint64_t now_us = clock_now_us();
    uint64_t left_us = run->request.deadline_us > now_us ? run->request.deadline_us - now_us : 0;
    if (timeout_us > left_us)
        timeout_us = left_us;
    return timeout_us > START_TIMEOUT_MIN_US ? timeout_us : START_TIMEOUT_MIN_US;
}

static int take_nonce(struct run_context *context, uint64_t *ret_nonce)
{
    if (context->nonces_left == 0) {
        ssize_t count = getrandom(context->nonces, sizeof(context->nonces), 0);
        if (count != (ssize_t)sizeof(context->nonces))
            return -EIO;
        context->nonces_left = ARRAY_COUNT(context->nonces);
    }
    *ret_nonce = context->nonces[--context->nonces_left];
    return 0;
}

/* Takes a fresh runner and begins to send. 0, -EAGAIN or -ERANGE of the pool, or -errno. */
static int begin_attempt(struct run *run)
{
    struct run_context *context = run->context;
    struct frame_start start = run->request.start;
    int r = take_nonce(context, &run->nonce);
    if (r < 0)
        return r;
    start.nonce = run->nonce;
    r = pool_take(context->config.pool, start.limits.memory_bytes, on_runner_ended, run,
                  &run->runner);
    if (r < 0)
        return r;
    run->attempts++;
    run->stream_ended = run->runner_ended = run->tick_passed = run->send_failed = false;
    run->handed_us = 0;
    run->layers = run->runner->layers;
    frame_reader_done(&run->reader);
    frame_reader_init(&run->reader, run_on_frame, run);
    run->start_count = frame_encode_start(run->start_bytes, &start);
    run->sent_count = 0;
    run->cpu_before_us = run->runner->cpu_us;
    r = loop_timer_start_us(context->config.loop, &run->tick_timer, start_timeout_us(run));
    if (r < 0)
        return r;
    run_write(run);
    run_watch(run);
    return 0;
}

/* ---- the one end ---- */

static void finish(struct run *run, struct run_summary *summary)
{
    assert(run->state != RUN_FINISHED);
    run->state = RUN_FINISHED;
    summary->runner_died = run->runner_ended;
    summary->end = run->ended.end;
    drop_runner(run);
    if (run->is_over)
        return;
    run->sink.finished(run->sink.context, summary);
    run->is_over = true;
}

static void finish_not_started(struct run *run, enum run_outcome outcome)
{
    buffer_clear(&run->context->out);
    log_warn("run not started", LOG_STR("request_id", run->request.id),
             LOG_UINT("attempts", run->attempts),
             LOG_STR("why", outcome == RUN_TOO_LARGE ? "memory" : "no runner took it"));
    finish(run, &(struct run_summary){.outcome = outcome});
}

static struct frame_result make_result(const struct run *run, enum verdict verdict)
{
    const struct run_request *request = &run->request;
    const char *backend = run->context->config.backend;
    const char *pod = run->runner && run->runner->pod ? run->runner->pod : "";
    struct frame_result result = {
        .nonce = request->start.nonce,
        .verdict = verdict,
        .truncated = verdict == VERDICT_OUTPUT_LIMIT,
        .memory_peak_bytes = run->usage.memory_peak_bytes,
        .queue_us = run->handed_us > request->arrived_us ? run->handed_us - request->arrived_us : 0,
        .wall_us = since(run->handed_us),
        .cpu_us = run->usage.cpu_us,
        .layers = run->layers,
        .backend = {backend, (uint32_t)strlen(backend)},
        .pod = {pod, (uint32_t)strlen(pod)},
    };
    if (run->has_claim) {
        result.truncated = result.truncated || run->claim.truncated;
        result.steps = run->claim.steps;
        if (run->claim.memory_peak_bytes <= request->start.limits.memory_bytes)
            result.memory_peak_bytes = run->claim.memory_peak_bytes;
    }
    return result;
}

static int put_last_frames(struct run *run, const struct frame_result *result)
{
    struct run_context *context = run->context;
    if (!run->started) { /* the receiver sees every run begin */
        struct frame_started started = {.nonce = run->request.start.nonce};
        size_t count = frame_encode_started(context->encoded, &started);
        int r = buffer_append(&context->out, context->encoded, count);
        if (r < 0)
            return r;
    }
    size_t count = frame_encode_result(context->encoded, result);
    return buffer_append(&context->out, context->encoded, count);
}

static void finish_answered(struct run *run, enum verdict verdict)
{
    if (verdict == VERDICT_INTERNAL_ERROR) {
        run->has_claim = false;
        log_warn("run failed", LOG_STR("request_id", run->request.id), LOG_STR("why", run->fault));
    }
    struct frame_result result = make_result(run, verdict);
    if (put_last_frames(run, &result) < 0) {
        /* No memory to say it, so the receiver must see the stream cut, not ended. */
        run->sink.frames(run->sink.context, NULL, 0);
        run->is_over = true;
    }
    run_flush(run);
    finish(run, &(struct run_summary){.outcome = RUN_ANSWERED,
                                      .verdict = verdict,
                                      .wall_us = result.wall_us,
                                      .cpu_us = result.cpu_us});
}

static struct judge_facts facts_of(const struct run *run)
{
    return (struct judge_facts){.mode = run->request.start.mode,
                                .limits = run->request.start.limits,
                                .output_bytes = run->output_bytes,
                                .wall_us = since(run->handed_us),
                                .wall_sure_us = since(run->started_us),
                                .cpu_us = run->usage.cpu_us};
}

/* A RESULT, a refused frame or too much output ends the run; true if one of them has come. */
static bool finish_by_frames(struct run *run)
{
    if (!run->fault && !run->output_passed && !run->has_claim)
        return false;
    read_usage(run);
    enum verdict verdict = VERDICT_INTERNAL_ERROR;
    if (run->output_passed) {
        verdict = VERDICT_OUTPUT_LIMIT;
    } else if (run->has_claim) {
        struct judge_facts facts = facts_of(run);
        verdict = judge_claim(&facts, &run->claim, &run->fault);
    }
    finish_answered(run, verdict);
    return true;
}

static void finish_by_end(struct run *run)
{
    read_usage(run);
    struct judge_facts facts = facts_of(run);
    finish_answered(run, judge_end(&facts, run->ended.end, &run->fault));
}

static void finish_by_time(struct run *run)
{
    read_usage(run);
    finish_answered(run, VERDICT_TIME_LIMIT);
}

/* ---- steps: one for each state ---- */

static bool may_try_another(const struct run *run)
{
    uint64_t wall_us = (uint64_t)run->request.start.limits.wall_ms * 1000;
    return run->attempts == 0 ||
           (run->attempts < ATTEMPTS_MAX && clock_now_us() + wall_us <= run->request.deadline_us);
}

/* The wall limit counts from STARTED: how long a busy machine takes to get there is not the
 * program's. The deadline holds all the same. */
static enum step_result enter_running(struct run *run)
{
    struct loop *loop = run->context->config.loop;
    const struct frame_limits *limits = &run->request.start.limits;
    run->started_us = clock_now_us();
    run->state = RUN_RUNNING;
    run->tick_passed = false;
    uint64_t wall_us = (uint64_t)limits->wall_ms * 1000;
    uint64_t deadline_us = run->request.deadline_us;
    uint64_t left_us = deadline_us > run->started_us ? deadline_us - run->started_us : 0;
    uint64_t cpu_us = (uint64_t)limits->cpu_ms * 1000;
    if (loop_timer_start_us(loop, &run->wall_timer,
                            (wall_us < left_us ? wall_us : left_us) + TIME_GRACE_US) < 0 ||
        loop_timer_start_us(loop, &run->tick_timer,
                            cpu_us < CPU_POLL_MAX_US ? cpu_us : CPU_POLL_MAX_US) < 0)
        run->fault = "no memory for a timer";
    return STEP_AGAIN;
}

static void send_more(struct run *run)
{
    if (!run_has_to_send(run))
        return;
    run_write(run);
    if (!run_has_to_send(run) && run->watch)
        run_watch(run);
}

/* A runner says STARTED together with what comes first, so that one that had the whole program and
 * was ended by the kernel for what it did has run. */
static bool was_ended_for_its_program(const struct run *run)
{
    if (!run->runner_ended || !run_source_is_sent(run))
        return false;
    enum runner_end end = run->ended.end;
    return end == RUNNER_END_SIGSYS || end == RUNNER_END_OOM || end == RUNNER_END_CPU;
}

static enum step_result step_starting(struct run *run)
{
    if (run->runner) {
        send_more(run);
        run_read(run, CHUNKS_A_TURN);
        if (run->started)
            return enter_running(run);
        if (finish_by_frames(run))
            return STEP_WAIT;
        if (was_ended_for_its_program(run)) {
            finish_by_end(run);
            return STEP_WAIT;
        }
        /* The end of its stream comes a little before the word of how it ended. */
        bool may_be_told = run_source_is_sent(run) && !run->send_failed;
        if (!run->runner_ended && !run->tick_passed && (!run->stream_ended || may_be_told)) {
            if (run->stream_ended)
                run_unwatch(run);
            return STEP_WAIT;
        }
        /* Twice is no accident: it is the program that ends its runners, so it has run. */
        if (may_be_told && run->runner_ended && run->attempts == ATTEMPTS_MAX) {
            finish_by_end(run);
            return STEP_WAIT;
        }
        drop_runner(run);
    }
    int r = may_try_another(run) ? begin_attempt(run) : -EAGAIN;
    if (r < 0) {
        finish_not_started(run, r == -ERANGE ? RUN_TOO_LARGE : RUN_NOT_STARTED);
        return STEP_WAIT;
    }
    return run->stream_ended ? STEP_AGAIN : STEP_WAIT;
}

/* One thread cannot use up what is left of its cpu limit in less time than that. */
static bool is_cpu_spent(struct run *run)
{
    run->tick_passed = false;
    read_usage(run);
    uint64_t limit_us = (uint64_t)run->request.start.limits.cpu_ms * 1000 + TIME_GRACE_US;
    if (run->usage.cpu_us >= limit_us)
        return true;
    uint64_t next_us = limit_us - run->usage.cpu_us;
    if (next_us > CPU_POLL_MAX_US)
        next_us = CPU_POLL_MAX_US;
    if (next_us < CPU_POLL_MIN_US)
        next_us = CPU_POLL_MIN_US;
    if (loop_timer_start_us(run->context->config.loop, &run->tick_timer, next_us) < 0)
        run->fault = "no memory for a timer";
    return false;
}

static enum step_result enter_ending(struct run *run)
{
    run_unwatch(run);
    loop_timer_stop(&run->wall_timer);
    run->state = RUN_ENDING;
    run->tick_passed = false;
    if (loop_timer_start_ms(run->context->config.loop, &run->tick_timer, ENDING_WAIT_MS) < 0)
        run->tick_passed = true;
    return STEP_AGAIN;
}

static enum step_result step_running(struct run *run)
{
    bool is_last = run->runner_ended || run->wall_passed;
    send_more(run);
    if (!run->paused || is_last)
        run_read(run, is_last ? CHUNKS_AT_END : CHUNKS_A_TURN);
    if (run->is_over || finish_by_frames(run))
        return STEP_WAIT;
    if (run->runner_ended) {
        finish_by_end(run);
        return STEP_WAIT;
    }
    if (run->wall_passed || (run->tick_passed && is_cpu_spent(run))) {
        finish_by_time(run);
        return STEP_WAIT;
    }
    if (!run_flush(run))
        return STEP_WAIT;
    if (run->stream_ended)
        return enter_ending(run);
    run_pause_or_watch(run);
    return run->fault ? STEP_AGAIN : STEP_WAIT;
}

static enum step_result step_ending(struct run *run)
{
    struct run_context *context = run->context;
    struct backend *backend = pool_backend(context->config.pool);
    if (run->runner_ended) {
        finish_by_end(run);
        return STEP_WAIT;
    }
    if (!run->tick_passed)
        return STEP_WAIT;
    run->tick_passed = false;
    if (!run->killed &&
        loop_timer_start_ms(context->config.loop, &run->tick_timer, ENDING_KILL_WAIT_MS) == 0) {
        run->killed = true;
        backend->ops->kill(backend, run->runner);
        return STEP_WAIT;
    }
    run->fault = "the runner's end was not told";
    read_usage(run);
    finish_answered(run, VERDICT_INTERNAL_ERROR);
    return STEP_WAIT;
}

static enum step_result step_finished(struct run *run UNUSED)
{
    return STEP_WAIT;
}

static enum step_result (*const steps[])(struct run *run) = {
#define RUN_STATE(name, text) [RUN_##name] = step_##text,
#include "run_state.def"
#undef RUN_STATE
};

static void run_free(struct run *run)
{
    drop_runner(run);
    frame_reader_done(&run->reader);
    free(run);
}

void run_advance(struct run *run)
{
    assert(!run->in_turn);
    run->in_turn = true;
    while (!run->is_over && steps[run->state](run) == STEP_AGAIN)
        ;
    run->in_turn = false;
    if (run->is_over)
        run_free(run);
}

/* ---- events ---- */

static void on_wall(void *context)
{
    struct run *run = context;
    run->wall_passed = true;
    run_advance(run);
}

static void on_tick(void *context)
{
    struct run *run = context;
    run->tick_passed = true;
    run_advance(run);
}

static void on_resume(void *context)
{
    run_advance(context);
}

/* ---- for the daemon ---- */

int run_context_create(const struct run_config *config, struct run_context **ret_context)
{
    struct run_context *context = calloc(1, sizeof(*context));
    if (!context)
        return -ENOMEM;
    context->config = *config;
    buffer_init(&context->out, RUN_OUT_BYTES_MAX);
    *ret_context = context;
    return 0;
}

void run_context_free(struct run_context *context)
{
    if (!context)
        return;
    buffer_done(&context->out);
    free(context);
}

int run_start(struct run_context *context, const struct run_request *request,
              const struct run_sink *sink, struct run **ret_run)
{
    struct run *run = calloc(1, sizeof(*run));
    if (!run)
        return -ENOMEM;
    run->context = context;
    run->request = *request;
    run->sink = *sink;
    frame_reader_init(&run->reader, run_on_frame, run);
    loop_timer_init(&run->wall_timer, on_wall, run);
    loop_timer_init(&run->tick_timer, on_tick, run);
    loop_timer_init(&run->resume_timer, on_resume, run);
    *ret_run = run;
    run_advance(run);
    return 0;
}

void run_cancel(struct run *run)
{
    run->is_over = true;
    if (!run->in_turn)
        run_free(run);
}
