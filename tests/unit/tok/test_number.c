#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "number.h"
#include "suite.h"

/* A generator of its own, so that the numbers are the same on every machine. */
static uint64_t random_bits(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void expect_like_printf(double number)
{
    char expected[32];
    char text[NUMBER_TEXT_MAX];
    snprintf(expected, sizeof(expected), "%g", number);
    if (number != number)
        snprintf(expected, sizeof(expected), "nan");
    size_t count = tok_number_format(number, text);
    ck_assert_uint_eq(count, strlen(expected));
    ck_assert_mem_eq(text, expected, count);
}

START_TEST(v11_special_numbers_are_shown_as_printf_does)
{
    static const double numbers[] = {0,        -0.0,   1,           -1,      0.1,
                                     1e5,      999999, 1e6,         1234567, 999999.5,
                                     99999.95, 0.0001, 0.00001,     5e-324,  1.7976931348623157e308,
                                     2.5,      0.5,    1e15,        1e16,    123456.5,
                                     123455.5, 1e-5,   9.999995e-5, 1e22};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        expect_like_printf(numbers[i]);
        expect_like_printf(-numbers[i]);
    }
    expect_like_printf((double)INFINITY);
    expect_like_printf((double)-INFINITY);
}
END_TEST

START_TEST(v10_every_nan_is_nan)
{
    static const uint64_t patterns[] = {0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001,
                                        0xffffffffffffffff, 0x7ffc000000000002, 0x7fffffffffffffff};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        double number;
        char text[NUMBER_TEXT_MAX];
        memcpy(&number, &patterns[i], sizeof(number));
        ck_assert_uint_eq(tok_number_format(number, text), 3);
        ck_assert_mem_eq(text, "nan", 3);
    }
}
END_TEST

START_TEST(powers_of_two_are_shown_as_printf_does)
{
    for (int exponent = -1074; exponent < 1024; exponent++)
        expect_like_printf(ldexp(1, exponent));
}
END_TEST

START_TEST(random_numbers_are_shown_as_printf_does)
{
    uint64_t state = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_bits(&state);
        double number;
        memcpy(&number, &bits, sizeof(number));
        if (number == number)
            expect_like_printf(number);
        expect_like_printf((double)(int64_t)(bits >> 40) / 1000);
        expect_like_printf((double)(bits >> 44) + 0.5);
    }
}
END_TEST

START_TEST(literals_are_the_nearest_double)
{
    static const char *const literals[] = {"0",
                                           "1",
                                           "00012",
                                           "0.1",
                                           "3.14159265358979323846",
                                           "9007199254740993",
                                           "9007199254740992.5",
                                           "9007199254740993.0000000000000000000000001",
                                           "0.30000000000000004",
                                           "179769313486231580793728971405301",
                                           "1000000000000000000000000000000000000000000.000001",
                                           "2.2250738585072011",
                                           "123456789012345678",
                                           "0.000000000000000000000000000000000001"};
    for (size_t i = 0; i < sizeof(literals) / sizeof(*literals); i++)
        ck_assert_double_eq(tok_number_parse(literals[i], strlen(literals[i])),
                            strtod(literals[i], NULL));
}
END_TEST

START_TEST(v11_literals_of_any_length_are_the_nearest_double)
{
    uint64_t state = 42;
    for (int i = 0; i < 300; i++) {
        char text[1600];
        size_t whole = 1 + random_bits(&state) % 330;
        size_t fraction = 1 + random_bits(&state) % 1200;
        size_t count = 0;
        size_t zeros = i % 3 == 0 ? random_bits(&state) % 340 : 0;
        for (size_t j = 0; j < whole; j++)
            text[count++] = (char)(i % 3 == 0 ? '0' : '0' + random_bits(&state) % 10);
        text[count++] = '.';
        for (size_t j = 0; j < fraction; j++)
            text[count++] = (char)(j < zeros ? '0' : '0' + random_bits(&state) % 10);
        text[count] = '\0';
        ck_assert_double_eq(tok_number_parse(text, count), strtod(text, NULL));
    }
}
END_TEST

START_TEST(v11_ten_thousand_digits_are_infinity_or_nothing)
{
    enum { DIGITS = 10000 };
    char *text = malloc(DIGITS + 2);
    ck_assert_ptr_nonnull(text);
    memset(text, '9', DIGITS);
    ck_assert_double_infinite(tok_number_parse(text, DIGITS));
    memset(text, '0', DIGITS);
    ck_assert_double_eq(tok_number_parse(text, DIGITS), 0);
    text[1] = '.';
    text[DIGITS - 1] = '1';
    ck_assert_double_eq(tok_number_parse(text, DIGITS), 0);
    free(text);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, v11_special_numbers_are_shown_as_printf_does);
    tcase_add_test(tests, v10_every_nan_is_nan);
    tcase_add_test(tests, powers_of_two_are_shown_as_printf_does);
    tcase_add_test(tests, random_numbers_are_shown_as_printf_does);
    tcase_add_test(tests, literals_are_the_nearest_double);
    tcase_add_test(tests, v11_literals_of_any_length_are_the_nearest_double);
    tcase_add_test(tests, v11_ten_thousand_digits_are_infinity_or_nothing);
}

int main(void)
{
    return suite_run("number", add_tests);
}
