/* contract.c - the harness of the port contract's tests. */
#include "support/contract.h"

#include "support/raw_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 25
/* Longer than a busy machine keeps a turn, which under Wine may be thousands of sends. */
#define TURN_MS 120000

static char run_seed_text[40]; /* of the simulator's test that runs */

/* ---- tests ---- */

/* The loop's allocator: counts what lives, fails when it is told to. */
static void *counted_resize(void *user, void *memory, size_t size)
{
    contract *c = user;
    if (size == 0) {
        assert_non_null(memory);
        c->live--;
        free(memory);
        return NULL;
    }
    if (c->allocate_limit > 0 && c->allocated >= c->allocate_limit)
        return NULL;
    void *block = realloc(memory, size);
    assert_non_null(block);
    c->allocated++;
    if (memory == NULL)
        c->live++;
    return block;
}

rp_loop_options contract_options(contract *c)
{
    return (rp_loop_options){.backend = c->ops->name, .allocator = {counted_resize, c}};
}

static void open_loop(contract *c, const rp_loop_options *options)
{
    rp_error error = {0};
    rp_status status = rp__loop_create_with_port(&c->loop, c->ops, c->context, options, &error);
    if (status == RP_E_UNSUPPORTED) {
        print_message("%s is not to be had here: %s\n", c->ops->name, error.text);
        skip();
    }
    if (status != RP_OK)
        fail_msg("no loop: %s: %s", rp_status_name(status), error.text);
    c->port = c->loop->port;
}

static void close_loop(contract *c)
{
    const rp_loop_stats *stats = rp_loop_stats_get(c->loop);
    assert_int_equal(stats->wakeups_spurious, 0);
    rp_loop_destroy(c->loop);
    c->loop = NULL;
    assert_int_equal(c->live, 0);
}

void contract_reopen(contract *c, const rp_loop_options *options)
{
    close_loop(c);
    open_loop(c, options);
}

typedef struct instance {
    const rp_port_ops *ops;
    const contract_test *test;
} instance;

static void run_on(contract *c, const contract_test *test)
{
    rp_loop_options options = contract_options(c);
    size_t descriptors = raw_open_descriptors();
    open_loop(c, &options);
    test->fn(c);
    close_loop(c);
    assert_int_equal(raw_open_descriptors(), descriptors);
}

static void run_real(void **state)
{
    const instance *run = *state;
    contract c = {.ops = run->ops, .random = 88172645463325252u};
    run_on(&c, run->test);
}

static void stuck(void *user, const char *message)
{
    (void)user;
    fail_msg("%s", message);
}

static void run_seed(const contract_test *test, uint64_t seed)
{
    rp_sim_options options = {.seed = seed,
                              .latency_least_us = 1,
                              .latency_most_us = 100,
                              .window_bytes = (size_t)256 * 1024, /* as the tests expect it */
                              .on_stuck = stuck,
                              .orderly = seed == 0};
    sim_context context = {.sim = NULL};
    assert_int_equal(rp_sim_create(&context.sim, &options, NULL), RP_OK);
    contract c = {.ops = &rp__sim_port_ops, .context = &context, .random = 88172645463325252u};
    raw_sim_begin(context.sim);
    run_on(&c, test);
    raw_sim_end();
    rp_sim_destroy(context.sim);
}

/* Which seed it was stands in the output when one fails: cmocka's way out is a longjmp. */
static void run_simulated(void **state)
{
    const instance *run = *state;
    const char *one = getenv("RP_SEED");
    if (one != NULL) {
        run_seed(run->test, strtoull(one, NULL, 10));
        return;
    }
    unsigned seeds = run->test->seeds > 0 ? run->test->seeds : SEEDS;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        (void)snprintf(run_seed_text, sizeof(run_seed_text), "RP_SEED=%llu",
                       (unsigned long long)seed);
        run_seed(run->test, seed);
    }
    run_seed_text[0] = '\0';
}

