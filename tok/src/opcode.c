#include "opcode.h"

/* The names are inside the table, so that it needs no relocation. */
const struct opcode_info tok_opcodes[OP_COUNT] = {
#define OPCODE(name, format, a, b, c, words, meaning)                                              \
    {#name, FORMAT_##format, {OPERAND_##a, OPERAND_##b, OPERAND_##c}, WORDS_##words},
#include "opcode.def"
#undef OPCODE
};

uint32_t tok_opcode_word_count(enum opcode_words words)
{
    switch (words) {
    case WORDS_NONE:
        return 0;
    case WORDS_JUMP:
    case WORDS_NAME:
    case WORDS_COUNT:
        return 1;
    case WORDS_GET:
        return 2;
    case WORDS_SET:
        return 3;
    case WORDS_CALLEE:
        return 4;
    }
    return 0;
}
