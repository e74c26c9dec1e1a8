/*
 * value - one Tok value in 64 bits (NaN boxing).
 *
 * A number is an IEEE double as it is. Everything else is a quiet NaN with bit 50 set, which no
 * arithmetic on x86-64 or AArch64 produces: nil, the booleans, UNDEFINED (a global without a value,
 * never seen by a program), or, with the sign bit, the address of an object.
 *
 * Because a boxed value is a NaN, the VM computes first and checks the result for NaN after: see
 * interp.c. Never compile this library with -ffast-math.
 */
#ifndef TOK_VALUE_H
#define TOK_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t tok_value;

struct object;

#define VALUE_TAG UINT64_C(0x7ffc000000000000)
#define VALUE_OBJECT_TAG UINT64_C(0xfffc000000000000)

#define VALUE_NIL (VALUE_TAG | 2)
#define VALUE_FALSE (VALUE_TAG | 3) /* nil and false differ in bit 0 alone: value_is_falsey() */
#define VALUE_TRUE (VALUE_TAG | 4)
#define VALUE_UNDEFINED (VALUE_TAG | 5)
#define VALUE_NAN UINT64_C(0x7ff8000000000000)

static inline double value_to_number(tok_value value)
{
    double number;
    memcpy(&number, &value, sizeof(number));
    return number;
}

static inline tok_value value_number(double number)
{
    tok_value value;
    memcpy(&value, &number, sizeof(value));
    return value;
}

static inline bool value_is_number(tok_value value)
{
    return (value & VALUE_TAG) != VALUE_TAG;
}

static inline bool value_is_object(tok_value value)
{
    return value >= VALUE_OBJECT_TAG;
}

static inline struct object *value_to_object(tok_value value)
{
    return (struct object *)(uintptr_t)(value - VALUE_OBJECT_TAG);
}

static inline tok_value value_object(const void *object)
{
    return VALUE_OBJECT_TAG | (tok_value)(uintptr_t)object;
}

static inline bool value_is_falsey(tok_value value)
{
    return (value | 1) == VALUE_FALSE;
}

static inline tok_value value_bool(bool truth)
{
    return VALUE_FALSE + truth;
}

#endif
