#include "retry_budget.h"

enum {
    RETRY_TENTHS = 10,       /* what one retry costs */
    START_TENTHS = 100,      /* ten retries at start: a newly started fleet stumbles most */
    BUDGET_MAX_TENTHS = 1000 /* saved up in quiet times */
};

static void add_tenths(struct retry_budget *budget, uint64_t tenths)
{
    budget->tenths += tenths;
    if (budget->tenths > BUDGET_MAX_TENTHS)
        budget->tenths = BUDGET_MAX_TENTHS;
}

void retry_budget_init(struct retry_budget *budget, uint64_t now_us)
{
    *budget = (struct retry_budget){.tenths = START_TENTHS, .refilled_us = now_us};
}

void retry_budget_request(struct retry_budget *budget)
{
    add_tenths(budget, 1);
}

bool retry_budget_take(struct retry_budget *budget, uint64_t now_us)
{
    uint64_t seconds = (now_us - budget->refilled_us) / 1000000;
    budget->refilled_us += seconds * 1000000;
    /* More than a full budget's worth of seconds cannot add more. */
    add_tenths(budget, (seconds < BUDGET_MAX_TENTHS ? seconds : BUDGET_MAX_TENTHS) * RETRY_TENTHS);
    if (budget->tenths < RETRY_TENTHS)
        return false;
    budget->tenths -= RETRY_TENTHS;
    return true;
}
