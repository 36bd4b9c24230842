/* test_h2_client.c - what a client must do on HTTP/2 beyond the letter of RFC 9113, each taken from
 * the report of a client that did not (docs/http2.md), in virtual time. */
#include "support/check.h"
#include "support/play.h"

#include <stdlib.h>
#include <string.h>

enum { MANY = 1000, REFUSED_STREAM = 7, NO_ERROR = 0 };

static call calls[MANY];
static unsigned executed[MANY]; /* by the number in the request's path */

static unsigned number_of(const rp_sim_exchange *x)
{
    const char *digits = strrchr(rp_sim_target(x), '/');
    CHECK(digits != NULL);
    unsigned number = (unsigned)strtoul(digits + 1, NULL, 10);
    CHECK(number < MANY);
    return number;
}

static void execute(rp_sim_exchange *x, void *user)
{
    (void)user;
    executed[number_of(x)]++;
    rp_sim_respond(x, 200, NULL, "ok\n", 3);
}

static void begin(play *p, rp_sim_server_options *server, const rp_client_options *client)
{
    memset(calls, 0, sizeof(calls));
    memset(executed, 0, sizeof(executed));
    rp_sim_options sim = {.seed = 1, .orderly = true, .window_bytes = (size_t)64 * 1024};
    server->versions = RP_SIM_HTTP_1_OR_2;
    play_begin(p, &(play_options){.sim = &sim, .server = server, .client = client, .version = 13});
}

static rp_sim_server_counts counts_of(const play *p)
{
    rp_sim_server_counts counts;
    rp_sim_server_counts_get(p->server, &counts);
    return counts;
}

static void end(play *p)
{
    const char *complaint = rp_sim_server_complaint(p->server);
    if (complaint != NULL)
        fail_msg("%s", complaint);
    play_end(p);
}

static void start_as(play *p, unsigned i, const char *directory, rp_request_options options)
{
    static char paths[MANY][64];
    (void)snprintf(paths[i], sizeof(paths[i]), "%s/%u", directory, i);
    options.url = play_url(p, paths[i]);
    call_start(&calls[i], p, &options);
}

static void start(play *p, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        start_as(p, i, "", (rp_request_options){.url = NULL});
}

static void all_good(play *p, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        call_wait(&calls[i], p);
        if (calls[i].error.status != RP_OK)
            fail_msg("%u: %s", i, calls[i].error.text);
        assert_int_equal(calls[i].status, 200);
    }
}

/* ---- the server leaves, or takes fewer ---- */

/* What is above the last is not executed, though it came before GOAWAY left. */
static void leave_early(rp_sim_exchange *x, void *user)
{
    static uint32_t lasts[4];
    rp_sim_exchange *connection = rp_sim_connection(x);
    const uint32_t *last = rp_sim_exchange_user(connection);
    unsigned number = number_of(x);
    (void)user;
    if (last != NULL && rp_sim_stream(x) > *last)
        return;
    if (number == 0 || number == 3) {
        lasts[number] = rp_sim_stream(x);
        rp_sim_exchange_user_set(connection, &lasts[number]);
        rp_sim_goaway(connection, rp_sim_stream(x), NO_ERROR, NULL);
    }
    execute(x, NULL);
}

/* Requirement 1. */
static void test_goaway_executes_once(void **state)
{
    play p;
    rp_sim_server_options server = {.on_request = leave_early};
    (void)state;
    begin(&p, &server, NULL);
    for (unsigned i = 0; i < 20; i++)
        start_as(&p, i, "", (rp_request_options){.body = "x", .body_size = 1});
    all_good(&p, 0, 20);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(executed[i], 1);
    assert_in_range(counts_of(&p).connections, 2, 4);
    end(&p);
}

/* Requirement 3: a small limit that comes late; what was too much is refused, and sent again. */
static void test_limits(void **state)
{
    static const uint32_t limits[] = {1, 5, 100};
    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        rp_sim_setting setting = {RP_SIM_MAX_CONCURRENT_STREAMS, limits[i]};
        rp_sim_server_options server = {
            .on_request = execute, .settings = &setting, .setting_count = 1};
        play p;
        begin(&p, &server, NULL);
        start(&p, 0, 300);
        all_good(&p, 0, 300);
        for (unsigned j = 0; j < 300; j++)
            assert_int_equal(executed[j], 1);
        end(&p);
    }
}

