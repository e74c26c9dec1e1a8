#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup_driver.h"

enum { CPU_PERIOD_US = 100000, CPU_WEIGHT_MAX = 10000 };

/* Which group carries a process that has to leave ours before controllers can be handed down. */
#define DAEMON_GROUP "daemon"
/* Where a spawner lives: a group that hands down controllers may have no process of its own. */
#define SPAWNER_GROUP "spawner"

static const char *const controllers[CGROUP_CONTROLLERS] = {"memory", "pids", "cpu"};

static int open_own_group(const struct cgroup_config *config, const struct cgroup_self *self,
                          int *ret_fd)
{
    static const char *const mounts[] = {"", "/unified"};
    char path[2 * CGROUP_PATH_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(mounts); i++) {
        (void)snprintf(path, sizeof(path), "%s%s%s", config->root, mounts[i], self->unified_path);
        AUTO_FD int fd = -1;
        if (cgroup_open_directory(AT_FDCWD, path, &fd) == 0 &&
            faccessat(fd, "cgroup.controllers", F_OK, 0) == 0) {
            *ret_fd = TAKE_FD(fd);
            return 0;
        }
    }
    return -ENOENT;
}

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; *at; at += strcspn(at, " \n")) {
        at += strspn(at, " \n");
        if (strncmp(at, word, length) == 0 && strchr(" \n", at[length]))
            return true;
    }
    return false;
}

static bool is_offered(int fd, const char *controller)
{
    char text[256];
    AUTO_FD int file = -1;
    if (cgroup_open_file(fd, "cgroup.controllers", O_RDONLY, &file) < 0)
        return false;
    ssize_t count = read(file, text, sizeof(text) - 1);
    if (count <= 0)
        return false;
    text[count] = '\0';
    return has_word(text, controller);
}

static int enable(int fd, const char *controller)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "+%s", controller);
    return cgroup_write_file(fd, "cgroup.subtree_control", text);
}

/* A group with processes in it may not hand down controllers (-EBUSY), so that we move into a leaf
 * below; which helps when the group is ours alone, as a container's is. */
static int hand_down(const struct cgroup_config *config, struct cgroup_tree *tree,
                     enum cgroup_controller controller)
{
    int parent_fd = tree->parent_fds[0];
    if (!is_offered(parent_fd, controllers[controller]))
        return -ENOENT;
    int r = enable(parent_fd, controllers[controller]);
    if (r == -EBUSY) {
        AUTO_FD int daemon_fd = -1;
        r = cgroup_make_directory(config, tree->top_fds[0], DAEMON_GROUP, &daemon_fd);
        if (r == 0)
            r = cgroup_write_file(daemon_fd, "cgroup.procs", "0");
        if (r == 0)
            r = enable(parent_fd, controllers[controller]);
    }
    return r < 0 ? r : enable(tree->top_fds[0], controllers[controller]);
}

static int limit_memory(const struct cgroup_config *config, int fd, struct cgroup_slot *slot)
{
    int r = cgroup_write_number(fd, "memory.max", config->memory_max_bytes);
    if (r < 0)
        return r;
    r = cgroup_write_file(fd, "memory.swap.max", "0");
    if (r < 0 && r != -ENOENT)
        return r;
    r = cgroup_open_file(fd, "memory.events", O_RDONLY, &slot->oom_fd);
    if (r < 0)
        return r;
    /* Writable since Linux 6.12: resets the peak for those who share this open file. Without it a
     * slot's peak would be that of all its runs, so it is not looked at. */
    (void)!cgroup_open_file(fd, "memory.peak", O_RDWR, &slot->peak_fd);
    return 0;
}

/* The kernel asks for the right to write cgroup.procs here and where the two groups meet. */
static int allow_clone(const struct cgroup_config *config, int fd)
{
    if (config->clone_uid == geteuid())
        return 0;
    return fchownat(fd, "cgroup.procs", config->clone_uid, (gid_t)-1, 0) < 0 ? -errno : 0;
}

