/* h2_send.c - requests to frames. */
#include "http/h2_inside.h"

#include "base/assert.h"
#include "base/text.h"
#include "http/headers.h"

#include <stdio.h>
#include <string.h>

#define FRAME_HEAD 9

/* ---- the list of fields (RFC 9113, 8.3.1) ---- */

/* What of a field belongs to a connection of HTTP/1.1, or to the authority (RFC 9113, 8.2.2,
 * 8.3.1). */
static bool stays_behind(const rp_field *field)
{
    const char *name = (const char *)field->name.data;
    size_t size = field->name.size;
    switch (size) {
    case 2:
        return rp_name_equal(name, size, "te") &&
               !rp_name_equal((const char *)field->value.data, field->value.size, "trailers");
    case 4:
        return rp_name_equal(name, size, "host");
    case 7:
        return rp_name_equal(name, size, "upgrade");
    case 10:
        return rp_name_equal(name, size, "connection") || rp_name_equal(name, size, "keep-alive");
    case 14:
        return rp_name_equal(name, size, "http2-settings");
    case 16:
        return rp_name_equal(name, size, "proxy-connection");
    default:
        return false;
    }
}

static bool room_for_fields(rp_h2 *h2, const rp_message *message)
{
    rp_memory *memory = h2->memory->memory;
    size_t count = (size_t)message->field_count + 8, bytes = message->size - message->fields_at;
    if (count > h2->field_capacity) {
        nghttp2_nv *fields = rp_reallocate(memory, h2->fields, count * sizeof(*fields));
        if (fields == NULL)
            return false;
        h2->fields = fields;
        h2->field_capacity = count;
    }
    if (bytes > h2->name_capacity) {
        char *names = rp_reallocate(memory, h2->names, bytes);
        if (names == NULL)
            return false;
        h2->names = names;
        h2->name_capacity = bytes;
    }
    return true;
}

static nghttp2_nv field_of(const void *name, size_t name_size, const void *value, size_t value_size)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = name_size,
                        .valuelen = value_size,
                        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

#define FIELD(name, slice) field_of(name, sizeof(name) - 1, (slice).data, (slice).size)
#define FIELD_TEXT(name, text) field_of(name, sizeof(name) - 1, text, strlen(text))

/* RFC 9113, 8.2.1: no blanks at a value's ends. */
static rp_slice trimmed(rp_slice value)
{
    while (value.size > 0 && rp_is_blank((char)value.data[0]))
        value = (rp_slice){value.data + 1, value.size - 1};
    while (value.size > 0 && rp_is_blank((char)value.data[value.size - 1]))
        value.size--;
    return value;
}

/* The caller's. */
static size_t own_fields(rp_h2 *h2, const rp_message *message, size_t count)
{
    size_t at = 0;
    char *names = h2->names;
    rp_field field;
    while (rp_message_next(message, &at, &field)) {
        if (stays_behind(&field))
            continue;
        rp_slice value = trimmed(field.value);
        bool same = true;
        for (size_t i = 0; i < field.name.size; i++) {
            names[i] = rp_ascii_lower((char)field.name.data[i]);
            same = same && names[i] == (char)field.name.data[i];
        }
        const void *name = same ? (const void *)field.name.data : names;
        h2->fields[count] = field_of(name, field.name.size, value.data, value.size);
        if (!same)
            h2->fields[count].flags = NGHTTP2_NV_FLAG_NO_COPY_VALUE;
        count++;
        names += field.name.size;
    }
    return count;
}

/* length has room for a number. */
static size_t fields_make(rp_h2 *h2, const rp_message *message, char *length)
{
    size_t count = 0;
    h2->fields[count++] = FIELD(":method", rp_message_method(message));
    h2->fields[count++] = FIELD_TEXT(":scheme", message->https ? "https" : "http");
    h2->fields[count++] = FIELD(":authority", rp_message_authority(message));
    h2->fields[count++] = FIELD(":path", rp_message_target(message));
    if (message->user_agent != NULL)
        h2->fields[count++] = FIELD_TEXT("user-agent", message->user_agent);
    if (message->says_accept)
        h2->fields[count++] = FIELD_TEXT("accept", "*/*");
    count = own_fields(h2, message, count);
    if (message->says_length) {
        (void)snprintf(length, 24, "%llu", (unsigned long long)message->length);
        h2->fields[count] = FIELD_TEXT("content-length", length);
        h2->fields[count++].flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
    }
    if (message->says_expect)
        h2->fields[count++] = FIELD_TEXT("expect", "100-continue");
    return count;
}

/* ---- the body ----
 *
 * nghttp2 would have the oldest upload send all of its body before the next one begins: where there
 * are several, each waits, once it has sent a frame, until the others have. */

