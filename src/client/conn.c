/* conn.c - one HTTP/1.1 connection: stream events in, response events out.
 *
 * A connection serves one request at a time. It goes back to the pool only if nothing about it is
 * doubtful: the response was complete and allowed it (RFC 9112, 9.3), the request had left in
 * whole, and not a byte came that nobody asked for. Everything else closes it. */
#include "client/client.h"

#include "base/assert.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* ---- telling requests what became of them ---- */

static const char *peer_of(const rp_conn *conn)
{
    return conn->stream->peer_text != NULL ? conn->stream->peer_text : conn->origin->host;
}

static rp_phase response_phase(const rp_request *request)
{
    if (request->told_head)
        return RP_PHASE_BODY;
    return RP_PHASE_HEAD;
}

/* The request goes on without the connection; one that ends leaves and closes it by itself. */
static rp_request *detach(rp_conn *conn)
{
    rp_request *request = conn->request;
    conn->request = NULL;
    request->conn = NULL;
    return request;
}

/* RFC 9112, 9.3.1: a request that a closing connection swallowed may go out once more, on a fresh
 * connection, if the server cannot mind: its method is idempotent. */
static bool may_replay(const rp_conn *conn, const rp_request *request)
{
    return conn->served > 1 && !request->begun && !request->cancelled && request->attempts < 2 &&
           !conn->client->options.never_replay && !conn->client->destroyed && request->idempotent;
}

static void replay(rp_request *request)
{
    rp_timer_stop(request->client->loop, &request->phase_timer);
    request->fresh_only = true;
    request->sent_before = request->sent_before || request->bytes_sent > 0;
    request->bytes_sent = 0;
    rp_request_queued(request);
    rp_pool_submit(request, true);
}

/* The connection ended or broke under its request. */
static void request_lost(rp_conn *conn, const rp_error *error)
{
    rp_request *request = conn->request;
    bool again = may_replay(conn, request);
    rp_error told = *error;
    bool early = told.status == RP_E_CLOSED_EARLY || told.status == RP_E_RESET ||
                 told.status == RP_E_TRUNCATED;
    if (!request->begun && conn->served > 1 && early)
        (void)rp_error_set(&told, RP_E_STALE_CONNECTION, RP_PHASE_HEAD,
                           "%s closed the reused connection before it answered (%.80s)",
                           peer_of(conn), error->text);
    told.os_code = error->os_code;
    if (!again) {
        rp_request_finish(request, &told);
        return;
    }
    /* Closed first, so that the replay finds a clean pool. */
    detach(conn);
    rp_conn_close(conn);
    replay(request);
}

static void request_failed(rp_conn *conn, const rp_error *error)
{
    rp_error told;
    (void)rp_error_set(&told, error->status, error->phase, "the answer of %.120s can't be used: %s",
                       peer_of(conn), error->text);
    rp_request_finish(conn->request, &told);
}

static void request_complete(rp_conn *conn, bool reusable)
{
    rp_request *request = detach(conn);
    const rp_client_options *options = &conn->client->options;
    bool keep =
        reusable && !conn->closing && !conn->body_unsent && !conn->client->destroyed &&
        !options->never_reuse && !request->close_after && rp_h1_parser_keep_alive(conn->parser) &&
        !conn->stream->write_failed && !conn->stream->end_told &&
        (options->requests_per_connection == 0 || conn->served < options->requests_per_connection);
    if (keep && request->has_credit_limit)
        rp_stream_set_credit(conn->stream, false, 0);
    if (keep)
        rp_pool_offer(conn);
    else
        rp_conn_close(conn);
    rp_request_finish(request, NULL);
}

/* ---- the parser's events ---- */

static bool on_head(void *user, const rp_response_head *head)
{
    rp_conn *conn = user;
    rp_request *request = conn->request;
    if (!head->informational) {
        request->told_head = true;
        request->status = head->status;
    }
    if (request->events->on_head != NULL && !request->cancelled)
        request->events->on_head(request, head, request->user);
    return conn->request == request && !conn->closing;
}

static bool on_body(void *user, const uint8_t *data, size_t size)
{
    rp_conn *conn = user;
    rp_request *request = conn->request;
    request->body_bytes += size;
    if (request->has_credit_limit)
        request->owed_bytes += size;
    if (request->events->on_body != NULL && !request->cancelled)
        request->events->on_body(request, data, size, request->user);
    return conn->request == request && !conn->closing;
}

static const rp_h1_events parser_events = {.on_head = on_head, .on_body = on_body};

