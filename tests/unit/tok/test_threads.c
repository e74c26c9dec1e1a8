/* Machines in threads of their own share nothing; only tok_interrupt() crosses. */
#include <pthread.h>
#include <string.h>

#include "program.h"
#include "suite.h"

enum { ROUNDS = 20, THREADS = 2 };

static const char *const sources[THREADS] = {
    "class A { init(n) { this.n = n; this.s = \"\"; } more() { this.s = this.s + \"x\"; this.n = "
    "this.n + 1; } }"
    "var a = A(0); while (a.n < 2000) a.more(); print length(a.s); print a.n; print input();",
    "fun fib(n) { if (n < 2) return n; return fib(n - 1) + fib(n - 2); } print fib(14);"
    "fun counter() { var n = 0; fun inc() { n = n + 1; return n; } return inc; }"
    "var c = counter(); for (var i = 0; i < 500; i = i + 1) c(); print c(); print nil + 1;",
};
static const char *const outputs[THREADS] = {"2000\n2000\nline\n", "377\n501\n"};
static const enum tok_verdict verdicts[THREADS] = {TOK_OK, TOK_RUNTIME_ERROR};

struct worker {
    int which;
    int right; /* rounds that ended as they should */
};

/* Counts instead of checking: a check would end the wrong thread. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    for (int round = 0; round < ROUNDS; round++) {
        struct program program;
        program_init(&program);
        program.input = "line\n";
        program_run(&program, sources[worker->which]);
        worker->right += program.verdict == verdicts[worker->which] &&
                         strcmp(program.output, outputs[worker->which]) == 0;
        program_done(&program);
    }
    return NULL;
}

START_TEST(two_vms_run_in_two_threads_at_once)
{
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.which = i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(workers[i].right, ROUNDS);
    }
}
END_TEST

struct endless {
    struct program program;
    pthread_barrier_t started;
};

static int on_first_line(void *context, const char *bytes, size_t count)
{
    struct endless *endless = context;
    (void)bytes;
    (void)count;
    pthread_barrier_wait(&endless->started);
    return 0;
}

static void *run_for_ever(void *argument)
{
    struct endless *endless = argument;
    static const char source[] = "print 1; while (true) {}";
    return tok_run(endless->program.vm, source, sizeof(source) - 1) == TOK_INTERRUPTED ? argument
                                                                                       : NULL;
}

/* The line reaches the host only because the program goes on: the machine is in its loop by then. */
START_TEST(another_thread_interrupts)
{
    struct endless endless;
    program_init(&endless.program);
    endless.program.config.context = &endless;
    endless.program.config.realloc = NULL;
    endless.program.config.read = NULL;
    endless.program.config.report = NULL;
    endless.program.config.write = on_first_line;
    ck_assert_int_eq(program_start(&endless.program), 0);
    ck_assert_int_eq(pthread_barrier_init(&endless.started, NULL, 2), 0);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, run_for_ever, &endless), 0);
    pthread_barrier_wait(&endless.started);
    tok_interrupt(endless.program.vm);
    void *result;
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, &endless);
    pthread_barrier_destroy(&endless.started);
    tok_vm_free(endless.program.vm);
    endless.program.vm = NULL;
    program_done(&endless.program);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, two_vms_run_in_two_threads_at_once);
    tcase_add_test(tests, another_thread_interrupts);
}

int main(void)
{
    return suite_run("threads", add_tests);
}
