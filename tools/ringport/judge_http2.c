/* judge_http2.c - situations of HTTP/2. The client must choose it by ALPN. */
#include "judge.h"

#include <string.h>

#define BYTES(text) .bytes = (text), .size = sizeof(text) - 1
#define CONNECTION_ERROR "a connection error"
#define MALFORMED "a stream error: the answer is malformed"
#define STATUS ":status: 200\r\n"
#define MIB ((uint64_t)1 << 20)

/* ---- what rows are made of ---- */

static void finish(rp_sim_exchange *x)
{
    rp_sim_data(x, JUDGE_WHOLE, sizeof(JUDGE_WHOLE) - 1);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void answer(rp_sim_exchange *x)
{
    rp_sim_respond(x, 200, NULL, JUDGE_WHOLE, sizeof(JUDGE_WHOLE) - 1);
}

/* The row's bytes are frames, and then comes the answer. */
static void frames_first(rp_sim_exchange *x, judge_run *run)
{
    rp_sim_write(x, run->situation->bytes, run->situation->size);
    answer(x);
}

/* The row's bytes are the lines of the answer's HEADERS. */
static void with_lines(rp_sim_exchange *x, judge_run *run)
{
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, rp_sim_stream(x), run->situation->bytes, 0);
    finish(x);
}

/* The row's bytes are the lines of the trailers. */
static void with_trailers(rp_sim_exchange *x, judge_run *run)
{
    rp_sim_head(x, 200, NULL, RP_SIM_SIZE_UNKNOWN);
    rp_sim_data(x, JUDGE_WHOLE, sizeof(JUDGE_WHOLE) - 1);
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS | RP_SIM_FLAG_END_STREAM, rp_sim_stream(x),
                   run->situation->bytes, 0);
    rp_sim_end(x, RP_SIM_KEEP);
}

/* ---- what is in order, though seldom seen ---- */

static void as_few_do(rp_sim_exchange *x, judge_run *run)
{
    static const rp_sim_setting unknown = {0xfafa, 7};
    uint32_t stream = rp_sim_stream(x);
    (void)run;
    rp_sim_settings(x, &unknown, 1);
    rp_sim_frame(x, 0xfa, 0xff, stream, "unknown", 7);
    rp_sim_frame(x, RP_SIM_FRAME_PRIORITY, 0, stream, "\0\0\0\0\7", 5);
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, stream, STATUS "x-note: in three frames\r\n", 8);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, RP_SIM_FLAG_PADDED, stream, "\5whole \0\0\0\0\0", 12);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, 0, stream, "", 0);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, RP_SIM_FLAG_END_STREAM, stream, "answer\n", 7);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void hints_first(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_head(x, 103, "Link: </a.css>; rel=preload\r\n", 0);
    rp_sim_head(x, 103, NULL, 0);
    answer(x);
}

static void reset_behind(rp_sim_exchange *x, judge_run *run)
{
    uint32_t stream = rp_sim_stream(x);
    (void)run;
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, stream, STATUS, 0);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, RP_SIM_FLAG_END_STREAM, stream, JUDGE_WHOLE,
                 sizeof(JUDGE_WHOLE) - 1);
    rp_sim_frame(x, RP_SIM_FRAME_RST_STREAM, 0, stream, "\0\0\0\0", 4);
    rp_sim_end(x, RP_SIM_KEEP);
}

/* ---- what was not processed ---- */

/* No stream is processed. */
static void leave(rp_sim_exchange *x, uint32_t code)
{
    rp_sim_goaway(rp_sim_connection(x), 0, code, NULL);
    rp_sim_end(rp_sim_connection(x), RP_SIM_CLOSE);
}

static void leave_once(rp_sim_exchange *x, judge_run *run)
{
    if (run->requests > 1) {
        answer(x);
        return;
    }
    leave(x, 0);
}

static void refuse_once(rp_sim_exchange *x, judge_run *run)
{
    if (run->requests > 1)
        answer(x);
    else
        rp_sim_reset_stream(x, 7);
}

static void refuse_always(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_reset_stream(x, 7);
}

static void calm_always(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    leave(x, 11);
}

