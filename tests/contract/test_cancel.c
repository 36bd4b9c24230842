/* test_cancel.c - cancel and close at every stage, from everywhere: each start leads to exactly one
 * final completion (the harness counts), and what was handed over belongs to the port until
 * then. */
#include "support/contract.h"

#include <stdlib.h>
#include <string.h>

static bool cancelled_or_done(rp_io_result result)
{
    return result.status == RP_E_CANCELLED || result.status == RP_OK;
}

/* ---- connect ---- */

/* A listener whose queue is full: connecting to it takes for ever. */
typedef struct full_listener {
    rp_address address;
    raw_socket listener;
    raw_socket guests[16];
    int count;
} full_listener;

static void full_listener_open(full_listener *f)
{
    f->address = raw_loopback(4, 0);
    f->listener = raw_listen(&f->address, 0);
    f->count = 0;
    do {
        assert_true(f->count < 16);
        f->guests[f->count] = raw_connect_start(&f->address);
    } while (raw_connected(f->guests[f->count++], 50));
}

static void full_listener_close(full_listener *f)
{
    while (f->count > 0)
        raw_close(f->guests[--f->count]);
    raw_close(f->listener);
}

static void cancel_connect(contract *c)
{
    full_listener f;
    endpoint unsubmitted = {0}, in_flight = {0}, decided = {0};
    rp_address open = raw_loopback(4, 0);
    raw_socket listener = raw_listen(&open, 16);
    full_listener_open(&f);
    endpoint_open(&unsubmitted, c, 4);
    endpoint_open(&in_flight, c, 4);
    endpoint_open(&decided, c, 4);

    endpoint_connect(&unsubmitted, &f.address);
    endpoint_cancel(&unsubmitted, RP_OP_CONNECT);
    assert_int_equal(unsubmitted.connects, 0);
    TURN_UNTIL(c, unsubmitted.connects > 0);
    assert_int_equal(unsubmitted.connect_result.status, RP_E_CANCELLED);

    endpoint_connect(&in_flight, &f.address);
    contract_settle(c, 5);
    assert_int_equal(in_flight.connects, 0);
    endpoint_cancel(&in_flight, RP_OP_CONNECT);
    endpoint_cancel(&in_flight, RP_OP_CONNECT);
    assert_int_equal(in_flight.connects, 0);
    TURN_UNTIL(c, in_flight.connects > 0);
    assert_int_equal(in_flight.connect_result.status, RP_E_CANCELLED);

    endpoint_connect(&decided, &open);
    (void)c->ops->turn(c->port, 0); /* submitted, and made, but perhaps not yet told */
    endpoint_cancel(&decided, RP_OP_ALL);
    TURN_UNTIL(c, decided.connects > 0);
    assert_true(cancelled_or_done(decided.connect_result));

    contract_settle(c, 5);
    endpoint_finish(&unsubmitted, &in_flight, &decided, NULL);
    assert_int_equal(unsubmitted.connects + in_flight.connects + decided.connects, 3);
    full_listener_close(&f);
    raw_close(listener);
}

static void close_while_connecting(contract *c)
{
    full_listener f;
    endpoint at_once = {0}, in_flight = {0}, unreachable = {0};
    rp_address broadcast = {.family = 4, .port = 9, .bytes = {255, 255, 255, 255}};
    full_listener_open(&f);
    endpoint_open(&at_once, c, 4);
    endpoint_open(&in_flight, c, 4);
    endpoint_open(&unreachable, c, 4);
    endpoint_connect(&in_flight, &f.address);
    contract_settle(c, 5);
    endpoint_connect(&at_once, &f.address);
    endpoint_connect(&unreachable, &broadcast);
    endpoint_finish(&at_once, &in_flight, &unreachable, NULL);
    assert_int_equal(at_once.connect_result.status, RP_E_CANCELLED);
    assert_int_equal(in_flight.connect_result.status, RP_E_CANCELLED);
    assert_int_not_equal(unreachable.connect_result.status, RP_OK);
    full_listener_close(&f);
}

/* ---- accept ---- */

typedef struct lodging {
    endpoint guests[16];
    unsigned count;
    bool close_guest, close_host;
} lodging;

static void lodge(endpoint *listener, rp_socket *socket)
{
    lodging *l = listener->user;
    assert_true(l->count < 16);
    endpoint *guest = &l->guests[l->count++];
    endpoint_adopt(guest, listener->c, socket);
    if (l->close_guest)
        endpoint_close(guest);
    if (l->close_host)
        endpoint_close(listener);
}

