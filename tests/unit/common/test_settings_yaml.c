#include "allocations.h"
#include "settings_fixture.h"

static int read_yaml_bytes(const char *bytes, size_t count)
{
    write_config(bytes, count);
    int r = read_with(FLAGS("--config", config_path), NULL, stdout);
    remove_config();
    return r;
}

static int read_yaml(const char *text)
{
    return read_yaml_bytes(text, strlen(text));
}

static const char *const same[] = {
    "queue:\n  max: 7\nlimits:\n  wall_ms: 2s\nsandbox:\n  require: [a, \"b,c\"]\n"
    "pool:\n  name: \"x y\"\n  enabled: false\na:\n  b:\n    c:\n      d: 2\n",
    "queue.max: 7\nlimits.wall_ms: 2000\nsandbox.require:\n- a\n- 'b,c'\n"
    "pool.name: x y\npool.enabled: false\na.b.c.d: 2\n",
    "{queue: {max: '7'}, limits: {wall_ms: 2000ms}, sandbox: {require: [a, 'b,c']},\n"
    " pool.name: x y, pool: {enabled: false}, a.b: {c.d: 2}}",
    "---\n# a comment\n\"queue\": {\"max\": 7}\nlimits: {wall_ms: 2s}\nsandbox.require: [a, "
    "\"b,c\"]"
    "\npool: {name: x y, enabled: false}\na: {b: {c: {d: 2}}}\n...\n",
};

START_TEST(nested_and_dotted_keys_mean_the_same)
{
    ck_assert_msg(read_yaml(same[_i]) == 0, "%s", error.text);
    ck_assert_uint_eq(settings.queue_max, 7);
    ck_assert_uint_eq(settings.wall_ms, 2000);
    ck_assert_uint_eq(settings.require.count, 2);
    ck_assert_str_eq(settings.require.items[1], "b,c");
    ck_assert_str_eq(settings.name, "x y");
    ck_assert(!settings.enabled);
    ck_assert_uint_eq(settings.deep, 2);
    done();
}
END_TEST

static const char *const empty[] = {"", "\n\n", "# nothing\n", "---\n", "---\n...\n", "{}", "~"};

START_TEST(a_file_may_be_empty)
{
    ck_assert_msg(read_yaml(empty[_i]) == 0, "%s", error.text);
    ck_assert_uint_eq(settings.queue_max, 256);
    done();
}
END_TEST

START_TEST(lists_may_be_empty_and_texts_too)
{
    ck_assert_int_eq(read_yaml("sandbox.require: []\npool.name: ''\n"), 0);
    ck_assert_uint_eq(settings.require.count, 0);
    ck_assert_str_eq(settings.name, "");
    done();
}
END_TEST

