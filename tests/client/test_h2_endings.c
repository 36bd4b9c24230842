/* test_h2_endings.c - what a server takes back, holds up and breaks off over HTTP/2, and what
 * becomes of the requests: GOAWAY, resets, limits, windows, silence, bombs. */
#include "support/check.h"
#include "support/scene.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 40 };

static const rp_client_options only_2 = {.versions = RP_HTTP_2, .http2_prior_knowledge = true};

/* What the script does with the requests that come: by their number, in all. */
typedef struct plan {
    unsigned asked; /* requests that the server saw */
    rp_sim_exchange *kept[MOST];
    unsigned kept_count;
    unsigned answered[MOST]; /* by the number in the path */
} plan;

static plan *plan_of(void *user)
{
    return (plan *)(uintptr_t)((const scene *)user)->data;
}

static void begin(scene *s, plan *p, const rp_sim_server_options *serving,
                  const rp_client_options *client)
{
    rp_sim_server_options options = *serving;
    options.versions = RP_SIM_HTTP_2;
    memset(p, 0, sizeof(*p));
    scene_begin(s, 0, &options, client != NULL ? client : &only_2);
    s->data = p;
}

static void end(scene *s)
{
    const char *complaint = rp_sim_server_complaint(s->server);
    if (complaint != NULL)
        fail_msg("%s", complaint);
    scene_end(s);
}

static void start(scene *s, fetch *f, const char *method, unsigned number)
{
    char path[16];
    (void)snprintf(path, sizeof(path), "/%u", number);
    rp_request_options options = {
        .method = method, .url = scene_url(s, path), .total_timeout_ms = 30000};
    if (!fetch_start(f, &s->web, NULL, &options))
        fail_msg("%s", f->error.text);
}

static void expect_good(const fetch *f)
{
    if (f->error.status != RP_OK)
        fail_msg("%s", f->error.text);
    assert_int_equal(f->status, 200);
}

static void expect_bad(const fetch *f, rp_status status, uint32_t code, bool safe)
{
    if (f->error.status != status || f->error.h2_code != code || f->error.replay_safe != safe)
        fail_msg("%s, code %u, %s: %s", rp_status_name(f->error.status), f->error.h2_code,
                 f->error.replay_safe ? "safe" : "unsafe", f->error.text);
}

static void answer(rp_sim_exchange *x, plan *p)
{
    p->answered[atoi(rp_sim_target(x) + 1) % MOST]++;
    rp_sim_respond(x, 200, NULL, "good", 4);
}

static void keep(rp_sim_exchange *x, plan *p)
{
    CHECK(p->kept_count < MOST);
    p->kept[p->kept_count++] = x;
}

static void answer_kept(plan *p)
{
    for (unsigned i = 0; i < p->kept_count; i++)
        answer(p->kept[i], p);
    p->kept_count = 0;
}

/* ---- GOAWAY ---- */

/* The third request's stream and those above it are left undone. */
static void leave_at_third(rp_sim_exchange *x, void *user)
{
    plan *p = plan_of(user);
    rp_sim_exchange *connection = rp_sim_connection(x);
    if (rp_sim_served(x) < 2 && p->asked < 5) {
        keep(x, p);
    } else if (p->asked == 5) {
        answer(x, p);
        return;
    }
    if (rp_sim_served(x) < 4)
        return;
    p->asked = 5;
    rp_sim_goaway(connection, rp_sim_stream(p->kept[1]), 0, "enough");
    answer_kept(p);
}

