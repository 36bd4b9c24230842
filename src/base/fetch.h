/* fetch.h - memory that is looked at soon. */
#ifndef RP_BASE_FETCH_H
#define RP_BASE_FETCH_H

#include <stddef.h>

/* The processor may bring it near meanwhile. Where more is under way than the near caches hold, the
 * wait for it is what costs. */
static inline void rp__fetch(const void *memory, size_t size)
{
#pragma GCC unroll 16
    for (size_t at = 0; at < size; at += 64) /* a cache line */
        __builtin_prefetch((const char *)memory + at);
}

#endif