static void set_limit(rp_sim_exchange *x, uint32_t limit)
{
    rp_sim_setting setting = {RP_SIM_MAX_CONCURRENT_STREAMS, limit};
    rp_sim_settings(rp_sim_connection(x), &setting, 1);
}

static void change_limit(rp_sim_exchange *x, void *user)
{
    unsigned number = number_of(x);
    (void)user;
    if (number == 10)
        set_limit(x, 1);
    if (number == 40)
        set_limit(x, 0);
    rp_sim_wait(x, 5);
    execute(x, NULL);
    if (number == 40) {
        rp_sim_wait(rp_sim_connection(x), 3000);
        set_limit(x, 10);
    }
}

/* Requirement 5: 100, then 1, then none for three seconds, then 10. */
static void test_limit_moves(void **state)
{
    rp_client_options one = {.http2_one_connection = true, .connections_per_origin = 1};
    rp_sim_setting setting = {RP_SIM_MAX_CONCURRENT_STREAMS, 100};
    rp_sim_server_options server = {
        .on_request = change_limit, .settings = &setting, .setting_count = 1};
    play p;
    (void)state;
    begin(&p, &server, &one);
    start(&p, 0, 1);
    all_good(&p, 0, 1);
    start(&p, 1, 299);
    all_good(&p, 1, 299);
    /* A connection that takes nothing and has nothing to do may make room for another. */
    assert_in_range(counts_of(&p).connections, 1, 2);
    for (unsigned j = 0; j < 300; j++)
        assert_int_equal(executed[j], 1);
    end(&p);
}

/* The first lets its connection say how many it takes, and so does the last, which is answered. */
static void say_and_wait(rp_sim_exchange *x, void *user)
{
    unsigned number = number_of(x);
    if (number == 0 || number == 15)
        rp_sim_withhold(rp_sim_connection(x), 0);
    if (number == 15)
        execute(x, user);
}

/* What one connection says is taken for its neighbour's, too, and the pool hears of both: what
 * comes free there is for who waits. */
static void test_limit_of_a_neighbour(void **state)
{
    rp_client_options client = {.connections_per_origin = 2, .http2_streams_early = 10};
    rp_sim_setting four = {RP_SIM_MAX_CONCURRENT_STREAMS, 4};
    rp_sim_server_options server = {.on_request = say_and_wait,
                                    .settings = &four,
                                    .setting_count = 1,
                                    .withheld = RP_SIM_SETTINGS | RP_SIM_SETTINGS_ACK};
    play p;
    (void)state;
    begin(&p, &server, &client);
    start(&p, 0, 14);
    rp_sim_run_ms(p.sim, 1000);
    assert_int_equal(counts_of(&p).requests, 14);
    assert_int_equal(counts_of(&p).connections, 2);
    start(&p, 15, 1);
    rp_sim_run_ms(p.sim, 1000);
    assert_int_equal(executed[15], 0);
    rp_request_cancel(calls[13].request);
    rp_sim_run_ms(p.sim, 1000);
    assert_int_equal(executed[15], 1);
    rp_client_cancel_all(p.client);
    end(&p);
}

/* The first is long on its way, and the others say something to the connection, too. */
static void answer_and_leave(rp_sim_exchange *x, void *user)
{
    static char body[16384 - 9];
    if (number_of(x) > 0) {
        rp_sim_goaway(rp_sim_connection(x), UINT32_MAX, NO_ERROR, NULL);
        execute(x, user);
        return;
    }
    executed[0]++;
    rp_sim_respond(x, 200, NULL, body, sizeof(body));
}

/* A request comes on a connection that is dropped as soon as what is being written has left: what
 * is said to it is said to nobody. */
static void test_asked_while_dropped(void **state)
{
    rp_sim_options sim = {.seed = 1,
                          .orderly = true,
                          .latency_least_us = 100000,
                          .latency_most_us = 100000,
                          .window_bytes = 512};
    rp_sim_server_options server = {.on_request = answer_and_leave, .versions = RP_SIM_HTTP_1_OR_2};
    play p;
    (void)state;
    memset(calls, 0, sizeof(calls));
    memset(executed, 0, sizeof(executed));
    play_begin(&p, &(play_options){.sim = &sim, .server = &server, .version = 13});
    start(&p, 0, 1);
    while (executed[0] == 0)
        (void)rp_loop_turn(p.loop, 100);
    rp_sim_server_drop(p.server, RP_SIM_END_TRUNCATED);
    start(&p, 1, 1);
    all_good(&p, 1, 1);
    assert_int_equal(executed[1], 2);
    assert_int_equal(counts_of(&p).connections, 2);
    call_wait(&calls[0], &p);
    end(&p);
}

