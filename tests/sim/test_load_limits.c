/* test_load_limits.c - limits of an origin (load.h), in virtual time: what they are, and what they
 * are good for: at twice a server's capacity, and behind its outage, with them and without. */
#include "support/check.h"
#include "support/load.h"

#include <string.h>

#define MS_NS ((uint64_t)1000000)

enum { WORKERS = 10, SERVICE_MS = 100, CAPACITY = 100 };

typedef struct world {
    play p;
    load_server server;
} world;

static void begin(world *w, const rp_client_options *client, uint64_t seed)
{
    rp_sim_server_options server = {
        .on_request = load_serve, .user = &w->server, .versions = RP_SIM_HTTP_1_OR_2};
    rp_sim_options sim = {.seed = seed};
    play_begin(&w->p,
               &(play_options){.sim = &sim, .server = &server, .client = client, .version = 13});
    w->server.sim = w->p.sim;
}

/* ---- what they are ---- */

static void slow(rp_sim_exchange *x, void *user)
{
    unsigned *most = user;
    rp_sim_server_counts counts;
    rp_sim_server_counts_get(rp_sim_exchange_server(x), &counts);
    (*most)++;
    rp_sim_wait(x, 1000);
    rp_sim_respond(x, 200, NULL, "", 0);
}

static void test_in_flight(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        rp_client_options client = {.versions = version, .limits.requests_in_flight = 3};
        unsigned came = 0;
        rp_sim_server_options serving = {
            .on_request = slow, .user = &came, .versions = RP_SIM_HTTP_1_OR_2};
        play p;
        call calls[10];
        play_begin(&p, &(play_options){.server = &serving, .version = 13, .client = &client});
        for (unsigned i = 0; i < 10; i++)
            call_start(&calls[i], &p, NULL);
        for (unsigned second = 1; second <= 4; second++) {
            rp_sim_run_ms(p.sim, second == 1 ? 500 : 1000);
            assert_in_range(came, 3 * (second - 1), second < 4 ? 3 * second : 10);
        }
        for (unsigned i = 0; i < 10; i++) {
            call_wait(&calls[i], &p);
            assert_int_equal(calls[i].status, 200);
        }
        play_end(&p);
    }
}

/* A place that a request leaves, however it leaves, is the next one's, on whichever connection. */
static void test_places_are_given_back(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        rp_client_options client = {.versions = version, .limits.requests_in_flight = 2};
        unsigned came = 0;
        rp_sim_server_options serving = {
            .on_request = slow, .user = &came, .versions = RP_SIM_HTTP_1_OR_2};
        rp_request_options hasty = {.total_timeout_ms = 300};
        play p;
        call calls[6];
        play_begin(&p, &(play_options){.server = &serving, .version = 13, .client = &client});
        call_start(&calls[0], &p, NULL);
        call_start(&calls[1], &p, &hasty);
        for (unsigned i = 2; i < 6; i++)
            call_start(&calls[i], &p, NULL);
        rp_sim_run_ms(p.sim, 200);
        rp_request_cancel(calls[0].request);
        rp_request_cancel(calls[5].request); /* which is in the queue */
        for (unsigned i = 0; i < 6; i++)
            call_wait(&calls[i], &p);
        assert_int_equal(calls[0].error.status, RP_E_CANCELLED);
        assert_int_equal(calls[1].error.status, RP_E_TOTAL_TIMEOUT);
        assert_int_equal(calls[5].error.status, RP_E_CANCELLED);
        for (unsigned i = 2; i < 5; i++)
            assert_int_equal(calls[i].status, 200);
        assert_in_range(calls[2].took_ns, 1200 * MS_NS, 1280 * MS_NS);
        assert_in_range(calls[3].took_ns, 1300 * MS_NS, 1380 * MS_NS);
        assert_in_range(calls[4].took_ns, 2200 * MS_NS, 2280 * MS_NS);
        play_end(&p);
    }
}

/* Whoever sends the next request when one ends gets the place on the connection that there is. */
typedef struct chain {
    play p;
    unsigned left, ended;
} chain;

static void chain_send(chain *c);

static void chain_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    chain *c = user;
    (void)request;
    CHECK(summary->error == NULL);
    c->ended++;
    chain_send(c);
}

static const rp_response_events chain_events = {.on_done = chain_done};

