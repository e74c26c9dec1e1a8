#include "program.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

static int refuse(struct program_error *reterr, enum problem problem, const char *format, ...)
    PRINTF_LIKE(3, 4);

static int refuse(struct program_error *reterr, enum problem problem, const char *format, ...)
{
    reterr->problem = problem;
    va_list arguments;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 loses sight of va_start */
    (void)vsnprintf(reterr->detail, sizeof(reterr->detail), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* -EINVAL of the JSON functions becomes a refusal that starts with the JSON pointer. */
static int refuse_json(int error, const struct json_error *json, struct program_error *reterr)
{
    if (error != -EINVAL)
        return refuse(reterr, PROBLEM_INTERNAL, "The body could not be read.");
    return refuse(reterr, PROBLEM_MALFORMED, "%s: %s",
                  json->pointer[0] ? json->pointer : "The body", json->text);
}

static int check_source(const struct coordinator_settings *settings, size_t count,
                        struct program_error *reterr)
{
    if (count <= settings->limits_source_bytes)
        return 0;
    return refuse(reterr, PROBLEM_BODY_TOO_LARGE,
                  "The program has %zu bytes; at most %" PRIu64 " are taken.", count,
                  settings->limits_source_bytes);
}

static int take_input(const struct coordinator_settings *settings, const char *text,
                      const char *pointer, struct frame_text *ret_input,
                      struct program_error *reterr)
{
    size_t count = strlen(text);
    if (count > settings->limits_input_bytes)
        return refuse(reterr, PROBLEM_BODY_TOO_LARGE,
                      "%s: the input has %zu bytes; at most %" PRIu64 " are taken", pointer, count,
                      settings->limits_input_bytes);
    *ret_input = (struct frame_text){text, (uint32_t)count};
    return 0;
}

/* ---- limits ---- */

struct limit {
    const char *key;
    uint64_t min, max;
    uint64_t *value; /* holds the default before, what was asked for after */
};

static int refuse_limit(const struct limit *limit, double value, struct program_error *reterr)
{
    return refuse(reterr, PROBLEM_LIMIT_OUT_OF_RANGE,
                  "/limits/%s: %.0f is outside %" PRIu64 " to %" PRIu64, limit->key, value,
                  limit->min, limit->max);
}

static int parse_limit(const cJSON *object, const struct limit *limit, struct program_error *reterr)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, limit->key);
    if (!item)
        return 0;
    /* A whole number that is out of bounds is just that, however far out. */
    if (cJSON_IsNumber(item) && floor(item->valuedouble) == item->valuedouble &&
        (item->valuedouble < 0 || item->valuedouble > (double)limit->max))
        return refuse_limit(limit, item->valuedouble, reterr);
    struct json_error error;
    uint64_t value = 0;
    int r = json_get_uint(object, "/limits", limit->key, &value, &error);
    if (r < 0)
        return refuse_json(r, &error, reterr);
    if (value < limit->min || value > limit->max)
        return refuse_limit(limit, item->valuedouble, reterr);
    *limit->value = value;
    return 0;
}

static int parse_limits(const struct coordinator_settings *settings, const cJSON *object,
                        struct frame_limits *limits, struct program_error *reterr)
{
    static const char *const known[] = {"wall_ms",      "cpu_ms",       "steps",
                                        "memory_bytes", "output_bytes", NULL};
    uint64_t wall_ms = limits->wall_ms;
    uint64_t cpu_ms = limits->cpu_ms;
    const struct limit table[] = {
        {"wall_ms", 1, settings->limits_wall_max_ms, &wall_ms},
        {"cpu_ms", 1, settings->limits_cpu_max_ms, &cpu_ms},
        {"steps", 1, settings->limits_steps_max, &limits->steps},
        {"memory_bytes", PROGRAM_MEMORY_BYTES_MIN, settings->limits_memory_max_bytes,
         &limits->memory_bytes},
        {"output_bytes", 0, settings->limits_output_max_bytes, &limits->output_bytes},
    };
    if (!cJSON_IsObject(object))
        return refuse(reterr, PROBLEM_MALFORMED, "/limits: must be an object");
    struct json_error error;
    int r = json_check_keys(object, "/limits", known, &error);
    if (r < 0)
        return refuse_json(r, &error, reterr);
    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        r = parse_limit(object, &table[i], reterr);
        if (r < 0)
            return r;
    }
    limits->wall_ms = (uint32_t)wall_ms;
    limits->cpu_ms = (uint32_t)cpu_ms;
    return 0;
}

static struct frame_limits default_limits(const struct coordinator_settings *settings)
{
    return (struct frame_limits){
        .steps = settings->limits_steps,
        .memory_bytes = settings->limits_memory_bytes,
        .output_bytes = settings->limits_output_bytes,
        .wall_ms = (uint32_t)settings->limits_wall_ms,
        .cpu_ms = (uint32_t)settings->limits_cpu_ms,
        .call_depth = (uint32_t)settings->limits_call_depth,
    };
}

/* ---- input and cases ---- */

