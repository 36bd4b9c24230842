/* test_stream_stages.c - streams that are closed, and loops that are destroyed, at every stage of a
 * stream's life and from every callback; and memory that runs out at every allocation.
 *
 * What is asserted is in probe.c, at each callback: one on_open, one completion for each write, in
 * order, on_close last and once; and at each loop's end: no memory, no descriptor, no thread is
 * left. */
#include "support/probe.h"
#include "support/raw.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 200000, CREDIT = 30000 };

static const int versions[] = {0, 12, 13};
static uint8_t *data; /* SIZE bytes of pattern */

/* ---- a conversation with all that a stream can do, without expectations ---- */

static void give_back(probe *p, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    probe_consume(p, size);
}

static void talk(probe *p)
{
    if (p->closing)
        return;
    (void)probe_write(p, data, SIZE);
    (void)probe_write(p, data, 0);
    (void)probe_shutdown(p);
}

static void begin(probe_pair *pair, int version)
{
    probe_pair_begin(pair, version, "server-ecdsa");
    pair->client_credit = pair->server_credit = CREDIT;
    pair->client.on_data = pair->server.on_data = give_back;
    pair->server.on_open = talk;
}

/* Both ends speak. The client wrote before it was open. */
static void start(probe_pair *pair)
{
    probe_pair_start(pair);
    talk(&pair->client);
}

static bool over(const probe_pair *pair)
{
    return pair->client.ends == 1 && pair->server.ends == 1 && pair->client.writes_done == 3 &&
           pair->server.writes_done == 3;
}

/* Turns so many times; true if the conversation was over before. */
static bool advance(probe_pair *pair, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        if (over(pair))
            return true;
        (void)rp_loop_turn(pair->loop, 1000);
    }
    return over(pair);
}

/* ---- every stage, by turns ---- */

typedef void stage_fn(probe_pair *pair);

static void close_client(probe_pair *pair)
{
    probe_close(&pair->client);
    UNTIL(pair->loop, pair->client.closes == 1);
}

static void close_server(probe_pair *pair)
{
    if (pair->server.stream == NULL)
        return;
    probe_close(&pair->server);
    UNTIL(pair->loop, pair->server.closes == 1);
    UNTIL(pair->loop, pair->client.open_error.status != RP_OK || pair->client.ends == 1);
}

static void reset_server(probe_pair *pair)
{
    if (pair->server.stream == NULL)
        return;
    probe_cut(&pair->server, true);
    UNTIL(pair->loop, pair->client.open_error.status != RP_OK || pair->client.ends == 1);
}

static void each_stage(stage_fn *fn)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        probe_pair pair;
        bool was_over = false;
        for (unsigned turns = 0; !was_over; turns++) {
            assert_true(turns < 1000);
            begin(&pair, versions[i]);
            start(&pair);
            was_over = advance(&pair, turns);
            fn(&pair);
            probe_pair_end(&pair);
        }
    }
}

static void test_close_at_every_stage(void **state)
{
    (void)state;
    each_stage(close_client);
}

static void test_peer_closes_at_every_stage(void **state)
{
    (void)state;
    each_stage(close_server);
}

static void test_peer_resets_at_every_stage(void **state)
{
    (void)state;
    each_stage(reset_server);
}

static void allow_close(probe_pair *pair)
{
    pair->client.closing = pair->server.closing = true;
}

static void test_destroy_at_every_stage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        bool was_over = false;
        for (unsigned turns = 0; !was_over; turns++) {
            probe_pair pair;
            begin(&pair, versions[i]);
            start(&pair);
            was_over = advance(&pair, turns);
            bool accepted = pair.server.loop != NULL;
            allow_close(&pair); /* the loop closes them */
            probe_loop_end(pair.loop);
            assert_int_equal(pair.client.closes, 1);
            assert_int_equal(pair.server.closes, accepted);
            rp_tls_config_release(pair.client_tls);
            rp_tls_config_release(pair.server_tls);
        }
    }
}

/* ---- from every callback ---- */

static void close_here(probe *p)
{
    probe_close(p);
}

static void close_data(probe *p, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    probe_close(p);
}

/* Closes the other end, which is in the middle of something else. */
static void close_peer(probe *p)
{
    if (p->peer != NULL)
        probe_close(p->peer);
}

static void set_open(probe *p)
{
    p->on_open = close_here;
}
static void set_data(probe *p)
{
    p->on_data = close_data;
}
static void set_end(probe *p)
{
    p->on_end = close_here;
}
static void set_write(probe *p)
{
    p->on_write = close_here;
}
static void set_peer_open(probe *p)
{
    p->on_open = close_peer;
}
static void set_peer_write(probe *p)
{
    p->on_write = close_peer;
}

