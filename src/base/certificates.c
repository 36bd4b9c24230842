/* certificates.c - copies of a peer's certificates. */
#include "base/certificates.h"

#include <string.h>

static const void *put(uint8_t **place, const void *bytes, size_t size)
{
    if (size == 0)
        return *place;
    void *copy = memcpy(*place, bytes, size);
    *place += size;
    return copy;
}

rp_peer_certificate *rp__certificates_copy(rp_memory *memory, const rp_peer_certificate *from,
                                           size_t count)
{
    size_t size = count * sizeof(*from);
    for (size_t i = 0; i < count; i++)
        size += from[i].der_size + strlen(from[i].subject) + strlen(from[i].issuer) + 2;
    rp_peer_certificate *copies = rp__allocate(memory, size);
    if (copies == NULL)
        return NULL;
    uint8_t *place = (uint8_t *)(copies + count);
    for (size_t i = 0; i < count; i++) {
        copies[i] = from[i];
        copies[i].subject = put(&place, from[i].subject, strlen(from[i].subject) + 1);
        copies[i].issuer = put(&place, from[i].issuer, strlen(from[i].issuer) + 1);
        copies[i].der = put(&place, from[i].der, from[i].der_size);
        if (from[i].public_key != NULL)
            copies[i].public_key = copies[i].der + (from[i].public_key - from[i].der);
    }
    return copies;
}
