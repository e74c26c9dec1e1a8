/*
 * io - printed bytes on their way to the host, and the lines of its input.
 *
 * Errors: false: the output limit is reached, the host failed or memory ran out; vm->verdict says.
 */
#ifndef TOK_IO_H
#define TOK_IO_H

#include "value.h"

struct tok_vm;

bool tok_output_write(struct tok_vm *vm, const char *bytes, size_t count);
bool tok_output_flush(struct tok_vm *vm);
void tok_output_done(struct tok_vm *vm);

/* The value as `print` shows it, and the line's end. */
bool tok_print(struct tok_vm *vm, tok_value value);

/* The next line of the input as a new string without its line end; nil at the end. */
bool tok_input_line(struct tok_vm *vm, tok_value *ret_line);
void tok_input_done(struct tok_vm *vm);

/* What `print` shows, as a new string. NULL: out of memory. */
struct string *tok_value_text(struct tok_vm *vm, tok_value value);

#endif
