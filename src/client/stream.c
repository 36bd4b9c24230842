/* stream.c - the life of a stream: opening, handshake, closing. What it connects to is found in
 * stream_dial.c, and the data path is in stream_io.c.
 *
 * The one place where a socket and a TLS engine meet. Everything that is due runs from one deferred
 * call, the pump, at the end of the loop's turn: so that all that a turn's callbacks wrote leaves
 * in one send (a handshake's last flight and the first request, say), and so that no callback runs
 * inside the caller's own call. */
#include "client/stream_inside.h"

#include "base/assert.h"
#include "base/error.h"
#include "client/route.h"

#include <stdio.h>
#include <string.h>

/* As long as most load balancers and firewalls remember a silent connection, or less. */
#define KEEPALIVE_IDLE_MS 60000
#define KEEPALIVE_UNCONFIRMED_MS 120000

static uint64_t default_ms(uint64_t value, uint64_t otherwise)
{
    return value == 0 ? otherwise : value;
}

/* ---- memory ---- */

static void opening_free(rp_stream *stream)
{
    rp_memory *memory = &stream->loop->memory;
    rp_opening *opening = stream->opening;
    if (opening == NULL)
        return;
    RP_ASSERT(opening->dial == NULL && opening->leaving == NULL);
    RP_ASSERT(opening->question == NULL && opening->signing == NULL);
    rp_resolver_release(opening->resolver);
    rp__free(memory, opening->rest);
    rp__free(memory, opening->left_failure);
    rp__free(memory, opening->host);
    rp__free(memory, opening->alpn);
    rp__free(memory, opening->server_name);
    rp__free(memory, opening->dial_host);
    rp__free(memory, opening);
    stream->opening = NULL;
}

static void stream_free(rp_stream *stream)
{
    rp_memory *memory = &stream->loop->memory;
    rp__list_remove(&stream->hook.link);
    rp__loop_undefer(&stream->pump);
    rp_timer_stop(stream->loop, &stream->timer);
    rp__engine_destroy(stream->engine);
    rp__stream_io_free(stream);
    rp_tls_config_release(stream->config);
    opening_free(stream);
    rp__free(memory, stream->write_failure);
    rp__free(memory, stream->path);
    rp__free(memory, stream->session_key);
    rp__free(memory, stream->peer_text);
    rp__free_secret_text(memory, stream->proxy_heads);
    rp__free(memory, stream->local);
    if (!stream->background)
        rp__loop_unhold(stream->loop);
    rp__free(memory, stream);
}

static void loop_destroyed(rp_loop_hook *hook)
{
    rp_stream *stream = RP_CONTAINER(hook, rp_stream, hook);
    rp_stream_close(stream);
}

rp_stream *rp__stream_new(rp_loop *loop, const rp_stream_events *events, void *user)
{
    rp_stream *stream = rp__allocate(&loop->memory, sizeof(*stream));
    if (stream == NULL)
        return NULL;
    stream->opening = rp__allocate(&loop->memory, sizeof(*stream->opening));
    if (stream->opening == NULL) {
        rp__free(&loop->memory, stream);
        return NULL;
    }
    stream->loop = loop;
    stream->events = events;
    stream->user = user;
    rp__chain_init(&stream->output, &loop->chunks);
    rp__list_init(&stream->pump.link);
    rp__loop_hook_add(loop, &stream->hook, loop_destroyed);
    rp__loop_hold(loop);
    stream->times.started_ns = rp__loop_now_ns(loop);
    return stream;
}

bool rp__stream_copy(rp_stream *stream, char **target, const char *text)
{
    if (text == NULL)
        return true;
    *target = rp__copy_text(&stream->loop->memory, text, strlen(text));
    return *target != NULL;
}

/* ---- the judge ---- */

/* What was answered meanwhile has its post on its way; the stream waits for it. */
static void drop_asked(rp_stream *stream)
{
    rp_opening *opening = stream->opening;
    if (opening->question != NULL && rp__judge_drop(stream->config->judge, opening->question))
        opening->question = NULL;
    if (opening->signing != NULL && rp__signing_drop(stream->config->signer, opening->signing))
        opening->signing = NULL;
}

static void go_on(rp_stream *stream)
{
    stream->state = RP_STREAM_HANDSHAKE;
    stream->handshake_due = true;
    stream->heard_ns = rp__loop_now_ns(stream->loop); /* its silence begins here */
}

