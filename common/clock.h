/*
 * clock - the one source of time. CLOCK_MONOTONIC for everything that is measured or waited for;
 * the wall clock only for showing a date to people. Any thread.
 */
#ifndef TRYTOK_CLOCK_H
#define TRYTOK_CLOCK_H

#include <stdint.h>

uint64_t clock_now_us(void); /* monotonic */
uint64_t clock_now_ms(void); /* monotonic */

enum { CLOCK_TEXT_BYTES = 32 };
void clock_format_now(char text[CLOCK_TEXT_BYTES]); /* RFC 3339, UTC, microseconds */

#endif
