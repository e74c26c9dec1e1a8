#include "result_json.h"

#include "json.h"

/* ---- the smallest helpers: a key and its value ---- */

static int write_key(struct buffer *to, const char *key)
{
    /* Keys are constants of ours: nothing to escape. */
    int r = buffer_append(to, "\"", 1);
    if (r == 0)
        r = buffer_append_text(to, key);
    return r == 0 ? buffer_append(to, "\":", 2) : r;
}

static int write_text(struct buffer *to, const char *key, const char *text)
{
    int r = write_key(to, key);
    return r == 0 ? json_write_text(to, text) : r;
}

static int write_uint(struct buffer *to, const char *key, uint64_t value)
{
    int r = write_key(to, key);
    return r == 0 ? json_write_uint(to, value) : r;
}

static int write_ms(struct buffer *to, const char *key, uint64_t us)
{
    int r = write_key(to, key);
    return r == 0 ? json_write_ms(to, us) : r;
}

static int write_bool(struct buffer *to, const char *key, bool value)
{
    int r = write_key(to, key);
    return r == 0 ? buffer_append_text(to, value ? "true" : "false") : r;
}

static int write_comma(struct buffer *to)
{
    return buffer_append(to, ",", 1);
}

/* ---- results ---- */

int result_json_head(struct buffer *to, const struct outcome *outcome)
{
    int r = write_text(to, "id", outcome->id);
    if (r == 0)
        r = write_comma(to);
    if (r == 0)
        r = write_text(to, "verdict", verdict_name(outcome->verdict));
    if (r == 0)
        r = write_comma(to);
    if (r == 0)
        r = write_uint(to, "exit_code", (uint64_t)verdict_exit_code(outcome->verdict));
    return r;
}

static int write_usage(struct buffer *to, const struct outcome *outcome)
{
    int r = buffer_append_text(to, "\"usage\":{");
    if (r == 0)
        r = write_ms(to, "queue_ms", outcome->queue_us);
    if (r == 0)
        r = write_comma(to);
    if (r == 0)
        r = write_ms(to, "wall_ms", outcome->wall_us);
    if (r == 0)
        r = write_comma(to);
    if (r == 0)
        r = write_ms(to, "cpu_ms", outcome->cpu_us);
    if (r == 0)
        r = write_comma(to);
    if (r == 0)
        r = write_uint(to, "memory_peak_bytes", outcome->memory_peak_bytes);
    if (r == 0)
        r = write_comma(to);
    if (r == 0)
        r = write_uint(to, "steps", outcome->steps);
    return r == 0 ? buffer_append(to, "}", 1) : r;
}

int result_json_layers(struct buffer *to, layer_set layers)
{
    int r = buffer_append(to, "[", 1);
    bool is_first = true;
    for (unsigned layer = 0; layer < LAYER_COUNT && r == 0; layer++) {
        if (!(layers & LAYER_BIT(layer)))
            continue;
        r = is_first ? 0 : write_comma(to);
        if (r == 0)
            r = json_write_text(to, layer_name((enum layer)layer));
        is_first = false;
    }
    return r == 0 ? buffer_append(to, "]", 1) : r;
}

static int write_sandbox(struct buffer *to, const struct outcome *outcome)
{
    if (outcome->backend[0] == '\0') /* no executor told: nothing is claimed */
        return buffer_append_text(to, "\"sandbox\":null");
    int r = buffer_append_text(to, "\"sandbox\":{");
    if (r == 0)
        r = write_text(to, "backend", outcome->backend);
    if (r == 0)
        r = buffer_append_text(to, ",\"layers\":");
    if (r == 0)
        r = result_json_layers(to, outcome->layers);
    if (r == 0 && outcome->pod[0] != '\0') {
        r = write_comma(to);
        if (r == 0)
            r = write_text(to, "pod", outcome->pod);
    }
    return r == 0 ? buffer_append(to, "}", 1) : r;
}

int result_json_tail(struct buffer *to, const struct outcome *outcome, bool with_sandbox)
{
    int r = write_usage(to, outcome);
    if (r == 0)
        r = write_comma(to);
    if (r == 0)
        r = write_bool(to, "truncated", outcome->truncated);
    if (r == 0 && with_sandbox) {
        r = write_comma(to);
        if (r == 0)
            r = write_sandbox(to, outcome);
    }
    return r;
}

/* ---- diagnostics ---- */

static int write_trace(struct buffer *to, const struct frame_diagnostic *diagnostic)
{
    int r = buffer_append_text(to, "\"trace\":[");
    for (uint32_t i = 0; i < diagnostic->trace_count && r == 0; i++) {
        const struct frame_trace_line *line = &diagnostic->trace[i];
        r = buffer_append_text(to, i == 0 ? "{" : ",{");
        if (r == 0)
            r = write_uint(to, "line", line->line);
        if (r == 0)
            r = buffer_append_text(to, ",\"function\":");
        if (r == 0)
            r = line->function.count == 0
                    ? buffer_append_text(to, "null")
                    : json_write_string(to, line->function.bytes, line->function.count);
        if (r == 0)
            r = buffer_append(to, "}", 1);
    }
    if (r == 0)
        r = buffer_append(to, "]", 1);
    if (r == 0 && diagnostic->trace_omitted > 0) {
        r = write_comma(to);
        if (r == 0)
            r = write_uint(to, "trace_omitted", diagnostic->trace_omitted);
    }
    return r;
}

int result_json_diagnostic(struct buffer *to, const struct frame_diagnostic *diagnostic)
{
    const struct {
        const char *key;
        uint32_t value;
    } places[] = {
        {"line", diagnostic->line},
        {"column", diagnostic->column},
        {"length", diagnostic->length},
    };
    int r = write_text(to, "severity", diagnostic->severity == 0 ? "error" : "warning");
    for (size_t i = 0; i < ARRAY_COUNT(places) && r == 0; i++) {
        r = write_comma(to);
        if (r == 0)
            r = write_uint(to, places[i].key, places[i].value);
    }
    if (r == 0)
        r = buffer_append_text(to, ",\"message\":");
    if (r == 0)
        r = json_write_string(to, diagnostic->message.bytes, diagnostic->message.count);
    if (r == 0)
        r = write_comma(to);
    return r == 0 ? write_trace(to, diagnostic) : r;
}
