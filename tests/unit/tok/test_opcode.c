#include <string.h>

#include "opcode.h"
#include "program.h"
#include "suite.h"

START_TEST(names_fit_the_table)
{
    for (int i = 0; i < OP_COUNT; i++) {
        ck_assert_uint_gt(strlen(tok_opcodes[i].name), 1);
        ck_assert_uint_lt(strlen(tok_opcodes[i].name), sizeof(tok_opcodes[i].name));
    }
}
END_TEST

START_TEST(results_with_words_behind_them_are_known_to_the_emitter)
{
    /* emit.c takes a detour for these; another one with both would need it too. */
    for (int i = 0; i < OP_COUNT; i++) {
        if (tok_opcodes[i].operands[0] == OPERAND_DEF && tok_opcodes[i].words != WORDS_NONE)
            ck_assert(i == OP_GET || i == OP_GETTHIS || i == OP_GETSUPER || i == OP_CLASS);
    }
}
END_TEST

START_TEST(operands_of_16_bits_come_after_one_of_8)
{
    for (int i = 0; i < OP_COUNT; i++) {
        if (tok_opcodes[i].format == FORMAT_ABX)
            ck_assert_int_eq(tok_opcodes[i].operands[2], OPERAND_NON);
    }
}
END_TEST

START_TEST(disassembly_shows_lines_operands_and_inner_functions)
{
    static const char source[] = "fun f(a) {\n  return a + 1.5;\n}\nprint f(2);\n";
    struct program program;
    program_init(&program);
    ck_assert_int_eq(program_start(&program), 0);
    ck_assert_int_eq(tok_disassemble(program.vm, source, sizeof(source) - 1), TOK_OK);
    ck_assert_ptr_nonnull(strstr(program.output, "script: parameters 0"));
    ck_assert_ptr_nonnull(strstr(program.output, "fun f: parameters 1"));
    ck_assert_ptr_nonnull(strstr(program.output, ":2"));
    ck_assert_ptr_nonnull(strstr(program.output, "ADDK"));
    ck_assert_ptr_nonnull(strstr(program.output, "1.5"));
    ck_assert_ptr_nonnull(strstr(program.output, "CALL"));
    ck_assert_ptr_null(strstr(program.output, "3.5"));
    program_done(&program);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, names_fit_the_table);
    tcase_add_test(tests, results_with_words_behind_them_are_known_to_the_emitter);
    tcase_add_test(tests, operands_of_16_bits_come_after_one_of_8);
    tcase_add_test(tests, disassembly_shows_lines_operands_and_inner_functions);
}

int main(void)
{
    return suite_run("opcode", add_tests);
}
