/*
 * host - what the commands give to a VM: standard input and output, and errors with an excerpt.
 *
 * Threads: one. Memory: the source is borrowed while a VM uses the host.
 */
#ifndef TOK_CLI_HOST_H
#define TOK_CLI_HOST_H

#include <stdbool.h>

#include "tok/tok.h"

struct host {
    const char *source; /* borrowed: what excerpts are taken from */
    size_t source_bytes;
    bool is_silent;     /* diagnostics are noted only */
    bool is_incomplete; /* the last ones said that the program ended too early */
    uint32_t diagnostic_count;
    const char *failed; /* what the host could not do for the VM; NULL: nothing failed */
    int failed_errno;
};

enum { EXIT_USAGE = 64, EXIT_IO = 74 };

/* Callbacks, clock and a random seed; limits are left at 0. */
void host_init(struct host *host, struct tok_config *ret_config);

/* Says how a run ended, unless it ended well or its diagnostics said it. The exit status for it. */
int host_report_end(const struct host *host, enum tok_verdict verdict);

/* Reads all of a file ("-": standard input). NULL, with errno set: it cannot be read. */
char *host_read_file(const char *path, size_t *ret_bytes);

#endif
