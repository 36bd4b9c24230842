/* h1.c - HTTP/1.1 on a connection: the stream's bytes in, a request's events out.
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
#include "client/conn.h"

#include "base/assert.h"
#include "base/error.h"
#include "client/request.h"
#include "http/headers.h"

#include <string.h>

#define SMALL_REQUEST_BYTES ((size_t)16384)
#define SECONDS_MOST 100000000u /* of a Keep-Alive header: three years */

typedef enum h1_state {
    H1_FREE,     /* no request */
    H1_ASSIGNED, /* a request of which nothing was written yet */
    H1_SERVING
} h1_state;

typedef struct session {
    rp_h1_parser *parser;
    rp_request *request; /* ASSIGNED, SERVING */
    h1_state state;
    bool doubtful;       /* must not serve again, whatever the response says */
    bool body_unsent;    /* the current request's body is still being written */
    bool body_last;      /* its end is in the stream's output */
    bool is_old;         /* the server has answered in HTTP/1.0 */
    bool given;          /* the connection is the caller's: rp_request_upgrade */
    uint64_t plain_base; /* the stream's rp__stream_plain_handed where the request began */
    rp_write body_write;
} session;

static session *session_of(const rp_conn *conn)
{
    return conn->session;
}

/* ---- telling requests what became of them ---- */

/* The request goes on, or ends, without the connection. */
static rp_request *detach(rp_conn *conn)
{
    session *h1 = session_of(conn);
    rp_request *request = h1->request;
    rp__conn_detach(conn, request);
    rp__stream_want_fill(conn->stream, NULL);
    h1->request = NULL;
    return request;
}

/* What came, or ended, before anything of the request was written speaks against the connection and
 * not against the request, which goes to another (RFC 9112, 9.2: nobody asked for it). */
static void move_on(rp_conn *conn)
{
    rp_request *request = detach(conn);
    rp_error error;
    (void)rp__error_set(&error, RP_E_BAD_RESPONSE, RP_PHASE_REQUEST,
                        "%s sends data on new connections before it is asked for any",
                        rp__conn_peer(conn));
    if (!request->on_used)
        rp__conn_note(conn, request);
    rp__conn_close(conn);
    rp__conn_lost(conn, request, RP_FATE_UNPROCESSED, &error);
}

/* The connection ended or broke under its request. Closed first, so that a replay finds a clean
 * pool. */
static void request_lost(rp_conn *conn, const rp_error *error)
{
    rp_request *request = detach(conn);
    rp__conn_close(conn);
    rp__conn_lost(conn, request, RP_FATE_UNKNOWN, error);
}

static void request_failed(rp_conn *conn, const rp_error *error)
{
    rp_error told;
    (void)rp__error_set(&told, error->status, error->phase,
                        "the answer of %.120s can't be used: %s", rp__conn_peer(conn), error->text);
    rp__request_finish(session_of(conn)->request, &told);
}

/* What was still in the stream, or comes in this turn, is seen before the next request is written:
 * see fill(). */
static bool may_serve_again(const rp_conn *conn, const rp_request *request)
{
    const session *h1 = session_of(conn);
    return !h1->body_unsent && !h1->doubtful && !request->message.says_close &&
           rp__h1_parser_keep_alive(h1->parser) && rp__conn_may_go_on(conn);
}

static void request_complete(rp_conn *conn, bool reusable)
{
    rp_request *request = detach(conn);
    conn->idle_since_ns = rp__loop_now_ns(conn->client->loop);
    if (reusable && may_serve_again(conn, request)) {
        if (request->has_credit_limit)
            rp__stream_set_credit(conn->stream, false, 0);
        session_of(conn)->state = H1_FREE;
        rp__conn_room_changed(conn);
    } else {
        rp__conn_close(conn);
    }
    rp__request_finish(request, NULL);
}

/* ---- how long the server keeps the connection ---- */

