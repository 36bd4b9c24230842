/* test_x509_signature.c - which keys and algorithms are good enough, and that a signature holds for
 * what was signed, by that key, and for nothing else. */
#include "support/chains.h"
#include "support/der_change.h"
#include "x509/certificate.h"
#include "x509/der.h"
#include "x509/signature.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/hash.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t from_hex(const char *hex, uint8_t *bytes, size_t capacity)
{
    size_t size = 0;
    for (; *hex != '\0'; hex += *hex == ' ') {
        unsigned byte = 0;
        if (*hex == ' ')
            continue;
        assert_true(size < capacity && sscanf(hex, "%2x", &byte) == 1);
        bytes[size++] = (uint8_t)byte;
        hex += 2;
    }
    return size;
}

/* ---- Keys ------------------------------------------------------------------------------------ */

#define MALFORMED "its key is malformed"
#define RSA_MALFORMED "its RSA key is malformed"
#define EC "06072a8648ce3d0201"
#define RSA "06092a864886f70d010101"

static const struct {
    const char *hex, *reason;
} bad_keys[] = {
    {"", MALFORMED},
    {"3000", MALFORMED},
    {"3004 3000 0500", MALFORMED},
    {"3005 3003 060103", MALFORMED},
    {"300a 3003 060103 0303 010000", MALFORMED}, /* an unused bit */
    {"3009 3003 060103 0302 0000", "its key is of a kind that is not supported"},
    {"300a 3003 060103 0302 0000 05", MALFORMED},
    {"3009 3003 060103 0302 0000 05", MALFORMED},
    {"300f 3009 " EC " 0302 0000", "its key is not on a named curve"},
    {"3011 300b " EC " 0500 0302 0000", "its key is not on a named curve"},
    {"3017 3011 " EC " 06052b81040022 0500"
     " 0302 0000",
     MALFORMED}, /* cut short */
    {"3018 3012 " EC " 06052b81040022 0500"
     " 0302 0000",
     "its key is not on a named curve"},
    {"3016 3010 " EC " 06052b8104000a 0302 0000", "its key is on a curve that is not supported"},
    {"3016 3010 " EC " 06052b81040022 0302 0000", MALFORMED},
    {"300c 3005 06032b6570 0303 000000", MALFORMED},     /* Ed25519 of two bytes */
    {"3011 300b " RSA " 0302 0000", RSA_MALFORMED},      /* no NULL */
    {"3013 300d " RSA " 0500 0302 0000", RSA_MALFORMED}, /* no numbers */
    {"3016 300d " RSA " 0500 0305 00 30020201", RSA_MALFORMED},
    {"301a 300d " RSA " 0500 0309 00 3006 020103 020103", "its RSA key has less than 2048 bits"},
    {"301a 300d " RSA " 0500 0309 00 3006 0201ff 020103", RSA_MALFORMED}, /* negative */
    {"301a 300d " RSA " 0500 0309 00 3006 020100 020103", RSA_MALFORMED},
    {"301c 300d " RSA " 0500 030b 00 3006 020103 020103 0500", RSA_MALFORMED},
    {"301c 300d " RSA " 0500 030b 00 3008 020103 020103 0500", RSA_MALFORMED},
    {"301c 300f " RSA " 0500 0500 0309 00 3006 020103 020103", RSA_MALFORMED},
};

static void keys_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_keys); i++) {
        uint8_t bytes[128];
        rp_public_key key;
        size_t size = from_hex(bad_keys[i].hex, bytes, sizeof(bytes));
        const char *reason = rp__public_key_read(&key, (rp_slice){bytes, size});
        if (reason == NULL || strcmp(reason, bad_keys[i].reason) != 0)
            fail_msg("%s: %s", bad_keys[i].hex, reason);
        assert_int_equal(key.kind, RP_KEY_NONE);
    }
}

#define SIZE_OF_TWO(size) (uint8_t)((size) >> 8), (uint8_t)(size)

