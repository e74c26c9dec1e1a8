#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

#include "clock.h"
#include "json.h"
#include "log.h"
#include "suite.h"

/* Standard error is one end of a pipe; what was logged is read from the other. */
static int reader = -1;
static int saved_stderr = -1;

static void setup(void)
{
    int ends[2];
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    close_fd(ends[1]);
    reader = ends[0];
    ck_assert_int_eq(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
    log_init("test-program", LOG_LEVEL_INFO);
}

static void teardown(void)
{
    ck_assert_int_ge(dup2(saved_stderr, STDERR_FILENO), 0);
    close_fd(saved_stderr);
    close_fd(reader);
    log_init("", LOG_LEVEL_ERROR);
}

static char lines[1 << 20];

static const char *read_lines(void)
{
    size_t count = 0;
    ssize_t got;
    while ((got = read(reader, lines + count, sizeof(lines) - 1 - count)) > 0)
        count += (size_t)got;
    lines[count] = '\0';
    return lines;
}

static cJSON *parse_line(const char *line, size_t count)
{
    cJSON *tree = NULL;
    struct json_error error;
    int r = json_parse(line, count, &tree, &error);
    ck_assert_msg(r == 0, "%.*s: %s", (int)count, line, error.text);
    return tree;
}

/* The one line that was logged, as JSON. */
static cJSON *read_line(void)
{
    const char *text = read_lines();
    size_t count = strlen(text);
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_le(count, 4096);
    ck_assert_ptr_eq(strchr(text, '\n'), text + count - 1);
    for (size_t i = 0; i + 1 < count; i++)
        ck_assert(text[i] >= 0x20 && text[i] < 0x7F);
    return parse_line(text, count);
}

static const char *field(const cJSON *line, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

START_TEST(an_event_is_one_json_line_with_its_fields)
{
    log_warn("run refused", LOG_STR("request_id", "abc"), LOG_INT("n", -5),
             LOG_UINT("u", UINT64_MAX), LOG_STR("none", NULL), LOG_ERRNO(-ENOENT));
    ck_assert_ptr_nonnull(strstr(read_lines(), "\"u\":18446744073709551615,"));
    log_warn("run refused", LOG_STR("request_id", "abc"), LOG_INT("n", -5), LOG_STR("none", NULL),
             LOG_ERRNO(-ENOENT));
    cJSON *line = read_line();
    ck_assert_uint_eq(strlen(field(line, "time")), 27);
    ck_assert_str_eq(field(line, "level"), "warn");
    ck_assert_str_eq(field(line, "program"), "test-program");
    ck_assert_str_eq(field(line, "event"), "run refused");
    ck_assert_str_eq(field(line, "request_id"), "abc");
    ck_assert_str_eq(field(line, "error"), "ENOENT: No such file or directory");
    ck_assert_double_eq(cJSON_GetObjectItem(line, "n")->valuedouble, -5);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(line, "none")));
    ck_assert_ptr_null(cJSON_GetObjectItem(line, "cut"));
    cJSON_Delete(line);
}
END_TEST

static const struct {
    int64_t error;
    const char *text;
} errors[] = {
    {EACCES, "EACCES: Permission denied"},
    {-EACCES, "EACCES: Permission denied"},
    {0, "0: Success"},
    {100000, "100000"},
    {-100000, "100000"},
    {INT64_MIN, NULL}, /* some number; what counts is that it is harmless */
};

START_TEST(errors_have_names_with_either_sign)
{
    log_info("event", LOG_ERRNO(errors[_i].error));
    cJSON *line = read_line();
    ck_assert_ptr_nonnull(field(line, "error"));
    if (errors[_i].text)
        ck_assert_str_eq(field(line, "error"), errors[_i].text);
    cJSON_Delete(line);
}
END_TEST

START_TEST(lower_levels_are_left_out)
{
    log_debug("hidden");
    ck_assert_str_eq(read_lines(), "");
    log_info("shown");
    ck_assert_ptr_nonnull(strstr(read_lines(), "\"level\":\"info\""));
    log_init("test-program", LOG_LEVEL_ERROR);
    log_warn("hidden");
    ck_assert_str_eq(read_lines(), "");
    log_error("shown");
    ck_assert_ptr_nonnull(strstr(read_lines(), "\"level\":\"error\""));
    log_init("test-program", LOG_LEVEL_DEBUG);
    log_debug("shown");
    ck_assert_ptr_nonnull(strstr(read_lines(), "\"level\":\"debug\""));
}
END_TEST

