/* test_server_h2.c - the scripted server's HTTP/2, against a client by hand: the same scripts as
 * for HTTP/1.1, what it does by itself, windows, and what scripts say by the frame. How it judges a
 * client is in test_server_h2_judge.c. */
#include "support/check.h"
#include "support/hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int all[] = {0, 12, 13};
static const int plain[] = {0};

static void each(const int *versions, size_t count, const rp_sim_server_options *serving,
                 void (*test)(scene *s, hand *h))
{
    for (size_t i = 0; i < count; i++) {
        rp_sim_server_options options = {.versions = RP_SIM_HTTP_2};
        scene s;
        hand h;
        if (serving != NULL)
            options = *serving;
        scene_begin(&s, versions[i], &options, NULL);
        hand_begin(&h, &s, true);
        test(&s, &h);
        const char *complaint = rp_sim_server_complaint(s.server);
        if (complaint != NULL)
            fail_msg("%s", complaint);
        hand_end(&h);
        scene_end(&s);
    }
}

#define EACH(versions, serving, test)                                                              \
    each(versions, sizeof(versions) / sizeof((versions)[0]), serving, test)

static void get(hand *h, uint32_t stream)
{
    if (h->scene->version == 0)
        hand_send(h, RP_SIM_FRAME_HEADERS, 5, stream, HAND_BYTES(HAND_GET));
    else
        hand_send(h, RP_SIM_FRAME_HEADERS, 5, stream, HAND_BYTES(HAND_GET_TLS));
}

/* ---- requests ---- */

static void answers(scene *s, hand *h)
{
    get(h, 1);
    hand_wait(h, "DATA 1 END_STREAM");
    get(h, 5);
    hand_wait(h, "DATA 5 END_STREAM");
    hand_heard(h, "HEADERS 1 :status=200 content-length=3\nDATA 1 END_STREAM 3\n"
                  "HEADERS 5 :status=200 content-length=3\nDATA 5 END_STREAM 3\n");
    rp_sim_server_counts counts = scene_counts(s);
    assert_int_equal(counts.connections, 1);
    assert_int_equal(counts.connections_2, 1);
    assert_int_equal(counts.requests, 2);
    assert_int_equal(counts.handshakes, s->version != 0);
    assert_int_equal(counts.streams_most, 1);
}

static void test_default_answer(void **state)
{
    (void)state;
    EACH(all, NULL, answers);
}

static void tell_request(rp_sim_exchange *x, void *user)
{
    char text[256];
    size_t size;
    const uint8_t *body = rp_sim_body(x, &size);
    (void)user;
    CHECK(rp_sim_version(x) == 20 && rp_sim_header(x, ":path") == NULL);
    (void)snprintf(text, sizeof(text), "X-Says: %s %s %s %s %u %u %.*s\r\nConnection: close\r\n",
                   rp_sim_method(x), rp_sim_target(x), rp_sim_header(x, "Host"),
                   rp_sim_header(x, "COOKIE"), rp_sim_served(x), rp_sim_stream(x), (int)size,
                   (const char *)body);
    rp_sim_respond(x, atoi(rp_sim_header(x, "status")), text, "body", 4);
}

static void ask(hand *h, uint32_t stream, const char *method, const char *status)
{
    uint8_t block[512];
    size_t size = hand_field(block, 0, ":method", method);
    size = hand_field(block, size, ":scheme", h->scene->version == 0 ? "http" : "https");
    size = hand_field(block, size, ":path", "/a?b");
    size = hand_field(block, size, ":authority", "here:1");
    size = hand_field(block, size, "cookie", "a=b");
    size = hand_field(block, size, "status", status);
    size = hand_field(block, size, "cookie", "c=d");
    hand_send(h, RP_SIM_FRAME_HEADERS, 4, stream, block, size);
    hand_send(h, RP_SIM_FRAME_DATA, 0, stream, "xy", 2);
    hand_send(h, RP_SIM_FRAME_DATA, 1, stream, "z", 1);
}

