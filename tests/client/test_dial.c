/* test_dial.c - Happy Eyeballs against listeners on loopback that accept, refuse and stall. */
#include "base/error.h"
#include "loop/loop.h"
#include "net/dial.h"

#include "support/dns_server.h"
#include "support/fixture.h"
#include "support/raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_MS 5000 /* to the millisecond in virtual time: sim/test_addresses.c */

static const dns_rule rules[] = {
    {.name = "good.test", .addresses = "127.0.0.1"},
    {.name = "first-refused.test", .addresses = "127.0.0.9,127.0.0.1"},
    {.name = "silent.test", .silent = true},
    {.name = NULL},
};

static dns_server *server;

/* ---- sockets of the other side ---- */

static rp_address address_of(const char *text, uint16_t port)
{
    rp_address address = {.port = port};
    assert_true(rp__address_parse(&address, text, strlen(text)));
    return address;
}

/* *port 0: any, and stored. */
static raw_socket listen_on(const char *text, uint16_t *port, int backlog)
{
    rp_address address = address_of(text, *port);
    raw_socket listener = raw_listen(&address, backlog);
    *port = address.port;
    return listener;
}

/* A listener whose queue is full: the kernel drops every further SYN without a word. */
typedef struct stall {
    raw_socket listener;
    raw_socket fillers[3];
} stall;

static stall stall_on(const char *text, uint16_t *port)
{
    stall made = {.listener = listen_on(text, port, 0)};
    rp_address address = address_of(text, *port);
    for (int i = 0; i < 3; i++) {
        made.fillers[i] = raw_connect_start(&address);
        assert_int_equal(raw_connected(made.fillers[i], i == 0 ? 1000 : 20), i == 0);
    }
    return made;
}

static void stall_end(const stall *made)
{
    for (int i = 0; i < 3; i++)
        raw_close(made->fillers[i]);
    raw_close(made->listener);
}

/* A port on 127.0.0.1 with a listener; every other address refuses it. */
static uint16_t good_port(raw_socket *listener)
{
    uint16_t port = 0;
    *listener = listen_on("127.0.0.1", &port, 64);
    return port;
}

/* ---- dials ---- */

typedef struct outcome {
    rp_loop *loop;
    int calls, closed;
    bool connected;
    uint64_t turns; /* of the loop when it came */
    rp_dial_result result;
    rp_error error;
    char address[RP_ADDRESS_TEXT_SIZE];
} outcome;

static void on_closed(rp_socket *socket)
{
    outcome *got = socket->user;
    got->closed++;
    rp__loop_unhold(got->loop);
}

static const rp_socket_handler closing = {.closed = on_closed};

static void on_dial(void *user, const rp_dial_result *result)
{
    outcome *got = user;
    got->calls++;
    got->result = *result;
    got->turns = rp_loop_stats_get(got->loop)->turns;
    (void)rp__address_text(&result->address, true, got->address);
    if (result->error != NULL) {
        assert_null(result->socket);
        got->error = *result->error;
        return;
    }
    got->connected = true;
    assert_true(result->connected_ns >= result->resolved_ns);
    assert_true(result->resolved_ns > 0);
    rp__loop_hold(got->loop);
    result->socket->handler = &closing;
    result->socket->user = got;
    rp__socket_ops(result->socket)->close(result->socket);
}

static rp_dial *start(rp_loop *loop, rp_resolver *resolver, const char *host, uint16_t port,
                      uint64_t timeout_ms, outcome *got)
{
    rp_dial_options options = {.host = host,
                               .port = port,
                               .resolver = resolver,
                               .resolve_timeout_ms = timeout_ms,
                               .connect_timeout_ms = timeout_ms};
    *got = (outcome){.loop = loop};
    rp_dial *dial = rp__dial_start(loop, &options, on_dial, got);
    if (dial != NULL)
        assert_true(rp_loop_pending(loop));
    assert_int_equal(got->calls, 0);
    return dial;
}

/* Runs to the end, and gives how long it took. */
static uint64_t dial(rp_loop *loop, rp_resolver *resolver, const char *host, uint16_t port,
                     uint64_t timeout_ms, outcome *got)
{
    uint64_t begin = fixture_now_ms();
    assert_non_null(start(loop, resolver, host, port, timeout_ms, got));
    rp_loop_run(loop);
    assert_int_equal(got->calls, 1);
    assert_int_equal(got->closed, got->connected ? 1 : 0);
    assert_null(loop->timers);
    return fixture_now_ms() - begin;
}

