#include "emit.h"
#include "memory.h"
#include "proto.h"
#ifdef TOK_VERIFY
#include "trap.h"
#include "verify.h"
#endif

static void statement(struct emitter *emitter, struct stmt *stmt);

struct emitter *tok_emit_begin(struct compiler *compiler, struct function *function)
{
    struct emitter *emitter = tok_memory_get(compiler->vm, NULL, 0, sizeof(*emitter));
    if (!emitter)
        tok_compile_fail(compiler);
    *emitter = (struct emitter){
        .compiler = compiler, .enclosing = compiler->emitters, .function = function};
    compiler->emitters = emitter;
    emitter->next_register = 1;
    emitter->register_count = 1;
    return emitter;
}

static void emitter_free(struct compiler *compiler)
{
    struct emitter *emitter = compiler->emitters;
    struct tok_vm *vm = compiler->vm;
    compiler->emitters = emitter->enclosing;
    tok_memory_free(vm, emitter->code, emitter->code_capacity * sizeof(*emitter->code));
    tok_memory_free(vm, emitter->positions,
                    emitter->position_capacity * sizeof(*emitter->positions));
    tok_memory_free(vm, emitter->constants,
                    emitter->constant_capacity * sizeof(*emitter->constants));
    tok_memory_free(vm, emitter->constant_index,
                    emitter->constant_index_capacity * sizeof(*emitter->constant_index));
    tok_memory_free(vm, emitter, sizeof(*emitter));
}

void tok_emit_abandon(struct compiler *compiler)
{
    while (compiler->emitters)
        emitter_free(compiler);
}

static void emit_end_return(struct emitter *emitter)
{
    if (emitter->function->kind == FUNCTION_INIT)
        tok_emit_abc(emitter, OP_RETURN, 0, 0, 0);
    else
        tok_emit_abc(emitter, OP_RETNIL, 0, 0, 0);
}

struct proto *tok_emit_end(struct compiler *compiler)
{
    struct emitter *emitter = compiler->emitters;
    const struct function *function = emitter->function;
    emit_end_return(emitter);
    struct proto sizes = {.arity = function->arity,
                          .register_count = emitter->register_count,
                          .constant_count = emitter->constant_count,
                          .code_count = emitter->code_count,
                          .position_count = emitter->position_count,
                          .capture_count = function->capture_count,
                          .name = function->name};
    struct proto *proto = tok_proto_new(compiler->vm, &sizes);
    tok_compile_root(compiler, proto);
    memcpy(proto->code, emitter->code, emitter->code_count * sizeof(*proto->code));
    if (proto->constant_count > 0)
        memcpy(proto->constants, emitter->constants,
               emitter->constant_count * sizeof(*proto->constants));
    if (proto->position_count > 0)
        memcpy(proto->positions, emitter->positions,
               emitter->position_count * sizeof(*proto->positions));
    for (uint32_t i = 0; i < function->capture_count; i++) {
        const struct capture *capture = &function->captures[i];
        proto->captures[i] =
            capture->from_local ? capture->variable->home << 1 | 1 : capture->outer_index << 1;
    }
    emitter_free(compiler);
#ifdef TOK_VERIFY
    uint32_t pc;
    TRAP_UNLESS(compiler->had_error || !tok_verify(compiler->vm, proto, &pc));
#endif
    return proto;
}

static void make_cell(struct emitter *emitter, const struct variable *variable)
{
    if (variable_has_cell(variable))
        tok_emit_abc(emitter, OP_NEWCELL, variable->home, variable->home, 0);
}

/* The caller put the parameters into registers 1 and up. Those in the scratch registers move. */
static void parameters(struct emitter *emitter)
{
    const struct function *function = emitter->function;
    uint32_t near = function->arity < NEAR_REGISTERS ? function->arity : NEAR_REGISTERS - 1;
    emitter->next_register = near + 1;
    for (uint32_t i = 0; i < function->arity; i++) {
        struct variable *variable = function->parameters[i];
        variable->home = i + 1;
        if (variable->home >= NEAR_REGISTERS) {
            uint32_t from = variable->home;
            variable->home = emit_register(emitter);
            tok_emit_abx(emitter, OP_FARSET, from, variable->home);
        }
    }
    if (emitter->register_count < function->arity + 1)
        emitter->register_count = function->arity + 1;
    if (emitter->register_count < emitter->next_register)
        emitter->register_count = emitter->next_register;
    for (uint32_t i = 0; i < function->arity; i++)
        make_cell(emitter, function->parameters[i]);
}

