/* test_wolfcrypt.c - what scripts/deps makes faster in wolfCrypt gives what the slow way does:
 * X25519 (four multiplications at a time, inverses by division) and HKDF with SHA-256 (whole
 * blocks). Which of the ways is taken depends on the processor; the answers must not. */
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/hmac.h>

#include <setjmp.h>
#include <stdarg.h>
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

int main(void)
{
    wolfSSL_Init(); /* the ladder in C is blinded, by random numbers, which take a lock */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iterated),         cmocka_unit_test(public_keys),
        cmocka_unit_test(both_sides_agree), cmocka_unit_test(coordinates_above_p),
        cmocka_unit_test(hkdf_vector),      cmocka_unit_test(hkdf_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
