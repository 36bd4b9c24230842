/* test_h2_uploads.c - bodies that go up over HTTP/2, by the frame: windows of single bytes, shrunk
 * below zero, of the connection and of the stream; answers, resets and GOAWAYs in the middle. */
#include "support/check.h"
#include "support/producer.h"

#include <string.h>

enum { NO_ERROR = 0, INTERNAL_ERROR = 2, REFUSED_STREAM = 7, CANCEL = 8 };

typedef struct rig {
    scene s;
    producer p;
    rp_sim_exchange *x; /* the upload's; NULL: not there */
    rp_sim_exchange *connection;
    unsigned largest; /* DATA */
    unsigned ends;    /* END_STREAM on frames of the client's */
} rig;

static rig *g; /* the one that there is */

static void head_came(rp_sim_exchange *x, void *user)
{
    upload_head(x, user);
    g->x = x;
    g->connection = rp_sim_connection(x);
}

static void gone(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (g->x == x)
        g->x = NULL;
}

static void frame_came(rp_sim_exchange *x, uint8_t type, uint8_t flags, uint32_t stream,
                       const uint8_t *payload, size_t size, void *user)
{
    (void)x;
    (void)stream;
    (void)payload;
    (void)user;
    if (type == RP_SIM_FRAME_DATA && g->largest < size)
        g->largest = (unsigned)size;
    if (type == RP_SIM_FRAME_DATA || type == RP_SIM_FRAME_HEADERS)
        g->ends += (flags & RP_SIM_FLAG_END_STREAM) != 0;
}

/* The server gives no windows by itself, and its stream's are of so many bytes. */
static void begin_with(rig *r, bool tls, uint32_t window,
                       void (*on_request)(rp_sim_exchange *x, void *user))
{
    rp_sim_setting setting = {RP_SIM_INITIAL_WINDOW_SIZE, window};
    rp_sim_server_options serving = upload_looking;
    serving.on_head = head_came;
    serving.on_request = on_request;
    serving.on_gone = gone;
    serving.on_frame = frame_came;
    serving.settings = &setting;
    serving.setting_count = 1;
    serving.withheld = RP_SIM_WINDOWS;
    memset(r, 0, sizeof(*r));
    g = r;
    upload_begin(&r->s, tls ? 3 : 2, &serving, NULL);
}

static void begin(rig *r, bool tls, uint32_t window)
{
    begin_with(r, tls, window, upload_tell_size);
}

/* A request that is over beforehand: its answer tells that the server's SETTINGS are there, too. */
static void meet(rig *r)
{
    fetch f = {0};
    scene_good(&r->s, &f, "/", NULL, 200);
    r->ends = 0;
}

static void upload(rig *r, size_t total, bool known, rp_request_options options)
{
    r->x = NULL;
    r->p = (producer){.total = total, .piece = total};
    options.body_size = known ? total : 0;
    producer_start(&r->p, &r->s, "/", options);
    UNTIL(r->s.web.loop, r->x != NULL || r->p.f.dones > 0);
    assert_non_null(r->x);
}

/* So many bytes come, and no more. */
static void came(rig *r, uint64_t bytes)
{
    UNTIL(r->s.web.loop, upload_seen.bytes >= bytes || r->p.f.dones > 0);
    scene_settle(&r->s, 3);
    assert_int_equal(upload_seen.bytes, bytes);
}

static void open_stream(const rig *r, uint32_t bytes)
{
    rp_sim_window_update(r->x, rp_sim_stream(r->x), bytes);
}

static void open_connection(const rig *r, uint32_t bytes)
{
    rp_sim_window_update(r->connection, 0, bytes);
}

static void set_window(const rig *r, uint32_t bytes)
{
    rp_sim_setting setting = {RP_SIM_INITIAL_WINDOW_SIZE, bytes};
    rp_sim_settings(r->connection, &setting, 1);
}

