/* h2_frames.c - what the server sends, frame by frame (RFC 9113, 4 and 6).
 *
 * What of a frame can be judged by its head is judged there. DATA is given away as it comes; the
 * payload of another frame is read in place if it is there in whole, and gathered before if not.
 * What may not be makes the connection fail, which reads no more then: see h2_head.c for what ends
 * only a request. */
#include "http/h2_inside.h"

#include <string.h>

#define CONTINUATIONS_MOST 8u
#define BYTES_PER_CONTINUATION 256u          /* that bring one more */
#define BLOCK_BYTES ((size_t)9 * FRAME_MOST) /* of a head, whatever its limit */
#define SETTINGS_MOST 32u                    /* in a frame */
#define ANSWERS_MOST 1000u                   /* that wait, because the network takes nothing */
#define PING_BYTES 8u
#define CLIENTS(id) ((id) % 2 == 1)

/* ---- frames' heads ---- */

/* What is fixed of a type: NULL where nothing is wrong. */
typedef struct frame_rule {
    bool on_stream, on_connection; /* it may be */
    uint32_t least, most;
    const char *stream, *size; /* what is wrong */
} frame_rule;

static const frame_rule rules[] = {
    [FRAME_DATA] = {true, false, 0, FRAME_MOST, "DATA: stream 0 (RFC 9113, 6.1)", NULL},
    [FRAME_HEADERS] = {true, false, 0, FRAME_MOST, "HEADERS: stream 0 (RFC 9113, 6.2)", NULL},
    [FRAME_PRIORITY] = {true, false, 5, 5, "PRIORITY: stream 0 (RFC 9113, 6.3)", NULL},
    [FRAME_RST_STREAM] = {true, false, 4, 4, "RST_STREAM: stream 0 (RFC 9113, 6.4)",
                          "RST_STREAM: size (RFC 9113, 6.4)"},
    [FRAME_SETTINGS] = {false, true, 0, FRAME_MOST, "SETTINGS: on a stream (RFC 9113, 6.5)", NULL},
    [FRAME_PUSH_PROMISE] = {true, true, 0, FRAME_MOST, NULL, NULL},
    [FRAME_PING] = {false, true, 8, 8, "PING: on a stream (RFC 9113, 6.7)",
                    "PING: size (RFC 9113, 6.7)"},
    [FRAME_GOAWAY] = {false, true, 8, FRAME_MOST, "GOAWAY: on a stream (RFC 9113, 6.8)",
                      "GOAWAY: size (RFC 9113, 6.8)"},
    [FRAME_WINDOW_UPDATE] = {true, true, 4, 4, NULL, "WINDOW_UPDATE: size (RFC 9113, 6.9)"},
    [FRAME_CONTINUATION] = {true, true, 0, FRAME_MOST, NULL, NULL},
};

static bool broken(rp_h2 *h2, uint32_t code, const char *rule)
{
    rp__h2_broken(h2, code, rule);
    return false;
}

/* What the server did is an error of the stream alone (5.4.2). */
static void stream_broken(stream *s, rp_h2_fault fault, uint32_t code)
{
    if (s->awaited)
        rp__h2_fail_stream(s, fault, code);
    else
        rp__h2_reset(s, code);
}

/* 5.1: of the client's streams those that it has not opened are idle, and all of the server's. */
static bool is_idle(const rp_h2 *h2, uint32_t id)
{
    return !CLIENTS(id) || id > h2->sent_id;
}

static bool order_holds(rp_h2 *h2)
{
    const h2_frame_in *in = &h2->in;
    if (!h2->settings_came && (in->type != FRAME_SETTINGS || (in->flags & FLAG_ACK) != 0))
        return broken(h2, CODE_PROTOCOL_ERROR, "it did not begin with SETTINGS (RFC 9113, 3.4)");
    if (h2->continued != 0 && (in->type != FRAME_CONTINUATION || in->id != h2->continued))
        return broken(h2, CODE_PROTOCOL_ERROR,
                      "another frame in the middle of a header block (RFC 9113, 6.10)");
    if (h2->continued == 0 && in->type == FRAME_CONTINUATION)
        return broken(h2, CODE_PROTOCOL_ERROR,
                      "CONTINUATION outside of a header block (RFC 9113, 6.10)");
    if (in->size > FRAME_MOST)
        return broken(h2, CODE_FRAME_SIZE_ERROR, "a frame above the limit (RFC 9113, 4.2)");
    return true;
}

