#include "emit.h"
#include "trap.h"

static struct operand in_register(uint32_t reg)
{
    return (struct operand){.reg = reg};
}

static struct operand known(tok_value constant)
{
    return (struct operand){.is_constant = true, .constant = constant};
}

/* The register a result goes to. */
static uint32_t result_register(struct emitter *emitter, uint32_t wanted)
{
    return wanted != NO_REGISTER ? wanted : emit_register(emitter);
}

static uint32_t operand_register(struct emitter *emitter, const struct operand *operand)
{
    if (!operand->is_constant)
        return operand->reg;
    uint32_t reg = emit_register(emitter);
    tok_emit_load(emitter, reg, operand->constant);
    return reg;
}

/* The index of a constant that fits an 8-bit operand; false if there is none. */
static bool small_constant(struct emitter *emitter, const struct operand *operand,
                           uint32_t *ret_index)
{
    if (!operand->is_constant)
        return false;
    *ret_index = tok_emit_constant(emitter, operand->constant);
    return *ret_index < SMALL_CONSTANTS;
}

static bool is_number(const struct operand *operand)
{
    return operand->is_constant && value_is_number(operand->constant);
}

/* If the register is far, the result of an instruction with words behind it takes a detour. */
static uint32_t detour(uint32_t reg)
{
    return reg < FAR_REGISTERS ? reg : SCRATCH_RESULT;
}

static void finish_detour(struct emitter *emitter, uint32_t reg)
{
    if (reg >= FAR_REGISTERS)
        tok_emit_abx(emitter, OP_FARSET, SCRATCH_RESULT, reg);
}

uint32_t tok_emit_to_any(struct emitter *emitter, struct expr *expr)
{
    struct operand operand = tok_emit_expression(emitter, expr, NO_REGISTER);
    return operand_register(emitter, &operand);
}

uint32_t tok_emit_to_next(struct emitter *emitter, struct expr *expr)
{
    uint32_t mark = emitter->next_register;
    struct operand operand = tok_emit_expression(emitter, expr, NO_REGISTER);
    emitter->next_register = mark;
    uint32_t reg = emit_register(emitter);
    if (operand.is_constant)
        tok_emit_load(emitter, reg, operand.constant);
    else
        tok_emit_move(emitter, reg, operand.reg);
    return reg;
}

static bool is_method_self(const struct emitter *emitter, const struct expr *expr)
{
    return expr->kind == EXPR_LOCAL && expr->variable == emitter->function->self;
}

static struct operand assign_local(struct emitter *emitter, struct expr *expr)
{
    const struct variable *variable = expr->variable;
    if (variable_has_cell(variable)) {
        uint32_t value = tok_emit_to_any(emitter, expr->operand);
        tok_emit_abc(emitter, OP_SETCELL, variable->home, value, 0);
        return in_register(value);
    }
    struct operand value = tok_emit_expression(emitter, expr->operand, variable->home);
    if (value.is_constant)
        tok_emit_load(emitter, variable->home, value.constant);
    else
        tok_emit_move(emitter, variable->home, value.reg);
    return in_register(variable->home);
}

static struct operand assign_captured(struct emitter *emitter, struct expr *expr)
{
    uint32_t value = tok_emit_to_any(emitter, expr->operand);
    tok_emit_abx(emitter, OP_SETCAPCELL, value, expr->index);
    return in_register(value);
}

static struct operand assign_global(struct emitter *emitter, struct expr *expr)
{
    uint32_t value = tok_emit_to_any(emitter, expr->operand);
    tok_emit_place(emitter, &expr->place);
    tok_emit_abx(emitter, OP_SETGLOBAL, value, expr->index);
    return in_register(value);
}

static struct operand read_local(struct emitter *emitter, const struct expr *expr, uint32_t wanted)
{
    if (!variable_has_cell(expr->variable))
        return in_register(expr->variable->home);
    uint32_t reg = result_register(emitter, wanted);
    tok_emit_abc(emitter, OP_CELL, reg, expr->variable->home, 0);
    return in_register(reg);
}

