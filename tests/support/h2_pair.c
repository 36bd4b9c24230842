/* h2_pair.c - see h2_pair.h.
 *
 * Where the two may differ, because what RFC 9113 says leaves a choice, or because it is newer:
 * - A stream's window that WINDOW_UPDATE enlarges by 0 or too much: ours resets the stream (6.9),
 *   nghttp2 ends the connection.
 * - Settings of other documents (RFC 8441, RFC 9218), whose values nghttp2 judges.
 * - A setting twice in a frame, of which nghttp2 only sees the last (6.5.3: in their order).
 * - DATA before HEADERS, at which nghttp2 ends the connection, and DATA without data before the
 *   final head: the stream's errors (8.1.1).
 * - A push before our SETTINGS were confirmed, which all the same came first (3.4, 8.4).
 * - The padding of DATA that nobody waits for, at which nghttp2 does not look (6.1).
 * - PRIORITY, which nghttp2 does not look at any more, not even for what 6.3 forbids.
 * - Blanks around a value are none of it (RFC 9110, 5.5): ours leaves them out, nghttp2, told to
 *   bear them, does not.
 * - DATA or HEADERS behind the end that the server made of a stream, when there is no other: ours
 *   ends the connection (5.1), nghttp2 passes it over.
 * - Content-Length among trailers: ours leaves it out (RFC 9110, 6.5.1), nghttp2 takes it for the
 *   header. So ours does with one of an interim response, or of 204 (RFC 9113, 8.1.1), where
 *   nghttp2 refuses it.
 * - What is over limits that are each one's own (RFC 9113, 10.5). */
#include "support/h2_pair.h"

#include "support/check.h"

#include "base/hash.h"
#include "base/text.h"
#include "http/h2.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#define WINDOW_LARGE 0x3fffffffu /* others together stay below as much */
enum { REQUESTS = 6, OUT = 64 * 1024, UPLOAD = 3, FRAME_HEAD = 9, MAGIC = 24 };

typedef enum outcome { NONE, COMPLETE, RESET, REFUSED, UNUSABLE } outcome;

typedef struct answer {
    uint64_t hash; /* of heads and trailers */
    uint64_t body_hash, body_bytes;
    unsigned finals, interims;
    outcome outcome;
    uint32_t code; /* of the reset */
} answer;

/* What one of the two says. */
typedef struct said {
    uint64_t acks, ping_hash, data_bytes;
    bool goaway;
} said;

typedef struct side {
    answer all[REQUESTS];
    said said;
    bool broken, greeted;
} side;

typedef struct pair {
    side ours, theirs;
    rp_memory memory;
    rp_chunk_pool chunks;
    rp_h2 *h2;
    rp_h2_stream *streams[REQUESTS];
    rp_body body;
    nghttp2_session *ng;
    uint64_t fields; /* nghttp2's: of the head that is being read */
    unsigned field_count;
    int status;
    bool trailers; /* that is no head */
    bool apart;    /* the two may differ from here on */
    size_t uploaded;
    bool acked;      /* our SETTINGS */
    uint32_t window; /* of streams, by theirs */
} pair;

static const uint8_t upload[200000];

