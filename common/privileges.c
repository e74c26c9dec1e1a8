#include "privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int set_capabilities(uint32_t kept)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct wanted[_LINUX_CAPABILITY_U32S_3];
    memset(wanted, 0, sizeof(wanted));
    wanted[0].effective = kept;
    wanted[0].permitted = kept;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return -errno;
    if (syscall(SYS_capset, &header, wanted) < 0)
        return -errno;

    struct __user_cap_data_struct left[_LINUX_CAPABILITY_U32S_3];
    memset(left, 0xff, sizeof(left));
    if (syscall(SYS_capget, &header, left) < 0)
        return -errno;
    return memcmp(left, wanted, sizeof(left)) == 0 ? 0 : -EPERM;
}

int privileges_keep_only(uint32_t kept)
{
    int r = set_capabilities(kept);
    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return -EPERM;
    return 0;
}

int privileges_give_up(void)
{
    return privileges_keep_only(0);
}

/* Whoever is not root any more must fail at each way back; success here is the error. */
static int verify_no_return(uid_t uid, gid_t gid)
{
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setegid(0) == 0)
        return -EPERM;

    uid_t real_uid = 0, effective_uid = 0, saved_uid = 0;
    gid_t real_gid = 0, effective_gid = 0, saved_gid = 0;
    if (getresuid(&real_uid, &effective_uid, &saved_uid) < 0 ||
        getresgid(&real_gid, &effective_gid, &saved_gid) < 0)
        return -errno;
    if (real_uid != uid || effective_uid != uid || saved_uid != uid)
        return -EPERM;
    if (real_gid != gid || effective_gid != gid || saved_gid != gid)
        return -EPERM;
    return 0;
}

int privileges_drop(uid_t uid, gid_t gid)
{
    if (geteuid() != 0)
        return privileges_give_up();
    if (uid == 0 || gid == 0)
        return -EINVAL;
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;

    int r = privileges_give_up();
    return r < 0 ? r : verify_no_return(uid, gid);
}
