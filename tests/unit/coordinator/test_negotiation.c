#include "attributes.h"
#include "negotiation.h"
#include "suite.h"

static const struct {
    const char *content_type;
    int result;
    enum body_form form;
} bodies[] = {
    {NULL, 0, BODY_RAW},
    {"", 0, BODY_RAW},
    {"text/plain", 0, BODY_RAW},
    {"TEXT/Plain ; charset=\"utf-8\"", 0, BODY_RAW},
    {"text/plain; charset=latin1", 0, BODY_RAW},
    {"application/x-www-form-urlencoded", 0, BODY_RAW},
    {"application/octet-stream", 0, BODY_RAW},
    {"application/json", 0, BODY_JSON},
    {"application/json;charset=UTF-8", 0, BODY_JSON},
    {"application/json; a=\"x;charset=utf-16\"; charset=\"utf-8\"", 0, BODY_JSON},
    {"application/json; charset=utf-16", -ENOTSUP, BODY_RAW},
    {"application/jsonx", -ENOTSUP, BODY_RAW},
    {"application/ld+json", -ENOTSUP, BODY_RAW},
    {"multipart/form-data; boundary=a", -ENOTSUP, BODY_RAW},
    {"text/html", -ENOTSUP, BODY_RAW},
    {"text", -ENOTSUP, BODY_RAW},
    {"; charset=utf-8", -ENOTSUP, BODY_RAW},
    {"text/plain, application/json", -ENOTSUP, BODY_RAW},
};

START_TEST(a_content_type_says_which_form_the_body_has)
{
    enum body_form form = BODY_RAW;
    ck_assert_int_eq(negotiation_body(bodies[_i].content_type, &form), bodies[_i].result);
    if (bodies[_i].result == 0)
        ck_assert_int_eq((int)form, (int)bodies[_i].form);
}
END_TEST

static const struct {
    const char *accept;
    enum answer_form of_raw, of_json;
} answers[] = {
    {NULL, ANSWER_TEXT, ANSWER_JSON},
    {"", ANSWER_TEXT, ANSWER_JSON},
    {"*/*", ANSWER_TEXT, ANSWER_JSON},
    {"text/plain", ANSWER_TEXT, ANSWER_TEXT},
    {"application/json", ANSWER_JSON, ANSWER_JSON},
    {"text/event-stream", ANSWER_EVENTS, ANSWER_EVENTS},
    {"TEXT/EVENT-STREAM", ANSWER_EVENTS, ANSWER_EVENTS},
    {"text/*", ANSWER_TEXT, ANSWER_TEXT},
    {"application/*", ANSWER_JSON, ANSWER_JSON},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", ANSWER_TEXT, ANSWER_JSON},
    {"image/png", ANSWER_TEXT, ANSWER_JSON},
    {"application/json, text/event-stream", ANSWER_JSON, ANSWER_JSON},
    {"application/json;q=0.5, text/event-stream", ANSWER_EVENTS, ANSWER_EVENTS},
    {"text/plain;q=0.4, application/json;q=0.6", ANSWER_JSON, ANSWER_JSON},
    {"text/plain;q=0.601, application/json;q=0.6", ANSWER_TEXT, ANSWER_TEXT},
    {"*/*, text/event-stream", ANSWER_EVENTS, ANSWER_EVENTS},
    {"*/*;q=0.1, application/json;q=0", ANSWER_TEXT, ANSWER_TEXT},
    {"text/plain;q=0, application/json;q=0, text/event-stream;q=0", ANSWER_TEXT, ANSWER_JSON},
    {"*/*, text/plain;q=0, application/json;q=0", ANSWER_EVENTS, ANSWER_EVENTS},
    {"application/json;q=2", ANSWER_TEXT, ANSWER_JSON},
    {"application/json;q=0.1234", ANSWER_TEXT, ANSWER_JSON},
    {"application/json;q=", ANSWER_TEXT, ANSWER_JSON},
    {",,;;q=,/", ANSWER_TEXT, ANSWER_JSON},
    {"application/json;a=\",text/plain\";q=1", ANSWER_JSON, ANSWER_JSON},
    {"application/json;a=\"unfinished", ANSWER_JSON, ANSWER_JSON},
};

START_TEST(accept_chooses_among_the_three_forms)
{
    ck_assert_int_eq((int)negotiation_answer(answers[_i].accept, BODY_RAW),
                     (int)answers[_i].of_raw);
    ck_assert_int_eq((int)negotiation_answer(answers[_i].accept, BODY_JSON),
                     (int)answers[_i].of_json);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_content_type_says_which_form_the_body_has, 0, ARRAY_COUNT(bodies));
    tcase_add_loop_test(tcase, accept_chooses_among_the_three_forms, 0, ARRAY_COUNT(answers));
}

int main(void)
{
    return suite_run("negotiation", add_tests);
}
