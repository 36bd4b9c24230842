/* h2.c - HTTP/2 on a connection: requests to streams, their events to requests (http/h2).
 *
 * A connection serves many requests. One that is assigned is not written at once, but at the end of
 * the turn, from the stream's pump (fill), as with HTTP/1.1: what the turn found may speak against
 * the connection, and then it moves to another, whatever its method, for nothing of it has left.
 * All frames of a turn, requests' and others', leave in one send.
 *
 * What http/h2 finds out is acted on when it has returned (settle): ends are told, and room that
 * changed is. What the pool knows of the room never exceeds what there is, but for what came in
 * this turn, and fill looks again. */
#include "client/conn.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/fetch.h"
#include "client/request.h"
#include "http/h2.h"

#include <stddef.h>
#include <string.h>

#define FETCHED (offsetof(rp_request, inline_bytes) + 64) /* what most requests have in use */
#define LAST_WORDS_MS 1000u /* that a server which broke the rules has to take them */

typedef struct session {
    rp_conn *conn;
    rp_h2 *h2;
    rp_link assigned; /* requests of which nothing was written yet, by their queue_link */
    uint32_t assigned_count;
    uint32_t limit;    /* streams that may be open, as of the last settle */
    bool is_over;      /* it ended, or failed: there is nobody to say farewell to */
    bool broken;       /* by the server: it is to be told, where it takes that in time */
    rp_deferred later; /* delivers what waits for credit that came */
    rp_timer silence;
    uint64_t heard_ns;  /* anything */
    uint64_t asked_ns;  /* a PING was decided on, and nothing came since; 0: none */
    uint64_t confirmed; /* rp__stream_confirmed, then */
} session;

static session *session_of(const rp_conn *conn)
{
    return conn->session;
}

static rp_h2_stream *stream_of(const rp_request *request)
{
    return request->exchange;
}

static uint64_t now_of(const rp_conn *conn)
{
    return rp__loop_now_ns(conn->client->loop);
}

/* ---- room ---- */

/* Streams that may be open: as many as the server, by theirs, and the client's options allow. */
static uint32_t limit_of(const rp_conn *conn, uint32_t theirs)
{
    uint32_t ours = conn->client->options.http2_streams_limit;
    return ours < theirs ? ours : theirs;
}

/* What is reset as soon as frames leave makes room: the server hears of that before it is asked for
 * more. Else the connection would seem to be full, with nothing to do, and would be closed for
 * another in its place. */
static uint32_t room(const rp_conn *conn)
{
    const session *h2 = session_of(conn);
    uint32_t used = rp__h2_open(h2->h2) - rp__h2_resetting(h2->h2) + h2->assigned_count;
    uint32_t limit = h2->asked_ns > 0 ? 0 : limit_of(conn, h2->limit); /* is it alive? */
    return limit > used ? limit - used : 0;
}

/* It serves no more once those that it has are done. */
static bool is_spent(const rp_conn *conn)
{
    return rp__conn_retired(conn) || (conn->served > 0 && !rp__conn_may_go_on(conn));
}

/* The pool is told what changed since it last heard, once what was found out is acted on. */
static void room_update(rp_conn *conn)
{
    if (conn->state != RP_CONN_OPEN)
        return;
    if (conn->in_flight == 0 && is_spent(conn)) {
        rp__conn_close(conn);
        return;
    }
    bool has = rp__conn_room(conn) > 0, known = !rp__list_empty(&conn->ready_link);
    if (has != known || conn->in_flight == 0)
        rp__conn_room_changed(conn);
}

/* One of them has left it: the room did not become less. */
static void room_grew(rp_conn *conn)
{
    if (conn->in_flight == 0 || rp__list_empty(&conn->ready_link))
        room_update(conn);
}

/* ---- telling requests what became of them ---- */

static void fill(rp_stream *stream, void *user);

