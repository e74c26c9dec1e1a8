#include "program.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *on_realloc(void *context, void *pointer, size_t old_bytes, size_t new_bytes)
{
    struct program *program = context;
    if (new_bytes == 0) {
        program->allocated_bytes -= old_bytes;
        free(pointer);
        return NULL;
    }
    program->allocations++;
    if (program->fail_at &&
        (program->fails_from_there_on ? program->allocations >= program->fail_at
                                      : program->allocations == program->fail_at))
        return NULL;
    /* Exactly as large as asked, and always moved, so that sanitizers see wrong uses. */
    void *result = malloc(new_bytes);
    ck_assert_ptr_nonnull(result);
    if (pointer) {
        memcpy(result, pointer, old_bytes < new_bytes ? old_bytes : new_bytes);
        free(pointer);
    }
    program->allocated_bytes += new_bytes - old_bytes;
    return result;
}

static int on_write(void *context, const char *bytes, size_t count)
{
    struct program *program = context;
    program->write_calls++;
    if (program->write_result < 0)
        return program->write_result;
    program->output = realloc(program->output, program->output_bytes + count + 1);
    ck_assert_ptr_nonnull(program->output);
    memcpy(program->output + program->output_bytes, bytes, count);
    program->output_bytes += count;
    program->output[program->output_bytes] = '\0';
    if (program->interrupt_at_write == program->write_calls)
        tok_interrupt(program->vm);
    return 0;
}

static ptrdiff_t on_read(void *context, char *buffer, size_t size)
{
    struct program *program = context;
    if (program->read_failure)
        return program->read_failure;
    if (!program->input)
        return 0;
    size_t rest = strlen(program->input) - program->input_at;
    size_t count = rest < size ? rest : size;
    if (program->input_piece && count > program->input_piece)
        count = program->input_piece;
    memcpy(buffer, program->input + program->input_at, count);
    program->input_at += count;
    return (ptrdiff_t)count;
}

static void on_report(void *context, const struct tok_diagnostic *diagnostic)
{
    struct program *program = context;
    ck_assert_uint_lt(program->diagnostic_count, PROGRAM_DIAGNOSTICS_MAX);
    struct program_diagnostic *copy = &program->diagnostics[program->diagnostic_count++];
    *copy = (struct program_diagnostic){
        .line = diagnostic->line,
        .column = diagnostic->column,
        .length = diagnostic->length,
        .trace_count = diagnostic->trace_count,
        .trace_omitted = diagnostic->trace_omitted,
        .output_bytes_before = program->output_bytes,
    };
    if (diagnostic->trace_count > 0) {
        copy->trace_first_line = diagnostic->trace[0].line;
        copy->trace_last_line = diagnostic->trace[diagnostic->trace_count - 1].line;
    }
    strncpy(copy->message, diagnostic->message, sizeof(copy->message) - 1);
    strncpy(copy->text, diagnostic->text, sizeof(copy->text) - 1);
}

void program_init(struct program *program)
{
    *program = (struct program){.verdict = TOK_VERDICT_COUNT};
    program->config = (struct tok_config){.context = program,
                                          .realloc = on_realloc,
                                          .write = on_write,
                                          .read = on_read,
                                          .report = on_report,
                                          .hash_seed = 42};
    program->output = calloc(1, 1);
    program->diagnostics = calloc(PROGRAM_DIAGNOSTICS_MAX, sizeof(*program->diagnostics));
    ck_assert_ptr_nonnull(program->output);
    ck_assert_ptr_nonnull(program->diagnostics);
}

int program_start(struct program *program)
{
    return tok_vm_create(&program->config, &program->vm);
}

enum tok_verdict program_run_bytes(struct program *program, const char *source, size_t bytes)
{
    /* A copy that ends where the source ends, so that reading past it is seen. */
    char *copy = malloc(bytes ? bytes : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, source, bytes);
    program->verdict = tok_run(program->vm, copy, bytes);
    free(copy);
    tok_get_usage(program->vm, &program->usage);
    return program->verdict;
}

enum tok_verdict program_run(struct program *program, const char *source)
{
    if (!program->vm)
        ck_assert_int_eq(program_start(program), 0);
    return program_run_bytes(program, source, strlen(source));
}

void program_done(struct program *program)
{
    if (program->vm) {
        struct tok_usage usage;
        tok_get_usage(program->vm, &usage);
        ck_assert_uint_eq(usage.memory_now_bytes, program->allocated_bytes);
    }
    tok_vm_free(program->vm);
    ck_assert_uint_eq(program->allocated_bytes, 0);
    free(program->output);
    free(program->diagnostics);
}

void program_expect(const char *source, enum tok_verdict verdict, const char *output)
{
    struct program program;
    program_init(&program);
    program_run(&program, source);
    ck_assert_str_eq(program.output, output);
    ck_assert_str_eq(tok_verdict_name(program.verdict), tok_verdict_name(verdict));
    program_done(&program);
}

void program_expect_error(const char *source, const char *message, uint32_t line)
{
    struct program program;
    program_init(&program);
    program_run(&program, source);
    ck_assert_int_eq(program.verdict, TOK_RUNTIME_ERROR);
    ck_assert_uint_eq(program.diagnostic_count, 1);
    ck_assert_str_eq(program.diagnostics[0].message, message);
    ck_assert_uint_eq(program.diagnostics[0].line, line);
    program_done(&program);
}

char *program_repeat(const char *before, const char *text, size_t count, const char *after)
{
    size_t text_bytes = strlen(text);
    size_t before_bytes = strlen(before);
    size_t after_bytes = strlen(after);
    char *result = malloc(before_bytes + text_bytes * count + after_bytes + 1);
    ck_assert_ptr_nonnull(result);
    memcpy(result, before, before_bytes);
    for (size_t i = 0; i < count; i++)
        memcpy(result + before_bytes + i * text_bytes, text, text_bytes);
    memcpy(result + before_bytes + count * text_bytes, after, after_bytes + 1);
    return result;
}
