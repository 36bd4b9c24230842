/* h1_scratch.c - where heads are cut into C strings: memory that grows to the largest. */
#include "http/h1.h"

#include <string.h>

#define SCRATCH_TEXT 2048
#define SCRATCH_HEADERS 32

char *rp__h1_scratch_text(rp_h1_scratch *scratch, const uint8_t *data, size_t size)
{
    size_t capacity = scratch->text_capacity > 0 ? scratch->text_capacity : SCRATCH_TEXT;
    while (capacity < size)
        capacity *= 2;
    if (capacity > scratch->text_capacity) {
        char *text =
            rp__reallocate_secret(scratch->memory, scratch->text, scratch->text_capacity, capacity);
        if (text == NULL)
            return NULL;
        scratch->text = text;
        scratch->text_capacity = capacity;
    }
    memcpy(scratch->text, data, size);
    if (scratch->bytes_copied != NULL)
        *scratch->bytes_copied += size;
    return scratch->text;
}

bool rp__h1_scratch_grow(rp_h1_scratch *scratch)
{
    size_t capacity = scratch->header_capacity > 0 ? scratch->header_capacity * 2 : SCRATCH_HEADERS;
    rp_header *headers =
        rp__reallocate(scratch->memory, scratch->headers, capacity * sizeof(*headers));
    if (headers == NULL)
        return false;
    scratch->headers = headers;
    scratch->header_capacity = capacity;
    return true;
}

void rp__h1_scratch_init(rp_h1_scratch *scratch, rp_memory *memory, uint64_t *bytes_copied)
{
    *scratch = (rp_h1_scratch){.memory = memory, .bytes_copied = bytes_copied};
}

void rp__h1_scratch_clear(rp_h1_scratch *scratch)
{
    rp__free_secret(scratch->memory, scratch->text, scratch->text_capacity);
    rp__free(scratch->memory, scratch->headers);
    rp__free(scratch->memory, scratch->spare);
    rp__h1_scratch_init(scratch, scratch->memory, scratch->bytes_copied);
}
