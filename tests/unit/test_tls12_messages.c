/* test_tls12_messages.c - what a TLS 1.2 server may say in plain text, and what it may not: a
 * genuine server's first flight, cut into records anew, or changed. */
#include "support/tls_scene.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 5246, 6.2.1: messages may be cut anywhere, in their headers too. */
static void flight_cut(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (rp_tls_version of_client = 0; of_client <= RP_TLS_1_2; of_client += RP_TLS_1_2) {
        size_t size = 1, next = 0;
        for (size_t message = 0; message < size; message = next) {
            for (size_t cut = message + 1; cut <= message + 5; cut++) {
                tls_scene s;
                tls_scene_open_12(&s, of_client);
                size = s.flight_size;
                next = message + tls_message_size(s.flight + message);
                tls_scene_send_plain(&s, s.flight, cut < size ? cut : size);
                if (cut < size)
                    tls_scene_send_plain(&s, s.flight + cut, size - cut);
                tls_scene_expect_open(&s);
                tls_scene_close(&s);
            }
        }
    }
}

static void flight_by_the_byte(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    tls_scene s;
    tls_scene_open_12(&s, RP_TLS_1_2);
    for (size_t i = 0; i < s.flight_size; i++)
        tls_scene_send_plain(&s, s.flight + i, 1);
    tls_scene_expect_open(&s);
    tls_scene_close(&s);
}

/* RFC 5246, 6.2.1: not even an empty one. */
static void empty_records(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (size_t cut = 0; cut < 200; cut += 66) {
        tls_scene s;
        tls_scene_open_12(&s, 0);
        if (cut > 0)
            tls_scene_send_plain(&s, s.flight, cut);
        tls_scene_send_plain(&s, s.flight, 0);
        assert_true(s.pair.client.failed);
        tls_scene_close(&s);
    }
}

/* A ServerHello with an extension more. */
static rp_status status_of(const uint8_t *extension, size_t size)
{
    tls_scene s;
    tls_scene_open_12(&s, 0);
    size_t hello = tls_message_size(s.flight), lists = 4u + 2 + 32 + 1 + s.flight[38] + 2 + 1;
    uint8_t changed[512];
    assert_true(hello + size <= sizeof(changed) && lists + 2 <= hello && hello + size < 256);
    memcpy(changed, s.flight, hello);
    memcpy(changed + hello, extension, size);
    changed[3] = (uint8_t)(changed[3] + size);
    changed[lists + 1] = (uint8_t)(changed[lists + 1] + size);
    tls_scene_send_plain(&s, changed, hello + size);
    rp_status status = s.pair.client.failed ? s.pair.client.error.status : RP_OK;
    tls_scene_close(&s);
    return status;
}

