/* h2.c - HTTP/2 on a connection: the session, its streams, its end. See h2.h; heads are in
 * h2_head.c, requests in h2_send.c, windows in h2_flow.c.
 *
 * A stream's structure lives as long as somebody needs it: nghttp2, until it closed the stream; and
 * the owner, until the end was told or the stream dropped. What nghttp2's callbacks find out is
 * queued (ended), and told when nghttp2 has returned. */
#include "http/h2_inside.h"

#include "base/assert.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STREAMS_LIMIT 1000u /* at once, whatever the server allows */
#define RESETS 100u         /* at once, and so many a second: servers give up at 200 in 30 s */
#define RESETS_PER_SECOND 5u
#define IDLE_FRAMES 1000u
#define IDLE_FRAMES_PER_SECOND 100u
/* WINDOW_UPDATEs, of the stream and of the connection: two for each frame of ours, at the most,
 * mostly; more where the server's program reads in small pieces. */
#define IDLE_FRAMES_PER_DATA 4u
#define BYTES_PER_IDLE_FRAME 128u
#define SEND_HEAD_BYTES ((size_t)64 * 1024 * 1024)

/* ---- budgets ---- */

bool rp_h2_spend(uint32_t *left, uint64_t *since_ns, uint64_t now_ns, uint32_t count,
                 uint32_t per_second)
{
    uint64_t more = (now_ns - *since_ns) / (1000000000u / per_second);
    if (more > 0) {
        *left = *left + more < count ? (uint32_t)(*left + more) : count;
        *since_ns = now_ns;
    }
    if (*left == 0)
        return false;
    (*left)--;
    return true;
}

void rp_h2_calm_down(rp_h2 *h2, size_t size)
{
    h2->calm += IDLE_FRAMES_PER_DATA + (uint32_t)(size / BYTES_PER_IDLE_FRAME);
    if (h2->calm > IDLE_FRAMES)
        h2->calm = IDLE_FRAMES;
}

