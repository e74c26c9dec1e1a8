#include "io.h"

#include "memory.h"
#include "number.h"
#include "str.h"
#include "text.h"
#include "vm.h"

enum { OUTPUT_CAPACITY = 4096, INPUT_CAPACITY = 4096 };

static void output_set_room(struct tok_vm *vm)
{
    struct output *output = &vm->output;
    uint64_t limit = vm->config.limits.output_bytes;
    output->room = OUTPUT_CAPACITY;
    if (limit && limit - output->delivered < OUTPUT_CAPACITY)
        output->room = (uint32_t)(limit - output->delivered);
}

bool tok_output_flush(struct tok_vm *vm)
{
    struct output *output = &vm->output;
    if (output->used == 0)
        return true;
    int r = vm->config.write(vm->config.context, output->bytes, output->used);
    if (r < 0)
        return tok_vm_stop(vm, TOK_HOST_ERROR);
    output->delivered += output->used;
    output->used = 0;
    output_set_room(vm);
    return true;
}

static bool output_prepare(struct tok_vm *vm)
{
    vm->output.bytes = tok_memory_get(vm, NULL, 0, OUTPUT_CAPACITY);
    if (!vm->output.bytes)
        return tok_vm_stop(vm, TOK_MEMORY_LIMIT);
    output_set_room(vm);
    return true;
}

static bool output_write_slow(struct tok_vm *vm, const char *bytes, size_t count)
{
    struct output *output = &vm->output;
    if (!output->bytes && !output_prepare(vm))
        return false;
    while (count > 0) {
        if (output->used == output->room && !tok_output_flush(vm))
            return false;
        size_t part = output->room - output->used;
        if (part == 0)
            return tok_vm_stop(vm, TOK_OUTPUT_LIMIT);
        if (part > count)
            part = count;
        memcpy(output->bytes + output->used, bytes, part);
        output->used += (uint32_t)part;
        bytes += part;
        count -= part;
    }
    return true;
}

bool tok_output_write(struct tok_vm *vm, const char *bytes, size_t count)
{
    struct output *output = &vm->output;
    if (count >= output->room - output->used) /* also while there is no buffer */
        return output_write_slow(vm, bytes, count);
    memcpy(output->bytes + output->used, bytes, count);
    output->used += (uint32_t)count;
    return true;
}

void tok_output_done(struct tok_vm *vm)
{
    tok_memory_free(vm, vm->output.bytes, OUTPUT_CAPACITY);
}

/* Up to three pieces of text, none of which is copied. */
struct pieces {
    struct {
        const char *bytes;
        size_t count;
    } piece[3];
    uint32_t count;
    char number[NUMBER_TEXT_MAX];
};

static void pieces_add(struct pieces *pieces, const char *bytes, size_t count)
{
    pieces->piece[pieces->count].bytes = bytes;
    pieces->piece[pieces->count].count = count;
    pieces->count++;
}

static void pieces_add_string(struct pieces *pieces, const struct string *string)
{
    pieces_add(pieces, string_bytes(string), string->length);
}

static void pieces_add_function(struct pieces *pieces, const struct proto *proto)
{
    pieces_add(pieces, "<fn ", 4);
    pieces_add_string(pieces, proto->name);
    pieces_add(pieces, ">", 1);
}

static void pieces_of_object(const struct tok_vm *vm, const struct object *object,
                             struct pieces *pieces)
{
    switch ((enum object_type)object->type) {
    case OBJECT_STRING:
        pieces_add_string(pieces, (const struct string *)object);
        break;
    case OBJECT_CLOSURE:
        pieces_add_function(pieces, ((const struct closure *)object)->proto);
        break;
    case OBJECT_BOUND:
        pieces_add_function(pieces, ((const struct bound *)object)->method->proto);
        break;
    case OBJECT_NATIVE:
        pieces_add(pieces, "<native fn>", 11);
        break;
    case OBJECT_CLASS:
        pieces_add_string(pieces, ((const struct class *)object)->name);
        break;
    case OBJECT_INSTANCE:
        pieces_add_string(pieces, tok_shape(vm, object->shape)->class->name);
        pieces_add(pieces, " instance", 9);
        break;
    case OBJECT_FREE:
    case OBJECT_BUFFER:
    case OBJECT_CELL:
    case OBJECT_PROTO:
    case OBJECT_TYPE_COUNT:
        break; /* never a value of the language */
    }
}

static void pieces_of(const struct tok_vm *vm, tok_value value, struct pieces *pieces)
{
    pieces->count = 0;
    if (value_is_number(value))
        pieces_add(pieces, pieces->number,
                   tok_number_format(value_to_number(value), pieces->number));
    else if (value_is_object(value))
        pieces_of_object(vm, value_to_object(value), pieces);
    else if (value == VALUE_NIL)
        pieces_add(pieces, "nil", 3);
    else if (value == VALUE_TRUE)
        pieces_add(pieces, "true", 4);
    else
        pieces_add(pieces, "false", 5);
}

