/* test_h2.c - a client's side of HTTP/2 against a server by hand: what is on the wire, what is told
 * of answers however they are cut, and what ends a request or the connection. */
#define stream stream_inside /* a name that is used here, too */
#include "http/h2_inside.h"
#undef stream
#include "support/h2_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ENDS_STREAM = NGHTTP2_FLAG_END_STREAM, STREAMS = 300, OUT = 64 * 1024 };

typedef struct exchange {
    rp_body body;
    rp_h2_stream *stream; /* NULL: it ended, or was dropped */
    char told[1024];      /* "head 200 a=b;", "body x;" */
    size_t body_bytes;
    bool ended;
    rp_h2_end end;
    rp_error error;
    bool drops; /* itself, with the first piece of its body */
} exchange;

typedef struct fixture {
    rp_memory memory;
    rp_chunk_pool chunks;
    rp_h2_memory *pool;
    rp_h2_options options;
    rp_h2 *h2;
    h2_peer peer;
    exchange all[STREAMS];
    uint64_t now_ns;
    size_t cut; /* the server's bytes come in pieces of so many; 0: at once */
    bool good;
    rp_url url;
    uint8_t packed[256 * 1024];
} fixture;

static fixture f;

/* ---- the client ---- */

static void add(exchange *e, const char *format, ...)
{
    size_t used = strlen(e->told);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(e->told + used, sizeof(e->told) - used, format, arguments);
    va_end(arguments);
}

static void on_answer(void *user, rp_h2_stream *stream)
{
    (void)user;
    assert_non_null(stream->user);
}

static void on_head(void *user, rp_h2_stream *stream, const rp_response_head *head)
{
    exchange *e = stream->user;
    (void)user;
    assert_int_equal(head->version, 20);
    assert_string_equal(head->reason, "");
    assert_true(head->informational == (head->status < 200));
    add(e, "head %d", head->status);
    for (size_t i = 0; i < head->header_count; i++)
        add(e, " %s=%s", head->headers[i].name, head->headers[i].value);
    if (head->content_length != RP_LENGTH_UNKNOWN && !head->informational)
        add(e, " (%d)", (int)head->content_length);
    add(e, ";");
}

static void on_body(void *user, rp_h2_stream *stream, const uint8_t *data, size_t size)
{
    exchange *e = stream->user;
    rp_h2 *h2 = *(rp_h2 **)user;
    assert_true(size > 0);
    e->body_bytes += size;
    if (size < 100)
        add(e, "%.*s", (int)size, (const char *)data);
    if (e->drops && e->stream != NULL) {
        uint8_t first = data[0], last = data[size - 1];
        e->stream = NULL;
        rp_h2_drop(h2, stream, f.now_ns);
        assert_true(data[0] == first && data[size - 1] == last); /* until this returns */
    }
}

static void on_frame(void *user, rp_h2_stream *stream, size_t out_size)
{
    (void)user;
    assert_non_null(stream->user);
    assert_true(out_size <= OUT && stream->sent_bytes > 0);
}

static const rp_h2_events events = {
    .on_answer = on_answer, .on_head = on_head, .on_body = on_body, .on_frame = on_frame};

static void begin(void)
{
    f.pool = rp_h2_memory_create(&f.memory);
    f.options.memory = f.pool;
    f.options.chunks = &f.chunks;
    f.h2 = f.pool == NULL ? NULL : rp_h2_create(&f.options, &events, &f.h2);
    f.good = true;
    h2_peer_begin(&f.peer);
    h2_frame_put(&f.peer, NGHTTP2_SETTINGS, 0, 0, NULL, 0); /* comes first of all */
}

static void end(void)
{
    rp_h2_destroy(f.h2);
    rp_h2_memory_destroy(f.pool);
    rp_chunk_pool_clear(&f.chunks);
    h2_peer_end(&f.peer);
    assert_int_equal(f.memory.live, 0);
}

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    rp_memory_init(&f.memory, (rp_allocator){0});
    rp_chunk_pool_init(&f.chunks, &f.memory, NULL);
    f.options = (rp_h2_options){.head_bytes = 4096,
                                .header_count = 20,
                                .informational_count = 3,
                                .streams_early = 100,
                                .stream_window = 256 * 1024,
                                .window_limit = 16 * 1024 * 1024};
    f.now_ns = 1000000000u;
    assert_int_equal(rp_url_parse(&f.url, "https://h/path?q", 16, NULL), RP_OK);
    begin();
    assert_non_null(f.h2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    end();
    return 0;
}

static void drain(void)
{
    static uint8_t out[OUT];
    while (f.good || rp_h2_wants_drain(f.h2)) {
        size_t size = 0;
        f.good = rp_h2_drain(f.h2, out, sizeof(out), &size, f.now_ns) && f.good;
        h2_peer_give(&f.peer, out, size);
        if (size == 0)
            return;
    }
}

static void take_ends(void)
{
    rp_h2_stream *stream;
    rp_h2_end how;
    rp_error error = {.status = RP_OK};
    while ((stream = rp_h2_next_end(f.h2, &how, &error)) != NULL) {
        exchange *e = stream->user;
        assert_false(e->ended);
        e->ended = true;
        e->end = how;
        e->error = error;
        e->stream = NULL;
    }
}

/* What the server has written comes, and is answered. */
static void come(void)
{
    size_t size = f.peer.out_size, step = f.cut == 0 ? size : f.cut;
    for (size_t at = 0; at < size && f.good; at += step) {
        /* A piece of its own, so that a read beyond it is seen. */
        size_t part = step < size - at ? step : size - at;
        uint8_t *piece = malloc(part);
        assert_non_null(piece);
        memcpy(piece, f.peer.out + at, part);
        f.good = rp_h2_feed(f.h2, piece, part, f.now_ns);
        free(piece);
        take_ends();
    }
    f.peer.out_size = 0;
    drain();
    take_ends();
}

typedef struct sending {
    const char *method;
    const rp_header *headers;
    size_t header_count;
    const char *body;
    size_t body_size;
    bool limited;
    size_t credit;
} sending;

/* NULL: it has none. */
static rp_body *body_of(unsigned i, const sending *how)
{
    f.all[i].body =
        (rp_body){.data = (const uint8_t *)how->body, .length = how->body_size, .exists = true};
    return how->body_size > 0 ? &f.all[i].body : NULL;
}

static void send_quietly(unsigned i, const sending *how)
{
    static rp_message messages[STREAMS];
    static uint8_t packed[8][4096];
    rp_error error;
    rp_message_source source = {.method = how->method,
                                .url = &f.url,
                                .user_agent = "ua/1",
                                .has_body = true,
                                .body_size = how->body_size};
    assert_int_equal(rp_message_pack(&messages[i], &source, packed[i], sizeof(packed[i]), &error),
                     RP_OK);
    rp_h2_request request = {.message = &messages[i], .body = body_of(i, how), .user = &f.all[i]};
    f.all[i].stream = rp_h2_submit(f.h2, &request);
    assert_non_null(f.all[i].stream);
}

