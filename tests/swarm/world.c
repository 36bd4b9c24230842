/* world.c - the life of a run. */
#include "swarm/world.h"

#include <string.h>

#define HOURS_MOST 12
#define REAL_LATE_US 5000000u /* a machine that does other things too */

uint64_t world_now_us(const world *w)
{
    if (w->sim != NULL)
        return rp_sim_now_ns(w->sim) / 1000;
    return (rp__loop_now_ns(w->loop) - w->ground.begun_ns) / 1000;
}

uint64_t world_draw(world *w, uint64_t below)
{
    if (w->sim != NULL)
        return rp_sim_random(w->sim, below);
    ground_enter(w);
    uint64_t drawn = dice_draw(&w->chances, below);
    ground_leave(w);
    return drawn;
}

bool world_chance(world *w, unsigned permille)
{
    return world_draw(w, 1000) < permille;
}

uint64_t world_late_us(const world *w)
{
    /* After a pause what came meanwhile is looked at first, and behind that turn may be another; if
     * that finds something, too, and so on, timers wait for so long (loop.c, LATE_MOST_NS). */
    uint64_t pause_ms = w->knobs.host_pause_ms;
    return (w->sim != NULL ? 1000 : REAL_LATE_US) + (pause_ms > 0 ? 200 + 2 * pause_ms : 0) * 1000;
}

uint8_t world_byte(unsigned id, bool up, uint64_t offset)
{
    uint32_t x = ((uint32_t)(offset >> 2) * 2 + up) * 2654435761u + (id + 1) * 40503u;
    return (uint8_t)(x >> (offset & 3) * 8);
}

/* ---- memory ---- */

typedef union block {
    size_t size;
    max_align_t align;
} block;

static void *heap_resize(void *user, void *memory, size_t size)
{
    heap *h = user;
    block *old = memory == NULL ? NULL : (block *)memory - 1;
    size_t old_size = old == NULL ? 0 : old->size;
    if (size == 0) {
        h->bytes -= old_size;
        h->blocks -= old != NULL;
        free(old);
        return NULL;
    }
    block *grown = realloc(old, sizeof(block) + size);
    CHECK(grown != NULL);
    grown->size = size;
    h->bytes = h->bytes - old_size + size;
    h->blocks += old == NULL;
    if (h->bytes > h->most)
        h->most = h->bytes;
    return grown + 1;
}

/* ---- beginning ---- */

static void stuck(void *user, const char *message)
{
    (void)user;
    (void)fprintf(stderr, "%s\n", message);
    abort();
}

static bool some_fault(const knobs *k)
{
    for (int i = 0; i < RP_SIM_FAULTS; i++) {
        if (k->sim.fault_ppm[i] > 0)
            return true;
    }
    return false;
}

static bool is_troubled(const knobs *k)
{
    bool misbehaves = false;
    for (unsigned i = 0; i < k->host_count; i++)
        misbehaves = misbehaves || k->hosts[i].misbehaves > 0;
    return misbehaves || some_fault(k) || k->kills > 0 || k->drops > 0;
}

static void sim_begin(world *w, void (*on_trace)(void *user, const char *line))
{
    rp_error error;
    rp_sim_options options = w->knobs.sim;
    options.on_stuck = stuck;
    options.on_trace = on_trace;
    CHECK_TEXT(rp_sim_create(&w->sim, &options, &error) == RP_OK, error.text);
}

/* Without memory there may be no loop and no client: then there will be at the next try. */
static void loop_begin(world *w)
{
    rp_loop_options options = w->knobs.loop;
    options.allocator = (rp_allocator){heap_resize, &w->heap};
    rp_error error;
    while (ground_loop(w, &w->loop, &options, &error) != RP_OK) {
        CHECK_TEXT(w->knobs.faulty && (error.status == RP_E_NO_MEMORY), error.text);
        CHECK(w->heap.blocks == 0);
    }
}