/* 6.3: the stream's error, where there is one; the connection's where that harms nobody. */
static bool priority_of_size(rp_h2 *h2)
{
    stream *s = rp__h2_on_wire(h2, h2->in.id);
    if (is_idle(h2, h2->in.id) || h2->open == 0)
        return broken(h2, CODE_FRAME_SIZE_ERROR, "PRIORITY: size (RFC 9113, 6.3)");
    if (s != NULL && !s->resetting)
        stream_broken(s, RP_H2_PRIORITY_SIZE, CODE_FRAME_SIZE_ERROR);
    return true;
}

static bool type_holds(rp_h2 *h2)
{
    const h2_frame_in *in = &h2->in;
    if (in->type >= sizeof(rules) / sizeof(rules[0]))
        return true;
    const frame_rule *rule = &rules[in->type];
    if (in->id == 0 ? !rule->on_connection : !rule->on_stream)
        return broken(h2, CODE_PROTOCOL_ERROR, rule->stream);
    if (in->type == FRAME_PRIORITY && in->size != 5)
        return priority_of_size(h2);
    if (in->size < rule->least || in->size > rule->most)
        return broken(h2, CODE_FRAME_SIZE_ERROR, rule->size);
    if (in->type == FRAME_PUSH_PROMISE)
        return broken(h2, CODE_PROTOCOL_ERROR, "PUSH_PROMISE: it is off (RFC 9113, 8.4)");
    return true;
}

/* ---- DATA (6.1) ---- */

/* The stream that its payload is for; NULL: nobody's. */
static stream *data_stream(rp_h2 *h2)
{
    stream *s = rp__h2_on_wire(h2, h2->in.id);
    return h2->in.passed_over || s == NULL || s->resetting ? NULL : s;
}

static bool data_begins(rp_h2 *h2)
{
    h2_frame_in *in = &h2->in;
    if (is_idle(h2, in->id))
        return broken(h2, CODE_PROTOCOL_ERROR, "DATA: on an idle stream (RFC 9113, 5.1)");
    if ((in->flags & FLAG_PADDED) != 0 && in->size == 0)
        return broken(h2, CODE_FRAME_SIZE_ERROR, "DATA: padded, and empty (RFC 9113, 4.2)");
    if (!rp__h2_flow_frame(h2, in->size))
        return broken(h2, CODE_FLOW_CONTROL_ERROR,
                      "DATA: above the connection's window (RFC 9113, 6.9)");
    in->passed_over = false;
    stream *s = data_stream(h2);
    in->passed_over = s == NULL;
    if (s == NULL) {
        rp__h2_over_came(h2, in->id);
        return !h2->failed;
    }
    s->left -= in->size;
    if (s->left >= 0 || in->size == 0) /* 6.9.2: a window may be below 0, and what is empty fits */
        return true;
    in->passed_over = true;
    stream_broken(s, RP_H2_OVERRUN, CODE_FLOW_CONTROL_ERROR);
    return true;
}

/* RFC 9113, 8.1.1: more than was announced, or any where none may be, is malformed. */
static void data_judge(rp_h2 *h2, stream *s, uint32_t size)
{
    h2->in.passed_over = true;
    if (!s->is.told_head)
        rp__h2_fail_stream(s, RP_H2_MALFORMED, CODE_PROTOCOL_ERROR);
    else if (s->bodiless && size > 0)
        rp__h2_fail_stream(s, RP_H2_BODY_UNASKED, CODE_PROTOCOL_ERROR);
    else if (!s->bodiless && s->is.length != RP_LENGTH_UNKNOWN &&
             size > s->is.length - s->is.body_bytes)
        rp__h2_fail_stream(s, RP_H2_BODY_LONG, CODE_PROTOCOL_ERROR);
    else
        h2->in.passed_over = false;
}

