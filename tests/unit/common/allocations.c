#include "allocations.h"

#include <stddef.h>

static unsigned countdown;
static int has_failed;

void allocations_fail_at(unsigned nth)
{
    countdown = nth;
    has_failed = 0;
}

int allocations_have_failed(void)
{
    return has_failed;
}

static int is_to_fail(void)
{
    if (countdown == 0 || --countdown > 0)
        return 0;
    has_failed = 1;
    return 1;
}

/* Names that the linker's --wrap asks for. */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t bytes)
{
    return is_to_fail() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_to_fail() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    return is_to_fail() ? NULL : __real_realloc(old, bytes);
}

char *__wrap_strdup(const char *text)
{
    return is_to_fail() ? NULL : __real_strdup(text);
}
