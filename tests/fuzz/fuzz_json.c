/* Any bytes as JSON: what is accepted writes and parses again; what is refused says why. */
#include <assert.h>
#include <string.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct json_error error = {.text = ""};
    cJSON *tree = NULL;
    int r = json_parse((const char *)bytes, count, &tree, &error);
    if (r < 0) {
        assert(r == -ENOMEM || error.text[0] != '\0');
        assert(memchr(error.text, '\0', sizeof(error.text)) != NULL);
        return 0;
    }
    cJSON_Delete(tree);

    /* A string of any bytes, written, is JSON that is accepted unless it holds a NUL. */
    struct buffer text;
    buffer_init(&text, 64 + 6 * count);
    if (json_write_string(&text, (const char *)bytes, count) < 0)
        __builtin_trap();
    r = json_parse(buffer_data(&text), buffer_count(&text), &tree, &error);
    assert(r == 0 || memchr(bytes, 0, count) != NULL);
    if (r == 0)
        cJSON_Delete(tree);
    buffer_done(&text);
    return 0;
}
