#include "process.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "frame.h"
#include "log.h"
#include "process_internal.h"
#include "spawner_protocol.h"

enum { REPORTS_A_TURN = 64, HANDSHAKE_BYTES_MAX = 2 * FRAME_FIXED_MAX };

enum process_state {
    PROCESS_FREE,
    PROCESS_STARTING,  /* asked for */
    PROCESS_HANDSHAKE, /* it runs, and has not yet said that it is armed */
    PROCESS_READY,     /* the caller's, until its end was told */
    PROCESS_DOOMED,    /* failed before it was ready; its end is awaited */
};

struct process {
    struct runner runner; /* first: what the caller holds is this */
    struct process_backend *backend;
    enum process_state state;
    unsigned slot;
    pid_t pid;
    bool kill_asked;
    struct loop_watch *watch; /* while HANDSHAKE */
    struct loop_timer timer;  /* of the handshake */
    size_t handshake_count;
    uint8_t handshake[HANDSHAKE_BYTES_MAX];
    struct process *next_free;
};

/* A spawner as the loop sees it. */
struct link {
    struct process_backend *backend;
    struct process_spawner *spawner;
    struct loop_watch *watch;
    struct process *free;
    unsigned free_count;
    unsigned request_count; /* not yet sent */
    unsigned request_max;
    bool is_waiting;                  /* for its socket to take more */
    struct spawner_request *requests; /* owned */
};

struct process_backend {
    struct backend base; /* first: what the caller holds is this */
    struct loop *loop;
    struct process_events events;
    struct process_spawners *spawners; /* owned */
    struct process *processes;         /* owned; one for each slot */
    struct link links[PROCESS_SPAWNERS_MAX];
    struct loop_hook hook; /* sends what was asked for in this turn of the loop */
    unsigned alive_count;  /* spawners */
    uint64_t next_id;
};

static struct process_backend *backend_of(struct backend *backend)
{
    return (struct process_backend *)backend;
}

static struct link *link_of(const struct process *process)
{
    return &process->backend->links[process->slot % process->backend->spawners->count];
}

/* ---- requests -------------------------------------------------------------------------------- */

static void lose_spawner(struct link *link);

/* Everything asked for goes out in as few messages as there may be; what the socket does not take
 * stays until it does. */
static void send_requests(struct link *link)
{
    unsigned sent = 0;
    while (sent < link->request_count && link->spawner->control_fd >= 0) {
        unsigned count = link->request_count - sent;
        if (count > SPAWNER_BATCH_MAX)
            count = SPAWNER_BATCH_MAX;
        ssize_t bytes = send(link->spawner->control_fd, link->requests + sent,
                             count * sizeof(*link->requests), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0 && errno != EAGAIN) {
            lose_spawner(link);
            return;
        }
        if (bytes < 0)
            break;
        sent += count;
    }
    link->request_count -= sent;
    memmove(link->requests, link->requests + sent, link->request_count * sizeof(*link->requests));
    bool is_waiting = link->request_count > 0;
    if (is_waiting == link->is_waiting)
        return;
    link->is_waiting = is_waiting;
    if (link->watch &&
        loop_watch_change(link->watch, EPOLLIN | (is_waiting ? (uint32_t)EPOLLOUT : 0U)) < 0)
        lose_spawner(link);
}

static void before_sleep(void *context)
{
    struct process_backend *backend = context;
    for (unsigned i = 0; i < backend->spawners->count; i++)
        if (backend->links[i].request_count > 0)
            send_requests(&backend->links[i]);
}

static void ask(struct link *link, enum spawner_request_kind kind, const struct process *process)
{
    assert(link->request_count < link->request_max);
    link->requests[link->request_count++] = (struct spawner_request){
        .kind = kind,
        .slot = process->slot,
        .id = process->runner.id,
    };
    loop_hook_start(link->backend->loop, &link->backend->hook);
}

/* At most one SPAWN and one KILL for each slot can be waiting. */
static void ask_kill(struct process *process)
{
    if (process->kill_asked || link_of(process)->spawner->control_fd < 0)
        return;
    process->kill_asked = true;
    ask(link_of(process), SPAWNER_KILL, process);
}

/* ---- one runner ------------------------------------------------------------------------------ */

static void push_free(struct process *process)
{
    struct link *link = link_of(process);
    process->state = PROCESS_FREE;
    process->next_free = link->free;
    link->free = process;
    link->free_count++;
}

static void stop_handshake(struct process *process)
{
    loop_unwatch(process->watch);
    process->watch = NULL;
    loop_timer_stop(&process->timer);
}

static void release(struct process *process)
{
    stop_handshake(process);
    close_fd(process->runner.fd);
    process->runner.fd = -1;
    push_free(process);
}

