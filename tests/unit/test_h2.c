/* test_h2.c - a client's side of HTTP/2 against a server by hand: what is on the wire, what is told
 * of answers however they are cut, and what ends a request or the connection. Windows and uploads
 * are in test_h2_flow.c. */
#define stream stream_inside /* a name that is used here, too */
#include "http/h2_inside.h"
#undef stream
#include "support/h2_rig.h"

/* ---- what is sent ---- */

static void test_preface(void **state)
{
    h2_frame frame;
    (void)state;
    h2_get(0);
    assert_true(h2_peer_take(&rig.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_SETTINGS);
    assert_int_equal(frame.size, 24);
    static const uint8_t all[24] = {0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0,    0,
                                    0, 4, 0, 4, 0, 0, 0, 6, 0, 0, 0x10, 0};
    assert_memory_equal(frame.payload, all, sizeof(all));
    assert_true(h2_peer_take(&rig.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_WINDOW_UPDATE);
    assert_int_equal(h2_word(frame.payload), 4 * 1024 * 1024 - 65535);
    assert_true(h2_peer_take(&rig.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_HEADERS);
    assert_int_equal(frame.id, 1);
    assert_int_equal(frame.flags, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM);
    assert_string_equal(rig.peer.head,
                        ":method: GET\n:scheme: https\n:authority: h\n:path: /path?q\n"
                        "user-agent: ua/1\naccept: */*\n");
    assert_false(h2_peer_take(&rig.peer, &frame));
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
    h2_send(0, &(h2_sending){.method = "POST",
                             .headers = headers,
                             .header_count = sizeof(headers) / sizeof(headers[0]),
                             .body = "body",
                             .body_size = 4});
    assert_true(h2_peer_take_type(&rig.peer, NGHTTP2_HEADERS, &frame));
    assert_int_equal(frame.flags, NGHTTP2_FLAG_END_HEADERS);
    assert_string_equal(rig.peer.head,
                        ":method: POST\n:scheme: https\n:authority: other:8443\n:path: /path?q\n"
                        "user-agent: ua/1\nx-upper: Value\nte: trailers\nx-lower: \n"
                        "accept: text/*\ncontent-length: 4\n");
    assert_true(h2_peer_take(&rig.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_DATA);
    assert_int_equal(frame.flags, NGHTTP2_FLAG_END_STREAM);
    assert_memory_equal(frame.payload, "body", 4);
    assert_int_equal(rig.all[0].stream->sent_bytes % 256, rig.all[0].stream->sent_bytes);
    assert_false(rig.all[0].stream->uploading);
}

/* The second time a head costs a byte a field but for the path. */
static void test_repeated_fields(void **state)
{
    static const rp_header headers[] = {{"X-One", "some value"}, {"X-Two", "another value"}};
    h2_frame frame;
    size_t sizes[2];
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        h2_send(i, &(h2_sending){.headers = headers, .header_count = 2});
        assert_true(h2_peer_take_type(&rig.peer, NGHTTP2_HEADERS, &frame));
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
    h2_get(1);
    h2_send(0, &(h2_sending){.headers = (const rp_header[]){{"x", value}}, .header_count = 1});
    h2_get(2);
    assert_true(h2_peer_take_type(&rig.peer, NGHTTP2_HEADERS, &frame));
    assert_true(h2_peer_take(&rig.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_HEADERS);
    assert_int_equal(frame.flags, NGHTTP2_FLAG_END_STREAM);
    do {
        size += frame.size;
        assert_true(h2_peer_take(&rig.peer, &frame));
        assert_int_equal(frame.type, NGHTTP2_CONTINUATION);
        assert_int_equal(frame.id, 3);
    } while ((frame.flags & NGHTTP2_FLAG_END_HEADERS) == 0);
    size += frame.size;
    assert_true(size >= sizeof(value) - 1);
    assert_true(rig.all[0].stream->sent_bytes >= size);
}

/* ---- answers ---- */

static void answer(uint32_t id)
{
    h2_head_put(&rig.peer, id, 0, ":status: 103\nlink: x\n");
    h2_head_put(&rig.peer, id, 0,
                ":status: 200\nserver: s\nset-cookie: a\nset-cookie: b\nempty:\n");
    h2_text_put(&rig.peer, id, 0, "Hello");
    h2_text_put(&rig.peer, id, 0, ", world");
    h2_head_put(&rig.peer, id, ENDS_STREAM, "checksum: 1\n");
}

static unsigned fields_held(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < RP_HPACK_MEMO_FIELDS; i++)
        count += rig.h2->decoder.memo[i].field != NULL;
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
        h2_exchange *e = h2_get(i);
        if (i == 0)
            h2_settings();
        h2_head_put(&rig.peer, 1 + 2 * i, ENDS_STREAM, heads[which].fields);
        h2_come();
        h2_assert_complete(e, heads[which].told);
    }
    unsigned held = fields_held();
    assert_true(held > 0);
    h2_exchange *secret = h2_get(i);
    h2_frame_put(&rig.peer, NGHTTP2_HEADERS, ENDS_STREAM | NGHTTP2_FLAG_END_HEADERS, 1 + 2 * i++,
                 never, sizeof(never));
    h2_come();
    h2_assert_complete(secret, "head 200 s=secret;");
    assert_int_equal(fields_held(), held);
    (void)h2_get(i);
    h2_head_put(&rig.peer, 1 + 2 * i, ENDS_STREAM, many);
    h2_come();
    assert_int_equal(fields_held(), held);
}

/* Servers send them, though RFC 9113, 8.2.1, has no place for them; they are none of the value (RFC
 * 9110, 5.5). A status has none. */
static void test_blanks_around_values(void **state)
{
    (void)state;
    h2_exchange *e = h2_get(0), *bad = h2_get(1);
    h2_settings();
    h2_head_put(&rig.peer, 1, 0,
                ":status: 200\na:  \tb c\t \nd: \t \nte: trailers \ncontent-length:  5 \n");
    h2_text_put(&rig.peer, 1, 0, "Hello");
    h2_head_put(&rig.peer, 1, ENDS_STREAM, "checksum:  1 \n");
    h2_head_put(&rig.peer, 3, ENDS_STREAM, ":status:  200\n");
    h2_come();
    h2_assert_complete(e, "head 200 a=b c d= te=trailers content-length=5 (5);Hello");
    h2_assert_unusable(bad, RP_E_BAD_RESPONSE, "\":status\"");
    assert_true(rig.good);
}

static void test_answer_in_pieces(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 90; cut++) {
        rig.cut = cut;
        h2_exchange *e = h2_get((unsigned)cut);
        if (cut == 0)
            h2_settings();
        answer(1 + 2 * (uint32_t)cut);
        h2_come();
        h2_assert_complete(e, "head 103 link=x;head 200 server=s set-cookie=a set-cookie=b empty=;"
                              "Hello, world");
        assert_true(rig.good);
    }
    assert_int_equal(rp__h2_open(rig.h2), 0);
    assert_null(rp__h2_first(rig.h2));
}

static void test_without_body(void **state)
{
    (void)state;
    h2_exchange *head = h2_send(0, &(h2_sending){.method = "HEAD"});
    h2_exchange *none = h2_get(1), *same = h2_get(2), *empty = h2_get(3), *said = h2_get(4);
    h2_head_put(&rig.peer, 1, ENDS_STREAM, ":status: 200\ncontent-length: 7\n");
    h2_head_put(&rig.peer, 3, ENDS_STREAM, ":status: 204\n");
    h2_head_put(&rig.peer, 5, ENDS_STREAM, ":status: 304\ncontent-length: 9\n");
    h2_head_put(&rig.peer, 7, 0, ":status: 200\ncontent-length: 0\n");
    h2_text_put(&rig.peer, 7, ENDS_STREAM, "");
    h2_head_put(&rig.peer, 9, 0, ":status: 103\ncontent-length: 5\n");
    h2_head_put(&rig.peer, 9, 0, ":status: 204\ncontent-length: 5\na: b\n");
    h2_text_put(&rig.peer, 9, ENDS_STREAM, "");
    h2_come();
    h2_assert_complete(head, "head 200 content-length=7 (7);");
    h2_assert_complete(said, "head 103;head 204 a=b (0);");
    h2_assert_complete(none, "head 204 (0);");
    h2_assert_complete(same, "head 304 content-length=9 (9);");
    h2_assert_complete(empty, "head 200 content-length=0 (0);");
}

/* Streams take turns. */
static void test_interleaved(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        h2_get(i);
    for (uint32_t id = 1; id <= 5; id += 2)
        h2_head_put(&rig.peer, 6 - id, 0, ":status: 200\n");
    h2_text_put(&rig.peer, 3, 0, "b");
    h2_text_put(&rig.peer, 1, 0, "a");
    h2_text_put(&rig.peer, 3, ENDS_STREAM, "B");
    h2_text_put(&rig.peer, 5, ENDS_STREAM, "c");
    h2_text_put(&rig.peer, 1, ENDS_STREAM, "A");
    h2_come();
    h2_assert_complete(&rig.all[0], "head 200;aA");
    h2_assert_complete(&rig.all[1], "head 200;bB");
    h2_assert_complete(&rig.all[2], "head 200;c");
}

/* ---- answers that can't be used ---- */

/* The stream is reset, the next one lives, and names that the bad block put into the table are
 * known. */
static void assert_lives_on(unsigned next)
{
    static const char indexed[] = ":status: 200\nx-table: from the bad one\n";
    uint32_t id = 1 + 2 * next;
    h2_exchange *e = h2_get(next);
    assert_true(rig.good);
    h2_head_put(&rig.peer, id, ENDS_STREAM, indexed);
    h2_come();
    h2_assert_complete(e, "head 200 x-table=from the bad one;");
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
        h2_exchange *e = h2_get(2 * i);
        h2_head_put(&rig.peer, 1 + 4 * i, ENDS_STREAM, cases[i].fields);
        h2_come();
        h2_assert_unusable(e, RP_E_BAD_RESPONSE, cases[i].part);
        assert_true(h2_next_is(NGHTTP2_RST_STREAM, 1 + 4 * i, NGHTTP2_PROTOCOL_ERROR));
        assert_int_equal(e->error.h2_code, NGHTTP2_PROTOCOL_ERROR);
        assert_lives_on(2 * i + 1);
    }
}

static void test_body_differs_from_length(void **state)
{
    (void)state;
    h2_exchange *less = h2_get(0), *more = h2_get(1), *none = h2_get(2), *short_of = h2_get(3);
    for (uint32_t id = 1; id <= 3; id += 2)
        h2_head_put(&rig.peer, id, 0, ":status: 200\ncontent-length: 4\n");
    h2_text_put(&rig.peer, 1, 0, "ab");
    h2_text_put(&rig.peer, 1, ENDS_STREAM, "c");
    h2_text_put(&rig.peer, 3, 0, "abc");
    h2_text_put(&rig.peer, 3, ENDS_STREAM, "de");
    h2_head_put(&rig.peer, 5, ENDS_STREAM, ":status: 200\ncontent-length: 4\n");
    h2_head_put(&rig.peer, 7, 0, ":status: 200\ncontent-length: 4\n");
    h2_text_put(&rig.peer, 7, 0, "abc");
    h2_head_put(&rig.peer, 7, ENDS_STREAM, "checksum: 1\n");
    h2_come();
    h2_assert_unusable(less, RP_E_BODY_TRUNCATED, "after 3 of the 4 bytes");
    h2_assert_unusable(more, RP_E_BAD_RESPONSE, "more than the 4 bytes");
    h2_assert_unusable(none, RP_E_BODY_TRUNCATED, "after 0 of the 4 bytes");
    h2_assert_unusable(short_of, RP_E_BODY_TRUNCATED, "after 3 of the 4 bytes");
    assert_true(rig.good);
}

/* Where there is no body whatever the head says (RFC 9110, 6.4.1), its length is not to blame. */
static void test_body_unasked(void **state)
{
    static const char *const heads[] = {":status: 200\ncontent-length: 1\n", ":status: 200\n",
                                        ":status: 204\n", ":status: 304\ncontent-length: 1\n"};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        h2_exchange *e = h2_send(i, &(h2_sending){.method = i < 2 ? "HEAD" : "GET"});
        h2_head_put(&rig.peer, 1 + 2 * i, 0, heads[i]);
        h2_text_put(&rig.peer, 1 + 2 * i, ENDS_STREAM, "x");
        h2_come();
        h2_assert_unusable(e, RP_E_BAD_RESPONSE, "a body where none may be");
        assert_int_equal(e->body_bytes, 0);
        assert_true(h2_next_is(NGHTTP2_RST_STREAM, 1 + 2 * i, NGHTTP2_PROTOCOL_ERROR));
    }
    assert_true(rig.good);
}

