/* decode_zlib.c - gzip and deflate, by zlib. */
#include "http/codec.h"

#include <string.h>
#include <zlib.h>

#define AT_ONCE ((size_t)1 << 30) /* zlib counts in unsigned int */
#define WINDOW_BITS 15            /* the formats' most: 32 KiB */
#define GZIP_FORMAT 16
#define HEADER_BYTES 2

/* What is called deflate is zlib's format (RFC 9110, 8.4.1.2), and sometimes raw: two bytes tell
 * (RFC 1950, 2.2). A raw stream that looks like zlib's header would have to begin with a stored
 * block whose padding is not zero. */
typedef struct inflater {
    rp_codec_memory *memory;
    z_stream z;
    bool gzip;
    bool chosen; /* zlib or raw; gzip: at once */
    bool ended;
    uint8_t header[HEADER_BYTES];
    size_t header_size, header_used;
} inflater;

static voidpf allocate(voidpf user, uInt count, uInt size)
{
    return rp__codec_allocate(user, (size_t)count * size);
}

static void *inflater_new(rp_codec_memory *memory, bool gzip)
{
    inflater *i = rp__allocate(memory->memory, sizeof(*i));
    if (i == NULL)
        return NULL;
    i->memory = memory;
    i->gzip = i->chosen = gzip;
    i->z.zalloc = allocate;
    i->z.zfree = rp__codec_free;
    i->z.opaque = memory;
    if (inflateInit2(&i->z, WINDOW_BITS + (gzip ? GZIP_FORMAT : 0)) == Z_OK)
        return i;
    rp__free(memory->memory, i);
    return NULL;
}

static void *begin_gzip(rp_codec_memory *memory)
{
    return inflater_new(memory, true);
}

static void *begin_deflate(rp_codec_memory *memory)
{
    return inflater_new(memory, false);
}

static void end(void *state)
{
    inflater *i = state;
    (void)inflateEnd(&i->z);
    rp__free_secret(i->memory->memory, i, sizeof(*i));
}

/* False: not known yet. */
static bool choose(inflater *i, rp_slice *in)
{
    while (i->header_size < HEADER_BYTES && in->size > 0) {
        i->header[i->header_size++] = *in->data++;
        in->size--;
    }
    const uint8_t *h = i->header;
    bool method = i->header_size > 0 && (h[0] & 0x0f) == Z_DEFLATED;
    if (method && i->header_size < HEADER_BYTES)
        return false;
    if (!method || h[0] >> 4 > WINDOW_BITS - 8 || (h[0] * 256u + h[1]) % 31 != 0)
        (void)inflateReset2(&i->z, -WINDOW_BITS);
    i->chosen = true;
    return true;
}

static int step(inflater *i, rp_slice *in, uint8_t *out, size_t capacity, size_t *size)
{
    uint8_t *from = i->header + i->header_used;
    size_t kept = i->header_size - i->header_used;
    size_t count = kept > 0 ? kept : in->size < AT_ONCE ? in->size : AT_ONCE;
    i->z.next_in = kept > 0 ? from : (z_const Bytef *)(uintptr_t)in->data;
    i->z.avail_in = (uInt)count;
    i->z.next_out = out;
    i->z.avail_out = (uInt)capacity;
    int result = inflate(&i->z, Z_NO_FLUSH);
    count -= i->z.avail_in;
    *size = capacity - i->z.avail_out;
    if (kept > 0) {
        i->header_used += count;
    } else {
        in->data += count;
        in->size -= count;
    }
    return result;
}

static rp_codec_result result_of(const inflater *i, int result, const char **why)
{
    switch (result) {
    case Z_OK:
    case Z_BUF_ERROR:
    case Z_STREAM_END:
        return RP_CODEC_GOOD;
    case Z_MEM_ERROR:
        return RP_CODEC_NO_MEMORY;
    case Z_NEED_DICT:
        *why = "it needs a dictionary";
        return RP_CODEC_FAULT;
    default:
        *why = i->z.msg != NULL ? i->z.msg : "it is damaged";
        return RP_CODEC_FAULT;
    }
}

static rp_codec_result run(void *state, rp_slice *in, uint8_t *out, size_t capacity, size_t *size,
                           bool *whole, const char **why)
{
    inflater *i = state;
    *size = 0;
    while (i->ended && i->gzip && in->size > 0 && *in->data == 0) { /* padding, as to gzip(1) */
        in->data++;
        in->size--;
    }
    if (i->ended && in->size > 0) { /* RFC 1952, 2.2: another member */
        if (!i->gzip) {
            *why = RP_CODEC_TRAILER;
            return RP_CODEC_FAULT;
        }
        (void)inflateReset(&i->z);
        i->ended = false;
    }
    *whole = i->ended;
    if (i->ended || (!i->chosen && !choose(i, in)))
        return RP_CODEC_GOOD;
    int result;
    size_t made = 0;
    do { /* the two bytes of the header first */
        result = step(i, in, out + made, capacity - made, size);
        made += *size;
    } while (result == Z_OK && i->header_used < i->header_size && made < capacity);
    if (result == Z_OK && i->header_used == i->header_size && made == 0 && in->size > 0) {
        result = step(i, in, out, capacity, size);
        made = *size;
    }
    *size = made;
    *whole = i->ended = result == Z_STREAM_END;
    return result_of(i, result, why);
}

const rp_codec rp__codec_gzip = {.name = "gzip", .begin = begin_gzip, .end = end, .run = run};
const rp_codec rp__codec_deflate = {
    .name = "deflate", .begin = begin_deflate, .end = end, .run = run};
