#include "verify.h"

#include "emit.h"
#include "memory.h"
#include "shape.h"

enum { BYTE_BITS = 8, NAME_MASK = 0xffff };

struct verifier {
    struct tok_vm *vm;
    const struct proto *proto;
    uint8_t *starts; /* a bit for each word: an instruction begins there; NULL: out of memory */
    uint32_t pc;     /* of the instruction at hand */
};

static bool is_start(const struct verifier *verifier, uint32_t pc)
{
    return verifier->starts[pc / BYTE_BITS] >> pc % BYTE_BITS & 1;
}

static bool is_name(const struct proto *proto, uint32_t index)
{
    return index < proto->constant_count && value_is(proto->constants[index], OBJECT_STRING) &&
           value_to_object(proto->constants[index])->flags & STRING_INTERNED;
}

/* What a program can write down. */
static bool is_plain(tok_value value)
{
    return value_is_number(value) || value == VALUE_NIL || value == VALUE_FALSE ||
           value == VALUE_TRUE || value_is(value, OBJECT_STRING);
}

static const char *check_captures(const struct proto *proto, const struct proto *inner)
{
    for (uint32_t i = 0; i < inner->capture_count; i++) {
        uint32_t capture = inner->captures[i];
        uint32_t count = capture & 1 ? proto->register_count : proto->capture_count;
        if (capture >> 1 >= count)
            return "a capture from nowhere";
    }
    return NULL;
}

static const char *check_constant(const struct verifier *verifier, enum opcode opcode,
                                  uint32_t index)
{
    const struct proto *proto = verifier->proto;
    if (index >= proto->constant_count)
        return "a constant past the last";
    tok_value constant = proto->constants[index];
    if (opcode == OP_CLASS)
        return is_name(proto, index) ? NULL : "a class whose name is no name";
    if (opcode == OP_CLOSURE) {
        if (!value_is(constant, OBJECT_PROTO))
            return "a closure of what is no function";
        return check_captures(proto, (const struct proto *)value_to_object(constant));
    }
    bool is_ordering =
        tok_opcodes[opcode].words == WORDS_JUMP && opcode != OP_JEQK && opcode != OP_JNEK;
    if (is_ordering && !value_is_number(constant))
        return "a comparison with a constant that is no number";
    return is_plain(constant) ? NULL : "a constant that is no value of a program";
}

/* Registers first to first + count - 1 for a callee, its arguments and what follows them. */
static const char *check_window(const struct proto *proto, enum opcode opcode, uint32_t first,
                                uint32_t count, bool is_far)
{
    uint32_t end = first + count + 1 + (opcode == OP_SUPER || opcode == OP_FARSUPER);
    if (end > proto->register_count)
        return "a window past the last register";
    if (is_far ? first < FAR_REGISTERS : end > NEAR_REGISTERS)
        return "a window across the scratch registers";
    return NULL;
}

static const char *check_operand(const struct verifier *verifier, enum opcode opcode,
                                 enum opcode_operand kind, uint32_t number)
{
    const struct proto *proto = verifier->proto;
    uint32_t word = proto->code[verifier->pc];
    switch (kind) {
    case OPERAND_NON:
        return number == 0 ? NULL : "an operand where none belongs";
    case OPERAND_DEF:
    case OPERAND_USE:
        return number < proto->register_count ? NULL : "a register past the last";
    case OPERAND_WIN:
        return check_window(proto, opcode, number, code_b(word), false);
    case OPERAND_FAR:
        if (opcode != OP_FARGET && opcode != OP_FARSET)
            return check_window(proto, opcode, number, code_a(word), true);
        return number >= FAR_REGISTERS && number < proto->register_count
                   ? NULL
                   : "a far register that is none";
    case OPERAND_CON:
        return check_constant(verifier, opcode, number);
    case OPERAND_UPV:
        return number < proto->capture_count ? NULL : "a captured variable past the last";
    case OPERAND_GLO:
        return number < verifier->vm->globals.count ? NULL : "a global past the last";
    case OPERAND_NUM:
        return NULL;
    }
    return NULL;
}

/* Only what counts a step goes back: else a program could run for ever unseen. */
static const char *check_jump(const struct verifier *verifier, enum opcode opcode)
{
    bool is_back_edge = opcode >= OP_LOOP && opcode <= OP_LOOPGEK;
    int64_t distance = (int32_t)verifier->proto->code[verifier->pc + 1];
    int64_t target = (int64_t)verifier->pc + 2 + distance;
    if (target < 0 || target >= verifier->proto->code_count)
        return "a jump out of the function";
    if (is_back_edge != (target <= verifier->pc))
        return "a jump in the wrong direction";
    if (verifier->starts && !is_start(verifier, (uint32_t)target))
        return "a jump into an instruction";
    return NULL;
}

