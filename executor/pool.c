#include "pool.h"

#include <assert.h>

#include "log.h"

enum { REFILL_DELAY_US = 1000 };

enum member_state {
    MEMBER_FREE,
    MEMBER_IDLE,
    MEMBER_IN_USE,
    MEMBER_LINGERING, /* should end by itself; not yet killed */
    MEMBER_ENDING,    /* killed */
};

struct member {
    enum member_state state;
    struct runner *runner; /* borrowed from the backend */
    pool_ended_fn ended;
    void *context;
    bool was_seen;       /* LINGERING at the last sweep already */
    struct member *next; /* in the list of its state: idle or free */
};

struct pool {
    struct pool_config config;
    struct backend *backend; /* owned */
    struct member *members;  /* owned; members_max of them */
    unsigned members_max;
    struct member *free;
    struct member *idle_first; /* oldest, taken first */
    struct member *idle_last;
    struct pool_counts counts;
    uint64_t started_total;
    struct loop_hook refill_hook;
    struct loop_timer refill_timer;
    struct loop_timer retry_timer;
    struct loop_timer linger_timer;
    unsigned lingering_count;
    unsigned retry_ms; /* next wait; 0: no failure since the pool was last full */
    unsigned batch;    /* starts at a time while recovering */
    bool stopped;
};

static bool is_low(const struct pool *pool)
{
    return pool->counts.idle + pool->counts.starting <= pool->config.warm / 2;
}

static bool may_refill(const struct pool *pool)
{
    return pool->backend && !pool->stopped && !pool->retry_timer.loop && !pool->refill_hook.loop;
}

static void refill_soon(struct pool *pool)
{
    if (may_refill(pool))
        loop_hook_start(pool->config.loop, &pool->refill_hook);
}

/* While enough are left, the few that are missing are asked for together a moment later, not while a
 * client waits for the answer that has just been made. */
static void refill_later(struct pool *pool)
{
    unsigned coming = pool->counts.idle + pool->counts.starting;
    if (coming >= pool->config.warm || !may_refill(pool) || pool->refill_timer.loop)
        return;
    if (is_low(pool) ||
        loop_timer_start_us(pool->config.loop, &pool->refill_timer, REFILL_DELAY_US) < 0)
        loop_hook_start(pool->config.loop, &pool->refill_hook);
}

static void stop_refill(struct pool *pool)
{
    loop_hook_stop(&pool->refill_hook);
    loop_timer_stop(&pool->refill_timer);
}

static void hold_back(struct pool *pool, const char *reason)
{
    pool->config.failed(pool->config.context, reason);
    pool->batch = 1;
    if (pool->retry_timer.loop)
        return; /* one wait for all that fail at the same time */
    stop_refill(pool);
    pool->retry_ms = pool->retry_ms == 0 ? pool->config.retry_min_ms : pool->retry_ms * 2;
    if (pool->retry_ms > pool->config.retry_max_ms)
        pool->retry_ms = pool->config.retry_max_ms;
    log_warn("runner failed to start", LOG_STR("reason", reason),
             LOG_UINT("retry_ms", pool->retry_ms));
    if (loop_timer_start_ms(pool->config.loop, &pool->retry_timer, pool->retry_ms) < 0)
        log_error("no timer to start runners again");
}

static unsigned count_all(const struct pool_counts *counts)
{
    return counts->idle + counts->starting + counts->in_use + counts->ending;
}

/* As many of `wanted` as the backend has room for. */
static int start_some(struct pool *pool, unsigned wanted)
{
    int r = -EBUSY;
    for (; wanted > 0 && r == -EBUSY; wanted /= 2) {
        pool->counts.starting += wanted;
        r = pool->backend->ops->start(pool->backend, wanted);
        if (r < 0)
            pool->counts.starting -= wanted;
    }
    return r;
}

