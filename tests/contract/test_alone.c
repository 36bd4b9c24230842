/* test_alone.c - a loop with nothing else in it. Where a port decides not to be woken for what it
 * has started, a busy loop hides the mistake: anything else that comes puts it right. So here there
 * is one connection, no timer runs, and each turn waits until something comes. */
#include "support/contract.h"

#include <string.h>

/* ---- sends that are cancelled, or whose socket is closed, at once or soon ---- */

/* When the send starts. The moments within a turn differ in what the port still does in it. */
typedef enum start_moment {
    BETWEEN_TURNS,
    IN_RECEIVED,
    IN_RECEIVE_ENDED,
    IN_SENT,
    IN_A_TIMER,
    START_MOMENTS
} start_moment;

/* When it is waited for. */
typedef enum wait_moment { AT_ONCE, LATER_IN_THE_TURN, AFTER_THE_TURN, WAIT_MOMENTS } wait_moment;

typedef struct scene {
    contract *c;
    raw_watcher *watcher; /* NULL: the loop is its own host */
    endpoint e;
    raw_socket peer;
    start_moment start;
    wait_moment wait;
    bool quiet;
    bool closes; /* or else cancels */
    bool started, waited_for;
    rp_timer timer;
    rp_deferred later;
} scene;

static void wait_for_it(scene *s)
{
    s->waited_for = true;
    if (s->closes)
        endpoint_close(&s->e);
    else
        endpoint_cancel(&s->e, RP_OP_SEND);
}

static void later(rp_deferred *deferred)
{
    wait_for_it(RP_CONTAINER(deferred, scene, later));
}

static void start_it(scene *s)
{
    s->started = true;
    s->e.socket->quiet_send = s->quiet;
    endpoint_send_text(&s->e, "bytes");
    if (s->wait == AT_ONCE)
        wait_for_it(s);
    else if (s->wait == LATER_IN_THE_TURN)
        rp__loop_defer(s->c->loop, &s->later, later);
}

static void on_received(endpoint *e, rp_slice bytes)
{
    scene *s = e->user;
    (void)bytes;
    if (s->start == IN_RECEIVED && !s->started)
        start_it(s);
}

static void on_receive_ended(endpoint *e)
{
    scene *s = e->user;
    if (s->start == IN_RECEIVE_ENDED && !s->started)
        start_it(s);
}

static void on_sent(endpoint *e)
{
    scene *s = e->user;
    if (s->start == IN_SENT && !s->started)
        start_it(s);
}

static void on_timer(rp_timer *timer, void *user)
{
    (void)timer;
    start_it(user);
}

static const endpoint_events scene_events = {
    .received = on_received, .receive_ended = on_receive_ended, .sent = on_sent};

/* A turn of the loop; a host's, when it is called for. */
static void scene_turn(scene *s)
{
    if (s->watcher == NULL) {
        contract_turn(s->c);
        return;
    }
    if (!raw_watcher_wait(s->watcher, 10000))
        fail_msg("the host is not called");
    assert_true(rp_loop_turn(s->c->loop, 0) > 0);
}

/* Until nothing of the connection's making is left to do. */
static void scene_settle(scene *s)
{
    while (s->watcher != NULL && raw_watcher_wait(s->watcher, 2))
        (void)rp_loop_turn(s->c->loop, 0);
    if (s->watcher == NULL)
        contract_settle(s->c, 1);
}

static void cause(scene *s)
{
    switch (s->start) {
    case IN_RECEIVED:
        raw_send(s->peer, "!", 1);
        break;
    case IN_RECEIVE_ENDED: /* as HTTP/1.0 servers do: the answer and the end in one segment */
        raw_send(s->peer, "!", 1);
        raw_shutdown_send(s->peer);
        break;
    case IN_SENT:
        endpoint_send_text(&s->e, "first");
        break;
    case IN_A_TIMER:
        rp_timer_start(s->c->loop, &s->timer, 1, on_timer, s);
        break;
    default:
        start_it(s);
        break;
    }
}

