#include "json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json_scan.h"

static const uint64_t integer_max = ((uint64_t)1 << 53) - 1;

static int fail(struct json_error *error, const char *pointer, const char *text)
{
    (void)snprintf(error->pointer, sizeof(error->pointer), "%s", pointer);
    (void)snprintf(error->text, sizeof(error->text), "%s", text);
    return -EINVAL;
}

static int fail_at_key(struct json_error *error, const char *parent, const char *key,
                       const char *text)
{
    char pointer[JSON_POINTER_BYTES];
    (void)snprintf(pointer, sizeof(pointer), "%s", parent);
    json_pointer_add(pointer, key, strlen(key));
    return fail(error, pointer, text);
}

/* ---- what only the decoded tree shows: equal keys, numbers out of range ---- */

static int verify_tree(const cJSON *item, char pointer[JSON_POINTER_BYTES],
                       struct json_error *reterr);

static int verify_member(const cJSON *parent, const cJSON *item, size_t index,
                         char pointer[JSON_POINTER_BYTES], struct json_error *reterr)
{
    size_t before = strlen(pointer);
    if (item->string)
        json_pointer_add(pointer, item->string, strlen(item->string));
    else
        json_pointer_add_index(pointer, index);

    for (const cJSON *other = parent->child; item->string && other != item; other = other->next) {
        if (strcmp(other->string, item->string) == 0)
            return fail(reterr, pointer, "the key is there twice");
    }
    int r = verify_tree(item, pointer, reterr);
    pointer[before] = '\0';
    return r;
}

/* As deep as JSON_DEPTH_MAX; an object has at most JSON_KEYS_MAX members (json_scan). */
static int verify_tree(const cJSON *item, char pointer[JSON_POINTER_BYTES],
                       struct json_error *reterr)
{
    if (cJSON_IsNumber(item) && !isfinite(item->valuedouble))
        return fail(reterr, pointer, "the number is too large");
    size_t index = 0;
    for (const cJSON *child = item->child; child; child = child->next, index++) {
        int r = verify_member(item, child, index, pointer, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static void tree_release(cJSON **tree)
{
    cJSON_Delete(*tree);
}

int json_parse(const char *bytes, size_t count, cJSON **ret_tree, struct json_error *reterr)
{
    int r = json_scan(bytes, count, reterr);
    if (r < 0)
        return r;
    AUTO(tree_release) cJSON *tree = cJSON_ParseWithLength(bytes, count);
    if (!tree) /* the bytes are good, so memory is what is missing */
        return -ENOMEM;
    char pointer[JSON_POINTER_BYTES] = "";
    r = verify_tree(tree, pointer, reterr);
    if (r < 0)
        return r;
    *ret_tree = TAKE(tree);
    return 0;
}

/* ---- getters ---- */

int json_get_uint(const cJSON *object, const char *parent, const char *key, uint64_t *ret,
                  struct json_error *reterr)
{
    if (!cJSON_IsObject(object))
        return fail(reterr, parent, "must be an object");
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item)
        return 0;
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (!(value >= 0 && value <= (double)integer_max) || floor(value) < value)
        return fail_at_key(reterr, parent, key, "must be an integer from 0 to 9007199254740991");
    *ret = (uint64_t)value;
    return 0;
}

int json_get_string(const cJSON *object, const char *parent, const char *key, const char **ret,
                    struct json_error *reterr)
{
    if (!cJSON_IsObject(object))
        return fail(reterr, parent, "must be an object");
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item)
        return 0;
    if (!cJSON_IsString(item))
        return fail_at_key(reterr, parent, key, "must be a string");
    *ret = item->valuestring;
    return 0;
}

static bool is_known(const char *key, const char *const *known)
{
    for (size_t i = 0; known[i]; i++) {
        if (strcmp(known[i], key) == 0)
            return true;
    }
    return false;
}

static int fail_unknown_key(struct json_error *error, const char *parent, const char *key,
                            const char *const *known)
{
    char text[JSON_ERROR_BYTES] = "unknown key; known are";
    size_t at = strlen(text);
    for (size_t i = 0; known[i] && at < sizeof(text); i++) {
        int length = snprintf(text + at, sizeof(text) - at, "%s %s", i > 0 ? "," : "", known[i]);
        at += length > 0 ? (size_t)length : 0;
    }
    return fail_at_key(error, parent, key, text);
}

int json_check_keys(const cJSON *object, const char *parent, const char *const *known,
                    struct json_error *reterr)
{
    if (!cJSON_IsObject(object))
        return fail(reterr, parent, "must be an object");
    for (const cJSON *item = object->child; item; item = item->next) {
        if (!is_known(item->string, known))
            return fail_unknown_key(reterr, parent, item->string, known);
    }
    return 0;
}
