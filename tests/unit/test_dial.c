/* test_dial.c - what a dial says of failures that no real network gives on demand. */
#include "base/error.h"
#include "net/dial.h"

#include "support/fake_port.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct outcome {
    int calls;
    rp_error error;
    rp_address address;
} outcome;

static void on_dial(void *user, const rp_dial_result *result)
{
    outcome *got = user;
    got->calls++;
    got->address = result->address;
    assert_null(result->socket);
    got->error = *result->error;
}

#define OPEN(of_open, code)                                                                        \
    {                                                                                              \
        .open = {.status = (of_open), .os_code = (code) }                                          \
    }
#define CONNECT(of_connect, code)                                                                  \
    {                                                                                              \
        .connect = {.status = (of_connect), .os_code = (code) }                                    \
    }

/* The first so many addresses are tried; %s: the system's text for os_code. */
typedef struct dial_case {
    fake_attempt attempts[3];
    size_t count;
    rp_status status;
    int os_code;
    const char *text;
} dial_case;

static const dial_case cases[] = {
    /* Each failure has words of its own. */
    {{CONNECT(RP_E_CONNECT_REFUSED, ECONNREFUSED)},
     1,
     RP_E_CONNECT_REFUSED,
     ECONNREFUSED,
     "connection to h.test (192.0.2.1:443) refused"},
    {{CONNECT(RP_E_CONNECT_UNREACHABLE, EHOSTUNREACH)},
     1,
     RP_E_CONNECT_UNREACHABLE,
     EHOSTUNREACH,
     "no way to h.test (192.0.2.1:443): %s"},
    {{CONNECT(RP_E_NO_LOCAL_PORTS, EADDRNOTAVAIL)},
     1,
     RP_E_NO_LOCAL_PORTS,
     EADDRNOTAVAIL,
     "no local port is left for a connection to h.test (192.0.2.1:443): %s"},
    {{CONNECT(RP_E_CONNECT_FAILED, ENOPROTOOPT)},
     1,
     RP_E_CONNECT_FAILED,
     ENOPROTOOPT,
     "no connection to h.test (192.0.2.1:443): %s"},
    {{OPEN(RP_E_NO_DESCRIPTORS, EMFILE)},
     1,
     RP_E_NO_DESCRIPTORS,
     EMFILE,
     "no descriptor is left for a connection to h.test (192.0.2.1:443): %s"},
    {{OPEN(RP_E_NO_MEMORY, 0)},
     1,
     RP_E_NO_MEMORY,
     0,
     "no memory for a connection to h.test (192.0.2.1:443)"},
    {{OPEN(RP_E_UNSUPPORTED, EAFNOSUPPORT)},
     1,
     RP_E_UNSUPPORTED,
     EAFNOSUPPORT,
     "this system has no means of a connection to h.test (192.0.2.1:443): %s"},
    /* A socket that could not be made is, to the caller, a connection that failed. */
    {{OPEN(RP_E_IO_FAILED, EIO)},
     1,
     RP_E_CONNECT_FAILED,
     EIO,
     "no connection to h.test (192.0.2.1:443): %s"},

    /* Of several, the most telling one, and of these the first. */
    {{OPEN(RP_E_UNSUPPORTED, EAFNOSUPPORT), CONNECT(RP_E_CONNECT_UNREACHABLE, ENETUNREACH)},
     2,
     RP_E_CONNECT_UNREACHABLE,
     ENETUNREACH,
     "no way to h.test (192.0.2.2:443): %s; both addresses failed"},
    {{CONNECT(RP_E_CONNECT_UNREACHABLE, ENETUNREACH), CONNECT(RP_E_CONNECT_REFUSED, ECONNREFUSED),
      OPEN(RP_E_UNSUPPORTED, EAFNOSUPPORT)},
     3,
     RP_E_CONNECT_REFUSED,
     ECONNREFUSED,
     "connection to h.test (192.0.2.2:443) refused; all 3 addresses failed"},
    {{CONNECT(RP_E_CONNECT_REFUSED, ECONNREFUSED), CONNECT(RP_E_NO_LOCAL_PORTS, EADDRNOTAVAIL),
      OPEN(RP_E_NO_DESCRIPTORS, EMFILE)},
     3,
     RP_E_NO_LOCAL_PORTS,
     EADDRNOTAVAIL,
     "no local port is left for a connection to h.test (192.0.2.2:443): %s; all 3 addresses "
     "failed"},
    {{CONNECT(RP_E_CONNECT_REFUSED, ECONNREFUSED), OPEN(RP_E_NO_MEMORY, 0)},
     2,
     RP_E_NO_MEMORY,
     0,
     "no memory for a connection to h.test (192.0.2.2:443); both addresses failed"},
    {{CONNECT(RP_E_CONNECT_REFUSED, ECONNREFUSED), CONNECT(RP_E_CONNECT_REFUSED, ECONNREFUSED)},
     2,
     RP_E_CONNECT_REFUSED,
     ECONNREFUSED,
     "connection to h.test refused by both addresses (first 192.0.2.1:443)"},
};

