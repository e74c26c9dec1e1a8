/* The smallest host of the language: what an embedder writes. Runs each argument in one machine. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tok/tok.h>

static int on_write(void *context, const char *bytes, size_t count)
{
    return fwrite(bytes, 1, count, context) == count ? 0 : -EIO;
}

static void on_report(void *context, const struct tok_diagnostic *diagnostic)
{
    fprintf(context, "! %s\n", diagnostic->message);
}

int main(int argc, char **argv)
{
    struct tok_config config = {.context = stdout,
                                .write = on_write,
                                .report = on_report,
                                .limits = {.memory_bytes = 1 << 20, .steps = 100000}};
    struct tok_vm *vm;
    if (tok_vm_create(&config, &vm) < 0)
        return 1;
    for (int i = 1; i < argc; i++)
        printf("= %s\n", tok_verdict_name(tok_run(vm, argv[i], strlen(argv[i]))));
    tok_vm_free(vm);
    return 0;
}
