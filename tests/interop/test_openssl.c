/* test_openssl.c - streams against `openssl s_server`: another TLS implementation at the other end,
 * which sends each line back reversed. */
#include "support/process.h"
#include "support/tls_pair.h"
#include "support/token.h"
#include "tls/wolfssl.h"
#include "support/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- s_server ---- */

typedef struct peer {
    process process;
    uint16_t port;
} peer;

static void expect_port(peer *p)
{
    if (!process_says(&p->process, "ACCEPT 127.0.0.1:") || !process_says(&p->process, "\n"))
        fail_msg("openssl s_server did not start: %s", p->process.text);
    const char *colon = strstr(p->process.text, "ACCEPT 127.0.0.1:");
    p->port = (uint16_t)strtoul(colon + strlen("ACCEPT 127.0.0.1:"), NULL, 10);
}

/* certificate: a name of make-certs; more: up to 8 further arguments. */
static void start(peer *p, const char *certificate, const char *const *more)
{
    char pem[128], key[128], chain[128];
    (void)snprintf(pem, sizeof(pem), "%s/%s.pem", tls_certs(), certificate);
    (void)snprintf(key, sizeof(key), "%s/%s.key", tls_certs(), certificate);
    (void)snprintf(chain, sizeof(chain), "%s/intermediate.pem", tls_certs());
    const char *words[24] = {"openssl", "s_server", "-accept", "127.0.0.1:0", "-rev", "-cert",
                             pem,       "-key",     key};
    int count = 9;
    if (strcmp(certificate, "self-signed") != 0) {
        words[count++] = "-cert_chain"; /* -cert takes the leaf only */
        words[count++] = chain;
    }
    for (; more != NULL && *more != NULL; more++)
        words[count++] = *more;
    process_start(&p->process, words, NULL, NULL);
    expect_port(p);
}

/* ---- conversations ---- */

typedef struct talk {
    rp_loop *loop;
    rp_tls_config *tls;
    probe probe;
} talk;

static void open_with(talk *t, const peer *p, const rp_tls_options *options, const char *alpn)
{
    rp_tls_options known = {.ca_file = tls_cert("ca.pem")};
    if (options != NULL) {
        known = *options;
        known.ca_file = tls_cert("ca.pem");
    }
    if (t->loop == NULL)
        t->loop = fixture_loop();
    if (t->tls == NULL)
        t->tls = tls_client(&known);
    t->probe = (probe){0};
    rp_stream_options stream = {.host = "127.0.0.1", .port = p->port, .tls = t->tls, .alpn = alpn};
    assert_int_equal(probe_open(&t->probe, t->loop, &stream), RP_OK);
    UNTIL(t->loop, t->probe.opens == 1);
}

static void open_good(talk *t, const peer *p, const rp_tls_options *options, const char *alpn)
{
    open_with(t, p, options, alpn);
    if (t->probe.open_error.status != RP_OK)
        fail_msg("%s", t->probe.open_error.text);
}

static void end(talk *t)
{
    probe_finish(&t->probe);
    probe_loop_end(t->loop);
    rp_tls_config_release(t->tls);
}

/* ---- tests ---- */

static void converse(const char *certificate, const char *version_word, const char *version)
{
    peer p;
    talk t = {0};
    start(&p, certificate, (const char *const[]){version_word, NULL});
    open_good(&t, &p, NULL, NULL);
    assert_string_equal(t.probe.version, version);
    assert_int_equal(probe_write_text(&t.probe, "ringport\nover TLS\n"), RP_OK);
    UNTIL(t.loop, t.probe.received == 18);
    assert_string_equal(t.probe.text, "tropgnir\nSLT revo\n");
    end(&t);
    process_stop(&p.process);
}

static void test_conversations(void **state)
{
    (void)state;
    converse("server-ecdsa", "-tls1_2", "TLSv1.2");
    converse("server-ecdsa", "-tls1_3", "TLSv1.3");
    converse("server-rsa", "-tls1_2", "TLSv1.2");
    converse("server-rsa", "-tls1_3", "TLSv1.3");
}

