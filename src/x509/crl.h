/* crl.h - certificate revocation lists (RFC 5280, 5 and 6.3).
 *
 * A list counts if it is complete (no delta), direct (of certificates that its own issuer signed),
 * says when the next one comes, and has no critical extension, in itself or in an entry, that is
 * not known. What is not so is refused when it is added. Whether it is signed by the issuer of a
 * certificate, and in date, is seen when that certificate is judged.
 *
 *   revoked   a list that the certificate's issuer signed has its serial number, whatever the
 *             list's age and scope, for an issuer uses a number once (RFC 5280, 4.1.2.2), and
 *             whatever its key usage says: whose key it is, wants the certificate gone;
 *             removeFromCRL, which belongs in delta lists, takes nothing back here
 *   good      such a list is in date, of an issuer whose key usage, if it has one, allows CRLs,
 *             has the certificate in its scope (its kind and, if the list is for a distribution
 *             point, one that the certificate names), covers all reasons, and does not have the
 *             number
 *   unknown   neither
 *
 * Lists may be long: a million entries cost their DER and 8 bytes each. Filled once, and then
 * asked by any thread; who signed a list is found out once for each key. */
#ifndef RP_X509_CRL_H
#define RP_X509_CRL_H

#include "base/memory.h"
#include "x509/certificate.h"
#include "x509/signature.h"
#include "x509/standing.h"
#include <ringport/error.h>

#define RP_CRLS_BYTES_LIMIT (128u << 20) /* all lists of a store together */

typedef struct rp_crls rp_crls;

/* Allocates from memory, which must stay. NULL: no memory. */
rp_crls *rp__crls_create(rp_memory *memory);
void rp__crls_destroy(rp_crls *crls); /* NULL does nothing */

/* Takes der, size (> 0) bytes from the store's memory, over: also when it fails. RP_E_CERT_INVALID:
 * the list can't be used, *reason says why: "it is a delta CRL". */
rp_status rp__crls_take(rp_crls *crls, uint8_t *der, size_t size, const char **reason);
size_t rp__crls_count(const rp_crls *crls); /* for tests */
/* Lends fn what is signed of each list. crls NULL: there are none. */
void rp__crls_each(const rp_crls *crls, void (*fn)(rp_slice list, void *user), void *user);

/* An authority, with its key as rp__public_key_read has it. */
typedef struct rp_issuer {
    const rp_certificate *certificate;
    const rp_public_key *key;
} rp_issuer;

/* What the lists say of a certificate that issuer signed. crls NULL: there are none. */
rp_standing rp__crls_judge(rp_crls *crls, const rp_certificate *certificate, rp_issuer issuer,
                           int64_t now);

#endif
