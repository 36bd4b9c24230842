/* test_tls_verify.c - which certificates are refused, with which status, sentence and alert. */
#include "support/tls_pair.h"
#include "tls/pem.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PEER "localhost (127.0.0.1:443)"

enum { BAD_CERTIFICATE = 42, CERTIFICATE_EXPIRED = 45, UNKNOWN_CA = 48 };

/* A handshake that the client must refuse: its error, after the server got the alert. */
static rp_error refused(rp_tls_config *client, rp_tls_config *server, const char *name,
                        size_t chunk_limit)
{
    tls_pair pair;
    tls_pair_options options = {
        .client = client, .server = server, .name = name, .chunk_limit = chunk_limit};
    assert_true(tls_pair_open(&pair, &options));
    assert_false(tls_handshake(&pair));
    assert_true(pair.client.failed);
    assert_int_equal(pair.client.error.phase, RP_PHASE_HANDSHAKE);
    assert_int_not_equal(pair.client.error.tls_code, 0);
    /* The server was told. */
    assert_true(pair.server.failed);
    assert_int_equal(pair.server.error.status, RP_E_TLS_ALERT);
    assert_int_equal(pair.server.error.tls_alert, pair.client.error.tls_alert);
    assert_int_equal(pair.client.stats.handshakes_full, 0);
    rp_error error = pair.client.error;
    tls_pair_close(&pair);
    return error;
}

typedef struct bad_case {
    const char *server, *ca, *name;
    rp_status status;
    int alert;
    const char *text;
} bad_case;

static const bad_case bad_cases[] = {
    {"expired", "ca.pem", NULL, RP_E_CERT_EXPIRED, CERTIFICATE_EXPIRED,
     "certificate of " PEER " expired on 2025-01-31"},
    {"not-yet", "ca.pem", NULL, RP_E_CERT_NOT_YET_VALID, CERTIFICATE_EXPIRED,
     "certificate of " PEER " is not valid before 2048-05-01"},
    {"expired-1999", "ca.pem", NULL, RP_E_CERT_EXPIRED, CERTIFICATE_EXPIRED,
     "certificate of " PEER " expired on 1999-12-31"},
    {"not-yet-2050", "ca.pem", NULL, RP_E_CERT_NOT_YET_VALID, CERTIFICATE_EXPIRED,
     "certificate of " PEER " is not valid before 2050-06-01"}, /* a GeneralizedTime */
    {"wrong-host", "ca.pem", NULL, RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE,
     "certificate of " PEER " is for other.test, not for localhost"},
    {"expired-wrong-host", "ca.pem", NULL, RP_E_CERT_EXPIRED, CERTIFICATE_EXPIRED,
     "certificate of " PEER " expired on 2025-01-31"},
    {"no-san", "ca.pem", NULL, RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE,
     "certificate of " PEER
     " names no host (it has no subjectAltName), so it is not for localhost"},
    {"no-host-san", "ca.pem", NULL, RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE,
     "certificate of " PEER " names no host (its subjectAltName has neither a DNS name nor an IP "
     "address), so it is not for localhost"},
    {"other-names", "ca.pem", NULL, RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE,
     NULL}, /* see names_are_told */
    {"many-names", "ca.pem", NULL, RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE,
     NULL}, /* see names_are_cut */
    {"self-signed", "ca.pem", NULL, RP_E_CERT_UNTRUSTED, -1,
     "certificate of " PEER " is self-signed (self-signed) and not a trusted one"},
    {"leaf-only", "ca.pem", NULL, RP_E_CERT_UNTRUSTED, UNKNOWN_CA,
     "certificate of " PEER
     " is signed by an unknown authority (Ringport Test Intermediate), and came "
     "without intermediate certificates"},
    {"server-ecdsa", "other-ca.pem", NULL, RP_E_CERT_UNTRUSTED, UNKNOWN_CA,
     "certificate of " PEER " is signed by an unknown authority (Ringport Test Root)"},
    {"wrong-usage", "ca.pem", NULL, RP_E_CERT_INVALID, BAD_CERTIFICATE, NULL},
    {"server-ecdsa", "ca.pem", "example.test", RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE, NULL},
    {"server-ecdsa", "ca.pem", "a.b.example.test", RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE, NULL},
    {"server-ecdsa", "ca.pem", "127.0.0.2", RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE, NULL},
    {"server-ecdsa", "ca.pem", "::2", RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE, NULL},
    {"server-ecdsa", "ca.pem", "::ffff:127.0.0.1", RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE, NULL},
    {"server-ecdsa", "ca.pem", "127.0.0.1.example", RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE, NULL},
    {"no-san", "ca.pem", "127.0.0.1", RP_E_CERT_HOST_MISMATCH, BAD_CERTIFICATE, NULL},
};

