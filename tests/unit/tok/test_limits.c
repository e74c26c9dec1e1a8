#include <errno.h>
#include <string.h>

#include "program.h"
#include "suite.h"
#include "vm.h"

static enum tok_verdict run_with(struct program *program, const struct tok_limits *limits,
                                 const char *source)
{
    program_init(program);
    program->config.limits = *limits;
    return program_run(program, source);
}

START_TEST(steps_end_a_loop_and_keep_the_output)
{
    struct program program;
    struct tok_limits limits = {.steps = 1000};
    ck_assert_int_eq(run_with(&program, &limits, "print 1; while (true) {}"), TOK_STEP_LIMIT);
    ck_assert_str_eq(program.output, "1\n");
    ck_assert_uint_eq(program.diagnostic_count, 0);
    program_done(&program);
}
END_TEST

START_TEST(steps_hold_at_n_and_not_at_n_plus_1)
{
    static const char source[] = "fun f() {} for (var i = 0; i < 5000; i = i + 1) f();";
    struct program free_run;
    struct tok_limits limits = {0};
    ck_assert_int_eq(run_with(&free_run, &limits, source), TOK_OK);
    uint64_t steps = free_run.usage.steps;
    program_done(&free_run);
    for (uint64_t limit = steps - 1; limit <= steps; limit++) {
        struct program program;
        limits.steps = limit;
        ck_assert_int_eq(run_with(&program, &limits, source),
                         limit == steps ? TOK_OK : TOK_STEP_LIMIT);
        program_done(&program);
    }
}
END_TEST

START_TEST(steps_are_the_same_each_time)
{
    static const char source[] = "class A { init(n) { this.n = n; } m() { return this.n; } }"
                                 "var s = \"\"; for (var i = 0; i < 3000; i = i + 1) {"
                                 "s = s + \"abc\"; A(i).m(); if (s == s + \"x\") print 1; }";
    uint64_t steps[3];
    for (int i = 0; i < 3; i++) {
        struct program program;
        program_init(&program);
        program.config.hash_seed = (uint64_t)i * 77;
        ck_assert_int_eq(program_run(&program, source), TOK_OK);
        steps[i] = program.usage.steps;
        program_done(&program);
    }
    ck_assert_uint_gt(steps[0], 9000);
    ck_assert_uint_eq(steps[0], steps[1]);
    ck_assert_uint_eq(steps[0], steps[2]);
}
END_TEST

START_TEST(v07_long_strings_cost_steps)
{
    struct program program;
    struct tok_limits limits = {.steps = 100000};
    ck_assert_int_eq(run_with(&program, &limits,
                              "var s = \"0123456789abcdef\"; for (var i = 0; i < 16; i = i + 1)"
                              " s = s + s; for (var i = 0; i < 1000; i = i + 1) \"x\" + s;"),
                     TOK_STEP_LIMIT);
    program_done(&program);
}
END_TEST

START_TEST(v06_a_doubling_string_ends_at_the_memory_limit)
{
    struct program program;
    struct tok_limits limits = {.memory_bytes = 16 << 20};
    ck_assert_int_eq(
        run_with(&program, &limits, "print 1; var s = \"ab\"; while (true) s = s + s;"),
        TOK_MEMORY_LIMIT);
    ck_assert_str_eq(program.output, "1\n");
    ck_assert_uint_le(program.usage.memory_peak_bytes, limits.memory_bytes);
    ck_assert_int_eq(program_run(&program, "s = nil; print 2;"), TOK_OK);
    program_done(&program);
}
END_TEST

static const char *const memory_hogs[] = {
    "class N {} var l; while (true) { var n = N(); n.next = l; l = n; }",
    "class N {} var l; while (true) { var n = N(); n.a = 1; n.b = 2; n.c = l; n.d = 3; l = n; }",
    "var l; fun make(x) { fun f() { return x; } return f; } while (true) l = make(l);",
    "var l; while (true) { class C { m() {} } var c = C(); c.l = l; l = c; }",
    "var l; class N { m() {} } while (true) { var n = N(); n.l = l; l = n.m; }",
    "fun f(a) { f(a + 1); } f(1);",
    "var l = \"\"; while (true) l = l + \"0123456789012345678901234567890123456789\";",
};
enum { MEMORY_HOGS = sizeof(memory_hogs) / sizeof(*memory_hogs) };

START_TEST(whatever_grows_ends_at_the_memory_limit)
{
    struct program program;
#ifdef TOK_STRESS
    struct tok_limits limits = {.memory_bytes = 64 << 10, .call_depth = 10000000};
#else
    struct tok_limits limits = {.memory_bytes = 2 << 20, .call_depth = 10000000};
#endif
    ck_assert_int_eq(run_with(&program, &limits, memory_hogs[_i]), TOK_MEMORY_LIMIT);
    ck_assert_uint_le(program.usage.memory_peak_bytes, limits.memory_bytes);
    ck_assert_uint_eq(program.diagnostic_count, 0);
    program_done(&program);
}
END_TEST

