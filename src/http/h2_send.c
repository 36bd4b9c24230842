/* h2_send.c - requests, and all else that is sent, to frames.
 *
 * A drain writes what is due: answers, resets and windows first, then heads in the order in which
 * the requests came, then bodies, a frame of each in turn. A head is encoded when it is its turn,
 * for the table must be in step with what is sent. */
#include "http/h2_inside.h"

#include "base/text.h"
#include "http/headers.h"

#include <stddef.h>
#include <string.h>

#define KEY_BYTES ((size_t)1024)
#define KEPT_BLOCK_BYTES ((size_t)512)

/* Where the present drain writes. */
typedef struct output {
    uint8_t *begin, *at, *end;
} output;

static bool has_room(const output *out)
{
    return (size_t)(out->end - out->at) >= RP_H2_DRAIN_LEAST;
}

/* Of a frame whose payload stands behind it already, or is about to. */
static void head_put(uint8_t *out, size_t size, uint8_t type, uint8_t flags, uint32_t id)
{
    rp__word_put(out, (uint32_t)size << 8 | type);
    out[4] = flags;
    rp__word_put(out + 5, id);
}

static void frame_put(output *out, uint8_t type, uint8_t flags, uint32_t id, const void *payload,
                      size_t size)
{
    head_put(out->at, size, type, flags, id);
    if (size > 0)
        memcpy(out->at + FRAME_HEAD, payload, size);
    out->at += FRAME_HEAD + size;
}

static void number_put(output *out, uint8_t type, uint32_t id, uint32_t number)
{
    uint8_t payload[4];
    rp__word_put(payload, number);
    frame_put(out, type, 0, id, payload, sizeof(payload));
}

/* ---- the list of fields (RFC 9113, 8.3.1) ---- */

/* What of a field belongs to a connection of HTTP/1.1, or to the authority (RFC 9113, 8.2.2,
 * 8.3.1). */
static bool stays_behind(const rp_field *field)
{
    const char *name = (const char *)field->name.data;
    size_t size = field->name.size;
    switch (size) {
    case 2:
        return rp__name_equal(name, size, "te") &&
               !rp__name_equal((const char *)field->value.data, field->value.size, "trailers");
    case 4:
        return rp__name_equal(name, size, "host");
    case 7:
        return rp__name_equal(name, size, "upgrade");
    case 10:
        return rp__name_equal(name, size, "connection") || rp__name_equal(name, size, "keep-alive");
    case 14:
        return rp__name_equal(name, size, "http2-settings");
    case 16:
        return rp__name_equal(name, size, "proxy-connection");
    default:
        return false;
    }
}

/* RFC 9113, 8.2.1: no blanks at a value's ends. */
static rp_slice trimmed(rp_slice value)
{
    while (value.size > 0 && rp__is_blank((char)value.data[0]))
        value = (rp_slice){value.data + 1, value.size - 1};
    while (value.size > 0 && rp__is_blank((char)value.data[value.size - 1]))
        value.size--;
    return value;
}

/* Numbers of the static table. */
enum {
    AUTHORITY = 1,
    METHOD = 2,
    PATH = 4,
    SCHEME = 6,
    ACCEPT = 19,
    AGE = 21,
    AUTHORIZATION = 23,
    CONTENT_LENGTH = 28,
    COOKIE = 32,
    ETAG = 34,
    EXPECT = 35,
    IF_MODIFIED_SINCE = 40,
    IF_NONE_MATCH = 41,
    LOCATION = 46,
    PROXY_AUTHORIZATION = 49,
    USER_AGENT = 58
};
#define GUESSABLE 20 /* bytes of a cookie, by how well the rest of a table is compressed */

static rp_hpack_how how_of(uint32_t number, size_t value_size)
{
    switch (number) {
    case AUTHORIZATION:
    case PROXY_AUTHORIZATION:
        return RP_HPACK_NEVER;
    case COOKIE:
        return value_size < GUESSABLE ? RP_HPACK_NEVER : RP_HPACK_INDEX;
    case AGE:
    case CONTENT_LENGTH:
    case ETAG:
    case IF_MODIFIED_SINCE:
    case IF_NONE_MATCH:
    case LOCATION:
        return RP_HPACK_ONCE;
    default:
        return RP_HPACK_INDEX;
    }
}

