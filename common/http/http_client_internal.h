/*
 * http_client_internal - what the files of http_client share; nobody else includes it.
 *
 * http_client.c holds the calls and runs curl, http_client_request.c turns a call into curl's options
 * and takes the response, http_client_socket.c owns the sockets and proves what was taken of a
 * request.
 */
#ifndef TRYTOK_HTTP_CLIENT_INTERNAL_H
#define TRYTOK_HTTP_CLIENT_INTERNAL_H

#include <curl/curl.h>

#include "http_client.h"

enum { HTTP_CALL_URL_BYTES = 2048 };

struct traffic {
    uint64_t acked_bytes;    /* of ours, by the other side's kernel */
    uint64_t received_bytes; /* its end (FIN) counts as one */
};

/* One for each socket of curl's. Its watch outlives a transfer, so that a request on a kept
 * connection costs no epoll_ctl. */
struct client_socket {
    struct http_client *client;
    int fd;
    struct loop_watch *watch; /* NULL while nothing is watched */
    uint32_t watched;         /* EPOLL… of the watch */
    int wanted;               /* CURL_POLL_… */
    struct http_call *call;   /* whose request is on it, until its end */
    struct traffic before;    /* that request */
};

struct http_call {
    struct http_client *client;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    void *context;
    int (*on_headers)(void *context, struct http_call *call, unsigned status);
    int (*on_body)(void *context, const char *bytes, size_t count);
    void (*on_end)(void *context, enum http_failure failure);
    size_t header_bytes;
    struct client_socket *socket; /* NULL while not known, and after the close */
    bool added;                   /* curl has it */
    bool sent;                    /* a connection was there and the request went out */
    bool untaken;                 /* proved: the other side's kernel acknowledged none of it */
    bool answered;                /* a byte of a response came */
    bool headers_done;
    bool refused;
    bool cancelled;
    bool is_linked;
    bool is_todo;
    struct http_call *next_todo;       /* to be added or cancelled */
    struct http_call *next, *previous; /* of the client, or next of the spare ones */
    char url[HTTP_CALL_URL_BYTES];
};

struct http_client {
    struct loop *loop; /* borrowed */
    struct http_client_config config;
    CURLM *multi;
    bool in_curl; /* curl's callbacks must not call it again */
    struct loop_timer timer;
    struct loop_hook hook;
    bool time_is_due;
    struct http_call *calls;
    struct http_call *todo_first, *todo_last;
    struct http_call *spare; /* with a ready easy handle */
    unsigned spare_count;
    struct client_socket **sockets; /* by descriptor */
    size_t socket_capacity;
};

/* http_client.c */
void client_run_curl(struct http_client *client, curl_socket_t fd, int events);
struct http_call *client_call_of(CURL *easy);

/* http_client_request.c */
MUST_CHECK bool call_set_fixed_options(struct http_call *call);
MUST_CHECK int call_set_request(struct http_call *call, const struct http_call_config *config);

/* http_client_socket.c */
MUST_CHECK bool socket_set_client_options(struct http_client *client);
MUST_CHECK bool socket_set_call_options(struct http_call *call);
void socket_part(struct client_socket *socket);   /* its call has ended */
void socket_forget(struct client_socket *socket); /* it is closed */

#endif
