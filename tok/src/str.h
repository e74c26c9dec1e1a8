/*
 * str - strings: interned names and literals, flat results, and buffers that grow in place.
 *
 * Only what the compiler reads is hashed and interned. `a = a + b` appends in place when `a` is a view
 * of a whole buffer: the buffer grows behind it and the result is a longer view.
 *
 * Errors: NULL means out of memory. All may collect.
 */
#ifndef TOK_STR_H
#define TOK_STR_H

#include "object.h"

struct string *tok_string_intern(struct tok_vm *vm, const char *bytes, size_t length);
struct string *tok_string_new(struct tok_vm *vm, const char *bytes, size_t length);

/* Charges steps for the bytes copied. The operands have to be reachable.
 * NULL: vm->verdict says why (memory or steps). */
struct string *tok_string_concatenate(struct tok_vm *vm, struct string *left, struct string *right);

/* Forgets interned strings that the collection did not mark. */
void tok_string_drop_dead(struct tok_vm *vm);

#endif
