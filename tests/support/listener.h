/* listener.h - a listening socket of a loop's port, on loopback with a port of the system's
 * choice. */
#ifndef RP_TESTS_LISTENER_H
#define RP_TESTS_LISTENER_H

#include "support/shape.h"

typedef struct listener listener;
struct listener {
    rp_loop *loop;
    rp_socket *socket; /* NULL: closed */
    rp_address address;
    shape shape; /* of the sockets to come; may be changed at any time */
    /* The socket is the callee's. */
    void (*on_socket)(listener *l, rp_socket *socket);
    void *user;
    uint64_t accepted;
    bool closing;
    rp_loop_hook hook;
};

/* Set to zero first, then what the caller wants of address.port, shape, on_socket, user. Does not
 * keep rp_loop_run going. family 4 or 6. False: address.port is taken. */
bool listener_open(listener *l, rp_loop *loop, uint8_t family);
/* Keeps rp_loop_run going until it is done; l->socket is NULL then. */
void listener_close(listener *l);

#endif