/* Keys of each kind, and what src/x509 reads though wolfSSL does not. */
static void test_leaves(void **state)
{
    static const char *const leaves[] = {"server-p384",    "server-p521",       "server-ed25519",
                                         "server-rsa-pss", "server-pss-sha256", "server-rsa-8192",
                                         "server-odd-name"};
    (void)state;
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        bool is_new = strstr(leaves[i], "pss") != NULL || strstr(leaves[i], "odd") != NULL;
        if (is_new && LIBWOLFSSL_VERSION_HEX < 0x05009002)
            continue; /* wolfSSL 5.7.2 knows no such keys, nor serial numbers of 33 octets */
        converse(leaves[i], "-tls1_2", "TLSv1.2");
        converse(leaves[i], "-tls1_3", "TLSv1.3");
    }
}

/* 1 MiB in lines, all of them on their way at once. */
static void test_large(void **state)
{
    enum { LINE = 1024, COUNT = 1024 };
    char *text = malloc(LINE * COUNT);
    (void)state;
    assert_non_null(text);
    for (int i = 0; i < COUNT; i++) {
        memset(text + i * LINE, 'a' + i % 26, LINE);
        text[i * LINE + LINE - 1] = '\n';
    }
    for (int version = 12; version <= 13; version++) {
        peer p;
        talk t = {0};
        start(&p, "server-ecdsa", NULL);
        rp_tls_options options = {.minimum_version = (rp_tls_version)version,
                                  .maximum_version = (rp_tls_version)version};
        open_good(&t, &p, &options, NULL);
        assert_int_equal(probe_write(&t.probe, text, LINE * COUNT), RP_OK);
        UNTIL(t.loop, t.probe.received == LINE * COUNT);
        UNTIL(t.loop, t.probe.writes_done == 1);
        end(&t);
        process_stop(&p.process);
    }
    free(text);
}

static void test_resumption(void **state)
{
    static const char *const words[] = {"-tls1_2", "-tls1_3"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        peer p;
        talk t = {0};
        start(&p, "server-rsa", (const char *const[]){words[i], NULL});
        for (int k = 0; k < 4; k++) {
            open_good(&t, &p, NULL, NULL);
            assert_int_equal(t.probe.info.resumed, k > 0);
            assert_int_equal(probe_write_text(&t.probe, "x\n"), RP_OK);
            UNTIL(t.loop, t.probe.received == 2); /* the tickets came before it */
            probe_finish(&t.probe);
        }
        end(&t);
        process_stop(&p.process);
    }
}

/* The server demands a group that the client did not send a share for: HelloRetryRequest. */
static void test_hello_retry(void **state)
{
    peer p;
    talk t = {0};
    (void)state;
    start(&p, "server-ecdsa", (const char *const[]){"-tls1_3", "-groups", "P-384", NULL});
    open_good(&t, &p, NULL, NULL);
    assert_int_equal(probe_write_text(&t.probe, "ab\n"), RP_OK);
    UNTIL(t.loop, t.probe.received == 3);
    end(&t);
    process_stop(&p.process);
}

static void test_alpn(void **state)
{
    static const char *const offers[] = {"h2,http/1.1", "http/1.1", "other"};
    static const char *const agreed[] = {"h2", "http/1.1", NULL};
    (void)state;
    for (int i = 0; i < 2; i++) {
        peer p;
        talk t = {0};
        start(&p, "server-ecdsa", (const char *const[]){"-alpn", "h2,http/1.1", NULL});
        open_good(&t, &p, NULL, offers[i]);
        rp_stream_info info;
        rp_stream_info_get(t.probe.stream, &info);
        assert_string_equal(info.alpn, agreed[i]);
        end(&t);
        process_stop(&p.process);
    }
    peer p;
    talk t = {0};
    start(&p, "server-ecdsa", (const char *const[]){"-alpn", "h2,http/1.1", NULL});
    open_with(&t, &p, NULL, offers[2]); /* RFC 7301, 3.2: no_application_protocol */
    assert_int_equal(t.probe.open_error.status, RP_E_TLS_ALERT);
    assert_int_equal(t.probe.open_error.tls_alert, 120);
    end(&t);
    process_stop(&p.process);
}

