/* test_threads_doubt.c - chains that lead to no anchor of the configuration, where there is
 * somebody else to ask: the stream waits for the answer, and until then nothing leaves.
 *
 * The one who is asked stands in for Windows' chain engine, and answers when the test says so; the
 * real one is in test_win32_chain.c. */
#include "client/stream_inside.h"
#include "support/probe.h"
#include "support/raw.h"
#include "support/tls_pair.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { HOLD, YES, NO };

static atomic_int reply, asked, at_once, at_once_most;
static size_t certificates; /* that the next chains have */

static bool verifier(const rp_slice *chain, size_t count)
{
    int now = atomic_fetch_add(&at_once, 1) + 1;
    for (int most = atomic_load(&at_once_most); now > most;) {
        if (atomic_compare_exchange_weak(&at_once_most, &most, now))
            break;
    }
    bool whole = count == certificates;
    for (size_t i = 0; i < count; i++)
        whole = whole && chain[i].size > 4 && chain[i].data[0] == 0x30;
    atomic_fetch_add(&asked, 1);
    while (atomic_load(&reply) == HOLD)
        fixture_sleep_ms(1);
    bool trusted = whole && atomic_load(&reply) == YES;
    atomic_fetch_sub(&at_once, 1);
    return trusted;
}

static void begin_with(probe_pair *pair, int version, const char *certificate, int answer)
{
    atomic_store(&reply, answer);
    atomic_store(&asked, 0);
    atomic_store(&at_once_most, 0);
    certificates = 1;
    probe_pair_begin(pair, version, certificate);
    assert_true(rp__tls_config_ask(pair->client_tls, verifier));
}

/* "foreign" is of an authority that the client does not know. */
static void begin(probe_pair *pair, int version, int answer)
{
    begin_with(pair, version, "foreign", answer);
}

/* The judge's threads do not wake the loop. */
static void until_asked(probe_pair *pair, int count)
{
    for (int i = 0; i < 20000 && atomic_load(&asked) < count; i++)
        probe_settle(pair->loop, 1);
    assert_int_equal(atomic_load(&asked), count);
}

static void open_with_question(probe_pair *pair)
{
    probe_pair_start(pair);
    assert_int_equal(probe_write_text(&pair->client, "hello"), RP_OK);
    until_asked(pair, 1);
}

/* The judge's thread has gone, or the loop's end would not know of it. */
static void end(probe_pair *pair)
{
    atomic_store(&reply, NO);
    probe_pair_end(pair);
}

#define EACH_VERSION(version) for (int version = 12; version <= 13; version++)

/* ---- answers ---- */

static void test_trusted(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        probe_pair pair;
        begin(&pair, version, HOLD);
        open_with_question(&pair);
        probe_settle(pair.loop, 50);
        /* Neither side is open: the client's last flight waits. */
        assert_int_equal(pair.client.opens + pair.server.opens, 0);
        assert_int_equal(rp_loop_stats_get(pair.loop)->handshakes_full, 0);
        atomic_store(&reply, YES);
        UNTIL(pair.loop, pair.server.received == 5);
        assert_int_equal(pair.client.open_error.status, RP_OK);
        assert_string_equal(pair.server.text, "hello");
        assert_int_equal(probe_write_text(&pair.server, "welcome"), RP_OK);
        UNTIL(pair.loop, pair.client.received == 7);
        assert_string_equal(pair.client.text, "welcome");
        probe_pair_again(&pair);

        /* The session is as good as any other, and nobody is asked again. */
        probe_pair_open(&pair);
        assert_true(pair.client.info.resumed);
        assert_int_equal(atomic_load(&asked), 1);
        end(&pair);
    }
}

static void test_refused(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        probe_pair pair;
        rp_error sentence;
        probe_pair_begin(&pair, version, "foreign");
        probe_pair_start(&pair);
        UNTIL(pair.loop, pair.client.opens == 1);
        sentence = pair.client.open_error;
        assert_int_equal(sentence.status, RP_E_CERT_UNTRUSTED);
        assert_non_null(strstr(sentence.text, "is signed by an unknown authority"));
        char *cause = strchr(sentence.text, ')');
        assert_non_null(cause);
        probe_pair_end(&pair);

        /* Asked and refused, it says the same. */
        begin(&pair, version, NO);
        probe_pair_start(&pair);
        assert_int_equal(probe_write_text(&pair.client, "hello"), RP_OK);
        UNTIL(pair.loop, pair.client.opens == 1);
        assert_int_equal(atomic_load(&asked), 1);
        assert_int_equal(pair.client.open_error.status, RP_E_CERT_UNTRUSTED);
        assert_int_equal(pair.client.open_error.phase, RP_PHASE_HANDSHAKE);
        assert_int_equal(pair.client.open_error.tls_code, sentence.tls_code);
        assert_non_null(strstr(pair.client.open_error.text, cause));
        assert_int_equal(pair.client.writes_failed, 1);
        probe_finish(&pair.client);
        UNTIL(pair.loop, pair.server.opens == 1);
        assert_int_not_equal(pair.server.open_error.status, RP_OK);
        end(&pair);
    }
}

