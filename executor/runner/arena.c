#include "arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum {
    PAGE_BYTES = 4096,
    CHUNK_MIN_BYTES = 128 * 1024,
    CHUNK_MAX_BYTES = 1024 * 1024,
};

/* Programs that need little never ask the kernel for memory. */
static _Alignas(16) char first_chunk[ARENA_FIRST_BYTES];

/* The size class of a block, and the bytes that such a block has. */
struct size_class {
    size_t index;
    size_t bytes;
};

static struct size_class find_class(size_t bytes)
{
    if (bytes <= ARENA_FINE_MAX) {
        size_t index = bytes > 8 ? (bytes - 1) / 8 : 0;
        return (struct size_class){.index = index, .bytes = (index + 1) * 8};
    }
    /* Four steps for each doubling waste a fifth at worst. */
    unsigned doubling = 63U - (unsigned)__builtin_clzll((unsigned long long)bytes - 1);
    size_t step = (size_t)1 << (doubling - 2);
    size_t quarter = (bytes - 1 - ((size_t)1 << doubling)) / step;
    return (struct size_class){
        .index = ARENA_FINE_COUNT + (doubling - 9) * 4 + quarter,
        .bytes = ((size_t)1 << doubling) + (quarter + 1) * step,
    };
}

static size_t round_to_pages(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
}

static void *map(size_t bytes, int flags)
{
    void *pointer =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return pointer == MAP_FAILED ? NULL : pointer;
}

void arena_init(struct arena *arena)
{
    memset(arena, 0, sizeof(*arena));
    arena->free_start = first_chunk;
    arena->free_end = first_chunk + sizeof(first_chunk);
    arena->chunk_bytes = CHUNK_MIN_BYTES;
}

/* What is left of the old chunk is lost: less than one block of the size that did not fit. */
static int add_chunk(struct arena *arena)
{
    /* Populated at once: a chunk is used up before the next, and a page fault costs ten times what
     * the kernel needs to hand out one page among many. */
    char *chunk = map(arena->chunk_bytes, MAP_POPULATE);
    if (!chunk)
        return -1;
    arena->free_start = chunk;
    arena->free_end = chunk + arena->chunk_bytes;
    if (arena->chunk_bytes < CHUNK_MAX_BYTES)
        arena->chunk_bytes *= 2;
    return 0;
}

static void *allocate(struct arena *arena, size_t bytes)
{
    if (bytes > ARENA_MAPPED_MIN)
        return bytes > PTRDIFF_MAX ? NULL : map(round_to_pages(bytes), 0);

    struct size_class class = find_class(bytes);
    struct arena_block *block = arena->blocks[class.index];
    if (block) {
        arena->blocks[class.index] = block->next;
        return block;
    }
    if ((size_t)(arena->free_end - arena->free_start) < class.bytes && add_chunk(arena) < 0)
        return NULL;
    void *pointer = arena->free_start;
    arena->free_start += class.bytes;
    return pointer;
}

static void release(struct arena *arena, void *pointer, size_t bytes)
{
    if (bytes > ARENA_MAPPED_MIN) {
        (void)munmap(pointer, round_to_pages(bytes));
        return;
    }
    struct size_class class = find_class(bytes);
    struct arena_block *block = pointer;
    block->next = arena->blocks[class.index];
    arena->blocks[class.index] = block;
}

/* The block itself when it need not move, else NULL. */
static void *resize_in_place(void *pointer, size_t old_bytes, size_t new_bytes)
{
    if (old_bytes > ARENA_MAPPED_MIN && new_bytes > ARENA_MAPPED_MIN) {
        if (new_bytes > PTRDIFF_MAX)
            return NULL;
        void *moved =
            mremap(pointer, round_to_pages(old_bytes), round_to_pages(new_bytes), MREMAP_MAYMOVE);
        return moved == MAP_FAILED ? NULL : moved;
    }
    if (old_bytes <= ARENA_MAPPED_MIN && new_bytes <= ARENA_MAPPED_MIN &&
        find_class(old_bytes).index == find_class(new_bytes).index)
        return pointer;
    return NULL;
}

void *arena_realloc(struct arena *arena, void *pointer, size_t old_bytes, size_t new_bytes)
{
    if (!pointer)
        return new_bytes > 0 ? allocate(arena, new_bytes) : NULL;
    if (new_bytes == 0) {
        release(arena, pointer, old_bytes);
        return NULL;
    }
    void *kept = resize_in_place(pointer, old_bytes, new_bytes);
    if (kept)
        return kept;

    void *moved = allocate(arena, new_bytes);
    if (!moved)
        return NULL;
    memcpy(moved, pointer, old_bytes < new_bytes ? old_bytes : new_bytes);
    release(arena, pointer, old_bytes);
    return moved;
}
