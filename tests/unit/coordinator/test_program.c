#include <stdio.h>
#include <string.h>

#include "config.h"
#include "fixture.h"
#include "program.h"
#include "suite.h"

static struct config config;
static struct program program;
static struct program_error error;

static void setup(void)
{
    static const char *const flags[] = {"--limits.source=64", "--limits.input=32", NULL};
    fixture_config(&config, flags);
}

static void teardown(void)
{
    config_done(&config);
}

static int parse(enum body_form form, enum frame_mode mode, const char *body)
{
    return program_parse(&config.settings, form, mode, body, strlen(body), &program, &error);
}

static const char *text_of(struct frame_text text)
{
    static char copy[128];
    (void)snprintf(copy, sizeof(copy), "%.*s", (int)text.count, text.bytes);
    return copy;
}

START_TEST(a_raw_body_is_the_program_with_the_usual_limits)
{
    ck_assert_int_eq(
        program_parse(&config.settings, BODY_RAW, FRAME_MODE_RUN, "a\0b", 3, &program, &error), 0);
    ck_assert_uint_eq(program.source.count, 3);
    ck_assert_uint_eq(program.input_count, 1);
    ck_assert_uint_eq(program.inputs[0].count, 0);
    ck_assert(!program.has_cases);
    ck_assert_uint_eq(program.limits.wall_ms, 10000);
    ck_assert_uint_eq(program.limits.cpu_ms, 5000);
    ck_assert_uint_eq(program.limits.steps, 0);
    ck_assert_uint_eq(program.limits.memory_bytes, 64 << 20);
    ck_assert_uint_eq(program.limits.output_bytes, 1 << 20);
    ck_assert_uint_eq(program.limits.call_depth, 10000);
    program_done(&program);
}
END_TEST

START_TEST(a_json_body_names_source_input_and_limits)
{
    ck_assert_int_eq(parse(BODY_JSON, FRAME_MODE_RUN,
                           "{\"source\":\"p\\u00e9\",\"input\":\"in\",\"limits\":{\"wall_ms\":1,"
                           "\"cpu_ms\":2,\"steps\":3,\"memory_bytes\":1048576,"
                           "\"output_bytes\":0}}"),
                     0);
    ck_assert_str_eq(text_of(program.source), "p\xc3\xa9");
    ck_assert_str_eq(text_of(program.inputs[0]), "in");
    ck_assert_uint_eq(program.limits.wall_ms, 1);
    ck_assert_uint_eq(program.limits.cpu_ms, 2);
    ck_assert_uint_eq(program.limits.steps, 3);
    ck_assert_uint_eq(program.limits.memory_bytes, 1048576);
    ck_assert_uint_eq(program.limits.output_bytes, 0);
    program_done(&program);
}
END_TEST

START_TEST(each_case_has_its_input)
{
    ck_assert_int_eq(parse(BODY_JSON, FRAME_MODE_RUN,
                           "{\"source\":\"p\",\"cases\":[{\"input\":\"a\"},{},{\"input\":\"c\"}]}"),
                     0);
    ck_assert(program.has_cases);
    ck_assert_uint_eq(program.input_count, 3);
    ck_assert_str_eq(text_of(program.inputs[0]), "a");
    ck_assert_str_eq(text_of(program.inputs[1]), "");
    ck_assert_str_eq(text_of(program.inputs[2]), "c");
    program_done(&program);
}
END_TEST

START_TEST(a_check_takes_the_same_bodies_and_leaves_input_and_cases_out)
{
    ck_assert_int_eq(
        parse(BODY_JSON, FRAME_MODE_CHECK, "{\"source\":\"p\",\"cases\":[{\"input\":\"a\"},{}]}"),
        0);
    ck_assert_int_eq((int)program.mode, FRAME_MODE_CHECK);
    ck_assert(!program.has_cases);
    ck_assert_uint_eq(program.input_count, 1);
    ck_assert_uint_eq(program.inputs[0].count, 0);
    program_done(&program);
}
END_TEST

