#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "executors.h"
#include "retry_budget.h"
#include "suite.h"

enum { SECOND_US = 1000000, SLOTS = 4 };

static struct executors *executors;
static struct sockaddr_storage addresses[1100];
static uint64_t now_us;

static void setup(void)
{
    const struct executors_config config = {
        .slots_before_known = SLOTS,
        .eject_failures = 3,
        .eject_us = SECOND_US,
        .eject_max_us = 30ULL * SECOND_US,
    };
    ck_assert_int_eq(executors_create(&config, &executors), 0);
    now_us = 5ULL * SECOND_US;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(8081)};
        ipv4.sin_addr.s_addr = htonl(0x0a000000 + (uint32_t)i);
        memcpy(&addresses[i], &ipv4, sizeof(ipv4));
    }
}

static void teardown(void)
{
    executors_free(executors);
}

static void list(size_t count)
{
    ck_assert_int_eq(executors_set(executors, addresses, count), 0);
}

static void list_ready(size_t count)
{
    list(count);
    for (size_t i = 0; i < count; i++)
        executors_at(executors, i)->is_ready = true;
}

static struct executor *acquire(const struct executor *avoid)
{
    struct executor *executor = NULL;
    ck_assert_int_eq(executors_acquire(executors, avoid, now_us, &executor), 0);
    return executor;
}

static void release(struct executor *executor, enum executor_outcome outcome)
{
    executor_release(executors, executor, outcome, now_us);
}

static void fail_run(struct executor *executor, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        executor->in_flight++;
        release(executor, EXECUTOR_FAILED);
    }
}

START_TEST(none_known_and_all_full_are_told_apart)
{
    struct executor *executor = NULL;
    ck_assert_int_eq(executors_acquire(executors, NULL, now_us, &executor), -ENOENT);
    list_ready(2);
    for (int i = 0; i < 2 * SLOTS; i++)
        acquire(NULL);
    ck_assert_int_eq(executors_acquire(executors, NULL, now_us, &executor), -EBUSY);
    release(executors_at(executors, 1), EXECUTOR_WORKED);
    ck_assert_ptr_eq(acquire(NULL), executors_at(executors, 1));
}
END_TEST

START_TEST(of_two_the_less_busy_one_is_taken)
{
    list_ready(2);
    executors_at(executors, 0)->in_flight = 2;
    for (int i = 0; i < 2; i++)
        ck_assert_ptr_eq(acquire(NULL), executors_at(executors, 1));
    executors_at(executors, 0)->busy = 3;
    ck_assert_ptr_eq(acquire(NULL), executors_at(executors, 1));
}
END_TEST

START_TEST(power_of_two_choices_spreads_runs_evenly)
{
    list_ready(50);
    for (int i = 0; i < 100; i++)
        acquire(NULL);
    unsigned most = 0;
    for (size_t i = 0; i < 50; i++) {
        unsigned in_flight = executors_at(executors, i)->in_flight;
        most = in_flight > most ? in_flight : most;
    }
    /* By pure chance the fullest would have about 7; two choices keep it at 3 or 4. */
    ck_assert_uint_le(most, SLOTS);
    for (int i = 0; i < 100; i++) /* every place is found, down to the last */
        acquire(NULL);
    struct executor *executor = NULL;
    ck_assert_int_eq(executors_acquire(executors, NULL, now_us, &executor), -EBUSY);
}
END_TEST

START_TEST(a_full_ready_executor_is_waited_for_and_not_gone_round)
{
    list_ready(2);
    executors_at(executors, 1)->is_ready = false;
    for (int i = 0; i < SLOTS; i++)
        ck_assert_ptr_eq(acquire(NULL), executors_at(executors, 0));
    struct executor *executor = NULL;
    ck_assert_int_eq(executors_acquire(executors, NULL, now_us, &executor), -EBUSY);
    executors_at(executors, 0)->is_ready = false; /* none is ready: all are tried */
    ck_assert_ptr_eq(acquire(NULL), executors_at(executors, 1));
}
END_TEST

START_TEST(a_retry_goes_elsewhere_unless_there_is_no_elsewhere)
{
    list_ready(2);
    struct executor *first = executors_at(executors, 0);
    for (int i = 0; i < SLOTS; i++)
        ck_assert_ptr_ne(acquire(first), first);
    list_ready(1);
    ck_assert_ptr_eq(acquire(first), first);
}
END_TEST

