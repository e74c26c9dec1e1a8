/*
 * heap - objects that never move, in blocks of equal cells, with precise marking and lazy sweeping.
 *
 * A cell's size is a multiple of 16 bytes; what is larger than HEAP_CELL_MAX gets memory of its own.
 * An object is alive if its mark equals the heap's epoch. A collection marks from the roots (gc.c)
 * with a stack of its own, never by recursion; the dead are found when their block is next needed.
 *
 * Any allocation may collect: what is not reachable from a root is put into vm->keep first.
 * Errors: NULL means out of memory (limit or host).
 */
#ifndef TOK_HEAP_H
#define TOK_HEAP_H

#include "object.h"

#ifdef TOK_STRESS
enum { HEAP_BLOCK_BYTES = 1024, HEAP_CARVE_BYTES = 64, HEAP_FLOOR_BYTES = 0 };
#else
enum {
    HEAP_BLOCK_BYTES = 16 * 1024 - 64, /* leaves malloc's own header in the page */
    HEAP_CARVE_BYTES = 1024,        /* cells made free at a time: untouched pages stay untouched */
    HEAP_FLOOR_BYTES = 1024 * 1024, /* no collection below this */
};
#endif
/* Of the marking stack, from the beginning: a list of any length can be marked with it when there is no
 * memory left. */
enum { HEAP_GREY_MIN = 512 };
enum { HEAP_UNIT = 16, HEAP_CELL_MAX = 512, HEAP_CLASS_COUNT = HEAP_CELL_MAX / HEAP_UNIT + 1 };

struct heap_cell {
    struct object header;
    struct heap_cell *next;
};

struct heap_block {
    struct heap_block *next;
    uint32_t cell_bytes;
    uint32_t carved_bytes; /* of `cells`; what lies behind was never used */
    char cells[] __attribute__((aligned(HEAP_UNIT)));
};

struct heap_class {
    struct heap_cell *free;
    struct heap_block *blocks;
    struct heap_block **sweep; /* the link to the next block to sweep; NULL: none is left */
};

struct heap_large {
    struct heap_large *next;
    size_t bytes; /* with this header */
    char object[] __attribute__((aligned(HEAP_UNIT)));
};

struct heap {
    struct heap_class classes[HEAP_CLASS_COUNT];
    struct heap_block *empty; /* blocks for any class */
    struct heap_large *large;
    struct object **grey; /* marked, children not yet looked at */
    uint32_t grey_count;
    uint32_t grey_capacity;
    bool grey_overflow;  /* the stack could not grow: look for marked objects in the heap */
    uint8_t epoch;       /* 1 or 2; a free cell's mark is 0 */
    size_t live_bytes;   /* found by the last collection */
    size_t handed_bytes; /* given out since */
    uint64_t collections;
#ifdef TOK_STRESS
    size_t stress_pause; /* allocations until the next collection */
#endif
};

void *tok_heap_allocate_slow(struct tok_vm *vm, enum object_type type, size_t bytes);

/* `bytes` includes the header, which is set; the rest is not. */
static inline void *heap_allocate_in(struct tok_vm *vm, struct heap *heap, enum object_type type,
                                     size_t bytes)
{
#ifndef TOK_STRESS
    if (bytes <= HEAP_CELL_MAX) {
        struct heap_class *class = &heap->classes[(bytes + HEAP_UNIT - 1) / HEAP_UNIT];
        struct heap_cell *cell = class->free;
        if (cell) {
            class->free = cell->next;
            cell->header = (struct object){.type = (uint8_t)type, .mark = heap->epoch};
            return cell;
        }
    }
#else
    (void)heap;
#endif
    return tok_heap_allocate_slow(vm, type, bytes);
}

bool tok_heap_init(struct tok_vm *vm); /* false: out of memory */
void tok_heap_done(struct tok_vm *vm);

/* To be called before memory outside of the blocks grows by `bytes`: collects if it is time to. */
void tok_heap_before_growth(struct tok_vm *vm, size_t bytes);

/* Collects and sweeps all, because memory is short. False: there is no hope, the last collection was
 * too short ago to have left much. */
bool tok_heap_collect_for_want(struct tok_vm *vm);

void tok_heap_collect(struct tok_vm *vm);
void tok_heap_sweep_all(struct tok_vm *vm);

/* Calls visit for every object, dead ones in blocks that are not swept yet included. */
void tok_heap_each(struct tok_vm *vm, void (*visit)(struct tok_vm *vm, struct object *object));

static inline size_t heap_cell_bytes(size_t bytes)
{
    return (bytes + HEAP_UNIT - 1) & ~(size_t)(HEAP_UNIT - 1);
}

#endif
