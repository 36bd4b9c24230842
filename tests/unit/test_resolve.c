/* test_resolve.c - look-ups that a port answers itself (src/loop/port.h, 11). */
#include "net/cache.h"
#include "net/resolve.h"

#include "support/fake_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct outcome {
    rp_loop *loop;
    int calls;
    bool stale, partial;
    uint64_t at_ns;
    size_t count;
    rp_address addresses[RP_ADDRESSES_LIMIT];
    rp_error error;
} outcome;

static void on_lookup(void *user, const rp_resolved *resolved)
{
    outcome *got = user;
    got->calls++;
    got->count = resolved->count;
    got->stale = resolved->stale;
    got->partial = resolved->partial;
    got->at_ns = rp__loop_now_ns(got->loop);
    if (resolved->error != NULL)
        got->error = *resolved->error;
    else
        memcpy(got->addresses, resolved->addresses, resolved->count * sizeof(rp_address));
}

/* What a look-up of "h.test" gives when the port answers so. */
static outcome look_up(rp_status status, const rp_address *addresses, size_t count)
{
    fake_port *fake = NULL;
    rp_loop *loop = fake_port_loop(&fake, NULL, true);
    outcome got = {.loop = loop};
    fake->answer = status;
    fake->addresses = addresses;
    fake->address_count = count;
    assert_non_null(rp__lookup_start(loop, NULL, "h.test", 443, 0, on_lookup, &got));
    assert_non_null(fake->asked[0]);
    assert_non_null(fake->asked[1]);
    assert_int_equal(got.calls, 0);
    rp_loop_run(loop);
    assert_int_equal(got.calls, 1);
    assert_non_null(loop->resolver); /* which keeps what the port answers */
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

/* ---- in virtual time ---- */

typedef struct world {
    fake_port *fake;
    rp_loop *loop;
} world;

static const rp_address both[] = {{.family = 4, .bytes = {192, 0, 2, 1}},
                                  {.family = 6, .bytes = {0x20, 1, 0x0D, 0xB8, [15] = 1}}};

static world begin(uint32_t ttl_s)
{
    world w = {.fake = NULL};
    w.loop = fake_port_loop(&w.fake, NULL, true);
    w.fake->addresses = both;
    w.fake->address_count = 2;
    w.fake->ttl_s = ttl_s;
    return w;
}

static void ask(const world *w, bool whole, outcome *got)
{
    *got = (outcome){.loop = w->loop};
    assert_non_null(rp__lookup_start(w->loop, NULL, "h.test", 443, whole ? RP_LOOKUP_WHOLE : 0,
                                     on_lookup, got));
}

static void pass_ms(const world *w, uint64_t ms)
{
    w->fake->passes_ns = ms * 1000000;
    (void)rp_loop_turn(w->loop, 0);
    w->fake->passes_ns = 0;
}

static void goes_on_without_those_who_asked(void **state)
{
    (void)state;
    world w = begin(60);
    outcome got = {.loop = w.loop}, other;
    rp_lookup *lookup = rp__lookup_start(w.loop, NULL, "h.test", 443, 0, on_lookup, &got);
    ask(&w, false, &other);
    rp__lookup_cancel(lookup);
    pass_ms(&w, 0);
    assert_int_equal(got.calls, 0);
    assert_int_equal(other.count, 2);
    assert_int_equal(w.fake->questions[0], 1);
    assert_int_equal(w.fake->questions[1], 1);
    /* At the loop's end, too: told, and the port is not asked any more. */
    assert_non_null(rp__lookup_start(w.loop, NULL, "other.test", 443, 0, on_lookup, &got));
    rp_loop_destroy(w.loop);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.error.status, RP_E_CANCELLED);
    /* With a question that nobody waits for. */
    w = begin(60);
    rp__lookup_cancel(rp__lookup_start(w.loop, NULL, "h.test", 443, 0, on_lookup, &got));
    rp_loop_destroy(w.loop);
}

