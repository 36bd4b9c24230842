/* url.h - URLs in parts, and references to them: read as requests read them, so that what a program
 * looks at is what is requested. Any thread. */
#ifndef RINGPORT_URL_H
#define RINGPORT_URL_H

#include <ringport/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A piece of the caller's text, not NUL-terminated. */
typedef struct rp_url_part {
    const char *text;
    size_t size; /* 0: it is empty, or there is none */
} rp_url_part;

/* As written: nothing is decoded, and the case of letters is kept. */
typedef struct rp_url_parts {
    bool https;            /* or http: nothing else is requested */
    rp_url_part user_info; /* "user:password", percent-encoded */
    rp_url_part host;      /* a name, an IPv4 address, or an IPv6 address without its brackets */
    bool host_is_ipv6;
    uint16_t port; /* the scheme's, if none is written */
    bool port_is_default;
    rp_url_part path;  /* with its first "/"; empty: "/" is asked for */
    rp_url_part query; /* with its "?" */
} rp_url_parts;

/* Takes an absolute http or https URL apart (RFC 3986), with the strictness of rp_client_send: no
 * blanks, control characters or bytes above ASCII, 64 KiB at most; a fragment is left out. It is
 * not said whether the host exists, or may be connected to (address.h).
 * Errors: RP_E_BAD_URL, with a message that shows neither user information nor query. error may be
 * NULL. */
rp_status rp_url_split(rp_url_parts *parts, const char *url, rp_error *error);

/* Resolves a reference (RFC 3986, 5.2), a Location say, against an absolute http or https URL: the
 * same as redirects do. The base's user information is kept where its host is.
 * Errors: RP_E_BAD_URL; RP_E_UNSUPPORTED, the result is neither http nor https; RP_E_BAD_OPTION,
 * size bytes may not be enough: the base's length, three times the reference's, and 2 always are.
 */
rp_status rp_url_join(char *text, size_t size, const char *base, const char *reference,
                      rp_error *error);

#ifdef __cplusplus
}
#endif
#endif