/* An RSA key of so many bits and this exponent: all ones. */
static const char *read_rsa_key(size_t bits, const char *exponent)
{
    static uint8_t bytes[2048];
    uint8_t number[16];
    size_t modulus = (bits + 7) / 8, exponent_size = from_hex(exponent, number, sizeof(number));
    size_t zero = bits % 8 == 0, pair = 4 + zero + modulus + 2 + exponent_size, used = 0;
    rp_public_key key;
    uint8_t head[] = {0x30,
                      0x82,
                      SIZE_OF_TWO(15 + 5 + 4 + pair),
                      0x30,
                      0x0d,
                      0x06,
                      0x09,
                      0x2a,
                      0x86,
                      0x48,
                      0x86,
                      0xf7,
                      0x0d,
                      0x01,
                      0x01,
                      0x01,
                      0x05,
                      0x00,
                      0x03,
                      0x82,
                      SIZE_OF_TWO(1 + 4 + pair),
                      0x00,
                      0x30,
                      0x82,
                      SIZE_OF_TWO(pair),
                      0x02,
                      0x82,
                      SIZE_OF_TWO(zero + modulus)};
    memcpy(bytes, head, sizeof(head));
    used = sizeof(head);
    if (zero)
        bytes[used++] = 0;
    memset(bytes + used, 0xff, modulus);
    if (!zero)
        bytes[used] = (uint8_t)((1u << (bits % 8)) - 1);
    used += modulus;
    bytes[used++] = 0x02;
    bytes[used++] = (uint8_t)exponent_size;
    memcpy(bytes + used, number, exponent_size);
    return rp__public_key_read(&key, (rp_slice){bytes, used + exponent_size});
}

static void rsa_keys(void **state)
{
    (void)state;
    assert_null(read_rsa_key(2048, "010001"));
    assert_null(read_rsa_key(2048, "03"));
    assert_null(read_rsa_key(2049, "010001"));
    assert_null(read_rsa_key(4096, "010001"));
    assert_null(read_rsa_key(2048, "00ffffffff"));
    assert_string_equal(read_rsa_key(2047, "010001"), "its RSA key has less than 2048 bits");
    assert_string_equal(read_rsa_key(8193, "010001"), "its RSA key has too many bits");
    static const char *const exponents[] = {"01", "02", "010000", "0100000001"};
    for (size_t i = 0; i < COUNT(exponents); i++)
        assert_string_equal(read_rsa_key(2048, exponents[i]), "its RSA key has a bad exponent");
    assert_string_equal(read_rsa_key(2048, "ff"), RSA_MALFORMED);
}

/* ---- Algorithms ------------------------------------------------------------------------------ */

#define PSS "06092a864886f70d01010a "
#define ID_SHA256 "300d 0609608648016503040201 0500"
#define ID_SHA384 "300d 0609608648016503040202 0500"
#define ID_SHA512 "300d 0609608648016503040203 0500"
#define MGF "06092a864886f70d010108 "
#define PSS_REFUSED "it is signed by RSA-PSS with parameters that are not supported"
#define ALGORITHM_MALFORMED "its signature algorithm is malformed"

