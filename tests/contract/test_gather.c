/* test_gather.c - answers that are awaited and gather (port.h 14): nothing is lost, held back, or
 * done for nothing by that. An answer is a byte here, so that the peer may stop anywhere. */
#include "support/contract.h"

#include <stdlib.h>

static void answer_came(endpoint *e, rp_slice bytes)
{
    rp__socket_await(e->socket, e->socket->awaited - (uint32_t)bytes.size);
}

static const endpoint_events answers = {.received = answer_came};

/* A socket that receives answers from a peer outside. */
static raw_socket begin(contract *c, endpoint *e)
{
    *e = (endpoint){.on = &answers};
    raw_socket peer = endpoint_raw_pair(c, e);
    endpoint_receive(e);
    return peer;
}

static void end(endpoint *e, raw_socket peer)
{
    rp__socket_await(e->socket, 0);
    endpoint_finish(e, NULL);
    raw_close(peer);
}

/* Whatever is awaited, and however it came before: what comes is found, in order, and so is a
 * wake. */
static void answers_gather(contract *c)
{
    endpoint a = {.on = &answers, .checked = true}, b = {0};
    uint8_t bytes[128];
    endpoint_pair(c, &a, &b);
    endpoint_receive(&a);
    for (unsigned i = 0; i < 200; i++) {
        size_t count = 1 + contract_random(c, i % 10 == 9 ? 2 : sizeof(bytes));
        uint64_t all = a.received_bytes + count;
        rp__socket_await(a.socket, (uint32_t)(count + contract_random(c, 100)));
        pattern_fill(&b.out_pattern, bytes, count);
        endpoint_send_bytes(&b, bytes, count);
        TURN_UNTIL(c, a.received_bytes == all && b.started == 0);
    }
    for (unsigned i = 1; i <= 3; i++) { /* who awaits much may stop, and begin anew */
        rp__socket_await(a.socket, 100);
        endpoint_cancel(&a, RP_OP_RECEIVE);
        TURN_UNTIL(c, a.receives == i);
        assert_int_equal(a.receive_result.status, RP_E_CANCELLED);
        endpoint_receive(&a);
        uint64_t all = a.received_bytes + sizeof(bytes) / 2;
        pattern_fill(&b.out_pattern, bytes, sizeof(bytes) / 2);
        endpoint_send_bytes(&b, bytes, sizeof(bytes) / 2);
        TURN_UNTIL(c, a.received_bytes == all && b.started == 0);
    }
    rp__socket_await(a.socket, 100);
    c->port->ops->wake(c->port);
    assert_int_equal(rp_loop_turn(c->loop, 60000), 1);
    rp__socket_await(a.socket, 0);
    endpoint_finish(&a, &b, NULL);
}

static void answers_gather_once(contract *c, endpoint *e, raw_socket peer)
{
    uint8_t bytes[64] = {0};
    uint64_t all = e->received_bytes + sizeof(bytes);
    rp__socket_await(e->socket, 100);
    raw_send(peer, bytes, sizeof(bytes));
    TURN_UNTIL(c, e->received_bytes == all);
}

/* So much was found before that answers are let gather; but a turn that does not wait finds what is
 * there, in the waitable's way too. */
static void answers_gather_for_nobody(contract *c)
{
    endpoint e;
    rp_loop_options options = contract_options(c);
    options.coalesce_limit_us = 10000; /* which alone would do, were it soon */
    contract_reopen(c, &options);
    raw_socket peer = begin(c, &e);
    for (unsigned i = 0; i < 50; i++) {
        answers_gather_once(c, &e, peer);
        uint64_t all = e.received_bytes + 1;
        if (i % 2 == 0) { /* it waits for some already */
            rp__socket_await(e.socket, 100);
            (void)rp_loop_turn(c->loop, 1);
        }
        raw_send(peer, "x", 1);
        raw_sleep_ms(1);
        for (unsigned turns = 0; e.received_bytes < all; turns++) {
            assert_true(turns < 1000);
            (void)rp_loop_turn(c->loop, 0);
        }
    }
    answers_gather_once(c, &e, peer);
    rp_waitable waitable = rp_loop_waitable(c->loop);
    assert_int_not_equal(waitable.socket, -1);
    raw_watcher watcher = raw_watcher_open(RAW_POLL, waitable.socket);
    while (raw_watcher_wait(&watcher, 20))
        (void)rp_loop_turn(c->loop, 0);
    raw_send(peer, "x", 1);
    for (uint64_t all = e.received_bytes + 1; e.received_bytes < all;) {
        assert_true(raw_watcher_wait(&watcher, 10000));
        (void)rp_loop_turn(c->loop, 0);
    }
    raw_watcher_close(&watcher);
    end(&e, peer);
}

/* ---- what stays away ---- */

/* So many come at once that from then on some are waited for. */
static void teach(contract *c, endpoint *e, raw_socket peer)
{
    for (unsigned i = 0; i < 20; i++)
        answers_gather_once(c, e, peer);
    rp__socket_await(e->socket, 100);
}

