/* dial.h - host and port to a connected socket: look-up, Happy Eyeballs (RFC 8305), deadlines. */
#ifndef RP_NET_DIAL_H
#define RP_NET_DIAL_H

#include "net/resolve.h"

#define RP_ATTEMPT_DELAY_MS 250 /* RFC 8305, 8: between the starts of two attempts */

typedef struct rp_dial rp_dial;

typedef struct rp_dial_options {
    const char *host; /* copied */
    uint16_t port;
    rp_resolver *resolver; /* NULL: the loop's own */
    uint64_t resolve_timeout_ms, connect_timeout_ms; /* RP_NEVER_MS: none */
} rp_dial_options;

typedef struct rp_dial_result {
    rp_socket *socket; /* connected, now the callee's (handler and user to be set); NULL on failure */
    rp_address address; /* of socket; on failure of the last attempt, family 0: none */
    uint64_t resolved_ns, connected_ns; /* loop times; 0: not reached */
    const rp_error *error; /* NULL on success. The sentence names host, address and cause; when several
                            * addresses failed, the first failure's cause and their number */
} rp_dial_result;

typedef void rp_dial_fn(void *user, const rp_dial_result *result);

/* Never calls fn inside. NULL: no memory. The losing attempts are closed. */
rp_dial *rp_dial_start(rp_loop *loop, const rp_dial_options *options, rp_dial_fn *fn, void *user);

/* fn will not be called. */
void rp_dial_cancel(rp_dial *dial);

#endif
