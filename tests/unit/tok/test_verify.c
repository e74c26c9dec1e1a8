/* Code that is sound passes; each way of breaking it is found, at its place. */
#include <string.h>

#include "opcode.h"
#include "program.h"
#include "str.h"
#include "suite.h"
#include "verify.h"
#include "vm.h"

enum { CODE_MAX = 16, K_NUMBER = 0, K_NAME, K_PROTO, K_NIL, K_UNINTERNED, K_COUNT };
enum { REGISTERS = 300, CAPTURES = 2 };

#define ABC(op, a, b, c)                                                                           \
    ((uint32_t)OP_##op | (uint32_t)(a) << 8 | (uint32_t)(b) << 16 | (uint32_t)(c) << 24)
#define ABX(op, a, bx) ((uint32_t)OP_##op | (uint32_t)(a) << 8 | (uint32_t)(bx) << 16)
#define BACK(words) ((uint32_t)(-(words)))
#define END ABC(RETNIL, 0, 0, 0)

/* A function with constants of all kinds, around the code to be tried. */
struct sample {
    struct program program;
    struct proto proto;
    struct proto inner;
    tok_value constants[K_COUNT];
    uint32_t captures[CAPTURES];
    uint32_t inner_captures[1];
    struct code_position positions[2];
    uint32_t code[CODE_MAX];
};

static void sample_init(struct sample *sample)
{
    memset(sample, 0, sizeof(*sample));
    program_init(&sample->program);
    ck_assert_int_eq(program_start(&sample->program), 0);
    struct tok_vm *vm = sample->program.vm;
    struct string *name = tok_string_intern(vm, "name", 4);
    ck_assert_ptr_nonnull(name);
    vm->keep[0] = value_object(name);
    struct string *text = tok_string_new(vm, "text", 4);
    ck_assert_ptr_nonnull(text);
    sample->inner = (struct proto){.header = {.type = OBJECT_PROTO},
                                   .register_count = 1,
                                   .captures = sample->inner_captures,
                                   .capture_count = 1};
    sample->inner_captures[0] = (REGISTERS - 1) << 1 | 1;
    sample->constants[K_NUMBER] = value_number(1);
    sample->constants[K_NAME] = value_object(name);
    sample->constants[K_PROTO] = value_object(&sample->inner);
    sample->constants[K_NIL] = VALUE_NIL;
    sample->constants[K_UNINTERNED] = value_object(text);
    sample->proto = (struct proto){.header = {.type = OBJECT_PROTO},
                                   .arity = 2,
                                   .register_count = REGISTERS,
                                   .constants = sample->constants,
                                   .constant_count = K_COUNT,
                                   .captures = sample->captures,
                                   .capture_count = CAPTURES,
                                   .positions = sample->positions,
                                   .code = sample->code};
}

static void sample_done(struct sample *sample)
{
    program_done(&sample->program);
}

static const char *verify(struct sample *sample, const uint32_t *code, uint32_t count,
                          uint32_t *ret_pc)
{
    memcpy(sample->code, code, count * sizeof(*code));
    sample->proto.code_count = count;
    return tok_verify(sample->program.vm, &sample->proto, ret_pc);
}

struct broken {
    const char *what; /* NULL: sound */
    uint32_t pc;
    uint32_t count;
    uint32_t code[CODE_MAX];
};

#define CODE(...)                                                                                  \
    sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t),                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const struct broken cases[] = {
    {NULL, 0, CODE(END)},
    {NULL, 0, CODE(ABC(RETURN, 1, 0, 0))},
    {"an end without a return", 1, CODE(ABC(NIL, 1, 0, 0))},
    {"an end without a return", 0, 0, {0}},
    {"an instruction that is none", 0, CODE(OP_COUNT, END)},
    {"an instruction that is none", 1, CODE(ABC(NIL, 1, 0, 0), 0xff, END)},
    {"an instruction that is none", 0, CODE(ABC(HALT, 0, 0, 0), END)},
    {"an instruction without its words", 0, CODE(ABC(JUMP, 0, 0, 0))},
    {"an instruction without its words", 0, CODE(ABC(INVOKE, 1, 0, 0), CACHE_EMPTY, K_NAME, 0)},

    {"an operand where none belongs", 0, CODE(ABC(RETNIL, 1, 0, 0))},
    {"an operand where none belongs", 0, CODE(ABC(MOVE, 1, 2, 3), END)},

    {NULL, 0, CODE(ABX(FARGET, 1, REGISTERS - 1), ABX(FARSET, 1, 256), END)},
    {"a far register that is none", 0, CODE(ABX(FARGET, 1, REGISTERS), END)},
    {"a far register that is none", 0, CODE(ABX(FARSET, 1, 255), END)},

    {NULL, 0, CODE(ABC(ADDK, 1, 1, K_NUMBER), ABC(ADDK, 1, 1, K_NIL), END)},
    {NULL, 0, CODE(ABC(ADDK, 1, 1, K_UNINTERNED), ABX(CONST, 1, K_NAME), END)},
    {"a constant past the last", 0, CODE(ABC(ADDK, 1, 1, K_COUNT), END)},
    {"a constant past the last", 0, CODE(ABX(CONST, 1, UINT16_MAX), END)},
    {"a constant that is no value of a program", 0, CODE(ABX(CONST, 1, K_PROTO), END)},
    {"a constant that is no value of a program", 0, CODE(ABC(KSUB, 1, 1, K_PROTO), END)},
    {NULL, 0, CODE(ABC(JLTK, 1, K_NUMBER, 0), 0, END)},
    {"a comparison with a constant that is no number", 0, CODE(ABC(JLTK, 1, K_NIL, 0), 0, END)},
    {"a comparison with a constant that is no number", 0,
     CODE(ABC(LOOPGEK, 1, K_NAME, 0), BACK(2), END)},
    {NULL, 0, CODE(ABC(JEQK, 1, K_NAME, 0), 0, ABC(JNEK, 1, K_NIL, 0), 0, END)},
    {NULL, 0, CODE(ABX(CLOSURE, 1, K_PROTO), END)},
    {"a closure of what is no function", 0, CODE(ABX(CLOSURE, 1, K_NAME), END)},
    {NULL, 0, CODE(ABX(CLASS, 1, K_NAME), 0, END)},
    {"a class whose name is no name", 0, CODE(ABX(CLASS, 1, K_NUMBER), 0, END)},
    {"a class whose name is no name", 0, CODE(ABX(CLASS, 1, K_UNINTERNED), 0, END)},

    {NULL, 0, CODE(ABX(CAPTURE, 1, CAPTURES - 1), END)},
    {"a captured variable past the last", 0, CODE(ABX(CAPCELL, 1, CAPTURES), END)},
    {"a captured variable past the last", 0, CODE(ABX(SETCAPCELL, 1, CAPTURES), END)},
    {NULL, 0, CODE(ABX(GLOBAL, 1, 0), END)},
    {"a global past the last", 0, CODE(ABX(GLOBAL, 1, UINT16_MAX), END)},
    {"a global past the last", 1, CODE(ABC(NIL, 1, 0, 0), ABX(SETGLOBAL, 1, UINT16_MAX), END)},

    {NULL, 0, CODE(ABC(CALL, 251, 0, 0), ABC(CALL, 1, 250, 0), END)},
    {"a window across the scratch registers", 0, CODE(ABC(CALL, 252, 0, 0), END)},
    {"a window across the scratch registers", 0, CODE(ABC(CALL, 1, 251, 0), END)},
    {"a window across the scratch registers", 0, CODE(ABC(SUPER, 1, 250, 0), K_NAME, END)},
    {NULL, 0, CODE(ABX(FARCALL, 43, 256), END)},
    {"a window past the last register", 0, CODE(ABX(FARCALL, 44, 256), END)},
    {"a window past the last register", 0, CODE(ABX(FARSUPER, 43, 256), K_NAME, END)},
    {"a window past the last register", 0,
     CODE(ABX(FARINVOKE, 0, REGISTERS), CACHE_EMPTY, K_NAME, 0, 0, END)},
    {"a window across the scratch registers", 0, CODE(ABX(FARCALL, 0, 255), END)},

    {NULL, 0, CODE(ABC(JUMP, 0, 0, 0), 1, ABC(NIL, 1, 0, 0), END)},
    {NULL, 0, CODE(ABC(NIL, 1, 0, 0), ABC(LOOP, 0, 0, 0), BACK(3), END)},
    {NULL, 0, CODE(ABC(LOOP, 0, 0, 0), BACK(2), END)},
    {"a jump out of the function", 0, CODE(ABC(JUMP, 0, 0, 0), 1, END)},
    {"a jump out of the function", 0, CODE(ABC(JF, 1, 0, 0), INT32_MAX, END)},
    {"a jump out of the function", 0, CODE(ABC(LOOP, 0, 0, 0), BACK(3), END)},
    {"a jump out of the function", 0, CODE(ABC(LOOP, 0, 0, 0), BACK(INT32_MAX), END)},
    {"a jump into an instruction", 0, CODE(ABC(JUMP, 0, 0, 0), 1, ABC(JUMP, 0, 0, 0), 0, END)},
    {"a jump into an instruction", 2,
     CODE(ABC(JUMP, 0, 0, 0), 0, ABC(LOOPT, 1, 0, 0), BACK(3), END)},
    {"a jump in the wrong direction", 1, CODE(ABC(NIL, 1, 0, 0), ABC(JUMP, 0, 0, 0), BACK(3), END)},
    {"a jump in the wrong direction", 0, CODE(ABC(JLT, 1, 1, 0), BACK(2), END)},
    {"a jump in the wrong direction", 0, CODE(ABC(LOOP, 0, 0, 0), 0, END)},

    {NULL, 0, CODE(ABC(GET, 1, 1, 0), CACHE_EMPTY, K_NAME, END)},
    {"a name that is none", 0, CODE(ABC(GET, 1, 1, 0), CACHE_EMPTY, K_NUMBER, END)},
    {"a name that is none", 0, CODE(ABC(GETTHIS, 1, 0, 0), CACHE_EMPTY, K_COUNT, END)},
    {"a name that is none", 0, CODE(ABC(SET, 1, 1, 0), CACHE_EMPTY, K_PROTO, 0, END)},
    {"a name that is none", 0, CODE(ABC(SETTHIS, 0, 1, 0), CACHE_EMPTY, K_UNINTERNED, 0, END)},
    {"a name that is none", 0, CODE(ABC(INVOKE, 1, 0, 0), CACHE_EMPTY, K_NIL, 0, 0, END)},
    {"a name that is none", 0, CODE(ABC(GETSUPER, 1, 1, 1), K_PROTO, END)},
    {"a name that is none", 0, CODE(ABC(METHOD, 1, 1, 0), K_UNINTERNED, END)},
    {"a name that is none", 0, CODE(ABC(SUPER, 1, 0, 0), K_COUNT, END)},
    {"a cache of a shape that is not there", 0, CODE(ABC(GET, 1, 1, 0), 77, K_NAME, END)},
    {"a cache of a shape that is not there", 0, CODE(ABC(INVOKE, 1, 0, 0), 77, K_NAME, 0, 0, END)},
};
enum { CASES = sizeof(cases) / sizeof(*cases) };

