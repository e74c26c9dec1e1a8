/*
 * Runs Tok programs while memory runs out: the n-th allocation fails, once and then for ever after,
 * for n = 1, 2, ... to the program's end. It must never crash, leak, or end in a wrong way: only as
 * the undisturbed run ends, byte for byte, or with memory_limit and the beginning of its output.
 *
 *   torture [--points N] [--jobs N] [--at N] [--show] FILE-OR-FOLDER...
 *     --points N  try at most N allocations of a program, spread over all of them (default: 400)
 *     --jobs N    programs at a time (default: 2)
 *     --at N      try allocation N alone, in this process: for a debugger
 *     --show      print each program's number of points
 *
 * Each program has a process of its own, so that a crash is told with the allocation that led to it.
 */
#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victim.h"

enum { POINTS_DEFAULT = 400, JOBS_DEFAULT = 2, JOBS_MAX = 64, PATHS_MAX = 100000 };
enum { POINTS_MIN = 4, WORK_MAX = 8 * 1000 * 1000 }; /* of steps and bytes of source */
enum { EXIT_COMPLAINT = 3 };

/* Where a process is, for its parent to read after its death. */
struct progress {
    pid_t pid; /* 0: free */
    const char *path;
    uint64_t points;
    uint64_t at;
    bool for_ever;
    char complaint[256];
};

struct options {
    uint64_t points;
    uint64_t only;
    int jobs;
    bool show;
};

static char *read_file(const char *path, size_t *ret_bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *bytes = NULL;
    size_t count = 0;
    for (;;) {
        enum { PIECE = 64 * 1024 };
        char *larger = realloc(bytes, count + PIECE);
        if (!larger)
            abort();
        bytes = larger;
        size_t got = fread(bytes + count, 1, PIECE, file);
        count += got;
        if (got == 0)
            break;
    }
    fclose(file);
    *ret_bytes = count;
    return bytes;
}

static void complain(struct progress *progress, const char *what)
{
    if (progress->complaint[0] == '\0')
        snprintf(progress->complaint, sizeof(progress->complaint), "%s", what);
}

/* The end of a disturbed run must be the true one or memory_limit on the way there. */
static const char *compare(const struct outcome *truth, const struct outcome *found)
{
    if (found->leaked_bytes != 0)
        return "memory was not given back, or counted wrong";
    if (found->verdict != TOK_MEMORY_LIMIT) {
        if (found->verdict != truth->verdict)
            return tok_verdict_name(found->verdict);
        if (found->steps != truth->steps)
            return "another count of steps";
        if (found->output.count != truth->output.count ||
            found->reports.count != truth->reports.count)
            return "the right verdict without all that belongs to it";
    }
    if (found->output.count > truth->output.count ||
        memcmp(found->output.bytes, truth->output.bytes, found->output.count) != 0)
        return "other output";
    if (found->reports.count > truth->reports.count ||
        memcmp(found->reports.bytes, truth->reports.bytes, found->reports.count) != 0)
        return "other diagnostics";
    if (truth->works_after && !found->works_after)
        return "the machine does not work after it";
    return NULL;
}

/* All allocations at first, where the machine and the program are made; then in even steps. */
static uint64_t next_point(uint64_t at, uint64_t total, uint64_t points)
{
    uint64_t dense = points / 2;
    if (at < dense || total <= points)
        return at + 1;
    return at + (total - dense) / (points - dense) + 1;
}

/* Fewer for a program that takes long, by what is the same on every machine. */
static uint64_t points_of(const struct options *options, const struct outcome *truth, size_t bytes)
{
    uint64_t affordable = WORK_MAX / (truth->steps + bytes + 1);
    if (affordable > options->points)
        return options->points;
    return affordable > POINTS_MIN ? affordable : POINTS_MIN;
}

static void torture(const struct options *options, struct progress *progress)
{
    size_t bytes;
    char *source = read_file(progress->path, &bytes);
    if (!source) {
        complain(progress, strerror(errno));
        return;
    }
    struct outcome truth;
    victim_run(source, bytes, 0, false, &truth);
    if (truth.leaked_bytes != 0)
        complain(progress, "it fails undisturbed");

    uint64_t points = points_of(options, &truth, bytes);
    uint64_t first = options->only ? options->only : 1;
    uint64_t last = options->only ? options->only : truth.allocations;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        for (uint64_t at = first; at <= last; at = next_point(at, truth.allocations, points)) {
            progress->at = at;
            progress->for_ever = for_ever;
            struct outcome found;
            victim_run(source, bytes, at, for_ever, &found);
            const char *what = compare(&truth, &found);
            outcome_done(&found);
            progress->points++;
            if (what) {
                complain(progress, what);
                break;
            }
        }
    }
    outcome_done(&truth);
    free(source);
}

