/* h2.c - HTTP/2 on a connection: the session, its streams, its end. See h2.h; frames are read in
 * h2_frames.c, heads in h2_head.c, written in h2_send.c; windows are in h2_flow.c.
 *
 * A stream's structure lives as long as somebody needs it: the wire, until both sides have ended
 * the stream or one has reset it; and the owner, until the end was told or the stream dropped. Ends
 * are queued (ended), and told when what came is read. */
#include "http/h2_inside.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/fetch.h"

#include <stdio.h>
#include <string.h>

#define STREAMS_LIMIT 1000u /* at once, whatever the server allows */
#define RESETS 100u         /* at once, and so many a second: servers give up at 200 in 30 s */
#define RESETS_PER_SECOND 5u
#define IDLE_FRAMES 1000u
#define IDLE_FRAMES_PER_SECOND 100u
/* For each head and each piece of a body that we send: WINDOW_UPDATEs, of the stream and of the
 * connection, a PING, RST_STREAM behind a response. */
#define IDLE_FRAMES_PER_FRAME 4u

/* ---- budgets ---- */

/* One of the events of which a connection has count, and so many more a second; false: it has had
 * all of them. */
static bool spend(uint32_t *left, uint64_t *since_ns, uint64_t now_ns, uint32_t count,
                  uint32_t per_second)
{
    uint64_t more = (now_ns - *since_ns) / (1000000000u / per_second);
    if (more > 0) {
        bool full = *left + more >= count;
        *left = full ? count : (uint32_t)(*left + more);
        *since_ns = full ? now_ns : *since_ns + more * (1000000000u / per_second);
    }
    if (*left == 0)
        return false;
    (*left)--;
    return true;
}

void rp__h2_calm_down(rp_h2 *h2)
{
    h2->calm += IDLE_FRAMES_PER_FRAME;
    if (h2->calm > IDLE_FRAMES)
        h2->calm = IDLE_FRAMES;
}

void rp__h2_idle_frame(rp_h2 *h2)
{
    char text[80];
    if (spend(&h2->calm, &h2->calm_ns, h2->now_ns, IDLE_FRAMES, IDLE_FRAMES_PER_SECOND))
        return;
    (void)snprintf(text, sizeof(text), "the server sent more than %u frames that bring nothing",
                   IDLE_FRAMES);
    rp__h2_flooded(h2, text);
}

/* A server whose program reads in small pieces gives each of them back, be it a byte, all of them
 * at once if they were sent at once: far more frames than a budget holds. */
void rp__h2_given_back(rp_h2 *h2, uint32_t size)
{
    if (size == 0 || size > h2->taken_bytes)
        rp__h2_idle_frame(h2);
    else
        h2->taken_bytes -= size;
}

/* ---- the connection's end ---- */

#define CODE_BYTES 32

/* RFC 9113, 7; what is not there is written into other, of CODE_BYTES. */
static const char *code_name(uint32_t code, char *other)
{
    static const char *const names[] = {"NO_ERROR",
                                        "PROTOCOL_ERROR",
                                        "INTERNAL_ERROR",
                                        "FLOW_CONTROL_ERROR",
                                        "SETTINGS_TIMEOUT",
                                        "STREAM_CLOSED",
                                        "FRAME_SIZE_ERROR",
                                        "REFUSED_STREAM",
                                        "CANCEL",
                                        "COMPRESSION_ERROR",
                                        "CONNECT_ERROR",
                                        "ENHANCE_YOUR_CALM",
                                        "INADEQUATE_SECURITY",
                                        "HTTP_1_1_REQUIRED"};
    if (code < sizeof(names) / sizeof(names[0]))
        return names[code];
    (void)snprintf(other, CODE_BYTES, "the unknown code 0x%lx", (unsigned long)code);
    return other;
}

static void fail(rp_h2 *h2, rp_status status, uint32_t code, const char *text)
{
    if (h2->failed)
        return;
    (void)snprintf(h2->failure_text, sizeof(h2->failure_text), "%s", text);
    h2->failed = h2->goaway_due = true;
    h2->failure = status;
    h2->failure_code = code;
}

void rp__h2_fail_memory(rp_h2 *h2)
{
    fail(h2, RP_E_NO_MEMORY, CODE_NO_ERROR, "no memory for the connection");
}

void rp__h2_flooded(rp_h2 *h2, const char *text)
{
    fail(h2, RP_E_H2_PROTOCOL, CODE_ENHANCE_YOUR_CALM, text);
}

