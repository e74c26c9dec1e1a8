#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "program.h"
#include "suite.h"

/* A text that grows, for programs made by loops. */
struct source {
    char *text;
    size_t count;
    size_t capacity;
};

__attribute__((format(printf, 2, 3))) static void add(struct source *source, const char *format,
                                                      ...)
{
    va_list arguments;
    if (source->capacity - source->count < 256) {
        source->capacity = source->capacity * 2 + 4096;
        source->text = realloc(source->text, source->capacity);
        ck_assert_ptr_nonnull(source->text);
    }
    va_start(arguments, format);
    source->count += (size_t)vsnprintf(source->text + source->count, 256, format, arguments);
    va_end(arguments);
}

static void expect(struct source *source, enum tok_verdict verdict, const char *output)
{
    program_expect(source->text, verdict, output);
    free(source->text);
}

static void expect_compile_error(char *source, const char *message)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_run(&program, source), TOK_COMPILE_ERROR);
    ck_assert_uint_ge(program.diagnostic_count, 1);
    ck_assert_str_eq(program.diagnostics[0].message, message);
    ck_assert_uint_ge(program.diagnostics[0].line, 1);
    ck_assert_str_eq(program.output, "");
    program_done(&program);
    free(source);
}

static struct source call_with(int parameters, int arguments)
{
    struct source source = {0};
    add(&source, "fun f(");
    for (int i = 0; i < parameters; i++)
        add(&source, "%sp%d", i ? "," : "", i);
    add(&source, ") { return p0 + p%d; } print f(", parameters - 1);
    for (int i = 0; i < arguments; i++)
        add(&source, "%s%d", i ? "," : "", i);
    add(&source, ");");
    return source;
}

START_TEST(v12_255_arguments_arrive)
{
    struct source source = call_with(255, 255);
    expect(&source, TOK_OK, "254\n");
}
END_TEST

START_TEST(v12_the_256th_argument_or_parameter_is_an_error)
{
    struct source arguments = call_with(1, 256);
    expect_compile_error(arguments.text, "Can't have more than 255 arguments.");
    struct source parameters = call_with(256, 1);
    expect_compile_error(parameters.text, "Can't have more than 255 parameters.");
}
END_TEST

static struct source locals(int count)
{
    struct source source = {0};
    add(&source, "fun f() {");
    for (int i = 0; i < count; i++)
        add(&source, "var v%d = %d;", i, i);
    add(&source, "var sum = 0; v0 = v%d; return v0 + v%d * (v%d - v%d); } print f();", count - 1,
        count - 1, count - 1, count - 2);
    return source;
}

START_TEST(v12_255_locals_work)
{
    struct source source = locals(254);
    expect(&source, TOK_OK, "506\n");
}
END_TEST

START_TEST(v12_the_256th_local_is_an_error)
{
    struct source source = locals(255);
    expect_compile_error(source.text, "Too many local variables in function.");
}
END_TEST

START_TEST(locals_beside_255_arguments_use_far_registers)
{
    struct source source = {0};
    add(&source, "fun g(a) { return a; } class C { m(a, b) { return a - b; } }"
                 "fun f() {");
    for (int i = 0; i < 250; i++)
        add(&source, "var v%d = %d;", i, i);
    add(&source, "var o = C(); o.x = 3; fun self(n) { if (n == 0) return 0; return self(n - 1); }"
                 "print o.m(v249, g(v1) + o.x); print self(4); o.y = v2; print o.y;"
                 "print v248 < v249 and !(v3 > v249); print -v7; return v249; } print f();");
    expect(&source, TOK_OK, "245\n0\n2\ntrue\n-7\n249\n");
}
END_TEST

START_TEST(parameters_in_scratch_registers_are_moved)
{
    struct source source = {0};
    add(&source, "fun f(");
    for (int i = 0; i < 254; i++)
        add(&source, "%sp%d", i ? "," : "", i);
    add(&source, ") { fun g() { p253 = p253 + 1; return p253; }"
                 "p252 = p252 + p250; return g() + p252 - p251; } print f(");
    for (int i = 0; i < 254; i++)
        add(&source, "%s%d", i ? "," : "", i);
    add(&source, ");");
    expect(&source, TOK_OK, "505\n");
}
END_TEST

static struct source captures(int count)
{
    struct source source = {0};
    add(&source, "fun f() {");
    for (int i = 0; i < count / 2; i++)
        add(&source, "var a%d = %d;", i, i);
    add(&source, "fun g() {");
    for (int i = count / 2; i < count; i++)
        add(&source, "var a%d = %d;", i, i);
    add(&source, "fun h() { return 0");
    for (int i = 0; i < count; i++)
        add(&source, "+a%d", i);
    add(&source, "; } return h(); } return g(); } print f();");
    return source;
}