static void request_is_told(scene *s, hand *h)
{
    (void)s;
    ask(h, 1, "PUT", "200");
    hand_wait(h, "DATA 1");
    ask(h, 3, "HEAD", "200");
    hand_wait(h, "HEADERS 3");
    ask(h, 5, "DELETE", "204");
    hand_wait(h, "HEADERS 5");
    hand_heard(h, "HEADERS 1 :status=200 x-says=PUT /a?b here:1 a=b; c=d 0 1 xyz content-length=4\n"
                  "DATA 1 END_STREAM 4\n"
                  "HEADERS 3 END_STREAM :status=200 x-says=HEAD /a?b here:1 a=b; c=d 1 3 xyz"
                  " content-length=4\n"
                  "HEADERS 5 END_STREAM :status=204 x-says=DELETE /a?b here:1 a=b; c=d 2 5 xyz\n");
}

static void test_request_is_told(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = tell_request};
    EACH(all, &serving, request_is_told);
}

/* ---- versions ---- */

static void in_parts(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_head(x, 103, "Link: </a>\r\n", 0);
    rp_sim_head(x, 200, "X-Y: z\r\n", RP_SIM_SIZE_UNKNOWN);
    rp_sim_data(x, "one", 3);
    rp_sim_wait(x, 5);
    rp_sim_data(x, "", 0);
    rp_sim_data(x, "three", 5);
    if (rp_sim_served(x) % 2 == 1)
        rp_sim_trailers(x, "X-Trailer: yes\r\n");
    rp_sim_end(x, RP_SIM_KEEP);
}

static void parts_of_2(scene *s, hand *h)
{
    (void)s;
    get(h, 1);
    hand_wait(h, "DATA 1 END_STREAM");
    get(h, 3);
    hand_wait(h, "HEADERS 3 END_STREAM");
    hand_heard(h, "HEADERS 1 :status=103 link=</a>\nHEADERS 1 :status=200 x-y=z\nDATA 1 3\n"
                  "DATA 1 5\nDATA 1 END_STREAM\n"
                  "HEADERS 3 :status=103 link=</a>\nHEADERS 3 :status=200 x-y=z\nDATA 3 3\n"
                  "DATA 3 5\nHEADERS 3 END_STREAM x-trailer=yes\n");
}

static void parts_of_1(scene *s)
{
    s->alpn = "http/1.1";
    for (unsigned i = 0; i < 4; i++) {
        fetch f = {.header_name = "X-Y"};
        scene_good(s, &f, "/", NULL, 200);
        assert_string_equal(f.text, "onethree");
        assert_string_equal(f.header, "z");
        assert_int_equal(f.informational, 1);
        assert_int_equal(f.summary.reused, i > 0);
    }
    probe p = {0};
    scene_connect(s, &p);
    scene_ask(s, &p, "GET / HTTP/1.0\r\n\r\n", SIZE_MAX);
    assert_non_null(strstr(p.text, "\r\n\r\nonethree"));
    assert_null(strstr(p.text, "chunked"));
    probe_finish(&p);
}

/* One server for both: ALPN decides, and the first bytes of a plain connection. */
static void test_both_versions(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_1_OR_2, .on_request = in_parts};
    EACH(all, &serving, parts_of_2);
    for (size_t i = 0; i < 3; i++) {
        scene s;
        rp_client_options client = {.versions = RP_HTTP_1_1};
        scene_begin(&s, all[i], &serving, &client);
        parts_of_1(&s);
        assert_int_equal(scene_counts(&s).connections_2, 0);
        assert_int_equal(scene_counts(&s).malformed, 0);
        scene_end(&s);
    }
}

/* ---- windows ---- */

static void much(rp_sim_exchange *x, void *user)
{
    (void)user;
    uint8_t *bytes = probe_pattern(200000);
    rp_sim_respond(x, 200, NULL, bytes, 200000);
    free(bytes);
}

