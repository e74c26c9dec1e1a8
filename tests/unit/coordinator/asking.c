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

static bool are_held(void *context)
{
    unsigned held = 0;
    for (size_t i = 0; i < fixture.fake_count; i++)
        held += fake_executor_held(&fixture.fakes[i]);
    return held == *(const unsigned *)context;
}

void until_held(unsigned count)
{
    fixture_until(&fixture, are_held, &count);
}

struct sought {
    struct reply *so_far;
    const char *text;
};

static bool has_text(void *context)
{
    struct sought *sought = context;
    return strstr(reply_text(sought->so_far), sought->text) != NULL;
}

void until_holds(struct reply *so_far, const char *text)
{
    struct sought sought = {so_far, text};
    fixture_until(&fixture, has_text, &sought);
}

void hold_one(struct reply *held)
{
    fixture_send_text(&fixture, held, "hold");
    until_held(1);
}

void get(const char *path)
{
    fixture_send(&fixture, &reply, "GET", path, NULL, NULL, 0);
    fixture_wait(&fixture, &reply);
}
