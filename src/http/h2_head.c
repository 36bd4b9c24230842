/* h2_head.c - a response's head, and its trailers, field by field (RFC 9113, 8.1 and 8.3.2).
 *
 * Fields are judged when they are decoded first (h2_field.c), so here only their order and number
 * counts. Nothing is copied but trailers, which may have to wait. A block whose stream ends in its
 * middle is decoded to its end all the same: the table must stay in step. */
#include "http/h2_inside.h"

#include "base/text.h"
#include "http/headers.h"

#include <string.h>

#define HEADERS_FIRST 32

void rp__h2_head_begins(stream *s)
{
    rp_h2 *h2 = s->h2;
    s->is.moved_ns = h2->now_ns;
    if (!s->is.told_head)
        h2->events->on_answer(h2->user, &s->is);
}

/* The rest of the block is only decoded. */
static void refuse(rp_h2 *h2, rp_h2_fault fault, uint32_t code)
{
    stream *s = h2->reading;
    h2->reading = NULL;
    rp__h2_fail_stream(s, fault, code);
}

/* Names go into messages, values never. */
static void refuse_field(rp_h2 *h2, const rp_hpack_field *field)
{
    stream *s = h2->reading;
    const char *name = field->name;
    size_t most = sizeof(s->bad_name) - 1, shown = 0;
    while (shown < field->name_size && shown < most &&
           (rp__is_token(name + shown, 1) || name[shown] == ':'))
        shown++;
    memcpy(s->bad_name, name, shown);
    s->bad_name[shown] = '\0';
    refuse(h2, RP_H2_BAD_HEADER, CODE_PROTOCOL_ERROR);
}

static bool room_for_header(rp_h2 *h2)
{
    rp_memory *memory = h2->memory->memory;
    if (h2->header_count < h2->header_capacity)
        return true;
    uint32_t capacity = h2->header_capacity > 0 ? 2 * h2->header_capacity : HEADERS_FIRST;
    rp_header *headers = rp__reallocate(memory, h2->headers, capacity * sizeof(*headers));
    if (headers == NULL)
        return false;
    h2->headers = headers;
    h2->header_capacity = capacity;
    return true;
}

static void header_came(rp_h2 *h2, const rp_hpack_field *field)
{
    if (h2->header_count >= h2->options.header_count) {
        refuse(h2, RP_H2_TOO_MANY_HEADERS, CODE_ENHANCE_YOUR_CALM);
        return;
    }
    if (!room_for_header(h2)) {
        refuse(h2, RP_H2_NO_MEMORY, CODE_CANCEL);
        return;
    }
    h2->headers[h2->header_count++] = (rp_header){field->name, field->value};
}

/* First of all, once, and in no trailers. */
static void status_came(rp_h2 *h2, const rp_hpack_field *field)
{
    if (h2->status != 0 || h2->header_count > 0 || h2->reading->is.told_head)
        refuse_field(h2, field);
    else
        h2->status = (int)field->number;
}

/* RFC 9110, 8.6: not in interim responses and of 204, of which servers send it all the same; RFC
 * 9113, 8.1.1, allows it, and it says nothing there. A trailer of that name frames nothing in
 * HTTP/2, and may not be taken for the header (RFC 9110, 6.5.1). Both are left out. */
static void length_came(rp_h2 *h2, const rp_hpack_field *field)
{
    if (h2->reading->is.told_head || h2->status / 100 == 1 || h2->status == 204)
        return;
    if (h2->length != RP_LENGTH_UNKNOWN) {
        refuse_field(h2, field);
    } else {
        h2->length = field->number;
        header_came(h2, field);
    }
}

static void on_field(void *user, const rp_hpack_field *field)
{
    rp_h2 *h2 = user;
    if (h2->reading == NULL)
        return;
    switch ((rp_hpack_kind)field->kind) {
    case RP_HPACK_PLAIN:
        header_came(h2, field);
        break;
    case RP_HPACK_LENGTH:
        length_came(h2, field);
        break;
    case RP_HPACK_STATUS:
        status_came(h2, field);
        break;
    case RP_HPACK_BAD:
        refuse_field(h2, field);
        break;
    }
    h2->list_bytes += rp__hpack_field_bytes(field);
    if (h2->list_bytes > h2->options.head_bytes && h2->reading != NULL)
        refuse(h2, RP_H2_HEAD_TOO_LARGE, CODE_ENHANCE_YOUR_CALM);
}

/* ---- a whole head ---- */

static void tell_head(rp_h2 *h2, stream *s)
{
    bool informational = h2->status < 200;
    rp_response_head head = {.status = h2->status,
                             .version = 20,
                             .informational = informational,
                             .reason = "",
                             .headers = h2->headers,
                             .header_count = h2->header_count,
                             .content_length = h2->length};
    if (informational)
        head.content_length = 0;
    else if ((head.status == 204 || head.status == 304) && h2->length == RP_LENGTH_UNKNOWN)
        head.content_length = 0;
    if (!informational) {
        s->is.told_head = true;
        s->is.length = head.content_length;
        s->bodiless = s->bodiless || head.status == 204 || head.status == 304;
    }
    h2->events->on_head(h2->user, &s->is, &head);
}