/* All of it arrived, and it is answered. */
static void is_whole(rig *r, size_t total)
{
    char text[32];
    producer_finish(&r->p, RP_OK);
    assert_int_equal(r->p.f.status, 200);
    (void)snprintf(text, sizeof(text), "%zu ", total);
    assert_memory_equal(r->p.f.text, text, strlen(text));
    assert_int_equal(r->p.f.summary.body_bytes_sent, total);
    assert_int_equal(scene_counts(&r->s).connections, 1);
    assert_int_equal(scene_counts(&r->s).resets, 0);
}

static void each(void (*test)(rig *r, bool known))
{
    for (unsigned i = 0; i < 4; i++) {
        rig r;
        begin(&r, i / 2 == 1, 65535);
        meet(&r);
        test(&r, i % 2 == 1);
        upload_end(&r.s);
    }
}

/* ---- windows ---- */

static void by_bytes(rig *r, bool known)
{
    upload(r, 65535 + 6, known, (rp_request_options){0});
    came(r, 65535);
    open_connection(r, 3);
    came(r, 65535); /* the stream's is used up, too */
    for (unsigned i = 1; i <= 3; i++) {
        open_stream(r, 1);
        came(r, 65535 + i);
    }
    open_stream(r, 100);
    came(r, 65535 + 3); /* and now the connection's */
    open_connection(r, 1);
    came(r, 65535 + 4);
    open_connection(r, 100);
    is_whole(r, 65535 + 6);
}

static void test_by_bytes(void **state)
{
    (void)state;
    each(by_bytes);
}

/* SETTINGS take back what the stream has, and more: what is given then has to fill that hole first
 * (RFC 9113, 6.9.2). */
static void below_zero(rig *r, bool known)
{
    upload(r, 100000, known, (rp_request_options){0});
    came(r, 65535);
    open_connection(r, 1000000);
    set_window(r, 1000); /* -64535 */
    came(r, 65535);
    open_stream(r, 64534);
    came(r, 65535);
    open_stream(r, 1);
    came(r, 65535); /* 0 */
    open_stream(r, 1);
    came(r, 65536);
    set_window(r, 0); /* -1000 */
    open_stream(r, 1000);
    came(r, 65536);
    set_window(r, 2);
    came(r, 65538);
    set_window(r, 65535);
    is_whole(r, 100000);
}

static void test_below_zero(void **state)
{
    (void)state;
    each(below_zero);
}

/* The end of a body, and what stands behind it, needs no window (6.9.1). */
static void test_ends_without_window(void **state)
{
    static const rp_header trailer = {"X-Sum", "yes"}, announced = {"Trailer", "X-Sum"};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        rig r;
        bool trails = i % 2 == 1;
        rp_request_options options = {.headers = &announced, .header_count = trails};
        begin(&r, i / 2 == 1, 65535);
        meet(&r);
        options.url = scene_url(&r.s, "/");
        r.p = (producer){.total = 65535, .piece = 65535, .endless = true};
        producer_start(&r.p, &r.s, "/", options);
        UNTIL(r.s.web.loop, r.x != NULL);
        came(&r, 65535);
        assert_int_equal(r.ends, 0);
        assert_int_equal(rp_request_body_end(r.p.f.request, &trailer, trails, NULL), RP_OK);
        producer_finish(&r.p, RP_OK);
        assert_int_equal(r.ends, 1);
        assert_string_equal(r.p.f.text, trails ? "65535 - - yes" : "65535 - - -");
        upload_end(&r.s);
    }
}

