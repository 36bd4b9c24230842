/* dial.h - host and port to a connected socket: look-up, Happy Eyeballs (RFC 8305), deadlines. */
#ifndef RP_NET_DIAL_H
#define RP_NET_DIAL_H

#include "net/local.h"
#include "net/resolve.h"

#define RP_ATTEMPT_DELAY_MS 250 /* RFC 8305, 8: between the starts of two attempts */
/* Where all addresses of one family failed, and the other one's answer has not come, it gets this
 * long. */
#define RP_LATE_FAMILY_MS 1000

typedef struct rp_dial rp_dial;

/* See address.h. */
typedef struct rp_dial_rules {
    uint32_t refuse; /* kinds of addresses */
    rp_target_fn *on_address;
    void *user;
} rp_dial_rules;

/* False: by the rules it is not connected to, as *why_not says: on_address' words, or the kind. */
bool rp__rules_allow(const rp_dial_rules *rules, const char *host, const rp_address *address,
                     const char **why_not);

typedef struct rp_dial_options {
    const char *host; /* copied */
    uint16_t port;
    rp_resolver *resolver; /* NULL: the loop's own. Retained by the dial */
    /* If count > 0: these are dialled (copied), in this order, and host is for the messages. */
    const rp_address *addresses;
    size_t count;
    /* RP_NEVER_MS: none. The second is for all addresses together. */
    uint64_t resolve_timeout_ms, connect_timeout_ms;
    rp_dial_rules rules;
    rp_families families;      /* of addresses: they are all of it */
    const rp_local_end *local; /* NULL: as the routes have it */
    bool speaks_first;         /* bytes follow at once (port.h) */
} rp_dial_options;

typedef struct rp_dial_result {
    /* Connected, now the callee's (handler and user to be set); NULL on failure. */
    rp_socket *socket;
    rp_address address; /* of socket; on failure of the last attempt, family 0: none */
    uint64_t resolved_ns, connected_ns; /* loop times; 0: not reached */
    bool stale;                         /* the name's answer was past its time (resolve.h) */
    /* On success: the addresses that did not fail, are not refused and are not this one, lent until
     * fn returns. */
    const rp_address *rest;
    size_t rest_count;
    /* NULL on success. The message names host, address and cause. When several addresses failed,
     * it has their number and the most telling cause: what this process lacked, then refused,
     * then unreachable; the first of these. RP_E_ADDRESS_REFUSED if the rules refused all. */
    const rp_error *error;
} rp_dial_result;

/* It is this process that lacks something: that says nothing of an address, and is the news beside
 * whatever else failed. */
bool rp__dial_lacks(rp_status status);

typedef void rp_dial_fn(void *user, const rp_dial_result *result);

/* Never calls fn inside. NULL: no memory. fn is called once, and the pointer is dead then; the
 * losing attempts are closed, and rp_loop_run waits for that. When the loop is destroyed before,
 * fn gets RP_E_CANCELLED. */
rp_dial *rp__dial_start(rp_loop *loop, const rp_dial_options *options, rp_dial_fn *fn, void *user);

/* fn will not be called. */
void rp__dial_cancel(rp_dial *dial);

#endif
