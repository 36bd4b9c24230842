/* stream.h - one client connection, TLS or plain: open, write, read with credit, half-close, close.
 *
 * Order of the callbacks: on_open once; if it brought no error, any number of on_data, then at most
 * one on_end; on_close last, once, after rp_stream_close. Whatever happens, the caller closes. */
#ifndef RINGPORT_STREAM_H
#define RINGPORT_STREAM_H

#include <ringport/address.h>
#include <ringport/loop.h>
#include <ringport/proxy.h>
#include <ringport/resolver.h>
#include <ringport/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_stream rp_stream;

typedef struct rp_stream_events {
    /* Connected (and the TLS handshake done and verified): error NULL. Or why not. */
    void (*on_open)(rp_stream *stream, const rp_error *error, void *user);
    /* Bytes from the peer, in order. size > 0. */
    void (*on_data)(rp_stream *stream, const uint8_t *data, size_t size, void *user);
    /* No more bytes will come. error NULL: the peer said so (close_notify; for a plain stream,
     * FIN). RP_E_TRUNCATED: a TLS stream ended without close_notify: what came may not be all.
     * Anything else: the connection failed. Writing may still work after a clean end. */
    void (*on_end)(rp_stream *stream, const rp_error *error, void *user);
    /* The stream is gone; the pointer is dead when this returns. */
    void (*on_close)(rp_stream *stream, void *user);
} rp_stream_events;

typedef struct rp_stream_options {
    const char *host;            /* name or IP literal, IPv6 with or without brackets */
    uint16_t port;               /* in host byte order; 0: 443 with tls, 80 without */
    rp_tls_config *tls;          /* NULL: a plain stream. Retained by the stream */
    const char *server_name;     /* for SNI and verification; NULL: host */
    const char *alpn;            /* "h2,http/1.1"; NULL: no ALPN */
    rp_resolver *resolver;       /* NULL: the loop's own, made when a name first needs it */
    uint64_t resolve_timeout_ms; /* 0: 10,000 */
    uint64_t connect_timeout_ms; /* all addresses together; 0: 10,000 */
    /* All addresses together, from the first connection on; 0: 10,000. A name's next address is
     * tried, after this one is given up, when a peer resets or closes during the handshake. When
     * one is silent for 2 s or its share of the time (what is left, divided by the addresses left),
     * whichever is less, the others are called too, and it is given up when one of them has taken
     * the connection before it speaks. An alert, and what is wrong with the certificates, is final.
     */
    uint64_t handshake_timeout_ms;
    /* A peer that vanished: TCP asks for a sign of life after so long without a byte from it (keep
     * alive, RFC 9293, 3.8.4), and gives the connection up when neither that nor data was confirmed
     * for so long (TCP_USER_TIMEOUT; Windows: TCP_MAXRT). On Linux that goes for a peer, too, that
     * is there and takes no data for so long: more is needed where one may pause for longer. 0: the
     * default in brackets, RP_NEVER_MS: not, or as the system has it. */
    uint64_t keepalive_idle_ms;        /* [60,000] in whole seconds */
    uint64_t keepalive_unconfirmed_ms; /* [120,000] */
    /* Backpressure. 0: none, every byte given to on_data counts as consumed. Otherwise at most so
     * many bytes are given before the caller returns credit with rp_stream_consume. */
    size_t receive_credit_bytes;
    /* What is not connected to: see address.h. */
    uint32_t refuse_addresses; /* RP_ADDRESS_NOT_PUBLIC, or some of its kinds, or'ed */
    rp_target_fn *on_address;  /* NULL: nobody else is asked */
    void *on_address_user;
    rp_families families;
    rp_local local;
    /* "HOST:PORT": the connection goes there instead, either may be left out; server_name stays
     * what it is without. Or "unix:/path", "unix:./path", "unix:@name" (Linux' abstract sockets):
     * to a Unix socket, of which address.h's rules are not asked; not on Windows, nor in the
     * simulator (RP_E_UNSUPPORTED). NULL: to host and port. */
    const char *connect_to;
    /* Through which it goes there (proxy.h), but for Unix sockets; with tls its https_url counts,
     * else its http_url. Retained. NULL: directly. */
    rp_proxy *proxy;
} rp_stream_options;