static const struct {
    const char *body;
    enum problem problem;
    const char *says; /* how the detail starts */
} refusals[] = {
    {"", PROBLEM_MALFORMED, "The body: "},
    {"[]", PROBLEM_MALFORMED, "The body must be an object"},
    {"{}", PROBLEM_MALFORMED, "/source: is missing"},
    {"{\"source\":1}", PROBLEM_MALFORMED, "/source: "},
    {"{\"source\":null}", PROBLEM_MALFORMED, "/source: "},
    {"{\"source\":\"\\u0000\"}", PROBLEM_MALFORMED, "/source: "},
    {"{\"source\":\"a\",\"code\":1}", PROBLEM_MALFORMED, "/code: "},
    {"{\"source\":\"a\",\"input\":1}", PROBLEM_MALFORMED, "/input: "},
    {"{\"source\":\"a\",\"input\":\"b\",\"cases\":[{}]}", PROBLEM_MALFORMED, "/cases: "},
    {"{\"source\":\"a\",\"cases\":[]}", PROBLEM_MALFORMED, "/cases: "},
    {"{\"source\":\"a\",\"cases\":{}}", PROBLEM_MALFORMED, "/cases: "},
    {"{\"source\":\"a\",\"cases\":[{},1]}", PROBLEM_MALFORMED, "/cases/1: "},
    {"{\"source\":\"a\",\"cases\":[{},{\"input\":2}]}", PROBLEM_MALFORMED, "/cases/1/input: "},
    {"{\"source\":\"a\",\"cases\":[{\"in\":2}]}", PROBLEM_MALFORMED, "/cases/0/in: "},
    {"{\"source\":\"a\",\"limits\":[]}", PROBLEM_MALFORMED, "/limits: "},
    {"{\"source\":\"a\",\"limits\":null}", PROBLEM_MALFORMED, "/limits: "},
    {"{\"source\":\"a\",\"limits\":{\"wall\":1}}", PROBLEM_MALFORMED, "/limits/wall: "},
    {"{\"source\":\"a\",\"limits\":{\"wall_ms\":\"1\"}}", PROBLEM_MALFORMED, "/limits/wall_ms: "},
    {"{\"source\":\"a\",\"limits\":{\"wall_ms\":1.5}}", PROBLEM_MALFORMED, "/limits/wall_ms: "},
    {"{\"source\":\"a\",\"limits\":{\"wall_ms\":0}}", PROBLEM_LIMIT_OUT_OF_RANGE,
     "/limits/wall_ms: 0 is outside 1 to 60000"},
    {"{\"source\":\"a\",\"limits\":{\"wall_ms\":-1}}", PROBLEM_LIMIT_OUT_OF_RANGE,
     "/limits/wall_ms: -1 is outside 1 to 60000"},
    {"{\"source\":\"a\",\"limits\":{\"wall_ms\":60001}}", PROBLEM_LIMIT_OUT_OF_RANGE,
     "/limits/wall_ms: 60001 is outside 1 to 60000"},
    {"{\"source\":\"a\",\"limits\":{\"cpu_ms\":30001}}", PROBLEM_LIMIT_OUT_OF_RANGE,
     "/limits/cpu_ms: 30001 is outside 1 to 30000"},
    {"{\"source\":\"a\",\"limits\":{\"steps\":0}}", PROBLEM_LIMIT_OUT_OF_RANGE, "/limits/steps: 0"},
    {"{\"source\":\"a\",\"limits\":{\"steps\":1e300}}", PROBLEM_LIMIT_OUT_OF_RANGE,
     "/limits/steps: 1"},
    {"{\"source\":\"a\",\"limits\":{\"memory_bytes\":1048575}}", PROBLEM_LIMIT_OUT_OF_RANGE,
     "/limits/memory_bytes: 1048575"},
    {"{\"source\":\"a\",\"limits\":{\"memory_bytes\":268435457}}", PROBLEM_LIMIT_OUT_OF_RANGE,
     "/limits/memory_bytes: 268435457"},
    {"{\"source\":\"a\",\"limits\":{\"output_bytes\":4194305}}", PROBLEM_LIMIT_OUT_OF_RANGE,
     "/limits/output_bytes: 4194305"},
};

START_TEST(what_is_wrong_is_refused_with_its_place)
{
    ck_assert_int_eq(parse(BODY_JSON, FRAME_MODE_RUN, refusals[_i].body), -EINVAL);
    ck_assert_str_eq(problem_code(error.problem), problem_code(refusals[_i].problem));
    ck_assert_msg(strncmp(error.detail, refusals[_i].says, strlen(refusals[_i].says)) == 0,
                  "\"%s\" does not start with \"%s\"", error.detail, refusals[_i].says);
    ck_assert_ptr_null(program.tree);
}
END_TEST

