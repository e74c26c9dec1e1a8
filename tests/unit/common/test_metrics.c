#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "allocations.h"
#include "metrics.h"
#include "suite.h"

static const char *const codes[] = {"200", "503"};
static const char *const odd[] = {"plain", "qu\"ote", "back\\slash", "new\nline"};
static const struct metric_label labels[] = {
    {"code", codes, ARRAY_COUNT(codes)},
    {"kind", odd, ARRAY_COUNT(odd)},
};
static const uint64_t bounds[] = {100, 1500, 2000000};

static struct metrics *new_metrics(void)
{
    struct metrics *metrics = NULL;
    ck_assert_int_eq(metrics_create(&metrics), 0);
    return metrics;
}

static struct metric *new_metric(struct metrics *metrics, enum metric_kind kind, const char *name,
                                 size_t label_count)
{
    struct metric *metric = NULL;
    ck_assert_int_eq(metrics_add(metrics, kind, name, "Help.", labels, label_count, &metric), 0);
    return metric;
}

static char *written(const struct metrics *metrics)
{
    struct buffer to;
    buffer_init(&to, 1 << 20);
    ck_assert_int_eq(metrics_write(metrics, &to), 0);
    char *text = NULL;
    ck_assert_int_eq(buffer_take_string(&to, &text, NULL), 0);
    return text;
}

/* ---- a parser as strict as the format's definition ---- */

static const char *skip_name(const char *at, bool may_have_colon)
{
    const char *digits = "0123456789";
    const char *start = may_have_colon ? "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:"
                                       : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    ck_assert(strspn(at, start) > 0);
    size_t count;
    while ((count = strspn(at, start) + strspn(at + strspn(at, start), digits)) > 0)
        at += count;
    return at;
}

static const char *skip_labels(const char *at)
{
    ck_assert_int_eq(*at, '{');
    do {
        at = skip_name(at + 1, false);
        ck_assert_int_eq(at[0], '=');
        ck_assert_int_eq(at[1], '"');
        for (at += 2; *at != '"'; at++) {
            ck_assert(*at != '\0' && *at != '\n');
            if (*at == '\\') {
                at++;
                ck_assert(*at == '\\' || *at == '"' || *at == 'n');
            }
        }
        at++;
    } while (*at == ',');
    ck_assert_int_eq(*at, '}');
    return at + 1;
}

static const char *skip_number(const char *at)
{
    char *end;
    ck_assert(*at != ' ');
    (void)strtod(at, &end);
    ck_assert_ptr_ne(end, at);
    return end;
}

/* Every sample belongs to the family whose HELP and TYPE came last. */
static size_t parse_exposition(const char *text)
{
    size_t sample_count = 0;
    char family[128] = "";
    bool has_type = false;
    for (const char *at = text; *at != '\0'; at++) {
        const char *line_end = strchr(at, '\n');
        ck_assert_msg(line_end != NULL, "the last line has no end");
        if (strncmp(at, "# HELP ", 7) == 0) {
            const char *end = skip_name(at + 7, true);
            (void)snprintf(family, sizeof(family), "%.*s", (int)(end - at - 7), at + 7);
            ck_assert_int_eq(*end, ' ');
            has_type = false;
        } else if (strncmp(at, "# TYPE ", 7) == 0) {
            ck_assert_int_eq(strncmp(at + 7, family, strlen(family)), 0);
            const char *kind = at + 7 + strlen(family);
            ck_assert(strncmp(kind, " counter\n", 9) == 0 || strncmp(kind, " gauge\n", 7) == 0 ||
                      strncmp(kind, " histogram\n", 11) == 0);
            ck_assert(!has_type);
            has_type = true;
        } else {
            ck_assert(has_type);
            ck_assert_int_eq(strncmp(at, family, strlen(family)), 0);
            const char *end = skip_name(at, true);
            if (*end == '{')
                end = skip_labels(end);
            ck_assert_int_eq(*end, ' ');
            ck_assert_ptr_eq(skip_number(end + 1), line_end);
            sample_count++;
        }
        at = line_end;
    }
    return sample_count;
}

/* ---- tests ---- */

START_TEST(an_empty_registry_writes_nothing)
{
    struct metrics *metrics = new_metrics();
    char *text = written(metrics);
    ck_assert_str_eq(text, "");
    free(text);
    metrics_free(metrics);
    metrics_free(NULL);
}
END_TEST

START_TEST(a_counter_without_labels_is_one_line_from_the_start)
{
    struct metrics *metrics = new_metrics();
    struct metric *metric = new_metric(metrics, METRIC_COUNTER, "runs_total", 0);
    metric_add(metric, 0, 0, 2);
    metric_add(metric, 0, 0, 40);
    ck_assert_uint_eq(metric_value(metric, 0, 0), 42);
    char *text = written(metrics);
    ck_assert_str_eq(text, "# HELP runs_total Help.\n# TYPE runs_total counter\nruns_total 42\n");
    free(text);
    metrics_free(metrics);
}
END_TEST