void rp_h2_upload_ends(stream *s)
{
    rp_list_remove(&s->turn_link);
    s->h2->uploads -= s->is.uploading;
    s->is.uploading = false;
}

/* False: nobody waits. */
static bool next_turn(rp_h2 *h2)
{
    rp_link *link = rp_list_take(&h2->turns);
    if (link == NULL)
        return false;
    stream *s = RP_CONTAINER(link, stream, turn_link);
    s->its_turn = true;
    (void)nghttp2_session_resume_data(h2->ng, (int32_t)s->is.id);
    return true;
}

static bool is_over(const stream *s)
{
    return s->dropped || s->ended || s->finishing; /* the body is its owner's again */
}

void rp_h2_body_more(rp_h2 *h2, rp_h2_stream *public)
{
    stream *s = rp_h2_stream_of(public);
    if (s->is.uploading && !is_over(s) && rp_list_empty(&s->turn_link))
        (void)nghttp2_session_resume_data(h2->ng, (int32_t)s->is.id);
}

/* The fields behind the body (RFC 9113, 8.1). nghttp2 copies them. False: no memory. */
static bool trailers_submit(stream *s)
{
    rp_memory *memory = s->h2->memory->memory;
    rp_field field;
    size_t count = 0, name_bytes = 0;
    for (size_t at = 0; rp_body_next_trailer(s->body, &at, &field); count++)
        name_bytes += field.name.size;
    nghttp2_nv *fields = rp_allocate(memory, count * sizeof(*fields) + name_bytes);
    if (fields == NULL)
        return false;
    char *names = (char *)(fields + count);
    size_t i = 0;
    for (size_t at = 0; rp_body_next_trailer(s->body, &at, &field); i++) {
        rp_slice value = trimmed(field.value);
        fields[i] = field_of(names, field.name.size, value.data, value.size);
        fields[i].flags = NGHTTP2_NV_FLAG_NONE;
        for (size_t k = 0; k < field.name.size; k++)
            *names++ = rp_ascii_lower((char)field.name.data[k]);
    }
    int result = nghttp2_submit_trailer(s->h2->ng, (int32_t)s->is.id, fields, count);
    rp_free(memory, fields);
    return result == 0;
}

/* False: no memory. */
static bool body_ends(stream *s, uint32_t *flags)
{
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (s->body->trailers == NULL)
        return true;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return trailers_submit(s);
}

static nghttp2_ssize read_body(nghttp2_session *ng, int32_t id, uint8_t *buffer, size_t size,
                               uint32_t *flags, nghttp2_data_source *source, void *user)
{
    stream *s = source->ptr;
    rp_h2 *h2 = user;
    (void)ng;
    (void)id;
    (void)buffer;
    size_t ready = is_over(s) ? 0 : rp_body_ready(s->body, size);
    bool ends = !is_over(s) && rp_body_ends(s->body, ready);
    if (ready == 0 && !ends) {
        s->its_turn = false;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (h2->uploads > 1 && !s->its_turn) {
        rp_list_remove(&s->turn_link);
        rp_list_append(&h2->turns, &s->turn_link);
        return NGHTTP2_ERR_DEFERRED;
    }
    s->its_turn = false;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (ends && !body_ends(s, flags)) {
        rp_h2_fail_stream(s, RP_H2_NO_MEMORY, NGHTTP2_CANCEL);
        return NGHTTP2_ERR_DEFERRED;
    }
    return (nghttp2_ssize)ready;
}

int rp_h2_on_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t size,
                       nghttp2_data_source *source, void *user)
{
    rp_h2 *h2 = user;
    stream *s = source->ptr;
    (void)ng;
    (void)frame;
    if (is_over(s))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (h2->out_capacity - h2->out_size < FRAME_HEAD + size)
        return NGHTTP2_ERR_WOULDBLOCK;
    memcpy(h2->out + h2->out_size, head, FRAME_HEAD);
    rp_body_take(s->body, size, h2->out + h2->out_size + FRAME_HEAD);
    h2->out_size += FRAME_HEAD + size;
    return 0;
}

/* ---- submit and drain ---- */