/* The whole of the chain is put to the verifier. */
static void test_chain(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        probe_pair pair;
        begin_with(&pair, version, "server-ecdsa", YES);
        rp_tls_config_release(pair.client_tls);
        pair.client_tls = tls_client(&(rp_tls_options){.ca_file = tls_cert("other-ca.pem"),
                                                       .minimum_version = (rp_tls_version)version,
                                                       .maximum_version = (rp_tls_version)version});
        assert_true(rp__tls_config_ask(pair.client_tls, verifier));
        certificates = 2;
        probe_pair_open(&pair);
        assert_int_equal(atomic_load(&asked), 1);
        end(&pair);
    }
}

/* ---- what is ours to judge stays so ---- */

static void refuses(const char *certificate, const char *host, const char *pin)
{
    EACH_VERSION(version)
    {
        probe_pair pair;
        begin_with(&pair, version, certificate, YES);
        rp_tls_config_release(pair.client_tls);
        pair.client_tls = tls_client(&(rp_tls_options){.ca_file = tls_cert("other-ca.pem"),
                                                       .pinned_keys = pin,
                                                       .minimum_version = (rp_tls_version)version,
                                                       .maximum_version = (rp_tls_version)version});
        assert_true(rp__tls_config_ask(pair.client_tls, verifier));
        certificates = 2;
        pair.host = host;
        probe_pair_start(&pair);
        UNTIL(pair.loop, pair.client.opens == 1);
        assert_int_not_equal(pair.client.open_error.status, RP_OK);
        assert_int_equal(atomic_load(&asked), 0);
        end(&pair);
    }
}

static void test_names_dates_pins(void **state)
{
    (void)state;
    refuses("wrong-host", NULL, NULL);
    refuses("no-san", NULL, NULL);
    refuses("expired", NULL, NULL);
    refuses("not-yet", NULL, NULL);
    refuses("wrong-usage", NULL, NULL);
    refuses("server-ecdsa", NULL, "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}

/* ---- while it is asked ---- */

static void test_close(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        probe_pair pair;
        begin(&pair, version, HOLD);
        open_with_question(&pair);
        probe_close(&pair.client); /* does not wait for the verifier */
        UNTIL(pair.loop, pair.client.closes == 1);
        assert_int_equal(pair.client.open_error.status, RP_E_CANCELLED);
        assert_int_equal(pair.client.open_error.phase, RP_PHASE_HANDSHAKE);
        assert_int_equal(atomic_load(&at_once), 1);
        UNTIL(pair.loop, pair.server.opens == 1);
        assert_int_not_equal(pair.server.open_error.status, RP_OK);
        end(&pair);
    }
}

static void test_close_with_the_answer(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        for (int answer = YES; answer <= NO; answer++) {
            probe_pair pair;
            begin(&pair, version, HOLD);
            open_with_question(&pair);
            atomic_store(&reply, answer);
            while (atomic_load(&at_once) > 0)
                fixture_sleep_ms(1);
            fixture_sleep_ms(5); /* the answer was posted, and the loop has not looked */
            probe_close(&pair.client);
            UNTIL(pair.loop, pair.client.closes == 1);
            assert_int_equal(pair.client.open_error.status, RP_E_CANCELLED);
            end(&pair);
        }
    }
}

static void test_destroy(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        probe_pair pair;
        begin(&pair, 12 + i % 2, HOLD);
        open_with_question(&pair);
        if (i >= 2) {
            atomic_store(&reply, YES);
            while (atomic_load(&at_once) > 0)
                fixture_sleep_ms(1);
            fixture_sleep_ms(5);
        }
        pair.client.closing = pair.server.closing = true;
        probe_loop_end(pair.loop);
        assert_int_equal(pair.client.closes, 1);
        atomic_store(&reply, NO);
        rp_tls_config_release(pair.client_tls); /* waits for the verifier */
        assert_int_equal(atomic_load(&at_once), 0);
        rp_tls_config_release(pair.server_tls);
    }
}

static void test_deadline(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        probe_pair pair;
        begin(&pair, version, HOLD);
        pair.handshake_timeout_ms = 200;
        probe_pair_start(&pair);
        UNTIL(pair.loop, pair.client.opens == 1);
        assert_int_equal(atomic_load(&asked), 1);
        assert_int_equal(pair.client.open_error.status, RP_E_HANDSHAKE_TIMEOUT);
        atomic_store(&reply, YES); /* too late */
        probe_settle(pair.loop, 20);
        assert_int_equal(pair.server.received, 0);
        end(&pair);
    }
}

