/* hosts.c - the servers: what they see must be what was asked, and they answer as the call says. */
#include "swarm/world.h"

#include "sim/server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a connection is about: the call that it serves, and the one before. */
typedef struct visit {
    call *now;
    unsigned hop;                  /* of the call */
    uint64_t upload;               /* bytes of a body that it has there */
    uint64_t head_bytes, uploaded; /* the head has so many at the least */
    uint64_t next_begins;          /* what the client had sent when the call was whole */
    bool spoilt;                   /* may not serve again */
    rp_timer timer;                /* the server's patience with an idle connection */
    uint64_t first_us;             /* when its first request came */
    rp_sim_exchange *exchange;
    bool refused;  /* before anything was done */
    bool may_come; /* the body */
    bool tainted;  /* something unsolicited was said here, and a request had left before it came */
} visit;

static const char *const names[HOSTS_MOST] = {"a.example.test", "b.example.test", "c.example.test",
                                              "d.example.test"};

const char *host_name(const host *h)
{
    return h->name;
}

/* ---- connections ---- */

static void refuse_by_alert(rp_sim_exchange *x, world *w)
{
    /* RFC 8446, 6; 255 is none. */
    static const uint8_t alerts[] = {0,  10,  20,  21,  22,  40,  41,  42,  43,  44, 45,
                                     46, 47,  48,  49,  50,  51,  60,  70,  71,  80, 86,
                                     90, 100, 109, 110, 112, 113, 115, 116, 120, 255};
    uint8_t alert[] = {
        0x15, 3, 3, 0, 2, (uint8_t)(1 + world_draw(w, 2)), alerts[world_draw(w, sizeof(alerts))]};
    rp_sim_write_raw(x, alert, sizeof(alert));
    rp_sim_end(x, world_chance(w, 500) ? RP_SIM_CLOSE : RP_SIM_END_TRUNCATED);
}

static void say_nonsense(rp_sim_exchange *x, world *w)
{
    uint8_t bytes[64];
    size_t size = 1 + (size_t)world_draw(w, sizeof(bytes));
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)world_draw(w, 256);
    rp_sim_write_raw(x, bytes, size);
    rp_sim_end(x, world_chance(w, 500) ? RP_SIM_CLOSE : RP_SIM_END_RESET);
}

static void misbehave(rp_sim_exchange *x, host *h)
{
    world *w = h->world;
    switch (world_draw(w, h->knobs->plain ? 4 : 8)) {
    case 0:
        rp_sim_end(x, RP_SIM_CLOSE);
        break;
    case 1:
        rp_sim_end(x, RP_SIM_END_RESET);
        break;
    case 2:
        rp_sim_wait(x, world_draw(w, w->knobs.real ? 50 : 15000));
        break;
    case 3:
        /* A handshake has a limit; a plain request, one that went astray too, has none. */
        if (w->knobs.limited == 1000 || (!h->knobs->plain && w->knobs.astray == 0))
            rp_sim_end(x, RP_SIM_END_STALLED);
        break;
    case 4:
        if (w->knobs.limited == 1000) /* a record's length may be among it */
            rp_sim_corrupt(x, world_draw(w, 6000));
        break;
    case 5:
        say_nonsense(x, w);
        break;
    default:
        refuse_by_alert(x, w);
    }
}

/* All that comes on this connection may be one off, for what had left already. */
static void answer_unasked(rp_sim_exchange *x)
{
    visit *v = calloc(1, sizeof(*v));
    CHECK(v != NULL);
    v->tainted = true;
    rp_sim_exchange_user_set(x, v);
    rp_sim_print(x, "HTTP/1.1 200 OK\r\nX-Id: none\r\nContent-Length: 5\r\n\r\nearly");
}

static void connected(rp_sim_exchange *x, void *user)
{
    host *h = user;
    ground_moves(h->world);
    if (world_chance(h->world, h->knobs->premature))
        answer_unasked(x);
    else if (world_chance(h->world, h->knobs->misbehaves))
        misbehave(x, h);
}

static void gone(rp_sim_exchange *x, void *user)
{
    visit *v = rp_sim_exchange_user(x);
    (void)user;
    if (v != NULL)
        rp_timer_stop(x->connection->server->loop, &v->timer);
    free(v);
    rp_sim_exchange_user_set(x, NULL);
}

