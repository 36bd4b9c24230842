/* pem.h - text with DER in it (RFC 7468), block by block. */
#ifndef RP_TLS_PEM_H
#define RP_TLS_PEM_H

#include "base/memory.h"
#include "base/slice.h"

#include <stdbool.h>

typedef struct rp_pem {
    rp_slice label; /* "CERTIFICATE" */
    rp_slice body;  /* base64, behind RFC 1421's headers if there are any */
    bool ends;      /* before the text does */
    bool encrypted; /* the headers say "Proc-Type: 4,ENCRYPTED": OpenSSL's old form of a key */
} rp_pem;

/* The next block that begins and ends, off the front of *text. False: there is none. */
bool rp__pem_next(rp_slice *text, rp_pem *block);

bool rp__pem_is(const rp_pem *block, const char *label);

/* A certificate under any of its labels: RFC 7468's, and two of OpenSSL's. */
bool rp__pem_is_certificate(const rp_pem *block);

bool rp__pem_is_crl(const rp_pem *block);

/* One of those. */
typedef bool rp_pem_kind(const rp_pem *block);

/* The next of a kind, without RFC 1421's headers. One that does not end goes on to the end of the
 * text, and says so: it shall be missed, where many are read. */
bool rp__pem_next_of(rp_slice *text, rp_pem_kind *is_of, rp_pem *block);

/* How often a word stands in a text. */
unsigned rp__pem_count(rp_slice text, const char *word);

/* Takes off what OpenSSL's TRUSTED CERTIFICATE has behind the certificate, and returns it: its
 * trust settings, or nothing. der is what the block says. */
rp_slice rp__pem_cut_settings(const rp_pem *block, rp_slice *der);

/* What the body says, of size > 0: free_secret() it. NULL: no memory; *size 0: it is no base64,
 * which has white space anywhere (RFC 7468, 2). */
uint8_t *rp__pem_decode(rp_memory *memory, const rp_pem *block, size_t *size);

#endif
