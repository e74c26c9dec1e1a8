#include "negotiation.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* A view of a part of a header's value. */
struct span {
    const char *at;
    size_t count;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span span_trim(struct span span)
{
    while (span.count > 0 && is_blank(span.at[0])) {
        span.at++;
        span.count--;
    }
    while (span.count > 0 && is_blank(span.at[span.count - 1]))
        span.count--;
    return span;
}

static bool span_is(struct span span, const char *text)
{
    return span.count == strlen(text) && strncasecmp(span.at, text, span.count) == 0;
}

/* Cuts the part before `separator` off *rest (quoted strings are passed over); false at the end. */
static bool span_next(struct span *rest, char separator, struct span *ret_part)
{
    if (!rest->at)
        return false;
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->count; i++) {
        char c = rest->at[i];
        if (quoted && c == '\\' && i + 1 < rest->count)
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == separator && !quoted)
            break;
    }
    *ret_part = span_trim((struct span){rest->at, i});
    if (i < rest->count)
        *rest = (struct span){rest->at + i + 1, rest->count - i - 1};
    else
        *rest = (struct span){NULL, 0};
    return true;
}

/* "name=value", the value without its quotes; false when it is not that. */
static bool parse_parameter(struct span part, struct span *ret_name, struct span *ret_value)
{
    struct span rest = part;
    if (!span_next(&rest, '=', ret_name) || !rest.at)
        return false;
    *ret_value = span_trim(rest);
    if (ret_value->count >= 2 && ret_value->at[0] == '"' &&
        ret_value->at[ret_value->count - 1] == '"')
        *ret_value = (struct span){ret_value->at + 1, ret_value->count - 2};
    return ret_name->count > 0;
}

static bool charset_is_utf8(struct span parameters)
{
    struct span part, name, value;
    while (span_next(&parameters, ';', &part)) {
        if (parse_parameter(part, &name, &value) && span_is(name, "charset"))
            return span_is(value, "utf-8") || span_is(value, "us-ascii");
    }
    return true;
}

int negotiation_body(const char *content_type, enum body_form *ret_form)
{
    static const char *const raw_types[] = {
        "text/plain",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
    };
    struct span rest = {content_type, content_type ? strlen(content_type) : 0};
    struct span type;
    if (!span_next(&rest, ';', &type) || (type.count == 0 && !rest.at)) {
        *ret_form = BODY_RAW;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(raw_types); i++) {
        if (span_is(type, raw_types[i])) {
            *ret_form = BODY_RAW;
            return 0;
        }
    }
    if (span_is(type, "application/json") && charset_is_utf8(rest)) {
        *ret_form = BODY_JSON;
        return 0;
    }
    return -ENOTSUP;
}

/* A weight in thousandths ("1", "0.8", "0.375"), or -1. */
static int parse_weight(struct span text)
{
    if (text.count == 0 || text.count > 5 || (text.at[0] != '0' && text.at[0] != '1'))
        return -1;
    int weight = (text.at[0] - '0') * 1000;
    if (text.count == 1)
        return weight;
    if (text.at[1] != '.')
        return -1;
    int unit = 100;
    for (size_t i = 2; i < text.count; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        weight += (text.at[i] - '0') * unit;
        unit /= 10;
    }
    return weight <= 1000 ? weight : -1;
}

/* What Accept says about one form: the weight of the most specific range that holds it. */
struct preference {
    int specificity; /* 0: nothing said, 1: any type, 2: text or application, 3: itself */
    int weight;      /* thousandths */
};

static const struct {
    const char *type, *group;
} form_types[ANSWER_FORM_COUNT] = {
    [ANSWER_TEXT] = {"text/plain", "text/*"},
    [ANSWER_JSON] = {"application/json", "application/*"},
    [ANSWER_EVENTS] = {"text/event-stream", "text/*"},
};

static void apply_range(struct span range, struct preference preferences[ANSWER_FORM_COUNT])
{
    struct span rest = range;
    struct span type, part, name, value;
    if (!span_next(&rest, ';', &type))
        return;
    int weight = 1000;
    while (span_next(&rest, ';', &part)) {
        if (parse_parameter(part, &name, &value) && span_is(name, "q"))
            weight = parse_weight(value);
    }
    if (weight < 0)
        return;
    for (size_t form = 0; form < ANSWER_FORM_COUNT; form++) {
        int specificity = span_is(type, form_types[form].type)    ? 3
                          : span_is(type, form_types[form].group) ? 2
                          : span_is(type, "*/*")                  ? 1
                                                                  : 0;
        if (specificity > preferences[form].specificity)
            preferences[form] = (struct preference){specificity, weight};
    }
}

static bool is_better(struct preference a, struct preference b)
{
    if (a.weight != b.weight)
        return a.weight > b.weight;
    return a.weight > 0 && a.specificity > b.specificity;
}

enum answer_form negotiation_answer(const char *accept, enum body_form body)
{
    struct preference preferences[ANSWER_FORM_COUNT] = {{0, 0}, {0, 0}, {0, 0}};
    struct span rest = {accept, accept ? strlen(accept) : 0};
    struct span range;
    while (span_next(&rest, ',', &range))
        apply_range(range, preferences);

    enum answer_form own = body == BODY_JSON ? ANSWER_JSON : ANSWER_TEXT;
    const enum answer_form order[] = {own, ANSWER_JSON, ANSWER_TEXT, ANSWER_EVENTS};
    enum answer_form best = own;
    for (size_t i = 1; i < ARRAY_COUNT(order); i++) {
        if (is_better(preferences[order[i]], preferences[best]))
            best = order[i];
    }
    return best;
}
