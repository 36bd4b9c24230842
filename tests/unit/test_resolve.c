/* test_resolve.c - look-ups that a port answers itself (src/loop/port.h, 11). */
#include "net/resolve.h"

#include "support/fake_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct outcome {
    int calls;
    size_t count;
    rp_address addresses[RP_ADDRESSES_LIMIT];
    rp_error error;
} outcome;

static void on_lookup(void *user, const rp_address *addresses, size_t count, const rp_error *error)
{
    outcome *got = user;
    got->calls++;
    got->count = count;
    if (error != NULL)
        got->error = *error;
    else
        memcpy(got->addresses, addresses, count * sizeof(*addresses));
}

/* What a look-up of "h.test" gives when the port answers so. */
static outcome look_up(rp_status status, const rp_address *addresses, size_t count)
{
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, true);
    outcome got = {0};
    fake->answer = status;
    fake->addresses = addresses;
    fake->address_count = count;
    assert_non_null(rp_lookup_start(loop, NULL, "h.test", 443, on_lookup, &got));
    assert_non_null(fake->asked);
    assert_int_equal(got.calls, 0);
    rp_loop_run(loop);
    assert_int_equal(got.calls, 1);
    assert_null(loop->resolver); /* the DNS was not asked */
    rp_loop_destroy(loop);
    return got;
}

static void takes_the_ports_addresses(void **state)
{
    (void)state;
    rp_address addresses[RP_ADDRESSES_LIMIT + 1] = {{0}};
    for (size_t i = 0; i < RP_ADDRESSES_LIMIT + 1; i++)
        addresses[i] = (rp_address){.family = 4, .bytes = {192, 0, 2, (uint8_t)i}};
    outcome got = look_up(RP_OK, addresses, 2);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.addresses[1].bytes[3], 1);
    assert_int_equal(got.addresses[1].port, 443);
    /* No more than there is room for: the best ones. */
    got = look_up(RP_OK, addresses, RP_ADDRESSES_LIMIT + 1);
    assert_int_equal(got.count, RP_ADDRESSES_LIMIT);
    assert_int_equal(got.addresses[RP_ADDRESSES_LIMIT - 1].bytes[3], RP_ADDRESSES_LIMIT - 1);
}

static void tells_why_the_port_has_none(void **state)
{
    static const struct {
        rp_status answer, status;
        const char *text;
    } cases[] = {
        {RP_OK, RP_E_RESOLVE_NOT_FOUND, "h.test: the host has no address"},
        {RP_E_RESOLVE_NOT_FOUND, RP_E_RESOLVE_NOT_FOUND, "h.test: no such host"},
        {RP_E_RESOLVE_FAILED, RP_E_RESOLVE_FAILED, "name servers did not answer for h.test"},
        {RP_E_NO_MEMORY, RP_E_NO_MEMORY, "no memory for the look-up of h.test"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        outcome got = look_up(cases[i].answer, NULL, 0);
        assert_int_equal(got.count, 0);
        assert_int_equal(got.error.status, cases[i].status);
        assert_int_equal(got.error.phase, RP_PHASE_RESOLVE);
        assert_string_equal(got.error.text, cases[i].text);
    }
}

static void takes_the_question_back(void **state)
{
    (void)state;
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, true);
    outcome got = {0};
    rp_lookup *lookup = rp_lookup_start(loop, NULL, "h.test", 443, on_lookup, &got);
    rp_lookup_cancel(lookup);
    assert_null(fake->asked);
    assert_false(rp_loop_pending(loop));
    /* At the loop's end, too. */
    assert_non_null(rp_lookup_start(loop, NULL, "h.test", 443, on_lookup, &got));
    rp_loop_destroy(loop);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.error.status, RP_E_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_ports_addresses),
        cmocka_unit_test(tells_why_the_port_has_none),
        cmocka_unit_test(takes_the_question_back),
    };
    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
