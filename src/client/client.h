/* client.h - the HTTP client's inside: client, origins, connections, requests.
 *
 *   rp_client -- origins --+-- queue of requests that wait for a connection
 *                          +-- connections: opening, serving one request each, or idle
 *
 * client.c: making and sending. pool.c: which connection serves which request, and when to open
 * one. conn.c: one connection, from the stream's events through the parser to the request's.
 * request.c: a request's life, deadlines and its one on_done. */
#ifndef RP_CLIENT_CLIENT_H
#define RP_CLIENT_CLIENT_H

#include "client/stream.h"
#include "http/h1.h"
#include "loop/loop.h"
#include <ringport/http.h>

/* Most messages fit: a request then needs no other memory. */
#define RP_INLINE_BYTES 512

typedef struct rp_origin rp_origin;
typedef struct rp_conn rp_conn;

struct rp_client {
    rp_loop *loop;
    rp_client_options options; /* with every default filled in; strings are ours */
    rp_h1_scratch scratch;
    rp_h1_limits limits;
    rp_origin **buckets; /* origins by hash, chained */
    size_t bucket_count, origin_count;
    rp_link waiting;  /* origins that would open a connection */
    rp_link fresh;    /* openings that have a place of concurrent_openings, the oldest first */
    rp_link conns;    /* every connection */
    rp_link requests; /* every unfinished request */
    rp_link idle;     /* idle connections of all origins, the longest idle first */
    rp_request *free_requests;
    uint32_t free_request_count;
    uint32_t conn_count, opening_count, fresh_count, idle_count, queued_count, waiting_count;
    rp_timer dispatch_timer; /* see pool.c */
    rp_loop_hook hook;
    rp_deferred free_later;
    uint64_t request_order;
    rp_link remembered; /* origins that nothing uses, for what they taught, the oldest first */
    uint32_t remembered_count;
    bool destroyed; /* it ends, or has ended: by its owner, or with its loop */
    bool outlives;  /* its loop ended first: the owner still has it */
    bool emptied;   /* nothing is left of it but this structure */
};

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
    rp_link idle;  /* connections, the latest used first */
    uint32_t request_count, queued_count, conn_count, opening_count, open_count, idle_count;
    uint32_t fresh_count, stalled_count; /* openings; stalled ones since the last that succeeded */
    uint64_t hash;
    uint64_t open_again_ns; /* after a failed opening, while open connections serve */
    rp_idle_lesson lesson;
    rp_link remembered_link;
    uint16_t port;
    bool https;
    char host[]; /* lower case, without brackets */
};

typedef enum rp_conn_state {
    RP_CONN_OPENING,
    RP_CONN_FREE,     /* open, without a request: in the idle lists, or on its way there */
    RP_CONN_ASSIGNED, /* has a request, of which nothing was written yet */
    RP_CONN_SERVING,
    RP_CONN_CLOSING
} rp_conn_state;

struct rp_conn {
    rp_client *client;
    rp_origin *origin;
    rp_stream *stream;
    rp_h1_parser *parser;
    rp_request *request; /* ASSIGNED, SERVING */
    rp_conn_state state;
    rp_link link;        /* client->conns */
    rp_link origin_link; /* origin->idle */
    rp_link idle_link;   /* client->idle */
    rp_link fresh_link;  /* client->fresh */
    uint64_t idle_since_ns;
    uint64_t last_ns;       /* after which it serves no more; UINT64_MAX: never */
    uint64_t idle_check_ns; /* when its age is looked at; 0: nothing is started */
    uint64_t keep_alive_ms; /* how long the server says that it may be idle; RP_NEVER_MS: nothing */
    uint64_t plain_base;    /* the stream's rp_stream_plain_handed where the request began */
    uint32_t served;        /* requests that were written to it */
    bool idled;             /* it has been in the idle lists */
    bool doubtful;          /* must not serve again, whatever the response says */
    bool body_unsent;       /* the current request's body is still being written */
    rp_write body_write;
    rp_stream_info info;
};

typedef enum rp_request_state {
    RP_REQUEST_QUEUED,
    RP_REQUEST_ACTIVE, /* on a connection */
    RP_REQUEST_ENDING  /* on_done is on its way */
} rp_request_state;

