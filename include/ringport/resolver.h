/* resolver.h - names to addresses, off the loop (c-ares; its one thread starts with the first
 * name). */
#ifndef RINGPORT_RESOLVER_H
#define RINGPORT_RESOLVER_H

#include <ringport/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_resolver rp_resolver;

typedef struct rp_resolver_options {
    /* Addresses for chosen names, as curl's --resolve has them: "host:port:address[,address]...".
     * port "*" matches any. IPv6 addresses may stand in brackets. */
    const char *const *overrides;
    size_t override_count;
    const char *servers; /* "192.0.2.1,192.0.2.2:5353"; NULL: the system's configuration */
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
