/* url.c - absolute http and https URLs. The messages say where: an operator sees the URL in a log,
 * not in a debugger; but never what may be a secret in it, the user information and the query. */
#include "http/url.h"

#include "base/address.h"
#include "base/error.h"
#include "base/text.h"
#include "http/headers.h"
#include <ringport/url.h>

#include <stdio.h>
#include <string.h>

#define SHOWN 80 /* characters of a URL in a message */

typedef struct parser {
    rp_url *url;
    const char *text;
    size_t size;
    rp_error *error;
} parser;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What of the URL a message may show: the text between head and tail is left out. */
typedef struct shown {
    size_t head, tail, end;
} shown;

/* The URL may be broken in any way. So whatever stands before an @ counts as user information,
 * where a scheme ends or not, and what stands before an @ behind a ? or # may be a password with
 * such a character in it: then nothing but the scheme is shown. */
static shown show(const parser *p, size_t end)
{
    shown s = {.end = least(end, p->size)};
    for (size_t i = 0; i + 3 <= p->size && s.head == 0; i++) {
        if (memcmp(p->text + i, "://", 3) == 0)
            s.head = i + 3;
    }
    s.head = least(s.head, s.end);
    s.tail = s.head;
    bool cut = false;
    for (size_t i = 0; i < p->size; i++) {
        char c = p->text[i];
        if ((c == '?' || c == '#') && !cut) {
            s.end = least(s.end, i);
            cut = true;
        }
        if (c == '@')
            s.tail = cut ? s.end : least(i, s.end);
    }
    s.tail = least(s.tail, s.end);
    s.head = least(s.head, s.tail);
    s.end = least(s.end, s.tail + SHOWN);
    return s;
}

/* Shows the URL before end. */
static rp_status bad_before(const parser *p, size_t end, const char *what)
{
    shown s = show(p, end);
    return rp__error_set(p->error, RP_E_BAD_URL, RP_PHASE_NONE, "the URL \"%.*s%s%.*s%s\" %s",
                         (int)least(s.head, SHOWN), p->text, s.tail > s.head ? "***" : "",
                         (int)(s.end - s.tail), p->text + s.tail, s.end < p->size ? "..." : "",
                         what);
}

static rp_status bad(const parser *p, const char *what)
{
    return bad_before(p, p->size, what);
}

/* No byte below 0x21 or above 0x7e: else one of the sums has a byte with its top bit set. */
static bool eight_visible(const char *text)
{
    uint64_t eight = rp__eight_bytes(text);
    uint64_t less = eight - 0x2121212121212121, more = eight + 0x0101010101010101;
    return ((less | more | eight) & 0x8080808080808080) == 0;
}

/* Where the next part of the URL begins: from is the first of "/", "?", "#" that may begin it. */
static size_t find_delimiter(const char *text, size_t begin, size_t end, char from)
{
    for (; begin < end; begin++) {
        char c = text[begin];
        if (c == '#' || (c == '?' && from != '#') || (c == '/' && from == '/'))
            break;
    }
    return begin;
}

static bool is_of_host(const parser *p, size_t at)
{
    const char *colon = memchr(p->text, ':', p->size);
    size_t begin = colon != NULL ? (size_t)(colon - p->text) + 3 : p->size;
    if (begin > at || memcmp(colon, "://", 3) != 0)
        return false;
    size_t path = find_delimiter(p->text, begin, p->size, '/');
    return at < path && memchr(p->text + at, '@', path - at) == NULL;
}

/* A blank at an end of the URL, and a line's end, were not meant; a host has no percent-encoding,
 * but a form of its own for other letters (RFC 5890). */
static const char *way_out(const parser *p, size_t at)
{
    unsigned char c = (unsigned char)p->text[at];
    if (c < 0x20 || c == 0x7f || at == 0 || at + 1 == p->size)
        return "must be left out, or percent-encoded";
    if (!is_of_host(p, at))
        return "must be percent-encoded";
    return c > 0x7f ? "a host has in its ASCII form alone (\"xn--...\", RFC 5890)"
                    : "no host can have";
}

static rp_status check_characters(const parser *p)
{
    for (size_t i = 0; i < p->size; i++) {
        unsigned char c = (unsigned char)p->text[i];
        char what[120];
        if (p->size - i >= 8 && eight_visible(p->text + i)) {
            i += 7;
            continue;
        }
        if (c > 0x20 && c < 0x7f)
            continue;
        (void)snprintf(what, sizeof(what), "has the byte 0x%02x at position %zu, which %s", c, i,
                       way_out(p, i));
        return bad_before(p, i, what);
    }
    return RP_OK;
}

