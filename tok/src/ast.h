/*
 * ast - the program between parser and emitter: one top-level declaration at a time.
 *
 * Names are resolved while parsing; which variables need a cell is known when the outermost function
 * has been read, which is why emitting comes after.
 *
 * Chains (1+1+…, a.b.c…, f()()…) may be as long as the source, so they are lists and not nested: each
 * step knows the next one outwards (`up`), and the whole knows its innermost operand (`first`).
 * `and` and `or` have lists of operands, if-else-if a list of arms.
 *
 * Memory: everything is in the compiler's arena (arena.h), strings are among the compiler's roots.
 */
#ifndef TOK_AST_H
#define TOK_AST_H

#include "message.h"
#include "object.h"

enum expr_kind {
    EXPR_CONSTANT, /* value */
    EXPR_LOCAL,    /* variable */
    EXPR_CAPTURED, /* variable, index */
    EXPR_GLOBAL,   /* index */
    EXPR_ASSIGN_LOCAL,
    EXPR_ASSIGN_CAPTURED,
    EXPR_ASSIGN_GLOBAL,
    EXPR_NOT,          /* operand */
    EXPR_NEGATE,       /* operand */
    EXPR_AND,          /* operands: list, count */
    EXPR_OR,           /* likewise */
    EXPR_SUPER_GET,    /* name, receiver, superclass */
    EXPR_SUPER_INVOKE, /* and list, count */
    /* Steps of a chain: the left operand is the step before. */
    EXPR_ADD, /* operand: the right one */
    EXPR_SUBTRACT,
    EXPR_MULTIPLY,
    EXPR_DIVIDE,
    EXPR_EQUAL,
    EXPR_NOT_EQUAL,
    EXPR_LESS,
    EXPR_LESS_EQUAL,
    EXPR_GREATER,
    EXPR_GREATER_EQUAL,
    EXPR_CALL,   /* list, count */
    EXPR_INVOKE, /* name, list, count */
    EXPR_GET,    /* name */
    EXPR_SET,    /* name, operand: the value */
};

struct expr {
    uint8_t kind;
    bool assigns_local; /* evaluating it may write to a local of this function */
    uint32_t count;
    struct place place; /* of the operator, the name or the `)` */
    struct expr *first; /* the innermost operand of the chain that ends here; else itself */
    struct expr *up;    /* the step that this is the left operand of */
    struct expr *next;  /* in a list of arguments or operands */
    struct expr *operand;
    struct expr *list;
    struct expr *superclass; /* EXPR_SUPER_...; `operand` is the receiver */
    union {
        tok_value constant;
        struct string *name;
        struct {
            struct variable *variable;
            uint32_t index;
        };
    };
};

struct variable {
    struct string *name;    /* NULL: not reachable by a name */
    struct variable *outer; /* the one declared before it in this function */
    uint32_t depth;         /* of its scope */
    bool is_ready;          /* its initializer has been read */
    bool is_captured;
    bool is_reassigned;
    uint32_t home; /* its register, set by the emitter */
};

/* A variable that lives in a cell is shared by all that capture it; others are copied. */
static inline bool variable_has_cell(const struct variable *variable)
{
    return variable->is_captured && variable->is_reassigned;
}

enum stmt_kind {
    STMT_EXPRESSION, /* expr */
    STMT_PRINT,      /* expr */
    STMT_RETURN,     /* expr or NULL */
    STMT_VAR,        /* expr or NULL; variable, or global index */
    STMT_FUN,        /* function; variable or index */
    STMT_CLASS,      /* class; variable or index */
    STMT_BLOCK,      /* body: a list */
    STMT_IF,         /* arms */
    STMT_WHILE,      /* expr or NULL (for ever), init, step, body */
};

struct if_arm {
    struct expr *condition; /* NULL: else */
    struct stmt *body;
    struct if_arm *next;
};

struct stmt {
    uint8_t kind;
    struct place place;
    struct stmt *next;
    struct expr *expr;
    struct variable *variable; /* NULL: a global */
    uint32_t index;
    struct stmt *body;
    struct stmt *init; /* of `for` */
    struct expr *step; /* of `for` */
    union {
        struct if_arm *arms;
        struct function *function;
        struct class_decl *class;
    };
};

struct class_decl {
    struct string *name;
    struct expr *superclass;         /* NULL: none */
    struct variable *super_variable; /* holds it for `super` */
    struct function *methods;        /* list by `next` */
    uint32_t field_count;            /* different names that methods assign to in `this` */
    struct string **fields;
};

enum function_kind { FUNCTION_SCRIPT, FUNCTION_PLAIN, FUNCTION_METHOD, FUNCTION_INIT };

struct capture {
    struct variable *variable;
    uint32_t outer_index; /* in the enclosing function's captures */
    bool from_local;      /* else: of the enclosing function */
};

struct function {
    enum function_kind kind;
    struct string *name; /* NULL: the script */
    struct function *enclosing;
    struct function *next; /* the next method */
    struct place place;
    uint32_t arity;
    uint32_t capture_count;
    uint32_t capture_capacity;
    struct capture *captures;
    struct variable **parameters;
    struct variable *self;   /* register 0: `this` in methods */
    struct variable *locals; /* innermost first, while parsing */
    uint32_t local_count;
    uint32_t depth; /* of the current scope, while parsing */
    struct stmt *body;
};

#endif
