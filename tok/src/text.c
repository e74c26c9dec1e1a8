#include "text.h"

#include <string.h>

#include "memory.h"

enum { TEXT_CAPACITY_MIN = 256 };

void tok_text_append(struct tok_vm *vm, struct text *text, const char *bytes, size_t count)
{
    if (text->failed)
        return;
    if (text->count + count + 1 > text->capacity) {
        size_t capacity = (text->count + count + 1) * 2;
        if (capacity < TEXT_CAPACITY_MIN)
            capacity = TEXT_CAPACITY_MIN;
        char *larger = tok_memory_get(vm, text->bytes, text->capacity, capacity);
        if (!larger) {
            text->failed = true;
            return;
        }
        text->bytes = larger;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
    text->bytes[text->count] = '\0';
}

void tok_text_append_string(struct tok_vm *vm, struct text *text, const char *string)
{
    tok_text_append(vm, text, string, strlen(string));
}

void tok_text_append_number(struct tok_vm *vm, struct text *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    tok_text_append(vm, text, digits + at, sizeof(digits) - at);
}

void tok_text_pad(struct tok_vm *vm, struct text *text, size_t column)
{
    do
        tok_text_append(vm, text, " ", 1);
    while (!text->failed && text->count < column);
}

void tok_text_done(struct tok_vm *vm, struct text *text)
{
    tok_memory_free(vm, text->bytes, text->capacity);
    *text = (struct text){0};
}