static uint32_t word(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static answer *answer_of(side *s, uint32_t id)
{
    return id % 2 == 1 && id / 2 < REQUESTS ? &s->all[id / 2] : NULL;
}

static uint64_t hashed(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = rp__hash_byte(hash, bytes[i]);
    return hash;
}

static uint64_t field_hashed(uint64_t hash, const void *name, size_t name_size, const void *value,
                             size_t value_size)
{
    hash = rp__hash_byte(hashed(hash, name, name_size), ':');
    return rp__hash_byte(hashed(hash, value, value_size), '\n');
}

/* ---- what they write ---- */

static void frame_said(said *s, const uint8_t *frame, size_t size)
{
    bool ack = (frame[4] & NGHTTP2_FLAG_ACK) != 0;
    if (frame[3] == NGHTTP2_SETTINGS && ack)
        s->acks++;
    else if (frame[3] == NGHTTP2_PING && ack)
        s->ping_hash = hashed(s->ping_hash, frame + FRAME_HEAD, size);
    else if (frame[3] == NGHTTP2_DATA)
        s->data_bytes += size;
    else if (frame[3] == NGHTTP2_GOAWAY)
        s->goaway = true;
}

/* Whole frames, behind the preface. */
static void written(side *s, const uint8_t *data, size_t size)
{
    size_t at = s->greeted || size == 0 ? 0 : MAGIC;
    s->greeted = s->greeted || size > 0;
    while (at < size) {
        size_t payload = word(data + at) >> 8;
        CHECK(size - at >= FRAME_HEAD + payload);
        frame_said(&s->said, data + at, payload);
        at += FRAME_HEAD + payload;
    }
}

/* ---- ours ---- */

static void on_answer(void *user, rp_h2_stream *stream)
{
    (void)user;
    (void)stream;
}

static void on_head(void *user, rp_h2_stream *stream, const rp_response_head *head)
{
    answer *a = stream->user;
    uint64_t hash = RP_HASH_BEGIN;
    (void)user;
    for (size_t i = 0; i < head->header_count; i++)
        hash = field_hashed(hash, head->headers[i].name, strlen(head->headers[i].name),
                            head->headers[i].value, strlen(head->headers[i].value));
    a->hash = hashed(a->hash, &head->status, sizeof(head->status));
    a->hash = hashed(a->hash, &hash, sizeof(hash));
    a->finals += !head->informational;
    a->interims += head->informational;
}

static void on_body(void *user, rp_h2_stream *stream, const uint8_t *data, size_t size)
{
    answer *a = stream->user;
    (void)user;
    a->body_hash = hashed(a->body_hash, data, size);
    a->body_bytes += size;
}

static void on_trailers(void *user, rp_h2_stream *stream, const rp_header *trailers, size_t count)
{
    answer *a = stream->user;
    uint64_t hash = RP_HASH_BEGIN;
    (void)user;
    for (size_t i = 0; i < count; i++)
        hash = field_hashed(hash, trailers[i].name, strlen(trailers[i].name), trailers[i].value,
                            strlen(trailers[i].value));
    a->hash = hashed(a->hash, &hash, sizeof(hash));
}

static void on_frame(void *user, rp_h2_stream *stream, size_t out_size)
{
    (void)user;
    (void)stream;
    (void)out_size;
}

static const rp_h2_events events = {.on_answer = on_answer,
                                    .on_head = on_head,
                                    .on_body = on_body,
                                    .on_trailers = on_trailers,
                                    .on_frame = on_frame};

static void ours_take_ends(pair *p)
{
    static const outcome outcomes[] = {[RP_H2_COMPLETE] = COMPLETE,
                                       [RP_H2_UNPROCESSED] = REFUSED,
                                       [RP_H2_GIVEN_UP] = RESET,
                                       [RP_H2_UNUSABLE] = UNUSABLE};
    rp_h2_stream *stream;
    rp_h2_end end;
    rp_error error = {.status = RP_OK};
    while ((stream = rp__h2_next_end(p->h2, &end, &error)) != NULL) {
        answer *a = stream->user;
        CHECK(a->outcome == NONE);
        a->outcome = outcomes[end];
        a->code = a->outcome == RESET ? error.h2_code : 0;
        p->streams[a - p->ours.all] = NULL;
        error = (rp_error){.status = RP_OK};
    }
}

static void ours_drain(pair *p)
{
    static uint8_t out[OUT];
    while (rp__h2_wants_drain(p->h2)) {
        size_t size = 0;
        (void)rp__h2_drain(p->h2, out, OUT, &size, 1000000000u);
        written(&p->ours, out, size);
        if (size == 0)
            return;
    }
}

static void ours_feed(pair *p, const uint8_t *data, size_t size)
{
    uint8_t *piece = malloc(size);
    CHECK(piece != NULL || size == 0);
    memcpy(piece, data, size);
    if (!rp__h2_feed(p->h2, piece, size, 1000000000u))
        p->ours.broken = true;
    free(piece);
    ours_take_ends(p);
}

static const char *method_of(unsigned i)
{
    return i == UPLOAD ? "PUT" : i == 2 ? "HEAD" : "GET";
}

static void ours_ask(pair *p)
{
    static uint8_t packed[1024];
    rp_url url;
    rp_message message;
    CHECK(rp__url_parse(&url, "https://h/", 10, NULL) == RP_OK);
    p->body = (rp_body){.data = upload, .length = sizeof(upload)};
    for (unsigned i = 0; i < REQUESTS; i++) {
        rp_message_source source = {.method = method_of(i),
                                    .url = &url,
                                    .has_body = i == UPLOAD,
                                    .body_size = i == UPLOAD ? sizeof(upload) : 0};
        CHECK(rp__message_pack(&message, &source, packed, sizeof(packed), NULL) == RP_OK);
        rp_h2_request request = {.message = &message,
                                 .body = i == UPLOAD ? &p->body : NULL,
                                 .head_only = i == 2,
                                 .user = &p->ours.all[i]};
        p->streams[i] = rp__h2_submit(p->h2, &request);
        CHECK(p->streams[i] != NULL);
        ours_drain(p);
    }
}

/* ---- nghttp2 ---- */

static answer *theirs_of(pair *p, int32_t id)
{
    return answer_of(&p->theirs, (uint32_t)id);
}

static void theirs_end(answer *a, outcome how, uint32_t code)
{
    if (a == NULL || a->outcome != NONE)
        return;
    a->outcome = how;
    a->code = code;
}

static int begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    pair *p = user;
    (void)ng;
    const answer *a = theirs_of(p, frame->hd.stream_id);
    p->trailers = a != NULL && a->finals == 1;
    p->fields = RP_HASH_BEGIN;
    p->field_count = 0;
    p->status = 0;
    return 0;
}

