/* shared.h - what the clients of several loops, on several threads, tell each other: TLS sessions,
 * and what origins taught, so that a loop that is new to an origin opens as many connections as it
 * needs, and resumes. */
#ifndef RP_CLIENT_SHARED_H
#define RP_CLIENT_SHARED_H

#include "client/client.h"

typedef struct rp_shared rp_shared;

/* The allocator is called on any thread, by several at a time, until the last reference has gone.
 * NULL: no memory. */
rp_shared *rp__shared_create(rp_allocator allocator);
void rp__shared_release(rp_shared *shared); /* NULL does nothing */

/* Before the client has a request. Its loop has shared sessions from now on, unless it has some of
 * its own already. */
void rp__client_share(rp_client *client, rp_shared *shared);

/* ---- origin.c's ----
 *
 * Both do nothing for an origin whose client shares nothing, or behind a proxy. */

/* Tells the others how many requests its connections take, and which version they speak. */
void rp__shared_tell(const rp_origin *origin);
/* What another client told of it last. False: nothing. */
typedef struct rp_shared_fact {
    uint32_t takes;
    bool takes_said, multiplexed;
    bool http1; /* the server wants HTTP/1.1 */
} rp_shared_fact;
bool rp__shared_ask(const rp_origin *origin, rp_shared_fact *fact);

#endif
