/* test_server_h2_judge.c - the scripted server as a judge of HTTP/2 clients: each breach of RFC
 * 9113 is told, in words and by GOAWAY; and what is allowed is not. */
#include "support/check.h"
#include "support/hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sent {
    uint8_t type, flags;
    uint32_t stream;
    const char *payload;
    size_t size;
} sent;

/* A frame, its payload a string literal. */
#define F(type, flags, stream, bytes)                                                              \
    {                                                                                              \
        type, flags, stream, bytes, sizeof(bytes) - 1                                              \
    }
#define GET1 F(1, 5, 1, HAND_GET)
#define POST1 F(1, 4, 1, HAND_POST)
#define LITERAL(name_size, name, value_size, value) "\0" name_size name value_size value

typedef struct verdict {
    const char *complaint; /* NULL: none */
    uint32_t code;
    sent frames[4];
} verdict;

enum { PROTOCOL = 1, FLOW_CONTROL = 3, STREAM_CLOSED = 5, FRAME_SIZE = 6, COMPRESSION = 9 };

/* The server's script, by the path's first letter: 'r' resets, 'w' waits, others answer. */
static void act(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (rp_sim_target(x)[1] == 'r')
        rp_sim_reset_stream(x, 8);
    else if (rp_sim_target(x)[1] != 'w')
        rp_sim_respond(x, 200, NULL, "", 0);
}

static void wait(rp_sim_exchange *x, void *user)
{
    (void)x;
    (void)user;
}

/* What comes behind has arrived when a PING is answered. */
static void judge(const verdict *v, const rp_sim_server_options *serving, bool settings)
{
    scene s;
    hand h;
    scene_begin(&s, 0, serving, NULL);
    hand_begin(&h, &s, settings);
    for (size_t i = 0; i < 4 && v->frames[i].payload != NULL; i++) {
        const sent *f = &v->frames[i];
        hand_send(&h, f->type, f->flags, f->stream, f->payload, f->size);
    }
    if (v->complaint == NULL) {
        hand_send(&h, 6, 0, 0, "12345678", 8);
        hand_wait(&h, "PING 0 ACK");
        if (scene_counts(&s).malformed != 0)
            fail_msg("%s", rp_sim_server_complaint(s.server));
    } else {
        hand_wait(&h, "GOAWAY");
        const char *goaway = strstr(h.heard, "GOAWAY");
        const char *complaint = rp_sim_server_complaint(s.server);
        char code[32];
        (void)snprintf(code, sizeof(code), "code=%u ", v->code);
        if (strcmp(complaint, v->complaint) != 0)
            fail_msg("\"%s\", not \"%s\"", complaint, v->complaint);
        if (strstr(goaway, code) == NULL || strstr(goaway, v->complaint) == NULL)
            fail_msg("%s: %s", v->complaint, goaway);
        assert_int_equal(scene_counts(&s).malformed, 1);
        hand_wait_end(&h);
    }
    hand_end(&h);
    scene_end(&s);
}

static void judge_all(const verdict *verdicts, size_t count)
{
    static const rp_sim_setting settings[] = {{RP_SIM_MAX_CONCURRENT_STREAMS, 2}};
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2,
                                     .on_head = act,
                                     .on_request = wait,
                                     .settings = settings,
                                     .setting_count = 1};
    for (size_t i = 0; i < count; i++)
        judge(&verdicts[i], &serving, true);
}

#define JUDGE(verdicts) judge_all(verdicts, sizeof(verdicts) / sizeof((verdicts)[0]))

#define WAITING                                                                                    \
    "\x82\x86\x01\x01"                                                                             \
    "a"                                                                                            \
    "\x04\x02/w"
#define RESET                                                                                      \
    "\x83\x86\x01\x01"                                                                             \
    "a"                                                                                            \
    "\x04\x02/r"

