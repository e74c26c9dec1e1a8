/*
 * native - the functions that a program finds in its globals.
 */
#ifndef TOK_NATIVE_H
#define TOK_NATIVE_H

#include <stdbool.h>

struct tok_vm;

bool tok_native_define_all(struct tok_vm *vm); /* false: out of memory */

#endif
