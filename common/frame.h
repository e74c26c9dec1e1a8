/*
 * frame - the one codec of every inner hop: runner <-> executor over a stream socket, and
 * executor -> coordinator as the body of a chunked HTTP response.
 *
 * A frame is a header of 8 bytes (payload bytes u32, type u8, version u8, zero u16; little endian)
 * and its payload, at most FRAME_PAYLOAD_MAX bytes. Frames of one run, in order:
 *
 *   runner -> executor    HELLO  ARMED                       then, after the last input byte:
 *   executor -> runner    START  SOURCE*  INPUT*             as many bytes as START announced
 *   runner -> executor    STARTED  (STDOUT | DIAGNOSTIC)*  RESULT
 *   executor -> coordinator         STARTED (STDOUT | DIAGNOSTIC)* RESULT
 *   coordinator -> executor  the body of POST /run is START SOURCE* INPUT*
 *
 * Threads: none of its own. Memory: decoded strings point into the payload (borrowed).
 * Errors:  decoders return 0 or -EBADMSG and trust nothing; encoders return the frame's bytes.
 * No dependency but memcpy and strlen, so that the runner can link it.
 */
#ifndef TRYTOK_FRAME_H
#define TRYTOK_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layer.h"
#include "verdict.h"

enum {
    FRAME_VERSION = 1,
    FRAME_HEADER_BYTES = 8,
    FRAME_PAYLOAD_MAX = 65536,
    FRAME_TEXT_MAX = 16384,      /* bytes of a diagnostic's message or text */
    FRAME_DIAGNOSTICS_MAX = 100, /* of one run */
    FRAME_TRACE_MAX = 64,        /* lines of one diagnostic */
    FRAME_FUNCTION_MAX = 128,    /* bytes of a function's name in a trace; longer ones are cut */
    FRAME_POD_MAX = 128,
};

enum frame_type {
    FRAME_HELLO = 1,
    FRAME_ARMED,
    FRAME_START,
    FRAME_SOURCE,
    FRAME_INPUT,
    FRAME_STARTED,
    FRAME_STDOUT,
    FRAME_DIAGNOSTIC,
    FRAME_RESULT,
    FRAME_TYPE_COUNT
};

struct frame_header {
    enum frame_type type;
    uint32_t payload_bytes;
};

/* 0, or -EBADMSG: unknown type or version, payload too long, non-zero padding. */
int frame_decode_header(const uint8_t bytes[FRAME_HEADER_BYTES], struct frame_header *ret_header);
void frame_encode_header(uint8_t bytes[FRAME_HEADER_BYTES], enum frame_type type,
                         uint32_t payload_bytes);

/* HELLO: who speaks. ARMED: every step is done, these layers hold. */
struct frame_hello {
    uint64_t token[4]; /* pod backend: proof of identity; zero on a socketpair */
    uint32_t build;    /* first bytes of the build's id: executor and runner must be of one build */
};
struct frame_armed {
    layer_set layers;
    uint32_t landlock_abi;
};

enum frame_mode { FRAME_MODE_RUN, FRAME_MODE_CHECK };

struct frame_limits {
    uint64_t steps;        /* 0: none */
    uint64_t memory_bytes; /* the VM's own count */
    uint64_t output_bytes;
    uint32_t wall_ms;
    uint32_t cpu_ms;
    uint32_t call_depth;
};
struct frame_start {
    enum frame_mode mode;
    uint64_t nonce; /* echoed in STARTED and RESULT */
    struct frame_limits limits;
    uint32_t source_bytes;
    uint32_t input_bytes;
};

struct frame_started {
    uint64_t nonce;
};

struct frame_text { /* borrowed, not NUL-terminated */
    const char *bytes;
    uint32_t count;
};
struct frame_trace_line {
    uint32_t line;
    struct frame_text function; /* count 0: the top level */
};
struct frame_diagnostic {
    uint8_t severity; /* 0 error, 1 warning */
    uint32_t line, column, length;
    struct frame_text message;
    struct frame_text text; /* as `tok` prints it, without the final newline */
    uint32_t trace_count, trace_omitted;
    struct frame_trace_line trace[FRAME_TRACE_MAX];
};

/* The runner fills nonce, verdict, steps, memory_peak_bytes and truncated; the executor decides
 * about all of them again and adds the rest. */
struct frame_result {
    uint64_t nonce;
    enum verdict verdict;
    bool truncated; /* output or diagnostics were cut */
    uint64_t steps;
    uint64_t memory_peak_bytes;
    uint64_t queue_us, wall_us, cpu_us;
    layer_set layers;
    struct frame_text backend; /* "process" or "pod" */
    struct frame_text pod;     /* name of the Pod; count 0: none */
};

enum {
    FRAME_FIXED_MAX = FRAME_HEADER_BYTES + 512
}; /* any frame but SOURCE, INPUT, STDOUT, DIAGNOSTIC */

size_t frame_encode_hello(uint8_t *to, const struct frame_hello *hello);
size_t frame_encode_armed(uint8_t *to, const struct frame_armed *armed);
size_t frame_encode_start(uint8_t *to, const struct frame_start *start);
size_t frame_encode_started(uint8_t *to, const struct frame_started *started);
size_t frame_encode_result(uint8_t *to, const struct frame_result *result);
/* Needs FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX; texts and names are cut to their caps. */
size_t frame_encode_diagnostic(uint8_t *to, const struct frame_diagnostic *diagnostic);

int frame_decode_hello(const uint8_t *payload, size_t count, struct frame_hello *ret_hello);
int frame_decode_armed(const uint8_t *payload, size_t count, struct frame_armed *ret_armed);
int frame_decode_start(const uint8_t *payload, size_t count, struct frame_start *ret_start);
int frame_decode_started(const uint8_t *payload, size_t count, struct frame_started *ret_started);
int frame_decode_result(const uint8_t *payload, size_t count, struct frame_result *ret_result);
int frame_decode_diagnostic(const uint8_t *payload, size_t count,
                            struct frame_diagnostic *ret_diagnostic);

#endif