/* ---- silence ---- */

static void answer_late(rp_sim_exchange *x, void *user)
{
    const uint64_t *ms = user;
    rp_sim_wait(x, *ms);
    execute(x, NULL);
}

static void stay_silent(rp_sim_exchange *x, void *user)
{
    (void)x;
    (void)user;
}

/* Requirement 8: the connection's death is found by PING. */
static void test_black_hole(void **state)
{
    rp_sim_server_options server = {.on_request = stay_silent, .withheld = RP_SIM_PING_ACK};
    play p;
    (void)state;
    begin(&p, &server, NULL);
    start_as(&p, 0, "", (rp_request_options){.body = "x", .body_size = 1});
    call_wait(&calls[0], &p);
    assert_int_equal(calls[0].error.status, RP_E_H2_PING_TIMEOUT);
    assert_false(calls[0].error.replay_safe);
    assert_in_range(calls[0].took_ns / 1000000, 30000, 30100);
    assert_int_equal(counts_of(&p).pings, 1);
    end(&p);
}

static void stop_reading(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_stop_reading(x);
}

/* And where not even the PING can leave. */
static void test_full_window(void **state)
{
    static char body[8 * 1024 * 1024];
    rp_sim_setting setting = {RP_SIM_INITIAL_WINDOW_SIZE, 0x7fffffff};
    rp_sim_server_options server = {
        .on_head = stop_reading, .settings = &setting, .setting_count = 1};
    play p;
    (void)state;
    begin(&p, &server, NULL);
    start_as(&p, 0, "", (rp_request_options){.body = body, .body_size = sizeof(body)});
    call_wait(&calls[0], &p);
    assert_int_equal(calls[0].error.status, RP_E_H2_PING_TIMEOUT);
    assert_in_range(calls[0].took_ns / 1000000, 30000, 31000);
    end(&p);
}

/* Whoever answers PINGs may take its time; and it is not asked often (requirement 9). */
static void test_slow_is_not_dead(void **state)
{
    uint64_t ms = 55000;
    rp_sim_server_options server = {.on_request = answer_late, .user = &ms};
    play p;
    (void)state;
    begin(&p, &server, NULL);
    start(&p, 0, 50);
    all_good(&p, 0, 50);
    assert_in_range(counts_of(&p).pings, 2, 4);
    end(&p);
}

/* What was silent while nothing was asked of it has not been silent: the time runs from the
 * request. */
static void test_idle_is_not_silent(void **state)
{
    uint64_t ms = 0;
    rp_sim_server_options server = {.on_request = answer_late, .user = &ms};
    play p;
    (void)state;
    begin(&p, &server, NULL);
    start(&p, 0, 1);
    all_good(&p, 0, 1);
    rp_sim_run_ms(p.sim, 14000); /* a watch that the first request began is not over yet */
    ms = 14000;
    start(&p, 1, 1);
    all_good(&p, 1, 1);
    assert_int_equal(counts_of(&p).pings, 0);
    rp_sim_run_ms(p.sim, 14000);
    ms = 16000;
    start(&p, 2, 1);
    all_good(&p, 2, 1);
    assert_int_equal(counts_of(&p).pings, 1);
    assert_int_equal(counts_of(&p).connections, 1);
    end(&p);
}

static void answer_a_record(rp_sim_exchange *x, void *user)
{
    static char body[16384 - 9]; /* its frame is as large as a record may be */
    (void)user;
    rp_sim_respond(x, 200, NULL, body, sizeof(body));
}

