#include <stdio.h>
#include <string.h>

#include "../common/suite.h"
#include "request.h"

static const char id[] = "0123456789abcdef0123456789abcdef";
static const struct inner_secret secret = {{1, 2, 3}};

static const struct request_maxima maxima = {
    .limits = {.memory_bytes = 1000000,
               .output_bytes = 2000,
               .wall_ms = 3000,
               .cpu_ms = 4000,
               .call_depth = 50},
    .source_bytes = 100000,
    .input_bytes = 5000,
};

struct parcel {
    uint8_t body[300000];
    size_t body_bytes;
    char deadline[32];
    char signature[INNER_SIGNATURE_CHARS + 1];
    struct request_headers headers;
    struct request request;
    struct request_fault fault;
};

static struct parcel parcel;

static struct frame_start plain_start(void)
{
    return (struct frame_start){.nonce = 5,
                                .limits = {.memory_bytes = 1000000,
                                           .output_bytes = 2000,
                                           .wall_ms = 3000,
                                           .cpu_ms = 4000,
                                           .call_depth = 50},
                                .source_bytes = 6,
                                .input_bytes = 3};
}

static void pack_start(const struct frame_start *start)
{
    parcel.body_bytes = frame_encode_start(parcel.body, start);
}

static void pack(enum frame_type type, size_t count)
{
    uint8_t *to = parcel.body + parcel.body_bytes;
    ck_assert_uint_le(parcel.body_bytes + FRAME_HEADER_BYTES + count, sizeof(parcel.body));
    frame_encode_header(to, type, (uint32_t)count);
    memset(to + FRAME_HEADER_BYTES, 'x', count);
    parcel.body_bytes += FRAME_HEADER_BYTES + count;
}

static void pack_plain(void)
{
    const struct frame_start start = plain_start();
    pack_start(&start);
    pack(FRAME_SOURCE, 6);
    pack(FRAME_INPUT, 3);
}

static void sign(uint32_t deadline_ms)
{
    snprintf(parcel.deadline, sizeof(parcel.deadline), "%u", deadline_ms);
    ck_assert_int_eq(
        inner_sign_run(&secret, id, deadline_ms, parcel.body, parcel.body_bytes, parcel.signature),
        0);
    parcel.headers = (struct request_headers){id, parcel.deadline, parcel.signature};
}

static int read_parcel(void)
{
    return request_read(&secret, &parcel.headers, parcel.body, parcel.body_bytes, &maxima,
                        &parcel.request, &parcel.fault);
}

static void assert_refused(enum problem problem)
{
    ck_assert_int_eq(read_parcel(), -EINVAL);
    ck_assert_str_eq(problem_code(parcel.fault.problem), problem_code(problem));
    ck_assert_ptr_nonnull(parcel.fault.detail);
}

START_TEST(a_request_as_it_should_be_is_read)
{
    pack_plain();
    sign(12000);
    ck_assert_int_eq(read_parcel(), 0);
    ck_assert_str_eq(parcel.request.id, id);
    ck_assert_uint_eq(parcel.request.deadline_ms, 12000);
    ck_assert_uint_eq(parcel.request.start.nonce, 5);
    ck_assert_uint_eq(parcel.request.source_frames_bytes, FRAME_HEADER_BYTES + 6);
    ck_assert_uint_eq(parcel.request.program_bytes, 2 * FRAME_HEADER_BYTES + 9);
}
END_TEST

START_TEST(an_empty_program_without_input_is_fine)
{
    struct frame_start start = plain_start();
    start.source_bytes = start.input_bytes = 0;
    pack_start(&start);
    sign(0);
    ck_assert_int_eq(read_parcel(), 0);
    ck_assert_uint_eq(parcel.request.program_bytes, 0);
}
END_TEST

