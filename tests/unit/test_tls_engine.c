/* test_tls_engine.c - client and server engines in memory: handshakes, data, ends, resumption. */
#include "support/tls_pair.h"
#include "tls/keylog.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Chunk limits: all at once, one byte at a time, and between. */
static const size_t chunk_limits[] = {0, 1, 7, 700, 5000};

typedef struct setting {
    rp_tls_version version;
    const char *certificate;
} setting;

static const setting settings[] = {
    {RP_TLS_1_2, "server-ecdsa"},
    {RP_TLS_1_2, "server-rsa"},
    {RP_TLS_1_3, "server-ecdsa"},
    {RP_TLS_1_3, "server-rsa"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *version_name(rp_tls_version version)
{
    return version == RP_TLS_1_2 ? "TLSv1.2" : "TLSv1.3";
}

/* ---- Handshakes and data --------------------------------------------------------------------- */

static void talk(tls_pair *pair)
{
    tls_write(&pair->client, "hello", 5);
    tls_write(&pair->server, "world!", 6);
    tls_pump(pair);
    assert_int_equal(pair->server.received_size, 5);
    assert_memory_equal(pair->server.received, "hello", 5);
    assert_int_equal(pair->client.received_size, 6);
    assert_memory_equal(pair->client.received, "world!", 6);
    assert_false(pair->client.failed || pair->server.failed);
}

static void close_both(tls_pair *pair)
{
    assert_int_equal(rp__engine_close_notify(pair->client.engine, NULL), RP_ENGINE_OK);
    assert_int_equal(rp__engine_close_notify(pair->client.engine, NULL), RP_ENGINE_OK);
    tls_pump(pair);
    assert_true(pair->server.ended && !pair->server.failed);
    /* The other half is still open. */
    tls_write(&pair->server, "last words", 10);
    assert_int_equal(rp__engine_close_notify(pair->server.engine, NULL), RP_ENGINE_OK);
    tls_pump(pair);
    assert_true(pair->client.ended && !pair->client.failed);
    assert_memory_equal(pair->client.received + pair->client.received_size - 10, "last words", 10);
    /* The transport's end adds nothing to an authenticated one. */
    tls_end_input(pair, &pair->client);
    assert_false(pair->client.failed);
    assert_false(rp__engine_readable(pair->client.engine));
    /* What has happened already costs nothing. */
    uint64_t calls = pair->client.stats.tls_calls;
    uint8_t byte[1 + RP_ENGINE_SPARE];
    size_t size = 1;
    assert_int_equal(rp__engine_read(pair->client.engine, byte, 1, &size, NULL), RP_ENGINE_END);
    assert_int_equal(size, 0);
    assert_int_equal(rp__engine_handshake(pair->client.engine, NULL), RP_ENGINE_OK);
    assert_int_equal(pair->client.stats.tls_calls, calls);
}

static void handshakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(settings); i++) {
        rp_tls_config *client = tls_client_of(settings[i].version);
        rp_tls_config *server = tls_server_of(settings[i].certificate, settings[i].version);
        for (size_t seed = 0; seed < 2 * COUNT(chunk_limits); seed++) {
            tls_pair pair;
            tls_pair_options options = {.client = client,
                                        .server = server,
                                        .seed = seed,
                                        .chunk_limit = chunk_limits[seed % COUNT(chunk_limits)]};
            assert_true(tls_pair_open(&pair, &options));
            assert_true(tls_handshake(&pair));
            rp_engine_info info;
            rp__engine_info_get(pair.client.engine, &info);
            assert_string_equal(info.version, version_name(settings[i].version));
            assert_non_null(strstr(info.cipher, "GCM"));
            assert_null(info.alpn);
            assert_false(info.resumed);
            assert_int_equal(pair.client.stats.handshakes_full, 1);
            assert_int_equal(pair.client.stats.handshakes_resumed, 0);
            talk(&pair);
            close_both(&pair);
            tls_pair_close(&pair);
        }
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

/* As few calls as can be: nothing is tried to see whether it works now. */
static void calls_are_few(void **state)
{
    (void)state;
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client_of(RP_TLS_1_3),
                                              .server = tls_server_of("server-ecdsa", RP_TLS_1_3)});
    assert_true(tls_handshake(&pair));
    /* ClientHello out; the server's flight in, Finished out; the ticket in. */
    assert_int_equal(pair.client.stats.tls_calls, 3);
    for (int i = 0; i < 10; i++) {
        tls_write(&pair.client, "question", 8);
        tls_pump(&pair);
        tls_write(&pair.server, "answer", 6);
        tls_pump(&pair);
    }
    /* One to write, one to read. */
    assert_int_equal(pair.client.stats.tls_calls, 3 + 20);
    /* Nothing lent: no call. */
    uint8_t buffer[10 + RP_ENGINE_SPARE];
    size_t size;
    assert_int_equal(rp__engine_read(pair.client.engine, buffer, 10, &size, NULL),
                     RP_ENGINE_WANT_INPUT);
    assert_int_equal(rp__engine_write(pair.client.engine, buffer, 0, NULL), RP_ENGINE_OK);
    assert_int_equal(pair.client.stats.tls_calls, 3 + 20);
    tls_pair_end(&pair);
}

