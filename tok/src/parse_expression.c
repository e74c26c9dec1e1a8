#include "number.h"
#include "parse.h"
#include "str.h"

enum precedence {
    PRECEDENCE_NONE,
    PRECEDENCE_ASSIGNMENT,
    PRECEDENCE_OR,
    PRECEDENCE_AND,
    PRECEDENCE_EQUALITY,
    PRECEDENCE_COMPARISON,
    PRECEDENCE_TERM,
    PRECEDENCE_FACTOR,
    PRECEDENCE_UNARY,
    PRECEDENCE_CALL,
};

static struct expr *parse_precedence(struct compiler *compiler, enum precedence precedence);

struct expr *tok_expr_new(struct compiler *compiler, enum expr_kind kind, const struct place *place)
{
    struct expr *expr = tok_compile_get(compiler, sizeof(*expr));
    expr->kind = (uint8_t)kind;
    expr->place = *place;
    expr->first = expr;
    return expr;
}

static struct expr *constant(struct compiler *compiler, tok_value value)
{
    struct expr *expr = tok_expr_new(compiler, EXPR_CONSTANT, &compiler->previous.place);
    expr->constant = value;
    return expr;
}

/* Makes `expr` the step after `left`. */
static struct expr *step(struct expr *expr, struct expr *left)
{
    expr->first = left->first;
    left->up = expr;
    expr->assigns_local |= left->assigns_local;
    return expr;
}

static void take_operand(struct expr *expr, struct expr *operand)
{
    expr->operand = operand;
    expr->assigns_local |= operand->assigns_local;
}

/* Appends to the list of operands or arguments that ends in *tail. */
static struct expr **append(struct expr *expr, struct expr **tail, struct expr *item)
{
    *tail = item;
    expr->count++;
    expr->assigns_local |= item->assigns_local;
    return &item->next;
}

struct expr *tok_parse_expression(struct compiler *compiler)
{
    return parse_precedence(compiler, PRECEDENCE_ASSIGNMENT);
}

/* An operand inside brackets, behind a prefix or behind `=`: one level of nesting. */
static struct expr *nested(struct compiler *compiler, enum precedence precedence)
{
    if (!tok_parse_deeper(compiler, &compiler->expression_depth))
        return constant(compiler, VALUE_NIL);
    struct expr *expr = parse_precedence(compiler, precedence);
    compiler->expression_depth--;
    return expr;
}

static struct expr *grouping(struct compiler *compiler)
{
    struct expr *expr = nested(compiler, PRECEDENCE_ASSIGNMENT);
    tok_parse_consume(compiler, TOKEN_RIGHT_PAREN, MESSAGE_EXPECT_PAREN_EXPRESSION);
    return expr;
}

static struct expr *unary(struct compiler *compiler)
{
    struct place place = compiler->previous.place;
    bool is_not = compiler->previous.type == TOKEN_BANG;
    struct expr *operand = nested(compiler, PRECEDENCE_UNARY);
    if (!is_not && operand->kind == EXPR_CONSTANT && value_is_number(operand->constant)) {
        operand->constant = value_number(-value_to_number(operand->constant));
        return operand;
    }
    struct expr *expr = tok_expr_new(compiler, is_not ? EXPR_NOT : EXPR_NEGATE, &place);
    take_operand(expr, operand);
    return expr;
}

static struct expr *number(struct compiler *compiler)
{
    const struct token *token = &compiler->previous;
    return constant(compiler, value_number(tok_number_parse(token->start, token->place.length)));
}

static struct expr *string(struct compiler *compiler)
{
    const struct token *token = &compiler->previous;
    struct string *value =
        tok_string_intern(compiler->vm, token->start + 1, token->place.length - 2);
    if (!value)
        tok_compile_fail(compiler);
    return constant(compiler, value_object(value));
}

static struct expr *assign(struct compiler *compiler, struct expr *target)
{
    static const uint8_t kinds[] = {[EXPR_LOCAL] = EXPR_ASSIGN_LOCAL,
                                    [EXPR_CAPTURED] = EXPR_ASSIGN_CAPTURED,
                                    [EXPR_GLOBAL] = EXPR_ASSIGN_GLOBAL};
    if (target->kind != EXPR_GLOBAL)
        target->variable->is_reassigned = true;
    target->assigns_local = target->kind == EXPR_LOCAL;
    target->kind = kinds[target->kind];
    take_operand(target, nested(compiler, PRECEDENCE_ASSIGNMENT));
    return target;
}

