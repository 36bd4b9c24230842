/* test_tls_refusals.c - what a server must not say ends the connection with an alert that tells it
 * why (RFC 8446, 6.2), and with a message that blames the server. */
#include "support/tls_scene.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 8446, 6 */
enum {
    UNEXPECTED_MESSAGE = 10,
    BAD_CERTIFICATE = 42,
    ILLEGAL_PARAMETER = 47,
    DECODE_ERROR = 50,
    MISSING_EXTENSION = 109
};

enum { KEY_SHARE = 51, VERSIONS = 43 };

static const char blame[] = "localhost (127.0.0.1:443) broke the rules of TLS: ";

static void expect_refusal(tls_scene *s, int alert)
{
    assert_true(s->client->failed && !s->client->opened);
    if (s->client->error.status != RP_E_TLS_PROTOCOL)
        print_error("%s\n", s->client->error.text);
    assert_int_equal(s->client->error.status, RP_E_TLS_PROTOCOL);
    assert_int_equal(strncmp(s->client->error.text, blame, sizeof(blame) - 1), 0);
    assert_int_equal(s->client->error.tls_alert, alert);
    assert_int_equal(tls_scene_alert(s), alert);
}

/* A client that offers TLS 1.3, 1.2 or both, and waits for ServerHello. */
static void open_of(tls_scene *s, int kind)
{
    if (kind == 0)
        tls_scene_open(s, NULL);
    else
        tls_scene_open_12(s, kind == 1 ? RP_TLS_1_2 : RP_TLS_1_3);
}

static void empty_record(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t record[] = {22, 3, 3, 0, 0};
    for (int kind = 0; kind < 3; kind++) {
        tls_scene s;
        open_of(&s, kind);
        tls_feed(&s.pair, s.client, record, sizeof(record));
        expect_refusal(&s, UNEXPECTED_MESSAGE);
        tls_scene_close(&s);
    }
}

/* More than any message may have; the header as a whole, and by the byte. */
static void header_too_long(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t header[] = {2, 0xFF, 0xFF, 0xFF};
    for (int kind = 0; kind < 6; kind++) {
        tls_scene s;
        open_of(&s, kind / 2);
        for (size_t i = 0; i < (kind % 2 == 0 ? 1 : 4); i++)
            tls_scene_send_plain(&s, header + i, kind % 2 == 0 ? 4 : 1);
        expect_refusal(&s, DECODE_ERROR);
        tls_scene_close(&s);
    }
    for (size_t size = 1; size <= 4; size += 3) {
        static const uint8_t certificate[] = {8, 0xFF, 0xFF, 0xFF};
        tls_scene s;
        tls_scene_open(&s, NULL);
        tls_scene_hello(&s);
        for (size_t i = 0; i < 4; i += size)
            tls_scene_send(&s, TLS_HANDSHAKE_RECORD, certificate + i, size);
        expect_refusal(&s, DECODE_ERROR);
        tls_scene_close(&s);
    }
}

/* ---- ServerHello ----------------------------------------------------------------------------- */

#define SUITE_AT(s) (5U + 4 + 2 + 32 + 1 + (s)->hello[5 + 4 + 2 + 32])
#define EXTENSIONS_AT(s) (SUITE_AT(s) + 2 + 1)

