/* test_alone.c - one stream, with nothing else on its loop: what waits for a send that nobody is
 * told of must see to it that somebody is. */
#include "client/stream_inside.h"
#include "support/probe.h"
#include "support/raw.h"

#include <string.h>

enum { TURN_MS = 20000 };

static void turn(rp_loop *loop)
{
    uint64_t begun_ms = fixture_now_ms();
    (void)rp_loop_turn(loop, TURN_MS);
    if (fixture_now_ms() - begun_ms >= TURN_MS)
        fail_msg("the loop slept, and nothing woke it");
}

typedef struct talk {
    rp_loop *loop;
    rp_stream *stream;
    rp_write writes[8];
    rp_timer timer;
    bool open, closed, armed, last;
    uint64_t written; /* bytes */
    unsigned filled;
} talk;

static void on_open(rp_stream *stream, const rp_error *error, void *user)
{
    (void)stream;
    assert_null(error);
    ((talk *)user)->open = true;
}

static void on_close(rp_stream *stream, void *user)
{
    (void)stream;
    ((talk *)user)->closed = true;
}

static const rp_stream_events events = {.on_open = on_open, .on_close = on_close};

/* Without a callback its send is a quiet one. */
static void say(talk *t, unsigned index, const char *text, rp_write_fn *fn)
{
    assert_int_equal(rp_stream_write(t->stream, &t->writes[index], text, strlen(text), fn, t),
                     RP_OK);
    t->written += strlen(text);
}

static void on_timer(rp_timer *timer, void *user)
{
    (void)timer;
    say(user, 3, "the last", NULL);
    ((talk *)user)->last = true;
}

/* The timer fires in this turn, when the stream has begun to send what stands behind this write. */
static void on_written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    talk *t = user;
    (void)stream;
    (void)write;
    assert_null(error);
    if (t->armed)
        rp_timer_start(t->loop, &t->timer, 0, on_timer, t);
}

static void open_to(talk *t, raw_socket *peer)
{
    rp_address address = raw_loopback(4, 0);
    raw_socket door = raw_listen(&address, 4);
    rp_stream_options options = {.host = "127.0.0.1", .port = address.port};
    assert_int_equal(rp_stream_open(&t->stream, t->loop, &options, &events, t), RP_OK);
    while (!t->open)
        turn(t->loop);
    *peer = raw_accept(door);
    raw_close(door);
}

/* Writes until the network takes no more. */
static void fill(talk *t)
{
    static char filler[4096];
    memset(filler, 'x', sizeof(filler) - 1);
    for (int rest = 0; rest < 5;) {
        say(t, 0, filler, on_written);
        for (rest = 0; rest < 5 && (rest == 0 || t->stream->in_flight > 0); rest++)
            (void)rp_loop_turn(t->loop, 2);
    }
}

/* One write is told of, and what follows it leaves at once, quietly; then, in the same turn, a
 * third one is made. */
static void test_write_behind_a_quiet_send(void **state)
{
    static char sink[65536];
    talk t = {.loop = fixture_loop()};
    raw_socket peer;
    uint64_t got = 0;
    (void)state;
    open_to(&t, &peer);
    fill(&t);
    say(&t, 1, "quiet", NULL);
    (void)rp_loop_turn(t.loop, 0);
    assert_true(t.stream->in_flight > 0 && t.stream->output.size == t.stream->in_flight + 5);
    t.armed = true;
    while (raw_readable(peer, 20))
        got += raw_receive(peer, sink, sizeof(sink));
    while (!t.last || t.stream->output.size > t.stream->in_flight)
        turn(t.loop);
    (void)rp_loop_turn(t.loop, 0); /* the last one wakes nobody, and need not */
    while (got < t.written)
        got += raw_receive(peer, sink, sizeof(sink));
    rp_stream_close(t.stream);
    while (!t.closed)
        turn(t.loop);
    raw_close(peer);
    fixture_loop_end(t.loop);
}

/* What was written quietly has left, and nobody has said so yet, when the stream is closed: its
 * close_notify follows. */
static void close_behind_a_quiet_send(int version, unsigned turns)
{
    probe_pair pair;
    rp_write write;
    probe_pair_begin(&pair, version, "server-ecdsa");
    probe_pair_open(&pair);
    probe_settle(pair.loop, 5); /* tickets */
    assert_int_equal(rp_stream_write(pair.client.stream, &write, "bye", 3, NULL, NULL), RP_OK);
    for (unsigned i = 0; i < turns; i++)
        (void)rp_loop_turn(pair.loop, 0);
    probe_close(&pair.client);
    UNTIL(pair.loop, pair.client.closes == 1 && pair.server.ends == 1);
    if (turns > 0)
        assert_string_equal(pair.server.text, "bye");
    if (turns > 0)
        assert_int_equal(pair.server.end_error.status, RP_OK);
    probe_pair_end(&pair);
}

static void test_close_behind_a_quiet_send(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 4; turns++) {
        close_behind_a_quiet_send(0, turns);
        close_behind_a_quiet_send(12, turns);
        close_behind_a_quiet_send(13, turns);
    }
}

static void put_some(rp_stream *stream, void *user)
{
    talk *t = user;
    assert_int_equal(rp__stream_put(stream, "some", 4, NULL), RP_OK);
    t->written += 4;
    t->filled++;
}

static void want_by_timer(rp_timer *timer, void *user)
{
    (void)timer;
    rp__stream_want_fill(((talk *)user)->stream, put_some);
}

static void want_by_post(rp_post *post, void *user)
{
    (void)post;
    rp__stream_want_fill(((talk *)user)->stream, put_some);
}

/* More is to be put when what was put has left, and nobody has said so yet: that is asked for
 * outside of the turns, or in one behind what the port had to tell. */
static void fill_behind_a_quiet_send(unsigned how)
{
    static char sink[64];
    talk t = {.loop = fixture_loop()};
    rp_post post = {.fn = want_by_post, .user = &t};
    raw_socket peer;
    open_to(&t, &peer);
    for (unsigned i = 1; i <= 5; i++) {
        if (how == 0)
            rp__stream_want_fill(t.stream, put_some);
        else if (how == 1)
            rp_timer_start(t.loop, &t.timer, 3, want_by_timer, &t);
        else
            rp_loop_post(t.loop, &post);
        while (t.filled < i)
            turn(t.loop);
    }
    (void)rp_loop_turn(t.loop, 0);
    raw_receive_all(peer, sink, (size_t)t.written);
    rp_stream_close(t.stream);
    while (!t.closed)
        turn(t.loop);
    raw_close(peer);
    fixture_loop_end(t.loop);
}

static void test_fill_behind_a_quiet_send(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++)
        fill_behind_a_quiet_send(how);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_write_behind_a_quiet_send),
        fixture_test(test_close_behind_a_quiet_send),
        fixture_test(test_fill_behind_a_quiet_send),
    };
    return fixture_run_simulated(tests, 25);
}
