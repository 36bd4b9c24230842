/* error.h - status codes and the error value.
 *
 * The conventions of all headers stand in ringport.h. */
#ifndef RINGPORT_ERROR_H
#define RINGPORT_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What happened. Numbers are stable: new ones are added at the end of their group only. */
typedef enum rp_status {
    RP_OK = 0,

    /* The caller. */
    RP_E_MISUSE = 1,        /* a call that its documentation forbids, as with an invalid argument:
                             * nothing was started */
    RP_E_NO_MEMORY = 2,     /* the allocator returned NULL */
    RP_E_UNSUPPORTED = 3,   /* this system or this build cannot do it */
    RP_E_CANCELLED = 4,     /* the caller cancelled, closed or destroyed */
    RP_E_INTERNAL = 5,      /* a fault of ringport itself; please report it */
    RP_E_BAD_URL = 10,      /* not an absolute http or https URL, or over the limit */
    RP_E_BAD_HEADER = 11,   /* a request header or method that RFC 9110 does not allow */
    RP_E_BAD_OPTION = 12,   /* an option's value is out of its range */
    RP_E_BODY_ABORTED = 13, /* rp_request_body_abort */
    RP_E_BODY_LENGTH = 14,  /* more or less of the request's body than was announced; or of unknown
                             * length, for a server that speaks HTTP/1.0 */
    RP_E_DRAINING = 15,     /* the client, or the service, takes no more: rp_client_drain,
                             * rp_service_drain */

    /* Waiting for a connection. */
    RP_E_QUEUE_FULL = 20,        /* more requests wait than queue_limit allows */
    RP_E_QUEUE_TIMEOUT = 21,     /* no connection became free in time */
    RP_E_QUEUE_SHED = 22,        /* it would have waited longer than it may: limits of load.h */
    RP_E_ORIGIN_QUEUE_FULL = 23, /* more requests wait for the origin than these allow */

    /* Names. */
    RP_E_RESOLVE_NOT_FOUND = 30, /* the name does not exist or has no address */
    RP_E_RESOLVE_FAILED = 31,    /* no name server gave an answer */
    RP_E_RESOLVE_TIMEOUT = 32,   /* no answer within resolve_timeout_ms */

    /* TCP. */
    RP_E_CONNECT_REFUSED = 40,
    RP_E_CONNECT_UNREACHABLE = 41,
    RP_E_CONNECT_TIMEOUT = 42, /* not connected within connect_timeout_ms */
    RP_E_CONNECT_FAILED = 43,  /* any other cause: os_code says which */
    RP_E_NO_DESCRIPTORS = 44,  /* the process or the system is out of descriptors */
    RP_E_NO_LOCAL_PORTS = 45,  /* every local port towards that address is taken */
    RP_E_RESET = 46,           /* the peer reset an established connection */
    RP_E_IO_FAILED = 47,       /* any other failure of an established connection */
    RP_E_ADDRESS_IN_USE = 48,  /* a listening address is taken */
    RP_E_ADDRESS_REFUSED = 49, /* by the caller: refuse_addresses or on_address (address.h) */
    RP_E_LOCAL_ADDRESS = 50,   /* what rp_local says (address.h) is not this machine's to use */

    /* TLS. */
    RP_E_HANDSHAKE_TIMEOUT = 60,
    RP_E_TLS_ALERT = 61,      /* the peer refused: tls_alert says why */
    RP_E_TLS_PROTOCOL = 62,   /* what came is not TLS, or breaks its rules */
    RP_E_TLS_CLOSED = 63,     /* the peer closed during the handshake */
    RP_E_TLS_VERSION = 64,    /* no common protocol version */
    RP_E_TLS_CONFIG = 65,     /* the TLS configuration can't be used */
    RP_E_TLS_FAILED = 66,     /* any other cause: tls_code says which */
    RP_E_TRUNCATED = 67,      /* the connection ended without close_notify */
    RP_E_TLS_SIGNING = 68,    /* on_sign's answer is no signature, or a wrong one: ours to mend */
    RP_E_TLS_SESSIONS = 69,   /* saved sessions are damaged, or not of this configuration or key */
    RP_E_CERT_UNTRUSTED = 70, /* no trust anchor signs the chain */
    RP_E_CERT_EXPIRED = 71,
    RP_E_CERT_NOT_YET_VALID = 72,
    RP_E_CERT_HOST_MISMATCH = 73,  /* valid, but for other names */
    RP_E_CERT_REVOKED = 74,        /* by a CRL or an OCSP response */
    RP_E_CERT_INVALID = 75,        /* malformed, bad signature, wrong usage */
    RP_E_CERT_PIN_MISMATCH = 76,   /* no pinned public key in it */
    RP_E_CERT_STATUS_UNKNOWN = 77, /* revocation is not ruled out, as the configuration demands */
    RP_E_CERT_STAPLE = 78,         /* a stapled OCSP response is missing or can't be used */

    /* HTTP. */
    RP_E_FIRST_BYTE_TIMEOUT = 90, /* no final response began within first_byte_timeout_ms */
    RP_E_IDLE_TIMEOUT = 91,       /* nothing moved for idle_timeout_ms, of the request (phase
                                   * request) or of the response */
    RP_E_TOTAL_TIMEOUT = 92,      /* the phase says what the request waited for, the text too */
    RP_E_CLOSED_EARLY = 93,       /* the server closed a fresh connection without an answer */
    RP_E_STALE_CONNECTION = 94,   /* a reused connection died before the answer's first byte */
    RP_E_BAD_RESPONSE = 95,       /* HTTP that RFC 9110, 9112 or 9113, 8, forbids */
    RP_E_HEAD_TOO_LARGE = 96,
    RP_E_BODY_TRUNCATED = 97,   /* the body ended before its announced end */
    RP_E_BODY_TOO_LARGE = 98,   /* over the limit that the caller set */
    RP_E_H2_PROTOCOL = 99,      /* the server broke HTTP/2's rules, and the connection
                               * ended; h2_code is what it was told */
    RP_E_H2_RESET = 100,        /* the server gave the request up (RST_STREAM), or the
                               * connection (GOAWAY); h2_code says why */
    RP_E_H2_NOT_SPOKEN = 101,   /* the server does not speak HTTP/2, and nothing else is
                               * allowed */
    RP_E_H2_PING_TIMEOUT = 102, /* no sign of life within http2_ping_timeout_ms */
    RP_E_NOT_HTTP = 103,        /* the answer does not begin with "HTTP/": another protocol's, or
                               * HTTP/0.9's */

    /* Content codings: with decompress. */
    RP_E_DECODE_FAILED = 110,    /* damaged, cut short, or not what Content-Encoding says */
    RP_E_DECODE_UNKNOWN = 111,   /* a coding that this build does not have, or too many */
    RP_E_DECODE_TOO_LARGE = 112, /* over a limit when it is decoded: decompress_ratio_limit,
                                 * decompressed_limit_bytes, or what its window may be */
    RP_E_DECODER_MEMORY = 113,   /* the client decodes too much at once already, for its
                                  * decoder_memory_limit_bytes */

    /* Redirects. */
    RP_E_REDIRECT_LIMIT = 120,   /* one more than redirects_limit */
    RP_E_REDIRECT_INVALID = 121, /* the server's Location is no URL that can be requested */
    RP_E_REDIRECT_REFUSED = 122, /* it may not be followed: from https to http, or to a scheme that
                                  * is neither */
    RP_E_REDIRECT_BODY = 123,    /* it needs the body again, which can't be sent again: there is no
                                  * on_body_rewind */

    /* Proxies (proxy.h). What fails on the way to one has the statuses above, and of_proxy. */
    RP_E_PROXY_REFUSED = 140,  /* it would not, or could not, connect: proxy_code and the text say
                                * why */
    RP_E_PROXY_AUTH = 141,     /* it wants credentials, or not those that it was given */
    RP_E_PROXY_PROTOCOL = 142, /* it does not speak HTTP, or SOCKS, as it should */
    RP_E_PROXY_CLOSED = 143,   /* it ended the connection before it had answered */
    RP_E_PROXY_TIMEOUT = 144   /* no tunnel within handshake_timeout_ms */
} rp_status;

