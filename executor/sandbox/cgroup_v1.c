#include <fcntl.h>
#include <stdio.h>

#include "cgroup_driver.h"

enum { CPU_PERIOD_US = 100000 };

static const char *const mounts[CGROUP_CONTROLLERS] = {"memory", "pids", "cpu"};

/* A container may see its own group as the root of the mount, while self_file has the host's path. */
static int open_own_group(const struct cgroup_config *config, enum cgroup_controller controller,
                          const char *own_path, int *ret_fd)
{
    char path[2 * CGROUP_PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s%s", config->root, mounts[controller], own_path);
    if (cgroup_open_directory(AT_FDCWD, path, ret_fd) == 0)
        return 0;
    (void)snprintf(path, sizeof(path), "%s/%s", config->root, mounts[controller]);
    return cgroup_open_directory(AT_FDCWD, path, ret_fd);
}

static int limit_memory(const struct cgroup_config *config, int fd, struct cgroup_slot *slot)
{
    int r = cgroup_write_number(fd, "memory.limit_in_bytes", config->memory_max_bytes);
    if (r < 0)
        return r;
    /* With swap, what is over the limit would be paged out instead. */
    r = cgroup_write_number(fd, "memory.memsw.limit_in_bytes", config->memory_max_bytes);
    if (r < 0 && r != -ENOENT)
        return r;
    r = cgroup_open_file(fd, "memory.max_usage_in_bytes", O_RDWR, &slot->peak_fd);
    return r < 0 ? r : cgroup_open_file(fd, "memory.oom_control", O_RDONLY, &slot->oom_fd);
}

static int create_slot(const struct cgroup_config *config, struct cgroup_tree *tree,
                       enum cgroup_controller controller, unsigned index)
{
    struct cgroup_slot *slot = &tree->slots[index];
    char name[16];
    (void)snprintf(name, sizeof(name), "%u", index);

    AUTO_FD int fd = -1;
    int r = cgroup_make_directory(config, tree->top_fds[controller], name, &fd);
    if (r < 0)
        return r;
    r = controller == CGROUP_MEMORY ? limit_memory(config, fd, slot)
                                    : cgroup_write_number(fd, "pids.max", config->pids_max);
    if (r < 0)
        return r;
    /* Not cgroup.procs: that takes the lock which waits for a grace period. */
    return cgroup_open_file(fd, "tasks", O_WRONLY, &slot->enter_fds[controller]);
}

static int limit_cpu(const struct cgroup_config *config, struct cgroup_tree *tree)
{
    int fd = tree->top_fds[CGROUP_CPU];
    int r = config->cpu_shares > 0 ? cgroup_write_number(fd, "cpu.shares", config->cpu_shares) : 0;
    if (r == 0 && config->cpu_quota_percent > 0) {
        r = cgroup_write_number(fd, "cpu.cfs_period_us", CPU_PERIOD_US);
        if (r == 0)
            r = cgroup_write_number(fd, "cpu.cfs_quota_us",
                                    (uint64_t)CPU_PERIOD_US * config->cpu_quota_percent / 100);
    }
    return r < 0 ? r : cgroup_open_file(fd, "tasks", O_WRONLY, &tree->join_fds[CGROUP_CPU]);
}

static int create_controller(const struct cgroup_config *config, const struct cgroup_self *self,
                             struct cgroup_tree *tree, enum cgroup_controller controller)
{
    if (!self->paths[controller][0])
        return -ENOENT;
    int *parent_fd = &tree->parent_fds[controller];
    int r = open_own_group(config, controller, self->paths[controller], parent_fd);
    if (r < 0)
        return r;
    cgroup_remove_stale(*parent_fd);
    r = cgroup_make_directory(config, *parent_fd, tree->name, &tree->top_fds[controller]);
    if (r < 0)
        return r;
    if (controller == CGROUP_CPU)
        return limit_cpu(config, tree);
    for (unsigned i = 0; i < tree->slot_count && r == 0; i++)
        r = create_slot(config, tree, controller, i);
    return r;
}

int cgroup_v1_create(const struct cgroup_config *config, const struct cgroup_self *self,
                     struct cgroup_tree *tree)
{
    tree->version = 1;
    for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++) {
        enum layer layer = cgroup_controller_layer((enum cgroup_controller)i);
        int r = create_controller(config, self, tree, (enum cgroup_controller)i);
        tree->errors[layer] = r;
        if (r == 0)
            tree->layers |= LAYER_BIT(layer);
    }
    return 0;
}