static const char *check_cache(const struct verifier *verifier, bool has_slot)
{
    const uint32_t *words = &verifier->proto->code[verifier->pc + 1];
    if (!is_name(verifier->proto, words[1] & NAME_MASK))
        return "a name that is none";
    if (words[0] == CACHE_EMPTY)
        return NULL;
    if (!tok_shape_is_live(verifier->vm, words[0]))
        return "a cache of a shape that is not there";
    uint32_t slot = words[1] >> (BYTE_BITS * sizeof(uint16_t));
    return !has_slot || slot < tok_shape(verifier->vm, words[0])->inline_slots
               ? NULL
               : "a cached slot past the last";
}

static const char *check_words(const struct verifier *verifier, enum opcode opcode)
{
    switch ((enum opcode_words)tok_opcodes[opcode].words) {
    case WORDS_JUMP:
        return check_jump(verifier, opcode);
    case WORDS_NAME:
        return is_name(verifier->proto, verifier->proto->code[verifier->pc + 1])
                   ? NULL
                   : "a name that is none";
    case WORDS_GET:
    case WORDS_SET:
        return check_cache(verifier, true);
    case WORDS_CALLEE:
        return check_cache(verifier, false);
    case WORDS_NONE:
    case WORDS_COUNT:
        break;
    }
    return NULL;
}

static const char *check_instruction(const struct verifier *verifier)
{
    uint32_t word = verifier->proto->code[verifier->pc];
    enum opcode opcode = code_opcode(word);
    const struct opcode_info *info = &tok_opcodes[opcode];
    bool is_wide = info->format == FORMAT_ABX;
    uint32_t operands[] = {code_a(word), is_wide ? code_bx(word) : code_b(word), code_c(word)};
    const char *wrong = NULL;
    for (int i = 0; i < (is_wide ? 2 : 3) && !wrong; i++)
        wrong =
            check_operand(verifier, opcode, (enum opcode_operand)info->operands[i], operands[i]);
    return wrong ? wrong : check_words(verifier, opcode);
}

/* Where instructions begin; that they are all whole, and that none runs off the end. */
static const char *find_starts(struct verifier *verifier)
{
    const struct proto *proto = verifier->proto;
    enum opcode last = OP_HALT;
    for (verifier->pc = 0; verifier->pc < proto->code_count;) {
        uint32_t word = proto->code[verifier->pc];
        if ((word & UINT8_MAX) >= OP_COUNT || code_opcode(word) == OP_HALT)
            return "an instruction that is none";
        last = code_opcode(word);
        uint32_t count = 1 + tok_opcode_word_count((enum opcode_words)tok_opcodes[last].words);
        if (count > proto->code_count - verifier->pc)
            return "an instruction without its words";
        if (verifier->starts)
            verifier->starts[verifier->pc / BYTE_BITS] |= (uint8_t)(1 << verifier->pc % BYTE_BITS);
        verifier->pc += count;
    }
    return last == OP_RETURN || last == OP_RETNIL ? NULL : "an end without a return";
}

static const char *check_positions(struct verifier *verifier)
{
    const struct proto *proto = verifier->proto;
    uint32_t before = 0;
    for (uint32_t i = 0; i < proto->position_count; i++) {
        verifier->pc = proto->positions[i].pc;
        if (verifier->pc < before || verifier->pc >= proto->code_count)
            return "a position out of order";
        if (verifier->starts && !is_start(verifier, verifier->pc))
            return "a position of no instruction";
        before = verifier->pc;
    }
    return NULL;
}

static const char *check_all(struct verifier *verifier)
{
    const struct proto *proto = verifier->proto;
    if (proto->arity >= proto->register_count)
        return "more parameters than registers";
    const char *wrong = find_starts(verifier);
    if (!wrong)
        wrong = check_positions(verifier);
    for (uint32_t pc = 0; pc < proto->code_count && !wrong;) {
        verifier->pc = pc;
        wrong = check_instruction(verifier);
        enum opcode opcode = code_opcode(proto->code[pc]);
        pc += 1 + tok_opcode_word_count((enum opcode_words)tok_opcodes[opcode].words);
    }
    return wrong;
}

const char *tok_verify(struct tok_vm *vm, const struct proto *proto, uint32_t *ret_pc)
{
    size_t bytes = proto->code_count / BYTE_BITS + 1;
    struct verifier verifier = {.vm = vm, .proto = proto};
    verifier.starts = tok_memory_resize(vm, NULL, 0, bytes);
    if (verifier.starts)
        memset(verifier.starts, 0, bytes);
    const char *wrong = check_all(&verifier);
    tok_memory_free(vm, verifier.starts, bytes);
    *ret_pc = verifier.pc;
    return wrong;
}
