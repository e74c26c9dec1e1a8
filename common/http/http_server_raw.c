/* Answers that go to the socket without MHD: refusals after which the connection ends. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "http_server_internal.h"

enum { RAW_BYTES_MAX = 64 << 10 };

static int write_head(struct buffer *to, const struct http_exchange *exchange, size_t body_bytes)
{
    char date[64];
    struct tm now_utc;
    time_t now = time(NULL);
    if (!gmtime_r(&now, &now_utc) ||
        strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &now_utc) == 0)
        return -EINVAL;
    int r = buffer_append_format(to,
                                 "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\n"
                                 "Content-Length: %zu\r\n",
                                 exchange->status, MHD_get_reason_phrase_for(exchange->status),
                                 date, body_bytes);
    struct header_walk walk = {.offset = 0};
    while (r == 0 && exchange_next_header(exchange, &walk))
        r = buffer_append_format(to, "%s: %s\r\n", walk.name, walk.value);
    return r < 0 ? r : buffer_append_text(to, "\r\n");
}

void exchange_write_raw(struct http_exchange *exchange, const void *body, size_t body_bytes)
{
    struct buffer answer;
    buffer_init(&answer, RAW_BYTES_MAX);
    int r = write_head(&answer, exchange, body_bytes);
    if (r == 0 && strcmp(http_exchange_method(exchange), "HEAD") != 0)
        r = buffer_append(&answer, body, body_bytes);
    /* It is small and the first on its way; where it does not fit the client does not read, and
     * only sees the connection end. */
    if (r == 0 && !exchange->failed)
        (void)send(exchange->connection->fd, buffer_data(&answer), buffer_count(&answer),
                   MSG_NOSIGNAL | MSG_DONTWAIT);
    buffer_done(&answer);
}
