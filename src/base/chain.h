/* chain.h - a byte queue made of fixed-size chunks from a pool: output that grows without being
 * moved.
 *
 * Chunks go back to the pool as soon as they are empty, so an idle connection holds none, and in
 * the steady state nothing is allocated. What they held, heads and bodies, is wiped then. */
#ifndef RP_BASE_CHAIN_H
#define RP_BASE_CHAIN_H

#include "base/memory.h"
#include "base/slice.h"

#define RP_CHUNK_BYTES 4080 /* with the header about a page */

typedef struct rp_chunk {
    struct rp_chunk *next;
    uint32_t begin, end; /* used bytes are data[begin..end) */
    uint8_t data[RP_CHUNK_BYTES];
} rp_chunk;

/* One a loop. */
typedef struct rp_chunk_pool {
    rp_memory *memory;
    rp_chunk *free;
    size_t free_count;
    size_t free_limit;      /* more than these are given back to the allocator */
    uint64_t *bytes_copied; /* counter, may be NULL */
} rp_chunk_pool;

void rp__chunk_pool_init(rp_chunk_pool *pool, rp_memory *memory, uint64_t *bytes_copied);
void rp__chunk_pool_clear(rp_chunk_pool *pool);

/* One chunk as plain memory. NULL: none. */
rp_chunk *rp__chunk_take(rp_chunk_pool *pool);
void rp__chunk_give(rp_chunk_pool *pool, rp_chunk *chunk);

typedef struct rp_chain {
    rp_chunk_pool *pool;
    rp_chunk *head, *tail;
    size_t size;
    bool sealed; /* it holds ciphertext: no secret, and so nothing to wipe */
} rp_chain;

void rp__chain_init(rp_chain *chain, rp_chunk_pool *pool);

/* Drops everything. */
void rp__chain_clear(rp_chain *chain);

/* Copies data to the end. False: no memory, and the chain is as before. */
bool rp__chain_append(rp_chain *chain, const void *data, size_t size);

/* Drops the first size bytes (at most chain->size). */
void rp__chain_consume(rp_chain *chain, size_t size);

/* Fills slices with up to limit pieces from the start; returns their number. They live until the
 * chain is consumed or cleared; appending leaves them alone. */
size_t rp__chain_slices(const rp_chain *chain, rp_slice *slices, size_t limit);

#endif
