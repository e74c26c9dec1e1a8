#include "proto.h"

#include "memory.h"
#include "opcode.h"
#include "shape.h"
#include "vm.h"

size_t tok_proto_block_bytes(const struct proto *proto)
{
    if (!proto->constants)
        return 0;
    return proto->constant_count * sizeof(*proto->constants) +
           proto->position_count * sizeof(*proto->positions) +
           proto->code_count * sizeof(*proto->code) +
           proto->capture_count * sizeof(*proto->captures);
}

struct proto *tok_proto_new(struct tok_vm *vm, const struct proto *sizes)
{
    struct proto *proto = heap_allocate_in(vm, &vm->heap, OBJECT_PROTO, sizeof(*proto));
    if (!proto)
        return NULL;
    struct object header = proto->header;
    *proto = (struct proto){.header = header};
    vm->keep[0] = value_object(proto);

    struct proto whole = *sizes;
    whole.constants = (tok_value *)&whole; /* not NULL: the block counts */
    char *block = tok_memory_get(vm, NULL, 0, tok_proto_block_bytes(&whole));
    vm->keep[0] = VALUE_NIL;
    if (!block)
        return NULL;
    *proto = *sizes;
    proto->header = header;
    proto->header.mark = vm->heap.epoch; /* the collection may have changed it */
    proto->constants = (tok_value *)block;
    memset(proto->constants, 0, proto->constant_count * sizeof(*proto->constants));
    proto->positions = (struct code_position *)(proto->constants + proto->constant_count);
    proto->code = (uint32_t *)(proto->positions + proto->position_count);
    proto->captures = proto->code + proto->code_count;
    proto->next = vm->protos;
    vm->protos = proto;
    return proto;
}

struct place tok_proto_place(const struct proto *proto, const uint32_t *ip)
{
    uint32_t pc = (uint32_t)(ip - proto->code) - 1;
    uint32_t low = 0;
    uint32_t high = proto->position_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (proto->positions[middle].pc <= pc)
            low = middle;
        else
            high = middle;
    }
    if (low >= proto->position_count)
        return (struct place){.line = 1, .column = 1};
    const struct code_position *position = &proto->positions[low];
    return (struct place){
        .line = position->line, .column = position->column, .length = position->length};
}

void tok_proto_clear_caches(const struct tok_vm *vm, struct proto *proto)
{
    for (uint32_t pc = 0; pc < proto->code_count;) {
        enum opcode_words words = tok_opcodes[code_opcode(proto->code[pc])].words;
        uint32_t *shape = &proto->code[pc + 1];
        bool is_cache = words == WORDS_GET || words == WORDS_SET || words == WORDS_CALLEE;
        if (is_cache && !tok_shape_is_live(vm, *shape))
            *shape = CACHE_EMPTY;
        pc += 1 + tok_opcode_word_count(words);
    }
}