START_TEST(v12_255_captured_variables_work)
{
    struct source source = captures(255);
    expect(&source, TOK_OK, "32385\n");
}
END_TEST

START_TEST(v12_the_256th_captured_variable_is_an_error)
{
    struct source source = captures(256);
    expect_compile_error(source.text, "Too many closure variables in function.");
}
END_TEST

#ifndef TOK_STRESS /* a collection at each allocation makes large programs take minutes */
static struct source constants(int count)
{
    struct source source = {0};
    add(&source, "fun f() { var s = 0;");
    for (int i = 0; i < count; i++)
        add(&source, "s=%d.5;", i);
    add(&source, "return s; } print f();");
    return source;
}

START_TEST(v12_65535_constants_work)
{
    struct source source = constants(65535 - 1); /* and 0 */
    expect(&source, TOK_OK, "65533.5\n");
}
END_TEST

START_TEST(v12_too_many_constants_are_an_error)
{
    struct source source = constants(65536);
    expect_compile_error(source.text, "Too many constants in function.");
}
END_TEST

#endif

START_TEST(v12_jumps_reach_over_large_bodies)
{
    struct source source = {0};
    add(&source, "fun f(n) { var s = 0; while (n > 0) { if (n == 2) {");
    for (int i = 0; i < 30000; i++)
        add(&source, "s=s+n*n;");
    add(&source, "} else { s = s + 1; } n = n - 1; } return s; } print f(3);");
    expect(&source, TOK_OK, "120002\n");
}
END_TEST

static const struct {
    const char *before, *open, *middle, *close, *after;
    const char *output; /* at 200 levels */
} nestings[] = {
    {"print ", "(", "7", ")", ";", "7\n"},
    {"print ", "!", "true", "", ";", "true\n"},
    {"print ", "- -", "7", "", ";", NULL}, /* two levels each */
    {"print ", "true==(", "true", ")", ";", "true\n"},
    {"fun f(a) { return a; } print ", "f(", "7", ")", ";", "7\n"},
    {"var a; print ", "a=", "7", "", ";", "7\n"},
    {"", "{", "print 7;", "}", "", "7\n"},
    {"", "if (true) ", "print 7;", "", "", "7\n"},
    {"", "if (true) {", "print 7;", "}", "", "7\n"},
    {"", "while (true) ", "print 7 + nil;", "", "", NULL},
    {"", "fun f() {", "print 7;", "} f();", "", "7\n"},
    {"", "class A { m() {", "print 7;", "} } A().m();", "", "7\n"},
    {"", "for (;;) {", "print 7 + nil;", "}", "", NULL},
};
enum { NESTINGS = sizeof(nestings) / sizeof(*nestings) };

static char *nest(int kind, size_t depth)
{
    char *open =
        program_repeat(nestings[kind].before, nestings[kind].open, depth, nestings[kind].middle);
    char *all = program_repeat(open, nestings[kind].close, depth, nestings[kind].after);
    free(open);
    return all;
}

START_TEST(nesting_200_deep_works)
{
    char *source = nest(_i, 200);
    if (nestings[_i].output) {
        program_expect(source, TOK_OK, nestings[_i].output);
    } else {
        struct program program;
        program_init(&program);
        program_run(&program, source);
        ck_assert_int_ne(program.verdict, TOK_COMPILE_ERROR * (_i != 2));
        program_done(&program);
    }
    free(source);
}
END_TEST

START_TEST(v01_v02_nesting_100000_deep_is_a_compile_error)
{
    expect_compile_error(nest(_i, 100000), "Nesting too deep.");
}
END_TEST

START_TEST(nesting_limit_holds_at_n_and_not_at_n_plus_1)
{
    enum { LIMIT = 10 };
    for (size_t depth = LIMIT; depth <= LIMIT + 1; depth++) {
        struct program program;
        program_init(&program);
        program.config.limits.nesting = LIMIT;
        char *source = nest(0, depth);
        ck_assert_int_eq(program_run(&program, source),
                         depth == LIMIT ? TOK_OK : TOK_COMPILE_ERROR);
        free(source);
        program_done(&program);
    }
}
END_TEST

START_TEST(nesting_limit_has_an_upper_bound_of_its_own)
{
    struct program program;
    program_init(&program);
    program.config.limits.nesting = UINT32_MAX;
    char *source = nest(_i, 100000);
    ck_assert_int_eq(program_run(&program, source), TOK_COMPILE_ERROR);
    free(source);
    program_done(&program);
}
END_TEST