/* "http://" or "https://"; leaves in *rest where the authority begins. */
static rp_status parse_scheme(const parser *p, size_t *rest)
{
    const char *colon = memchr(p->text, ':', p->size);
    if (colon == NULL)
        return bad(p, "has no scheme: it must begin with http:// or https://");
    size_t size = (size_t)(colon - p->text);
    if (rp__name_equal(p->text, size, "https"))
        p->url->https = true;
    else if (!rp__name_equal(p->text, size, "http"))
        return bad(p, "is neither http:// nor https://");
    if (p->size - size < 3 || memcmp(colon, "://", 3) != 0)
        return bad(p, "lacks the // after its scheme");
    *rest = size + 3;
    return RP_OK;
}

/* RFC 3986, 3.2.1 and 3.2.2 without percent-encoding: unreserved and sub-delims, a bit each. */
static bool is_name_character(char c)
{
    static const uint32_t bits[4] = {0, 0x2BFF7FD2, 0x87FFFFFE, 0x47FFFFFE};
    unsigned char byte = (unsigned char)c;
    return byte < 128 && (bits[byte / 32] >> (byte % 32) & 1) != 0;
}

static rp_status parse_userinfo(const parser *p, const char *text, size_t size)
{
    p->url->userinfo = (rp_slice){(const uint8_t *)text, size};
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '@')
            return bad(p, "has more than one @ before its path: percent-encode it as %40");
        if (!is_name_character(text[i]) && text[i] != ':' && text[i] != '%')
            return bad(p, "has a character in its user information that must be percent-encoded");
    }
    return RP_OK;
}

/* What is no number may be a password whose host is missing. */
static rp_status bad_port(const parser *p, const char *text)
{
    return bad_before(p, (size_t)(text - p->text),
                      "has a port that is not a number from 1 to 65535");
}

static rp_status parse_port(const parser *p, const char *text, size_t size)
{
    unsigned port = 0;
    if (size == 0) /* "host:" is allowed (RFC 3986, 3.2.3) */
        return RP_OK;
    if (size > 5)
        return bad_port(p, text);
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return bad_port(p, text);
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (port == 0 || port > 65535)
        return bad_port(p, text);
    p->url->port_is_default = port == p->url->port;
    p->url->port = (uint16_t)port;
    return RP_OK;
}

/* The bracketed form; text is behind the bracket. Leaves in *rest what follows the closing one. */
static rp_status parse_ipv6(const parser *p, const char *text, size_t size, size_t *rest)
{
    const char *end = memchr(text, ']', size);
    if (end == NULL)
        return bad(p, "lacks the ] that ends its IPv6 address");
    size_t length = (size_t)(end - text);
    rp_address address;
    /* A zone index is of this host only and must not reach the server (RFC 6874, 4). */
    if (memchr(text, '%', length) != NULL || !rp__address_parse(&address, text, length) ||
        address.family != 6)
        return bad(p, "has no valid IPv6 address between its brackets");
    p->url->host = (rp_slice){(const uint8_t *)text, length};
    p->url->host_is_ipv6 = true;
    *rest = length + 1;
    return RP_OK;
}

static rp_status parse_name(const parser *p, const char *text, size_t size, size_t *rest)
{
    const char *colon = memchr(text, ':', size);
    size_t length = colon != NULL ? (size_t)(colon - text) : size;
    if (length == 0)
        return bad(p, "has no host");
    if (length > RP_HOST_LIMIT)
        return bad(p, "has a host name longer than 253 characters");
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%')
            return bad(p, "has a percent-encoded host name: write it in ASCII (punycode)");
        if (!is_name_character(text[i]))
            return bad(p, "has a character in its host name that is not allowed there");
    }
    p->url->host = (rp_slice){(const uint8_t *)text, length};
    *rest = length;
    return RP_OK;
}

static rp_status parse_authority(const parser *p, const char *text, size_t size)
{
    rp_status status = RP_OK;
    size_t at = memchr(text, '@', size) == NULL ? 0 : size, rest = 0;
    while (at > 0 && text[at - 1] != '@')
        at--;
    if (at > 0)
        status = parse_userinfo(p, text, at - 1);
    if (status != RP_OK)
        return status;
    text += at;
    size -= at;

    if (size > 0 && text[0] == '[') {
        status = parse_ipv6(p, text + 1, size - 1, &rest);
        rest++;
    } else {
        status = parse_name(p, text, size, &rest);
    }
    if (status != RP_OK || rest == size)
        return status;
    if (text[rest] != ':')
        return bad(p, "has something other than a port behind its IPv6 address");
    return parse_port(p, text + rest + 1, size - rest - 1);
}

