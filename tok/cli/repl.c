/*
 * tok-repl - interactive Tok: line editing, history, globals that stay.
 *
 * What is not complete yet (an open block, bracket or string) goes on in the next line; an empty line
 * ends it. An expression without `;` shows its value. Ctrl-C ends what is running, Ctrl-D leaves.
 */
#include <editline/readline.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

static const char help[] = "Usage: tok-repl\n"
                           "Reads Tok line by line and runs it. Globals stay.\n"
                           "An expression without ';' shows its value. Ctrl-D leaves.\n"
                           "      --help       show this\n"
                           "      --version    show the version\n";

enum { HISTORY_MAX = 1000 };

static struct tok_vm *running; /* for the signal handler; NULL: nothing runs */

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    if (running)
        tok_interrupt(running);
}

/* The lines that belong together so far. */
struct entry {
    char *text; /* owned, NUL-terminated; NULL: none */
    size_t bytes;
};

static bool entry_add(struct entry *entry, const char *line)
{
    size_t length = strlen(line);
    char *text = realloc(entry->text, entry->bytes + length + 2);
    if (!text)
        return false;
    memcpy(text + entry->bytes, line, length);
    text[entry->bytes + length] = '\n';
    text[entry->bytes + length + 1] = '\0';
    entry->text = text;
    entry->bytes += length + 1;
    return true;
}

static void entry_clear(struct entry *entry)
{
    free(entry->text);
    *entry = (struct entry){0};
}

/* Whether it compiles; host->is_incomplete says if more lines could make it. */
static bool is_valid(struct tok_vm *vm, struct host *host, const char *text, size_t bytes)
{
    host->is_silent = true;
    host->is_incomplete = false;
    host->diagnostic_count = 0;
    bool ok = tok_check(vm, text, bytes) == TOK_OK;
    host->is_silent = false;
    host->diagnostic_count = 0;
    return ok;
}

static void execute(struct tok_vm *vm, struct host *host, const char *text, size_t bytes)
{
    host->source = text;
    host->source_bytes = bytes;
    running = vm;
    enum tok_verdict verdict = tok_run(vm, text, bytes);
    running = NULL;
    if (verdict != TOK_OK && host->diagnostic_count == 0)
        fprintf(stderr, "tok: %s\n", tok_verdict_name(verdict));
    host->source = NULL;
    host->source_bytes = 0;
}

/* Runs the entry if it is complete or `is_last`; then it is cleared. */
static void try_entry(struct tok_vm *vm, struct host *host, struct entry *entry, bool is_last)
{
    if (is_valid(vm, host, entry->text, entry->bytes)) {
        execute(vm, host, entry->text, entry->bytes);
        entry_clear(entry);
        return;
    }
    bool is_incomplete = host->is_incomplete;
    char *print = NULL;
    int length = asprintf(&print, "print %.*s;", (int)(entry->bytes - 1), entry->text);
    if (length > 0 && is_valid(vm, host, print, (size_t)length)) {
        execute(vm, host, print, (size_t)length);
        entry_clear(entry);
    } else if (is_last || !is_incomplete) {
        execute(vm, host, entry->text, entry->bytes); /* for its errors */
        entry_clear(entry);
    }
    if (length >= 0)
        free(print);
}

static char *read_line(bool is_interactive, bool is_continued)
{
    if (is_interactive)
        return readline(is_continued ? "... " : "> ");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = getline(&line, &capacity, stdin);
    if (length < 0) {
        free(line);
        return NULL;
    }
    if (length > 0 && line[length - 1] == '\n')
        line[length - 1] = '\0';
    return line;
}

static void loop(struct tok_vm *vm, struct host *host, bool is_interactive)
{
    struct entry entry = {0};
    for (;;) {
        char *line = read_line(is_interactive, entry.bytes > 0);
        if (!line)
            break;
        bool is_empty = line[strspn(line, " \t\r")] == '\0';
        if (is_interactive && !is_empty)
            add_history(line);
        if (entry.bytes + strlen(line) < INT_MAX / 2 && (entry.bytes > 0 || !is_empty) &&
            entry_add(&entry, line))
            try_entry(vm, host, &entry, is_empty);
        free(line);
    }
    if (entry.bytes > 0)
        try_entry(vm, host, &entry, true);
    entry_clear(&entry);
}

static void history_path(char *path, size_t size)
{
    const char *home = getenv("HOME");
    path[0] = '\0';
    if (home && snprintf(path, size, "%s/.tok_history", home) >= (int)size)
        path[0] = '\0';
}

static int repl(void)
{
    bool is_interactive = isatty(STDIN_FILENO);
    struct host host;
    struct tok_config config;
    struct tok_vm *vm;
    host_init(&host, &config);
    if (tok_vm_create(&config, &vm) < 0) {
        fputs("tok-repl: out of memory\n", stderr);
        return tok_verdict_exit_code(TOK_MEMORY_LIMIT);
    }
    char path[PATH_MAX];
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    if (is_interactive) {
        sigaction(SIGINT, &action, NULL);
        printf("Tok %s. Ctrl-D leaves.\n", tok_version());
        history_path(path, sizeof(path));
        using_history();
        stifle_history(HISTORY_MAX);
        if (path[0])
            read_history(path);
    }
    loop(vm, &host, is_interactive);
    if (is_interactive) {
        putchar('\n');
        if (path[0])
            write_history(path);
    }
    tok_vm_free(vm);
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 1)
        return repl();
    if (strcmp(arguments[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (strcmp(arguments[1], "--version") == 0) {
        printf("tok-repl %s\n", tok_version());
        return 0;
    }
    fprintf(stderr, "tok-repl: unknown argument: %s\nTry 'tok-repl --help'.\n", arguments[1]);
    return EXIT_USAGE;
}
