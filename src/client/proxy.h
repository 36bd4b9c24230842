/* proxy.h - a proxy, read: where it is, how one speaks to it, and for whom. */
#ifndef RP_CLIENT_PROXY_H
#define RP_CLIENT_PROXY_H

#include "base/memory.h"
#include <ringport/proxy.h>

#include <stdatomic.h>

typedef enum rp_proxy_kind {
    RP_PROXY_HTTP,
    RP_PROXY_HTTPS,
    RP_PROXY_SOCKS5,
    RP_PROXY_SOCKS5H
} rp_proxy_kind;

/* One way: the first stop of a connection. */
typedef struct rp_hop {
    rp_proxy_kind kind;
    uint16_t port;
    char *host;            /* without brackets; NULL: there is no such hop */
    char *user, *password; /* of SOCKS; NULL: none */
    /* Lines for CONNECT and forwarded requests: Proxy-Authorization, and the caller's. */
    char *fields;
} rp_hop;

enum { RP_HOP_HTTP, RP_HOP_HTTPS, RP_HOPS }; /* by the scheme of the origin */

struct rp_proxy {
    rp_memory memory;
    atomic_uint references;
    rp_hop hops[RP_HOPS];
    rp_tls_config *tls; /* of https hops; NULL: there are none */
    char *no_proxy;     /* NULL: none */
    bool forward_http, refuse_unseen, keep_answer;
};

/* The way to host (IPv6 without brackets), of the proxy's memory; NULL: the direct one. */
const rp_hop *rp__proxy_hop(const rp_proxy *proxy, const char *host, bool https);

/* Requests for the whole URL are sent on it, and no tunnel is asked for. Of a route elsewhere
 * (connect_to) a URL says nothing. */
static inline bool rp__hop_forwards(const rp_proxy *proxy, const rp_hop *hop, bool https,
                                    const char *route)
{
    return hop != NULL && proxy->forward_http && !https && hop->kind <= RP_PROXY_HTTPS &&
           route[0] == '\0';
}

/* The proxy looks names up. */
static inline bool rp__hop_resolves(const rp_hop *hop)
{
    return hop->kind != RP_PROXY_SOCKS5;
}

#endif
