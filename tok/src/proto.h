/*
 * proto - compiled functions: making them, finding places, emptying their caches.
 */
#ifndef TOK_PROTO_H
#define TOK_PROTO_H

#include "message.h"
#include "object.h"

/* How large the one block behind a function is. */
size_t tok_proto_block_bytes(const struct proto *proto);

/* A function with room for what the counts in `sizes` say, its arrays unset but for the constants.
 * NULL: out of memory. May collect. */
struct proto *tok_proto_new(struct tok_vm *vm, const struct proto *sizes);

/* The place of the instruction before `ip`. */
struct place tok_proto_place(const struct proto *proto, const uint32_t *ip);

/* Forgets inline caches that speak of shapes that are no more. */
void tok_proto_clear_caches(const struct tok_vm *vm, struct proto *proto);

#endif
