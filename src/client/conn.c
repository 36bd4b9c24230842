/* conn.c - one HTTP/1.1 connection: stream events in, response events out.
 *
 * A connection serves one request at a time. It goes back to the pool only if nothing about it is
 * doubtful: the response was complete and allowed it (RFC 9112, 9.3), the request had left in
 * whole, and not a byte came that nobody asked for. Everything else closes it.
 *
 * A request that is assigned to a connection is not written at once, but at the end of the turn,
 * from the stream's pump (fill). By then all that the turn found was delivered: a second answer
 * behind the first, the end behind the answer, an end that came while the program slept. That
 * condemns the connection, and the request, of which nothing has left, moves to another, whatever
 * its method. A request that is cancelled before fill leaves no byte, and the connection serves
 * on. */
#include "client/client.h"

#include "base/assert.h"
#include "base/error.h"
#include "http/headers.h"

#include <stdio.h>
#include <string.h>

/* A request goes to so many new connections at most that say something before they are asked. */
#define FRESH_LIMIT 3
#define SMALL_REQUEST_BYTES ((size_t)16384)
#define AT_ONCE_US 1000000u     /* an end so soon after the request was on its way before it */
#define SECONDS_MOST 100000000u /* of a Keep-Alive header: three years */

/* ---- telling requests what became of them ---- */

static const char *peer_of(const rp_conn *conn)
{
    const char *peer = rp_stream_peer(conn->stream);
    return peer != NULL ? peer : conn->origin->host;
}

static rp_phase response_phase(const rp_request *request)
{
    if (request->told_head)
        return RP_PHASE_BODY;
    return RP_PHASE_HEAD;
}

/* Has it been waiting since it was opened? Then its end is no news about the server. */
static bool is_used(const rp_conn *conn)
{
    return conn->served > 0 || conn->idled;
}

/* The counts of the pool follow the states. */
static void enter(rp_conn *conn, rp_conn_state state)
{
    bool was_open = conn->state != RP_CONN_OPENING && conn->state != RP_CONN_CLOSING;
    bool is_open = state != RP_CONN_OPENING && state != RP_CONN_CLOSING;
    if (conn->state == RP_CONN_OPENING)
        rp_pool_opening_ends(conn, is_open);
    if (is_open && !was_open)
        conn->origin->open_count++;
    if (was_open && !is_open)
        conn->origin->open_count--;
    conn->state = state;
}

/* The request goes on, or ends, without the connection. */
static rp_request *detach(rp_conn *conn)
{
    rp_request *request = conn->request;
    uint64_t sent = rp_conn_bytes_sent(conn);
    if (sent > 0) /* else what an earlier connection took stands: the server may have acted on it */
        request->bytes_sent = sent;
    rp_stream_want_fill(conn->stream, NULL);
    conn->request = NULL;
    request->conn = NULL;
    return request;
}

/* RFC 9112, 9.3.1: a request that a closing connection swallowed may go out once more, on a fresh
 * connection, if the server cannot mind: its method is idempotent. */
static bool may_replay(const rp_conn *conn, const rp_request *request)
{
    return (conn->served > 1 || conn->idled) && !request->begun && !request->cancelled &&
           request->attempts < 2 && !conn->client->options.never_replay &&
           !conn->client->destroyed && request->idempotent;
}

static void replay(rp_request *request)
{
    request->fresh_only = true;
    rp_pool_submit(request);
}

/* What came, or ended, before anything of the request was written speaks against the connection and
 * not against the request, which goes to another (RFC 9112, 9.2: nobody asked for it). A server
 * that does so on fresh connections, one after another, does it always. */
static void move_on(rp_conn *conn)
{
    rp_request *request = detach(conn);
    bool fresh = !is_used(conn);
    rp_error error;
    (void)rp_error_set(&error, RP_E_BAD_RESPONSE, RP_PHASE_REQUEST,
                       "%s sends data on new connections before it is asked for any",
                       peer_of(conn));
    if (fresh)
        rp_conn_note(conn, request);
    rp_conn_close(conn);
    if (request->moved < UINT8_MAX)
        request->moved++;
    request->moved_fresh = (uint8_t)(request->moved_fresh + fresh);
    if (request->moved_fresh < FRESH_LIMIT)
        rp_pool_submit(request);
    else
        rp_request_finish(request, &error);
}

