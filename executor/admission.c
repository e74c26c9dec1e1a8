#include "admission.h"

#include <assert.h>

struct admission {
    struct admission_config config;
    unsigned running, waiting;
    struct admission_ticket *first, *last; /* waiting, oldest first */
    struct loop_hook hook;                 /* admits from the loop, never from within a leave */
};

static bool has_room(const struct admission *admission)
{
    return admission->running < admission->config.slots &&
           pool_count(admission->config.pool).idle > 0;
}

static void enqueue(struct admission *admission, struct admission_ticket *ticket)
{
    ticket->state = TICKET_WAITING;
    ticket->next = NULL;
    ticket->previous = admission->last;
    if (admission->last)
        admission->last->next = ticket;
    else
        admission->first = ticket;
    admission->last = ticket;
    admission->waiting++;
}

static void dequeue(struct admission *admission, struct admission_ticket *ticket)
{
    assert(ticket->state == TICKET_WAITING);
    if (ticket->previous)
        ticket->previous->next = ticket->next;
    else
        admission->first = ticket->next;
    if (ticket->next)
        ticket->next->previous = ticket->previous;
    else
        admission->last = ticket->previous;
    ticket->next = ticket->previous = NULL;
    ticket->state = TICKET_NONE;
    loop_timer_stop(&ticket->timer);
    admission->waiting--;
}

static void admit(struct admission *admission, struct admission_ticket *ticket)
{
    ticket->state = TICKET_ADMITTED;
    admission->running++;
    ticket->admitted(ticket->context);
}

static void admit_waiting(void *context)
{
    struct admission *admission = context;
    while (admission->first && has_room(admission)) {
        struct admission_ticket *ticket = admission->first;
        dequeue(admission, ticket);
        admit(admission, ticket);
    }
}

static void on_waited(void *context)
{
    struct admission_ticket *ticket = context;
    dequeue(ticket->admission, ticket);
    ticket->refused(ticket->context);
}

int admission_create(const struct admission_config *config, struct admission **ret_admission)
{
    struct admission *admission = calloc(1, sizeof(*admission));
    if (!admission)
        return -ENOMEM;
    admission->config = *config;
    loop_hook_init(&admission->hook, admit_waiting, admission);
    *ret_admission = admission;
    return 0;
}

void admission_free(struct admission *admission)
{
    if (!admission)
        return;
    assert(admission->waiting == 0);
    assert(admission->running == 0);
    loop_hook_stop(&admission->hook);
    free(admission);
}

int admission_enter(struct admission *admission, struct admission_ticket *ticket, uint64_t wait_us)
{
    ticket->admission = admission;
    ticket->state = TICKET_NONE;
    loop_timer_init(&ticket->timer, on_waited, ticket);
    if (!admission->first && has_room(admission)) {
        admit(admission, ticket);
        return 0;
    }
    if (wait_us == 0 || admission->waiting >= admission->config.queue_max)
        return -EBUSY;
    int r = loop_timer_start_us(admission->config.loop, &ticket->timer, wait_us);
    if (r < 0)
        return r;
    enqueue(admission, ticket);
    return 0;
}

void admission_leave(struct admission_ticket *ticket)
{
    struct admission *admission = ticket->admission;
    if (ticket->state == TICKET_WAITING) {
        dequeue(admission, ticket);
    } else if (ticket->state == TICKET_ADMITTED) {
        admission->running--;
        ticket->state = TICKET_NONE;
    }
    admission_look(admission);
}

void admission_look(struct admission *admission)
{
    if (admission->first && has_room(admission) && !admission->hook.loop)
        loop_hook_start(admission->config.loop, &admission->hook);
}

bool admission_is_full(const struct admission *admission)
{
    bool is_queue_full = admission->waiting >= admission->config.queue_max;
    return is_queue_full && (admission->first || !has_room(admission));
}

unsigned admission_running(const struct admission *admission)
{
    return admission->running;
}

unsigned admission_waiting(const struct admission *admission)
{
    return admission->waiting;
}