START_TEST(three_failures_in_a_row_eject_for_a_doubling_time)
{
    list_ready(4);
    struct executor *executor = executors_at(executors, 0);
    fail_run(executor, 2);
    ck_assert_uint_eq(executor->ejected_until_us, 0);
    executor->in_flight++;
    release(executor, EXECUTOR_WORKED);
    fail_run(executor, 2);
    ck_assert_uint_eq(executor->ejected_until_us, 0);
    fail_run(executor, 1);
    static const uint64_t seconds[] = {1, 2, 4, 8, 16, 30, 30};
    for (size_t i = 0; i < 7; i++) {
        ck_assert_uint_eq(executor->ejected_until_us, now_us + seconds[i] * SECOND_US);
        now_us = executor->ejected_until_us;
        fail_run(executor, 3);
    }
    ck_assert_uint_eq(executors_census(executors, now_us).ejections_total, 8);
    executor->in_flight++;
    release(executor, EXECUTOR_WORKED);
    fail_run(executor, 3);
    ck_assert_uint_eq(executor->ejected_until_us, now_us + SECOND_US);
}
END_TEST

START_TEST(an_ejected_executor_gets_nothing_until_its_time_is_over)
{
    list_ready(3);
    struct executor *executor = executors_at(executors, 2);
    fail_run(executor, 3);
    executor->is_ready = true;
    for (int i = 0; i < 2 * SLOTS; i++)
        ck_assert_ptr_ne(acquire(NULL), executor);
    now_us += SECOND_US;
    ck_assert_ptr_eq(acquire(NULL), executor);
}
END_TEST

START_TEST(at_most_half_are_ejected)
{
    list_ready(5);
    for (size_t i = 0; i < 5; i++)
        fail_run(executors_at(executors, i), 10);
    ck_assert_uint_eq(executors_census(executors, now_us).ejected, 2);
    list_ready(1);
    teardown();
    setup();
    list_ready(1);
    fail_run(executors_at(executors, 0), 10);
    ck_assert_uint_eq(executors_census(executors, now_us).ejected, 0);
    ck_assert_ptr_nonnull(acquire(NULL));
}
END_TEST

START_TEST(one_that_can_be_reached_again_comes_back_at_once)
{
    list_ready(2);
    struct executor *executor = executors_at(executors, 0);
    for (int i = 0; i < 3; i++)
        executor_probed(executors, executor, false, false, now_us);
    ck_assert_uint_eq(executors_census(executors, now_us).ejected, 1);
    executor_probed(executors, executor, true, true, now_us);
    ck_assert_uint_eq(executors_census(executors, now_us).ejected, 0);
    ck_assert_uint_eq(executors_census(executors, now_us).ready, 2);
}
END_TEST

START_TEST(a_stranger_is_not_forgiven_for_a_friendly_readyz)
{
    list_ready(2);
    struct executor *executor = executors_at(executors, 0);
    fail_run(executor, 3);
    executor_probed(executors, executor, true, true, now_us);
    ck_assert_uint_eq(executors_census(executors, now_us).ejected, 1);
}
END_TEST

START_TEST(what_we_end_ourselves_says_nothing)
{
    list_ready(2);
    struct executor *executor = executors_at(executors, 0);
    fail_run(executor, 2);
    executor->in_flight++;
    release(executor, EXECUTOR_NO_WORD);
    fail_run(executor, 1);
    ck_assert_uint_eq(executors_census(executors, now_us).ejected, 1);
}
END_TEST

START_TEST(the_list_keeps_what_is_known_and_what_is_busy)
{
    list_ready(3);
    struct executor *busy = executors_at(executors, 2);
    busy->in_flight = 1;
    executors_at(executors, 0)->busy = 17;
    ck_assert_int_eq(executors_set(executors, addresses, 1), 0);
    ck_assert_uint_eq(executors_count(executors), 2);
    ck_assert_uint_eq(executors_at(executors, 0)->busy, 17);
    ck_assert_uint_eq(executors_census(executors, now_us).listed, 1);
    for (int i = 0; i < SLOTS; i++)
        ck_assert_ptr_ne(acquire(NULL), busy);
    release(busy, EXECUTOR_WORKED);
    executors_sweep(executors);
    ck_assert_uint_eq(executors_count(executors), 1);
    list(0);
    struct executor *executor = NULL;
    ck_assert_int_eq(executors_acquire(executors, NULL, now_us, &executor), -ENOENT);
}
END_TEST

