#include "verdict.h"

#include <assert.h>

struct verdict_row {
    const char *name;
    int exit_code;
};

static const struct verdict_row rows[] = {
#define VERDICT(name, text, exit_code, help) [VERDICT_##name] = {text, exit_code},
#include "verdict.def"
#undef VERDICT
};

const char *verdict_name(enum verdict verdict)
{
    assert(verdict < VERDICT_COUNT);
    return rows[verdict].name;
}

int verdict_exit_code(enum verdict verdict)
{
    assert(verdict < VERDICT_COUNT);
    return rows[verdict].exit_code;
}
