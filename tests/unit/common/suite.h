/* suite - what every test binary's main() does: one suite, one case, verdict as exit status. */
#ifndef TRYTOK_TEST_SUITE_H
#define TRYTOK_TEST_SUITE_H

#include <check.h>
#include <stdlib.h>

static inline int suite_run(const char *name, void (*add_tests)(TCase *tcase))
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 30);
    add_tests(tcase);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* For loops of many rounds: ck_assert tells its parent about every success, which takes longer than
 * what is tested. */
#define SUITE_VERIFY(condition)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s", #condition);                                                        \
    } while (0)

/* The same numbers in every run: a failure can be looked at again. */
static inline unsigned suite_random(unsigned long long *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(*state >> 33);
}

#endif
