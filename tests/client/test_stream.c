/* test_stream.c - streams that work: open, write, read, half-close, close, on plain TCP and both
 * versions of TLS. What goes wrong is in test_stream_failures.c. */
#include "client/stream_inside.h"
#include "support/probe.h"

#include <stdlib.h>
#include <string.h>

#define LARGE ((size_t)64 * 1024 * 1024)

static const int versions[] = {0, 12, 13};

/* Runs a test for plain TCP, TLS 1.2 and TLS 1.3. */
static void each_version(void (*test)(probe_pair *pair))
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        probe_pair pair;
        probe_pair_begin(&pair, versions[i], i % 2 == 0 ? "server-ecdsa" : "server-rsa");
        test(&pair);
        probe_pair_end(&pair);
    }
}

/* ---- opening ---- */

static void open_and_talk(probe_pair *pair)
{
    probe_pair_open(pair);
    const rp_stream_info *info = &pair->client.info;
    char address[RP_ADDRESS_TEXT_SIZE];
    (void)rp__address_text(&pair->listener.address, true, address);
    assert_string_equal(info->address, address);
    assert_true(info->resolved_us > 0 && info->connected_us >= info->resolved_us);
    assert_false(info->resumed);
    if (pair->client_tls == NULL) {
        assert_null(info->tls_version);
        assert_int_equal(info->handshaken_us, 0);
    } else {
        assert_true(info->handshaken_us >= info->connected_us);
        assert_string_equal(pair->client.version,
                            pair->client_tls->offers_1_3 ? "TLSv1.3" : "TLSv1.2");
    }
    assert_int_equal(probe_write_text(&pair->client, "ping"), RP_OK);
    UNTIL(pair->loop, pair->server.received == 4);
    assert_string_equal(pair->server.text, "ping");
    assert_int_equal(probe_write_text(&pair->server, "pong"), RP_OK);
    UNTIL(pair->loop, pair->client.received == 4);
    assert_string_equal(pair->client.text, "pong");
    UNTIL(pair->loop, pair->client.writes_done == 1 && pair->server.writes_done == 1);
    assert_int_equal(pair->client.ends + pair->server.ends, 0);
}

static void test_open(void **state)
{
    (void)state;
    each_version(open_and_talk);
}

static void writes_before_open(probe_pair *pair)
{
    probe_pair_start(pair);
    assert_int_equal(probe_write_text(&pair->client, "one "), RP_OK);
    assert_int_equal(probe_write(&pair->client, NULL, 0), RP_OK);
    assert_int_equal(probe_write_text(&pair->client, "two "), RP_OK);
    assert_int_equal(probe_shutdown(&pair->client), RP_OK);
    UNTIL(pair->loop, pair->server.ends == 1);
    assert_string_equal(pair->server.text, "one two ");
    assert_int_equal(pair->server.end_error.status, RP_OK);
    assert_int_equal(pair->client.writes_done, 4);
    assert_int_equal(pair->client.writes_failed, 0);
}

static void test_writes_before_open(void **state)
{
    (void)state;
    each_version(writes_before_open);
}

static void ignore_open(rp_stream *stream, const rp_error *error, void *user)
{
    (void)stream;
    (void)error;
    (void)user;
}

