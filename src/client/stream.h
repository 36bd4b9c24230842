/* stream.h - streams inside ringport: what the HTTP client and the tests' servers use beside
 * <ringport/stream.h>, and the structure that stream.c and stream_io.c share. */
#ifndef RP_CLIENT_STREAM_H
#define RP_CLIENT_STREAM_H

#include "loop/loop.h"
#include "net/dial.h"
#include "tls/engine.h"
#include <ringport/stream.h>

/* Ciphertext that may wait for the network on one stream; more plaintext is encrypted when it
 * went. */
#define RP_OUTPUT_LIMIT ((size_t)64 * 1024)
#define RP_SEND_SLICES 4

typedef enum rp_stream_state {
    RP_STREAM_DIALLING,
    RP_STREAM_HANDSHAKE,
    RP_STREAM_DOUBT, /* in the handshake: the judge is asked, and nothing goes in or out */
    RP_STREAM_OPEN,
    RP_STREAM_FAILED /* to open: waits to be closed */
} rp_stream_state;

struct rp_stream {
    rp_loop *loop;
    const rp_stream_events *events;
    void *user;
    rp_resolver *resolver; /* NULL: the loop's own */
    rp_dial *dial;
    rp_socket *socket;
    rp_socket *leaving; /* the last address', being closed before the next one is dialled */
    rp_address *rest;   /* addresses that may be tried when the handshake gets nowhere */
    size_t rest_count;
    rp_engine *engine;     /* NULL: plain */
    rp_question *question; /* asked, and its answer has not come to us */
    rp_tls_config *config;
    char *host, *server_name, *alpn, *session_key, *peer_text;
    rp_stream_state state;

    /* Sending. Plaintext waits in the users' writes; output is what is ready for the network; of it
     * the first in_flight bytes are being sent. */
    rp_chain output;
    size_t in_flight;
    uint64_t sent_total;
    uint64_t plain_total;                        /* plaintext put into output */
    uint64_t plain_handed;                       /* of that, what the port was given */
    void (*fill)(rp_stream *stream, void *user); /* wanted by the owner; NULL: nothing is */
    rp_chunk *slice_chunk; /* holds the slices of a send that has more than RP_SEND_SLICES */
    rp_slice slices[RP_SEND_SLICES];
    rp_write *queued, *queued_last;       /* not yet wholly in output */
    rp_write *encrypted, *encrypted_last; /* in output, waiting for the network */
    size_t queued_done;                   /* bytes of the first queued write already in output */

    /* Receiving. */
    uint8_t *stash; /* input that came while there was no credit */
    size_t stash_begin, stash_size, stash_capacity;
    size_t credit;
    uint64_t receive_turn; /* the turn in which the receive was started last */

    rp_deferred pump; /* runs everything that is due: encrypt, send, deliver */
    rp_timer timer;   /* handshake deadline; once open the owner's: rp_stream_timer_start */
    rp_loop_hook hook;
    uint64_t connect_timeout_ms, handshake_timeout_ms;
    rp_keepalive keepalive;
    uint64_t started_ns, resolved_ns, connected_ns, opened_ns;
    uint64_t handshake_until_ns; /* for all addresses; 0: no limit, or none is connected yet */
    uint64_t moved_ns;           /* when the network last took or brought anything */
    rp_address address;
    uint16_t port;

    bool filling;    /* in the pump's call of fill */
    bool stale_name; /* see resolver.h */
    bool choice;     /* the name has more addresses than this one */
    bool heard;      /* the peer sent something since its silence was last looked at */
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
    rp_error *write_failure;   /* why write_failed; NULL: no memory even for that */
    rp_io_result input_result; /* how the input ended */
};

/* A stream on an accepted socket, which it owns from here on (closed if this fails). config: a
 * server's, or NULL for a plain stream. on_open comes after the handshake. */
rp_status rp_stream_accept(rp_stream **stream, rp_loop *loop, rp_socket *socket,
                           rp_tls_config *config, const char *alpn, size_t receive_credit_bytes,
                           const rp_stream_events *events, void *user);

/* A stream in the background does not keep rp_loop_run going: an idle pooled connection. */
void rp_stream_set_background(rp_stream *stream, bool background);

