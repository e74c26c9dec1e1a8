#include "log.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "clock.h"
#include "utf8.h"

enum {
    LINE_MAX_BYTES = 4096, /* PIPE_BUF: a pipe takes such a line whole or not at all */
    LINE_TAIL_BYTES = 16,  /* kept free for `,"cut":true}` and the newline */
    TEXT_MAX_BYTES = 512,
};
_Static_assert((int)LINE_MAX_BYTES <= PIPE_BUF, "one write(2) of a line is atomic");

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

/* How a line can be written without waiting. */
enum sink {
    SINK_NONBLOCKING, /* a pipe with an open file of our own */
    SINK_PIPE,        /* one that could not be opened again */
    SINK_SOCKET,
    SINK_OTHER, /* a file, a terminal */
};

/* The one global of the program; only `dropped_count` changes after log_init(). */
static struct {
    const char *program; /* borrowed */
    enum log_level level;
    int fd;
    enum sink sink;
    atomic_uint_fast64_t dropped_count;
} log_state = {.program = "", .level = LOG_LEVEL_INFO, .fd = STDERR_FILENO, .sink = SINK_OTHER};

/* A pipe is opened a second time, because O_NONBLOCK belongs to the open file, which we share with
 * whoever holds the other descriptors (a shell's terminal, a parent): setting it there would break
 * them. */
void log_init(const char *program, enum log_level level)
{
    log_state.program = program;
    log_state.level = level;
    if (log_state.fd != STDERR_FILENO)
        close_fd(log_state.fd);
    log_state.fd = STDERR_FILENO;
    log_state.sink = SINK_OTHER;

    struct stat status;
    if (fstat(STDERR_FILENO, &status) < 0)
        return;
    if (S_ISSOCK(status.st_mode))
        log_state.sink = SINK_SOCKET;
    if (S_ISFIFO(status.st_mode)) {
        int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        log_state.sink = fd >= 0 ? SINK_NONBLOCKING : SINK_PIPE;
        log_state.fd = fd >= 0 ? fd : STDERR_FILENO;
    }
}

uint64_t log_dropped_count(void)
{
    return atomic_load_explicit(&log_state.dropped_count, memory_order_relaxed);
}

