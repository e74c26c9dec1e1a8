#include "disasm.h"

#include "io.h"
#include "number.h"
#include "opcode.h"
#include "proto.h"
#include "text.h"
#include "vm.h"

enum { COLUMN_OPCODE = 14, COLUMN_OPERANDS = 26, COLUMN_REMARK = 44, REMARK_STRING_MAX = 40 };

static void append_signed(struct tok_vm *vm, struct text *text, const char *prefix, uint32_t number)
{
    tok_text_append_string(vm, text, prefix);
    tok_text_append_number(vm, text, number);
}

static void append_constant(struct tok_vm *vm, struct text *text, tok_value value)
{
    char digits[NUMBER_TEXT_MAX];
    if (value_is_number(value)) {
        tok_text_append(vm, text, digits, tok_number_format(value_to_number(value), digits));
    } else if (value_is(value, OBJECT_STRING)) {
        const struct string *string = value_to_string(value);
        uint32_t length = string->length < REMARK_STRING_MAX ? string->length : REMARK_STRING_MAX;
        tok_text_append_string(vm, text, "\"");
        tok_text_append(vm, text, string->bytes, length);
        tok_text_append_string(vm, text, length < string->length ? "...\"" : "\"");
    } else if (value_is(value, OBJECT_PROTO)) {
        const struct proto *proto = (const struct proto *)value_to_object(value);
        tok_text_append_string(vm, text, "fun ");
        tok_text_append_string(vm, text, proto->name->bytes);
    } else {
        const char *name = value == VALUE_NIL ? "nil" : value == VALUE_TRUE ? "true" : "false";
        tok_text_append_string(vm, text, name);
    }
}

static void append_operand(struct tok_vm *vm, struct text *text, enum opcode_operand kind,
                           uint32_t number)
{
    switch (kind) {
    case OPERAND_NON:
        return;
    case OPERAND_DEF:
    case OPERAND_USE:
    case OPERAND_WIN:
    case OPERAND_FAR:
        append_signed(vm, text, " r", number);
        return;
    case OPERAND_CON:
        append_signed(vm, text, " k", number);
        return;
    case OPERAND_NUM:
        append_signed(vm, text, " ", number);
        return;
    case OPERAND_UPV:
        append_signed(vm, text, " c", number);
        return;
    case OPERAND_GLO:
        append_signed(vm, text, " g", number);
        return;
    }
}

/* What the operands and words stand for. */
static void append_remark(struct tok_vm *vm, struct text *text, const struct proto *proto,
                          uint32_t pc)
{
    uint32_t word = proto->code[pc];
    const struct opcode_info *info = &tok_opcodes[code_opcode(word)];
    uint32_t operands[] = {code_a(word), info->format == FORMAT_ABX ? code_bx(word) : code_b(word),
                           code_c(word)};
    for (int i = 0; i < 3; i++) {
        if (info->operands[i] == OPERAND_CON)
            append_constant(vm, text, proto->constants[operands[i]]);
        else if (info->operands[i] == OPERAND_GLO)
            tok_text_append_string(vm, text, vm->globals.names[operands[i]]->bytes);
    }
    const uint32_t *words = &proto->code[pc + 1];
    if (info->words == WORDS_JUMP) {
        tok_text_append_string(vm, text, info->operands[1] == OPERAND_CON ? " -> " : "-> ");
        tok_text_append_number(vm, text, pc + 2 + words[0]);
    } else if (info->words == WORDS_NAME) {
        append_constant(vm, text, proto->constants[words[0]]);
    } else if (info->words == WORDS_COUNT) {
        append_signed(vm, text, " fields: ", words[0]);
    } else if (info->words != WORDS_NONE) {
        append_constant(vm, text, proto->constants[words[1] & UINT16_MAX]);
    }
}

/* pc, line (if it is another one than before), opcode, operands, remark */
static void append_instruction(struct tok_vm *vm, struct text *text, const struct proto *proto,
                               uint32_t pc, uint32_t *line)
{
    uint32_t word = proto->code[pc];
    const struct opcode_info *info = &tok_opcodes[code_opcode(word)];
    size_t begin = text->count;
    struct place place = tok_proto_place(proto, &proto->code[pc + 1]);
    append_signed(vm, text, "  ", pc);
    tok_text_pad(vm, text, begin + COLUMN_OPCODE / 2);
    if (place.line != *line && proto->position_count > 0)
        append_signed(vm, text, ":", place.line);
    *line = place.line;
    tok_text_pad(vm, text, begin + COLUMN_OPCODE);
    tok_text_append_string(vm, text, info->name);
    tok_text_pad(vm, text, begin + COLUMN_OPERANDS);
    append_operand(vm, text, (enum opcode_operand)info->operands[0], code_a(word));
    if (info->format == FORMAT_ABX) {
        append_operand(vm, text, (enum opcode_operand)info->operands[1], code_bx(word));
    } else {
        append_operand(vm, text, (enum opcode_operand)info->operands[1], code_b(word));
        append_operand(vm, text, (enum opcode_operand)info->operands[2], code_c(word));
    }
    size_t before = text->count;
    tok_text_pad(vm, text, begin + COLUMN_REMARK);
    size_t padded = text->count;
    append_remark(vm, text, proto, pc);
    if (text->count == padded)
        text->count = before; /* no blanks at the end of a line */
    tok_text_append_string(vm, text, "\n");
}

static bool disassemble_one(struct tok_vm *vm, const struct proto *proto)
{
    struct text text = {0};
    uint32_t line = 0;
    tok_text_append_string(vm, &text, proto->name ? "fun " : "script");
    if (proto->name)
        tok_text_append_string(vm, &text, proto->name->bytes);
    append_signed(vm, &text, ": parameters ", proto->arity);
    append_signed(vm, &text, ", registers ", proto->register_count);
    append_signed(vm, &text, ", constants ", proto->constant_count);
    append_signed(vm, &text, ", captures ", proto->capture_count);
    tok_text_append_string(vm, &text, "\n");
    for (uint32_t pc = 0; pc < proto->code_count;) {
        append_instruction(vm, &text, proto, pc, &line);
        pc += 1 + tok_opcode_word_count(tok_opcodes[code_opcode(proto->code[pc])].words);
    }
    bool ok = text.failed ? tok_vm_stop(vm, TOK_MEMORY_LIMIT)
                          : tok_output_write(vm, text.bytes, text.count);
    tok_text_done(vm, &text);
    return ok;
}

/* As deep as functions are nested, which the compiler limits. */
bool tok_disassemble_proto(struct tok_vm *vm, struct proto *script)
{
    if (!disassemble_one(vm, script))
        return false;
    for (uint32_t i = 0; i < script->constant_count; i++) {
        if (!value_is(script->constants[i], OBJECT_PROTO))
            continue;
        if (!tok_output_write(vm, "\n", 1) ||
            !tok_disassemble_proto(vm, (struct proto *)value_to_object(script->constants[i])))
            return false;
    }
    return true;
}
