#include <stdio.h>
#include <string.h>

#include "program.h"
#include "shape.h"
#include "suite.h"
#include "vm.h"

/* A program that sets `count` different fields one after the other and adds them up. */
static char *many_fields(int count)
{
    size_t size = (size_t)count * 48 + 256;
    char *source = malloc(size);
    ck_assert_ptr_nonnull(source);
    size_t at = (size_t)snprintf(source, size, "class A {} fun make() { var a = A();");
    for (int i = 0; i < count; i++)
        at += (size_t)snprintf(source + at, size - at, "a.f%d=%d;", i, i);
    at += (size_t)snprintf(source + at, size - at,
                           "return a; } make(); make(); var a = make();"
                           "var s = 0;");
    for (int i = 0; i < count; i++)
        at += (size_t)snprintf(source + at, size - at, "s=s+a.f%d;", i);
    snprintf(source + at, size - at, "print s;");
    return source;
}

START_TEST(instances_hold_any_number_of_fields)
{
    static const int counts[] = {0, 1, 3, 4, 5, 8, 59, 60, 61, 64, 100, 127, 128, 129, 130, 1000};
    char expected[32];
    int count = counts[_i];
    char *source = many_fields(count);
    snprintf(expected, sizeof(expected), "%g\n", count * (count - 1) / 2.0);
    program_expect(source, TOK_OK, expected);
    free(source);
}
END_TEST

START_TEST(instances_that_set_the_same_fields_share_a_shape)
{
    struct program program;
    program_init(&program);
    program_run(&program, "class A { init(x) { this.x = x; this.y = x; } } A(1);");
    uint32_t shapes = program.vm->shapes.count;
    program_run(&program, "for (var i = 0; i < 100; i = i + 1) A(i);");
    ck_assert_uint_eq(program.vm->shapes.count, shapes);
    program_done(&program);
}
END_TEST

START_TEST(a_class_with_very_many_shapes_goes_over_to_dictionaries)
{
    /* Each instance sets its fields in another order. */
    struct program program;
    program_init(&program);
    enum { FIELDS = 7, ORDERS = 5040, SIZE = 1 << 20 };
    char *source = malloc(SIZE);
    ck_assert_ptr_nonnull(source);
    size_t at = 0;
    at += (size_t)snprintf(source, SIZE, "class A {} var a; var s = 0;");
    for (int order = 0; order < ORDERS; order++) {
        int rest = order;
        int left[FIELDS] = {0, 1, 2, 3, 4, 5, 6};
        at += (size_t)snprintf(source + at, SIZE - at, "a=A();");
        for (int i = FIELDS; i > 0; i--) {
            int pick = rest % i;
            rest /= i;
            at += (size_t)snprintf(source + at, SIZE - at, "a.f%d=1;", left[pick]);
            left[pick] = left[i - 1];
        }
        at += (size_t)snprintf(source + at, SIZE - at, "s=s+a.f3+a.f6;");
    }
    (void)snprintf(source + at, SIZE - at, "print s;");
#ifndef TOK_STRESS
    ck_assert_int_eq(program_run(&program, source), TOK_OK);
    ck_assert_str_eq(program.output, "10080\n");
    ck_assert_uint_le(program.vm->classes->shape_count, SHAPE_COUNT_MAX);
#endif
    free(source);
    program_done(&program);
}
END_TEST

START_TEST(one_site_may_see_many_classes)
{
    program_expect("class A { m() { return 1; } } class B { m() { return 2; } }"
                   "class C < A {} class D { init() { fun f() { return 8; } this.m = f; } }"
                   "var s = 0; fun f(o) { s = s + o.m(); o.x = 1; s = s + o.x; }"
                   "for (var i = 0; i < 5; i = i + 1) { f(A()); f(B()); f(C()); f(D()); }"
                   "print s;",
                   TOK_OK, "80\n");
}
END_TEST

START_TEST(a_field_hides_a_method_after_the_method_was_cached)
{
    program_expect("class A { m() { return 1; } } fun call(a) { return a.m(); }"
                   "fun two() { return 2; } var a = A(); print call(a); print call(a);"
                   "a.m = two; print call(a); print call(A());",
                   TOK_OK, "1\n1\n2\n1\n");
}
END_TEST

START_TEST(a_method_of_a_class_is_not_called_on_the_class)
{
    program_expect_error("class A { m() {} } fun f(o) { o.m(); }\nf(A()); f(A);",
                         "Only instances have methods.", 1);
    program_expect_error("fun f(o) { return o.x; } f(\"s\");", "Only instances have properties.",
                         1);
    program_expect_error("fun f(o) { o.x = 1; } f(f);", "Only instances have fields.", 1);
}
END_TEST

START_TEST(dead_shapes_leave_no_stale_caches)
{
    /* The sites in `use` outlive the classes they have seen, whose shape ids are used again. */
    struct program program;
    program_init(&program);
    program_run(&program, "fun use(o) { o.z = o.v(); return o.z + o.w; } var r = 0;"
                          "fun one() { class A { init() { this.w = 1; this.z = 0; } v() { return 1;"
                          " } } return use(A()); }"
                          "fun two() { class B { init() { this.q = 5; this.w = 10; } v() { return"
                          " 20; } } return use(B()); }");
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(program_run(&program, i % 2 ? "r = r + one();" : "r = r + two();"),
                         TOK_OK);
        tok_heap_collect(program.vm);
    }
    program_run(&program, "print r;");
    ck_assert_str_eq(program.output, "160\n");
    program_done(&program);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, instances_hold_any_number_of_fields, 0, 16);
    tcase_add_test(tests, instances_that_set_the_same_fields_share_a_shape);
    tcase_add_test(tests, a_class_with_very_many_shapes_goes_over_to_dictionaries);
    tcase_add_test(tests, one_site_may_see_many_classes);
    tcase_add_test(tests, a_field_hides_a_method_after_the_method_was_cached);
    tcase_add_test(tests, a_method_of_a_class_is_not_called_on_the_class);
    tcase_add_test(tests, dead_shapes_leave_no_stale_caches);
}

int main(void)
{
    return suite_run("shape", add_tests);
}
