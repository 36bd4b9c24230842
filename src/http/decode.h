/* decode.h - a body's content codings (RFC 9110, 8.4) undone: bytes in, bytes out.
 *
 * gzip (RFC 1952, several members too), deflate (RFC 9110, 8.4.1.2: in zlib's format, RFC 1950; raw
 * as well, RFC 1951, as some servers send it), br (RFC 7932) and zstd (RFC 8878), as far as the
 * build has them, in stacks of a few. What the server says decides how much memory is needed, so
 * each has a limit: some 50 KiB for gzip and deflate, 17 MiB for br (its windows are 16 MiB at
 * most, and larger ones are refused), 9 MiB for zstd (RFC 9659: a window of 8 MiB). Dictionaries
 * that the server has and we have not are refused.
 *
 * It is pulled: what is decoded is asked for in pieces, so that it can wait for whoever takes it,
 * and nothing of it is kept. */
#ifndef RP_HTTP_DECODE_H
#define RP_HTTP_DECODE_H

#include "base/memory.h"
#include "base/slice.h"
#include <ringport/error.h>
#include <ringport/http.h>

#define RP_CODINGS_MOST 3

typedef struct rp_decoder rp_decoder;
typedef struct rp_codec rp_codec;

/* What Content-Encoding names, in the order in which the server applied it. */
typedef struct rp_codings {
    const rp_codec *codecs[RP_CODINGS_MOST];
    size_t count;
    const char *missing; /* a coding that this build lacks, or "" for one that nobody knows; NULL:
                          * none */
    bool too_many;
} rp_codings;

typedef struct rp_decode_limits {
    uint64_t bytes; /* of what is decoded; 0: none */
    uint32_t ratio; /* of what is decoded to what came, beyond a mebibyte; 0: none */
} rp_decode_limits;

/* What all decoders of a client have together, in bytes. */
typedef struct rp_decode_budget {
    size_t used, limit;
} rp_decode_budget;

/* False: over the limit, and nothing is taken. */
bool rp__decode_budget_take(rp_decode_budget *budget, size_t size);
void rp__decode_budget_give(rp_decode_budget *budget, size_t size);
/* RP_E_DECODER_MEMORY; the text goes on after "the body of HOST". */
rp_status rp__decode_budget_error(const rp_decode_budget *budget, rp_error *error);

/* The value of Accept-Encoding: what this build decodes; "identity" if that is nothing. */
const char *rp__decode_accepted(void);

/* Of all lines of Content-Encoding together. identity and x-gzip are as RFC 9110 has them. */
void rp__codings_read(rp_codings *codings, const rp_header *headers, size_t count);

/* codings: at least one, none of them unknown. budget outlives the decoder. Errors:
 * RP_E_NO_MEMORY, RP_E_DECODER_MEMORY; the text goes on after "the body of HOST". */
rp_status rp__decoder_create(rp_decoder **decoder, rp_memory *memory, rp_decode_budget *budget,
                             const rp_codings *codings, const rp_decode_limits *limits,
                             rp_error *error);
/* NULL does nothing. */
void rp__decoder_destroy(rp_decoder *decoder);

/* Decodes of *input, which becomes what is left of it, up to capacity bytes. *size 0: all of the
 * input was taken, and there is no more without other. On an error the decoder is of no use any
 * more, and the text goes on after "the body of HOST": RP_E_DECODE_FAILED, RP_E_DECODE_TOO_LARGE,
 * RP_E_NO_MEMORY, RP_E_DECODER_MEMORY. */
rp_status rp__decoder_pull(rp_decoder *decoder, rp_slice *input, uint8_t *out, size_t capacity,
                           size_t *size, rp_error *error);

/* The input has ended, and everything was pulled: was it whole? */
rp_status rp__decoder_finish(const rp_decoder *decoder, rp_error *error);

#endif