void rp_h2_idle_frame(rp_h2 *h2)
{
    if (rp_h2_spend(&h2->calm, &h2->calm_ns, h2->now_ns, IDLE_FRAMES, IDLE_FRAMES_PER_SECOND))
        return;
    rp_h2_fail(h2, RP_E_H2_PROTOCOL, NGHTTP2_ENHANCE_YOUR_CALM,
               "the server sent more than %u frames that bring nothing", IDLE_FRAMES);
    (void)nghttp2_session_terminate_session(h2->ng, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* ---- the connection's end ---- */

const char *rp_h2_code_name(uint32_t code)
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
    return code < sizeof(names) / sizeof(names[0]) ? names[code] : "an unknown code";
}

void rp_h2_fail(rp_h2 *h2, rp_status status, uint32_t code, const char *format, ...)
{
    if (h2->failed)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(h2->failure_text, sizeof(h2->failure_text), format, arguments);
    va_end(arguments);
    h2->failed = true;
    h2->failure = status;
    h2->failure_code = code;
}

void rp_h2_fail_fatal(rp_h2 *h2, int result)
{
    h2->broken = true;
    if (result == NGHTTP2_ERR_NOMEM)
        rp_h2_fail(h2, RP_E_NO_MEMORY, 0, "no memory for the connection");
    else if (result == NGHTTP2_ERR_FLOODED)
        rp_h2_fail(h2, RP_E_H2_PROTOCOL, NGHTTP2_ENHANCE_YOUR_CALM,
                   "the server floods the connection with frames that it wants answered");
    else
        rp_h2_fail(h2, RP_E_H2_PROTOCOL, NGHTTP2_PROTOCOL_ERROR,
                   "the server broke HTTP/2's rules: %s", nghttp2_strerror(result));
}

void rp_h2_failure(const rp_h2 *h2, rp_error *error)
{
    if (h2->looks_like_http1 >= 5 && h2->looks_like_http1 != 0xff && !h2->settings_came)
        (void)rp_error_set(error, RP_E_H2_NOT_SPOKEN, RP_PHASE_HEAD,
                           "the server answers in HTTP/1.1, not in HTTP/2");
    else
        (void)rp_error_set(error, h2->failure, RP_PHASE_HEAD, "%s", h2->failure_text);
    error->h2_code = h2->failure_code;
}

bool rp_h2_farewell(const rp_h2 *h2, rp_error *error)
{
    if (!h2->goaway_came || h2->goaway_code == NGHTTP2_NO_ERROR)
        return false;
    bool says = h2->farewell[0] != '\0';
    (void)rp_error_set(error, RP_E_H2_RESET, RP_PHASE_HEAD,
                       "the server gave the connection up with %s%s%s%s (GOAWAY)",
                       rp_h2_code_name(h2->goaway_code), says ? ", \"" : "", h2->farewell,
                       says ? "\"" : "");
    error->h2_code = h2->goaway_code;
    return true;
}

/* ---- streams ---- */

/* Of a peer's frame: streams that nobody waits for have it discarded. */
stream *rp_h2_find(rp_h2 *h2, int32_t id)
{
    stream *s = nghttp2_session_get_stream_user_data(h2->ng, id);
    return s == NULL || s->dropped || s->ended || s->finishing ? NULL : s;
}

static void stream_free(stream *s)
{
    rp_h2 *h2 = s->h2;
    if (h2->reading == s)
        h2->reading = NULL;
    rp_list_remove(&s->all_link);
    rp_list_remove(&s->link);
    rp_list_remove(&s->held_link);
    rp_list_remove(&s->turn_link);
    rp_chain_clear(&s->held);
    rp_h2_trailers_clear(s);
    rp_h2_give(h2->memory, s);
}

static void free_told(rp_h2 *h2)
{
    stream *s = h2->told;
    h2->told = NULL;
    if (s == NULL)
        return;
    s->dropped = true;
    if (s->closed)
        stream_free(s);
}

void rp_h2_end_stream(stream *s, rp_h2_end end)
{
    if (s->ended || s->dropped)
        return;
    s->ended = true;
    s->end = (uint8_t)end;
    rp_list_remove(&s->held_link);
    rp_list_remove(&s->link);
    rp_list_append(&s->h2->ended, &s->link);
}

static void reset(stream *s, uint32_t code)
{
    (void)nghttp2_submit_rst_stream(s->h2->ng, NGHTTP2_FLAG_NONE, (int32_t)s->is.id, code);
}

void rp_h2_fail_stream(stream *s, rp_h2_fault fault, uint32_t code)
{
    s->fault = (uint8_t)fault;
    s->code = code;
    reset(s, code);
    rp_h2_end_stream(s, RP_H2_UNUSABLE);
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
void rp_h2_complete(stream *s)
{
    if (s->is.uploading && !s->closed && !s->finishing)
        reset(s, NGHTTP2_CANCEL);
    s->finishing = s->held.size > 0;
    if (s->finishing)
        rp_list_remove(&s->link);
    else if (tell_trailers(s))
        rp_h2_end_stream(s, RP_H2_COMPLETE);
}

void rp_h2_drop(rp_h2 *h2, rp_h2_stream *public, uint64_t now_ns)
{
    stream *s = rp_h2_stream_of(public);
    RP_ASSERT(!s->dropped);
    s->dropped = true;
    s->is.user = NULL;
    rp_list_remove(&s->link);
    rp_list_remove(&s->held_link);
    rp_list_remove(&s->turn_link);
    rp_chain_clear(&s->held);
    if (s->closed) {
        if (h2->delivering != s)
            stream_free(s);
        return;
    }
    if (s->ended || s->finishing || h2->failed)
        return;
    bool may = rp_h2_spend(&h2->resets, &h2->resets_ns, now_ns, RESETS, RESETS_PER_SECOND);
    if (may || s->is.uploading) {
        reset(s, NGHTTP2_CANCEL);
        return;
    }
    s->unwanted = true;
    h2->unwanted++;
}

static void end_closed(rp_h2 *h2, stream *s, uint32_t code)
{
    bool unsent = s->is.sent_bytes == 0;
    bool above = h2->goaway_came && code == NGHTTP2_REFUSED_STREAM;
    s->code = code;
    if (!s->is.told_head &&
        (unsent || above || (s->peer_reset && code == NGHTTP2_REFUSED_STREAM))) {
        rp_h2_end_stream(s, RP_H2_UNPROCESSED);
        return;
    }
    if (s->peer_reset || above) {
        rp_h2_end_stream(s, RP_H2_GIVEN_UP);
        return;
    }
    if (s->fault == RP_H2_SOUND && s->is.told_head && s->bodiless)
        s->fault = RP_H2_BODY_UNASKED;
    else if (s->fault == RP_H2_SOUND)
        s->fault = s->is.length != RP_LENGTH_UNKNOWN ? RP_H2_BODY_LONG : RP_H2_MALFORMED;
    rp_h2_end_stream(s, RP_H2_UNUSABLE);
}

static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *user)
{
    rp_h2 *h2 = user;
    stream *s = nghttp2_session_get_stream_user_data(ng, id);
    if (s == NULL)
        return 0;
    s->closed = true;
    h2->open--;
    h2->unwanted -= s->unwanted;
    rp_h2_upload_ends(s);
    if (s->dropped)
        stream_free(s);
    else if (!s->ended && !s->finishing)
        end_closed(h2, s, code);
    return 0;
}

/* ---- ends ---- */

static void unusable(const stream *s, rp_error *error)
{
    rp_phase phase = s->is.told_head ? RP_PHASE_BODY : RP_PHASE_HEAD;
    unsigned long long came = s->is.body_bytes, length = s->is.length;
    switch ((rp_h2_fault)s->fault) {
    case RP_H2_HEAD_TOO_LARGE:
        (void)rp_error_set(error, RP_E_HEAD_TOO_LARGE, phase,
                           "the server sent a response head larger than the limit allows");
        break;
    case RP_H2_TOO_MANY_HEADERS:
        (void)rp_error_set(error, RP_E_HEAD_TOO_LARGE, phase,
                           "the server sent more headers than the limit allows");
        break;
    case RP_H2_TOO_MANY_INTERIM:
        (void)rp_error_set(error, RP_E_BAD_RESPONSE, phase,
                           "the server sent more 1xx responses than the limit allows");
        break;
    case RP_H2_BAD_HEADER:
        (void)rp_error_set(error, RP_E_BAD_RESPONSE, phase,
                           "the server sent a header, \"%s\", that has no place in HTTP/2 or is "
                           "malformed (RFC 9113, 8.2)",
                           s->bad_name);
        break;
    case RP_H2_BODY_SHORT:
        (void)rp_error_set(error, RP_E_BODY_TRUNCATED, phase,
                           "the server ended the body after %llu of the %llu bytes that it "
                           "announced (RFC 9113, 8.1.1)",
                           came, length);
        break;
    case RP_H2_BODY_LONG:
        (void)rp_error_set(error, RP_E_BAD_RESPONSE, phase,
                           "the server sent more than the %llu bytes of body that it announced "
                           "(RFC 9113, 8.1.1)",
                           length);
        break;
    case RP_H2_BODY_UNASKED:
        (void)rp_error_set(error, RP_E_BAD_RESPONSE, phase,
                           "the server sent a body where none may be (RFC 9110, 6.4.1)");
        break;
    case RP_H2_NO_MEMORY:
        (void)rp_error_set(error, RP_E_NO_MEMORY, phase, "no memory for the response");
        break;
    case RP_H2_SOUND:
    case RP_H2_MALFORMED:
        (void)rp_error_set(error, RP_E_BAD_RESPONSE, phase,
                           "the server sent a malformed response (RFC 9113, 8.1.1)");
        break;
    }
}

static void say_why(const stream *s, rp_error *error)
{
    rp_phase phase = s->is.told_head ? RP_PHASE_BODY : RP_PHASE_HEAD;
    const rp_h2 *h2 = s->h2;
    switch ((rp_h2_end)s->end) {
    case RP_H2_COMPLETE:
        return;
    case RP_H2_UNPROCESSED:
        if (h2->goaway_came && !s->peer_reset && !rp_h2_farewell(h2, error))
            (void)rp_error_set(
                error, RP_E_H2_RESET, phase,
                "the server ends the connection (GOAWAY) and left the request undone");
        else if (!h2->goaway_came || s->peer_reset)
            (void)rp_error_set(error, RP_E_H2_RESET, phase,
                               "the server refused the request (REFUSED_STREAM)");
        error->replay_safe = true;
        break;
    case RP_H2_GIVEN_UP:
        (void)rp_error_set(error, RP_E_H2_RESET, phase,
                           "the server reset the request's stream with %s%s",
                           rp_h2_code_name(s->code),
                           s->code == NGHTTP2_NO_ERROR ? " before its response was complete" : "");
        break;
    case RP_H2_UNUSABLE:
        unusable(s, error);
        break;
    }
    /* nghttp2 closes what a GOAWAY left undone as if it were refused. */
    bool left = (rp_h2_end)s->end == RP_H2_UNPROCESSED && h2->goaway_came && !s->peer_reset;
    if (error->h2_code == 0 && !left)
        error->h2_code = s->code;
}

rp_h2_stream *rp_h2_next_end(rp_h2 *h2, rp_h2_end *end, rp_error *error)
{
    free_told(h2);
    rp_link *link = rp_list_take(&h2->ended);
    if (link == NULL)
        return NULL;
    stream *s = RP_CONTAINER(link, stream, link);
    h2->told = s;
    *end = (rp_h2_end)s->end;
    say_why(s, error);
    return &s->is;
}

rp_h2_stream *rp_h2_first(const rp_h2 *h2)
{
    if (rp_list_empty(&h2->live))
        return NULL;
    return &RP_CONTAINER(h2->live.next, stream, link)->is;
}

/* ---- what comes ---- */

static void body_ended(rp_h2 *h2, int32_t id)
{
    stream *s = rp_h2_find(h2, id);
    if (s != NULL)
        rp_h2_complete(s);
}

static void note_goaway(rp_h2 *h2, const nghttp2_goaway *goaway)
{
    size_t size = goaway->opaque_data_len, most = sizeof(h2->farewell) - 1;
    h2->goaway_came = true;
    h2->goaway_code = goaway->error_code;
    if (size > most)
        size = most;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = goaway->opaque_data[i];
        h2->farewell[i] = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
    }
    h2->farewell[size] = '\0';
}

