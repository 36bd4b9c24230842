/* test_tls_messages.c - what a TLS 1.3 server may say, and what it may not: a genuine server's
 * messages, cut into records anew, changed, or with others behind them, sealed by the keys of the
 * client's key log. */
#include "support/tls_scene.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- The flight ------------------------------------------------------------------------------ */

/* RFC 8446, 5.1: a message may be cut anywhere, in its header too. */
static void flight_cut(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    size_t size = 1;
    for (size_t message = 0; message < size;) {
        size_t next = 0;
        for (size_t cut = message == 0 ? 1 : message - 1; cut <= message + 5; cut++) {
            tls_scene s;
            tls_scene_open(&s, NULL);
            tls_scene_hello(&s);
            size = s.flight_size;
            const uint8_t *header = s.flight + message;
            next = message + 4 + ((size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3]);
            tls_scene_send_cut(&s, s.flight, s.flight_size, cut < size ? cut : size);
            tls_keys_set(&s.keys, s.traffic_secret);
            tls_scene_expect_data(&s);
            tls_scene_close(&s);
        }
        message = next;
    }
}

static void flight_by_the_byte(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    tls_scene s;
    tls_scene_open(&s, NULL);
    tls_scene_hello(&s);
    for (size_t i = 0; i < s.flight_size; i++)
        tls_scene_send(&s, TLS_HANDSHAKE_RECORD, s.flight + i, 1);
    tls_keys_set(&s.keys, s.traffic_secret);
    tls_scene_expect_data(&s);
    tls_scene_close(&s);
}

/* EncryptedExtensions with one extension. */
static rp_status status_of_extension(const char *offered, const uint8_t *extension, uint8_t size)
{
    uint8_t message[64] = {8, 0, 0, (uint8_t)(2 + size), 0, size};
    tls_scene s;
    memcpy(message + 6, extension, size);
    tls_scene_open(&s, offered);
    tls_scene_hello(&s);
    tls_scene_send(&s, TLS_HANDSHAKE_RECORD, message, 6U + size);
    rp_status status = s.client->failed ? s.client->error.status : RP_OK;
    tls_scene_close(&s);
    return status;
}

/* The server's flight, with an extension of its certificate number which. */
static rp_error error_of_staple(int which, const uint8_t *extension, size_t size)
{
    uint8_t flight[sizeof(((tls_scene *)0)->flight) + 64];
    tls_scene s;
    tls_scene_open(&s, NULL);
    tls_scene_hello(&s);
    size_t at = 0; /* of Certificate */
    while (s.flight[at] != 11)
        at += 4U + ((size_t)s.flight[at + 2] << 8) + s.flight[at + 3];
    size_t end = at + 5 + 3;
    for (int i = 0; i <= which; i++)
        end += 3 + ((size_t)s.flight[end + 1] << 8) + s.flight[end + 2] + 2;
    assert_true(s.flight[end - 1] == 0 && s.flight[end - 2] == 0); /* it has none so far */
    memcpy(flight, s.flight, end);
    memcpy(flight + end, extension, size);
    memcpy(flight + end + size, s.flight + end, s.flight_size - end);
    flight[end - 1] = (uint8_t)size;
    size_t message = ((size_t)flight[at + 2] << 8) + flight[at + 3] + size;
    flight[at + 2] = (uint8_t)(message >> 8);
    flight[at + 3] = (uint8_t)message;
    flight[at + 6] = (uint8_t)((message - 4) >> 8);
    flight[at + 7] = (uint8_t)(message - 4);
    tls_scene_send(&s, TLS_HANDSHAKE_RECORD, flight, s.flight_size + size);
    assert_true(s.client->failed); /* CertificateVerify is about other messages at least */
    rp_error error = s.client->error;
    tls_scene_close(&s);
    return error;
}

