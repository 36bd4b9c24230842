/* standing.h - what a CRL or an OCSP response says of a certificate. */
#ifndef RP_X509_STANDING_H
#define RP_X509_STANDING_H

#include <stdint.h>

typedef enum rp_standing_kind {
    RP_STANDING_UNKNOWN,
    RP_STANDING_GOOD,
    RP_STANDING_REVOKED,
    RP_STANDING_NO_MEMORY
} rp_standing_kind;

typedef struct rp_standing {
    rp_standing_kind kind;
    /* REVOKED: "keyCompromise", the reason that was given; NULL: none. UNKNOWN: why, the end of a
     * message "... may be revoked: ", which date ends if it is not 0. Static strings. */
    const char *reason;
    int64_t date; /* REVOKED: since when, in seconds since 1970 */
} rp_standing;

/* The name of a CRLReason (RFC 5280, 5.3.1). NULL: there is none of that number. */
const char *rp__revocation_reason(uint32_t number);

#endif