/* Dials until no delay has passed between two attempts: others may have the processor for a while,
 * but not every time. */
static void dial_without_delay(rp_loop *loop, rp_resolver *resolver, const char *host,
                               uint16_t port, outcome *got)
{
    uint64_t took = RP_ATTEMPT_DELAY_MS;
    for (int round = 0; round < 20 && took >= RP_ATTEMPT_DELAY_MS; round++) {
        took = dial(loop, resolver, host, port, 10000, got);
        assert_true(got->connected);
    }
    assert_true(took < RP_ATTEMPT_DELAY_MS);
}

/* One with "h.test" at these addresses. */
static rp_resolver *overriding(const char *addresses)
{
    char entry[512];
    const char *overrides[] = {entry};
    (void)snprintf(entry, sizeof(entry), "h.test:*:%s", addresses);
    rp_resolver_options options = {.overrides = overrides, .override_count = 1};
    rp_resolver *resolver = NULL;
    assert_int_equal(rp_resolver_create(&resolver, &options, NULL), RP_OK);
    return resolver;
}

static void expect_error(const outcome *got, rp_status status, rp_phase phase, const char *text)
{
    assert_false(got->connected);
    assert_string_equal(got->error.text, text);
    assert_int_equal(got->error.status, status);
    assert_int_equal(got->error.phase, phase);
    assert_int_equal(got->error.tls_alert, -1);
}

/* ---- success ---- */

static void connects_without_a_turn_to_spare(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "h.test"};
    raw_socket listener;
    char expected[RP_ADDRESS_TEXT_SIZE];
    (void)state;
    uint16_t port = good_port(&listener);
    (void)snprintf(expected, sizeof(expected), "127.0.0.1:%u", port);
    rp_resolver *resolver = overriding("127.0.0.1");
    rp_loop *loop = fixture_loop();
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        outcome got;
        uint64_t turns = rp_loop_stats_get(loop)->turns;
        uint64_t live = loop->memory.allocations;
        (void)dial(loop, resolver, hosts[i], port, 10000, &got);
        assert_true(got.connected);
        assert_string_equal(got.address, expected);
        assert_int_equal(got.turns - turns, 1);
        /* The dial, and the port's socket. */
        assert_in_range(loop->memory.allocations - live, 1, 2 + (i == 0 ? 4 : 0));
    }
    fixture_loop_end(loop);
    rp_resolver_release(resolver);
    raw_close(listener);
}

static void connects_over_ipv6(void **state)
{
    uint16_t port = 0;
    outcome got;
    (void)state;
    rp_address here = raw_loopback(6, 0);
    if (!raw_has_address(&here)) {
        print_message("no ::1 here\n");
        return;
    }
    raw_socket listener = listen_on("::1", &port, 64);
    rp_loop *loop = fixture_loop();
    (void)dial(loop, NULL, "[::1]", port, 10000, &got);
    assert_true(got.connected);
    /* localhost listens on ::1 only: 127.0.0.1 refuses, and no delay passes. */
    dial_without_delay(loop, NULL, "localhost", port, &got);
    assert_int_equal(got.result.address.family, 6);
    fixture_loop_end(loop);
    raw_close(listener);
}

static void connects_to_names(void **state)
{
    raw_socket listener;
    outcome got;
    (void)state;
    uint16_t port = good_port(&listener);
    rp_resolver *resolver = dns_server_resolver(server);
    rp_loop *loop = fixture_loop();
    (void)dial(loop, resolver, "good.test", port, 10000, &got);
    assert_true(got.connected);
    (void)dial(loop, resolver, "first-refused.test", port, 10000, &got);
    assert_true(got.connected);
    /* Neither a time-out of the look-up nor one of the connection is left. */
    (void)dial(loop, resolver, "good.test", port, RP_NEVER_MS, &got);
    assert_true(got.connected);
    fixture_loop_end(loop);
    rp_resolver_release(resolver);
    raw_close(listener);
}

static void goes_on_at_once_after_a_failure(void **state)
{
    raw_socket listener;
    outcome got;
    (void)state;
    uint16_t port = good_port(&listener);
    rp_resolver *resolver = overriding("127.0.0.9,255.255.255.255,127.0.0.8,127.0.0.1");
    rp_loop *loop = fixture_loop();
    dial_without_delay(loop, resolver, "h.test", port, &got);
    fixture_loop_end(loop);
    rp_resolver_release(resolver);
    raw_close(listener);
}

