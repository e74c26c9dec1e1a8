/* layer - names and bits of the sandbox layers (layer.def). */
#ifndef TRYTOK_LAYER_H
#define TRYTOK_LAYER_H

#include <stdint.h>

enum layer {
#define LAYER(name, text, help) LAYER_##name,
#include "layer.def"
#undef LAYER
    LAYER_COUNT
};
_Static_assert(LAYER_COUNT <= 32, "a set of layers is 32 bits");

typedef uint32_t layer_set;
#define LAYER_BIT(layer) ((layer_set)1 << (layer))

const char *layer_name(enum layer layer);
const char *layer_help(enum layer layer);
int layer_find(const char *name, enum layer *ret_layer); /* 0 or -ENOENT */

#endif
