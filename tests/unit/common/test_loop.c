#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "loop.h"
#include "suite.h"

enum { TIMERS = 200 };

static struct loop *loop;

static void setup(void)
{
    ck_assert_int_eq(loop_create(&loop), 0);
}

static void teardown(void)
{
    loop_free(loop);
}

static void stop(void *context)
{
    (void)context;
    loop_stop(loop);
}

/* ---- timers ---- */

struct timed {
    struct loop_timer timer;
    unsigned order;
    struct timed *also_stops;
};
static unsigned fired_count;
static uint64_t last_due_us;

static void count_fired(void *context)
{
    struct timed *timed = context;
    timed->order = ++fired_count;
    ck_assert_uint_ge(timed->timer.due_us, last_due_us);
    ck_assert_uint_ge(clock_now_us(), timed->timer.due_us);
    last_due_us = timed->timer.due_us;
    if (timed->also_stops)
        loop_timer_stop(&timed->also_stops->timer);
}

START_TEST(timers_fire_in_the_order_of_their_times_and_never_early)
{
    static struct timed timed[TIMERS];
    unsigned long long state = 7;
    struct loop_timer end;
    for (size_t i = 0; i < TIMERS; i++) {
        loop_timer_init(&timed[i].timer, count_fired, &timed[i]);
        ck_assert_int_eq(loop_timer_start_us(loop, &timed[i].timer, suite_random(&state) % 20000),
                         0);
    }
    /* Some are stopped, some restarted: the heap keeps its order. */
    for (size_t i = 0; i < TIMERS; i += 5)
        loop_timer_stop(&timed[i].timer);
    for (size_t i = 1; i < TIMERS; i += 5)
        ck_assert_int_eq(loop_timer_start_us(loop, &timed[i].timer, suite_random(&state) % 20000),
                         0);
    loop_timer_init(&end, stop, NULL);
    ck_assert_int_eq(loop_timer_start_ms(loop, &end, 30), 0);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_eq(fired_count, TIMERS - TIMERS / 5);
    for (size_t i = 0; i < TIMERS; i++)
        ck_assert_int_eq(timed[i].order == 0, i % 5 == 0);
}
END_TEST

START_TEST(a_timer_stopped_by_an_earlier_one_does_not_fire)
{
    static struct timed first, second;
    struct loop_timer end;
    loop_timer_init(&first.timer, count_fired, &first);
    loop_timer_init(&second.timer, count_fired, &second);
    loop_timer_init(&end, stop, NULL);
    first.also_stops = &second;
    ck_assert_int_eq(loop_timer_start_us(loop, &first.timer, 0), 0);
    ck_assert_int_eq(loop_timer_start_us(loop, &second.timer, 1), 0);
    ck_assert_int_eq(loop_timer_start_ms(loop, &end, 5), 0);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_eq(first.order, 1);
    ck_assert_uint_eq(second.order, 0);
    ck_assert_ptr_null(second.timer.loop);
    loop_timer_stop(&second.timer); /* fine when stopped */
}
END_TEST

/* ---- watches ---- */

struct pair {
    int fds[2];
    struct loop_watch *watches[2];
    struct pair *other;
    unsigned seen;
};

static void pair_open(struct pair *pair)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair->fds), 0);
}

static void pair_close(struct pair *pair)
{
    close(pair->fds[0]);
    close(pair->fds[1]);
}

static void end_both(void *context, uint32_t events)
{
    struct pair *pair = context;
    ck_assert_uint_ne(events & EPOLLIN, 0);
    pair->seen++;
    loop_unwatch(pair->watches[0]);
    loop_unwatch(pair->other->watches[0]);
    loop_stop(loop);
}

START_TEST(a_watch_ended_within_a_batch_gets_no_event_of_that_batch)
{
    struct pair a = {.other = NULL};
    struct pair b = {.other = &a};
    a.other = &b;
    pair_open(&a);
    pair_open(&b);
    ck_assert_int_eq(loop_watch(loop, a.fds[0], EPOLLIN, end_both, &a, &a.watches[0]), 0);
    ck_assert_int_eq(loop_watch(loop, b.fds[0], EPOLLIN, end_both, &b, &b.watches[0]), 0);
    ck_assert_int_eq(send(a.fds[1], "x", 1, 0), 1);
    ck_assert_int_eq(send(b.fds[1], "x", 1, 0), 1);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_eq(a.seen + b.seen, 1);
    pair_close(&a);
    pair_close(&b);
}
END_TEST