static void judged(rp_post *post, void *user)
{
    rp_stream *stream = user;
    rp_question *question = RP_CONTAINER(post, rp_question, post);
    rp_error refusal = question->refusal;
    bool trusted = question->trusted;
    rp__question_free(stream->config->judge, question);
    stream->opening->question = NULL;
    rp__stream_pump_later(stream);
    if (stream->closing || stream->state != RP_STREAM_ASKING)
        return;
    if (!trusted) {
        rp__stream_open_failed(stream, &refusal);
        return;
    }
    rp__engine_trust(stream->engine);
    go_on(stream);
}

/* On a thread of the judge's. */
static void answered(rp_question *question, void *user)
{
    rp_stream *stream = user;
    question->post = (rp_post){.fn = judged, .user = stream};
    rp_loop_post(stream->loop, &question->post);
}

void rp__stream_ask(rp_stream *stream)
{
    rp_question *question = rp__engine_question(stream->engine);
    stream->state = RP_STREAM_ASKING;
    stream->opening->question = question;
    if (rp__judge_ask(stream->config->judge, question, answered, stream))
        return;
    rp__question_free(stream->config->judge, question);
    stream->opening->question = NULL;
    rp__stream_no_memory(stream, RP_PHASE_HANDSHAKE);
}

/* ---- the signer ---- */

static void not_signed(rp_stream *stream, bool refused)
{
    rp_error error;
    (void)rp__error_set(&error, RP_E_TLS_SIGNING, RP_PHASE_HANDSHAKE,
                        refused ? "%s asked for a client certificate, and on_sign made no signature"
                                : "%s asked for a client certificate, and on_sign's signature is "
                                  "not by its key",
                        stream->peer_text);
    rp__stream_open_failed(stream, &error);
}

static void signature_came(rp_post *post, void *user)
{
    rp_stream *stream = user;
    rp_signing *signing = RP_CONTAINER(post, rp_signing, post);
    bool refused = signing->refused, wrong = signing->wrong;
    bool wanted = !stream->closing && stream->state == RP_STREAM_ASKING;
    stream->opening->signing = NULL;
    rp__stream_pump_later(stream);
    if (wanted && !refused && !wrong) {
        rp__engine_signed(stream->engine, signing);
        go_on(stream);
        return;
    }
    rp__signing_free(stream->config->signer, signing);
    if (wanted)
        not_signed(stream, refused);
}

/* On any thread. */
static void signed_somewhere(rp_signing *signing, void *user)
{
    rp_stream *stream = user;
    signing->post = (rp_post){.fn = signature_came, .user = stream};
    rp_loop_post(stream->loop, &signing->post);
}

/* The callback may do anything, closing the stream included: nothing is touched behind it. */
void rp__stream_sign(rp_stream *stream)
{
    rp_signing *signing = rp__engine_signing(stream->engine);
    stream->state = RP_STREAM_ASKING;
    stream->opening->signing = signing;
    rp__signer_ask(stream->config->signer, signing, stream->config, stream->peer_text,
                   signed_somewhere, stream);
}

/* ---- the handshake's beginning and end ---- */

void rp__stream_no_memory(rp_stream *stream, rp_phase phase)
{
    rp_error error;
    (void)rp__error_set(&error, RP_E_NO_MEMORY, phase, "no memory for the connection to %s",
                        stream->opening->host);
    rp__stream_open_failed(stream, &error);
}

void rp__stream_open_failed(rp_stream *stream, const rp_error *error)
{
    if (stream->closing || stream->state == RP_STREAM_FAILED)
        return;
    RP_ASSERT(!rp__stream_is_open(stream));
    rp__stream_dial_stop(stream);
    if (rp__stream_try_next(stream, error))
        return;
    rp_timer_stop(stream->loop, &stream->timer);
    drop_asked(stream);
    if (stream->state != RP_STREAM_ASKING) /* what stands in output must not leave then */
        rp__stream_flush_alert(stream);    /* which may tell the peer why */
    stream->state = RP_STREAM_FAILED;
    rp__stream_fail_writes(stream, error);
    stream->events->on_open(stream, error, stream->user); /* also if a write's callback closed us */
}

void rp__stream_opened(rp_stream *stream)
{
    rp_timer_stop(stream->loop, &stream->timer);
    rp__stream_dial_stop(stream);
    stream->state = stream->state == RP_STREAM_CONNECTED ? RP_STREAM_PLAIN : RP_STREAM_OPEN;
    stream->times.opened_ns = rp__loop_now_ns(stream->loop);
    if (stream->opening->choice)
        rp__address_note(stream->loop, stream->opening->resolver, &stream->address, true);
    if (stream->queued != NULL)
        rp__stream_pump_later(stream); /* they waited for this */
    if (!stream->server)
        opening_free(stream);
    stream->events->on_open(stream, NULL, stream->user);
}

