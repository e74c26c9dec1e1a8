#include "parse.h"
#include "str.h"

static struct stmt *statement(struct compiler *compiler);
static struct stmt *declaration(struct compiler *compiler);

static struct stmt *stmt_new(struct compiler *compiler, enum stmt_kind kind)
{
    struct stmt *stmt = tok_compile_get(compiler, sizeof(*stmt));
    stmt->kind = (uint8_t)kind;
    stmt->place = compiler->previous.place;
    return stmt;
}

/* Names what `stmt` declares: a local of this scope, or a global. */
static void declare(struct compiler *compiler, struct stmt *stmt, struct string *name)
{
    if (compiler->function->depth > 0)
        stmt->variable = tok_scope_declare(compiler, name);
    else
        stmt->index = tok_scope_global(compiler, name);
}

static void make_ready(struct stmt *stmt)
{
    if (stmt->variable)
        stmt->variable->is_ready = true;
}

/* Up to and with the `}`. */
static struct stmt *block(struct compiler *compiler)
{
    struct stmt *first = NULL;
    struct stmt **tail = &first;
    if (!tok_parse_deeper(compiler, &compiler->block_depth))
        return NULL;
    while (!parse_is_at(compiler, TOKEN_RIGHT_BRACE) && !parse_is_at(compiler, TOKEN_END)) {
        *tail = declaration(compiler);
        tail = &(*tail)->next;
    }
    compiler->block_depth--;
    tok_parse_consume(compiler, TOKEN_RIGHT_BRACE, MESSAGE_EXPECT_BRACE_BLOCK);
    return first;
}

static struct stmt *block_statement(struct compiler *compiler)
{
    struct stmt *stmt = stmt_new(compiler, STMT_BLOCK);
    tok_scope_begin(compiler);
    stmt->body = block(compiler);
    tok_scope_end(compiler);
    return stmt;
}

/* The body of if, while and for: a level of nesting, which a block counts itself. */
static struct stmt *body(struct compiler *compiler)
{
    if (parse_is_at(compiler, TOKEN_LEFT_BRACE))
        return statement(compiler);
    if (!tok_parse_deeper(compiler, &compiler->block_depth))
        return stmt_new(compiler, STMT_BLOCK);
    struct stmt *stmt = statement(compiler);
    compiler->block_depth--;
    return stmt;
}

static void parameters(struct compiler *compiler, struct function *function)
{
    tok_parse_consume(compiler, TOKEN_LEFT_PAREN, MESSAGE_EXPECT_PAREN_NAME);
    if (!parse_is_at(compiler, TOKEN_RIGHT_PAREN)) {
        do {
            if (function->arity == ARGUMENTS_MAX)
                tok_compile_error(compiler, &compiler->current, MESSAGE_TOO_MANY_PARAMETERS);
            tok_parse_consume(compiler, TOKEN_NAME, MESSAGE_EXPECT_PARAMETER_NAME);
            tok_scope_declare(compiler, tok_parse_name(compiler, &compiler->previous))->is_ready =
                true;
            if (function->arity < ARGUMENTS_MAX)
                function->arity++;
        } while (tok_parse_match(compiler, TOKEN_COMMA));
    }
    /* The list of locals has them in reverse. */
    function->parameters =
        tok_compile_get(compiler, function->arity * sizeof(*function->parameters));
    struct variable *variable = function->locals;
    for (uint32_t i = function->arity; i > 0; i--, variable = variable->outer)
        function->parameters[i - 1] = variable;
    tok_parse_consume(compiler, TOKEN_RIGHT_PAREN, MESSAGE_EXPECT_PAREN_PARAMETERS);
    tok_parse_consume(compiler, TOKEN_LEFT_BRACE, MESSAGE_EXPECT_BRACE_FUNCTION);
}

/* From the parameters on. */
static struct function *function_rest(struct compiler *compiler, enum function_kind kind,
                                      struct string *name)
{
    struct function *function = tok_compile_get(compiler, sizeof(*function));
    function->kind = kind;
    function->name = name;
    function->place = compiler->previous.place;
    function->enclosing = compiler->function;
    compiler->function = function;
    struct string *self_name = NULL;
    if (kind != FUNCTION_PLAIN) {
        self_name = tok_string_intern(compiler->vm, "this", 4);
        if (!self_name)
            tok_compile_fail(compiler);
    }
    function->self = tok_scope_add(compiler, function, self_name);
    function->self->is_ready = true;
    tok_scope_begin(compiler);
    parameters(compiler, function);
    function->body = block(compiler);
    compiler->function = function->enclosing;
    return function;
}

static struct stmt *fun_declaration(struct compiler *compiler)
{
    struct stmt *stmt = stmt_new(compiler, STMT_FUN);
    tok_parse_consume(compiler, TOKEN_NAME, MESSAGE_EXPECT_FUNCTION_NAME);
    struct string *name = tok_parse_name(compiler, &compiler->previous);
    declare(compiler, stmt, name);
    make_ready(stmt); /* it may call itself */
    stmt->function = function_rest(compiler, FUNCTION_PLAIN, name);
    return stmt;
}

