/* h2_memory.h - memory of HTTP/2's connections, over a loop's: streams and header fields come and
 * go with every request, so blocks that come back are kept for the next one, by size. What they
 * held is wiped when they come back: headers, mostly. */
#ifndef RP_HTTP_H2_MEMORY_H
#define RP_HTTP_H2_MEMORY_H

#include "http/h2.h"

#define RP_H2_SIZES 9 /* 64 bytes to 16 KiB */

typedef struct rp_h2_block rp_h2_block;

struct rp_h2_memory {
    rp_memory *memory;
    rp_h2_block *free[RP_H2_SIZES];
    uint32_t free_count[RP_H2_SIZES];
};

/* NULL: no memory. Not zeroed. */
void *rp__h2_take(rp_h2_memory *pool, size_t size);
/* NULL does nothing. */
void rp__h2_give(rp_h2_memory *pool, void *block);
/* One that held no secret: it is not wiped. */
void rp__h2_give_plain(rp_h2_memory *pool, void *block);

#endif
