/* coding.c - see coding.h. */
#include "swarm/coding.h"

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

typedef struct output {
    uint8_t *data;
    size_t size;
} output;

const char *coding_name(coding_kind kind)
{
    static const char *const names[CODINGS] = {"gzip", "deflate", "br", "zstd"};
    return names[kind];
}

static void put(output *out, const void *data, size_t size)
{
    if (size > 0)
        memcpy(out->data + out->size, data, size);
    out->size += size;
}

/* The lowest byte first. */
static void put_number(output *out, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out->data[out->size++] = (uint8_t)(number >> 8 * i);
}

static uint32_t crc_of(const uint8_t *data, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static uint32_t adler_of(const uint8_t *data, size_t size)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + data[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/* RFC 1951, 3.2.4; a type of 3 is an error (3.2.3). */
static void deflate_block(output *out, size_t size, bool last, bool spoilt)
{
    put_number(out, last | (spoilt ? 6u : 0), 1);
    put_number(out, size, 2);
    put_number(out, ~size, 2);
}

/* RFC 8878, 3.1.1.2; likewise. */
static void zstd_block(output *out, size_t size, bool last, bool spoilt)
{
    put_number(out, last | (spoilt ? 6u : 0) | size << 3, 3);
}

/* RFC 7932, 9.2: not the last, four nibbles of the length, not compressed; behind the window's bit,
 * at first. A reserved bit that is set is an error. */
static void br_block(output *out, size_t size, bool first, bool spoilt)
{
    size_t bits = spoilt ? 0xe : (size - 1) << 3 | (size_t)1 << 19;
    put_number(out, bits << first, 3);
}

static void blocks(output *out, coding_kind kind, const uint8_t *data, size_t size, size_t block,
                   bool spoilt)
{
    size_t at = 0;
    bool last = false;
    while (!last) {
        size_t part = size - at < block ? size - at : block;
        last = at + part == size;
        if (kind == CODING_BR && (part > 0 || spoilt))
            br_block(out, part, at == 0, spoilt && last);
        else if (kind == CODING_ZSTD)
            zstd_block(out, part, last, spoilt && last);
        else if (kind != CODING_BR)
            deflate_block(out, part, last, spoilt && last);
        put(out, data + at, part);
        at += part;
    }
}

uint8_t *coding_encode(coding_kind kind, const uint8_t *data, size_t *size, size_t block,
                       bool spoilt)
{
    static const uint8_t gzip[10] = {0x1f, 0x8b, 8, [9] = 255}, zlib[2] = {0x78, 1};
    static const uint8_t zstd[6] = {0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3}; /* a window of 128 KiB */
    size_t count = *size;
    output out = {malloc(count + (count / block + 1) * 5 + 64), 0};
    CHECK(out.data != NULL);
    if (kind == CODING_GZIP)
        put(&out, gzip, sizeof(gzip));
    else if (kind == CODING_DEFLATE)
        put(&out, zlib, sizeof(zlib));
    else if (kind == CODING_ZSTD)
        put(&out, zstd, sizeof(zstd));
    blocks(&out, kind, data, count, block, spoilt);
    if (kind == CODING_GZIP) {
        put_number(&out, crc_of(data, count), 4);
        put_number(&out, count, 4);
    } else if (kind == CODING_DEFLATE) {
        uint32_t sum = adler_of(data, count);
        put_number(&out, sum >> 24 | (sum >> 8 & 0xff00) | (sum << 8 & 0xff0000) | sum << 24, 4);
    } else if (kind == CODING_BR) {
        put_number(&out, count == 0 && !spoilt ? 6 : 3, 1); /* the last, and empty */
    }
    *size = out.size;
    return out.data;
}
