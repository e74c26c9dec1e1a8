/*
 * privileges - giving up root for good.
 *
 * Threads: call before any thread starts (credentials belong to a thread). Errors: 0 or -errno; after
 * an error some may be gone already, so the caller must end.
 */
#ifndef TRYTOK_PRIVILEGES_H
#define TRYTOK_PRIVILEGES_H

#include <stdint.h>
#include <sys/types.h>

#include "attributes.h"

/*
 * Leaves this process with these ids, no other groups, no capabilities, no way to gain any
 * (no_new_privs), and non-dumpable; then proves that root cannot be had back. Started as an ordinary
 * user, the ids must be its own or are ignored; all else holds too. -EINVAL: an id is 0 (root).
 */
MUST_CHECK int privileges_drop(uid_t uid, gid_t gid);

/* The same without a change of ids. */
MUST_CHECK int privileges_give_up(void);

/* The same with no capabilities but `kept` (bits of CAP_…, below 32), which it must
 * have; no_new_privs, non-dumpable. */
MUST_CHECK int privileges_keep_only(uint32_t kept);

#endif
