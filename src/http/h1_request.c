/* h1_request.c - a request's head, and its body's chunks, as HTTP/1.1 has them. */
#include "http/h1.h"
#include "http/headers.h"

#include <stdio.h>
#include <string.h>

/* What is sent beside what was packed, at the most: the words below and a number. A packed field
 * is longer than its line. */
#define OWN_WORDS 192

typedef struct writer {
    uint8_t *at;
} writer;

static void put(writer *w, const void *data, size_t size)
{
    if (size == 0) /* data may be NULL */
        return;
    memcpy(w->at, data, size);
    w->at += size;
}

static void put_slice(writer *w, rp_slice slice)
{
    put(w, slice.data, slice.size);
}

#define PUT_LITERAL(w, literal) put(w, literal, sizeof(literal) - 1)

static void put_number(writer *w, uint64_t value)
{
    char digits[20];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put(w, digits + first, sizeof(digits) - first);
}

static bool is(const rp_field *field, const char *name)
{
    return rp__name_equal((const char *)field->name.data, field->name.size, name);
}

static void put_field(writer *w, const rp_field *field)
{
    put_slice(w, field->name);
    put(w, ": ", field->value.size > 0 ? 2 : 1);
    put_slice(w, field->value);
    PUT_LITERAL(w, "\r\n");
}

/* Those that stand before all others, but for Host. */
static void put_leading(writer *w, const rp_message *message)
{
    rp_field field;
    for (size_t at = 0;
         message->leads_with_authorization && rp__message_next(message, &at, &field);) {
        if (is(&field, "authorization"))
            put_field(w, &field);
    }
}

/* Does the request say itself what this line says? A longer name is none of a request's. */
static bool has(const rp_message *message, const char *line)
{
    char name[64];
    rp_field field;
    size_t size = strcspn(line, ":");
    if (size >= sizeof(name))
        return false;
    memcpy(name, line, size);
    name[size] = '\0';
    bool own = rp__name_equal(name, size, "host") ||
               (message->user_agent != NULL && rp__name_equal(name, size, "user-agent")) ||
               (message->says_accept && rp__name_equal(name, size, "accept"));
    for (size_t at = 0; !own && rp__message_next(message, &at, &field);)
        own = is(&field, name);
    return own;
}

/* The proxy's credentials, which are the first of its lines, if there are any. */
static size_t credentials_size(const char *proxy)
{
    static const char name[] = "Proxy-Authorization:";
    return strncmp(proxy, name, sizeof(name) - 1) == 0 ? strcspn(proxy, "\n") + 1 : 0;
}

/* What else is for the proxy, but for what the request says itself. */
static void put_proxy(writer *w, const rp_message *message, const char *proxy)
{
    proxy += credentials_size(proxy);
    for (size_t size; *proxy != '\0'; proxy += size) {
        size = strcspn(proxy, "\n") + 1;
        if (!has(message, proxy))
            put(w, proxy, size);
    }
}

/* curl's order, in which what is for proxies stands behind these. */
static bool stands_before_proxy(const rp_field *field)
{
    static const char *const names[] = {"authorization", "range",          "content-range",
                                        "user-agent",    "accept",         "te",
                                        "referer",       "accept-encoding"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (is(field, names[i]))
            return true;
    }
    return false;
}

static void put_fields(writer *w, const rp_message *message, const char *proxy)
{
    rp_field field;
    for (size_t at = 0; rp__message_next(message, &at, &field);) {
        if ((message->leads_with_authorization && is(&field, "authorization")) ||
            is(&field, "host"))
            continue;
        if (proxy != NULL && !stands_before_proxy(&field)) {
            put_proxy(w, message, proxy);
            proxy = NULL;
        }
        put_field(w, &field);
    }
    if (proxy != NULL)
        put_proxy(w, message, proxy);
}

size_t rp__h1_request_bound(const rp_message *message, const char *proxy)
{
    size_t url = proxy != NULL ? strlen(proxy) + message->target_at : 0;
    return message->size + message->user_agent_size + url + OWN_WORDS;
}

size_t rp__h1_request_write(const rp_message *message, const char *proxy, uint8_t *out)
{
    writer w = {out};
    put_slice(&w, rp__message_method(message));
    PUT_LITERAL(&w, " ");
    if (proxy != NULL && !message->own_target) {
        PUT_LITERAL(&w, "http://");
        put_slice(&w, rp__message_url_authority(message));
    }
    put_slice(&w, rp__message_target(message));
    PUT_LITERAL(&w, " HTTP/1.1\r\n");
    PUT_LITERAL(&w, "Host: "); /* first: RFC 9110, 7.2 */
    put_slice(&w, rp__message_authority(message));
    PUT_LITERAL(&w, "\r\n");
    if (proxy != NULL)
        put(&w, proxy, credentials_size(proxy));
    put_leading(&w, message);
    if (message->user_agent != NULL) {
        PUT_LITERAL(&w, "User-Agent: ");
        put(&w, message->user_agent, message->user_agent_size);
        PUT_LITERAL(&w, "\r\n");
    }
    if (message->says_accept)
        PUT_LITERAL(&w, "Accept: */*\r\n");
    put_fields(&w, message, proxy);
    if (message->says_length) {
        PUT_LITERAL(&w, "Content-Length: ");
        put_number(&w, message->length);
        PUT_LITERAL(&w, "\r\n");
    }
    if (message->chunked)
        PUT_LITERAL(&w, "Transfer-Encoding: chunked\r\n");
    if (rp__message_expects(message, 11))
        PUT_LITERAL(&w, "Expect: 100-continue\r\n");
    PUT_LITERAL(&w, "\r\n");
    return (size_t)(w.at - out);
}

/* ---- the body (RFC 9112, 7.1) ---- */

#define CHUNK_WORDS 32 /* a chunk's size, its end, the last chunk */

static void put_last_chunk(writer *w, const rp_body *body)
{
    PUT_LITERAL(w, "0\r\n");
    put(w, body->trailers, body->trailers_size);
    PUT_LITERAL(w, "\r\n");
}

size_t rp__h1_body_write(rp_body *body, bool chunked, uint8_t *out, size_t capacity, bool *last)
{
    writer w = {out};
    size_t size = rp__body_ready(body, capacity - RP_TRAILERS_LIMIT - CHUNK_WORDS);
    *last = rp__body_ends(body, size);
    if (chunked && size > 0)
        w.at += snprintf((char *)w.at, CHUNK_WORDS, "%zx\r\n", size);
    rp__body_take(body, size, w.at);
    w.at += size;
    if (chunked && size > 0)
        PUT_LITERAL(&w, "\r\n");
    if (chunked && *last)
        put_last_chunk(&w, body);
    return (size_t)(w.at - out);
}