/* A failed test leaves its simulation as it is. */
static int teardown(void **state)
{
    const instance *run = *state;
    if (run_seed_text[0] == '\0')
        return 0;
    print_error("failed with %s: %s PROGRAM 'simulator: %s' repeats it\n", run_seed_text,
                run_seed_text, run->test->name);
    run_seed_text[0] = '\0';
    raw_current = &raw_system;
    return -1;
}

static void add(struct CMUnitTest *unit, instance *run, char name[128], const rp_port_ops *ops,
                const contract_test *test)
{
    bool real = ops != &rp__sim_port_ops;
    *run = (instance){ops, test};
    (void)snprintf(name, 128, "%s: %s", ops->name, test->name);
    *unit = (struct CMUnitTest){.name = name,
                                .test_func = real ? run_real : run_simulated,
                                .teardown_func = real ? NULL : teardown,
                                .initial_state = run};
}

int contract_main(const char *group, const contract_test *tests, size_t count, bool simulated,
                  int argc, char **argv)
{
    size_t ports = 0, used = 0;
    while (rp__ports[ports] != NULL)
        ports++;
    size_t most = (ports + 1) * count;
    struct CMUnitTest *units = calloc(most, sizeof(*units));
    instance *instances = calloc(most, sizeof(*instances));
    char(*names)[128] = calloc(most, sizeof(*names));
    if (units == NULL || instances == NULL || names == NULL)
        return 1;
    for (size_t port = 0; port < ports; port++) {
        for (size_t i = 0; i < count; i++, used++)
            add(&units[used], &instances[used], names[used], rp__ports[port], &tests[i]);
    }
    simulated = simulated && getenv("RP_REAL") == NULL;
    for (size_t i = 0; simulated && i < count; i++) {
        if (tests[i].real_only)
            continue;
        add(&units[used], &instances[used], names[used], &rp__sim_port_ops, &tests[i]);
        used++;
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    int failed = _cmocka_run_group_tests(group, units, used, NULL, NULL);
    free(names);
    free(instances);
    free(units);
    return failed;
}

/* xorshift64* (Vigna, 2016) */
uint64_t contract_random(contract *c, uint64_t below)
{
    uint64_t x = c->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    c->random = x;
    return (x * 2685821657736338717u >> 11) % below;
}

void contract_turn(contract *c)
{
    uint64_t begun_ns = raw_clock_ns();
    (void)rp_loop_turn(c->loop, TURN_MS);
    if (raw_clock_ns() - begun_ns >= TURN_MS * UINT64_C(1000000))
        fail_msg("the loop slept, and nothing woke it");
}

void contract_settle(contract *c, unsigned ms)
{
    uint64_t now_ns = raw_clock_ns(), until_ns = now_ns + (uint64_t)ms * 1000000u;
    while (rp_loop_turn(c->loop, 0) > 0 || raw_clock_ns() < until_ns)
        assert_true(raw_clock_ns() < now_ns + TURN_MS * UINT64_C(1000000));
}

/* ---- patterns ---- */

static uint8_t pattern_byte(uint32_t seed, uint64_t offset)
{
    uint32_t x = ((uint32_t)(offset >> 3) + seed) * 2654435761u;
    return (uint8_t)(x >> (offset & 7) * 3);
}

void pattern_fill(pattern *p, void *data, size_t size)
{
    uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern_byte(p->seed, p->offset++);
}

bool pattern_check(pattern *p, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++, p->offset++) {
        if (bytes[i] != pattern_byte(p->seed, p->offset))
            return false;
    }
    return true;
}

/* ---- endpoints: callbacks ---- */

static endpoint *enter(rp_socket *socket)
{
    endpoint *e = socket->user;
    assert_ptr_equal(e->socket, socket);
    assert_false(e->closed);
    assert_false(e->in_callback);
    assert_int_equal(e->c->starting, 0);
    e->in_callback = true;
    return e;
}

