/* h2_head.c - a response's head, field by field, as nghttp2 decodes it (RFC 9113, 8.3.2).
 *
 * nghttp2 has validated a field before it is seen here. Its strings are counted references and end
 * in NUL, so nothing is copied. A small head's strings are held until the next one comes: most of
 * a server's responses have most fields in common, which nghttp2 gives as the same strings again
 * (those of its table, and with scripts/deps' patch others too). A block that ends its stream is
 * decoded to its end all the same: the table must stay in step. */
#include "http/h2_inside.h"

#include "base/text.h"
#include "http/headers.h"

#include <string.h>

#define HEADERS_FIRST 32
#define FIELD_OVERHEAD 32 /* RFC 9113, 6.5.2 */
#define KEPT_BYTES 2048   /* of a list, beyond the head's end */

void rp_h2_head_clear(rp_h2 *h2)
{
    for (uint32_t i = 0; i < h2->kept_count; i++) {
        nghttp2_rcbuf_decref(h2->parts[i].name);
        nghttp2_rcbuf_decref(h2->parts[i].value);
    }
    h2->header_count = h2->kept_count = 0;
    h2->reading = NULL;
}

/* The head is over, or another one begins. What the server says is not to be in a table (RFC 7541,
 * 6.2.3) is not kept here either. */
static void head_over(rp_h2 *h2)
{
    if (h2->list_bytes > KEPT_BYTES || h2->never_indexed)
        rp_h2_head_clear(h2);
    h2->header_count = 0;
    h2->reading = NULL;
}

int rp_h2_on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    rp_h2 *h2 = user;
    (void)ng;
    head_over(h2);
    h2->list_bytes = 0;
    h2->never_indexed = false;
    stream *s = rp_h2_find(h2, frame->hd.stream_id);
    if (s == NULL)
        return 0;
    h2->reading = s;
    h2->status = 0;
    h2->length = RP_LENGTH_UNKNOWN;
    s->is.moved_ns = h2->now_ns;
    if (!s->is.told_head)
        h2->events->on_answer(h2->user, &s->is);
    return 0;
}

static bool room_for_header(rp_h2 *h2)
{
    if (h2->header_count < h2->header_capacity)
        return true;
    uint32_t capacity = h2->header_capacity > 0 ? 2 * h2->header_capacity : HEADERS_FIRST;
    rp_header *headers =
        rp_reallocate(h2->memory->memory, h2->headers, capacity * sizeof(*headers));
    if (headers != NULL)
        h2->headers = headers;
    h2_part *parts = rp_reallocate(h2->memory->memory, h2->parts, capacity * sizeof(*parts));
    if (parts != NULL)
        h2->parts = parts;
    if (headers == NULL || parts == NULL)
        return false;
    h2->header_capacity = capacity;
    return true;
}

static int refuse(stream *s, rp_h2_fault fault, uint32_t code)
{
    rp_h2_fail_stream(s, fault, code);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the rest of the block is only decoded */
}

/* nghttp2 has seen that it is a number, and one only. */
static uint64_t length_of(const nghttp2_vec *value)
{
    uint64_t length = 0;
    for (size_t i = 0; i < value->len; i++)
        length = length * 10 + (uint64_t)(value->base[i] - '0');
    return length;
}

static void part_set(rp_h2 *h2, nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name), v = nghttp2_rcbuf_get_buf(value);
    h2_part *part = &h2->parts[h2->header_count];
    nghttp2_rcbuf_incref(name);
    nghttp2_rcbuf_incref(value);
    if (h2->header_count < h2->kept_count) {
        nghttp2_rcbuf_decref(part->name);
        nghttp2_rcbuf_decref(part->value);
    } else {
        h2->kept_count++;
    }
    *part = (h2_part){.name = name,
                      .value = value,
                      .list_bytes = (uint32_t)(n.len + v.len + FIELD_OVERHEAD),
                      .is_length = n.len == 14 && memcmp(n.base, "content-length", 14) == 0};
    h2->headers[h2->header_count] = (rp_header){(const char *)n.base, (const char *)v.base};
}

/* It is where it was in the head before: its strings are held, so they can't be others. */
static bool is_kept(const rp_h2 *h2, const nghttp2_rcbuf *name, const nghttp2_rcbuf *value)
{
    if (h2->header_count >= h2->kept_count)
        return false;
    const h2_part *part = &h2->parts[h2->header_count];
    return part->name == name && part->value == value;
}

/* Returns its share of the list; only :status is left of those that begin so. */
static size_t status_came(rp_h2 *h2, nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name), v = nghttp2_rcbuf_get_buf(value);
    for (size_t i = 0; i < v.len; i++)
        h2->status = h2->status * 10 + (v.base[i] - '0');
    return n.len + v.len + FIELD_OVERHEAD;
}

