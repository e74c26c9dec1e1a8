/* Any bytes as a program, run with small limits: it ends with a verdict, within them, twice the same. */
#include <stdint.h>

#include "twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    run_twice((const char *)bytes, count);
    return 0;
}
