#include "namespaces.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "confine.h"
#include "privileges.h"

/* ---- the user namespace ---------------------------------------------------------------------- */

static int write_file(const char *path, const char *text)
{
    AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static void note(struct namespaces *namespaces, enum layer layer, int r)
{
    namespaces->errors[layer] = r;
    if (r == 0)
        namespaces->layers |= LAYER_BIT(layer);
}

int namespaces_enter_user(struct namespaces *namespaces)
{
    memset(namespaces, 0, sizeof(*namespaces));
    int r = unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
    note(namespaces, LAYER_USER_NS, r);
    return r;
}

static int map_id(pid_t pid, const char *file, unsigned spawner_id, unsigned runner_id)
{
    char path[64], text[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int r = -EPERM;
    if (runner_id != spawner_id) {
        (void)snprintf(text, sizeof(text), "%d %u 1\n%d %u 1\n", NAMESPACES_SPAWNER_ID, spawner_id,
                       NAMESPACES_RUNNER_ID, runner_id);
        r = write_file(path, text);
    }
    if (r == -EPERM) {
        (void)snprintf(text, sizeof(text), "%d %u 1\n", NAMESPACES_SPAWNER_ID, spawner_id);
        r = write_file(path, text);
    }
    return r;
}

int namespaces_map_ids(pid_t pid, const struct namespaces_ids *ids, bool *ret_has_runner_id)
{
    bool is_root = geteuid() == 0;
    *ret_has_runner_id = is_root;
    if (is_root) {
        int r = map_id(pid, "uid_map", ids->spawner_uid, ids->runner_uid);
        return r < 0 ? r : map_id(pid, "gid_map", ids->runner_gid, ids->runner_gid);
    }

    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
    int r = write_file(path, "deny");
    if (r == 0)
        r = map_id(pid, "uid_map", geteuid(), geteuid());
    return r < 0 ? r : map_id(pid, "gid_map", getegid(), getegid());
}

/* ---- what is in it --------------------------------------------------------------------------- */

/* An empty file system that nobody can write to, and nothing else mounted. */
static int make_root(void)
{
    static const char place[] = "/proc"; /* there everywhere, and soon out of sight */
    const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    if (mount("root", place, "tmpfs", flags, "size=4k,nr_inodes=2,mode=555") < 0)
        return -errno;
    if (chdir(place) < 0)
        return -errno;
    /* Over itself: the old root is then on top of the new one, and is taken off. */
    if (syscall(SYS_pivot_root, ".", ".") < 0)
        return -errno;
    if (umount2(".", MNT_DETACH) < 0)
        return -errno;
    return chdir("/") < 0 ? -errno : 0;
}

static int verify_network_is_down(void)
{
    AUTO_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct ifreq request = {.ifr_name = "lo"};
    if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return errno == ENODEV ? 0 : -errno;
    return request.ifr_flags & IFF_UP ? -ENETDOWN : 0;
}

/* In an IPC namespace of ours: no objects at all, so that there is nothing to find in it. */
static int empty_ipc(void)
{
    static const char *const files[][2] = {
        {"/proc/sys/kernel/shmmni", "0"},
        {"/proc/sys/kernel/msgmni", "0"},
        {"/proc/sys/kernel/sem", "0 0 0 0"},
        {"/proc/sys/fs/mqueue/queues_max", "0"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        int r = write_file(files[i][0], files[i][1]);
        if (r < 0 && r != -ENOENT)
            return r;
    }
    if (shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) >= 0)
        return -EEXIST;
    return errno == ENOSPC || errno == ENOSYS ? 0 : -errno;
}

static int enter(int flag)
{
    return unshare(flag) < 0 ? -errno : 0;
}

/* The order is that of what still needs the files of the machine. */
static void enter_namespaces(struct namespaces *namespaces)
{
    int r = enter(CLONE_NEWNET);
    note(namespaces, LAYER_NET_NS, r < 0 ? r : verify_network_is_down());

    r = enter(CLONE_NEWUTS);
    if (r == 0 && sethostname(CONFINE_HOST_NAME, strlen(CONFINE_HOST_NAME)) < 0)
        r = -errno;
    note(namespaces, LAYER_UTS_NS, r);

    r = enter(CLONE_NEWIPC);
    note(namespaces, LAYER_IPC_NS, r);
    /* Where it cannot be emptied, each runner gets one of its own. */
    if (r == 0 && empty_ipc() < 0)
        namespaces->clone_flags |= CLONE_NEWIPC;

    r = enter(CLONE_NEWNS);
    note(namespaces, LAYER_MOUNT_NS, r);
    note(namespaces, LAYER_EMPTY_ROOT, r < 0 ? r : make_root());
}

/* Which of the namespaces that each runner gets can be made at all. */
static void probe_clone_flags(struct namespaces *namespaces)
{
    const struct {
        enum layer layer;
        int flag;
    } each[] = {
        {LAYER_USER_NS, CLONE_NEWUSER},
        {LAYER_PID_NS, CLONE_NEWPID},
        {LAYER_UTS_NS, CLONE_NEWUTS},
        {LAYER_CGROUP_NS, CLONE_NEWCGROUP},
    };
    for (size_t i = 0; i < ARRAY_COUNT(each); i++) {
        long pid = syscall(SYS_clone, CLONE_NEWUSER | each[i].flag | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0)
            _exit(0);
        int r = pid < 0 ? -errno : 0;
        if (pid > 0)
            (void)syscall(SYS_wait4, pid, NULL, 0, NULL);
        if (r == 0)
            namespaces->clone_flags |= (unsigned)each[i].flag;
        if (r < 0 || each[i].layer == LAYER_PID_NS || each[i].layer == LAYER_CGROUP_NS)
            note(namespaces, each[i].layer, r);
        if (r < 0)
            namespaces->layers &= ~LAYER_BIT(each[i].layer);
    }
}

/* ---- rights ---------------------------------------------------------------------------------- */

/* From nobody to the spawner's own id; root of the machine is gone with this. */
static int take_id(bool has_runner_id)
{
    if (!has_runner_id)
        return 0; /* mapped to itself: an ordinary user stays who it is */
    if (setgroups(0, NULL) < 0)
        return -errno;
    if (setresgid(NAMESPACES_SPAWNER_ID, NAMESPACES_SPAWNER_ID, NAMESPACES_SPAWNER_ID) < 0)
        return -errno;
    if (setresuid(NAMESPACES_SPAWNER_ID, NAMESPACES_SPAWNER_ID, NAMESPACES_SPAWNER_ID) < 0)
        return -errno;
    return 0;
}

static int become_ordinary(const struct namespaces_ids *ids)
{
    if (geteuid() != 0)
        return 0;
    if (setgroups(0, NULL) < 0 || setresgid(ids->runner_gid, ids->runner_gid, ids->runner_gid) < 0)
        return -errno;
    return setresuid(ids->runner_uid, ids->runner_uid, ids->runner_uid) < 0 ? -errno : 0;
}

static void note_all_missing(struct namespaces *namespaces, int error)
{
    static const enum layer all[] = {LAYER_USER_NS,   LAYER_MOUNT_NS,  LAYER_PID_NS,
                                     LAYER_NET_NS,    LAYER_IPC_NS,    LAYER_UTS_NS,
                                     LAYER_CGROUP_NS, LAYER_EMPTY_ROOT};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        note(namespaces, all[i], error);
    namespaces->layers = 0;
    namespaces->clone_flags = 0;
    namespaces->has_runner_id = false;
}

void namespaces_enter_rest(struct namespaces *namespaces, const struct namespaces_ids *ids)
{
    uint32_t kept = 0;
    int r = namespaces->errors[LAYER_USER_NS];
    if (r == 0)
        r = take_id(namespaces->has_runner_id);
    if (r == 0) {
        enter_namespaces(namespaces);
        probe_clone_flags(namespaces);
        if (namespaces->has_runner_id)
            kept = 1U << CAP_SETUID | 1U << CAP_KILL;
    } else {
        note_all_missing(namespaces, r);
        r = become_ordinary(ids);
    }
    if (r < 0 || privileges_keep_only(kept) < 0)
        _exit(1); /* rights that cannot be given up: better no spawner */
}
