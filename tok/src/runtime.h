/*
 * runtime - what instructions do when it is not the common case: see interp.c for that one.
 *
 * All may collect and need vm->frame->ip set. `cache` points to the words behind the instruction.
 * Errors: false: the program ends; vm->verdict says how, and a runtime error was reported.
 */
#ifndef TOK_RUNTIME_H
#define TOK_RUNTIME_H

#include "vm.h"

bool tok_add(struct tok_vm *vm, tok_value a, tok_value b, tok_value *ret_sum);

/* Whether a NaN came from numbers: then all is well; else an error is raised. */
bool tok_check_numbers(struct tok_vm *vm, tok_value a, tok_value b);

/* Whether two different objects are equal strings. If so, both places hold the same string from now on, so
 * that the next comparison needs to look at nothing else. */
bool tok_equal_strings(struct tok_vm *vm, tok_value *a, tok_value *b, bool *ret_equal);

bool tok_get_property(struct tok_vm *vm, tok_value object, uint32_t *cache, tok_value *ret_value);
bool tok_set_property(struct tok_vm *vm, tok_value object, tok_value value, uint32_t *cache);
bool tok_get_super(struct tok_vm *vm, tok_value receiver, tok_value superclass, struct string *name,
                   tok_value *ret_value);

/*
 * Calls: the window is at `window`. On success either *ret_closure is what the VM has to enter there,
 * its argument count checked, or it is NULL and the result is in window[0].
 */
bool tok_call(struct tok_vm *vm, tok_value *window, uint32_t count, struct closure **ret_closure);
bool tok_invoke(struct tok_vm *vm, tok_value *window, uint32_t count, uint32_t *cache,
                struct closure **ret_closure);
bool tok_invoke_super(struct tok_vm *vm, tok_value *window, uint32_t count, struct string *name,
                      struct closure **ret_closure);

/* These put the new object into *target before what could collect again. */
bool tok_make_closure(struct tok_vm *vm, struct proto *proto, tok_value *target);
bool tok_make_class(struct tok_vm *vm, struct string *name, uint32_t fields, tok_value *target);
bool tok_make_cell(struct tok_vm *vm, tok_value value, tok_value *target);
bool tok_inherit(struct tok_vm *vm, struct class *class, tok_value superclass);
bool tok_add_method(struct tok_vm *vm, struct class *class, struct string *name,
                    struct closure *method);

#endif
