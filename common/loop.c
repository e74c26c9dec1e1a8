#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"

enum {
    EVENTS_AT_ONCE = 64,
    HOOK_ROUNDS_MAX = 16, /* hooks that start one another must not keep the loop from its events */
};

struct loop_watch {
    struct loop *loop; /* borrowed; NULL once unwatched */
    int fd;
    loop_watch_fn on_event;
    void *context;
    struct loop_watch *next, *previous; /* of all live ones, or of the buried */
};

struct loop {
    int epoll_fd;
    uint64_t now_us;
    bool stopping;
    bool delivering; /* events of one batch: watches are buried, not freed */
    struct loop_watch *watches;
    struct loop_watch *buried;
    struct loop_timer **timers; /* binary heap, earliest first */
    size_t timer_count, timer_capacity;
    struct loop_hook hooks; /* list head */
    int signal_fd;
    struct loop_watch *signal_watch;
    loop_signal_fn on_signal;
    void *signal_context;
};

int loop_create(struct loop **ret_loop)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return -ENOMEM;
    loop->signal_fd = -1;
    loop->hooks.next = loop->hooks.previous = &loop->hooks;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        int r = -errno;
        free(loop);
        return r;
    }
    loop->now_us = clock_now_us();
    *ret_loop = loop;
    return 0;
}

static void free_buried(struct loop *loop)
{
    while (loop->buried) {
        struct loop_watch *watch = loop->buried;
        loop->buried = watch->next;
        free(watch);
    }
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    assert(!loop->delivering);
    while (loop->watches)
        loop_unwatch(loop->watches);
    free_buried(loop);
    for (size_t i = 0; i < loop->timer_count; i++)
        loop->timers[i]->loop = NULL;
    free(loop->timers);
    while (loop->hooks.next != &loop->hooks)
        loop_hook_stop(loop->hooks.next);
    close_fd(loop->signal_fd);
    close_fd(loop->epoll_fd);
    free(loop);
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

uint64_t loop_now_us(const struct loop *loop)
{
    return loop->now_us;
}

/* ---- watches ---- */

int loop_watch(struct loop *loop, int fd, uint32_t events, loop_watch_fn on_event, void *context,
               struct loop_watch **ret_watch)
{
    AUTO_FREE struct loop_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    watch->loop = loop;
    watch->fd = fd;
    watch->on_event = on_event;
    watch->context = context;

    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;

    watch->next = loop->watches;
    if (loop->watches)
        loop->watches->previous = watch;
    loop->watches = watch;
    *ret_watch = TAKE(watch);
    return 0;
}

int loop_watch_change(struct loop_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0)
        return -errno;
    return 0;
}

void loop_unwatch(struct loop_watch *watch)
{
    if (!watch)
        return;
    struct loop *loop = watch->loop;
    assert(loop);
    int saved = errno;
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    errno = saved;

    if (watch->previous)
        watch->previous->next = watch->next;
    else
        loop->watches = watch->next;
    if (watch->next)
        watch->next->previous = watch->previous;

    watch->loop = NULL;
    if (!loop->delivering) {
        free(watch);
        return;
    }
    /* The batch being delivered may still hold an event that points here. */
    watch->next = loop->buried;
    loop->buried = watch;
}

/* ---- timers: a heap whose members know their place ---- */

static void heap_place(struct loop *loop, size_t index, struct loop_timer *timer)
{
    loop->timers[index] = timer;
    timer->heap_index = index;
}

static void heap_rise(struct loop *loop, size_t index)
{
    struct loop_timer *timer = loop->timers[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (loop->timers[parent]->due_us <= timer->due_us)
            break;
        heap_place(loop, index, loop->timers[parent]);
        index = parent;
    }
    heap_place(loop, index, timer);
}

static void heap_sink(struct loop *loop, size_t index)
{
    struct loop_timer *timer = loop->timers[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= loop->timer_count)
            break;
        if (child + 1 < loop->timer_count &&
            loop->timers[child + 1]->due_us < loop->timers[child]->due_us)
            child++;
        if (timer->due_us <= loop->timers[child]->due_us)
            break;
        heap_place(loop, index, loop->timers[child]);
        index = child;
    }
    heap_place(loop, index, timer);
}

void loop_timer_init(struct loop_timer *timer, loop_timer_fn on_time, void *context)
{
    *timer = (struct loop_timer){.on_time = on_time, .context = context};
}

int loop_timer_start_us(struct loop *loop, struct loop_timer *timer, uint64_t delay_us)
{
    if (timer->loop) {
        assert(timer->loop == loop);
        timer->due_us = clock_now_us() + delay_us;
        heap_rise(loop, timer->heap_index);
        heap_sink(loop, timer->heap_index);
        return 0;
    }
    if (loop->timer_count == loop->timer_capacity) {
        size_t capacity = loop->timer_capacity ? loop->timer_capacity * 2 : 16;
        void *grown = reallocarray(loop->timers, capacity, sizeof(struct loop_timer *));
        if (!grown)
            return -ENOMEM;
        loop->timers = grown;
        loop->timer_capacity = capacity;
    }
    timer->due_us = clock_now_us() + delay_us;
    timer->loop = loop;
    heap_place(loop, loop->timer_count++, timer);
    heap_rise(loop, timer->heap_index);
    return 0;
}