START_TEST(what_is_broken_is_found_at_its_place)
{
    const struct broken *broken = &cases[_i];
    struct sample sample;
    sample_init(&sample);
    uint32_t pc = UINT32_MAX;
    const char *what = verify(&sample, broken->code, broken->count, &pc);
    if (broken->what) {
        ck_assert_ptr_nonnull(what);
        ck_assert_str_eq(what, broken->what);
        ck_assert_uint_eq(pc, broken->pc);
    } else {
        ck_assert_msg(!what, "%s", what);
    }
    sample_done(&sample);
}
END_TEST

/* Each register operand of each instruction, by the table: one less than the count is sound. */
START_TEST(every_register_operand_is_bounded)
{
    enum { FEW = 20 };
    struct sample sample;
    sample_init(&sample);
    sample.inner.capture_count = 0;
    sample.proto.register_count = FEW;
    uint32_t tried = 0;
    for (uint32_t op = 0; op < OP_COUNT; op++) {
        const struct opcode_info *info = &tok_opcodes[op];
        for (uint32_t i = 0; i < 3; i++) {
            uint8_t kind = info->operands[i];
            if (op == OP_HALT || info->format == FORMAT_ABX ||
                (kind != OPERAND_DEF && kind != OPERAND_USE && kind != OPERAND_WIN))
                continue;
            uint32_t code[CODE_MAX] = {op | (FEW - (op == OP_SUPER ? 2U : 1U)) << (8 + 8 * i)};
            uint32_t count = 1;
            if (info->words == WORDS_GET || info->words == WORDS_SET ||
                info->words == WORDS_CALLEE) {
                code[1] = CACHE_EMPTY;
                code[2] = K_NAME;
            } else if (info->words == WORDS_NAME) {
                code[1] = K_NAME;
            } else if (op >= OP_LOOP && op <= OP_LOOPGEK) {
                code[1] = BACK(2);
            }
            count += tok_opcode_word_count((enum opcode_words)info->words);
            code[count++] = END;
            uint32_t pc;
            ck_assert_msg(!verify(&sample, code, count, &pc), "%s", info->name);
            code[0] += UINT32_C(1) << (8 + 8 * i);
            ck_assert_msg(verify(&sample, code, count, &pc) != NULL, "%s", info->name);
            ck_assert_uint_eq(pc, 0);
            tried++;
        }
    }
    ck_assert_uint_ge(tried, 100);
    sample_done(&sample);
}
END_TEST

