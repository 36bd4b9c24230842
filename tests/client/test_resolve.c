/* test_resolve.c - look-ups against a scripted DNS server, and the life of resolvers. */
#include "loop/loop.h"
#include "net/resolve.h"

#include "support/dns_server.h"
#include "support/fixture.h"
#include "support/raw.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

static const dns_rule rules[] = {
    {.name = "four.test", .addresses = "192.0.2.1"},
    {.name = "_under_score.test", .addresses = "192.0.2.5"},
    {.name = "cached.test", .addresses = "192.0.2.1", .ttl = 300, .soa = 20},
    {.name = "both.test", .addresses = "192.0.2.1,192.0.2.2,192.0.2.3,2001:db8::1,2001:db8::2"},
    {.name = "many.test",
     .addresses = "192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4,192.0.2.5,192.0.2.6,192.0.2.7,"
                  "192.0.2.8,192.0.2.9,192.0.2.10,192.0.2.11,192.0.2.12,192.0.2.13,192.0.2.14,"
                  "192.0.2.15,192.0.2.16,192.0.2.17,192.0.2.18,192.0.2.19,192.0.2.20,"
                  "192.0.2.1,2001:db8::1,2001:db8::2,2001:db8::3"},
    {.name = "empty.test"},
    {.name = "broken.test", .rcode = DNS_SERVFAIL},
    {.name = "refused.test", .rcode = DNS_REFUSED},
    {.name = "notimp.test", .rcode = DNS_NOTIMP},
    {.name = "formerr.test", .rcode = DNS_FORMERR},
    {.name = "twice.test", .addresses = "192.0.2.1,192.0.2.2,192.0.2.1"},
    {.name = "sixes.test", .addresses = "192.0.2.1,2001:db8::1,2001:db8::2,2001:db8::3"},
    {.name = "fours.test", .addresses = "2001:db8::1,192.0.2.1,192.0.2.2,192.0.2.3"},
    {.name = "half.test", .addresses = "192.0.2.9", .v6_rcode = DNS_SERVFAIL},
    {.name = "slow.test", .addresses = "192.0.2.4", .delay_ms = 100},
    {.name = "silent.test", .silent = true},
    {.name = "a-label-of-63-characters-123456789-123456789-123456789-12345678.test",
     .addresses = "192.0.2.63"},
    {.name = NULL},
};

static dns_server *server;

/* What a look-up brought. */
typedef struct outcome {
    int calls;
    size_t count;
    bool stale, partial;
    rp_address addresses[RP_ADDRESSES_LIMIT];
    rp_error error;       /* status RP_OK: none */
    rp_resolver *release; /* released by the callback */
} outcome;

static void on_lookup(void *user, const rp_resolved *resolved)
{
    outcome *result = user;
    result->calls++;
    result->count = resolved->count;
    result->stale = resolved->stale;
    result->partial = resolved->partial;
    if (resolved->error != NULL) {
        result->error = *resolved->error;
        assert_int_equal(resolved->count, 0);
    } else {
        assert_in_range(resolved->count, 1, RP_ADDRESSES_LIMIT);
        memcpy(result->addresses, resolved->addresses, resolved->count * sizeof(rp_address));
    }
    rp_resolver_release(result->release);
}

static rp_lookup *start(rp_loop *loop, rp_resolver *resolver, const char *host, outcome *result)
{
    *result = (outcome){.release = result->release};
    rp_lookup *lookup = rp__lookup_start(loop, resolver, host, 443, 0, on_lookup, result);
    assert_non_null(lookup);
    assert_int_equal(result->calls, 0);
    return lookup;
}

static void look_up(rp_loop *loop, rp_resolver *resolver, const char *host, outcome *result)
{
    (void)start(loop, resolver, host, result);
    rp_loop_run(loop);
    assert_int_equal(result->calls, 1);
}

/* "192.0.2.1:443 [2001:db8::1]:443" */
static const char *texts(const outcome *result)
{
    static char text[RP_ADDRESSES_LIMIT * RP_ADDRESS_TEXT_SIZE];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < result->count; i++) {
        char address[RP_ADDRESS_TEXT_SIZE];
        int size = snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "",
                            rp__address_text(&result->addresses[i], true, address));
        used += (size_t)size;
    }
    return text;
}

static void expect_error(const outcome *result, rp_status status, const char *text)
{
    assert_int_equal(result->count, 0);
    assert_string_equal(result->error.text, text);
    assert_int_equal(result->error.status, status);
    assert_int_equal(result->error.phase, RP_PHASE_RESOLVE);
}

