#include "str.h"

#include "memory.h"
#include "vm.h"

/* Up to here results are copied; above they get a buffer with room to grow. */
enum { STRING_FLAT_MAX = 255, STRING_SLACK_FRACTION = 8, INTERNED_CAPACITY_MIN = 32 };

static struct string *string_allocate(struct tok_vm *vm, size_t length)
{
    size_t last_word = length & ~(size_t)(sizeof(uint64_t) - 1);
    struct string *string = heap_allocate_in(vm, &vm->heap, OBJECT_STRING,
                                             sizeof(*string) + last_word + sizeof(uint64_t));
    if (!string)
        return NULL;
    string->length = (uint32_t)length;
    string->hash = 0;
    memset(string->bytes + last_word, 0, sizeof(uint64_t));
    return string;
}

struct string *tok_string_new(struct tok_vm *vm, const char *bytes, size_t length)
{
    if (length > TOK_STRING_MAX)
        return NULL;
    struct string *string = string_allocate(vm, length);
    if (string)
        memcpy(string->bytes, bytes, length);
    return string;
}

/* Names of one source: seeded FNV-1a with a final mix is enough, as run-time strings are never hashed. */
static uint32_t hash_bytes(const struct tok_vm *vm, const char *bytes, size_t length)
{
    uint64_t hash = vm->config.hash_seed ^ UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93) ^ vm->config.hash_seed << 1;
    return (uint32_t)(hash >> 32);
}

static struct string **interned_slot(const struct interned *interned, const char *bytes,
                                     size_t length, uint32_t hash)
{
    uint32_t mask = interned->capacity - 1;
    for (uint32_t index = hash & mask;; index = (index + 1) & mask) {
        struct string *string = interned->strings[index];
        if (!string || (string->hash == hash && string->length == length &&
                        memcmp(string->bytes, bytes, length) == 0))
            return &interned->strings[index];
    }
}

static void interned_add(struct interned *interned, struct string *string)
{
    uint32_t mask = interned->capacity - 1;
    uint32_t index = string->hash & mask;
    while (interned->strings[index])
        index = (index + 1) & mask;
    interned->strings[index] = string;
    interned->count++;
}

static bool interned_grow(struct tok_vm *vm)
{
    struct interned *old = &vm->interned;
    struct interned larger = {.capacity =
                                  old->capacity ? old->capacity * 2 : INTERNED_CAPACITY_MIN};
    size_t bytes = larger.capacity * sizeof(struct string *);
    larger.strings = tok_memory_resize(vm, NULL, 0, bytes);
    if (!larger.strings)
        return false;
    memset(larger.strings, 0, bytes);
    for (uint32_t i = 0; i < old->capacity; i++) {
        if (old->strings[i])
            interned_add(&larger, old->strings[i]);
    }
    tok_memory_free(vm, old->strings, old->capacity * sizeof(struct string *));
    *old = larger;
    return true;
}

struct string *tok_string_intern(struct tok_vm *vm, const char *bytes, size_t length)
{
    struct interned *interned = &vm->interned;
    if (interned->count >= interned->capacity / 2 && !interned_grow(vm))
        return NULL;
    uint32_t hash = hash_bytes(vm, bytes, length);
    struct string *string = *interned_slot(interned, bytes, length, hash);
    if (string)
        return string;
    string = tok_string_new(vm, bytes, length);
    if (!string)
        return NULL;
    string->hash = hash;
    string->header.flags = STRING_INTERNED;
    interned_add(interned, string); /* not the slot of before: a collection may have moved it */
    return string;
}

/* Takes one entry out of the open addressing: those behind it that may move up do. */
static void interned_remove(struct interned *interned, uint32_t hole)
{
    uint32_t mask = interned->capacity - 1;
    for (uint32_t at = (hole + 1) & mask; interned->strings[at]; at = (at + 1) & mask) {
        uint32_t home = interned->strings[at]->hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            interned->strings[hole] = interned->strings[at];
            hole = at;
        }
    }
    interned->strings[hole] = NULL;
    interned->count--;
}

