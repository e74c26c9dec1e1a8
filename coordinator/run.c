#include "run.h"

#include <assert.h>
#include <string.h>

#include "clock.h"
#include "log.h"

enum {
    ATTEMPTS_MAX = 2,
    /* How long after its deadline an executor may still tell: the promise to the client is 500 ms. */
    GRACE_MS = 300,
};

enum step_result { STEP_AGAIN, STEP_WAIT, STEP_FINISHED };

static void run_advance(struct run *run);

/* ---- what an executor says ---- */

static int on_started(void *context)
{
    struct run *run = context;
    run->has_started = true;
    run_advance(run);
    return run->config.events.started(run->config.events.context);
}

static int on_output(void *context, const char *bytes, size_t count)
{
    struct run *run = context;
    return run->config.events.output(run->config.events.context, bytes, count);
}

static int on_diagnostic(void *context, const struct frame_diagnostic *diagnostic)
{
    struct run *run = context;
    return run->config.events.diagnostic(run->config.events.context, diagnostic);
}

static int on_result(void *context, const struct frame_result *result)
{
    struct run *run = context;
    struct frame_result with_wait = *result;
    with_wait.queue_us += run_waited_us(run);
    return run->config.events.result(run->config.events.context, &with_wait);
}

static void on_call_end(void *context, enum call_end end)
{
    struct run *run = context;
    run->call = NULL;
    run->has_ended = true;
    run->call_end = end;
    run_advance(run);
}

static void on_wait_over(void *context)
{
    struct run *run = context;
    run->is_late = true;
    run_advance(run);
}

/* ---- steps ---- */

static enum step_result finish(struct run *run, enum run_end end)
{
    run->state = RUN_OVER;
    loop_timer_stop(&run->timer);
    run->config.events.end(run->config.events.context, end);
    return STEP_FINISHED; /* the run may be gone */
}

static void let_go(struct run *run, enum executor_outcome outcome)
{
    if (run->executor)
        dispatcher_release(run->config.dispatcher, TAKE(run->executor), outcome);
}

/* Asks the executor; -ETIME when there is no time left to run anything. */
static int ask(struct run *run, struct executor *executor)
{
    const struct dispatcher_config *dispatcher = dispatcher_config(run->config.dispatcher);
    run->executor = executor;
    run->attempts++;
    run->asked_us = clock_now_us();
    loop_timer_stop(&run->timer);
    if (run->asked_us + 1000 > run->config.deadline_us)
        return -ETIME;
    uint64_t left_ms = (run->config.deadline_us - run->asked_us) / 1000;
    struct frame_limits limits = run->config.limits;
    if (limits.wall_ms > left_ms)
        limits.wall_ms = (uint32_t)left_ms;
    const struct call_config call = {
        .client = dispatcher->client,
        .secret = dispatcher->secret,
        .executor = executor,
        .id = run->config.id,
        .mode = run->config.mode,
        .limits = &limits,
        .source = run->config.source,
        .input = run->config.input,
        .deadline_ms = (uint32_t)left_ms,
        .grace_ms = GRACE_MS,
        .events = {run, on_started, on_output, on_diagnostic, on_result, on_call_end},
    };
    return executor_call_start(&call, &run->call);
}

static enum step_result step_idle(struct run *run)
{
    (void)run;
    return STEP_WAIT;
}

static enum step_result step_waiting(struct run *run)
{
    if (run->offered) {
        run->state = RUN_CALLING;
        int r = ask(run, TAKE(run->offered));
        if (r == 0)
            return STEP_WAIT;
        let_go(run, EXECUTOR_NO_WORD);
        return finish(run, r == -ETIME ? RUN_END_LATE : RUN_END_FAILED);
    }
    if (run->is_late) {
        dispatcher_withdraw(run->config.dispatcher, run);
        return finish(run, RUN_END_BUSY);
    }
    return STEP_WAIT;
}

static int wait_for_place(struct run *run)
{
    const struct dispatcher_config *dispatcher = dispatcher_config(run->config.dispatcher);
    uint64_t now_us = clock_now_us();
    uint64_t until_us = run->submitted_us + run->config.wait_max_us;
    return loop_timer_start_us(dispatcher->loop, &run->timer,
                               until_us > now_us ? until_us - now_us : 0);
}