/* ---- without asking ---- */

static void answers_literals_and_localhost_without_a_thread(void **state)
{
    static const struct {
        const char *host, *expected;
    } cases[] = {
        {"192.0.2.7", "192.0.2.7:443"},
        {"2001:db8::7", "[2001:db8::7]:443"},
        {"[2001:db8::7]", "[2001:db8::7]:443"},
        {"fe80::1%3", "[fe80::1%3]:443"},
        {"localhost", "127.0.0.1:443 [::1]:443"},
        {"LocalHost", "127.0.0.1:443 [::1]:443"},
        {"localhost.", "127.0.0.1:443 [::1]:443"},
        {"api.localhost", "127.0.0.1:443 [::1]:443"},
    };
    (void)state;
    size_t threads = fixture_threads(), descriptors;
    rp_loop *loop = fixture_loop();
    outcome result = {0};
    descriptors = fixture_descriptors();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        look_up(loop, NULL, cases[i].host, &result);
        assert_string_equal(texts(&result), cases[i].expected);
    }
    assert_int_equal(fixture_threads(), threads);
    assert_int_equal(fixture_descriptors(), descriptors);
    assert_null(loop->resolver);
    fixture_loop_end(loop);
}

static void refuses_what_is_no_host_name(void **state)
{
    static const struct {
        const char *host, *expected;
    } cases[] = {
        {"", "host name \"\" is empty"},
        {".", "host name \".\" is empty"},
        {"a..b", "host name \"a..b\" has an empty label"},
        {".a", "host name \".a\" has an empty label"},
        {"a..", "host name \"a..\" has an empty label"},
        {"a b", "host name \"a b\" has a character that is not allowed in a host name"},
        {"a\\032b", "host name \"a\\032b\" has a character that is not allowed in a host name"},
        {"a\nb", "host name \"a?b\" has a character that is not allowed in a host name"},
        {"b\xC3\xBC"
         "cher.test",
         "host name \"b\xC3\xBC"
         "cher.test\" is not ASCII: its xn-- form is needed"},
        {"127.1", "host name \"127.1\" is not a valid IP address"},
        {"010.0.0.1", "host name \"010.0.0.1\" is not a valid IP address"},
        {"192.0.2.7.", "host name \"192.0.2.7.\" is not a valid IP address"},
        {"2130706433", "host name \"2130706433\" is not a valid IP address"},
        {"0x7f000001", "host name \"0x7f000001\" is not a valid IP address"},
        {"127.0.0.0X1", "host name \"127.0.0.0X1\" is not a valid IP address"},
        {"a.0x", "host name \"a.0x\" is not a valid IP address"},
        {"[192.0.2.7]", "host name \"[192.0.2.7]\" is not a valid IP address"},
        {"[localhost]", "host name \"[localhost]\" is not a valid IP address"},
        {"fe80::1%eth0", "host name \"fe80::1%eth0\" is not a valid IP address"},
        {"[::1", "host name \"[::1\" is not a valid IP address"},
        {"a]b.test", "host name \"a]b.test\" is not a valid IP address"},
        {"a[b.test", "host name \"a[b.test\" is not a valid IP address"},
        {"a{b.test", "host name \"a{b.test\" has a character that is not allowed in a host name"},
        {"::1::", "host name \"::1::\" is not a valid IP address"},
    };
    (void)state;
    rp_loop *loop = fixture_loop();
    outcome result = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        look_up(loop, NULL, cases[i].host, &result);
        expect_error(&result, RP_E_RESOLVE_NOT_FOUND, cases[i].expected);
    }
    assert_null(loop->resolver);
    fixture_loop_end(loop);
}

