/* pkcs5.h - what a passphrase locks: PBES2 (RFC 8018, 6.2) by PBKDF2 and AES-CBC, in which OpenSSL
 * 3, Go, Java and Windows write keys, and the EncryptedPrivateKeyInfo around it (RFC 5958, 3).
 *
 * Older ways (RC2, RC4, DES, keys derived by MD5) are named and refused: this build of wolfSSL has
 * none of them. What can't be opened has a reason: a static string that ends a message "key file
 * client.key: ". */
#ifndef RP_TLS_PKCS5_H
#define RP_TLS_PKCS5_H

#include "base/slice.h"

#include <stdbool.h>

/* Some seconds of work; what OpenSSL writes has 2,048, what password managers write a million. */
#define RP_ITERATIONS_LIMIT 10000000u

/* algorithm: the content of an AlgorithmIdentifier. opened: room for sealed.size bytes. NULL or a
 * reason; then opened holds nothing. */
const char *rp__pbes2_open(rp_slice algorithm, rp_slice sealed, rp_slice password, uint8_t *opened,
                           size_t *size);

/* Whether der has an EncryptedPrivateKeyInfo's form, as no other private key has. */
bool rp__pkcs8_is_locked(rp_slice der);

/* The PrivateKeyInfo in it; opened: room for der.size bytes. NULL or a reason, as above. */
const char *rp__pkcs8_open(rp_slice der, rp_slice password, uint8_t *opened, size_t *size);

/* A hash by the content of its object identifier: wolfCrypt's number, 0: none that is known. */
int rp__hash_of(rp_slice type);

#endif
