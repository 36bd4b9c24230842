/* test_h2_flow.c - HTTP/2's flow control, both ways, against a server by hand: windows, credit, and
 * uploads. */
#include "support/h2_rig.h"

/* ---- flow control ---- */

static void test_limited(void **state)
{
    (void)state;
    h2_exchange *e = h2_send(0, &(h2_sending){.limited = true, .credit = 10});
    h2_exchange *other = h2_get(1);
    h2_settings();
    h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
    h2_text_put(&rig.peer, 1, 0, "0123456789abcdef");
    h2_text_put(&rig.peer, 1, ENDS_STREAM, "ghi");
    h2_head_put(&rig.peer, 3, 0, ":status: 200\n");
    h2_text_put(&rig.peer, 3, ENDS_STREAM, "free");
    h2_come();
    h2_assert_told(e, "head 200;0123456789");
    h2_assert_complete(other, "head 200;free");
    assert_false(e->ended);
    assert_null(rp__h2_first(rig.h2)); /* its answer is here */
    assert_true(rp__h2_consume(rig.h2, e->stream, 4));
    h2_assert_told(e, "head 200;0123456789");
    rp__h2_deliver(rig.h2);
    h2_assert_told(e, "head 200;0123456789abcd");
    assert_true(rp__h2_consume(rig.h2, e->stream, 100));
    rp__h2_deliver(rig.h2);
    h2_take_ends();
    h2_assert_complete(e, "head 200;0123456789abcdefghi");
}

/* Whoever holds back holds back nobody else: the connection's window goes back at once. A stream's
 * goes back with what is consumed. */
static void test_windows(void **state)
{
    (void)state;
    h2_exchange *stalled = h2_send(0, &(h2_sending){.limited = true, .credit = 1000});
    h2_settings();
    (void)h2_window_given(0);
    h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
    h2_zeros_put(&rig.peer, 1, 0, 256 * 1024);
    h2_come();
    assert_int_equal(stalled->body_bytes, 1000);
    h2_get(1);
    h2_head_put(&rig.peer, 3, 0, ":status: 200\n");
    uint64_t given = 0;
    for (unsigned i = 0; i < 32; i++) {
        h2_frame frame;
        h2_zeros_put(&rig.peer, 3, 0, 128 * 1024);
        h2_come();
        while (h2_peer_take_type(&rig.peer, NGHTTP2_WINDOW_UPDATE, &frame)) {
            assert_true(frame.id == 0 || frame.id == 3);
            given += frame.id == 3 ? h2_word(frame.payload) : 0;
        }
    }
    /* What came, and what it grew by at once; but for less than half of a window. */
    assert_in_range(given, (4096 + 768 - 512) * 1024, (4096 + 768) * 1024);
    assert_true(rig.good);
    assert_int_equal(rig.all[1].body_bytes, 32 * 128 * 1024);
    assert_true(rp__h2_consume(rig.h2, stalled->stream, 200 * 1024));
    rp__h2_deliver(rig.h2);
    h2_drain();
    assert_int_equal(stalled->body_bytes, 1000 + 200 * 1024);
    assert_int_equal(h2_window_given(1), 200 * 1024);
}

/* However many hold back: together they have more than the connection's window. */
static void test_many_stall(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 30; i++)
        h2_send(i, &(h2_sending){.limited = true, .credit = 1});
    h2_settings();
    for (unsigned i = 0; i < 30; i++) {
        h2_head_put(&rig.peer, 1 + 2 * i, 0, ":status: 200\n");
        h2_zeros_put(&rig.peer, 1 + 2 * i, 0, 256 * 1024);
        h2_come();
        assert_true(rig.good);
        assert_int_equal(rig.all[i].body_bytes, 1);
    }
    h2_exchange *other = h2_get(30);
    h2_head_put(&rig.peer, 61, 0, ":status: 200\n");
    h2_text_put(&rig.peer, 61, ENDS_STREAM, "free");
    h2_come();
    h2_assert_complete(other, "head 200;free");
}

/* More than the window lets through is an error of the server's. */
static void test_window_overrun(void **state)
{
    (void)state;
    h2_send(0, &(h2_sending){.limited = true, .credit = 1000});
    h2_settings();
    h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
    h2_zeros_put(&rig.peer, 1, 0, 256 * 1024 + 1);
    h2_come();
    assert_true(rig.all[0].ended || !rig.good);
    assert_true(rig.all[0].body_bytes <= 1000);
}

