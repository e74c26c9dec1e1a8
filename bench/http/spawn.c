/*
 * bench_spawn - how long it takes to make a process, run a static program in it and see its end.
 *
 *     bench_spawn plain COUNT PROGRAM LATENCIES-FILE     fork, exec, wait
 *     bench_spawn isolated COUNT PROGRAM LATENCIES-FILE  the same in namespaces and a cgroup of its own
 *
 * Isolated: new user, pid, mount, net, ipc, uts and cgroup namespaces, and a cgroup (memory and pids
 * of v1, or one of v2) that is made before and removed after. Needs root. The latencies are native
 * u32, microseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COUNT_MAX = 100000, HIERARCHIES_MAX = 2, PATH_BYTES = 128 };

struct cgroup {
    char paths[HIERARCHIES_MAX][PATH_BYTES];
    const char *entry; /* the file a process writes 0 into to move itself */
    unsigned count;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_spawn: %s: %s\n", what, strerror(errno));
    exit(2);
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void cgroup_choose(struct cgroup *cgroup)
{
    static const char *const v1[] = {"/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"};
    if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0) {
        cgroup->count = 1;
        cgroup->entry = "cgroup.procs";
        snprintf(cgroup->paths[0], PATH_BYTES, "/sys/fs/cgroup/bench-%d", getpid());
        return;
    }
    cgroup->count = 2;
    cgroup->entry = "tasks"; /* cgroup.procs of v1 waits for a grace period */
    for (unsigned i = 0; i < 2; i++)
        snprintf(cgroup->paths[i], PATH_BYTES, "%s/bench-%d", v1[i], getpid());
}

static void cgroup_make(const struct cgroup *cgroup, int *ret_fds)
{
    for (unsigned i = 0; i < cgroup->count; i++) {
        char path[PATH_BYTES + 16];
        if (mkdir(cgroup->paths[i], 0755) != 0)
            die(cgroup->paths[i]);
        snprintf(path, sizeof(path), "%s/%s", cgroup->paths[i], cgroup->entry);
        ret_fds[i] = open(path, O_WRONLY | O_CLOEXEC);
        if (ret_fds[i] < 0)
            die(path);
    }
}

static void cgroup_remove(const struct cgroup *cgroup, const int *fds)
{
    for (unsigned i = 0; i < cgroup->count; i++) {
        close(fds[i]);
        if (rmdir(cgroup->paths[i]) != 0)
            die(cgroup->paths[i]);
    }
}

static _Noreturn void child_exec(const char *program, int null_fd)
{
    char *const arguments[] = {NULL, NULL};
    char *const environment[] = {NULL};
    dup2(null_fd, STDOUT_FILENO);
    execve(program, arguments, environment);
    _exit(127);
}

static void wait_for(pid_t pid)
{
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("the program did not end well");
}

static void spawn_plain(const char *program, int null_fd)
{
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        child_exec(program, null_fd);
    wait_for(pid);
}

static void spawn_isolated(const char *program, int null_fd, const struct cgroup *cgroup)
{
    int fds[HIERARCHIES_MAX] = {-1, -1};
    unsigned long flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
                          CLONE_NEWUTS | CLONE_NEWCGROUP | SIGCHLD;
    cgroup_make(cgroup, fds);
    pid_t pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
    if (pid < 0)
        die("clone");
    if (pid == 0) {
        for (unsigned i = 0; i < cgroup->count; i++) {
            if (write(fds[i], "0", 1) != 1)
                _exit(126);
        }
        child_exec(program, null_fd);
    }
    wait_for(pid);
    cgroup_remove(cgroup, fds);
}

int main(int argc, char **argv)
{
    bool isolated = argc == 5 && strcmp(argv[1], "isolated") == 0;
    unsigned long count = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    if (argc != 5 || count == 0 || count > COUNT_MAX) {
        fprintf(stderr, "usage: bench_spawn plain|isolated COUNT PROGRAM LATENCIES-FILE\n");
        return 2;
    }
    struct cgroup cgroup = {.count = 0};
    cgroup_choose(&cgroup);
    int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    uint32_t *latencies_us = calloc(count, sizeof(*latencies_us));
    FILE *file = fopen(argv[4], "we");
    if (null_fd < 0 || latencies_us == NULL || file == NULL)
        die(argv[4]);
    for (unsigned long i = 0; i < count; i++) {
        uint64_t start_us = now_us();
        if (isolated)
            spawn_isolated(argv[3], null_fd, &cgroup);
        else
            spawn_plain(argv[3], null_fd);
        latencies_us[i] = (uint32_t)(now_us() - start_us);
    }
    size_t written = fwrite(latencies_us, sizeof(*latencies_us), count, file);
    free(latencies_us);
    return fclose(file) == 0 && written == count ? 0 : 2;
}