static void knows_the_limits_of_names(void **state)
{
    static const char label[] = "a-label-of-63-characters-123456789-123456789-123456789-12345678";
    char host[400];
    (void)state;
    assert_int_equal(strlen(label), 63);
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};

    (void)snprintf(host, sizeof(host), "%s.test", label);
    look_up(loop, resolver, host, &result);
    assert_string_equal(texts(&result), "192.0.2.63:443");

    (void)snprintf(host, sizeof(host), "%s1.test", label);
    look_up(loop, resolver, host, &result);
    assert_int_equal(result.error.status, RP_E_RESOLVE_NOT_FOUND);
    assert_non_null(strstr(result.error.text, "has a label longer than 63 characters"));

    /* 253 characters and a final dot are asked for, 254 are not. */
    (void)snprintf(host, sizeof(host), "%s.%s.%s.%.61s.", label, label, label, label);
    assert_int_equal(strlen(host), 254);
    unsigned questions = dns_server_questions(server);
    look_up(loop, resolver, host, &result);
    assert_int_equal(result.error.status, RP_E_RESOLVE_NOT_FOUND);
    assert_non_null(strstr(result.error.text, "no such host"));
    assert_true(dns_server_questions(server) > questions);

    (void)snprintf(host, sizeof(host), "%s.%s.%s.%.62s", label, label, label, label);
    assert_int_equal(strlen(host), 254);
    questions = dns_server_questions(server);
    look_up(loop, resolver, host, &result);
    assert_non_null(strstr(result.error.text, "is longer than 253 characters"));
    assert_int_equal(dns_server_questions(server), questions);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

/* ---- overrides and options ---- */

static void follows_overrides(void **state)
{
    static const char *const overrides[] = {
        "*:8443:192.0.2.9",
        "api.test:443:192.0.2.1,192.0.2.2",
        "api.test:*:192.0.2.3",
        "api.test:444:192.0.2.4",
        "Six.Test:443:2001:db8::1,[2001:db8::2],192.0.2.5",
        "localhost:*:192.0.2.6",
        "[2001:db8::99]:443:192.0.2.7",
        "192.0.2.99:443:192.0.2.8",
    };
    static const struct {
        const char *host;
        uint16_t port;
        const char *expected;
    } cases[] = {
        {"api.test", 443, "192.0.2.1:443 192.0.2.2:443"},
        {"API.test.", 443, "192.0.2.1:443 192.0.2.2:443"},
        {"api.test", 80, "192.0.2.3:80"},
        {"api.test", 444, "192.0.2.3:444"}, /* the first entry that fits */
        {"six.test", 443, "[2001:db8::1]:443 192.0.2.5:443 [2001:db8::2]:443"}, /* by turns */
        {"localhost", 8080, "192.0.2.6:8080"},
        {"a.localhost", 8080, "127.0.0.1:8080 [::1]:8080"},
        {"2001:db8::99", 443, "192.0.2.7:443"},
        {"[2001:db8::99]", 443, "192.0.2.7:443"},
        {"192.0.2.99", 443, "192.0.2.8:443"},
        {"192.0.2.99", 444, "192.0.2.99:444"},
        {"any.test", 8443, "192.0.2.9:8443"},
        {"192.0.2.99", 8443, "192.0.2.9:8443"},
        {"api.test", 8443, "192.0.2.3:8443"}, /* which has one of its own */
    };
    (void)state;
    size_t threads = fixture_threads();
    rp_loop *loop = fixture_loop();
    rp_error error;
    rp_resolver_options options = {.overrides = overrides,
                                   .override_count = sizeof(overrides) / sizeof(overrides[0])};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_resolver *resolver = NULL; /* of its own: the addresses take turns */
        outcome result = {0};
        if (rp_resolver_create(&resolver, &options, &error) != RP_OK)
            fail_msg("%s", error.text);
        assert_non_null(
            rp__lookup_start(loop, resolver, cases[i].host, cases[i].port, 0, on_lookup, &result));
        rp_loop_run(loop);
        assert_int_equal(result.calls, 1);
        assert_string_equal(texts(&result), cases[i].expected);
        rp_resolver_release(resolver);
    }
    assert_int_equal(fixture_threads(), threads);
    fixture_loop_end(loop);
}