static void goes_on_after_the_delay(void **state)
{
    raw_socket listener;
    outcome got;
    (void)state;
    uint16_t port = good_port(&listener);
    stall first = stall_on("127.0.0.3", &port);
    stall second = stall_on("127.0.0.4", &port);
    rp_loop *loop = fixture_loop();

    rp_resolver *resolver = overriding("127.0.0.3,127.0.0.1");
    uint64_t took = dial(loop, resolver, "h.test", port, 10000, &got);
    assert_true(got.connected);
    assert_in_range(took, RP_ATTEMPT_DELAY_MS - 1, BUSY_MS);
    rp_resolver_release(resolver);

    /* Two delays; the refusal after the second costs none, and the last is never tried. */
    resolver = overriding("127.0.0.3,127.0.0.4,127.0.0.9,127.0.0.1,127.0.0.8");
    took = dial(loop, resolver, "h.test", port, 10000, &got);
    assert_true(got.connected);
    assert_in_range(took, 2 * RP_ATTEMPT_DELAY_MS - 1, BUSY_MS);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
    stall_end(&first);
    stall_end(&second);
    raw_close(listener);
}

/* ---- failure ---- */

static void says_who_refused(void **state)
{
    raw_socket listener;
    char expected[200];
    outcome got;
    (void)state;
    uint16_t port = good_port(&listener);
    raw_close(listener);
    rp_loop *loop = fixture_loop();

    (void)dial(loop, NULL, "127.0.0.1", port, 10000, &got);
    (void)snprintf(expected, sizeof(expected), "connection to 127.0.0.1:%u refused", port);
    expect_error(&got, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, expected);
    assert_int_equal(got.error.os_code, raw_code_refused);

    rp_resolver *resolver = overriding("127.0.0.9");
    (void)dial(loop, resolver, "h.test", port, 10000, &got);
    (void)snprintf(expected, sizeof(expected), "connection to h.test (127.0.0.9:%u) refused", port);
    expect_error(&got, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, expected);
    rp_resolver_release(resolver);

    resolver = overriding("127.0.0.9,127.0.0.8");
    (void)dial(loop, resolver, "h.test", port, 10000, &got);
    (void)snprintf(expected, sizeof(expected),
                   "connection to h.test refused by both addresses (first 127.0.0.9:%u)", port);
    expect_error(&got, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, expected);
    assert_int_equal(got.result.address.bytes[3], 8);
    rp_resolver_release(resolver);

    resolver = overriding("127.0.0.9,127.0.0.8,127.0.0.7");
    (void)dial(loop, resolver, "h.test", port, 10000, &got);
    (void)snprintf(expected, sizeof(expected),
                   "connection to h.test refused by all 3 addresses (first 127.0.0.9:%u)", port);
    expect_error(&got, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, expected);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

/* From the port that is dialled. The loop is the caller's to end. */
static rp_loop *dial_itself(const char *host, rp_address *here, outcome *got)
{
    rp_loop *loop = fixture_loop();
    here->port = 0;
    raw_close(raw_bind(here));
    rp_local_end local = {.first_port = here->port, .last_port = here->port};
    rp_dial_options options = {.host = host,
                               .port = here->port,
                               .resolve_timeout_ms = 10000,
                               .connect_timeout_ms = 10000,
                               .local = &local};
    *got = (outcome){.loop = loop};
    assert_non_null(rp__dial_start(loop, &options, on_dial, got));
    rp_loop_run(loop);
    assert_int_equal(got->calls, 1);
    return loop;
}

/* Nobody listens, and our own end has the port that is dialled: as good as refused, and the port
 * is free afterwards. Another program may take it before; not every time. */
static void does_not_reach_itself(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "::1"};
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        outcome got;
        char expected[100];
        rp_address here = raw_loopback(strchr(hosts[i], ':') != NULL ? 6 : 4, 0);
        if (!raw_has_address(&here))
            continue;
        rp_loop *loop = dial_itself(hosts[i], &here, &got);
        for (int tries = 0; tries < 20 && got.error.status == RP_E_NO_LOCAL_PORTS; tries++) {
            fixture_loop_end(loop);
            loop = dial_itself(hosts[i], &here, &got);
        }
        (void)snprintf(expected, sizeof(expected), "connection to %s refused", got.address);
        expect_error(&got, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, expected);
        raw_close(raw_bind(&here));
        fixture_loop_end(loop);
    }
}