rp_h2_stream *rp_h2_submit(rp_h2 *h2, const rp_h2_request *request)
{
    char length[24];
    stream *s = rp_h2_take(h2->memory, sizeof(*s));
    if (s == NULL || !room_for_fields(h2, request->message)) {
        rp_h2_give(h2->memory, s);
        return NULL;
    }
    *s = (stream){.h2 = h2,
                  .is = {.user = request->user, .length = RP_LENGTH_UNKNOWN},
                  .body = request->body,
                  .bodiless = request->head_only,
                  .limited = request->limited,
                  .credit = request->credit,
                  .window = (uint32_t)h2->options.stream_window};
    s->is.uploading = request->body != NULL;
    nghttp2_data_provider2 body = {.source.ptr = s, .read_callback = read_body};
    int32_t id =
        nghttp2_submit_request2(h2->ng, NULL, h2->fields, fields_make(h2, request->message, length),
                                s->is.uploading ? &body : NULL, s);
    if (id < 0) {
        rp_h2_give(h2->memory, s);
        return NULL;
    }
    s->is.id = (uint32_t)id;
    rp_chain_init(&s->held, h2->chunks);
    rp_list_init(&s->held_link);
    rp_list_init(&s->turn_link);
    h2->uploads += s->is.uploading;
    rp_list_append(&h2->all, &s->all_link);
    rp_list_append(&h2->live, &s->link);
    h2->open++;
    return &s->is;
}

bool rp_h2_wants_drain(const rp_h2 *h2)
{
    return !h2->broken &&
           (nghttp2_session_want_write(h2->ng) != 0 ||
            (!rp_list_empty(&h2->turns) && nghttp2_session_get_remote_window_size(h2->ng) > 0));
}

static void goaway_sent(rp_h2 *h2, const nghttp2_goaway *goaway)
{
    if (goaway->error_code == NGHTTP2_NO_ERROR)
        return;
    if (goaway->error_code == NGHTTP2_INTERNAL_ERROR) { /* fields could not be compressed */
        rp_h2_fail_fatal(h2, NGHTTP2_ERR_NOMEM);
        return;
    }
    int size = (int)(goaway->opaque_data_len < 100 ? goaway->opaque_data_len : 100);
    rp_h2_fail(h2, RP_E_H2_PROTOCOL, goaway->error_code,
               "the server broke HTTP/2's rules and was told %s%s%.*s",
               rp_h2_code_name(goaway->error_code), size > 0 ? ": " : "", size,
               size > 0 ? (const char *)goaway->opaque_data : "");
}

int rp_h2_on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    rp_h2 *h2 = user;
    (void)ng;
    switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
            h2->settings_ns = h2->now_ns;
        break;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
            h2->ping_ns = h2->now_ns;
        break;
    case NGHTTP2_GOAWAY:
        goaway_sent(h2, &frame->goaway);
        break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA: {
        stream *s = rp_h2_find(h2, frame->hd.stream_id);
        if (s == NULL)
            break;
        s->is.moved_ns = h2->now_ns;
        s->is.sent_bytes += frame->hd.length;
        if (frame->hd.type == NGHTTP2_HEADERS)
            s->is.sent_bytes += FRAME_HEAD;
        else
            rp_h2_calm_down(h2, frame->hd.length);
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
            rp_h2_upload_ends(s);
        h2->events->on_frame(h2->user, &s->is, h2->out_size);
        break;
    }
    default:
        break;
    }
    return 0;
}

/* RFC 9113, 6.9.1: such a stream is reset. nghttp2 only ends the connection, and sends no more of
 * streams then. */
static void reset_overflowed(rp_h2 *h2)
{
    const uint8_t frame[FRAME_HEAD + 4] = {
        [2] = 4,
        [3] = NGHTTP2_RST_STREAM,
        [5] = (uint8_t)(h2->overflowed >> 24),
        [6] = (uint8_t)(h2->overflowed >> 16),
        [7] = (uint8_t)(h2->overflowed >> 8),
        [8] = (uint8_t)h2->overflowed,
        [12] = NGHTTP2_FLOW_CONTROL_ERROR,
    };
    if (h2->overflowed == 0 || h2->out_capacity - h2->out_size < RP_H2_DRAIN_LEAST)
        return;
    memcpy(h2->out + h2->out_size, frame, sizeof(frame));
    h2->out_size += sizeof(frame);
    h2->overflowed = 0;
}

bool rp_h2_drain(rp_h2 *h2, uint8_t *out, size_t capacity, size_t *size, uint64_t now_ns)
{
    nghttp2_ssize result = 0;
    h2->now_ns = now_ns;
    h2->out = out;
    h2->out_size = *size;
    h2->out_capacity = capacity;
    reset_overflowed(h2);
    while (!h2->broken && h2->out_capacity - h2->out_size >= RP_H2_DRAIN_LEAST) {
        const uint8_t *data;
        result = nghttp2_session_mem_send2(h2->ng, &data);
        if (result < 0 || (result == 0 && !next_turn(h2)))
            break;
        if (result == 0)
            continue;
        memcpy(h2->out + h2->out_size, data, (size_t)result);
        h2->out_size += (size_t)result;
    }
    if (result < 0)
        rp_h2_fail_fatal(h2, (int)result);
    *size = h2->out_size;
    h2->out = NULL;
    return !h2->failed;
}