void rp__h2_broken(rp_h2 *h2, uint32_t code, const char *rule)
{
    char text[RP_ERROR_TEXT_SIZE], other[CODE_BYTES];
    (void)snprintf(text, sizeof(text), "the server broke HTTP/2's rules and was told %s: %s",
                   code_name(code, other), rule);
    h2->rule = h2->failed ? h2->rule : rule;
    fail(h2, RP_E_H2_PROTOCOL, code, text);
}

void rp__h2_failure(const rp_h2 *h2, rp_error *error)
{
    if (h2->looks_like_http1 >= 5 && h2->looks_like_http1 != 0xff && !h2->settings_came)
        (void)rp__error_set(error, RP_E_H2_NOT_SPOKEN, RP_PHASE_HEAD,
                            "the server answers in HTTP/1.1, not in HTTP/2");
    else
        (void)rp__error_set(error, h2->failure, RP_PHASE_HEAD, "%s", h2->failure_text);
    error->h2_code = h2->failure_code;
}

bool rp__h2_farewell(const rp_h2 *h2, rp_error *error)
{
    if (!h2->goaway_came || h2->goaway_code == CODE_NO_ERROR)
        return false;
    bool says = h2->farewell[0] != '\0';
    char other[CODE_BYTES];
    (void)rp__error_set(error, RP_E_H2_RESET, RP_PHASE_HEAD,
                        "the server gave the connection up with %s%s%s%s (GOAWAY)",
                        code_name(h2->goaway_code, other), says ? ", \"" : "", h2->farewell,
                        says ? "\"" : "");
    error->h2_code = h2->goaway_code;
    return true;
}

/* ---- streams ---- */

static void stream_free(stream *s)
{
    rp_h2 *h2 = s->h2;
    if (h2->reading == s)
        h2->reading = NULL;
    if (h2->cut == s)
        h2->cut = NULL;
    rp__list_remove(&s->all_link);
    rp__list_remove(&s->link);
    rp__list_remove(&s->held_link);
    rp__list_remove(&s->send_link);
    rp__list_remove(&s->window_link);
    rp__chain_clear(&s->held);
    rp__h2_give(h2->memory, s->trailers);
    rp__h2_give(h2->memory, s->block);
    rp__h2_give_plain(h2->memory, s);
}

void rp__h2_free_told(rp_h2 *h2)
{
    stream *s = h2->told;
    h2->told = NULL;
    if (s == NULL)
        return;
    s->dropped = true;
    if (s->closed)
        stream_free(s);
}

/* Its end is to be told. */
static void end_stream(stream *s, rp_h2_end end)
{
    if (s->ended || s->dropped)
        return;
    s->ended = true;
    s->awaited = false;
    s->end = (uint8_t)end;
    rp__list_remove(&s->held_link);
    rp__list_remove(&s->link);
    rp__list_append(&s->h2->ended, &s->link);
}

static void wire_add(stream *s)
{
    stream **bucket = &s->h2->buckets[s->is.id / 2 % BUCKETS];
    s->next = *bucket;
    *bucket = s;
}

static void wire_remove(const stream *s)
{
    stream **at = &s->h2->buckets[s->is.id / 2 % BUCKETS];
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
}

void rp__h2_stream_begins(stream *s)
{
    if (s->begun)
        return;
    s->begun = true;
    s->h2->sent_id = s->is.id;
    wire_add(s);
}

void rp__h2_stream_sent(stream *s)
{
    s->unsent = false;
    s->message = NULL;
    rp__h2_stream_begins(s);
}

void rp__h2_close(stream *s)
{
    rp_h2 *h2 = s->h2;
    if (h2->cut == s) {
        s->closes = true;
        return;
    }
    if (s->begun)
        wire_remove(s);
    s->closed = true;
    h2->open--;
    h2->unwanted -= s->unwanted;
    h2->resetting -= s->resetting;
    rp__h2_upload_ends(s);
    rp__list_remove(&s->window_link);
    if (s->dropped && h2->delivering != s)
        stream_free(s);
}

/* One of which nothing was sent is over with that. A head that is cut goes out to its end. */
void rp__h2_reset(stream *s, uint32_t code)
{
    if (s->resetting)
        return;
    if (s->unsent && s->h2->cut != s) {
        rp__h2_close(s);
        return;
    }
    s->resetting = true;
    s->h2->resetting++;
    s->reset_code = code;
    if (s->h2->cut == s)
        return; /* behind it */
    rp__list_remove(&s->send_link);
    rp__list_append(&s->h2->resets, &s->send_link);
}

