/* test_limits.c - many connections, no descriptors, no memory. */
#include "support/contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

/* ---- ten thousand connections ---- */

enum { WANTED = 10000, AT_ONCE = 500 };

typedef struct town {
    endpoint *clients, *servers;
    unsigned accepted, answered, closed;
} town;

static void town_closed(endpoint *e)
{
    town *t = e->user;
    t->closed++;
}

static void town_answer(endpoint *e, rp_slice bytes)
{
    (void)bytes;
    if (e->received_bytes % 4 == 0)
        endpoint_send_text(e, "pong");
}

static void town_answered(endpoint *e, rp_slice bytes)
{
    town *t = e->user;
    (void)bytes;
    if (e->received_bytes % 4 == 0)
        t->answered++;
}

static void town_accepted(endpoint *listener, rp_socket *socket)
{
    static const endpoint_events on = {.received = town_answer, .closed = town_closed};
    town *t = listener->user;
    endpoint *server = &t->servers[t->accepted++];
    *server = (endpoint){.on = &on, .user = t};
    endpoint_adopt(server, listener->c, socket);
    endpoint_receive(server);
}

static void town_connect(contract *c, town *t, unsigned count, const rp_address *address)
{
    static const endpoint_events on = {.received = town_answered, .closed = town_closed};
    for (unsigned begin = 0; begin < count; begin += AT_ONCE) {
        unsigned end = begin + AT_ONCE < count ? begin + AT_ONCE : count;
        for (unsigned i = begin; i < end; i++) {
            t->clients[i] = (endpoint){.on = &on, .user = t};
            endpoint_open(&t->clients[i], c, 4);
            endpoint_connect(&t->clients[i], address);
        }
        for (unsigned i = begin; i < end; i++) {
            TURN_UNTIL(c, t->clients[i].connects > 0);
            assert_int_equal(t->clients[i].connect_result.status, RP_OK);
            endpoint_receive(&t->clients[i]);
        }
        TURN_UNTIL(c, t->accepted == end);
    }
}

/* Both ends are in this process: two descriptors each. */
static unsigned town_size(void)
{
    size_t limit = raw_raise_descriptors(2 * WANTED + 1000);
    size_t room = (limit - raw_open_descriptors() - 50) / 2;
    if (room >= WANTED)
        return WANTED;
    print_message("only %zu connections: the limit is %zu descriptors\n", room, limit);
    if (room < WANTED / 2)
        fail_msg("%zu descriptors are too few: raise the hard limit (ulimit -Hn) to %d", limit,
                 2 * WANTED + 1000);
    return (unsigned)room;
}

static void ten_thousand_connections(contract *c)
{
    static const endpoint_events on = {.accepted = town_accepted};
    unsigned count = town_size();
    town t = {.clients = calloc(count, sizeof(endpoint)),
              .servers = calloc(count, sizeof(endpoint))};
    assert_true(t.clients != NULL && t.servers != NULL);
    endpoint listener = {.on = &on, .user = &t};
    rp_address address = {0};
    uint64_t before = raw_clock_ns();
    endpoint_open(&listener, c, 4);
    endpoint_listen(&listener, &address);
    endpoint_accept(&listener);
    town_connect(c, &t, count, &address);
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < count; i++)
            endpoint_send_text(&t.clients[i], "ping");
        TURN_UNTIL(c, t.answered == round * count);
        for (unsigned i = 0; i < count; i++)
            TURN_UNTIL(c, t.clients[i].sends == round && t.servers[i].sends == round);
    }
    /* All are idle: the loop sleeps. */
    uint64_t cpu = raw_cpu_ns();
    contract_settle(c, 1);
    assert_int_equal(rp_loop_turn(c->loop, 50), 0);
    assert_true(raw_cpu_ns() - cpu < 20 * MS);
    for (unsigned i = 0; i < count; i++) {
        endpoint_close(&t.clients[i]);
        endpoint_close(&t.servers[i]);
    }
    TURN_UNTIL(c, t.closed == 2 * count);
    endpoint_finish(&listener, NULL);
    print_message("%s: %u connections in %u ms\n", c->ops->name, count,
                  (unsigned)((raw_clock_ns() - before) / MS));
    free(t.clients);
    free(t.servers);
}

/* ---- out of descriptors ---- */