static void settings_received(rp_h2 *h2, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        rp_h2_flow_trip(h2, h2->settings_ns);
        h2->settings_ns = 0;
        return;
    }
    h2->settings_came = true;
    rp_h2_idle_frame(h2);
}

static void ping_received(rp_h2 *h2, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        rp_h2_idle_frame(h2);
        return;
    }
    rp_h2_flow_trip(h2, h2->ping_ns);
    h2->ping_ns = 0;
}

static int on_frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    rp_h2 *h2 = user;
    int32_t id = frame->hd.stream_id;
    bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    stream *s;
    (void)ng;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        s = rp_h2_find(h2, id);
        if (s != NULL)
            rp_h2_head_read(h2, s);
        if (last)
            body_ended(h2, id);
        else if ((s = rp_h2_find(h2, id)) != NULL && s->is.told_head)
            rp_h2_flow_head(s);
        break;
    case NGHTTP2_DATA:
        if (frame->hd.length == 0 && !last)
            rp_h2_idle_frame(h2);
        if (last)
            body_ended(h2, id);
        break;
    case NGHTTP2_RST_STREAM:
        s = rp_h2_find(h2, id);
        if (s != NULL)
            s->peer_reset = true;
        break;
    case NGHTTP2_WINDOW_UPDATE:
        s = id == 0 ? NULL : rp_h2_find(h2, id);
        if (s != NULL && s->is.uploading)
            s->is.moved_ns = h2->now_ns;
        rp_h2_idle_frame(h2);
        break;
    case NGHTTP2_SETTINGS:
        settings_received(h2, frame);
        break;
    case NGHTTP2_PING:
        ping_received(h2, frame);
        break;
    case NGHTTP2_GOAWAY:
        note_goaway(h2, &frame->goaway);
        break;
    default:
        break;
    }
    return 0;
}

