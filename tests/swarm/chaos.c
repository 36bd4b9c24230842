/* chaos.c - what happens to everybody: servers that die and return, connections that end, storms
 * of cancels, the client's end. */
#include "swarm/world.h"

static host *any_host(world *w)
{
    return &w->hosts[world_draw(w, w->knobs.host_count)];
}

static void drop(world *w)
{
    static const rp_sim_ending endings[] = {RP_SIM_CLOSE, RP_SIM_END_TRUNCATED, RP_SIM_END_RESET,
                                            RP_SIM_END_STALLED};
    bool bounded = w->knobs.limited == 1000;
    host_drop(any_host(w), endings[world_draw(w, bounded ? 4 : 3)]);
}

static void cancel_storm(world *w)
{
    for (unsigned i = 0; i < w->knobs.calls; i++) {
        call *c = &w->calls[i];
        if (c->request != NULL && world_chance(w, 500))
            call_cancel(c);
    }
}

static void client_goes(world *w)
{
    rp_client *client = w->client;
    w->client = NULL;
    w->client_is_gone = true;
    rp_client_destroy(client);
}

static void strike_once(world *w);

static void strike(rp_timer *timer, void *user)
{
    (void)timer;
    ground_enter(user);
    strike_once(user);
    ground_leave(user);
}

static void strike_once(world *w)
{
    unsigned left = w->kills + w->drops + w->cancel_storms;
    if (left == 0) {
        if (w->knobs.ends_early && w->client != NULL)
            client_goes(w);
        return;
    }
    uint64_t which = world_draw(w, left);
    if (which < w->kills) {
        w->kills--;
        host_kill(any_host(w), world_draw(w, w->knobs.real ? 50 : 2000));
    } else if (which < w->kills + w->drops) {
        w->drops--;
        drop(w);
    } else {
        w->cancel_storms--;
        cancel_storm(w);
    }
    rp_timer_start(w->loop, &w->chaos, 1 + world_draw(w, 1 + world_draw(w, 300)), strike, w);
}

void chaos_start(world *w)
{
    w->kills = w->knobs.kills;
    w->drops = w->knobs.drops;
    w->cancel_storms = w->knobs.cancel_storms;
    if (w->kills + w->drops + w->cancel_storms > 0 || w->knobs.ends_early)
        rp_timer_start(w->loop, &w->chaos, world_draw(w, 200), strike, w);
}
