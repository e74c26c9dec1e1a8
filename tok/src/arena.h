/*
 * arena - memory for one declaration's syntax tree, freed as a whole.
 *
 * An arena of zeros is empty. Errors: NULL means out of memory. tok_arena_get() may collect.
 */
#ifndef TOK_ARENA_H
#define TOK_ARENA_H

#include <stddef.h>

struct tok_vm;

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* the newest first */
    char *at;
    char *end;
};

void *tok_arena_get(struct tok_vm *vm, struct arena *arena, size_t bytes); /* zeroed */
void tok_arena_reset(struct tok_vm *vm, struct arena *arena); /* keeps the first chunk */
void tok_arena_done(struct tok_vm *vm, struct arena *arena);

#endif
