/*
 * twice - runs a program two times with small limits, and aborts unless both runs end alike, with a
 * verdict a program can have, within the limits. A form feed ends one program and begins another, which
 * the same machine runs next: as a REPL does, and after errors, too.
 */
#ifndef FUZZ_TWICE_H
#define FUZZ_TWICE_H

#include <stddef.h>

void run_twice(const char *source, size_t count);

#endif
