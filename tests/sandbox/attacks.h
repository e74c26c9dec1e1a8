/*
 * attacks - what a compromised VM would try from inside a runner.
 *
 * Each attack does one thing and returns 0 when it worked, or the errno that stopped it. Those that
 * are about the stream or about time write to the stream themselves, or never return.
 */
#ifndef TRYTOK_ATTACKS_H
#define TRYTOK_ATTACKS_H

struct attack {
    const char *name;
    int (*run)(void);
};

extern const struct attack attacks_on_kernel[]; /* ends with a NULL name */
extern const struct attack attacks_on_executor[];

/* Words that an attack wants to be seen, beside its outcome. */
void attack_say(const char *text);

#endif