/* ---- answers ---- */

/* What is being said to a connection, in the call's way of cutting. */
typedef struct saying {
    rp_sim_exchange *x;
    call *call;
    char *record; /* of CUT_RECORD */
    size_t size;
} saying;

static void say(saying *s, const void *data, size_t size)
{
    if (s->call->cut == CUT_RECORD) {
        s->record = realloc(s->record, s->size + size + 1);
        CHECK(s->record != NULL);
        memcpy(s->record + s->size, data, size);
        s->size += size;
        return;
    }
    if (s->call->cut == CUT_MIXED && world_chance(s->call->world, 500))
        (world_chance(s->call->world, 500) ? rp_sim_hold : rp_sim_flush)(s->x);
    rp_sim_write(s->x, data, size);
}

static void say_text(saying *s, const char *text)
{
    say(s, text, strlen(text));
}

static void said(saying *s)
{
    if (s->size > 0)
        rp_sim_write(s->x, s->record, s->size);
    free(s->record);
    *s = (saying){s->x, s->call, NULL, 0};
}

static void pause_saying(saying *s, uint64_t ms)
{
    said(s);
    rp_sim_wait(s->x, ms);
}

static void body_piece(saying *s, size_t from, size_t size)
{
    const call *c = s->call;
    char text[32];
    uint8_t *piece = malloc(size);
    CHECK(piece != NULL);
    for (size_t i = 0; i < size; i++)
        piece[i] = call_wire_byte(c, from + i);
    (void)snprintf(text, sizeof(text), "%zx\r\n", size);
    if (c->framing == BY_CHUNKS)
        say_text(s, text);
    say(s, piece, size);
    if (c->framing == BY_CHUNKS)
        say_text(s, "\r\n");
    free(piece);
}

static void body_until(saying *s, size_t end)
{
    const call *c = s->call;
    for (size_t at = 0; at < end;) {
        size_t size = end - at < c->piece_bytes ? end - at : c->piece_bytes;
        body_piece(s, at, size);
        at += size;
        if (c->wait_ms > 0)
            pause_saying(s, c->wait_ms);
    }
}

/* ---- what nobody asked for ---- */

/* The pipe to the client, in a simulation. */
static sim_pipe *pipe_down(const rp_sim_exchange *x)
{
    return &sim_socket_of(rp__sim_tamper_inner(x->connection->socket))->wire->pipes[1];
}

/* From `ahead` bytes on, what the client gets is unsolicited. */
static void watch(rp_sim_exchange *x, const call *c, size_t ahead)
{
    if (c->world->sim == NULL)
        return;
    uint64_t from = rp__stream_sent(x->connection->stream) + ahead;
    if (pipe_down(x)->watched_from > from)
        pipe_down(x)->watched_from = from;
}

static void extra_comes(rp_sim_exchange *x, void *user)
{
    watch(x, user, 0);
}

/* In plain text the bytes before it are the answer's; a record is got as a whole. */
static void extra_comes_along(rp_sim_exchange *x, void *user)
{
    const call *c = user;
    watch(x, c, c->host->knobs->plain ? c->extra_at : 0);
}

static void extra_text(const call *c, char *text, size_t size)
{
    static const char *const texts[EXTRAS] = {
        [EXTRA_TEXT] = "extra!", [EXTRA_LINE_END] = "\r\n", [EXTRA_BODY] = "nobody"};
    if (c->extra == EXTRA_ANSWER)
        (void)snprintf(text, size, "HTTP/1.1 200 OK\r\nX-Id: %u\r\nContent-Length: 5\r\n\r\nwrong",
                       c->id);
    else if (c->extra == EXTRA_BODY && c->status == 204)
        (void)snprintf(text, size, "0\r\n\r\n");
    else
        (void)snprintf(text, size, "%s", texts[c->extra]);
}