/* Nor is one of whose record a part comes all the time: the answer to the PING is behind it. */
static void test_slow_record_is_not_dead(void **state)
{
    rp_sim_options sim = {.seed = 1,
                          .orderly = true,
                          .latency_least_us = 100000,
                          .latency_most_us = 100000,
                          .window_bytes = 512};
    rp_client_options client = {.http2_ping_idle_ms = 1000, .http2_ping_timeout_ms = 1000};
    rp_sim_server_options server = {.on_request = answer_a_record, .versions = RP_SIM_HTTP_1_OR_2};
    play p;
    call c = {.dones = 0};
    (void)state;
    play_begin(&p,
               &(play_options){.sim = &sim, .server = &server, .client = &client, .version = 13});
    call_good(&c, &p);
    assert_true(c.took_ns > 3000000000u);
    assert_int_equal(counts_of(&p).pings, 1);
    end(&p);
}

static void answer_late_records(rp_sim_exchange *x, void *user)
{
    static char body[16384 - 9];
    unsigned count = number_of(x);
    (void)user;
    rp_sim_head(x, 200, NULL, (count > 0 ? count : 1) * sizeof(body));
    for (unsigned i = 0; i < count; i++) {
        rp_sim_wait(x, 10);
        rp_sim_data(x, body, sizeof(body));
    }
    if (count > 0)
        rp_sim_end(x, RP_SIM_KEEP);
}

/* Nor is a request idle while a part of a record comes, as with HTTP/1.1: it may be its. But one is
 * whose neighbour they all turn out to be. */
static void test_slow_record_is_not_idle(void **state)
{
    rp_sim_options sim = {.seed = 1,
                          .orderly = true,
                          .latency_least_us = 100000,
                          .latency_most_us = 100000,
                          .window_bytes = 512};
    rp_sim_server_options server = {.on_request = answer_late_records,
                                    .versions = RP_SIM_HTTP_1_OR_2};
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        play p;
        call c = {.dones = 0}, stalled = {.dones = 0};
        rp_client_options client = {.versions = version};
        play_begin(
            &p, &(play_options){.sim = &sim, .server = &server, .client = &client, .version = 13});
        rp_request_options options = {.url = play_url(&p, "/3"), .idle_timeout_ms = 1000};
        call_start(&c, &p, &options);
        options.url = play_url(&p, "/0");
        call_start(&stalled, &p, &options);
        call_wait(&stalled, &p);
        assert_int_equal(stalled.error.status, RP_E_IDLE_TIMEOUT);
        assert_true(stalled.took_ns < 7000000000u);
        call_wait(&c, &p);
        if (c.error.status != RP_OK)
            fail_msg("%s", c.error.text);
        assert_true(c.took_ns > 9000000000u);
        end(&p);
    }
}

/* ---- 421 ---- */

static void answer_misdirected(rp_sim_exchange *x, void *user)
{
    unsigned *came = user;
    if (strcmp(rp_sim_target(x), "/held") == 0)
        rp_sim_head(x, 200, NULL, 1);
    else
        rp_sim_respond(x, ++*came == 1 ? 421 : 200, NULL, "told", 4);
}

/* On the only connection that there may be, beside an answer without end, nothing is to be waited
 * for. */
static void test_misdirected_on_the_only_one(void **state)
{
    static const struct {
        rp_client_options client;
        bool held;
        int status;
    } cases[] = {
        {{.connections_per_origin = 1}, true, 421},
        {{.http2_one_connection = true}, true, 421},
        {{.connections_total = 1}, true, 421},
        {{.connections_per_origin = 1}, false, 200},
        {{.http2_one_connection = true}, false, 200},
        {{.connections_total = 1}, false, 200},
        {{.connections_total = 2}, true, 200},
        {{.connections_per_origin = 2}, true, 200},
        {{.connections_per_origin = 2, .versions = RP_HTTP_1_1}, true, 200},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        play p;
        call held = {.dones = 0}, c = {.dones = 0};
        unsigned came = 0;
        rp_sim_server_options server = {.on_request = answer_misdirected, .user = &came};
        begin(&p, &server, &cases[i].client);
        rp_request_options options = {.url = play_url(&p, "/held"), .idle_timeout_ms = RP_NEVER_MS};
        if (cases[i].held) {
            call_start(&held, &p, &options);
            rp_sim_run_ms(p.sim, 1000);
        }
        call_start(&c, &p, NULL);
        call_wait(&c, &p);
        assert_int_equal(c.error.status, RP_OK);
        assert_int_equal(c.status, cases[i].status);
        assert_string_equal(c.text, "told");
        assert_true(c.took_ns < 1000000000u);
        if (cases[i].held) {
            rp_request_cancel(held.request);
            call_wait(&held, &p);
        }
        call_good(&c, &p);
        end(&p);
    }
}