static void windows_kept(scene *s, hand *h)
{
    get(h, 1);
    hand_wait(h, "DATA 1 16383");
    get(h, 3);
    hand_wait(h, "HEADERS 3"); /* no window of the connection is left */
    hand_heard(h, "HEADERS 1 :status=200 content-length=200000\n"
                  "DATA 1 16384\nDATA 1 16384\nDATA 1 16384\nDATA 1 16383\n"
                  "HEADERS 3 :status=200 content-length=200000\n");
    hand_forget(h);
    hand_number(h, RP_SIM_FRAME_WINDOW_UPDATE, 1, 1000000);
    scene_settle(s, 20);
    hand_heard(h, "");
    hand_number(h, RP_SIM_FRAME_WINDOW_UPDATE, 0, 100);
    hand_wait(h, "DATA 1 100");
    hand_number(h, RP_SIM_FRAME_RST_STREAM, 1, 8);
    hand_number(h, RP_SIM_FRAME_WINDOW_UPDATE, 0, 3);
    hand_wait(h, "DATA 3 3");
    hand_heard(h, "DATA 1 100\nDATA 3 3\n");
    hand_forget(h);
    /* A smaller initial window makes a stream's negative: it takes so much more to go on. */
    hand_send(h, RP_SIM_FRAME_SETTINGS, 0, 0, HAND_BYTES("\0\4\0\0\0\1"));
    hand_number(h, RP_SIM_FRAME_WINDOW_UPDATE, 0, 1000000);
    hand_number(h, RP_SIM_FRAME_WINDOW_UPDATE, 3, 2);
    scene_settle(s, 20);
    hand_heard(h, "");
    hand_number(h, RP_SIM_FRAME_WINDOW_UPDATE, 3, 1);
    hand_wait(h, "DATA 3 1");
    assert_int_equal(scene_counts(s).resets, 1);
    assert_int_equal(scene_counts(s).reset_code, 8);
}

static void test_windows_kept(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = much};
    EACH(plain, &serving, windows_kept);
}

static void count_held(rp_sim_exchange *x, void *user)
{
    scene *s = user;
    (void)x;
    s->gone++;
}

static void hold(rp_sim_exchange *x, void *user)
{
    uint8_t *bytes = probe_pattern(70000);
    bool waits = rp_sim_stream(x) > 1;
    rp_sim_hold(x);
    rp_sim_head(x, 200, NULL, RP_SIM_SIZE_UNKNOWN);
    rp_sim_data(x, bytes, waits ? 3 : 70000);
    rp_sim_call(x, count_held, user);
    if (waits)
        rp_sim_wait(x, 3600000);
    rp_sim_end(x, RP_SIM_KEEP);
    free(bytes);
}

/* What is held does not wait for a window that only what is held would open, nor for a script that
 * its client's reset has ended: that would be for ever, and PINGs would not be answered either. */
static void held_leaves(scene *s, hand *h)
{
    get(h, 1);
    hand_wait(h, "DATA 1 16383");
    hand_number(h, RP_SIM_FRAME_WINDOW_UPDATE, 1, 10000);
    hand_number(h, RP_SIM_FRAME_WINDOW_UPDATE, 0, 10000);
    hand_wait(h, "DATA 1 END_STREAM");
    get(h, 3);
    UNTIL(s->web.loop, s->gone == 2);
    scene_settle(s, 20);
    assert_null(strstr(h->heard, "HEADERS 3"));
    hand_number(h, RP_SIM_FRAME_RST_STREAM, 3, 8);
    hand_wait(h, "DATA 3 3");
    hand_send(h, RP_SIM_FRAME_PING, 0, 0, "12345678", 8);
    hand_wait(h, "PING");
}

static void test_held_leaves(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = hold};
    EACH(all, &serving, held_leaves);
}

static void give(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (rp_sim_stream(x) == 3)
        rp_sim_withhold(rp_sim_connection(x), 0);
    rp_sim_respond(x, 200, NULL, "", 0);
}

static void upload(hand *h, uint32_t stream, size_t frames)
{
    uint8_t *bytes = probe_pattern(10000);
    hand_send(h, RP_SIM_FRAME_HEADERS, 4, stream, HAND_BYTES(HAND_POST));
    for (size_t i = 1; i <= frames; i++)
        hand_send(h, RP_SIM_FRAME_DATA, i == frames, stream, bytes, 10000);
    free(bytes);
}