/* POSTs, too, go to another connection, and each is done once. */
static void test_goaway_moves_what_is_above(void **state)
{
    rp_sim_server_options serving = {.on_request = leave_at_third};
    scene s;
    plan p;
    (void)state;
    for (unsigned before = 0; before < 2; before++) {
        fetch f[5] = {{0}};
        begin(&s, &p, &serving, NULL);
        for (unsigned i = 0; i < 5; i++) {
            start(&s, &f[i], "POST", i);
            if (i == 0) /* the connection is there */
                UNTIL(s.web.loop, p.kept_count == 1);
        }
        for (unsigned i = 0; i < 5; i++) {
            fetch_wait(&f[i]);
            expect_good(&f[i]);
            assert_int_equal(p.answered[i], 1);
        }
        assert_int_equal(scene_counts(&s).connections, 2);
        end(&s);
    }
}

/* First all that may have left is let through (2^31-1), then the last stream is named. */
static void leave_gracefully(rp_sim_exchange *x, void *user)
{
    plan *p = plan_of(user);
    if (p->asked++ == 0) {
        rp_sim_goaway(rp_sim_connection(x), 0x7fffffff, 0, NULL);
        rp_sim_wait(x, 20);
        rp_sim_goaway(rp_sim_connection(x), rp_sim_stream(x), 0, NULL);
    }
    answer(x, p);
}

static void test_graceful_goaway(void **state)
{
    rp_sim_server_options serving = {.on_request = leave_gracefully};
    scene s;
    plan p;
    (void)state;
    begin(&s, &p, &serving, NULL);
    for (unsigned i = 0; i < 3; i++) {
        fetch f = {0};
        start(&s, &f, "POST", i);
        fetch_wait(&f);
        expect_good(&f);
    }
    assert_int_equal(scene_counts(&s).connections, 2);
    UNTIL(s.web.loop, scene_counts(&s).open == 1); /* the one that was left is closed */
    end(&s);
}

static void leave_at_once(rp_sim_exchange *x, void *user)
{
    plan *p = plan_of(user);
    rp_sim_goaway(rp_sim_connection(x), 0, 11, "calm down");
    p->asked++;
    rp_sim_end(rp_sim_connection(x), RP_SIM_CLOSE);
}

/* A server that never takes any: the attempts are bounded, and the error says what it said. */
static void test_goaway_always(void **state)
{
    rp_sim_server_options serving = {.on_request = leave_at_once};
    scene s;
    plan p;
    fetch f = {0};
    (void)state;
    begin(&s, &p, &serving, NULL);
    start(&s, &f, "POST", 0);
    fetch_wait(&f);
    expect_bad(&f, RP_E_H2_RESET, 11, true);
    assert_non_null(strstr(f.error.text, "calm down"));
    assert_in_range(p.asked, 1, 10);
    end(&s);
}

/* The last stream's number may not rise, and must be one of the client's. */
static void wrong_goaway(rp_sim_exchange *x, void *user)
{
    const plan *p = plan_of(user);
    rp_sim_exchange *connection = rp_sim_connection(x);
    rp_sim_goaway(connection, rp_sim_stream(x) + (p->asked == 0 ? 0 : 1), 0, NULL);
    if (p->asked == 0)
        rp_sim_goaway(connection, rp_sim_stream(x) + 2, 0, NULL);
}

static void test_wrong_goaway(void **state)
{
    rp_sim_server_options serving = {.on_request = wrong_goaway};
    scene s;
    plan p;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        fetch f = {0};
        begin(&s, &p, &serving, NULL);
        p.asked = i;
        start(&s, &f, "POST", 0);
        fetch_wait(&f);
        expect_bad(&f, RP_E_H2_PROTOCOL, 1, false);
        end(&s);
    }
}

/* ---- resets ---- */

static void refuse_some(rp_sim_exchange *x, void *user)
{
    plan *p = plan_of(user);
    if (p->asked++ < 2)
        rp_sim_reset_stream(x, 7);
    else
        answer(x, p);
}

static void refuse_all(rp_sim_exchange *x, void *user)
{
    plan_of(user)->asked++;
    rp_sim_reset_stream(x, 7);
}