/* Nothing of another request's window. */
static void others_window(rig *r, bool known)
{
    producer other = {.total = 10, .piece = 10};
    upload(r, 70000, known, (rp_request_options){0});
    came(r, 65535);
    rp_sim_exchange *first = r->x;
    open_stream(r, 1000000);
    producer_start(&other, &r->s, "/", (rp_request_options){0});
    UNTIL(r->s.web.loop, r->x != first);
    scene_settle(&r->s, 3);
    assert_int_equal(upload_seen.bytes, 0); /* the other's: the connection's window is empty */
    assert_int_equal(other.f.dones, 0);
    rp_sim_reset_stream(r->x, CANCEL);
    UNTIL(r->s.web.loop, other.f.dones > 0);
    producer_finish(&other, RP_E_H2_RESET);
    upload_seen.bytes = 65535;
    r->x = first;
    open_connection(r, 1000000);
    is_whole(r, 70000);
}

static void test_others_window(void **state)
{
    (void)state;
    each(others_window);
}

/* Frames of DATA as large as the server takes them, from its confirmation on. */
static void frame_size(rig *r, bool known)
{
    rp_sim_setting setting = {RP_SIM_MAX_FRAME_SIZE, 40000};
    upload(r, 65535 + 100000, known, (rp_request_options){0});
    came(r, 65535);
    assert_in_range(r->largest, 1, 16384);
    rp_sim_settings(r->connection, &setting, 1);
    open_stream(r, 1000000);
    open_connection(r, 1000000);
    is_whole(r, 65535 + 100000);
    assert_in_range(r->largest, 1, 40000);
}

static void test_frame_size(void **state)
{
    (void)state;
    each(frame_size);
}

/* ---- answers in the middle ---- */

static const char ok[] = ":status: 200\r\nx: y\r\n", no[] = ":status: 413\r\n";

static void answer(const rig *r, const char *lines, bool end)
{
    uint8_t flags = RP_SIM_FLAG_END_HEADERS;
    rp_sim_headers(r->x, end ? flags | RP_SIM_FLAG_END_STREAM : flags, rp_sim_stream(r->x), lines,
                   0);
}

static void reset(const rig *r, uint8_t code)
{
    uint8_t payload[4] = {[3] = code};
    rp_sim_frame(r->x, RP_SIM_FRAME_RST_STREAM, 0, rp_sim_stream(r->x), payload, 4);
}

/* The connection serves on, and what the next one sends is not spoilt by the last one's body. */
static void serves_on(rig *r)
{
    fetch after = {0};
    scene_good(&r->s, &after, "/", NULL, 200);
    assert_int_equal(scene_counts(&r->s).connections, 1);
}

/* A whole answer, and "no more of it, please" (RFC 9113, 8.1): the answer counts. */
static void answered_and_reset(rig *r, bool known)
{
    for (unsigned i = 0; i < 6; i++) {
        upload(r, 300000, known, (rp_request_options){0});
        came(r, 65535);
        rp_sim_hold(r->x);
        answer(r, i % 2 == 0 ? ok : no, i < 4);
        if (i >= 4)
            rp_sim_data(r->x, "body", 4);
        if (i >= 4)
            rp_sim_frame(r->x, RP_SIM_FRAME_DATA, RP_SIM_FLAG_END_STREAM, rp_sim_stream(r->x), "",
                         0);
        if (i >= 2)
            reset(r, NO_ERROR);
        rp_sim_flush(r->x);
        producer_finish(&r->p, RP_OK);
        assert_int_equal(r->p.f.status, i % 2 == 0 ? 200 : 413);
        assert_string_equal(r->p.f.text, i < 4 ? "" : "body");
        assert_int_equal(r->ends, 0); /* it does not look whole */
        open_connection(r, 65535);
    }
    serves_on(r);
}

static void test_answered_and_reset(void **state)
{
    (void)state;
    each(answered_and_reset);
}

/* The answer comes, and the server takes the rest all the same. */
static void answered_and_taken(rig *r, bool known)
{
    upload(r, 100000, known, (rp_request_options){0});
    came(r, 65535);
    answer(r, ok, false);
    rp_sim_data(r->x, "early", 5);
    UNTIL(r->s.web.loop, r->p.f.heads == 1);
    open_stream(r, 1000000);
    open_connection(r, 1000000);
    came(r, 100000);
    producer_finish(&r->p, RP_OK); /* upload_tell_size is too late for a head of its own */
    assert_int_equal(r->ends, 1);
    serves_on(r);
}