static void want_fill(rp_conn *conn)
{
    const session *h2 = session_of(conn);
    if (conn->state == RP_CONN_OPEN && (h2->assigned_count > 0 || rp__h2_wants_drain(h2->h2)))
        rp__stream_want_fill(conn->stream, fill);
}

/* The request goes on, or ends, without the connection. */
static void detach(rp_conn *conn, rp_request *request)
{
    session *h2 = session_of(conn);
    rp_h2_stream *stream = stream_of(request);
    rp__conn_detach(conn, request);
    request->exchange = NULL;
    if (stream != NULL) {
        stream->user = NULL;
    } else {
        rp__list_remove(&request->queue_link);
        h2->assigned_count--;
    }
}

/* RST_STREAM. Two causes are the whole connection's, or origin's, and another may do; the others
 * are an answer of a kind, by a connection that is well. */
static void reset_by_server(rp_conn *conn, rp_request *request, const rp_error *error)
{
    if (error->h2_code == RP_H2_ENHANCE_YOUR_CALM || error->h2_code == RP_H2_HTTP_1_1_REQUIRED)
        rp__conn_lost(conn, request, RP_FATE_UNKNOWN, error);
    else
        rp__request_finish(request, error);
}

static void tell_bad_end(rp_conn *conn, rp_request *request, rp_h2_end end, const rp_error *error)
{
    rp_error told;
    const char *what =
        end == RP_H2_UNUSABLE ? "the answer of %.120s can't be used: %s" : "%.120s: %s";
    (void)rp__error_set(&told, error->status, error->phase, what, rp__conn_peer(conn), error->text);
    told.h2_code = error->h2_code;
    told.replay_safe = error->replay_safe;
    switch (end) {
    case RP_H2_COMPLETE:
        break;
    case RP_H2_UNPROCESSED:
        rp__conn_lost(conn, request, RP_FATE_UNPROCESSED, &told);
        break;
    case RP_H2_GIVEN_UP:
        reset_by_server(conn, request, &told);
        break;
    case RP_H2_UNUSABLE:
        rp__request_finish(request, &told);
        break;
    }
}

static void tell_ends(rp_conn *conn)
{
    session *h2 = session_of(conn);
    rp_h2_stream *stream;
    rp_h2_end end;
    rp_error error;
    while ((stream = rp__h2_next_end(h2->h2, &end, &error)) != NULL) {
        rp_request *request = stream->user;
        detach(conn, request);
        conn->idle_since_ns = now_of(conn);
        room_grew(conn);
        if (end == RP_H2_COMPLETE)
            rp__request_finish(request, NULL);
        else
            tell_bad_end(conn, request, end, &error);
    }
}

/* ---- the connection's end ---- */

/* Those of which nothing was written go to other connections: to this one none of them may come
 * back, so the pool must know by now what it takes. */
static void move_assigned(rp_conn *conn)
{
    session *h2 = session_of(conn);
    rp_error error;
    h2->limit = rp__h2_limit(h2->h2);
    while (h2->assigned_count > 0) {
        rp_request *request = RP_CONTAINER(h2->assigned.previous, rp_request, queue_link);
        (void)rp__error_set(&error, RP_E_CLOSED_EARLY, RP_PHASE_REQUEST,
                            "%s ends connections before a request can be written",
                            rp__conn_peer(conn));
        if (!request->on_used)
            rp__conn_note(conn, request);
        detach(conn, request);
        room_update(conn);
        rp__conn_lost(conn, request, RP_FATE_UNPROCESSED, &error);
    }
}

