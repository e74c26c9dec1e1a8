/* The process backend with real runners: each ends once, nothing is left, and a lost spawner shows. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "clock.h"
#include "frame.h"
#include "process.h"
#include "world.h"

enum { RUNNERS_MAX = 8, ROUNDS = 300, DEADLINE_S = 30 };

/* What a test sees of its runners. */
static struct {
    struct loop *loop;
    struct backend *backend;
    struct runner *ready[RUNNERS_MAX];
    unsigned ready_count, ready_total, failed_count, ended_count, lost_count;
    unsigned ends[RUNNER_END_LOST + 1];
    uint64_t ids[ROUNDS];
    bool ended_ids[ROUNDS + RUNNERS_MAX];
    const char *reason;
    void (*on_ready)(struct runner *runner);
    unsigned ended_until; /* stop the loop then */
} seen;

static void on_ready(void *context UNUSED, struct runner *runner)
{
    seen.ready[seen.ready_count++ % RUNNERS_MAX] = runner;
    seen.ready_total++;
    if (seen.on_ready)
        seen.on_ready(runner);
    else
        loop_stop(seen.loop);
}

static void on_failed(void *context UNUSED, const char *reason)
{
    seen.failed_count++;
    seen.reason = reason;
    loop_stop(seen.loop);
}

static void on_ended(void *context UNUSED, struct runner *runner, const struct runner_ended *ended)
{
    ck_assert_uint_lt(runner->id, ARRAY_COUNT(seen.ended_ids));
    ck_assert_msg(!seen.ended_ids[runner->id], "runner %u ended twice", (unsigned)runner->id);
    seen.ended_ids[runner->id] = true;
    seen.ends[ended->end]++;
    if (++seen.ended_count >= seen.ended_until)
        loop_stop(seen.loop);
}

static void on_lost(void *context UNUSED)
{
    seen.lost_count++;
}

static unsigned cpu_max_seconds; /* 0: as many as never matter */

static void open_backend(const char *runner_path, layer_set required)
{
    const struct process_events events = {
        .runner = {.ready = on_ready, .failed = on_failed, .ended = on_ended}, .on_lost = on_lost};
    struct process_config config = world_process_config(runner_path);
    struct process_spawners *spawners = NULL;
    memset(&seen, 0, sizeof(seen));
    config.runners_max = RUNNERS_MAX;
    config.spawner_count = 2;
    config.layers_required = required;
    config.cpu_max_seconds = cpu_max_seconds;
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), 0);
    ck_assert_int_eq(loop_create(&seen.loop), 0);
    ck_assert_int_eq(process_backend_create(seen.loop, spawners, &events, &seen.backend), 0);
}

static void close_backend(void)
{
    seen.backend->ops->free(seen.backend);
    loop_free(seen.loop);
}

static void start(unsigned count)
{
    ck_assert_int_eq(seen.backend->ops->start(seen.backend, count), 0);
}

static void run(void)
{
    ck_assert_int_eq(loop_run(seen.loop), 0);
}

static void send_program(const struct runner *runner, const char *program)
{
    uint8_t bytes[4096];
    size_t count = world_encode_program(program, bytes);
    ck_assert_int_eq(send(runner->fd, bytes, count, MSG_NOSIGNAL), (ssize_t)count);
}

/* ---- counting what is left ------------------------------------------------------------------- */

static unsigned count_entries(const char *path)
{
    DIR *directory = opendir(path);
    unsigned count = 0;
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory))
        count++;
    (void)closedir(directory);
    return count;
}

static bool is_child_of(const char *pid_text, pid_t parent)
{
    char path[300], line[512] = "";
    (void)snprintf(path, sizeof(path), "/proc/%s/stat", pid_text);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool was_read = fgets(line, sizeof(line), file) != NULL;
    (void)fclose(file);
    const char *after = was_read ? strrchr(line, ')') : NULL;
    int ppid = 0;
    return after && sscanf(after + 1, " %*c %d", &ppid) == 1 && ppid == parent;
}

/* Children of a process; of them, zombies too. */
static unsigned list_children(pid_t parent, pid_t *children, unsigned max)
{
    DIR *directory = opendir("/proc");
    unsigned count = 0;
    ck_assert_ptr_nonnull(directory);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            is_child_of(entry->d_name, parent) && count < max)
            children[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
    (void)closedir(directory);
    return count;
}

static unsigned count_grandchildren(void)
{
    pid_t children[16], grandchildren[64];
    unsigned count = 0;
    unsigned child_count = list_children(getpid(), children, 16);
    for (unsigned i = 0; i < child_count; i++)
        count += list_children(children[i], grandchildren, 64);
    return count;
}

static bool is_ours(const char *name)
{
    char end[16];
    (void)snprintf(end, sizeof(end), "-%d", (int)getpid());
    size_t length = strlen(name);
    return strncmp(name, "trytok-", 7) == 0 && length > strlen(end) &&
           strcmp(name + length - strlen(end), end) == 0;
}

