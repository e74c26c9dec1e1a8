/*
 * json - reading bounded JSON (cJSON behind checks) and writing it straight into a buffer.
 *
 * Reading refuses what cJSON alone lets through: duplicate keys, depth, size, trailing data, bytes
 * that are not UTF-8, NUL in strings, numbers that are not finite. Errors carry a JSON pointer
 * ("/limits/steps") and a sentence that names the mend.
 *
 * Threads: none of its own. Memory: json_parse() gives a tree the caller frees with cJSON_Delete().
 * Errors:  -EINVAL with *reterr filled, -ENOMEM.
 */
#ifndef TRYTOK_JSON_H
#define TRYTOK_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "attributes.h"
#include "buffer.h"

enum {
    JSON_DEPTH_MAX = 16,     /* containers within each other */
    JSON_VALUES_MAX = 16384, /* of one document; bounds the tree's memory, not only its text */
    JSON_KEYS_MAX = 128,     /* of one object */
    JSON_KEY_BYTES_MAX = 512,
    JSON_NUMBER_CHARS_MAX = 63,
    JSON_POINTER_BYTES = 96,
    JSON_ERROR_BYTES = 192,
};
struct json_error {
    char pointer[JSON_POINTER_BYTES]; /* "" for the whole document */
    char text[JSON_ERROR_BYTES];
};

MUST_CHECK int json_parse(const char *bytes, size_t count, cJSON **ret_tree,
                          struct json_error *reterr);

/* Getters: `parent` is what the pointer's prefix names, for messages. Missing: 0 and *ret unchanged
 * (JSON null is a value of the wrong kind). An `object` that is no object is an error. */
MUST_CHECK int json_get_uint(const cJSON *object, const char *parent, const char *key,
                             uint64_t *ret, struct json_error *reterr); /* 0 … 2^53 - 1 */
MUST_CHECK int json_get_string(const cJSON *object, const char *parent, const char *key,
                               const char **ret, struct json_error *reterr); /* borrowed */
/* Every key of the object must be in `known` (NULL-terminated). */
MUST_CHECK int json_check_keys(const cJSON *object, const char *parent, const char *const *known,
                               struct json_error *reterr);

/* ---- writing: -ENOMEM or -EMSGSIZE of the buffer ---- */
/* A quoted string: bytes that are not UTF-8 become U+FFFD, NUL \u0000. */
MUST_CHECK int json_write_string(struct buffer *to, const char *bytes, size_t count);
MUST_CHECK int json_write_text(struct buffer *to, const char *text); /* NUL-terminated */
MUST_CHECK int json_write_uint(struct buffer *to, uint64_t value);
/* Microseconds as milliseconds with three decimals at most: 1.5, 0.31, 12. */
MUST_CHECK int json_write_ms(struct buffer *to, uint64_t microseconds);

/* How many of the first `count` bytes end on a whole character, so that a stream may be cut there
 * (a partial character at the end waits for its rest). At most 3 less than count. */
size_t json_whole_characters(const char *bytes, size_t count);

#endif
