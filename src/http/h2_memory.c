/* h2_memory.c - see h2_memory.h. */
#include "http/h2_memory.h"

#include <string.h>

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
    size_t kind = 0;
    while (kind < LARGE && LEAST << kind < size)
        kind++;
    return kind;
}

void *rp_h2_take(rp_h2_memory *pool, size_t size)
{
    size_t kind = kind_of(size);
    rp_h2_block *block = kind < LARGE ? pool->free[kind] : NULL;
    if (block != NULL) {
        pool->free[kind] = block->is.next;
        pool->free_count[kind]--;
    } else {
        size_t bytes = kind < LARGE ? LEAST << kind : size;
        block = rp_reallocate(pool->memory, NULL, sizeof(*block) + bytes);
        if (block == NULL)
            return NULL;
        block->kind = kind;
    }
    block->is.size = size;
    return block + 1;
}

void rp_h2_give(rp_h2_memory *pool, void *given)
{
    if (given == NULL)
        return;
    rp_h2_block *block = (rp_h2_block *)given - 1;
    size_t kind = block->kind;
    rp_wipe(given, block->is.size);
    if (kind == LARGE || pool->free_count[kind] >= KEPT_BYTES / (LEAST << kind)) {
        rp_free(pool->memory, block);
        return;
    }
    block->is.next = pool->free[kind];
    pool->free[kind] = block;
    pool->free_count[kind]++;
}

/* ---- as nghttp2 calls it ---- */

static void *mem_malloc(size_t size, void *user)
{
    return rp_h2_take(user, size);
}

static void mem_free(void *block, void *user)
{
    rp_h2_give(user, block);
}

static void *mem_calloc(size_t count, size_t size, void *user)
{
    if (size > 0 && count > SIZE_MAX / 2 / size)
        return NULL;
    void *block = rp_h2_take(user, count * size);
    if (block != NULL)
        memset(block, 0, count * size);
    return block;
}

static void *mem_realloc(void *old, size_t size, void *user)
{
    if (old == NULL)
        return rp_h2_take(user, size);
    rp_h2_block *block = (rp_h2_block *)old - 1;
    size_t had = block->is.size;
    if (block->kind < LARGE && size <= LEAST << block->kind && size >= had) {
        block->is.size = size;
        return old;
    }
    void *fresh = rp_h2_take(user, size);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, old, had < size ? had : size);
    rp_h2_give(user, old);
    return fresh;
}

rp_h2_memory *rp_h2_memory_create(rp_memory *memory)
{
    rp_h2_memory *pool = rp_allocate(memory, sizeof(*pool));
    if (pool == NULL)
        return NULL;
    pool->memory = memory;
    pool->calls = (nghttp2_mem){.mem_user_data = pool,
                                .malloc = mem_malloc,
                                .free = mem_free,
                                .calloc = mem_calloc,
                                .realloc = mem_realloc};
    return pool;
}

void rp_h2_memory_destroy(rp_h2_memory *pool)
{
    if (pool == NULL)
        return;
    for (size_t kind = 0; kind < RP_H2_SIZES; kind++) {
        while (pool->free[kind] != NULL) {
            rp_h2_block *block = pool->free[kind];
            pool->free[kind] = block->is.next;
            rp_free(pool->memory, block);
        }
    }
    rp_free(pool->memory, pool);
}
