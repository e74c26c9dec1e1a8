#include "http_gate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Headers that may stand once only, because two of them can be read in two ways. */
static const char *const single_headers[] = {
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Content-Type",
    "Content-Encoding",
    "Authorization",
    "Expect",
    "Origin",
    "TryTok-Request-Id",
    "TryTok-Deadline-Ms",
    "TryTok-Signature",
    "Traceparent",
    "Idempotency-Key",
};

static enum http_gate_result refuse(struct http_refusal *reterr, enum problem problem,
                                    const char *detail)
{
    *reterr = (struct http_refusal){.problem = problem, .detail = detail};
    return HTTP_GATE_REFUSE;
}

static enum http_gate_result malformed(struct http_refusal *reterr, const char *detail)
{
    return refuse(reterr, PROBLEM_MALFORMED, detail);
}

static bool is_token_char(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static size_t token_length(const char *text)
{
    size_t length = 0;
    while (is_token_char((unsigned char)text[length]))
        length++;
    return length;
}

/* Finds the empty line; *ret_bytes is the head's size with it. Line ends are checked on the way, so
 * that what never could become a request is not waited for. */
static enum http_gate_result find_end(const char *bytes, size_t count, size_t *ret_bytes,
                                      size_t *ret_first_line, struct http_refusal *reterr)
{
    size_t start = 0;
    *ret_first_line = 0;
    while (start < count) {
        const char *line = bytes + start;
        const char *feed = memchr(line, '\n', count - start);
        if (!feed)
            return HTTP_GATE_MORE;
        if (feed == line || feed[-1] != '\r')
            return malformed(reterr, "A line of the head does not end with CR LF.");
        size_t length = (size_t)(feed - line) - 1;
        start += length + 2;
        if (*ret_first_line == 0) {
            if (length == 0)
                return malformed(reterr, "The request line is empty.");
            *ret_first_line = length;
        } else if (length == 0) {
            *ret_bytes = start;
            return HTTP_GATE_PASS;
        }
    }
    return HTTP_GATE_MORE;
}

static enum http_gate_result check_sizes(enum http_gate_result found, size_t count,
                                         size_t head_bytes, size_t first_line,
                                         size_t head_bytes_max, size_t target_bytes_max,
                                         struct http_refusal *reterr)
{
    size_t line_bytes = first_line ? first_line : count;
    if (line_bytes > target_bytes_max + HTTP_GATE_METHOD_BYTES_MAX +
                         sizeof(" "
                                " HTTP/1.1"))
        return refuse(reterr, PROBLEM_TARGET_TOO_LONG, "The request target is too long.");
    if ((found == HTTP_GATE_PASS ? head_bytes : count) > head_bytes_max)
        return refuse(reterr, PROBLEM_HEADERS_TOO_LARGE, "The headers are too large.");
    return found;
}

/* ---- request line ---- */

static enum http_gate_result read_target(struct http_head *head, char *target,
                                         struct http_refusal *reterr)
{
    for (const char *c = target; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '#')
            return malformed(reterr, "The request target has a byte that must be escaped.");
    }
    head->query = "";
    head->path = target;
    if (strcmp(head->method, "CONNECT") == 0) {
        head->is_connect = true;
        head->path = "";
        return HTTP_GATE_PASS;
    }
    if (target[0] != '/' && strcmp(target, "*") != 0)
        return malformed(reterr, "The request target must start with '/'.");
    char *mark = strchr(target, '?');
    if (mark) {
        *mark = '\0';
        head->query = mark + 1;
    }
    return HTTP_GATE_PASS;
}

static enum http_gate_result read_request_line(struct http_head *head, char *line,
                                               size_t line_bytes, size_t target_bytes_max,
                                               struct http_refusal *reterr)
{
    if (strlen(line) != line_bytes)
        return malformed(reterr, "The request line has a NUL in it.");
    size_t method_bytes = token_length(line);
    if (method_bytes == 0 || method_bytes > HTTP_GATE_METHOD_BYTES_MAX || line[method_bytes] != ' ')
        return malformed(reterr, "The request line does not start with a method.");
    head->method = line;
    line[method_bytes] = '\0';

    char *target = line + method_bytes + 1;
    char *blank = strchr(target, ' ');
    if (!blank || blank == target)
        return malformed(reterr, "The request line must be METHOD TARGET HTTP/1.1.");
    *blank = '\0';
    const char *version = blank + 1;
    head->is_1_1 = strcmp(version, "HTTP/1.1") == 0;
    if (!head->is_1_1 && strcmp(version, "HTTP/1.0") != 0)
        return malformed(reterr, "The request line must end with HTTP/1.1 or HTTP/1.0.");
    if ((size_t)(blank - target) > target_bytes_max)
        return refuse(reterr, PROBLEM_TARGET_TOO_LONG, "The request target is too long.");
    return read_target(head, target, reterr);
}

/* ---- headers ---- */

static bool is_single(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(single_headers); i++) {
        if (strcasecmp(name, single_headers[i]) == 0)
            return true;
    }
    return false;
}

static enum http_gate_result read_header(struct http_head *head, char *line, size_t line_bytes,
                                         struct http_refusal *reterr)
{
    if (line[0] == ' ' || line[0] == '\t')
        return malformed(reterr, "A header is folded over more than one line.");
    size_t name_bytes = token_length(line);
    if (name_bytes == 0 || line[name_bytes] != ':')
        return malformed(reterr, "A header's name is not a token followed by ':'.");
    if (head->header_count == HTTP_GATE_HEADERS_MAX)
        return refuse(reterr, PROBLEM_HEADERS_TOO_LARGE, "There are too many headers.");

