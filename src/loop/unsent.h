/* unsent.h - what is left of a send: each port keeps one for each socket. */
#ifndef RP_LOOP_UNSENT_H
#define RP_LOOP_UNSENT_H

#include "base/slice.h"

#include <stdbool.h>

typedef struct rp_unsent {
    const rp_slice *slices;
    size_t count;  /* of slices */
    size_t offset; /* sent already of the first one */
} rp_unsent;

/* Drops what was sent, and empty slices. True: nothing is left. */
static inline bool rp__unsent_advance(rp_unsent *unsent, size_t sent)
{
    unsent->offset += sent;
    while (unsent->count > 0 && unsent->offset >= unsent->slices->size) {
        unsent->offset -= unsent->slices->size;
        unsent->slices++;
        unsent->count--;
    }
    return unsent->count == 0;
}

#endif