static void bad_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_cases); i++) {
        const bad_case *at = &bad_cases[i];
        for (int way = 0; way < 4; way++) { /* where revocation is looked at, they wait */
            rp_tls_config *client = tls_client(
                &(rp_tls_options){.ca_file = tls_cert(at->ca),
                                  .maximum_version = way % 2 == 0 ? RP_TLS_1_2 : RP_TLS_1_3,
                                  .revocation = way < 2 ? RP_REVOCATION_OFF : RP_REVOCATION_SOFT});
            rp_tls_config *server = tls_server_of(at->server, 0);
            for (size_t chunk = 0; chunk < 2; chunk++) {
                rp_error error = refused(client, server, at->name, chunk);
                if (error.status != at->status ||
                    (at->text != NULL && strcmp(error.text, at->text) != 0))
                    fail_msg("%s, %s: %s: %s", at->server, at->ca, rp_status_name(error.status),
                             error.text);
                if (at->alert >= 0)
                    assert_int_equal(error.tls_alert, at->alert);
                assert_non_null(strstr(error.text, PEER));
            }
            rp_tls_config_release(client);
            rp_tls_config_release(server);
        }
    }
}

/* Addresses are; what is neither name nor address is not. */
static void names_are_told(void **state)
{
    (void)state;
    rp_tls_config *client = tls_client_of(0);
    rp_tls_config *server = tls_server_of("other-names", 0);
    rp_error error = refused(client, server, NULL, 0);
    static const char *const texts[] = {
        "certificate of " PEER " is for 192.0.2.1, 2001:db8::1, not for localhost",
        "certificate of " PEER " is for 2001:db8::1, 192.0.2.1, not for localhost",
    };
    if (strcmp(error.text, texts[0]) != 0 && strcmp(error.text, texts[1]) != 0)
        fail_msg("%s", error.text);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

static void names_are_cut(void **state)
{
    (void)state;
    rp_tls_config *client = tls_client_of(0);
    rp_tls_config *server = tls_server_of("many-names", 0);
    rp_error error = refused(client, server, NULL, 0);
    assert_non_null(strstr(error.text, "certificate of " PEER " is for "));
    assert_non_null(strstr(error.text, ".some-domain.test, "));
    assert_non_null(strstr(error.text, ", ..., not for localhost"));
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

static void good_names(void **state)
{
    (void)state;
    static const char *const names[] = {"localhost",       "LOCALHOST.", "a.example.test",
                                        "B.Example.Test",  "127.0.0.1",  "::1",
                                        "0:0:0:0:0:0:0:1", "[::1]"};
    for (size_t i = 0; i < COUNT(names); i++) {
        tls_pair pair;
        tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client_of(0),
                                                  .server = tls_server_of("server-rsa", 0),
                                                  .name = names[i]});
        if (!tls_handshake(&pair))
            fail_msg("%s: %s", names[i], pair.client.error.text);
        tls_pair_end(&pair);
    }
}

/* Many servers send more than the chain that a client needs: a trusted root once more, signed by
 * another authority that the client may not know. */
static void cross_signed_roots(void **state)
{
    (void)state;
    rp_tls_config *server = tls_server_of("cross-signed", 0);
    static const struct {
        const char *ca;
        bool trusted;
    } cases[] = {
        {"ca.pem", true},
        {"other-ca.pem", true},
        {"intermediate.pem", true},
        {"self-signed.pem", false},
    };
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        rp_tls_config *client =
            tls_client(&(rp_tls_options){.ca_file = tls_cert(cases[i / 2].ca),
                                         .maximum_version = i % 2 == 0 ? RP_TLS_1_2 : RP_TLS_1_3});
        if (cases[i / 2].trusted) {
            tls_pair pair;
            tls_pair_options options = {.client = client, .server = server};
            assert_true(tls_pair_open(&pair, &options));
            assert_true(tls_handshake(&pair));
            tls_pair_close(&pair);
        } else {
            rp_error error = refused(client, server, NULL, 0);
            assert_int_equal(error.status, RP_E_CERT_UNTRUSTED);
            assert_string_equal(error.text, "certificate of " PEER
                                            " is signed by an unknown authority (Some Other Root)");
        }
        /* What an extra certificate says is never trusted. */
        rp_tls_config *bare = tls_server_of("foreign", 0);
        if (strcmp(cases[i / 2].ca, "other-ca.pem") != 0)
            assert_int_equal(refused(client, bare, NULL, 0).status, RP_E_CERT_UNTRUSTED);
        rp_tls_config_release(bare);
        rp_tls_config_release(client);
    }
    rp_tls_config_release(server);
}