static void test_states(void **state)
{
    static const verdict verdicts[] = {
        {"a stream's frame on stream 0", PROTOCOL, {F(0, 0, 0, "x")}},
        {"a stream's frame on stream 0", PROTOCOL, {F(1, 5, 0, HAND_GET)}},
        {"a frame on a stream that only the server could open", PROTOCOL, {F(1, 5, 2, HAND_GET)}},
        {"a frame on an idle stream", PROTOCOL, {F(0, 0, 1, "x")}},
        {"a frame on an idle stream", PROTOCOL, {GET1, F(8, 0, 3, "\0\0\0\1")}},
        {"a frame on an idle stream", PROTOCOL, {GET1, F(3, 0, 3, "\0\0\0\1")}},
        {"more on a stream after its END_STREAM", STREAM_CLOSED, {GET1, F(0, 0, 1, "x")}},
        {"more on a stream after its END_STREAM", STREAM_CLOSED, {GET1, GET1}},
        {"more on a stream after its END_STREAM",
         STREAM_CLOSED,
         {F(1, 4, 1, RESET), F(0, 1, 1, "x"), F(0, 1, 1, "x")}},
        {"a frame on a stream after its RST_STREAM",
         STREAM_CLOSED,
         {POST1, F(3, 0, 1, "\0\0\0\0"), F(0, 0, 1, "x")}},
        {"a frame on a stream after its RST_STREAM",
         STREAM_CLOSED,
         {POST1, F(3, 0, 1, "\0\0\0\0"), F(8, 0, 1, "\0\0\0\1")}},
        {"a frame on an idle stream", PROTOCOL, {F(1, 5, 3, HAND_GET), F(0, 0, 5, "x")}},
        {"PUSH_PROMISE from a client", PROTOCOL, {F(5, 4, 1, "\0\0\0\2")}},
        {"a CONTINUATION without its HEADERS", PROTOCOL, {GET1, F(9, 4, 1, "")}},
        {"a frame between HEADERS and CONTINUATION", PROTOCOL, {F(1, 1, 1, "\x82"), GET1}},
        {"a frame between HEADERS and CONTINUATION",
         PROTOCOL,
         {F(1, 1, 1, "\x82"), F(99, 0, 0, "x")}},
        {"a CONTINUATION without its HEADERS", PROTOCOL, {F(1, 1, 1, "\x82"), F(9, 4, 3, "\x84")}},
        {"SETTINGS on a stream", PROTOCOL, {F(4, 0, 1, "")}},
        {"PING on a stream", PROTOCOL, {F(6, 0, 1, "12345678")}},
        {"GOAWAY on a stream", PROTOCOL, {F(7, 0, 1, "12345678")}},
        {"PRIORITY on stream 0", PROTOCOL, {F(2, 0, 0, "12345")}},
        {"a confirmation of settings that were not sent",
         PROTOCOL,
         {F(4, 1, 0, ""), F(4, 1, 0, "")}},
        {"an answer to a PING that was not sent", PROTOCOL, {F(6, 1, 0, "12345678")}},
        {"more streams than SETTINGS_MAX_CONCURRENT_STREAMS",
         PROTOCOL,
         {F(4, 1, 0, ""), F(1, 5, 1, WAITING), F(1, 5, 3, WAITING), F(1, 5, 5, WAITING)}},
        {NULL, 0, {F(1, 5, 1, WAITING), F(1, 5, 3, WAITING), F(1, 5, 5, WAITING)}},
        {NULL, 0, {F(4, 1, 0, ""), GET1, F(1, 5, 3, HAND_GET), F(1, 5, 5, HAND_GET)}},
        {NULL, 0, {F(1, 4, 1, RESET), F(0, 1, 1, "x"), F(8, 0, 1, "\0\0\0\1")}},
        {NULL, 0, {F(1, 4, 1, RESET), F(1, 5, 1, "")}},
        {NULL, 0, {GET1, F(8, 0, 1, "\0\0\0\1"), F(3, 0, 1, "\0\0\0\0"), F(2, 0, 1, "12345")}},
        {NULL, 0, {F(99, 255, 77, "what"), F(2, 0, 9, "12345"), F(1, 37, 1, "12345" HAND_GET)}},
        {NULL,
         0,
         {F(1, 1, 1, ""), F(9, 0, 1, "\x82\x84"),
          F(9, 4, 1,
            "\x86\x01\x01"
            "a")}},
        {NULL, 0, {POST1, F(0, 9, 1, "\2x\0\0"), F(7, 0, 0, "12345678why")}},
    };
    (void)state;
    JUDGE(verdicts);
}

