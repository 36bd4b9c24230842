/* test_wolfcrypt.c - what scripts/deps makes faster in wolfCrypt gives what the slow way does:
 * X25519 (four multiplications at a time, inverses by division), HKDF with SHA-256 (whole
 * blocks), AES-GCM (four blocks at a time), ECDSA with P-256 (tables, eight lanes) and ML-KEM (four
 * states of Keccak). Which of the ways is taken depends on the processor; the answers must not. */
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/sha256.h>
#ifdef WOLFSSL_HAVE_MLKEM
#include <wolfssl/wolfcrypt/wc_mlkem.h>
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY_BYTES 32

/* ---- X25519 ---------------------------------------------------------------------------------- */

typedef struct x25519_bytes {
    uint8_t at[KEY_BYTES];
} x25519_bytes;

/* RFC 7748, 5: decodeScalar25519. */
static x25519_bytes clamped(x25519_bytes key)
{
    key.at[0] &= 248;
    key.at[KEY_BYTES - 1] = (uint8_t)((key.at[KEY_BYTES - 1] & 127) | 64);
    return key;
}

static x25519_bytes times(x25519_bytes key, x25519_bytes point)
{
    x25519_bytes product;
    key = clamped(key);
    point.at[KEY_BYTES - 1] &= 127;
    assert_int_equal(
        wc_curve25519_generic(KEY_BYTES, product.at, KEY_BYTES, key.at, KEY_BYTES, point.at), 0);
    return product;
}

static x25519_bytes public_of(x25519_bytes key)
{
    x25519_bytes public;
    key = clamped(key);
    assert_int_equal(wc_curve25519_make_pub(KEY_BYTES, public.at, KEY_BYTES, key.at), 0);
    return public;
}

static void assert_same(x25519_bytes a, x25519_bytes b)
{
    assert_memory_equal(a.at, b.at, KEY_BYTES);
}

/* Any keys, the same in each run: the multiples of nine by what was got before. */
static x25519_bytes next_key(x25519_bytes key)
{
    static const x25519_bytes nine = {{9}};
    return times(key, nine);
}

static const x25519_bytes first_key = {{0x5a, 0xa5, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9}};

/* RFC 7748, 5.2: each product is the next key, and each key the next point. It has what comes of
 * one and of a thousand; a hundred is by the same program that gives these two. */
static void iterated(void **state)
{
    static const x25519_bytes once = {{0x42, 0x2c, 0x8e, 0x7a, 0x62, 0x27, 0xd7, 0xbc,
                                       0xa1, 0x35, 0x0b, 0x3e, 0x2b, 0xb7, 0x27, 0x9f,
                                       0x78, 0x97, 0xb8, 0x7b, 0xb6, 0x85, 0x4b, 0x78,
                                       0x3c, 0x60, 0xe8, 0x03, 0x11, 0xae, 0x30, 0x79}};
    static const x25519_bytes hundred = {{0xb1, 0xa5, 0xa7, 0x31, 0x58, 0x90, 0x4c, 0x02,
                                          0x08, 0x66, 0xc1, 0x39, 0x39, 0xdd, 0x7e, 0x1a,
                                          0xa2, 0x68, 0x52, 0xee, 0x1d, 0x26, 0x09, 0xc9,
                                          0x2e, 0x5a, 0x8f, 0x1d, 0xeb, 0xe2, 0x15, 0x0a}};
    x25519_bytes key = {{9}}, point = {{9}};
    (void)state;
    for (int i = 0; i < 100; i++) {
        x25519_bytes product = times(key, point);
        point = key;
        key = product;
        if (i == 0)
            assert_same(key, once);
    }
    assert_same(key, hundred);
}

/* By tables as by the ladder. */
static void public_keys(void **state)
{
    static const x25519_bytes edges[] = {{{0}}, {{8}}, {{0xff, 0xff, 0xff}}};
    static const x25519_bytes nine = {{9}};
    x25519_bytes key = first_key, ones;
    (void)state;
    for (size_t i = 0; i < COUNT(edges); i++)
        assert_same(public_of(edges[i]), times(edges[i], nine));
    for (int byte = 0; byte < 256; byte += 5) { /* digits of the tables, at each place */
        memset(ones.at, byte, KEY_BYTES);
        assert_same(public_of(ones), times(ones, nine));
    }
    for (int i = 0; i < 30; i++, key = next_key(key))
        assert_same(public_of(key), times(key, nine));
}

