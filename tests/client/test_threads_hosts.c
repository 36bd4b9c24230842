/* test_threads_hosts.c - the client and streams under hosts that watch the waitable, for long and
 * at random: started outside of turns, in callbacks, and by posts of another thread. A wake-up that
 * gets lost shows as a waitable that stays silent, one for nothing in the loop's counters. */
#include "support/raw.h"
#include "support/web.h"

#include <stdatomic.h>
#include <string.h>

enum { SLOTS = 24, OPERATIONS = 1500, LETTERS = 300, SILENCE_MS = 10000 };

typedef struct soak soak;

typedef struct slot {
    soak *soak;
    bool busy;
    fetch fetch;
    probe probe;
    rp_timer timer;
} slot;

struct soak {
    web web;
    raw_watcher watcher;
    uint64_t random;
    slot slots[SLOTS];
    unsigned busy, started, done, requests, streams, timers, cancelled;
    rp_post post;
    atomic_uint letters; /* read */
};

static unsigned draw(soak *s, unsigned below)
{
    s->random = s->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(s->random >> 33) % below;
}

/* ---- operations; each frees its slot when it is over ---- */

static void start_one(soak *s);

static void slot_done(slot *one)
{
    soak *s = one->soak;
    one->busy = false;
    s->busy--;
    s->done++;
    if (draw(s, 4) == 0)
        start_one(s); /* from a callback */
}

static void fetched(fetch *f)
{
    slot *one = f->user;
    if (f->cancelled)
        one->soak->cancelled++;
    else
        assert_int_equal(f->status, 200);
    slot_done(one);
}

static void start_fetch(slot *one)
{
    static const char *const paths[] = {"/hello",        "/bytes/100", "/bytes/70000", "/delay/2",
                                        "/chunked/5000", "/close",     "/request"};
    soak *s = one->soak;
    one->fetch = (fetch){.on_done = fetched, .user = one};
    s->requests++;
    assert_true(fetch_start(&one->fetch, &s->web, paths[draw(s, 7)], NULL));
    if (draw(s, 10) == 0)
        fetch_cancel(&one->fetch);
}

static void stream_ended(probe *p)
{
    assert_int_equal(p->end_error.status, RP_OK);
    assert_memory_equal(p->text, "HTTP/1.1 200", 12);
    probe_close(p);
}

static void stream_closed(probe *p)
{
    slot_done(p->user);
}

static void start_stream(slot *one)
{
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    soak *s = one->soak;
    rp_stream_options options = {
        .host = "127.0.0.1", .port = server_port(s->web.server), .tls = s->web.client_tls};
    one->probe = (probe){.on_end = stream_ended, .on_close = stream_closed, .user = one};
    s->streams++;
    assert_int_equal(probe_open(&one->probe, s->web.loop, &options), RP_OK);
    if (draw(s, 10) == 0) {
        probe_close(&one->probe);
        return;
    }
    assert_int_equal(probe_write_text(&one->probe, request), RP_OK);
    if (draw(s, 2) == 0)
        assert_int_equal(probe_shutdown(&one->probe), RP_OK);
}

static void ticked(rp_timer *timer, void *user)
{
    (void)timer;
    slot_done(user);
}

static void start_timer(slot *one)
{
    soak *s = one->soak;
    s->timers++;
    rp_timer_start(s->web.loop, &one->timer, draw(s, 4), ticked, one);
    if (draw(s, 4) == 0) { /* moved */
        rp_timer_stop(s->web.loop, &one->timer);
        rp_timer_start(s->web.loop, &one->timer, draw(s, 4), ticked, one);
    }
}

static void start_one(soak *s)
{
    if (s->started == OPERATIONS)
        return;
    for (unsigned i = 0; i < SLOTS; i++) {
        slot *one = &s->slots[i];
        if (one->busy)
            continue;
        one->busy = true;
        s->busy++;
        s->started++;
        switch (draw(s, 4)) {
        case 0:
            start_stream(one);
            return;
        case 1:
            start_timer(one);
            return;
        default:
            start_fetch(one);
            return;
        }
    }
}

/* ---- another thread's posts ---- */

static void letter_came(rp_post *post, void *user)
{
    soak *s = user;
    (void)post;
    start_one(s);
    atomic_fetch_add(&s->letters, 1);
}

static void write_letters(void *argument)
{
    soak *s = argument;
    for (unsigned i = 0; i < LETTERS; i++) {
        s->post = (rp_post){.fn = letter_came, .user = s};
        rp_loop_post(s->web.loop, &s->post);
        while (atomic_load(&s->letters) == i)
            raw_sleep_ms(i % 3 == 0 ? 1 : 0);
    }
}

/* ---- the host ---- */

