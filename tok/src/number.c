#include "number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "big.h"

enum {
    DIGITS = 6,            /* significant ones, as in %g */
    EXPONENT_MIN = -4,     /* below this, and from DIGITS on, %g writes an exponent */
    SIGNIFICANT_MAX = 800, /* more decimal digits than any double or half-way point has */
    MANTISSA_BITS = 53,
    SUBNORMAL_EXPONENT = -1074,
    DECIMAL_MIN = -330, /* beyond these powers of ten lie 0 and infinity */
    DECIMAL_MAX = 310,
};

/* The integer that DIGITS decimal digits spell, and the power of ten of the first one. */
struct decimal {
    uint32_t digits; /* 100000 .. 999999 */
    int exponent;
};

static void decimal_round_up(struct decimal *decimal)
{
    if (++decimal->digits == 1000000) {
        decimal->digits = 100000;
        decimal->exponent++;
    }
}

/* number = mantissa * 2^exponent, as numerator / denominator times 10^decimal, in [1, 10). */
static int scale(uint64_t mantissa, int exponent, struct big *numerator, struct big *denominator)
{
    int decimal = (int)floor((exponent + 63 - __builtin_clzll(mantissa)) * 0.30102999566398120);
    tok_big_set(numerator, mantissa);
    tok_big_set(denominator, 1);
    if (decimal < 0)
        tok_big_multiply_power_of_10(numerator, (uint32_t)-decimal);
    else
        tok_big_multiply_power_of_10(denominator, (uint32_t)decimal);
    tok_big_shift_left(exponent < 0 ? denominator : numerator, (uint32_t)abs(exponent));

    /* The estimate of the logarithm is at most one too small. */
    struct big tenfold = *denominator;
    tok_big_multiply_add(&tenfold, 10, 0);
    if (tok_big_compare(numerator, &tenfold) >= 0) {
        *denominator = tenfold;
        decimal++;
    }
    return decimal;
}

/* The first digits of mantissa * 2^exponent, rounded to nearest, half to even. */
static struct decimal decimal_exact(uint64_t mantissa, int exponent)
{
    struct big numerator;
    struct big denominator;
    struct decimal decimal = {0};
    decimal.exponent = scale(mantissa, exponent, &numerator, &denominator);
    for (int i = 0; i < DIGITS; i++) {
        uint32_t digit = 0;
        for (; tok_big_compare(&numerator, &denominator) >= 0; digit++)
            tok_big_subtract(&numerator, &denominator);
        decimal.digits = decimal.digits * 10 + digit;
        if (i + 1 < DIGITS)
            tok_big_multiply_add(&numerator, 10, 0);
    }
    tok_big_shift_left(&numerator, 1);
    int order = tok_big_compare(&numerator, &denominator);
    if (order > 0 || (order == 0 && decimal.digits % 2 == 1))
        decimal_round_up(&decimal);
    return decimal;
}

static const uint64_t powers_of_10[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
};

/* The same in 128 bits, for what is neither very large nor very small: false if it does not fit. */
static bool decimal_fast(double number, uint64_t mantissa, int exponent,
                         struct decimal *ret_decimal)
{
    if (!(number >= 1e-9 && number < 1e15) || exponent > 0)
        return false;
    int magnitude = 0;
    if (number >= 1) {
        while (number >= (double)powers_of_10[magnitude + 1])
            magnitude++;
    } else {
        while (number * (double)powers_of_10[-magnitude] < 1)
            magnitude--;
    }
    /* digits = mantissa * 10^power / 2^shift; at most 2^53 * 10^15 < 2^103, and shift <= 83 */
    int power = DIGITS - 1 - magnitude;
    uint32_t shift = (uint32_t)-exponent;
    unsigned __int128 dividend = mantissa;
    unsigned __int128 divisor = (unsigned __int128)1 << shift;
    if (power >= 0) {
        dividend *= powers_of_10[power];
    } else {
        if (shift > 90)
            return false;
        divisor *= powers_of_10[-power];
    }
    unsigned __int128 digits = power >= 0 ? dividend >> shift : dividend / divisor;
    if (digits < 100000 || digits > 999999)
        return false; /* the magnitude was off by one next to a power of ten */
    unsigned __int128 twice_rest = (dividend - digits * divisor) * 2;
    *ret_decimal = (struct decimal){.digits = (uint32_t)digits, .exponent = magnitude};
    if (twice_rest > divisor || (twice_rest == divisor && digits % 2 == 1))
        decimal_round_up(ret_decimal);
    return true;
}

