/*
 * tok - runs, checks or disassembles a program. Without arguments: the interactive tok-repl.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

static const char help[] =
    "Usage: tok [OPTION]... FILE           run a program; - is standard input\n"
    "       tok [OPTION]... check FILE     report its errors, run nothing\n"
    "       tok [OPTION]... disasm FILE    show its bytecode\n"
    "       tok                            interactive (tok-repl)\n"
    "\n"
    "A program reads standard input with input(). Sizes may end in K, M or G; 0 means no limit.\n"
    "      --steps N        end after N calls and loop turns\n"
    "      --memory BYTES   end when it needs more than that\n"
    "      --output BYTES   end when it has printed that much\n"
    "      --call-depth N   calls inside each other; 0: the default, 10000\n"
    "      --nesting N      of expressions and blocks; 0: the default, 256\n"
    "      --usage          say on standard error what it took\n"
    "      --help           show this\n"
    "      --version        show the version\n"
    "\n"
    "Exit status: 0 ok, 64 wrong usage, 65 compile error, 70 runtime error, 74 FILE, input or\n"
    "output cannot be used, 125 step limit, 137 memory limit, 141 output limit.\n";

enum mode { MODE_RUN, MODE_CHECK, MODE_DISASSEMBLE };

struct options {
    struct tok_limits limits;
    enum mode mode;
    const char *path; /* NULL: none was given */
    bool has_mode;    /* the first word was seen */
    bool shows_usage;
};

static const char try_help[] = "Try 'tok --help'.\n";

static int usage_error(const char *text, const char *argument)
{
    fprintf(stderr, "tok: %s%s%s\n%s", text, argument ? ": " : "", argument ? argument : "",
            try_help);
    return EXIT_USAGE;
}

/* A number with an optional unit; false if it is none or does not fit. */
static bool parse_size(const char *text, uint64_t *ret_size)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno || end == text || *text < '0' || *text > '9')
        return false;
    uint64_t unit = 1;
    if (*end == 'K')
        unit = UINT64_C(1) << 10;
    else if (*end == 'M')
        unit = UINT64_C(1) << 20;
    else if (*end == 'G')
        unit = UINT64_C(1) << 30;
    end += unit > 1;
    return *end == '\0' && !__builtin_mul_overflow(number, unit, ret_size);
}

static bool parse_count(const char *text, uint32_t *ret_count)
{
    uint64_t size;
    if (!parse_size(text, &size) || size > UINT32_MAX)
        return false;
    *ret_count = (uint32_t)size;
    return true;
}

/* Which limit the first `length` bytes of an argument name; NULL: none. */
static const char *find_limit(const char *argument, size_t length)
{
    static const char *const names[] = {"--steps", "--memory", "--output", "--call-depth",
                                        "--nesting"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strlen(names[i]) == length && memcmp(names[i], argument, length) == 0)
            return names[i];
    }
    return NULL;
}

/* -1, or the exit status of a usage error. `value` is NULL when nothing follows. */
static int set_limit(struct tok_limits *limits, const char *name, const char *value)
{
    if (!value)
        return usage_error("a number is missing after", name);
    bool ok;
    if (strcmp(name, "--steps") == 0)
        ok = parse_size(value, &limits->steps);
    else if (strcmp(name, "--memory") == 0)
        ok = parse_size(value, &limits->memory_bytes);
    else if (strcmp(name, "--output") == 0)
        ok = parse_size(value, &limits->output_bytes);
    else if (strcmp(name, "--call-depth") == 0)
        ok = parse_count(value, &limits->call_depth);
    else
        ok = parse_count(value, &limits->nesting);
    if (ok)
        return -1;
    fprintf(stderr, "tok: %s: '%s' is not a number as 4096, 64K or 1M, or too large\n%s", name,
            value, try_help);
    return EXIT_USAGE;
}

/* The first word that is no option: what to do, or the file to do it with. -1, or an exit status. */
static int take_word(struct options *options, const char *word)
{
    if (options->path)
        return usage_error("more than one file", word);
    if (!options->has_mode && strcmp(word, "check") == 0)
        options->mode = MODE_CHECK;
    else if (!options->has_mode && strcmp(word, "disasm") == 0)
        options->mode = MODE_DISASSEMBLE;
    else
        options->path = word;
    options->has_mode = true;
    return -1;
}

/* -1: go on; else the exit status. */
static int parse_options(int count, char **arguments, struct options *options)
{
    int status = -1;
    for (int i = 1; i < count && status < 0; i++) {
        const char *argument = arguments[i];
        const char *limit = find_limit(argument, strcspn(argument, "="));
        if (strcmp(argument, "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (strcmp(argument, "--version") == 0) {
            printf("tok %s\n", tok_version());
            return 0;
        }
        if (limit && argument[strlen(limit)] == '=')
            status = set_limit(&options->limits, limit, argument + strlen(limit) + 1);
        else if (limit)
            status = set_limit(&options->limits, limit, ++i < count ? arguments[i] : NULL);
        else if (strcmp(argument, "--usage") == 0)
            options->shows_usage = true;
        else if (argument[0] == '-' && argument[1] != '\0')
            return usage_error("unknown option", argument);
        else
            status = take_word(options, argument);
    }
    if (status >= 0)
        return status;
    return options->path ? -1 : usage_error("which file?", NULL);
}

/* Beside this program, so that it works from a build tree too; then in the PATH. */
static int run_repl(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
    if (length > 0 && (size_t)length + sizeof("-repl") <= sizeof(path)) {
        memcpy(path + length, "-repl", sizeof("-repl"));
        execl(path, "tok-repl", (char *)NULL);
    }
    execlp("tok-repl", "tok-repl", (char *)NULL);
    fprintf(stderr, "tok: cannot start tok-repl: %m\n");
    return EXIT_IO;
}

static void print_usage(const struct tok_vm *vm)
{
    struct tok_usage usage;
    tok_get_usage(vm, &usage);
    fprintf(stderr,
            "steps %" PRIu64 ", memory %" PRIu64 " bytes at most, output %" PRIu64
            " bytes, collections %" PRIu64 "\n",
            usage.steps, usage.memory_peak_bytes, usage.output_bytes, usage.collections);
}

static enum tok_verdict run_mode(struct tok_vm *vm, enum mode mode, const struct host *host)
{
    switch (mode) {
    case MODE_CHECK:
        return tok_check(vm, host->source, host->source_bytes);
    case MODE_DISASSEMBLE:
        return tok_disassemble(vm, host->source, host->source_bytes);
    case MODE_RUN:
        break;
    }
    return tok_run(vm, host->source, host->source_bytes);
}

static int run(const struct options *options)
{
    struct host host;
    struct tok_config config;
    host_init(&host, &config);
    config.limits = options->limits;
    char *source = host_read_file(options->path, &host.source_bytes);
    if (!source) {
        fprintf(stderr, "tok: cannot read '%s': %m\n", options->path);
        return EXIT_IO;
    }
    host.source = source;
    struct tok_vm *vm;
    int r = tok_vm_create(&config, &vm);
    enum tok_verdict verdict = TOK_MEMORY_LIMIT;
    if (r == 0) {
        verdict = run_mode(vm, options->mode, &host);
        if (options->shows_usage)
            print_usage(vm);
        tok_vm_free(vm);
    }
    free(source);
    return host_report_end(&host, verdict);
}

int main(int count, char **arguments)
{
    if (count == 1)
        return run_repl();
    struct options options = {0};
    int status = parse_options(count, arguments, &options);
    return status >= 0 ? status : run(&options);
}