static exchange *send_as(unsigned i, const sending *how)
{
    rp_message message;
    rp_error error;
    rp_message_source source = {.method = how->method == NULL ? "GET" : how->method,
                                .url = &f.url,
                                .headers = how->headers,
                                .header_count = how->header_count,
                                .user_agent = "ua/1",
                                .has_body = how->body != NULL,
                                .body_size = how->body_size};
    assert_int_equal(rp_message_pack(&message, &source, f.packed, sizeof(f.packed), &error), RP_OK);
    rp_h2_request request = {.message = &message,
                             .body = body_of(i, how),
                             .head_only = strcmp(source.method, "HEAD") == 0,
                             .limited = how->limited,
                             .credit = how->credit,
                             .user = &f.all[i]};
    f.all[i].stream = rp_h2_submit(f.h2, &request);
    if (f.all[i].stream != NULL)
        drain();
    return &f.all[i];
}

static exchange *get(unsigned i)
{
    return send_as(i, &(sending){.method = "GET"});
}

static void assert_told(const exchange *e, const char *told)
{
    assert_string_equal(e->told, told);
}

static void assert_complete(const exchange *e, const char *told)
{
    assert_true(e->ended);
    assert_int_equal(e->end, RP_H2_COMPLETE);
    assert_told(e, told);
}

static void assert_unusable(const exchange *e, rp_status status, const char *part)
{
    assert_true(e->ended);
    assert_int_equal(e->end, RP_H2_UNUSABLE);
    assert_int_equal(e->error.status, status);
    if (strstr(e->error.text, part) == NULL)
        fail_msg("not in \"%s\": %s", e->error.text, part);
}

static void settings(void)
{
    h2_settings_ack(&f.peer);
    come();
}

static bool next_is(uint8_t type, uint32_t id, uint32_t word)
{
    h2_frame frame;
    while (h2_peer_take_type(&f.peer, type, &frame)) {
        if (frame.id == id)
            return h2_word(frame.payload) == word;
    }
    return false;
}

/* The bytes that WINDOW_UPDATEs have given back so far. */
static uint64_t window_given(uint32_t id)
{
    h2_frame frame;
    uint64_t sum = 0;
    while (h2_peer_take_type(&f.peer, NGHTTP2_WINDOW_UPDATE, &frame)) {
        if (frame.id == id)
            sum += h2_word(frame.payload);
    }
    return sum;
}

/* ---- what is sent ---- */