static void names_the_wrong_override(void **state)
{
    static const struct {
        const char *entry, *expected;
    } cases[] = {
        {"", "override 2 (\"\") has no valid host name"},
        {":443:192.0.2.1", "override 2 (\":443:192.0.2.1\") has no valid host name"},
        {"*.a:443:192.0.2.1", "override 2 (\"*.a:443:192.0.2.1\") has no valid host name"},
        {"::1:443:192.0.2.1", "override 2 (\"::1:443:192.0.2.1\") has no valid host name"},
        {"[::1:443:192.0.2.1", "override 2 (\"[::1:443:192.0.2.1\") has no valid host name"},
        {"[::1]443:1.2.3.4", "override 2 (\"[::1]443:1.2.3.4\") has no valid host name"},
        {"a b:443:192.0.2.1", "override 2 (\"a b:443:192.0.2.1\") has no valid host name"},
        {"api.test", "override 2 (\"api.test\") is not host:port:address"},
        {"api.test:443", "override 2 (\"api.test:443\") is not host:port:address"},
        {"api.test:443:", "override 2 (\"api.test:443:\") lacks an address"},
        {"api.test:443:192.0.2.1,", "override 2 (\"api.test:443:192.0.2.1,\") lacks an address"},
        {"api.test:443:b.test", "override 2 (\"api.test:443:b.test\") has an invalid address"},
        {"api.test::192.0.2.1",
         "override 2 (\"api.test::192.0.2.1\") has a port that is neither 1 to 65535 nor *"},
        {"api.test:0:192.0.2.1",
         "override 2 (\"api.test:0:192.0.2.1\") has a port that is neither 1 to 65535 nor *"},
        {"api.test:443000:192.0.2.1",
         "override 2 (\"api.test:443000:192.0.2.1\") has a port that is neither 1 to 65535 nor *"},
        {"api.test:4x3:192.0.2.1",
         "override 2 (\"api.test:4x3:192.0.2.1\") has a port that is neither 1 to 65535 nor *"},
        {"api.test:-43:192.0.2.1",
         "override 2 (\"api.test:-43:192.0.2.1\") has a port that is neither 1 to 65535 nor *"},
        {"[::1]", "override 2 (\"[::1]\") has no valid host name"},
        {"api.test:65536:192.0.2.1",
         "override 2 (\"api.test:65536:192.0.2.1\") has a port that is neither 1 to 65535 nor *"},
        {"a.b:1:1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
         "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1",
         "override 2 (\"a.b:1:1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
         "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.\") has more than 16 addresses"},
        {NULL, "override 2 is NULL"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *overrides[] = {"good.test:443:192.0.2.1", cases[i].entry};
        rp_resolver_options options = {.overrides = overrides, .override_count = 2};
        rp_resolver *resolver = NULL;
        rp_error error;
        assert_int_equal(rp_resolver_create(&resolver, &options, &error), RP_E_BAD_OPTION);
        assert_null(resolver);
        assert_string_equal(error.text, cases[i].expected);
    }
}

static void names_the_wrong_server(void **state)
{
    static const char *const good[] = {"192.0.2.1", "192.0.2.1:53,192.0.2.2", "2001:db8::1",
                                       "[2001:db8::1]:5353,192.0.2.1:5353"};
    static const char *const bad[] = {
        "",
        "192.0.2.1,",
        ",192.0.2.1",
        "192.0.2.1, 192.0.2.2",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:",
        "dns.test",
        "dns.test:53",
        "[192.0.2.1]:53",
        "192.0.2.1:5x",
        ("a-name-of-more-than-a-hundred-characters-123456789-123456789-"
         "123456789-123456789-123456789-123456789"),
        "1:2:3:4:5:6:7:8:53"};
    (void)state;
    rp_resolver *resolver = NULL;
    rp_error error;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        rp_resolver_options options = {.servers = good[i]};
        assert_int_equal(rp_resolver_create(&resolver, &options, &error), RP_OK);
        rp_resolver_release(resolver);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        rp_resolver_options options = {.servers = bad[i]};
        assert_int_equal(rp_resolver_create(&resolver, &options, &error), RP_E_BAD_OPTION);
        assert_non_null(strstr(error.text, "is not an IP address with or without a port"));
    }
    struct {
        rp_resolver_options known;
        int future;
    } newer = {.future = 1};
    assert_int_equal(rp_resolver_create_sized(&resolver, &newer.known, sizeof(newer), &error),
                     RP_E_BAD_OPTION);
    rp_resolver_options none = {.override_count = 1};
    assert_int_equal(rp_resolver_create(&resolver, &none, NULL), RP_E_BAD_OPTION);
}

/* ---- real names ---- */

