/* pkcs12.h - a PKCS #12 file (RFC 7292): a private key, its certificate and that one's issuers, as
 * browsers, Windows and openssl pkcs12 export them.
 *
 * Strict DER; contents in the clear or locked by a passphrase (pkcs5.h), under the MAC of the same
 * one, or without a MAC. What a file has besides (further keys and certificates, CRLs) is left
 * where it is. */
#ifndef RP_TLS_PKCS12_H
#define RP_TLS_PKCS12_H

#include "base/memory.h"
#include "base/slice.h"
#include "x509/path.h"
#include <ringport/error.h>

/* Contents that are encrypted, in one file: OpenSSL and Windows write two. */
#define RP_PKCS12_OPENED_LIMIT 8
/* Certificates, the unrelated ones included. */
#define RP_PKCS12_CERTIFICATES_LIMIT 64

typedef struct rp_pkcs12 {
    rp_memory *memory;
    rp_slice key; /* PrivateKeyInfo; data NULL: the file has none */
    size_t count;
    rp_slice certificates[RP_CHAIN_LIMIT]; /* the key's, and behind each its issuer's */
    /* What was decrypted, into which they point. */
    size_t opened_count;
    struct {
        uint8_t *bytes;
        size_t size;
    } opened[RP_PKCS12_OPENED_LIMIT];
} rp_pkcs12;

/* Whether a file looks like one. */
bool rp__pkcs12_is(rp_slice file);

/* file must stay where it is. RP_OK, RP_E_NO_MEMORY, or RP_E_TLS_CONFIG and *reason, as in pkcs5.h.
 * In each case the caller frees. */
rp_status rp__pkcs12_read(rp_pkcs12 *found, rp_memory *memory, rp_slice file, rp_slice password,
                          const char **reason);

/* Wipes and frees. */
void rp__pkcs12_free(rp_pkcs12 *found);

#endif
