/* connect.h - asking an HTTP proxy for a tunnel (RFC 9110, 9.3.6), sans I/O. */
#ifndef RP_HTTP_CONNECT_H
#define RP_HTTP_CONNECT_H

#include "base/memory.h"
#include <ringport/error.h>

/* The request, allocated, its size in *size; NULL: no memory. host: IPv6 without brackets; fields:
 * lines with their ends. */
char *rp__connect_request(rp_memory *memory, const char *host, uint16_t port, const char *fields,
                          size_t *size);

typedef enum rp_connect_result {
    RP_CONNECT_MORE,  /* all bytes were used */
    RP_CONNECT_DONE,  /* the tunnel stands; what is left of the bytes is the tunnel's */
    RP_CONNECT_FAILED /* error says why, of "the proxy" */
} rp_connect_result;

typedef struct rp_connect rp_connect;

/* The answer's reader. keeps_heads: see rp__connect_heads. NULL: no memory. */
rp_connect *rp__connect_create(rp_memory *memory, bool keeps_heads);
void rp__connect_destroy(rp_connect *connect); /* NULL does nothing */
rp_connect_result rp__connect_feed(rp_connect *connect, const uint8_t *data, size_t size,
                                   size_t *used, rp_error *error);
/* No more bytes come, or none are waited for: error says what is known. */
void rp__connect_end(rp_connect *connect, rp_error *error);
/* The answer's status; 0: none came yet. */
int rp__connect_status(const rp_connect *connect);
/* The answer's heads, as text with HTTP/1.1's line ends: the caller's, to
 * rp__free_secret_text. NULL: none came, or they were not to be kept. */
char *rp__connect_heads(rp_connect *connect);

#endif
