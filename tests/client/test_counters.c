/* test_counters.c - no busy-wait and no quasi-busy-wait, by the loop's own counters and by the
 * process' CPU time: with servers that dribble, that stall, and that send more than a reader wants.
 */
#include "support/probe.h"
#include "support/raw.h"
#include "support/tls_pair.h"
#include "support/web.h"

#include <stdlib.h>
#include <string.h>

/* What happened between two points of time. */
typedef struct account {
    rp_loop *loop;
    rp_loop_stats stats;
    uint64_t cpu_ns, clock_ns;
} account;

static account account_begin(rp_loop *loop)
{
    return (account){loop, *rp_loop_stats_get(loop), raw_cpu_ns(), raw_clock_ns()};
}

static account account_end(const account *begun)
{
    account now = account_begin(begun->loop);
    return (account){.stats = {.turns = now.stats.turns - begun->stats.turns,
                               .completions = now.stats.completions - begun->stats.completions,
                               .system_calls = now.stats.system_calls - begun->stats.system_calls,
                               .wakeups_spurious = now.stats.wakeups_spurious,
                               .tls_calls = now.stats.tls_calls - begun->stats.tls_calls,
                               .tls_calls_idle = now.stats.tls_calls_idle,
                               .allocations = now.stats.allocations - begun->stats.allocations},
                     .cpu_ns = now.cpu_ns - begun->cpu_ns,
                     .clock_ns = now.clock_ns - begun->clock_ns};
}

/* Turns until nothing comes any more. TCP asks a full peer after 200 ms whether it has room now. */
static void wait_for_silence(rp_loop *loop)
{
    uint64_t before;
    do {
        before = rp_loop_stats_get(loop)->completions;
        probe_settle(loop, 250);
    } while (rp_loop_stats_get(loop)->completions > before);
}

/* Nothing is due: for ms nothing happens, and that costs next to nothing. */
static void assert_silence(rp_loop *loop, unsigned ms)
{
    account before = account_begin(loop);
    probe_settle(loop, ms);
    account used = account_end(&before);
    assert_int_equal(used.stats.completions, 0);
    assert_int_equal(used.stats.tls_calls, 0);
    assert_int_equal(used.stats.allocations, 0);
    assert_in_range(used.stats.turns, 1, 2);
    assert_in_range(used.stats.system_calls, 1, 3);
    assert_in_range(used.cpu_ns, 0, used.clock_ns / 20);
    assert_int_equal(used.stats.wakeups_spurious, 0);
    assert_int_equal(used.stats.tls_calls_idle, 0);
}

/* ---- a handshake that comes byte by byte ---- */

/* A connection of each version at the same time, on one loop. */
static void test_dribbled_handshake(void **state)
{
    (void)state;
    probe_pair pairs[2];
    probe_pair_begin(&pairs[0], 12, "server-ecdsa");
    pairs[1] = (probe_pair){.loop = pairs[0].loop};
    pairs[1].client_tls = probe_client_tls(13);
    pairs[1].server_tls = probe_server_tls("server-ecdsa", 13);
    pairs[1].listener = (listener){.on_socket = pairs[0].listener.on_socket, .user = &pairs[1]};
    assert_true(listener_open(&pairs[1].listener, pairs[1].loop, 4));
    rp_loop *loop = pairs[0].loop;
    account before = account_begin(loop);
    for (int i = 0; i < 2; i++) {
        pairs[i].listener.shape = (shape){.dribble_ms = 2};
        pairs[i].handshake_timeout_ms = 900000; /* six seconds where nothing else is slow */
        probe_pair_start(&pairs[i]);
        assert_int_equal(probe_write_text(&pairs[i].client, "hello"), RP_OK);
        pairs[i].server.checked = false;
    }
    UNTIL(loop, pairs[0].client.opens == 1 && pairs[1].client.opens == 1);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(pairs[i].client.open_error.text, "");
        UNTIL(loop, pairs[i].server.received == 5);
        assert_int_equal(probe_write_text(&pairs[i].server, "and hello"), RP_OK);
    }
    UNTIL(loop, pairs[0].client.received == 9 && pairs[1].client.received == 9);
    account used = account_end(&before);
    /* Each byte is a timer's, a send's and a receive's completion, and the client's TLS call. */
    uint64_t bytes = used.stats.completions / 2;
    assert_in_range(bytes, 1500, 6000);
    assert_in_range(used.stats.turns, bytes / 2, 4 * bytes);
    assert_in_range(used.stats.tls_calls, bytes / 2, bytes + 100);
    assert_int_equal(used.stats.wakeups_spurious, 0);
    assert_int_equal(used.stats.tls_calls_idle, 0);
    assert_in_range(used.cpu_ns, 0, used.clock_ns / 4);
    probe_finish(&pairs[1].client);
    probe_finish(&pairs[1].server);
    listener_close(&pairs[1].listener);
    UNTIL(loop, pairs[1].listener.socket == NULL);
    rp_tls_config_release(pairs[1].client_tls);
    rp_tls_config_release(pairs[1].server_tls);
    probe_pair_end(&pairs[0]);
}