static bool is_length(const void *name, size_t size)
{
    return size == 14 && memcmp(name, "content-length", 14) == 0;
}

static int header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                  size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                  void *user)
{
    pair *p = user;
    (void)ng;
    (void)frame;
    (void)flags;
    if (name_size == 7 && memcmp(name, ":status", 7) == 0) {
        for (size_t i = 0; i < value_size; i++)
            p->status = p->status * 10 + (value[i] - '0');
        return 0;
    }
    p->apart = p->apart || (p->trailers && is_length(name, name_size));
    while (value_size > 0 && rp__is_blank((char)value[value_size - 1]))
        value_size--;
    for (; value_size > 0 && rp__is_blank((char)*value); value_size--)
        value++;
    p->fields = field_hashed(p->fields, name, name_size, value, value_size);
    p->field_count++;
    return 0;
}

/* It would leave the field out. */
static int invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                          size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                          void *user)
{
    (void)ng;
    (void)name;
    (void)name_size;
    (void)value;
    (void)value_size;
    (void)flags;
    theirs_end(theirs_of(user, frame->hd.stream_id), UNUSABLE, 0);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* What it says of a field for which it refuses the stream at once, in words alone. */
static int complaint(nghttp2_session *ng, int code, const char *text, size_t size, void *user)
{
    static const char about[] = "name: [content-length]";
    pair *p = user;
    (void)ng;
    (void)code;
    bool mute = p->trailers || p->status / 100 == 1 || p->status == 204;
    for (size_t at = 0; mute && at + sizeof(about) - 1 <= size; at++)
        p->apart = p->apart || memcmp(text + at, about, sizeof(about) - 1) == 0;
    return 0;
}

static void theirs_head(pair *p, answer *a)
{
    if (a->finals == 1) { /* trailers */
        if (p->field_count > 0)
            a->hash = hashed(a->hash, &p->fields, sizeof(p->fields));
        return;
    }
    a->hash = hashed(a->hash, &p->status, sizeof(p->status));
    a->hash = hashed(a->hash, &p->fields, sizeof(p->fields));
    a->finals += p->status >= 200;
    a->interims += p->status < 200;
}

static int frame_recv(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    pair *p = user;
    answer *a = theirs_of(p, frame->hd.stream_id);
    if (a == NULL || a->outcome != NONE ||
        (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS)
        theirs_head(p, a);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    theirs_end(a, COMPLETE, 0);
    if (a == &p->theirs.all[UPLOAD] && p->uploaded < sizeof(upload))
        (void)nghttp2_submit_rst_stream(ng, 0, frame->hd.stream_id, NGHTTP2_CANCEL);
    return 0;
}

static int invalid_frame(nghttp2_session *ng, const nghttp2_frame *frame, int code, void *user)
{
    (void)ng;
    (void)code;
    theirs_end(theirs_of(user, frame->hd.stream_id), UNUSABLE, 0);
    return 0;
}

static int data_chunk(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data,
                      size_t size, void *user)
{
    answer *a = theirs_of(user, id);
    (void)ng;
    (void)flags;
    if (a == NULL || a->outcome != NONE)
        return 0;
    a->body_hash = hashed(a->body_hash, data, size);
    a->body_bytes += size;
    return 0;
}

/* RST_STREAM came, or is sent. */
static int stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *user)
{
    (void)ng;
    answer *a = theirs_of(user, id);
    bool refused = code == NGHTTP2_REFUSED_STREAM && a != NULL && a->finals == 0;
    theirs_end(a, refused ? REFUSED : RESET, refused ? 0 : code);
    return 0;
}

static int frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *user)
{
    (void)ng;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        theirs_end(theirs_of(user, frame->hd.stream_id), UNUSABLE, 0);
    return 0;
}