static struct stmt *var_declaration(struct compiler *compiler)
{
    struct stmt *stmt = stmt_new(compiler, STMT_VAR);
    tok_parse_consume(compiler, TOKEN_NAME, MESSAGE_EXPECT_VARIABLE_NAME);
    declare(compiler, stmt, tok_parse_name(compiler, &compiler->previous));
    if (tok_parse_match(compiler, TOKEN_EQUAL))
        stmt->expr = tok_parse_expression(compiler);
    tok_parse_consume(compiler, TOKEN_SEMICOLON, MESSAGE_EXPECT_SEMI_VARIABLE);
    make_ready(stmt);
    return stmt;
}

static struct function *method(struct compiler *compiler)
{
    tok_parse_consume(compiler, TOKEN_NAME, MESSAGE_EXPECT_METHOD_NAME);
    struct string *name = tok_parse_name(compiler, &compiler->previous);
    enum function_kind kind = name == compiler->vm->init_name ? FUNCTION_INIT : FUNCTION_METHOD;
    return function_rest(compiler, kind, name);
}

static void superclass(struct compiler *compiler, struct class_decl *decl)
{
    tok_parse_consume(compiler, TOKEN_NAME, MESSAGE_EXPECT_SUPERCLASS_NAME);
    struct string *name = tok_parse_name(compiler, &compiler->previous);
    if (name == decl->name)
        tok_parse_error(compiler, MESSAGE_OWN_SUPERCLASS);
    decl->superclass = tok_scope_resolve(compiler, name);
    tok_scope_begin(compiler);
    struct string *super_name = tok_string_intern(compiler->vm, "super", 5);
    if (!super_name)
        tok_compile_fail(compiler);
    decl->super_variable = tok_scope_add(compiler, compiler->function, super_name);
    decl->super_variable->is_ready = true;
    compiler->function->local_count++; /* scope_end counts it back */
}

static struct stmt *class_declaration(struct compiler *compiler)
{
    struct stmt *stmt = stmt_new(compiler, STMT_CLASS);
    tok_parse_consume(compiler, TOKEN_NAME, MESSAGE_EXPECT_CLASS_NAME);
    struct class_decl *decl = tok_compile_get(compiler, sizeof(*decl));
    stmt->class = decl;
    stmt->place = compiler->previous.place;
    decl->name = tok_parse_name(compiler, &compiler->previous);
    declare(compiler, stmt, decl->name);
    make_ready(stmt);

    struct class_scope scope = {.enclosing = compiler->class, .decl = decl};
    compiler->class = &scope;
    if (tok_parse_match(compiler, TOKEN_LESS))
        superclass(compiler, decl);
    tok_parse_consume(compiler, TOKEN_LEFT_BRACE, MESSAGE_EXPECT_BRACE_CLASS);
    struct function **tail = &decl->methods;
    while (!parse_is_at(compiler, TOKEN_RIGHT_BRACE) && !parse_is_at(compiler, TOKEN_END)) {
        *tail = method(compiler);
        tail = &(*tail)->next;
    }
    tok_parse_consume(compiler, TOKEN_RIGHT_BRACE, MESSAGE_EXPECT_BRACE_CLASS_END);
    if (decl->super_variable)
        tok_scope_end(compiler);
    compiler->class = scope.enclosing;
    return stmt;
}

static struct stmt *expression_statement(struct compiler *compiler)
{
    struct stmt *stmt = stmt_new(compiler, STMT_EXPRESSION);
    stmt->expr = tok_parse_expression(compiler);
    tok_parse_consume(compiler, TOKEN_SEMICOLON, MESSAGE_EXPECT_SEMI_EXPRESSION);
    return stmt;
}

static struct stmt *print_statement(struct compiler *compiler)
{
    struct stmt *stmt = stmt_new(compiler, STMT_PRINT);
    stmt->expr = tok_parse_expression(compiler);
    tok_parse_consume(compiler, TOKEN_SEMICOLON, MESSAGE_EXPECT_SEMI_VALUE);
    return stmt;
}

static struct stmt *return_statement(struct compiler *compiler)
{
    struct stmt *stmt = stmt_new(compiler, STMT_RETURN);
    enum function_kind kind = compiler->function->kind;
    if (kind == FUNCTION_SCRIPT)
        tok_parse_error(compiler, MESSAGE_RETURN_AT_TOP);
    if (tok_parse_match(compiler, TOKEN_SEMICOLON))
        return stmt;
    if (kind == FUNCTION_INIT)
        tok_parse_error(compiler, MESSAGE_RETURN_IN_INIT);
    stmt->expr = tok_parse_expression(compiler);
    tok_parse_consume(compiler, TOKEN_SEMICOLON, MESSAGE_EXPECT_SEMI_RETURN);
    return stmt;
}