static void tells_the_most_telling_failure(void **state)
{
    raw_socket listener;
    char expected[200];
    outcome got;
    (void)state;
    uint16_t port = good_port(&listener);
    raw_close(listener);
    rp_loop *loop = fixture_loop();

    (void)dial(loop, NULL, "255.255.255.255", 80, 10000, &got);
    (void)snprintf(expected, sizeof(expected), "no way to 255.255.255.255:80: %s",
                   rp__os_error_text(raw_code_unreachable));
    expect_error(&got, RP_E_CONNECT_UNREACHABLE, RP_PHASE_CONNECT, expected);
    assert_int_equal(got.error.os_code, raw_code_unreachable);

    rp_resolver *resolver = overriding("255.255.255.255,127.0.0.9,127.0.0.8");
    (void)dial(loop, resolver, "h.test", port, 10000, &got);
    (void)snprintf(expected, sizeof(expected),
                   "connection to h.test (127.0.0.9:%u) refused; all 3 addresses failed", port);
    expect_error(&got, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, expected);
    assert_int_equal(got.error.os_code, raw_code_refused);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static void times_out_connecting(void **state)
{
    uint16_t port = 0;
    char expected[200];
    outcome got;
    (void)state;
    stall first = stall_on("127.0.0.3", &port);
    stall second = stall_on("127.0.0.4", &port);
    rp_loop *loop = fixture_loop();

    uint64_t took = dial(loop, NULL, "127.0.0.3", port, 50, &got);
    assert_in_range(took, 50, BUSY_MS);
    (void)snprintf(expected, sizeof(expected),
                   "127.0.0.3:%u did not answer the connection within 50 ms", port);
    expect_error(&got, RP_E_CONNECT_TIMEOUT, RP_PHASE_CONNECT, expected);

    /* One in flight, the other not yet tried. */
    rp_resolver *resolver = overriding("127.0.0.3,127.0.0.4");
    (void)dial(loop, resolver, "h.test", port, 50, &got);
    (void)snprintf(expected, sizeof(expected),
                   "h.test (127.0.0.3:%u) did not answer the connection within 50 ms", port);
    expect_error(&got, RP_E_CONNECT_TIMEOUT, RP_PHASE_CONNECT, expected);

    /* All together, not each. */
    rp_resolver_release(resolver);
    resolver = overriding("127.0.0.3,127.0.0.4"); /* the first one's turn again */
    took = dial(loop, resolver, "h.test", port, 1000, &got);
    assert_in_range(took, 1000, BUSY_MS);
    (void)snprintf(expected, sizeof(expected),
                   "none of 2 addresses of h.test (first 127.0.0.3:%u) took the connection within "
                   "1000 ms",
                   port);
    expect_error(&got, RP_E_CONNECT_TIMEOUT, RP_PHASE_CONNECT, expected);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
    stall_end(&first);
    stall_end(&second);
}

static void fails_to_resolve(void **state)
{
    outcome got;
    (void)state;
    rp_resolver *resolver = dns_server_resolver(server);
    rp_loop *loop = fixture_loop();
    uint64_t took = dial(loop, resolver, "silent.test", 443, 50, &got);
    assert_in_range(took, 50, BUSY_MS);
    expect_error(&got, RP_E_RESOLVE_TIMEOUT, RP_PHASE_RESOLVE,
                 "no answer for silent.test within 50 ms");
    assert_int_equal(got.result.address.family, 0);

    (void)dial(loop, resolver, "absent.test", 443, 10000, &got);
    expect_error(&got, RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE, "absent.test: no such host");
    (void)dial(loop, resolver, "a..b", 443, 10000, &got);
    expect_error(&got, RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE,
                 "host name \"a..b\" has an empty label");
    assert_int_equal(got.result.resolved_ns, 0);
    fixture_loop_end(loop);
    rp_resolver_release(resolver);
}

static void lacks_descriptors(void **state)
{
    char expected[200];
    outcome got;
    (void)state;
    if (!raw_limits_descriptors())
        return;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = overriding("127.0.0.1,127.0.0.2");
    size_t limit = raw_leave_descriptors(0);
    rp_dial *first = start(loop, NULL, "127.0.0.1", 80, 10000, &got);
    assert_non_null(first);
    rp_loop_run(loop);
    outcome both;
    assert_non_null(start(loop, resolver, "h.test", 80, 10000, &both));
    rp_loop_run(loop);
    outcome none_left;
    rp__dial_cancel(start(loop, NULL, "127.0.0.1", 80, 10000, &none_left));
    rp_loop_run(loop);
    raw_restore_descriptors(limit);

    (void)snprintf(expected, sizeof(expected),
                   "no descriptor is left for a connection to 127.0.0.1:80: %s", strerror(EMFILE));
    expect_error(&got, RP_E_NO_DESCRIPTORS, RP_PHASE_CONNECT, expected);
    assert_int_equal(got.error.os_code, EMFILE);
    (void)snprintf(expected, sizeof(expected),
                   "no descriptor is left for a connection to h.test (127.0.0.1:80): %s; both "
                   "addresses failed",
                   strerror(EMFILE));
    expect_error(&both, RP_E_NO_DESCRIPTORS, RP_PHASE_CONNECT, expected);
    assert_int_equal(none_left.calls, 0);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

/* ---- cancelling ---- */

/* Cancels after so long; 0: at once. */
static void cancel_after(rp_resolver *resolver, const char *host, uint16_t port, unsigned ms)
{
    rp_loop *loop = fixture_loop();
    outcome got;
    rp_dial *made = start(loop, resolver, host, port, 10000, &got);
    uint64_t end = fixture_now_ms() + ms;
    for (uint64_t now; (now = fixture_now_ms()) < end && got.calls == 0;)
        (void)rp_loop_turn(loop, end - now);
    assert_int_equal(got.calls, 0);
    rp__dial_cancel(made);
    rp_loop_run(loop);
    assert_int_equal(got.calls, 0);
    assert_false(rp_loop_pending(loop));
    fixture_loop_end(loop);
}

static void cancels_at_any_moment(void **state)
{
    raw_socket listener;
    (void)state;
    uint16_t port = good_port(&listener);
    stall first = stall_on("127.0.0.3", &port);
    stall second = stall_on("127.0.0.4", &port);
    rp_resolver *names = dns_server_resolver(server);
    rp_resolver *stalls = overriding("127.0.0.3,127.0.0.4,127.0.0.5");
    cancel_after(names, "127.0.0.1", port, 0);
    cancel_after(names, "good.test", port, 0);
    cancel_after(names, "a..b", port, 0);
    cancel_after(names, "silent.test", port, 20);
    cancel_after(stalls, "h.test", port, 0);
    cancel_after(stalls, "h.test", port, 20);
    cancel_after(stalls, "h.test", port, 300); /* two in flight */
    cancel_after(stalls, "h.test", port, 600); /* the third has been refused */
    rp_resolver_release(names);
    rp_resolver_release(stalls);
    stall_end(&first);
    stall_end(&second);
    raw_close(listener);
}

/* The loop ends after so many turns of 10 ms. */
static void end_after(rp_resolver *resolver, const char *host, uint16_t port, int turns)
{
    rp_loop *loop = fixture_loop();
    outcome got;
    (void)start(loop, resolver, host, port, 10000, &got);
    for (int i = 0; i < turns; i++)
        (void)rp_loop_turn(loop, 10);
    assert_int_equal(got.calls, 0);
    fixture_loop_end(loop);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.error.status, RP_E_CANCELLED);
    assert_string_equal(got.error.text, "the loop was destroyed");
}

static void survives_the_end_of_the_loop(void **state)
{
    raw_socket listener;
    (void)state;
    uint16_t port = good_port(&listener);
    stall first = stall_on("127.0.0.3", &port);
    rp_resolver *names = dns_server_resolver(server);
    rp_resolver *stalls = overriding("127.0.0.3,127.0.0.3,127.0.0.3");
    end_after(names, "127.0.0.1", port, 0);
    end_after(names, "good.test", port, 0);
    end_after(names, "a..b", port, 0);
    end_after(names, "silent.test", port, 3);
    end_after(stalls, "h.test", port, 0);
    end_after(stalls, "h.test", port, 3);
    end_after(stalls, "h.test", port, 30); /* two in flight */
    rp_resolver_release(names);
    rp_resolver_release(stalls);
    stall_end(&first);
    raw_close(listener);
}

static void on_dial_again(void *user, const rp_dial_result *result)
{
    outcome *got = user;
    on_dial(user, result);
    rp_dial_options options = {.host = "127.0.0.1", .port = 9, .connect_timeout_ms = 1000};
    assert_non_null(rp__dial_start(got->loop, &options, on_dial, got));
}

static void starts_nothing_on_a_dying_loop(void **state)
{
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *names = dns_server_resolver(server);
    outcome got = {.loop = loop};
    rp_dial_options options = {
        .host = "silent.test", .port = 443, .resolver = names, .resolve_timeout_ms = RP_NEVER_MS};
    assert_non_null(rp__dial_start(loop, &options, on_dial_again, &got));
    fixture_loop_end(loop);
    assert_int_equal(got.calls, 2);
    expect_error(&got, RP_E_CANCELLED, RP_PHASE_RESOLVE, "the loop was destroyed");
    rp_resolver_release(names);
}

typedef struct trio {
    outcome got;                            /* first, so that on_dial takes it for one */
    rp_dial *self, *resolving, *connecting; /* the others can't be over by themselves */
} trio;

static void on_dial_cancel(void *user, const rp_dial_result *result)
{
    trio *all = user;
    on_dial(&all->got, result);
    rp__dial_cancel(all->resolving);
    rp__dial_cancel(all->connecting);
    rp__dial_cancel(all->self); /* too late, and harmless */
}

static void cancels_in_the_callback(void **state)
{
    raw_socket listener;
    (void)state;
    uint16_t port = good_port(&listener);
    stall never = stall_on("127.0.0.3", &port);
    rp_resolver *names = dns_server_resolver(server);
    rp_loop *loop = fixture_loop();
    outcome resolving, connecting;
    trio all = {.got.loop = loop};
    rp_dial_options options = {
        .host = "127.0.0.1", .port = port, .connect_timeout_ms = RP_NEVER_MS};
    all.self = rp__dial_start(loop, &options, on_dial_cancel, &all);
    all.resolving = start(loop, names, "silent.test", port, 10000, &resolving);
    all.connecting = start(loop, NULL, "127.0.0.3", port, 10000, &connecting);
    rp_loop_run(loop);
    assert_true(all.got.connected);
    assert_int_equal(resolving.calls, 0);
    assert_int_equal(connecting.calls, 0);
    fixture_loop_end(loop);
    rp_resolver_release(names);
    stall_end(&never);
    raw_close(listener);
}

/* ---- memory ---- */

static void survives_lack_of_memory(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "good.test", "first-refused.test"};
    raw_socket listener;
    (void)state;
    uint16_t port = good_port(&listener);
    rp_resolver *resolver = dns_server_resolver(server);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        bool done = false;
        for (uint64_t fail_in = 1; !done; fail_in++) {
            rp_loop *loop = fixture_loop();
            outcome got;
            loop->memory.fail_in = fail_in;
            rp_dial *made = start(loop, resolver, hosts[i], port, 10000, &got);
            rp_loop_run(loop);
            done = loop->memory.fail_in > 0;
            assert_int_equal(got.calls, made == NULL ? 0 : 1);
            if (done)
                assert_true(got.connected);
            else if (made != NULL && !got.connected)
                assert_int_equal(got.error.status, RP_E_NO_MEMORY);
            loop->memory.fail_in = 0;
            fixture_loop_end(loop);
            assert_true(fail_in < 20);
        }
    }
    rp_resolver_release(resolver);
    raw_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(connects_without_a_turn_to_spare),
        fixture_test(connects_over_ipv6),
        fixture_test(connects_to_names),
        fixture_test(goes_on_at_once_after_a_failure),
        fixture_test(goes_on_after_the_delay),
        fixture_test(says_who_refused),
        fixture_test(does_not_reach_itself),
        fixture_test(tells_the_most_telling_failure),
        fixture_test(times_out_connecting),
        fixture_test(fails_to_resolve),
        fixture_test(lacks_descriptors),
        fixture_test(cancels_at_any_moment),
        fixture_test(cancels_in_the_callback),
        fixture_test(survives_the_end_of_the_loop),
        fixture_test(starts_nothing_on_a_dying_loop),
        fixture_test(survives_lack_of_memory),
    };
    server = dns_server_start(rules);
    int failed = fixture_run(tests);
    dns_server_stop(server);
    return failed;
}
