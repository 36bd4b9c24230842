/* stand_in.h - a private key that is none. wolfSSL shows no certificate without a key; where the
 * key is not in the process, it is given this: the public half of the certificate's, no secret. */
#ifndef RP_TLS_STAND_IN_H
#define RP_TLS_STAND_IN_H

#include "x509/signature.h"

#define RP_STAND_IN_SIZE 1200 /* RSA of 8,192 bits */

/* Writes it, in DER, and returns its size. */
size_t rp__stand_in_key(const rp_public_key *of, uint8_t der[RP_STAND_IN_SIZE]);

#endif