START_TEST(levels_are_parsed_by_their_names_only)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    enum log_level level = LOG_LEVEL_DEBUG;
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++) {
        ck_assert_int_eq(log_level_parse(names[i], &level), 0);
        ck_assert_uint_eq(level, i);
    }
    ck_assert_int_eq(log_level_parse("", &level), -EINVAL);
    ck_assert_int_eq(log_level_parse("INFO", &level), -EINVAL);
    ck_assert_int_eq(log_level_parse("warning", &level), -EINVAL);
    ck_assert_uint_eq(level, LOG_LEVEL_ERROR);
}
END_TEST

static const struct {
    const char *text;
    const char *written;
} texts[] = {
    {"a\"b\\c", "\"a\\\"b\\\\c\""},
    {"line\nline\r\x1B[31mred\x7F", "\"line\\u000aline\\u000d\\u001b[31mred\\u007f\""},
    {"\xC2\x9B", "\"\\u009b\""},     /* a terminal's other escape */
    {"\xE2\x80\xAE", "\"\\u202e\""}, /* right to left */
    {"\xF0\x9F\x98\x80", "\"\\ud83d\\ude00\""},
    {"a\xFF\xE2\x82", "\"a\\ufffd\\ufffd\""},
    {"", "\"\""},
};

START_TEST(nothing_but_printable_ascii_reaches_the_terminal)
{
    log_info("event", LOG_STR("f", texts[_i].text));
    const char *line = strstr(read_lines(), "\"f\":");
    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(strncmp(line + 4, texts[_i].written, strlen(texts[_i].written)), 0);
    ck_assert_str_eq(line + 4 + strlen(texts[_i].written), "}\n");
}
END_TEST

START_TEST(a_long_text_is_cut_at_512_bytes)
{
    char text[514];
    memset(text, 'x', sizeof(text));
    text[513] = '\0';
    log_info("event", LOG_STR("f", text));
    cJSON *line = read_line();
    ck_assert_uint_eq(strlen(field(line, "f")), 512);
    cJSON_Delete(line);
}
END_TEST

START_TEST(a_line_that_is_too_long_drops_fields_and_says_so)
{
    char text[513];
    memset(text, 1, 512); /* six letters each when escaped: 3072 */
    text[512] = '\0';
    log_info("event", LOG_STR("a", text), LOG_STR("b", text), LOG_STR("c", "short"));
    cJSON *line = read_line();
    ck_assert_uint_eq(strlen(field(line, "a")), 512);
    ck_assert_ptr_null(field(line, "b"));
    ck_assert_str_eq(field(line, "c"), "short"); /* there was room for this one */
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(line, "cut")));
    cJSON_Delete(line);
    log_init(text, LOG_LEVEL_INFO); /* even the head does not fit */
    log_info(text, LOG_STR("a", "b"));
    ck_assert_uint_le(strlen(read_lines()), 4096);
}
END_TEST

START_TEST(lines_of_any_length_are_whole)
{
    char text[513];
    for (size_t a = 0; a <= 512; a += 4) {
        memset(text, 1, a);
        text[a] = '\0';
        log_info("event", LOG_STR("a", text), LOG_STR("b", text), LOG_STR("c", "xyz"));
        cJSON_Delete(read_line());
    }
}
END_TEST

