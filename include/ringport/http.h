/* http.h - the HTTP client: a pool of connections per origin, requests, response events.
 *
 * Requests and responses hold secrets. ringport's copies of them are overwritten before their
 * memory is given back or serves another request, and no error's text quotes a header's value, or a
 * URL's user information or query. */
#ifndef RINGPORT_HTTP_H
#define RINGPORT_HTTP_H

#include <ringport/address.h>
#include <ringport/load.h>
#include <ringport/loop.h>
#include <ringport/proxy.h>
#include <ringport/resolver.h>
#include <ringport/stream.h>
#include <ringport/tls.h>
#include <ringport/trace.h>
#include <ringport/url.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_client rp_client;
typedef struct rp_request rp_request;

/* What connections may speak. */
typedef enum rp_http_versions {
    RP_HTTP_ANY = 0, /* https: HTTP/2 if the server picks it (RFC 7301: "h2,http/1.1"), or HTTP/1.1;
                      * http: HTTP/1.1 */
    RP_HTTP_1_1,
    RP_HTTP_2 /* https: a server that does not pick it ends in RP_E_H2_NOT_SPOKEN; http: with
               * http2_prior_knowledge only */
} rp_http_versions;

typedef struct rp_client_options {
    rp_tls_config *tls;     /* NULL: the defaults of tls.h, made with the first https URL.
                            * Retained */
    rp_resolver *resolver;  /* NULL: the loop's own. Retained */
    const char *user_agent; /* NULL: "ringport/VERSION"; "": none */

    /* Limits. An origin is scheme, host and port (RFC 6454). All origins of a client have the same
     * limits: for one that needs others make another client, on the same loop and with the same tls
     * and resolver. */
    uint32_t connections_per_origin;  /* 0: 64 */
    uint32_t connections_total;       /* 0: 65,536 */
    uint32_t idle_per_origin;         /* kept for reuse; 0: connections_per_origin */
    uint32_t queue_limit;             /* requests waiting for a connection; one more is refused
                                       * (RP_E_QUEUE_FULL), unless a connection has room for it.
                                       * 0: 65,536 */
    uint32_t concurrent_openings;     /* connections being opened at a time; 0: 256. Those that are
                                       * not done after 250 ms do not count: they wait for a server
                                       * that is slow or dead, and must not hold up others */
    uint32_t requests_per_connection; /* 0: no limit */
    uint64_t connection_idle_ms;      /* an unused connection is closed after; 0: 55,000. Earlier
                                       * where the server says so (Keep-Alive: timeout=N) or its
                                       * connections were seen to end sooner */
    size_t head_limit_bytes;          /* of a response's head; 0: 64 KiB */
    uint32_t header_count_limit;      /* of a response's headers; 0: 256 */
    uint32_t informational_limit;     /* 1xx before the final response; 0: 16. One more is an error,
                                       * RP_E_BAD_RESPONSE: who has 102 (Processing) sent all
                                       * through a long request allows more */

    /* Deadlines of a phase, in milliseconds; 0: the default in brackets, RP_NEVER_MS: none. */
    uint64_t queue_timeout_ms;     /* [none] of a wait for a connection; it ends when the request
                                    * has one, and a replay's begins anew. Where others are open,
                                    * one that fails to open is tried again, until none of them has
                                    * become free for connect_timeout_ms */
    uint64_t resolve_timeout_ms;   /* [10,000] */
    uint64_t connect_timeout_ms;   /* [10,000] all addresses together */
    uint64_t handshake_timeout_ms; /* [10,000] likewise: see stream.h for when the next is tried */

    /* Peers that vanished: as in stream.h. */
    uint64_t keepalive_idle_ms;        /* [60,000] */
    uint64_t keepalive_unconfirmed_ms; /* [120,000] more than any idle_timeout_ms */

    bool never_reuse;  /* a fresh connection for every request */
    bool never_replay; /* see rp_error.replay_safe: by default a request that a dying reused
                        * connection swallowed is sent once more, where that is provably safe; also
                        * if the server said why it ended that (status 408, HTTP/1.1). What a
                        * server says it did nothing with goes out again in any case: what it
                        * refused or left undone (HTTP/2), up to six times in all, and once what
                        * came by the wrong connection (status 421), where there may be another. A
                        * policy of load.h is bound by it, too: what a server may have acted on is
                        * not sent twice */

    uint64_t connection_lifetime_ms; /* from its opening, after which a connection serves no more
                                      * requests, so that changes of addresses are followed;
                                      * 0: 600,000, RP_NEVER_MS: no limit */

    bool lenient_lines; /* take lines that LF alone ends, and blanks behind a chunk's size, as some
                         * old servers send them. Otherwise they are errors (RFC 9112, 2.2, 7.1) */

    /* HTTP/2 (RFC 9113). A connection of it serves as many requests at once as its server allows;
     * when they are more, another one is opened, within the limits above. */
    rp_http_versions versions;
    bool http2_prior_knowledge;      /* http URLs: the server is known to speak it (RFC 9113, 3.3).
                                      * Not with RP_HTTP_1_1 */
    bool http2_one_connection;       /* an origin has one at most: requests wait for a stream */
    uint32_t http2_streams_early;    /* requests at once before the server has said how many it
                                      * takes; 0: 100 */
    uint32_t http2_streams_limit;    /* requests at once on one connection, where the server takes
                                      * more; 0: as many as it takes */
    uint64_t http2_ping_idle_ms;     /* a server that is silent for so long while requests are
                                      * under way is asked for a sign of life (PING); 0: 15,000;
                                      * RP_NEVER_MS: never */
    uint64_t http2_ping_timeout_ms;  /* without a sign of life so long after that question, the
                                      * connection is given up (RP_E_H2_PING_TIMEOUT); 0: 15,000 */
    size_t http2_window_limit_bytes; /* what the server may have on its way on one connection: grows
                                      * with bandwidth times delay up to this; 0: 16 MiB */
    size_t http2_stream_window_bytes; /* likewise for one response, at the beginning; 0: 256 KiB. Of
                                       * one with receive_credit_bytes so much may wait in memory */

    /* What is not connected to: see address.h. */
    uint32_t refuse_addresses; /* RP_ADDRESS_NOT_PUBLIC, or some of its kinds, or'ed */
    rp_target_fn *on_address;  /* NULL: nobody else is asked */
    void *on_address_user;
    rp_families families;
    rp_local local; /* its strings are copied */

    /* "HOST1:PORT1:HOST2:PORT2", as curl's --connect-to has it: connections to HOST1 and PORT1 go
     * to HOST2 and PORT2 instead; left out, HOST1 and PORT1 are any, HOST2 and PORT2 the URL's. The
     * first that fits counts. Host, SNI and what is verified stay the URL's. Instead of
     * HOST2:PORT2 may stand a Unix socket, as in stream.h. */
    const char *const *connect_to;
    size_t connect_to_count;

    /* Through which connections go, but for those to Unix sockets: see proxy.h. Retained. NULL:
     * none. */
    rp_proxy *proxy;

    rp_limit_options limits; /* of each origin: see load.h */
    rp_retry_options retry;  /* of requests that have none of their own: likewise */
    rp_hedge_options hedge;  /* likewise */
    /* What the decoders of all answers that come at once (decompress) may take, 17 MiB each at the
     * most: one that would take more ends in RP_E_DECODER_MEMORY. 0: 1 GiB; SIZE_MAX: no limit */
    size_t decoder_memory_limit_bytes;
    /* What happens to requests and connections, while it does: see trace.h. NULL: nobody is told */
    rp_trace_fn *on_trace;
    void *on_trace_user;
} rp_client_options;