static void resolves_names(void **state)
{
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};
    look_up(loop, resolver, "four.test", &result);
    assert_string_equal(texts(&result), "192.0.2.1:443");
    look_up(loop, resolver, "FOUR.test.", &result);
    assert_string_equal(texts(&result), "192.0.2.1:443");
    look_up(loop, resolver, "_under_score.test", &result);
    assert_string_equal(texts(&result), "192.0.2.5:443");
    look_up(loop, resolver, "half.test", &result);
    assert_string_equal(texts(&result), "192.0.2.9:443");
    assert_in_range(rp_loop_stats_get(loop)->posts, 4, 8); /* one for each family at most */
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static void alternates_families(void **state)
{
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};
    look_up(loop, resolver, "both.test", &result);
    assert_int_equal(result.count, 5);
    /* Which family comes first depends on this machine's routes. */
    size_t alternating = result.addresses[0].family == 4 ? 5 : 4;
    for (size_t i = 1; i < alternating; i++)
        assert_int_not_equal(result.addresses[i].family, result.addresses[i - 1].family);

    look_up(loop, resolver, "many.test", &result);
    assert_int_equal(result.count, RP_ADDRESSES_LIMIT);
    size_t sixes = 0;
    for (size_t i = 0; i < result.count; i++) {
        sixes += result.addresses[i].family == 6;
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(&result.addresses[i], &result.addresses[k], sizeof(rp_address));
    }
    assert_int_equal(sixes, 3);

    /* One of the first family only, and one of the second only: on every machine one is each. */
    static const char *const uneven[] = {"sixes.test", "fours.test"};
    for (size_t i = 0; i < 2; i++) {
        look_up(loop, resolver, uneven[i], &result);
        assert_int_equal(result.count, 4);
        assert_int_not_equal(result.addresses[0].family, result.addresses[1].family);
        assert_int_equal(result.addresses[2].family + result.addresses[3].family, i == 0 ? 12 : 8);
    }
    /* An address that comes twice is one. */
    look_up(loop, resolver, "twice.test", &result);
    assert_int_equal(result.count, 2);
    assert_memory_not_equal(&result.addresses[0], &result.addresses[1], sizeof(rp_address));
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

#ifndef _WIN32
/* No descriptor is given from here on. */
static void lack_descriptors(struct rlimit *before)
{
    struct rlimit none;
    int lowest = dup(STDERR_FILENO);
    assert_true(lowest >= 0);
    assert_int_equal(close(lowest), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
    none = *before;
    none.rlim_cur = (rlim_t)lowest;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static int datagram_sockets(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++) {
        int type;
        socklen_t size = sizeof(type);
        count += getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
    }
    return count;
}

/* It is not the name servers' fault. */
static void says_that_descriptors_lack(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        rp_loop *loop = fixture_loop();
        rp_resolver *resolver = dns_server_resolver(server);
        struct rlimit before;
        outcome result = {0};
        int sockets = datagram_sockets();
        if (kind ==
            1) { /* its thread has begun, and closes what it asked through after the answer */
            look_up(loop, resolver, "four.test", &result);
            while (datagram_sockets() != sockets)
                (void)sched_yield();
        }
        lack_descriptors(&before);
        look_up(loop, resolver, "both.test", &result);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        expect_error(&result, RP_E_NO_DESCRIPTORS,
                     "no descriptor is left for the look-up of both.test");
        look_up(loop, resolver, "both.test", &result);
        assert_int_equal(result.count, 5);
        rp_resolver_release(resolver);
        fixture_loop_end(loop);
    }
}
#endif

static void says_why_there_is_no_answer(void **state)
{
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};
    look_up(loop, resolver, "absent.test", &result);
    expect_error(&result, RP_E_RESOLVE_NOT_FOUND, "absent.test: no such host");
    look_up(loop, resolver, "empty.test", &result);
    expect_error(&result, RP_E_RESOLVE_NOT_FOUND, "empty.test: the host has no address");
    look_up(loop, resolver, "broken.test", &result);
    expect_error(&result, RP_E_RESOLVE_FAILED,
                 "name servers gave no answer for broken.test (SERVFAIL)");
    look_up(loop, resolver, "refused.test", &result);
    expect_error(&result, RP_E_RESOLVE_FAILED,
                 "name servers gave no answer for refused.test (REFUSED)");
    look_up(loop, resolver, "notimp.test", &result);
    expect_error(&result, RP_E_RESOLVE_FAILED,
                 "name servers gave no answer for notimp.test (NOTIMP)");
    look_up(loop, resolver, "formerr.test", &result);
    assert_int_equal(result.error.status, RP_E_RESOLVE_FAILED);
    assert_non_null(strstr(result.error.text, "look-up of formerr.test failed: "));
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static void says_that_no_server_answers(void **state)
{
    rp_address address = raw_loopback(4, 0);
    char text[RP_ADDRESS_TEXT_SIZE];
    (void)state;
    /* A port where nobody listens: the kernel says so at once. */
    raw_close(raw_udp_bind(&address));
    (void)rp__address_text(&address, true, text);

    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = NULL;
    rp_resolver_options options = {.servers = text};
    outcome result = {0};
    assert_int_equal(rp_resolver_create(&resolver, &options, NULL), RP_OK);
    look_up(loop, resolver, "four.test", &result);
    expect_error(&result, RP_E_RESOLVE_FAILED, "name servers did not answer for four.test");
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static void answers_again_from_the_cache(void **state)
{
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};
    look_up(loop, resolver, "cached.test", &result);
    assert_string_equal(texts(&result), "192.0.2.1:443");
    unsigned questions = dns_server_questions(server);
    for (int i = 0; i < 10; i++) {
        look_up(loop, resolver, "cached.test", &result);
        assert_string_equal(texts(&result), "192.0.2.1:443");
    }
    assert_int_equal(dns_server_questions(server), questions);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

/* A name of the hosts file that is not about localhost; "" if there is none. */
static void hosts_entry(char address[64], char name[128])
{
    char line[512];
    FILE *file = fopen(fixture_hosts_file, "r");
    name[0] = '\0';
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "%63[0-9.] %127s", address, name) == 2 &&
            strstr(name, "localhost") == NULL)
            break;
        name[0] = '\0';
    }
    if (file != NULL)
        (void)fclose(file);
}