static const struct {
    const char *hex, *reason;
    rp_signature_scheme scheme;
    unsigned bits;
} algorithms[] = {
    {"06092a864886f70d01010b 0500", NULL, RP_SIGNATURE_RSA_PKCS1, 256},
    {"06092a864886f70d01010b", NULL, RP_SIGNATURE_RSA_PKCS1, 256}, /* RFC 4055, 2.1 */
    {"06092a864886f70d01010c 0500", NULL, RP_SIGNATURE_RSA_PKCS1, 384},
    {"06092a864886f70d01010d 0500", NULL, RP_SIGNATURE_RSA_PKCS1, 512},
    {"06092a864886f70d01010b 020101", ALGORITHM_MALFORMED, RP_SIGNATURE_NONE, 0},
    {"06092a864886f70d01010b 0500 0500", ALGORITHM_MALFORMED, RP_SIGNATURE_NONE, 0},
    {"06082a8648ce3d040302", NULL, RP_SIGNATURE_ECDSA, 256},
    {"06082a8648ce3d040303", NULL, RP_SIGNATURE_ECDSA, 384},
    {"06082a8648ce3d040304", NULL, RP_SIGNATURE_ECDSA, 512},
    {"06082a8648ce3d040302 0500", ALGORITHM_MALFORMED, RP_SIGNATURE_NONE, 0},
    {"06032b6570", NULL, RP_SIGNATURE_ED25519, 512},
    {"06032b6570 0500", ALGORITHM_MALFORMED, RP_SIGNATURE_NONE, 0},
    {"06092a864886f70d010105 0500", "it is signed with SHA-1, which is broken", RP_SIGNATURE_NONE,
     0},
    {"06092a864886f70d010104 0500", "it is signed with MD5, which is broken", RP_SIGNATURE_NONE, 0},
    {"06092a864886f70d010102 0500", "it is signed with MD2, which is broken", RP_SIGNATURE_NONE, 0},
    {"06072a8648ce3d0401", "it is signed with SHA-1, which is broken", RP_SIGNATURE_NONE, 0},
    {"06092a864886f70d01010e 0500", "it is signed by an algorithm that is not supported",
     RP_SIGNATURE_NONE, 0},
    {"0500", ALGORITHM_MALFORMED, RP_SIGNATURE_NONE, 0},
    {PSS "3034 a00f " ID_SHA256 " a11c 301a " MGF ID_SHA256 " a203 020120", NULL,
     RP_SIGNATURE_RSA_PSS, 256},
    {PSS "3034 a00f " ID_SHA384 " a11c 301a " MGF ID_SHA384 " a203 020130", NULL,
     RP_SIGNATURE_RSA_PSS, 384},
    {PSS "3039 a00f " ID_SHA256 " a11c 301a " MGF ID_SHA256 " a203 020120 a303 020101", NULL,
     RP_SIGNATURE_RSA_PSS, 256},
    {PSS "3039 a00f " ID_SHA256 " a11c 301a " MGF ID_SHA256 " a203 020120 a303 020102", PSS_REFUSED,
     RP_SIGNATURE_NONE, 0},
    {PSS "3034 a00f " ID_SHA256 " a11c 301a " MGF ID_SHA384 " a203 020120", PSS_REFUSED,
     RP_SIGNATURE_NONE, 0},
    {PSS "3034 a00f " ID_SHA256 " a11c 301a " MGF ID_SHA256 " a203 020114", PSS_REFUSED,
     RP_SIGNATURE_NONE, 0},
    {PSS "3034 a00f " ID_SHA256 " a11c 301a 06092a864886f70d010107 " ID_SHA256 " a203 020120",
     PSS_REFUSED, RP_SIGNATURE_NONE, 0},
    {PSS "3000", PSS_REFUSED, RP_SIGNATURE_NONE, 0}, /* SHA-1 by default */
    {PSS "0500", PSS_REFUSED, RP_SIGNATURE_NONE, 0},
    {PSS, PSS_REFUSED, RP_SIGNATURE_NONE, 0},
    {PSS "3012 a00d 300b 06092a864886f70d010105 a203 020120", PSS_REFUSED, RP_SIGNATURE_NONE, 0},
};

static void algorithms_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        uint8_t bytes[128];
        rp_signature_algorithm algorithm;
        size_t size = from_hex(algorithms[i].hex, bytes, sizeof(bytes));
        const char *reason = rp__signature_algorithm_read(&algorithm, (rp_slice){bytes, size});
        if ((reason == NULL) != (algorithms[i].reason == NULL) ||
            (reason != NULL && strcmp(reason, algorithms[i].reason) != 0))
            fail_msg("%s: %s", algorithms[i].hex, reason);
        assert_int_equal(algorithm.scheme, algorithms[i].scheme);
        if (reason == NULL)
            assert_int_equal(algorithm.hash_bits, algorithms[i].bits);
    }
}

