/*
 * seccomp_filter - the allow-list of a runner, as a table of BPF that is built by the compiler.
 *
 * All but a dozen system calls end the whole process with SIGSYS, which the executor counts and
 * reports as `killed`: no bug of ours makes them, so whoever does is under attack.
 *
 * Needs no_new_privs. Errors: 0 or -errno (-ENOSYS, -EINVAL: the kernel has no filters).
 */
#ifndef TRYTOK_SECCOMP_FILTER_H
#define TRYTOK_SECCOMP_FILTER_H

#include "attributes.h"

/* Cannot be undone; nothing but the allow-list works afterwards. */
MUST_CHECK int seccomp_filter_install(void);

/* Whether this kernel knows SECCOMP_RET_KILL_PROCESS; changes nothing. */
MUST_CHECK int seccomp_filter_probe(void);

#endif
