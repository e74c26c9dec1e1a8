#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "attributes.h"
#include "frame.h"
#include "suite.h"

/* ---- one row a kind of frame: how to make one, how to read it, how to compare ---- */

union any_frame {
    struct frame_hello hello;
    struct frame_armed armed;
    struct frame_start start;
    struct frame_started started;
    struct frame_result result;
    struct frame_diagnostic diagnostic;
};

enum { FRAME_BYTES_MAX = FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX };

static unsigned long long seed = 7;
static char letters[FRAME_TEXT_MAX + 8];

static uint64_t any_u64(void)
{
    static const uint64_t edges[] = {0, 1, 255, 256, UINT32_MAX, 1ULL << 32, UINT64_MAX};
    unsigned pick = suite_random(&seed) % (2 * ARRAY_COUNT(edges));
    if (pick < ARRAY_COUNT(edges))
        return edges[pick];
    return (uint64_t)suite_random(&seed) << 33 ^ (uint64_t)suite_random(&seed) << 11 ^
           suite_random(&seed);
}

static uint32_t any_u32(void)
{
    return (uint32_t)any_u64();
}

static struct frame_text any_text(uint32_t max)
{
    uint32_t counts[] = {0, 1, max, suite_random(&seed) % (max + 1)};
    uint32_t count = counts[suite_random(&seed) % ARRAY_COUNT(counts)];
    return (struct frame_text){count > 0 ? letters : "", count};
}

static void make_hello(union any_frame *to)
{
    for (unsigned i = 0; i < 4; i++)
        to->hello.token[i] = any_u64();
    to->hello.build = any_u32();
}

static void make_armed(union any_frame *to)
{
    to->armed.layers = any_u32() & (layer_set)((1ULL << LAYER_COUNT) - 1);
    to->armed.landlock_abi = any_u32();
}

static void make_start(union any_frame *to)
{
    to->start = (struct frame_start){
        .mode = suite_random(&seed) % 2 ? FRAME_MODE_CHECK : FRAME_MODE_RUN,
        .nonce = any_u64(),
        .limits = {any_u64(), any_u64(), any_u64(), any_u32(), any_u32(), any_u32()},
        .source_bytes = any_u32(),
        .input_bytes = any_u32(),
    };
}

static void make_started(union any_frame *to)
{
    to->started.nonce = any_u64();
}

static void make_result(union any_frame *to)
{
    static const char *const pods[] = {"", "a", "trytok-runner-7f9c.0"};
    const char *pod = pods[suite_random(&seed) % ARRAY_COUNT(pods)];
    to->result = (struct frame_result){
        .nonce = any_u64(),
        .verdict = (enum verdict)(suite_random(&seed) % VERDICT_COUNT),
        .truncated = suite_random(&seed) % 2 == 1,
        .steps = any_u64(),
        .memory_peak_bytes = any_u64(),
        .queue_us = any_u64(),
        .wall_us = any_u64(),
        .cpu_us = any_u64(),
        .layers = any_u32() & (layer_set)((1ULL << LAYER_COUNT) - 1),
        .backend = {"process", 7},
        .pod = {pod, (uint32_t)strlen(pod)},
    };
}

static void make_diagnostic(union any_frame *to)
{
    uint32_t counts[] = {0, 1, 3, FRAME_TRACE_MAX};
    to->diagnostic = (struct frame_diagnostic){
        .severity = (uint8_t)(suite_random(&seed) % 2),
        .line = any_u32(),
        .column = any_u32(),
        .length = any_u32(),
        .message = any_text(FRAME_TEXT_MAX),
        .text = any_text(FRAME_TEXT_MAX),
        .trace_count = counts[suite_random(&seed) % ARRAY_COUNT(counts)],
        .trace_omitted = any_u32(),
    };
    for (uint32_t i = 0; i < to->diagnostic.trace_count; i++)
        to->diagnostic.trace[i] =
            (struct frame_trace_line){any_u32(), any_text(FRAME_FUNCTION_MAX)};
}

#define CODEC(kind)                                                                                \
    static size_t encode_##kind(uint8_t *to, const union any_frame *frame)                         \
    {                                                                                              \
        return frame_encode_##kind(to, &frame->kind);                                              \
    }                                                                                              \
    static int decode_##kind(const uint8_t *payload, size_t count, union any_frame *ret)           \
    {                                                                                              \
        return frame_decode_##kind(payload, count, &ret->kind);                                    \
    }
