#include "parse.h"

#include "str.h"

void tok_parse_advance(struct compiler *compiler)
{
    compiler->previous = compiler->current;
    tok_compile_lexical_error(compiler);
    for (;;) {
        compiler->current = tok_scan(&compiler->scanner);
        if (compiler->current.type != TOKEN_ERROR)
            return;
        if (!compiler->has_lexical) { /* those right behind it fall into the panic after it */
            compiler->has_lexical = true;
            compiler->lexical = compiler->current;
        }
    }
}

bool tok_parse_match(struct compiler *compiler, enum token_type type)
{
    if (!parse_is_at(compiler, type))
        return false;
    tok_parse_advance(compiler);
    return true;
}

void tok_parse_consume(struct compiler *compiler, enum token_type type, enum message message)
{
    if (!tok_parse_match(compiler, type))
        tok_compile_error(compiler, &compiler->current, message);
}

void tok_parse_error(struct compiler *compiler, enum message message)
{
    tok_compile_error(compiler, &compiler->previous, message);
}

struct string *tok_parse_name(struct compiler *compiler, const struct token *token)
{
    struct string *name = tok_string_intern(compiler->vm, token->start, token->place.length);
    if (!name)
        tok_compile_fail(compiler);
    return name;
}

bool tok_parse_deeper(struct compiler *compiler, uint32_t *depth)
{
    if (*depth < compiler->vm->config.limits.nesting) {
        ++*depth;
        return true;
    }
    tok_compile_error(compiler, &compiler->current, MESSAGE_TOO_DEEP);
    compiler->had_error = true; /* also if it was not reported because of an earlier one */
    compiler->is_over = true;
    compiler->scanner.at = compiler->scanner.end;
    tok_parse_advance(compiler);
    return false;
}

struct variable *tok_scope_add(struct compiler *compiler, struct function *function,
                               struct string *name)
{
    struct variable *variable = tok_compile_get(compiler, sizeof(*variable));
    variable->name = name;
    variable->depth = function->depth;
    variable->outer = function->locals;
    function->locals = variable;
    return variable;
}

struct variable *tok_scope_declare(struct compiler *compiler, struct string *name)
{
    struct function *function = compiler->function;
    for (const struct variable *other = function->locals; other && other->depth == function->depth;
         other = other->outer) {
        if (other->name == name)
            tok_parse_error(compiler, MESSAGE_ALREADY_DECLARED);
    }
    if (function->local_count >= LOCALS_MAX) {
        tok_parse_error(compiler, MESSAGE_TOO_MANY_LOCALS);
        return tok_compile_get(compiler, sizeof(struct variable)); /* in no list */
    }
    function->local_count++;
    return tok_scope_add(compiler, function, name);
}

void tok_scope_begin(struct compiler *compiler)
{
    compiler->function->depth++;
}

void tok_scope_end(struct compiler *compiler)
{
    struct function *function = compiler->function;
    function->depth--;
    while (function->locals && function->locals->depth > function->depth) {
        /* Hidden variables were not counted. */
        if (function->locals->name && function->local_count > 0)
            function->local_count--;
        function->locals = function->locals->outer;
    }
}

uint32_t tok_scope_global(struct compiler *compiler, struct string *name)
{
    int64_t slot = tok_global_slot(compiler->vm, name);
    if (slot < 0)
        tok_compile_fail(compiler);
    if (slot >= GLOBALS_MAX) {
        tok_parse_error(compiler, MESSAGE_TOO_MANY_GLOBALS);
        return 0;
    }
    return (uint32_t)slot;
}

static struct variable *find_local(struct compiler *compiler, const struct function *function,
                                   const struct string *name)
{
    for (struct variable *variable = function->locals; variable; variable = variable->outer) {
        if (variable->name != name)
            continue;
        if (!variable->is_ready)
            tok_parse_error(compiler, MESSAGE_OWN_INITIALIZER);
        return variable;
    }
    return NULL;
}

static void captures_grow(struct compiler *compiler, struct function *function)
{
    uint32_t capacity = function->capture_capacity ? function->capture_capacity * 2 : 4;
    struct capture *captures = tok_compile_get(compiler, capacity * sizeof(*captures));
    if (function->capture_count > 0)
        memcpy(captures, function->captures, function->capture_count * sizeof(*captures));
    function->captures = captures;
    function->capture_capacity = capacity;
}

static uint32_t capture_add(struct compiler *compiler, struct function *function,
                            const struct capture *capture)
{
    for (uint32_t i = 0; i < function->capture_count; i++) {
        if (function->captures[i].variable == capture->variable)
            return i;
    }
    if (function->capture_count == CAPTURES_MAX) {
        tok_parse_error(compiler, MESSAGE_TOO_MANY_CAPTURES);
        return 0;
    }
    if (function->capture_count == function->capture_capacity)
        captures_grow(compiler, function);
    function->captures[function->capture_count] = *capture;
    return function->capture_count++;
}

/* Lets `function`, and those between it and the variable's own, capture the variable. Its recursion
 * is as deep as functions are nested, which is limited. */
static bool capture_name(struct compiler *compiler, struct function *function,
                         const struct string *name, struct capture *ret_capture,
                         uint32_t *ret_index)
{
    struct function *enclosing = function->enclosing;
    if (!enclosing)
        return false;
    struct variable *variable = find_local(compiler, enclosing, name);
    if (variable) {
        variable->is_captured = true;
        *ret_capture = (struct capture){.variable = variable, .from_local = true};
    } else {
        uint32_t outer_index;
        if (!capture_name(compiler, enclosing, name, ret_capture, &outer_index))
            return false;
        ret_capture->from_local = false;
        ret_capture->outer_index = outer_index;
    }
    *ret_index = capture_add(compiler, function, ret_capture);
    return true;
}

struct expr *tok_scope_resolve(struct compiler *compiler, struct string *name)
{
    const struct place *place = &compiler->previous.place;
    struct expr *expr;
    struct variable *variable = find_local(compiler, compiler->function, name);
    struct capture capture;
    uint32_t index;
    if (variable) {
        expr = tok_expr_new(compiler, EXPR_LOCAL, place);
        expr->variable = variable;
    } else if (capture_name(compiler, compiler->function, name, &capture, &index)) {
        expr = tok_expr_new(compiler, EXPR_CAPTURED, place);
        expr->variable = capture.variable;
        expr->index = index;
    } else {
        expr = tok_expr_new(compiler, EXPR_GLOBAL, place);
        expr->index = tok_scope_global(compiler, name);
    }
    return expr;
}
