/* The sweeper: clients that are too slow, and those that are just quiet. Times are short here. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http_fixture.h"
#include "suite.h"

enum { HEADER_MS = 200, BODY_MS = 300, WRITE_MS = 400, IDLE_MS = 200, SLACK_MS = 5000 };

static struct http_fixture *fixture;
static struct answer answer;
static int interim;

static void setup(void)
{
    struct http_server_config config;
    fixture_config(&config);
    config.header_timeout_ms = HEADER_MS;
    config.body_timeout_ms = BODY_MS;
    config.write_timeout_ms = WRITE_MS;
    config.idle_timeout_ms = IDLE_MS;
    config.stream_bytes_max = 32 << 20;
    fixture = fixture_start(&config);
}

static void teardown(void)
{
    fixture_stop(fixture);
}

static void expect_408(int fd, uint64_t start_ms, uint64_t timeout_ms)
{
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 408);
    ck_assert(answer_has(&answer, "Connection: close"));
    expect_end(fd);
    ck_assert_uint_ge(now_ms() + 1, start_ms + timeout_ms);
    ck_assert_uint_lt(now_ms(), start_ms + timeout_ms + SLACK_MS);
    ck_assert_uint_eq(fixture_handled(fixture), 0);
}

START_TEST(a_head_that_dribbles_is_408_at_its_deadline)
{
    static const char text[] =
        "GET /livez HTTP/1.1\r\nHost: x\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    uint64_t start_ms = now_ms();
    int fd = dial(fixture);
    /* Every byte in time for a timer that starts anew with each; none in time for the deadline. */
    for (size_t i = 0; i < sizeof(text) - 1 && !readable_within(fd, 10); i++)
        send_bytes(fd, text + i, 1);
    expect_408(fd, start_ms, HEADER_MS);
    close(fd);
}
END_TEST

START_TEST(a_connection_without_a_byte_is_closed_at_the_same_deadline)
{
    uint64_t start_ms = now_ms();
    int fd = dial(fixture);
    expect_end(fd);
    ck_assert_uint_ge(now_ms() + 1, start_ms + HEADER_MS);
    close(fd);
}
END_TEST

START_TEST(a_second_head_has_a_deadline_from_its_first_byte)
{
    int fd = dial(fixture);
    send_text(fd, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    read_answer(fd, &answer, false, &interim);
    ck_assert(!readable_within(fd, IDLE_MS / 2));
    uint64_t start_ms = now_ms();
    send_text(fd, "GET /nothing HTTP/1.1\r\n");
    expect_408(fd, start_ms, HEADER_MS);
    close(fd);
}
END_TEST

START_TEST(an_idle_connection_is_closed_without_a_word)
{
    int fd = dial(fixture);
    send_text(fd, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    read_answer(fd, &answer, false, &interim);
    uint64_t start_ms = now_ms();
    expect_end(fd);
    ck_assert_uint_ge(now_ms() - start_ms, IDLE_MS / 2); /* it began before our reading */
    close(fd);
}
END_TEST

static const char *const unfinished[] = {
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
};

START_TEST(a_body_that_does_not_end_is_408)
{
    uint64_t start_ms = now_ms();
    int fd = dial(fixture);
    if (_i < 4) {
        send_text(fd, unfinished[_i]);
        expect_408(fd, start_ms, BODY_MS);
    } else { /* refused before the body: nobody waits for it */
        send_text(fd, unfinished[_i]);
        read_answer(fd, &answer, false, &interim);
        ck_assert_int_eq(answer.status, 401);
        expect_end(fd);
    }
    close(fd);
}
END_TEST

START_TEST(a_client_that_waits_for_100_and_then_sends_nothing_is_408)
{
    uint64_t start_ms = now_ms();
    int fd = dial(fixture);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"
                  "Expect: 100-continue\r\n\r\n");
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(interim, 1);
    ck_assert_int_eq(answer.status, 408);
    expect_end(fd);
    ck_assert_uint_ge(now_ms() + 1, start_ms + BODY_MS);
    close(fd);
}
END_TEST

START_TEST(a_handler_may_take_longer_than_every_deadline_of_the_client)
{
    int fd = dial(fixture);
    send_text(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    ck_assert(fixture_is_quiet(fixture, 2 * WRITE_MS));
    fixture_command(fixture, 'r');
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    read_answer(fd, &answer, false, &interim);
    ck_assert_int_eq(answer.status, 200);
    close(fd);
}
END_TEST

START_TEST(a_quiet_stream_is_no_slow_reader)
{
    int fd = dial(fixture);
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    fixture_command(fixture, 'w');
    ck_assert(fixture_is_quiet(fixture, 3 * WRITE_MS));
    fixture_command(fixture, 'e');
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    read_answer(fd, &answer, false, &interim);
    ck_assert_uint_eq(answer.body_bytes, 10);
    close(fd);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_lost_after_the_write_timeout)
{
    int fd = dial(fixture);
    int small = 4096;
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    for (int i = 0; i < 200; i++) /* 12 MiB: more than all buffers between take */
        fixture_command(fixture, 'f');
    uint64_t start_ms = now_ms();
    ck_assert_int_eq(fixture_event(fixture), EVENT_LOST);
    ck_assert_uint_ge(now_ms() - start_ms, WRITE_MS / 2);
    ck_assert_uint_lt(now_ms() - start_ms, 2 * WRITE_MS + SLACK_MS);
    close(fd);
}
END_TEST

START_TEST(a_slow_reader_that_gets_on_is_served_to_the_end)
{
    static char bytes[64 << 10];
    size_t count = 0;
    int fd = dial(fixture);
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    ck_assert_int_eq(fixture_event(fixture), EVENT_HELD);
    for (int i = 0; i < 128; i++)
        fixture_command(fixture, 'f');
    fixture_command(fixture, 'e');
    /* 8 MiB in 25 sips with pauses: longer in all than the timeout, each shorter. */
    for (;;) {
        ssize_t more = recv(fd, bytes, sizeof(bytes), 0);
        ck_assert_int_ge(more, 0);
        if (more == 0)
            break;
        if ((count >> 19) != ((count + (size_t)more) >> 19))
            (void)fixture_is_quiet(fixture, WRITE_MS / 10);
        count += (size_t)more;
    }
    ck_assert_uint_gt(count, 8 << 20);
    ck_assert_int_eq(fixture_event(fixture), EVENT_SENT);
    close(fd);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_head_that_dribbles_is_408_at_its_deadline);
    tcase_add_test(tcase, a_connection_without_a_byte_is_closed_at_the_same_deadline);
    tcase_add_test(tcase, a_second_head_has_a_deadline_from_its_first_byte);
    tcase_add_test(tcase, an_idle_connection_is_closed_without_a_word);
    tcase_add_loop_test(tcase, a_body_that_does_not_end_is_408, 0, (int)ARRAY_COUNT(unfinished));
    tcase_add_test(tcase, a_client_that_waits_for_100_and_then_sends_nothing_is_408);
    tcase_add_test(tcase, a_handler_may_take_longer_than_every_deadline_of_the_client);
    tcase_add_test(tcase, a_quiet_stream_is_no_slow_reader);
    tcase_add_test(tcase, a_client_that_does_not_read_is_lost_after_the_write_timeout);
    tcase_add_test(tcase, a_slow_reader_that_gets_on_is_served_to_the_end);
}

int main(void)
{
    return suite_run("http_server_slow", add_tests);
}