/* Half a second of delay: windows follow what comes in a round trip, up to the limit. */
static void test_windows_grow(void **state)
{
    uint64_t window = 256 * 1024, most = 0;
    (void)state;
    h2_exchange *e = h2_get(0);
    rig.now_ns += 500000000u;
    h2_settings();
    h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
    for (unsigned trip = 0; trip < 12; trip++) {
        uint64_t left = window;
        h2_zeros_put(&rig.peer, 1, 0, left);
        rig.now_ns += 500000000u;
        h2_come();
        window = window - left + h2_window_given(1);
        assert_true(rig.good);
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
    h2_exchange *e =
        h2_send(0, &(h2_sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    assert_true(h2_peer_take_type(&rig.peer, NGHTTP2_HEADERS, &frame));
    while (came < sizeof(body)) {
        bool any = false;
        while (h2_peer_take(&rig.peer, &frame)) {
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
        h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, 10000);
        h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 1, 10000);
        h2_come();
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
    h2_exchange *e =
        h2_send(0, &(h2_sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    while (came < sizeof(body)) {
        while (h2_peer_take_type(&rig.peer, NGHTTP2_DATA, &frame))
            came += frame.size;
        assert_true(came > given || came == sizeof(body));
        for (; given < came; given += PIECE) {
            h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, PIECE);
            h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 1, PIECE);
        }
        h2_come();
        if (!rig.good)
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
        h2_send(i, &(h2_sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    h2_head_put(&rig.peer, 1, ENDS_STREAM, ":status: 413\n");
    h2_head_put(&rig.peer, 3, ENDS_STREAM, ":status: 413\n");
    h2_word_put(&rig.peer, NGHTTP2_RST_STREAM, 3, NGHTTP2_NO_ERROR);
    h2_word_put(&rig.peer, NGHTTP2_RST_STREAM, 5, NGHTTP2_CANCEL);
    h2_goaway_put(&rig.peer, 5, NGHTTP2_NO_ERROR, "");
    h2_come();
    h2_assert_complete(&rig.all[0], "head 413;");
    h2_assert_complete(&rig.all[1], "head 413;");
    assert_int_equal(rig.all[2].end, RP_H2_GIVEN_UP);
    assert_int_equal(rig.all[3].end, RP_H2_UNPROCESSED);
    assert_true(h2_next_is(NGHTTP2_RST_STREAM, 1, NGHTTP2_CANCEL));
    h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, 1000000);
    h2_come();
    h2_frame frame;
    assert_false(h2_peer_take_type(&rig.peer, NGHTTP2_DATA, &frame));
    assert_int_equal(rp__h2_open(rig.h2), 0);
}

/* A small one does not wait for the end of a large one, and large ones get on alike. */
static void test_uploads_take_turns(void **state)
{
    static char body[400 * 1024];
    size_t came[4] = {0};
    unsigned last = 4;
    h2_frame frame;
    (void)state;
    h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, 0x7fff0000);
    h2_settings_put(&rig.peer, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff);
    h2_come();
    for (unsigned i = 0; i < 4; i++) {
        size_t size = i == 3 ? 1000 : sizeof(body);
        h2_send_quietly(i, &(h2_sending){.method = "PUT", .body = body, .body_size = size});
    }
    rp__h2_drop(rig.h2, rig.all[1].stream, rig.now_ns);
    h2_drain();
    while (h2_peer_take(&rig.peer, &frame)) {
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
    h2_exchange *e =
        h2_send(0, &(h2_sending){.method = "PUT", .body = body, .body_size = sizeof(body)});
    h2_head_put(&rig.peer, 1, 0, ":status: 200\n");
    h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 0, 100000);
    h2_word_put(&rig.peer, NGHTTP2_WINDOW_UPDATE, 1, 100000);
    h2_come();
    assert_false(e->stream->uploading);
    h2_text_put(&rig.peer, 1, ENDS_STREAM, "all");
    h2_come();
    h2_assert_complete(e, "head 200;all");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        H2_TEST(test_limited),
        H2_TEST(test_windows),
        H2_TEST(test_many_stall),
        H2_TEST(test_window_overrun),
        H2_TEST(test_windows_grow),
        H2_TEST(test_upload),
        H2_TEST(test_upload_by_small_windows),
        H2_TEST(test_upload_ends_early),
        H2_TEST(test_uploads_take_turns),
        H2_TEST(test_early_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
