#include <errno.h>
#include <string.h>

#include "program.h"
#include "suite.h"

START_TEST(a_vm_needs_a_write_callback)
{
    struct program program;
    program_init(&program);
    program.config.write = NULL;
    ck_assert_int_eq(program_start(&program), -EINVAL);
    program_done(&program);
}
END_TEST

static int discard(void *context, const char *bytes, size_t count)
{
    (void)context;
    (void)bytes;
    (void)count;
    return 0;
}

START_TEST(without_a_hook_memory_comes_from_the_c_library)
{
    struct tok_config config = {.write = discard};
    struct tok_vm *vm;
    ck_assert_int_eq(tok_vm_create(&config, &vm), 0);
    static const char source[] = "var s = \"a\"; for (var i = 0; i < 12; i = i + 1) s = s + s;";
    ck_assert_int_eq(tok_run(vm, source, sizeof(source) - 1), TOK_OK);
    tok_vm_free(vm);
    tok_vm_free(NULL);
}
END_TEST

START_TEST(globals_stay_from_run_to_run)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_run(&program, "var a = 1; fun f() { return a; } class C {}"), TOK_OK);
    ck_assert_int_eq(program_run(&program, "a = a + 1; print f(); print C();"), TOK_OK);
    ck_assert_int_eq(program_run(&program, "print b;"), TOK_RUNTIME_ERROR);
    ck_assert_int_eq(program_run(&program, "print ;"), TOK_COMPILE_ERROR);
    ck_assert_int_eq(program_run(&program, "var b = 5; print b + a;"), TOK_OK);
    ck_assert_str_eq(program.output, "2\nC instance\n7\n");
    program_done(&program);
}
END_TEST

START_TEST(check_runs_nothing)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_start(&program), 0);
    ck_assert_int_eq(tok_check(program.vm, "print 1; nil();", 15), TOK_OK);
    ck_assert_int_eq(tok_check(program.vm, "print 1", 7), TOK_COMPILE_ERROR);
    ck_assert_str_eq(program.output, "");
    ck_assert_uint_eq(program.diagnostic_count, 1);
    program_done(&program);
}
END_TEST

START_TEST(v22_a_program_is_source_and_never_bytecode)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_start(&program), 0);
    ck_assert_int_eq(program_run_bytes(&program, "\x1b\x02\x03\x04", 4), TOK_COMPILE_ERROR);
    program_done(&program);
}
END_TEST

START_TEST(v20_any_bytes_are_a_program_or_an_error)
{
    static const char *const sources[] = {"\xef\xbb\xbfprint 1;", "\xff\xfe", "print \"\xff\xc0\";",
                                          "// \xe2\x80\xa8\nprint 1;"};
    static const enum tok_verdict verdicts[] = {TOK_COMPILE_ERROR, TOK_COMPILE_ERROR, TOK_OK,
                                                TOK_OK};
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_run(&program, sources[_i]), verdicts[_i]);
    program_done(&program);
}
END_TEST

START_TEST(verdicts_have_names_and_exit_codes)
{
    ck_assert_str_eq(tok_verdict_name(TOK_OK), "ok");
    ck_assert_str_eq(tok_verdict_name(TOK_INTERRUPTED), "time_limit");
    ck_assert_str_eq(tok_verdict_name(TOK_VERDICT_COUNT), "unknown");
    ck_assert_int_eq(tok_verdict_exit_code(TOK_OK), 0);
    ck_assert_int_eq(tok_verdict_exit_code(TOK_COMPILE_ERROR), 65);
    ck_assert_int_eq(tok_verdict_exit_code(TOK_RUNTIME_ERROR), 70);
    ck_assert_int_eq(tok_verdict_exit_code(TOK_VERDICT_COUNT), 71);
    ck_assert_ptr_nonnull(tok_version());
}
END_TEST

START_TEST(two_vms_know_nothing_of_each_other)
{
    struct program one;
    struct program two;
    program_init(&one);
    program_init(&two);
    program_run(&one, "var a = 1;");
    ck_assert_int_eq(program_run(&two, "print a;"), TOK_RUNTIME_ERROR);
    ck_assert_int_eq(program_run(&one, "print a;"), TOK_OK);
    program_done(&one);
    program_done(&two);
}
END_TEST

START_TEST(v10_v27_nan_and_zero_follow_ieee_754)
{
    program_expect("var n = 0/0; print n == n; print n != n; print n < n; print n >= n;"
                   "print -n; var i = 1/0; print i - i; print i * 0; print 0 == -0; print -0;"
                   "print 1/-0; var m = n; print m == n; if (!(n < 1)) print \"not\";"
                   "while (n < 1) print 1; print n + 1; print n == nil;",
                   TOK_OK,
                   "false\ntrue\nfalse\nfalse\nnan\nnan\nnan\ntrue\n-0\n-inf\nfalse\nnot\nnan\n"
                   "false\n");
}
END_TEST

START_TEST(v26_numbers_have_no_undefined_corners)
{
    program_expect("var big = 9223372036854775807; print -big / -1; print big * big;"
                   "var x = 1; for (var i = 0; i < 1100; i = i + 1) x = x * 2; print x;"
                   "for (var i = 0; i < 1100; i = i + 1) x = x / 2; print x;",
                   TOK_OK, "9.22337e+18\n8.50706e+37\ninf\ninf\n");
}
END_TEST

START_TEST(v24_percent_signs_are_bytes_like_others)
{
    program_expect("print \"%n %s %999999d\"; print string(\"%n\") + \"%\";", TOK_OK,
                   "%n %s %999999d\n%n%\n");
    program_expect_error("class A {} A().n;", "Undefined property 'n'.", 1);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_vm_needs_a_write_callback);
    tcase_add_test(tests, without_a_hook_memory_comes_from_the_c_library);
    tcase_add_test(tests, globals_stay_from_run_to_run);
    tcase_add_test(tests, check_runs_nothing);
    tcase_add_test(tests, v22_a_program_is_source_and_never_bytecode);
    tcase_add_loop_test(tests, v20_any_bytes_are_a_program_or_an_error, 0, 4);
    tcase_add_test(tests, verdicts_have_names_and_exit_codes);
    tcase_add_test(tests, two_vms_know_nothing_of_each_other);
    tcase_add_test(tests, v10_v27_nan_and_zero_follow_ieee_754);
    tcase_add_test(tests, v26_numbers_have_no_undefined_corners);
    tcase_add_test(tests, v24_percent_signs_are_bytes_like_others);
}

int main(void)
{
    return suite_run("api", add_tests);
}
