#include "scanner.h"

#include <stdbool.h>
#include <string.h>

void tok_scanner_init(struct scanner *scanner, const char *source, size_t bytes)
{
    *scanner =
        (struct scanner){.at = source, .end = source + bytes, .line_start = source, .line = 1};
}

/* What a byte may be part of; one look-up for each byte of a name. */
enum byte_class {
    CLASS_DIGIT = 1,
    CLASS_NAME_START = 2,
    CLASS_NAME = CLASS_DIGIT | CLASS_NAME_START
};

static const uint8_t byte_classes[256] = {
    ['0' ... '9'] = CLASS_DIGIT,
    ['A' ... 'Z'] = CLASS_NAME_START,
    ['_'] = CLASS_NAME_START,
    ['a' ... 'z'] = CLASS_NAME_START,
};

static bool is_a(char byte, enum byte_class class)
{
    return byte_classes[(uint8_t)byte] & class;
}

static void new_line(struct scanner *scanner)
{
    scanner->line++;
    scanner->line_start = scanner->at + 1;
}

static void skip_blanks(struct scanner *scanner)
{
    const char *at = scanner->at;
    const char *end = scanner->end;
    for (; at < end; at++) {
        if (*at == '/') {
            if (end - at < 2 || at[1] != '/')
                break;
            at = memchr(at, '\n', (size_t)(end - at));
            if (!at) {
                at = end;
                break;
            }
        }
        if (*at == '\n') {
            scanner->line++;
            scanner->line_start = at + 1;
        } else if (*at != ' ' && *at != '\t' && *at != '\r') {
            break;
        }
    }
    scanner->at = at;
}

static struct token make(const struct scanner *scanner, enum token_type type, const char *start)
{
    return (struct token){
        .type = type,
        .start = start,
        .place = {.line = scanner->line,
                  .column = (uint32_t)(start - scanner->line_start) + 1,
                  .length = (uint32_t)(scanner->at - start)},
    };
}

static bool match(struct scanner *scanner, char expected)
{
    if (scanner->at == scanner->end || *scanner->at != expected)
        return false;
    scanner->at++;
    return true;
}

static struct token scan_string(struct scanner *scanner, const char *start)
{
    /* The token is placed where it begins, not where its last line is. */
    struct token token = make(scanner, TOKEN_STRING, start);
    for (; scanner->at < scanner->end && *scanner->at != '"'; scanner->at++) {
        if (*scanner->at == '\n')
            new_line(scanner);
    }
    token.place.length = (uint32_t)(scanner->at - start);
    if (scanner->at == scanner->end) {
        token.type = TOKEN_ERROR;
        token.message = MESSAGE_UNTERMINATED_STRING;
        return token;
    }
    scanner->at++;
    token.place.length++;
    return token;
}

static struct token scan_number(struct scanner *scanner, const char *start)
{
    while (scanner->at < scanner->end && is_a(*scanner->at, CLASS_DIGIT))
        scanner->at++;
    if (scanner->end - scanner->at >= 2 && scanner->at[0] == '.' &&
        is_a(scanner->at[1], CLASS_DIGIT)) {
        scanner->at++;
        while (scanner->at < scanner->end && is_a(*scanner->at, CLASS_DIGIT))
            scanner->at++;
    }
    return make(scanner, TOKEN_NUMBER, start);
}

/* Whether the bytes behind the first one make it that keyword. */
static enum token_type keyword(const char *start, size_t length, const char *text,
                               enum token_type type)
{
    size_t text_length = strlen(text); /* known when this is compiled */
    bool is_it = length == text_length && memcmp(start, text, text_length) == 0;
    return is_it ? type : TOKEN_NAME;
}

static enum token_type name_type_f(const char *start, size_t length)
{
    if (length == 3)
        return start[1] == 'o' ? keyword(start, length, "for", TOKEN_FOR)
                               : keyword(start, length, "fun", TOKEN_FUN);
    return keyword(start, length, "false", TOKEN_FALSE);
}

