#include "seccomp_filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define HIGHEST SYS_exit_group /* number of those allowed */
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#define HIGHEST SYS_mmap
#else
#error "say which AUDIT_ARCH this is"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the filter reads the low half of an argument at its first bytes"
#endif

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))
#define ARGUMENT_LOW(index) (FIELD(args) + 8 * (index))

enum simple_call {
#define SYSCALL(name) SIMPLE_##name,
#include "seccomp_filter.def"
#undef SYSCALL
    SIMPLE_COUNT
};

/* Where each part begins; a filter jumps only forward, so what they all end in comes last. */
enum place {
    AT_ARCH = 0,
    AT_NUMBER = 2,
    AT_RANGE = 3,
    AT_SIMPLE = 4,
    AT_MMAP = AT_SIMPLE + SIMPLE_COUNT,
    AT_CLOCK = AT_MMAP + 1,
    AT_MMAP_PROT = AT_CLOCK + 1,
    AT_CLOCK_ID = AT_MMAP_PROT + 2,
    AT_KILL = AT_CLOCK_ID + 3,
    AT_ALLOW,
    FILTER_COUNT
};
_Static_assert(FILTER_COUNT < UINT8_MAX, "a jump's distance is one byte");
#define SYSCALL(name) _Static_assert(SYS_##name <= HIGHEST, "HIGHEST is not: " #name);
#include "seccomp_filter.def"
#undef SYSCALL
_Static_assert(SYS_mmap <= HIGHEST && SYS_clock_gettime <= HIGHEST, "HIGHEST is not");

/* A jump counts from the instruction after its own. */
#define DISTANCE(at, target) ((uint8_t)((target) - (at)-1))
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define IF(test, value, at, yes, no)                                                               \
    BPF_JUMP(BPF_JMP | (test) | BPF_K, (uint32_t)(value), DISTANCE(at, yes), DISTANCE(at, no))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))

/*
 * When it is loaded, the kernel runs it for each number there is, to remember which are always
 * allowed: 34 us in all, which the short way for most numbers (AT_RANGE) makes 26.
 *
 * The architecture is looked at first: i386 calls (int 0x80) have numbers of their own. x32 calls
 * carry bit 30 in their number and so equal none of ours. Of mmap's prot and of a clock's id the
 * kernel itself looks at the low half only.
 */
static const struct sock_filter filter[FILTER_COUNT] = {
    [AT_ARCH] = LOAD(FIELD(arch)),
    [AT_ARCH + 1] = IF(BPF_JEQ, ARCH, AT_ARCH + 1, AT_NUMBER, AT_KILL),
    [AT_NUMBER] = LOAD(FIELD(nr)),
    [AT_RANGE] = IF(BPF_JGT, HIGHEST, AT_RANGE, AT_KILL, AT_SIMPLE),
#define SYSCALL(name)                                                                              \
    [AT_SIMPLE + SIMPLE_##name] = IF(BPF_JEQ, SYS_##name, AT_SIMPLE + SIMPLE_##name, AT_ALLOW,     \
                                     AT_SIMPLE + SIMPLE_##name + 1),
#include "seccomp_filter.def"
#undef SYSCALL
    [AT_MMAP] = IF(BPF_JEQ, SYS_mmap, AT_MMAP, AT_MMAP_PROT, AT_CLOCK),
    [AT_CLOCK] = IF(BPF_JEQ, SYS_clock_gettime, AT_CLOCK, AT_CLOCK_ID, AT_KILL),

    [AT_MMAP_PROT] = LOAD(ARGUMENT_LOW(2)),
    [AT_MMAP_PROT + 1] = IF(BPF_JSET, PROT_EXEC, AT_MMAP_PROT + 1, AT_KILL, AT_ALLOW),

    [AT_CLOCK_ID] = LOAD(ARGUMENT_LOW(0)),
    [AT_CLOCK_ID + 1] =
        IF(BPF_JEQ, CLOCK_THREAD_CPUTIME_ID, AT_CLOCK_ID + 1, AT_ALLOW, AT_CLOCK_ID + 2),
    [AT_CLOCK_ID + 2] = IF(BPF_JEQ, CLOCK_MONOTONIC, AT_CLOCK_ID + 2, AT_ALLOW, AT_KILL),

    [AT_KILL] = RETURN(SECCOMP_RET_KILL_PROCESS),
    [AT_ALLOW] = RETURN(SECCOMP_RET_ALLOW),
};

int seccomp_filter_install(void)
{
    /* The kernel does not write to it; the field's type only lacks a const. */
    union {
        const struct sock_filter *table;
        struct sock_filter *field;
    } code = {.table = filter};
    struct sock_fprog program = {.len = FILTER_COUNT, .filter = code.field};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

int seccomp_filter_probe(void)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}
