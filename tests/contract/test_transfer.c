/* test_transfer.c - large transfers, backpressure, fairness, and what the steady state costs. */
#include "support/contract.h"

#include <stdlib.h>
#include <string.h>

/* ---- a stream of slices of many sizes ---- */

#define BATCH_SLICES 200
#define BATCH_BYTES (256 * 1024)

typedef struct source {
    uint8_t bytes[BATCH_BYTES];
    rp_slice slices[BATCH_SLICES];
    uint64_t left;
} source;

/* Up to 200 slices: of one byte, of some, of many. */
static void send_batch(endpoint *e)
{
    source *s = e->user;
    size_t count = 0, used = 0, limit = 1 + contract_random(e->c, BATCH_SLICES);
    while (count < limit && used < BATCH_BYTES && s->left > 0) {
        size_t most = (size_t[]){1, 100, 5000, BATCH_BYTES}[contract_random(e->c, 4)];
        size_t size = 1 + contract_random(e->c, most);
        if (size > BATCH_BYTES - used)
            size = BATCH_BYTES - used;
        if (size > s->left)
            size = (size_t)s->left;
        pattern_fill(&e->out_pattern, s->bytes + used, size);
        s->slices[count++] = (rp_slice){s->bytes + used, size};
        used += size;
        s->left -= size;
    }
    if (count > 0)
        endpoint_send(e, s->slices, count);
    else
        endpoint_shutdown_send(e);
}

static void send_next_batch(endpoint *e)
{
    if (e->closing)
        return;
    assert_int_equal(e->send_result.status, RP_OK);
    send_batch(e);
}

static source *source_new(uint64_t size)
{
    source *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->left = size;
    return s;
}

static void transfer_both_ways(contract *c)
{
    static const endpoint_events on = {.sent = send_next_batch};
    const uint64_t size = 24 << 20;
    endpoint a = {.on = &on, .checked = true}, b = {.on = &on, .checked = true};
    a.user = source_new(size);
    b.user = source_new(size);
    a.out_pattern.seed = b.in_pattern.seed = 7;
    endpoint_pair(c, &a, &b);
    endpoint_receive(&a);
    endpoint_receive(&b);
    send_batch(&a);
    send_batch(&b);
    TURN_UNTIL(c, a.receives > 0 && b.receives > 0);
    assert_int_equal(a.received_bytes, size);
    assert_int_equal(b.received_bytes, size);
    assert_int_equal(a.receive_result.status, RP_OK);
    assert_int_equal(b.receive_result.status, RP_OK);
    endpoint_finish(&a, &b, NULL);
    free(a.user);
    free(b.user);
}

/* The peer reads little and late: every send is cut short many times. */
static void transfer_to_a_slow_reader(contract *c)
{
    static const endpoint_events on = {.sent = send_next_batch};
    static uint8_t bytes[50000];
    endpoint e = {.on = &on};
    pattern in = {0};
    uint64_t left = 6 << 20;
    e.user = source_new(left);
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    send_batch(&e);
    while (left > 0) {
        (void)rp_loop_turn(c->loop, 0);
        if (!raw_readable(peer, 0)) {
            (void)rp_loop_turn(c->loop, 1);
            continue;
        }
        size_t size = raw_receive(peer, bytes, 1 + contract_random(c, sizeof(bytes)));
        assert_true(size > 0);
        assert_true(pattern_check(&in, bytes, size));
        left -= size;
    }
    TURN_UNTIL(c, e.started == RP_OP_RECEIVE);
    assert_int_equal(raw_receive(peer, bytes, 1), 0);
    raw_close(peer);
    endpoint_finish(&e, NULL);
    free(e.user);
}

