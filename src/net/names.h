/* names.h - what can be said about a host name without asking a name server: whether it is one,
 * IP literals, "localhost", and the overrides of rp_resolver_options. */
#ifndef RP_NET_NAMES_H
#define RP_NET_NAMES_H

#include "base/address.h"
#include "base/memory.h"
#include <ringport/address.h>
#include <ringport/error.h>

#include <stdatomic.h>

#define RP_ADDRESSES_LIMIT 16 /* of one name; more are ignored */

/* Immutable once its resolver is made, but for turn. */
typedef struct rp_override {
    struct rp_override *next;
    atomic_uint turn; /* counts its uses, see order.h */
    uint16_t port;    /* 0: any */
    uint8_t count;
    rp_address addresses[RP_ADDRESSES_LIMIT];
    char host[]; /* without brackets and final dot */
} rp_override;

/* How a name is looked up, or'ed; 0: for both families, without much patience for the second. */
enum {
    RP_LOOKUP_WHOLE = 1, /* waits for both families, however long they take */
    RP_LOOKUP_NO_V4 = 2, /* not for these: it is as if the name had none */
    RP_LOOKUP_NO_V6 = 4
};
static inline unsigned rp__lookup_of(rp_families families)
{
    return families == RP_FAMILIES_IPV4   ? RP_LOOKUP_NO_V6
           : families == RP_FAMILIES_IPV6 ? RP_LOOKUP_NO_V4
                                          : 0;
}

/* Room for a host name that rp__names_answer did not refuse, its final dot and a NUL. */
#define RP_NAME_SIZE 256
/* In lower case: names that differ in nothing else are the same (RFC 4343). */
void rp__names_lower(const char *host, char name[RP_NAME_SIZE]);

/* "host:port:address[,address]...", the index-th of its list, counted from 0. Errors:
 * RP_E_BAD_OPTION with a message that names the entry, RP_E_NO_MEMORY. */
rp_status rp__override_parse(rp_override **override, rp_memory *memory, const char *text,
                             size_t index, rp_error *error);

/* "192.0.2.1,192.0.2.2:5353,[2001:db8::1]:53". RP_OK or RP_E_BAD_OPTION with a message. */
rp_status rp__servers_check(const char *servers, rp_error *error);

/* RP_OK with *count > 0: answered, ports set; *from: by this override, NULL: by none. RP_OK with
 * *count 0: a name that has to be looked up.
 * RP_E_RESOLVE_NOT_FOUND: host cannot be the name of anything; error has the message. */
rp_status rp__names_answer(rp_override *overrides, const char *host, uint16_t port,
                           rp_address addresses[RP_ADDRESSES_LIMIT], size_t *count,
                           rp_override **from, rp_error *error);

#endif
