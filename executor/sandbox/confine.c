#include "confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "attributes.h"
#include "landlock.h"
#include "seccomp_filter.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

/* What an id that is mapped to nothing looks like; the kernel's default, and nobody changes it. */
enum { OVERFLOW_ID = 65534 };

struct step {
    enum layer layer;
    /* NULL: made by the spawner, only seen here. */
    int (*apply)(const struct confine_config *config, struct confine_report *report);
    /* NULL: nothing can be asked afterwards, apply's word is all there is. */
    int (*verify)(const struct confine_config *config);
};

static int verify_user_ns(const struct confine_config *config UNUSED)
{
    return getuid() == OVERFLOW_ID && getgid() == OVERFLOW_ID ? 0 : -EPERM;
}

static int verify_pid_ns(const struct confine_config *config UNUSED)
{
    return getpid() == 1 ? 0 : -EPERM;
}

static int verify_uts_ns(const struct confine_config *config UNUSED)
{
    struct utsname name;
    if (uname(&name) < 0)
        return -errno;
    return strcmp(name.nodename, CONFINE_HOST_NAME) == 0 ? 0 : -EPERM;
}

/* Read-only, and of the file system's inodes only one is in use: the root itself. */
static int verify_empty_root(const struct confine_config *config UNUSED)
{
    struct statvfs status;
    if (statvfs("/", &status) < 0)
        return -errno;
    bool is_empty = status.f_files > 0 && status.f_files - status.f_ffree == 1;
    return is_empty && status.f_flag & ST_RDONLY ? 0 : -EPERM;
}

static int apply_no_capabilities(const struct confine_config *config UNUSED,
                                 struct confine_report *report UNUSED)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
    memset(none, 0, sizeof(none));
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int verify_no_capabilities(const struct confine_config *config UNUSED)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct left[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, left) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_COUNT(left); i++)
        if ((left[i].effective | left[i].permitted | left[i].inheritable) != 0)
            return -EPERM;
    return 0;
}

static int apply_no_new_privs(const struct confine_config *config UNUSED,
                              struct confine_report *report UNUSED)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int verify_no_new_privs(const struct confine_config *config UNUSED)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

static int apply_non_dumpable(const struct confine_config *config UNUSED,
                              struct confine_report *report UNUSED)
{
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

static int verify_non_dumpable(const struct confine_config *config UNUSED)
{
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -EPERM;
}

/* All but the stream is closed here too: a descriptor is a right that no limit takes back. Comes
 * after Landlock, whose ruleset is a descriptor that must still be allowed. */
static int apply_rlimits(const struct confine_config *config, struct confine_report *report UNUSED)
{
    const struct {
        int resource;
        rlim_t value;
    } limits[] = {
        {RLIMIT_AS, config->address_space_bytes},
        {RLIMIT_CPU, config->cpu_seconds},
        {RLIMIT_CORE, 0},
        {RLIMIT_FSIZE, 0},
        {RLIMIT_NPROC, 0},
        {RLIMIT_NOFILE, (rlim_t)config->stream_fd + 1},
        {RLIMIT_MEMLOCK, 0},
        {RLIMIT_MSGQUEUE, 0},
        {RLIMIT_STACK, 8 * 1024 * 1024},
    };
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        struct rlimit limit = {.rlim_cur = limits[i].value, .rlim_max = limits[i].value};
        if (setrlimit(limits[i].resource, &limit) < 0)
            return -errno;
    }
    return syscall(SYS_close_range, config->stream_fd + 1, ~0U, 0) < 0 ? -errno : 0;
}

static int verify_rlimits(const struct confine_config *config)
{
    struct rlimit space, cpu;
    if (getrlimit(RLIMIT_AS, &space) < 0 || getrlimit(RLIMIT_CPU, &cpu) < 0)
        return -errno;
    return space.rlim_max == config->address_space_bytes && cpu.rlim_max == config->cpu_seconds
               ? 0
               : -EPERM;
}

static int apply_landlock(const struct confine_config *config UNUSED, struct confine_report *report)
{
    return landlock_deny_all(&report->landlock_abi);
}

static int verify_landlock(const struct confine_config *config UNUSED)
{
    int root = openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0) {
        close_fd(root);
        return -EPERM;
    }
    return errno == EACCES ? 0 : -errno;
}

static int apply_mdwe(const struct confine_config *config UNUSED,
                      struct confine_report *report UNUSED)
{
    return prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 ? -errno : 0;
}

static int verify_mdwe(const struct confine_config *config UNUSED)
{
    return prctl(PR_GET_MDWE, 0, 0, 0, 0) == PR_MDWE_REFUSE_EXEC_GAIN ? 0 : -EPERM;
}

static int apply_seccomp(const struct confine_config *config UNUSED,
                         struct confine_report *report UNUSED)
{
    return seccomp_filter_install();
}

static const struct step steps[] = {
    {LAYER_USER_NS, NULL, verify_user_ns},
    {LAYER_PID_NS, NULL, verify_pid_ns},
    {LAYER_UTS_NS, NULL, verify_uts_ns},
    {LAYER_EMPTY_ROOT, NULL, verify_empty_root},
    {LAYER_NO_CAPABILITIES, apply_no_capabilities, verify_no_capabilities},
    {LAYER_NO_NEW_PRIVS, apply_no_new_privs, verify_no_new_privs},
    {LAYER_NON_DUMPABLE, apply_non_dumpable, verify_non_dumpable},
    {LAYER_LANDLOCK, apply_landlock, verify_landlock},
    {LAYER_MDWE, apply_mdwe, verify_mdwe},
    {LAYER_RLIMITS, apply_rlimits, verify_rlimits},
    {LAYER_SECCOMP, apply_seccomp, NULL},
};

static int take_step(const struct step *step, const struct confine_config *config,
                     struct confine_report *report)
{
    if (config->left_out & LAYER_BIT(step->layer))
        return -ECANCELED;
    int r = step->apply ? step->apply(config, report) : 0;
    if (r == 0 && step->verify)
        r = step->verify(config);
    return r;
}

void confine_self(const struct confine_config *config, struct confine_report *ret_report)
{
    memset(ret_report, 0, sizeof(*ret_report));
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        int r = take_step(&steps[i], config, ret_report);
        ret_report->errors[steps[i].layer] = r;
        if (r == 0)
            ret_report->layers |= LAYER_BIT(steps[i].layer);
    }
}
