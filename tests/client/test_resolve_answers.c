/* test_resolve_answers.c - what a resolver makes of name servers' answers: shared questions,
 * families that come late or never, what is kept and for how long, old answers. */
#include "loop/loop.h"
#include "net/cache.h"
#include "net/resolve.h"

#include "support/dns_server.h"
#include "support/fixture.h"
#include "support/raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V4 "192.0.2.1"
#define V6 "2001:db8::1"
#define SLOW_MS 100
#define LATE_MS 200 /* c-ares asks again after 250 ms at the earliest */

static const dns_rule rules[] = {
    {.name = "slow.test", .addresses = V4, .delay_ms = SLOW_MS},
    {.name = "kept.test", .addresses = V4 "," V6, .ttl = 300},
    {.name = "fleeting.test", .addresses = V4 "," V6},
    {.name = "no-v6-answer.test", .addresses = V4, .ttl = 300, .v6_silent = true},
    {.name = "no-v6-answer-either.test", .addresses = V4, .ttl = 300, .v6_silent = true},
    {.name = "no-v4-answer.test", .addresses = V6, .ttl = 300, .v4_silent = true},
    {.name = "no-v4-answer-either.test", .addresses = V6, .ttl = 300, .v4_silent = true},
    {.name = "v6-soon.test", .addresses = V4 "," V6, .ttl = 300, .v6_delay_ms = 10},
    {.name = "v6-late.test", .addresses = V4 "," V6, .ttl = 300, .v6_delay_ms = LATE_MS},
    {.name = "v4-late.test", .addresses = V4 "," V6, .ttl = 300, .v4_delay_ms = LATE_MS},
    {.name = "v6-failed.test", .addresses = V4, .ttl = 300, .v6_rcode = DNS_SERVFAIL},
    {.name = "v6-denied.test", .addresses = V4, .ttl = 300, .v6_rcode = DNS_NXDOMAIN},
    {.name = "v4-slow-v6-denied.test",
     .addresses = V4,
     .ttl = 300,
     .v6_rcode = DNS_NXDOMAIN,
     .v4_delay_ms = 200},
    {.name = "nowhere.test", .rcode = DNS_NXDOMAIN, .v6_silent = true},
    {.name = "empty.test"},
    {.name = "empty-kept.test", .soa = 20},
    {.name = "absent.test", .rcode = DNS_NXDOMAIN},
    {.name = "absent-kept.test", .rcode = DNS_NXDOMAIN, .soa = 20},
    {.name = "v4-only.test", .addresses = V4, .ttl = 300, .soa = 20},
    {.name = "alias.test",
     .addresses = V4 "," V6,
     .ttl = 300,
     .cname = "real.test",
     .cname_ttl = 300},
    {.name = "alias-fleeting.test", .addresses = V4 "," V6, .ttl = 300, .cname = "real.test"},
    {.name = "alias-of-nothing.test", .cname = "gone.test", .cname_ttl = 300, .soa = 20},
    {.name = "long.test", .addresses = V4 "," V6, .ttl = 300, .truncated = true},
    {.name = "spoofed.test", .addresses = V4 "," V6, .ttl = 300, .spoofed = true},
    {.name = "changing.test", .addresses = V4 "," V6, .ttl = 1},
    {.name = NULL},
};

static dns_server *server;

typedef struct outcome {
    int calls;
    bool stale, partial;
    size_t count;
    rp_address addresses[RP_ADDRESSES_LIMIT];
    rp_error error; /* status RP_OK: none */
    uint64_t took_ms, began_ms;
} outcome;

static void on_lookup(void *user, const rp_resolved *resolved)
{
    outcome *got = user;
    got->calls++;
    got->took_ms = fixture_now_ms() - got->began_ms;
    got->stale = resolved->stale;
    got->partial = resolved->partial;
    got->count = resolved->count;
    if (resolved->count > 0)
        memcpy(got->addresses, resolved->addresses, resolved->count * sizeof(rp_address));
    if (resolved->error != NULL)
        got->error = *resolved->error;
}

typedef struct world {
    rp_loop *loop;
    rp_resolver *resolver;
} world;

static world begin_with(bool no_stale)
{
    world w = {.loop = fixture_loop()};
    rp_resolver_options options = {.servers = dns_server_address(server), .no_stale = no_stale};
    dns_server_use(server, rules);
    assert_int_equal(rp_resolver_create(&w.resolver, &options, NULL), RP_OK);
    return w;
}

static world begin(void)
{
    return begin_with(false);
}

static void end(const world *w)
{
    rp_resolver_release(w->resolver);
    fixture_loop_end(w->loop);
}

