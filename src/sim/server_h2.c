/* server_h2.c - HTTP/2 on a connection of the scripted server: the client's frames, each judged by
 * RFC 9113 (the sections are its), and the streams that come of them. */
#include "sim/server_h2.h"

#include "base/assert.h"

#include <string.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define PREFACE_SIZE (sizeof(PREFACE) - 1)
#define BLOCK_LIMIT SIM_REQUEST_HEAD_LIMIT

/* ---- streams ---- */

rp_sim_exchange *rp__sim_h2_find(const sim_connection *c, uint32_t stream)
{
    for (rp_link *link = c->streams.next; link != &c->streams; link = link->next) {
        rp_sim_exchange *x = RP_CONTAINER(link, rp_sim_exchange, link);
        if (x->stream == stream)
            return x;
    }
    return NULL;
}

uint8_t *rp__sim_h2_fate(const sim_h2 *h2, uint32_t stream)
{
    RP_ASSERT(stream % 2 == 1 && stream <= h2->highest);
    return &h2->fates[stream / 2];
}

static bool is_closed(const rp_sim_exchange *x)
{
    return x->reset || (x->client_ended && x->server_ended);
}

static uint32_t streams_open(const sim_connection *c)
{
    uint32_t count = 0;
    for (rp_link *link = c->streams.next; link != &c->streams; link = link->next)
        count += !is_closed(RP_CONTAINER(link, rp_sim_exchange, link));
    return count;
}

static rp_sim_exchange *stream_new(sim_connection *c, uint32_t number)
{
    rp_sim_exchange *x = rp__allocate(&c->server->memory, sizeof(*x));
    RP_ASSERT(x != NULL);
    rp__sim_exchange_init(x, c);
    x->stream = number;
    x->served = c->exchange.served++;
    x->send_window = c->h2->theirs[RP_SIM_INITIAL_WINDOW_SIZE];
    x->receive_window = c->h2->ours[RP_SIM_INITIAL_WINDOW_SIZE];
    rp__list_append(&c->streams, &x->link);
    uint32_t open = streams_open(c);
    if (open > c->server->counts.streams_most)
        c->server->counts.streams_most = open;
    return x;
}

static void note_highest(sim_connection *c, uint32_t stream)
{
    sim_h2 *h2 = c->h2;
    size_t count = stream / 2 + 1;
    if (count > h2->fate_count) {
        size_t more = 2 * count;
        h2->fates = rp__reallocate(&c->server->memory, h2->fates, more);
        RP_ASSERT(h2->fates != NULL);
        memset(h2->fates + h2->fate_count, 0, more - h2->fate_count);
        h2->fate_count = more;
    }
    h2->highest = stream;
}

void rp__sim_h2_sweep(sim_connection *c)
{
    rp_link *link = c->streams.next;
    while (link != &c->streams) {
        rp_sim_exchange *x = RP_CONTAINER(link, rp_sim_exchange, link);
        link = link->next;
        if (is_closed(x) && x->answered)
            rp__sim_exchange_tell_gone(x);
        if (!x->told || x->writing)
            continue;
        rp__list_remove(&x->link);
        rp__sim_exchange_free(x);
        rp__free(&c->server->memory, x);
    }
}

/* ---- breaches ---- */

static void breach(sim_connection *c, uint32_t code, const char *why)
{
    uint8_t payload[8 + 160];
    size_t size = strlen(why) < 160 ? strlen(why) : 160;
    uint32_t numbers[2] = {c->h2->highest, code};
    for (size_t i = 0; i < 8; i++)
        payload[i] = (uint8_t)(numbers[i / 4] >> (24 - 8 * (i % 4)));
    memcpy(payload + 8, why, size);
    rp__sim_server_complain(c->server, why);
    rp__sim_scripts_clear(c);
    rp__sim_h2_control(c, RP_SIM_FRAME_GOAWAY, 0, 0, payload, 8 + size);
    rp__sim_script_end(c, RP_SIM_CLOSE);
}

static void malformed(sim_connection *c, const char *why)
{
    breach(c, SIM_PROTOCOL_ERROR, why);
}

