/* stream_dial.c - what a stream connects to: an address of its name, or a proxy; and the name's
 * other addresses, when a handshake gets nowhere with the first. */
#include "client/stream_inside.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define SILENCE_MS 2000 /* see stream.h, handshake_timeout_ms */

/* "host (address:port)", "host (through proxy's host (address:port))" */
static bool peer_text_make(rp_stream *stream)
{
    char address[RP_ADDRESS_TEXT_SIZE];
    char text[2 * RP_STREAM_HOST_LIMIT + RP_ADDRESS_TEXT_SIZE + 32];
    const char *proxy = NULL;
    rp__free(&stream->loop->memory, stream->peer_text);
    if (stream->tunnel != NULL)
        proxy = rp__stream_peer(rp__tunnel_stream(stream->tunnel));
    (void)rp__address_text(&stream->address, true, address);
    int size = snprintf(text, sizeof(text), proxy != NULL ? "%s (through %s)" : "%s (%s)",
                        stream->opening->host, proxy != NULL ? proxy : address);
    stream->peer_text = rp__copy_text(&stream->loop->memory, text, (size_t)size);
    return stream->peer_text != NULL;
}

static const char *dial_host(const rp_opening *opening)
{
    return opening->dial_host != NULL ? opening->dial_host : opening->host;
}

static void rest_forget(rp_stream *stream)
{
    rp__free(&stream->loop->memory, stream->opening->rest);
    stream->opening->rest = NULL;
    stream->opening->rest_count = 0;
}

void rp__stream_dial_stop(rp_stream *stream)
{
    rp_opening *opening = stream->opening;
    if (opening->dial != NULL)
        rp__dial_cancel(opening->dial);
    opening->dial = NULL;
}

/* ---- the next address ---- */

/* Another address of the name may do better: the peer vanished, or never spoke. What it said with
 * an alert, and what we think of its certificates, is said of the service. */
static bool is_about_address(const rp_error *error)
{
    return error->status == RP_E_RESET || error->status == RP_E_IO_FAILED ||
           error->status == RP_E_TLS_CLOSED || error->status == RP_E_HANDSHAKE_TIMEOUT;
}

/* For the case that no other address takes the connection: this one came further than they. */
static void keep_failure(rp_stream *stream, const rp_error *error)
{
    rp_opening *opening = stream->opening;
    if (opening->left_failure != NULL)
        return;
    rp_error *kept = opening->left_failure = rp__allocate(&stream->loop->memory, sizeof(*error));
    if (kept == NULL)
        return;
    *kept = *error;
    (void)rp__error_set(kept, error->status, error->phase,
                        "%s; no other address took the connection", error->text);
    kept->os_code = error->os_code;
    kept->tls_code = error->tls_code;
}

/* What is told when a dial failed. What this process lacks or forbids is the news, also behind a
 * reset. */
static const rp_error *telling_of(const rp_stream *stream, const rp_error *dialled)
{
    if (rp__dial_lacks(dialled->status) || dialled->status == RP_E_ADDRESS_REFUSED ||
        dialled->status == RP_E_CANCELLED)
        return dialled;
    const rp_error *left = stream->opening->left_failure;
    return left != NULL ? left : dialled;
}

bool rp__stream_has_next(const rp_stream *stream)
{
    return !stream->closing && stream->state == RP_STREAM_HANDSHAKE &&
           stream->opening->rest_count > 0;
}

static uint64_t ms_left(const rp_stream *stream)
{
    uint64_t now_ns = rp__loop_now_ns(stream->loop);
    uint64_t until_ns = stream->opening->handshake_until_ns;
    return until_ns != 0 ? rp__time_left_ms(now_ns, until_ns) : RP_NEVER_MS;
}

static bool dial_begin(rp_stream *stream, uint64_t resolve_timeout_ms, uint64_t connect_timeout_ms);

/* Only what is left of the handshake's time. False: no memory. */
static bool dial_rest(rp_stream *stream)
{
    uint64_t left_ms = ms_left(stream);
    if (left_ms == RP_NEVER_MS)
        left_ms = stream->opening->connect_timeout_ms;
    return dial_begin(stream, RP_NEVER_MS, left_ms);
}

/* The last address' port has given back what it was lent: nothing of its connection is left. */
static void go_elsewhere(rp_stream *stream)
{
    rp__stream_io_reset(stream);
    rp__engine_destroy(stream->engine);
    stream->engine = NULL;
    if (stream->socket != NULL) {
        rp__stream_connected(stream);
        return;
    }
    rp__free(&stream->loop->memory, stream->peer_text);
    stream->peer_text = NULL;
    bool going = dial_rest(stream);
    rest_forget(stream);
    if (!going)
        rp__stream_no_memory(stream, RP_PHASE_CONNECT);
}

static void leaving_received(rp_socket *socket, rp_slice bytes, rp_io_result result, bool final)
{
    (void)socket;
    (void)bytes;
    (void)result;
    (void) final;
}

static void leaving_sent(rp_socket *socket, rp_io_result result)
{
    (void)socket;
    (void)result;
}