/* RFC 8446, 4.4.2.1. */
static void staples(void **state)
{
    static const uint8_t response[] = {0, 5, 0, 6, 1, 0, 0, 2, 0x30, 0};
    static const uint8_t other_type[] = {0, 5, 0, 6, 2, 0, 0, 2, 0x30, 0};
    static const uint8_t too_long[] = {0, 5, 0, 6, 1, 0, 0, 3, 0x30, 0};
    static const uint8_t empty[] = {0, 5, 0, 0};
    static const uint8_t twice[] = {0, 5, 0, 5, 1, 0, 0, 1, 0x30, 0, 5, 0, 5, 1, 0, 0, 1, 0x30};
    (void)state;
    if (tls_old_wolfssl() || !RP_STAPLES)
        skip();
    tls_scene_revocation = RP_REVOCATION_SOFT;
    rp_error error = error_of_staple(0, response, sizeof(response));
    assert_int_equal(error.status, RP_E_CERT_STAPLE);
    assert_int_equal(error.tls_alert, 113); /* bad_certificate_status_response */
    assert_non_null(strstr(error.text, "the stapled OCSP response is malformed"));
    error = error_of_staple(1, response, sizeof(response));
    assert_int_equal(error.status, RP_E_CERT_STAPLE);
    assert_non_null(strstr(error.text, "issuer certificate \"Ringport Test Intermediate\" of "));
    assert_int_equal(error_of_staple(0, other_type, sizeof(other_type)).status, RP_E_TLS_PROTOCOL);
    assert_int_equal(error_of_staple(0, too_long, sizeof(too_long)).status, RP_E_TLS_PROTOCOL);
    assert_int_equal(error_of_staple(0, empty, sizeof(empty)).status, RP_E_TLS_PROTOCOL);
    assert_int_equal(error_of_staple(0, twice, sizeof(twice)).status, RP_E_TLS_PROTOCOL);
    /* Who asked for none gets none. */
    tls_scene_revocation = RP_REVOCATION_OFF;
    error = error_of_staple(0, response, sizeof(response));
    assert_int_equal(error.status, RP_E_TLS_PROTOCOL);
    assert_int_equal(error.tls_alert, 110); /* unsupported_extension */
    assert_int_not_equal(status_of_extension(NULL, empty, sizeof(empty)), RP_OK);
    tls_scene_revocation = RP_REVOCATION_SOFT;
    assert_int_not_equal(status_of_extension(NULL, empty, sizeof(empty)), RP_OK);
    tls_scene_revocation = RP_REVOCATION_OFF;
}

