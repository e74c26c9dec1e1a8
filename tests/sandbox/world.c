#include "world.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "clock.h"
#include "frame_reader.h"
#include "process.h"

enum { EXIT_SKIPPED = 77, DEADLINE_MS = 5000, MEMORY_MAX_BYTES = 32 * 1024 * 1024 };

struct world {
    const char *name;
    const struct world_options *options;
    struct world_report *report;
    struct frame_reader reader;
    struct loop *loop;
    struct backend *backend;
    struct runner *runner;
    struct loop_watch *watch;
    struct loop_timer timer;
    uint64_t killed_us;
    int failed;
};

void world_require_root(void)
{
    if (geteuid() == 0)
        return;
    const char *required = getenv("TRYTOK_REQUIRE_ROOT");
    (void)fprintf(stderr, "skipped: needs root for cgroups and user ids\n");
    exit(required && strcmp(required, "1") == 0 ? EXIT_FAILURE : EXIT_SKIPPED);
}

const char *world_outcome_name(enum world_outcome outcome)
{
    static const char *const names[] = {"worked", "error", "SIGSYS", "no memory", "crash", "alive"};
    return names[outcome];
}

/* ---- the attacker ---------------------------------------------------------------------------- */

static char *find_bytes(char *bytes, size_t count, const char *text)
{
    return memmem(bytes, count, text, strlen(text));
}

static int copy_patched(int from, int to, layer_set left_out)
{
    struct stat status;
    if (fstat(from, &status) < 0)
        return -errno;
    size_t count = (size_t)status.st_size;
    AUTO_FREE char *bytes = malloc(count);
    if (!bytes || read(from, bytes, count) != (ssize_t)count)
        return -EIO;
    char *mark = find_bytes(bytes, count, "TRYTOK-LEFT-OUT:00000000");
    if (!mark)
        return -ENOENT;
    char digits[16];
    (void)snprintf(digits, sizeof(digits), "%08" PRIx32, left_out);
    memcpy(mark + strlen("TRYTOK-LEFT-OUT:"), digits, 8);
    return write(to, bytes, count) == (ssize_t)count ? 0 : -EIO;
}

int world_patch_attacker(layer_set left_out, char path[64])
{
    (void)snprintf(path, 64, "/tmp/trytok-attacker-XXXXXX");
    AUTO_FD int to = mkstemp(path);
    AUTO_FD int from = open(TRYTOK_ATTACKER, O_RDONLY | O_CLOEXEC);
    if (to < 0 || from < 0)
        return -errno;
    int r = copy_patched(from, to, left_out);
    if (r == 0 && fchmod(to, 0755) < 0)
        r = -errno;
    return r;
}

size_t world_encode_program(const char *program, uint8_t bytes[4096])
{
    size_t length = strlen(program);
    const struct frame_start start = {
        .mode = FRAME_MODE_RUN,
        .nonce = 7,
        .limits = {.memory_bytes = MEMORY_MAX_BYTES,
                   .output_bytes = 1024 * 1024,
                   .wall_ms = 60000,
                   .cpu_ms = 60000},
        .source_bytes = (uint32_t)length,
    };
    size_t count = frame_encode_start(bytes, &start);
    frame_encode_header(bytes + count, FRAME_SOURCE, (uint32_t)length);
    memcpy(bytes + count + FRAME_HEADER_BYTES, program, length);
    return count + FRAME_HEADER_BYTES + length;
}

static int send_attack(int fd, const char *name)
{
    char program[128];
    uint8_t bytes[4096];
    (void)snprintf(program, sizeof(program), "attack %s", name);
    size_t count = world_encode_program(program, bytes);
    return send(fd, bytes, count, MSG_NOSIGNAL) == (ssize_t)count ? 0 : -errno;
}

static int on_frame(void *context, enum frame_type type, const uint8_t *payload, size_t count)
{
    struct world *world = context;
    struct frame_armed armed;
    if (type == FRAME_ARMED && frame_decode_armed(payload, count, &armed) == 0)
        world->report->layers = armed.layers;
    if (type == FRAME_STDOUT) {
        char *text = world->report->text;
        size_t used = strlen(text);
        size_t room = sizeof(world->report->text) - 1 - used;
        memcpy(text + used, payload, count < room ? count : room);
    }
    return 0;
}

/* Everything that is there; notes the end of the stream. */
static void read_some(struct world *world, int fd)
{
    char bytes[65536];
    for (;;) {
        ssize_t count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (count == 0)
            world->report->stream_ended = true;
        if (count <= 0)
            return;
        (void)!frame_reader_feed(&world->reader, bytes, (size_t)count);
    }
}

static void judge(struct world_report *report)
{
    const char *stopped = strstr(report->text, "stopped by ");
    if (stopped) {
        report->outcome = WORLD_STOPPED;
        report->error = (int)strtol(stopped + strlen("stopped by "), NULL, 10);
    } else if (report->ended.end == RUNNER_END_SIGSYS) {
        report->outcome = WORLD_KILLED;
    } else if (report->ended.end == RUNNER_END_OOM) {
        report->outcome = WORLD_OUT_OF_MEMORY;
    } else if (report->ended.end == RUNNER_END_KILLED) {
        report->outcome = WORLD_TIMED_OUT;
    } else if (report->ended.end == RUNNER_END_EXITED) {
        report->outcome = WORLD_WORKED; /* also when it has become another program */
    } else {
        report->outcome = WORLD_CRASHED;
    }
}