CODEC(hello)
CODEC(armed)
CODEC(start)
CODEC(started)
CODEC(result)
CODEC(diagnostic)
#undef CODEC

static const struct codec {
    enum frame_type type;
    void (*make)(union any_frame *to);
    size_t (*encode)(uint8_t *to, const union any_frame *frame);
    int (*decode)(const uint8_t *payload, size_t count, union any_frame *ret);
} codecs[] = {
    {FRAME_HELLO, make_hello, encode_hello, decode_hello},
    {FRAME_ARMED, make_armed, encode_armed, decode_armed},
    {FRAME_START, make_start, encode_start, decode_start},
    {FRAME_STARTED, make_started, encode_started, decode_started},
    {FRAME_RESULT, make_result, encode_result, decode_result},
    {FRAME_DIAGNOSTIC, make_diagnostic, encode_diagnostic, decode_diagnostic},
};
static const int codec_count = (int)ARRAY_COUNT(codecs);

/* A payload in memory of just its size, so that the address sanitizer sees a read beyond it. */
static uint8_t *exact_copy(const uint8_t *bytes, size_t count)
{
    uint8_t *copy = malloc(count > 0 ? count : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, count);
    return copy;
}

static void verify_text_within(struct frame_text text, uint32_t max, const uint8_t *payload,
                               size_t count)
{
    SUITE_VERIFY(text.count <= max);
    if (text.count == 0)
        return;
    const uint8_t *bytes = (const uint8_t *)text.bytes;
    SUITE_VERIFY(bytes >= payload);
    SUITE_VERIFY(bytes + text.count <= payload + count);
}

/* What a decoder lets through is in range, whoever made it. */
static void verify_in_range(enum frame_type type, const union any_frame *frame,
                            const uint8_t *payload, size_t count)
{
    if (type == FRAME_ARMED)
        SUITE_VERIFY(frame->armed.layers >> LAYER_COUNT == 0);
    if (type == FRAME_START)
        SUITE_VERIFY(frame->start.mode <= FRAME_MODE_CHECK);
    if (type == FRAME_RESULT) {
        SUITE_VERIFY(frame->result.verdict < VERDICT_COUNT);
        SUITE_VERIFY(frame->result.layers >> LAYER_COUNT == 0);
        verify_text_within(frame->result.backend, 16, payload, count);
        verify_text_within(frame->result.pod, FRAME_POD_MAX, payload, count);
    }
    if (type == FRAME_DIAGNOSTIC) {
        const struct frame_diagnostic *diagnostic = &frame->diagnostic;
        SUITE_VERIFY(diagnostic->severity <= 1);
        verify_text_within(diagnostic->message, FRAME_TEXT_MAX, payload, count);
        verify_text_within(diagnostic->text, FRAME_TEXT_MAX, payload, count);
        SUITE_VERIFY(diagnostic->trace_count <= FRAME_TRACE_MAX);
        for (uint32_t i = 0; i < diagnostic->trace_count; i++)
            verify_text_within(diagnostic->trace[i].function, FRAME_FUNCTION_MAX, payload, count);
    }
}

/* Decodes, and verifies that a refusal leaves the result alone. */
static int decode_checked(const struct codec *codec, const uint8_t *payload, size_t count,
                          union any_frame *ret)
{
    static const uint8_t fill = 0xA5;
    memset(ret, fill, sizeof(*ret));
    int r = codec->decode(payload, count, ret);
    if (r == 0)
        verify_in_range(codec->type, ret, payload, count);
    else
        SUITE_VERIFY(r == -EBADMSG);
    const uint8_t *bytes = (const uint8_t *)ret;
    for (size_t i = 0; r < 0 && i < sizeof(*ret); i++)
        SUITE_VERIFY(bytes[i] == fill);
    return r;
}

/* ---- properties ---- */

START_TEST(what_is_encoded_decodes_to_the_same)
{
    const struct codec *codec = &codecs[_i];
    memset(letters, 'q', sizeof(letters));
    static uint8_t first[FRAME_BYTES_MAX];
    static uint8_t second[FRAME_BYTES_MAX];
    for (int round = 0; round < 300; round++) {
        static union any_frame made;
        static union any_frame read;
        memset(&made, 0, sizeof(made));
        codec->make(&made);
        size_t count = codec->encode(first, &made);
        ck_assert_uint_le(count, codec->type == FRAME_DIAGNOSTIC ? (size_t)FRAME_BYTES_MAX
                                                                 : (size_t)FRAME_FIXED_MAX);
        struct frame_header header;
        ck_assert_int_eq(frame_decode_header(first, &header), 0);
        ck_assert_int_eq(header.type, codec->type);
        ck_assert_uint_eq(header.payload_bytes, count - FRAME_HEADER_BYTES);

        uint8_t *payload = exact_copy(first + FRAME_HEADER_BYTES, header.payload_bytes);
        ck_assert_int_eq(decode_checked(codec, payload, header.payload_bytes, &read), 0);
        /* Equal structs would be compared field by field; the bytes they make say the same. */
        ck_assert_uint_eq(codec->encode(second, &read), count);
        ck_assert_int_eq(memcmp(first, second, count), 0);
        free(payload);
    }
}
END_TEST

