/*
 * trap - what must hold whatever a program does. A failure is a bug of ours and ends the process at
 * once: the C library's assert() would bring its printing functions into every runner.
 */
#ifndef TOK_TRAP_H
#define TOK_TRAP_H

#define TRAP_UNLESS(condition) ((condition) ? (void)0 : __builtin_trap())

#endif