void rp__h2_fail_stream(stream *s, rp_h2_fault fault, uint32_t code)
{
    s->fault = (uint8_t)fault;
    s->code = code;
    end_stream(s, RP_H2_UNUSABLE);
    rp__h2_reset(s, code);
}

/* The callback may drop it. False: it did, and the stream may be gone. */
static bool tell_trailers(stream *s)
{
    rp_h2 *h2 = s->h2;
    if (s->trailers == NULL)
        return true;
    h2->delivering = s;
    h2->events->on_trailers(h2->user, &s->is, s->trailers, s->trailer_count);
    h2->delivering = NULL;
    bool dropped = s->dropped;
    if (dropped && s->closed)
        stream_free(s);
    return !dropped;
}

/* An upload that is not done serves nobody any more; and its bytes are their owner's again. */
static void complete(stream *s)
{
    if (s->is.uploading && !s->closed && !s->finishing) {
        s->body->stopped = true;
        rp__h2_reset(s, CODE_CANCEL);
    }
    s->finishing = s->held.size > 0;
    if (s->finishing) {
        s->awaited = false;
        rp__list_remove(&s->link);
    } else if (tell_trailers(s)) {
        end_stream(s, RP_H2_COMPLETE);
    }
}

void rp__h2_drop(rp_h2 *h2, rp_h2_stream *public, uint64_t now_ns)
{
    stream *s = rp__h2_stream_of(public);
    RP_ASSERT(!s->dropped);
    s->dropped = true;
    s->awaited = false;
    s->is.user = NULL;
    rp__list_remove(&s->link);
    rp__list_remove(&s->held_link);
    if (h2->delivering != s) /* else on_body is looking at it */
        rp__chain_clear(&s->held);
    if (s->closed) {
        if (h2->delivering != s)
            stream_free(s);
        return;
    }
    if (s->ended || s->finishing || s->remote_ended || h2->failed)
        return;
    bool may =
        s->unsent || spend(&h2->resets_left, &h2->resets_ns, now_ns, RESETS, RESETS_PER_SECOND);
    if (may || s->is.uploading) {
        rp__h2_reset(s, CODE_CANCEL);
        return;
    }
    s->unwanted = true;
    h2->unwanted++;
    rp__h2_calm_down(h2);
}

/* The budget grows: what goes on for long need not to its end. */
void rp__h2_reset_unwanted(rp_h2 *h2)
{
    for (rp_link *link = h2->all.next; link != &h2->all; link = link->next) {
        stream *s = RP_CONTAINER(link, stream, all_link);
        if (!s->unwanted || s->resetting)
            continue;
        if (!spend(&h2->resets_left, &h2->resets_ns, h2->now_ns, RESETS, RESETS_PER_SECOND))
            return;
        rp__h2_reset(s, CODE_CANCEL);
    }
}

void rp__h2_over(rp_h2 *h2, uint32_t id)
{
    h2_over *over = &h2->over[h2->over_next++ % RP_H2_OVER_KEPT];
    h2->over_due -= over->due;
    *over = (h2_over){.id = id};
}

/* RFC 9113, 5.1 and 6.1: an error of the stream or of the connection, as we like; so of the
 * connection where that harms nobody. Where we ended the stream the frame was on its way. */
void rp__h2_over_came(rp_h2 *h2, uint32_t id)
{
    for (uint32_t i = 0; i < RP_H2_OVER_KEPT; i++) {
        if (h2->over[i].id != id || h2->over[i].due)
            continue;
        if (h2->open == 0)
            rp__h2_broken(h2, CODE_STREAM_CLOSED,
                          "a frame on a stream that it ended (RFC 9113, 5.1)");
        h2->over[i].due = true;
        h2->over_due++;
    }
}

void rp__h2_closed_by_server(stream *s, uint32_t code)
{
    bool undone = !s->begun || code == CODE_REFUSED_STREAM, wanted = s->awaited;
    if (wanted) {
        s->code = code;
        end_stream(s, undone && !s->is.told_head ? RP_H2_UNPROCESSED : RP_H2_GIVEN_UP);
    }
    rp__h2_close(s);
}

