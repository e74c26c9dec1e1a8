#include "victim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Enough for all but a few programs; those end in step_limit or output_limit, as good as any other. */
enum { STEPS_MAX = 300000, OUTPUT_MAX = 1 << 20, FRESH = 0xa5, FREED = 0x5a };

static const char input[] = "12\n-0.5\r\nabc\n\n  7  \nno line end";

struct victim {
    struct outcome *outcome;
    size_t allocated_bytes;
    uint64_t fail_at;
    bool for_ever;
    size_t input_at;
};

static bool is_to_fail(struct victim *victim)
{
    uint64_t number = ++victim->outcome->allocations;
    if (victim->fail_at == 0)
        return false;
    return victim->for_ever ? number >= victim->fail_at : number == victim->fail_at;
}

static void *on_realloc(void *context, void *pointer, size_t old_bytes, size_t new_bytes)
{
    struct victim *victim = context;
    void *result = NULL;
    if (new_bytes > 0) {
        if (is_to_fail(victim))
            return NULL;
        result = malloc(new_bytes);
        if (!result)
            abort();
        size_t kept = old_bytes < new_bytes ? old_bytes : new_bytes;
        if (pointer)
            memcpy(result, pointer, kept);
        else
            kept = 0;
        memset((char *)result + kept, FRESH, new_bytes - kept);
    }
    if (pointer) {
        memset(pointer, FREED, old_bytes);
        free(pointer);
        victim->allocated_bytes -= old_bytes;
    }
    victim->allocated_bytes += new_bytes;
    return result;
}

static void append(struct bytes *bytes, const char *more, size_t count)
{
    bytes->bytes = realloc(bytes->bytes, bytes->count + count + 1);
    if (!bytes->bytes)
        abort();
    memcpy(bytes->bytes + bytes->count, more, count);
    bytes->count += count;
}

static int on_write(void *context, const char *bytes, size_t count)
{
    struct victim *victim = context;
    append(&victim->outcome->output, bytes, count);
    return 0;
}

static ptrdiff_t on_read(void *context, char *buffer, size_t size)
{
    struct victim *victim = context;
    size_t left = sizeof(input) - 1 - victim->input_at;
    size_t count = left < size ? left : size;
    memcpy(buffer, input + victim->input_at, count);
    victim->input_at += count;
    return (ptrdiff_t)count;
}

static void on_report(void *context, const struct tok_diagnostic *diagnostic)
{
    struct victim *victim = context;
    append(&victim->outcome->reports, diagnostic->text, strlen(diagnostic->text));
    append(&victim->outcome->reports, "\n", 1);
}

/* Whether the machine still works: a line printed, unless the budgets are used up. */
static bool try_again(struct victim *victim, struct tok_vm *vm)
{
    static const char source[] = "class Again { init() { this.s = \"a\" + \"gain\"; } }"
                                 "print Again().s;";
    static const char expected[] = "again\n";
    struct outcome *outcome = victim->outcome;
    if (outcome->verdict == TOK_STEP_LIMIT || outcome->verdict == TOK_OUTPUT_LIMIT)
        return true;
    struct bytes before = outcome->output;
    struct bytes reports = outcome->reports;
    outcome->output = (struct bytes){0};
    outcome->reports = (struct bytes){0};
    victim->fail_at = 0;
    enum tok_verdict verdict = tok_run(vm, source, sizeof(source) - 1);
    bool works = verdict == TOK_OK && outcome->output.count == sizeof(expected) - 1 &&
                 memcmp(outcome->output.bytes, expected, sizeof(expected) - 1) == 0;
    free(outcome->output.bytes);
    free(outcome->reports.bytes);
    outcome->output = before;
    outcome->reports = reports;
    return works;
}

void victim_run(const char *source, size_t source_bytes, uint64_t fail_at, bool for_ever,
                struct outcome *ret_outcome)
{
    *ret_outcome = (struct outcome){.verdict = TOK_MEMORY_LIMIT, .works_after = true};
    struct victim victim = {.outcome = ret_outcome, .fail_at = fail_at, .for_ever = for_ever};
    struct tok_config config = {
        .context = &victim,
        .realloc = on_realloc,
        .write = on_write,
        .read = on_read,
        .report = on_report,
        .hash_seed = 20261123,
        .limits = {.steps = STEPS_MAX, .output_bytes = OUTPUT_MAX},
    };
    /* Empty and not NULL, so that there is something to compare. */
    append(&ret_outcome->output, "", 0);
    append(&ret_outcome->reports, "", 0);
    struct tok_vm *vm;
    if (tok_vm_create(&config, &vm) == 0) {
        ret_outcome->verdict = tok_run(vm, source, source_bytes);
        struct tok_usage usage;
        tok_get_usage(vm, &usage);
        ret_outcome->steps = usage.steps;
        bool is_counted = usage.memory_now_bytes == victim.allocated_bytes;
        uint64_t allocations = ret_outcome->allocations;
        ret_outcome->works_after = try_again(&victim, vm);
        ret_outcome->allocations = allocations;
        tok_vm_free(vm);
        ret_outcome->leaked_bytes = is_counted ? 0 : SIZE_MAX;
    }
    if (victim.allocated_bytes != 0)
        ret_outcome->leaked_bytes = victim.allocated_bytes;
}

void outcome_done(struct outcome *outcome)
{
    free(outcome->output.bytes);
    free(outcome->reports.bytes);
}