/* Whether a frame may come on this stream, which must not be idle. */
static bool may_come(sim_connection *c, const sim_frame *f)
{
    if (f->stream == 0)
        malformed(c, "a stream's frame on stream 0");
    else if (f->stream % 2 == 0)
        malformed(c, "a frame on a stream that only the server could open");
    else if (f->stream > c->h2->highest)
        malformed(c, "a frame on an idle stream"); /* 5.1 */
    else if ((*rp__sim_h2_fate(c->h2, f->stream) & SIM_CLIENT_RESET) != 0)
        breach(c, SIM_STREAM_CLOSED, "a frame on a stream after its RST_STREAM");
    else if ((*rp__sim_h2_fate(c->h2, f->stream) & SIM_CLIENT_ENDED) != 0 &&
             (f->type == RP_SIM_FRAME_DATA || f->type == RP_SIM_FRAME_HEADERS))
        breach(c, SIM_STREAM_CLOSED, "more on a stream after its END_STREAM");
    return !c->over;
}

/* ---- bodies ---- */

static void stream_ended(sim_connection *c, rp_sim_exchange *x)
{
    x->client_ended = true;
    *rp__sim_h2_fate(c->h2, x->stream) |= SIM_CLIENT_ENDED;
    if (x->declared != UINT64_MAX && x->request.body_bytes != x->declared) {
        malformed(c, "a body that is not as long as its content-length"); /* 8.1.1 */
        return;
    }
    x->request.state = SIM_REQUEST_DONE;
    rp__sim_exchange_complete(x);
}

static void body_came(sim_connection *c, rp_sim_exchange *x, const uint8_t *data, size_t size)
{
    x->request.body_bytes += size;
    if (x->declared != UINT64_MAX && x->request.body_bytes > x->declared)
        malformed(c, "a body that is longer than its content-length");
    else if (c->server->options.on_body == NULL && x->request.body_bytes > SIM_BODY_LIMIT &&
             !x->ended && !x->answered)
        breach(c, SIM_ENHANCE_YOUR_CALM, "the body is larger than 16 MiB");
    else if (size > 0)
        rp__sim_exchange_body(x, data, size);
}

/* Takes padding off (6.1). */
static bool unpad(sim_connection *c, sim_frame *f)
{
    if ((f->flags & RP_SIM_FLAG_PADDED) == 0)
        return true;
    if (f->size == 0 || (size_t)f->payload[0] >= f->size) {
        malformed(c, "padding that is longer than its frame");
        return false;
    }
    f->size -= 1 + (size_t)f->payload[0];
    f->payload++;
    return true;
}

static bool uses_window(sim_connection *c, rp_sim_exchange *x, size_t size)
{
    sim_h2 *h2 = c->h2;
    h2->receive_window -= (int64_t)size;
    h2->owed += size;
    if (x != NULL) {
        x->receive_window -= (int64_t)size;
        x->owed += size;
    }
    if (h2->receive_window < 0)
        breach(c, SIM_FLOW_CONTROL_ERROR, "more data than the connection's window");
    else if (x != NULL && x->receive_window < 0)
        breach(c, SIM_FLOW_CONTROL_ERROR, "more data than the stream's window");
    return !c->over;
}

static void data_frame(sim_connection *c, sim_frame *f)
{
    if (!may_come(c, f))
        return;
    rp_sim_exchange *x = rp__sim_h2_find(c, f->stream);
    if (x != NULL && (x->reset || x->told))
        x = NULL;
    if (!uses_window(c, x, f->size) || !unpad(c, f))
        return;
    if (x != NULL)
        body_came(c, x, f->payload, f->size);
    if (c->over)
        return;
    if ((f->flags & RP_SIM_FLAG_END_STREAM) != 0) {
        if (x != NULL)
            stream_ended(c, x);
        else
            *rp__sim_h2_fate(c->h2, f->stream) |= SIM_CLIENT_ENDED;
    }
    if (!c->over)
        rp__sim_h2_give_back(c, x);
}

/* ---- heads ---- */

static void request_begins(sim_connection *c, rp_sim_exchange *x, uint8_t flags, uint64_t length)
{
    bool has_body = (flags & RP_SIM_FLAG_END_STREAM) == 0;
    x->declared = length;
    rp__sim_request_head_done(&x->request, has_body);
    rp__sim_exchange_head(x);
    if (!has_body && !c->over)
        stream_ended(c, x);
}