static void windows_withheld(scene *s, hand *h)
{
    (void)s;
    upload(h, 1, 5);
    hand_wait(h, "HEADERS 1");
    hand_heard(h, "HEADERS 1 END_STREAM :status=200 content-length=0\n");
    hand_forget(h);
    hand_send(h, RP_SIM_FRAME_HEADERS, 5, 3, HAND_BYTES(HAND_GET));
    hand_wait(h, "WINDOW_UPDATE 0 50000");
    hand_wait(h, "HEADERS 3");
    hand_forget(h);
    upload(h, 5, 5);
    hand_wait(h, "HEADERS 5");
    hand_heard(h, "WINDOW_UPDATE 0 40000\nWINDOW_UPDATE 5 40000\n"
                  "HEADERS 5 END_STREAM :status=200 content-length=0\n");
}

static void test_windows_withheld(void **state)
{
    (void)state;
    rp_sim_server_options serving = {
        .versions = RP_SIM_HTTP_2, .on_request = give, .withheld = RP_SIM_WINDOWS};
    EACH(plain, &serving, windows_withheld);
}

/* ---- by itself ---- */

static void confirm(scene *s, hand *h)
{
    (void)s;
    hand_send(h, RP_SIM_FRAME_PING, 0, 0, "12345678", 8);
    hand_wait(h, "PING 0 ACK");
    hand_heard(h, "PING 0 ACK 8\n");
    assert_int_equal(scene_counts(s).pings, 1);
}

static void withheld(scene *s, hand *h)
{
    (void)s;
    hand_send(h, RP_SIM_FRAME_PING, 0, 0, "12345678", 8);
    get(h, 1);
    hand_wait(h, "HEADERS 1");
    assert_string_equal(h->heard, "HEADERS 1 END_STREAM :status=200 content-length=0\n");
    hand_forget(h);
    get(h, 3);
    hand_wait(h, "HEADERS 3");
    assert_string_equal(h->heard, "SETTINGS 0 3=7 6=9\nSETTINGS 0 ACK\n"
                                  "HEADERS 3 END_STREAM :status=200 content-length=0\n");
    hand_send(h, RP_SIM_FRAME_SETTINGS, RP_SIM_FLAG_ACK, 0, NULL, 0);
    get(h, 5);
    hand_wait(h, "HEADERS 5");
}

static void test_confirmed_or_withheld(void **state)
{
    static const rp_sim_setting settings[] = {{RP_SIM_MAX_CONCURRENT_STREAMS, 7},
                                              {RP_SIM_MAX_HEADER_LIST_SIZE, 9}};
    (void)state;
    EACH(all, NULL, confirm);
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2,
                                     .on_request = give,
                                     .settings = settings,
                                     .setting_count = 2,
                                     .withheld =
                                         RP_SIM_SETTINGS | RP_SIM_SETTINGS_ACK | RP_SIM_PING_ACK};
    EACH(plain, &serving, withheld);
}

/* ---- by the frame ---- */

static void by_hand(rp_sim_exchange *x, void *user)
{
    static const rp_sim_setting settings[] = {{RP_SIM_INITIAL_WINDOW_SIZE, 5}, {77, 8}};
    uint32_t stream = rp_sim_stream(x);
    (void)user;
    rp_sim_settings(x, settings, 2);
    rp_sim_frame(x, 99, 255, 1234, "what", 4);
    rp_sim_window_update(x, 0, 77);
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, stream, ":status: 200\r\nUpper: \r\nlong: a:b\r\n",
                   0);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, RP_SIM_FLAG_PADDED, stream, "\1ab\0", 4);
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS | RP_SIM_FLAG_END_STREAM, stream, "x: yyyyyyyyyy\r\n",
                   3);
    rp_sim_write(x, "\0\0\1\x63\0\0\0\0\0z", 10);
    rp_sim_goaway(x, 1, 11, "calm");
    rp_sim_end(x, RP_SIM_KEEP);
}