START_TEST(captures_come_from_where_there_is_something)
{
    struct sample sample;
    sample_init(&sample);
    uint32_t pc;
    const uint32_t code[] = {ABX(CLOSURE, 1, K_PROTO), END};
    ck_assert_ptr_null(verify(&sample, code, 2, &pc));
    sample.inner_captures[0] = REGISTERS << 1 | 1;
    ck_assert_str_eq(verify(&sample, code, 2, &pc), "a capture from nowhere");
    sample.inner_captures[0] = (CAPTURES - 1) << 1;
    ck_assert_ptr_null(verify(&sample, code, 2, &pc));
    sample.inner_captures[0] = CAPTURES << 1;
    ck_assert_str_eq(verify(&sample, code, 2, &pc), "a capture from nowhere");
    sample_done(&sample);
}
END_TEST

START_TEST(parameters_fit_the_registers)
{
    struct sample sample;
    sample_init(&sample);
    uint32_t pc;
    const uint32_t code[] = {END};
    sample.proto.register_count = 3;
    ck_assert_ptr_null(verify(&sample, code, 1, &pc));
    sample.proto.register_count = 2;
    ck_assert_str_eq(verify(&sample, code, 1, &pc), "more parameters than registers");
    sample_done(&sample);
}
END_TEST

START_TEST(positions_are_sorted_and_of_instructions)
{
    struct sample sample;
    sample_init(&sample);
    uint32_t pc;
    const uint32_t code[] = {ABC(JUMP, 0, 0, 0), 0, ABC(NIL, 1, 0, 0), END};
    sample.proto.position_count = 2;
    sample.positions[0].pc = 2;
    sample.positions[1].pc = 3;
    ck_assert_ptr_null(verify(&sample, code, 4, &pc));
    sample.positions[1].pc = 4;
    ck_assert_str_eq(verify(&sample, code, 4, &pc), "a position out of order");
    sample.positions[1].pc = 0;
    ck_assert_str_eq(verify(&sample, code, 4, &pc), "a position out of order");
    sample.positions[0].pc = 1;
    ck_assert_str_eq(verify(&sample, code, 4, &pc), "a position of no instruction");
    sample_done(&sample);
}
END_TEST

