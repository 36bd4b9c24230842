/* word.h - 32 bits as they go over the wire: the highest byte first. */
#ifndef RP_BASE_WORD_H
#define RP_BASE_WORD_H

#include <stdint.h>

static inline uint32_t rp__word_get(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void rp__word_put(uint8_t *bytes, uint32_t word)
{
    bytes[0] = (uint8_t)(word >> 24);
    bytes[1] = (uint8_t)(word >> 16);
    bytes[2] = (uint8_t)(word >> 8);
    bytes[3] = (uint8_t)word;
}

#endif
