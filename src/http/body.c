/* body.c - see body.h. */
#include "http/body.h"

#include "base/error.h"
#include "base/text.h"
#include "http/headers.h"

#include <string.h>

/* ---- bytes ---- */

static uint64_t bytes_left(const rp_body *body)
{
    if (!body->produced)
        return body->length - body->taken_bytes;
    bool whole = !body->ended && body->given_bytes == body->length && body->given.size > 0;
    return body->given.size - whole;
}

size_t rp__body_ready(const rp_body *body, size_t most)
{
    if (body->held || body->stopped || body->again)
        return 0;
    uint64_t left = bytes_left(body);
    return left < most ? (size_t)left : most;
}

bool rp__body_ends(const rp_body *body, size_t size)
{
    if (body->held || body->stopped || body->again || (body->produced && !body->ended))
        return false;
    return size == bytes_left(body);
}

void rp__body_take(rp_body *body, size_t size, uint8_t *out)
{
    if (body->data != NULL && size > 0)
        memcpy(out, body->data + body->taken_bytes, size);
    body->taken_bytes += size;
    while (body->data == NULL && size > 0) {
        rp_slice slice;
        (void)rp__chain_slices(&body->given, &slice, 1);
        size_t part = slice.size < size ? slice.size : size;
        memcpy(out, slice.data, part);
        rp__chain_consume(&body->given, part);
        out += part;
        size -= part;
    }
}

/* ---- trailers ---- */

/* RFC 9110, 6.5.1: what frames a message, leads it, asks for something, says who asks, or how the
 * body is to be read, must not come behind the body. */
static bool is_forbidden(const char *name)
{
    static const char *const names[] = {"authorization",
                                        "cache-control",
                                        "connection",
                                        "content-encoding",
                                        "content-length",
                                        "content-range",
                                        "content-type",
                                        "cookie",
                                        "expect",
                                        "host",
                                        "if-match",
                                        "if-modified-since",
                                        "if-none-match",
                                        "if-range",
                                        "if-unmodified-since",
                                        "keep-alive",
                                        "max-forwards",
                                        "pragma",
                                        "proxy-authorization",
                                        "proxy-connection",
                                        "range",
                                        "te",
                                        "trailer",
                                        "transfer-encoding",
                                        "upgrade"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (rp__name_equal(name, strlen(name), names[i]))
            return true;
    }
    return false;
}

static bool lists(rp_slice value, const char *name)
{
    const char *text = (const char *)value.data, *end = text + value.size;
    while (text < end) {
        while (text < end && (rp__is_blank(*text) || *text == ','))
            text++;
        const char *word = text;
        while (text < end && !rp__is_blank(*text) && *text != ',')
            text++;
        if (rp__name_equal(word, (size_t)(text - word), name))
            return true;
    }
    return false;
}

static bool is_announced(const rp_message *message, const char *name)
{
    rp_field field;
    for (size_t at = 0; rp__message_next(message, &at, &field);) {
        if (rp__name_equal((const char *)field.name.data, field.name.size, "trailer") &&
            lists(field.value, name))
            return true;
    }
    return false;
}

static const char *trailer_fault(const rp_message *message, const rp_header *trailer)
{
    if (!rp__is_token(trailer->name, strlen(trailer->name)))
        return "has a name that is not a token (RFC 9110, 5.1)";
    if (!rp__is_field_value(trailer->value, strlen(trailer->value)))
        return "has a control character in its value (RFC 9110, 5.5)";
    if (is_forbidden(trailer->name))
        return "must not stand behind a body (RFC 9110, 6.5.1)";
    if (!is_announced(message, trailer->name))
        return "was not announced in a Trailer header (RFC 9110, 6.6.2)";
    return NULL;
}

static size_t put(uint8_t *out, const void *text, size_t size)
{
    memcpy(out, text, size);
    return size;
}

static size_t put_trailer(uint8_t *out, const rp_header *trailer)
{
    size_t size = put(out, trailer->name, strlen(trailer->name));
    size += put(out + size, ": ", 2);
    size += put(out + size, trailer->value, strlen(trailer->value));
    return size + put(out + size, "\r\n", 2);
}

/* Of a name that is no token a message shows what comes before that, and of a value nothing. */
static rp_status bad_trailer(const char *name, const char *what, rp_error *error)
{
    int shown = 0;
    while (shown < 64 && rp__is_token(name + shown, 1))
        shown++;
    return rp__error_set(error, RP_E_BAD_HEADER, RP_PHASE_REQUEST,
                         "the request trailer \"%.*s%s\" %s", shown, name,
                         name[shown] == '\0' ? "" : "...", what);
}

rp_status rp__body_trailers_set(rp_body *body, rp_memory *memory, const rp_message *message,
                                const rp_header *trailers, size_t count, rp_error *error)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        const char *fault = trailer_fault(message, &trailers[i]);
        if (fault != NULL)
            return bad_trailer(trailers[i].name, fault, error);
        size += strlen(trailers[i].name) + strlen(trailers[i].value) + 4;
    }
    if (size > RP_TRAILERS_LIMIT)
        return rp__error_set(error, RP_E_BAD_HEADER, RP_PHASE_REQUEST,
                             "the request trailers are longer than %zu bytes", RP_TRAILERS_LIMIT);
    if (size == 0)
        return RP_OK;
    uint8_t *text = rp__allocate(memory, size);
    if (text == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_REQUEST,
                             "no memory for the request's trailers");
    body->trailers = text;
    body->trailers_size = size;
    for (size_t i = 0; i < count; i++)
        text += put_trailer(text, &trailers[i]);
    return RP_OK;
}

bool rp__body_next_trailer(const rp_body *body, size_t *at, rp_field *field)
{
    if (*at == body->trailers_size)
        return false;
    const uint8_t *line = body->trailers + *at;
    size_t left = body->trailers_size - *at;
    const uint8_t *colon = memchr(line, ':', left), *end = memchr(line, '\r', left);
    field->name = (rp_slice){line, (size_t)(colon - line)};
    field->value = (rp_slice){colon + 2, (size_t)(end - colon) - 2};
    *at += (size_t)(end - line) + 2;
    return true;
}