/* ---- answers that are not complete ---- */

static void begin_body(rp_sim_exchange *x)
{
    rp_sim_head(x, 200, NULL, RP_SIM_SIZE_UNKNOWN);
    rp_sim_data(x, JUDGE_WHOLE, sizeof(JUDGE_WHOLE) - 1);
}

static void cut_stream(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    begin_body(x);
    rp_sim_reset_stream(x, 8);
}

static void cut_stream_calmly(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    begin_body(x);
    rp_sim_reset_stream(x, 0);
}

static void close_connection(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_end(rp_sim_connection(x), RP_SIM_CLOSE);
}

static void cut_connection(rp_sim_exchange *x, judge_run *run)
{
    begin_body(x);
    rp_sim_call(x, close_connection, run);
}

/* ---- frames that break a rule ---- */

static void end_twice(rp_sim_exchange *x, judge_run *run)
{
    uint32_t stream = rp_sim_stream(x);
    (void)run;
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, stream, STATUS, 0);
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, stream, "x-trailer: without end\r\n", 0);
    finish(x);
}

static void data_first(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_frame(x, RP_SIM_FRAME_DATA, 0, rp_sim_stream(x), "whole ", 6);
    with_lines(x, run);
}

static void set(rp_sim_exchange *x, uint16_t id, uint32_t value)
{
    rp_sim_setting setting = {id, value};
    rp_sim_settings(x, &setting, 1);
    answer(x);
}

static void allow_push(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    set(x, RP_SIM_ENABLE_PUSH, 1);
}

static void set_window(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    set(x, RP_SIM_INITIAL_WINDOW_SIZE, 0x80000000);
}

static void set_frame_size(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    set(x, RP_SIM_MAX_FRAME_SIZE, 100);
}

static void push(rp_sim_exchange *x, judge_run *run)
{
    uint32_t value;
    if (!rp_sim_client_setting(x, RP_SIM_ENABLE_PUSH, &value) || value != 0)
        run->seen.skipped = "the client takes pushes";
    rp_sim_frame(x, RP_SIM_FRAME_PUSH_PROMISE, RP_SIM_FLAG_END_HEADERS, rp_sim_stream(x),
                 "\0\0\0\2\x82\x84\x87\x01\x09localhost", 18);
    answer(x);
}

static void large_frame(rp_sim_exchange *x, judge_run *run)
{
    static uint8_t many[20000];
    uint32_t value;
    if (rp_sim_client_setting(x, RP_SIM_MAX_FRAME_SIZE, &value) && value >= sizeof(many))
        run->seen.skipped = "the client takes frames of this size";
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, rp_sim_stream(x), STATUS, 0);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, 0, rp_sim_stream(x), many, sizeof(many));
    finish(x);
}

static void cut_block(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_headers(x, 0, rp_sim_stream(x), STATUS, 0);
    rp_sim_frame(x, RP_SIM_FRAME_PING, 0, 0, "12345678", 8);
    rp_sim_frame(x, RP_SIM_FRAME_CONTINUATION, RP_SIM_FLAG_END_HEADERS, rp_sim_stream(x), "", 0);
    finish(x);
}

static void padding_too_long(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, rp_sim_stream(x), STATUS, 0);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, RP_SIM_FLAG_PADDED, rp_sim_stream(x), "\x20whole ", 7);
    finish(x);
}

static void bad_index(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_frame(x, RP_SIM_FRAME_HEADERS, RP_SIM_FLAG_END_HEADERS, rp_sim_stream(x), "\x88\xfe", 2);
    finish(x);
}

/* ---- without end ---- */

/* As long as the client reads. */
static void continue_block(rp_sim_exchange *x, void *user)
{
    judge_run *run = user;
    char fields[16380];
    for (size_t i = 0; i < sizeof(fields); i += 5)
        memcpy(fields + i, "\0\1a\1b", 5);
    for (unsigned i = 0; i < 16; i++)
        rp_sim_frame(x, RP_SIM_FRAME_CONTINUATION, 0, rp_sim_stream(x), fields, sizeof(fields));
    run->left--;
    if (run->left > 0) {
        rp_sim_call(x, continue_block, run);
        return;
    }
    rp_sim_frame(x, RP_SIM_FRAME_CONTINUATION, RP_SIM_FLAG_END_HEADERS, rp_sim_stream(x), "", 0);
    finish(x);
}