void rp__h2_leave_undone(rp_h2 *h2)
{
    rp_link *link = h2->all.next;
    while (link != &h2->all) {
        stream *s = RP_CONTAINER(link, stream, all_link);
        link = link->next;
        if (!s->closed && s != h2->cut && (s->unsent || s->is.id > h2->goaway_last))
            rp__h2_closed_by_server(s, CODE_REFUSED_STREAM);
    }
}

/* RFC 9113, 8.1.1: the body is as long as announced. */
void rp__h2_remote_end(stream *s)
{
    s->remote_ended = true;
    if (s->awaited && !s->is.told_head) {
        rp__h2_fail_stream(s, RP_H2_MALFORMED, CODE_PROTOCOL_ERROR);
        return;
    }
    if (s->awaited && !s->bodiless && s->is.length != RP_LENGTH_UNKNOWN &&
        s->is.body_bytes < s->is.length) {
        rp__h2_fail_stream(s, RP_H2_BODY_SHORT, CODE_PROTOCOL_ERROR);
        return;
    }
    if (s->awaited)
        complete(s);
    else if (s->is.uploading)
        rp__h2_reset(s, CODE_CANCEL); /* dropped with the last bytes */
    if (s->resetting)
        return;
    rp__h2_over(s->h2, s->is.id);
    rp__h2_close(s);
}

/* ---- ends ---- */

static void unusable(const stream *s, rp_error *error)
{
    rp_phase phase = s->is.told_head ? RP_PHASE_BODY : RP_PHASE_HEAD;
    unsigned long long came = s->is.body_bytes, length = s->is.length;
    switch ((rp_h2_fault)s->fault) {
    case RP_H2_HEAD_TOO_LARGE:
        (void)rp__error_set(
            error, RP_E_HEAD_TOO_LARGE, phase,
            "the server sent a response head larger than the limit (head_limit_bytes)");
        break;
    case RP_H2_TOO_MANY_HEADERS:
        (void)rp__error_set(error, RP_E_HEAD_TOO_LARGE, phase,
                            "the server sent more headers than the limit (header_count_limit)");
        break;
    case RP_H2_TOO_MANY_INTERIM:
        (void)rp__error_set(error, RP_E_BAD_RESPONSE, phase,
                            "the server sent more 1xx responses than the limit allows");
        break;
    case RP_H2_BAD_HEADER:
        (void)rp__error_set(error, RP_E_BAD_RESPONSE, phase,
                            "the server sent a header, \"%s\", that has no place in HTTP/2 or is "
                            "malformed (RFC 9113, 8.2)",
                            s->bad_name);
        break;
    case RP_H2_BODY_SHORT:
        (void)rp__error_set(error, RP_E_BODY_TRUNCATED, phase,
                            "the server ended the body after %llu of the %llu bytes that it "
                            "announced (RFC 9113, 8.1.1)",
                            came, length);
        break;
    case RP_H2_BODY_LONG:
        (void)rp__error_set(error, RP_E_BAD_RESPONSE, phase,
                            "the server sent more than the %llu bytes of body that it announced "
                            "(RFC 9113, 8.1.1)",
                            length);
        break;
    case RP_H2_BODY_UNASKED:
        (void)rp__error_set(error, RP_E_BAD_RESPONSE, phase,
                            "the server sent a body where none may be (RFC 9110, 6.4.1)");
        break;
    case RP_H2_OVERRUN:
        (void)rp__error_set(error, RP_E_BAD_RESPONSE, phase,
                            "the server sent more than the stream's window allows (RFC 9113, 6.9)");
        break;
    case RP_H2_NO_WINDOW:
        (void)rp__error_set(error, RP_E_BAD_RESPONSE, phase,
                            "the server enlarged the stream's window by 0 (RFC 9113, 6.9)");
        break;
    case RP_H2_WINDOW_LARGE:
        (void)rp__error_set(error, RP_E_BAD_RESPONSE, phase,
                            "the server made the stream's window larger than 2^31-1 (RFC 9113, "
                            "6.9.1)");
        break;
    case RP_H2_PRIORITY_SIZE:
        (void)rp__error_set(error, RP_E_BAD_RESPONSE, phase,
                            "the server sent a PRIORITY frame that is not 5 bytes long (RFC 9113, "
                            "6.3)");
        break;
    case RP_H2_NO_MEMORY:
        (void)rp__error_set(error, RP_E_NO_MEMORY, phase, "no memory for the response");
        break;
    case RP_H2_SOUND:
    case RP_H2_MALFORMED:
        (void)rp__error_set(error, RP_E_BAD_RESPONSE, phase,
                            "the server sent a malformed response (RFC 9113, 8.1.1)");
        break;
    }
}