/* What of its end is to be told of a request that it takes with it; end NULL: in order. */
static void loss_make(const rp_conn *conn, const rp_request *request, const rp_error *end,
                      rp_error *error)
{
    rp_error farewell;
    const char *peer = rp__conn_peer(conn);
    const rp_h2_stream *stream = stream_of(request);
    if (rp__h2_farewell(session_of(conn)->h2, &farewell)) {
        (void)rp__error_set(error, farewell.status, rp__request_answer_phase(request), "%.120s: %s",
                            peer, farewell.text);
        error->h2_code = farewell.h2_code;
    } else if (rp__conn_loss(conn, request, end, error)) {
        return;
    } else if (!stream->told_head) {
        (void)rp__error_set(error, RP_E_BODY_TRUNCATED, rp__request_answer_phase(request),
                            "the answer of %.120s can't be used: the server closed the connection "
                            "before the response's head was complete",
                            peer);
    } else {
        (void)rp__error_set(error, RP_E_BODY_TRUNCATED, rp__request_answer_phase(request),
                            "the answer of %.120s can't be used: the server closed the connection "
                            "after %llu bytes of the body, before its end",
                            peer, (unsigned long long)stream->body_bytes);
    }
}

/* Retired first, so that a replay finds a clean pool; closed when its last request is gone, which
 * may be one whose answer came in whole and waits for credit. */
static void over(rp_conn *conn, const rp_error *end)
{
    session *h2 = session_of(conn);
    rp_h2_stream *stream;
    rp_error error;
    if (!rp__conn_retired(conn))
        rp__conn_retire(conn);
    tell_ends(conn); /* the last drain's */
    while ((stream = rp__h2_first(h2->h2)) != NULL) {
        rp_request *request = stream->user;
        loss_make(conn, request, end, &error);
        detach(conn, request);
        rp__h2_drop(h2->h2, stream, now_of(conn));
        room_update(conn);
        rp__conn_lost(conn, request, RP_FATE_UNKNOWN, &error);
    }
    move_assigned(conn);
}

/* False: frames are lost, and with them the connection. Where the network failed its end tells. */
static bool put(rp_conn *conn, uint8_t *bytes, size_t size, rp_error *error)
{
    rp_loop *loop = conn->client->loop;
    if (size == 0)
        return true;
    if (size > loop->scratch_used)
        loop->scratch_used = size;
    rp_status status = rp__stream_put(conn->stream, bytes, size, error);
    rp__wipe(bytes, size);
    return status == RP_OK || status == RP_E_RESET;
}

static void give_up(rp_conn *conn, const rp_error *error)
{
    session_of(conn)->is_over = true;
    over(conn, error);
    if (conn->state == RP_CONN_OPEN && conn->in_flight == 0)
        rp__conn_close(conn);
}

/* It broke the rules, or there is no memory: the last words leave, and that was it. */
static void failed(rp_conn *conn)
{
    rp_error why, error;
    if (conn->state != RP_CONN_OPEN)
        return;
    rp__h2_failure(session_of(conn)->h2, &why);
    (void)rp__error_set(&error, why.status, why.phase, "%.120s: %s", rp__conn_peer(conn), why.text);
    error.h2_code = why.h2_code;
    give_up(conn, &error);
}

/* ---- what http/h2 found out ---- */

static void settle(rp_conn *conn)
{
    session *h2 = session_of(conn);
    rp__stream_await(conn->stream, rp__h2_open(h2->h2));
    h2->limit = rp__h2_limit(h2->h2);
    if (rp__h2_said_limit(h2->h2) && !rp__h2_is_leaving(h2->h2) && conn->takes != h2->limit)
        rp__conn_takes(conn, h2->limit);
    if (conn->state == RP_CONN_OPEN && !rp__conn_retired(conn) &&
        (rp__h2_is_leaving(h2->h2) || now_of(conn) >= conn->last_ns)) {
        if (conn->in_flight == 0)
            rp__conn_learn(conn);
        rp__conn_retire(conn);
    }
    room_update(conn);
    tell_ends(conn);
    want_fill(conn);
}

/* ---- http/h2's events ---- */

/* Of many requests under way the near caches hold few. */
static void on_answer(void *user, rp_h2_stream *stream)
{
    rp_conn *conn = user;
    rp_request *request = stream->user;
    const rp_request *next = rp__h2_next_user(session_of(conn)->h2, stream);
    if (next != NULL)
        rp__fetch(next, FETCHED);
    rp__request_on_moved(request);
}