/* To the addresses of override, by these attempts; opened: sockets. */
static outcome dial_by(const char *override, const fake_attempt *attempts, size_t count,
                       size_t *opened)
{
    rp_resolver_options resolver_options = {.overrides = &override, .override_count = 1};
    rp_resolver *resolver = NULL;
    assert_int_equal(rp_resolver_create(&resolver, &resolver_options, NULL), RP_OK);
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    fake->attempts = attempts;
    fake->attempt_count = count;

    outcome got = {0};
    rp_dial_options options = {.host = "h.test",
                               .port = 443,
                               .resolver = resolver,
                               .resolve_timeout_ms = RP_NEVER_MS,
                               .connect_timeout_ms = RP_NEVER_MS};
    assert_non_null(rp__dial_start(loop, &options, on_dial, &got));
    assert_int_equal(got.calls, 0);
    rp_loop_run(loop);
    assert_int_equal(got.calls, 1);
    *opened = fake->opened;
    rp_loop_destroy(loop);
    rp_resolver_release(resolver);
    return got;
}

static void check_case(const dial_case *c)
{
    static const char *const hosts[] = {"h.test:443:192.0.2.1", "h.test:443:192.0.2.1,192.0.2.2",
                                        "h.test:443:192.0.2.1,192.0.2.2,192.0.2.3"};
    size_t opened;
    outcome got = dial_by(hosts[c->count - 1], c->attempts, c->count, &opened);
    char expected[300];
    const char *rest = strstr(c->text, "%s");
    size_t before = rest == NULL ? strlen(c->text) : (size_t)(rest - c->text);
    (void)snprintf(expected, sizeof(expected), "%.*s%s%s", (int)before, c->text,
                   rest == NULL ? "" : rp__os_error_text(c->os_code), rest == NULL ? "" : rest + 2);
    assert_string_equal(got.error.text, expected);
    assert_int_equal(got.error.status, c->status);
    assert_int_equal(got.error.phase, RP_PHASE_CONNECT);
    assert_int_equal(got.error.os_code, c->os_code);
    assert_int_equal(got.address.bytes[3], c->count); /* the last one tried */
    assert_int_equal(opened, c->count);
}

static void tells_why_there_is_no_connection(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].text);
        check_case(&cases[i]);
    }
}

/* Nor does the system tell IPv6 that is switched off from ports that are all taken (EADDRNOTAVAIL);
 * but it has no address of ours then, as for a link-local address of no interface. So it is not the
 * news where IPv4 was refused. */
static void tells_lack_of_ipv6_from_lack_of_ports(void **state)
{
    static const char *const hosts[] = {"h.test:443:fe80::1", "h.test:443:192.0.2.1,fe80::1"};
    static const fake_attempt attempts[] = {CONNECT(RP_E_CONNECT_REFUSED, ECONNREFUSED),
                                            CONNECT(RP_E_NO_LOCAL_PORTS, EADDRNOTAVAIL)};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t opened;
        outcome got = dial_by(hosts[i], i == 0 ? attempts + 1 : attempts, i + 1, &opened);
        assert_int_equal(opened, i + 1);
        assert_int_equal(got.error.status,
                         i == 0 ? RP_E_CONNECT_UNREACHABLE : RP_E_CONNECT_REFUSED);
        assert_int_equal(got.error.os_code, i == 0 ? EADDRNOTAVAIL : ECONNREFUSED);
        assert_memory_equal(got.error.text, i == 0 ? "no way to" : "connection", 9);
    }
}