/* Misuse starts nothing. */
static void test_misuse(void **state)
{
    (void)state;
    rp_loop *loop = fixture_loop();
    probe p = {0};
    rp_stream_options options = {.host = NULL};
    assert_int_equal(probe_open(&p, loop, &options), RP_E_MISUSE);
    options.host = "";
    assert_int_equal(probe_open(&p, loop, &options), RP_E_MISUSE);
    options.host = "127.0.0.1";
    static const rp_stream_events nothing = {.on_open = NULL};
    rp_stream *stream;
    assert_int_equal(rp_stream_open(&stream, loop, &options, &nothing, NULL), RP_E_MISUSE);
    assert_int_equal(rp_stream_open(&stream, loop, &options, NULL, NULL), RP_E_MISUSE);
    /* Names have a limit; so has what stands for one. */
    char name[1026];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    options.host = name;
    assert_int_equal(probe_open(&p, loop, &options), RP_E_MISUSE);
    options = (rp_stream_options){.host = "127.0.0.1", .server_name = name};
    assert_int_equal(probe_open(&p, loop, &options), RP_E_MISUSE);
    struct {
        rp_stream_options known;
        int future;
    } later = {.known = {.host = "127.0.0.1"}, .future = 1};
    static const rp_stream_events some = {.on_open = ignore_open};
    assert_int_equal(rp_stream_open_sized(&stream, loop, &later.known, sizeof(later), &some, NULL),
                     RP_E_MISUSE);
    assert_null(stream);
    assert_false(rp_loop_pending(loop));
    probe_loop_end(loop);
}

static void count_open(rp_stream *stream, const rp_error *error, void *user)
{
    (void)stream;
    assert_null(error);
    (*(unsigned *)user)++;
}

/* A stream whose owner wants to know no more than that it is open takes what comes. */
static void few_events(probe_pair *pair)
{
    static const rp_stream_events events = {.on_open = count_open};
    enum { SIZE = 300000 };
    uint8_t *data = probe_pattern(SIZE);
    unsigned opens = 0;
    rp_stream *stream = NULL;
    rp_stream_options options = {.host = "127.0.0.1",
                                 .port = pair->listener.address.port,
                                 .tls = pair->client_tls,
                                 .receive_credit_bytes = 1000};
    assert_int_equal(rp_stream_open(&stream, pair->loop, &options, &events, &opens), RP_OK);
    UNTIL(pair->loop, opens == 1 && pair->server.opens == 1);
    assert_int_equal(probe_write(&pair->server, data, SIZE), RP_OK);
    assert_int_equal(probe_shutdown(&pair->server), RP_OK);
    /* Credit has no end, but it does not begin anew behind it. */
    rp_stream_consume(stream, SIZE_MAX);
    rp_stream_consume(stream, SIZE_MAX);
    /* Both ends are on this loop. */
    const rp_loop_stats *stats = rp_loop_stats_get(pair->loop);
    UNTIL(pair->loop, pair->server.writes_done == 2 && stats->bytes_received == stats->bytes_sent);
    rp_stream_close(stream);
    UNTIL(pair->loop, pair->server.ends == 1);
    if (!fixture_simulated()) /* there a close may be any of the two: see test_close_is_clean */
        assert_int_equal(pair->server.end_error.status, RP_OK);
    assert_int_equal(pair->server.received, 0);
    free(data);
}

static void test_few_events(void **state)
{
    (void)state;
    each_version(few_events);
}

static void misused_writes(probe_pair *pair)
{
    probe_pair_open(pair);
    assert_int_equal(probe_write(&pair->client, NULL, 1), RP_E_MISUSE);
    assert_int_equal(probe_shutdown(&pair->client), RP_OK);
    assert_int_equal(probe_shutdown(&pair->client), RP_E_MISUSE);
    assert_int_equal(probe_write_text(&pair->client, "late"), RP_E_MISUSE);
    UNTIL(pair->loop, pair->server.ends == 1);
    probe_close(&pair->server);
    assert_int_equal(probe_write_text(&pair->server, "late"), RP_E_MISUSE);
    assert_int_equal(probe_shutdown(&pair->server), RP_E_MISUSE);
    rp_stream_close(pair->server.stream); /* twice does nothing */
    UNTIL(pair->loop, pair->server.closes == 1);
    assert_int_equal(pair->client.writes_done, 1);
}

static void test_misused_writes(void **state)
{
    (void)state;
    each_version(misused_writes);
}

/* ---- writing ---- */