START_TEST(a_gauge_goes_down_and_below_zero)
{
    struct metrics *metrics = new_metrics();
    struct metric *metric = new_metric(metrics, METRIC_GAUGE, "idle", 1);
    metric_set(metric, 0, 0, INT64_MIN);
    metric_set(metric, 1, 0, 5);
    metric_set(metric, 1, 0, 3);
    char *text = written(metrics);
    ck_assert_ptr_nonnull(strstr(text, "idle{code=\"200\"} -9223372036854775808\n"));
    ck_assert_ptr_nonnull(strstr(text, "idle{code=\"503\"} 3\n"));
    ck_assert_uint_eq(parse_exposition(text), 2);
    free(text);
    metrics_free(metrics);
}
END_TEST

START_TEST(two_labels_make_one_series_for_each_pair)
{
    struct metrics *metrics = new_metrics();
    struct metric *metric = new_metric(metrics, METRIC_COUNTER, "requests_total", 2);
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 4; j++)
            metric_add(metric, i, j, 10 * i + j);
    }
    char *text = written(metrics);
    ck_assert_uint_eq(parse_exposition(text), 8);
    ck_assert_ptr_nonnull(strstr(text, "requests_total{code=\"200\",kind=\"qu\\\"ote\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "requests_total{code=\"503\",kind=\"back\\\\slash\"} 12\n"));
    ck_assert_ptr_nonnull(strstr(text, "requests_total{code=\"503\",kind=\"new\\nline\"} 13\n"));
    free(text);
    metrics_free(metrics);
}
END_TEST

START_TEST(help_text_is_escaped)
{
    struct metrics *metrics = new_metrics();
    struct metric *metric;
    ck_assert_int_eq(
        metrics_add(metrics, METRIC_GAUGE, "a", "one\ntwo \\ \"three\"", NULL, 0, &metric), 0);
    char *text = written(metrics);
    ck_assert_int_eq(strncmp(text, "# HELP a one\\ntwo \\\\ \"three\"\n", 29), 0);
    ck_assert_uint_eq(parse_exposition(text), 1);
    free(text);
    metrics_free(metrics);
}
END_TEST

START_TEST(a_histogram_is_cumulative_with_bounds_in_seconds)
{
    struct metrics *metrics = new_metrics();
    struct metric *metric;
    ck_assert_int_eq(metrics_add_histogram_us(metrics, "wait_seconds", "Help.", bounds, 3, &metric),
                     0);
    metric_observe_us(metric, 0);
    metric_observe_us(metric, 100); /* a bound belongs to its bucket */
    metric_observe_us(metric, 101);
    metric_observe_us(metric, 2000000);
    metric_observe_us(metric, 2000001);
    char *text = written(metrics);
    ck_assert_str_eq(text, "# HELP wait_seconds Help.\n"
                           "# TYPE wait_seconds histogram\n"
                           "wait_seconds_bucket{le=\"0.0001\"} 2\n"
                           "wait_seconds_bucket{le=\"0.0015\"} 3\n"
                           "wait_seconds_bucket{le=\"2\"} 4\n"
                           "wait_seconds_bucket{le=\"+Inf\"} 5\n"
                           "wait_seconds_sum 4.000202\n"
                           "wait_seconds_count 5\n");
    ck_assert_uint_eq(parse_exposition(text), 6);
    free(text);
    metrics_free(metrics);
}
END_TEST

START_TEST(a_histogram_without_bounds_still_counts)
{
    struct metrics *metrics = new_metrics();
    struct metric *metric;
    ck_assert_int_eq(metrics_add_histogram_us(metrics, "x_seconds", "Help.", NULL, 0, &metric), 0);
    metric_observe_us(metric, 10);
    char *text = written(metrics);
    ck_assert_ptr_nonnull(strstr(text, "x_seconds_bucket{le=\"+Inf\"} 1\nx_seconds_sum 0.00001\n"));
    free(text);
    metrics_free(metrics);
}
END_TEST