/* A block on a stream that was there already. */
static void trailers_came(sim_connection *c, const sim_frame *f)
{
    uint32_t code;
    uint64_t length;
    rp_sim_exchange *x = rp__sim_h2_find(c, f->stream);
    sim_request *request = x != NULL && !x->reset && !x->told ? &x->request : NULL;
    const char *why = rp__sim_h2_fields(c, request, true, &length, &code);
    if (why == NULL && (f->flags & RP_SIM_FLAG_END_STREAM) == 0)
        why = "trailers without END_STREAM", code = SIM_PROTOCOL_ERROR; /* 8.1 */
    if (why != NULL)
        breach(c, code, why);
    else if (x != NULL && !x->reset && !x->told)
        stream_ended(c, x);
    else
        *rp__sim_h2_fate(c->h2, f->stream) |= SIM_CLIENT_ENDED;
}

static void head_complete(sim_connection *c)
{
    sim_h2 *h2 = c->h2;
    sim_frame f = h2->head;
    uint32_t code = SIM_PROTOCOL_ERROR;
    uint64_t length;
    const char *why = NULL;
    h2->head.stream = 0;
    if (f.stream <= h2->highest) {
        trailers_came(c, &f);
        return;
    }
    note_highest(c, f.stream);
    bool passed_over = f.stream > h2->last;
    if (!passed_over && streams_open(c) >= h2->ours[RP_SIM_MAX_CONCURRENT_STREAMS])
        why = "more streams than SETTINGS_MAX_CONCURRENT_STREAMS"; /* 5.1.2 */
    rp_sim_exchange *x = passed_over || why != NULL ? NULL : stream_new(c, f.stream);
    const char *wrong = rp__sim_h2_fields(c, x != NULL ? &x->request : NULL, false, &length, &code);
    if (why == NULL)
        why = wrong;
    if (why != NULL) {
        breach(c, code, why);
        return;
    }
    if (x != NULL)
        request_begins(c, x, f.flags, length);
    else
        *rp__sim_h2_fate(h2, f.stream) |=
            SIM_DISOWNED | ((f.flags & RP_SIM_FLAG_END_STREAM) != 0 ? SIM_CLIENT_ENDED : 0);
}

static void block_came(sim_connection *c, const sim_frame *f)
{
    sim_h2 *h2 = c->h2;
    if (f->size > 0)
        rp__sim_bytes_add(&c->server->memory, &h2->block, f->payload, f->size);
    if (h2->block.size > BLOCK_LIMIT)
        breach(c, SIM_ENHANCE_YOUR_CALM, "a head that is too large");
    else if ((f->flags & RP_SIM_FLAG_END_HEADERS) != 0)
        head_complete(c);
}

static void headers_frame(sim_connection *c, sim_frame *f)
{
    if (f->stream == 0 || f->stream % 2 == 0 || f->stream <= c->h2->highest) {
        if (!may_come(c, f))
            return;
    }
    if (!unpad(c, f))
        return;
    if ((f->flags & RP_SIM_FLAG_PRIORITY) != 0) {
        if (f->size < 5) {
            breach(c, SIM_FRAME_SIZE_ERROR, "HEADERS that are too short for their priority");
            return;
        }
        f->payload += 5;
        f->size -= 5;
    }
    c->h2->head = *f;
    c->h2->block.size = c->h2->block.begin = 0;
    block_came(c, f);
}

/* ---- other frames ---- */

static void reset_frame(sim_connection *c, const sim_frame *f)
{
    if (f->size != 4) {
        breach(c, SIM_FRAME_SIZE_ERROR, "an RST_STREAM that is not of four bytes");
        return;
    }
    if (!may_come(c, f))
        return;
    c->server->counts.resets++;
    c->server->counts.reset_code = rp__word_get(f->payload);
    *rp__sim_h2_fate(c->h2, f->stream) |= SIM_CLIENT_RESET;
    rp_sim_exchange *x = rp__sim_h2_find(c, f->stream);
    if (x == NULL)
        return;
    x->reset = true;
    rp__sim_script_clear(x);
    rp__sim_script_flush(x);
    rp__sim_exchange_tell_gone(x);
}

