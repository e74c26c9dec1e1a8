/*
 * bench_runner_start - what it costs to make a runner: from clone to the first byte it says, and to
 * its end, for each program given. Without a sandbox around it, so that programs can be compared.
 *
 *     bench_runner_start COUNT PROGRAM...
 *
 * A pause after every third lets the machine go idle, which back-to-back loops would hide.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COUNT_MAX = 100000, STACK_BYTES = 64 * 1024, PAUSE_US = 300 };

struct child {
    const char *program;
    int stream;
};

static char stack[STACK_BYTES] __attribute__((aligned(64)));
static double first_us[COUNT_MAX], end_us[COUNT_MAX];

static void die(const char *what)
{
    fprintf(stderr, "bench_runner_start: %s: %s\n", what, strerror(errno));
    exit(2);
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double used_us(int who, long *ret_faults)
{
    struct rusage usage;
    getrusage(who, &usage);
    *ret_faults = usage.ru_minflt;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int become_program(void *context)
{
    const struct child *child = context;
    if (dup2(child->stream, STDIN_FILENO) < 0)
        _exit(127);
    execl(child->program, child->program, "402653184", "60", (char *)NULL);
    _exit(127);
}

static void measure(const char *program, unsigned index)
{
    char byte;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("socketpair");
    struct child child = {program, pair[1]};
    double start_us = now_us();
    int pid =
        clone(become_program, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
    if (pid < 0)
        die("clone");
    close(pair[1]);
    if (read(pair[0], &byte, 1) != 1)
        die("the program said nothing");
    first_us[index] = now_us() - start_us;
    shutdown(pair[0], SHUT_WR);
    if (waitpid(pid, NULL, 0) != pid)
        die("waitpid");
    end_us[index] = now_us() - start_us;
    close(pair[0]);
    if (index % 3 == 0)
        usleep(PAUSE_US);
}

static int compare(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return difference < 0 ? -1 : difference > 0;
}

int main(int argc, char **argv)
{
    long count = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
    if (count < 1 || count > COUNT_MAX) {
        fprintf(stderr, "usage: bench_runner_start COUNT PROGRAM...\n");
        return 2;
    }
    printf("%-28s %18s %18s %8s %7s\n", "microseconds", "first byte min/med", "end min/med", "cpu",
           "faults");
    for (int p = 2; p < argc; p++) {
        long faults = 0, faults_before = 0, unused = 0;
        double cpu = used_us(RUSAGE_CHILDREN, &faults_before) + used_us(RUSAGE_SELF, &unused);
        for (unsigned i = 0; i < (unsigned)count; i++)
            measure(argv[p], i);
        cpu = used_us(RUSAGE_CHILDREN, &faults) + used_us(RUSAGE_SELF, &unused) - cpu;
        qsort(first_us, (size_t)count, sizeof(*first_us), compare);
        qsort(end_us, (size_t)count, sizeof(*end_us), compare);
        const char *name = strrchr(argv[p], '/');
        printf("%-28s %9.0f %8.0f %9.0f %8.0f %8.0f %7ld\n", name ? name + 1 : argv[p], first_us[0],
               first_us[count / 2], end_us[0], end_us[count / 2], cpu / (double)count,
               (faults - faults_before) / count);
    }
    return 0;
}