int log_level_parse(const char *text, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_COUNT(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* ---- one line ---- */

struct line {
    size_t count;
    bool is_full; /* something did not fit */
    char text[LINE_MAX_BYTES];
};

static void add_bytes(struct line *line, const char *bytes, size_t count)
{
    if (line->is_full || count > sizeof(line->text) - LINE_TAIL_BYTES - line->count) {
        line->is_full = true;
        return;
    }
    memcpy(line->text + line->count, bytes, count);
    line->count += count;
}

static void add_text(struct line *line, const char *text)
{
    add_bytes(line, text, strlen(text));
}

static void add_escape(struct line *line, uint32_t code_unit)
{
    char text[8];
    int length = snprintf(text, sizeof(text), "\\u%04x", (unsigned)(code_unit & 0xFFFF));
    add_bytes(line, text, (size_t)length);
}

/* Only printable ASCII goes out as it is: neither a terminal nor a reader of logs can be fooled by
 * control bytes, right-to-left marks or characters that look alike. */
static void add_character(struct line *line, const char *byte, const struct utf8_step *step)
{
    if (step->kind != UTF8_VALID) {
        add_escape(line, 0xFFFD);
    } else if (step->code_point >= 0x10000) {
        uint32_t rest = step->code_point - 0x10000;
        add_escape(line, 0xD800 + (rest >> 10));
        add_escape(line, 0xDC00 + (rest & 0x3FF));
    } else if (*byte == '"' || *byte == '\\') {
        add_bytes(line, "\\", 1);
        add_bytes(line, byte, 1);
    } else if (step->code_point >= 0x20 && step->code_point < 0x7F) {
        add_bytes(line, byte, 1);
    } else {
        add_escape(line, step->code_point);
    }
}

static void add_string(struct line *line, const char *text)
{
    add_bytes(line, "\"", 1);
    size_t count = strnlen(text, TEXT_MAX_BYTES);
    for (size_t at = 0; at < count;) {
        struct utf8_step step = utf8_next(text + at, count - at);
        add_character(line, text + at, &step);
        at += step.count;
    }
    add_bytes(line, "\"", 1);
}

static void add_error(struct line *line, int64_t error)
{
    int number = error < 0 && error >= -INT_MAX ? (int)-error : (int)error;
    const char *name = strerrorname_np(number);
    const char *description = strerrordesc_np(number);
    char text[128];
    if (name && description)
        (void)snprintf(text, sizeof(text), "%s: %s", name, description);
    else
        (void)snprintf(text, sizeof(text), "%d", number);
    add_string(line, text);
}

static void add_number(struct line *line, const struct log_field *field)
{
    char text[24];
    if (field->kind == LOG_FIELD_INT)
        (void)snprintf(text, sizeof(text), "%lld", (long long)field->value.integer);
    else
        (void)snprintf(text, sizeof(text), "%llu",
                       (unsigned long long)field->value.unsigned_integer);
    add_text(line, text);
}

/* A field that does not fit is left out whole, so that the line stays JSON. */
static void add_field(struct line *line, const struct log_field *field)
{
    size_t count_before = line->count;
    add_bytes(line, ",", 1);
    add_string(line, field->name);
    add_bytes(line, ":", 1);
    switch (field->kind) {
    case LOG_FIELD_STR:
        if (field->value.text)
            add_string(line, field->value.text);
        else
            add_text(line, "null");
        break;
    case LOG_FIELD_INT:
    case LOG_FIELD_UINT:
        add_number(line, field);
        break;
    case LOG_FIELD_ERRNO:
        add_error(line, field->value.integer);
        break;
    }
    if (line->is_full)
        line->count = count_before;
}

static void format_line(struct line *line, enum log_level level, const char *event,
                        const struct log_field *fields, size_t field_count)
{
    char now[CLOCK_TEXT_BYTES];
    clock_format_now(now);
    add_text(line, "{\"time\":\"");
    add_text(line, now);
    add_text(line, "\",\"level\":\"");
    add_text(line, level_names[level]);
    add_text(line, "\",\"program\":");
    add_string(line, log_state.program);
    add_text(line, ",\"event\":");
    add_string(line, event);
    bool is_cut = false;
    for (size_t i = 0; i < field_count; i++) {
        add_field(line, &fields[i]);
        is_cut = is_cut || line->is_full;
        line->is_full = false;
    }
    const char *tail = is_cut ? ",\"cut\":true}\n" : "}\n";
    memcpy(line->text + line->count, tail, strlen(tail));
    line->count += strlen(tail);
}

static ssize_t write_when_ready(const struct line *line)
{
    struct pollfd ready = {.fd = log_state.fd, .events = POLLOUT};
    int count = poll(&ready, 1, 0);
    if (count < 0)
        return -1;
    if (count == 0 || (ready.revents & POLLOUT) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(log_state.fd, line->text, line->count);
}

/* Linux 6.4 and later need no poll(2), after which another thread or process may be faster. */
static ssize_t write_pipe(struct line *line)
{
    struct iovec piece = {.iov_base = line->text, .iov_len = line->count};
    ssize_t written = pwritev2(log_state.fd, &piece, 1, -1, RWF_NOWAIT);
    if (written < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
        return write_when_ready(line);
    return written;
}

static ssize_t write_line(struct line *line)
{
    switch (log_state.sink) {
    case SINK_NONBLOCKING:
        return write(log_state.fd, line->text, line->count);
    case SINK_PIPE:
        return write_pipe(line);
    case SINK_SOCKET:
        return send(log_state.fd, line->text, line->count, MSG_DONTWAIT | MSG_NOSIGNAL);
    case SINK_OTHER:
        return write_when_ready(line);
    }
    return -1;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t field_count)
{
    if (level < log_state.level)
        return;
    int saved_errno = errno;
    struct line line;
    line.count = 0;
    line.is_full = false;
    format_line(&line, level, event, fields, field_count);
    ssize_t written;
    do {
        written = write_line(&line);
    } while (written < 0 && errno == EINTR);
    if (written != (ssize_t)line.count)
        atomic_fetch_add_explicit(&log_state.dropped_count, 1, memory_order_relaxed);
    errno = saved_errno;
}
