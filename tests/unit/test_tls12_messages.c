/* test_tls12_messages.c - what a TLS 1.2 server may say in plain text, and what it may not: a
 * genuine server's first flight, cut into records anew, or changed. */
#include "support/tls_pair.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct scene {
    rp_tls_config *client_config, *server_config;
    tls_pair pair;
    uint8_t flight[8192]; /* the handshake messages */
    size_t size;
} scene;

/* The server has answered the ClientHello, and nothing of it has reached the client. */
static void scene_open(scene *s, rp_tls_version of_client)
{
    memset(s, 0, sizeof(*s));
    s->client_config =
        tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"), .maximum_version = of_client});
    s->server_config = tls_server_of("server-ecdsa", RP_TLS_1_2);
    tls_pair_options options = {
        .client = s->client_config, .server = s->server_config, .client_alpn = "http/1.1"};
    assert_true(tls_pair_open(&s->pair, &options));
    assert_int_equal(rp_engine_handshake(s->pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
    while (tls_move(&s->pair, &s->pair.client, &s->pair.server))
        ;
    rp_chain *output = &s->pair.server.output;
    uint8_t bytes[sizeof(s->flight)];
    size_t size = output->size;
    assert_true(size <= sizeof(bytes));
    for (size_t have = 0; have < size;) {
        rp_slice part;
        rp_chain_slices(output, &part, 1);
        memcpy(bytes + have, part.data, part.size);
        have += part.size;
        rp_chain_consume(output, part.size);
    }
    for (size_t at = 0; at < size;) {
        size_t record = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
        assert_int_equal(bytes[at], 22);
        memcpy(s->flight + s->size, bytes + at + 5, record);
        s->size += record;
        at += 5 + record;
    }
}

static void scene_close(scene *s)
{
    tls_pair_close(&s->pair);
    rp_tls_config_release(s->client_config);
    rp_tls_config_release(s->server_config);
}

static void send_record(scene *s, const uint8_t *messages, size_t size)
{
    uint8_t record[5 + sizeof(s->flight)] = {22, 3, 3, (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(record + 5, messages, size);
    if (!s->pair.client.failed)
        tls_feed(&s->pair, &s->pair.client, record, 5 + size);
}

static size_t message_size(const uint8_t *header)
{
    return 4 + ((size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3]);
}

static void expect_open(scene *s)
{
    tls_pump(&s->pair);
    if (s->pair.client.failed)
        print_error("%s\n", s->pair.client.error.text);
    assert_true(s->pair.client.opened && s->pair.server.opened);
}

static bool old_wolfssl(void)
{
    return LIBWOLFSSL_VERSION_HEX < 0x05009002;
}

/* RFC 5246, 6.2.1: messages may be cut anywhere, in their headers too. */
static void flight_cut(void **state)
{
    (void)state;
    if (old_wolfssl())
        skip();
    for (rp_tls_version of_client = 0; of_client <= RP_TLS_1_2; of_client += RP_TLS_1_2) {
        size_t size = 1, next = 0;
        for (size_t message = 0; message < size; message = next) {
            for (size_t cut = message + 1; cut <= message + 5; cut++) {
                scene s;
                scene_open(&s, of_client);
                size = s.size;
                next = message + message_size(s.flight + message);
                send_record(&s, s.flight, cut < size ? cut : size);
                if (cut < size)
                    send_record(&s, s.flight + cut, size - cut);
                expect_open(&s);
                scene_close(&s);
            }
        }
    }
}

static void flight_by_the_byte(void **state)
{
    (void)state;
    if (old_wolfssl())
        skip();
    scene s;
    scene_open(&s, RP_TLS_1_2);
    for (size_t i = 0; i < s.size; i++)
        send_record(&s, s.flight + i, 1);
    expect_open(&s);
    scene_close(&s);
}

/* RFC 5246, 6.2.1: not even an empty one. */
static void empty_records(void **state)
{
    (void)state;
    if (old_wolfssl())
        skip();
    for (size_t cut = 0; cut < 200; cut += 66) {
        scene s;
        scene_open(&s, 0);
        if (cut > 0)
            send_record(&s, s.flight, cut);
        send_record(&s, s.flight, 0);
        assert_true(s.pair.client.failed);
        scene_close(&s);
    }
}

/* A ServerHello with an extension more. */
static rp_status status_of(const uint8_t *extension, size_t size)
{
    scene s;
    scene_open(&s, 0);
    size_t hello = message_size(s.flight), lists = 4 + 2 + 32 + 1 + s.flight[38] + 2 + 1;
    uint8_t changed[512];
    assert_true(hello + size <= sizeof(changed) && lists + 2 <= hello && hello + size < 256);
    memcpy(changed, s.flight, hello);
    memcpy(changed + hello, extension, size);
    changed[3] = (uint8_t)(changed[3] + size);
    changed[lists + 1] = (uint8_t)(changed[lists + 1] + size);
    send_record(&s, changed, hello + size);
    rp_status status = s.pair.client.failed ? s.pair.client.error.status : RP_OK;
    scene_close(&s);
    return status;
}

/* RFC 5246, 7.4.1.4. */
static void extensions(void **state)
{
    (void)state;
    if (old_wolfssl())
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
    if (old_wolfssl())
        skip();
    for (int changed = 0; changed < 2; changed++) {
        scene s = {.client_config = tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                                                                 .maximum_version = RP_TLS_1_2,
                                                                 .groups = "P-256"}),
                   .server_config = tls_server_of("server-ecdsa", RP_TLS_1_2)};
        tls_pair_options options = {.client = s.client_config, .server = s.server_config};
        assert_true(tls_pair_open(&s.pair, &options));
        assert_int_equal(rp_engine_handshake(s.pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
        rp_slice hello;
        assert_int_equal(rp_chain_slices(&s.pair.client.output, &hello, 1), 1);
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
        scene_close(&s);
    }
}

/* RFC 5746, 3.4: there is nothing that this handshake would renegotiate. */
static void renegotiation_info(void **state)
{
    (void)state;
    if (old_wolfssl())
        skip();
    static const uint8_t empty[] = {0xFF, 1, 0, 1, 0};
    for (uint8_t value = 0; value < 2; value++) {
        scene s;
        scene_open(&s, 0);
        size_t at = 0, hello = message_size(s.flight);
        while (at + sizeof(empty) <= hello && memcmp(s.flight + at, empty, sizeof(empty)) != 0)
            at++;
        assert_true(at + sizeof(empty) <= hello);
        s.flight[at + 4] = value;
        send_record(&s, s.flight, hello);
        assert_int_equal(s.pair.client.failed, value);
        scene_close(&s);
    }
}

/* RFC 8446, 4.1.3: the random of a server that has TLS 1.3, too. */
static void downgrade(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 3; cut++) {
        scene s;
        scene_open(&s, 0);
        memcpy(s.flight + 30, "DOWNGRD\1", 8);
        if (cut == 2)
            memcpy(s.flight + 23, "DOWNGRD", 7); /* and the beginning of one before it */
        size_t first = cut == 0 ? s.size : 30 + 4 * cut;
        send_record(&s, s.flight, first);
        if (first < s.size)
            send_record(&s, s.flight + first, s.size - first);
        assert_true(s.pair.client.failed);
        assert_int_equal(s.pair.client.error.status, RP_E_TLS_PROTOCOL);
        assert_string_equal(s.pair.client.error.text,
                            "localhost (127.0.0.1:443) has TLS 1.3, was offered it, and answers "
                            "with TLS 1.2: somebody on the way changes handshakes");
        scene_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flight_cut),         cmocka_unit_test(flight_by_the_byte),
        cmocka_unit_test(empty_records),      cmocka_unit_test(extensions),
        cmocka_unit_test(renegotiation_info), cmocka_unit_test(downgrade),
        cmocka_unit_test(group_not_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
