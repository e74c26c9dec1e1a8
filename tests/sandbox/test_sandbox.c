/* The S cases: each attack fails, and would not without what stops it. */
#include <check.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "process.h"
#include "world.h"

#define SECCOMP LAYER_BIT(LAYER_SECCOMP)
#define RLIMITS LAYER_BIT(LAYER_RLIMITS)
#define LANDLOCK LAYER_BIT(LAYER_LANDLOCK)
#define MDWE LAYER_BIT(LAYER_MDWE)
/* What the tests leave in place in "no sandbox": without it, nobody but root may install a filter. */
#define ALL_SELF (WORLD_SELF_LAYERS & ~LAYER_BIT(LAYER_NO_NEW_PRIVS))

static struct world_report attack(const char *name, const struct world_options *options)
{
    struct world_report report;
    int r = world_attack(name, options, &report);
    ck_assert_msg(r == 0, "%s: the world could not be made: %s", name, strerror(-r));
    return report;
}

static struct world_report attack_runner(const char *name, layer_set left_out)
{
    return attack(name, &(struct world_options){.left_out = left_out, .backend = true});
}

static struct world_report attack_nobody(const char *name, layer_set kept)
{
    return attack(name, &(struct world_options){.left_out = ALL_SELF & ~kept});
}

/* Works without a sandbox; with all layers the filter ends it. */
static void assert_seccomp_kills(const char *name)
{
    struct world_report none = attack_nobody(name, 0);
    ck_assert_msg(none.outcome == WORLD_WORKED, "%s without a sandbox: error %d", name, none.error);
    struct world_report all = attack_runner(name, 0);
    ck_assert_msg(all.outcome == WORLD_KILLED, "%s in a runner: %s", name,
                  world_outcome_name(all.outcome));
    ck_assert_int_eq(all.ended.end, RUNNER_END_SIGSYS);
}

/* A second layer stops it, too, when the filter is left out. */
static void assert_stopped_without_seccomp(const char *name, int error)
{
    struct world_report report = attack_runner(name, SECCOMP);
    ck_assert_msg(report.outcome == WORLD_STOPPED, "%s without the filter: %s", name,
                  world_outcome_name(report.outcome));
    ck_assert_msg(report.error == error, "%s: error %d, not %d", name, report.error, error);
}

static void assert_stopped_by(const char *name, layer_set layer, int error)
{
    struct world_report report = attack_nobody(name, layer);
    ck_assert_msg(report.outcome == WORLD_STOPPED && report.error == error, "%s: %s %d", name,
                  world_outcome_name(report.outcome), report.error);
}

START_TEST(every_layer_holds_in_a_runner)
{
    struct world_report report = attack_runner("randomness", 0);
    layer_set all = (LAYER_BIT(LAYER_COUNT - 1) - 1) | LAYER_BIT(LAYER_COUNT - 1);
    for (unsigned i = 0; i < LAYER_COUNT; i++)
        ck_assert_msg(report.layers & LAYER_BIT(i), "%s is missing", layer_name((enum layer)i));
    ck_assert_uint_eq(report.layers, all);
}
END_TEST

START_TEST(s01_fork_is_killed_by_seccomp)
{
    assert_seccomp_kills("fork");
    assert_seccomp_kills("clone3");
    assert_seccomp_kills("user_namespace");
    assert_stopped_without_seccomp("fork", EAGAIN); /* pids cgroup and RLIMIT_NPROC */
    assert_stopped_without_seccomp("clone3", EAGAIN);
}
END_TEST

START_TEST(s02_exec_is_killed_by_seccomp)
{
    assert_seccomp_kills("execve");
    assert_seccomp_kills("exec_memfd");
    assert_stopped_without_seccomp("exec_memfd", EMFILE);
    assert_stopped_by("execve", LANDLOCK, EACCES);
}
END_TEST

START_TEST(s03_sockets_are_killed_by_seccomp_and_lead_nowhere)
{
    assert_seccomp_kills("inet_socket");
    assert_seccomp_kills("inet6_socket");
    assert_seccomp_kills("unix_socket");
    assert_seccomp_kills("netlink_socket");
    assert_seccomp_kills("packet_socket");
    assert_stopped_by("bind_tcp", LANDLOCK, EACCES);
    struct world_report report = attack_runner("send_udp", ALL_SELF); /* namespaces alone */
    ck_assert_int_eq(report.outcome, WORLD_STOPPED);
    ck_assert_int_eq(report.error, ENETUNREACH);
}
END_TEST

