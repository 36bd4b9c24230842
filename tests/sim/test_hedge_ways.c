/* test_hedge_ways.c - a second try takes the way that the first has: through the proxy, and to
 * where connect_to leads. */
#include "support/play.h"
#include "support/relay.h"

#include <stdio.h>
#include <string.h>

typedef enum way { STRAIGHT, ELSEWHERE, BY_HTTP, BY_HTTPS, BY_SOCKS, WAYS } way;

typedef struct rig {
    play p;
    relay r;
    rp_loop *loop; /* the relay's */
    rp_sim_server *elsewhere;
    rp_proxy *proxy;
    rp_tls_config *tls; /* with the proxy */
    unsigned came, came_elsewhere;
} rig;

/* The first waits for ever. */
static void respond(rp_sim_exchange *x, unsigned number)
{
    if (number > 1)
        rp_sim_respond(x, 200, NULL, "second", 6);
}

static void answer(rp_sim_exchange *x, void *user)
{
    respond(x, ++((rig *)user)->came);
}

static void answer_elsewhere(rp_sim_exchange *x, void *user)
{
    respond(x, ++((rig *)user)->came_elsewhere);
}

static void rig_begin(rig *g, way w, rp_http_versions version, bool fresh)
{
    static const char *const schemes[] = {"", "", "http", "https", "socks5h"};
    rp_error error = {0};
    rp_sim_server_options server = {
        .on_request = answer, .user = g, .versions = RP_SIM_HTTP_1_OR_2};
    rp_client_options client = {.versions = version,
                                .never_reuse = fresh,
                                .hedge = {.delay_ms = 100, .budget_percent = UINT32_MAX}};
    relay_options relaying = {.port = 3128, .tls = w == BY_HTTPS, .socks = w == BY_SOCKS};
    memset(g, 0, sizeof(*g));
    play_begin(&g->p, &(play_options){.server = &server, .client = &client, .version = 13});
    server.host = PLAY_HOST;
    server.address = "192.0.2.2";
    server.on_request = answer_elsewhere;
    assert_int_equal(rp_sim_server_start(g->p.sim, &g->elsewhere, &server, &error), RP_OK);
    assert_int_equal(rp_sim_name_add(g->p.sim, PLAY_HOST, "192.0.2.1", &error), RP_OK);
    assert_int_equal(rp_sim_loop_create(g->p.sim, &g->loop, NULL, false, NULL), RP_OK);
    relay_begin(&g->r, g->loop, &relaying);
    rp_tls_options tls = {.ca_pem = rp_sim_ca_pem};
    assert_int_equal(rp_tls_config_create(&g->tls, &tls, &error), RP_OK);
    rp_proxy_options options = {.tls = g->tls};
    options.url = w < BY_HTTP ? "" : relay_url(&g->r, schemes[w], "");
    if (rp_proxy_create(&g->proxy, &options, &error) != RP_OK)
        fail_msg("%s", error.text);
}

static void rig_end(rig *g)
{
    rp_client_destroy(g->p.client);
    g->p.client = NULL;
    rp_sim_run_ms(g->p.sim, 1000);
    rp_sim_server_stop(g->r.server);
    rp_sim_server_stop(g->elsewhere);
    rp_sim_run_ms(g->p.sim, 1000);
    rp_loop_destroy(g->loop);
    play_end(&g->p);
    rp_proxy_release(g->proxy);
    rp_tls_config_release(g->tls);
}

static void hedged(way w, rp_http_versions version, bool fresh)
{
    rig g;
    call c = {0};
    rig_begin(&g, w, version, fresh);
    rp_request_options options = {.url = "https://" PLAY_HOST "/", .proxy = g.proxy};
    if (w == ELSEWHERE)
        options.connect_to = "192.0.2.2:443";
    call_start(&c, &g.p, &options);
    call_wait(&c, &g.p);
    if (c.error.status != RP_OK)
        fail_msg("%d: %s", (int)w, c.error.text);
    assert_string_equal(c.text, "second");
    assert_in_range(c.took_ns / 1000000, 100, 200);
    assert_int_equal(g.came, w == ELSEWHERE ? 0 : 2);
    assert_int_equal(g.came_elsewhere, w == ELSEWHERE ? 2 : 0);
    assert_int_equal(g.r.tunnels, w < BY_HTTP ? 0 : 2);
    rig_end(&g);
}

static void test_same_way(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4 * WAYS; i++)
        hedged((way)(i / 4), i % 2 == 0 ? RP_HTTP_1_1 : RP_HTTP_2, i % 4 >= 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_way)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