/* options NULL: all defaults. error may be NULL.
 * Errors: RP_E_NO_MEMORY, RP_E_BAD_OPTION, RP_E_MISUSE (in rp_loop_destroy; a loop or a resolver
 * of the parent in a child of fork). */
rp_status rp_client_create_sized(rp_client **client, rp_loop *loop,
                                 const rp_client_options *options, size_t options_size,
                                 rp_error *error);
static inline rp_status rp_client_create(rp_client **client, rp_loop *loop,
                                         const rp_client_options *options, rp_error *error)
{
    return rp_client_create_sized(client, loop, options, sizeof(rp_client_options), error);
}

/* Closes every connection. Unfinished requests complete with RP_E_CANCELLED, from later turns or
 * from rp_loop_destroy. The pointer is dead when this returns. NULL does nothing. When the loop was
 * destroyed before, all of this has happened, and only the client itself is freed: until then the
 * pointer is good, and rp_client_send answers RP_E_MISUSE. */
void rp_client_destroy(rp_client *client);

/* Takes another TLS configuration: after a change of the trust store, of CRLs or of an identity,
 * make a new one and give it to every client. No request that is sent from now on, or still waits,
 * goes out on a connection of the old one, and no session of the old one is resumed; what is under
 * way there ends as it would have. Retained. NULL does nothing, nor does a call in a child of
 * fork. */