/* A JSON body with a source and an input of so many letters. */
static int parse_sizes(size_t source, size_t input)
{
    static char body[512];
    char letters[128];
    memset(letters, 'a', sizeof(letters));
    (void)snprintf(body, sizeof(body), "{\"source\":\"%.*s\",\"input\":\"%.*s\"}", (int)source,
                   letters, (int)input, letters);
    int r = parse(BODY_JSON, FRAME_MODE_RUN, body);
    if (r == 0)
        program_done(&program);
    return r;
}

START_TEST(sizes_are_taken_up_to_their_limits_exactly)
{
    char raw[65];
    memset(raw, 'a', sizeof(raw));
    ck_assert_int_eq(
        program_parse(&config.settings, BODY_RAW, FRAME_MODE_RUN, raw, 64, &program, &error), 0);
    ck_assert_int_eq(
        program_parse(&config.settings, BODY_RAW, FRAME_MODE_RUN, raw, 65, &program, &error),
        -EINVAL);
    ck_assert_int_eq((int)error.problem, PROBLEM_BODY_TOO_LARGE);
    ck_assert_int_eq(
        program_parse(&config.settings, BODY_RAW, FRAME_MODE_RUN, raw, 0, &program, &error), 0);
    ck_assert_int_eq(parse_sizes(64, 32), 0);
    ck_assert_int_eq(parse_sizes(0, 0), 0);
    ck_assert_int_eq(parse_sizes(65, 32), -EINVAL);
    ck_assert_int_eq((int)error.problem, PROBLEM_BODY_TOO_LARGE);
    ck_assert_int_eq(parse_sizes(64, 33), -EINVAL);
    ck_assert_int_eq((int)error.problem, PROBLEM_BODY_TOO_LARGE);
}
END_TEST

static int parse_cases(size_t count)
{
    static char body[2048];
    size_t used = (size_t)snprintf(body, sizeof(body), "{\"source\":\"\",\"cases\":[");
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(body + used, sizeof(body) - used, "%s{}", i == 0 ? "" : ",");
    (void)snprintf(body + used, sizeof(body) - used, "]}");
    int r = parse(BODY_JSON, FRAME_MODE_RUN, body);
    if (r == 0)
        program_done(&program);
    return r;
}

START_TEST(one_to_64_cases_are_taken)
{
    ck_assert_int_eq(parse_cases(1), 0);
    ck_assert_int_eq(parse_cases(64), 0);
    ck_assert_uint_eq(program.input_count, 64);
    ck_assert_int_eq(parse_cases(65), -EINVAL);
    ck_assert_int_eq((int)error.problem, PROBLEM_LIMIT_OUT_OF_RANGE);
    ck_assert_int_eq(parse_cases(0), -EINVAL);
}
END_TEST

/* ---- settings that cannot be ---- */

static const struct {
    const char *flag, *says;
} bad_settings[] = {
    {"--limits.wall=61s", "limits.wall: 61000 is above limits.wall_max"},
    {"--limits.output=5MiB", "limits.output: "},
    {"--executor.eject=31s", "executor.eject: "},
    {"--log.level=loud", "log.level: "},
    {"--secret.file=", "secret.file: "},
};

START_TEST(settings_that_contradict_each_other_are_refused)
{
    char name[] = "test";
    char secret[] = "--secret.file=x";
    char flag[64];
    (void)snprintf(flag, sizeof(flag), "%s", bad_settings[_i].flag);
    char *arguments[] = {name, flag, secret};
    char *environment[] = {NULL};
    int count = strstr(flag, "secret") ? 2 : 3;
    enum settings_outcome outcome;
    struct config other;
    struct settings_error settings_error;
    ck_assert_int_eq(
        config_read(count, arguments, environment, stdout, &other, &outcome, &settings_error),
        -EINVAL);
    ck_assert_msg(strstr(settings_error.text, bad_settings[_i].says) != NULL, "%s",
                  settings_error.text);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_raw_body_is_the_program_with_the_usual_limits);
    tcase_add_test(tcase, a_json_body_names_source_input_and_limits);
    tcase_add_test(tcase, each_case_has_its_input);
    tcase_add_test(tcase, a_check_takes_the_same_bodies_and_leaves_input_and_cases_out);
    tcase_add_loop_test(tcase, what_is_wrong_is_refused_with_its_place, 0, ARRAY_COUNT(refusals));
    tcase_add_test(tcase, sizes_are_taken_up_to_their_limits_exactly);
    tcase_add_test(tcase, one_to_64_cases_are_taken);
    tcase_add_loop_test(tcase, settings_that_contradict_each_other_are_refused, 0,
                        ARRAY_COUNT(bad_settings));
}

int main(void)
{
    return suite_run("program", add_tests);
}
