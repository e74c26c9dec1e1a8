#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "build_id.h"
#include "clock.h"
#include "confine.h"
#include "frame.h"
#include "landlock.h"
#include "privileges.h"
#include "process_internal.h"
#include "seccomp_filter.h"
#include "spawner.h"
#include "spawner_protocol.h"

enum {
    RUNNERS_MAX = 1024,
    PREPARE_MS = 5000, /* of a spawner, for its namespaces */
    CPU_SECONDS_DEFAULT = 60,
    JANITOR_TRIES = 100,
    JANITOR_PAUSE_MS = 10,
    ADDRESS_SPACE_FACTOR = 2, /* blocks of a size stay with that size */
};
#define ADDRESS_SPACE_SLACK_BYTES (UINT64_C(64) * 1024 * 1024)

/* ---- the runner's program -------------------------------------------------------------------- */

static int copy_all(int from, int to, off_t bytes)
{
    for (off_t left = bytes; left > 0;) {
        ssize_t count = sendfile(to, from, NULL, (size_t)left);
        if (count <= 0)
            return count < 0 ? -errno : -EIO;
        left -= count;
    }
    return 0;
}

/* A sealed copy in memory: what runs is what was there at start, whatever becomes of the file; and
 * nothing that runs can reach the file through it. */
static int open_program(const char *path, int *ret_fd)
{
    AUTO_FD int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || !(status.st_mode & 0111))
        return -EACCES;

    AUTO_FD int copy = memfd_create("trytok-runner", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy < 0) { /* a kernel may be told to have no executable memory files */
        *ret_fd = TAKE_FD(file);
        return 0;
    }
    int r = copy_all(file, copy, status.st_size);
    if (r < 0)
        return r;
    if (fchmod(copy, 0555) < 0 ||
        fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return -errno;
    *ret_fd = TAKE_FD(copy);
    return 0;
}

/* ---- processes ------------------------------------------------------------------------------- */

/* Waits for everybody's end and removes the cgroups. Those of root are in directories that even root
 * needs a capability to write to. Nobody ever sends it a byte. */
static _Noreturn void run_janitor(const struct cgroup_tree *tree, int fd)
{
    char byte;
    uint32_t kept = geteuid() == 0 ? UINT32_C(1) << CAP_DAC_OVERRIDE : 0;
    if (setsid() < 0 || prctl(PR_SET_NAME, "trytok-janitor") < 0 || privileges_keep_only(kept) < 0)
        _exit(1);
    while (read(fd, &byte, 1) != 0)
        continue;
    for (int i = 0; i < JANITOR_TRIES && cgroup_tree_remove(tree) < 0; i++)
        (void)poll(NULL, 0, JANITOR_PAUSE_MS); /* the last runners are still on their way out */
    _exit(0);
}

static int start_janitor(struct process_spawners *spawners)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    AUTO_FD int read_end = ends[0];
    AUTO_FD int write_end = ends[1];
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        close_fd(write_end);
        run_janitor(&spawners->tree, read_end);
    }
    spawners->janitor_pid = pid;
    spawners->janitor_fd = TAKE_FD(write_end);
    return 0;
}

static int start_spawner(struct process_spawners *spawners, const struct process_config *config,
                         int program_fd)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    AUTO_FD int ours = pair[0];
    AUTO_FD int its = pair[1];
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        const struct spawner_config spawner = {
            .control_fd = its,
            .program_fd = program_fd,
            .tree = &spawners->tree,
            .ids = {config->spawner_uid, config->runner_uid, config->runner_gid},
            .address_space_bytes =
                ADDRESS_SPACE_FACTOR * config->memory_max_bytes + ADDRESS_SPACE_SLACK_BYTES,
            .cpu_seconds = spawners->cpu_max_seconds,
        };
        /* Or an earlier spawner would not see the end of its executor. */
        for (unsigned i = 0; i < spawners->count; i++)
            close_fd(spawners->spawners[i].control_fd);
        close_fd(ours);
        _exit(setsid() < 0 ? 1 : spawner_run(&spawner));
    }
    spawners->spawners[spawners->count++] =
        (struct process_spawner){.pid = pid, .control_fd = TAKE_FD(ours)};
    return 0;
}

