#include "asking.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

struct fixture fixture;
struct reply reply, others[OTHERS];

void start(size_t fakes, unsigned slots, const char *const *flags)
{
    fixture_init(&fixture, fakes, slots);
    fixture_start(&fixture, flags);
}

void stop(void)
{
    fixture_done(&fixture);
}

void check_refused(unsigned status, const char *code)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof(wanted), "\"code\":\"%s\"", code);
    ck_assert_uint_eq(reply.status, status);
    ck_assert_str_eq(reply.content_type, "application/problem+json");
    ck_assert_msg(strstr(reply_text(&reply), wanted) != NULL, "%s", reply_text(&reply));
    ck_assert_str_eq(reply.verdict, "");
    reply_done(&reply);
}

void ask_text(const char *source)
{
    fixture_send_text(&fixture, &reply, source);
    fixture_wait(&fixture, &reply);
}

void ask_json(const char *body)
{
    fixture_send_json(&fixture, &reply, body);
    fixture_wait(&fixture, &reply);
}

void ask_events(const char *body)
{
    fixture_send_events(&fixture, &reply, body);
    fixture_wait(&fixture, &reply);
}

void check_holds(const char *text)
{
    ck_assert_msg(strstr(reply_text(&reply), text) != NULL, "no %s in %s", text,
                  reply_text(&reply));
}

static bool is_any_held(void *context)
{
    return fake_executor_held(context) > 0;
}

void hold_one(struct reply *held)
{
    fixture_send_text(&fixture, held, "hold");
    fixture_until(&fixture, is_any_held, &fixture.fakes[0]);
}

void get(const char *path)
{
    fixture_send(&fixture, &reply, "GET", path, NULL, NULL, 0);
    fixture_wait(&fixture, &reply);
}
