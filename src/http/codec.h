/* codec.h - one coding's library, as decode.c sees it. */
#ifndef RP_HTTP_CODEC_H
#define RP_HTTP_CODEC_H

#include "base/memory.h"
#include "base/slice.h"
#include "http/decode.h"

typedef enum rp_codec_result {
    RP_CODEC_GOOD,
    RP_CODEC_FAULT,     /* *why: a static string */
    RP_CODEC_TOO_LARGE, /* the window is over the limit */
    RP_CODEC_NO_MEMORY
} rp_codec_result;

/* Where decoders' memory comes from, and whose budget it counts against. */
typedef struct rp_codec_memory {
    rp_memory *memory;
    rp_decode_budget *budget;
    bool over; /* what failed last was over the budget */
} rp_codec_memory;

typedef struct rp_codec {
    const char *name;
    void *(*begin)(rp_codec_memory *memory); /* NULL: no memory */
    void (*end)(void *state);
    /* Takes of *in what it can, writes *size bytes, capacity at most. Called again with what is
     * left; with nothing only after it has filled out. *whole: the input may end here. */
    rp_codec_result (*run)(void *state, rp_slice *in, uint8_t *out, size_t capacity, size_t *size,
                           bool *whole, const char **why);
} rp_codec;

extern const rp_codec rp__codec_gzip, rp__codec_deflate; /* decode_zlib.c */
extern const rp_codec rp__codec_brotli;                  /* decode_brotli.c */
extern const rp_codec rp__codec_zstd;                    /* decode_zstd.c */

/* The libraries' allocations; memory is an rp_codec_memory. Blocks know their size, and are wiped
 * when they go, for they hold what was decoded. Not zeroed. */
void *rp__codec_allocate(void *memory, size_t size);
void rp__codec_free(void *memory, void *block);

#define RP_CODEC_TRAILER "something follows its end"

#endif