/* ---- talking to a spawner before there is a loop --------------------------------------------- */

static int wait_readable(int fd, uint64_t deadline_us)
{
    for (;;) {
        uint64_t now_us = clock_now_us();
        int left_ms = now_us < deadline_us ? (int)((deadline_us - now_us) / 1000) + 1 : 0;
        struct pollfd one = {.fd = fd, .events = POLLIN};
        int count = poll(&one, 1, left_ms);
        if (count > 0)
            return 0;
        if (count == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int expect_report(const struct process_spawner *spawner, enum spawner_report_kind kind,
                         struct spawner_report *ret_report, int *ret_fd)
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
    int r = wait_readable(spawner->control_fd, clock_now_us() + (uint64_t)PREPARE_MS * 1000);
    if (r < 0)
        return r;
    ssize_t bytes = recvmsg(spawner->control_fd, &message, MSG_CMSG_CLOEXEC);
    if (bytes != (ssize_t)sizeof(*ret_report))
        return bytes < 0 ? -errno : -EPIPE;
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    AUTO_FD int fd = -1;
    if (rights)
        memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
    if (ret_report->kind == SPAWNER_FAILED && ret_report->error < 0)
        return ret_report->error;
    if (ret_report->kind != kind || (fd >= 0) != (ret_fd != NULL))
        return -EPROTO;
    if (ret_fd)
        *ret_fd = TAKE_FD(fd);
    return 0;
}

static int send_request(const struct process_spawner *spawner,
                        const struct spawner_request *request)
{
    ssize_t bytes = send(spawner->control_fd, request, sizeof(*request), MSG_NOSIGNAL);
    return bytes < 0 ? -errno : 0;
}

static int set_up_spawner(struct process_spawner *spawner, const struct process_config *config,
                          layer_set cgroup_layers)
{
    struct spawner_report report;
    bool has_runner_id = false;
    int r = expect_report(spawner, SPAWNER_USER_READY, &report, NULL);
    if (r < 0)
        return r;
    if (report.error == 0) {
        const struct namespaces_ids ids = {config->spawner_uid, config->runner_uid,
                                           config->runner_gid};
        r = namespaces_map_ids(spawner->pid, &ids, &has_runner_id);
        if (r < 0)
            return r;
    }
    const struct spawner_request mapped = {.kind = SPAWNER_MAPPED, .has_runner_id = has_runner_id};
    r = send_request(spawner, &mapped);
    if (r == 0)
        r = expect_report(spawner, SPAWNER_READY, &report, NULL);
    if (r < 0)
        return r;
    spawner->layers = report.layers | cgroup_layers;
    for (unsigned i = 0; i < LAYER_COUNT; i++)
        spawner->errors[i] = report.errors[i];
    return 0;
}

/* ---- the trial runner ------------------------------------------------------------------------ */

layer_set process_combine_layers(layer_set spawner, layer_set armed)
{
    /* A runner can see some of what its spawner made: then both must say so. */
    const layer_set made_and_seen = LAYER_BIT(LAYER_USER_NS) | LAYER_BIT(LAYER_PID_NS) |
                                    LAYER_BIT(LAYER_UTS_NS) | LAYER_BIT(LAYER_EMPTY_ROOT);
    return (spawner & armed & made_and_seen) | (spawner & ~CONFINE_LAYERS) |
           (armed & CONFINE_LAYERS & ~made_and_seen);
}

ssize_t process_decode_handshake(const uint8_t *bytes, size_t count, struct frame_armed *ret_armed)
{
    static const enum frame_type expected[] = {FRAME_HELLO, FRAME_ARMED};
    struct frame_hello hello;
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        struct frame_header header;
        if (count - at < FRAME_HEADER_BYTES)
            return 0;
        if (frame_decode_header(bytes + at, &header) < 0 || header.type != expected[i] ||
            header.payload_bytes > FRAME_FIXED_MAX - FRAME_HEADER_BYTES)
            return -EBADMSG;
        at += FRAME_HEADER_BYTES;
        if (count - at < header.payload_bytes)
            return 0;
        int r = header.type == FRAME_HELLO
                    ? frame_decode_hello(bytes + at, header.payload_bytes, &hello)
                    : frame_decode_armed(bytes + at, header.payload_bytes, ret_armed);
        if (r < 0 || hello.build != TRYTOK_BUILD_ID)
            return -EBADMSG;
        at += header.payload_bytes;
    }
    return (ssize_t)at;
}

static int read_handshake(int fd, struct frame_armed *ret_armed)
{
    uint8_t bytes[2 * FRAME_FIXED_MAX];
    size_t count = 0;
    uint64_t deadline_us = clock_now_us() + (uint64_t)PROCESS_HANDSHAKE_MS * 1000;
    while (count < sizeof(bytes)) {
        int r = wait_readable(fd, deadline_us);
        if (r < 0)
            return r;
        ssize_t part = read(fd, bytes + count, sizeof(bytes) - count);
        if (part <= 0)
            return part < 0 ? -errno : -ECONNRESET;
        count += (size_t)part;
        ssize_t used = process_decode_handshake(bytes, count, ret_armed);
        if (used != 0)
            return used < 0 ? (int)used : 0;
    }
    return -EBADMSG;
}

/* Believe what a runner shows, not what was attempted. */
static int try_runner(struct process_spawners *spawners, unsigned index, layer_set *ret_layers)
{
    const struct process_spawner *spawner = &spawners->spawners[index];
    const struct spawner_request request = {.kind = SPAWNER_SPAWN, .slot = index};
    struct spawner_report report;
    struct frame_armed armed = {.layers = 0};
    AUTO_FD int stream = -1;
    int r = send_request(spawner, &request);
    if (r == 0)
        r = expect_report(spawner, SPAWNER_SPAWNED, &report, &stream);
    if (r == 0)
        r = read_handshake(stream, &armed);
    if (r < 0)
        return r;
    spawners->landlock_abi = armed.landlock_abi;
    *ret_layers = process_combine_layers(spawner->layers, armed.layers);
    /* It ends when its stream does. */
    close_fd(TAKE_FD(stream));
    return expect_report(spawner, SPAWNER_ENDED, &report, NULL);
}

/* ---- why a layer is missing ------------------------------------------------------------------ */

static int probe_runner_layer(enum layer layer)
{
    uint32_t abi = 0;
    if (layer == LAYER_LANDLOCK)
        return landlock_probe(&abi);
    if (layer == LAYER_SECCOMP)
        return seccomp_filter_probe();
    if (layer == LAYER_MDWE)
        return prctl(66 /* PR_GET_MDWE */, 0, 0, 0, 0) < 0 ? -errno : 0;
    return 0;
}

static void explain_missing(struct process_spawners *spawners)
{
    for (unsigned i = 0; i < LAYER_COUNT; i++) {
        enum layer layer = (enum layer)i;
        char *text = spawners->missing[i];
        int error = spawners->tree.errors[i];
        for (unsigned s = 0; s < spawners->count && error == 0; s++)
            error = spawners->spawners[s].errors[i];
        if (error == 0)
            error = probe_runner_layer(layer);
        if (spawners->layers & LAYER_BIT(i))
            continue;
        (void)snprintf(text, PROCESS_REASON_BYTES, "%s",
                       error < 0 ? strerrordesc_np(-error) : "a runner did not find it in force");
    }
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int check_config(const struct process_config *config)
{
    if (!config->runner_path || config->runners_max < 1 || config->runners_max > RUNNERS_MAX ||
        config->spawner_count < 1 || config->spawner_count > PROCESS_SPAWNERS_MAX ||
        config->memory_max_bytes == 0)
        return -EINVAL;
    if (geteuid() == 0 && (config->spawner_uid == 0 || config->runner_uid == 0 ||
                           config->runner_gid == 0 || config->spawner_uid == config->runner_uid))
        return -EINVAL;
    return 0;
}

/* A handful of descriptors for each slot, more than the usual soft limit. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int create_tree(const struct process_config *config, struct cgroup_tree *ret_tree)
{
    unsigned slots = config->runners_max;
    if (slots < config->spawner_count)
        slots = config->spawner_count;
    /* As many for each spawner. */
    slots += (config->spawner_count - slots % config->spawner_count) % config->spawner_count;
    const struct cgroup_config cgroups = {
        .root = config->cgroup_root ? config->cgroup_root : "/sys/fs/cgroup",
        .self_file = "/proc/self/cgroup",
        .slots = slots,
        .memory_max_bytes = config->memory_max_bytes + PROCESS_MEMORY_SLACK_BYTES,
        .pids_max = 1,
        .cpu_shares = config->cpu_shares,
        .cpu_quota_percent = config->cpu_quota_percent,
        .clone_uid = geteuid() == 0 ? config->runner_uid : geteuid(),
    };
    return cgroup_tree_create(&cgroups, ret_tree);
}

static int start_all(struct process_spawners *spawners, const struct process_config *config,
                     int program_fd)
{
    int r = start_janitor(spawners);
    for (unsigned i = 0; i < config->spawner_count && r == 0; i++) {
        r = start_spawner(spawners, config, program_fd);
        if (r == 0)
            r = set_up_spawner(&spawners->spawners[i], config, spawners->tree.layers);
    }
    return r;
}

int process_backend_prepare(const struct process_config *config,
                            struct process_spawners **ret_spawners)
{
    AUTO_FD int program_fd = -1;
    int r = check_config(config);
    if (r == 0)
        r = open_program(config->runner_path, &program_fd);
    if (r < 0)
        return r;

    struct process_spawners *spawners = calloc(1, sizeof(*spawners));
    if (!spawners)
        return -ENOMEM;
    spawners->janitor_fd = -1;
    spawners->memory_max_bytes = config->memory_max_bytes;
    spawners->cpu_max_seconds =
        config->cpu_max_seconds > 0 ? config->cpu_max_seconds : CPU_SECONDS_DEFAULT;
    spawners->required = config->layers_required;
    raise_descriptor_limit();

    r = create_tree(config, &spawners->tree);
    if (r == 0)
        r = start_all(spawners, config, program_fd);
    layer_set layers = ~(layer_set)0;
    for (unsigned i = 0; i < spawners->count && r == 0; i++) {
        layer_set found = 0;
        r = try_runner(spawners, i, &found);
        layers &= found;
    }
    if (r < 0) {
        process_spawners_free(spawners);
        return r;
    }
    spawners->layers = layers;
    explain_missing(spawners);
    *ret_spawners = spawners;
    return 0;
}

layer_set process_spawners_layers(const struct process_spawners *spawners)
{
    return spawners->layers;
}

uint32_t process_spawners_landlock_abi(const struct process_spawners *spawners)
{
    return spawners->landlock_abi;
}

const char *process_spawners_missing(const struct process_spawners *spawners, enum layer layer)
{
    return spawners->missing[layer][0] ? spawners->missing[layer] : NULL;
}

static void wait_for(pid_t pid)
{
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

void process_spawners_free(struct process_spawners *spawners)
{
    if (!spawners)
        return;
    for (unsigned i = 0; i < spawners->count; i++)
        close_fd(spawners->spawners[i].control_fd);
    for (unsigned i = 0; i < spawners->count; i++)
        wait_for(spawners->spawners[i].pid);
    close_fd(spawners->janitor_fd);
    wait_for(spawners->janitor_pid);
    cgroup_tree_done(&spawners->tree);
    free(spawners);
}
