#include "clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

uint64_t clock_now_us(void)
{
    struct timespec now;
    int r = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(r == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_now_ms(void)
{
    return clock_now_us() / 1000;
}

void clock_format_now(char text[CLOCK_TEXT_BYTES])
{
    struct timespec now;
    int r = clock_gettime(CLOCK_REALTIME, &now);
    assert(r == 0);
    struct tm utc;
    char seconds[CLOCK_TEXT_BYTES];
    if (!gmtime_r(&now.tv_sec, &utc) ||
        strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        seconds[0] = '\0'; /* a year of more than four digits: a wrong clock is no reason to stop */
    int length = snprintf(text, CLOCK_TEXT_BYTES, "%.19s.%06ldZ", seconds, now.tv_nsec / 1000);
    assert(length > 0 && length < CLOCK_TEXT_BYTES);
}
