/* conn.h - one connection of the client: opened, then given requests, in the end closed. */
#ifndef RP_CLIENT_CONN_H
#define RP_CLIENT_CONN_H

#include "client/origin.h"
#include "client/protocol.h"
#include "client/replay.h"
#include "client/stream.h"

typedef enum rp_conn_state { RP_CONN_OPENING, RP_CONN_OPEN, RP_CONN_CLOSING } rp_conn_state;

#define RP_TAKES_UNSAID UINT32_MAX

/* What requests are told of a connection, also when it is gone: made when it opened or could not,
 * and held by it and by each request that it was noted for. */
typedef struct rp_conn_facts {
    uint32_t references;
    int version; /* of HTTP; 0: it did not open */
    const char *tls_version, *tls_cipher, *tls_group;
    bool resumed, stale_name, certificate_missed;
    rp_peer_certificate *certificates; /* a copy; NULL: none are known */
    size_t certificate_count;
    int proxy_status;
    char *proxy_heads; /* a copy; NULL: none are known */
    char address[];    /* "": none was reached */
} rp_conn_facts;

struct rp_conn {
    rp_client *client;
    rp_origin *origin;
    rp_stream *stream;
    const rp_protocol *protocol; /* NULL before it is open */
    void *session;               /* the protocol's */
    rp_conn_state state;
    bool idled;          /* it has been in the idle lists */
    bool worn;           /* a request that was written to it has left it */
    uint64_t number;     /* of the client's connections, from 1 on */
    uint32_t in_flight;  /* requests that have it */
    uint32_t given;      /* requests that have it or were written to it */
    uint32_t served;     /* requests that were written to it */
    uint32_t takes;      /* requests at once, as its peer says; RP_TAKES_UNSAID: it has not yet */
    rp_link link;        /* client->conns */
    rp_link origin_link; /* origin->conns */
    rp_link ready_link;  /* origin->ready or origin->idle */
    rp_link age_link;    /* client->fresh while it opens, client->idle while it is idle */
    uint64_t idle_since_ns; /* when it was opened, or the last request that was written to it left
                             * it: the protocol notes that */
    uint64_t last_ns;       /* after which it serves no more; UINT64_MAX: never */
    uint64_t idle_check_ns; /* when its age is looked at; 0: nothing is started */
    uint64_t keep_alive_ms; /* how long the server says that it may be idle; RP_NEVER_MS: nothing */
    rp_conn_facts *facts;   /* NULL: it has neither opened nor failed yet, or there is no memory */
};

/* What it tells who stands above it, the pool. */
struct rp_conn_events {
    /* Takes requests from now on. */
    void (*opened)(rp_conn *conn);
    /* Is closing already. */
    void (*open_failed)(rp_conn *conn, const rp_error *error);
    /* Takes more, or fewer, than it did. */
    void (*room_changed)(rp_conn *conn);
    /* A request, detached, that the connection did not bring to its end. */
    void (*lost)(rp_conn *conn, rp_request *request, rp_fate fate, const rp_error *error);
    /* Its connections may have more requests than they could. */
    void (*has_place)(rp_origin *origin);
    /* Takes no more; state is still as it was. */
    void (*leaving)(rp_conn *conn);
    /* Is gone. */
    void (*closed)(rp_origin *origin);
};

/* ---- for the pool ---- */

/* Starts to open one more; NULL: no memory. */
rp_conn *rp__conn_open(rp_origin *origin);
/* How many more requests it takes now. */
uint32_t rp__conn_room(const rp_conn *conn);
/* The request is the connection's, which has room for it. */
void rp__conn_assign(rp_conn *conn, rp_request *request);
/* It has nothing to do: it does not keep the loop going, and closes when it is too old. */
void rp__conn_idle_begins(rp_conn *conn);
void rp__conn_idle_ends(rp_conn *conn);
/* The server ended it while it was not in use: how long do its connections live? */
void rp__conn_learn(const rp_conn *conn);
/* Ends it. A protocol that has requests on it then gives them back. */
void rp__conn_close(rp_conn *conn);
/* It serves no more, as old as it is or by what it has served already. */
bool rp__conn_spent(const rp_conn *conn);

/* ---- for protocols, beside rp__conn_close and rp__conn_retire ---- */

/* The peer says how many requests it takes at once, or says it anew; in begin, or later. */
void rp__conn_takes(rp_conn *conn, uint32_t count);

/* The request goes on, or ends, without the connection. */
void rp__conn_detach(rp_conn *conn, rp_request *request);
/* The request's first byte is to be written. */
void rp__conn_serves(rp_conn *conn, rp_request *request);
/* Nothing of its own age or of the client's options forbids it one more request, beside those that
 * it has. */
bool rp__conn_may_go_on(const rp_conn *conn);
/* Older than it may be, idle or in all. */
bool rp__conn_aged(const rp_conn *conn);
/* It has been, since the request was assigned: nothing that is not written yet may go out on it. */
static inline bool rp__conn_retired(const rp_conn *conn)
{
    return conn->last_ns == 0;
}
/* The server says how long it keeps the connection idle. */
void rp__conn_keep_alive(rp_conn *conn, uint64_t limit_ms);
/* What a request is told that the connection's end takes with it; end NULL: in order. False: its
 * answer is cut off, of which the protocol knows more. */
bool rp__conn_loss(const rp_conn *conn, const rp_request *request, const rp_error *end,
                   rp_error *error);
/* Tells the pool. */
void rp__conn_room_changed(rp_conn *conn);
void rp__conn_lost(rp_conn *conn, rp_request *request, rp_fate fate, const rp_error *error);

/* Its stream goes to events and user (rp_request_upgrade), whose callbacks are the next. It has
 * left the pool, and counts as closing; the protocol lets its request go, and then it. */
void rp__conn_give(rp_conn *conn, const rp_stream_events *events, void *user);
/* It is no more, and its stream lives on. */
void rp__conn_let_go(rp_conn *conn);

/* ---- for all ---- */

/* It serves no more than what is under way on it; closed if that is nothing. */
void rp__conn_retire(rp_conn *conn);

/* Has it been waiting since it was opened, or served? Then its end is no news about the server. */
static inline bool rp__conn_is_used(const rp_conn *conn)
{
    return conn->served > 0 || conn->idled;
}
/* Can it not have been on its last legs when the server got a request on it? Then a request may be
 * sent on it that must not be lost to an old connection once more. */
static inline bool rp__conn_is_fresh(const rp_conn *conn)
{
    return !conn->worn && !conn->idled;
}
/* It speaks what the origin is not to speak any more: it finishes what it has. */
static inline bool rp__conn_outdated(const rp_conn *conn)
{
    return conn->protocol->multiplexed && conn->origin->versions == RP_HTTP_1_1;
}
/* When its opening began. */
static inline uint64_t rp__conn_started_ns(const rp_conn *conn)
{
    return rp__stream_times_get(conn->stream)->started_ns;
}
/* Who the peer is, for messages. */
static inline const char *rp__conn_peer(const rp_conn *conn)
{
    const char *peer = rp__stream_peer(conn->stream);
    return peer != NULL ? peer : conn->origin->host;
}
/* Notes what on_done will tell of the connection: it may be gone by then. */
void rp__conn_note(const rp_conn *conn, rp_request *request);
/* The request is told these, in place of what it had; NULL: nothing. */
void rp__request_facts_set(rp_request *request, rp_conn_facts *facts);

#endif
