/*
 * http_peer - one end of HTTP that follows a script on a thread of its own, and a client on a loop in
 * the test's thread. One of each: they are globals, and every test runs in a process of its own.
 */
#ifndef TRYTOK_TEST_HTTP_PEER_H
#define TRYTOK_TEST_HTTP_PEER_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http_client.h"
#include "http_fixture.h"
#include "suite.h"

enum { CONNECT_MS = 150, REQUEST_BYTES = 8192 };

/* ---- the script's side ---- */
struct peer {
    pthread_t thread;
    int listen_fd;
    int fd; /* the connection */
    int go[2];
    struct sockaddr_in address;
    void (*script)(struct peer *peer);
    atomic_int accepted;
    char request[REQUEST_BYTES]; /* the last one, whole */
};
extern struct peer peer;

void open_listener(int backlog);
void start_peer(void (*script)(struct peer *peer));
void join_peer(void);        /* the script has ended */
void take(struct peer *own); /* accepts */
void hear(struct peer *own); /* one request, whole */
void say(struct peer *own, const char *text);
void wait_for_go(struct peer *own); /* a byte in `go` */
void reset(struct peer *own);       /* closes without a FIN */
void go_deaf(struct peer *own);     /* nothing that arrives is taken or acknowledged any more */

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok"

/* ---- the client's side ---- */
struct result {
    bool ended;
    enum http_failure failure;
    unsigned status, headers_calls;
    size_t body_bytes;
    char body[64];
    char header[32];
    int headers_verdict, body_verdict;
    struct http_call **cancel_in_headers, **cancel_in_body;
    struct http_call *call;
    void (*then)(void);
};
extern struct loop *loop;
extern struct http_client *client;
extern struct result result;

void peer_setup(void); /* as a checked fixture of the test case */
void peer_teardown(void);
void start(unsigned timeout_ms); /* POST /run?x=1 to the peer */
void start_to(const struct sockaddr_in *address, const char *method, const char *path,
              const char *body, unsigned timeout_ms);
enum http_failure finish(void); /* runs the loop until the call ended */
void run_for_ms(unsigned ms);
void note_end(void *context, enum http_failure failure);

#endif
