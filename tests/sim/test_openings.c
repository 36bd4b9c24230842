/* test_openings.c - how the places for openings are shared, in virtual time: origins that are dead
 * hold up neither those that are well nor their own requests beyond their deadlines. */
#include "client/client.h"
#include "support/check.h"
#include "support/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS ((uint64_t)1000000)

enum { HANDSHAKE_MS = 3000, FRESH_MS = 250, SOON_MS = 50 };

/* Connections are taken, and nothing is ever said on them. */
static void say_nothing(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_end(x, RP_SIM_END_STALLED);
}

typedef struct dead {
    play p;
    rp_sim_server *silent;
    unsigned sent, failed, others;
    uint64_t longest_ns; /* of a request to a dead origin */
    uint32_t most_connections, most_openings;
} dead;

typedef struct victim {
    dead *all;
    uint64_t started_ns;
} victim;

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    victim *v = user;
    dead *all = v->all;
    uint64_t took_ns = rp_sim_now_ns(all->p.sim) - v->started_ns;
    (void)request;
    if (summary->error != NULL && summary->error->status == RP_E_HANDSHAKE_TIMEOUT)
        all->failed++;
    else
        all->others++;
    if (took_ns > all->longest_ns)
        all->longest_ns = took_ns;
    free(v);
}

/* It is known that a connection takes one request: else two are opened at first. */
static void begin(dead *d, const rp_client_options *with)
{
    rp_client_options client = {.versions = RP_HTTP_ANY};
    rp_sim_server_options silent = {.on_connection = say_nothing, .host = "dead.example.test"};
    *d = (dead){.sent = 0};
    if (with != NULL)
        client = *with;
    client.handshake_timeout_ms = HANDSHAKE_MS;
    client.versions = RP_HTTP_1_1;
    play_begin(&d->p, &(play_options){.client = &client, .version = 13});
    CHECK(rp_sim_server_start(d->p.sim, &d->silent, &silent, NULL) == RP_OK);
}

/* `each` requests to each of `count` origins that are dead. */
static void send_to_the_dead(dead *d, unsigned count, unsigned each)
{
    static const rp_response_events events = {.on_done = on_done};
    char address[64], name[64], url[96];
    (void)snprintf(address, sizeof(address), "%s", rp_sim_server_address(d->silent));
    *strchr(address, ':') = '\0';
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "dead%u.example.test", i);
        (void)snprintf(url, sizeof(url), "https://%s/", name);
        CHECK(rp_sim_name_add(d->p.sim, name, address, NULL) == RP_OK);
        for (unsigned j = 0; j < each; j++) {
            victim *v = calloc(1, sizeof(*v));
            *v = (victim){d, rp_sim_now_ns(d->p.sim)};
            rp_request_options options = {.url = url};
            CHECK(rp_client_send(d->p.client, &options, &events, v, NULL) != NULL);
            d->sent++;
        }
    }
}

static void turn(dead *d, uint64_t wait_ms)
{
    const rp_client *client = d->p.client;
    (void)rp_loop_turn(d->p.loop, wait_ms);
    if (client->conn_count > d->most_connections)
        d->most_connections = client->conn_count;
    if (client->opening_count > d->most_openings)
        d->most_openings = client->opening_count;
    CHECK(client->fresh_count <= client->options.concurrent_openings);
}

static void until_ms(dead *d, uint64_t at_ms)
{
    while (rp_sim_now_ns(d->p.sim) < at_ms * MS_NS)
        turn(d, at_ms - rp_sim_now_ns(d->p.sim) / MS_NS);
}

/* So many requests to the healthy origin at once; the time until the last is answered. */
static uint64_t serve_ms(dead *d, unsigned count)
{
    call *calls = calloc(count, sizeof(*calls));
    uint64_t begun_ns = rp_sim_now_ns(d->p.sim);
    for (unsigned i = 0; i < count; i++)
        call_start(&calls[i], &d->p, NULL);
    for (unsigned i = 0; i < count; i++) {
        while (calls[i].dones == 0)
            turn(d, 1000);
        assert_int_equal(calls[i].error.status, RP_OK);
    }
    free(calls);
    return (rp_sim_now_ns(d->p.sim) - begun_ns) / MS_NS;
}

static void end(dead *d)
{
    while (d->failed + d->others < d->sent)
        turn(d, 1000);
    assert_int_equal(d->others, 0);
    play_end(&d->p);
}

/* Round up. */
static unsigned turns_of(unsigned origins, unsigned places)
{
    return (origins + places - 1) / places;
}

/* The healthy origin comes last, and again later, when all of the dead hold what they may. */
static void test_dead_origins(void **state)
{
    static const struct {
        unsigned origins, each;
    } cases[] = {{1, 64}, {1, 1000}, {4, 64}, {4, 1}, {64, 64}, {300, 1}, {1000, 1}, {1000, 16}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned origins = cases[i].origins;
        dead d;
        begin(&d, NULL);
        send_to_the_dead(&d, origins, cases[i].each);
        uint64_t first_ms = serve_ms(&d, 1);
        unsigned turns = origins <= 4 ? 0 : turns_of(origins, 256);
        assert_in_range(first_ms, 0, turns * FRESH_MS + SOON_MS);
        until_ms(&d, 2000);
        assert_in_range(serve_ms(&d, 1), 0, SOON_MS);
        /* A long queue: of which only the first has a connection at once. */
        assert_in_range(serve_ms(&d, 500), 0, 4 * SOON_MS);
        /* Sockets do not pile up. */
        assert_in_range(d.most_connections, 1, 2 * origins + 2 * 256 + 64);
        end(&d);
        /* Each was told in time: it waited for a turn and for the deadline, some for that of an
         * opening that began later than their origin's first. */
        assert_in_range(d.longest_ns / MS_NS, HANDSHAKE_MS, 2 * HANDSHAKE_MS + SOON_MS);
    }
}