/* nghttp2 passes PRIORITY over, wherever it is. */
static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *head, void *user)
{
    if (head->type != NGHTTP2_PRIORITY || head->stream_id != 0)
        return 0;
    rp_h2_fail(user, RP_E_H2_PROTOCOL, NGHTTP2_PROTOCOL_ERROR,
               "the server broke HTTP/2's rules and was told PROTOCOL_ERROR: PRIORITY: stream 0 "
               "(RFC 9113, 6.3)");
    (void)nghttp2_session_terminate_session(ng, NGHTTP2_PROTOCOL_ERROR);
    return 0;
}

/* Its last frame, which has an end before the body's announced end. That of a head which ends the
 * stream too was read, but not told. */
static bool is_short(stream *s, const nghttp2_frame *frame)
{
    const rp_h2 *h2 = s->h2;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return false;
    if (!s->is.told_head && h2->reading == s && h2->status >= 200)
        s->is.length = h2->length;
    return s->is.length != RP_LENGTH_UNKNOWN && s->is.body_bytes < s->is.length;
}

static int on_invalid_frame(nghttp2_session *ng, const nghttp2_frame *frame, int result, void *user)
{
    rp_h2 *h2 = user;
    stream *s = frame->hd.stream_id == 0 ? NULL : rp_h2_find(h2, frame->hd.stream_id);
    (void)ng;
    if (s == NULL)
        return 0;
    if (result == NGHTTP2_ERR_FLOW_CONTROL && frame->hd.type == NGHTTP2_WINDOW_UPDATE)
        h2->overflowed = s->is.id;
    if (result == NGHTTP2_ERR_HTTP_HEADER) {
        if (s->fault == RP_H2_SOUND)
            s->fault = s->bad_name[0] != '\0' ? RP_H2_BAD_HEADER : RP_H2_MALFORMED;
    } else if (result == NGHTTP2_ERR_HTTP_MESSAGING) {
        s->fault = is_short(s, frame) ? RP_H2_BODY_SHORT : RP_H2_MALFORMED;
    }
    return 0;
}

