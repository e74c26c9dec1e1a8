/*
 * message - the list of all messages, and how a diagnostic reaches the host.
 */
#ifndef TOK_MESSAGE_H
#define TOK_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

struct string;
struct tok_vm;

enum message {
#define MESSAGE(name, text) MESSAGE_##name,
#include "message.def"
#undef MESSAGE
    MESSAGE_COUNT
};

const char *tok_message_text(enum message message);

/* What stands in for the %s and %u of a message. */
struct message_arguments {
    const struct string *name;
    uint32_t numbers[2];
};

/* Where in the source: 1-based, in bytes. */
struct place {
    uint32_t line;
    uint32_t column;
    uint32_t length;
};

/* Raises a runtime error at the instruction before vm->frame->ip: writes out what was printed and
 * reports the message with the call stack. Always false, as a result to pass on. */
bool tok_error(struct tok_vm *vm, enum message message);
bool tok_error_name(struct tok_vm *vm, enum message message, const struct string *name);
bool tok_error_counts(struct tok_vm *vm, enum message message, uint32_t expected, uint32_t got);

/* Reports a compile error: where is " at 'LEXEME'", " at end" or "". Memory or the host may end the
 * program instead: then vm->verdict says so. */
struct lexeme {
    const char *bytes; /* NULL: none is named */
    uint32_t length;
    bool is_end;
};
void tok_report_compile_error(struct tok_vm *vm, const struct place *place,
                              const struct lexeme *lexeme, enum message message);

#endif