static void refill(void *context)
{
    struct pool *pool = context;
    struct pool_counts *counts = &pool->counts;
    unsigned coming = counts->idle + counts->starting;
    if (pool->stopped || coming >= pool->config.warm)
        return;
    unsigned wanted = pool->config.warm - coming;
    unsigned room = pool->members_max - count_all(counts);
    if (wanted > room)
        wanted = room;
    if (pool->retry_ms > 0 && wanted > pool->batch)
        wanted = pool->batch > counts->starting ? pool->batch - counts->starting : 0;
    int r = wanted > 0 ? start_some(pool, wanted) : 0;
    if (r < 0 && r != -EBUSY) /* busy: the next one that ends makes room, and we are called again */
        hold_back(pool, "refused");
}

static struct member *pop_free(struct pool *pool)
{
    struct member *member = pool->free;
    if (member)
        pool->free = member->next;
    return member;
}

static void push_free(struct pool *pool, struct member *member)
{
    *member = (struct member){.state = MEMBER_FREE, .next = pool->free};
    pool->free = member;
}

static void push_idle(struct pool *pool, struct member *member)
{
    member->next = NULL;
    if (pool->idle_last)
        pool->idle_last->next = member;
    else
        pool->idle_first = member;
    pool->idle_last = member;
}

static struct member *pop_idle(struct pool *pool)
{
    struct member *member = pool->idle_first;
    pool->idle_first = member->next;
    if (!pool->idle_first)
        pool->idle_last = NULL;
    member->next = NULL;
    return member;
}

static void remove_idle(struct pool *pool, struct member *member)
{
    struct member *previous = NULL;
    for (struct member *m = pool->idle_first; m != member; m = m->next) {
        assert(m);
        previous = m;
    }
    if (previous)
        previous->next = member->next;
    else
        pool->idle_first = member->next;
    if (pool->idle_last == member)
        pool->idle_last = previous;
}

/* ---- what the backend tells ---- */

static void on_ready(void *context, struct runner *runner)
{
    struct pool *pool = context;
    if (pool->counts.starting > 0)
        pool->counts.starting--;
    struct member *member = pop_free(pool);
    if (!member) { /* more than was asked for: not counted, not kept */
        runner->owner = NULL;
        pool->backend->ops->kill(pool->backend, runner);
        return;
    }
    member->state = MEMBER_IDLE;
    member->runner = runner;
    runner->owner = member;
    push_idle(pool, member);
    pool->counts.idle++;
    pool->started_total++;
    if (pool->batch < pool->config.warm)
        pool->batch *= 2;
    else
        pool->retry_ms = 0;
    refill_later(pool);
    pool->config.available(pool->config.context);
}

static void on_failed(void *context, const char *reason)
{
    struct pool *pool = context;
    if (pool->counts.starting > 0)
        pool->counts.starting--;
    hold_back(pool, reason);
}

static void on_ended(void *context, struct runner *runner, const struct runner_ended *ended)
{
    struct pool *pool = context;
    struct member *member = runner->owner;
    if (!member)
        return;
    enum member_state state = member->state;
    pool_ended_fn tell = member->ended;
    void *tell_context = member->context;
    runner->owner = NULL;
    if (state == MEMBER_IDLE) {
        remove_idle(pool, member);
        pool->counts.idle--;
    } else if (state == MEMBER_IN_USE) {
        pool->counts.in_use--;
    } else {
        assert(state == MEMBER_ENDING || state == MEMBER_LINGERING);
        pool->lingering_count -= state == MEMBER_LINGERING;
        pool->counts.ending--;
    }
    push_free(pool, member);
    if (state == MEMBER_IN_USE)
        tell(tell_context, ended);
    if (state == MEMBER_IDLE && !pool->stopped)
        hold_back(pool, "died_idle");
    refill_later(pool);
}

static void on_retry(void *context)
{
    refill(context);
}

/* Kills who was lingering at the last sweep already. */
static void on_linger(void *context)
{
    struct pool *pool = context;
    for (unsigned i = 0; i < pool->members_max && pool->lingering_count > 0; i++) {
        struct member *member = &pool->members[i];
        if (member->state != MEMBER_LINGERING)
            continue;
        if (!member->was_seen) {
            member->was_seen = true;
            continue;
        }
        member->state = MEMBER_ENDING;
        pool->lingering_count--;
        pool->backend->ops->kill(pool->backend, member->runner);
    }
    if (pool->lingering_count > 0 &&
        loop_timer_start_ms(pool->config.loop, &pool->linger_timer, POOL_LINGER_MS) < 0)
        log_error("no timer to end runners");
}

