/* conn.c - one connection: its opening, its age, its end. What it speaks is a protocol's
 * (protocol.h), and whom it serves is the pool's. */
#include "client/conn.h"

#include "base/assert.h"
#include "base/certificates.h"
#include "base/error.h"
#include "client/origin.h"
#include "client/request.h"
#include "client/stream_tunnel.h"
#include "client/trace.h"
#include "client/why.h"

#include <stdio.h>
#include <string.h>

/* ---- the stream's events ---- */

static void on_data(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    rp_conn *conn = user;
    (void)stream;
    if (conn->state == RP_CONN_OPEN)
        conn->protocol->received(conn, data, size);
}

static void on_end(rp_stream *stream, const rp_error *end, void *user)
{
    rp_conn *conn = user;
    (void)stream;
    if (conn->state == RP_CONN_OPEN)
        conn->protocol->ended(conn, end);
}

static void lifetime_begins(rp_conn *conn);
static void trace_opening(const rp_conn *conn, rp_trace_kind kind, const rp_error *error);

/* What ALPN agreed on (RFC 7301); a server that does not answer it speaks HTTP/1.1. Without TLS
 * nobody can ask. NULL: the server does not speak what it must. */
static const rp_protocol *protocol_of(const rp_conn *conn, const char *agreed)
{
    const rp_protocol *http2 = conn->client->http2;
    bool only_http2 = conn->origin->versions == RP_HTTP_2;
    if (!conn->origin->https)
        return only_http2 ? http2 : &rp__http1;
    if (agreed != NULL && strcmp(agreed, http2->alpn) == 0)
        return http2;
    return only_http2 ? NULL : &rp__http1;
}

static bool no_memory(const rp_conn *conn, rp_error *error)
{
    (void)rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_CONNECT, "no memory for a connection to %s",
                        conn->origin->host);
    return false;
}

static bool protocol_begin(rp_conn *conn, const char *agreed, rp_error *error)
{
    conn->protocol = protocol_of(conn, agreed);
    if (conn->protocol == NULL) {
        (void)rp__error_set(error, RP_E_H2_NOT_SPOKEN, RP_PHASE_HANDSHAKE,
                            "%s does not speak HTTP/2 (ALPN: %s), and nothing else is allowed",
                            rp__conn_peer(conn), agreed != NULL ? agreed : "no answer");
        return false;
    }
    if (conn->protocol->begin(conn)) {
        conn->facts->version = conn->protocol->version;
        return true;
    }
    conn->protocol = NULL;
    return no_memory(conn, error);
}

static void facts_release(rp_client *client, rp_conn_facts *facts)
{
    rp_memory *memory = &client->loop->memory;
    if (facts == NULL || --facts->references > 0)
        return;
    rp__free(memory, facts->certificates);
    rp__free_secret_text(memory, facts->proxy_heads);
    rp__free(memory, facts);
}

/* What only some programs want to know. False: no memory. */
static bool more_facts_keep(rp_memory *memory, rp_conn_facts *facts, const rp_stream_info *info)
{
    facts->certificate_count = info->peer_certificate_count;
    if (facts->certificate_count > 0)
        facts->certificates =
            rp__certificates_copy(memory, info->peer_certificates, facts->certificate_count);
    if (info->proxy_heads != NULL)
        facts->proxy_heads = rp__copy_text(memory, info->proxy_heads, strlen(info->proxy_heads));
    return (facts->certificate_count == 0 || facts->certificates != NULL) &&
           (info->proxy_heads == NULL || facts->proxy_heads != NULL);
}

/* Many connections wait for long, and hold no more of it. False: no memory. */
static bool facts_keep(rp_conn *conn, const rp_stream_info *info)
{
    size_t size = strlen(info->address) + 1;
    rp_conn_facts *facts = rp__allocate(&conn->client->loop->memory, sizeof(*facts) + size);
    if (facts == NULL)
        return false;
    *facts = (rp_conn_facts){.references = 1,
                             .tls_version = info->tls_version,
                             .tls_cipher = info->tls_cipher,
                             .tls_group = info->tls_group,
                             .resumed = info->resumed,
                             .stale_name = info->stale_name,
                             .certificate_missed = info->certificate_missed,
                             .proxy_status = info->proxy_status};
    memcpy(facts->address, info->address, size);
    if (!more_facts_keep(&conn->client->loop->memory, facts, info)) {
        facts_release(conn->client, facts);
        return false;
    }
    conn->facts = facts;
    return true;
}