/* A self-signed certificate that is itself the trust anchor. */
static void trusted_by_itself(void **state)
{
    (void)state;
    rp_tls_config *client = tls_client(&(rp_tls_options){.ca_file = tls_cert("self-signed.pem")});
    rp_tls_config *server = tls_server_of("self-signed", 0);
    tls_pair pair;
    tls_pair_options options = {.client = client, .server = server};
    assert_true(tls_pair_open(&pair, &options));
    assert_true(tls_handshake(&pair));
    tls_pair_close(&pair);
    /* It stands for nobody else. */
    rp_tls_config *other = tls_server_of("server-ecdsa", 0);
    assert_int_equal(refused(client, other, NULL, 0).status, RP_E_CERT_UNTRUSTED);
    /* And for its own names only (CVE-2026-93302). */
    assert_int_equal(refused(client, server, "other.test", 0).status, RP_E_CERT_HOST_MISMATCH);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
    rp_tls_config_release(other);
}

/* The intermediate of a good chain does not stay behind as a trust anchor of somebody who did
 * not get it. */
static void refusals_leave_no_trust(void **state)
{
    (void)state;
    rp_tls_config *client = tls_client(&(rp_tls_options){.ca_file = tls_cert("other-ca.pem")});
    rp_tls_config *server = tls_server_of("server-ecdsa", 0);
    rp_tls_config *bare = tls_server_of("leaf-only", 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(refused(client, server, NULL, 0).status, RP_E_CERT_UNTRUSTED);
        assert_int_equal(refused(client, bare, NULL, 0).status, RP_E_CERT_UNTRUSTED);
    }
    rp_tls_config_release(client);
    rp_tls_config_release(server);
    rp_tls_config_release(bare);
}

