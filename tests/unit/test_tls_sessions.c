/* test_tls_sessions.c - resumption, and the store of sessions. */
#include "support/tls_pair.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static rp_sessions *store_new(rp_memory *memory)
{
    rp__memory_init(memory, (rp_allocator){.resize = NULL});
    rp_sessions *sessions = rp__sessions_create(memory);
    assert_non_null(sessions);
    return sessions;
}

static void store_free(rp_memory *memory, rp_sessions *sessions)
{
    rp__sessions_destroy(sessions);
    assert_int_equal(memory->live, 0);
}

static bool resumes(rp_tls_version version)
{
    return version == RP_TLS_1_3 || RP_TICKETS_IN_TLS12;
}

/* One connection; true if it was resumed. */
static bool connect_once(rp_tls_config *client, rp_tls_config *server, rp_sessions *sessions,
                         size_t chunk_limit)
{
    tls_pair pair;
    tls_pair_options options = {
        .client = client, .server = server, .sessions = sessions, .chunk_limit = chunk_limit};
    assert_true(tls_pair_open(&pair, &options));
    if (!tls_handshake(&pair))
        fail_msg("client: %s; server: %s", pair.client.error.text, pair.server.error.text);
    tls_write(&pair.client, "hello", 5);
    tls_pump(&pair);
    assert_memory_equal(pair.server.received, "hello", 5);
    rp_engine_info info;
    rp__engine_info_get(pair.client.engine, &info);
    assert_int_equal(pair.client.stats.handshakes_resumed, info.resumed);
    assert_int_equal(pair.client.stats.handshakes_full, !info.resumed);
    tls_pair_close(&pair);
    return info.resumed;
}

static void resumption(void **state)
{
    (void)state;
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        for (size_t chunk = 0; chunk < 2; chunk++) {
            rp_tls_config *client = tls_client_of(version);
            rp_tls_config *server = tls_server_of("server-rsa", 0);
            rp_memory memory;
            rp_sessions *sessions = store_new(&memory);
            assert_false(connect_once(client, server, sessions, chunk));
            assert_int_equal(rp__sessions_count(sessions), 1);
            for (int i = 0; i < 5; i++) {
                assert_int_equal(connect_once(client, server, sessions, chunk), resumes(version));
            }
            /* Without a store there is nothing to offer. */
            assert_false(connect_once(client, server, NULL, chunk));
            store_free(&memory, sessions);
            rp_tls_config_release(client);
            rp_tls_config_release(server);
        }
    }
}

