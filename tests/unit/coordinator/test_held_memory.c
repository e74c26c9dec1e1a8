#include "held_memory.h"
#include "suite.h"

static const uint64_t start_us = 5000000;

START_TEST(shares_add_up_to_what_is_held)
{
    struct held_memory memory = {.bytes_max = 100};
    struct held_share one, two;
    share_init(&one, &memory, NULL);
    share_init(&two, &memory, NULL);
    share_set(&one, 60);
    share_set(&two, 70);
    ck_assert_uint_eq(memory.bytes, 130);
    share_set(&one, 10);
    ck_assert_uint_eq(memory.bytes, 80);
    share_done(&one);
    share_done(&one);
    share_done(&two);
    ck_assert_uint_eq(memory.bytes, 0);
}
END_TEST

START_TEST(memory_is_short_only_above_its_limit)
{
    struct held_memory memory = {.bytes_max = 100};
    struct held_share share;
    share_init(&share, &memory, NULL);
    share_set(&share, 100);
    ck_assert(!held_memory_is_short(&memory, 0));
    ck_assert(held_memory_is_short(&memory, 1));
    share_set(&share, 101);
    ck_assert(held_memory_is_short(&memory, 0));
    share_set(&share, 0);
    ck_assert(!held_memory_is_short(&memory, 100));
    share_done(&share);
}
END_TEST

START_TEST(the_longest_sending_is_the_slowest_and_not_before_its_time)
{
    struct held_memory memory = {.bytes_max = 1};
    struct held_share shares[3];
    for (int i = 0; i < 3; i++)
        share_init(&shares[i], &memory, &shares[i]);
    ck_assert_ptr_null(held_memory_slowest(&memory, start_us));
    share_is_sending(&shares[1], start_us);
    share_is_sending(&shares[2], start_us + 1);
    share_is_sending(&shares[0], start_us + 2);
    share_is_sending(&shares[1], start_us + 3); /* it is already */
    ck_assert_ptr_null(held_memory_slowest(&memory, start_us + HELD_SENDING_US_MIN - 1));
    uint64_t now_us = start_us + HELD_SENDING_US_MIN;
    ck_assert_ptr_eq(held_memory_slowest(&memory, now_us), &shares[1]);
    share_done(&shares[1]);
    ck_assert_ptr_null(held_memory_slowest(&memory, now_us));
    ck_assert_ptr_eq(held_memory_slowest(&memory, now_us + 1), &shares[2]);
    share_done(&shares[0]); /* the last one */
    share_done(&shares[2]);
    ck_assert_ptr_null(held_memory_slowest(&memory, now_us + 2));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, shares_add_up_to_what_is_held);
    tcase_add_test(tcase, memory_is_short_only_above_its_limit);
    tcase_add_test(tcase, the_longest_sending_is_the_slowest_and_not_before_its_time);
}

int main(void)
{
    return suite_run("held_memory", add_tests);
}
