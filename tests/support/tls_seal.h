/* tls_seal.h - TLS 1.3 records (RFC 8446, 5.2) as the server would seal them: by the key log the
 * tests know its keys. What is inside of a record can be anything then, and comes through. */
#ifndef TESTS_TLS_SEAL_H
#define TESTS_TLS_SEAL_H

#include "base/chain.h"

#define TLS_SECRET_BYTES 32

typedef struct tls_keys {
    uint8_t secret[TLS_SECRET_BYTES];
    uint8_t key[16], iv[12];
    uint64_t sequence;
} tls_keys;

void tls_keys_set(tls_keys *keys, const uint8_t secret[TLS_SECRET_BYTES]);
/* The next generation, RFC 8446, 7.2. */
void tls_keys_update(tls_keys *keys);

/* A record's plaintext, content and type, to a record of size + TLS_SEAL_EXTRA bytes. */
#define TLS_SEAL_EXTRA (5 + 16)
void tls_seal(tls_keys *keys, uint8_t *record, const uint8_t *plaintext, size_t size);
/* And back; gives the plaintext's size. */
size_t tls_unseal(tls_keys *keys, uint8_t *plaintext, rp_slice record);

#endif