static void test_close_from_callbacks(void **state)
{
    (void)state;
    static void (*const setters[])(probe *) = {set_open,  set_data,      set_end,
                                               set_write, set_peer_open, set_peer_write};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        for (size_t k = 0; k < 2 * sizeof(setters) / sizeof(setters[0]); k++) {
            probe_pair pair;
            begin(&pair, versions[i]);
            probe *chosen = k % 2 == 0 ? &pair.client : &pair.server;
            probe *other = k % 2 == 0 ? &pair.server : &pair.client;
            setters[k / 2](chosen);
            start(&pair);
            /* A peer that has not accepted by then can't be closed, and all goes well. */
            UNTIL(pair.loop, chosen->closes + other->closes > 0 || over(&pair));
            probe_pair_end(&pair);
        }
    }
}

/* A stream is opened from inside each callback of another one; nobody listens there. */
static probe second;
static uint16_t nobody;

static void open_second(probe *p)
{
    rp_stream_options options = {.host = "127.0.0.1", .port = nobody};
    if (second.loop == NULL)
        assert_int_equal(probe_open(&second, p->loop, &options), RP_OK);
}

static void open_second_at_data(probe *p, const uint8_t *bytes, size_t size)
{
    open_second(p);
    give_back(p, bytes, size);
}

static void test_open_from_callbacks(void **state)
{
    (void)state;
    rp_address address = raw_loopback(4, 0);
    raw_socket bound = raw_bind(&address);
    nobody = address.port;
    for (int i = 0; i < 5; i++) {
        probe_pair pair;
        second = (probe){0};
        begin(&pair, 13);
        pair.client.on_open = i == 0 ? open_second : NULL;
        pair.client.on_data = i == 1 ? open_second_at_data : give_back;
        pair.client.on_end = i == 2 ? open_second : NULL;
        pair.client.on_write = i == 3 ? open_second : NULL;
        pair.client.on_close = i == 4 ? open_second : NULL;
        start(&pair);
        UNTIL(pair.loop, over(&pair));
        probe_finish(&pair.client);
        UNTIL(pair.loop, second.opens == 1);
        assert_int_equal(second.open_error.status, RP_E_CONNECT_REFUSED);
        probe_finish(&second);
        probe_pair_end(&pair);
    }
    raw_close(bound);
}

/* ---- memory ---- */

static void end_it(probe *p)
{
    if (p->open_error.status != RP_OK || p->end_error.status != RP_OK || p->writes_failed > 0)
        probe_close(p);
}

/* The nth allocation fails; true: there was none to fail. */
static bool run_out(int version, uint64_t n)
{
    probe_pair pair;
    begin(&pair, version);
    pair.client.on_open = end_it;
    pair.client.on_end = pair.server.on_end = end_it;
    pair.client.on_write = pair.server.on_write = end_it;
    rp_stream_options options = {
        .host = "127.0.0.1",
        .port = pair.listener.address.port,
        .tls = pair.client_tls,
        .receive_credit_bytes = CREDIT,
    };
    pair.loop->memory.fail_in = n;
    rp_status status = probe_open(&pair.client, pair.loop, &options);
    if (status == RP_OK) {
        talk(&pair.client);
        uint64_t until = fixture_now_ms() + 5000;
        while (!over(&pair) && pair.client.closes == 0) {
            assert_true(fixture_now_ms() < until);
            (void)rp_loop_turn(pair.loop, 1000);
            bool alone = pair.server.stream == NULL; /* closed, or there was no memory for it */
            if (alone && pair.client.ends == 1)
                probe_close(&pair.client);
        }
    } else {
        assert_int_equal(status, RP_E_NO_MEMORY);
    }
    bool clean = pair.loop->memory.fail_in > 0;
    if (clean)
        assert_true(over(&pair));
    pair.loop->memory.fail_in = 0;
    probe_pair_end(&pair);
    return clean;
}

static void test_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        uint64_t n = 1;
        while (!run_out(versions[i], n))
            assert_true(++n < 2000);
        assert_true(n > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_close_at_every_stage),
        fixture_test(test_peer_closes_at_every_stage),
        fixture_test(test_peer_resets_at_every_stage),
        fixture_test(test_destroy_at_every_stage),
        fixture_test(test_close_from_callbacks),
        fixture_test(test_open_from_callbacks),
        fixture_test(test_memory),
    };
    data = probe_pattern(SIZE);
    int failed = fixture_run_simulated(tests, 4);
    free(data);
    return failed;
}
