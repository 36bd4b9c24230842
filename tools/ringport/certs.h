/* certs.h - what %{certs} of -w prints of a certificate, in curl's words (OpenSSL's), and the
 * copies that wait for that. */
#ifndef TOOL_CERTS_H
#define TOOL_CERTS_H

#include <ringport/ringport.h>
#include <stdio.h>

typedef struct certs {
    rp_peer_certificate *list; /* of which only der counts; NULL: none */
    size_t count;
} certs;

/* Copies, in place of what was there. False: no memory, and there are none. */
bool certs_keep(certs *c, const rp_peer_certificate *from, size_t count);
void certs_free(certs *c);
void certs_print(const certs *c, FILE *out);

#endif