START_TEST(s04_files_are_killed_by_seccomp_denied_by_landlock_and_not_there)
{
    static const char *const files[] = {"read_passwd", "read_environment", "write_own_memory"};
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        assert_seccomp_kills(files[i]);
        assert_stopped_by(files[i], LANDLOCK, EACCES);
        struct world_report report = attack_runner(files[i], ALL_SELF);
        ck_assert_int_eq(report.outcome, WORLD_STOPPED);
        ck_assert_int_eq(report.error, ENOENT);
    }
}
END_TEST

START_TEST(s05_other_processes_memory_is_out_of_reach)
{
    assert_seccomp_kills("ptrace");
    assert_seccomp_kills("read_memory");
    assert_stopped_without_seccomp("ptrace", ESRCH);
    assert_stopped_without_seccomp("read_memory", ESRCH);
    assert_stopped_by("ptrace", LANDLOCK, EPERM);
    assert_stopped_by("read_memory", LANDLOCK, EPERM);
}
END_TEST

START_TEST(s06_other_processes_cannot_be_signalled)
{
    assert_seccomp_kills("signal");
    assert_stopped_without_seccomp("signal", ESRCH);
    assert_stopped_without_seccomp("signal_all", ESRCH);
    assert_stopped_by("signal", LANDLOCK, EPERM);
}
END_TEST

START_TEST(s07_the_stream_is_the_only_descriptor)
{
    struct world_report report = attack_runner("descriptors", SECCOMP);
    ck_assert_str_eq(report.text, "descriptors 0\nstopped by 9\n");
    /* Also what the spawner hands over is no more than that, but for standard error's place. */
    report = attack_runner("descriptors", SECCOMP | RLIMITS);
    ck_assert_str_eq(report.text, "descriptors 0\nstopped by 9\n");
}
END_TEST

START_TEST(s08_a_memory_bomb_is_killed_by_its_cgroup)
{
    struct world_report report = attack_runner("memory", 0);
    ck_assert_int_eq(report.outcome, WORLD_OUT_OF_MEMORY);
    ck_assert_int_eq(report.ended.end, RUNNER_END_OOM);
    /* 32 MiB and the slack; and the count is the kernel's. */
    ck_assert_uint_gt(report.ended.usage.memory_peak_bytes, 32U * 1024 * 1024);
    ck_assert_uint_le(report.ended.usage.memory_peak_bytes, 41U * 1024 * 1024);
    ck_assert_int_eq(attack_nobody("memory", 0).outcome, WORLD_WORKED);
}
END_TEST

START_TEST(s08_without_cgroups_the_address_space_is_limited)
{
    const struct world_options options = {.backend = true, .without_cgroups = true};
    struct world_report report = attack("memory", &options);
    ck_assert_int_eq(report.outcome, WORLD_STOPPED);
    ck_assert_int_eq(report.error, ENOMEM);
    ck_assert_uint_eq(report.layers & LAYER_BIT(LAYER_CGROUP_MEMORY), 0);
}
END_TEST

START_TEST(s09_locked_and_hidden_memory_is_killed_by_seccomp)
{
    assert_seccomp_kills("mlock");
    assert_seccomp_kills("memfd");
    assert_seccomp_kills("shared_memory");
    assert_stopped_without_seccomp("mlock", EPERM);
    assert_stopped_without_seccomp("memfd", EMFILE);
    assert_stopped_without_seccomp("shared_memory", ENOSPC);
    assert_stopped_by("address_space", RLIMITS, ENOMEM);
}
END_TEST

START_TEST(code_cannot_be_made)
{
    assert_seccomp_kills("writable_code");
    assert_seccomp_kills("make_executable");
    assert_stopped_without_seccomp("writable_code", EACCES);
    assert_stopped_without_seccomp("make_executable", EACCES);
    assert_stopped_by("make_executable", MDWE, EACCES);
}
END_TEST

static void assert_killed_in_time(const char *name)
{
    const struct world_options options = {.backend = true, .kill_after_ms = 150};
    struct world_report report = attack(name, &options);
    ck_assert_int_eq(report.outcome, WORLD_TIMED_OUT);
    ck_assert_int_eq(report.ended.end, RUNNER_END_KILLED);
    ck_assert_msg(report.late_us < 500000, "%s: dead %u us after the kill", name,
                  (unsigned)report.late_us);
    ck_assert(report.stream_ended);
}