/* REFUSED_STREAM: again, whatever the method, the first of a connection too; and not for ever. */
static void test_refused(void **state)
{
    rp_sim_server_options some = {.on_request = refuse_some}, none = {.on_request = refuse_all};
    scene s;
    plan p;
    fetch f = {0};
    (void)state;
    begin(&s, &p, &some, NULL);
    start(&s, &f, "POST", 0);
    fetch_wait(&f);
    expect_good(&f);
    assert_int_equal(p.answered[0], 1);
    assert_int_equal(p.asked, 3);
    end(&s);
    begin(&s, &p, &none, NULL);
    f = (fetch){0};
    start(&s, &f, "POST", 0);
    fetch_wait(&f);
    expect_bad(&f, RP_E_H2_RESET, 7, true);
    assert_in_range(p.asked, 2, 20);
    end(&s);
}

/* A whole answer, and then a reset: of an upload that nobody needs. */
static void answer_early(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_head(x, 200, NULL, 4);
    rp_sim_data(x, "good", 4);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, 1, rp_sim_stream(x), NULL, 0);
    rp_sim_reset_stream(x, 0);
}

static void test_early_answer(void **state)
{
    static uint8_t body[3000000];
    rp_sim_server_options serving = {.on_head = answer_early, .withheld = RP_SIM_WINDOWS};
    scene s;
    plan p;
    (void)state;
    begin(&s, &p, &serving, NULL);
    for (unsigned i = 0; i < 3; i++) {
        fetch f = {0};
        rp_request_options options = {.url = scene_url(&s, "/"),
                                      .method = "POST",
                                      .body = body,
                                      .body_size = sizeof(body),
                                      .total_timeout_ms = 30000};
        assert_true(fetch_start(&f, &s.web, NULL, &options));
        fetch_wait(&f);
        expect_good(&f);
        assert_string_equal(f.text, "good");
    }
    end(&s);
}

/* An upload that waits for a window wakes when its stream, or its connection, ends. */
static void never_takes(rp_sim_exchange *x, void *user)
{
    const plan *p = plan_of(user);
    rp_sim_exchange *connection = rp_sim_connection(x);
    rp_sim_wait(connection, 50);
    if (p->asked == 0)
        rp_sim_frame(connection, RP_SIM_FRAME_RST_STREAM, 0, rp_sim_stream(x), "\0\0\0\2", 4);
    else if (p->asked == 1)
        rp_sim_goaway(connection, 0, 2, NULL);
    else if (p->asked == 2)
        rp_sim_end(connection, RP_SIM_END_RESET);
}

static void test_blocked_uploads_wake(void **state)
{
    static uint8_t body[3000000];
    rp_sim_server_options serving = {.on_head = never_takes, .withheld = RP_SIM_WINDOWS};
    scene s;
    plan p;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        fetch f = {0};
        begin(&s, &p, &serving, NULL);
        p.asked = i;
        rp_request_options options = {.url = scene_url(&s, "/"),
                                      .method = "POST",
                                      .never_replay = true,
                                      .body = body,
                                      .body_size = sizeof(body),
                                      .total_timeout_ms = i < 3 ? 30000 : 100};
        assert_true(fetch_start(&f, &s.web, NULL, &options));
        uint64_t before = rp_loop_now_ms(s.web.loop);
        fetch_wait(&f);
        assert_true(f.error.status != RP_OK);
        assert_int_equal(f.error.status == RP_E_TOTAL_TIMEOUT, i == 3);
        assert_true(rp_loop_now_ms(s.web.loop) - before < 20000);
        end(&s);
    }
}

/* ---- limits that change ---- */

static void keep_it(rp_sim_exchange *x, void *user)
{
    plan_of(user)->asked++;
    keep(x, plan_of(user));
}

static void limit(rp_sim_exchange *connection, uint32_t streams)
{
    rp_sim_setting setting = {RP_SIM_MAX_CONCURRENT_STREAMS, streams};
    rp_sim_settings(connection, &setting, 1);
}