/* ---- cancels ---- */

/* Requirements 9 and 10: a storm of cancels makes no PINGs, and resets within the budget; requests
 * beside it get their answers. */
static void test_storm_of_cancels(void **state)
{
    uint64_t ms = 200;
    rp_sim_server_options server = {.on_request = answer_late, .user = &ms};
    play p;
    (void)state;
    begin(&p, &server, NULL);
    start(&p, 0, 1);
    all_good(&p, 0, 1);
    for (unsigned i = 1; i + 10 <= MANY; i += 10) {
        start(&p, i, 10);
        (void)rp_loop_turn(p.loop, 5);
        for (unsigned j = i; j < i + 9; j++)
            rp_request_cancel(calls[j].request);
    }
    for (unsigned i = 10; i < MANY; i += 10)
        all_good(&p, i, 1);
    rp_sim_server_counts counts = counts_of(&p);
    assert_in_range(counts.pings, 0, 1);
    assert_in_range(counts.resets, 50, 130 * counts.connections);
    end(&p);
}

static void ignore_body(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    (void)x;
    (void)data;
    (void)size;
    (void)user;
}

/* Of three requests one has a malformed answer, one is answered before its body is there, and one
 * never is. */
static void answer_badly(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (number_of(x) % 3 == 0)
        rp_sim_headers(x, RP_SIM_FLAG_END_HEADERS, rp_sim_stream(x), "x: y\r\n", 0);
    else if (number_of(x) % 3 == 1)
        rp_sim_respond(x, 200, NULL, "ok\n", 3);
}

/* A stream that is to be reset leaves room for who waits at once: where there may be no other
 * connection this one is not closed for a new one. */
static void test_room_behind_a_reset(void **state)
{
    enum { COUNT = 90 };
    static char body[4 * 1024 * 1024];
    rp_client_options client = {.connections_per_origin = 1};
    rp_sim_server_options server = {
        .on_head = answer_badly, .on_body = ignore_body, .on_request = stay_silent};
    (void)state;
    for (uint32_t limit = 1; limit < 20; limit += 9) {
        play p;
        client.http2_streams_limit = limit;
        begin(&p, &server, &client);
        for (unsigned i = 0; i < COUNT; i++) {
            rp_request_options options = {.first_byte_timeout_ms = 100};
            if (i % 3 == 1)
                options = (rp_request_options){.body = body, .body_size = sizeof(body)};
            start_as(&p, i, "", options);
        }
        for (unsigned i = 0; i < COUNT; i++) {
            static const rp_status ends[] = {RP_E_BAD_RESPONSE, RP_OK, RP_E_FIRST_BYTE_TIMEOUT};
            call_wait(&calls[i], &p);
            assert_int_equal(calls[i].error.status, ends[i % 3]);
        }
        rp_sim_run_ms(p.sim, 100); /* the last RST_STREAM */
        assert_int_equal(counts_of(&p).connections, 1);
        assert_int_equal(counts_of(&p).resets, COUNT);
        end(&p);
    }
}

/* Streams that nobody wants, and that may not be reset yet, do not hold up the others where it is
 * the client that wants few at a time. */
static void test_unwanted_of_few(void **state)
{
    enum { COUNT = 400 };
    rp_client_options client = {.connections_per_origin = 1, .http2_streams_limit = 10};
    rp_sim_server_options server = {.on_request = stay_silent};
    play p;
    (void)state;
    begin(&p, &server, &client);
    for (unsigned i = 0; i < COUNT; i++)
        start_as(&p, i, "", (rp_request_options){.first_byte_timeout_ms = 400});
    for (unsigned i = 0; i < COUNT; i++) {
        call_wait(&calls[i], &p);
        assert_int_equal(calls[i].error.status, RP_E_FIRST_BYTE_TIMEOUT);
        assert_true(calls[i].took_ns < 30000000000u);
    }
    assert_in_range(counts_of(&p).connections, 3, 6);
    end(&p);
}