START_TEST(s10_native_code_that_spins_is_killed)
{
    assert_killed_in_time("spin");
}
END_TEST

START_TEST(s11_sleeping_for_ever_is_killed)
{
    assert_killed_in_time("sleep");
}
END_TEST

START_TEST(s13_a_runner_that_never_ends_its_frame_is_killed)
{
    assert_killed_in_time("huge_frame");
}
END_TEST

START_TEST(s14_s15_a_flood_and_a_trickle_are_killed)
{
    assert_killed_in_time("flood");
    assert_killed_in_time("drip");
}
END_TEST

START_TEST(s17_survivors_die_with_their_pid_namespace)
{
    /* All that would stop the fork is left out, so that there is one to survive. */
    const struct world_options options = {
        .backend = true, .without_cgroups = true, .left_out = SECCOMP | RLIMITS};
    struct world_report report = attack("survive", &options);
    ck_assert_str_eq(report.text, "worked\n");
    ck_assert_int_eq(report.ended.end, RUNNER_END_EXITED);
    ck_assert(report.stream_ended); /* the child held it, and never let go */
    /* Of a plain child it survives, and is still there when we lose patience. */
    const struct world_options plain = {.left_out = ALL_SELF, .kill_after_ms = 200};
    report = attack("survive", &plain);
    ck_assert_str_eq(report.text, "worked\n");
    ck_assert(!report.stream_ended);
}
END_TEST

START_TEST(s19_system_calls_of_other_tables_are_killed)
{
    assert_seccomp_kills("int80");
    ck_assert_int_eq(attack_runner("x32", 0).outcome, WORLD_KILLED);
}
END_TEST

START_TEST(s20_the_filter_cannot_be_left)
{
    assert_seccomp_kills("become_dumpable");
    assert_seccomp_kills("second_filter");
    ck_assert_int_eq(attack_runner("new_privileges", 0).outcome, WORLD_KILLED);
    assert_stopped_without_seccomp("new_privileges", EINVAL); /* a one-way street */
}
END_TEST

START_TEST(s21_a_layer_that_lacks_is_said_and_a_runner_without_it_refused)
{
    struct process_config config = world_process_config(TRYTOK_ATTACKER);
    struct process_spawners *spawners = NULL;
    config.cgroup_root = "/nonexistent";
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), 0);
    ck_assert_uint_eq(process_spawners_layers(spawners) & LAYER_BIT(LAYER_CGROUP_MEMORY), 0);
    ck_assert_ptr_nonnull(process_spawners_missing(spawners, LAYER_CGROUP_MEMORY));
    ck_assert_ptr_null(process_spawners_missing(spawners, LAYER_SECCOMP));
    process_spawners_free(spawners);

    char path[64];
    ck_assert_int_eq(world_patch_attacker(SECCOMP, path), 0);
    config = world_process_config(path);
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), 0);
    (void)unlink(path);
    ck_assert_uint_eq(process_spawners_layers(spawners) & SECCOMP, 0);
    ck_assert_ptr_nonnull(process_spawners_missing(spawners, LAYER_SECCOMP));
    process_spawners_free(spawners);
}
END_TEST

/* As the profiles of container runtimes do: no namespaces, and clone3 unknown. */
static void deny_namespaces(void)
{
    const unsigned number = offsetof(struct seccomp_data, nr);
    const unsigned first_argument = offsetof(struct seccomp_data, args);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, first_argument),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x7E020000 /* CLONE_NEW… */, 0, 2),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = ARRAY_COUNT(filter), .filter = filter};
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
}

START_TEST(s21_where_namespaces_are_denied_the_other_layers_hold)
{
    static const enum layer gone[] = {LAYER_USER_NS,   LAYER_MOUNT_NS,  LAYER_PID_NS,
                                      LAYER_NET_NS,    LAYER_IPC_NS,    LAYER_UTS_NS,
                                      LAYER_CGROUP_NS, LAYER_EMPTY_ROOT};
    deny_namespaces();
    struct process_config config = world_process_config(TRYTOK_ATTACKER);
    struct process_spawners *spawners = NULL;
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), 0);
    layer_set layers = process_spawners_layers(spawners);
    for (size_t i = 0; i < ARRAY_COUNT(gone); i++) {
        ck_assert_uint_eq(layers & LAYER_BIT(gone[i]), 0);
        ck_assert_str_eq(process_spawners_missing(spawners, gone[i]), strerror(EPERM));
    }
    ck_assert_uint_eq(layers & WORLD_SELF_LAYERS, WORLD_SELF_LAYERS);
    process_spawners_free(spawners);

    ck_assert_int_eq(attack_runner("fork", 0).outcome, WORLD_KILLED);
    assert_stopped_without_seccomp("read_passwd", EMFILE);
    ck_assert_int_eq(attack_runner("memory", 0).outcome, WORLD_OUT_OF_MEMORY);
}
END_TEST