static void set_theirs(sim_connection *c, uint16_t id, uint32_t value)
{
    sim_h2 *h2 = c->h2;
    if (id == 0 || id >= SIM_SETTINGS)
        return;
    if (id == RP_SIM_INITIAL_WINDOW_SIZE && value > SIM_WINDOW_MOST)
        breach(c, SIM_FLOW_CONTROL_ERROR, "SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1");
    else if (id == RP_SIM_ENABLE_PUSH && value > 1)
        malformed(c, "SETTINGS_ENABLE_PUSH that is neither 0 nor 1");
    else if (id == RP_SIM_MAX_FRAME_SIZE && (value < 16384 || value > 16777215))
        malformed(c, "SETTINGS_MAX_FRAME_SIZE out of its range");
    if (c->over)
        return;
    if (id == RP_SIM_HEADER_TABLE_SIZE)
        RP_ASSERT(nghttp2_hd_deflate_change_table_size(h2->deflater, value) == 0);
    for (rp_link *link = c->streams.next; link != &c->streams; link = link->next) {
        if (id == RP_SIM_INITIAL_WINDOW_SIZE)
            RP_CONTAINER(link, rp_sim_exchange, link)->send_window +=
                (int64_t)value - (int64_t)h2->theirs[id];
    }
    h2->theirs[id] = value;
    h2->said[id] = true;
}

static void set_ours(sim_connection *c, const rp_sim_setting *s)
{
    sim_h2 *h2 = c->h2;
    if (s->id == 0 || s->id >= SIM_SETTINGS)
        return;
    if (s->id == RP_SIM_HEADER_TABLE_SIZE)
        RP_ASSERT(nghttp2_hd_inflate_change_table_size(h2->inflater, s->value) == 0);
    for (rp_link *link = c->streams.next; link != &c->streams; link = link->next) {
        if (s->id == RP_SIM_INITIAL_WINDOW_SIZE)
            RP_CONTAINER(link, rp_sim_exchange, link)->receive_window +=
                (int64_t)s->value - (int64_t)h2->ours[s->id];
    }
    h2->ours[s->id] = s->value;
}

static void settings_confirmed(sim_connection *c)
{
    sim_bytes *b = &c->h2->unconfirmed;
    rp_sim_setting setting;
    size_t count;
    if (b->size == 0) {
        malformed(c, "a confirmation of settings that were not sent");
        return;
    }
    memcpy(&count, b->data + b->begin, sizeof(count));
    rp__sim_bytes_consume(b, sizeof(count));
    for (; count > 0; count--) {
        memcpy(&setting, b->data + b->begin, sizeof(setting));
        rp__sim_bytes_consume(b, sizeof(setting));
        set_ours(c, &setting);
    }
    /* Of a smaller window what is owed may be all there is. */
    for (rp_link *link = c->streams.next; link != &c->streams; link = link->next)
        rp__sim_h2_give_back(c, RP_CONTAINER(link, rp_sim_exchange, link));
}

static void settings_frame(sim_connection *c, const sim_frame *f)
{
    bool confirms = (f->flags & RP_SIM_FLAG_ACK) != 0;
    if (f->stream != 0)
        malformed(c, "SETTINGS on a stream");
    else if (f->size % 6 != 0 || (confirms && f->size > 0))
        breach(c, SIM_FRAME_SIZE_ERROR, "SETTINGS of a wrong size");
    else if (confirms)
        settings_confirmed(c);
    if (c->over || confirms)
        return;
    for (size_t at = 0; at < f->size && !c->over; at += 6)
        set_theirs(c, (uint16_t)(f->payload[at] << 8 | f->payload[at + 1]),
                   rp__word_get(f->payload + at + 2));
    if (c->over)
        return;
    if ((c->h2->withheld & RP_SIM_SETTINGS_ACK) != 0)
        c->h2->confirmations_owed++;
    else
        rp__sim_h2_control(c, RP_SIM_FRAME_SETTINGS, RP_SIM_FLAG_ACK, 0, NULL, 0);
}

static void ping_frame(sim_connection *c, const sim_frame *f)
{
    sim_h2 *h2 = c->h2;
    if (f->stream != 0)
        malformed(c, "PING on a stream");
    else if (f->size != 8)
        breach(c, SIM_FRAME_SIZE_ERROR, "a PING that is not of eight bytes");
    else if ((f->flags & RP_SIM_FLAG_ACK) == 0) {
        c->server->counts.pings++;
        if ((h2->withheld & RP_SIM_PING_ACK) == 0)
            rp__sim_h2_control(c, RP_SIM_FRAME_PING, RP_SIM_FLAG_ACK, 0, f->payload, 8);
    } else if (h2->pings.size == 0 || memcmp(h2->pings.data + h2->pings.begin, f->payload, 8) != 0)
        malformed(c, "an answer to a PING that was not sent");
    else
        rp__sim_bytes_consume(&h2->pings, 8);
}