static void few_come(contract *c)
{
    endpoint e;
    raw_socket peer = begin(c, &e);
    for (unsigned i = 0; i < 20; i++) {
        teach(c, &e, peer);
        for (size_t few = 1; few <= 3; few++) {
            uint64_t all = e.received_bytes + few;
            raw_send(peer, "xyz", few);
            TURN_UNTIL(c, e.received_bytes == all);
        }
    }
    end(&e, peer);
}

/* Nobody answers: the port sleeps, and the first byte wakes it. */
static void none_comes(contract *c)
{
    endpoint e;
    raw_socket peer = begin(c, &e);
    for (unsigned i = 0; i < 3; i++) {
        teach(c, &e, peer);
        uint64_t calls = rp_loop_stats_get(c->loop)->system_calls, all = e.received_bytes + 1;
        assert_int_equal(rp_loop_turn(c->loop, 400), 0);
        assert_true(rp_loop_stats_get(c->loop)->system_calls - calls <= 100);
        raw_send(peer, "x", 1);
        TURN_UNTIL(c, e.received_bytes == all);
    }
    end(&e, peer);
}

static void the_end_comes(contract *c)
{
    for (size_t before = 0; before <= 2; before++) {
        endpoint e;
        raw_socket peer = begin(c, &e);
        teach(c, &e, peer);
        uint64_t all = e.received_bytes + before;
        raw_send(peer, "xy", before);
        raw_shutdown_send(peer);
        TURN_UNTIL(c, e.receives == 1);
        assert_int_equal(e.receive_result.status, RP_OK);
        assert_int_equal(e.received_bytes, all);
        end(&e, peer);
    }
}

static void a_reset_comes(contract *c)
{
    endpoint e;
    raw_socket peer = begin(c, &e);
    teach(c, &e, peer);
    raw_reset(peer);
    TURN_UNTIL(c, e.receives == 1);
    assert_int_equal(e.receive_result.status, RP_E_RESET);
    rp__socket_await(e.socket, 0);
    endpoint_finish(&e, NULL);
}

/* Who pauses and goes on finds what came before, between and after. */
static void pauses(contract *c)
{
    endpoint e;
    raw_socket peer = begin(c, &e);
    for (unsigned i = 1; i <= 20; i++) {
        uint64_t all;
        teach(c, &e, peer);
        all = e.received_bytes + 3;
        if (i % 2 == 0) /* the receive waits for more than a byte already */
            (void)rp_loop_turn(c->loop, 1);
        raw_send(peer, "x", 1);
        endpoint_cancel(&e, RP_OP_RECEIVE);
        TURN_UNTIL(c, e.receives == i);
        raw_send(peer, "y", 1);
        if (i % 3 == 0) /* the bound passes while nobody receives */
            contract_settle(c, 5);
        endpoint_receive(&e);
        raw_send(peer, "z", 1);
        TURN_UNTIL(c, e.received_bytes == all);
    }
    end(&e, peer);
}

