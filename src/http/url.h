/* url.h - absolute http and https URLs (RFC 3986), as a client needs them. */
#ifndef RP_HTTP_URL_H
#define RP_HTTP_URL_H

#include "base/slice.h"
#include <ringport/error.h>

#define RP_URL_LIMIT (64 * 1024)
#define RP_HOST_LIMIT 253

/* Slices point into the text that was parsed. */
typedef struct rp_url {
    bool https;
    rp_slice host;     /* without brackets; as written (case is the caller's to fold) */
    bool host_is_ipv6; /* was in brackets */
    uint16_t port;     /* the scheme's default if none was written */
    bool port_is_default;
    rp_slice path;     /* begins with "/", or empty: send "/" */
    rp_slice query;    /* with its "?", or empty */
    rp_slice userinfo; /* "user:password", percent-encoded, or empty */
    /* Host and port as a request names them, where they stand so in the text and that was found out
     * before (rp__url_parse_like); else empty: to be put together. */
    rp_slice authority;
} rp_url;

/* error is set on failure: RP_E_BAD_URL with a message that says what is wrong and where. Strict:
 * no control characters, spaces or non-ASCII (the caller percent-encodes), port 1 to 65535, a
 * fragment is cut off, host not empty and of reg-name characters, IPv6 literals checked. */
rp_status rp__url_parse(rp_url *url, const char *text, size_t size, rp_error *error);

/* What stood before the path of the last URL, if it is short and has no user information: most
 * requests of a program go where the last one went. Zero: nothing is known. */
typedef struct rp_url_front {
    char text[64];
    uint8_t size, host_at, host_size, authority_at, authority_size;
    bool https, host_is_ipv6, port_is_default;
    uint16_t port;
} rp_url_front;

/* The same as rp__url_parse, and faster where the URL begins like the last one. */
rp_status rp__url_parse_like(rp_url *url, rp_url_front *front, const char *text, size_t size,
                             rp_error *error);

#endif