static void say_extra(saying *s)
{
    char text[128];
    call *c = s->call;
    extra_text(c, text, sizeof(text));
    if (c->place == IN_RECORD) {
        c->extra_at = s->size;
        rp_sim_call(s->x, extra_comes_along, c);
        say_text(s, text);
        said(s);
        return;
    }
    if (c->place == IN_SEGMENT)
        rp_sim_hold(s->x);
    said(s);
    if (c->place != IN_SEGMENT)
        rp_sim_flush(s->x);
    if (c->place == LATER)
        rp_sim_wait(s->x, 1 + world_draw(c->world, 30));
    rp_sim_call(s->x, extra_comes, c);
    rp_sim_write(s->x, text, strlen(text));
}

static void huge_head(rp_sim_exchange *x)
{
    rp_sim_print(x, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 80; i++)
        rp_sim_print(x, "X-Large-%d: %0900d\r\n", i, i);
    rp_sim_end(x, RP_SIM_CLOSE);
}

static rp_sim_ending ending_of(const call *c)
{
    switch (c->flaw) {
    case FLAW_SHORT:
    case FLAW_BAD_CHUNK:
        return RP_SIM_CLOSE;
    case FLAW_CUT:
        return RP_SIM_END_TRUNCATED;
    case FLAW_RESET:
        return RP_SIM_END_RESET;
    case FLAW_STALL:
        return RP_SIM_END_STALLED;
    default:
        return c->framing == BY_CLOSE || c->close_announced || c->close_silent || c->leaves
                   ? RP_SIM_CLOSE
                   : RP_SIM_KEEP;
    }
}

static void idle_too_long(rp_timer *timer, void *user)
{
    visit *v = user;
    (void)timer;
    if (!v->exchange->connection->over)
        rp_sim_end(v->exchange, RP_SIM_CLOSE);
}

static void grows_idle(rp_sim_exchange *x, void *user)
{
    const call *c = user;
    visit *v = rp_sim_exchange_user(x);
    v->exchange = x;
    rp_timer_start(x->connection->server->loop, &v->timer,
                   c->host->knobs->keep_alive_s * (uint64_t)1000, idle_too_long, v);
}

/* ---- over HTTP/2 ---- */

static void body_of_2(rp_sim_exchange *x, const call *c, size_t end)
{
    uint8_t *body = malloc(c->piece_bytes);
    CHECK(body != NULL);
    for (size_t at = 0; at < end;) {
        size_t size = end - at < c->piece_bytes ? end - at : c->piece_bytes;
        for (size_t i = 0; i < size; i++)
            body[i] = call_wire_byte(c, at + i);
        if (c->cut == CUT_MIXED && world_chance(c->world, 500))
            (world_chance(c->world, 500) ? rp_sim_hold : rp_sim_flush)(x);
        rp_sim_data(x, body, size);
        at += size;
        if (c->wait_ms > 0)
            rp_sim_wait(x, c->wait_ms);
    }
    free(body);
}

static void huge_head_2(rp_sim_exchange *x)
{
    char lines[80 * 930], *at = lines + sprintf(lines, ":status: 200\r\n");
    for (int i = 0; i < 80; i++)
        at += sprintf(at, "x-large-%d: %0900d\r\n", i, i);
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, rp_sim_stream(x), lines, 0);
}

/* Its settings change now and then, its windows are held back, it leaves. */
static void unrest(rp_sim_exchange *x, const call *c)
{
    world *w = c->world;
    const host_knobs *h = c->host->knobs;
    rp_sim_exchange *connection = rp_sim_connection(x);
    rp_sim_setting setting = {RP_SIM_MAX_CONCURRENT_STREAMS, 0};
    if (h->streams_limit > 0 && world_chance(w, 50)) {
        setting.value = 1 + (uint32_t)world_draw(w, h->streams_limit);
        rp_sim_settings(connection, &setting, 1);
    }
    if (h->first_window > 0 && world_chance(w, 50)) {
        setting = (rp_sim_setting){RP_SIM_INITIAL_WINDOW_SIZE, 0};
        setting.value = 1 + (uint32_t)world_draw(w, h->first_window);
        rp_sim_settings(connection, &setting, 1);
    }
    if (world_chance(w, h->withholds)) {
        rp_sim_withhold(connection,
                        RP_SIM_WINDOWS | (world_chance(w, 500) ? RP_SIM_SETTINGS_ACK : 0u));
        rp_sim_wait(connection, world_draw(w, w->knobs.real ? 10 : 100));
        rp_sim_withhold(connection, 0);
    }
    if (c->close_announced)
        rp_sim_goaway(connection, UINT32_MAX, 0, "enough");
}

