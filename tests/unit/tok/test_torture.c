/* Each allocation of each program fails once, and then for ever after: never a crash or a leak, never
 * a wrong answer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "program.h"
#include "suite.h"

static const char *const programs[] = {
    "print \"Hello, World!\";",
    "fun fib(n) { if (n < 2) return n; return fib(n - 1) + fib(n - 2); } print fib(6);",
    "class A { init(x) { this.x = x; this.y = x; } m() { return this.x; } }"
    "class B < A { init(x) { super.init(x); this.z = 1; this.w = 2; } m() { return super.m(); } }"
    "var l; for (var i = 0; i < 40; i = i + 1) { var b = B(i); b.l = l; b.extra = i; l = b; }"
    "print l.m(); print l.l.l.z;",
    "var s = \"0123456789\"; for (var i = 0; i < 7; i = i + 1) s = s + s + \"x\";"
    "print length(s); print s == s + \"\"; print number(\"12\" + \".5\"); print string(nil);",
    "fun counter() { var n = 0; fun inc() { n = n + 1; return n; } return inc; }"
    "var a = counter(); a(); print a(); print input(); print input();",
    "fun deep(n) { var a; var b; var c; if (n > 0) return 1 + deep(n - 1); return 0; }"
    "print deep(60);",
    "print 1; fun f() { nil.x; } fun g() { f(); } g();",
    "print 1 +; var = 3; fun (; class { }",
    "for (var i = 0; i < 20; i = i + 1) { class C { m() { return this.f; } } var c = C(); c.f = i;"
    " var m = c.m; m(); }",
    "class P {} var p = P(); p.a=1;p.b=2;p.c=3;p.d=4;p.e=5;p.f=6;p.g=7;p.h=8;p.i=9; print p.i;"
    "class Q {} fun f(o) { o.a = 1; return o.a; } f(p); f(Q()); f(p); print f(Q());",
};
enum { PROGRAMS = sizeof(programs) / sizeof(*programs), INJECTIONS_MAX = 5000 };

/* False: the failure came after the program's end. */
static bool torture(int which, uint64_t fail_at, bool for_ever, const struct program *expected)
{
    struct program program;
    program_init(&program);
    program.input = "one\ntwo\n";
    program.fail_at = fail_at;
    program.fails_from_there_on = for_ever;
    int r = program_start(&program);
    if (r < 0) {
        ck_assert_int_eq(r, -ENOMEM);
        program_done(&program);
        return true;
    }
    program_run(&program, programs[which]);
    bool was_reached = program.allocations >= fail_at;
    if (program.verdict == TOK_MEMORY_LIMIT) {
        /* What was printed is the beginning of what should have been. */
        ck_assert_uint_le(program.output_bytes, expected->output_bytes);
        ck_assert_mem_eq(program.output, expected->output, program.output_bytes);
    } else {
        ck_assert_int_eq(program.verdict, expected->verdict);
        ck_assert_str_eq(program.output, expected->output);
        ck_assert_uint_eq(program.usage.steps, expected->usage.steps);
    }
    /* With memory back, the VM works. */
    program.fail_at = 0;
    ck_assert_int_eq(program_run(&program, "print 1 + 1;"), TOK_OK);
    program_done(&program);
    return was_reached;
}

START_TEST(v14_v15_every_allocation_may_fail)
{
    struct program expected;
    program_init(&expected);
    expected.input = "one\ntwo\n";
    program_run(&expected, programs[_i]);
    ck_assert_uint_lt(expected.allocations, INJECTIONS_MAX);
    uint64_t count = 0;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        for (uint64_t n = 1; torture(_i, n, for_ever, &expected); n++)
            count++;
    }
    ck_assert_uint_ge(count, 20);
    printf("program %d: %llu allocations failed\n", _i, (unsigned long long)count);
    program_done(&expected);
}
END_TEST

/* Less and less memory, down to none: the verdict changes once, from the right one to memory_limit. */
START_TEST(every_memory_limit_is_kept)
{
    struct program expected;
    program_init(&expected);
    program_run(&expected, programs[_i]);
    for (uint64_t limit = 4000; limit < 200000; limit += 3001) {
        struct program program;
        program_init(&program);
        program.config.limits.memory_bytes = limit;
        if (program_start(&program) == 0) {
            program_run(&program, programs[_i]);
            ck_assert_uint_le(program.usage.memory_peak_bytes, limit);
            if (program.verdict != TOK_MEMORY_LIMIT)
                ck_assert_str_eq(program.output, expected.output);
        }
        program_done(&program);
    }
    program_done(&expected);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, v14_v15_every_allocation_may_fail, 0, PROGRAMS);
    tcase_add_loop_test(tests, every_memory_limit_is_kept, 0, PROGRAMS);
}

int main(void)
{
    return suite_run("torture", add_tests);
}