/* The other family is neither asked for, nor waited for, nor taken, fresh or old. */
static void looks_for_one_family(void **state)
{
    (void)state;
    for (unsigned family = 0; family < 2; family++) {
        world w = begin(60);
        unsigned how = family == 0 ? RP_LOOKUP_NO_V6 : RP_LOOKUP_NO_V4;
        outcome got = {.loop = w.loop}, all;
        w.fake->silent[1 - family] = true;
        assert_non_null(rp__lookup_start(w.loop, NULL, "h.test", 443, how, on_lookup, &got));
        pass_ms(&w, 1);
        pass_ms(&w, 0);
        assert_int_equal(got.count, 1);
        assert_int_equal(got.addresses[0].family, family == 0 ? 4 : 6);
        assert_false(got.partial);
        assert_int_equal(w.fake->questions[1 - family], 0);
        /* Both are known then. */
        w.fake->silent[1 - family] = false;
        ask(&w, true, &all);
        pass_ms(&w, 1);
        pass_ms(&w, 0);
        assert_int_equal(all.count, 2);
        for (unsigned old = 0; old < 2; old++) {
            got = (outcome){.loop = w.loop};
            w.fake->answer = old == 1 ? RP_E_RESOLVE_FAILED : RP_OK;
            pass_ms(&w, old * 61000);
            assert_non_null(rp__lookup_start(w.loop, NULL, "h.test", 443, how, on_lookup, &got));
            for (unsigned i = 0; i < 4; i++)
                pass_ms(&w, 1000);
            assert_int_equal(got.count, 1);
            assert_int_equal(got.stale, old);
            assert_int_equal(got.addresses[0].family, family == 0 ? 4 : 6);
        }
        rp_loop_destroy(w.loop);
        /* It has none. */
        w = begin(60);
        w.fake->addresses = &both[1 - family];
        w.fake->address_count = 1;
        got = (outcome){.loop = w.loop};
        assert_non_null(rp__lookup_start(w.loop, NULL, "h.test", 443, how, on_lookup, &got));
        pass_ms(&w, 1);
        pass_ms(&w, 0);
        assert_int_equal(got.error.status, RP_E_RESOLVE_NOT_FOUND);
        assert_string_equal(got.error.text, family == 0 ? "h.test: the host has no IPv4 address"
                                                        : "h.test: the host has no IPv6 address");
        rp_loop_destroy(w.loop);
    }
}

static void gives_the_second_family_its_time(void **state)
{
    (void)state;
    for (unsigned silent = 0; silent < 2; silent++) {
        world w = begin(60);
        outcome got, whole;
        w.fake->silent[silent] = true;
        ask(&w, false, &got);
        ask(&w, true, &whole);
        pass_ms(&w, 1); /* the first one's answer */
        pass_ms(&w, RP_FAMILY_PATIENCE_MS - 1);
        assert_int_equal(got.calls, 0);
        pass_ms(&w, 1);
        assert_int_equal(got.calls, 1);
        assert_true(got.partial && got.count == 1);
        /* From now on the family gets none. */
        ask(&w, false, &got);
        pass_ms(&w, 0);
        assert_true(got.calls == 1 && got.partial);
        assert_int_equal(whole.calls, 0);
        w.fake->silent[silent] = false;
        pass_ms(&w, 100);
        assert_int_equal(whole.count, 2);
        assert_false(whole.partial);
        rp_loop_destroy(w.loop);
    }
}

static void serves_old_answers(void **state)
{
    (void)state;
    world w = begin(10);
    outcome got;
    ask(&w, false, &got);
    pass_ms(&w, 0);
    assert_int_equal(got.count, 2);
    pass_ms(&w, 9999);
    ask(&w, false, &got);
    assert_int_equal(w.fake->questions[0], 1);
    pass_ms(&w, 1);
    assert_true(got.calls == 1 && !got.stale);
    /* It is out of date now, and the servers are silent. */
    w.fake->silent[0] = w.fake->silent[1] = true;
    ask(&w, false, &got);
    pass_ms(&w, RP_STALE_PATIENCE_MS - 1);
    assert_int_equal(got.calls, 0);
    pass_ms(&w, 1);
    assert_true(got.calls == 1 && got.stale && got.count == 2);
    ask(&w, false, &got);
    pass_ms(&w, 0);
    assert_true(got.calls == 1 && got.stale);
    /* They answer again. */
    w.fake->silent[0] = w.fake->silent[1] = false;
    pass_ms(&w, 1);
    ask(&w, false, &got);
    pass_ms(&w, 0);
    assert_true(got.calls == 1 && !got.stale);
    rp_loop_destroy(w.loop);
}

/* An old question fails soon; who comes later asks again. */
static void asks_again_beside_an_old_question(void **state)
{
    (void)state;
    world w = begin(0);
    outcome first, second;
    w.fake->silent[0] = w.fake->silent[1] = true;
    ask(&w, false, &first);
    rp_port_lookup *old[2] = {w.fake->asked[0], w.fake->asked[1]};
    pass_ms(&w, RP_QUESTION_MS - 1);
    ask(&w, false, &second);
    assert_int_equal(w.fake->questions[0], 1);
    pass_ms(&w, 1);
    w.fake->asked[0] = w.fake->asked[1] = NULL; /* the fake knows one at a time */
    outcome third;
    ask(&w, false, &third);
    assert_int_equal(w.fake->questions[0], 2);
    for (unsigned i = 0; i < 2; i++)
        old[i]->answered(old[i], RP_E_RESOLVE_FAILED, NULL, 0, 0);
    pass_ms(&w, 1);
    assert_int_equal(first.calls + second.calls + third.calls, 0);
    w.fake->silent[0] = w.fake->silent[1] = false;
    pass_ms(&w, 1);
    assert_true(first.count == 2 && second.count == 2 && third.count == 2);
    rp_loop_destroy(w.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_ports_addresses),
        cmocka_unit_test(tells_why_the_port_has_none),
        cmocka_unit_test(goes_on_without_those_who_asked),
        cmocka_unit_test(looks_for_one_family),
        cmocka_unit_test(gives_the_second_family_its_time),
        cmocka_unit_test(serves_old_answers),
        cmocka_unit_test(asks_again_beside_an_old_question),
    };
    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