/* Whatever element of it is changed, an algorithm is refused, or still says the same: a NULL may be
 * left out (RFC 4055, 2.1), and a trailer field that is the default. */
static void changed_algorithms(void **state)
{
    static const char *const whole[] = {
        "3046 " PSS "3039 a00f " ID_SHA256 " a11c 301a " MGF ID_SHA256 " a203 020120 a303 020101",
        "3041 " PSS "3034 a00f " ID_SHA512 " a11c 301a " MGF ID_SHA512 " a203 020140",
        "300d 06092a864886f70d01010c 0500",
        "300a 06082a8648ce3d040303",
        "3005 06032b6570",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(whole); i++) {
        uint8_t bytes[128];
        rp_slice der = {bytes, from_hex(whole[i], bytes, sizeof(bytes))}, in = der, changed;
        rp_slice identifier;
        rp_signature_algorithm before, after;
        assert_true(rp__der_get(&in, RP_DER_SEQUENCE, &identifier) && in.size == 0);
        assert_null(rp__signature_algorithm_read(&before, identifier));
        for (int kind = 0; kind < DER_CHANGE_KINDS; kind++) {
            for (size_t at = 1; der_change(der, at, (der_change_kind)kind, &changed); at++) {
                in = changed;
                assert_true(rp__der_get(&in, RP_DER_SEQUENCE, &identifier));
                const char *reason = rp__signature_algorithm_read(&after, identifier);
                if (reason == NULL &&
                    (after.scheme != before.scheme || after.hash_bits != before.hash_bits))
                    fail_msg("algorithm %zu, change %d of element %zu", i, kind, at);
                assert_true((reason == NULL) == (after.scheme != RP_SIGNATURE_NONE));
                chain_free(&changed, 1);
            }
        }
    }
}

/* ---- Signatures ------------------------------------------------------------------------------ */

typedef struct made_signature {
    rp_slice der;
    rp_certificate certificate;
    rp_public_key key;
    rp_signature_algorithm algorithm;
} made_signature;

static void make(made_signature *made, chain_key_kind kind, chain_signature signature)
{
    const chain_spec spec = {.subject = "x", .issuer = -1, .key = kind, .signature = signature};
    const char *reason;
    made->der = chain_certificate(&spec, 0);
    assert_true(rp__certificate_read(&made->certificate, made->der, &reason));
    assert_null(rp__public_key_read(&made->key, made->certificate.public_key));
    assert_null(rp__signature_algorithm_read(&made->algorithm, made->certificate.algorithm));
}

static rp_signature_result verify(const made_signature *made, rp_slice message, rp_slice signature)
{
    return rp__signature_verify(&made->key, &made->algorithm, message, signature);
}

static const struct {
    chain_key_kind kind;
    chain_signature signature;
} kinds[] = {
    {CHAIN_P256, CHAIN_BY_KEY},    {CHAIN_P384, CHAIN_SHA384},    {CHAIN_P521, CHAIN_SHA512},
    {CHAIN_ED25519, CHAIN_BY_KEY}, {CHAIN_RSA, CHAIN_BY_KEY},     {CHAIN_RSA, CHAIN_SHA512},
    {CHAIN_RSA, CHAIN_PSS_SHA384}, {CHAIN_RSA_PSS, CHAIN_BY_KEY},
};