static void test_sizes(void **state)
{
    static const verdict verdicts[] = {
        {"SETTINGS of a wrong size", FRAME_SIZE, {F(4, 0, 0, "12345")}},
        {"SETTINGS of a wrong size", FRAME_SIZE, {F(4, 1, 0, "123456")}},
        {"a PING that is not of eight bytes", FRAME_SIZE, {F(6, 0, 0, "1234567")}},
        {"a GOAWAY of less than eight bytes", FRAME_SIZE, {F(7, 0, 0, "1234567")}},
        {"a WINDOW_UPDATE that is not of four bytes", FRAME_SIZE, {F(8, 0, 0, "123")}},
        {"an RST_STREAM that is not of four bytes", FRAME_SIZE, {POST1, F(3, 0, 1, "12345")}},
        {"a PRIORITY that is not of five bytes", FRAME_SIZE, {F(2, 0, 1, "1234")}},
        {"HEADERS that are too short for their priority", FRAME_SIZE, {F(1, 37, 1, "1234")}},
        {"padding that is longer than its frame", PROTOCOL, {POST1, F(0, 8, 1, "\3ab")}},
        {"padding that is longer than its frame", PROTOCOL, {POST1, F(0, 8, 1, "")}},
        {"padding that is longer than its frame", PROTOCOL, {F(1, 13, 1, "\7" HAND_GET)}},
        {"a WINDOW_UPDATE of 0", PROTOCOL, {F(8, 0, 0, "\0\0\0\0")}},
        {"a WINDOW_UPDATE of 0", PROTOCOL, {POST1, F(8, 0, 1, "\x80\0\0\0")}},
        {"a window above 2^31-1", FLOW_CONTROL, {F(8, 0, 0, "\x7f\xff\xff\xff")}},
        {"a window above 2^31-1",
         FLOW_CONTROL,
         {F(1, 5, 1, WAITING), F(8, 0, 1, "\x7f\xff\xff\xff")}},
        {"SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1", FLOW_CONTROL, {F(4, 0, 0, "\0\4\x80\0\0\0")}},
        {"SETTINGS_ENABLE_PUSH that is neither 0 nor 1", PROTOCOL, {F(4, 0, 0, "\0\2\0\0\0\2")}},
        {"SETTINGS_MAX_FRAME_SIZE out of its range", PROTOCOL, {F(4, 0, 0, "\0\5\0\0\1\0")}},
        {NULL, 0, {F(4, 0, 0, "\0\5\0\0\x40\0\0\x99\xff\xff\xff\xff"), F(2, 0, 1, "12345")}},
    };
    (void)state;
    JUDGE(verdicts);
}

static void test_requests(void **state)
{
#define REST                                                                                       \
    "\x86\x01\x01"                                                                                 \
    "a"
    static const verdict verdicts[] = {
        {"a field name that is not in lower case",
         PROTOCOL,
         {F(1, 5, 1, HAND_GET LITERAL("\1", "X", "\1", "y"))}},
        {"a field name that is none",
         PROTOCOL,
         {F(1, 5, 1, HAND_GET LITERAL("\3", "x y", "", "\0"))}},
        {"a field name that is none",
         PROTOCOL,
         {F(1, 5, 1, HAND_GET LITERAL("", "\0", "\1", "y"))}},
        {"a field value with a NUL, CR or LF",
         PROTOCOL,
         {F(1, 5, 1, HAND_GET LITERAL("\1", "x", "\3", "a\nb"))}},
        {"a field value that begins or ends with a space",
         PROTOCOL,
         {F(1, 5, 1, HAND_GET LITERAL("\1", "x", "\2", " a"))}},
        {"a field that is about a connection",
         PROTOCOL,
         {F(1, 5, 1, HAND_GET LITERAL("\12", "connection", "\5", "close"))}},
        {"a field that is about a connection",
         PROTOCOL,
         {F(1, 5, 1, HAND_GET LITERAL("\21", "transfer-encoding", "\7", "chunked"))}},
        {"a te that is not trailers",
         PROTOCOL,
         {F(1, 5, 1, HAND_GET LITERAL("\2", "te", "\4", "gzip"))}},
        {"a pseudo-header field behind another",
         PROTOCOL,
         {F(1, 5, 1,
            "\x82\x86" LITERAL("\1", "x", "\1", "y") "\x84\x01\x01"
                                                     "a")}},
        {"a pseudo-header field twice", PROTOCOL, {F(1, 5, 1, "\x82\x84\x84" REST)}},
        {"an unknown pseudo-header field",
         PROTOCOL,
         {F(1, 5, 1, HAND_GET LITERAL("\4", ":who", "\1", "y"))}},
        {"an unknown pseudo-header field", PROTOCOL, {F(1, 5, 1, "\x82\x84\x88" REST)}},
        {"a request without :method, :scheme or :path", PROTOCOL, {F(1, 5, 1, "\x84" REST)}},
        {"a request without :method, :scheme or :path", PROTOCOL, {F(1, 5, 1, "\x82" REST)}},
        {"a request without :authority", PROTOCOL, {F(1, 5, 1, "\x82\x84\x86")}},
        {"a :scheme that is not the connection's", PROTOCOL, {F(1, 5, 1, HAND_GET_TLS)}},
        {"a :path that is none", PROTOCOL, {F(1, 5, 1, "\x82\x04\x01*" REST)}},
        {"a host that is not the :authority",
         PROTOCOL,
         {F(1, 5, 1, HAND_GET LITERAL("\4", "host", "\1", "b"))}},
        {"a content-length that is no number",
         PROTOCOL,
         {F(1, 4, 1, HAND_POST LITERAL("\16", "content-length", "\2", "1x"))}},
        {"a body that is not as long as its content-length",
         PROTOCOL,
         {F(1, 4, 1, HAND_POST LITERAL("\16", "content-length", "\1", "2")), F(0, 1, 1, "x")}},
        {"a body that is longer than its content-length",
         PROTOCOL,
         {F(1, 4, 1, HAND_POST LITERAL("\16", "content-length", "\1", "2")), F(0, 0, 1, "xyz")}},
        {"trailers without END_STREAM", PROTOCOL, {POST1, F(1, 4, 1, "")}},
        {"a pseudo-header field in trailers", PROTOCOL, {POST1, F(1, 5, 1, "\x82")}},
        {"a header block that is not HPACK's", COMPRESSION, {F(1, 5, 1, "\x80")}},
        {"a header block that is not HPACK's", COMPRESSION, {F(1, 5, 1, "\xbe" REST)}},
        {"a header block that is not HPACK's", COMPRESSION, {F(1, 5, 1, "\x3f\xff\xff\x7f")}},
        {NULL, 0, {POST1, F(0, 0, 1, "x"), F(1, 5, 1, LITERAL("\1", "x", "\1", "y"))}},
        {NULL, 0, {F(1, 5, 1, HAND_GET LITERAL("\2", "te", "\10", "trailers"))}},
        {NULL,
         0,
         {F(1, 5, 1,
            "\x02\x07"
            "OPTIONS\x04\x01*" REST)}},
    };
    (void)state;
    JUDGE(verdicts);
}

