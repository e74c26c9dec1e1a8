#include "../common/suite.h"
#include "admission.h"
#include "clock.h"
#include "world.h"

enum { SLOTS = 2, QUEUE = 3, TICKETS = 8 };

struct guest {
    struct admission_ticket ticket;
    struct hotel *hotel;
    unsigned admitted, refused;
    unsigned order; /* among those admitted, from 1 */
};

struct hotel {
    struct world world;
    struct admission *admission;
    struct guest guests[TICKETS];
    unsigned admitted_total;
};

static void on_admitted(void *context)
{
    struct guest *guest = context;
    guest->admitted++;
    guest->order = ++guest->hotel->admitted_total;
}

static void on_refused(void *context)
{
    struct guest *guest = context;
    guest->refused++;
}

static void hotel_open(struct hotel *hotel)
{
    *hotel = (struct hotel){0};
    world_open_warm(&hotel->world);
    const struct admission_config config = {
        .loop = hotel->world.loop, .pool = hotel->world.pool, .slots = SLOTS, .queue_max = QUEUE};
    ck_assert_int_eq(admission_create(&config, &hotel->admission), 0);
    for (size_t i = 0; i < TICKETS; i++) {
        hotel->guests[i].hotel = hotel;
        hotel->guests[i].ticket = (struct admission_ticket){.admission = hotel->admission,
                                                            .context = &hotel->guests[i],
                                                            .admitted = on_admitted,
                                                            .refused = on_refused};
    }
}

static void hotel_close(struct hotel *hotel)
{
    for (size_t i = 0; i < TICKETS; i++)
        admission_leave(&hotel->guests[i].ticket);
    ck_assert_uint_eq(admission_running(hotel->admission), 0);
    ck_assert_uint_eq(admission_waiting(hotel->admission), 0);
    admission_free(hotel->admission);
    world_close(&hotel->world);
}

static int enter(struct hotel *hotel, size_t i, uint64_t wait_us)
{
    return admission_enter(hotel->admission, &hotel->guests[i].ticket, wait_us);
}

START_TEST(admits_at_once_while_there_are_slots)
{
    struct hotel hotel;
    hotel_open(&hotel);
    ck_assert_int_eq(enter(&hotel, 0, 0), 0);
    ck_assert_int_eq(enter(&hotel, 1, 1000), 0);
    ck_assert_uint_eq(hotel.admitted_total, 2);
    ck_assert_uint_eq(admission_running(hotel.admission), 2);
    hotel_close(&hotel);
}
END_TEST

START_TEST(refuses_at_once_when_slots_and_queue_are_full)
{
    struct hotel hotel;
    hotel_open(&hotel);
    for (size_t i = 0; i < SLOTS + QUEUE; i++) {
        ck_assert(!admission_is_full(hotel.admission));
        ck_assert_int_eq(enter(&hotel, i, 1000000), 0);
    }
    ck_assert(admission_is_full(hotel.admission));
    ck_assert_int_eq(enter(&hotel, SLOTS + QUEUE, 1000000), -EBUSY);
    ck_assert_uint_eq(admission_waiting(hotel.admission), QUEUE);
    hotel_close(&hotel);
}
END_TEST

START_TEST(refuses_at_once_who_cannot_wait)
{
    struct hotel hotel;
    hotel_open(&hotel);
    for (size_t i = 0; i < SLOTS; i++)
        ck_assert_int_eq(enter(&hotel, i, 0), 0);
    ck_assert_int_eq(enter(&hotel, SLOTS, 0), -EBUSY);
    hotel_close(&hotel);
}
END_TEST

static bool is_third_admitted(void *context)
{
    const struct hotel *hotel = context;
    return hotel->guests[3].admitted == 1;
}

START_TEST(admits_in_the_order_of_coming_as_slots_become_free)
{
    struct hotel hotel;
    hotel_open(&hotel);
    for (size_t i = 0; i < SLOTS + QUEUE; i++)
        ck_assert_int_eq(enter(&hotel, i, 5000000), 0);
    admission_leave(&hotel.guests[1].ticket);
    ck_assert_uint_eq(hotel.admitted_total, 2); /* never from within a leave */
    admission_leave(&hotel.guests[0].ticket);
    world_run_until(&hotel.world, is_third_admitted, &hotel);
    ck_assert_uint_eq(hotel.guests[2].order, 3);
    ck_assert_uint_eq(hotel.guests[3].order, 4);
    ck_assert_uint_eq(hotel.guests[4].admitted, 0);
    hotel_close(&hotel);
}
END_TEST

