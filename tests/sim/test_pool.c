/* test_pool.c - what becomes of requests while connections can't be opened, in virtual time. */
#include "support/check.h"
#include "support/play.h"

#include <ringport/life.h>

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

/* An answer that never ends, on a connection that takes no other request: the server says so, or
 * the client has another TLS configuration by then, or as many as it may serve have had it. */
static void end_without_end(rp_sim_exchange *x, void *user)
{
    rp_sim_head(x, 200, NULL, RP_SIM_SIZE_UNKNOWN);
    rp_sim_data(x, "x", 1);
    if (*(const int *)user == 20)
        rp_sim_goaway(rp_sim_connection(x), UINT32_MAX, 0, NULL);
}

static void other_tls(play *p)
{
    rp_tls_config *other;
    CHECK(rp_tls_config_create(&other, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, NULL) == RP_OK);
    rp_client_set_tls(p->client, other);
    rp_tls_config_release(other);
}

/* Nobody waits for a connection that finishes what it has, and serves nobody else. */
static void test_refused_beside_one_that_ends(void **state)
{
    (void)state;
    for (int version = 0; version <= 20; version += 10) { /* 0: HTTP/1.1, once each */
        play p;
        call endless = {0}, c = {0};
        rp_request_options options = {.idle_timeout_ms = RP_NEVER_MS};
        rp_client_options client = {.requests_per_connection = version == 0};
        rp_sim_server_options serving = {.on_request = end_without_end, .user = &version};
        serving.versions = version == 20 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1;
        play_begin(&p, &(play_options){.server = &serving, .version = 13, .client = &client});
        call_start(&endless, &p, &options);
        while (endless.body_bytes == 0)
            (void)rp_loop_turn(p.loop, RP_NEVER_MS);
        rp_sim_run_ms(p.sim, 300); /* what it takes at once need not be waited for */
        if (version == 10)
            other_tls(&p);
        rp_sim_fault_set(p.sim, RP_SIM_CONNECT_REFUSED, 1000000);
        call_start(&c, &p, NULL);
        rp_sim_run_ms(p.sim, 1000);
        assert_int_equal(c.dones, 1);
        assert_int_equal(c.error.status, RP_E_CONNECT_REFUSED);
        assert_int_equal(endless.dones, 0);
        rp_request_cancel(endless.request);
        call_wait(&endless, &p);
        play_end(&p);
    }
}

/* Nor for what it would have said of itself: GOAWAY came along with its SETTINGS. */
static void test_goaway_at_once(void **state)
{
    (void)state;
    play p;
    call endless = {0}, c = {0};
    int version = 20;
    rp_sim_server_options serving = {.on_request = end_without_end, .user = &version};
    serving.versions = RP_SIM_HTTP_2;
    play_begin(&p, &(play_options){.server = &serving, .version = 13});
    call_start(&endless, &p, NULL);
    while (endless.body_bytes == 0)
        (void)rp_loop_turn(p.loop, RP_NEVER_MS);
    rp_sim_run_ms(p.sim, 10);
    call_start(&c, &p, NULL);
    rp_sim_run_ms(p.sim, 100);
    assert_int_equal(c.status, 200);
    rp_client_cancel_all(p.client);
    call_wait(&endless, &p);
    call_wait(&c, &p);
    play_end(&p);
}

/* Nor for one whose answer has no end, longer than a connection may take. */
static void test_refused_beside_an_endless_answer(void **state)
{
    (void)state;
    play p;
    call endless = {0}, c = {0};
    int version = 0;
    rp_request_options options = {.idle_timeout_ms = RP_NEVER_MS};
    rp_client_options client = {.connect_timeout_ms = 3000};
    rp_sim_server_options serving = {.on_request = end_without_end, .user = &version};
    play_begin(&p, &(play_options){.server = &serving, .version = 13, .client = &client});
    call_start(&endless, &p, &options);
    while (endless.body_bytes == 0)
        (void)rp_loop_turn(p.loop, RP_NEVER_MS);
    rp_sim_fault_set(p.sim, RP_SIM_CONNECT_REFUSED, 1000000);
    call_bad(&c, &p, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT,
             "connection to api.example.test (192.0.2.1:443) refused; and no open connection "
             "became free within 3000 ms");
    assert_in_range(c.took_ns, 3000 * MS_NS, 3300 * MS_NS);
    assert_int_equal(endless.dones, 0);
    rp_request_cancel(endless.request);
    call_wait(&endless, &p);
    play_end(&p);
}

static void second_long(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_wait(x, 1000);
    rp_sim_respond(x, 200, NULL, "", 0);
}