static const char *peer_text(const peer *p)
{
    static char text[64];
    (void)snprintf(text, sizeof(text), "127.0.0.1 (127.0.0.1:%u)", p->port);
    return text;
}

/* s_server asks for another handshake at the letter R, and goes after one connection. */
static void test_renegotiation(void **state)
{
    peer p;
    talk t = {0};
    char text[RP_ERROR_TEXT_SIZE], directory[64];
    (void)state;
    if (LIBWOLFSSL_VERSION_HEX < 0x05009002)
        skip();
    process_directory(directory);
    /* It asks once there is the file, and has an input until there is none; five minutes each. */
    const char *const words[] = {
        "sh",
        "-c",
        "await() { n=0; while \"$@\" && [ $((n += 1)) -lt 3000 ]; do sleep 0.1; done; };"
        "(await [ ! -e \"$2/ask\" ]; echo R; await [ -e \"$2/ask\" ]) |"
        "openssl s_server -tls1_2 -naccept 1 -accept 127.0.0.1:0 -cert \"$0.pem\" -key \"$0.key\" "
        "-cert_chain \"$1\"",
        tls_cert("server-rsa"),
        tls_cert("intermediate.pem"),
        directory,
        NULL};
    process_start(&p.process, words, NULL, NULL);
    expect_port(&p);
    open_good(&t, &p, NULL, NULL);
    process_write(directory, "ask", "", 0);
    UNTIL(t.loop, t.probe.ends == 1);
    (void)snprintf(text, sizeof(text),
                   "%s asked for renegotiation, for a client certificate perhaps, was told that "
                   "there is none, and broke the connection off: alert handshake_failure (40)",
                   peer_text(&p));
    assert_string_equal(t.probe.end_error.text, text);
    end(&t);
    process_directory_remove(directory);
    process_stop(&p.process);
}

/* ---- certificates of ours ---- */

static void test_client_certificate(void **state)
{
    static const char *const words[] = {"-tls1_2", "-tls1_3"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        peer p;
        talk with = {0}, without = {0};
        char ca[128], text[RP_ERROR_TEXT_SIZE];
        (void)snprintf(ca, sizeof(ca), "%s/ca.pem", tls_certs());
        start(&p, "server-ecdsa",
              (const char *const[]){words[i], "-Verify", "3", "-CAfile", ca, "-verify_return_error",
                                    NULL});
        rp_tls_options options = {.certificate_file = tls_cert("client.pem"),
                                  .key_file = tls_cert("client.key")};
        open_good(&with, &p, &options, NULL);
        assert_int_equal(probe_write_text(&with.probe, "me\n"), RP_OK);
        UNTIL(with.loop, with.probe.received == 3);
        end(&with);
        /* In TLS 1.3 the refusal comes after the client's handshake is done (RFC 8446, 4.4.2.4). */
        open_with(&without, &p, NULL, NULL);
        const rp_error *error = &without.probe.open_error;
        if (i == 1) {
            assert_int_equal(error->status, RP_OK);
            UNTIL(without.loop, without.probe.ends == 1);
            error = &without.probe.end_error;
        }
        assert_int_equal(error->status, RP_E_TLS_ALERT);
        assert_int_equal(error->tls_alert, i == 0 ? 40 : 116);
        (void)snprintf(text, sizeof(text),
                       i == 0 ? "%s asked for a client certificate, and none is configured: alert "
                                "handshake_failure (40)"
                              : "%s asked for a client certificate, and none is configured: alert "
                                "certificate_required (116)",
                       peer_text(&p));
        if (RP_KEYS_ELSEWHERE) /* else nobody knows that the server asked */
            assert_string_equal(error->text, text);
        end(&without);
        process_stop(&p.process);
    }
}

