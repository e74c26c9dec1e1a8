#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "arena.h"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena);
}

static void fill(void *pointer, size_t count, unsigned char byte)
{
    memset(pointer, byte, count);
}

static bool is_filled(const void *pointer, size_t count, unsigned char byte)
{
    const unsigned char *at = pointer;
    for (size_t i = 0; i < count; i++)
        if (at[i] != byte)
            return false;
    return true;
}

START_TEST(blocks_of_every_size_do_not_overlap)
{
    enum { BLOCKS = 900 };
    static unsigned char *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t bytes = i * 41 + 1; /* to beyond a mapping of its own */
        blocks[i] = arena_realloc(&arena, NULL, 0, bytes);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 8, 0);
        fill(blocks[i], bytes, (unsigned char)i);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        ck_assert(is_filled(blocks[i], i * 41 + 1, (unsigned char)i));
}
END_TEST

START_TEST(a_block_given_back_is_used_again)
{
    void *one = arena_realloc(&arena, NULL, 0, 100);
    ck_assert_ptr_null(arena_realloc(&arena, one, 100, 0));
    ck_assert_ptr_eq(arena_realloc(&arena, NULL, 0, 97), one); /* the same class: 97 … 104 */
    void *other = arena_realloc(&arena, NULL, 0, 96);
    ck_assert_ptr_ne(other, one);
}
END_TEST

/* Each edge between two kinds of blocks, crossed both ways. */
static const size_t edges[] = {1,
                               8,
                               9,
                               ARENA_FINE_MAX,
                               ARENA_FINE_MAX + 1,
                               640,
                               641,
                               ARENA_MAPPED_MIN,
                               ARENA_MAPPED_MIN + 1,
                               ARENA_MAPPED_MIN * 40};

START_TEST(resizing_keeps_what_is_in_it)
{
    size_t from = edges[(size_t)_i / 10], to = edges[(size_t)_i % 10];
    unsigned char *block = arena_realloc(&arena, NULL, 0, from);
    ck_assert_ptr_nonnull(block);
    fill(block, from, 0x5a);
    block = arena_realloc(&arena, block, from, to);
    ck_assert_ptr_nonnull(block);
    ck_assert(is_filled(block, from < to ? from : to, 0x5a));
    fill(block, to, 0xa5);
    ck_assert(is_filled(block, to, 0xa5));
}
END_TEST

START_TEST(nothing_of_nothing_is_nothing)
{
    ck_assert_ptr_null(arena_realloc(&arena, NULL, 0, 0));
}
END_TEST

START_TEST(what_cannot_be_had_is_refused_and_the_old_block_stays)
{
    ck_assert_ptr_null(arena_realloc(&arena, NULL, 0, SIZE_MAX));
    ck_assert_ptr_null(arena_realloc(&arena, NULL, 0, SIZE_MAX / 2));
    unsigned char *block = arena_realloc(&arena, NULL, 0, 64);
    fill(block, 64, 7);
    ck_assert_ptr_null(arena_realloc(&arena, block, 64, SIZE_MAX / 2));
    ck_assert(is_filled(block, 64, 7));
    unsigned char *large = arena_realloc(&arena, NULL, 0, 100000);
    fill(large, 100000, 8);
    ck_assert_ptr_null(arena_realloc(&arena, large, 100000, SIZE_MAX));
    ck_assert(is_filled(large, 100000, 8));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena");
    TCase *tests = tcase_create("arena");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, blocks_of_every_size_do_not_overlap);
    tcase_add_test(tests, a_block_given_back_is_used_again);
    tcase_add_loop_test(tests, resizing_keeps_what_is_in_it, 0, 100);
    tcase_add_test(tests, nothing_of_nothing_is_nothing);
    tcase_add_test(tests, what_cannot_be_had_is_refused_and_the_old_block_stays);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
