/* stream_inside.h - a stream's members, for stream.c and the files that share its name: whoever
 * stands above a stream asks it (stream.h). */
#ifndef RP_CLIENT_STREAM_INSIDE_H
#define RP_CLIENT_STREAM_INSIDE_H

#include "client/stream.h"
#include "client/stream_tunnel.h"
#include "loop/loop.h"
#include "net/dial.h"
#include "tls/engine.h"

/* Ciphertext that may wait for the network on one stream; more plaintext is encrypted when it
 * went. */
#define RP_OUTPUT_LIMIT ((size_t)64 * 1024)
#define RP_SEND_SLICES 2           /* at the least: what a chunk holds may lie in two */
#define RP_STREAM_TIMEOUT_MS 10000 /* where the options have 0 */
#define RP_STREAM_HOST_LIMIT 1024

/* What stands above the socket: each state has a stage, which takes the input (stream_io.c). */
typedef enum rp_stream_state {
    RP_STREAM_DIALLING,
    RP_STREAM_CONNECTED, /* a plain one that on_open has not told of */
    RP_STREAM_HANDSHAKE,
    RP_STREAM_ASKING, /* in the handshake: the judge or the signer is, and nothing goes in or out */
    RP_STREAM_OPEN,   /* with TLS */
    RP_STREAM_PLAIN,  /* open, without */
    RP_STREAM_FAILED  /* to open: waits to be closed */
} rp_stream_state;

/* What a stream needs until it is open: many are open for long, and hold no more of it then. A
 * server's keeps it, for rp__stream_begin_tls. */
typedef struct rp_opening {
    rp_resolver *resolver; /* NULL: the loop's own */
    rp_dial *dial;      /* beside a socket: of other addresses, while this one's peer is silent */
    rp_socket *leaving; /* the last address', being closed before the next one's is used */
    rp_address *rest;   /* addresses that may be tried when the handshake gets nowhere */
    size_t rest_count;
    rp_error *left_failure; /* of the first address that was left for a failure; NULL: none */
    rp_question *question;  /* asked, and its answer has not come to us */
    rp_signing *signing;    /* likewise */
    char *host, *alpn;
    char *server_name; /* NULL: host */
    char *dial_host;   /* connect_to's; NULL: host */
    uint64_t connect_timeout_ms, handshake_timeout_ms;
    rp_keepalive keepalive;
    rp_dial_rules rules;
    rp_families families;
    uint16_t port, dial_port;
    bool choice;                 /* the name has more addresses than this one */
    uint64_t handshake_until_ns; /* for all addresses; 0: no limit, or none is connected yet */
} rp_opening;

/* Input that came while there was no credit: bytes[begin..begin + size). */
typedef struct rp_stash {
    size_t begin, size, capacity;
    uint8_t bytes[];
} rp_stash;

/* What a request touches comes first. */
struct rp_stream {
    rp_loop *loop;
    const rp_stream_events *events;
    void *user;
    rp_socket *socket;
    rp_tunnel *tunnel;   /* instead of opening's dial, and below socket; NULL: no proxy */
    rp_engine *engine;   /* from the handshake's first step */
    rp_opening *opening; /* NULL: it is over, but for a server's */
    rp_stream_state state;

    bool filling; /* in the pump's call of fill */
    bool has_credit_limit;
    bool receiving; /* a receive is in flight */
    bool receive_stopping;
    bool input_ended;    /* the transport's end came */
    bool end_told;       /* on_end was called */
    bool shutdown_asked; /* no more writes are taken */
    bool write_failed;
    bool send_ended;    /* the half-close was done: nothing may follow it */
    bool handshake_due; /* the engine has something to say without input */
    bool alert_due;     /* the engine's last alert is in output: it leaves though writes fail */
    bool closing;       /* rp_stream_close was called */
    bool parting;       /* and the socket is closed after the last words */
    bool background;    /* does not keep rp_loop_run going */
    bool server;
    bool lower;            /* a tunnel's: another stream's input is what it decrypts */
    bool stale_name;       /* see resolver.h */
    uint16_t proxy_status; /* of an HTTP proxy's answer; 0: none */

    uint64_t moved_ns; /* when the network last took or brought anything */
    uint64_t heard_ns; /* when it last brought anything; 0: not since a handshake was looked at */
    rp_deferred pump;  /* runs everything that is due: encrypt, send, deliver */

