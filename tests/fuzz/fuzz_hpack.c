/* fuzz_hpack.c - header blocks, read by ours and by nghttp2: both say the same of each, and have
 * the same table, until one can't be decoded, which both say, too.
 *
 * Input: blocks, each a byte with its size and its bytes; a size of 0 is the last block again. */
#include "fuzz/support/fuzz.h"

#include "base/hash.h"
#include "base/text.h"
#include "http/hpack.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

typedef struct told {
    uint64_t hash;
    size_t fields;
} told;

static void note(told *t, const void *name, size_t name_size, const void *value, size_t value_size)
{
    const uint8_t *bytes = name;
    for (size_t i = 0; i < name_size; i++)
        t->hash = rp__hash_byte(t->hash, bytes[i]);
    t->hash = rp__hash_byte(t->hash, ':');
    bytes = value;
    for (size_t i = 0; i < value_size; i++)
        t->hash = rp__hash_byte(t->hash, bytes[i]);
    t->hash = rp__hash_byte(t->hash, '\n');
    t->fields++;
}

static void on_field(void *user, const rp_hpack_field *field)
{
    FUZZ_CHECK(field->name[field->name_size] == '\0' && field->value[field->value_size] == '\0');
    note(user, field->name, field->name_size, field->value, field->value_size);
}

/* Without the blanks around it (RFC 9110, 5.5). */
static rp_slice trimmed(const uint8_t *value, size_t size)
{
    while (size > 0 && rp__is_blank((char)value[size - 1]))
        size--;
    for (; size > 0 && rp__is_blank((char)*value); size--)
        value++;
    return (rp_slice){value, size};
}

/* False: it can't be decoded. */
static bool theirs(nghttp2_hd_inflater *inflater, const uint8_t *block, size_t size, told *t)
{
    int flags = 0;
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        nghttp2_nv nv;
        nghttp2_ssize taken = nghttp2_hd_inflate_hd3(inflater, &nv, &flags, block, size, 1);
        if (taken < 0)
            return false;
        block += taken;
        size -= (size_t)taken;
        if (flags & NGHTTP2_HD_INFLATE_EMIT) {
            rp_slice value = trimmed(nv.value, nv.valuelen);
            note(t, nv.name, nv.namelen, value.data, value.size);
        }
    }
    return nghttp2_hd_inflate_end_headers(inflater) == 0;
}

/* What was told of the last block is told of this one, if it is the same. */
static bool ours(rp_hpack_decoder *decoder, const uint8_t *block, size_t size, told *last)
{
    if (rp__hpack_again(decoder, block, size))
        return true;
    *last = (told){.hash = RP_HASH_BEGIN};
    rp_hpack_result result = rp__hpack_decode(decoder, block, size, on_field, last);
    FUZZ_CHECK(result != RP_HPACK_NO_MEMORY);
    return result == RP_HPACK_DONE;
}

static void compare_tables(const rp_hpack_decoder *decoder, nghttp2_hd_inflater *inflater)
{
    FUZZ_CHECK(nghttp2_hd_inflate_get_dynamic_table_size(inflater) == decoder->table.bytes);
}

static void compare(rp_hpack_decoder *decoder, nghttp2_hd_inflater *inflater, const uint8_t *data,
                    size_t size)
{
    const uint8_t *block = data;
    size_t block_size = 0;
    told last = {.hash = RP_HASH_BEGIN};
    for (size_t at = 0; at < size;) {
        size_t next = data[at++];
        if (next > size - at)
            next = size - at;
        if (next > 0) {
            block = data + at;
            block_size = next;
            at += next;
        }
        uint8_t *copy = fuzz_copy(block, block_size);
        told t = {.hash = RP_HASH_BEGIN};
        bool good = ours(decoder, copy, block_size, &last);
        FUZZ_CHECK(theirs(inflater, copy, block_size, &t) == good);
        free(copy);
        rp__hpack_sweep(decoder);
        fuzz_feature(1, (uint32_t)good);
        if (!good)
            return;
        FUZZ_CHECK(t.hash == last.hash && t.fields == last.fields);
        if (decoder->last.owed == 0) /* else the table waits until it is looked at */
            compare_tables(decoder, inflater);
    }
    FUZZ_CHECK(ours(decoder, block, 0, &last));
    rp__hpack_sweep(decoder);
    compare_tables(decoder, inflater);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rp_hpack_decoder decoder;
    rp_memory memory;
    nghttp2_hd_inflater *inflater;
    if (size > 100000)
        return 0;
    rp__memory_init(&memory, (rp_allocator){0});
    rp_h2_memory *pool = rp__h2_memory_create(&memory);
    FUZZ_CHECK(pool != NULL && nghttp2_hd_inflate_new(&inflater) == 0);
    memset(&decoder, 0, sizeof(decoder));
    rp__hpack_decoder_begin(&decoder, pool);
    compare(&decoder, inflater, data, size);
    rp__hpack_decoder_end(&decoder);
    nghttp2_hd_inflate_del(inflater);
    rp__h2_memory_destroy(pool);
    FUZZ_CHECK(memory.live == 0);
    return 0;
}