/* The length of the padding is known, and with it the data's. */
static bool data_known(rp_h2 *h2, stream *s, uint32_t padding, uint32_t padded)
{
    h2_frame_in *in = &h2->in;
    in->padding_known = true;
    in->padding = padding;
    if (padding > in->left)
        return broken(h2, CODE_PROTOCOL_ERROR, "DATA: more padding than bytes (RFC 9113, 6.1)");
    uint32_t size = in->left - padding;
    if (size == 0 && (s == NULL || (in->flags & FLAG_END_STREAM) == 0))
        rp__h2_idle_frame(h2);
    if (s == NULL)
        return true;
    if (s->awaited)
        data_judge(h2, s, size);
    rp__h2_flow_consumed(s, padded + padding);
    return true;
}

/* So many bytes of the data are here. */
static void data_came(rp_h2 *h2, stream *s, const uint8_t *data, uint32_t size)
{
    const h2_frame_in *in = &h2->in;
    if (s == NULL || in->passed_over)
        return;
    if (!s->awaited) {
        rp__h2_flow_consumed(s, size);
        return;
    }
    s->remote_ended = (in->flags & FLAG_END_STREAM) != 0 && size == in->left;
    rp__h2_body_came(s, data, size);
}

/* Returns how many bytes were taken. */
static size_t data_read(rp_h2 *h2, const uint8_t *data, size_t size)
{
    h2_frame_in *in = &h2->in;
    stream *s = data_stream(h2);
    size_t taken = 0;
    if (!in->padding_known) {
        bool padded = (in->flags & FLAG_PADDED) != 0;
        if (padded && size == 0)
            return 0;
        taken = padded;
        in->left -= padded;
        if (!data_known(h2, s, padded ? data[0] : 0, padded))
            return taken;
    }
    size_t part = in->left > in->padding ? in->left - in->padding : 0;
    if (part > size - taken)
        part = size - taken;
    if (part > 0)
        data_came(h2, s, data + taken, (uint32_t)part);
    in->left -= (uint32_t)part;
    taken += part;
    size_t skipped = in->left <= in->padding ? in->left : 0;
    if (skipped > size - taken)
        skipped = size - taken;
    in->left -= (uint32_t)skipped;
    if (in->left > 0)
        return taken + skipped;
    in->under_way = false;
    s = (in->flags & FLAG_END_STREAM) != 0 ? data_stream(h2) : NULL; /* on_body may have freed it */
    if (s != NULL)
        rp__h2_remote_end(s);
    return taken + skipped;
}

/* ---- header blocks (4.3, 6.2, 6.10) ---- */

static bool headers_begin(rp_h2 *h2)
{
    if (is_idle(h2, h2->in.id))
        return broken(h2, CODE_PROTOCOL_ERROR, "HEADERS: on an idle stream (RFC 9113, 5.1)");
    stream *s = rp__h2_on_wire(h2, h2->in.id);
    bool wanted = s != NULL && !s->resetting && s->awaited;
    if (s == NULL)
        rp__h2_over_came(h2, h2->in.id);
    if (s == NULL || s->resetting || (s->answered && !wanted))
        rp__h2_idle_frame(h2); /* it is decoded, and that is all */
    if (s != NULL)
        s->answered = true;
    if (wanted)
        rp__h2_head_begins(s);
    return !h2->failed;
}

static void block_whole(rp_h2 *h2, uint32_t id, uint8_t flags, const uint8_t *block, size_t size)
{
    stream *s = rp__h2_on_wire(h2, id);
    if (s != NULL && s->resetting)
        s = NULL;
    rp__h2_head_came(h2, s, block, size, (flags & FLAG_END_STREAM) != 0);
}

/* A piece of a block that several frames hold. False: no memory. */
static bool block_add(rp_h2 *h2, const uint8_t *data, size_t size)
{
    if (h2->block_size + size > h2->block_capacity || h2->block == NULL) {
        size_t capacity = 2 * (h2->block_size + size) + 64;
        uint8_t *block = rp__h2_take(h2->memory, capacity);
        if (block == NULL)
            return false;
        if (h2->block_size > 0)
            memcpy(block, h2->block, h2->block_size);
        rp__h2_give(h2->memory, h2->block);
        h2->block = block;
        h2->block_capacity = capacity;
    }
    if (size > 0)
        memcpy(h2->block + h2->block_size, data, size);
    h2->block_size += size;
    return true;
}