/* The number behind "name=" at the beginning of text; false: it does not begin so. */
static bool parameter(const char *text, const char *name, uint64_t *value)
{
    size_t size = strcspn(text, "=,");
    if (!rp__name_equal(text, size, name) || text[size] != '=')
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
static void keep_alive_parse(session *h1, const char *text, uint64_t *least_ms)
{
    while (*text != '\0') {
        uint64_t value;
        text += strspn(text, " \t,");
        if (parameter(text, "timeout", &value)) {
            uint64_t limit_ms = value > 1 ? (value - 1) * 1000 : value * 500;
            if (limit_ms < *least_ms)
                *least_ms = limit_ms;
            h1->doubtful = h1->doubtful || value == 0;
        } else if (parameter(text, "max", &value)) {
            h1->doubtful = h1->doubtful || value == 0;
        }
        text += strcspn(text, ",");
    }
}

static void keep_alive_note(rp_conn *conn, const rp_response_head *head)
{
    uint64_t limit_ms = RP_NEVER_MS;
    for (size_t i = 0; i < head->header_count; i++) {
        const char *name = head->headers[i].name;
        if ((name[0] == 'k' || name[0] == 'K') && rp__name_equal(name, strlen(name), "keep-alive"))
            keep_alive_parse(session_of(conn), head->headers[i].value, &limit_ms);
    }
    rp__conn_keep_alive(conn, limit_ms);
}

/* ---- the parser's events ---- */

static bool on_head(void *user, const rp_response_head *head)
{
    rp_conn *conn = user;
    rp_request *request = session_of(conn)->request;
    if (!head->informational)
        keep_alive_note(conn, head);
    session_of(conn)->is_old = head->version == 10;
    rp__request_on_head(request, head);
    return session_of(conn)->request == request;
}

static bool on_body(void *user, const uint8_t *data, size_t size)
{
    rp_conn *conn = user;
    rp_request *request = session_of(conn)->request;
    rp__request_on_body(request, data, size);
    return session_of(conn)->request == request;
}

static void on_trailers(void *user, const rp_header *trailers, size_t count)
{
    rp_conn *conn = user;
    rp__request_on_trailers(session_of(conn)->request, trailers, count);
}

/* The answer's head gave the connection to the caller (rp_request_upgrade), who gets what stands
 * behind it. The request may have been cancelled there. */
static void let_go(rp_conn *conn, rp_request *request, const uint8_t *rest, size_t size,
                   size_t used)
{
    rp_stream *stream = conn->stream;
    if (request->has_credit_limit)
        rp_stream_consume(stream, used);
    if (session_of(conn)->request != NULL)
        (void)detach(conn);
    rp__conn_let_go(conn);
    rp__request_finish_now(request);
    rp__stream_hand(stream, rest, size);
}

rp_stream *rp_request_upgrade(rp_request *request, const rp_stream_events *events, void *user)
{
    rp_conn *conn = request->conn;
    if (!rp__loop_is_ours(request->client->loop) || !request->upgrading || request->cancelled ||
        events == NULL || conn->state != RP_CONN_OPEN)
        return NULL;
    rp_stream *stream = conn->stream;
    session_of(conn)->given = true;
    rp__conn_give(conn, events, user);
    return stream;
}

static const rp_h1_events parser_events = {
    .on_head = on_head, .on_body = on_body, .on_trailers = on_trailers};

/* ---- the stream's events ---- */

static void body_is_sent(rp_conn *conn)
{
    session *h1 = session_of(conn);
    rp__stream_want_fill(conn->stream, NULL);
    h1->body_unsent = false;
    rp__request_on_sent(h1->request);
}

static void received(rp_conn *conn, const uint8_t *data, size_t size)
{
    const session *h1 = session_of(conn);
    rp_request *request = h1->request;
    if (h1->state != H1_SERVING) {
        /* Nobody asked: whatever it is, the next request must not get it. */
        if (h1->state == H1_ASSIGNED)
            move_on(conn);
        else
            rp__conn_close(conn);
        return;
    }
    /* The body's end went out in this turn, and what it was answered came in it as well. */
    if (h1->body_unsent && h1->body_last && rp__stream_all_sent(conn->stream)) {
        body_is_sent(conn);
        if (h1->request != request)
            return;
    }
    rp_error error;
    size_t used = 0;
    uint64_t body_before = request->body_bytes;
    bool limited = request->has_credit_limit;
    rp__request_on_moved(request);
    rp_h1_result result = rp__h1_parser_feed(h1->parser, data, size, &used, &error);
    if (h1->given) { /* the request itself may be gone, by a callback */
        let_go(conn, request, data + used, size - used, used);
        return;
    }
    if (h1->request != request)
        return; /* a callback ended it */
    if (!request->told_head && rp__h1_parser_in_head(h1->parser))
        rp__request_on_moved(request); /* behind an interim response the next head has begun */
    if (limited)                       /* what is no body needs no credit of the caller's */
        rp_stream_consume(conn->stream, size - (size_t)(request->body_bytes - body_before));
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
    rp__conn_learn(conn);
    if (session_of(conn)->state == H1_ASSIGNED)
        move_on(conn);
    else
        rp__conn_close(conn);
}

static void ended(rp_conn *conn, const rp_error *end)
{
    const session *h1 = session_of(conn);
    rp_request *request = h1->request;
    rp_error error;
    if (request == NULL || (h1->state == H1_ASSIGNED && request->on_used)) {
        ended_unused(conn);
        return;
    }
    if (h1->state == H1_ASSIGNED) {
        rp__conn_note(conn, request);
        rp__h1_parser_start(h1->parser, request->head_only);
    }
    rp_h1_result result = rp__h1_parser_end(h1->parser, end == NULL, &error);
    if (h1->request != request)
        return;
    if (result == RP_H1_COMPLETE) {
        request_complete(conn, false);
        return;
    }
    rp_error loss;
    if (rp__conn_loss(conn, request, end, &loss))
        request_lost(conn, &loss);
    else
        request_failed(conn, &error);
}

/* ---- writing ---- */

static void body_written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    rp_conn *conn = user;
    session *h1 = session_of(conn);
    (void)stream;
    (void)write;
    h1->body_unsent = false;
    if (h1->request == NULL)
        return;
    if (error == NULL) {
        rp__request_on_sent(h1->request);
        return;
    }
    /* The server may have answered before it stopped reading: the answer, or the end, will come. */
    h1->body_unsent = true;
    rp_error told;
    if (!rp__conn_loss(conn, h1->request, error, &told))
        told = *error;
    told.phase = RP_PHASE_REQUEST;
    if (error->status != RP_E_RESET && error->status != RP_E_IO_FAILED)
        request_lost(conn, &told);
}

