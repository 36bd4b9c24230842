/* decoding.h - a request's answer, decoded on its way to the caller.
 *
 * It stands between the protocol, which brings the body as it was sent, and on_body. Both sides may
 * be slow: what was decoded counts against the caller's credit, and what came counts as taken when
 * it was decoded, so neither more than credit_bytes of the body as it was sent waits here, nor more
 * than that of what was decoded is owed. Nothing here exists for a body that is not encoded. */
#ifndef RP_CLIENT_DECODING_H
#define RP_CLIENT_DECODING_H

#include "client/client.h"
#include <ringport/http.h>

typedef struct rp_decoding rp_decoding;

/* What a request asks for. */
typedef struct rp_decompress {
    bool on;
    uint32_t ratio_limit; /* 0: none */
    uint64_t limit_bytes; /* 0: none */
} rp_decompress;

void rp__decompress_copy(rp_decompress *decompress, const rp_request_options *options);

/* The final head of one with decompress came, and was not told yet: what is to be done with its
 * body. */
void rp__decoding_head(rp_request *request, const rp_response_head *head);
/* A piece of the body, of a request that has one (request->decoding): tells on_body. */
void rp__decoding_body(rp_request *request, const uint8_t *data, size_t size);
/* The body is complete as far as HTTP is concerned. False: not all of it is decoded, as the caller
 * owes its credit, and rp__request_finish is called again. *failed: it is not whole. */
bool rp__decoding_complete(rp_request *request, rp_error *error, bool *failed);
/* Trailers, behind the body: false: they are kept until all of it is decoded, and told then. */
bool rp__decoding_trailers(rp_request *request, const rp_header *trailers, size_t count);
/* It is complete, and only the caller is waited for. */
bool rp__decoding_lingers(const rp_request *request);
/* The caller has returned credit. */
void rp__decoding_resume(rp_request *request);
/* Bytes given to on_body. */
uint64_t rp__decoding_bytes(const rp_request *request);
void rp__decoding_free(rp_request *request);

#endif