/* Before the limit is lowered: what a port makes at its first use is made. */
static void warm_up(contract *c)
{
    endpoint a = {0}, b = {0};
    endpoint_pair(c, &a, &b);
    endpoint_receive(&a);
    contract_settle(c, 2);
    endpoint_finish(&a, &b, NULL);
}

static rp_io_result open_one(contract *c, endpoint *e)
{
    rp_socket *socket = NULL;
    rp_io_result result = c->ops->open(c->port, 4, &socket);
    *e = (endpoint){0};
    if (result.status == RP_OK)
        endpoint_adopt(e, c, socket);
    else
        assert_null(socket);
    return result;
}

static void no_descriptor_to_open(contract *c)
{
    if (!raw_limits_descriptors())
        return;
    endpoint some[8];
    rp_io_result result = {RP_OK, 0};
    unsigned count = 0;
    warm_up(c);
    size_t limit = raw_leave_descriptors(3);
    while (count < 8 && (result = open_one(c, &some[count])).status == RP_OK)
        count++;
    rp_io_result again = open_one(c, &some[count]);
    assert_int_equal(count, 3);
    assert_int_equal(result.status, RP_E_NO_DESCRIPTORS);
    assert_int_equal(again.status, RP_E_NO_DESCRIPTORS);
    assert_int_not_equal(result.os_code, 0);
    endpoint_finish(&some[0], NULL);
    result = open_one(c, &some[0]);
    raw_restore_descriptors(limit);
    assert_int_equal(result.status, RP_OK);
    for (unsigned i = 0; i < count; i++)
        endpoint_finish(&some[i], NULL);
}

enum { CALLERS = 6 };

typedef struct desk {
    endpoint served[CALLERS];
    unsigned count;
} desk;

static void desk_accepted(endpoint *listener, rp_socket *socket)
{
    desk *d = listener->user;
    assert_true(d->count < CALLERS);
    endpoint_adopt(&d->served[d->count++], listener->c, socket);
}

/* Two descriptors are left for more callers; all that the others need was opened before. The limit
 * that counts is that of the time at which accept is started (io_uring notes it). */
static size_t starve_desk(contract *c, endpoint *listener, desk *d, raw_socket callers[CALLERS])
{
    static const endpoint_events on = {.accepted = desk_accepted};
    rp_address address = {0};
    *listener = (endpoint){.on = &on, .user = d};
    if (!c->loop->waitable_made)
        warm_up(c);
    endpoint_open(listener, c, 4);
    endpoint_listen(listener, &address);
    for (int i = 0; i < CALLERS; i++)
        callers[i] = raw_connect_start(&address);
    size_t limit = raw_leave_descriptors(2);
    endpoint_accept(listener);
    TURN_UNTIL(c, listener->accept_failures > 0);
    assert_int_equal(listener->accept_failure.status, RP_E_NO_DESCRIPTORS);
    assert_int_not_equal(listener->accept_failure.os_code, 0);
    assert_int_equal(d->count, 2);
    return limit;
}

static void leave_desk(endpoint *listener, desk *d, raw_socket callers[CALLERS])
{
    endpoint_finish(listener, NULL);
    assert_int_equal(listener->accept_result.status, RP_E_CANCELLED);
    for (unsigned i = 0; i < d->count; i++) {
        if (!d->served[i].closed)
            endpoint_finish(&d->served[i], NULL);
    }
    for (int i = 0; i < CALLERS; i++)
        raw_close(callers[i]);
}

/* Somebody else frees the descriptors: the port finds out by itself, and does not spin. */
static void no_descriptor_to_accept(contract *c)
{
    if (!raw_limits_descriptors())
        return;
    const rp_loop_stats *stats = rp_loop_stats_get(c->loop);
    endpoint listener;
    desk d = {0};
    raw_socket callers[CALLERS];
    size_t limit = starve_desk(c, &listener, &d, callers);
    uint64_t turns = stats->turns, calls = stats->system_calls, cpu = raw_cpu_ns();
    uint64_t until = raw_clock_ns() + 350 * MS;
    while (raw_clock_ns() < until)
        (void)rp_loop_turn(c->loop, 50);
    assert_true(stats->turns - turns <= 20);
    assert_true(stats->system_calls - calls <= 60);
    assert_true(raw_cpu_ns() - cpu < 20 * MS);
    assert_int_equal(d.count, 2);
    assert_int_equal(listener.accept_failures, 1);
    assert_true(listener.started & RP_OP_ACCEPT);
    raw_restore_descriptors(limit);
    uint64_t before = raw_clock_ns();
    TURN_UNTIL(c, d.count == CALLERS);
    assert_true(raw_clock_ns() - before < 10000 * MS);
    leave_desk(&listener, &d, callers);
}

