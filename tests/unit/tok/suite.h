/* suite - the main program that every test file of this folder ends with. */
#ifndef TOK_TEST_SUITE_H
#define TOK_TEST_SUITE_H

#include <check.h>
#include <stdlib.h>

/* In the sanitizer builds the larger programs take a while. */
enum { SUITE_TIMEOUT_S = 50 };

static inline int suite_run(const char *name, void (*add_tests)(TCase *tests))
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, SUITE_TIMEOUT_S);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