/* A request whose head and body fit is sent as one record and needs no completion of its own. */
static bool has_small_body(const rp_request *request)
{
    const rp_body *body = &request->upload.body;
    return !request->has_body ||
           (body->data != NULL && !rp__message_expects(&request->message, 11) &&
            request->head_size + body->length <= SMALL_REQUEST_BYTES);
}

/* When it was sent as far as it was given, the network has all of that, and more may follow. */
static void body_fill(rp_stream *stream, void *user)
{
    rp_conn *conn = user;
    session *h1 = session_of(conn);
    rp_request *request = h1->request;
    RP_ASSERT(h1->state == H1_SERVING);
    if (h1->body_last) {
        body_is_sent(conn);
        return;
    }
    rp_error error;
    uint8_t *out = conn->client->loop->scratch;
    size_t size = rp__h1_body_write(&request->upload.body, request->message.chunked, out,
                                    RP_SCRATCH_BYTES, &h1->body_last);
    rp_status status = rp__stream_put(stream, out, size, &error);
    rp__wipe(out, size);
    if (status == RP_E_RESET) /* the answer, or the end, will come */
        return;
    if (status != RP_OK) {
        rp__request_finish_later(request, &error);
        return;
    }
    rp__upload_taken(request);
    if (h1->body_last || rp__body_ready(&request->upload.body, 1) > 0)
        rp__stream_want_fill(stream, body_fill);
}

/* The head, and a small body behind it. Nobody else uses the loop's scratch memory: this runs from
 * the stream's pump. */
static rp_status head_send(rp_conn *conn, rp_request *request, rp_error *error)
{
    rp_loop *loop = conn->client->loop;
    const char *proxy = rp__origin_forwards(conn->origin) ? conn->origin->hop->fields : NULL;
    size_t bound = rp__h1_request_bound(&request->message, proxy);
    uint8_t *large = NULL, *text = loop->scratch;
    if (bound > RP_SCRATCH_BYTES)
        text = large = rp__reallocate(&loop->memory, NULL, bound);
    if (text == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_REQUEST,
                             "no memory for the request's head");
    size_t size = request->head_size = rp__h1_request_write(&request->message, proxy, text);
    if (request->has_body && has_small_body(request)) {
        size_t body_size = (size_t)request->upload.body.length;
        memcpy(text + size, request->upload.body.data, body_size);
        size += body_size;
    }
    rp_status status = rp__stream_put(conn->stream, text, size, error);
    rp__wipe(text, size);
    rp__free(&loop->memory, large);
    return status;
}

/* RFC 9112, 6.1: a server of HTTP/1.0 knows no chunks. */
static bool is_too_old(rp_conn *conn, rp_request *request)
{
    rp_error error;
    if (!session_of(conn)->is_old || !request->message.chunked)
        return false;
    (void)rp__error_set(&error, RP_E_BODY_LENGTH, RP_PHASE_REQUEST,
                        "%s speaks HTTP/1.0, which needs to know the length of the request's body",
                        rp__conn_peer(conn));
    rp__request_finish_later(request, &error);
    return true;
}

static void serve(rp_conn *conn)
{
    rp_error error;
    session *h1 = session_of(conn);
    rp_request *request = h1->request;
    if (is_too_old(conn, request))
        return;
    h1->state = H1_SERVING;
    rp__conn_serves(conn, request);
    h1->plain_base = rp__stream_plain_put(conn->stream);
    if (request->upgrades)
        rp__h1_parser_start_upgrade(h1->parser, request->head_only,
                                    rp__message_field(&request->message, "upgrade"));
    else
        rp__h1_parser_start(h1->parser, request->head_only);
    rp__stream_set_credit(conn->stream, request->has_credit_limit, request->credit_bytes);
    if (head_send(conn, request, &error) != RP_OK) {
        rp__request_finish_later(request, &error);
        return;
    }
    if (has_small_body(request)) {
        rp__request_on_sent(request);
        return;
    }
    rp__request_on_upload(request);
    h1->body_unsent = true;
    h1->body_last = false;
    rp__upload_begins(request);
}