static uint8_t *known_put(rp_h2 *h2, uint8_t *out, uint32_t number, rp_slice value)
{
    const rp_hpack_field *named = &rp__hpack_static[number - 1];
    rp_slice name = {(const uint8_t *)named->name, named->name_size};
    rp_hpack_how how = number == PATH ? RP_HPACK_ONCE : how_of(number, value.size);
    return rp__hpack_put(&h2->encoder, out, number, name, value, how);
}

/* The caller's. *secret becomes true if one of them is for nobody to keep. */
static uint8_t *own_fields_put(rp_h2 *h2, uint8_t *out, const rp_message *message, bool *secret)
{
    rp_field field;
    for (size_t at = 0; rp__message_next(message, &at, &field);) {
        if (stays_behind(&field))
            continue;
        rp_slice value = trimmed(field.value);
        uint32_t number = rp__hpack_static_find(field.name.data, field.name.size);
        rp_hpack_how how = how_of(number, value.size);
        *secret = *secret || how == RP_HPACK_NEVER;
        out = rp__hpack_put(&h2->encoder, out, number, field.name, value, how);
    }
    return out;
}

static uint8_t *length_put(rp_h2 *h2, uint8_t *out, uint64_t length)
{
    uint8_t digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (uint8_t)('0' + length % 10);
    while ((length /= 10) > 0);
    return known_put(h2, out, CONTENT_LENGTH, (rp_slice){digits + at, sizeof(digits) - at});
}

static uint8_t *behind_path_put(rp_h2 *h2, uint8_t *out, const rp_message *message, bool *secret)
{
    if (message->user_agent != NULL)
        out = known_put(h2, out, USER_AGENT,
                        (rp_slice){(const uint8_t *)message->user_agent, message->user_agent_size});
    if (message->says_accept)
        out = known_put(h2, out, ACCEPT, rp__slice_of("*/*"));
    out = own_fields_put(h2, out, message, secret);
    if (message->says_length)
        out = length_put(h2, out, message->length);
    if (message->says_expect)
        out = known_put(h2, out, EXPECT, rp__slice_of("100-continue"));
    return out;
}

/* ---- heads that are alike ---- */

/* What a head is made of, but for the target: in front of the bytes. */
typedef struct head_key {
    uint64_t length;
    uint32_t method, before_target, fields, agent, authority_at, authority, flags, zero;
} head_key;

static head_key key_of(const rp_message *message)
{
    bool own_host = !message->says_host;
    return (head_key){
        .length = message->length,
        .method = message->method_size,
        .before_target = message->target_at,
        .fields = (uint32_t)message->size - message->fields_at,
        .agent = message->user_agent == NULL ? 0 : message->user_agent_size + 1,
        .authority_at = own_host ? message->authority_at - message->fields_at : 0,
        .authority = message->authority_size,
        .flags = (uint32_t)message->https | (uint32_t)message->says_length << 1 |
                 (uint32_t)message->says_accept << 2 | (uint32_t)own_host << 3 |
                 (uint32_t)message->says_expect << 4,
    };
}

static bool is_alike(const rp_h2 *h2, const rp_message *message, const head_key *key)
{
    const h2_sent_head *last = &h2->sent_head;
    if (!last->valid || last->inserted != h2->encoder.table.inserted || h2->encoder.limit_to_say ||
        memcmp(last->key, key, sizeof(*key)) != 0)
        return false;
    const uint8_t *at = last->key + sizeof(*key);
    return memcmp(at, message->bytes, key->before_target) == 0 &&
           (key->fields == 0 || memcmp(at + key->before_target, message->bytes + message->fields_at,
                                       key->fields) == 0) &&
           (key->agent == 0 ||
            memcmp(at + key->before_target + key->fields, message->user_agent, key->agent) == 0);
}

static uint8_t *bytes_put(uint8_t *out, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(out, bytes, size);
    return out + size;
}

static uint8_t *alike_put(rp_h2 *h2, uint8_t *out, const rp_message *message)
{
    const h2_sent_head *last = &h2->sent_head;
    rp_slice target = rp__message_target(message);
    if (target.size == last->target_size &&
        memcmp(last->key + last->key_size - target.size, target.data, target.size) == 0)
        return bytes_put(out, last->block, last->block_size);
    out = bytes_put(out, last->block, last->path_at);
    out = known_put(h2, out, PATH, target);
    return bytes_put(out, last->block + last->path_end, last->block_size - last->path_end);
}