/* ---- a family that comes late ---- */

static void pass_ms(rp_loop *loop, fake_port *fake, uint64_t ms)
{
    fake->passes_ns = ms * 1000000;
    (void)rp_loop_turn(loop, 0);
    fake->passes_ns = 0;
}

/* One family's address refuses; the other family's address comes, or does not. */
static void waits_for_the_late_family(void **state)
{
    static const fake_attempt attempts[] = {CONNECT(RP_E_CONNECT_REFUSED, ECONNREFUSED),
                                            CONNECT(RP_E_CONNECT_REFUSED, ECONNREFUSED)};
    static const rp_address addresses[] = {{.family = 4, .bytes = {192, 0, 2, 1}},
                                           {.family = 6, .bytes = {0x20, 1, 0x0D, 0xB8, [15] = 1}}};
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        for (unsigned comes = 0; comes < 2; comes++) {
            fake_port *fake = NULL;
            rp_loop *loop = fake_port_loop(&fake, NULL, true);
            outcome got = {0};
            rp_dial_options options = {.host = "h.test",
                                       .port = 443,
                                       .resolve_timeout_ms = 10000,
                                       .connect_timeout_ms = 10000};
            fake->addresses = addresses;
            fake->address_count = 2;
            fake->ttl_s = 60;
            fake->silent[late] = true;
            fake->attempts = attempts;
            fake->attempt_count = 2;
            assert_non_null(rp__dial_start(loop, &options, on_dial, &got));
            pass_ms(loop, fake, 1);
            pass_ms(loop, fake, 50); /* the patience */
            pass_ms(loop, fake, 1);  /* refused */
            assert_int_equal(fake->opened, 1);
            assert_int_equal(got.calls, 0);
            if (comes == 1) {
                fake->silent[late] = false;
                pass_ms(loop, fake, 1);
                pass_ms(loop, fake, 1);
                assert_int_equal(got.calls, 1);
                assert_non_null(strstr(got.error.text, "refused by both addresses"));
                assert_int_equal(fake->opened, 2);
            } else {
                pass_ms(loop, fake, RP_LATE_FAMILY_MS - 10);
                assert_int_equal(got.calls, 0);
                pass_ms(loop, fake, 20);
                assert_int_equal(got.calls, 1);
                assert_int_equal(got.error.status, RP_E_CONNECT_REFUSED);
                assert_int_equal(fake->opened, 1);
            }
            rp_loop_destroy(loop);
        }
    }
}

/* ---- the caller's rules ---- */

typedef struct asked {
    char addresses[8][64];
    size_t count;
    const char *refused; /* what begins so is refused */
    uint32_t kinds;      /* of the last one */
} asked;

static const char *ask(const rp_target *target, void *user)
{
    asked *a = user;
    assert_string_equal(target->host, "h.test");
    assert_int_equal(target->port, 443);
    assert_true(target->size == 4 || target->size == 16);
    assert_true(a->count < 8);
    (void)snprintf(a->addresses[a->count++], 64, "%s", target->address);
    a->kinds = target->kinds;
    bool refused = strncmp(target->address, a->refused, strlen(a->refused)) == 0;
    return refused ? "not in the plan" : NULL;
}

/* What is refused is not opened: attempts are those of the others. */
typedef struct rule_case {
    const char *addresses;
    uint32_t refuse;
    const char *hook; /* NULL: none */
    fake_attempt attempts[3];
    size_t attempt_count;
    rp_status status;
    const char *text;
} rule_case;

#define REFUSED CONNECT(RP_E_CONNECT_REFUSED, ECONNREFUSED)

