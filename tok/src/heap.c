#include "heap.h"

#include "gc.h"
#include "memory.h"
#include "trap.h"
#include "vm.h"

enum { POISON = 0xdb, STRESS_LIVE_BYTES = 16 * 1024 };

/* Less than this part of the limit handed out since the last collection: collecting again is vain. */
enum { HEAP_WANT_FRACTION = 64 };

static uint32_t block_room(uint32_t cell_bytes)
{
    uint32_t room = HEAP_BLOCK_BYTES - (uint32_t)sizeof(struct heap_block);
    return room / cell_bytes * cell_bytes;
}

static void cell_make_free(struct heap_cell *cell, uint32_t cell_bytes, struct heap_cell *next)
{
#ifdef TOK_STRESS
    memset(cell, POISON, cell_bytes);
#else
    (void)cell_bytes;
#endif
    cell->header = (struct object){.type = OBJECT_FREE};
    cell->next = next;
}

/* Sweeps the next block of a class, and gives an empty one back. */
static void sweep_next(struct tok_vm *vm, struct heap_class *class)
{
    struct heap *heap = &vm->heap;
    struct heap_block *block = *class->sweep;
    struct heap_cell *free = class->free;
    size_t live = 0;
    size_t freed = 0;

    for (uint32_t at = block->carved_bytes; at > 0; at -= block->cell_bytes) {
        struct heap_cell *cell = (struct heap_cell *)(block->cells + at - block->cell_bytes);
        if (cell->header.type != OBJECT_FREE && cell->header.mark == heap->epoch) {
            live++;
            continue;
        }
        if (cell->header.type != OBJECT_FREE)
            tok_gc_finish(vm, &cell->header);
        cell_make_free(cell, block->cell_bytes, free);
        free = cell;
        freed += block->cell_bytes;
    }

    if (live == 0) {
        *class->sweep = block->next;
        block->next = heap->empty;
        heap->empty = block;
    } else {
        class->free = free;
        heap->handed_bytes += freed;
        class->sweep = &block->next;
    }
    if (!*class->sweep)
        class->sweep = NULL;
}

static void class_sweep_all(struct tok_vm *vm, struct heap_class *class)
{
    while (class->sweep)
        sweep_next(vm, class);
}

void tok_heap_sweep_all(struct tok_vm *vm)
{
    for (uint32_t i = 1; i < HEAP_CLASS_COUNT; i++)
        class_sweep_all(vm, &vm->heap.classes[i]);
}

static void large_sweep(struct tok_vm *vm)
{
    struct heap_large **link = &vm->heap.large;
    while (*link) {
        struct heap_large *large = *link;
        struct object *object = (struct object *)large->object;
        if (object->mark == vm->heap.epoch) {
            link = &large->next;
            continue;
        }
        *link = large->next;
        tok_gc_finish(vm, object);
        tok_memory_free(vm, large, large->bytes);
    }
}

void tok_heap_collect(struct tok_vm *vm)
{
    struct heap *heap = &vm->heap;
    tok_heap_sweep_all(vm); /* with the old epoch, before it changes */
    heap->epoch = heap->epoch == 1 ? 2 : 1;
    heap->live_bytes = 0;
    heap->handed_bytes = 0;
    heap->collections++;
    tok_gc_mark(vm);
    large_sweep(vm);
    for (uint32_t i = 1; i < HEAP_CLASS_COUNT; i++) {
        struct heap_class *class = &heap->classes[i];
        class->free = NULL;
        class->sweep = class->blocks ? &class->blocks : NULL;
    }
#ifdef TOK_STRESS
    tok_heap_sweep_all(vm); /* so that the dead are poisoned at once */
#endif
}

static void empty_free(struct tok_vm *vm)
{
    while (vm->heap.empty) {
        struct heap_block *block = vm->heap.empty;
        vm->heap.empty = block->next;
        tok_memory_free(vm, block, HEAP_BLOCK_BYTES);
    }
}

bool tok_heap_collect_for_want(struct tok_vm *vm)
{
#ifndef TOK_STRESS
    uint64_t limit = vm->config.limits.memory_bytes;
    if (vm->heap.collections && vm->heap.handed_bytes < limit / HEAP_WANT_FRACTION)
        return false;
#endif
    tok_heap_collect(vm);
    tok_heap_sweep_all(vm);
    empty_free(vm);
    vm->heap.handed_bytes = 0;
    return true;
}

/* Live memory may double, and no collection comes soon after another. */
static bool is_time(const struct tok_vm *vm, size_t bytes)
{
    const struct heap *heap = &vm->heap;
    size_t floor = HEAP_FLOOR_BYTES;
    size_t target = heap->live_bytes * 2 > floor ? heap->live_bytes * 2 : floor;
    size_t pause = heap->live_bytes > floor ? heap->live_bytes / 2 : floor / 2;
    return vm->memory_bytes + bytes > target && heap->handed_bytes >= pause;
}

#ifdef TOK_STRESS
/* At each allocation; less often in a large heap, which would be marked for ever. */
static void stress_collect(struct tok_vm *vm)
{
    struct heap *heap = &vm->heap;
    if (heap->stress_pause > 0) {
        heap->stress_pause--;
        return;
    }
    tok_heap_collect(vm);
    heap->stress_pause = heap->live_bytes / STRESS_LIVE_BYTES;
}
#endif

