/*
 * compile - source to a script's function: parser (parse_*.c), then emitter (emit_*.c), for one
 * top-level declaration after the other.
 *
 * Memory: struct compiler lives on the caller's C stack; tok_compile() frees all it took. What it
 * makes in the heap is among its roots until the caller has it.
 * Errors: inside, running out of memory jumps out to tok_compile() (tok_compile_fail): nothing in
 * parser and emitter owns anything that the compiler does not know of.
 */
#ifndef TOK_COMPILE_H
#define TOK_COMPILE_H

#include <setjmp.h>

#include "arena.h"
#include "ast.h"
#include "scanner.h"
#include "vm.h"

struct emitter;
struct class_scope;

struct compiler {
    struct tok_vm *vm;
    struct scanner scanner;
    struct token current;
    struct token previous;
    struct token
        lexical; /* a bad token right before `current`, to be reported when it is reached */
    bool has_lexical;
    const char *error_at; /* the last error's place in the source */
    bool had_error;
    bool panic;   /* nothing is reported until the parser has found its feet again */
    bool is_over; /* after an error that ends it all: nothing is reported any more */
    uint32_t expression_depth;
    uint32_t block_depth;
    struct function *function; /* being parsed */
    struct class_scope *class; /* being parsed */
    struct emitter *emitters;  /* being emitted, innermost first */
    struct arena arena;        /* of this declaration */
    struct arena script_arena; /* of what lives as long as the script's own function */
    struct object **roots;
    uint32_t root_count;
    uint32_t root_capacity;
    jmp_buf out; /* out of memory */
};

/* The script's function; it is in vm->keep[0]. NULL: errors were reported, or vm->verdict says. */
struct proto *tok_compile(struct tok_vm *vm, const char *source, size_t bytes);

_Noreturn void tok_compile_fail(struct compiler *compiler);
void *tok_compile_get(struct compiler *compiler, size_t bytes); /* zeroed, from the arena */

/* Keeps an object until the compiler is done; NULL: out of memory, jumps out. Interned strings need
 * not be kept: all of them live while something is compiled. */
void tok_compile_root(struct compiler *compiler, void *object);

/* Reports, unless in panic, and begins to panic. */
void tok_compile_error(struct compiler *compiler, const struct token *token, enum message message);
/* Reports the bad token before the current one, if there is one. */
void tok_compile_lexical_error(struct compiler *compiler);
/* For limits found while emitting: names no lexeme. */
void tok_compile_error_at(struct compiler *compiler, const struct place *place,
                          enum message message);

/* parse_statement.c: the next declaration of the script, NULL after an error. */
struct stmt *tok_parse_declaration(struct compiler *compiler);

/* emit_statement.c */
struct emitter *tok_emit_begin(struct compiler *compiler, struct function *function);
void tok_emit_declaration(struct compiler *compiler, struct stmt *stmt);
struct proto *tok_emit_end(struct compiler *compiler);
void tok_emit_abandon(struct compiler *compiler); /* frees all emitters */

#endif