START_TEST(the_list_is_bounded_and_counts_an_address_once)
{
    addresses[1] = addresses[0];
    list(3);
    ck_assert_uint_eq(executors_count(executors), 2);
    ck_assert_str_eq(executors_at(executors, 0)->name, "10.0.0.0:8081");
    teardown();
    setup();
    ck_assert_int_eq(executors_set(executors, addresses, EXECUTORS_MAX), 0);
    ck_assert_int_eq(executors_set(executors, addresses, EXECUTORS_MAX + 1), -ENOSPC);
    ck_assert_uint_eq(executors_count(executors), EXECUTORS_MAX);
}
END_TEST

START_TEST(what_an_executor_tells_is_believed_within_reason)
{
    list(1);
    struct executor *executor = executors_at(executors, 0);
    executor_told(executor, 9, 3);
    ck_assert_uint_eq(executor->slots, 9);
    ck_assert_uint_eq(executor->busy, 3);
    executor_told(executor, 0, 7);
    ck_assert_uint_eq(executor->slots, 9);
    executor_told(executor, 999999, 1);
    ck_assert_uint_eq(executor->slots, 4096);
}
END_TEST

/* ---- the budget of retries ---- */

START_TEST(retries_are_a_tenth_of_the_requests)
{
    struct retry_budget budget;
    retry_budget_init(&budget, now_us);
    unsigned taken = 0;
    while (retry_budget_take(&budget, now_us))
        taken++;
    ck_assert_uint_eq(taken, 10); /* what it starts with */
    for (int i = 0; i < 9; i++)
        retry_budget_request(&budget);
    ck_assert(!retry_budget_take(&budget, now_us));
    retry_budget_request(&budget);
    ck_assert(retry_budget_take(&budget, now_us));
    ck_assert(!retry_budget_take(&budget, now_us));
}
END_TEST

START_TEST(where_there_are_few_requests_one_retry_a_second_is_allowed)
{
    struct retry_budget budget;
    retry_budget_init(&budget, now_us);
    while (retry_budget_take(&budget, now_us))
        continue;
    ck_assert(!retry_budget_take(&budget, now_us + SECOND_US - 1));
    ck_assert(retry_budget_take(&budget, now_us + SECOND_US));
    ck_assert(!retry_budget_take(&budget, now_us + 2 * SECOND_US - 1));
    unsigned taken = 0;
    while (retry_budget_take(&budget, now_us + 1000000ULL * SECOND_US))
        taken++;
    ck_assert_uint_eq(taken, 100); /* quiet times are not saved up for ever */
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, none_known_and_all_full_are_told_apart);
    tcase_add_test(tcase, of_two_the_less_busy_one_is_taken);
    tcase_add_test(tcase, power_of_two_choices_spreads_runs_evenly);
    tcase_add_test(tcase, a_full_ready_executor_is_waited_for_and_not_gone_round);
    tcase_add_test(tcase, a_retry_goes_elsewhere_unless_there_is_no_elsewhere);
    tcase_add_test(tcase, three_failures_in_a_row_eject_for_a_doubling_time);
    tcase_add_test(tcase, an_ejected_executor_gets_nothing_until_its_time_is_over);
    tcase_add_test(tcase, at_most_half_are_ejected);
    tcase_add_test(tcase, one_that_can_be_reached_again_comes_back_at_once);
    tcase_add_test(tcase, a_stranger_is_not_forgiven_for_a_friendly_readyz);
    tcase_add_test(tcase, what_we_end_ourselves_says_nothing);
    tcase_add_test(tcase, the_list_keeps_what_is_known_and_what_is_busy);
    tcase_add_test(tcase, the_list_is_bounded_and_counts_an_address_once);
    tcase_add_test(tcase, what_an_executor_tells_is_believed_within_reason);
    tcase_add_test(tcase, retries_are_a_tenth_of_the_requests);
    tcase_add_test(tcase, where_there_are_few_requests_one_retry_a_second_is_allowed);
}

int main(void)
{
    return suite_run("executors", add_tests);
}