static struct operand read_captured(struct emitter *emitter, const struct expr *expr,
                                    uint32_t wanted)
{
    uint32_t reg = result_register(emitter, wanted);
    enum opcode opcode = variable_has_cell(expr->variable) ? OP_CAPCELL : OP_CAPTURE;
    tok_emit_abx(emitter, opcode, reg, expr->index);
    return in_register(reg);
}

static struct operand read_global(struct emitter *emitter, const struct expr *expr, uint32_t wanted)
{
    uint32_t reg = result_register(emitter, wanted);
    tok_emit_place(emitter, &expr->place);
    tok_emit_abx(emitter, OP_GLOBAL, reg, expr->index);
    return in_register(reg);
}

static struct operand prefix(struct emitter *emitter, struct expr *expr, enum opcode opcode,
                             uint32_t wanted)
{
    uint32_t mark = emitter->next_register;
    uint32_t operand = tok_emit_to_any(emitter, expr->operand);
    emitter->next_register = mark;
    uint32_t reg = result_register(emitter, wanted);
    tok_emit_place(emitter, &expr->place);
    tok_emit_abc(emitter, opcode, reg, operand, 0);
    return in_register(reg);
}

/* `and` and `or` as a value: the operand that decided. */
static struct operand logic(struct emitter *emitter, const struct expr *expr)
{
    uint32_t mark = emitter->next_register;
    uint32_t reg = NO_REGISTER;
    struct jumps end = {0};
    for (struct expr *operand = expr->list; operand; operand = operand->next) {
        emitter->next_register = mark;
        reg = tok_emit_to_next(emitter, operand);
        if (operand->next) {
            tok_emit_abc(emitter, expr->kind == EXPR_AND ? OP_JF : OP_JT, reg, 0, 0);
            tok_emit_jump(emitter, &end);
        }
    }
    tok_emit_patch(emitter, &end);
    return in_register(reg);
}

static struct operand super_get(struct emitter *emitter, struct expr *expr, uint32_t wanted)
{
    uint32_t mark = emitter->next_register;
    uint32_t receiver = tok_emit_to_any(emitter, expr->operand);
    uint32_t superclass = tok_emit_to_any(emitter, expr->superclass);
    emitter->next_register = mark;
    uint32_t reg = result_register(emitter, wanted);
    tok_emit_place(emitter, &expr->place);
    uint32_t name = tok_emit_constant(emitter, value_object(expr->name));
    tok_emit_abc(emitter, OP_GETSUPER, detour(reg), receiver, superclass);
    tok_emit_word(emitter, name);
    finish_detour(emitter, reg);
    return in_register(reg);
}

static void arguments(struct emitter *emitter, const struct expr *call, uint32_t window)
{
    emitter->next_register = window + 1;
    for (struct expr *argument = call->list; argument; argument = argument->next)
        tok_emit_to_next(emitter, argument);
}

/* A window for a call with one register more than the arguments need. */
static uint32_t window_begin(struct emitter *emitter, const struct expr *call, uint32_t mark)
{
    emitter->next_register = mark;
    return tok_emit_reserve(emitter, call->count + 2);
}

static struct operand window_end(struct emitter *emitter, uint32_t window)
{
    emitter->next_register = window + 1;
    return in_register(window);
}

static struct operand super_invoke(struct emitter *emitter, struct expr *expr)
{
    uint32_t window = window_begin(emitter, expr, emitter->next_register);
    emitter->next_register = window;
    tok_emit_to_next(emitter, expr->operand);
    arguments(emitter, expr, window);
    tok_emit_to_next(emitter, expr->superclass);
    tok_emit_place(emitter, &expr->place);
    uint32_t name = tok_emit_constant(emitter, value_object(expr->name));
    tok_emit_call(emitter, OP_SUPER, window, expr->count);
    tok_emit_word(emitter, name);
    return window_end(emitter, window);
}

