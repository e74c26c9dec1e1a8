/*
 * http_server_internal - what the files of http_server share; nobody else includes it.
 *
 * How a connection lives. We accept it, watch its socket for as long as it lives and look at the
 * bytes of every request's head with MSG_PEEK. Only a head that passed http_gate goes to
 * libmicrohttpd (MHD): first by MHD_add_connection() of a duplicate of the socket, later by resuming
 * the connection, which is suspended between requests. So MHD, whose parser is lax, starts to read
 * only at a byte where a checked head starts, and is left with the framing of bodies and answers.
 * After an answer we compare how many bytes MHD took with how many the request had; if it took
 * more (pipelining), or if the body was chunked, the connection is closed, since what MHD holds was
 * never checked.
 *
 * The duplicate lets us take the connection away from MHD at any time: detaching replaces MHD's
 * descriptor by a socket that is at its end, so MHD winds up on its own while we still own the real
 * one, to write a refusal, to linger, or to close it.
 *
 * MHD's callbacks never end connections. They note what is to be done on the server's list of
 * unsettled connections, and server_run() settles them once MHD_run() has returned.
 */
#ifndef TRYTOK_HTTP_SERVER_INTERNAL_H
#define TRYTOK_HTTP_SERVER_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>

#include "http_gate.h"
#include "http_server.h"
#include "problem.h"

enum connection_state {
    CONNECTION_HEAD,   /* the next head is awaited; MHD has no say */
    CONNECTION_BODY,   /* MHD reads the head and the body */
    CONNECTION_WORK,   /* a handler has the request and has not answered */
    CONNECTION_SEND,   /* MHD writes the answer */
    CONNECTION_LINGER, /* answered and shut; what the client still sends is thrown away */
    CONNECTION_GONE,   /* our descriptor is closed, MHD's end is awaited */
};

/* One queue each: all members have the same period, so the queue is ordered by due time. */
enum sweep {
    SWEEP_HEADER,
    SWEEP_IDLE,
    SWEEP_BODY,
    SWEEP_WRITE,
    SWEEP_LINGER,
    SWEEP_COUNT,
    SWEEP_NONE = SWEEP_COUNT,
};

struct http_connection {
    struct http_server *server; /* borrowed */
    int fd;
    struct loop_watch *watch;
    enum connection_state state;
    struct sockaddr_storage address;
    struct address_count *address_count; /* borrowed; NULL without a limit per address */

    struct MHD_Connection *mhd; /* NULL before the first head and after MHD's end */
    int mhd_fd;                 /* MHD's duplicate; MHD closes it */
    bool suspended;
    bool detached; /* MHD holds an ended socket in place of ours */

    struct http_exchange *exchange; /* owned until answered or lost; NULL between requests */
    uint64_t position;              /* in the byte stream: where the next head must start */
    bool readable;                  /* bytes came while no head was awaited */
    bool half_closed;
    bool probed; /* this request's half-close was probed */

    bool unsettled; /* on the server's list */
    struct http_connection *next_unsettled;
    bool completed;             /* MHD is done with a request */
    const char *refusal_detail; /* non-NULL: refuse once MHD_run() has returned */
    enum problem refusal_problem;

    enum sweep sweep;
    struct http_connection *sweep_next, *sweep_previous;
    uint64_t sweep_due_us;
    uint64_t phase_started_us; /* SWEEP_BODY: of the request; SWEEP_WRITE: of the last progress */
    uint64_t progress_bytes;   /* at the last sweep */
    size_t lingered_bytes;

    struct http_connection *next, *previous; /* of the server */
};

struct sweep_queue {
    struct http_connection *first, *last;
};

struct address_count {
    struct address_count *next;
    uint8_t key[16];
    unsigned connections;
};

enum { ADDRESS_BUCKETS = 1024, RANDOM_BYTES = 512, EXCHANGE_ID_BYTES = 16 };

struct http_server {
    struct loop *loop; /* borrowed */
    struct http_server_config config;
    struct MHD_Daemon *mhd;
    struct loop_watch *mhd_watch;
    struct loop_hook hook; /* runs MHD before the loop sleeps */
    bool running;          /* within server_run() */
    uint64_t callbacks;    /* of MHD so far: whether it gets on */
    struct loop_timer run_timer;

    int listen_fd;
    struct loop_watch *listen_watch;
    struct loop_timer accept_timer; /* after EMFILE */
    uint16_t port;
    bool stopping; /* no longer accepting: answers close their connection */

    int ended_fd; /* a socket whose peer is closed, see detaching above */
    char *peek;   /* owned; head_bytes_max + 1 */
    struct http_connection *connections;
    unsigned connection_count;
    struct http_connection *unsettled;
    struct http_connection *adding; /* while MHD_add_connection() runs */
    struct http_exchange *exchanges;
    unsigned unanswered_count;
    uint64_t body_bytes;   /* of all exchanges */
    uint64_t stream_bytes; /* of all streams: what they have not sent */
    struct address_count *addresses[ADDRESS_BUCKETS];
    uint64_t address_seed;

