/* test_socks_addresses.c - a name is looked up here for a socks5 proxy, and has several addresses:
 * those that the proxy can't reach are no end. */
#include "support/relay_play.h"

#include <stdio.h>
#include <string.h>

#define GOOD "192.0.2.1" /* play.h's server */
#define DEAD "192.0.2.21,192.0.2.22"

typedef struct rig {
    relay_play way;
    relay_answer says[3]; /* the proxy's first connections; text NULL: as it does by itself */
    unsigned connections; /* to it */
} rig;

static bool choose(void *user, const uint8_t *words, size_t size, relay_answer *answer)
{
    rig *g = user;
    unsigned at = g->connections++;
    (void)words;
    (void)size;
    if (at >= 3 || g->says[at].text == NULL)
        return false;
    *answer = g->says[at];
    return true;
}

static const char *not_22(const rp_target *target, void *user)
{
    (void)user;
    return target->size == 4 && target->bytes[3] == 22 ? "twenty-two" : NULL;
}

static const char *not_v6(const rp_target *target, void *user)
{
    (void)user;
    return target->size == 16 ? "six" : NULL;
}

static void rig_begin_seeded(rig *g, const char *addresses, const rp_client_options *client,
                             uint64_t seed)
{
    const rp_sim_options sim = {.seed = seed, .orderly = true};
    relay_options relaying = {.socks = true, .port = 3128, .choose = choose, .user_data = g};
    memset(g, 0, sizeof(*g));
    const play_options playing = {.sim = &sim, .client = client, .version = 13, .faulty = true};
    relay_play_begin(&g->way, &playing, &relaying, "socks5", "");
    assert_int_equal(rp_sim_name_add(g->way.p.sim, "several.example.test", addresses, NULL), RP_OK);
}

static void rig_begin(rig *g, const char *addresses, const rp_client_options *client)
{
    rig_begin_seeded(g, addresses, client, 1);
}

static void ask(rig *g, call *c, rp_status status)
{
    rp_request_options options = {.url = "https://several.example.test/", .proxy = g->way.proxy};
    call_start(c, &g->way.p, &options);
    call_wait(c, &g->way.p);
    if (c->error.status != status)
        fail_msg("%s: %s", rp_status_name(c->error.status), c->error.text);
}

static void test_next(void **state)
{
    rig g;
    call c = {0};
    (void)state;
    rig_begin(&g, DEAD "," GOOD, NULL);
    ask(&g, &c, RP_OK);
    assert_int_equal(c.status, 200);
    assert_string_equal(g.way.r.target, GOOD ":443");
    assert_int_equal(g.connections, 3);
    assert_int_equal(g.way.r.tunnels, 1);
    relay_play_end(&g.way);
}

static void test_none(void **state)
{
    rig g;
    call c = {0};
    (void)state;
    rig_begin(&g, DEAD, NULL);
    ask(&g, &c, RP_E_PROXY_REFUSED);
    assert_int_equal(c.error.proxy_code, 5);
    assert_string_equal(c.error.text,
                        "proxy 127.0.0.1 (127.0.0.1:3128): the connection was refused there (5), "
                        "the last of 2 addresses that it was asked for");
    assert_int_equal(g.connections, 2);
    relay_play_end(&g.way);
}

/* Each needs a port here, and there is but one. */
static void test_one_port(void **state)
{
    (void)state;
    for (unsigned ports = 1; ports < 3; ports++) {
        rig g;
        call c = {0};
        rp_client_options client = {.local = {.first_port = 40000}};
        client.local.last_port = (uint16_t)(client.local.first_port + ports - 1);
        rig_begin(&g, DEAD, &client);
        ask(&g, &c, RP_E_PROXY_REFUSED);
        assert_int_equal(c.error.proxy_code, 5);
        assert_int_equal(g.connections, ports);
        relay_play_end(&g.way);
    }
}