struct rp_request {
    rp_client *client;
    rp_origin *origin;
    rp_conn *conn;
    const rp_response_events *events;
    void *user;
    rp_link link;       /* client->requests */
    rp_link queue_link; /* origin->queue */
    rp_message message; /* in inline_bytes, or in block */
    const uint8_t *body;
    size_t body_size;
    size_t head_size; /* of what was sent; 0: nothing yet */
    rp_request_state state;
    bool head_only; /* HEAD */
    bool idempotent;
    bool fresh_only; /* not on a connection that has served before */
    bool cancelled;  /* no on_head and on_body any more */
    bool reused, resumed, stale_name, told_head;
    bool begun;            /* any byte of an answer came, interim responses included */
    bool head_begun;       /* the final head has, or one of which that is not known yet */
    bool upload_under_way; /* the peer may not have all of a large request */
    uint8_t moved;       /* connections that turned out to be no good before anything of it left */
    uint8_t moved_fresh; /* of these, such as nobody had used before */
    bool has_credit_limit;
    size_t credit_bytes;
    uint64_t first_byte_timeout_ms, idle_timeout_ms, total_timeout_ms;
    uint64_t started_ns;
    uint64_t queued_ns, sent_ns; /* this time: a replay begins anew; sent_ns 0: not yet */
    uint64_t moved_ns;           /* stream->moved_ns, if that is later */
    uint64_t confirmed_bytes;    /* by the peer's system, at the last look; 0: not looked */
    uint64_t order;              /* by rp_client_send: who came first is served first */
    uint64_t body_bytes, bytes_sent;
    uint64_t owed_bytes; /* given to on_body and not yet consumed */
    int status;
    unsigned attempts;
    rp_timings timings;
    rp_timer total_timer;
    rp_timer phase_timer; /* see request.c */
    rp_deferred ending;
    rp_error *error; /* why it ends, for ending; NULL: cancelled, or no_memory */
    bool no_memory;  /* not even to say why */
    char address[64];
    const char *tls_version, *tls_cipher, *tls_group;
    rp_request *next_free;
    uint8_t inline_bytes[RP_INLINE_BYTES];
    uint8_t *block; /* kept for the next request */
    size_t block_size;
};

/* pool.c */

/* The origin of url, made if need be; NULL: no memory. */
rp_origin *rp_origin_get(rp_client *client, const rp_url *url);
/* Frees an origin that has neither connections nor requests, unless it is kept for what it
 * taught. */
void rp_origin_release_if_unused(rp_origin *origin);
/* Frees so many of those that are kept. */
void rp_origins_forget(rp_client *client, size_t count);
/* Gives the request to an idle connection, or queues it and opens one if the limits allow. */
void rp_pool_submit(rp_request *request);
/* Takes a queued request out of its queue. */
void rp_pool_withdraw(rp_request *request);
/* The connection can serve: the next request in the queue, or the idle list. */
void rp_pool_offer(rp_conn *conn);
/* The connection left the idle list for a request or for its end. */
void rp_pool_unidle(rp_conn *conn);
/* The connection is open: its lifetime begins. */
void rp_pool_opened(rp_conn *conn);
/* The connection is older than it may be, idle or in all. */
bool rp_pool_aged(const rp_conn *conn);
/* The server ended a connection that was not in use: how long do its connections live? */
void rp_pool_learn(const rp_conn *conn);
/* Something about the origin changed: does it wait for a connection to be opened? */
void rp_pool_look(rp_origin *origin);
/* The connection is being opened, and is no more. */
void rp_pool_opening_begins(rp_conn *conn);
void rp_pool_opening_ends(rp_conn *conn, bool succeeded);
/* A limit may have room again: opens what waiting origins need. */
void rp_pool_dispatch(rp_client *client);
/* Opening failed: the oldest request that waits for a connection of this origin gets the error; of
 * a deadline all of them that have waited so long. */
void rp_pool_open_failed(const rp_conn *conn, const rp_error *error);

/* conn.c */

/* Starts to open one more connection; false: no memory. */
bool rp_conn_open(rp_origin *origin);
/* Notes what on_done will tell of the connection: it may be gone by then. */
void rp_conn_note(const rp_conn *conn, rp_request *request);
/* The request is the connection's. It is written from the stream's pump, if nothing speaks against
 * the connection then; else the pool finds it another. */
void rp_conn_assign(rp_conn *conn, rp_request *request);
/* The request ends without the connection, which goes on only if nothing of it was written. */
void rp_conn_abandon(rp_conn *conn);
/* Plaintext bytes of the connection's request that were handed to the network. */
uint64_t rp_conn_bytes_sent(const rp_conn *conn);
/* Ends the connection; its request, if any, has been detached or told. */
void rp_conn_close(rp_conn *conn);

/* request.c */

rp_request *rp_request_new(rp_client *client);
void rp_request_free(rp_request *request);
/* Its memory for a message that is too large for inline_bytes; NULL: there is none. */
uint8_t *rp_request_block(rp_request *request, size_t size);
/* The response is complete (error NULL) or the request failed: detaches, tells on_done now. Only
 * from a turn's callbacks. */
void rp_request_finish(rp_request *request, const rp_error *error);
/* The same, but on_done comes from a later callback: for calls of the user. */
void rp_request_finish_later(rp_request *request, const rp_error *error);
/* What happens to it, for its deadlines: the caller sent it; it waits in the queue; a connection
 * has it; its first byte is written; a large body follows; its last byte was handed to the network;
 * a byte of an answer came; a head is whole. */
void rp_request_started(rp_request *request);
void rp_request_queued(rp_request *request);
void rp_request_assigned(rp_request *request);
void rp_request_begun(rp_request *request);
void rp_request_uploads(rp_request *request);
void rp_request_sent(rp_request *request);
void rp_request_moved(rp_request *request);
void rp_request_head(rp_request *request, const rp_response_head *head);
uint64_t rp_request_since_us(const rp_request *request, uint64_t time_ns);

/* client.c */
void rp_client_free_if_done(rp_client *client);

#endif
