/* Giving up root, and being born in a cgroup: what needs root to be tried at all. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "privileges.h"
#include "spawn.h"
#include "world.h"

enum { SOME_ID = 64321 };

static bool is_refused(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES;
}

START_TEST(root_is_gone_for_good)
{
    ck_assert_int_eq(privileges_drop(SOME_ID, SOME_ID), 0);
    ck_assert_uint_eq(getuid(), SOME_ID);
    ck_assert_uint_eq(getegid(), SOME_ID);
    ck_assert_int_eq(getgroups(0, NULL), 0);
    ck_assert_int_eq(setuid(0), -1);
    ck_assert_int_eq(seteuid(0), -1);
    ck_assert_int_eq(setgid(0), -1);
    ck_assert(is_refused("/etc/shadow"));
    ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}
END_TEST

START_TEST(root_is_no_account_to_drop_to)
{
    ck_assert_int_eq(privileges_drop(0, SOME_ID), -EINVAL);
    ck_assert_int_eq(privileges_drop(SOME_ID, 0), -EINVAL);
    ck_assert_uint_eq(geteuid(), 0);
}
END_TEST

START_TEST(a_root_without_capabilities_is_bound_by_permissions)
{
    char path[] = "/tmp/trytok-privileges-XXXXXX";
    AUTO_FD int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fchown(fd, SOME_ID, SOME_ID), 0);
    ck_assert_int_eq(privileges_give_up(), 0);
    ck_assert(is_refused(path));
    (void)unlink(path);
}
END_TEST

START_TEST(a_capability_that_is_kept_works_and_another_does_not)
{
    ck_assert_int_eq(privileges_keep_only(UINT32_C(1) << 1 /* CAP_DAC_OVERRIDE */), 0);
    AUTO_FD int fd = open("/etc/shadow", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(sethostname("x", 1), -1);
}
END_TEST

static bool contains_pid(int directory_fd, pid_t pid)
{
    char text[256] = "", number[32];
    AUTO_FD int fd = openat(directory_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
        return false;
    (void)snprintf(number, sizeof(number), "%d\n", (int)pid);
    return strcmp(text, number) == 0;
}

/* The unified hierarchy of this machine, whatever controllers it has. */
static int make_unified_group(char path[96])
{
    static const char *const roots[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
    for (size_t i = 0; i < ARRAY_COUNT(roots); i++) {
        char file[96];
        (void)snprintf(file, sizeof(file), "%s/cgroup.controllers", roots[i]);
        (void)snprintf(path, 96, "%s/trytok-test-%d", roots[i], (int)getpid());
        if (access(file, F_OK) == 0 && mkdir(path, 0755) == 0)
            return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return -1;
}

START_TEST(a_runner_is_born_in_its_group_of_version_2)
{
    static char name[] = "trytok-runner", space[] = "402653184", seconds[] = "60";
    static char *arguments[] = {name, space, seconds, NULL};
    char path[96];
    int group_fd = make_unified_group(path);
    ck_assert_msg(group_fd >= 0, "no unified hierarchy: %s", strerror(errno));
    group_fd = fcntl(group_fd, F_DUPFD_CLOEXEC, 10);
    int program_fd = open(TRYTOK_ATTACKER, O_RDONLY | O_CLOEXEC);
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    int other_end = fcntl(pair[0], F_DUPFD_CLOEXEC, 10);
    ck_assert_int_eq(dup2(pair[1], SPAWN_STREAM_FD), SPAWN_STREAM_FD);
    ck_assert_int_eq(dup3(program_fd, SPAWN_PROGRAM_FD, O_CLOEXEC), SPAWN_PROGRAM_FD);
    close_fd(pair[0]);
    close_fd(pair[1]);

    /* No file to enter by: only the clone itself can have put it there. */
    const struct cgroup_slot slot = {{-1, -1, -1}, group_fd, -1, -1, 0};
    const struct spawn_config config = {.arguments = arguments};
    enum spawner_step step = SPAWNER_STEP_COUNT;
    pid_t pid = 0;
    int r = spawn_runner(&config, &slot, &pid, &step);
    bool was_there = r == 0 && contains_pid(group_fd, pid);
    close_fd(SPAWN_STREAM_FD);
    close_fd(other_end);
    if (r == 0) {
        (void)kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    }
    int removed = rmdir(path);
    ck_assert_msg(r == 0, "step %d: %s", (int)step, strerror(-r));
    ck_assert(was_there);
    ck_assert_int_eq(removed, 0);
}
END_TEST

int main(void)
{
    world_require_root();
    Suite *suite = suite_create("privileges");
    TCase *tests = tcase_create("privileges");
    tcase_add_test(tests, root_is_gone_for_good);
    tcase_add_test(tests, root_is_no_account_to_drop_to);
    tcase_add_test(tests, a_root_without_capabilities_is_bound_by_permissions);
    tcase_add_test(tests, a_capability_that_is_kept_works_and_another_does_not);
    tcase_add_test(tests, a_runner_is_born_in_its_group_of_version_2);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