/* ---- a server that stalls ---- */

static void test_stalled_handshake(void **state)
{
    (void)state;
    for (int version = 12; version <= 13; version++) {
        probe_pair pair;
        probe_pair_begin(&pair, version, "server-ecdsa");
        pair.listener.shape = (shape){.then = SHAPE_STALL, .after = 700};
        probe_pair_start(&pair);
        UNTIL(pair.loop, pair.server.loop != NULL);
        wait_for_silence(pair.loop);
        assert_silence(pair.loop, 300);
        assert_int_equal(pair.client.opens, 0);
        probe_pair_end(&pair);
    }
}

/* A peer that takes nothing: the writer waits, and does not try again and again. */
static void test_stalled_writer(void **state)
{
    (void)state;
    enum { SIZE = 32 * 1024 * 1024 };
    uint8_t *data = probe_pattern(SIZE);
    for (int version = 12; version <= 13; version++) {
        probe_pair pair;
        probe_pair_begin(&pair, version, "server-ecdsa");
        pair.server_credit = 1;
        probe_pair_open(&pair);
        assert_int_equal(probe_write(&pair.client, data, SIZE), RP_OK);
        UNTIL(pair.loop, pair.server.received == 1);
        wait_for_silence(pair.loop);
        assert_silence(pair.loop, 300);
        assert_int_equal(pair.client.writes_done, 0);
        probe_pair_end(&pair);
    }
    free(data);
}

/* ---- 64 MiB to a slow reader ---- */

typedef struct slow {
    rp_timer timer;
    probe *reader;
    unsigned steps;
} slow;

enum { STEP = 1024 * 1024, STEPS = 64 };

static void step(rp_timer *timer, void *user)
{
    slow *s = user;
    probe_consume(s->reader, STEP);
    if (++s->steps < STEPS)
        rp_timer_start(s->reader->loop, timer, 2, step, s);
}

static void read_slowly(int version)
{
    probe_pair pair;
    uint8_t *data = probe_pattern((size_t)STEP * STEPS);
    probe_pair_begin(&pair, version, "server-ecdsa");
    pair.client_credit = STEP;
    pair.client.checked = true;
    probe_pair_open(&pair);
    assert_int_equal(probe_write(&pair.server, data, (size_t)STEP * STEPS), RP_OK);
    assert_int_equal(probe_shutdown(&pair.server), RP_OK);
    UNTIL(pair.loop, pair.client.received == STEP);
    wait_for_silence(pair.loop);
    assert_silence(pair.loop, 200);
    assert_int_equal(pair.client.received, STEP);

    slow s = {.reader = &pair.client};
    rp_timer_start(pair.loop, &s.timer, 2, step, &s);
    UNTIL(pair.loop, pair.client.ends == 1);
    assert_int_equal(pair.client.received, (uint64_t)STEP * STEPS);
    assert_int_equal(pair.client.end_error.status, RP_OK);
    /* What was taken from the kernel when the credit was used up, and what came until it heard that
     * the receive is to stop: what the loop lends, each. */
    assert_in_range(pair.client.stash_most, 0, 2 * 2 * 1024 * 1024);
    rp_timer_stop(pair.loop, &s.timer);
    probe_pair_end(&pair);
    free(data);
}

static void test_slow_reader(void **state)
{
    (void)state;
    read_slowly(12);
    read_slowly(13);
}