static const endpoint_events on_host = {.accepted = lodge};

static void leave_all(lodging *l)
{
    for (unsigned i = 0; i < l->count; i++)
        endpoint_finish(&l->guests[i], NULL);
}

static void cancel_accept(contract *c)
{
    lodging l = {0};
    endpoint host = {.on = &on_host, .user = &l};
    rp_address address = {0};
    endpoint_open(&host, c, 4);
    endpoint_listen(&host, &address);

    endpoint_accept(&host);
    endpoint_cancel(&host, RP_OP_ACCEPT);
    assert_int_equal(host.accepts, 0);
    TURN_UNTIL(c, host.accepts == 1);
    assert_int_equal(host.accept_result.status, RP_E_CANCELLED);

    endpoint_accept(&host);
    contract_settle(c, 5);
    endpoint_cancel(&host, RP_OP_ACCEPT);
    TURN_UNTIL(c, host.accepts == 2);

    /* Cancelled when a connection is there: it is either accepted or left for the next accept. */
    endpoint_accept(&host);
    contract_settle(c, 5);
    raw_socket first = raw_connect(&address);
    endpoint_cancel(&host, RP_OP_ACCEPT);
    TURN_UNTIL(c, host.accepts == 3);
    raw_socket second = raw_connect(&address);
    contract_settle(c, 5);
    assert_true(l.count <= 1);
    endpoint_accept(&host);
    TURN_UNTIL(c, l.count == 2);
    raw_close(first);
    raw_close(second);
    leave_all(&l);
    endpoint_finish(&host, NULL);
    assert_int_equal(host.accepts, 4);
}

static void close_in_accepted(contract *c)
{
    lodging l = {.close_guest = true};
    endpoint host = {.on = &on_host, .user = &l};
    rp_address address = {0};
    raw_socket peers[8];
    char byte;
    endpoint_open(&host, c, 4);
    endpoint_listen(&host, &address);
    for (int i = 0; i < 8; i++)
        peers[i] = raw_connect(&address);
    endpoint_accept(&host);
    TURN_UNTIL(c, l.count == 8);
    for (int i = 0; i < 8; i++) {
        TURN_UNTIL(c, l.guests[i].closed);
        assert_int_equal(raw_receive(peers[i], &byte, 1), 0);
        raw_close(peers[i]);
    }
    endpoint_finish(&host, NULL);
}

static void close_listener_in_accepted(contract *c)
{
    lodging l = {.close_host = true};
    endpoint host = {.on = &on_host, .user = &l};
    rp_address address = {0};
    endpoint_open(&host, c, 4);
    endpoint_listen(&host, &address);
    raw_socket first = raw_connect(&address), second = raw_connect(&address);
    endpoint_accept(&host);
    TURN_UNTIL(c, host.closed);
    assert_int_equal(l.count, 1);
    leave_all(&l);
    raw_close(first);
    raw_close(second);
}

/* ---- receive ---- */

static void cancel_receive(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);

    endpoint_receive(&e);
    endpoint_cancel(&e, RP_OP_RECEIVE);
    assert_int_equal(e.receives, 0);
    TURN_UNTIL(c, e.receives == 1);
    assert_int_equal(e.receive_result.status, RP_E_CANCELLED);

    endpoint_receive(&e);
    contract_settle(c, 5);
    endpoint_cancel(&e, RP_OP_RECEIVE);
    endpoint_cancel(&e, RP_OP_ALL);
    TURN_UNTIL(c, e.receives == 2);
    assert_int_equal(e.receive_result.status, RP_E_CANCELLED);

    /* Cancelled when data is there but not yet told. */
    endpoint_receive(&e);
    contract_settle(c, 5);
    raw_send(peer, "abc", 3);
    endpoint_cancel(&e, RP_OP_RECEIVE);
    TURN_UNTIL(c, e.receives == 3);
    endpoint_receive(&e);
    TURN_UNTIL(c, e.received_bytes == 3);
    assert_string_equal(e.text, "abc");

    /* And when the end is there. */
    raw_close(peer);
    endpoint_cancel(&e, RP_OP_RECEIVE);
    TURN_UNTIL(c, e.receives == 4);
    assert_true(cancelled_or_done(e.receive_result));
    endpoint_finish(&e, NULL);
}