static void answer_two(plan *p)
{
    answer(p->kept[0], p);
    answer(p->kept[1], p);
    p->kept_count -= 2;
    memmove(p->kept, p->kept + 2, p->kept_count * sizeof(p->kept[0]));
}

/* From 10 to 1, to 0, and to 3: nobody waits in vain, and nobody is refused for it. */
static void test_limits_lowered(void **state)
{
    static const rp_sim_setting ten = {RP_SIM_MAX_CONCURRENT_STREAMS, 10};
    rp_sim_server_options serving = {.on_request = keep_it, .settings = &ten, .setting_count = 1};
    rp_client_options client = only_2;
    client.http2_one_connection = true;
    fetch f[20] = {{0}};
    scene s;
    plan p;
    (void)state;
    begin(&s, &p, &serving, &client);
    start(&s, &f[0], "POST", 0);
    UNTIL(s.web.loop, p.kept_count == 1);
    scene_settle(&s, 20); /* the limit is known */
    for (unsigned i = 1; i < 20; i++)
        start(&s, &f[i], "POST", i);
    UNTIL(s.web.loop, p.kept_count == 10);
    rp_sim_exchange *connection = rp_sim_connection(p.kept[0]);
    limit(connection, 1);
    scene_settle(&s, 20);
    for (unsigned i = 0; i < 5; i++) {
        answer_two(&p);
        scene_settle(&s, 20);
        assert_int_equal(p.asked, i < 4 ? 10 : 11);
    }
    limit(connection, 0);
    scene_settle(&s, 20);
    answer_kept(&p);
    scene_settle(&s, 20);
    assert_int_equal(p.asked, 11);
    limit(connection, 3);
    UNTIL(s.web.loop, p.kept_count == 3);
    scene_settle(&s, 20);
    assert_int_equal(p.asked, 14);
    for (unsigned i = 0; i < 20; i++) {
        while (f[i].dones == 0) {
            answer_kept(&p);
            (void)rp_loop_turn(s.web.loop, 10);
        }
        expect_good(&f[i]);
        assert_int_equal(p.answered[i], 1);
    }
    assert_int_equal(scene_counts(&s).connections, 1);
    end(&s);
}

/* When streams run out another connection is opened; or not, where one is to be enough. */
static void test_streams_run_out(void **state)
{
    static const rp_sim_setting four = {RP_SIM_MAX_CONCURRENT_STREAMS, 4};
    rp_sim_server_options serving = {.on_request = keep_it, .settings = &four, .setting_count = 1};
    (void)state;
    for (unsigned one = 0; one < 2; one++) {
        rp_client_options client = only_2;
        client.http2_one_connection = one == 1;
        fetch f[12] = {{0}};
        scene s;
        plan p;
        begin(&s, &p, &serving, &client);
        start(&s, &f[0], "GET", 0);
        UNTIL(s.web.loop, p.kept_count == 1);
        scene_settle(&s, 20); /* the limit is known */
        for (unsigned i = 1; i < 12; i++)
            start(&s, &f[i], "GET", i);
        UNTIL(s.web.loop, p.kept_count == (one == 1 ? 4 : 12));
        scene_settle(&s, 50);
        assert_int_equal(p.kept_count, one == 1 ? 4 : 12);
        assert_in_range(scene_counts(&s).connections, one == 1 ? 1 : 3, one == 1 ? 1 : 4);
        assert_int_equal(scene_counts(&s).streams_most, 4);
        for (unsigned i = 0; i < 12; i++) {
            while (f[i].dones == 0) {
                answer_kept(&p);
                (void)rp_loop_turn(s.web.loop, 10);
            }
            expect_good(&f[i]);
        }
        end(&s);
    }
}

/* ---- silence ---- */

