/* test_h2_corners.c - what a reader of the code found in HTTP/2, against a server by hand: ends,
 * drops and changes in the middle of something else, and floods of what costs the server little. */
#include "support/h2_rig.h"

/* Trailers tell the peer of a smaller table, by which what a kept head refers to is gone. */
static void test_table_shrinks_before_trailers(void **state)
{
    static char body[10];
    static const rp_header fields[] = {{"Trailer", "sum"}};
    static uint8_t trailers[] = "sum: 1\r\n";
    h2_frame frame;
    (void)state;
    h2_settings_put(&rig.peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
    h2_settings();
    h2_send(0, &(h2_sending){.method = "PUT",
                             .body = body,
                             .body_size = sizeof(body),
                             .headers = fields,
                             .header_count = 1});
    rig.all[0].body.trailers = trailers;
    rig.all[0].body.trailers_size = sizeof(trailers) - 1;
    h2_get(1);
    h2_get(2);
    while (h2_peer_take(&rig.peer, &frame))
        continue;
    h2_settings_put(&rig.peer, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0);
    h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 1, 100);
    h2_come();
    while (h2_peer_take(&rig.peer, &frame))
        continue;
    h2_get(3);
    while (h2_peer_take(&rig.peer, &frame)) /* the peer decodes it */
        continue;
}

/* With the last bytes of an answer, before its upload's end: the server learns that it gets no
 * more. */
