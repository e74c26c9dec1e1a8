#include "buffer.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { CAPACITY_MIN = 256 };

void buffer_init(struct buffer *buffer, size_t count_max)
{
    *buffer = (struct buffer){.count_max = count_max};
}

void buffer_done(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){.count_max = buffer->count_max};
}

/* Moving costs no more than the bytes consumed since the last move, so a byte is moved once on
 * average, and the capacity stays below twice the cap. */
static int make_room(struct buffer *buffer, size_t count)
{
    size_t live = buffer_count(buffer);
    if (buffer->capacity - buffer->end >= count)
        return 0;
    if (buffer->start >= live && buffer->capacity - live >= count) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, live);
        buffer->start = 0;
        buffer->end = live;
        return 0;
    }

    size_t needed;
    size_t capacity;
    if (__builtin_add_overflow(live, count, &needed) ||
        __builtin_mul_overflow(needed, (size_t)2, &capacity))
        return -ENOMEM;
    if (capacity < CAPACITY_MIN)
        capacity = CAPACITY_MIN;
    char *bytes = malloc(capacity);
    if (!bytes)
        return -ENOMEM;
    if (live > 0)
        memcpy(bytes, buffer->bytes + buffer->start, live);
    free(buffer->bytes);
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    buffer->start = 0;
    buffer->end = live;
    return 0;
}

static bool fits(const struct buffer *buffer, size_t count)
{
    return count <= buffer->count_max - buffer_count(buffer);
}

int buffer_reserve(struct buffer *buffer, size_t count, char **ret_space)
{
    if (!fits(buffer, count))
        return -EMSGSIZE;
    int r = make_room(buffer, count > 0 ? count : 1); /* so that the space is never NULL */
    if (r < 0)
        return r;
    *ret_space = buffer->bytes + buffer->end;
    return 0;
}

void buffer_commit(struct buffer *buffer, size_t count)
{
    assert(count <= buffer->capacity - buffer->end);
    assert(fits(buffer, count));
    buffer->end += count;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t count)
{
    if (count == 0)
        return 0;
    char *space;
    int r = buffer_reserve(buffer, count, &space);
    if (r < 0)
        return r;
    memcpy(space, bytes, count);
    buffer_commit(buffer, count);
    return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

int buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    char text[256]; /* most lines; longer ones are formatted twice */
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length < 0)
        return -EINVAL;
    size_t count = (size_t)length;
    if (count < sizeof(text))
        return buffer_append(buffer, text, count);

    if (!fits(buffer, count))
        return -EMSGSIZE;
    int r = make_room(buffer, count + 1); /* vsnprintf adds a NUL, which is not counted */
    if (r < 0)
        return r;
    va_start(arguments, format);
    length = vsnprintf(buffer->bytes + buffer->end, count + 1, format, arguments);
    va_end(arguments);
    assert(length >= 0 && (size_t)length == count);
    buffer->end += count;
    return 0;
}

void buffer_consume(struct buffer *buffer, size_t count)
{
    assert(count <= buffer_count(buffer));
    buffer->start += count;
    if (buffer->start == buffer->end)
        buffer_clear(buffer);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->start = 0;
    buffer->end = 0;
}

int buffer_take_string(struct buffer *buffer, char **ret_text, size_t *ret_count)
{
    size_t count = buffer_count(buffer);
    if (count > 0)
        memmove(buffer->bytes, buffer->bytes + buffer->start, count);
    buffer->start = 0;
    buffer->end = count;
    char *text = realloc(buffer->bytes, count + 1);
    if (!text)
        return -ENOMEM;
    text[count] = '\0';
    *buffer = (struct buffer){.count_max = buffer->count_max};
    *ret_text = text;
    if (ret_count)
        *ret_count = count;
    return 0;
}
