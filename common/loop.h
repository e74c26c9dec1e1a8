/*
 * loop - one thread's events: file descriptors (epoll), timers, signals, and work before sleeping.
 *
 * Threads: a loop and everything on it belong to one thread.
 * Memory:  timers and hooks are embedded in their owner, which keeps them alive while started;
 *          watches are owned by the loop until loop_unwatch().
 * Errors:  0 or -errno. Every stop/unwatch may be called from inside any callback of the loop, also
 *          for the watch that is being delivered; no callback comes after it.
 */
#ifndef TRYTOK_LOOP_H
#define TRYTOK_LOOP_H

#include <signal.h>
#include <stdint.h>

#include "attributes.h"

struct loop;
struct loop_watch;

MUST_CHECK int loop_create(struct loop **ret_loop);
void loop_free(struct loop *loop);          /* NULL is fine */
MUST_CHECK int loop_run(struct loop *loop); /* until loop_stop(); 0 or -errno of epoll */
void loop_stop(struct loop *loop);
uint64_t loop_now_us(const struct loop *loop); /* monotonic, as of the last wake-up */

/* `events` are EPOLL… flags; level-triggered unless EPOLLET is given. The fd stays the caller's. */
typedef void (*loop_watch_fn)(void *context, uint32_t events);
MUST_CHECK int loop_watch(struct loop *loop, int fd, uint32_t events, loop_watch_fn on_event,
                          void *context, struct loop_watch **ret_watch);
MUST_CHECK int loop_watch_change(struct loop_watch *watch, uint32_t events);
void loop_unwatch(struct loop_watch *watch); /* NULL is fine; before the fd is closed */

typedef void (*loop_timer_fn)(void *context);
struct loop_timer {
    loop_timer_fn on_time;
    void *context;
    uint64_t due_us;
    struct loop *loop; /* NULL while stopped */
    size_t heap_index;
};
void loop_timer_init(struct loop_timer *timer, loop_timer_fn on_time, void *context);
/* Starts or restarts; fires once. */
MUST_CHECK int loop_timer_start_us(struct loop *loop, struct loop_timer *timer, uint64_t delay_us);
MUST_CHECK int loop_timer_start_ms(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer); /* fine when stopped */

/* Called once before the loop next sleeps; started again by its owner when needed. */
struct loop_hook {
    void (*before_sleep)(void *context);
    void *context;
    struct loop *loop; /* NULL while not pending */
    struct loop_hook *next, *previous;
};
void loop_hook_init(struct loop_hook *hook, void (*before_sleep)(void *), void *context);
void loop_hook_start(struct loop *loop, struct loop_hook *hook);
void loop_hook_stop(struct loop_hook *hook);

/* Delivers these signals to the loop through a signalfd (they are blocked for the process). */
typedef void (*loop_signal_fn)(void *context, int signal_number);
MUST_CHECK int loop_watch_signals(struct loop *loop, const sigset_t *signals,
                                  loop_signal_fn on_signal, void *context);

#endif