bool tok_print(struct tok_vm *vm, tok_value value)
{
    struct pieces pieces;
    pieces_of(vm, value, &pieces);
    for (uint32_t i = 0; i < pieces.count; i++) {
        if (!vm_charge(vm, pieces.piece[i].count))
            return false;
        if (!tok_output_write(vm, pieces.piece[i].bytes, pieces.piece[i].count))
            return false;
    }
    return tok_output_write(vm, "\n", 1);
}

struct string *tok_value_text(struct tok_vm *vm, tok_value value)
{
    if (value_is(value, OBJECT_STRING))
        return value_to_string(value);
    struct pieces pieces;
    pieces_of(vm, value, &pieces);
    if (pieces.count == 1)
        return tok_string_new(vm, pieces.piece[0].bytes, pieces.piece[0].count);
    struct text text = {0};
    for (uint32_t i = 0; i < pieces.count; i++)
        tok_text_append(vm, &text, pieces.piece[i].bytes, pieces.piece[i].count);
    struct string *string = text.failed ? NULL : tok_string_new(vm, text.bytes, text.count);
    tok_text_done(vm, &text);
    return string;
}

/* Reads more; false: the host failed. At the end input->is_at_end is set. */
static bool input_fill(struct tok_vm *vm)
{
    struct input *input = &vm->input;
    if (!vm->config.read) {
        input->is_at_end = true;
        return true;
    }
    if (!input->bytes) {
        input->bytes = tok_memory_get(vm, NULL, 0, INPUT_CAPACITY);
        if (!input->bytes)
            return tok_vm_stop(vm, TOK_MEMORY_LIMIT);
    }
    /* A prompt has to be seen before its answer is waited for. */
    if (!tok_output_flush(vm))
        return false;
    ptrdiff_t count = vm->config.read(vm->config.context, input->bytes, INPUT_CAPACITY);
    if (count < 0 || count > INPUT_CAPACITY)
        return tok_vm_stop(vm, TOK_HOST_ERROR);
    input->begin = 0;
    input->end = (uint32_t)count;
    input->is_at_end = count == 0;
    return true;
}

enum line_state { LINE_GOES_ON, LINE_HAS_END, LINE_AT_INPUT_END };

/* Appends to `line` up to the next LF, which is taken but not kept. */
static bool input_take(struct tok_vm *vm, struct text *line, enum line_state *ret_state)
{
    struct input *input = &vm->input;
    if (input->begin == input->end && !input_fill(vm))
        return false;
    const char *begin = input->bytes + input->begin;
    size_t rest = input->end - input->begin;
    const char *line_end = rest ? memchr(begin, '\n', rest) : NULL;
    size_t count = line_end ? (size_t)(line_end - begin) : rest;
    if (count > 0)
        tok_text_append(vm, line, begin, count);
    if (line->failed || line->count > TOK_STRING_MAX)
        return tok_vm_stop(vm, TOK_MEMORY_LIMIT);
    input->begin += (uint32_t)count + (line_end ? 1 : 0);
    if (line_end)
        *ret_state = LINE_HAS_END;
    else if (input->is_at_end)
        *ret_state = LINE_AT_INPUT_END;
    return true;
}

static bool input_read(struct tok_vm *vm, struct text *line)
{
    enum line_state state = LINE_GOES_ON;
    while (state == LINE_GOES_ON) {
        if (!input_take(vm, line, &state))
            return false;
    }
    if (state == LINE_HAS_END && line->count > 0 && line->bytes[line->count - 1] == '\r')
        line->count--;
    return vm_charge(vm, line->count);
}

bool tok_input_line(struct tok_vm *vm, tok_value *ret_line)
{
    struct input *input = &vm->input;
    struct text line = {0};
    if (input->begin == input->end && !input->is_at_end && !input_fill(vm))
        return false;
    if (input->begin == input->end && input->is_at_end) {
        *ret_line = VALUE_NIL;
        return true;
    }
    bool ok = input_read(vm, &line);
    if (ok) {
        struct string *string = tok_string_new(vm, line.bytes ? line.bytes : "", line.count);
        ok = string || tok_vm_stop(vm, TOK_MEMORY_LIMIT);
        if (string)
            *ret_line = value_object(string);
    }
    tok_text_done(vm, &line);
    return ok;
}

void tok_input_done(struct tok_vm *vm)
{
    tok_memory_free(vm, vm->input.bytes, INPUT_CAPACITY);
}
