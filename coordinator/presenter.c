#include "presenter.h"

#include <stdio.h>

int presenter_create(enum answer_form form, const struct presenter_config *config,
                     struct presenter **ret_presenter)
{
    switch (form) {
    case ANSWER_TEXT:
        return presenter_create_text(config, ret_presenter);
    case ANSWER_JSON:
        return presenter_create_json(config, ret_presenter);
    case ANSWER_EVENTS:
        return presenter_create_events(config, ret_presenter);
    case ANSWER_FORM_COUNT:
        break;
    }
    return -EINVAL;
}

uint64_t presenter_diagnostic_cost(const struct frame_diagnostic *diagnostic)
{
    enum { OBJECT_BYTES = 128, TRACE_LINE_BYTES = 40 };
    uint64_t cost = OBJECT_BYTES + diagnostic->message.count + diagnostic->text.count;
    for (uint32_t i = 0; i < diagnostic->trace_count; i++)
        cost += TRACE_LINE_BYTES + diagnostic->trace[i].function.count;
    return cost;
}

void presenter_add_headers(const struct answer_sink *sink, const struct outcome *sum)
{
    char code[16];
    (void)snprintf(code, sizeof(code), "%d", verdict_exit_code(sum->verdict));
    sink->add_header(sink->context, "Tok-Verdict", verdict_name(sum->verdict));
    sink->add_header(sink->context, "Tok-Exit-Code", code);
    if (sum->truncated)
        sink->add_header(sink->context, "Tok-Truncated", "true");
}
