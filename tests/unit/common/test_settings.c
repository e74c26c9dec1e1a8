#include <signal.h>

#include "allocations.h"
#include "settings.h"
#include "settings_fixture.h"

START_TEST(without_anything_the_defaults_hold)
{
    ck_assert_int_eq(read_with(NULL, NULL, stdout), 0);
    ck_assert_int_eq(outcome, SETTINGS_RUN);
    ck_assert_uint_eq(settings.queue_max, 256);
    ck_assert_uint_eq(settings.memory, 64 * 1024 * 1024);
    ck_assert_uint_eq(settings.wall_ms, 10000);
    ck_assert(settings.enabled);
    ck_assert_str_eq(settings.name, "");
    ck_assert_str_eq(settings.path, "/etc/secret");
    ck_assert_str_eq(settings.address, "127.0.0.1");
    ck_assert_uint_eq(settings.require.count, 2);
    ck_assert_str_eq(settings.require.items[0], "seccomp");
    ck_assert_str_eq(settings.require.items[1], "rlimits");
    done();
    done(); /* twice is fine */
}
END_TEST

START_TEST(flags_win_over_the_environment_and_that_over_the_file)
{
    static const char file[] = "queue: {max: 1}\npool: {name: file}\nlimits:\n  wall_ms: 1s\n";
    write_config(file, sizeof(file) - 1);
    int r = read_with(FLAGS("--queue.max", "3", "--config", config_path),
                      VARIABLES("TRYTOK_QUEUE_MAX=2", "TRYTOK_POOL_NAME=env"), stdout);
    remove_config();
    ck_assert_msg(r == 0, "%s", error.text);
    ck_assert_uint_eq(settings.queue_max, 3);
    ck_assert_str_eq(settings.name, "env");
    ck_assert_uint_eq(settings.wall_ms, 1000);
    done();
}
END_TEST

START_TEST(a_flag_takes_its_value_with_a_space_or_an_equals_sign)
{
    ck_assert_int_eq(read_with(FLAGS("--queue.max=7", "--pool.name", "a=b"), NULL, stdout), 0);
    ck_assert_uint_eq(settings.queue_max, 7);
    ck_assert_str_eq(settings.name, "a=b");
    done();
    ck_assert_int_eq(read_with(FLAGS("--pool.name=x=y", "--sandbox.require="), NULL, stdout), 0);
    ck_assert_str_eq(settings.name, "x=y");
    ck_assert_uint_eq(settings.require.count, 0);
    done();
    ck_assert_int_eq(read_with(FLAGS("--pool.name", "--x"), NULL, stdout), 0);
    ck_assert_str_eq(settings.name, "--x");
    done();
}
END_TEST

/* ---- values, as flags ---- */

