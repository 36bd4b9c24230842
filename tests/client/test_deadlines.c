/* test_deadlines.c - every phase of a request has a deadline, none fires in another phase, and what
 * came in time counts.
 *
 * The server is a raw socket: it does what a test says, and nothing while the test does something
 * else. It does not run on the client's loop, so the test can let time pass for either alone. */
#include "sim/sim.h"
#include "client/request.h"
#include "support/feed.h"
#include "support/raw.h"
#include "support/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 24 * 1024 * 1024, MEDIUM = 512 * 1024 };

typedef struct scene {
    web w;
    raw_socket listener, peer; /* the connection that was accepted last */
    char url[64];
    uint8_t *data;
    size_t taken; /* of the upload, head included */
} scene;

static void begin(scene *s, const rp_client_options *options)
{
    *s = (scene){.peer = RAW_NONE};
    web_begin(&s->w, 0, NULL, options);
    rp_address address = raw_loopback(4, 0);
    s->listener = raw_listen(&address, 8);
    if (!fixture_simulated())
        raw_small_receive_buffer(s->listener); /* what it accepts inherits that (tcp(7)) */
    (void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u/", address.port);
}

static void end(scene *s)
{
    web_end(&s->w);
    if (s->peer != RAW_NONE)
        raw_close(s->peer);
    raw_close(s->listener);
    free(s->data);
}

static rp_request_options request_of(scene *s)
{
    return (rp_request_options){.url = s->url};
}

static rp_request_options upload_of(scene *s, size_t size)
{
    s->data = probe_pattern(size);
    return (rp_request_options){.url = s->url, .method = "PUT", .body = s->data, .body_size = size};
}

static void accept_peer(scene *s)
{
    if (s->peer != RAW_NONE)
        raw_close(s->peer);
    s->peer = raw_accept(s->listener);
    if (fixture_simulated())
        raw_small_receive_buffer(s->peer);
    s->taken = 0;
}

/* The request is on its connection, and its head is on its way. */
static void start(scene *s, fetch *f, const rp_request_options *options)
{
    assert_true(fetch_start(f, &s->w, NULL, options));
    UNTIL(s->w.loop, f->request->conn != NULL);
    accept_peer(s);
}

static void say(scene *s, const char *text)
{
    raw_send(s->peer, text, strlen(text));
}

/* Takes at most `most` of what is there. */
static size_t take(scene *s, size_t most)
{
    static uint8_t buffer[64 * 1024];
    size_t got = 0;
    while (got < most && raw_readable(s->peer, 0)) {
        size_t part = most - got < sizeof(buffer) ? most - got : sizeof(buffer);
        part = raw_receive(s->peer, buffer, part);
        if (part == 0)
            break;
        got += part;
    }
    s->taken += got;
    return got;
}

static void pass(scene *s, unsigned ms)
{
    probe_settle(s->w.loop, ms);
}

static void assert_late(const fetch *f, rp_status status, rp_phase phase, const char *what)
{
    char text[RP_ERROR_TEXT_SIZE];
    assert_int_equal(f->dones, 1);
    assert_string_equal(rp_status_name(f->error.status), rp_status_name(status));
    assert_string_equal(rp_phase_name(f->error.phase), rp_phase_name(phase));
    (void)snprintf(text, sizeof(text), "%s", f->error.text);
    if (strstr(text, what) == NULL)
        fail_msg("\"%s\" is not in: %s", what, text);
}

static void assert_good(fetch *f)
{
    fetch_wait(f);
    if (f->error.status != RP_OK)
        fail_msg("%s: %s", rp_status_name(f->error.status), f->error.text);
    assert_int_equal(f->status, 200);
}

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* ---- the queue ---- */

/* It is over once the request has a connection, whatever that takes. */
static void test_queue_ends_at_assignment(void **state)
{
    (void)state;
    scene s;
    fetch f = {0};
    begin(&s, &(rp_client_options){.queue_timeout_ms = 100});
    rp_request_options options = upload_of(&s, MEDIUM);
    start(&s, &f, &options);
    for (int i = 0; i < 20; i++) {
        pass(&s, 20);
        (void)take(&s, MEDIUM / 25);
    }
    assert_int_equal(f.dones, 0);
    while (s.taken < MEDIUM) {
        pass(&s, 1);
        (void)take(&s, MEDIUM);
    }
    pass(&s, 150);
    say(&s, ANSWER);
    assert_good(&f);
    end(&s);
}

/* Assigned at the last moment; from then on the time is its own. */
static void test_queue_last_moment(void **state)
{
    (void)state;
    scene s;
    fetch first = {0}, second = {0}, third = {0};
    begin(&s, &(rp_client_options){.connections_per_origin = 1, .queue_timeout_ms = 400});
    rp_request_options options = request_of(&s);
    start(&s, &first, &options);
    assert_true(fetch_start(&second, &s.w, NULL, &options));
    assert_true(fetch_start(&third, &s.w, NULL, &options));
    pass(&s, 300);
    (void)take(&s, 10000);
    say(&s, ANSWER);
    assert_good(&first);
    UNTIL(s.w.loop, third.dones == 1);
    assert_late(&third, RP_E_QUEUE_TIMEOUT, RP_PHASE_QUEUE,
                "no connection became free within 400 ms: all connections that the origin may have "
                "are in use");
    assert_int_equal(second.dones, 0);
    pass(&s, 300);
    say(&s, ANSWER);
    assert_good(&second);
    end(&s);
}

/* A replay waits anew: what the lost connection took is not the queue's. */
static void test_queue_of_a_replay(void **state)
{
    (void)state;
    scene s;
    fetch warm = {0}, f = {0};
    begin(&s, &(rp_client_options){.queue_timeout_ms = 200});
    rp_request_options options = request_of(&s);
    start(&s, &warm, &options);
    say(&s, ANSWER);
    assert_good(&warm);
    assert_true(fetch_start(&f, &s.w, NULL, &options));
    pass(&s, 300);
    assert_int_equal(f.dones, 0);
    raw_reset(s.peer);
    s.peer = RAW_NONE;
    UNTIL(s.w.loop, f.request->attempts == 2);
    accept_peer(&s);
    pass(&s, 250);
    say(&s, ANSWER);
    assert_good(&f);
    assert_int_equal(f.summary.attempts, 2);
    end(&s);
}

/* ---- the request on its way ---- */

static void test_upload_stalled(void **state)
{
    (void)state;
    scene s;
    fetch f = {0};
    begin(&s, NULL);
    rp_request_options options = upload_of(&s, LARGE);
    options.idle_timeout_ms = 300;
    start(&s, &f, &options);
    pass(&s, 200);
    (void)take(&s, 1000); /* the head */
    UNTIL(s.w.loop, f.dones == 1);
    assert_late(&f, RP_E_IDLE_TIMEOUT, RP_PHASE_REQUEST,
                "nothing more of the request was taken within 300 ms");
    assert_int_equal(f.summary.timings.sent_us, 0);
    assert_false(f.error.replay_safe);
    end(&s);
}

/* So slowly that the system's buffers show nothing for longer than the limit; and when all was
 * handed over, what the peer has still to take is no answer that fails to begin. */
static void test_upload_slow(void **state)
{
    (void)state;
    scene s;
    fetch f = {0};
    if (strcmp(fixture_backend(), "iocp") == 0)
        skip(); /* tells of a send when it is done, and of nothing that the peer confirmed */
    begin(&s, NULL);
    rp_request_options options = upload_of(&s, MEDIUM);
    options.idle_timeout_ms = options.first_byte_timeout_ms = 600;
    start(&s, &f, &options);
    uint64_t begun = fixture_now_ms();
    while (s.taken < MEDIUM) {
        pass(&s, 100);
        if (f.dones > 0)
            fail_msg("after %zu bytes: %s", s.taken, f.error.text);
        (void)take(&s, MEDIUM / 25);
    }
    assert_true(fixture_now_ms() - begun >= 2000);
    pass(&s, 300);
    say(&s, ANSWER);
    assert_good(&f);
    end(&s);
}

/* A server that has seen enough answers early, and that is an answer. */
static void test_upload_answered_early(void **state)
{
    (void)state;
    scene s;
    fetch f = {0};
    begin(&s, NULL);
    rp_request_options options = upload_of(&s, LARGE);
    options.idle_timeout_ms = options.first_byte_timeout_ms = 300;
    start(&s, &f, &options);
    pass(&s, 200);
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    pass(&s, 200); /* the answer's bytes move too */
    say(&s, "ok");
    assert_good(&f);
    UNTIL(s.w.loop, s.w.client->conn_count == 0); /* half a request stands in it */
    end(&s);
}

/* ---- interim responses ---- */

static void test_interim_then_silence(void **state)
{
    (void)state;
    scene s;
    fetch f = {0};
    begin(&s, NULL);
    rp_request_options options = request_of(&s);
    options.first_byte_timeout_ms = 300;
    start(&s, &f, &options);
    uint64_t begun = fixture_now_ms();
    pass(&s, 100);
    say(&s, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    UNTIL(s.w.loop, f.dones == 1);
    assert_int_equal(f.informational, 1);
    assert_late(&f, RP_E_FIRST_BYTE_TIMEOUT, RP_PHASE_HEAD, "no answer began within 300 ms");
    assert_int_equal(f.summary.timings.first_byte_us, 0);
    assert_in_range(fixture_now_ms() - begun, 290, 10000);
    end(&s);
}

/* One after another, or one whose bytes trickle: neither is an answer, and neither lasts. */
static void test_interim_for_ever(void **state)
{
    static const char whole[] = "HTTP/1.1 102 Processing\r\n\r\n";
    (void)state;
    for (size_t piece = 1; piece <= strlen(whole); piece += strlen(whole) - 1) {
        scene s;
        fetch f = {0};
        size_t at = 0;
        begin(&s, &(rp_client_options){.informational_limit = 10000});
        rp_request_options options = request_of(&s);
        options.first_byte_timeout_ms = 400;
        start(&s, &f, &options);
        uint64_t begun = fixture_now_ms();
        while (f.dones == 0 && fixture_now_ms() - begun < 10000) {
            raw_send(s.peer, whole + at, piece);
            at = (at + piece) % strlen(whole);
            pass(&s, 20);
        }
        assert_late(&f, RP_E_FIRST_BYTE_TIMEOUT, RP_PHASE_HEAD,
                    "no answer began within 400 ms: interim responses (1xx) are none");
        /* Which a head is, its status line says; until then it may be the answer's. */
        assert_in_range(fixture_now_ms() - begun, 390,
                        !fixture_simulated() ? 10000
                        : piece == 1         ? 2000
                                             : 600);
        end(&s);
    }
}

/* A head that began in time may take longer, but not if it turns out to be none of the answer. */
static void test_head_begins_in_time(void **state)
{
    (void)state;
    for (int interim = 0; interim < 2; interim++) {
        scene s;
        fetch f = {0};
        begin(&s, NULL);
        rp_request_options options = request_of(&s);
        options.first_byte_timeout_ms = 300;
        options.idle_timeout_ms = 1000;
        start(&s, &f, &options);
        pass(&s, 100);
        say(&s, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1");
        pass(&s, 400);
        assert_int_equal(f.dones, 0);
        assert_true(f.request->timings.first_byte_us >= 90000);
        if (interim) {
            say(&s, ".1 103 Early Hints\r\n\r\n");
            pass(&s, 50);
            assert_late(&f, RP_E_FIRST_BYTE_TIMEOUT, RP_PHASE_HEAD, "no answer began");
        } else {
            say(&s, ".1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            assert_good(&f);
        }
        end(&s);
    }
}

/* ---- the answer on its way ---- */

/* Who gives back a little of what is not used up does not set the server's clock back. */
static void test_credit_in_hand(void **state)
{
    (void)state;
    scene s;
    fetch f = {0};
    begin(&s, NULL);
    rp_request_options options = request_of(&s);
    options.idle_timeout_ms = 300;
    options.receive_credit_bytes = 1000;
    start(&s, &f, &options);
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n");
    char half[500];
    memset(half, 'x', sizeof(half));
    raw_send(s.peer, half, sizeof(half));
    UNTIL(s.w.loop, f.body_bytes == sizeof(half));
    for (int i = 0; i < 50 && f.dones == 0; i++) {
        pass(&s, 20);
        if (f.dones == 0)
            fetch_consume(&f, 1);
    }
    assert_late(&f, RP_E_IDLE_TIMEOUT, RP_PHASE_BODY, "nothing more of the answer came");
    end(&s);
}

/* Of a TLS record nothing can be given out before its last byte: but its bytes move. It would take
 * half a minute of real time. */
static void test_record_by_bytes(void **state)
{
    (void)state;
    web w;
    web_begin(&w, 13, &(server_options){.shape = {.dribble_ms = 10}},
              &(rp_client_options){.handshake_timeout_ms = 60000});
    fetch f = {0};
    rp_request_options options = {.idle_timeout_ms = 300, .first_byte_timeout_ms = 20000};
    fetch_good(&f, &w, "/bytes/500", &options, 200);
    web_end(&w);
}

/* ---- the total, and cancels, in each phase ---- */

typedef enum stage { QUEUED, UPLOADING, WAITING, BETWEEN, RECEIVING, OWING, STAGES } stage;

static const struct {
    rp_phase phase;
    const char *text;
} stages[STAGES] = {
    [QUEUED] = {RP_PHASE_QUEUE, "it waited for a connection"},
    [UPLOADING] = {RP_PHASE_REQUEST, "it waited for the peer to take the request"},
    [WAITING] = {RP_PHASE_HEAD, "it waited for an answer to begin"},
    [BETWEEN] = {RP_PHASE_HEAD, "it waited for an answer to begin"},
    [RECEIVING] = {RP_PHASE_BODY, "it waited for the rest of the answer"},
    [OWING] = {RP_PHASE_BODY, "it waited for the caller to return credit"},
};

/* Leads the request to where it stays. */
static void reach(scene *s, fetch *f, fetch *other, stage at, uint64_t total_ms)
{
    rp_request_options options = at == UPLOADING ? upload_of(s, LARGE) : request_of(s);
    if (at == QUEUED) {
        start(s, other, &options);
        options.total_timeout_ms = total_ms;
        assert_true(fetch_start(f, &s->w, NULL, &options));
        return;
    }
    if (at == OWING)
        options.receive_credit_bytes = 2;
    options.total_timeout_ms = total_ms;
    start(s, f, &options);
    if (at == BETWEEN)
        say(s, "HTTP/1.1 103 Early Hints\r\n\r\n");
    if (at == RECEIVING || at == OWING)
        say(s, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok");
    if (at == BETWEEN)
        UNTIL(s->w.loop, f->informational == 1);
    if (at == RECEIVING || at == OWING)
        UNTIL(s->w.loop, f->body_bytes == 2);
}

static void test_total(void **state)
{
    (void)state;
    for (stage at = 0; at < STAGES; at++) {
        scene s;
        fetch f = {0}, other = {0};
        begin(&s, &(rp_client_options){.connections_per_origin = 1});
        reach(&s, &f, &other, at, 500);
        UNTIL(s.w.loop, f.dones == 1);
        assert_late(&f, RP_E_TOTAL_TIMEOUT, stages[at].phase, stages[at].text);
        end(&s);
    }
}

static void test_cancel(void **state)
{
    (void)state;
    for (stage at = 0; at < STAGES; at++) {
        scene s;
        fetch f = {0}, other = {0};
        begin(&s, &(rp_client_options){.connections_per_origin = 1});
        reach(&s, &f, &other, at, 60000);
        pass(&s, 20);
        fetch_cancel(&f);
        fetch_wait(&f);
        assert_int_equal(f.error.status, RP_E_CANCELLED);
        assert_false(f.request != NULL);
        end(&s);
    }
}

/* ---- a host that does something else ---- */

/* The loop is not turned; in the simulator whoever waits would turn it along. */
static void pause_host(scene *s, unsigned ms)
{
    if (fixture_simulated())
        sim_port_of(s->w.loop->port)->loop = NULL;
    raw_sleep_ms(ms);
    if (fixture_simulated())
        sim_port_of(s->w.loop->port)->loop = s->w.loop;
}

/* The loop is not turned for longer than the limit; what came meanwhile came in time. */
static void test_pause(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        scene s;
        fetch f = {0};
        begin(&s, NULL);
        rp_request_options options = request_of(&s);
        options.first_byte_timeout_ms = options.idle_timeout_ms = 200;
        start(&s, &f, &options);
        pass(&s, 20);
        if (!silent)
            say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
        pause_host(&s, 400);
        pass(&s, 20);
        if (silent) {
            assert_late(&f, RP_E_FIRST_BYTE_TIMEOUT, RP_PHASE_HEAD, "no answer began");
            end(&s);
            continue;
        }
        say(&s, "k");
        pause_host(&s, 400);
        assert_good(&f);
        end(&s);
    }
}

/* What a callback takes its time for. */
typedef struct busy {
    scene *s;
    fetch next;
    bool sends_first;
} busy;

static void be_busy(fetch *f)
{
    busy *b = f->user;
    rp_request_options options = request_of(b->s);
    if (b->sends_first)
        options.first_byte_timeout_ms = 300;
    else
        options.total_timeout_ms = 300;
    if (b->sends_first)
        assert_true(fetch_start(&b->next, &b->s->w, NULL, &options));
    pause_host(b->s, 600);
    if (!b->sends_first)
        assert_true(fetch_start(&b->next, &b->s->w, NULL, &options));
}

/* A request is to blame for no time before it was sent: that of the callback that sent it. */
static void test_busy_callback(void **state)
{
    (void)state;
    for (unsigned sends_first = 0; sends_first < 2; sends_first++) {
        scene s;
        busy b = {.s = &s, .sends_first = sends_first};
        fetch f = {.on_done = be_busy, .user = &b};
        begin(&s, NULL);
        rp_request_options options = request_of(&s);
        start(&s, &f, &options);
        say(&s, ANSWER);
        assert_good(&f);
        pass(&s, 20);
        assert_int_equal(b.next.dones, 0);
        say(&s, ANSWER);
        assert_good(&b.next);
        if (!sends_first)
            assert_in_range(b.next.summary.timings.total_us, 1, 300000);
        end(&s);
    }
}

/* In the queue, too: the connection became free in time. What came is there at once, as a kernel
 * has it: behind the first piece of several nobody knows that there are more. */
static void test_pause_of_the_queue(void **state)
{
    (void)state;
    scene s;
    fetch first = {0}, second = {0};
    begin(&s, &(rp_client_options){.connections_per_origin = 1, .queue_timeout_ms = 200});
    sim_port_of(s.w.loop->port)->orderly = true;
    rp_request_options options = request_of(&s);
    start(&s, &first, &options);
    assert_true(fetch_start(&second, &s.w, NULL, &options));
    pass(&s, 20);
    say(&s, ANSWER);
    pause_host(&s, 400);
    assert_good(&first);
    pass(&s, 50);
    assert_int_equal(second.dones, 0);
    say(&s, ANSWER);
    assert_good(&second);
    end(&s);
}

enum { MANY = 300 };

/* True: many requests were under way, and answered, well before the first one's deadline. */
static bool pause_of_many(scene *s, unsigned deadline_ms)
{
    static fetch all[MANY];
    static raw_socket peers[MANY];
    rp_request_options options = request_of(s);
    options.first_byte_timeout_ms = options.idle_timeout_ms = deadline_ms;
    uint64_t began_ms = fixture_now_ms();
    for (int i = 0; i < MANY; i++) {
        all[i] = (fetch){0};
        start(s, &all[i], &options);
        peers[i] = s->peer;
        s->peer = RAW_NONE;
    }
    pass(s, 20);
    for (int i = 0; i < MANY; i++)
        raw_send(peers[i], ANSWER, strlen(ANSWER));
    bool in_time = fixture_now_ms() - began_ms < deadline_ms * 3 / 4;
    if (in_time)
        pause_host(s, deadline_ms + 500);
    for (int i = 0; i < MANY; i++) {
        if (in_time)
            assert_good(&all[i]);
        else
            fetch_wait(&all[i]);
    }
    for (int i = 0; i < MANY; i++)
        raw_close(peers[i]);
    return in_time;
}

/* More than a host's turn takes: nobody's deadline is looked at before the last was read. A busy
 * machine takes its time to begin so many; then all have more of it. */
static void test_pause_of_many(void **state)
{
    bool tested = false;
    (void)state;
    for (unsigned deadline_ms = 2000; deadline_ms <= 16000 && !tested; deadline_ms *= 2) {
        scene s;
        begin(&s,
              &(rp_client_options){.connections_per_origin = MANY, .concurrent_openings = MANY});
        (void)rp_loop_waitable(s.w.loop);
        tested = pause_of_many(&s, deadline_ms);
        end(&s);
    }
    assert_true(tested);
}

/* ---- defaults ---- */

/* In virtual time: a minute without a byte, in each phase; and no deadline where none is wanted. */
static void test_defaults(void **state)
{
    (void)state;
    if (!fixture_simulated())
        return;
    for (stage at = UPLOADING; at <= RECEIVING; at++) {
        scene s;
        fetch f = {0}, other = {0};
        begin(&s, NULL);
        reach(&s, &f, &other, at, 0);
        pass(&s, 50000);
        assert_int_equal(f.dones, 0);
        pass(&s, 11000);
        bool first = at == WAITING || at == BETWEEN;
        assert_late(&f, first ? RP_E_FIRST_BYTE_TIMEOUT : RP_E_IDLE_TIMEOUT, stages[at].phase,
                    "within 60000 ms");
        end(&s);
    }
    scene s;
    fetch f = {0};
    begin(&s, NULL);
    rp_request_options options = request_of(&s);
    options.first_byte_timeout_ms = options.idle_timeout_ms = RP_NEVER_MS;
    options.total_timeout_ms = RP_NEVER_MS;
    start(&s, &f, &options);
    pass(&s, 3600 * 1000);
    say(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    pass(&s, 3600 * 1000);
    say(&s, "ok");
    assert_good(&f);
    end(&s);
}

/* ---- sent and answered within one turn ---- */

/* The loop hears of the last bytes' leaving and of the answer to them in the same turn. The request
 * left in whole, and its connection serves the next one. */
static void test_answered_as_it_is_sent(void **state)
{
    scene s;
    (void)state;
    begin(&s, NULL);
    s.data = probe_pattern(MEDIUM);
    for (unsigned i = 0; i < 4; i++) {
        feed put = {.data = s.data, .size = MEDIUM};
        fetch *f = &put.f;
        rp_request_options options = {.url = s.url, .method = "PUT", .body_size = MEDIUM};
        if (i % 2 == 0) {
            feed_start(&put, &s.w, &options, true);
        } else {
            options.body = s.data;
            assert_true(fetch_start(f, &s.w, NULL, &options));
        }
        UNTIL(s.w.loop, f->request->conn != NULL);
        if (i == 0)
            accept_peer(&s);
        s.taken = 0;
        while (f->request->head_size == 0 || s.taken < f->request->head_size + MEDIUM) {
            (void)rp_loop_turn(s.w.loop, 0);
            (void)take(&s, LARGE);
        }
        say(&s, ANSWER);
        assert_good(f);
        assert_int_equal(f->summary.reused, i > 0);
        assert_int_equal(f->summary.body_bytes_sent, MEDIUM);
        assert_true(f->summary.timings.sent_us > 0);
    }
    assert_int_equal(rp_loop_stats_get(s.w.loop)->connections_opened, 1);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_answered_as_it_is_sent),
        fixture_test_timed(test_queue_ends_at_assignment),
        fixture_test_timed(test_queue_last_moment),
        fixture_test_timed(test_queue_of_a_replay),
        fixture_test(test_upload_stalled),
        fixture_test(test_upload_slow),
        fixture_test_timed(test_upload_answered_early),
        fixture_test(test_interim_then_silence),
        fixture_test(test_interim_for_ever),
        fixture_test_timed(test_head_begins_in_time),
        fixture_test(test_credit_in_hand),
        fixture_test_timed(test_record_by_bytes),
        fixture_test(test_total),
        fixture_test(test_cancel),
        fixture_test_timed(test_pause),
        fixture_test_timed(test_busy_callback),
        fixture_test_timed(test_pause_of_the_queue),
        fixture_test_real(test_pause_of_many),
        fixture_test(test_defaults),
    };
    return fixture_run_simulated(tests, 6);
}