static void on_head(void *user, rp_h2_stream *stream, const rp_response_head *head)
{
    (void)user;
    rp__request_on_head(stream->user, head);
}

static void on_body(void *user, rp_h2_stream *stream, const uint8_t *data, size_t size)
{
    (void)user;
    rp__request_on_body(stream->user, data, size);
}

static void on_trailers(void *user, rp_h2_stream *stream, const rp_header *trailers, size_t count)
{
    (void)user;
    rp__request_on_trailers(stream->user, trailers, count);
}

static void on_frame(void *user, rp_h2_stream *stream, size_t out_size)
{
    rp_conn *conn = user;
    rp_request *request = stream->user;
    if (request->head_size == 0)
        request->head_size = (size_t)stream->sent_bytes;
    stream->sent_mark = rp__stream_sent(conn->stream) + out_size;
    rp__upload_taken(request);
    if (!stream->uploading)
        rp__request_on_sent(request);
}

static const rp_h2_events events = {.on_answer = on_answer,
                                    .on_head = on_head,
                                    .on_body = on_body,
                                    .on_trailers = on_trailers,
                                    .on_frame = on_frame};

/* ---- is it alive? ----
 *
 * While requests are under way and nothing comes, a PING is sent after a while, and the connection
 * is given up if nothing comes then either; a peer's system that has not got to the PING, and takes
 * more of what is before it, is a sign of life, too, where that can be seen, and so is a part of a
 * record, which a slow network may bring for longer than that. The time runs from when the PING is
 * decided on: what keeps it from leaving may be just what is wrong. One timer looks. */

static void silence_look(rp_timer *timer, void *user);

static void silence_watch(rp_conn *conn, uint64_t until_ns)
{
    rp__timer_start_internal(conn->client->loop, &session_of(conn)->silence,
                             rp__time_left_ms(now_of(conn), until_ns), silence_look, conn);
}

static void ask(rp_conn *conn)
{
    session *h2 = session_of(conn);
    h2->asked_ns = now_of(conn);
    h2->confirmed = rp__stream_confirmed(conn->stream);
    rp__h2_ping(h2->h2);
    room_update(conn);
    want_fill(conn);
    silence_watch(conn, rp__time_after(h2->asked_ns, conn->client->options.http2_ping_timeout_ms));
}

static void given_up(rp_conn *conn)
{
    rp_error error;
    (void)rp__error_set(&error, RP_E_H2_PING_TIMEOUT, RP_PHASE_HEAD,
                        "%s was silent, and gave no sign of life within %llu ms (PING)",
                        rp__conn_peer(conn),
                        (unsigned long long)conn->client->options.http2_ping_timeout_ms);
    give_up(conn, &error);
}

static void silence_look(rp_timer *timer, void *user)
{
    rp_conn *conn = user;
    session *h2 = session_of(conn);
    const rp_client_options *options = &conn->client->options;
    uint64_t confirmed = rp__stream_confirmed(conn->stream);
    (void)timer;
    if (conn->state != RP_CONN_OPEN || rp__h2_first(h2->h2) == NULL)
        return;
    if (h2->broken) { /* the peer does not take what is before its last words */
        failed(conn);
        return;
    }
    if (h2->asked_ns > 0 && confirmed > h2->confirmed &&
        confirmed < rp__stream_sent(conn->stream)) {
        h2->asked_ns = now_of(conn);
        h2->confirmed = confirmed;
    }
    if (h2->asked_ns > 0 && rp__stream_heard_ns(conn->stream) > h2->asked_ns)
        h2->asked_ns = rp__stream_heard_ns(conn->stream);
    uint64_t end = h2->asked_ns > 0 ? rp__time_after(h2->asked_ns, options->http2_ping_timeout_ms)
                                    : rp__time_after(h2->heard_ns, options->http2_ping_idle_ms);
    if (now_of(conn) < end)
        silence_watch(conn, end);
    else if (h2->asked_ns > 0)
        given_up(conn);
    else
        ask(conn);
}

