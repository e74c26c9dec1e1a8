#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "allocations.h"
#include "buffer.h"
#include "suite.h"

START_TEST(a_new_buffer_is_empty_and_readable)
{
    struct buffer buffer;
    buffer_init(&buffer, 10);
    ck_assert_uint_eq(buffer_count(&buffer), 0);
    ck_assert_ptr_nonnull(buffer_data(&buffer));
    ck_assert_int_eq(buffer_append(&buffer, NULL, 0), 0);
    buffer_done(&buffer);
}
END_TEST

START_TEST(append_fills_to_the_cap_and_not_a_byte_more)
{
    struct buffer buffer;
    buffer_init(&buffer, 8);
    ck_assert_int_eq(buffer_append(&buffer, "123456789", 9), -EMSGSIZE);
    ck_assert_int_eq(buffer_append(&buffer, "12345678", 8), 0);
    ck_assert_int_eq(buffer_append(&buffer, "9", 1), -EMSGSIZE);
    ck_assert_int_eq(buffer_append(&buffer, "", 0), 0);
    ck_assert_mem_eq(buffer_data(&buffer), "12345678", 8);
    buffer_consume(&buffer, 1);
    ck_assert_int_eq(buffer_append(&buffer, "ab", 2), -EMSGSIZE);
    ck_assert_int_eq(buffer_append(&buffer, "9", 1), 0);
    ck_assert_mem_eq(buffer_data(&buffer), "23456789", 8);
    buffer_done(&buffer);
}
END_TEST

START_TEST(a_cap_of_zero_takes_nothing)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    ck_assert_int_eq(buffer_append(&buffer, "a", 1), -EMSGSIZE);
    ck_assert_int_eq(buffer_append_format(&buffer, "%s", ""), 0);
    char *space;
    ck_assert_int_eq(buffer_reserve(&buffer, 1, &space), -EMSGSIZE);
    buffer_done(&buffer);
}
END_TEST

/* Around the size of the stack buffer that short texts are formatted in. */
static const size_t lengths[] = {0, 1, 254, 255, 256, 257, 5000};

START_TEST(format_keeps_texts_of_every_length_and_the_cap)
{
    size_t length = lengths[_i];
    char text[5001];
    memset(text, 'x', sizeof(text));
    text[length] = '\0';

    struct buffer buffer;
    buffer_init(&buffer, length);
    ck_assert_int_eq(buffer_append_format(&buffer, "%s", text), 0);
    ck_assert_uint_eq(buffer_count(&buffer), length);
    ck_assert_mem_eq(buffer_data(&buffer), text, length);
    ck_assert_int_eq(buffer_append_format(&buffer, "%d", 7), -EMSGSIZE);
    buffer_done(&buffer);

    buffer_init(&buffer, length);
    ck_assert_int_eq(buffer_append_format(&buffer, "%s.", text), -EMSGSIZE);
    ck_assert_uint_eq(buffer_count(&buffer), 0);
    buffer_done(&buffer);
}
END_TEST

START_TEST(reserved_space_counts_once_it_is_committed)
{
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    char *space;
    ck_assert_int_eq(buffer_reserve(&buffer, 1000, &space), 0);
    memset(space, 'a', 1000);
    ck_assert_uint_eq(buffer_count(&buffer), 0);
    buffer_commit(&buffer, 3);
    ck_assert_uint_eq(buffer_count(&buffer), 3);
    ck_assert_int_eq(buffer_reserve(&buffer, 998, &space), -EMSGSIZE);
    buffer_done(&buffer);
}
END_TEST

