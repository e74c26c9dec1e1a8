/*
 * trytok-runner - the program that runs one Tok program and ends.
 *
 * Theory of operation: a spawner starts it with its one stream as file descriptor 0, in namespaces
 * and a cgroup of its own. It confines itself (sandbox/confine.h), says so (HELLO, ARMED in one
 * write), waits for START and a program, runs it (serve.h), and exits: 0 when it answered, 71 when
 * it is at fault itself. It links musl, for its short way to main(): see bench/runner.
 */
#include <stdio.h> /* for the types of __assert_fail alone */
#include <string.h>
#include <sys/auxv.h>

#include "build_id.h"
#include "confine.h"
#include "serve.h"
#include "tick.h"

enum { EXIT_OURS = 71, EXIT_USAGE = 64, STREAM_FD = 0 };

static const char help[] =
    "trytok-runner runs one Tok program for trytok-executor, which starts it.\n"
    "\n"
    "Usage: trytok-runner ADDRESS_SPACE_BYTES CPU_SECONDS    (its stream is file descriptor 0)\n"
    "       trytok-runner --help | --version\n";

static struct stream stream; /* touched page by page as it fills */

/* In place of the C library's, whose abort() is a forbidden system call: an assertion that fails is
 * our own fault and must not look like an attack. */
_Noreturn void __assert_fail(const char *condition, const char *file, int line,
                             const char *function); /* NOLINT(bugprone-reserved-identifier) */
_Noreturn void __assert_fail(const char *condition UNUSED, const char *file UNUSED, int line UNUSED,
                             const char *function UNUSED)
{
    _exit(EXIT_OURS);
}

/* Decimal digits only, 1 … UINT64_MAX / 10. */
static int parse_number(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (*text == '\0')
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || number > UINT64_MAX / 100)
            return -EINVAL;
        number = number * 10 + (uint64_t)(*text - '0');
    }
    if (number == 0)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

static int print_and_exit_code(const char *text, int fd, int exit_code)
{
    ssize_t count = write(fd, text, strlen(text));
    return count < 0 ? EXIT_OURS : exit_code;
}

/* The kernel puts 16 random bytes into every new process. The C library takes the first half for
 * its stack protector; the second is ours, and is wiped. */
static uint64_t take_hash_seed(void)
{
    /* An address that the kernel hands over as a number. */
    char *random = (char *)getauxval(AT_RANDOM); /* NOLINT(performance-no-int-to-ptr) */
    uint64_t seed = 0;
    memcpy(&seed, random + 8, sizeof(seed));
    memset(random + 8, 0, sizeof(seed));
    __asm__ volatile("" : : "r"(random) : "memory"); /* the wiping is not dead code */
    return seed;
}

static int say_armed(const struct confine_report *report)
{
    const struct frame_hello hello = {.build = TRYTOK_BUILD_ID};
    const struct frame_armed armed = {
        .layers = report->layers,
        .landlock_abi = report->landlock_abi,
    };
    uint8_t *space = NULL;
    int r = stream_reserve(&stream, 2 * FRAME_FIXED_MAX, &space);
    if (r < 0)
        return r;
    size_t count = frame_encode_hello(space, &hello);
    count += frame_encode_armed(space + count, &armed);
    stream_commit(&stream, count);
    return stream_flush(&stream);
}

static int run(const struct confine_config *config)
{
    struct confine_report report;
    uint64_t hash_seed = take_hash_seed();
    int r = tick_prepare();
    if (r < 0)
        return r;
    confine_self(config, &report);

    stream_init(&stream, STREAM_FD);
    r = say_armed(&report);
    return r < 0 ? r : serve_one(&stream, hash_seed);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return print_and_exit_code(help, STDOUT_FILENO, 0);
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return print_and_exit_code("trytok-runner " TRYTOK_VERSION "\n", STDOUT_FILENO, 0);

    struct confine_config config = {.stream_fd = STREAM_FD};
    if (argc != 3 || parse_number(argv[1], &config.address_space_bytes) < 0 ||
        parse_number(argv[2], &config.cpu_seconds) < 0)
        return print_and_exit_code(help, STDERR_FILENO, EXIT_USAGE);

    /* Straight to the kernel: there is nothing to flush or to run at exit. */
    _exit(run(&config) < 0 ? EXIT_OURS : 0);
}
