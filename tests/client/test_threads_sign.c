/* test_threads_sign.c - a client's key that is not in the process: the handshake waits for the
 * signature, which comes from this thread or another, at once or late, well or badly or never. */
#include "sim/sim.h"
#include "client/stream_inside.h"
#include "support/probe.h"
#include "support/raw.h"
#include "support/tls_pair.h"
#include "support/token.h"
#include "tls/wolfssl.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the one who signs ---- */

enum { HOLD, AT_ONCE, REFUSE, WRONG, OTHER, CLOSE };

static struct {
    const char *key;
    int how;
    unsigned asked;
    uint64_t id;
    rp_tls_config *config;
    uint8_t signature[TOKEN_SIGNATURE_LIMIT];
    size_t size;
    uint16_t scheme;
    char peer[128];
    probe *closes;
} token;

static rp_status answer_now(rp_error *error)
{
    return rp_tls_config_signed(token.config, token.id, token.signature, token.size, error);
}

static void on_sign(const rp_sign_request *request, void *user)
{
    assert_ptr_equal(user, &token);
    token.asked++;
    token.id = request->id;
    token.config = request->config;
    token.scheme = request->scheme;
    snprintf(token.peer, sizeof(token.peer), "%s", request->peer);
    token.size = token_sign(token.how == OTHER ? "client" : token.key, request->scheme,
                            request->data, request->size, token.signature);
    assert_true(token.size > 0);
    rp_error error;
    switch (token.how) {
    case AT_ONCE:
        assert_int_equal(answer_now(&error), RP_OK);
        break;
    case REFUSE:
        token.size = 0;
        assert_int_equal(answer_now(&error), RP_OK);
        break;
    case WRONG:
        token.signature[token.size - 1] ^= 1;
        assert_int_equal(answer_now(&error), RP_E_TLS_SIGNING);
        assert_string_equal(error.text, "the signature is not one of what was to be signed by the "
                                        "certificate's key");
        break;
    case CLOSE:
        probe_close(token.closes);
        break;
    default:
        break;
    }
}

static void begin_with(probe_pair *pair, int version, const char *kind, int how)
{
    char certificate[64];
    memset(&token, 0, sizeof(token));
    token.key = kind;
    token.how = how;
    snprintf(certificate, sizeof(certificate), "%s.pem", kind);
    probe_pair_begin(pair, version, "server-rsa");
    rp_tls_config_release(pair->client_tls);
    rp_tls_config_release(pair->server_tls);
    pair->client_tls = tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                                                    .certificate_file = tls_cert(certificate),
                                                    .on_sign = on_sign,
                                                    .sign_user = &token,
                                                    .minimum_version = (rp_tls_version)version,
                                                    .maximum_version = (rp_tls_version)version});
    pair->server_tls =
        tls_server(&(rp_tls_server_options){.certificate_file = tls_cert("server-rsa.pem"),
                                            .key_file = tls_cert("server-rsa.key"),
                                            .client_ca_file = tls_cert("ca.pem"),
                                            .minimum_version = (rp_tls_version)version,
                                            .maximum_version = (rp_tls_version)version});
}

static void begin(probe_pair *pair, int version, int how)
{
    begin_with(pair, version, "client", how);
}

static void start_and_ask(probe_pair *pair)
{
    probe_pair_start(pair);
    assert_int_equal(probe_write_text(&pair->client, "hello"), RP_OK);
    UNTIL(pair->loop, token.asked == 1 || pair->client.opens > 0);
    if (token.asked == 0)
        fail_msg("%s", pair->client.open_error.text);
}

static void assert_talks(probe_pair *pair)
{
    UNTIL(pair->loop, pair->server.received == 5 || pair->client.opens > 0);
    if (pair->client.opens > 0 && pair->client.open_error.status != RP_OK)
        fail_msg("%s", pair->client.open_error.text);
    UNTIL(pair->loop, pair->server.received == 5);
    assert_int_equal(probe_write_text(&pair->server, "welcome"), RP_OK);
    UNTIL(pair->loop, pair->client.received == 7);
}

#define EACH_VERSION(version) for (int version = 12; version <= 13; version++)

/* ---- answers ---- */