START_TEST(a_taken_string_is_the_unconsumed_rest)
{
    struct buffer buffer;
    buffer_init(&buffer, 100);
    ck_assert_int_eq(buffer_append_text(&buffer, "hello world"), 0);
    buffer_consume(&buffer, 6);
    char *text = NULL;
    size_t count = 0;
    ck_assert_int_eq(buffer_take_string(&buffer, &text, &count), 0);
    ck_assert_str_eq(text, "world");
    ck_assert_uint_eq(count, 5);
    free(text);
    ck_assert_uint_eq(buffer_count(&buffer), 0);
    ck_assert_int_eq(buffer_append_text(&buffer, "again"), 0);
    ck_assert_int_eq(buffer_take_string(&buffer, &text, NULL), 0);
    ck_assert_str_eq(text, "again");
    free(text);
    ck_assert_int_eq(buffer_take_string(&buffer, &text, NULL), 0);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(random_use_matches_a_plain_array_within_twice_the_cap)
{
    enum { CAP = 1500 };
    static char model[CAP];
    size_t model_count = 0;
    unsigned long long state = 1;
    unsigned char next = 0;
    struct buffer buffer;
    buffer_init(&buffer, CAP);
    for (int step = 0; step < 50000; step++) {
        size_t amount = suite_random(&state) % 600;
        if (suite_random(&state) % 2 == 0) {
            char bytes[600];
            for (size_t i = 0; i < amount; i++)
                bytes[i] = (char)next++;
            int r = buffer_append(&buffer, bytes, amount);
            SUITE_VERIFY(r == (model_count + amount <= CAP ? 0 : -EMSGSIZE));
            if (r == 0) {
                memcpy(model + model_count, bytes, amount);
                model_count += amount;
            }
        } else {
            amount = amount < model_count ? amount : model_count;
            buffer_consume(&buffer, amount);
            memmove(model, model + amount, model_count - amount);
            model_count -= amount;
        }
        SUITE_VERIFY(buffer_count(&buffer) == model_count);
        SUITE_VERIFY(memcmp(buffer_data(&buffer), model, model_count) == 0);
        SUITE_VERIFY(buffer.capacity <= 2 * CAP);
    }
    buffer_done(&buffer);
}
END_TEST

START_TEST(without_memory_nothing_is_added_or_lost)
{
    struct buffer buffer;
    buffer_init(&buffer, 100000);
    ck_assert_int_eq(buffer_append_text(&buffer, "kept"), 0);
    char bytes[4000] = {0};
    allocations_fail_at(1);
    ck_assert_int_eq(buffer_append(&buffer, bytes, sizeof(bytes)), -ENOMEM);
    allocations_fail_at(1);
    ck_assert_int_eq(buffer_append_format(&buffer, "%4000d", 1), -ENOMEM);
    char *text = NULL;
    allocations_fail_at(1);
    ck_assert_int_eq(buffer_take_string(&buffer, &text, NULL), -ENOMEM);
    ck_assert_ptr_null(text);
    ck_assert_uint_eq(buffer_count(&buffer), 4);
    ck_assert_mem_eq(buffer_data(&buffer), "kept", 4);
    buffer_done(&buffer);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    struct buffer buffer;
    buffer_init(&buffer, SIZE_MAX);
    ck_assert_int_eq(buffer_append_text(&buffer, "a"), 0);
    char *space;
    ck_assert_int_eq(buffer_reserve(&buffer, SIZE_MAX - 1, &space), -ENOMEM);
    ck_assert_int_eq(buffer_reserve(&buffer, SIZE_MAX, &space), -EMSGSIZE);
    buffer_done(&buffer);
}
END_TEST

START_TEST(consuming_more_than_there_is_is_a_bug)
{
    struct buffer buffer;
    buffer_init(&buffer, 10);
    ck_assert_int_eq(buffer_append_text(&buffer, "abc"), 0);
    buffer_consume(&buffer, 4);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_new_buffer_is_empty_and_readable);
    tcase_add_test(tcase, append_fills_to_the_cap_and_not_a_byte_more);
    tcase_add_test(tcase, a_cap_of_zero_takes_nothing);
    tcase_add_loop_test(tcase, format_keeps_texts_of_every_length_and_the_cap, 0,
                        (int)ARRAY_COUNT(lengths));
    tcase_add_test(tcase, reserved_space_counts_once_it_is_committed);
    tcase_add_test(tcase, a_taken_string_is_the_unconsumed_rest);
    tcase_add_test(tcase, random_use_matches_a_plain_array_within_twice_the_cap);
    tcase_add_test(tcase, without_memory_nothing_is_added_or_lost);
    tcase_add_test(tcase, sizes_that_overflow_are_refused);
    tcase_add_test_raise_signal(tcase, consuming_more_than_there_is_is_a_bug, SIGABRT);
}

int main(void)
{
    return suite_run("buffer", add_tests);
}
