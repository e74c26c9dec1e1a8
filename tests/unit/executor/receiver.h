/*
 * receiver - a run's sink that takes its frames apart and remembers what was said.
 */
#ifndef TRYTOK_TEST_RECEIVER_H
#define TRYTOK_TEST_RECEIVER_H

#include "run.h"
#include "world.h"

enum { RECEIVER_NONCE = 77 };

struct receiver {
    struct world *world;
    struct run_context *runs;
    struct run *run; /* NULL once finished or cancelled */
    unsigned started_count, diagnostic_count, result_count, finished_count, frames_after_result;
    struct buffer output;
    struct frame_result result;
    struct run_summary summary;
    size_t pending; /* what pending() tells */
    bool refuses;   /* frames() fails */
    bool cancels;   /* frames() cancels the run */
    uint64_t finished_us;
};

void receiver_open(struct receiver *receiver, struct world *world); /* with a run_context */
void receiver_close(struct receiver *receiver);

/* A request for a program of one SOURCE and, unless input is NULL, one INPUT frame. */
struct run_request receiver_request(const char *source, const char *input);
void receiver_start(struct receiver *receiver, const struct run_request *request);
void receiver_wait(struct receiver *receiver); /* until it has finished */

/* All of it with `behave` as the runner: open, run, close but for the results. */
void receiver_run(struct receiver *receiver, const struct run_request *request,
                  void (*behave)(struct fake_runner *runner));

void assert_output(const struct receiver *receiver, const char *expected);

#endif