void tok_heap_before_growth(struct tok_vm *vm, size_t bytes)
{
#ifdef TOK_STRESS
    stress_collect(vm);
#else
    if (is_time(vm, bytes))
        tok_heap_collect(vm);
#endif
    vm->heap.handed_bytes += bytes;
}

static struct heap_block *block_get(struct tok_vm *vm)
{
    struct heap_block *block = vm->heap.empty;
    if (block) {
        vm->heap.empty = block->next;
        return block;
    }
    return tok_memory_resize(vm, NULL, 0, HEAP_BLOCK_BYTES);
}

static bool class_grow(struct tok_vm *vm, struct heap_class *class, uint32_t cell_bytes)
{
    struct heap_block *block = block_get(vm);
    if (!block)
        return false;
    block->cell_bytes = cell_bytes;
    block->carved_bytes = 0;
    block->next = class->blocks;
    class->blocks = block;
    return true;
}

/* Makes some cells of the newest block free. */
static bool class_carve(struct tok_vm *vm, struct heap_class *class)
{
    struct heap_block *block = class->blocks;
    if (!block || block->carved_bytes == block_room(block->cell_bytes))
        return false;
    uint32_t size = block->cell_bytes;
    uint32_t end = block->carved_bytes + HEAP_CARVE_BYTES / size * size;
    if (end == block->carved_bytes)
        end += size;
    if (end > block_room(size))
        end = block_room(size);
    for (uint32_t at = end; at > block->carved_bytes; at -= size) {
        struct heap_cell *cell = (struct heap_cell *)(block->cells + at - size);
        cell_make_free(cell, size, class->free);
        class->free = cell;
    }
    vm->heap.handed_bytes += end - block->carved_bytes;
    block->carved_bytes = end;
    return true;
}

static bool class_find(struct tok_vm *vm, struct heap_class *class)
{
    while (!class->free && class->sweep)
        sweep_next(vm, class);
    return class->free || class_carve(vm, class);
}

static bool class_refill(struct tok_vm *vm, struct heap_class *class, uint32_t cell_bytes)
{
    if (class_find(vm, class))
        return true;
    if (!vm->heap.empty && is_time(vm, HEAP_BLOCK_BYTES)) {
        tok_heap_collect(vm);
        if (class_find(vm, class))
            return true;
    }
    if (!class_grow(vm, class, cell_bytes)) {
        if (!tok_heap_collect_for_want(vm))
            return false;
        if (class_find(vm, class))
            return true;
        if (!class_grow(vm, class, cell_bytes))
            return false;
    }
    return class_carve(vm, class);
}

static void *large_allocate(struct tok_vm *vm, size_t bytes)
{
    size_t whole = sizeof(struct heap_large) + bytes;
    struct heap_large *large = tok_memory_get(vm, NULL, 0, whole);
    if (!large)
        return NULL;
    large->bytes = whole;
    large->next = vm->heap.large;
    vm->heap.large = large;
    return large->object;
}

void *tok_heap_allocate_slow(struct tok_vm *vm, enum object_type type, size_t bytes)
{
    struct object *object;
    if (bytes > HEAP_CELL_MAX) {
        object = large_allocate(vm, bytes);
        if (!object)
            return NULL;
    } else {
        size_t cell_bytes = heap_cell_bytes(bytes);
        struct heap_class *class = &vm->heap.classes[cell_bytes / HEAP_UNIT];
#ifdef TOK_STRESS
        stress_collect(vm);
#endif
        if (!class->free && !class_refill(vm, class, (uint32_t)cell_bytes))
            return NULL;
        object = &class->free->header;
        class->free = class->free->next; // NOLINT(clang-analyzer-core.NullDereference): refilled
    }
    *object = (struct object){.type = (uint8_t)type, .mark = vm->heap.epoch};
    return object;
}

void tok_heap_each(struct tok_vm *vm, void (*visit)(struct tok_vm *vm, struct object *object))
{
    for (uint32_t i = 1; i < HEAP_CLASS_COUNT; i++) {
        for (struct heap_block *block = vm->heap.classes[i].blocks; block; block = block->next) {
            for (uint32_t at = 0; at < block->carved_bytes; at += block->cell_bytes) {
                struct object *object = (struct object *)(block->cells + at);
                if (object->type != OBJECT_FREE)
                    visit(vm, object);
            }
        }
    }
    for (struct heap_large *large = vm->heap.large; large; large = large->next)
        visit(vm, (struct object *)large->object);
}

bool tok_heap_init(struct tok_vm *vm)
{
    struct heap *heap = &vm->heap;
    heap->epoch = 1;
    heap->grey = tok_memory_resize(vm, NULL, 0, HEAP_GREY_MIN * sizeof(*heap->grey));
    heap->grey_capacity = heap->grey ? HEAP_GREY_MIN : 0;
    return heap->grey;
}

void tok_heap_done(struct tok_vm *vm)
{
    struct heap *heap = &vm->heap;
    tok_heap_each(vm, tok_gc_finish);
    for (uint32_t i = 1; i < HEAP_CLASS_COUNT; i++) {
        while (heap->classes[i].blocks) {
            struct heap_block *block = heap->classes[i].blocks;
            heap->classes[i].blocks = block->next;
            tok_memory_free(vm, block, HEAP_BLOCK_BYTES);
        }
    }
    empty_free(vm);
    while (heap->large) {
        struct heap_large *large = heap->large;
        heap->large = large->next;
        tok_memory_free(vm, large, large->bytes);
    }
    tok_memory_free(vm, heap->grey, heap->grey_capacity * sizeof(struct object *));
    heap->grey = NULL;
}