    char *value = line + name_bytes + 1;
    char *end = line + line_bytes;
    for (const char *c = value; c < end; c++) {
        unsigned char byte = (unsigned char)*c;
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            return malformed(reterr, "A header's value has a control byte in it.");
    }
    while (*value == ' ' || *value == '\t')
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    line[name_bytes] = '\0';

    if (is_single(line) && http_head_find(head, line))
        return malformed(reterr, "A header that may stand once stands twice.");
    head->headers[head->header_count].name = (uint16_t)(line - head->text);
    head->headers[head->header_count].value = (uint16_t)(value - head->text);
    head->header_count++;
    return HTTP_GATE_PASS;
}

static enum http_gate_result read_host(const struct http_head *head, struct http_refusal *reterr)
{
    const char *host = http_head_find(head, "Host");
    if (!host) {
        if (!head->is_1_1)
            return HTTP_GATE_PASS;
        return malformed(reterr, "The Host header is missing.");
    }
    size_t length = strlen(host);
    if (length == 0 || strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789-._~%!$&'()*+;=:[]") != length)
        return malformed(reterr, "The Host header is not a host.");
    return HTTP_GATE_PASS;
}

static enum http_gate_result read_length(struct http_head *head, const char *text,
                                         struct http_refusal *reterr)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0')
        return malformed(reterr, "Content-Length is not a number.");
    uint64_t length = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (__builtin_mul_overflow(length, 10u, &length) ||
            __builtin_add_overflow(length, (uint64_t)(*c - '0'), &length))
            return refuse(reterr, PROBLEM_BODY_TOO_LARGE, "Content-Length is too large.");
    }
    head->body_bytes = length;
    return HTTP_GATE_PASS;
}

static enum http_gate_result read_framing(struct http_head *head, struct http_refusal *reterr)
{
    const char *length = http_head_find(head, "Content-Length");
    const char *coding = http_head_find(head, "Transfer-Encoding");
    if (coding) {
        if (length)
            return malformed(reterr, "Content-Length and Transfer-Encoding exclude each other.");
        if (!head->is_1_1)
            return malformed(reterr, "HTTP/1.0 has no Transfer-Encoding.");
        if (strcasecmp(coding, "chunked") != 0)
            return malformed(reterr, "The only Transfer-Encoding taken is chunked.");
        head->chunked = true;
        return HTTP_GATE_PASS;
    }
    return length ? read_length(head, length, reterr) : HTTP_GATE_PASS;
}

static enum http_gate_result read_expectations(struct http_head *head, struct http_refusal *reterr)
{
    const char *expect = http_head_find(head, "Expect");
    if (expect) {
        if (strcasecmp(expect, "100-continue") != 0)
            return refuse(reterr, PROBLEM_EXPECTATION_FAILED,
                          "The only expectation taken is 100-continue.");
        head->expects = head->is_1_1;
    }
    const char *encoding = http_head_find(head, "Content-Encoding");
    if (encoding && strcasecmp(encoding, "identity") != 0)
        return refuse(reterr, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
                      "Bodies are taken as they are: send it without Content-Encoding.");
    return HTTP_GATE_PASS;
}

static enum http_gate_result read_lines(struct http_head *head, size_t first_line,
                                        size_t target_bytes_max, struct http_refusal *reterr)
{
    char *line = head->text;
    char *end = head->text + head->bytes - 2; /* where the empty line starts */
    line[first_line] = '\0';
    enum http_gate_result result =
        read_request_line(head, line, first_line, target_bytes_max, reterr);
    line += first_line + 2;
    while (result == HTTP_GATE_PASS && line < end) {
        size_t length = (size_t)((char *)memchr(line, '\n', (size_t)(end - line)) - line) - 1;
        line[length] = '\0';
        result = read_header(head, line, length, reterr);
        line += length + 2;
    }
    if (result == HTTP_GATE_PASS)
        result = read_host(head, reterr);
    if (result == HTTP_GATE_PASS)
        result = read_framing(head, reterr);
    if (result == HTTP_GATE_PASS)
        result = read_expectations(head, reterr);
    return result;
}

enum http_gate_result http_gate_read(const char *bytes, size_t count, size_t head_bytes_max,
                                     size_t target_bytes_max, struct http_head **ret_head,
                                     struct http_refusal *reterr)
{
    size_t head_bytes = 0;
    size_t first_line = 0;
    enum http_gate_result result = find_end(bytes, count, &head_bytes, &first_line, reterr);
    if (result == HTTP_GATE_REFUSE)
        return result;
    result = check_sizes(result, count, head_bytes, first_line, head_bytes_max, target_bytes_max,
                         reterr);
    if (result != HTTP_GATE_PASS)
        return result;

    struct http_head *head = calloc(1, sizeof(*head) + head_bytes);
    if (!head)
        return refuse(reterr, PROBLEM_INTERNAL, "Out of memory.");
    memcpy(head->text, bytes, head_bytes);
    head->bytes = head_bytes;
    result = read_lines(head, first_line, target_bytes_max, reterr);
    if (result != HTTP_GATE_PASS) {
        free(head);
        return result;
    }
    *ret_head = head;
    return HTTP_GATE_PASS;
}

void http_head_free(struct http_head *head)
{
    free(head);
}

const char *http_head_find(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (strcasecmp(head->text + head->headers[i].name, name) == 0)
            return head->text + head->headers[i].value;
    }
    return NULL;
}

bool http_head_has_body(const struct http_head *head)
{
    return head->chunked || head->body_bytes > 0;
}
