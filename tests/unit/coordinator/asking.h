/*
 * asking - one fixture and one reply for the tests of the whole coordinator, and what they do most.
 */
#ifndef COORDINATOR_ASKING_H
#define COORDINATOR_ASKING_H

#include "fixture.h"

enum { OTHERS = 80 };
extern struct fixture fixture;
extern struct reply reply, others[OTHERS];

void start(size_t fakes, unsigned slots, const char *const *flags);
void stop(void);

/* Send to /execute and wait for the reply. */
void ask_text(const char *source);
void ask_json(const char *body);
void ask_events(const char *body);
void get(const char *path);
/* Takes one place of the first fake, until it is released. */
void hold_one(struct reply *held);

/* Run the loop until the fakes hold so many runs together; until the reply so far has this text. */
void until_held(unsigned count);
void until_holds(struct reply *so_far, const char *text);

void check_refused(unsigned status, const char *code); /* and is done with the reply */
void check_holds(const char *text);

#endif
