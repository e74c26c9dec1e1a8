/*
 * disasm - bytecode as text, from the table of instructions alone.
 */
#ifndef TOK_DISASM_H
#define TOK_DISASM_H

#include <stdbool.h>

struct proto;
struct tok_vm;

/* Writes the function and those inside it through the host's write callback. False: vm->verdict. */
bool tok_disassemble_proto(struct tok_vm *vm, struct proto *script);

#endif