/* Not one bit of it may be another, no byte may be missing, and none may be added. */
static void signatures_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        made_signature made;
        uint8_t copy[600];
        make(&made, kinds[i].kind, kinds[i].signature);
        rp_slice message = made.certificate.signed_part, signature = made.certificate.signature;
        assert_int_equal(verify(&made, message, signature), RP_SIGNATURE_GOOD);
        assert_int_equal(verify(&made, (rp_slice){message.data, message.size - 1}, signature),
                         RP_SIGNATURE_BAD);
        memcpy(copy, signature.data, signature.size);
        copy[signature.size] = 0;
        for (size_t at = 0; at < signature.size; at += i < 4 ? 1 : 17) {
            copy[at] ^= (uint8_t)(1u << (at % 8));
            assert_int_equal(verify(&made, message, (rp_slice){copy, signature.size}),
                             RP_SIGNATURE_BAD);
            copy[at] ^= (uint8_t)(1u << (at % 8));
        }
        assert_int_equal(verify(&made, message, (rp_slice){copy, signature.size}),
                         RP_SIGNATURE_GOOD);
        assert_int_equal(verify(&made, message, (rp_slice){copy, signature.size + 1}),
                         RP_SIGNATURE_BAD);
        assert_int_equal(verify(&made, message, (rp_slice){copy, signature.size - 1}),
                         RP_SIGNATURE_BAD);
        assert_int_equal(verify(&made, message, (rp_slice){copy, 0}), RP_SIGNATURE_BAD);
        chain_free(&made.der, 1);
    }
}

/* And whatever element of a key is changed: there is one way to write each. */
static void changed_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        made_signature made;
        rp_slice changed;
        make(&made, kinds[i].kind, kinds[i].signature);
        for (int kind = 0; kind < DER_CHANGE_KINDS; kind++) {
            for (size_t at = 0;
                 der_change(made.certificate.public_key, at, (der_change_kind)kind, &changed);
                 at++) {
                rp_public_key key;
                const char *reason = rp__public_key_read(&key, changed);
                if (reason == NULL && !rp__slice_equal(changed, made.certificate.public_key))
                    fail_msg("key %zu, change %d of element %zu", i, kind, at);
                chain_free(&changed, 1);
            }
        }
        chain_free(&made.der, 1);
    }
}

/* An ECDSA signature is two numbers, and there is one way to write it (RFC 3279, 2.2.3). */
static void changed_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        made_signature made;
        rp_slice changed;
        make(&made, kinds[i].kind, kinds[i].signature);
        rp_slice message = made.certificate.signed_part, whole = made.certificate.signature;
        for (int kind = 0; kind < DER_CHANGE_KINDS; kind++) {
            for (size_t at = 0; der_change(whole, at, (der_change_kind)kind, &changed); at++) {
                if (verify(&made, message, changed) != RP_SIGNATURE_BAD)
                    fail_msg("curve %zu, change %d of element %zu", i, kind, at);
                chain_free(&changed, 1);
            }
        }
        chain_free(&made.der, 1);
    }
}

/* RFC 5480, 2.2: points are uncompressed here, and not of both forms at once. */
static void forms_of_points(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        made_signature made;
        uint8_t info[256];
        make(&made, kinds[i].kind, kinds[i].signature);
        rp_slice whole = made.certificate.public_key;
        memcpy(info, whole.data, whole.size);
        uint8_t *first = info + (made.key.point.data - whole.data);
        assert_int_equal(*first, 4);
        for (*first = 0; *first < 9; ++*first) {
            rp_public_key key;
            const char *reason = rp__public_key_read(&key, (rp_slice){info, whole.size});
            assert_int_equal(reason == NULL, *first == 4);
        }
        chain_free(&made.der, 1);
    }
}