static nghttp2_ssize read_upload(nghttp2_session *ng, int32_t id, uint8_t *out, size_t size,
                                 uint32_t *flags, nghttp2_data_source *source, void *user)
{
    pair *p = user;
    size_t left = sizeof(upload) - p->uploaded;
    (void)ng;
    (void)id;
    (void)source;
    if (size >= left) {
        size = left;
        *flags = NGHTTP2_DATA_FLAG_EOF;
    }
    memset(out, 0, size);
    p->uploaded += size;
    return (nghttp2_ssize)size;
}

static void theirs_drain(pair *p)
{
    const uint8_t *data;
    nghttp2_ssize size;
    while ((size = nghttp2_session_mem_send2(p->ng, &data)) > 0)
        written(&p->theirs, data, (size_t)size);
    CHECK(size == 0);
    p->theirs.broken = p->theirs.broken || p->theirs.said.goaway;
}

static void theirs_feed(pair *p, const uint8_t *data, size_t size)
{
    if (nghttp2_session_mem_recv2(p->ng, data, size) < 0)
        p->theirs.broken = true;
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .namelen = strlen(name),
                        .value = (uint8_t *)(uintptr_t)value,
                        .valuelen = strlen(value)};
}

static void theirs_begin(pair *p)
{
    nghttp2_session_callbacks *calls;
    nghttp2_option *option;
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                         {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0}};
    CHECK(nghttp2_session_callbacks_new(&calls) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(calls, header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(calls, invalid_header);
    nghttp2_session_callbacks_set_error_callback2(calls, complaint);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(calls, invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(calls, frame_send);
    CHECK(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1);
    CHECK(nghttp2_session_client_new2(&p->ng, calls, p, option) == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(calls);
    CHECK(nghttp2_submit_settings(p->ng, 0, settings, 2) == 0);
    for (unsigned i = 0; i < REQUESTS; i++) {
        nghttp2_nv fields[] = {field(":method", method_of(i)), field(":scheme", "https"),
                               field(":authority", "h"), field(":path", "/")};
        nghttp2_data_provider2 provider = {.read_callback = read_upload};
        CHECK(nghttp2_submit_request2(p->ng, NULL, fields, 4, i == UPLOAD ? &provider : NULL,
                                      NULL) == (int32_t)(2 * i + 1));
        theirs_drain(p);
    }
}

/* ---- both ---- */

static bool is_empty(const uint8_t *frame, size_t size)
{
    bool padded = (frame[4] & NGHTTP2_FLAG_PADDED) != 0;
    return size == FRAME_HEAD || (padded && size == (size_t)FRAME_HEAD + 1 + frame[FRAME_HEAD]);
}

/* See above. */
static bool parts_them(pair *p, const uint8_t *frame, size_t size)
{
    const answer *a = answer_of(&p->ours, word(frame + 5) & 0x7fffffff);
    uint32_t seen = 0;
    if ((frame[3] == NGHTTP2_DATA || frame[3] == NGHTTP2_HEADERS) && rp__h2_open(p->h2) == 0)
        return true;
    if (frame[3] == NGHTTP2_PRIORITY)
        return size != FRAME_HEAD + 5 || (word(frame + 5) & 0x7fffffff) == 0;
    if (frame[3] == NGHTTP2_DATA && a != NULL && a->outcome != NONE)
        return (frame[4] & NGHTTP2_FLAG_PADDED) != 0;
    if (frame[3] == NGHTTP2_DATA)
        return a != NULL && a->finals == 0 && (a->interims == 0 || is_empty(frame, size));
    if (frame[3] == NGHTTP2_WINDOW_UPDATE && size == FRAME_HEAD + 4 && a != NULL) {
        uint32_t more = word(frame + FRAME_HEAD) & 0x7fffffff;
        return more == 0 || more > WINDOW_LARGE || p->window > WINDOW_LARGE;
    }
    if (frame[3] == NGHTTP2_PUSH_PROMISE)
        return !p->acked;
    if (frame[3] != NGHTTP2_SETTINGS)
        return false;
    p->acked = p->acked || (frame[4] & NGHTTP2_FLAG_ACK) != 0;
    for (size_t at = FRAME_HEAD; at + 6 <= size; at += 6) {
        uint32_t id = (uint32_t)frame[at] << 8 | frame[at + 1], bit = 1u << id % 32;
        if (id == NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL ||
            id == NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES || (id < 32 && (seen & bit) != 0))
            return true;
        if (id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
            p->window = word(frame + at + 2);
        seen |= bit;
    }
    return false;
}

static bool agree(const pair *p)
{
    CHECK(p->ours.broken == p->theirs.broken);
    if (p->ours.broken)
        return false;
    for (unsigned i = 0; i < REQUESTS; i++) {
        const answer *a = &p->ours.all[i], *b = &p->theirs.all[i];
        /* What GOAWAY ends in the middle of an answer is refused, as nghttp2 has it. */
        CHECK(a->outcome == b->outcome);
        CHECK(a->code == b->code || b->code == NGHTTP2_REFUSED_STREAM);
        CHECK(a->finals == b->finals && a->interims == b->interims);
        if (a->outcome == UNUSABLE)
            continue;
        CHECK(a->hash == b->hash);
        CHECK(a->body_bytes == b->body_bytes && a->body_hash == b->body_hash);
    }
    CHECK(p->ours.said.acks == p->theirs.said.acks);
    CHECK(p->ours.said.ping_hash == p->theirs.said.ping_hash);
    CHECK(p->ours.said.data_bytes == p->theirs.said.data_bytes);
    return true;
}

static size_t frame_size(const uint8_t *data, size_t size)
{
    if (size < FRAME_HEAD)
        return size;
    size_t whole = FRAME_HEAD + (word(data) >> 8);
    return whole < size ? whole : size;
}

/* Ours says what is wrong with a frame's head before the rest is there. */
static bool is_whole(const uint8_t *frame, size_t size)
{
    return size >= FRAME_HEAD && size == FRAME_HEAD + (word(frame) >> 8);
}

static void frame_feed(pair *p, const uint8_t *data, size_t size, uint64_t *cuts)
{
    for (size_t at = 0, part; at < size; at += part) {
        part = size - at;
        if (*cuts != 0) {
            *cuts = *cuts * 6364136223846793005u + 1442695040888963407u;
            size_t most = 1 + (*cuts >> 33) % 12;
            part = most < part ? most : part;
        }
        ours_feed(p, data + at, part);
    }
    theirs_feed(p, data, size);
    ours_drain(p);
    ours_take_ends(p);
    theirs_drain(p);
}

/* nghttp2 decodes a block piece by piece, ours when all of it is there. */
static bool cuts_block(const uint8_t *frame)
{
    return (frame[3] == NGHTTP2_HEADERS || frame[3] == NGHTTP2_CONTINUATION) &&
           (frame[4] & NGHTTP2_FLAG_END_HEADERS) == 0;
}

static h2_pair_end run(pair *p, const uint8_t *data, size_t size, uint64_t cuts)
{
    for (size_t at = 0, whole; at < size; at += whole) {
        whole = frame_size(data + at, size - at);
        if (whole >= FRAME_HEAD && parts_them(p, data + at, whole))
            return H2_PAIR_APART;
        frame_feed(p, data + at, whole, &cuts);
        if (p->apart)
            return H2_PAIR_APART;
        if (!p->theirs.broken && !nghttp2_session_want_read(p->ng))
            return H2_PAIR_OPEN; /* GOAWAY came, and no stream is left */
        bool middle = !is_whole(data + at, whole) || (!p->ours.broken && cuts_block(data + at));
        if (!middle && !agree(p))
            return H2_PAIR_BROKEN;
    }
    return H2_PAIR_OPEN;
}

h2_pair_end h2_pair_play(const uint8_t *data, size_t size, uint64_t cuts)
{
    static pair whole;
    pair *p = &whole;
    memset(p, 0, sizeof(*p));
    CHECK(size <= H2_PAIR_BYTES);
    rp__memory_init(&p->memory, (rp_allocator){0});
    rp__chunk_pool_init(&p->chunks, &p->memory, NULL);
    rp_h2_memory *pool = rp__h2_memory_create(&p->memory);
    rp_h2_options options = {.memory = pool,
                             .chunks = &p->chunks,
                             .head_bytes = 1024 * 1024,
                             .header_count = 100000,
                             .informational_count = 100000,
                             .streams_early = 100,
                             .stream_window = 65535,
                             .window_limit = 1024 * 1024};
    p->h2 = rp__h2_create(&options, &events, NULL);
    CHECK(pool != NULL && p->h2 != NULL);
    ours_ask(p);
    theirs_begin(p);
    h2_pair_end end = run(p, data, size, cuts);
    rp__h2_destroy(p->h2);
    rp__h2_memory_destroy(pool);
    rp__chunk_pool_clear(&p->chunks);
    nghttp2_session_del(p->ng);
    CHECK(p->memory.live == 0);
    return end;
}
