/*
 * retry_budget - keeps retries to a tenth of the requests, and one a second where there are few, so
 * that a fleet in trouble is not given twice the work.
 *
 * Threads: one. A plain value.
 */
#ifndef TRYTOK_RETRY_BUDGET_H
#define TRYTOK_RETRY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct retry_budget {
    uint64_t tenths; /* of a retry */
    uint64_t refilled_us;
};

void retry_budget_init(struct retry_budget *budget, uint64_t now_us);
void retry_budget_request(struct retry_budget *budget); /* a request was let in */
bool retry_budget_take(struct retry_budget *budget, uint64_t now_us);

#endif