static struct decimal decimal_of(double number)
{
    int exponent;
    double fraction = frexp(number, &exponent);
    uint64_t mantissa = (uint64_t)ldexp(fraction, MANTISSA_BITS);
    exponent -= MANTISSA_BITS;
    int zeros = __builtin_ctzll(mantissa);
    if (exponent < 0 && zeros > 0) {
        int drop = zeros < -exponent ? zeros : -exponent;
        mantissa >>= drop;
        exponent += drop;
    }
    struct decimal decimal;
    if (!decimal_fast(number, mantissa, exponent, &decimal))
        decimal = decimal_exact(mantissa, exponent);
    return decimal;
}

static size_t write_integer(uint32_t number, char *text)
{
    char reversed[10];
    size_t count = 0;
    do {
        reversed[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    for (size_t i = 0; i < count; i++)
        text[i] = reversed[count - 1 - i];
    return count;
}

static size_t write_exponent(int exponent, char *text)
{
    size_t count = 0;
    text[count++] = 'e';
    text[count++] = exponent < 0 ? '-' : '+';
    uint32_t magnitude = (uint32_t)abs(exponent);
    if (magnitude < 10)
        text[count++] = '0';
    return count + write_integer(magnitude, text + count);
}

static size_t write_decimal(const struct decimal *decimal, char *text)
{
    char digits[DIGITS] = {0};
    write_integer(decimal->digits, digits);
    int significant = DIGITS;
    while (significant > 1 && digits[significant - 1] == '0')
        significant--;

    bool scientific = decimal->exponent < EXPONENT_MIN || decimal->exponent >= DIGITS;
    int point = scientific ? 1 : decimal->exponent + 1; /* digits before the point */
    size_t count = 0;
    if (point <= 0) {
        text[count++] = '0';
        text[count++] = '.';
        for (int i = point; i < 0; i++)
            text[count++] = '0';
    }
    for (int i = 0; i < significant || i < point; i++) {
        if (i == point && i > 0)
            text[count++] = '.';
        text[count++] = i < significant ? digits[i] : '0';
    }
    if (scientific)
        count += write_exponent(decimal->exponent, text + count);
    return count;
}

size_t tok_number_format(double number, char text[NUMBER_TEXT_MAX])
{
    size_t count = 0;
    if (number != number) {
        memcpy(text, "nan", 3);
        return 3;
    }
    if (signbit(number)) {
        text[count++] = '-';
        number = -number;
    }
    if (number < 1e6) {
        uint32_t whole = (uint32_t)number;
        if ((double)whole == number)
            return count + write_integer(whole, text + count);
    }
    if (isinf(number)) {
        memcpy(text + count, "inf", 3);
        return count + 3;
    }
    struct decimal decimal = decimal_of(number);
    return count + write_decimal(&decimal, text + count);
}

/* The digits of a literal without leading zeros, and what they are to be multiplied with. */
struct literal {
    char digits[SIGNIFICANT_MAX + 1];
    uint32_t count;
    int64_t exponent; /* value = digits * 10^exponent */
};

static void literal_read(const char *text, size_t length, struct literal *ret_literal)
{
    bool after_point = false;
    bool is_more = false; /* a digit that is not 0 was left out */
    ret_literal->count = 0;
    ret_literal->exponent = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.') {
            after_point = true;
            continue;
        }
        bool is_leading_zero = ret_literal->count == 0 && text[i] == '0';
        bool is_kept = !is_leading_zero && ret_literal->count < SIGNIFICANT_MAX;
        if (is_kept)
            ret_literal->digits[ret_literal->count++] = text[i];
        else
            is_more |= text[i] != '0';
        if (after_point && (is_kept || is_leading_zero))
            ret_literal->exponent--;
        else if (!after_point && !is_kept && !is_leading_zero)
            ret_literal->exponent++;
    }
    if (is_more) {
        /* Only on which side of a half-way point the value lies matters: any digit will do. */
        ret_literal->digits[ret_literal->count++] = '1';
        ret_literal->exponent--;
    }
}