static void accept_any(void **state)
{
    (void)state;
    static const char *const servers[] = {"expired", "wrong-host", "self-signed", "no-san",
                                          "server-rsa"};
    for (size_t i = 0; i < 2 * COUNT(servers); i++) {
        rp_tls_config *client =
            tls_client(&(rp_tls_options){.insecure_accept_any_certificate = true,
                                         .maximum_version = i % 2 == 0 ? RP_TLS_1_2 : RP_TLS_1_3});
        rp_tls_config *server = tls_server_of(servers[i / 2], 0);
        tls_pair pair;
        tls_pair_options options = {.client = client, .server = server};
        assert_true(tls_pair_open(&pair, &options));
        assert_true(tls_handshake(&pair));
        tls_pair_close(&pair);
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

/* Whoever got an intermediate from one server must not know it when another leaves it out, and a
 * verdict that is remembered is one on exactly the same certificates. */
static void history_does_not_matter(void **state)
{
    (void)state;
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        rp_tls_config *client = tls_client_of(version);
        rp_tls_config *server = tls_server_of("server-ecdsa", 0);
        rp_tls_config *bare = tls_server_of("leaf-only", 0);
        for (int i = 0; i < 3; i++) {
            tls_pair pair;
            tls_pair_options options = {.client = client, .server = server};
            assert_int_equal(refused(client, bare, NULL, 0).status, RP_E_CERT_UNTRUSTED);
            assert_true(tls_pair_open(&pair, &options));
            assert_true(tls_handshake(&pair));
            tls_pair_close(&pair);
            /* Its chain is known by now, and its names are looked at all the same. */
            assert_int_equal(refused(client, server, "other.test", 0).status,
                             RP_E_CERT_HOST_MISMATCH);
        }
        rp_tls_config_release(client);
        rp_tls_config_release(server);
        rp_tls_config_release(bare);
    }
}

static char *read_text(const char *name)
{
    static char text[256];
    FILE *stream = fopen(tls_cert(name), "r");
    assert_non_null(stream);
    assert_non_null(fgets(text, sizeof(text), stream));
    fclose(stream);
    return text;
}

/* Told with the key, as it would be pinned. */
static void expect_key(const rp_error *error, const char *whose, const char *pin)
{
    char expected[512];
    snprintf(expected, sizeof(expected), "%s is not a pinned one: it is %s", whose, read_text(pin));
    assert_string_equal(error->text, expected);
}

static void pins(void **state)
{
    (void)state;
    static const char other[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    char both[512];
    snprintf(both, sizeof(both), "%s;%s", other, read_text("server-ecdsa.pin"));
    rp_tls_config *server = tls_server_of("server-ecdsa", 0);
    rp_tls_config *client =
        tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"), .pinned_keys = both});
    tls_pair pair;
    tls_pair_options options = {.client = client, .server = server};
    assert_true(tls_pair_open(&pair, &options));
    assert_true(tls_handshake(&pair));
    tls_pair_close(&pair);

    /* A pin holds though any certificate will do. */
    for (size_t i = 0; i < 2; i++) {
        rp_tls_config *any = tls_client(&(rp_tls_options){.insecure_accept_any_certificate = true,
                                                          .pinned_keys = i == 0 ? both : other});
        tls_pair any_pair;
        tls_pair_options any_options = {.client = any, .server = server, .name = "other.test"};
        assert_true(tls_pair_open(&any_pair, &any_options));
        assert_int_equal(tls_handshake(&any_pair), i == 0);
        if (i == 1) {
            assert_int_equal(any_pair.client.error.status, RP_E_CERT_PIN_MISMATCH);
            expect_key(&any_pair.client.error, "the public key of " PEER, "server-ecdsa.pin");
        }
        tls_pair_close(&any_pair);
        rp_tls_config_release(any);
    }

    /* Another key; and a pinned key does not replace the chain. */
    rp_tls_config *rsa = tls_server_of("server-rsa", 0);
    rp_tls_config *expired = tls_server_of("expired", 0);
    tls_pair refused_pair;
    tls_pair_options refused_options = {.client = client, .server = rsa};
    assert_true(tls_pair_open(&refused_pair, &refused_options));
    assert_false(tls_handshake(&refused_pair));
    assert_int_equal(refused_pair.client.error.status, RP_E_CERT_PIN_MISMATCH);
    expect_key(&refused_pair.client.error, "certificate of " PEER " is valid, but its public key",
               "server-rsa.pin");
    tls_pair_close(&refused_pair);
    assert_int_equal(refused(client, expired, NULL, 0).status, RP_E_CERT_EXPIRED);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
    rp_tls_config_release(rsa);
    rp_tls_config_release(expired);
}

/* What a client hears when the server refuses its certificate, or the lack of one. */
static void client_certificates(void **state)
{
    (void)state;
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        rp_tls_config *none = tls_client_of(version);
        rp_tls_config *wrong = tls_client(&(rp_tls_options){
            .ca_file = tls_cert("ca.pem"),
            .certificate_file = tls_cert("self-signed.pem"),
            .key_file = tls_cert("self-signed.key"),
            .maximum_version = version,
        });
        rp_tls_config *server =
            tls_server(&(rp_tls_server_options){.certificate_file = tls_cert("server-ecdsa.pem"),
                                                .key_file = tls_cert("server-ecdsa.key"),
                                                .client_ca_file = tls_cert("ca.pem")});
        rp_tls_config *clients[] = {none, wrong};
        for (size_t i = 0; i < 2; i++) {
            tls_pair pair;
            tls_pair_options options = {.client = clients[i], .server = server};
            assert_true(tls_pair_open(&pair, &options));
            assert_false(tls_handshake(&pair));
            assert_true(pair.server.failed);
            assert_true(pair.client.failed);
            assert_int_equal(pair.client.error.status, RP_E_TLS_ALERT);
            /* A TLS 1.3 client is done before the server judges it (RFC 8446, 4.4.2.4). */
            bool early = version == RP_TLS_1_2;
            assert_int_equal(pair.client.error.phase, early ? RP_PHASE_HANDSHAKE : RP_PHASE_NONE);
            const char *told =
                early ? " refused the handshake: alert " : " broke the connection off: alert ";
            if (i == 0 && RP_KEYS_ELSEWHERE)
                told = " asked for a client certificate, and none is configured: alert ";
            assert_non_null(strstr(pair.client.error.text, told));
            if (i == 0)
                assert_string_equal(pair.server.error.text, "the client showed no certificate");
            else
                assert_int_equal(pair.server.error.status, RP_E_CERT_UNTRUSTED);
            tls_pair_close(&pair);
        }
        rp_tls_config_release(none);
        rp_tls_config_release(wrong);
        rp_tls_config_release(server);
    }
}

/* ---- what was sent is kept ---- */

/* Just those of the file, in its order. */
static void is_chain_of(const rp_engine *engine, const char *file)
{
    rp_memory memory;
    size_t count, found = 0;
    char pem[8192];
    FILE *stream = fopen(tls_cert(file), "r");
    assert_non_null(stream);
    rp_slice text = {(const uint8_t *)pem, fread(pem, 1, sizeof(pem), stream)};
    fclose(stream);
    assert_true(text.size > 0 && text.size < sizeof(pem));
    const rp_peer_certificate *sent = rp__engine_sent(engine, &count);
    rp_pem block;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    for (; rp__pem_next(&text, &block); found++) {
        size_t size;
        uint8_t *der = rp__pem_decode(&memory, &block, &size);
        assert_non_null(der);
        assert_true(found < count);
        assert_int_equal(sent[found].der_size, size);
        assert_memory_equal(sent[found].der, der, size);
        rp__free(&memory, der);
    }
    assert_int_equal(count, found);
    assert_true(found > 0);
}

typedef struct kept_case {
    const char *server;
    bool any, checks_revocation, keeps, fails;
} kept_case;

static void kept(const kept_case *at, rp_tls_version version)
{
    char file[64];
    size_t count;
    rp_tls_config *client =
        tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                                     .minimum_version = version,
                                     .maximum_version = version,
                                     .insecure_accept_any_certificate = at->any,
                                     .revocation = at->checks_revocation ? RP_REVOCATION_SOFT : 0,
                                     .keep_peer_certificates = at->keeps});
    rp_tls_config *server = tls_server_of(at->server, 0);
    tls_pair pair;
    tls_pair_options options = {.client = client, .server = server, .chunk_limit = 1000};
    assert_true(tls_pair_open(&pair, &options));
    assert_null(rp__engine_sent(pair.client.engine, &count));
    assert_int_equal(tls_handshake(&pair), !at->fails);
    snprintf(file, sizeof(file), "%s.pem", at->server);
    if (at->keeps)
        is_chain_of(pair.client.engine, file);
    else
        assert_null(rp__engine_sent(pair.client.engine, &count));
    tls_pair_close(&pair);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

