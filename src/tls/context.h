/* context.h - what the engine and the verifier put into a configuration's context, once. */
#ifndef RP_TLS_CONTEXT_H
#define RP_TLS_CONTEXT_H

#include "tls/config.h"

/* engine.c: input and output, sessions. False: no memory. */
bool rp__context_callbacks(rp_tls_config *config);

/* engine.c: signatures are the engines' matter. False: this build of wolfSSL can't. */
bool rp__context_sign(rp_tls_config *config);

/* verify.c: whether the peer must show a certificate, and who judges it. After trust and pins are
 * set. */
void rp__context_verify(rp_tls_config *config);

#endif