static void large_transfers(void **state)
{
    (void)state;
    enum { TOTAL = 3 << 20 };
    uint8_t *data = malloc(TOTAL);
    assert_non_null(data);
    for (size_t i = 0; i < TOTAL; i++)
        data[i] = (uint8_t)(i * 31 + (i >> 11));
    for (size_t i = 0; i < COUNT(settings); i += 2) {
        rp_tls_config *client = tls_client_of(settings[i].version);
        rp_tls_config *server = tls_server_of(settings[i].certificate, settings[i].version);
        for (size_t seed = 0; seed < 3; seed++) {
            tls_pair pair;
            tls_pair_options options = {.client = client, .server = server, .seed = seed};
            assert_true(tls_pair_open(&pair, &options));
            assert_true(tls_handshake(&pair));
            pair.chunk_limit = seed == 0 ? 0 : 4000;
            pair.read_limit = seed == 2 ? 900 : 65536;
            for (size_t sent = 0; sent < TOTAL;) {
                size_t part = 1 + (size_t)tls_random(&pair, 65536);
                part = part < TOTAL - sent ? part : TOTAL - sent;
                tls_write(&pair.server, data + sent, part);
                tls_write(&pair.client, data + sent, part);
                sent += part;
                tls_pump(&pair);
            }
            assert_int_equal(pair.client.received_size, TOTAL);
            assert_memory_equal(pair.client.received, data, TOTAL);
            assert_int_equal(pair.server.received_size, TOTAL);
            assert_memory_equal(pair.server.received, data, TOTAL);
            tls_pair_close(&pair);
        }
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
    free(data);
}

/* The owner has no credit: it takes the rest of the loan back, and lends it again. */
static void loans_are_taken_back(void **state)
{
    (void)state;
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client_of(0),
                                              .server = tls_server_of("server-ecdsa", 0)});
    assert_true(tls_handshake(&pair));
    for (int i = 0; i < 4; i++)
        tls_write(&pair.server, "0123456789", 10);
    rp_slice slice;
    assert_int_equal(rp__chain_slices(&pair.server.output, &slice, 1), 1);
    size_t got = 0, lends = 0;
    uint8_t buffer[7 + RP_ENGINE_SPARE];
    while (slice.size > 0 || rp__engine_readable(pair.client.engine)) {
        rp__engine_lend(pair.client.engine, slice.data, slice.size);
        assert_int_equal(rp__engine_lent(pair.client.engine), slice.size);
        size_t size;
        assert_int_equal(rp__engine_read(pair.client.engine, buffer, 7, &size, NULL), RP_ENGINE_OK);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(buffer[i], '0' + (got + i) % 10);
        got += size;
        slice = rp__engine_unlend(pair.client.engine);
        lends++;
    }
    assert_int_equal(got, 40);
    assert_int_equal(lends, 8); /* 7 and 3 of each record */
    rp__chain_clear(&pair.server.output);
    tls_pair_end(&pair);
}

