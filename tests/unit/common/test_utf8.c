#include "suite.h"
#include "utf8.h"

static size_t encode(uint32_t code_point, char bytes[4])
{
    if (code_point < 0x80) {
        bytes[0] = (char)code_point;
        return 1;
    }
    size_t count = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const unsigned leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = count - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    bytes[0] = (char)(leads[count] | code_point);
    return count;
}

/* Failures are counted: millions of ck_assert would take longer than all other tests. */

START_TEST(every_code_point_but_surrogates_is_decoded)
{
    unsigned failed_count = 0;
    for (uint32_t code_point = 0; code_point <= 0x110100; code_point++) {
        char bytes[4];
        size_t count = encode(code_point, bytes);
        struct utf8_step step = utf8_next(bytes, count);
        if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF))
            failed_count += step.kind != UTF8_INVALID || step.count != 1;
        else
            failed_count +=
                step.kind != UTF8_VALID || step.count != count || step.code_point != code_point;
    }
    ck_assert_uint_eq(failed_count, 0);
}
END_TEST

/* Bytes at the edges of what may follow a lead. */
static const unsigned char edges[] = {0x41, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
enum { EDGES = sizeof(edges), CONTINUATION_EDGES = 2 };

START_TEST(no_other_sequence_of_two_or_three_bytes_is_valid)
{
    unsigned counts[5] = {0};
    for (unsigned all = 0; all < 0x10000 * EDGES; all++) {
        char bytes[3] = {(char)(all / EDGES >> 8), (char)(all / EDGES), (char)edges[all % EDGES]};
        struct utf8_step step = utf8_next(bytes, 3);
        if (step.kind == UTF8_VALID)
            counts[step.count]++;
    }
    ck_assert_uint_eq(counts[1], 128U * 256 * EDGES);
    ck_assert_uint_eq(counts[2], (0x800U - 0x80) * EDGES);
    ck_assert_uint_eq(counts[3], (0x10000U - 0x800 - 0x800) / 64 * CONTINUATION_EDGES);
    ck_assert_uint_eq(counts[4], 0);
}
END_TEST

START_TEST(no_other_sequence_of_four_bytes_is_valid)
{
    unsigned four_count = 0;
    for (unsigned all = 0; all < 0x10000 * EDGES * EDGES; all++) {
        unsigned pair = all / (EDGES * EDGES);
        char bytes[4] = {(char)(pair >> 8), (char)pair, (char)edges[all / EDGES % EDGES],
                         (char)edges[all % EDGES]};
        struct utf8_step step = utf8_next(bytes, 4);
        four_count += step.kind == UTF8_VALID && step.count == 4;
    }
    ck_assert_uint_eq(four_count, 0x100000U / 4096 * CONTINUATION_EDGES * CONTINUATION_EDGES);
}
END_TEST

static const struct {
    const char *bytes;
    size_t count;
    enum utf8_kind kind;
    size_t step;
} rows[] = {
    {"\xC3", 1, UTF8_PARTIAL, 1},
    {"\xE2\x82", 2, UTF8_PARTIAL, 2},
    {"\xF0\x9F\x98", 3, UTF8_PARTIAL, 3},
    {"\xE0\x80", 2, UTF8_INVALID, 1},         /* overlong: never a beginning */
    {"\xED\xA0", 2, UTF8_INVALID, 1},         /* surrogate */
    {"\xF4\x90", 2, UTF8_INVALID, 1},         /* above U+10FFFF */
    {"\xC0\xAF", 2, UTF8_INVALID, 1},         /* overlong slash */
    {"\xF5\x80\x80\x80", 4, UTF8_INVALID, 1}, /* no such lead */
    {"\x80", 1, UTF8_INVALID, 1},
    {"\xE2\x82\x41", 3, UTF8_INVALID, 2}, /* the maximal subpart, then 'A' */
    {"\xF0\x9F\x98\x41", 4, UTF8_INVALID, 3},
    {"\xF1\x80\xE1", 3, UTF8_INVALID, 2},
};

START_TEST(broken_sequences_end_at_their_maximal_subpart)
{
    struct utf8_step step = utf8_next(rows[_i].bytes, rows[_i].count);
    ck_assert_int_eq(step.kind, rows[_i].kind);
    ck_assert_uint_eq(step.count, rows[_i].step);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_code_point_but_surrogates_is_decoded);
    tcase_add_test(tcase, no_other_sequence_of_two_or_three_bytes_is_valid);
    tcase_add_test(tcase, no_other_sequence_of_four_bytes_is_valid);
    tcase_add_loop_test(tcase, broken_sequences_end_at_their_maximal_subpart, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
}

int main(void)
{
    return suite_run("utf8", add_tests);
}