static void test_silence(void **state)
{
    rp_sim_server_options serving = {.on_request = keep_it, .withheld = RP_SIM_PING_ACK};
    rp_client_options client = only_2;
    client.http2_ping_idle_ms = 200;
    client.http2_ping_timeout_ms = 200;
    (void)state;
    for (unsigned answers = 0; answers < 2; answers++) {
        fetch f = {0};
        scene s;
        plan p;
        serving.withheld = answers == 1 ? 0 : RP_SIM_PING_ACK;
        begin(&s, &p, &serving, &client);
        start(&s, &f, "POST", 0);
        UNTIL(s.web.loop, p.kept_count == 1);
        scene_settle(&s, 1000);
        assert_int_equal(f.dones, answers == 0);
        if (answers == 1) {
            answer_kept(&p);
            fetch_wait(&f);
            expect_good(&f);
            assert_in_range(scene_counts(&s).pings, 2, 10);
        } else {
            expect_bad(&f, RP_E_H2_PING_TIMEOUT, 0, false);
            assert_int_equal(scene_counts(&s).pings, 1);
        }
        end(&s);
    }
}

/* ---- bombs ---- */

static void bomb(rp_sim_exchange *x, void *user)
{
    static const char *const big = ":status: 200\r\n";
    rp_sim_exchange *connection = rp_sim_connection(x);
    uint32_t stream = rp_sim_stream(x);
    char line[1100];
    switch (plan_of(user)->asked) {
    case 0: /* one large field, indexed again and again: 4 KiB of table to megabytes */
        (void)snprintf(line, sizeof(line), "%sx: %01000d\r\n", big, 0);
        rp_sim_headers(connection, 0, stream, line, 0);
        for (unsigned i = 0; i < 4; i++) {
            static uint8_t repeats[1000];
            memset(repeats, 0xbe, sizeof(repeats));
            rp_sim_frame(connection, RP_SIM_FRAME_CONTINUATION, i == 3 ? 4 : 0, stream, repeats,
                         sizeof(repeats));
        }
        break;
    case 1: /* CONTINUATIONs without end */
        rp_sim_frame(connection, RP_SIM_FRAME_HEADERS, 0, stream, "\x88", 1);
        for (unsigned i = 0; i < 1000; i++)
            rp_sim_frame(connection, RP_SIM_FRAME_CONTINUATION, 0, stream, "", 0);
        break;
    case 2: /* frames that bring nothing */
        for (unsigned i = 0; i < 5000; i++)
            rp_sim_frame(connection, RP_SIM_FRAME_PING, 0, 0, "12345678", 8);
        break;
    case 3:
        for (unsigned i = 0; i < 5000; i++)
            rp_sim_frame(connection, RP_SIM_FRAME_SETTINGS, 0, 0, "", 0);
        break;
    case 4:
        rp_sim_headers(connection, 4, stream, big, 0);
        for (unsigned i = 0; i < 5000; i++)
            rp_sim_frame(connection, RP_SIM_FRAME_DATA, 0, stream, "", 0);
        break;
    default:
        for (unsigned i = 0; i < 5000; i++)
            rp_sim_frame(connection, RP_SIM_FRAME_WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4);
        break;
    }
}

/* The request ends in an error that blames the server, and soon; memory stays within bounds. */
static void test_bombs(void **state)
{
    rp_sim_server_options serving = {.on_request = bomb};
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        fetch f = {0};
        scene s;
        plan p;
        begin(&s, &p, &serving, NULL);
        p.asked = i;
        start(&s, &f, "POST", 0);
        fetch_wait(&f);
        rp_status expected = i == 0 ? RP_E_HEAD_TOO_LARGE : RP_E_H2_PROTOCOL;
        if (f.error.status != expected || f.error.h2_code != (i == 1 ? f.error.h2_code : 11))
            fail_msg("bomb %u: %s, code %u: %s", i, rp_status_name(f.error.status), f.error.h2_code,
                     f.error.text);
        end(&s);
    }
}

/* ---- 421 ---- */

static void misdirect(rp_sim_exchange *x, void *user)
{
    plan *p = plan_of(user);
    if (p->asked++ < 1)
        rp_sim_respond(x, 421, NULL, "elsewhere", 9);
    else
        answer(x, p);
}

