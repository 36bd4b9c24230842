/* proxy.h - proxies: where connections go first, for streams and clients.
 *
 * http and https proxies are asked for a tunnel by CONNECT (RFC 9110, 9.3.6), whatever the URL's
 * scheme; https ones over TLS of their own, with the origin's TLS inside. socks5 and socks5h ones
 * speak SOCKS version 5 (RFC 1928; user and password: RFC 1929): with socks5 names are looked up
 * here, and the proxy is asked for one address after the other until it reaches one; with socks5h,
 * as with http and https, they are looked up by the proxy.
 *
 * A tunnel belongs to one origin: connections are shared only by requests with the same rp_proxy.
 * The origin's headers never go to the proxy, nor the proxy's credentials to the origin. What a
 * proxy refuses is an error of its own (RP_E_PROXY_...), with phase RP_PHASE_PROXY, its status or
 * code in rp_error.proxy_code, and the beginning of what it said in the text; for whatever else
 * fails on the way to it, rp_error.of_proxy is true. All of this takes place within the deadlines
 * of the phases: the look-up and the connection are the proxy's, the tunnel is part of the
 * handshake's.
 *
 * refuse_addresses and on_address (address.h) are asked of the proxy's address, of what is looked
 * up here for socks5, and of addresses that stand in URLs, localhost among them. Where they are
 * set, a host is refused that is no name, or that a proxy might take for an address ("127.1",
 * "0x7f000001", "127.0.0.1."). Nobody here can check what a proxy makes of a name: see
 * refuse_unseen. */
#ifndef RINGPORT_PROXY_H
#define RINGPORT_PROXY_H

#include <ringport/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_proxy rp_proxy;

typedef struct rp_proxy_options {
    /* "[SCHEME://][USER[:PASSWORD]@]HOST[:PORT]"; SCHEME http (which it is without one), https,
     * socks5 or socks5h; PORT is 1080 without one, and 443 for https; USER and PASSWORD are
     * percent-encoded. NULL, "": none. */
    const char *url;
    /* Of http, and of https URLs (a stream without and with TLS), instead of that one. "": none. */
    const char *http_url, *https_url;
    /* Hosts that are connected to directly, as curl reads the list: separated by commas or blanks,
     * a name stands for itself and all names that end in it behind a dot, leading and final dots do
     * not count; an address for itself, with "/BITS" for its network, IPv6 with or without
     * brackets; "*" alone for all. Ports are not looked at. NULL: none. */
    const char *no_proxy;
    const char *user, *password; /* not percent-encoded, in place of those in URLs. NULL: those */
    rp_tls_config *tls;          /* for https proxies; NULL: the defaults of tls.h. Retained */
    /* "Name: value" each: sent with CONNECT, and with forward_http too, but for those that the
     * request has itself. */
    const char *const *headers;
    size_t header_count;
    /* http URLs go to http and https proxies as requests for the whole URL (RFC 9112, 3.2.2), which
     * the proxy reads and answers, also by itself; by HTTP/1.1. Not what connect_to sends
     * elsewhere, nor what asks for an upgrade: these have a tunnel. */
    bool forward_http;
    /* Names that the proxy would look up are refused (RP_E_ADDRESS_REFUSED): what this machine may
     * not connect to, the proxy perhaps can. socks5, and addresses in URLs, are left. */
    bool refuse_unseen;
    /* Keep the heads of a proxy's answer to CONNECT: proxy_heads of rp_stream_info and of
     * rp_response_summary. */
    bool keep_answer;
} rp_proxy_options;

/* error may be NULL. Errors: RP_E_BAD_OPTION (the text quotes no credentials), RP_E_UNSUPPORTED (a
 * URL's scheme is none of these), RP_E_NO_MEMORY, those of rp_tls_config_create. Any thread. */
rp_status rp_proxy_create_sized(rp_proxy **proxy, const rp_proxy_options *options,
                                size_t options_size, rp_error *error);
static inline rp_status rp_proxy_create(rp_proxy **proxy, const rp_proxy_options *options,
                                        rp_error *error)
{
    return rp_proxy_create_sized(proxy, options, sizeof(rp_proxy_options), error);
}

/* Adds a reference and returns proxy. Any thread. */
rp_proxy *rp_proxy_retain(rp_proxy *proxy);
/* Drops a reference; the last one frees. NULL does nothing. Any thread. */
void rp_proxy_release(rp_proxy *proxy);

/* Sets http_url, https_url and no_proxy, where they are NULL, to what the environment says, as curl
 * reads it: http_proxy (in lower case only: a CGI program's HTTP_PROXY comes from its client),
 * which is for http URLs, https_proxy or HTTPS_PROXY, all_proxy or ALL_PROXY for either, no_proxy
 * or NO_PROXY. They are the environment's memory. ringport looks there only if this is called. */
void rp_proxy_from_environment(rp_proxy_options *options);

#ifdef __cplusplus
}
#endif
#endif
