/*
 * tok-repl - interactive Tok: line editing, history, globals that stay.
 *
 * What is not complete yet (an open block, bracket or string) goes on in the next line; an empty line
 * ends it. An expression without `;` shows its value. Ctrl-C ends what is running or drops what was
 * typed, Ctrl-D leaves. input() takes the next line. Without a terminal there are no prompts, and the
 * exit status is that of the last entry.
 */
#include <editline/readline.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

static const char help[] =
    "Usage: tok-repl\n"
    "Reads Tok line by line and runs it. Globals stay.\n"
    "An expression without ';' shows its value. An open block or bracket goes on\n"
    "in the next line; an empty line ends it. Ctrl-C ends what runs or drops\n"
    "what was typed, Ctrl-D leaves. History: ~/.tok_history\n"
    "Without a terminal the exit status is that of the last entry.\n"
    "      --help       show this\n"
    "      --version    show the version\n";

enum { HISTORY_MAX = 1000 };

static struct tok_vm *running; /* for the signal handler; NULL: nothing runs */
static volatile sig_atomic_t was_interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    was_interrupted = 1;
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

struct session {
    struct tok_vm *vm;
    struct host host;
    struct entry entry;
    bool is_interactive;
    int status; /* of the last entry */
};

/* input(): the next line, through stdin's buffer, because the program's own lines come through it. */
static ptrdiff_t read_input(void *context, char *buffer, size_t size)
{
    (void)context;
    size_t count = 0;
    errno = 0;
    while (count < size && (count == 0 || buffer[count - 1] != '\n')) {
        int byte = getc(stdin);
        if (byte == EOF)
            break;
        buffer[count++] = (char)byte;
    }
    bool has_failed = ferror(stdin) && count == 0;
    clearerr(stdin); /* the end of the input on a terminal is not the end of the session */
    return has_failed ? -errno : (ptrdiff_t)count;
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

/* The exit status that the run would have as a program. */
static int execute(struct tok_vm *vm, struct host *host, const char *text, size_t bytes)
{
    host->source = text;
    host->source_bytes = bytes;
    host->failed = NULL;
    was_interrupted = 0;
    running = vm;
    enum tok_verdict verdict = tok_run(vm, text, bytes);
    running = NULL;
    host->source = NULL;
    host->source_bytes = 0;
    if (was_interrupted && (verdict == TOK_INTERRUPTED || verdict == TOK_HOST_ERROR)) {
        fputs("\ninterrupted\n", stderr);
        return tok_verdict_exit_code(TOK_INTERRUPTED);
    }
    return host_report_end(host, verdict);
}

/* Runs the entry if it is complete or `is_last`; then it is cleared. */
static void try_entry(struct session *session, bool is_last)
{
    struct tok_vm *vm = session->vm;
    struct host *host = &session->host;
    struct entry *entry = &session->entry;
    if (is_valid(vm, host, entry->text, entry->bytes)) {
        session->status = execute(vm, host, entry->text, entry->bytes);
        entry_clear(entry);
        return;
    }
    bool is_incomplete = host->is_incomplete;
    char *print = NULL;
    int length = asprintf(&print, "print %.*s;", (int)(entry->bytes - 1), entry->text);
    if (length > 0 && is_valid(vm, host, print, (size_t)length)) {
        session->status = execute(vm, host, print, (size_t)length);
        entry_clear(entry);
    } else if (is_last || !is_incomplete) {
        session->status = execute(vm, host, entry->text, entry->bytes); /* for its errors */
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

static void take_line(struct session *session, const char *line)
{
    struct entry *entry = &session->entry;
    size_t length = strlen(line);
    bool is_empty = line[strspn(line, " \t\r")] == '\0';
    if (session->is_interactive && !is_empty)
        add_history(line);
    if (is_empty && entry->bytes == 0)
        return;
    if (length < INT_MAX / 2 - entry->bytes && entry_add(entry, line)) {
        try_entry(session, is_empty);
        return;
    }
    fputs("tok-repl: too long\n", stderr);
    session->status = tok_verdict_exit_code(TOK_MEMORY_LIMIT);
    entry_clear(entry);
}

static void loop(struct session *session)
{
    for (;;) {
        was_interrupted = 0;
        char *line = read_line(session->is_interactive, session->entry.bytes > 0);
        if (line) {
            take_line(session, line);
            free(line);
        } else if (was_interrupted) { /* Ctrl-C at the prompt, not the end of the input */
            putchar('\n');
            clearerr(stdin);
            entry_clear(&session->entry);
        } else {
            break;
        }
    }
    if (session->entry.bytes > 0)
        try_entry(session, true);
    entry_clear(&session->entry);
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
    struct session session = {.is_interactive = isatty(STDIN_FILENO)};
    struct tok_config config;
    host_init(&session.host, &config);
    config.read = read_input;
    if (tok_vm_create(&config, &session.vm) < 0) {
        fputs("tok-repl: out of memory\n", stderr);
        return tok_verdict_exit_code(TOK_MEMORY_LIMIT);
    }
    char path[PATH_MAX] = "";
    if (session.is_interactive) {
        struct sigaction action = {.sa_handler = on_interrupt}; /* interrupts a read, too */
        sigaction(SIGINT, &action, NULL);
        printf("Tok %s. Ctrl-D leaves.\n", tok_version());
        history_path(path, sizeof(path));
        using_history();
        stifle_history(HISTORY_MAX);
        if (path[0])
            read_history(path);
    }
    loop(&session);
    if (session.is_interactive) {
        putchar('\n');
        if (path[0])
            write_history(path);
    }
    tok_vm_free(session.vm);
    return session.is_interactive ? 0 : session.status;
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