static struct operand call(struct emitter *emitter, struct expr *expr, struct operand left,
                           uint32_t mark)
{
    uint32_t window = window_begin(emitter, expr, mark);
    if (left.is_constant)
        tok_emit_load(emitter, window, left.constant);
    else
        tok_emit_move(emitter, window, left.reg);
    arguments(emitter, expr, window);
    tok_emit_place(emitter, &expr->place);
    if (expr->kind == EXPR_CALL) {
        tok_emit_call(emitter, OP_CALL, window, expr->count);
    } else {
        uint32_t name = tok_emit_constant(emitter, value_object(expr->name));
        tok_emit_call(emitter, OP_INVOKE, window, expr->count);
        tok_emit_word(emitter, CACHE_EMPTY);
        tok_emit_word(emitter, name);
        tok_emit_word(emitter, 0);
        tok_emit_word(emitter, 0);
    }
    return window_end(emitter, window);
}

static struct operand get(struct emitter *emitter, struct expr *expr, struct operand left,
                          uint32_t mark, uint32_t wanted)
{
    uint32_t object = operand_register(emitter, &left);
    emitter->next_register = mark;
    uint32_t reg = result_register(emitter, wanted);
    uint32_t name = tok_emit_constant(emitter, value_object(expr->name));
    bool is_this = is_method_self(emitter, expr->first) && expr->first->up == expr;
    tok_emit_place(emitter, &expr->place);
    if (is_this)
        tok_emit_abc(emitter, OP_GETTHIS, detour(reg), 0, 0);
    else
        tok_emit_abc(emitter, OP_GET, detour(reg), object, 0);
    tok_emit_word(emitter, CACHE_EMPTY);
    tok_emit_word(emitter, name);
    finish_detour(emitter, reg);
    return in_register(reg);
}

/* A local that is written to before it is used as the left operand has to be copied now. */
static struct operand protect(struct emitter *emitter, struct operand left,
                              const struct expr *right)
{
    if (left.is_constant || !right->assigns_local)
        return left;
    uint32_t reg = emit_register(emitter);
    tok_emit_move(emitter, reg, left.reg);
    return in_register(reg);
}

static struct operand set(struct emitter *emitter, struct expr *expr, struct operand left)
{
    left = protect(emitter, left, expr->operand);
    uint32_t object = operand_register(emitter, &left);
    uint32_t value = tok_emit_to_any(emitter, expr->operand);
    uint32_t name = tok_emit_constant(emitter, value_object(expr->name));
    bool is_this = is_method_self(emitter, expr->first) && expr->first->up == expr;
    tok_emit_place(emitter, &expr->place);
    if (is_this)
        tok_emit_abc(emitter, OP_SETTHIS, 0, value, 0);
    else
        tok_emit_abc(emitter, OP_SET, object, value, 0);
    tok_emit_word(emitter, CACHE_EMPTY);
    tok_emit_word(emitter, name);
    tok_emit_word(emitter, 0);
    return in_register(value);
}

struct arithmetic {
    uint8_t registers;
    uint8_t right_constant;
    uint8_t left_constant;
};

static const struct arithmetic arithmetics[] = {
    [0] = {OP_ADD, OP_ADDK, OP_KADD}, /* EXPR_ADD */
    [EXPR_SUBTRACT - EXPR_ADD] = {OP_SUB, OP_SUBK, OP_KSUB},
    [EXPR_MULTIPLY - EXPR_ADD] = {OP_MUL, OP_MULK, 0},
    [EXPR_DIVIDE - EXPR_ADD] = {OP_DIV, OP_DIVK, OP_KDIV},
};