START_TEST(garbage_is_no_reason_for_a_memory_limit)
{
    struct program program;
    struct tok_limits limits = {.memory_bytes = 1 << 20};
#ifdef TOK_STRESS
    const char *source = "class N {} for (var i = 0; i < 300; i = i + 1) { var n = N(); n.x = i;"
                         " var s = \"abc\" + string(i); }";
#else
    const char *source =
        "class N { m() {} } for (var i = 0; i < 100000; i = i + 1) { var n = N(); n.x = i;"
        " n.y = n.m; var s = \"abc\" + string(i); fun f() { return n; } }";
#endif
    ck_assert_int_eq(run_with(&program, &limits, source), TOK_OK);
    program_done(&program);
}
END_TEST

START_TEST(a_memory_limit_too_small_for_a_vm_is_refused)
{
    struct program program;
    program_init(&program);
    program.config.limits.memory_bytes = 100;
    ck_assert_int_eq(program_start(&program), -ENOMEM);
    program_done(&program);
}
END_TEST

START_TEST(v18_a_source_too_large_for_memory_is_a_memory_limit)
{
    struct program program;
    struct tok_limits limits = {.memory_bytes = 256 << 10};
    char *source = program_repeat("fun f() {", "g(1, \"a\", 2 + 3 * h());", 20000, "}");
    ck_assert_int_eq(run_with(&program, &limits, source), TOK_MEMORY_LIMIT);
    ck_assert_int_eq(program_run(&program, "print 1;"), TOK_OK);
    free(source);
    program_done(&program);
}
END_TEST

/* The length alone is looked at. */
START_TEST(v18_a_source_longer_than_can_be_counted_is_a_compile_error)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_start(&program), 0);
    ck_assert_int_eq(tok_check(program.vm, "", (size_t)TOK_SOURCE_MAX + 1), TOK_COMPILE_ERROR);
    ck_assert_uint_eq(program.diagnostic_count, 1);
    ck_assert_str_eq(program.diagnostics[0].message, "Program too long.");
    ck_assert_int_eq(tok_check(program.vm, "", SIZE_MAX), TOK_COMPILE_ERROR);
    program_done(&program);
}
END_TEST

START_TEST(output_is_cut_at_its_limit)
{
    static const struct {
        uint64_t limit;
        enum tok_verdict verdict;
        const char *output;
    } cases[] = {
        {1, TOK_OUTPUT_LIMIT, "a"},        {5, TOK_OUTPUT_LIMIT, "abc\nd"},
        {7, TOK_OUTPUT_LIMIT, "abc\ndef"}, {8, TOK_OK, "abc\ndef\n"},
        {9, TOK_OK, "abc\ndef\n"},         {0, TOK_OK, "abc\ndef\n"},
    };
    struct program program;
    struct tok_limits limits = {.output_bytes = cases[_i].limit};
    ck_assert_int_eq(run_with(&program, &limits, "print \"abc\"; print \"def\";"),
                     cases[_i].verdict);
    ck_assert_str_eq(program.output, cases[_i].output);
    ck_assert_uint_eq(program.usage.output_bytes, strlen(cases[_i].output));
    program_done(&program);
}
END_TEST

START_TEST(endless_output_ends_with_the_first_bytes_kept)
{
    struct program program;
    struct tok_limits limits = {.output_bytes = 10000};
    ck_assert_int_eq(run_with(&program, &limits, "while (true) print \"0123456\";"),
                     TOK_OUTPUT_LIMIT);
    ck_assert_uint_eq(program.output_bytes, 10000);
    ck_assert_mem_eq(program.output, "0123456\n0123456\n", 16);
    program_done(&program);
}
END_TEST

START_TEST(v03_infinite_recursion_is_a_runtime_error)
{
    struct program program;
    struct tok_limits limits = {0};
    ck_assert_int_eq(run_with(&program, &limits, "print 1; fun f() { f(); } f();"),
                     TOK_RUNTIME_ERROR);
    ck_assert_str_eq(program.diagnostics[0].message, "stack overflow");
    ck_assert_uint_eq(program.diagnostics[0].trace_count, TOK_TRACE_LINES_MAX);
    ck_assert_str_eq(program.output, "1\n");
    ck_assert_int_eq(program_run(&program, "print 2;"), TOK_OK);
    program_done(&program);
}
END_TEST