/* A server that takes one connection serves all who wait, however long the last one has to. */
static void test_refused_beside_one_that_serves(void **state)
{
    (void)state;
    play p;
    call all[20] = {{0}};
    rp_client_options client = {.connect_timeout_ms = 3000, .versions = RP_HTTP_1_1};
    rp_sim_server_options serving = {.on_request = second_long};
    play_begin(&p, &(play_options){.server = &serving, .version = 13, .client = &client});
    call_start(&all[0], &p, NULL);
    rp_sim_run_ms(p.sim, 100);
    rp_sim_fault_set(p.sim, RP_SIM_CONNECT_REFUSED, 1000000);
    for (unsigned i = 1; i < 20; i++)
        call_start(&all[i], &p, NULL);
    for (unsigned i = 0; i < 20; i++) {
        call_wait(&all[i], &p);
        assert_int_equal(all[i].error.status, RP_OK);
        assert_int_equal(all[i].status, 200);
    }
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
    assert_true(second.error.bytes_sent > 0);
    assert_int_equal(rp_sim_fault_count(p.sim, RP_SIM_CONNECT_REFUSED), 1);
    play_end(&p);
}

/* ---- how long a connection may be idle ---- */

static void say(rp_sim_exchange *x, void *user)
{
    rp_sim_respond(x, 200, *(const char *const *)user, "", 0);
}

/* Is the connection used again after so long? */
static bool reused_after(const char *headers, const rp_client_options *client, uint64_t ms)
{
    play p;
    call first = {0}, second = {0};
    rp_sim_server_options serving = {.on_request = say, .user = &headers};
    play_begin(&p, &(play_options){.server = &serving, .version = 13, .client = client});
    call_start(&first, &p, NULL);
    call_wait(&first, &p);
    assert_int_equal(first.status, 200);
    rp_sim_run_ms(p.sim, ms);
    call_start(&second, &p, NULL);
    call_wait(&second, &p);
    assert_int_equal(second.status, 200);
    play_end(&p);
    return second.reused;
}

static void test_keep_alive_header(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        uint64_t ms; /* up to which it may be idle */
    } cases[] = {
        {NULL, 55000},
        {"Keep-Alive: timeout=5\r\n", 4000},
        {"keep-alive: TIMEOUT=5\r\n", 4000},
        {"Keep-Alive: timeout=5, max=100\r\n", 4000},
        {"Keep-Alive: max=1,timeout=5\r\n", 4000},
        {"Keep-Alive: max=100\t,  timeout=5 , x\r\n", 4000},
        {"Keep-Alive: timeout=30\r\nKeep-Alive: timeout=5\r\n", 4000},
        {"Keep-Alive: timeout=5, timeout=30\r\n", 4000},
        {"Keep-Alive: timeout=1\r\n", 500},
        {"Keep-Alive: timeout=0\r\n", 0},
        {"Keep-Alive: max=0\r\n", 0},
        {"Keep-Alive: timeout=3600\r\n", 55000},
        {"Keep-Alive: timeout=99999999999999999999999\r\n", 55000},
        {"Keep-Alive: timeout\r\n", 55000},
        {"Keep-Alive: timeout=\r\n", 55000},
        {"Keep-Alive: timeout=-5\r\n", 55000},
        {"Keep-Alive: timeouts=5\r\n", 55000},
        {"Keep-Alive: ,,,\r\n", 55000},
        {"Keep-Alive:\r\n", 55000},
        {"X-Keep-Alive: timeout=5\r\n", 55000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].ms > 0)
            assert_true(reused_after(cases[i].headers, NULL, cases[i].ms - 10));
        assert_false(reused_after(cases[i].headers, NULL, cases[i].ms + 10));
    }
}

/* The client's own limit is kept to as well. */
static void test_keep_alive_and_own_limit(void **state)
{
    (void)state;
    static const char hint[] = "Keep-Alive: timeout=5\r\n";
    static const rp_client_options shorter = {.connection_idle_ms = 1000};
    static const rp_client_options longer = {.connection_idle_ms = RP_NEVER_MS};
    assert_true(reused_after(hint, &shorter, 990));
    assert_false(reused_after(hint, &shorter, 1010));
    assert_true(reused_after(hint, &longer, 3990));
    assert_false(reused_after(hint, &longer, 4010));
    assert_true(reused_after(NULL, &longer, 300000));
}

