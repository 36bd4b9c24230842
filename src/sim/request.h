/* request.h - requests as the scripted server and the tests' server have them. Those of HTTP/1.1
 * (RFC 9112) are read here: bytes in, head, body and end out. Lack of memory ends the process. */
#ifndef RP_SIM_REQUEST_H
#define RP_SIM_REQUEST_H

#include "base/memory.h"

#define SIM_REQUEST_HEAD_LIMIT ((size_t)256 * 1024)

typedef enum sim_request_state {
    SIM_REQUEST_HEAD,
    SIM_REQUEST_BODY,       /* of known length */
    SIM_REQUEST_CHUNK_SIZE, /* a line */
    SIM_REQUEST_CHUNK_DATA,
    SIM_REQUEST_CHUNK_END, /* the empty line after it */
    SIM_REQUEST_TRAILER,
    SIM_REQUEST_DONE,
    SIM_REQUEST_FAILED
} sim_request_state;

typedef struct sim_request {
    rp_memory *memory; /* the owner's; all else begins as zero */
    sim_request_state state;
    const char *failure; /* why it failed */

    /* Valid once the head came, until the next rp__sim_request_reset. */
    const char *method, *target;
    int version; /* 10, 11, 20 */
    bool keep_alive, chunked, has_body, expects_continue;
    uint64_t length;

    uint64_t body_bytes; /* so far */
    uint64_t left;       /* of the body or the chunk */
    char *text;          /* the head, cut into strings */
    size_t size, capacity;
    size_t header_begin; /* where the header lines begin in text */
    char line[256];      /* between chunks */
    size_t line_size;
    char *trailers; /* "name: value" strings, one behind the other; NULL: none */
    size_t trailers_size;
} sim_request;

typedef struct sim_request_events {
    void (*on_head)(void *user);
    void (*on_body)(void *user, const uint8_t *data, size_t size);
} sim_request_events;

/* Returns how much was used: less than size when the request is complete
 * (SIM_REQUEST_DONE) or broken (SIM_REQUEST_FAILED), or when a callback set *stop. */
size_t rp__sim_request_feed(sim_request *request, const uint8_t *data, size_t size,
                            const sim_request_events *events, void *user, const bool *stop);
/* Before the next one. */
void rp__sim_request_reset(sim_request *request);
void rp__sim_request_free(sim_request *request);

/* ---- of HTTP/2, whose server has the fields ---- */

void rp__sim_request_begin(sim_request *request, const char *method, const char *target);
void rp__sim_request_add(sim_request *request, const char *name, const char *value);
/* Afterwards it is done, or has a body, which the owner counts. */
void rp__sim_request_head_done(sim_request *request, bool has_body);

/* The value of a header, or of a trailer, NULL: not there. */
const char *rp__sim_request_header(const sim_request *request, const char *name);
const char *rp__sim_request_trailer(const sim_request *request, const char *name);
void rp__sim_request_trailer_add(sim_request *request, const char *name, const char *value);

#endif
