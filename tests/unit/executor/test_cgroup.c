/* Both versions of cgroups against a directory that plays the kernel: what is written where. How the
 * kernel takes it, tests/sandbox sees, for the version that the machine has. */
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup.h"

enum { SLOTS = 3, MEMORY_BYTES = 12345678 };

static char root[64];
static struct cgroup_tree tree;

static void write_text(const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "we");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_int_ge(fputs(text, file), 0);
    (void)fclose(file);
}

static void make(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    ck_assert_int_eq(mkdir(path, 0755), 0);
}

/* What is in a file; "@" in its name stands for our directory. */
static const char *read_text(const char *name)
{
    static char text[256];
    char path[512];
    size_t before = strcspn(name, "@");
    const char *after = name[before] == '@' ? name + before + 1 : "";
    (void)snprintf(path, sizeof(path), "%s/%.*s%s%s", root, (int)before, name,
                   name[before] == '@' ? tree.name : "", after);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    size_t count = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[count] = '\0';
    return text;
}

static int make_files(int parent_fd, const char *name, const char *const *files)
{
    if (mkdirat(parent_fd, name, 0755) < 0)
        return -1;
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (; *files; files++)
        close_fd(openat(fd, *files, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    close_fd(fd);
    return 0;
}

static int make_v1(int parent_fd, const char *name)
{
    static const char *const files[] = {"tasks",
                                        "memory.limit_in_bytes",
                                        "memory.memsw.limit_in_bytes",
                                        "memory.max_usage_in_bytes",
                                        "memory.oom_control",
                                        "pids.max",
                                        "cpu.shares",
                                        "cpu.cfs_period_us",
                                        "cpu.cfs_quota_us",
                                        NULL};
    return make_files(parent_fd, name, files);
}

static int make_v2(int parent_fd, const char *name)
{
    static const char *const files[] = {"cgroup.procs", "cgroup.subtree_control",
                                        "memory.max",   "memory.swap.max",
                                        "memory.peak",  "memory.events",
                                        "pids.max",     "cpu.weight",
                                        "cpu.max",      NULL};
    return make_files(parent_fd, name, files);
}

/* memory.swap.max and memory.peak came later than the rest. */
static int make_old_v2(int parent_fd, const char *name)
{
    static const char *const files[] = {"cgroup.procs", "cgroup.subtree_control",
                                        "memory.max",   "memory.events",
                                        "pids.max",     "cpu.weight",
                                        "cpu.max",      NULL};
    return make_files(parent_fd, name, files);
}

static int create(const char *self, int (*make_directory)(int, const char *))
{
    static char self_file[128];
    write_text("self", self);
    (void)snprintf(self_file, sizeof(self_file), "%s/self", root);
    const struct cgroup_config config = {
        .root = root,
        .self_file = self_file,
        .slots = SLOTS,
        .memory_max_bytes = MEMORY_BYTES,
        .pids_max = 1,
        .cpu_shares = 512,
        .cpu_quota_percent = 150,
        .clone_uid = geteuid(),
        .make_directory = make_directory,
    };
    return cgroup_tree_create(&config, &tree);
}

static void set_up(void)
{
    (void)snprintf(root, sizeof(root), "/tmp/trytok-cgroup-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *status UNUSED, int kind UNUSED,
                      struct FTW *place UNUSED)
{
    return remove(path);
}

static void tear_down(void)
{
    cgroup_tree_done(&tree);
    (void)nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const layer_set all_layers =
    LAYER_BIT(LAYER_CGROUP_MEMORY) | LAYER_BIT(LAYER_CGROUP_PIDS) | LAYER_BIT(LAYER_CGROUP_CPU);

static void make_v1_mounts(void)
{
    make("memory");
    make("memory/job");
    make("pids");
    make("cpu");
}

START_TEST(version_1_gets_limits_in_each_hierarchy)
{
    make_v1_mounts();
    ck_assert_int_eq(create("4:memory:/job\n3:pids:/\n2:cpu,cpuacct:/\n0::/\n", make_v1), 0);
    ck_assert_uint_eq(tree.version, 1);
    ck_assert_uint_eq(tree.layers, all_layers);
    ck_assert_str_eq(read_text("memory/job/@/0/memory.limit_in_bytes"), "12345678");
    ck_assert_str_eq(read_text("memory/job/@/2/memory.memsw.limit_in_bytes"), "12345678");
    ck_assert_str_eq(read_text("pids/@/1/pids.max"), "1");
    ck_assert_str_eq(read_text("cpu/@/cpu.shares"), "512");
    ck_assert_str_eq(read_text("cpu/@/cpu.cfs_quota_us"), "150000");
}
END_TEST

START_TEST(a_container_finds_its_own_group_at_the_mount)
{
    make_v1_mounts();
    ck_assert_int_eq(create("4:memory:/docker/abc\n3:pids:/\n2:cpu:/\n", make_v1), 0);
    ck_assert_uint_eq(tree.layers, all_layers);
    ck_assert_str_eq(read_text("memory/@/0/memory.limit_in_bytes"), "12345678");
}
END_TEST

START_TEST(a_runner_enters_its_slot_and_a_spawner_the_group_of_all)
{
    make_v1_mounts();
    ck_assert_int_eq(create("4:memory:/job\n3:pids:/\n2:cpu:/\n", make_v1), 0);
    ck_assert_int_eq(cgroup_slot_enter(&tree.slots[1]), 0);
    ck_assert_str_eq(read_text("memory/job/@/1/tasks"), "0");
    ck_assert_str_eq(read_text("pids/@/1/tasks"), "0");
    ck_assert_str_eq(read_text("pids/@/0/tasks"), "");
    ck_assert_int_eq(cgroup_tree_join(&tree), 0);
    ck_assert_str_eq(read_text("cpu/@/tasks"), "0");
}
END_TEST

START_TEST(a_controller_that_lacks_is_a_layer_that_lacks)
{
    make("pids");
    ck_assert_int_eq(create("3:pids:/\n2:cpu:/\n", make_v1), 0); /* cpu is not mounted */
    ck_assert_uint_eq(tree.layers, LAYER_BIT(LAYER_CGROUP_PIDS));
    ck_assert_int_eq(tree.errors[LAYER_CGROUP_MEMORY], -ENOENT);
    ck_assert_int_eq(tree.errors[LAYER_CGROUP_CPU], -ENOENT);
    ck_assert_int_eq(tree.errors[LAYER_CGROUP_PIDS], 0);
    ck_assert_int_eq(cgroup_slot_enter(&tree.slots[0]), 0);
    ck_assert_uint_eq(cgroup_slot_peak_bytes(&tree.slots[0]), 0);
    ck_assert(!cgroup_slot_take_oom(&tree.slots[0]));
}
END_TEST

START_TEST(a_kill_for_memory_is_told_once)
{
    char name[128];
    make_v1_mounts();
    ck_assert_int_eq(create("4:memory:/job\n3:pids:/\n2:cpu:/\n", make_v1), 0);
    (void)snprintf(name, sizeof(name), "memory/job/%s/0/memory.oom_control", tree.name);
    write_text(name, "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
    ck_assert(!cgroup_slot_take_oom(&tree.slots[0]));
    write_text(name, "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
    ck_assert(cgroup_slot_take_oom(&tree.slots[0]));
    ck_assert(!cgroup_slot_take_oom(&tree.slots[0]));
    ck_assert(!cgroup_slot_take_oom(&tree.slots[1]));
    write_text(name, "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    ck_assert(cgroup_slot_take_oom(&tree.slots[0]));
}
END_TEST

START_TEST(the_peak_is_read_and_reset)
{
    char name[128];
    make_v1_mounts();
    ck_assert_int_eq(create("4:memory:/job\n3:pids:/\n2:cpu:/\n", make_v1), 0);
    (void)snprintf(name, sizeof(name), "memory/job/%s/0/memory.max_usage_in_bytes", tree.name);
    write_text(name, "4096\n");
    ck_assert_uint_eq(cgroup_slot_peak_bytes(&tree.slots[0]), 4096);
    cgroup_slot_reset(&tree.slots[0]);
    ck_assert_str_eq(read_text("memory/job/@/0/memory.max_usage_in_bytes"), "0096\n");
}
END_TEST

static void make_v2_mount(const char *controllers)
{
    make("own");
    write_text("own/cgroup.controllers", controllers);
    write_text("own/cgroup.subtree_control", "");
}

START_TEST(version_2_hands_controllers_down_and_limits_slots)
{
    make_v2_mount("cpuset cpu io memory pids\n");
    ck_assert_int_eq(create("0::/own\n", make_v2), 0);
    ck_assert_uint_eq(tree.version, 2);
    ck_assert_uint_eq(tree.layers, all_layers);
    /* Each is a write of its own; this file keeps the last over the longer ones before. */
    ck_assert_str_eq(read_text("own/cgroup.subtree_control"), "+cpusry");
    ck_assert_str_eq(read_text("own/@/cgroup.subtree_control"), "+cpusry");
    ck_assert_str_eq(read_text("own/@/0/memory.max"), "12345678");
    ck_assert_str_eq(read_text("own/@/0/memory.swap.max"), "0");
    ck_assert_str_eq(read_text("own/@/2/pids.max"), "1");
    ck_assert_str_eq(read_text("own/@/cpu.weight"), "50");
    ck_assert_str_eq(read_text("own/@/cpu.max"), "150000 100000");
    for (unsigned i = 0; i < SLOTS; i++)
        ck_assert_int_ge(tree.slots[i].clone_fd, 0);
}
END_TEST

START_TEST(version_2_keeps_spawners_in_a_leaf)
{
    make_v2_mount("cpu memory pids");
    ck_assert_int_eq(create("0::/own\n", make_v2), 0);
    ck_assert_int_eq(cgroup_tree_join(&tree), 0);
    ck_assert_str_eq(read_text("own/@/spawner/cgroup.procs"), "0");
    ck_assert_int_eq(cgroup_slot_enter(&tree.slots[2]), 0);
    ck_assert_str_eq(read_text("own/@/2/cgroup.procs"), "0");
}
END_TEST

START_TEST(version_2_without_the_newer_files_still_limits)
{
    make_v2_mount("cpu memory pids\n");
    ck_assert_int_eq(create("0::/own\n", make_old_v2), 0);
    ck_assert_uint_eq(tree.layers, all_layers);
    ck_assert_int_eq(tree.slots[0].peak_fd, -1);
    cgroup_slot_reset(&tree.slots[0]);
}
END_TEST

START_TEST(version_2_misses_what_is_not_offered)
{
    make_v2_mount("cpuset pids\n"); /* and cpuset is not cpu */
    ck_assert_int_eq(create("0::/own\n", make_v2), 0);
    ck_assert_uint_eq(tree.layers, LAYER_BIT(LAYER_CGROUP_PIDS));
    ck_assert_int_eq(tree.errors[LAYER_CGROUP_CPU], -ENOENT);
    ck_assert_int_eq(tree.errors[LAYER_CGROUP_MEMORY], -ENOENT);
}
END_TEST

START_TEST(no_cgroups_at_all_is_no_error)
{
    ck_assert_int_eq(create("0::/nowhere\n", make_v2), 0);
    ck_assert_uint_eq(tree.layers, 0);
    ck_assert_int_eq(tree.errors[LAYER_CGROUP_MEMORY], -ENOENT);
    cgroup_tree_done(&tree);
    ck_assert_int_eq(create("", make_v2), 0);
    ck_assert_uint_eq(tree.layers, 0);
}
END_TEST

START_TEST(trees_of_the_dead_are_removed_and_others_are_not)
{
    char name[128];
    struct stat status;
    make_v1_mounts();
    ck_assert_int_eq(stat("/proc/self/ns/pid", &status), 0);
    /* A pid that cannot be, one that is, and one of another pid namespace. */
    static const int pids[] = {999999999, 1, 999999999};
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "pids/trytok-%llu-%d",
                       (unsigned long long)status.st_ino + (i == 2 ? 1 : 0), pids[i]);
        make(name);
        (void)snprintf(name + strlen(name), 8, "/0");
        make(name);
    }
    make("pids/somebody-else");
    ck_assert_int_eq(create("3:pids:/\n", make_v1), 0);
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "%s/pids/trytok-%llu-%d", root,
                       (unsigned long long)status.st_ino + (i == 2 ? 1 : 0), pids[i]);
        ck_assert_int_eq(access(name, F_OK), i == 0 ? -1 : 0);
    }
    (void)snprintf(name, sizeof(name), "%s/pids/somebody-else", root);
    ck_assert_int_eq(access(name, F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cgroup");
    TCase *tests = tcase_create("cgroup");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, version_1_gets_limits_in_each_hierarchy);
    tcase_add_test(tests, a_container_finds_its_own_group_at_the_mount);
    tcase_add_test(tests, a_runner_enters_its_slot_and_a_spawner_the_group_of_all);
    tcase_add_test(tests, a_controller_that_lacks_is_a_layer_that_lacks);
    tcase_add_test(tests, a_kill_for_memory_is_told_once);
    tcase_add_test(tests, the_peak_is_read_and_reset);
    tcase_add_test(tests, version_2_hands_controllers_down_and_limits_slots);
    tcase_add_test(tests, version_2_keeps_spawners_in_a_leaf);
    tcase_add_test(tests, version_2_without_the_newer_files_still_limits);
    tcase_add_test(tests, version_2_misses_what_is_not_offered);
    tcase_add_test(tests, no_cgroups_at_all_is_no_error);
    tcase_add_test(tests, trees_of_the_dead_are_removed_and_others_are_not);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
