/* test_threads_post.c - posts from other threads: none lost, in order, and they wake a waiting
 * loop. Also run under the thread sanitizer. */
#include "support/contract.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { THREADS = 4, POSTS = 100000 };

/* ---- a flood from four threads ---- */

typedef struct poster {
    contract *c;
    rp_post *posts;
    unsigned pause_each; /* sleeps after so many posts; 0: never */
    unsigned received;
    bool disorder;
} poster;

static void received(rp_post *post, void *user)
{
    poster *p = user;
    p->disorder |= post != &p->posts[p->received];
    p->received++;
}

static void post_all(void *argument)
{
    poster *p = argument;
    for (unsigned i = 0; i < POSTS; i++) {
        p->posts[i].fn = received;
        p->posts[i].user = p;
        rp_loop_post(p->c->loop, &p->posts[i]);
        if (p->pause_each > 0 && i % p->pause_each == 0)
            raw_sleep_ms(1);
    }
}

static void flood(contract *c)
{
    poster posters[THREADS];
    raw_thread *threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        posters[i] = (poster){.c = c, .pause_each = i * 1000};
        posters[i].posts = calloc(POSTS, sizeof(rp_post));
        assert_non_null(posters[i].posts);
        threads[i] = raw_thread_start(post_all, &posters[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        TURN_UNTIL(c, posters[i].received == POSTS);
        assert_false(posters[i].disorder);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        raw_thread_join(threads[i]);
        free(posters[i].posts);
    }
    assert_int_equal(rp_loop_stats_get(c->loop)->posts, THREADS * POSTS);
}

/* ---- one post at a time: each finds the loop asleep ---- */

enum { ROUNDS = 2000 };

typedef struct pendulum {
    contract *c;
    rp_post post;
    atomic_uint swung;
} pendulum;

static void swing(rp_post *post, void *user)
{
    (void)post;
    atomic_fetch_add(&((pendulum *)user)->swung, 1);
}

static void push(void *argument)
{
    pendulum *p = argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        p->post.fn = swing;
        p->post.user = p;
        rp_loop_post(p->c->loop, &p->post);
        while (atomic_load(&p->swung) == i)
            raw_sleep_ms(0);
    }
}

static void wakes_each_time(contract *c)
{
    pendulum p = {.c = c};
    uint64_t before = raw_clock_ns();
    raw_thread *thread = raw_thread_start(push, &p);
    while (atomic_load(&p.swung) < ROUNDS)
        (void)rp_loop_turn(c->loop, RP_NEVER_MS);
    raw_thread_join(thread);
    /* Nothing waited for a time-out. */
    assert_true(raw_clock_ns() - before < 20000000000u);
}

/* ---- wakes through the port itself, beside traffic and timers ---- */

typedef struct waker {
    contract *c;
    atomic_bool stop;
} waker;

static void wake_often(void *argument)
{
    waker *w = argument;
    while (!atomic_load(&w->stop)) {
        w->c->ops->wake(w->c->port);
        raw_sleep_ms(0);
    }
}

static void echo(endpoint *e, rp_slice bytes)
{
    (void)bytes;
    if (!(e->started & RP_OP_SEND))
        endpoint_send_text(e, "ball");
}

static void wakes_beside_traffic(contract *c)
{
    static const endpoint_events on = {.received = echo};
    waker w = {.c = c};
    endpoint a = {.on = &on}, b = {.on = &on};
    endpoint_pair(c, &a, &b);
    endpoint_receive(&a);
    endpoint_receive(&b);
    raw_thread *threads[2] = {raw_thread_start(wake_often, &w), raw_thread_start(wake_often, &w)};
    endpoint_send_text(&a, "ball");
    TURN_UNTIL(c, a.received_bytes > 4000);
    atomic_store(&w.stop, true);
    raw_thread_join(threads[0]);
    raw_thread_join(threads[1]);
    endpoint_finish(&a, &b, NULL);
    contract_settle(c, 5);
    /* Many wakes are one. */
    for (int i = 0; i < 1000; i++)
        c->ops->wake(c->port);
    uint64_t completions = 0;
    for (unsigned found = 0; (found = rp_loop_turn(c->loop, 0)) > 0;)
        completions += found;
    assert_true(completions >= 1 && completions <= 2);
    assert_int_equal(rp_loop_turn(c->loop, 5), 0);
}

/* ---- a loop made on one thread and used on another ---- */

typedef struct removal {
    contract *c;
    unsigned done;
} removal;

static void count_timer(rp_timer *timer, void *user)
{
    (void)timer;
    ((removal *)user)->done++;
}

static void live_elsewhere(void *argument)
{
    removal *r = argument;
    rp_timer timer = {0};
    rp_timer_start(r->c->loop, &timer, 2, count_timer, r);
    rp_loop_run(r->c->loop);
}

static void made_on_another_thread(contract *c)
{
    rp_loop_options options = contract_options(c);
    removal r = {.c = c};
    contract_reopen(c, &options);
    raw_thread_join(raw_thread_start(live_elsewhere, &r));
    assert_int_equal(r.done, 1);
    assert_int_equal(rp_loop_stats_get(c->loop)->wakeups_spurious, 0);
}

static const contract_test tests[] = {
    {.name = "a flood of posts from four threads", .fn = flood},
    {.name = "each post wakes a waiting loop", .fn = wakes_each_time},
    {.name = "wakes beside traffic", .fn = wakes_beside_traffic},
    {.name = "a loop made on another thread", .fn = made_on_another_thread},
};

CONTRACT_MAIN_ON("threads_post", tests, false)
