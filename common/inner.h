/*
 * inner - names and proofs of the hop coordinator -> executor.
 *
 *   POST /run HTTP/1.1
 *   TryTok-Request-Id: 32 hex digits
 *   TryTok-Deadline-Ms: milliseconds left for queue wait and run together
 *   TryTok-Signature: hex HMAC-SHA256(secret, "run\n" id "\n" deadline "\n" body)
 *   body: frames START SOURCE* INPUT*
 *
 *   200, TryTok-Signature: hex HMAC-SHA256(secret, "answer\n" id), chunked body of frames, or a
 *   problem document; 503 from an executor means that the run has not started. Every answer
 *   carries TryTok-Slots (how many runs it takes at a time) and TryTok-Busy (running + waiting).
 *   The 200 goes out once a runner has the program (its STARTED frame came).
 *   GET /readyz answers 200 when the pool has a runner, with the same two headers.
 *
 * Threads: any; each keeps a context of its own until it ends. An id is 32 hex digits: another one is
 * -EINVAL when signing, -EACCES when checking.
 * Errors: 0 or -errno; -EACCES for a signature that does not match.
 */
#ifndef TRYTOK_INNER_H
#define TRYTOK_INNER_H

#include <stddef.h>
#include <stdint.h>

#include "attributes.h"

#define INNER_HEADER_ID "TryTok-Request-Id"
#define INNER_HEADER_DEADLINE "TryTok-Deadline-Ms"
#define INNER_HEADER_SIGNATURE "TryTok-Signature"
#define INNER_HEADER_SLOTS "TryTok-Slots"
#define INNER_HEADER_BUSY "TryTok-Busy"

enum { INNER_SECRET_BYTES = 32, INNER_SIGNATURE_CHARS = 64, INNER_ID_CHARS = 32 };

struct inner_secret {
    uint8_t bytes[INNER_SECRET_BYTES];
};

/* Reads 64 hex digits (and an optional newline). -EPERM when the file is readable by others than
 * its owner (0600, or 0440 of a mounted Secret), -EINVAL when it is not 64 hex digits. Loads what
 * signing needs as well (2 ms, once), so that the first request does not wait for it. */
MUST_CHECK int inner_secret_read(const char *path, struct inner_secret *ret_secret);
/* What is wrong with the file, and the mend, for an error of inner_secret_read(). */
const char *inner_secret_mend(int error);

MUST_CHECK int inner_sign_run(const struct inner_secret *secret, const char *id,
                              uint32_t deadline_ms, const void *body, size_t body_bytes,
                              char ret_signature[INNER_SIGNATURE_CHARS + 1]);
MUST_CHECK int inner_sign_answer(const struct inner_secret *secret, const char *id,
                                 char ret_signature[INNER_SIGNATURE_CHARS + 1]);
/* Constant time; -EACCES when signature is NULL, malformed or wrong. */
MUST_CHECK int inner_check_run(const struct inner_secret *secret, const char *id,
                               uint32_t deadline_ms, const void *body, size_t body_bytes,
                               const char *signature);
MUST_CHECK int inner_check_answer(const struct inner_secret *secret, const char *id,
                                  const char *signature);

#endif
