/* stream_server.c - accepted streams, and what only a server that misbehaves does to one. */
#include "client/stream_server.h"

#include "base/assert.h"
#include "client/stream_inside.h"

static void ignore_open(rp_stream *stream, const rp_error *error, void *user)
{
    (void)stream;
    (void)error;
    (void)user;
}

static const rp_stream_events no_events = {.on_open = ignore_open};

static void dropped(rp_socket *socket)
{
    (void)socket;
}

static const rp_socket_handler dropping = {.closed = dropped};

rp_status rp__stream_accept(rp_stream **out, rp_loop *loop, rp_socket *socket,
                            rp_tls_config *config, const char *alpn, size_t receive_credit_bytes,
                            const rp_stream_events *events, void *user)
{
    *out = NULL;
    rp_stream *stream = rp__stream_new(loop, events, user);
    if (stream == NULL) {
        socket->handler = &dropping;
        rp__socket_ops(socket)->close(socket);
        return RP_E_NO_MEMORY;
    }
    socket->handler = &rp__stream_socket_handler;
    socket->user = stream;
    stream->socket = socket;
    stream->server = true;
    stream->has_credit_limit = receive_credit_bytes > 0;
    stream->credit = receive_credit_bytes;
    stream->opening->handshake_timeout_ms = RP_NEVER_MS;
    if (config != NULL)
        stream->config = rp_tls_config_retain(config);
    if (!rp__stream_copy(stream, &stream->opening->host, "the client") ||
        !rp__stream_copy(stream, &stream->peer_text, "the client") ||
        !rp__stream_copy(stream, &stream->opening->alpn, alpn)) {
        stream->events = &no_events; /* the caller never learns of this stream */
        rp_stream_close(stream);
        return RP_E_NO_MEMORY;
    }
    rp__stream_connected(stream);
    *out = stream;
    return RP_OK;
}

rp_status rp__stream_begin_tls(rp_stream *stream, rp_tls_config *config, const char *alpn)
{
    RP_ASSERT(!stream->closing);
    RP_ASSERT(stream->state == RP_STREAM_PLAIN);
    if (!rp__stream_copy(stream, &stream->opening->alpn, alpn))
        return RP_E_NO_MEMORY;
    stream->config = rp_tls_config_retain(config);
    stream->state = RP_STREAM_HANDSHAKE;
    stream->handshake_due = true;
    rp__stream_pump_later(stream);
    return RP_OK;
}

rp_status rp__stream_write_raw(rp_stream *stream, rp_write *write, const void *data, size_t size,
                               rp_write_fn *fn, void *user)
{
    RP_ASSERT(!stream->closing);
    RP_ASSERT(stream->queued == NULL);
    if (!rp__chain_append(&stream->output, data, size))
        return RP_E_NO_MEMORY;
    *write = (rp_write){.fn = fn, .user = user};
    rp__stream_write_mark(stream, write);
    rp__stream_pump_later(stream);
    return RP_OK;
}

void rp__stream_truncate(rp_stream *stream, rp_write *write, rp_write_fn *fn, void *user)
{
    RP_ASSERT(!stream->closing);
    RP_ASSERT(stream->queued == NULL);
    *write = (rp_write){.fn = fn, .user = user, .private_shutdown = true};
    stream->shutdown_asked = true;
    rp__stream_write_mark(stream, write);
    rp__stream_pump_later(stream);
}

void rp__stream_mute(rp_stream *stream)
{
    stream->write_failed = true;
}

bool rp__stream_is_closing(const rp_stream *stream)
{
    return stream->closing;
}

uint64_t rp__stream_output_end(const rp_stream *stream)
{
    return stream->sent_total + stream->output.size;
}

void rp__stream_drop(rp_stream *stream, bool reset)
{
    if (stream->closing)
        return;
    stream->shutdown_asked = true; /* no close_notify */
    if (reset && stream->socket != NULL)
        rp__socket_ops(stream->socket)->reset_on_close(stream->socket);
    rp_stream_close(stream);
}