/* A request is written. Before the first one nobody waited for anything; the timer may be running
 * from those of before. */
static void silence_begins(rp_conn *conn)
{
    session *h2 = session_of(conn);
    uint64_t idle_ms = conn->client->options.http2_ping_idle_ms;
    if (rp__h2_open(h2->h2) == 1)
        h2->heard_ns = now_of(conn);
    if (!h2->silence.private_started && idle_ms != RP_NEVER_MS)
        silence_watch(conn, rp__time_after(h2->heard_ns, idle_ms));
}

/* ---- the stream's events ---- */

static void received(rp_conn *conn, const uint8_t *data, size_t size)
{
    session *h2 = session_of(conn);
    if (h2->broken)
        return;
    const rp_request *first = rp__h2_expect(h2->h2);
    if (first != NULL)
        rp__fetch(first, FETCHED);
    if (rp__h2_feed(h2->h2, data, size, now_of(conn))) {
        h2->heard_ns = now_of(conn);
        h2->asked_ns = 0;
    } else {
        h2->broken = true;
    }
    settle(conn); /* if that failed fill says so: what came is read by then, or a close resets */
    if (h2->broken && conn->state == RP_CONN_OPEN)
        silence_watch(conn, rp__time_after(now_of(conn), LAST_WORDS_MS));
}

/* It broke the rules, and left before it could be told. */
static bool has_broken(rp_conn *conn)
{
    uint8_t *out = conn->client->loop->scratch;
    size_t size = 0;
    bool good = rp__h2_drain(session_of(conn)->h2, out, RP_SCRATCH_BYTES, &size, now_of(conn));
    rp__wipe(out, size);
    return !good;
}

static void ended(rp_conn *conn, const rp_error *end)
{
    if (conn->in_flight == 0)
        rp__conn_learn(conn);
    if (has_broken(conn))
        failed(conn);
    else
        give_up(conn, end);
}

/* ---- writing ---- */

static void serve(rp_conn *conn, rp_request *request)
{
    session *h2 = session_of(conn);
    rp_h2_request exchange = {.message = &request->message,
                              .body = request->has_body ? &request->upload.body : NULL,
                              .head_only = request->head_only,
                              .limited = request->has_credit_limit,
                              .credit = request->credit_bytes,
                              .user = request};
    rp_h2_stream *stream = rp__h2_submit(h2->h2, &exchange);
    if (stream == NULL) {
        rp_error error;
        (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_REQUEST,
                            "no memory for the request's head");
        rp__request_finish_later(request, &error);
        return;
    }
    rp__list_remove(&request->queue_link);
    h2->assigned_count--;
    request->exchange = stream;
    request->head_size = 0;
    stream->plain_base = rp__stream_plain_put(conn->stream);
    rp__conn_serves(conn, request);
    request->stream_id = stream->id;
    if (exchange.body != NULL) {
        rp__request_on_upload(request);
        rp__upload_begins(request);
    }
    silence_begins(conn);
    if (request->message.says_close)
        rp__conn_retire(conn);
}

static bool takes_more(const rp_conn *conn)
{
    const session *h2 = session_of(conn);
    return conn->state == RP_CONN_OPEN && !rp__conn_retired(conn) &&
           rp__h2_open(h2->h2) < rp__h2_limit(h2->h2);
}

/* As many as the server takes, and as fit. Calls nobody back: the connection is in the middle of a
 * fill. */
static void serve_assigned(rp_conn *conn, size_t used)
{
    session *h2 = session_of(conn);
    while (h2->assigned_count > 0 && takes_more(conn)) {
        rp_request *request = RP_CONTAINER(h2->assigned.next, rp_request, queue_link);
        size_t bound = rp__h2_head_bound(&request->message);
        if (used > 0 && used + bound + RP_H2_DRAIN_LEAST > RP_SCRATCH_BYTES)
            return; /* with the next fill */
        used += bound;
        serve(conn, request);
    }
}