static const char *server_name(const rp_opening *opening)
{
    return opening->server_name != NULL ? opening->server_name : opening->host;
}

bool rp__stream_engine_make(rp_stream *stream, rp_error *error)
{
    rp_loop *loop = stream->loop;
    const rp_opening *opening = stream->opening;
    rp_engine_options options = {
        .memory = &loop->memory,
        .stats = &loop->stats,
        .config = stream->config,
        .output = &stream->output,
        .server_name = server_name(opening),
        .alpn = opening->alpn,
        .session_key = stream->session_key,
        .sessions = stream->session_key == NULL ? NULL : loop->sessions,
        .peer_text = stream->peer_text,
    };
    stream->output.sealed = true;
    stream->engine = rp__engine_create(&options, error);
    return stream->engine != NULL;
}

void rp__stream_connected(rp_stream *stream)
{
    uint64_t timeout_ms = stream->opening->handshake_timeout_ms;
    if (stream->tunnel == NULL) /* else the one to the proxy was counted */
        stream->loop->stats.connections_opened++;
    if (stream->times.connected_ns == 0)
        stream->times.connected_ns = rp__loop_now_ns(stream->loop);
    stream->state = stream->config != NULL ? RP_STREAM_HANDSHAKE : RP_STREAM_CONNECTED;
    stream->handshake_due = true;
    if (timeout_ms < UINT64_MAX / RP_NS_PER_MS / 2)
        stream->opening->handshake_until_ns =
            stream->times.connected_ns + timeout_ms * RP_NS_PER_MS;
    if (stream->state == RP_STREAM_HANDSHAKE)
        rp__stream_watch(stream);
    stream->receiving = true;
    stream->receive_turn = stream->loop->stats.turns;
    rp__socket_ops(stream->socket)->receive(stream->socket);
    rp__stream_pump_later(stream);
}

/* ---- opening ---- */

/* Sessions are kept per configuration (its trust is what verified them), server name and port, and
 * where the connection goes, in one store of the loop. Without memory for it there is no
 * resumption, and nothing else is lost. */
static void session_key_make(rp_stream *stream)
{
    rp_loop *loop = stream->loop;
    const rp_opening *opening = stream->opening;
    if (!stream->config->resumption)
        return;
    char key[2 * RP_STREAM_HOST_LIMIT + 64];
    int size =
        snprintf(key, sizeof(key), "%llu %s %u %s %s:%u %s", (unsigned long long)stream->config->id,
                 server_name(opening), opening->port, opening->alpn == NULL ? "" : opening->alpn,
                 opening->dial_host == NULL ? "" : opening->dial_host, opening->dial_port,
                 stream->path == NULL ? "" : stream->path);
    if (rp__stream_sessions(loop) != NULL && size < (int)sizeof(key))
        stream->session_key = rp__copy_text(&loop->memory, key, (size_t)size);
}

/* An IPv6 literal loses its brackets: they are the URL's syntax, not the host's name. */
static bool host_make(rp_stream *stream, const char *host)
{
    size_t size = strlen(host);
    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        host++;
        size -= 2;
    }
    rp_opening *opening = stream->opening;
    opening->host = rp__copy_text(&stream->loop->memory, host, size);
    return opening->host != NULL;
}

static bool route_keep(rp_stream *stream, const rp_route *route)
{
    rp_opening *opening = stream->opening;
    const char *host = (const char *)route->host.data;
    opening->dial_port = route->port > 0 ? route->port : opening->port;
    if (!rp__stream_copy(stream, &stream->path, route->path))
        return false;
    if (route->host.size == 0)
        return true;
    opening->dial_host = rp__copy_text(&stream->loop->memory, host, route->host.size);
    return opening->dial_host != NULL;
}

static bool local_make(rp_stream *stream, const rp_local *local)
{
    if (rp__local_is_any(local))
        return true;
    stream->local = rp__allocate(&stream->loop->memory, sizeof(*stream->local));
    if (stream->local == NULL)
        return false;
    rp__local_keep(stream->local, local);
    return true;
}

static bool strings_make(rp_stream *stream, const rp_stream_options *options, const rp_route *route)
{
    if (!host_make(stream, options->host) || !route_keep(stream, route) ||
        !local_make(stream, &options->local))
        return false;
    if (stream->config == NULL)
        return true;
    return rp__stream_copy(stream, &stream->opening->server_name, options->server_name) &&
           rp__stream_copy(stream, &stream->opening->alpn, options->alpn);
}