START_TEST(nobody_overtakes_the_queue)
{
    struct hotel hotel;
    hotel_open(&hotel);
    for (size_t i = 0; i < SLOTS + 1; i++)
        ck_assert_int_eq(enter(&hotel, i, 5000000), 0);
    admission_leave(&hotel.guests[0].ticket);
    ck_assert_int_eq(enter(&hotel, 3, 5000000), 0); /* a slot is free, but somebody waits */
    ck_assert_uint_eq(hotel.guests[3].admitted, 0);
    world_run_ms(&hotel.world, 1);
    ck_assert_uint_eq(hotel.guests[2].admitted, 1);
    ck_assert_uint_eq(hotel.guests[3].admitted, 0);
    hotel_close(&hotel);
}
END_TEST

static bool is_refused(void *context)
{
    const struct hotel *hotel = context;
    return hotel->guests[SLOTS].refused == 1;
}

START_TEST(refuses_after_the_longest_wait)
{
    struct hotel hotel;
    hotel_open(&hotel);
    for (size_t i = 0; i < SLOTS; i++)
        ck_assert_int_eq(enter(&hotel, i, 0), 0);
    uint64_t begin_us = clock_now_us();
    ck_assert_int_eq(enter(&hotel, SLOTS, 20000), 0);
    world_run_until(&hotel.world, is_refused, &hotel);
    ck_assert_uint_ge(clock_now_us() - begin_us, 20000);
    ck_assert_uint_eq(hotel.guests[SLOTS].admitted, 0);
    ck_assert_uint_eq(admission_waiting(hotel.admission), 0);
    hotel_close(&hotel);
}
END_TEST

START_TEST(an_empty_pool_is_a_wait_too)
{
    struct hotel hotel;
    hotel_open(&hotel);
    hotel.world.fake.hold_starts = true;
    struct runner *runner = NULL;
    for (size_t i = 0; i < WORLD_WARM; i++) {
        ck_assert_int_eq(pool_take(hotel.world.pool, 1, NULL, NULL, &runner), 0);
        pool_discard(hotel.world.pool, runner);
    }
    ck_assert_int_eq(enter(&hotel, 0, 5000000), 0);
    ck_assert_uint_eq(hotel.admitted_total, 0);
    world_run_ms(&hotel.world, 2);
    ck_assert_uint_eq(hotel.admitted_total, 0);
    hotel.world.fake.hold_starts = false;
    fake_backend_look(&hotel.world.fake);
    world_run_until_warm(&hotel.world);
    admission_look(hotel.admission);
    world_run_ms(&hotel.world, 1);
    ck_assert_uint_eq(hotel.admitted_total, 1);
    hotel_close(&hotel);
}
END_TEST

START_TEST(who_leaves_the_queue_is_never_called)
{
    struct hotel hotel;
    hotel_open(&hotel);
    for (size_t i = 0; i < SLOTS + QUEUE; i++)
        ck_assert_int_eq(enter(&hotel, i, 5000), 0);
    admission_leave(&hotel.guests[3].ticket); /* the middle */
    admission_leave(&hotel.guests[2].ticket); /* the first */
    admission_leave(&hotel.guests[4].ticket); /* the last */
    admission_leave(&hotel.guests[4].ticket); /* twice is fine */
    world_run_ms(&hotel.world, 10);
    for (size_t i = 2; i <= 4; i++)
        ck_assert_uint_eq(hotel.guests[i].admitted + hotel.guests[i].refused, 0);
    hotel_close(&hotel);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, admits_at_once_while_there_are_slots);
    tcase_add_test(tcase, refuses_at_once_when_slots_and_queue_are_full);
    tcase_add_test(tcase, refuses_at_once_who_cannot_wait);
    tcase_add_test(tcase, admits_in_the_order_of_coming_as_slots_become_free);
    tcase_add_test(tcase, nobody_overtakes_the_queue);
    tcase_add_test(tcase, refuses_after_the_longest_wait);
    tcase_add_test(tcase, an_empty_pool_is_a_wait_too);
    tcase_add_test(tcase, who_leaves_the_queue_is_never_called);
}

int main(void)
{
    return suite_run("admission", add_tests);
}