static void keep(rp_h2 *h2, const rp_message *message, const head_key *key, const uint8_t *block,
                 size_t size)
{
    h2_sent_head *kept = &h2->sent_head;
    size_t key_size =
        sizeof(*key) + key->before_target + key->fields + key->agent + message->target_size;
    if (key_size > KEY_BYTES || size > KEPT_BLOCK_BYTES)
        return;
    if (kept->key == NULL)
        kept->key = rp__h2_take(h2->memory, KEY_BYTES);
    if (kept->block == NULL)
        kept->block = rp__h2_take(h2->memory, KEPT_BLOCK_BYTES);
    if (kept->key == NULL || kept->block == NULL)
        return;
    uint8_t *at = bytes_put(kept->key, key, sizeof(*key));
    at = bytes_put(at, message->bytes, key->before_target);
    at = bytes_put(at, message->bytes + message->fields_at, key->fields);
    at = bytes_put(at, message->user_agent, key->agent);
    (void)bytes_put(at, message->bytes + message->target_at, message->target_size);
    (void)bytes_put(kept->block, block, size);
    kept->key_size = (uint32_t)key_size;
    kept->block_size = (uint32_t)size;
    kept->target_size = message->target_size;
    kept->inserted = h2->encoder.table.inserted;
    kept->valid = true;
}

/* Writes a whole head; returns its end. */
static uint8_t *block_put(rp_h2 *h2, const rp_message *message, uint8_t *begin)
{
    head_key key = key_of(message);
    if (is_alike(h2, message, &key))
        return alike_put(h2, begin, message);
    uint64_t inserted = h2->encoder.table.inserted;
    bool secret = false;
    uint8_t *out = rp__hpack_begin(&h2->encoder, begin);
    bool plain = out == begin;
    out = known_put(h2, out, METHOD, rp__message_method(message));
    out = known_put(h2, out, SCHEME, rp__slice_of(message->https ? "https" : "http"));
    out = known_put(h2, out, AUTHORITY, rp__message_authority(message));
    uint32_t path_at = (uint32_t)(out - begin);
    out = known_put(h2, out, PATH, rp__message_target(message));
    uint32_t path_end = (uint32_t)(out - begin);
    out = behind_path_put(h2, out, message, &secret);
    h2->sent_head.valid = false;
    if (plain && !secret && h2->encoder.table.inserted == inserted) {
        h2->sent_head.path_at = path_at;
        h2->sent_head.path_end = path_end;
        keep(h2, message, &key, begin, (size_t)(out - begin));
    }
    return out;
}

/* What it is at the most. Each of the caller's fields has its sizes with it in the message. */
static size_t block_most(const rp_message *message)
{
    return rp__h2_head_bound(message) + message->user_agent_size +
           (size_t)message->field_count * RP_HPACK_PUT_BYTES;
}

/* ---- heads ---- */

/* It is in the output to its end. */
static void head_sent(stream *s, const output *out, size_t size)
{
    rp_h2 *h2 = s->h2;
    rp__list_remove(&s->send_link);
    h2->unsent_count--;
    rp__h2_stream_sent(s);
    s->is.sent_bytes += FRAME_HEAD + size;
    s->is.moved_ns = h2->now_ns;
    rp__h2_calm_down(h2);
    if (s->closes) {
        rp__h2_close(s);
        return;
    }
    if (s->resetting) {
        rp__list_append(&h2->resets, &s->send_link);
        return;
    }
    if (s->awaited)
        h2->events->on_frame(h2->user, &s->is, (size_t)(out->at - out->begin));
    if (h2->goaway_came && s->is.id > h2->goaway_last)
        rp__h2_closed_by_server(s, CODE_REFUSED_STREAM);
    else
        rp__h2_takes_turns(s);
}