static void block_clear(rp_h2 *h2)
{
    rp__h2_give(h2->memory, h2->block);
    h2->block = NULL;
    h2->block_size = h2->block_capacity = 0;
    h2->continued = 0;
}

/* What HEADERS has beside the block goes: padding, and a priority, which is deprecated (5.3.2). */
static bool headers_strip(rp_h2 *h2, const uint8_t **data, size_t *size)
{
    uint8_t flags = h2->in.flags;
    size_t padded = (flags & FLAG_PADDED) != 0, before = padded;
    if ((flags & FLAG_PRIORITY) != 0)
        before += 5;
    if (*size < before)
        return broken(h2, CODE_FRAME_SIZE_ERROR, "HEADERS: size (RFC 9113, 6.2)");
    size_t padding = padded ? **data : 0;
    if (padding > *size - before)
        return broken(h2, CODE_PROTOCOL_ERROR, "HEADERS: more padding than bytes (RFC 9113, 6.2)");
    *data += before;
    *size -= before + padding;
    return true;
}

static void headers_came(rp_h2 *h2, const uint8_t *data, size_t size)
{
    if (!headers_strip(h2, &data, &size))
        return;
    if ((h2->in.flags & FLAG_END_HEADERS) != 0) {
        block_whole(h2, h2->in.id, h2->in.flags, data, size);
        return;
    }
    h2->continued = h2->in.id;
    h2->continued_flags = h2->in.flags;
    h2->continuations = 0;
    if (!block_add(h2, data, size))
        rp__h2_fail_memory(h2);
}

static void continuation_came(rp_h2 *h2, const uint8_t *data, size_t size)
{
    if (!block_add(h2, data, size)) {
        rp__h2_fail_memory(h2);
        return;
    }
    if ((h2->in.flags & FLAG_END_HEADERS) == 0)
        return;
    block_whole(h2, h2->continued, h2->continued_flags, h2->block, h2->block_size);
    block_clear(h2);
}

/* Tomcat cuts heads every 1,024 bytes, at fields' ends: what counts is how little they bring. No
 * list within the limit makes a block as large. */
static bool continuation_begins(rp_h2 *h2)
{
    size_t most = h2->options.head_bytes > BLOCK_BYTES ? h2->options.head_bytes : BLOCK_BYTES;
    if (h2->block_size + h2->in.size > most)
        rp__h2_flooded(h2, "the server sent a header block larger than the limit of heads allows");
    else if (++h2->continuations > CONTINUATIONS_MOST + h2->block_size / BYTES_PER_CONTINUATION)
        rp__h2_flooded(h2, "the server cut one head into more CONTINUATION frames than it needs");
    return !h2->failed;
}

/* ---- SETTINGS (6.5) ---- */

/* 6.9.2 */
static bool windows_change(rp_h2 *h2, uint32_t window)
{
    int64_t more = (int64_t)window - h2->stream_send_window;
    if (window > WINDOW_MOST)
        return broken(h2, CODE_FLOW_CONTROL_ERROR,
                      "SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1 (RFC 9113, 6.5.2)");
    h2->stream_send_window = window;
    for (rp_link *link = h2->all.next; link != &h2->all; link = link->next) {
        stream *s = RP_CONTAINER(link, stream, all_link);
        if (s->closed)
            continue;
        s->send_window += more;
        if (s->send_window > WINDOW_MOST)
            return broken(h2, CODE_FLOW_CONTROL_ERROR,
                          "SETTINGS_INITIAL_WINDOW_SIZE makes a window too large (RFC 9113, "
                          "6.9.2)");
        if (more > 0)
            rp__h2_takes_turns(s);
    }
    return true;
}