static void tell_failed(const struct process_backend *backend, const char *reason)
{
    backend->events.runner.failed(backend->events.runner.context, reason);
}

static void tell_ended(struct process *process, const struct runner_ended *ended)
{
    const struct backend_events *events = &process->backend->events.runner;
    /* The caller may ask for the next one from inside: this one's place must not be it. */
    events->ended(events->context, &process->runner, ended);
    release(process);
}

/* Not good enough: it dies, and its place is free when it has. */
static void doom(struct process *process, const char *reason)
{
    stop_handshake(process);
    process->state = PROCESS_DOOMED;
    ask_kill(process);
    tell_failed(process->backend, reason);
}

/* The clock of a process. Its pid may be another's only if its end is about to be told. What
 * clock_getcpuclockid() gives, without the system call by which that makes sure. */
static int process_cpu(struct backend *base UNUSED, const struct runner *runner,
                       uint64_t *ret_cpu_us)
{
    enum { CLOCK_PID_SHIFT = 3, CLOCK_SCHED = 2 };
    const struct process *process = (const struct process *)runner;
    struct timespec used;
    if (process->pid <= 0)
        return -ESRCH;
    clockid_t clock = (clockid_t)((~(unsigned)process->pid << CLOCK_PID_SHIFT) | CLOCK_SCHED);
    if (clock_gettime(clock, &used) < 0)
        return -ESRCH;
    *ret_cpu_us = (uint64_t)used.tv_sec * 1000000U + (uint64_t)used.tv_nsec / 1000U;
    return 0;
}

static void finish_handshake(struct process *process, const struct frame_armed *armed)
{
    struct process_backend *backend = process->backend;
    struct runner *runner = &process->runner;
    stop_handshake(process);
    runner->layers = process_combine_layers(link_of(process)->spawner->layers, armed->layers);
    runner->landlock_abi = armed->landlock_abi;
    if (backend->spawners->required & ~runner->layers) {
        doom(process, "a required layer is missing");
        return;
    }
    process->state = PROCESS_READY;
    if (process_cpu(&backend->base, runner, &runner->cpu_us) < 0)
        runner->cpu_us = 0;
    backend->events.runner.ready(backend->events.runner.context, runner);
}

static void on_handshake(void *context, uint32_t events UNUSED)
{
    struct process *process = context;
    struct frame_armed armed;
    ssize_t count = recv(process->runner.fd, process->handshake + process->handshake_count,
                         sizeof(process->handshake) - process->handshake_count, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        doom(process, "it ended before it was armed");
        return;
    }
    process->handshake_count += (size_t)count;
    ssize_t used = process_decode_handshake(process->handshake, process->handshake_count, &armed);
    bool is_over = process->handshake_count == sizeof(process->handshake);
    if (used < 0 || (used == 0 && is_over)) {
        doom(process, "it did not speak our protocol");
        return;
    }
    if (used == 0)
        return;
    /* A runner has nothing to say before it is spoken to. */
    if ((size_t)used != process->handshake_count)
        doom(process, "it spoke before it was spoken to");
    else
        finish_handshake(process, &armed);
}

static void on_handshake_timeout(void *context)
{
    doom(context, "it was not armed in time");
}

static int begin_handshake(struct process *process)
{
    int r = loop_watch(process->backend->loop, process->runner.fd, EPOLLIN, on_handshake, process,
                       &process->watch);
    return r < 0
               ? r
               : loop_timer_start_ms(process->backend->loop, &process->timer, PROCESS_HANDSHAKE_MS);
}

static void on_spawned(struct process *process, const struct spawner_report *report, int *fd)
{
    process->runner.fd = TAKE_FD(*fd);
    process->pid = report->pid;
    process->handshake_count = 0;
    process->state = PROCESS_HANDSHAKE;
    if (process->runner.fd < 0 || begin_handshake(process) < 0)
        doom(process, "no memory for its stream");
}

static void on_failed(struct process *process, const struct spawner_report *report)
{
    static const char *const reasons[SPAWNER_STEP_COUNT] = {
        [SPAWNER_STEP_STREAM] = "no stream for it",
        [SPAWNER_STEP_IDENTITY] = "its identity could not be taken",
        [SPAWNER_STEP_CLONE] = "clone failed",
        [SPAWNER_STEP_CGROUP] = "its cgroup could not be entered",
        [SPAWNER_STEP_DESCRIPTORS] = "descriptors could not be closed",
        [SPAWNER_STEP_EXEC] = "its program could not be started",
    };
    log_debug("runner not started", LOG_UINT("step", report->step), LOG_ERRNO(report->error));
    release(process);
    tell_failed(process->backend,
                report->step < SPAWNER_STEP_COUNT ? reasons[report->step] : "unknown reason");
}