static const struct {
    const char *flag;
    const char *message; /* NULL: accepted */
} values[] = {
    {"--queue.max=0", NULL},
    {"--queue.max=65536", NULL},
    {"--queue.max=65537", "--queue.max: 65537 is out of bounds, 0 to 65536"},
    {"--queue.max=18446744073709551615", "out of bounds"},
    {"--queue.max=18446744073709551616", "too large a number"},
    {"--queue.max=99999999999999999999999999", "too large a number"},
    {"--queue.max=", "--queue.max: \"\" is not an integer, as 42"},
    {"--queue.max=-1", "\"-1\" is not an integer"},
    {"--queue.max=+1", "not an integer"},
    {"--queue.max= 1", "not an integer"},
    {"--queue.max=1 ", "not an integer"},
    {"--queue.max=0x10", "not an integer"},
    {"--queue.max=1e3", "not an integer"},
    {"--queue.max=1KiB", "not an integer"},
    {"--limits.memory=4096", NULL},
    {"--limits.memory=4KiB", NULL},
    {"--limits.memory=1GiB", NULL},
    {"--limits.memory=4095", "4095 is out of bounds, 4KiB to 1GiB"},
    {"--limits.memory=1073741825", "out of bounds"},
    {"--limits.memory=64MB", "is not a number of bytes, as 64MiB, 8KiB or 4096"},
    {"--limits.memory=64mib", "not a number of bytes"},
    {"--limits.memory=1.5MiB", "not a number of bytes"},
    {"--limits.memory=17179869184GiB", "too large a number"}, /* 2^64 */
    {"--limits.wall_ms=1", NULL},
    {"--limits.wall_ms=1ms", NULL},
    {"--limits.wall_ms=60s", NULL},
    {"--limits.wall_ms=61s", "61s is out of bounds, 1ms to 60s"},
    {"--limits.wall_ms=0", "0 is out of bounds, 1ms to 60s"},
    {"--limits.wall_ms=1m", "is not a time, as 10s, 500ms or 500"},
    {"--limits.wall_ms=s", "is not a time"},
    {"--pool.enabled=true", NULL},
    {"--pool.enabled=false", NULL},
    {"--pool.enabled=yes", "\"yes\" is neither true nor false"},
    {"--pool.enabled=True", "neither"},
    {"--pool.enabled=1", "neither"},
    {"--pool.name=12345678", NULL},
    {"--pool.name=123456789", "the text's length is out of bounds, 0 to 8"},
    {"--pool.name=a\nb", "\"a?b\" has a control character in it"},
    {"--secret.path=", "the text's length is out of bounds, 1 to 4096"},
    {"--sandbox.require=a,b,c,d", NULL},
    {"--sandbox.require=a,b,c,d,e", "the number of items is out of bounds, 0 to 4"},
    {"--sandbox.require=a,,b", "an item of the list is empty"},
    {"--sandbox.require=,", "an item of the list is empty"},
    {"--sandbox.require=a,", "an item of the list is empty"},
    {"--sandbox.require=a\tb", "control character"},
    {"--many=", "the number of items is out of bounds, 1 to 1000"},
};

START_TEST(values_are_held_to_their_kind_and_bounds)
{
    int r = read_with(FLAGS(values[_i].flag), NULL, stdout);
    if (!values[_i].message) {
        ck_assert_msg(r == 0, "%s", error.text);
        done();
        return;
    }
    ck_assert_int_eq(r, -EINVAL);
    ck_assert_msg(strstr(error.text, values[_i].message) != NULL, "%s", error.text);
    ck_assert_ptr_eq(strstr(error.text, "--"), error.text); /* the place comes first */
}
END_TEST

START_TEST(items_of_a_list_are_trimmed)
{
    ck_assert_int_eq(read_with(FLAGS("--sandbox.require= a , b c,d "), NULL, stdout), 0);
    ck_assert_uint_eq(settings.require.count, 3);
    ck_assert_str_eq(settings.require.items[0], "a");
    ck_assert_str_eq(settings.require.items[1], "b c");
    ck_assert_str_eq(settings.require.items[2], "d");
    done();
}
END_TEST

START_TEST(texts_and_lists_have_caps_of_their_own)
{
    char flag[8192] = "--secret.path=";
    size_t head = strlen(flag);
    memset(flag + head, 'x', 4097);
    flag[head + 4097] = '\0';
    ck_assert_int_eq(read_with(FLAGS(flag), NULL, stdout), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "more than 4096 bytes"));
    flag[head + 4096] = '\0';
    ck_assert_int_eq(read_with(FLAGS(flag), NULL, stdout), 0);
    ck_assert_uint_eq(strlen(settings.path), 4096);
    done();

    static const char list[] = "--many=x";
    memcpy(flag, list, sizeof(list));
    size_t count = sizeof(list) - 1;
    for (int i = 1; i < 256; i++, count += 2)
        memcpy(flag + count, ",x", 3);
    ck_assert_int_eq(read_with(FLAGS(flag), NULL, stdout), 0);
    ck_assert_uint_eq(settings.many.count, 256);
    done();
    memcpy(flag + count, ",x", 3);
    ck_assert_int_eq(read_with(FLAGS(flag), NULL, stdout), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "more than 256 items"));
}
END_TEST

