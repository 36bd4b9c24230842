/* pem.h - text with DER in it (RFC 7468), block by block. */
#ifndef RP_TLS_PEM_H
#define RP_TLS_PEM_H

#include "base/memory.h"
#include "base/slice.h"

#include <stdbool.h>

typedef struct rp_pem {
    rp_slice label; /* "CERTIFICATE" */
    rp_slice body;  /* base64, behind RFC 1421's headers if there are any */
    bool encrypted; /* the headers say "Proc-Type: 4,ENCRYPTED": OpenSSL's old form of a key */
} rp_pem;

/* The next block that begins and ends, off the front of *text. False: there is none. */
bool rp__pem_next(rp_slice *text, rp_pem *block);

bool rp__pem_is(const rp_pem *block, const char *label);

/* Base64, with white space anywhere (RFC 7468, 2), to out, which has room for text.size + 1 bytes
 * or for three quarters of them and 8. False: it is none. */
bool rp__base64_decode(rp_slice text, uint8_t *out, size_t *size);

/* What the body says, of size > 0: free_secret() it. NULL: no memory; *size 0: it is no base64. */
uint8_t *rp__pem_decode(rp_memory *memory, const rp_pem *block, size_t *size);

#endif
