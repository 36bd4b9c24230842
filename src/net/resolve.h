/* resolve.h - one look-up of one host, answered on the loop's thread. */
#ifndef RP_NET_RESOLVE_H
#define RP_NET_RESOLVE_H

#include "loop/loop.h"
#include "net/names.h"
#include <ringport/resolver.h>

typedef struct rp_lookup rp_lookup;

typedef struct rp_resolved {
    /* On success count > 0 addresses with their ports set, in the order to try them (order.h). They
     * live until the callback returns. */
    const rp_address *addresses;
    size_t count;
    bool stale;            /* they are past their time, and there are no new ones (RFC 8767) */
    bool partial;          /* the other family's may come: another look-up, whole, waits for them */
    const rp_error *error; /* NULL on success */
} rp_resolved;
typedef void rp_lookup_fn(void *user, const rp_resolved *resolved);

/* Never calls fn inside. IP literals, "localhost" (RFC 6761: always loopback) and overrides are
 * answered without asking anybody and without starting a thread. resolver NULL: the loop's own,
 * made at the first real name; a port that answers look-ups itself is asked by the loop's own in
 * any case. how: see names.h; what needs no question is given whatever it says. NULL is given for
 * lack of memory only. When the loop is destroyed first, fn gets RP_E_CANCELLED. */
rp_lookup *rp__lookup_start(rp_loop *loop, rp_resolver *resolver, const char *host, uint16_t port,
                            unsigned how, rp_lookup_fn *fn, void *user);

/* Not after fn was called. fn will not be called; the question goes on, for others and for the
 * cache. */
void rp__lookup_cancel(rp_lookup *lookup);

/* The part of a look-up that needs neither a look-up nor a turn: see rp__names_answer. resolver
 * NULL: the loop's own, which has no overrides. */
rp_status rp__resolve_at_once(rp_loop *loop, rp_resolver *resolver, const char *host, uint16_t port,
                              rp_address addresses[RP_ADDRESSES_LIMIT], size_t *count,
                              rp_error *error);

/* What a connection to one of several addresses of a name came to: one that failed is tried last
 * for a while (health.h). */
void rp__address_note(rp_loop *loop, rp_resolver *resolver, const rp_address *address, bool good);

/* False in a child of the process that made it: its thread and its sockets are not there. */
bool rp__resolver_is_ours(const rp_resolver *resolver);

/* The resolver's own allocations; for tests, and only while no look-up is under way. */
rp_memory *rp__resolver_memory(rp_resolver *resolver);

#endif
