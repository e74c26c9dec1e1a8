#include "utf8.h"

#include <assert.h>

/* What the first byte says: how long the character is, and the bounds of its second byte, which is
 * where overlong forms, surrogates and values that are too large show (Unicode, table 3-7). */
struct lead {
    size_t count; /* 0: cannot begin a character */
    uint8_t second_min, second_max;
    uint8_t payload_mask;
};

static struct lead lead_of(uint8_t byte)
{
    if (byte >= 0xC2 && byte <= 0xDF)
        return (struct lead){2, 0x80, 0xBF, 0x1F};
    if (byte >= 0xE0 && byte <= 0xEF)
        return (struct lead){3, byte == 0xE0 ? 0xA0 : 0x80, byte == 0xED ? 0x9F : 0xBF, 0x0F};
    if (byte >= 0xF0 && byte <= 0xF4)
        return (struct lead){4, byte == 0xF0 ? 0x90 : 0x80, byte == 0xF4 ? 0x8F : 0xBF, 0x07};
    return (struct lead){0};
}

struct utf8_step utf8_next(const char *bytes, size_t count)
{
    assert(count > 0);
    const uint8_t *at = (const uint8_t *)bytes;
    if (at[0] < 0x80)
        return (struct utf8_step){UTF8_VALID, 1, at[0]};

    struct lead lead = lead_of(at[0]);
    if (lead.count == 0)
        return (struct utf8_step){UTF8_INVALID, 1, 0};

    uint32_t code_point = at[0] & lead.payload_mask;
    for (size_t i = 1; i < lead.count; i++) {
        if (i == count)
            return (struct utf8_step){UTF8_PARTIAL, i, 0};
        uint8_t min = i == 1 ? lead.second_min : 0x80;
        uint8_t max = i == 1 ? lead.second_max : 0xBF;
        if (at[i] < min || at[i] > max)
            return (struct utf8_step){UTF8_INVALID, i, 0};
        code_point = (code_point << 6) | (at[i] & 0x3F);
    }
    return (struct utf8_step){UTF8_VALID, lead.count, code_point};
}
