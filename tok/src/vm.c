#include "vm.h"

#include <errno.h>
#include <stdlib.h>

#include "io.h"
#include "memory.h"
#include "native.h"
#include "str.h"

enum { GLOBALS_CAPACITY_MIN = 16 };

static void *default_realloc(void *context, void *pointer, size_t old_bytes, size_t new_bytes)
{
    (void)context;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(pointer);
        return NULL;
    }
    return realloc(pointer, new_bytes);
}

bool tok_vm_stop(struct tok_vm *vm, enum tok_verdict verdict)
{
    vm->verdict = verdict;
    return false;
}

bool tok_vm_next_slice(struct tok_vm *vm)
{
    uint64_t limit = vm->config.limits.steps;
    vm->steps_done += (uint64_t)((int64_t)vm->slice - vm->budget);
    vm->slice = TOK_SLICE_STEPS;
    if (limit && limit - vm->steps_done < TOK_SLICE_STEPS)
        vm->slice = (int32_t)(limit - vm->steps_done);
    vm->budget = vm->slice;
    if (limit && vm->steps_done > limit) {
        vm->slice = 0;
        vm->budget = 0;
        return tok_vm_stop(vm, TOK_STEP_LIMIT);
    }
    if (atomic_load_explicit(&vm->interrupted, memory_order_relaxed))
        return tok_vm_stop(vm, TOK_INTERRUPTED);
    if (++vm->slices % TOK_FLUSH_SLICES == 0)
        return tok_output_flush(vm);
    return true;
}

static bool stack_grow(struct tok_vm *vm, size_t slots)
{
    size_t old_count = (size_t)(vm->stack_end - vm->stack);
    size_t count = old_count ? old_count * 2 : STACK_SLOTS_MIN;
#ifdef TOK_STRESS
    count = slots; /* so that it moves at each growth */
#endif
    if (count < slots)
        count = slots;
    tok_value *stack = tok_memory_get(vm, NULL, 0, count * sizeof(*stack));
    if (!stack)
        return tok_vm_stop(vm, TOK_MEMORY_LIMIT);
    if (vm->stack)
        memcpy(stack, vm->stack, old_count * sizeof(*stack));
    memset(stack + old_count, 0, (count - old_count) * sizeof(*stack));
    for (struct frame *frame = vm->frames; frame <= vm->frame; frame++)
        frame->base = stack + (frame->base - vm->stack);
    tok_memory_free(vm, vm->stack, old_count * sizeof(*stack));
    vm->stack = stack;
    vm->stack_end = stack + count;
    return true;
}

static bool frames_grow(struct tok_vm *vm)
{
    size_t limit = vm->config.limits.call_depth + (size_t)2; /* the sentinel and the script */
    size_t old_count = (size_t)(vm->frames_end - vm->frames);
    size_t count = old_count ? old_count * 2 : FRAMES_MIN;
    if (old_count >= limit)
        return tok_error(vm, MESSAGE_STACK_OVERFLOW);
    if (count > limit)
        count = limit;
    size_t depth = (size_t)(vm->frame - vm->frames);
    struct frame *frames =
        tok_memory_get(vm, vm->frames, old_count * sizeof(*frames), count * sizeof(*frames));
    if (!frames)
        return tok_vm_stop(vm, TOK_MEMORY_LIMIT);
    vm->frames = frames;
    vm->frames_end = frames + count;
    vm->frame = frames + depth;
    return true;
}

bool tok_vm_grow(struct tok_vm *vm, const tok_value *window, const struct closure *closure)
{
    size_t slots = (size_t)(window - vm->stack) + closure->proto->register_count;
    if (vm->frame + 1 >= vm->frames_end && !frames_grow(vm))
        return false;
    return slots <= (size_t)(vm->stack_end - vm->stack) || stack_grow(vm, slots);
}