/* Behind an answer, in one send, a frame that ends the connection. */
static void answer_and_break(rp_sim_exchange *x, void *user)
{
    static const uint8_t nothing[4];
    if (number_of(x) != 1) {
        execute(x, user);
        return;
    }
    executed[1]++;
    rp_sim_hold(x);
    rp_sim_head(x, 200, NULL, 3);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, RP_SIM_FLAG_END_STREAM, rp_sim_stream(x), "ok\n", 3);
    rp_sim_frame(x, RP_SIM_FRAME_WINDOW_UPDATE, 0, 0, nothing, sizeof(nothing));
    rp_sim_flush(x);
    rp_sim_end(x, RP_SIM_KEEP);
}

/* A request that takes the place of one that was answered meets the connection's failure while it
 * is still to be written: it goes to another connection, and not round and round. */
static void test_failed_behind_an_answer(void **state)
{
    rp_sim_setting one = {RP_SIM_MAX_CONCURRENT_STREAMS, 1};
    rp_sim_server_options server = {
        .on_request = answer_and_break, .settings = &one, .setting_count = 1};
    rp_client_options options = {.connections_per_origin = 1};
    play p;
    (void)state;
    begin(&p, &server, &options);
    start(&p, 0, 1);
    all_good(&p, 0, 1);
    start(&p, 1, 3);
    all_good(&p, 1, 3);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(executed[i], 1);
    assert_int_equal(counts_of(&p).connections, 2);
    end(&p);
}

/* ---- windows ---- */

static void large_answer(rp_sim_exchange *x, void *user)
{
    static char body[320 * 1024];
    (void)user;
    executed[number_of(x)]++;
    rp_sim_respond(x, 200, NULL, body, sizeof(body));
}

/* Requirement 12: one that takes nothing holds up nobody. */
static void test_one_stalls(void **state)
{
    rp_sim_server_options server = {.on_request = large_answer};
    play p;
    (void)state;
    begin(&p, &server, NULL);
    start_as(&p, 0, "", (rp_request_options){.receive_credit_bytes = 1024});
    while (calls[0].body_bytes < 1024)
        (void)rp_loop_turn(p.loop, 100);
    start(&p, 1, 99);
    all_good(&p, 1, 99);
    assert_int_equal(calls[0].dones, 0);
    assert_int_equal(calls[0].body_bytes, 1024);
    assert_int_equal(counts_of(&p).connections, 1);
    while (calls[0].dones == 0) {
        rp_request_consume(calls[0].request, 1024);
        (void)rp_loop_turn(p.loop, 1);
    }
    all_good(&p, 0, 1);
    assert_int_equal(calls[0].body_bytes, 320 * 1024);
    end(&p);
}

/* And those that are cancelled in the middle of their bodies leave the connection's window as it
 * was: more goes by than it lets through at once. */
static void test_cancelled_in_the_body(void **state)
{
    rp_sim_server_options server = {.on_request = large_answer};
    play p;
    (void)state;
    begin(&p, &server, NULL);
    for (unsigned i = 0; i < 200; i++) {
        start(&p, i, 1);
        while (calls[i].body_bytes == 0)
            (void)rp_loop_turn(p.loop, 100);
        rp_request_cancel(calls[i].request);
        call_wait(&calls[i], &p);
    }
    start(&p, 200, 10);
    all_good(&p, 200, 10);
    assert_int_equal(counts_of(&p).connections, 1);
    end(&p);
}

#define LONG_BYTES ((size_t)128 * 1024 * 1024)

static void long_answer(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_head(x, 200, NULL, LONG_BYTES);
    static char piece[1024 * 1024];
    for (size_t i = 0; i < LONG_BYTES / sizeof(piece); i++)
        rp_sim_data(x, piece, sizeof(piece));
    rp_sim_end(x, RP_SIM_KEEP);
}

static uint64_t took_ns(rp_http_versions versions)
{
    rp_sim_options sim = {.seed = 1,
                          .orderly = true,
                          .latency_least_us = 50000,
                          .latency_most_us = 50000,
                          .window_bytes = (size_t)2 * 1024 * 1024};
    rp_client_options client = {.versions = versions};
    rp_sim_server_options server = {.on_request = long_answer, .versions = RP_SIM_HTTP_1_OR_2};
    play p;
    call c = {.dones = 0};
    play_begin(&p,
               &(play_options){.sim = &sim, .server = &server, .client = &client, .version = 13});
    call_good(&c, &p);
    assert_int_equal(c.body_bytes, LONG_BYTES);
    end(&p);
    return c.took_ns;
}