void rp__request_facts_set(rp_request *request, rp_conn_facts *facts)
{
    if (facts == request->facts)
        return;
    if (facts != NULL)
        facts->references++;
    facts_release(request->client, request->facts);
    request->facts = facts;
}

static void on_open(rp_stream *stream, const rp_error *error, void *user)
{
    rp_conn *conn = user;
    const rp_conn_events *events = conn->client->conn_events;
    rp_error no_use;
    rp_stream_info info;
    if (conn->state == RP_CONN_CLOSING)
        return;
    rp_stream_info_get(stream, &info);
    bool kept = facts_keep(conn, &info) || no_memory(conn, &no_use);
    if (error == NULL && (!kept || !protocol_begin(conn, info.alpn, &no_use)))
        error = &no_use;
    if (error != NULL && error != &no_use && rp__origin_forwards(conn->origin)) {
        no_use = *error;
        rp__error_of_proxy(&no_use);
        error = &no_use;
    }
    if (error == NULL) {
        conn->state = RP_CONN_OPEN;
        lifetime_begins(conn);
        trace_opening(conn, RP_TRACE_OPENED, NULL);
        events->opened(conn);
    } else {
        trace_opening(conn, RP_TRACE_OPEN_FAILED, error);
        /* Closed first: a callback may destroy the client. */
        rp__conn_close(conn);
        events->open_failed(conn, error);
    }
}

void rp__conn_let_go(rp_conn *conn)
{
    rp_client *client = conn->client;
    rp_origin *origin = conn->origin;
    RP_ASSERT(conn->in_flight == 0);
    RP_ASSERT(conn->state == RP_CONN_CLOSING);
    if (conn->protocol != NULL)
        conn->protocol->end(conn);
    rp__list_remove(&conn->link);
    rp__list_remove(&conn->origin_link);
    facts_release(client, conn->facts);
    rp__free(&client->loop->memory, conn);
    client->conn_events->closed(origin);
}

static void on_close(rp_stream *stream, void *user)
{
    (void)stream;
    rp__conn_let_go(user);
}

static const rp_stream_events stream_events = {
    .on_open = on_open, .on_data = on_data, .on_end = on_end, .on_close = on_close};

/* ---- what is traced of it ---- */

/* The phases are told when they all are over. */
static void trace_opening(const rp_conn *conn, rp_trace_kind kind, const rp_error *error)
{
    const rp_stream_times *times = rp__stream_times_get(conn->stream);
    if (conn->client->options.on_trace == NULL)
        return;
    if (kind != RP_TRACE_OPENING && times->resolved_ns > 0)
        rp__trace_tell_conn(conn, RP_TRACE_RESOLVED, times->resolved_ns, NULL, NULL);
    if (kind != RP_TRACE_OPENING && times->connected_ns > 0)
        rp__trace_tell_conn(conn, RP_TRACE_CONNECTED, times->connected_ns, NULL, NULL);
    rp__trace_tell_conn(conn, kind, times->started_ns, error, NULL);
}

static const char *why_closed(const rp_conn *conn)
{
    if (conn->client->destroyed)
        return "the client was destroyed";
    if (conn->state == RP_CONN_OPENING)
        return "it was not opened";
    if (rp__stream_input_get(conn->stream) == RP_INPUT_ENDED)
        return "its peer ended it, or it failed";
    if (conn->in_flight > 0)
        return "nothing more can be sent on it";
    if (rp__conn_retired(conn))
        return "it was to end with its last request";
    if (rp__conn_spent(conn))
        return "it served for as long, or as often, as it may";
    if (rp__conn_aged(conn))
        return "it was idle for as long as it may";
    return "it is not needed, or not to be reused";
}

/* why NULL: by what it is like. */
static void trace_closed(const rp_conn *conn, const char *why)
{
    if (conn->client->options.on_trace != NULL)
        rp__trace_tell_conn(conn, RP_TRACE_CLOSED, 0, NULL, why != NULL ? why : why_closed(conn));
}

/* ---- opening and closing ---- */

/* What servers are asked to choose from. */
static const char *alpn_of(const rp_origin *origin)
{
    if (origin->versions == RP_HTTP_ANY)
        return "h2,http/1.1";
    return origin->versions == RP_HTTP_2 ? rp__http2.alpn : rp__http1.alpn;
}