START_TEST(v04_recursion_by_initializers_and_bound_methods_has_the_same_limit)
{
    program_expect_error("class A { init() { A(); } } A();", "stack overflow", 1);
    program_expect_error("class A { m() { var f = this.m; f(); } } A().m();", "stack overflow", 1);
    program_expect_error(
        "class A { m() { this.m(); } } class B < A { m() { super.m(); } } B().m();",
        "stack overflow", 1);
}
END_TEST

START_TEST(call_depth_holds_at_n_and_not_at_n_plus_1)
{
    enum { DEPTH = 50 };
    static const char source[] = "fun f(n) { if (n > 1) f(n - 1); } f(50); print 1;";
    for (uint32_t limit = DEPTH - 1; limit <= DEPTH; limit++) {
        struct program program;
        struct tok_limits limits = {.call_depth = limit};
        ck_assert_int_eq(run_with(&program, &limits, source),
                         limit == DEPTH ? TOK_OK : TOK_RUNTIME_ERROR);
        program_done(&program);
    }
}
END_TEST

START_TEST(default_call_depth_allows_9000_calls)
{
    program_expect("fun f(n) { if (n == 0) return 0; return 1 + f(n - 1); } print f(9000);", TOK_OK,
                   "9000\n");
}
END_TEST

START_TEST(an_interrupt_ends_a_loop)
{
    struct program program;
    program_init(&program);
    program.interrupt_at_write = 1; /* from inside the write callback, as from a signal handler */
    ck_assert_int_eq(program_run(&program, "print 1; input(); while (true) {}"), TOK_INTERRUPTED);
    ck_assert_str_eq(program.output, "1\n");
    program.interrupt_at_write = 0;
    ck_assert_int_eq(program_run(&program, "print 2;"), TOK_OK);
    program_done(&program);
}
END_TEST

START_TEST(an_interrupt_before_the_run_ends_it_at_once)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_start(&program), 0);
    tok_interrupt(program.vm);
    ck_assert_int_eq(program_run(&program, "print 1;"), TOK_INTERRUPTED);
    ck_assert_str_eq(program.output, "");
    program_done(&program);
}
END_TEST

START_TEST(a_failing_host_is_a_host_error)
{
    struct program program;
    program_init(&program);
    program.write_result = -EIO;
    ck_assert_int_eq(program_run(&program, "print 1;"), TOK_HOST_ERROR);
    program_done(&program);
    program_init(&program);
    program.read_failure = -EIO;
    ck_assert_int_eq(program_run(&program, "print input();"), TOK_HOST_ERROR);
    program_done(&program);
    program_init(&program);
    program.read_failure = 1 << 20; /* more than was asked for */
    ck_assert_int_eq(program_run(&program, "print input();"), TOK_HOST_ERROR);
    program_done(&program);
}
END_TEST

START_TEST(long_waits_do_not_hold_output_back)
{
    struct program program;
    struct tok_limits limits = {.steps = 3000000};
    ck_assert_int_eq(run_with(&program, &limits, "print 1; while (true) {}"), TOK_STEP_LIMIT);
    ck_assert_uint_eq(program.write_calls, 1);
    program_done(&program);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, steps_end_a_loop_and_keep_the_output);
    tcase_add_test(tests, steps_hold_at_n_and_not_at_n_plus_1);
    tcase_add_test(tests, steps_are_the_same_each_time);
    tcase_add_test(tests, v07_long_strings_cost_steps);
    tcase_add_test(tests, v06_a_doubling_string_ends_at_the_memory_limit);
    tcase_add_loop_test(tests, whatever_grows_ends_at_the_memory_limit, 0, MEMORY_HOGS);
    tcase_add_test(tests, garbage_is_no_reason_for_a_memory_limit);
    tcase_add_test(tests, a_memory_limit_too_small_for_a_vm_is_refused);
    tcase_add_test(tests, v18_a_source_too_large_for_memory_is_a_memory_limit);
    tcase_add_test(tests, v18_a_source_longer_than_can_be_counted_is_a_compile_error);
    tcase_add_loop_test(tests, output_is_cut_at_its_limit, 0, 6);
    tcase_add_test(tests, endless_output_ends_with_the_first_bytes_kept);
    tcase_add_test(tests, v03_infinite_recursion_is_a_runtime_error);
    tcase_add_test(tests, v04_recursion_by_initializers_and_bound_methods_has_the_same_limit);
    tcase_add_test(tests, call_depth_holds_at_n_and_not_at_n_plus_1);
    tcase_add_test(tests, default_call_depth_allows_9000_calls);
    tcase_add_test(tests, an_interrupt_ends_a_loop);
    tcase_add_test(tests, an_interrupt_before_the_run_ends_it_at_once);
    tcase_add_test(tests, a_failing_host_is_a_host_error);
    tcase_add_test(tests, long_waits_do_not_hold_output_back);
}

int main(void)
{
    return suite_run("limits", add_tests);
}