static void leaving_closed(rp_socket *socket)
{
    rp_stream *stream = socket->user;
    stream->opening->leaving = NULL;
    if (stream->closing)
        rp__stream_pump_later(stream);
    else if (stream->state == RP_STREAM_DIALLING)
        go_elsewhere(stream);
}

static const rp_socket_handler leaving_handler = {
    .received = leaving_received, .sent = leaving_sent, .closed = leaving_closed};

/* The handshake gets nowhere here: on with the other addresses, once the port has given back what
 * it was lent. Nothing of the user's has left: that waits for the end of the handshake. */
static void leave_address(rp_stream *stream)
{
    rp_timer_stop(stream->loop, &stream->timer);
    stream->state = RP_STREAM_DIALLING;
    stream->handshake_due = false;
    stream->receiving = stream->receive_stopping = false;
    stream->in_flight = 0;
    rp_socket *leaving = stream->opening->leaving = stream->socket;
    stream->socket = NULL;
    leaving->handler = &leaving_handler;
    rp__socket_ops(leaving)->close(leaving);
}

bool rp__stream_try_next(rp_stream *stream, const rp_error *error)
{
    if (!is_about_address(error))
        return false;
    if (stream->opening->choice && stream->socket != NULL && stream->state != RP_STREAM_ASKING)
        rp__address_note(stream->loop, stream->opening->resolver, &stream->address, false);
    if (error->status == RP_E_HANDSHAKE_TIMEOUT || !rp__stream_has_next(stream))
        return false;
    keep_failure(stream, error);
    leave_address(stream);
    return true;
}

/* ---- a silent peer ---- */

static void handshake_timed_out(rp_stream *stream)
{
    const rp_opening *opening = stream->opening;
    rp_error error;
    (void)rp__error_set(&error, RP_E_HANDSHAKE_TIMEOUT, RP_PHASE_HANDSHAKE,
                        "the TLS handshake with %s was not done within %llu ms%s",
                        stream->peer_text != NULL ? stream->peer_text : opening->host,
                        (unsigned long long)opening->handshake_timeout_ms,
                        opening->signing != NULL ? ": on_sign's answer did not come" : "");
    rp__stream_open_failed(stream, &error);
}

static bool may_ask_others(const rp_stream *stream)
{
    return stream->opening->rest_count > 0 && stream->opening->dial == NULL;
}

/* The peer is silent. It may be slow only, and no other may be better: it is left when another one
 * has taken the connection, and not if it speaks before that. Without memory for others it must do.
 */
static void ask_others(rp_stream *stream)
{
    if (!dial_rest(stream))
        rest_forget(stream);
    rp__stream_watch(stream);
}

static void handshake_watched(rp_timer *timer, void *user)
{
    rp_stream *stream = user;
    uint64_t left_ms = ms_left(stream);
    (void)timer;
    /* While somebody of ours is asked, the silence is not the peer's. */
    if (left_ms > 0 && (stream->heard_ns > 0 || stream->state == RP_STREAM_ASKING)) {
        rp__stream_watch(stream);
        return;
    }
    if (left_ms > 0 && may_ask_others(stream))
        ask_others(stream);
    else
        handshake_timed_out(stream);
}

void rp__stream_watch(rp_stream *stream)
{
    uint64_t wait_ms = ms_left(stream);
    bool others = may_ask_others(stream);
    stream->heard_ns = 0;
    if (others && wait_ms != RP_NEVER_MS)
        wait_ms = wait_ms / (stream->opening->rest_count + 1) + 1;
    if (others && wait_ms > SILENCE_MS)
        wait_ms = SILENCE_MS;
    if (wait_ms != RP_NEVER_MS)
        rp_timer_start(stream->loop, &stream->timer, wait_ms, handshake_watched, stream);
}

void rp__stream_heard(rp_stream *stream)
{
    stream->heard_ns = rp__loop_now_ns(stream->loop);
    if (stream->opening == NULL || stream->opening->dial == NULL)
        return;
    rp__stream_dial_stop(stream);
    rp__stream_watch(stream);
}

/* ---- dialling ---- */

/* What the handshake may be tried with if it gets nowhere here. */
static bool rest_keep(rp_stream *stream, const rp_dial_result *result)
{
    size_t size = result->rest_count * sizeof(*result->rest);
    rp_opening *opening = stream->opening;
    opening->choice = opening->choice || size > 0;
    if (stream->config == NULL || size == 0)
        return true;
    opening->rest = rp__allocate(&stream->loop->memory, size);
    if (opening->rest == NULL)
        return false;
    memcpy(opening->rest, result->rest, size);
    opening->rest_count = result->rest_count;
    return true;
}

static void dial_failed(rp_stream *stream, const rp_dial_result *result)
{
    stream->address = result->address;
    /* Once there was a connection, the time is the handshake's. */
    if (stream->opening->handshake_until_ns > 0 && result->error->status == RP_E_CONNECT_TIMEOUT)
        handshake_timed_out(stream);
    else
        rp__stream_open_failed(stream, telling_of(stream, result->error));
}

