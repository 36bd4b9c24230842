/* chain.c - a byte queue of pooled chunks. */
#include "base/chain.h"

#include "base/assert.h"

#include <string.h>

/* 1 MiB of chunks at rest at the most: enough for bursts of a few hundred requests a turn. */
#define FREE_LIMIT 256

void rp__chunk_pool_init(rp_chunk_pool *pool, rp_memory *memory, uint64_t *bytes_copied)
{
    *pool =
        (rp_chunk_pool){.memory = memory, .free_limit = FREE_LIMIT, .bytes_copied = bytes_copied};
}

void rp__chunk_pool_clear(rp_chunk_pool *pool)
{
    while (pool->free != NULL) {
        rp_chunk *chunk = pool->free;
        pool->free = chunk->next;
        rp__free(pool->memory, chunk);
    }
    pool->free_count = 0;
}

rp_chunk *rp__chunk_take(rp_chunk_pool *pool)
{
    rp_chunk *chunk = pool->free;
    if (chunk != NULL) {
        pool->free = chunk->next;
        pool->free_count--;
    } else {
        /* Not rp__allocate: zeroing a page that is about to be overwritten is wasted work. */
        chunk = rp__reallocate(pool->memory, NULL, sizeof(*chunk));
        if (chunk == NULL)
            return NULL;
    }
    chunk->next = NULL;
    chunk->begin = chunk->end = 0;
    return chunk;
}

void rp__chunk_give(rp_chunk_pool *pool, rp_chunk *chunk)
{
    if (pool->free_count >= pool->free_limit) {
        rp__free(pool->memory, chunk);
        return;
    }
    chunk->next = pool->free;
    pool->free = chunk;
    pool->free_count++;
}

void rp__chain_init(rp_chain *chain, rp_chunk_pool *pool)
{
    *chain = (rp_chain){.pool = pool};
}

static void give(rp_chain *chain, rp_chunk *chunk)
{
    if (!chain->sealed)
        rp__wipe(chunk->data, chunk->end);
    rp__chunk_give(chain->pool, chunk);
}

void rp__chain_clear(rp_chain *chain)
{
    for (rp_chunk *chunk; (chunk = chain->head) != NULL;) {
        chain->head = chunk->next;
        give(chain, chunk);
    }
    chain->tail = NULL;
    chain->size = 0;
}

static size_t chunk_room(const rp_chunk *chunk)
{
    return chunk == NULL ? 0 : RP_CHUNK_BYTES - (size_t)chunk->end;
}

/* The chunks that size bytes need beyond room: all or none. */
static bool chunks_take(rp_chunk_pool *pool, size_t room, size_t size, rp_chunk **first)
{
    *first = NULL;
    for (; room < size; room += RP_CHUNK_BYTES) {
        rp_chunk *chunk = rp__chunk_take(pool);
        if (chunk == NULL) {
            while ((chunk = *first) != NULL) {
                *first = chunk->next;
                rp__chunk_give(pool, chunk);
            }
            return false;
        }
        chunk->next = *first;
        *first = chunk;
    }
    return true;
}

bool rp__chain_append(rp_chain *chain, const void *data, size_t size)
{
    rp_chunk *fresh;
    if (!chunks_take(chain->pool, chunk_room(chain->tail), size, &fresh))
        return false;
    const uint8_t *bytes = data;
    chain->size += size;
    if (chain->pool->bytes_copied != NULL)
        *chain->pool->bytes_copied += size;
    while (size > 0) {
        if (chunk_room(chain->tail) == 0) {
            rp_chunk *chunk = fresh;
            fresh = chunk->next;
            chunk->next = NULL;
            if (chain->tail != NULL)
                chain->tail->next = chunk;
            else
                chain->head = chunk;
            chain->tail = chunk;
        }
        rp_chunk *tail = chain->tail;
        size_t part = size < chunk_room(tail) ? size : chunk_room(tail);
        memcpy(tail->data + tail->end, bytes, part);
        tail->end = (uint32_t)(tail->end + part);
        bytes += part;
        size -= part;
    }
    RP_ASSERT(fresh == NULL);
    return true;
}

void rp__chain_consume(rp_chain *chain, size_t size)
{
    RP_ASSERT(size <= chain->size);
    chain->size -= size;
    while (size > 0) {
        rp_chunk *head = chain->head;
        size_t held = (size_t)head->end - head->begin;
        if (size < held) {
            head->begin = (uint32_t)(head->begin + size);
            return;
        }
        size -= held;
        chain->head = head->next;
        if (chain->head == NULL)
            chain->tail = NULL;
        give(chain, head);
    }
}

size_t rp__chain_slices(const rp_chain *chain, rp_slice *slices, size_t limit)
{
    size_t count = 0;
    for (rp_chunk *chunk = chain->head; chunk != NULL && count < limit; chunk = chunk->next)
        slices[count++] = (rp_slice){chunk->data + chunk->begin, (size_t)chunk->end - chunk->begin};
    return count;
}
