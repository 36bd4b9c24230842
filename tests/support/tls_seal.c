/* tls_seal.c - see tls_seal.h. */
#include "support/tls_seal.h"

#include "support/check.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/kdf.h>

#include <string.h>

static void expand(uint8_t *output, size_t size, const uint8_t secret[TLS_SECRET_BYTES],
                   const char *label)
{
    CHECK(wc_Tls13_HKDF_Expand_Label(output, (word32)size, secret, TLS_SECRET_BYTES,
                                     (const byte *)"tls13 ", 6, (const byte *)label,
                                     (word32)strlen(label), NULL, 0, WC_SHA256) == 0);
}

void tls_keys_set(tls_keys *keys, const uint8_t secret[TLS_SECRET_BYTES])
{
    memmove(keys->secret, secret, TLS_SECRET_BYTES);
    expand(keys->key, sizeof(keys->key), secret, "key");
    expand(keys->iv, sizeof(keys->iv), secret, "iv");
    keys->sequence = 0;
}

void tls_keys_update(tls_keys *keys)
{
    uint8_t next[TLS_SECRET_BYTES];
    expand(next, sizeof(next), keys->secret, "traffic upd");
    tls_keys_set(keys, next);
}

static void next_nonce(tls_keys *keys, uint8_t nonce[12])
{
    memcpy(nonce, keys->iv, 12);
    for (size_t i = 0; i < 8; i++)
        nonce[4 + i] ^= (uint8_t)(keys->sequence >> (56 - 8 * i));
    keys->sequence++;
}

static void begin(tls_keys *keys, Aes *aes, uint8_t nonce[12])
{
    CHECK(wc_AesInit(aes, NULL, INVALID_DEVID) == 0);
    CHECK(wc_AesGcmSetKey(aes, keys->key, sizeof(keys->key)) == 0);
    next_nonce(keys, nonce);
}

void tls_seal(tls_keys *keys, uint8_t *record, const uint8_t *plaintext, size_t size)
{
    Aes aes;
    uint8_t nonce[12];
    const uint8_t header[] = {23, 3, 3, (uint8_t)((size + 16) >> 8), (uint8_t)(size + 16)};
    begin(keys, &aes, nonce);
    memcpy(record, header, sizeof(header));
    CHECK(wc_AesGcmEncrypt(&aes, record + 5, plaintext, (word32)size, nonce, 12, record + 5 + size,
                           16, header, sizeof(header)) == 0);
    wc_AesFree(&aes);
}

size_t tls_unseal(tls_keys *keys, uint8_t *plaintext, rp_slice record)
{
    Aes aes;
    uint8_t nonce[12];
    CHECK(record.size > TLS_SEAL_EXTRA && record.data[0] == 23);
    size_t size = record.size - TLS_SEAL_EXTRA;
    begin(keys, &aes, nonce);
    CHECK(wc_AesGcmDecrypt(&aes, plaintext, record.data + 5, (word32)size, nonce, 12,
                           record.data + 5 + size, 16, record.data, 5) == 0);
    wc_AesFree(&aes);
    return size;
}

void tls_keys_set_12(tls_keys *keys, const uint8_t master[TLS_MASTER_BYTES],
                     const uint8_t client_random[TLS_RANDOM_BYTES],
                     const uint8_t server_random[TLS_RANDOM_BYTES])
{
    static const char label[] = "key expansion";
    enum { KEY = 16, IV = 4 };
    uint8_t seed[2 * TLS_RANDOM_BYTES], block[2 * (KEY + IV)]; /* the client's first */
    memcpy(seed, server_random, TLS_RANDOM_BYTES);
    memcpy(seed + TLS_RANDOM_BYTES, client_random, TLS_RANDOM_BYTES);
    CHECK(wc_PRF_TLS(block, sizeof(block), master, TLS_MASTER_BYTES, (const byte *)label,
                     sizeof(label) - 1, seed, sizeof(seed), 1, sha256_mac, NULL,
                     INVALID_DEVID) == 0);
    memcpy(keys->key, block + KEY, KEY);
    memcpy(keys->iv, block + 2 * KEY + IV, IV);
    keys->sequence = 1;
}

void tls_seal_12(tls_keys *keys, uint8_t *record, uint8_t type, const uint8_t *content, size_t size)
{
    Aes aes;
    uint8_t nonce[12], bound[13] = {0}; /* sequence number and header, without the nonce and tag */
    memcpy(nonce, keys->iv, 4);
    for (size_t i = 0; i < 8; i++)
        nonce[4 + i] = bound[i] = (uint8_t)(keys->sequence >> (56 - 8 * i));
    keys->sequence++;
    const uint8_t header[] = {type, 3, 3, (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(bound + 8, header, sizeof(header));
    memcpy(record, header, sizeof(header));
    record[3] = (uint8_t)((size + 8 + 16) >> 8);
    record[4] = (uint8_t)(size + 8 + 16);
    memcpy(record + 5, nonce + 4, 8);
    CHECK(wc_AesInit(&aes, NULL, INVALID_DEVID) == 0);
    CHECK(wc_AesGcmSetKey(&aes, keys->key, sizeof(keys->key)) == 0);
    CHECK(wc_AesGcmEncrypt(&aes, record + 13, content, (word32)size, nonce, 12, record + 13 + size,
                           16, bound, sizeof(bound)) == 0);
    wc_AesFree(&aes);
}
