#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attacks.h"
#include "frame.h"

enum { STREAM_FD = 0 };

static volatile int for_ever = 1;

static uint8_t bytes[FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX];

/* Until the runner's own first tick has sent STARTED: the run has then begun for its executor, too.
 * Those that do not wait are about what comes before. */
static void wait_until_started(void)
{
    struct timespec start, now;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    do
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 60);
}

static void write_all(const void *from, size_t count)
{
    const uint8_t *at = from;
    while (count > 0) {
        ssize_t part = write(STREAM_FD, at, count);
        if (part < 0)
            _exit(0); /* the executor has had enough */
        at += part;
        count -= (size_t)part;
    }
}

static void write_stdout(size_t count)
{
    memset(bytes + FRAME_HEADER_BYTES, 'x', count);
    frame_encode_header(bytes, FRAME_STDOUT, (uint32_t)count);
    write_all(bytes, FRAME_HEADER_BYTES + count);
}

static void write_result(uint64_t nonce)
{
    const struct frame_result result = {.nonce = nonce, .verdict = VERDICT_OK};
    write_all(bytes, frame_encode_result(bytes, &result));
}

/* Without a system call: not even time passes for the kernel's timers of ours. */
static int attack_spin(void)
{
    while (for_ever)
        continue;
    return 0;
}

/* Reads a byte that nobody sends. */
static int attack_sleep(void)
{
    char byte;
    while (for_ever)
        if (read(STREAM_FD, &byte, 1) == 0)
            _exit(0);
    return 0;
}

static int attack_flood(void)
{
    wait_until_started();
    while (for_ever)
        write_stdout(FRAME_PAYLOAD_MAX);
    return 0;
}

/* A byte each 100 ms of processor time: sleeping is forbidden. */
static int attack_drip(void)
{
    wait_until_started();
    while (for_ever) {
        for (volatile uint64_t i = 0; i < 100000000; i++)
            continue;
        write_stdout(1);
    }
    return 0;
}

static int attack_exit_early(void)
{
    _exit(0);
}

static int attack_exit_ours(void)
{
    _exit(71);
}

static int attack_wrong_nonce(void)
{
    wait_until_started();
    write_result(0x6666666666666666U);
    _exit(0);
}

static int attack_two_results(void)
{
    wait_until_started();
    write_result(0);
    write_result(0);
    _exit(0);
}

static int attack_huge_frame(void)
{
    static const uint8_t header[FRAME_HEADER_BYTES] = {0xff, 0xff,         0xff,
                                                       0xff, FRAME_STDOUT, FRAME_VERSION};
    wait_until_started();
    write_all(header, sizeof(header));
    return attack_sleep();
}

static int attack_garbage(void)
{
    wait_until_started();
    memset(bytes, 0xa5, 4096);
    write_all(bytes, 4096);
    return attack_sleep();
}

/* A header that promises more than ever comes. */
static int attack_half_frame(void)
{
    wait_until_started();
    frame_encode_header(bytes, FRAME_STDOUT, 100);
    write_all(bytes, FRAME_HEADER_BYTES + 50);
    _exit(0);
}

/* Frames that only the other side may send. */
static int attack_foreign_frame(void)
{
    const struct frame_start start = {.mode = FRAME_MODE_RUN};
    wait_until_started();
    write_all(bytes, frame_encode_start(bytes, &start));
    return attack_sleep();
}

static int attack_many_diagnostics(void)
{
    const struct frame_diagnostic diagnostic = {.line = 1, .message = {"m", 1}, .text = {"t", 1}};
    wait_until_started();
    while (for_ever)
        write_all(bytes, frame_encode_diagnostic(bytes, &diagnostic));
    return 0;
}

static int attack_sigsys(void)
{
    return syscall(SYS_getppid) < 0 ? errno : 0;
}

static int attack_sigsys_later(void)
{
    wait_until_started();
    return attack_sigsys();
}

static int attack_exit_later(void)
{
    wait_until_started();
    return attack_exit_early();
}

/* A result before anything else, from a runner that has not said STARTED. */
static int attack_early_result(void)
{
    write_result(0);
    _exit(0);
}

const struct attack attacks_on_executor[] = {
    {"spin", attack_spin},
    {"sleep", attack_sleep},
    {"flood", attack_flood},
    {"drip", attack_drip},
    {"exit_early", attack_exit_early},
    {"exit_ours", attack_exit_ours},
    {"wrong_nonce", attack_wrong_nonce},
    {"two_results", attack_two_results},
    {"huge_frame", attack_huge_frame},
    {"garbage", attack_garbage},
    {"half_frame", attack_half_frame},
    {"foreign_frame", attack_foreign_frame},
    {"many_diagnostics", attack_many_diagnostics},
    {"sigsys", attack_sigsys},
    {"sigsys_later", attack_sigsys_later},
    {"exit_later", attack_exit_later},
    {"early_result", attack_early_result},
    {NULL, NULL},
};
