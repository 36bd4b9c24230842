/* relay_play.c - see relay_play.h. */
#include "support/relay_play.h"

void relay_play_begin(relay_play *g, const play_options *playing, const relay_options *relaying,
                      const char *scheme, const char *credentials)
{
    rp_error error;
    play_begin(&g->p, playing);
    assert_int_equal(rp_sim_loop_create(g->p.sim, &g->loop, NULL, false, NULL), RP_OK);
    relay_begin(&g->r, g->loop, relaying);
    rp_proxy_options options = {.url = relay_url(&g->r, scheme, credentials), .tls = g->p.tls};
    if (rp_proxy_create(&g->proxy, &options, &error) != RP_OK)
        fail_msg("%s", error.text);
}

void relay_play_end(relay_play *g)
{
    rp_client_destroy(g->p.client);
    g->p.client = NULL;
    rp_sim_run_ms(g->p.sim, 1000);
    rp_sim_server_stop(g->r.server);
    rp_sim_run_ms(g->p.sim, 1000);
    rp_loop_destroy(g->loop);
    play_end(&g->p);
    rp_proxy_release(g->proxy);
}