/* ---- the steady state ---- */

enum { CONNECTIONS = 64, WARM_UP = 2000, REQUESTS = 10000 };

typedef struct load {
    web *w;
    unsigned left, done;
    fetch all[CONNECTIONS];
} load;

static void next_request(fetch *f);

static void start_request(load *l, fetch *f)
{
    l->left--;
    *f = (fetch){.on_done = next_request, .user = l};
    assert_true(fetch_start(f, l->w, "/hello", NULL));
}

static void next_request(fetch *f)
{
    load *l = f->user;
    assert_int_equal(f->error.status, RP_OK);
    l->done++;
    if (l->left > 0)
        start_request(l, f);
}

static void run_load(load *l, unsigned count)
{
    l->left = count;
    l->done = 0;
    for (int i = 0; i < CONNECTIONS; i++)
        start_request(l, &l->all[i]);
    UNTIL(l->w->loop, l->done == count);
}

/* How many chunks are out at a time is chance: here as many as there can be, a request's and two of
 * each connection's output. */
static void fill_pool(rp_chunk_pool *pool)
{
    rp_chunk *taken[3 * CONNECTIONS];
    for (size_t i = 0; i < 3 * CONNECTIONS; i++)
        assert_non_null(taken[i] = rp__chunk_take(pool));
    for (size_t i = 0; i < 3 * CONNECTIONS; i++)
        rp__chunk_give(pool, taken[i]);
}

/* Requests on connections that are there: no memory is allocated, no connection is opened, and on
 * io_uring a system call serves many. */
static void steady(int version)
{
    web w;
    web_begin_apart(&w, version, NULL, NULL);
    load *l = calloc(1, sizeof(*l));
    assert_non_null(l);
    l->w = &w;
    run_load(l, WARM_UP);
    fetch parts = {0};
    fetch_good(&parts, &w, "/parts", NULL, 200); /* heads are cut where receive buffers end */
    fill_pool(&w.loop->chunks);
    uint64_t allocations = w.loop->memory.allocations;
    rp_loop_stats before = *rp_loop_stats_get(w.loop);
    run_load(l, REQUESTS);
    rp_loop_stats after = *rp_loop_stats_get(w.loop);
    free(l);
    assert_int_equal(after.allocations, allocations);
    assert_int_equal(after.connections_opened, before.connections_opened);
    assert_int_equal(after.connections_reused, before.connections_reused + REQUESTS);
    assert_int_equal(after.tls_calls_idle, 0);
    assert_int_equal(after.wakeups_spurious, 0);
    uint64_t calls = after.system_calls - before.system_calls;
    if (strcmp(fixture_backend(), "io_uring") == 0)
        assert_in_range(calls, 1, REQUESTS / 5 - 1);
    else
        assert_in_range(calls, REQUESTS, 4 * REQUESTS);
    /* Two wolfSSL calls for each: the request is written, the answer is read; one more where the
     * end of a receive buffer cut a record. */
    uint64_t tls_calls = after.tls_calls - before.tls_calls;
    uint64_t least = version == 0 ? 0 : 2 * REQUESTS;
    assert_in_range(tls_calls, least, version == 0 ? 0 : least + REQUESTS / 100);
    assert_int_equal(w.loop->memory.allocations, after.allocations);
    web_end(&w);
}

static void test_steady_state(void **state)
{
    (void)state;
    steady(0);
    steady(12);
    steady(13);
}

/* A client whose 64 connections are idle sleeps. */
static void test_idle_client(void **state)
{
    (void)state;
    web w;
    web_begin_apart(&w, 13, NULL, NULL);
    load *l = calloc(1, sizeof(*l));
    assert_non_null(l);
    l->w = &w;
    run_load(l, CONNECTIONS);
    free(l);
    /* A connection may still be opening that nobody needed. */
    UNTIL(w.loop, !rp_loop_pending(w.loop));
    wait_for_silence(w.loop);
    assert_silence(w.loop, 200);
    web_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_dribbled_handshake), fixture_test(test_stalled_handshake),
        fixture_test(test_stalled_writer),     fixture_test(test_slow_reader),
        fixture_test_real(test_steady_state),  fixture_test_real(test_idle_client),
    };
    return fixture_run_simulated(tests, 1);
}
