/* test_pool.c - what becomes of requests while connections can't be opened, in virtual time. */
#include "support/check.h"
#include "support/play.h"

#define MS_NS ((uint64_t)1000000)

/* Every answer takes ten seconds. */
static void slow(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_wait(x, 10000);
    rp_sim_respond(x, 200, NULL, "", 0);
}

/* A server that refuses a second connection is asked for it again, though the first one serves on:
 * who waits does not wait for that one alone. */
static void test_refused_is_tried_again(void **state)
{
    (void)state;
    play p;
    call first = {0}, second = {0};
    rp_sim_server_options serving = {.on_request = slow};
    play_begin(&p, &(play_options){.server = &serving, .version = 13});
    call_start(&first, &p, NULL);
    while (rp_sim_now_ns(p.sim) < 100 * MS_NS)
        (void)rp_loop_turn(p.loop, 1);
    rp_sim_fault_at(p.sim, RP_SIM_CONNECT_REFUSED, 1);
    call_start(&second, &p, NULL);
    call_wait(&second, &p);
    call_wait(&first, &p);
    assert_int_equal(rp_sim_fault_count(p.sim, RP_SIM_CONNECT_REFUSED), 1);
    assert_int_equal(first.status, 200);
    assert_int_equal(second.status, 200);
    /* A quarter of a second, and the answer. */
    assert_in_range(second.took_ns, 10250 * MS_NS, 10300 * MS_NS);
    play_end(&p);
}

/* The first request of a connection is answered, the second one swallowed. */
static void swallow(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (rp_sim_served(x) == 0)
        rp_sim_respond(x, 200, NULL, "", 0);
    else
        rp_sim_end(x, RP_SIM_END_RESET);
}

/* A replay that can't even connect sent nothing itself; but the server had the request before. */
static void test_failed_replay_is_not_safe_to_repeat(void **state)
{
    (void)state;
    play p;
    call first = {0}, second = {0};
    rp_sim_server_options serving = {.on_request = swallow};
    play_begin(&p, &(play_options){.server = &serving, .version = 13});
    call_start(&first, &p, NULL);
    call_wait(&first, &p);
    assert_int_equal(first.status, 200);
    rp_sim_fault_at(p.sim, RP_SIM_CONNECT_REFUSED, 1);
    call_bad(&second, &p, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, NULL);
    assert_false(second.error.replay_safe);
    assert_int_equal(rp_sim_fault_count(p.sim, RP_SIM_CONNECT_REFUSED), 1);
    play_end(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_is_tried_again),
        cmocka_unit_test(test_failed_replay_is_not_safe_to_repeat),
    };
    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
