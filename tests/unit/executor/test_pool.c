#include <limits.h>

#include "../common/suite.h"
#include "clock.h"
#include "world.h"

static void on_ended(void *context, const struct runner_ended *ended)
{
    *(struct runner_ended *)context = *ended;
}

START_TEST(fills_up_to_its_warm_count_and_no_further)
{
    struct world world;
    world_open_warm(&world);
    world_run_ms(&world, 5);
    ck_assert_uint_eq(world.fake.started_total, WORLD_WARM);
    ck_assert_uint_eq(pool_count(world.pool).starting, 0);
    ck_assert_uint_eq(world.available_count, WORLD_WARM);
    world_close(&world);
}
END_TEST

START_TEST(replaces_a_runner_when_it_is_given_back)
{
    struct world world;
    world_open_warm(&world);
    struct runner *runner = NULL;
    struct runner_ended ended;
    ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runner), 0);
    world_run_ms(&world, 5);
    ck_assert_uint_eq(world.fake.started_total, WORLD_WARM);
    pool_discard(world.pool, runner);
    world_run_until_reaped(&world);
    ck_assert_uint_eq(world.fake.started_total, WORLD_WARM + 1);
    ck_assert_uint_eq(world.fake.killed_total, 1);
    world_close(&world);
}
END_TEST

START_TEST(replaces_runners_at_once_when_half_of_them_are_taken)
{
    struct world world;
    world_open_warm(&world);
    struct runner *runner = NULL;
    struct runner_ended ended;
    for (unsigned i = 0; i < WORLD_WARM / 2; i++)
        ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runner), 0);
    world_run_until_warm(&world);
    ck_assert_uint_eq(world.fake.started_total, WORLD_WARM + WORLD_WARM / 2);
    world_close(&world);
}
END_TEST

START_TEST(a_released_runner_may_end_by_itself)
{
    struct world world;
    world_open_warm(&world);
    struct runner *runner = NULL;
    struct runner_ended ended;
    ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runner), 0);
    pool_release(world.pool, runner);
    fake_end((struct fake_runner *)runner, RUNNER_END_EXITED);
    world_run_ms(&world, 3 * POOL_LINGER_MS);
    ck_assert_uint_eq(world.fake.killed_total, 0);
    ck_assert_uint_eq(pool_count(world.pool).ending, 0);
    world_close(&world);
}
END_TEST

START_TEST(a_released_runner_that_lingers_is_killed)
{
    struct world world;
    world_open_warm(&world);
    struct runner *runners[2];
    struct runner_ended ended;
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runners[i]), 0);
        pool_release(world.pool, runners[i]);
        world_run_ms(&world, 5);
    }
    ck_assert_uint_eq(world.fake.killed_total, 0);
    uint64_t begin_us = clock_now_us();
    world_run_until_reaped(&world);
    ck_assert_uint_eq(world.fake.killed_total, 2);
    ck_assert_uint_lt(clock_now_us() - begin_us, 500000);
    world_close(&world);
}
END_TEST

START_TEST(never_gives_a_runner_twice)
{
    struct world world;
    world_open_warm(&world);
    uint64_t last_id = 0;
    for (unsigned i = 0; i < 200; i++) {
        struct runner *runner = NULL;
        struct runner_ended ended;
        world_run_until_warm(&world);
        ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runner), 0);
        if (i > 0)
            ck_assert_uint_gt(runner->id, last_id);
        last_id = runner->id;
        pool_discard(world.pool, runner);
    }
    world_close(&world);
}
END_TEST

START_TEST(gives_nothing_when_it_is_empty)
{
    struct world world;
    world_open_warm(&world);
    world.fake.hold_starts = true;
    struct runner *runners[WORLD_WARM + 1];
    struct runner_ended ended;
    for (unsigned i = 0; i < WORLD_WARM; i++)
        ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runners[i]), 0);
    ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runners[WORLD_WARM]), -EAGAIN);
    world_close(&world);
}
END_TEST

START_TEST(refuses_more_memory_than_its_runners_have)
{
    struct world world;
    world_open_warm(&world);
    struct runner *runner = NULL;
    struct runner_ended ended;
    uint64_t max = world.fake.memory_max_bytes;
    ck_assert_int_eq(pool_take(world.pool, max + 1, on_ended, &ended, &runner), -ERANGE);
    ck_assert_int_eq(pool_take(world.pool, max, on_ended, &ended, &runner), 0);
    ck_assert_int_eq(pool_take(world.pool, 0, on_ended, &ended, &runner), 0);
    world_close(&world);
}
END_TEST

static bool has_failed_thrice(void *context)
{
    const struct world *world = context;
    return world->failed_count >= 3;
}

START_TEST(waits_longer_after_each_failed_start_and_tries_one_at_a_time)
{
    struct world world;
    world_open(&world);
    world.fake.fail_reason = "spawn";
    world.fake.fail_count = UINT_MAX;
    pool_use(world.pool, &world.fake.backend);
    world_run_until(&world, has_failed_thrice, &world);
    unsigned calls = world.fake.start_calls;
    world_run_ms(&world, 100);
    /* The waits are 5, 10, 20, 40, 40, ... ms: no more than six fit into what has passed. */
    ck_assert_uint_le(world.fake.start_calls - calls, 6);
    ck_assert_str_eq(world.failed_reason, "spawn");
    world.fake.fail_count = 0;
    world_run_until_warm(&world);
    world_close(&world);
}
END_TEST