/* Requirement 13: 100 ms there and back. */
static void test_long_way(void **state)
{
    (void)state;
    uint64_t one = took_ns(RP_HTTP_1_1), two = took_ns(RP_HTTP_2);
    if (two * 9 > one * 10)
        fail_msg("%llu ms by HTTP/2, %llu by HTTP/1.1", (unsigned long long)(two / 1000000),
                 (unsigned long long)(one / 1000000));
}

/* ---- uploads ---- */

static void refuse_early(rp_sim_exchange *x, void *user)
{
    const bool *resets = user;
    rp_sim_head(x, 200, NULL, 3);
    rp_sim_data(x, "no\n", 3);
    if (*resets)
        rp_sim_reset_stream(x, NO_ERROR);
    else
        rp_sim_end(x, RP_SIM_KEEP);
}

/* Requirement 14: the answer is complete, the upload is not. */
static void test_early_answer(void **state)
{
    static char body[4 * 1024 * 1024];
    (void)state;
    for (int resets = 0; resets < 2; resets++) {
        bool with = resets == 1;
        rp_sim_server_options server = {
            .on_head = refuse_early, .on_body = ignore_body, .user = &with};
        play p;
        begin(&p, &server, NULL);
        for (unsigned i = 0; i < 5; i++) {
            start_as(&p, i, "", (rp_request_options){.body = body, .body_size = sizeof(body)});
            call_wait(&calls[i], &p);
            if (!with) {
                assert_int_equal(calls[i].error.status, RP_OK);
                assert_string_equal(calls[i].text, "no\n");
            }
        }
        assert_int_equal(counts_of(&p).connections, 1);
        end(&p);
    }
}

static void begin_early(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_head(x, 200, NULL, RP_SIM_SIZE_UNKNOWN);
}

static void echo(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    (void)user;
    rp_sim_data(x, data, size);
}

static void finish(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_end(x, RP_SIM_KEEP);
}

