/* resolve.h - one look-up of one host, answered on the loop's thread. */
#ifndef RP_NET_RESOLVE_H
#define RP_NET_RESOLVE_H

#include "base/address.h"
#include "loop/loop.h"
#include <ringport/resolver.h>

#define RP_ADDRESSES_LIMIT 16 /* of one name; more are ignored */

typedef struct rp_lookup rp_lookup;

/* status RP_OK: count > 0 addresses with their ports set, in the order to try them (RFC 6724, then
 * families alternating as RFC 8305, 4 has it). They live until the callback returns. */
typedef void rp_lookup_fn(void *user, const rp_address *addresses, size_t count, const rp_error *error);

/* Never calls fn inside. IP literals, "localhost" (RFC 6761: always loopback) and overrides are answered
 * without asking anybody and without starting a thread. resolver NULL: the loop's own, made at the first
 * real name. NULL is given for lack of memory only. */
rp_lookup *rp_lookup_start(rp_loop *loop, rp_resolver *resolver, const char *host, uint16_t port,
                           rp_lookup_fn *fn, void *user);

/* fn will not be called; the look-up goes on unwatched until the resolver is done with it. */
void rp_lookup_cancel(rp_lookup *lookup);

#endif
