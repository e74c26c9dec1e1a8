/*
 * request - what POST /run brings: the proof in its headers, the frames in its body.
 *
 * Pure functions. Memory: the program points into the body (borrowed).
 * Errors:  -EINVAL with a problem and a constant sentence for the answer; nothing is believed before
 *          the signature was checked.
 */
#ifndef TRYTOK_REQUEST_H
#define TRYTOK_REQUEST_H

#include "frame.h"
#include "inner.h"
#include "problem.h"

struct request_maxima {
    struct frame_limits limits; /* steps has no maximum */
    uint64_t source_bytes, input_bytes;
};

struct request_fault {
    enum problem problem;
    const char *detail; /* constant */
};

struct request {
    char id[INNER_ID_CHARS + 1];
    uint32_t deadline_ms;
    struct frame_start start;
    const uint8_t *program; /* its SOURCE and INPUT frames, checked to be whole and in order */
    size_t program_bytes;
    size_t source_frames_bytes; /* of those, the SOURCE frames */
};

/* The headers' values; NULL where one is missing. */
struct request_headers {
    const char *id, *deadline, *signature;
};

MUST_CHECK int request_read(const struct inner_secret *secret,
                            const struct request_headers *headers, const void *body,
                            size_t body_bytes, const struct request_maxima *maxima,
                            struct request *ret_request, struct request_fault *reterr_fault);

/* Largest body that can be right. */
uint64_t request_body_bytes_max(const struct request_maxima *maxima);

#endif
