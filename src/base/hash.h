/* hash.h - FNV-1a in 64 bits: for tables whose keys a stranger can't choose, and for traces. */
#ifndef RP_BASE_HASH_H
#define RP_BASE_HASH_H

#include <stdint.h>

#define RP_HASH_BEGIN UINT64_C(14695981039346656037)

static inline uint64_t rp__hash_byte(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * UINT64_C(1099511628211);
}

#endif