/* What of a large one is not in the output yet, as far as there is room. */
static void cut_put(stream *s, output *out)
{
    rp_h2 *h2 = s->h2;
    h2->cut = s;
    while (has_room(out)) {
        size_t left = s->block_size - s->block_at, size = left < FRAME_MOST ? left : FRAME_MOST;
        uint8_t flags = size == left ? FLAG_END_HEADERS : 0;
        if (s->block_at == 0 && !s->is.uploading)
            flags |= FLAG_END_STREAM;
        rp__h2_stream_begins(s);
        frame_put(out, s->block_at == 0 ? FRAME_HEADERS : FRAME_CONTINUATION, flags, s->is.id,
                  s->block + s->block_at, size);
        s->block_at += (uint32_t)size;
        if (size < left)
            continue;
        h2->cut = NULL;
        rp__h2_give(h2->memory, s->block);
        s->block = NULL;
        head_sent(s, out, s->block_size);
        return;
    }
}

static bool head_may_go(const rp_h2 *h2)
{
    uint32_t limit = h2->settings_came ? h2->streams_limit : h2->options.streams_early;
    return !rp__list_empty(&h2->unsent) && h2->open - h2->unsent_count < limit;
}

static void heads_put(rp_h2 *h2, output *out)
{
    while (has_room(out) && h2->cut == NULL && head_may_go(h2)) {
        stream *s = RP_CONTAINER(h2->unsent.next, stream, send_link);
        if (s->block != NULL) {
            s->block_size = (uint32_t)(block_put(h2, s->message, s->block) - s->block);
            cut_put(s, out);
            continue;
        }
        uint8_t *payload = out->at + FRAME_HEAD;
        size_t size = (size_t)(block_put(h2, s->message, payload) - payload);
        head_put(out->at, size, FRAME_HEADERS,
                 FLAG_END_HEADERS | (s->is.uploading ? 0 : FLAG_END_STREAM), s->is.id);
        out->at = payload + size;
        head_sent(s, out, size);
    }
}

/* ---- bodies ---- */

void rp__h2_upload_ends(stream *s)
{
    s->h2->unsent_count -= s->unsent;
    rp__list_remove(&s->send_link);
    s->is.uploading = false;
}

void rp__h2_takes_turns(stream *s)
{
    if (s->is.uploading && !s->unsent && !s->resetting && s->awaited &&
        rp__list_empty(&s->send_link))
        rp__list_append(&s->h2->turns, &s->send_link);
}

void rp__h2_body_more(rp_h2 *h2, rp_h2_stream *public)
{
    (void)h2;
    rp__h2_takes_turns(rp__h2_stream_of(public));
}

static void tell_frame(stream *s, const output *out, size_t size)
{
    s->is.moved_ns = s->h2->now_ns;
    s->is.sent_bytes += size;
    s->h2->events->on_frame(s->h2->user, &s->is, (size_t)(out->at - out->begin));
}

/* The fields behind the body (RFC 9113, 8.1): RP_TRAILERS_LIMIT has them in one frame. */
static void trailers_put(stream *s, output *out)
{
    rp_h2 *h2 = s->h2;
    uint8_t *payload = out->at + FRAME_HEAD, *at = rp__hpack_begin(&h2->encoder, payload);
    rp_field field;
    for (size_t next = 0; rp__body_next_trailer(s->body, &next, &field);)
        at = rp__hpack_put(&h2->encoder, at, 0, field.name, trimmed(field.value), RP_HPACK_ONCE);
    size_t size = (size_t)(at - payload);
    head_put(out->at, size, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, s->is.id);
    out->at = at;
    rp__h2_upload_ends(s);
    tell_frame(s, out, FRAME_HEAD + size);
}

static void data_put(stream *s, output *out, size_t size, bool ends)
{
    rp_h2 *h2 = s->h2;
    bool last = ends && s->body->trailers == NULL;
    head_put(out->at, size, FRAME_DATA, last ? FLAG_END_STREAM : 0, s->is.id);
    rp__body_take(s->body, size, out->at + FRAME_HEAD);
    out->at += FRAME_HEAD + size;
    h2->send_window -= (int64_t)size;
    s->send_window -= (int64_t)size;
    h2->taken_bytes += 2 * (uint64_t)size; /* the stream's, and the connection's */
    rp__h2_calm_down(h2);
    s->sends_trailers = ends && !last;
    if (last)
        rp__h2_upload_ends(s);
    tell_frame(s, out, size);
    rp__h2_takes_turns(s);
}

static size_t body_most(const stream *s)
{
    int64_t window = s->send_window < s->h2->send_window ? s->send_window : s->h2->send_window;
    if (window <= 0)
        return 0;
    return window < (int64_t)FRAME_MOST ? (size_t)window : FRAME_MOST;
}

