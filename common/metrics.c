#include "metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum family_kind { FAMILY_COUNTER, FAMILY_GAUGE, FAMILY_HISTOGRAM };

static const char *const kind_names[] = {
    [FAMILY_COUNTER] = "counter",
    [FAMILY_GAUGE] = "gauge",
    [FAMILY_HISTOGRAM] = "histogram",
};

enum { LABELS_MAX = 2, SERIES_MAX = 4096 };

struct metric {
    struct metric *next; /* owned by the registry */
    enum family_kind kind;
    const char *name;
    const char *help;
    struct metric_label labels[LABELS_MAX]; /* unused ones have count 1 */
    size_t label_count;
    const uint64_t *bounds_us; /* histograms */
    size_t bound_count;
    uint64_t sum_us;
    /* A counter's or gauge's (as two's complement) series; a histogram's buckets, the last is +Inf. */
    size_t value_count;
    uint64_t values[];
};

struct metrics {
    struct metric *first;
    struct metric **link_last;
};

int metrics_create(struct metrics **ret_metrics)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (!metrics)
        return -ENOMEM;
    metrics->link_last = &metrics->first;
    *ret_metrics = metrics;
    return 0;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    struct metric *metric = metrics->first;
    while (metric) {
        struct metric *next = metric->next;
        free(metric);
        metric = next;
    }
    free(metrics);
}

static bool is_name_byte(char byte, bool is_first, bool may_have_colon)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           (byte == ':' && may_have_colon) || (byte >= '0' && byte <= '9' && !is_first);
}

static bool is_name(const char *name, bool may_have_colon)
{
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (!is_name_byte(name[i], i == 0, may_have_colon))
            return false;
    }
    return name[0] != '\0';
}

static int metric_new(struct metrics *metrics, enum family_kind kind, const char *name,
                      const char *help, size_t value_count, struct metric **ret_metric)
{
    if (!is_name(name, true) || value_count == 0 || value_count > SERIES_MAX)
        return -EINVAL;
    for (const struct metric *other = metrics->first; other; other = other->next) {
        if (strcmp(other->name, name) == 0)
            return -EEXIST;
    }
    struct metric *metric = calloc(1, sizeof(*metric) + value_count * sizeof(metric->values[0]));
    if (!metric)
        return -ENOMEM;
    metric->kind = kind;
    metric->name = name;
    metric->help = help;
    metric->value_count = value_count;
    for (size_t i = 0; i < LABELS_MAX; i++)
        metric->labels[i].count = 1;
    *metrics->link_last = metric;
    metrics->link_last = &metric->next;
    *ret_metric = metric;
    return 0;
}

int metrics_add(struct metrics *metrics, enum metric_kind kind, const char *name, const char *help,
                const struct metric_label *labels, size_t label_count, struct metric **ret_metric)
{
    if (label_count > LABELS_MAX)
        return -EINVAL;
    size_t value_count = 1;
    for (size_t i = 0; i < label_count; i++) {
        if (!is_name(labels[i].name, false) || strcmp(labels[i].name, "le") == 0 ||
            (i > 0 && strcmp(labels[i].name, labels[0].name) == 0) ||
            __builtin_mul_overflow(value_count, labels[i].count, &value_count))
            return -EINVAL;
    }
    struct metric *metric;
    int r = metric_new(metrics, kind == METRIC_COUNTER ? FAMILY_COUNTER : FAMILY_GAUGE, name, help,
                       value_count, &metric);
    if (r < 0)
        return r;
    if (label_count > 0)
        memcpy(metric->labels, labels, label_count * sizeof(labels[0]));
    metric->label_count = label_count;
    *ret_metric = metric;
    return 0;
}

int metrics_add_histogram_us(struct metrics *metrics, const char *name, const char *help,
                             const uint64_t *bounds_us, size_t bound_count,
                             struct metric **ret_metric)
{
    for (size_t i = 1; i < bound_count; i++) {
        if (bounds_us[i] <= bounds_us[i - 1])
            return -EINVAL;
    }
    if (bound_count >= SERIES_MAX)
        return -EINVAL;
    struct metric *metric;
    int r = metric_new(metrics, FAMILY_HISTOGRAM, name, help, bound_count + 1, &metric);
    if (r < 0)
        return r;
    metric->bounds_us = bounds_us;
    metric->bound_count = bound_count;
    *ret_metric = metric;
    return 0;
}

static size_t series_index(const struct metric *metric, size_t i, size_t j)
{
    assert(metric->kind != FAMILY_HISTOGRAM);
    assert(i < metric->labels[0].count);
    assert(j < metric->labels[1].count);
    return i * metric->labels[1].count + j;
}

void metric_add(struct metric *metric, size_t i, size_t j, uint64_t amount)
{
    metric->values[series_index(metric, i, j)] += amount;
}

