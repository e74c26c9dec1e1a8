#include "scanner.h"

#include <stdbool.h>
#include <string.h>

void tok_scanner_init(struct scanner *scanner, const char *source, size_t bytes)
{
    *scanner =
        (struct scanner){.at = source, .end = source + bytes, .line_start = source, .line = 1};
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_name_start(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static void new_line(struct scanner *scanner)
{
    scanner->line++;
    scanner->line_start = scanner->at + 1;
}

static void skip_blanks(struct scanner *scanner)
{
    for (; scanner->at < scanner->end; scanner->at++) {
        char byte = *scanner->at;
        if (byte == '\n') {
            new_line(scanner);
        } else if (byte == '/') {
            if (scanner->end - scanner->at < 2 || scanner->at[1] != '/')
                return;
            const char *line_end = memchr(scanner->at, '\n', (size_t)(scanner->end - scanner->at));
            if (!line_end) {
                scanner->at = scanner->end;
                return;
            }
            scanner->at = line_end;
            new_line(scanner);
        } else if (byte != ' ' && byte != '\t' && byte != '\r') {
            return;
        }
    }
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
    while (scanner->at < scanner->end && is_digit(*scanner->at))
        scanner->at++;
    if (scanner->end - scanner->at >= 2 && scanner->at[0] == '.' && is_digit(scanner->at[1])) {
        scanner->at++;
        while (scanner->at < scanner->end && is_digit(*scanner->at))
            scanner->at++;
    }
    return make(scanner, TOKEN_NUMBER, start);
}

struct keyword {
    char text[7];
    uint8_t length;
    uint8_t type;
};

static enum token_type name_type(const char *start, size_t length)
{
    static const struct keyword keywords[] = {
        {"and", 3, TOKEN_AND},     {"class", 5, TOKEN_CLASS},   {"else", 4, TOKEN_ELSE},
        {"false", 5, TOKEN_FALSE}, {"for", 3, TOKEN_FOR},       {"fun", 3, TOKEN_FUN},
        {"if", 2, TOKEN_IF},       {"nil", 3, TOKEN_NIL},       {"or", 2, TOKEN_OR},
        {"print", 5, TOKEN_PRINT}, {"return", 6, TOKEN_RETURN}, {"super", 5, TOKEN_SUPER},
        {"this", 4, TOKEN_THIS},   {"true", 4, TOKEN_TRUE},     {"var", 3, TOKEN_VAR},
        {"while", 5, TOKEN_WHILE},
    };
    if (length < 2 || length > 6)
        return TOKEN_NAME;
    for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
        const struct keyword *keyword = &keywords[i];
        if (keyword->text[0] == start[0] && keyword->length == length &&
            memcmp(keyword->text, start, length) == 0)
            return (enum token_type)keyword->type;
    }
    return TOKEN_NAME;
}

static struct token scan_name(struct scanner *scanner, const char *start)
{
    while (scanner->at < scanner->end && (is_name_start(*scanner->at) || is_digit(*scanner->at)))
        scanner->at++;
    return make(scanner, name_type(start, (size_t)(scanner->at - start)), start);
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
    if (is_name_start(*start))
        return scan_name(scanner, start);
    if (is_digit(*start))
        return scan_number(scanner, start);
    if (*start == '"')
        return scan_string(scanner, start);
    return scan_operator(scanner, start);
}