/* RFC 5077, 3.3: in TLS 1.2 the lifetime hint 0 says nothing. */
static void lifetime_unspecified(void **state)
{
    (void)state;
    rp_tls_config *client = tls_client_of(RP_TLS_1_2);
    rp_tls_config *server = tls_server_of("server-ecdsa", RP_TLS_1_2);
    rp_memory memory;
    rp_sessions *sessions = store_new(&memory);
    (void)wolfSSL_CTX_set_TicketHint(server->context, 0);
    assert_false(connect_once(client, server, sessions, 0));
    assert_int_equal(connect_once(client, server, sessions, 0), resumes(RP_TLS_1_2));
    assert_int_equal(connect_once(client, server, sessions, 0), resumes(RP_TLS_1_2));
    store_free(&memory, sessions);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

/* A server that went from TLS 1.2 to both versions is found to have 1.3 at once, and back again. */
static void better_version_beside_a_session(void **state)
{
    (void)state;
    if (LIBWOLFSSL_VERSION_HEX < 0x05009002)
        skip();
    rp_tls_config *client = tls_client_of(0);
    rp_tls_config *old = tls_server_of("server-ecdsa", RP_TLS_1_2);
    rp_tls_config *new = tls_server_of("server-ecdsa", 0);
    rp_memory memory;
    rp_sessions *sessions = store_new(&memory);
    assert_false(connect_once(client, old, sessions, 0));
    assert_true(connect_once(client, old, sessions, 0));
    for (int i = 0; i < 2; i++) {
        tls_pair pair;
        tls_pair_options options = {.client = client, .server = new, .sessions = sessions};
        assert_true(tls_pair_open(&pair, &options));
        if (!tls_handshake(&pair))
            fail_msg("client: %s; server: %s", pair.client.error.text, pair.server.error.text);
        rp_engine_info info;
        rp__engine_info_get(pair.client.engine, &info);
        assert_string_equal(info.version, "TLSv1.3");
        assert_int_equal(info.resumed, i > 0);
        tls_write(&pair.server, "x", 1);
        tls_pump(&pair); /* the tickets */
        tls_pair_close(&pair);
    }
    store_free(&memory, sessions);
    rp_tls_config_release(client);
    rp_tls_config_release(old);
    rp_tls_config_release(new);
}

/* Connections that are open at the same time resume with a session each. */
static void parallel_connections(void **state)
{
    (void)state;
    enum { MANY = 5 };
    rp_tls_config *client = tls_client_of(RP_TLS_1_3);
    rp_tls_config *server = tls_server_of("server-ecdsa", 0);
    rp_memory memory;
    rp_sessions *sessions = store_new(&memory);
    for (int round = 0; round < 3; round++) {
        tls_pair pairs[MANY];
        for (size_t i = 0; i < MANY; i++) {
            tls_pair_options options = {
                .client = client, .server = server, .sessions = sessions, .seed = i};
            assert_true(tls_pair_open(&pairs[i], &options));
        }
        assert_int_equal(rp__sessions_count(sessions), 0);
        for (size_t i = 0; i < MANY; i++) {
            assert_true(tls_handshake(&pairs[i]));
            assert_int_equal(pairs[i].client.stats.handshakes_resumed, round > 0);
        }
        assert_int_equal(rp__sessions_count(sessions), MANY);
        for (size_t i = 0; i < MANY; i++)
            tls_pair_close(&pairs[i]);
    }
    store_free(&memory, sessions);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

/* A server that does not know the ticket makes a full handshake, verified as any. */
static void unknown_tickets(void **state)
{
    (void)state;
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        rp_tls_config *client = tls_client_of(version);
        rp_tls_config *one = tls_server_of("server-ecdsa", 0);
        rp_tls_config *two = tls_server_of("server-rsa", 0); /* ticket keys of its own */
        rp_tls_config *wrong = tls_server_of("wrong-host", 0);
        rp_memory memory;
        rp_sessions *sessions = store_new(&memory);
        assert_false(connect_once(client, one, sessions, 0));
        assert_false(connect_once(client, two, sessions, 0));
        /* wolfSSL's server gives no new ticket on a connection on which it refused one. */
        if (version == RP_TLS_1_2)
            assert_false(connect_once(client, two, sessions, 0));
        assert_int_equal(connect_once(client, two, sessions, 0), resumes(version));
        tls_pair pair;
        tls_pair_options options = {.client = client, .server = wrong, .sessions = sessions};
        assert_true(tls_pair_open(&pair, &options));
        assert_false(tls_handshake(&pair));
        assert_int_equal(pair.client.error.status, RP_E_CERT_HOST_MISMATCH);
        tls_pair_close(&pair);
        assert_int_equal(rp__sessions_count(sessions), 0);
        store_free(&memory, sessions);
        rp_tls_config_release(client);
        rp_tls_config_release(one);
        rp_tls_config_release(two);
        rp_tls_config_release(wrong);
    }
}

static void no_resumption(void **state)
{
    (void)state;
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        rp_tls_config *yes = tls_client_of(version);
        rp_tls_config *no = tls_client(&(rp_tls_options){
            .ca_file = tls_cert("ca.pem"), .maximum_version = version, .no_resumption = true});
        rp_tls_config *server = tls_server_of("server-ecdsa", 0);
        rp_tls_config *server_no =
            tls_server(&(rp_tls_server_options){.certificate_file = tls_cert("server-ecdsa.pem"),
                                                .key_file = tls_cert("server-ecdsa.key"),
                                                .no_resumption = true});
        rp_memory memory;
        rp_sessions *sessions = store_new(&memory);
        for (int i = 0; i < 2; i++) {
            size_t before = rp__sessions_count(sessions);
            assert_false(connect_once(no, server, sessions, 0));
            assert_int_equal(rp__sessions_count(sessions), before);
            assert_false(connect_once(yes, server_no, sessions, 0));
        }
        store_free(&memory, sessions);
        rp_tls_config_release(yes);
        rp_tls_config_release(no);
        rp_tls_config_release(server);
        rp_tls_config_release(server_no);
    }
}