/* Which refusals are of an address, however they are cut and whatever follows them. */
static void test_codes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 36; i++) {
        rig g;
        call c = {0};
        unsigned code = 1 + i % 9;
        bool goes_on = code != 7 && code != 9;
        char text[] = "\5\0\5\0\0\1\0\0\0\0\0\0and more";
        text[3] = (char)code;
        rig_begin(&g, DEAD "," GOOD, NULL);
        g.says[0] = (relay_answer){text, i % 4 == 3 ? 4 : sizeof(text) - 1, i % 2, RP_SIM_CLOSE};
        if (i % 4 == 1)
            g.says[0].then = RP_SIM_END_RESET;
        if (i % 4 == 2)
            g.says[0].then = RP_SIM_KEEP;
        ask(&g, &c, goes_on ? RP_OK : RP_E_PROXY_REFUSED);
        assert_int_equal(g.connections, goes_on ? 3 : 1);
        relay_play_end(&g.way);
    }
}

/* An address that is forbidden is not asked for, first or behind another one. */
static void test_rules(void **state)
{
    static const char *const orders[] = {DEAD, "192.0.2.22,192.0.2.21",
                                         "192.0.2.21,192.0.2.22,192.0.2.23"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rig g;
        call c = {0};
        rp_client_options client = {.on_address = not_22};
        rig_begin(&g, orders[i], &client);
        ask(&g, &c, RP_E_PROXY_REFUSED);
        assert_int_equal(g.connections, i == 2 ? 2 : 1);
        assert_null(strstr(g.way.r.target, ".22"));
        relay_play_end(&g.way);
    }
}

/* All of them together have the time of one handshake: while the second is asked for, or the
 * connection for it is made. */
static void test_deadline(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        rig g;
        call c = {0};
        rp_client_options client = {.handshake_timeout_ms = 2000, .connect_timeout_ms = 9000};
        rig_begin(&g, DEAD "," GOOD, &client);
        if (i == 0)
            g.says[1] = (relay_answer){"", 0, 0, RP_SIM_KEEP};
        else
            rp_sim_fault_at(g.way.p.sim, RP_SIM_CONNECT_STALL,
                            3); /* the relay's to .21 is the second */
        ask(&g, &c, RP_E_PROXY_TIMEOUT);
        assert_in_range(c.took_ns / 1000000, 2000, 2100);
        assert_non_null(strstr(c.error.text, "proxy 127.0.0.1"));
        assert_non_null(
            strstr(c.error.text, "did not connect to several.example.test within 2000"));
        relay_play_end(&g.way);
    }
}

/* The proxy dies behind its first no. */
static void test_proxy_dies(void **state)
{
    rig g;
    call c = {0};
    (void)state;
    rig_begin(&g, DEAD "," GOOD, NULL);
    rp_sim_fault_at(g.way.p.sim, RP_SIM_CONNECT_REFUSED, 3);
    ask(&g, &c, RP_E_CONNECT_REFUSED);
    assert_true(c.error.of_proxy);
    relay_play_end(&g.way);
}

/* The good address is of the family that is answered up to a minute late. The other family's is
 * dead, which the proxy finds out after ten seconds (slowly), or forbidden here. */
static void late_begin(rig *g, uint64_t seed, bool slowly)
{
    rp_client_options client = {.handshake_timeout_ms = 60000};
    if (!slowly)
        client.on_address = not_v6;
    rig_begin_seeded(g, "::1," GOOD, &client, seed);
    rp_sim_fault_at(g->way.p.sim, RP_SIM_NAME_LATE, 1);
    if (slowly)
        rp_sim_fault_at(g->way.p.sim, RP_SIM_CONNECT_STALL, 2); /* the relay's own */
}

static void check_late(const rig *g, const call *c, bool slowly)
{
    uint64_t ms = c->took_ns / 1000000;
    if (c->error.status == RP_OK) {
        assert_string_equal(g->way.r.target, GOOD ":443");
        assert_int_equal(g->connections, slowly ? 2 : 1);
        assert_in_range(ms, 0, slowly ? 11500 : 1500);
        return;
    }
    assert_int_equal(g->connections, slowly ? 1 : 0);
    if (slowly) {
        assert_in_range(ms, 11000, 11500);
        assert_int_equal(c->error.status, RP_E_PROXY_REFUSED);
        assert_int_equal(c->error.proxy_code, 5);
        assert_string_equal(c->error.text,
                            "proxy 127.0.0.1 (127.0.0.1:3128): the connection was refused there "
                            "(5)");
    } else {
        assert_in_range(ms, 1000, 1500);
        assert_int_equal(c->error.status, RP_E_ADDRESS_REFUSED);
        assert_non_null(strstr(c->error.text, "forbidden by this program: six"));
    }
}