    struct sweep_queue sweeps[SWEEP_COUNT];
    uint64_t sweep_period_us[SWEEP_COUNT];
    struct loop_timer sweep_timer;

    uint8_t random[RANDOM_BYTES]; /* for ids, used from the end */
    size_t random_left;
};

struct http_stream {
    struct http_server *server;     /* borrowed */
    struct http_exchange *exchange; /* NULL once the exchange is gone */
    struct buffer pending;
    bool ended, aborted;
    bool waiting; /* MHD's connection is suspended until there are bytes */
    bool mhds;    /* MHD's response holds it, and frees it */
};

struct http_exchange {
    struct http_server *server;         /* borrowed */
    struct http_connection *connection; /* NULL once the client is gone */
    struct http_head *head;             /* owned; NULL when none could be read */
    const struct http_route *route;     /* borrowed, or NULL */
    enum problem refused;               /* by its route; PROBLEM_COUNT: not refused */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address;
    struct buffer body;
    uint64_t body_seen_bytes; /* also of a body that is thrown away */
    uint64_t started_us;
    char id[2 * EXCHANGE_ID_BYTES + 1];
    void (*on_end)(void *owner, enum http_end end);
    void *owner;

    struct buffer headers; /* of the answer: name NUL value NUL … */
    unsigned status;
    const char *problem_code;
    struct MHD_Response *response; /* owned until queued */
    struct http_stream *stream;
    bool raw;        /* answered by us on the socket, not by MHD */
    bool close;      /* the connection ends with this answer */
    bool dispatched; /* a handler has it */
    bool answered;   /* respond or stream_begin was called */
    bool streaming;  /* between stream_begin and stream_end */
    bool queued;     /* MHD has the response */
    bool failed;     /* the answer cannot be made or was aborted: the connection is cut */
    bool counted;    /* in unanswered_count */
    struct http_exchange *next, *previous;
};

/* http_server.c */
void server_wake(struct http_server *server); /* MHD runs before the loop sleeps */
void server_unsettle(struct http_connection *connection);
void server_forget(struct http_connection *connection); /* takes it off all lists and frees it */
/* MHD may run now: not from within its callbacks. */
void server_run(struct http_server *server);

/* http_server_route.c */
struct route_choice {
    const struct http_route *route; /* NULL when none matched */
    enum problem refused;           /* PROBLEM_COUNT: not refused */
};
struct route_choice server_route(const struct http_server *server, const struct http_head *head);
bool server_calls_route(const struct http_exchange *exchange); /* its route's own handlers */
/* Calls the handler, or answers the refusal. */
void server_dispatch(struct http_exchange *exchange);
void server_refuse_route(struct http_exchange *exchange, enum problem problem);

/* http_server_mhd.c: the callbacks */
MUST_CHECK int server_start_mhd(struct http_server *server);

/* http_server_connection.c */
MUST_CHECK int connection_create(struct http_server *server, int fd,
                                 const struct sockaddr_storage *address,
                                 struct address_count *address_count);
void connection_kill(struct http_connection *connection); /* frees it, now or after MHD_run() */
void connection_refuse(struct http_connection *connection, enum problem problem,
                       const char *detail);
void connection_settle(struct http_connection *connection);
void connection_resume(struct http_connection *connection);
void connection_linger(struct http_connection *connection);
/* MHD took more bytes than the requests so far had. */
bool connection_has_leftover(const struct http_connection *connection);
/* Whether bytes wait for the client to take them; *ret_acked: how many it took so far. */
bool connection_sent_progress(const struct http_connection *connection, uint64_t *ret_acked);
void connection_head_is_late(struct http_connection *connection);

/* http_server_exchange.c */
struct http_exchange *exchange_create(struct http_connection *connection, struct http_head *head);
void exchange_finish(struct http_exchange *exchange, enum http_end end);
void exchange_free(struct http_exchange *exchange);
/* Starts at offset 0; false at the end of what was added. */
struct header_walk {
    size_t offset;
    const char *name, *value;
};
bool exchange_next_header(const struct http_exchange *exchange, struct header_walk *walk);

/* http_server_raw.c */
void exchange_write_raw(struct http_exchange *exchange, const void *body, size_t body_bytes);

/* http_server_stream.c */
struct http_stream *stream_create(struct http_exchange *exchange, size_t pending_bytes_max);
struct MHD_Response *stream_make_response(struct http_stream *stream);
void stream_detach(struct http_stream *stream);

/* http_server_sweep.c */
void sweep_set(struct http_connection *connection, enum sweep sweep);
void sweep_init(struct http_server *server);

#endif
