/* server_h2_out.c - what the scripted server sends of HTTP/2: frames, the account of them, and the
 * steps of scripts that are made of them. */
#include "sim/server_h2.h"

#include "base/assert.h"

#include <string.h>

#define WRITE_MOST ((size_t)64 * 1024) /* data of one stream, before others have their turn */
#define DATA_MOST ((size_t)16384)

/* ---- the account ---- */

static void note_settings(sim_connection *c, const sim_frame *f)
{
    rp_memory *memory = &c->server->memory;
    size_t count = f->size / 6;
    rp__sim_bytes_add(memory, &c->h2->unconfirmed, &count, sizeof(count));
    for (const uint8_t *at = f->payload; count > 0; count--, at += 6) {
        rp_sim_setting setting = {.value = rp__word_get(at + 2)};
        setting.id = (uint16_t)(at[0] << 8 | at[1]);
        rp__sim_bytes_add(memory, &c->h2->unconfirmed, &setting, sizeof(setting));
    }
    c->h2->settings_sent = true;
}

static void note_window(sim_connection *c, rp_sim_exchange *x, uint32_t stream, uint32_t increment)
{
    if (stream != 0 && x == NULL)
        return;
    uint64_t *owed = x != NULL ? &x->owed : &c->h2->owed;
    *owed -= increment < *owed ? increment : *owed;
    *(x != NULL ? &x->receive_window : &c->h2->receive_window) += increment;
}

static void note_stream(sim_connection *c, rp_sim_exchange *x, const sim_frame *f)
{
    bool reset = f->type == RP_SIM_FRAME_RST_STREAM;
    if (f->type == RP_SIM_FRAME_DATA) {
        c->h2->send_window -= (int64_t)f->size;
        x->send_window -= (int64_t)f->size;
    }
    x->reset = x->reset || reset;
    if (reset)
        *rp__sim_h2_fate(c->h2, x->stream) |= SIM_DISOWNED;
    else if ((f->flags & RP_SIM_FLAG_END_STREAM) != 0)
        x->server_ended = true;
}

static void note(sim_connection *c, const sim_frame *frame)
{
    sim_h2 *h2 = c->h2;
    sim_frame numbered = *frame;
    const sim_frame *f = &numbered;
    numbered.stream &= SIM_WINDOW_MOST; /* the reserved bit is ignored */
    rp_sim_exchange *x = rp__sim_h2_find(c, f->stream);
    bool asks = f->stream == 0 && (f->flags & RP_SIM_FLAG_ACK) == 0;
    if (f->type == RP_SIM_FRAME_SETTINGS && asks && f->size % 6 == 0) {
        note_settings(c, f);
    } else if (f->type == RP_SIM_FRAME_PING && asks && f->size == 8) {
        rp__sim_bytes_add(&c->server->memory, &h2->pings, f->payload, 8);
    } else if (f->type == RP_SIM_FRAME_GOAWAY && f->stream == 0 && f->size >= 8) {
        uint32_t last = rp__word_get(f->payload) & SIM_WINDOW_MOST;
        h2->last = last < h2->last ? last : h2->last;
        h2->farewell = true;
    } else if (f->type == RP_SIM_FRAME_WINDOW_UPDATE && f->size == 4) {
        note_window(c, x, f->stream, rp__word_get(f->payload));
    } else if (x != NULL && (f->type == RP_SIM_FRAME_DATA || f->type == RP_SIM_FRAME_HEADERS ||
                             (f->type == RP_SIM_FRAME_RST_STREAM && f->size == 4))) {
        note_stream(c, x, f);
    }
}

/* ---- frames ---- */

/* To the end of out, and into the account. */
static void put_frame(sim_connection *c, sim_bytes *out, const sim_frame *f)
{
    uint8_t head[SIM_FRAME_HEAD];
    RP_ASSERT(f->size < 1 << 24);
    rp__word_put(head, (uint32_t)f->size << 8 | f->type);
    head[4] = f->flags;
    rp__word_put(head + 5, f->stream);
    rp__sim_bytes_add(&c->server->memory, out, head, sizeof(head));
    if (f->size > 0)
        rp__sim_bytes_add(&c->server->memory, out, f->payload, f->size);
    note(c, f);
}