#ifndef TOK_STRESS
START_TEST(chains_are_as_long_as_the_source)
{
    static const char *const chains[][4] = {
        {"print 0", "+1", ";", "100000\n"},
        {"var a = 1; print 0", "+a", ";", "100000\n"},
        {"print true", " and true", ";", "true\n"},
        {"var f = false; print f", " or f", ";", "false\n"},
        {"fun f() { return f; } print f", "()", ";", "<fn f>\n"},
        {"class A {} var a = A(); a.a = a; print a", ".a", ";", "A instance\n"},
        {"class A { a() { return this; } } print A()", ".a()", ";", "A instance\n"},
        {"var x = 1; if (x == 0) print 0;", "else if (x == 0) print 1;", "else print 2;", "2\n"},
        {"print 1", "==1", ";", "false\n"},
        {"", "1;", "print 3;", "3\n"},
    };
    char *source = program_repeat(chains[_i][0], chains[_i][1], 100000, chains[_i][2]);
    program_expect(source, TOK_OK, chains[_i][3]);
    free(source);
}
END_TEST

#endif

START_TEST(left_operands_keep_their_value)
{
    program_expect("fun f(a) { return a + (a = 5) * a; } print f(1);", TOK_OK, "26\n");
    program_expect("fun f(a) { var b = a == (a = 2); return b; } print f(1);", TOK_OK, "false\n");
    program_expect("fun f(a) { if (a < (a = 2)) return a; } print f(1);", TOK_OK, "2\n");
    program_expect("class C {} fun f(a) { var b = a; a.x = (a = 3); return b.x; } print f(C());",
                   TOK_OK, "3\n");
    program_expect("fun f(a) { a = a - (a = a + 1) - a; return a; } print f(1);", TOK_OK, "-3\n");
    program_expect("fun f(a) { a = 1 + a and a; return a; } print f(4);", TOK_OK, "4\n");
}
END_TEST

START_TEST(captured_variables_are_shared_or_copied)
{
    program_expect("fun f() { var a = 1; fun g() { return a; } a = 2; return g; } print f()();",
                   TOK_OK, "2\n");
    program_expect("var fs; { var a = 1; fun g() { a = a + 1; return a; } fs = g; } print fs() + "
                   "fs();",
                   TOK_OK, "5\n");
    program_expect("fun f(n) { fun g(m) { if (m == 0) return n; return g(m - 1); } return g(n); }"
                   "print f(3);",
                   TOK_OK, "3\n");
    program_expect("{ class A { m() { return A; } } print A().m(); }", TOK_OK, "A\n");
    program_expect("{ fun f() { return 1; } fun g() { return f(); } f = nil; print f; }", TOK_OK,
                   "nil\n");
}
END_TEST

START_TEST(a_program_with_an_error_is_not_run_at_all)
{
    program_expect("print 1; print ;", TOK_COMPILE_ERROR, "");
}
END_TEST

START_TEST(an_empty_program_is_fine)
{
    program_expect("", TOK_OK, "");
    program_expect("// nothing", TOK_OK, "");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, v12_255_arguments_arrive);
    tcase_add_test(tests, v12_the_256th_argument_or_parameter_is_an_error);
    tcase_add_test(tests, v12_255_locals_work);
    tcase_add_test(tests, v12_the_256th_local_is_an_error);
    tcase_add_test(tests, locals_beside_255_arguments_use_far_registers);
    tcase_add_test(tests, parameters_in_scratch_registers_are_moved);
    tcase_add_test(tests, v12_255_captured_variables_work);
    tcase_add_test(tests, v12_the_256th_captured_variable_is_an_error);
#ifndef TOK_STRESS
    tcase_add_test(tests, v12_65535_constants_work);
    tcase_add_test(tests, v12_too_many_constants_are_an_error);
    tcase_add_loop_test(tests, chains_are_as_long_as_the_source, 0, 10);
#endif
    tcase_add_test(tests, v12_jumps_reach_over_large_bodies);
    tcase_add_loop_test(tests, nesting_200_deep_works, 0, NESTINGS);
    tcase_add_loop_test(tests, v01_v02_nesting_100000_deep_is_a_compile_error, 0, NESTINGS);
    tcase_add_test(tests, nesting_limit_holds_at_n_and_not_at_n_plus_1);
    tcase_add_loop_test(tests, nesting_limit_has_an_upper_bound_of_its_own, 0, NESTINGS);
    tcase_add_test(tests, left_operands_keep_their_value);
    tcase_add_test(tests, captured_variables_are_shared_or_copied);
    tcase_add_test(tests, a_program_with_an_error_is_not_run_at_all);
    tcase_add_test(tests, an_empty_program_is_fine);
}

int main(void)
{
    return suite_run("compiler", add_tests);
}
