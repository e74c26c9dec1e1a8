#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "inner.h"
#include "suite.h"

static const char id[] = "0123456789abcdef0123456789ABCDEF";
static char directory[] = "/tmp/test_inner_XXXXXX";
static char path[64];
static char link_path[64];

static struct inner_secret make_secret(void)
{
    struct inner_secret secret;
    for (size_t i = 0; i < sizeof(secret.bytes); i++)
        secret.bytes[i] = (uint8_t)i;
    return secret;
}

/* ---- signatures ---- */

/* Made with Python's hmac module: hmac.new(bytes(range(32)), message, "sha256").hexdigest(). */
START_TEST(signatures_are_hmac_sha256_of_the_documented_message)
{
    struct inner_secret secret = make_secret();
    char signature[INNER_SIGNATURE_CHARS + 1];
    ck_assert_int_eq(inner_sign_run(&secret, id, 12000, "body\0bytes", 10, signature), 0);
    ck_assert_str_eq(signature, "79a9a88d324e63a3fd72313783fdb1ab631fe03fbc8219107140306af0418bff");
    ck_assert_int_eq(inner_sign_run(&secret, id, 0, NULL, 0, signature), 0);
    ck_assert_str_eq(signature, "ba8a158ef736e234fe22fd1430c248478106323fb784ca87cc57c1a6e87814f0");
    ck_assert_int_eq(inner_sign_answer(&secret, id, signature), 0);
    ck_assert_str_eq(signature, "5e11c956b8fe2e5c3399627d894b79f829489945deb680f4fc9604924df17135");
}
END_TEST

START_TEST(a_right_signature_is_accepted_again_and_again)
{
    struct inner_secret secret = make_secret();
    char signature[INNER_SIGNATURE_CHARS + 1];
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(inner_sign_run(&secret, id, 5, "body", 4, signature), 0);
        ck_assert_int_eq(inner_check_run(&secret, id, 5, "body", 4, signature), 0);
        ck_assert_int_eq(inner_sign_answer(&secret, id, signature), 0);
        ck_assert_int_eq(inner_check_answer(&secret, id, signature), 0);
    }
}
END_TEST

START_TEST(whatever_is_changed_breaks_the_signature)
{
    struct inner_secret secret = make_secret();
    struct inner_secret other = secret;
    other.bytes[31] ^= 1;
    char other_id[] = "1123456789abcdef0123456789ABCDEF";
    char signature[INNER_SIGNATURE_CHARS + 1];
    ck_assert_int_eq(inner_sign_run(&secret, id, 5, "body", 4, signature), 0);
    ck_assert_int_eq(inner_check_run(&other, id, 5, "body", 4, signature), -EACCES);
    ck_assert_int_eq(inner_check_run(&secret, other_id, 5, "body", 4, signature), -EACCES);
    ck_assert_int_eq(inner_check_run(&secret, id, 6, "body", 4, signature), -EACCES);
    ck_assert_int_eq(inner_check_run(&secret, id, 5, "bodY", 4, signature), -EACCES);
    ck_assert_int_eq(inner_check_run(&secret, id, 5, "body", 3, signature), -EACCES);
    ck_assert_int_eq(inner_check_answer(&secret, id, signature), -EACCES);
    for (size_t i = 0; i < INNER_SIGNATURE_CHARS; i++) {
        char good = signature[i];
        signature[i] = good == '0' ? '1' : '0';
        ck_assert_int_eq(inner_check_run(&secret, id, 5, "body", 4, signature), -EACCES);
        signature[i] = good;
    }
    ck_assert_int_eq(inner_check_run(&secret, id, 5, "body", 4, signature), 0);
}
END_TEST

START_TEST(missing_and_malformed_signatures_are_refused)
{
    struct inner_secret secret = make_secret();
    char signature[INNER_SIGNATURE_CHARS + 2];
    ck_assert_int_eq(inner_sign_answer(&secret, id, signature), 0);
    ck_assert_int_eq(inner_check_answer(&secret, id, NULL), -EACCES);
    ck_assert_int_eq(inner_check_answer(&secret, id, ""), -EACCES);
    signature[INNER_SIGNATURE_CHARS] = '0'; /* 65 characters */
    signature[INNER_SIGNATURE_CHARS + 1] = '\0';
    ck_assert_int_eq(inner_check_answer(&secret, id, signature), -EACCES);
    signature[INNER_SIGNATURE_CHARS - 1] = '\0'; /* 63 */
    ck_assert_int_eq(inner_check_answer(&secret, id, signature), -EACCES);
}
END_TEST

static const char *const bad_ids[] = {
    "",
    "0123456789abcdef0123456789abcde",
    "0123456789abcdef0123456789abcdef0",
    "0123456789abcdef0123456789abcdeg",
    "0123456789abcdef0123456789abcd\nf",
};

START_TEST(an_id_that_is_not_32_hex_digits_is_never_signed)
{
    struct inner_secret secret = make_secret();
    char signature[INNER_SIGNATURE_CHARS + 1] = "unchanged";
    const char *bad = bad_ids[_i];
    ck_assert_int_eq(inner_sign_run(&secret, bad, 5, "", 0, signature), -EINVAL);
    ck_assert_int_eq(inner_sign_answer(&secret, bad, signature), -EINVAL);
    ck_assert_str_eq(signature, "unchanged");
    ck_assert_int_eq(inner_check_run(&secret, bad, 5, "", 0, signature), -EACCES);
    ck_assert_int_eq(inner_check_answer(&secret, bad, signature), -EACCES);
}
END_TEST

