/* signature.h - the public keys and the signatures that are good enough: RSA of 2,048 bits and
 * more (PKCS #1 and PSS), P-256, P-384, P-521, Ed25519, with SHA-256, SHA-384 and SHA-512. The
 * arithmetic is wolfCrypt's.
 *
 * What is not good enough has a reason: a static string that ends a message "... is not valid: ".
 */
#ifndef RP_X509_SIGNATURE_H
#define RP_X509_SIGNATURE_H

#include "base/slice.h"

typedef enum rp_key_kind {
    RP_KEY_NONE,
    RP_KEY_RSA,
    RP_KEY_RSA_PSS, /* signs by PSS only (RFC 4055, 1.2) */
    RP_KEY_P256,
    RP_KEY_P384,
    RP_KEY_P521,
    RP_KEY_ED25519
} rp_key_kind;

/* A view of a SubjectPublicKeyInfo. */
typedef struct rp_public_key {
    rp_key_kind kind;
    rp_slice point; /* of an elliptic curve */
    rp_slice modulus, exponent;
    unsigned only_hash_bits; /* of RSA-PSS: the only hash that it may sign with; 0: any */
} rp_public_key;

/* info: the SubjectPublicKeyInfo with its header. NULL: *key can be used; else the reason why not.
 */
const char *rp__public_key_read(rp_public_key *key, rp_slice info);

#define RP_KEY_TEXT_SIZE 16
/* "RSA 2048", "P-256" */
const char *rp__public_key_text(const rp_public_key *key, char text[RP_KEY_TEXT_SIZE]);

typedef enum rp_signature_scheme {
    RP_SIGNATURE_NONE,
    RP_SIGNATURE_RSA_PKCS1,
    RP_SIGNATURE_RSA_PSS, /* with a salt of the hash's size and the hash's MGF1 */
    RP_SIGNATURE_ECDSA,
    RP_SIGNATURE_ED25519
} rp_signature_scheme;

typedef struct rp_signature_algorithm {
    rp_signature_scheme scheme;
    unsigned hash_bits; /* 256, 384 or 512 */
} rp_signature_algorithm;

/* identifier: the content of an AlgorithmIdentifier. NULL or a reason, as above. */
const char *rp__signature_algorithm_read(rp_signature_algorithm *algorithm, rp_slice identifier);

typedef enum rp_signature_result {
    RP_SIGNATURE_GOOD,
    RP_SIGNATURE_BAD, /* another key's, or of something else, or of another kind than the key */
    RP_SIGNATURE_NO_MEMORY
} rp_signature_result;

rp_signature_result rp__signature_verify(const rp_public_key *key,
                                         const rp_signature_algorithm *algorithm, rp_slice message,
                                         rp_slice signature);

/* The same for a message of which the hash is given; for Ed25519 it is the message all the same. */
rp_signature_result rp__signature_verify_hash(const rp_public_key *key,
                                              const rp_signature_algorithm *algorithm,
                                              rp_slice hash, rp_slice signature);

#endif
