/*
 * serve - one run: takes START and the program from the stream, runs it, answers with RESULT.
 *
 * Threads: one. Memory: all of it stays until the process ends. Errors: 0 (also when the program
 * failed, and when the executor left before it had given a program) or -errno.
 */
#ifndef TRYTOK_SERVE_H
#define TRYTOK_SERVE_H

#include "stream.h"

MUST_CHECK int serve_one(struct stream *stream, uint64_t hash_seed);

#endif