void rp_client_set_tls(rp_client *client, rp_tls_config *tls);

typedef struct rp_header {
    const char *name;
    const char *value;
} rp_header;

/* All phases are those of one connection, the one that carried the response. Microseconds since
 * rp_client_send; 0: did not happen (a reused connection resolves nothing). */
typedef struct rp_timings {
    uint64_t queued_us; /* a connection was assigned, or its opening began */
    uint64_t resolved_us;
    uint64_t connected_us;
    uint64_t handshaken_us;
    uint64_t sent_us;       /* the last byte of the request was handed to the network */
    uint64_t first_byte_us; /* the first byte of the response came */
    uint64_t total_us;
} rp_timings;

/* Valid until on_head returns. */
typedef struct rp_response_head {
    int status;               /* 100 to 999 */
    int version;              /* 10: HTTP/1.0, 11: HTTP/1.1, 20: HTTP/2 */
    bool informational;       /* 1xx but 101: another head follows */
    const char *reason;       /* may be "", with HTTP/2 it is */
    const rp_header *headers; /* in the order of arrival, names as they came: HTTP/2's are in lower
                               * case */
    size_t header_count;
    uint64_t content_length; /* RP_LENGTH_UNKNOWN: the server did not say */
} rp_response_head;

#define RP_LENGTH_UNKNOWN UINT64_MAX

/* The value of the header of that name (in any case) that comes index-th, 0 is the first: of a
 * response's head, or of trailers. NULL: there are not so many. Any thread. */
const char *rp_header_value(const rp_header *headers, size_t header_count, const char *name,
                            size_t index);

/* Valid until on_done returns. */
typedef struct rp_response_summary {
    const rp_error *error;    /* NULL: the response is complete */
    int status;               /* of the final response, 0 if there was none */
    uint64_t body_bytes;      /* of the body, as it was sent */
    uint64_t bytes_sent;      /* plaintext bytes of the request that were handed to the network,
                              * head and body, on the last connection */
    uint64_t body_bytes_sent; /* of these, the body's; of one that was given without its chunks'
                               * sizes */
    unsigned attempts;        /* connections the request was sent on; 0: none */
    bool reused;              /* the connection had served a request before */
    bool resumed;             /* its TLS handshake resumed an earlier session */
    bool stale_name;          /* its address is an old answer, served while name servers fail
                               * (resolver.h) */
    const char *address;     /* the peer's, or its proxy's, "192.0.2.7:443"; "" if there was none */
    const char *tls_version; /* "TLSv1.3"; NULL without TLS */
    const char *tls_cipher;
    const char *tls_group; /* of the key exchange: "X25519MLKEM768" */
    rp_timings timings;
    bool certificate_missed; /* as in rp_stream_info: a status of 400, 401 or 403 may mean that */
    int version;             /* of the connection: 11 or 20; 0: there was none */
    uint32_t stream;         /* HTTP/2's number for the request; 0: none */
    unsigned redirects;      /* that were followed. All else is of the last request */
    uint64_t redirect_us;    /* when that began, as in timings; 0: it was the first */
    const char *url;         /* whose response it is, without user information; NULL: of the
                              * options' url */
    bool decoded;            /* with decompress: there was a body, and it was encoded */
    uint64_t decoded_bytes;  /* of such a body: its bytes that were given to on_body */
    unsigned retries;        /* that a policy of load.h made. attempts and redirects count for all
                              * tries, all else is of the last one */
    const char *retry_why;   /* what became of the last try that failed, and why there was no other,
                              * if there was none; NULL: no policy, or no such failure */
    /* With explain: where most of its time went, in a sentence, "1.2 s of 1.4 s: waited behind 63
     * requests to api.example.com"; NULL: not asked. For people: the words may change. */
    const char *why;
    unsigned hedges; /* times that it was sent beside another try; attempts has them too */
    bool hedge_won;  /* the last of these answered: all of the connection is told of it */
    const char *local_address; /* with explain: our end of the connection, "192.0.2.1:50000"; "":
                                * not asked, there was none, or a Unix socket's */
    /* With keep_peer_certificates (tls.h): what its server sent, as in stream.h, when the
     * connection was opened; each of its requests has them. Of a connection that could not be
     * opened, too. */
    const rp_peer_certificate *peer_certificates;
    size_t peer_certificate_count;
    int proxy_status;        /* by which an HTTP proxy answered CONNECT when the connection was
                              * opened, or was not; 0: none did */
    const char *proxy_heads; /* with the proxy's keep_answer: as in stream.h */
} rp_response_summary;