static void test_preface(void **state)
{
    h2_frame frame;
    (void)state;
    get(0);
    assert_true(h2_peer_take(&f.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_SETTINGS);
    assert_int_equal(frame.size, 24);
    static const uint8_t all[24] = {0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0,    0,
                                    0, 4, 0, 4, 0, 0, 0, 6, 0, 0, 0x10, 0};
    assert_memory_equal(frame.payload, all, sizeof(all));
    assert_true(h2_peer_take(&f.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_WINDOW_UPDATE);
    assert_int_equal(h2_word(frame.payload), 4 * 1024 * 1024 - 65535);
    assert_true(h2_peer_take(&f.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_HEADERS);
    assert_int_equal(frame.id, 1);
    assert_int_equal(frame.flags, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM);
    assert_string_equal(f.peer.head, ":method: GET\n:scheme: https\n:authority: h\n:path: /path?q\n"
                                     "user-agent: ua/1\naccept: */*\n");
    assert_false(h2_peer_take(&f.peer, &frame));
}

/* RFC 9113, 8.2: names in lower case, nothing that belongs to a connection. */
static void test_fields(void **state)
{
    static const rp_header headers[] = {{"Host", "other:8443"},
                                        {"X-Upper", "  Value\t "},
                                        {"Connection", "keep-alive"},
                                        {"Upgrade", "websocket"},
                                        {"TE", "gzip"},
                                        {"Keep-Alive", "timeout=5"},
                                        {"te", "trailers"},
                                        {"x-lower", ""},
                                        {"Proxy-Connection", "close"},
                                        {"Accept", "text/*"},
                                        {"HTTP2-Settings", "AA"}};
    h2_frame frame;
    (void)state;
    send_as(0, &(sending){.method = "POST",
                          .headers = headers,
                          .header_count = sizeof(headers) / sizeof(headers[0]),
                          .body = "body",
                          .body_size = 4});
    assert_true(h2_peer_take_type(&f.peer, NGHTTP2_HEADERS, &frame));
    assert_int_equal(frame.flags, NGHTTP2_FLAG_END_HEADERS);
    assert_string_equal(f.peer.head,
                        ":method: POST\n:scheme: https\n:authority: other:8443\n:path: /path?q\n"
                        "user-agent: ua/1\nx-upper: Value\nte: trailers\nx-lower: \n"
                        "accept: text/*\ncontent-length: 4\n");
    assert_true(h2_peer_take(&f.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_DATA);
    assert_int_equal(frame.flags, NGHTTP2_FLAG_END_STREAM);
    assert_memory_equal(frame.payload, "body", 4);
    assert_int_equal(f.all[0].stream->sent_bytes % 256, f.all[0].stream->sent_bytes);
    assert_false(f.all[0].stream->uploading);
}

/* The second time a head costs a byte a field but for the path. */
static void test_repeated_fields(void **state)
{
    static const rp_header headers[] = {{"X-One", "some value"}, {"X-Two", "another value"}};
    h2_frame frame;
    size_t sizes[2];
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        send_as(i, &(sending){.headers = headers, .header_count = 2});
        assert_true(h2_peer_take_type(&f.peer, NGHTTP2_HEADERS, &frame));
        sizes[i] = frame.size;
    }
    assert_in_range(sizes[1], 8, 7 + 8);
    assert_true(sizes[0] > 30);
}

/* More than one frame holds. */
static void test_large_head(void **state)
{
    static char value[100 * 1024];
    h2_frame frame;
    size_t size = 0;
    (void)state;
    memset(value, '\x7e', sizeof(value) - 1); /* long in HPACK's code */
    get(1);
    send_as(0, &(sending){.headers = (const rp_header[]){{"x", value}}, .header_count = 1});
    get(2);
    assert_true(h2_peer_take_type(&f.peer, NGHTTP2_HEADERS, &frame));
    assert_true(h2_peer_take(&f.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_HEADERS);
    assert_int_equal(frame.flags, NGHTTP2_FLAG_END_STREAM);
    do {
        size += frame.size;
        assert_true(h2_peer_take(&f.peer, &frame));
        assert_int_equal(frame.type, NGHTTP2_CONTINUATION);
        assert_int_equal(frame.id, 3);
    } while ((frame.flags & NGHTTP2_FLAG_END_HEADERS) == 0);
    size += frame.size;
    assert_true(size >= sizeof(value) - 1);
    assert_true(f.all[0].stream->sent_bytes >= size);
}

/* ---- answers ---- */

static void answer(uint32_t id)
{
    h2_head_put(&f.peer, id, 0, ":status: 103\nlink: x\n");
    h2_head_put(&f.peer, id, 0, ":status: 200\nserver: s\nset-cookie: a\nset-cookie: b\nempty:\n");
    h2_text_put(&f.peer, id, 0, "Hello");
    h2_text_put(&f.peer, id, 0, ", world");
    h2_head_put(&f.peer, id, ENDS_STREAM, "checksum: 1\n");
}

static unsigned fields_held(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < RP_HPACK_MEMO_FIELDS; i++)
        count += f.h2->decoder.memo[i].field != NULL;
    return count;
}

/* What one head has in common with those before is not decoded anew: so no field may be left from
 * them, be missing, or be in its place. Nor are fields held that are large, or nobody's to keep. */
static void test_heads_alike_and_unlike(void **state)
{
    static const struct {
        const char *fields, *told;
    } heads[] = {
        {":status: 200\na: 1\nb: 2\ncontent-length: 0\n", "head 200 a=1 b=2 content-length=0 (0);"},
        {":status: 200\na: 1\nb: 3\n", "head 200 a=1 b=3;"},
        {":status: 200\nb: 3\na: 1\n", "head 200 b=3 a=1;"},
        {":status: 404\n", "head 404;"},
        {":status: 200\na: 1\na: 1\na: 1\nb: 2\n", "head 200 a=1 a=1 a=1 b=2;"},
        {":status: 200\ncontent-length: 0\nb: 2\na: 1\n", "head 200 content-length=0 b=2 a=1 (0);"},
    };
    static const uint8_t never[] = {0x88, 0x10, 1, 's', 6, 's', 'e', 'c', 'r', 'e', 't'};
    static char many[3000] = ":status: 200\na: ";
    unsigned i = 0;
    (void)state;
    memset(many + strlen(many), 'x', sizeof(many) - strlen(many) - 2);
    many[sizeof(many) - 2] = '\n';
    for (; i < 40; i++) {
        size_t which = i < 6 ? i : i < 20 ? (i / 3) % 6 : (i * 7 / 2) % 6;
        exchange *e = get(i);
        if (i == 0)
            settings();
        h2_head_put(&f.peer, 1 + 2 * i, ENDS_STREAM, heads[which].fields);
        come();
        assert_complete(e, heads[which].told);
    }
    unsigned held = fields_held();
    assert_true(held > 0);
    exchange *secret = get(i);
    h2_frame_put(&f.peer, NGHTTP2_HEADERS, ENDS_STREAM | NGHTTP2_FLAG_END_HEADERS, 1 + 2 * i++,
                 never, sizeof(never));
    come();
    assert_complete(secret, "head 200 s=secret;");
    assert_int_equal(fields_held(), held);
    (void)get(i);
    h2_head_put(&f.peer, 1 + 2 * i, ENDS_STREAM, many);
    come();
    assert_int_equal(fields_held(), held);
}

static void test_answer_in_pieces(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 90; cut++) {
        f.cut = cut;
        exchange *e = get((unsigned)cut);
        if (cut == 0)
            settings();
        answer(1 + 2 * (uint32_t)cut);
        come();
        assert_complete(e, "head 103 link=x;head 200 server=s set-cookie=a set-cookie=b empty=;"
                           "Hello, world");
        assert_true(f.good);
    }
    assert_int_equal(rp_h2_open(f.h2), 0);
    assert_null(rp_h2_first(f.h2));
}

static void test_without_body(void **state)
{
    (void)state;
    exchange *head = send_as(0, &(sending){.method = "HEAD"});
    exchange *none = get(1), *same = get(2), *empty = get(3);
    h2_head_put(&f.peer, 1, ENDS_STREAM, ":status: 200\ncontent-length: 7\n");
    h2_head_put(&f.peer, 3, ENDS_STREAM, ":status: 204\n");
    h2_head_put(&f.peer, 5, ENDS_STREAM, ":status: 304\ncontent-length: 9\n");
    h2_head_put(&f.peer, 7, 0, ":status: 200\ncontent-length: 0\n");
    h2_text_put(&f.peer, 7, ENDS_STREAM, "");
    come();
    assert_complete(head, "head 200 content-length=7 (7);");
    assert_complete(none, "head 204 (0);");
    assert_complete(same, "head 304 content-length=9 (9);");
    assert_complete(empty, "head 200 content-length=0 (0);");
}

/* Streams take turns. */
static void test_interleaved(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        get(i);
    for (uint32_t id = 1; id <= 5; id += 2)
        h2_head_put(&f.peer, 6 - id, 0, ":status: 200\n");
    h2_text_put(&f.peer, 3, 0, "b");
    h2_text_put(&f.peer, 1, 0, "a");
    h2_text_put(&f.peer, 3, ENDS_STREAM, "B");
    h2_text_put(&f.peer, 5, ENDS_STREAM, "c");
    h2_text_put(&f.peer, 1, ENDS_STREAM, "A");
    come();
    assert_complete(&f.all[0], "head 200;aA");
    assert_complete(&f.all[1], "head 200;bB");
    assert_complete(&f.all[2], "head 200;c");
}

/* ---- answers that can't be used ---- */

/* The stream is reset, the next one lives, and names that the bad block put into the table are
 * known. */
static void assert_lives_on(unsigned next)
{
    static const char indexed[] = ":status: 200\nx-table: from the bad one\n";
    uint32_t id = 1 + 2 * next;
    exchange *e = get(next);
    assert_true(f.good);
    h2_head_put(&f.peer, id, ENDS_STREAM, indexed);
    come();
    assert_complete(e, "head 200 x-table=from the bad one;");
}

static void test_malformed(void **state)
{
    static const struct {
        const char *fields, *part;
    } cases[] = {
        {":status: 200\nx-table: from the bad one\nBad: x\n", "\"Bad\""},
        {":status: 200\nx-table: from the bad one\nconnection: close\n", "\"connection\""},
        {":status: 200\nx-table: from the bad one\ntransfer-encoding: chunked\n",
         "\"transfer-encoding\""},
        {":status: 200\nx-table: from the bad one\n:status: 200\n", "\":status\""},
        {"x-table: from the bad one\n", "malformed"},
        {":status: 20\nx-table: from the bad one\n", "\":status\""},
        {":status: 101\nx-table: from the bad one\n", "\":status\""},
        {":status: 200\n:path: /\nx-table: from the bad one\n", "\":path\""},
        {":status: 200\nx-table: from the bad one\ncontent-length: x\n", "\"content-length\""},
        {":status: 200\nx-table: from the bad one\ncontent-length: 1\ncontent-length: 1\n",
         "\"content-length\""},
        {":status: 200\nx-table: from the bad one\nx: a\x01z\n", "\"x\""},
        {":status: 200\nx-table: from the bad one\nb@d: x\n", "\"b\""},
        {":status: 100\nx-table: from the bad one\n", "malformed"}, /* ends the stream */
    };
    unsigned i = 0;
    (void)state;
    for (; i < sizeof(cases) / sizeof(cases[0]); i++) {
        exchange *e = get(2 * i);
        h2_head_put(&f.peer, 1 + 4 * i, ENDS_STREAM, cases[i].fields);
        come();
        assert_unusable(e, RP_E_BAD_RESPONSE, cases[i].part);
        assert_true(next_is(NGHTTP2_RST_STREAM, 1 + 4 * i, NGHTTP2_PROTOCOL_ERROR));
        assert_int_equal(e->error.h2_code, NGHTTP2_PROTOCOL_ERROR);
        assert_lives_on(2 * i + 1);
    }
}

static void test_body_differs_from_length(void **state)
{
    (void)state;
    exchange *less = get(0), *more = get(1), *none = get(2), *short_of = get(3);
    for (uint32_t id = 1; id <= 3; id += 2)
        h2_head_put(&f.peer, id, 0, ":status: 200\ncontent-length: 4\n");
    h2_text_put(&f.peer, 1, 0, "ab");
    h2_text_put(&f.peer, 1, ENDS_STREAM, "c");
    h2_text_put(&f.peer, 3, 0, "abc");
    h2_text_put(&f.peer, 3, ENDS_STREAM, "de");
    h2_head_put(&f.peer, 5, ENDS_STREAM, ":status: 200\ncontent-length: 4\n");
    h2_head_put(&f.peer, 7, 0, ":status: 200\ncontent-length: 4\n");
    h2_text_put(&f.peer, 7, 0, "abc");
    h2_head_put(&f.peer, 7, ENDS_STREAM, "checksum: 1\n");
    come();
    assert_unusable(less, RP_E_BODY_TRUNCATED, "after 3 of the 4 bytes");
    assert_unusable(more, RP_E_BAD_RESPONSE, "more than the 4 bytes");
    assert_unusable(none, RP_E_BODY_TRUNCATED, "after 0 of the 4 bytes");
    assert_unusable(short_of, RP_E_BODY_TRUNCATED, "after 3 of the 4 bytes");
    assert_true(f.good);
}

/* Where there is no body whatever the head says (RFC 9110, 6.4.1), its length is not to blame. */
static void test_body_unasked(void **state)
{
    static const char *const heads[] = {":status: 200\ncontent-length: 1\n", ":status: 200\n",
                                        ":status: 204\n", ":status: 304\ncontent-length: 1\n"};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        exchange *e = send_as(i, &(sending){.method = i < 2 ? "HEAD" : "GET"});
        h2_head_put(&f.peer, 1 + 2 * i, 0, heads[i]);
        h2_text_put(&f.peer, 1 + 2 * i, ENDS_STREAM, "x");
        come();
        assert_unusable(e, RP_E_BAD_RESPONSE, "a body where none may be");
        assert_int_equal(e->body_bytes, 0);
        assert_true(next_is(NGHTTP2_RST_STREAM, 1 + 2 * i, NGHTTP2_PROTOCOL_ERROR));
    }
    assert_true(f.good);
}

static void test_body_before_head(void **state)
{
    (void)state;
    exchange *e = get(0);
    h2_head_put(&f.peer, 1, 0, ":status: 103\n");
    h2_text_put(&f.peer, 1, 0, "x");
    come();
    assert_unusable(e, RP_E_BAD_RESPONSE, "malformed");
    assert_true(f.good);
}

/* The limits are on what the list is when it is decoded. */
static void test_head_limits(void **state)
{
    char fields[8192], line[2100];
    (void)state;
    (void)snprintf(line, sizeof(line), "big: %02000d\n", 0);
    (void)snprintf(fields, sizeof(fields), ":status: 200\n%s", line);
    exchange *once = get(0);
    h2_head_put(&f.peer, 1, ENDS_STREAM, fields);
    come();
    assert_true(once->ended && once->end == RP_H2_COMPLETE);
    /* Again, and twice, it costs two bytes, and 4,000 when decoded. */
    (void)snprintf(fields, sizeof(fields), ":status: 200\n%s%s", line, line);
    exchange *twice = get(1);
    h2_head_put(&f.peer, 3, 0, fields);
    h2_text_put(&f.peer, 3, ENDS_STREAM, "dropped");
    assert_true(f.peer.out_size < 100);
    come();
    assert_unusable(twice, RP_E_HEAD_TOO_LARGE, "larger than the limit");
    assert_true(next_is(NGHTTP2_RST_STREAM, 3, NGHTTP2_ENHANCE_YOUR_CALM));
    exchange *many = get(2);
    size_t size = (size_t)snprintf(fields, sizeof(fields), ":status: 200\n");
    for (int i = 0; i < 21; i++)
        size += (size_t)snprintf(fields + size, sizeof(fields) - size, "n: v\n");
    h2_head_put(&f.peer, 5, ENDS_STREAM, fields);
    come();
    assert_unusable(many, RP_E_HEAD_TOO_LARGE, "more headers");
    exchange *interim = get(3);
    for (int i = 0; i < 4; i++)
        h2_head_put(&f.peer, 7, 0, ":status: 102\n");
    come();
    assert_unusable(interim, RP_E_BAD_RESPONSE, "more 1xx");
    assert_told(interim, "head 102;head 102;head 102;");
    assert_true(f.good);
}

/* Eight frames of CONTINUATION go, nine do not. */
static void test_continuations(void **state)
{
    uint8_t block[256];
    (void)state;
    for (unsigned count = 8; count <= 9; count++) {
        exchange *e = get(count - 8);
        uint32_t id = 1 + 2 * (count - 8);
        size_t size = h2_block(&f.peer,
                               count == 8 ? ":status: 200\nserver: somebody in particular\n"
                                          : ":status: 200\nserver: nobody in particular\n",
                               block, sizeof(block));
        h2_frame_put(&f.peer, NGHTTP2_HEADERS, ENDS_STREAM, id, block, 1);
        for (unsigned i = 1; i < count; i++)
            h2_frame_put(&f.peer, NGHTTP2_CONTINUATION, 0, id, block + i, 1);
        h2_frame_put(&f.peer, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, id, block + count,
                     size - count);
        come();
        if (count == 8)
            assert_complete(e, "head 200 server=somebody in particular;");
    }
    assert_false(f.good);
}

/* ---- ends that the server makes ---- */

static void test_resets(void **state)
{
    static const struct {
        uint32_t code;
        rp_h2_end end;
        bool safe;
        const char *part;
    } cases[] = {
        {NGHTTP2_REFUSED_STREAM, RP_H2_UNPROCESSED, true, "REFUSED_STREAM"},
        {NGHTTP2_CANCEL, RP_H2_GIVEN_UP, false, "CANCEL"},
        {NGHTTP2_ENHANCE_YOUR_CALM, RP_H2_GIVEN_UP, false, "ENHANCE_YOUR_CALM"},
        {NGHTTP2_NO_ERROR, RP_H2_GIVEN_UP, false, "before its response was complete"},
        {0xabcdef, RP_H2_GIVEN_UP, false, "an unknown code"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        exchange *e = get(i);
        h2_word_put(&f.peer, NGHTTP2_RST_STREAM, 1 + 2 * i, cases[i].code);
        come();
        assert_true(e->ended);
        assert_int_equal(e->end, cases[i].end);
        assert_int_equal(e->error.status, RP_E_H2_RESET);
        assert_int_equal(e->error.h2_code, cases[i].code);
        assert_int_equal(e->error.replay_safe, cases[i].safe);
        assert_non_null(strstr(e->error.text, cases[i].part));
    }
    /* Once a head came, nobody may say that nothing was done. */
    exchange *late = get(10);
    uint32_t id = late->stream->id;
    h2_head_put(&f.peer, id, 0, ":status: 200\n");
    h2_word_put(&f.peer, NGHTTP2_RST_STREAM, id, NGHTTP2_REFUSED_STREAM);
    come();
    assert_int_equal(late->end, RP_H2_GIVEN_UP);
    assert_int_equal(rp_h2_open(f.h2), 0);
    assert_true(f.good);
}

static void test_goaway(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        get(i);
    h2_goaway_put(&f.peer, 3, NGHTTP2_NO_ERROR, "");
    come();
    assert_true(rp_h2_is_leaving(f.h2));
    assert_int_equal(rp_h2_limit(f.h2), 0);
    for (unsigned i = 2; i < 4; i++) {
        assert_true(f.all[i].ended);
        assert_int_equal(f.all[i].end, RP_H2_UNPROCESSED);
        assert_true(f.all[i].error.replay_safe);
        assert_non_null(strstr(f.all[i].error.text, "GOAWAY"));
    }
    assert_false(f.all[0].ended || f.all[1].ended);
    h2_head_put(&f.peer, 3, ENDS_STREAM, ":status: 200\n");
    h2_head_put(&f.peer, 1, ENDS_STREAM, ":status: 200\n");
    come();
    assert_complete(&f.all[0], "head 200;");
    assert_complete(&f.all[1], "head 200;");
}

static void test_farewell(void **state)
{
    rp_error error;
    (void)state;
    get(0);
    assert_false(rp_h2_farewell(f.h2, &error));
    h2_goaway_put(&f.peer, 1, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings\r\x1b");
    come();
    assert_true(rp_h2_farewell(f.h2, &error));
    assert_int_equal(error.h2_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_string_equal(error.text, "the server gave the connection up with ENHANCE_YOUR_CALM, "
                                    "\"too_many_pings??\" (GOAWAY)");
    assert_false(f.all[0].ended);
}

/* ---- how many ---- */

static void test_limit_of_streams(void **state)
{
    (void)state;
    assert_int_equal(rp_h2_limit(f.h2), 100);
    get(0);
    get(1);
    settings();
    assert_int_equal(rp_h2_limit(f.h2), 1000);
    for (uint32_t limit = 0; limit < 3; limit++) {
        h2_settings_put(&f.peer, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limit);
        come();
        assert_int_equal(rp_h2_limit(f.h2), limit);
    }
    assert_int_equal(rp_h2_open(f.h2), 2);
    h2_head_put(&f.peer, 1, ENDS_STREAM, ":status: 200\n");
    come();
    assert_int_equal(rp_h2_open(f.h2), 1);
    /* Reset by us: it counts until the server can know. */
    rp_h2_drop(f.h2, f.all[1].stream, f.now_ns);
    assert_int_equal(rp_h2_open(f.h2), 1);
    drain();
    assert_int_equal(rp_h2_open(f.h2), 0);
}

/* ---- streams that nobody wants ---- */

static unsigned resets_seen(void)
{
    h2_frame frame;
    unsigned count = 0;
    while (h2_peer_take_type(&f.peer, NGHTTP2_RST_STREAM, &frame)) {
        assert_int_equal(h2_word(frame.payload), NGHTTP2_CANCEL);
        count++;
    }
    return count;
}

/* Beyond the budget nothing is reset: what comes is dropped, the windows go back, and the streams
 * end by themselves. */
static void test_budget_of_resets(void **state)
{
    (void)state;
    settings();
    for (unsigned i = 0; i < 130; i++) {
        exchange *e = get(i);
        rp_h2_drop(f.h2, e->stream, f.now_ns);
        drain();
    }
    assert_int_equal(resets_seen(), 100);
    assert_int_equal(rp_h2_unwanted(f.h2), 30);
    assert_int_equal(rp_h2_open(f.h2), 30);
    for (unsigned i = 100; i < 130; i++) {
        h2_head_put(&f.peer, 1 + 2 * i, 0, ":status: 200\n");
        h2_zeros_put(&f.peer, 1 + 2 * i, ENDS_STREAM, 20000);
    }
    come();
    assert_int_equal(rp_h2_open(f.h2), 0);
    assert_int_equal(rp_h2_unwanted(f.h2), 0);
    f.now_ns += 2000000000u; /* two seconds make ten more */
    for (unsigned i = 130; i < 145; i++) {
        exchange *e = get(i);
        rp_h2_drop(f.h2, e->stream, f.now_ns);
        drain();
    }
    assert_int_equal(resets_seen(), 10);
    assert_true(f.good);
}

/* What comes on dropped streams is decoded all the same, and the connection's window goes back. */
static void test_dropped_in_step(void **state)
{
    uint64_t given = 0;
    (void)state;
    settings();
    (void)window_given(0);
    for (unsigned i = 0; i < 200; i++) {
        exchange *e = get(i);
        uint32_t id = e->stream->id;
        bool before = i % 2 == 0;
        e->drops = !before;
        if (before)
            rp_h2_drop(f.h2, e->stream, f.now_ns);
        h2_head_put(&f.peer, id, 0, ":status: 200\nx-table: from the bad one\n");
        h2_zeros_put(&f.peer, id, 0, 16384);
        h2_zeros_put(&f.peer, id, 0, 16384);
        if (i >= 100)
            h2_zeros_put(&f.peer, id, ENDS_STREAM, 0);
        come();
        given += window_given(0);
        f.now_ns += 300000000u;
    }
    uint64_t sent = (uint64_t)200 * 2 * 16384;
    assert_true(given <= sent && given >= sent - 512 * 1024);
    assert_lives_on(200);
}

/* So it does for those that could not be reset any more, for want of a budget. */
static void test_unwanted_give_back(void **state)
{
    uint64_t given = 0;
    (void)state;
    settings();
    (void)window_given(0);
    for (unsigned i = 0; i < 200; i++) {
        exchange *e = get(i);
        uint32_t id = e->stream->id;
        rp_h2_drop(f.h2, e->stream, f.now_ns);
        assert_int_equal(rp_h2_unwanted(f.h2), i >= 100);
        h2_head_put(&f.peer, id, 0, ":status: 200\n");
        h2_zeros_put(&f.peer, id, 0, 16384);
        h2_zeros_put(&f.peer, id, ENDS_STREAM, 16384);
        come();
        given += window_given(0);
    }
    uint64_t sent = (uint64_t)200 * 2 * 16384;
    assert_true(given <= sent && given >= sent - 2 * 1024 * 1024);
    assert_lives_on(200);
}

/* ---- flow control ---- */

static void test_limited(void **state)
{
    (void)state;
    exchange *e = send_as(0, &(sending){.limited = true, .credit = 10});
    exchange *other = get(1);
    settings();
    h2_head_put(&f.peer, 1, 0, ":status: 200\n");
    h2_text_put(&f.peer, 1, 0, "0123456789abcdef");
    h2_text_put(&f.peer, 1, ENDS_STREAM, "ghi");
    h2_head_put(&f.peer, 3, 0, ":status: 200\n");
    h2_text_put(&f.peer, 3, ENDS_STREAM, "free");
    come();
    assert_told(e, "head 200;0123456789");
    assert_complete(other, "head 200;free");
    assert_false(e->ended);
    assert_null(rp_h2_first(f.h2)); /* its answer is here */
    assert_true(rp_h2_consume(f.h2, e->stream, 4));
    assert_told(e, "head 200;0123456789");
    rp_h2_deliver(f.h2);
    assert_told(e, "head 200;0123456789abcd");
    assert_true(rp_h2_consume(f.h2, e->stream, 100));
    rp_h2_deliver(f.h2);
    take_ends();
    assert_complete(e, "head 200;0123456789abcdefghi");
}

/* Whoever holds back holds back nobody else: the connection's window goes back at once. A stream's
 * goes back with what is consumed. */
static void test_windows(void **state)
{
    (void)state;
    exchange *stalled = send_as(0, &(sending){.limited = true, .credit = 1000});
    settings();
    (void)window_given(0);
    h2_head_put(&f.peer, 1, 0, ":status: 200\n");
    h2_zeros_put(&f.peer, 1, 0, 256 * 1024);
    come();
    assert_int_equal(stalled->body_bytes, 1000);
    get(1);
    h2_head_put(&f.peer, 3, 0, ":status: 200\n");
    uint64_t given = 0;
    for (unsigned i = 0; i < 32; i++) {
        h2_frame frame;
        h2_zeros_put(&f.peer, 3, 0, 128 * 1024);
        come();
        while (h2_peer_take_type(&f.peer, NGHTTP2_WINDOW_UPDATE, &frame)) {
            assert_true(frame.id == 0 || frame.id == 3);
            given += frame.id == 3 ? h2_word(frame.payload) : 0;
        }
    }
    /* What came, and what it grew by at once; but for less than half of a window. */
    assert_in_range(given, (4096 + 768 - 512) * 1024, (4096 + 768) * 1024);
    assert_true(f.good);
    assert_int_equal(f.all[1].body_bytes, 32 * 128 * 1024);
    assert_true(rp_h2_consume(f.h2, stalled->stream, 200 * 1024));
    rp_h2_deliver(f.h2);
    drain();
    assert_int_equal(stalled->body_bytes, 1000 + 200 * 1024);
    assert_int_equal(window_given(1), 200 * 1024);
}

/* However many hold back: together they have more than the connection's window. */
static void test_many_stall(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 30; i++)
        send_as(i, &(sending){.limited = true, .credit = 1});
    settings();
    for (unsigned i = 0; i < 30; i++) {
        h2_head_put(&f.peer, 1 + 2 * i, 0, ":status: 200\n");
        h2_zeros_put(&f.peer, 1 + 2 * i, 0, 256 * 1024);
        come();
        assert_true(f.good);
        assert_int_equal(f.all[i].body_bytes, 1);
    }
    exchange *other = get(30);
    h2_head_put(&f.peer, 61, 0, ":status: 200\n");
    h2_text_put(&f.peer, 61, ENDS_STREAM, "free");
    come();
    assert_complete(other, "head 200;free");
}

/* More than the window lets through is an error of the server's. */
static void test_window_overrun(void **state)
{
    (void)state;
    send_as(0, &(sending){.limited = true, .credit = 1000});
    settings();
    h2_head_put(&f.peer, 1, 0, ":status: 200\n");
    h2_zeros_put(&f.peer, 1, 0, 256 * 1024 + 1);
    come();
    assert_true(f.all[0].ended || !f.good);
    assert_true(f.all[0].body_bytes <= 1000);
}

/* Half a second of delay: windows follow what comes in a round trip, up to the limit. */
static void test_windows_grow(void **state)
{
    uint64_t window = 256 * 1024, most = 0;
    (void)state;
    exchange *e = get(0);
    f.now_ns += 500000000u;
    settings();
    h2_head_put(&f.peer, 1, 0, ":status: 200\n");
    for (unsigned trip = 0; trip < 12; trip++) {
        uint64_t left = window;
        h2_zeros_put(&f.peer, 1, 0, left);
        f.now_ns += 500000000u;
        come();
        window = window - left + window_given(1);
        assert_true(f.good);
        most = window > most ? window : most;
    }
    assert_int_equal(most, 16 * 1024 * 1024);
    assert_true(e->body_bytes > 32 * 1024 * 1024);
}

static void test_upload(void **state)
{
    static char body[200 * 1024];
    h2_frame frame;
    size_t came = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i * 7 % 251);
    exchange *e = send_as(0, &(sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    assert_true(h2_peer_take_type(&f.peer, NGHTTP2_HEADERS, &frame));
    while (came < sizeof(body)) {
        bool any = false;
        while (h2_peer_take(&f.peer, &frame)) {
            if (frame.type != NGHTTP2_DATA)
                continue;
            assert_memory_equal(frame.payload, body + came, frame.size);
            came += frame.size;
            any = true;
            assert_int_equal(frame.flags, came == sizeof(body) ? NGHTTP2_FLAG_END_STREAM : 0);
        }
        assert_true(any);
        assert_true(came <= 65535 || came % 10000 == 65535 % 10000 || came == sizeof(body));
        assert_int_equal(e->stream->uploading, came < sizeof(body));
        h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 0, 10000);
        h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 1, 10000);
        come();
    }
    assert_false(e->ended);
}

/* A server that gives windows back in small pieces, as its program reads them, does not flood. */
static void test_upload_by_small_windows(void **state)
{
    static char body[1024 * 1024];
    enum { PIECE = 256 };
    size_t came = 0, given = 0;
    h2_frame frame;
    (void)state;
    exchange *e = send_as(0, &(sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    while (came < sizeof(body)) {
        while (h2_peer_take_type(&f.peer, NGHTTP2_DATA, &frame))
            came += frame.size;
        assert_true(came > given || came == sizeof(body));
        for (; given < came; given += PIECE) {
            h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 0, PIECE);
            h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 1, PIECE);
        }
        come();
        if (!f.good)
            fail_msg("after %u bytes", (unsigned)came);
    }
    assert_false(e->ended);
}

/* An upload that waits for a window wakes when the answer is complete, when the server resets it,
 * and when the connection goes; nothing of its body is read then. */
static void test_upload_ends_early(void **state)
{
    static char body[100 * 1024];
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        send_as(i, &(sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    h2_head_put(&f.peer, 1, ENDS_STREAM, ":status: 413\n");
    h2_head_put(&f.peer, 3, ENDS_STREAM, ":status: 413\n");
    h2_word_put(&f.peer, NGHTTP2_RST_STREAM, 3, NGHTTP2_NO_ERROR);
    h2_word_put(&f.peer, NGHTTP2_RST_STREAM, 5, NGHTTP2_CANCEL);
    h2_goaway_put(&f.peer, 5, NGHTTP2_NO_ERROR, "");
    come();
    assert_complete(&f.all[0], "head 413;");
    assert_complete(&f.all[1], "head 413;");
    assert_int_equal(f.all[2].end, RP_H2_GIVEN_UP);
    assert_int_equal(f.all[3].end, RP_H2_UNPROCESSED);
    assert_true(next_is(NGHTTP2_RST_STREAM, 1, NGHTTP2_CANCEL));
    h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 0, 1000000);
    come();
    h2_frame frame;
    assert_false(h2_peer_take_type(&f.peer, NGHTTP2_DATA, &frame));
    assert_int_equal(rp_h2_open(f.h2), 0);
}

/* A small one does not wait for the end of a large one, and large ones get on alike. */
static void test_uploads_take_turns(void **state)
{
    static char body[400 * 1024];
    size_t came[4] = {0};
    unsigned last = 4;
    h2_frame frame;
    (void)state;
    h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 0, 0x7fff0000);
    h2_settings_put(&f.peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff);
    come();
    for (unsigned i = 0; i < 4; i++) {
        size_t size = i == 3 ? 1000 : sizeof(body);
        send_quietly(i, &(sending){.method = "PUT", .body = body, .body_size = size});
    }
    rp_h2_drop(f.h2, f.all[1].stream, f.now_ns);
    drain();
    while (h2_peer_take(&f.peer, &frame)) {
        if (frame.type != NGHTTP2_DATA)
            continue;
        unsigned i = (frame.id - 1) / 2;
        came[i] += frame.size;
        if (came[3] == 0)
            assert_true(came[0] + came[2] < 100000);
        if (came[0] < sizeof(body) && came[2] < sizeof(body))
            assert_true(i != last || i == 3);
        last = i;
    }
    assert_int_equal(came[0], sizeof(body));
    assert_int_equal(came[1], 0);
    assert_int_equal(came[2], sizeof(body));
    assert_int_equal(came[3], 1000);
}

/* A head without the end: the upload goes on. */
static void test_early_head(void **state)
{
    static char body[100 * 1024];
    (void)state;
    exchange *e = send_as(0, &(sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    h2_head_put(&f.peer, 1, 0, ":status: 200\n");
    h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 0, 100000);
    h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 1, 100000);
    come();
    assert_false(e->stream->uploading);
    h2_text_put(&f.peer, 1, ENDS_STREAM, "all");
    come();
    assert_complete(e, "head 200;all");
}

/* ---- the connection's end ---- */

static void assert_failed(uint32_t code, const char *part)
{
    rp_error error;
    assert_false(f.good);
    rp_h2_failure(f.h2, &error);
    if (strstr(error.text, part) == NULL)
        fail_msg("not in \"%s\": %s", error.text, part);
    assert_int_equal(error.h2_code, code);
    assert_int_equal(error.status, RP_E_H2_PROTOCOL);
}

static void push(void)
{
    static const uint8_t promise[] = {0, 0, 0, 2, 0x88};
    h2_frame_put(&f.peer, NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1, promise, 5);
}
static void data_on_zero(void)
{
    h2_text_put(&f.peer, 0, 0, "x");
}
static void data_on_idle(void)
{
    h2_text_put(&f.peer, 9, 0, "x");
}
static void data_before_head(void)
{
    h2_text_put(&f.peer, 1, 0, "x");
}
static void head_on_idle(void)
{
    h2_head_put(&f.peer, 9, ENDS_STREAM, ":status: 200\n");
}
static void head_on_even(void)
{
    h2_head_put(&f.peer, 2, ENDS_STREAM, ":status: 200\n");
}
static void reset_on_idle(void)
{
    h2_word_put(&f.peer, NGHTTP2_RST_STREAM, 9, NGHTTP2_CANCEL);
}
static void zero_window(void)
{
    h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 0, 0);
}
static void window_overflow(void)
{
    h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 0, 0x7fffffff);
}
static void short_settings(void)
{
    h2_frame_put(&f.peer, NGHTTP2_SETTINGS, 0, 0, "12345", 5);
}
static void bad_initial_window(void)
{
    h2_settings_put(&f.peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x80000000u);
}
static void bad_frame_size(void)
{
    h2_settings_put(&f.peer, NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 1000);
}
static void large_frame(void)
{
    static const uint8_t zeros[16385];
    h2_frame_put(&f.peer, NGHTTP2_DATA, 0, 1, zeros, sizeof(zeros));
}
static void short_ping(void)
{
    h2_frame_put(&f.peer, NGHTTP2_PING, 0, 0, "1234567", 7);
}
static void cut_block(void)
{
    h2_frame_put(&f.peer, NGHTTP2_HEADERS, 0, 1, "\x88", 1);
    h2_text_put(&f.peer, 1, 0, "x");
}
static void stray_continuation(void)
{
    h2_frame_put(&f.peer, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, "\x88", 1);
}
static void bad_index(void)
{
    h2_frame_put(&f.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "\xff\x7f", 2);
}
static void large_padding(void)
{
    h2_frame_put(&f.peer, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, "\x08x", 2);
}
static void pings(void)
{
    for (unsigned i = 0; i < 1100; i++)
        h2_ping_put(&f.peer, false);
}
static void many_settings(void)
{
    for (unsigned i = 0; i < 1100; i++)
        h2_settings_put(&f.peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, i);
}
static void empty_data(void)
{
    h2_head_put(&f.peer, 1, 0, ":status: 200\n");
    for (unsigned i = 0; i < 1100; i++)
        h2_text_put(&f.peer, 1, 0, "");
}
static void small_windows(void)
{
    for (unsigned i = 0; i < 1100; i++)
        h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 0, 1);
}