/* A record may be larger than what there is room for, or just not. */
static void reads_stay_in_their_room(void **state)
{
    (void)state;
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client_of(0),
                                              .server = tls_server_of("server-ecdsa", 0)});
    assert_true(tls_handshake(&pair));
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    for (size_t capacity = 1; capacity < sizeof(text) + 2; capacity++) {
        for (int i = 0; i < 3; i++)
            tls_write(&pair.server, text, sizeof(text));
        rp_slice slice;
        assert_int_equal(rp__chain_slices(&pair.server.output, &slice, 1), 1);
        rp__engine_lend(pair.client.engine, slice.data, slice.size);
        uint8_t *buffer = malloc(capacity + RP_ENGINE_SPARE + 8);
        assert_non_null(buffer);
        size_t got = 0, size;
        while (rp__engine_readable(pair.client.engine)) {
            memset(buffer, 0xa5, capacity + RP_ENGINE_SPARE + 8);
            assert_int_equal(rp__engine_read(pair.client.engine, buffer, capacity, &size, NULL),
                             RP_ENGINE_OK);
            assert_in_range(size, 1, capacity);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(buffer[i], text[(got + i) % sizeof(text)]);
            for (size_t i = 0; i < 8; i++)
                assert_int_equal(buffer[capacity + RP_ENGINE_SPARE + i], 0xa5);
            got += size;
        }
        free(buffer);
        assert_int_equal(got, 3 * sizeof(text));
        assert_int_equal(rp__engine_unlend(pair.client.engine).size, 0);
        rp__chain_clear(&pair.server.output);
    }
    tls_pair_end(&pair);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void truncation(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(settings); i += 2) {
        rp_tls_config *client = tls_client_of(settings[i].version);
        rp_tls_config *server = tls_server_of(settings[i].certificate, settings[i].version);
        for (int in_record = 0; in_record < 2; in_record++) {
            tls_pair pair;
            tls_pair_options options = {.client = client, .server = server};
            assert_true(tls_pair_open(&pair, &options));
            assert_true(tls_handshake(&pair));
            tls_write(&pair.server, "whole", 5);
            tls_pump(&pair);
            if (in_record) {
                tls_write(&pair.server, "cut off", 7);
                rp_slice slice;
                rp__chain_slices(&pair.server.output, &slice, 1);
                tls_feed(&pair, &pair.client, slice.data, slice.size - 1);
                rp__chain_clear(&pair.server.output);
            }
            tls_end_input(&pair, &pair.client);
            assert_true(pair.client.failed);
            assert_int_equal(pair.client.error.status, RP_E_TRUNCATED);
            assert_int_equal(pair.client.error.phase, RP_PHASE_NONE);
            assert_string_equal(pair.client.error.text,
                                "localhost (127.0.0.1:443) closed the connection without TLS's "
                                "close_notify: what came may not be all");
            assert_memory_equal(pair.client.received, "whole", 5);
            tls_pair_close(&pair);
        }
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

/* The transport may end while its last bytes are still being read. */
static void end_with_the_last_bytes(void **state)
{
    (void)state;
    rp_tls_config *client = tls_client_of(0);
    rp_tls_config *server = tls_server_of("server-ecdsa", 0);
    for (int clean = 0; clean < 2; clean++) {
        tls_pair pair;
        tls_pair_options options = {.client = client, .server = server};
        assert_true(tls_pair_open(&pair, &options));
        assert_true(tls_handshake(&pair));
        tls_write(&pair.server, "last", 4);
        if (clean)
            rp__engine_close_notify(pair.server.engine, NULL);
        rp__engine_input_end(pair.client.engine);
        tls_pump(&pair);
        assert_memory_equal(pair.client.received, "last", 4);
        assert_int_equal(pair.client.result, clean ? RP_ENGINE_END : RP_ENGINE_FAILED);
        assert_int_equal(pair.client.error.status, clean ? RP_OK : RP_E_TRUNCATED);
        tls_pair_close(&pair);
    }
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

static void closed_in_the_handshake(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(settings); i += 2) {
        rp_tls_config *client = tls_client_of(settings[i].version);
        rp_tls_config *server = tls_server_of(settings[i].certificate, settings[i].version);
        for (size_t cut = 0; cut < 900; cut += 100) {
            tls_pair pair;
            tls_pair_options options = {.client = client, .server = server};
            assert_true(tls_pair_open(&pair, &options));
            assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
            assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
            tls_move(&pair, &pair.client, &pair.server);
            rp_slice slice;
            rp__chain_slices(&pair.server.output, &slice, 1);
            assert_true(slice.size > cut);
            tls_feed(&pair, &pair.client, slice.data, cut);
            rp__chain_clear(&pair.server.output);
            tls_end_input(&pair, &pair.client);
            assert_true(pair.client.failed);
            assert_int_equal(pair.client.error.status, RP_E_TLS_CLOSED);
            assert_int_equal(pair.client.error.phase, RP_PHASE_HANDSHAKE);
            assert_string_equal(pair.client.error.text, "localhost (127.0.0.1:443) closed the "
                                                        "connection during the handshake");
            tls_pair_close(&pair);
        }
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

/* ---- ALPN, client certificates, options ------------------------------------------------------ */

/* Nothing is to be closed before it is open, nor once it failed. */
static void no_close_notify(void **state)
{
    (void)state;
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client_of(0),
                                              .server = tls_server_of("server-ecdsa", 0)});
    assert_int_equal(rp__engine_close_notify(pair.client.engine, NULL), RP_ENGINE_OK);
    assert_int_equal(pair.client.output.size, 0);
    assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
    rp__chain_clear(&pair.client.output);
    assert_int_equal(rp__engine_close_notify(pair.client.engine, NULL), RP_ENGINE_OK);
    assert_int_equal(pair.client.output.size, 0);
    tls_end_input(&pair, &pair.client);
    assert_true(pair.client.failed);
    rp__chain_clear(&pair.client.output);
    assert_int_equal(rp__engine_close_notify(pair.client.engine, NULL), RP_ENGINE_OK);
    assert_int_equal(pair.client.output.size, 0);
    assert_false(rp__engine_readable(pair.client.engine));
    tls_pair_end(&pair);
}

static void alpn(void **state)
{
    (void)state;
    static const struct {
        const char *client, *server, *agreed;
    } cases[] = {
        {"h2,http/1.1", "http/1.1", "http/1.1"},
        {"h2,http/1.1", "h2", "h2"},
        {"h2,http/1.1", "spdy", NULL},
        {"h2,http/1.1", NULL, NULL},
        {NULL, "http/1.1", NULL},
    };
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        rp_tls_version version = i % 2 == 0 ? RP_TLS_1_2 : RP_TLS_1_3;
        tls_pair pair;
        tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client_of(version),
                                                  .server = tls_server_of("server-ecdsa", version),
                                                  .client_alpn = cases[i / 2].client,
                                                  .server_alpn = cases[i / 2].server});
        assert_true(tls_handshake(&pair));
        tls_end *ends[] = {&pair.client, &pair.server};
        for (size_t end = 0; end < 2; end++) {
            rp_engine_info info;
            rp__engine_info_get(ends[end]->engine, &info);
            if (cases[i / 2].agreed == NULL)
                assert_null(info.alpn);
            else
                assert_string_equal(info.alpn, cases[i / 2].agreed);
        }
        tls_pair_end(&pair);
    }
}

