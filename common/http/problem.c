#include "problem.h"

#include "buffer.h"
#include "json.h"

enum { PROBLEM_BYTES_MAX = 4 << 10 };

static const struct {
    const char *code;
    unsigned status;
    const char *title;
} problems[PROBLEM_COUNT] = {
#define PROBLEM(name, code_, status_, title_)                                                      \
    [PROBLEM_##name] = {.code = (code_), .status = (status_), .title = (title_)},
#include "problem.def"
#undef PROBLEM
};

const char *problem_code(enum problem problem)
{
    return problems[problem].code;
}

unsigned problem_status(enum problem problem)
{
    return problems[problem].status;
}

const char *problem_title(enum problem problem)
{
    return problems[problem].title;
}

static int write_member(struct buffer *to, const char *key, const char *text)
{
    int r = buffer_append_text(to, key);
    return r < 0 ? r : json_write_text(to, text);
}

static int write_document(struct buffer *to, enum problem problem, const char *detail,
                          const char *id)
{
    int r = write_member(to, "{\"type\":\"about:blank\",\"title\":", problem_title(problem));
    if (r == 0)
        r = buffer_append_format(to, ",\"status\":%u", problem_status(problem));
    if (r == 0)
        r = write_member(to, ",\"detail\":", detail);
    if (r == 0)
        r = write_member(to, ",\"code\":", problem_code(problem));
    if (r == 0)
        r = buffer_append_format(to, ",\"instance\":\"urn:trytok:request:%s\"}\n", id);
    return r;
}

void problem_respond(struct http_exchange *exchange, enum problem problem, const char *detail)
{
    unsigned status = problem_status(problem);
    if ((status == 503 || status == 429) && !http_exchange_has_added(exchange, "Retry-After"))
        http_exchange_add_header(exchange, "Retry-After", "1");
    http_exchange_set_problem_code(exchange, problem_code(problem));

    struct buffer document;
    buffer_init(&document, PROBLEM_BYTES_MAX);
    if (write_document(&document, problem, detail, http_exchange_id(exchange)) < 0)
        buffer_clear(&document); /* out of memory: the status line says enough */
    http_exchange_respond(exchange, status, "application/problem+json", buffer_data(&document),
                          buffer_count(&document));
    buffer_done(&document);
}