static struct operand arithmetic(struct emitter *emitter, struct expr *expr, struct operand left,
                                 uint32_t mark, uint32_t wanted)
{
    const struct arithmetic *row = &arithmetics[expr->kind - EXPR_ADD];
    left = protect(emitter, left, expr->operand);
    struct operand right = tok_emit_expression(emitter, expr->operand, NO_REGISTER);
    tok_value folded;
    if (is_number(&left) && is_number(&right) &&
        tok_emit_fold((enum expr_kind)expr->kind, left.constant, right.constant, &folded))
        return known(folded);
    if (expr->kind == EXPR_DIVIDE && is_number(&right) &&
        tok_emit_invert(right.constant, &right.constant))
        row = &arithmetics[EXPR_MULTIPLY - EXPR_ADD];

    enum opcode opcode = (enum opcode)row->registers;
    uint32_t b;
    uint32_t c;
    if (!left.is_constant && small_constant(emitter, &right, &c)) {
        opcode = (enum opcode)row->right_constant;
        b = left.reg;
    } else if (row->left_constant && !right.is_constant && small_constant(emitter, &left, &c)) {
        opcode = (enum opcode)row->left_constant;
        b = right.reg;
    } else {
        b = operand_register(emitter, &left);
        c = operand_register(emitter, &right);
    }
    emitter->next_register = mark;
    uint32_t reg = result_register(emitter, wanted);
    tok_emit_place(emitter, &expr->place);
    tok_emit_abc(emitter, opcode, reg, b, c);
    return in_register(reg);
}

static struct operand comparison(struct emitter *emitter, struct expr *expr, struct operand left,
                                 uint32_t mark, uint32_t wanted)
{
    static const uint8_t opcodes[] = {
        [0 /* EXPR_EQUAL */] = OP_EQ,        [EXPR_NOT_EQUAL - EXPR_EQUAL] = OP_NE,
        [EXPR_LESS - EXPR_EQUAL] = OP_LT,    [EXPR_LESS_EQUAL - EXPR_EQUAL] = OP_LE,
        [EXPR_GREATER - EXPR_EQUAL] = OP_LT, [EXPR_GREATER_EQUAL - EXPR_EQUAL] = OP_LE,
    };
    left = protect(emitter, left, expr->operand);
    uint32_t b = operand_register(emitter, &left);
    uint32_t c = tok_emit_to_any(emitter, expr->operand);
    bool is_swapped = expr->kind == EXPR_GREATER || expr->kind == EXPR_GREATER_EQUAL;
    emitter->next_register = mark;
    uint32_t reg = result_register(emitter, wanted);
    tok_emit_place(emitter, &expr->place);
    tok_emit_abc(emitter, (enum opcode)opcodes[expr->kind - EXPR_EQUAL], reg, is_swapped ? c : b,
                 is_swapped ? b : c);
    return in_register(reg);
}

/* One step of a chain, whose left operand is there. */
static struct operand apply(struct emitter *emitter, struct expr *step, struct operand left,
                            uint32_t mark, uint32_t wanted)
{
    switch ((int)step->kind) {
    case EXPR_CALL:
    case EXPR_INVOKE:
        return call(emitter, step, left, mark);
    case EXPR_GET:
        return get(emitter, step, left, mark, wanted);
    case EXPR_SET:
        return set(emitter, step, left);
    case EXPR_ADD:
    case EXPR_SUBTRACT:
    case EXPR_MULTIPLY:
    case EXPR_DIVIDE:
        return arithmetic(emitter, step, left, mark, wanted);
    default:
        return comparison(emitter, step, left, mark, wanted);
    }
}

static struct operand innermost(struct emitter *emitter, struct expr *expr, uint32_t wanted)
{
    switch ((int)expr->kind) {
    case EXPR_CONSTANT:
        return known(expr->constant);
    case EXPR_LOCAL:
        return read_local(emitter, expr, wanted);
    case EXPR_CAPTURED:
        return read_captured(emitter, expr, wanted);
    case EXPR_GLOBAL:
        return read_global(emitter, expr, wanted);
    case EXPR_ASSIGN_LOCAL:
        return assign_local(emitter, expr);
    case EXPR_ASSIGN_CAPTURED:
        return assign_captured(emitter, expr);
    case EXPR_ASSIGN_GLOBAL:
        return assign_global(emitter, expr);
    case EXPR_NOT:
        return prefix(emitter, expr, OP_NOT, wanted);
    case EXPR_NEGATE:
        return prefix(emitter, expr, OP_NEG, wanted);
    case EXPR_SUPER_GET:
        return super_get(emitter, expr, wanted);
    case EXPR_SUPER_INVOKE:
        return super_invoke(emitter, expr);
    default:
        return logic(emitter, expr);
    }
}

