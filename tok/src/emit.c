#include "emit.h"

#include "memory.h"
#include "proto.h"
#include "trap.h"

enum { ARRAY_MIN = 16, JUMP_MAX = INT32_MAX };

/* Room for one more item in an owned array. */
static void *grow(struct emitter *emitter, void *array, uint32_t count, uint32_t *capacity,
                  size_t item_bytes)
{
    if (count < *capacity)
        return array;
    uint32_t larger = *capacity ? *capacity * 2 : ARRAY_MIN;
    void *result =
        tok_memory_get(emitter->compiler->vm, array, *capacity * item_bytes, larger * item_bytes);
    if (!result)
        tok_compile_fail(emitter->compiler);
    *capacity = larger;
    return result;
}

void tok_emit_word(struct emitter *emitter, uint32_t word)
{
    emitter->code = grow(emitter, emitter->code, emitter->code_count, &emitter->code_capacity,
                         sizeof(*emitter->code));
    emitter->code[emitter->code_count++] = word;
}

void tok_emit_place(struct emitter *emitter, const struct place *place)
{
    emitter->positions = grow(emitter, emitter->positions, emitter->position_count,
                              &emitter->position_capacity, sizeof(*emitter->positions));
    emitter->positions[emitter->position_count++] =
        (struct code_position){.pc = emitter->code_count,
                               .line = place->line,
                               .column = place->column,
                               .length = place->length};
}

static void emit_raw(struct emitter *emitter, enum opcode opcode, uint32_t a, uint32_t b,
                     uint32_t c)
{
    TRAP_UNLESS((a | b | c) <= UINT8_MAX);
    tok_emit_word(emitter, (uint32_t)opcode | a << 8 | b << 16 | c << 24);
}

static void emit_raw_x(struct emitter *emitter, enum opcode opcode, uint32_t a, uint32_t bx)
{
    TRAP_UNLESS(a <= UINT8_MAX && bx <= UINT16_MAX);
    tok_emit_word(emitter, (uint32_t)opcode | a << 8 | bx << 16);
}

/* A far register that is read is fetched first. */
static uint32_t near_use(struct emitter *emitter, const struct opcode_info *info, int position,
                         uint32_t reg)
{
    if (info->operands[position] != OPERAND_USE || reg < FAR_REGISTERS)
        return reg;
    uint32_t scratch = SCRATCH_A + (uint32_t)position;
    emit_raw_x(emitter, OP_FARGET, scratch, reg);
    return scratch;
}

void tok_emit_abc(struct emitter *emitter, enum opcode opcode, uint32_t a, uint32_t b, uint32_t c)
{
    const struct opcode_info *info = &tok_opcodes[opcode];
    b = near_use(emitter, info, 1, b);
    c = near_use(emitter, info, 2, c);
    if (info->operands[0] == OPERAND_DEF && a >= FAR_REGISTERS) {
        /* What follows a result in a far register are words of the instruction: they come first. */
        TRAP_UNLESS(info->words == WORDS_NONE);
        emit_raw(emitter, opcode, SCRATCH_RESULT, b, c);
        emit_raw_x(emitter, OP_FARSET, SCRATCH_RESULT, a);
        return;
    }
    emit_raw(emitter, opcode, near_use(emitter, info, 0, a), b, c);
}

void tok_emit_abx(struct emitter *emitter, enum opcode opcode, uint32_t a, uint32_t bx)
{
    const struct opcode_info *info = &tok_opcodes[opcode];
    if (info->operands[0] == OPERAND_DEF && a >= FAR_REGISTERS) {
        TRAP_UNLESS(info->words == WORDS_NONE);
        emit_raw_x(emitter, opcode, SCRATCH_RESULT, bx);
        emit_raw_x(emitter, OP_FARSET, SCRATCH_RESULT, a);
        return;
    }
    emit_raw_x(emitter, opcode, near_use(emitter, info, 0, a), bx);
}

void tok_emit_call(struct emitter *emitter, enum opcode opcode, uint32_t window, uint32_t count)
{
    if (window < NEAR_REGISTERS) {
        emit_raw(emitter, opcode, window, count, 0);
        return;
    }
    enum opcode far = OP_FARCALL;
    if (opcode == OP_INVOKE)
        far = OP_FARINVOKE;
    else if (opcode == OP_SUPER)
        far = OP_FARSUPER;
    emit_raw_x(emitter, far, count, window);
}

void tok_emit_move(struct emitter *emitter, uint32_t to, uint32_t from)
{
    if (to != from)
        tok_emit_abc(emitter, OP_MOVE, to, from, 0);
}

void tok_emit_load(struct emitter *emitter, uint32_t to, tok_value constant)
{
    if (constant == VALUE_NIL)
        tok_emit_abc(emitter, OP_NIL, to, 0, 0);
    else if (constant == VALUE_TRUE)
        tok_emit_abc(emitter, OP_TRUE, to, 0, 0);
    else if (constant == VALUE_FALSE)
        tok_emit_abc(emitter, OP_FALSE, to, 0, 0);
    else
        tok_emit_abx(emitter, OP_CONST, to, tok_emit_constant(emitter, constant));
}

