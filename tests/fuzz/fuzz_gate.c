/* Any bytes as the head of a request: refused, or taken apart into pieces that are where they belong. */
#include <assert.h>
#include <string.h>

#include "http_gate.h"

enum { HEAD_MAX = 2048, TARGET_MAX = 256 };

static void check_head(const struct http_head *head, size_t count)
{
    assert(head->bytes <= count && head->bytes <= HEAD_MAX);
    assert(head->header_count <= HTTP_GATE_HEADERS_MAX);
    assert(strlen(head->method) <= HTTP_GATE_METHOD_BYTES_MAX);
    assert(strlen(head->path) <= TARGET_MAX && strlen(head->query) <= TARGET_MAX);
    assert(!head->chunked || head->body_bytes == 0);
    for (size_t i = 0; i < head->header_count; i++) {
        const char *name = head->text + head->headers[i].name;
        const char *value = head->text + head->headers[i].value;
        assert(name[0] != '\0' && strpbrk(name, " \t\r\n:") == NULL);
        assert(strpbrk(value, "\r\n") == NULL);
        assert(http_head_find(head, name) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct http_head *head = NULL;
    struct http_refusal refusal = {.detail = NULL};
    const char *text = (const char *)bytes;
    switch (http_gate_read(text, count, HEAD_MAX, TARGET_MAX, &head, &refusal)) {
    case HTTP_GATE_MORE:
        assert(count <= HEAD_MAX);
        break;
    case HTTP_GATE_REFUSE:
        assert(refusal.problem < PROBLEM_COUNT && refusal.detail && refusal.detail[0] != '\0');
        break;
    case HTTP_GATE_PASS:
        check_head(head, count);
        http_head_free(head);
        break;
    }
    return 0;
}