/* ---- what the daemon asks ---- */

unsigned pool_runners_max(const struct pool_config *config)
{
    return 2 * config->warm + config->in_use_max; /* as many as are warm may still be ending */
}

int pool_create(const struct pool_config *config, struct pool **ret_pool)
{
    assert(config->warm > 0);
    struct pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return -ENOMEM;
    pool->config = *config;
    pool->members_max = pool_runners_max(config);
    pool->members = calloc(pool->members_max, sizeof(*pool->members));
    if (!pool->members) {
        free(pool);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < pool->members_max; i++)
        push_free(pool, &pool->members[i]);
    pool->batch = config->warm;
    loop_hook_init(&pool->refill_hook, refill, pool);
    loop_timer_init(&pool->refill_timer, refill, pool);
    loop_timer_init(&pool->retry_timer, on_retry, pool);
    loop_timer_init(&pool->linger_timer, on_linger, pool);
    *ret_pool = pool;
    return 0;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pool_stop_refill(pool);
    loop_timer_stop(&pool->linger_timer);
    if (pool->backend)
        pool->backend->ops->free(pool->backend);
    free(pool->members);
    free(pool);
}

struct backend_events pool_backend_events(struct pool *pool)
{
    return (struct backend_events){
        .context = pool, .ready = on_ready, .failed = on_failed, .ended = on_ended};
}

void pool_use(struct pool *pool, struct backend *backend)
{
    assert(!pool->backend);
    pool->backend = backend;
    refill_later(pool);
}

void pool_backend_lost(void *pool)
{
    const struct pool_config *config = &((struct pool *)pool)->config;
    pool_stop_refill(pool);
    if (config->lost)
        config->lost(config->context);
}

struct backend *pool_backend(const struct pool *pool)
{
    return pool->backend;
}

int pool_take(struct pool *pool, uint64_t memory_bytes, pool_ended_fn ended, void *context,
              struct runner **ret_runner)
{
    if (pool->counts.idle == 0)
        return -EAGAIN;
    if (pool->idle_first->runner->memory_max_bytes < memory_bytes)
        return -ERANGE; /* all runners of one backend are of one size */
    struct member *member = pop_idle(pool);
    member->state = MEMBER_IN_USE;
    member->ended = ended;
    member->context = context;
    pool->counts.idle--;
    pool->counts.in_use++;
    if (is_low(pool))
        refill_soon(pool);
    *ret_runner = member->runner;
    return 0;
}

static struct member *give_back(struct pool *pool, const struct runner *runner)
{
    struct member *member = runner->owner;
    assert(member);
    assert(member->state == MEMBER_IN_USE);
    pool->counts.in_use--;
    pool->counts.ending++;
    refill_later(pool);
    return member;
}

void pool_discard(struct pool *pool, struct runner *runner)
{
    give_back(pool, runner)->state = MEMBER_ENDING;
    pool->backend->ops->kill(pool->backend, runner);
}

void pool_release(struct pool *pool, struct runner *runner)
{
    struct member *member = give_back(pool, runner);
    member->state = MEMBER_LINGERING;
    member->was_seen = false;
    pool->lingering_count++;
    if (!pool->linger_timer.loop &&
        loop_timer_start_ms(pool->config.loop, &pool->linger_timer, POOL_LINGER_MS) < 0)
        on_linger(pool); /* no timer, no patience: the next one finds them */
}

struct pool_counts pool_count(const struct pool *pool)
{
    return pool->counts;
}

uint64_t pool_started_total(const struct pool *pool)
{
    return pool->started_total;
}

void pool_stop_refill(struct pool *pool)
{
    pool->stopped = true;
    stop_refill(pool);
    loop_timer_stop(&pool->retry_timer);
}
