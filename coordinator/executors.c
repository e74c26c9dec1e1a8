#include "executors.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { SLOTS_MAX = 4096 }; /* more is not believed */

struct executors {
    struct executors_config config;
    struct executor *items[EXECUTORS_MAX]; /* owned */
    size_t count;
    uint64_t random; /* state of xorshift64 */
    uint64_t ejections_total;
};

int executors_create(const struct executors_config *config, struct executors **ret_executors)
{
    AUTO_FREE struct executors *executors = calloc(1, sizeof(*executors));
    if (!executors)
        return -ENOMEM;
    executors->config = *config;
    if (getrandom(&executors->random, sizeof(executors->random), 0) !=
        (ssize_t)sizeof(executors->random))
        return -EIO;
    executors->random |= 1;
    *ret_executors = TAKE(executors);
    return 0;
}

void executors_free(struct executors *executors)
{
    if (!executors)
        return;
    for (size_t i = 0; i < executors->count; i++)
        free(executors->items[i]);
    free(executors);
}

/* ---- the list ---- */

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    size_t count =
        a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    return memcmp(a, b, count) == 0;
}

static void format_name(struct executor *executor)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (executor->address.ss_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, &executor->address, sizeof(ipv6));
        (void)inet_ntop(AF_INET6, &ipv6.sin6_addr, host, sizeof(host));
        (void)snprintf(executor->name, sizeof(executor->name), "[%s]:%u", host,
                       (unsigned)ntohs(ipv6.sin6_port));
        return;
    }
    struct sockaddr_in ipv4;
    memcpy(&ipv4, &executor->address, sizeof(ipv4));
    (void)inet_ntop(AF_INET, &ipv4.sin_addr, host, sizeof(host));
    (void)snprintf(executor->name, sizeof(executor->name), "%s:%u", host,
                   (unsigned)ntohs(ipv4.sin_port));
}

static struct executor *find(const struct executors *executors,
                             const struct sockaddr_storage *address)
{
    for (size_t i = 0; i < executors->count; i++) {
        if (same_address(&executors->items[i]->address, address))
            return executors->items[i];
    }
    return NULL;
}

static int add(struct executors *executors, const struct sockaddr_storage *address)
{
    if (executors->count >= EXECUTORS_MAX)
        return -ENOSPC;
    struct executor *executor = calloc(1, sizeof(*executor));
    if (!executor)
        return -ENOMEM;
    executor->address = *address;
    executor->is_listed = true;
    executor->slots = executors->config.slots_before_known;
    format_name(executor);
    executors->items[executors->count++] = executor;
    return 0;
}

void executors_sweep(struct executors *executors)
{
    size_t kept = 0;
    for (size_t i = 0; i < executors->count; i++) {
        struct executor *executor = executors->items[i];
        if (executor->is_listed || executor->in_flight > 0 || executor->is_probing)
            executors->items[kept++] = executor;
        else
            free(executor);
    }
    executors->count = kept;
}

int executors_set(struct executors *executors, const struct sockaddr_storage *addresses,
                  size_t count)
{
    for (size_t i = 0; i < executors->count; i++)
        executors->items[i]->is_listed = false;
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        struct executor *known = find(executors, &addresses[i]);
        if (known) {
            known->is_listed = true;
            continue;
        }
        int r = add(executors, &addresses[i]);
        if (r < 0)
            result = r;
    }
    executors_sweep(executors);
    return result;
}

size_t executors_count(const struct executors *executors)
{
    return executors->count;
}

struct executor *executors_at(const struct executors *executors, size_t index)
{
    assert(index < executors->count);
    return executors->items[index];
}

/* ---- the choice ---- */

static uint64_t next_random(struct executors *executors)
{
    uint64_t x = executors->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    executors->random = x;
    return x;
}

static bool is_ejected(const struct executor *executor, uint64_t now_us)
{
    return executor->ejected_until_us > now_us;
}

static bool has_room(const struct executors *executors, const struct executor *executor)
{
    return executor->in_flight < executor->slots + executors->config.ahead;
}

/* Those that may be chosen, best kind first: ready ones; all that are not ejected; all. A worse kind
 * is looked at only when there is none at all of the better one, so that a full executor is waited
 * for and not gone round. */
enum kind { KIND_READY, KIND_NOT_EJECTED, KIND_ANY, KIND_COUNT };

static enum kind kind_of(const struct executor *executor, uint64_t now_us)
{
    if (is_ejected(executor, now_us))
        return KIND_ANY;
    return executor->is_ready ? KIND_READY : KIND_NOT_EJECTED;
}

static bool is_less_busy(const struct executor *a, const struct executor *b)
{
    if (a->in_flight != b->in_flight)
        return a->in_flight < b->in_flight;
    return a->busy < b->busy;
}

/* One pass that keeps two random members of the candidates (reservoir sampling) and returns the
 * less busy one; *ret_listed counts those of this kind or better, with or without room. */