START_TEST(a_long_value_is_shown_short)
{
    char flag[600] = "--queue.max=";
    memset(flag + 12, '9', 500);
    ck_assert_int_eq(read_with(FLAGS(flag), NULL, stdout), -EINVAL);
    ck_assert_uint_lt(strlen(error.text), 120);
    ck_assert_ptr_nonnull(strstr(error.text, "999..."));
}
END_TEST

/* ---- flags ---- */

static const struct {
    const char *flags[4];
    const char *message;
} bad_flags[] = {
    {{"--queue.mx", "1"}, "--queue.mx: unknown setting \"queue.mx\"; did you mean queue.max?"},
    {{"--queue_max", "1"}, "did you mean queue.max?"},
    {{"--QUEUE.MAX", "1"}, "did you mean queue.max?"},
    {{"--zzzzzzzzzz", "1"}, "unknown setting \"zzzzzzzzzz\"; --help lists them"},
    {{"--queue.max"}, "--queue.max: needs a value"},
    {{"--config"}, "--config: needs a value"},
    {{"--queue.mx"}, "--queue.mx: unknown setting \"queue.mx\"; did you mean queue.max?"},
    {{"--quiet", "--queue.max", "1"}, "--quiet: unknown setting \"quiet\""},
    {{"--queue", "1"}, "--queue: \"queue\" is a group of settings, as queue.max"},
    {{"--pool.address", "localhost"},
     "\"localhost\" is not a numeric address, as 127.0.0.1 or ::1"},
    {{"--pool.address="}, "--pool.address: \"\" is not a numeric address"},
    {{"--pool.address=1.2.3.256"}, "is not a numeric address"},
    {{"--pool.address=1.2.3.4:80"}, "is not a numeric address"},
    {{"--help=1"}, "--help: takes no value"},
    {{"--queue.max=1", "--queue.max=2"}, "--queue.max: is set twice"},
    {{"--config=/a", "--config=/b"}, "--config: is given twice"},
    {{"queue.max"}, "expected a flag"},
    {{"-h"}, "\"-h\": expected a flag"},
    {{"--"}, "expected a flag"},
    {{""}, "expected a flag"},
    {{"--=5"}, "unknown setting"},
    {{"--config=/nonexistent/trytok.yaml"},
     "/nonexistent/trytok.yaml: cannot be opened: No such file or directory"},
    {{"--config=/"}, "/: cannot be read: Is a directory"},
    {{"--config="}, "cannot be opened"},
};

START_TEST(wrong_flags_are_refused_with_the_mend)
{
    ck_assert_int_eq(read_with(bad_flags[_i].flags, NULL, stdout), -EINVAL);
    ck_assert_msg(strstr(error.text, bad_flags[_i].message) != NULL, "%s", error.text);
}
END_TEST

/* 127 letters are as long as a name may be: a longer one is not cut to something known. */
START_TEST(a_flag_of_any_length_is_refused_by_its_name)
{
    for (size_t count = 126; count <= 130; count++) {
        char flag[200] = "--";
        memset(flag + 2, 'z', count);
        memcpy(flag + 2 + count, "=1", 3);
        ck_assert_int_eq(read_with(FLAGS(flag), NULL, stdout), -EINVAL);
        ck_assert_msg(strstr(error.text, count < 128 ? "unknown setting" : "unknown flag") != NULL,
                      "%s", error.text);
    }
}
END_TEST

/* ---- the environment ---- */

