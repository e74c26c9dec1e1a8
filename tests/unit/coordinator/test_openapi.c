/* /openapi.json tells what the routes table and the .def tables tell, no more and no less. */
#include <cjson/cJSON.h>
#include <string.h>

#include "asking.h"
#include "problem.h"
#include "suite.h"
#include "verdict.h"

static cJSON *document;

static void setup(void)
{
    start(1, 1, NULL);
    get("/openapi.json");
    ck_assert_uint_eq(reply.status, 200);
    document = cJSON_Parse(reply_text(&reply));
    ck_assert_ptr_nonnull(document);
    reply_done(&reply);
}

static void teardown(void)
{
    cJSON_Delete(document);
    stop();
}

static const cJSON *member(const cJSON *object, const char *key)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(found != NULL, "%s is missing", key);
    return found;
}

static bool lists(const cJSON *array, const char *text)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (strcmp(item->valuestring, text) == 0)
            return true;
    }
    return false;
}

START_TEST(every_route_is_described_and_nothing_else)
{
    size_t count = 0;
    const struct http_route *routes = coordinator_routes(fixture.coordinator, &count);
    const cJSON *paths = member(document, "paths");
    ck_assert_int_eq(cJSON_GetArraySize(paths), (int)count);
    for (size_t i = 0; i < count; i++) {
        const char *method = strcmp(routes[i].method, "POST") == 0 ? "post" : "get";
        const cJSON *operation = member(member(paths, routes[i].path), method);
        ck_assert_ptr_nonnull(member(member(operation, "responses"), "200"));
    }
}
END_TEST

START_TEST(every_problem_and_verdict_is_named)
{
    const cJSON *schemas = member(member(document, "components"), "schemas");
    const cJSON *codes =
        member(member(member(member(schemas, "Problem"), "properties"), "code"), "enum");
    ck_assert_int_eq(cJSON_GetArraySize(codes), PROBLEM_COUNT);
    for (int i = 0; i < PROBLEM_COUNT; i++)
        ck_assert(lists(codes, problem_code((enum problem)i)));
    const cJSON *verdicts = member(member(schemas, "Verdict"), "enum");
    ck_assert_int_eq(cJSON_GetArraySize(verdicts), VERDICT_COUNT);
    for (int i = 0; i < VERDICT_COUNT; i++)
        ck_assert(lists(verdicts, verdict_name((enum verdict)i)));
}
END_TEST

/* Every "$ref" leads somewhere. */
static void check_references(const cJSON *node)
{
    for (; node; node = node->next) {
        if (node->string && strcmp(node->string, "$ref") == 0) {
            const cJSON *target = document;
            char path[128];
            ck_assert_uint_lt(strlen(node->valuestring), sizeof(path));
            memcpy(path, node->valuestring, strlen(node->valuestring) + 1);
            char *rest = path + 2;
            for (char *key = strsep(&rest, "/"); key; key = strsep(&rest, "/"))
                target = member(target, key);
        }
        check_references(node->child);
    }
}

START_TEST(every_reference_leads_somewhere)
{
    check_references(document);
    ck_assert_str_eq(member(document, "openapi")->valuestring, "3.1.0");
    ck_assert_str_eq(member(member(document, "info"), "version")->valuestring, TRYTOK_VERSION);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, every_route_is_described_and_nothing_else);
    tcase_add_test(tcase, every_problem_and_verdict_is_named);
    tcase_add_test(tcase, every_reference_leads_somewhere);
}

int main(void)
{
    return suite_run("openapi", add_tests);
}
