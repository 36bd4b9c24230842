/* test_waitable.c - a loop inside a host that only knows select, poll or epoll: it watches one
 * descriptor for readability, and calls rp_loop_turn(loop, 0) when it is readable. Nothing else. */
#include "support/contract.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

typedef struct host {
    contract *c;
    raw_watcher watcher;
    uint64_t polls, turns, in_vain;
} host;

static host host_open(contract *c, raw_watch watch)
{
    rp_waitable waitable = rp_loop_waitable(c->loop);
    assert_int_not_equal(waitable.socket, -1);
    assert_int_equal(rp_loop_waitable(c->loop).socket, waitable.socket);
    return (host){.c = c, .watcher = raw_watcher_open(watch, waitable.socket)};
}

/* False: it was not readable within wait_ms. */
static bool host_step(host *h, int wait_ms)
{
    h->polls++;
    if (!raw_watcher_wait(&h->watcher, wait_ms))
        return false;
    h->turns++;
    if (rp_loop_turn(h->c->loop, 0) == 0)
        h->in_vain++;
    return true;
}

/* Readable was never said for nothing; and with nothing left to do it is not said. */
static void host_close(host *h)
{
    while (host_step(h, 20))
        continue;
    assert_int_equal(h->in_vain, 0);
    raw_watcher_close(&h->watcher);
}