/* The left operand of a step: all of the chain before it. */
static struct operand left_of(struct emitter *emitter, const struct expr *step, uint32_t mark)
{
    struct expr *at = step->first;
    struct operand operand = innermost(emitter, at, NO_REGISTER);
    for (at = at->up; at != step; at = at->up)
        operand = apply(emitter, at, operand, mark, NO_REGISTER);
    return operand;
}

struct operand tok_emit_expression(struct emitter *emitter, struct expr *expr, uint32_t wanted)
{
    if (expr->first == expr)
        return innermost(emitter, expr, wanted);
    uint32_t mark = emitter->next_register;
    struct operand left = left_of(emitter, expr, mark);
    return apply(emitter, expr, left, mark, wanted);
}

/* How a comparison jumps: [0] if it is false, [1] if it is true, [2] back if it is true. */
struct comparison_jumps {
    uint8_t opcodes[3];
};

enum { ORDER_KINDS = 4 }; /* less, less or equal, greater, greater or equal */

static const struct comparison_jumps constant_jumps[ORDER_KINDS] = {
    {{OP_JNLTK, OP_JLTK, OP_LOOPLTK}},
    {{OP_JNLEK, OP_JLEK, OP_LOOPLEK}},
    {{OP_JNGTK, OP_JGTK, OP_LOOPGTK}},
    {{OP_JNGEK, OP_JGEK, OP_LOOPGEK}},
};
static const struct comparison_jumps register_jumps[ORDER_KINDS] = {
    {{OP_JNLT, OP_JLT, OP_LOOPLT}},
    {{OP_JNLE, OP_JLE, OP_LOOPLE}},
    {{OP_JNLT, OP_JLT, OP_LOOPLT}}, /* with the operands swapped */
    {{OP_JNLE, OP_JLE, OP_LOOPLE}},
};
static const struct comparison_jumps equal_jumps = {{OP_JNE, OP_JEQ, OP_COUNT}};
static const struct comparison_jumps equal_constant_jumps = {{OP_JNEK, OP_JEQK, OP_COUNT}};
static const struct comparison_jumps truth_jumps = {{OP_JF, OP_JT, OP_LOOPT}};

static void jump(struct emitter *emitter, const struct comparison_jumps *row, uint32_t a,
                 uint32_t b, bool wanted, const struct target *target)
{
    if (target->jumps) {
        tok_emit_abc(emitter, (enum opcode)row->opcodes[wanted], a, b, 0);
        tok_emit_jump(emitter, target->jumps);
    } else if (wanted && row->opcodes[2] != OP_COUNT) {
        tok_emit_abc(emitter, (enum opcode)row->opcodes[2], a, b, 0);
        tok_emit_jump_back(emitter, target->back_to);
    } else { /* no back edge of that kind: jump over a plain one */
        struct jumps over = {0};
        tok_emit_abc(emitter, (enum opcode)row->opcodes[!wanted], a, b, 0);
        tok_emit_jump(emitter, &over);
        tok_emit_abc(emitter, OP_LOOP, 0, 0, 0);
        tok_emit_jump_back(emitter, target->back_to);
        tok_emit_patch(emitter, &over);
    }
}

static void jump_always(struct emitter *emitter, const struct target *target)
{
    if (target->jumps) {
        tok_emit_abc(emitter, OP_JUMP, 0, 0, 0);
        tok_emit_jump(emitter, target->jumps);
    } else {
        tok_emit_abc(emitter, OP_LOOP, 0, 0, 0);
        tok_emit_jump_back(emitter, target->back_to);
    }
}