/* A key of each kind, in PEM and with its chain in PKCS #12. */
static void test_client_keys(void **state)
{
    static const char *const words[] = {"-tls1_2", "-tls1_3"};
    static const char *const kinds[] = {"client",     "client-p384",    "client-p521",
                                        "client-rsa", "client-rsa-pss", "client-ed25519"};
    char ca[128], name[64], key[64];
    (void)state;
    (void)snprintf(ca, sizeof(ca), "%s/ca.pem", tls_certs());
    for (int i = 0; i < 2; i++) {
        peer p;
        start(&p, "server-rsa",
              (const char *const[]){words[i], "-Verify", "3", "-CAfile", ca, "-verify_return_error",
                                    NULL});
        for (size_t k = 0; k < 2 * sizeof(kinds) / sizeof(kinds[0]); k++) {
            bool bundle = k % 2 == 1;
            talk t = {0};
            if (strcmp(kinds[k / 2], "client-rsa-pss") == 0 && !RP_KEYS_ELSEWHERE)
                continue; /* signs under another name */
            (void)snprintf(name, sizeof(name), "%s.%s", kinds[k / 2], bundle ? "p12" : "pem");
            (void)snprintf(key, sizeof(key), "%s.key", kinds[k / 2]);
            rp_tls_options options = {.certificate_file = tls_cert(name),
                                      .key_file = bundle ? NULL : tls_cert(key),
                                      .key_password = "schl\xc3\xbcssel \xe2\x82\xac"};
            open_good(&t, &p, &options, NULL);
            assert_int_equal(probe_write_text(&t.probe, "me\n"), RP_OK);
            UNTIL(t.loop, t.probe.received == 3);
            end(&t);
        }
        process_stop(&p.process);
    }
}

static void sign(const rp_sign_request *request, void *user)
{
    uint8_t signature[TOKEN_SIGNATURE_LIMIT];
    size_t size = token_sign(user, request->scheme, request->data, request->size, signature);
    assert_true(size > 0);
    assert_int_equal(rp_tls_config_signed(request->config, request->id, signature, size, NULL),
                     RP_OK);
}

/* The same, signed elsewhere; and by schemes that the server chooses. */
static void test_client_signs(void **state)
{
    static const char *const words[] = {"-tls1_2", "-tls1_3"};
    static const struct {
        const char *kind, *schemes;
    } cases[] = {
        {"client", "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256"},
        {"client-p384", "ecdsa_secp384r1_sha384:rsa_pss_rsae_sha256"},
        {"client-p521", "ecdsa_secp521r1_sha512:rsa_pss_rsae_sha256"},
        {"client-rsa", "rsa_pss_rsae_sha256"},
        {"client-rsa", "rsa_pss_rsae_sha384"},
        {"client-rsa", "rsa_pss_rsae_sha512"},
        {"client-rsa-pss", "rsa_pss_pss_sha256:rsa_pss_rsae_sha256"},
        {"client-rsa-pss", "rsa_pss_pss_sha384"},
        {"client-rsa-pss", "rsa_pss_pss_sha512:rsa_pss_rsae_sha256"},
        {"client-ed25519", "ed25519:rsa_pss_rsae_sha256"},
    };
    char ca[128], name[64];
    (void)state;
    if (!RP_KEYS_ELSEWHERE)
        skip();
    (void)snprintf(ca, sizeof(ca), "%s/ca.pem", tls_certs());
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
            peer p;
            talk t = {0};
            start(&p, "server-rsa",
                  (const char *const[]){words[i], "-Verify", "3", "-CAfile", ca,
                                        "-verify_return_error", "-client_sigalgs", cases[k].schemes,
                                        NULL});
            (void)snprintf(name, sizeof(name), "%s.pem", cases[k].kind);
            rp_tls_options options = {.certificate_file = tls_cert(name),
                                      .on_sign = sign,
                                      .sign_user = (void *)(uintptr_t)cases[k].kind};
            open_good(&t, &p, &options, NULL);
            assert_int_equal(probe_write_text(&t.probe, "me\n"), RP_OK);
            UNTIL(t.loop, t.probe.received == 3 || t.probe.ends > 0);
            if (t.probe.ends > 0)
                fail_msg("%s", t.probe.end_error.text);
            assert_false(t.probe.info.certificate_missed);
            end(&t);
            process_stop(&p.process);
        }
    }
}

