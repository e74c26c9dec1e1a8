/*
 * landlock - denies a process every file, every TCP port, and signals and abstract Unix sockets
 * beyond itself, as far as the kernel's version of Landlock knows them.
 *
 * Versions (ABI): 1 files, 2 renames, 3 truncation, 4 TCP, 5 device ioctl, 6 scopes of signals and
 * abstract sockets. Errors: 0 or -errno (-ENOSYS: not built in, -EOPNOTSUPP: switched off).
 */
#ifndef TRYTOK_LANDLOCK_H
#define TRYTOK_LANDLOCK_H

#include <stdint.h>

#include "attributes.h"

enum { LANDLOCK_ABI_FILES = 1, LANDLOCK_ABI_TCP = 4, LANDLOCK_ABI_SCOPES = 6 };

MUST_CHECK int landlock_probe(uint32_t *ret_abi);
/* Needs no_new_privs; cannot be undone. */
MUST_CHECK int landlock_deny_all(uint32_t *ret_abi);

#endif