/* An interim one is none; nor does it help that there is nothing in the body. */
static void test_body_before_head(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t id = 1 + 2 * i;
        h2_exchange *e = h2_get(i);
        if (i < 2)
            h2_head_put(&rig.peer, id, 0, ":status: 103\n");
        h2_text_put(&rig.peer, id, 0, i % 2 == 0 ? "x" : "");
        h2_come();
        h2_assert_unusable(e, RP_E_BAD_RESPONSE, "malformed");
        assert_true(h2_next_is(NGHTTP2_RST_STREAM, id, NGHTTP2_PROTOCOL_ERROR));
        assert_true(rig.good);
    }
}

/* The limits are on what the list is when it is decoded. */
static void test_head_limits(void **state)
{
    char fields[8192], line[2100];
    (void)state;
    (void)snprintf(line, sizeof(line), "big: %02000d\n", 0);
    (void)snprintf(fields, sizeof(fields), ":status: 200\n%s", line);
    h2_exchange *once = h2_get(0);
    h2_head_put(&rig.peer, 1, ENDS_STREAM, fields);
    h2_come();
    assert_true(once->ended && once->end == RP_H2_COMPLETE);
    /* Again, and twice, it costs two bytes, and 4,000 when decoded. */
    (void)snprintf(fields, sizeof(fields), ":status: 200\n%s%s", line, line);
    h2_exchange *twice = h2_get(1);
    h2_head_put(&rig.peer, 3, 0, fields);
    h2_text_put(&rig.peer, 3, ENDS_STREAM, "dropped");
    assert_true(rig.peer.out_size < 100);
    h2_come();
    h2_assert_unusable(twice, RP_E_HEAD_TOO_LARGE, "larger than the limit");
    assert_true(h2_next_is(NGHTTP2_RST_STREAM, 3, NGHTTP2_ENHANCE_YOUR_CALM));
    h2_exchange *many = h2_get(2);
    size_t size = (size_t)snprintf(fields, sizeof(fields), ":status: 200\n");
    for (int i = 0; i < 21; i++)
        size += (size_t)snprintf(fields + size, sizeof(fields) - size, "n: v\n");
    h2_head_put(&rig.peer, 5, ENDS_STREAM, fields);
    h2_come();
    h2_assert_unusable(many, RP_E_HEAD_TOO_LARGE, "more headers");
    h2_exchange *interim = h2_get(3);
    for (int i = 0; i < 4; i++)
        h2_head_put(&rig.peer, 7, 0, ":status: 102\n");
    h2_come();
    h2_assert_unusable(interim, RP_E_BAD_RESPONSE, "more 1xx");
    h2_assert_told(interim, "head 102;head 102;head 102;");
    assert_true(rig.good);
}

