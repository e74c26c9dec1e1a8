#include <ctype.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "suite.h"

START_TEST(time_does_not_run_backwards)
{
    uint64_t before = clock_now_us();
    for (int i = 0; i < 10000; i++) {
        uint64_t now = clock_now_us();
        ck_assert_uint_ge(now, before);
        before = now;
    }
}
END_TEST

START_TEST(milliseconds_and_microseconds_are_one_clock)
{
    uint64_t before_us = clock_now_us();
    uint64_t ms = clock_now_ms();
    uint64_t after_us = clock_now_us();
    ck_assert_uint_ge(ms, before_us / 1000);
    ck_assert_uint_le(ms, after_us / 1000);
}
END_TEST

/* time(2) reads a clock that is some milliseconds late. */
static time_t wall_seconds(void)
{
    struct timespec now;
    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
    return now.tv_sec;
}

START_TEST(the_date_is_rfc_3339_in_utc_with_microseconds)
{
    char text[CLOCK_TEXT_BYTES];
    time_t before = wall_seconds();
    clock_format_now(text);
    time_t after = wall_seconds();

    static const char form[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";
    ck_assert_uint_eq(strlen(text), strlen(form));
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] == 'd')
            ck_assert(isdigit((unsigned char)text[i]));
        else
            ck_assert_int_eq(text[i], form[i]);
    }
    struct tm utc = {0};
    ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%dT%H:%M:%S", &utc));
    ck_assert_int_ge(timegm(&utc), before);
    ck_assert_int_le(timegm(&utc), after);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, time_does_not_run_backwards);
    tcase_add_test(tcase, milliseconds_and_microseconds_are_one_clock);
    tcase_add_test(tcase, the_date_is_rfc_3339_in_utc_with_microseconds);
}

int main(void)
{
    return suite_run("clock", add_tests);
}