static void answer_2(rp_sim_exchange *x, call *c)
{
    static const char *const trailers = "X-Trailer: yes\r\n";
    char line[128];
    bool whole = c->flaw == FLAW_NONE;
    unrest(x, c);
    if (c->flaw == FLAW_SILENCE) {
        rp_sim_reset_stream(x, 8);
        return;
    }
    if (c->flaw == FLAW_HUGE_HEAD || c->flaw == FLAW_BAD_HEAD) {
        if (c->flaw == FLAW_HUGE_HEAD)
            huge_head_2(x);
        else
            rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, rp_sim_stream(x), ":status: 2x0\r\n", 0);
        rp_sim_end(x, RP_SIM_KEEP);
        return;
    }
    (void)snprintf(line, sizeof(line), "X-Id: %u\r\n", c->id);
    if (c->cut == CUT_HELD)
        rp_sim_hold(x);
    for (unsigned i = 0; i < c->informational; i++)
        rp_sim_head(x, 103, line, 0);
    if (c->encoding[0] != '\0')
        (void)snprintf(line, sizeof(line), "X-Id: %u\r\nContent-Encoding: %s\r\n", c->id,
                       c->encoding);
    rp_sim_head(x, (int)c->status, line,
                c->framing == BY_LENGTH || (c->framing == NO_BODY && c->status != 204)
                    ? c->body_bytes
                    : RP_SIM_SIZE_UNKNOWN);
    if (c->framing != NO_BODY)
        body_of_2(x, c, whole ? c->body_bytes : c->flaw_at);
    if (whole && c->framing == BY_CHUNKS && c->id % 2 == 1)
        rp_sim_trailers(x, trailers);
    if (c->flaw == FLAW_STALL)
        rp_sim_flush(x);
    else if (whole || c->flaw == FLAW_SHORT)
        rp_sim_end(x, RP_SIM_KEEP);
    else
        rp_sim_reset_stream(x, c->flaw == FLAW_RESET ? 2 : 8);
}

static void answer_well(rp_sim_exchange *x, call *c)
{
    char head[512];
    saying s = {x, c, NULL, 0};
    bool whole = c->flaw == FLAW_NONE;
    /* Of what shares a segment with the extra the last piece is enough. */
    if (c->cut == CUT_HELD || (c->extra != EXTRA_NONE && c->place == IN_SEGMENT))
        rp_sim_hold(x);
    for (unsigned i = 0; i < c->informational; i++) {
        (void)snprintf(head, sizeof(head), "HTTP/1.1 103 Early Hints\r\nX-Id: %u\r\n\r\n", c->id);
        say_text(&s, head);
    }
    call_answer_head(c, head, sizeof(head));
    say_text(&s, head);
    if (c->framing != NO_BODY || c->leaves)
        body_until(&s, whole ? c->body_bytes : c->flaw_at);
    if (c->flaw == FLAW_BAD_CHUNK)
        say_text(&s, "zz\r\n");
    else if (whole && c->framing == BY_CHUNKS)
        say_text(&s, c->id % 2 == 0 ? "0\r\n\r\n" : "0\r\nX-Trailer: yes\r\n\r\n");
    if (c->extra != EXTRA_NONE)
        say_extra(&s);
    said(&s);
    if (c->host->knobs->keep_alive_s > 0)
        rp_sim_call(x, grows_idle, c);
    rp_sim_end(x, ending_of(c));
}

static void answer(rp_sim_exchange *x, call *c)
{
    const visit *v = rp_sim_exchange_user(x);
    if (v->hop < c->hops) {
        call_redirect(x, c, v->hop);
        return;
    }
    if (c->host->knobs->http2) {
        answer_2(x, c);
        return;
    }
    switch (c->flaw) {
    case FLAW_SILENCE:
        rp_sim_end(x, RP_SIM_CLOSE);
        return;
    case FLAW_BAD_HEAD:
        rp_sim_print(x, "HTTP/1.1 2x0 OK\r\n\r\n");
        rp_sim_end(x, RP_SIM_CLOSE);
        return;
    case FLAW_HUGE_HEAD:
        huge_head(x);
        return;
    default:
        answer_well(x, c);
    }
}

