/*
 * negotiation - which form a body has and which form its answer takes, from Content-Type and Accept.
 *
 * Threads: any. Memory: nothing is kept. Errors: as said at each function.
 */
#ifndef TRYTOK_NEGOTIATION_H
#define TRYTOK_NEGOTIATION_H

#include "attributes.h"

enum body_form {
    BODY_RAW,  /* the body is the program, byte for byte */
    BODY_JSON, /* an object with "source" and more */
};

enum answer_form { ANSWER_TEXT, ANSWER_JSON, ANSWER_EVENTS, ANSWER_FORM_COUNT };

/* What the 415 says. */
#define NEGOTIATION_ACCEPTED                                                                       \
    "text/plain, application/octet-stream and application/x-www-form-urlencoded (or none): the "   \
    "body is the program as it is; application/json (UTF-8): an object with \"source\""

/* NULL or "" is no header. 0, or -ENOTSUP: a type that is not taken. */
MUST_CHECK int negotiation_body(const char *content_type, enum body_form *ret_form);

/* Never fails: what asks for none of the three forms gets the body's own (text for a raw body, JSON
 * for JSON), and so does an Accept that cannot be read. */
enum answer_form negotiation_answer(const char *accept, enum body_form body);

#endif