/* Groups of this process's backend in the pids hierarchy (version 1) or the unified one. */
static bool has_cgroup_tree(void)
{
    static const char *const roots[] = {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"};
    bool found = false;
    for (size_t i = 0; i < ARRAY_COUNT(roots); i++) {
        DIR *directory = opendir(roots[i]);
        if (!directory)
            continue;
        for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
            found = found || is_ours(entry->d_name);
        (void)closedir(directory);
    }
    return found;
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(a_program_runs_and_its_runner_ends)
{
    open_backend(TRYTOK_ATTACKER, 0);
    start(1);
    run();
    ck_assert_uint_eq(seen.ready_total, 1);
    struct runner_usage usage;
    ck_assert_int_eq(seen.backend->ops->usage(seen.backend, seen.ready[0], &usage), 0);
    ck_assert_uint_gt(usage.memory_peak_bytes, 0);
    send_program(seen.ready[0], "print \"x\";");
    seen.ended_until = 1;
    run();
    ck_assert_uint_eq(seen.ends[RUNNER_END_EXITED], 1);
    close_backend();
}
END_TEST

START_TEST(a_runner_whose_executor_lets_go_ends)
{
    open_backend(TRYTOK_ATTACKER, 0);
    start(1);
    run();
    ck_assert_int_eq(shutdown(seen.ready[0]->fd, SHUT_RDWR), 0);
    seen.ended_until = 1;
    run();
    ck_assert_uint_eq(seen.ended_count, 1);
    close_backend();
}
END_TEST

START_TEST(start_takes_as_many_as_there_are_places_and_no_more)
{
    open_backend(TRYTOK_ATTACKER, 0);
    ck_assert_int_eq(seen.backend->ops->start(seen.backend, 0), 0);
    ck_assert_int_eq(seen.backend->ops->start(seen.backend, RUNNERS_MAX + 1), -EBUSY);
    start(RUNNERS_MAX);
    ck_assert_int_eq(seen.backend->ops->start(seen.backend, 1), -EBUSY);
    while (seen.ready_total < RUNNERS_MAX)
        run();
    close_backend();
}
END_TEST

START_TEST(s10_processor_time_has_a_backstop_in_the_kernel)
{
    cpu_max_seconds = 1;
    open_backend(TRYTOK_ATTACKER, 0);
    start(1);
    run();
    send_program(seen.ready[0], "attack spin");
    seen.ended_until = 1;
    run(); /* nobody asked for a kill */
    ck_assert_uint_eq(seen.ends[RUNNER_END_CPU], 1);
    close_backend();
}
END_TEST

/* Half of them end by themselves while they are being killed. */
static void end_and_kill(struct runner *runner)
{
    send_program(runner, "print \"x\";");
    if (runner->id % 2 == 0)
        seen.backend->ops->kill(seen.backend, runner);
    if (runner->id < ROUNDS)
        return;
    seen.on_ready = NULL;
}

START_TEST(s24_a_kill_that_races_with_the_end_gives_one_end)
{
    open_backend(TRYTOK_ATTACKER, 0);
    seen.on_ready = end_and_kill;
    for (unsigned i = 0; i < ROUNDS; i++) {
        start(1);
        seen.ended_until = i + 1;
        run();
        ck_assert_uint_eq(seen.ended_count, i + 1);
    }
    ck_assert_uint_eq(seen.failed_count, 0);
    ck_assert_uint_eq(seen.ends[RUNNER_END_EXITED] + seen.ends[RUNNER_END_KILLED], ROUNDS);
    ck_assert_uint_gt(seen.ends[RUNNER_END_KILLED], 0);
    close_backend();
}
END_TEST

START_TEST(s18_nothing_is_left_after_many_runs)
{
    open_backend(TRYTOK_ATTACKER, 0);
    start(1);
    run();
    send_program(seen.ready[0], "print 1;");
    seen.ended_until = 1;
    run();
    unsigned fds = count_entries("/proc/self/fd");
    ck_assert_uint_eq(count_grandchildren(), 0);
    seen.on_ready = end_and_kill;
    for (unsigned i = 1; i < ROUNDS; i++) {
        start(1);
        seen.ended_until = i + 1;
        run();
    }
    ck_assert_uint_eq(count_entries("/proc/self/fd"), fds);
    ck_assert_uint_eq(count_grandchildren(), 0); /* no zombie either */
    ck_assert(has_cgroup_tree());
    close_backend();
    ck_assert(!has_cgroup_tree());
    pid_t children[16];
    ck_assert_uint_eq(list_children(getpid(), children, 16), 0);
}
END_TEST

START_TEST(a_runner_without_a_required_layer_is_never_ready)
{
    char path[64];
    ck_assert_int_eq(world_patch_attacker(LAYER_BIT(LAYER_SECCOMP), path), 0);
    open_backend(path, LAYER_BIT(LAYER_SECCOMP));
    (void)unlink(path);
    start(1);
    run();
    ck_assert_uint_eq(seen.ready_total, 0);
    ck_assert_uint_eq(seen.failed_count, 1);
    ck_assert_str_eq(seen.reason, "a required layer is missing");
    close_backend();
}
END_TEST

START_TEST(a_program_that_is_no_runner_is_refused_at_start)
{
    struct process_config config = world_process_config("/bin/true");
    struct process_spawners *spawners = NULL;
    ck_assert_int_lt(process_backend_prepare(&config, &spawners), 0);
    config.runner_path = "/etc/passwd"; /* not a program */
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), -EACCES);
    config.runner_path = "/nonexistent";
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), -ENOENT);
    ck_assert(!has_cgroup_tree());
}
END_TEST

