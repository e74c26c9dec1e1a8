#include "dispatcher.h"

#include <stdlib.h>

#include "clock.h"
#include "fair_queue.h"
#include "retry_budget.h"
#include "run.h"

struct dispatcher {
    struct dispatcher_config config;
    struct fair_queue *queue;
    struct retry_budget budget;
    struct loop_hook pump; /* pending when there may be room for those who wait */
    struct dispatcher_counts counts;
};

/* Gives places to those who wait, in turn, until either runs out. */
static void pump(void *context)
{
    struct dispatcher *dispatcher = context;
    while (fair_queue_count(dispatcher->queue) > 0) {
        struct executor *executor = NULL;
        if (executors_acquire(dispatcher->config.executors, NULL, clock_now_us(), &executor) < 0)
            return;
        struct fair_entry *entry = fair_queue_pop(dispatcher->queue);
        run_offer(entry->owner, executor);
    }
}

int dispatcher_create(const struct dispatcher_config *config, struct dispatcher **ret_dispatcher)
{
    AUTO_FREE struct dispatcher *dispatcher = calloc(1, sizeof(*dispatcher));
    if (!dispatcher)
        return -ENOMEM;
    dispatcher->config = *config;
    retry_budget_init(&dispatcher->budget, clock_now_us());
    loop_hook_init(&dispatcher->pump, pump, dispatcher);
    int r = fair_queue_create(config->settings->queue_max, config->settings->queue_client_max,
                              &dispatcher->queue);
    if (r < 0)
        return r;
    *ret_dispatcher = TAKE(dispatcher);
    return 0;
}

void dispatcher_free(struct dispatcher *dispatcher)
{
    if (!dispatcher)
        return;
    loop_hook_stop(&dispatcher->pump);
    fair_queue_free(dispatcher->queue);
    free(dispatcher);
}

const struct dispatcher_config *dispatcher_config(const struct dispatcher *dispatcher)
{
    return &dispatcher->config;
}

int dispatcher_submit(struct dispatcher *dispatcher, struct run *run, bool is_more,
                      struct executor **ret_executor)
{
    *ret_executor = NULL;
    retry_budget_request(&dispatcher->budget);
    /* Nobody overtakes those who wait. */
    if (fair_queue_count(dispatcher->queue) == 0) {
        int r = executors_acquire(dispatcher->config.executors, NULL, clock_now_us(), ret_executor);
        if (r != -EBUSY)
            return r;
    }
    int r = is_more ? fair_queue_push_more(dispatcher->queue, run->config.client, &run->entry)
                    : fair_queue_push(dispatcher->queue, run->config.client, &run->entry);
    return r == -EDQUOT ? -EBUSY : r;
}

int dispatcher_resubmit(struct dispatcher *dispatcher, struct run *run,
                        const struct executor *failed, struct executor **ret_executor)
{
    *ret_executor = NULL;
    uint64_t now_us = clock_now_us();
    if (!retry_budget_take(&dispatcher->budget, now_us)) {
        dispatcher->counts.retries_refused++;
        return -EDQUOT;
    }
    dispatcher->counts.retries++;
    int r = executors_acquire(dispatcher->config.executors, failed, now_us, ret_executor);
    if (r != -EBUSY)
        return r;
    return fair_queue_push_more(dispatcher->queue, run->config.client, &run->entry);
}

void dispatcher_withdraw(struct dispatcher *dispatcher, struct run *run)
{
    fair_queue_remove(dispatcher->queue, &run->entry);
}

void dispatcher_release(struct dispatcher *dispatcher, struct executor *executor,
                        enum executor_outcome outcome)
{
    executor_release(dispatcher->config.executors, executor, outcome, clock_now_us());
    dispatcher_wake(dispatcher);
}

void dispatcher_wake(struct dispatcher *dispatcher)
{
    if (fair_queue_count(dispatcher->queue) > 0)
        loop_hook_start(dispatcher->config.loop, &dispatcher->pump);
}

size_t dispatcher_waiting(const struct dispatcher *dispatcher)
{
    return fair_queue_count(dispatcher->queue);
}

const struct dispatcher_counts *dispatcher_counts(const struct dispatcher *dispatcher)
{
    return &dispatcher->counts;
}