static void misdirect_always(rp_sim_exchange *x, void *user)
{
    plan_of(user)->asked++;
    rp_sim_respond(x, 421, NULL, "elsewhere", 9);
}

/* Once more on another connection, whatever the method; then the answer is the caller's. */
static void test_misdirected(void **state)
{
    rp_sim_server_options once = {.on_request = misdirect},
                          always = {.on_request = misdirect_always};
    scene s;
    plan p;
    fetch f = {0};
    (void)state;
    begin(&s, &p, &once, NULL);
    start(&s, &f, "POST", 0);
    fetch_wait(&f);
    expect_good(&f);
    assert_int_equal(scene_counts(&s).connections, 2);
    end(&s);
    f = (fetch){0};
    begin(&s, &p, &always, NULL);
    start(&s, &f, "POST", 0);
    fetch_wait(&f);
    assert_int_equal(f.error.status, RP_OK);
    assert_int_equal(f.status, 421);
    assert_string_equal(f.text, "elsewhere");
    assert_int_equal(p.asked, 2);
    end(&s);
}

/* ---- what comes with the end ---- */

static void break_and_leave(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_hold(x);
    rp_sim_frame(x, RP_SIM_FRAME_PING, 0, 0, "short", 5);
    rp_sim_end(x, RP_SIM_CLOSE);
}

/* A server that breaks the rules and leaves at once broke the rules. */
static void test_broken_and_left(void **state)
{
    rp_sim_server_options serving = {.on_request = break_and_leave};
    scene s;
    plan p;
    fetch f = {0};
    (void)state;
    begin(&s, &p, &serving, NULL);
    start(&s, &f, "POST", 0);
    fetch_wait(&f);
    expect_bad(&f, RP_E_H2_PROTOCOL, 6, false);
    end(&s);
}

/* ---- storms of cancels ---- */

static void cancel_in_head(fetch *f)
{
    fetch_cancel(f);
}

static void answer_slowly(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_head(x, 200, NULL, 8);
    rp_sim_data(x, "good", 4);
    rp_sim_wait(x, 20);
    rp_sim_data(x, "good", 4);
    rp_sim_end(x, RP_SIM_KEEP);
}

/* Servers count resets: a budget is kept, and what is above it drains, or goes elsewhere. */
static void test_storm_of_cancels(void **state)
{
    rp_sim_server_options serving = {.on_request = answer_slowly};
    scene s;
    plan p;
    (void)state;
    begin(&s, &p, &serving, NULL);
    for (unsigned i = 0; i < 25; i++) {
        fetch f[20] = {{0}};
        for (unsigned k = 0; k < 20; k++) {
            f[k].on_head = cancel_in_head;
            start(&s, &f[k], "POST", k);
        }
        for (unsigned k = 0; k < 20; k++) {
            fetch_wait(&f[k]);
            assert_int_equal(f[k].error.status, RP_E_CANCELLED);
        }
    }
    rp_sim_server_counts counts = scene_counts(&s);
    assert_int_equal(counts.requests, 500);
    assert_true(counts.resets <= 200 * counts.connections);
    assert_true(counts.connections <= 4);
    assert_int_equal(counts.pings, 0);
    end(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_goaway_moves_what_is_above),
        fixture_test(test_graceful_goaway),
        fixture_test(test_goaway_always),
        fixture_test(test_wrong_goaway),
        fixture_test(test_refused),
        fixture_test(test_early_answer),
        fixture_test(test_blocked_uploads_wake),
        fixture_test(test_limits_lowered),
        fixture_test(test_streams_run_out),
        fixture_test(test_silence),
        fixture_test(test_bombs),
        fixture_test(test_misdirected),
        fixture_test(test_broken_and_left),
        fixture_test(test_storm_of_cancels),
    };
    return fixture_run_simulated(tests, 2);
}
