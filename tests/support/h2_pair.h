/* h2_pair.h - what a server says, read twice: by a connection of ours (http/h2.h) and by a client
 * of nghttp2's that was asked the same. Both must take it alike. */
#ifndef RP_TESTS_H2_PAIR_H
#define RP_TESTS_H2_PAIR_H

#include <stddef.h>
#include <stdint.h>

/* What became of it, for both of them. */
typedef enum h2_pair_end {
    H2_PAIR_OPEN,   /* all was read, and the connection lives */
    H2_PAIR_BROKEN, /* it broke the connection's rules */
    H2_PAIR_APART   /* the two may differ from here on: see h2_pair.c */
} h2_pair_end;

/* A server's bytes from its SETTINGS on, which come in pieces of random size (cuts, 0: whole
 * frames); behind each frame what is due is written. CHECKs that both tell the same heads, bodies,
 * trailers and ends of the same requests, refuse the same streams, break with the connection at the
 * same frame, answer the same SETTINGS and PINGs, and upload as much as the windows allow. At most
 * H2_PAIR_BYTES, so that no window of ours is in the way. */
#define H2_PAIR_BYTES ((size_t)60000)
h2_pair_end h2_pair_play(const uint8_t *data, size_t size, uint64_t cuts);

#endif
