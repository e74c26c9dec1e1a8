/*
 * opcode - the instruction set: see opcode.def.
 */
#ifndef TOK_OPCODE_H
#define TOK_OPCODE_H

#include <stdint.h>

enum opcode {
#define OPCODE(name, format, a, b, c, words, meaning) OP_##name,
#include "opcode.def"
#undef OPCODE
    OP_COUNT
};
_Static_assert(OP_COUNT <= UINT8_MAX, "an opcode is one byte");

enum opcode_format { FORMAT_ABC, FORMAT_ABX };
enum opcode_operand {
    OPERAND_NON,
    OPERAND_DEF,
    OPERAND_USE,
    OPERAND_WIN,
    OPERAND_CON,
    OPERAND_NUM,
    OPERAND_UPV,
    OPERAND_GLO,
    OPERAND_FAR,
};
enum opcode_words {
    WORDS_NONE,
    WORDS_JUMP,
    WORDS_NAME,
    WORDS_COUNT,
    WORDS_GET,
    WORDS_SET,
    WORDS_CALLEE,
};

/* What an empty inline cache holds: an id that no shape has. Not 0, which is what all objects but
 * instances have. */
#define CACHE_EMPTY UINT32_MAX

/* The words of an inline cache: [0] is a shape. */
enum {
    CACHE_NAME = 1, /* the index of the name's constant; in the upper half, the slot */
    CACHE_NAME_MASK = 0xffff,
    CACHE_OFFSET_SHIFT = 16,
    CACHE_NEXT = 2,    /* SET: the shape after it */
    CACHE_CLOSURE = 2, /* CALLEE: two words */
};

struct opcode_info {
    char name[12];
    uint8_t format;
    uint8_t operands[3];
    uint8_t words;
};

extern const struct opcode_info tok_opcodes[OP_COUNT];

uint32_t tok_opcode_word_count(enum opcode_words words);

static inline enum opcode code_opcode(uint32_t word)
{
    return (enum opcode)(word & 0xff);
}

static inline uint32_t code_a(uint32_t word)
{
    return word >> 8 & 0xff;
}

static inline uint32_t code_b(uint32_t word)
{
    return word >> 16 & 0xff;
}

static inline uint32_t code_c(uint32_t word)
{
    return word >> 24;
}

static inline uint32_t code_bx(uint32_t word)
{
    return word >> 16;
}

#endif