/* A final completion: there was a start without one. */
static void end(endpoint *e, unsigned operation, unsigned *count)
{
    assert_true(e->started & operation);
    e->started &= ~operation;
    (*count)++;
}

static void on_connected(rp_socket *socket, rp_io_result result)
{
    endpoint *e = enter(socket);
    end(e, RP_OP_CONNECT, &e->connects);
    e->connect_result = result;
    if (e->on != NULL && e->on->connected != NULL)
        e->on->connected(e);
    e->in_callback = false;
}

static void on_accepted(rp_socket *socket, rp_socket *peer, rp_io_result result, bool final)
{
    endpoint *e = enter(socket);
    assert_true(e->started & RP_OP_ACCEPT);
    if (final) {
        assert_null(peer);
        end(e, RP_OP_ACCEPT, &e->accepts);
        e->accept_result = result;
        if (e->on->accept_ended != NULL)
            e->on->accept_ended(e);
    } else if (peer == NULL) {
        assert_int_not_equal(result.status, RP_OK);
        e->accept_failure = result;
        e->accept_failures++;
        if (e->on->accept_failed != NULL)
            e->on->accept_failed(e);
    } else {
        assert_int_equal(result.status, RP_OK);
        assert_ptr_equal(peer->port, socket->port);
        assert_false(e->closing);
        e->accepted_count++;
        e->on->accepted(e, peer);
        assert_non_null(peer->handler);
    }
    e->in_callback = false;
}

static void note_text(endpoint *e, rp_slice bytes)
{
    size_t used = strlen(e->text);
    size_t room = sizeof(e->text) - 1 - used;
    memcpy(e->text + used, bytes.data, bytes.size < room ? bytes.size : room);
}

static void on_received(rp_socket *socket, rp_slice bytes, rp_io_result result, bool final)
{
    endpoint *e = enter(socket);
    assert_true(e->started & RP_OP_RECEIVE);
    if (final) {
        assert_int_equal(bytes.size, 0);
        end(e, RP_OP_RECEIVE, &e->receives);
        e->receive_result = result;
        if (e->on != NULL && e->on->receive_ended != NULL)
            e->on->receive_ended(e);
    } else {
        assert_int_equal(result.status, RP_OK);
        assert_true(bytes.size > 0);
        assert_false(e->closing);
        e->received_count++;
        e->received_bytes += bytes.size;
        if (e->checked)
            assert_true(pattern_check(&e->in_pattern, bytes.data, bytes.size));
        else
            note_text(e, bytes);
        if (e->on != NULL && e->on->received != NULL)
            e->on->received(e, bytes);
    }
    e->in_callback = false;
}

static void on_sent(rp_socket *socket, rp_io_result result)
{
    endpoint *e = enter(socket);
    end(e, RP_OP_SEND, &e->sends);
    e->send_result = result;
    if (e->on != NULL && e->on->sent != NULL)
        e->on->sent(e);
    e->in_callback = false;
}

static void on_closed(rp_socket *socket)
{
    endpoint *e = enter(socket);
    assert_true(e->closing);
    assert_int_equal(e->started, 0);
    e->closed = true;
    e->socket = NULL;
    e->in_callback = false;
    if (e->on != NULL && e->on->closed != NULL)
        e->on->closed(e);
}

static const rp_socket_handler handler = {
    .connected = on_connected,
    .accepted = on_accepted,
    .received = on_received,
    .sent = on_sent,
    .closed = on_closed,
};

/* ---- endpoints: calls ---- */

void endpoint_adopt(endpoint *e, contract *c, rp_socket *socket)
{
    e->c = c;
    e->socket = socket;
    socket->handler = &handler;
    socket->user = e;
}

void endpoint_open(endpoint *e, contract *c, uint8_t family)
{
    rp_socket *socket = NULL;
    rp_io_result result = c->ops->open(c->port, family, &socket);
    assert_int_equal(result.status, RP_OK);
    assert_ptr_equal(socket->port, c->port);
    endpoint_adopt(e, c, socket);
}

