/* ocsp.h - responses of the Online Certificate Status Protocol (RFC 6960), as servers staple them.
 *
 * A response counts for a certificate if
 * - it is a successful basic response, of version 1, without a critical extension (a nonce is not
 *   asked for);
 * - it is signed by the certificate's issuer itself, or by a responder whose certificate, sent with
 *   it, that issuer signed directly, for this purpose (id-kp-OCSPSigning), and that is in date and
 *   on no CRL that is at hand; by an algorithm and a key as in signature.h. No certificate vouches
 *   for itself;
 * - each of its answers that is about this certificate (by the hashes of the issuer's name and key,
 *   of SHA-1 or SHA-2, and the serial number) says good, and is current: between thisUpdate and
 *   nextUpdate, or within a day of thisUpdate where newer ones are said to be there all the time.
 *   There is one at least.
 * One answer that says revoked, in a response that is signed so, is enough, current or not. Clocks
 * may differ: what is five minutes ahead is not in the future. */
#ifndef RP_X509_OCSP_H
#define RP_X509_OCSP_H

#include "x509/crl.h"

#define RP_OCSP_BYTES_LIMIT (64u << 10)

/* crls (NULL: none) may know of the responder. Never RP_STANDING_UNKNOWN without a reason. */
rp_standing rp__ocsp_judge(rp_slice response, const rp_certificate *certificate, rp_issuer issuer,
                           rp_crls *crls, int64_t now);

#endif
