#include "world.h"

#include <check.h>
#include <dirent.h>

#include "clock.h"

enum { DEADLINE_MS = 10000, POLL_US = 500 };

static void on_deadline(void *context UNUSED)
{
    ck_abort_msg("nothing happened in time");
}

static void on_poll(void *context)
{
    struct world *world = context;
    if (world->is_done(world->context))
        loop_stop(world->loop);
    else
        ck_assert_int_eq(loop_timer_start_us(world->loop, &world->poll, POLL_US), 0);
}

void world_run_until(struct world *world, bool (*is_done)(void *context), void *context)
{
    world->is_done = is_done;
    world->context = context;
    ck_assert_int_eq(loop_timer_start_ms(world->loop, &world->deadline, DEADLINE_MS), 0);
    ck_assert_int_eq(loop_timer_start_us(world->loop, &world->poll, 0), 0);
    ck_assert_int_eq(loop_run(world->loop), 0);
    loop_timer_stop(&world->deadline);
    loop_timer_stop(&world->poll);
}

static bool is_warm(void *context)
{
    const struct world *world = context;
    return pool_count(world->pool).idle == WORLD_WARM;
}

static bool is_reaped(void *context)
{
    const struct world *world = context;
    struct pool_counts counts = pool_count(world->pool);
    return counts.idle == WORLD_WARM && counts.in_use + counts.ending + counts.starting == 0;
}

void world_run_until_warm(struct world *world)
{
    world_run_until(world, is_warm, world);
}

void world_run_until_reaped(struct world *world)
{
    world_run_until(world, is_reaped, world);
}

static bool is_past(void *context)
{
    return clock_now_us() >= *(const uint64_t *)context;
}

void world_run_ms(struct world *world, unsigned duration_ms)
{
    uint64_t end_us = clock_now_us() + 1000 * (uint64_t)duration_ms;
    world_run_until(world, is_past, &end_us);
}

static void on_available(void *context)
{
    struct world *world = context;
    world->available_count++;
}

static void on_failed(void *context, const char *reason)
{
    struct world *world = context;
    world->failed_count++;
    world->failed_reason = reason;
}

static void on_lost(void *context)
{
    struct world *world = context;
    world->lost_count++;
}

void world_borrow(struct world *world, struct loop *loop)
{
    *world = (struct world){.loop = loop};
    loop_timer_init(&world->deadline, on_deadline, world);
    loop_timer_init(&world->poll, on_poll, world);
}

void world_open(struct world *world)
{
    struct loop *loop = NULL;
    ck_assert_int_eq(loop_create(&loop), 0);
    world_borrow(world, loop);
    fake_backend_init(&world->fake, world->loop);
    const struct pool_config config = {
        .loop = world->loop,
        .warm = WORLD_WARM,
        .in_use_max = WORLD_IN_USE,
        .retry_min_ms = 5,
        .retry_max_ms = 40,
        .context = world,
        .available = on_available,
        .failed = on_failed,
        .lost = on_lost,
    };
    ck_assert_int_eq(pool_create(&config, &world->pool), 0);
    const struct backend_events events = pool_backend_events(world->pool);
    fake_backend_connect(&world->fake, &events);
}

void world_open_warm(struct world *world)
{
    world_open(world);
    pool_use(world->pool, &world->fake.backend);
    world_run_until_warm(world);
}

void world_close(struct world *world)
{
    pool_free(world->pool);
    loop_free(world->loop);
}

unsigned count_open_fds(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}