START_TEST(every_truncation_and_every_extra_byte_is_refused)
{
    const struct codec *codec = &codecs[_i];
    memset(letters, 'q', sizeof(letters));
    static uint8_t frame[FRAME_BYTES_MAX + 1];
    static union any_frame made;
    memset(&made, 0, sizeof(made));
    codec->make(&made);
    if (codec->type == FRAME_DIAGNOSTIC) {
        made.diagnostic.message.count = 40;
        made.diagnostic.text.count = 60;
        made.diagnostic.trace_count = 2;
        made.diagnostic.trace[0].function = (struct frame_text){letters, 5};
        made.diagnostic.trace[1].function = (struct frame_text){"", 0};
    }
    size_t count = codec->encode(frame, &made) - FRAME_HEADER_BYTES;
    for (size_t cut = 0; cut <= count + 1; cut++) {
        uint8_t *payload = exact_copy(frame + FRAME_HEADER_BYTES, cut);
        static union any_frame read;
        int r = decode_checked(codec, payload, cut, &read);
        ck_assert_int_eq(r, cut == count ? 0 : -EBADMSG);
        free(payload);
    }
}
END_TEST

START_TEST(any_single_wrong_byte_is_refused_or_stays_in_range)
{
    const struct codec *codec = &codecs[_i];
    memset(letters, 'q', sizeof(letters));
    static uint8_t frame[FRAME_BYTES_MAX];
    static union any_frame made;
    memset(&made, 0, sizeof(made));
    codec->make(&made);
    if (codec->type == FRAME_DIAGNOSTIC) {
        made.diagnostic.message.count = 40;
        made.diagnostic.text.count = 60;
        made.diagnostic.trace_count = 2;
        made.diagnostic.trace[0].function = (struct frame_text){letters, 5};
        made.diagnostic.trace[1].function = (struct frame_text){letters, 9};
    }
    size_t count = codec->encode(frame, &made) - FRAME_HEADER_BYTES;
    uint8_t *payload = exact_copy(frame + FRAME_HEADER_BYTES, count);
    for (size_t at = 0; at < count; at++) {
        uint8_t good = payload[at];
        for (unsigned value = 0; value < 256; value++) {
            payload[at] = (uint8_t)value;
            static union any_frame read;
            (void)decode_checked(codec, payload, count, &read);
        }
        payload[at] = good;
    }
    free(payload);
}
END_TEST

START_TEST(random_bytes_are_refused_or_stay_in_range)
{
    const struct codec *codec = &codecs[_i];
    for (int round = 0; round < 20000; round++) {
        size_t count = suite_random(&seed) % 120;
        uint8_t *payload = malloc(count + 1);
        SUITE_VERIFY(payload);
        for (size_t i = 0; i < count; i++)
            payload[i] = (uint8_t)(suite_random(&seed) % 3 ? 0 : suite_random(&seed));
        static union any_frame read;
        (void)decode_checked(codec, payload, count, &read);
        free(payload);
    }
}
END_TEST

/* ---- headers ---- */

static const struct {
    uint8_t bytes[FRAME_HEADER_BYTES];
    int result;
} headers[] = {
    {{0, 0, 0, 0, FRAME_HELLO, 1, 0, 0}, 0},
    {{0, 0, 1, 0, FRAME_STDOUT, 1, 0, 0}, 0},                /* 65536, the most */
    {{1, 0, 1, 0, FRAME_STDOUT, 1, 0, 0}, -EBADMSG},         /* 65537 */
    {{255, 255, 255, 255, FRAME_STDOUT, 1, 0, 0}, -EBADMSG}, /* "negative" */
    {{0, 0, 0, 0, 0, 1, 0, 0}, -EBADMSG},
    {{0, 0, 0, 0, FRAME_RESULT, 1, 0, 0}, 0},
    {{0, 0, 0, 0, FRAME_TYPE_COUNT, 1, 0, 0}, -EBADMSG},
    {{0, 0, 0, 0, 255, 1, 0, 0}, -EBADMSG},
    {{0, 0, 0, 0, FRAME_HELLO, 0, 0, 0}, -EBADMSG},
    {{0, 0, 0, 0, FRAME_HELLO, 2, 0, 0}, -EBADMSG},
    {{0, 0, 0, 0, FRAME_HELLO, 1, 1, 0}, -EBADMSG},
    {{0, 0, 0, 0, FRAME_HELLO, 1, 0, 1}, -EBADMSG},
};