static rp_status stream_begin(rp_conn *conn)
{
    const rp_client_options *options = &conn->client->options;
    const rp_origin *origin = conn->origin;
    rp_stream_options stream_options = {
        .host = origin->host,
        .port = origin->port,
        .tls = origin->https ? options->tls : NULL,
        .alpn = origin->https ? alpn_of(origin) : NULL,
        .resolver = options->resolver,
        .resolve_timeout_ms = options->resolve_timeout_ms,
        .connect_timeout_ms = options->connect_timeout_ms,
        .handshake_timeout_ms = options->handshake_timeout_ms,
        .keepalive_idle_ms = options->keepalive_idle_ms,
        .keepalive_unconfirmed_ms = options->keepalive_unconfirmed_ms,
        .refuse_addresses = options->refuse_addresses,
        .on_address = options->on_address,
        .on_address_user = options->on_address_user,
        .families = options->families,
        .local = options->local,
        .connect_to = origin->route[0] != '\0' ? origin->route : NULL,
        .proxy = origin->proxy,
    };
    if (rp__origin_forwards(origin)) { /* the proxy is the server */
        bool tls = origin->hop->kind == RP_PROXY_HTTPS;
        stream_options.host = origin->hop->host;
        stream_options.port = origin->hop->port;
        stream_options.tls = tls ? origin->proxy->tls : NULL;
        stream_options.alpn = tls ? rp__http1.alpn : NULL;
        stream_options.connect_to = NULL;
        stream_options.proxy = NULL;
    }
    return rp_stream_open(&conn->stream, conn->client->loop, &stream_options, &stream_events, conn);
}

rp_conn *rp__conn_open(rp_origin *origin)
{
    rp_client *client = origin->client;
    rp_memory *memory = &client->loop->memory;
    rp_conn *conn = rp__allocate(memory, sizeof(*conn));
    if (conn == NULL)
        return NULL;
    conn->client = client;
    conn->origin = origin;
    if (stream_begin(conn) != RP_OK) {
        rp__free(memory, conn);
        return NULL;
    }
    rp__list_init(&conn->ready_link);
    rp__list_init(&conn->age_link);
    rp__list_append(&client->conns, &conn->link);
    rp__list_append(&origin->conns, &conn->origin_link);
    conn->number = ++client->conns_made;
    conn->state = RP_CONN_OPENING;
    conn->keep_alive_ms = RP_NEVER_MS;
    conn->takes = RP_TAKES_UNSAID;
    trace_opening(conn, RP_TRACE_OPENING, NULL);
    return conn;
}

void rp__conn_close(rp_conn *conn)
{
    if (conn->state == RP_CONN_CLOSING)
        return;
    trace_closed(conn, NULL);
    conn->client->conn_events->leaving(conn);
    if (conn->state == RP_CONN_OPEN && conn->in_flight == 0 && conn->protocol->farewell != NULL)
        conn->protocol->farewell(conn);
    conn->state = RP_CONN_CLOSING;
    rp_stream_close(conn->stream);
}

void rp__conn_give(rp_conn *conn, const rp_stream_events *events, void *user)
{
    RP_ASSERT(conn->state == RP_CONN_OPEN);
    trace_closed(conn, "its caller took it, for another protocol");
    conn->client->conn_events->leaving(conn);
    conn->state = RP_CONN_CLOSING;
    rp__stream_give(conn->stream, events, user);
}

void rp__conn_retire(rp_conn *conn)
{
    if (conn->state == RP_CONN_OPEN && !rp__conn_retired(conn))
        conn->origin->retired_count++;
    conn->last_ns = 0; /* older than it may be */
    if (conn->takes == RP_TAKES_UNSAID)
        conn->origin->said_by_ns = 0; /* nobody waits for what it says */
    if (conn->in_flight == 0)
        rp__conn_close(conn);
    else
        rp__conn_room_changed(conn);
}

/* ---- requests ---- */