static uint8_t *find_extension(tls_scene *s, unsigned type)
{
    size_t at = EXTENSIONS_AT(s) + 2;
    while (at < s->hello_size && ((unsigned)s->hello[at] << 8 | s->hello[at + 1]) != type)
        at += 4 + ((size_t)s->hello[at + 2] << 8 | s->hello[at + 3]);
    assert_true(at < s->hello_size);
    return s->hello + at;
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Changes what an extension holds; size 0: takes it out. */
static void set_extension(tls_scene *s, unsigned type, const uint8_t *data, size_t size)
{
    uint8_t *at = find_extension(s, type);
    size_t old = 4 + ((size_t)at[2] << 8 | at[3]), new = size == 0 ? 0 : 4 + size;
    uint8_t *end = s->hello + s->hello_size;
    memmove(at + new, at + old, (size_t)(end - (at + old)));
    if (size > 0) {
        put16(at, type);
        put16(at + 2, size);
        memcpy(at + 4, data, size);
    }
    s->hello_size = s->hello_size + new - old;
    put16(s->hello + 3, s->hello_size - 5);
    put16(s->hello + 7, s->hello_size - 9);
    put16(s->hello + EXTENSIONS_AT(s), s->hello_size - EXTENSIONS_AT(s) - 2);
}

static void send_hello(tls_scene *s)
{
    tls_feed(&s->pair, s->client, s->hello, s->hello_size);
}

static void no_key_share(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    tls_scene s;
    tls_scene_open(&s, NULL);
    set_extension(&s, KEY_SHARE, NULL, 0);
    send_hello(&s);
    expect_refusal(&s, MISSING_EXTENSION);
    tls_scene_close(&s);
}

/* Unknown, known and not offered, and of TLS 1.2. */
static void suite_not_offered(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint16_t suites[] = {0x1304, 0x1305, 0x1306, 0xC02B, 0xC02F, 0x0000, 0x00FF};
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        tls_scene s;
        tls_scene_open(&s, NULL);
        put16(s.hello + SUITE_AT(&s), suites[i]);
        send_hello(&s);
        expect_refusal(&s, ILLEGAL_PARAMETER);
        tls_scene_close(&s);
    }
}

/* A share's size is its group's (RFC 8446, 4.2.8.2; RFC 9954, 3). */
static void share_of_another_size(void **state)
{
    (void)state;
    if (tls_old_wolfssl() || !RP_HYBRID_GROUPS)
        skip();
    static const struct {
        const char *group;
        size_t size;
    } groups[] = {{"X25519", 32}, {"P-256", 65}, {"P-384", 97}, {"X25519MLKEM768", 1088 + 32}};
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        const size_t good = groups[i].size;
        const size_t sizes[] = {1, 31, good - 32, good - 1, good + 1, good + 32};
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            if (sizes[k] == 0 || sizes[k] == good)
                continue;
            uint8_t share[4 + 1088 + 64] = {0};
            tls_scene s;
            tls_scene_open_groups(&s, groups[i].group);
            const uint8_t *old = find_extension(&s, KEY_SHARE);
            memcpy(share, old + 4, 4 + good);
            put16(share + 2, sizes[k]);
            set_extension(&s, KEY_SHARE, share, 4 + sizes[k]);
            send_hello(&s);
            expect_refusal(&s, ILLEGAL_PARAMETER);
            tls_scene_close(&s);
        }
    }
}

/* The place of a message's header in the flight. */
static size_t find_message(const tls_scene *s, uint8_t type)
{
    size_t at = 0;
    while (s->flight[at] != type) {
        at += tls_message_size(s->flight + at);
        assert_true(at < s->flight_size);
    }
    return at;
}

/* ---- Certificate ----------------------------------------------------------------------------- */

enum { CERTIFICATE = 11 };

static uint8_t *put24(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 16);
    put16(at + 1, value & 0xFFFF);
    return at + 3;
}

/* The server's flight up to a Certificate that has the leaf so many times. */
static uint8_t *flight_of_leaves(const tls_scene *s, bool tls13, size_t count, size_t *size)
{
    size_t before = find_message(s, CERTIFICATE), extra = tls13 ? 1 : 0;
    const uint8_t *leaf = s->flight + before + 4 + extra + 3;
    size_t leaf_size = 3 + ((size_t)leaf[1] << 8 | leaf[2]) + (tls13 ? 2 : 0);
    size_t body = extra + 3 + count * leaf_size;
    uint8_t *flight = malloc(before + 4 + body), *at = flight + before;
    assert_non_null(flight);
    memcpy(flight, s->flight, before);
    *at++ = CERTIFICATE;
    at = put24(at, body);
    if (tls13)
        *at++ = 0; /* no context */
    at = put24(at, count * leaf_size);
    for (size_t i = 0; i < count; i++, at += leaf_size)
        memcpy(at, leaf, leaf_size);
    *size = (size_t)(at - flight);
    return flight;
}

