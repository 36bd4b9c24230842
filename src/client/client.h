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

/* A request whose head and body fit is sent as one record and needs no completion of its own. */
#define RP_SMALL_REQUEST_BYTES ((size_t)16384)

/* Most heads fit: a waiting request then holds no chunk. */
#define RP_INLINE_HEAD_BYTES 480

typedef struct rp_origin rp_origin;
typedef struct rp_conn rp_conn;

struct rp_client {
    rp_loop *loop;
    rp_client_options options; /* with every default filled in; strings are ours */
    rp_h1_scratch scratch;
    rp_h1_limits limits;
    rp_origin **buckets; /* origins by hash, chained */
    size_t bucket_count, origin_count;
    rp_link waiting;  /* origins with a queue */
    rp_link conns;    /* every connection */
    rp_link requests; /* every unfinished request */
    rp_link idle;     /* idle connections of all origins, the longest idle first */
    rp_request *free_requests;
    uint32_t free_request_count;
    uint32_t conn_count, opening_count, queued_count, waiting_count;
    rp_timer idle_timer, again_timer; /* see pool.c */
    rp_loop_hook hook;
    rp_deferred free_later;
    bool destroyed; /* it ends, or has ended: by its owner, or with its loop */
    bool outlives;  /* its loop ended first: the owner still has it */
    bool emptied;   /* nothing is left of it but this structure */
};

struct rp_origin {
    rp_client *client;
    rp_origin *next; /* in its bucket */
    rp_link waiting_link;
    rp_link queue; /* requests, the oldest first */
    rp_link idle;  /* connections, the latest used first */
    uint32_t request_count, queued_count, conn_count, opening_count, open_count, idle_count;
    uint64_t hash;
    uint64_t open_again_ns; /* after a failed opening, while open connections serve */
    uint16_t port;
    bool https;
    char host[]; /* lower case, without brackets */
};

struct rp_conn {
    rp_client *client;
    rp_origin *origin;
    rp_stream *stream;
    rp_h1_parser *parser;
    rp_request *request; /* that it serves; NULL: idle, opening or closing */
    rp_link link;        /* client->conns */
    rp_link origin_link; /* origin->idle */
    rp_link idle_link;   /* client->idle */
    uint64_t idle_since_ns;
    uint32_t served; /* requests that were sent on it */
    bool opening, open, closing;
    bool body_unsent; /* the current request's body is still being written */
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
    rp_chain head;      /* the request's head, and a small body behind it, unless they fit inline */
    uint32_t inline_size; /* 0: they are in head */
    const uint8_t *body;  /* NULL: none, or in head */
    size_t body_size;
    rp_request_state state;
    bool head_only; /* HEAD */
    bool idempotent;
    bool fresh_only;  /* not on a connection that has served before */
    bool close_after; /* the request says "Connection: close" */
    bool cancelled;   /* no on_head and on_body any more */
    bool reused, resumed, begun, told_head;
    bool sent_before; /* an earlier connection took some of it: the server may have acted on it */
    bool has_credit_limit;
    size_t credit_bytes;
    uint64_t first_byte_timeout_ms, idle_timeout_ms, total_timeout_ms;
    uint64_t started_ns, last_moved_ns;
    uint64_t body_bytes, bytes_sent;
    uint64_t owed_bytes; /* given to on_body and not yet consumed */
    int status;
    unsigned attempts;
    rp_timings timings;
    rp_timer total_timer;
    rp_timer phase_timer; /* queue, then first byte, then idle */
    rp_deferred ending;
    rp_error *error; /* why it ends, for ending; NULL: cancelled, or no_memory */
    bool no_memory;  /* not even to say why */
    char address[64];
    const char *tls_version, *tls_cipher;
    rp_request *next_free;
    uint8_t inline_head[RP_INLINE_HEAD_BYTES];
};

/* pool.c */

/* The origin of url, made if need be; NULL: no memory. */
rp_origin *rp_origin_get(rp_client *client, const rp_url *url);
/* Frees an origin that has neither connections nor requests. */
void rp_origin_release_if_unused(rp_origin *origin);
/* Gives the request to an idle connection, or queues it and opens one if the limits allow. */
void rp_pool_submit(rp_request *request, bool at_front);
/* Takes a queued request out of its queue. */
void rp_pool_withdraw(rp_request *request);
/* The connection can serve: the next request in the queue, or the idle list. */
void rp_pool_offer(rp_conn *conn);
/* The connection left the idle list for a request or for its end. */
void rp_pool_unidle(rp_conn *conn);
/* A limit may have room again: opens what waiting origins need. */
void rp_pool_dispatch(rp_client *client);
/* Opening failed: the oldest request that waits for a connection of this origin gets the error. */
void rp_pool_open_failed(const rp_conn *conn, const rp_error *error);

/* conn.c */

/* Starts to open one more connection; false: no memory. */
bool rp_conn_open(rp_origin *origin);
/* Notes what on_done will tell of the connection: it may be gone by then. */
void rp_conn_note(const rp_conn *conn, rp_request *request);
/* Sends the request on it. */
void rp_conn_serve(rp_conn *conn, rp_request *request);
/* Ends the connection; its request, if any, has been detached or told. */
void rp_conn_close(rp_conn *conn);

/* request.c */

rp_request *rp_request_new(rp_client *client);
void rp_request_free(rp_request *request);
/* The response is complete (error NULL) or the request failed: detaches, tells on_done now. Only
 * from a turn's callbacks. */
void rp_request_finish(rp_request *request, const rp_error *error);
/* The same, but on_done comes from a later callback: for calls of the user. */
void rp_request_finish_later(rp_request *request, const rp_error *error);
void rp_request_queued(rp_request *request);
void rp_request_sent(rp_request *request);  /* its last byte was handed to the network */
void rp_request_moved(rp_request *request); /* a byte of the response came */
uint64_t rp_request_since_us(const rp_request *request, uint64_t time_ns);

/* client.c */
void rp_client_free_if_done(rp_client *client);

#endif