static void both_sides_agree(void **state)
{
    x25519_bytes ours = first_key;
    (void)state;
    for (int i = 0; i < 30; i++) {
        x25519_bytes theirs = next_key(ours);
        assert_same(times(ours, public_of(theirs)), times(theirs, public_of(ours)));
        ours = theirs;
    }
}

/* RFC 7748, 5: a coordinate of p and above is taken, as the same less p. */
static void coordinates_above_p(void **state)
{
    x25519_bytes key = first_key;
    (void)state;
    for (uint8_t u = 3; u < 19; u++, key = next_key(key)) {
        x25519_bytes small = {{u}}, large;
        memset(large.at, 0xff, KEY_BYTES);
        large.at[0] = (uint8_t)(0xed + u);
        assert_same(times(key, small), times(key, large));
    }
}

/* ---- HKDF ------------------------------------------------------------------------------------ */

/* RFC 5869, A.1. */
static void hkdf_vector(void **state)
{
    static const uint8_t extracted[] = {0x07, 0x77, 0x09, 0x36, 0x2c, 0x2e, 0x32, 0xdf,
                                        0x0d, 0xdc, 0x3f, 0x0d, 0xc4, 0x7b, 0xba, 0x63,
                                        0x90, 0xb6, 0xc7, 0x3b, 0xb5, 0x0f, 0x9c, 0x31,
                                        0x22, 0xec, 0x84, 0x4a, 0xd7, 0xc2, 0xb3, 0xe5};
    static const uint8_t expanded[] = {0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a,
                                       0x90, 0x43, 0x4f, 0x64, 0xd0, 0x36, 0x2f, 0x2a,
                                       0x2d, 0x2d, 0x0a, 0x90, 0xcf, 0x1a, 0x5a, 0x4c,
                                       0x5d, 0xb0, 0x2d, 0x56, 0xec, 0xc4, 0xc5, 0xbf};
    uint8_t salt[13], input[22], info[10], out[WC_SHA256_DIGEST_SIZE];
    (void)state;
    memset(input, 0x0b, sizeof(input));
    for (uint8_t i = 0; i < sizeof(salt); i++)
        salt[i] = i;
    for (uint8_t i = 0; i < sizeof(info); i++)
        info[i] = (uint8_t)(0xf0 + i);
    assert_int_equal(wc_HKDF_Extract(WC_SHA256, salt, sizeof(salt), input, sizeof(input), out), 0);
    assert_memory_equal(out, extracted, sizeof(out));
    assert_int_equal(wc_HKDF_Expand(WC_SHA256, extracted, sizeof(extracted), info, sizeof(info),
                                    out, sizeof(out)),
                     0);
    assert_memory_equal(out, expanded, sizeof(out));
}

