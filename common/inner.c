#include "inner.h"

#include <assert.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Looking up HMAC-SHA256 in OpenSSL 3 costs several times what signing a small request does, so each
 * thread keeps one context and only changes its key. Holds no secret between calls that matters more
 * than the caller's copy; freed with its thread. */
static pthread_once_t context_once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static bool context_key_is_made;

static void context_free(void *context)
{
    EVP_MAC_CTX_free(context);
}

static void context_key_make(void)
{
    context_key_is_made = pthread_key_create(&context_key, context_free) == 0;
}

static EVP_MAC_CTX *context_new(void)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac); /* NULL is fine; takes a reference of its own */
    EVP_MAC_free(mac);
    char digest[] = "SHA256"; /* OSSL_PARAM wants it writable */
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    if (context && EVP_MAC_CTX_set_params(context, parameters) != 1) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}

static EVP_MAC_CTX *context_of_thread(void)
{
    if (pthread_once(&context_once, context_key_make) != 0 || !context_key_is_made)
        return NULL;
    EVP_MAC_CTX *context = pthread_getspecific(context_key);
    if (context)
        return context;
    context = context_new();
    if (context && pthread_setspecific(context_key, context) != 0) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}

/* ---- the secret's file ---- */

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

static int secret_decode(const char *text, size_t count, struct inner_secret *ret_secret)
{
    enum { DIGITS = 2 * INNER_SECRET_BYTES };
    if (count == DIGITS + 1 && text[DIGITS] == '\n')
        count--;
    if (count != DIGITS)
        return -EINVAL;
    for (size_t i = 0; i < INNER_SECRET_BYTES; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        ret_secret->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* Follows links: Kubernetes mounts a Secret as one. What counts is the file that was opened. */
static int verify_private(int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    mode_t mode = status.st_mode & ALLPERMS;
    bool is_within_0600 = (mode & ~(mode_t)0600) == 0;
    bool is_within_0440 = (mode & ~(mode_t)0440) == 0;
    return is_within_0600 || is_within_0440 ? 0 : -EPERM;
}

int inner_secret_read(const char *path, struct inner_secret *ret_secret)
{
    /* O_NONBLOCK: a FIFO in the file's place must not hang the start. */
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int r = verify_private(fd);
    if (r < 0)
        return r;

    char text[2 * INNER_SECRET_BYTES + 2]; /* one more than allowed, to notice what is too long */
    size_t count = 0;
    while (count < sizeof(text)) {
        ssize_t got = read(fd, text + count, sizeof(text) - count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        count += (size_t)got;
    }
    struct inner_secret secret;
    r = secret_decode(text, count, &secret);
    if (r == 0 && !context_of_thread())
        r = -ENOMEM;
    if (r == 0)
        *ret_secret = secret;
    OPENSSL_cleanse(text, sizeof(text));
    OPENSSL_cleanse(&secret, sizeof(secret));
    return r;
}

const char *inner_secret_mend(int error)
{
    switch (-error) {
    case EPERM:
        return "others may read the file; chmod 600 it, or 440";
    case EINVAL:
        return "it is not a file of 64 hex digits; openssl rand -hex 32 makes them";
    case ENOENT:
        return "there is no such file; openssl rand -hex 32 makes its content";
    default:
        return "the file cannot be read by the account that starts this program";
    }
}

/* ---- signatures ---- */

/* Both ends must mean the same bytes by "run\n" id "\n" …: an id is hex digits and nothing else. */
static bool is_id(const char *id)
{
    size_t count = strnlen(id, INNER_ID_CHARS + 1);
    for (size_t i = 0; i < count; i++) {
        if (hex_digit(id[i]) < 0)
            return false;
    }
    return count == INNER_ID_CHARS;
}

static int sign(const struct inner_secret *secret, const char *head, const void *body,
                size_t body_bytes, char ret_signature[INNER_SIGNATURE_CHARS + 1])
{
    uint8_t mac[INNER_SIGNATURE_CHARS / 2];
    size_t mac_bytes = 0;
    EVP_MAC_CTX *context = context_of_thread();
    if (!context)
        return -ENOMEM;
    if (EVP_MAC_init(context, secret->bytes, sizeof(secret->bytes), NULL) != 1 ||
        EVP_MAC_update(context, (const uint8_t *)head, strlen(head)) != 1 ||
        (body_bytes > 0 && EVP_MAC_update(context, body, body_bytes) != 1) ||
        EVP_MAC_final(context, mac, &mac_bytes, sizeof(mac)) != 1)
        return -ENOMEM;
    assert(mac_bytes == sizeof(mac));

    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof(mac); i++) {
        ret_signature[2 * i] = digits[mac[i] >> 4];
        ret_signature[2 * i + 1] = digits[mac[i] & 15];
    }
    ret_signature[INNER_SIGNATURE_CHARS] = '\0';
    return 0;
}

int inner_sign_run(const struct inner_secret *secret, const char *id, uint32_t deadline_ms,
                   const void *body, size_t body_bytes,
                   char ret_signature[INNER_SIGNATURE_CHARS + 1])
{
    if (!is_id(id))
        return -EINVAL;
    char head[INNER_ID_CHARS + 32];
    int length = snprintf(head, sizeof(head), "run\n%s\n%u\n", id, (unsigned)deadline_ms);
    assert(length > 0 && (size_t)length < sizeof(head));
    return sign(secret, head, body, body_bytes, ret_signature);
}

int inner_sign_answer(const struct inner_secret *secret, const char *id,
                      char ret_signature[INNER_SIGNATURE_CHARS + 1])
{
    if (!is_id(id))
        return -EINVAL;
    char head[INNER_ID_CHARS + 16];
    int length = snprintf(head, sizeof(head), "answer\n%s", id);
    assert(length > 0 && (size_t)length < sizeof(head));
    return sign(secret, head, NULL, 0, ret_signature);
}

/* r: what making the expected signature returned. */
static int compare(int r, const char *expected, const char *signature)
{
    if (r == -EINVAL) /* an id that nobody can have signed */
        return -EACCES;
    if (r < 0)
        return r;
    if (!signature || strnlen(signature, INNER_SIGNATURE_CHARS + 1) != INNER_SIGNATURE_CHARS)
        return -EACCES;
    return CRYPTO_memcmp(expected, signature, INNER_SIGNATURE_CHARS) == 0 ? 0 : -EACCES;
}

int inner_check_run(const struct inner_secret *secret, const char *id, uint32_t deadline_ms,
                    const void *body, size_t body_bytes, const char *signature)
{
    char expected[INNER_SIGNATURE_CHARS + 1];
    int r = inner_sign_run(secret, id, deadline_ms, body, body_bytes, expected);
    return compare(r, expected, signature);
}

int inner_check_answer(const struct inner_secret *secret, const char *id, const char *signature)
{
    char expected[INNER_SIGNATURE_CHARS + 1];
    int r = inner_sign_answer(secret, id, expected);
    return compare(r, expected, signature);
}