/* Eight frames of CONTINUATION go, nine do not. */
static void test_continuations(void **state)
{
    uint8_t block[256];
    (void)state;
    for (unsigned count = 8; count <= 9; count++) {
        h2_exchange *e = h2_get(count - 8);
        uint32_t id = 1 + 2 * (count - 8);
        size_t size = h2_block(&rig.peer,
                               count == 8 ? ":status: 200\nserver: somebody in particular\n"
                                          : ":status: 200\nserver: nobody in particular\n",
                               block, sizeof(block));
        h2_frame_put(&rig.peer, NGHTTP2_HEADERS, ENDS_STREAM, id, block, 1);
        for (unsigned i = 1; i < count; i++)
            h2_frame_put(&rig.peer, NGHTTP2_CONTINUATION, 0, id, block + i, 1);
        h2_frame_put(&rig.peer, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, id, block + count,
                     size - count);
        h2_come();
        if (count == 8)
            h2_assert_complete(e, "head 200 server=somebody in particular;");
    }
    assert_false(rig.good);
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
        {0xabcdef, RP_H2_GIVEN_UP, false, "the unknown code 0xabcdef"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        h2_exchange *e = h2_get(i);
        h2_word_put(&rig.peer, NGHTTP2_RST_STREAM, 1 + 2 * i, cases[i].code);
        h2_come();
        assert_true(e->ended);
        assert_int_equal(e->end, cases[i].end);
        assert_int_equal(e->error.status, RP_E_H2_RESET);
        assert_int_equal(e->error.h2_code, cases[i].code);
        assert_int_equal(e->error.replay_safe, cases[i].safe);
        assert_non_null(strstr(e->error.text, cases[i].part));
    }
    /* Once a head came, nobody may say that nothing was done. */
    h2_exchange *late = h2_get(10);
    uint32_t id = late->stream->id;
    h2_head_put(&rig.peer, id, 0, ":status: 200\n");
    h2_word_put(&rig.peer, NGHTTP2_RST_STREAM, id, NGHTTP2_REFUSED_STREAM);
    h2_come();
    assert_int_equal(late->end, RP_H2_GIVEN_UP);
    assert_int_equal(rp__h2_open(rig.h2), 0);
    assert_true(rig.good);
}

