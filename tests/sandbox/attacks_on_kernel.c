#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "attacks.h"
#include "attributes.h"

static int outcome(long result)
{
    return result < 0 ? errno : 0;
}

/* Outcome of making a process: the child ends at once. */
static int outcome_of_child(long pid)
{
    if (pid == 0)
        _exit(0);
    int error = outcome(pid);
    if (pid > 0)
        (void)waitpid((pid_t)pid, NULL, __WALL);
    return error;
}

/* ---- S01 more processes, S02 other programs -------------------------------------------------- */

static int attack_fork(void)
{
    return outcome_of_child(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int attack_clone3(void)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } arguments = {.exit_signal = SIGCHLD};
    return outcome_of_child(syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

static int attack_user_namespace(void)
{
    return outcome(unshare(CLONE_NEWUSER | CLONE_NEWNS));
}

/* The runner's timer outlives it, and would end the next program. */
static void stop_timer(void)
{
    const struct itimerval never = {.it_value = {0, 0}};
    (void)setitimer(ITIMER_REAL, &never, NULL);
}

static int attack_execve(void)
{
    static char name[] = "true";
    char *arguments[] = {name, NULL};
    int error = attack_fork();
    if (error != 0 && error != EAGAIN)
        return error;
    stop_timer();
    return outcome(execve("/bin/true", arguments, arguments + 1));
}

static int attack_exec_memfd(void)
{
    static const char program[] = "#!/bin/true\n";
    static char name[] = "true";
    char *arguments[] = {name, NULL};
    int fd = (int)syscall(SYS_memfd_create, "x", 0);
    if (fd < 0 || write(fd, program, sizeof(program) - 1) < 0)
        return errno;
    stop_timer();
    return outcome(syscall(SYS_execveat, fd, "", arguments, arguments + 1, AT_EMPTY_PATH));
}

/* ---- S03 networks ---------------------------------------------------------------------------- */

static int make_socket(int family, int type, int protocol)
{
    return outcome(socket(family, type, protocol));
}

static int attack_inet_socket(void)
{
    return make_socket(AF_INET, SOCK_STREAM, 0);
}

static int attack_inet6_socket(void)
{
    return make_socket(AF_INET6, SOCK_DGRAM, 0);
}

static int attack_unix_socket(void)
{
    return make_socket(AF_UNIX, SOCK_STREAM, 0);
}

static int attack_netlink_socket(void)
{
    return make_socket(AF_NETLINK, SOCK_RAW, 0);
}

static int attack_packet_socket(void)
{
    return make_socket(AF_PACKET, SOCK_RAW, 0);
}

/* Anybody who would answer: a UDP "connection" to ourselves needs an interface that is up. */
static int attack_send_udp(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        return errno;
    return outcome(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
}

static int attack_bind_tcp(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return errno;
    return outcome(bind(fd, (struct sockaddr *)&any, sizeof(any)));
}

/* ---- S04 files, S25 disks -------------------------------------------------------------------- */

static int open_file(const char *path, int flags)
{
    return outcome(open(path, flags, 0600));
}

static int attack_read_passwd(void)
{
    return open_file("/etc/passwd", O_RDONLY);
}

static int attack_read_environment(void)
{
    return open_file("/proc/self/environ", O_RDONLY);
}

static int attack_write_own_memory(void)
{
    return open_file("/proc/self/mem", O_RDWR);
}

static int attack_list_root(void)
{
    return open_file("/", O_RDONLY | O_DIRECTORY);
}

static int attack_fill_disk(void)
{
    static const char *const places[] = {"/tmp", "/dev/shm", "/var/tmp", ".", "/"};
    int error = 0;
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        int fd = open(places[i], O_TMPFILE | O_WRONLY, 0600);
        if (fd >= 0) {
            static const char bytes[4096];
            /* RLIMIT_FSIZE answers with a signal, unless we are the first of a pid namespace. */
            (void)signal(SIGXFSZ, SIG_IGN);
            return outcome(write(fd, bytes, sizeof(bytes)));
        }
        error = errno;
    }
    return error;
}

static int attack_mount(void)
{
    return outcome(mount("none", "/", "tmpfs", MS_REMOUNT | MS_BIND, NULL));
}

/* ---- S05 other processes' memory, S06 signals ------------------------------------------------ */

static pid_t someone_else(void)
{
    pid_t parent = getppid(); /* 0 when that is in another pid namespace */
    return parent > 0 ? parent : 2;
}

static int attack_ptrace(void)
{
    pid_t pid = someone_else();
    int error = outcome(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
    if (error == 0)
        (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return error;
}

static int attack_read_memory(void)
{
    char byte;
    struct iovec here = {&byte, 1};
    /* Whether it may be asked for at all; that there is nothing at this address comes after. */
    struct iovec there = {(void *)16, 1};
    int error = outcome(process_vm_readv(someone_else(), &here, 1, &there, 1, 0));
    return error == EFAULT ? 0 : error;
}

static int attack_signal(void)
{
    return outcome(kill(someone_else(), 0)); /* 0: may we? nobody gets hurt */
}

static int attack_signal_all(void)
{
    return outcome(kill(-1, 0));
}

/* ---- S07 descriptors ------------------------------------------------------------------------- */

static int attack_descriptors(void)
{
    char text[64];
    int found = 0;
    for (int fd = 1; fd < 65536; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            found++;
        else if (errno != EBADF)
            return errno;
    (void)snprintf(text, sizeof(text), "descriptors %d\n", found);
    attack_say(text);
    return found > 0 ? 0 : EBADF;
}

/* ---- S08, S09 memory ------------------------------------------------------------------------- */

/* More than the cgroup of a test gives, and less than does harm where there is none. */
static int attack_memory(void)
{
    const size_t chunk = 1024 * 1024;
    for (int i = 0; i < 160; i++) {
        char *pointer =
            mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pointer == MAP_FAILED)
            return errno;
        memset(pointer, 1, chunk);
        __asm__ volatile("" : : "r"(pointer) : "memory");
    }
    return 0;
}

static int attack_address_space(void)
{
    void *pointer = mmap(NULL, (size_t)1 << 40, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return pointer == MAP_FAILED ? errno : 0;
}

static int attack_mlock(void)
{
    static char page[4096];
    return outcome(mlock(page, sizeof(page)));
}

static int attack_memfd(void)
{
    return outcome(syscall(SYS_memfd_create, "x", 0));
}

static int attack_writable_code(void)
{
    void *pointer =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pointer == MAP_FAILED ? errno : 0;
}

static int attack_make_executable(void)
{
    void *pointer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pointer == MAP_FAILED)
        return errno;
    return outcome(mprotect(pointer, 4096, PROT_READ | PROT_EXEC));
}

static int attack_shared_memory(void)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    int error = outcome(id);
    if (id >= 0)
        (void)shmctl(id, IPC_RMID, NULL);
    return error;
}

/* ---- S19 other tables of system calls, S20 getting out of the filter ------------------------- */

#if defined(__x86_64__)
static int attack_int80(void)
{
    long result = 20; /* i386's getpid */
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result > 0 ? 0 : (int)-result;
}

/* A kernel without x32 takes the number for an unknown one; the filter never lets it come so far. */
static int attack_x32(void)
{
    return outcome(syscall(0x40000000 | SYS_getpid));
}
#else
static int attack_int80(void)
{
    return ENOSYS;
}

static int attack_x32(void)
{
    return ENOSYS;
}
#endif

static int attack_become_dumpable(void)
{
    return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int attack_second_filter(void)
{
    static struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = 1, .filter = allow};
    return outcome(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static int attack_new_privileges(void)
{
    return outcome(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

/* ---- S22 randomness, S23 core files ---------------------------------------------------------- */

/* Where the program and its stack are, and what the kernel gave for a canary. */
static int attack_randomness(void)
{
    char text[128];
    uint64_t canary = 0;
    memcpy(&canary, (const char *)getauxval(AT_RANDOM), sizeof(canary));
    (void)snprintf(text, sizeof(text), "canary %llx code %p stack %p\n", (unsigned long long)canary,
                   (void *)attack_randomness, (void *)&canary);
    attack_say(text);
    return 0;
}

static int attack_crash(void)
{
    __builtin_trap(); /* as a wild pointer would, which compilers see through */
}

/* ---- S17 survivors --------------------------------------------------------------------------- */

static int attack_survive(void)
{
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid < 0)
        return errno;
    if (pid == 0) {
        for (;;)
            (void)pause(); /* and hold the stream */
    }
    return 0;
}

const struct attack attacks_on_kernel[] = {
    {"fork", attack_fork},
    {"clone3", attack_clone3},
    {"user_namespace", attack_user_namespace},
    {"execve", attack_execve},
    {"exec_memfd", attack_exec_memfd},
    {"inet_socket", attack_inet_socket},
    {"inet6_socket", attack_inet6_socket},
    {"unix_socket", attack_unix_socket},
    {"netlink_socket", attack_netlink_socket},
    {"packet_socket", attack_packet_socket},
    {"send_udp", attack_send_udp},
    {"bind_tcp", attack_bind_tcp},
    {"read_passwd", attack_read_passwd},
    {"read_environment", attack_read_environment},
    {"write_own_memory", attack_write_own_memory},
    {"list_root", attack_list_root},
    {"fill_disk", attack_fill_disk},
    {"mount", attack_mount},
    {"ptrace", attack_ptrace},
    {"read_memory", attack_read_memory},
    {"signal", attack_signal},
    {"signal_all", attack_signal_all},
    {"descriptors", attack_descriptors},
    {"memory", attack_memory},
    {"address_space", attack_address_space},
    {"mlock", attack_mlock},
    {"memfd", attack_memfd},
    {"writable_code", attack_writable_code},
    {"make_executable", attack_make_executable},
    {"shared_memory", attack_shared_memory},
    {"int80", attack_int80},
    {"x32", attack_x32},
    {"become_dumpable", attack_become_dumpable},
    {"second_filter", attack_second_filter},
    {"new_privileges", attack_new_privileges},
    {"randomness", attack_randomness},
    {"crash", attack_crash},
    {"survive", attack_survive},
    {NULL, NULL},
};
