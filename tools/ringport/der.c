/* der.c - taking DER apart, as far as certificates are printed. */
#include "der.h"

bool der_any(der_span *in, uint8_t *tag, der_span *content, der_span *all)
{
    size_t head = 2, size;
    if (in->size < 2 || (in->data[0] & 0x1F) == 0x1F)
        return false;
    size = in->data[1];
    if (size >= 0x80) {
        size_t bytes = size & 0x7F;
        if (bytes == 0 || bytes > 4 || in->size < 2 + bytes)
            return false;
        for (size = 0; head < 2 + bytes; head++)
            size = size << 8 | in->data[head];
    }
    if (size > in->size - head)
        return false;
    *tag = in->data[0];
    *content = (der_span){in->data + head, size};
    if (all != NULL)
        *all = (der_span){in->data, head + size};
    *in = (der_span){in->data + head + size, in->size - head - size};
    return true;
}

bool der_take(der_span *in, uint8_t tag, der_span *content)
{
    uint8_t found;
    der_span rest = *in;
    if (!der_any(&rest, &found, content, NULL) || found != tag)
        return false;
    *in = rest;
    return true;
}

bool der_bits(der_span *in, der_span *bits)
{
    if (!der_take(in, DER_BIT_STRING, bits) || bits->size == 0)
        return false;
    bits->data++;
    bits->size--;
    return true;
}