/* ---- the stream's events ---- */

static void on_data(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    rp_conn *conn = user;
    rp_request *request = conn->request;
    if (conn->closing)
        return;
    if (request == NULL) {
        /* Nobody asked: whatever it is, the next request must not get it. */
        rp_conn_close(conn);
        return;
    }
    rp_error error;
    size_t used = 0;
    uint64_t body_before = request->body_bytes;
    bool limited = request->has_credit_limit;
    rp_request_moved(request);
    rp_h1_result result = rp_h1_parser_feed(conn->parser, data, size, &used, &error);
    if (conn->closing || conn->request != request)
        return;  /* a callback ended it */
    if (limited) /* what is no body needs no credit of the caller's */
        rp_stream_consume(stream, size - (size_t)(request->body_bytes - body_before));
    switch (result) {
    case RP_H1_COMPLETE:
        request_complete(conn, used == size);
        break;
    case RP_H1_FAILED:
        request_failed(conn, &error);
        break;
    default:
        break;
    }
}

static void on_end(rp_stream *stream, const rp_error *end, void *user)
{
    rp_conn *conn = user;
    rp_error error;
    (void)stream;
    if (conn->closing)
        return;
    if (conn->request == NULL) {
        rp_conn_close(conn);
        return;
    }
    rp_request *request = conn->request;
    rp_h1_result result = rp_h1_parser_end(conn->parser, end == NULL, &error);
    if (conn->closing || conn->request != request)
        return;
    if (result == RP_H1_COMPLETE) {
        request_complete(conn, false);
        return;
    }
    if (end != NULL && (!request->begun || end->status != RP_E_TRUNCATED)) {
        error = *end;
        error.phase = response_phase(request);
    } else if (!request->begun) {
        (void)rp_error_set(&error, RP_E_CLOSED_EARLY, RP_PHASE_HEAD,
                           "%s closed the connection without an answer", peer_of(conn));
    } else {
        request_failed(conn, &error);
        return;
    }
    request_lost(conn, &error);
}

static void opening_over(rp_conn *conn)
{
    if (!conn->opening)
        return;
    conn->opening = false;
    conn->origin->opening_count--;
    conn->client->opening_count--;
}

static void on_open(rp_stream *stream, const rp_error *error, void *user)
{
    rp_conn *conn = user;
    opening_over(conn);
    if (conn->closing)
        return;
    rp_stream_info_get(stream, &conn->info);
    if (error == NULL) {
        conn->open = true;
        conn->origin->open_count++;
        rp_pool_offer(conn);
    } else {
        /* Closed first: a callback may destroy the client. */
        rp_conn_close(conn);
        rp_pool_open_failed(conn, error);
    }
    if (!conn->client->destroyed)
        rp_pool_dispatch(conn->client);
}

static void on_close(rp_stream *stream, void *user)
{
    rp_conn *conn = user;
    rp_client *client = conn->client;
    rp_origin *origin = conn->origin;
    (void)stream;
    RP_ASSERT(conn->request == NULL);
    opening_over(conn);
    rp_list_remove(&conn->link);
    origin->conn_count--;
    client->conn_count--;
    rp_h1_parser_destroy(conn->parser);
    rp_free(&client->loop->memory, conn);
    if (!client->destroyed)
        rp_pool_dispatch(client);
    rp_origin_release_if_unused(origin);
    rp_client_free_if_done(client);
}

static const rp_stream_events stream_events = {
    .on_open = on_open, .on_data = on_data, .on_end = on_end, .on_close = on_close};

/* ---- opening, serving, closing ---- */

static rp_status stream_begin(rp_conn *conn)
{
    const rp_client_options *options = &conn->client->options;
    const rp_origin *origin = conn->origin;
    rp_stream_options stream_options = {
        .host = origin->host,
        .port = origin->port,
        .tls = origin->https ? options->tls : NULL,
        .alpn = origin->https ? "http/1.1" : NULL,
        .resolver = options->resolver,
        .resolve_timeout_ms = options->resolve_timeout_ms,
        .connect_timeout_ms = options->connect_timeout_ms,
        .handshake_timeout_ms = options->handshake_timeout_ms,
    };
    return rp_stream_open(&conn->stream, conn->client->loop, &stream_options, &stream_events, conn);
}