static void host_step(soak *s)
{
    /* Outside of turns: what is started must make the waitable readable, if a turn is needed. */
    for (unsigned i = draw(s, 3); i > 0; i--)
        start_one(s);
    bool letters_left = atomic_load(&s->letters) < LETTERS;
    if (s->busy == 0 && !letters_left)
        return;
    if (!raw_watcher_wait(&s->watcher, SILENCE_MS))
        fail_msg("silent with %u operations of %u running, %u letters read", s->busy, s->started,
                 atomic_load(&s->letters));
    (void)rp_loop_turn(s->web.loop, 0);
}

static void run(raw_watch watch, int version)
{
    static soak s;
    rp_client_options options = {.connections_per_origin = 8};
    s = (soak){.random = 1 + (uint64_t)watch};
    web_begin_apart(&s.web, version, NULL, &options);
    rp_waitable waitable = rp_loop_waitable(s.web.loop);
    assert_int_not_equal(waitable.socket, -1);
    s.watcher = raw_watcher_open(watch, waitable.socket);
    for (unsigned i = 0; i < SLOTS; i++)
        s.slots[i].soak = &s;
    raw_thread *thread = raw_thread_start(write_letters, &s);
    while (s.done < OPERATIONS || atomic_load(&s.letters) < LETTERS)
        host_step(&s);
    raw_thread_join(thread);
    /* Nothing is left but idle connections: silence. */
    while (raw_watcher_wait(&s.watcher, 20))
        (void)rp_loop_turn(s.web.loop, 0);
    const rp_loop_stats *stats = rp_loop_stats_get(s.web.loop);
    assert_int_equal(stats->wakeups_spurious, 0);
    assert_true(s.requests > 0 && s.streams > 0 && s.timers > 0 && s.cancelled > 0);
    raw_watcher_close(&s.watcher);
    web_end(&s.web);
}

static void test_select(void **state)
{
    (void)state;
    run(RAW_SELECT, 13);
}

static void test_poll(void **state)
{
    (void)state;
    run(RAW_POLL, 12);
}

static void test_epoll(void **state)
{
    (void)state;
    run(RAW_EPOLL, 0);
}

/* ---- no host: a loop that sleeps until something happens, without any timer ---- */

enum { ASKERS = 64, ANSWERED = 3 };

typedef struct alarm_clock {
    rp_loop *loop;
    rp_post post;
    atomic_bool stopped;
    bool rang; /* on the loop's thread */
} alarm_clock;

static void ring(rp_post *post, void *user)
{
    (void)post;
    ((alarm_clock *)user)->rang = true;
}

static void wind_up(void *argument)
{
    alarm_clock *clock = argument;
    for (int i = 0; i < 1000 && !atomic_load(&clock->stopped); i++)
        raw_sleep_ms(10);
    clock->post = (rp_post){.fn = ring, .user = clock};
    rp_loop_post(clock->loop, &clock->post);
}

static unsigned answered(const probe *askers, uint64_t bytes)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ASKERS; i++)
        count += askers[i].received > bytes;
    return count;
}

static void ask(probe *askers, unsigned first, unsigned end, const char *text)
{
    for (unsigned i = first; i < end; i++)
        assert_int_equal(probe_write_text(&askers[i], text), RP_OK);
}

/* Many answers are outstanding, a few come: they may not have to wait for the others. */
static void test_few_answers(void **state)
{
    static probe askers[ASKERS];
    static const char hello[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char stall[] = "GET /stall HTTP/1.1\r\nHost: x\r\n\r\n";
    web w;
    (void)state;
    web_begin_apart(&w, 0, NULL, NULL);
    rp_stream_options options = {.host = "127.0.0.1", .port = server_port(w.server)};
    memset(askers, 0, sizeof(askers));
    for (unsigned i = 0; i < ASKERS; i++)
        assert_int_equal(probe_open(&askers[i], w.loop, &options), RP_OK);
    ask(askers, 0, ASKERS, hello);
    UNTIL(w.loop, answered(askers, 0) == ASKERS);
    UNTIL(w.loop, answered(askers, askers[0].received - 1) == ASKERS);
    uint64_t first = askers[0].received;
    alarm_clock clock = {.loop = w.loop};
    raw_thread *thread = raw_thread_start(wind_up, &clock);
    ask(askers, 0, ANSWERED, hello);
    ask(askers, ANSWERED, ASKERS, stall);
    while (answered(askers, first) < ANSWERED && !clock.rang)
        (void)rp_loop_turn(w.loop, RP_NEVER_MS);
    assert_int_equal(answered(askers, first), ANSWERED);
    assert_false(clock.rang);
    atomic_store(&clock.stopped, true);
    raw_thread_join(thread);
    for (unsigned i = 0; i < ASKERS; i++)
        probe_finish(&askers[i]);
    web_end(&w);
}

static void nothing(void *argument)
{
    (void)argument;
}

int main(void)
{
    /* With the first thread the thread sanitizer starts one of its own. */
    raw_thread_join(raw_thread_start(nothing, NULL));
    const struct CMUnitTest tests[] = {
        fixture_test(test_select),
        fixture_test(test_poll),
        fixture_test(test_epoll),
        fixture_test(test_few_answers),
    };
    return fixture_run(tests);
}