/* A server that went from TLS 1.2 to 1.3 only: the old sessions cost one attempt, not one each. */
static void server_changes_versions(void **state)
{
    (void)state;
    rp_tls_config *client = tls_client_of(0);
    rp_tls_config *old = tls_server_of("server-ecdsa", RP_TLS_1_2);
    rp_tls_config *new = tls_server_of("server-ecdsa", RP_TLS_1_3);
    rp_memory memory;
    rp_sessions *sessions = store_new(&memory);
    tls_pair pairs[3];
    for (size_t i = 0; i < COUNT(pairs); i++) {
        tls_pair_options options = {.client = client, .server = old, .sessions = sessions};
        assert_true(tls_pair_open(&pairs[i], &options));
    }
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_true(tls_handshake(&pairs[i]));
        tls_pair_close(&pairs[i]);
    }
    assert_int_equal(rp__sessions_count(sessions), COUNT(pairs));
    tls_pair pair;
    tls_pair_options options = {.client = client, .server = new, .sessions = sessions};
    assert_true(tls_pair_open(&pair, &options));
    bool opened = tls_handshake(&pair); /* the session went along with an offer of TLS 1.3 */
    if (!opened)
        assert_int_equal(rp__sessions_count(sessions), 0);
    tls_pair_close(&pair);
    assert_int_equal(connect_once(client, new, sessions, 0), opened);
    assert_true(connect_once(client, new, sessions, 0));
    store_free(&memory, sessions);
    rp_tls_config_release(client);
    rp_tls_config_release(old);
    rp_tls_config_release(new);
}

/* The store's newest session says that it was made with another suite of TLS 1.3. */
static void change_suite(rp_sessions *sessions, uint8_t suite)
{
    static const uint8_t version_and_suite[] = {3, 4, 0x13, 0x01};
    WOLFSSL_SESSION *session = rp__sessions_take(sessions, "origin");
    unsigned char *bytes = NULL;
    int size = wolfSSL_i2d_SSL_SESSION(session, &bytes), at = 0;
    assert_true(size > 0);
    while (memcmp(bytes + at, version_and_suite, sizeof(version_and_suite)) != 0) {
        at++;
        assert_true(at + 4 <= size);
    }
    bytes[at + 3] = suite;
    const unsigned char *changed = bytes;
    wolfSSL_SESSION_free(session);
    session = wolfSSL_d2i_SSL_SESSION(NULL, &changed, size);
    assert_non_null(session);
    XFREE(bytes, NULL, DYNAMIC_TYPE_OPENSSL);
    rp__sessions_put(sessions, "origin", session);
}