static const struct {
    const char *variable;
    const char *message; /* NULL: ignored */
} variables[] = {
    {"TRYTOK_QUEUE_MX=1", "TRYTOK_QUEUE_MX: unknown setting \"QUEUE_MX\"; did you mean queue.max?"},
    {"TRYTOK_QUEUE_LENGTH=1", "unknown setting"}, /* our group */
    {"TRYTOK_QUEUE=1", "unknown setting"},
    {"TRYTOK_QUEU_MAX=1", "did you mean queue.max?"}, /* two letters away at most */
    {"TRYTOK_queue_max=1", "unknown setting"},
    {"TRYTOK_LIMITS_WALL_MS=x", "TRYTOK_LIMITS_WALL_MS: \"x\" is not a time"},
    {"TRYTOK_LIMITS_WALL.MS=5", "unknown setting"},
    {"TRYTOK_STORE_URL=sqlite", NULL}, /* another program's */
    {"TRYTOK_REQUIRE_ROOT=1", NULL},
    {"TRYTOK_=1", NULL},
    {"TRYTOKQUEUE_MAX=1", NULL},
    {"QUEUE_MAX=x", NULL},
    {"TRYTOK_QUEUE_MAX", NULL}, /* no '=': not a variable */
    {"=TRYTOK_QUEUE_MAX=x", NULL},
};

START_TEST(variables_of_ours_are_checked_and_others_left_alone)
{
    int r = read_with(NULL, VARIABLES(variables[_i].variable), stdout);
    if (!variables[_i].message) {
        ck_assert_msg(r == 0, "%s", error.text);
        ck_assert_uint_eq(settings.queue_max, 256);
        done();
        return;
    }
    ck_assert_int_eq(r, -EINVAL);
    ck_assert_msg(strstr(error.text, variables[_i].message) != NULL, "%s", error.text);
}
END_TEST

START_TEST(a_variable_given_twice_is_refused)
{
    ck_assert_int_eq(read_with(NULL, VARIABLES("TRYTOK_QUEUE_MAX=1", "TRYTOK_QUEUE_MAX=2"), stdout),
                     -EINVAL);
    ck_assert_str_eq(error.text, "TRYTOK_QUEUE_MAX: is set twice");
}
END_TEST

START_TEST(a_long_foreign_variable_is_left_alone)
{
    char variable[2000] = "TRYTOK_";
    memset(variable + 7, 'Q', 1900);
    memcpy(variable + 1907, "=1", 3);
    ck_assert_int_eq(read_with(NULL, VARIABLES(variable), stdout), 0);
    done();
}
END_TEST

/* ---- printing ---- */

static char *printed_by(const char *flag)
{
    char *text = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&text, &count);
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(read_with(FLAGS(flag, "--config=/nonexistent"), NULL, out), 0);
    ck_assert_int_eq(outcome, SETTINGS_HELP_PRINTED);
    (void)fclose(out);
    done();
    return text;
}

START_TEST(help_lists_every_setting_in_columns)
{
    char *text = printed_by("--help");
    ck_assert_int_eq(strncmp(text, "trytok-test: tests settings\n", 28), 0);
    ck_assert_ptr_nonnull(strstr(text, "\nUsage: trytok-test [--config FILE]"));
    ck_assert_ptr_nonnull(strstr(text, "\n  --queue.max        256               0 to 65536       "
                                       "requests that wait\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\n  --pool.name        (none)            0 to 8 bytes     a name\n"));
    for (size_t i = 0; i < fixture_table.count; i++)
        ck_assert_ptr_nonnull(strstr(text, fixture_rows[i].key));
    free(text);
}
END_TEST

START_TEST(markdown_is_one_row_a_setting)
{
    char *text = printed_by("--help-markdown");
    ck_assert_int_eq(strncmp(text, "## trytok-test\n", 15), 0);
    ck_assert_ptr_nonnull(
        strstr(text, "\n| `limits.memory` | bytes | `64MiB` | 4KiB to 1GiB | memory of a run |\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\n| `pool.enabled` | true or false | `true` | true, false | yes \\| no |\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\n| `pool.name` | text | (none) | 0 to 8 bytes | a name |\n"));
    free(text);
}
END_TEST

START_TEST(version_is_the_program_and_its_number)
{
    char *text = printed_by("--version");
    ck_assert_str_eq(text, "trytok-test " TRYTOK_VERSION "\n");
    free(text);
}
END_TEST