static void test_goaway(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        h2_get(i);
    h2_goaway_put(&rig.peer, 3, NGHTTP2_NO_ERROR, "");
    h2_come();
    assert_true(rp__h2_is_leaving(rig.h2));
    assert_int_equal(rp__h2_limit(rig.h2), 0);
    for (unsigned i = 2; i < 4; i++) {
        assert_true(rig.all[i].ended);
        assert_int_equal(rig.all[i].end, RP_H2_UNPROCESSED);
        assert_true(rig.all[i].error.replay_safe);
        assert_non_null(strstr(rig.all[i].error.text, "GOAWAY"));
    }
    assert_false(rig.all[0].ended || rig.all[1].ended);
    h2_head_put(&rig.peer, 3, ENDS_STREAM, ":status: 200\n");
    h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
    h2_come();
    h2_assert_complete(&rig.all[1], "head 200;");
    /* It may take back what it said, but not that it began to answer. */
    h2_goaway_put(&rig.peer, 0, NGHTTP2_NO_ERROR, "");
    h2_come();
    assert_int_equal(rig.all[0].end, RP_H2_GIVEN_UP);
    assert_false(rig.all[0].error.replay_safe);
    assert_int_equal(rig.all[0].error.h2_code, 0);
    assert_non_null(strstr(rig.all[0].error.text, "GOAWAY"));
}

