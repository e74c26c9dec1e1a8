/* cgroup_driver - what the two versions of cgroups share and what they differ in; for cgroup*.c. */
#ifndef TRYTOK_CGROUP_DRIVER_H
#define TRYTOK_CGROUP_DRIVER_H

#include "cgroup.h"

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU };

/* Our own groups, as self_file tells: one line a hierarchy. */
struct cgroup_self {
    char paths[CGROUP_CONTROLLERS][CGROUP_PATH_MAX]; /* version 1; "" where it is not mounted */
    char unified_path[CGROUP_PATH_MAX];              /* version 2; "" where there is none */
};

enum layer cgroup_controller_layer(enum cgroup_controller controller);

MUST_CHECK int cgroup_open_directory(int parent_fd, const char *name, int *ret_fd);
/* Makes it if it is not there, then opens it. */
MUST_CHECK int cgroup_make_directory(const struct cgroup_config *config, int parent_fd,
                                     const char *name, int *ret_fd);
MUST_CHECK int cgroup_write_file(int directory_fd, const char *name, const char *text);
MUST_CHECK int cgroup_write_number(int directory_fd, const char *name, uint64_t number);
MUST_CHECK int cgroup_open_file(int directory_fd, const char *name, int flags, int *ret_fd);
/* Removes the trees of executors that are gone; best effort. */
void cgroup_remove_stale(int parent_fd);

MUST_CHECK int cgroup_v1_create(const struct cgroup_config *config, const struct cgroup_self *self,
                                struct cgroup_tree *tree);
MUST_CHECK int cgroup_v2_create(const struct cgroup_config *config, const struct cgroup_self *self,
                                struct cgroup_tree *tree);

#endif
