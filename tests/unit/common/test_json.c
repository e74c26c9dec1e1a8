#include <string.h>

#include "json.h"
#include "suite.h"

static struct json_error error;

/* From memory of just the document's size, so that a read beyond it shows. */
static int parse(const char *bytes, size_t count, cJSON **ret_tree)
{
    char *copy = malloc(count > 0 ? count : 1);
    SUITE_VERIFY(copy);
    memcpy(copy, bytes, count);
    memset(&error, 'x', sizeof(error));
    int r = json_parse(copy, count, ret_tree, &error);
    free(copy);
    if (r == -EINVAL) {
        SUITE_VERIFY(memchr(error.pointer, '\0', sizeof(error.pointer)));
        SUITE_VERIFY(memchr(error.text, '\0', sizeof(error.text)));
        SUITE_VERIFY(strlen(error.text) > 0);
        SUITE_VERIFY(error.pointer[0] == '\0' || error.pointer[0] == '/');
    }
    return r;
}

static cJSON *parsed(const char *text)
{
    cJSON *tree = NULL;
    int r = parse(text, strlen(text), &tree);
    ck_assert_msg(r == 0, "%s: %s %s", text, error.pointer, error.text);
    return tree;
}

/* ---- what is refused, where, and what the message says ---- */

static const struct {
    const char *text;
    const char *pointer;
    const char *message; /* a part of it */
} refused[] = {
    {"", "", "expected a JSON document; it ends at byte 0"},
    {" \r\n\t ", "", "it ends at byte 5"},
    {"\xEF\xBB\xBF{}", "", "byte order mark"},
    {"{}{}", "", "nothing more after the document at byte 2"},
    {"{} x", "", "at byte 3"},
    {"nul", "", "expected a value"},
    {"NaN", "", "expected a value"},
    {"Infinity", "", "expected a value"},
    {"-Infinity", "", "expected a digit"},
    {"TRUE", "", "expected a value"},
    {"'a'", "", "expected a value"},
    {"// c\n1", "", "expected a value"},
    {"\v1", "", "expected a value"},
    {"[1,]", "/1", "expected a value"},
    {"[,1]", "/0", "expected a value"},
    {"[1 2]", "/0", "expected ',' or ']'"},
    {"[1", "/0", "expected ',' or ']'"},
    {"[", "/0", "ends too early"},
    {"{", "", "expected a key"},
    {"{1:2}", "", "expected a key"},
    {"{\"a\"}", "/a", "expected ':'"},
    {"{\"a\":}", "/a", "expected a value"},
    {"{\"a\":1,}", "/a", "expected a key"},
    {"{\"a\":1 \"b\":2}", "/a", "expected ',' or '}'"},
    {"{\"a\":[1,{\"b\":x}]}", "/a/1/b", "expected a value"},
    {"{\"a/b\":{\"c~d\":x}}", "/a~1b/c~0d", "expected a value"},
    {"{\"source\":1,\"source\":2}", "/source", "twice"},
    {"{\"a\":1,\"\\u0061\":2}", "/a", "twice"},
    {"[{},{\"b\":{\"x\":1,\"x\":1}}]", "/1/b/x", "twice"},
    {"{\"\":1,\"\":1}", "/", "twice"},
    {"01", "", "begin with 0"},
    {"-01", "", "begin with 0"},
    {"+1", "", "expected a value"},
    {".5", "", "expected a value"},
    {"1.", "", "after the decimal point"},
    {"1.e5", "", "after the decimal point"},
    {"1e", "", "exponent"},
    {"1e+", "", "exponent"},
    {"-", "", "expected a digit"},
    {"0x10", "", "nothing more"},
    {"1_000", "", "nothing more"},
    {"1e999", "", "too large"},
    {"{\"a\":[-1e999]}", "/a/0", "too large"},
    {"\"", "", "has no end"},
    {"\"abc", "", "has no end"},
    {"\"\\", "", "unknown escape"},
    {"\"\\x41\"", "", "unknown escape"},
    {"\"\\'\"", "", "unknown escape"},
    {"\"a\nb\"", "", "must be escaped"},
    {"\"a\tb\"", "", "must be escaped"},
    {"\"a\x01\"", "", "must be escaped"},
    {"\"\\u00\"", "", "four hexadecimal"},
    {"\"\\u00g0\"", "", "four hexadecimal"},
    {"\"\\u", "", "four hexadecimal"},
    {"{\"source\":\"a\\u0000b\"}", "/source", "send the program as text/plain"},
    {"\"\\ud800\"", "", "surrogate"},
    {"\"\\udc00\"", "", "surrogate"},
    {"\"\\udc00\\ud800\"", "", "surrogate"},
    {"\"\\ud800\\ud800\"", "", "surrogate"},
    {"\"\\ud83dx\"", "", "surrogate"},
    {"\"\\ud83d\\n\"", "", "surrogate"},
    {"{\"a\":\"\xFF\"}", "/a", "not UTF-8 at byte 6"},
    {"\"\xC0\x80\"", "", "not UTF-8"},         /* overlong NUL */
    {"\"\xED\xA0\x80\"", "", "not UTF-8"},     /* surrogate */
    {"\"\xF4\x90\x80\x80\"", "", "not UTF-8"}, /* above U+10FFFF */
    {"\"\xE2\x82\"", "", "not UTF-8"},
    {"\"\xE2\x82", "", "not UTF-8"},
    {"\xFF\xFE{", "", "expected a value"}, /* UTF-16 */
    {"{\"\xFF\":1}", "", "not UTF-8"},
    {"{\"a\\u0000\":1}", "", "text/plain"},
};