static void bodies_put(rp_h2 *h2, output *out)
{
    while (has_room(out) && !rp__list_empty(&h2->turns)) {
        stream *s = RP_CONTAINER(rp__list_take(&h2->turns), stream, send_link);
        if (!s->awaited) /* the body is its owner's again */
            continue;
        if (s->sends_trailers) {
            trailers_put(s, out);
            continue;
        }
        size_t ready = rp__body_ready(s->body, body_most(s));
        bool ends = rp__body_ends(s->body, ready);
        if (ready > 0 || ends)
            data_put(s, out, ready, ends);
        else if (h2->send_window <= 0 && s->send_window > 0)
            rp__list_append(&h2->blocked, &s->send_link);
    }
}

/* ---- all else ---- */

static void greeting_put(rp_h2 *h2, output *out)
{
    static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    size_t list = h2->options.head_bytes;
    const uint32_t settings[][2] = {
        {SETTING_ENABLE_PUSH, 0},
        {SETTING_MAX_CONCURRENT_STREAMS, 0},
        {SETTING_INITIAL_WINDOW_SIZE, (uint32_t)h2->options.stream_window},
        {SETTING_MAX_HEADER_LIST_SIZE, list < UINT32_MAX ? (uint32_t)list : UINT32_MAX},
    };
    uint8_t payload[6 * sizeof(settings) / sizeof(settings[0])];
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        payload[6 * i] = 0;
        payload[6 * i + 1] = (uint8_t)settings[i][0];
        rp__word_put(payload + 6 * i + 2, settings[i][1]);
    }
    out->at = bytes_put(out->at, magic, sizeof(magic) - 1);
    frame_put(out, FRAME_SETTINGS, 0, 0, payload, sizeof(payload));
    h2->greeted = true;
    h2->settings_ns = h2->now_ns;
}

static void answers_put(rp_h2 *h2, output *out)
{
    for (; h2->acks_due > 0 && has_room(out); h2->acks_due--)
        frame_put(out, FRAME_SETTINGS, FLAG_ACK, 0, NULL, 0);
    uint32_t done = 0;
    for (; done < h2->ping_count && has_room(out); done++)
        frame_put(out, FRAME_PING, FLAG_ACK, 0, h2->pings + (size_t)8 * done, 8);
    if (done > 0 && done < h2->ping_count)
        memmove(h2->pings, h2->pings + (size_t)8 * done, (size_t)8 * (h2->ping_count - done));
    h2->ping_count -= done;
}

static void over_put(rp_h2 *h2, output *out)
{
    for (uint32_t i = 0; i < RP_H2_OVER_KEPT && h2->over_due > 0 && has_room(out); i++) {
        h2_over *over = &h2->over[i];
        if (!over->due)
            continue;
        number_put(out, FRAME_RST_STREAM, over->id, CODE_STREAM_CLOSED);
        *over = (h2_over){0};
        h2->over_due--;
    }
}

static void resets_put(rp_h2 *h2, output *out)
{
    while (has_room(out) && !rp__list_empty(&h2->resets)) {
        stream *s = RP_CONTAINER(rp__list_take(&h2->resets), stream, send_link);
        number_put(out, FRAME_RST_STREAM, s->is.id, s->reset_code);
        rp__h2_calm_down(h2);
        rp__h2_close(s);
    }
    if (h2->over_due > 0)
        over_put(h2, out);
}

static void windows_put(rp_h2 *h2, output *out)
{
    if (h2->owed > 0 && has_room(out)) {
        number_put(out, FRAME_WINDOW_UPDATE, 0, h2->owed);
        h2->owed = 0;
    }
    while (has_room(out) && !rp__list_empty(&h2->windows)) {
        stream *s = RP_CONTAINER(rp__list_take(&h2->windows), stream, window_link);
        if (s->resetting || s->remote_ended)
            continue;
        number_put(out, FRAME_WINDOW_UPDATE, s->is.id, s->owed);
        s->left += s->owed;
        s->owed = 0;
    }
}

static void ping_put(rp_h2 *h2, output *out)
{
    if (!h2->ping_due || !has_room(out))
        return;
    frame_put(out, FRAME_PING, 0, 0, "ringport", 8);
    h2->ping_due = false;
    h2->ping_ns = h2->now_ns;
}