typedef struct rp_response_events {
    /* Each may be NULL but on_done. */
    void (*on_head)(rp_request *request, const rp_response_head *head, void *user);
    /* The body's own bytes, in order, without the framing of chunks or HTTP/2; in pieces as they
     * came: with TLS a record of 16 KiB at most. size > 0. */
    void (*on_body)(rp_request *request, const uint8_t *data, size_t size, void *user);
    /* Once, last; the pointer is dead when it returns. */
    void (*on_done)(rp_request *request, const rp_response_summary *summary, void *user);
} rp_response_events;

/* A redirect that is about to be followed. Valid until on_redirect returns. */
typedef struct rp_redirect {
    int status;         /* 301, 302, 303, 307 or 308 */
    unsigned number;    /* 1: the request's first */
    const char *url;    /* where it goes next, without user information */
    const char *method; /* of the request there */
    bool keeps_body;    /* which has the body, if there is one */
    bool same_origin;   /* else it has none of the headers that are secret: redirect_secrets */
    const rp_response_head *head; /* of the response that says so */
    /* The callback may set these: sent with the next request, in place of those of the same name;
     * for another origin its own Cookie, say; and Basic in place of what Authorization says. Read
     * when it has returned. */
    const rp_header *headers;
    size_t header_count;
    const char *user, *password;
} rp_redirect;

/* False: it is not followed, and its response is the answer. */
typedef bool rp_redirect_fn(rp_request *request, rp_redirect *redirect, void *user);

/* How redirects are followed, or'ed. */
enum {
    RP_REDIRECT_POST_301 = 1, /* POST stays POST behind a 301 */
    RP_REDIRECT_POST_302 = 2, /* behind a 302 */
    RP_REDIRECT_POST_303 = 4, /* behind a 303 */
    RP_REDIRECT_INSECURE = 8, /* from https to http, too */
    RP_REDIRECT_TRUSTED = 16, /* with every header but Host to any origin, secret or not */
    /* The method stays what it is, as with CURLOPT_CUSTOMREQUEST; a body goes where POST's does. */
    RP_REDIRECT_KEEP_METHOD = 32
};

/* See rp_request_give. */
typedef void rp_body_wanted_fn(rp_request *request, size_t room, void *user);
typedef void rp_body_rewind_fn(rp_request *request, void *user);
typedef void rp_trailers_fn(rp_request *request, const rp_header *trailers, size_t count,
                            void *user);