/* From the opening on, however busy the connection is; by default ten minutes. */
static void test_lifetime(void **state)
{
    (void)state;
    static const rp_client_options limited = {.connection_idle_ms = RP_NEVER_MS,
                                              .connection_lifetime_ms = 3000};
    static const rp_client_options by_default = {.connection_idle_ms = RP_NEVER_MS};
    static const rp_client_options unlimited = {.connection_idle_ms = RP_NEVER_MS,
                                                .connection_lifetime_ms = RP_NEVER_MS};
    assert_true(reused_after(NULL, &limited, 2900));
    assert_false(reused_after(NULL, &limited, 3100));
    assert_true(reused_after(NULL, &by_default, 599000));
    assert_false(reused_after(NULL, &by_default, 601000));
    assert_true(reused_after(NULL, &unlimited, 7200000));

    play p;
    unsigned fresh = 0;
    play_begin(&p, &(play_options){.version = 13, .client = &limited});
    for (unsigned i = 0; i < 100; i++) {
        call c = {0};
        call_start(&c, &p, NULL);
        call_wait(&c, &p);
        assert_int_equal(c.status, 200);
        fresh += !c.reused;
        rp_sim_run_ms(p.sim, 100);
    }
    assert_in_range(fresh, 4, 5); /* ten seconds, three each */
    play_end(&p);
}

/* ---- what an origin teaches ---- */

typedef struct dying {
    rp_timer timer;
    rp_sim_server *server;
    uint64_t after_ms;
} dying;

static void drop(rp_timer *timer, void *user)
{
    dying *d = user;
    (void)timer;
    rp_sim_server_drop(d->server, RP_SIM_CLOSE);
}

/* One request; its connection ends so long after the answer, unless we end it before. The
 * connection is as old as that then. */
static bool live_and_die(play *p, uint64_t idle_ms, uint64_t server_ms)
{
    call c = {0};
    dying d = {.server = p->server};
    call_start(&c, p, NULL);
    call_wait(&c, p);
    assert_int_equal(c.status, 200);
    rp_timer_start(p->loop, &d.timer, server_ms, drop, &d);
    rp_sim_run_ms(p->sim, idle_ms);
    rp_sim_server_counts counts;
    rp_sim_server_counts_get(p->server, &counts);
    rp_timer_stop(p->loop, &d.timer);
    return counts.open > 0;
}

/* Two connections that died at five seconds: the next ones end before that, for ten minutes. */
static void test_learns_from_deaths(void **state)
{
    (void)state;
    play p;
    /* Nothing else is to be learned of it, for which it might be kept. */
    rp_client_options client = {.versions = RP_HTTP_1_1};
    play_begin(&p, &(play_options){.version = 13, .client = &client});
    assert_true(live_and_die(&p, 4900, 5000)); /* alive, and dies in the next call */
    rp_sim_run_ms(p.sim, 60000);
    for (unsigned i = 0; i < 2; i++)
        assert_false(live_and_die(&p, 6000, 5000));
    for (unsigned i = 0; i < 5; i++) {
        assert_true(live_and_die(&p, 3000, 5000)); /* its connection is used on */
        assert_false(live_and_die(&p, 4500, 5000));
    }
    rp_sim_run_ms(p.sim, 600000);
    assert_true(live_and_die(&p, 20000, 50000)); /* it may have another rule by now */
    play_end(&p);
}

/* Many that die at one moment were not too old: their server has ended. Neither are those that die
 * at all kinds of ages. */
static void test_learns_nothing_from_a_restart(void **state)
{
    (void)state;
    play p;
    call all[8];
    play_begin(&p, &(play_options){.version = 13});
    for (unsigned i = 0; i < 8; i++) {
        all[i] = (call){0};
        call_start(&all[i], &p, NULL);
    }
    for (unsigned i = 0; i < 8; i++)
        call_wait(&all[i], &p);
    rp_sim_run_ms(p.sim, 3000);
    rp_sim_server_drop(p.server, RP_SIM_CLOSE);
    rp_sim_run_ms(p.sim, 1000);
    assert_true(live_and_die(&p, 20000, 50000));
    static const uint64_t ages[] = {5000, 9000, 30000, 6000, 18000, 2500, 13000};
    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
        assert_false(live_and_die(&p, ages[i] + 1000, ages[i]));
    assert_true(live_and_die(&p, 20000, 50000));
    play_end(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_is_tried_again),
        cmocka_unit_test(test_refused_beside_one_that_ends),
        cmocka_unit_test(test_goaway_at_once),
        cmocka_unit_test(test_refused_beside_an_endless_answer),
        cmocka_unit_test(test_refused_beside_one_that_serves),
        cmocka_unit_test(test_failed_replay_is_not_safe_to_repeat),
        cmocka_unit_test(test_keep_alive_header),
        cmocka_unit_test(test_keep_alive_and_own_limit),
        cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_learns_from_deaths),
        cmocka_unit_test(test_learns_nothing_from_a_restart),
    };
    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