START_TEST(everything_is_covered_by_the_signature)
{
    pack_plain();
    sign(12000);
    parcel.headers.signature = NULL;
    assert_refused(PROBLEM_UNAUTHORIZED);
    parcel.headers.signature = "";
    assert_refused(PROBLEM_UNAUTHORIZED);
    sign(12000);
    parcel.headers.deadline = "12001";
    assert_refused(PROBLEM_UNAUTHORIZED);
    sign(12000);
    parcel.headers.id = "1123456789abcdef0123456789abcdef";
    assert_refused(PROBLEM_UNAUTHORIZED);
    sign(12000);
    parcel.body[parcel.body_bytes - 1] ^= 1;
    assert_refused(PROBLEM_UNAUTHORIZED);
    sign(12000);
    parcel.body_bytes--;
    assert_refused(PROBLEM_UNAUTHORIZED);
}
END_TEST

START_TEST(a_wrong_body_without_a_signature_is_first_of_all_unauthorized)
{
    parcel.body_bytes = 0;
    sign(1);
    parcel.headers.signature = "00";
    assert_refused(PROBLEM_UNAUTHORIZED);
}
END_TEST

static const char *const wrong_ids[] = {NULL,
                                        "",
                                        "0123456789abcdef0123456789abcde",
                                        "0123456789abcdef0123456789abcdef0",
                                        "0123456789ABCDEF0123456789abcdef",
                                        "0123456789abcdef0123456789abcde "};

START_TEST(an_id_is_32_lower_case_hex_digits)
{
    pack_plain();
    sign(1);
    parcel.headers.id = wrong_ids[_i];
    assert_refused(PROBLEM_MALFORMED);
}
END_TEST

static const char *const wrong_deadlines[] = {
    NULL, "", "-1", "+1", " 1", "1 ", "0x10", "1e3", "1000000000", "99999999999999999999"};

START_TEST(a_deadline_is_a_plain_number)
{
    pack_plain();
    sign(1);
    parcel.headers.deadline = wrong_deadlines[_i];
    assert_refused(PROBLEM_MALFORMED);
}
END_TEST

START_TEST(bodies_that_are_not_start_source_input_are_malformed)
{
    const struct frame_start start = plain_start();
    parcel.body_bytes = 0; /* nothing */
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
    pack(FRAME_SOURCE, 6); /* no START */
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
    pack_start(&start); /* no program */
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
    pack_start(&start); /* too much source */
    pack(FRAME_SOURCE, 7);
    pack(FRAME_INPUT, 3);
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
    pack_start(&start); /* too little */
    pack(FRAME_SOURCE, 5);
    pack(FRAME_INPUT, 3);
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
    pack_start(&start); /* in the wrong order */
    pack(FRAME_INPUT, 3);
    pack(FRAME_SOURCE, 6);
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
    pack_plain(); /* one frame more */
    pack(FRAME_INPUT, 1);
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
    pack_plain(); /* a byte more */
    parcel.body[parcel.body_bytes++] = 0;
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
    pack_plain(); /* a byte less */
    parcel.body_bytes--;
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
    pack_start(&start); /* an empty frame */
    pack(FRAME_SOURCE, 0);
    pack(FRAME_SOURCE, 6);
    pack(FRAME_INPUT, 3);
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
}
END_TEST

START_TEST(a_large_program_comes_in_several_frames)
{
    struct frame_start start = plain_start();
    start.source_bytes = 100000;
    pack_start(&start);
    pack(FRAME_SOURCE, 65536);
    pack(FRAME_SOURCE, 100000 - 65536);
    pack(FRAME_INPUT, 3);
    sign(1);
    ck_assert_uint_le(parcel.body_bytes, request_body_bytes_max(&maxima));
    ck_assert_int_eq(read_parcel(), 0);
}
END_TEST

START_TEST(crumbs_are_refused)
{
    pack_plain();
    struct frame_start start = plain_start();
    start.source_bytes = 2047;
    pack_start(&start);
    pack(FRAME_SOURCE, 1023);
    pack(FRAME_SOURCE, 1024);
    pack(FRAME_INPUT, 3);
    sign(1);
    assert_refused(PROBLEM_MALFORMED);
    pack_start(&start);
    pack(FRAME_SOURCE, 1024);
    pack(FRAME_SOURCE, 1023);
    pack(FRAME_INPUT, 3);
    sign(1);
    ck_assert_int_eq(read_parcel(), 0);
}
END_TEST