static void plain_hmac(const uint8_t *key, size_t key_size, const uint8_t *message, size_t size,
                       uint8_t *out)
{
    Hmac hmac;
    assert_int_equal(wc_HmacInit(&hmac, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_HmacSetKey(&hmac, WC_SHA256, key, (word32)key_size), 0);
    assert_int_equal(wc_HmacUpdate(&hmac, message, (word32)size), 0);
    assert_int_equal(wc_HmacFinal(&hmac, out), 0);
    wc_HmacFree(&hmac);
}

/* Around each length at which a block is full, or the short way ends. */
static void hkdf_of_any_length(void **state)
{
    static const size_t key_sizes[] = {1, 31, 32, 33, 63, 64, 65, 100};
    uint8_t key[100], message[201], want[WC_SHA256_DIGEST_SIZE], got[WC_SHA256_DIGEST_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(7 * i + 1);
    for (size_t k = 0; k < COUNT(key_sizes); k++) {
        for (size_t size = 1; size < sizeof(message); size++) {
            for (size_t i = 0; i < size; i++)
                message[i] = (uint8_t)(i + size);
            plain_hmac(key, key_sizes[k], message, size, want);
            assert_int_equal(
                wc_HKDF_Extract(WC_SHA256, key, (word32)key_sizes[k], message, (word32)size, got),
                0);
            assert_memory_equal(got, want, sizeof(want));

            message[size - 1] = 1; /* the counter, behind what else there is */
            plain_hmac(key, key_sizes[k], message, size, want);
            memset(got, 0xee, sizeof(got));
            size_t part = size % sizeof(got) + 1;
            assert_int_equal(wc_HKDF_Expand(WC_SHA256, key, (word32)key_sizes[k], message,
                                            (word32)size - 1, got, (word32)part),
                             0);
            assert_memory_equal(got, want, part);
            for (size_t i = part; i < sizeof(got); i++)
                assert_int_equal(got[i], 0xee);
        }
    }
}

/* ---- AES-GCM --------------------------------------------------------------------------------- */

#define BLOCK_BYTES 16
#define NONCE_BYTES 12
#define SEALED_MOST 16640

typedef struct gcm_case {
    uint8_t key[32], nonce[NONCE_BYTES], aad[BLOCK_BYTES];
    size_t key_size, aad_size, size;
} gcm_case;

typedef struct gcm_block {
    uint64_t high, low;
} gcm_block;

static uint64_t word_of(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | bytes[i];
    return word;
}

static void word_to(uint8_t *bytes, uint64_t word)
{
    for (int i = 7; i >= 0; i--, word >>= 8)
        bytes[i] = (uint8_t)word;
}

/* NIST SP 800-38D, 6.3, bit by bit. */
static gcm_block gcm_product(gcm_block x, gcm_block y)
{
    gcm_block z = {0, 0};
    for (int i = 0; i < 128; i++) {
        bool set = ((i < 64 ? x.high : x.low) >> (63 - i % 64) & 1) != 0, odd = (y.low & 1) != 0;
        z.high ^= set ? y.high : 0;
        z.low ^= set ? y.low : 0;
        y.low = y.low >> 1 | y.high << 63;
        y.high = y.high >> 1 ^ (odd ? (uint64_t)0xe1 << 56 : 0);
    }
    return z;
}

static void aes_block(const gcm_case *c, const uint8_t *in, uint8_t *out)
{
    static const uint8_t zero[BLOCK_BYTES];
    Aes aes;
    assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_AesSetKey(&aes, c->key, (word32)c->key_size, zero, AES_ENCRYPTION), 0);
    assert_int_equal(wc_AesCbcEncrypt(&aes, out, in, BLOCK_BYTES), 0);
    wc_AesFree(&aes);
}

static gcm_block gcm_hash(gcm_block sum, gcm_block hash, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at += BLOCK_BYTES) {
        uint8_t block[BLOCK_BYTES] = {0};
        memcpy(block, data + at, size - at < BLOCK_BYTES ? size - at : BLOCK_BYTES);
        sum.high ^= word_of(block);
        sum.low ^= word_of(block + 8);
        sum = gcm_product(sum, hash);
    }
    return sum;
}

static void gcm_slowly(const gcm_case *c, const uint8_t *in, uint8_t *out, uint8_t *tag)
{
    uint8_t counter[BLOCK_BYTES] = {0}, stream[BLOCK_BYTES], lengths[BLOCK_BYTES];
    gcm_block sum = {0, 0}, hash;
    aes_block(c, counter, stream);
    hash = (gcm_block){word_of(stream), word_of(stream + 8)};
    memcpy(counter, c->nonce, NONCE_BYTES);
    for (size_t at = 0; at < c->size; at++) {
        if (at % BLOCK_BYTES == 0) {
            size_t number = at / BLOCK_BYTES + 2;
            counter[14] = (uint8_t)(number >> 8);
            counter[15] = (uint8_t)number;
            aes_block(c, counter, stream);
        }
        out[at] = in[at] ^ stream[at % BLOCK_BYTES];
    }
    sum = gcm_hash(sum, hash, c->aad, c->aad_size);
    sum = gcm_hash(sum, hash, out, c->size);
    word_to(lengths, 8 * (uint64_t)c->aad_size);
    word_to(lengths + 8, 8 * (uint64_t)c->size);
    sum = gcm_hash(sum, hash, lengths, BLOCK_BYTES);
    counter[14] = 0;
    counter[15] = 1;
    aes_block(c, counter, stream);
    word_to(tag, sum.high ^ word_of(stream));
    word_to(tag + 8, sum.low ^ word_of(stream + 8));
}

