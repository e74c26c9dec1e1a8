/*
 * tok - the Tok language as a library: compile and run programs inside the caller's process.
 *
 * A host makes a VM with its limits and callbacks, gives it a program, and gets back a verdict.
 * The library prints nothing, opens nothing, never exits, and keeps all of its state in the VM.
 *
 * Threads: a VM belongs to one thread at a time; different VMs are independent. tok_interrupt()
 *          alone may be called from anywhere, also from a signal handler.
 * Memory:  all memory of a VM comes from tok_config.realloc and is counted against
 *          tok_limits.memory_bytes. The config is copied; strings given to callbacks are borrowed
 *          until the callback returns.
 * Errors:  what a *program* does is an enum tok_verdict. What a *caller* does wrong is -errno.
 */
#ifndef TOK_TOK_H
#define TOK_TOK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOK_EXPORT __attribute__((visibility("default")))
#define TOK_MUST_CHECK __attribute__((warn_unused_result))

/* Rows: TOK_VERDICT(name, "text", exit code). What became of a program. */
#define TOK_VERDICTS(TOK_VERDICT)                                                                  \
    TOK_VERDICT(OK, "ok", 0)                                                                       \
    TOK_VERDICT(COMPILE_ERROR, "compile_error", 65)                                                \
    TOK_VERDICT(RUNTIME_ERROR, "runtime_error", 70)                                                \
    TOK_VERDICT(STEP_LIMIT, "step_limit", 125)                                                     \
    TOK_VERDICT(MEMORY_LIMIT, "memory_limit", 137)                                                 \
    TOK_VERDICT(OUTPUT_LIMIT, "output_limit", 141)                                                 \
    TOK_VERDICT(INTERRUPTED, "time_limit", 124)   /* tok_interrupt() was called */                 \
    TOK_VERDICT(HOST_ERROR, "internal_error", 71) /* a callback of the host failed */

enum tok_verdict {
#define TOK_VERDICT(name, text, exit_code) TOK_##name,
    TOK_VERDICTS(TOK_VERDICT)
#undef TOK_VERDICT
        TOK_VERDICT_COUNT
};

enum tok_severity { TOK_ERROR, TOK_WARNING };

/* One line of a call stack. `function` is NULL for the top level ("script"). */
struct tok_trace_line {
    uint32_t line;
    const char *function; /* borrowed, NUL-terminated */
};

enum { TOK_TRACE_LINES_MAX = 64, TOK_DIAGNOSTICS_MAX = 100 };

struct tok_diagnostic {
    enum tok_severity severity;
    uint32_t line;       /* 1-based; counted in LFs */
    uint32_t column;     /* 1-based; in bytes */
    uint32_t length;     /* bytes of offending text; 0 at the end of the program */
    const char *message; /* borrowed, NUL-terminated; no line number, no newline */
    const char *text;    /* borrowed, NUL-terminated; exactly what `tok` prints for it on
                               standard error, trace included, without a final newline and
                               without the source excerpt: "[line 1] Error at ';': ..." */
    const struct tok_trace_line *trace; /* runtime errors: innermost first */
    uint32_t trace_count;   /* at most TOK_TRACE_LINES_MAX: the first 32 and the last 32 */
    uint32_t trace_omitted; /* lines left out between them */
};

/* Limits of one VM. 0 means: no limit of that kind, but for call_depth and nesting (see there). */
struct tok_limits {
    uint64_t memory_bytes; /* everything the VM has allocated at one time */
    uint64_t steps;        /* calls, loop turns, and charges for long operations */
    uint64_t output_bytes; /* printed bytes; what fits is delivered, then the program ends */
    uint32_t call_depth;   /* 0: TOK_CALL_DEPTH_DEFAULT */
    uint32_t nesting;      /* of expressions and blocks; 0: TOK_NESTING_DEFAULT */
};

enum { TOK_CALL_DEPTH_DEFAULT = 10000, TOK_NESTING_DEFAULT = 256 };

struct tok_config {
    void *context; /* borrowed; given to every callback */

    /* Like realloc(3); size 0 frees and returns NULL. old_bytes is what was asked for before (0 for
     * a NULL pointer). NULL here: the C library's realloc and free. */
    void *(*realloc)(void *context, void *pointer, size_t old_bytes, size_t new_bytes);

    /* Takes output, in pieces as the VM's buffer fills or ends. 0, or -errno: HOST_ERROR. Required. */
    int (*write)(void *context, const char *bytes, size_t count);

    /* Gives up to `size` bytes of input; the count, 0 at the end, or -errno: HOST_ERROR.
     * NULL: there is no input. */
    ptrdiff_t (*read)(void *context, char *buffer, size_t size);

    /* Called once for each diagnostic, after all output that came before it was written.
     * NULL: diagnostics are dropped. */
    void (*report)(void *context, const struct tok_diagnostic *diagnostic);

    /* Processor time used by the program, seconds. NULL: clock() gives 0. */
    double (*clock)(void *context);

    uint64_t hash_seed; /* random in production; never visible to a program */
    struct tok_limits limits;
};

struct tok_usage {
    uint64_t steps;
    uint64_t memory_peak_bytes;
    uint64_t memory_now_bytes;
    uint64_t output_bytes;
    uint64_t collections;
};

struct tok_vm; /* opaque */

/* 0, -EINVAL (no write callback) or -ENOMEM. */
TOK_EXPORT TOK_MUST_CHECK int tok_vm_create(const struct tok_config *config,
                                            struct tok_vm **ret_vm);
TOK_EXPORT void tok_vm_free(struct tok_vm *vm); /* NULL is fine */

/*
 * Compiles and runs a program. The source need not end in NUL and is not kept. Globals, classes and
 * functions stay, so a REPL calls this line by line; an error leaves the VM usable. The budgets
 * (steps, output) belong to the VM, not to one call.
 */
TOK_EXPORT TOK_MUST_CHECK enum tok_verdict tok_run(struct tok_vm *vm, const char *source,
                                                   size_t source_bytes);

/* Compiles and runs nothing: OK, COMPILE_ERROR or MEMORY_LIMIT. */
TOK_EXPORT TOK_MUST_CHECK enum tok_verdict tok_check(struct tok_vm *vm, const char *source,
                                                     size_t source_bytes);

/* Compiles and writes the bytecode as text through the write callback. */
TOK_EXPORT TOK_MUST_CHECK enum tok_verdict tok_disassemble(struct tok_vm *vm, const char *source,
                                                           size_t source_bytes);

/* Ends the running program at its next call, loop turn or slice of a long operation, with
 * TOK_INTERRUPTED. Async-signal-safe, any thread. Holds until the next tok_run() begins to return. */
TOK_EXPORT void tok_interrupt(struct tok_vm *vm);

TOK_EXPORT void tok_get_usage(const struct tok_vm *vm, struct tok_usage *ret_usage);

TOK_EXPORT const char *tok_verdict_name(enum tok_verdict verdict); /* "ok", "compile_error", ... */
TOK_EXPORT int tok_verdict_exit_code(enum tok_verdict verdict);
TOK_EXPORT const char *tok_version(void);

#ifdef __cplusplus
}
#endif

#endif