/* ---- requests ---- */

/* Of what is forwarded the whole URL. */
static const char *path_of(const rp_sim_exchange *x)
{
    const char *target = rp_sim_target(x), *scheme = strstr(target, "://");
    const char *path = scheme == NULL ? target : strchr(scheme + 3, '/');
    CHECK_TEXT(path != NULL, target);
    return path;
}

static call *call_asked(rp_sim_exchange *x, const host *h, unsigned *hop)
{
    unsigned id = 0;
    *hop = 0;
    CHECK_TEXT(sscanf(path_of(x), "/%u/%u", &id, hop) >= 1, rp_sim_target(x));
    CHECK(id < h->world->knobs.calls);
    call *c = &h->world->calls[id];
    CHECK(c->started && *hop <= c->told && c->way[*hop].host == h);
    CHECK(c->astray == AS_MEANT);
    CHECK((path_of(x) == rp_sim_target(x)) ==
          (c->proxy == NULL || !h->knobs->plain || c->proxy->kind != PROXY_FORWARD));
    CHECK_TEXT(strcmp(rp_sim_method(x), call_method(c, *hop)) == 0, rp_sim_method(x));
    call_check_secrets(x, c, *hop);
    if (*hop > c->hop_seen) {
        c->hop_seen = *hop;
        c->asked = 0;
        c->seen = 0;
    }
    CHECK(*hop == c->hop_seen || h->world->troubled || c->proxy != NULL ||
          h->world->knobs.tries > 1); /* a copy, late */
    const char *name = rp_sim_header(x, "Host");
    CHECK(name != NULL && strncmp(name, h->name, strlen(h->name)) == 0);
    return c;
}

/* Of a request only what had begun to leave before the client had the unsolicited bytes. */
static void check_unsolicited(const rp_sim_exchange *x, const visit *v)
{
    if (v->now->world->sim == NULL)
        return; /* calls.c sees what it can */
    uint64_t given = pipe_down(x)->given_back;
    CHECK(given > v->next_begins); /* UINT64_MAX: it has not got them */
}

/* What was too old, or had been idle for too long, is not used: not after a pause of the program
 * either. On its way a request takes some time. */
static void check_age(const visit *v, const call *next)
{
    const world *w = v->now->world;
    const rp_client_options *o = &w->knobs.client;
    uint64_t idle_ms = o->connection_idle_ms == 0 ? 55000 : o->connection_idle_ms;
    uint64_t lifetime_ms = o->connection_lifetime_ms == 0 ? 600000 : o->connection_lifetime_ms;
    uint64_t keep_ms = v->now->host->knobs->keep_alive_s * (uint64_t)1000;
    if (w->sim == NULL || w->troubled)
        return; /* the machine's delays, or the faults', are anybody's guess */
    uint64_t way_us = (v->now->proxy != NULL || next->proxy != NULL ? 16 : 4) *
                          (uint64_t)w->knobs.sim.latency_most_us +
                      50000;
    uint64_t now_us = world_now_us(w), written_us = now_us;
    /* It is here when the last byte of its record is, which the pause may have held back. */
    if (next->request != NULL && next->request->timings.sent_us > 0)
        written_us = next->started_us + next->request->timings.sent_us;
    CHECK(written_us <= now_us && written_us + 1 >= v->now->done_us); /* both are rounded */
    uint64_t done_us = v->now->done_us, idle_us = written_us > done_us ? written_us - done_us : 0;
    CHECK(idle_us <= idle_ms * 1000 + way_us);
    CHECK(keep_ms == 0 || idle_us <= keep_ms * 1000 + way_us);
    CHECK(written_us - v->first_us <= lifetime_ms * 1000 + way_us);
}

