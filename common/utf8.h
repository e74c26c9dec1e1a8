/*
 * utf8 - one step of decoding: the only place that knows which bytes are a character.
 *
 * Overlong forms, surrogates and values above U+10FFFF are invalid. Any thread; borrows only.
 */
#ifndef TRYTOK_UTF8_H
#define TRYTOK_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum utf8_kind {
    UTF8_VALID,
    UTF8_INVALID, /* `count` bytes stand for one U+FFFD (the maximal subpart, as Unicode advises) */
    UTF8_PARTIAL, /* all bytes given are the beginning of a valid character */
};

struct utf8_step {
    enum utf8_kind kind;
    size_t count;        /* bytes to go on by, 1 to 4 */
    uint32_t code_point; /* when valid */
};

struct utf8_step utf8_next(const char *bytes, size_t count); /* count is at least 1 */

#endif