static void chain_send(chain *c)
{
    rp_error error;
    if (c->left == 0)
        return;
    c->left--;
    rp_request_options options = {.url = play_url(&c->p, "/")};
    CHECK(rp_client_send(c->p.client, &options, &chain_events, c, &error) != NULL);
}

static void test_one_connection_is_enough(void **state)
{
    (void)state;
    rp_client_options client = {.versions = RP_HTTP_2, .limits.requests_in_flight = 3};
    unsigned came = 0;
    chain c = {.left = 60};
    rp_sim_server_options serving = {
        .on_request = slow, .user = &came, .versions = RP_SIM_HTTP_1_OR_2};
    play_begin(&c.p, &(play_options){.server = &serving, .version = 13, .client = &client});
    for (unsigned i = 0; i < 6; i++)
        chain_send(&c);
    rp_sim_run_ms(c.p.sim, 60000);
    assert_int_equal(c.ended, 60);
    rp_sim_server_counts counts;
    rp_sim_server_counts_get(c.p.server, &counts);
    assert_in_range(counts.connections, 1, 2); /* several are tried while it is not known */
    assert_int_equal(rp_loop_stats_get(c.p.loop)->connections_opened, counts.connections);
    play_end(&c.p);
}

static void test_queue_limit(void **state)
{
    (void)state;
    rp_client_options client = {.versions = RP_HTTP_1_1,
                                .limits = {.requests_in_flight = 1, .queue_limit = 2}};
    unsigned came = 0;
    rp_sim_server_options serving = {.on_request = slow, .user = &came};
    play p;
    call calls[4];
    play_begin(&p, &(play_options){.server = &serving, .version = 13, .client = &client});
    call_start(&calls[0], &p, NULL);
    rp_sim_run_ms(p.sim, 100);
    for (unsigned i = 1; i < 4; i++)
        call_start(&calls[i], &p, NULL);
    assert_null(calls[3].request);
    assert_int_equal(calls[3].error.status, RP_E_ORIGIN_QUEUE_FULL);
    assert_string_equal(calls[3].error.text, PLAY_HOST ": 2 requests wait already, the limit of an "
                                                       "origin's queue");
    for (unsigned i = 0; i < 3; i++)
        call_wait(&calls[i], &p);
    call_good(&calls[3], &p);
    play_end(&p);
}

/* Who waits too long for a place is told which limit has none. */
static void test_queue_timeout(void **state)
{
    (void)state;
    for (unsigned adaptive = 0; adaptive <= 1; adaptive++) {
        rp_client_options client = {.versions = RP_HTTP_1_1,
                                    .queue_timeout_ms = 500,
                                    .limits = {.requests_in_flight = 1, .adaptive = adaptive}};
        unsigned came = 0;
        rp_sim_server_options serving = {.on_request = slow, .user = &came};
        play p;
        call first, second;
        play_begin(&p, &(play_options){.server = &serving, .version = 13, .client = &client});
        call_start(&first, &p, NULL);
        rp_sim_run_ms(p.sim, 100);
        call_bad(&second, &p, RP_E_QUEUE_TIMEOUT, RP_PHASE_QUEUE, NULL);
        assert_non_null(strstr(second.error.text, "within 500 ms: as many requests are under way"));
        assert_non_null(
            strstr(second.error.text, adaptive ? "limits.adaptive" : "limits.requests_in_flight"));
        call_wait(&first, &p);
        play_end(&p);
    }
}

static void test_shed(void **state)
{
    (void)state;
    rp_client_options client = {.versions = RP_HTTP_1_1,
                                .limits = {.requests_in_flight = 1, .shed = true}};
    rp_request_options hasty = {.total_timeout_ms = 3500};
    unsigned came = 0;
    rp_sim_server_options serving = {.on_request = slow, .user = &came};
    play p;
    call calls[5], patient;
    play_begin(&p, &(play_options){.server = &serving, .version = 13, .client = &client});
    for (unsigned i = 0; i < 8; i++) /* that is how long they take */
        call_good(&calls[0], &p);
    for (unsigned i = 0; i < 5; i++)
        call_start(&calls[i], &p, &hasty);
    call_start(&patient, &p, NULL);
    assert_null(calls[3].request);
    assert_int_equal(calls[3].error.status, RP_E_QUEUE_SHED);
    assert_int_equal(calls[3].error.phase, RP_PHASE_QUEUE);
    assert_non_null(strstr(calls[3].error.text, PLAY_HOST ": 2 requests wait already: this one "
                                                          "would wait about 300"));
    assert_null(calls[4].request);
    for (unsigned i = 0; i < 3; i++) {
        call_wait(&calls[i], &p);
        assert_int_equal(calls[i].status, 200);
    }
    call_wait(&patient, &p);
    assert_int_equal(patient.status, 200);
    play_end(&p);
}

