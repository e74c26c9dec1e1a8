#include "cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup_driver.h"

#define NAME_PREFIX "trytok-"

enum layer cgroup_controller_layer(enum cgroup_controller controller)
{
    switch (controller) {
    case CGROUP_MEMORY:
        return LAYER_CGROUP_MEMORY;
    case CGROUP_PIDS:
        return LAYER_CGROUP_PIDS;
    case CGROUP_CPU:
        break;
    }
    return LAYER_CGROUP_CPU;
}

/* ---- files and directories ------------------------------------------------------------------- */

int cgroup_open_directory(int parent_fd, const char *name, int *ret_fd)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

int cgroup_make_directory(const struct cgroup_config *config, int parent_fd, const char *name,
                          int *ret_fd)
{
    int made = config->make_directory ? config->make_directory(parent_fd, name)
                                      : mkdirat(parent_fd, name, 0755);
    if (made < 0 && errno != EEXIST)
        return -errno;
    return cgroup_open_directory(parent_fd, name, ret_fd);
}

int cgroup_open_file(int directory_fd, const char *name, int flags, int *ret_fd)
{
    int fd = openat(directory_fd, name, flags | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

int cgroup_write_file(int directory_fd, const char *name, const char *text)
{
    AUTO_FD int fd = -1;
    int r = cgroup_open_file(directory_fd, name, O_WRONLY, &fd);
    if (r < 0)
        return r;
    return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgroup_write_number(int directory_fd, const char *name, uint64_t number)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    return cgroup_write_file(directory_fd, name, text);
}

/* ---- our name, and those of executors that are gone ------------------------------------------ */

static int read_pid_namespace(uint64_t *ret_inode)
{
    struct stat status;
    if (stat("/proc/self/ns/pid", &status) < 0)
        return -errno;
    *ret_inode = (uint64_t)status.st_ino;
    return 0;
}

/* A pid says nothing in another pid namespace, so that the name carries both. */
static int make_name(char *name, size_t size)
{
    uint64_t inode = 0;
    int r = read_pid_namespace(&inode);
    if (r < 0)
        return r;
    (void)snprintf(name, size, NAME_PREFIX "%" PRIu64 "-%d", inode, (int)getpid());
    return 0;
}

static bool is_stale(const char *name)
{
    const size_t prefix = strlen(NAME_PREFIX);
    uint64_t own = 0;
    char *end = NULL;
    if (strncmp(name, NAME_PREFIX, prefix) != 0 || read_pid_namespace(&own) < 0)
        return false;
    if (strtoull(name + prefix, &end, 10) != own || *end != '-')
        return false;
    long pid = strtol(end + 1, &end, 10);
    if (*end != '\0' || pid <= 0 || pid > INT32_MAX)
        return false;
    return pid == getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

/* Removes a tree of ours: its slots, then itself. */
static int remove_tree(int parent_fd, const char *name)
{
    int top_fd = -1;
    int r = cgroup_open_directory(parent_fd, name, &top_fd);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    DIR *top = fdopendir(top_fd);
    if (!top) {
        close_fd(top_fd);
        return -ENOMEM;
    }
    for (const struct dirent *entry = readdir(top); entry; entry = readdir(top))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            (void)unlinkat(dirfd(top), entry->d_name, AT_REMOVEDIR);
    (void)closedir(top);
    return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

void cgroup_remove_stale(int parent_fd)
{
    int fd = -1;
    if (cgroup_open_directory(parent_fd, ".", &fd) < 0)
        return;
    DIR *parent = fdopendir(fd);
    if (!parent) {
        close_fd(fd);
        return;
    }
    for (const struct dirent *entry = readdir(parent); entry; entry = readdir(parent))
        if (is_stale(entry->d_name))
            (void)remove_tree(parent_fd, entry->d_name);
    (void)closedir(parent);
}

/* ---- where we are ---------------------------------------------------------------------------- */

static bool list_contains(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',' ? 1 : 0;
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* "4:memory:/path", or "0::/path" for version 2. */
static void read_self_line(char *line, struct cgroup_self *self)
{
    static const char *const controllers[CGROUP_CONTROLLERS] = {"memory", "pids", "cpu"};
    char *list = strchr(line, ':');
    char *path = list ? strchr(list + 1, ':') : NULL;
    if (!path)
        return;
    list++;
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';

    if (*list == '\0')
        (void)snprintf(self->unified_path, sizeof(self->unified_path), "%s", path);
    for (size_t i = 0; i < ARRAY_COUNT(controllers); i++)
        if (list_contains(list, controllers[i]))
            (void)snprintf(self->paths[i], sizeof(self->paths[i]), "%s", path);
}

static int read_self(const char *path, struct cgroup_self *ret_self)
{
    memset(ret_self, 0, sizeof(*ret_self));
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    char line[CGROUP_PATH_MAX + 128];
    while (fgets(line, sizeof(line), file))
        read_self_line(line, ret_self);
    (void)fclose(file);
    return 0;
}

/* ---- the tree -------------------------------------------------------------------------------- */

static int init_tree(struct cgroup_tree *tree, unsigned slots)
{
    memset(tree, 0, sizeof(*tree));
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
        tree->parent_fds[i] = -1;
        tree->top_fds[i] = -1;
        tree->join_fds[i] = -1;
        tree->errors[cgroup_controller_layer((enum cgroup_controller)i)] = -ENOENT;
    }
    tree->slots = calloc(slots, sizeof(*tree->slots));
    if (!tree->slots)
        return -ENOMEM;
    tree->slot_count = slots;
    for (unsigned i = 0; i < slots; i++)
        tree->slots[i] = (struct cgroup_slot){{-1, -1, -1}, -1, -1, -1, 0};
    return make_name(tree->name, sizeof(tree->name));
}

int cgroup_tree_create(const struct cgroup_config *config, struct cgroup_tree *ret_tree)
{
    struct cgroup_self self;
    int r = init_tree(ret_tree, config->slots);
    if (r == 0)
        r = read_self(config->self_file, &self);
    if (r == 0) {
        bool has_v1 =
            self.paths[CGROUP_MEMORY][0] || self.paths[CGROUP_PIDS][0] || self.paths[CGROUP_CPU][0];
        r = has_v1 ? cgroup_v1_create(config, &self, ret_tree)
                   : cgroup_v2_create(config, &self, ret_tree);
    }
    if (r < 0)
        cgroup_tree_done(ret_tree);
    return r;
}

static void close_all(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close_fd(fds[i]);
        fds[i] = -1;
    }
}

void cgroup_tree_done(struct cgroup_tree *tree)
{
    for (unsigned i = 0; tree->slots && i < tree->slot_count; i++) {
        close_all(tree->slots[i].enter_fds, CGROUP_CONTROLLERS);
        close_all(&tree->slots[i].clone_fd, 1);
        close_all(&tree->slots[i].peak_fd, 1);
        close_all(&tree->slots[i].oom_fd, 1);
    }
    close_all(tree->parent_fds, CGROUP_CONTROLLERS);
    close_all(tree->top_fds, CGROUP_CONTROLLERS);
    close_all(tree->join_fds, CGROUP_CONTROLLERS);
    free(TAKE(tree->slots));
    tree->slot_count = 0;
}

int cgroup_tree_remove(const struct cgroup_tree *tree)
{
    int result = 0;
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (tree->parent_fds[i] < 0)
            continue;
        int r = remove_tree(tree->parent_fds[i], tree->name);
        if (r < 0)
            result = r;
    }
    return result;
}

/* "0" is whoever writes. */
static int enter(const int *fds)
{
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
        if (fds[i] >= 0 && write(fds[i], "0", 1) < 0)
            return -errno;
    return 0;
}

int cgroup_tree_join(const struct cgroup_tree *tree)
{
    return enter(tree->join_fds);
}

int cgroup_slot_enter(const struct cgroup_slot *slot)
{
    return enter(slot->enter_fds);
}

uint64_t cgroup_slot_peak_bytes(const struct cgroup_slot *slot)
{
    char text[32];
    ssize_t count = slot->peak_fd < 0 ? -1 : pread(slot->peak_fd, text, sizeof(text) - 1, 0);
    if (count <= 0)
        return 0;
    text[count] = '\0';
    return strtoull(text, NULL, 10);
}

void cgroup_slot_reset(const struct cgroup_slot *slot)
{
    /* Best effort: version 2 before Linux 6.12 cannot, and then peak_fd is not open. */
    if (slot->peak_fd >= 0 && pwrite(slot->peak_fd, "0", 1, 0) < 0)
        return;
}

bool cgroup_slot_take_oom(struct cgroup_slot *slot)
{
    char text[512];
    ssize_t count = slot->oom_fd < 0 ? -1 : pread(slot->oom_fd, text, sizeof(text) - 1, 0);
    if (count <= 0)
        return false;
    text[count] = '\0';
    const char *line = strstr(text, "oom_kill ");
    uint64_t seen = line ? strtoull(line + strlen("oom_kill "), NULL, 10) : 0;
    bool is_new = seen > slot->oom_count;
    slot->oom_count = seen;
    return is_new;
}