static void statements(struct emitter *emitter, struct stmt *stmt)
{
    for (; stmt; stmt = stmt->next)
        statement(emitter, stmt);
}

static struct proto *function_proto(struct compiler *compiler, struct function *function)
{
    struct emitter *emitter = tok_emit_begin(compiler, function);
    parameters(emitter);
    statements(emitter, function->body);
    return tok_emit_end(compiler);
}

static void closure(struct emitter *emitter, struct function *function, uint32_t reg)
{
    struct proto *proto = function_proto(emitter->compiler, function);
    tok_emit_abx(emitter, OP_CLOSURE, reg, tok_emit_add_proto(emitter, proto));
}

/* A local whose cell has to be there before the object that may capture it. */
static void prepare_home(struct emitter *emitter, struct variable *variable)
{
    variable->home = emit_register(emitter);
    /* A far home is written after the closure was made: it could not capture itself by value. */
    if (variable->home >= FAR_REGISTERS && variable->is_captured)
        variable->is_reassigned = true;
    if (!variable_has_cell(variable))
        return;
    tok_emit_abc(emitter, OP_NIL, variable->home, 0, 0);
    make_cell(emitter, variable);
}

static void fun_statement(struct emitter *emitter, struct stmt *stmt)
{
    struct variable *variable = stmt->variable;
    if (variable)
        prepare_home(emitter, variable);
    uint32_t mark = emitter->next_register;
    if (variable && !variable_has_cell(variable)) {
        closure(emitter, stmt->function, variable->home);
        return;
    }
    uint32_t reg = emit_register(emitter);
    closure(emitter, stmt->function, reg);
    if (variable)
        tok_emit_abc(emitter, OP_SETCELL, variable->home, reg, 0);
    else
        tok_emit_abx(emitter, OP_DEFGLOBAL, reg, stmt->index);
    emitter->next_register = mark;
}

static void methods(struct emitter *emitter, struct class_decl *decl, uint32_t class)
{
    for (struct function *method = decl->methods; method; method = method->next) {
        uint32_t mark = emitter->next_register;
        uint32_t reg = emit_register(emitter);
        closure(emitter, method, reg);
        tok_emit_abc(emitter, OP_METHOD, class, reg, 0);
        tok_emit_word(emitter, tok_emit_constant(emitter, value_object(method->name)));
        emitter->next_register = mark;
    }
}

static void class_statement(struct emitter *emitter, struct stmt *stmt)
{
    struct variable *variable = stmt->variable;
    struct class_decl *decl = stmt->class;
    if (variable)
        prepare_home(emitter, variable);
    bool is_home = variable && !variable_has_cell(variable);
    uint32_t mark = emitter->next_register;
    uint32_t class = is_home ? variable->home : emit_register(emitter);

    uint32_t near = class < FAR_REGISTERS ? class : SCRATCH_RESULT;
    tok_emit_abx(emitter, OP_CLASS, near, tok_emit_constant(emitter, value_object(decl->name)));
    tok_emit_word(emitter, decl->field_count);
    if (near != class)
        tok_emit_abx(emitter, OP_FARSET, near, class);
    if (variable && !is_home)
        tok_emit_abc(emitter, OP_SETCELL, variable->home, class, 0);
    if (decl->superclass) {
        uint32_t superclass = tok_emit_to_next(emitter, decl->superclass);
        decl->super_variable->home = superclass;
        tok_emit_place(emitter, &decl->superclass->place);
        tok_emit_abc(emitter, OP_INHERIT, class, superclass, 0);
    }
    methods(emitter, decl, class);
    if (!variable)
        tok_emit_abx(emitter, OP_DEFGLOBAL, class, stmt->index);
    emitter->next_register = mark;
}