void endpoint_listen(endpoint *e, rp_address *address)
{
    uint8_t family = address->family == 0 ? 4 : address->family;
    *address = raw_loopback(family, 0);
    assert_int_equal(e->c->ops->listen(e->socket, address, 1024).status, RP_OK);
    assert_int_not_equal(address->port, 0);
}

/* The operation counts as started before the call: a callback from inside of it would be told. */
static void start(endpoint *e, unsigned operation)
{
    assert_false(e->started & operation);
    e->started |= operation;
    e->c->starting++;
}

void endpoint_connect(endpoint *e, const rp_address *address)
{
    start(e, RP_OP_CONNECT);
    e->c->ops->connect(e->socket, address);
    e->c->starting--;
}

void endpoint_accept(endpoint *e)
{
    start(e, RP_OP_ACCEPT);
    e->c->ops->accept(e->socket);
    e->c->starting--;
}

void endpoint_receive(endpoint *e)
{
    start(e, RP_OP_RECEIVE);
    e->c->ops->receive(e->socket);
    e->c->starting--;
}

void endpoint_send(endpoint *e, const rp_slice *slices, size_t count)
{
    start(e, RP_OP_SEND);
    e->c->ops->send(e->socket, slices, count);
    e->c->starting--;
}

void endpoint_send_bytes(endpoint *e, const void *data, size_t size)
{
    e->slice = (rp_slice){data, size};
    endpoint_send(e, &e->slice, 1);
}

void endpoint_send_text(endpoint *e, const char *text)
{
    endpoint_send_bytes(e, text, strlen(text));
}

void endpoint_shutdown_send(endpoint *e)
{
    e->c->starting++;
    e->c->ops->shutdown_send(e->socket);
    e->c->starting--;
}

void endpoint_reset_on_close(endpoint *e)
{
    e->c->starting++;
    e->c->ops->reset_on_close(e->socket);
    e->c->starting--;
}

void endpoint_cancel(endpoint *e, unsigned operations)
{
    e->c->starting++;
    e->c->ops->cancel(e->socket, operations);
    e->c->starting--;
}

void endpoint_close(endpoint *e)
{
    assert_false(e->closing);
    e->closing = true;
    e->c->starting++;
    e->c->ops->close(e->socket);
    e->c->starting--;
}

void endpoint_finish(endpoint *e, ...)
{
    va_list more;
    va_start(more, e);
    for (; e != NULL; e = va_arg(more, endpoint *)) {
        if (!e->closing)
            endpoint_close(e);
        TURN_UNTIL(e->c, e->closed);
    }
    va_end(more);
}

static void pair_accepted(endpoint *listener, rp_socket *socket)
{
    endpoint_adopt(listener->peer, listener->c, socket);
}

void endpoint_pair(contract *c, endpoint *client, endpoint *server)
{
    static const endpoint_events on = {.accepted = pair_accepted};
    endpoint listener = {.on = &on, .peer = server};
    rp_address address = {0};
    endpoint_open(&listener, c, 4);
    endpoint_listen(&listener, &address);
    endpoint_accept(&listener);
    endpoint_open(client, c, 4);
    endpoint_connect(client, &address);
    TURN_UNTIL(c, client->connects > 0 && listener.accepted_count > 0);
    assert_int_equal(client->connect_result.status, RP_OK);
    endpoint_finish(&listener, NULL);
}

raw_socket endpoint_raw_pair(contract *c, endpoint *e)
{
    rp_address address = raw_loopback(4, 0);
    raw_socket listener = raw_listen(&address, 16);
    endpoint_open(e, c, 4);
    endpoint_connect(e, &address);
    TURN_UNTIL(c, e->connects > 0);
    assert_int_equal(e->connect_result.status, RP_OK);
    raw_socket raw = raw_accept(listener);
    raw_close(listener);
    return raw;
}