void rp__sim_h2_control(sim_connection *c, uint8_t type, uint8_t flags, uint32_t stream,
                        const void *payload, size_t size)
{
    sim_frame f = {type, flags, stream, payload, size};
    put_frame(c, &c->h2->control, &f);
}

static void control_number(sim_connection *c, uint8_t type, uint32_t stream, uint32_t number)
{
    uint8_t payload[4];
    rp__word_put(payload, number);
    rp__sim_h2_control(c, type, 0, stream, payload, sizeof(payload));
}

void rp__sim_h2_flush(sim_connection *c)
{
    sim_bytes *control = &c->h2->control;
    if (control->size > 0)
        rp__sim_connection_write(c, control);
    control->begin = control->size = 0;
}

/* ---- what is sent unasked ---- */

void rp__sim_h2_send_settings(sim_connection *c)
{
    const rp_sim_server_options *options = &c->server->options;
    sim_bytes payload = {NULL, 0, 0, 0};
    for (size_t i = 0; i < options->setting_count; i++) {
        const rp_sim_setting *s = &c->server->settings[i];
        uint8_t bytes[6] = {(uint8_t)(s->id >> 8), (uint8_t)s->id};
        rp__word_put(bytes + 2, s->value);
        rp__sim_bytes_add(&c->server->memory, &payload, bytes, sizeof(bytes));
    }
    rp__sim_h2_control(c, RP_SIM_FRAME_SETTINGS, 0, 0, payload.data, payload.size);
    rp__free(&c->server->memory, payload.data);
}

static bool may_give(const sim_h2 *h2, uint64_t owed, uint64_t window)
{
    return owed > 0 && 2 * owed >= window && (h2->withheld & RP_SIM_WINDOWS) == 0;
}

void rp__sim_h2_give_back(sim_connection *c, rp_sim_exchange *x)
{
    sim_h2 *h2 = c->h2;
    if (may_give(h2, h2->owed, SIM_WINDOW))
        control_number(c, RP_SIM_FRAME_WINDOW_UPDATE, 0, (uint32_t)h2->owed);
    if (x != NULL && !x->client_ended && !x->reset &&
        may_give(h2, x->owed, h2->ours[RP_SIM_INITIAL_WINDOW_SIZE]))
        control_number(c, RP_SIM_FRAME_WINDOW_UPDATE, x->stream, (uint32_t)x->owed);
}

void rp__sim_h2_withhold(sim_connection *c, unsigned what)
{
    sim_h2 *h2 = c->h2;
    h2->withheld = what;
    if ((what & RP_SIM_SETTINGS) == 0 && !h2->settings_sent)
        rp__sim_h2_send_settings(c);
    for (; (what & RP_SIM_SETTINGS_ACK) == 0 && h2->confirmations_owed > 0;
         h2->confirmations_owed--)
        rp__sim_h2_control(c, RP_SIM_FRAME_SETTINGS, RP_SIM_FLAG_ACK, 0, NULL, 0);
    rp__sim_h2_give_back(c, NULL);
    for (rp_link *link = c->streams.next; link != &c->streams; link = link->next)
        rp__sim_h2_give_back(c, RP_CONTAINER(link, rp_sim_exchange, link));
    rp__sim_h2_flush(c);
}

void rp__sim_h2_end_stream(rp_sim_exchange *x)
{
    sim_connection *c = x->connection;
    if (x->stream == 0 || x->server_ended || x->reset)
        return;
    rp__sim_h2_control(c, RP_SIM_FRAME_DATA, RP_SIM_FLAG_END_STREAM, x->stream, NULL, 0);
    rp__sim_h2_flush(c);
}

void rp__sim_h2_farewell(sim_connection *c)
{
    uint8_t payload[8] = {0};
    rp__word_put(payload, c->h2->highest);
    if (!c->h2->farewell)
        rp__sim_h2_control(c, RP_SIM_FRAME_GOAWAY, 0, 0, payload, sizeof(payload));
    rp__sim_h2_flush(c);
}

/* ---- steps ---- */

