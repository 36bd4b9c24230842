/* slice.h - borrowed bytes. */
#ifndef RP_BASE_SLICE_H
#define RP_BASE_SLICE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct rp_slice {
    const uint8_t *data;
    size_t size;
} rp_slice;

/* Without the NUL. */
static inline rp_slice rp__slice_of(const char *text)
{
    return (rp_slice){(const uint8_t *)text, strlen(text)};
}

#endif