/* RFC 7301, 3.2; RFC 8446, 4.2. */
static void not_what_was_offered(void **state)
{
    (void)state;
    static const uint8_t http1[] = {0, 16, 0, 11, 0, 9, 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    static const uint8_t http2[] = {0, 16, 0, 5, 0, 3, 2, 'h', '2'};
    static const uint8_t unknown[] = {0xFA, 0xFA, 0, 0};
    assert_int_equal(status_of_extension("http/1.1", http1, sizeof(http1)), RP_OK);
    assert_int_equal(status_of_extension("h2,http/1.1", http2, sizeof(http2)), RP_OK);
    assert_int_not_equal(status_of_extension("http/1.1", http2, sizeof(http2)), RP_OK);
    assert_int_not_equal(status_of_extension(NULL, http2, sizeof(http2)), RP_OK);
    if (!tls_old_wolfssl())
        assert_int_not_equal(status_of_extension(NULL, unknown, sizeof(unknown)), RP_OK);
}

/* RFC 8446, 4.2: an answer to what was not asked for, or in a message that is not its own. */
static void extensions_out_of_place(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t good[][2] = {{0, 0}}; /* server_name */
    static const uint8_t bad[][2] = {{0, 1},  {0, 5},  {0, 11}, {0, 13}, {0, 14},  {0, 15},
                                     {0, 18}, {0, 19}, {0, 20}, {0, 22}, {0, 23},  {0, 28},
                                     {0, 35}, {0, 41}, {0, 42}, {0, 43}, {0, 44},  {0, 45},
                                     {0, 47}, {0, 49}, {0, 50}, {0, 51}, {0xFF, 1}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const uint8_t extension[4] = {good[i][0], good[i][1], 0, 0};
        assert_int_equal(status_of_extension(NULL, extension, 4), RP_OK);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        /* Empty, of a byte, and as long as most of them are. */
        for (uint8_t size = 0; size <= 2; size++) {
            const uint8_t extension[6] = {bad[i][0], bad[i][1], 0, size, 0, 0};
            assert_int_equal(status_of_extension("http/1.1", extension, 4U + size),
                             RP_E_TLS_PROTOCOL);
        }
    }
    static const uint8_t twice[] = {0, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(status_of_extension(NULL, twice, sizeof(twice)), RP_E_TLS_PROTOCOL);
}

/* Puts bytes at a place of a message and corrects its length and those that stand before it: at
 * the places, each of so many bytes. */
typedef struct length_at {
    size_t at;
    int bytes;
} length_at;

static size_t put(uint8_t *message, size_t size, size_t place, const uint8_t *bytes, size_t count,
                  const length_at *lengths, size_t length_count)
{
    memmove(message + place + count, message + place, size - place);
    memcpy(message + place, bytes, count);
    for (size_t i = 0; i < length_count; i++) {
        size_t value = count;
        for (int k = lengths[i].bytes - 1; k >= 0; k--) {
            value += message[lengths[i].at + (size_t)k];
            message[lengths[i].at + (size_t)k] = (uint8_t)value;
            value >>= 8;
        }
    }
    return size + count;
}

static void extensions_of_server_hello(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t types[] = {0, 1, 5, 10, 11, 13, 16, 21, 22, 23, 35, 44, 45, 250};
    for (size_t i = 0; i < sizeof(types); i++) {
        tls_scene s;
        tls_scene_open(&s, "http/1.1");
        const uint8_t extension[] = {0, types[i], 0, 2, 0, 0};
        size_t lists = 5u + 4 + 2 + 32 + 1 + s.hello[5 + 4 + 2 + 32] + 2 + 1;
        const length_at lengths[] = {{3, 2}, {6, 3}, {lists, 2}};
        s.hello_size =
            put(s.hello, s.hello_size, s.hello_size, extension, sizeof(extension), lengths, 3);
        tls_feed(&s.pair, s.client, s.hello, s.hello_size);
        assert_true(s.client->failed);
        assert_int_equal(s.client->error.status, RP_E_TLS_PROTOCOL);
        tls_scene_close(&s);
    }
}

/* EncryptedExtensions, and then the leaf of Certificate with an extension. */
static void extensions_of_certificate(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t types[] = {0, 5, 10, 16, 18, 250};
    for (size_t i = 0; i < sizeof(types); i++) {
        tls_scene s;
        tls_scene_open(&s, "http/1.1");
        tls_scene_hello(&s);
        const uint8_t extension[] = {0, types[i], 0, 1, 0};
        size_t message = 4 + ((size_t)s.flight[1] << 16 | (size_t)s.flight[2] << 8 | s.flight[3]);
        assert_int_equal(s.flight[message], 11);
        size_t leaf = message + 4 + 1 + 3; /* behind the context and the list's length */
        size_t end =
            leaf + 3 +
            ((size_t)s.flight[leaf] << 16 | (size_t)s.flight[leaf + 1] << 8 | s.flight[leaf + 2]);
        const length_at lengths[] = {{message + 1, 3}, {message + 5, 3}, {end, 2}};
        size_t size =
            put(s.flight, s.flight_size, end + 2, extension, sizeof(extension), lengths, 3);
        tls_scene_send(&s, TLS_HANDSHAKE_RECORD, s.flight, size);
        assert_true(s.client->failed && !s.client->opened);
        assert_int_equal(s.client->error.status, RP_E_TLS_PROTOCOL);
        tls_scene_close(&s);
    }
}

/* RFC 8446, 5: dropped as often as it comes before Finished, and it comes to an end. */
static void change_ciphers(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t change[] = {20, 3, 3, 0, 1, 1}, other[] = {20, 3, 3, 0, 1, 2};
    static const struct {
        size_t before, after; /* ServerHello */
        bool fails;
    } cases[] = {{0, 1, false}, {0, 2, false}, {0, 30, false}, {0, 40, true}, {1, 0, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tls_scene s;
        tls_scene_open(&s, NULL);
        for (size_t k = 0; k < cases[i].before; k++)
            tls_feed(&s.pair, s.client, change, sizeof(change));
        if (!s.client->failed)
            tls_scene_hello(&s);
        for (size_t k = 0; k < cases[i].after && !s.client->failed; k++)
            tls_feed(&s.pair, s.client, change, sizeof(change));
        assert_true(s.client->failed == cases[i].fails);
        if (!s.client->failed) {
            tls_scene_send(&s, TLS_HANDSHAKE_RECORD, s.flight, s.flight_size);
            tls_keys_set(&s.keys, s.traffic_secret);
            tls_scene_expect_data(&s);
            tls_feed(&s.pair, s.client, change, sizeof(change));
            assert_true(s.client->failed);
        }
        tls_scene_close(&s);
    }
    tls_scene s;
    tls_scene_open(&s, NULL);
    tls_scene_hello(&s);
    tls_feed(&s.pair, s.client, other, sizeof(other));
    assert_true(s.client->failed);
    tls_scene_close(&s);
}

/* RFC 8446, 5.1: no empty record of a handshake, and nothing behind a message in its record that
 * is sealed by the next keys. */
static void empty_records(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (size_t at = 0; at < 3; at++) {
        tls_scene s;
        tls_scene_open(&s, NULL);
        tls_scene_hello(&s);
        if (at == 1)
            tls_scene_send(&s, TLS_HANDSHAKE_RECORD, s.flight, 3);
        if (at == 2) {
            tls_scene_send(&s, TLS_HANDSHAKE_RECORD, s.flight, s.flight_size);
            tls_keys_set(&s.keys, s.traffic_secret);
            tls_scene_expect_data(&s);
        }
        tls_scene_send(&s, TLS_HANDSHAKE_RECORD, s.flight, 0);
        assert_true(s.client->failed);
        assert_int_equal(s.client->error.status, RP_E_TLS_PROTOCOL);
        tls_scene_close(&s);
    }
}

static void keys_change_in_a_record(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t update[] = {24, 0, 0, 1, 0, 24, 0, 0, 1, 0};
    static const size_t parts[][2] = {{10, 0}, {6, 4}, {3, 7}, {4, 3}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) { /* KeyUpdate */
        tls_scene s;
        tls_scene_connect(&s);
        tls_scene_send(&s, TLS_HANDSHAKE_RECORD, update, parts[i][0]);
        if (parts[i][1] > 0)
            tls_scene_send(&s, TLS_HANDSHAKE_RECORD, update + parts[i][0], parts[i][1]);
        assert_true(s.client->failed);
        assert_int_equal(s.client->error.status, RP_E_TLS_PROTOCOL);
        tls_scene_close(&s);
    }
    for (size_t cut = 0; cut < 2; cut++) { /* Finished */
        tls_scene s;
        tls_scene_open(&s, NULL);
        tls_scene_hello(&s);
        memcpy(s.flight + s.flight_size, update, 5);
        tls_scene_send_cut(&s, s.flight, s.flight_size + 5, cut == 0 ? 0 : s.flight_size - 2);
        assert_true(s.client->failed && !s.client->opened);
        tls_scene_close(&s);
    }
    tls_scene s; /* ServerHello */
    tls_scene_open(&s, NULL);
    memcpy(s.hello + s.hello_size, "\x08\0\0\x02\0\0", 6);
    s.hello[4] = (uint8_t)(s.hello[4] + 6);
    tls_feed(&s.pair, s.client, s.hello, s.hello_size + 6);
    assert_true(s.client->failed);
    tls_scene_close(&s);
}

/* RFC 8446, 7.4.2: a share of small order makes a secret of zeros whatever the client's key is. As
 * half of a hybrid's too: the share of X25519MLKEM768 ends with that of X25519. */
static void share_of_small_order(void **state)
{
    (void)state;
    static const uint8_t alone[] = {0, 51, 0, 36, 0, 29, 0, 32}; /* key_share, x25519 */
    static const uint8_t hybrid[] = {0, 51, 4, 0x64, 0x11, 0xEC, 4, 0x60};
    static const uint8_t points[][32] = {
        {0},
        {1},
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
         0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
         0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    };
    size_t count = sizeof(points) / sizeof(points[0]);
    for (size_t i = 0; i < (RP_HYBRID_GROUPS ? 2 : 1) * count; i++) {
        const uint8_t *share = i < count ? alone : hybrid;
        size_t size = sizeof(alone) + (i < count ? 0 : 1088) + 32;
        tls_scene s;
        tls_scene_open_groups(&s, i < count ? "X25519" : "X25519MLKEM768");
        size_t at = 0;
        while (at + size <= s.hello_size && memcmp(s.hello + at, share, sizeof(alone)) != 0)
            at++;
        assert_true(at + size <= s.hello_size);
        memcpy(s.hello + at + size - 32, points[i % count], 32);
        tls_feed(&s.pair, s.client, s.hello, s.hello_size);
        assert_true(s.client->failed);
        tls_scene_close(&s);
    }
}

/* A ServerHello as the server's is up to the extensions, with others: as a HelloRetryRequest, by
 * its random (RFC 8446, 4.1.3). */
static void send_hello(tls_scene *s, bool retry, const uint8_t *extensions, size_t count)
{
    static const uint8_t random[] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11,
                                     0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
                                     0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E,
                                     0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
    size_t session = s->hello[5 + 4 + 2 + 32], fixed = 5 + 4 + 2 + 32 + 1 + session + 2 + 1;
    uint8_t hello[256];
    size_t size = fixed + 2 + count;
    assert_true(size <= sizeof(hello));
    memcpy(hello, s->hello, fixed);
    if (retry)
        memcpy(hello + 11, random, 32);
    hello[fixed] = 0;
    hello[fixed + 1] = (uint8_t)count;
    memcpy(hello + fixed + 2, extensions, count);
    hello[3] = 0;
    hello[4] = (uint8_t)(size - 5);
    hello[7] = 0;
    hello[8] = (uint8_t)(size - 9);
    tls_feed(&s->pair, s->client, hello, size);
}

/* RFC 8446, 4.2.2: the cookie of a HelloRetryRequest comes back. */
static void cookie(void **state)
{
    (void)state;
    static const uint8_t extensions[] = {0, 43, 0, 2,   3,   4,   0,   44,  0,
                                         8, 0,  6, 'c', 'o', 'o', 'k', 'i', 'e'};
    tls_scene s;
    tls_scene_open(&s, NULL);
    send_hello(&s, true, extensions, sizeof(extensions));
    assert_false(s.client->failed);
    rp_slice second;
    assert_int_equal(rp__chain_slices(&s.client->output, &second, 1), 1);
    bool found = false;
    for (size_t i = 0; i + 10 <= second.size; i++)
        found = found || memcmp(second.data + i, extensions + 8, 10) == 0;
    assert_true(found);
    tls_scene_close(&s);
}

/* Without a share there is no key exchange, before a HelloRetryRequest and behind it
 * (CVE-2026-3230); and one retry is all (4.1.4), for a group that was offered without a share. */
static void no_share(void **state)
{
    (void)state;
    static const uint8_t version[] = {0, 43, 0, 2, 3, 4};
    static const uint8_t p256[] = {0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 23};
    static const uint8_t x25519[] = {0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 29};
    static const uint8_t x448[] = {0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 30};
    tls_scene s;
    tls_scene_open(&s, NULL);
    send_hello(&s, false, version, sizeof(version));
    assert_true(s.client->failed);
    tls_scene_close(&s);
    if (!tls_old_wolfssl()) {
        tls_scene_open(&s, NULL);
        send_hello(&s, true, p256, sizeof(p256));
        assert_false(s.client->failed);
        send_hello(&s, false, version, sizeof(version));
        assert_true(s.client->failed);
        tls_scene_close(&s);
    }
    tls_scene_open(&s, NULL);
    send_hello(&s, true, p256, sizeof(p256));
    assert_false(s.client->failed);
    send_hello(&s, true, p256, sizeof(p256));
    assert_true(s.client->failed);
    tls_scene_close(&s);
    tls_scene_open(&s, NULL);
    send_hello(&s, true, x25519, sizeof(x25519));
    assert_true(s.client->failed);
    tls_scene_close(&s);
    tls_scene_open(&s, NULL);
    send_hello(&s, true, x448, sizeof(x448));
    assert_true(s.client->failed);
    tls_scene_close(&s);
}

/* ---- Behind the handshake -------------------------------------------------------------------- */

/* RFC 8446, 4.6.1. The caller frees. */
static uint8_t *ticket(size_t size, uint8_t nonce_size, uint32_t lifetime, size_t *message_size)
{
    size_t body = 4U + 4 + 1 + nonce_size + 2 + size + 2;
    uint8_t *message = calloc(1, 4 + body), *at = message;
    assert_non_null(message);
    *at++ = 4;
    *at++ = (uint8_t)(body >> 16);
    *at++ = (uint8_t)(body >> 8);
    *at++ = (uint8_t)body;
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(lifetime >> shift);
    at += 4;
    *at++ = nonce_size;
    at += nonce_size;
    *at++ = (uint8_t)(size >> 8);
    *at++ = (uint8_t)size;
    memset(at, 't', size);
    *message_size = 4 + body;
    return message;
}

static void tickets_cut(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    size_t size;
    uint8_t *message = ticket(20, 8, 7200, &size);
    tls_scene s;
    tls_scene_connect(&s);
    for (size_t cut = 0; cut <= size; cut++) {
        tls_scene_send_cut(&s, message, size, cut);
        tls_scene_expect_data(&s);
    }
    for (size_t i = 0; i < size; i++)
        tls_scene_send(&s, TLS_HANDSHAKE_RECORD, message + i, 1);
    tls_scene_expect_data(&s);
    /* The end of one and all of the next in a record. */
    uint8_t both[256];
    memcpy(both, message, size);
    memcpy(both + size, message, size);
    tls_scene_send_cut(&s, both, 2 * size, 7);
    tls_scene_expect_data(&s);
    tls_scene_send_cut(&s, both, 2 * size, size + 2);
    tls_scene_expect_data(&s);
    free(message);
    tls_scene_close(&s);
}

static void tickets_of_any_kind(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        uint8_t nonce;
        uint32_t lifetime;
        bool needs_new;
    } kinds[] = {
        {200, 0, 7200, false},  {200, 32, 7200, false},     {200, 255, 7200, false},
        {1600, 8, 7200, false}, {15900, 8, 7200, false},    {20000, 8, 7200, true},
        {65000, 8, 7200, true}, {200, 8, 604800, false},    {200, 8, 604801, true},
        {200, 8, 691200, true}, {200, 8, UINT32_MAX, true}, {200, 8, 0, false},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].needs_new && tls_old_wolfssl())
            continue;
        size_t size;
        uint8_t *message = ticket(kinds[i].size, kinds[i].nonce, kinds[i].lifetime, &size);
        tls_scene s;
        tls_scene_connect(&s);
        for (size_t at = 0; at < size; at += 16000)
            tls_scene_send(&s, TLS_HANDSHAKE_RECORD, message + at,
                           size - at < 16000 ? size - at : 16000);
        tls_scene_expect_data(&s);
        tls_scene_close(&s);
        free(message);
    }
}

