/* shape.h - misbehaviour at the transport: a socket in front of a port's socket, which lets bytes
 * out one by one, or only so many of them.
 *
 * It is a socket of the port contract itself, so that whatever stands on it (a TLS handshake say)
 * need not know. */
#ifndef RP_TESTS_SHAPE_H
#define RP_TESTS_SHAPE_H

#include "loop/loop.h"

typedef enum shape_then {
    SHAPE_GOES_ON, /* no limit */
    SHAPE_STALL,   /* nothing more leaves, and nobody says so */
    SHAPE_END,     /* FIN */
    SHAPE_RESET    /* RST */
} shape_then;

/* All zero: as it is. */
typedef struct shape {
    unsigned dribble_ms; /* what is sent leaves one byte every so often; 0: at once */
    shape_then then;     /* what happens after */
    uint64_t after;      /* so many bytes were sent; 0: before the first */
    bool reset_close;    /* closing resets the connection */
} shape;

/* inner is the wrapper's from here on. NULL: no memory, and inner is closed. */
rp_socket *shape_socket(rp_loop *loop, rp_socket *inner, const shape *how);

#endif
