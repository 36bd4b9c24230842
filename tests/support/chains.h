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
#include <stdio.h>

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
    const char *purposes; /* "server", "client", "ocsp", "any", joined by '+'; NULL: no extension */
    const char *points;   /* names: a cRLDistributionPoint each */
    const char *serial;   /* hex; NULL: by its position */
    chain_extension extensions[2];
    const char *more_extensions; /* hex, as they are encoded */
    const char *unique_ids;      /* the same */
    const char *forged_key;      /* hex: what stands where its public key's bits are to stand */
} chain_spec;

/* Writes certificate number index of specs. free() its data. */
rp_slice chain_certificate(const chain_spec *specs, size_t index);

/* Its private key as RFC 5915 and RFC 8017 have it; not of Ed25519 and Ed448. free() its data. */
rp_slice chain_private_key(const chain_spec *specs, size_t index);

/* label: "CERTIFICATE", say. False: it can't be written. */
bool chain_write_pem(FILE *file, const char *label, rp_slice der);

/* All of them; chain_free() them. */
void chain_make(rp_slice *certificates, const chain_spec *specs, size_t count);
void chain_free(rp_slice *certificates, size_t count);

/* ---- Revocation ---- */

typedef enum crl_flag {
    CRL_BAD_SIGNATURE = CHAIN_BAD_SIGNATURE,
    CRL_TWO_ALGORITHMS = CHAIN_TWO_ALGORITHMS,
    CRL_USERS = 1 << 16, /* in issuingDistributionPoint */
    CRL_AUTHORITIES = 1 << 17,
    CRL_ATTRIBUTES = 1 << 18,
    CRL_INDIRECT = 1 << 19,
    CRL_SOME_REASONS = 1 << 20,
    CRL_RELATIVE_POINT = 1 << 21,
    CRL_EMPTY_POINT = 1 << 22, /* the extension, and nothing in it */
    CRL_NO_NEXT_UPDATE = 1 << 23,
    CRL_VERSION_1 = 1 << 24
} crl_flag;

typedef struct crl_spec {
    int issuer; /* a position among the chain's specifications */
    int signer; /* another one, and 1 more; 0: the issuer */
    unsigned flags;
    chain_signature signature;
    int64_t this_update, next_update; /* 0: a day before CHAINS_NOW, seven days after */
    const char *entries; /* "serial" or "serial=reason", in hex and decimal, separated by ';' */
    const char *more_entries; /* hex, as they are encoded */
    const char *point;        /* names, in issuingDistributionPoint */
    chain_extension extensions[2];
    const char *more_extensions; /* hex, as they are encoded */
} crl_spec;

/* The date of each entry. */
#define CRL_ENTRY_DATE (CHAINS_NOW - 2 * CHAINS_DAY) /* 2027-01-13 */

/* free() its data. */
rp_slice chain_crl(const chain_spec *specs, const crl_spec *crl);

typedef enum ocsp_flag {
    OCSP_BAD_SIGNATURE = CHAIN_BAD_SIGNATURE,
    OCSP_BY_KEY = 1 << 16,
    OCSP_VERSION_2 = 1 << 17,
    OCSP_OTHER_TYPE = 1 << 18, /* than id-pkix-ocsp-basic */
    OCSP_VERSION_1 = 1 << 19   /* which is the default, and written all the same */
} ocsp_flag;

typedef enum ocsp_answer_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN } ocsp_answer_status;

typedef struct ocsp_answer {
    bool given;
    int certificate; /* a position; its issuer is its specification's */
    int issuer;      /* another one, and 1 more, by whose key the certificate is named */
    ocsp_answer_status status;
    int reason;                       /* a CRLReason and 1 more; 0: none */
    unsigned hash_bits;               /* of CertID; 0: SHA-1's 160 */
    const char *serial;               /* hex; NULL: the certificate's */
    int64_t this_update, next_update; /* as in crl_spec; next_update -1: none */
    chain_extension extension;
    bool printable; /* the issuer's name is hashed as PrintableString */
} ocsp_answer;

typedef struct ocsp_spec {
    int status;    /* of the response: 0: successful */
    int responder; /* a position: who signs */
    int name;      /* a position and 1 more: who is said to; 0: the responder */
    unsigned flags;
    chain_signature signature;
    int64_t produced; /* 0: an hour before CHAINS_NOW */
    ocsp_answer answers[3];
    int included[10]; /* positions and 1 more, of certificates; 0: no more */
    chain_extension extension;
    const char *more_extensions; /* hex, as they are encoded; NULL: as extension says */
} ocsp_spec;

#define OCSP_REVOKED_DATE (CHAINS_NOW - 3 * CHAINS_DAY) /* 2027-01-12 */

/* free() its data. */
rp_slice chain_ocsp(const chain_spec *specs, const ocsp_spec *response);

#endif
