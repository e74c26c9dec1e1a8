/*
 * number - numbers to text as C's %g shows them, and text to the nearest double.
 *
 * Exact for every double and every length of text, and independent of the C library's locale.
 */
#ifndef TOK_NUMBER_H
#define TOK_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

enum { NUMBER_TEXT_MAX = 16 }; /* "-1.23457e-308" */

/* Writes no NUL; the count of bytes. */
size_t tok_number_format(double number, char text[NUMBER_TEXT_MAX]);

/* `text` is [0-9]+ ("." [0-9]+)?, as the scanner found it. */
double tok_number_parse(const char *text, size_t length);

#endif