static int gcm_open(Aes *aes, const gcm_case *c, const uint8_t *in, uint8_t *out,
                    const uint8_t *tag)
{
    return wc_AesGcmDecrypt(aes, out, in, (word32)c->size, c->nonce, NONCE_BYTES, tag, BLOCK_BYTES,
                            c->aad, (word32)c->aad_size);
}

/* Neither does it write behind the data, nor take what was tampered with; in place as elsewhere. */
static void gcm_compare(const gcm_case *c)
{
    static uint8_t data[SEALED_MOST], want[SEALED_MOST], got[SEALED_MOST + 1];
    uint8_t want_tag[BLOCK_BYTES], tag[BLOCK_BYTES];
    Aes aes;
    for (size_t i = 0; i < c->size; i++)
        data[i] = (uint8_t)(i * i + c->size);
    gcm_slowly(c, data, want, want_tag);
    assert_int_equal(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
    assert_int_equal(wc_AesGcmSetKey(&aes, c->key, (word32)c->key_size), 0);
    got[c->size] = 0xee;
    assert_int_equal(wc_AesGcmEncrypt(&aes, got, data, (word32)c->size, c->nonce, NONCE_BYTES, tag,
                                      BLOCK_BYTES, c->aad, (word32)c->aad_size),
                     0);
    assert_memory_equal(got, want, c->size);
    assert_memory_equal(tag, want_tag, BLOCK_BYTES);
    assert_int_equal(gcm_open(&aes, c, got, got, tag), 0);
    assert_memory_equal(got, data, c->size);
    assert_int_equal(got[c->size], 0xee);
    tag[c->size % BLOCK_BYTES] ^= 1;
    assert_int_not_equal(gcm_open(&aes, c, want, got, tag), 0);
    tag[c->size % BLOCK_BYTES] ^= 1;
    want[c->size / 2] ^= 0x80;
    assert_int_not_equal(gcm_open(&aes, c, want, got, tag), 0);
    wc_AesFree(&aes);
}

static void gcm_of_any_length(void **state)
{
    gcm_case c = {.size = 0};
    (void)state;
    for (size_t i = 0; i < sizeof(c.key); i++)
        c.key[i] = (uint8_t)(31 * i + 5);
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        c.aad[i] = (uint8_t)(99 - 7 * i);
    for (size_t size = 1; size <= SEALED_MOST; size += size < 600 ? 1 : 1069) {
        c.size = size;
        c.key_size = size % 2 == 0 ? 16 : 32;
        c.aad_size = size % 20; /* from none to more than a block */
        if (c.aad_size > sizeof(c.aad))
            c.aad_size = 5;
        memset(c.nonce, (int)size, NONCE_BYTES);
        gcm_compare(&c);
    }
}

/* ---- ECDSA with P-256 ------------------------------------------------------------------------ */

/* A verifier computes R = u1 G + u2 Q from a signature (r, s) of a hash e: u1 = e / s, u2 = r / s.
 * Who has the key d makes one for any u1 and u2: r = x(R), s = r / u2, e = u1 s. */
typedef struct p256 {
    mp_int order, d;
    ecc_key key;
} p256;

static const char p256_order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

static void number(mp_int *n, const char *hex)
{
    assert_int_equal(mp_init(n), 0);
    assert_int_equal(mp_read_radix(n, hex, 16), 0);
}

/* The key's public part is n G. */
static void key_of(ecc_key *key, mp_int *n)
{
    uint8_t secret[KEY_BYTES];
    assert_int_equal(mp_to_unsigned_bin_len(n, secret, KEY_BYTES), 0);
    assert_int_equal(wc_ecc_init(key), 0);
    assert_int_equal(wc_ecc_import_private_key_ex(secret, KEY_BYTES, NULL, 0, key, ECC_SECP256R1),
                     0);
    assert_int_equal(wc_ecc_make_pub(key, NULL), 0);
}

static void p256_begin(p256 *p, const char *secret)
{
    number(&p->order, p256_order);
    number(&p->d, secret);
    key_of(&p->key, &p->d);
}

static bool verified(p256 *p, mp_int *r, mp_int *s, mp_int *e)
{
    uint8_t hash[KEY_BYTES];
    int valid = 0;
    assert_int_equal(mp_to_unsigned_bin_len(e, hash, KEY_BYTES), 0);
    assert_int_equal(wc_ecc_verify_hash_ex(r, s, hash, KEY_BYTES, &valid, &p->key), 0);
    return valid == 1;
}

static void x_of_multiple(mp_int *x, mp_int *n)
{
    ecc_key key;
    uint8_t at[2][KEY_BYTES];
    word32 size[2] = {KEY_BYTES, KEY_BYTES};
    key_of(&key, n);
    assert_int_equal(wc_ecc_export_public_raw(&key, at[0], &size[0], at[1], &size[1]), 0);
    assert_int_equal(mp_read_unsigned_bin(x, at[0], size[0]), 0);
    wc_ecc_free(&key);
}

/* The signature for u1 and u2 is good, and another hash's is not. */
static void verify(p256 *p, mp_int *u1, mp_int *u2)
{
    mp_int r, s, e;
    assert_int_equal(mp_init_multi(&r, &s, &e, NULL, NULL, NULL), 0);
    assert_int_equal(mp_mulmod(u2, &p->d, &p->order, &s), 0);
    assert_int_equal(mp_addmod(&s, u1, &p->order, &s), 0);
    x_of_multiple(&r, &s);
    assert_int_equal(mp_mod(&r, &p->order, &r), 0);
    assert_int_equal(mp_invmod(u2, &p->order, &s), 0);
    assert_int_equal(mp_mulmod(&s, &r, &p->order, &s), 0);
    assert_int_equal(mp_mulmod(&s, u1, &p->order, &e), 0);
    assert_true(verified(p, &r, &s, &e));
    assert_int_equal(mp_addmod(&e, u2, &p->order, &e), 0);
    assert_false(verified(p, &r, &s, &e));
}

static void verify_hex(p256 *p, const char *u1, const char *u2)
{
    mp_int numbers[2];
    number(&numbers[0], u1);
    number(&numbers[1], u2);
    for (int i = 0; i < 3; i++) /* a key's table is made when it is seen for the second time */
        verify(p, &numbers[0], &numbers[1]);
}

static void signatures_of_any_numbers(void **state)
{
    static const char *const numbers[] = {
        "1",
        "8",
        "9",
        "40",
        "41",
        "7f",
        "80",
        "8888888888888888888888888888888888888888888888888888888888888888",
        "7777777777777777777777777777777777777777777777777777777777777777",
        "9999999999999999999999999999999999999999999999999999999999999999",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550",
        "8000000000000000000000000000000000000000000000000000000000000000",
    };
    p256 p;
    uint8_t digest[2][WC_SHA256_DIGEST_SIZE] = {{1}, {2}};
    mp_int u[2];
    (void)state;
    p256_begin(&p, "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    for (size_t i = 0; i < COUNT(numbers); i++)
        for (size_t k = 0; k < COUNT(numbers); k += 3)
            verify_hex(&p, numbers[i], numbers[(i + k) % COUNT(numbers)]);
    assert_int_equal(mp_init_multi(&u[0], &u[1], NULL, NULL, NULL, NULL), 0);
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < 2; k++) {
            assert_int_equal(wc_Sha256Hash(digest[k], sizeof(digest[k]), digest[k]), 0);
            assert_int_equal(mp_read_unsigned_bin(&u[k], digest[k], sizeof(digest[k])), 0);
            assert_int_equal(mp_mod(&u[k], &p.order, &u[k]), 0);
        }
        verify(&p, &u[0], &u[1]);
    }
    wc_ecc_free(&p.key);
}

