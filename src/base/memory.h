/* memory.h - the allocator handle that everything on one loop allocates through.
 *
 * It counts, and it can be told to fail the nth allocation from now, which is how the tests reach
 * every out-of-memory path. Not locked: one handle, one thread (or the owner's lock). */
#ifndef RP_BASE_MEMORY_H
#define RP_BASE_MEMORY_H

#include <ringport/loop.h>

typedef struct rp_memory {
    rp_allocator allocator;
    uint64_t allocations; /* that succeeded, since rp__memory_init */
    uint64_t live;        /* not yet freed */
    uint64_t fail_in;     /* 0: never; 1: the next allocation fails, 2: the one after; counts
                           * down */
} rp_memory;

/* allocator.resize NULL: malloc's family. */
void rp__memory_init(rp_memory *memory, rp_allocator allocator);

/* size > 0. NULL when there is no memory. Zeroed. */
void *rp__allocate(rp_memory *memory, size_t size);

/* Not zeroed beyond the old size; on failure NULL and the old block stands. old may be NULL. */
void *rp__reallocate(rp_memory *memory, void *old, size_t size);

/* NULL does nothing. */
void rp__free(rp_memory *memory, void *block);

/* ---- for secrets: what a request, a response or a key file says ----
 *
 * Memory that held one is overwritten before it is given back or serves something else. used: the
 * bytes of the block that were written. */

/* Zeros, which no compiler leaves out. size may be 0. Platform specific: in src/linux/system.c or
 * src/win32/system.c. */
void rp__wipe(void *bytes, size_t size);

/* NULL does nothing. */
void rp__free_secret(rp_memory *memory, void *block, size_t used);
/* The same of a NUL-terminated text. */
void rp__free_secret_text(rp_memory *memory, char *text);

/* Like rp__reallocate, but no copy is left where the block was. used <= size. */
void *rp__reallocate_secret(rp_memory *memory, void *old, size_t used, size_t size);

/* Room for need bytes in a block that doubles, from 4 KiB on, of which used are written. False: no
 * memory, and the block stands. */
bool rp__grow_secret(rp_memory *memory, uint8_t **block, size_t *capacity, size_t used,
                     size_t need);

/* A NUL-terminated copy of size bytes. */
char *rp__copy_text(rp_memory *memory, const char *text, size_t size);

#endif