static void honours_the_hosts_file(void **state)
{
    char address[64], name[128];
    (void)state;
    hosts_entry(address, name);
    if (name[0] == '\0') {
        print_message("no usable name in the hosts file\n");
        return;
    }
    /* The loop's own resolver, which asks nobody for this one. */
    rp_loop *loop = fixture_loop();
    outcome result = {0};
    for (int i = 0; i < 2; i++) {
        look_up(loop, NULL, name, &result);
        assert_non_null(loop->resolver);
        assert_non_null(strstr(texts(&result), address));
    }
    fixture_loop_end(loop);
}

/* ---- threads ---- */

static void keeps_signals_off_the_thread(void **state)
{
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};
    look_up(loop, resolver, "four.test", &result);
    assert_true(fixture_threads_without_signals() >= 1);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static void shares_one_thread(void **state)
{
    (void)state;
    rp_resolver *resolver = dns_server_resolver(server);
    rp_loop *loops[3];
    outcome results[3] = {0};
    size_t threads = fixture_threads();
    for (int i = 0; i < 3; i++) {
        loops[i] = fixture_loop();
        (void)start(loops[i], resolver, "slow.test", &results[i]);
    }
    assert_int_equal(fixture_threads(), threads + 1);
    for (int i = 0; i < 3; i++) {
        rp_loop_run(loops[i]);
        assert_int_equal(results[i].calls, 1);
        assert_string_equal(texts(&results[i]), "192.0.2.4:443");
    }
    rp_resolver_release(resolver);
    for (int i = 0; i < 3; i++)
        fixture_loop_end(loops[i]);
}

/* ---- life ---- */

static void keeps_the_loop_running(void **state)
{
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};
    (void)start(loop, resolver, "slow.test", &result);
    assert_true(rp_loop_pending(loop));
    rp_loop_run(loop);
    assert_int_equal(result.calls, 1);
    assert_false(rp_loop_pending(loop));
    /* Asleep all the while. */
    assert_in_range(rp_loop_stats_get(loop)->turns, 1, 2);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static void cancels(void **state)
{
    static const char *const hosts[] = {"localhost", "a..b", "silent.test", "slow.test",
                                        "four.test"};
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        rp__lookup_cancel(start(loop, resolver, hosts[i], &result));
        assert_false(rp_loop_pending(loop));
        rp_loop_turn(loop, 0);
        assert_int_equal(result.calls, 0);
    }
    /* The loop goes on, and the abandoned answers come to nobody. */
    look_up(loop, resolver, "slow.test", &result);
    fixture_sleep_ms(50);
    rp_loop_turn(loop, 0);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static void cancels_in_the_callback(void **state);
static rp_lookup *cancelled;

static void on_lookup_cancel(void *user, const rp_resolved *resolved)
{
    on_lookup(user, resolved);
    rp__lookup_cancel(cancelled);
}