/* %s in the message is the file's name. */
static const struct {
    const char *text;
    const char *message;
} refused[] = {
    {"queue:\n  max: 70000\n", "%s:2: queue.max: 70000 is out of bounds, 0 to 65536"},
    {"queue:\n\n  mx: 7\n", "%s:3: unknown setting \"queue.mx\"; did you mean queue.max?"},
    {"zzzzzzzzzzzz: 1\n", "%s:1: unknown setting \"zzzzzzzzzzzz\"; --help lists them"},
    {"queue: 5\n", "%s:1: \"queue\" is a group of settings, as queue.max"},
    {"pool:\n  address: localhost\n", "%s:2: pool.address: \"localhost\" is not a numeric address"},
    {"zzzzzzzzzzzz: {a: 1}\n", "%s:1: unknown setting \"zzzzzzzzzzzz.a\""},
    {"queue.max: 1\nqueue:\n  max: 2\n", "%s:3: queue.max: is set twice"},
    {"queue.max: 1\nqueue.max: 1\n", "%s:2: queue.max: is set twice"},
    {"queue.max:\n", "%s:1: queue.max: has no value"},
    {"queue.max: ~\n", "has no value"},
    {"queue.max: null\n", "has no value"},
    {"queue.max: [1]\n", "%s:1: queue.max: must be one value, not a list"},
    {"queue.max: {a: 1}\n", "%s:1: queue.max: must be a value, not a group of settings"},
    {"queue.max: yes\n", "%s:1: queue.max: \"yes\" is not an integer"},
    {"pool.enabled: yes\n", "neither true nor false"},
    {"sandbox.require: a\n", "%s:1: sandbox.require: must be a list, as [a, b]"},
    {"sandbox.require: [a, [b]]\n", "%s:1: an item of a list must be plain text"},
    {"sandbox.require:\n- a\n-\n", "an item of a list must be plain text"},
    {"sandbox.require: [a, '']\n", "an item of the list is empty"},
    {"sandbox.require: [a, b, c, d, e]\n", "the number of items is out of bounds, 0 to 4"},
    {"pool.name: \"a\\0b\"\n", "%s:1: pool.name: has a NUL in it"},
    {"pool.name: \"a\\nb\"\n", "control character"},
    {"\"a\\0b\": 1\n", "%s:1: a key must be plain text"},
    {"[a]: 1\n", "%s:1: a key must be plain text"},
    {"? {a: b}\n: 1\n", "a key must be plain text"},
    {"- a\n", "%s:1: expected settings, as \"key: value\""},
    {"text\n", "%s:1: expected settings"},
    {"queue: {max: 1}\n---\nqueue: {max: 2}\n", "%s:2: a second document"},
    {"pool.name: &x a\nsecret.path: *x\n", "%s:2: aliases (*name) are not accepted"},
    {"queue.max: !!int 5\n", "%s:1: tags (!name) are not accepted"},
    {"queue: !x {max: 5}\n", "tags"},
    {"sandbox.require: !x [a]\n", "tags"},
    {"<<: {queue.max: 1}\n", "unknown setting"},
    {"a: {b: {c: {d: {e: 1}}}}\n", "%s:1: a.b.c.d: must be a value"},
    {"a: {b: {c: {x: {e: 1}}}}\n", "%s:1: nested too deep"},
    {"queue:\n  max: 1\n max: 2\n", "%s:3: "}, /* not YAML */
    {"queue: {max: 1\n", "%s:2: "},
    {"\tqueue: 1\n", "%s:1: "},
    {"queue: \"unfinished\n", "%s:2: "},
    {"pool.name: \xFF\n", "%s:1: "},
    {"pool.name: '\xE2\x82'\n", "%s:1: "},
};

START_TEST(mistakes_are_told_with_file_and_line)
{
    ck_assert_int_eq(read_yaml(refused[_i].text), -EINVAL);
    const char *message = refused[_i].message;
    if (strncmp(message, "%s", 2) == 0) {
        ck_assert_int_eq(strncmp(error.text, config_path, strlen(config_path)), 0);
        const char *rest = error.text + strlen(config_path);
        ck_assert_msg(strncmp(rest, message + 2, strlen(message + 2)) == 0, "%s", error.text);
        ck_assert_uint_gt(strlen(rest), strlen(message + 2) - 1);
    } else {
        ck_assert_msg(strstr(error.text, message) != NULL, "%s", error.text);
    }
}
END_TEST

/* Text that is a comment but for its beginning. */
static int read_padded(size_t count)
{
    char *bytes = malloc(count);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, '#', count);
    memcpy(bytes, "queue.max: 7\n", 13);
    int r = read_yaml_bytes(bytes, count);
    free(bytes);
    return r;
}

START_TEST(a_file_is_limited_to_1_mib)
{
    ck_assert_msg(read_padded(1 << 20) == 0, "%s", error.text);
    ck_assert_uint_eq(settings.queue_max, 7);
    done();
    ck_assert_int_eq(read_padded((1 << 20) + 1), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, ": is larger than 1048576 bytes"));
}
END_TEST