rp_status rp__url_parse(rp_url *url, const char *text, size_t size, rp_error *error)
{
    parser p = {url, text, size, error};
    *url = (rp_url){.port_is_default = true};
    if (size > RP_URL_LIMIT)
        return bad(&p, "is longer than 64 KiB");
    rp_status status = check_characters(&p);
    size_t authority = 0;
    if (status == RP_OK)
        status = parse_scheme(&p, &authority);
    if (status != RP_OK)
        return status;
    url->port = url->https ? 443 : 80;

    size_t path = find_delimiter(text, authority, size, '/');
    size_t query = find_delimiter(text, path, size, '?');
    size_t fragment = find_delimiter(text, query, size, '#');
    url->path = (rp_slice){(const uint8_t *)text + path, query - path};
    url->query = (rp_slice){(const uint8_t *)text + query, fragment - query};
    return parse_authority(&p, text + authority, path - authority);
}

static rp_url_part part_of(rp_slice slice)
{
    return (rp_url_part){(const char *)slice.data, slice.size};
}

rp_status rp_url_split(rp_url_parts *parts, const char *text, rp_error *error)
{
    rp_url url;
    *parts = (rp_url_parts){.https = false};
    rp_status status = rp__url_parse(&url, text, strlen(text), error);
    if (status != RP_OK)
        return status;
    *parts = (rp_url_parts){
        .https = url.https,
        .user_info = part_of(url.userinfo),
        .host = part_of(url.host),
        .host_is_ipv6 = url.host_is_ipv6,
        .port = url.port,
        .port_is_default = url.port_is_default,
        .path = part_of(url.path),
        .query = part_of(url.query),
    };
    return RP_OK;
}

/* ---- URLs that begin like the last one ---- */

static bool begins_like(const rp_url_front *front, const char *text, size_t size)
{
    if (front->size == 0 || size < front->size || size > RP_URL_LIMIT ||
        memcmp(text, front->text, front->size) != 0)
        return false;
    return find_delimiter(text, front->size, size, '/') == front->size;
}

/* What stands before from is, and no front has less than eight bytes: "http://h". */
static bool rest_visible(const char *text, size_t from, size_t size)
{
    for (; size - from >= 8; from += 8) {
        if (!eight_visible(text + from))
            return false;
    }
    return eight_visible(text + size - 8);
}

/* What stands there from the host to the end, if a request's Host is the same: no port that is the
 * default, or is not written as a number is. */
static size_t authority_size(const rp_url *url, const char *begin, size_t size)
{
    size_t host = url->host.size + 2 * (size_t)url->host_is_ipv6;
    bool same = url->port_is_default ? size == host : size > host + 1 && begin[host + 1] != '0';
    return same ? size : 0;
}

static void keep(rp_url_front *front, const rp_url *url, const char *text)
{
    size_t size = (size_t)((const char *)url->path.data - text);
    if (size > sizeof(front->text) || url->userinfo.size > 0)
        return;
    memcpy(front->text, text, size);
    front->size = (uint8_t)size;
    front->host_at = (uint8_t)((const char *)url->host.data - text);
    front->host_size = (uint8_t)url->host.size;
    front->authority_at = (uint8_t)(front->host_at - url->host_is_ipv6);
    front->authority_size =
        (uint8_t)authority_size(url, text + front->authority_at, size - front->authority_at);
    front->https = url->https;
    front->host_is_ipv6 = url->host_is_ipv6;
    front->port_is_default = url->port_is_default;
    front->port = url->port;
}

rp_status rp__url_parse_like(rp_url *url, rp_url_front *front, const char *text, size_t size,
                             rp_error *error)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t path = front->size;
    if (!begins_like(front, text, size) || !rest_visible(text, path, size)) {
        rp_status status = rp__url_parse(url, text, size, error);
        if (status == RP_OK)
            keep(front, url, text);
        return status;
    }
    size_t query = find_delimiter(text, path, size, '?');
    size_t fragment = find_delimiter(text, query, size, '#');
    *url = (rp_url){.https = front->https,
                    .host = {bytes + front->host_at, front->host_size},
                    .host_is_ipv6 = front->host_is_ipv6,
                    .port = front->port,
                    .port_is_default = front->port_is_default,
                    .path = {bytes + path, query - path},
                    .query = {bytes + query, fragment - query},
                    .authority = {bytes + front->authority_at, front->authority_size}};
    return RP_OK;
}