typedef struct p256_case {
    const char *secret, *u1, *u2;
} p256_case;

/* Terms of the sum that are one point, or cancel each other: Q is G, -G, 16 G and -16 G. With eight
 * lanes, digit 36 of u1 to the base 128 and digit 63 of u2 to the base 16 are in one of them, digit
 * 62 of u2 in the one before. (Numbers below 2^224 may come to the tables with the order added.) */
static void signatures_of_equal_terms(void **state)
{
    static const p256_case cases[] = {
        {"1", "1000000000000000000000000000000000000000000000000000000000000000",
         "1000000000000000000000000000000000000000000000000000000000000000"},
        {"1", "1000400000000000000000000000000000000000000000000000000000000000",
         "1000000000000000000000000000000000000000000000000000000000000000"},
        {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550",
         "1020000000000000000000000000000000000000000000000000000000000000",
         "1000000000000000000000000000000000000000000000000000000000000000"},
        {"10", "1000000000000000000000000000000000000000000000000000000000000000",
         "0100000000000000000000000000000000000000000000000000000000000000"},
        {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632541",
         "1000000002000000000000000000000000000000000000000000000000000000",
         "0100000000000000000000000000000000000000000000000000000000000000"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        p256 p;
        p256_begin(&p, cases[i].secret);
        verify_hex(&p, cases[i].u1, cases[i].u2);
        wc_ecc_free(&p.key);
    }
}

/* r is not R's x. R is the point at infinity, whose x is nobody's: within a lane, across two,
 * across all; and at last, another point, to which lanes come that cancel each other. */
static void signatures_of_another_point(void **state)
{
    static const p256_case cases[] = {
        {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550",
         "1000000000000000000000000000000000000000000000000000000000000000",
         "1000000000000000000000000000000000000000000000000000000000000000"},
        {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632541",
         "1000000000000000000000000000000000000000000000000000000000000000",
         "0100000000000000000000000000000000000000000000000000000000000000"},
        {"1", "1000000000000000000000000000000000000000000000000000000000000000",
         "efffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"},
        {"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632541",
         "1000000002000000000000000000000000000000000000000000000000000000",
         "0100000000000000000000000000000000000000000000000000000000000000"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        p256 p;
        mp_int u1, u2, r, s, e;
        p256_begin(&p, cases[i].secret);
        number(&u1, cases[i].u1);
        number(&u2, cases[i].u2);
        number(&r, "8765432100123456789abcdef");
        assert_int_equal(mp_init_multi(&s, &e, NULL, NULL, NULL, NULL), 0);
        assert_int_equal(mp_invmod(&u2, &p.order, &s), 0);
        assert_int_equal(mp_mulmod(&s, &r, &p.order, &s), 0);
        assert_int_equal(mp_mulmod(&s, &u1, &p.order, &e), 0);
        for (int k = 0; k < 3; k++)
            assert_false(verified(&p, &r, &s, &e));
        wc_ecc_free(&p.key);
    }
}

/* More keys than there are tables, by turns and again. */
static void many_keys(void **state)
{
    mp_int u1, u2;
    (void)state;
    number(&u1, "123456789abcdef0fedcba98765432100123456789abcdef");
    number(&u2, "fedcba98765432100123456789abcdef123456789abcdef0");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
            char secret[] = "a0";
            p256 p;
            secret[1] = (char)("0123456789abcdef"[i % 16]);
            secret[0] = (char)('a' + i / 16);
            p256_begin(&p, secret);
            for (int k = 0; k <= i % 4; k++)
                verify(&p, &u1, &u2);
            wc_ecc_free(&p.key);
        }
    }
}

