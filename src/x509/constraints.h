/* constraints.h - an authority's name constraints (RFC 5280, 4.2.1.10). */
#ifndef RP_X509_CONSTRAINTS_H
#define RP_X509_CONSTRAINTS_H

#include "x509/certificate.h"

/* True if they are well-formed: what follows relies on that. constraints: NameConstraints' content.
 */
bool rp__constraints_read(rp_slice constraints);

/* What the comparisons may cost yet, in names compared, and whether they would have cost more. */
typedef struct rp_constraints_budget {
    uint32_t left;
    bool exceeded;
} rp_constraints_budget;
#define RP_CONSTRAINTS_BUDGET 250000

/* Holds the names of a certificate further down the path to the constraints of an authority above
 * it. NULL: they are kept; else the reason for a message. Names of a kind that is constrained and
 * cannot be compared (email, URI, others) are refused, and so are DNS names where a constraint is a
 * wildcard, which is none. So is a directory name that may lie in an excluded subtree: what is not
 * seen to differ counts as excluded, and not as permitted. */
const char *rp__constraints_check(rp_slice constraints, const rp_certificate *below,
                                  rp_constraints_budget *budget);

#endif
