#include "shape.h"

#include "memory.h"
#include "trap.h"
#include "vm.h"

enum { SHAPE_TABLE_MIN = 16, OVERFLOW_MIN = 4 };

/* Free entries of the table hold the next free id, marked by the lowest bit. */
static struct shape *free_link(uint32_t id)
{
    return (struct shape *)(((uintptr_t)id << 1) | 1);
}

static bool table_grow(struct tok_vm *vm)
{
    struct shape_table *table = &vm->shapes;
    uint32_t capacity = table->capacity ? table->capacity * 2 : SHAPE_TABLE_MIN;
    struct shape **shapes = tok_memory_resize(vm, table->shapes, table->capacity * sizeof(*shapes),
                                              capacity * sizeof(*shapes));
    if (!shapes)
        return false;
    if (table->count == 0)
        shapes[table->count++] = free_link(0); /* no shape has the id 0 */
    table->shapes = shapes;
    table->capacity = capacity;
    return true;
}

static bool shape_number(struct tok_vm *vm, struct shape *shape)
{
    struct shape_table *table = &vm->shapes;
    if (table->free_id) {
        shape->id = table->free_id;
        table->free_id = (uint32_t)((uintptr_t)table->shapes[shape->id] >> 1);
    } else {
        if (table->count == table->capacity && !table_grow(vm))
            return false;
        shape->id = table->count++;
    }
    table->shapes[shape->id] = shape;
    return true;
}

bool tok_shape_is_live(const struct tok_vm *vm, uint32_t id)
{
    return id < vm->shapes.count && !((uintptr_t)vm->shapes.shapes[id] & 1);
}

static struct shape *shape_new(struct tok_vm *vm, struct class *class)
{
    struct shape *shape = tok_memory_resize(vm, NULL, 0, sizeof(*shape));
    if (!shape)
        return NULL;
    *shape = (struct shape){.class = class};
    if (!shape_number(vm, shape)) {
        tok_memory_free(vm, shape, sizeof(*shape));
        return NULL;
    }
    return shape;
}

static void shape_adopt(struct class *class, struct shape *shape)
{
    shape->next = class->shapes;
    class->shapes = shape;
    class->shape_count++;
}

struct shape *tok_shape_root(struct tok_vm *vm, struct class *class)
{
    struct shape *shape = shape_new(vm, class);
    if (!shape)
        return NULL;
    shape->inline_slots = class->inline_slots;
    shape_adopt(class, shape);
    return shape;
}

void tok_shape_free(struct tok_vm *vm, struct shape *shape)
{
    vm->shapes.shapes[shape->id] = free_link(vm->shapes.free_id);
    vm->shapes.free_id = shape->id;
    tok_table_done(vm, &shape->slots);
    tok_memory_free(vm, shape, sizeof(*shape));
}

void tok_shape_free_all(struct tok_vm *vm, struct class *class)
{
    while (class->shapes) {
        struct shape *shape = class->shapes;
        class->shapes = shape->next;
        tok_shape_free(vm, shape);
    }
}

void tok_shape_table_done(struct tok_vm *vm)
{
    tok_memory_free(vm, vm->shapes.shapes, vm->shapes.capacity * sizeof(struct shape *));
}

int64_t tok_shape_find(const struct shape *shape, const struct string *name)
{
    if (shape->is_dictionary) {
        const tok_value *slot = tok_table_find(&shape->slots, name);
        return slot ? (int64_t)*slot : -1;
    }
    for (; shape->key; shape = shape->parent) {
        if (shape->key == name)
            return shape->count - 1;
    }
    return -1;
}

tok_value *tok_instance_slot(struct tok_vm *vm, struct instance *instance, uint32_t slot)
{
    uint32_t inline_slots = tok_shape(vm, instance->header.shape)->inline_slots;
    if (slot < inline_slots)
        return &instance->slots[slot];
    return &instance->overflow->slots[slot - inline_slots];
}

static bool overflow_grow(struct tok_vm *vm, struct instance *instance, uint32_t count)
{
    struct overflow *old = instance->overflow;
    uint32_t old_capacity = old ? old->capacity : 0;
    if (count <= old_capacity)
        return true;
    uint32_t capacity = old_capacity ? old_capacity * 2 : OVERFLOW_MIN;
    struct overflow *overflow = tok_memory_resize(
        vm, old, old ? tok_overflow_bytes(old_capacity) : 0, tok_overflow_bytes(capacity));
    if (!overflow)
        return false;
    overflow->capacity = capacity;
    instance->overflow = overflow;
    return true;
}

/* A shape of its own for an instance that outgrew the shared ones. */
static struct shape *dictionary_make(struct tok_vm *vm, const struct shape *from)
{
    struct shape *shape = shape_new(vm, from->class);
    if (!shape)
        return NULL;
    shape->is_dictionary = true;
    shape->inline_slots = from->inline_slots;
    shape->count = from->count;
    for (; from->key; from = from->parent) {
        if (!tok_table_set(vm, &shape->slots, from->key, from->count - 1)) {
            tok_shape_free(vm, shape);
            return NULL;
        }
    }
    return shape;
}

static struct shape *transition_find(const struct shape *shape, const struct string *name)
{
    for (struct shape *child = shape->child; child; child = child->sibling) {
        if (child->key == name)
            return child;
    }
    return NULL;
}

static struct shape *transition(struct tok_vm *vm, struct shape *shape, struct string *name)
{
    struct shape *child = transition_find(shape, name);
    if (child)
        return child;
    if (shape->count >= SHAPE_FIELDS_MAX || shape->class->shape_count >= SHAPE_COUNT_MAX)
        return dictionary_make(vm, shape);
    child = shape_new(vm, shape->class);
    if (!child)
        return NULL;
    child->key = name;
    child->parent = shape;
    child->count = shape->count + 1;
    child->inline_slots = shape->inline_slots;
    child->sibling = shape->child;
    shape->child = child;
    shape_adopt(shape->class, child);
    return child;
}

/* Later instances get room for as many fields as this one has now. */
static void class_learn(struct tok_vm *vm, struct class *class, uint32_t count)
{
    if (count <= class->inline_slots || count > SHAPE_INLINE_MAX)
        return;
    uint32_t before = class->inline_slots;
    class->inline_slots = count < 4 ? 4 : (count + 7) / 8 * 8;
    if (class->inline_slots > SHAPE_INLINE_MAX)
        class->inline_slots = SHAPE_INLINE_MAX;
    struct shape *root = tok_shape_root(vm, class);
    if (root)
        class->root = root;
    else
        class->inline_slots = before; /* it is only a hint */
}

bool tok_instance_add(struct tok_vm *vm, struct instance *instance, struct string *name,
                      tok_value value)
{
    struct shape *shape = tok_shape(vm, instance->header.shape);
    uint32_t slot = shape->count;
    if (slot >= shape->inline_slots) {
        if (!overflow_grow(vm, instance, slot + 1 - shape->inline_slots))
            return false;
        class_learn(vm, shape->class, slot + 1);
    }
    struct shape *next = shape->is_dictionary ? shape : transition(vm, shape, name);
    if (!next)
        return false;
    if (next->is_dictionary) {
        if (!tok_table_set(vm, &next->slots, name, slot)) {
            if (next != shape)
                tok_shape_free(vm, next);
            return false;
        }
        next->count = slot + 1;
        instance->header.flags |= INSTANCE_DICTIONARY;
    }
    instance->header.shape = next->id;
    *tok_instance_slot(vm, instance, slot) = value;
    return true;
}
