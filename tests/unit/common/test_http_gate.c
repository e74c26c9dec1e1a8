#include <stdio.h>
#include <string.h>

#include "http_gate.h"
#include "suite.h"

enum { HEAD_MAX = 1024, TARGET_MAX = 64 };

static struct http_head *head;
static struct http_refusal refusal;

/* Exactly as many bytes as there are, so that reading past them shows under a sanitizer. */
static enum http_gate_result gate(const char *text, size_t count)
{
    char *bytes = malloc(count ? count : 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, text, count);
    http_head_free(head);
    head = NULL;
    enum http_gate_result result =
        http_gate_read(bytes, count, HEAD_MAX, TARGET_MAX, &head, &refusal);
    free(bytes);
    return result;
}

static void teardown(void)
{
    http_head_free(head);
}

START_TEST(a_whole_head_is_read)
{
    static const char text[] = "POST /execute?a=b HTTP/1.1\r\nHost: x:80\r\n"
                               "Content-Length: 5\r\nX-Two:\t a  b \r\nx-two: c\r\n\r\nhello";
    ck_assert_int_eq(gate(text, sizeof(text) - 1), HTTP_GATE_PASS);
    ck_assert_str_eq(head->method, "POST");
    ck_assert_str_eq(head->path, "/execute");
    ck_assert_str_eq(head->query, "a=b");
    ck_assert(head->is_1_1);
    ck_assert(!head->chunked);
    ck_assert_uint_eq(head->body_bytes, 5);
    ck_assert_uint_eq(head->bytes, sizeof(text) - 1 - 5);
    ck_assert_str_eq(http_head_find(head, "x-TWO"), "a  b");
    ck_assert_ptr_null(http_head_find(head, "absent"));
    ck_assert(http_head_has_body(head));
}
END_TEST

START_TEST(every_part_of_a_head_asks_for_more)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n";
    for (size_t count = 0; count < sizeof(text) - 1; count++)
        ck_assert_msg(gate(text, count) == HTTP_GATE_MORE, "%zu bytes", count);
    ck_assert_int_eq(gate(text, sizeof(text) - 1), HTTP_GATE_PASS);
    ck_assert_str_eq(head->query, "");
    ck_assert(!http_head_has_body(head));
}
END_TEST

/* Each stands alone, or after a good request line and Host. */
static const struct {
    const char *text;
    enum problem problem;
} bad_lines[] = {
    {"", PROBLEM_MALFORMED},
    {"GET", PROBLEM_MALFORMED},
    {"GET /", PROBLEM_MALFORMED},
    {"GET  / HTTP/1.1", PROBLEM_MALFORMED},
    {"GET / HTTP/1.1 ", PROBLEM_MALFORMED},
    {" GET / HTTP/1.1", PROBLEM_MALFORMED},
    {"GET\t/ HTTP/1.1", PROBLEM_MALFORMED},
    {"GE T / HTTP/1.1", PROBLEM_MALFORMED},
    {"G(T / HTTP/1.1", PROBLEM_MALFORMED},
    {"GET / HTTP/2.0", PROBLEM_MALFORMED},
    {"GET / HTTP/1.2", PROBLEM_MALFORMED},
    {"GET / http/1.1", PROBLEM_MALFORMED},
    {"GET / HTTP/1.1x", PROBLEM_MALFORMED},
    {"GET http://x/ HTTP/1.1", PROBLEM_MALFORMED},
    {"GET execute HTTP/1.1", PROBLEM_MALFORMED},
    {"GET /#a HTTP/1.1", PROBLEM_MALFORMED},
    {"GET /\x7f HTTP/1.1", PROBLEM_MALFORMED},
    {"GET /\xc3\xa4 HTTP/1.1", PROBLEM_MALFORMED},
    {"GET /a\rb HTTP/1.1", PROBLEM_MALFORMED},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", PROBLEM_MALFORMED},
};

START_TEST(request_lines_of_another_form_are_refused)
{
    char text[256];
    int count = snprintf(text, sizeof(text), "%s\r\nHost: x\r\n\r\n", bad_lines[_i].text);
    ck_assert_int_eq(gate(text, (size_t)count), HTTP_GATE_REFUSE);
    ck_assert_int_eq(refusal.problem, bad_lines[_i].problem);
    ck_assert_ptr_nonnull(refusal.detail);
}
END_TEST

