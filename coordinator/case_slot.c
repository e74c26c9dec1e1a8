#include "case_slot.h"

#include <string.h>

/* What diagnostics may add to the kept output. */
enum { KEPT_EXTRA_BYTES_MAX = 2 * 1024 * 1024 };

void case_slot_init(struct case_slot *slot, struct request *request, size_t index,
                    size_t output_bytes_max)
{
    *slot = (struct case_slot){.request = request, .index = index};
    buffer_init(&slot->kept, output_bytes_max * 2 + KEPT_EXTRA_BYTES_MAX);
}

void case_slot_done(struct case_slot *slot)
{
    run_cancel(&slot->run);
    buffer_done(&slot->kept);
}

int case_slot_keep_output(struct case_slot *slot, const char *bytes, size_t count)
{
    struct buffer *kept = &slot->kept;
    if (slot->open_bytes == 0 || slot->open_bytes + count > FRAME_PAYLOAD_MAX) {
        static const uint8_t header[FRAME_HEADER_BYTES];
        slot->open_at = buffer_count(kept);
        slot->open_bytes = 0;
        int r = buffer_append(kept, header, sizeof(header));
        if (r < 0)
            return r;
    }
    int r = buffer_append(kept, bytes, count);
    if (r < 0)
        return r;
    slot->open_bytes += (uint32_t)count;
    uint8_t header[FRAME_HEADER_BYTES];
    frame_encode_header(header, FRAME_STDOUT, slot->open_bytes);
    memcpy(kept->bytes + kept->start + slot->open_at, header, sizeof(header));
    return 0;
}

int case_slot_keep_diagnostic(struct case_slot *slot, const struct frame_diagnostic *diagnostic)
{
    char *space = NULL;
    int r = buffer_reserve(&slot->kept, FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX, &space);
    if (r == -EMSGSIZE) {
        slot->is_incomplete = true;
        return 0;
    }
    if (r < 0)
        return r;
    slot->open_bytes = 0;
    buffer_commit(&slot->kept, frame_encode_diagnostic((uint8_t *)space, diagnostic));
    return 0;
}

static int replay_frame(struct case_slot *slot, const struct case_slot_events *events,
                        const struct frame_header *header, const char *payload)
{
    if (header->type == FRAME_STDOUT)
        return events->output(slot, payload, header->payload_bytes);
    struct frame_diagnostic diagnostic;
    int r = frame_decode_diagnostic((const uint8_t *)payload, header->payload_bytes, &diagnostic);
    return r == 0 ? events->diagnostic(slot, &diagnostic) : r;
}

int case_slot_replay(struct case_slot *slot, const struct case_slot_events *events)
{
    while (buffer_count(&slot->kept) > 0) {
        const char *bytes = buffer_data(&slot->kept);
        uint8_t encoded[FRAME_HEADER_BYTES];
        memcpy(encoded, bytes, sizeof(encoded));
        struct frame_header header;
        int r = frame_decode_header(encoded, &header);
        if (r == 0)
            r = replay_frame(slot, events, &header, bytes + FRAME_HEADER_BYTES);
        if (r < 0)
            return r;
        buffer_consume(&slot->kept, FRAME_HEADER_BYTES + header.payload_bytes);
    }
    slot->open_bytes = 0;
    return 0;
}
