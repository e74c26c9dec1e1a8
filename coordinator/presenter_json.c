/* The JSON form: one result object, or with cases one for each in "cases". */
#include <stdlib.h>

#include "buffer.h"
#include "json.h"
#include "presenter.h"
#include "result_json.h"

struct json_presenter {
    struct presenter base;
    const struct answer_sink *sink; /* borrowed */
    bool has_cases;
    struct buffer output, errors; /* of the run that is being told: bytes */
    struct buffer diagnostics;    /* of the same: JSON, without the brackets */
    struct buffer results;        /* those told before: JSON */
};

static struct json_presenter *json_of(struct presenter *presenter)
{
    return (struct json_presenter *)presenter;
}

static int json_started(struct presenter *presenter)
{
    (void)presenter;
    return 0;
}

static int json_output(struct presenter *presenter, const char *bytes, size_t count)
{
    return buffer_append(&json_of(presenter)->output, bytes, count);
}

static int json_diagnostic(struct presenter *presenter, const struct frame_diagnostic *diagnostic)
{
    struct json_presenter *json = json_of(presenter);
    int r = buffer_append(&json->errors, diagnostic->text.bytes, diagnostic->text.count);
    if (r == 0)
        r = buffer_append(&json->errors, "\n", 1);
    if (r == 0)
        r = buffer_append_text(&json->diagnostics,
                               buffer_count(&json->diagnostics) > 0 ? ",{" : "{");
    if (r == 0)
        r = result_json_diagnostic(&json->diagnostics, diagnostic);
    return r == 0 ? buffer_append(&json->diagnostics, "}", 1) : r;
}

static int write_result(struct json_presenter *json, const struct outcome *outcome)
{
    struct buffer *to = &json->results;
    int r = buffer_append_text(to, buffer_count(to) > 0 ? ",{" : "{");
    if (r == 0)
        r = result_json_head(to, outcome);
    if (r == 0)
        r = buffer_append_text(to, ",\"stdout\":");
    if (r == 0)
        r = json_write_string(to, buffer_data(&json->output), buffer_count(&json->output));
    if (r == 0)
        r = buffer_append_text(to, ",\"stderr\":");
    if (r == 0)
        r = json_write_string(to, buffer_data(&json->errors), buffer_count(&json->errors));
    if (r == 0)
        r = buffer_append_text(to, ",\"diagnostics\":[");
    if (r == 0)
        r = buffer_append(to, buffer_data(&json->diagnostics), buffer_count(&json->diagnostics));
    if (r == 0)
        r = buffer_append_text(to, "],");
    if (r == 0)
        r = result_json_tail(to, outcome, true);
    return r == 0 ? buffer_append(to, "}", 1) : r;
}

static int json_result(struct presenter *presenter, const struct outcome *outcome)
{
    struct json_presenter *json = json_of(presenter);
    int r = write_result(json, outcome);
    buffer_clear(&json->output);
    buffer_clear(&json->errors);
    buffer_clear(&json->diagnostics);
    return r;
}

/* {"id":…,"verdict":…,"exit_code":…,"usage":…,"truncated":…,"cases":[…]} around the results. */
static int wrap_cases(struct json_presenter *json, const struct outcome *sum)
{
    struct buffer whole;
    buffer_init(&whole, json->results.count_max);
    int r = buffer_append(&whole, "{", 1);
    if (r == 0)
        r = result_json_head(&whole, sum);
    if (r == 0)
        r = buffer_append(&whole, ",", 1);
    if (r == 0)
        r = result_json_tail(&whole, sum, false);
    if (r == 0)
        r = buffer_append_text(&whole, ",\"cases\":[");
    if (r == 0)
        r = buffer_append(&whole, buffer_data(&json->results), buffer_count(&json->results));
    if (r == 0)
        r = buffer_append_text(&whole, "]}");
    buffer_done(&json->results);
    json->results = whole; /* on error too: freed with the presenter */
    return r;
}

static int json_finish(struct presenter *presenter, const struct outcome *sum)
{
    struct json_presenter *json = json_of(presenter);
    int r = json->has_cases ? wrap_cases(json, sum) : 0;
    if (r == 0)
        r = buffer_append(&json->results, "\n", 1);
    char *body = NULL;
    size_t body_bytes = 0;
    if (r == 0)
        r = buffer_take_string(&json->results, &body, &body_bytes);
    if (r < 0)
        return r;
    presenter_add_headers(json->sink, sum);
    json->sink->respond_take(json->sink->context, "application/json", body, body_bytes);
    return 0;
}

static bool json_is_open(const struct presenter *presenter)
{
    (void)presenter;
    return false;
}

static size_t json_held(const struct presenter *presenter)
{
    const struct json_presenter *json = (const struct json_presenter *)presenter;
    return buffer_count(&json->output) + buffer_count(&json->errors) +
           buffer_count(&json->diagnostics) + buffer_count(&json->results);
}

static void json_free(struct presenter *presenter)
{
    struct json_presenter *json = json_of(presenter);
    buffer_done(&json->output);
    buffer_done(&json->errors);
    buffer_done(&json->diagnostics);
    buffer_done(&json->results);
    free(json);
}

static const struct presenter_ops json_ops = {
    .started = json_started,
    .output = json_output,
    .diagnostic = json_diagnostic,
    .result = json_result,
    .finish = json_finish,
    .is_open = json_is_open,
    .held = json_held,
    .free = json_free,
};

/* A byte grows to at most six (\u0000), and the diagnostics come twice: as text and as objects. */
enum { ESCAPED_BYTES = 6, FRAME_OF_RESULTS_BYTES = 256 * 1024 };

int presenter_create_json(const struct presenter_config *config, struct presenter **ret_presenter)
{
    struct json_presenter *json = calloc(1, sizeof(*json));
    if (!json)
        return -ENOMEM;
    json->base.ops = &json_ops;
    json->sink = config->sink;
    json->has_cases = config->has_cases;
    size_t diagnostics_max = (size_t)ESCAPED_BYTES * PRESENTER_DIAGNOSTIC_BYTES_MAX;
    buffer_init(&json->output, config->output_bytes_max);
    buffer_init(&json->errors, PRESENTER_DIAGNOSTIC_BYTES_MAX);
    buffer_init(&json->diagnostics, diagnostics_max);
    buffer_init(&json->results, ESCAPED_BYTES * config->output_bytes_max + 2 * diagnostics_max +
                                    FRAME_OF_RESULTS_BYTES);
    *ret_presenter = &json->base;
    return 0;
}