/* Spawners live in a leaf of ours, so that it and a slot meet in our own directory. */
static int prepare_spawner_group(const struct cgroup_config *config, struct cgroup_tree *tree)
{
    AUTO_FD int fd = -1;
    int r = cgroup_make_directory(config, tree->top_fds[0], SPAWNER_GROUP, &fd);
    if (r == 0)
        r = allow_clone(config, tree->top_fds[0]);
    return r < 0 ? r : cgroup_open_file(fd, "cgroup.procs", O_WRONLY, &tree->join_fds[0]);
}

static int create_slot(const struct cgroup_config *config, struct cgroup_tree *tree, unsigned index)
{
    struct cgroup_slot *slot = &tree->slots[index];
    char name[16];
    (void)snprintf(name, sizeof(name), "%u", index);

    AUTO_FD int fd = -1;
    int r = cgroup_make_directory(config, tree->top_fds[0], name, &fd);
    if (r == 0 && (tree->layers & LAYER_BIT(LAYER_CGROUP_MEMORY)))
        r = limit_memory(config, fd, slot);
    if (r == 0 && (tree->layers & LAYER_BIT(LAYER_CGROUP_PIDS)))
        r = cgroup_write_number(fd, "pids.max", config->pids_max);
    if (r == 0)
        r = cgroup_open_file(fd, "cgroup.procs", O_WRONLY, &slot->enter_fds[0]);
    if (r == 0 && allow_clone(config, fd) == 0)
        slot->clone_fd = TAKE_FD(fd);
    return r;
}

/* 1024 shares of version 1 are a weight of 100. */
static int limit_cpu(const struct cgroup_config *config, int fd)
{
    int r = 0;
    if (config->cpu_shares > 0) {
        uint64_t weight = (uint64_t)config->cpu_shares * 100 / 1024;
        weight = weight < 1 ? 1 : weight > CPU_WEIGHT_MAX ? CPU_WEIGHT_MAX : weight;
        r = cgroup_write_number(fd, "cpu.weight", weight);
    }
    if (r == 0 && config->cpu_quota_percent > 0) {
        char text[64];
        (void)snprintf(text, sizeof(text), "%u %u", CPU_PERIOD_US / 100 * config->cpu_quota_percent,
                       CPU_PERIOD_US);
        r = cgroup_write_file(fd, "cpu.max", text);
    }
    return r;
}

static void drop_layers(struct cgroup_tree *tree, layer_set layers, int error)
{
    for (unsigned i = 0; i < LAYER_COUNT; i++)
        if (layers & tree->layers & LAYER_BIT(i))
            tree->errors[i] = error;
    tree->layers &= ~layers;
}

int cgroup_v2_create(const struct cgroup_config *config, const struct cgroup_self *self,
                     struct cgroup_tree *tree)
{
    tree->version = 2;
    if (!self->unified_path[0] || open_own_group(config, self, &tree->parent_fds[0]) < 0) {
        tree->version = 0;
        return 0;
    }
    cgroup_remove_stale(tree->parent_fds[0]);
    int top = cgroup_make_directory(config, tree->parent_fds[0], tree->name, &tree->top_fds[0]);
    for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++) {
        enum layer layer = cgroup_controller_layer((enum cgroup_controller)i);
        int r = top < 0 ? top : hand_down(config, tree, (enum cgroup_controller)i);
        tree->errors[layer] = r;
        if (r == 0)
            tree->layers |= LAYER_BIT(layer);
    }

    int r = limit_cpu(config, tree->top_fds[0]);
    if (r < 0)
        drop_layers(tree, LAYER_BIT(LAYER_CGROUP_CPU), r);
    r = tree->layers ? prepare_spawner_group(config, tree) : 0;
    for (unsigned i = 0; i < tree->slot_count && r == 0 && tree->layers; i++)
        r = create_slot(config, tree, i);
    if (r < 0)
        drop_layers(tree, tree->layers, r);
    return 0;
}