static void test_every_kind(void **state)
{
    static const char *const kinds[] = {"client",     "client-p384",    "client-p521",
                                        "client-rsa", "client-rsa-pss", "client-ed25519"};
    (void)state;
    EACH_VERSION(version)
    {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            probe_pair pair;
            if (version == 12 && strcmp(kinds[i], "client-rsa-pss") == 0)
                continue; /* the tests' server does not know them: interop.openssl */
            begin_with(&pair, version, kinds[i], i % 2 == 0 ? AT_ONCE : HOLD);
            start_and_ask(&pair);
            if (i % 2 == 1) {
                probe_settle(pair.loop, 20);
                assert_int_equal(pair.client.opens + pair.server.opens, 0);
                assert_int_equal(answer_now(NULL), RP_OK);
            }
            assert_talks(&pair);
            assert_int_equal(token.asked, 1);
            assert_non_null(strstr(token.peer, "127.0.0.1 (127.0.0.1:"));
            /* A second answer, and one to a question that nobody asked. */
            assert_int_equal(answer_now(NULL), RP_E_CANCELLED);
            token.id += 1;
            assert_int_equal(answer_now(NULL), RP_E_CANCELLED);
            probe_pair_end(&pair);
        }
    }
}

/* A session that is resumed needs no signature. */
static void test_resumed(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        probe_pair pair;
        begin(&pair, version, AT_ONCE);
        start_and_ask(&pair);
        assert_talks(&pair);
        probe_pair_again(&pair);
        probe_pair_open(&pair);
        assert_true(pair.client.info.resumed);
        assert_int_equal(token.asked, 1);
        probe_pair_end(&pair);
    }
}

static void expect_failure(probe_pair *pair, const char *text)
{
    UNTIL(pair->loop, pair->client.opens == 1);
    assert_int_equal(pair->client.open_error.status, RP_E_TLS_SIGNING);
    assert_int_equal(pair->client.open_error.phase, RP_PHASE_HANDSHAKE);
    assert_non_null(strstr(pair->client.open_error.text, text));
    assert_int_equal(pair->client.writes_failed, 1);
}

static void test_bad_answers(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        for (int how = REFUSE; how <= WRONG; how++) {
            probe_pair pair;
            begin(&pair, version, how);
            start_and_ask(&pair);
            expect_failure(&pair, how == REFUSE ? "asked for a client certificate, and on_sign "
                                                  "made no signature"
                                                : "asked for a client certificate, and on_sign's "
                                                  "signature is not by its key");
            token.how = AT_ONCE; /* and the next one is none the worse for it */
            probe_finish(&pair.client);
            probe_finish(&pair.server);
            pair.client = pair.server = (probe){0};
            token.asked = 0;
            start_and_ask(&pair);
            assert_talks(&pair);
            probe_pair_end(&pair);
        }
        /* Another key's; too long a one; right, with something behind it. */
        for (int i = 0; i < 3; i++) {
            probe_pair pair;
            uint8_t longest[2000] = {0x30};
            begin_with(&pair, version, i == 0 ? "client-rsa" : "client", HOLD);
            start_and_ask(&pair);
            memcpy(longest, token.signature, token.size);
            assert_int_equal(rp_tls_config_signed(token.config, token.id, longest,
                                                  i == 0   ? token.size - 1
                                                  : i == 1 ? sizeof(longest)
                                                           : token.size + 1,
                                                  NULL),
                             RP_E_TLS_SIGNING);
            assert_int_equal(answer_now(NULL), RP_E_CANCELLED); /* the right one is too late */
            expect_failure(&pair, "signature is not by its key");
            probe_pair_end(&pair);
        }
    }
}

/* ---- while it is asked ---- */

static void test_deadline(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        probe_pair pair;
        begin(&pair, version, HOLD);
        pair.handshake_timeout_ms = 200;
        start_and_ask(&pair);
        UNTIL(pair.loop, pair.client.opens == 1);
        assert_int_equal(pair.client.open_error.status, RP_E_HANDSHAKE_TIMEOUT);
        assert_non_null(
            strstr(pair.client.open_error.text, "within 200 ms: on_sign's answer did not come"));
        rp_error error;
        assert_int_equal(answer_now(&error), RP_E_CANCELLED);
        assert_string_equal(error.text, "nobody waits for this signature: its connection has "
                                        "ended, or it was there before");
        probe_settle(pair.loop, 20);
        assert_int_equal(pair.server.received, 0);
        probe_pair_end(&pair);
    }
}

static const char *count_address(const rp_target *target, void *user)
{
    (void)target;
    ++*(unsigned *)user;
    return NULL;
}

