#include "../common/suite.h"
#include "judge.h"

static struct judge_facts facts_of_a_run(void)
{
    return (struct judge_facts){
        .mode = FRAME_MODE_RUN,
        .limits = {.steps = 1000,
                   .memory_bytes = 1000000,
                   .output_bytes = 500,
                   .wall_ms = 1000,
                   .cpu_ms = 500},
        .output_bytes = 10,
        .wall_us = 3000,
        .wall_sure_us = 2000,
        .cpu_us = 1000,
    };
}

static enum verdict judge(const struct judge_facts *facts, const struct frame_result *claim)
{
    const char *why = NULL;
    enum verdict verdict = judge_claim(facts, claim, &why);
    ck_assert_int_eq(verdict == VERDICT_INTERNAL_ERROR, why != NULL);
    return verdict;
}

START_TEST(what_a_program_did_is_believed)
{
    struct judge_facts facts = facts_of_a_run();
    const struct frame_result ok = {.verdict = VERDICT_OK};
    const struct frame_result failed = {.verdict = VERDICT_RUNTIME_ERROR};
    ck_assert_int_eq(judge(&facts, &ok), VERDICT_OK);
    ck_assert_int_eq(judge(&facts, &failed), VERDICT_RUNTIME_ERROR);
}
END_TEST

START_TEST(a_compile_error_comes_before_any_output)
{
    struct judge_facts facts = facts_of_a_run();
    const struct frame_result claim = {.verdict = VERDICT_COMPILE_ERROR};
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_INTERNAL_ERROR);
    facts.output_bytes = 0;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_COMPILE_ERROR);
}
END_TEST

START_TEST(a_step_limit_takes_as_many_steps)
{
    struct judge_facts facts = facts_of_a_run();
    struct frame_result claim = {.verdict = VERDICT_STEP_LIMIT, .steps = 999};
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_INTERNAL_ERROR);
    claim.steps = 1000;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_STEP_LIMIT);
    claim.steps = 1001;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_STEP_LIMIT);
    facts.limits.steps = 0;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_INTERNAL_ERROR);
}
END_TEST

START_TEST(an_output_limit_takes_all_of_the_output)
{
    struct judge_facts facts = facts_of_a_run();
    const struct frame_result claim = {.verdict = VERDICT_OUTPUT_LIMIT};
    facts.output_bytes = 499;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_INTERNAL_ERROR);
    facts.output_bytes = 500;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_OUTPUT_LIMIT);
}
END_TEST

START_TEST(a_memory_limit_may_not_claim_more_than_there_was)
{
    struct judge_facts facts = facts_of_a_run();
    struct frame_result claim = {.verdict = VERDICT_MEMORY_LIMIT, .memory_peak_bytes = 1000000};
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_MEMORY_LIMIT);
    claim.memory_peak_bytes = 1000001;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_INTERNAL_ERROR);
}
END_TEST

START_TEST(a_time_limit_takes_time)
{
    struct judge_facts facts = facts_of_a_run();
    const struct frame_result claim = {.verdict = VERDICT_TIME_LIMIT};
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_INTERNAL_ERROR);
    facts.wall_us = 879999; /* a tenth and the grace may be missing */
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_INTERNAL_ERROR);
    facts.wall_us = 880000;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_TIME_LIMIT);
    facts.wall_us = 0;
    facts.cpu_us = 430000;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_TIME_LIMIT);
    facts.cpu_us = 429999;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_INTERNAL_ERROR);
}
END_TEST

START_TEST(time_that_was_passed_outweighs_the_claim)
{
    const struct frame_result claim = {.verdict = VERDICT_OK};
    struct judge_facts facts = facts_of_a_run();
    facts.cpu_us = 520000;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_OK); /* within the grace */
    facts.cpu_us = 520001;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_TIME_LIMIT);
    facts = facts_of_a_run();
    facts.wall_us = 5000000; /* handing over took long: not the program's time */
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_OK);
    facts.wall_sure_us = 1020001;
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_TIME_LIMIT);
}
END_TEST

static const enum verdict never_claimed[] = {VERDICT_KILLED, VERDICT_CANCELLED,
                                             VERDICT_INTERNAL_ERROR};

START_TEST(what_only_the_executor_knows_cannot_be_claimed)
{
    struct judge_facts facts = facts_of_a_run();
    const struct frame_result claim = {.verdict = never_claimed[_i]};
    ck_assert_int_eq(judge(&facts, &claim), VERDICT_INTERNAL_ERROR);
}
END_TEST

START_TEST(a_check_cannot_fail_at_run_time)
{
    struct judge_facts facts = facts_of_a_run();
    facts.mode = FRAME_MODE_CHECK;
    facts.output_bytes = 0;
    facts.limits.output_bytes = 0;
    const enum verdict verdicts[] = {VERDICT_RUNTIME_ERROR, VERDICT_STEP_LIMIT,
                                     VERDICT_OUTPUT_LIMIT};
    for (size_t i = 0; i < ARRAY_COUNT(verdicts); i++) {
        const struct frame_result claim = {.verdict = verdicts[i], .steps = 5000};
        ck_assert_int_eq(judge(&facts, &claim), VERDICT_INTERNAL_ERROR);
    }
}
END_TEST

START_TEST(a_kill_by_the_cpu_limit_is_a_time_limit_only_near_the_limit)
{
    struct judge_facts facts = facts_of_a_run();
    const char *why = NULL;
    ck_assert_int_eq(judge_end(&facts, RUNNER_END_CPU, &why), VERDICT_INTERNAL_ERROR);
    ck_assert_ptr_nonnull(why);
    facts.cpu_us = 500000;
    ck_assert_int_eq(judge_end(&facts, RUNNER_END_CPU, &why), VERDICT_TIME_LIMIT);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, what_a_program_did_is_believed);
    tcase_add_test(tcase, a_compile_error_comes_before_any_output);
    tcase_add_test(tcase, a_step_limit_takes_as_many_steps);
    tcase_add_test(tcase, an_output_limit_takes_all_of_the_output);
    tcase_add_test(tcase, a_memory_limit_may_not_claim_more_than_there_was);
    tcase_add_test(tcase, a_time_limit_takes_time);
    tcase_add_test(tcase, time_that_was_passed_outweighs_the_claim);
    tcase_add_loop_test(tcase, what_only_the_executor_knows_cannot_be_claimed, 0,
                        ARRAY_COUNT(never_claimed));
    tcase_add_test(tcase, a_check_cannot_fail_at_run_time);
    tcase_add_test(tcase, a_kill_by_the_cpu_limit_is_a_time_limit_only_near_the_limit);
}

int main(void)
{
    return suite_run("judge", add_tests);
}
