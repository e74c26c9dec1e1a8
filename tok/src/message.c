#include "message.h"

#include "io.h"
#include "memory.h"
#include "proto.h"
#include "text.h"
#include "vm.h"

enum { TRACE_HALF = TOK_TRACE_LINES_MAX / 2 };

const char *tok_message_text(enum message message)
{
    switch (message) {
#define MESSAGE(name, text)                                                                        \
    case MESSAGE_##name:                                                                           \
        return text;
#include "message.def"
#undef MESSAGE
    case MESSAGE_COUNT:
        break;
    }
    return "";
}

static void append_message(struct tok_vm *vm, struct text *text, enum message message,
                           const struct message_arguments *arguments)
{
    const uint32_t *number = arguments->numbers;
    for (const char *at = tok_message_text(message); *at; at++) {
        if (*at != '%') {
            tok_text_append(vm, text, at, 1);
            continue;
        }
        at++;
        if (*at == 's')
            tok_text_append(vm, text, arguments->name->bytes, arguments->name->length);
        else
            tok_text_append_number(vm, text, *number++);
    }
}

/* Hands the diagnostic to the host, after all that was printed before. */
static void deliver(struct tok_vm *vm, struct tok_diagnostic *diagnostic, const struct text *text,
                    const struct text *message)
{
    if (text->failed || message->failed) {
        vm->verdict = TOK_MEMORY_LIMIT;
        return;
    }
    if (!tok_output_flush(vm))
        return;
    diagnostic->text = text->bytes;
    diagnostic->message = message->bytes;
    if (vm->config.report)
        vm->config.report(vm->config.context, diagnostic);
}

static void append_stack_line(struct tok_vm *vm, struct text *text,
                              const struct tok_trace_line *line)
{
    tok_text_append_string(vm, text, "\n[line ");
    tok_text_append_number(vm, text, line->line);
    tok_text_append_string(vm, text, "] in ");
    tok_text_append_string(vm, text, line->function ? line->function : "script");
    if (line->function)
        tok_text_append_string(vm, text, "()");
}

static void append_trace(struct tok_vm *vm, struct text *text,
                         const struct tok_diagnostic *diagnostic)
{
    for (uint32_t i = 0; i < diagnostic->trace_count; i++) {
        if (i == TRACE_HALF && diagnostic->trace_omitted > 0) {
            tok_text_append_string(vm, text, "\n[");
            tok_text_append_number(vm, text, diagnostic->trace_omitted);
            tok_text_append_string(vm, text, " calls not shown]");
        }
        append_stack_line(vm, text, &diagnostic->trace[i]);
    }
}

/* Fills in the first and the last lines of the call stack, innermost first. */
static void take_trace(const struct tok_vm *vm, struct tok_trace_line *lines,
                       struct tok_diagnostic *diagnostic)
{
    uint32_t depth = (uint32_t)(vm->frame - vm->frames);
    uint32_t count = depth < TOK_TRACE_LINES_MAX ? depth : TOK_TRACE_LINES_MAX;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t below = i < TRACE_HALF || depth == count ? i : depth - count + i;
        const struct frame *frame = vm->frame - below;
        const struct proto *proto = frame->closure->proto;
        lines[i].line = tok_proto_place(proto, frame->ip).line;
        lines[i].function = proto->name ? proto->name->bytes : NULL;
    }
    diagnostic->trace = lines;
    diagnostic->trace_count = count;
    diagnostic->trace_omitted = depth - count;
}

static bool raise(struct tok_vm *vm, enum message message,
                  const struct message_arguments *arguments)
{
    struct place place = tok_proto_place(vm->frame->closure->proto, vm->frame->ip);
    struct tok_diagnostic diagnostic = {
        .severity = TOK_ERROR, .line = place.line, .column = place.column, .length = place.length};
    struct tok_trace_line lines[TOK_TRACE_LINES_MAX];
    take_trace(vm, lines, &diagnostic);

    struct text text = {0};
    struct text message_text = {0};
    append_message(vm, &message_text, message, arguments);
    append_message(vm, &text, message, arguments);
    append_trace(vm, &text, &diagnostic);
    vm->verdict = TOK_RUNTIME_ERROR;
    deliver(vm, &diagnostic, &text, &message_text);
    tok_text_done(vm, &text);
    tok_text_done(vm, &message_text);
    return false;
}

bool tok_error(struct tok_vm *vm, enum message message)
{
    return raise(vm, message, &(struct message_arguments){0});
}

bool tok_error_name(struct tok_vm *vm, enum message message, const struct string *name)
{
    return raise(vm, message, &(struct message_arguments){.name = name});
}

bool tok_error_counts(struct tok_vm *vm, enum message message, uint32_t expected, uint32_t got)
{
    return raise(vm, message, &(struct message_arguments){.numbers = {expected, got}});
}

static void append_lexeme(struct tok_vm *vm, struct text *text, const struct lexeme *lexeme)
{
    tok_text_append_string(vm, text, " at '");
    for (uint32_t i = 0; i < lexeme->length; i++) {
        /* The text ends at its first NUL, a lexeme does not. */
        const char *byte = lexeme->bytes[i] ? lexeme->bytes + i : "?";
        tok_text_append(vm, text, byte, 1);
    }
    tok_text_append_string(vm, text, "'");
}

void tok_report_compile_error(struct tok_vm *vm, const struct place *place,
                              const struct lexeme *lexeme, enum message message)
{
    if (vm->diagnostic_count++ >= TOK_DIAGNOSTICS_MAX)
        return;
    struct text text = {0};
    tok_text_append_string(vm, &text, "[line ");
    tok_text_append_number(vm, &text, place->line);
    tok_text_append_string(vm, &text, "] Error");
    if (lexeme->is_end)
        tok_text_append_string(vm, &text, " at end");
    else if (lexeme->bytes)
        append_lexeme(vm, &text, lexeme);
    tok_text_append_string(vm, &text, ": ");
    struct text message_text = {0};
    append_message(vm, &message_text, message, &(struct message_arguments){0});
    append_message(vm, &text, message, &(struct message_arguments){0});

    struct tok_diagnostic diagnostic = {.severity = TOK_ERROR,
                                        .line = place->line,
                                        .column = place->column,
                                        .length = place->length};
    deliver(vm, &diagnostic, &text, &message_text);
    tok_text_done(vm, &text);
    tok_text_done(vm, &message_text);
}