/* RFC 8446, 4.6.1: a ticket is not empty; of its extensions those that nobody knows are passed
 * over, and the others are where they do not belong, but for early_data, which comes once. */
static void tickets_that_are_none(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const struct {
        size_t ticket, size;
        uint8_t extensions[12];
        bool good;
    } kinds[] = {
        {20, 0, {0}, true},
        {0, 0, {0}, false},
        {20, 4, {0xFA, 0xFA, 0, 0}, true},
        {20, 8, {0, 42, 0, 4, 0, 0, 0, 0}, true},
        {20, 8, {0, 42, 0, 0, 0, 42, 0, 0}, false},
        {20, 4, {0, 0, 0, 0}, false},
        {20, 6, {0, 16, 0, 2, 0, 0}, false},
        {20, 6, {0, 43, 0, 2, 3, 4}, false},
        {20, 3, {0xFA, 0xFA, 0}, false},
        {20, 5, {0xFA, 0xFA, 0, 2, 0}, false},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t size;
        uint8_t *message = ticket(kinds[i].ticket, 8, 7200, &size), changed[256];
        assert_true(size + 12 <= sizeof(changed));
        memcpy(changed, message, size);
        const length_at lengths[] = {{1, 3}, {size - 2, 2}};
        size = put(changed, size, size, kinds[i].extensions, kinds[i].size, lengths, 2);
        tls_scene s;
        tls_scene_connect(&s);
        tls_scene_send(&s, TLS_HANDSHAKE_RECORD, changed, size);
        if (kinds[i].good)
            tls_scene_expect_data(&s);
        assert_true(s.client->failed != kinds[i].good);
        tls_scene_close(&s);
        free(message);
    }
}