/* Neither a cancel nor a close keeps back what the network has room for. */
static void check_sent(scene *s)
{
    char text[16] = "";
    size_t size = s->start == IN_SENT ? 10 : 5;
    assert_int_equal(s->e.send_result.status, RP_OK);
    raw_receive_all(s->peer, text, size);
    assert_string_equal(text, size == 10 ? "firstbytes" : "bytes");
    assert_int_equal(raw_receive(s->peer, text, 1), 0);
}

static void play(contract *c, raw_watcher *watcher, const scene *how)
{
    scene s = *how;
    s.c = c;
    s.watcher = watcher;
    s.e = (endpoint){.on = &scene_events, .user = &s};
    s.peer = endpoint_raw_pair(c, &s.e);
    endpoint_receive(&s.e);
    scene_settle(&s);
    unsigned sends = s.start == IN_SENT ? 2 : 1;
    cause(&s);
    while (!s.started || (s.wait == LATER_IN_THE_TURN && !s.waited_for))
        scene_turn(&s);
    if (s.wait == AFTER_THE_TURN && s.e.sends < sends) /* else it was reported at once */
        wait_for_it(&s);
    while (s.e.sends < sends || (s.closes && s.waited_for && !s.e.closed))
        scene_turn(&s);
    if (!s.e.closing)
        endpoint_close(&s.e);
    while (!s.e.closed)
        scene_turn(&s);
    check_sent(&s);
    raw_close(s.peer);
}

static void play_all(contract *c, raw_watcher *watcher)
{
    for (start_moment start = 0; start < START_MOMENTS; start++) {
        for (wait_moment wait = 0; wait < WAIT_MOMENTS; wait++) {
            for (unsigned i = 0; i < 4; i++) {
                scene how = {.start = start, .wait = wait, .quiet = i & 1, .closes = i & 2};
                play(c, watcher, &how);
            }
        }
    }
}

static void sends_that_are_waited_for(contract *c)
{
    play_all(c, NULL);
}

static void sends_in_a_hosts_loop(contract *c)
{
    raw_watcher watcher = raw_watcher_open(RAW_POLL, rp_loop_waitable(c->loop).socket);
    play_all(c, &watcher);
    raw_watcher_close(&watcher);
}

/* ---- a conversation ---- */

typedef struct talk {
    unsigned left;
} talk;

/* A word may come in pieces, and before one's own was reported. */
static void answer(endpoint *e)
{
    talk *t = e->user;
    if (t->left == 0 || e->received_bytes / 4 <= e->sends || (e->started & RP_OP_SEND))
        return;
    t->left--;
    endpoint_send_text(e, "word");
}

static void hear(endpoint *e, rp_slice bytes)
{
    (void)bytes;
    answer(e);
}

/* Both ends quiet: each send is reported in time for the next. */
static void quiet_conversation(contract *c)
{
    static const endpoint_events on = {.received = hear, .sent = answer};
    talk t = {.left = 200};
    endpoint a = {.on = &on, .user = &t}, b = {.on = &on, .user = &t};
    endpoint_pair(c, &a, &b);
    a.socket->quiet_send = b.socket->quiet_send = true;
    endpoint_receive(&a);
    endpoint_receive(&b);
    endpoint_send_text(&a, "word");
    a.received_bytes = 4; /* the word that it answers */
    TURN_UNTIL(c, t.left == 0);
    endpoint_finish(&a, &b, NULL);
    assert_int_equal(a.sends + b.sends, 201);
}

static const contract_test tests[] = {
    {.name = "sends that are waited for", .fn = sends_that_are_waited_for},
    {.name = "sends in a host's loop", .fn = sends_in_a_hosts_loop, .real_only = true},
    {.name = "a quiet conversation", .fn = quiet_conversation},
};

CONTRACT_MAIN("alone", tests)