START_TEST(s22_no_two_runners_are_alike)
{
    struct world_report one = attack_runner("randomness", 0);
    struct world_report two = attack_runner("randomness", 0);
    ck_assert_int_eq(one.outcome, WORLD_WORKED);
    ck_assert_str_ne(one.text, two.text);
    char canary[2][32], code[2][32];
    ck_assert_int_eq(sscanf(one.text, "canary %31s code %31s", canary[0], code[0]), 2);
    ck_assert_int_eq(sscanf(two.text, "canary %31s code %31s", canary[1], code[1]), 2);
    ck_assert_str_ne(canary[0], canary[1]);
    ck_assert_str_ne(code[0], code[1]);
}
END_TEST

START_TEST(s23_a_crash_leaves_no_core_file)
{
    struct world_report report = attack_runner("crash", 0);
    ck_assert_int_eq(report.outcome, WORLD_CRASHED);
    ck_assert_int_eq(report.ended.end, RUNNER_END_SIGNAL);
    /* No limit can be raised and nothing dumped: the report is the proof that both hold. */
    ck_assert_uint_ne(report.layers & RLIMITS, 0);
    ck_assert_uint_ne(report.layers & LAYER_BIT(LAYER_NON_DUMPABLE), 0);
}
END_TEST

START_TEST(s25_no_disk_can_be_filled)
{
    assert_seccomp_kills("fill_disk");
    assert_stopped_by("fill_disk", LANDLOCK, EACCES);
    struct world_report report = attack_runner("fill_disk", ALL_SELF);
    ck_assert_int_eq(report.outcome, WORLD_STOPPED);
    ck_assert_int_eq(report.error, EROFS);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("sandbox");
    TCase *tests = tcase_create("attacks");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_layer_holds_in_a_runner);
    tcase_add_test(tests, s01_fork_is_killed_by_seccomp);
    tcase_add_test(tests, s02_exec_is_killed_by_seccomp);
    tcase_add_test(tests, s03_sockets_are_killed_by_seccomp_and_lead_nowhere);
    tcase_add_test(tests, s04_files_are_killed_by_seccomp_denied_by_landlock_and_not_there);
    tcase_add_test(tests, s05_other_processes_memory_is_out_of_reach);
    tcase_add_test(tests, s06_other_processes_cannot_be_signalled);
    tcase_add_test(tests, s07_the_stream_is_the_only_descriptor);
    tcase_add_test(tests, s08_a_memory_bomb_is_killed_by_its_cgroup);
    tcase_add_test(tests, s08_without_cgroups_the_address_space_is_limited);
    tcase_add_test(tests, s09_locked_and_hidden_memory_is_killed_by_seccomp);
    tcase_add_test(tests, code_cannot_be_made);
    tcase_add_test(tests, s10_native_code_that_spins_is_killed);
    tcase_add_test(tests, s11_sleeping_for_ever_is_killed);
    tcase_add_test(tests, s13_a_runner_that_never_ends_its_frame_is_killed);
    tcase_add_test(tests, s14_s15_a_flood_and_a_trickle_are_killed);
    tcase_add_test(tests, s17_survivors_die_with_their_pid_namespace);
    tcase_add_test(tests, s19_system_calls_of_other_tables_are_killed);
    tcase_add_test(tests, s20_the_filter_cannot_be_left);
    tcase_add_test(tests, s21_a_layer_that_lacks_is_said_and_a_runner_without_it_refused);
    tcase_add_test(tests, s21_where_namespaces_are_denied_the_other_layers_hold);
    tcase_add_test(tests, s22_no_two_runners_are_alike);
    tcase_add_test(tests, s23_a_crash_leaves_no_core_file);
    tcase_add_test(tests, s25_no_disk_can_be_filled);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    world_require_root();
    SRunner *runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
