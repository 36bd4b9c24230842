/* dns.h - questions to name servers, through c-ares and its one thread. */
#ifndef RP_NET_DNS_H
#define RP_NET_DNS_H

#include "net/cache.h"
#include <ringport/error.h>

typedef struct rp_dns rp_dns;

/* One family's answer: once for each that was asked for, on any thread, also inside rp__dns_ask and
 * rp__dns_destroy. */
typedef void rp_dns_fn(void *user, unsigned family, const rp_answer *answer);

/* servers NULL: the system's. Starts the thread. Returns a code for rp__dns_error, 0: made. */
int rp__dns_create(rp_dns **dns, const char *servers);
/* Gives up what is asked for (the answers say so), joins the thread. */
void rp__dns_destroy(rp_dns *dns);

/* Looks into the hosts file, then asks for the families (bits 1 << family) of host and, as long as
 * there is no such name, of what it may stand for (search domains). */
void rp__dns_ask(rp_dns *dns, const char *host, unsigned families, rp_dns_fn *fn, void *user);

/* Why there are no addresses. */
void rp__dns_error(const char *host, rp_verdict verdict, int code, rp_error *error);

/* What a port's own look-up came to, as a code for rp__dns_error. */
int rp__dns_code(rp_status status);

#endif
