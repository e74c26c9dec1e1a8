/* The listing of a program has every operand in it, and says what it stands for. */
#include <string.h>

#include "program.h"
#include "suite.h"

static const char source[] =
    "class A { init(x) { this.x = x; }\n"
    " get(n) { return this.x == \"a text of more than forty bytes, which is cut off\"; } }\n"
    "class B < A { get(n) { return super.get(n); } up() { return super.get; } }\n"
    "fun f(a) { var c = 1; fun g() { c = c + 1; return a; }\n"
    " if (c == nil or a == false or a == true or c < 3) print \"text\"; return g; }\n"
    "for (var i = 0; i < 3; i = i + 1) f(i).next = i;\n";

static void disassemble(struct program *program, const char *text)
{
    if (!program->vm)
        ck_assert_int_eq(program_start(program), 0);
    program->verdict = tok_disassemble(program->vm, text, strlen(text));
}

static const char *const pieces[] = {
    "script: parameters 0",
    "fun f: parameters 1",
    "\"A\" fields: 1",
    "CONST        r3 k1            \"a text of more than forty bytes, which i...\"",
    "\"text\"\n",
    "SETTHIS      r1               \"x\"",
    "SUPER        r2 1             \"get\"",
    "GETSUPER     r1 r0 r1         \"get\"",
    "CAPCELL      r1 c0",
    "nil -> ",
    "false -> ",
    "true -> ",
    "LOOPLTK      r1 ",
    "3 -> ",
    "JUMP                          -> ",
    "fun g\n",
    "GLOBAL       r2 g",
    "\"next\"",
};

START_TEST(operands_are_shown_with_what_they_stand_for)
{
    struct program program;
    program_init(&program);
    disassemble(&program, source);
    ck_assert_int_eq(program.verdict, TOK_OK);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
        ck_assert_msg(strstr(program.output, pieces[i]) != NULL, "%s is not in\n%s", pieces[i],
                      program.output);
    ck_assert_ptr_null(strstr(program.output, " \n\n\n"));
    program_done(&program);
}
END_TEST

START_TEST(a_listing_ends_at_the_output_limit_and_without_a_host)
{
    struct program whole;
    program_init(&whole);
    disassemble(&whole, source);
    for (size_t limit = 1; limit < whole.output_bytes; limit += 97) {
        struct program program;
        program_init(&program);
        program.config.limits.output_bytes = limit;
        disassemble(&program, source);
        ck_assert_int_eq(program.verdict, TOK_OUTPUT_LIMIT);
        ck_assert_uint_eq(program.output_bytes, limit);
        ck_assert_mem_eq(program.output, whole.output, limit);
        program_done(&program);
    }
    program_done(&whole);

    struct program program;
    program_init(&program);
    program.write_result = -1;
    disassemble(&program, source);
    ck_assert_int_eq(program.verdict, TOK_HOST_ERROR);
    program_done(&program);
}
END_TEST

START_TEST(a_listing_survives_each_failing_allocation)
{
    struct program whole;
    program_init(&whole);
    disassemble(&whole, source);
    uint64_t last = whole.allocations;
    for (uint64_t n = 1; n <= last; n++) {
        struct program program;
        program_init(&program);
        program.fail_at = n;
        program.fails_from_there_on = true;
        if (program_start(&program) == 0) {
            disassemble(&program, source);
            ck_assert_int_eq(program.verdict, TOK_MEMORY_LIMIT);
            ck_assert_mem_eq(program.output, whole.output, program.output_bytes);
        }
        program_done(&program);
    }
    program_done(&whole);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, operands_are_shown_with_what_they_stand_for);
    tcase_add_test(tests, a_listing_ends_at_the_output_limit_and_without_a_host);
    tcase_add_test(tests, a_listing_survives_each_failing_allocation);
}

int main(void)
{
    return suite_run("disasm", add_tests);
}