static void equality_condition(struct emitter *emitter, const struct expr *expr,
                               struct operand left, bool wanted, const struct target *target)
{
    bool is_wanted = wanted == (expr->kind == EXPR_EQUAL);
    struct operand right = tok_emit_expression(emitter, expr->operand, NO_REGISTER);
    uint32_t index;
    if (left.is_constant && !right.is_constant) {
        struct operand swap = left;
        left = right;
        right = swap;
    }
    uint32_t a = operand_register(emitter, &left);
    if (small_constant(emitter, &right, &index)) {
        tok_emit_place(emitter, &expr->place);
        jump(emitter, &equal_constant_jumps, a, index, is_wanted, target);
    } else {
        uint32_t b = operand_register(emitter, &right);
        tok_emit_place(emitter, &expr->place);
        jump(emitter, &equal_jumps, a, b, is_wanted, target);
    }
}

static void order_condition(struct emitter *emitter, const struct expr *expr, struct operand left,
                            bool wanted, const struct target *target)
{
    uint32_t kind = expr->kind - (uint32_t)EXPR_LESS;
    struct operand right = tok_emit_expression(emitter, expr->operand, NO_REGISTER);
    uint32_t index;
    if (is_number(&left) && !right.is_constant) {
        struct operand swap = left;
        left = right;
        right = swap;
        kind = (kind + 2) % ORDER_KINDS; /* k < r is r > k */
    }
    uint32_t a = operand_register(emitter, &left);
    if (is_number(&right) && small_constant(emitter, &right, &index)) {
        tok_emit_place(emitter, &expr->place);
        jump(emitter, &constant_jumps[kind], a, index, wanted, target);
        return;
    }
    uint32_t b = operand_register(emitter, &right);
    bool is_swapped = kind >= ORDER_KINDS / 2;
    tok_emit_place(emitter, &expr->place);
    jump(emitter, &register_jumps[kind], is_swapped ? b : a, is_swapped ? a : b, wanted, target);
}

/* and, or: each operand but the last decides early, either there or past the whole. */
static void logic_condition(struct emitter *emitter, const struct expr *expr, bool wanted,
                            const struct target *target)
{
    bool decides = expr->kind == EXPR_OR; /* the truth that ends it early */
    struct jumps past = {0};
    struct target past_target = {.jumps = &past};
    for (struct expr *operand = expr->list; operand; operand = operand->next) {
        if (!operand->next || decides == wanted)
            tok_emit_condition(emitter, operand, wanted, target);
        else
            tok_emit_condition(emitter, operand, decides, &past_target);
    }
    tok_emit_patch(emitter, &past);
}

void tok_emit_condition(struct emitter *emitter, struct expr *expr, bool wanted,
                        const struct target *target)
{
    uint32_t mark = emitter->next_register;
    if (expr->kind == EXPR_NOT) {
        tok_emit_condition(emitter, expr->operand, !wanted, target);
    } else if (expr->kind == EXPR_AND || expr->kind == EXPR_OR) {
        logic_condition(emitter, expr, wanted, target);
    } else if (expr->kind >= EXPR_EQUAL && expr->kind <= EXPR_GREATER_EQUAL) {
        struct operand left = left_of(emitter, expr, mark);
        left = protect(emitter, left, expr->operand);
        if (expr->kind <= EXPR_NOT_EQUAL)
            equality_condition(emitter, expr, left, wanted, target);
        else
            order_condition(emitter, expr, left, wanted, target);
    } else {
        struct operand value = tok_emit_expression(emitter, expr, NO_REGISTER);
        if (value.is_constant) {
            if (!value_is_falsey(value.constant) == wanted)
                jump_always(emitter, target);
        } else {
            jump(emitter, &truth_jumps, value.reg, 0, wanted, target);
        }
    }
    emitter->next_register = mark;
}