static void test_farewell(void **state)
{
    rp_error error;
    (void)state;
    h2_get(0);
    assert_false(rp__h2_farewell(rig.h2, &error));
    h2_goaway_put(&rig.peer, 1, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings\r\x1b");
    h2_come();
    assert_true(rp__h2_farewell(rig.h2, &error));
    assert_int_equal(error.h2_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_string_equal(error.text, "the server gave the connection up with ENHANCE_YOUR_CALM, "
                                    "\"too_many_pings??\" (GOAWAY)");
    assert_false(rig.all[0].ended);
}

/* ---- how many ---- */

static void test_limit_of_streams(void **state)
{
    (void)state;
    assert_int_equal(rp__h2_limit(rig.h2), 100);
    h2_get(0);
    h2_get(1);
    h2_settings();
    assert_int_equal(rp__h2_limit(rig.h2), 1000);
    for (uint32_t limit = 0; limit < 3; limit++) {
        h2_settings_put(&rig.peer, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limit);
        h2_come();
        assert_int_equal(rp__h2_limit(rig.h2), limit);
    }
    assert_int_equal(rp__h2_open(rig.h2), 2);
    h2_head_put(&rig.peer, 1, ENDS_STREAM, ":status: 200\n");
    h2_come();
    assert_int_equal(rp__h2_open(rig.h2), 1);
    /* Reset by us: it counts until the server can know. */
    rp__h2_drop(rig.h2, rig.all[1].stream, rig.now_ns);
    assert_int_equal(rp__h2_open(rig.h2), 1);
    h2_drain();
    assert_int_equal(rp__h2_open(rig.h2), 0);
}

/* Whose memory is worth fetching. */
static void test_next_user(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        h2_get(i);
    rp_h2_stream *first = rig.all[0].stream;
    assert_ptr_equal(rp__h2_next_user(rig.h2, first), &rig.all[1]);
    assert_ptr_equal(rp__h2_next_user(rig.h2, rig.all[1].stream), &rig.all[2]);
    assert_null(rp__h2_next_user(rig.h2, rig.all[2].stream));
    rp__h2_drop(rig.h2, rig.all[1].stream, rig.now_ns);
    assert_ptr_equal(rp__h2_next_user(rig.h2, first), &rig.all[2]);
}

/* ---- streams that nobody wants ---- */

static unsigned resets_seen(void)
{
    h2_frame frame;
    unsigned count = 0;
    while (h2_peer_take_type(&rig.peer, NGHTTP2_RST_STREAM, &frame)) {
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
    h2_settings();
    for (unsigned i = 0; i < 130; i++) {
        h2_exchange *e = h2_get(i);
        rp__h2_drop(rig.h2, e->stream, rig.now_ns);
        h2_drain();
    }
    assert_int_equal(resets_seen(), 100);
    assert_int_equal(rp__h2_unwanted(rig.h2), 30);
    assert_int_equal(rp__h2_open(rig.h2), 30);
    for (unsigned i = 100; i < 130; i++) {
        h2_head_put(&rig.peer, 1 + 2 * i, 0, ":status: 200\n");
        h2_zeros_put(&rig.peer, 1 + 2 * i, ENDS_STREAM, 20000);
    }
    h2_come();
    assert_int_equal(rp__h2_open(rig.h2), 0);
    assert_int_equal(rp__h2_unwanted(rig.h2), 0);
    rig.now_ns += 2000000000u; /* two seconds make ten more */
    for (unsigned i = 130; i < 145; i++) {
        h2_exchange *e = h2_get(i);
        rp__h2_drop(rig.h2, e->stream, rig.now_ns);
        h2_drain();
    }
    assert_int_equal(resets_seen(), 10);
    assert_true(rig.good);
}

/* What comes on dropped streams is decoded all the same, and the connection's window goes back. */
static void test_dropped_in_step(void **state)
{
    uint64_t given = 0;
    (void)state;
    h2_settings();
    (void)h2_window_given(0);
    for (unsigned i = 0; i < 200; i++) {
        h2_exchange *e = h2_get(i);
        uint32_t id = e->stream->id;
        bool before = i % 2 == 0;
        e->drops = !before;
        if (before)
            rp__h2_drop(rig.h2, e->stream, rig.now_ns);
        h2_head_put(&rig.peer, id, 0, ":status: 200\nx-table: from the bad one\n");
        h2_zeros_put(&rig.peer, id, 0, 16384);
        h2_zeros_put(&rig.peer, id, 0, 16384);
        if (i >= 100)
            h2_zeros_put(&rig.peer, id, ENDS_STREAM, 0);
        h2_come();
        given += h2_window_given(0);
        rig.now_ns += 300000000u;
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
    h2_settings();
    (void)h2_window_given(0);
    for (unsigned i = 0; i < 200; i++) {
        h2_exchange *e = h2_get(i);
        uint32_t id = e->stream->id;
        rp__h2_drop(rig.h2, e->stream, rig.now_ns);
        assert_int_equal(rp__h2_unwanted(rig.h2), i >= 100);
        h2_head_put(&rig.peer, id, 0, ":status: 200\n");
        h2_zeros_put(&rig.peer, id, 0, 16384);
        h2_zeros_put(&rig.peer, id, ENDS_STREAM, 16384);
        h2_come();
        given += h2_window_given(0);
    }
    uint64_t sent = (uint64_t)200 * 2 * 16384;
    assert_true(given <= sent && given >= sent - 2 * 1024 * 1024);
    assert_lives_on(200);
}

/* ---- the connection's end ---- */

static void assert_failed(uint32_t code, const char *part)
{
    rp_error error;
    assert_false(rig.good);
    rp__h2_failure(rig.h2, &error);
    if (strstr(error.text, part) == NULL)
        fail_msg("not in \"%s\": %s", error.text, part);
    assert_int_equal(error.h2_code, code);
    assert_int_equal(error.status, RP_E_H2_PROTOCOL);
}

static void push(void)
{
    static const uint8_t promise[] = {0, 0, 0, 2, 0x88};
    h2_frame_put(&rig.peer, NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1, promise, 5);
}
static void data_on_zero(void)
{
    h2_text_put(&rig.peer, 0, 0, "x");
}
static void data_on_idle(void)
{
    h2_text_put(&rig.peer, 9, 0, "x");
}
static void head_on_idle(void)
{
    h2_head_put(&rig.peer, 9, ENDS_STREAM, ":status: 200\n");
}
static void head_on_even(void)
{
    h2_head_put(&rig.peer, 2, ENDS_STREAM, ":status: 200\n");
}
static void reset_on_idle(void)
{
    h2_word_put(&rig.peer, NGHTTP2_RST_STREAM, 9, NGHTTP2_CANCEL);
}
static void zero_window(void)
{
    h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, 0);
}
static void window_overflow(void)
{
    h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, 0x7fffffff);
}
static void short_settings(void)
{
    h2_frame_put(&rig.peer, NGHTTP2_SETTINGS, 0, 0, "12345", 5);
}
static void bad_initial_window(void)
{
    h2_settings_put(&rig.peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x80000000u);
}
static void bad_frame_size(void)
{
    h2_settings_put(&rig.peer, NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 1000);
}
static void large_frame(void)
{
    static const uint8_t zeros[16385];
    h2_frame_put(&rig.peer, NGHTTP2_DATA, 0, 1, zeros, sizeof(zeros));
}
static void short_ping(void)
{
    h2_frame_put(&rig.peer, NGHTTP2_PING, 0, 0, "1234567", 7);
}
static void cut_block(void)
{
    h2_frame_put(&rig.peer, NGHTTP2_HEADERS, 0, 1, "\x88", 1);
    h2_text_put(&rig.peer, 1, 0, "x");
}
static void stray_continuation(void)
{
    h2_frame_put(&rig.peer, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, "\x88", 1);
}
static void bad_index(void)
{
    h2_frame_put(&rig.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "\xff\x7f", 2);
}
static void large_padding(void)
{
    h2_frame_put(&rig.peer, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, "\x08x", 2);
}
static void pings(void)
{
    for (unsigned i = 0; i < 1100; i++)
        h2_ping_put(&rig.peer, false);
}
static void many_settings(void)
{
    for (unsigned i = 0; i < 1100; i++)
        h2_settings_put(&rig.peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, i);
}
static void empty_data(void)
{
    h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
    for (unsigned i = 0; i < 1100; i++)
        h2_text_put(&rig.peer, 1, 0, "");
}
static void small_windows(void)
{
    for (unsigned i = 0; i < 1100; i++)
        h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, 1);
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
        h2_get(0);
        h2_settings();
        rig.cut = i % 2;
        cases[i / 2].put();
        h2_come();
        assert_failed(cases[i / 2].code, "the server ");
        assert_true(h2_peer_take_type(&rig.peer, NGHTTP2_GOAWAY, &frame));
        assert_int_equal(h2_word(frame.payload + 4), cases[i / 2].code);
        assert_false(rp__h2_feed(rig.h2, (const uint8_t *)"x", 1, rig.now_ns));
        h2_rig_end();
        (void)h2_rig_set_up(state);
    }
}