bool rp_conn_open(rp_origin *origin)
{
    rp_client *client = origin->client;
    rp_memory *memory = &client->loop->memory;
    rp_conn *conn = rp_allocate(memory, sizeof(*conn));
    if (conn == NULL)
        return false;
    conn->client = client;
    conn->origin = origin;
    conn->parser =
        rp_h1_parser_create(memory, &client->scratch, &client->limits, &parser_events, conn);
    if (conn->parser == NULL || stream_begin(conn) != RP_OK) {
        rp_h1_parser_destroy(conn->parser);
        rp_free(memory, conn);
        return false;
    }
    rp_list_init(&conn->origin_link);
    rp_list_init(&conn->idle_link);
    rp_list_append(&client->conns, &conn->link);
    conn->opening = true;
    origin->opening_count++;
    origin->conn_count++;
    client->opening_count++;
    client->conn_count++;
    return true;
}

static uint64_t phase_us(const rp_request *request, uint64_t time_ns)
{
    return time_ns <= request->started_ns ? 0 : rp_request_since_us(request, time_ns);
}

void rp_conn_note(const rp_conn *conn, rp_request *request)
{
    const rp_stream *stream = conn->stream;
    request->reused = conn->served > 0;
    request->resumed = conn->info.resumed;
    memcpy(request->address, conn->info.address, sizeof(request->address));
    request->tls_version = conn->info.tls_version;
    request->tls_cipher = conn->info.tls_cipher;
    request->timings.queued_us = rp_request_since_us(request, rp_loop_now_ns(conn->client->loop));
    if (request->reused)
        return;
    if (stream->started_ns >= request->started_ns)
        request->timings.queued_us = rp_request_since_us(request, stream->started_ns);
    request->timings.resolved_us = phase_us(request, stream->resolved_ns);
    request->timings.connected_us = phase_us(request, stream->connected_ns);
    if (conn->origin->https)
        request->timings.handshaken_us = phase_us(request, stream->opened_ns);
}

static void body_written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    rp_conn *conn = user;
    (void)stream;
    (void)write;
    conn->body_unsent = false;
    if (conn->closing || conn->request == NULL)
        return;
    if (error == NULL) {
        conn->request->bytes_sent += conn->request->body_size;
        rp_request_sent(conn->request);
        return;
    }
    /* The server may have answered before it stopped reading: the answer, or the end, will come. */
    conn->body_unsent = true;
    if (error->status != RP_E_RESET && error->status != RP_E_IO_FAILED)
        request_lost(conn, error);
}

static rp_status head_send(rp_conn *conn, rp_request *request, rp_error *error)
{
    rp_slice slices[16];
    rp_chain rest = request->head;
    request->bytes_sent = request->inline_size + request->head.size;
    if (request->inline_size > 0)
        return rp_stream_put(conn->stream, request->inline_head, request->inline_size, error);
    /* Kept until the end for a replay: walked, not consumed. */
    for (rp_chunk *chunk = rest.head; chunk != NULL; chunk = rest.head) {
        size_t count = rp_chain_slices(&rest, slices, sizeof(slices) / sizeof(slices[0]));
        for (size_t i = 0; i < count; i++) {
            rp_status status = rp_stream_put(conn->stream, slices[i].data, slices[i].size, error);
            if (status != RP_OK)
                return status;
            rest.head = rest.head->next;
        }
    }
    return RP_OK;
}

void rp_conn_serve(rp_conn *conn, rp_request *request)
{
    rp_error error;
    conn->request = request;
    request->conn = conn;
    request->state = RP_REQUEST_ACTIVE;
    request->attempts++;
    request->begun = false;
    rp_conn_note(conn, request);
    if (conn->served > 0)
        conn->client->loop->stats.connections_reused++;
    conn->served++;
    rp_h1_parser_start(conn->parser, request->head_only);
    rp_stream_set_credit(conn->stream, request->has_credit_limit, request->credit_bytes);
    if (head_send(conn, request, &error) != RP_OK) {
        rp_request_finish_later(request, &error);
        return;
    }
    if (request->body == NULL) {
        rp_request_sent(request);
        return;
    }
    conn->body_unsent = true;
    rp_status status = rp_stream_write(conn->stream, &conn->body_write, request->body,
                                       request->body_size, body_written, conn);
    RP_ASSERT(status == RP_OK);
}

void rp_conn_close(rp_conn *conn)
{
    if (conn->closing)
        return;
    if (!conn->client->destroyed)
        RP_ASSERT(conn->request == NULL);
    rp_pool_unidle(conn);
    conn->closing = true;
    if (conn->open)
        conn->origin->open_count--;
    rp_stream_close(conn->stream);
}
