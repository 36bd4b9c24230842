/* server.h - what the parts of the scripted server share: server.c has the connections,
 * server_script.c the steps of scripts, tamper.c the socket that changes bytes and makes one send
 * of several. server_h1.c is HTTP/1.1 on a connection. HTTP/2 is in server_h2.c (what comes, and
 * whether it may), server_h2_out.c (what goes) and server_h2_fields.c (headers); it stands on
 * nothing of the client's, which it judges, but for HPACK.
 *
 * Where on_connection is given a connection begins as a plain stream without credit, so that a
 * script can say something before TLS begins; what the client sends meanwhile waits. It has one
 * exchange for all its life, and with HTTP/2 one for each stream besides. An exchange's script is
 * one queue: a step begins when the one before it is done, and what a later request's callbacks
 * append stands behind what is left of an earlier one's. */
#ifndef RP_SIM_SERVER_H
#define RP_SIM_SERVER_H

#include "client/stream_server.h"
#include "sim/request.h"
#include "sim/sim.h"

#define SIM_BODY_LIMIT ((size_t)16 << 20)

typedef struct sim_connection sim_connection;

typedef struct sim_bytes {
    uint8_t *data;
    size_t begin, size, capacity;
} sim_bytes;

typedef enum sim_step_kind {
    SIM_STEP_WRITE,
    SIM_STEP_WRITE_RAW,
    SIM_STEP_CORRUPT, /* number: the offset */
    SIM_STEP_WAIT,    /* number: milliseconds */
    SIM_STEP_HOLD,
    SIM_STEP_FLUSH,
    SIM_STEP_CALL,
    SIM_STEP_STOP_READING,
    /* HTTP/2's. */
    SIM_STEP_FRAME,
    SIM_STEP_FIELDS,   /* number: bytes of a block in a frame, 0: as many as may be */
    SIM_STEP_DATA,     /* number: what was sent of it */
    SIM_STEP_WITHHOLD, /* number: what */
    SIM_STEP_END
} sim_step_kind;

/* How the end of a response is told that is said in parts. */
typedef enum sim_framing { SIM_UNFRAMED, SIM_BY_LENGTH, SIM_BY_CHUNKS } sim_framing;

typedef struct sim_step {
    rp_link link;
    sim_step_kind kind;
    rp_sim_ending ending;
    uint64_t number;
    uint8_t type, flags; /* of a frame */
    uint32_t stream;
    bool joined; /* SIM_STEP_FIELDS: goes along with the data, which is the next step */
    rp_sim_step_fn *fn;
    void *user;
    size_t size;
    uint8_t data[];
} sim_step;

/* What a connection speaks. */
typedef enum sim_speaks { SIM_UNDECIDED, SIM_HTTP1, SIM_HTTP2, SIM_RAW } sim_speaks;

typedef enum sim_phase { SIM_CONNECTED, SIM_HANDSHAKE, SIM_OPEN } sim_phase;

struct rp_sim_exchange {
    sim_connection *connection;
    sim_request request;
    sim_bytes body;
    rp_link steps; /* the first may be in progress: writing or waiting says so */
    rp_write write;
    rp_timer timer;
    unsigned served;
    void *user;
    bool head_seen;      /* of the current request */
    bool touched;        /* a step was appended since */
    bool ended;          /* the last step of a script was appended and has not been carried out */
    bool answered;       /* the current request's script is over */
    bool continued;      /* 100 Continue was sent */
    sim_framing framing; /* HTTP/1.1's */
    bool writing, waiting;
    bool holding; /* its script has begun to, and has neither flushed nor ended */
    bool told;    /* on_gone was called */

    /* A stream of HTTP/2. */
    rp_link link; /* sim_connection.streams */
    uint32_t stream;
    sim_bytes output; /* frames of the step that is written */
    int64_t send_window, receive_window;
    uint64_t owed;     /* bytes of its window that were not given back */
    uint64_t declared; /* content-length */
    bool client_ended, server_ended, reset;
};

struct sim_connection {
    rp_sim_server *server;
    rp_link link;
    rp_stream *stream;
    rp_socket *socket; /* the stream's, of tamper.c */
    sim_phase phase;
    sim_speaks speaks;
    rp_sim_exchange exchange;
    rp_link streams;   /* HTTP/2: exchanges that live, by number */
    struct sim_h2 *h2; /* once it speaks it */
    unsigned writes;   /* that the stream has */
    sim_bytes input;
    rp_write shutdown;
    rp_timer parting;
    rp_deferred later; /* rp__sim_connection_advance */
    rp_sim_ending ending;
    bool deaf;    /* reads no more */
    bool over;    /* the ending began: there are no more steps */
    bool dropped; /* it begins when what is being written is: nor are there any to append */
    bool shut;    /* of the ending: our side is closed */
    bool peer_ended, advancing;
};