void metric_set(struct metric *metric, size_t i, size_t j, int64_t value)
{
    assert(metric->kind == FAMILY_GAUGE);
    metric->values[series_index(metric, i, j)] = (uint64_t)value;
}

void metric_observe_us(struct metric *metric, uint64_t value_us)
{
    assert(metric->kind == FAMILY_HISTOGRAM);
    size_t bucket = 0;
    while (bucket < metric->bound_count && value_us > metric->bounds_us[bucket])
        bucket++;
    metric->values[bucket]++;
    metric->sum_us += value_us;
}

uint64_t metric_value(const struct metric *metric, size_t i, size_t j)
{
    return metric->values[series_index(metric, i, j)];
}

/* ---- the text format ---- */

/* HELP text escapes backslash and newline, a label's value the quote as well. */
static int write_escaped(struct buffer *to, const char *text, bool escape_quotes)
{
    for (const char *at = text; *at != '\0'; at++) {
        int r;
        if (*at == '\\')
            r = buffer_append(to, "\\\\", 2);
        else if (*at == '\n')
            r = buffer_append(to, "\\n", 2);
        else if (*at == '"' && escape_quotes)
            r = buffer_append(to, "\\\"", 2);
        else
            r = buffer_append(to, at, 1);
        if (r < 0)
            return r;
    }
    return 0;
}

static int write_head(const struct metric *metric, struct buffer *to)
{
    int r = buffer_append_format(to, "# HELP %s ", metric->name);
    if (r < 0)
        return r;
    r = write_escaped(to, metric->help, false);
    if (r < 0)
        return r;
    return buffer_append_format(to, "\n# TYPE %s %s\n", metric->name, kind_names[metric->kind]);
}

static int write_label(const struct metric_label *label, size_t index, bool is_first,
                       struct buffer *to)
{
    int r = buffer_append_format(to, "%c%s=\"", is_first ? '{' : ',', label->name);
    if (r < 0)
        return r;
    r = write_escaped(to, label->values[index], true);
    if (r < 0)
        return r;
    return buffer_append(to, "\"", 1);
}

static int write_series(const struct metric *metric, size_t index, struct buffer *to)
{
    size_t positions[LABELS_MAX] = {
        index / metric->labels[1].count,
        index % metric->labels[1].count,
    };
    int r = buffer_append_text(to, metric->name);
    for (size_t i = 0; r == 0 && i < LABELS_MAX && i < metric->label_count; i++)
        r = write_label(&metric->labels[i], positions[i], i == 0, to);
    if (r == 0 && metric->label_count > 0)
        r = buffer_append(to, "}", 1);
    if (r < 0)
        return r;
    if (metric->kind == FAMILY_GAUGE)
        return buffer_append_format(to, " %" PRId64 "\n", (int64_t)metric->values[index]);
    return buffer_append_format(to, " %" PRIu64 "\n", metric->values[index]);
}

enum { SECONDS_BYTES = 32 };
/* "0.0005", "1.5", "30": no trailing zeros, so that a bound reads as it was written. */
static void format_seconds(uint64_t value_us, char text[SECONDS_BYTES])
{
    int length = snprintf(text, SECONDS_BYTES, "%" PRIu64 ".%06" PRIu64, value_us / 1000000,
                          value_us % 1000000);
    assert(length > 0 && length < SECONDS_BYTES);
    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    text[length] = '\0';
}

static int write_histogram(const struct metric *metric, struct buffer *to)
{
    char seconds[SECONDS_BYTES];
    uint64_t count = 0;
    int r;
    for (size_t i = 0; i < metric->bound_count; i++) {
        count += metric->values[i];
        format_seconds(metric->bounds_us[i], seconds);
        r = buffer_append_format(to, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", metric->name, seconds,
                                 count);
        if (r < 0)
            return r;
    }
    count += metric->values[metric->bound_count];
    r = buffer_append_format(to, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", metric->name, count);
    if (r < 0)
        return r;
    format_seconds(metric->sum_us, seconds);
    r = buffer_append_format(to, "%s_sum %s\n", metric->name, seconds);
    if (r < 0)
        return r;
    return buffer_append_format(to, "%s_count %" PRIu64 "\n", metric->name, count);
}

int metrics_write(const struct metrics *metrics, struct buffer *to)
{
    for (const struct metric *metric = metrics->first; metric; metric = metric->next) {
        int r = write_head(metric, to);
        if (r < 0)
            return r;
        if (metric->kind == FAMILY_HISTOGRAM)
            r = write_histogram(metric, to);
        for (size_t i = 0; r == 0 && metric->kind != FAMILY_HISTOGRAM && i < metric->value_count;
             i++)
            r = write_series(metric, i, to);
        if (r < 0)
            return r;
    }
    return 0;
}
