#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES_MIN = 64 * 1024, EXCERPT_MAX = 160 };

static int note_failure(struct host *host, const char *what)
{
    host->failed = what;
    host->failed_errno = errno;
    return -errno;
}

static int write_output(void *context, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return note_failure(context, "write standard output");
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

static ptrdiff_t read_input(void *context, char *buffer, size_t size)
{
    for (;;) {
        ssize_t count = read(STDIN_FILENO, buffer, size);
        if (count >= 0)
            return count;
        if (errno != EINTR)
            return note_failure(context, "read standard input");
    }
}

static double read_clock(void *context)
{
    (void)context;
    struct timespec time;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) < 0)
        return 0;
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A byte of a UTF-8 character that takes no column of its own. */
static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Whatever a program contains, it does not reach the terminal as a control character. */
static char visible(char byte)
{
    if (byte == '\r')
        return ' ';
    bool is_control = ((unsigned char)byte < ' ' && byte != '\t') || byte == 0x7F;
    return is_control ? '?' : byte;
}

/* The source line with a caret below; a long one is cut around the place. */
static void print_excerpt(const struct host *host, const struct tok_diagnostic *diagnostic)
{
    const char *line = host->source;
    const char *end = host->source + host->source_bytes;
    for (uint32_t number = 1; number < diagnostic->line && line; number++) {
        line = memchr(line, '\n', (size_t)(end - line));
        line = line ? line + 1 : NULL;
    }
    if (!line)
        return;
    const char *line_end = memchr(line, '\n', (size_t)(end - line));
    size_t length = (size_t)((line_end ? line_end : end) - line);
    size_t column = diagnostic->column - 1;
    if (length == 0 || column > length)
        return;
    size_t skip = column > EXCERPT_MAX / 2 ? column - EXCERPT_MAX / 2 : 0;
    size_t shown = length - skip < EXCERPT_MAX ? length - skip : EXCERPT_MAX;
    while (skip < column && is_continuation(line[skip])) {
        skip++;
        shown--;
    }
    fputs("    ", stderr);
    for (size_t i = skip; i < skip + shown; i++)
        fputc(visible(line[i]), stderr);
    fputs("\n    ", stderr);
    for (size_t i = skip; i < column; i++) {
        if (!is_continuation(line[i]))
            fputc(line[i] == '\t' ? '\t' : ' ', stderr);
    }
    fputc('^', stderr);
    for (size_t i = column + 1; i < column + diagnostic->length && i < skip + shown; i++) {
        if (!is_continuation(line[i]))
            fputc('^', stderr);
    }
    fputc('\n', stderr);
}

static void report(void *context, const struct tok_diagnostic *diagnostic)
{
    struct host *host = context;
    host->diagnostic_count++;
    if (host->diagnostic_count == 1)
        host->is_incomplete = (diagnostic->length == 0 && !diagnostic->trace) ||
                              strcmp(diagnostic->message, "Unterminated string.") == 0;
    if (host->is_silent)
        return;
    fprintf(stderr, "%s\n", diagnostic->text);
    print_excerpt(host, diagnostic);
}

void host_init(struct host *host, struct tok_config *ret_config)
{
    *host = (struct host){0};
    *ret_config = (struct tok_config){
        .context = host,
        .write = write_output,
        .read = read_input,
        .report = report,
        .clock = read_clock,
    };
    /* Without randomness the seed is 0: names of one local program cannot attack anybody else. */
    if (getrandom(&ret_config->hash_seed, sizeof(ret_config->hash_seed), GRND_NONBLOCK) < 0)
        ret_config->hash_seed = 0;
}

int host_report_end(const struct host *host, enum tok_verdict verdict)
{
    if (verdict == TOK_HOST_ERROR && host->failed) {
        errno = host->failed_errno;
        fprintf(stderr, "tok: cannot %s: %m\n", host->failed);
        return EXIT_IO;
    }
    if (verdict != TOK_OK && host->diagnostic_count == 0)
        fprintf(stderr, "tok: %s\n", tok_verdict_name(verdict));
    return tok_verdict_exit_code(verdict);
}

static char *read_all(int fd, size_t *ret_bytes)
{
    size_t capacity = READ_BYTES_MIN;
    size_t count = 0;
    char *bytes = malloc(capacity);
    while (bytes) {
        ssize_t part = read(fd, bytes + count, capacity - count);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0) {
            free(bytes);
            return NULL;
        }
        if (part == 0) {
            *ret_bytes = count;
            return bytes;
        }
        count += (size_t)part;
        if (count == capacity) {
            char *larger = realloc(bytes, capacity * 2);
            if (!larger)
                free(bytes);
            bytes = larger;
            capacity *= 2;
        }
    }
    errno = ENOMEM;
    return NULL;
}

char *host_read_file(const char *path, size_t *ret_bytes)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, ret_bytes);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *bytes = read_all(fd, ret_bytes);
    int error = errno;
    close(fd);
    errno = error;
    return bytes;
}
