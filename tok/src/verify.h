/*
 * verify - checks compiled code against what the interpreter takes for granted.
 *
 * The interpreter checks nothing of this at run time: registers within the frame, indexes within
 * their tables, constants of the right kind, jumps to instructions, windows with room for what is
 * called, and that only a counted jump goes backwards. Debug, stress and fuzz builds (TOK_VERIFY)
 * verify all that the compiler emits.
 */
#ifndef TOK_VERIFY_H
#define TOK_VERIFY_H

#include <stdint.h>

struct proto;
struct tok_vm;

/* NULL if the function is sound, else what is wrong (a constant text) and at which word. Functions
 * among its constants are taken as verified; what they capture from this one is checked here.
 * Takes memory for a moment; if there is none, jumps are not checked. */
const char *tok_verify(struct tok_vm *vm, const struct proto *proto, uint32_t *ret_pc);

#endif