/* Another address has taken the connection, while the one that we have was silent. */
static void leave_silent(rp_stream *stream)
{
    rp__address_note(stream->loop, stream->opening->resolver, &stream->address, false);
    rest_forget(stream);
    leave_address(stream);
}

static void dialled(void *user, const rp_dial_result *result)
{
    rp_stream *stream = user;
    stream->opening->dial = NULL;
    if (stream->times.resolved_ns == 0)
        stream->times.resolved_ns = result->resolved_ns;
    stream->stale_name = stream->stale_name || result->stale;
    if (result->error != NULL && stream->socket != NULL) {
        rest_forget(stream); /* there is only the silent one */
        rp__stream_watch(stream);
        return;
    }
    if (result->error != NULL) {
        dial_failed(stream, result);
        return;
    }
    if (stream->socket != NULL)
        leave_silent(stream);
    stream->address = result->address;
    stream->socket = result->socket;
    /* From here on the socket's callbacks come to us, whatever else fails. */
    stream->socket->handler = &rp__stream_socket_handler;
    stream->socket->user = stream;
    rp__socket_ops(stream->socket)->keepalive(stream->socket, &stream->opening->keepalive);
    if (!peer_text_make(stream) || !rest_keep(stream, result))
        rp__stream_no_memory(stream, RP_PHASE_CONNECT);
    else if (stream->opening->leaving == NULL)
        rp__stream_connected(stream);
}

static bool dial_begin(rp_stream *stream, uint64_t resolve_timeout_ms, uint64_t connect_timeout_ms)
{
    rp_opening *opening = stream->opening;
    rp_dial_options dial = {
        .host = dial_host(opening),
        .port = opening->dial_port,
        .resolver = opening->resolver,
        .addresses = opening->rest,
        .count = opening->rest_count,
        .resolve_timeout_ms = resolve_timeout_ms,
        .connect_timeout_ms = connect_timeout_ms,
        .rules = opening->rules,
        .families = opening->families,
        .local = stream->local,
        .speaks_first = stream->config != NULL,
    };
    rp_address unix_address = {.family = RP_FAMILY_UNIX, .path = stream->path};
    if (stream->path != NULL) {
        dial.addresses = &unix_address;
        dial.count = 1;
    }
    opening->dial = rp__dial_start(stream->loop, &dial, dialled, stream);
    return opening->dial != NULL;
}

/* ---- through a proxy ---- */

static void tunnelled(void *user, const rp_tunnel_result *result)
{
    rp_stream *stream = user;
    stream->address = result->proxy->address;
    stream->stale_name = result->proxy->stale_name;
    stream->times.resolved_ns = result->proxy->times.resolved_ns;
    stream->times.connected_ns = result->proxy->times.connected_ns;
    stream->proxy_status = (uint16_t)result->status;
    bool kept = rp__stream_copy(stream, &stream->proxy_heads, result->heads);
    if (result->error != NULL) {
        stream->tunnel = NULL;
        if (kept)
            rp__stream_open_failed(stream, result->error);
        else
            rp__stream_no_memory(stream, RP_PHASE_PROXY);
        return;
    }
    stream->times.tunnelled_ns = rp__loop_now_ns(stream->loop);
    stream->socket = result->socket;
    stream->socket->handler = &rp__stream_socket_handler;
    stream->socket->user = stream;
    if (!kept || !peer_text_make(stream))
        rp__stream_no_memory(stream, RP_PHASE_CONNECT);
    else
        rp__stream_connected(stream);
}

static bool tunnel_begin(rp_stream *stream, const rp_stream_options *options, const rp_hop *hop)
{
    const rp_opening *opening = stream->opening;
    rp_tunnel_options through = {
        .proxy = options->proxy,
        .hop = hop,
        .host = dial_host(opening),
        .port = opening->dial_port,
        .resolver = opening->resolver,
        .resolve_timeout_ms = options->resolve_timeout_ms,
        .connect_timeout_ms = options->connect_timeout_ms,
        .handshake_timeout_ms = opening->handshake_timeout_ms,
        .keepalive = opening->keepalive,
        .rules = opening->rules,
        .families = opening->families,
        .local = options->local,
    };
    stream->tunnel = rp__tunnel_open(stream->loop, &through, tunnelled, stream);
    return stream->tunnel != NULL;
}

/* ---- either ---- */

bool rp__stream_dial(rp_stream *stream, const rp_stream_options *options)
{
    const rp_hop *hop = NULL;
    if (options->proxy != NULL && stream->path == NULL)
        hop = rp__proxy_hop(options->proxy, stream->opening->host, options->tls != NULL);
    if (hop != NULL)
        return tunnel_begin(stream, options, hop);
    uint64_t resolve_ms = options->resolve_timeout_ms;
    return dial_begin(stream, resolve_ms > 0 ? resolve_ms : RP_STREAM_TIMEOUT_MS,
                      stream->opening->connect_timeout_ms);
}