/* Of a name with more addresses, of which so many were tried; asked for its signature. */
typedef struct many_addresses {
    probe_pair pair;
    rp_resolver *resolver;
    unsigned tried;
} many_addresses;

static void many_begin(many_addresses *m, int version, uint64_t handshake_timeout_ms)
{
    char override[64];
    m->tried = 0;
    begin(&m->pair, version, HOLD);
    snprintf(override, sizeof(override), "localhost:%u:127.0.0.1,127.0.0.2",
             m->pair.listener.address.port);
    const char *overrides[] = {override};
    rp_resolver_options names = {.overrides = overrides, .override_count = 1};
    assert_int_equal(rp_resolver_create(&m->resolver, &names, NULL), RP_OK);
    rp_stream_options options = {.host = "localhost",
                                 .port = m->pair.listener.address.port,
                                 .tls = m->pair.client_tls,
                                 .resolver = m->resolver,
                                 .on_address = count_address,
                                 .on_address_user = &m->tried,
                                 .handshake_timeout_ms = handshake_timeout_ms};
    assert_int_equal(probe_open(&m->pair.client, m->pair.loop, &options), RP_OK);
    assert_int_equal(probe_write_text(&m->pair.client, "hello"), RP_OK);
    UNTIL(m->pair.loop, token.asked == 1);
}

static void many_answer(many_addresses *m)
{
    assert_int_equal(answer_now(NULL), RP_OK);
    assert_talks(&m->pair);
    assert_int_equal(m->tried, 1);
    probe_pair_end(&m->pair);
    rp_resolver_release(m->resolver);
}

/* It is not the peer who is silent, and the next address would not help, so it is not tried. */
static void test_addresses(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        many_addresses m;
        many_begin(&m, version, 4000);
        probe_settle(m.pair.loop, fixture_simulated() ? 3300 : 300);
        assert_int_equal(m.pair.client.opens, 0);
        many_answer(&m);
    }
}

/* Nor is it where the loop is not turned for as long as silence is borne, and finds the answer and
 * that in one turn; or for longer: what is late then waits for the next turn. */
static void test_addresses_in_a_pause(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        for (unsigned longer_ms = 0; longer_ms <= 1000; longer_ms += 1000) {
            many_addresses m;
            many_begin(&m, version, 20000);
            UNTIL(m.pair.loop, m.pair.client.stream->heard_ns == 0);
            sim_port_of(m.pair.loop->port)->loop = NULL; /* whoever waits would turn it along */
            fixture_sleep_ms(2000 + longer_ms);
            sim_port_of(m.pair.loop->port)->loop = m.pair.loop;
            many_answer(&m);
        }
    }
}

static void test_close(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        for (int i = 0; i < 3; i++) { /* before the answer, behind it, within the callback */
            probe_pair pair;
            begin(&pair, version, i == 2 ? CLOSE : HOLD);
            token.closes = &pair.client;
            start_and_ask(&pair);
            if (i == 1)
                assert_int_equal(answer_now(NULL), RP_OK);
            if (i != 2)
                probe_close(&pair.client);
            UNTIL(pair.loop, pair.client.closes == 1);
            assert_int_equal(pair.client.open_error.status, RP_E_CANCELLED);
            assert_int_equal(answer_now(NULL), RP_E_CANCELLED);
            probe_pair_end(&pair);
        }
    }
}

static void test_destroy(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        probe_pair pair;
        begin(&pair, 12 + i % 2, HOLD);
        start_and_ask(&pair);
        if (i >= 2)
            assert_int_equal(answer_now(NULL), RP_OK);
        pair.client.closing = pair.server.closing = true;
        probe_loop_end(pair.loop);
        assert_int_equal(pair.client.closes, 1);
        assert_int_equal(answer_now(NULL), RP_E_CANCELLED);
        rp_tls_config_release(pair.client_tls);
        rp_tls_config_release(pair.server_tls);
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
            start_and_ask(&pair);
            probe_cut(&pair.server, i == 1);
            probe_settle(pair.loop, 50);
            assert_int_equal(pair.client.opens, 0);
            assert_int_equal(answer_now(NULL), RP_OK);
            UNTIL(pair.loop, pair.client.opens == 1);
            if (pair.client.open_error.status == RP_OK)
                UNTIL(pair.loop, pair.client.ends == 1);
            assert_true(pair.client.open_error.status != RP_OK ||
                        pair.client.end_error.status != RP_OK);
            probe_pair_end(&pair);
        }
    }
}