static void test_answers_in_http1(void **state)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    rp_error error;
    for (rig.cut = 0; rig.cut < 3; rig.cut++) {
        size_t cut = rig.cut;
        h2_get(0);
        rig.peer.out_size = 0;
        h2_raw(&rig.peer, text, sizeof(text) - 1);
        h2_come();
        assert_false(rig.good);
        rp__h2_failure(rig.h2, &error);
        assert_int_equal(error.status, RP_E_H2_NOT_SPOKEN);
        h2_rig_end();
        (void)h2_rig_set_up(state);
        rig.cut = cut;
    }
}

/* A server that asks from time to time, for hours, is none that floods. */
static void test_pings_over_time(void **state)
{
    (void)state;
    h2_settings();
    for (unsigned i = 0; i < 5000; i++) {
        h2_ping_put(&rig.peer, false);
        rig.now_ns += 100000000u;
        h2_come();
    }
    assert_true(rig.good);
}

/* ---- memory ---- */

static void test_no_allocation_in_the_steady_state(void **state)
{
    uint64_t before = 0;
    (void)state;
    h2_settings();
    for (unsigned i = 0; i < 200; i++) {
        if (i == 100)
            before = rig.memory.allocations;
        h2_exchange *e = h2_get(i);
        answer(e->stream->id);
        h2_come();
        assert_true(e->ended);
    }
    assert_int_equal(rig.memory.allocations, before);
}

