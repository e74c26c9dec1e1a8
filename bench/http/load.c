/*
 * bench_load - sends one request over and over on a number of kept connections, and writes how long
 * each answer took.
 *
 *     bench_load PORT CONNECTIONS MILLISECONDS REQUEST-FILE EXPECTED-BODY-FILE LATENCIES-FILE
 *
 * An answer counts when its status is 200 and its body is the expected one (an empty file expects
 * nothing of it). Prints {"requests","errors","seconds"}; the latencies are native u32, microseconds.
 * One thread, epoll. Exit status 1 when any answer was wrong.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 1024,
    ANSWER_BYTES_MAX = 16384,
    FILE_BYTES_MAX = 65536,
    LATENCIES_MAX = 4 << 20,
};

struct blob {
    char bytes[FILE_BYTES_MAX];
    size_t count;
};

struct connection {
    int fd;
    uint64_t sent_us;
    size_t count; /* bytes of the answer so far */
    char answer[ANSWER_BYTES_MAX + 1];
};

struct load {
    uint16_t port;
    struct blob request, expected;
    struct connection *connections; /* owned */
    unsigned connection_count;
    uint32_t *latencies_us; /* owned */
    size_t latency_count, error_count;
    uint64_t end_us;
    int epoll_fd;
};

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_load: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void blob_read(struct blob *blob, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die(path);
    ssize_t count = read(fd, blob->bytes, sizeof(blob->bytes));
    close(fd);
    if (count < 0 || (size_t)count == sizeof(blob->bytes))
        die(path);
    blob->count = (size_t)count;
}

static unsigned long number(const char *text, unsigned long max)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value == 0 || value > max) {
        fprintf(stderr, "bench_load: '%s' is not a number from 1 to %lu\n", text, max);
        exit(2);
    }
    return value;
}

static void connection_send(struct load *load, struct connection *connection)
{
    connection->count = 0;
    connection->sent_us = now_us();
    ssize_t sent = send(connection->fd, load->request.bytes, load->request.count, MSG_NOSIGNAL);
    if (sent != (ssize_t)load->request.count)
        die("send");
}

static void connection_open(struct load *load, struct connection *connection)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(load->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        die("epoll_ctl");
    connection_send(load, connection);
}

/* The body of a complete answer with Content-Length, or NULL while more has to come. */
static const char *answer_body(const struct connection *connection, size_t *ret_count)
{
    const char *head_end = strstr(connection->answer, "\r\n\r\n");
    if (head_end == NULL)
        return NULL;
    const char *length = strcasestr(connection->answer, "\r\nContent-Length:");
    *ret_count = length != NULL && length < head_end ? strtoul(length + 17, NULL, 10) : 0;
    const char *body = head_end + 4;
    size_t here = (size_t)(connection->answer + connection->count - body);
    return here >= *ret_count ? body : NULL;
}

static bool answer_is_right(const struct load *load, const struct connection *connection,
                            const char *body, size_t count)
{
    if (strncmp(connection->answer, "HTTP/1.1 200 ", 13) != 0)
        return false;
    return load->expected.count == 0 ||
           (count == load->expected.count && memcmp(body, load->expected.bytes, count) == 0);
}

/* False when the connection is done with, because time is over. */
static bool connection_answered(struct load *load, struct connection *connection)
{
    size_t body_count = 0;
    const char *body = answer_body(connection, &body_count);
    if (body == NULL)
        return true;
    uint64_t now = now_us();
    if (!answer_is_right(load, connection, body, body_count))
        load->error_count++;
    if (load->latency_count < LATENCIES_MAX)
        load->latencies_us[load->latency_count++] = (uint32_t)(now - connection->sent_us);
    if (now >= load->end_us)
        return false;
    connection_send(load, connection);
    return true;
}

static bool connection_readable(struct load *load, struct connection *connection)
{
    size_t room = ANSWER_BYTES_MAX - connection->count;
    ssize_t got = recv(connection->fd, connection->answer + connection->count, room, 0);
    if (got <= 0) {
        errno = got == 0 ? ECONNRESET : errno;
        die("the server closed a connection");
    }
    connection->count += (size_t)got;
    connection->answer[connection->count] = '\0';
    return connection_answered(load, connection);
}

static void load_run(struct load *load)
{
    unsigned open_count = load->connection_count;
    for (unsigned i = 0; i < load->connection_count; i++)
        connection_open(load, &load->connections[i]);
    while (open_count > 0) {
        struct epoll_event events[64];
        int count = epoll_wait(load->epoll_fd, events, 64, 30000);
        if (count <= 0)
            die("no answer within 30 s");
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection_readable(load, connection)) {
                close(connection->fd);
                open_count--;
            }
        }
    }
}

static void latencies_write(const struct load *load, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        die(path);
    size_t written = fwrite(load->latencies_us, sizeof(uint32_t), load->latency_count, file);
    if (fclose(file) != 0 || written != load->latency_count)
        die(path);
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: bench_load PORT CONNECTIONS MILLISECONDS REQUEST-FILE "
                        "EXPECTED-BODY-FILE LATENCIES-FILE\n");
        return 2;
    }
    struct load *load = calloc(1, sizeof(*load));
    assert(load != NULL);
    load->port = (uint16_t)number(argv[1], UINT16_MAX);
    load->connection_count = (unsigned)number(argv[2], CONNECTIONS_MAX);
    uint64_t milliseconds = number(argv[3], 600000);
    blob_read(&load->request, argv[4]);
    blob_read(&load->expected, argv[5]);
    load->connections = calloc(load->connection_count, sizeof(*load->connections));
    load->latencies_us = malloc(LATENCIES_MAX * sizeof(uint32_t));
    assert(load->connections != NULL && load->latencies_us != NULL);
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    uint64_t start_us = now_us();
    load->end_us = start_us + milliseconds * 1000;
    load_run(load);
    double seconds = (double)(now_us() - start_us) / 1e6;
    latencies_write(load, argv[6]);
    printf("{\"requests\":%zu,\"errors\":%zu,\"seconds\":%.6f}\n", load->latency_count,
           load->error_count, seconds);
    int status = load->error_count == 0 ? 0 : 1;
    close(load->epoll_fd);
    free(load->connections);
    free(load->latencies_us);
    free(load);
    return status;
}
