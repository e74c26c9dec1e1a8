#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "client_key.h"
#include "fair_queue.h"
#include "suite.h"

enum { ENTRIES = 4000 };
static struct fair_entry entries[ENTRIES];
static struct fair_queue *queue;

static struct client_key client(uint64_t number)
{
    return (struct client_key){1, number};
}

static void make(size_t count_max, size_t client_max)
{
    memset(entries, 0, sizeof(entries));
    ck_assert_int_eq(fair_queue_create(count_max, client_max, &queue), 0);
}

static void drop(void)
{
    while (fair_queue_pop(queue))
        continue;
    fair_queue_free(queue);
    queue = NULL;
}

/* Pushes an entry for each digit, a client's number, and pops all: entries as letters. */
static void check_order(const char *clients, const char *expected)
{
    char order[64] = "";
    size_t count = strlen(clients);
    make(100, 100);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(fair_queue_push(queue, client((uint64_t)clients[i]), &entries[i]), 0);
    for (size_t i = 0; i < count; i++)
        order[i] = (char)('a' + (fair_queue_pop(queue) - entries));
    ck_assert_str_eq(order, expected);
    ck_assert_ptr_null(fair_queue_pop(queue));
    drop();
}

START_TEST(one_client_is_served_in_order)
{
    check_order("11111", "abcde");
}
END_TEST

START_TEST(clients_are_served_in_turn)
{
    check_order("111222", "adbecf");
    check_order("11111112", "ahbcdefg");
    check_order("1111223", "aegbfcd");
}
END_TEST

START_TEST(a_newcomer_starts_after_at_most_one_of_each_other_client)
{
    make(ENTRIES, ENTRIES);
    size_t used = 0;
    for (uint64_t number = 0; number < 50; number++) {
        for (int i = 0; i < 20; i++)
            ck_assert_int_eq(fair_queue_push(queue, client(number), &entries[used++]), 0);
    }
    for (int i = 0; i < 7; i++)
        ck_assert_ptr_nonnull(fair_queue_pop(queue));
    struct fair_entry *newcomer = &entries[used];
    ck_assert_int_eq(fair_queue_push(queue, client(99), newcomer), 0);
    size_t before = 0;
    while (fair_queue_pop(queue) != newcomer)
        before++;
    ck_assert_uint_le(before, 50);
    drop();
}
END_TEST

START_TEST(a_client_that_emptied_its_line_does_not_get_two_turns)
{
    make(100, 100);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(fair_queue_push(queue, client(1), &entries[i]), 0);
    ck_assert_int_eq(fair_queue_push(queue, client(2), &entries[10]), 0);
    ck_assert_ptr_eq(fair_queue_pop(queue), &entries[0]);
    ck_assert_ptr_eq(fair_queue_pop(queue), &entries[10]);
    ck_assert_int_eq(fair_queue_push(queue, client(2), &entries[11]), 0);
    ck_assert_ptr_eq(fair_queue_pop(queue), &entries[1]);
    ck_assert_ptr_eq(fair_queue_pop(queue), &entries[11]);
    drop();
}
END_TEST

START_TEST(the_bounds_hold_exactly)
{
    make(3, 2);
    ck_assert_int_eq(fair_queue_push(queue, client(1), &entries[0]), 0);
    ck_assert_int_eq(fair_queue_push(queue, client(1), &entries[1]), 0);
    ck_assert_int_eq(fair_queue_push(queue, client(1), &entries[2]), -EDQUOT);
    ck_assert_int_eq(fair_queue_push(queue, client(2), &entries[2]), 0);
    ck_assert_int_eq(fair_queue_push(queue, client(3), &entries[3]), -EBUSY);
    ck_assert_uint_eq(fair_queue_count(queue), 3);
    ck_assert_int_eq(fair_queue_push_more(queue, client(1), &entries[3]), 0);
    ck_assert_uint_eq(fair_queue_count(queue), 4);
    drop();
    make(0, 2);
    ck_assert_int_eq(fair_queue_push(queue, client(1), &entries[0]), -EBUSY);
    drop();
}
END_TEST

START_TEST(an_entry_leaves_from_any_place)
{
    make(100, 100);
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(fair_queue_push(queue, client(i < 4 ? 1 : 2), &entries[i]), 0);
    fair_queue_remove(queue, &entries[0]);
    fair_queue_remove(queue, &entries[2]);
    fair_queue_remove(queue, &entries[2]); /* not in: nothing happens */
    fair_queue_remove(queue, &entries[4]);
    ck_assert_uint_eq(fair_queue_count(queue), 2);
    ck_assert_ptr_eq(fair_queue_pop(queue), &entries[1]);
    fair_queue_remove(queue, &entries[3]);
    ck_assert_ptr_null(fair_queue_pop(queue));
    drop();
}
END_TEST

START_TEST(many_clients_come_and_go)
{
    unsigned long long state = 11;
    make(ENTRIES, ENTRIES);
    size_t queued = 0;
    for (int round = 0; round < 60000; round++) {
        struct fair_entry *entry = &entries[suite_random(&state) % ENTRIES];
        if (entry->line) {
            fair_queue_remove(queue, entry);
            queued--;
        } else {
            uint64_t number = suite_random(&state) % 3000;
            ck_assert_int_eq(fair_queue_push(queue, client(number), entry), 0);
            queued++;
        }
        ck_assert_uint_eq(fair_queue_count(queue), queued);
    }
    for (; queued > 0; queued--)
        ck_assert_ptr_nonnull(fair_queue_pop(queue));
    drop();
}
END_TEST

static struct client_key key_of(const char *text)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = 7};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = 9};
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
        memcpy(&address, &ipv4, sizeof(ipv4));
    else if (inet_pton(AF_INET6, text, &ipv6.sin6_addr) == 1)
        memcpy(&address, &ipv6, sizeof(ipv6));
    return client_key_of_address((struct sockaddr *)&address);
}

static const struct {
    const char *a, *b;
    bool same;
} pairs[] = {
    {"10.0.0.1", "10.0.0.1", true},
    {"10.0.0.1", "10.0.0.2", false},
    {"::ffff:10.0.0.1", "10.0.0.1", true},
    {"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
    {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
    {"::1", "0.0.0.0", false},
    {"unix", "elsewhere", true},
    {"unix", "0.0.0.0", false},
};

START_TEST(a_client_is_an_ipv4_address_or_an_ipv6_network)
{
    struct client_key a = key_of(pairs[_i].a);
    struct client_key b = key_of(pairs[_i].b);
    ck_assert_int_eq(a.kind == b.kind && a.value == b.value, pairs[_i].same);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, one_client_is_served_in_order);
    tcase_add_test(tcase, clients_are_served_in_turn);
    tcase_add_test(tcase, a_newcomer_starts_after_at_most_one_of_each_other_client);
    tcase_add_test(tcase, a_client_that_emptied_its_line_does_not_get_two_turns);
    tcase_add_test(tcase, the_bounds_hold_exactly);
    tcase_add_test(tcase, an_entry_leaves_from_any_place);
    tcase_add_test(tcase, many_clients_come_and_go);
    tcase_add_loop_test(tcase, a_client_is_an_ipv4_address_or_an_ipv6_network, 0, 8);
}

int main(void)
{
    return suite_run("fair_queue", add_tests);
}