/* RFC 5246, 7.4.1.4. */
static void extensions(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const struct {
        uint8_t bytes[12];
        size_t size;
        rp_status status;
    } cases[] = {
        {{0, 0, 0, 0}, 4, RP_OK},                                 /* server_name */
        {{0, 0, 0, 0, 0, 0, 0, 0}, 8, RP_E_TLS_PROTOCOL},         /* twice */
        {{0, 1, 0, 1, 1}, 5, RP_E_TLS_PROTOCOL},                  /* max_fragment_length */
        {{0, 4, 0, 0}, 4, RP_E_TLS_PROTOCOL},                     /* truncated_hmac */
        {{0, 10, 0, 4, 0, 2, 0, 29}, 8, RP_OK},                   /* supported_groups: BIG-IP */
        {{0, 13, 0, 4, 0, 2, 4, 3}, 8, RP_E_TLS_PROTOCOL},        /* signature_algorithms */
        {{0, 15, 0, 1, 1}, 5, RP_E_TLS_PROTOCOL},                 /* heartbeat */
        {{0, 18, 0, 1, 0}, 5, RP_E_TLS_PROTOCOL},                 /* signed_certificate_timestamp */
        {{0, 19, 0, 1, 2}, 5, RP_E_TLS_PROTOCOL},                 /* client_certificate_type */
        {{0, 51, 0, 2, 0, 29}, 6, RP_E_TLS_PROTOCOL},             /* key_share */
        {{0, 16, 0, 5, 0, 3, 2, 'h', '2'}, 9, RP_E_TLS_PROTOCOL}, /* ALPN of another */
        {{0xFA, 0xFA, 0, 0}, 4, RP_E_TLS_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(status_of(cases[i].bytes, cases[i].size), cases[i].status);
}

/* RFC 8422, 5.4: a server that takes another group than those that were offered. It is told, on the
 * way, of X25519 alone. */
static void group_not_offered(void **state)
{
    static const uint8_t offered[] = {0, 10, 0, 4, 0, 2, 0, 23};
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (int changed = 0; changed < 2; changed++) {
        tls_scene s = {.client_config = tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                                                                     .maximum_version = RP_TLS_1_2,
                                                                     .groups = "P-256"}),
                       .server_config = tls_server_of("server-ecdsa", RP_TLS_1_2)};
        tls_pair_options options = {.client = s.client_config, .server = s.server_config};
        assert_true(tls_pair_open(&s.pair, &options));
        assert_int_equal(rp__engine_handshake(s.pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
        rp_slice hello;
        assert_int_equal(rp__chain_slices(&s.pair.client.output, &hello, 1), 1);
        size_t at = 0;
        while (memcmp(hello.data + at, offered, sizeof(offered)) != 0) {
            at++;
            assert_true(at + sizeof(offered) <= hello.size);
        }
        if (changed == 1)
            ((uint8_t *)(uintptr_t)hello.data)[at + 7] = 29;
        tls_pump(&s.pair);
        assert_int_equal(s.pair.client.failed, changed);
        if (changed == 1) {
            assert_int_equal(s.pair.client.error.status, RP_E_TLS_PROTOCOL);
            assert_non_null(strstr(s.pair.client.error.text, "a group which is invalid"));
        }
        tls_scene_close(&s);
    }
}

/* RFC 5746, 3.4: there is nothing that this handshake would renegotiate. */
static void renegotiation_info(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t empty[] = {0xFF, 1, 0, 1, 0};
    for (uint8_t value = 0; value < 2; value++) {
        tls_scene s;
        tls_scene_open_12(&s, 0);
        size_t at = 0, hello = tls_message_size(s.flight);
        while (at + sizeof(empty) <= hello && memcmp(s.flight + at, empty, sizeof(empty)) != 0)
            at++;
        assert_true(at + sizeof(empty) <= hello);
        s.flight[at + 4] = value;
        tls_scene_send_plain(&s, s.flight, hello);
        assert_int_equal(s.pair.client.failed, value);
        tls_scene_close(&s);
    }
}

/* RFC 8446, 4.1.3: the random of a server that has TLS 1.3, too. */
static void downgrade(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 3; cut++) {
        tls_scene s;
        tls_scene_open_12(&s, 0);
        memcpy(s.flight + 30, "DOWNGRD\1", 8);
        if (cut == 2)
            memcpy(s.flight + 23, "DOWNGRD", 7); /* and the beginning of one before it */
        size_t first = cut == 0 ? s.flight_size : 30 + 4 * cut;
        tls_scene_send_plain(&s, s.flight, first);
        if (first < s.flight_size)
            tls_scene_send_plain(&s, s.flight + first, s.flight_size - first);
        assert_true(s.pair.client.failed);
        assert_int_equal(s.pair.client.error.status, RP_E_TLS_PROTOCOL);
        assert_string_equal(s.pair.client.error.text,
                            "localhost (127.0.0.1:443) has TLS 1.3, was offered it, and answers "
                            "with TLS 1.2: somebody on the way changes handshakes");
        tls_scene_close(&s);
    }
}

/* RFC 9325, 4.4: where a list of suites has DHE, its groups have 2,048 bits. */
static void finite_fields(void **state)
{
    /* The groups 2 and 14 of IKE (RFC 2409, 6.2; RFC 3526, 3): both begin and end with 64 ones. */
    static const char group_2[] =
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E"
        "3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF"
        "5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF";
    static const char group_14[] =
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E"
        "3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF"
        "5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D3"
        "9A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08"
        "CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF69558171839"
        "95497CE"
        "A956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF";
    static const char suite[] = "DHE-RSA-AES128-GCM-SHA256";
    static const uint8_t generator[] = {2};
    (void)state;
    for (int good = 0; good < 2; good++) {
        tls_scene s = {.client_config = tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                                                                     .maximum_version = RP_TLS_1_2,
                                                                     .tls12_ciphers = suite}),
                       .server_config = tls_server(
                           &(rp_tls_server_options){.certificate_file = tls_cert("server-rsa.pem"),
                                                    .key_file = tls_cert("server-rsa.key"),
                                                    .tls12_ciphers = suite})};
        WOLFSSL_CTX *context = s.server_config->context;
        uint8_t prime[256];
        size_t size = strlen(good ? group_14 : group_2) / 2;
        tls_read_hex(prime, size, good ? group_14 : group_2);
        assert_int_equal(wolfSSL_CTX_SetMinDhKey_Sz(context, 1024), WOLFSSL_SUCCESS);
        assert_int_equal(wolfSSL_CTX_SetTmpDH(context, prime, (int)size, generator, 1),
                         WOLFSSL_SUCCESS);
        tls_pair_options options = {.client = s.client_config, .server = s.server_config};
        assert_true(tls_pair_open(&s.pair, &options));
        assert_int_equal(tls_handshake(&s.pair), good);
        if (!good) {
            assert_int_equal(s.pair.client.error.status, RP_E_TLS_PROTOCOL);
            assert_string_equal(
                s.pair.client.error.text,
                "localhost (127.0.0.1:443) uses a Diffie-Hellman group of less than 2048 bits");
        }
        tls_scene_close(&s);
    }
}

