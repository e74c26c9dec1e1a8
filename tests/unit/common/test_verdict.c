#include "suite.h"
#include "verdict.h"

static const struct {
    const char *name;
    int exit_code;
} expected[] = {
    [VERDICT_OK] = {"ok", 0},
    [VERDICT_COMPILE_ERROR] = {"compile_error", 65},
    [VERDICT_RUNTIME_ERROR] = {"runtime_error", 70},
    [VERDICT_TIME_LIMIT] = {"time_limit", 124},
    [VERDICT_STEP_LIMIT] = {"step_limit", 125},
    [VERDICT_MEMORY_LIMIT] = {"memory_limit", 137},
    [VERDICT_OUTPUT_LIMIT] = {"output_limit", 141},
    [VERDICT_KILLED] = {"killed", 159},
    [VERDICT_CANCELLED] = {"cancelled", 130},
    [VERDICT_INTERNAL_ERROR] = {"internal_error", 71},
};

START_TEST(names_and_exit_codes_are_those_of_the_api)
{
    ck_assert_uint_eq(sizeof(expected) / sizeof(expected[0]), VERDICT_COUNT);
    for (unsigned i = 0; i < VERDICT_COUNT; i++) {
        ck_assert_str_eq(verdict_name((enum verdict)i), expected[i].name);
        ck_assert_int_eq(verdict_exit_code((enum verdict)i), expected[i].exit_code);
    }
}
END_TEST

START_TEST(no_two_verdicts_share_an_exit_code)
{
    for (unsigned i = 0; i < VERDICT_COUNT; i++) {
        for (unsigned j = 0; j < i; j++)
            ck_assert_int_ne(verdict_exit_code((enum verdict)i),
                             verdict_exit_code((enum verdict)j));
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, names_and_exit_codes_are_those_of_the_api);
    tcase_add_test(tcase, no_two_verdicts_share_an_exit_code);
}

int main(void)
{
    return suite_run("verdict", add_tests);
}
