/* certificate.h - a view of a certificate (RFC 5280, 4): slices of its DER, which must stay where
 * it is. Nothing is judged here but the form. */
#ifndef RP_X509_CERTIFICATE_H
#define RP_X509_CERTIFICATE_H

#include "x509/dname.h"

typedef enum rp_key_usage { /* RFC 5280, 4.2.1.3: bit 0 first */
                            RP_USAGE_DIGITAL_SIGNATURE = 0x80,
                            RP_USAGE_KEY_CERT_SIGN = 0x04,
                            RP_USAGE_CRL_SIGN = 0x02
} rp_key_usage;

typedef struct rp_certificate {
    rp_slice der;         /* all of it */
    rp_slice signed_part; /* TBSCertificate, with its header */
    rp_slice algorithm;   /* AlgorithmIdentifier's content */
    rp_slice signature;

    unsigned version; /* 1 to 3 */
    rp_slice serial;
    rp_slice issuer, subject;      /* distinguished names, see dname.h */
    bool self_issued;              /* they are equal (RFC 5280, 3.2) */
    int64_t not_before, not_after; /* seconds since 1970; both belong to the validity */
    rp_slice public_key;           /* SubjectPublicKeyInfo, with its header */

    /* The extensions. Slices: the contents, data NULL where there is no such extension. */
    rp_slice alternative_names; /* general names */
    rp_slice name_constraints;  /* see constraints.h */
    rp_slice subject_key_id, authority_key_id;
    bool has_basic_constraints, is_authority;
    bool has_path_length;
    uint32_t path_length;
    bool has_key_usage;
    uint8_t key_usage; /* of rp_key_usage; the bits that are not there are nobody's here */
    bool has_extended_key_usage, for_servers, for_clients, for_ocsp_signing;
    rp_slice distribution_points; /* cRLDistributionPoints, a list: see crl.c */
    bool must_staple;             /* it is good only with an OCSP response beside it (RFC 7633) */
    bool has_unknown_critical;    /* an extension that must not be ignored and is not known */
    bool is_no_anchor;            /* one that counts for an anchor too: any but policyConstraints */
} rp_certificate;

/* False: it is malformed, *reason (a static string, for the end of a message) says in what, and
 * *certificate has what was read until then: the subject perhaps. */
bool rp__certificate_read(rp_certificate *certificate, rp_slice der, const char **reason);

/* Takes an Extension off the front of *list: a certificate's, a CRL's or an OCSP response's. */
bool rp__extension_read(rp_slice *list, rp_slice *type, bool *critical, rp_slice *content);

#endif
