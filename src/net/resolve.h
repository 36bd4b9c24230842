/* resolve.h - one look-up of one host, answered on the loop's thread. */
#ifndef RP_NET_RESOLVE_H
#define RP_NET_RESOLVE_H

#include "loop/loop.h"
#include "net/names.h"
#include <ringport/resolver.h>

typedef struct rp_lookup rp_lookup;

/* status RP_OK: count > 0 addresses with their ports set, in the order to try them (RFC 6724, then
 * families alternating as RFC 8305, 4 has it). They live until the callback returns. */
typedef void rp_lookup_fn(void *user, const rp_address *addresses, size_t count,
                          const rp_error *error);

/* Never calls fn inside. IP literals, "localhost" (RFC 6761: always loopback) and overrides are
 * answered without asking anybody and without starting a thread. resolver NULL: the loop's own,
 * made at the first real name. NULL is given for lack of memory only. When the loop is destroyed
 * first, fn gets RP_E_CANCELLED. */
rp_lookup *rp_lookup_start(rp_loop *loop, rp_resolver *resolver, const char *host, uint16_t port,
                           rp_lookup_fn *fn, void *user);

/* Not after fn was called. fn will not be called; the look-up goes on unwatched until the
 * resolver is done with it. */
void rp_lookup_cancel(rp_lookup *lookup);

/* The part of a look-up that needs neither a look-up nor a turn: see rp_names_answer. resolver
 * NULL: the loop's own, which has no overrides. */
rp_status rp_resolve_at_once(const rp_resolver *resolver, const char *host, uint16_t port,
                             rp_address addresses[RP_ADDRESSES_LIMIT], size_t *count,
                             rp_error *error);

/* False in a child of the process that made it: its thread and its sockets are not there. */
bool rp_resolver_is_ours(const rp_resolver *resolver);

/* The resolver's own allocations; for tests, and only while no look-up is under way. */
rp_memory *rp_resolver_memory(rp_resolver *resolver);

#endif
