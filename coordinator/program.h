/*
 * program - what a request asks for: a source, its inputs and limits, checked against the settings.
 *
 * Threads: any. Memory: texts are borrowed from the body (raw) or from the tree that program_done()
 * frees (JSON), so the body must outlive the program. Errors: -EINVAL with *reterr filled.
 */
#ifndef TRYTOK_PROGRAM_H
#define TRYTOK_PROGRAM_H

#include <cjson/cJSON.h>

#include "attributes.h"
#include "config.h"
#include "frame.h"
#include "negotiation.h"
#include "problem.h"

enum {
    PROGRAM_CASES_MAX = 64,
    PROGRAM_DETAIL_BYTES = 320,
    PROGRAM_MEMORY_BYTES_MIN = 1024 * 1024, /* less than that the VM itself may need */
};

struct program {
    enum frame_mode mode;
    struct frame_text source;
    bool has_cases;     /* asked for "cases", also for none of them being special */
    size_t input_count; /* at least 1 */
    struct frame_text inputs[PROGRAM_CASES_MAX];
    struct frame_limits limits; /* output_bytes: of all cases together */
    cJSON *tree;                /* owned; NULL for a raw body */
};

struct program_error {
    enum problem problem;
    char detail[PROGRAM_DETAIL_BYTES];
};

/* `mode` CHECK takes the same bodies; input and cases are checked, then left out. */
MUST_CHECK int program_parse(const struct coordinator_settings *settings, enum body_form form,
                             enum frame_mode mode, const char *body, size_t body_bytes,
                             struct program *ret_program, struct program_error *reterr);
void program_done(struct program *program);

#endif
