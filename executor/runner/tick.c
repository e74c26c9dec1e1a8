#include "tick.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <tok/tok.h>

#include "stream.h"

/* A signal handler has no argument of ours: one runner, one program, one of these. */
static struct {
    struct tok_vm *vm;     /* borrowed */
    struct stream *stream; /* borrowed */
    uint64_t wall_end_us;
    uint64_t cpu_end_us;
    volatile sig_atomic_t is_held;
    volatile sig_atomic_t is_due; /* a tick came while it was held */
} tick;

static uint64_t read_clock_us(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
}

/* There is one thread, so its time is the process's. The process's own clock would be up to a tick old:
 * RLIMIT_CPU makes the kernel answer from what the last tick has booked. */
uint64_t tick_cpu_us(void)
{
    return read_clock_us(CLOCK_THREAD_CPUTIME_ID);
}

static int set_timer(uint64_t delay_us)
{
    struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)(delay_us / 1000000U),
                     .tv_usec = (suseconds_t)(delay_us % 1000000U)},
    };
    return setitimer(ITIMER_REAL, &timer, NULL) < 0 ? -errno : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void on_tick(int signal_number UNUSED)
{
    int saved = errno;
    uint64_t wall_us = read_clock_us(CLOCK_MONOTONIC);
    uint64_t cpu_us = tick_cpu_us();
    uint64_t delay_us = (uint64_t)TICK_MS * 1000U;

    /* An error shows again at the next sending. */
    if (tick.is_held || stream_flush(tick.stream) < 0)
        tick.is_due = 1;
    if (wall_us >= tick.wall_end_us || cpu_us >= tick.cpu_end_us) {
        tok_interrupt(tick.vm);
    } else {
        /* Processor time cannot pass faster than the wall's with one thread. */
        delay_us = smaller(delay_us, tick.wall_end_us - wall_us);
        delay_us = smaller(delay_us, tick.cpu_end_us - cpu_us);
    }
    (void)set_timer(delay_us);
    errno = saved;
}

int tick_prepare(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_tick;
    action.sa_flags = SA_RESTART;
    return sigaction(SIGALRM, &action, NULL) < 0 ? -errno : 0;
}

int tick_start(struct tok_vm *vm, struct stream *stream, uint32_t wall_ms, uint32_t cpu_ms)
{
    uint64_t delay_us = (uint64_t)TICK_MS * 1000U;
    uint64_t wall_us = (uint64_t)wall_ms * 1000U;
    uint64_t cpu_us = (uint64_t)cpu_ms * 1000U;
    tick.vm = vm;
    tick.stream = stream;
    tick.wall_end_us = read_clock_us(CLOCK_MONOTONIC) + wall_us;
    tick.cpu_end_us = tick_cpu_us() + cpu_us;
    delay_us = smaller(delay_us, smaller(wall_us, cpu_us));
    return set_timer(delay_us > 0 ? delay_us : 1);
}

void tick_hold(void)
{
    tick.is_held = 1;
}

int tick_release(void)
{
    int r = 0;
    if (tick.is_due) {
        tick.is_due = 0;
        r = stream_flush(tick.stream);
    }
    tick.is_held = 0;
    return r;
}