static bool setting_came(rp_h2 *h2, uint32_t name, uint32_t value)
{
    switch (name) {
    case SETTING_HEADER_TABLE_SIZE:
        rp__hpack_limit(&h2->encoder, value);
        h2->sent_head.valid = false; /* fields that it refers to may have gone */
        return true;
    case SETTING_ENABLE_PUSH:
        return value == 0 || broken(h2, CODE_PROTOCOL_ERROR,
                                    "SETTINGS_ENABLE_PUSH is no server's (RFC 9113, 6.5.2)");
    case SETTING_MAX_CONCURRENT_STREAMS:
        h2->streams_limit = value;
        return true;
    case SETTING_INITIAL_WINDOW_SIZE:
        return windows_change(h2, value);
    case SETTING_MAX_FRAME_SIZE:
        return (value >= FRAME_MOST && value < 1u << 24) ||
               broken(h2, CODE_PROTOCOL_ERROR,
                      "SETTINGS_MAX_FRAME_SIZE out of its range (RFC 9113, 6.5.2)");
    default:
        return true;
    }
}

static void settings_came(rp_h2 *h2, const uint8_t *data, size_t size)
{
    if ((h2->in.flags & FLAG_ACK) != 0) {
        rp__h2_flow_trip(h2, h2->settings_ns);
        h2->settings_ns = 0;
        rp__h2_flow_acked(h2);
        return;
    }
    for (size_t at = 0; at < size; at += 6) {
        if (!setting_came(h2, (uint32_t)data[at] << 8 | data[at + 1], rp__word_get(data + at + 2)))
            return;
    }
    h2->settings_came = true;
    rp__h2_idle_frame(h2);
    if (++h2->acks_due > ANSWERS_MOST)
        rp__h2_flooded(h2, "the server floods the connection with frames that it wants answered");
}

static bool settings_begin(rp_h2 *h2)
{
    const h2_frame_in *in = &h2->in;
    bool ack = (in->flags & FLAG_ACK) != 0;
    if (in->size % 6 != 0 || (ack && in->size > 0))
        return broken(h2, CODE_FRAME_SIZE_ERROR, "SETTINGS: size (RFC 9113, 6.5)");
    if (ack && h2->settings_acked)
        return broken(h2, CODE_PROTOCOL_ERROR, "SETTINGS: confirmed, and not sent");
    if (in->size <= SETTINGS_MOST * 6)
        return true;
    rp__h2_flooded(h2, "the server sent more than 32 settings at once");
    return false;
}

/* ---- the others ---- */

static void reset_came(rp_h2 *h2, const uint8_t *data)
{
    stream *s = rp__h2_on_wire(h2, h2->in.id);
    if (is_idle(h2, h2->in.id)) {
        (void)broken(h2, CODE_PROTOCOL_ERROR, "RST_STREAM: of an idle stream (RFC 9113, 6.4)");
    } else if (s == NULL) {
        rp__h2_idle_frame(h2);
    } else {
        s->peer_reset = s->awaited;
        rp__h2_over(h2, h2->in.id);
        rp__h2_closed_by_server(s, rp__word_get(data));
    }
}

static void ping_came(rp_h2 *h2, const uint8_t *data)
{
    if ((h2->in.flags & FLAG_ACK) != 0) {
        if (h2->ping_ns == 0)
            rp__h2_idle_frame(h2);
        rp__h2_flow_trip(h2, h2->ping_ns);
        h2->ping_ns = 0;
        return;
    }
    rp__h2_idle_frame(h2);
    if (h2->ping_count >= ANSWERS_MOST) {
        rp__h2_flooded(h2, "the server floods the connection with frames that it wants answered");
        return;
    }
    if (h2->ping_count == h2->ping_capacity) {
        uint32_t capacity = h2->ping_capacity > 0 ? 2 * h2->ping_capacity : 8;
        uint8_t *pings =
            rp__reallocate(h2->memory->memory, h2->pings, (size_t)capacity * PING_BYTES);
        if (pings == NULL) {
            rp__h2_fail_memory(h2);
            return;
        }
        h2->pings = pings;
        h2->ping_capacity = capacity;
    }
    memcpy(h2->pings + (size_t)h2->ping_count++ * PING_BYTES, data, PING_BYTES);
}