static uint64_t time_of_closes(contract *c)
{
    endpoint listener;
    desk d = {0};
    raw_socket callers[CALLERS];
    size_t limit = starve_desk(c, &listener, &d, callers);
    uint64_t before = raw_clock_ns();
    for (unsigned i = 0; i < CALLERS - 2; i++) {
        assert_int_equal(d.count, 2 + i);
        endpoint_finish(&d.served[i], NULL);
        TURN_UNTIL(c, d.count == 3 + i);
    }
    uint64_t took_ns = raw_clock_ns() - before;
    raw_restore_descriptors(limit);
    leave_desk(&listener, &d, callers);
    return took_ns;
}

/* A socket of this port is closed: accept goes on at once. Four times by the clock would be 400 ms,
 * always; a machine that is busy may take as long, once. */
static void accept_goes_on_after_close(contract *c)
{
    if (!raw_limits_descriptors())
        return;
    unsigned tries = 1;
    while (time_of_closes(c) >= 200 * MS)
        assert_true(++tries <= 10);
}

static void cancel_of_a_starved_accept(contract *c)
{
    if (!raw_limits_descriptors())
        return;
    endpoint listener;
    desk d = {0};
    raw_socket callers[CALLERS];
    size_t limit = starve_desk(c, &listener, &d, callers);
    endpoint_cancel(&listener, RP_OP_ACCEPT);
    TURN_UNTIL(c, listener.accepts == 1);
    assert_int_equal(listener.accept_result.status, RP_E_CANCELLED);
    assert_int_equal(rp_loop_turn(c->loop, 250), 0);
    raw_restore_descriptors(limit);
    endpoint_accept(&listener);
    TURN_UNTIL(c, d.count == CALLERS);
    leave_desk(&listener, &d, callers);
}

/* The same in a host that only watches: the retry has its deadline there too. */
static void starved_accept_in_a_host(contract *c)
{
    if (!raw_limits_descriptors())
        return;
    endpoint listener;
    desk d = {0};
    raw_socket callers[CALLERS];
    warm_up(c);
    raw_watcher watcher = raw_watcher_open(RAW_POLL, rp_loop_waitable(c->loop).socket);
    size_t limit = starve_desk(c, &listener, &d, callers);
    unsigned turns = 0;
    for (uint64_t until = raw_clock_ns() + 300 * MS; raw_clock_ns() < until;) {
        if (raw_watcher_wait(&watcher, 50)) {
            turns++;
            (void)rp_loop_turn(c->loop, 0);
        }
    }
    assert_true(turns <= 10);
    raw_restore_descriptors(limit);
    while (d.count < CALLERS) {
        assert_true(raw_watcher_wait(&watcher, 5000));
        assert_true(rp_loop_turn(c->loop, 0) > 0);
    }
    raw_watcher_close(&watcher);
    leave_desk(&listener, &d, callers);
}

/* A loop that finds no descriptors says so, and leaves nothing behind. */
static void no_descriptor_for_a_loop(contract *c)
{
    if (!raw_limits_descriptors())
        return;
    rp_loop_options options = contract_options(c);
    uint64_t live = c->live;
    size_t descriptors = raw_open_descriptors();
    for (size_t left = 0; left < 8; left++) {
        rp_loop *loop = NULL;
        rp_error error = {0};
        size_t limit = raw_leave_descriptors(left);
        rp_status status = rp__loop_create_with_port(&loop, c->ops, c->context, &options, &error);
        rp_loop_destroy(loop);
        raw_restore_descriptors(limit);
        if (status == RP_OK) {
            assert_true(left > 0);
            break;
        }
        assert_int_equal(status, RP_E_NO_DESCRIPTORS);
        assert_true(strlen(error.text) > 10);
        assert_int_equal(c->live, live);
        assert_int_equal(raw_open_descriptors(), descriptors);
    }
}

