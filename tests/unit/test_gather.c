/* test_gather.c - how long answers are let gather, turn by turn. */
#include "loop/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LIMIT_US 250

/* A port, and a socket on it whose peer answers one request in answer_us, one after the other. */
typedef struct world {
    rp_port port;
    rp_socket socket;
    rp_gather gather;
    uint32_t answer_us;
    uint32_t slept_us; /* by the last turn */
} world;

static void world_init(world *w, uint32_t limit_us, uint32_t answer_us)
{
    *w = (world){.answer_us = answer_us};
    w->socket.port = &w->port;
    rp__gather_init(&w->gather, limit_us);
}

/* A turn that waits and finds count answers, then asks for as many as bring them up to awaited. */
static void turn_finding(world *w, uint32_t count, uint32_t awaited)
{
    w->slept_us = rp__gather_begin(&w->gather, &w->port);
    if (count > w->socket.awaited)
        count = w->socket.awaited;
    rp__socket_await(&w->socket, w->socket.awaited - count);
    rp__gather_end(&w->gather, &w->port);
    rp__socket_await(&w->socket, awaited);
}

/* What it finds is what came while it slept, and while the client was busy. */
static uint32_t turn_working(world *w, uint32_t busy_us, uint32_t awaited)
{
    uint32_t before = w->socket.awaited;
    uint32_t sleeps_us = rp__gather_begin(&w->gather, &w->port);
    uint32_t came = (busy_us + sleeps_us) / w->answer_us;
    if (came > before)
        came = before;
    turn_finding(w, came > 0 ? came : 1, awaited);
    return w->slept_us;
}

static void waits_for_half(void **state)
{
    world w;
    (void)state;
    world_init(&w, LIMIT_US, 4);
    rp__socket_await(&w.socket, 100);
    for (unsigned i = 0; i < 50; i++)
        (void)turn_working(&w, 20, 100);
    for (unsigned i = 0; i < 50; i++) {
        uint32_t slept_us = turn_working(&w, 20, 100);
        assert_in_range(slept_us, 50 * 4 / 2, 50 * 4 + 4);
    }
}

/* The bound holds, and a peer that has a hundred answers in less is never left without work. */
static void waits_no_longer_than_it_may(void **state)
{
    static const uint32_t answers_us[] = {1, 2, 10, 100, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof(answers_us) / sizeof(answers_us[0]); i++) {
        world w;
        world_init(&w, LIMIT_US, answers_us[i]);
        rp__socket_await(&w.socket, 100);
        for (unsigned turn = 0; turn < 200; turn++) {
            uint32_t slept_us = turn_working(&w, 20, 100);
            assert_in_range(slept_us, 0, LIMIT_US);
            if (turn > 20)
                assert_in_range(slept_us, 0, 50 * answers_us[i]);
        }
        turn_finding(&w, 90, 100);
        w.gather.span_us = 10 * LIMIT_US; /* whatever it learned */
        turn_finding(&w, 1, 100);
        assert_in_range(w.slept_us, 0, LIMIT_US);
    }
}

static world busy_world(void)
{
    world w;
    world_init(&w, LIMIT_US, 4);
    w.gather = (rp_gather){.limit_us = LIMIT_US, .span_us = 200, .recent = 50};
    return w;
}

static void few_are_not_waited_for(void **state)
{
    world w = busy_world();
    (void)state;
    w.socket.port = &w.port;
    rp__socket_await(&w.socket, RP_GATHER_AWAITED_LEAST);
    turn_finding(&w, 8, RP_GATHER_AWAITED_LEAST - 1);
    assert_in_range(w.slept_us, 100, LIMIT_US);
    turn_finding(&w, 1, 1); /* the slow one of a hundred */
    assert_int_equal(w.slept_us, 0);
    turn_finding(&w, 1, 0);
    assert_int_equal(w.slept_us, 0);
}

/* A hundred slow ones beside a quick one: soon nobody waits for them. */
static void slow_ones_are_not_waited_for(void **state)
{
    world w = busy_world();
    unsigned waits = 0;
    (void)state;
    w.socket.port = &w.port;
    rp__socket_await(&w.socket, 101);
    for (unsigned i = 0; i < 100; i++) {
        turn_finding(&w, 1, 101);
        waits += w.slept_us > 0;
    }
    assert_in_range(waits, 0, 12);
    assert_int_equal(w.slept_us, 0);
    /* Nothing at all came for a while: the same. */
    w.gather.recent = 50;
    for (unsigned i = 0; i < 20; i++)
        turn_finding(&w, 0, 101);
    assert_int_equal(w.slept_us, 0);
}

/* Turns that do not wait, and bring nothing, say nothing. */
static void turns_without_a_wait_do_not_count(void **state)
{
    world w = busy_world();
    (void)state;
    w.socket.port = &w.port;
    rp__socket_await(&w.socket, 100);
    for (unsigned i = 0; i < 100; i++)
        rp__gather_end(&w.gather, &w.port);
    turn_finding(&w, 50, 100);
    assert_int_equal(w.slept_us, 200);
}

static void can_be_switched_off(void **state)
{
    world w;
    (void)state;
    world_init(&w, 0, 4);
    rp__socket_await(&w.socket, 100);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(turn_working(&w, 20, 100), 0);
}

static void keeps_account(void **state)
{
    world w;
    (void)state;
    world_init(&w, LIMIT_US, 4);
    rp_socket other = {.port = &w.port};
    rp__socket_await(&w.socket, 10);
    rp__socket_await(&other, 7);
    rp__socket_await(&w.socket, 4);
    assert_int_equal(w.port.awaited, 11);
    assert_int_equal(w.port.answered, 6);
    rp__socket_await(&w.socket, 8);
    rp__socket_await(&other, 0);
    assert_int_equal(w.port.awaited, 8);
    assert_int_equal(w.port.answered, 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_half),
        cmocka_unit_test(waits_no_longer_than_it_may),
        cmocka_unit_test(few_are_not_waited_for),
        cmocka_unit_test(slow_ones_are_not_waited_for),
        cmocka_unit_test(turns_without_a_wait_do_not_count),
        cmocka_unit_test(can_be_switched_off),
        cmocka_unit_test(keeps_account),
    };
    return cmocka_run_group_tests_name("gather", tests, NULL, NULL);
}