static void var_statement(struct emitter *emitter, struct stmt *stmt)
{
    uint32_t mark = emitter->next_register;
    uint32_t reg;
    if (!stmt->expr) {
        reg = emit_register(emitter);
        tok_emit_abc(emitter, OP_NIL, reg, 0, 0);
    } else if (stmt->variable) {
        reg = tok_emit_to_next(emitter, stmt->expr);
    } else {
        reg = tok_emit_to_any(emitter, stmt->expr);
    }
    if (stmt->variable) {
        stmt->variable->home = reg;
        make_cell(emitter, stmt->variable);
    } else {
        tok_emit_abx(emitter, OP_DEFGLOBAL, reg, stmt->index);
        emitter->next_register = mark;
    }
}

static void return_statement(struct emitter *emitter, struct stmt *stmt)
{
    if (!stmt->expr)
        emit_end_return(emitter);
    else
        tok_emit_abc(emitter, OP_RETURN, tok_emit_to_any(emitter, stmt->expr), 0, 0);
}

static void if_statement(struct emitter *emitter, const struct stmt *stmt)
{
    struct jumps end = {0};
    for (const struct if_arm *arm = stmt->arms; arm; arm = arm->next) {
        struct jumps next = {0};
        struct target target = {.jumps = &next};
        if (arm->condition)
            tok_emit_condition(emitter, arm->condition, false, &target);
        statement(emitter, arm->body);
        if (arm->next) {
            tok_emit_abc(emitter, OP_JUMP, 0, 0, 0);
            tok_emit_jump(emitter, &end);
        }
        tok_emit_patch(emitter, &next);
    }
    tok_emit_patch(emitter, &end);
}

/* The condition comes last, so that a turn takes one jump. */
static void while_statement(struct emitter *emitter, struct stmt *stmt)
{
    uint32_t mark = emitter->next_register;
    statements(emitter, stmt->init);
    struct jumps entry = {0};
    if (stmt->expr) {
        tok_emit_abc(emitter, OP_JUMP, 0, 0, 0);
        tok_emit_jump(emitter, &entry);
    }
    struct target top = {.back_to = emitter->code_count};
    statement(emitter, stmt->body);
    if (stmt->step) {
        uint32_t step_mark = emitter->next_register;
        tok_emit_expression(emitter, stmt->step, NO_REGISTER);
        emitter->next_register = step_mark;
    }
    tok_emit_patch(emitter, &entry);
    if (stmt->expr) {
        tok_emit_condition(emitter, stmt->expr, true, &top);
    } else {
        tok_emit_abc(emitter, OP_LOOP, 0, 0, 0);
        tok_emit_jump_back(emitter, top.back_to);
    }
    emitter->next_register = mark;
}

static void simple_statement(struct emitter *emitter, struct stmt *stmt)
{
    uint32_t mark = emitter->next_register;
    if (stmt->kind == STMT_PRINT)
        tok_emit_abc(emitter, OP_PRINT, tok_emit_to_any(emitter, stmt->expr), 0, 0);
    else if (stmt->kind == STMT_RETURN)
        return_statement(emitter, stmt);
    else
        tok_emit_expression(emitter, stmt->expr, NO_REGISTER);
    emitter->next_register = mark;
}

static void statement(struct emitter *emitter, struct stmt *stmt)
{
    uint32_t mark = emitter->next_register;
    switch ((enum stmt_kind)stmt->kind) {
    case STMT_EXPRESSION:
    case STMT_PRINT:
    case STMT_RETURN:
        simple_statement(emitter, stmt);
        break;
    case STMT_VAR:
        var_statement(emitter, stmt);
        break;
    case STMT_FUN:
        fun_statement(emitter, stmt);
        break;
    case STMT_CLASS:
        class_statement(emitter, stmt);
        break;
    case STMT_BLOCK:
        statements(emitter, stmt->body);
        emitter->next_register = mark;
        break;
    case STMT_IF:
        if_statement(emitter, stmt);
        break;
    case STMT_WHILE:
        while_statement(emitter, stmt);
        break;
    }
}

void tok_emit_declaration(struct compiler *compiler, struct stmt *stmt)
{
    statement(compiler->emitters, stmt);
}
