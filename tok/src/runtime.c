#include "runtime.h"

#include "memory.h"
#include "opcode.h"
#include "str.h"

static bool out_of_memory(struct tok_vm *vm)
{
    return tok_vm_stop(vm, TOK_MEMORY_LIMIT);
}

static struct string *cache_name(const struct tok_vm *vm, const uint32_t *cache)
{
    return value_to_string(vm->frame->constants[cache[CACHE_NAME] & CACHE_NAME_MASK]);
}

bool tok_add(struct tok_vm *vm, tok_value a, tok_value b, tok_value *ret_sum)
{
    if (value_is(a, OBJECT_STRING) && value_is(b, OBJECT_STRING)) {
        struct string *sum = tok_string_concatenate(vm, value_to_string(a), value_to_string(b));
        if (!sum)
            return false;
        *ret_sum = value_object(sum);
        return true;
    }
    if (!value_is_number(a) || !value_is_number(b))
        return tok_error(vm, MESSAGE_OPERANDS_ADD);
    *ret_sum = VALUE_NAN;
    return true;
}

bool tok_check_numbers(struct tok_vm *vm, tok_value a, tok_value b)
{
    if (value_is_number(a) && value_is_number(b))
        return true;
    return tok_error(vm, MESSAGE_OPERANDS_NUMBERS);
}

bool tok_equal_strings(struct tok_vm *vm, tok_value *a, tok_value *b, bool *ret_equal)
{
    const struct string *left = value_to_string(*a);
    const struct string *right = value_to_string(*b);
    *ret_equal = false;
    if (left->header.type != OBJECT_STRING || right->header.type != OBJECT_STRING ||
        left->length != right->length)
        return true;
    if (!vm_charge(vm, left->length))
        return false;
    if ((left->header.flags | right->header.flags) & STRING_SHARED) {
        /* Both stay: a view may be the only one that its buffer can grow behind. */
        *ret_equal = memcmp(string_bytes(left), string_bytes(right), left->length) == 0;
        return true;
    }
    *ret_equal = string_flat_equal(left, right);
    if (!*ret_equal)
        return true;
    if (left->header.flags & STRING_INTERNED)
        *b = *a;
    else
        *a = *b;
    return true;
}

static void remember(struct tok_vm *vm, const struct property *property)
{
    if (!vm->properties) {
        size_t bytes = TOK_PROPERTY_COUNT * sizeof(*vm->properties);
        vm->properties = tok_memory_resize(vm, NULL, 0, bytes);
        if (!vm->properties)
            return; /* it is only there for speed */
        memset(vm->properties, 0, bytes);
    }
    *vm_property_entry(vm, property->shape, property->name) = *property;
}

static struct property field_at(const struct shape *shape, struct string *name, uint32_t slot)
{
    return (struct property){.shape = shape->id,
                             .next = shape->id,
                             .slot = slot,
                             .kind =
                                 slot < shape->inline_slots ? PROPERTY_INLINE : PROPERTY_OVERFLOW,
                             .name = name};
}

static bool search(const struct shape *shape, struct string *name, struct property *ret_property)
{
    int64_t slot = tok_shape_find(shape, name);
    if (slot >= 0) {
        *ret_property = field_at(shape, name, (uint32_t)slot);
        return true;
    }
    const tok_value *method = tok_table_find(&shape->class->methods, name);
    if (!method)
        return false;
    *ret_property = (struct property){.shape = shape->id,
                                      .kind = PROPERTY_METHOD,
                                      .name = name,
                                      .method = (struct closure *)value_to_object(*method)};
    return true;
}

/* What a name means in a shape. `is_polymorphic`: the site has seen another shape before. */
static bool look_up(struct tok_vm *vm, const struct shape *shape, struct string *name,
                    bool is_polymorphic, struct property *ret_property)
{
    if (vm->properties) {
        const struct property *entry = vm_property_entry(vm, shape->id, name);
        if (entry->shape == shape->id && entry->name == name && entry->kind != PROPERTY_NEW) {
            *ret_property = *entry;
            return true;
        }
    }
    if (!search(shape, name, ret_property))
        return false;
    if (is_polymorphic && !shape->is_dictionary)
        remember(vm, ret_property);
    return true;
}

static bool bind(struct tok_vm *vm, tok_value receiver, struct closure *method,
                 tok_value *ret_value)
{
    struct bound *bound = heap_allocate_in(vm, &vm->heap, OBJECT_BOUND, sizeof(*bound));
    if (!bound)
        return out_of_memory(vm);
    bound->receiver = receiver;
    bound->method = method;
    *ret_value = value_object(bound);
    return true;
}