/* RFC 8446, 5.1: nothing may come between the pieces. */
static void data_amid_a_message(void **state)
{
    (void)state;
    size_t size;
    uint8_t *message = ticket(20, 8, 7200, &size);
    for (size_t cut = 1; cut < size; cut += 3) {
        tls_scene s;
        tls_scene_connect(&s);
        tls_scene_send(&s, TLS_HANDSHAKE_RECORD, message, cut);
        tls_scene_send(&s, TLS_DATA_RECORD, (const uint8_t *)"data", 4);
        assert_true(s.client->failed);
        assert_int_equal(s.client->received_size, 0);
        tls_scene_close(&s);
    }
    free(message);
}

static void key_update(tls_scene *s)
{
    static const uint8_t message[] = {24, 0, 0, 1, 1}; /* update_requested: RFC 8446, 4.6.3 */
    tls_scene_send(s, TLS_HANDSHAKE_RECORD, message, sizeof(message));
    tls_keys_update(&s->keys);
}

static void drain(tls_scene *s)
{
    rp_chain *output = &s->client->output;
    rp__chain_consume(output, output->size);
}

/* Neither the answers that the transport does not take pile up, nor may a server keep the client
 * busy for nothing. */
static void floods_of_key_updates(void **state)
{
    (void)state;
    static const struct {
        bool data, drained, ends;
    } floods[] = {
        {false, false, true},
        {false, true, true},
        {true, false, true},
        {true, true, false},
    };
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        tls_scene s;
        tls_scene_connect(&s);
        int count = 0;
        for (; count < 1000 && !s.client->failed; count++) {
            key_update(&s);
            if (floods[i].drained)
                drain(&s);
            if (floods[i].data && !s.client->failed)
                tls_scene_expect_data(&s);
        }
        assert_true(s.client->failed == floods[i].ends);
        if (s.client->failed) {
            assert_in_range(count, 30, 40);
            assert_int_equal(s.client->error.status, RP_E_TLS_PROTOCOL);
            assert_non_null(strstr(s.client->error.text, "asks for new keys again and again"));
            assert_true(s.client->output.size < 2048);
        }
        tls_scene_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flight_cut),
        cmocka_unit_test(flight_by_the_byte),
        cmocka_unit_test(not_what_was_offered),
        cmocka_unit_test(staples),
        cmocka_unit_test(share_of_small_order),
        cmocka_unit_test(cookie),
        cmocka_unit_test(no_share),
        cmocka_unit_test(tickets_cut),
        cmocka_unit_test(tickets_of_any_kind),
        cmocka_unit_test(data_amid_a_message),
        cmocka_unit_test(floods_of_key_updates),
        cmocka_unit_test(extensions_out_of_place),
        cmocka_unit_test(extensions_of_server_hello),
        cmocka_unit_test(extensions_of_certificate),
        cmocka_unit_test(change_ciphers),
        cmocka_unit_test(empty_records),
        cmocka_unit_test(keys_change_in_a_record),
        cmocka_unit_test(tickets_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