static void last_words_put(rp_h2 *h2, output *out)
{
    uint8_t payload[8 + 100] = {0};
    size_t size = h2->rule == NULL ? 0 : strlen(h2->rule);
    if (size > sizeof(payload) - 8)
        size = sizeof(payload) - 8;
    bool ours = h2->failure == RP_E_NO_MEMORY;
    rp__word_put(payload + 4, ours ? CODE_INTERNAL_ERROR : h2->failure_code);
    (void)bytes_put(payload + 8, h2->rule, size);
    frame_put(out, FRAME_GOAWAY, 0, 0, payload, 8 + size);
    h2->goaway_due = false;
}

/* ---- submit and drain ---- */

rp_h2_stream *rp__h2_submit(rp_h2 *h2, const rp_h2_request *request)
{
    size_t most = block_most(request->message);
    stream *s = rp__h2_take(h2->memory, sizeof(*s));
    uint8_t *block = s != NULL && most > FRAME_MOST ? rp__h2_take(h2->memory, most) : NULL;
    if (s == NULL || (most > FRAME_MOST && block == NULL)) {
        rp__h2_give(h2->memory, s);
        return NULL;
    }
    memset(s, 0, offsetof(stream, bad_name));
    s->h2 = h2;
    s->is.user = request->user;
    s->is.id = h2->next_id;
    s->is.length = RP_LENGTH_UNKNOWN;
    s->is.uploading = request->body != NULL;
    s->message = request->message;
    s->block = block;
    s->body = request->body;
    s->unsent = s->awaited = true;
    s->bodiless = request->head_only;
    s->limited = request->limited;
    s->credit = request->credit;
    s->send_window = h2->stream_send_window;
    h2->next_id += 2;
    rp__h2_flow_stream(s);
    rp__chain_init(&s->held, h2->chunks);
    rp__list_init(&s->held_link);
    rp__list_init(&s->window_link);
    rp__list_append(&h2->all, &s->all_link);
    rp__list_append(&h2->live, &s->link);
    rp__list_append(&h2->unsent, &s->send_link);
    h2->unsent_count++;
    h2->open++;
    return &s->is;
}

bool rp__h2_wants_drain(const rp_h2 *h2)
{
    if (h2->failed)
        return h2->goaway_due;
    return !h2->greeted || h2->cut != NULL || h2->acks_due > 0 || h2->ping_count > 0 ||
           h2->ping_due || h2->owed > 0 || h2->over_due > 0 || !rp__list_empty(&h2->resets) ||
           !rp__list_empty(&h2->windows) || !rp__list_empty(&h2->turns) || head_may_go(h2);
}

static bool put_all(rp_h2 *h2, uint8_t *out, size_t capacity, size_t *size, uint64_t now_ns,
                    bool bodies)
{
    output o = {out, out + *size, out + capacity};
    h2->now_ns = now_ns;
    if (!rp__h2_wants_drain(h2) || !has_room(&o))
        return !h2->failed;
    if (!h2->greeted)
        greeting_put(h2, &o);
    if (h2->cut != NULL)
        cut_put(h2->cut, &o);
    if (h2->cut == NULL && !h2->failed) {
        answers_put(h2, &o);
        if (h2->unwanted > 0)
            rp__h2_reset_unwanted(h2);
        resets_put(h2, &o);
        windows_put(h2, &o);
        ping_put(h2, &o);
        heads_put(h2, &o);
    }
    if (bodies && h2->cut == NULL && !h2->failed)
        bodies_put(h2, &o);
    if (h2->cut == NULL && h2->failed && has_room(&o))
        last_words_put(h2, &o);
    *size = (size_t)(o.at - out);
    return !h2->failed;
}

bool rp__h2_drain(rp_h2 *h2, uint8_t *out, size_t capacity, size_t *size, uint64_t now_ns)
{
    return put_all(h2, out, capacity, size, now_ns, true);
}

bool rp__h2_drain_first(rp_h2 *h2, uint8_t *out, size_t capacity, size_t *size, uint64_t now_ns)
{
    return put_all(h2, out, capacity, size, now_ns, false);
}

void rp__h2_send_end(rp_h2 *h2)
{
    rp__free(h2->memory->memory, h2->pings);
    rp__h2_give(h2->memory, h2->sent_head.key);
    rp__h2_give(h2->memory, h2->sent_head.block);
}
