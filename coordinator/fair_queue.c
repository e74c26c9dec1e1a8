#include "fair_queue.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

enum { LINE_BUCKETS = 1024 }; /* a power of two */

struct fair_line {
    struct client_key client;
    struct fair_entry *first, *last;
    size_t count;
    struct fair_line *ring_next, *ring_previous; /* the lines in the order they are served */
    struct fair_line *bucket_next;
};

struct fair_queue {
    size_t count, count_max, client_max;
    struct fair_line *turn; /* whose entry is next; NULL when empty */
    uint64_t seed;
    struct fair_line *buckets[LINE_BUCKETS];
};

int fair_queue_create(size_t count_max, size_t client_max, struct fair_queue **ret_queue)
{
    AUTO_FREE struct fair_queue *queue = calloc(1, sizeof(*queue));
    if (!queue)
        return -ENOMEM;
    queue->count_max = count_max;
    queue->client_max = client_max;
    if (getrandom(&queue->seed, sizeof(queue->seed), 0) != (ssize_t)sizeof(queue->seed))
        return -EIO;
    *ret_queue = TAKE(queue);
    return 0;
}

void fair_queue_free(struct fair_queue *queue)
{
    if (!queue)
        return;
    assert(queue->count == 0);
    free(queue);
}

static size_t bucket_of(const struct fair_queue *queue, struct client_key client)
{
    /* The multiplier of splitmix64; the seed keeps clients from choosing their bucket. */
    uint64_t hash = (client.value ^ queue->seed) * UINT64_C(0xbf58476d1ce4e5b9);
    hash ^= (hash >> 31) + client.kind;
    hash *= UINT64_C(0x94d049bb133111eb);
    return (size_t)(hash >> 40) & (LINE_BUCKETS - 1);
}

static bool same_client(struct client_key a, struct client_key b)
{
    return a.kind == b.kind && a.value == b.value;
}

static struct fair_line *find_line(const struct fair_queue *queue, struct client_key client)
{
    struct fair_line *line = queue->buckets[bucket_of(queue, client)];
    while (line && !same_client(line->client, client))
        line = line->bucket_next;
    return line;
}

/* A new line is served after all that are there. */
static struct fair_line *add_line(struct fair_queue *queue, struct client_key client)
{
    struct fair_line *line = calloc(1, sizeof(*line));
    if (!line)
        return NULL;
    line->client = client;
    struct fair_line **bucket = &queue->buckets[bucket_of(queue, client)];
    line->bucket_next = *bucket;
    *bucket = line;
    if (queue->turn) {
        line->ring_next = queue->turn;
        line->ring_previous = queue->turn->ring_previous;
        line->ring_previous->ring_next = line;
        queue->turn->ring_previous = line;
    } else {
        line->ring_next = line->ring_previous = line;
        queue->turn = line;
    }
    return line;
}

static void drop_line(struct fair_queue *queue, struct fair_line *line)
{
    struct fair_line **link = &queue->buckets[bucket_of(queue, line->client)];
    while (*link != line)
        link = &(*link)->bucket_next;
    *link = line->bucket_next;

    if (queue->turn == line)
        queue->turn = line->ring_next == line ? NULL : line->ring_next;
    line->ring_previous->ring_next = line->ring_next;
    line->ring_next->ring_previous = line->ring_previous;
    free(line);
}

int fair_queue_push_more(struct fair_queue *queue, struct client_key client,
                         struct fair_entry *entry)
{
    assert(!entry->line);
    struct fair_line *line = find_line(queue, client);
    if (!line)
        line = add_line(queue, client);
    if (!line)
        return -ENOMEM;
    entry->line = line;
    entry->next = NULL;
    entry->previous = line->last;
    if (line->last)
        line->last->next = entry;
    else
        line->first = entry;
    line->last = entry;
    line->count++;
    queue->count++;
    return 0;
}

int fair_queue_push(struct fair_queue *queue, struct client_key client, struct fair_entry *entry)
{
    if (queue->count >= queue->count_max)
        return -EBUSY;
    const struct fair_line *line = find_line(queue, client);
    if ((line ? line->count : 0) >= queue->client_max)
        return -EDQUOT;
    return fair_queue_push_more(queue, client, entry);
}

void fair_queue_remove(struct fair_queue *queue, struct fair_entry *entry)
{
    struct fair_line *line = entry->line;
    if (!line)
        return;
    if (entry->previous)
        entry->previous->next = entry->next;
    else
        line->first = entry->next;
    if (entry->next)
        entry->next->previous = entry->previous;
    else
        line->last = entry->previous;
    entry->line = NULL;
    entry->next = entry->previous = NULL;
    line->count--;
    queue->count--;
    if (line->count == 0)
        drop_line(queue, line);
}

struct fair_entry *fair_queue_pop(struct fair_queue *queue)
{
    struct fair_line *line = queue->turn;
    if (!line)
        return NULL;
    struct fair_entry *entry = line->first;
    queue->turn = line->ring_next;
    fair_queue_remove(queue, entry);
    return entry;
}

size_t fair_queue_count(const struct fair_queue *queue)
{
    return queue->count;
}
