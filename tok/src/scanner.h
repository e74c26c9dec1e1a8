/*
 * scanner - source bytes to tokens, one at a time.
 *
 * Memory: tokens point into the source. The source needs no NUL behind it.
 */
#ifndef TOK_SCANNER_H
#define TOK_SCANNER_H

#include <stddef.h>

#include "message.h"

enum token_type {
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_LEFT_BRACE,
    TOKEN_RIGHT_BRACE,
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_MINUS,
    TOKEN_PLUS,
    TOKEN_SEMICOLON,
    TOKEN_SLASH,
    TOKEN_STAR,
    TOKEN_BANG,
    TOKEN_BANG_EQUAL,
    TOKEN_EQUAL,
    TOKEN_EQUAL_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_AND,
    TOKEN_CLASS,
    TOKEN_ELSE,
    TOKEN_FALSE,
    TOKEN_FOR,
    TOKEN_FUN,
    TOKEN_IF,
    TOKEN_NIL,
    TOKEN_OR,
    TOKEN_PRINT,
    TOKEN_RETURN,
    TOKEN_SUPER,
    TOKEN_THIS,
    TOKEN_TRUE,
    TOKEN_VAR,
    TOKEN_WHILE,
    TOKEN_ERROR, /* `message` says which */
    TOKEN_END,
    TOKEN_TYPE_COUNT
};

struct token {
    enum token_type type;
    enum message message;
    const char *start;
    struct place place; /* of its first byte */
};

struct scanner {
    const char *at;
    const char *end;
    const char *line_start;
    uint32_t line;
};

void tok_scanner_init(struct scanner *scanner, const char *source, size_t bytes);
struct token tok_scan(struct scanner *scanner); /* TOKEN_END again and again at the end */

#endif