static rp_lookup *start_on(rp_loop *loop, rp_resolver *resolver, const char *host, bool whole,
                           outcome *got)
{
    *got = (outcome){.began_ms = fixture_now_ms()};
    rp_lookup *lookup =
        rp__lookup_start(loop, resolver, host, 443, whole ? RP_LOOKUP_WHOLE : 0, on_lookup, got);
    assert_non_null(lookup);
    return lookup;
}

static outcome look_up_as(const world *w, const char *host, bool whole)
{
    outcome got;
    (void)start_on(w->loop, w->resolver, host, whole, &got);
    rp_loop_run(w->loop);
    assert_int_equal(got.calls, 1);
    return got;
}

static outcome look_up(const world *w, const char *host)
{
    return look_up_as(w, host, false);
}

/* Where patience is not what is tested: on a busy machine a family may be late. */
static outcome look_up_patiently(const world *w, const char *host)
{
    return look_up_as(w, host, true);
}

static size_t family_count(const outcome *got, uint8_t family)
{
    size_t count = 0;
    for (size_t i = 0; i < got->count; i++)
        count += got->addresses[i].family == family;
    return count;
}

static void expect_families(const outcome *got, size_t v4, size_t v6)
{
    assert_int_equal(got->error.status, RP_OK);
    assert_int_equal(family_count(got, 4), v4);
    assert_int_equal(family_count(got, 6), v6);
}

/* ---- shared questions ---- */

static void asks_once_for_all(void **state)
{
    enum { MANY = 64 };
    outcome got[MANY];
    (void)state;
    world w = begin();
    unsigned questions = dns_server_questions(server);
    for (size_t i = 0; i < MANY; i++)
        (void)start_on(w.loop, w.resolver, i % 2 == 0 ? "slow.test" : "SLOW.test", false, &got[i]);
    rp_loop_run(w.loop);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(got[i].calls, 1);
        expect_families(&got[i], 1, 0);
    }
    assert_int_equal(dns_server_questions(server) - questions, 2);
    end(&w);
}

static void asks_once_for_all_loops(void **state)
{
    outcome first, second, third;
    (void)state;
    world w = begin();
    rp_loop *other = fixture_loop(), *ending = fixture_loop();
    unsigned questions = dns_server_questions(server);
    /* The one that asks goes away, and a loop that waits, too. */
    rp_lookup *asker = start_on(w.loop, w.resolver, "slow.test", false, &first);
    (void)start_on(other, w.resolver, "slow.test", false, &second);
    (void)start_on(ending, w.resolver, "slow.test", false, &third);
    rp__lookup_cancel(asker);
    fixture_loop_end(ending);
    assert_int_equal(third.calls, 1);
    assert_int_equal(third.error.status, RP_E_CANCELLED);
    rp_loop_run(other);
    expect_families(&second, 1, 0);
    assert_int_equal(first.calls, 0);
    assert_int_equal(dns_server_questions(server) - questions, 2);
    fixture_loop_end(other);
    end(&w);
}

/* The answer comes when everybody has gone; it is kept, and the resolver may go before it. */
static void keeps_what_nobody_waits_for(void **state)
{
    outcome got;
    (void)state;
    world w = begin();
    rp__lookup_cancel(start_on(w.loop, w.resolver, "v6-late.test", true, &got));
    fixture_sleep_ms(2 * LATE_MS);
    unsigned questions = dns_server_questions(server);
    got = look_up(&w, "v6-late.test");
    expect_families(&got, 1, 1);
    assert_int_equal(dns_server_questions(server), questions);
    rp__lookup_cancel(start_on(w.loop, w.resolver, "slow.test", false, &got));
    end(&w);
}

/* ---- two families ---- */

