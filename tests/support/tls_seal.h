/* tls_seal.h - records as the server would seal them, of TLS 1.3 (RFC 8446, 5.2) and 1.2: by the
 * key log the tests know its keys. What is inside of a record can be anything then, and comes
 * through. */
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

/* ---- TLS 1.2 with AES-128-GCM and SHA-256 (RFC 5288) ---- */

#define TLS_MASTER_BYTES 48
#define TLS_RANDOM_BYTES 32

/* Of what a server seals behind its Finished. */
void tls_keys_set_12(tls_keys *keys, const uint8_t master[TLS_MASTER_BYTES],
                     const uint8_t client_random[TLS_RANDOM_BYTES],
                     const uint8_t server_random[TLS_RANDOM_BYTES]);

#define TLS_SEAL_EXTRA_12 (5 + 8 + 16)
void tls_seal_12(tls_keys *keys, uint8_t *record, uint8_t type, const uint8_t *content,
                 size_t size);

#endif
