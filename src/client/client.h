/* client.h - the HTTP client's inside. Calls go down this list, and what happens comes up it by
 * tables of functions:
 *
 *   client.c    making a client and sending: checks a request and gives it to the pool
 *   redirect.c  what a request does when its answer sends it elsewhere
 *   retry.c     whether it is tried again when that went wrong
 *   hedge.c     whether it is sent a second time while it waits
 *   replay.c    what follows when a request loses its connection
 *   pool.c      which connection serves which request
 *   openings.c  when one is opened
 *   life.c      preconnects, drain
 *   limit.c     how much of an origin is asked at once, and who may wait
 *   adapt.c     how much that is, if it is to be found out
 *   conn.c      one connection: its opening, its age, its end
 *   h1.c, h2.c  what it speaks (protocol.h)
 *   request.c   a request's life, deadlines and its one on_done
 *   way.c       where a request goes, by its URL
 *   route.c     where a connection goes, if not to its origin's host
 *   statistics.c, prometheus.c  what is counted
 *   why.c       why a request was slow
 *   trace.c, trace_attributes.c  events, for whoever traces
 *   origin.c    the table of origins, their queues, what they taught
 *   shared.c    what clients of several loops tell each other of that
 *   stream.h    bytes, over TLS or not
 *
 * Beside them:
 *
 *   upload.c    the body of a request: what its producer gives, and the wait for 100 Continue
 *   decoding.c  answers decoded on their way to the caller
 *   collect.c   a whole answer in memory
 *   latency.c   how late answers are, for hedge.c
 *   proxy.c, no_proxy.c, proxy_environment.c  proxies, by options and by the environment
 *   events.c    server-sent events; needs none of this
 *
 *   rp_client -- origins --+-- queue of requests that wait for a connection
 *                          +-- connections: opening, serving requests, or idle */
#ifndef RP_CLIENT_CLIENT_H
#define RP_CLIENT_CLIENT_H

#include "http/decode.h"
#include "http/h1.h"
#include "http/h2.h"
#include "http/message.h"
#include "loop/loop.h"
#include "net/local.h"
#include <ringport/http.h>
#include <ringport/insight.h>

typedef struct rp_origin rp_origin;
typedef struct rp_conn rp_conn;
typedef struct rp_protocol rp_protocol;
typedef struct rp_conn_events rp_conn_events;

struct rp_client {
    rp_loop *loop;
    rp_client_options options; /* with every default filled in; strings are ours */
    rp_user_agent user_agent;  /* of options */
    const rp_protocol *http2;  /* a test may have one of its own */
    const rp_conn_events *conn_events;
    rp_h1_scratch scratch;
    rp_decode_budget decoders;
    rp_h2_memory *h2_memory; /* made when first needed */
    rp_h1_limits limits;
    char *routes; /* rules of connect_to (route.h); NULL: none */
    char local_address[RP_ADDRESS_TEXT_SIZE], local_device[RP_DEVICE_LIMIT + 1]; /* of options */
    struct rp_shared *shared; /* with clients of other loops (shared.h); NULL: nothing is */
    rp_url_front front;       /* of the last request's URL */
    rp_origin **buckets;      /* origins by hash, chained */
    rp_origin *last_origin;   /* that was looked for and found; NULL: none */
    size_t bucket_count, origin_count;
    rp_link waiting;  /* origins that would open a connection */
    rp_link fresh;    /* openings that have a place of concurrent_openings, the oldest first */
    rp_link conns;    /* every connection; an origin has its own (origin.h) */
    rp_link requests; /* every unfinished request */
    rp_link idle;     /* idle connections of all origins, the longest idle first */
    rp_request *free_requests;
    uint32_t free_request_count;
    uint32_t conn_count, opening_count, fresh_count, idle_count, queued_count, waiting_count;
    rp_timer dispatch_timer; /* see openings.c */
    rp_loop_hook hook;
    rp_deferred free_later;
    void (*free_fn)(rp_deferred *deferred); /* of free_later */
    uint64_t request_order, conns_made;
    rp_link remembered; /* origins that nothing uses, for what they taught, the oldest first */
    uint32_t remembered_count;
    rp_counts forgotten; /* of origins that are no more */
    bool forgotten_any;
    uint32_t origins_made;
    rp_link preconnects;   /* life.c */
    rp_deferred life_look; /* likewise */
    struct {
        bool begun, told;
        void (*fn)(rp_status status, void *user);
        void *user;
    } drain;
    bool destroyed; /* it ends, or has ended: by its owner, or with its loop */
    bool outlives;  /* its loop ended first: the owner still has it */
    bool emptied;   /* nothing is left of it but this structure */
};

/* No further connection without an idle one's end. */
static inline bool rp__client_is_full(const rp_client *client)
{
    return client->conn_count >= client->options.connections_total;
}

/* One more may be had, if by an idle one's end. */
static inline bool rp__client_has_room(const rp_client *client)
{
    return !rp__client_is_full(client) || client->idle_count > 0;
}

/* A request or a connection is gone: with the last of a client that ends, that is freed later, for
 * whoever called may still have it in hand. */
static inline void rp__client_free_if_done(rp_client *client)
{
    if (!client->destroyed || !rp__list_empty(&client->requests) ||
        !rp__list_empty(&client->conns) || !rp__list_empty(&client->preconnects) ||
        client->drain.begun != client->drain.told || !rp__list_empty(&client->free_later.link))
        return;
    rp__loop_hold(client->loop);
    rp__loop_defer(client->loop, &client->free_later, client->free_fn);
}

#endif
