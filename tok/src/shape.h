/*
 * shape - which slot of an instance holds which field.
 *
 * All instances of a class that got the same fields in the same order share a shape; it also fixes
 * the class and how many slots lie inline, so one comparison of shape ids validates a cached slot or
 * method. Methods never change after their class is made, so nothing needs invalidation.
 * An instance with very many fields, or of a class with very many shapes, becomes a dictionary: it
 * gets a shape of its own that is never cached.
 *
 * Memory: shapes belong to their class (dictionaries to their instance) and live as long; they are
 * not heap objects. Ids of dead shapes are used again after the caches were emptied of them (gc.c).
 * Errors: false or NULL: out of memory.
 */
#ifndef TOK_SHAPE_H
#define TOK_SHAPE_H

#include "object.h"

enum { SHAPE_FIELDS_MAX = 128, SHAPE_INLINE_MAX = 60, SHAPE_COUNT_MAX = 1024 };
enum { INSTANCE_DICTIONARY = 1 }; /* flag of an instance's header */

struct shape {
    uint32_t id;
    uint32_t count;        /* fields */
    uint32_t inline_slots; /* room in the instance itself */
    bool is_dictionary;
    struct class *class;
    struct string *key; /* the last field; NULL in a root */
    struct shape *parent;
    struct shape *child;   /* first transition */
    struct shape *sibling; /* next transition of the parent */
    struct shape *next;    /* in class->shapes */
    struct table slots;    /* dictionaries only: name -> slot as a raw integer */
};

/* A table of all shapes by id. */
struct shape_table {
    struct shape **shapes; /* owned; [0] unused */
    uint32_t count;
    uint32_t capacity;
    uint32_t free_id; /* 0: none; else the entry holds the next free id */
};

struct shape *tok_shape_root(struct tok_vm *vm, struct class *class);
int64_t tok_shape_find(const struct shape *shape, const struct string *name); /* slot, or -1 */

/* Adds a field that the instance does not have yet. */
bool tok_instance_add(struct tok_vm *vm, struct instance *instance, struct string *name,
                      tok_value value);
tok_value *tok_instance_slot(struct tok_vm *vm, struct instance *instance, uint32_t slot);

void tok_shape_free(struct tok_vm *vm, struct shape *shape);
void tok_shape_free_all(struct tok_vm *vm, struct class *class);
void tok_shape_table_done(struct tok_vm *vm);
bool tok_shape_is_live(const struct tok_vm *vm, uint32_t id);

static inline size_t tok_overflow_bytes(uint32_t capacity)
{
    return sizeof(struct overflow) + capacity * sizeof(tok_value);
}

#endif
