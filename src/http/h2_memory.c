/* h2_memory.c - see h2_memory.h. */
#include "http/h2_memory.h"

#define LEAST ((size_t)64)
#define KEPT_BYTES ((size_t)1024 * 1024) /* of each size: 16 connections of 100 streams at once */
#define LARGE RP_H2_SIZES

struct rp_h2_block {
    union {
        rp_h2_block *next; /* while it is kept */
        size_t size;       /* asked for */
    } is;
    size_t kind; /* LEAST << kind bytes; LARGE: of its own size */
};

_Static_assert(sizeof(rp_h2_block) == 2 * sizeof(void *), "blocks are aligned as malloc's are");

static size_t kind_of(size_t size)
{
    if (size <= LEAST)
        return 0;
    size_t kind = (size_t)(64 - __builtin_clzll((unsigned long long)(size - 1) / LEAST));
    return kind < LARGE ? kind : LARGE;
}

void *rp__h2_take(rp_h2_memory *pool, size_t size)
{
    size_t kind = kind_of(size);
    rp_h2_block *block = kind < LARGE ? pool->free[kind] : NULL;
    if (block != NULL) {
        pool->free[kind] = block->is.next;
        pool->free_count[kind]--;
    } else {
        size_t bytes = kind < LARGE ? LEAST << kind : size;
        block = rp__reallocate(pool->memory, NULL, sizeof(*block) + bytes);
        if (block == NULL)
            return NULL;
        block->kind = kind;
    }
    block->is.size = size;
    return block + 1;
}

void rp__h2_give(rp_h2_memory *pool, void *given)
{
    if (given == NULL)
        return;
    rp__wipe(given, ((rp_h2_block *)given - 1)->is.size);
    rp__h2_give_plain(pool, given);
}

void rp__h2_give_plain(rp_h2_memory *pool, void *given)
{
    rp_h2_block *block = (rp_h2_block *)given - 1;
    size_t kind = block->kind;
    if (kind == LARGE || pool->free_count[kind] >= KEPT_BYTES / (LEAST << kind)) {
        rp__free(pool->memory, block);
        return;
    }
    block->is.next = pool->free[kind];
    pool->free[kind] = block;
    pool->free_count[kind]++;
}

rp_h2_memory *rp__h2_memory_create(rp_memory *memory)
{
    rp_h2_memory *pool = rp__allocate(memory, sizeof(*pool));
    if (pool == NULL)
        return NULL;
    pool->memory = memory;
    return pool;
}

void rp__h2_memory_destroy(rp_h2_memory *pool)
{
    if (pool == NULL)
        return;
    for (size_t kind = 0; kind < RP_H2_SIZES; kind++) {
        while (pool->free[kind] != NULL) {
            rp_h2_block *block = pool->free[kind];
            pool->free[kind] = block->is.next;
            rp__free(pool->memory, block);
        }
    }
    rp__free(pool->memory, pool);
}