typedef struct rp_request_options {
    const char *url;    /* absolute, http or https; at most 64 KiB; a fragment is not sent, and user
                         * information as Authorization */
    const char *method; /* NULL: "GET", or "POST" with a body */
    /* ringport adds Host, Content-Length, User-Agent and Accept unless they are given; value "":
     * not these either (but Host, and with a body Content-Length). RP_E_BAD_HEADER: a name that is
     * no token, a control character in a value; Transfer-Encoding; Expect (see expect_continue);
     * Connection but "close" and "keep-alive"; Content-Length that is not the body's; a second
     * Host or Content-Length, a Host that is none; with upgrade Connection and Upgrade. Others are
     * sent as they are; with HTTP/2 in lower case, and without what is of a connection (Connection,
     * Keep-Alive, Proxy-Connection, Upgrade, HTTP2-Settings, TE but "trailers"). */
    const rp_header *headers;
    size_t header_count;
    const void *body; /* borrowed until on_done; NULL: none */
    size_t body_size;
    /* Deadlines in milliseconds; 0: the default in brackets, RP_NEVER_MS: none. With the client's
     * there is one for each phase: the queue, the look-up, the connection, the handshake, then
     * idle while the request is sent, first_byte, and idle again. What came in time counts, also
     * if the loop was not turned meanwhile: it is delivered before a deadline is looked at. */
    uint64_t total_timeout_ms;      /* [none] from rp_client_send to on_done */
    uint64_t first_byte_timeout_ms; /* [60,000] from the request's last byte to the first of the
                                     * final response: interim ones (1xx) do not end it and do not
                                     * restart it */
    uint64_t idle_timeout_ms;       /* [60,000] longest time in which no byte moves, in neither
                                     * direction, while the request is sent and while the response
                                     * comes. Time in which the caller owes all of its credit, or
                                     * the next bytes of the body, does not count, nor does the wait
                                     * for 100 Continue. Of a large request counts what the
                                     * peer's system has confirmed, looked at every quarter of
                                     * this */
    /* Backpressure on on_body: as receive_credit_bytes in stream.h. */
    size_t receive_credit_bytes;
    /* Replay, which is for methods that are idempotent by RFC 9110, 9.2.2, unless one of these says
     * otherwise. */
    bool idempotent;   /* the server does it once, however often it comes: Idempotency-Key */
    bool never_replay; /* not this one */
    /* "HOST2:PORT2" or a Unix socket, in place of the client's connect_to; ":" goes to the URL's
     * host whatever that says. Requests share connections that go to the same place. */
    const char *connect_to;
    /* Authorization, unless it is among the headers: Basic (RFC 7617) by user and password (NULL:
     * empty), in UTF-8, together less than 4 KiB, the user without a colon; or a Bearer token (RFC
     * 6750). Without either, user information in the URL, percent-encoded, is Basic. */
    const char *user, *password;
    const char *bearer; /* not with user */
    /* Redirects (RFC 9110, 15.4) by 301, 302, 303, 307 and 308 are followed, so many; 0: none is,
     * and one is an answer as any other. POST becomes GET behind 301 and 302, and everything but
     * HEAD behind 303, without the body and the headers that are about it. Another origin does not
     * get Authorization, Cookie, Proxy-Authorization, Host and what redirect_secrets names; what
     * was left out once does not come back. connect_to is for all of them, and so is
     * total_timeout_ms; other deadlines begin anew. */
    uint32_t redirects_limit;
    uint32_t redirect_flags;
    const char *const *redirect_secrets; /* names of headers. Borrowed until on_done */
    size_t redirect_secret_count;
    rp_redirect_fn *on_redirect; /* NULL: nobody is asked */
    rp_proxy *proxy; /* in place of the client's; one without a URL: none. NULL: the client's */
    /* Content codings (RFC 9110, 8.4): gzip, deflate, br and zstd, as far as the build has them
     * (rp_http_codings), up to three in a row. Accept-Encoding says so, unless the caller has one
     * among the headers, or asks for a Range. on_body gets the decoded body, in pieces of 16 KiB at
     * most; credit counts what is decoded. on_head gets Content-Length and Content-Encoding as they
     * came. A body that is damaged, not whole, or followed by something ends in RP_E_DECODE_FAILED,
     * one whose coding is unknown in RP_E_DECODE_UNKNOWN; what came before is given out. A part
     * (status 206) is given out as it came. A body takes up to 9 MiB of memory with zstd, 17 MiB
     * with br, some 70 KiB with gzip and deflate, as its server likes. */
    bool decompress;
    uint32_t decompress_ratio_limit;   /* a body that grows to more than so many times its size,
                                        * and a mebibyte, is taken for an attack:
                                        * RP_E_DECODE_TOO_LARGE. 0: 200; UINT32_MAX: no limit */
    uint64_t decompressed_limit_bytes; /* likewise one that is longer than so much; 0: no limit.
                                        * Bodies that came without a coding are not measured: for
                                        * them on_body counts, or limit_bytes of rp_collected */
    /* A body that is made while it is sent, in place of body: see rp_request_give. body_size is its
     * length; 0: unknown. */
    rp_body_wanted_fn *on_body_wanted;
    rp_body_rewind_fn *on_body_rewind; /* NULL: it can't be made twice */
    /* Expect: 100-continue (RFC 9110, 10.1.1), with a body of either kind: it is sent when the
     * server says so, or has said nothing for so long (0: 1,000; RP_NEVER_MS: without end). What it
     * answers instead is the answer, and the body is not sent; but 417 has the request sent once
     * more without Expect, if its body can be. */
    bool expect_continue;
    uint64_t expect_timeout_ms;
    /* The answer's trailers, behind the last of on_body; not called if there are none. They live
     * until it returns. Whoever puts them to use has asked for them (TE: trailers), and knows which
     * may be trusted (RFC 9110, 6.5.2). */
    rp_trailers_fn *on_trailers;
    /* As expect_continue with HTTP/1.1, and nothing with HTTP/2, where a server stops a body at no
     * more than a frame's cost (RST_STREAM). */
    bool expect_continue_http1;
    /* Asks to go on in another protocol on the same connection (RFC 9110, 7.8): its name, or
     * several, the best first, "websocket" say; less than 256 bytes. ringport sends Upgrade and
     * Connection. See rp_request_upgrade. Such a request has no body, goes over HTTP/1.1 whatever
     * else the server speaks, through a proxy by a tunnel, and shares connections, and limits of
     * their number, with others of its kind alone. NULL: no upgrade */
    const char *upgrade;
    const rp_retry_options *retry; /* in place of the client's; NULL: the client's */
    bool explain; /* the summary's why and local_address. Costs some memory, and three questions to
                   * the system */
    void *trace;  /* given to on_trace with all that happens to the request */
    /* The request's target (RFC 9112, 3.2; HTTP/2's :path) in place of the URL's path and query,
     * sent as it is: "*" of OPTIONS, say, or a path that no URL can have. Of the first request
     * only: behind a redirect it is the URL's again. Bytes of 0x21 to 0x7e. NULL: the URL's. A
     * proxy that forwards gets it as it is, too; one with "://" in it is refused there where there
     * are rules for addresses, which look at the URL's host */
    const char *target;
    const rp_hedge_options *hedge; /* in place of the client's: all 0 for not this one; NULL: the
                                    * client's */
    bool no_userinfo; /* user information in the URL, and in those of redirects, is passed over: for
                       * URLs that somebody else wrote */
} rp_request_options;