static void many_writes(probe_pair *pair)
{
    enum { COUNT = 3000, ALL = COUNT * (COUNT - 1) / 2 };
    uint8_t *data = probe_pattern(ALL);
    probe_pair_open(pair);
    pair->server.checked = true;
    size_t offset = 0;
    for (size_t i = 0; i < COUNT; i++) { /* the first is empty */
        assert_int_equal(probe_write(&pair->client, data + offset, i), RP_OK);
        offset += i;
    }
    assert_int_equal(offset, ALL);
    UNTIL(pair->loop, pair->server.received == ALL);
    UNTIL(pair->loop, pair->client.writes_done == COUNT);
    assert_int_equal(pair->client.writes_failed, 0);
    free(data);
}

static void test_many_writes(void **state)
{
    (void)state;
    each_version(many_writes);
}

static void large_write(probe_pair *pair)
{
    uint8_t *data = probe_pattern(LARGE);
    probe_pair_open(pair);
    pair->server.checked = true;
    assert_int_equal(probe_write(&pair->client, data, LARGE), RP_OK);
    assert_int_equal(probe_shutdown(&pair->client), RP_OK);
    UNTIL(pair->loop, pair->server.ends == 1);
    assert_int_equal(pair->server.received, LARGE);
    assert_int_equal(pair->client.writes_done, 2);
    assert_int_equal(pair->client.writes_failed, 0);
    free(data);
}

static void test_large_write(void **state)
{
    (void)state;
    each_version(large_write);
}

static void echo(probe *p, const uint8_t *data, size_t size)
{
    /* What came is lent; what is written must live: the patterns are the same. */
    const uint8_t *pattern = p->user;
    assert_int_equal(probe_write(p, pattern + p->received - size, size), RP_OK);
    (void)data;
}

/* Both ways at once. */
static void both_ways(probe_pair *pair)
{
    enum { SIZE = 8 * 1024 * 1024 };
    uint8_t *data = probe_pattern(SIZE);
    probe_pair_open(pair);
    pair->client.checked = pair->server.checked = true;
    pair->server.on_data = echo;
    pair->server.user = data;
    assert_int_equal(probe_write(&pair->client, data, SIZE), RP_OK);
    UNTIL(pair->loop, pair->client.received == SIZE);
    UNTIL(pair->loop, pair->server.writes_done == pair->server.writes_started);
    free(data);
}

static void test_both_ways(void **state)
{
    (void)state;
    each_version(both_ways);
}

/* ---- credit ---- */

enum { CREDIT = 100000 };

/* A reader that takes a step every turn: what it has not asked for stays with the sender. */
static void slow_reader(probe_pair *pair)
{
    uint8_t *data = probe_pattern(LARGE);
    pair->client_credit = CREDIT;
    probe_pair_open(pair);
    pair->client.checked = true;
    assert_int_equal(probe_write(&pair->server, data, LARGE), RP_OK);
    assert_int_equal(probe_shutdown(&pair->server), RP_OK);
    uint64_t allowed = CREDIT;
    size_t stash_most = 0;
    uint64_t live_most = 0;
    /* A simulated connection may hold 512 bytes. */
    uint64_t until = fixture_now_ms() + (fixture_simulated() ? 200000 : 20000);
    while (pair->client.ends == 0 && fixture_now_ms() < until) {
        (void)rp_loop_turn(pair->loop, 1000);
        assert_true(pair->client.received <= allowed);
        if (rp__stream_stashed(pair->client.stream) > stash_most)
            stash_most = rp__stream_stashed(pair->client.stream);
        if (pair->loop->memory.live > live_most)
            live_most = pair->loop->memory.live;
        if (pair->client.received == allowed) {
            probe_consume(&pair->client, CREDIT);
            allowed += CREDIT;
        }
    }
    assert_int_equal(pair->client.received, LARGE);
    /* What was taken from the kernel when the credit was used up, and what came until it heard that
     * the receive is to stop: what the loop lends, each. */
    assert_in_range(stash_most, 0, 2 * 2 * 1024 * 1024);
    assert_in_range(live_most, 1, 2000);
    free(data);
}

static void test_slow_reader(void **state)
{
    (void)state;
    each_version(slow_reader);
}