/* One slice that is larger than any buffer of the kernel. */
static void transfer_of_one_slice(contract *c)
{
    const size_t size = 32 << 20;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    endpoint a = {0}, b = {.checked = true};
    pattern out = {0};
    pattern_fill(&out, bytes, size);
    endpoint_pair(c, &a, &b);
    endpoint_receive(&b);
    endpoint_send_bytes(&a, bytes, size);
    TURN_UNTIL(c, a.sends > 0 && b.received_bytes == size);
    assert_int_equal(a.send_result.status, RP_OK);
    endpoint_finish(&a, &b, NULL);
    free(bytes);
}

/* ---- backpressure ---- */

typedef struct drain {
    rp_timer timer;
    endpoint *e;
    unsigned pauses;
} drain;

static void drain_resume(rp_timer *timer, void *user)
{
    (void)timer;
    endpoint_receive(((drain *)user)->e);
}

static void drain_received(endpoint *e, rp_slice bytes)
{
    (void)bytes;
    if (contract_random(e->c, 3) == 0)
        endpoint_cancel(e, RP_OP_RECEIVE);
}

/* Starts again at once, or in a turn or two, or when the sender has long been stuck. */
static void drain_ended(endpoint *e)
{
    drain *d = e->user;
    if (e->receive_result.status == RP_OK)
        return;
    assert_int_equal(e->receive_result.status, RP_E_CANCELLED);
    d->pauses++;
    uint64_t choice = contract_random(e->c, 20);
    if (choice < 10)
        endpoint_receive(e);
    else
        rp_timer_start(e->c->loop, &d->timer, choice == 19 ? 5 : 0, drain_resume, d);
}

static void backpressure(contract *c)
{
    static const endpoint_events on_source = {.sent = send_next_batch};
    static const endpoint_events on_drain = {.received = drain_received,
                                             .receive_ended = drain_ended};
    const uint64_t size = 24 << 20;
    drain d = {0};
    endpoint a = {.on = &on_source, .user = source_new(size)};
    endpoint b = {.on = &on_drain, .user = &d, .checked = true};
    d.e = &b;
    endpoint_pair(c, &a, &b);
    endpoint_receive(&b);
    send_batch(&a);
    TURN_UNTIL(c, b.received_bytes == size);
    TURN_UNTIL(c, b.receives > 0 && b.started == 0 && b.receive_result.status == RP_OK);
    assert_int_equal(b.receives, d.pauses + 1);
    assert_true(d.pauses > 20);
    endpoint_finish(&a, &b, NULL);
    free(a.user);
}

/* Cancelled from outside the callbacks, at any time. */
static void backpressure_between_turns(contract *c)
{
    static const endpoint_events on_source = {.sent = send_next_batch};
    const uint64_t size = 16 << 20;
    unsigned cancelled = 0;
    endpoint a = {.on = &on_source, .user = source_new(size)}, b = {.checked = true};
    endpoint_pair(c, &a, &b);
    send_batch(&a);
    while (b.received_bytes < size) {
        if (!(b.started & RP_OP_RECEIVE)) {
            endpoint_receive(&b);
        } else if (contract_random(c, 2) == 0) {
            endpoint_cancel(&b, RP_OP_RECEIVE);
            cancelled++;
        }
        (void)rp_loop_turn(c->loop, contract_random(c, 2));
    }
    assert_true(cancelled > 0);
    TURN_UNTIL(c, a.started == 0);
    endpoint_finish(&a, &b, NULL);
    free(a.user);
}

/* A paused socket costs nothing, whatever its peer sends: no wake-up, no receive memory, and all of
 * it is there afterwards. */