/* Waits for a process to end; what it found. */
static int reap(struct progress *table, const struct options *options, uint64_t *points)
{
    int status;
    pid_t pid = wait(&status);
    if (pid < 0)
        abort();
    struct progress *progress = table;
    while (progress->pid != pid)
        progress++;
    *points += progress->points;
    progress->pid = 0;
    if (WIFSIGNALED(status))
        complain(progress, strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        complain(progress, "the process ended, see above");
    if (options->show)
        printf("%6" PRIu64 " %s\n", progress->points, progress->path);
    if (progress->complaint[0] == '\0')
        return 0;
    printf("FAIL %s: allocation %" PRIu64 "%s: %s\n", progress->path, progress->at,
           progress->for_ever ? " and all after it" : "", progress->complaint);
    return 1;
}

static void start(struct progress *progress, const struct options *options, const char *path)
{
    *progress = (struct progress){.path = path};
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        torture(options, progress);
        exit(0);
    }
    progress->pid = pid;
}

static int compare_names(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The programs below the paths, in the same order everywhere. The caller frees none: it exits. */
static size_t find_programs(char **paths, char **ret_found)
{
    size_t count = 0;
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, compare_names);
    if (!tree)
        abort();
    for (FTSENT *entry; (entry = fts_read(tree)) != NULL;) {
        size_t length = strlen(entry->fts_path);
        bool is_program = length > 4 && strcmp(entry->fts_path + length - 4, ".tok") == 0;
        if (entry->fts_info == FTS_F && is_program && count < PATHS_MAX) {
            ret_found[count] = strdup(entry->fts_path);
            if (!ret_found[count++])
                abort();
        }
    }
    fts_close(tree);
    return count;
}

static int torture_all(const struct options *options, char **programs, size_t count)
{
    size_t table_bytes = sizeof(struct progress) * JOBS_MAX;
    struct progress *table =
        mmap(NULL, table_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED)
        abort();
    uint64_t points = 0;
    int failed = 0;
    int running = 0;
    for (size_t i = 0; i < count; i++) {
        if (running == options->jobs) {
            failed += reap(table, options, &points);
            running--;
        }
        struct progress *progress = table;
        while (progress->pid != 0)
            progress++;
        start(progress, options, programs[i]);
        running++;
    }
    for (; running > 0; running--)
        failed += reap(table, options, &points);
    printf("%zu programs, %" PRIu64 " injection points, %d failed\n", count, points, failed);
    return failed > 0 || points == 0;
}

static int torture_here(const struct options *options, const char *path)
{
    struct progress progress = {.path = path};
    torture(options, &progress);
    puts(progress.complaint[0] != '\0' ? progress.complaint : "as it should be");
    return progress.complaint[0] != '\0';
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"points", required_argument, NULL, 'p'},
        {"jobs", required_argument, NULL, 'j'},
        {"at", required_argument, NULL, 'a'},
        {"show", no_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.points = POINTS_DEFAULT, .jobs = JOBS_DEFAULT};
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (name == 'p')
            options.points = strtoull(optarg, NULL, 10);
        else if (name == 'j')
            options.jobs = (int)strtoul(optarg, NULL, 10);
        else if (name == 'a')
            options.only = strtoull(optarg, NULL, 10);
        else if (name == 's')
            options.show = true;
        else
            return EXIT_COMPLAINT;
    }
    if (optind == argc || options.points < 2 || options.jobs < 1 || options.jobs > JOBS_MAX) {
        fputs("usage: torture [--points N] [--jobs N] [--at N] [--show] FILE-OR-FOLDER...\n",
              stderr);
        return EXIT_COMPLAINT;
    }
    if (options.only)
        return torture_here(&options, argv[optind]);
    char **programs = calloc(PATHS_MAX, sizeof(*programs));
    if (!programs)
        abort();
    size_t count = find_programs(argv + optind, programs);
    int result = torture_all(&options, programs, count);
    for (size_t i = 0; i < count; i++)
        free(programs[i]);
    free(programs);
    return result;
}