static const rule_case rule_cases[] = {
    {"10.0.0.1",
     RP_ADDRESS_NOT_PUBLIC,
     NULL,
     {{.open = {0}}},
     0,
     RP_E_ADDRESS_REFUSED,
     "connection to h.test (10.0.0.1:443) forbidden by this program's refuse_addresses: private"},
    {"64:ff9b::a9fe:a9fe",
     RP_ADDRESS_METADATA,
     NULL,
     {{.open = {0}}},
     0,
     RP_E_ADDRESS_REFUSED,
     "connection to h.test ([64:ff9b::a9fe:a9fe]:443) forbidden by this program's "
     "refuse_addresses: metadata service"},
    {"169.254.169.254",
     RP_ADDRESS_LINK_LOCAL,
     NULL,
     {{.open = {0}}},
     0,
     RP_E_ADDRESS_REFUSED,
     "connection to h.test (169.254.169.254:443) forbidden by this program's refuse_addresses: "
     "link-local"},
    {"10.0.0.1",
     RP_ADDRESS_NOT_PUBLIC - RP_ADDRESS_PRIVATE,
     NULL,
     {REFUSED},
     1,
     RP_E_CONNECT_REFUSED,
     "connection to h.test (10.0.0.1:443) refused"},
    {"10.0.0.1",
     0,
     "10.",
     {{.open = {0}}},
     0,
     RP_E_ADDRESS_REFUSED,
     "connection to h.test (10.0.0.1:443) forbidden by this program's on_address: not in the plan"},
    {"10.0.0.1,127.0.0.1,::1",
     RP_ADDRESS_LOOPBACK,
     "10.",
     {{.open = {0}}},
     0,
     RP_E_ADDRESS_REFUSED,
     "connection to h.test (10.0.0.1:443) forbidden by this program's on_address: not in the "
     "plan; all 3 addresses are forbidden"},
    /* The others are used, wherever the refused one stands. */
    {"10.0.0.1,8.8.8.8",
     RP_ADDRESS_NOT_PUBLIC,
     NULL,
     {REFUSED},
     1,
     RP_E_CONNECT_REFUSED,
     "connection to h.test (8.8.8.8:443) refused; 1 of 2 addresses forbidden by this program"},
    {"8.8.8.8,10.0.0.1",
     RP_ADDRESS_NOT_PUBLIC,
     NULL,
     {REFUSED},
     1,
     RP_E_CONNECT_REFUSED,
     "connection to h.test (8.8.8.8:443) refused; 1 of 2 addresses forbidden by this program"},
    {"8.8.8.8,10.0.0.1,9.9.9.9",
     RP_ADDRESS_NOT_PUBLIC,
     NULL,
     {REFUSED, REFUSED},
     2,
     RP_E_CONNECT_REFUSED,
     "connection to h.test (8.8.8.8:443) refused; 1 of 3 addresses forbidden by this program"},
};

static void check_rule(const rule_case *c)
{
    char override[100];
    const char *const overrides[] = {override};
    rp_resolver_options resolver_options = {.overrides = overrides, .override_count = 1};
    rp_resolver *resolver = NULL;
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    asked a = {.refused = c->hook};
    outcome got = {0};
    (void)snprintf(override, sizeof(override), "h.test:443:%s", c->addresses);
    assert_int_equal(rp_resolver_create(&resolver, &resolver_options, NULL), RP_OK);
    fake->attempts = c->attempts;
    fake->attempt_count = c->attempt_count;
    rp_dial_options options = {.host = "h.test",
                               .port = 443,
                               .resolver = resolver,
                               .rules = {c->refuse, c->hook == NULL ? NULL : ask, &a},
                               .resolve_timeout_ms = RP_NEVER_MS,
                               .connect_timeout_ms = RP_NEVER_MS};
    assert_non_null(rp__dial_start(loop, &options, on_dial, &got));
    assert_int_equal(got.calls, 0);
    rp_loop_run(loop);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.error.status, c->status);
    assert_int_equal(got.error.phase, RP_PHASE_CONNECT);
    assert_string_equal(got.error.text, c->text);
    assert_int_equal(fake->opened, c->attempt_count);
    rp_loop_destroy(loop);
    rp_resolver_release(resolver);
}

