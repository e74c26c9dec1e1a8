/* verdict - the closed list of outcomes of a run (verdict.def), used on every hop. */
#ifndef TRYTOK_VERDICT_H
#define TRYTOK_VERDICT_H

enum verdict {
#define VERDICT(name, text, exit_code, help) VERDICT_##name,
#include "verdict.def"
#undef VERDICT
    VERDICT_COUNT
};

const char *verdict_name(enum verdict verdict); /* "ok", "compile_error", ... */
int verdict_exit_code(enum verdict verdict);

#endif
