/* trace.h - events of a client's requests and connections while they happen, for spans and logs.
 *
 * on_trace of rp_client_options is called for each. Off, it costs a look at a pointer; on, the call
 * alone: nothing is allocated. Attributes have the names of OpenTelemetry's semantic conventions
 * (HTTP client spans, 1.27), where those have one. What they call a span is an attempt here: each
 * time that a request goes out, by a redirect, a retry or a replay too. docs/guide-insight.md shows
 * spans made of it. */
#ifndef RINGPORT_TRACE_H
#define RINGPORT_TRACE_H

#include <ringport/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rp_trace_kind {
    /* Of a request: BEGIN, attempts one after the other, END. Of an attempt: ATTEMPT, then what
     * comes of the others, in their order; QUEUED and ASSIGNED several times if a connection turned
     * out to be no good before anything was sent; ATTEMPT_END. */
    RP_TRACE_BEGIN = 1,   /* rp_client_send took it */
    RP_TRACE_ATTEMPT,     /* it goes out, or waits for a connection */
    RP_TRACE_QUEUED,      /* it waits */
    RP_TRACE_ASSIGNED,    /* it has a connection */
    RP_TRACE_SENT,        /* its last byte was handed to the network */
    RP_TRACE_HEAD,        /* the final response's head came */
    RP_TRACE_BODY,        /* the first bytes of its body came */
    RP_TRACE_ATTEMPT_END, /* another one may follow, or not */
    RP_TRACE_END,         /* on_done is next */
    /* Of a connection. When an opening ends, RESOLVED and CONNECTED, as far as it came, are told
     * with it, each with its own time. */
    RP_TRACE_OPENING,
    RP_TRACE_RESOLVED,
    RP_TRACE_CONNECTED,
    RP_TRACE_OPENED, /* with its handshake, if it has one */
    RP_TRACE_OPEN_FAILED,
    RP_TRACE_CLOSED
} rp_trace_kind;

/* Valid until the callback returns. What is not known, or not of this kind, is 0 or NULL. */
typedef struct rp_trace_event {
    rp_trace_kind kind;
    uint64_t time_ns;    /* when it happened, by the loop's clock, which begins anywhere */
    uint64_t age_ns;     /* how long ago it happened: 0 unless it is told late */
    uint64_t request;    /* its number, of this client (a service has one on each loop: trace tells
                          * them apart); 0: a connection's event */
    uint64_t connection; /* its number, of this client; 0: none */
    void *trace;         /* of rp_request_options: the caller's span, say */
    unsigned resends;    /* attempts before this one: OpenTelemetry's resend_count */
    bool https;
    uint16_t port;
    const char *host;   /* the URL's, lower case, without brackets */
    const char *method; /* cut to 63 bytes */
    const char *target; /* path and query, with all that they say; not NUL-terminated */
    size_t target_size;
    int status;          /* of the final response */
    int version;         /* of the connection: 11 or 20 */
    const char *address; /* the peer's, or its proxy's, "192.0.2.7:443" */
    const char *tls_version, *tls_cipher, *tls_group;
    bool resumed, reused;  /* as in rp_response_summary */
    uint64_t bytes_sent;   /* ATTEMPT_END and END: with the head */
    uint64_t body_bytes;   /* likewise: the response's, as it was sent */
    uint64_t delay_ms;     /* ATTEMPT_END: before a retry */
    const rp_error *error; /* why an attempt, a request or an opening failed */
    const char *why;       /* CLOSED: a phrase, for people */
} rp_trace_event;

/* Nothing is to be called inside but this header's functions. */
typedef void rp_trace_fn(const rp_trace_event *event, void *user);

/* "request.queued", "connection.opened"; a static string, never NULL. Any thread. */
const char *rp_trace_name(rp_trace_kind kind);

/* The URL without user information, and with "REDACTED" for the value of each part of the query
 * that the conventions name (signatures and access keys of signed URLs), or with
 * RP_TRACE_HIDE_QUERY for all of the query. Cut to size, always NUL-terminated. */
enum { RP_TRACE_HIDE_QUERY = 1 };
void rp_trace_url(const rp_trace_event *event, uint32_t flags, char *text, size_t size);

typedef struct rp_trace_attribute {
    const char *name; /* "http.request.method": a static string */
    const char *text; /* NULL: it is a number, or a boolean */
    uint64_t number;  /* where text is NULL: the number, or 1 for true and 0 for false */
    bool boolean;     /* it is true or false, and no number */
} rp_trace_attribute;
typedef void rp_trace_attribute_fn(const rp_trace_attribute *attribute, void *user);

/* Calls fn for each attribute of the event. With ATTEMPT_END, END and OPENED that are all that
 * belong to a span of it; with the others what is news. url.full is cut to 2,047 bytes. */
void rp_trace_attributes(const rp_trace_event *event, uint32_t flags, rp_trace_attribute_fn *fn,
                         void *user);

#ifdef __cplusplus
}
#endif
#endif