/* Cuts the next line off. False: there is none. */
static bool next_line(const char **text, nghttp2_nv *field)
{
    const char *line = *text, *end = strstr(line, "\r\n");
    if (*line == '\0')
        return false;
    RP_ASSERT(end != NULL); /* or the script's line has no end */
    const char *colon = memchr(line + 1, ':', (size_t)(end - line) - 1);
    RP_ASSERT(colon != NULL);
    const char *value = colon + 1 + (colon[1] == ' ');
    *field = (nghttp2_nv){(uint8_t *)(uintptr_t)line, (uint8_t *)(uintptr_t)value,
                          (size_t)(colon - line), (size_t)(end - value), NGHTTP2_NV_FLAG_NONE};
    *text = end + 2;
    return true;
}

/* The lines' block, in memory of the server's. */
static sim_bytes encode(sim_connection *c, const char *lines)
{
    rp_memory *memory = &c->server->memory;
    sim_bytes fields = {NULL, 0, 0, 0}, block = {NULL, 0, 0, 0};
    nghttp2_nv field;
    while (next_line(&lines, &field))
        rp__sim_bytes_add(memory, &fields, &field, sizeof(field));
    const nghttp2_nv *all = (const nghttp2_nv *)(const void *)fields.data;
    size_t count = fields.size / sizeof(field);
    block.capacity = nghttp2_hd_deflate_bound(c->h2->deflater, all, count);
    block.data = rp__allocate(memory, block.capacity + 1);
    RP_ASSERT(block.data != NULL);
    nghttp2_ssize size =
        nghttp2_hd_deflate_hd2(c->h2->deflater, block.data, block.capacity, all, count);
    RP_ASSERT(size >= 0);
    block.size = (size_t)size;
    rp__free(memory, fields.data);
    return block;
}

static void put_fields(rp_sim_exchange *x, const sim_step *step)
{
    sim_connection *c = x->connection;
    sim_bytes block = encode(c, (const char *)step->data);
    size_t most = step->number > 0 ? (size_t)step->number : c->h2->theirs[RP_SIM_MAX_FRAME_SIZE];
    uint8_t last = step->flags & RP_SIM_FLAG_END_HEADERS;
    sim_frame f = {.type = RP_SIM_FRAME_HEADERS, .stream = step->stream};
    f.flags = step->flags & (uint8_t)~RP_SIM_FLAG_END_HEADERS;
    size_t at = 0;
    do {
        f.payload = block.data + at;
        f.size = block.size - at < most ? block.size - at : most;
        at += f.size;
        if (at == block.size)
            f.flags |= last;
        put_frame(c, &x->output, &f);
        f.type = RP_SIM_FRAME_CONTINUATION;
        f.flags = 0;
    } while (at < block.size);
    rp__free(&c->server->memory, block.data);
}

static size_t room(const rp_sim_exchange *x)
{
    int64_t window = x->connection->h2->send_window;
    if (x->send_window < window)
        window = x->send_window;
    return window > 0 ? (size_t)window : 0;
}

static void put_data(rp_sim_exchange *x, sim_step *step)
{
    size_t begin = x->output.size;
    for (;;) {
        size_t size = step->size - (size_t)step->number;
        size_t most = room(x) < DATA_MOST ? room(x) : DATA_MOST;
        size = size < most ? size : most;
        bool all = step->number + size == step->size;
        if ((size == 0 && step->size > step->number) || x->output.size - begin >= WRITE_MOST)
            return;
        sim_frame f = {RP_SIM_FRAME_DATA, all ? step->flags : 0, x->stream,
                       step->data + step->number, size};
        put_frame(x->connection, &x->output, &f);
        step->number += size;
        if (all)
            return;
    }
}

bool rp__sim_h2_step(rp_sim_exchange *x, sim_step *step)
{
    sim_frame f = {step->type, step->flags, step->stream, step->data, step->size};
    bool leaves = step->type == RP_SIM_FRAME_GOAWAY && step->size >= 8;
    const sim_h2 *h2 = x->connection->h2;
    if (step->kind == SIM_STEP_FRAME && leaves && rp__word_get(step->data) == UINT32_MAX)
        rp__word_put(step->data, h2->highest < h2->last ? h2->highest : h2->last);
    if (step->kind == SIM_STEP_FIELDS)
        put_fields(x, step);
    else if (step->kind == SIM_STEP_DATA)
        put_data(x, step);
    else
        put_frame(x->connection, &x->output, &f);
    return x->output.size > 0;
}
