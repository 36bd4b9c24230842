/* decode_zstd.c - zstd, by its own library. Several frames, skippable ones among them, are one
 * body (RFC 8878, 3.1); a window is of 8 MiB at most (RFC 9659, 3). */
#define ZSTD_STATIC_LINKING_ONLY /* custom allocators */
#include "http/codec.h"

#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW_LOG_MOST 23

typedef struct unpacker {
    rp_codec_memory *memory;
    ZSTD_DCtx *zstd;
} unpacker;

static void *begin(rp_codec_memory *memory)
{
    unpacker *u = rp__allocate(memory->memory, sizeof(*u));
    if (u == NULL)
        return NULL;
    u->memory = memory;
    u->zstd =
        ZSTD_createDCtx_advanced((ZSTD_customMem){rp__codec_allocate, rp__codec_free, memory});
    if (u->zstd != NULL) {
        (void)ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MOST);
        return u;
    }
    rp__free(memory->memory, u);
    return NULL;
}

static void end(void *state)
{
    unpacker *u = state;
    (void)ZSTD_freeDCtx(u->zstd);
    rp__free(u->memory->memory, u);
}

static rp_codec_result result_of(size_t result, const char **why)
{
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return RP_CODEC_NO_MEMORY;
    case ZSTD_error_frameParameter_windowTooLarge:
        return RP_CODEC_TOO_LARGE;
    case ZSTD_error_dictionary_wrong:
        *why = "it needs a dictionary";
        return RP_CODEC_FAULT;
    default:
        *why = ZSTD_getErrorName(result);
        return RP_CODEC_FAULT;
    }
}

static rp_codec_result run(void *state, rp_slice *in, uint8_t *out, size_t capacity, size_t *size,
                           bool *whole, const char **why)
{
    unpacker *u = state;
    ZSTD_inBuffer from = {in->data, in->size, 0};
    ZSTD_outBuffer to = {out, capacity, 0};
    size_t result = ZSTD_decompressStream(u->zstd, &to, &from);
    if (from.pos > 0)
        in->data += from.pos;
    in->size -= from.pos;
    *size = to.pos;
    if (ZSTD_isError(result))
        return result_of(result, why);
    if (from.pos > 0 || to.pos > 0) /* otherwise it tells of a frame that has not begun */
        *whole = result == 0;
    return RP_CODEC_GOOD;
}

const rp_codec rp__codec_zstd = {.name = "zstd", .begin = begin, .end = end, .run = run};
