/* staple.h - what came with a peer's certificates about their revocation: OCSP responses, in the
 * extensions of each certificate (TLS 1.3: RFC 8446, 4.4.2.1) or in a message behind them (TLS 1.2:
 * RFC 6066, 8), for which the chain is kept. */
#ifndef RP_TLS_STAPLE_H
#define RP_TLS_STAPLE_H

#include "base/memory.h"
#include "base/slice.h"
#include "x509/path.h"

#define RP_SENT_LIMIT (RP_CHAIN_LIMIT + 1) /* one more than may be, so that it is seen */

/* What was sent. The bytes are somebody else's. */
typedef struct rp_sent_chain {
    size_t count;
    rp_slice certificates[RP_SENT_LIMIT];
    rp_slice staples[RP_SENT_LIMIT]; /* data NULL: none */
} rp_sent_chain;

/* Of one handshake, in a configuration that looks at revocation. */
typedef struct rp_evidence {
    rp_memory *memory;
    bool with_certificates; /* TLS 1.3: what there is came with them */
    rp_slice staples[RP_SENT_LIMIT];
    uint8_t *bytes; /* TLS 1.2: the certificates that wait for the message; NULL: none */
    rp_sent_chain waiting;
} rp_evidence;

rp_evidence *rp__evidence_create(rp_memory *memory); /* NULL: no memory */
void rp__evidence_destroy(rp_evidence *evidence);    /* NULL does nothing */

/* Takes the response, if there is one, out of the extensions of certificate index; it stays where
 * it is. False: they are malformed. */
bool rp__evidence_extensions(rp_evidence *evidence, size_t index, rp_slice extensions);

/* Copies the certificates of sent to evidence->waiting. False: no memory. */
bool rp__evidence_wait(rp_evidence *evidence, const rp_sent_chain *sent);

/* The body of a CertificateStatus. False: it is malformed, or holds something else. */
bool rp__certificate_status_read(rp_slice body, rp_slice *response);

#endif