rp_status rp_stream_open_sized(rp_stream **out, rp_loop *loop, const rp_stream_options *given,
                               size_t given_size, const rp_stream_events *events, void *user)
{
    rp_stream_options known;
    const rp_stream_options *options = &known;
    rp_route route = {.port = 0};
    *out = NULL;
    if (!rp__options_copy(&known, sizeof(known), given, given_size))
        return RP_E_MISUSE;
    if (!rp__loop_is_ours(loop) ||
        (options->resolver != NULL && !rp__resolver_is_ours(options->resolver)))
        return RP_E_MISUSE;
    if (loop->destroying || options->host == NULL || options->host[0] == '\0' || events == NULL ||
        events->on_open == NULL || strlen(options->host) > RP_STREAM_HOST_LIMIT ||
        (options->server_name != NULL && strlen(options->server_name) > RP_STREAM_HOST_LIMIT) ||
        (options->refuse_addresses & ~(uint32_t)RP_ADDRESS_NOT_PUBLIC) != 0 ||
        (unsigned)options->families > RP_FAMILIES_IPV6 ||
        rp__local_check(&options->local, &known.families, NULL) != RP_OK ||
        (options->connect_to != NULL && !rp__route_parse(&route, options->connect_to)))
        return RP_E_MISUSE;
    rp_stream *stream = rp__stream_new(loop, events, user);
    if (stream == NULL)
        return RP_E_NO_MEMORY;
    rp_opening *opening = stream->opening;
    opening->port = options->port;
    if (opening->port == 0)
        opening->port = options->tls != NULL ? 443 : 80;
    if (options->resolver != NULL)
        opening->resolver = rp_resolver_retain(options->resolver);
    if (options->tls != NULL)
        stream->config = rp_tls_config_retain(options->tls);
    opening->connect_timeout_ms = default_ms(options->connect_timeout_ms, RP_STREAM_TIMEOUT_MS);
    opening->handshake_timeout_ms = default_ms(options->handshake_timeout_ms, RP_STREAM_TIMEOUT_MS);
    opening->keepalive.idle_ms = default_ms(options->keepalive_idle_ms, KEEPALIVE_IDLE_MS);
    opening->keepalive.unconfirmed_ms =
        default_ms(options->keepalive_unconfirmed_ms, KEEPALIVE_UNCONFIRMED_MS);
    opening->rules = (rp_dial_rules){.refuse = options->refuse_addresses,
                                     .on_address = options->on_address,
                                     .user = options->on_address_user};
    opening->families = options->families;
    stream->has_credit_limit = options->receive_credit_bytes > 0;
    stream->credit = options->receive_credit_bytes;
    if (!strings_make(stream, options, &route) || !rp__stream_dial(stream, options)) {
        stream_free(stream);
        return RP_E_NO_MEMORY;
    }
    if (stream->config != NULL)
        session_key_make(stream);
    *out = stream;
    return RP_OK;
}

void rp__stream_set_background(rp_stream *stream, bool background)
{
    if (stream->background == background)
        return;
    stream->background = background;
    if (stream->tunnel != NULL)
        rp__tunnel_set_background(stream->tunnel, background);
    if (background)
        rp__loop_unhold(stream->loop);
    else
        rp__loop_hold(stream->loop);
}

void rp__stream_timer_start(rp_stream *stream, uint64_t delay_ms, rp_timer_fn *fn, void *user)
{
    RP_ASSERT(rp__stream_is_open(stream));
    RP_ASSERT(!stream->closing);
    rp__timer_start_internal(stream->loop, &stream->timer, delay_ms, fn, user);
}

void rp__stream_give(rp_stream *stream, const rp_stream_events *events, void *user)
{
    RP_ASSERT(rp__stream_is_open(stream));
    RP_ASSERT(!stream->closing && stream->queued == NULL);
    rp_timer_stop(stream->loop, &stream->timer);
    rp__stream_want_fill(stream, NULL);
    stream->events = events;
    stream->user = user;
}

void rp__stream_hand(rp_stream *stream, const uint8_t *data, size_t size)
{
    if (size > 0 && !stream->closing && stream->events->on_data != NULL)
        stream->events->on_data(stream, data, size, stream->user);
}

/* ---- closing ---- */

/* The last thing that is sent, where the network takes it at once: close_notify says that we end on
 * purpose (RFC 8446, 6.1), also to a peer that has ended its side and still reads ours. */
static void say_goodbye(rp_stream *stream)
{
    rp_error error;
    bool alone = stream->output.size == 0;
    if (stream->state == RP_STREAM_OPEN && !stream->shutdown_asked && !stream->write_failed)
        (void)rp__engine_close_notify(stream->engine, &error);
    stream->socket->last_send = alone;
    rp__stream_flush(stream);
}

