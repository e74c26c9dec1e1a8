#include <string.h>

#include "program.h"
#include "suite.h"

static const struct {
    const char *source;
    uint32_t line, column, length;
    const char *text;
} compile_errors[] = {
    {"print 1", 1, 8, 0, "[line 1] Error at end: Expect ';' after value."},
    {"print 1\n", 2, 1, 0, "[line 2] Error at end: Expect ';' after value."},
    {"\n  print ;", 2, 9, 1, "[line 2] Error at ';': Expect expression."},
    {"a + b = 1;", 1, 7, 1, "[line 1] Error at '=': Invalid assignment target."},
    {"print \"\xC3\xA9\" 2;", 1, 12, 1,
     "[line 1] Error at '2': Expect ';' after value."}, /* bytes */
    {"print 1; @", 1, 10, 1, "[line 1] Error: Unexpected character."},
    {"print \"abc\n", 1, 7, 5, "[line 1] Error: Unterminated string."},
    {"{ var a; var a; }", 1, 14, 1,
     "[line 1] Error at 'a': Already a variable with this name in this scope."},
    {"{ var a = a; }", 1, 11, 1,
     "[line 1] Error at 'a': Can't read local variable in its own initializer."},
    {"return 1;", 1, 1, 6, "[line 1] Error at 'return': Can't return from top-level code."},
    {"class A { init() { return 1; } }", 1, 20, 6,
     "[line 1] Error at 'return': Can't return a value from an initializer."},
    {"class A < A {}", 1, 11, 1, "[line 1] Error at 'A': A class can't inherit from itself."},
    {"print this;", 1, 7, 4, "[line 1] Error at 'this': Can't use 'this' outside of a class."},
    {"fun f() { super.x(); }", 1, 11, 5,
     "[line 1] Error at 'super': Can't use 'super' outside of a class."},
    {"class A { m() { super.m(); } }", 1, 17, 5,
     "[line 1] Error at 'super': Can't use 'super' in a class with no superclass."},
};
enum { COMPILE_ERRORS = sizeof(compile_errors) / sizeof(*compile_errors) };

START_TEST(v17_compile_errors_have_place_and_text)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_run(&program, compile_errors[_i].source), TOK_COMPILE_ERROR);
    ck_assert_uint_eq(program.diagnostic_count, 1);
    const struct program_diagnostic *diagnostic = &program.diagnostics[0];
    ck_assert_str_eq(diagnostic->text, compile_errors[_i].text);
    ck_assert_uint_eq(diagnostic->line, compile_errors[_i].line);
    ck_assert_uint_eq(diagnostic->column, compile_errors[_i].column);
    ck_assert_uint_eq(diagnostic->length, compile_errors[_i].length);
    ck_assert_uint_eq(diagnostic->trace_count, 0);
    program_done(&program);
}
END_TEST

static const struct {
    const char *source;
    uint32_t line, column, length;
    const char *text;
} runtime_errors[] = {
    {"print\n 1 + nil;", 2, 4, 1,
     "Operands must be two numbers or two strings.\n[line 2] in script"},
    {"print 1 - \"a\";", 1, 9, 1, "Operands must be numbers.\n[line 1] in script"},
    {"if (1 < nil) print 1;", 1, 7, 1, "Operands must be numbers.\n[line 1] in script"},
    {"print -nil;", 1, 7, 1, "Operand must be a number.\n[line 1] in script"},
    {"print abc;", 1, 7, 3, "Undefined variable 'abc'.\n[line 1] in script"},
    {"abc = 1;", 1, 1, 3, "Undefined variable 'abc'.\n[line 1] in script"},
    {"fun f(a) {}\nf(\n);", 3, 1, 1, "Expected 1 arguments but got 0.\n[line 3] in script"},
    {"\"a\"();", 1, 5, 1, "Can only call functions and classes.\n[line 1] in script"},
    {"print 1 .x;", 1, 10, 1, "Only instances have properties.\n[line 1] in script"},
    {"var a; a.xy = 1;", 1, 10, 2, "Only instances have fields.\n[line 1] in script"},
    {"class A {} A().foo;", 1, 16, 3, "Undefined property 'foo'.\n[line 1] in script"},
    {"class A {} A().foo();", 1, 20, 1, "Undefined property 'foo'.\n[line 1] in script"},
    {"var B; class A < B {}", 1, 18, 1, "Superclass must be a class.\n[line 1] in script"},
    {"class A { m() { nil.x; } }\nA().m();", 1, 21, 1,
     "Only instances have properties.\n[line 1] in m()\n[line 2] in script"},
    {"length(1);", 1, 9, 1, "Argument must be a string.\n[line 1] in script"},
};
enum { RUNTIME_ERRORS = sizeof(runtime_errors) / sizeof(*runtime_errors) };