static void paused_socket_wakes_nobody(contract *c)
{
    static uint8_t bytes[1000];
    endpoint e = {.checked = true};
    pattern out = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    pattern_fill(&out, bytes, sizeof(bytes));
    raw_send(peer, bytes, sizeof(bytes));
    TURN_UNTIL(c, e.received_bytes == sizeof(bytes));
    endpoint_cancel(&e, RP_OP_RECEIVE);
    TURN_UNTIL(c, e.receives == 1);
    contract_settle(c, 5);
    for (int i = 0; i < 20; i++) {
        pattern_fill(&out, bytes, sizeof(bytes));
        raw_send(peer, bytes, sizeof(bytes));
        assert_int_equal(rp_loop_turn(c->loop, 2), 0);
    }
    raw_shutdown_send(peer);
    assert_int_equal(rp_loop_turn(c->loop, 5), 0);
    assert_int_equal(e.received_bytes, sizeof(bytes));
    endpoint_receive(&e);
    TURN_UNTIL(c, e.receives == 2);
    assert_int_equal(e.received_bytes, 21 * sizeof(bytes));
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

/* Nor does the end of a connection whose end was told already. */
static void ended_socket_wakes_nobody(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    raw_shutdown_send(peer);
    TURN_UNTIL(c, e.receives > 0);
    endpoint_shutdown_send(&e);
    assert_int_equal(rp_loop_turn(c->loop, 5), 0);
    raw_close(peer);
    assert_int_equal(rp_loop_turn(c->loop, 5), 0);
    endpoint_finish(&e, NULL);
}

/* After a large send the kernel's buffer drains: nobody waits for that. */
static void drained_send_buffer_wakes_nobody(contract *c)
{
    static uint8_t bytes[4096];
    endpoint e = {0};
    size_t sent = 0;
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&e);
    /* Until a send waits for room: the buffer is as full as can be. */
    for (unsigned done = 0; e.sends == done; done++) {
        endpoint_send_bytes(&e, bytes, sizeof(bytes));
        sent += sizeof(bytes);
        for (int i = 0; i < 5 && e.sends == done; i++)
            (void)rp_loop_turn(c->loop, 5);
    }
    uint64_t left = sent;
    for (; left > 0 && !(e.started == RP_OP_RECEIVE); (void)rp_loop_turn(c->loop, 1)) {
        if (raw_readable(peer, 0))
            left -= raw_receive(peer, bytes, sizeof(bytes));
    }
    contract_settle(c, 5);
    for (; left > 0;) {
        if (raw_readable(peer, 100))
            left -= raw_receive(peer, bytes, left < sizeof(bytes) ? (size_t)left : sizeof(bytes));
        assert_int_equal(rp_loop_turn(c->loop, 1), 0);
    }
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

/* ---- quiet sends ---- */

static void quiet_sends(contract *c)
{
    endpoint e = {0};
    char text[8] = "";
    raw_socket peer = endpoint_raw_pair(c, &e);
    e.socket->quiet_send = true;
    endpoint_receive(&e);
    for (unsigned i = 0; i < 100; i++) {
        endpoint_send_text(&e, "ask");
        assert_int_equal(e.sends, i);
        (void)rp_loop_turn(c->loop, 0);
        raw_receive_all(peer, text, 3);
        assert_string_equal(text, "ask");
        raw_send(peer, "yes", 3);
        TURN_UNTIL(c, e.received_bytes == 3 * (i + 1));
        TURN_UNTIL(c, e.sends == i + 1);
        assert_int_equal(e.send_result.status, RP_OK);
    }
    /* The socket's close is something else that comes. */
    endpoint_send_text(&e, "end");
    endpoint_finish(&e, NULL);
    assert_int_equal(e.sends, 101);
    raw_close(peer);
}

static void quiet_send_larger_than_the_buffers(contract *c)
{
    const size_t size = 8 << 20;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    endpoint a = {0}, b = {.checked = true};
    pattern out = {0};
    pattern_fill(&out, bytes, size);
    endpoint_pair(c, &a, &b);
    a.socket->quiet_send = true;
    endpoint_receive(&b);
    endpoint_send_bytes(&a, bytes, size);
    TURN_UNTIL(c, b.received_bytes == size);
    endpoint_finish(&a, &b, NULL);
    assert_int_equal(a.sends, 1);
    free(bytes);
}

/* It is not complete at once, so it is told of though nothing else comes. */
static void quiet_send_that_takes_time(contract *c)
{
    const size_t size = 8 << 20;
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    e.socket->quiet_send = true;
    endpoint_send_bytes(&e, bytes, size);
    for (size_t left = size; left > 0;) {
        (void)rp_loop_turn(c->loop, 0);
        while (left > 0 && raw_readable(peer, 0))
            left -= raw_receive(peer, bytes, left);
    }
    TURN_UNTIL(c, e.sends == 1);
    endpoint_finish(&e, NULL);
    raw_close(peer);
    free(bytes);
}

static void quiet_send_that_fails(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    e.socket->quiet_send = true;
    raw_reset(peer);
    raw_sleep_ms(5);
    endpoint_send_text(&e, "in vain");
    TURN_UNTIL(c, e.sends > 0);
    assert_int_equal(e.send_result.status, RP_E_RESET);
    endpoint_finish(&e, NULL);
}

static void quiet_send_cancelled(contract *c)
{
    endpoint e = {0};
    raw_socket peer = endpoint_raw_pair(c, &e);
    e.socket->quiet_send = true;
    endpoint_send_text(&e, "first");
    endpoint_cancel(&e, RP_OP_SEND);
    TURN_UNTIL(c, e.sends == 1);
    endpoint_send_text(&e, "second");
    (void)rp_loop_turn(c->loop, 0);
    endpoint_cancel(&e, RP_OP_SEND);
    TURN_UNTIL(c, e.sends == 2);
    endpoint_finish(&e, NULL);
    raw_close(peer);
}

/* ---- fairness and cost ---- */

/* A connection that always has something must not keep the others waiting. */
static void one_flood_starves_nobody(contract *c)
{
    static const endpoint_events on = {.sent = send_next_batch};
    endpoint a = {.on = &on, .user = source_new(UINT64_MAX)}, b = {.checked = true}, e = {0};
    endpoint_pair(c, &a, &b);
    raw_socket peer = endpoint_raw_pair(c, &e);
    endpoint_receive(&b);
    endpoint_receive(&e);
    send_batch(&a);
    TURN_UNTIL(c, b.received_bytes > 4 << 20);
    for (uint64_t i = 1; i <= 50; i++) {
        raw_send(peer, "x", 1);
        uint64_t turns = rp_loop_stats_get(c->loop)->turns;
        TURN_UNTIL(c, e.received_bytes == i);
        assert_true(rp_loop_stats_get(c->loop)->turns - turns <= 3);
    }
    raw_close(peer);
    endpoint_close(&a);
    endpoint_finish(&b, &e, &a, NULL);
    free(a.user);
}

typedef struct rally {
    unsigned left;
} rally;

static void return_ball(endpoint *e, rp_slice bytes)
{
    rally *r = e->user;
    assert_int_equal(bytes.size, 4);
    if (r->left > 0) {
        r->left--;
        endpoint_send_text(e, "ball");
    }
}

/* Requests and responses on one connection, both ends of it here. Neither side makes a system call
 * to be told that there is nothing. */
static void steady_state_costs(contract *c)
{
    enum { ROUNDS = 2000 };
    static const endpoint_events on = {.received = return_ball};
    rally r = {.left = 2 * ROUNDS};
    endpoint a = {.on = &on, .user = &r}, b = {.on = &on, .user = &r};
    const rp_loop_stats *stats = rp_loop_stats_get(c->loop);
    endpoint_pair(c, &a, &b);
    endpoint_receive(&a);
    endpoint_receive(&b);
    return_ball(&a, (rp_slice){NULL, 4});
    TURN_UNTIL(c, r.left < 2 * ROUNDS - 100);
    unsigned done = 2 * ROUNDS - r.left;
    uint64_t calls = stats->system_calls, allocations = c->allocated;
    uint64_t completions = stats->completions, copied = stats->bytes_copied;
    TURN_UNTIL(c, r.left == 0);
    unsigned messages = 2 * ROUNDS - done;
    print_message("%s: %.2f system calls a message\n", c->ops->name,
                  (double)(stats->system_calls - calls) / messages);
    /* Sent, received, waited. A completion port tells of input once, and is asked to tell again. */
    unsigned each = strcmp(c->ops->name, "iocp") == 0 ? 4 : 3;
    assert_true(stats->system_calls - calls <= each * messages + 10);
    assert_int_equal(c->allocated, allocations);
    assert_int_equal(stats->bytes_copied, copied);
    assert_true(stats->completions - completions >= 2 * messages - 2);
    TURN_UNTIL(c, a.sends + b.sends == 2 * ROUNDS &&
                      a.received_bytes + b.received_bytes == 8 * ROUNDS);
    assert_int_equal(stats->bytes_received, 8 * ROUNDS);
    assert_int_equal(stats->bytes_sent, 8 * ROUNDS);
    endpoint_finish(&a, &b, NULL);
}

/* Everything again with the least memory to receive into, on many connections. */
static void many_transfers_in_little_memory(contract *c)
{
    enum { COUNT = 40 };
    static const endpoint_events on = {.sent = send_next_batch};
    const uint64_t size = 512 << 10;
    rp_loop_options options = contract_options(c);
    options.receive_memory_bytes = 64 * 1024;
    contract_reopen(c, &options);
    static endpoint a[COUNT], b[COUNT];
    for (int i = 0; i < COUNT; i++) {
        a[i] = (endpoint){.on = &on, .user = source_new(size)};
        b[i] = (endpoint){.checked = true};
        a[i].out_pattern.seed = b[i].in_pattern.seed = (uint32_t)i;
        endpoint_pair(c, &a[i], &b[i]);
        endpoint_receive(&b[i]);
    }
    for (int i = 0; i < COUNT; i++)
        send_batch(&a[i]);
    for (int i = 0; i < COUNT; i++) {
        TURN_UNTIL(c, b[i].receives > 0);
        assert_int_equal(b[i].received_bytes, size);
        assert_int_equal(b[i].receive_result.status, RP_OK);
    }
    for (int i = 0; i < COUNT; i++) {
        endpoint_finish(&a[i], &b[i], NULL);
        free(a[i].user);
    }
}

static const contract_test tests[] = {
    {.name = "transfer both ways", .fn = transfer_both_ways, .seeds = 4},
    {.name = "transfer to a slow reader", .fn = transfer_to_a_slow_reader, .seeds = 8},
    {.name = "transfer of one large slice", .fn = transfer_of_one_slice, .seeds = 4},
    {.name = "backpressure", .fn = backpressure, .seeds = 4},
    {.name = "backpressure between turns", .fn = backpressure_between_turns, .seeds = 6},
    {.name = "a paused socket wakes nobody", .fn = paused_socket_wakes_nobody},
    {.name = "an ended socket wakes nobody", .fn = ended_socket_wakes_nobody},
    {.name = "a drained send buffer wakes nobody", .fn = drained_send_buffer_wakes_nobody},
    {.name = "quiet sends", .fn = quiet_sends},
    {.name = "a quiet send larger than the buffers",
     .fn = quiet_send_larger_than_the_buffers,
     .seeds = 5},
    {.name = "a quiet send that takes time", .fn = quiet_send_that_takes_time, .seeds = 5},
    {.name = "a quiet send that fails", .fn = quiet_send_that_fails},
    {.name = "a quiet send that is cancelled", .fn = quiet_send_cancelled},
    {.name = "one flood starves nobody", .fn = one_flood_starves_nobody, .real_only = true},
    {.name = "the steady state's cost", .fn = steady_state_costs, .real_only = true},
    {.name = "many transfers in little memory", .fn = many_transfers_in_little_memory, .seeds = 5},
};

CONTRACT_MAIN("transfer", tests)