static size_t header_came(rp_h2 *h2, nghttp2_rcbuf *value, uint8_t flags)
{
    const h2_part *part = &h2->parts[h2->header_count];
    if (part->is_length) {
        nghttp2_vec v = nghttp2_rcbuf_get_buf(value);
        h2->length = length_of(&v);
    }
    h2->never_indexed = h2->never_indexed || (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
    h2->header_count++;
    return part->list_bytes;
}

int rp_h2_on_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                    nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    rp_h2 *h2 = user;
    stream *s = h2->reading;
    (void)ng;
    (void)frame;
    if (s == NULL)
        return 0;
    if (is_kept(h2, name, value)) {
        h2->list_bytes += header_came(h2, value, flags);
    } else if (nghttp2_rcbuf_get_buf(name).base[0] == ':') {
        h2->list_bytes += status_came(h2, name, value);
    } else {
        if (h2->header_count >= h2->options.header_count)
            return refuse(s, RP_H2_TOO_MANY_HEADERS, NGHTTP2_ENHANCE_YOUR_CALM);
        if (!room_for_header(h2))
            return refuse(s, RP_H2_NO_MEMORY, NGHTTP2_CANCEL);
        part_set(h2, name, value);
        h2->list_bytes += header_came(h2, value, flags);
    }
    if (h2->list_bytes > h2->options.head_bytes)
        return refuse(s, RP_H2_HEAD_TOO_LARGE, NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
}

/* Names go into sentences, values never. */
static void bad_name_set(stream *s, const char *name, size_t size)
{
    size_t most = sizeof(s->bad_name) - 1, shown = 0;
    while (shown < size && shown < most && (rp_is_token(name + shown, 1) || name[shown] == ':'))
        shown++;
    memcpy(s->bad_name, name, shown);
    s->bad_name[shown] = '\0';
}

int rp_h2_on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                            nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    rp_h2 *h2 = user;
    stream *s = rp_h2_find(h2, frame->hd.stream_id);
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name);
    (void)ng;
    (void)value;
    (void)flags;
    if (s != NULL) {
        bad_name_set(s, (const char *)n.base, n.len);
        rp_h2_fail_stream(s, RP_H2_BAD_HEADER, NGHTTP2_PROTOCOL_ERROR);
    }
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

void rp_h2_note_bad_name(stream *s, const char *text, size_t size)
{
    static const char before[] = "name: [";
    for (size_t i = 0; i + sizeof(before) <= size; i++) {
        if (memcmp(text + i, before, sizeof(before) - 1) != 0)
            continue;
        const char *name = text + i + sizeof(before) - 1;
        size_t left = (size_t)(text + size - name), name_size = 0;
        while (name_size < left && name[name_size] != ']')
            name_size++;
        bad_name_set(s, name, name_size);
        return;
    }
}

static void tell_head(rp_h2 *h2, stream *s)
{
    rp_response_head head = {.status = h2->status,
                             .version = 20,
                             .informational = h2->status < 200,
                             .reason = "",
                             .headers = h2->headers,
                             .header_count = h2->header_count,
                             .content_length = h2->length};
    if (head.informational)
        head.content_length = 0;
    else if ((head.status == 204 || head.status == 304) && h2->length == RP_LENGTH_UNKNOWN)
        head.content_length = 0;
    if (!head.informational) {
        s->is.told_head = true;
        s->is.length = head.content_length;
        s->bodiless = s->bodiless || head.status == 204 || head.status == 304;
    }
    h2->events->on_head(h2->user, &s->is, &head);
}

void rp_h2_trailers_clear(stream *s)
{
    rp_memory *memory = s->h2->memory->memory;
    for (uint32_t i = 0; i < s->trailer_kept_count; i++) {
        nghttp2_rcbuf_decref(s->trailer_parts[i].name);
        nghttp2_rcbuf_decref(s->trailer_parts[i].value);
    }
    rp_free(memory, s->trailers);
    rp_free(memory, s->trailer_parts);
    s->trailers = NULL;
    s->trailer_parts = NULL;
    s->trailer_count = s->trailer_kept_count = 0;
}

/* They are told behind the body, which may wait: the stream has them from here on. */
static void trailers_keep(rp_h2 *h2, stream *s)
{
    s->trailers = h2->headers;
    s->trailer_parts = h2->parts;
    s->trailer_count = h2->header_count;
    s->trailer_kept_count = h2->kept_count;
    h2->headers = NULL;
    h2->parts = NULL;
    h2->header_count = h2->header_capacity = h2->kept_count = 0;
}

void rp_h2_head_read(rp_h2 *h2, stream *s)
{
    if (h2->reading == s && !s->is.told_head) {
        bool informational = h2->status < 200;
        if (informational && s->informational >= h2->options.informational_count) {
            rp_h2_fail_stream(s, RP_H2_TOO_MANY_INTERIM, NGHTTP2_ENHANCE_YOUR_CALM);
        } else {
            s->informational += informational;
            tell_head(h2, s);
        }
    } else if (h2->reading == s && h2->header_count > 0 && s->trailers == NULL &&
               h2->events->on_trailers != NULL) {
        trailers_keep(h2, s);
    }
    head_over(h2);
}
