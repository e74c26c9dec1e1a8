#include "big.h"

#include <string.h>

#include "trap.h"

static void trim(struct big *big)
{
    while (big->count > 0 && big->limbs[big->count - 1] == 0)
        big->count--;
}

void tok_big_set(struct big *big, uint64_t value)
{
    big->limbs[0] = (uint32_t)value;
    big->limbs[1] = (uint32_t)(value >> 32);
    big->count = 2;
    trim(big);
}

void tok_big_multiply_add(struct big *big, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (uint32_t i = 0; i < big->count; i++) {
        carry += (uint64_t)big->limbs[i] * factor;
        big->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        TRAP_UNLESS(big->count < BIG_LIMBS);
        big->limbs[big->count++] = (uint32_t)carry;
    }
}

void tok_big_multiply_power_of_10(struct big *big, uint32_t exponent)
{
    for (; exponent >= 9; exponent -= 9)
        tok_big_multiply_add(big, 1000000000, 0);
    for (; exponent > 0; exponent--)
        tok_big_multiply_add(big, 10, 0);
}

void tok_big_shift_left(struct big *big, uint32_t bits)
{
    uint32_t limbs = bits / 32;
    if (big->count == 0)
        return;
    tok_big_multiply_add(big, UINT32_C(1) << bits % 32, 0);
    TRAP_UNLESS(big->count + limbs <= BIG_LIMBS);
    memmove(big->limbs + limbs, big->limbs, big->count * sizeof(big->limbs[0]));
    memset(big->limbs, 0, limbs * sizeof(big->limbs[0]));
    big->count += limbs;
}

int tok_big_compare(const struct big *a, const struct big *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (uint32_t i = a->count; i > 0; i--) {
        if (a->limbs[i - 1] != b->limbs[i - 1])
            return a->limbs[i - 1] < b->limbs[i - 1] ? -1 : 1;
    }
    return 0;
}

void tok_big_subtract(struct big *a, const struct big *b)
{
    int64_t borrow = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        int64_t limb = (int64_t)a->limbs[i] - (i < b->count ? b->limbs[i] : 0) + borrow;
        a->limbs[i] = (uint32_t)limb;
        borrow = limb < 0 ? -1 : 0;
    }
    trim(a);
}

uint32_t tok_big_bits(const struct big *big)
{
    if (big->count == 0)
        return 0;
    return big->count * 32 - (uint32_t)__builtin_clz(big->limbs[big->count - 1]);
}