/* A server that asks, and takes none too, and one that takes no signature of ours. */
static void test_certificate_missed(void **state)
{
    static const char *const words[] = {"-tls1_2", "-tls1_3"};
    (void)state;
    if (!RP_KEYS_ELSEWHERE)
        skip();
    for (int i = 0; i < 2; i++) {
        for (int with = 0; with < 2; with++) {
            peer p;
            talk t = {0};
            start(&p, "server-rsa",
                  (const char *const[]){words[i], "-verify", "3", "-client_sigalgs",
                                        "ed25519:rsa_pss_rsae_sha256", NULL});
            rp_tls_options options = {.certificate_file = with ? tls_cert("client.pem") : NULL,
                                      .key_file = with ? tls_cert("client.key") : NULL};
            open_good(&t, &p, &options, NULL);
            assert_true(t.probe.info.certificate_missed);
            end(&t);
            process_stop(&p.process);
        }
    }
}

/* ---- certificates of theirs, and versions ---- */

static void refused(const char *certificate, const char *word, const rp_tls_options *options,
                    rp_status status, const char *form)
{
    peer p;
    talk t = {0};
    char text[RP_ERROR_TEXT_SIZE];
    start(&p, certificate, (const char *const[]){word, NULL});
    open_with(&t, &p, options, NULL);
    const char *place = strstr(form, "PEER");
    assert_non_null(place);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - form), form, peer_text(&p),
                   place + 4);
    assert_string_equal(t.probe.open_error.text, text);
    assert_string_equal(rp_status_name(t.probe.open_error.status), rp_status_name(status));
    end(&t);
    process_stop(&p.process);
}

static void test_refused(void **state)
{
    static const char *const words[] = {"-tls1_2", "-tls1_3"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        refused("expired", words[i], NULL, RP_E_CERT_EXPIRED,
                "certificate of PEER expired on 2025-01-31");
        refused("wrong-host", words[i], NULL, RP_E_CERT_HOST_MISMATCH,
                "certificate of PEER is for other.test, not for 127.0.0.1");
        refused("self-signed", words[i], NULL, RP_E_CERT_UNTRUSTED,
                "certificate of PEER is self-signed (self-signed) and not a trusted one");
    }
    refused("server-ecdsa", "-tls1_2", &(rp_tls_options){.minimum_version = RP_TLS_1_3},
            RP_E_TLS_VERSION, "PEER supports no TLS version of ours (TLS 1.3)");
    refused("server-ecdsa", "-tls1_3", &(rp_tls_options){.maximum_version = RP_TLS_1_2},
            RP_E_TLS_VERSION, "PEER supports no TLS version of ours (TLS 1.2)");
}

/* ---- revocation ---- */

typedef struct revocation_case {
    const char *certificate, *response; /* NULL: none is stapled */
    rp_revocation_policy policy;
    bool require;
    const char *crls; /* NULL: none */
    rp_status status;
    int alert;
    const char *text; /* a part of it */
} revocation_case;

enum { BAD_STATUS_RESPONSE = 113, CERTIFICATE_REVOKED = 44 };