static void cancels_in_the_callback(void **state)
{
    static const char *const hosts[] = {"localhost", "four.test"};
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    for (size_t i = 0; i < 2; i++) {
        outcome result = {0}, other = {0};
        assert_non_null(
            rp__lookup_start(loop, resolver, hosts[i], 443, 0, on_lookup_cancel, &result));
        cancelled = start(loop, resolver, "silent.test", &other);
        rp_loop_run(loop);
        assert_int_equal(result.calls, 1);
        assert_int_equal(other.calls, 0);
    }
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

/* Waits until c-ares has handed the answer over, without a turn of the loop. */
static void wait_for_post(rp_loop *loop)
{
    for (int i = 0; i < 2000 && atomic_load(&loop->posts) == NULL; i++)
        fixture_sleep_ms(1);
    assert_non_null(atomic_load(&loop->posts));
}

static void cancels_what_is_answered(void **state)
{
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};
    uint64_t base = rp__resolver_memory(resolver)->live + 1;
    rp_lookup *lookup = start(loop, resolver, "four.test", &result);
    wait_for_post(loop);
    rp__lookup_cancel(lookup);
    assert_int_equal(rp_loop_turn(loop, 1000) > 0, true);
    assert_int_equal(result.calls, 0);
    assert_int_equal(rp__resolver_memory(resolver)->live, base); /* and the name */

    /* The answered query is the resolver's last holder. */
    lookup = start(loop, resolver, "four.test", &result);
    wait_for_post(loop);
    rp__lookup_cancel(lookup);
    rp_resolver_release(resolver);
    rp_loop_turn(loop, 1000);
    fixture_loop_end(loop);
}

static void survives_the_end_of_the_loop(void **state)
{
    static const char *const hosts[] = {"localhost", "silent.test", "slow.test", "four.test"};
    (void)state;
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        rp_loop *loop = fixture_loop();
        (void)start(loop, resolver, hosts[i], &result);
        fixture_loop_end(loop);
        assert_int_equal(result.calls, 1);
        /* The quick one's answer may have been posted before: then it is told. */
        if (i < 3 || result.count == 0)
            expect_error(&result, RP_E_CANCELLED, "the loop was destroyed");
        result = (outcome){0};
    }
    /* The answers of the slow ones come while nobody is left. */
    fixture_sleep_ms(150);

    /* Answered, not yet delivered: wanted, and cancelled. */
    for (int i = 0; i < 2; i++) {
        rp_loop *loop = fixture_loop();
        rp_lookup *lookup = start(loop, resolver, "four.test", &result);
        wait_for_post(loop);
        if (i == 1)
            rp__lookup_cancel(lookup);
        fixture_loop_end(loop);
        assert_int_equal(result.calls, 1 - i);
    }
    rp_resolver_release(resolver);
}

typedef struct late_cancel {
    rp_post post;
    rp_loop *loop;
    rp_lookup *lookup;
    bool wait;
} late_cancel;

static void on_late_cancel(rp_post *post, void *user)
{
    late_cancel *late = user;
    (void)post;
    if (late->wait)
        wait_for_post(late->loop);
    rp__lookup_cancel(late->lookup);
}

/* Cancelled by one of the posts that rp_loop_destroy runs, when the answer is posted: behind this
 * one, so that it is run too, or after these were taken, so that it never is. */
static void cancels_what_is_answered_at_the_end(void **state)
{
    (void)state;
    rp_resolver *resolver = dns_server_resolver(server);
    uint64_t base = rp__resolver_memory(resolver)->live;
    for (int i = 0; i < 2; i++) {
        rp_loop *loop = fixture_loop();
        outcome result = {0};
        late_cancel late = {.loop = loop, .wait = i == 1};
        late.post = (rp_post){.fn = on_late_cancel, .user = &late};
        late.lookup = start(loop, resolver, i == 0 ? "four.test" : "slow.test", &result);
        if (i == 0) {
            wait_for_post(loop);
            /* The newest is the head: this one is to come before the answer. */
            rp_post *answer = atomic_exchange(&loop->posts, NULL);
            rp_loop_post(loop, &late.post);
            rp_loop_post(loop, answer);
        } else {
            rp_loop_post(loop, &late.post);
        }
        fixture_loop_end(loop);
        assert_int_equal(result.calls, 0);
        base++;
        assert_int_equal(rp__resolver_memory(resolver)->live, base); /* and the name */
    }
    rp_resolver_release(resolver);
}