/* ---- twice the capacity ---- */

static unsigned goodput(const rp_client_options *client, uint64_t seed, load *l)
{
    world w = {.server = {.workers = WORKERS, .service_us = SERVICE_MS * 1000, .random = true}};
    rp_request_options request = {.total_timeout_ms = 1000};
    begin(&w, client, seed);
    *l = (load){.play = &w.p, .request = &request, .per_second = 2 * CAPACITY, .seconds = 20};
    load_run(l);
    unsigned good = l->good;
    load_end(l);
    play_end(&w.p);
    return good;
}

static void test_twice_the_capacity(void **state)
{
    (void)state;
    unsigned best = CAPACITY * 20;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        rp_client_options without = {.versions = version};
        rp_client_options with = without;
        load l;
        with.limits = (rp_limit_options){.requests_in_flight = WORKERS + 2, .shed = true};
        unsigned bad = goodput(&without, version, &l);
        unsigned good = goodput(&with, version, &l);
        print_message("version %u: %u of %u without, %u with; %u refused, %u failed\n", version,
                      bad, best, good, l.refused, l.failed);
        assert_true(bad < best / 2);
        assert_true(good >= best * 95 / 100);
        assert_true(l.failed < l.sent / 20); /* whoever is taken is served */
    }
}

/* ---- a limit that is found out ---- */

/* The server's capacity triples, and shrinks again: each time most of it is used, and few answers
 * come too late. */
static void change_workers(load *l)
{
    world *w = l->user;
    uint64_t second = rp_sim_now_ns(w->p.sim) / 1000000000u;
    w->server.workers = second >= 20 && second < 40 ? 3 * WORKERS : WORKERS;
}

static unsigned sum(const load *l, unsigned first, unsigned end)
{
    unsigned all = 0;
    for (unsigned i = first; i < end; i++)
        all += l->good_in[i];
    return all;
}

typedef struct adapted {
    unsigned first, second, third, failed, sent, good;
} adapted;

static void adapt(adapted *sums, rp_http_versions version, uint64_t seed)
{
    rp_client_options client = {.versions = version, .limits = {.adaptive = true, .shed = true}};
    rp_request_options request = {.total_timeout_ms = 1000};
    world w = {.server = {.workers = WORKERS, .service_us = SERVICE_MS * 1000, .random = true}};
    begin(&w, &client, seed);
    load l = {.play = &w.p,
              .request = &request,
              .per_second = 4 * CAPACITY,
              .seconds = 60,
              .each = change_workers,
              .user = &w};
    load_run(&l);
    sums->first += sum(&l, 4, 20);
    sums->second += sum(&l, 28, 40);
    sums->third += sum(&l, 44, 60);
    sums->failed += l.failed;
    sums->sent += l.sent - l.refused;
    sums->good += l.good;
    load_end(&l);
    play_end(&w.p);
}

/* Chance moves each run's numbers by three in a hundred, so that some count together. */
static void test_adaptive(void **state)
{
    enum { RUNS = 4 };
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        adapted all = {0};
        for (uint64_t seed = 1; seed <= RUNS; seed++)
            adapt(&all, version, seed);
        print_message("version %u: %u of %u, %u of %u, %u of %u; %u failed of %u\n", version,
                      all.first, 1600 * RUNS, all.second, 3600 * RUNS, all.third, 1600 * RUNS,
                      all.failed, all.sent);
        assert_true(all.first >= 1600 * RUNS * 93 / 100);
        assert_true(all.second >= 3600 * RUNS * 90 / 100);
        assert_true(all.third >= 1600 * RUNS * 93 / 100);
        assert_true(all.failed < all.good / 10);
    }
}

/* ---- an outage, from 5 s to 12 s ---- */

