/* test_counters.c - no busy-wait and no quasi-busy-wait, by the loop's own counters and by the process' CPU time:
 * with servers that dribble, that stall, and that send more than a reader wants. */
#include "support/probe.h"
#include "support/raw.h"
#include "support/tls_pair.h"

#include <stdlib.h>

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
        probe_settle(pair.loop, 50);
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
        probe_settle(pair.loop, 100);
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
    probe_settle(pair.loop, 100);
    assert_silence(pair.loop, 200);
    assert_int_equal(pair.client.received, STEP);

    slow s = {.reader = &pair.client};
    rp_timer_start(pair.loop, &s.timer, 2, step, &s);
    UNTIL(pair.loop, pair.client.ends == 1);
    assert_int_equal(pair.client.received, (uint64_t)STEP * STEPS);
    assert_int_equal(pair.client.end_error.status, RP_OK);
    /* What was taken from the kernel when the credit was used up: what the loop lends at the most. */
    assert_in_range(pair.client.stash_most, 0, 2 * 1024 * 1024);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_dribbled_handshake),
        fixture_test(test_stalled_handshake),
        fixture_test(test_stalled_writer),
        fixture_test(test_slow_reader),
    };
    return fixture_run(tests);
}
