/* test_tls_keys.c - a server whose certificate is signed by whom the client trusts, though its key
 * is none: the error blames the server, and nothing else happens. */
#include "support/chains.h"
#include "support/tls_scene.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wolfssl/wolfcrypt/coding.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PEER "localhost (127.0.0.1:443)"
#define BEGUN 1577836800 /* 2020 */
#define UNTIL 2500000000 /* 2049 */

enum { CERTIFICATE = 11 };
enum { ALERT_OF_CERTIFICATE = 42, ALERT_OF_SIGNATURE = 51 };

static char root_pem[4096];

static void put_size(uint8_t *at, size_t size)
{
    at[0] = (uint8_t)(size >> 16);
    at[1] = (uint8_t)(size >> 8);
    at[2] = (uint8_t)size;
}

static size_t certificate_message(uint8_t *out, bool tls13, rp_slice der)
{
    size_t context = tls13 ? 1 : 0, extensions = tls13 ? 2 : 0;
    size_t size = context + 3 + 3 + der.size + extensions;
    memset(out, 0, 4 + size);
    out[0] = CERTIFICATE;
    put_size(out + 1, size);
    put_size(out + 4 + context, 3 + der.size + extensions);
    put_size(out + 4 + context + 3, der.size);
    memcpy(out + 4 + context + 6, der.data, der.size);
    return 4 + size;
}

static void trust(rp_slice root)
{
    static char text[3072];
    word32 size = sizeof(text);
    assert_int_equal(Base64_Encode(root.data, (word32)root.size, (byte *)text, &size), 0);
    (void)snprintf(root_pem, sizeof(root_pem),
                   "-----BEGIN CERTIFICATE-----\n%.*s-----END CERTIFICATE-----\n", (int)size, text);
    tls_scene_ca = root_pem;
}

/* The server's flight with the certificate in place of its own. */
static size_t forged_flight(const tls_scene *s, uint8_t *out, bool tls13, rp_slice leaf)
{
    size_t size = 0;
    for (size_t at = 0, message; at < s->flight_size; at += message) {
        message = tls_message_size(s->flight + at);
        if (s->flight[at] == CERTIFICATE) {
            size += certificate_message(out + size, tls13, leaf);
            continue;
        }
        memcpy(out + size, s->flight + at, message);
        size += message;
    }
    return size;
}

/* What a client says to a server that shows a certificate with such a key. */
static rp_error refused(bool tls13, chain_key_kind kind, const char *key)
{
    static uint8_t flight[16384];
    chain_spec specs[] = {
        {.subject = "Root", .issuer = -1, .flags = CHAIN_CA},
        {.names = "localhost", .purposes = "server", .key = kind, .forged_key = key},
    };
    rp_slice certificates[COUNT(specs)];
    tls_scene s;
    for (size_t i = 0; i < COUNT(specs); i++) {
        specs[i].not_before = BEGUN;
        specs[i].not_after = UNTIL;
    }
    chain_make(certificates, specs, COUNT(specs));
    trust(certificates[0]);
    tls_scene_leaf = kind == CHAIN_RSA ? "server-rsa" : "server-ecdsa";
    if (tls13) {
        tls_scene_open(&s, NULL);
        tls_scene_hello(&s);
        size_t size = forged_flight(&s, flight, true, certificates[1]);
        tls_scene_send(&s, TLS_HANDSHAKE_RECORD, flight, size);
    } else {
        tls_scene_open_12(&s, RP_TLS_1_2);
        tls_scene_send_plain(&s, flight, forged_flight(&s, flight, false, certificates[1]));
    }
    rp_error error = s.client->error;
    assert_true(s.client->failed && !s.client->opened);
    assert_int_equal(error.phase, RP_PHASE_HANDSHAKE);
    assert_int_equal(tls_scene_alert(&s), error.tls_alert);
    tls_scene_close(&s);
    chain_free(certificates, COUNT(specs));
    tls_scene_leaf = "server-ecdsa";
    tls_scene_ca = NULL;
    return error;
}

typedef struct forged {
    chain_key_kind kind;
    const char *begin, *unit; /* hex; the second so many times between the other two */
    size_t count;
    const char *end, *text; /* what is said of the certificate; NULL: of its signature */
} forged;