    /* Sending. Plaintext waits in the users' writes; output is what is ready for the network; of it
     * the first in_flight bytes are being sent. */
    size_t in_flight;
    uint64_t sent_total;
    uint64_t plain_total;                        /* plaintext put into output */
    uint64_t plain_handed;                       /* of that, what the port was given */
    void (*fill)(rp_stream *stream, void *user); /* wanted by the owner; NULL: nothing is */
    rp_chain output;
    rp_chunk *slice_chunk; /* holds the slices of a send that has more than RP_SEND_SLICES */
    rp_slice slices[RP_SEND_SLICES];
    rp_write *queued, *queued_last;       /* not yet wholly in output */
    rp_write *encrypted, *encrypted_last; /* in output, waiting for the network */
    size_t queued_done;                   /* bytes of the first queued write already in output */

    /* Receiving. */
    size_t credit;
    uint64_t receive_turn; /* the turn in which the receive was started last */
    rp_stash *stash;       /* NULL: nothing is put aside */

    rp_timer timer; /* handshake deadline; once open the owner's: rp__stream_timer_start */
    rp_loop_hook hook;
    rp_tls_config *config;
    char *session_key, *peer_text;
    rp_local_end *local;       /* NULL: as the routes have it */
    char *path;                /* of a Unix socket, for address; NULL: none */
    char *proxy_heads;         /* if they are kept */
    rp_io_result input_result; /* how the input ended */
    rp_error *write_failure;   /* why write_failed; NULL: no memory even for that */
    rp_stream_times times;
    rp_address address;
};

/* ---- between these files ---- */

extern const rp_socket_handler rp__stream_socket_handler;

static inline bool rp__stream_is_open(const rp_stream *stream)
{
    return stream->state == RP_STREAM_OPEN || stream->state == RP_STREAM_PLAIN;
}

/* Bytes that are put aside. */
static inline size_t rp__stream_stashed(const rp_stream *stream)
{
    return stream->stash != NULL ? stream->stash->size : 0;
}

/* The port still has the socket of an address that was left. */
static inline bool rp__stream_leaves(const rp_stream *stream)
{
    return stream->opening != NULL && stream->opening->leaving != NULL;
}

rp_stream *rp__stream_new(rp_loop *loop, const rp_stream_events *events, void *user);
/* A copy of text in *target; of NULL nothing. False: no memory. */
bool rp__stream_copy(rp_stream *stream, char **target, const char *text);
/* The transport stands. The pump goes on from here. */
void rp__stream_connected(rp_stream *stream);
/* The write is done when what is in output now has left. */
void rp__stream_write_mark(rp_stream *stream, rp_write *write);
void rp__stream_pump_later(rp_stream *stream);
/* The engine is in doubt: puts the question, and goes on with the answer. */
void rp__stream_ask(rp_stream *stream);
/* Where the loop keeps sessions; NULL: no memory. */
rp_sessions *rp__stream_sessions(rp_loop *loop);
/* The engine needs a signature: has it made, and goes on with it. */
void rp__stream_sign(rp_stream *stream);
/* It is over before it was open, or goes on with another address. */
void rp__stream_open_failed(rp_stream *stream, const rp_error *error);
void rp__stream_no_memory(rp_stream *stream, rp_phase phase); /* the same, for lack of that */
void rp__stream_opened(rp_stream *stream);
bool rp__stream_engine_make(rp_stream *stream, rp_error *error);
/* Puts what is ready on its way if nothing is in flight. */
void rp__stream_flush(rp_stream *stream);
/* Before the writes fail: what the engine had to say at its end leaves, now or behind what is in
 * flight. */
void rp__stream_flush_alert(rp_stream *stream);
/* Completes every write with the error, now and from now on. */
void rp__stream_fail_writes(rp_stream *stream, const rp_error *error);
void rp__stream_finish_close(rp_stream *stream);
/* As before the first connection: what a closed socket left is forgotten, queued writes stay. */
void rp__stream_io_reset(rp_stream *stream);
void rp__stream_io_free(rp_stream *stream);

/* ---- what it connects to (stream_dial.c) ---- */

/* By its path, through the options' proxy, or to an address of its name; rp__stream_connected
 * follows, or rp__stream_open_failed. False: no memory. */
bool rp__stream_dial(rp_stream *stream, const rp_stream_options *options);
void rp__stream_dial_stop(rp_stream *stream);
/* Until the handshake's deadline, or as long as silence is borne while there are other addresses:
 * those get their share of the time. */
void rp__stream_watch(rp_stream *stream);
/* The peer sent something, or ended: it is not silent. */
void rp__stream_heard(rp_stream *stream);
/* Its handshake may go on with another address. */
bool rp__stream_has_next(const rp_stream *stream);
/* Its opening has failed so. True: it goes on with another address, for this one is to blame. */
bool rp__stream_try_next(rp_stream *stream, const rp_error *error);

#endif
