#include <stdio.h>
#include <string.h>

#include "allocations.h"
#include "frame_reader.h"
#include "suite.h"

/* What came out, as text: "9:abc 7:" is a frame of type 9 with "abc" and one of type 7. */
struct record {
    char text[256];
    size_t frame_count;
    size_t payload_bytes;
    int answer;
};

static int on_frame(void *context, enum frame_type type, const uint8_t *payload, size_t count)
{
    struct record *record = context;
    size_t at = strlen(record->text);
    if (at + 16 < sizeof(record->text))
        (void)snprintf(record->text + at, sizeof(record->text) - at, "%s%u:%.*s", at > 0 ? " " : "",
                       (unsigned)type, (int)(count < 8 ? count : 8), (const char *)payload);
    record->frame_count++;
    record->payload_bytes += count;
    return record->answer;
}

static size_t put_frame(uint8_t *to, enum frame_type type, const char *payload)
{
    size_t count = strlen(payload);
    frame_encode_header(to, type, (uint32_t)count);
    memcpy(to + FRAME_HEADER_BYTES, payload, count);
    return FRAME_HEADER_BYTES + count;
}

static size_t make_stream(uint8_t *to)
{
    size_t count = put_frame(to, FRAME_STDOUT, "abc");
    count += put_frame(to + count, FRAME_INPUT, "");
    count += put_frame(to + count, FRAME_SOURCE, "xy");
    return count;
}
static const char stream_record[] = "7:abc 5: 4:xy";

/* Feeds from memory of just the piece's size, so that a read beyond it shows. */
static int feed_exact(struct frame_reader *reader, const uint8_t *bytes, size_t count)
{
    uint8_t *copy = malloc(count > 0 ? count : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, count);
    int r = frame_reader_feed(reader, copy, count);
    free(copy);
    return r;
}

START_TEST(frames_cut_in_three_anywhere_come_out_whole)
{
    uint8_t bytes[64];
    size_t count = make_stream(bytes);
    for (size_t a = 0; a <= count; a++) {
        for (size_t b = a; b <= count; b++) {
            struct record record = {.answer = 0};
            struct frame_reader reader;
            frame_reader_init(&reader, on_frame, &record);
            ck_assert_int_eq(feed_exact(&reader, bytes, a), 0);
            ck_assert_int_eq(feed_exact(&reader, bytes + a, b - a), 0);
            ck_assert_int_eq(feed_exact(&reader, bytes + b, count - b), 0);
            ck_assert_str_eq(record.text, stream_record);
            ck_assert(frame_reader_is_between_frames(&reader));
            frame_reader_done(&reader);
        }
    }
}
END_TEST

START_TEST(frames_come_out_of_single_bytes)
{
    uint8_t bytes[64];
    size_t count = make_stream(bytes);
    struct record record = {.answer = 0};
    struct frame_reader reader;
    frame_reader_init(&reader, on_frame, &record);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(feed_exact(&reader, bytes + i, 1), 0);
    ck_assert_str_eq(record.text, stream_record);
    frame_reader_done(&reader);
}
END_TEST

START_TEST(an_end_inside_a_frame_is_told)
{
    uint8_t bytes[64];
    size_t count = put_frame(bytes, FRAME_STDOUT, "abc");
    struct record record = {.answer = 0};
    struct frame_reader reader;
    frame_reader_init(&reader, on_frame, &record);
    ck_assert(frame_reader_is_between_frames(&reader));
    ck_assert_int_eq(feed_exact(&reader, bytes, count - 1), 0);
    ck_assert(!frame_reader_is_between_frames(&reader));
    ck_assert_int_eq(feed_exact(&reader, bytes + count - 1, 1), 0);
    ck_assert(frame_reader_is_between_frames(&reader));
    frame_reader_done(&reader);
}
END_TEST

START_TEST(the_largest_frame_passes_whole_and_in_pieces)
{
    static uint8_t bytes[FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX];
    frame_encode_header(bytes, FRAME_STDOUT, FRAME_PAYLOAD_MAX);
    for (size_t piece = 1000; piece <= sizeof(bytes); piece += 21512) {
        struct record record = {.answer = 0};
        struct frame_reader reader;
        frame_reader_init(&reader, on_frame, &record);
        for (size_t at = 0; at < sizeof(bytes); at += piece)
            ck_assert_int_eq(feed_exact(&reader, bytes + at,
                                        piece < sizeof(bytes) - at ? piece : sizeof(bytes) - at),
                             0);
        ck_assert_uint_eq(record.frame_count, 1);
        ck_assert_uint_eq(record.payload_bytes, FRAME_PAYLOAD_MAX);
        frame_reader_done(&reader);
    }
}
END_TEST

