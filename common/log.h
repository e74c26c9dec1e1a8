/*
 * log - one JSON line an event, to standard error, in one write(2).
 *
 *     log_warn("run refused", LOG_STR("request_id", id), LOG_ERRNO(r));
 *
 * The event text is constant and lower case; what varies is a field. Never log a program, its input,
 * its output or a key. A line that cannot be written at once is dropped and counted, never waited for.
 * Lines are ASCII of at most 4096 bytes; fields that do not fit are left out and "cut":true says so.
 * The program ignores SIGPIPE: a closed pipe behind standard error must not end it.
 *
 * Threads: any, after log_init(). Errors: none reach the caller.
 */
#ifndef TRYTOK_LOG_H
#define TRYTOK_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "attributes.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log_field {
    const char *name;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_UINT, LOG_FIELD_ERRNO } kind;
    union {
        const char *text; /* NULL shows as null; cut at 512 bytes */
        int64_t integer;
        uint64_t unsigned_integer;
    } value;
};

#define LOG_STR(name_, text_)                                                                      \
    ((struct log_field){.name = (name_), .kind = LOG_FIELD_STR, .value.text = (text_)})
#define LOG_INT(name_, integer_)                                                                   \
    ((struct log_field){.name = (name_), .kind = LOG_FIELD_INT, .value.integer = (integer_)})
#define LOG_UINT(name_, integer_)                                                                  \
    ((struct log_field){                                                                           \
        .name = (name_), .kind = LOG_FIELD_UINT, .value.unsigned_integer = (integer_)})
/* Takes errno or -errno. */
#define LOG_ERRNO(error_)                                                                          \
    ((struct log_field){.name = "error", .kind = LOG_FIELD_ERRNO, .value.integer = (error_)})

/* Before any thread starts; again after standard error was replaced. `program` is borrowed. */
void log_init(const char *program, enum log_level level);
uint64_t log_dropped_count(void);
int log_level_parse(const char *text, enum log_level *ret_level); /* "debug" … "error"; -EINVAL */

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t field_count);

#define LOG_EVENT(level, event, ...)                                                               \
    log_write((level), (event), (const struct log_field[]){{.name = NULL}, ##__VA_ARGS__} + 1,     \
              sizeof((const struct log_field[]){{.name = NULL}, ##__VA_ARGS__}) /                  \
                      sizeof(struct log_field) -                                                   \
                  1)
#define log_debug(event, ...) LOG_EVENT(LOG_LEVEL_DEBUG, event, ##__VA_ARGS__)
#define log_info(event, ...) LOG_EVENT(LOG_LEVEL_INFO, event, ##__VA_ARGS__)
#define log_warn(event, ...) LOG_EVENT(LOG_LEVEL_WARN, event, ##__VA_ARGS__)
#define log_error(event, ...) LOG_EVENT(LOG_LEVEL_ERROR, event, ##__VA_ARGS__)

#endif