static enum runner_end end_of(const struct process *process, const struct spawner_report *report)
{
    if (WIFEXITED(report->status))
        return RUNNER_END_EXITED;
    switch (WTERMSIG(report->status)) {
    case SIGSYS:
        return RUNNER_END_SIGSYS;
    case SIGXCPU:
        return RUNNER_END_CPU;
    case SIGKILL:
        if (report->is_oom)
            return RUNNER_END_OOM;
        if (process->kill_asked)
            return RUNNER_END_KILLED;
        /* The kernel counts this limit in whole ticks, which on a busy machine are far more than
         * what was used; the usage is exact. */
        if (2 * report->cpu_us >= process->backend->spawners->cpu_max_seconds * 1000000)
            return RUNNER_END_CPU;
        return RUNNER_END_SIGNAL;
    default:
        return RUNNER_END_SIGNAL;
    }
}

static void on_ended(struct process *process, const struct spawner_report *report)
{
    if (process->state == PROCESS_HANDSHAKE) {
        process->kill_asked = true; /* no need */
        doom(process, "it ended before it was armed");
    }
    if (process->state != PROCESS_READY) {
        release(process);
        return;
    }
    const struct runner_ended ended = {
        .end = end_of(process, report),
        .exit_code = WIFEXITED(report->status) ? WEXITSTATUS(report->status) : 0,
        .usage = {.cpu_us = report->cpu_us, .memory_peak_bytes = report->memory_peak_bytes},
    };
    process->pid = 0;
    tell_ended(process, &ended);
}

/* ---- reports --------------------------------------------------------------------------------- */

static void handle_report(struct link *link, const struct spawner_report *report, int *fd)
{
    struct process_backend *backend = link->backend;
    if (report->slot >= backend->spawners->tree.slot_count)
        return;
    struct process *process = &backend->processes[report->slot];
    if (process->state == PROCESS_FREE || process->runner.id != report->id)
        return;
    if (report->kind == SPAWNER_SPAWNED && process->state == PROCESS_STARTING)
        on_spawned(process, report, fd);
    else if (report->kind == SPAWNER_FAILED && process->state == PROCESS_STARTING)
        on_failed(process, report);
    else if (report->kind == SPAWNER_ENDED)
        on_ended(process, report);
}