static void say_why(const stream *s, rp_error *error)
{
    rp_phase phase = s->is.told_head ? RP_PHASE_BODY : RP_PHASE_HEAD;
    const rp_h2 *h2 = s->h2;
    bool by_goaway = (rp_h2_end)s->end != RP_H2_UNUSABLE && !s->peer_reset;
    char other[CODE_BYTES];
    switch ((rp_h2_end)s->end) {
    case RP_H2_COMPLETE:
        return;
    case RP_H2_UNPROCESSED:
        if (!by_goaway)
            (void)rp__error_set(error, RP_E_H2_RESET, phase,
                                "the server refused the request (REFUSED_STREAM)");
        else if (!rp__h2_farewell(h2, error))
            (void)rp__error_set(
                error, RP_E_H2_RESET, phase,
                "the server ends the connection (GOAWAY) and left the request undone");
        error->replay_safe = true;
        break;
    case RP_H2_GIVEN_UP:
        if (!by_goaway)
            (void)rp__error_set(
                error, RP_E_H2_RESET, phase, "the server reset the request's stream with %s%s",
                code_name(s->code, other),
                s->code == CODE_NO_ERROR ? " before its response was complete" : "");
        else if (!rp__h2_farewell(h2, error))
            (void)rp__error_set(error, RP_E_H2_RESET, phase,
                                "the server ends the connection (GOAWAY) in the middle of its "
                                "response");
        break;
    case RP_H2_UNUSABLE:
        unusable(s, error);
        break;
    }
    /* What a GOAWAY left undone is closed as if it were refused. */
    if (error->h2_code == 0 && !by_goaway)
        error->h2_code = s->code;
}

rp_h2_stream *rp__h2_next_end(rp_h2 *h2, rp_h2_end *end, rp_error *error)
{
    rp__h2_free_told(h2);
    rp_link *link = rp__list_take(&h2->ended);
    if (link == NULL)
        return NULL;
    stream *s = RP_CONTAINER(link, stream, link);
    h2->told = s;
    *end = (rp_h2_end)s->end;
    say_why(s, error);
    return &s->is;
}

rp_h2_stream *rp__h2_first(const rp_h2 *h2)
{
    if (rp__list_empty(&h2->live))
        return NULL;
    return &RP_CONTAINER(h2->live.next, stream, link)->is;
}

void *rp__h2_expect(const rp_h2 *h2)
{
    const rp_link *first = h2->live.next;
    if (first == &h2->live)
        return NULL;
    const stream *s = RP_CONTAINER(first, const stream, link);
    rp__fetch(s, sizeof(*s));
    if (first->next != &h2->live)
        rp__fetch(RP_CONTAINER(first->next, const stream, link), sizeof(stream));
    return s->is.user;
}

void *rp__h2_next_user(const rp_h2 *h2, const rp_h2_stream *public)
{
    const rp_link *next = RP_CONTAINER(public, const stream, is)->link.next;
    if (next == &h2->live)
        return NULL;
    if (next->next != &h2->live)
        rp__fetch(RP_CONTAINER(next->next, const stream, link), sizeof(stream));
    return RP_CONTAINER(next, stream, link)->is.user;
}

/* ---- bodies ---- */

static void give_body(stream *s, const uint8_t *data, size_t size)
{
    s->credit -= s->limited ? size : 0;
    s->h2->events->on_body(s->h2->user, &s->is, data, size);
}

void rp__h2_body_came(stream *s, const uint8_t *data, size_t size)
{
    rp_h2 *h2 = s->h2;
    s->is.moved_ns = h2->now_ns;
    s->is.body_bytes += size;
    rp__h2_flow_came(h2, s, size);
    size_t now = size;
    if (s->limited && (now > s->credit || s->held.size > 0))
        now = s->held.size > 0 ? 0 : s->credit;
    if (now < size && !rp__chain_append(&s->held, data + now, size - now)) {
        rp__h2_fail_stream(s, RP_H2_NO_MEMORY, CODE_CANCEL);
        return;
    }
    if (now == 0)
        return;
    if (!s->limited)
        rp__h2_flow_consumed(s, now);
    give_body(s, data, now);
}

