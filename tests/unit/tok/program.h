/*
 * program - runs a Tok program in a VM of its own and keeps all that came of it, for tests.
 *
 * Memory: program_done() frees it all and fails the test if the VM leaked or miscounted.
 */
#ifndef TOK_TEST_PROGRAM_H
#define TOK_TEST_PROGRAM_H

#include <stdbool.h>

#include "tok/tok.h"

enum { PROGRAM_DIAGNOSTICS_MAX = 128, PROGRAM_TEXT_MAX = 4096 };

struct program_diagnostic {
    uint32_t line;
    uint32_t column;
    uint32_t length;
    uint32_t trace_count;
    uint32_t trace_omitted;
    uint32_t trace_first_line;
    uint32_t trace_last_line;
    size_t output_bytes_before;
    char message[128];
    char text[PROGRAM_TEXT_MAX];
};

struct program {
    struct tok_config config; /* may be changed between init and start */
    struct tok_vm *vm;
    enum tok_verdict verdict;
    struct tok_usage usage;
    char *output; /* NUL-terminated */
    size_t output_bytes;
    size_t write_calls;
    int write_result;  /* what the write callback returns */
    const char *input; /* NUL-terminated; NULL: none */
    size_t input_at;
    size_t input_piece;     /* at most so many bytes a read; 0: as many as fit */
    ptrdiff_t read_failure; /* if not 0, what read returns */
    struct program_diagnostic *diagnostics;
    size_t diagnostic_count;
    size_t allocated_bytes; /* by the VM's own count of sizes */
    uint64_t allocations;   /* so far */
    uint64_t fail_at;       /* this allocation fails; 0: none */
    bool fails_from_there_on;
    uint64_t interrupt_at_write; /* tok_interrupt() in that write; 0: never */
};

void program_init(struct program *program);
int program_start(struct program *program); /* makes the VM; what tok_vm_create returned */
enum tok_verdict program_run(struct program *program, const char *source);
enum tok_verdict program_run_bytes(struct program *program, const char *source, size_t bytes);
void program_done(struct program *program);

/* All in one: the verdict and the output must be these. */
void program_expect(const char *source, enum tok_verdict verdict, const char *output);

/* One runtime error with this message in this line, after that output. */
void program_expect_error(const char *source, const char *message, uint32_t line);

/* `count` times `text`, between two others; the caller frees it. */
char *program_repeat(const char *before, const char *text, size_t count, const char *after);

#endif
