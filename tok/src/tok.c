#include "tok/tok.h"

#include "compile.h"
#include "disasm.h"
#include "io.h"
#include "vm.h"

#ifndef TRYTOK_VERSION
#define TRYTOK_VERSION "0.0.0"
#endif

/* What was printed reaches the host whatever happened. */
static enum tok_verdict finish(struct tok_vm *vm)
{
    if (!tok_output_flush(vm) && vm->verdict == TOK_OK)
        vm->verdict = TOK_HOST_ERROR;
    atomic_store_explicit(&vm->interrupted, false, memory_order_relaxed);
    vm->keep[0] = VALUE_NIL;
    return vm->verdict;
}

static struct proto *compile(struct tok_vm *vm, const char *source, size_t source_bytes)
{
    vm->verdict = TOK_OK;
    vm->diagnostic_count = 0;
    return tok_compile(vm, source, source_bytes);
}

enum tok_verdict tok_run(struct tok_vm *vm, const char *source, size_t source_bytes)
{
    struct proto *script = compile(vm, source, source_bytes);
    if (!script)
        return finish(vm);
    struct closure *closure = heap_allocate_in(vm, &vm->heap, OBJECT_CLOSURE, sizeof(*closure));
    if (closure) {
        closure->proto = script;
        tok_interpret(vm, closure);
    } else {
        tok_vm_stop(vm, TOK_MEMORY_LIMIT);
    }
    return finish(vm);
}

enum tok_verdict tok_check(struct tok_vm *vm, const char *source, size_t source_bytes)
{
    compile(vm, source, source_bytes);
    return finish(vm);
}

enum tok_verdict tok_disassemble(struct tok_vm *vm, const char *source, size_t source_bytes)
{
    struct proto *script = compile(vm, source, source_bytes);
    if (script)
        tok_disassemble_proto(vm, script);
    return finish(vm);
}

void tok_interrupt(struct tok_vm *vm)
{
    atomic_store_explicit(&vm->interrupted, true, memory_order_relaxed);
}

void tok_get_usage(const struct tok_vm *vm, struct tok_usage *ret_usage)
{
    *ret_usage = (struct tok_usage){
        .steps = vm->steps_done + (uint64_t)((int64_t)vm->slice - vm->budget),
        .memory_peak_bytes = vm->memory_peak_bytes,
        .memory_now_bytes = vm->memory_bytes,
        .output_bytes = vm->output.delivered,
        .collections = vm->heap.collections,
    };
}

const char *tok_verdict_name(enum tok_verdict verdict)
{
    switch (verdict) {
#define TOK_VERDICT(name, text, exit_code)                                                         \
    case TOK_##name:                                                                               \
        return text;
        TOK_VERDICTS(TOK_VERDICT)
#undef TOK_VERDICT
    case TOK_VERDICT_COUNT:
        break;
    }
    return "unknown";
}

int tok_verdict_exit_code(enum tok_verdict verdict)
{
    switch (verdict) {
#define TOK_VERDICT(name, text, exit_code)                                                         \
    case TOK_##name:                                                                               \
        return exit_code;
        TOK_VERDICTS(TOK_VERDICT)
#undef TOK_VERDICT
    case TOK_VERDICT_COUNT:
        break;
    }
    return tok_verdict_exit_code(TOK_HOST_ERROR);
}

const char *tok_version(void)
{
    return TRYTOK_VERSION;
}
