/* stream.h - streams inside ringport: what stands above them uses beside <ringport/stream.h>.
 *
 * A server's calls are in stream_server.h; a stream's members, which are its own, in
 * stream_inside.h. */
#ifndef RP_CLIENT_STREAM_H
#define RP_CLIENT_STREAM_H

#include "loop/loop.h"
#include "tls/sessions.h"
#include <ringport/stream.h>

/* A stream in the background does not keep rp_loop_run going: an idle pooled connection. */
void rp__stream_set_background(rp_stream *stream, bool background);

/* Puts data into the output at once, without a completion: for what the caller need not follow.
 * Only on an open stream on which no rp_write is queued, and for little data (RP_OUTPUT_LIMIT is
 * not kept). It leaves with the turn's one send. If that fails, on_end tells. */
rp_status rp__stream_put(rp_stream *stream, const void *data, size_t size, rp_error *error);

/* Has fill called from the pump, once, when what it puts and writes leaves at once: nothing is in
 * flight, and all that came in this turn was delivered. So it is the last moment to look whether
 * the stream is still good for it (rp_stream_input). NULL: not any more. */
void rp__stream_want_fill(rp_stream *stream, void (*fill)(rp_stream *stream, void *user));

typedef enum rp_stream_input {
    RP_INPUT_CLEAN,  /* every byte that came was delivered, and the next one would be */
    RP_INPUT_UNSEEN, /* the receive was stopped, and no turn has looked since it was started again:
                      * another fill will know */
    RP_INPUT_UNREAD, /* a byte came that was not delivered: put aside, or part of a record */
    RP_INPUT_ENDED   /* the end came, or the stream can't send */
} rp_stream_input;
rp_stream_input rp__stream_input_get(const rp_stream *stream);

/* Bytes of plaintext, of all puts and writes: that were taken for the network, and of these that
 * were handed to it. */
uint64_t rp__stream_plain_put(const rp_stream *stream);
uint64_t rp__stream_plain_handed(const rp_stream *stream);
/* The network took all that was put and written. */
bool rp__stream_all_sent(const rp_stream *stream);

/* Bytes as they travel that the network took; and of these, that the peer's system has confirmed, 0
 * where nobody can tell. */
uint64_t rp__stream_sent(const rp_stream *stream);
uint64_t rp__stream_confirmed(const rp_stream *stream);
/* Of its connection, or its proxy's. */
rp_tcp_numbers rp__stream_numbers(const rp_stream *stream);
/* Its end on this machine; of family 0: nobody tells. */
rp_address rp__stream_local(const rp_stream *stream);

/* An open stream has no use for its timer: it is the owner's until the close. It does not keep
 * rp_loop_run going. */
void rp__stream_timer_start(rp_stream *stream, uint64_t delay_ms, rp_timer_fn *fn, void *user);

/* An open stream, without writes and fill, gets another owner, who is told of all from here on. Its
 * timer is stopped. */
void rp__stream_give(rp_stream *stream, const rp_stream_events *events, void *user);
/* To its owner, unless it is closed: bytes that came before it was the owner. They were charged
 * against the credit already. */
void rp__stream_hand(rp_stream *stream, const uint8_t *data, size_t size);

/* So many answers are to come on an open stream: see port.h, 14. Until the close, which forgets
 * them. */
void rp__stream_await(rp_stream *stream, uint32_t answers);

/* Changes the receive credit: limited to credit bytes from now on, or not limited. */
void rp__stream_set_credit(rp_stream *stream, bool limited, size_t credit);

/* The loop's streams keep their sessions in this store, which is shared by several loops, from now
 * on: unless it has some of its own already. */
void rp__loop_share_sessions(rp_loop *loop, rp_sessions *sessions);

/* Who the peer is, for messages: "host (address:port)"; NULL before it is connected. */
const char *rp__stream_peer(const rp_stream *stream);

/* Loop times; 0: not reached. */
typedef struct rp_stream_times {
    uint64_t started_ns, resolved_ns, connected_ns, opened_ns;
    uint64_t tunnelled_ns; /* the proxy's tunnel stood; the two before are of the proxy then */
} rp_stream_times;
const rp_stream_times *rp__stream_times_get(const rp_stream *stream);

/* When the network last took or brought anything, through a proxy or not. */
uint64_t rp__stream_moved_ns(const rp_stream *stream);
/* When it last brought anything, if only a part of a record. */
uint64_t rp__stream_heard_ns(const rp_stream *stream);

#endif
