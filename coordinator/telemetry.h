/*
 * telemetry - what the coordinator counts, and its line in the log for each request.
 *
 * No program text, input or output ever comes here: names, numbers and codes only.
 *
 * Threads: the loop's. Memory: nothing given is kept. Errors: at creation and writing only.
 */
#ifndef TRYTOK_TELEMETRY_H
#define TRYTOK_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attributes.h"
#include "buffer.h"
#include "frame.h"

struct telemetry;

MUST_CHECK int telemetry_create(bool log_access, struct telemetry **ret_telemetry);
void telemetry_free(struct telemetry *telemetry); /* NULL is fine */

/* An answer was queued. `path`: of the route that matched, or NULL; `problem_code` or NULL. */
void telemetry_answered(struct telemetry *telemetry, const char *path, unsigned status,
                        const char *problem_code);
/* One run is over (each case counts). */
void telemetry_run(struct telemetry *telemetry, enum frame_mode mode, enum verdict verdict);
void telemetry_waited(struct telemetry *telemetry, uint64_t wait_us);

/* One request is over, for the log and the histogram. */
struct telemetry_request {
    const char *id, *method, *path;
    const char *problem_code; /* or NULL */
    const char *verdict;      /* or NULL: nothing was run */
    unsigned status;          /* 0: the client went away before an answer */
    bool is_run;              /* of /execute or /check */
    size_t runs;
    uint64_t total_us, queue_us, wall_us;
    uint64_t body_bytes, output_bytes;
};
void telemetry_request(struct telemetry *telemetry, const struct telemetry_request *request);

/* What is read only when somebody looks. */
struct telemetry_gauges {
    size_t executors_ready, executors_not_ready, executors_ejected;
    size_t waiting, in_flight, exchanges;
    uint64_t ejections, retries, retries_refused;
};
MUST_CHECK int telemetry_write(struct telemetry *telemetry, const struct telemetry_gauges *gauges,
                               struct buffer *to);

#endif
