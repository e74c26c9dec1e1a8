/*
 * table - a small hash table from interned strings to values.
 *
 * Keys are compared by address. A table of zeros is empty and owns nothing.
 * Errors: false means out of memory; nothing changed.
 */
#ifndef TOK_TABLE_H
#define TOK_TABLE_H

#include "value.h"

struct tok_vm;
struct string;

struct table_entry {
    struct string *key; /* borrowed; NULL: empty */
    tok_value value;
};

struct table {
    struct table_entry *entries; /* owned */
    uint32_t count;
    uint32_t capacity; /* 0 or a power of two */
};

tok_value *tok_table_find(const struct table *table, const struct string *key); /* NULL: absent */
bool tok_table_set(struct tok_vm *vm, struct table *table, struct string *key, tok_value value);
bool tok_table_copy(struct tok_vm *vm, struct table *table, const struct table *from);
void tok_table_done(struct tok_vm *vm, struct table *table);

#endif