START_TEST(runtime_errors_have_place_text_and_stack)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_run(&program, runtime_errors[_i].source), TOK_RUNTIME_ERROR);
    ck_assert_uint_eq(program.diagnostic_count, 1);
    const struct program_diagnostic *diagnostic = &program.diagnostics[0];
    ck_assert_str_eq(diagnostic->text, runtime_errors[_i].text);
    ck_assert_uint_eq(diagnostic->line, runtime_errors[_i].line);
    ck_assert_uint_eq(diagnostic->column, runtime_errors[_i].column);
    ck_assert_uint_eq(diagnostic->length, runtime_errors[_i].length);
    program_done(&program);
}
END_TEST

START_TEST(output_comes_before_the_diagnostic)
{
    struct program program;
    program_init(&program);
    program_run(&program, "print 1; print 2; nil();");
    ck_assert_uint_eq(program.diagnostic_count, 1);
    ck_assert_uint_eq(program.diagnostics[0].output_bytes_before, 4);
    program_done(&program);
}
END_TEST

START_TEST(several_errors_are_reported_in_one_pass)
{
    struct program program;
    program_init(&program);
    program_run(&program, "var a = ;\nprint 1 2;\nfun f() { var 1; }\nprint 3;");
    ck_assert_uint_eq(program.diagnostic_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(program.diagnostics[i].line, i + 1);
    program_done(&program);
}
END_TEST

START_TEST(at_most_100_compile_errors_are_reported)
{
    for (size_t count = TOK_DIAGNOSTICS_MAX; count <= TOK_DIAGNOSTICS_MAX + 1; count++) {
        struct program program;
        program_init(&program);
        char *source = program_repeat("", "print ;\n", count, "");
        ck_assert_int_eq(program_run(&program, source), TOK_COMPILE_ERROR);
        ck_assert_uint_eq(program.diagnostic_count, TOK_DIAGNOSTICS_MAX);
        free(source);
        program_done(&program);
    }
}
END_TEST

START_TEST(v25_a_long_trace_is_its_first_and_last_32_lines)
{
    struct program program;
    program_init(&program);
    program_run(&program, "fun f(n) { if (n == 0) nil();\nf(n - 1); }\nf(99);");
    ck_assert_uint_eq(program.diagnostic_count, 1);
    const struct program_diagnostic *diagnostic = &program.diagnostics[0];
    ck_assert_uint_eq(diagnostic->trace_count, TOK_TRACE_LINES_MAX);
    ck_assert_uint_eq(diagnostic->trace_omitted, 101 - TOK_TRACE_LINES_MAX);
    ck_assert_uint_eq(diagnostic->trace_first_line, 1);
    ck_assert_uint_eq(diagnostic->trace_last_line, 3);
    ck_assert_ptr_nonnull(strstr(diagnostic->text, "[37 calls not shown]"));
    program_done(&program);
}
END_TEST

START_TEST(a_trace_of_64_lines_is_whole)
{
    struct program program;
    program_init(&program);
    program_run(&program, "fun f(n) { if (n == 0) nil(); f(n - 1); } f(62);");
    ck_assert_uint_eq(program.diagnostics[0].trace_count, TOK_TRACE_LINES_MAX);
    ck_assert_uint_eq(program.diagnostics[0].trace_omitted, 0);
    program_done(&program);
}
END_TEST

START_TEST(v19_a_lexeme_with_nul_does_not_cut_the_text)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_start(&program), 0);
    static const char source[] = "var \"a\0b\";";
    ck_assert_int_eq(program_run_bytes(&program, source, sizeof(source) - 1), TOK_COMPILE_ERROR);
    ck_assert_str_eq(program.diagnostics[0].text,
                     "[line 1] Error at '\"a?b\"': Expect variable name.");
    program_done(&program);
}
END_TEST

START_TEST(diagnostics_may_be_dropped)
{
    struct program program;
    program_init(&program);
    program.config.report = NULL;
    ck_assert_int_eq(program_run(&program, "print ;"), TOK_COMPILE_ERROR);
    ck_assert_int_eq(program_run(&program, "nil();"), TOK_RUNTIME_ERROR);
    program_done(&program);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, v17_compile_errors_have_place_and_text, 0, COMPILE_ERRORS);
    tcase_add_loop_test(tests, runtime_errors_have_place_text_and_stack, 0, RUNTIME_ERRORS);
    tcase_add_test(tests, output_comes_before_the_diagnostic);
    tcase_add_test(tests, several_errors_are_reported_in_one_pass);
    tcase_add_test(tests, at_most_100_compile_errors_are_reported);
    tcase_add_test(tests, v25_a_long_trace_is_its_first_and_last_32_lines);
    tcase_add_test(tests, a_trace_of_64_lines_is_whole);
    tcase_add_test(tests, v19_a_lexeme_with_nul_does_not_cut_the_text);
    tcase_add_test(tests, diagnostics_may_be_dropped);
}

int main(void)
{
    return suite_run("diagnostics", add_tests);
}
