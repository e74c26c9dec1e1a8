/*
 * arena - the memory of one program: an allocator for one thread in a process that ends soon.
 *
 * Blocks are cut from chunks and come back to a list for their size; large ones are mappings of their
 * own, so that they can grow without a copy and are given back. A caller says how large a block is
 * when it gives it back, so a block carries no header. Nothing is ever freed at the end: the process
 * is.
 *
 * Threads: one. Memory: a filled arena may not be moved. Errors: NULL when the kernel has no more.
 */
#ifndef TRYTOK_ARENA_H
#define TRYTOK_ARENA_H

#include <stddef.h>

enum {
    ARENA_FINE_MAX = 512,         /* up to here a size class each 8 bytes */
    ARENA_MAPPED_MIN = 32 * 1024, /* from here on a mapping of its own */
    ARENA_FINE_COUNT = ARENA_FINE_MAX / 8,
    ARENA_COARSE_COUNT = 4 * 6,     /* four classes for each doubling from 512 bytes to 32 KiB */
    ARENA_FIRST_BYTES = 128 * 1024, /* two of a small program; untouched pages cost nothing */
};

struct arena_block {
    struct arena_block *next;
};

struct arena {
    char *free_start, *free_end; /* of the current chunk */
    size_t chunk_bytes;          /* of the next one */
    struct arena_block *blocks[ARENA_FINE_COUNT + ARENA_COARSE_COUNT];
};

void arena_init(struct arena *arena);

/* Like realloc(3); old_bytes is what was asked for before. */
void *arena_realloc(struct arena *arena, void *pointer, size_t old_bytes, size_t new_bytes);

#endif