/* Without credit nothing comes, the end neither, and nobody is woken for it. */
static void no_credit(probe_pair *pair)
{
    pair->client_credit = 3;
    probe_pair_open(pair);
    assert_int_equal(probe_write_text(&pair->server, "abcdefgh"), RP_OK);
    assert_int_equal(probe_shutdown(&pair->server), RP_OK);
    UNTIL(pair->loop, pair->client.received == 3);
    probe_settle(pair->loop, 20);
    assert_int_equal(pair->client.received, 3);
    probe_consume(&pair->client, 0);
    probe_consume(&pair->client, 4);
    UNTIL(pair->loop, pair->client.received == 7);
    probe_settle(pair->loop, 20);
    assert_string_equal(pair->client.text, "abcdefg");
    assert_int_equal(pair->client.ends, 0);
    probe_consume(&pair->client, SIZE_MAX);
    UNTIL(pair->loop, pair->client.ends == 1);
    assert_string_equal(pair->client.text, "abcdefgh");
    assert_int_equal(pair->client.end_error.status, RP_OK);
}

static void test_no_credit(void **state)
{
    (void)state;
    each_version(no_credit);
}

static void consume_at_once(probe *p, const uint8_t *data, size_t size)
{
    (void)data;
    assert_true(size <= 1000);
    probe_consume(p, size);
}

/* Credit that is returned from inside on_data. */
static void credit_in_callback(probe_pair *pair)
{
    enum { SIZE = 1024 * 1024 };
    uint8_t *data = probe_pattern(SIZE);
    pair->client_credit = 1000;
    probe_pair_open(pair);
    pair->client.checked = true;
    pair->client.on_data = consume_at_once;
    assert_int_equal(probe_write(&pair->server, data, SIZE), RP_OK);
    UNTIL(pair->loop, pair->client.received == SIZE);
    UNTIL(pair->loop, pair->server.writes_done == 1);
    free(data);
}

static void test_credit_in_callback(void **state)
{
    (void)state;
    each_version(credit_in_callback);
}

/* ---- half-close ---- */

static void answer_at_end(probe *p)
{
    assert_int_equal(probe_write_text(p, "answer"), RP_OK);
    assert_int_equal(probe_shutdown(p), RP_OK);
}

/* The client ends first and then still gets the answer. */
static void client_ends_first(probe_pair *pair)
{
    probe_pair_open(pair);
    pair->server.on_end = answer_at_end;
    assert_int_equal(probe_write_text(&pair->client, "question"), RP_OK);
    assert_int_equal(probe_shutdown(&pair->client), RP_OK);
    UNTIL(pair->loop, pair->client.ends == 1);
    assert_string_equal(pair->server.text, "question");
    assert_string_equal(pair->client.text, "answer");
    assert_int_equal(pair->client.end_error.status, RP_OK);
    assert_int_equal(pair->server.end_error.status, RP_OK);
    UNTIL(pair->loop, pair->client.writes_done == 2 && pair->server.writes_done == 2);
}

static void test_client_ends_first(void **state)
{
    (void)state;
    each_version(client_ends_first);
}

/* The server ends first and the client still writes. */
static void server_ends_first(probe_pair *pair)
{
    probe_pair_open(pair);
    pair->client.on_end = answer_at_end;
    assert_int_equal(probe_write_text(&pair->server, "all I have"), RP_OK);
    assert_int_equal(probe_shutdown(&pair->server), RP_OK);
    UNTIL(pair->loop, pair->server.ends == 1);
    assert_string_equal(pair->client.text, "all I have");
    assert_string_equal(pair->server.text, "answer");
    assert_int_equal(pair->client.end_error.status, RP_OK);
    assert_int_equal(pair->server.end_error.status, RP_OK);
    assert_int_equal(pair->client.writes_failed + pair->server.writes_failed, 0);
}

static void test_server_ends_first(void **state)
{
    (void)state;
    each_version(server_ends_first);
}

