/*
 * Bytes that choose productions of the grammar: nearly every input is a program that compiles, so that
 * the fuzzer's time goes to what programs do. Names are few, so that they meet; the rest is chance.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "twice.h"

enum { TEXT_MAX = 16 * 1024, DEPTH_MAX = 6, LIST_MAX = 4 };

struct writer {
    const uint8_t *bytes;
    size_t left;
    char text[TEXT_MAX];
    size_t count;
    int depth;
    bool in_function;
    bool in_class;
    bool has_super;
};

/* A choice of `count`; 0, the plainest, when the bytes are used up. */
static uint32_t choose(struct writer *writer, uint32_t count)
{
    if (writer->left == 0)
        return 0;
    writer->left--;
    return *writer->bytes++ % count;
}

/* Once the text is full nothing is added: a program cut short is a program, too. */
static void put(struct writer *writer, const char *text)
{
    size_t count = strlen(text);
    if (count > TEXT_MAX - writer->count)
        return;
    memcpy(writer->text + writer->count, text, count);
    writer->count += count;
}

static void put_name(struct writer *writer)
{
    static const char *const names[] = {"a", "b", "c", "d", "f", "g", "A", "B", "m", "init"};
    put(writer, names[choose(writer, sizeof(names) / sizeof(*names))]);
}

static void expression(struct writer *writer);
static void block(struct writer *writer);

static void atom(struct writer *writer)
{
    static const char *const atoms[] = {
        "nil",     "1",       "2",       "0",        "0.5",
        "true",    "false",   "\"\"",    "\"text\"", "\"a longer text to be joined with others\"",
        "1000000", "(0 / 0)", "input()", "clock()"};
    uint32_t count = sizeof(atoms) / sizeof(*atoms);
    uint32_t which = choose(writer, 2 * count);
    if (which < count)
        put(writer, atoms[which]);
    else if (which == count && writer->in_class)
        put(writer, "this");
    else if (which == count + 1 && writer->has_super)
        put(writer, "super.m");
    else
        put_name(writer);
}

static void arguments(struct writer *writer)
{
    put(writer, "(");
    for (uint32_t left = choose(writer, LIST_MAX); left > 0; left--) {
        expression(writer);
        if (left > 1)
            put(writer, ", ");
    }
    put(writer, ")");
}

static void binary(struct writer *writer)
{
    static const char *const operators[] = {
        " + ", " - ", " * ", " / ", " < ", " <= ", " > ", " >= ", " == ", " != ", " and ", " or "};
    expression(writer);
    put(writer, operators[choose(writer, sizeof(operators) / sizeof(*operators))]);
    expression(writer);
}

static void assignment(struct writer *writer, bool is_property)
{
    put(writer, "(");
    if (is_property) {
        put(writer, writer->in_class ? "this" : "a");
        put(writer, ".");
    }
    put_name(writer);
    put(writer, " = ");
    expression(writer);
    put(writer, ")");
}

static void call(struct writer *writer, bool is_native)
{
    static const char *const natives[] = {"string", "number", "length", "clock", "input"};
    if (is_native)
        put(writer, natives[choose(writer, sizeof(natives) / sizeof(*natives))]);
    else
        put_name(writer);
    arguments(writer);
}

static void property(struct writer *writer, bool is_call)
{
    if (choose(writer, 2) == 0)
        atom(writer);
    else
        put(writer, writer->in_class ? "this" : "A()");
    put(writer, ".");
    put_name(writer);
    if (is_call)
        arguments(writer);
}