/* Puts data into the output at once, without a completion: for what the caller need not follow.
 * Only on an open stream on which no rp_write is queued, and for little data (RP_OUTPUT_LIMIT is
 * not kept). It leaves with the turn's one send. If that fails, on_end tells. */
rp_status rp_stream_put(rp_stream *stream, const void *data, size_t size, rp_error *error);

/* Has fill called from the pump, once, when what it puts and writes leaves at once: nothing is in
 * flight, and all that came in this turn was delivered. So it is the last moment to look whether
 * the stream is still good for it (rp_stream_input). NULL: not any more. */
void rp_stream_want_fill(rp_stream *stream, void (*fill)(rp_stream *stream, void *user));

typedef enum rp_stream_input {
    RP_INPUT_CLEAN,  /* every byte that came was delivered, and the next one would be */
    RP_INPUT_UNSEEN, /* the receive was stopped, and no turn has looked since it was started again:
                      * another fill will know */
    RP_INPUT_UNREAD, /* a byte came that was not delivered: put aside, or part of a record */
    RP_INPUT_ENDED   /* the end came, or the stream can't send */
} rp_stream_input;
rp_stream_input rp_stream_input_get(const rp_stream *stream);

/* Bytes of plaintext, of all puts and writes, that were handed to the network. */
uint64_t rp_stream_plain_handed(const rp_stream *stream);

/* The bytes, of sent_total, that the peer's system has confirmed; 0 where nobody can tell. */
uint64_t rp_stream_confirmed(const rp_stream *stream);

/* An open stream has no use for its timer: it is the owner's until the close. It does not keep
 * rp_loop_run going. */
void rp_stream_timer_start(rp_stream *stream, uint64_t delay_ms, rp_timer_fn *fn, void *user);

/* ---- for servers that misbehave (src/sim) ---- */

/* An open plain stream becomes a TLS stream; on_open comes once more, after the handshake. What it
 * received so far and did not give out, for want of credit, is the handshake's. */
rp_status rp_stream_begin_tls(rp_stream *stream, rp_tls_config *config, const char *alpn);

/* Like rp_stream_write, but around TLS, and copied. No rp_write may be queued. */
rp_status rp_stream_write_raw(rp_stream *stream, rp_write *write, const void *data, size_t size,
                              rp_write_fn *fn, void *user);

/* The half-close without close_notify, after what is in output; also before the stream is open. No
 * rp_write may be queued; none may follow. */
void rp_stream_truncate(rp_stream *stream, rp_write *write, rp_write_fn *fn, void *user);

/* Nothing is sent any more, whatever is written; input goes on. */
void rp_stream_mute(rp_stream *stream);

/* ---- for both ---- */

/* Changes the receive credit: limited to credit bytes from now on, or not limited. */
void rp_stream_set_credit(rp_stream *stream, bool limited, size_t credit);

/* ---- between stream.c and stream_io.c ---- */

extern const rp_socket_handler rp_stream_socket_handler;

void rp_stream_pump_later(rp_stream *stream);
/* The engine is in doubt: puts the question, and goes on with the answer. */
void rp_stream_ask(rp_stream *stream);
/* It is over before it was open. */
void rp_stream_open_failed(rp_stream *stream, const rp_error *error);
void rp_stream_opened(rp_stream *stream);
/* Its handshake may go on with another address. */
bool rp_stream_has_next(const rp_stream *stream);
bool rp_stream_engine_make(rp_stream *stream, rp_error *error);
/* Puts what is ready on its way if nothing is in flight. */
void rp_stream_flush(rp_stream *stream);
/* Before the writes fail: what the engine had to say at its end leaves, now or behind what is in
 * flight. */
void rp_stream_flush_alert(rp_stream *stream);
/* Completes every write with the error, now and from now on. */
void rp_stream_fail_writes(rp_stream *stream, const rp_error *error);
void rp_stream_finish_close(rp_stream *stream);
/* As before the first connection: what a closed socket left is forgotten, queued writes stay. */
void rp_stream_io_reset(rp_stream *stream);
void rp_stream_io_free(rp_stream *stream);

#endif