/* ---- ML-KEM ---------------------------------------------------------------------------------- */

#ifdef WOLFSSL_HAVE_MLKEM

/* Keys, ciphertexts and secrets of 64 seeds have the digest that wolfSSL's own code gives, here in
 * C and AVX2. Every second key is encoded before it is used, every other one is not. */
static void keys_and_secrets(void **state)
{
    static const uint8_t want[WC_SHA256_DIGEST_SIZE] = {
        0x94, 0x30, 0xbd, 0xc9, 0x8d, 0x6e, 0x52, 0x76, 0x72, 0xe9, 0xb9,
        0xc8, 0x25, 0x82, 0xc7, 0x5f, 0x7d, 0x04, 0xe8, 0x07, 0x11, 0x28,
        0xa9, 0x0e, 0xac, 0x38, 0xcb, 0xe4, 0x25, 0x3d, 0x21, 0x8b};
    static MlKemKey ours, theirs;
    static uint8_t public[WC_ML_KEM_768_PUBLIC_KEY_SIZE], private[WC_ML_KEM_768_PRIVATE_KEY_SIZE];
    static uint8_t text[WC_ML_KEM_768_CIPHER_TEXT_SIZE];
    uint8_t secret[2][WC_ML_KEM_SS_SZ], seed[WC_ML_KEM_MAKEKEY_RAND_SZ] = {1};
    wc_Sha256 all;
    (void)state;
    assert_int_equal(wc_InitSha256(&all), 0);
    for (int i = 0; i < 64; i++) {
        for (size_t k = 0; k < sizeof(seed); k += WC_SHA256_DIGEST_SIZE)
            assert_int_equal(wc_Sha256Hash(seed, sizeof(seed), seed + k), 0);
        assert_int_equal(wc_MlKemKey_Init(&ours, WC_ML_KEM_768, NULL, INVALID_DEVID), 0);
        assert_int_equal(wc_MlKemKey_Init(&theirs, WC_ML_KEM_768, NULL, INVALID_DEVID), 0);
        assert_int_equal(wc_MlKemKey_MakeKeyWithRandom(&ours, seed, sizeof(seed)), 0);
        assert_int_equal(wc_MlKemKey_EncodePublicKey(&ours, public, sizeof(public)), 0);
        if (i % 2 == 0)
            assert_int_equal(wc_MlKemKey_EncodePrivateKey(&ours, private, sizeof(private)), 0);
        assert_int_equal(wc_MlKemKey_DecodePublicKey(&theirs, public, sizeof(public)), 0);
        assert_int_equal(wc_MlKemKey_EncapsulateWithRandom(&theirs, text, secret[0], seed,
                                                           WC_ML_KEM_ENC_RAND_SZ),
                         0);
        assert_int_equal(wc_MlKemKey_Decapsulate(&ours, secret[1], text, sizeof(text)), 0);
        assert_memory_equal(secret[0], secret[1], WC_ML_KEM_SS_SZ);
        text[i]++; /* a secret that nobody knows, then */
        assert_int_equal(wc_MlKemKey_Decapsulate(&ours, secret[1], text, sizeof(text)), 0);
        assert_memory_not_equal(secret[0], secret[1], WC_ML_KEM_SS_SZ);
        assert_int_equal(wc_Sha256Update(&all, public, sizeof(public)), 0);
        assert_int_equal(wc_Sha256Update(&all, private, sizeof(private)), 0);
        assert_int_equal(wc_Sha256Update(&all, text, sizeof(text)), 0);
        assert_int_equal(wc_Sha256Update(&all, secret[0], 2 * WC_ML_KEM_SS_SZ), 0);
        wc_MlKemKey_Free(&ours);
        wc_MlKemKey_Free(&theirs);
    }
    assert_int_equal(wc_Sha256Final(&all, seed), 0);
    assert_memory_equal(seed, want, sizeof(want));
}

#define TESTS_OF_MLKEM cmocka_unit_test(keys_and_secrets),
#else
#define TESTS_OF_MLKEM
#endif

int main(void)
{
    wolfSSL_Init(); /* the ladder in C is blinded, by random numbers, which take a lock */
    const struct CMUnitTest tests[] = {cmocka_unit_test(iterated),
                                       cmocka_unit_test(public_keys),
                                       cmocka_unit_test(both_sides_agree),
                                       cmocka_unit_test(coordinates_above_p),
                                       cmocka_unit_test(hkdf_vector),
                                       cmocka_unit_test(hkdf_of_any_length),
                                       cmocka_unit_test(gcm_of_any_length),
                                       cmocka_unit_test(signatures_of_any_numbers),
                                       cmocka_unit_test(signatures_of_equal_terms),
                                       cmocka_unit_test(signatures_of_another_point),
                                       cmocka_unit_test(many_keys),
                                       TESTS_OF_MLKEM};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
