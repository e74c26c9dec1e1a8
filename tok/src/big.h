/*
 * big - unsigned integers of a fixed, large size; just what exact number conversion needs.
 *
 * Capacity: 800 decimal digits times 2^1100 or 10^400; the callers keep within it.
 */
#ifndef TOK_BIG_H
#define TOK_BIG_H

#include <stdbool.h>
#include <stdint.h>

enum { BIG_LIMBS = 192 };

struct big {
    uint32_t count; /* limbs in use; the highest one is not 0 */
    uint32_t limbs[BIG_LIMBS];
};

void tok_big_set(struct big *big, uint64_t value);
void tok_big_multiply_add(struct big *big, uint32_t factor, uint32_t addend);
void tok_big_multiply_power_of_10(struct big *big, uint32_t exponent);
void tok_big_shift_left(struct big *big, uint32_t bits);
int tok_big_compare(const struct big *a, const struct big *b);
void tok_big_subtract(struct big *a, const struct big *b); /* a -= b; a >= b */
uint32_t tok_big_bits(const struct big *big);              /* 0 for 0 */

#endif