static void endless_block(rp_sim_exchange *x, judge_run *run)
{
    rp_sim_frame(x, RP_SIM_FRAME_HEADERS, 0, rp_sim_stream(x), "\x88", 1);
    run->left = 24 * MIB / (16 * 16384);
    continue_block(x, run);
}

/* One large field, indexed again and again: 4 KiB of table to 64 MB of fields. */
static void small_to_large(rp_sim_exchange *x, judge_run *run)
{
    static uint8_t repeats[16000];
    char line[1100];
    (void)run;
    (void)snprintf(line, sizeof(line), "%sx: %01000d\r\n", STATUS, 0);
    memset(repeats, 0xbe, sizeof(repeats));
    rp_sim_headers(x, 0, rp_sim_stream(x), line, 0);
    for (unsigned i = 0; i < 4; i++)
        rp_sim_frame(x, RP_SIM_FRAME_CONTINUATION, i == 3 ? RP_SIM_FLAG_END_HEADERS : 0,
                     rp_sim_stream(x), repeats, sizeof(repeats));
    finish(x);
}

static void many_frames(rp_sim_exchange *x, uint8_t type, uint32_t stream, const char *payload,
                        size_t size)
{
    static char many[20000 * 17];
    char *to = many;
    for (unsigned i = 0; i < 20000; i++) {
        const uint8_t head[9] = {0, 0, (uint8_t)size, type, 0, 0, 0, 0, (uint8_t)stream};
        memcpy(to, head, 9);
        if (size > 0)
            memcpy(to + 9, payload, size);
        to += 9 + size;
    }
    rp_sim_write(x, many, (size_t)(to - many));
}

static void empty_data(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    rp_sim_head(x, 200, NULL, RP_SIM_SIZE_UNKNOWN);
    many_frames(x, RP_SIM_FRAME_DATA, rp_sim_stream(x), "", 0);
    finish(x);
}

static void many_settings(rp_sim_exchange *x, judge_run *run)
{
    (void)run;
    many_frames(x, RP_SIM_FRAME_SETTINGS, 0, "", 0);
    answer(x);
}

#define H2 (JUDGE_TLS | JUDGE_H2)
#define ROW(name_, source_, server_, wanted_, ...)                                                 \
    {                                                                                              \
        .name = (name_), .class = "http2", .source = "RFC 9113, " source_, .server = (server_),    \
        .wanted = (wanted_), .right = JUDGE_FAILED, .flags = H2, __VA_ARGS__                       \
    }
/* The lines of an answer that are malformed, and bytes of frames that break the connection. */
#define LINES_ROW(name, source, server, lines)                                                     \
    ROW(name, source, server, MALFORMED, .script = with_lines, BYTES(lines))
#define FRAMES_ROW(name, source, server, frames)                                                   \
    ROW(name, source, server, CONNECTION_ERROR, .script = frames_first, BYTES(frames))

