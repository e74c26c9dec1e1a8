#include <string.h>

#include "json.h"
#include "suite.h"

static char *string_of(const char *bytes, size_t count)
{
    struct buffer to;
    buffer_init(&to, 100000);
    ck_assert_int_eq(json_write_string(&to, bytes, count), 0);
    char *text = NULL;
    ck_assert_int_eq(buffer_take_string(&to, &text, NULL), 0);
    return text;
}

static const struct {
    const char *bytes;
    size_t count;
    const char *json;
} strings[] = {
    {"", 0, "\"\""},
    {"plain text", 10, "\"plain text\""},
    {"a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\""},
    {"\n\r\t\b\f\x01\x1F\x7F", 8, "\"\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\\u007f\""},
    {"a\0b", 3, "\"a\\u0000b\""},
    {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
    {"\xFF", 1, "\"\xEF\xBF\xBD\""},
    {"a\xE2\x82", 3, "\"a\xEF\xBF\xBD\""}, /* cut inside a character: one mark */
    {"\xE2\x82z", 3, "\"\xEF\xBF\xBDz\""},
    {"\xC0\xAF", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    /* Unicode 15, table 3-8 */
    {"\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64", 13,
     "\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
     "b\xEF\xBF\xBD"
     "c\xEF\xBF\xBD\xEF\xBF\xBD"
     "d\""},
};

START_TEST(strings_are_escaped_and_made_utf_8)
{
    char *text = string_of(strings[_i].bytes, strings[_i].count);
    ck_assert_str_eq(text, strings[_i].json);
    free(text);
}
END_TEST

START_TEST(any_bytes_make_a_string_that_parses)
{
    unsigned long long state = 5;
    for (int round = 0; round < 20000; round++) {
        char bytes[64];
        size_t count = suite_random(&state) % sizeof(bytes);
        for (size_t i = 0; i < count; i++) { /* no NUL: parsing refuses it, on purpose */
            unsigned byte = suite_random(&state) % (suite_random(&state) % 2 ? 256 : 32);
            bytes[i] = byte > 0 ? (char)byte : 'a';
        }
        char *text = string_of(bytes, count);
        cJSON *tree = NULL;
        struct json_error error;
        ck_assert_msg(json_parse(text, strlen(text), &tree, &error) == 0, "%s: %s", text,
                      error.text);
        cJSON_Delete(tree);
        free(text);
    }
}
END_TEST

START_TEST(a_string_that_does_not_fit_leaves_nothing)
{
    static const char bytes[] = "ab\n\xC3\xA9\xFFz";
    char *whole = string_of(bytes, sizeof(bytes) - 1);
    for (size_t cap = 0; cap <= strlen(whole); cap++) {
        struct buffer to;
        buffer_init(&to, cap + 2);
        ck_assert_int_eq(buffer_append(&to, "[,", 2), 0);
        buffer_consume(&to, 1);
        ck_assert_int_eq(buffer_append(&to, "]", 1), 0);
        int r = json_write_string(&to, bytes, sizeof(bytes) - 1);
        ck_assert_int_eq(r, cap < strlen(whole) ? -EMSGSIZE : 0);
        ck_assert_uint_eq(buffer_count(&to), r < 0 ? 2 : 2 + strlen(whole));
        ck_assert_mem_eq(buffer_data(&to), ",]", 2);
        buffer_done(&to);
    }
    free(whole);
}
END_TEST

static const struct {
    uint64_t microseconds;
    const char *text;
} times[] = {
    {0, "0"},
    {1, "0.001"},
    {10, "0.01"},
    {310, "0.31"},
    {1000, "1"},
    {1500, "1.5"},
    {12000, "12"},
    {12345, "12.345"},
    {1000000, "1000"},
    {1000100, "1000.1"},
    {UINT64_MAX, "18446744073709551.615"},
};

START_TEST(milliseconds_have_no_needless_digits)
{
    struct buffer to;
    buffer_init(&to, 100);
    ck_assert_int_eq(json_write_ms(&to, times[_i].microseconds), 0);
    ck_assert_uint_eq(buffer_count(&to), strlen(times[_i].text));
    ck_assert_mem_eq(buffer_data(&to), times[_i].text, strlen(times[_i].text));
    buffer_done(&to);
}
END_TEST

START_TEST(text_and_numbers_are_written_whole)
{
    struct buffer to;
    buffer_init(&to, 100);
    ck_assert_int_eq(json_write_uint(&to, UINT64_MAX), 0);
    ck_assert_int_eq(json_write_uint(&to, 0), 0);
    ck_assert_int_eq(json_write_text(&to, "a\"b"), 0);
    ck_assert_int_eq(buffer_append(&to, "", 1), 0);
    ck_assert_str_eq(buffer_data(&to), "184467440737095516150\"a\\\"b\"");
    buffer_done(&to);
}
END_TEST

static const struct {
    const char *bytes;
    size_t count, whole;
} cuts[] = {
    {"", 0, 0},
    {"abc", 3, 3},
    {"ab\xC3", 3, 2},
    {"ab\xC3\xA9", 4, 4},
    {"\xE2", 1, 0},
    {"\xE2\x82", 2, 0},
    {"a\xE2\x82\xAC", 4, 4},
    {"a\xF0\x9F\x98", 4, 1},
    {"a\xF0\x9F\x98\x80", 5, 5},
    {"a\xE0\x80", 3, 3}, /* can never become a character: nothing to wait for */
    {"a\xED\xA0", 3, 3},
    {"a\xFF", 2, 2},
    {"\x80\x80\x80\x80", 4, 4},
    {"\xC3\xA9\x80", 3, 3},
};

START_TEST(a_stream_is_cut_before_a_partial_character)
{
    ck_assert_uint_eq(json_whole_characters(cuts[_i].bytes, cuts[_i].count), cuts[_i].whole);
}
END_TEST

/* Cutting a stream anywhere and joining the strings gives what one string gives. */
START_TEST(pieces_of_a_stream_say_the_same_as_the_whole)
{
    static const char text[] = "h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\xFF\xE2\x82 z";
    size_t count = sizeof(text) - 1;
    char *whole = string_of(text, count);
    for (size_t cut = 0; cut <= count; cut++) {
        size_t first = json_whole_characters(text, cut);
        ck_assert_uint_le(first, cut);
        ck_assert_uint_le(cut - first, 3);
        char *a = string_of(text, first);
        char *b = string_of(text + first, count - first);
        a[strlen(a) - 1] = '\0'; /* without the quotes where they meet */
        size_t a_count = strlen(a);
        ck_assert_int_eq(strncmp(whole, a, a_count), 0);
        ck_assert_str_eq(whole + a_count, b + 1);
        free(a);
        free(b);
    }
    free(whole);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, strings_are_escaped_and_made_utf_8, 0, (int)ARRAY_COUNT(strings));
    tcase_add_test(tcase, any_bytes_make_a_string_that_parses);
    tcase_add_test(tcase, a_string_that_does_not_fit_leaves_nothing);
    tcase_add_loop_test(tcase, milliseconds_have_no_needless_digits, 0, (int)ARRAY_COUNT(times));
    tcase_add_test(tcase, text_and_numbers_are_written_whole);
    tcase_add_loop_test(tcase, a_stream_is_cut_before_a_partial_character, 0,
                        (int)ARRAY_COUNT(cuts));
    tcase_add_test(tcase, pieces_of_a_stream_say_the_same_as_the_whole);
}

int main(void)
{
    return suite_run("json_write", add_tests);
}