static bool globals_grow(struct tok_vm *vm)
{
    struct globals *globals = &vm->globals;
    uint32_t capacity = globals->capacity ? globals->capacity * 2 : GLOBALS_CAPACITY_MIN;
    tok_value *values = tok_memory_resize(vm, NULL, 0, capacity * sizeof(*values));
    struct string **names = tok_memory_resize(vm, NULL, 0, capacity * sizeof(*names));
    if (!values || !names) {
        tok_memory_free(vm, values, capacity * sizeof(*values));
        tok_memory_free(vm, names, capacity * sizeof(*names));
        return false;
    }
    if (globals->count > 0) {
        memcpy(values, globals->values, globals->count * sizeof(*values));
        memcpy(names, globals->names, globals->count * sizeof(*names));
    }
    tok_memory_free(vm, globals->values, globals->capacity * sizeof(*values));
    tok_memory_free(vm, globals->names, globals->capacity * sizeof(*names));
    globals->values = values;
    globals->names = names;
    globals->capacity = capacity;
    return true;
}

int64_t tok_global_slot(struct tok_vm *vm, struct string *name)
{
    struct globals *globals = &vm->globals;
    const tok_value *found = tok_table_find(&globals->slots, name);
    if (found)
        return (int64_t)*found;
    uint32_t slot = globals->count;
    if (slot == globals->capacity && !globals_grow(vm))
        return -1;
    if (!tok_table_set(vm, &globals->slots, name, slot))
        return -1;
    globals->values[slot] = VALUE_UNDEFINED;
    globals->names[slot] = name;
    globals->count++;
    return slot;
}

static bool vm_prepare(struct tok_vm *vm)
{
    if (!tok_heap_init(vm))
        return false;
    for (int i = 0; i < TOK_KEEP_COUNT; i++)
        vm->keep[i] = VALUE_NIL;
    vm->init_name = tok_string_intern(vm, "init", 4);
    if (!vm->init_name || !tok_native_define_all(vm))
        return false;
    /* The first frames and registers are made here, so that the rest may rely on them. */
    if (!frames_grow(vm))
        return false;
    vm->frame = vm->frames;
    *vm->frame = (struct frame){0};
    return stack_grow(vm, STACK_SLOTS_MIN);
}

int tok_vm_create(const struct tok_config *config, struct tok_vm **ret_vm)
{
    if (!config->write)
        return -EINVAL;
    struct tok_config own = *config;
    if (!own.realloc)
        own.realloc = default_realloc;
    if (own.limits.call_depth == 0)
        own.limits.call_depth = TOK_CALL_DEPTH_DEFAULT;
    if (own.limits.nesting == 0)
        own.limits.nesting = TOK_NESTING_DEFAULT;
    if (own.limits.nesting > TOK_NESTING_MAX)
        own.limits.nesting = TOK_NESTING_MAX;
    if (own.limits.memory_bytes && own.limits.memory_bytes < sizeof(struct tok_vm))
        return -ENOMEM;

    struct tok_vm *vm = own.realloc(own.context, NULL, 0, sizeof(*vm));
    if (!vm)
        return -ENOMEM;
    memset(vm, 0, sizeof(*vm));
    vm->config = own;
    vm->memory_bytes = sizeof(*vm);
    vm->memory_peak_bytes = sizeof(*vm);
    if (!vm_prepare(vm)) {
        tok_vm_free(vm);
        return -ENOMEM;
    }
    *ret_vm = vm;
    return 0;
}

void tok_vm_free(struct tok_vm *vm)
{
    if (!vm)
        return;
    for (struct class *class = vm->classes; class; class = class->next)
        tok_shape_free_all(vm, class);
    tok_heap_done(vm);
    tok_shape_table_done(vm);
    tok_table_done(vm, &vm->globals.slots);
    tok_memory_free(vm, vm->globals.values, vm->globals.capacity * sizeof(*vm->globals.values));
    tok_memory_free(vm, vm->globals.names, vm->globals.capacity * sizeof(*vm->globals.names));
    tok_memory_free(vm, vm->interned.strings,
                    vm->interned.capacity * sizeof(*vm->interned.strings));
    tok_memory_free(vm, vm->properties, TOK_PROPERTY_COUNT * sizeof(*vm->properties));
    tok_memory_free(vm, vm->stack, (size_t)(vm->stack_end - vm->stack) * sizeof(*vm->stack));
    tok_memory_free(vm, vm->frames, (size_t)(vm->frames_end - vm->frames) * sizeof(*vm->frames));
    tok_output_done(vm);
    tok_input_done(vm);
    vm->config.realloc(vm->config.context, vm, sizeof(*vm), 0);
}