void tok_string_drop_dead(struct tok_vm *vm)
{
    struct interned *interned = &vm->interned;
    for (uint32_t i = 0; i < interned->capacity; i++) {
        while (interned->strings[i] && interned->strings[i]->header.mark != vm->heap.epoch)
            interned_remove(interned, i);
    }
}

static struct string *out_of_memory(struct tok_vm *vm)
{
    tok_vm_stop(vm, TOK_MEMORY_LIMIT);
    return NULL;
}

static struct string *concatenate_flat(struct tok_vm *vm, const struct string *left,
                                       const struct string *right)
{
    struct string *string = string_allocate(vm, (size_t)left->length + right->length);
    if (!string)
        return out_of_memory(vm);
    memcpy(string->bytes, string_bytes(left), left->length);
    memcpy(string->bytes + left->length, string_bytes(right), right->length);
    return string;
}

/* Room for `length` bytes and as many more to grow. */
static bool buffer_reserve(struct tok_vm *vm, struct buffer *buffer, uint32_t length)
{
    if (length <= buffer->capacity)
        return true;
    uint32_t capacity = length * 2;
    char *bytes = tok_memory_get(vm, buffer->bytes, buffer->capacity, capacity);
    if (!bytes) {
        /* Near the limit a little may still fit; not so little that each append copies it all. */
        capacity = length + length / STRING_SLACK_FRACTION;
        bytes = tok_memory_resize(vm, buffer->bytes, buffer->capacity, capacity);
        if (!bytes)
            return false;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

/* A view of a buffer that begins with `left`; the caller appends to it. */
static struct shared_string *view_of_left(struct tok_vm *vm, struct string *left, uint32_t length)
{
    struct shared_string *view = heap_allocate_in(vm, &vm->heap, OBJECT_STRING, sizeof(*view));
    if (!view)
        return NULL;
    view->string.header.flags = STRING_SHARED;
    view->string.length = length;
    view->string.hash = 0;
    view->buffer = NULL;
    vm->keep[0] = value_object(view);

    if (left->header.flags & STRING_SHARED) {
        struct buffer *buffer = ((struct shared_string *)left)->buffer;
        if (buffer->used == left->length) {
            view->buffer = buffer;
            return buffer_reserve(vm, buffer, length) ? view : NULL;
        }
    }
    struct buffer *buffer = heap_allocate_in(vm, &vm->heap, OBJECT_BUFFER, sizeof(*buffer));
    if (!buffer)
        return NULL;
    buffer->bytes = NULL;
    buffer->used = 0;
    buffer->capacity = 0;
    view->buffer = buffer;
    if (!buffer_reserve(vm, buffer, length))
        return NULL;
    memcpy(buffer->bytes, string_bytes(left), left->length);
    return view;
}

static uint64_t bytes_to_copy(const struct string *left, const struct string *right)
{
    if (left->header.flags & STRING_SHARED &&
        ((const struct shared_string *)left)->buffer->used == left->length)
        return right->length;
    return (uint64_t)left->length + right->length;
}

struct string *tok_string_concatenate(struct tok_vm *vm, struct string *left, struct string *right)
{
    uint64_t length = (uint64_t)left->length + right->length;
    if (length > TOK_STRING_MAX)
        return out_of_memory(vm);
    if (right->length == 0)
        return left;
    if (left->length == 0)
        return right;
    if (length <= STRING_FLAT_MAX) /* neither is a view: those are longer */
        return vm_charge(vm, length) ? concatenate_flat(vm, left, right) : NULL;
    if (!vm_charge(vm, bytes_to_copy(left, right)))
        return NULL;

    struct shared_string *view = view_of_left(vm, left, (uint32_t)length);
    vm->keep[0] = VALUE_NIL;
    if (!view)
        return out_of_memory(vm);
    /* `right` may be a view of the same buffer: its bytes are found only now, after it moved. */
    memcpy(view->buffer->bytes + left->length, string_bytes(right), right->length);
    view->buffer->used = (uint32_t)length;
    return &view->string;
}