START_TEST(malformed_documents_are_refused_with_place_and_reason)
{
    cJSON *tree = NULL;
    ck_assert_int_eq(parse(refused[_i].text, strlen(refused[_i].text), &tree), -EINVAL);
    ck_assert_ptr_null(tree);
    ck_assert_str_eq(error.pointer, refused[_i].pointer);
    ck_assert_msg(strstr(error.text, refused[_i].message) != NULL, "%s", error.text);
}
END_TEST

static const struct {
    const char *bytes;
    size_t count;
} raw_refused[] = {
    {"\0", 1},
    {"{}\0", 3},
    {"\"a\0b\"", 5},
    {"{\0}\0", 4},         /* UTF-16, little endian */
    {"\0{\0}", 4},         /* big endian */
    {"\xFE\xFF\0{\0}", 6}, /* with its mark */
    {"t\0r\0u\0e\0", 8},
};

START_TEST(nul_bytes_and_utf_16_are_refused)
{
    cJSON *tree = NULL;
    ck_assert_int_eq(parse(raw_refused[_i].bytes, raw_refused[_i].count, &tree), -EINVAL);
}
END_TEST

static const char *const accepted[] = {
    "{}",
    "[]",
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0e-0",
    "1E5",
    "1e+5",
    "123.456e-7",
    "\"\"",
    " \t\r\n{ \"a\" : [ 1 , { } , [ ] , null ] } \n",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
    "\"\\ud83d\\uDE00\"",
    "\"\xF0\x9F\x98\x80 \xC3\xA9 \x7F \xE2\x80\xA8\"",
    "{\"a\":1,\"A\":2,\"\":3}",
    "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", /* 16 deep */
};

START_TEST(what_rfc_8259_allows_is_accepted)
{
    cJSON_Delete(parsed(accepted[_i]));
}
END_TEST

START_TEST(strings_are_decoded)
{
    cJSON *tree = parsed("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\xE2\x82\xAC\"");
    ck_assert_str_eq(tree->valuestring, "\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80\xE2\x82\xAC");
    cJSON_Delete(tree);
}
END_TEST

/* ---- limits ---- */

static char *repeated(const char *piece, size_t times, const char *before, const char *after)
{
    size_t piece_count = strlen(piece);
    char *text = malloc(strlen(before) + times * piece_count + strlen(after) + 1);
    ck_assert_ptr_nonnull(text);
    char *at = text + strlen(before);
    memcpy(text, before, strlen(before));
    for (size_t i = 0; i < times; i++, at += piece_count)
        memcpy(at, piece, piece_count);
    memcpy(at, after, strlen(after) + 1);
    return text;
}

static void verify_result(const char *text, int result, const char *message)
{
    cJSON *tree = NULL;
    int r = parse(text, strlen(text), &tree);
    ck_assert_int_eq(r, result);
    if (r < 0)
        ck_assert_msg(strstr(error.text, message) != NULL, "%s", error.text);
    cJSON_Delete(tree);
}

START_TEST(depth_is_limited_and_checked_cheaply)
{
    static const char *const openers[] = {"[", "{\"a\":", "[{\"a\":"};
    verify_result("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", -EINVAL, "nested deeper than 16");
    for (size_t i = 0; i < ARRAY_COUNT(openers); i++) {
        char *text = repeated(openers[i], 100000, "", "");
        verify_result(text, -EINVAL, "nested deeper than 16");
        free(text);
    }
    char *text = repeated("[", 1 << 20, "", "");
    verify_result(text, -EINVAL, "at byte 16");
    ck_assert_str_eq(error.pointer, "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0");
    free(text);
}
END_TEST

START_TEST(numbers_are_limited_in_length)
{
    char *text = repeated("1", JSON_NUMBER_CHARS_MAX, "", "");
    verify_result(text, 0, "");
    free(text);
    text = repeated("1", JSON_NUMBER_CHARS_MAX + 1, "", "");
    verify_result(text, -EINVAL, "more than 63 characters");
    free(text);
    text = repeated("9", 1000000, "[-0.", "]");
    verify_result(text, -EINVAL, "more than 63 characters");
    free(text);
}
END_TEST