static struct expr *name(struct compiler *compiler, bool can_assign)
{
    struct expr *expr = tok_scope_resolve(compiler, tok_parse_name(compiler, &compiler->previous));
    if (can_assign && tok_parse_match(compiler, TOKEN_EQUAL))
        return assign(compiler, expr);
    return expr;
}

static struct string *keyword_name(struct compiler *compiler, const char *keyword)
{
    struct string *string = tok_string_intern(compiler->vm, keyword, strlen(keyword));
    if (!string)
        tok_compile_fail(compiler);
    return string;
}

static struct expr *this_expression(struct compiler *compiler)
{
    if (!compiler->class) {
        tok_parse_error(compiler, MESSAGE_THIS_OUTSIDE_CLASS);
        return constant(compiler, VALUE_NIL);
    }
    return tok_scope_resolve(compiler, keyword_name(compiler, "this"));
}

/* Arguments up to and with the `)`, which gives the call its place. */
static void arguments(struct compiler *compiler, struct expr *call)
{
    struct expr **tail = &call->list;
    if (!parse_is_at(compiler, TOKEN_RIGHT_PAREN)) {
        do {
            if (call->count == ARGUMENTS_MAX)
                tok_compile_error(compiler, &compiler->current, MESSAGE_TOO_MANY_ARGUMENTS);
            tail = append(call, tail, nested(compiler, PRECEDENCE_ASSIGNMENT));
        } while (tok_parse_match(compiler, TOKEN_COMMA));
    }
    tok_parse_consume(compiler, TOKEN_RIGHT_PAREN, MESSAGE_EXPECT_PAREN_ARGUMENTS);
    call->place = compiler->previous.place;
}

static struct expr *super_expression(struct compiler *compiler)
{
    if (!compiler->class)
        tok_parse_error(compiler, MESSAGE_SUPER_OUTSIDE_CLASS);
    else if (!compiler->class->decl->superclass)
        tok_parse_error(compiler, MESSAGE_SUPER_WITHOUT_SUPER);
    tok_parse_consume(compiler, TOKEN_DOT, MESSAGE_EXPECT_DOT_SUPER);
    tok_parse_consume(compiler, TOKEN_NAME, MESSAGE_EXPECT_SUPER_METHOD);
    struct expr *expr = tok_expr_new(compiler, EXPR_SUPER_GET, &compiler->previous.place);
    expr->name = tok_parse_name(compiler, &compiler->previous);
    if (compiler->class && compiler->class->decl->superclass) {
        expr->operand = tok_scope_resolve(compiler, keyword_name(compiler, "this"));
        expr->superclass = tok_scope_resolve(compiler, keyword_name(compiler, "super"));
    }
    if (tok_parse_match(compiler, TOKEN_LEFT_PAREN)) {
        expr->kind = EXPR_SUPER_INVOKE;
        arguments(compiler, expr);
    }
    return expr;
}

static struct expr *prefix(struct compiler *compiler, bool can_assign)
{
    switch ((int)compiler->previous.type) {
    case TOKEN_LEFT_PAREN:
        return grouping(compiler);
    case TOKEN_MINUS:
    case TOKEN_BANG:
        return unary(compiler);
    case TOKEN_NUMBER:
        return number(compiler);
    case TOKEN_STRING:
        return string(compiler);
    case TOKEN_NAME:
        return name(compiler, can_assign);
    case TOKEN_THIS:
        return this_expression(compiler);
    case TOKEN_SUPER:
        return super_expression(compiler);
    case TOKEN_NIL:
        return constant(compiler, VALUE_NIL);
    case TOKEN_TRUE:
        return constant(compiler, VALUE_TRUE);
    case TOKEN_FALSE:
        return constant(compiler, VALUE_FALSE);
    default:
        return NULL;
    }
}

struct infix {
    uint8_t precedence;
    uint8_t kind;
};

static const struct infix infixes[TOKEN_TYPE_COUNT] = {
    [TOKEN_OR] = {PRECEDENCE_OR, EXPR_OR},
    [TOKEN_AND] = {PRECEDENCE_AND, EXPR_AND},
    [TOKEN_EQUAL_EQUAL] = {PRECEDENCE_EQUALITY, EXPR_EQUAL},
    [TOKEN_BANG_EQUAL] = {PRECEDENCE_EQUALITY, EXPR_NOT_EQUAL},
    [TOKEN_LESS] = {PRECEDENCE_COMPARISON, EXPR_LESS},
    [TOKEN_LESS_EQUAL] = {PRECEDENCE_COMPARISON, EXPR_LESS_EQUAL},
    [TOKEN_GREATER] = {PRECEDENCE_COMPARISON, EXPR_GREATER},
    [TOKEN_GREATER_EQUAL] = {PRECEDENCE_COMPARISON, EXPR_GREATER_EQUAL},
    [TOKEN_PLUS] = {PRECEDENCE_TERM, EXPR_ADD},
    [TOKEN_MINUS] = {PRECEDENCE_TERM, EXPR_SUBTRACT},
    [TOKEN_STAR] = {PRECEDENCE_FACTOR, EXPR_MULTIPLY},
    [TOKEN_SLASH] = {PRECEDENCE_FACTOR, EXPR_DIVIDE},
    [TOKEN_LEFT_PAREN] = {PRECEDENCE_CALL, EXPR_CALL},
    [TOKEN_DOT] = {PRECEDENCE_CALL, EXPR_GET},
};