static void farewell_note(rp_h2 *h2, const uint8_t *data, size_t size)
{
    rp__printable_text((rp_slice){data, size}, h2->farewell, sizeof(h2->farewell));
}

static void goaway_came(rp_h2 *h2, const uint8_t *data, size_t size)
{
    uint32_t last = rp__word_get(data) & STREAM_MOST;
    if (last > h2->goaway_last || (last > 0 && !CLIENTS(last))) {
        (void)broken(h2, CODE_PROTOCOL_ERROR, "GOAWAY: the last stream's number (RFC 9113, 6.8)");
        return;
    }
    if (h2->goaway_came)
        rp__h2_idle_frame(h2);
    h2->goaway_came = true;
    h2->goaway_last = last;
    h2->goaway_code = rp__word_get(data + 4);
    farewell_note(h2, data + 8, size - 8);
    rp__h2_leave_undone(h2);
}

static void window_came(rp_h2 *h2, const uint8_t *data)
{
    uint32_t more = rp__word_get(data) & WINDOW_MOST, id = h2->in.id;
    stream *s = rp__h2_on_wire(h2, id);
    if (id != 0 && is_idle(h2, id)) {
        (void)broken(h2, CODE_PROTOCOL_ERROR, "WINDOW_UPDATE: of an idle stream (RFC 9113, 5.1)");
    } else if (id != 0 && (s == NULL || s->resetting)) {
        /* It was sent before the server knew (RFC 9113, 5.1). */
    } else if (id == 0 && more == 0) {
        (void)broken(h2, CODE_PROTOCOL_ERROR, "WINDOW_UPDATE: of 0 (RFC 9113, 6.9)");
    } else if (id == 0 && h2->send_window + more > WINDOW_MOST) {
        (void)broken(h2, CODE_FLOW_CONTROL_ERROR,
                     "WINDOW_UPDATE: a window above 2^31-1 (RFC 9113, 6.9.1)");
    } else if (id == 0) {
        h2->send_window += more;
        rp__list_move(&h2->turns, &h2->blocked);
    } else if (more == 0) {
        stream_broken(s, RP_H2_NO_WINDOW, CODE_PROTOCOL_ERROR);
    } else if (s->send_window + more > WINDOW_MOST) {
        stream_broken(s, RP_H2_WINDOW_LARGE, CODE_FLOW_CONTROL_ERROR);
    } else {
        s->send_window += more;
        if (s->is.uploading)
            s->is.moved_ns = h2->now_ns;
        rp__h2_takes_turns(s);
    }
    rp__h2_given_back(h2, more);
}

/* ---- feeding ---- */

/* False: it failed. */
static bool frame_begins(rp_h2 *h2, const uint8_t *head)
{
    h2_frame_in *in = &h2->in;
    *in = (h2_frame_in){.type = head[3],
                        .flags = head[4],
                        .under_way = true,
                        .id = rp__word_get(head + 5) & STREAM_MOST,
                        .size = rp__word_get(head) >> 8};
    in->left = in->size;
    if (!order_holds(h2) || !type_holds(h2))
        return false;
    switch (in->type) {
    case FRAME_DATA:
        return data_begins(h2);
    case FRAME_HEADERS:
        return headers_begin(h2);
    case FRAME_SETTINGS:
        return settings_begin(h2);
    case FRAME_CONTINUATION:
        return continuation_begins(h2);
    case FRAME_RST_STREAM:
    case FRAME_PING:
    case FRAME_GOAWAY:
    case FRAME_WINDOW_UPDATE:
        return true;
    default: /* PRIORITY, and what nobody knows (5.5) */
        in->passed_over = true;
        rp__h2_idle_frame(h2);
        return !h2->failed;
    }
}