/* A connection serves again only after all went well with the one before. */
static visit *visit_again(rp_sim_exchange *x, const world *w, const call *next)
{
    visit *v = rp_sim_exchange_user(x);
    if (v == NULL) {
        v = calloc(1, sizeof(*v));
        CHECK(v != NULL);
        rp_sim_exchange_user_set(x, v);
        v->first_us = w->sim != NULL ? world_now_us(w) : 0;
        CHECK(rp_sim_served(x) == 0 || rp_sim_version(x) == 20);
        return v;
    }
    CHECK(!v->spoilt);
    if (!v->tainted && v->now->extra != EXTRA_NONE) {
        check_unsolicited(x, v);
        v->tainted = true;
    }
    if (v->tainted)
        return v;
    CHECK(v->uploaded == v->upload);
    if (v->refused) /* it comes again, here or elsewhere */
        return v;
    if (v->hop < v->now->hops) { /* it went on from there */
        CHECK(v->now->told > v->hop);
        return v;
    }
    if (v->now->wire !=
        NULL) /* it came in whole; its caller may want more time, or cannot read it */
        return v;
    if (w->knobs.tries > 1) /* its answer may have been one behind which another try follows */
        return v;
    CHECK(v->now->done && v->now->good);
    check_age(v, next);
    return v;
}

static void host_saw(call *c, unsigned hop, uint64_t bytes)
{
    if (hop == c->hop_seen && c->seen < bytes)
        c->seen = bytes;
}