static void frames_by_hand(scene *s, hand *h)
{
    (void)s;
    get(h, 1);
    hand_wait(h, "GOAWAY");
    hand_heard(
        h, "SETTINGS 0 4=5 77=8\nUNKNOWN 1234 4\nWINDOW_UPDATE 0 77\n"
           "HEADERS 1 :status=200 Upper= long=a:b\nDATA 1 4\n"
           "HEADERS 1 END_STREAM ... 3\nCONTINUATION 1 ... 3\nCONTINUATION 1 ... 3\n"
           "CONTINUATION 1 ... 3\nCONTINUATION 1 1\nUNKNOWN 0 1\nGOAWAY 0 last=1 code=11 calm\n");
    hand_forget(h);
    get(h, 3); /* passed over */
    hand_number(h, RP_SIM_FRAME_WINDOW_UPDATE, 3, 7);
    hand_send(h, RP_SIM_FRAME_PING, 0, 0, "12345678", 8);
    hand_wait(h, "PING 0 ACK");
    hand_heard(h, "PING 0 ACK 8\n");
    assert_int_equal(scene_counts(s).requests, 1);
}

static void test_frames_by_hand(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = by_hand};
    EACH(all, &serving, frames_by_hand);
}

static void count_gone(rp_sim_exchange *x, void *user)
{
    scene *s = user;
    s->gone += rp_sim_stream(x) != 0 ? 1 : 100;
}

static void reset_it(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_head(x, 200, NULL, 5);
    rp_sim_data(x, "ab", 2);
    if (rp_sim_stream(x) < 5)
        rp_sim_reset_stream(x, 11);
    else if (rp_sim_stream(x) == 7)
        rp_sim_end(x, RP_SIM_CLOSE);
}

/* A stream ends by a reset of either side, and its exchange goes; the others and the connection
 * stay. What was on its way to a stream that the server reset is no fault. */
static void streams_reset(scene *s, hand *h)
{
    hand_send(h, RP_SIM_FRAME_HEADERS, 4, 1, HAND_BYTES(HAND_POST));
    hand_wait(h, "RST_STREAM 1 11");
    hand_send(h, RP_SIM_FRAME_DATA, 1, 1, "late", 4);
    get(h, 3);
    hand_wait(h, "RST_STREAM 3 11");
    assert_int_equal(s->gone, 2);
    get(h, 5);
    hand_wait(h, "DATA 5 2");
    hand_number(h, RP_SIM_FRAME_RST_STREAM, 5, 8);
    get(h, 7);
    hand_wait_end(h);
    assert_int_equal(h->probe.end_error.status, RP_OK);
    assert_non_null(strstr(h->heard, "DATA 7 END_STREAM\nGOAWAY 0 last=7 code=0 \n"));
    probe_close(&h->probe);
    UNTIL(s->web.loop, scene_counts(s).open == 0);
    assert_int_equal(s->gone, 104);
}

static void test_streams_reset(void **state)
{
    (void)state;
    rp_sim_server_options serving = {
        .versions = RP_SIM_HTTP_2, .on_head = reset_it, .on_gone = count_gone};
    EACH(plain, &serving, streams_reset);
}

/* ---- scripts beside each other ---- */

static void slow(rp_sim_exchange *x, void *user)
{
    char text[16];
    (void)user;
    rp_sim_wait(x, 100 - 10 * rp_sim_stream(x));
    int size = snprintf(text, sizeof(text), "%u", rp_sim_stream(x));
    rp_sim_respond(x, 200, NULL, text, (size_t)size);
}

static void beside(scene *s, hand *h)
{
    uint64_t before = rp_loop_now_ms(s->web.loop);
    for (uint32_t stream = 1; stream <= 9; stream += 2)
        get(h, stream);
    hand_wait(h, "DATA 1 END_STREAM");
    assert_true(rp_loop_now_ms(s->web.loop) - before < 5000);
    const char *nine = strstr(h->heard, "DATA 9"), *one = strstr(h->heard, "DATA 1");
    assert_true(nine != NULL && nine < one);
    assert_int_equal(scene_counts(s).requests, 5);
}

static void test_beside_each_other(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = slow};
    EACH(all, &serving, beside);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_default_answer),    fixture_test(test_request_is_told),
        fixture_test(test_both_versions),     fixture_test(test_windows_kept),
        fixture_test(test_windows_withheld),  fixture_test(test_confirmed_or_withheld),
        fixture_test(test_frames_by_hand),    fixture_test(test_streams_reset),
        fixture_test(test_beside_each_other), fixture_test(test_held_leaves),
    };
    return fixture_run_simulated(tests, 3);
}