enum { OUTAGE_BEGINS = 5, OUTAGE_ENDS = 12, PER_SECOND = 100 };

typedef struct outage {
    world w;
    bool stalls; /* nobody answers; else connections are refused */
    unsigned openings[LOAD_SECONDS], connects;
    unsigned state; /* before, in, behind it */
} outage;

static void count_connect(void *user, const char *line)
{
    outage *o = user;
    if (o->w.p.sim == NULL || strstr(line, " connects to ") == NULL)
        return;
    o->openings[rp_sim_now_ns(o->w.p.sim) / 1000000000u]++;
}

static const rp_sim_server_options *serving(world *w)
{
    static rp_sim_server_options server;
    server = (rp_sim_server_options){.on_request = load_serve, .user = &w->server};
    return &server;
}

static void go_on(load *l)
{
    outage *o = l->user;
    uint64_t second = rp_sim_now_ns(o->w.p.sim) / 1000000000u;
    unsigned state = second < OUTAGE_BEGINS ? 0 : second < OUTAGE_ENDS ? 1 : 2;
    if (state == o->state)
        return;
    o->state = state;
    if (o->stalls) {
        rp_sim_fault_set(o->w.p.sim, RP_SIM_CONNECT_STALL, state == 1 ? 1000000 : 0);
        if (state == 1)
            rp_sim_server_drop(o->w.p.server, RP_SIM_END_RESET);
    } else if (state == 1) {
        rp_sim_server_stop(o->w.p.server);
        o->w.p.server = NULL;
    } else {
        play_serve(&o->w.p, serving(&o->w));
    }
}

/* Openings in the second in which there were most, of the outage and what follows; how long after
 * its end answers come as before, in whole seconds. */
static void suffer(outage *o, const rp_limit_options *limits, unsigned *most, unsigned *recovered)
{
    rp_client_options client = {.versions = RP_HTTP_1_1, .limits = *limits};
    rp_request_options request = {.total_timeout_ms = 2000};
    rp_sim_options sim = {.seed = 7, .on_trace = count_connect, .user = o};
    o->w.server = (load_server){.workers = WORKERS, .service_us = 20000};
    play_begin(
        &o->w.p,
        &(play_options){.sim = &sim, .server = serving(&o->w), .client = &client, .version = 13});
    o->w.server.sim = o->w.p.sim;
    load l = {.play = &o->w.p,
              .request = &request,
              .per_second = PER_SECOND,
              .seconds = 20,
              .each = go_on,
              .user = o};
    load_run(&l);
    *most = 0;
    for (unsigned i = OUTAGE_BEGINS + 1; i < 20; i++)
        *most = o->openings[i] > *most ? o->openings[i] : *most;
    *recovered = OUTAGE_ENDS;
    while (*recovered < 19 && l.good_in[*recovered] < PER_SECOND * 7 / 10)
        (*recovered)++;
    *recovered -= OUTAGE_ENDS;
    print_message("%s: %u openings a second at most, over after %u s\n",
                  limits->probe_ms > 0 ? "probed" : "not probed", *most, *recovered);
    load_end(&l);
    play_end(&o->w.p);
}

static void test_outage(void **state)
{
    (void)state;
    static const rp_limit_options none = {0};
    static const rp_limit_options probing = {.requests_in_flight = 20, .probe_ms = 400};
    for (unsigned stalls = 0; stalls < 2; stalls++) {
        outage o = {.stalls = stalls};
        unsigned most, recovered;
        suffer(&o, &none, &most, &recovered);
        assert_true(stalls ? recovered > 1 : most > PER_SECOND / 2); /* late, or a storm */
        o = (outage){.stalls = stalls};
        suffer(&o, &probing, &most, &recovered);
        assert_true(most <= 20 + 3);
        assert_true(recovered <= 1);
        for (unsigned i = OUTAGE_BEGINS + 1; i < OUTAGE_ENDS; i++)
            assert_true(o.openings[i] <= 3);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_places_are_given_back),
        cmocka_unit_test(test_one_connection_is_enough),
        cmocka_unit_test(test_queue_limit),
        cmocka_unit_test(test_queue_timeout),
        cmocka_unit_test(test_shed),
        cmocka_unit_test(test_twice_the_capacity),
        cmocka_unit_test(test_outage),
        cmocka_unit_test(test_adaptive),
    };
    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
