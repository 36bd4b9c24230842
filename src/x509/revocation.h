/* revocation.h - is a certificate of a path revoked? What CRLs (crl.h) and stapled OCSP responses
 * (ocsp.h) say of each but the anchor, and what a configuration makes of it.
 *
 *   in any case   one that is revoked is refused; so is one with an OCSP response that does not
 *                 count for it, whatever the cause; so is a leaf without a response that must have
 *                 one (RFC 7633, or require_staple), and is it the anchor itself
 *   soft          nothing else is asked for
 *   hard          of each, a CRL or a response says that it is good
 */
#ifndef RP_X509_REVOCATION_H
#define RP_X509_REVOCATION_H

#include "x509/ocsp.h"

struct rp_path;
struct rp_path_failure;

typedef struct rp_revocation {
    bool on;
    bool hard;
    bool require_staple;
    rp_crls *crls; /* NULL: none */
} rp_revocation;

/* The responses that came with a chain, by the positions of the certificates; data NULL: none. */
typedef struct rp_staples {
    size_t count;
    const rp_slice *responses;
} rp_staples;

/* Judges a path that is valid otherwise. False: *failure says why it is not. staples NULL: none. */
bool rp__revocation_check(const rp_revocation *revocation, const struct rp_path *path,
                          const rp_staples *staples, int64_t now, struct rp_path_failure *failure);

#endif
