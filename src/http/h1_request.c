/* h1_request.c - an HTTP/1.1 request's head to bytes.
 *
 * A request that is refused must leave no byte behind, so everything is checked before anything is
 * written; after that only memory can fail. The head is put together on the stack and goes into the
 * chain in one piece; one that is too long for that goes by way of a chain of its own. */
#include "http/h1.h"

#include "base/error.h"
#include "http/headers.h"

#include <string.h>

/* ---- Checks ---- */

/* Which of ringport's own headers the caller gave. */
typedef struct given_headers {
    bool host, user_agent, accept, content_length;
} given_headers;

/* What is no token may hold a value: of a name a sentence shows what comes before that. */
static rp_status bad_name(rp_error *error, const char *kind, const char *name, const char *what)
{
    int shown = 0;
    while (shown < 64 && rp_is_token(name + shown, 1))
        shown++;
    return rp_error_set(error, RP_E_BAD_HEADER, RP_PHASE_NONE, "the request %s \"%.*s%s\" %s", kind,
                        shown, name, name[shown] == '\0' ? "" : "...", what);
}

static rp_status bad(rp_error *error, const rp_header *header, const char *what)
{
    return bad_name(error, "header", header->name, what);
}

static rp_status check_host(const rp_header *header, given_headers *given, rp_error *error)
{
    if (given->host)
        return bad(error, header, "is given twice");
    if (header->value[strcspn(header->value, " \t,/?#@\\")] != '\0' || header->value[0] == '\0')
        return bad(error, header, "is not a host and an optional port");
    given->host = true;
    return RP_OK;
}

/* The caller may say what ringport will send anyway, nothing else. */
static rp_status check_length(const rp_h1_request *request, const rp_header *header,
                              given_headers *given, rp_error *error)
{
    uint64_t value = 0;
    const char *digit = header->value;
    if (given->content_length)
        return bad(error, header, "is given twice");
    for (; *digit >= '0' && *digit <= '9' && value <= UINT64_MAX / 10 - 1; digit++)
        value = value * 10 + (uint64_t)(*digit - '0');
    if (*digit != '\0' || digit == header->value ||
        value != (request->has_body ? request->body_size : 0))
        return bad(error, header, "differs from the body's length");
    given->content_length = true;
    return RP_OK;
}

static bool is_own_connection_option(const char *value)
{
    size_t size = strlen(value);
    return rp_name_equal(value, size, "keep-alive") || rp_name_equal(value, size, "close");
}

static rp_status check_header(const rp_h1_request *request, const rp_header *header,
                              given_headers *given, rp_error *error)
{
    size_t size = strlen(header->name);
    if (!rp_is_token(header->name, size))
        return bad(error, header, "has a name that is not a token (RFC 9110, 5.1)");
    if (!rp_is_field_value(header->value, strlen(header->value)))
        return bad(error, header, "has a control character in its value (RFC 9110, 5.5)");
    switch (size) {
    case 4:
        if (rp_name_equal(header->name, size, "host"))
            return check_host(header, given, error);
        break;
    case 6:
        given->accept |= rp_name_equal(header->name, size, "accept");
        break;
    case 10:
        given->user_agent |= rp_name_equal(header->name, size, "user-agent");
        if (rp_name_equal(header->name, size, "connection") &&
            !is_own_connection_option(header->value))
            return bad(error, header, "may be keep-alive or close only: ringport decides the rest");
        break;
    case 14:
        if (rp_name_equal(header->name, size, "content-length"))
            return check_length(request, header, given, error);
        break;
    case 17:
        if (rp_name_equal(header->name, size, "transfer-encoding"))
            return bad(error, header, "is ringport's to decide");
        break;
    default:
        break;
    }
    return RP_OK;
}

static rp_status check_method(const rp_h1_request *request, rp_error *error)
{
    const char *method = request->method, *what = NULL;
    if (!rp_is_token(method, strlen(method)))
        what = "is not a token (RFC 9110, 9.1)";
    else if (strcmp(method, "CONNECT") == 0)
        what = "asks for a tunnel, not for a resource";
    else if (strcmp(method, "TRACE") == 0 && request->has_body)
        what = "must not have a body (RFC 9110, 9.3.8)";
    if (what == NULL)
        return RP_OK;
    return bad_name(error, "method", method, what);
}

static rp_status check(const rp_h1_request *request, given_headers *given, rp_error *error)
{
    rp_status status = check_method(request, error);
    for (size_t i = 0; i < request->header_count && status == RP_OK; i++)
        status = check_header(request, &request->headers[i], given, error);
    if (status != RP_OK || rp_is_field_value(request->user_agent, strlen(request->user_agent)))
        return status;
    rp_header user_agent = {"User-Agent", request->user_agent};
    return bad(error, &user_agent, "has a control character in its value (RFC 9110, 5.5)");
}