/* What the client sends in the clear. */
static bool hello_holds(const char *name, const char *text)
{
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client_of(0),
                                              .server = tls_server_of("server-ecdsa", 0),
                                              .name = name});
    assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
    rp_slice slice;
    assert_int_equal(rp__chain_slices(&pair.client.output, &slice, 1), 1);
    bool found = false;
    for (size_t i = 0; i + strlen(text) <= slice.size; i++)
        found = found || memcmp(slice.data + i, text, strlen(text)) == 0;
    tls_pair_end(&pair);
    return found;
}

static void server_name_indication(void **state)
{
    (void)state;
    assert_true(hello_holds("api.example.test", "api.example.test"));
    assert_true(hello_holds("api.example.test.", "api.example.test"));
    assert_false(hello_holds("api.example.test.", "api.example.test."));
    assert_false(hello_holds("127.0.0.1", "127.0.0.1"));
    assert_false(hello_holds("::1", "::1"));
    assert_false(hello_holds("[::1]", "::1"));
}

/* A client that has neither a name nor a text for its peer. */
static void without_a_name(void **state)
{
    (void)state;
    rp_memory memory;
    rp_chunk_pool pool;
    rp_loop_stats stats = {0};
    rp_chain output;
    rp_error error;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp__chunk_pool_init(&pool, &memory, &stats.bytes_copied);
    rp__chain_init(&output, &pool);
    rp_tls_config *client = tls_client_of(0);
    rp_engine_options options = {
        .memory = &memory, .stats = &stats, .config = client, .output = &output};
    rp_engine *engine = rp__engine_create(&options, &error);
    assert_non_null(engine);
    assert_int_equal(rp__engine_handshake(engine, &error), RP_ENGINE_WANT_INPUT);
    assert_true(output.size > 0);
    rp__engine_input_end(engine);
    assert_int_equal(rp__engine_handshake(engine, &error), RP_ENGINE_FAILED);
    assert_string_equal(error.text, "the peer closed the connection during the handshake");
    rp__engine_destroy(engine);
    rp__chain_clear(&output);
    rp__chunk_pool_clear(&pool);
    assert_int_equal(memory.live, 0);
    rp_tls_config_release(client);
}