static void frame_came(rp_h2 *h2, const uint8_t *data, size_t size)
{
    switch (h2->in.type) {
    case FRAME_HEADERS:
        headers_came(h2, data, size);
        break;
    case FRAME_RST_STREAM:
        reset_came(h2, data);
        break;
    case FRAME_SETTINGS:
        settings_came(h2, data, size);
        break;
    case FRAME_PING:
        ping_came(h2, data);
        break;
    case FRAME_GOAWAY:
        goaway_came(h2, data, size);
        break;
    case FRAME_WINDOW_UPDATE:
        window_came(h2, data);
        break;
    case FRAME_CONTINUATION:
        continuation_came(h2, data, size);
        break;
    default:
        break;
    }
}

/* Returns how many bytes were taken. */
static size_t gather(rp_h2 *h2, const uint8_t *data, size_t size)
{
    h2_frame_in *in = &h2->in;
    size_t part = size < in->left ? size : in->left;
    if (!in->passed_over && part > 0) {
        if (h2->gathered == NULL && (h2->gathered = rp__h2_take(h2->memory, in->size)) == NULL) {
            rp__h2_fail_memory(h2);
            return part;
        }
        memcpy(h2->gathered + h2->gathered_size, data, part);
        h2->gathered_size += (uint32_t)part;
    }
    in->left -= (uint32_t)part;
    return part;
}

/* A head that comes in pieces moves with each of them. */
static void head_moves(rp_h2 *h2)
{
    stream *s = rp__h2_on_wire(h2, h2->in.id);
    if (s != NULL)
        s->is.moved_ns = h2->now_ns;
}

/* Returns how many bytes were taken: all of them, or the frame is over. */
static size_t payload_read(rp_h2 *h2, const uint8_t *data, size_t size)
{
    h2_frame_in *in = &h2->in;
    if (in->type == FRAME_DATA)
        return data_read(h2, data, size);
    if (in->type == FRAME_HEADERS || in->type == FRAME_CONTINUATION)
        head_moves(h2);
    if (h2->gathered == NULL && size >= in->left && in->left == in->size) {
        in->under_way = false;
        if (!in->passed_over)
            frame_came(h2, data, in->size);
        return in->size;
    }
    size_t taken = gather(h2, data, size);
    if (in->left > 0 || h2->failed)
        return taken;
    in->under_way = false;
    if (!in->passed_over)
        frame_came(h2, h2->gathered, in->size);
    rp__h2_give(h2->memory, h2->gathered);
    h2->gathered = NULL;
    h2->gathered_size = 0;
    return taken;
}

/* Returns how many bytes were taken. */
static size_t head_read(rp_h2 *h2, const uint8_t *data, size_t size)
{
    size_t had = h2->frame_head_size, part = FRAME_HEAD - had;
    if (had == 0 && size >= FRAME_HEAD) {
        (void)frame_begins(h2, data);
        return FRAME_HEAD;
    }
    if (part > size)
        part = size;
    memcpy(h2->frame_head + had, data, part);
    h2->frame_head_size += (uint8_t)part;
    if (h2->frame_head_size == FRAME_HEAD) {
        h2->frame_head_size = 0;
        (void)frame_begins(h2, h2->frame_head);
    }
    return part;
}

static void look_for_http1(rp_h2 *h2, const uint8_t *data, size_t size)
{
    static const char text[] = "HTTP/";
    for (size_t i = 0; i < size && h2->looks_like_http1 < sizeof(text) - 1; i++)
        h2->looks_like_http1 =
            data[i] == (uint8_t)text[h2->looks_like_http1] ? h2->looks_like_http1 + 1 : 0xff;
}

bool rp__h2_feed(rp_h2 *h2, const uint8_t *data, size_t size, uint64_t now_ns)
{
    rp__h2_free_told(h2);
    h2->now_ns = now_ns;
    if (h2->failed)
        return false;
    look_for_http1(h2, data, size);
    const uint8_t *end = data + size;
    while (!h2->failed) {
        if (!h2->in.under_way) {
            if (data == end)
                break;
            data += head_read(h2, data, (size_t)(end - data));
            if (!h2->in.under_way)
                continue;
            if (h2->failed)
                break;
        }
        data += payload_read(h2, data, (size_t)(end - data));
        if (h2->in.under_way && data == end)
            break;
    }
    if (!h2->failed)
        rp__h2_flow_sample(h2);
    return !h2->failed;
}
