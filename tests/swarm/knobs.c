/* knobs.c - the scenarios. */
#include "swarm/knobs.h"

#include <string.h>

/* splitmix64 (Steele, Lea, Flood, 2014) */
uint64_t dice_draw(dice *d, uint64_t below)
{
    uint64_t z = (d->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

bool dice_chance(dice *d, unsigned permille)
{
    return dice_draw(d, 1000) < permille;
}

uint64_t dice_scale(dice *d, uint64_t least, uint64_t most)
{
    uint64_t range = most - least;
    unsigned bits = 0;
    if (dice_chance(d, 400))
        return least + dice_draw(d, range + 1);
    while (bits < 63 && range >> bits > 0)
        bits++;
    uint64_t value = dice_draw(d, (uint64_t)1 << dice_draw(d, bits + 1));
    return least + (value > range ? range : value);
}

/* One of these, or nothing. */
static unsigned some(dice *d, unsigned permille_of_seeds, unsigned most)
{
    return dice_chance(d, permille_of_seeds) ? 1 + (unsigned)dice_scale(d, 0, most - 1) : 0;
}

/* ---- parts ---- */

static void network(knobs *k, dice *d)
{
    if (dice_chance(d, 300)) {
        k->sim.latency_least_us = (uint32_t)dice_scale(d, 1, 50000);
        k->sim.latency_most_us = k->sim.latency_least_us + (uint32_t)dice_scale(d, 0, 100000);
    }
    if (dice_chance(d, 300))
        k->sim.window_bytes = (size_t)dice_scale(d, 512, 256 * 1024);
}

static void faults(knobs *k, dice *d, unsigned permille_of_kinds)
{
    for (int i = 0; i < RP_SIM_LOSS; i++) { /* latency does the same */
        if (!dice_chance(d, permille_of_kinds))
            continue;
        /* Opportunities of these are many. */
        bool frequent =
            i == RP_SIM_SEND_FAILED || i == RP_SIM_RECEIVE_FAILED || i == RP_SIM_NO_MEMORY;
        k->sim.fault_ppm[i] = (uint32_t)dice_scale(d, 300, frequent ? 30000 : 300000);
    }
    k->faulty = dice_chance(d, 500);
}

static void hosts(knobs *k, dice *d)
{
    static const rp_tls_version versions[] = {RP_TLS_DEFAULT, RP_TLS_1_2, RP_TLS_1_3};
    k->host_count = 1 + (unsigned)dice_draw(d, HOSTS_MOST);
    for (unsigned i = 0; i < k->host_count; i++) {
        host_knobs *h = &k->hosts[i];
        h->plain = dice_chance(d, 250);
        h->version = versions[dice_draw(d, 3)];
        h->no_resumption = dice_chance(d, 200);
        h->dead_address = dice_chance(d, 150);
        h->premature = some(d, 50, 500);
        h->announced_close = some(d, 300, 500);
        h->silent_close = some(d, 300, 500);
    }
    k->no_resumption = dice_chance(d, 150);
    if (dice_chance(d, 200))
        k->client_version = versions[dice_draw(d, 3)];
}

/* Which hosts speak HTTP/2: what is plain is known beforehand, so all of those do or none. */
static void versions(knobs *k, dice *d)
{
    unsigned chance = dice_chance(d, 500) ? 0 : 300 + (unsigned)dice_draw(d, 701);
    if (k->only_2)
        chance = 1000;
    bool plain = dice_chance(d, chance);
    k->client.http2_prior_knowledge = plain;
    k->client.http2_one_connection = dice_chance(d, 200);
    if (dice_chance(d, 200))
        k->client.http2_streams_early = 1 + (uint32_t)dice_scale(d, 0, 99);
    for (unsigned i = 0; i < k->host_count; i++) {
        host_knobs *h = &k->hosts[i];
        h->http2 = h->plain ? plain : dice_chance(d, chance);
        if (!h->http2)
            continue;
        h->premature = h->silent_close = h->keep_alive_s = 0;
        h->streams_limit = some(d, 400, 20);
        h->first_window = some(d, 300, 100000);
        h->refuses = some(d, 200, 300);
        h->withholds = some(d, 200, 300);
    }
}

static void client_limits(knobs *k, dice *d)
{
    rp_client_options *c = &k->client;
    if (dice_chance(d, 400))
        c->connections_per_origin = 1 + (uint32_t)dice_scale(d, 0, 15);
    if (dice_chance(d, 300))
        c->connections_total = 1 + (uint32_t)dice_scale(d, 0, 31);
    if (dice_chance(d, 200))
        c->idle_per_origin = 1 + (uint32_t)dice_scale(d, 0, 7);
    if (dice_chance(d, 200))
        c->concurrent_openings = 1 + (uint32_t)dice_scale(d, 0, 7);
    if (dice_chance(d, 150))
        c->requests_per_connection = 1 + (uint32_t)dice_scale(d, 0, 15);
    if (dice_chance(d, 150))
        c->queue_limit = 1 + (uint32_t)dice_scale(d, 0, 63);
    if (dice_chance(d, 200))
        c->connection_idle_ms = 1 + dice_scale(d, 0, 60000);
    c->never_reuse = dice_chance(d, 60);
    c->never_replay = dice_chance(d, 150);
}

static void phase_limits(knobs *k, dice *d)
{
    rp_client_options *c = &k->client;
    if (dice_chance(d, 200))
        c->queue_timeout_ms = 1 + dice_scale(d, 0, 20000);
    if (dice_chance(d, 200))
        c->resolve_timeout_ms = 1 + dice_scale(d, 0, 20000);
    if (dice_chance(d, 200))
        c->connect_timeout_ms = 1 + dice_scale(d, 0, 20000);
    if (dice_chance(d, 200))
        c->handshake_timeout_ms = 1 + dice_scale(d, 0, 20000);
}

static void load(knobs *k, dice *d, unsigned calls)
{
    k->calls = 1 + (unsigned)dice_scale(d, 0, calls - 1);
    k->at_once = 1 + (unsigned)dice_scale(d, 0, 31);
    k->pause_us = dice_chance(d, 500) ? dice_scale(d, 1, 100000) : 0;
    k->body_bytes = (size_t)dice_scale(d, 1, 100000);
    k->upload_bytes = (size_t)dice_scale(d, 1, 60000);
    k->uploads = some(d, 600, 700);
    k->slow = some(d, 400, 500);
    k->credited = some(d, 400, 800);
    k->informational = some(d, 300, 500);
    k->early = some(d, 200, 500);
    k->cuts = dice_chance(d, 700);
    k->extras = some(d, 200, 300);
}

static void loop_sizes(knobs *k, dice *d)
{
    static const uint32_t coalescing[] = {0, RP_COALESCE_OFF, 1, 1000};
    k->loop.coalesce_limit_us = coalescing[dice_draw(d, 4)];
    k->polls = dice_chance(d, 100);
}

/* Ways that are not straight. What nobody asked for is told there and then on a straight one only:
 * through a proxy it comes when it likes. */
static void straight(knobs *k)
{
    k->extras = 0;
    for (unsigned i = 0; i < k->host_count; i++)
        k->hosts[i].premature = k->hosts[i].keep_alive_s = 0;
}

static void proxies(knobs *k, dice *d, unsigned permille)
{
    k->proxied = permille;
    k->proxy_count = 1 + (unsigned)dice_draw(d, PROXIES_MOST);
    for (unsigned i = 0; i < k->proxy_count; i++)
        k->proxies[i] = (proxy_kind)dice_draw(d, PROXY_KINDS);
    k->proxy_misbehaves = some(d, 300, 400);
    if (k->proxy_misbehaves > 0)
        k->client.handshake_timeout_ms = 1 + dice_scale(d, 0, 5000);
    straight(k);
}

static void detours(knobs *k, dice *d)
{
    k->encoded = some(d, 300, 800);
    if (dice_chance(d, 300)) /* for one or a few */
        k->client.decoder_memory_limit_bytes = (size_t)dice_scale(d, 1, 400000);
    k->redirected = some(d, 250, 700);
    if (k->redirected > 0)
        straight(k);
    if (dice_chance(d, 250))
        proxies(k, d, 1 + (unsigned)dice_draw(d, 1000));
}

/* ---- scenarios ---- */

static void swarm(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    client_limits(k, d);
    phase_limits(k, d);
    load(k, d, 60);
    loop_sizes(k, d);
    if (dice_chance(d, 600))
        faults(k, d, 250);
    for (unsigned i = 0; i < k->host_count; i++)
        k->hosts[i].misbehaves = some(d, 200, 500);
    k->flawed = some(d, 400, 400);
    k->astray = some(d, 200, 200);
    k->cancelled = some(d, 400, 500);
    k->limited = some(d, 400, 700);
    k->limit_ms = 1 + dice_scale(d, 0, 60000);
    k->same_limit = dice_chance(d, 300);
    k->kills = some(d, 200, 4);
    k->drops = some(d, 200, 10);
    k->cancel_storms = some(d, 200, 4);
    k->streams = some(d, 200, 6);
    k->stream_bytes = (size_t)dice_scale(d, 1, 200000);
    k->ends_early = dice_chance(d, 100);
    k->distrusts = dice_chance(d, 30);
    detours(k, d);
}

/* Many of them: full, resumed, refused with every alert, cut, late. */
static void handshakes(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    load(k, d, 40);
    loop_sizes(k, d);
    for (unsigned i = 0; i < k->host_count; i++) {
        k->hosts[i].plain = false;
        k->hosts[i].misbehaves = some(d, 700, 900);
    }
    k->body_bytes = 100;
    k->client.never_reuse = dice_chance(d, 700);
    k->astray = some(d, 500, 500);
    k->limited = dice_chance(d, 500) ? 1000 : 0;
    k->distrusts = dice_chance(d, 100);
    k->client.handshake_timeout_ms = dice_chance(d, 300) ? 1 + dice_scale(d, 0, 5000) : 0;
}

static void closes(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    client_limits(k, d);
    load(k, d, 120);
    k->body_bytes = (size_t)dice_scale(d, 1, 2000);
    k->client.never_reuse = false;
    for (unsigned i = 0; i < k->host_count; i++) {
        k->hosts[i].announced_close = some(d, 500, 300);
        k->hosts[i].silent_close = some(d, 700, 500);
    }
    k->drops = 1 + (unsigned)dice_scale(d, 0, 30);
}

static void slow(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    load(k, d, 20);
    k->sim.window_bytes = (size_t)dice_scale(d, 512, 16384);
    k->slow = 500 + (unsigned)dice_draw(d, 500);
    k->credited = 500 + (unsigned)dice_draw(d, 500);
    k->limited = some(d, 500, 1000);
    k->body_bytes = (size_t)dice_scale(d, 1, 150000);
    k->streams = some(d, 500, 4);
    k->stream_bytes = (size_t)dice_scale(d, 1, 200000);
}

static void cancels(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    client_limits(k, d);
    load(k, d, 80);
    k->cancelled = 300 + (unsigned)dice_draw(d, 700);
    k->cancel_storms = 1 + (unsigned)dice_scale(d, 0, 15);
    k->ends_early = dice_chance(d, 200);
}

static void deadlines(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    client_limits(k, d);
    phase_limits(k, d);
    load(k, d, 80);
    k->limited = 700 + (unsigned)dice_draw(d, 300);
    k->limit_ms = 1 + dice_scale(d, 0, 2000);
    k->same_limit = dice_chance(d, 500);
    k->sim.fault_ppm[RP_SIM_STALL] = (uint32_t)dice_draw(d, 500000);
    k->sim.fault_ppm[RP_SIM_CONNECT_STALL] = (uint32_t)dice_draw(d, 300000);
    k->sim.fault_ppm[RP_SIM_NAME_LATE] = (uint32_t)dice_draw(d, 300000);
}

static void dying(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    client_limits(k, d);
    load(k, d, 120);
    k->kills = 1 + (unsigned)dice_scale(d, 0, 15);
}

/* Thousands of requests over few connections. */
static void few(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    load(k, d, 2);
    k->host_count = 1;
    k->calls = 200 + (unsigned)dice_scale(d, 0, 4800);
    k->at_once = 1 + (unsigned)dice_scale(d, 0, 511);
    k->client.connections_per_origin = 1 + (uint32_t)dice_draw(d, 4);
    k->client.queue_limit = 0;
    k->hosts[0].silent_close = 0;
    k->hosts[0].announced_close = some(d, 300, 20);
    k->body_bytes = (size_t)dice_scale(d, 1, 300);
    k->upload_bytes = (size_t)dice_scale(d, 1, 300);
    k->pause_us = 0;
    k->slow = 0;
}

/* Upload and download at once. */
static void both_ways(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    load(k, d, 12);
    k->uploads = 800;
    k->early = 700;
    k->body_bytes = k->upload_bytes = (size_t)dice_scale(d, 1, 400000);
    k->streams = 1 + (unsigned)dice_scale(d, 0, 7);
    k->stream_bytes = (size_t)dice_scale(d, 1, 400000);
}

/* One connection, one call at a time, and no timer that would wake the loop: whatever wakes it is
 * the connection itself. */
static void alone(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    load(k, d, 30);
    k->host_count = 1;
    k->at_once = 1;
    k->client.connections_per_origin = 1;
    k->hosts[0].dead_address = false;
    k->hosts[0].premature = 0;
    k->hosts[0].announced_close = some(d, 700, 900);
    k->hosts[0].silent_close = some(d, 500, 900);
    k->pause_us = 0;
    k->credited = k->extras = 0;
    k->cuts = true;
    k->polls = false;
}

/* The program does something else now and then, and finds much at once, old and new. */
static void pauses(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    client_limits(k, d);
    load(k, d, 60);
    k->cuts = true;
    k->host_pauses = 1 + (unsigned)dice_scale(d, 0, 300);
    k->host_pause_ms = 1 + dice_scale(d, 0, 10000);
    if (dice_chance(d, 500))
        k->client.connection_idle_ms = 1 + dice_scale(d, 0, 5000);
    for (unsigned i = 0; i < k->host_count; i++)
        k->hosts[i].silent_close = some(d, 500, 500);
    k->drops = some(d, 500, 10);
}

/* Long pauses between the calls, and connections that must not be used after them. */
static void ages(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    client_limits(k, d);
    load(k, d, 40);
    k->pause_us = dice_scale(d, 1000, 20000000);
    k->at_once = 1 + (unsigned)dice_draw(d, 3);
    k->uploads = 600; /* a POST is not replayed */
    k->upload_bytes = (size_t)dice_scale(d, 1, 2000);
    k->credited = 0; /* who reads slowly learns late that it is idle */
    for (unsigned i = 0; i < k->host_count; i++)
        k->hosts[i].keep_alive_s = dice_chance(d, 700) ? 2 + (unsigned)dice_scale(d, 0, 8) : 0;
    if (dice_chance(d, 500))
        k->client.connection_idle_ms = 1 + dice_scale(d, 0, 20000);
    if (dice_chance(d, 500))
        k->client.connection_lifetime_ms = 1 + dice_scale(d, 0, 60000);
    k->host_pauses = some(d, 500, 200);
    k->host_pause_ms = 1 + dice_scale(d, 0, 20000);
}

/* Many calls at once over few connections of HTTP/2, whose servers leave, refuse, change their
 * settings and hold windows back. */
static void multiplexed(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    load(k, d, 300);
    k->only_2 = true;
    k->host_count = 1 + (unsigned)dice_draw(d, 2);
    k->at_once = 1 + (unsigned)dice_scale(d, 0, 255);
    k->client.connections_per_origin = 1 + (uint32_t)dice_draw(d, 4);
    k->cancelled = some(d, 400, 300);
    k->flawed = some(d, 300, 200);
    k->limited = k->flawed > 0 ? 1000 : 0;
    k->cancel_storms = some(d, 300, 10);
}

static void redirects(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    client_limits(k, d);
    load(k, d, 60);
    k->redirected = 300 + (unsigned)dice_draw(d, 701);
    k->encoded = some(d, 300, 800);
    k->cancelled = some(d, 300, 300);
    straight(k);
}

static void encoded(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    load(k, d, 60);
    k->encoded = 500 + (unsigned)dice_draw(d, 501);
    if (dice_chance(d, 300)) /* for one or a few */
        k->client.decoder_memory_limit_bytes = (size_t)dice_scale(d, 1, 400000);
    k->cancelled = some(d, 300, 300);
    k->flawed = some(d, 300, 300);
    k->limited = some(d, 300, 700);
    k->limit_ms = 1 + dice_scale(d, 0, 5000);
}

static void proxied(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    client_limits(k, d);
    load(k, d, 60);
    k->redirected = some(d, 300, 500);
    k->encoded = some(d, 200, 500);
    k->cancelled = some(d, 300, 300);
    k->flawed = some(d, 200, 300);
    proxies(k, d, 700 + (unsigned)dice_draw(d, 301));
}

/* Everything lacks now and then. */
static void lacking(knobs *k, dice *d)
{
    swarm(k, d);
    k->faulty = true;
    k->sim.fault_ppm[RP_SIM_NO_MEMORY] = 1 + (uint32_t)dice_scale(d, 0, 30000);
    k->sim.fault_ppm[RP_SIM_NO_DESCRIPTORS] = (uint32_t)dice_scale(d, 0, 200000);
    k->sim.fault_ppm[RP_SIM_NO_SOCKET_MEMORY] = (uint32_t)dice_scale(d, 0, 200000);
    k->sim.fault_ppm[RP_SIM_NO_BUFFERS] = (uint32_t)dice_scale(d, 0, 300000);
}

/* What takes a request's answer from it, or its body, meets what else does. */
static void crossing(knobs *k, dice *d)
{
    network(k, d);
    hosts(k, d);
    if (dice_chance(d, 300))
        client_limits(k, d);
    load(k, d, 40);
    k->busy = some(d, 700, 700);
    k->redirected = some(d, 600, 600);
    k->encoded = 300 + (unsigned)dice_draw(d, 701);
    k->credited = 300 + (unsigned)dice_draw(d, 701);
    k->early = 300 + (unsigned)dice_draw(d, 601);
    k->uploads = 400 + (unsigned)dice_draw(d, 401);
    k->cancelled = some(d, 500, 300);
    k->limited = some(d, 300, 700);
    k->limit_ms = 1 + dice_scale(d, 0, 20000);
    k->faulty = dice_chance(d, 200);
    if (k->faulty)
        k->sim.fault_ppm[RP_SIM_NO_MEMORY] = 1 + (uint32_t)dice_scale(d, 0, 10000);
    k->ends_early = dice_chance(d, 100);
    straight(k);
}

const scenario scenarios[] = {
    {"swarm", swarm},
    {"handshakes", handshakes},
    {"closes", closes},
    {"slow", slow},
    {"cancels", cancels},
    {"deadlines", deadlines},
    {"dying", dying},
    {"few", few},
    {"both_ways", both_ways},
    {"lacking", lacking},
    {"alone", alone},
    {"pauses", pauses},
    {"ages", ages},
    {"multiplexed", multiplexed},
    {"redirects", redirects},
    {"encoded", encoded},
    {"proxied", proxied},
    {"crossing", crossing},
    {NULL, NULL},
};

/* The half of all seeds are of the swarm, and none of crossing, which is run for itself. */
static const scenario *scenario_of(const char *name, dice *d)
{
    size_t count = 0;
    while (scenarios[count].name != NULL)
        count++;
    if (name == NULL)
        return &scenarios[dice_chance(d, 500) ? 0 : 1 + dice_draw(d, count - 2)];
    for (size_t i = 0; i < count; i++) {
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    }
    return NULL;
}

/* Where bytes change on their way, only TLS notices. */
static void encrypt_all(knobs *k)
{
    for (unsigned i = 0; i < k->host_count; i++)
        k->hosts[i].plain = false;
    for (unsigned i = 0; i < k->proxy_count; i++)
        k->proxies[i] = PROXY_HTTPS;
}

/* Who may wait for ever has a deadline: so has every call. A record whose length is corrupted makes
 * its reader wait for the rest; a request that had left before something unsolicited came may take
 * it for the head of its answer. */
static bool stalls(const knobs *k)
{
    for (unsigned i = 0; i < k->host_count; i++) {
        if (k->hosts[i].premature > 0)
            return true;
    }
    return k->sim.fault_ppm[RP_SIM_STALL] > 0 || k->sim.fault_ppm[RP_SIM_CORRUPT] > 0 ||
           k->flawed > 0 || k->extras > 0 || k->proxy_misbehaves > 0;
}

static uint64_t least_of(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

/* No names, no faults, and no long waits. */
static void make_real(knobs *k, dice *d)
{
    memset(k->sim.fault_ppm, 0, sizeof(k->sim.fault_ppm));
    k->faulty = false;
    k->astray = 0;
    k->streams = 0;
    k->apart = dice_chance(d, 800);
    k->calls = (unsigned)least_of(k->calls, 400);
    k->pause_us = least_of(k->pause_us, 3000);
    k->limit_ms = least_of(k->limit_ms, 200);
    k->host_pause_ms = least_of(k->host_pause_ms, 40);
    k->client.connection_idle_ms =
        k->client.connection_idle_ms == 0 ? 0 : 1 + least_of(k->client.connection_idle_ms, 30);
    for (unsigned i = 0; i < k->host_count; i++) {
        k->hosts[i].dead_address = false;
        k->hosts[i].keep_alive_s = 0;
        if (k->hosts[i].misbehaves > 0)
            k->client.handshake_timeout_ms = 200;
    }
    if (k->proxy_misbehaves > 0)
        k->client.handshake_timeout_ms = 200;
    k->real = true;
}

/* Bodies that go up piece by piece: then there are some. Last of all, so that the worlds that have
 * none are what they were. */
static void producers(knobs *k, dice *d)
{
    if (k->uploads == 0 || !dice_chance(d, k->busy > 0 ? 700 : 350))
        return;
    k->produced = 300 + (unsigned)dice_draw(d, 701);
    if (k->uploads < 200)
        k->uploads = 200 + (unsigned)dice_draw(d, 600);
}

static void origin_limits(rp_limit_options *limits, dice *d)
{
    if (dice_chance(d, 100))
        limits->requests_in_flight = 1 + (uint32_t)dice_scale(d, 0, 31);
    if (dice_chance(d, 60))
        limits->queue_limit = 1 + (uint32_t)dice_scale(d, 0, 63);
    if (dice_chance(d, 60))
        limits->probe_ms = 1 + (uint32_t)dice_scale(d, 0, 999);
    limits->shed = dice_chance(d, 60);
}

/* Retries, second tries beside the first, and a limit that both have to do with. */
static void tries(knobs *k, dice *d, unsigned permille)
{
    rp_client_options *c = &k->client;
    c->limits.adaptive = dice_chance(d, 40);
    if (dice_chance(d, permille)) {
        c->retry.attempts = 2 + (uint32_t)dice_draw(d, 3);
        c->retry.backoff_least_ms = 1 + (uint32_t)dice_scale(d, 0, 1000);
        c->retry.jitter = dice_chance(d, 500) ? RP_JITTER_DECORRELATED : RP_JITTER_FULL;
        c->retry.budget_percent = dice_chance(d, 500) ? UINT32_MAX : 0;
        k->tries = c->retry.attempts;
    }
    if (dice_chance(d, permille)) {
        c->hedge.delay_ms = 1 + (uint32_t)dice_scale(d, 0, 200);
        c->hedge.percentile = dice_chance(d, 300) ? 1 + (uint32_t)dice_draw(d, 99) : 0;
        c->hedge.budget_percent = dice_chance(d, 700) ? UINT32_MAX : 0;
        k->tries *= 2;
    }
    if (k->tries > 1)
        straight(k);
}

/* Where connections begin: an address, with it one family alone, and ports, which are enough. */
static void local_ends(knobs *k, dice *d)
{
    rp_local *local = &k->client.local;
    if (!dice_chance(d, 60))
        return;
    if (dice_chance(d, 500))
        local->address = k->real ? "127.0.0.1" : "10.0.0.9";
    if (!k->real && dice_chance(d, 700)) {
        local->first_port = 1024 + (uint16_t)dice_draw(d, 20000);
        local->last_port = (uint16_t)(local->first_port + 8000 + dice_draw(d, 30000));
    }
}

const scenario *knobs_choose(knobs *k, const char *name, uint64_t seed, bool real)
{
    dice d = {.state = seed * 0x2545f4914f6cdd1du + 1};
    const scenario *chosen = scenario_of(name, &d);
    *k = (knobs){.sim = {.seed = seed}, .tries = 1};
    if (chosen == NULL)
        return NULL;
    chosen->choose(k, &d);
    if (real)
        make_real(k, &d);
    versions(k, &d);
    for (unsigned i = 0; i < k->proxy_count; i++) {
        if (k->proxies[i] == PROXY_FORWARD && k->client.http2_prior_knowledge)
            k->proxies[i] = PROXY_HTTP; /* who forwards speaks HTTP/1.1 */
    }
    if (k->sim.fault_ppm[RP_SIM_CORRUPT] > 0)
        encrypt_all(k);
    if (k->limit_ms == 0)
        k->limit_ms = real ? 200 : 30000;
    if (stalls(k))
        k->limited = 1000;
    if (chosen->choose != few && chosen->choose != alone)
        origin_limits(&k->client.limits, &d);
    producers(k, &d);
    if (chosen->choose != few && chosen->choose != alone && chosen->choose != ages)
        tries(k, &d, chosen->choose == crossing ? 600 : 60);
    local_ends(k, &d);
    k->events = some(&d, 150, 900);
    k->leaving = some(&d, 150, 700);
    return chosen;
}
