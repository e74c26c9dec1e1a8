#include "held_memory.h"

#include <stddef.h>

void share_init(struct held_share *share, struct held_memory *memory, void *owner)
{
    *share = (struct held_share){.memory = memory, .owner = owner};
}

void share_set(struct held_share *share, uint64_t bytes)
{
    share->memory->bytes += bytes - share->bytes;
    share->bytes = bytes;
}

void share_is_sending(struct held_share *share, uint64_t now_us)
{
    struct held_memory *memory = share->memory;
    if (share->is_sending)
        return;
    share->is_sending = true;
    share->sending_since_us = now_us;
    share->next = NULL;
    share->previous = memory->last;
    if (memory->last)
        memory->last->next = share;
    else
        memory->first = share;
    memory->last = share;
}

void share_done(struct held_share *share)
{
    struct held_memory *memory = share->memory;
    share_set(share, 0);
    if (!share->is_sending)
        return;
    share->is_sending = false;
    if (share->previous)
        share->previous->next = share->next;
    else
        memory->first = share->next;
    if (share->next)
        share->next->previous = share->previous;
    else
        memory->last = share->previous;
}

bool held_memory_is_short(const struct held_memory *memory, uint64_t more)
{
    return memory->bytes + more > memory->bytes_max;
}

struct held_share *held_memory_slowest(const struct held_memory *memory, uint64_t now_us)
{
    struct held_share *first = memory->first;
    return first && now_us - first->sending_since_us >= HELD_SENDING_US_MIN ? first : NULL;
}
