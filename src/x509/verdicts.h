/* verdicts.h - a memory of chains that were found valid, so that the next handshake with the same
 * server need not check their signatures again.
 *
 * A verdict is remembered under the hash of all that was sent, and holds while every certificate of
 * the path is in date. It says nothing about the host's name. A memory belongs to one set of
 * anchors and one purpose. Of a fixed size: a new verdict takes an old one's place. Any thread. */
#ifndef RP_X509_VERDICTS_H
#define RP_X509_VERDICTS_H

#include "base/memory.h"
#include "x509/path.h"

#define RP_VERDICT_KEY_BYTES 32

typedef struct rp_verdicts rp_verdicts;

typedef struct rp_verdict_key {
    uint8_t bytes[RP_VERDICT_KEY_BYTES];
} rp_verdict_key;

/* NULL: no memory. */
rp_verdicts *rp__verdicts_create(rp_memory *memory);
void rp__verdicts_destroy(rp_verdicts *verdicts); /* NULL does nothing */

/* False: no memory. */
bool rp__verdict_key_make(rp_verdict_key *key, const rp_slice *sent, size_t count);

/* True: a valid path was found, and it is valid now. */
bool rp__verdicts_know(rp_verdicts *verdicts, const rp_verdict_key *key, int64_t now);
void rp__verdicts_keep(rp_verdicts *verdicts, const rp_verdict_key *key, const rp_path *path);

#endif