/* Where it happened. */
typedef enum rp_phase {
    RP_PHASE_NONE = 0,
    RP_PHASE_QUEUE,
    RP_PHASE_RESOLVE,
    RP_PHASE_CONNECT,
    RP_PHASE_PROXY, /* the tunnel was asked for */
    RP_PHASE_HANDSHAKE,
    RP_PHASE_REQUEST,
    RP_PHASE_HEAD,
    RP_PHASE_BODY,
    RP_PHASE_SHUTDOWN /* reserved: nothing sets it yet */
} rp_phase;

#define RP_ERROR_TEXT_SIZE 240

/* One error. A plain value: copy it freely. */
typedef struct rp_error {
    rp_status status;              /* what code switches on */
    rp_phase phase;                /* where it happened */
    int os_code;                   /* errno, or a WSA code on Windows; 0 if none */
    int tls_code;                  /* wolfSSL's code, 0 if none */
    int tls_alert;                 /* alert received or sent (RFC 8446, 6.2), -1 if none */
    uint32_t h2_code;              /* HTTP/2 error code (RFC 9113, 7) that the server sent, or was
                                    * sent; 0 if none */
    bool reused;                   /* the connection had served a request before */
    bool replay_safe;              /* true only if the server cannot have acted on the request */
    uint64_t bytes_sent;           /* plaintext bytes of this request handed to the network */
    bool of_proxy;                 /* it is about the proxy, or the way to it */
    int proxy_code;                /* HTTP status or SOCKS reply of a proxy that refused; 0: none */
    char text[RP_ERROR_TEXT_SIZE]; /* the message: UTF-8, NUL-terminated, no final period */
} rp_error;

/* Who can do something about it. */
typedef enum rp_status_class {
    RP_CLASS_NONE = 0,   /* RP_OK */
    RP_CLASS_CALLER,     /* the program: misuse, memory, options, what it cancelled or refused */
    RP_CLASS_TIMEOUT,    /* a deadline passed, whatever was waited for */
    RP_CLASS_CONNECTION, /* the network, or this machine: names, TCP, a connection that broke */
    RP_CLASS_TRUST,      /* the server's certificate, or what the handshake agreed on */
    RP_CLASS_PEER,       /* the server's answers, and how it ends them */
    RP_CLASS_PROXY       /* a proxy's */
} rp_status_class;

/* Any thread. What a request may be repeated after is replay_safe's to say, and not this. */
rp_status_class rp_status_class_of(rp_status status);

/* The name of a status, "RP_E_CONNECT_REFUSED" say; a static string, never NULL. Any thread. */
const char *rp_status_name(rp_status status);

/* The name of a phase, "connect" say; a static string, never NULL. Any thread. */
const char *rp_phase_name(rp_phase phase);

#ifdef __cplusplus
}
#endif
#endif