static void say_end(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (upload_seen.bytes == 100000)
        rp_sim_end(x, RP_SIM_KEEP);
    else
        upload_tell_size(x, user);
}

static void test_answered_and_taken(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        rig r;
        begin_with(&r, i / 2 == 1, 65535, say_end);
        meet(&r);
        answered_and_taken(&r, i % 2 == 1);
        upload_end(&r.s);
    }
}

/* Ends in the middle that are none of an answer. Whoever can make the body twice has a refused one
 * made again; who can't is told, and may try again. */
static void reset_in_the_middle(rig *r, bool known)
{
    static const uint8_t codes[] = {NO_ERROR, INTERNAL_ERROR, CANCEL, REFUSED_STREAM};
    for (unsigned i = 0; i < 8; i++) {
        bool again = i >= 4, refused = codes[i % 4] == REFUSED_STREAM;
        rp_request_options options = {.on_body_rewind = again ? producer_rewound : NULL};
        upload(r, 100000, known, options);
        rp_sim_exchange *first = r->x;
        came(r, 65535);
        open_connection(r, 65535);
        reset(r, codes[i % 4]);
        if (refused && again) {
            UNTIL(r->s.web.loop, r->x != first && r->x != NULL);
            came(r, 65535);
            open_connection(r, 65535);
            open_stream(r, 65535);
        }
        producer_finish(&r->p, refused && again ? RP_OK : RP_E_H2_RESET);
        assert_int_equal(r->p.rewound, refused && again);
        if (r->p.f.error.status != RP_OK) {
            assert_int_equal(r->p.f.error.h2_code, codes[i % 4]);
            assert_int_equal(r->p.f.error.replay_safe, refused);
        }
    }
    serves_on(r);
}

static void test_reset_in_the_middle(void **state)
{
    (void)state;
    each(reset_in_the_middle);
}

/* The server leaves: what it took it takes to the end, what is above its last it never saw. */
static void test_goaway(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        rig r;
        bool taken = i % 2 == 0, again = i / 2 % 2 == 0;
        rp_request_options options = {.on_body_rewind = again ? producer_rewound : NULL};
        begin(&r, i / 4 == 1, 65535);
        meet(&r);
        upload(&r, 100000, false, options);
        came(&r, 65535);
        unsigned heads = upload_seen.heads;
        rp_sim_goaway(r.connection, taken ? UINT32_MAX : 1, NO_ERROR, NULL);
        if (taken) {
            scene_settle(&r.s, 3);
            open_stream(&r, 65535);
            open_connection(&r, 65535);
        } else if (again) {
            UNTIL(r.s.web.loop, upload_seen.heads > heads);
            assert_int_equal(scene_counts(&r.s).connections, 2);
            came(&r, 65535);
            open_stream(&r, 65535);
            open_connection(&r, 65535);
        }
        producer_finish(&r.p, taken || again ? RP_OK : RP_E_H2_RESET);
        assert_int_equal(r.p.rewound, !taken && again);
        if (!taken && !again)
            assert_true(r.p.f.error.replay_safe);
        upload_end(&r.s);
    }
}

