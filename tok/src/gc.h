/*
 * gc - marks what is reachable; the heap calls it.
 */
#ifndef TOK_GC_H
#define TOK_GC_H

struct object;
struct tok_vm;

/* Marks from all roots, then drops dead strings, classes and shapes from the tables that hold them
 * weakly, and empties inline caches that speak of dead shapes. */
void tok_gc_mark(struct tok_vm *vm);

/* Frees what a dead object owns. */
void tok_gc_finish(struct tok_vm *vm, struct object *object);

#endif