static void is_busy(rp_sim_exchange *x, world *w)
{
    bool bodiless = strcmp(rp_sim_method(x), "HEAD") == 0;
    const char *again = world_chance(w, 200) ? "Retry-After: 1\r\n" : NULL;
    if (world_chance(w, 500))
        rp_sim_wait(x, world_draw(w, 300));
    if (bodiless || world_chance(w, 500)) {
        rp_sim_respond(x, 503, again, "busy", bodiless ? 0 : 4);
        return;
    }
    rp_sim_head(x, 503, again, RP_SIM_SIZE_UNKNOWN);
    rp_sim_wait(x, world_draw(w, 400));
    rp_sim_data(x, "busy", 4);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void take_head(rp_sim_exchange *x, host *h)
{
    unsigned hop;
    call *c = call_asked(x, h, &hop);
    const rp_client_options *o = &h->world->knobs.client;
    unsigned uses = o->never_reuse ? 1 : o->requests_per_connection;
    CHECK(uses == 0 || rp_sim_served(x) < uses);
    visit *v = visit_again(x, h->world, c);
    bool idempotent = strcmp(rp_sim_method(x), "POST") != 0;
    rp_timer_stop(x->connection->server->loop, &v->timer);
    *v = (visit){.now = c, .hop = hop, .tainted = v->tainted, .first_us = v->first_us};
    v->upload = call_upload(c, hop);
    c->excused = c->excused || v->tainted;
    c->asked += hop == c->hop_seen;
    /* "GET /1 HTTP/1.1", "Host: ..." and the empty line. */
    v->head_bytes = strlen(rp_sim_method(x)) + strlen(rp_sim_target(x)) + strlen(h->name) + 22;
    if (h->knobs->http2)
        v->head_bytes = 9; /* and some that HPACK leaves */
    if (h->knobs->http2 && world_chance(h->world, h->knobs->refuses)) {
        c->asked -= hop == c->hop_seen;
        v->refused = true;
        rp_sim_reset_stream(x, 7);
        return;
    }
    if (call_expectation_fails(x, c)) {
        c->asked -= hop == c->hop_seen;
        v->refused = v->may_come = h->hangs_up = true;
        rp_sim_respond(x, 417, NULL, "no", 2);
        return;
    }
    host_saw(c, hop, v->head_bytes);
    CHECK(c->asked <= (idempotent && !o->never_replay ? 2u * h->world->knobs.tries : 1u));
    if (hop == c->hops && c->busy > 0) {
        c->busy--;
        c->was_busy = v->refused = v->may_come = true;
        is_busy(x, h->world);
        return;
    }
    v->spoilt = hop < c->hops ? c->way[hop].rude && strcmp(c->method, "HEAD") != 0
                              : c->flaw != FLAW_NONE || c->close_announced || c->leaves;
    char line[32];
    (void)snprintf(line, sizeof(line), "X-Id: %u\r\n", c->id);
    if (c->early_hints && hop == c->hops)
        rp_sim_head(x, 103, line, 0);
    call_expects(x, c, &v->may_come);
    if (c->flaw == FLAW_DEAF && hop == c->hops && !h->knobs->http2) {
        rp_sim_stop_reading(x);
    } else if (c->early) {
        h->hangs_up = h->hangs_up || c->expectation != EXPECT_NONE;
        answer(x, c);
    }
}

static void take_body(rp_sim_exchange *x, const uint8_t *data, size_t size)
{
    visit *v = rp_sim_exchange_user(x);
    CHECK(v->may_come || v->tainted); /* by 100, which may have been another's */
    for (size_t i = 0; i < size; i++, v->uploaded++)
        CHECK(data[i] == world_byte(0, true, v->uploaded));
    CHECK(v->uploaded <= v->upload);
    if (v->refused)
        return;
    host_saw(v->now, v->hop, v->head_bytes + v->uploaded);
}

static void take_request(rp_sim_exchange *x, const host *h)
{
    visit *v = rp_sim_exchange_user(x);
    if (v->refused)
        return;
    CHECK(v->uploaded == v->upload);
    if (v->upload > 0 || v->hop == 0)
        call_check_body(x, v->now);
    if (h->world->sim != NULL)
        v->next_begins =
            sim_socket_of(rp__sim_tamper_inner(x->connection->socket))->wire->pipes[0].taken;
    if (!v->now->early && (v->now->flaw != FLAW_DEAF || v->hop < v->now->hops))
        answer(x, v->now);
}

static void head_came(rp_sim_exchange *x, void *user)
{
    host *h = user;
    ground_enter(h->world);
    ground_moves(h->world);
    take_head(x, h);
    ground_leave(h->world);
}

static void body_came(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    host *h = user;
    ground_enter(h->world);
    ground_moves(h->world);
    take_body(x, data, size);
    ground_leave(h->world);
}

static void request_came(rp_sim_exchange *x, void *user)
{
    host *h = user;
    ground_enter(h->world);
    take_request(x, h);
    ground_leave(h->world);
}

/* ---- life ---- */

static void returns(rp_timer *timer, void *user);

static rp_loop *hosts_loop(const world *w)
{
    return w->sim != NULL ? w->loop : w->ground.servers;
}

/* On a real ground other programs are about, this one among them, as workers beside each other:
 * while a host is down, its port must not become another program's. So it is none of those that
 * systems give away (Linux: 32768 and up), but one of a hundred that are this process's, more or
 * less. */
static uint16_t own_port(void)
{
    static unsigned taken;
    return (uint16_t)(10000 + (unsigned)getpid() % 220 * 100 + taken++ % 100);
}

static rp_status host_listen(host *h, rp_error *error)
{
    world *w = h->world;
    bool known = h->address[0] != '\0';
    rp_sim_setting settings[2];
    size_t setting_count = 0;
    if (h->knobs->streams_limit > 0)
        settings[setting_count++] =
            (rp_sim_setting){RP_SIM_MAX_CONCURRENT_STREAMS, h->knobs->streams_limit};
    if (h->knobs->first_window > 0)
        settings[setting_count++] =
            (rp_sim_setting){RP_SIM_INITIAL_WINDOW_SIZE, h->knobs->first_window};
    rp_sim_server_options options = {
        .versions = h->knobs->http2 ? RP_SIM_HTTP_1_OR_2 : RP_SIM_HTTP_1,
        .settings = settings,
        .setting_count = setting_count,
        .host = known || w->sim == NULL ? NULL : h->name,
        .address = known ? h->address : NULL,
        .port = h->port,
        .plain = h->knobs->plain,
        .minimum_version = h->knobs->version,
        .maximum_version = h->knobs->version,
        .no_resumption = h->knobs->no_resumption,
        .on_connection = h->knobs->misbehaves + h->knobs->premature > 0 ? connected : NULL,
        .on_head = head_came,
        .on_body = body_came,
        .on_request = request_came,
        .on_gone = gone,
        .user = h,
    };
    if (w->sim != NULL)
        return rp_sim_server_start(w->sim, &h->server, &options, error);
    rp_status status;
    do {
        options.port = h->port != 0 ? h->port : own_port();
        status = rp_sim_server_start_on(w->ground.servers, &h->server, &options, error);
    } while (status == RP_E_ADDRESS_IN_USE && h->port == 0);
    return status;
}

static void host_start(host *h)
{
    rp_error error;
    rp_status status = host_listen(h, &error);
    if (status == RP_E_ADDRESS_IN_USE && h->world->sim == NULL) { /* not free yet, or taken */
        rp_timer_start(hosts_loop(h->world), &h->timer, 10, returns, h);
        return;
    }
    CHECK_TEXT(status == RP_OK, error.text);
    if (h->address[0] != '\0')
        return;
    (void)snprintf(h->address, sizeof(h->address), "%s", rp_sim_server_address(h->server));
    char *colon = strrchr(h->address, ':');
    if (h->world->sim == NULL)
        h->port = (uint16_t)atoi(colon + 1);
    *colon = '\0';
}

/* One that refuses, and one that nobody has. */
static void add_dead_address(host *h)
{
    static const char *const dead[] = {"127.0.0.9", "2001:db8::9", "198.51.100.9"};
    world *w = h->world;
    char addresses[160];
    (void)snprintf(addresses, sizeof(addresses), "%s,%s", dead[world_draw(w, 3)], h->address);
    CHECK(rp_sim_name_add(w->sim, h->name, addresses, NULL) == RP_OK);
}

static void name_host(host *h)
{
    char wrong[32];
    (void)snprintf(wrong, sizeof(wrong), "%c.wrong.test", h->name[0]);
    CHECK(rp_sim_name_add(h->world->sim, wrong, h->address, NULL) == RP_OK);
    if (h->knobs->dead_address)
        add_dead_address(h);
}

void hosts_start(world *w)
{
    if (w->sim != NULL)
        CHECK(rp_sim_name_add(w->sim, "nobody.example.test", "127.0.0.9", NULL) == RP_OK);
    for (unsigned i = 0; i < w->knobs.host_count; i++) {
        host *h = &w->hosts[i];
        h->world = w;
        h->number = i;
        h->knobs = &w->knobs.hosts[i];
        (void)snprintf(h->name, sizeof(h->name), "%s", w->sim != NULL ? names[i] : "127.0.0.1");
        host_start(h);
        if (w->sim != NULL)
            name_host(h);
    }
    rp_loop *loop = hosts_loop(w);
    rp_error error;
    if (w->sim != NULL && w->knobs.proxy_count > 0)
        CHECK(rp_sim_loop_create(w->sim, &loop, NULL, false, &error) == RP_OK);
    proxies_start(w, loop);
}

/* In a simulation the servers themselves end with it. */
void hosts_end(world *w)
{
    proxies_end(w);
    if (w->sim != NULL && w->knobs.proxy_count > 0)
        rp_loop_destroy(w->relay_loop);
    for (unsigned i = 0; i < w->knobs.host_count; i++) {
        rp_sim_server_counts counts;
        host *h = &w->hosts[i];
        rp_timer_stop(hosts_loop(w), &h->timer);
        if (h->server == NULL)
            continue;
        rp_sim_server_counts_get(h->server, &counts);
        CHECK_TEXT(counts.malformed == 0 || w->knobs.astray > 0,
                   rp_sim_server_complaint(h->server));
        if (w->sim != NULL)
            continue;
        rp_sim_server_stop(h->server);
        h->server = NULL;
    }
}

static void returns(rp_timer *timer, void *user)
{
    (void)timer;
    host_start(user);
}

static void kill_now(host *h, uint64_t returns_after_ms)
{
    if (h->server == NULL)
        return;
    rp_sim_server_stop(h->server);
    h->server = NULL;
    rp_timer_start(hosts_loop(h->world), &h->timer, returns_after_ms, returns, h);
}

void host_kill(host *h, uint64_t returns_after_ms)
{
    ground_do(h, kill_now, returns_after_ms);
}

static void drop_now(host *h, uint64_t ending)
{
    if (h->server != NULL)
        rp_sim_server_drop(h->server, (rp_sim_ending)ending);
}

void host_drop(host *h, rp_sim_ending ending)
{
    ground_do(h, drop_now, ending);
}
