#include "spawner.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "spawn.h"

struct slot {
    pid_t pid; /* 0: free */
    uint64_t id;
};

struct spawner {
    const struct spawner_config *config;
    int control_fd;
    struct namespaces namespaces;
    struct spawn_config spawn;
    struct slot *slots;
    char address_space_text[24], cpu_text[24];
    char *arguments[4];
};

static void on_child(int signal_number UNUSED)
{
    /* Only there to interrupt ppoll(2). */
}

/* ---- messages -------------------------------------------------------------------------------- */

static int send_report(const struct spawner *spawner, struct spawner_report *report, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = report, .iov_len = sizeof(*report)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        memset(&control, 0, sizeof(control));
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    }
    for (;;) {
        if (sendmsg(spawner->control_fd, &message, MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno != EINTR)
            return -errno;
    }
}

/* The number of requests; 0 at the end. */
static ssize_t receive(const struct spawner *spawner, struct spawner_request *requests, int flags)
{
    for (;;) {
        ssize_t bytes =
            recv(spawner->control_fd, requests, SPAWNER_BATCH_MAX * sizeof(*requests), flags);
        if (bytes >= 0)
            return bytes / (ssize_t)sizeof(*requests);
        if (errno != EINTR)
            return -errno;
    }
}

/* ---- runners --------------------------------------------------------------------------------- */

static int report_failure(const struct spawner *spawner, const struct spawner_request *request,
                          enum spawner_step step, int error)
{
    struct spawner_report report = {
        .kind = SPAWNER_FAILED,
        .slot = request->slot,
        .id = request->id,
        .step = step,
        .error = error,
    };
    return send_report(spawner, &report, -1);
}

static int spawn(struct spawner *spawner, const struct spawner_request *request)
{
    int pair[2];
    enum spawner_step step = SPAWNER_STEP_STREAM;
    pid_t pid = 0;
    if (request->slot >= spawner->config->tree->slot_count || spawner->slots[request->slot].pid)
        return report_failure(spawner, request, step, -EBUSY);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return report_failure(spawner, request, step, -errno);

    /* The lowest free descriptor, always: nothing else is ever left there. */
    AUTO_FD int executor_fd = pair[1];
    int r = pair[0] == SPAWN_STREAM_FD ? 0 : -EBADF;
    if (r == 0)
        r = spawn_runner(&spawner->spawn, &spawner->config->tree->slots[request->slot], &pid,
                         &step);
    close_fd(pair[0]);
    if (r < 0)
        return report_failure(spawner, request, step, r);

    spawner->slots[request->slot] = (struct slot){.pid = pid, .id = request->id};
    struct spawner_report report = {
        .kind = SPAWNER_SPAWNED,
        .slot = request->slot,
        .id = request->id,
        .pid = pid,
    };
    return send_report(spawner, &report, executor_fd);
}

static void kill_runner(const struct spawner *spawner, const struct spawner_request *request)
{
    if (request->slot >= spawner->config->tree->slot_count)
        return;
    const struct slot *slot = &spawner->slots[request->slot];
    if (slot->pid && slot->id == request->id)
        (void)kill(slot->pid, SIGKILL); /* ours, and not yet waited for */
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000U + (uint64_t)time.tv_usec;
}

static int report_end(struct spawner *spawner, pid_t pid, int status, const struct rusage *usage)
{
    unsigned slot = 0;
    while (slot < spawner->config->tree->slot_count && spawner->slots[slot].pid != pid)
        slot++;
    if (slot == spawner->config->tree->slot_count)
        return 0;

    struct cgroup_slot *cgroup = &spawner->config->tree->slots[slot];
    uint64_t peak_bytes = cgroup_slot_peak_bytes(cgroup);
    bool is_sigkill = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    struct spawner_report report = {
        .kind = SPAWNER_ENDED,
        .slot = slot,
        .id = spawner->slots[slot].id,
        .status = status,
        .cpu_us = microseconds(usage->ru_utime) + microseconds(usage->ru_stime),
        .memory_peak_bytes = peak_bytes > 0 ? peak_bytes : (uint64_t)usage->ru_maxrss * 1024,
        .is_oom = is_sigkill && cgroup_slot_take_oom(cgroup),
    };
    cgroup_slot_reset(cgroup);
    spawner->slots[slot] = (struct slot){.pid = 0};
    return send_report(spawner, &report, -1);
}

static int reap(struct spawner *spawner, int options)
{
    for (;;) {
        int status = 0;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, options, &usage);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid <= 0)
            return 0;
        int r = report_end(spawner, pid, status, &usage);
        if (r < 0)
            return r;
    }
}