static const revocation_case revocations[] = {
    {"server-ecdsa", NULL, RP_REVOCATION_OFF, false, NULL, RP_OK, 0, ""},
    {"revoked", "revoked", RP_REVOCATION_OFF, false, NULL, RP_OK, 0, ""},
    {"server-ecdsa", NULL, RP_REVOCATION_SOFT, false, NULL, RP_OK, 0, ""},
    {"server-ecdsa", "server-ecdsa", RP_REVOCATION_SOFT, false, NULL, RP_OK, 0, ""},
    {"server-ecdsa", "server-ecdsa", RP_REVOCATION_SOFT, true, NULL, RP_OK, 0, ""},
    {"server-rsa", "server-rsa", RP_REVOCATION_SOFT, true, NULL, RP_OK, 0, ""},
    {"server-ecdsa", "delegated", RP_REVOCATION_SOFT, true, NULL, RP_OK, 0, ""},
    {"server-ecdsa", NULL, RP_REVOCATION_SOFT, true, NULL, RP_E_CERT_STAPLE, BAD_STATUS_RESPONSE,
     "no OCSP response was stapled"},
    {"server-ecdsa", "server-rsa", RP_REVOCATION_SOFT, false, NULL, RP_E_CERT_STAPLE,
     BAD_STATUS_RESPONSE, "is for another certificate"},
    {"revoked", NULL, RP_REVOCATION_SOFT, false, NULL, RP_OK, 0, ""},
    {"revoked", "revoked", RP_REVOCATION_SOFT, false, NULL, RP_E_CERT_REVOKED, CERTIFICATE_REVOKED,
     "(keyCompromise)"},
    {"revoked", NULL, RP_REVOCATION_SOFT, false, "crl.pem", RP_E_CERT_REVOKED, CERTIFICATE_REVOKED,
     "(keyCompromise)"},
    {"server-ecdsa", NULL, RP_REVOCATION_HARD, false, "crl.pem", RP_OK, 0, ""},
    {"server-ecdsa", NULL, RP_REVOCATION_HARD, false, NULL, RP_E_CERT_STATUS_UNKNOWN,
     BAD_STATUS_RESPONSE, "there is no CRL of its issuer"},
    {"server-ecdsa", NULL, RP_REVOCATION_HARD, false, "stale-crl.pem", RP_E_CERT_STATUS_UNKNOWN,
     BAD_STATUS_RESPONSE, "is out of date since 2024-02-01"},
    {"must-staple", NULL, RP_REVOCATION_OFF, false, NULL, RP_OK, 0, ""},
    {"must-staple", NULL, RP_REVOCATION_HARD, false, "crl.pem", RP_E_CERT_STAPLE,
     BAD_STATUS_RESPONSE, "it must come with a stapled OCSP response"},
    {"must-staple", "must-staple", RP_REVOCATION_SOFT, false, NULL, RP_OK, 0, ""},
};

/* Twice: the second time a session is resumed, if the first was good. */
static void judge_revocation(const revocation_case *at, const char *version, const char *cut)
{
    peer p;
    talk t = {0};
    char response[128];
    (void)snprintf(response, sizeof(response), "%s/%s.ocsp", tls_certs(),
                   at->response != NULL ? at->response : "server-ecdsa");
    const char *const words[] = {version,  "-max_send_frag",
                                 cut,      at->response != NULL ? "-status_file" : NULL,
                                 response, NULL};
    start(&p, at->certificate, words);
    rp_tls_options options = {.revocation = at->policy,
                              .require_staple = at->require,
                              .crl_file = at->crls != NULL ? tls_cert(at->crls) : NULL};
    for (int i = 0; i < 2; i++) {
        open_with(&t, &p, &options, NULL);
        const rp_error *error = &t.probe.open_error;
        if (error->status != at->status ||
            (at->status != RP_OK && strstr(error->text, at->text) == NULL))
            fail_msg("%s, %s, %s: %s: %s", at->certificate, at->response, version,
                     rp_status_name(error->status), error->text);
        if (at->status != RP_OK) {
            assert_int_equal(error->tls_alert, at->alert);
        } else {
            assert_int_equal(t.probe.info.resumed, i > 0);
            assert_int_equal(probe_write_text(&t.probe, "ab\n"), RP_OK);
            UNTIL(t.loop, t.probe.received == 3);
        }
        if (i == 0)
            probe_finish(&t.probe);
    }
    end(&t);
    process_stop(&p.process);
}

static void test_revocation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(revocations) / sizeof(revocations[0]); i++) {
        const char *cut = i % 2 == 0 ? "16384" : "512";
        judge_revocation(&revocations[i], "-tls1_2", cut);
        judge_revocation(&revocations[i], "-tls1_3", cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_conversations),
        fixture_test(test_leaves),
        fixture_test(test_large),
        fixture_test(test_resumption),
        fixture_test(test_hello_retry),
        fixture_test(test_alpn),
        fixture_test(test_renegotiation),
        fixture_test(test_client_certificate),
        fixture_test(test_client_keys),
        fixture_test(test_client_signs),
        fixture_test(test_certificate_missed),
        fixture_test(test_refused),
        fixture_test(test_revocation),
    };
    return fixture_run(tests);
}