static void costs_its_patience_once(void **state)
{
    static const char *const hosts[][2] = {{"no-v6-answer.test", "no-v6-answer-either.test"},
                                           {"no-v4-answer.test", "no-v4-answer-either.test"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        world w = begin();
        outcome got = look_up(&w, hosts[i][0]);
        expect_families(&got, 1 - i, i);
        assert_true(got.partial);
        assert_in_range(got.took_ms, RP_FAMILY_PATIENCE_MS - 1, 2000);
        /* Cached or asked anew, and whatever the name: no more of it. */
        unsigned patient = 0;
        for (unsigned k = 0; k < 20; k++) {
            got = look_up(&w, hosts[i][k % 2]);
            expect_families(&got, 1 - i, i);
            patient += got.took_ms >= RP_FAMILY_PATIENCE_MS - 1;
        }
        assert_true(patient < 10); /* some, where the machine is busy */
        end(&w);
    }
}

/* What is answered soon is whole; but where the machine is busy soon may be late, once. */
static outcome look_up_whole(world *w, const char *host)
{
    outcome got;
    unsigned tries = 0;
    do {
        end(w);
        *w = begin();
        got = look_up(w, host);
    } while (got.partial && ++tries < 10);
    assert_false(got.partial);
    return got;
}

static void waits_for_the_second_family(void **state)
{
    (void)state;
    world w = begin();
    outcome got = look_up_whole(&w, "v6-soon.test");
    expect_families(&got, 1, 1);
    static const char *const late[] = {"v6-late.test", "v4-late.test"};
    for (size_t i = 0; i < 2; i++) {
        got = look_up(&w, late[i]);
        expect_families(&got, 1 - i, i);
        assert_true(got.partial);
        /* Whoever wants all of it waits on. */
        got = look_up_as(&w, late[i], true);
        expect_families(&got, 1, 1);
        assert_false(got.partial);
        /* Now everything is known, and the family answers again. */
        got = look_up(&w, late[i]);
        expect_families(&got, 1, 1);
    }
    end(&w);
}

static void takes_one_family_where_the_other_fails(void **state)
{
    static const char *const hosts[] = {"v6-failed.test", "v6-denied.test",
                                        "v4-slow-v6-denied.test"};
    (void)state;
    world w = begin();
    for (size_t i = 0; i < 3; i++) {
        outcome got = look_up_whole(&w, hosts[i]);
        expect_families(&got, 1, 0);
    }
    /* That there is no such name is about both. */
    outcome got = look_up(&w, "nowhere.test");
    assert_int_equal(got.error.status, RP_E_RESOLVE_NOT_FOUND);
    assert_true(got.took_ms < 5000);
    end(&w);
}

/* ---- what is kept ---- */

/* The number of questions that so many look-ups cost. */
static unsigned cost(const world *w, const char *host, unsigned times)
{
    unsigned questions = dns_server_questions(server);
    for (unsigned i = 0; i < times; i++)
        (void)look_up(w, host);
    return dns_server_questions(server) - questions;
}

static void keeps_what_may_be_kept(void **state)
{
    static const struct {
        const char *host;
        unsigned cost; /* of three look-ups */
    } cases[] = {
        {"kept.test", 2},
        {"fleeting.test", 6},
        {"empty.test", 6}, /* no SOA: not kept (RFC 2308, 5) */
        {"empty-kept.test", 2},
        {"absent.test", 6},
        {"absent-kept.test", 2},
        {"v4-only.test", 2},
        {"alias.test", 2},
        {"alias-fleeting.test", 6}, /* the shortest of the chain counts */
        {"alias-of-nothing.test", 2},
        {"long.test", 4}, /* each once more, over TCP */
        {"spoofed.test", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].host);
        unsigned seen = 0;
        /* On a busy machine c-ares may have asked again. */
        for (unsigned tries = 0; tries < 5 && seen != cases[i].cost; tries++) {
            world one = begin();
            seen = cost(&one, cases[i].host, 3);
            end(&one);
        }
        assert_int_equal(seen, cases[i].cost);
    }
    world w = begin();
    /* A failure is not kept (RFC 2308, 7); c-ares asks several times for each. */
    (void)look_up_whole(&w, "v6-failed.test");
    assert_in_range(cost(&w, "v6-failed.test", 1), 1, 3);
    end(&w);
}

static void reads_answers(void **state)
{
    (void)state;
    world w = begin();
    unsigned over_tcp = dns_server_over_tcp(server);
    outcome got = look_up_patiently(&w, "alias.test");
    expect_families(&got, 1, 1);
    got = look_up_patiently(&w, "alias-of-nothing.test");
    assert_string_equal(got.error.text, "alias-of-nothing.test: the host has no address");
    got = look_up_patiently(&w, "long.test");
    expect_families(&got, 1, 1);
    assert_true(dns_server_over_tcp(server) - over_tcp >= 2); /* more on a busy machine */
    got = look_up_patiently(&w, "spoofed.test");
    expect_families(&got, 1, 1);
    for (size_t i = 0; i < 2; i++)
        assert_int_not_equal(got.addresses[i].bytes[got.addresses[i].family == 4 ? 3 : 15], 0x66);
    /* No name server is asked for names of the dark (RFC 7686). */
    unsigned questions = dns_server_questions(server);
    got = look_up_patiently(&w, "hidden.onion");
    assert_string_equal(got.error.text, "hidden.onion: no such host");
    assert_int_equal(dns_server_questions(server), questions);
    end(&w);
}

/* The server of these tests: on a busy machine c-ares gives up in the middle. */
static void outlives_a_reset(void **state)
{
    (void)state;
    const char *port = strrchr(dns_server_address(server), ':') + 1;
    rp_address address = raw_loopback(4, (uint16_t)strtoul(port, NULL, 10));
    raw_socket socket = raw_connect(&address);
    raw_send(socket, "", 1);
    raw_reset(socket);
    world w = begin();
    outcome got = look_up_patiently(&w, "long.test");
    expect_families(&got, 1, 1);
    end(&w);
}