/* ---- a plain child --------------------------------------------------------------------------- */

static pid_t start_child(const char *path, int stream)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0); /* so that what it leaves behind can be ended */
        (void)dup2(stream, STDIN_FILENO);
        (void)execl(path, "trytok-runner", "402653184", "60", (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void note_end(struct world_report *report, int status, bool was_killed)
{
    report->ended.end = RUNNER_END_SIGNAL;
    if (WIFEXITED(status)) {
        report->ended.end = RUNNER_END_EXITED;
        report->ended.exit_code = WEXITSTATUS(status);
    } else if (WTERMSIG(status) == SIGSYS) {
        report->ended.end = RUNNER_END_SIGSYS;
    } else if (was_killed) {
        report->ended.end = RUNNER_END_KILLED;
    }
}

static int attack_from_child(struct world *world, const char *path)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    AUTO_FD int ours = pair[0];
    pid_t pid = start_child(path, pair[1]);
    close_fd(pair[1]);
    int r = pid < 0 ? -errno : send_attack(ours, world->name);
    uint64_t deadline_ms =
        clock_now_ms() +
        (world->options->kill_after_ms > 0 ? world->options->kill_after_ms : DEADLINE_MS);
    bool was_killed = false;
    while (r == 0 && !world->report->stream_ended && !was_killed) {
        struct pollfd one = {.fd = ours, .events = POLLIN};
        (void)poll(&one, 1, 20);
        read_some(world, ours);
        was_killed = clock_now_ms() > deadline_ms;
    }
    if (r < 0 || was_killed)
        (void)kill(-pid, SIGKILL);
    int status = 0;
    if (waitpid(pid, &status, 0) != pid)
        return -errno;
    note_end(world->report, status, was_killed);
    return r;
}

/* ---- a runner -------------------------------------------------------------------------------- */

static void on_readable(void *context, uint32_t events UNUSED)
{
    struct world *world = context;
    read_some(world, world->runner->fd);
    if (world->report->stream_ended) {
        loop_unwatch(world->watch);
        world->watch = NULL;
    }
}

static void on_time(void *context)
{
    struct world *world = context;
    world->killed_us = clock_now_us();
    world->backend->ops->kill(world->backend, world->runner);
}

static void on_ready(void *context, struct runner *runner)
{
    struct world *world = context;
    unsigned delay_ms =
        world->options->kill_after_ms > 0 ? world->options->kill_after_ms : DEADLINE_MS;
    world->runner = runner;
    world->report->layers = runner->layers;
    loop_timer_init(&world->timer, on_time, world);
    if (send_attack(runner->fd, world->name) < 0 ||
        loop_watch(world->loop, runner->fd, EPOLLIN, on_readable, world, &world->watch) < 0 ||
        loop_timer_start_ms(world->loop, &world->timer, delay_ms) < 0) {
        world->failed = -EIO;
        loop_stop(world->loop);
    }
}

static void on_failed(void *context, const char *reason)
{
    struct world *world = context;
    (void)fprintf(stderr, "not started: %s\n", reason);
    world->failed = -ECHILD;
    loop_stop(world->loop);
}

static void on_ended(void *context, struct runner *runner, const struct runner_ended *ended)
{
    struct world *world = context;
    world->report->ended = *ended;
    if (world->killed_us > 0)
        world->report->late_us = clock_now_us() - world->killed_us;
    read_some(world, runner->fd);
    loop_timer_stop(&world->timer);
    loop_unwatch(world->watch);
    world->watch = NULL;
    loop_stop(world->loop);
}

struct process_config world_process_config(const char *runner_path)
{
    return (struct process_config){
        .runner_path = runner_path,
        .runners_max = 4,
        .spawner_count = 1,
        .memory_max_bytes = MEMORY_MAX_BYTES,
        .spawner_uid = 64323,
        .runner_uid = 64324,
        .runner_gid = 64324,
    };
}

static int run_backend(struct world *world, struct process_spawners *spawners)
{
    const struct process_events events = {
        .runner = {.context = world, .ready = on_ready, .failed = on_failed, .ended = on_ended}};
    int r = loop_create(&world->loop);
    if (r == 0)
        r = process_backend_create(world->loop, spawners, &events, &world->backend);
    if (r < 0) {
        process_spawners_free(spawners);
        return r;
    }
    r = world->backend->ops->start(world->backend, 1);
    if (r == 0)
        r = loop_run(world->loop);
    world->backend->ops->free(world->backend);
    return r < 0 ? r : world->failed;
}

static int attack_from_runner(struct world *world, const char *path)
{
    struct process_config config = world_process_config(path);
    struct process_spawners *spawners = NULL;
    if (world->options->without_cgroups)
        config.cgroup_root = "/nonexistent";
    int r = process_backend_prepare(&config, &spawners);
    if (r == 0)
        r = run_backend(world, spawners);
    loop_free(world->loop);
    return r;
}

int world_attack(const char *name, const struct world_options *options,
                 struct world_report *ret_report)
{
    struct world world = {.name = name, .options = options, .report = ret_report};
    char path[64];
    memset(ret_report, 0, sizeof(*ret_report));
    frame_reader_init(&world.reader, on_frame, &world);
    int r = world_patch_attacker(options->left_out, path);
    if (r == 0)
        r = options->backend ? attack_from_runner(&world, path) : attack_from_child(&world, path);
    (void)unlink(path);
    frame_reader_done(&world.reader);
    if (r == 0)
        judge(ret_report);
    return r;
}
