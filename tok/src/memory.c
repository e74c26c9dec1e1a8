#include "memory.h"

#include "heap.h"
#include "vm.h"

bool tok_memory_fits(const struct tok_vm *vm, size_t bytes)
{
    uint64_t limit = vm->config.limits.memory_bytes;
    return limit == 0 || (vm->memory_bytes <= limit && bytes <= limit - vm->memory_bytes);
}

void *tok_memory_resize(struct tok_vm *vm, void *pointer, size_t old_bytes, size_t new_bytes)
{
    if (new_bytes > old_bytes && !tok_memory_fits(vm, new_bytes - old_bytes))
        return NULL;
    void *result = vm->config.realloc(vm->config.context, pointer, old_bytes, new_bytes);
    if (!result)
        return NULL;
    vm->memory_bytes += new_bytes;
    vm->memory_bytes -= old_bytes;
    if (vm->memory_bytes > vm->memory_peak_bytes)
        vm->memory_peak_bytes = vm->memory_bytes;
    return result;
}

void *tok_memory_get(struct tok_vm *vm, void *pointer, size_t old_bytes, size_t new_bytes)
{
    tok_heap_before_growth(vm, new_bytes - old_bytes);
    void *result = tok_memory_resize(vm, pointer, old_bytes, new_bytes);
    if (!result && tok_heap_collect_for_want(vm))
        result = tok_memory_resize(vm, pointer, old_bytes, new_bytes);
    return result;
}

void tok_memory_free(struct tok_vm *vm, void *pointer, size_t bytes)
{
    if (!pointer)
        return;
    vm->config.realloc(vm->config.context, pointer, bytes, 0);
    vm->memory_bytes -= bytes;
}
