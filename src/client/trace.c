/* trace.c - events for <ringport/trace.h>: made on the stack, of what the request and its
 * connection know already. */
#include "client/trace.h"

#include "client/origin.h"

#include <string.h>

#define METHOD_SIZE 64

const char *rp_trace_name(rp_trace_kind kind)
{
    static const char *const names[] = {
        [RP_TRACE_BEGIN] = "request.begin",
        [RP_TRACE_ATTEMPT] = "attempt.begin",
        [RP_TRACE_QUEUED] = "request.queued",
        [RP_TRACE_ASSIGNED] = "request.assigned",
        [RP_TRACE_SENT] = "request.sent",
        [RP_TRACE_HEAD] = "response.head",
        [RP_TRACE_BODY] = "response.body",
        [RP_TRACE_ATTEMPT_END] = "attempt.end",
        [RP_TRACE_END] = "request.end",
        [RP_TRACE_OPENING] = "connection.opening",
        [RP_TRACE_RESOLVED] = "connection.resolved",
        [RP_TRACE_CONNECTED] = "connection.connected",
        [RP_TRACE_OPENED] = "connection.opened",
        [RP_TRACE_OPEN_FAILED] = "connection.failed",
        [RP_TRACE_CLOSED] = "connection.closed",
    };
    size_t i = (size_t)kind;
    return i < sizeof(names) / sizeof(names[0]) && names[i] != NULL ? names[i] : "?";
}

static void tell(const rp_client *client, const rp_trace_event *event)
{
    client->options.on_trace(event, client->options.on_trace_user);
}

static void origin_add(rp_trace_event *event, const rp_origin *origin)
{
    event->host = origin->host;
    event->port = origin->port;
    event->https = origin->https;
}

/* ---- requests ---- */

static const char *method_copy(char text[METHOD_SIZE], const rp_message *message)
{
    rp_slice method = rp__message_method(message);
    size_t size = method.size < METHOD_SIZE ? method.size : METHOD_SIZE - 1;
    memcpy(text, method.data, size);
    text[size] = '\0';
    return text;
}

static void facts_add(rp_trace_event *event, const rp_conn_facts *facts)
{
    if (facts == NULL)
        return;
    event->version = facts->version;
    event->address = facts->address[0] != '\0' ? facts->address : NULL;
    event->tls_version = facts->tls_version;
    event->tls_cipher = facts->tls_cipher;
    event->tls_group = facts->tls_group;
    event->resumed = facts->resumed;
}

/* What the last connection was is told of an attempt that has one, or had. */
static void connection_add(rp_trace_event *event, const rp_request *request)
{
    const rp_conn *conn = request->conn;
    event->connection = request->traced.connection;
    if (conn == NULL || conn->protocol == NULL) {
        facts_add(event, request->facts);
        event->reused = request->reused;
        return;
    }
    event->connection = conn->number;
    facts_add(event, conn->facts);
    event->reused = request->written ? request->reused : conn->served > 0;
}

/* What the events leave behind for the next. */
static void note(rp_request *request, const rp_trace_event *event)
{
    switch (event->kind) {
    case RP_TRACE_ATTEMPT:
        request->traced.attempt = true;
        break;
    case RP_TRACE_ASSIGNED:
        request->traced.connection = event->connection;
        break;
    case RP_TRACE_ATTEMPT_END:
        request->traced.attempt = false;
        request->traced.resends++;
        request->traced.status = 0;
        request->traced.connection = 0;
        break;
    default:
        break;
    }
}

void rp__trace_tell_request(rp_request *request, rp_trace_kind kind, const rp_error *error,
                            uint64_t delay_ms)
{
    char method[METHOD_SIZE];
    rp_slice target = rp__message_target(&request->message);
    rp_response_summary summary;
    if (request->is_second)
        return; /* what comes of it is told as the first's */
    rp_trace_event event = {
        .kind = kind,
        .time_ns = rp__loop_now_ns(request->client->loop),
        .request = request->order + 1,
        .trace = request->traced.user,
        .resends = request->traced.resends,
        .method = method_copy(method, &request->message),
        .target = (const char *)target.data,
        .target_size = target.size,
        .status = request->traced.status,
        .delay_ms = delay_ms,
        .error = error,
    };
    origin_add(&event, request->origin);
    if (kind == RP_TRACE_END) {
        event.resends -= event.resends > 0; /* the last attempt has ended */
        event.status = request->status;
    }
    if (kind == RP_TRACE_ATTEMPT_END || kind == RP_TRACE_END) {
        rp__request_summarize(request, &summary);
        event.bytes_sent = summary.bytes_sent;
        event.body_bytes = summary.body_bytes;
    }
    if (kind > RP_TRACE_QUEUED)
        connection_add(&event, request);
    tell(request->client, &event);
    note(request, &event);
}

/* ---- connections ---- */

void rp__trace_tell_conn(const rp_conn *conn, rp_trace_kind kind, uint64_t time_ns,
                         const rp_error *error, const char *why)
{
    uint64_t now = rp__loop_now_ns(conn->client->loop);
    bool late = kind <= RP_TRACE_CONNECTED; /* OPENING is first */
    rp_trace_event event = {
        .kind = kind,
        .time_ns = late ? time_ns : now,
        .age_ns = late && now > time_ns ? now - time_ns : 0,
        .connection = conn->number,
        .error = error,
        .why = why,
    };
    origin_add(&event, conn->origin);
    if (!late)
        facts_add(&event, conn->facts);
    else if (kind != RP_TRACE_RESOLVED && conn->facts != NULL && conn->facts->address[0] != '\0')
        event.address = conn->facts->address;
    tell(conn->client, &event);
}