static void mutual_authentication(void **state)
{
    (void)state;
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        rp_tls_config *client = tls_client(&(rp_tls_options){
            .ca_file = tls_cert("ca.pem"),
            .certificate_file = tls_cert("client.pem"),
            .key_file = tls_cert("client.key"),
        });
        rp_tls_config *server = tls_server(&(rp_tls_server_options){
            .certificate_file = tls_cert("server-ecdsa.pem"),
            .key_file = tls_cert("server-ecdsa.key"),
            .client_ca_file = tls_cert("ca.pem"),
            .maximum_version = version,
        });
        for (size_t chunk = 0; chunk < 2; chunk++) {
            tls_pair pair;
            tls_pair_options options = {.client = client, .server = server, .chunk_limit = chunk};
            assert_true(tls_pair_open(&pair, &options));
            assert_true(tls_handshake(&pair));
            talk(&pair);
            tls_pair_close(&pair);
        }
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

static void groups_and_ciphers(void **state)
{
    (void)state;
    static const struct {
        const char *tls12, *tls13, *groups;
        rp_tls_version version;
        const char *cipher, *group;
    } cases[] = {
        {NULL, NULL, NULL, RP_TLS_1_3, "TLS_AES_128_GCM_SHA256",
         RP_HYBRID_GROUPS ? "X25519MLKEM768" : "X25519"},
        {NULL, NULL, NULL, RP_TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "X25519"},
        {NULL, NULL, "P-256", RP_TLS_1_3, "TLS_AES_128_GCM_SHA256", "P-256"},
        {NULL, NULL, "P-521", RP_TLS_1_3, "TLS_AES_128_GCM_SHA256", "P-521"},
        {NULL, NULL, "P-384", RP_TLS_1_2, "GCM", "P-384"},
        {NULL, NULL, "P-384:X25519", RP_TLS_1_2, "GCM", NULL},
        {NULL, "TLS_AES_256_GCM_SHA384", NULL, RP_TLS_1_3, "TLS_AES_256_GCM_SHA384", NULL},
        {NULL, "TLS_CHACHA20_POLY1305_SHA256", NULL, RP_TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256",
         NULL},
        {NULL, "TLS_AES_256_GCM_SHA384", NULL, RP_TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES", NULL},
        {"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256", NULL, NULL, RP_TLS_1_2,
         "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL},
        {"ECDHE-ECDSA-CHACHA20-POLY1305", NULL, NULL, RP_TLS_1_2, "CHACHA20", NULL},
        {"ECDHE-ECDSA-AES128-SHA256", NULL, NULL, RP_TLS_1_2, "AES_128_CBC_SHA256", NULL},
        {"ECDHE-ECDSA-CHACHA20-POLY1305", NULL, NULL, RP_TLS_1_3, "TLS_AES_128_GCM_SHA256", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tls_pair pair;
        tls_pair_begin(
            &pair, &(tls_pair_options){
                       .client = tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                                                              .tls12_ciphers = cases[i].tls12,
                                                              .tls13_ciphers = cases[i].tls13,
                                                              .groups = cases[i].groups,
                                                              .maximum_version = cases[i].version}),
                       .server = tls_server(&(rp_tls_server_options){
                           .certificate_file = tls_cert("server-ecdsa.pem"),
                           .key_file = tls_cert("server-ecdsa.key"),
                           .tls12_ciphers = cases[i].tls12,
                       }),
                       .chunk_limit = 100});
        assert_true(tls_handshake(&pair));
        rp_engine_info info;
        rp__engine_info_get(pair.client.engine, &info);
        assert_non_null(strstr(info.cipher, cases[i].cipher));
        if (cases[i].group != NULL)
            assert_string_equal(info.group, cases[i].group);
        talk(&pair);
        tls_pair_end(&pair);
    }
}

/* The server wants another group than the one that the client made a key share for. */
static void hello_retry(void **state)
{
    (void)state;
    rp_tls_config *client = tls_client_of(RP_TLS_1_3);
    rp_tls_config *server = tls_server(&(rp_tls_server_options){
        .certificate_file = tls_cert("server-ecdsa.pem"),
        .key_file = tls_cert("server-ecdsa.key"),
        .groups = "P-384",
    });
    for (size_t chunk = 0; chunk < 2; chunk++) {
        tls_pair pair;
        tls_pair_options options = {.client = client, .server = server, .chunk_limit = chunk};
        assert_true(tls_pair_open(&pair, &options));
        assert_true(tls_handshake(&pair));
        talk(&pair);
        tls_pair_close(&pair);
    }
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

/* ---- Key log --------------------------------------------------------------------------------- */

typedef struct key_lines {
    char text[8][256];
    size_t count;
} key_lines;

static void keep_line(const char *line, void *user)
{
    key_lines *lines = user;
    assert_true(lines->count < 8 && strlen(line) < sizeof(lines->text[0]));
    strcpy(lines->text[lines->count++], line);
}

static void key_log(void **state)
{
    (void)state;
    static const char *const labels13[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET ",
                                           "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
                                           "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "};
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        key_lines lines = {.count = 0};
        tls_pair pair;
        tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client(&(rp_tls_options){
                                                      .ca_file = tls_cert("ca.pem"),
                                                      .maximum_version = version,
                                                      .on_keylog = keep_line,
                                                      .keylog_user = &lines}),
                                                  .server = tls_server_of("server-ecdsa", 0)});
        assert_true(tls_handshake(&pair));
        size_t expected = version == RP_TLS_1_2 ? 1 : 4;
        assert_int_equal(lines.count, expected);
        for (size_t i = 0; i < expected; i++) {
            const char *label = version == RP_TLS_1_2 ? "CLIENT_RANDOM " : labels13[i];
            assert_memory_equal(lines.text[i], label, strlen(label));
            const char *hex = lines.text[i] + strlen(label);
            assert_int_equal(strspn(hex, "0123456789abcdef"), 64);
            assert_int_equal(hex[64], ' ');
            size_t secret = version == RP_TLS_1_2 ? 96 : 64;
            assert_int_equal(strspn(hex + 65, "0123456789abcdef"), secret);
            assert_int_equal(hex[65 + secret], '\0');
        }
        tls_pair_end(&pair);
    }
}