void tok_emit_jump(struct emitter *emitter, struct jumps *jumps)
{
    tok_emit_word(emitter, jumps->last);
    jumps->last = emitter->code_count - 1;
}

void tok_emit_jump_back(struct emitter *emitter, uint32_t target)
{
    tok_emit_word(emitter, target - (emitter->code_count + 1));
}

void tok_emit_patch(struct emitter *emitter, struct jumps *jumps)
{
    while (jumps->last) {
        uint32_t word = jumps->last;
        jumps->last = emitter->code[word];
        emitter->code[word] = emitter->code_count - (word + 1);
    }
}

static uint32_t hash_value(tok_value value)
{
    return (uint32_t)(value * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static uint32_t *index_slot(const struct emitter *emitter, tok_value constant)
{
    uint32_t mask = emitter->constant_index_capacity - 1;
    uint32_t at = hash_value(constant) & mask;
    while (emitter->constant_index[at] &&
           emitter->constants[emitter->constant_index[at] - 1] != constant)
        at = (at + 1) & mask;
    return &emitter->constant_index[at];
}

static void index_grow(struct emitter *emitter)
{
    struct tok_vm *vm = emitter->compiler->vm;
    uint32_t old_capacity = emitter->constant_index_capacity;
    uint32_t capacity = old_capacity ? old_capacity * 2 : ARRAY_MIN;
    uint32_t *index = tok_memory_get(vm, NULL, 0, capacity * sizeof(*index));
    if (!index)
        tok_compile_fail(emitter->compiler);
    memset(index, 0, capacity * sizeof(*index));
    tok_memory_free(vm, emitter->constant_index, old_capacity * sizeof(*index));
    emitter->constant_index = index;
    emitter->constant_index_capacity = capacity;
    for (uint32_t i = 0; i < emitter->constant_count; i++)
        *index_slot(emitter, emitter->constants[i]) = i + 1;
}

/* Placed at the function; in the script, where the parser is. */
static void limit_error(struct emitter *emitter, enum message message)
{
    const struct function *function = emitter->function;
    struct compiler *compiler = emitter->compiler;
    bool is_script = function->kind == FUNCTION_SCRIPT;
    tok_compile_error_at(compiler, is_script ? &compiler->previous.place : &function->place,
                         message);
}

static uint32_t add_constant(struct emitter *emitter, tok_value constant)
{
    if (emitter->constant_count == CONSTANTS_MAX) {
        limit_error(emitter, MESSAGE_TOO_MANY_CONSTANTS);
        return 0;
    }
    emitter->constants = grow(emitter, emitter->constants, emitter->constant_count,
                              &emitter->constant_capacity, sizeof(*emitter->constants));
    emitter->constants[emitter->constant_count] = constant;
    return emitter->constant_count++;
}

uint32_t tok_emit_constant(struct emitter *emitter, tok_value constant)
{
    if (emitter->constant_count >= emitter->constant_index_capacity / 2)
        index_grow(emitter);
    uint32_t *slot = index_slot(emitter, constant);
    if (*slot)
        return *slot - 1;
    uint32_t index = add_constant(emitter, constant);
    *slot = index + 1;
    return index;
}

uint32_t tok_emit_add_proto(struct emitter *emitter, struct proto *proto)
{
    return tok_emit_constant(emitter, value_object(proto));
}

uint32_t tok_emit_reserve(struct emitter *emitter, uint32_t count)
{
    uint32_t first = emitter->next_register;
    if (first < FAR_REGISTERS && first + count > NEAR_REGISTERS)
        first = FAR_REGISTERS;
    if (first + count > REGISTERS_MAX) {
        limit_error(emitter, MESSAGE_TOO_MANY_REGISTERS);
        first = 0;
    }
    emitter->next_register = first + count;
    if (emitter->next_register > emitter->register_count)
        emitter->register_count = emitter->next_register;
    return first;
}

bool tok_emit_fold(enum expr_kind kind, tok_value left, tok_value right, tok_value *ret_result)
{
    double a = value_to_number(left);
    double b = value_to_number(right);
    double result;
    switch ((int)kind) {
    case EXPR_ADD:
        result = a + b;
        break;
    case EXPR_SUBTRACT:
        result = a - b;
        break;
    case EXPR_MULTIPLY:
        result = a * b;
        break;
    default:
        result = a / b;
        break;
    }
    *ret_result = value_number(result);
    return result == result;
}

bool tok_emit_invert(tok_value divisor, tok_value *ret_inverse)
{
    enum { MANTISSA_BITS = 52, EXPONENT_MASK = 0x7ff, EXPONENT_OF_ONE = 1023 };
    const tok_value sign = UINT64_C(1) << 63;
    uint64_t exponent = divisor >> MANTISSA_BITS & EXPONENT_MASK;
    if (divisor << (64 - MANTISSA_BITS) || exponent == 0 || exponent >= 2 * EXPONENT_OF_ONE)
        return false;
    *ret_inverse = (divisor & sign) | (2 * EXPONENT_OF_ONE - exponent) << MANTISSA_BITS;
    return true;
}
