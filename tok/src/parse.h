/*
 * parse - what the two halves of the parser share: tokens, scopes, names.
 */
#ifndef TOK_PARSE_H
#define TOK_PARSE_H

#include "compile.h"

enum { ARGUMENTS_MAX = 255, LOCALS_MAX = 255, CAPTURES_MAX = 255, GLOBALS_MAX = 65536 };

struct class_scope {
    struct class_scope *enclosing;
    struct class_decl *decl;
};

/* parse.c */
void tok_parse_advance(struct compiler *compiler);
bool tok_parse_match(struct compiler *compiler, enum token_type type);
void tok_parse_consume(struct compiler *compiler, enum token_type type, enum message message);
void tok_parse_error(struct compiler *compiler, enum message message); /* at the previous token */
struct string *tok_parse_name(struct compiler *compiler, const struct token *token);

/* Counts a level of nesting; at the limit reports it and goes to the end of the program: false. */
bool tok_parse_deeper(struct compiler *compiler, uint32_t *depth);

static inline bool parse_is_at(const struct compiler *compiler, enum token_type type)
{
    return compiler->current.type == type;
}

/* Declares a local in the current scope, not ready yet. */
struct variable *tok_scope_declare(struct compiler *compiler, struct string *name);
struct variable *tok_scope_add(struct compiler *compiler, struct function *function,
                               struct string *name);
void tok_scope_begin(struct compiler *compiler);
void tok_scope_end(struct compiler *compiler);

/* What a name means here, as an expression that reads it. */
struct expr *tok_scope_resolve(struct compiler *compiler, struct string *name);
uint32_t tok_scope_global(struct compiler *compiler, struct string *name);

/* parse_expression.c */
struct expr *tok_parse_expression(struct compiler *compiler);
struct expr *tok_expr_new(struct compiler *compiler, enum expr_kind kind,
                          const struct place *place);

#endif