/* What is known of a stream; strings live as long as the stream. */
typedef struct rp_stream_info {
    char address[64];        /* the peer's, "192.0.2.7:443", or its proxy's; "" before it is
                              * known */
    const char *tls_version; /* "TLSv1.3"; NULL for a plain stream */
    const char *tls_cipher;
    const char *tls_group; /* of the key exchange: "X25519MLKEM768" */
    const char *alpn;      /* NULL: none agreed */
    bool resumed;          /* the handshake resumed an earlier session */
    bool stale_name; /* its address is an old answer, served while name servers fail (resolver.h) */
    /* Since rp_stream_open; 0: not yet. connected_us is about the first connection, whose address
     * may not be this one: see handshake_timeout_ms. */
    uint64_t resolved_us, connected_us, handshaken_us;
    /* Its server asked for a certificate of ours and was shown none: none is configured, or the
     * server takes no signature by its key. */
    bool certificate_missed;
    /* With keep_peer_certificates, from on_open on, also if the handshake failed: all that the
     * server sent, in its order, its own first. NULL and 0: not asked, or it sent none: with a
     * session that is resumed none is sent (no_resumption has each connection get them). A proxy's
     * are not told. */
    const rp_peer_certificate *peer_certificates;
    size_t peer_certificate_count;
    int proxy_status;        /* by which an HTTP proxy answered CONNECT; 0: none did */
    const char *proxy_heads; /* with the proxy's keep_answer: of that answer, as it came, each with
                              * its empty line, interim ones too; NULL: none */
} rp_stream_info;

/* Starts to open. Errors: RP_E_MISUSE (no host; an option that is out of its range; in
 * rp_loop_destroy; in a child of fork), RP_E_NO_MEMORY. events is borrowed while the stream lives,
 * user is passed along; on_data, on_end, on_close may be NULL, on_open may not. */
rp_status rp_stream_open_sized(rp_stream **stream, rp_loop *loop, const rp_stream_options *options,
                               size_t options_size, const rp_stream_events *events, void *user);
static inline rp_status rp_stream_open(rp_stream **stream, rp_loop *loop,
                                       const rp_stream_options *options,
                                       const rp_stream_events *events, void *user)
{
    return rp_stream_open_sized(stream, loop, options, sizeof(rp_stream_options), events, user);
}

/* A write or a shutdown in progress: memory of the caller, zero-initialised or done. */
typedef struct rp_write rp_write;
/* error NULL: all bytes are handed to the network. */
typedef void rp_write_fn(rp_stream *stream, rp_write *write, const rp_error *error, void *user);
struct rp_write {
    rp_write_fn *fn; /* may be NULL */
    void *user;
    const uint8_t *private_data;
    size_t private_size;
    rp_write *private_next;
    bool private_shutdown;
};

/* Writes all of data, after the writes started before; data and write are borrowed until fn.
 * Writing before on_open waits for it. Errors: RP_E_MISUSE after shutdown_write or close. */
rp_status rp_stream_write(rp_stream *stream, rp_write *write, const void *data, size_t size,
                          rp_write_fn *fn, void *user);

/* After the writes started before: close_notify (RFC 8446, 6.1), then the TCP half-close. The peer
 * still may send; on_data goes on. */
rp_status rp_stream_shutdown_write(rp_stream *stream, rp_write *write, rp_write_fn *fn, void *user);

/* Returns credit for size bytes (see receive_credit_bytes). */
void rp_stream_consume(rp_stream *stream, size_t size);

/* Ends everything: unfinished writes complete with RP_E_CANCELLED, an unfinished open too, then
 * on_close. Does not wait for the peer: if there is something of it that nobody has read, TCP
 * resets the connection, and what was written last may be lost. Who needs it to arrive shuts down
 * first, and waits for on_end. Closing twice does nothing. rp_loop_destroy closes what is open in
 * the same way, and calls on_close: after it there is no stream to close. */
void rp_stream_close(rp_stream *stream);

void rp_stream_info_get_sized(const rp_stream *stream, rp_stream_info *info, size_t info_size);
static inline void rp_stream_info_get(const rp_stream *stream, rp_stream_info *info)
{
    rp_stream_info_get_sized(stream, info, sizeof(rp_stream_info));
}

#ifdef __cplusplus
}
#endif
#endif