bool tok_get_property(struct tok_vm *vm, tok_value object, uint32_t *cache, tok_value *ret_value)
{
    struct string *name = cache_name(vm, cache);
    if (!value_is(object, OBJECT_INSTANCE))
        return tok_error(vm, MESSAGE_ONLY_INSTANCES_HAVE_PROPERTIES);
    struct instance *instance = (struct instance *)value_to_object(object);
    const struct shape *shape = tok_shape(vm, instance->header.shape);
    bool is_inline = shape->inline_slots > 0;
    struct property property;
    if (!look_up(vm, shape, name, cache[0] != CACHE_EMPTY || !is_inline, &property))
        return tok_error_name(vm, MESSAGE_UNDEFINED_PROPERTY, name);
    if (property.kind == PROPERTY_METHOD)
        return bind(vm, object, property.method, ret_value);
    *ret_value = *tok_instance_slot(vm, instance, property.slot);
    if (property.kind == PROPERTY_INLINE && !shape->is_dictionary) {
        cache[0] = shape->id;
        cache[CACHE_NAME] = (cache[CACHE_NAME] & CACHE_NAME_MASK) | property.slot
                                                                        << CACHE_OFFSET_SHIFT;
    }
    return true;
}

/* Remembers an assignment at the site, and for others if it has seen another shape before. */
static void set_remember(struct tok_vm *vm, const struct property *property, uint32_t *cache)
{
    if (property->kind == PROPERTY_OVERFLOW || tok_shape(vm, property->shape)->is_dictionary ||
        tok_shape(vm, property->next)->is_dictionary)
        return;
    if (cache[0] != CACHE_EMPTY)
        remember(vm, property);
    cache[0] = property->shape;
    cache[CACHE_NAME] = (cache[CACHE_NAME] & CACHE_NAME_MASK) | property->slot
                                                                    << CACHE_OFFSET_SHIFT;
    cache[CACHE_NEXT] = property->next;
}

bool tok_set_property(struct tok_vm *vm, tok_value object, tok_value value, uint32_t *cache)
{
    struct string *name = cache_name(vm, cache);
    if (!value_is(object, OBJECT_INSTANCE))
        return tok_error(vm, MESSAGE_ONLY_INSTANCES_HAVE_FIELDS);
    struct instance *instance = (struct instance *)value_to_object(object);
    const struct shape *shape = tok_shape(vm, instance->header.shape);
    struct property property;
    if (look_up(vm, shape, name, false, &property) && property.kind != PROPERTY_METHOD) {
        *tok_instance_slot(vm, instance, property.slot) = value;
        set_remember(vm, &property, cache);
        return true;
    }
    property = field_at(shape, name, shape->count);
    if (!tok_instance_add(vm, instance, name, value)) {
        tok_heap_collect_for_want(vm);
        if (!tok_instance_add(vm, instance, name, value))
            return out_of_memory(vm);
    }
    property.next = instance->header.shape;
    if (property.kind == PROPERTY_INLINE)
        property.kind = PROPERTY_NEW;
    set_remember(vm, &property, cache);
    return true;
}

bool tok_get_super(struct tok_vm *vm, tok_value receiver, tok_value superclass, struct string *name,
                   tok_value *ret_value)
{
    const struct class *class = (struct class *)value_to_object(superclass);
    const tok_value *method = tok_table_find(&class->methods, name);
    if (!method)
        return tok_error_name(vm, MESSAGE_UNDEFINED_PROPERTY, name);
    return bind(vm, receiver, (struct closure *)value_to_object(*method), ret_value);
}

static bool enter(struct tok_vm *vm, struct closure *closure, uint32_t count,
                  struct closure **ret_closure)
{
    if (closure->proto->arity != count)
        return tok_error_counts(vm, MESSAGE_WRONG_ARGUMENT_COUNT, closure->proto->arity, count);
    *ret_closure = closure;
    return true;
}

static bool call_class(struct tok_vm *vm, struct class *class, tok_value *window, uint32_t count,
                       struct closure **ret_closure)
{
    /* The count is checked first: with a wrong one nothing is made. */
    if (class->init) {
        if (!enter(vm, class->init, count, ret_closure))
            return false;
    } else if (count != 0) {
        return tok_error_counts(vm, MESSAGE_WRONG_ARGUMENT_COUNT, 0, count);
    }
    size_t bytes = sizeof(struct instance) + class->inline_slots * sizeof(tok_value);
    struct instance *instance = heap_allocate_in(vm, &vm->heap, OBJECT_INSTANCE, bytes);
    if (!instance)
        return out_of_memory(vm);
    instance->header.shape = class->root->id;
    instance->overflow = NULL;
    window[0] = value_object(instance);
    return true;
}

static bool call_native(struct tok_vm *vm, const struct native *native, tok_value *window,
                        uint32_t count)
{
    if (native->arity != count)
        return tok_error_counts(vm, MESSAGE_WRONG_ARGUMENT_COUNT, native->arity, count);
    return native->call(vm, window + 1, window);
}

bool tok_call(struct tok_vm *vm, tok_value *window, uint32_t count, struct closure **ret_closure)
{
    *ret_closure = NULL;
    if (!value_is_object(window[0]))
        return tok_error(vm, MESSAGE_NOT_CALLABLE);
    struct object *object = value_to_object(window[0]);
    switch (object->type) {
    case OBJECT_CLOSURE:
        return enter(vm, (struct closure *)object, count, ret_closure);
    case OBJECT_CLASS:
        return call_class(vm, (struct class *)object, window, count, ret_closure);
    case OBJECT_BOUND:
        window[0] = ((struct bound *)object)->receiver;
        return enter(vm, ((struct bound *)object)->method, count, ret_closure);
    case OBJECT_NATIVE:
        return call_native(vm, (struct native *)object, window, count);
    default:
        return tok_error(vm, MESSAGE_NOT_CALLABLE);
    }
}

