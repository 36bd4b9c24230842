/* route.h - connections that go elsewhere than to the host whose URL it is: "HOST:PORT",
 * "unix:/path", "unix:@abstract". */
#ifndef RP_CLIENT_ROUTE_H
#define RP_CLIENT_ROUTE_H

#include "base/memory.h"
#include "http/url.h"

/* Room for a route and its NUL; longer ones are refused. */
#define RP_ROUTE_SIZE 300

/* A route, cut. Pieces point into its text. */
typedef struct rp_route {
    rp_slice host;    /* without brackets; empty: the URL's */
    uint16_t port;    /* 0: the URL's */
    const char *path; /* of a Unix socket, with its @ if it is abstract; NULL: it is none */
} rp_route;

/* False: it is none. */
bool rp__route_parse(rp_route *route, const char *text);

/* A route as rp__route_find has made it leads to a Unix socket. */
bool rp__route_is_unix(const char *text);

/* The rules of a client, "HOST1:PORT1:ROUTE", as one block of texts one behind the other; *rules is
 * NULL if there are none. Errors: RP_E_BAD_OPTION (names the entry), RP_E_NO_MEMORY. */
rp_status rp__routes_make(char **rules, rp_memory *memory, const char *const *entries, size_t count,
                          rp_error *error);

/* Where a request to url goes, made whole: "host:port", in lower case, a Unix socket as it is, or
 * "" if that is where it goes anyway. own: its own route, in place of the rules; NULL: it has
 * none. */
rp_status rp__route_find(char text[RP_ROUTE_SIZE], const char *rules, const rp_url *url,
                         const char *own, rp_error *error);

#endif