static int on_error(nghttp2_session *ng, int code, const char *text, size_t size, void *user)
{
    rp_h2 *h2 = user;
    (void)ng;
    if (code == NGHTTP2_ERR_HTTP_HEADER && h2->reading != NULL)
        rp_h2_note_bad_name(h2->reading, text, size);
    return 0;
}

/* ---- bodies ---- */

static void give_body(stream *s, const uint8_t *data, size_t size)
{
    s->credit -= s->limited ? size : 0;
    s->h2->events->on_body(s->h2->user, &s->is, data, size);
}

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
                   void *user)
{
    rp_h2 *h2 = user;
    stream *s = nghttp2_session_get_stream_user_data(ng, id);
    if (s == NULL || s->dropped || s->ended) {
        (void)nghttp2_session_consume(ng, id, size);
        return 0;
    }
    s->is.moved_ns = h2->now_ns;
    s->is.body_bytes += size;
    rp_h2_flow_came(h2, s, size);
    size_t now = size;
    if (s->limited && (now > s->credit || s->held.size > 0))
        now = s->held.size > 0 ? 0 : s->credit;
    if (now < size && !rp_chain_append(&s->held, data + now, size - now)) {
        rp_h2_fail_stream(s, RP_H2_NO_MEMORY, NGHTTP2_CANCEL);
        return 0;
    }
    if (now == 0)
        return 0;
    if (!s->limited && (flags & NGHTTP2_FLAG_END_STREAM) == 0)
        rp_h2_flow_consumed(s, now);
    give_body(s, data, now);
    return 0;
}

bool rp_h2_consume(rp_h2 *h2, rp_h2_stream *public, size_t size)
{
    stream *s = rp_h2_stream_of(public);
    if (!s->limited || s->ended)
        return false;
    s->credit += size;
    rp_h2_flow_consumed(s, size);
    if (s->held.size == 0)
        return false;
    if (rp_list_empty(&s->held_link))
        rp_list_append(&h2->ready, &s->held_link);
    return true;
}

/* What one has and may have. The callback may drop it. */
static void deliver(rp_h2 *h2, stream *s)
{
    rp_slice slice;
    h2->delivering = s;
    while (!s->dropped && s->credit > 0 && rp_chain_slices(&s->held, &slice, 1) > 0) {
        size_t size = slice.size < s->credit ? slice.size : s->credit;
        give_body(s, slice.data, size);
        if (!s->dropped)
            rp_chain_consume(&s->held, size);
    }
    h2->delivering = NULL;
    if (s->dropped && s->closed)
        stream_free(s);
    else if (!s->dropped && s->finishing && s->held.size == 0)
        rp_h2_complete(s);
}

void rp_h2_deliver(rp_h2 *h2)
{
    for (rp_link *link; (link = rp_list_take(&h2->ready)) != NULL;)
        deliver(h2, RP_CONTAINER(link, stream, held_link));
}

/* ---- feeding ---- */

static void look_for_http1(rp_h2 *h2, const uint8_t *data, size_t size)
{
    static const char text[] = "HTTP/";
    for (size_t i = 0; i < size && h2->looks_like_http1 < sizeof(text) - 1; i++)
        h2->looks_like_http1 =
            data[i] == (uint8_t)text[h2->looks_like_http1] ? h2->looks_like_http1 + 1 : 0xff;
}