/* Requirement 15. */
static void test_echo_during_upload(void **state)
{
    static char body[4 * 1024 * 1024];
    rp_sim_server_options server = {.on_head = begin_early, .on_body = echo, .on_request = finish};
    play p;
    (void)state;
    begin(&p, &server, NULL);
    for (unsigned i = 0; i < 3; i++)
        start_as(&p, i, "", (rp_request_options){.body = body, .body_size = sizeof(body)});
    all_good(&p, 0, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(calls[i].body_bytes, sizeof(body));
    end(&p);
}

/* ---- life ---- */

/* Requirement 21. */
static void test_idle_ones_close(void **state)
{
    rp_client_options client = {.connection_idle_ms = 2000};
    rp_sim_server_options server = {.on_request = execute};
    play p;
    (void)state;
    begin(&p, &server, &client);
    start(&p, 0, 10);
    all_good(&p, 0, 10);
    assert_int_equal(counts_of(&p).open, 1);
    rp_sim_run_ms(p.sim, 1500);
    assert_int_equal(counts_of(&p).open, 1);
    rp_sim_run_ms(p.sim, 1500);
    assert_int_equal(counts_of(&p).open, 0);
    end(&p);
}

/* A busy one, too, serves no longer than it may, and no more requests. */
static void test_lifetime(void **state)
{
    rp_client_options client = {.connection_lifetime_ms = 1000};
    rp_client_options few = {.requests_per_connection = 7};
    rp_sim_server_options server = {.on_request = execute};
    play p;
    (void)state;
    begin(&p, &server, &client);
    for (unsigned i = 0; i < 300; i += 3) {
        start(&p, i, 3);
        rp_sim_run_ms(p.sim, 50);
        all_good(&p, i, 3);
    }
    assert_in_range(counts_of(&p).connections, 4, 7);
    end(&p);
    begin(&p, &server, &few);
    start(&p, 0, 70);
    all_good(&p, 0, 70);
    assert_in_range(counts_of(&p).connections, 10, 12);
    end(&p);
}

/* A server that breaks the rules, and reads no more, can't be told why the connection ends: it ends
 * in time all the same, and for that reason. */
static void break_and_stall(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_exchange *connection = rp_sim_connection(x);
    rp_sim_window_update(connection, 0, 8000000);
    rp_sim_stop_reading(connection);
    rp_sim_wait(connection, 500);
    rp_sim_frame(connection, RP_SIM_FRAME_SETTINGS, 0, 1, NULL, 0);
}

static void test_broken_while_blocked(void **state)
{
    static char body[4000000];
    rp_sim_setting setting = {RP_SIM_INITIAL_WINDOW_SIZE, 8000000};
    rp_sim_server_options server = {
        .on_head = break_and_stall, .settings = &setting, .setting_count = 1};
    play p;
    (void)state;
    begin(&p, &server, NULL);
    call_start(&calls[0], &p,
               &(rp_request_options){.method = "PUT", .body = body, .body_size = sizeof(body)});
    call_wait(&calls[0], &p);
    assert_int_equal(calls[0].error.status, RP_E_H2_PROTOCOL);
    assert_true(calls[0].took_ns < 3000000000u);
    end(&p);
}

/* A frame of the head, which another one was to follow. */
static void cut_head(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_frame(x, RP_SIM_FRAME_HEADERS, 0, rp_sim_stream(x), "\x88", 1);
    rp_sim_end(x, RP_SIM_END_TRUNCATED);
}

static void test_cut_in_the_head(void **state)
{
    rp_sim_server_options server = {.on_request = cut_head};
    play p;
    (void)state;
    begin(&p, &server, NULL);
    call_bad(&calls[0], &p, RP_E_BODY_TRUNCATED, RP_PHASE_HEAD,
             "the answer of api.example.test (192.0.2.1:443) can't be used: the server closed the "
             "connection before the response's head was complete");
    end(&p);
}

/* A client that goes in the middle of a request's head says no farewell there: it would be in the
 * middle of a header block. */
static void test_gone_in_the_head(void **state)
{
    enum { HEADERS = 12, SIZE = 60000 };
    static char value[SIZE + 1];
    rp_header headers[HEADERS];
    rp_sim_options sim = {.seed = 1, .orderly = true, .window_bytes = (size_t)4 * 1024 * 1024};
    rp_sim_server_options server = {.on_request = execute, .versions = RP_SIM_HTTP_1_OR_2};
    play p;
    (void)state;
    memset(calls, 0, sizeof(calls));
    memset(executed, 0, sizeof(executed));
    memset(value, '~', SIZE);
    for (unsigned i = 0; i < HEADERS; i++)
        headers[i] = (rp_header){"x", value};
    play_begin(&p, &(play_options){.sim = &sim, .server = &server, .version = 13});
    start(&p, 0, 1);
    all_good(&p, 0, 1);
    start_as(&p, 1, "", (rp_request_options){.headers = headers, .header_count = HEADERS});
    (void)rp_loop_turn(p.loop, 0);
    rp_request_cancel(calls[1].request);
    call_wait(&calls[1], &p);
    rp_client_destroy(p.client);
    p.client = NULL;
    rp_sim_run_ms(p.sim, 1000);
    assert_int_equal(executed[1], 0);
    assert_int_equal(counts_of(&p).goaways, 0);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goaway_executes_once),
        cmocka_unit_test(test_broken_while_blocked),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limit_moves),
        cmocka_unit_test(test_limit_of_a_neighbour),
        cmocka_unit_test(test_asked_while_dropped),
        cmocka_unit_test(test_black_hole),
        cmocka_unit_test(test_full_window),
        cmocka_unit_test(test_slow_is_not_dead),
        cmocka_unit_test(test_idle_is_not_silent),
        cmocka_unit_test(test_slow_record_is_not_dead),
        cmocka_unit_test(test_slow_record_is_not_idle),
        cmocka_unit_test(test_misdirected_on_the_only_one),
        cmocka_unit_test(test_storm_of_cancels),
        cmocka_unit_test(test_room_behind_a_reset),
        cmocka_unit_test(test_unwanted_of_few),
        cmocka_unit_test(test_one_stalls),
        cmocka_unit_test(test_cancelled_in_the_body),
        cmocka_unit_test(test_long_way),
        cmocka_unit_test(test_early_answer),
        cmocka_unit_test(test_echo_during_upload),
        cmocka_unit_test(test_idle_ones_close),
        cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_failed_behind_an_answer),
        cmocka_unit_test(test_cut_in_the_head),
        cmocka_unit_test(test_gone_in_the_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
