/* The text form: the output byte for byte, then the diagnostics on lines of their own. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "buffer.h"
#include "presenter.h"

struct text_presenter {
    struct presenter base;
    const struct answer_sink *sink; /* borrowed */
    struct buffer output, diagnostics;
};

static struct text_presenter *text_of(struct presenter *presenter)
{
    return (struct text_presenter *)presenter;
}

static int text_started(struct presenter *presenter)
{
    (void)presenter;
    return 0;
}

static int text_output(struct presenter *presenter, const char *bytes, size_t count)
{
    return buffer_append(&text_of(presenter)->output, bytes, count);
}

static int text_diagnostic(struct presenter *presenter, const struct frame_diagnostic *diagnostic)
{
    struct buffer *to = &text_of(presenter)->diagnostics;
    int r = buffer_append(to, diagnostic->text.bytes, diagnostic->text.count);
    return r < 0 ? r : buffer_append(to, "\n", 1);
}

static int text_result(struct presenter *presenter, const struct outcome *outcome)
{
    (void)presenter;
    (void)outcome;
    return 0;
}

static int text_finish(struct presenter *presenter, const struct outcome *sum)
{
    struct text_presenter *text = text_of(presenter);
    size_t output_bytes = buffer_count(&text->output);
    int r = 0;
    if (buffer_count(&text->diagnostics) > 0) {
        if (output_bytes > 0 && buffer_data(&text->output)[output_bytes - 1] != '\n')
            r = buffer_append(&text->output, "\n", 1);
        if (r == 0)
            r = buffer_append(&text->output, buffer_data(&text->diagnostics),
                              buffer_count(&text->diagnostics));
    }
    char *body = NULL;
    size_t body_bytes = 0;
    if (r == 0)
        r = buffer_take_string(&text->output, &body, &body_bytes);
    if (r < 0)
        return r;
    char count_text[24];
    (void)snprintf(count_text, sizeof(count_text), "%zu", output_bytes);
    presenter_add_headers(text->sink, sum);
    text->sink->add_header(text->sink->context, "Tok-Stdout-Bytes", count_text);
    text->sink->respond_take(text->sink->context, "text/plain; charset=utf-8", body, body_bytes);
    return 0;
}

static bool text_is_open(const struct presenter *presenter)
{
    (void)presenter;
    return false;
}

static size_t text_held(const struct presenter *presenter)
{
    const struct text_presenter *text = (const struct text_presenter *)presenter;
    return buffer_count(&text->output) + buffer_count(&text->diagnostics);
}

static void text_free(struct presenter *presenter)
{
    struct text_presenter *text = text_of(presenter);
    buffer_done(&text->output);
    buffer_done(&text->diagnostics);
    free(text);
}

static const struct presenter_ops text_ops = {
    .started = text_started,
    .output = text_output,
    .diagnostic = text_diagnostic,
    .result = text_result,
    .finish = text_finish,
    .is_open = text_is_open,
    .held = text_held,
    .free = text_free,
};

int presenter_create_text(const struct presenter_config *config, struct presenter **ret_presenter)
{
    struct text_presenter *text = calloc(1, sizeof(*text));
    if (!text)
        return -ENOMEM;
    text->base.ops = &text_ops;
    text->sink = config->sink;
    /* The output's buffer takes the diagnostics in the end, with a line end before them. */
    buffer_init(&text->output, config->output_bytes_max + PRESENTER_DIAGNOSTIC_BYTES_MAX + 1);
    buffer_init(&text->diagnostics, PRESENTER_DIAGNOSTIC_BYTES_MAX);
    *ret_presenter = &text->base;
    return 0;
}