/* 1: a report; 0: none now; -errno: the spawner is gone. */
static int receive_report(const struct link *link, struct spawner_report *ret_report, int *ret_fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = ret_report, .iov_len = sizeof(*ret_report)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t bytes = recvmsg(link->spawner->control_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (bytes < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (rights && rights->cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(rights), sizeof(*ret_fd));
    return bytes == (ssize_t)sizeof(*ret_report) ? 1 : -EPIPE;
}

static void on_control(void *context, uint32_t events)
{
    struct link *link = context;
    if (events & EPOLLOUT)
        send_requests(link);
    for (int i = 0; i < REPORTS_A_TURN && link->spawner->control_fd >= 0; i++) {
        struct spawner_report report;
        AUTO_FD int fd = -1;
        int r = receive_report(link, &report, &fd);
        if (r == 0)
            return;
        if (r < 0)
            lose_spawner(link);
        else
            handle_report(link, &report, &fd);
    }
}

/* Its runners die with it (PR_SET_PDEATHSIG); how, nobody knows any more. */
static void lose_spawner(struct link *link)
{
    static const struct runner_ended lost = {.end = RUNNER_END_LOST};
    struct process_backend *backend = link->backend;
    if (link->spawner->control_fd < 0)
        return;
    log_error("spawner lost", LOG_INT("pid", link->spawner->pid));
    loop_unwatch(TAKE(link->watch));
    close_fd(TAKE_FD(link->spawner->control_fd));
    link->request_count = 0;
    backend->alive_count--;

    for (unsigned i = 0; i < backend->spawners->tree.slot_count; i++) {
        struct process *process = &backend->processes[i];
        if (link_of(process) != link || process->state == PROCESS_FREE)
            continue;
        enum process_state state = process->state;
        if (state == PROCESS_READY) {
            tell_ended(process, &lost);
            continue;
        }
        release(process);
        if (state != PROCESS_DOOMED)
            tell_failed(backend, "its spawner is gone");
    }
    if (backend->alive_count == 0 && backend->events.on_lost)
        backend->events.on_lost(backend->events.runner.context);
}

/* ---- the interface --------------------------------------------------------------------------- */

static struct link *choose_link(struct process_backend *backend)
{
    struct link *best = NULL;
    for (unsigned i = 0; i < backend->spawners->count; i++) {
        struct link *link = &backend->links[i];
        if (link->spawner->control_fd < 0 || link->free_count == 0)
            continue;
        if (!best || link->free_count > best->free_count)
            best = link;
    }
    return best;
}

static unsigned count_free(const struct process_backend *backend)
{
    unsigned count = 0;
    for (unsigned i = 0; i < backend->spawners->count; i++)
        if (backend->links[i].spawner->control_fd >= 0)
            count += backend->links[i].free_count;
    return count;
}

static int process_start(struct backend *base, unsigned count)
{
    struct process_backend *backend = backend_of(base);
    if (backend->alive_count == 0)
        return -EPIPE;
    if (count > count_free(backend))
        return -EBUSY;
    for (unsigned i = 0; i < count; i++) {
        struct link *link = choose_link(backend);
        assert(link); /* count_free() has counted it */
        struct process *process = link->free;
        link->free = process->next_free;
        link->free_count--;
        process->state = PROCESS_STARTING;
        process->kill_asked = false;
        process->pid = 0;
        process->runner = (struct runner){
            .fd = -1,
            .id = ++backend->next_id,
            .memory_max_bytes = backend->spawners->memory_max_bytes,
        };
        ask(link, SPAWNER_SPAWN, process);
    }
    return 0;
}

static void process_kill(struct backend *base UNUSED, struct runner *runner)
{
    ask_kill((struct process *)runner);
}

static int process_usage(struct backend *base, const struct runner *runner,
                         struct runner_usage *ret_usage)
{
    const struct process *process = (const struct process *)runner;
    const struct process_spawners *spawners = backend_of(base)->spawners;
    struct runner_usage usage = {0};
    int r = process_cpu(base, runner, &usage.cpu_us);
    if (r < 0)
        return r;
    usage.memory_peak_bytes = cgroup_slot_peak_bytes(&spawners->tree.slots[process->slot]);
    *ret_usage = usage;
    return 0;
}

static layer_set process_layers(const struct backend *base)
{
    return process_spawners_layers(((const struct process_backend *)base)->spawners);
}

static const char *process_missing(const struct backend *base, enum layer layer)
{
    return process_spawners_missing(((const struct process_backend *)base)->spawners, layer);
}

static void free_links(struct process_backend *backend)
{
    for (unsigned i = 0; i < backend->spawners->count; i++) {
        loop_unwatch(backend->links[i].watch);
        free(backend->links[i].requests);
    }
}

static void process_free(struct backend *base)
{
    struct process_backend *backend = backend_of(base);
    loop_hook_stop(&backend->hook);
    for (unsigned i = 0; i < backend->spawners->tree.slot_count; i++) {
        struct process *process = &backend->processes[i];
        stop_handshake(process);
        close_fd(process->runner.fd);
    }
    free_links(backend);
    process_spawners_free(backend->spawners); /* kills all runners, and waits */
    free(backend->processes);
    free(backend);
}

static const struct backend_ops process_ops = {
    .name = "process",
    .start = process_start,
    .kill = process_kill,
    .cpu = process_cpu,
    .usage = process_usage,
    .layers = process_layers,
    .missing = process_missing,
    .free = process_free,
};

static int create_link(struct process_backend *backend, unsigned index)
{
    struct link *link = &backend->links[index];
    link->backend = backend;
    link->spawner = &backend->spawners->spawners[index];
    link->request_max = 2 * backend->spawners->tree.slot_count / backend->spawners->count;
    link->requests = calloc(link->request_max, sizeof(*link->requests));
    if (!link->requests)
        return -ENOMEM;
    return loop_watch(backend->loop, link->spawner->control_fd, EPOLLIN, on_control, link,
                      &link->watch);
}

int process_backend_create(struct loop *loop, struct process_spawners *spawners,
                           const struct process_events *events, struct backend **ret_backend)
{
    struct process_backend *backend = calloc(1, sizeof(*backend));
    if (!backend)
        return -ENOMEM;
    backend->base.ops = &process_ops;
    backend->loop = loop;
    backend->events = *events;
    backend->spawners = spawners;
    backend->alive_count = spawners->count;
    loop_hook_init(&backend->hook, before_sleep, backend);

    backend->processes = calloc(spawners->tree.slot_count, sizeof(*backend->processes));
    int r = backend->processes ? 0 : -ENOMEM;
    for (unsigned i = 0; i < spawners->count && r == 0; i++)
        r = create_link(backend, i);
    if (r < 0) {
        free_links(backend);
        free(backend->processes);
        free(backend);
        return r;
    }
    for (unsigned i = 0; i < spawners->tree.slot_count; i++) {
        struct process *process = &backend->processes[i];
        process->backend = backend;
        process->slot = i;
        process->runner.fd = -1;
        loop_timer_init(&process->timer, on_handshake_timeout, process);
        push_free(process);
    }
    *ret_backend = &backend->base;
    return 0;
}
