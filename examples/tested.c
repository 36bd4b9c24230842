/* tested.c - a program's code, and its tests in the simulator: cuts, seeds, time. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* guide: begin program */
/* The program's: the price of a thing, from the shop or, where that fails, the one that was known
 * last. It is given its loop, its client and its URL, and makes none of them itself. */
typedef struct price {
    long cents;
    bool fresh, told; /* told: once */
    rp_collected answer;
} price;

static void price_came(rp_collected *answer, const rp_response_summary *summary, void *user)
{
    price *p = user;
    char *end = NULL;
    long cents = summary->error == NULL && answer->status == 200
                     ? strtol((const char *)answer->body, &end, 10)
                     : 0;
    p->fresh = end != NULL && end != (const char *)answer->body && *end == '\n' && cents > 0;
    if (p->fresh)
        p->cents = cents;
    p->told = true;
}

static void price_ask(price *p, rp_client *client, const char *url)
{
    static const rp_retry_options retry = {.attempts = 3};
    rp_request_options request = {.url = url, .retry = &retry, .total_timeout_ms = 2000};
    p->answer = (rp_collected){.limit_bytes = 100, .on_done = price_came, .user = p};
    p->fresh = p->told = false;
    if (rp_client_send(client, &request, &rp_collect_events, &p->answer, NULL) == NULL)
        p->told = true;
}
/* guide: end program */

/* guide: begin world */
typedef struct world {
    rp_sim *sim;
    rp_loop *loop;
    rp_client *client;
    rp_sim_server *shop;
    uint64_t answers_after_ms; /* the shop's mood */
} world;

static void shop_answers(rp_sim_exchange *x, void *user)
{
    const world *w = user;
    rp_sim_wait(x, w->answers_after_ms);
    rp_sim_respond(x, 200, "Content-Type: text/plain\r\n", "1999\n", 5);
}

static bool world_begin(world *w, const rp_sim_options *options)
{
    rp_tls_options trust = {.ca_pem = rp_sim_ca_pem};
    rp_client_options with = {.tls = NULL};
    rp_sim_server_options serving = {
        .host = "shop.example.com", .on_request = shop_answers, .user = w};
    *w = (world){.sim = NULL};
    bool good = rp_sim_create(&w->sim, options, NULL) == RP_OK &&
                rp_sim_server_start(w->sim, &w->shop, &serving, NULL) == RP_OK &&
                rp_sim_loop_create(w->sim, &w->loop, NULL, true, NULL) == RP_OK &&
                rp_tls_config_create(&with.tls, &trust, NULL) == RP_OK &&
                rp_client_create(&w->client, w->loop, &with, NULL) == RP_OK;
    rp_tls_config_release(with.tls);
    return good;
}

static void world_end(world *w)
{
    rp_client_destroy(w->client);
    rp_loop_destroy(w->loop);
    rp_sim_destroy(w->sim);
}

/* Asks once; returns when the answer was told. */
static price ask(world *w)
{
    price p = {.cents = 1500}; /* as of yesterday */
    price_ask(&p, w->client, "https://shop.example.com/price");
    rp_loop_run(w->loop);
    return p;
}
/* guide: end world */

static int failures;

static void check(bool good, const char *what, uint64_t n)
{
    if (good)
        return;
    printf("%s %llu\n", what, (unsigned long long)n);
    failures++;
}

/* guide: begin time */
/* A shop that thinks for longer than anybody waits: two seconds pass, of no real time. */
static void test_slow(void)
{
    world w;
    check(world_begin(&w, NULL), "a world", 0);
    w.answers_after_ms = 60000;
    price p = ask(&w);
    check(p.told && !p.fresh && p.cents == 1500, "slow", 0);
    check(rp_sim_now_ns(w.sim) / 1000000 <= 2001, "it took ms:", rp_sim_now_ns(w.sim) / 1000000);
    world_end(&w);
}
/* guide: end time */

/* guide: begin cuts */
/* The connection ends at each byte of what the shop sends. A second one answers: half a price is
 * none. */
static void test_cuts(void)
{
    static const rp_sim_options orderly = {.orderly = true};
    for (uint64_t byte = 0; byte < 3000; byte += 31) { /* each one, at night */
        world w;
        check(world_begin(&w, &orderly), "a world", byte);
        rp_sim_break_next(w.sim, RP_SIM_TRUNCATE, RP_SIM_TO_CLIENT, byte);
        price p = ask(&w);
        check(p.told && p.fresh && p.cents == 1999, "cut at byte", byte);
        world_end(&w);
    }
}
/* guide: end cuts */

/* guide: begin seeds */
/* Whatever chance brings: there is one end, and the price is right, or yesterday's. */
static void test_seeds(uint64_t first, uint64_t count)
{
    rp_sim_options chance = {.fault_ppm = {[RP_SIM_CONNECT_REFUSED] = 100000,
                                           [RP_SIM_CONNECT_STALL] = 100000,
                                           [RP_SIM_RESET] = 200000,
                                           [RP_SIM_STALL] = 100000,
                                           [RP_SIM_CORRUPT] = 100000,
                                           [RP_SIM_NAME_LATE] = 100000,
                                           [RP_SIM_NO_MEMORY] = 2000}};
    for (chance.seed = first; chance.seed < first + count; chance.seed++) {
        world w;
        if (world_begin(&w, &chance)) { /* else there was no memory for it */
            w.answers_after_ms = rp_sim_random(w.sim, 1000);
            price p = ask(&w);
            check(p.told && p.cents == (p.fresh ? 1999 : 1500), "seed", chance.seed);
        }
        world_end(&w);
    }
}
/* guide: end seeds */

int main(int argc, char **argv) /* tested [SEED]: that one alone */
{
    if (argc > 1) {
        test_seeds(strtoull(argv[1], NULL, 10), 1);
    } else {
        test_slow();
        test_cuts();
        test_seeds(1, 100);
    }
    return failures > 0;
}
