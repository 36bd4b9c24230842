/* path.h - is there a valid path from a peer's certificate to a trust anchor? (RFC 5280, 6.)
 *
 * The peer's certificate comes first, and behind it anything in any order (RFC 8446, 4.4.2): what
 * is of use is used, the rest does no harm. Candidates for an issuer are found by name; key
 * identifiers, dates and how near an anchor they are only say which to try first. Every path is
 * judged whole, by the rules below, and the first that keeps them all is taken:
 *
 *   all of them   in date; a key and a signature as in signature.h; no extension that is critical
 *                 and not known
 *   the leaf      keyUsage, if there, has digitalSignature; extendedKeyUsage, if there, has the
 *                 purpose; no authority's certificate, unless it is itself the anchor
 *   the others    version 3, CA:TRUE, pathLen; keyUsage, if there, has keyCertSign;
 *                 extendedKeyUsage, if there, has the purpose, anyExtendedKeyUsage being none
 *                 (Mozilla Root Store Policy, 5.3); nameConstraints, for all below
 *   the anchor    it is an authority, or the leaf itself; pathLen; nameConstraints; no extension
 *                 that is critical and not known, but policyConstraints. See anchors.h
 *
 * and, where the configuration asks for it, revocation.h's.
 *
 * Names of hosts are not looked at: host.h. Policies are not either: any is acceptable. No I/O, no
 * clock, no allocation but wolfCrypt's. */
#ifndef RP_X509_PATH_H
#define RP_X509_PATH_H

#include "x509/anchors.h"
#include "x509/certificate.h"
#include "x509/revocation.h"
#include <ringport/error.h>

#define RP_CHAIN_LIMIT 64                 /* certificates that a peer may send */
#define RP_CHAIN_BYTES_LIMIT (128u << 10) /* all of them together */
#define RP_PATH_LIMIT 9                   /* the leaf and eight intermediates */

/* What a search may cost, however the certificates are made. */
#define RP_PATH_CANDIDATES_LIMIT 200
#define RP_PATH_SIGNATURES_LIMIT 100
#define RP_PATH_REVOCATIONS_LIMIT 4 /* paths that are in order but for that */

typedef enum rp_purpose { RP_PURPOSE_SERVER, RP_PURPOSE_CLIENT } rp_purpose;

typedef struct rp_path_options {
    const rp_anchors *anchors;
    rp_purpose purpose;              /* of the leaf */
    int64_t now;                     /* seconds since 1970 */
    const rp_revocation *revocation; /* NULL, or off: not looked at */
    const rp_staples *staples;       /* NULL: none */
} rp_path_options;

/* Why there is no path: of all that were tried, what stopped the one that got furthest. */
typedef struct rp_path_failure {
    rp_status status; /* RP_E_CERT_* or RP_E_NO_MEMORY */
    const rp_certificate
        *certificate;   /* which one; UNTRUSTED: whose issuer is not known. NULL: none */
    const char *reason; /* INVALID: what is wrong with it, a static string; REVOKED and
                         * STATUS_UNKNOWN: see standing.h */
    int64_t date;
} rp_path_failure;

typedef struct rp_path {
    /* What was sent. Views: the bytes must stay. */
    size_t count;
    rp_certificate sent[RP_CHAIN_LIMIT];   /* [0] is the leaf */
    const char *malformed[RP_CHAIN_LIMIT]; /* NULL: it is not */

    /* The path, from the leaf up, and the anchor above it; which is the leaf if that is all. */
    size_t length;
    const rp_certificate *links[RP_PATH_LIMIT];
    const rp_anchor *anchor;
    int64_t begins, ends; /* in which all of the links are in date */

    rp_path_failure failure;
} rp_path;

/* True: path->links is a valid path. False: path->failure says why there is none. */
bool rp__path_find(rp_path *path, const rp_slice *sent, size_t count,
                   const rp_path_options *options);

/* Says why there is none, to an operator: peer_text is whose certificates they are. */
void rp__path_failure_tell(const rp_path *path, const char *peer_text, rp_error *error);

#endif