/* For those who ask, whatever the verdict is and how it is found. */
static void what_was_sent(void **state)
{
    static const kept_case cases[] = {
        {"server-ecdsa", false, false, true, false}, {"server-ecdsa", true, false, true, false},
        {"server-ecdsa", false, true, true, false},  {"server-ecdsa", false, false, false, false},
        {"expired", false, false, true, true},       {"self-signed", false, false, true, true},
        {"self-signed", true, false, true, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++)
            kept(&cases[i], version);
    }
}

/* What is told of each beside its bytes. */
static void what_it_says(void **state)
{
    (void)state;
    size_t count;
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){
                              .client = tls_client(&(rp_tls_options){
                                  .ca_file = tls_cert("ca.pem"), .keep_peer_certificates = true}),
                              .server = tls_server_of("expired", 0)});
    assert_false(tls_handshake(&pair));
    const rp_peer_certificate *sent = rp__engine_sent(pair.client.engine, &count);
    assert_int_equal(count, 2);
    assert_string_equal(sent[0].subject, "expired");
    assert_string_equal(sent[0].issuer, "Ringport Test Intermediate");
    assert_string_equal(sent[1].subject, "Ringport Test Intermediate");
    assert_string_equal(sent[1].issuer, "Ringport Test Root");
    assert_int_equal(sent[0].not_before, 1704067200); /* 2024-01-01 */
    assert_int_equal(sent[0].not_after, 1738281600);  /* 2025-01-31 */
    for (size_t i = 0; i < count; i++) {
        assert_true(sent[i].public_key > sent[i].der);
        assert_true(sent[i].public_key + sent[i].public_key_size < sent[i].der + sent[i].der_size);
        assert_int_equal(sent[i].public_key[0], 0x30);
    }
    tls_pair_end(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_certificates),
        cmocka_unit_test(names_are_told),
        cmocka_unit_test(names_are_cut),
        cmocka_unit_test(good_names),
        cmocka_unit_test(cross_signed_roots),
        cmocka_unit_test(trusted_by_itself),
        cmocka_unit_test(refusals_leave_no_trust),
        cmocka_unit_test(history_does_not_matter),
        cmocka_unit_test(accept_any),
        cmocka_unit_test(pins),
        cmocka_unit_test(client_certificates),
        cmocka_unit_test(what_was_sent),
        cmocka_unit_test(what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