bool rp_h2_feed(rp_h2 *h2, const uint8_t *data, size_t size, uint64_t now_ns)
{
    free_told(h2);
    h2->now_ns = now_ns;
    if (h2->failed)
        return false;
    look_for_http1(h2, data, size);
    nghttp2_ssize result = nghttp2_session_mem_recv2(h2->ng, data, size);
    if (result < 0)
        rp_h2_fail_fatal(h2, (int)result);
    else
        rp_h2_flow_sample(h2);
    return !h2->failed;
}

/* ---- what is known ---- */

bool rp_h2_said_limit(const rp_h2 *h2)
{
    return h2->settings_came;
}

uint32_t rp_h2_limit(const rp_h2 *h2)
{
    uint32_t limit = h2->options.streams_early;
    if (h2->failed || rp_h2_is_leaving(h2))
        return 0;
    if (h2->settings_came)
        limit =
            nghttp2_session_get_remote_settings(h2->ng, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return limit < STREAMS_LIMIT ? limit : STREAMS_LIMIT;
}

uint32_t rp_h2_open(const rp_h2 *h2)
{
    return h2->open;
}

uint32_t rp_h2_unwanted(const rp_h2 *h2)
{
    return h2->unwanted;
}

bool rp_h2_is_leaving(const rp_h2 *h2)
{
    return h2->goaway_came || nghttp2_session_get_next_stream_id(h2->ng) > 0x7fffffff;
}

void rp_h2_ping(rp_h2 *h2)
{
    static const uint8_t data[8] = "ringport";
    (void)nghttp2_submit_ping(h2->ng, NGHTTP2_FLAG_NONE, data);
}

/* ---- making and ending ---- */

static void callbacks_set(nghttp2_session_callbacks *calls)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(calls, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(calls, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_stream_close);
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, rp_h2_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(calls, rp_h2_on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(calls, rp_h2_on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_send_callback(calls, rp_h2_on_frame_send);
    nghttp2_session_callbacks_set_send_data_callback(calls, rp_h2_on_send_data);
    nghttp2_session_callbacks_set_error_callback2(calls, on_error);
}

/* nghttp2's own limits stay as they are: CONTINUATIONs, settings, answers that wait. */
static void options_set(nghttp2_option *option, const rp_h2_options *options)
{
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_peer_max_concurrent_streams(option, options->streams_early);
    nghttp2_option_set_max_send_header_block_length(option, SEND_HEAD_BYTES);
}

static bool session_make(rp_h2 *h2)
{
    nghttp2_session_callbacks *calls = NULL;
    nghttp2_option *option = NULL;
    bool good = nghttp2_session_callbacks_new(&calls) == 0 && nghttp2_option_new(&option) == 0;
    if (good) {
        callbacks_set(calls);
        options_set(option, &h2->options);
        good = nghttp2_session_client_new3(&h2->ng, calls, h2, option, &h2->memory->calls) == 0;
    }
    nghttp2_session_callbacks_del(calls);
    nghttp2_option_del(option);
    return good && rp_h2_flow_begin(h2);
}

rp_h2 *rp_h2_create(const rp_h2_options *options, const rp_h2_events *events, void *user)
{
    rp_h2 *h2 = rp_allocate(options->memory->memory, sizeof(*h2));
    if (h2 == NULL)
        return NULL;
    h2->memory = options->memory;
    h2->chunks = options->chunks;
    h2->events = events;
    h2->user = user;
    h2->options = *options;
    h2->resets = RESETS;
    h2->calm = IDLE_FRAMES;
    rp_list_init(&h2->all);
    rp_list_init(&h2->live);
    rp_list_init(&h2->ended);
    rp_list_init(&h2->ready);
    rp_list_init(&h2->turns);
    if (session_make(h2))
        return h2;
    rp_h2_destroy(h2);
    return NULL;
}

void rp_h2_destroy(rp_h2 *h2)
{
    if (h2 == NULL)
        return;
    rp_h2_head_clear(h2);
    while (!rp_list_empty(&h2->all))
        stream_free(RP_CONTAINER(h2->all.next, stream, all_link));
    nghttp2_session_del(h2->ng);
    rp_memory *memory = h2->memory->memory;
    rp_free(memory, h2->headers);
    rp_free(memory, h2->parts);
    rp_free(memory, h2->fields);
    rp_free(memory, h2->names);
    rp_free(memory, h2);
}
