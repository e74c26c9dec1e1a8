#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "fixture.h"
#include "resolver.h"
#include "suite.h"

/* What the fake DNS answers; changed by the tests while the resolver's thread asks. */
static atomic_int answer_count; /* addresses, or -1: it fails, -2: it hangs */
static pthread_mutex_t hang = PTHREAD_MUTEX_INITIALIZER; /* held by the test meanwhile */
static atomic_uint asked_count;

static struct loop *loop;
static struct resolver *resolver;
static struct settings_list names;
static char told[256]; /* the addresses told last: "10.0.0.1:80 ..." */
static unsigned told_count;

static int look_up(const char *host, const char *port, const struct addrinfo *hints,
                   struct addrinfo **ret)
{
    ck_assert_str_eq(host, "executors.example");
    ck_assert_int_eq(hints->ai_socktype, SOCK_STREAM);
    atomic_fetch_add(&asked_count, 1);
    int count = atomic_load(&answer_count);
    if (count == -2) {
        pthread_mutex_lock(&hang);
        pthread_mutex_unlock(&hang);
    }
    if (count < 0)
        return EAI_AGAIN;
    *ret = NULL;
    for (int i = count; i > 0; i--) {
        struct addrinfo *info = calloc(1, sizeof(*info) + sizeof(struct sockaddr_in));
        struct sockaddr_in *ipv4 = (struct sockaddr_in *)(info + 1);
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons((uint16_t)strtoul(port, NULL, 10));
        ipv4->sin_addr.s_addr = htonl(0x0a000000 + (uint32_t)i);
        info->ai_family = AF_INET;
        info->ai_addr = (struct sockaddr *)ipv4;
        info->ai_addrlen = sizeof(*ipv4);
        info->ai_next = *ret;
        *ret = info;
    }
    return 0;
}

static void release(struct addrinfo *info)
{
    while (info) {
        struct addrinfo *next = info->ai_next;
        free(info);
        info = next;
    }
}

static void on_addresses(void *context, const struct sockaddr_storage *addresses, size_t count)
{
    (void)context;
    told[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char host[INET6_ADDRSTRLEN];
        unsigned port;
        if (addresses[i].ss_family == AF_INET6) {
            struct sockaddr_in6 ipv6;
            memcpy(&ipv6, &addresses[i], sizeof(ipv6));
            (void)inet_ntop(AF_INET6, &ipv6.sin6_addr, host, sizeof(host));
            port = ntohs(ipv6.sin6_port);
        } else {
            struct sockaddr_in ipv4;
            memcpy(&ipv4, &addresses[i], sizeof(ipv4));
            (void)inet_ntop(AF_INET, &ipv4.sin_addr, host, sizeof(host));
            port = ntohs(ipv4.sin_port);
        }
        size_t used = strlen(told);
        (void)snprintf(told + used, sizeof(told) - used, "%s%s:%u", i == 0 ? "" : " ", host, port);
    }
    told_count++;
}

static int make(char **items, size_t count, const char **ret_bad)
{
    names = (struct settings_list){items, count};
    const struct resolver_config config = {
        .loop = loop,
        .names = &names,
        .interval_ms = 10,
        .on_addresses = on_addresses,
        .look_up = look_up,
        .release = release,
    };
    return resolver_create(&config, &resolver, ret_bad);
}

static void setup(void)
{
    ck_assert_int_eq(loop_create(&loop), 0);
    told_count = 0;
    atomic_store(&asked_count, 0);
}

static void teardown(void)
{
    resolver_free(resolver);
    resolver = NULL;
    loop_free(loop);
}

/* Runs the loop until that was told. */
static void until_told(const char *expected)
{
    struct fixture fixture = {.loop = loop};
    uint64_t until_us = clock_now_us() + 5000000;
    while (strcmp(told, expected) != 0 || told_count == 0) {
        ck_assert_msg(clock_now_us() < until_us, "\"%s\" was told, not \"%s\"", told, expected);
        fixture_run_ms(&fixture, 2);
    }
}