static void test_broken_rules(void **state)
{
    static const struct {
        void (*put)(void);
        uint32_t code;
    } cases[] = {
        {push, NGHTTP2_PROTOCOL_ERROR},
        {data_on_zero, NGHTTP2_PROTOCOL_ERROR},
        {data_on_idle, NGHTTP2_PROTOCOL_ERROR},
        {data_before_head, NGHTTP2_PROTOCOL_ERROR},
        {head_on_idle, NGHTTP2_PROTOCOL_ERROR},
        {head_on_even, NGHTTP2_PROTOCOL_ERROR},
        {reset_on_idle, NGHTTP2_PROTOCOL_ERROR},
        {zero_window, NGHTTP2_PROTOCOL_ERROR},
        {window_overflow, NGHTTP2_FLOW_CONTROL_ERROR},
        {short_settings, NGHTTP2_FRAME_SIZE_ERROR},
        {bad_initial_window, NGHTTP2_FLOW_CONTROL_ERROR},
        {bad_frame_size, NGHTTP2_PROTOCOL_ERROR},
        {large_frame, NGHTTP2_FRAME_SIZE_ERROR},
        {short_ping, NGHTTP2_FRAME_SIZE_ERROR},
        {cut_block, NGHTTP2_PROTOCOL_ERROR},
        {stray_continuation, NGHTTP2_PROTOCOL_ERROR},
        {bad_index, NGHTTP2_COMPRESSION_ERROR},
        {large_padding, NGHTTP2_PROTOCOL_ERROR},
        {pings, NGHTTP2_ENHANCE_YOUR_CALM},
        {many_settings, NGHTTP2_ENHANCE_YOUR_CALM},
        {empty_data, NGHTTP2_ENHANCE_YOUR_CALM},
        {small_windows, NGHTTP2_ENHANCE_YOUR_CALM},
    };
    for (unsigned i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        h2_frame frame;
        get(0);
        settings();
        f.cut = i % 2;
        cases[i / 2].put();
        come();
        assert_failed(cases[i / 2].code, "the server ");
        assert_true(h2_peer_take_type(&f.peer, NGHTTP2_GOAWAY, &frame));
        assert_int_equal(h2_word(frame.payload + 4), cases[i / 2].code);
        assert_false(rp_h2_feed(f.h2, (const uint8_t *)"x", 1, f.now_ns));
        end();
        (void)set_up(state);
    }
}