/* The stream's pump has delivered all that came, so this is the time to judge whether the
 * connection may be used: what is written now leaves at once. */
static void fill(rp_stream *stream, void *user)
{
    rp_conn *conn = user;
    session *h2 = session_of(conn);
    uint8_t *out = conn->client->loop->scratch;
    size_t size = 0;
    bool fresh = rp__h2_open(h2->h2) == 0;
    bool unfit = rp__stream_input_get(stream) == RP_INPUT_ENDED || rp__conn_retired(conn) ||
                 (fresh && rp__conn_is_used(conn) && rp__conn_aged(conn));
    /* An upload may fill all there is, again and again: heads go before it. */
    bool good = rp__h2_drain_first(h2->h2, out, RP_SCRATCH_BYTES, &size, now_of(conn));
    if (good && !unfit)
        serve_assigned(conn, size);
    if (good && conn->state == RP_CONN_OPEN)
        good = rp__h2_drain(h2->h2, out, RP_SCRATCH_BYTES, &size, now_of(conn));
    if (conn->state != RP_CONN_OPEN) { /* closed, as its last request could not be served */
        rp__wipe(out, size);
        return;
    }
    rp_error error;
    if (!put(conn, out, size, &error)) {
        give_up(conn, &error);
        return;
    }
    if (unfit && h2->assigned_count > 0 && !rp__conn_retired(conn))
        rp__conn_retire(conn);
    if (h2->assigned_count > 0 && !takes_more(conn))
        move_assigned(conn);
    settle(conn);
    if (!good)
        failed(conn);
}

/* ---- the protocol ---- */

static bool begin(rp_conn *conn)
{
    rp_client *client = conn->client;
    rp_memory *memory = &client->loop->memory;
    if (client->h2_memory == NULL)
        client->h2_memory = rp__h2_memory_create(memory);
    session *h2 = client->h2_memory == NULL ? NULL : rp__allocate(memory, sizeof(*h2));
    if (h2 == NULL)
        return false;
    rp_h2_options options = {.memory = client->h2_memory,
                             .chunks = &client->loop->chunks,
                             .head_bytes = client->options.head_limit_bytes,
                             .header_count = client->options.header_count_limit,
                             .informational_count = client->options.informational_limit,
                             .streams_early = client->options.http2_streams_early,
                             .stream_window = client->options.http2_stream_window_bytes,
                             .window_limit = client->options.http2_window_limit_bytes};
    h2->h2 = rp__h2_create(&options, &events, conn);
    if (h2->h2 == NULL) {
        rp__free(memory, h2);
        return false;
    }
    h2->conn = conn;
    h2->limit = rp__h2_limit(h2->h2);
    rp__list_init(&h2->assigned);
    rp__list_init(&h2->later.link);
    conn->session = h2;
    rp__stream_want_fill(conn->stream, fill);
    return true;
}

static void end(rp_conn *conn)
{
    session *h2 = session_of(conn);
    rp_timer_stop(conn->client->loop, &h2->silence);
    rp__loop_undefer(&h2->later);
    rp__h2_destroy(h2->h2);
    rp__free(&conn->client->loop->memory, h2);
}

/* GOAWAY, NO_ERROR; no stream is the server's (RFC 9113, 6.8). Not by http/h2, which may be
 * in the middle of a callback. Behind the preface alone, and not in the middle of a head. */
static void farewell(rp_conn *conn)
{
    static const uint8_t frame[17] = {0, 0, 8, 7};
    const session *h2 = session_of(conn);
    rp_error ignored;
    if (!h2->is_over && !rp__h2_is_cut(h2->h2) && rp__stream_plain_put(conn->stream) > 0 &&
        rp__stream_input_get(conn->stream) != RP_INPUT_ENDED)
        (void)rp__stream_put(conn->stream, frame, sizeof(frame), &ignored);
}

