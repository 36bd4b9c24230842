/* stream_tunnel.h - a way through a proxy that looks like a connected socket: a stream to the proxy
 * (with TLS, if it is an https one), the negotiation on it, and then a socket whose operations are
 * that stream's. Whatever stands on a socket stands on a tunnel: TLS in TLS is a stream on a
 * stream. */
#ifndef RP_CLIENT_STREAM_TUNNEL_H
#define RP_CLIENT_STREAM_TUNNEL_H

#include "client/proxy.h"
#include "client/stream.h"
#include "net/dial.h"

typedef struct rp_tunnel rp_tunnel;

typedef struct rp_tunnel_options {
    rp_proxy *proxy; /* retained */
    const rp_hop *hop;
    const char *host; /* where it leads, without brackets; copied */
    uint16_t port;
    rp_resolver *resolver; /* NULL: the loop's own. Retained */
    uint64_t resolve_timeout_ms, connect_timeout_ms, handshake_timeout_ms;
    rp_keepalive keepalive;
    rp_dial_rules rules;
    rp_families families;
    rp_local local;
} rp_tunnel_options;

typedef struct rp_tunnel_result {
    /* Connected, now the callee's (handler and user to be set); NULL on failure. Its operations are
     * port.h's but for reset_on_close, and a send that is cancelled ends the connection. */
    rp_socket *socket;
    const rp_stream *proxy; /* the stream to it; lent */
    const rp_error *error;  /* NULL on success */
    int status;             /* an HTTP proxy's; 0: there was none */
    const char *heads;      /* its answer's, if the proxy's options have them kept; lent */
} rp_tunnel_result;
typedef void rp_tunnel_fn(void *user, const rp_tunnel_result *result);

/* Never calls fn inside. NULL: no memory. fn is called once; after a failure the pointer is dead,
 * after success when the socket is closed. */
rp_tunnel *rp__tunnel_open(rp_loop *loop, const rp_tunnel_options *options, rp_tunnel_fn *fn,
                           void *user);
/* fn will not be called; the pointer is dead. */
void rp__tunnel_cancel(rp_tunnel *tunnel);

/* The stream to the proxy; NULL: it is closed. */
const rp_stream *rp__tunnel_stream(const rp_tunnel *tunnel);
/* As rp__stream_set_background. */
void rp__tunnel_set_background(rp_tunnel *tunnel, bool background);
/* Why no more bytes come, as the stream to the proxy says it; NULL: it ended well, or did not. */
const rp_error *rp__tunnel_end(const rp_tunnel *tunnel);

/* Puts "proxy: " before error's message, and sets of_proxy. */
void rp__error_of_proxy(rp_error *error);

/* May a proxy be asked to go there? What it looks up itself only if that is allowed, and addresses
 * by the rules. */
rp_status rp__hop_check(const rp_proxy *proxy, const rp_hop *hop, const rp_dial_rules *rules,
                        const char *host, uint16_t port, rp_error *error);

#endif