START_TEST(names_and_bounds_that_the_format_forbids_are_refused)
{
    struct metrics *metrics = new_metrics();
    struct metric *metric = NULL;
    static const char *const names[] = {"", "9a", "a-b", "a b", "\xC3\xA9"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        ck_assert_int_eq(metrics_add(metrics, METRIC_GAUGE, names[i], "", NULL, 0, &metric),
                         -EINVAL);
    static const struct metric_label bad[] = {
        {"le", codes, 2}, {"a:b", codes, 2}, {"", codes, 2}, {"empty", codes, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        ck_assert_int_eq(metrics_add(metrics, METRIC_GAUGE, "a", "", &bad[i], 1, &metric), -EINVAL);
    const struct metric_label twice[] = {labels[0], labels[0]};
    ck_assert_int_eq(metrics_add(metrics, METRIC_GAUGE, "a", "", twice, 2, &metric), -EINVAL);
    const struct metric_label three[] = {labels[0], labels[1], labels[0]};
    ck_assert_int_eq(metrics_add(metrics, METRIC_GAUGE, "a", "", three, 3, &metric), -EINVAL);
    static const uint64_t unsorted[] = {5, 5};
    ck_assert_int_eq(metrics_add_histogram_us(metrics, "a", "", unsorted, 2, &metric), -EINVAL);
    ck_assert_ptr_null(metric);
    metrics_free(metrics);
}
END_TEST

START_TEST(a_family_has_at_most_4096_series)
{
    static const char *values[65];
    static uint64_t many_bounds[4096];
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        values[i] = "v";
    for (size_t i = 0; i < ARRAY_COUNT(many_bounds); i++)
        many_bounds[i] = i;
    struct metrics *metrics = new_metrics();
    struct metric *metric;
    struct metric_label square[] = {{"a", values, 64}, {"b", values, 64}};
    ck_assert_int_eq(metrics_add(metrics, METRIC_GAUGE, "a", "", square, 2, &metric), 0);
    square[1].count = 65;
    ck_assert_int_eq(metrics_add(metrics, METRIC_GAUGE, "b", "", square, 2, &metric), -EINVAL);
    square[1].count = SIZE_MAX / 2;
    ck_assert_int_eq(metrics_add(metrics, METRIC_GAUGE, "c", "", square, 2, &metric), -EINVAL);
    ck_assert_int_eq(metrics_add_histogram_us(metrics, "d", "", many_bounds, 4095, &metric), 0);
    ck_assert_int_eq(metrics_add_histogram_us(metrics, "e", "", many_bounds, 4096, &metric),
                     -EINVAL);
    metrics_free(metrics);
}
END_TEST

START_TEST(a_name_is_registered_once)
{
    struct metrics *metrics = new_metrics();
    struct metric *metric = new_metric(metrics, METRIC_GAUGE, "a:b", 0);
    ck_assert_int_eq(metrics_add(metrics, METRIC_COUNTER, "a:b", "", NULL, 0, &metric), -EEXIST);
    ck_assert_int_eq(metrics_add_histogram_us(metrics, "a:b", "", bounds, 3, &metric), -EEXIST);
    metrics_free(metrics);
}
END_TEST

START_TEST(a_full_buffer_is_told_wherever_it_ends)
{
    struct metrics *metrics = new_metrics();
    (void)new_metric(metrics, METRIC_COUNTER, "requests_total", 2);
    (void)new_metric(metrics, METRIC_GAUGE, "idle", 0);
    struct metric *metric;
    ck_assert_int_eq(metrics_add_histogram_us(metrics, "wait_seconds", "Help.", bounds, 3, &metric),
                     0);
    char *text = written(metrics);
    size_t whole = strlen(text);
    free(text);
    for (size_t cap = 0; cap <= whole; cap++) {
        struct buffer to;
        buffer_init(&to, cap);
        ck_assert_int_eq(metrics_write(metrics, &to), cap < whole ? -EMSGSIZE : 0);
        buffer_done(&to);
    }
    metrics_free(metrics);
}
END_TEST

START_TEST(a_lack_of_memory_is_told)
{
    struct metrics *metrics = NULL;
    struct metric *metric = NULL;
    allocations_fail_at(1);
    ck_assert_int_eq(metrics_create(&metrics), -ENOMEM);
    metrics = new_metrics();
    allocations_fail_at(1);
    ck_assert_int_eq(metrics_add(metrics, METRIC_GAUGE, "a", "", NULL, 0, &metric), -ENOMEM);
    allocations_fail_at(1);
    ck_assert_int_eq(metrics_add_histogram_us(metrics, "a", "", bounds, 3, &metric), -ENOMEM);
    ck_assert_ptr_null(metric);
    metrics_free(metrics);
}
END_TEST

START_TEST(an_index_outside_its_labels_is_a_bug)
{
    struct metric *metric = new_metric(new_metrics(), METRIC_COUNTER, "a_total", 1);
    metric_add(metric, 2, 0, 1);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, an_empty_registry_writes_nothing);
    tcase_add_test(tcase, a_counter_without_labels_is_one_line_from_the_start);
    tcase_add_test(tcase, a_gauge_goes_down_and_below_zero);
    tcase_add_test(tcase, two_labels_make_one_series_for_each_pair);
    tcase_add_test(tcase, help_text_is_escaped);
    tcase_add_test(tcase, a_histogram_is_cumulative_with_bounds_in_seconds);
    tcase_add_test(tcase, a_histogram_without_bounds_still_counts);
    tcase_add_test(tcase, names_and_bounds_that_the_format_forbids_are_refused);
    tcase_add_test(tcase, a_family_has_at_most_4096_series);
    tcase_add_test(tcase, a_name_is_registered_once);
    tcase_add_test(tcase, a_full_buffer_is_told_wherever_it_ends);
    tcase_add_test(tcase, a_lack_of_memory_is_told);
    tcase_add_test_raise_signal(tcase, an_index_outside_its_labels_is_a_bug, SIGABRT);
}

int main(void)
{
    return suite_run("metrics", add_tests);
}