/* The stream's pump has delivered all that came, so this is the time to judge whether the
 * connection may be used: what is written now leaves at once. A fresh one may hold the beginning of
 * a record, a session ticket's most likely; then nobody knows which answer is whose after the
 * first. */
static void fill(rp_stream *stream, void *user)
{
    rp_conn *conn = user;
    session *h1 = session_of(conn);
    RP_ASSERT(h1->state == H1_ASSIGNED);
    rp_stream_input input = rp__stream_input_get(stream);
    if (rp__conn_retired(conn)) {
        move_on(conn);
    } else if (!h1->request->on_used) {
        h1->doubtful = h1->doubtful || input == RP_INPUT_UNREAD;
        serve(conn);
    } else if (input == RP_INPUT_UNSEEN) {
        rp__stream_want_fill(stream, fill);
    } else if (input != RP_INPUT_CLEAN || rp__conn_aged(conn)) {
        move_on(conn);
    } else {
        serve(conn);
    }
}

/* ---- the protocol ---- */

static bool begin(rp_conn *conn)
{
    rp_client *client = conn->client;
    rp_memory *memory = &client->loop->memory;
    session *h1 = rp__allocate(memory, sizeof(*h1));
    if (h1 == NULL)
        return false;
    h1->parser =
        rp__h1_parser_create(memory, &client->scratch, &client->limits, &parser_events, conn);
    if (h1->parser == NULL) {
        rp__free(memory, h1);
        return false;
    }
    conn->session = h1;
    rp__conn_takes(conn, 1);
    return true;
}

static void end(rp_conn *conn)
{
    session *h1 = session_of(conn);
    rp__h1_parser_destroy(h1->parser);
    rp__free(&conn->client->loop->memory, h1);
}

static uint32_t room(const rp_conn *conn)
{
    return session_of(conn)->state == H1_FREE ? 1 : 0;
}

static void start(rp_conn *conn, rp_request *request)
{
    session *h1 = session_of(conn);
    RP_ASSERT(h1->state == H1_FREE);
    h1->request = request;
    h1->state = H1_ASSIGNED;
    rp__stream_want_fill(conn->stream, fill);
}

static void abandon(rp_conn *conn, rp_request *request)
{
    session *h1 = session_of(conn);
    (void)request;
    (void)detach(conn);
    if (h1->state == H1_ASSIGNED && !conn->client->destroyed &&
        rp__stream_input_get(conn->stream) != RP_INPUT_ENDED) {
        h1->state = H1_FREE;
        rp__conn_room_changed(conn);
    } else {
        rp__conn_close(conn); /* in the middle of a response it can't serve another */
    }
}

static void body(rp_conn *conn, rp_request *request)
{
    session *h1 = session_of(conn);
    rp_body *bytes = &request->upload.body;
    size_t ready = rp__body_ready(bytes, SIZE_MAX);
    if (h1->state != H1_SERVING || h1->body_last || (ready == 0 && !rp__body_ends(bytes, 0)))
        return;
    if (bytes->produced) {
        rp__stream_want_fill(conn->stream, body_fill);
        return;
    }
    h1->body_last = true;
    rp_status status =
        rp_stream_write(conn->stream, &h1->body_write, bytes->data, ready, body_written, conn);
    RP_ASSERT(status == RP_OK);
}

static void consume(rp_conn *conn, rp_request *request, size_t size)
{
    (void)request;
    rp_stream_consume(conn->stream, size);
}

static uint64_t bytes_sent(const rp_conn *conn, const rp_request *request)
{
    const session *h1 = session_of(conn);
    uint64_t handed = rp__stream_plain_handed(conn->stream);
    (void)request;
    return h1->state == H1_SERVING && handed > h1->plain_base ? handed - h1->plain_base : 0;
}

static uint64_t moved_ns(const rp_conn *conn, const rp_request *request)
{
    (void)request;
    return rp__stream_moved_ns(conn->stream);
}

static uint64_t confirmed(const rp_conn *conn, const rp_request *request, bool *all)
{
    uint64_t bytes = rp__stream_confirmed(conn->stream);
    (void)request;
    *all = bytes >= rp__stream_sent(conn->stream);
    return bytes;
}

const rp_protocol rp__http1 = {
    .alpn = "http/1.1",
    .version = 11,
    .begin = begin,
    .end = end,
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