static uint32_t at_most(uint32_t limit, uint32_t used)
{
    return limit > used ? limit - used : 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* What was not said of this connection is taken to be as it was said of the origin's last one. */
uint32_t rp__conn_room(const rp_conn *conn)
{
    const rp_origin *origin = conn->origin;
    if (conn->state != RP_CONN_OPEN || rp__conn_retired(conn))
        return 0;
    uint32_t room = at_most(origin->uses, conn->given);
    if (conn->takes == RP_TAKES_UNSAID && origin->takes_said)
        room = least(room, at_most(origin->takes, conn->in_flight));
    return least(room, conn->protocol->room(conn));
}

/* Those of which nothing was said have more room now, or less. */
static void room_of_unsaid_changed(rp_origin *origin)
{
    rp_link *all = &origin->conns;
    for (rp_link *link = all->next; link != all;) {
        rp_conn *conn = RP_CONTAINER(link, rp_conn, origin_link);
        link = link->next;
        if (conn->state == RP_CONN_OPEN && conn->takes == RP_TAKES_UNSAID)
            rp__conn_room_changed(conn);
    }
}

void rp__conn_takes(rp_conn *conn, uint32_t count)
{
    rp_origin *origin = conn->origin;
    uint32_t before = origin->takes_said ? origin->takes : RP_TAKES_UNSAID;
    conn->takes = count;
    if (!rp__conn_outdated(conn))
        rp__origin_learn_takes(origin, count);
    if (conn->state == RP_CONN_OPEN)
        rp__conn_room_changed(conn);
    if (origin->takes_said && origin->takes != before && origin->open_count > 1)
        room_of_unsaid_changed(origin);
}

static void note_local(const rp_conn *conn, rp_request *request)
{
    rp_address local = rp__stream_local(conn->stream);
    request->local_address[0] = '\0';
    if (local.family != 0)
        (void)rp__address_text(&local, true, request->local_address);
}

void rp__conn_assign(rp_conn *conn, rp_request *request)
{
    RP_ASSERT(conn->state == RP_CONN_OPEN);
    conn->in_flight++;
    conn->origin->in_flight++;
    conn->given++;
    request->conn = conn;
    request->on_used = rp__conn_is_used(conn);
    if (request->tells_local)
        note_local(conn, request);
    if (request->explain != NULL && conn->given > 1) /* else its opening counts too */
        request->explain->resent_then = rp__stream_numbers(conn->stream).resent;
    rp__request_on_assigned(request);
    conn->origin->served_ns = request->assigned_ns;
    rp__trace_request(request, RP_TRACE_ASSIGNED);
    if (request->origin->limit != NULL)
        rp__limit_entered(request);
    conn->protocol->start(conn, request);
}

void rp__conn_detach(rp_conn *conn, rp_request *request)
{
    uint64_t sent = conn->protocol->bytes_sent(conn, request);
    if (request->explain != NULL)
        request->explain->tcp = rp__stream_numbers(conn->stream);
    if (sent > 0) { /* else what an earlier connection took stands */
        request->bytes_sent = sent;
        request->doubtful = true;
    }
    if (request->written)
        conn->worn = true;
    else
        conn->given--;
    conn->in_flight--;
    conn->origin->in_flight--;
    request->conn = NULL;
    if (request->origin->limit != NULL)
        rp__limit_left(request);
}

void rp__conn_serves(rp_conn *conn, rp_request *request)
{
    rp__request_on_begun(request);
    rp__conn_note(conn, request);
    if (conn->served > 0)
        conn->client->loop->stats.connections_reused++;
    conn->served++;
}

bool rp__conn_may_go_on(const rp_conn *conn)
{
    return !conn->client->destroyed && conn->idle_since_ns < conn->last_ns &&
           rp__stream_input_get(conn->stream) != RP_INPUT_ENDED &&
           conn->served < conn->origin->uses;
}

void rp__conn_room_changed(rp_conn *conn)
{
    conn->client->conn_events->room_changed(conn);
}

void rp__conn_lost(rp_conn *conn, rp_request *request, rp_fate fate, const rp_error *error)
{
    conn->client->conn_events->lost(conn, request, fate, error);
}

/* ---- what is told of it ---- */

bool rp__conn_loss(const rp_conn *conn, const rp_request *request, const rp_error *end,
                   rp_error *error)
{
    if (end != NULL && (!request->begun || end->status != RP_E_TRUNCATED)) {
        *error = *end;
        error->phase = rp__request_answer_phase(request);
        if (end->status == RP_E_TRUNCATED && end->tls_alert < 0)
            (void)snprintf(error->text, sizeof(error->text),
                           "%s closed the connection without an answer, and without TLS's "
                           "close_notify",
                           rp__conn_peer(conn));
        return true;
    }
    if (!request->begun)
        (void)rp__error_set(error, RP_E_CLOSED_EARLY, RP_PHASE_HEAD,
                            "%s closed the connection without an answer", rp__conn_peer(conn));
    return !request->begun;
}

static uint64_t phase_us(const rp_request *request, uint64_t time_ns)
{
    return time_ns <= request->started_ns ? 0 : rp__request_since_us(request, time_ns);
}

void rp__conn_note(const rp_conn *conn, rp_request *request)
{
    const rp_stream_times *times = rp__stream_times_get(conn->stream);
    request->reused = conn->served > 0;
    rp__request_facts_set(request, conn->facts);
    request->timings.queued_us = rp__request_since_us(request, rp__loop_now_ns(conn->client->loop));
    if (request->explain != NULL)
        request->explain->tunnelled_us =
            request->reused ? 0 : phase_us(request, times->tunnelled_ns);
    if (request->reused)
        return;
    if (times->started_ns >= request->started_ns)
        request->timings.queued_us = rp__request_since_us(request, times->started_ns);
    request->timings.resolved_us = phase_us(request, times->resolved_ns);
    request->timings.connected_us = phase_us(request, times->connected_ns);
    if (conn->origin->https)
        request->timings.handshaken_us = phase_us(request, times->opened_ns);
}

/* ---- its age ----
 *
 * A connection may be idle for as long as the client allows, the server says (Keep-Alive), and the
 * origin's other connections have lived; and it serves no more once it is as old as it may get in
 * all, so that a change of addresses is followed. This is looked at when it is taken, too: who does
 * not turn the loop has no timers. */

static uint64_t idle_limit_ms(const rp_conn *conn)
{
    uint64_t limit_ms = conn->client->options.connection_idle_ms;
    uint64_t learned_ms = rp__origin_idle_limit_ms(conn->origin);
    if (conn->keep_alive_ms < limit_ms)
        limit_ms = conn->keep_alive_ms;
    if (learned_ms < limit_ms)
        limit_ms = learned_ms;
    return limit_ms;
}

static void lifetime_begins(rp_conn *conn)
{
    conn->idle_since_ns = rp__loop_now_ns(conn->client->loop);
    conn->last_ns =
        rp__time_after(conn->idle_since_ns, conn->client->options.connection_lifetime_ms);
}

/* When it is too old; UINT64_MAX: never. */
static uint64_t end_ns(const rp_conn *conn)
{
    uint64_t end = rp__time_after(conn->idle_since_ns, idle_limit_ms(conn));
    return end < conn->last_ns ? end : conn->last_ns;
}

bool rp__conn_spent(const rp_conn *conn)
{
    return rp__loop_now_ns(conn->client->loop) >= conn->last_ns ||
           conn->given >= conn->origin->uses;
}

bool rp__conn_aged(const rp_conn *conn)
{
    return rp__loop_now_ns(conn->client->loop) >= end_ns(conn);
}

void rp__conn_learn(const rp_conn *conn)
{
    uint64_t now = rp__loop_now_ns(conn->client->loop);
    rp__origin_learn(conn->origin, now - conn->idle_since_ns);
}

void rp__conn_keep_alive(rp_conn *conn, uint64_t limit_ms)
{
    if (limit_ms < conn->keep_alive_ms)
        conn->idle_check_ns = 0; /* what was set for a later time */
    conn->keep_alive_ms = limit_ms;
}

static void idle_check(rp_timer *timer, void *user);

/* The timer runs on while the connection serves, and looks again when it fires: a connection that
 * is idle for a moment between two requests starts none. */
static void idle_check_at(rp_conn *conn, uint64_t now, uint64_t end)
{
    if (end == UINT64_MAX)
        return;
    conn->idle_check_ns = end > now ? end : now;
    rp__stream_timer_start(conn->stream, rp__time_left_ms(now, end), idle_check, conn);
}

static void idle_check(rp_timer *timer, void *user)
{
    rp_conn *conn = user;
    uint64_t now = rp__loop_now_ns(conn->client->loop), end = end_ns(conn);
    (void)timer;
    conn->idle_check_ns = 0;
    if (conn->state != RP_CONN_OPEN || conn->in_flight > 0)
        return;
    if (now >= end)
        rp__conn_close(conn);
    else
        idle_check_at(conn, now, end);
}

void rp__conn_idle_begins(rp_conn *conn)
{
    conn->idled = true;
    rp__stream_set_background(conn->stream, true);
    if (conn->idle_check_ns == 0)
        idle_check_at(conn, rp__loop_now_ns(conn->client->loop), end_ns(conn));
}

void rp__conn_idle_ends(rp_conn *conn)
{
    rp__stream_set_background(conn->stream, false);
}