bool tok_invoke(struct tok_vm *vm, tok_value *window, uint32_t count, uint32_t *cache,
                struct closure **ret_closure)
{
    *ret_closure = NULL;
    struct string *name = cache_name(vm, cache);
    if (!value_is(window[0], OBJECT_INSTANCE))
        return tok_error(vm, MESSAGE_ONLY_INSTANCES_HAVE_METHODS);
    struct instance *instance = (struct instance *)value_to_object(window[0]);
    const struct shape *shape = tok_shape(vm, instance->header.shape);
    struct property property;
    if (!look_up(vm, shape, name, cache[0] != CACHE_EMPTY, &property))
        return tok_error_name(vm, MESSAGE_UNDEFINED_PROPERTY, name);
    if (property.kind != PROPERTY_METHOD) {
        window[0] = *tok_instance_slot(vm, instance, property.slot);
        return tok_call(vm, window, count, ret_closure);
    }
    if (!enter(vm, property.method, count, ret_closure))
        return false;
    if (!shape->is_dictionary) {
        cache[0] = shape->id;
        memcpy(&cache[CACHE_CLOSURE], &property.method, sizeof(property.method));
    }
    return true;
}

bool tok_invoke_super(struct tok_vm *vm, tok_value *window, uint32_t count, struct string *name,
                      struct closure **ret_closure)
{
    *ret_closure = NULL;
    const struct class *class = (struct class *)value_to_object(window[count + 1]);
    const tok_value *method = tok_table_find(&class->methods, name);
    if (!method)
        return tok_error_name(vm, MESSAGE_UNDEFINED_PROPERTY, name);
    return enter(vm, (struct closure *)value_to_object(*method), count, ret_closure);
}

bool tok_make_closure(struct tok_vm *vm, struct proto *proto, tok_value *target)
{
    size_t bytes = sizeof(struct closure) + proto->capture_count * sizeof(tok_value);
    struct closure *closure = heap_allocate_in(vm, &vm->heap, OBJECT_CLOSURE, bytes);
    if (!closure)
        return out_of_memory(vm);
    closure->proto = proto;
    *target = value_object(closure); /* first: a function may capture itself */
    const struct frame *frame = vm->frame;
    for (uint32_t i = 0; i < proto->capture_count; i++) {
        uint32_t capture = proto->captures[i];
        closure->captures[i] =
            capture & 1 ? frame->base[capture >> 1] : frame->closure->captures[capture >> 1];
    }
    return true;
}

bool tok_make_class(struct tok_vm *vm, struct string *name, uint32_t fields, tok_value *target)
{
    struct class *class = heap_allocate_in(vm, &vm->heap, OBJECT_CLASS, sizeof(*class));
    if (!class)
        return out_of_memory(vm);
    struct object header = class->header;
    *class = (struct class){.header = header, .name = name, .next = vm->classes};
    class->inline_slots = fields < SHAPE_INLINE_MAX ? fields : SHAPE_INLINE_MAX;
    vm->classes = class;
    *target = value_object(class);
    class->root = tok_shape_root(vm, class);
    if (!class->root) {
        tok_heap_collect_for_want(vm);
        class->root = tok_shape_root(vm, class);
    }
    return class->root || out_of_memory(vm);
}

bool tok_make_cell(struct tok_vm *vm, tok_value value, tok_value *target)
{
    struct cell *cell = heap_allocate_in(vm, &vm->heap, OBJECT_CELL, sizeof(*cell));
    if (!cell)
        return out_of_memory(vm);
    cell->value = value;
    *target = value_object(cell);
    return true;
}

bool tok_inherit(struct tok_vm *vm, struct class *class, tok_value superclass)
{
    if (!value_is(superclass, OBJECT_CLASS))
        return tok_error(vm, MESSAGE_SUPERCLASS_NOT_CLASS);
    const struct class *super = (struct class *)value_to_object(superclass);
    uint32_t slots = class->inline_slots + super->inline_slots;
    class->inline_slots = slots < SHAPE_INLINE_MAX ? slots : SHAPE_INLINE_MAX;
    class->root->inline_slots = class->inline_slots; /* nothing has this shape yet */
    class->init = super->init;
    if (!tok_table_copy(vm, &class->methods, &super->methods)) {
        tok_heap_collect_for_want(vm);
        if (!tok_table_copy(vm, &class->methods, &super->methods))
            return out_of_memory(vm);
    }
    return vm_charge(vm, super->methods.count * sizeof(tok_value));
}

bool tok_add_method(struct tok_vm *vm, struct class *class, struct string *name,
                    struct closure *method)
{
    tok_value value = value_object(method);
    if (!tok_table_set(vm, &class->methods, name, value)) {
        tok_heap_collect_for_want(vm);
        if (!tok_table_set(vm, &class->methods, name, value))
            return out_of_memory(vm);
    }
    if (name == vm->init_name)
        class->init = method;
    return true;
}