const judge_situation judge_http2[] = {
    {"control-http2", "controls", "RFC 9113", "answers as it should, with HTTP/2",
     "the answer is taken", JUDGE_TAKEN, .flags = JUDGE_CONTROL | H2},

    /* ---- in order ---- */
    {"h2-seldom", "http2", "RFC 9113, 4.1, 5.5, 6.1 and 6.10",
     "sends unknown frames and settings, PRIORITY, a cut block, padding, empty DATA",
     "the answer is taken", JUDGE_TAKEN, 0, H2, .script = as_few_do},
    {"h2-hints", "http2", "RFC 9113, 8.1; RFC 8297", "sends 103 twice before the answer",
     "the answer is taken", JUDGE_TAKEN, 0, H2, .script = hints_first},
    {"h2-trailers", "http2", "RFC 9113, 8.1", "sends trailers", "the answer is taken", JUDGE_TAKEN,
     0, H2, .script = with_trailers, BYTES("x-trailer: yes\r\n")},
    {"h2-reset-behind", "http2", "RFC 9113, 8.1",
     "sends RST_STREAM with NO_ERROR behind the complete answer", "the answer is taken",
     JUDGE_TAKEN, 0, H2, .script = reset_behind},

    /* ---- not processed ---- */
    {"h2-goaway", "http2", "RFC 9113, 6.8 and 8.7",
     "leaves with GOAWAY, the request being above its last stream",
     "the request is made again on another connection", JUDGE_TAKEN, JUDGE_FAILED, H2,
     .script = leave_once},
    {"h2-refused", "http2", "RFC 9113, 8.7", "refuses the first request with REFUSED_STREAM",
     "the request is made again", JUDGE_TAKEN, JUDGE_FAILED, H2, .script = refuse_once},
    {"h2-refused-always", "http2", "RFC 9113, 8.7", "refuses each request with REFUSED_STREAM",
     "an error after some of them", JUDGE_FAILED, JUDGE_HUNG, H2, .most_requests = 20,
     .script = refuse_always},
    {"h2-calm", "http2", "RFC 9113, 7", "leaves each time with ENHANCE_YOUR_CALM",
     "an error after some of them", JUDGE_FAILED, JUDGE_HUNG, H2, .most_requests = 10,
     .script = calm_always},

    /* ---- not complete ---- */
    ROW("h2-stream-cut", "8.1", "resets the stream in the body", "an error", .script = cut_stream),
    ROW("h2-stream-cut-calmly", "8.1", "resets the stream in the body, with NO_ERROR",
        "an error: END_STREAM did not come", .script = cut_stream_calmly),
    ROW("h2-connection-cut", "5.4.1 and 8.1", "closes in the body, with GOAWAY and close_notify",
        "an error: END_STREAM did not come", .script = cut_connection),
    LINES_ROW("h2-length-short", "8.1.1", "says content-length: 20 and sends 13 bytes",
              STATUS "content-length: 20\r\n"),
    LINES_ROW("h2-length-long", "8.1.1", "says content-length: 5 and sends 13 bytes",
              STATUS "content-length: 5\r\n"),

    /* ---- malformed answers ---- */
    LINES_ROW("h2-no-status", "8.3.2", "sends no :status", "x-note: alone\r\n"),
    LINES_ROW("h2-status-twice", "8.3", "sends :status twice", STATUS STATUS),
    LINES_ROW("h2-status-behind", "8.3", "sends :status behind another field",
              "x-note: first\r\n" STATUS),
    LINES_ROW("h2-status-101", "8.1 and 8.6", "sends :status 101, and DATA", ":status: 101\r\n"),
    LINES_ROW("h2-pseudo-unknown", "8.3", "sends the pseudo-header field :path",
              STATUS ":path: /\r\n"),
    LINES_ROW("h2-upper-case", "8.2.1", "sends a name with capital letters",
              STATUS "X-Note: yes\r\n"),
    LINES_ROW("h2-name-space", "8.2.1", "sends a name with a space in it",
              STATUS "x note: yes\r\n"),
    LINES_ROW("h2-value-cr", "8.2.1", "sends a value with CR in it", STATUS "x-note: a\rb\r\n"),
    LINES_ROW("h2-connection-field", "8.2.2", "sends connection: keep-alive",
              STATUS "connection: keep-alive\r\n"),
    LINES_ROW("h2-transfer-encoding", "8.2.2", "sends transfer-encoding: chunked",
              STATUS "transfer-encoding: chunked\r\n"),
    {"h2-trailers-pseudo", "http2", "RFC 9113, 8.1", "sends :status in the trailers", MALFORMED,
     JUDGE_FAILED, 0, H2, .script = with_trailers, BYTES(STATUS)},
    ROW("h2-trailers-go-on", "8.1", "sends trailers, and DATA behind them", MALFORMED,
        .script = end_twice),
    {"h2-data-first", "http2", "RFC 9113, 8.1", "sends DATA before HEADERS", MALFORMED,
     JUDGE_FAILED, 0, H2, .script = data_first, BYTES(STATUS)},

    /* ---- frames ---- */
    {"h2-settings-missing", "http2", "RFC 9113, 3.4", "begins without SETTINGS", CONNECTION_ERROR,
     JUDGE_FAILED, JUDGE_HUNG, H2, .withheld = RP_SIM_SETTINGS},
    FRAMES_ROW("h2-settings-size", "6.5", "sends SETTINGS of 5 bytes",
               "\0\0\5\4\0\0\0\0\0"
               "12345"),
    FRAMES_ROW("h2-settings-stream", "6.5", "sends SETTINGS on stream 1", "\0\0\0\4\0\0\0\0\1"),
    ROW("h2-settings-push", "6.5.2", "sets ENABLE_PUSH to 1", CONNECTION_ERROR,
        .script = allow_push),
    ROW("h2-settings-window", "6.5.2", "sets INITIAL_WINDOW_SIZE to 2^31", CONNECTION_ERROR,
        .script = set_window),
    ROW("h2-settings-frame", "6.5.2", "sets MAX_FRAME_SIZE to 100", CONNECTION_ERROR,
        .script = set_frame_size),
    FRAMES_ROW("h2-ping-size", "6.7", "sends PING of 7 bytes",
               "\0\0\7\6\0\0\0\0\0"
               "1234567"),
    FRAMES_ROW("h2-ping-stream", "6.7", "sends PING on stream 1",
               "\0\0\x8\6\0\0\0\0\1"
               "12345678"),
    FRAMES_ROW("h2-window-zero", "6.9", "sends WINDOW_UPDATE of 0 for the connection",
               "\0\0\4\x8\0\0\0\0\0"
               "\0\0\0\0"),
    FRAMES_ROW("h2-window-overflow", "6.9.1", "sends WINDOW_UPDATE of 2^31 - 1 for the connection",
               "\0\0\4\x8\0\0\0\0\0"
               "\x7f\xff\xff\xff"),
    FRAMES_ROW("h2-data-stream-0", "6.1", "sends DATA on stream 0",
               "\0\0\1\0\0\0\0\0\0"
               "x"),
    FRAMES_ROW("h2-idle-stream", "5.1", "sends HEADERS on a stream that nobody opened",
               "\0\0\1\1\4\0\0\0\x63"
               "\x88"),
    FRAMES_ROW("h2-continuation-alone", "6.10", "sends CONTINUATION without HEADERS",
               "\0\0\1\x9\4\0\0\0\1"
               "\x88"),
    ROW("h2-block-cut", "4.3", "sends PING between HEADERS and CONTINUATION", CONNECTION_ERROR,
        .script = cut_block),
    ROW("h2-frame-large", "4.2", "sends DATA of 20,000 bytes in a frame", CONNECTION_ERROR,
        .script = large_frame),
    ROW("h2-padding", "6.1", "sends DATA with more padding than there is room", CONNECTION_ERROR,
        .script = padding_too_long),
    ROW("h2-push", "6.6 and 8.4", "pushes, though the client has forbidden it", CONNECTION_ERROR,
        .script = push),
    ROW("h2-hpack", "4.3; RFC 7541, 2.3.3", "uses an index that does not exist", CONNECTION_ERROR,
        .script = bad_index),

    /* ---- limits ---- */
    {"h2-block-endless", "http2", "RFC 9113, 10.5.1; CVE-2024-28182, CVE-2023-45288",
     "sends 24 MiB of CONTINUATION", "an error, long before", JUDGE_FAILED, 0, H2, .most_mib = 16,
     .script = endless_block},
    ROW("h2-bomb", "10.5.1; RFC 7541, 7.3; CVE-2016-1544", "sends 64 KB that are 64 MB of fields",
        "an error", .script = small_to_large),
    {"h2-empty-data", "http2", "RFC 9113, 10.5; CVE-2019-9518", "sends 20,000 empty DATA frames",
     "an error", JUDGE_FAILED, JUDGE_TAKEN, H2, .script = empty_data},
    {"h2-many-settings", "http2", "RFC 9113, 10.5; CVE-2019-9515", "sends 20,000 SETTINGS frames",
     "an error", JUDGE_FAILED, JUDGE_TAKEN, H2, .script = many_settings},
    {.name = NULL},
};
