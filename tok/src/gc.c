#include "gc.h"

#include "compile.h"
#include "memory.h"
#include "opcode.h"
#include "proto.h"
#include "shape.h"
#include "str.h"
#include "trap.h"
#include "vm.h"

static bool grey_grow(struct tok_vm *vm)
{
    struct heap *heap = &vm->heap;
    uint32_t capacity = heap->grey_capacity * 2;
    struct object **grey = tok_memory_resize(vm, heap->grey, heap->grey_capacity * sizeof(*grey),
                                             capacity * sizeof(*grey));
    if (!grey)
        return false;
    heap->grey = grey;
    heap->grey_capacity = capacity;
    return true;
}

static void mark_object(struct tok_vm *vm, struct object *object)
{
    struct heap *heap = &vm->heap;
    if (!object || object->mark == heap->epoch)
        return;
    object->mark = heap->epoch;
    if (heap->grey_count == heap->grey_capacity && !grey_grow(vm)) {
        heap->grey_overflow = true;
        return;
    }
    heap->grey[heap->grey_count++] = object;
}

static void mark_value(struct tok_vm *vm, tok_value value)
{
    if (value_is_object(value))
        mark_object(vm, value_to_object(value));
}

static void mark_values(struct tok_vm *vm, const tok_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mark_value(vm, values[i]);
}

static void mark_table(struct tok_vm *vm, const struct table *table)
{
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->entries[i].key) {
            mark_object(vm, &table->entries[i].key->header);
            mark_value(vm, table->entries[i].value);
        }
    }
}

static size_t trace_string(struct tok_vm *vm, struct string *string)
{
    if (!(string->header.flags & STRING_SHARED))
        return sizeof(*string) + string->length + 1;
    struct shared_string *shared = (struct shared_string *)string;
    if (shared->buffer)
        mark_object(vm, &shared->buffer->header);
    return sizeof(*shared);
}

static size_t trace_proto(struct tok_vm *vm, struct proto *proto)
{
    if (proto->name)
        mark_object(vm, &proto->name->header);
    mark_values(vm, proto->constants, proto->constant_count);
    return sizeof(*proto) + tok_proto_block_bytes(proto);
}

static size_t trace_closure(struct tok_vm *vm, struct closure *closure)
{
    uint32_t count = closure->proto->capture_count;
    mark_object(vm, &closure->proto->header);
    mark_values(vm, closure->captures, count);
    return sizeof(*closure) + count * sizeof(tok_value);
}

static size_t trace_class(struct tok_vm *vm, struct class *class)
{
    mark_object(vm, &class->name->header);
    mark_table(vm, &class->methods);
    size_t bytes = sizeof(*class) + class->methods.capacity * sizeof(struct table_entry);
    for (struct shape *shape = class->shapes; shape; shape = shape->next) {
        if (shape->key)
            mark_object(vm, &shape->key->header);
        bytes += sizeof(*shape);
    }
    return bytes;
}

static size_t trace_instance(struct tok_vm *vm, struct instance *instance)
{
    struct shape *shape = tok_shape(vm, instance->header.shape);
    mark_object(vm, &shape->class->header);
    if (shape->is_dictionary)
        mark_table(vm, &shape->slots);
    uint32_t inline_count = shape->count < shape->inline_slots ? shape->count : shape->inline_slots;
    mark_values(vm, instance->slots, inline_count);
    size_t bytes = sizeof(*instance) + shape->inline_slots * sizeof(tok_value);
    if (instance->overflow) {
        mark_values(vm, instance->overflow->slots, shape->count - inline_count);
        bytes += instance->overflow->capacity * sizeof(tok_value);
    }
    return bytes;
}

static size_t trace_bound(struct tok_vm *vm, struct bound *bound)
{
    mark_value(vm, bound->receiver);
    mark_object(vm, &bound->method->header);
    return sizeof(*bound);
}

/* Marks the children; the bytes that the object keeps. */
static size_t trace(struct tok_vm *vm, struct object *object)
{
    switch ((enum object_type)object->type) {
    case OBJECT_STRING:
        return trace_string(vm, (struct string *)object);
    case OBJECT_BUFFER:
        return sizeof(struct buffer) + ((struct buffer *)object)->capacity;
    case OBJECT_CELL:
        mark_value(vm, ((struct cell *)object)->value);
        return sizeof(struct cell);
    case OBJECT_PROTO:
        return trace_proto(vm, (struct proto *)object);
    case OBJECT_CLOSURE:
        return trace_closure(vm, (struct closure *)object);
    case OBJECT_NATIVE:
        return sizeof(struct native);
    case OBJECT_CLASS:
        return trace_class(vm, (struct class *)object);
    case OBJECT_INSTANCE:
        return trace_instance(vm, (struct instance *)object);
    case OBJECT_BOUND:
        return trace_bound(vm, (struct bound *)object);
    case OBJECT_FREE:
    case OBJECT_TYPE_COUNT:
        break;
    }
    TRAP_UNLESS(false);
    return 0;
}