int loop_timer_start_ms(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
    return loop_timer_start_us(loop, timer, delay_ms * 1000);
}

void loop_timer_stop(struct loop_timer *timer)
{
    struct loop *loop = timer->loop;
    if (!loop)
        return;
    size_t index = timer->heap_index;
    struct loop_timer *last = loop->timers[--loop->timer_count];
    timer->loop = NULL;
    if (last == timer)
        return;
    heap_place(loop, index, last);
    heap_rise(loop, index);
    heap_sink(loop, last->heap_index);
}

static void run_due_timers(struct loop *loop)
{
    /* Those started by a callback of this round with no delay wait for the next one. */
    uint64_t now_us = loop->now_us;
    while (loop->timer_count > 0 && loop->timers[0]->due_us <= now_us) {
        struct loop_timer *timer = loop->timers[0];
        loop_timer_stop(timer);
        timer->on_time(timer->context);
    }
}

/* ---- hooks ---- */

void loop_hook_init(struct loop_hook *hook, void (*before_sleep)(void *), void *context)
{
    *hook = (struct loop_hook){.before_sleep = before_sleep, .context = context};
}

void loop_hook_start(struct loop *loop, struct loop_hook *hook)
{
    if (hook->loop)
        return;
    hook->loop = loop;
    hook->next = &loop->hooks;
    hook->previous = loop->hooks.previous;
    hook->previous->next = hook;
    loop->hooks.previous = hook;
}

void loop_hook_stop(struct loop_hook *hook)
{
    if (!hook->loop)
        return;
    hook->next->previous = hook->previous;
    hook->previous->next = hook->next;
    hook->loop = NULL;
}

static bool hooks_pending(const struct loop *loop)
{
    return loop->hooks.next != &loop->hooks;
}

static void run_hooks(struct loop *loop)
{
    for (int round = 0; round < HOOK_ROUNDS_MAX && hooks_pending(loop); round++) {
        /* A marker ends the round: what is started meanwhile comes after it. */
        struct loop_hook marker = {.before_sleep = NULL};
        loop_hook_start(loop, &marker);
        while (loop->hooks.next != &marker) {
            struct loop_hook *hook = loop->hooks.next;
            loop_hook_stop(hook);
            hook->before_sleep(hook->context);
        }
        loop_hook_stop(&marker);
    }
}

/* ---- running ---- */

static int sleep_ms(const struct loop *loop)
{
    if (loop->stopping || hooks_pending(loop))
        return 0;
    if (loop->timer_count == 0)
        return -1;
    uint64_t now_us = clock_now_us();
    uint64_t due_us = loop->timers[0]->due_us;
    if (due_us <= now_us)
        return 0;
    uint64_t ms = (due_us - now_us + 999) / 1000; /* rounded up: never early, never spinning */
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void deliver(struct loop *loop, const struct epoll_event *events, int count)
{
    loop->delivering = true;
    for (int i = 0; i < count; i++) {
        struct loop_watch *watch = events[i].data.ptr;
        if (watch->loop)
            watch->on_event(watch->context, events[i].events);
    }
    loop->delivering = false;
    free_buried(loop);
}

int loop_run(struct loop *loop)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    loop->now_us = clock_now_us();
    while (!loop->stopping) {
        run_hooks(loop);
        int count = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE, sleep_ms(loop));
        if (count < 0 && errno != EINTR)
            return -errno;
        loop->now_us = clock_now_us();
        if (count > 0)
            deliver(loop, events, count);
        run_due_timers(loop);
    }
    loop->stopping = false;
    return 0;
}

/* ---- signals ---- */

static void signal_come(void *context, uint32_t events UNUSED)
{
    struct loop *loop = context;
    struct signalfd_siginfo info;
    while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        loop->on_signal(loop->signal_context, (int)info.ssi_signo);
        if (loop->stopping)
            break;
    }
}

int loop_watch_signals(struct loop *loop, const sigset_t *signals, loop_signal_fn on_signal,
                       void *context)
{
    if (loop->signal_fd >= 0)
        return -EALREADY;
    int r = pthread_sigmask(SIG_BLOCK, signals, NULL);
    if (r != 0)
        return -r;
    AUTO_FD int fd = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    loop->on_signal = on_signal;
    loop->signal_context = context;
    r = loop_watch(loop, fd, EPOLLIN, signal_come, loop, &loop->signal_watch);
    if (r < 0)
        return r;
    loop->signal_fd = TAKE_FD(fd);
    return 0;
}
