/* Streamed answers: pieces as they come, caps, ends. */
#include <string.h>
#include <sys/socket.h>

#include "http_fixture.h"
#include "suite.h"

enum { PENDING_MAX = 128 << 10 };

static struct http_fixture *fixture;
static struct answer answer;
static int interim;

static void setup(void)
{
    struct http_server_config config;
    fixture_config(&config);
    config.stream_bytes_max = PENDING_MAX;
    fixture = fixture_start(&config);
}

static void teardown(void)
{
    fixture_stop(fixture);
}

static int open_stream(const char *more_headers)
{
    int fd = dial(fixture);
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n");
    send_text(fd, more_headers);
    send_text(fd, "\r\n");
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    return fd;
}

/* Reads until `text` stands in what came. */
static void wait_for(int fd, char *bytes, size_t space, const char *text)
{
    size_t count = strlen(bytes);
    while (!strstr(bytes, text)) {
        ck_assert_msg(readable_within(fd, DEADLINE_MS), "'%s' did not come: %s", text, bytes);
        ssize_t more = recv(fd, bytes + count, space - count - 1, 0);
        ck_assert_int_gt(more, 0);
        count += (size_t)more;
        bytes[count] = '\0';
    }
}

START_TEST(the_head_and_every_piece_go_out_without_waiting_for_the_next)
{
    char bytes[4096] = "";
    int fd = open_stream("");
    wait_for(fd, bytes, sizeof(bytes), "\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(bytes, "Transfer-Encoding: chunked"));
    ck_assert_ptr_nonnull(strstr(bytes, "X-Every: 1"));
    uint64_t fastest_ms = UINT64_MAX;
    for (int i = 0; i < 5; i++) {
        bytes[0] = '\0';
        uint64_t start_ms = now_ms();
        fixture_command(fixture, 'w');
        wait_for(fd, bytes, sizeof(bytes), "A\r\n0123456789\r\n");
        if (now_ms() - start_ms < fastest_ms)
            fastest_ms = now_ms() - start_ms;
    }
    ck_assert_uint_lt(fastest_ms, 30); /* Nagle against delayed ACKs would take 40, each time */
    fixture_command(fixture, 'e');
    wait_for(fd, bytes, sizeof(bytes), "0\r\n\r\n");
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    send_text(fd, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    close(fd);
}
END_TEST

START_TEST(an_empty_stream_is_an_empty_body)
{
    int fd = open_stream("");
    fixture_command(fixture, 'e');
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.body_bytes, 0);
    close(fd);
}
END_TEST

START_TEST(large_pieces_arrive_whole)
{
    int fd = open_stream("");
    for (int i = 0; i < 3; i++) {
        fixture_command(fixture, 'f');
        ck_assert_int_eq(fixture_last_write(fixture), 0);
        fixture_command(fixture, 'w');
    }
    fixture_command(fixture, 'e');
    read_answer(fd, &answer, false, &interim);
    ck_assert_uint_eq(answer.body_bytes, 3 * ((64 << 10) + 10));
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    close(fd);
}
END_TEST

START_TEST(unsent_bytes_are_capped)
{
    int fd = open_stream("");
    int result = 0;
    for (int i = 0; i < 1000 && result == 0; i++) {
        fixture_command(fixture, 'f');
        result = fixture_last_write(fixture);
    }
    ck_assert_int_eq(result, -EMSGSIZE);
    fixture_command(fixture, 'x');
    ck_assert_int_eq(fixture_event(fixture), EVENT_LOST);
    close(fd);
}
END_TEST

START_TEST(an_aborted_stream_is_cut_without_an_end)
{
    char bytes[4096] = "";
    int fd = open_stream("");
    fixture_command(fixture, 'w');
    wait_for(fd, bytes, sizeof(bytes), "0123456789\r\n");
    fixture_command(fixture, 'x');
    ck_assert_int_eq(fixture_event(fixture), EVENT_LOST);
    expect_end(fd);
    close(fd);
    ck_assert_uint_eq(fixture_count(fixture), 0);
}
END_TEST

START_TEST(a_client_that_left_its_stream_is_noticed_with_the_next_piece)
{
    int fd = open_stream("");
    close(fd);
    char event = 0;
    for (int i = 0; i < 1000 && event != EVENT_LOST; i++) {
        if (fixture_is_quiet(fixture, 1))
            fixture_command_any(fixture, 'w');
        else
            event = fixture_event(fixture);
    }
    ck_assert_int_eq(event, EVENT_LOST);
}
END_TEST

START_TEST(a_stream_for_http_1_0_ends_with_its_connection)
{
    char bytes[4096] = "";
    int fd = dial(fixture);
    send_text(fd, "GET /stream HTTP/1.0\r\n\r\n");
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    fixture_command(fixture, 'w');
    fixture_command(fixture, 'e');
    wait_for(fd, bytes, sizeof(bytes), "\r\n\r\n0123456789");
    ck_assert_ptr_null(strstr(bytes, "chunked"));
    expect_end(fd);
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    close(fd);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_head_and_every_piece_go_out_without_waiting_for_the_next);
    tcase_add_test(tcase, an_empty_stream_is_an_empty_body);
    tcase_add_test(tcase, large_pieces_arrive_whole);
    tcase_add_test(tcase, unsent_bytes_are_capped);
    tcase_add_test(tcase, an_aborted_stream_is_cut_without_an_end);
    tcase_add_test(tcase, a_client_that_left_its_stream_is_noticed_with_the_next_piece);
    tcase_add_test(tcase, a_stream_for_http_1_0_ends_with_its_connection);
}

int main(void)
{
    return suite_run("http_server_stream", add_tests);
}