static void told_stale(const rp_conn *conn, const rp_error *error, rp_error *told)
{
    const rp_request *request = conn->request;
    uint64_t now_us = rp_request_since_us(request, rp_loop_now_ns(conn->client->loop));
    (void)rp_error_set(told, RP_E_STALE_CONNECTION, RP_PHASE_HEAD,
                       "%s closed the reused connection before it answered (%.80s)", peer_of(conn),
                       error->text);
    if (now_us - request->timings.sent_us < AT_ONCE_US)
        rp_pool_learn(conn);
}

/* The connection ended or broke under its request. */
static void request_lost(rp_conn *conn, const rp_error *error)
{
    rp_request *request = conn->request;
    bool again = may_replay(conn, request);
    rp_error told = *error;
    bool early = told.status == RP_E_CLOSED_EARLY || told.status == RP_E_RESET ||
                 told.status == RP_E_TRUNCATED;
    if (!request->begun && (conn->served > 1 || conn->idled) && early)
        told_stale(conn, error, &told);
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

/* What was still in the stream, or comes in this turn, is seen before the next request is written:
 * see fill(). */
static bool may_serve_again(const rp_conn *conn, const rp_request *request)
{
    const rp_client_options *options = &conn->client->options;
    return !conn->body_unsent && !conn->doubtful && !conn->client->destroyed &&
           conn->idle_since_ns < conn->last_ns && !options->never_reuse &&
           !request->message.says_close && rp_h1_parser_keep_alive(conn->parser) &&
           rp_stream_input_get(conn->stream) != RP_INPUT_ENDED &&
           (options->requests_per_connection == 0 ||
            conn->served < options->requests_per_connection);
}

static void request_complete(rp_conn *conn, bool reusable)
{
    rp_request *request = detach(conn);
    conn->idle_since_ns = rp_loop_now_ns(conn->client->loop);
    if (reusable && may_serve_again(conn, request)) {
        if (request->has_credit_limit)
            rp_stream_set_credit(conn->stream, false, 0);
        enter(conn, RP_CONN_FREE);
        rp_pool_offer(conn);
    } else {
        rp_conn_close(conn);
    }
    rp_request_finish(request, NULL);
}

/* ---- how long the server keeps the connection ---- */

/* The number behind "name=" at the beginning of text; false: it does not begin so. */
static bool parameter(const char *text, const char *name, uint64_t *value)
{
    size_t size = strcspn(text, "=,");
    if (!rp_name_equal(text, size, name) || text[size] != '=')
        return false;
    const char *digit = text + size + 1;
    if (*digit < '0' || *digit > '9')
        return false;
    *value = 0;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        *value = *value > SECONDS_MOST ? *value : *value * 10 + (uint64_t)(*digit - '0');
    return true;
}

/* Keep-Alive: timeout=5, max=100 (RFC 2068, 19.7.1.1, which is as servers still have it). The
 * server's second begins before ours does, and ends while a request is on its way: so one less. */
static void keep_alive_parse(rp_conn *conn, const char *text)
{
    while (*text != '\0') {
        uint64_t value;
        text += strspn(text, " \t,");
        if (parameter(text, "timeout", &value)) {
            uint64_t limit_ms = value > 1 ? (value - 1) * 1000 : value * 500;
            if (limit_ms < conn->keep_alive_ms)
                conn->keep_alive_ms = limit_ms;
            conn->doubtful = conn->doubtful || value == 0;
        } else if (parameter(text, "max", &value)) {
            conn->doubtful = conn->doubtful || value == 0;
        }
        text += strcspn(text, ",");
    }
}

static void keep_alive_note(rp_conn *conn, const rp_response_head *head)
{
    uint64_t before_ms = conn->keep_alive_ms;
    conn->keep_alive_ms = RP_NEVER_MS;
    for (size_t i = 0; i < head->header_count; i++) {
        const char *name = head->headers[i].name;
        if ((name[0] == 'k' || name[0] == 'K') && rp_name_equal(name, strlen(name), "keep-alive"))
            keep_alive_parse(conn, head->headers[i].value);
    }
    if (conn->keep_alive_ms < before_ms)
        conn->idle_check_ns = 0; /* what was set for a later time */
}

/* ---- the parser's events ---- */

static bool on_head(void *user, const rp_response_head *head)
{
    rp_conn *conn = user;
    rp_request *request = conn->request;
    rp_request_head(request, head);
    if (!head->informational)
        keep_alive_note(conn, head);
    if (request->events->on_head != NULL && !request->cancelled)
        request->events->on_head(request, head, request->user);
    return conn->request == request;
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
    return conn->request == request;
}

static const rp_h1_events parser_events = {.on_head = on_head, .on_body = on_body};

/* ---- the stream's events ---- */

static void on_data(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    rp_conn *conn = user;
    rp_request *request = conn->request;
    if (conn->state == RP_CONN_CLOSING)
        return;
    if (conn->state != RP_CONN_SERVING) {
        /* Nobody asked: whatever it is, the next request must not get it. */
        if (conn->state == RP_CONN_ASSIGNED)
            move_on(conn);
        else
            rp_conn_close(conn);
        return;
    }
    rp_error error;
    size_t used = 0;
    uint64_t body_before = request->body_bytes;
    bool limited = request->has_credit_limit;
    rp_request_moved(request);
    rp_h1_result result = rp_h1_parser_feed(conn->parser, data, size, &used, &error);
    if (conn->request != request)
        return; /* a callback ended it */
    if (!request->told_head && rp_h1_parser_in_head(conn->parser))
        rp_request_moved(request); /* behind an interim response the next head has begun */
    if (limited)                   /* what is no body needs no credit of the caller's */
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

static void ended_unused(rp_conn *conn)
{
    rp_pool_learn(conn);
    if (conn->state == RP_CONN_ASSIGNED)
        move_on(conn);
    else
        rp_conn_close(conn);
}

static void on_end(rp_stream *stream, const rp_error *end, void *user)
{
    rp_conn *conn = user;
    rp_error error;
    (void)stream;
    if (conn->state == RP_CONN_CLOSING)
        return;
    rp_request *request = conn->request;
    if (request == NULL || (conn->state == RP_CONN_ASSIGNED && is_used(conn))) {
        ended_unused(conn);
        return;
    }
    if (conn->state == RP_CONN_ASSIGNED) {
        rp_conn_note(conn, request);
        rp_h1_parser_start(conn->parser, request->head_only);
    }
    rp_h1_result result = rp_h1_parser_end(conn->parser, end == NULL, &error);
    if (conn->request != request)
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

static void on_open(rp_stream *stream, const rp_error *error, void *user)
{
    rp_conn *conn = user;
    if (conn->state == RP_CONN_CLOSING)
        return;
    rp_stream_info_get(stream, &conn->info);
    if (error == NULL) {
        enter(conn, RP_CONN_FREE);
        rp_pool_opened(conn);
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
    RP_ASSERT(conn->state == RP_CONN_CLOSING);
    rp_list_remove(&conn->link);
    origin->conn_count--;
    client->conn_count--;
    rp_h1_parser_destroy(conn->parser);
    rp_free(&client->loop->memory, conn);
    rp_pool_look(origin);
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
        .keepalive_idle_ms = options->keepalive_idle_ms,
        .keepalive_unconfirmed_ms = options->keepalive_unconfirmed_ms,
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
    conn->state = RP_CONN_OPENING;
    conn->keep_alive_ms = RP_NEVER_MS;
    origin->conn_count++;
    client->conn_count++;
    rp_pool_opening_begins(conn);
    return true;
}

static uint64_t phase_us(const rp_request *request, uint64_t time_ns)
{
    return time_ns <= request->started_ns ? 0 : rp_request_since_us(request, time_ns);
}

void rp_conn_note(const rp_conn *conn, rp_request *request)
{
    const rp_stream_times *times = rp_stream_times_get(conn->stream);
    request->reused = conn->served > 0;
    request->resumed = conn->info.resumed;
    request->stale_name = conn->info.stale_name;
    memcpy(request->address, conn->info.address, sizeof(request->address));
    request->tls_version = conn->info.tls_version;
    request->tls_cipher = conn->info.tls_cipher;
    request->tls_group = conn->info.tls_group;
    request->timings.queued_us = rp_request_since_us(request, rp_loop_now_ns(conn->client->loop));
    if (request->reused)
        return;
    if (times->started_ns >= request->started_ns)
        request->timings.queued_us = rp_request_since_us(request, times->started_ns);
    request->timings.resolved_us = phase_us(request, times->resolved_ns);
    request->timings.connected_us = phase_us(request, times->connected_ns);
    if (conn->origin->https)
        request->timings.handshaken_us = phase_us(request, times->opened_ns);
}

static void body_written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    rp_conn *conn = user;
    (void)stream;
    (void)write;
    conn->body_unsent = false;
    if (conn->request == NULL)
        return;
    if (error == NULL) {
        rp_request_sent(conn->request);
        return;
    }
    /* The server may have answered before it stopped reading: the answer, or the end, will come. */
    conn->body_unsent = true;
    if (error->status != RP_E_RESET && error->status != RP_E_IO_FAILED)
        request_lost(conn, error);
}

/* A request whose head and body fit is sent as one record and needs no completion of its own. */
static bool has_small_body(const rp_request *request)
{
    return request->head_size + request->body_size <= SMALL_REQUEST_BYTES;
}

/* The head, and a small body behind it. Nobody else uses the loop's scratch memory: this runs from
 * the stream's pump. */
static rp_status head_send(rp_conn *conn, rp_request *request, rp_error *error)
{
    rp_loop *loop = conn->client->loop;
    size_t bound = rp_h1_request_bound(&request->message);
    uint8_t *large = NULL, *text = loop->scratch;
    if (bound > RP_SCRATCH_BYTES)
        text = large = rp_reallocate(&loop->memory, NULL, bound);
    if (text == NULL)
        return rp_error_set(error, RP_E_NO_MEMORY, RP_PHASE_REQUEST,
                            "no memory for the request's head");
    size_t size = request->head_size = rp_h1_request_write(&request->message, text);
    if (request->body != NULL && has_small_body(request)) {
        memcpy(text + size, request->body, request->body_size);
        size += request->body_size;
    }
    rp_status status = rp_stream_put(conn->stream, text, size, error);
    rp_wipe(text, size);
    rp_free(&loop->memory, large);
    return status;
}

static void serve(rp_conn *conn)
{
    rp_error error;
    rp_request *request = conn->request;
    enter(conn, RP_CONN_SERVING);
    rp_request_begun(request);
    rp_conn_note(conn, request);
    if (conn->served > 0)
        conn->client->loop->stats.connections_reused++;
    conn->served++;
    conn->plain_base = rp_stream_plain_put(conn->stream);
    rp_h1_parser_start(conn->parser, request->head_only);
    rp_stream_set_credit(conn->stream, request->has_credit_limit, request->credit_bytes);
    if (head_send(conn, request, &error) != RP_OK) {
        rp_request_finish_later(request, &error);
        return;
    }
    if (request->body == NULL || has_small_body(request)) {
        rp_request_sent(request);
        return;
    }
    rp_request_uploads(request);
    conn->body_unsent = true;
    rp_status status = rp_stream_write(conn->stream, &conn->body_write, request->body,
                                       request->body_size, body_written, conn);
    RP_ASSERT(status == RP_OK);
}

/* The stream's pump has delivered all that came, so this is the time to judge whether the
 * connection may be used: what is written now leaves at once. A fresh one may hold the beginning of
 * a record, a session ticket's most likely; then nobody knows which answer is whose after the
 * first. */
static void fill(rp_stream *stream, void *user)
{
    rp_conn *conn = user;
    RP_ASSERT(conn->state == RP_CONN_ASSIGNED);
    rp_stream_input input = rp_stream_input_get(stream);
    if (!is_used(conn)) {
        conn->doubtful = conn->doubtful || input == RP_INPUT_UNREAD;
        serve(conn);
    } else if (input == RP_INPUT_UNSEEN) {
        rp_stream_want_fill(stream, fill);
    } else if (input != RP_INPUT_CLEAN || rp_pool_aged(conn)) {
        move_on(conn);
    } else {
        serve(conn);
    }
}

void rp_conn_assign(rp_conn *conn, rp_request *request)
{
    RP_ASSERT(conn->state == RP_CONN_FREE);
    conn->request = request;
    request->conn = conn;
    rp_request_assigned(request);
    enter(conn, RP_CONN_ASSIGNED);
    rp_stream_want_fill(conn->stream, fill);
}

uint64_t rp_conn_bytes_sent(const rp_conn *conn)
{
    uint64_t handed = rp_stream_plain_handed(conn->stream);
    return conn->state == RP_CONN_SERVING && handed > conn->plain_base ? handed - conn->plain_base
                                                                       : 0;
}

void rp_conn_abandon(rp_conn *conn)
{
    (void)detach(conn);
    if (conn->state == RP_CONN_ASSIGNED && !conn->client->destroyed &&
        rp_stream_input_get(conn->stream) != RP_INPUT_ENDED) {
        enter(conn, RP_CONN_FREE);
        rp_pool_offer(conn);
    } else {
        rp_conn_close(conn); /* in the middle of a response it can't serve another */
    }
}

void rp_conn_close(rp_conn *conn)
{
    if (conn->state == RP_CONN_CLOSING)
        return;
    if (!conn->client->destroyed)
        RP_ASSERT(conn->request == NULL);
    rp_pool_unidle(conn);
    enter(conn, RP_CONN_CLOSING);
    rp_stream_close(conn->stream);
}