/* ---- Renegotiation --------------------------------------------------------------------------- */

static const uint8_t hello_request[] = {0, 0, 0, 0}; /* RFC 5246, 7.4.1.1 */

static void ask_again(tls_scene *s)
{
    tls_scene_send_12(s, TLS_HANDSHAKE_RECORD, hello_request, sizeof(hello_request));
}

/* Each request is answered, and the connection goes on. */
static void new_handshake_declined(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    tls_scene s;
    tls_scene_connect_12(&s);
    for (size_t i = 1; i <= 100; i++) {
        size_t before = s.client->output.size;
        ask_again(&s);
        assert_false(s.client->failed);
        assert_int_equal(s.client->output.size - before, TLS_SEAL_EXTRA_12 + 2); /* an alert */
        tls_scene_send_12(&s, TLS_DATA_RECORD, (const uint8_t *)"data", 4);
        assert_int_equal(s.client->received_size, 4 * i);
        if (i > 3) { /* more warnings than wolfSSL's server takes */
            rp__chain_consume(&s.client->output, s.client->output.size);
            continue;
        }
        tls_write(s.client, "x", 1);
        tls_pump(&s.pair);
        assert_int_equal(s.pair.server.received_size, i);
    }
    tls_scene_close(&s);
}

/* The server takes it as it likes, and the message says what it was about. */
static void new_handshake_insisted_on(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t alert[] = {2, 40};
    for (int how = 0; how < 3; how++) {
        tls_scene s;
        tls_scene_connect_12(&s);
        ask_again(&s);
        if (how == 0)
            tls_scene_send_12(&s, TLS_ALERT_RECORD, alert, sizeof(alert));
        if (how == 1)
            tls_end_input(&s.pair, s.client);
        for (int i = 0; how == 2 && i < 40; i++) {
            ask_again(&s);
            rp__chain_consume(&s.client->output, s.client->output.size);
        }
        assert_true(s.client->failed);
        assert_int_equal(s.client->error.status, how == 0   ? RP_E_TLS_ALERT
                                                 : how == 1 ? RP_E_TRUNCATED
                                                            : RP_E_TLS_PROTOCOL);
        static const char *const texts[] = {
            "localhost (127.0.0.1:443) asked for renegotiation, for a client certificate perhaps, "
            "was told that there is none, and broke the connection off: alert handshake_failure "
            "(40)",
            "localhost (127.0.0.1:443) asked for renegotiation, was told that there is none, and "
            "closed the connection without TLS's close_notify: what came may not be all",
            "localhost (127.0.0.1:443) broke the rules of TLS: it asks for a new handshake again "
            "and again"};
        assert_string_equal(s.client->error.text, texts[how]);
        if (how == 1)
            assert_int_equal(s.client->error.tls_alert, 100); /* no_renegotiation */
        tls_scene_close(&s);
    }
}

