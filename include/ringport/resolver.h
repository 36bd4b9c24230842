/* resolver.h - names to addresses, off the loop (c-ares; its one thread starts with the first
 * name).
 *
 * Look-ups of one name share its questions, A and AAAA. An answer is kept for its TTL, an hour at
 * most; that there is none for 30 s at most, and only if an SOA says how long (RFC 2308). Where one
 * family's answer is there, the other one gets 50 ms more (RFC 8305, 3), and from then on none
 * until its name servers answer again. While they fail, the last answer serves, for a day beyond
 * its TTL (RFC 8767): stale_name in rp_stream_info and rp_response_summary says so.
 *
 * Connections are spread over the addresses of a name, those of an override too. One that failed,
 * or was too slow, is tried after all others for 30 s, by everybody who shares the resolver. Of a
 * name's addresses 16 are used, eight of each family where both have more; an override has 16 at
 * the most.
 *
 * The hosts file comes first, and what resolv.conf (on Windows the registry) says of search domains
 * is followed; the environment is not looked at. A domain whose servers refuse to say anything
 * (SERVFAIL, REFUSED) is passed over; if no other has the host, that it was not found is not known,
 * and it is RP_E_RESOLVE_FAILED. */
#ifndef RINGPORT_RESOLVER_H
#define RINGPORT_RESOLVER_H

#include <ringport/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_resolver rp_resolver;

typedef struct rp_resolver_options {
    /* Addresses for chosen names, as curl's --resolve has them: "host:port:address[,address]...".
     * host is a name or an address, or "*": all that no other entry is for; port "*" matches any.
     * IPv6 addresses may stand in brackets. */
    const char *const *overrides;
    size_t override_count;
    const char *servers; /* "192.0.2.1,192.0.2.2:5353"; NULL: the system's configuration */
    bool no_stale;       /* answers never serve beyond their TTL */
} rp_resolver_options;

/* options NULL: all defaults. Errors: RP_E_BAD_OPTION (names the entry), RP_E_NO_MEMORY. Any
 * thread. */
rp_status rp_resolver_create_sized(rp_resolver **resolver, const rp_resolver_options *options,
                                   size_t options_size, rp_error *error);
static inline rp_status rp_resolver_create(rp_resolver **resolver,
                                           const rp_resolver_options *options, rp_error *error)
{
    return rp_resolver_create_sized(resolver, options, sizeof(rp_resolver_options), error);
}

/* A resolver may be shared by loops and threads: each holder retains it. Any thread. Not with a
 * child of fork: there its use is RP_E_MISUSE, and its release does nothing. */
rp_resolver *rp_resolver_retain(rp_resolver *resolver);

/* Drops a reference; the last one ends the thread. NULL does nothing. Any thread. */
void rp_resolver_release(rp_resolver *resolver);

#ifdef __cplusplus
}
#endif
#endif