static void *sign_often(void *context)
{
    struct inner_secret secret = make_secret();
    secret.bytes[0] = *(const uint8_t *)context;
    char first[INNER_SIGNATURE_CHARS + 1];
    char again[INNER_SIGNATURE_CHARS + 1];
    if (inner_sign_run(&secret, id, 1, "body", 4, first) < 0)
        return NULL;
    for (int i = 0; i < 2000; i++) {
        if (inner_sign_run(&secret, id, 1, "body", 4, again) < 0 || strcmp(first, again) != 0)
            return NULL;
    }
    return context;
}

START_TEST(threads_do_not_disturb_each_other)
{
    pthread_t threads[4];
    uint8_t keys[4] = {1, 2, 3, 4};
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, sign_often, &keys[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        void *answer = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &answer), 0);
        ck_assert_ptr_eq(answer, &keys[i]);
    }
}
END_TEST

/* ---- the secret's file ---- */

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/secret", directory);
    (void)snprintf(link_path, sizeof(link_path), "%s/link", directory);
}

static void teardown(void)
{
    (void)unlink(path);
    (void)unlink(link_path);
    (void)rmdir(directory);
}

static void write_secret(const char *text, size_t count, mode_t mode)
{
    (void)unlink(path);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, count), (ssize_t)count);
    ck_assert_int_eq(fchmod(fd, mode), 0);
}

#define HEX32 "00ff10203040506070809A0b0c0d0e0f"
static const struct {
    const char *text;
    size_t count;
    int result;
} files[] = {
    {HEX32 HEX32, 64, 0},
    {HEX32 HEX32 "\n", 65, 0},
    {HEX32 HEX32 "\n\n", 66, -EINVAL},
    {HEX32 HEX32 "\r\n", 66, -EINVAL},
    {HEX32 HEX32 "0", 65, -EINVAL},
    {HEX32 HEX32 "00", 66, -EINVAL},
    {HEX32 HEX32 HEX32, 96, -EINVAL},
    {HEX32 HEX32, 63, -EINVAL},
    {HEX32 HEX32, 62, -EINVAL},
    {"", 0, -EINVAL},
    {" " HEX32 HEX32, 64, -EINVAL},
    {"0x" HEX32 HEX32, 64, -EINVAL},
    {HEX32 HEX32 "\0", 65, -EINVAL},
};

START_TEST(a_secret_is_64_hex_digits_and_perhaps_a_newline)
{
    write_secret(files[_i].text, files[_i].count, 0600);
    struct inner_secret secret = {{0}};
    ck_assert_int_eq(inner_secret_read(path, &secret), files[_i].result);
    static const uint8_t begin[] = {0x00, 0xFF, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60,
                                    0x70, 0x80, 0x9A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F};
    static const uint8_t zero[INNER_SECRET_BYTES] = {0};
    if (files[_i].result == 0)
        ck_assert_mem_eq(secret.bytes, begin, sizeof(begin));
    else
        ck_assert_mem_eq(secret.bytes, zero, sizeof(zero));
}
END_TEST

static const struct {
    mode_t mode;
    int result;
} modes[] = {
    {0600, 0},      {0400, 0},      {0440, 0},      {0640, -EPERM},  {0460, -EPERM},
    {0604, -EPERM}, {0444, -EPERM}, {0644, -EPERM}, {0660, -EPERM},  {0602, -EPERM},
    {0700, -EPERM}, {0601, -EPERM}, {0620, -EPERM}, {04600, -EPERM},
};

START_TEST(a_file_that_others_can_read_is_refused)
{
    write_secret(HEX32 HEX32, 64, modes[_i].mode);
    struct inner_secret secret;
    ck_assert_int_eq(inner_secret_read(path, &secret), modes[_i].result);
}
END_TEST

START_TEST(links_are_followed_and_what_they_lead_to_counts)
{
    struct inner_secret secret;
    ck_assert_int_eq(symlink("secret", link_path), 0);
    write_secret(HEX32 HEX32, 64, 0440);
    ck_assert_int_eq(inner_secret_read(link_path, &secret), 0);
    write_secret(HEX32 HEX32, 64, 0644);
    ck_assert_int_eq(inner_secret_read(link_path, &secret), -EPERM);
}
END_TEST

START_TEST(what_is_no_file_is_refused_without_waiting)
{
    struct inner_secret secret;
    ck_assert_int_eq(inner_secret_read(path, &secret), -ENOENT);
    ck_assert_int_eq(inner_secret_read(directory, &secret), -EINVAL);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(inner_secret_read(path, &secret), -EINVAL);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, signatures_are_hmac_sha256_of_the_documented_message);
    tcase_add_test(tcase, a_right_signature_is_accepted_again_and_again);
    tcase_add_test(tcase, whatever_is_changed_breaks_the_signature);
    tcase_add_test(tcase, missing_and_malformed_signatures_are_refused);
    tcase_add_loop_test(tcase, an_id_that_is_not_32_hex_digits_is_never_signed, 0,
                        (int)ARRAY_COUNT(bad_ids));
    tcase_add_test(tcase, threads_do_not_disturb_each_other);
    tcase_add_loop_test(tcase, a_secret_is_64_hex_digits_and_perhaps_a_newline, 0,
                        (int)ARRAY_COUNT(files));
    tcase_add_loop_test(tcase, a_file_that_others_can_read_is_refused, 0, (int)ARRAY_COUNT(modes));
    tcase_add_test(tcase, links_are_followed_and_what_they_lead_to_counts);
    tcase_add_test(tcase, what_is_no_file_is_refused_without_waiting);
}

int main(void)
{
    return suite_run("inner", add_tests);
}