/* The content codings of this build, as Accept-Encoding has them, "deflate, gzip, br, zstd";
 * "identity" if there is none. Any thread. */
const char *rp_http_codings(void);

/* Starts a request. NULL: misuse, bad URL, header or option, queue full or shed, no memory: *error
 * says which (error may be NULL). events is borrowed until on_done; its callbacks and those of
 * options get the same user. */
rp_request *rp_client_send_sized(rp_client *client, const rp_request_options *options,
                                 size_t options_size, const rp_response_events *events, void *user,
                                 rp_error *error);
static inline rp_request *rp_client_send(rp_client *client, const rp_request_options *options,
                                         const rp_response_events *events, void *user,
                                         rp_error *error)
{
    return rp_client_send_sized(client, options, sizeof(rp_request_options), events, user, error);
}

/* on_done still comes, once, with RP_E_CANCELLED unless the end was already decided. No on_head and
 * no on_body comes after this call. */
void rp_request_cancel(rp_request *request);

/* Takes the connection: in on_head of status 101 only, which is an answer to requests with upgrade.
 * (To others it is an error, RP_E_BAD_RESPONSE, and so is one whose Upgrade was not asked for.)
 * From then on it is a stream of the caller's, to be closed by it, also if the request is cancelled
 * or its client destroyed: an open one, so that on_open is not called. on_done, without an error,
 * comes next, and with it end the deadlines; then on_data, with what came behind the head first.
 * The request's receive_credit_bytes are the stream's. NULL: at any other time, or without events.
 * Whoever does not take the connection has it closed. Any other status is an answer as usual. */
