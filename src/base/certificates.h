/* certificates.h - copies of the certificates that a peer sent, as the caller is told of them. */
#ifndef RP_BASE_CERTIFICATES_H
#define RP_BASE_CERTIFICATES_H

#include "base/memory.h"
#include <ringport/tls.h>

/* All of them, with what they point to, in one block that rp__free takes. count > 0. NULL: no
 * memory. */
rp_peer_certificate *rp__certificates_copy(rp_memory *memory, const rp_peer_certificate *from,
                                           size_t count);

#endif