START_TEST(numeric_addresses_need_no_looking_up)
{
    char a[] = "127.0.0.1:8081";
    char b[] = "[::1]:65535";
    char *items[] = {a, b};
    const char *bad;
    ck_assert_int_eq(make(items, 2, &bad), 0);
    until_told("127.0.0.1:8081 ::1:65535");
    ck_assert_uint_eq(atomic_load(&asked_count), 0);
    teardown();
}
END_TEST

START_TEST(no_names_are_no_addresses)
{
    const char *bad;
    ck_assert_int_eq(make(NULL, 0, &bad), 0);
    until_told("");
    teardown();
}
END_TEST

START_TEST(a_name_stands_for_all_its_addresses_and_is_looked_up_again)
{
    char a[] = "executors.example:81";
    char b[] = "127.0.0.1:8081";
    char *items[] = {a, b};
    const char *bad;
    atomic_store(&answer_count, 2);
    ck_assert_int_eq(make(items, 2, &bad), 0);
    until_told("10.0.0.1:81 10.0.0.2:81 127.0.0.1:8081");
    atomic_store(&answer_count, 3);
    until_told("10.0.0.1:81 10.0.0.2:81 10.0.0.3:81 127.0.0.1:8081");
    atomic_store(&answer_count, 1);
    until_told("10.0.0.1:81 127.0.0.1:8081");
    teardown();
}
END_TEST

static void check_kept_while(int failing)
{
    char a[] = "executors.example:81";
    char *items[] = {a};
    const char *bad;
    struct fixture fixture = {.loop = loop};
    atomic_store(&answer_count, 2);
    ck_assert_int_eq(make(items, 1, &bad), 0);
    until_told("10.0.0.1:81 10.0.0.2:81");
    atomic_store(&answer_count, failing);
    unsigned asked = atomic_load(&asked_count);
    while (atomic_load(&asked_count) < asked + 3)
        fixture_run_ms(&fixture, 2);
    ck_assert_str_eq(told, "10.0.0.1:81 10.0.0.2:81");
    atomic_store(&answer_count, 1);
    until_told("10.0.0.1:81");
    teardown();
}

START_TEST(the_last_good_addresses_stay_while_a_look_up_fails)
{
    check_kept_while(-1);
}
END_TEST

START_TEST(the_last_good_addresses_stay_while_an_answer_is_empty)
{
    check_kept_while(0);
}
END_TEST

START_TEST(a_look_up_that_hangs_stops_neither_the_loop_nor_the_end)
{
    char a[] = "executors.example:81";
    char b[] = "127.0.0.1:8081";
    char *items[] = {a, b};
    const char *bad;
    atomic_store(&answer_count, -2);
    pthread_mutex_lock(&hang);
    ck_assert_int_eq(make(items, 2, &bad), 0);
    until_told("127.0.0.1:8081");
    uint64_t begun_us = clock_now_us();
    teardown();
    ck_assert_uint_lt(clock_now_us() - begun_us, 1000000);
    pthread_mutex_unlock(&hang); /* the thread ends by itself */
}
END_TEST

static const char *const bad_names[] = {
    "",        "host",    "host:",    ":80",    "host:0", "host:65536",
    "host:8x", "host:-1", "host: 80", "::1:80", "[]:80",  "[::1:80",
};

START_TEST(what_is_not_host_and_port_is_refused_by_name)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "%s", bad_names[_i]);
    char good[] = "127.0.0.1:1";
    char *items[] = {good, name};
    const char *bad = NULL;
    ck_assert_int_eq(make(items, 2, &bad), -EINVAL);
    ck_assert_str_eq(bad, bad_names[_i]);
    teardown();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, numeric_addresses_need_no_looking_up);
    tcase_add_test(tcase, no_names_are_no_addresses);
    tcase_add_test(tcase, a_name_stands_for_all_its_addresses_and_is_looked_up_again);
    tcase_add_test(tcase, the_last_good_addresses_stay_while_a_look_up_fails);
    tcase_add_test(tcase, the_last_good_addresses_stay_while_an_answer_is_empty);
    tcase_add_test(tcase, a_look_up_that_hangs_stops_neither_the_loop_nor_the_end);
    tcase_add_loop_test(tcase, what_is_not_host_and_port_is_refused_by_name, 0,
                        ARRAY_COUNT(bad_names));
}

int main(void)
{
    return suite_run("resolver", add_tests);
}