#define HOST_UNTIL(h, condition)                                                                   \
    do {                                                                                           \
        while (!(condition)) {                                                                     \
            if (!host_step(h, 10000))                                                              \
                fail_msg("%s:%d: not readable: %s", __FILE__, __LINE__, #condition);               \
        }                                                                                          \
    } while (0)

static void host_finish(host *h, endpoint *e)
{
    endpoint_close(e);
    HOST_UNTIL(h, e->closed);
}

/* Each test once for each way of watching. */
static void for_each_watch(contract *c, void (*fn)(contract *, host *))
{
    for (int watch = 0; watch < RAW_WATCHES; watch++) {
        host h = host_open(c, (raw_watch)watch);
        fn(c, &h);
        host_close(&h);
    }
}

/* ---- completions ---- */

/* Everything is started outside of turns; the host does nothing but turn when readable. */
static void one_exchange(contract *c, host *h)
{
    endpoint e = {0};
    char text[8] = "";
    rp_address address = raw_loopback(4, 0);
    raw_socket listener = raw_listen(&address, 16);
    endpoint_open(&e, c, 4);
    endpoint_connect(&e, &address);
    HOST_UNTIL(h, e.connects > 0);
    assert_int_equal(e.connect_result.status, RP_OK);
    raw_socket peer = raw_accept(listener);
    endpoint_receive(&e);
    for (unsigned i = 1; i <= 20; i++) {
        endpoint_send_text(&e, "ping");
        HOST_UNTIL(h, e.sends == i);
        raw_receive_all(peer, text, 4);
        assert_string_equal(text, "ping");
        raw_send(peer, "pong", 4);
        HOST_UNTIL(h, e.received_bytes == 4 * i);
    }
    raw_close(peer);
    HOST_UNTIL(h, e.receives > 0);
    host_finish(h, &e);
    raw_close(listener);
}

static void completions(contract *c)
{
    for_each_watch(c, one_exchange);
}

/* What completes at once, or is cancelled before it was submitted, makes it readable too. */
static void owed_callbacks(contract *c, host *h)
{
    endpoint e = {0}, idle = {0}, unreachable = {0};
    rp_address broadcast = {.family = 4, .port = 9, .bytes = {255, 255, 255, 255}};
    raw_socket peer = endpoint_raw_pair(c, &e);
    while (host_step(h, 1))
        continue;
    endpoint_receive(&e);
    endpoint_cancel(&e, RP_OP_RECEIVE);
    HOST_UNTIL(h, e.receives == 1);
    endpoint_open(&unreachable, c, 4);
    endpoint_connect(&unreachable, &broadcast);
    HOST_UNTIL(h, unreachable.connects == 1);
    host_finish(h, &unreachable);
    endpoint_open(&idle, c, 4);
    host_finish(h, &idle);
    endpoint_receive(&e);
    endpoint_send_text(&e, "text");
    endpoint_cancel(&e, RP_OP_ALL);
    HOST_UNTIL(h, e.sends == 1 && e.receives == 2);
    host_finish(h, &e);
    raw_close(peer);
}

static void owed(contract *c)
{
    for_each_watch(c, owed_callbacks);
}

/* Made late, when much is under way: nothing of it is forgotten. */
static void made_late(contract *c)
{
    for (int watch = 0; watch < RAW_WATCHES; watch++) {
        rp_loop_options options = contract_options(c);
        contract_reopen(c, &options);
        endpoint e = {0}, cancelled = {0};
        rp_timer timer = {0};
        raw_socket peer = endpoint_raw_pair(c, &e), other = endpoint_raw_pair(c, &cancelled);
        endpoint_receive(&e);
        contract_settle(c, 2);
        raw_send(peer, "x", 1);
        endpoint_receive(&cancelled);
        endpoint_cancel(&cancelled, RP_OP_RECEIVE);
        rp_timer_start(c->loop, &timer, 5, (rp_timer_fn *)NULL, NULL);
        rp_timer_stop(c->loop, &timer);
        host h = host_open(c, (raw_watch)watch);
        HOST_UNTIL(&h, e.received_bytes == 1 && cancelled.receives == 1);
        host_finish(&h, &e);
        host_finish(&h, &cancelled);
        raw_close(peer);
        raw_close(other);
        host_close(&h);
    }
}

/* ---- timers ---- */

typedef struct tick {
    rp_timer timer;
    uint64_t not_before_ns;
    unsigned fired, again;
    rp_loop *loop;
} tick;

static void ticks(rp_timer *timer, void *user)
{
    tick *t = user;
    t->fired++;
    assert_true(raw_clock_ns() >= t->not_before_ns);
    if (t->again > 0) {
        t->again--;
        rp_timer_start(t->loop, timer, 1, ticks, t);
    }
}

static void tick_in(contract *c, tick *t, uint64_t ms)
{
    t->loop = c->loop;
    t->not_before_ns = raw_clock_ns() + ms * MS;
    rp_timer_start(c->loop, &t->timer, ms, ticks, t);
}

static void some_timers(contract *c, host *h)
{
    tick soon = {0}, later = {0}, never = {0}, often = {.again = 20};
    uint64_t before = raw_clock_ns();
    tick_in(c, &later, 40);
    tick_in(c, &never, 20000);
    tick_in(c, &soon, 10);
    tick_in(c, &often, 0);
    HOST_UNTIL(h, soon.fired == 1);
    rp_timer_stop(c->loop, &never.timer);
    HOST_UNTIL(h, later.fired == 1 && often.fired == 21);
    assert_int_equal(never.fired, 0);
    assert_true(raw_clock_ns() - before < 10000 * MS);
    /* Moved to the front, moved to the back, taken away. */
    tick_in(c, &later, 5000);
    tick_in(c, &later, 3);
    HOST_UNTIL(h, later.fired == 2);
    tick_in(c, &later, 3);
    tick_in(c, &later, 30);
    HOST_UNTIL(h, later.fired == 3);
    tick_in(c, &later, 3);
    rp_timer_stop(c->loop, &later.timer);
    assert_false(host_step(h, 10));
}

static void timers(contract *c)
{
    for_each_watch(c, some_timers);
}

/* A deadline that passed while the host was busy elsewhere. */
static void late_host(contract *c, host *h)
{
    tick t = {0}, gone = {0};
    tick_in(c, &t, 1);
    raw_sleep_ms(5);
    HOST_UNTIL(h, t.fired == 1);
    tick_in(c, &t, 1);
    tick_in(c, &gone, 2);
    raw_sleep_ms(5);
    rp_timer_stop(c->loop, &gone.timer);
    HOST_UNTIL(h, t.fired == 2);
    /* Turned without being asked: the readiness goes with what it was for. */
    tick_in(c, &t, 1);
    raw_sleep_ms(5);
    assert_int_equal(rp_loop_turn(c->loop, 0), 1);
    assert_false(host_step(h, 2));
    /* Due, and stopped before the host looked. */
    tick_in(c, &t, 1);
    raw_sleep_ms(5);
    rp_timer_stop(c->loop, &t.timer);
    assert_false(host_step(h, 2));
}

static void late_hosts(contract *c)
{
    for_each_watch(c, late_host);
}

/* ---- posts ---- */

typedef struct letter {
    contract *c;
    rp_post post;
    atomic_uint read;
} letter;

static void read_letter(rp_post *post, void *user)
{
    (void)post;
    atomic_fetch_add(&((letter *)user)->read, 1);
}

static void write_letters(void *argument)
{
    letter *l = argument;
    for (unsigned i = 0; i < 200; i++) {
        l->post.fn = read_letter;
        l->post.user = l;
        rp_loop_post(l->c->loop, &l->post);
        while (atomic_load(&l->read) == i)
            raw_sleep_ms(0);
    }
}

static void posts_from_a_thread(contract *c, host *h)
{
    letter l = {.c = c};
    raw_thread *thread = raw_thread_start(write_letters, &l);
    HOST_UNTIL(h, atomic_load(&l.read) == 200);
    raw_thread_join(thread);
    while (host_step(h, 5))
        continue;
}

static void posts(contract *c)
{
    for_each_watch(c, posts_from_a_thread);
}

static void note_deferred(rp_deferred *deferred)
{
    *(bool *)(void *)(deferred + 1) = true;
}

static void deferred_calls(contract *c, host *h)
{
    struct {
        rp_deferred deferred;
        bool called;
    } call = {0};
    rp__loop_defer(c->loop, &call.deferred, note_deferred);
    HOST_UNTIL(h, call.called);
}

static void deferred(contract *c)
{
    for_each_watch(c, deferred_calls);
}

/* What comes at once is spread over turns, in its order, so that the host gets to its sockets. */
enum { MANY_CALLS = 1000, CALLS_OF_A_TURN = 64 };

static void many_timers(contract *c, host *h)
{
    static tick ticks[MANY_CALLS];
    unsigned fired = 0, without = 0;
    for (unsigned i = 0; i < MANY_CALLS; i++) {
        ticks[i] = (tick){0};
        tick_in(c, &ticks[i], 1);
    }
    raw_sleep_ms(5);
    for (unsigned before = 0; fired < MANY_CALLS; before = fired) {
        assert_true(host_step(h, 10000));
        while (fired < MANY_CALLS && ticks[fired].fired == 1)
            fired++;
        assert_in_range(fired - before, 0, CALLS_OF_A_TURN);
        without += fired == before;
    }
    /* Late timers, where the machine is busy, wait until the port has told all that it knows. */
    assert_in_range(without, 0, 50);
}

typedef struct numbered_call {
    rp_deferred deferred;
    rp_loop *loop;
    unsigned number;
    unsigned *next;
} numbered_call;

static void note_number(rp_deferred *deferred)
{
    numbered_call *call = RP_CONTAINER(deferred, numbered_call, deferred);
    assert_int_equal(call->number, *call->next);
    ++*call->next;
    if (call->number == 0) { /* once more, behind those that wait */
        call->number = MANY_CALLS;
        rp__loop_defer(call->loop, deferred, note_number);
    }
}

static void many_deferred_calls(contract *c, host *h)
{
    static numbered_call calls[MANY_CALLS];
    unsigned next = 0;
    for (unsigned i = 0; i < MANY_CALLS; i++) {
        calls[i] = (numbered_call){.loop = c->loop, .number = i, .next = &next};
        rp__loop_defer(c->loop, &calls[i].deferred, note_number);
    }
    for (unsigned before = 0; next <= MANY_CALLS; before = next) {
        assert_true(host_step(h, 10000));
        assert_in_range(next - before, 1, CALLS_OF_A_TURN);
    }
}

static void shares(contract *c)
{
    for_each_watch(c, many_timers);
    for_each_watch(c, many_deferred_calls);
}

/* ---- a hundred connections that echo, both ends dispatched by the host ---- */

enum { ECHOES = 100, ECHO_ROUNDS = 50 };

static void echo_back(endpoint *e, rp_slice bytes)
{
    assert_true(bytes.size == 4 && !(e->started & RP_OP_SEND));
    endpoint_send_text(e, "echo");
}

static void echo_or_end(endpoint *e, rp_slice bytes)
{
    if (e->received_bytes < 4 * ECHO_ROUNDS)
        echo_back(e, bytes);
}

static void echo_start(endpoint *e)
{
    assert_int_equal(e->connect_result.status, RP_OK);
    endpoint_receive(e);
    endpoint_send_text(e, "echo");
}

static const endpoint_events on_client = {.connected = echo_start, .received = echo_or_end},
                             on_server = {.received = echo_back};

typedef struct hall {
    endpoint clients[ECHOES], servers[ECHOES];
    unsigned count;
} hall;

static void enter_hall(endpoint *listener, rp_socket *socket)
{
    hall *all = listener->user;
    endpoint *server = &all->servers[all->count++];
    server->on = &on_server;
    endpoint_adopt(server, listener->c, socket);
    endpoint_receive(server);
}

static void echo_hall(contract *c, host *h)
{
    static const endpoint_events on_listener = {.accepted = enter_hall};
    static hall all;
    memset(&all, 0, sizeof(all));
    endpoint listener = {.on = &on_listener, .user = &all};
    rp_address address = {0};
    endpoint_open(&listener, c, 4);
    endpoint_listen(&listener, &address);
    endpoint_accept(&listener);
    for (int i = 0; i < ECHOES; i++) {
        all.clients[i].on = &on_client;
        endpoint_open(&all.clients[i], c, 4);
        endpoint_connect(&all.clients[i], &address);
    }
    for (int i = 0; i < ECHOES; i++)
        HOST_UNTIL(h, all.clients[i].received_bytes == 4 * ECHO_ROUNDS);
    for (int i = 0; i < ECHOES; i++) {
        host_finish(h, &all.clients[i]);
        host_finish(h, &all.servers[i]);
    }
    host_finish(h, &listener);
}

static void hundred_echoes(contract *c)
{
    for_each_watch(c, echo_hall);
}

/* ---- much data: the host turns as long as there is some ---- */

static void bulk_host(contract *c, host *h)
{
    const size_t size = 8 << 20;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    endpoint a = {0}, b = {.checked = true};
    pattern out = {0};
    pattern_fill(&out, bytes, size);
    endpoint_pair(c, &a, &b);
    while (host_step(h, 1))
        continue;
    endpoint_receive(&b);
    endpoint_send_bytes(&a, bytes, size);
    HOST_UNTIL(h, a.sends == 1 && b.received_bytes == size);
    /* Paused: whatever the peer sends, the host is left alone. */
    endpoint_cancel(&b, RP_OP_RECEIVE);
    HOST_UNTIL(h, b.receives == 1);
    while (host_step(h, 1))
        continue;
    pattern_fill(&out, bytes, 1000);
    endpoint_send_bytes(&a, bytes, 1000);
    HOST_UNTIL(h, a.sends == 2);
    assert_false(host_step(h, 10));
    endpoint_receive(&b);
    HOST_UNTIL(h, b.received_bytes == size + 1000);
    host_finish(h, &a);
    host_finish(h, &b);
    free(bytes);
}

static void bulk(contract *c)
{
    for_each_watch(c, bulk_host);
}

/* ---- cost ---- */

static void idle_host(contract *c, host *h)
{
    endpoint e = {0};
    tick t = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    tick_in(c, &t, 60000);
    while (host_step(h, 5))
        continue;
    uint64_t cpu = raw_cpu_ns();
    assert_false(host_step(h, 300));
    assert_true(raw_cpu_ns() - cpu < 20 * MS); /* some systems count in ticks of 16 */
    rp_timer_stop(c->loop, &t.timer);
    host_finish(h, &e);
    raw_close(peer);
}

static void idle(contract *c)
{
    for_each_watch(c, idle_host);
}

/* A loop that has a waitable can still be waited for in a turn. */
static void turns_that_wait(contract *c)
{
    endpoint e = {0};
    tick t = {0};
    host h = host_open(c, RAW_POLL);
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    for (unsigned i = 1; i <= 5; i++) {
        tick_in(c, &t, 3);
        TURN_UNTIL(c, t.fired == i);
        raw_send(peer, "x", 1);
        TURN_UNTIL(c, e.received_bytes == i);
    }
    assert_int_equal(rp_loop_turn(c->loop, 10), 0);
    endpoint_finish(&e, NULL);
    raw_close(peer);
    host_close(&h);
}

static const contract_test tests[] = {
    {.name = "waitable: completions", .fn = completions},
    {.name = "waitable: callbacks that are owed", .fn = owed},
    {.name = "waitable: made late", .fn = made_late},
    {.name = "waitable: timers", .fn = timers},
    {.name = "waitable: a host that comes late", .fn = late_hosts},
    {.name = "waitable: posts", .fn = posts},
    {.name = "waitable: deferred calls", .fn = deferred},
    {.name = "waitable: a thousand timers and deferred calls", .fn = shares},
    {.name = "waitable: a hundred echoes", .fn = hundred_echoes},
    {.name = "waitable: much data, and a pause", .fn = bulk},
    {.name = "waitable: an idle host", .fn = idle},
    {.name = "waitable: turns that wait", .fn = turns_that_wait},
};

CONTRACT_MAIN_ON("waitable", tests, false)