/* What breaks a rule while a body goes up. */
static void test_breaches(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        rig r;
        bool connection = i % 4 >= 2;
        begin(&r, i / 4 == 1, 65535);
        meet(&r);
        upload(&r, 100000, false, (rp_request_options){0});
        came(&r, 65535);
        switch (i % 4) {
        case 0: /* an interim response that is the end (8.1) */
            answer(&r, ":status: 100\r\n", true);
            break;
        case 1: /* 101 there is none (8.6) */
            answer(&r, ":status: 101\r\n", false);
            break;
        case 2: /* 6.9 */
            rp_sim_frame(r.connection, RP_SIM_FRAME_WINDOW_UPDATE, 0, 0, "\0\0\0\0", 4);
            break;
        default: /* 6.9.1: behind what went the stream's window is 0 */
            set_window(&r, 65536);
            rp_sim_frame(r.connection, RP_SIM_FRAME_WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4);
            rp_sim_frame(r.connection, RP_SIM_FRAME_WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4);
        }
        fetch_wait(&r.p.f);
        assert_true(r.p.f.error.status == RP_E_BAD_RESPONSE ||
                    r.p.f.error.status == RP_E_H2_PROTOCOL);
        assert_false(r.p.f.error.replay_safe);
        scene_settle(&r.s, 3); /* what is under way arrives */
        fetch after = {0};
        scene_good(&r.s, &after, "/", NULL, 200);
        assert_int_equal(scene_counts(&r.s).connections, connection ? 2 : 1);
        upload_end(&r.s);
    }
}

/* ---- heads go before bodies ---- */

static bool other_came;
static uint64_t before_other;

static void two_heads(rp_sim_exchange *x, void *user)
{
    if (g->x == NULL) {
        upload_head(x, user);
        g->x = x;
        g->connection = rp_sim_connection(x);
        return;
    }
    other_came = true;
}

static void count_data(rp_sim_exchange *x, uint8_t type, uint8_t flags, uint32_t stream,
                       const uint8_t *payload, size_t size, void *user)
{
    (void)x, (void)flags, (void)stream, (void)payload, (void)user;
    if (type == RP_SIM_FRAME_DATA && !other_came)
        before_other += size;
}

static void take_body(rp_sim_exchange *x, const uint8_t *bytes, size_t size, void *user)
{
    (void)x, (void)bytes, (void)size, (void)user;
}

static void say_well(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_respond(x, 200, NULL, "k", 1);
}

/* An upload for which the server has all the room there is keeps no other request waiting. */
static void test_heads_go_first(void **state)
{
    static uint8_t large[16 * 1024 * 1024];
    rig r;
    rp_sim_setting setting = {RP_SIM_INITIAL_WINDOW_SIZE, 0x7fffffff};
    rp_sim_server_options serving = {.on_head = two_heads,
                                     .on_body = take_body,
                                     .on_request = say_well,
                                     .on_frame = count_data,
                                     .settings = &setting,
                                     .setting_count = 1,
                                     .withheld = RP_SIM_WINDOWS};
    (void)state;
    memset(&r, 0, sizeof(r));
    other_came = false;
    before_other = 0;
    g = &r;
    upload_begin(&r.s, 2, &serving, NULL);
    fetch first = {0}, up = {0}, other = {0};
    scene_good(&r.s, &first, "/", NULL, 200);
    open_connection(&r, 0x7fff0000);
    scene_settle(&r.s, 3);
    r.x = NULL;
    rp_request_options put = {.method = "PUT", .body = large, .body_size = sizeof(large)};
    rp_request_options plain = {.method = "GET"};
    put.url = plain.url = scene_url(&r.s, "/");
    assert_true(fetch_start(&up, &r.s.web, "/", &put));
    UNTIL(r.s.web.loop, r.x != NULL);
    assert_true(fetch_start(&other, &r.s.web, "/", &plain));
    fetch_wait(&other);
    assert_true(before_other < sizeof(large) / 4);
    fetch_wait(&up);
    upload_end(&r.s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_by_bytes),
        fixture_test(test_below_zero),
        fixture_test(test_ends_without_window),
        fixture_test(test_others_window),
        fixture_test(test_frame_size),
        fixture_test(test_answered_and_reset),
        fixture_test(test_answered_and_taken),
        fixture_test(test_reset_in_the_middle),
        fixture_test(test_goaway),
        fixture_test(test_breaches),
        fixture_test(test_heads_go_first),
    };
    return upload_run(tests, sizeof(tests) / sizeof(tests[0]));
}