static void test_answers_in_http1(void **state)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    rp_error error;
    for (f.cut = 0; f.cut < 3; f.cut++) {
        size_t cut = f.cut;
        get(0);
        f.peer.out_size = 0;
        h2_raw(&f.peer, text, sizeof(text) - 1);
        come();
        assert_false(f.good);
        rp_h2_failure(f.h2, &error);
        assert_int_equal(error.status, RP_E_H2_NOT_SPOKEN);
        end();
        (void)set_up(state);
        f.cut = cut;
    }
}

/* A server that asks from time to time, for hours, is none that floods. */
static void test_pings_over_time(void **state)
{
    (void)state;
    settings();
    for (unsigned i = 0; i < 5000; i++) {
        h2_ping_put(&f.peer, false);
        f.now_ns += 100000000u;
        come();
    }
    assert_true(f.good);
}

/* ---- memory ---- */

static void test_no_allocation_in_the_steady_state(void **state)
{
    uint64_t before = 0;
    (void)state;
    settings();
    for (unsigned i = 0; i < 200; i++) {
        if (i == 100)
            before = f.memory.allocations;
        exchange *e = get(i);
        answer(e->stream->id);
        come();
        assert_true(e->ended);
    }
    assert_int_equal(f.memory.allocations, before);
}

static void run_once(void)
{
    static char body[70 * 1024];
    if (f.h2 == NULL)
        return;
    exchange *e = send_as(0, &(sending){.limited = true, .credit = 3});
    exchange *put = send_as(1, &(sending){.method = "PUT", .body = body, .body_size = 70 * 1024});
    h2_settings_ack(&f.peer);
    answer(1);
    h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 3, 100000);
    come();
    if (e->stream != NULL && !e->ended && rp_h2_consume(f.h2, e->stream, 100))
        rp_h2_deliver(f.h2);
    drain();
    take_ends();
    if (put->stream != NULL && !put->ended)
        rp_h2_drop(f.h2, put->stream, f.now_ns);
    drain();
}