/* The first bytes, and the first frame. */
static void test_beginnings(void **state)
{
    static const verdict no_settings = {
        "the first frame is not SETTINGS", PROTOCOL, {F(6, 0, 0, "12345678")}};
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2};
    (void)state;
    judge(&no_settings, &serving, false);
    scene s;
    probe p = {0};
    scene_begin(&s, 0, &serving, NULL);
    scene_connect(&s, &p);
    scene_ask(&s, &p, "GET / HTTP/1.1\r\n\r\n", SIZE_MAX);
    assert_string_equal(rp_sim_server_complaint(s.server), "not the connection preface of HTTP/2");
    probe_finish(&p);
    scene_end(&s);
}

/* Windows are those that were confirmed, and no byte more is taken. */
static void test_windows(void **state)
{
    static const rp_sim_setting settings[] = {{RP_SIM_INITIAL_WINDOW_SIZE, 3}};
    static const verdict within = {NULL, 0, {POST1, F(0, 0, 1, "abcd"), F(0, 0, 1, "abcd")}};
    static const verdict above = {"more data than the stream's window",
                                  FLOW_CONTROL,
                                  {F(4, 1, 0, ""), POST1, F(0, 0, 1, "abcd")}};
    static const verdict behind = {"more data than the stream's window",
                                   FLOW_CONTROL,
                                   {POST1, F(0, 0, 1, "abcd"), F(4, 1, 0, ""), F(0, 0, 1, "x")}};
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2,
                                     .settings = settings,
                                     .setting_count = 1,
                                     .withheld = RP_SIM_WINDOWS};
    (void)state;
    judge(&within, &serving, true);
    judge(&above, &serving, true);
    judge(&behind, &serving, true);
    char *bytes = calloc(1, 16385);
    CHECK(bytes != NULL);
    verdict large = {"a frame above SETTINGS_MAX_FRAME_SIZE", FRAME_SIZE, {POST1}};
    large.frames[1] = (sent){0, 0, 1, bytes, 16385};
    judge(&large, &serving, true);
    verdict connection = {"more data than the connection's window", FLOW_CONTROL, {POST1}};
    for (unsigned i = 1; i < 4; i++)
        connection.frames[i] = (sent){0, 0, 1, bytes, 16384};
    serving.settings = NULL;
    serving.setting_count = 0;
    connection.complaint = NULL;
    judge(&connection, &serving, true);
    free(bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_states),     fixture_test(test_sizes),   fixture_test(test_requests),
        fixture_test(test_beginnings), fixture_test(test_windows),
    };
    return fixture_run_simulated(tests, 2);
}
