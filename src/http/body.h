/* body.h - a request's body on its way out, whatever the version of HTTP: memory of the caller's,
 * or what a producer gives piece by piece.
 *
 * A produced body is complete when its end is told, not when as many bytes were given as were
 * announced: until then the last of these is kept back. So what was given up, or turned out to be
 * longer, never looks complete to the server. */
#ifndef RP_HTTP_BODY_H
#define RP_HTTP_BODY_H

#include "base/chain.h"
#include "http/message.h"

/* Trailers as lines, the most that is taken of them. */
#define RP_TRAILERS_LIMIT ((size_t)8 * 1024)

typedef struct rp_body {
    const uint8_t *data; /* in memory; NULL: produced */
    rp_chain given;      /* produced, and not taken yet */
    uint64_t length;     /* RP_LENGTH_UNKNOWN: of a produced one */
    uint64_t given_bytes, taken_bytes;
    uint8_t *trailers; /* "name: value" lines that end in CRLF; NULL: none */
    size_t trailers_size;
    bool produced;
    bool ended;   /* the producer told its end */
    bool held;    /* nothing goes before the server says so (100) */
    bool stopped; /* nothing more goes: the server has answered */
    bool again;   /* it begins anew, and its producer does not know yet */
} rp_body;

/* How many bytes, at most so many, may go now. */
size_t rp__body_ready(const rp_body *body, size_t most);
/* It is complete when so many more have gone. */
bool rp__body_ends(const rp_body *body, size_t size);
/* Copies size bytes, which are ready, to out: they have gone. */
void rp__body_take(rp_body *body, size_t size, uint8_t *out);

/* Checks trailers and packs them. Each must be a field that the message announces (Trailer, RFC
 * 9110, 6.6.2) and that may stand behind a body (6.5.1). RP_E_BAD_HEADER, RP_E_NO_MEMORY: *error
 * says what, and the body is as before. */
rp_status rp__body_trailers_set(rp_body *body, rp_memory *memory, const rp_message *message,
                                const rp_header *trailers, size_t count, rp_error *error);
/* The next of its trailers. *at is 0 before the first; false: there is no other. */
bool rp__body_next_trailer(const rp_body *body, size_t *at, rp_field *field);

#endif
