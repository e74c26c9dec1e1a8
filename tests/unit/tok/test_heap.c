#include "program.h"
#include "suite.h"
#include "vm.h"

START_TEST(v05_a_linked_list_of_a_million_is_marked_without_recursion)
{
#ifdef TOK_STRESS
    const char *source = "class N {} var l; for (var i = 0; i < 500; i = i + 1) { var n = N();"
                         " n.next = l; l = n; } var c = 0; while (l != nil) { c = c + 1; l = "
                         "l.next; } print c == 500;";
#else
    const char *source = "class N {} var l; for (var i = 0; i < 1000000; i = i + 1) { var n = N();"
                         " n.next = l; l = n; } var c = 0; while (l != nil) { c = c + 1; l = "
                         "l.next; } print c == 1000000;";
#endif
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_run(&program, source), TOK_OK);
    ck_assert_str_eq(program.output, "true\n");
    ck_assert_uint_gt(program.usage.collections, 0);
    program_done(&program);
}
END_TEST

START_TEST(v05_deep_closures_are_marked_without_recursion)
{
#ifdef TOK_STRESS
    static const char deepen[] = "for (var i = 0; i < 200; i = i + 1) f = wrap(f);";
#else
    static const char deepen[] = "for (var i = 0; i < 200000; i = i + 1) f = wrap(f);";
#endif
    struct program program;
    program_init(&program);
    program_run(&program, "fun wrap(f) { fun g() { return f; } return g; } var f;");
    program_run(&program, deepen);
    tok_heap_collect(program.vm);
    ck_assert_int_eq(program_run(&program, "var n = 0; while (f != nil) { f = f(); n = n + 1; }"),
                     TOK_OK);
    program_done(&program);
}
END_TEST

static void create_garbage(struct program *program)
{
    ck_assert_int_eq(program_run(program,
                                 "class A { m() { return this.x; } init() { this.x = 1; } }"
                                 "{ var l; for (var i = 0; i < 300; i = i + 1) { var a = A();"
                                 " a.l = l; l = a; a.s = \"s\" + string(i); a.m(); } }"),
                     TOK_OK);
}

START_TEST(what_is_unreachable_is_collected)
{
    struct program program;
    program_init(&program);
    create_garbage(&program);
    tok_heap_collect(program.vm);
    tok_heap_sweep_all(program.vm);
    size_t live = program.vm->heap.live_bytes;
    for (int i = 0; i < 5; i++) {
        create_garbage(&program);
        tok_heap_collect(program.vm);
    }
    /* The old class is replaced each time, so nothing may add up. */
    ck_assert_uint_le(program.vm->heap.live_bytes, live + live / 4);
    program_done(&program);
}
END_TEST

START_TEST(classes_made_in_a_loop_leave_nothing_behind)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_run(&program,
                                 "fun f() { class A { init() { this.x = 1; } m() { return this.x;"
                                 " } } var a = A(); a.y = 2; return a.m() + a.y; }"
                                 "for (var i = 0; i < 200; i = i + 1) f();"),
                     TOK_OK);
    tok_heap_collect(program.vm);
    uint32_t shapes = program.vm->shapes.count;
    ck_assert_int_eq(program_run(&program, "for (var i = 0; i < 200; i = i + 1) f();"), TOK_OK);
    ck_assert_uint_le(program.vm->shapes.count, shapes + 8); /* ids are used again */
    program_done(&program);
}
END_TEST

/* Lists that hang off a list: marking needs a stack as long as the list, or many small walks. */
START_TEST(a_marking_stack_that_cannot_grow_does_no_harm)
{
#ifdef TOK_STRESS
    const char *sizes = "var lists = 30; var nodes = 3;";
#else
    const char *sizes = "var lists = 3000; var nodes = 20;";
#endif
    struct program program;
    program_init(&program);
    program_run(&program, sizes);
    program_run(
        &program,
        "class N {} var all; for (var i = 0; i < lists; i = i + 1) { var l;"
        " for (var j = 0; j < nodes; j = j + 1) { var n = N(); n.next = l; n.v = N(); l = n; }"
        " var head = N(); head.next = all; head.list = l; all = head; }"
        "fun count() { var c = 0; for (var h = all; h != nil; h = h.next)"
        " for (var n = h.list; n != nil; n = n.next) { n.v.x = 1; c = c + n.v.x; }"
        " return c == lists * nodes; }");
    /* From here on no allocation succeeds, so the marking stack keeps its first size. */
    program.fail_at = 1;
    program.fails_from_there_on = true;
    tok_heap_collect(program.vm);
    tok_heap_sweep_all(program.vm);
    program.fail_at = 0;
    ck_assert_int_eq(program_run(&program, "print count();"), TOK_OK);
    ck_assert_str_eq(program.output, "true\n");
    program_done(&program);
}
END_TEST

START_TEST(dead_interned_strings_are_forgotten)
{
    struct program program;
    program_init(&program);
    program_run(&program, "print 1;");
    tok_heap_collect(program.vm);
    uint32_t count = program.vm->interned.count;
    for (int i = 0; i < 3; i++) {
        program_run(&program, "\"some literal that nobody keeps\"; \"another one\"; \"third\";");
        tok_heap_collect(program.vm);
    }
    ck_assert_uint_le(program.vm->interned.count, count);
    ck_assert_int_eq(program_run(&program, "print \"third\" == \"thi\" + \"rd\";"), TOK_OK);
    program_done(&program);
}
END_TEST

START_TEST(v16_captured_variables_survive_an_error)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_run(&program, "var g; fun f() { var a = 1; fun h() { a = a + 1;"
                                           " return a; } g = h; nil(); } f();"),
                     TOK_RUNTIME_ERROR);
    tok_heap_collect(program.vm);
    ck_assert_int_eq(program_run(&program, "print g(); print g();"), TOK_OK);
    ck_assert_str_eq(program.output, "2\n3\n");
    program_done(&program);
}
END_TEST

START_TEST(registers_above_the_top_keep_nothing_dead)
{
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_run(&program,
                                 "fun deep(n) { var a = \"x\" + string(n); if (n > 0) deep(n - 1);"
                                 " return a; } deep(100);"
                                 "fun again(n) { var a; var b; if (n > 0) return again(n - 1);"
                                 " return a; } for (var i = 0; i < 50; i = i + 1) {"
                                 " again(90); string(i) + \"garbage\"; }"),
                     TOK_OK);
    tok_heap_collect(program.vm);
    ck_assert_int_eq(program_run(&program, "print again(100);"), TOK_OK);
    program_done(&program);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, v05_a_linked_list_of_a_million_is_marked_without_recursion);
    tcase_add_test(tests, v05_deep_closures_are_marked_without_recursion);
    tcase_add_test(tests, what_is_unreachable_is_collected);
    tcase_add_test(tests, classes_made_in_a_loop_leave_nothing_behind);
    tcase_add_test(tests, a_marking_stack_that_cannot_grow_does_no_harm);
    tcase_add_test(tests, dead_interned_strings_are_forgotten);
    tcase_add_test(tests, v16_captured_variables_survive_an_error);
    tcase_add_test(tests, registers_above_the_top_keep_nothing_dead);
}

int main(void)
{
    return suite_run("heap", add_tests);
}