static enum token_type name_type(const char *start, size_t length)
{
    switch (*start) {
    case 'a':
        return keyword(start, length, "and", TOKEN_AND);
    case 'c':
        return keyword(start, length, "class", TOKEN_CLASS);
    case 'e':
        return keyword(start, length, "else", TOKEN_ELSE);
    case 'f':
        return name_type_f(start, length);
    case 'i':
        return keyword(start, length, "if", TOKEN_IF);
    case 'n':
        return keyword(start, length, "nil", TOKEN_NIL);
    case 'o':
        return keyword(start, length, "or", TOKEN_OR);
    case 'p':
        return keyword(start, length, "print", TOKEN_PRINT);
    case 'r':
        return keyword(start, length, "return", TOKEN_RETURN);
    case 's':
        return keyword(start, length, "super", TOKEN_SUPER);
    case 't':
        return length > 1 && start[1] == 'h' ? keyword(start, length, "this", TOKEN_THIS)
                                             : keyword(start, length, "true", TOKEN_TRUE);
    case 'v':
        return keyword(start, length, "var", TOKEN_VAR);
    case 'w':
        return keyword(start, length, "while", TOKEN_WHILE);
    default:
        return TOKEN_NAME;
    }
}

static struct token scan_name(struct scanner *scanner, const char *start)
{
    const char *at = scanner->at;
    while (at < scanner->end && is_a(*at, CLASS_NAME))
        at++;
    scanner->at = at;
    return make(scanner, name_type(start, (size_t)(at - start)), start);
}

static struct token scan_operator(struct scanner *scanner, const char *start)
{
    switch (*start) {
    case '(':
        return make(scanner, TOKEN_LEFT_PAREN, start);
    case ')':
        return make(scanner, TOKEN_RIGHT_PAREN, start);
    case '{':
        return make(scanner, TOKEN_LEFT_BRACE, start);
    case '}':
        return make(scanner, TOKEN_RIGHT_BRACE, start);
    case ',':
        return make(scanner, TOKEN_COMMA, start);
    case '.':
        return make(scanner, TOKEN_DOT, start);
    case '-':
        return make(scanner, TOKEN_MINUS, start);
    case '+':
        return make(scanner, TOKEN_PLUS, start);
    case ';':
        return make(scanner, TOKEN_SEMICOLON, start);
    case '/':
        return make(scanner, TOKEN_SLASH, start);
    case '*':
        return make(scanner, TOKEN_STAR, start);
    default:
        break;
    }
    struct token token;
    bool is_pair = strchr("!=<>", *start) && *start && match(scanner, '=');
    switch (*start) {
    case '!':
        return make(scanner, is_pair ? TOKEN_BANG_EQUAL : TOKEN_BANG, start);
    case '=':
        return make(scanner, is_pair ? TOKEN_EQUAL_EQUAL : TOKEN_EQUAL, start);
    case '<':
        return make(scanner, is_pair ? TOKEN_LESS_EQUAL : TOKEN_LESS, start);
    case '>':
        return make(scanner, is_pair ? TOKEN_GREATER_EQUAL : TOKEN_GREATER, start);
    default:
        token = make(scanner, TOKEN_ERROR, start);
        token.message = MESSAGE_UNEXPECTED_CHARACTER;
        return token;
    }
}

struct token tok_scan(struct scanner *scanner)
{
    skip_blanks(scanner);
    const char *start = scanner->at;
    if (start == scanner->end)
        return make(scanner, TOKEN_END, start);
    scanner->at++;
    if (is_a(*start, CLASS_NAME_START))
        return scan_name(scanner, start);
    if (is_a(*start, CLASS_DIGIT))
        return scan_number(scanner, start);
    if (*start == '"')
        return scan_string(scanner, start);
    return scan_operator(scanner, start);
}
