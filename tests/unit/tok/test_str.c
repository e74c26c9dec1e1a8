#include "program.h"
#include "str.h"
#include "suite.h"
#include "vm.h"

START_TEST(interned_strings_are_one_object)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_start(&program), 0);
    struct string *a = tok_string_intern(program.vm, "abc", 3);
    program.vm->keep[0] = value_object(a);
    ck_assert_ptr_eq(a, tok_string_intern(program.vm, "abcd", 3));
    ck_assert_ptr_ne(a, tok_string_intern(program.vm, "abcd", 4));
    program.vm->keep[0] = VALUE_NIL;
    program_done(&program);
}
END_TEST

START_TEST(equality_is_by_content)
{
    program_expect("var a = \"ab\"; var b = \"a\" + \"b\"; print a == b; print a == \"abc\";"
                   "print \"\" == \"\" + \"\"; print \"1\" == 1;",
                   TOK_OK, "true\nfalse\ntrue\nfalse\n");
}
END_TEST

START_TEST(v19_strings_hold_nul_bytes)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_start(&program), 0);
    static const char source[] = "var s = \"a\0b\"; print length(s + s); print s;"
                                 "print s == \"a\0c\";";
    ck_assert_int_eq(program_run_bytes(&program, source, sizeof(source) - 1), TOK_OK);
    ck_assert_uint_eq(program.output_bytes, 2 + 4 + 6);
    ck_assert_mem_eq(program.output, "6\na\0b\nfalse\n", 12);
    program_done(&program);
}
END_TEST

static const char grow[] = "var s = \"0123456789\"; while (length(s) < 300) s = s + \"x\";";

START_TEST(appending_leaves_the_old_string_as_it_was)
{
    struct program program;
    program_init(&program);
    program_run(&program, grow);
    ck_assert_int_eq(program_run(&program, "var a = s + \"A\"; var b = s + \"B\"; var c = a + "
                                           "\"C\"; print length(s); print a == b;"
                                           "print c == a + \"C\"; print a + \"C\" == c;"
                                           "print s + \"A\" == a; print s + \"AC\" == c;"),
                     TOK_OK);
    ck_assert_str_eq(program.output, "300\nfalse\ntrue\ntrue\ntrue\ntrue\n");
    program_done(&program);
}
END_TEST

START_TEST(a_string_may_be_appended_to_itself)
{
    struct program program;
    program_init(&program);
    program_run(&program, grow);
    ck_assert_int_eq(program_run(&program, "var t = s; s = s + s; s = s + s; print length(s);"
                                           "print s == t + t + t + t;"),
                     TOK_OK);
    ck_assert_str_eq(program.output, "1200\ntrue\n");
    program_done(&program);
}
END_TEST

START_TEST(appending_costs_what_is_appended)
{
#ifndef TOK_STRESS
    struct program program;
    program_init(&program);
    program.config.limits.steps = 600000;
    ck_assert_int_eq(
        program_run(&program, "var s = \"\"; for (var i = 0; i < 500000; i = i + 1) s = s + \"x\";"
                              "print length(s);"),
        TOK_OK);
    ck_assert_str_eq(program.output, "500000\n");
    program_done(&program);
#endif
    program_expect("print length(\"a\" + \"\");", TOK_OK, "1\n");
}
END_TEST

START_TEST(v08_names_that_collide_under_one_seed_do_not_under_another)
{
    /* With the seed known, names could be chosen to fall into one chain; so it has to matter. */
    enum { SAMPLES = 64 };
    uint32_t hashes[2][SAMPLES];
    for (uint64_t seed = 0; seed < 2; seed++) {
        struct program program;
        program_init(&program);
        program.config.hash_seed = seed * UINT64_C(0x9e3779b97f4a7c15);
        ck_assert_int_eq(program_start(&program), 0);
        for (int i = 0; i < SAMPLES; i++) {
            char name[2] = {(char)('A' + i / 8), (char)('a' + i % 8)};
            hashes[seed][i] = tok_string_intern(program.vm, name, sizeof(name))->hash;
        }
        program_done(&program);
    }
    int same_order = 0;
    for (int i = 1; i < SAMPLES; i++)
        same_order += (hashes[0][i] % 64 == hashes[0][i - 1] % 64) ==
                          (hashes[1][i] % 64 == hashes[1][i - 1] % 64) &&
                      hashes[0][i] == hashes[1][i];
    ck_assert_int_eq(same_order, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, interned_strings_are_one_object);
    tcase_add_test(tests, equality_is_by_content);
    tcase_add_test(tests, v19_strings_hold_nul_bytes);
    tcase_add_test(tests, appending_leaves_the_old_string_as_it_was);
    tcase_add_test(tests, a_string_may_be_appended_to_itself);
    tcase_add_test(tests, appending_costs_what_is_appended);
    tcase_add_test(tests, v08_names_that_collide_under_one_seed_do_not_under_another);
}

int main(void)
{
    return suite_run("str", add_tests);
}