#define NO_KEY "can't decode peer key"
#define NUMBER_2048 "0282010100"
#define POINTS(kind, bytes)                                                                        \
    {kind, "04", "00", 2 * (bytes), "", NO_KEY}, {kind, "04", "ff", 2 * (bytes), "", NO_KEY},      \
        {kind, "04", "01", 2 * (bytes), "", NO_KEY},                                               \
    {                                                                                              \
        kind, "04", "00", 2 * (bytes)-1, "01", NO_KEY                                              \
    }

static const forged cases[] = {
    POINTS(CHAIN_P256, 32),
    POINTS(CHAIN_P384, 48),
    POINTS(CHAIN_P521, 66),
    /* Of order 1, 2, 4 and 8; not reduced, and on no curve. */
    {CHAIN_ED25519, "01", "00", 31, "", NO_KEY},
    {CHAIN_ED25519, "ec", "ff", 30, "7f", NO_KEY},
    {CHAIN_ED25519, "", "00", 32, "", NO_KEY},
    {CHAIN_ED25519, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "", 0, "",
     NO_KEY},
    {CHAIN_ED25519, "ee", "ff", 30, "7f", NO_KEY},
    {CHAIN_ED25519, "02", "00", 31, "", NO_KEY},
    /* Somebody else's, of any exponent that there may be. */
    {CHAIN_RSA, "3082010a" NUMBER_2048, "ff", 256, "0203010001", NULL},
    {CHAIN_RSA, "30820108" NUMBER_2048, "ff", 256, "020103", NULL},
    {CHAIN_RSA, "3082010c" NUMBER_2048, "ff", 256, "020500ffffffff", NULL},
    {CHAIN_RSA, "3082040a0282040100", "ff", 1024, "0203010001", NULL},
    {CHAIN_RSA, "30820108" NUMBER_2048, "ff", 256, "020101", "its RSA key has a bad exponent"},
    {CHAIN_RSA, "30820108" NUMBER_2048, "ff", 256, "020102", "its RSA key has a bad exponent"},
    {CHAIN_RSA, "3082010a" NUMBER_2048, "ff", 255, "fe0203010001",
     "its RSA key has an even modulus"},
    {CHAIN_RSA, "3006020103020103", "", 0, "", "its RSA key has less than 2048 bits"},
    {CHAIN_RSA, "3006020100020103", "", 0, "", "its RSA key is malformed"},
    {CHAIN_RSA, "3082010902820100", "ff", 256, "0203010001", "its RSA key is malformed"},
    {CHAIN_RSA, "3082080a0282080100", "ff", 2048, "0203010001", "its RSA key has too many bits"},
};

static void expect(const rp_error *error, const char *key, const char *text)
{
    char said[RP_ERROR_TEXT_SIZE];
    (void)snprintf(said, sizeof(said), "certificate of " PEER " is not valid: %s",
                   text != NULL ? text : "");
    bool blames = text != NULL ? strcmp(error->text, said) == 0
                               : strstr(error->text, PEER " broke the rules of TLS: ") != NULL;
    if (!blames)
        fail_msg("%.80s: %s", key, error->text);
    assert_int_equal(error->status, text != NULL ? RP_E_CERT_INVALID : RP_E_TLS_PROTOCOL);
    assert_int_equal(error->tls_alert, text != NULL ? ALERT_OF_CERTIFICATE : ALERT_OF_SIGNATURE);
}

static void keys_that_are_none(void **state)
{
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (size_t i = 0; i < COUNT(cases) * 2; i++) {
        const forged *at = &cases[i / 2];
        char key[4500];
        size_t size = (size_t)snprintf(key, sizeof(key), "%s", at->begin);
        for (size_t k = 0; k < at->count; k++)
            size += (size_t)snprintf(key + size, sizeof(key) - size, "%s", at->unit);
        (void)snprintf(key + size, sizeof(key) - size, "%s", at->end);
        rp_error error = refused(i % 2 == 1, at->kind, key);
        expect(&error, key, at->text);
    }
}

/* A good one, of which the server has not the private half. */
static void keys_of_others(void **state)
{
    static const chain_key_kind kinds[] = {CHAIN_P256, CHAIN_RSA};
    (void)state;
    if (tls_old_wolfssl())
        skip();
    for (size_t i = 0; i < COUNT(kinds) * 2; i++) {
        rp_error error = refused(i % 2 == 1, kinds[i / 2], NULL);
        expect(&error, "another's", NULL);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_are_none),
        cmocka_unit_test(keys_of_others),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
