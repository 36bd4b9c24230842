/* chains.h - makes certificates for the tests of src/x509: every field, extension, key and
 * signature is data, and whatever is left out is as it should be.
 *
 * A chain is an array of specifications, each signed by another of them (or by itself). The DER is
 * written here, by a writer that has nothing in common with the reader under test; keys and
 * signatures are wolfCrypt's. */
#ifndef RP_TESTS_CHAINS_H
#define RP_TESTS_CHAINS_H

#include "base/slice.h"

#include <stdbool.h>

#define CHAINS_NOW INT64_C(1800000000) /* 2027-01-15 08:00:00 UTC */
#define CHAINS_DAY INT64_C(86400)

typedef enum chain_key_kind {
    CHAIN_P256,
    CHAIN_P384,
    CHAIN_P521,
    CHAIN_ED25519,
    CHAIN_RSA,     /* 2,048 bits; one key, whatever its number */
    CHAIN_RSA_PSS, /* the same under the other type */
    CHAIN_RSA_1024,
    CHAIN_ED448, /* which nobody knows; signs nothing */
    CHAIN_KEY_KINDS
} chain_key_kind;

typedef enum chain_signature {
    CHAIN_BY_KEY, /* SHA-256; PSS for keys of RSA-PSS */
    CHAIN_SHA384,
    CHAIN_SHA512,
    CHAIN_PSS_SHA256,
    CHAIN_PSS_SHA384,
    CHAIN_PSS_SHA512,
    CHAIN_PSS_SHORT_SALT, /* says 20 */
    CHAIN_SHA1,
    CHAIN_MD5
} chain_signature;

typedef enum chain_flag {
    CHAIN_CA = 1,
    CHAIN_NO_BASIC_CONSTRAINTS = 1 << 1,
    CHAIN_NO_KEY_USAGE = 1 << 2,
    CHAIN_NO_KEY_IDS = 1 << 3,
    CHAIN_WRONG_AUTHORITY_KEY_ID = 1 << 4,
    CHAIN_NO_EXTENSIONS = 1 << 5,
    CHAIN_PRINTABLE = 1 << 6,      /* the issuer's name as PrintableString */
    CHAIN_BAD_SIGNATURE = 1 << 7,  /* a bit of it is flipped */
    CHAIN_TWO_ALGORITHMS = 1 << 8, /* the inner one is another than the outer one */
    CHAIN_CRITICAL_NAMES = 1 << 9,
    CHAIN_GENERALIZED_TIME = 1 << 10,
    CHAIN_ISSUER_AND_SERIAL = 1 << 11 /* in authorityKeyIdentifier, and nothing else */
} chain_flag;

/* An extension of any kind. */
typedef struct chain_extension {
    const char *type; /* "2.5.29.17" */
    bool critical;
    const char *hex; /* its content */
} chain_extension;

/* Lists of names: separated by ';', each "dns:", "ip:", "email:", "uri:", "dir:", "rid:" or
 * "other:" and its value; without such a beginning it is a DNS name. In constraints "ip:" has a
 * prefix length: "ip:10.0.0.0/8". Distinguished names: "O=Example,CN=Example CA"; without '=' it is
 * a common name; '+' instead of ',' joins attributes to one relative name. */
typedef struct chain_spec {
    const char *subject;     /* NULL: empty */
    int issuer;              /* the position of its issuer's specification; -1: it signs itself */
    const char *issuer_name; /* NULL: the issuer's subject */
    unsigned flags;
    chain_key_kind key;
    unsigned key_number; /* another key of that kind; 0: one of its own, by its position */
    chain_signature signature;
    const char *names;                /* subjectAltName */
    const char *permitted, *excluded; /* nameConstraints */
    int64_t not_before, not_after;    /* 0: a day before CHAINS_NOW, 90 days after */
    unsigned version;                 /* 0: 3 */
    int path_length;                  /* 0: none; 1: 0, 2: 1, and so on */
    unsigned usage;                   /* of rp_key_usage; 0: by CHAIN_CA */
    const char *purposes; /* "server", "client", "any", joined by '+'; NULL: no extension */
    const char *serial;   /* hex; NULL: by its position */
    chain_extension extensions[2];
    const char *more_extensions; /* hex, as they are encoded */
    const char *unique_ids;      /* the same */
} chain_spec;

/* Writes certificate number index of specs. free() its data. */
rp_slice chain_certificate(const chain_spec *specs, size_t index);

/* All of them; chain_free() them. */
void chain_make(rp_slice *certificates, const chain_spec *specs, size_t count);
void chain_free(rp_slice *certificates, size_t count);

#endif