/* Several at a time, answered in the other order; one of them is not wanted any more. */
static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 8 };
    static probe probes[COUNT], servers[COUNT];
    static struct {
        uint64_t id;
        uint8_t signature[TOKEN_SIGNATURE_LIMIT];
        size_t size;
    } answers[COUNT];
    probe_pair pair;
    begin(&pair, 13, HOLD);
    memset(probes, 0, sizeof(probes));
    memset(servers, 0, sizeof(servers));
    rp_stream_options options = {
        .host = "127.0.0.1", .port = pair.listener.address.port, .tls = pair.client_tls};
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(probe_open(&probes[i], pair.loop, &options), RP_OK);
        UNTIL(pair.loop, pair.server.loop != NULL && token.asked == i + 1);
        servers[i] = pair.server;
        servers[i].stream->user = &servers[i];
        pair.server = (probe){0};
        answers[i].id = token.id;
        answers[i].size = token.size;
        memcpy(answers[i].signature, token.signature, token.size);
    }
    probe_finish(&probes[3]);
    for (unsigned i = COUNT; i-- > 0;)
        assert_int_equal(rp_tls_config_signed(token.config, answers[i].id, answers[i].signature,
                                              answers[i].size, NULL),
                         i == 3 ? RP_E_CANCELLED : RP_OK);
    for (unsigned i = 0; i < COUNT; i++) {
        if (i == 3)
            continue;
        UNTIL(pair.loop, probes[i].opens == 1);
        assert_int_equal(probes[i].open_error.status, RP_OK);
        probe_finish(&probes[i]);
    }
    for (unsigned i = 0; i < COUNT; i++)
        probe_finish(&servers[i]);
    probe_pair_end(&pair);
}

/* Nobody is troubled for a server that is not trusted. */
static void test_untrusted(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        probe_pair pair;
        begin(&pair, version, AT_ONCE);
        rp_tls_config_release(pair.server_tls);
        pair.server_tls =
            tls_server(&(rp_tls_server_options){.certificate_file = tls_cert("foreign.pem"),
                                                .key_file = tls_cert("foreign.key"),
                                                .client_ca_file = tls_cert("ca.pem"),
                                                .minimum_version = (rp_tls_version)version,
                                                .maximum_version = (rp_tls_version)version});
        probe_pair_start(&pair);
        UNTIL(pair.loop, pair.client.opens == 1);
        assert_int_equal(pair.client.open_error.status, RP_E_CERT_UNTRUSTED);
        assert_int_equal(token.asked, 0);
        probe_pair_end(&pair);
    }
}

static atomic_int judged;

static bool engine(const rp_slice *chain, size_t count)
{
    (void)chain;
    (void)count;
    atomic_fetch_add(&judged, 1);
    assert_int_equal(token.asked, 0);
    fixture_sleep_ms(20);
    return true;
}

/* The judge first, and then the signer. */
static void test_doubt(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        for (int how = HOLD; how <= AT_ONCE; how++) {
            probe_pair pair;
            begin(&pair, version, how);
            rp_tls_config_release(pair.server_tls);
            pair.server_tls =
                tls_server(&(rp_tls_server_options){.certificate_file = tls_cert("foreign.pem"),
                                                    .key_file = tls_cert("foreign.key"),
                                                    .client_ca_file = tls_cert("ca.pem"),
                                                    .minimum_version = (rp_tls_version)version,
                                                    .maximum_version = (rp_tls_version)version});
            atomic_store(&judged, 0);
            assert_true(rp__tls_config_ask(pair.client_tls, engine));
            start_and_ask(&pair);
            assert_int_equal(atomic_load(&judged), 1);
            if (how == HOLD)
                assert_int_equal(answer_now(NULL), RP_OK);
            assert_talks(&pair);
            probe_pair_end(&pair);
        }
    }
}

/* ---- other threads ---- */

static void answer_there(void *argument)
{
    (void)argument;
    fixture_sleep_ms(2);
    (void)answer_now(NULL);
    (void)answer_now(NULL);
}

