#include "arena.h"

#include <stdalign.h>
#include <string.h>

#include "memory.h"

enum { CHUNK_BYTES_MIN = 4096, CHUNK_BYTES_MAX = 64 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t bytes;
    alignas(16) char data[];
};

static bool arena_grow(struct tok_vm *vm, struct arena *arena, size_t bytes)
{
    size_t size = arena->chunks ? arena->chunks->bytes * 2 : CHUNK_BYTES_MIN;
    if (size > CHUNK_BYTES_MAX)
        size = CHUNK_BYTES_MAX;
    if (size < bytes + sizeof(struct arena_chunk))
        size = bytes + sizeof(struct arena_chunk);
    struct arena_chunk *chunk = tok_memory_get(vm, NULL, 0, size);
    if (!chunk)
        return false;
    chunk->next = arena->chunks;
    chunk->bytes = size;
    arena->chunks = chunk;
    arena->at = chunk->data;
    arena->end = (char *)chunk + size;
    return true;
}

void *tok_arena_get(struct tok_vm *vm, struct arena *arena, size_t bytes)
{
    bytes = (bytes + 7) & ~(size_t)7;
    if ((size_t)(arena->end - arena->at) < bytes && !arena_grow(vm, arena, bytes))
        return NULL;
    void *result = arena->at;
    arena->at += bytes;
    memset(result, 0, bytes);
    return result;
}

static void free_newest(struct tok_vm *vm, struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;
    arena->chunks = chunk->next;
    tok_memory_free(vm, chunk, chunk->bytes);
}

void tok_arena_reset(struct tok_vm *vm, struct arena *arena)
{
    if (!arena->chunks)
        return;
    while (arena->chunks->next)
        free_newest(vm, arena);
    arena->at = arena->chunks->data;
    arena->end = (char *)arena->chunks + arena->chunks->bytes;
}

void tok_arena_done(struct tok_vm *vm, struct arena *arena)
{
    while (arena->chunks)
        free_newest(vm, arena);
    *arena = (struct arena){0};
}