/* What caches have learnt in a run is sound, too. */
START_TEST(code_stays_sound_while_it_runs)
{
    struct program program;
    program_init(&program);
    program_run(&program, "class A { init() { this.x = 1; } m() { return this.x; } }"
                          "class B < A { m() { return super.m(); } }"
                          "fun f(o) { o.y = o.m(); return o.y; } f(A()); f(B()); f(A());");
    ck_assert_int_eq(program.verdict, TOK_OK);
    uint32_t functions = 0;
    for (const struct proto *proto = program.vm->protos; proto; proto = proto->next) {
        uint32_t pc;
        const char *what = tok_verify(program.vm, proto, &pc);
        ck_assert_msg(!what, "%s at %u", what, pc);
        functions++;
    }
    ck_assert_uint_ge(functions, 4);
    program_done(&program);
}
END_TEST

START_TEST(without_memory_all_but_jumps_is_checked)
{
    struct sample sample;
    sample_init(&sample);
    uint32_t pc;
    sample.program.fail_at = sample.program.allocations + 1;
    sample.program.fails_from_there_on = true;
    const uint32_t sound[] = {END};
    ck_assert_ptr_null(verify(&sample, sound, 1, &pc));
    const uint32_t broken[] = {ABC(NIL, 1, 0, 0), ABX(CONST, 1, K_COUNT), END};
    ck_assert_str_eq(verify(&sample, broken, 3, &pc), "a constant past the last");
    ck_assert_uint_eq(pc, 1);
    sample_done(&sample);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, what_is_broken_is_found_at_its_place, 0, CASES);
    tcase_add_test(tests, every_register_operand_is_bounded);
    tcase_add_test(tests, captures_come_from_where_there_is_something);
    tcase_add_test(tests, parameters_fit_the_registers);
    tcase_add_test(tests, positions_are_sorted_and_of_instructions);
    tcase_add_test(tests, code_stays_sound_while_it_runs);
    tcase_add_test(tests, without_memory_all_but_jumps_is_checked);
}

int main(void)
{
    return suite_run("verify", add_tests);
}