/* Before ServerHello, amid its flight, and where Finished should be; whole and by the byte. */
static void new_handshake_amid_the_first(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (int kind = 0; kind < 12; kind++) {
        tls_scene s;
        tls_scene_open_12(&s, kind % 2 == 0 ? 0 : RP_TLS_1_2);
        size_t hello = tls_message_size(s.flight), where = (size_t)kind / 2 % 3;
        if (where > 0)
            tls_scene_send_plain(&s, s.flight, where == 1 ? hello : s.flight_size);
        for (size_t i = 0, size = kind < 6 ? 4 : 1; i < 4; i += size)
            tls_scene_send_plain(&s, hello_request + i, size);
        assert_true(s.client->failed);
        assert_int_equal(s.client->error.status, RP_E_TLS_PROTOCOL);
        assert_int_equal(s.client->error.tls_alert, 10); /* unexpected_message */
        assert_string_equal(s.client->error.text,
                            "localhost (127.0.0.1:443) broke the rules of TLS: it asks for a new "
                            "handshake (HelloRequest) amid the first");
        tls_scene_close(&s);
    }
}

/* RFC 6066, 3: a server that does not know the name may warn, and go on with the certificate that
 * it has; before ServerHello, when the version is not yet said. Where TLS 1.3 alone is offered, and
 * where it is fatal, it is the end. */
static void name_unknown(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const char refused[] = "localhost (127.0.0.1:443) refused the handshake: alert "
                                  "unrecognized_name (112): it serves no such name";
    for (int kind = 0; kind < 5; kind++) {
        tls_scene s;
        const uint8_t alert[] = {TLS_ALERT_RECORD, 3, 3, 0, 2, kind == 3 ? 2 : 1, 112};
        size_t step = kind == 1 ? 1 : sizeof(alert);
        tls_scene_open_12(&s, kind == 2 ? RP_TLS_1_2 : 0);
        for (size_t i = 0; i < sizeof(alert); i += step)
            tls_feed(&s.pair, s.client, alert + i, step);
        if (kind < 3) {
            tls_scene_send_plain(&s, s.flight, s.flight_size);
            tls_scene_expect_open(&s);
        } else {
            if (kind == 4) /* it was the reason after all */
                tls_end_input(&s.pair, s.client);
            assert_true(s.client->failed);
            assert_int_equal(s.client->error.status, RP_E_TLS_ALERT);
            assert_string_equal(s.client->error.text, refused);
        }
        tls_scene_close(&s);
    }
}

/* Not without end. */
static void name_unknown_again_and_again(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t alert[] = {TLS_ALERT_RECORD, 3, 3, 0, 2, 1, 112};
    tls_scene s;
    tls_scene_open_12(&s, 0);
    for (int i = 0; i < 10 && !s.client->failed; i++)
        tls_feed(&s.pair, s.client, alert, sizeof(alert));
    assert_true(s.client->failed);
    assert_int_equal(s.client->error.status, RP_E_TLS_PROTOCOL);
    tls_scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flight_cut),
        cmocka_unit_test(flight_by_the_byte),
        cmocka_unit_test(empty_records),
        cmocka_unit_test(extensions),
        cmocka_unit_test(renegotiation_info),
        cmocka_unit_test(downgrade),
        cmocka_unit_test(group_not_offered),
        cmocka_unit_test(finite_fields),
        cmocka_unit_test(new_handshake_declined),
        cmocka_unit_test(new_handshake_insisted_on),
        cmocka_unit_test(new_handshake_amid_the_first),
        cmocka_unit_test(name_unknown),
        cmocka_unit_test(name_unknown_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