START_TEST(printing_that_fails_is_an_error)
{
    FILE *out = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(read_with(FLAGS("--help"), NULL, out), -EINVAL);
    ck_assert_str_eq(error.text, "cannot print: No space left on device");
    (void)fclose(out);
}
END_TEST

/* ---- our own mistakes ---- */

START_TEST(any_allocation_may_fail)
{
    unsigned nth = 0;
    int r;
    do {
        char program[] = "p";
        char name_flag[] = "--pool.name=n";
        char list_flag[] = "--sandbox.require=a,b";
        char *argv[] = {program, name_flag, list_flag, NULL};
        char *environment[] = {NULL};
        allocations_fail_at(++nth);
        r = settings_read(&fixture_table, 3, argv, environment, stdout, &settings, &outcome,
                          &error);
        if (allocations_have_failed()) {
            ck_assert_int_eq(r, -ENOMEM);
            ck_assert_str_eq(error.text, "out of memory");
        }
    } while (r < 0);
    allocations_fail_at(0);
    ck_assert_uint_gt(nth, 10);
    done();
}
END_TEST

START_TEST(two_keys_of_one_variable_are_a_bug)
{
    static const struct setting rows[] = {
        {"a.b_c", SETTING_INTEGER, 0, "1", 0, 1, ""},
        {"a_b.c", SETTING_INTEGER, 8, "1", 0, 1, ""},
    };
    static const struct settings_table table = {"p", "s", rows, 2};
    uint64_t fields[2];
    char *none[] = {NULL};
    (void)!settings_read(&table, 0, none, none, stdout, fields, &outcome, &error);
}
END_TEST

START_TEST(a_default_out_of_its_bounds_is_told)
{
    static const struct setting rows[] = {{"a", SETTING_INTEGER, 0, "9", 0, 1, ""}};
    static const struct settings_table table = {"p", "s", rows, 1};
    uint64_t field;
    char *none[] = {NULL};
    ck_assert_int_eq(settings_read(&table, 0, none, none, stdout, &field, &outcome, &error),
                     -EINVAL);
    ck_assert_str_eq(error.text, "a: 9 is out of bounds, 0 to 1");
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, without_anything_the_defaults_hold);
    tcase_add_test(tcase, flags_win_over_the_environment_and_that_over_the_file);
    tcase_add_test(tcase, a_flag_takes_its_value_with_a_space_or_an_equals_sign);
    tcase_add_loop_test(tcase, values_are_held_to_their_kind_and_bounds, 0,
                        (int)ARRAY_COUNT(values));
    tcase_add_test(tcase, items_of_a_list_are_trimmed);
    tcase_add_test(tcase, texts_and_lists_have_caps_of_their_own);
    tcase_add_test(tcase, a_long_value_is_shown_short);
    tcase_add_loop_test(tcase, wrong_flags_are_refused_with_the_mend, 0,
                        (int)ARRAY_COUNT(bad_flags));
    tcase_add_loop_test(tcase, variables_of_ours_are_checked_and_others_left_alone, 0,
                        (int)ARRAY_COUNT(variables));
    tcase_add_test(tcase, a_flag_of_any_length_is_refused_by_its_name);
    tcase_add_test(tcase, a_variable_given_twice_is_refused);
    tcase_add_test(tcase, a_long_foreign_variable_is_left_alone);
    tcase_add_test(tcase, help_lists_every_setting_in_columns);
    tcase_add_test(tcase, markdown_is_one_row_a_setting);
    tcase_add_test(tcase, version_is_the_program_and_its_number);
    tcase_add_test(tcase, printing_that_fails_is_an_error);
    tcase_add_test(tcase, any_allocation_may_fail);
    tcase_add_test_raise_signal(tcase, two_keys_of_one_variable_are_a_bug, SIGABRT);
    tcase_add_test(tcase, a_default_out_of_its_bounds_is_told);
}

int main(void)
{
    return suite_run("settings", add_tests);
}
