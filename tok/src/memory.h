/*
 * memory - the one hook that all memory of a VM comes from, and the count of it.
 *
 * tok_memory_resize() never collects, so it may be called while an object is half made.
 * tok_memory_get() may: everything that has to survive must be reachable.
 * Errors: NULL means that the limit or the host's memory is reached; nothing changed.
 */
#ifndef TOK_MEMORY_H
#define TOK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct tok_vm;

void *tok_memory_resize(struct tok_vm *vm, void *pointer, size_t old_bytes, size_t new_bytes);
void *tok_memory_get(struct tok_vm *vm, void *pointer, size_t old_bytes, size_t new_bytes);
void tok_memory_free(struct tok_vm *vm, void *pointer, size_t bytes); /* NULL is fine */

/* Whether that many bytes more are within the limit. */
bool tok_memory_fits(const struct tok_vm *vm, size_t bytes);

#endif