/* What is awaited is cancelled: what comes then is found nevertheless. */
static void awaits_no_longer(contract *c)
{
    endpoint e;
    raw_socket peer = begin(c, &e);
    for (unsigned i = 0; i < 5; i++) {
        e.on = &answers;
        teach(c, &e, peer);
        (void)rp_loop_turn(c->loop, 1);
        rp__socket_await(e.socket, 0);
        e.on = NULL;
        uint64_t all = e.received_bytes + 1;
        raw_send(peer, "x", 1);
        TURN_UNTIL(c, e.received_bytes == all);
    }
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

/* Neither holds back what comes on the other. */
static void beside_each_other(contract *c)
{
    endpoint one, other;
    raw_socket peer = begin(c, &one), others_peer = begin(c, &other);
    for (unsigned i = 0; i < 20; i++) {
        teach(c, &one, peer);
        teach(c, &other, others_peer);
        uint64_t all = one.received_bytes + 2, others_all = other.received_bytes + 1;
        raw_send(peer, "xy", 2);
        TURN_UNTIL(c, one.received_bytes == all);
        raw_send(others_peer, "x", 1);
        TURN_UNTIL(c, other.received_bytes == others_all);
    }
    end(&one, peer);
    end(&other, others_peer);
}

static void closes(contract *c)
{
    for (unsigned i = 0; i < 4; i++) {
        endpoint e;
        raw_socket peer = begin(c, &e);
        teach(c, &e, peer);
        if (i % 2 == 0)
            (void)rp_loop_turn(c->loop, 1);
        if (i / 2 == 0)
            raw_send(peer, "x", 1);
        rp__socket_await(e.socket, 0);
        endpoint_finish(&e, NULL);
        contract_settle(c, 5);
        raw_close(peer);
    }
}

/* ---- who becomes a host's loop meanwhile ---- */

static void becomes_hosted(endpoint *e, rp_slice bytes)
{
    answer_came(e, bytes);
    if (rp_loop_waitable(e->c->loop).socket == -1)
        fail_msg("no waitable");
}

/* In a callback of the one: the other's receive waits for several answers, or is to begin, and what
 * comes on it calls the host. */
static void becomes_hosted_in_a_callback(contract *c)
{
    static const endpoint_events hosting = {.received = becomes_hosted};
    for (unsigned i = 0; i < 8; i++) {
        endpoint one, other;
        uint8_t bytes[64] = {0};
        size_t others = i & 1 ? sizeof(bytes) : 0;
        raw_socket peer = begin(c, &one), others_peer = begin(c, &other);
        teach(c, &one, peer);
        teach(c, &other, others_peer);
        if (i & 2)
            (void)rp_loop_turn(c->loop, 1);
        if (i & 4) /* the bound passes before it is waited for */
            raw_sleep_ms(3);
        one.on = &hosting;
        uint64_t all = one.received_bytes + sizeof(bytes), others_all = other.received_bytes;
        raw_send(others_peer, bytes, others);
        raw_send(peer, bytes, sizeof(bytes));
        TURN_UNTIL(c, one.received_bytes == all);
        raw_watcher watcher = raw_watcher_open(RAW_POLL, rp_loop_waitable(c->loop).socket);
        while (other.received_bytes < others_all + others || raw_watcher_wait(&watcher, 20))
            (void)rp_loop_turn(c->loop, 0);
        others_all += others + 1;
        raw_send(others_peer, "x", 1);
        while (other.received_bytes < others_all) {
            assert_true(raw_watcher_wait(&watcher, 10000));
            (void)rp_loop_turn(c->loop, 0);
        }
        raw_watcher_close(&watcher);
        end(&one, peer);
        end(&other, others_peer);
        rp_loop_options options = contract_options(c);
        contract_reopen(c, &options);
    }
}

/* ---- on many sockets, one answer each ---- */

enum { MANY = 64, QUICK = 40 };

typedef struct many {
    contract *c;
    endpoint e[MANY];
    raw_socket peer[MANY];
    uint64_t received;
} many;

static void one_came(endpoint *e, rp_slice bytes)
{
    ((many *)e->user)->received += bytes.size;
}

static void answer(many *m, unsigned from, unsigned to)
{
    uint64_t all = m->received + (to - from);
    for (unsigned i = from; i < to; i++)
        raw_send(m->peer[i], "a", 1);
    TURN_UNTIL(m->c, m->received == all);
}

/* So many come that several are waited for; the time for the rest passes while nobody waits, and
 * then few come, and one by one. */
static void few_of_many_come(contract *c)
{
    static const endpoint_events on = {.received = one_came};
    many *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    m->c = c;
    for (unsigned i = 0; i < MANY; i++) {
        m->e[i] = (endpoint){.on = &on, .user = m};
        m->peer[i] = endpoint_raw_pair(c, &m->e[i]);
        endpoint_receive(&m->e[i]);
        m->e[i].socket->quiet_send = true;
    }
    for (unsigned round = 0; round < 10; round++) {
        char question;
        for (unsigned i = 0; i < MANY; i++)
            endpoint_send_bytes(&m->e[i], "q", 1);
        (void)rp_loop_turn(c->loop, 0);
        for (unsigned i = 0; i < MANY; i++)
            raw_receive_all(m->peer[i], &question, 1);
        answer(m, 0, QUICK);
        raw_sleep_ms(2);
        answer(m, QUICK, QUICK + 3);
        for (unsigned i = QUICK + 3; i < MANY; i++)
            answer(m, i, i + 1);
    }
    for (unsigned i = 0; i < MANY; i++) {
        endpoint_finish(&m->e[i], NULL);
        raw_close(m->peer[i]);
    }
    free(m);
}

static const contract_test tests[] = {
    {.name = "answers gather", .fn = answers_gather},
    {.name = "answers gather for nobody", .fn = answers_gather_for_nobody, .real_only = true},
    {.name = "few answers come", .fn = few_come, .real_only = true},
    {.name = "no answer comes", .fn = none_comes, .real_only = true},
    {.name = "the end comes", .fn = the_end_comes, .real_only = true},
    {.name = "a reset comes", .fn = a_reset_comes, .real_only = true},
    {.name = "who awaits answers pauses", .fn = pauses, .real_only = true},
    {.name = "who awaited answers does no longer", .fn = awaits_no_longer, .real_only = true},
    {.name = "two await answers", .fn = beside_each_other, .real_only = true},
    {.name = "who awaits answers closes", .fn = closes, .real_only = true},
    {.name = "who awaits answers becomes hosted in a callback",
     .fn = becomes_hosted_in_a_callback,
     .real_only = true},
    {.name = "few answers of many come", .fn = few_of_many_come, .real_only = true},
};

CONTRACT_MAIN("gather", tests)