START_TEST(values_are_limited_in_number)
{
    char *text = repeated("0,", JSON_VALUES_MAX - 2, "[", "0]"); /* the array counts as well */
    verify_result(text, 0, "");
    free(text);
    text = repeated("0,", JSON_VALUES_MAX - 1, "[", "0]");
    verify_result(text, -EINVAL, "more than 16384 values");
    free(text);
}
END_TEST

START_TEST(keys_are_limited_in_number_and_length)
{
    for (int count = JSON_KEYS_MAX; count <= JSON_KEYS_MAX + 1; count++) {
        struct buffer text;
        buffer_init(&text, 100000);
        for (int i = 0; i < count; i++)
            ck_assert_int_eq(buffer_append_format(&text, "%s\"k%d\":%d", i ? "," : "{", i, i), 0);
        ck_assert_int_eq(buffer_append(&text, "}\0", 2), 0);
        verify_result(buffer_data(&text), count > JSON_KEYS_MAX ? -EINVAL : 0, "128 keys");
        buffer_done(&text);
    }
    char *text = repeated("k", JSON_KEY_BYTES_MAX, "{\"", "\":1}");
    verify_result(text, 0, "");
    free(text);
    text = repeated("k", JSON_KEY_BYTES_MAX + 1, "{\"", "\":1}");
    verify_result(text, -EINVAL, "a key has more than 512 bytes");
    free(text);
}
END_TEST

START_TEST(a_pointer_that_has_no_room_says_so)
{
    char *text = repeated("k", 200, "{\"a\":{\"", "\":[[x]]}}");
    verify_result(text, -EINVAL, "expected a value");
    ck_assert_str_eq(error.pointer, "/a/\xE2\x80\xA6");
    free(text);
    text = repeated("~", 45, "{\"a\":{\"", "\":[[x]]}}"); /* 90 letters when escaped */
    verify_result(text, -EINVAL, "expected a value");
    ck_assert_str_eq(error.pointer, "/a/\xE2\x80\xA6");
    free(text);
}
END_TEST

/* ---- random damage: every document is parsed or refused, never both or neither ---- */

START_TEST(damaged_documents_are_refused_or_parsed)
{
    static const char good[] =
        "{\"source\":\"print \\\"h\\u00e9\\\";\\n\",\"cases\":[{\"input\":\"1\"},"
        "{}],\"limits\":{\"steps\":1e3,\"wall_ms\":250.0,\"x\":null}}";
    static const char pieces[] = "{}[]\",:\\u0dD8eE+-.019truefalsn \xC3\xA9\xFF";
    unsigned long long state = 3;
    unsigned good_count = 0;
    for (int round = 0; round < 60000; round++) {
        char text[sizeof(good)];
        memcpy(text, good, sizeof(good));
        size_t count = sizeof(good) - 1;
        for (unsigned i = suite_random(&state) % 3 + 1; i > 0; i--)
            text[suite_random(&state) % count] =
                pieces[suite_random(&state) % (sizeof(pieces) - 1)];
        if (suite_random(&state) % 4 == 0)
            count = suite_random(&state) % count;
        cJSON *tree = NULL;
        int r = parse(text, count, &tree);
        SUITE_VERIFY(r == 0 || r == -EINVAL); /* -ENOMEM: cJSON refused what the scan let through */
        SUITE_VERIFY((r == 0) == (tree != NULL));
        good_count += r == 0;
        cJSON_Delete(tree);
    }
    ck_assert_uint_gt(good_count, 1000);
}
END_TEST

static void *no_memory(size_t bytes)
{
    (void)bytes;
    return NULL;
}

START_TEST(a_lack_of_memory_is_told)
{
    cJSON_Hooks hooks = {.malloc_fn = no_memory, .free_fn = free};
    cJSON_InitHooks(&hooks);
    cJSON *tree = NULL;
    ck_assert_int_eq(parse("{}", 2, &tree), -ENOMEM);
    cJSON_InitHooks(NULL);
}
END_TEST

/* ---- getters ---- */

static const struct {
    const char *text;
    int result;
    uint64_t value;
} uints[] = {
    {"{\"n\":0}", 0, 0},
    {"{\"n\":-0}", 0, 0},
    {"{\"n\":7}", 0, 7},
    {"{\"n\":1e3}", 0, 1000},
    {"{\"n\":2.0}", 0, 2},
    {"{\"n\":9007199254740991}", 0, 9007199254740991},
    {"{\"n\":9007199254740992}", -EINVAL, 0},
    {"{\"n\":9007199254740993}", -EINVAL, 0},
    {"{\"n\":-1}", -EINVAL, 0},
    {"{\"n\":0.5}", -EINVAL, 0},
    {"{\"n\":1e300}", -EINVAL, 0},
    {"{\"n\":\"7\"}", -EINVAL, 0},
    {"{\"n\":null}", -EINVAL, 0},
    {"{\"n\":true}", -EINVAL, 0},
    {"{\"n\":[7]}", -EINVAL, 0},
    {"{}", 0, 4711}, /* missing: unchanged */
    {"{\"N\":7}", 0, 4711},
};

