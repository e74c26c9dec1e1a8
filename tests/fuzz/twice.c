#include "twice.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <tok/tok.h>

enum { OUTPUT_MAX = 4096, STEPS_MAX = 20000, MEMORY_MAX = 4 << 20, PART_END = '\f' };

struct run {
    char output[OUTPUT_MAX];
    size_t output_bytes;
    size_t input_bytes;
    uint64_t hash_seed; /* makes no difference to a program */
};

static int keep_output(void *context, const char *bytes, size_t count)
{
    struct run *run = context;
    assert(count <= OUTPUT_MAX - run->output_bytes);
    memcpy(run->output + run->output_bytes, bytes, count);
    run->output_bytes += count;
    return 0;
}

static ptrdiff_t give_input(void *context, char *buffer, size_t size)
{
    static const char text[] = "12\n\nabc\r\n-0.5";
    struct run *run = context;
    size_t left = sizeof(text) - 1 - run->input_bytes;
    size_t count = size < left ? size : left;
    memcpy(buffer, text + run->input_bytes, count);
    run->input_bytes += count;
    return (ptrdiff_t)count;
}

static bool is_possible(enum tok_verdict verdict)
{
    return verdict < TOK_VERDICT_COUNT && verdict != TOK_HOST_ERROR && verdict != TOK_INTERRUPTED;
}

/* Each part in the same machine, whatever became of the one before; the last part's verdict. */
static enum tok_verdict run_parts(struct tok_vm *vm, const char *source, size_t count)
{
    const char *end = source + count;
    for (;;) {
        const char *mark = memchr(source, PART_END, (size_t)(end - source));
        enum tok_verdict verdict = tok_run(vm, source, (size_t)((mark ? mark : end) - source));
        assert(is_possible(verdict));
        if (!mark)
            return verdict;
        source = mark + 1;
    }
}

static enum tok_verdict run_once(const char *source, size_t count, struct run *run,
                                 struct tok_usage *ret_usage)
{
    struct tok_config config = {
        .context = run,
        .write = keep_output,
        .read = give_input,
        .hash_seed = run->hash_seed,
        .limits = {.memory_bytes = MEMORY_MAX,
                   .steps = STEPS_MAX,
                   .output_bytes = OUTPUT_MAX,
                   .call_depth = 500},
    };
    struct tok_vm *vm;
    if (tok_vm_create(&config, &vm) < 0)
        __builtin_trap();
    enum tok_verdict verdict = run_parts(vm, source, count);
    tok_get_usage(vm, ret_usage);
    tok_vm_free(vm);
    return verdict;
}

void run_twice(const char *source, size_t count)
{
    struct run first = {.hash_seed = 1};
    struct run second = {.hash_seed = UINT64_C(0x9e3779b97f4a7c15)};
    struct tok_usage first_usage, second_usage;
    enum tok_verdict first_verdict = run_once(source, count, &first, &first_usage);
    enum tok_verdict second_verdict = run_once(source, count, &second, &second_usage);
    assert(first_verdict == second_verdict);
    assert(first_usage.steps == second_usage.steps);
    assert(first_usage.memory_peak_bytes <= MEMORY_MAX);
    assert(first.output_bytes == second.output_bytes &&
           memcmp(first.output, second.output, first.output_bytes) == 0);
}
