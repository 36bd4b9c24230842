/* fail.c - see torture.h. */
#include "torture/torture.h"

#include "tls/wolfssl.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

counter ours, wolf;
bool (*wolf_is_others)(void);
bool fail_region;

bool counter_fails(counter *c)
{
    if (!c->armed)
        return false;
    c->calls++;
    bool fails = c->at > 0 && (c->calls == c->at || (c->onward && c->calls > c->at));
    c->struck += fails;
    return fails;
}

/* src/base/memory.c's: the linker leads its calls here. */
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_realloc(void *memory, size_t size)
{
    if (fail_region && size > 0 && counter_fails(&ours))
        return NULL;
    return __real_realloc(memory, size);
}

static void *our_resize(void *user, void *memory, size_t size)
{
    (void)user;
    if (size == 0) {
        ours.live -= memory != NULL;
        free(memory);
        return NULL;
    }
    if (counter_fails(&ours))
        return NULL;
    void *block = __real_realloc(memory, size);
    CHECK(block != NULL);
    /* Whoever reads what was not written finds this. */
    if (memory == NULL)
        memset(block, 0xa5, size < 512 ? size : 512);
    ours.live += memory == NULL;
    return block;
}

const rp_allocator fail_allocator = {.resize = our_resize};

static bool wolf_fails(void)
{
    return (wolf_is_others == NULL || !wolf_is_others()) && counter_fails(&wolf);
}

static void *wolf_malloc(size_t size)
{
    if (wolf_fails())
        return NULL;
    wolf.live++;
    return malloc(size);
}

static void wolf_free(void *block)
{
    wolf.live -= block != NULL;
    free(block);
}

static void *wolf_realloc(void *block, size_t size)
{
    if (wolf_fails())
        return NULL;
    wolf.live += block == NULL;
    return __real_realloc(block, size);
}

void fail_prepare(void)
{
    CHECK(wolfSSL_SetAllocators(wolf_malloc, wolf_free, wolf_realloc) == 0);
    CHECK(wolfSSL_Init() == WOLFSSL_SUCCESS);
}
