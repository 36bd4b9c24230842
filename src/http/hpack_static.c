/* hpack_static.c - HPACK's static table (RFC 7541, appendix A), with what each field is in a
 * response. */
#include "http/hpack.h"

#include "base/text.h"

#define FIELD(name, value, kind)                                                                   \
    {                                                                                              \
        name, value, sizeof(name) - 1, sizeof(value) - 1, 0, 0, 0, kind, true, NULL                \
    }
#define PLAIN(name, value) FIELD(name, value, RP_HPACK_PLAIN)
#define BAD(name, value) FIELD(name, value, RP_HPACK_BAD)

const rp_hpack_field rp__hpack_static[RP_HPACK_STATIC] = {
    BAD(":authority", ""),
    BAD(":method", "GET"),
    BAD(":method", "POST"),
    BAD(":path", "/"),
    BAD(":path", "/index.html"),
    BAD(":scheme", "http"),
    BAD(":scheme", "https"),
    {":status", "200", 7, 3, 200, 0, 0, RP_HPACK_STATUS, true, NULL},
    {":status", "204", 7, 3, 204, 0, 0, RP_HPACK_STATUS, true, NULL},
    {":status", "206", 7, 3, 206, 0, 0, RP_HPACK_STATUS, true, NULL},
    {":status", "304", 7, 3, 304, 0, 0, RP_HPACK_STATUS, true, NULL},
    {":status", "400", 7, 3, 400, 0, 0, RP_HPACK_STATUS, true, NULL},
    {":status", "404", 7, 3, 404, 0, 0, RP_HPACK_STATUS, true, NULL},
    {":status", "500", 7, 3, 500, 0, 0, RP_HPACK_STATUS, true, NULL},
    PLAIN("accept-charset", ""),
    PLAIN("accept-encoding", "gzip, deflate"),
    PLAIN("accept-language", ""),
    PLAIN("accept-ranges", ""),
    PLAIN("accept", ""),
    PLAIN("access-control-allow-origin", ""),
    PLAIN("age", ""),
    PLAIN("allow", ""),
    PLAIN("authorization", ""),
    PLAIN("cache-control", ""),
    PLAIN("content-disposition", ""),
    PLAIN("content-encoding", ""),
    PLAIN("content-language", ""),
    BAD("content-length", ""),
    PLAIN("content-location", ""),
    PLAIN("content-range", ""),
    PLAIN("content-type", ""),
    PLAIN("cookie", ""),
    PLAIN("date", ""),
    PLAIN("etag", ""),
    PLAIN("expect", ""),
    PLAIN("expires", ""),
    PLAIN("from", ""),
    PLAIN("host", ""),
    PLAIN("if-match", ""),
    PLAIN("if-modified-since", ""),
    PLAIN("if-none-match", ""),
    PLAIN("if-range", ""),
    PLAIN("if-unmodified-since", ""),
    PLAIN("last-modified", ""),
    PLAIN("link", ""),
    PLAIN("location", ""),
    PLAIN("max-forwards", ""),
    PLAIN("proxy-authenticate", ""),
    PLAIN("proxy-authorization", ""),
    PLAIN("range", ""),
    PLAIN("referer", ""),
    PLAIN("refresh", ""),
    PLAIN("retry-after", ""),
    PLAIN("server", ""),
    PLAIN("set-cookie", ""),
    PLAIN("strict-transport-security", ""),
    BAD("transfer-encoding", ""),
    PLAIN("user-agent", ""),
    PLAIN("vary", ""),
    PLAIN("via", ""),
    PLAIN("www-authenticate", ""),
};

/* The numbers of names, each one's first, in the order of their lengths; and where each length
 * begins there. */
static const uint8_t by_length[] = {
    21, 60, 33, 34, 37, 38, 45, 59, 4,  22, 50, 19, 32, 35, 54, 2,  6,  8,
    36, 51, 52, 39, 42, 46, 1,  55, 58, 53, 31, 47, 18, 23, 24, 30, 41, 44,
    15, 28, 16, 17, 26, 27, 29, 61, 40, 57, 48, 25, 43, 49, 56, 20,
};
static const uint8_t lengths[] = {
    0,  0,  0,  0,  2,  8,  11, 15, 21, 24, 24, 27, 28, 30, 36,
    38, 40, 44, 46, 47, 50, 50, 50, 50, 50, 50, 51, 51, 52,
};

uint32_t rp__hpack_static_find(const void *name, size_t size)
{
    if (size + 1 >= sizeof(lengths))
        return 0;
    for (unsigned i = lengths[size]; i < lengths[size + 1]; i++) {
        if (rp__ascii_equal(name, rp__hpack_static[by_length[i] - 1].name, size))
            return by_length[i];
    }
    return 0;
}