static int parse_case(const struct coordinator_settings *settings, const cJSON *item, size_t index,
                      struct frame_text *ret_input, struct program_error *reterr)
{
    static const char *const known[] = {"input", NULL};
    char pointer[48];
    (void)snprintf(pointer, sizeof(pointer), "/cases/%zu", index);
    if (!cJSON_IsObject(item))
        return refuse(reterr, PROBLEM_MALFORMED, "%s: must be an object with \"input\"", pointer);
    struct json_error error;
    int r = json_check_keys(item, pointer, known, &error);
    const char *text = "";
    if (r == 0)
        r = json_get_string(item, pointer, "input", &text, &error);
    if (r < 0)
        return refuse_json(r, &error, reterr);
    (void)snprintf(pointer, sizeof(pointer), "/cases/%zu/input", index);
    return take_input(settings, text, pointer, ret_input, reterr);
}

static int parse_cases(const struct coordinator_settings *settings, const cJSON *array,
                       struct program *program, struct program_error *reterr)
{
    size_t max = settings->cases_max;
    if (!cJSON_IsArray(array) || !array->child)
        return refuse(reterr, PROBLEM_MALFORMED, "/cases: must be an array of 1 to %zu objects",
                      max);
    size_t count = 0;
    for (const cJSON *item = array->child; item; item = item->next) {
        if (count >= max || count >= PROGRAM_CASES_MAX)
            return refuse(reterr, PROBLEM_LIMIT_OUT_OF_RANGE, "/cases: at most %zu are taken", max);
        int r = parse_case(settings, item, count, &program->inputs[count], reterr);
        if (r < 0)
            return r;
        count++;
    }
    program->has_cases = true;
    program->input_count = count;
    return 0;
}

static int parse_inputs(const struct coordinator_settings *settings, struct program *program,
                        struct program_error *reterr)
{
    const cJSON *cases = cJSON_GetObjectItemCaseSensitive(program->tree, "cases");
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(program->tree, "input");
    if (cases && input)
        return refuse(reterr, PROBLEM_MALFORMED, "/cases: give either input or cases");
    if (cases)
        return parse_cases(settings, cases, program, reterr);
    struct json_error error;
    const char *text = "";
    int r = json_get_string(program->tree, "", "input", &text, &error);
    if (r < 0)
        return refuse_json(r, &error, reterr);
    return take_input(settings, text, "/input", &program->inputs[0], reterr);
}

static int parse_tree(const struct coordinator_settings *settings, struct program *program,
                      struct program_error *reterr)
{
    static const char *const known[] = {"source", "input", "cases", "limits", NULL};
    if (!cJSON_IsObject(program->tree))
        return refuse(reterr, PROBLEM_MALFORMED,
                      "The body must be an object with \"source\"; to send the program as it is, "
                      "use Content-Type: text/plain.");
    struct json_error error;
    int r = json_check_keys(program->tree, "", known, &error);
    const char *source = NULL;
    if (r == 0)
        r = json_get_string(program->tree, "", "source", &source, &error);
    if (r < 0)
        return refuse_json(r, &error, reterr);
    if (!source)
        return refuse(reterr, PROBLEM_MALFORMED, "/source: is missing; it is the program's text");
    size_t source_bytes = strlen(source);
    r = check_source(settings, source_bytes, reterr);
    if (r < 0)
        return r;
    program->source = (struct frame_text){source, (uint32_t)source_bytes};
    r = parse_inputs(settings, program, reterr);
    if (r < 0)
        return r;
    const cJSON *limits = cJSON_GetObjectItemCaseSensitive(program->tree, "limits");
    return limits ? parse_limits(settings, limits, &program->limits, reterr) : 0;
}

static int parse_json(const struct coordinator_settings *settings, const char *body,
                      size_t body_bytes, struct program *program, struct program_error *reterr)
{
    struct json_error error;
    int r = json_parse(body, body_bytes, &program->tree, &error);
    if (r < 0)
        return refuse_json(r, &error, reterr);
    return parse_tree(settings, program, reterr);
}

int program_parse(const struct coordinator_settings *settings, enum body_form form,
                  enum frame_mode mode, const char *body, size_t body_bytes,
                  struct program *ret_program, struct program_error *reterr)
{
    struct program *program = ret_program;
    program->mode = mode;
    program->has_cases = false;
    program->input_count = 1;
    program->inputs[0] = (struct frame_text){"", 0};
    program->limits = default_limits(settings);
    program->tree = NULL;
    int r;
    if (form == BODY_JSON) {
        r = parse_json(settings, body, body_bytes, program, reterr);
    } else {
        program->source = (struct frame_text){body, (uint32_t)body_bytes};
        r = check_source(settings, body_bytes, reterr);
    }
    if (r < 0) {
        program_done(program);
        return r;
    }
    if (mode == FRAME_MODE_CHECK) {
        program->has_cases = false;
        program->input_count = 1;
        program->inputs[0] = (struct frame_text){"", 0};
    }
    return 0;
}

void program_done(struct program *program)
{
    cJSON_Delete(program->tree);
    program->tree = NULL;
}