static void run_once(void)
{
    static char body[70 * 1024];
    if (rig.h2 == NULL)
        return;
    h2_exchange *e = h2_send(0, &(h2_sending){.limited = true, .credit = 3});
    h2_exchange *put =
        h2_send(1, &(h2_sending){.method = "PUT", .body = body, .body_size = 70 * 1024});
    h2_settings_ack(&rig.peer);
    answer(1);
    h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 3, 100000);
    h2_come();
    if (e->stream != NULL && !e->ended && rp__h2_consume(rig.h2, e->stream, 100))
        rp__h2_deliver(rig.h2);
    h2_drain();
    h2_take_ends();
    if (put->stream != NULL && !put->ended)
        rp__h2_drop(rig.h2, put->stream, rig.now_ns);
    h2_drain();
}

static void test_no_memory(void **state)
{
    bool failed = true;
    for (uint64_t count = 1; failed; count++) {
        assert_true(count < 500);
        h2_rig_end();
        (void)h2_rig_set_up(state);
        h2_rig_end();
        rig.memory.fail_in = count;
        h2_rig_begin();
        run_once();
        failed = rig.memory.fail_in == 0;
    }
    h2_assert_complete(&rig.all[0],
                       "head 103 link=x;head 200 server=s set-cookie=a set-cookie=b empty=;"
                       "Hello, world");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        H2_TEST(test_preface),
        H2_TEST(test_fields),
        H2_TEST(test_repeated_fields),
        H2_TEST(test_large_head),
        H2_TEST(test_heads_alike_and_unlike),
        H2_TEST(test_blanks_around_values),
        H2_TEST(test_answer_in_pieces),
        H2_TEST(test_without_body),
        H2_TEST(test_interleaved),
        H2_TEST(test_malformed),
        H2_TEST(test_body_differs_from_length),
        H2_TEST(test_body_unasked),
        H2_TEST(test_body_before_head),
        H2_TEST(test_head_limits),
        H2_TEST(test_continuations),
        H2_TEST(test_resets),
        H2_TEST(test_goaway),
        H2_TEST(test_farewell),
        H2_TEST(test_limit_of_streams),
        H2_TEST(test_next_user),
        H2_TEST(test_budget_of_resets),
        H2_TEST(test_dropped_in_step),
        H2_TEST(test_unwanted_give_back),
        H2_TEST(test_broken_rules),
        H2_TEST(test_answers_in_http1),
        H2_TEST(test_pings_over_time),
        H2_TEST(test_no_allocation_in_the_steady_state),
        H2_TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