static void goaway_frame(sim_connection *c, const sim_frame *f)
{
    if (f->stream != 0)
        malformed(c, "GOAWAY on a stream");
    else if (f->size < 8)
        breach(c, SIM_FRAME_SIZE_ERROR, "a GOAWAY of less than eight bytes");
    if (c->over)
        return;
    c->server->counts.goaways++;
    c->server->counts.goaway_code = rp__word_get(f->payload + 4);
}

static void window_frame(sim_connection *c, const sim_frame *f)
{
    if (f->size != 4) {
        breach(c, SIM_FRAME_SIZE_ERROR, "a WINDOW_UPDATE that is not of four bytes");
        return;
    }
    if (f->stream != 0 && !may_come(c, f))
        return;
    uint32_t increment = rp__word_get(f->payload) & SIM_WINDOW_MOST;
    rp_sim_exchange *x = f->stream != 0 ? rp__sim_h2_find(c, f->stream) : NULL;
    int64_t *window = x != NULL ? &x->send_window : &c->h2->send_window;
    c->server->counts.window_updates++;
    if (increment == 0)
        malformed(c, "a WINDOW_UPDATE of 0"); /* 6.9 */
    else if ((x != NULL || f->stream == 0) && (*window += increment) > SIM_WINDOW_MOST)
        breach(c, SIM_FLOW_CONTROL_ERROR, "a window above 2^31-1"); /* 6.9.1 */
}

static void priority_frame(sim_connection *c, const sim_frame *f)
{
    if (f->stream == 0)
        malformed(c, "PRIORITY on stream 0");
    else if (f->size != 5)
        breach(c, SIM_FRAME_SIZE_ERROR, "a PRIORITY that is not of five bytes");
}

/* ---- reading ---- */

static void take(sim_connection *c, sim_frame *f)
{
    const rp_sim_server_options *options = &c->server->options;
    sim_h2 *h2 = c->h2;
    if (options->on_frame != NULL)
        options->on_frame(&c->exchange, f->type, f->flags, f->stream, f->payload, f->size,
                          options->user);
    if (c->over)
        return;
    bool settings = f->type == RP_SIM_FRAME_SETTINGS && (f->flags & RP_SIM_FLAG_ACK) == 0;
    if (!h2->settings_came && !settings) {
        malformed(c, "the first frame is not SETTINGS"); /* 3.4 */
        return;
    }
    h2->settings_came = true;
    bool continues = f->type == RP_SIM_FRAME_CONTINUATION;
    if (h2->head.stream != 0 ? !continues || f->stream != h2->head.stream : continues) {
        malformed(c, continues ? "a CONTINUATION without its HEADERS"
                               : "a frame between HEADERS and CONTINUATION"); /* 6.10 */
        return;
    }
    switch (f->type) {
    case RP_SIM_FRAME_DATA:
        data_frame(c, f);
        break;
    case RP_SIM_FRAME_HEADERS:
        headers_frame(c, f);
        break;
    case RP_SIM_FRAME_PRIORITY:
        priority_frame(c, f);
        break;
    case RP_SIM_FRAME_RST_STREAM:
        reset_frame(c, f);
        break;
    case RP_SIM_FRAME_SETTINGS:
        settings_frame(c, f);
        break;
    case RP_SIM_FRAME_PUSH_PROMISE:
        malformed(c, "PUSH_PROMISE from a client"); /* 8.4 */
        break;
    case RP_SIM_FRAME_PING:
        ping_frame(c, f);
        break;
    case RP_SIM_FRAME_GOAWAY:
        goaway_frame(c, f);
        break;
    case RP_SIM_FRAME_WINDOW_UPDATE:
        window_frame(c, f);
        break;
    case RP_SIM_FRAME_CONTINUATION:
        block_came(c, f);
        break;
    default: /* 5.5: what is unknown is ignored */
        break;
    }
}

/* What was read has no owner any more. */
static void used(sim_connection *c, size_t size)
{
    rp__sim_bytes_consume(&c->input, size);
    if (!rp__stream_is_closing(c->stream))
        rp_stream_consume(c->stream, size);
}

