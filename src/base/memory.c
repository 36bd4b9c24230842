/* memory.c - counted allocation with failure injection. */
#include "base/memory.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define GROWN_FIRST ((size_t)4096)

static void *malloc_resize(void *user, void *memory, size_t size)
{
    (void)user;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return realloc(memory, size);
}

void rp__memory_init(rp_memory *memory, rp_allocator allocator)
{
    *memory = (rp_memory){.allocator = allocator};
    if (memory->allocator.resize == NULL)
        memory->allocator = (rp_allocator){.resize = malloc_resize};
}

static bool must_fail(rp_memory *memory)
{
    return memory->fail_in > 0 && --memory->fail_in == 0;
}

void *rp__allocate(rp_memory *memory, size_t size)
{
    void *block = rp__reallocate(memory, NULL, size);
    if (block != NULL)
        memset(block, 0, size);
    return block;
}

void *rp__reallocate(rp_memory *memory, void *old, size_t size)
{
    RP_ASSERT(size > 0);
    if (must_fail(memory))
        return NULL;
    void *block = memory->allocator.resize(memory->allocator.user, old, size);
    if (block == NULL)
        return NULL;
    memory->allocations++;
    if (old == NULL)
        memory->live++;
    return block;
}

void rp__free(rp_memory *memory, void *block)
{
    if (block == NULL)
        return;
    RP_ASSERT(memory->live > 0);
    memory->live--;
    (void)memory->allocator.resize(memory->allocator.user, block, 0);
}

void rp__free_secret(rp_memory *memory, void *block, size_t used)
{
    if (block != NULL)
        rp__wipe(block, used);
    rp__free(memory, block);
}

void rp__free_secret_text(rp_memory *memory, char *text)
{
    rp__free_secret(memory, text, text != NULL ? strlen(text) : 0);
}

void *rp__reallocate_secret(rp_memory *memory, void *old, size_t used, size_t size)
{
    RP_ASSERT(used <= size);
    void *block = rp__reallocate(memory, NULL, size);
    if (block == NULL || old == NULL)
        return block;
    memcpy(block, old, used);
    rp__free_secret(memory, old, used);
    return block;
}

bool rp__grow_secret(rp_memory *memory, uint8_t **block, size_t *capacity, size_t used, size_t need)
{
    size_t size = *capacity == 0 ? GROWN_FIRST : *capacity;
    if (need <= *capacity)
        return true;
    while (size < need)
        size *= 2;
    uint8_t *grown = rp__reallocate_secret(memory, *block, used, size);
    if (grown == NULL)
        return false;
    *block = grown;
    *capacity = size;
    return true;
}

char *rp__copy_text(rp_memory *memory, const char *text, size_t size)
{
    char *copy = rp__reallocate(memory, NULL, size + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}
