/* Any bytes as a program: the scanner and the compiler end with a verdict, whatever they are given. */
#include <assert.h>
#include <tok/tok.h>

static int write_nothing(void *context, const char *bytes, size_t count)
{
    (void)context;
    (void)bytes;
    (void)count;
    return 0;
}

static void check_diagnostic(void *context, const struct tok_diagnostic *diagnostic)
{
    const size_t *source_bytes = context;
    assert(diagnostic->line >= 1 && diagnostic->line <= *source_bytes + 1);
    assert(diagnostic->column >= 1 && diagnostic->length <= *source_bytes);
    assert(diagnostic->message[0] != '\0' && diagnostic->text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct tok_config config = {
        .context = &count,
        .write = write_nothing,
        .report = check_diagnostic,
        .limits = {.memory_bytes = 16 << 20},
    };
    struct tok_vm *vm;
    if (tok_vm_create(&config, &vm) < 0)
        return 0;
    enum tok_verdict verdict = tok_check(vm, (const char *)bytes, count);
    assert(verdict == TOK_OK || verdict == TOK_COMPILE_ERROR || verdict == TOK_MEMORY_LIMIT);
    verdict = tok_disassemble(vm, (const char *)bytes, count);
    assert(verdict == TOK_OK || verdict == TOK_COMPILE_ERROR || verdict == TOK_MEMORY_LIMIT ||
           verdict == TOK_OUTPUT_LIMIT);
    tok_vm_free(vm);
    return 0;
}