/* The answer, twice, and the close or the loop's end, at the same time. */
static void test_race(void **state)
{
    (void)state;
    for (int i = 0; i < 24; i++) {
        probe_pair pair;
        begin(&pair, 12 + i % 2, HOLD);
        start_and_ask(&pair);
        raw_thread *threads[2];
        for (int k = 0; k < 2; k++)
            threads[k] = raw_thread_start(answer_there, NULL);
        if (i % 3 == 0) {
            assert_talks(&pair);
        } else {
            fixture_sleep_ms((unsigned)i % 4);
            probe_close(&pair.client);
            UNTIL(pair.loop, pair.client.closes == 1);
        }
        for (int k = 0; k < 2; k++)
            raw_thread_join(threads[k]);
        probe_pair_end(&pair);
    }
}

/* ---- memory, and options ---- */

static void give_up(probe *p)
{
    if (p->open_error.status != RP_OK || p->end_error.status != RP_OK || p->writes_failed > 0)
        probe_close(p);
}

/* The loop's nth allocation fails; true: there was none to fail. */
static bool run_out(int version, uint64_t n)
{
    probe_pair pair;
    begin(&pair, version, AT_ONCE);
    pair.client.on_open = give_up;
    pair.server.on_open = pair.server.on_end = pair.client.on_end = give_up;
    pair.client.on_write = pair.server.on_write = give_up;
    rp_stream_options options = {
        .host = "127.0.0.1", .port = pair.listener.address.port, .tls = pair.client_tls};
    pair.loop->memory.fail_in = n;
    if (probe_open(&pair.client, pair.loop, &options) == RP_OK) {
        (void)probe_write_text(&pair.client, "hello");
        UNTIL(pair.loop, pair.server.received == 5 || pair.client.closes == 1);
    }
    bool clean = pair.loop->memory.fail_in > 0;
    pair.loop->memory.fail_in = 0;
    probe_pair_end(&pair);
    return clean;
}

static void test_memory(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        uint64_t n = 1;
        while (!run_out(version, n))
            assert_true(++n < 2000);
        assert_true(n > 10);
    }
    /* The signing's own. */
    EACH_VERSION(version)
    {
        probe_pair pair;
        begin(&pair, version, AT_ONCE);
        rp__signer_fail(pair.client_tls->signer, 1);
        probe_pair_start(&pair);
        UNTIL(pair.loop, pair.client.opens == 1);
        assert_int_equal(pair.client.open_error.status, RP_E_NO_MEMORY);
        assert_int_equal(token.asked, 0);
        probe_pair_end(&pair);
    }
}

static void refuses(const rp_tls_options *options, const char *text)
{
    rp_tls_config *config;
    rp_error error;
    assert_int_equal(rp_tls_config_create(&config, options, &error), RP_E_TLS_CONFIG);
    assert_non_null(strstr(error.text, text));
}

static void test_options(void **state)
{
    (void)state;
    const char *ca = tls_cert("ca.pem"), *certificate = tls_cert("client.pem");
    refuses(&(rp_tls_options){.ca_file = ca, .on_sign = on_sign}, "on_sign needs certificate_file");
    refuses(&(rp_tls_options){.ca_file = ca,
                              .on_sign = on_sign,
                              .certificate_file = certificate,
                              .key_file = tls_cert("client.key")},
            ": on_sign makes the signatures, so there can be no key");
    refuses(&(rp_tls_options){.ca_file = ca,
                              .on_sign = on_sign,
                              .certificate_file = tls_cert("client-empty.p12")},
            ": on_sign makes the signatures, so there can be no key");
    rp_tls_config *config = tls_client(&(rp_tls_options){.ca_file = ca});
    assert_int_equal(rp_tls_config_signed(config, 1, "x", 1, NULL), RP_E_MISUSE);
    rp_tls_config_release(config);
}

static void nothing(void *argument)
{
    (void)argument;
}

int main(void)
{
    if (!RP_KEYS_ELSEWHERE) /* another wolfSSL, which needs its keys */
        return 0;
    /* With the first thread the thread sanitizer starts one of its own. */
    raw_thread_join(raw_thread_start(nothing, NULL));
    const struct CMUnitTest tests[] = {
        fixture_test(test_every_kind),
        fixture_test(test_resumed),
        fixture_test(test_bad_answers),
        fixture_test(test_deadline),
        fixture_test(test_addresses),
        fixture_test(test_close),
        fixture_test(test_destroy),
        fixture_test(test_peer_leaves),
        fixture_test(test_many),
        fixture_test(test_untrusted),
        fixture_test_real(test_doubt),
        fixture_test_real(test_race),
        fixture_test(test_memory),
        fixture_test(test_options),
        fixture_test_timed(test_addresses_in_a_pause),
    };
    return fixture_run_simulated(tests, 2);
}