static void recovers_at_once(void **state)
{
    static const dns_rule failures[][2] = {
        {{.name = "changing.test", .rcode = DNS_SERVFAIL}},
        {{.name = "changing.test", .rcode = DNS_NXDOMAIN}},
        {{.name = "changing.test"}},
        {{.name = "changing.test", .v6_rcode = DNS_SERVFAIL}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        world w = begin();
        dns_server_use(server, failures[i]);
        outcome got = look_up_patiently(&w, "changing.test");
        assert_int_not_equal(got.error.status, RP_OK);
        dns_server_use(server, rules);
        got = look_up_patiently(&w, "changing.test");
        expect_families(&got, 1, 1);
        end(&w);
    }
}

/* ---- old answers ---- */

static void serves_old_answers_while_servers_fail(void **state)
{
    static const dns_rule failing[] = {{.name = "changing.test", .rcode = DNS_SERVFAIL},
                                       {.name = NULL}};
    static const dns_rule silent[] = {{.name = "changing.test", .silent = true}, {.name = NULL}};
    static const dns_rule absent[] = {{.name = "other.test"}, {.name = NULL}};
    (void)state;
    world w = begin();
    outcome got = look_up_patiently(&w, "changing.test");
    expect_families(&got, 1, 1);
    assert_false(got.stale);
    fixture_sleep_ms(1100);

    /* Servers that say so are believed at once. */
    dns_server_use(server, failing);
    got = look_up(&w, "changing.test");
    expect_families(&got, 1, 1);
    assert_true(got.stale);
    assert_true(got.took_ms < RP_STALE_PATIENCE_MS - 1);
    /* And are not asked for every look-up. */
    assert_int_equal(cost(&w, "changing.test", 5), 0);
    end(&w);

    w = begin();
    (void)look_up_patiently(&w, "changing.test");
    fixture_sleep_ms(1100);
    dns_server_use(server, silent);
    got = look_up(&w, "changing.test");
    expect_families(&got, 1, 1);
    assert_true(got.stale);
    assert_in_range(got.took_ms, RP_STALE_PATIENCE_MS - 1, RP_STALE_PATIENCE_MS + 3000);
    got = look_up(&w, "changing.test");
    assert_true(got.stale && got.took_ms < RP_STALE_PATIENCE_MS - 1);
    end(&w);

    /* That there is nothing any more is an answer. */
    w = begin();
    (void)look_up_patiently(&w, "changing.test");
    fixture_sleep_ms(1100);
    dns_server_use(server, absent);
    got = look_up(&w, "changing.test");
    assert_int_equal(got.error.status, RP_E_RESOLVE_NOT_FOUND);
    end(&w);

    w = begin_with(true);
    (void)look_up_patiently(&w, "changing.test");
    fixture_sleep_ms(1100);
    dns_server_use(server, failing);
    got = look_up(&w, "changing.test");
    assert_int_equal(got.error.status, RP_E_RESOLVE_FAILED);
    end(&w);
}

/* A server that never answers costs its time-out once. */
static void goes_on_to_the_next_server(void **state)
{
    static const dns_rule silent[] = {{.name = "*", .silent = true}, {.name = NULL}};
    char servers[2 * RP_ADDRESS_TEXT_SIZE];
    (void)state;
    dns_server *dead = dns_server_start(silent);
    (void)snprintf(servers, sizeof(servers), "%s,%s", dns_server_address(dead),
                   dns_server_address(server));
    world w = {.loop = fixture_loop()};
    rp_resolver_options options = {.servers = servers};
    dns_server_use(server, rules);
    assert_int_equal(rp_resolver_create(&w.resolver, &options, NULL), RP_OK);
    outcome got = look_up_patiently(&w, "kept.test");
    expect_families(&got, 1, 1);
    assert_true(got.took_ms < 5000);
    for (unsigned i = 0; i < 3; i++) {
        got = look_up_patiently(&w, "fleeting.test");
        expect_families(&got, 1, 1);
        assert_true(got.took_ms < 2000);
    }
    end(&w);
    dns_server_stop(dead);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(asks_once_for_all),
        fixture_test(asks_once_for_all_loops),
        fixture_test(keeps_what_nobody_waits_for),
        fixture_test(costs_its_patience_once),
        fixture_test(waits_for_the_second_family),
        fixture_test(takes_one_family_where_the_other_fails),
        fixture_test(keeps_what_may_be_kept),
        fixture_test(reads_answers),
        fixture_test(outlives_a_reset),
        fixture_test(recovers_at_once),
        fixture_test(serves_old_answers_while_servers_fail),
        fixture_test(goes_on_to_the_next_server),
    };
    server = dns_server_start(rules);
    int failed = fixture_run(tests);
    dns_server_stop(server);
    return failed;
}
