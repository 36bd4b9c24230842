/* stream_server.h - streams of servers: of the simulator's (src/sim) and the tests'. Most of it is
 * for misbehaving. */
#ifndef RP_CLIENT_STREAM_SERVER_H
#define RP_CLIENT_STREAM_SERVER_H

#include "client/stream.h"
#include "tls/config.h"

/* A stream on an accepted socket, which it owns from here on (closed if this fails). config: a
 * server's, or NULL for a plain stream. on_open comes after the handshake. */
rp_status rp__stream_accept(rp_stream **stream, rp_loop *loop, rp_socket *socket,
                            rp_tls_config *config, const char *alpn, size_t receive_credit_bytes,
                            const rp_stream_events *events, void *user);

/* An open plain stream becomes a TLS stream; on_open comes once more, after the handshake. What it
 * received so far and did not give out, for want of credit, is the handshake's. */
rp_status rp__stream_begin_tls(rp_stream *stream, rp_tls_config *config, const char *alpn);

/* Like rp_stream_write, but around TLS, and copied. No rp_write may be queued. */
rp_status rp__stream_write_raw(rp_stream *stream, rp_write *write, const void *data, size_t size,
                               rp_write_fn *fn, void *user);

/* The half-close without close_notify, after what is in output; also before the stream is open. No
 * rp_write may be queued; none may follow. */
void rp__stream_truncate(rp_stream *stream, rp_write *write, rp_write_fn *fn, void *user);

/* Nothing is sent any more, whatever is written; input goes on. */
void rp__stream_mute(rp_stream *stream);

/* Where in rp__stream_sent's count what is written next will begin. */
uint64_t rp__stream_output_end(const rp_stream *stream);

/* rp_stream_close was called. */
bool rp__stream_is_closing(const rp_stream *stream);

/* Closes without close_notify; reset: the peer learns of it by a reset. */
void rp__stream_drop(rp_stream *stream, bool reset);

#endif