static void ends_with_its_last_holder(void **state)
{
    (void)state;
    /* Inside the callback of a look-up, with others abandoned under way. */
    rp_loop *loop = fixture_loop();
    outcome result = {0}, other = {0};
    rp_resolver *resolver = dns_server_resolver(server);
    result.release = resolver;
    (void)start(loop, resolver, "four.test", &result);
    rp__lookup_cancel(start(loop, resolver, "silent.test", &other));
    rp_loop_run(loop);
    assert_int_equal(result.calls, 1);

    /* By cancelling the look-up that holds it. */
    resolver = dns_server_resolver(server);
    rp_lookup *lookup = start(loop, resolver, "silent.test", &other);
    rp_resolver_release(resolver);
    rp__lookup_cancel(lookup);

    /* Released while a look-up goes on: it ends as ever. */
    resolver = dns_server_resolver(server);
    result.release = NULL;
    (void)start(loop, resolver, "slow.test", &result);
    rp_resolver_release(resolver);
    rp_loop_run(loop);
    assert_string_equal(texts(&result), "192.0.2.4:443");

    /* By the end of the loop. */
    resolver = dns_server_resolver(server);
    (void)start(loop, resolver, "silent.test", &result);
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
    assert_int_equal(result.error.status, RP_E_CANCELLED);
    rp_resolver_release(NULL);
}

static void on_lookup_again(void *user, const rp_resolved *resolved)
{
    outcome *result = user;
    rp_loop *loop = (rp_loop *)(void *)result->release;
    result->release = NULL;
    on_lookup(user, resolved);
    result->release = NULL;
    assert_non_null(rp__lookup_start(loop, NULL, "four.test", 443, 0, on_lookup, result));
}

static void starts_nothing_on_a_dying_loop(void **state)
{
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {.release = (rp_resolver *)(void *)loop};
    assert_non_null(
        rp__lookup_start(loop, resolver, "silent.test", 443, 0, on_lookup_again, &result));
    fixture_loop_end(loop);
    assert_int_equal(result.calls, 2);
    expect_error(&result, RP_E_CANCELLED, "the loop was destroyed");
    rp_resolver_release(resolver);
}

static void survives_lack_of_memory(void **state)
{
    static const char *const hosts[] = {"localhost", "four.test"};
    (void)state;
    rp_loop *loop = fixture_loop();
    rp_resolver *resolver = dns_server_resolver(server);
    outcome result = {0};
    for (size_t i = 0; i < 2; i++) {
        look_up(loop, resolver, hosts[i], &result);
        loop->memory.fail_in = 1;
        assert_null(rp__lookup_start(loop, resolver, hosts[i], 443, 0, on_lookup, &result));
        assert_int_equal(loop->memory.fail_in, 0);
        assert_false(rp_loop_pending(loop));
    }
    rp__resolver_memory(resolver)->fail_in = 1;
    assert_null(rp__lookup_start(loop, resolver, "slow.test", 443, 0, on_lookup, &result));
    assert_int_equal(rp__resolver_memory(resolver)->fail_in, 0);
    assert_false(rp_loop_pending(loop));
    rp_loop_turn(loop, 0);
    look_up(loop, resolver, "four.test", &result);
    assert_string_equal(texts(&result), "192.0.2.1:443");
    rp_resolver_release(resolver);
    fixture_loop_end(loop);
}

static const struct CMUnitTest tests[] = {
    fixture_test(answers_literals_and_localhost_without_a_thread),
    fixture_test(refuses_what_is_no_host_name),
    fixture_test(knows_the_limits_of_names),
    fixture_test(follows_overrides),
    fixture_test(names_the_wrong_override),
    fixture_test(names_the_wrong_server),
    fixture_test(resolves_names),
    fixture_test(alternates_families),
    fixture_test(says_why_there_is_no_answer),
#ifndef _WIN32
    fixture_test(says_that_descriptors_lack),
#endif
    fixture_test(says_that_no_server_answers),
    fixture_test(answers_again_from_the_cache),
    fixture_test(honours_the_hosts_file),
    fixture_test(keeps_signals_off_the_thread),
    fixture_test(shares_one_thread),
    fixture_test(keeps_the_loop_running),
    fixture_test(cancels),
    fixture_test(cancels_in_the_callback),
    fixture_test(cancels_what_is_answered),
    fixture_test(survives_the_end_of_the_loop),
    fixture_test(cancels_what_is_answered_at_the_end),
    fixture_test(ends_with_its_last_holder),
    fixture_test(starts_nothing_on_a_dying_loop),
    fixture_test(survives_lack_of_memory),
};

int main(void)
{
    server = dns_server_start(rules);
    int failed = fixture_run(tests);
    dns_server_stop(server);
    return failed;
}