/* ---- Writing ---- */

typedef struct writer {
    rp_chain chain; /* what did not fit in text */
    bool no_memory, flushed;
    size_t size; /* of text in use */
    char text[1024];
} writer;

static void flush(writer *w, const void *data, size_t size)
{
    if (!w->no_memory && size > 0)
        w->no_memory = !rp_chain_append(&w->chain, data, size);
}

/* What does not fit behind the rest. */
static void put_large(writer *w, const void *data, size_t size)
{
    flush(w, w->text, w->size);
    w->flushed = true;
    w->size = 0;
    if (size > sizeof(w->text)) {
        flush(w, data, size);
    } else {
        memcpy(w->text, data, size);
        w->size = size;
    }
}

static inline void put(writer *w, const void *data, size_t size)
{
    if (size <= sizeof(w->text) - w->size) {
        if (size > 0)
            memcpy(w->text + w->size, data, size);
        w->size += size;
    } else {
        put_large(w, data, size);
    }
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

static void put_header(writer *w, const char *name, const char *value)
{
    put(w, name, strlen(name));
    PUT_LITERAL(w, ": ");
    put(w, value, strlen(value));
    PUT_LITERAL(w, "\r\n");
}

static void put_host(writer *w, const rp_url *url)
{
    PUT_LITERAL(w, "Host: ");
    if (url->host_is_ipv6)
        PUT_LITERAL(w, "[");
    put(w, url->host.data, url->host.size);
    if (url->host_is_ipv6)
        PUT_LITERAL(w, "]");
    if (!url->port_is_default) {
        PUT_LITERAL(w, ":");
        put_number(w, url->port);
    }
    PUT_LITERAL(w, "\r\n");
}

static void put_request_line(writer *w, const rp_h1_request *request)
{
    put(w, request->method, strlen(request->method));
    PUT_LITERAL(w, " ");
    if (request->url->path.size == 0)
        PUT_LITERAL(w, "/");
    put(w, request->url->path.data, request->url->path.size);
    put(w, request->url->query.data, request->url->query.size);
    PUT_LITERAL(w, " HTTP/1.1\r\n");
}

/* An empty User-Agent or Accept is the caller's way to send none. */
static bool is_suppressed(const rp_header *header)
{
    size_t size = strlen(header->name);
    return header->value[0] == '\0' && (rp_name_equal(header->name, size, "user-agent") ||
                                        rp_name_equal(header->name, size, "accept"));
}

/* RFC 9110, 8.6: methods that mean something by a body say so where there is none. */
static bool expects_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

static void put_head(writer *w, const rp_h1_request *request, const given_headers *given)
{
    put_request_line(w, request);
    if (!given->host)
        put_host(w, request->url);
    if (!given->user_agent && request->user_agent[0] != '\0')
        put_header(w, "User-Agent", request->user_agent);
    if (!given->accept)
        PUT_LITERAL(w, "Accept: */*\r\n");
    for (size_t i = 0; i < request->header_count; i++) {
        if (!is_suppressed(&request->headers[i]))
            put_header(w, request->headers[i].name, request->headers[i].value);
    }
    if (!given->content_length && (request->has_body || expects_body(request->method))) {
        PUT_LITERAL(w, "Content-Length: ");
        put_number(w, request->has_body ? request->body_size : 0);
        PUT_LITERAL(w, "\r\n");
    }
    PUT_LITERAL(w, "\r\n");
}

rp_status rp_h1_request_write(rp_chain *out, const rp_h1_request *request, rp_error *error)
{
    given_headers given = {0};
    rp_status status = check(request, &given, error);
    if (status != RP_OK)
        return status;

    writer w;
    rp_chain_init(&w.chain, out->pool);
    w.no_memory = w.flushed = false;
    w.size = 0;
    put_head(&w, request, &given);
    if (!w.flushed) {
        w.no_memory = !rp_chain_append(out, w.text, w.size);
    } else {
        flush(&w, w.text, w.size);
        if (!w.no_memory)
            rp_chain_move(out, &w.chain);
    }
    rp_chain_clear(&w.chain);
    rp_wipe(w.text, w.flushed ? sizeof(w.text) : w.size);
    if (w.no_memory)
        return rp_error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE,
                            "no memory for the request's head");
    return RP_OK;
}

bool rp_method_idempotent(const char *method)
{
    static const char *const idempotent[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof(idempotent) / sizeof(idempotent[0]); i++) {
        if (strcmp(method, idempotent[i]) == 0)
            return true;
    }
    return false;
}
