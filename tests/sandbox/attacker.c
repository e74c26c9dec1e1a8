/*
 * attacker - the runner with a compromised VM.
 *
 * It is the runner itself, linked again with three of its functions wrapped: a program that begins
 * with "attack " and a name is not compiled but carried out by native code, after the same
 * confinement; any other program runs as always. Which layers are left out is in the binary, where
 * a test that makes a copy can patch it: a runner's arguments are its spawner's to choose.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tok/tok.h>

#include "attacks.h"
#include "confine.h"

int __wrap_tok_vm_create(const struct tok_config *config, struct tok_vm **ret_vm);
int __real_tok_vm_create(const struct tok_config *config, struct tok_vm **ret_vm);
enum tok_verdict __wrap_tok_run(struct tok_vm *vm, const char *source, size_t source_bytes);
enum tok_verdict __real_tok_run(struct tok_vm *vm, const char *source, size_t source_bytes);
void __wrap_confine_self(const struct confine_config *config, struct confine_report *ret_report);
void __real_confine_self(const struct confine_config *config, struct confine_report *ret_report);

static const volatile char left_out[] = "TRYTOK-LEFT-OUT:00000000";
static struct tok_config the_config;

static layer_set read_left_out(void)
{
    layer_set layers = 0;
    for (size_t i = sizeof("TRYTOK-LEFT-OUT:") - 1; i < sizeof(left_out) - 1; i++) {
        char digit = left_out[i];
        unsigned value = digit <= '9' ? (unsigned)(digit - '0') : (unsigned)(digit - 'a') + 10;
        layers = layers << 4 | value;
    }
    return layers;
}

void __wrap_confine_self(const struct confine_config *config, struct confine_report *ret_report)
{
    struct confine_config changed = *config;
    changed.left_out = read_left_out();
    __real_confine_self(&changed, ret_report);
}

int __wrap_tok_vm_create(const struct tok_config *config, struct tok_vm **ret_vm)
{
    the_config = *config;
    return __real_tok_vm_create(config, ret_vm);
}

void attack_say(const char *text)
{
    (void)the_config.write(the_config.context, text, strlen(text));
}

static const struct attack *find(const struct attack *attacks, const char *name, size_t length)
{
    for (; attacks->name; attacks++)
        if (strlen(attacks->name) == length && memcmp(attacks->name, name, length) == 0)
            return attacks;
    return NULL;
}

enum tok_verdict __wrap_tok_run(struct tok_vm *vm, const char *source, size_t source_bytes)
{
    static const char prefix[] = "attack ";
    const size_t prefix_bytes = sizeof(prefix) - 1;
    if (source_bytes < prefix_bytes || memcmp(source, prefix, prefix_bytes) != 0)
        return __real_tok_run(vm, source, source_bytes);

    const char *name = source + prefix_bytes;
    size_t length = source_bytes - prefix_bytes;
    const struct attack *attack = find(attacks_on_kernel, name, length);
    if (!attack)
        attack = find(attacks_on_executor, name, length);
    if (!attack)
        return TOK_HOST_ERROR;

    char text[64];
    int error = attack->run();
    (void)snprintf(text, sizeof(text), error == 0 ? "worked\n" : "stopped by %d\n", error);
    attack_say(text);
    return TOK_OK;
}