static void interim_came(rp_h2 *h2, stream *s, bool last)
{
    if (last) {
        rp__h2_fail_stream(s, RP_H2_MALFORMED, CODE_PROTOCOL_ERROR);
    } else if (s->informational >= h2->options.informational_count) {
        rp__h2_fail_stream(s, RP_H2_TOO_MANY_INTERIM, CODE_ENHANCE_YOUR_CALM);
    } else {
        s->informational++;
        tell_head(h2, s);
    }
}

/* It is not told where it already contradicts itself. */
static void final_came(rp_h2 *h2, stream *s, bool last)
{
    bool bodiless = s->bodiless || h2->status == 304;
    if (last && !bodiless && h2->length != RP_LENGTH_UNKNOWN && h2->length > 0) {
        s->is.length = h2->length;
        rp__h2_fail_stream(s, RP_H2_BODY_SHORT, CODE_PROTOCOL_ERROR);
        return;
    }
    tell_head(h2, s);
    if (!last && s->awaited)
        rp__h2_flow_head(s);
}

/* They are told behind the body, which may wait: the stream has them from here on. */
static bool trailers_keep(rp_h2 *h2, stream *s)
{
    size_t bytes = h2->header_count * sizeof(*s->trailers), i;
    for (i = 0; i < h2->header_count; i++)
        bytes += strlen(h2->headers[i].name) + strlen(h2->headers[i].value) + 2;
    s->trailers = rp__h2_take(h2->memory, bytes);
    if (s->trailers == NULL)
        return false;
    char *text = (char *)(s->trailers + h2->header_count);
    for (i = 0; i < h2->header_count; i++) {
        const char *parts[] = {h2->headers[i].name, h2->headers[i].value};
        s->trailers[i] = (rp_header){text, text + strlen(parts[0]) + 1};
        for (size_t k = 0; k < 2; k++) {
            size_t size = strlen(parts[k]) + 1;
            memcpy(text, parts[k], size);
            text += size;
        }
    }
    s->trailer_count = h2->header_count;
    return true;
}

static void trailers_came(rp_h2 *h2, stream *s, bool last)
{
    if (!last)
        rp__h2_fail_stream(s, RP_H2_MALFORMED, CODE_PROTOCOL_ERROR);
    else if (h2->header_count > 0 && h2->events->on_trailers != NULL && !trailers_keep(h2, s))
        rp__h2_fail_stream(s, RP_H2_NO_MEMORY, CODE_CANCEL);
}

static void head_judge(rp_h2 *h2, stream *s, bool last)
{
    if (s->is.told_head)
        trailers_came(h2, s, last);
    else if (h2->status == 0)
        rp__h2_fail_stream(s, RP_H2_MALFORMED, CODE_PROTOCOL_ERROR);
    else if (h2->status < 200)
        interim_came(h2, s, last);
    else
        final_came(h2, s, last);
}

/* The head is what the last one was. */
static bool is_again(rp_h2 *h2, const stream *s, const uint8_t *block, size_t size)
{
    bool known = s == NULL || (h2->head_kept && !s->is.told_head);
    return known && rp__hpack_again(&h2->decoder, block, size);
}

static rp_hpack_result decode(rp_h2 *h2, stream *s, const uint8_t *block, size_t size)
{
    h2->reading = s;
    h2->header_count = 0;
    h2->list_bytes = 0;
    h2->status = 0;
    h2->length = RP_LENGTH_UNKNOWN;
    rp_hpack_result result = rp__hpack_decode(&h2->decoder, block, size, on_field, h2);
    h2->head_kept = result == RP_HPACK_DONE && h2->reading != NULL && !s->is.told_head;
    return result;
}

void rp__h2_head_came(rp_h2 *h2, stream *s, const uint8_t *block, size_t size, bool last)
{
    stream *wanted = s != NULL && s->awaited ? s : NULL;
    rp_hpack_result result = RP_HPACK_DONE;
    if (is_again(h2, wanted, block, size))
        h2->reading = wanted;
    else
        result = decode(h2, wanted, block, size);
    stream *reading = h2->reading;
    h2->reading = NULL;
    if (result == RP_HPACK_BROKEN)
        rp__h2_broken(h2, CODE_COMPRESSION_ERROR, "a header block is not HPACK's (RFC 7541)");
    else if (result == RP_HPACK_NO_MEMORY)
        rp__h2_fail_memory(h2);
    else if (reading != NULL) {
        reading->remote_ended = last; /* who drops it now has nothing to reset */
        head_judge(h2, reading, last);
    }
    if (!h2->failed && last && s != NULL)
        rp__h2_remote_end(s);
    rp__hpack_sweep(&h2->decoder);
}
