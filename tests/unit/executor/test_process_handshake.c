#include <check.h>
#include <string.h>

#include "build_id.h"
#include "frame.h"
#include "process_internal.h"

static uint8_t bytes[4 * FRAME_FIXED_MAX];

static size_t encode(uint32_t build)
{
    const struct frame_hello hello = {.build = build};
    const struct frame_armed armed = {.layers = 0x30, .landlock_abi = 7};
    size_t count = frame_encode_hello(bytes, &hello);
    return count + frame_encode_armed(bytes + count, &armed);
}

START_TEST(a_whole_handshake_is_taken)
{
    struct frame_armed armed;
    size_t count = encode(TRYTOK_BUILD_ID);
    ck_assert_int_eq(process_decode_handshake(bytes, count, &armed), (ssize_t)count);
    ck_assert_uint_eq(armed.layers, 0x30);
    ck_assert_uint_eq(armed.landlock_abi, 7);
    /* What comes behind is not part of it. */
    ck_assert_int_eq(process_decode_handshake(bytes, count + 3, &armed), (ssize_t)count);
}
END_TEST

START_TEST(any_part_of_one_asks_for_more)
{
    struct frame_armed armed;
    size_t count = encode(TRYTOK_BUILD_ID);
    for (size_t part = 0; part < count; part++)
        ck_assert_int_eq(process_decode_handshake(bytes, part, &armed), 0);
}
END_TEST

START_TEST(a_runner_of_another_build_is_refused)
{
    struct frame_armed armed;
    size_t count = encode(TRYTOK_BUILD_ID + 1);
    ck_assert_int_eq(process_decode_handshake(bytes, count, &armed), -EBADMSG);
}
END_TEST

START_TEST(other_frames_are_refused)
{
    struct frame_armed armed;
    size_t count = encode(TRYTOK_BUILD_ID);
    bytes[4] = FRAME_STDOUT;
    ck_assert_int_eq(process_decode_handshake(bytes, count, &armed), -EBADMSG);
    memset(bytes, 0xff, sizeof(bytes));
    ck_assert_int_eq(process_decode_handshake(bytes, sizeof(bytes), &armed), -EBADMSG);
}
END_TEST

START_TEST(what_both_can_see_both_must_say)
{
    const layer_set pid_ns = LAYER_BIT(LAYER_PID_NS), net_ns = LAYER_BIT(LAYER_NET_NS);
    const layer_set seccomp = LAYER_BIT(LAYER_SECCOMP);
    ck_assert_uint_eq(process_combine_layers(pid_ns, pid_ns), pid_ns);
    ck_assert_uint_eq(process_combine_layers(pid_ns, 0), 0);
    ck_assert_uint_eq(process_combine_layers(0, pid_ns), 0);
    /* A spawner alone knows its network, a runner alone its filter. */
    ck_assert_uint_eq(process_combine_layers(net_ns, 0), net_ns);
    ck_assert_uint_eq(process_combine_layers(0, net_ns), 0);
    ck_assert_uint_eq(process_combine_layers(0, seccomp), seccomp);
    ck_assert_uint_eq(process_combine_layers(seccomp, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process handshake");
    TCase *tests = tcase_create("handshake");
    tcase_add_test(tests, a_whole_handshake_is_taken);
    tcase_add_test(tests, any_part_of_one_asks_for_more);
    tcase_add_test(tests, a_runner_of_another_build_is_refused);
    tcase_add_test(tests, other_frames_are_refused);
    tcase_add_test(tests, what_both_can_see_both_must_say);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