/* Requests to a dead origin that come by and by: none is made to wait for the others' deadlines. */
static void test_dead_trickle(void **state)
{
    (void)state;
    dead d;
    begin(&d, NULL);
    for (unsigned i = 0; i < 40; i++) {
        send_to_the_dead(&d, 4, 2);
        until_ms(&d, rp_sim_now_ns(d.p.sim) / MS_NS + 100);
        if (i % 10 == 9)
            assert_in_range(serve_ms(&d, 10), 0, SOON_MS);
    }
    end(&d);
    assert_in_range(d.longest_ns / MS_NS, HANDSHAKE_MS, 2 * HANDSHAKE_MS + SOON_MS);
    assert_in_range(d.most_openings, 1, 4 * 6 + 10);
}

/* Few places, and few connections in all: what one origin takes it leaves, too. */
static void test_small_limits(void **state)
{
    static const struct {
        rp_client_options options;
        unsigned origins, turns;
    } cases[] = {
        {{.concurrent_openings = 1}, 1, 1},
        {{.concurrent_openings = 1}, 8, 8},
        {{.concurrent_openings = 8}, 64, 8},
        {{.concurrent_openings = 8}, 1, 0},
        {{.connections_total = 4}, 1, 0},
        {{.connections_total = 64}, 1, 0},
        {{.connections_total = 64}, 4, 0},
        {{.connections_total = 2, .concurrent_openings = 1}, 1, 1},
        {{.connections_total = 100, .concurrent_openings = 4}, 80, 20},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dead d;
        begin(&d, &cases[i].options);
        send_to_the_dead(&d, cases[i].origins, 100);
        assert_in_range(serve_ms(&d, 20), 0, cases[i].turns * (FRESH_MS + 1) + 2 * SOON_MS);
        if (cases[i].options.connections_total > 0)
            assert_in_range(d.most_connections, 1, cases[i].options.connections_total);
        end(&d);
    }
}

/* A queue that is full of those who wait for a dead server shuts out nobody for whom there is a
 * connection; but who would wait, too. */
static void test_full_queue(void **state)
{
    (void)state;
    dead d;
    call idle = {0}, busy = {0};
    begin(&d, &(rp_client_options){.queue_limit = 10});
    (void)serve_ms(&d, 1);
    send_to_the_dead(&d, 1, 10);
    call_start(&idle, &d.p, NULL);
    assert_non_null(idle.request);
    call_start(&busy, &d.p, NULL);
    assert_null(busy.request);
    assert_int_equal(busy.error.status, RP_E_QUEUE_FULL);
    call_wait(&idle, &d.p);
    assert_int_equal(idle.status, 200);
    assert_true(idle.reused);
    end(&d);
}

/* A server that is slow to take connections, and not dead, gets as many as it is asked for. As long
 * as it is not known that it takes one request on each, two are opened, and the others when the
 * first of these is there. */
static void take_time(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_wait(x, 600);
}

static void answer_slowly(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_wait(x, 5000);
    rp_sim_respond(x, 200, NULL, "", 0);
}

static void test_slow_server(void **state)
{
    (void)state;
    for (unsigned known = 0; known < 2; known++) {
        dead d = {.sent = 0};
        rp_sim_server_options slow = {.on_connection = take_time, .on_request = answer_slowly};
        rp_client_options client = {.versions = known ? RP_HTTP_1_1 : RP_HTTP_ANY};
        play_begin(&d.p, &(play_options){.server = &slow, .version = 13, .client = &client});
        uint64_t took_ms = serve_ms(&d, 64), probe_ms = known ? 0 : 600;
        assert_in_range(took_ms, 5600 + probe_ms, 5700 + probe_ms);
        assert_int_equal(d.most_connections, 64);
        play_end(&d.p);
    }
}

/* The caller destroys the client when the first of many is told of the deadline. */
static void destroy_in_callback(rp_request *request, const rp_response_summary *summary, void *user)
{
    dead *d = user;
    (void)request;
    d->failed++;
    if (d->failed == 1) {
        assert_int_equal(summary->error->status, RP_E_HANDSHAKE_TIMEOUT);
        rp_client_destroy(d->p.client);
        d->p.client = NULL;
    } else {
        assert_int_equal(summary->error->status, RP_E_CANCELLED);
    }
}

static void test_destroyed_when_told(void **state)
{
    static const rp_response_events events = {.on_done = destroy_in_callback};
    (void)state;
    dead d;
    begin(&d, &(rp_client_options){.connections_per_origin = 1});
    for (unsigned i = 0; i < 10; i++) {
        rp_request_options options = {.url = "https://dead.example.test/"};
        CHECK(rp_client_send(d.p.client, &options, &events, &d, NULL) != NULL);
    }
    while (d.failed < 10)
        (void)rp_loop_turn(d.p.loop, 1000);
    play_end(&d.p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_origins), cmocka_unit_test(test_dead_trickle),
        cmocka_unit_test(test_small_limits), cmocka_unit_test(test_full_queue),
        cmocka_unit_test(test_slow_server),  cmocka_unit_test(test_destroyed_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