rp_stream *rp_request_upgrade(rp_request *request, const rp_stream_events *events, void *user);

/* What is known of an unfinished request so far: in on_head its connection and the phases behind
 * it. */
void rp_request_summary_get_sized(const rp_request *request, rp_response_summary *summary,
                                  size_t summary_size);
static inline void rp_request_summary_get(const rp_request *request, rp_response_summary *summary)
{
    rp_request_summary_get_sized(request, summary, sizeof(rp_response_summary));
}

/* Returns credit for size bytes of the body (see receive_credit_bytes): while none is left, the
 * response is paused. */
void rp_request_consume(rp_request *request, size_t size);

/* ---- a body that is given piece by piece ----
 *
 * on_body_wanted is called when a connection has the request, and takes room bytes. Whoever has
 * some gives them there and then, or later; it is called again when bytes were given and have gone,
 * and not before. The body lasts until its end is told; its length is checked if it was announced
 * (body_size), and if not it is sent in chunks (HTTP/1.1) or as it is (HTTP/2).
 *
 * A request whose body has begun to go out is sent again, where replay allows it, if
 * on_body_rewind is set: it tells to begin with the first byte again. What was given and not sent
 * by then is forgotten, and until it comes nothing is taken.
 *
 * Once an answer's head of status 300 or more came, or any in place of 100 Continue, no more of the
 * body is wanted, and none is sent. Any other answer ends the body when it is complete itself. Then
 * HTTP/1.1's connection is closed, and HTTP/2's stream is reset (CANCEL). */

/* Copies as many of the bytes as there is room for, at most 64 KiB in all, and returns how many.
 * More than body_size ends the request with RP_E_BODY_LENGTH. */
size_t rp_request_give(rp_request *request, const void *data, size_t size);

/* The body is complete. Less than body_size ends the request with RP_E_BODY_LENGTH. Behind a body
 * of unknown length may stand trailers, each of them named in a Trailer header of the request; NULL
 * and 0: none. After RP_E_BAD_HEADER, RP_E_NO_MEMORY or RP_E_MISUSE nothing has changed: the end
 * may be told again. error may be NULL. */
rp_status rp_request_body_end(rp_request *request, const rp_header *trailers, size_t trailer_count,
                              rp_error *error);

/* There will be no more of it: the request ends with RP_E_BODY_ABORTED, and what the server has of
 * the body does not look complete. */
void rp_request_body_abort(rp_request *request);

/* A whole response's body in memory: pass &rp_collect_events as events and a zeroed rp_collected,
 * with limit_bytes and on_done set, as user. Whoever has callbacks among the options, which get
 * that user, too, has a structure with the rp_collected as its first member. Whoever wants headers
 * has events of their own, with an on_head, whose on_body and on_done call those of
 * rp_collect_events with the rp_collected as user; on_head is NULL there. */
typedef struct rp_collected rp_collected;
typedef void rp_collected_fn(rp_collected *collected, const rp_response_summary *summary,
                             void *user);
struct rp_collected {
    size_t limit_bytes;       /* of the body; 0: 1 MiB. More ends in RP_E_BODY_TOO_LARGE */
    rp_collected_fn *on_done; /* body is valid until it returns. NULL: nobody is told */
    void *user;
    int status;
    const uint8_t *body; /* NUL-terminated, the NUL not counted */
    size_t body_size;
    size_t private_capacity;
    uint8_t *private_memory;
    bool private_too_large, private_no_memory; /* not used any more */
};
extern const rp_response_events rp_collect_events;

#ifdef __cplusplus
}
#endif
#endif
