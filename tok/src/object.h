/*
 * object - the layouts of everything that lives in the heap.
 *
 * Each object starts with an eight-byte header. `shape` is 0 in all but instances, so that comparing
 * it with a cached shape also tells that an object is an instance.
 * Memory: objects belong to the heap (heap.h); arrays they point to are owned unless marked borrowed.
 */
#ifndef TOK_OBJECT_H
#define TOK_OBJECT_H

#include <stddef.h>

#include "table.h"
#include "value.h"

struct tok_vm;

enum object_type {
    OBJECT_FREE, /* a free cell of the heap, not an object */
    OBJECT_STRING,
    OBJECT_BUFFER,
    OBJECT_CELL,
    OBJECT_PROTO,
    OBJECT_CLOSURE,
    OBJECT_NATIVE,
    OBJECT_CLASS,
    OBJECT_INSTANCE,
    OBJECT_BOUND,
    OBJECT_TYPE_COUNT
};

struct object {
    uint8_t type;
    uint8_t mark;   /* alive if equal to the heap's epoch */
    uint16_t flags; /* strings: STRING_... */
    uint32_t shape; /* instances: the id of the shape; else 0 */
};

enum { STRING_INTERNED = 1, STRING_SHARED = 2 };

/* Immutable bytes, followed by NULs up to a multiple of 8, which are not counted; or, with STRING_SHARED, a view of the
 * beginning of a buffer that may grow behind it. */
struct string {
    struct object header;
    uint32_t length;
    uint32_t hash; /* set for interned strings only */
    char bytes[];  /* not for STRING_SHARED */
};

struct buffer {
    struct object header;
    uint32_t used;
    uint32_t capacity;
    char *bytes; /* owned */
};

struct shared_string {
    struct string string;
    struct buffer *buffer; /* NULL only while it is being made */
};

/* A captured variable that is assigned to after its declaration. */
struct cell {
    struct object header;
    tok_value value;
};

/* Where in the source an instruction comes from; sorted by pc, each up to the next one's pc. */
struct code_position {
    uint32_t pc;
    uint32_t line;
    uint32_t column;
    uint32_t length;
};

/* Compiled code. One owned block holds constants, code, positions and captures, in this order. */
struct proto {
    struct object header;
    uint32_t arity;
    uint32_t register_count;
    tok_value *constants;
    uint32_t *code; /* written to by inline caches */
    struct code_position *positions;
    uint32_t *captures; /* (index << 1) | from the enclosing function's registers */
    uint32_t constant_count;
    uint32_t code_count;
    uint32_t position_count;
    uint32_t capture_count;
    struct string *name; /* NULL: the script */
    struct proto *next;  /* in vm->protos */
};

struct closure {
    struct object header;
    struct proto *proto;
    tok_value captures[];
};

/* Sets *ret_result, or raises an error and returns false. */
typedef bool (*native_fn)(struct tok_vm *vm, const tok_value *arguments, tok_value *ret_result);

struct native {
    struct object header;
    uint32_t arity;
    native_fn call;
};

struct shape;

struct class
{
    struct object header;
    struct string *name;
    struct table methods;  /* own and inherited: name -> closure */
    struct closure *init;  /* NULL: none */
    struct shape *root;    /* shape of a new instance */
    struct shape *shapes;  /* all shapes of this class, owned */
    uint32_t shape_count;  /* roots and transitions */
    uint32_t inline_slots; /* of instances made from now on */
    struct class *next;    /* in vm->classes */
};

struct overflow {
    uint32_t capacity;
    tok_value slots[];
};

struct instance {
    struct object header;
    struct overflow *overflow; /* owned; slots past the shape's inline ones, or NULL */
    tok_value slots[];
};

struct bound {
    struct object header;
    tok_value receiver;
    struct closure *method;
};

static inline bool value_is(tok_value value, enum object_type type)
{
    return value_is_object(value) && value_to_object(value)->type == type;
}

static inline struct string *value_to_string(tok_value value)
{
    return (struct string *)value_to_object(value);
}

static inline const char *string_bytes(const struct string *string)
{
    if (string->header.flags & STRING_SHARED)
        return ((const struct shared_string *)string)->buffer->bytes;
    return string->bytes;
}

/* Whether two flat strings of equal length have the same bytes; eight at a time, as the NULs behind them
 * are the same too, and from the end: strings that differ tend to begin alike. */
static inline bool string_flat_equal(const struct string *a, const struct string *b)
{
    for (uint32_t at = a->length / sizeof(uint64_t) + 1; at-- > 0;) {
        uint64_t left;
        uint64_t right;
        memcpy(&left, a->bytes + at * sizeof(left), sizeof(left));
        memcpy(&right, b->bytes + at * sizeof(right), sizeof(right));
        if (left != right)
            return false;
    }
    return true;
}

#endif