START_TEST(get_uint_takes_integers_up_to_2_53_less_one)
{
    cJSON *tree = parsed(uints[_i].text);
    uint64_t value = 4711;
    ck_assert_int_eq(json_get_uint(tree, "/limits", "n", &value, &error), uints[_i].result);
    if (uints[_i].result == 0) {
        ck_assert_uint_eq(value, uints[_i].value);
    } else {
        ck_assert_uint_eq(value, 4711);
        ck_assert_str_eq(error.pointer, "/limits/n");
        ck_assert_ptr_nonnull(strstr(error.text, "integer from 0 to 9007199254740991"));
    }
    cJSON_Delete(tree);
}
END_TEST

START_TEST(get_string_takes_strings_only)
{
    cJSON *tree = parsed("{\"s\":\"text\",\"n\":1,\"z\":null}");
    const char *text = NULL;
    ck_assert_int_eq(json_get_string(tree, "", "missing", &text, &error), 0);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(json_get_string(tree, "", "s", &text, &error), 0);
    ck_assert_str_eq(text, "text");
    ck_assert_int_eq(json_get_string(tree, "", "n", &text, &error), -EINVAL);
    ck_assert_str_eq(error.pointer, "/n");
    ck_assert_int_eq(json_get_string(tree, "", "z", &text, &error), -EINVAL);
    ck_assert_str_eq(text, "text");
    cJSON_Delete(tree);
}
END_TEST

START_TEST(getters_want_an_object)
{
    static const char *const known[] = {"a", NULL};
    cJSON *tree = parsed("[1]");
    uint64_t number = 0;
    const char *text = NULL;
    ck_assert_int_eq(json_get_uint(tree, "/x", "a", &number, &error), -EINVAL);
    ck_assert_str_eq(error.pointer, "/x");
    ck_assert_int_eq(json_get_string(tree, "/x", "a", &text, &error), -EINVAL);
    ck_assert_int_eq(json_check_keys(tree, "/x", known, &error), -EINVAL);
    ck_assert_str_eq(error.text, "must be an object");
    cJSON_Delete(tree);
}
END_TEST

START_TEST(an_unknown_key_is_refused_by_name_with_the_known_ones)
{
    static const char *const known[] = {"source", "input", NULL};
    cJSON *tree = parsed("{\"input\":1,\"sorce\":2}");
    ck_assert_int_eq(json_check_keys(tree, "", known, &error), -EINVAL);
    ck_assert_str_eq(error.pointer, "/sorce");
    ck_assert_str_eq(error.text, "unknown key; known are source, input");
    cJSON_Delete(tree);

    tree = parsed("{\"source\":1,\"input\":1}");
    ck_assert_int_eq(json_check_keys(tree, "", known, &error), 0);
    cJSON_Delete(tree);
    tree = parsed("{}");
    ck_assert_int_eq(json_check_keys(tree, "", known, &error), 0);
    cJSON_Delete(tree);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, malformed_documents_are_refused_with_place_and_reason, 0,
                        (int)ARRAY_COUNT(refused));
    tcase_add_loop_test(tcase, nul_bytes_and_utf_16_are_refused, 0, (int)ARRAY_COUNT(raw_refused));
    tcase_add_loop_test(tcase, what_rfc_8259_allows_is_accepted, 0, (int)ARRAY_COUNT(accepted));
    tcase_add_test(tcase, strings_are_decoded);
    tcase_add_test(tcase, depth_is_limited_and_checked_cheaply);
    tcase_add_test(tcase, numbers_are_limited_in_length);
    tcase_add_test(tcase, values_are_limited_in_number);
    tcase_add_test(tcase, keys_are_limited_in_number_and_length);
    tcase_add_test(tcase, a_pointer_that_has_no_room_says_so);
    tcase_add_test(tcase, damaged_documents_are_refused_or_parsed);
    tcase_add_test(tcase, a_lack_of_memory_is_told);
    tcase_add_loop_test(tcase, get_uint_takes_integers_up_to_2_53_less_one, 0,
                        (int)ARRAY_COUNT(uints));
    tcase_add_test(tcase, get_string_takes_strings_only);
    tcase_add_test(tcase, getters_want_an_object);
    tcase_add_test(tcase, an_unknown_key_is_refused_by_name_with_the_known_ones);
}

int main(void)
{
    return suite_run("json", add_tests);
}
