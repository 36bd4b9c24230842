/* wolf_memory.c - see wolf_memory.h. */
#include "support/wolf_memory.h"

#include "support/check.h"
#include "tls/wolfssl.h"

#include <stdlib.h>

static long countdown, live;

static bool fails(void)
{
    return countdown > 0 && --countdown == 0;
}

static void *count_malloc(size_t size)
{
    if (fails())
        return NULL;
    live++;
    return malloc(size);
}

static void count_free(void *block)
{
    live -= block != NULL;
    free(block);
}

static void *count_realloc(void *block, size_t size)
{
    if (fails())
        return NULL;
    live += block == NULL;
    return realloc(block, size);
}

void wolf_memory_count(void)
{
    CHECK(wolfSSL_SetAllocators(count_malloc, count_free, count_realloc) == 0);
}

void wolf_memory_fail_in(long number)
{
    countdown = number;
}

bool wolf_memory_failed(void)
{
    bool failed = countdown == 0;
    countdown = 0;
    return failed;
}

long wolf_memory_live(void)
{
    return live;
}