bool rp__h2_consume(rp_h2 *h2, rp_h2_stream *public, size_t size)
{
    stream *s = rp__h2_stream_of(public);
    if (!s->limited || s->ended)
        return false;
    s->credit += size;
    rp__h2_flow_consumed(s, size);
    if (s->held.size == 0)
        return false;
    if (rp__list_empty(&s->held_link))
        rp__list_append(&h2->ready, &s->held_link);
    return true;
}

/* What one has and may have. The callback may drop it. */
static void deliver(rp_h2 *h2, stream *s)
{
    rp_slice slice;
    h2->delivering = s;
    while (!s->dropped && s->credit > 0 && rp__chain_slices(&s->held, &slice, 1) > 0) {
        size_t size = slice.size < s->credit ? slice.size : s->credit;
        give_body(s, slice.data, size);
        if (!s->dropped)
            rp__chain_consume(&s->held, size);
    }
    h2->delivering = NULL;
    if (s->dropped)
        rp__chain_clear(&s->held);
    if (s->dropped && s->closed)
        stream_free(s);
    else if (!s->dropped && s->finishing && s->held.size == 0)
        complete(s);
}

void rp__h2_deliver(rp_h2 *h2)
{
    for (rp_link *link; (link = rp__list_take(&h2->ready)) != NULL;)
        deliver(h2, RP_CONTAINER(link, stream, held_link));
}

/* ---- what is known ---- */

bool rp__h2_said_limit(const rp_h2 *h2)
{
    return h2->settings_came;
}

uint32_t rp__h2_limit(const rp_h2 *h2)
{
    uint32_t limit = h2->options.streams_early;
    if (h2->failed || rp__h2_is_leaving(h2))
        return 0;
    if (h2->settings_came)
        limit = h2->streams_limit;
    return limit < STREAMS_LIMIT ? limit : STREAMS_LIMIT;
}

uint32_t rp__h2_open(const rp_h2 *h2)
{
    return h2->open;
}

uint32_t rp__h2_resetting(const rp_h2 *h2)
{
    return h2->resetting;
}

uint32_t rp__h2_unwanted(const rp_h2 *h2)
{
    return h2->unwanted;
}

bool rp__h2_is_leaving(const rp_h2 *h2)
{
    return h2->goaway_came || h2->next_id > STREAM_MOST;
}

bool rp__h2_is_cut(const rp_h2 *h2)
{
    return h2->cut != NULL;
}

void rp__h2_ping(rp_h2 *h2)
{
    h2->ping_due = true;
}

/* ---- making and ending ---- */

rp_h2 *rp__h2_create(const rp_h2_options *options, const rp_h2_events *events, void *user)
{
    rp_h2 *h2 = rp__allocate(options->memory->memory, sizeof(*h2));
    if (h2 == NULL)
        return NULL;
    h2->memory = options->memory;
    h2->chunks = options->chunks;
    h2->events = events;
    h2->user = user;
    h2->options = *options;
    h2->resets_left = RESETS;
    h2->calm = IDLE_FRAMES;
    h2->next_id = 1;
    h2->streams_limit = UINT32_MAX;
    h2->stream_send_window = WINDOW_BEGIN;
    h2->send_window = WINDOW_BEGIN;
    h2->goaway_last = STREAM_MOST;
    rp_link *lists[] = {&h2->all,     &h2->live,   &h2->ended, &h2->ready,  &h2->resets,
                        &h2->windows, &h2->unsent, &h2->turns, &h2->blocked};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        rp__list_init(lists[i]);
    rp__hpack_decoder_begin(&h2->decoder, h2->memory);
    rp__hpack_encoder_begin(&h2->encoder, h2->memory);
    rp__h2_flow_begin(h2);
    return h2;
}

void rp__h2_destroy(rp_h2 *h2)
{
    if (h2 == NULL)
        return;
    while (!rp__list_empty(&h2->all))
        stream_free(RP_CONTAINER(h2->all.next, stream, all_link));
    rp__hpack_decoder_end(&h2->decoder);
    rp__hpack_encoder_end(&h2->encoder);
    rp__h2_send_end(h2);
    rp__h2_give(h2->memory, h2->gathered);
    rp__h2_give(h2->memory, h2->block);
    rp_memory *memory = h2->memory->memory;
    rp__free(memory, h2->headers);
    rp__free(memory, h2);
}