struct rp_sim_server {
    rp_memory memory;
    rp_sim_server_options options; /* its strings and settings are dead */
    rp_sim_setting *settings;
    char complaint[160];
    rp_sim *sim;  /* NULL: on a real loop */
    rp_link link; /* sim->servers, where loop_owned */
    rp_loop *loop;
    rp_socket *listener; /* NULL: closed */
    rp_address address;
    char address_text[RP_ADDRESS_TEXT_SIZE];
    rp_tls_config *tls;
    unsigned tls_uses; /* connections since it was made */
    bool tls_own;      /* its certificate is rp__sim_certificate_pem */
    rp_link connections;
    rp_sim_server_counts counts;
    bool loop_owned, stopped;
};

/* ---- credentials.c ---- */

extern const char rp__sim_certificate_pem[], rp__sim_key_pem[];

/* ---- server.c ---- */

void rp__sim_bytes_add(rp_memory *memory, sim_bytes *b, const void *data, size_t size);
void rp__sim_bytes_consume(sim_bytes *b, size_t size);
/* Does everything that can be done now. Not from inside a call of the user's. */
void rp__sim_connection_advance(sim_connection *c);
/* The handshake, or on a plain server the first request, may begin. */
void rp__sim_connection_begin(sim_connection *c);
/* Writes bytes of its own, copied. */
void rp__sim_connection_write(sim_connection *c, const sim_bytes *bytes);
/* It ends without further ado. */
void rp__sim_connection_close(sim_connection *c);

/* Something of the client's is malformed. */
void rp__sim_server_complain(rp_sim_server *server, const char *why);

void rp__sim_exchange_init(rp_sim_exchange *x, sim_connection *c);
/* What an exchange holds. */
void rp__sim_exchange_free(rp_sim_exchange *x);
void rp__sim_exchange_tell_gone(rp_sim_exchange *x);
/* What came of a request, for its script. */
void rp__sim_exchange_head(rp_sim_exchange *x);
void rp__sim_exchange_body(rp_sim_exchange *x, const uint8_t *data, size_t size);
void rp__sim_exchange_complete(rp_sim_exchange *x);

/* ---- server_h1.c ---- */

/* Reads what has come. True if it got anywhere. */
bool rp__sim_h1_feed(sim_connection *c);
/* Will the connection serve on after the current request, as far as is known by now? */
bool rp__sim_h1_persists(const rp_sim_exchange *x);

/* ---- server_h2.c, server_h2_out.c: server_h2.h has more ---- */

/* The connection speaks it from here on. */
void rp__sim_h2_begin(sim_connection *c);
void rp__sim_h2_free(sim_connection *c);
/* As rp__sim_h1_feed. */
bool rp__sim_h2_feed(sim_connection *c);
/* Streams that are closed and whose scripts have ended are no more. */
void rp__sim_h2_sweep(sim_connection *c);
/* The bytes of x's next write, into x->output; false: there are none by now. For steps of frames,
 * fields and data. */
bool rp__sim_h2_step(rp_sim_exchange *x, sim_step *step);
/* Of the script of a stream: END_STREAM, if it has not been. */
void rp__sim_h2_end_stream(rp_sim_exchange *x);
/* GOAWAY, if it has not been: the connection is about to close. */
void rp__sim_h2_farewell(sim_connection *c);
void rp__sim_h2_withhold(sim_connection *c, unsigned what);

/* ---- server_script.c ---- */

/* Whatever script can do something does. True if one did. */
bool rp__sim_scripts_run(sim_connection *c);
/* Is none of its scripts under way that can come to its end without the client? */
bool rp__sim_scripts_done(const sim_connection *c);
void rp__sim_scripts_clear(sim_connection *c);
/* Forgets what has not begun. */
void rp__sim_script_clear(rp_sim_exchange *x);
/* What the script holds leaves now, for it comes to no flush before the client has moved, or to
 * none at all. */
void rp__sim_script_flush(rp_sim_exchange *x);
/* Ends the connection (not RP_SIM_KEEP). */
void rp__sim_script_end(sim_connection *c, rp_sim_ending ending);

/* ---- tamper.c ---- */

/* In front of inner, which it owns from here on. failed: what was held could not be sent. */
rp_socket *rp__sim_tamper_new(rp_loop *loop, rp_memory *memory, rp_socket *inner,
                              void (*failed)(void *user), void *user);
/* Of all that it sends, the byte at this position is changed. */
void rp__sim_tamper_at(rp_socket *socket, uint64_t position);
/* Keeps back what is sent from here on; false: all of it leaves in one send, and is followed by the
 * half-close if that comes first. */
void rp__sim_tamper_hold(rp_socket *socket, bool hold);
rp_socket *rp__sim_tamper_inner(rp_socket *socket);

#endif