/* One message for every number over the limit, and an alert for it. */
static void certificates_without_end(void **state)
{
    static const struct {
        size_t count;
        int alert;
        const char *text;
    } cases[] = {
        {0, DECODE_ERROR, "localhost (127.0.0.1:443) showed no certificate"},
        {64, 0, NULL},
        {65, BAD_CERTIFICATE,
         "certificate of localhost (127.0.0.1:443) is not valid: more than 64 certificates were "
         "sent"},
        {66, BAD_CERTIFICATE, NULL},
        {100, BAD_CERTIFICATE, NULL},
    };
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        tls_scene s;
        size_t size;
        bool tls13 = i % 2 == 0;
        const char *text = i / 2 > 2 ? cases[2].text : cases[i / 2].text;
        if (tls13) {
            tls_scene_open(&s, NULL);
            tls_scene_hello(&s);
        } else {
            tls_scene_open_12(&s, RP_TLS_1_2);
        }
        uint8_t *flight = flight_of_leaves(&s, tls13, cases[i / 2].count, &size);
        for (size_t at = 0; at < size; at += 8000) {
            size_t part = size - at < 8000 ? size - at : 8000;
            if (tls13)
                tls_scene_send(&s, TLS_HANDSHAKE_RECORD, flight + at, part);
            else
                tls_scene_send_plain(&s, flight + at, part);
        }
        free(flight);
        if (text == NULL || !s.client->failed) { /* the leaf alone leads to no anchor */
            assert_null(text);
            assert_int_equal(s.client->error.status, RP_E_CERT_UNTRUSTED);
        } else {
            assert_string_equal(s.client->error.text, text);
            assert_int_equal(s.client->error.status, RP_E_CERT_INVALID);
            assert_int_equal(s.client->error.tls_alert, cases[i / 2].alert);
            assert_int_equal(tls_scene_alert(&s), cases[i / 2].alert);
        }
        tls_scene_close(&s);
    }
}

/* ---- Signatures ------------------------------------------------------------------------------ */

/* RFC 8446, 4.2.3: rsa_pss_rsae_* and PKCS #1 are signed by keys of the kind rsaEncryption,
 * rsa_pss_pss_* by those of RSASSA-PSS. The signatures are the same but for the name, so what is
 * refused must be the scheme. */
static void scheme_of_another_kind(void **state)
{
    static const char *const leaves[] = {"server-rsa", "server-rsa-pss"};
    enum { CERTIFICATE_VERIFY = 15, SERVER_KEY_EXCHANGE = 12, X25519_BYTES = 32 };
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (size_t i = 0; i < 4; i++) {
        tls_scene s;
        tls_scene_leaf = leaves[i % 2];
        if (i < 2) {
            tls_scene_open(&s, NULL);
            tls_scene_hello(&s);
        } else {
            tls_scene_open_12(&s, RP_TLS_1_2);
        }
        size_t at = i < 2 ? find_message(&s, CERTIFICATE_VERIFY) + 4
                          : find_message(&s, SERVER_KEY_EXCHANGE) + 4 + 1 + 2 + 1 + X25519_BYTES;
        assert_int_equal(s.flight[at], 8);
        if (i % 2 == 0 || s.flight[at + 1] > 8) /* wolfSSL's server says rsa_pss_rsae_* itself */
            s.flight[at + 1] = (uint8_t)(s.flight[at + 1] + (i % 2 == 0 ? 5 : -5));
        if (i < 2)
            tls_scene_send(&s, TLS_HANDSHAKE_RECORD, s.flight, s.flight_size);
        else
            tls_scene_send_plain(&s, s.flight, s.flight_size);
        expect_refusal(&s, ILLEGAL_PARAMETER);
        tls_scene_close(&s);
    }
    tls_scene_leaf = "server-ecdsa";
}

