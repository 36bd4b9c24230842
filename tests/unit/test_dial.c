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

static void check_case(const dial_case *c)
{
    static const char *const hosts[] = {"h.test:443:192.0.2.1", "h.test:443:192.0.2.1,192.0.2.2",
                                        "h.test:443:192.0.2.1,192.0.2.2,192.0.2.3"};
    rp_resolver_options resolver_options = {.overrides = &hosts[c->count - 1], .override_count = 1};
    rp_resolver *resolver = NULL;
    assert_int_equal(rp_resolver_create(&resolver, &resolver_options, NULL), RP_OK);
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, false);
    fake->attempts = c->attempts;
    fake->attempt_count = c->count;

    outcome got = {0};
    rp_dial_options options = {.host = "h.test",
                               .port = 443,
                               .resolver = resolver,
                               .resolve_timeout_ms = RP_NEVER_MS,
                               .connect_timeout_ms = RP_NEVER_MS};
    assert_non_null(rp_dial_start(loop, &options, on_dial, &got));
    assert_int_equal(got.calls, 0);
    rp_loop_run(loop);

    char expected[300];
    const char *rest = strstr(c->text, "%s");
    size_t before = rest == NULL ? strlen(c->text) : (size_t)(rest - c->text);
    (void)snprintf(expected, sizeof(expected), "%.*s%s%s", (int)before, c->text,
                   rest == NULL ? "" : rp_os_error_text(c->os_code), rest == NULL ? "" : rest + 2);
    assert_int_equal(got.calls, 1);
    assert_string_equal(got.error.text, expected);
    assert_int_equal(got.error.status, c->status);
    assert_int_equal(got.error.phase, RP_PHASE_CONNECT);
    assert_int_equal(got.error.os_code, c->os_code);
    assert_int_equal(got.address.bytes[3], c->count); /* the last one tried */
    assert_int_equal(fake->opened, c->count);
    rp_loop_destroy(loop);
    rp_resolver_release(resolver);
}

static void tells_why_there_is_no_connection(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].text);
        check_case(&cases[i]);
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
            assert_non_null(rp_dial_start(loop, &options, on_dial, &got));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_why_there_is_no_connection),
        cmocka_unit_test(waits_for_the_late_family),
    };
    return cmocka_run_group_tests_name("dial", tests, NULL, NULL);
}
