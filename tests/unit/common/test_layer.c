#include <errno.h>
#include <string.h>

#include "layer.h"
#include "suite.h"

START_TEST(every_layer_is_found_by_its_name)
{
    for (unsigned i = 0; i < LAYER_COUNT; i++) {
        enum layer found = LAYER_COUNT;
        ck_assert_int_eq(layer_find(layer_name((enum layer)i), &found), 0);
        ck_assert_uint_eq(found, i);
        ck_assert_uint_gt(strlen(layer_help((enum layer)i)), 0);
    }
}
END_TEST

START_TEST(names_are_plain_enough_for_labels_and_settings)
{
    for (unsigned i = 0; i < LAYER_COUNT; i++) {
        const char *name = layer_name((enum layer)i);
        ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
    }
}
END_TEST

START_TEST(other_names_are_not_found)
{
    enum layer found = LAYER_COUNT;
    ck_assert_int_eq(layer_find("", &found), -ENOENT);
    ck_assert_int_eq(layer_find("SECCOMP", &found), -ENOENT);
    ck_assert_int_eq(layer_find("seccomp ", &found), -ENOENT);
    ck_assert_uint_eq(found, LAYER_COUNT);
}
END_TEST

START_TEST(bits_do_not_overlap)
{
    layer_set all = 0;
    for (unsigned i = 0; i < LAYER_COUNT; i++) {
        ck_assert_uint_eq(all & LAYER_BIT(i), 0);
        all |= LAYER_BIT(i);
    }
    ck_assert_uint_ne(all, 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_layer_is_found_by_its_name);
    tcase_add_test(tcase, names_are_plain_enough_for_labels_and_settings);
    tcase_add_test(tcase, other_names_are_not_found);
    tcase_add_test(tcase, bits_do_not_overlap);
}

int main(void)
{
    return suite_run("layer", add_tests);
}