/* numerator / denominator rounded to nearest even, as a double. */
static double divide(struct big *numerator, struct big *denominator)
{
    /* Scale so that the quotient has 53 or 54 bits; fewer for subnormals. */
    int exponent = (int)tok_big_bits(numerator) - (int)tok_big_bits(denominator) - MANTISSA_BITS;
    if (exponent < SUBNORMAL_EXPONENT)
        exponent = SUBNORMAL_EXPONENT;
    tok_big_shift_left(exponent < 0 ? numerator : denominator, (uint32_t)abs(exponent));

    uint64_t quotient = 0;
    struct big part = *denominator;
    tok_big_shift_left(&part, MANTISSA_BITS + 1);
    for (int bit = MANTISSA_BITS + 1; bit >= 0; bit--) {
        quotient <<= 1;
        /* Compare with denominator * 2^bit by doubling the numerator instead of halving the part. */
        if (tok_big_compare(numerator, &part) >= 0) {
            tok_big_subtract(numerator, &part);
            quotient |= 1;
        }
        if (bit > 0)
            tok_big_shift_left(numerator, 1);
    }
    bool is_rest = numerator->count > 0;
    if (quotient >> MANTISSA_BITS) { /* 54 bits: the lowest one decides how to round */
        bool half = quotient & 1;
        quotient >>= 1;
        exponent++;
        if (half && (is_rest || quotient & 1))
            quotient++;
    } else if (is_rest) {
        tok_big_shift_left(numerator, 1);
        int order = tok_big_compare(numerator, &part);
        if (order > 0 || (order == 0 && quotient & 1))
            quotient++;
    }
    return ldexp((double)quotient, exponent);
}

static double parse_exact(const struct literal *literal)
{
    int64_t magnitude = literal->exponent + literal->count;
    if (magnitude > DECIMAL_MAX)
        return (double)INFINITY;
    if (magnitude < DECIMAL_MIN)
        return 0;
    struct big numerator;
    struct big denominator;
    tok_big_set(&numerator, 0);
    tok_big_set(&denominator, 1);
    for (uint32_t i = 0; i < literal->count; i++)
        tok_big_multiply_add(&numerator, 10, (uint32_t)(literal->digits[i] - '0'));
    if (literal->exponent < 0)
        tok_big_multiply_power_of_10(&denominator, (uint32_t)-literal->exponent);
    else
        tok_big_multiply_power_of_10(&numerator, (uint32_t)literal->exponent);
    return divide(&numerator, &denominator);
}

double tok_number_parse(const char *text, size_t length)
{
    uint64_t digits = 0;
    uint32_t places = 0;
    bool after_point = false;
    if (length <= 16) { /* at most 15 or 16 digits: both they and the power of ten are exact */
        for (size_t i = 0; i < length; i++) {
            if (text[i] == '.') {
                after_point = true;
                continue;
            }
            digits = digits * 10 + (uint64_t)(text[i] - '0');
            places += after_point;
        }
        if (digits < UINT64_C(1) << MANTISSA_BITS)
            return (double)digits / (double)powers_of_10[places];
    }
    struct literal literal;
    literal_read(text, length, &literal);
    return literal.count == 0 ? 0 : parse_exact(&literal);
}
