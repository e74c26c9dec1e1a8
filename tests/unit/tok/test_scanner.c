#include <string.h>

#include "scanner.h"
#include "suite.h"

static struct token scan_nth(const char *source, size_t bytes, int n)
{
    struct scanner scanner;
    tok_scanner_init(&scanner, source, bytes);
    struct token token = tok_scan(&scanner);
    for (int i = 0; i < n; i++)
        token = tok_scan(&scanner);
    return token;
}

static const struct {
    const char *source;
    enum token_type type;
    uint32_t length;
} singles[] = {
    {"(", TOKEN_LEFT_PAREN, 1},   {"!", TOKEN_BANG, 1},         {"!=", TOKEN_BANG_EQUAL, 2},
    {"=", TOKEN_EQUAL, 1},        {"==", TOKEN_EQUAL_EQUAL, 2}, {"===", TOKEN_EQUAL_EQUAL, 2},
    {"<=", TOKEN_LESS_EQUAL, 2},  {"> =", TOKEN_GREATER, 1},    {"and", TOKEN_AND, 3},
    {"andy", TOKEN_NAME, 4},      {"_a9", TOKEN_NAME, 3},       {"returns", TOKEN_NAME, 7},
    {"return", TOKEN_RETURN, 6},  {"123", TOKEN_NUMBER, 3},     {"1.5", TOKEN_NUMBER, 3},
    {"1.", TOKEN_NUMBER, 1},      {"1.x", TOKEN_NUMBER, 1},     {".5", TOKEN_DOT, 1},
    {"\"a b\"", TOKEN_STRING, 5}, {"\"\"", TOKEN_STRING, 2},    {"// x", TOKEN_END, 0},
    {"// x\n7", TOKEN_NUMBER, 1}, {"/", TOKEN_SLASH, 1},        {"\r\t \n", TOKEN_END, 0},
    {"@", TOKEN_ERROR, 1},        {"\"abc", TOKEN_ERROR, 4},    {"\xc3\xa9", TOKEN_ERROR, 1},
    {"\"a\\\"", TOKEN_STRING, 4}, {"\f", TOKEN_ERROR, 1},
};
enum { SINGLES = sizeof(singles) / sizeof(*singles) };

START_TEST(first_token_has_its_type_and_length)
{
    struct token token = scan_nth(singles[_i].source, strlen(singles[_i].source), 0);
    ck_assert_int_eq(token.type, singles[_i].type);
    ck_assert_uint_eq(token.place.length, singles[_i].length);
}
END_TEST

START_TEST(lines_and_columns_are_counted_in_lf_and_bytes)
{
    const char source[] = "a\r\n  b // c\n\"x\ny\" d";
    struct token b = scan_nth(source, sizeof(source) - 1, 1);
    ck_assert_uint_eq(b.place.line, 2);
    ck_assert_uint_eq(b.place.column, 3);
    struct token string = scan_nth(source, sizeof(source) - 1, 2);
    ck_assert_uint_eq(string.place.line, 3);
    ck_assert_uint_eq(string.place.column, 1);
    struct token d = scan_nth(source, sizeof(source) - 1, 3);
    ck_assert_uint_eq(d.place.line, 4);
    ck_assert_uint_eq(d.place.column, 4);
}
END_TEST

START_TEST(end_comes_again_and_again)
{
    ck_assert_int_eq(scan_nth("a", 1, 1).type, TOKEN_END);
    ck_assert_int_eq(scan_nth("a", 1, 5).type, TOKEN_END);
}
END_TEST

START_TEST(v19_nul_is_a_bad_character_outside_and_a_byte_inside_a_string)
{
    ck_assert_int_eq(scan_nth("\0", 1, 0).type, TOKEN_ERROR);
    struct token token = scan_nth("\"a\0b\"", 5, 0);
    ck_assert_int_eq(token.type, TOKEN_STRING);
    ck_assert_uint_eq(token.place.length, 5);
}
END_TEST

START_TEST(v21_nothing_is_read_past_the_end)
{
    static const char *const sources[] = {"1.", "\"a", "/", "!", "//", "=", "a", "1"};
    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
        size_t bytes = strlen(sources[i]);
        char *exact = malloc(bytes);
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, sources[i], bytes);
        struct token token = scan_nth(exact, bytes, 0);
        ck_assert_uint_le(token.place.length, bytes);
        free(exact);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, first_token_has_its_type_and_length, 0, SINGLES);
    tcase_add_test(tests, lines_and_columns_are_counted_in_lf_and_bytes);
    tcase_add_test(tests, end_comes_again_and_again);
    tcase_add_test(tests, v19_nul_is_a_bad_character_outside_and_a_byte_inside_a_string);
    tcase_add_test(tests, v21_nothing_is_read_past_the_end);
}

int main(void)
{
    return suite_run("scanner", add_tests);
}