/* No secret is that long; a line of the log has room for 64 bytes. */
static void key_log_limit(void **state)
{
    (void)state;
    key_lines lines = {.count = 0};
    uint8_t client_random[RP_CLIENT_RANDOM_BYTES] = {0}, secret[65] = {0};
    rp_tls_config *client = tls_client(&(rp_tls_options){
        .ca_file = tls_cert("ca.pem"), .on_keylog = keep_line, .keylog_user = &lines});
    rp__keylog_line(client, "LABEL", client_random, secret, 65);
    assert_int_equal(lines.count, 0);
    rp__keylog_line(client, "LABEL", client_random, secret, 64);
    assert_int_equal(lines.count, 1);
    assert_int_equal(strlen(lines.text[0]), 5 + 1 + 64 + 1 + 128);
    rp_tls_config_release(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshakes),
        cmocka_unit_test(calls_are_few),
        cmocka_unit_test(large_transfers),
        cmocka_unit_test(reads_stay_in_their_room),
        cmocka_unit_test(loans_are_taken_back),
        cmocka_unit_test(truncation),
        cmocka_unit_test(end_with_the_last_bytes),
        cmocka_unit_test(closed_in_the_handshake),
        cmocka_unit_test(no_close_notify),
        cmocka_unit_test(alpn),
        cmocka_unit_test(server_name_indication),
        cmocka_unit_test(without_a_name),
        cmocka_unit_test(mutual_authentication),
        cmocka_unit_test(groups_and_ciphers),
        cmocka_unit_test(hello_retry),
        cmocka_unit_test(key_log),
        cmocka_unit_test(key_log_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