static void test_late_family(void **state)
{
    (void)state;
    for (unsigned slowly = 0; slowly < 2; slowly++) {
        unsigned came = 0, missed = 0;
        for (uint64_t seed = 1; came == 0 || missed == 0; seed++) {
            rig g;
            call c = {0};
            rp_request_options options = {.url = "https://several.example.test/"};
            late_begin(&g, seed, slowly != 0);
            options.proxy = g.way.proxy;
            call_start(&c, &g.way.p, &options);
            call_wait(&c, &g.way.p);
            check_late(&g, &c, slowly != 0);
            if (c.error.status == RP_OK)
                came++;
            else
                missed++;
            relay_play_end(&g.way);
            assert_true(seed < 1000);
        }
    }
}

/* The proxy does not answer about the one address, and the other one comes late: that is no reason
 * to call it the name's fault. */
static void test_late_deadline(void **state)
{
    rig g;
    call c = {0};
    rp_client_options client = {.handshake_timeout_ms = 300};
    (void)state;
    rig_begin(&g, "::1," GOOD, &client);
    rp_sim_fault_at(g.way.p.sim, RP_SIM_NAME_LATE, 1);
    g.says[0] = (relay_answer){"", 0, 0, RP_SIM_KEEP};
    ask(&g, &c, RP_E_PROXY_TIMEOUT);
    assert_true(c.error.of_proxy);
    relay_play_end(&g.way);
}

static void test_no_memory(void **state)
{
    bool struck = true;
    (void)state;
    for (unsigned n = 1; struck; n++) {
        rig g;
        call c = {0}, again = {0};
        rp_request_options options = {.url = "https://several.example.test/"};
        rig_begin(&g, DEAD "," GOOD, NULL);
        options.proxy = g.way.proxy;
        rp_sim_fault_at(g.way.p.sim, RP_SIM_NO_MEMORY, n);
        call_start(&c, &g.way.p, &options);
        call_wait(&c, &g.way.p);
        struck = rp_sim_fault_count(g.way.p.sim, RP_SIM_NO_MEMORY) > 0;
        rp_sim_fault_at(g.way.p.sim, RP_SIM_NO_MEMORY, 0);
        if (c.error.status != RP_OK && c.error.status != RP_E_NO_MEMORY)
            fail_msg("%u: %s", n, rp_status_name(c.error.status));
        ask(&g, &again, RP_OK);
        relay_play_end(&g.way);
        assert_true(n < 1000);
    }
}

/* Cancelled, or the client destroyed, after each number of turns. */
static void test_given_up(void **state)
{
    bool over = false;
    (void)state;
    for (unsigned turns = 0; !over; turns++) {
        rig g;
        call c = {0};
        rp_request_options options = {.url = "https://several.example.test/"};
        rig_begin(&g, DEAD "," GOOD, NULL);
        options.proxy = g.way.proxy;
        call_start(&c, &g.way.p, &options);
        for (unsigned k = 0; k < turns && c.dones == 0; k++)
            (void)rp_loop_turn(g.way.p.loop, 1000);
        over = c.dones > 0;
        if (!over && turns % 2 == 0)
            rp_request_cancel(c.request);
        if (!over && turns % 2 == 1) {
            rp_client_destroy(g.way.p.client);
            g.way.p.client = NULL;
        }
        call_wait(&c, &g.way.p);
        relay_play_end(&g.way);
        assert_true(turns < 1000);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),          cmocka_unit_test(test_none),
        cmocka_unit_test(test_codes),         cmocka_unit_test(test_rules),
        cmocka_unit_test(test_deadline),      cmocka_unit_test(test_proxy_dies),
        cmocka_unit_test(test_no_memory),     cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_one_port),      cmocka_unit_test(test_late_family),
        cmocka_unit_test(test_late_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