#define BYTES(text_) .text = (text_), .count = sizeof(text_) - 1
static const struct {
    const char *text;
    size_t count;
    enum problem problem;
} bad_headers[] = {
    {BYTES("Content-Length: 5\r\nContent-Length: 5\r\n"), PROBLEM_MALFORMED},
    {BYTES("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), PROBLEM_MALFORMED},
    {BYTES("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), PROBLEM_MALFORMED},
    {BYTES("Transfer-Encoding: xchunked\r\n"), PROBLEM_MALFORMED},
    {BYTES("Transfer-Encoding: gzip, chunked\r\n"), PROBLEM_MALFORMED},
    {BYTES("Transfer-Encoding: chunked, identity\r\n"), PROBLEM_MALFORMED},
    {BYTES("Transfer-Encoding:\r\n"), PROBLEM_MALFORMED},
    {BYTES("Transfer-Encoding : chunked\r\n"), PROBLEM_MALFORMED},
    {BYTES("Transfer-Encoding\t: chunked\r\n"), PROBLEM_MALFORMED},
    {BYTES("Content-Length: +5\r\n"), PROBLEM_MALFORMED},
    {BYTES("Content-Length: -5\r\n"), PROBLEM_MALFORMED},
    {BYTES("Content-Length: 5, 5\r\n"), PROBLEM_MALFORMED},
    {BYTES("Content-Length: 0x5\r\n"), PROBLEM_MALFORMED},
    {BYTES("Content-Length: 5 5\r\n"), PROBLEM_MALFORMED},
    {BYTES("Content-Length:\r\n"), PROBLEM_MALFORMED},
    {BYTES("Content-Length: 18446744073709551616\r\n"), PROBLEM_BODY_TOO_LARGE},
    {BYTES("Content-Length: 99999999999999999999999999\r\n"), PROBLEM_BODY_TOO_LARGE},
    {BYTES("Host: y\r\n"), PROBLEM_MALFORMED},
    {BYTES("hOST: x\r\n"), PROBLEM_MALFORMED},
    {BYTES("A: 1\r\n folded\r\n"), PROBLEM_MALFORMED},
    {BYTES("A: 1\r\n\tfolded\r\n"), PROBLEM_MALFORMED},
    {BYTES("A b: 1\r\n"), PROBLEM_MALFORMED},
    {BYTES("A\x80: 1\r\n"), PROBLEM_MALFORMED},
    {BYTES(": 1\r\n"), PROBLEM_MALFORMED},
    {BYTES("A\r\n"), PROBLEM_MALFORMED},
    {BYTES("A: 1\n"), PROBLEM_MALFORMED},
    {BYTES("A: 1\rB: 2\r\n"), PROBLEM_MALFORMED},
    {BYTES("A: 1\r\r\n"), PROBLEM_MALFORMED},
    {BYTES("A: b\0c\r\n"), PROBLEM_MALFORMED},
    {BYTES("A\0: b\r\n"), PROBLEM_MALFORMED},
    {BYTES("A: \x01\r\n"), PROBLEM_MALFORMED},
    {BYTES("A: \x7f\r\n"), PROBLEM_MALFORMED},
    {BYTES("Authorization: a\r\nAuthorization: b\r\n"), PROBLEM_MALFORMED},
    {BYTES("Content-Type: a/b\r\ncontent-type: c/d\r\n"), PROBLEM_MALFORMED},
    {BYTES("Expect: 200-ok\r\n"), PROBLEM_EXPECTATION_FAILED},
    {BYTES("Expect:\r\n"), PROBLEM_EXPECTATION_FAILED},
    {BYTES("Content-Encoding: gzip\r\n"), PROBLEM_UNSUPPORTED_MEDIA_TYPE},
    {BYTES("Content-Encoding: br\r\n"), PROBLEM_UNSUPPORTED_MEDIA_TYPE},
    {BYTES("Content-Encoding: identity, deflate\r\n"), PROBLEM_UNSUPPORTED_MEDIA_TYPE},
};

START_TEST(ambiguous_or_unwanted_headers_are_refused)
{
    static const char start[] = "POST / HTTP/1.1\r\nHost: x\r\n";
    char text[512];
    size_t count = sizeof(start) - 1;
    memcpy(text, start, count);
    memcpy(text + count, bad_headers[_i].text, bad_headers[_i].count);
    count += bad_headers[_i].count;
    memcpy(text + count, "\r\n", 2);
    ck_assert_int_eq(gate(text, count + 2), HTTP_GATE_REFUSE);
    ck_assert_int_eq(refusal.problem, bad_headers[_i].problem);
}
END_TEST

static const char *const good_heads[] = {
    "GET / HTTP/1.0\r\n\r\n",
    "GET /a%41 HTTP/1.1\r\nHost: x\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET //a/../b?c?d HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ChunKed \r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0005\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nA:\r\nB: \t\r\nC: \xc3\xa4\tb\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: Identity\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nAccept: a\r\nAccept: b\r\n\r\n",
};

START_TEST(unusual_but_clear_heads_pass)
{
    ck_assert_int_eq(gate(good_heads[_i], strlen(good_heads[_i])), HTTP_GATE_PASS);
}
END_TEST

START_TEST(a_missing_host_is_refused_in_1_1_only)
{
    static const char text[] = "GET / HTTP/1.1\r\n\r\n";
    ck_assert_int_eq(gate(text, sizeof(text) - 1), HTTP_GATE_REFUSE);
    static const char empty[] = "GET / HTTP/1.1\r\nHost: \r\n\r\n";
    ck_assert_int_eq(gate(empty, sizeof(empty) - 1), HTTP_GATE_REFUSE);
    static const char user[] = "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n";
    ck_assert_int_eq(gate(user, sizeof(user) - 1), HTTP_GATE_REFUSE);
    static const char old[] = "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    ck_assert_int_eq(gate(old, sizeof(old) - 1), HTTP_GATE_REFUSE);
}
END_TEST

START_TEST(a_line_without_carriage_return_is_refused_before_the_head_is_whole)
{
    ck_assert_int_eq(gate("GET / HTTP/1.1\n", 15), HTTP_GATE_REFUSE);
    ck_assert_int_eq(gate("\n", 1), HTTP_GATE_REFUSE);
    ck_assert_int_eq(gate("\r\n", 2), HTTP_GATE_REFUSE);
}
END_TEST

/* ---- sizes: at the limit, one more, nothing ---- */

static size_t write_target(char *text, size_t target_bytes)
{
    memcpy(text, "GET /", 5);
    memset(text + 5, 'a', target_bytes - 1);
    static const char rest[] = " HTTP/1.1\r\nHost: x\r\n\r\n";
    memcpy(text + 4 + target_bytes, rest, sizeof(rest) - 1);
    return 4 + target_bytes + sizeof(rest) - 1;
}

START_TEST(a_target_may_be_as_long_as_the_limit_and_no_longer)
{
    char text[2 * HEAD_MAX];
    ck_assert_int_eq(gate(text, write_target(text, TARGET_MAX)), HTTP_GATE_PASS);
    ck_assert_int_eq(gate(text, write_target(text, TARGET_MAX + 1)), HTTP_GATE_REFUSE);
    ck_assert_int_eq(refusal.problem, PROBLEM_TARGET_TOO_LONG);
    /* One without an end is refused as soon as it cannot end well any more. */
    memset(text, 'a', sizeof(text));
    memcpy(text, "GET /", 5);
    ck_assert_int_eq(gate(text, 2 * TARGET_MAX), HTTP_GATE_REFUSE);
    ck_assert_int_eq(refusal.problem, PROBLEM_TARGET_TOO_LONG);
}
END_TEST

static size_t write_head(char *text, size_t head_bytes)
{
    static const char start[] = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
    memcpy(text, start, sizeof(start) - 1);
    memset(text + sizeof(start) - 1, 'a', head_bytes - (sizeof(start) - 1) - 4);
    memcpy(text + head_bytes - 4, "\r\n\r\n", 4);
    return head_bytes;
}

START_TEST(a_head_may_be_as_long_as_the_limit_and_no_longer)
{
    char text[2 * HEAD_MAX];
    ck_assert_int_eq(gate(text, write_head(text, HEAD_MAX)), HTTP_GATE_PASS);
    ck_assert_int_eq(gate(text, write_head(text, HEAD_MAX + 1)), HTTP_GATE_REFUSE);
    ck_assert_int_eq(refusal.problem, PROBLEM_HEADERS_TOO_LARGE);
    (void)write_head(text, 2 * HEAD_MAX);
    ck_assert_int_eq(gate(text, HEAD_MAX), HTTP_GATE_MORE);
    ck_assert_int_eq(gate(text, HEAD_MAX + 1), HTTP_GATE_REFUSE);
    ck_assert_int_eq(refusal.problem, PROBLEM_HEADERS_TOO_LARGE);
}
END_TEST

START_TEST(there_may_be_as_many_headers_as_the_limit_and_no_more)
{
    char text[HEAD_MAX];
    size_t count = 0;
    static const char start[] = "GET / HTTP/1.1\r\nHost: x\r\n";
    memcpy(text, start, sizeof(start) - 1);
    count = sizeof(start) - 1;
    for (int i = 1; i < HTTP_GATE_HEADERS_MAX; i++, count += 4)
        memcpy(text + count, "A:\r\n", 4);
    memcpy(text + count, "\r\n", 2);
    ck_assert_int_eq(gate(text, count + 2), HTTP_GATE_PASS);
    ck_assert_uint_eq(head->header_count, HTTP_GATE_HEADERS_MAX);
    memcpy(text + count, "A:\r\n\r\n", 6);
    ck_assert_int_eq(gate(text, count + 6), HTTP_GATE_REFUSE);
    ck_assert_int_eq(refusal.problem, PROBLEM_HEADERS_TOO_LARGE);
}
END_TEST

START_TEST(random_damage_never_gives_a_head_with_two_readings)
{
    static const char text[] = "POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n"
                               "Expect: 100-continue\r\nAccept: */*\r\n\r\n";
    static const char damage[] = "\r\n\t :,\0;x0\x80";
    unsigned long long state = (unsigned long long)_i;
    for (int round = 0; round < 2000; round++) {
        char bytes[sizeof(text)];
        memcpy(bytes, text, sizeof(text));
        for (unsigned changes = 1 + suite_random(&state) % 3; changes > 0; changes--)
            bytes[suite_random(&state) % (sizeof(text) - 1)] =
                damage[suite_random(&state) % (sizeof(damage) - 1)];
        if (gate(bytes, sizeof(text) - 1) != HTTP_GATE_PASS)
            continue;
        ck_assert_uint_le(head->bytes, sizeof(text) - 1);
        ck_assert_mem_eq(bytes + head->bytes - 4, "\r\n\r\n", 4);
        ck_assert(!memchr(bytes, '\0', head->bytes));
        ck_assert(!(head->chunked && head->body_bytes > 0));
        ck_assert_ptr_nonnull(http_head_find(head, "Host"));
    }
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, a_whole_head_is_read);
    tcase_add_test(tcase, every_part_of_a_head_asks_for_more);
    tcase_add_loop_test(tcase, request_lines_of_another_form_are_refused, 0,
                        (int)ARRAY_COUNT(bad_lines));
    tcase_add_loop_test(tcase, ambiguous_or_unwanted_headers_are_refused, 0,
                        (int)ARRAY_COUNT(bad_headers));
    tcase_add_loop_test(tcase, unusual_but_clear_heads_pass, 0, (int)ARRAY_COUNT(good_heads));
    tcase_add_test(tcase, a_missing_host_is_refused_in_1_1_only);
    tcase_add_test(tcase, a_line_without_carriage_return_is_refused_before_the_head_is_whole);
    tcase_add_test(tcase, a_target_may_be_as_long_as_the_limit_and_no_longer);
    tcase_add_test(tcase, a_head_may_be_as_long_as_the_limit_and_no_longer);
    tcase_add_test(tcase, there_may_be_as_many_headers_as_the_limit_and_no_more);
    tcase_add_loop_test(tcase, random_damage_never_gives_a_head_with_two_readings, 0, 10);
}

int main(void)
{
    return suite_run("http_gate", add_tests);
}
