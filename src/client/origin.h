/* origin.h - an origin (RFC 6454) of a client: its key, its queue, and what it taught: how long its
 * connections may be idle, how its openings go, how many requests a connection of it takes. */
#ifndef RP_CLIENT_ORIGIN_H
#define RP_CLIENT_ORIGIN_H

#include "client/client.h"

/* What is known of how long a server keeps an idle connection, beside what it says itself. */
typedef struct rp_idle_lesson {
    uint32_t limit_ms; /* learned: two connections died at about this age; 0: nothing */
    uint32_t death_ms; /* the age at which one died; 0: none */
    uint64_t death_ns; /* when */
} rp_idle_lesson;

struct rp_origin {
    rp_client *client;
    rp_origin *next; /* in its bucket */
    rp_link waiting_link;
    rp_link queue; /* requests, the oldest first */
    rp_link ready; /* connections that take more requests, the latest used first */
    uint32_t request_count, queued_count, conn_count, opening_count, open_count, idle_count;
    uint32_t fresh_count, stalled_count; /* openings; stalled ones since the last that succeeded */
    uint32_t takes; /* requests at once that its last connection took when it opened; at least 1 */
    uint64_t hash;
    uint64_t open_again_ns; /* after a failed opening, while open connections serve */
    rp_idle_lesson lesson;
    rp_link remembered_link;
    uint16_t port;
    bool https;
    char host[]; /* lower case, without brackets */
};

/* The origin of url, made if need be; NULL: no memory. */
rp_origin *rp_origin_get(rp_client *client, const rp_url *url);
/* Frees an origin that has neither connections nor requests, unless it is kept for what it
 * taught. */
void rp_origin_release_if_unused(rp_origin *origin);
/* Frees so many of those that are kept. */
void rp_origins_forget(rp_client *client, size_t count);

/* Connections that its queue needs, as far as the origin itself is concerned, and that are not
 * being opened. */
bool rp_origin_wants_one(const rp_origin *origin);
/* As many connections are on their way as its queue needs. */
bool rp_origin_has_enough(const rp_origin *origin);
/* Something about that changed: it is, or is no more, in the client's list of those that wait. */
void rp_origin_look(rp_origin *origin);

/* Puts the request into the queue of its origin; takes it out. */
void rp_origin_queue(rp_request *request);
void rp_origin_withdraw(rp_request *request);
/* The next one to be served, by a connection that was used before or a fresh one; NULL: none. */
rp_request *rp_origin_next(const rp_origin *origin, bool used);

/* The server ended a connection that had been idle for so long. */
void rp_origin_learn(rp_origin *origin, uint64_t idle_ns);
/* How long they may be idle, by what was learned; UINT64_MAX: nothing was. */
uint64_t rp_origin_idle_limit_ms(const rp_origin *origin);

#endif
