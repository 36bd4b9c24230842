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