/* A hash in place of what was hashed, as a key that is elsewhere signs it. */
static void hashes_are_verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        made_signature made;
        uint8_t hash[65] = {0};
        make(&made, kinds[i].kind, kinds[i].signature);
        rp_slice message = made.certificate.signed_part, signature = made.certificate.signature;
        rp_slice input = {hash, made.algorithm.hash_bits / 8};
        bool whole = made.key.kind == RP_KEY_ED25519; /* which hashes by itself */
        if (whole)
            input = message;
        else
            assert_int_equal(wc_Hash(made.algorithm.hash_bits == 256   ? WC_HASH_TYPE_SHA256
                                     : made.algorithm.hash_bits == 384 ? WC_HASH_TYPE_SHA384
                                                                       : WC_HASH_TYPE_SHA512,
                                     message.data, (word32)message.size, hash, (word32)input.size),
                             0);
        rp_slice shorter = {input.data, input.size - 1};
        rp_slice longer = {input.data,
                           input.size + 1}; /* which ECDSA would cut (FIPS 186-5, 6.4) */
        assert_int_equal(rp__signature_verify_hash(&made.key, &made.algorithm, input, signature),
                         RP_SIGNATURE_GOOD);
        assert_int_equal(rp__signature_verify_hash(&made.key, &made.algorithm, shorter, signature),
                         RP_SIGNATURE_BAD);
        if (!whole)
            assert_int_equal(
                rp__signature_verify_hash(&made.key, &made.algorithm, longer, signature),
                RP_SIGNATURE_BAD);
        hash[0] ^= 1;
        assert_int_equal(rp__signature_verify_hash(&made.key, &made.algorithm, input, signature),
                         whole ? RP_SIGNATURE_GOOD : RP_SIGNATURE_BAD);
        rp_public_key none = {.kind = RP_KEY_NONE};
        assert_int_equal(rp__signature_verify_hash(&none, &made.algorithm, input, signature),
                         RP_SIGNATURE_BAD);
        chain_free(&made.der, 1);
    }
}

/* What an RSA signature holds is of the hash that the algorithm names, its size included. */
static void hashes_are_told_apart(void **state)
{
    (void)state;
    static const chain_signature signatures[] = {CHAIN_BY_KEY, CHAIN_SHA384, CHAIN_SHA512};
    made_signature made[3];
    for (size_t i = 0; i < 3; i++)
        make(&made[i], CHAIN_RSA, signatures[i]);
    for (size_t i = 0; i < 9; i++) {
        const made_signature *one = &made[i / 3], *other = &made[i % 3];
        rp_signature_result result = rp__signature_verify(
            &one->key, &other->algorithm, one->certificate.signed_part, one->certificate.signature);
        assert_int_equal(result, one == other ? RP_SIGNATURE_GOOD : RP_SIGNATURE_BAD);
    }
    chain_free(&made[0].der, 1);
    chain_free(&made[1].der, 1);
    chain_free(&made[2].der, 1);
}

/* wolfCrypt keeps tables of keys that come again, of so many: what it answers does not depend on
 * what else was asked. */
static void keys_by_turns(void **state)
{
    enum { KEYS = 20, ROUNDS = 4 };
    (void)state;
    static const chain_key_kind curves[] = {CHAIN_P256, CHAIN_P384, CHAIN_P521};
    for (size_t curve = 0; curve < COUNT(curves); curve++) {
        static made_signature made[KEYS];
        for (unsigned i = 0; i < KEYS; i++) {
            const chain_spec spec = {
                .subject = "x", .issuer = -1, .key = curves[curve], .key_number = 300 + i};
            const char *reason;
            made[i].der = chain_certificate(&spec, 0);
            assert_true(rp__certificate_read(&made[i].certificate, made[i].der, &reason));
            assert_null(rp__public_key_read(&made[i].key, made[i].certificate.public_key));
            assert_null(
                rp__signature_algorithm_read(&made[i].algorithm, made[i].certificate.algorithm));
        }
        /* Each once a round, each several times, and a few among many. */
        for (unsigned n = 0; n < 3 * KEYS * ROUNDS; n++) {
            unsigned round = n / (KEYS * ROUNDS);
            unsigned i = round == 0 ? n % KEYS : round == 1 ? n / ROUNDS % KEYS : n * n % KEYS;
            const made_signature *one = &made[i], *other = &made[(i + 1) % KEYS];
            assert_int_equal(verify(one, one->certificate.signed_part, one->certificate.signature),
                             RP_SIGNATURE_GOOD);
            assert_int_equal(
                verify(one, other->certificate.signed_part, other->certificate.signature),
                RP_SIGNATURE_BAD);
        }
        for (unsigned i = 0; i < KEYS; i++)
            chain_free(&made[i].der, 1);
    }
}

