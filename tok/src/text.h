/*
 * text - a growing string for diagnostics and listings, in the VM's memory.
 *
 * A text of zeros is empty. After running out of memory all appends do nothing and `failed` is set.
 */
#ifndef TOK_TEXT_H
#define TOK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tok_vm;

struct text {
    char *bytes; /* owned; NUL-terminated unless NULL */
    size_t count;
    size_t capacity;
    bool failed;
};

void tok_text_append(struct tok_vm *vm, struct text *text, const char *bytes, size_t count);
void tok_text_append_string(struct tok_vm *vm, struct text *text, const char *string);
void tok_text_append_number(struct tok_vm *vm, struct text *text, uint64_t number);
void tok_text_pad(struct tok_vm *vm, struct text *text,
                  size_t column); /* with blanks up to there */
void tok_text_done(struct tok_vm *vm, struct text *text);

#endif
