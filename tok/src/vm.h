/*
 * vm - all state of one virtual machine, and what its modules do to it.
 *
 * Memory: everything is owned by the VM and freed by tok_vm_free().
 * Errors: a function that returns bool has, on false, set vm->verdict and reported why.
 */
#ifndef TOK_VM_H
#define TOK_VM_H

#include <stdatomic.h>

#include "heap.h"
#include "message.h"
#include "object.h"
#include "shape.h"
#include "tok/tok.h"

#ifdef TOK_STRESS
enum { STACK_SLOTS_MIN = 4, FRAMES_MIN = 2 };
#else
enum { STACK_SLOTS_MIN = 256, FRAMES_MIN = 32 };
#endif

enum {
    TOK_KEEP_COUNT = 3,
    TOK_PROPERTY_COUNT = 256, /* in the cache */
    TOK_SLICE_STEPS = 1024,   /* between two looks at the interrupt flag */
    TOK_FLUSH_SLICES = 1024,  /* printed text does not wait for longer than this */
    TOK_CHARGE_BYTES = 64,    /* bytes of a long operation that cost one step */
    TOK_STRING_MAX = 1 << 30,
    TOK_NESTING_MAX = 1000, /* what the C stack of the compiler is sure to bear */
    TOK_SOURCE_MAX = 1 << 30,
};

struct compiler;

struct frame {
    uint32_t *ip;         /* where to go on; kept up to date when the VM calls out */
    tok_value *base;      /* register 0 */
    tok_value *constants; /* of closure->proto */
    struct closure *closure;
};

struct globals {
    struct table slots; /* name -> index as a raw integer */
    tok_value *values;
    struct string **names;
    uint32_t count;
    uint32_t capacity;
};

struct interned {
    struct string **strings; /* open addressing; weak */
    uint32_t count;
    uint32_t capacity;
};

enum property_kind {
    PROPERTY_INLINE,   /* a field in the instance itself */
    PROPERTY_NEW,      /* likewise, that assigning makes; reading does not find it here */
    PROPERTY_OVERFLOW, /* a field outside */
    PROPERTY_METHOD,
};

/* What a name means in a shape; for sites that see several shapes. */
struct property {
    uint32_t shape; /* 0: empty */
    uint32_t next;  /* the shape after an assignment */
    uint32_t slot;
    enum property_kind kind;
    struct string *name;    /* interned */
    struct closure *method; /* of PROPERTY_METHOD */
};

struct output {
    char *bytes; /* owned; NULL until the first print */
    uint32_t used;
    uint32_t room; /* at most the capacity, and what the limit leaves */
    uint64_t delivered;
};

struct input {
    char *bytes; /* owned; NULL until the first read */
    uint32_t begin;
    uint32_t end;
    bool is_at_end;
};

struct tok_vm {
    int32_t budget; /* steps left of this slice */
    int32_t slice;  /* its size */
    atomic_bool interrupted;
    enum tok_verdict verdict;

    tok_value *stack;
    tok_value *stack_end;
    struct frame *frames; /* [0] is where the script returns to */
    struct frame *frame;
    struct frame *frames_end;

    struct heap heap;
    struct globals globals;
    struct shape_table shapes;
    struct interned interned;
    struct property *properties;    /* owned; a cache, NULL until needed, emptied by collections */
    struct class *classes;          /* all, weak */
    struct proto *protos;           /* all, weak */
    tok_value keep[TOK_KEEP_COUNT]; /* roots for objects in the making */
    struct string *init_name;
    struct compiler *compiler; /* while compiling */

    struct output output;
    struct input input;
    uint64_t steps_done; /* in slices before this one */
    uint32_t slices;
    uint32_t diagnostic_count;
    uint64_t memory_bytes;
    uint64_t memory_peak_bytes;
    struct tok_config config;
};

static inline struct shape *tok_shape(const struct tok_vm *vm, uint32_t id)
{
    return vm->shapes.shapes[id];
}

/* Where the cache of properties has what a name means in a shape, if it has it. */
static inline struct property *vm_property_entry(const struct tok_vm *vm, uint32_t shape,
                                                 const struct string *name)
{
    uint32_t hash = shape * UINT32_C(0x9e3779b1) ^ (uint32_t)((uintptr_t)name >> 4);
    return &vm->properties[hash % TOK_PROPERTY_COUNT];
}

/* Ends the program with a verdict that needs no diagnostic. Always false. */
bool tok_vm_stop(struct tok_vm *vm, enum tok_verdict verdict);

/* Accounts the slice that ran out and begins another. */
bool tok_vm_next_slice(struct tok_vm *vm);

/* Charges a long operation for its length. */
static inline bool vm_charge(struct tok_vm *vm, uint64_t bytes)
{
    if (bytes < TOK_CHARGE_BYTES)
        return true;
    /* A string has at most TOK_STRING_MAX bytes, so this fits. */
    vm->budget -= (int32_t)(bytes / TOK_CHARGE_BYTES);
    return vm->budget >= 0 || tok_vm_next_slice(vm);
}

/* Makes room for a call of `closure` with register 0 at `window`. Moves the stack and the frames. */
bool tok_vm_grow(struct tok_vm *vm, const tok_value *window, const struct closure *closure);

/* The index of a global's slot, made if it is new; -1: out of memory. Never collects. */
int64_t tok_global_slot(struct tok_vm *vm, struct string *name);

/* Runs a script's closure. */
enum tok_verdict tok_interpret(struct tok_vm *vm, struct closure *closure);

#endif
