/* problem - RFC 9457 problem documents from one table (problem.def). */
#ifndef TRYTOK_PROBLEM_H
#define TRYTOK_PROBLEM_H

#include "http_server.h"

enum problem {
#define PROBLEM(name, code, status, title) PROBLEM_##name,
#include "problem.def"
#undef PROBLEM
    PROBLEM_COUNT
};

const char *problem_code(enum problem problem);
unsigned problem_status(enum problem problem);
const char *problem_title(enum problem problem);

/* Answers with application/problem+json {type,title,status,detail,code,instance}: `detail` says what
 * was wrong and how to mend it (constant text or about the request's form, never program text). Adds
 * Retry-After: 1 to 503 and 429 unless the caller added its own. */
void problem_respond(struct http_exchange *exchange, enum problem problem, const char *detail);

#endif