static void count_and_stop(void *context, uint32_t events)
{
    struct pair *pair = context;
    (void)events;
    pair->seen++;
    loop_stop(loop);
}

START_TEST(a_changed_watch_waits_for_the_new_events)
{
    struct pair pair = {.seen = 0};
    struct loop_timer end;
    pair_open(&pair);
    ck_assert_int_eq(
        loop_watch(loop, pair.fds[0], EPOLLIN, count_and_stop, &pair, &pair.watches[0]), 0);
    loop_timer_init(&end, stop, NULL);
    ck_assert_int_eq(loop_timer_start_ms(loop, &end, 5), 0);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_eq(pair.seen, 0);
    ck_assert_int_eq(loop_watch_change(pair.watches[0], EPOLLOUT), 0);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_eq(pair.seen, 1);
    loop_unwatch(NULL);
    loop_unwatch(pair.watches[0]);
    pair_close(&pair);
}
END_TEST

START_TEST(a_closed_descriptor_cannot_be_watched)
{
    struct loop_watch *watch = NULL;
    ck_assert_int_eq(loop_watch(loop, -1, EPOLLIN, count_and_stop, NULL, &watch), -EBADF);
    ck_assert_ptr_null(watch);
}
END_TEST

/* ---- hooks ---- */

static struct loop_hook hook;
static unsigned hook_runs;

static void run_hook_again(void *context)
{
    (void)context;
    if (++hook_runs < 3)
        loop_hook_start(loop, &hook);
    else
        loop_stop(loop);
}

START_TEST(a_hook_runs_before_the_loop_sleeps_and_may_start_itself_again)
{
    loop_hook_init(&hook, run_hook_again, NULL);
    loop_hook_start(loop, &hook);
    loop_hook_start(loop, &hook); /* once is enough */
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_eq(hook_runs, 3);
    ck_assert_ptr_null(hook.loop);
}
END_TEST

static void restart_for_ever(void *context)
{
    (void)context;
    hook_runs++;
    loop_hook_start(loop, &hook);
}

START_TEST(a_hook_that_starts_itself_for_ever_does_not_keep_events_away)
{
    struct loop_timer end;
    loop_hook_init(&hook, restart_for_ever, NULL);
    loop_hook_start(loop, &hook);
    loop_timer_init(&end, stop, NULL);
    ck_assert_int_eq(loop_timer_start_ms(loop, &end, 2), 0);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_gt(hook_runs, 1);
    loop_hook_stop(&hook);
}
END_TEST

/* ---- signals ---- */

static int signal_seen;

static void note_signal(void *context, int signal_number)
{
    (void)context;
    signal_seen = signal_number;
    loop_stop(loop);
}

START_TEST(a_signal_comes_through_the_loop)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    ck_assert_int_eq(loop_watch_signals(loop, &signals, note_signal, NULL), 0);
    ck_assert_int_eq(loop_watch_signals(loop, &signals, note_signal, NULL), -EALREADY);
    ck_assert_int_eq(raise(SIGTERM), 0);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_int_eq(signal_seen, SIGTERM);
}
END_TEST

START_TEST(a_stop_before_the_run_ends_it_at_once)
{
    loop_stop(loop);
    ck_assert_int_eq(loop_run(loop), 0);
    loop_free(NULL);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, timers_fire_in_the_order_of_their_times_and_never_early);
    tcase_add_test(tcase, a_timer_stopped_by_an_earlier_one_does_not_fire);
    tcase_add_test(tcase, a_watch_ended_within_a_batch_gets_no_event_of_that_batch);
    tcase_add_test(tcase, a_changed_watch_waits_for_the_new_events);
    tcase_add_test(tcase, a_closed_descriptor_cannot_be_watched);
    tcase_add_test(tcase, a_hook_runs_before_the_loop_sleeps_and_may_start_itself_again);
    tcase_add_test(tcase, a_hook_that_starts_itself_for_ever_does_not_keep_events_away);
    tcase_add_test(tcase, a_signal_comes_through_the_loop);
    tcase_add_test(tcase, a_stop_before_the_run_ends_it_at_once);
}

int main(void)
{
    return suite_run("loop", add_tests);
}