static void test_peer_leaves(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        for (int i = 0; i < 2; i++) {
            probe_pair pair;
            begin(&pair, version, HOLD);
            open_with_question(&pair);
            probe_cut(&pair.server, i == 1);
            probe_settle(pair.loop, 50);
            assert_int_equal(pair.client.opens, 0);
            atomic_store(&reply, YES);
            UNTIL(pair.loop, pair.client.opens == 1);
            if (pair.client.open_error.status == RP_OK)
                UNTIL(pair.loop, pair.client.ends == 1);
            assert_true(pair.client.open_error.status != RP_OK ||
                        pair.client.end_error.status != RP_OK);
            end(&pair);
        }
    }
}

/* More questions than threads; some are not wanted any more before it is their turn. */
static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 12, CLOSED = 6 };
    static probe probes[COUNT], servers[COUNT];
    probe_pair pair;
    begin(&pair, 13, HOLD);
    memset(probes, 0, sizeof(probes));
    memset(servers, 0, sizeof(servers));
    rp_stream_options options = {
        .host = "127.0.0.1", .port = pair.listener.address.port, .tls = pair.client_tls};
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(probe_open(&probes[i], pair.loop, &options), RP_OK);
        UNTIL(pair.loop, pair.server.loop != NULL);
        UNTIL(pair.loop, probes[i].stream->opening->question != NULL);
        servers[i] = pair.server;
        servers[i].stream->user = &servers[i];
        pair.server = (probe){0};
    }
    until_asked(&pair, RP_JUDGE_THREADS);
    for (unsigned i = 1; i < COUNT; i += COUNT / CLOSED)
        probe_finish(&probes[i]);
    atomic_store(&reply, YES);
    for (unsigned i = 0; i < COUNT; i += 2) {
        UNTIL(pair.loop, probes[i].opens == 1);
        assert_int_equal(probes[i].open_error.status, RP_OK);
        probe_finish(&probes[i]);
    }
    assert_int_equal(atomic_load(&at_once_most), RP_JUDGE_THREADS);
    assert_true(atomic_load(&asked) <= COUNT - CLOSED + RP_JUDGE_THREADS / 2);
    for (unsigned i = 0; i < COUNT; i++)
        probe_finish(&servers[i]);
    end(&pair);
}

/* ---- memory ---- */

static void give_up(probe *p)
{
    if (p->open_error.status != RP_OK || p->end_error.status != RP_OK || p->writes_failed > 0)
        probe_close(p);
}

/* The loop's nth allocation fails, or the configuration's; true: there was none to fail. */
static bool run_out(int version, uint64_t n, bool of_loop)
{
    probe_pair pair;
    begin(&pair, version, YES);
    rp_memory *memory = of_loop ? &pair.loop->memory : &pair.client_tls->memory;
    pair.client.on_open = give_up;
    pair.server.on_open = pair.server.on_end = pair.client.on_end = give_up;
    pair.client.on_write = pair.server.on_write = give_up;
    rp_stream_options options = {
        .host = "127.0.0.1", .port = pair.listener.address.port, .tls = pair.client_tls};
    memory->fail_in = n;
    if (probe_open(&pair.client, pair.loop, &options) == RP_OK) {
        (void)probe_write_text(&pair.client, "hello");
        UNTIL(pair.loop, pair.server.received == 5 || pair.client.closes == 1);
    }
    if (!of_loop && pair.client.closes == 1)
        assert_int_equal(pair.client.open_error.status, RP_E_NO_MEMORY);
    bool clean = memory->fail_in > 0;
    if (clean)
        assert_int_equal(pair.server.received, 5);
    memory->fail_in = 0;
    end(&pair);
    return clean;
}

static void test_memory(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        uint64_t n = 1;
        while (!run_out(version, n, true))
            assert_true(++n < 2000);
        assert_true(n > 10);
        n = 1;
        while (!run_out(version, n, false))
            n++;
        assert_int_equal(n, 2); /* the question alone is the configuration's */
    }
}

static void nothing(void *argument)
{
    (void)argument;
}

int main(void)
{
    /* With the first thread the thread sanitizer starts one of its own. */
    raw_thread_join(raw_thread_start(nothing, NULL));
    const struct CMUnitTest tests[] = {
        fixture_test(test_trusted),     fixture_test(test_refused),
        fixture_test(test_chain),       fixture_test(test_names_dates_pins),
        fixture_test(test_close),       fixture_test(test_close_with_the_answer),
        fixture_test(test_destroy),     fixture_test(test_deadline),
        fixture_test(test_peer_leaves), fixture_test(test_many),
        fixture_test(test_memory),
    };
    return fixture_run(tests);
}
