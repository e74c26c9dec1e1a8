/*
 * house - a whole daemon with a fake backend, and guests that ask it over HTTP on the same loop.
 */
#ifndef TRYTOK_TEST_HOUSE_H
#define TRYTOK_TEST_HOUSE_H

#include "daemon.h"
#include "http_client.h"
#include "world.h"

enum { HOUSE_SLOTS = 2, HOUSE_QUEUE = 2, HOUSE_WARM = 4 };

struct house {
    struct config config;
    struct daemon *daemon;
    struct fake_backend fake;
    void (*on_lost)(void *context); /* what the backend would call */
    struct http_client *client;
    struct world world; /* to wait with */
    struct inner_secret secret;
};

/* What a guest asks and hears. */
struct ask {
    struct house *house;
    const char *source, *input;
    uint32_t wall_ms, deadline_ms;
    uint64_t output_bytes;
    bool is_badly_signed;

    struct http_call *call; /* NULL once it has ended */
    unsigned status;
    enum http_failure failure;
    bool has_ended;
    char slots[8], busy[8], retry_after[8];
    bool is_signed; /* the answer is */
    struct buffer body;
    uint64_t asked_us, ended_us;

    /* Of a run: */
    unsigned started_count, result_count;
    struct buffer output;
    struct frame_result result;
};

/* The settings may be changed between the two. */
void house_prepare(struct house *house);
void house_open(struct house *house);
void house_open_ready(struct house *house); /* both, and waits until it takes runs */
void house_close(struct house *house);

/* A runner that does the daemon's own first run right and leaves the rest to `then`. */
void house_behave(struct house *house, void (*then)(struct fake_runner *runner));

void ask_init(struct ask *ask, struct house *house, const char *source);
void ask_done(struct ask *ask);
void ask_run(struct ask *ask);                               /* POST /run, begins */
void ask_get(struct ask *ask, bool admin, const char *path); /* GET, begins */
void ask_wait(struct ask *ask);

#endif