START_TEST(a_full_pipe_drops_lines_and_never_waits)
{
    ck_assert_uint_eq(log_dropped_count(), 0);
    unsigned written = 0;
    uint64_t before = clock_now_ms();
    while (log_dropped_count() < 10) {
        log_info("event",
                 LOG_STR("pad", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
        written++;
        ck_assert_uint_lt(written, 100000);
    }
    ck_assert_uint_lt(clock_now_ms() - before, 10000);
    unsigned read_count = 0;
    const char *at = read_lines();
    for (const char *end; (end = strchr(at, '\n')); at = end + 1, read_count++)
        cJSON_Delete(parse_line(at, (size_t)(end - at)));
    ck_assert_str_eq(at, ""); /* no half line */
    ck_assert_uint_eq(read_count, written - 10);
    log_info("goes on");
    ck_assert_ptr_nonnull(strstr(read_lines(), "goes on"));
}
END_TEST

/* As in a container, where the pipe may belong to another account. */
START_TEST(a_full_pipe_that_cannot_be_opened_again_is_not_waited_for)
{
    ck_assert_int_eq(fchmod(STDERR_FILENO, 0), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    log_init("test-program", LOG_LEVEL_INFO);
    unsigned written = 0;
    while (log_dropped_count() == 0) {
        log_info("event");
        ck_assert_uint_lt(++written, 100000);
    }
    ck_assert_uint_gt(written, 1);
    const char *text = read_lines();
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    /* The leak sanitizer looks into its own process when the test ends. */
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
}
END_TEST

/* Nobody reads the terminal; an errno left over from the caller must not make a loop of it. */
START_TEST(a_full_terminal_is_not_waited_for)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    char name[64];
    ck_assert_int_eq(ptsname_r(master, name, sizeof(name)), 0);
    int terminal = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(terminal, 0);
    ck_assert_int_ge(dup2(terminal, STDERR_FILENO), 0);
    close_fd(terminal);
    ck_assert_int_eq(tcflow(STDERR_FILENO, TCOOFF), 0); /* as Ctrl-S */
    log_init("test-program", LOG_LEVEL_INFO);
    errno = EINTR;
    log_info("event");
    ck_assert_int_eq(errno, EINTR);
    ck_assert_uint_eq(log_dropped_count(), 1);
    close_fd(master);
}
END_TEST

START_TEST(the_shared_open_file_stays_blocking)
{
    log_info("event");
    ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(a_socket_that_is_full_or_gone_is_not_waited_for)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    close_fd(ends[1]);
    log_init("test-program", LOG_LEVEL_INFO);
    unsigned written = 0;
    while (log_dropped_count() == 0) {
        log_info("event");
        ck_assert_uint_lt(++written, 100000);
    }
    ck_assert_uint_gt(written, 1);
    close_fd(ends[0]);
    log_info("event"); /* and no SIGPIPE */
    ck_assert_uint_ge(log_dropped_count(), 2);
}
END_TEST

START_TEST(a_closed_pipe_is_survived_when_sigpipe_is_ignored)
{
    ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    close_fd(TAKE_FD(reader));
    log_info("event");
    ck_assert_uint_eq(log_dropped_count(), 1);
}
END_TEST

START_TEST(a_file_takes_lines)
{
    char path[] = "/tmp/test_log_XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    log_init("test-program", LOG_LEVEL_INFO);
    log_info("first");
    log_info("second");
    close_fd(TAKE_FD(reader));
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    reader = fd;
    const char *text = read_lines();
    ck_assert_ptr_nonnull(strstr(text, "\"event\":\"first\"}\n{"));
    ck_assert_ptr_nonnull(strstr(text, "\"event\":\"second\"}\n"));
    ck_assert_uint_eq(log_dropped_count(), 0);
    (void)unlink(path);
}
END_TEST

START_TEST(errno_is_kept)
{
    errno = ERANGE;
    log_info("event", LOG_STR("f", "x"));
    ck_assert_int_eq(errno, ERANGE);
}
END_TEST

enum { THREADS = 4, LINES_EACH = 100 };

static void *log_often(void *context)
{
    for (unsigned i = 0; i < LINES_EACH; i++)
        log_info("event", LOG_STR("thread", context), LOG_UINT("i", i));
    return NULL;
}

START_TEST(lines_of_several_threads_do_not_mix)
{
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_often, names[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    unsigned count = 0;
    const char *at = read_lines();
    for (const char *end; (end = strchr(at, '\n')); at = end + 1, count++)
        cJSON_Delete(parse_line(at, (size_t)(end - at)));
    ck_assert_uint_eq(count + log_dropped_count(), THREADS * LINES_EACH);
    ck_assert_uint_gt(count, 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_event_is_one_json_line_with_its_fields);
    tcase_add_loop_test(tcase, errors_have_names_with_either_sign, 0, (int)ARRAY_COUNT(errors));
    tcase_add_test(tcase, lower_levels_are_left_out);
    tcase_add_test(tcase, levels_are_parsed_by_their_names_only);
    tcase_add_loop_test(tcase, nothing_but_printable_ascii_reaches_the_terminal, 0,
                        (int)ARRAY_COUNT(texts));
    tcase_add_test(tcase, a_long_text_is_cut_at_512_bytes);
    tcase_add_test(tcase, a_line_that_is_too_long_drops_fields_and_says_so);
    tcase_add_test(tcase, lines_of_any_length_are_whole);
    tcase_add_test(tcase, a_full_pipe_drops_lines_and_never_waits);
    tcase_add_test(tcase, a_full_pipe_that_cannot_be_opened_again_is_not_waited_for);
    tcase_add_test(tcase, a_full_terminal_is_not_waited_for);
    tcase_add_test(tcase, the_shared_open_file_stays_blocking);
    tcase_add_test(tcase, a_socket_that_is_full_or_gone_is_not_waited_for);
    tcase_add_test(tcase, a_closed_pipe_is_survived_when_sigpipe_is_ignored);
    tcase_add_test(tcase, a_file_takes_lines);
    tcase_add_test(tcase, errno_is_kept);
    tcase_add_test(tcase, lines_of_several_threads_do_not_mix);
}

int main(void)
{
    return suite_run("log", add_tests);
}
