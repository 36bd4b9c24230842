/* socks.h - the client's side of SOCKS version 5 (RFC 1928, and 1929 for user and password), sans
 * I/O: bytes in, bytes out, until the tunnel stands. */
#ifndef RP_NET_SOCKS_H
#define RP_NET_SOCKS_H

#include "base/address.h"
#include <ringport/error.h>

#define RP_SOCKS_TEXT_LIMIT 255 /* bytes of a user, a password, a name */
#define RP_SOCKS_OUT_SIZE (3 + 2 * RP_SOCKS_TEXT_LIMIT)

typedef enum rp_socks_result {
    RP_SOCKS_MORE,  /* all bytes were used */
    RP_SOCKS_SEND,  /* out is to be sent; what is left of the bytes is to be fed again */
    RP_SOCKS_DONE,  /* the tunnel stands; what is left of the bytes is the tunnel's */
    RP_SOCKS_FAILED /* error says why, of "the proxy" */
} rp_socks_result;

/* One negotiation. Set host or address, port, user and password, and zero for the rest. */
typedef struct rp_socks {
    const char *host;          /* for the proxy to look up; NULL: address */
    const rp_address *address; /* 4 or 6 */
    uint16_t port;
    const char *user, *password; /* NULL: none. At most RP_SOCKS_TEXT_LIMIT bytes */
    int step;
    int code; /* of the proxy's reply; 0: none */
    size_t in_size, out_size;
    uint8_t in[4 + 1 + RP_SOCKS_TEXT_LIMIT + 2];
    uint8_t out[RP_SOCKS_OUT_SIZE]; /* holds the password for a while: wiped with the whole */
} rp_socks;

/* The first words, in out. */
void rp__socks_begin(rp_socks *socks);
/* At least one byte. */
rp_socks_result rp__socks_feed(rp_socks *socks, const uint8_t *data, size_t size, size_t *used,
                               rp_error *error);

#endif