void rp_stream_close(rp_stream *stream)
{
    if (stream->closing || !rp__loop_is_ours(stream->loop))
        return;
    rp__stream_set_background(stream, false); /* rp_loop_run waits for the end */
    rp_timer_stop(stream->loop, &stream->timer);
    if (stream->opening != NULL)
        rp__stream_dial_stop(stream);
    if (stream->tunnel != NULL && stream->socket == NULL) {
        rp__tunnel_cancel(stream->tunnel);
        stream->tunnel = NULL;
    }
    bool whole = stream->socket != NULL && stream->queued == NULL;
    if (whole)
        say_goodbye(stream);
    if (stream->opening != NULL)
        drop_asked(stream);
    rp__stream_await(stream, 0);
    stream->closing = true;
    /* A send in flight may have gone out and not have been reported: its end decides. */
    stream->parting = whole && stream->in_flight > 0 && stream->output.size > stream->in_flight &&
                      (!stream->write_failed || stream->alert_due);
    if (stream->parting)
        rp__socket_ops(stream->socket)->cancel(stream->socket, RP_OP_SEND | RP_OP_RECEIVE);
    else if (stream->socket != NULL)
        rp__socket_ops(stream->socket)->close(stream->socket);
    rp__stream_pump_later(stream);
}

/* As far as it is known; of a server's that is not made yet nothing is. */
static const char *told_name(const rp_stream *stream)
{
    if (stream->peer_text != NULL)
        return stream->peer_text;
    return stream->opening->host != NULL ? stream->opening->host : "the peer";
}

static void tell_cancelled(rp_stream *stream, bool was_opening)
{
    rp_error error;
    (void)rp__error_set(&error, RP_E_CANCELLED, RP_PHASE_NONE,
                        "the connection to %s was closed by us", told_name(stream));
    rp__stream_fail_writes(stream, &error);
    if (was_opening && stream->peer_text != NULL)
        error.phase = RP_PHASE_HANDSHAKE;
    else if (was_opening)
        error.phase = RP_PHASE_CONNECT;
    if (was_opening)
        stream->events->on_open(stream, &error, stream->user);
}

/* From the pump, once the socket is closed: nothing of ours is in the port's hands any more. */
void rp__stream_finish_close(rp_stream *stream)
{
    bool was_opening = stream->state < RP_STREAM_OPEN;
    if (was_opening || stream->encrypted != NULL || stream->queued != NULL)
        tell_cancelled(stream, was_opening);
    if (stream->events->on_close != NULL)
        stream->events->on_close(stream, stream->user);
    stream_free(stream);
}

/* ---- what is known ---- */

const char *rp__stream_peer(const rp_stream *stream)
{
    return stream->peer_text;
}

const rp_stream_times *rp__stream_times_get(const rp_stream *stream)
{
    return &stream->times;
}

static uint64_t since_start_us(const rp_stream *stream, uint64_t time_ns)
{
    if (time_ns == 0)
        return 0;
    uint64_t us = (time_ns - stream->times.started_ns) / 1000;
    return us == 0 ? 1 : us; /* 0 says "not yet" */
}

static void tell_info(const rp_stream *stream, rp_stream_info *info)
{
    *info = (rp_stream_info){.address = ""};
    if (stream->address.family != 0)
        (void)rp__address_text(&stream->address, true, info->address);
    info->stale_name = stream->stale_name;
    info->proxy_status = stream->proxy_status;
    info->proxy_heads = stream->proxy_heads;
    info->resolved_us = since_start_us(stream, stream->times.resolved_ns);
    info->connected_us = since_start_us(stream, stream->times.connected_ns);
    if (stream->engine != NULL &&
        (stream->state == RP_STREAM_OPEN || stream->state == RP_STREAM_FAILED))
        info->peer_certificates = rp__engine_sent(stream->engine, &info->peer_certificate_count);
    if (stream->state != RP_STREAM_OPEN)
        return;
    rp_engine_info engine;
    rp__engine_info_get(stream->engine, &engine);
    info->tls_version = engine.version;
    info->tls_cipher = engine.cipher;
    info->tls_group = engine.group;
    info->alpn = engine.alpn;
    info->resumed = engine.resumed;
    info->certificate_missed = engine.certificate_missed;
    info->handshaken_us = since_start_us(stream, stream->times.opened_ns);
}

void rp_stream_info_get_sized(const rp_stream *stream, rp_stream_info *info, size_t info_size)
{
    rp_stream_info all;
    tell_info(stream, &all);
    rp__structure_give(info, info_size, &all, sizeof(all));
}