/* Once more, elsewhere where there is an elsewhere: nothing has started. */
static enum step_result retry(struct run *run, enum run_end otherwise)
{
    struct executor *failed = run->executor;
    let_go(run, otherwise == RUN_END_UNREACHABLE ? EXECUTOR_UNREACHABLE : EXECUTOR_REFUSED);
    if (run->attempts >= ATTEMPTS_MAX)
        return finish(run, otherwise);
    struct executor *executor = NULL;
    if (dispatcher_resubmit(run->config.dispatcher, run, failed, &executor) < 0)
        return finish(run, otherwise);
    run->state = RUN_WAITING;
    run->offered = executor;
    if (executor)
        return STEP_AGAIN;
    if (wait_for_place(run) < 0) {
        dispatcher_withdraw(run->config.dispatcher, run);
        return finish(run, RUN_END_FAILED);
    }
    return STEP_WAIT;
}

static void log_lost(const struct run *run)
{
    static const char *const reasons[] = {
        [CALL_DONE] = "none",
        [CALL_UNREACHABLE] = "unreachable",
        [CALL_REFUSED] = "refused",
        [CALL_LOST] = "connection lost",
        [CALL_LATE] = "no word in time",
        [CALL_BROKEN] = "not to be believed",
        [CALL_STOPPED] = "stopped",
    };
    log_warn("run lost", LOG_STR("id", run->config.id), LOG_STR("executor", run->executor->name),
             LOG_STR("reason", reasons[run->call_end]));
}

/* After what may have started: told to the client, never tried again. */
static enum step_result finish_started(struct run *run)
{
    if (run->call_end != CALL_DONE && run->call_end != CALL_STOPPED)
        log_lost(run);
    switch (run->call_end) {
    case CALL_DONE:
        let_go(run, EXECUTOR_WORKED);
        return finish(run, RUN_END_RESULT);
    case CALL_LOST:
        let_go(run, EXECUTOR_UNREACHABLE);
        return finish(run, RUN_END_LOST);
    case CALL_LATE:
        let_go(run, EXECUTOR_UNREACHABLE);
        return finish(run, run->has_started ? RUN_END_LOST : RUN_END_LATE);
    case CALL_BROKEN:
    case CALL_UNREACHABLE: /* after STARTED: not what an honest HTTP client can see */
    case CALL_REFUSED:
        let_go(run, EXECUTOR_FAILED);
        return finish(run, RUN_END_LOST);
    case CALL_STOPPED:
        break;
    }
    let_go(run, EXECUTOR_NO_WORD);
    return finish(run, RUN_END_STOPPED);
}

static enum step_result step_calling(struct run *run)
{
    if (run->has_ended) {
        run->has_ended = false;
        if (run->call_end == CALL_UNREACHABLE)
            return retry(run, RUN_END_UNREACHABLE);
        if (run->call_end == CALL_REFUSED)
            return retry(run, RUN_END_BUSY);
        return finish_started(run);
    }
    if (run->has_started) {
        run->state = RUN_RUNNING;
        return STEP_AGAIN;
    }
    return STEP_WAIT;
}

static enum step_result step_running(struct run *run)
{
    return run->has_ended ? finish_started(run) : STEP_WAIT;
}

static enum step_result step_over(struct run *run)
{
    (void)run;
    return STEP_FINISHED;
}

static void run_advance(struct run *run)
{
    static enum step_result (*const steps[RUN_STATE_COUNT])(struct run *) = {
#define STATE(name, text) [RUN_##name] = step_##text,
#include "run_state.def"
#undef STATE
    };
    enum step_result result;
    do {
        result = steps[run->state](run);
    } while (result == STEP_AGAIN);
}

/* ---- for the owner and the dispatcher ---- */

void run_offer(struct run *run, struct executor *executor)
{
    assert(run->state == RUN_WAITING);
    run->offered = executor;
    run_advance(run);
}

int run_submit(struct run *run, const struct run_config *config)
{
    *run = (struct run){.config = *config, .entry = {.owner = run}};
    loop_timer_init(&run->timer, on_wait_over, run);
    run->submitted_us = run->asked_us = clock_now_us();

    struct executor *executor = NULL;
    int r = dispatcher_submit(config->dispatcher, run, config->is_more, &executor);
    if (r == 0 && executor) {
        run->state = RUN_CALLING;
        r = ask(run, executor);
    } else if (r == 0) {
        run->state = RUN_WAITING;
        r = wait_for_place(run);
    }
    if (r < 0)
        run_cancel(run);
    return r;
}

void run_cancel(struct run *run)
{
    if (run->state == RUN_OVER || !run->config.dispatcher)
        return;
    run->state = RUN_OVER;
    loop_timer_stop(&run->timer);
    dispatcher_withdraw(run->config.dispatcher, run);
    executor_call_cancel(TAKE(run->call));
    let_go(run, EXECUTOR_NO_WORD);
}

uint64_t run_waited_us(const struct run *run)
{
    return run->asked_us - run->submitted_us;
}