/* ---- Anything -------------------------------------------------------------------------------- */

/* Whatever is changed: if it is refused, then with an alert, and nobody reads of a code. */
static void expect_reason(tls_scene *s, size_t at)
{
    if (!s->client->failed)
        return;
    const rp_error *error = &s->client->error;
    int alert = tls_scene_alert(s);
    if (alert <= 0 || error->tls_alert != alert || error->status == RP_E_TLS_FAILED)
        print_error("at %zu: %s, alert %d\n", at, error->text, alert);
    assert_int_not_equal(error->status, RP_E_TLS_FAILED);
    assert_int_not_equal(error->status, RP_E_NO_MEMORY);
    assert_true(alert > 0);
    assert_int_equal(error->tls_alert, alert);
}

static void each_byte_of_hello(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    static const uint8_t changes[] = {0x01, 0x80, 0xFF};
    size_t size = 6;
    for (size_t at = 5; at < size; at++) {
        for (size_t i = 0; i < sizeof(changes); i++) {
            tls_scene s;
            tls_scene_open_groups(&s, "X25519");
            size = s.hello_size;
            s.hello[at] ^= changes[i];
            send_hello(&s);
            expect_reason(&s, at);
            tls_scene_close(&s);
        }
    }
}

/* Every byte at first, some of the certificates', and every byte of the signature and what is
 * behind it. */
static size_t next_place(const tls_scene *s, size_t at)
{
    return at + (at < 64 || at + 240 > s->flight_size ? 1 : 61);
}

static size_t change_flight(const char *leaf, size_t at)
{
    tls_scene s;
    tls_scene_leaf = leaf;
    tls_scene_open(&s, NULL);
    tls_scene_hello(&s);
    s.flight[at] ^= 0xFF;
    tls_scene_send(&s, TLS_HANDSHAKE_RECORD, s.flight, s.flight_size);
    if (!s.client->failed) { /* a message that goes on */
        static const uint8_t byte;
        tls_scene_send(&s, TLS_DATA_RECORD, &byte, 1);
    }
    assert_true(s.client->failed);
    expect_reason(&s, at);
    at = next_place(&s, at);
    at = at < s.flight_size ? at : 0;
    tls_scene_close(&s);
    return at;
}

static size_t change_flight_12(const char *leaf, size_t at)
{
    tls_scene s;
    tls_scene_leaf = leaf;
    tls_scene_open_12(&s, RP_TLS_1_2);
    s.flight[at] ^= 0xFF;
    tls_scene_send_plain(&s, s.flight, s.flight_size);
    expect_reason(&s, at);
    at = next_place(&s, at);
    at = at < s.flight_size ? at : 0;
    tls_scene_close(&s);
    return at;
}

static void bytes_of_flight(void **state)
{
    static const char *const leaves[] = {"server-ecdsa", "server-rsa", "server-rsa-pss",
                                         "server-ed25519"};
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        for (size_t at = change_flight(leaves[i], 0); at > 0;)
            at = change_flight(leaves[i], at);
        for (size_t at = change_flight_12(leaves[i], 0); at > 0;)
            at = change_flight_12(leaves[i], at);
    }
    tls_scene_leaf = "server-ecdsa";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_record),
        cmocka_unit_test(header_too_long),
        cmocka_unit_test(no_key_share),
        cmocka_unit_test(suite_not_offered),
        cmocka_unit_test(share_of_another_size),
        cmocka_unit_test(scheme_of_another_kind),
        cmocka_unit_test(certificates_without_end),
        cmocka_unit_test(each_byte_of_hello),
        cmocka_unit_test(bytes_of_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