/* Each key with each other's signature: another key, another kind, another scheme. */
static void keys_are_told_apart(void **state)
{
    (void)state;
    made_signature all[COUNT(kinds)];
    for (size_t i = 0; i < COUNT(kinds); i++)
        make(&all[i], kinds[i].kind, kinds[i].signature);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        for (size_t j = 0; j < COUNT(kinds); j++) {
            made_signature mixed = all[j];
            mixed.key = all[i].key;
            rp_signature_result result =
                verify(&mixed, mixed.certificate.signed_part, mixed.certificate.signature);
            /* The RSA key is one; under the type of PSS it does not sign otherwise. */
            bool rsa = i >= 4 && j >= 4, pss = j >= 6;
            bool good = i == j || (rsa && (pss || i != 7));
            if (result != (good ? RP_SIGNATURE_GOOD : RP_SIGNATURE_BAD))
                fail_msg("key %zu, signature %zu", i, j);
        }
    }
    rp_public_key none = {.kind = RP_KEY_NONE};
    assert_int_equal(rp__signature_verify(&none, &all[0].algorithm, all[0].certificate.signed_part,
                                          all[0].certificate.signature),
                     RP_SIGNATURE_BAD);
    for (size_t i = 0; i < COUNT(kinds); i++)
        chain_free(&all[i].der, 1);
}

/* ---- Restricted keys ------------------------------------------------------------------------- */

#define MASKED(hash) "a00f " hash " a11c 301a " MGF hash

static const struct {
    const char *hex; /* the parameters of a key of RSA-PSS */
    bool signs[3];   /* with SHA-256, SHA-384, SHA-512 */
} restrictions[] = {
    {"", {true, true, true}},
    {"3034 " MASKED(ID_SHA256) " a203 020120", {true, false, false}},
    {"3034 " MASKED(ID_SHA384) " a203 020130", {false, true, false}},
    {"3034 " MASKED(ID_SHA512) " a203 020140", {false, false, true}},
    /* The salt is the least that a signature may have. */
    {"302f " MASKED(ID_SHA256), {true, false, false}}, /* 20 */
    {"3034 " MASKED(ID_SHA256) " a203 020100", {true, false, false}},
    {"3034 " MASKED(ID_SHA384) " a203 020120", {false, true, false}},
    {"3034 " MASKED(ID_SHA256) " a203 020121", {false, false, false}},
    {"3034 " MASKED(ID_SHA256) " a203 020140", {false, false, false}},
    {"3037 " MASKED(ID_SHA256) " a206 020420000020", {false, false, false}},
    {"3039 " MASKED(ID_SHA256) " a203 020120 a303 020101", {true, false, false}},
    /* Which no signature here can have. */
    {"3039 " MASKED(ID_SHA256) " a203 020120 a303 020102", {false, false, false}},
    {"3034 a00f " ID_SHA256 " a11c 301a " MGF ID_SHA384 " a203 020120", {false, false, false}},
    {"3000", {false, false, false}}, /* SHA-1 */
    {"0500", {false, false, false}},
    {"3034 " MASKED(ID_SHA256) " a203 020120 0500", {false, false, false}},
};

static size_t put_header(uint8_t *out, uint8_t tag, size_t size)
{
    const uint8_t header[] = {tag, 0x82, SIZE_OF_TWO(size)};
    memcpy(out, header, sizeof(header));
    return sizeof(header);
}

/* info with other parameters: of RSA-PSS, in SubjectPublicKeyInfo. */
static rp_slice with_parameters(rp_slice info, const char *hex, uint8_t out[1024])
{
    rp_slice content, algorithm, type;
    uint8_t parameters[128];
    size_t size = from_hex(hex, parameters, sizeof(parameters)), used = 0;
    assert_true(rp__der_get(&info, RP_DER_SEQUENCE, &content));
    assert_true(rp__der_get(&content, RP_DER_SEQUENCE, &algorithm));
    assert_true(rp__der_element(&algorithm, RP_DER_OID, &type));
    used += put_header(out, 0x30, 2 + type.size + size + content.size);
    out[used++] = 0x30;
    out[used++] = (uint8_t)(type.size + size);
    memcpy(out + used, type.data, type.size);
    memcpy(out + used + type.size, parameters, size);
    used += type.size + size;
    memcpy(out + used, content.data, content.size);
    return (rp_slice){out, used + content.size};
}