static struct if_arm *if_arm(struct compiler *compiler)
{
    struct if_arm *arm = tok_compile_get(compiler, sizeof(*arm));
    tok_parse_consume(compiler, TOKEN_LEFT_PAREN, MESSAGE_EXPECT_PAREN_IF);
    arm->condition = tok_parse_expression(compiler);
    tok_parse_consume(compiler, TOKEN_RIGHT_PAREN, MESSAGE_EXPECT_PAREN_CONDITION);
    arm->body = body(compiler);
    return arm;
}

/* With all its else-if, however many there are. */
static struct stmt *if_statement(struct compiler *compiler)
{
    struct stmt *stmt = stmt_new(compiler, STMT_IF);
    stmt->arms = if_arm(compiler);
    struct if_arm *last = stmt->arms;
    while (tok_parse_match(compiler, TOKEN_ELSE)) {
        if (tok_parse_match(compiler, TOKEN_IF)) {
            last = last->next = if_arm(compiler);
            continue;
        }
        last->next = tok_compile_get(compiler, sizeof(*last));
        last->next->body = body(compiler);
        break;
    }
    return stmt;
}

static struct stmt *while_statement(struct compiler *compiler)
{
    struct stmt *stmt = stmt_new(compiler, STMT_WHILE);
    tok_parse_consume(compiler, TOKEN_LEFT_PAREN, MESSAGE_EXPECT_PAREN_WHILE);
    stmt->expr = tok_parse_expression(compiler);
    tok_parse_consume(compiler, TOKEN_RIGHT_PAREN, MESSAGE_EXPECT_PAREN_CONDITION);
    stmt->body = body(compiler);
    return stmt;
}

static struct stmt *for_statement(struct compiler *compiler)
{
    struct stmt *stmt = stmt_new(compiler, STMT_WHILE);
    tok_scope_begin(compiler);
    tok_parse_consume(compiler, TOKEN_LEFT_PAREN, MESSAGE_EXPECT_PAREN_FOR);
    if (tok_parse_match(compiler, TOKEN_VAR))
        stmt->init = var_declaration(compiler);
    else if (!tok_parse_match(compiler, TOKEN_SEMICOLON))
        stmt->init = expression_statement(compiler);
    if (!tok_parse_match(compiler, TOKEN_SEMICOLON)) {
        stmt->expr = tok_parse_expression(compiler);
        tok_parse_consume(compiler, TOKEN_SEMICOLON, MESSAGE_EXPECT_SEMI_CONDITION);
    }
    if (!tok_parse_match(compiler, TOKEN_RIGHT_PAREN)) {
        stmt->step = tok_parse_expression(compiler);
        tok_parse_consume(compiler, TOKEN_RIGHT_PAREN, MESSAGE_EXPECT_PAREN_CLAUSES);
    }
    stmt->body = body(compiler);
    tok_scope_end(compiler);
    return stmt;
}

static struct stmt *statement(struct compiler *compiler)
{
    if (tok_parse_match(compiler, TOKEN_PRINT))
        return print_statement(compiler);
    if (tok_parse_match(compiler, TOKEN_FOR))
        return for_statement(compiler);
    if (tok_parse_match(compiler, TOKEN_IF))
        return if_statement(compiler);
    if (tok_parse_match(compiler, TOKEN_RETURN))
        return return_statement(compiler);
    if (tok_parse_match(compiler, TOKEN_WHILE))
        return while_statement(compiler);
    if (tok_parse_match(compiler, TOKEN_LEFT_BRACE))
        return block_statement(compiler);
    return expression_statement(compiler);
}

/* Whether the last error came before the `;` that was read last. */
static bool is_after_statement(const struct compiler *compiler)
{
    return compiler->previous.type == TOKEN_SEMICOLON &&
           compiler->previous.start >= compiler->error_at;
}

/* Skips to where the next statement may begin. */
static void synchronize(struct compiler *compiler)
{
    while (!is_after_statement(compiler)) {
        switch ((int)compiler->current.type) {
        case TOKEN_CLASS:
        case TOKEN_FUN:
        case TOKEN_VAR:
        case TOKEN_FOR:
        case TOKEN_IF:
        case TOKEN_WHILE:
        case TOKEN_PRINT:
        case TOKEN_RETURN:
        case TOKEN_END:
            compiler->has_lexical = false; /* it was skipped */
            compiler->panic = false;
            return;
        default:
            tok_parse_advance(compiler);
        }
    }
    compiler->panic = false;
}

static struct stmt *declaration(struct compiler *compiler)
{
    struct stmt *stmt;
    if (tok_parse_match(compiler, TOKEN_CLASS))
        stmt = class_declaration(compiler);
    else if (tok_parse_match(compiler, TOKEN_FUN))
        stmt = fun_declaration(compiler);
    else if (tok_parse_match(compiler, TOKEN_VAR))
        stmt = var_declaration(compiler);
    else
        stmt = statement(compiler);
    if (compiler->panic)
        synchronize(compiler);
    return stmt;
}

struct stmt *tok_parse_declaration(struct compiler *compiler)
{
    return declaration(compiler);
}