static void cancel_what_is_not_in_flight(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_cancel(&e, RP_OP_ALL);
    contract_settle(c, 5);
    endpoint_receive(&e);
    endpoint_cancel(&e, RP_OP_SEND | RP_OP_CONNECT | RP_OP_ACCEPT);
    contract_settle(c, 5);
    assert_int_equal(e.receives, 0);
    endpoint_send_text(&e, "x");
    TURN_UNTIL(c, e.sends == 1);
    endpoint_cancel(&e, RP_OP_SEND);
    contract_settle(c, 5);
    assert_int_equal(e.started, RP_OP_RECEIVE);
    endpoint_finish(&e, NULL);
    assert_int_equal(e.connects + e.receives + e.sends + e.accepts, 3);
    raw_close(peer);
}

/* ---- send ---- */

static void cancel_send(contract *c)
{
    endpoint e = {0};
    char text[32] = "";
    raw_socket peer = endpoint_raw_pair(c, &e);

    /* At once, in flight, and after the kernel took it. */
    endpoint_send_text(&e, "at once");
    endpoint_cancel(&e, RP_OP_SEND);
    assert_int_equal(e.sends, 0);
    TURN_UNTIL(c, e.sends == 1);
    assert_true(cancelled_or_done(e.send_result));
    if (e.send_result.status == RP_OK) {
        raw_receive_all(peer, text, 7);
        assert_string_equal(text, "at once");
    }
    contract_settle(c, 5);
    if (e.send_result.status == RP_OK) {
        assert_false(raw_readable(peer, 5));
    } else if (raw_readable(peer, 5)) { /* a part of it had gone */
        size_t part = raw_receive(peer, text, sizeof(text));
        assert_true(part > 0 && part < 7 && memcmp(text, "at once", part) == 0);
    }

    memset(text, 0, sizeof(text));
    endpoint_send_text(&e, "submitted");
    (void)c->ops->turn(c->port, 0);
    endpoint_cancel(&e, RP_OP_SEND);
    TURN_UNTIL(c, e.sends == 2);
    if (e.send_result.status == RP_OK) {
        raw_receive_all(peer, text, 9);
        assert_string_equal(text, "submitted");
    }
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

/* A send that waits for room is cancelled; its memory is the caller's again once sent was
 * called. */
static void cancel_blocked_send(contract *c)
{
    const size_t size = 16 << 20;
    uint8_t *bytes = malloc(size), *got = malloc(size);
    assert_true(bytes != NULL && got != NULL);
    endpoint e = {0};
    pattern out = {0}, in = {0};
    pattern_fill(&out, bytes, size);
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    endpoint_send_bytes(&e, bytes, size);
    contract_settle(c, 20);
    assert_int_equal(e.sends, 0);
    endpoint_cancel(&e, RP_OP_SEND);
    assert_int_equal(e.sends, 0);
    TURN_UNTIL(c, e.sends == 1);
    assert_int_equal(e.send_result.status, RP_E_CANCELLED);
    memset(bytes, 0xee, size);
    free(bytes);
    /* The room that the peer makes now wakes nobody. */
    contract_settle(c, 5);
    size_t first = raw_receive(peer, got, size);
    assert_true(pattern_check(&in, got, first));
    while (raw_readable(peer, 20)) {
        size_t more = raw_receive(peer, got, size);
        assert_true(pattern_check(&in, got, more));
        assert_int_equal(rp_loop_turn(c->loop, 1), 0);
    }
    assert_int_equal(e.receives, 0);
    endpoint_finish(&e, NULL);
    raw_close(peer);
    free(got);
}

/* ---- close ---- */

static void note_order(endpoint *e)
{
    unsigned *order = e->user;
    *order = *order * 10 + (e->closed ? 9 : e->started == 0 ? 2 : 1);
}

static void close_with_both_in_flight(contract *c)
{
    static const endpoint_events on = {
        .receive_ended = note_order, .sent = note_order, .closed = note_order};
    const size_t size = 16 << 20;
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    unsigned order = 0;
    endpoint e = {.on = &on, .user = &order};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    endpoint_send_bytes(&e, bytes, size);
    contract_settle(c, 20);
    endpoint_close(&e);
    assert_int_equal(order, 0);
    TURN_UNTIL(c, e.closed);
    assert_int_equal(order, 129);
    assert_int_equal(e.send_result.status, RP_E_CANCELLED);
    assert_int_equal(e.receive_result.status, RP_E_CANCELLED);
    free(bytes);
    raw_close(peer);
}

static void close_at_once_after_starting(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    raw_send(peer, "unread", 6);
    endpoint_receive(&e);
    endpoint_send_text(&e, "maybe");
    endpoint_finish(&e, NULL);
    assert_int_equal(e.received_bytes, 0);
    assert_int_equal(e.receives, 1);
    assert_int_equal(e.sends, 1);
    contract_settle(c, 5);
    raw_close(peer);
}

/* Data and the end have come, and nobody was told yet. */
static void close_when_data_is_there(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    contract_settle(c, 5);
    raw_send(peer, "unread", 6);
    raw_close(peer);
    raw_sleep_ms(2);
    endpoint_finish(&e, NULL);
    assert_int_equal(e.received_bytes, 0);
    assert_int_equal(e.receives, 1);
}

static void close_it(endpoint *e)
{
    if (!e->closing)
        endpoint_close(e);
}

static void close_received(endpoint *e, rp_slice bytes)
{
    (void)bytes;
    close_it(e);
}

static void close_inside_callbacks(contract *c)
{
    static const endpoint_events in_connected = {.connected = close_it},
                                 in_received = {.received = close_received},
                                 in_receive_ended = {.receive_ended = close_it},
                                 in_sent = {.sent = close_it};
    rp_address address = raw_loopback(4, 0);
    raw_socket listener = raw_listen(&address, 16);
    endpoint connecting = {.on = &in_connected};
    endpoint_open(&connecting, c, 4);
    endpoint_connect(&connecting, &address);
    TURN_UNTIL(c, connecting.closed);
    raw_close(raw_accept(listener));
    raw_close(listener);

    endpoint receiving = {.on = &in_received};
    raw_socket peer = endpoint_raw_pair(c, &receiving);
    endpoint_receive(&receiving);
    raw_send(peer, "data", 4);
    TURN_UNTIL(c, receiving.closed);
    assert_int_equal(receiving.receive_result.status, RP_E_CANCELLED);
    raw_close(peer);

    endpoint ended = {.on = &in_receive_ended};
    peer = endpoint_raw_pair(c, &ended);
    endpoint_receive(&ended);
    raw_close(peer);
    TURN_UNTIL(c, ended.closed);

    endpoint sending = {.on = &in_sent};
    peer = endpoint_raw_pair(c, &sending);
    endpoint_receive(&sending);
    endpoint_send_text(&sending, "data");
    TURN_UNTIL(c, sending.closed);
    raw_close(peer);
}

/* Each closes all the others, which have events in the same turn. */
enum { CROWD = 12 };

static void close_all(endpoint *e, rp_slice bytes)
{
    endpoint *crowd = e->user;
    (void)bytes;
    for (int i = 0; i < CROWD; i++)
        close_it(&crowd[i]);
}

static void close_others_with_events(contract *c)
{
    static const endpoint_events on = {.received = close_all};
    for (int round = 0; round < 5; round++) {
        endpoint crowd[CROWD];
        raw_socket peers[CROWD];
        memset(crowd, 0, sizeof(crowd));
        for (int i = 0; i < CROWD; i++) {
            crowd[i].on = &on;
            crowd[i].user = crowd;
            peers[i] = endpoint_raw_pair(c, &crowd[i]);
            endpoint_receive(&crowd[i]);
        }
        contract_settle(c, 2);
        for (int i = 0; i < CROWD; i++) {
            raw_send(peers[i], "now", 3);
            endpoint_send_text(&crowd[i], "then");
        }
        unsigned told = 0;
        for (int i = 0; i < CROWD; i++) {
            TURN_UNTIL(c, crowd[i].closed);
            told += crowd[i].received_bytes > 0;
            raw_close(peers[i]);
        }
        assert_int_equal(told, 1);
    }
}

/* ---- the owner's memory goes with the last callback ---- */

static void free_owner(endpoint *e)
{
    unsigned *freed = e->user;
    (*freed)++;
    memset(e, 0xdd, sizeof(*e));
    free(e);
}

static void owners_die_in_closed(contract *c)
{
    static const endpoint_events on = {.received = close_received, .closed = free_owner};
    unsigned freed = 0;
    raw_socket peers[20];
    for (int i = 0; i < 20; i++) {
        endpoint *e = calloc(1, sizeof(*e));
        assert_non_null(e);
        e->on = &on;
        e->user = &freed;
        peers[i] = endpoint_raw_pair(c, e);
        endpoint_receive(e);
        raw_send(peers[i], "die", 3);
    }
    TURN_UNTIL(c, freed == 20);
    for (int i = 0; i < 20; i++)
        raw_close(peers[i]);
}

/* ---- everything at random ---- */

enum { PAIRS = 24 };

typedef struct churn {
    endpoint ends[2 * PAIRS];
    uint8_t bytes[2 * PAIRS][40000];
} churn;

static void churn_step(contract *c, churn *all, endpoint *e)
{
    size_t index = (size_t)(e - all->ends);
    switch (contract_random(c, 8)) {
    case 0:
    case 1:
        if (!(e->started & RP_OP_RECEIVE))
            endpoint_receive(e);
        break;
    case 2:
    case 3:
        if (!(e->started & RP_OP_SEND) && e->send_result.status == RP_OK) {
            size_t size = 1 + contract_random(c, sizeof(all->bytes[0]));
            pattern_fill(&e->out_pattern, all->bytes[index], size);
            endpoint_send_bytes(e, all->bytes[index], size);
        }
        break;
    case 4:
        endpoint_cancel(e, RP_OP_RECEIVE);
        break;
    case 5:
        /* After it the stream has a hole. */
        if (contract_random(c, 20) == 0 && e->peer != NULL) {
            e->peer->checked = false;
            endpoint_cancel(e, RP_OP_SEND);
        }
        break;
    case 6:
        e->socket->quiet_send = contract_random(c, 2) == 0;
        break;
    default:
        if (contract_random(c, 30) == 0)
            endpoint_close(e);
        break;
    }
}

static void churn_open(contract *c, churn *all, int pair)
{
    endpoint *a = &all->ends[2 * pair], *b = a + 1;
    *a = (endpoint){.checked = true, .peer = b};
    *b = (endpoint){.checked = true, .peer = a};
    a->out_pattern.seed = b->in_pattern.seed = (uint32_t)contract_random(c, 1000);
    b->out_pattern.seed = a->in_pattern.seed = (uint32_t)contract_random(c, 1000);
    endpoint_pair(c, a, b);
    a->peer = b;
    b->peer = a;
}

static void at_random(contract *c)
{
    churn *all = calloc(1, sizeof(*all));
    assert_non_null(all);
    for (int i = 0; i < PAIRS; i++)
        churn_open(c, all, i);
    for (int step = 0; step < 30000; step++) {
        endpoint *e = &all->ends[contract_random(c, 2 * PAIRS)];
        if (!e->closing)
            churn_step(c, all, e);
        if (contract_random(c, 4) == 0)
            (void)rp_loop_turn(c->loop, 0);
        int pair = (int)((e - all->ends) / 2);
        if (all->ends[2 * pair].closed && all->ends[2 * pair + 1].closed)
            churn_open(c, all, pair);
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        endpoint_finish(&all->ends[i], NULL);
    free(all);
}

static const contract_test tests[] = {
    {.name = "cancel connect", .fn = cancel_connect},
    {.name = "close while connecting", .fn = close_while_connecting},
    {.name = "cancel accept", .fn = cancel_accept},
    {.name = "close in accepted", .fn = close_in_accepted},
    {.name = "close the listener in accepted", .fn = close_listener_in_accepted},
    {.name = "cancel receive", .fn = cancel_receive},
    {.name = "cancel what is not in flight", .fn = cancel_what_is_not_in_flight},
    {.name = "cancel send", .fn = cancel_send},
    {.name = "cancel a blocked send", .fn = cancel_blocked_send},
    {.name = "close with both in flight", .fn = close_with_both_in_flight},
    {.name = "close at once after starting", .fn = close_at_once_after_starting},
    {.name = "close when data is there", .fn = close_when_data_is_there},
    {.name = "close inside callbacks", .fn = close_inside_callbacks},
    {.name = "close others that have events", .fn = close_others_with_events},
    {.name = "owners die in closed", .fn = owners_die_in_closed},
    {.name = "everything at random", .fn = at_random, .seeds = 12},
};

CONTRACT_MAIN("cancel", tests)
