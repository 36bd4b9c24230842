/* origin.h - an origin (RFC 6454) of a client, by one route: its key, its queue, and what it
 * taught: how long its connections may be idle, how its openings go, how many requests a connection
 * of it takes, and that it wants HTTP/1.1. */
#ifndef RP_CLIENT_ORIGIN_H
#define RP_CLIENT_ORIGIN_H

#include "client/client.h"
#include "client/limit.h"
#include "client/proxy.h"
#include <ringport/insight.h>

/* What is known of how long a server keeps an idle connection, beside what it says itself. */
typedef struct rp_idle_lesson {
    uint32_t limit_ms; /* learned: two connections died at about this age; 0: nothing */
    uint32_t death_ms; /* the age at which one died; 0: none */
    uint64_t death_ns; /* when */
} rp_idle_lesson;

/* Of retries: see retry.c. */
typedef struct rp_retry_budget {
    uint64_t milli; /* thousandths of one */
    uint64_t refilled_ns;
    uint32_t per_s; /* the most that any request's policy says */
} rp_retry_budget;

struct rp_origin {
    rp_client *client;
    rp_origin *next; /* in its bucket */
    rp_link waiting_link;
    rp_link queue; /* requests, the oldest first */
    rp_link conns; /* all of its connections, the one opened first first */
    rp_link ready; /* connections in use that take more, the one that was full last first */
    rp_link idle;  /* connections that nobody uses, the latest used first */
    uint32_t queued_second_count; /* of queued_count: seconds beside their firsts (hedge.h) */
    uint32_t request_count, queued_count, conn_count, opening_count, open_count, idle_count;
    uint32_t fresh_count, stalled_count; /* openings; stalled ones since the last that succeeded */
    uint32_t retired_count;              /* open ones that end when what they have is done */
    uint32_t in_flight;                  /* requests that a connection has */
    uint32_t number;                     /* of all that the client made */
    rp_counts counts;
    uint32_t idle_wanted; /* by preconnects */
    uint32_t takes;       /* requests at once on a connection, as the last one said; 0: not known */
    bool takes_said;      /* that is so; else it is what the last one seemed to take */
    bool multiplexed;     /* its last connection's protocol is */
    uint32_t probes_failed;    /* of those that are on their way while takes is not known */
    rp_http_versions versions; /* that its connections may speak */
    uint32_t uses;             /* requests that one of them may serve in its life, by options */
    uint64_t hash;
    uint64_t open_again_ns; /* after a failed opening, while open connections serve */
    uint64_t served_ns;     /* when a request got a connection last */
    uint64_t said_by_ns; /* the last one opened is to say what it takes; 0: nobody waits for it */
    rp_idle_lesson lesson;
    rp_limit *limit; /* NULL: there is none */
    rp_retry_budget retry_budget;
    struct rp_hedge_lessons *hedging; /* NULL: nothing was hedged */
    rp_link remembered_link;
    uint16_t port;
    bool https;
    bool upgrades;     /* as rp_way has it */
    rp_proxy *proxy;   /* through which they go; NULL: none */
    const rp_hop *hop; /* of it */
    const char *route; /* behind host: where its connections go (route.h); "": to host and port */
    size_t host_size;
    char host[]; /* lower case, without brackets */
};

/* Where requests to a URL go: to host and port if both are "" and NULL. */
typedef struct rp_way {
    const char *route; /* route.h */
    rp_proxy *proxy;   /* NULL: hop is NULL */
    const rp_hop *hop;
    bool upgrades; /* in HTTP/1.1, and through a proxy by a tunnel: it may leave HTTP */
} rp_way;

/* The origin of url whose connections go this way, made if need be; NULL: no memory. */
rp_origin *rp__origin_get(rp_client *client, const rp_url *url, const rp_way *way);
/* The proxy is asked for the whole URL, and there is no tunnel. */
static inline bool rp__origin_forwards(const rp_origin *origin)
{
    return !origin->upgrades &&
           rp__hop_forwards(origin->proxy, origin->hop, origin->https, origin->route);
}
/* Frees an origin that has neither connections nor requests, unless it is kept for what it
 * taught. */
void rp__origin_release_if_unused(rp_origin *origin);
/* Frees so many of those that are kept. */
void rp__origins_forget(rp_client *client, size_t count);

/* Connections that its queue needs, as far as the origin itself is concerned, and that are not
 * being opened. */
bool rp__origin_wants_one(const rp_origin *origin);
/* Openings that have stalled. */
static inline uint32_t rp__origin_stalled(const rp_origin *origin)
{
    return origin->opening_count - origin->fresh_count;
}
/* As many connections are on their way as its queue needs. */
bool rp__origin_has_enough(const rp_origin *origin);
/* It has one that takes many requests at once, and lasts. */
bool rp__origin_shares_one(const rp_origin *origin);
/* No further connection without an idle one's end. */
bool rp__origin_is_full(const rp_origin *origin);
/* Something about that changed: it is, or is no more, in the client's list of those that wait. */
void rp__origin_look(rp_origin *origin);

/* Requests that wait, but for seconds of others (hedge.h), for which nobody else has to. */
static inline uint32_t rp__origin_waiting(const rp_origin *origin)
{
    return origin->queued_count - origin->queued_second_count;
}

/* Puts the request into the queue of its origin; takes it out. */
void rp__origin_queue(rp_request *request);
void rp__origin_withdraw(rp_request *request);
/* The next one to be served, by a fresh connection or one that was used before; NULL: none. */
rp_request *rp__origin_next(const rp_origin *origin, bool fresh);

/* A connection was opened, and has so much room; its peer has said how many requests it takes at
 * once, or does so later. */
void rp__origin_learn_opened(rp_origin *origin, bool multiplexed, uint32_t room, bool said);
void rp__origin_learn_takes(rp_origin *origin, uint32_t count);
/* No more are opened for a while, as long as it has open ones. */
void rp__origin_rest(rp_origin *origin);
/* Until when; 0: no more than now. */
uint64_t rp__origin_rests_until_ns(const rp_origin *origin);
/* Connections speak HTTP/1.1 from now on. False: that is not allowed. */
bool rp__origin_learn_http1(rp_origin *origin);
/* The server ended a connection that had been idle for so long. */
void rp__origin_learn(rp_origin *origin, uint64_t idle_ns);
/* How long they may be idle, by what was learned; UINT64_MAX: nothing was. */
uint64_t rp__origin_idle_limit_ms(const rp_origin *origin);

#endif
