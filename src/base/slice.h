/* slice.h - borrowed bytes. */
#ifndef RP_BASE_SLICE_H
#define RP_BASE_SLICE_H

#include <stddef.h>
#include <stdint.h>

typedef struct rp_slice {
    const uint8_t *data;
    size_t size;
} rp_slice;

#endif