static struct executor *draw(struct executors *executors, const struct executor *avoid,
                             enum kind worst, uint64_t now_us, size_t *ret_listed)
{
    struct executor *two[2] = {NULL, NULL};
    size_t seen = 0;
    *ret_listed = 0;
    for (size_t i = 0; i < executors->count; i++) {
        struct executor *executor = executors->items[i];
        if (!executor->is_listed || executor == avoid || kind_of(executor, now_us) > worst)
            continue;
        (*ret_listed)++;
        if (!has_room(executors, executor))
            continue;
        seen++;
        if (seen <= 2) {
            two[seen - 1] = executor;
        } else {
            uint64_t place = next_random(executors) % seen;
            if (place < 2)
                two[place] = executor;
        }
    }
    if (!two[1])
        return two[0];
    if (is_less_busy(two[0], two[1]))
        return two[0];
    if (is_less_busy(two[1], two[0]))
        return two[1];
    return two[next_random(executors) >> 63];
}

static struct executor *choose(struct executors *executors, const struct executor *avoid,
                               uint64_t now_us, size_t *ret_listed)
{
    for (int worst = KIND_READY; worst < KIND_COUNT; worst++) {
        struct executor *executor = draw(executors, avoid, (enum kind)worst, now_us, ret_listed);
        if (*ret_listed > 0)
            return executor;
    }
    return NULL;
}

int executors_acquire(struct executors *executors, const struct executor *avoid, uint64_t now_us,
                      struct executor **ret_executor)
{
    size_t listed = 0;
    struct executor *executor = choose(executors, avoid, now_us, &listed);
    if (listed == 0 && avoid)
        executor = choose(executors, NULL, now_us, &listed);
    if (listed == 0)
        return -ENOENT;
    if (!executor)
        return -EBUSY;
    executor->in_flight++;
    *ret_executor = executor;
    return 0;
}

/* ---- ejection ---- */

static void eject(struct executors *executors, struct executor *executor, uint64_t now_us)
{
    size_t listed = 0;
    size_t ejected = 0;
    for (size_t i = 0; i < executors->count; i++) {
        listed += executors->items[i]->is_listed;
        ejected += executors->items[i]->is_listed && is_ejected(executors->items[i], now_us);
    }
    if ((ejected + 1) * 2 > listed)
        return;
    uint64_t time_us = executors->config.eject_us;
    for (unsigned i = 0; i < executor->ejections && time_us < executors->config.eject_max_us; i++)
        time_us *= 2;
    if (time_us > executors->config.eject_max_us)
        time_us = executors->config.eject_max_us;
    executor->ejected_until_us = now_us + time_us;
    executor->ejections++;
    executor->failures = 0;
    executors->ejections_total++;
}

static void note_failure(struct executors *executors, struct executor *executor,
                         bool is_unreachable, uint64_t now_us)
{
    executor->is_unreachable = is_unreachable;
    executor->is_ready = false; /* until the next look at it says otherwise */
    if (is_unreachable)
        executor->is_known = false; /* another may come in its place */
    executor->failures++;
    if (executor->failures >= executors->config.eject_failures && !is_ejected(executor, now_us))
        eject(executors, executor, now_us);
}

static void forgive(struct executor *executor)
{
    executor->is_unreachable = false;
    executor->failures = 0;
    executor->ejections = 0;
    executor->ejected_until_us = 0;
}

void executor_probed(struct executors *executors, struct executor *executor, bool was_reached,
                     bool is_ready, uint64_t now_us)
{
    executor->is_ready = is_ready;
    if (!was_reached)
        note_failure(executors, executor, true, now_us);
    else if (executor->is_unreachable)
        forgive(executor);
}

void executor_release(struct executors *executors, struct executor *executor,
                      enum executor_outcome outcome, uint64_t now_us)
{
    assert(executor->in_flight > 0);
    executor->in_flight--;
    switch (outcome) {
    case EXECUTOR_WORKED:
        forgive(executor);
        return;
    case EXECUTOR_UNREACHABLE:
    case EXECUTOR_REFUSED:
    case EXECUTOR_FAILED:
        note_failure(executors, executor, outcome == EXECUTOR_UNREACHABLE, now_us);
        return;
    case EXECUTOR_NO_WORD:
        return;
    }
}

void executor_told(struct executor *executor, unsigned slots, unsigned busy)
{
    if (slots == 0)
        return;
    executor->slots = slots < SLOTS_MAX ? slots : SLOTS_MAX;
    executor->busy = busy;
}

struct executors_census executors_census(const struct executors *executors, uint64_t now_us)
{
    struct executors_census census = {.ejections_total = executors->ejections_total};
    for (size_t i = 0; i < executors->count; i++) {
        const struct executor *executor = executors->items[i];
        census.in_flight += executor->in_flight;
        if (!executor->is_listed)
            continue;
        census.listed++;
        if (is_ejected(executor, now_us))
            census.ejected++;
        else if (executor->is_ready)
            census.ready++;
    }
    return census;
}