START_TEST(headers_are_held_to_type_version_length_and_padding)
{
    struct frame_header header = {FRAME_TYPE_COUNT, 42};
    ck_assert_int_eq(frame_decode_header(headers[_i].bytes, &header), headers[_i].result);
    if (headers[_i].result < 0)
        ck_assert_uint_eq(header.payload_bytes, 42);
}
END_TEST

/* ---- texts and names ---- */

static struct frame_diagnostic decoded;
static uint8_t diagnostic_frame[FRAME_BYTES_MAX];

static void pass_diagnostic(const struct frame_diagnostic *diagnostic)
{
    size_t count = frame_encode_diagnostic(diagnostic_frame, diagnostic);
    ck_assert_uint_le(count, FRAME_BYTES_MAX);
    ck_assert_int_eq(frame_decode_diagnostic(diagnostic_frame + FRAME_HEADER_BYTES,
                                             count - FRAME_HEADER_BYTES, &decoded),
                     0);
}

START_TEST(texts_are_cut_at_their_cap_and_no_earlier)
{
    memset(letters, 'q', sizeof(letters));
    static struct frame_diagnostic diagnostic;
    diagnostic.message = (struct frame_text){letters, FRAME_TEXT_MAX};
    diagnostic.text = (struct frame_text){letters, FRAME_TEXT_MAX + 1};
    diagnostic.trace_count = 2;
    diagnostic.trace[0].function = (struct frame_text){letters, FRAME_FUNCTION_MAX};
    diagnostic.trace[1].function = (struct frame_text){letters, FRAME_FUNCTION_MAX + 1};
    pass_diagnostic(&diagnostic);
    ck_assert_uint_eq(decoded.message.count, FRAME_TEXT_MAX);
    ck_assert_uint_eq(decoded.text.count, FRAME_TEXT_MAX);
    ck_assert_uint_eq(decoded.trace[0].function.count, FRAME_FUNCTION_MAX);
    ck_assert_uint_eq(decoded.trace[1].function.count, FRAME_FUNCTION_MAX);
}
END_TEST

START_TEST(a_cut_does_not_split_a_character)
{
    static const char face[] = "\xF0\x9F\x98\x80";
    for (uint32_t before = FRAME_TEXT_MAX - 4; before <= FRAME_TEXT_MAX; before++) {
        memset(letters, 'q', sizeof(letters));
        memcpy(letters + before, face, 4);
        static struct frame_diagnostic diagnostic;
        diagnostic.message = (struct frame_text){letters, before + 4};
        pass_diagnostic(&diagnostic);
        uint32_t whole = before + 4 <= FRAME_TEXT_MAX ? before + 4 : before;
        ck_assert_uint_eq(decoded.message.count, whole);
    }
}
END_TEST

START_TEST(bytes_that_are_no_text_are_cut_at_the_cap)
{
    memset(letters, 0x80, sizeof(letters));
    static struct frame_diagnostic diagnostic;
    diagnostic.message = (struct frame_text){letters, FRAME_TEXT_MAX + 3};
    pass_diagnostic(&diagnostic);
    ck_assert_uint_eq(decoded.message.count, FRAME_TEXT_MAX);
}
END_TEST

START_TEST(the_longest_diagnostic_is_one_frame)
{
    memset(letters, 'q', sizeof(letters));
    static struct frame_diagnostic diagnostic;
    diagnostic.message = (struct frame_text){letters, FRAME_TEXT_MAX};
    diagnostic.text = diagnostic.message;
    diagnostic.trace_count = FRAME_TRACE_MAX;
    for (unsigned i = 0; i < FRAME_TRACE_MAX; i++)
        diagnostic.trace[i] =
            (struct frame_trace_line){i, (struct frame_text){letters, FRAME_FUNCTION_MAX}};
    pass_diagnostic(&diagnostic);
    ck_assert_uint_eq(decoded.trace_count, FRAME_TRACE_MAX);
    ck_assert_uint_eq(decoded.trace[FRAME_TRACE_MAX - 1].line, FRAME_TRACE_MAX - 1);
}
END_TEST