static void expression(struct writer *writer)
{
    enum {
        ATOM,
        ATOM_TOO,
        BINARY,
        CHAIN,
        NOT,
        MINUS,
        ASSIGN,
        SET,
        CALL,
        NATIVE,
        GET,
        INVOKE,
        KINDS
    };
    if (writer->depth >= DEPTH_MAX) {
        atom(writer);
        return;
    }
    writer->depth++;
    switch (choose(writer, KINDS)) {
    case BINARY:
    case CHAIN:
        binary(writer);
        break;
    case NOT:
        put(writer, "!");
        atom(writer);
        break;
    case MINUS:
        put(writer, "-(");
        expression(writer);
        put(writer, ")");
        break;
    case ASSIGN:
        assignment(writer, false);
        break;
    case SET:
        assignment(writer, true);
        break;
    case CALL:
        call(writer, false);
        break;
    case NATIVE:
        call(writer, true);
        break;
    case GET:
        property(writer, false);
        break;
    case INVOKE:
        property(writer, true);
        break;
    default:
        atom(writer);
        break;
    }
    writer->depth--;
}

static void function(struct writer *writer)
{
    bool outer = writer->in_function;
    writer->in_function = true;
    put_name(writer);
    static const char *const parameters[] = {"()", "(a)", "(a, b)", "(b, c, d)"};
    put(writer, parameters[choose(writer, sizeof(parameters) / sizeof(*parameters))]);
    block(writer);
    writer->in_function = outer;
}

static void class(struct writer *writer)
{
    bool in_class = writer->in_class;
    bool has_super = writer->has_super;
    static const char *const heads[] = {"class A ", "class B < A ", "class c < B ", "class B "};
    uint32_t head = choose(writer, sizeof(heads) / sizeof(*heads));
    put(writer, heads[head]);
    put(writer, "{ ");
    writer->in_class = true;
    writer->has_super = head == 1 || head == 2;
    for (uint32_t left = choose(writer, LIST_MAX); left > 0; left--)
        function(writer);
    put(writer, "}\n");
    writer->in_class = in_class;
    writer->has_super = has_super;
}

static void condition(struct writer *writer, const char *word)
{
    put(writer, word);
    put(writer, " (");
    expression(writer);
    put(writer, ") ");
}

static void loop(struct writer *writer)
{
    put(writer, "for (var d = 0; d < ");
    put(writer, choose(writer, 2) ? "40" : "3");
    put(writer, "; d = d + 1) ");
    block(writer);
}

static void declaration(struct writer *writer)
{
    enum {
        PRINT,
        PRINT_TOO,
        EXPRESSION,
        EXPRESSION_TOO,
        VAR,
        FUN,
        CLASS,
        IF,
        WHILE,
        FOR,
        BLOCK,
        RETURN,
        KINDS
    };
    switch (writer->depth >= DEPTH_MAX ? PRINT : choose(writer, KINDS)) {
    case VAR:
        put(writer, "var ");
        put_name(writer);
        put(writer, " = ");
        break;
    case FUN:
        put(writer, "fun ");
        function(writer);
        return;
    case CLASS:
        class(writer);
        return;
    case IF:
        condition(writer, "if");
        block(writer);
        put(writer, "else ");
        block(writer);
        return;
    case WHILE:
        condition(writer, "while");
        block(writer);
        return;
    case FOR:
        loop(writer);
        return;
    case BLOCK:
        block(writer);
        return;
    case RETURN:
        put(writer, writer->in_function && !writer->in_class ? "return " : "print ");
        break;
    case EXPRESSION:
    case EXPRESSION_TOO:
        break;
    default:
        put(writer, "print ");
        break;
    }
    expression(writer);
    put(writer, ";\n");
}

static void block(struct writer *writer)
{
    writer->depth++;
    put(writer, "{ ");
    for (uint32_t left = choose(writer, LIST_MAX); left > 0; left--)
        declaration(writer);
    put(writer, "}\n");
    writer->depth--;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct writer writer = {.bytes = bytes, .left = count};
    /* So that most names mean something at first. */
    put(&writer, "class A { init() { this.a = 1; } m() { return this.a; } }\n"
                 "class B < A { m() { return super.m() + 1; } }\n"
                 "var a = A(); var b = \"b\"; var c = 3; var d = B(); var m; var init;\n"
                 "fun f(a) { return a; } fun g() { return f; }\n");
    while (writer.left > 0) {
        put(&writer, "\f"); /* an error ends only its own declaration */
        declaration(&writer);
    }
    run_twice(writer.text, writer.count);
    return 0;
}