START_TEST(grows_slowly_after_a_failure)
{
    struct world world;
    world_open(&world);
    world.fake.fail_reason = "spawn";
    world.fake.fail_count = WORLD_WARM; /* all of the first batch */
    pool_use(world.pool, &world.fake.backend);
    world_run_until(&world, has_failed_thrice, &world);
    world.fake.start_count_max = 0;
    world.fake.start_calls = 0;
    world_run_until_warm(&world);
    ck_assert_uint_ge(world.fake.start_calls, 2); /* one first, then more */
    ck_assert_uint_lt(world.fake.start_count_max, WORLD_WARM);
    world_close(&world);
}
END_TEST

START_TEST(a_backend_that_refuses_is_asked_again_later)
{
    struct world world;
    world_open(&world);
    world.fake.refuse_starts = true;
    pool_use(world.pool, &world.fake.backend);
    world_run_until(&world, has_failed_thrice, &world);
    ck_assert_str_eq(world.failed_reason, "refused");
    world.fake.refuse_starts = false;
    world_run_until_warm(&world);
    world_close(&world);
}
END_TEST

static bool has_started_two_more(void *context)
{
    const struct world *world = context;
    return world->fake.started_total == WORLD_WARM + 2;
}

START_TEST(replaces_an_idle_runner_that_dies)
{
    struct world world;
    world_open_warm(&world);
    fake_end(world.fake.runners, RUNNER_END_SIGNAL);             /* first */
    fake_end(world.fake.runners->next->next, RUNNER_END_SIGNAL); /* one in the middle */
    world_run_until(&world, has_started_two_more, &world);
    world_run_until_reaped(&world);
    ck_assert_str_eq(world.failed_reason, "died_idle");
    world_close(&world);
}
END_TEST

START_TEST(tells_the_end_of_a_taken_runner_while_its_stream_is_open)
{
    struct world world;
    world_open_warm(&world);
    struct runner *runner = NULL;
    struct runner_ended ended = {.end = RUNNER_END_EXITED};
    ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runner), 0);
    fake_end((struct fake_runner *)runner, RUNNER_END_OOM);
    world_run_until_reaped(&world);
    ck_assert_int_eq(ended.end, RUNNER_END_OOM);
    world_close(&world);
}
END_TEST

START_TEST(runners_that_do_not_go_away_are_bounded)
{
    struct world world;
    world_open_warm(&world);
    world.fake.hold_ends = true;
    struct runner *runner = NULL;
    struct runner_ended ended;
    for (unsigned i = 0; i < 10 * WORLD_WARM; i++) {
        if (pool_take(world.pool, 1, on_ended, &ended, &runner) == 0)
            pool_discard(world.pool, runner);
        world_run_ms(&world, 1);
    }
    ck_assert_uint_le(world.fake.alive_max, 2 * WORLD_WARM + WORLD_IN_USE);
    ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runner), -EAGAIN);
    world.fake.hold_ends = false;
    fake_backend_look(&world.fake);
    world_run_until_reaped(&world);
    world_close(&world);
}
END_TEST

START_TEST(starts_nothing_more_once_the_backend_is_lost)
{
    struct world world;
    world_open_warm(&world);
    pool_backend_lost(world.pool);
    ck_assert_uint_eq(world.lost_count, 1);
    unsigned calls = world.fake.start_calls;
    struct runner *runner = NULL;
    struct runner_ended ended;
    ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runner), 0);
    pool_discard(world.pool, runner);
    world_run_ms(&world, 5);
    ck_assert_uint_eq(world.fake.start_calls, calls);
    world_close(&world);
}
END_TEST

static bool has_three_idle(void *context)
{
    const struct world *world = context;
    return pool_count(world->pool).idle == 3;
}

START_TEST(a_backend_that_has_less_room_is_used_as_far_as_it_goes)
{
    struct world world;
    world_open(&world);
    world.fake.capacity = 3;
    pool_use(world.pool, &world.fake.backend);
    world_run_until(&world, has_three_idle, &world); /* four had no room, two had, then one */
    struct runner *runner = NULL;
    struct runner_ended ended;
    for (unsigned i = 0; i < 20; i++) { /* each end makes room, without a wait */
        ck_assert_int_eq(pool_take(world.pool, 1, on_ended, &ended, &runner), 0);
        pool_discard(world.pool, runner);
        world_run_ms(&world, 1);
    }
    world_run_until(&world, has_three_idle, &world);
    ck_assert_uint_eq(world.failed_count, 0);
    ck_assert_uint_le(world.fake.alive_max, 3);
    world_close(&world);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, fills_up_to_its_warm_count_and_no_further);
    tcase_add_test(tcase, replaces_a_runner_when_it_is_given_back);
    tcase_add_test(tcase, replaces_runners_at_once_when_half_of_them_are_taken);
    tcase_add_test(tcase, a_released_runner_may_end_by_itself);
    tcase_add_test(tcase, a_released_runner_that_lingers_is_killed);
    tcase_add_test(tcase, never_gives_a_runner_twice);
    tcase_add_test(tcase, gives_nothing_when_it_is_empty);
    tcase_add_test(tcase, refuses_more_memory_than_its_runners_have);
    tcase_add_test(tcase, waits_longer_after_each_failed_start_and_tries_one_at_a_time);
    tcase_add_test(tcase, grows_slowly_after_a_failure);
    tcase_add_test(tcase, a_backend_that_refuses_is_asked_again_later);
    tcase_add_test(tcase, replaces_an_idle_runner_that_dies);
    tcase_add_test(tcase, tells_the_end_of_a_taken_runner_while_its_stream_is_open);
    tcase_add_test(tcase, runners_that_do_not_go_away_are_bounded);
    tcase_add_test(tcase, a_backend_that_has_less_room_is_used_as_far_as_it_goes);
    tcase_add_test(tcase, starts_nothing_more_once_the_backend_is_lost);
}

int main(void)
{
    return suite_run("pool", add_tests);
}