START_TEST(settings_out_of_bounds_are_refused)
{
    struct process_spawners *spawners = NULL;
    struct process_config config = world_process_config(TRYTOK_ATTACKER);
    config.runners_max = 0;
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), -EINVAL);
    config.runners_max = 1025;
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), -EINVAL);
    config = world_process_config(TRYTOK_ATTACKER);
    config.spawner_count = 17;
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), -EINVAL);
    config = world_process_config(TRYTOK_ATTACKER);
    config.runner_uid = 0;
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), -EINVAL);
    config = world_process_config(TRYTOK_ATTACKER);
    config.spawner_uid = config.runner_uid;
    ck_assert_int_eq(process_backend_prepare(&config, &spawners), -EINVAL);
}
END_TEST

static unsigned find_spawners(pid_t spawners[16])
{
    pid_t children[16];
    unsigned count = 0;
    unsigned child_count = list_children(getpid(), children, 16);
    for (unsigned i = 0; i < child_count; i++) {
        char path[64], name[32] = "";
        (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)children[i]);
        FILE *file = fopen(path, "re");
        if (file && fgets(name, sizeof(name), file) && strcmp(name, "trytok-spawner\n") == 0)
            spawners[count++] = children[i];
        if (file)
            (void)fclose(file);
    }
    return count;
}

START_TEST(runners_of_a_dead_spawner_are_lost_and_die)
{
    pid_t spawners[16];
    open_backend(TRYTOK_ATTACKER, 0);
    start(4);
    while (seen.ready_total < 4)
        run();
    ck_assert_uint_eq(find_spawners(spawners), 2);
    seen.ended_until = 4;
    ck_assert_int_eq(kill(spawners[0], SIGKILL), 0);
    ck_assert_int_eq(kill(spawners[1], SIGKILL), 0);
    run();
    ck_assert_uint_eq(seen.ends[RUNNER_END_LOST], 4);
    ck_assert_uint_eq(seen.lost_count, 1);
    ck_assert_int_eq(seen.backend->ops->start(seen.backend, 1), -EPIPE);
    close_backend();
    ck_assert(!has_cgroup_tree());
}
END_TEST

START_TEST(one_spawner_that_dies_leaves_the_other_at_work)
{
    pid_t spawners[16];
    open_backend(TRYTOK_ATTACKER, 0);
    ck_assert_uint_eq(find_spawners(spawners), 2);
    ck_assert_int_eq(kill(spawners[0], SIGKILL), 0);
    start(1);
    run();
    /* Whichever was asked: a start on the dead one fails, and the next one goes to the other. */
    if (seen.ready_total == 0) {
        ck_assert_uint_eq(seen.failed_count, 1);
        start(1);
        run();
    }
    ck_assert_uint_eq(seen.ready_total, 1);
    ck_assert_uint_eq(seen.lost_count, 0);
    close_backend();
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("process backend");
    TCase *tests = tcase_create("backend");
    tcase_set_timeout(tests, DEADLINE_S);
    tcase_add_test(tests, a_program_runs_and_its_runner_ends);
    tcase_add_test(tests, a_runner_whose_executor_lets_go_ends);
    tcase_add_test(tests, start_takes_as_many_as_there_are_places_and_no_more);
    tcase_add_test(tests, s10_processor_time_has_a_backstop_in_the_kernel);
    tcase_add_test(tests, s24_a_kill_that_races_with_the_end_gives_one_end);
    tcase_add_test(tests, s18_nothing_is_left_after_many_runs);
    tcase_add_test(tests, a_runner_without_a_required_layer_is_never_ready);
    tcase_add_test(tests, a_program_that_is_no_runner_is_refused_at_start);
    tcase_add_test(tests, settings_out_of_bounds_are_refused);
    tcase_add_test(tests, runners_of_a_dead_spawner_are_lost_and_die);
    tcase_add_test(tests, one_spawner_that_dies_leaves_the_other_at_work);
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
