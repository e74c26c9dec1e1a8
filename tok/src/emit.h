/*
 * emit - syntax tree to register code, one struct emitter for each function being made.
 *
 * Registers: 0 is the callee or `this`, then parameters, then locals and temporaries like a stack.
 * An instruction reaches 0-251; 252-255 are scratch for what lies from 256 on, which FARGET and FARSET
 * fetch and store. A call's window lies entirely below 252 or from 256 on.
 */
#ifndef TOK_EMIT_H
#define TOK_EMIT_H

#include "compile.h"
#include "opcode.h"

enum {
    NEAR_REGISTERS = 252,
    SCRATCH_A = 252, /* then B and C */
    SCRATCH_RESULT = 255,
    FAR_REGISTERS = 256,
    REGISTERS_MAX = 65000,
    CONSTANTS_MAX = 65536,
    SMALL_CONSTANTS = 256, /* reached by an 8-bit operand */
    NO_REGISTER = UINT32_MAX,
};

struct emitter {
    struct compiler *compiler;
    struct emitter *enclosing;
    struct function *function;
    uint32_t *code; /* owned, as are the others */
    uint32_t code_count;
    uint32_t code_capacity;
    struct code_position *positions;
    uint32_t position_count;
    uint32_t position_capacity;
    tok_value *constants;
    uint32_t constant_count;
    uint32_t constant_capacity;
    uint32_t *constant_index; /* open addressing: index + 1 of a constant by its bits */
    uint32_t constant_index_capacity;
    uint32_t next_register;
    uint32_t register_count; /* the most that were in use */
};

/* A value that is known, or in a register. */
struct operand {
    bool is_constant;
    tok_value constant;
    uint32_t reg;
};

/* Jumps whose target is not known yet: linked through their distance words. */
struct jumps {
    uint32_t last; /* index of a word; 0: none */
};

/* Where a condition jumps: forward to what will be patched, or back to a loop's top. */
struct target {
    struct jumps *jumps; /* NULL: back */
    uint32_t back_to;
};

/* emit.c: instructions */
void tok_emit_abc(struct emitter *emitter, enum opcode opcode, uint32_t a, uint32_t b, uint32_t c);
void tok_emit_abx(struct emitter *emitter, enum opcode opcode, uint32_t a, uint32_t bx);
void tok_emit_word(struct emitter *emitter, uint32_t word);
/* What comes next belongs to this place, should it fail. */
void tok_emit_place(struct emitter *emitter, const struct place *place);
void tok_emit_jump(struct emitter *emitter, struct jumps *jumps);  /* the word behind the opcode */
void tok_emit_jump_back(struct emitter *emitter, uint32_t target); /* likewise */
void tok_emit_patch(struct emitter *emitter, struct jumps *jumps); /* to here */
/* CALL, INVOKE or SUPER, near or far. */
void tok_emit_call(struct emitter *emitter, enum opcode opcode, uint32_t window, uint32_t count);
void tok_emit_move(struct emitter *emitter, uint32_t to, uint32_t from);
void tok_emit_load(struct emitter *emitter, uint32_t to, tok_value constant);

uint32_t tok_emit_constant(struct emitter *emitter, tok_value constant);
uint32_t tok_emit_add_proto(struct emitter *emitter, struct proto *proto);

/* Arithmetic with two numbers that are known; false if it had better be left to the VM. */
bool tok_emit_fold(enum expr_kind kind, tok_value left, tok_value right, tok_value *ret_result);
/* Division by a power of two is multiplication with its inverse, which is exact and faster. False: it is
 * none, or the inverse is no normal number. */
bool tok_emit_invert(tok_value divisor, tok_value *ret_inverse);

/* `count` registers in a row at the top, all near or all far. */
uint32_t tok_emit_reserve(struct emitter *emitter, uint32_t count);

static inline uint32_t emit_register(struct emitter *emitter)
{
    return tok_emit_reserve(emitter, 1);
}

/* emit_expression.c */

/* The value; if it needs a register and `wanted` is one, there. `wanted` is written last of all. */
struct operand tok_emit_expression(struct emitter *emitter, struct expr *expr, uint32_t wanted);
uint32_t tok_emit_to_any(struct emitter *emitter, struct expr *expr);
/* Into the next free register, which is then taken. */
uint32_t tok_emit_to_next(struct emitter *emitter, struct expr *expr);
/* Jumps if the truth of `expr` is `wanted`; else goes on. */
void tok_emit_condition(struct emitter *emitter, struct expr *expr, bool wanted,
                        const struct target *target);

#endif