static void keeps_to_the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rule_cases) / sizeof(rule_cases[0]); i++) {
        print_message("%s\n", rule_cases[i].text);
        check_rule(&rule_cases[i]);
    }
}

/* Addresses that are given, and those of a family that comes late, are asked of like the others;
 * while it is waited for, a deadline that passes does not hide why. */
static void asks_of_given_and_late_addresses(void **state)
{
    static const rp_address addresses[] = {{.family = 4, .port = 443, .bytes = {10, 0, 0, 1}},
                                           {.family = 6, .port = 443, .bytes = {0xFC, [15] = 1}}};
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        fake_port *fake = NULL;
        rp_loop *loop = fake_port_loop(&fake, NULL, true);
        asked a = {.refused = ""};
        outcome got = {0};
        rp_dial_options options = {.host = "h.test",
                                   .port = 443,
                                   .rules = {0, ask, &a},
                                   .resolve_timeout_ms = RP_NEVER_MS,
                                   .connect_timeout_ms = way == 2 ? 200 : 10000};
        if (way == 0) {
            options.addresses = addresses;
            options.count = 2;
        }
        fake->addresses = addresses;
        fake->address_count = 2;
        fake->ttl_s = 60;
        fake->silent[0] = true;
        assert_non_null(rp__dial_start(loop, &options, on_dial, &got));
        for (unsigned i = 0; i < 5; i++)
            pass_ms(loop, fake, 30);
        assert_int_equal(got.calls, way == 0);
        fake->silent[0] = way == 2;
        for (unsigned i = 0; i < 5 && got.calls == 0; i++)
            pass_ms(loop, fake, 30);
        assert_int_equal(got.calls, 1);
        assert_int_equal(got.error.status, RP_E_ADDRESS_REFUSED);
        assert_int_equal(a.count, way == 2 ? 1 : 2);
        assert_string_equal(a.addresses[0], way == 0 ? "10.0.0.1:443" : "[fc00::1]:443");
        assert_int_equal(fake->opened, 0);
        rp_loop_destroy(loop);
    }
}

/* What was refused is not counted with those that did not answer. */
static void counts_those_that_were_tried(void **state)
{
    static const rp_address addresses[] = {{.family = 4, .port = 443, .bytes = {10, 0, 0, 1}},
                                           {.family = 4, .port = 443, .bytes = {8, 8, 8, 8}},
                                           {.family = 4, .port = 443, .bytes = {9, 9, 9, 9}}};
    static const fake_attempt attempts[2];
    (void)state;
    for (size_t count = 2; count <= 3; count++) {
        fake_port *fake = NULL;
        rp_loop *loop = fake_port_loop(&fake, NULL, false);
        outcome got = {0};
        rp_dial_options options = {.host = "h.test",
                                   .port = 443,
                                   .addresses = addresses,
                                   .count = count,
                                   .rules = {RP_ADDRESS_PRIVATE, NULL, NULL},
                                   .resolve_timeout_ms = RP_NEVER_MS,
                                   .connect_timeout_ms = 500};
        fake->attempts = attempts;
        fake->attempt_count = 2;
        fake->no_answer = true;
        assert_non_null(rp__dial_start(loop, &options, on_dial, &got));
        for (unsigned i = 0; i < 3; i++)
            pass_ms(loop, fake, 260);
        rp_loop_run(loop);
        assert_int_equal(got.calls, 1);
        assert_string_equal(
            got.error.text,
            count == 2
                ? "h.test (8.8.8.8:443) did not answer the connection within 500 ms"
                : "none of 2 addresses of h.test (first 8.8.8.8:443) took the connection within "
                  "500 ms");
        rp_loop_destroy(loop);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_why_there_is_no_connection),
        cmocka_unit_test(tells_lack_of_ipv6_from_lack_of_ports),
        cmocka_unit_test(waits_for_the_late_family),
        cmocka_unit_test(keeps_to_the_rules),
        cmocka_unit_test(asks_of_given_and_late_addresses),
        cmocka_unit_test(counts_those_that_were_tried),
    };
    return cmocka_run_group_tests_name("dial", tests, NULL, NULL);
}