static void no_descriptor_for_the_waitable(contract *c)
{
    if (!raw_limits_descriptors())
        return;
    warm_up(c);
    size_t limit = raw_leave_descriptors(0), descriptors = 0;
    intptr_t without = rp_loop_waitable(c->loop).socket;
    raw_restore_descriptors(limit);
    descriptors = raw_open_descriptors();
    assert_int_equal(without, -1);
    limit = raw_leave_descriptors(1);
    without = rp_loop_waitable(c->loop).socket;
    raw_restore_descriptors(limit);
    if (without == -1)
        assert_int_equal(raw_open_descriptors(), descriptors);
    assert_int_not_equal(rp_loop_waitable(c->loop).socket, -1);
}

/* ---- out of memory ---- */

static void no_memory_for_a_loop(contract *c)
{
    rp_loop_options options = contract_options(c);
    uint64_t live = c->live;
    size_t descriptors = raw_open_descriptors();
    for (uint64_t more = 0;; more++) {
        rp_loop *loop = NULL;
        rp_error error = {0};
        c->allocated = more > 0 ? 0 : 1;
        c->allocate_limit = more > 0 ? more : 1;
        rp_status status = rp__loop_create_with_port(&loop, c->ops, c->context, &options, &error);
        c->allocate_limit = 0;
        rp_loop_destroy(loop);
        assert_int_equal(c->live, live);
        assert_int_equal(raw_open_descriptors(), descriptors);
        if (status == RP_OK)
            break;
        assert_null(loop);
        assert_int_equal(status, RP_E_NO_MEMORY);
        assert_true(more < 50);
    }
}

static void no_memory_for_a_socket(contract *c)
{
    endpoint e = {0};
    rp_io_result result;
    c->allocate_limit = c->allocated;
    result = open_one(c, &e);
    c->allocate_limit = 0;
    if (result.status == RP_OK) /* from what the port keeps */
        endpoint_finish(&e, NULL);
    else
        assert_int_equal(result.status, RP_E_NO_MEMORY);
    assert_int_equal(open_one(c, &e).status, RP_OK);
    endpoint_finish(&e, NULL);
}

/* Accepting goes on when there is memory again; no connection is left without an answer. */
static void no_memory_to_accept(contract *c)
{
    static const endpoint_events on = {.accepted = desk_accepted};
    desk d = {0};
    endpoint listener = {.on = &on, .user = &d};
    rp_address address = {0};
    raw_socket callers[CALLERS];
    endpoint_open(&listener, c, 4);
    endpoint_listen(&listener, &address);
    endpoint_accept(&listener);
    contract_settle(c, 2);
    c->allocate_limit = c->allocated;
    for (int i = 0; i < CALLERS; i++)
        callers[i] = raw_connect(&address);
    uint64_t cpu = raw_cpu_ns();
    for (int i = 0; i < 5; i++)
        (void)rp_loop_turn(c->loop, 20);
    assert_true(raw_cpu_ns() - cpu < 20 * MS);
    c->allocate_limit = 0;
    uint64_t until = raw_clock_ns() + 400 * MS;
    while (raw_clock_ns() < until && d.count < CALLERS)
        (void)rp_loop_turn(c->loop, 20);
    unsigned refused = 0;
    for (int i = 0; i < CALLERS; i++) {
        char byte;
        refused += raw_readable(callers[i], 0) && raw_receive(callers[i], &byte, 1) == 0;
    }
    assert_int_equal(d.count + refused, CALLERS);
    leave_desk(&listener, &d, callers);
}

static const contract_test tests[] = {
    {.name = "ten thousand connections", .fn = ten_thousand_connections, .seeds = 5},
    {.name = "no descriptor to open a socket", .fn = no_descriptor_to_open},
    {.name = "no descriptor to accept", .fn = no_descriptor_to_accept},
    {.name = "a starved accept goes on after a close", .fn = accept_goes_on_after_close},
    {.name = "cancel of a starved accept", .fn = cancel_of_a_starved_accept},
    {.name = "a starved accept in a host", .fn = starved_accept_in_a_host, .real_only = true},
    {.name = "no descriptor for a loop", .fn = no_descriptor_for_a_loop, .real_only = true},
    {.name = "no descriptor for the waitable",
     .fn = no_descriptor_for_the_waitable,
     .real_only = true},
    {.name = "no memory for a loop", .fn = no_memory_for_a_loop},
    {.name = "no memory for a socket", .fn = no_memory_for_a_socket},
    {.name = "no memory to accept", .fn = no_memory_to_accept},
};

CONTRACT_MAIN("limits", tests)