static void client_begin(world *w)
{
    rp_error error;
    rp_tls_options tls = {
        .ca_pem = rp_sim_ca_pem,
        .minimum_version = w->knobs.client_version,
        .maximum_version = w->knobs.client_version,
        .no_resumption = w->knobs.no_resumption,
    };
    if (w->knobs.distrusts) {
        tls.ca_pem = NULL;
        tls.ca_file = RP_TEST_CERTS "/ca.pem";
    }
    CHECK_TEXT(rp_tls_config_create(&w->tls, &tls, &error) == RP_OK, error.text);
    proxies_create(w);
    rp_client_options options = w->knobs.client;
    options.tls = w->tls;
    if (w->knobs.sim.seed % 2 == 0) {
        options.on_trace = traced_event;
        options.on_trace_user = &w->traced;
    }
    while (rp_client_create(&w->client, w->loop, &options, &error) != RP_OK)
        CHECK_TEXT(w->knobs.faulty && error.status == RP_E_NO_MEMORY, error.text);
}

/* ---- running ---- */

static void turn(world *w)
{
    bool polls = w->knobs.polls && w->turns % 50 > 0;
    if (world_chance(w, w->knobs.host_pauses))
        ground_pause(w, 1 + world_draw(w, w->knobs.host_pause_ms));
    ground_turn(w, polls ? 0 : 60000);
    w->turns++;
    if (w->client != NULL)
        invariants_hold(w);
    streams_hold(w);
    calls_credit_back(w);
    CHECK(world_now_us(w) < (uint64_t)HOURS_MOST * 3600 * 1000000);
}

static bool is_done(const world *w)
{
    return w->done == w->knobs.calls && w->active == 0 && w->left == 0 && streams_done(w);
}

static void run(world *w)
{
    calls_start(w);
    streams_start(w);
    chaos_start(w);
    while (!is_done(w))
        turn(w);
}

/* ---- the end ---- */

static void loop_ends(world *w)
{
    const rp_loop_stats *stats = rp_loop_stats_get(w->loop);
    CHECK(stats->wakeups_spurious == 0);
    CHECK(stats->tls_calls_idle == 0);
    rp_loop_destroy(w->loop);
    CHECK(w->heap.blocks == 0 && w->heap.bytes == 0);
}

static void tally(const world *w, outcome *out)
{
    const rp_loop_stats *stats = rp_loop_stats_get(w->loop);
    out->calls += w->knobs.calls;
    out->streams += w->knobs.streams;
    out->turns += w->turns;
    out->simulated_us += w->sim != NULL ? world_now_us(w) : 0;
    out->handshakes_full += stats->handshakes_full;
    out->handshakes_resumed += stats->handshakes_resumed;
    out->reused += stats->connections_reused;
    for (unsigned i = 0; i < w->knobs.calls; i++) {
        out->good += w->calls[i].good;
        out->good_over_2 += w->calls[i].good && w->calls[i].host->knobs->http2;
        out->failed[w->calls[i].status_code]++;
    }
    for (int i = 0; w->sim != NULL && i < RP_SIM_FAULTS; i++)
        out->faults[i] += rp_sim_fault_count(w->sim, (rp_sim_fault)i);
}

/* A client that ends leaves nothing to wait for. */
static void client_ends(world *w)
{
    rp_client_destroy(w->client);
    w->client = NULL;
    while (rp_loop_pending(w->loop))
        turn(w);
}

void world_run(const char *backend, const char *name, uint64_t seed,
               void (*on_trace)(void *user, const char *line), outcome *out)
{
    world *w = calloc(1, sizeof(*w));
    CHECK(w != NULL);
    w->scenario = knobs_choose(&w->knobs, name, seed, backend != NULL);
    CHECK(w->scenario != NULL);
    w->ground.backend = backend;
    w->chances.state = seed;
    w->troubled = is_troubled(&w->knobs);
    if (backend == NULL)
        sim_begin(w, on_trace);
    ground_begin(w);
    loop_begin(w);
    client_begin(w);
    calls_plan(w);
    run(w);
    rp_timer_stop(w->loop, &w->chaos);
    client_ends(w);
    streams_end(w);
    ground_end(w);
    calls_end(w);
    tally(w, out);
    if (w->sim != NULL)
        out->trace_hash = rp_sim_trace_hash(w->sim);
    loop_ends(w);
    traced_end(&w->traced);
    rp_sim_destroy(w->sim);
    proxies_release(w);
    rp_tls_config_release(w->tls);
    for (unsigned i = 0; i < w->knobs.calls; i++)
        free(w->calls[i].wire);
    free(w->calls);
    free(w->upload);
    free(w);
}