START_TEST(trace_lines_beyond_the_cap_are_counted_as_omitted)
{
    static struct frame_diagnostic diagnostic;
    diagnostic.trace_count = FRAME_TRACE_MAX + 6;
    diagnostic.trace_omitted = 10;
    pass_diagnostic(&diagnostic);
    ck_assert_uint_eq(decoded.trace_count, FRAME_TRACE_MAX);
    ck_assert_uint_eq(decoded.trace_omitted, 16);
}
END_TEST

static const struct {
    const char *pod;
    int result;
} pods[] = {
    {"trytok-runner-abc12", 0}, {"a.b-c", 0},           {"", 0},
    {"Upper", -EBADMSG},        {"a b", -EBADMSG},      {"a\r\nX: y", -EBADMSG},
    {"a\"b", -EBADMSG},         {"\xC3\xA9", -EBADMSG}, {"a/b", -EBADMSG},
};

START_TEST(a_name_that_would_need_escaping_is_refused)
{
    struct frame_result result = {.pod = {pods[_i].pod, (uint32_t)strlen(pods[_i].pod)}};
    uint8_t frame[FRAME_FIXED_MAX];
    size_t count = frame_encode_result(frame, &result);
    ck_assert_int_eq(
        frame_decode_result(frame + FRAME_HEADER_BYTES, count - FRAME_HEADER_BYTES, &result),
        pods[_i].result);
}
END_TEST

START_TEST(a_pod_name_is_cut_at_its_cap)
{
    char name[FRAME_POD_MAX + 1];
    memset(name, 'p', sizeof(name));
    uint8_t frame[FRAME_FIXED_MAX];
    for (uint32_t length = FRAME_POD_MAX; length <= FRAME_POD_MAX + 1; length++) {
        struct frame_result result = {.pod = {name, length}};
        size_t count = frame_encode_result(frame, &result);
        ck_assert_int_eq(
            frame_decode_result(frame + FRAME_HEADER_BYTES, count - FRAME_HEADER_BYTES, &result),
            0);
        ck_assert_uint_eq(result.pod.count, FRAME_POD_MAX);
    }
}
END_TEST

/* The layout is a contract between builds of one version: these bytes may not change by accident. */
START_TEST(the_layout_is_little_endian_in_the_order_of_the_struct)
{
    uint8_t frame[FRAME_FIXED_MAX];
    struct frame_armed armed = {.layers = 0x00020103, .landlock_abi = 4};
    static const uint8_t expected[] = {8, 0, 0, 0, FRAME_ARMED, 1, 0, 0, 3, 1, 2, 0, 4, 0, 0, 0};
    ck_assert_uint_eq(frame_encode_armed(frame, &armed), sizeof(expected));
    ck_assert_mem_eq(frame, expected, sizeof(expected));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, what_is_encoded_decodes_to_the_same, 0, codec_count);
    tcase_add_loop_test(tcase, every_truncation_and_every_extra_byte_is_refused, 0, codec_count);
    tcase_add_loop_test(tcase, any_single_wrong_byte_is_refused_or_stays_in_range, 0, codec_count);
    tcase_add_loop_test(tcase, random_bytes_are_refused_or_stay_in_range, 0, codec_count);
    tcase_add_loop_test(tcase, headers_are_held_to_type_version_length_and_padding, 0,
                        (int)ARRAY_COUNT(headers));
    tcase_add_test(tcase, texts_are_cut_at_their_cap_and_no_earlier);
    tcase_add_test(tcase, a_cut_does_not_split_a_character);
    tcase_add_test(tcase, bytes_that_are_no_text_are_cut_at_the_cap);
    tcase_add_test(tcase, the_longest_diagnostic_is_one_frame);
    tcase_add_test(tcase, trace_lines_beyond_the_cap_are_counted_as_omitted);
    tcase_add_loop_test(tcase, a_name_that_would_need_escaping_is_refused, 0,
                        (int)ARRAY_COUNT(pods));
    tcase_add_test(tcase, a_pod_name_is_cut_at_its_cap);
    tcase_add_test(tcase, the_layout_is_little_endian_in_the_order_of_the_struct);
}

int main(void)
{
    return suite_run("frame", add_tests);
}