static void test_no_memory(void **state)
{
    bool failed = true;
    for (uint64_t count = 1; failed; count++) {
        assert_true(count < 500);
        end();
        (void)set_up(state);
        end();
        f.memory.fail_in = count;
        begin();
        run_once();
        failed = f.memory.fail_in == 0;
    }
    assert_complete(&f.all[0], "head 103 link=x;head 200 server=s set-cookie=a set-cookie=b empty=;"
                               "Hello, world");
}

/* ---- what a reader found ---- */

/* Trailers tell the peer of a smaller table, by which what a kept head refers to is gone. */
static void test_table_shrinks_before_trailers(void **state)
{
    static char body[10];
    static const rp_header fields[] = {{"Trailer", "sum"}};
    static uint8_t trailers[] = "sum: 1\r\n";
    h2_frame frame;
    (void)state;
    h2_settings_put(&f.peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
    settings();
    send_as(0, &(sending){.method = "PUT",
                          .body = body,
                          .body_size = sizeof(body),
                          .headers = fields,
                          .header_count = 1});
    f.all[0].body.trailers = trailers;
    f.all[0].body.trailers_size = sizeof(trailers) - 1;
    get(1);
    get(2);
    while (h2_peer_take(&f.peer, &frame))
        continue;
    h2_settings_put(&f.peer, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0);
    h2_word_put(&f.peer, NGHTTP2_WINDOW_UPDATE, 1, 100);
    come();
    while (h2_peer_take(&f.peer, &frame))
        continue;
    get(3);
    while (h2_peer_take(&f.peer, &frame)) /* the peer decodes it */
        continue;
}

/* With the last bytes of an answer, before its upload's end: the server learns that it gets no
 * more. */
static void test_dropped_with_the_end(void **state)
{
    static char body[100 * 1024];
    (void)state;
    exchange *e = send_as(0, &(sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    settings();
    e->drops = true;
    h2_head_put(&f.peer, 1, 0, ":status: 200\n");
    h2_text_put(&f.peer, 1, ENDS_STREAM, "x");
    come();
    assert_int_equal(rp_h2_open(f.h2), 0);
    assert_true(next_is(NGHTTP2_RST_STREAM, 1, NGHTTP2_CANCEL));
}

/* Of what waited for credit; on_body sees that its bytes stay. */
static void test_dropped_in_a_delivery(void **state)
{
    (void)state;
    exchange *e = send_as(0, &(sending){.limited = true, .credit = 1});
    settings();
    h2_head_put(&f.peer, 1, 0, ":status: 200\n");
    h2_text_put(&f.peer, 1, 0, "0123456789");
    come();
    e->drops = true;
    assert_true(rp_h2_consume(f.h2, e->stream, 5));
    rp_h2_deliver(f.h2);
    assert_told(e, "head 200;012345");
}

/* The server knows of a stream whose head is partly out, and may end it. */
static void test_ended_within_its_head(void **state)
{
    static char value[100 * 1024];
    static uint8_t out[40000];
    rp_message message;
    rp_error error;
    size_t size = 0;
    rp_header field = {"x", value};
    (void)state;
    get(1);
    settings();
    memset(value, '~', sizeof(value) - 1);
    rp_message_source source = {
        .method = "GET", .url = &f.url, .headers = &field, .header_count = 1, .user_agent = "u"};
    assert_int_equal(rp_message_pack(&message, &source, f.packed, sizeof(f.packed), &error), RP_OK);
    rp_h2_request request = {.message = &message, .user = &f.all[0]};
    f.all[0].stream = rp_h2_submit(f.h2, &request);
    assert_true(rp_h2_drain(f.h2, out, sizeof(out), &size, f.now_ns));
    assert_true(size > 16384);
    h2_word_put(&f.peer, NGHTTP2_RST_STREAM, 3, NGHTTP2_ENHANCE_YOUR_CALM);
    come();
    assert_true(f.good);
    assert_true(f.all[0].ended && f.all[0].end == RP_H2_GIVEN_UP);
    drain();
    h2_peer_give(&f.peer, out, size);
    assert_int_equal(rp_h2_open(f.h2), 1);
}

/* A byte or three name a large field of the table: so many such are no head. */
static void test_copied_names(void **state)
{
    static uint8_t first[4100] = {0x88, 0x40, 0x7f, 0xa1, 0x1e}, more[9 * 16384];
    size_t size = 5;
    (void)state;
    get(0);
    settings();
    memset(first + size, 'a', 4000);
    size += 4000;
    first[size++] = 0;
    h2_frame_put(&f.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, first, size);
    come();
    assert_true(f.good);
    for (size_t i = 0; i < sizeof(more); i += 3)
        memcpy(more + i, "\x0f\x2f", 3);
    for (unsigned i = 0; i < 9; i++)
        h2_frame_put(&f.peer, i == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION,
                     i == 8 ? NGHTTP2_FLAG_END_HEADERS : 0, 1, more + (size_t)i * 16384, 16384);
    come();
    assert_false(f.good);
}

static void test_empty_ends_of_the_closed(void **state)
{
    (void)state;
    get(0);
    settings();
    h2_head_put(&f.peer, 1, ENDS_STREAM, ":status: 200\n");
    for (unsigned i = 0; i < 5000; i++)
        h2_frame_put(&f.peer, NGHTTP2_DATA, ENDS_STREAM, 1, "", 0);
    come();
    assert_false(f.good);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_preface),
        TEST(test_fields),
        TEST(test_repeated_fields),
        TEST(test_large_head),
        TEST(test_heads_alike_and_unlike),
        TEST(test_answer_in_pieces),
        TEST(test_without_body),
        TEST(test_interleaved),
        TEST(test_malformed),
        TEST(test_body_differs_from_length),
        TEST(test_body_unasked),
        TEST(test_body_before_head),
        TEST(test_head_limits),
        TEST(test_continuations),
        TEST(test_resets),
        TEST(test_goaway),
        TEST(test_farewell),
        TEST(test_limit_of_streams),
        TEST(test_budget_of_resets),
        TEST(test_dropped_in_step),
        TEST(test_unwanted_give_back),
        TEST(test_limited),
        TEST(test_windows),
        TEST(test_many_stall),
        TEST(test_window_overrun),
        TEST(test_windows_grow),
        TEST(test_upload),
        TEST(test_upload_by_small_windows),
        TEST(test_upload_ends_early),
        TEST(test_uploads_take_turns),
        TEST(test_early_head),
        TEST(test_broken_rules),
        TEST(test_answers_in_http1),
        TEST(test_pings_over_time),
        TEST(test_no_allocation_in_the_steady_state),
        TEST(test_no_memory),
        TEST(test_table_shrinks_before_trailers),
        TEST(test_dropped_with_the_end),
        TEST(test_dropped_in_a_delivery),
        TEST(test_ended_within_its_head),
        TEST(test_copied_names),
        TEST(test_empty_ends_of_the_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