static void start(rp_conn *conn, rp_request *request)
{
    session *h2 = session_of(conn);
    rp__list_append(&h2->assigned, &request->queue_link);
    h2->assigned_count++;
    rp__stream_want_fill(conn->stream, fill);
}

static void abandon(rp_conn *conn, rp_request *request)
{
    session *h2 = session_of(conn);
    rp_h2_stream *stream = stream_of(request);
    detach(conn, request);
    if (stream != NULL) {
        conn->idle_since_ns = now_of(conn);
        rp__h2_drop(h2->h2, stream, now_of(conn));
    }
    if (conn->client->destroyed)
        return; /* which closes it */
    if (rp__h2_unwanted(h2->h2) > limit_of(conn, rp__h2_limit(h2->h2)) / 2 &&
        conn->state == RP_CONN_OPEN && !rp__conn_retired(conn))
        rp__conn_retire(conn);
    room_update(conn);
    want_fill(conn);
}

static void body(rp_conn *conn, rp_request *request)
{
    rp_h2_stream *stream = stream_of(request);
    if (stream == NULL)
        return;
    rp__h2_body_more(session_of(conn)->h2, stream);
    want_fill(conn);
}

static void deliver_later(rp_deferred *deferred)
{
    session *h2 = RP_CONTAINER(deferred, session, later);
    if (h2->conn->state != RP_CONN_OPEN)
        return;
    rp__h2_deliver(h2->h2);
    settle(h2->conn);
}

static void consume(rp_conn *conn, rp_request *request, size_t size)
{
    session *h2 = session_of(conn);
    rp_h2_stream *stream = stream_of(request);
    if (stream == NULL)
        return;
    if (rp__h2_consume(h2->h2, stream, size))
        rp__loop_defer(conn->client->loop, &h2->later, deliver_later);
    want_fill(conn);
}

static uint64_t bytes_sent(const rp_conn *conn, const rp_request *request)
{
    const rp_h2_stream *stream = stream_of(request);
    return stream != NULL && rp__stream_plain_handed(conn->stream) > stream->plain_base
               ? stream->sent_bytes
               : 0;
}

static uint64_t moved_ns(const rp_conn *conn, const rp_request *request)
{
    const rp_h2_stream *stream = stream_of(request);
    const session *h2 = session_of(conn);
    if (stream == NULL)
        return 0;
    /* Whose a record is will be seen when it is there: the time since the last whole one, in which
     * parts of it came, is held against nobody until then. */
    uint64_t since_ns = h2->heard_ns > stream->moved_ns ? h2->heard_ns : stream->moved_ns;
    uint64_t heard_ns = rp__stream_heard_ns(conn->stream);
    bool in_record = rp__stream_input_get(conn->stream) == RP_INPUT_UNREAD;
    return in_record && heard_ns > since_ns ? stream->moved_ns + (heard_ns - since_ns)
                                            : stream->moved_ns;
}

/* What goes out behind the request says nothing about it. */
static uint64_t confirmed(const rp_conn *conn, const rp_request *request, bool *all)
{
    const rp_h2_stream *stream = stream_of(request);
    uint64_t bytes = rp__stream_confirmed(conn->stream);
    *all = stream == NULL || bytes >= stream->sent_mark;
    return *all && stream != NULL ? stream->sent_mark : bytes;
}

const rp_protocol rp__http2 = {
    .alpn = "h2",
    .version = 20,
    .multiplexed = true,
    .begin = begin,
    .end = end,
    .farewell = farewell,
    .room = room,
    .start = start,
    .abandon = abandon,
    .body = body,
    .consume = consume,
    .bytes_sent = bytes_sent,
    .moved_ns = moved_ns,
    .confirmed = confirmed,
    .received = received,
    .ended = ended,
};
