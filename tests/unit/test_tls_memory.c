/* test_tls_memory.c - every allocation of a connection's life fails once: ours by rp_memory,
 * wolfSSL's own by its allocator hooks. Nothing may crash or leak, and every failure must be
 * told. */
#include "support/tls_pair.h"
#include "support/wolf_memory.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- A connection's life --------------------------------------------------------------------- */

typedef struct lifetime {
    rp_tls_config *client, *server;
    uint64_t fail_in; /* of rp_memory */
    bool sessions;
    bool complete; /* everything went well */
    bool refused;  /* create failed */
    rp_error error;
} lifetime;

static bool alive(const tls_end *end)
{
    return !end->failed;
}

static void exchange(tls_pair *pair)
{
    static const uint8_t data[40000];
    for (int i = 0; i < 3; i++) {
        if (alive(&pair->client))
            tls_write(&pair->client, data, sizeof(data));
        if (alive(&pair->server))
            tls_write(&pair->server, data, sizeof(data));
        tls_pump(pair);
    }
    tls_end *ends[] = {&pair->client, &pair->server};
    for (size_t i = 0; i < 2; i++) {
        if (alive(ends[i]) &&
            rp__engine_close_notify(ends[i]->engine, &ends[i]->error) == RP_ENGINE_FAILED)
            ends[i]->failed = true;
        tls_pump(pair);
    }
}

static bool told(const tls_end *end)
{
    return !end->failed || (end->error.status != RP_OK && end->error.text[0] != '\0');
}

static void live(lifetime *life)
{
    tls_pair pair;
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_sessions *sessions = life->sessions ? rp__sessions_create(&memory) : NULL;
    tls_pair_options options = {.client = life->client,
                                .server = life->server,
                                .client_alpn = "http/1.1",
                                .server_alpn = "http/1.1",
                                .sessions = sessions,
                                .chunk_limit = 3000,
                                .fail_in = life->fail_in};
    life->complete = false;
    life->refused = !tls_pair_open(&pair, &options);
    if (life->refused) {
        assert_int_equal(pair.client.error.status, RP_E_NO_MEMORY);
    } else {
        if (tls_handshake(&pair))
            exchange(&pair);
        assert_true(told(&pair.client) && told(&pair.server));
        life->complete = pair.client.ended && pair.server.ended && alive(&pair.client) &&
                         alive(&pair.server) && pair.client.received_size == 120000 &&
                         pair.server.received_size == 120000;
        life->error = pair.client.failed ? pair.client.error : pair.server.error;
    }
    tls_pair_close(&pair);
    rp__sessions_destroy(sessions);
    assert_int_equal(memory.live, 0);
}

static void our_allocations(void **state)
{
    (void)state;
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        lifetime life = {.client = tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                                                                .minimum_version = version,
                                                                .maximum_version = version,
                                                                .keep_peer_certificates = true}),
                         .server = tls_server_of("server-ecdsa", 0),
                         .sessions = true};
        do {
            life.fail_in++;
            live(&life);
            /* Nobody but the failed allocation is to blame. */
            if (!life.complete && !life.refused && life.error.status != RP_E_NO_MEMORY)
                fail_msg("%s", life.error.text);
            assert_true(life.fail_in < 1000);
        } while (!life.complete);
        assert_true(life.fail_in > 10);
        rp_tls_config_release(life.client);
        rp_tls_config_release(life.server);
    }
}

/* ---- wolfSSL's allocations ------------------------------------------------------------------- */

static void wolfssl_allocations(void **state)
{
    (void)state;
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        lifetime life = {.client = tls_client_of(version),
                         .server = tls_server_of("server-ecdsa", 0)};
        live(&life); /* the client's configuration remembers the intermediate */
        assert_true(life.complete);
        long before = wolf_memory_live();
        unsigned failures = 0;
        for (long count = 1; count < 2000; count++) {
            wolf_memory_fail_in(count);
            live(&life);
            bool reached = wolf_memory_failed();
            if (wolf_memory_live() != before)
                fail_msg("TLS 1.%d, allocation %ld: wolfSSL leaks %ld", version - 10, count,
                         wolf_memory_live() - before);
            failures += !life.complete;
            if (!reached)
                break;
        }
        assert_true(life.complete);
        assert_true(failures > 50);
        rp_tls_config_release(life.client);
        rp_tls_config_release(life.server);
    }
}

/* The configuration is made of wolfSSL's memory too. */
static void wolfssl_allocations_of_a_config(void **state)
{
    (void)state;
    rp_tls_options options = {
        .ca_file = tls_cert("ca.pem"),
        .certificate_file = tls_cert("client.pem"),
        .key_file = tls_cert("client.key"),
        .tls12_ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256",
    };
    rp_status status = RP_E_NO_MEMORY;
    for (long count = 1; status != RP_OK; count++) {
        rp_tls_config *config;
        rp_error error;
        long before = wolf_memory_live();
        wolf_memory_fail_in(count);
        status = rp_tls_config_create(&config, &options, &error);
        wolf_memory_fail_in(0);
        if (status != RP_OK)
            assert_true(error.text[0] != '\0');
        rp_tls_config_release(config);
        if (wolf_memory_live() != before)
            fail_msg("allocation %ld: wolfSSL leaks %ld", count, wolf_memory_live() - before);
        assert_true(count < 5000);
    }
}

int main(void)
{
    wolf_memory_count();
    wolfSSL_Init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_allocations),
        cmocka_unit_test(wolfssl_allocations),
        cmocka_unit_test(wolfssl_allocations_of_a_config),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wolfSSL_Cleanup();
    return failed;
}