/* close says goodbye: the peer sees an authenticated end, with everything written before it. */
static void close_is_clean(probe_pair *pair)
{
    probe_pair_open(pair);
    assert_int_equal(probe_write_text(&pair->client, "last words"), RP_OK);
    UNTIL(pair->loop, pair->client.writes_done == 1);
    probe_close(&pair->client);
    UNTIL(pair->loop, pair->server.ends == 1);
    assert_string_equal(pair->server.text, "last words");
    assert_int_equal(pair->server.end_error.status, RP_OK);
}

static void test_close_is_clean(void **state)
{
    (void)state;
    each_version(close_is_clean);
}

/* ---- resumption ---- */

static void resume(int version)
{
    probe_pair pair;
    probe_pair_begin(&pair, version, "server-ecdsa");
    pair.host = "localhost";
    for (int i = 0; i < 4; i++) {
        probe_pair_open(&pair);
        assert_int_equal(pair.client.info.resumed, i > 0);
        /* TLS 1.3's tickets come after the handshake, with or before the first data. */
        assert_int_equal(probe_write_text(&pair.server, "data"), RP_OK);
        UNTIL(pair.loop, pair.client.received == 4);
        probe_pair_again(&pair);
    }
    const rp_loop_stats *stats = rp_loop_stats_get(pair.loop);
    assert_int_equal(stats->handshakes_full, 2); /* both ends' */
    assert_int_equal(stats->handshakes_resumed, 6);
    assert_int_equal(stats->connections_opened, 8);
    probe_pair_end(&pair);
}

static void test_resumption(void **state)
{
    (void)state;
    resume(13);
    resume(12);
}

/* ---- the loop ---- */

static void close_both(probe *p)
{
    probe_close(p);
    probe_close(p->peer);
}

/* rp_loop_run ends when the streams did, and not before. */
static void run_ends(probe_pair *pair)
{
    probe_pair_start(pair);
    pair->client.on_end = close_both;
    pair->server.on_open = answer_at_end;
    rp_loop_run(pair->loop);
    assert_int_equal(pair->client.closes, 1);
    assert_int_equal(pair->server.closes, 1);
    assert_string_equal(pair->client.text, "answer");
}

static void test_run_ends(void **state)
{
    (void)state;
    each_version(run_ends);
}

/* A quiet connection costs nothing: no turn ends, no completion comes. */
static void quiet_when_idle(probe_pair *pair)
{
    probe_pair_open(pair);
    assert_int_equal(probe_write_text(&pair->server, "data"), RP_OK);
    UNTIL(pair->loop, pair->client.received == 4 && pair->server.writes_done == 1);
    probe_settle(pair->loop, 20);
    rp_loop_stats before = *rp_loop_stats_get(pair->loop);
    probe_settle(pair->loop, 100);
    const rp_loop_stats *after = rp_loop_stats_get(pair->loop);
    assert_int_equal(after->completions, before.completions);
    assert_int_equal(after->tls_calls, before.tls_calls);
    assert_int_equal(after->allocations, before.allocations);
    assert_in_range(after->turns - before.turns, 1, 2);
    assert_in_range(after->system_calls - before.system_calls, 1, 3);
}

static void test_quiet_when_idle(void **state)
{
    (void)state;
    each_version(quiet_when_idle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_open),
        fixture_test(test_writes_before_open),
        fixture_test(test_misuse),
        fixture_test(test_few_events),
        fixture_test(test_misused_writes),
        fixture_test(test_many_writes),
        fixture_test(test_large_write),
        fixture_test(test_both_ways),
        fixture_test(test_slow_reader),
        fixture_test(test_no_credit),
        fixture_test(test_credit_in_callback),
        fixture_test(test_client_ends_first),
        fixture_test(test_server_ends_first),
        fixture_test_real(test_close_is_clean),
        fixture_test(test_resumption),
        fixture_test(test_run_ends),
        fixture_test(test_quiet_when_idle),
    };
    return fixture_run_simulated(tests, 1);
}
