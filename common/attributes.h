/*
 * attributes - the few compiler attributes and ownership helpers that every file uses.
 *
 * AUTO_FREE and AUTO_FD release a local when it goes out of scope; TAKE() hands it over:
 *
 *     AUTO_FREE char *text = read_file(path);
 *     ...
 *     *ret_text = TAKE(text);
 *     return 0;
 */
#ifndef TRYTOK_ATTRIBUTES_H
#define TRYTOK_ATTRIBUTES_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_index, first_index)                                                       \
    __attribute__((format(printf, text_index, first_index)))
#define UNUSED __attribute__((unused))
#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TAKE(pointer)                                                                              \
    __extension__({                                                                                \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })
#define TAKE_FD(fd)                                                                                \
    __extension__({                                                                                \
        int taken_ = (fd);                                                                         \
        (fd) = -1;                                                                                 \
        taken_;                                                                                    \
    })

/* Closes unless -1, keeps errno. */
static inline void close_fd(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
    }
}

static inline void auto_fd_release(const int *fd)
{
    close_fd(*fd);
}

static inline void auto_free_release(void *pointer)
{
    free(*(void **)pointer);
}

#define AUTO_FD __attribute__((cleanup(auto_fd_release)))
#define AUTO_FREE __attribute__((cleanup(auto_free_release)))
#define AUTO(release) __attribute__((cleanup(release)))

#endif
