#include <string.h>

#include "program.h"
#include "suite.h"

static void expect_with_input(const char *input, size_t piece, const char *source,
                              const char *output)
{
    struct program program;
    program_init(&program);
    program.input = input;
    program.input_piece = piece;
    ck_assert_int_eq(program_run(&program, source), TOK_OK);
    ck_assert_str_eq(program.output, output);
    program_done(&program);
}

static const char echo[] = "var l = input(); while (l != nil) { print \"<\" + l + \">\";"
                           " l = input(); } print input();";

START_TEST(input_gives_lines_without_their_ends)
{
    static const char *const cases[][2] = {
        {"", "nil\n"},
        {"a", "<a>\nnil\n"},
        {"a\n", "<a>\nnil\n"},
        {"a\nb", "<a>\n<b>\nnil\n"},
        {"a\r\nb\r\n", "<a>\n<b>\nnil\n"},
        {"\n\n", "<>\n<>\nnil\n"},
        {"a\r", "<a\r>\nnil\n"},
        {"a\rb\n", "<a\rb>\nnil\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        expect_with_input(cases[i][0], (size_t)_i, echo, cases[i][1]);
}
END_TEST

START_TEST(input_lines_may_be_longer_than_its_buffer)
{
    char *line = program_repeat("", "0123456789", 5000, "\nx\n");
    expect_with_input(line, 0, "print length(input()); print input();", "50000\nx\n");
    free(line);
}
END_TEST

START_TEST(input_without_a_callback_is_at_its_end)
{
    struct program program;
    program_init(&program);
    program.config.read = NULL;
    ck_assert_int_eq(program_run(&program, "print input();"), TOK_OK);
    ck_assert_str_eq(program.output, "nil\n");
    program_done(&program);
}
END_TEST

START_TEST(input_is_asked_for_after_the_prompt_is_out)
{
    struct program program;
    program_init(&program);
    program.input = "x\n";
    program.interrupt_at_write = 1;
    ck_assert_int_eq(program_run(&program, "print \"?\"; input(); input(); while (true) {}"),
                     TOK_INTERRUPTED);
    ck_assert_str_eq(program.output, "?\n");
    program_done(&program);
}
END_TEST

START_TEST(number_reads_what_the_language_writes)
{
    static const char *const cases[][2] = {
        {"\"12\"", "12\n"},   {"\"-1.50\"", "-1.5\n"}, {"\" \t7\r\n\"", "7\n"},
        {"\"\"", "nil\n"},    {"\"-\"", "nil\n"},      {"\"1.\"", "nil\n"},
        {"\".5\"", "nil\n"},  {"\"1e5\"", "nil\n"},    {"\"+1\"", "nil\n"},
        {"\"- 1\"", "nil\n"}, {"\"1 2\"", "nil\n"},    {"\"nan\"", "nil\n"},
        {"\"--1\"", "nil\n"}, {"\"0x1\"", "nil\n"},    {"\"1.2.3\"", "nil\n"},
        {"\"-0\"", "-0\n"},   {"\"007\"", "7\n"},      {"\" \"", "nil\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *source = program_repeat("print number(", cases[i][0], 1, ");");
        program_expect(source, TOK_OK, cases[i][1]);
        free(source);
    }
}
END_TEST

START_TEST(string_shows_what_print_shows)
{
    program_expect("class A { m() {} } fun f() {} print string(1.50) + string(nil) + string(true);"
                   "print string(A) + string(A()) + string(A().m) + string(f) + string(clock);"
                   "print string(\"s\") == \"s\"; print length(string(0/0));",
                   TOK_OK, "1.5niltrue\nAA instance<fn m><fn f><native fn>\ntrue\n3\n");
}
END_TEST

START_TEST(length_counts_bytes)
{
    program_expect("print length(\"\"); print length(\"\xc3\xa9\"); var s = \"ab\";"
                   "for (var i = 0; i < 10; i = i + 1) s = s + s; print length(s);",
                   TOK_OK, "0\n2\n2048\n");
}
END_TEST

START_TEST(wrong_kinds_and_counts_are_runtime_errors)
{
    program_expect_error("number(1);", "Argument must be a string.", 1);
    program_expect_error("length(nil);", "Argument must be a string.", 1);
    program_expect_error("clock(1);", "Expected 0 arguments but got 1.", 1);
    program_expect_error("input(1);", "Expected 0 arguments but got 1.", 1);
    program_expect_error("string();", "Expected 1 arguments but got 0.", 1);
}
END_TEST

START_TEST(v23_clock_is_what_the_host_says_and_else_0)
{
    program_expect("print clock();", TOK_OK, "0\n");
}
END_TEST

START_TEST(natives_are_globals_like_others)
{
    program_expect("var length = 3; print length; fun clock() { return 1; } print clock();", TOK_OK,
                   "3\n1\n");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, input_gives_lines_without_their_ends, 0, 4);
    tcase_add_test(tests, input_lines_may_be_longer_than_its_buffer);
    tcase_add_test(tests, input_without_a_callback_is_at_its_end);
    tcase_add_test(tests, input_is_asked_for_after_the_prompt_is_out);
    tcase_add_test(tests, number_reads_what_the_language_writes);
    tcase_add_test(tests, string_shows_what_print_shows);
    tcase_add_test(tests, length_counts_bytes);
    tcase_add_test(tests, wrong_kinds_and_counts_are_runtime_errors);
    tcase_add_test(tests, v23_clock_is_what_the_host_says_and_else_0);
    tcase_add_test(tests, natives_are_globals_like_others);
}

int main(void)
{
    return suite_run("natives", add_tests);
}
