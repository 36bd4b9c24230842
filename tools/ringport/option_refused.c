/* option_refused.c - what curl has and ringport has not, and why not: the help is the reason, and
 * is not shown. docs/features.md has all of them. */
#include "option.h"

#define REFUSED(name, letter, reason)                                                              \
    {                                                                                              \
        name, letter, KIND_UNSUPPORTED, BOTH, NULL, 0, NULL, reason                                \
    }
#define BASIC_ONLY "of the ways to say who one is Basic (-u) and Bearer (--oauth2-bearer) are here"

const option refused_options[] = {
    REFUSED("digest", 0, BASIC_ONLY),
    REFUSED("ntlm", 0, BASIC_ONLY),
    REFUSED("ntlm-wb", 0, BASIC_ONLY),
    REFUSED("negotiate", 0, BASIC_ONLY),
    REFUSED("anyauth", 0, BASIC_ONLY),
    REFUSED("aws-sigv4", 0, BASIC_ONLY),
    REFUSED("proxy-digest", 0, "proxies are told a user and a password by Basic alone"),
    REFUSED("proxy-ntlm", 0, "proxies are told a user and a password by Basic alone"),
    REFUSED("proxy-negotiate", 0, "proxies are told a user and a password by Basic alone"),
    REFUSED("proxy-anyauth", 0, "proxies are told a user and a password by Basic alone"),
    REFUSED("http0.9", 0, "HTTP/1.1 is the oldest that is spoken"),
    REFUSED("http1.0", '0',
            "HTTP/1.1 is the oldest that is spoken; -H 'Connection: close' ends it"),
    REFUSED("http3", 0, "there is no QUIC; --http2 is the default"),
    REFUSED("http3-only", 0, "there is no QUIC; --http2 is the default"),
    REFUSED("alt-svc", 0, "there is no QUIC, and nothing else that it would lead to"),
    REFUSED("hsts", 0, "who calls says https"),
    REFUSED("doh-url", 0,
            "names are asked of the system's name servers, or those of --dns-servers"),
    REFUSED("raw", 0, "how a body is framed is not the caller's to look at"),
    REFUSED("tr-encoding", 0, "no transfer coding but chunked is read"),
    REFUSED("ignore-content-length", 0, "a body ends where its length says"),
    REFUSED("haproxy-protocol", 0, "nothing goes before TLS or HTTP on a connection"),
    REFUSED("preproxy", 0, "a connection goes through one proxy at the most"),
    REFUSED("socks4", 0, "of SOCKS version 5 is spoken: --socks5"),
    REFUSED("socks4a", 0, "of SOCKS version 5 is spoken: --socks5-hostname"),
    REFUSED("proxy1.0", 0, "proxies are spoken to by HTTP/1.1: -x"),
    REFUSED("proxy-http2", 0, "proxies are spoken to by HTTP/1.1: -x"),
    REFUSED("trace-ascii", 0, "-v shows heads, --trace what happens and when"),
    REFUSED("trace-time", 0, "each line of --trace has its time"),
    REFUSED("libcurl", 0, "docs/migrating-from-libcurl.md has the library's calls"),
    REFUSED("xattr", 0, "-w '%{url_effective}' tells what a file is of"),
    {.name = NULL},
};
