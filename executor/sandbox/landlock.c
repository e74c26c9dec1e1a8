#include "landlock.h"

#include <sys/syscall.h>

/* From the kernel's <linux/landlock.h>, whose installed copy may be older than the kernel. */
enum { CREATE_RULESET_VERSION = 1 };
struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};
#define ACCESS_FS_ABI_1 ((UINT64_C(1) << 13) - 1)
#define ACCESS_FS_REFER (UINT64_C(1) << 13)
#define ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)
#define ACCESS_FS_IOCTL_DEV (UINT64_C(1) << 15)
#define ACCESS_NET_BIND_AND_CONNECT_TCP UINT64_C(3)
#define SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS UINT64_C(3)

int landlock_probe(uint32_t *ret_abi)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_RULESET_VERSION);
    if (abi < 0)
        return -errno;
    *ret_abi = (uint32_t)abi;
    return 0;
}

/* The kernel refuses bits that it does not know, and zero bits beyond the end are fine. */
static struct ruleset ruleset_for(uint32_t abi)
{
    struct ruleset rules = {.handled_access_fs = ACCESS_FS_ABI_1};
    if (abi >= 2)
        rules.handled_access_fs |= ACCESS_FS_REFER;
    if (abi >= 3)
        rules.handled_access_fs |= ACCESS_FS_TRUNCATE;
    if (abi >= LANDLOCK_ABI_TCP)
        rules.handled_access_net = ACCESS_NET_BIND_AND_CONNECT_TCP;
    if (abi >= 5)
        rules.handled_access_fs |= ACCESS_FS_IOCTL_DEV;
    if (abi >= LANDLOCK_ABI_SCOPES)
        rules.scoped = SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS;
    return rules;
}

int landlock_deny_all(uint32_t *ret_abi)
{
    uint32_t abi = 0;
    int r = landlock_probe(&abi);
    if (r < 0)
        return r;

    struct ruleset rules = ruleset_for(abi);
    AUTO_FD int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
    if (fd < 0)
        return -errno;
    if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        return -errno;
    *ret_abi = abi;
    return 0;
}