/* a and b and c: one node with three operands. */
static struct expr *logic(struct compiler *compiler, struct expr *left, const struct infix *infix)
{
    struct expr *expr =
        tok_expr_new(compiler, (enum expr_kind)infix->kind, &compiler->previous.place);
    enum token_type operator= compiler->previous.type;
    struct expr **tail = append(expr, &expr->list, left);
    do
        tail = append(expr, tail,
                      parse_precedence(compiler, (enum precedence)(infix->precedence + 1)));
    while (tok_parse_match(compiler, operator));
    return expr;
}

/* Counts the different fields that methods set in `this`: room for them is made in each instance. */
static void note_field(struct compiler *compiler, const struct expr *object, struct string *field)
{
    const struct function *function = compiler->function;
    if (object->kind != EXPR_LOCAL || !compiler->class || function->kind < FUNCTION_METHOD ||
        object->variable != function->self)
        return;
    struct class_decl *decl = compiler->class->decl;
    if (!decl->fields)
        decl->fields = tok_compile_get(compiler, SHAPE_INLINE_MAX * sizeof(*decl->fields));
    for (uint32_t i = 0; i < decl->field_count; i++) {
        if (decl->fields[i] == field)
            return;
    }
    if (decl->field_count < SHAPE_INLINE_MAX)
        decl->fields[decl->field_count++] = field;
}

static struct expr *property(struct compiler *compiler, struct expr *left, bool can_assign)
{
    tok_parse_consume(compiler, TOKEN_NAME, MESSAGE_EXPECT_PROPERTY_NAME);
    struct expr *expr = tok_expr_new(compiler, EXPR_GET, &compiler->previous.place);
    expr->name = tok_parse_name(compiler, &compiler->previous);
    if (can_assign && tok_parse_match(compiler, TOKEN_EQUAL)) {
        expr->kind = EXPR_SET;
        note_field(compiler, left, expr->name);
        take_operand(expr, nested(compiler, PRECEDENCE_ASSIGNMENT));
    } else if (tok_parse_match(compiler, TOKEN_LEFT_PAREN)) {
        expr->kind = EXPR_INVOKE;
        arguments(compiler, expr);
    }
    return step(expr, left);
}

static struct expr *infix_expression(struct compiler *compiler, struct expr *left, bool can_assign)
{
    const struct infix *infix = &infixes[compiler->previous.type];
    if (infix->kind == EXPR_AND || infix->kind == EXPR_OR)
        return logic(compiler, left, infix);
    if (infix->kind == EXPR_GET)
        return property(compiler, left, can_assign);
    struct expr *expr =
        tok_expr_new(compiler, (enum expr_kind)infix->kind, &compiler->previous.place);
    if (infix->kind == EXPR_CALL)
        arguments(compiler, expr);
    else
        take_operand(expr, parse_precedence(compiler, (enum precedence)(infix->precedence + 1)));
    return step(expr, left);
}

static struct expr *parse_precedence(struct compiler *compiler, enum precedence precedence)
{
    tok_parse_advance(compiler);
    bool can_assign = precedence <= PRECEDENCE_ASSIGNMENT;
    struct expr *expr = prefix(compiler, can_assign);
    if (!expr) {
        tok_parse_error(compiler, MESSAGE_EXPECT_EXPRESSION);
        return constant(compiler, VALUE_NIL);
    }
    while (precedence <= (enum precedence)infixes[compiler->current.type].precedence &&
           infixes[compiler->current.type].precedence != PRECEDENCE_NONE) {
        tok_parse_advance(compiler);
        expr = infix_expression(compiler, expr, can_assign);
    }
    if (can_assign && tok_parse_match(compiler, TOKEN_EQUAL))
        tok_parse_error(compiler, MESSAGE_INVALID_ASSIGNMENT);
    return expr;
}
