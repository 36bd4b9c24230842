/* test_gather.c - how many answers are waited for, receive by receive. */
#include "loop/gather.h"
#include "loop/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define EACH 240u
#define ALL UINT32_MAX

static rp_gather brought(uint32_t answers)
{
    rp_gather gather = {0};
    rp__gather_note(&gather, answers, (size_t)answers * EACH, false);
    return gather;
}

static void waits_for_half(void **state)
{
    (void)state;
    for (uint32_t awaited = RP_GATHER_AWAITED_LEAST; awaited <= 250; awaited++) {
        rp_gather gather = brought(awaited);
        assert_int_equal(rp__gather_bytes(&gather, awaited, ALL), awaited / 2 * EACH);
    }
}

/* It begins with whatever comes, and grows as the peer does. */
static void grows_to_half(void **state)
{
    rp_gather gather = {0};
    uint32_t waited = rp__gather_bytes(&gather, 100, ALL);
    (void)state;
    assert_int_equal(waited, 1);
    for (uint32_t came = 2; came < 50; came *= 2) {
        rp__gather_note(&gather, came, (size_t)came * EACH, false);
        waited = rp__gather_bytes(&gather, 100, ALL);
        assert_int_equal(waited, came * 2 < 50 ? came * 2 * EACH : 50 * EACH);
    }
    assert_int_equal(waited, 50 * EACH);
}

static void waits_for_no_more_than_may_come(void **state)
{
    rp_gather gather = brought(100);
    (void)state;
    assert_int_equal(rp__gather_bytes(&gather, 100, 20), 20 * EACH);
    assert_int_equal(rp__gather_bytes(&gather, 100, RP_GATHER_ANSWERS_LEAST),
                     RP_GATHER_ANSWERS_LEAST * EACH);
    assert_int_equal(rp__gather_bytes(&gather, 100, RP_GATHER_ANSWERS_LEAST - 1), 1);
    assert_int_equal(rp__gather_bytes(&gather, 100, 0), 1);
}

static void few_are_not_waited_for(void **state)
{
    rp_gather gather = brought(100);
    (void)state;
    assert_int_equal(rp__gather_bytes(&gather, RP_GATHER_AWAITED_LEAST, ALL),
                     RP_GATHER_AWAITED_LEAST / 2 * EACH);
    for (uint32_t awaited = 0; awaited < RP_GATHER_AWAITED_LEAST; awaited++)
        assert_int_equal(rp__gather_bytes(&gather, awaited, ALL), 1);
}

/* A hundred slow ones beside a quick one: soon nobody waits for them. */
static void slow_ones_are_not_waited_for(void **state)
{
    rp_gather gather = brought(50);
    unsigned waits = 0;
    (void)state;
    while (rp__gather_bytes(&gather, 101, ALL) > 1 && waits < 100) {
        rp__gather_note(&gather, 1, EACH, false);
        waits++;
    }
    assert_in_range(waits, 1, 12);
    gather = brought(50); /* and at once, where what came was cut */
    rp__gather_note(&gather, 1, EACH, true);
    assert_int_equal(rp__gather_bytes(&gather, 101, ALL), 1);
    gather = brought(50);
    rp__gather_note(&gather, 0, 10, true);
    assert_int_equal(rp__gather_bytes(&gather, 101, ALL), 1);
}

/* Large ones come in many receives, most of which bring none to its end. */
static void knows_the_size_of_answers(void **state)
{
    rp_gather gather = brought(8);
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        for (unsigned piece = 0; piece < 9; piece++)
            rp__gather_note(&gather, 0, 100, false);
        rp__gather_note(&gather, 1, 100, false);
    }
    assert_in_range(gather.answer_bytes, 990, 1000);
    rp__gather_note(&gather, 8, 8000, false);
    assert_in_range(rp__gather_bytes(&gather, 16, ALL), 8 * 990, 8 * 1000);
}

static void huge_ones_are_bounded(void **state)
{
    rp_gather gather = brought(50);
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        rp__gather_note(&gather, 0, SIZE_MAX, false);
    rp__gather_note(&gather, 50, SIZE_MAX, false);
    assert_int_equal(rp__gather_bytes(&gather, UINT32_MAX, ALL), RP_GATHER_BYTES_MOST);
    rp__gather_note(&gather, ALL, 0, false); /* of no size: nothing to wait for */
    gather.answer_bytes = 0;
    assert_int_equal(rp__gather_bytes(&gather, UINT32_MAX, ALL), 1);
}

static void learns_the_pace(void **state)
{
    rp_pace pace = {0};
    uint64_t now_ns = 5000000000;
    (void)state;
    assert_int_equal(rp__pace_within(&pace, 1000000), 0);
    for (unsigned i = 0; i < 100; i++)
        rp__pace_note(&pace, now_ns += 10 * 8000, 10);
    assert_in_range(rp__pace_within(&pace, 800), 99, 101);
    rp__pace_note(&pace, now_ns + 7, 0); /* says nothing */
    assert_in_range(rp__pace_within(&pace, 800), 99, 101);
    /* After an hour nobody knows, and a few that come quickly say so. */
    rp__pace_note(&pace, now_ns += 3600000000000, 10);
    assert_in_range(rp__pace_within(&pace, 800), 1, 50);
    for (unsigned i = 0; i < 20; i++)
        rp__pace_note(&pace, now_ns += 10 * 8000, 10);
    assert_in_range(rp__pace_within(&pace, 800), 80, 101);
}

static void slow_is_slow(void **state)
{
    rp_pace pace = {0};
    uint64_t now_ns = 0;
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        rp__pace_note(&pace, now_ns += 100000000, 1);
    assert_in_range(rp__pace_within(&pace, 1000), 0, RP_GATHER_ANSWERS_LEAST);
}

/* A clock that stands: many come in no time. */
static void quick_is_bounded(void **state)
{
    rp_pace pace = {0};
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        rp__pace_note(&pace, 1, UINT32_MAX);
    assert_in_range(rp__pace_within(&pace, UINT32_MAX), 1000000, UINT32_MAX);
}

static void keeps_account(void **state)
{
    rp_port port = {0};
    rp_socket socket = {.port = &port}, other = {.port = &port};
    (void)state;
    rp__socket_await(&socket, 10);
    rp__socket_await(&other, 7);
    rp__socket_await(&socket, 4);
    assert_int_equal(port.awaited, 11);
    assert_int_equal(port.answered, 6);
    rp__socket_await(&socket, 8);
    rp__socket_await(&other, 0);
    assert_int_equal(port.awaited, 8);
    assert_int_equal(port.answered, 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_half),
        cmocka_unit_test(grows_to_half),
        cmocka_unit_test(waits_for_no_more_than_may_come),
        cmocka_unit_test(few_are_not_waited_for),
        cmocka_unit_test(slow_ones_are_not_waited_for),
        cmocka_unit_test(knows_the_size_of_answers),
        cmocka_unit_test(huge_ones_are_bounded),
        cmocka_unit_test(learns_the_pace),
        cmocka_unit_test(slow_is_slow),
        cmocka_unit_test(quick_is_bounded),
        cmocka_unit_test(keeps_account),
    };
    return cmocka_run_group_tests_name("gather", tests, NULL, NULL);
}
