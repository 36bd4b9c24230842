/* server.h - the tests' own HTTP server, plain or with TLS: on the same loop and the same engine as
 * the client.
 *
 * It runs on a loop of the test, whose turns it needs, or on one of its own in a thread. What it
 * answers depends on the target (server_routes.c lists them) or on the test's own handler; how, on
 * the transport: see shape.h. */
#ifndef RP_TESTS_SERVER_H
#define RP_TESTS_SERVER_H

#include "client/stream_server.h"
#include "sim/request.h"
#include "support/listener.h"

#include <stdatomic.h>

typedef struct server server;
typedef struct exchange exchange; /* a connection, and the request on it */

/* A request is complete (or, with at_head, its head is). True: answered, or will be; false: the
 * routes are to answer. */
typedef bool server_handler(exchange *x, void *user);

typedef struct server_options {
    rp_tls_config *tls; /* NULL: plain. Retained */
    uint16_t port;      /* 0: any */
    uint8_t family;     /* 0: 4 */
    shape shape;        /* of every connection; see server_shape */
    /* Each connection answers so many requests, announces nothing, and ends when the next one's
     * first byte comes: it was stale by then. 0: no limit. */
    unsigned stale_after;
    bool stale_reset;     /* ends by RST rather than FIN */
    unsigned close_after; /* the answer to this request of a connection says Connection: close; 0:
                      * none */
    /* Not HTTP and not TLS: this is sent (raw_size 0: nothing), at once or when the first bytes
     * came. */
    const char *raw;
    size_t raw_size;
    bool raw_mode, raw_waits, raw_ends;
    server_handler *handler;
    bool handler_at_head;
    void *user;
    const char *backend; /* of a server in a thread; NULL: the best */
} server_options;

/* Counters; any thread may read them. */
typedef struct server_counts {
    atomic_uint_fast64_t connections, open, handshakes, resumed, requests, completed, body_bytes,
        stale, failed, alerts; /* failed: requests that were malformed; alerts: for a handshake */
} server_counts;

server *server_start_on(rp_loop *loop, const server_options *options);
/* The loop ends with the server. */
server *server_start_owning(rp_loop *loop, const server_options *options);
server *server_start_thread(const server_options *options);
/* Closes everything and frees. For a server on the caller's loop this turns the loop. */
void server_stop(server *s);

uint16_t server_port(const server *s);
server_counts *server_counts_get(server *s);
/* "https://127.0.0.1:PORT/path"; a buffer of 8 that are used in turn. */
const char *server_url(const server *s, const char *path);
/* Of the connections to come. On the server's own thread only, or before any came. */
void server_shape(server *s, const shape *how);
/* Closes the connections that are there. Likewise. */
void server_drop(server *s, bool reset);

/* ---- for handlers and routes ---- */

const sim_request *exchange_request(const exchange *x);
rp_loop *exchange_loop(const exchange *x);
/* A head and a whole body (both copied); headers: lines with CRLF, or "". */
void exchange_answer(exchange *x, int status, const char *headers, const void *body, size_t size);
/* Bytes as they are, in the middle of an answer; then exchange_end. */
void exchange_write(exchange *x, const void *bytes, size_t size);
/* What is written from here on is in TLS records of its own, in one segment with what was written
 * before. At most 8 times for an answer. */
void exchange_cut(exchange *x);
/* Bytes around TLS, in one segment behind all that is written; they live until they have left. */
void exchange_raw_tail(exchange *x, const void *bytes, size_t size);
void exchange_print(exchange *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

typedef enum exchange_then {
    EXCHANGE_KEEP,         /* as the request and the options want it */
    EXCHANGE_CLOSE,        /* close_notify and FIN */
    EXCHANGE_CLOSE_BEHIND, /* the same, close_notify in one segment with what was written */
    EXCHANGE_TRUNCATE,     /* FIN alone */
    EXCHANGE_RESET,
    EXCHANGE_STALL /* nothing more, ever */
} exchange_then;
/* After everything that was written. */
void exchange_end(exchange *x, exchange_then then);

/* More of the answer comes by and by: fn is called whenever what was written is on its way, until
 * it calls exchange_end. state is the exchange's, zero at first. */
typedef struct exchange_state {
    uint64_t left, offset, wait_ms;
    exchange_then then;
} exchange_state;
typedef void exchange_fn(exchange *x, exchange_state *state);
exchange_state *exchange_produce(exchange *x, exchange_fn *fn);
/* The next call of fn comes after so many milliseconds. */
void exchange_wait(exchange *x, uint64_t ms);
/* Nothing more of the request is read. */
void exchange_stop_reading(exchange *x);
/* The body's bytes go to this as they come; before the first. NULL: they are only counted. */
typedef void exchange_body_fn(exchange *x, const uint8_t *data, size_t size);
void exchange_body(exchange *x, exchange_body_fn *fn);
/* Does the request's method or the answer's status forbid a body? */
bool exchange_head_only(const exchange *x, int status);
const char *exchange_connection_header(exchange *x, exchange_then then);

/* ---- server_routes.c ---- */

void server_route_head(exchange *x);     /* the head came */
void server_route_complete(exchange *x); /* the request is complete, and not yet answered */

#endif