static void end_all(struct spawner *spawner)
{
    for (unsigned i = 0; i < spawner->config->tree->slot_count; i++)
        if (spawner->slots[i].pid)
            (void)kill(spawner->slots[i].pid, SIGKILL);
    /* The executor may be gone, so that nobody is told. */
    while (wait4(-1, NULL, 0, NULL) > 0 || errno == EINTR)
        continue;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int handle_requests(struct spawner *spawner)
{
    struct spawner_request requests[SPAWNER_BATCH_MAX];
    ssize_t count = receive(spawner, requests, MSG_DONTWAIT);
    if (count == -EAGAIN)
        return 0;
    if (count <= 0)
        return count == 0 ? -EPIPE : (int)count;
    int r = 0;
    for (ssize_t i = 0; i < count && r == 0; i++) {
        if (requests[i].kind == SPAWNER_SPAWN)
            r = spawn(spawner, &requests[i]);
        else if (requests[i].kind == SPAWNER_KILL)
            kill_runner(spawner, &requests[i]);
    }
    return r;
}

/* SIGCHLD is let in only while there is nothing else to do, so that none is missed. */
static int serve(struct spawner *spawner)
{
    sigset_t while_waiting;
    (void)sigemptyset(&while_waiting);
    struct pollfd control = {.fd = spawner->control_fd, .events = POLLIN};
    for (;;) {
        int ready = ppoll(&control, 1, NULL, &while_waiting);
        if (ready < 0 && errno != EINTR)
            return -errno;
        int r = reap(spawner, WNOHANG);
        if (r == 0 && ready > 0)
            r = handle_requests(spawner);
        if (r < 0)
            return r;
    }
}

static int enter_sandbox(struct spawner *spawner)
{
    struct namespaces *namespaces = &spawner->namespaces;
    struct spawner_request answer[SPAWNER_BATCH_MAX];
    struct spawner_report report = {.kind = SPAWNER_USER_READY};
    report.error = namespaces_enter_user(namespaces);
    int r = send_report(spawner, &report, -1);
    if (r < 0)
        return r;
    ssize_t count = receive(spawner, answer, 0);
    if (count != 1 || answer[0].kind != SPAWNER_MAPPED)
        return -EPIPE;
    namespaces->has_runner_id = answer[0].has_runner_id != 0;
    namespaces_enter_rest(namespaces, &spawner->config->ids);

    report = (struct spawner_report){.kind = SPAWNER_READY, .layers = namespaces->layers};
    for (unsigned i = 0; i < LAYER_COUNT; i++)
        report.errors[i] = namespaces->errors[i];
    return send_report(spawner, &report, -1);
}

/* The fixed places: stream free, program, control behind; everything that is not ours is closed. */
static int arrange_descriptors(struct spawner *spawner)
{
    int program_fd = fcntl(spawner->config->program_fd, F_DUPFD_CLOEXEC, SPAWN_FIRST_OTHER_FD);
    spawner->control_fd = fcntl(spawner->config->control_fd, F_DUPFD_CLOEXEC, SPAWN_FIRST_OTHER_FD);
    if (program_fd < 0 || spawner->control_fd < 0)
        return -errno;
    if (dup3(program_fd, SPAWN_PROGRAM_FD, O_CLOEXEC) < 0)
        return -errno;
    close_fd(program_fd);
    close_fd(STDERR_FILENO);
    close_fd(SPAWN_STREAM_FD);
    return 0;
}

static int prepare(struct spawner *spawner, const struct spawner_config *config)
{
    memset(spawner, 0, sizeof(*spawner));
    spawner->config = config;
    spawner->slots = calloc(config->tree->slot_count, sizeof(*spawner->slots));
    if (!spawner->slots)
        return -ENOMEM;

    static char name[] = "trytok-runner";
    (void)snprintf(spawner->address_space_text, sizeof(spawner->address_space_text), "%" PRIu64,
                   config->address_space_bytes);
    (void)snprintf(spawner->cpu_text, sizeof(spawner->cpu_text), "%" PRIu64, config->cpu_seconds);
    spawner->arguments[0] = name;
    spawner->arguments[1] = spawner->address_space_text;
    spawner->arguments[2] = spawner->cpu_text;

    sigset_t child;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    if (sigaction(SIGCHLD, &action, NULL) < 0 || pthread_sigmask(SIG_SETMASK, &child, NULL) != 0)
        return -errno;
    return prctl(PR_SET_NAME, "trytok-spawner") < 0 ? -errno : 0;
}

int spawner_run(const struct spawner_config *config)
{
    static struct spawner spawner; /* too large for the stack */
    int r = prepare(&spawner, config);
    if (r == 0)
        r = arrange_descriptors(&spawner);
    if (r == 0)
        r = cgroup_tree_join(config->tree);
    if (r == 0)
        r = enter_sandbox(&spawner);
    if (r < 0)
        return 1;
    spawner.spawn = (struct spawn_config){
        .clone_flags = spawner.namespaces.clone_flags,
        .has_runner_id = spawner.namespaces.has_runner_id,
        .arguments = spawner.arguments,
    };
    r = serve(&spawner);
    end_all(&spawner);
    return r == -EPIPE || r == -ECONNRESET ? 0 : 1;
}
