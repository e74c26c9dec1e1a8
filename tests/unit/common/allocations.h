/* allocations - lets one allocation of the code under test fail (linked with -Wl,--wrap=malloc…). */
#ifndef TRYTOK_TEST_ALLOCATIONS_H
#define TRYTOK_TEST_ALLOCATIONS_H

/* The Nth allocation from now on fails, once; 0: none does. */
void allocations_fail_at(unsigned nth);
/* Did it? False when fewer allocations were made. */
int allocations_have_failed(void);

#endif