START_TEST(deep_nesting_ends_early)
{
    char *text = malloc(200001);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < 100000; i++)
        memcpy(text + 2 * i, "a:", 2);
    memset(text, '{', 100000);
    ck_assert_int_eq(read_yaml_bytes(text, 200000), -EINVAL);
    for (size_t i = 0; i + 4 <= 200000; i += 4)
        memcpy(text + i, "{b: ", 4);
    ck_assert_int_eq(read_yaml_bytes(text, 200000), -EINVAL);
    memset(text, '[', 200000);
    ck_assert_int_eq(read_yaml_bytes(text, 200000), -EINVAL);
    free(text);
}
END_TEST

START_TEST(keys_of_any_length_are_refused_in_good_order)
{
    char text[5000];
    for (size_t length = 1; length < 300; length++) {
        memset(text, 'k', length);
        memcpy(text + length, ": 1\n", 5);
        ck_assert_int_eq(read_yaml(text), -EINVAL);
    }
}
END_TEST

START_TEST(a_list_of_257_items_is_too_long)
{
    static const char list[] = "many: [x";
    char text[2000];
    memcpy(text, list, sizeof(list));
    size_t count = sizeof(list) - 1;
    for (int i = 1; i < 256; i++, count += 2)
        memcpy(text + count, ",x", 2);
    memcpy(text + count, "]", 2);
    ck_assert_int_eq(read_yaml(text), 0);
    ck_assert_uint_eq(settings.many.count, 256);
    done();
    memcpy(text + count, ",x,x,x]", 8);
    ck_assert_int_eq(read_yaml(text), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "more than 256 items"));
}
END_TEST

START_TEST(damaged_files_are_read_or_refused)
{
    unsigned long long state = 11;
    static const char pieces[] = "{}[]:,-&*!|>'\"#%@` \n\t\\ab.0\xFF";
    unsigned good_count = 0;
    for (int round = 0; round < 3000; round++) {
        char text[400];
        size_t count = strlen(same[round % 4]);
        memcpy(text, same[round % 4], count);
        for (unsigned i = suite_random(&state) % 3 + 1; i > 0; i--)
            text[suite_random(&state) % count] =
                pieces[suite_random(&state) % (sizeof(pieces) - 1)];
        int r = read_yaml_bytes(text, count);
        ck_assert(r == 0 || r == -EINVAL);
        good_count += r == 0;
        if (r == 0)
            done();
    }
    ck_assert_uint_gt(good_count, 100);
}
END_TEST

/* libyaml's own allocations are not ours to fail. */
START_TEST(any_allocation_may_fail)
{
    write_config(same[1], strlen(same[1]));
    char program[] = "p";
    char flag[] = "--config";
    char *argv[] = {program, flag, config_path, NULL};
    char *environment[] = {NULL};
    unsigned nth = 0;
    int r;
    do {
        allocations_fail_at(++nth);
        r = settings_read(&fixture_table, 3, argv, environment, stdout, &settings, &outcome,
                          &error);
        if (allocations_have_failed()) {
            ck_assert_int_eq(r, -ENOMEM);
            ck_assert_str_eq(error.text, "out of memory");
        }
    } while (r < 0);
    allocations_fail_at(0);
    remove_config();
    ck_assert_uint_gt(nth, 15);
    done();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, nested_and_dotted_keys_mean_the_same, 0, (int)ARRAY_COUNT(same));
    tcase_add_loop_test(tcase, a_file_may_be_empty, 0, (int)ARRAY_COUNT(empty));
    tcase_add_test(tcase, lists_may_be_empty_and_texts_too);
    tcase_add_loop_test(tcase, mistakes_are_told_with_file_and_line, 0, (int)ARRAY_COUNT(refused));
    tcase_add_test(tcase, a_file_is_limited_to_1_mib);
    tcase_add_test(tcase, deep_nesting_ends_early);
    tcase_add_test(tcase, keys_of_any_length_are_refused_in_good_order);
    tcase_add_test(tcase, a_list_of_257_items_is_too_long);
    tcase_add_test(tcase, damaged_files_are_read_or_refused);
    tcase_add_test(tcase, any_allocation_may_fail);
}

int main(void)
{
    return suite_run("settings_yaml", add_tests);
}
