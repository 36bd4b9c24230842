/* decode_brotli.c - br, by Google's decoder. Its windows are of 16 MiB at most: large windows
 * (which are no part of RFC 7932) are refused unless they are switched on. */
#include "http/codec.h"

#include <brotli/decode.h>

typedef struct unpacker {
    rp_codec_memory *memory;
    BrotliDecoderState *brotli;
    bool ended;
} unpacker;

static void *begin(rp_codec_memory *memory)
{
    unpacker *u = rp__allocate(memory->memory, sizeof(*u));
    if (u == NULL)
        return NULL;
    u->memory = memory;
    u->brotli = BrotliDecoderCreateInstance(rp__codec_allocate, rp__codec_free, memory);
    if (u->brotli != NULL)
        return u;
    rp__free(memory->memory, u);
    return NULL;
}

static void end(void *state)
{
    unpacker *u = state;
    BrotliDecoderDestroyInstance(u->brotli);
    rp__free(u->memory->memory, u);
}

/* Its own words are names of constants. */
static rp_codec_result result_of(const BrotliDecoderState *brotli, const char **why)
{
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(brotli);
    if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES)
        return RP_CODEC_NO_MEMORY;
    *why =
        code == BROTLI_DECODER_ERROR_DICTIONARY_NOT_SET ? "it needs a dictionary" : "it is damaged";
    return RP_CODEC_FAULT;
}

static rp_codec_result run(void *state, rp_slice *in, uint8_t *out, size_t capacity, size_t *size,
                           bool *whole, const char **why)
{
    unpacker *u = state;
    *size = 0;
    if (u->ended && in->size > 0) {
        *why = RP_CODEC_TRAILER;
        return RP_CODEC_FAULT;
    }
    if (u->ended)
        return RP_CODEC_GOOD;
    size_t left = capacity;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(u->brotli, &in->size, &in->data, &left, &out, NULL);
    *size = capacity - left;
    *whole = u->ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    return result == BROTLI_DECODER_RESULT_ERROR ? result_of(u->brotli, why) : RP_CODEC_GOOD;
}

const rp_codec rp__codec_brotli = {.name = "br", .begin = begin, .end = end, .run = run};