/* RFC 8446, 4.2.11: a session goes on with any suite of its hash, and no other. */
static void other_suites(void **state)
{
    (void)state;
    if (LIBWOLFSSL_VERSION_HEX < 0x05009002)
        skip();
    rp_tls_config *client = tls_client_of(RP_TLS_1_3);
    rp_tls_config *server = tls_server_of("server-ecdsa", RP_TLS_1_3);
    rp_memory memory;
    rp_sessions *sessions = store_new(&memory);
    assert_false(connect_once(client, server, sessions, 0));
    change_suite(sessions, 0x03); /* ChaCha20-Poly1305 with SHA-256 */
    assert_true(connect_once(client, server, sessions, 0));
    assert_true(connect_once(client, server, sessions, 0)); /* by the new ticket */
    change_suite(sessions, 0x02);                           /* SHA-384 */
    tls_pair pair;
    tls_pair_options options = {.client = client, .server = server, .sessions = sessions};
    assert_true(tls_pair_open(&pair, &options));
    assert_false(tls_handshake(&pair));
    tls_pair_close(&pair);
    store_free(&memory, sessions);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

/* ---- The store ------------------------------------------------------------------------------- */

static WOLFSSL_SESSION *session_of(long lifetime)
{
    WOLFSSL_SESSION *session = wolfSSL_SESSION_new();
    assert_non_null(session);
    wolfSSL_SSL_SESSION_set_timeout(session, lifetime);
    return session;
}

static WOLFSSL_SESSION *fresh_session(void)
{
    return session_of(1000);
}

static void newest_first(void **state)
{
    (void)state;
    rp_memory memory;
    rp_sessions *sessions = store_new(&memory);
    WOLFSSL_SESSION *made[3];
    for (size_t i = 0; i < COUNT(made); i++) {
        made[i] = fresh_session();
        rp__sessions_put(sessions, "a", made[i]);
    }
    WOLFSSL_SESSION *other = fresh_session();
    rp__sessions_put(sessions, "b", other);
    assert_int_equal(rp__sessions_count(sessions), 4);
    assert_null(rp__sessions_take(sessions, "c"));
    for (size_t i = COUNT(made); i > 0; i--) {
        assert_ptr_equal(rp__sessions_take(sessions, "a"), made[i - 1]);
        wolfSSL_SESSION_free(made[i - 1]);
    }
    assert_null(rp__sessions_take(sessions, "a"));
    assert_ptr_equal(rp__sessions_take(sessions, "b"), other);
    wolfSSL_SESSION_free(other);
    assert_int_equal(rp__sessions_count(sessions), 0);
    store_free(&memory, sessions);
}

/* These two have the same hash (the lower half of FNV-1a of 64 bits). */
static void keys_with_one_hash(void **state)
{
    (void)state;
    rp_memory memory;
    rp_sessions *sessions = store_new(&memory);
    WOLFSSL_SESSION *session = fresh_session();
    rp__sessions_put(sessions, "host10579.test", session);
    assert_null(rp__sessions_take(sessions, "host343082.test"));
    rp__sessions_forget(sessions, "host343082.test");
    assert_int_equal(rp__sessions_count(sessions), 1);
    assert_ptr_equal(rp__sessions_take(sessions, "host10579.test"), session);
    wolfSSL_SESSION_free(session);
    store_free(&memory, sessions);
}

static void expired_ones_go(void **state)
{
    (void)state;
    rp_memory memory;
    rp_sessions *sessions = store_new(&memory);
    WOLFSSL_SESSION *good = session_of(1000);
    rp__sessions_put(sessions, "a", good);
    rp__sessions_put(sessions, "a", session_of(0));
    rp__sessions_put(sessions, "a", session_of(-1));
    rp__sessions_put(sessions, "b", session_of(0));
    assert_ptr_equal(rp__sessions_take(sessions, "a"), good);
    wolfSSL_SESSION_free(good);
    assert_null(rp__sessions_take(sessions, "b"));
    assert_int_equal(rp__sessions_count(sessions), 0);
    store_free(&memory, sessions);
}

static void bounds(void **state)
{
    (void)state;
    rp_memory memory;
    rp_sessions *sessions = store_new(&memory);
    for (int i = 0; i < RP_SESSIONS_PER_KEY + 10; i++)
        rp__sessions_put(sessions, "much loved", fresh_session());
    assert_int_equal(rp__sessions_count(sessions), RP_SESSIONS_PER_KEY);
    char key[32];
    for (int i = 0; i < RP_SESSIONS_TOTAL + 100; i++) {
        snprintf(key, sizeof(key), "origin %d", i);
        rp__sessions_put(sessions, key, fresh_session());
    }
    assert_int_equal(rp__sessions_count(sessions), RP_SESSIONS_TOTAL);
    assert_null(rp__sessions_take(sessions, "much loved"));
    assert_null(rp__sessions_take(sessions, "origin 99"));
    WOLFSSL_SESSION *kept = rp__sessions_take(sessions, "origin 100");
    assert_non_null(kept);
    wolfSSL_SESSION_free(kept);
    rp__sessions_put(sessions, "origin 200", fresh_session());
    rp__sessions_forget(sessions, "origin 200");
    rp__sessions_forget(sessions, "origin 200");
    assert_null(rp__sessions_take(sessions, "origin 200"));
    assert_int_equal(rp__sessions_count(sessions), RP_SESSIONS_TOTAL - 2);
    store_free(&memory, sessions);
}

static void no_memory_for_sessions(void **state)
{
    (void)state;
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    memory.fail_in = 1;
    assert_null(rp__sessions_create(&memory));
    rp__sessions_destroy(NULL);
    rp_sessions *sessions = rp__sessions_create(&memory);
    for (uint64_t fail_in = 1; fail_in <= 2; fail_in++) {
        memory.fail_in = fail_in;
        rp__sessions_put(sessions, "a", fresh_session());
        assert_int_equal(rp__sessions_count(sessions), 0);
    }
    rp__sessions_put(sessions, "a", fresh_session());
    memory.fail_in = 1;
    rp__sessions_put(sessions, "a", fresh_session());
    assert_int_equal(rp__sessions_count(sessions), 1);
    store_free(&memory, sessions);
}

int main(void)
{
    wolfSSL_Init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumption),
        cmocka_unit_test(lifetime_unspecified),
        cmocka_unit_test(better_version_beside_a_session),
        cmocka_unit_test(parallel_connections),
        cmocka_unit_test(unknown_tickets),
        cmocka_unit_test(no_resumption),
        cmocka_unit_test(server_changes_versions),
        cmocka_unit_test(other_suites),
        cmocka_unit_test(newest_first),
        cmocka_unit_test(keys_with_one_hash),
        cmocka_unit_test(expired_ones_go),
        cmocka_unit_test(bounds),
        cmocka_unit_test(no_memory_for_sessions),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wolfSSL_Cleanup();
    return failed;
}