static bool read_preface(sim_connection *c)
{
    size_t size = c->input.size < PREFACE_SIZE ? c->input.size : PREFACE_SIZE;
    if (memcmp(c->input.data + c->input.begin, PREFACE, size) != 0)
        malformed(c, "not the connection preface of HTTP/2");
    else if (size == PREFACE_SIZE)
        c->h2->preface_came = true;
    if (c->h2->preface_came)
        used(c, PREFACE_SIZE);
    return c->over || c->h2->preface_came;
}

bool rp__sim_h2_feed(sim_connection *c)
{
    if (c->deaf || c->input.size == 0)
        return false;
    if (!c->h2->preface_came)
        return read_preface(c);
    if (c->input.size < SIM_FRAME_HEAD)
        return false;
    const uint8_t *bytes = c->input.data + c->input.begin;
    sim_frame f = {.type = bytes[3],
                   .flags = bytes[4],
                   .stream = rp__word_get(bytes + 5) & SIM_WINDOW_MOST,
                   .payload = bytes + SIM_FRAME_HEAD,
                   .size = rp__word_get(bytes) >> 8};
    size_t size = SIM_FRAME_HEAD + f.size;
    if (f.size > c->h2->ours[RP_SIM_MAX_FRAME_SIZE]) {
        breach(c, SIM_FRAME_SIZE_ERROR, "a frame above SETTINGS_MAX_FRAME_SIZE");
        return true;
    }
    if (c->input.size < size)
        return false;
    take(c, &f);
    used(c, size);
    if (!c->over)
        rp__sim_h2_flush(c);
    return true;
}

bool rp_sim_client_setting(const rp_sim_exchange *x, uint16_t id, uint32_t *value)
{
    const sim_h2 *h2 = x->connection->h2;
    bool said = h2 != NULL && id < SIM_SETTINGS && h2->said[id];
    *value = said ? h2->theirs[id] : 0;
    return said;
}

/* ---- beginning and end ---- */

void rp__sim_h2_begin(sim_connection *c)
{
    static const uint32_t initial[SIM_SETTINGS] = {
        [RP_SIM_HEADER_TABLE_SIZE] = 4096,
        [RP_SIM_ENABLE_PUSH] = 1,
        [RP_SIM_MAX_CONCURRENT_STREAMS] = UINT32_MAX,
        [RP_SIM_INITIAL_WINDOW_SIZE] = SIM_WINDOW,
        [RP_SIM_MAX_FRAME_SIZE] = 16384,
        [RP_SIM_MAX_HEADER_LIST_SIZE] = UINT32_MAX,
    };
    sim_h2 *h2 = rp__allocate(&c->server->memory, sizeof(*h2));
    RP_ASSERT(h2 != NULL && nghttp2_hd_inflate_new(&h2->inflater) == 0 &&
              nghttp2_hd_deflate_new(&h2->deflater, 4096) == 0);
    memcpy(h2->theirs, initial, sizeof(initial));
    memcpy(h2->ours, initial, sizeof(initial));
    h2->send_window = h2->receive_window = SIM_WINDOW;
    h2->last = UINT32_MAX;
    h2->withheld = c->server->options.withheld;
    c->h2 = h2;
    c->speaks = SIM_HTTP2;
    c->server->counts.connections_2++;
    if ((h2->withheld & RP_SIM_SETTINGS) == 0)
        rp__sim_h2_send_settings(c);
    rp__sim_h2_flush(c);
}

void rp__sim_h2_free(sim_connection *c)
{
    rp_memory *memory = &c->server->memory;
    sim_h2 *h2 = c->h2;
    while (!rp__list_empty(&c->streams)) {
        rp_sim_exchange *x = RP_CONTAINER(c->streams.next, rp_sim_exchange, link);
        rp__list_remove(&x->link);
        rp__sim_exchange_tell_gone(x);
        rp__sim_exchange_free(x);
        rp__free(memory, x);
    }
    nghttp2_hd_inflate_del(h2->inflater);
    nghttp2_hd_deflate_del(h2->deflater);
    rp__free(memory, h2->control.data);
    rp__free(memory, h2->block.data);
    rp__free(memory, h2->fates);
    rp__free(memory, h2->unconfirmed.data);
    rp__free(memory, h2->pings.data);
    rp__free(memory, h2);
    c->h2 = NULL;
}
