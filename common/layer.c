#include "layer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct layer_row {
    const char *name;
    const char *help;
};

static const struct layer_row rows[] = {
#define LAYER(name, text, help) [LAYER_##name] = {text, help},
#include "layer.def"
#undef LAYER
};

const char *layer_name(enum layer layer)
{
    assert(layer < LAYER_COUNT);
    return rows[layer].name;
}

const char *layer_help(enum layer layer)
{
    assert(layer < LAYER_COUNT);
    return rows[layer].help;
}

int layer_find(const char *name, enum layer *ret_layer)
{
    for (unsigned i = 0; i < LAYER_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *ret_layer = (enum layer)i;
            return 0;
        }
    }
    return -ENOENT;
}