static void with_limits(const struct frame_limits *limits)
{
    struct frame_start start = plain_start();
    start.limits = *limits;
    pack_start(&start);
    pack(FRAME_SOURCE, 6);
    pack(FRAME_INPUT, 3);
    sign(1);
}

enum limit { WALL, CPU, MEMORY, OUTPUT, DEPTH };
static const struct {
    enum limit limit;
    uint64_t value;
    bool is_fine;
} limits[] = {
    {WALL, 3000, true},      {WALL, 3001, false},      {WALL, 0, false},      {WALL, 1, true},
    {CPU, 4000, true},       {CPU, 4001, false},       {CPU, 0, false},       {CPU, 1, true},
    {MEMORY, 1000000, true}, {MEMORY, 1000001, false}, {MEMORY, 0, false},    {MEMORY, 65536, true},
    {MEMORY, 65535, false},  {OUTPUT, 2000, true},     {OUTPUT, 2001, false}, {OUTPUT, 0, true},
    {DEPTH, 50, true},       {DEPTH, 51, false},       {DEPTH, 0, false},     {DEPTH, 1, true},
};

START_TEST(every_limit_is_within_the_executors)
{
    struct frame_limits asked = plain_start().limits;
    switch (limits[_i].limit) {
    case WALL:
        asked.wall_ms = (uint32_t)limits[_i].value;
        break;
    case CPU:
        asked.cpu_ms = (uint32_t)limits[_i].value;
        break;
    case MEMORY:
        asked.memory_bytes = limits[_i].value;
        break;
    case OUTPUT:
        asked.output_bytes = limits[_i].value;
        break;
    case DEPTH:
        asked.call_depth = (uint32_t)limits[_i].value;
        break;
    }
    with_limits(&asked);
    if (limits[_i].is_fine)
        ck_assert_int_eq(read_parcel(), 0);
    else
        assert_refused(PROBLEM_LIMIT_OUT_OF_RANGE);
}
END_TEST

START_TEST(program_and_input_have_their_largest_sizes)
{
    struct frame_start start = plain_start();
    start.source_bytes = 100001;
    pack_start(&start);
    pack(FRAME_SOURCE, 65536);
    pack(FRAME_SOURCE, 100001 - 65536);
    pack(FRAME_INPUT, 3);
    sign(1);
    assert_refused(PROBLEM_BODY_TOO_LARGE);
    start = plain_start();
    start.input_bytes = 5001;
    pack_start(&start);
    pack(FRAME_SOURCE, 6);
    pack(FRAME_INPUT, 5001);
    sign(1);
    assert_refused(PROBLEM_BODY_TOO_LARGE);
    start.input_bytes = 5000;
    pack_start(&start);
    pack(FRAME_SOURCE, 6);
    pack(FRAME_INPUT, 5000);
    sign(1);
    ck_assert_int_eq(read_parcel(), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_request_as_it_should_be_is_read);
    tcase_add_test(tcase, an_empty_program_without_input_is_fine);
    tcase_add_test(tcase, everything_is_covered_by_the_signature);
    tcase_add_test(tcase, a_wrong_body_without_a_signature_is_first_of_all_unauthorized);
    tcase_add_loop_test(tcase, an_id_is_32_lower_case_hex_digits, 0, ARRAY_COUNT(wrong_ids));
    tcase_add_loop_test(tcase, a_deadline_is_a_plain_number, 0, ARRAY_COUNT(wrong_deadlines));
    tcase_add_test(tcase, bodies_that_are_not_start_source_input_are_malformed);
    tcase_add_test(tcase, a_large_program_comes_in_several_frames);
    tcase_add_test(tcase, crumbs_are_refused);
    tcase_add_loop_test(tcase, every_limit_is_within_the_executors, 0, ARRAY_COUNT(limits));
    tcase_add_test(tcase, program_and_input_have_their_largest_sizes);
}

int main(void)
{
    return suite_run("request", add_tests);
}