static void trace_all_grey(struct tok_vm *vm)
{
    struct heap *heap = &vm->heap;
    while (heap->grey_count > 0)
        heap->live_bytes += heap_cell_bytes(trace(vm, heap->grey[--heap->grey_count]));
}

/* Everything behind a marked object, before the next one is looked at: a structure whose parts did
 * not fit the stack at once is done in one walk through the heap. */
static void retrace(struct tok_vm *vm, struct object *object)
{
    if (object->mark != vm->heap.epoch)
        return;
    trace(vm, object);
    trace_all_grey(vm);
}

static void drain(struct tok_vm *vm)
{
    trace_all_grey(vm);
    while (vm->heap.grey_overflow) {
        /* Some marked objects were not traced, as the stack could not grow. Tracing all marked ones
         * again finds their children: each round marks more, so it ends. */
        vm->heap.grey_overflow = false;
        tok_heap_each(vm, retrace);
    }
}

static void mark_stack(struct tok_vm *vm)
{
    tok_value *end = vm->stack;
    for (struct frame *frame = vm->frames; frame && frame <= vm->frame; frame++) {
        if (!frame->closure)
            continue;
        mark_object(vm, &frame->closure->header);
        end = frame->base + frame->closure->proto->register_count;
    }
    mark_values(vm, vm->stack, (size_t)(end - vm->stack));
    /* Registers above are not looked at, so they must not keep what dies now: a later call may bring
     * them back without writing to them first. */
    if (vm->stack)
        memset(end, 0, (size_t)(vm->stack_end - end) * sizeof(*end));
}

static void mark_roots(struct tok_vm *vm)
{
    mark_stack(vm);
    mark_values(vm, vm->globals.values, vm->globals.count);
    mark_table(vm, &vm->globals.slots);
    mark_values(vm, vm->keep, TOK_KEEP_COUNT);
    if (vm->init_name)
        mark_object(vm, &vm->init_name->header);
    if (vm->compiler) {
        for (uint32_t i = 0; i < vm->compiler->root_count; i++)
            mark_object(vm, vm->compiler->roots[i]);
        for (uint32_t i = 0; i < vm->interned.capacity; i++) {
            if (vm->interned.strings[i])
                mark_object(vm, &vm->interned.strings[i]->header);
        }
    }
}

static bool drop_dead_classes(struct tok_vm *vm)
{
    bool any = false;
    struct class **link = &vm->classes;
    while (*link) {
        struct class *class = *link;
        if (class->header.mark == vm->heap.epoch) {
            link = &class->next;
            continue;
        }
        *link = class->next;
        tok_shape_free_all(vm, class);
        any = true;
    }
    return any;
}

static void drop_dead_protos(struct tok_vm *vm, bool clear_caches)
{
    struct proto **link = &vm->protos;
    while (*link) {
        struct proto *proto = *link;
        if (proto->header.mark != vm->heap.epoch) {
            *link = proto->next;
            continue;
        }
        if (clear_caches)
            tok_proto_clear_caches(vm, proto);
        link = &proto->next;
    }
}

void tok_gc_mark(struct tok_vm *vm)
{
    mark_roots(vm);
    drain(vm);
    bool shapes_died = drop_dead_classes(vm);
    drop_dead_protos(vm, shapes_died);
    tok_string_drop_dead(vm);
    if (vm->properties)
        memset(vm->properties, 0, TOK_PROPERTY_COUNT * sizeof(*vm->properties));
}

static void finish_instance(struct tok_vm *vm, struct instance *instance)
{
    if (instance->overflow)
        tok_memory_free(vm, instance->overflow, tok_overflow_bytes(instance->overflow->capacity));
    if (instance->header.flags & INSTANCE_DICTIONARY)
        tok_shape_free(vm, tok_shape(vm, instance->header.shape));
}

void tok_gc_finish(struct tok_vm *vm, struct object *object)
{
    if (object->type == OBJECT_INSTANCE) {
        finish_instance(vm, (struct instance *)object);
    } else if (object->type == OBJECT_BUFFER) {
        struct buffer *buffer = (struct buffer *)object;
        tok_memory_free(vm, buffer->bytes, buffer->capacity);
    } else if (object->type == OBJECT_PROTO) {
        struct proto *proto = (struct proto *)object;
        tok_memory_free(vm, proto->constants, tok_proto_block_bytes(proto));
    } else if (object->type == OBJECT_CLASS) {
        tok_table_done(vm, &((struct class *)object)->methods);
    }
}
