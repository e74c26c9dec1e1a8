#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "frame_reader.h"
#include "stream.h"

static struct stream stream;
static int other_end;
static uint8_t received[400000];

static void set_up(void)
{
    int pair[2];
    int size = 1024 * 1024;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    stream_init(&stream, pair[0]);
    other_end = pair[1];
}

static void tear_down(void)
{
    close_fd(stream.fd);
    close_fd(other_end);
}

static size_t receive(void)
{
    ssize_t count = recv(other_end, received, sizeof(received), MSG_DONTWAIT);
    return count < 0 ? 0 : (size_t)count;
}

START_TEST(prints_gather_in_one_frame_until_flushed)
{
    ck_assert_int_eq(stream_print(&stream, "Hello, ", 7), 0);
    ck_assert_int_eq(stream_print(&stream, "World!\n", 7), 0);
    ck_assert_uint_eq(receive(), 0);
    ck_assert_int_eq(stream_flush(&stream), 0);
    ck_assert_uint_eq(receive(), FRAME_HEADER_BYTES + 14);
    struct frame_header header;
    ck_assert_int_eq(frame_decode_header(received, &header), 0);
    ck_assert_int_eq(header.type, FRAME_STDOUT);
    ck_assert_uint_eq(header.payload_bytes, 14);
    ck_assert_mem_eq(received + FRAME_HEADER_BYTES, "Hello, World!\n", 14);
    ck_assert_int_eq(stream_flush(&stream), 0); /* nothing to say: nothing is said */
    ck_assert_uint_eq(receive(), 0);
}
END_TEST

START_TEST(a_full_frame_goes_out_by_itself)
{
    static char text[STREAM_STDOUT_MAX];
    ck_assert_int_eq(stream_print(&stream, text, STREAM_STDOUT_MAX - 1), 0);
    ck_assert_uint_eq(receive(), 0);
    ck_assert_int_eq(stream_print(&stream, text, 1), 0);
    ck_assert_uint_eq(receive(), FRAME_HEADER_BYTES + STREAM_STDOUT_MAX);
}
END_TEST

static int collect(void *context, enum frame_type type, const uint8_t *payload, size_t count)
{
    size_t *total = context;
    ck_assert_int_eq(type, FRAME_STDOUT);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(payload[i], 'a' + (int)((*total + i) % 26));
    *total += count;
    return 0;
}

START_TEST(long_output_is_cut_into_frames_and_loses_nothing)
{
    static char text[5 * STREAM_STDOUT_MAX + 17];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + (int)(i % 26));
    size_t total = 0;
    struct frame_reader reader;
    frame_reader_init(&reader, collect, &total);
    ck_assert_int_eq(stream_print(&stream, text, sizeof(text)), 0);
    ck_assert_int_eq(stream_flush(&stream), 0);
    ck_assert_int_eq(frame_reader_feed(&reader, received, receive()), 0);
    ck_assert_uint_eq(total, sizeof(text));
    ck_assert(frame_reader_is_between_frames(&reader));
    frame_reader_done(&reader);
}
END_TEST

START_TEST(another_frame_comes_after_what_was_printed_before_it)
{
    uint8_t *space = NULL;
    const struct frame_started started = {.nonce = 9};
    ck_assert_int_eq(stream_print(&stream, "x", 1), 0);
    ck_assert_int_eq(stream_reserve(&stream, FRAME_FIXED_MAX, &space), 0);
    stream_commit(&stream, frame_encode_started(space, &started));
    ck_assert_int_eq(stream_print(&stream, "y", 1), 0);
    ck_assert_int_eq(stream_flush(&stream), 0);
    ck_assert_uint_eq(receive(), 9U + 16U + 9U);
    ck_assert_int_eq(received[8], 'x');
    ck_assert_int_eq(received[9 + 4], FRAME_STARTED);
    ck_assert_int_eq(received[33], 'y');
}
END_TEST

START_TEST(the_largest_frame_fits_behind_any_output)
{
    static char text[STREAM_STDOUT_MAX];
    uint8_t *space = NULL;
    ck_assert_int_eq(stream_print(&stream, text, STREAM_STDOUT_MAX - 1), 0);
    ck_assert_int_eq(stream_reserve(&stream, FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX, &space), 0);
    memset(space, 0, FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX);
    stream_commit(&stream, FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX);
    ck_assert_int_eq(stream_reserve(&stream, FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX, &space), 0);
    ck_assert_int_eq(stream_flush(&stream), 0);
}
END_TEST

START_TEST(frames_that_come_in_pieces_are_read_whole)
{
    uint8_t bytes[FRAME_HEADER_BYTES + 5];
    struct frame_header header;
    bool is_end = true;
    char text[5];
    frame_encode_header(bytes, FRAME_SOURCE, 5);
    memcpy(bytes + FRAME_HEADER_BYTES, "print", 5);
    ck_assert_int_eq(send(other_end, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
    ck_assert_int_eq(stream_read_header(&stream, &header, &is_end), 0);
    ck_assert(!is_end);
    ck_assert_int_eq(header.type, FRAME_SOURCE);
    ck_assert_int_eq(stream_read_bytes(&stream, text, 2), 0);
    ck_assert_int_eq(stream_read_bytes(&stream, text + 2, 3), 0);
    ck_assert_mem_eq(text, "print", 5);
}
END_TEST

START_TEST(the_end_between_frames_is_no_error_and_within_one_it_is)
{
    struct frame_header header;
    bool is_end = false;
    ck_assert_int_eq(shutdown(other_end, SHUT_WR), 0);
    ck_assert_int_eq(stream_read_header(&stream, &header, &is_end), 0);
    ck_assert(is_end);

    tear_down();
    set_up();
    ck_assert_int_eq(send(other_end, "abc", 3, 0), 3);
    ck_assert_int_eq(shutdown(other_end, SHUT_WR), 0);
    ck_assert_int_eq(stream_read_header(&stream, &header, &is_end), -EPIPE);
}
END_TEST

START_TEST(a_malformed_header_is_refused)
{
    uint8_t bytes[FRAME_HEADER_BYTES];
    struct frame_header header;
    bool is_end = false;
    memset(bytes, 0xff, sizeof(bytes));
    ck_assert_int_eq(send(other_end, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
    ck_assert_int_eq(stream_read_header(&stream, &header, &is_end), -EBADMSG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream");
    TCase *tests = tcase_create("stream");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, prints_gather_in_one_frame_until_flushed);
    tcase_add_test(tests, a_full_frame_goes_out_by_itself);
    tcase_add_test(tests, long_output_is_cut_into_frames_and_loses_nothing);
    tcase_add_test(tests, another_frame_comes_after_what_was_printed_before_it);
    tcase_add_test(tests, the_largest_frame_fits_behind_any_output);
    tcase_add_test(tests, frames_that_come_in_pieces_are_read_whole);
    tcase_add_test(tests, the_end_between_frames_is_no_error_and_within_one_it_is);
    tcase_add_test(tests, a_malformed_header_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