START_TEST(a_length_above_the_cap_is_refused_before_any_payload)
{
    uint8_t bytes[FRAME_HEADER_BYTES];
    frame_encode_header(bytes, FRAME_STDOUT, FRAME_PAYLOAD_MAX + 1);
    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        struct record record = {.answer = 0};
        struct frame_reader reader;
        frame_reader_init(&reader, on_frame, &record);
        int first = feed_exact(&reader, bytes, cut);
        ck_assert_int_eq(first, cut == sizeof(bytes) ? -EBADMSG : 0);
        ck_assert_int_eq(feed_exact(&reader, bytes + cut, sizeof(bytes) - cut), -EBADMSG);
        ck_assert_uint_eq(record.frame_count, 0);
        frame_reader_done(&reader);
    }
}
END_TEST

START_TEST(a_reader_stays_dead_after_a_malformed_frame)
{
    uint8_t bytes[64];
    size_t good = put_frame(bytes, FRAME_STDOUT, "abc");
    memset(bytes + good, 0xFF, FRAME_HEADER_BYTES);
    struct record record = {.answer = 0};
    struct frame_reader reader;
    frame_reader_init(&reader, on_frame, &record);
    ck_assert_int_eq(feed_exact(&reader, bytes, good + FRAME_HEADER_BYTES), -EBADMSG);
    ck_assert_str_eq(record.text, "7:abc"); /* what came before it counts */
    ck_assert_int_eq(feed_exact(&reader, bytes, good), -EBADMSG);
    ck_assert_int_eq(feed_exact(&reader, bytes, 0), -EBADMSG);
    ck_assert_uint_eq(record.frame_count, 1);
    ck_assert(!frame_reader_is_between_frames(&reader));
    frame_reader_done(&reader);
}
END_TEST

START_TEST(the_callback_can_end_the_stream_between_any_bytes)
{
    uint8_t bytes[64];
    size_t count = make_stream(bytes);
    for (size_t cut = 0; cut <= count; cut++) {
        struct record record = {.answer = -ECANCELED};
        struct frame_reader reader;
        frame_reader_init(&reader, on_frame, &record);
        int r = feed_exact(&reader, bytes, cut);
        ck_assert(r == 0 || r == -ECANCELED);
        ck_assert_int_eq(feed_exact(&reader, bytes + cut, count - cut), -ECANCELED);
        ck_assert_uint_eq(record.frame_count, 1);
        frame_reader_done(&reader);
    }
}
END_TEST

START_TEST(a_lack_of_memory_is_told_and_final)
{
    uint8_t bytes[64];
    size_t count = put_frame(bytes, FRAME_STDOUT, "abc");
    struct record record = {.answer = 0};
    struct frame_reader reader;
    frame_reader_init(&reader, on_frame, &record);
    allocations_fail_at(1);
    ck_assert_int_eq(frame_reader_feed(&reader, bytes, count - 1), -ENOMEM);
    ck_assert_int_eq(frame_reader_feed(&reader, bytes, count), -ENOMEM);
    ck_assert_uint_eq(record.frame_count, 0);
    frame_reader_done(&reader);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, frames_cut_in_three_anywhere_come_out_whole);
    tcase_add_test(tcase, frames_come_out_of_single_bytes);
    tcase_add_test(tcase, an_end_inside_a_frame_is_told);
    tcase_add_test(tcase, the_largest_frame_passes_whole_and_in_pieces);
    tcase_add_test(tcase, a_length_above_the_cap_is_refused_before_any_payload);
    tcase_add_test(tcase, a_reader_stays_dead_after_a_malformed_frame);
    tcase_add_test(tcase, the_callback_can_end_the_stream_between_any_bytes);
    tcase_add_test(tcase, a_lack_of_memory_is_told_and_final);
}

int main(void)
{
    return suite_run("frame_reader", add_tests);
}
