/* test_proxy_faults.c - each allocation on the way through a proxy fails once, and each byte on the
 * connection to it is the last, or another: the request ends, with a reason or well, nothing is
 * left, and the next one succeeds. And a proxy whose records come slowly. */
#include "support/relay_play.h"

#include <stdio.h>
#include <string.h>

typedef struct rig {
    relay_play way;
    rp_status status; /* of the last request */
    unsigned dones;
} rig;

static const char *const schemes[] = {"http", "https", "socks5", "socks5h"};

static void rig_begin(rig *g, const char *scheme)
{
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_1_OR_2};
    relay_options relaying = {.tls = strcmp(scheme, "https") == 0,
                              .socks = strncmp(scheme, "socks", 5) == 0,
                              .user = "user",
                              .password = "secret",
                              .port = 3128};
    *g = (rig){.dones = 0};
    const play_options playing = {.server = &serving, .version = 13, .faulty = true};
    relay_play_begin(&g->way, &playing, &relaying, scheme, "user:secret@");
}

static void done(rp_request *request, const rp_response_summary *summary, void *user)
{
    rig *g = user;
    (void)request;
    g->dones++;
    g->status = summary->error != NULL ? summary->error->status : RP_OK;
    if (summary->error == NULL)
        assert_int_equal(summary->status, 200);
}

static void ask(rig *g)
{
    static const rp_response_events events = {.on_done = done};
    rp_request_options options = {.url = play_url(&g->way.p, "/"), .proxy = g->way.proxy};
    rp_error error;
    g->dones = 0;
    if (rp_client_send(g->way.p.client, &options, &events, g, &error) == NULL) {
        g->status = error.status;
        return;
    }
    while (g->dones == 0)
        (void)rp_loop_turn(g->way.p.loop, 1000);
    assert_int_equal(g->dones, 1);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        bool struck = true;
        for (unsigned n = 1; struck; n++) {
            rig g;
            rig_begin(&g, schemes[i]);
            rp_sim_fault_at(g.way.p.sim, RP_SIM_NO_MEMORY, n);
            ask(&g);
            struck = rp_sim_fault_count(g.way.p.sim, RP_SIM_NO_MEMORY) > 0;
            rp_sim_fault_at(g.way.p.sim, RP_SIM_NO_MEMORY, 0);
            if (g.status != RP_OK && g.status != RP_E_NO_MEMORY)
                fail_msg("%s, %u: %s", schemes[i], n, rp_status_name(g.status));
            ask(&g);
            assert_int_equal(g.status, RP_OK);
            relay_play_end(&g.way);
            assert_true(n < 1000);
        }
    }
}

static void test_each_byte(void **state)
{
    static const rp_sim_fault faults[] = {RP_SIM_RESET, RP_SIM_TRUNCATE, RP_SIM_STALL,
                                          RP_SIM_CORRUPT};
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        for (size_t k = 0; k < 8; k++) {
            uint64_t step = 1;
            for (uint64_t at = 0; at < 5000; at += step) {
                rig g;
                rig_begin(&g, schemes[i]);
                rp_sim_break_next(g.way.p.sim, faults[k / 2],
                                  k % 2 == 0 ? RP_SIM_TO_SERVER : RP_SIM_TO_CLIENT, at);
                ask(&g);
                ask(&g);
                if (g.status != RP_OK) /* the first one's connection may break under it */
                    ask(&g);
                assert_int_equal(g.status, RP_OK);
                relay_play_end(&g.way);
                step = at < 30 ? 3 : 211;
            }
        }
}

static void answer_slowly(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    static const char yes[] = "HTTP/1.1 200 Established\r\n\r\n";
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 16000\r\n\r\n";
    static const char body[16000];
    (void)user;
    if (size > 7 && memcmp(data, "CONNECT", 7) == 0) {
        rp_sim_write(x, yes, sizeof(yes) - 1);
    } else {
        rp_sim_write(x, head, sizeof(head) - 1);
        rp_sim_write(x, body, sizeof(body));
    }
}

/* A record of the proxy's that comes for longer than nothing may come: a part is something. */
static void test_slow_record(void **state)
{
    rp_sim_options sim = {.seed = 1,
                          .orderly = true,
                          .latency_least_us = 100000,
                          .latency_most_us = 100000,
                          .window_bytes = 512};
    rp_sim_server_options server = {.on_body = answer_slowly, .versions = RP_SIM_RAW};
    rp_request_options options = {.url = "http://192.0.2.9/", .idle_timeout_ms = 1000};
    play p;
    call c = {.dones = 0};
    rp_error error;
    (void)state;
    play_begin(&p, &(play_options){.sim = &sim, .server = &server, .version = 13});
    rp_proxy_options proxy = {.url = "https://" PLAY_HOST ":443", .tls = p.tls};
    if (rp_proxy_create(&options.proxy, &proxy, &error) != RP_OK)
        fail_msg("%s", error.text);
    call_start(&c, &p, &options);
    call_wait(&c, &p);
    if (c.error.status != RP_OK)
        fail_msg("%s", c.error.text);
    assert_int_equal(c.body_bytes, 16000);
    assert_true(c.took_ns > 3000000000u);
    rp_proxy_release(options.proxy);
    play_end(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_each_byte),
        cmocka_unit_test(test_slow_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
