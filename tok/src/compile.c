#include "compile.h"

#include "emit.h"
#include "memory.h"
#include "parse.h"

enum { ROOTS_MIN = 64 };

_Noreturn void tok_compile_fail(struct compiler *compiler)
{
    longjmp(compiler->out, 1);
}

void *tok_compile_get(struct compiler *compiler, size_t bytes)
{
    void *result = tok_arena_get(compiler->vm, &compiler->arena, bytes);
    if (!result)
        tok_compile_fail(compiler);
    return result;
}

void tok_compile_root(struct compiler *compiler, void *object)
{
    if (!object)
        tok_compile_fail(compiler);
    if (compiler->root_count == compiler->root_capacity) {
        uint32_t capacity = compiler->root_capacity ? compiler->root_capacity * 2 : ROOTS_MIN;
        struct object **roots =
            tok_memory_resize(compiler->vm, compiler->roots,
                              compiler->root_capacity * sizeof(*roots), capacity * sizeof(*roots));
        if (!roots)
            tok_compile_fail(compiler);
        compiler->roots = roots;
        compiler->root_capacity = capacity;
    }
    compiler->roots[compiler->root_count++] = object;
}

void tok_compile_lexical_error(struct compiler *compiler)
{
    if (!compiler->has_lexical)
        return;
    compiler->has_lexical = false;
    tok_compile_error(compiler, &compiler->lexical, compiler->lexical.message);
}

void tok_compile_error(struct compiler *compiler, const struct token *token, enum message message)
{
    if (token->start >= compiler->lexical.start)
        tok_compile_lexical_error(compiler);
    if (compiler->panic || compiler->is_over)
        return;
    compiler->panic = true;
    compiler->had_error = true;
    compiler->error_at = token->start;
    struct lexeme lexeme = {.is_end = token->type == TOKEN_END};
    if (token->type != TOKEN_ERROR) {
        lexeme.bytes = token->start;
        lexeme.length = token->place.length;
    }
    tok_report_compile_error(compiler->vm, &token->place, &lexeme, message);
}

void tok_compile_error_at(struct compiler *compiler, const struct place *place,
                          enum message message)
{
    if (compiler->had_error)
        return;
    compiler->had_error = true;
    tok_report_compile_error(compiler->vm, place, &(struct lexeme){0}, message);
}

static struct proto *compile_all(struct compiler *compiler)
{
    struct function script = {.kind = FUNCTION_SCRIPT};
    script.self = tok_arena_get(compiler->vm, &compiler->script_arena, sizeof(*script.self));
    if (!script.self)
        tok_compile_fail(compiler);
    compiler->function = &script;
    tok_emit_begin(compiler, &script);
    tok_parse_advance(compiler);
    while (compiler->current.type != TOKEN_END) {
        struct stmt *stmt = tok_parse_declaration(compiler);
        if (!compiler->had_error)
            tok_emit_declaration(compiler, stmt);
        tok_arena_reset(compiler->vm, &compiler->arena);
    }
    tok_compile_lexical_error(compiler);
    if (compiler->had_error) {
        tok_emit_abandon(compiler);
        return NULL;
    }
    return tok_emit_end(compiler);
}

/* On its own, so that no variable of the caller lives across setjmp(). */
static struct proto *compile_guarded(struct compiler *compiler)
{
    if (setjmp(compiler->out)) {
        tok_emit_abandon(compiler);
        tok_vm_stop(compiler->vm, TOK_MEMORY_LIMIT);
        return NULL;
    }
    return compile_all(compiler);
}

struct proto *tok_compile(struct tok_vm *vm, const char *source, size_t bytes)
{
    if (bytes > TOK_SOURCE_MAX) {
        struct place place = {.line = 1, .column = 1};
        tok_report_compile_error(vm, &place, &(struct lexeme){0}, MESSAGE_TOO_LONG);
        tok_vm_stop(vm, TOK_COMPILE_ERROR);
        return NULL;
    }
    struct compiler compiler = {.vm = vm};
    tok_scanner_init(&compiler.scanner, source, bytes);
    vm->compiler = &compiler;
    struct proto *script = compile_guarded(&compiler);
    vm->compiler = NULL;
    tok_arena_done(vm, &compiler.arena);
    tok_arena_done(vm, &compiler.script_arena);
    tok_memory_free(vm, compiler.roots, compiler.root_capacity * sizeof(*compiler.roots));
    if (script)
        vm->keep[0] = value_object(script);
    else if (vm->verdict == TOK_OK)
        tok_vm_stop(vm, TOK_COMPILE_ERROR);
    return script;
}