/* A key of RSA-PSS may say what it signs with: it is not valid for anything else. */
static void restrictions_are_kept(void **state)
{
    (void)state;
    static const chain_signature hashes[] = {CHAIN_PSS_SHA256, CHAIN_PSS_SHA384, CHAIN_PSS_SHA512};
    for (size_t i = 0; i < COUNT(hashes); i++) {
        made_signature made;
        make(&made, CHAIN_RSA_PSS, hashes[i]);
        for (size_t j = 0; j < COUNT(restrictions); j++) {
            const bool *signs = restrictions[j].signs;
            uint8_t info[1024];
            const char *reason = rp__public_key_read(
                &made.key, with_parameters(made.certificate.public_key, restrictions[j].hex, info));
            if (reason != NULL) {
                assert_string_equal(
                    reason, "its RSA-PSS key is restricted to parameters that are not supported");
                assert_int_equal(made.key.kind, RP_KEY_NONE);
            }
            if ((reason == NULL) != (signs[0] || signs[1] || signs[2]) ||
                verify(&made, made.certificate.signed_part, made.certificate.signature) !=
                    (signs[i] ? RP_SIGNATURE_GOOD : RP_SIGNATURE_BAD))
                fail_msg("hash %zu, key of %s", i, restrictions[j].hex);
        }
        chain_free(&made.der, 1);
    }
}

/* A point must lie on its curve; and on Ed25519's every second number is one's. */
static void points_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            made_signature made;
            uint8_t point[256];
            make(&made, kinds[i].kind, kinds[i].signature);
            memcpy(point, made.key.point.data, made.key.point.size);
            point[made.key.point.size - 1] ^= (uint8_t)(1u << bit);
            made.key.point.data = point;
            assert_int_equal(
                verify(&made, made.certificate.signed_part, made.certificate.signature),
                RP_SIGNATURE_BAD);
            chain_free(&made.der, 1);
        }
    }
}

static void keys_are_told(void **state)
{
    (void)state;
    static const struct {
        chain_key_kind kind;
        const char *text;
    } cases[] = {{CHAIN_P256, "P-256"},   {CHAIN_P384, "P-384"},
                 {CHAIN_P521, "P-521"},   {CHAIN_ED25519, "Ed25519"},
                 {CHAIN_RSA, "RSA 2048"}, {CHAIN_RSA_PSS, "RSA-PSS 2048"}};
    char text[RP_KEY_TEXT_SIZE];
    for (size_t i = 0; i < COUNT(cases); i++) {
        made_signature made;
        make(&made, cases[i].kind, CHAIN_BY_KEY);
        assert_string_equal(rp__public_key_text(&made.key, text), cases[i].text);
        chain_free(&made.der, 1);
    }
    assert_string_equal(rp__public_key_text(&(rp_public_key){.kind = RP_KEY_NONE}, text), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_judged),       cmocka_unit_test(rsa_keys),
        cmocka_unit_test(algorithms_are_judged), cmocka_unit_test(changed_algorithms),
        cmocka_unit_test(signatures_hold),       cmocka_unit_test(changed_keys),
        cmocka_unit_test(forms_of_points),       cmocka_unit_test(changed_signatures),
        cmocka_unit_test(hashes_are_verified),   cmocka_unit_test(hashes_are_told_apart),
        cmocka_unit_test(keys_by_turns),         cmocka_unit_test(keys_are_told_apart),
        cmocka_unit_test(points_are_checked),    cmocka_unit_test(restrictions_are_kept),
        cmocka_unit_test(keys_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