static void test_dropped_with_the_end(void **state)
{
    static char body[100 * 1024];
    (void)state;
    h2_exchange *e =
        h2_send(0, &(h2_sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    h2_settings();
    e->drops = true;
    h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
    h2_text_put(&rig.peer, 1, ENDS_STREAM, "x");
    h2_come();
    assert_int_equal(rp__h2_open(rig.h2), 0);
    assert_true(h2_next_is(NGHTTP2_RST_STREAM, 1, NGHTTP2_CANCEL));
}

/* Of a body that came by the window that was before our SETTINGS: that it ends fits in any. */
static void test_ends_below_the_window(void **state)
{
    (void)state;
    rig.options.stream_window = 100;
    h2_rig_end();
    h2_rig_begin();
    h2_exchange *e = h2_send(0, &(h2_sending){.limited = true, .credit = 65535});
    h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
    for (unsigned i = 0; i < 5; i++)
        h2_zeros_put(&rig.peer, 1, 0, 65535 / 5);
    h2_settings_ack(&rig.peer);
    h2_frame_put(&rig.peer, NGHTTP2_DATA, ENDS_STREAM, 1, "", 0);
    h2_come();
    assert_int_equal(e->body_bytes, 65535);
    h2_assert_complete(e, "head 200;");
}

/* Of what waited for credit; on_body sees that its bytes stay. */
static void test_dropped_in_a_delivery(void **state)
{
    (void)state;
    h2_exchange *e = h2_send(0, &(h2_sending){.limited = true, .credit = 1});
    h2_settings();
    h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
    h2_text_put(&rig.peer, 1, 0, "0123456789");
    h2_come();
    e->drops = true;
    assert_true(rp__h2_consume(rig.h2, e->stream, 5));
    rp__h2_deliver(rig.h2);
    h2_assert_told(e, "head 200;012345");
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
    h2_frame frame;
    (void)state;
    h2_get(1);
    h2_settings();
    memset(value, '~', sizeof(value) - 1);
    rp_message_source source = {.method = "GET",
                                .url = &rig.url,
                                .headers = &field,
                                .header_count = 1,
                                .user_agent = rp__user_agent_of("u")};
    assert_int_equal(rp__message_pack(&message, &source, rig.packed, sizeof(rig.packed), &error),
                     RP_OK);
    rp_h2_request request = {.message = &message, .user = &rig.all[0]};
    rig.all[0].stream = rp__h2_submit(rig.h2, &request);
    assert_true(rp__h2_drain(rig.h2, out, sizeof(out), &size, rig.now_ns));
    assert_true(size > 16384);
    h2_peer_give(&rig.peer, out, size);
    rp__h2_ping(rig.h2);
    h2_word_put(&rig.peer, NGHTTP2_RST_STREAM, 3, NGHTTP2_ENHANCE_YOUR_CALM);
    h2_come();
    assert_true(rig.good);
    assert_true(rig.all[0].ended && rig.all[0].end == RP_H2_GIVEN_UP);
    assert_int_equal(rp__h2_open(rig.h2), 1);
    /* The head goes out to its end all the same: no other frame may come before. */
    while (h2_peer_take(&rig.peer, &frame) && frame.id != 3)
        continue;
    while ((frame.flags & NGHTTP2_FLAG_END_HEADERS) == 0) {
        assert_true(h2_peer_take(&rig.peer, &frame));
        assert_int_equal(frame.type, NGHTTP2_CONTINUATION);
        assert_int_equal(frame.id, 3);
    }
    assert_true(h2_peer_take(&rig.peer, &frame));
    assert_int_equal(frame.type, NGHTTP2_PING);
}

/* A byte or three name a large field of the table: so many such are no head. */
static void test_copied_names(void **state)
{
    static uint8_t first[4100] = {0x88, 0x40, 0x7f, 0xa1, 0x1e}, more[9 * 16384];
    size_t size = 5;
    (void)state;
    h2_get(0);
    h2_settings();
    memset(first + size, 'a', 4000);
    size += 4000;
    first[size++] = 0;
    h2_frame_put(&rig.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, first, size);
    h2_come();
    assert_true(rig.good);
    for (size_t i = 0; i < sizeof(more); i += 3)
        memcpy(more + i, "\x0f\x2f", 3);
    for (unsigned i = 0; i < 9; i++)
        h2_frame_put(&rig.peer, i == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION,
                     i == 8 ? NGHTTP2_FLAG_END_HEADERS : 0, 1, more + (size_t)i * 16384, 16384);
    h2_come();
    assert_false(rig.good);
}

/* Many frames with something in each are a large head, as Tomcat cuts it, at every 1,024 bytes at
 * the most; some more with nothing in them are a flood. */
static void test_cut_small(void **state)
{
    static uint8_t block[12 * 1024];
    static char fields[16 * 1024];
    (void)state;
    rig.options.head_bytes = sizeof(fields);
    h2_rig_end();
    h2_rig_begin();
    h2_settings();
    for (unsigned kind = 0; kind < 2; kind++) {
        size_t used = (size_t)snprintf(fields, sizeof(fields), ":status: 200\n");
        for (unsigned i = 0; i < 12; i++)
            used += (size_t)snprintf(fields + used, sizeof(fields) - used, "x-%u: %0900u\n", i, i);
        h2_get(kind);
        size_t size = h2_block(&rig.peer, fields, block, sizeof(block)), part = 600;
        assert_true(size > 9 * part);
        for (size_t at = 0; at < size; at += part) {
            part = size - at < part ? size - at : part;
            uint8_t flags = at + part == size ? NGHTTP2_FLAG_END_HEADERS : 0;
            h2_frame_put(&rig.peer, at == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION,
                         at == 0 ? ENDS_STREAM : flags, 1 + 2 * kind, block + at, part);
            for (unsigned i = 0; kind == 1 && i < 4 && flags == 0; i++)
                h2_frame_put(&rig.peer, NGHTTP2_CONTINUATION, 0, 3, "", 0);
        }
        h2_come();
        assert_int_equal(rig.good, kind == 0);
        assert_int_equal(rig.all[kind].ended, kind == 0);
    }
    assert_int_equal(rig.all[0].end, RP_H2_COMPLETE);
}

/* What the limit of heads allows, and the server was told that it does, is no flood. */
static void test_large_head(void **state)
{
    static uint8_t block[500 * 1024];
    static char fields[500 * 1024];
    (void)state;
    rig.options.head_bytes = (size_t)400 * 1024;
    h2_rig_end();
    h2_rig_begin();
    h2_settings();
    for (unsigned kind = 0; kind < 2; kind++) {
        size_t used = (size_t)snprintf(fields, sizeof(fields), ":status: 200\n"), part = 16384;
        for (unsigned i = 0; i < 13 + kind; i++) {
            used += (size_t)snprintf(fields + used, sizeof(fields) - used, "x-%u: ", i);
            memset(fields + used, '~', 30000);
            used += 30000;
            fields[used++] = '\n';
        }
        fields[used] = '\0';
        h2_get(kind);
        size_t size = h2_block(&rig.peer, fields, block, sizeof(block));
        for (size_t at = 0; at < size; at += part) {
            part = size - at < part ? size - at : part;
            h2_frame_put(&rig.peer, at == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION,
                         (uint8_t)((at == 0 ? ENDS_STREAM : 0) |
                                   (at + part == size ? NGHTTP2_FLAG_END_HEADERS : 0)),
                         1 + 2 * kind, block + at, part);
        }
        h2_come();
        assert_int_equal(rig.good, kind == 0);
        assert_int_equal(rig.all[kind].ended, kind == 0);
    }
    assert_int_equal(rig.all[0].end, RP_H2_COMPLETE);
}

static void test_empty_ends_of_the_closed(void **state)
{
    rp_error error;
    (void)state;
    h2_get(0);
    h2_get(1); /* else the first of them is the connection's end */
    h2_settings();
    h2_head_put(&rig.peer, 1, ENDS_STREAM, ":status: 200\n");
    for (unsigned i = 0; i < 5000; i++)
        h2_frame_put(&rig.peer, NGHTTP2_DATA, ENDS_STREAM, 1, "", 0);
    h2_come();
    assert_false(rig.good);
    rp__h2_failure(rig.h2, &error);
    assert_int_equal(error.h2_code, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* Heads that nobody can want are decoded, and that is all: they cost the server three bytes each.
 * Of a stream that is over, that we reset, and of one that is only passed over. */
static void test_heads_of_nobody(void **state)
{
    rp_error error;
    for (unsigned kind = 0; kind < 3; kind++) {
        uint32_t id = kind < 2 ? 1 : 201;
        h2_settings();
        for (unsigned i = 0; i <= id / 2; i++) {
            h2_get(i);
            if (kind > 0)
                rp__h2_drop(rig.h2, rig.all[i].stream, rig.now_ns);
        }
        h2_get(299);
        assert_int_equal(rp__h2_unwanted(rig.h2), kind == 2);
        h2_head_put(&rig.peer, id, kind == 0 ? ENDS_STREAM : 0, ":status: 200\n");
        for (unsigned i = 0; i < 5000; i++)
            h2_frame_put(&rig.peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, "\x88", 1);
        h2_come();
        assert_false(rig.good);
        rp__h2_failure(rig.h2, &error);
        assert_int_equal(error.h2_code, NGHTTP2_ENHANCE_YOUR_CALM);
        h2_rig_end();
        (void)h2_rig_set_up(state);
    }
}

/* But who cancels thousands at once gets as many answers that were on their way. */
static void test_answers_to_the_cancelled(void **state)
{
    (void)state;
    h2_settings();
    for (unsigned i = 0; i < 3000; i++) {
        h2_get(0);
        uint32_t id = rig.all[0].stream->id;
        rp__h2_drop(rig.h2, rig.all[0].stream, rig.now_ns);
        h2_drain();
        h2_head_put(&rig.peer, id, 0, ":status: 103\n");
        h2_head_put(&rig.peer, id, 0, ":status: 200\n");
        h2_text_put(&rig.peer, id, 0, "body");
        h2_head_put(&rig.peer, id, ENDS_STREAM, "checksum: 1\n");
        h2_come();
        assert_true(rig.good);
    }
    assert_int_equal(rp__h2_open(rig.h2), 0);
}

/* DATA or HEADERS behind the end that the server made of a stream: it is told so, once, while there
 * are others. Behind the end that we made of one it is none of its faults. */
static void test_behind_the_end(void **state)
{
    h2_frame frame;
    (void)state;
    h2_settings();
    h2_exchange *other = h2_get(8);
    for (unsigned i = 0; i < 8; i++) {
        uint32_t id = h2_get(i)->stream->id;
        bool ours = i >= 4, heads = i % 2 == 1;
        if (ours)
            rp__h2_drop(rig.h2, rig.all[i].stream, rig.now_ns);
        else if (i >= 2)
            h2_word_put(&rig.peer, NGHTTP2_RST_STREAM, id, NGHTTP2_CANCEL);
        else
            h2_head_put(&rig.peer, id, ENDS_STREAM, ":status: 200\n");
        h2_drain();
        if (ours)
            assert_true(h2_next_is(NGHTTP2_RST_STREAM, id, NGHTTP2_CANCEL));
        for (unsigned again = 0; again < 2; again++) {
            if (heads)
                h2_head_put(&rig.peer, id, ENDS_STREAM, ":status: 200\n");
            else
                h2_text_put(&rig.peer, id, 0, "x");
            h2_come();
            bool told = h2_next_is(NGHTTP2_RST_STREAM, id, NGHTTP2_STREAM_CLOSED);
            assert_int_equal(told, !ours && again == 0);
        }
    }
    /* However many they are, and are forgotten. */
    for (unsigned i = 9; i < 109; i++)
        h2_head_put(&rig.peer, h2_get(i)->stream->id, ENDS_STREAM, ":status: 200\n");
    h2_come();
    for (unsigned i = 9; i < 109; i++)
        h2_text_put(&rig.peer, 1 + 2 * i, 0, "x");
    h2_come();
    unsigned told = 0;
    while (h2_peer_take_type(&rig.peer, NGHTTP2_RST_STREAM, &frame))
        told++;
    assert_in_range(told, 1, 100);
    assert_true(rig.good);
    assert_int_equal(rp__h2_open(rig.h2), 1);
    /* Nobody is left whom the connection's end would harm. */
    h2_head_put(&rig.peer, other->stream->id, ENDS_STREAM, ":status: 200\n");
    h2_text_put(&rig.peer, 1, 0, "x");
    h2_come();
    h2_assert_complete(other, "head 200;");
    assert_false(rig.good);
    assert_true(h2_next_is(NGHTTP2_GOAWAY, 0, 0));
}

/* Answers that never end, and that nobody wants: those above the budget are reset once it has
 * grown, whether anything comes on them or not. */
static void test_unwanted_without_end(void **state)
{
    enum { DROPPED = 110 };
    (void)state;
    h2_settings();
    for (unsigned i = 0; i < DROPPED; i++) {
        h2_get(i);
        h2_head_put(&rig.peer, 1 + 2 * i, 0, ":status: 200\n");
    }
    h2_come();
    for (unsigned i = 0; i < DROPPED; i++)
        rp__h2_drop(rig.h2, rig.all[i].stream, rig.now_ns);
    h2_drain();
    assert_int_equal(rp__h2_unwanted(rig.h2), 10);
    for (unsigned second = 1; second <= 2; second++) {
        rig.now_ns += 1000000000u;
        h2_text_put(&rig.peer, 1 + 2 * (DROPPED - 1), 0, "x");
        h2_ping_put(&rig.peer, false);
        h2_come();
        assert_int_equal(rp__h2_unwanted(rig.h2), 10 - 5 * second);
        assert_int_equal(rp__h2_open(rig.h2), 10 - 5 * second);
    }
    assert_true(rig.good);
}

/* A server that asks just as often as it may, for long, is none that floods, whenever within a
 * hundredth of a second it does. */
static void test_as_often_as_may_be(void **state)
{
    static const uint32_t waits[] = {9900, 9900, 10500};
    (void)state;
    h2_settings();
    for (unsigned i = 0; i < 5000; i++) {
        h2_ping_put(&rig.peer, false);
        rig.now_ns += waits[i % 3] * (uint64_t)1000;
        h2_come();
    }
    assert_true(rig.good);
}

/* Nor is one that has a few such frames with each response, however fast the requests come. */
static void test_a_few_with_each_response(void **state)
{
    (void)state;
    h2_settings();
    for (unsigned i = 0; i < H2_RIG_STREAMS; i++) {
        h2_exchange *e = h2_get(i);
        h2_ping_put(&rig.peer, false);
        h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, 1);
        h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, e->stream->id, 1);
        h2_head_put(&rig.peer, e->stream->id, ENDS_STREAM, ":status: 200\n");
        h2_word_put(&rig.peer, NGHTTP2_RST_STREAM, 2 * i + 1, NGHTTP2_NO_ERROR);
        h2_come();
        assert_true(rig.good);
        assert_true(e->ended);
    }
}

/* Servers give back what their programs read, however small the pieces are, and all at once if it
 * was sent at once. More than was sent is a flood. */
static void test_given_back_in_pieces(void **state)
{
    enum { PIECE = 512, BYTES = 8000 }; /* the last ones come one by one */
    static char body[1024 * 1024];
    rp_error error;
    (void)state;
    h2_settings_put(&rig.peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, sizeof(body));
    h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, sizeof(body));
    h2_settings();
    h2_exchange *e =
        h2_send(0, &(h2_sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    assert_false(e->stream->uploading);
    for (size_t at = 0, size; at < sizeof(body); at += size) {
        size = at < sizeof(body) - BYTES ? PIECE : 1;
        h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, (uint32_t)size);
        h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 1, (uint32_t)size);
    }
    h2_head_put(&rig.peer, 1, ENDS_STREAM, ":status: 200\n");
    h2_come();
    assert_true(rig.good);
    h2_assert_complete(e, "head 200;");
    for (size_t i = 0; i < 1500; i++)
        h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, 512);
    h2_come();
    assert_false(rig.good);
    rp__h2_failure(rig.h2, &error);
    assert_int_equal(error.h2_code, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* What gives back nothing is free for nobody, and no error where the stream is closed. */
static void test_empty_windows_of_the_closed(void **state)
{
    rp_error error;
    (void)state;
    h2_settings();
    h2_send(0, &(h2_sending){.method = "PUT", .body = "body", .body_size = 4});
    h2_get(1);
    h2_head_put(&rig.peer, 1, ENDS_STREAM, ":status: 200\n");
    h2_come();
    for (unsigned i = 0; i < 1500; i++)
        h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 1, 0);
    h2_come();
    assert_false(rig.good);
    rp__h2_failure(rig.h2, &error);
    assert_int_equal(error.h2_code, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* ---- GOAWAY (6.8) at each place of a conversation ---- */

static void put_piece(unsigned piece)
{
    switch (piece) {
    case 0:
        h2_head_put(&rig.peer, 1, 0, ":status: 103\nlink: x\n");
        break;
    case 1:
        h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
        break;
    case 2:
        h2_text_put(&rig.peer, 1, 0, "go");
        break;
    case 3:
        h2_text_put(&rig.peer, 1, 0, "od");
        break;
    default:
        h2_head_put(&rig.peer, 1, ENDS_STREAM, "checksum: 1\n");
        break;
    }
}

/* Streams up to its last one go on to their ends, whenever it comes; those above are undone, be it
 * only when the number falls: servers say the largest one first, for what is on its way. */
static void test_goaway_anywhere(void **state)
{
    enum { PIECES = 5, KINDS = 3 };
    for (unsigned i = 0; i < (PIECES + 1) * KINDS; i++) {
        unsigned at = i / KINDS, kind = i % KINDS;
        rig.cut = 1 + i;
        h2_exchange *e = h2_get(0), *above = h2_get(1);
        h2_settings();
        for (unsigned piece = 0; piece <= PIECES; piece++) {
            if (piece == at && kind > 0)
                h2_goaway_put(&rig.peer, 0x7fffffff, NGHTTP2_NO_ERROR, "");
            if (piece == at && kind < 2)
                h2_goaway_put(&rig.peer, 1, NGHTTP2_NO_ERROR, "bye");
            if (piece < PIECES)
                put_piece(piece);
        }
        h2_come();
        assert_true(rig.good && rp__h2_is_leaving(rig.h2));
        h2_assert_complete(e, "head 103 link=x;head 200;good");
        assert_int_equal(above->ended, kind < 2);
        assert_true(kind == 2 || above->end == RP_H2_UNPROCESSED);
        h2_rig_end();
        (void)h2_rig_set_up(state);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        H2_TEST(test_table_shrinks_before_trailers),
        H2_TEST(test_dropped_with_the_end),
        H2_TEST(test_ends_below_the_window),
        H2_TEST(test_dropped_in_a_delivery),
        H2_TEST(test_ended_within_its_head),
        H2_TEST(test_copied_names),
        H2_TEST(test_cut_small),
        H2_TEST(test_large_head),
        H2_TEST(test_empty_ends_of_the_closed),
        H2_TEST(test_heads_of_nobody),
        H2_TEST(test_answers_to_the_cancelled),
        H2_TEST(test_behind_the_end),
        H2_TEST(test_unwanted_without_end),
        H2_TEST(test_as_often_as_may_be),
        H2_TEST(test_a_few_with_each_response),
        H2_TEST(test_given_back_in_pieces),
        H2_TEST(test_empty_windows_of_the_closed),
        H2_TEST(test_goaway_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
