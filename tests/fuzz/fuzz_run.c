/* Any bytes as a program, run with small limits: it ends with a verdict, within them, twice the same. */
#include <assert.h>
#include <string.h>
#include <tok/tok.h>

enum { OUTPUT_MAX = 4096, STEPS_MAX = 20000, MEMORY_MAX = 4 << 20 };

struct run {
    char output[OUTPUT_MAX];
    size_t output_bytes;
    size_t input_bytes;
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

static enum tok_verdict run_once(const uint8_t *bytes, size_t count, struct run *run,
                                 struct tok_usage *ret_usage)
{
    struct tok_config config = {
        .context = run,
        .write = keep_output,
        .read = give_input,
        .limits = {.memory_bytes = MEMORY_MAX,
                   .steps = STEPS_MAX,
                   .output_bytes = OUTPUT_MAX,
                   .call_depth = 500},
    };
    struct tok_vm *vm;
    if (tok_vm_create(&config, &vm) < 0)
        __builtin_trap();
    enum tok_verdict verdict = tok_run(vm, (const char *)bytes, count);
    tok_get_usage(vm, ret_usage);
    tok_vm_free(vm);
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct run first = {.output_bytes = 0};
    struct run second = {.output_bytes = 0};
    struct tok_usage first_usage, second_usage;
    enum tok_verdict first_verdict = run_once(bytes, count, &first, &first_usage);
    enum tok_verdict second_verdict = run_once(bytes, count, &second, &second_usage);
    assert(first_verdict == second_verdict && first_verdict < TOK_VERDICT_COUNT);
    assert(first_verdict != TOK_HOST_ERROR && first_verdict != TOK_INTERRUPTED);
    assert(first_usage.steps == second_usage.steps);
    assert(first_usage.memory_peak_bytes <= MEMORY_MAX);
    assert(first.output_bytes == second.output_bytes &&
           memcmp(first.output, second.output, first.output_bytes) == 0);
    return 0;
}
