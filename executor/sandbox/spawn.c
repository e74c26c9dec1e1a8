#include "spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "namespaces.h"

enum { CHILD_STACK_BYTES = 64 * 1024, EXIT_NOT_STARTED = 127 };

/* The clone's stack: it lives in our memory until exec, while we wait. */
static char child_stack[CHILD_STACK_BYTES] __attribute__((aligned(64)));

struct child {
    const struct spawn_config *config;
    const struct cgroup_slot *slot; /* NULL: born in it */
    enum spawner_step failed_step;
    int error; /* -errno; 0 when it is a program of its own */
};

static _Noreturn void give_up(struct child *child, enum spawner_step step, int error)
{
    child->failed_step = step;
    child->error = error;
    _exit(EXIT_NOT_STARTED);
}

/* Async-signal-safe calls only, and nothing of the parent's may be changed but `child`. */
static int become_runner(void *context)
{
    static char *const no_environment[] = {NULL};
    struct child *child = context;
    sigset_t none;

    if (child->slot) {
        int r = cgroup_slot_enter(child->slot);
        if (r < 0)
            give_up(child, SPAWNER_STEP_CGROUP, r);
    }
    /* The table of descriptors is the parent's (CLONE_FILES) until here: a table of our own that
     * ends before all of its cgroup files costs nothing to make. */
    if (syscall(SYS_close_range, SPAWN_FIRST_OTHER_FD, ~0U, CLOSE_RANGE_UNSHARE) < 0)
        give_up(child, SPAWNER_STEP_DESCRIPTORS, -errno);
    (void)sigemptyset(&none);
    if (pthread_sigmask(SIG_SETMASK, &none, NULL) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        give_up(child, SPAWNER_STEP_DESCRIPTORS, -errno);
    (void)syscall(SYS_execveat, SPAWN_PROGRAM_FD, "", child->config->arguments, no_environment,
                  AT_EMPTY_PATH);
    give_up(child, SPAWNER_STEP_EXEC, -errno);
}

/*
 * clone3(2) has no wrapper, and its child returns on another stack, so that it takes assembly: the
 * child calls function(argument) there and never returns.
 */
static long clone3_call(const struct clone_args *arguments, int (*function)(void *), void *argument)
{
#if defined(__x86_64__)
    long result = 0;
    register int (*callee)(void *) __asm__("r12") = function;
    register void *callee_argument __asm__("r13") = argument;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "ud2\n"
                     "1:"
                     : "=a"(result)
                     : "a"(SYS_clone3), "D"(arguments), "S"(sizeof(*arguments)), "r"(callee),
                       "r"(callee_argument)
                     : "rcx", "r11", "memory", "cc");
    return result;
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_clone3;
    register long result __asm__("x0") = (long)arguments;
    register long size __asm__("x1") = sizeof(*arguments);
    register int (*callee)(void *) __asm__("x9") = function;
    register void *callee_argument __asm__("x10") = argument;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x10\n\t"
                     "blr x9\n\t"
                     "brk #0\n"
                     "1:"
                     : "+r"(result)
                     : "r"(number), "r"(size), "r"(callee), "r"(callee_argument)
                     : "memory", "cc");
    return result;
#else
#error "clone3 needs a few lines of assembly here"
#endif
}

static long clone_into_slot(struct child *child, const struct cgroup_slot *slot, uint64_t flags)
{
    const struct clone_args arguments = {
        .flags = flags | CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)child_stack,
        .stack_size = sizeof(child_stack),
        .cgroup = (unsigned)slot->clone_fd,
    };
    child->slot = NULL;
    return clone3_call(&arguments, become_runner, child);
}

static long clone_child(struct child *child, const struct cgroup_slot *slot, uint64_t flags)
{
    if (slot->clone_fd >= 0) {
        long pid = clone_into_slot(child, slot, flags);
        if (pid > 0)
            return pid;
    }
    /* clone3 is denied in some containers; then the slow way. */
    child->slot = slot;
    int pid =
        clone(become_runner, child_stack + sizeof(child_stack), (int)(flags | SIGCHLD), child);
    return pid < 0 ? -errno : pid;
}

/* Real and effective ids are what a clone inherits for good: exec makes the saved one follow. */
static int take_id(const struct spawn_config *config, uid_t id)
{
    if (!config->has_runner_id)
        return 0;
    return syscall(SYS_setresuid, id, id, NAMESPACES_SPAWNER_ID) < 0 ? -errno : 0;
}

int spawn_runner(const struct spawn_config *config, const struct cgroup_slot *slot, pid_t *ret_pid,
                 enum spawner_step *reterr_step)
{
    struct child child = {.config = config, .slot = slot};
    int r = take_id(config, NAMESPACES_RUNNER_ID);
    if (r < 0) {
        *reterr_step = SPAWNER_STEP_IDENTITY;
        return r;
    }
    long pid =
        clone_child(&child, slot, config->clone_flags | CLONE_VM | CLONE_VFORK | CLONE_FILES);
    r = take_id(config, NAMESPACES_SPAWNER_ID);
    if (r < 0)
        _exit(1); /* as somebody else it must not go on */
    if (pid < 0) {
        *reterr_step = SPAWNER_STEP_CLONE;
        return (int)pid;
    }
    if (child.error < 0) {
        (void)waitpid((pid_t)pid, NULL, 0);
        *reterr_step = child.failed_step;
        return child.error;
    }
    *ret_pid = (pid_t)pid;
    return 0;
}
