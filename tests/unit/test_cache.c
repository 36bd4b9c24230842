/* test_cache.c - how long which answer counts, and what a look-up makes of two halves. */
#include "net/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define BEGIN_NS (5 * S)

typedef struct world {
    rp_memory memory;
    rp_cache cache;
    rp_name *name;
    uint64_t now_ns;
} world;

static void begin(world *w, bool no_stale)
{
    rp__memory_init(&w->memory, (rp_allocator){0});
    rp__cache_init(&w->cache, &w->memory, no_stale);
    w->name = rp__cache_get(&w->cache, "h.test");
    assert_non_null(w->name);
    w->now_ns = BEGIN_NS;
}

static void end(world *w)
{
    rp__cache_free(&w->cache);
    assert_int_equal(w->memory.live, 0);
}

static rp_answer of(rp_verdict verdict, uint32_t ttl_s)
{
    rp_answer answer = {.verdict = verdict, .ttl_s = ttl_s};
    answer.count = verdict == RP_VERDICT_ADDRESSES;
    return answer;
}

static void answer(world *w, unsigned family, rp_verdict verdict, uint32_t ttl_s)
{
    rp_answer made = of(verdict, ttl_s);
    rp__cache_answered(w->name, family, &made);
}

static unsigned start(world *w, rp_view *view)
{
    return rp__view_begin(view, w->name, 0, w->now_ns);
}

static rp_decision look(world *w, rp_view *view, rp_finding *finding)
{
    return rp__view_look(view, w->name, w->now_ns, finding);
}

/* Asks for both, and answers so. */
static rp_decision fill(world *w, rp_verdict v4, uint32_t v4_ttl_s, rp_verdict v6,
                        uint32_t v6_ttl_s, rp_finding *finding)
{
    rp_view view;
    unsigned asked = start(w, &view);
    if (asked & 1)
        answer(w, RP_FAMILY_V4, v4, v4_ttl_s);
    if (asked & 2)
        answer(w, RP_FAMILY_V6, v6, v6_ttl_s);
    return look(w, &view, finding);
}

/* How long after the question the answer is asked for again. */
static uint64_t kept_s(rp_verdict verdict, uint32_t ttl_s)
{
    world w;
    rp_finding finding;
    uint64_t seconds = 0;
    begin(&w, false);
    (void)fill(&w, verdict, ttl_s, RP_VERDICT_NO_DATA, 0, &finding);
    for (;; seconds++) {
        rp_view view;
        w.now_ns = BEGIN_NS + seconds * S;
        if (start(&w, &view) & 1)
            break;
        answer(&w, RP_FAMILY_V6, RP_VERDICT_NO_DATA, 0);
    }
    answer(&w, RP_FAMILY_V4, RP_VERDICT_NO_DATA, 0);
    end(&w);
    return seconds;
}

static void keeps_answers_for_their_time(void **state)
{
    (void)state;
    assert_int_equal(kept_s(RP_VERDICT_ADDRESSES, 0), 0);
    assert_int_equal(kept_s(RP_VERDICT_ADDRESSES, 1), 1);
    assert_int_equal(kept_s(RP_VERDICT_ADDRESSES, 300), 300);
    assert_int_equal(kept_s(RP_VERDICT_ADDRESSES, UINT32_MAX), RP_TTL_LIMIT_S);
    assert_int_equal(kept_s(RP_VERDICT_NO_DATA, 0), 0);
    assert_int_equal(kept_s(RP_VERDICT_NO_DATA, 7), 7);
    assert_int_equal(kept_s(RP_VERDICT_NO_DATA, 300), RP_NEGATIVE_TTL_LIMIT_S);
    assert_int_equal(kept_s(RP_VERDICT_NO_NAME, UINT32_MAX), RP_NEGATIVE_TTL_LIMIT_S);
    assert_int_equal(kept_s(RP_VERDICT_FAILED, 300), 0);
}

static void decides_about_two_halves(void **state)
{
    static const struct {
        rp_verdict v4, v6; /* NONE: still asked for */
        rp_decision decision;
        rp_verdict verdict; /* of NONE */
        bool patient;       /* waits, but for 50 ms only */
    } cases[] = {
        {RP_VERDICT_NONE, RP_VERDICT_NONE, RP_DECISION_WAIT, 0, false},
        {RP_VERDICT_ADDRESSES, RP_VERDICT_ADDRESSES, RP_DECISION_ADDRESSES, 0, false},
        {RP_VERDICT_ADDRESSES, RP_VERDICT_NO_DATA, RP_DECISION_ADDRESSES, 0, false},
        {RP_VERDICT_ADDRESSES, RP_VERDICT_NO_NAME, RP_DECISION_ADDRESSES, 0, false},
        {RP_VERDICT_ADDRESSES, RP_VERDICT_FAILED, RP_DECISION_ADDRESSES, 0, false},
        {RP_VERDICT_FAILED, RP_VERDICT_ADDRESSES, RP_DECISION_ADDRESSES, 0, false},
        {RP_VERDICT_NO_DATA, RP_VERDICT_ADDRESSES, RP_DECISION_ADDRESSES, 0, false},
        {RP_VERDICT_ADDRESSES, RP_VERDICT_NONE, RP_DECISION_WAIT, 0, true},
        {RP_VERDICT_NONE, RP_VERDICT_ADDRESSES, RP_DECISION_WAIT, 0, true},
        {RP_VERDICT_NO_DATA, RP_VERDICT_NONE, RP_DECISION_WAIT, 0, false},
        {RP_VERDICT_NONE, RP_VERDICT_NO_DATA, RP_DECISION_WAIT, 0, false},
        {RP_VERDICT_NONE, RP_VERDICT_NO_NAME, RP_DECISION_WAIT, 0, false},
        {RP_VERDICT_NO_NAME, RP_VERDICT_NONE, RP_DECISION_WAIT, 0, true},
        {RP_VERDICT_FAILED, RP_VERDICT_NONE, RP_DECISION_WAIT, 0, false},
        {RP_VERDICT_NO_DATA, RP_VERDICT_NO_DATA, RP_DECISION_NONE, RP_VERDICT_NO_DATA, false},
        {RP_VERDICT_NO_NAME, RP_VERDICT_NO_DATA, RP_DECISION_NONE, RP_VERDICT_NO_NAME, false},
        {RP_VERDICT_NO_DATA, RP_VERDICT_FAILED, RP_DECISION_NONE, RP_VERDICT_FAILED, false},
        {RP_VERDICT_FAILED, RP_VERDICT_NO_NAME, RP_DECISION_NONE, RP_VERDICT_FAILED, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world w;
        rp_view view;
        rp_finding finding;
        print_message("case %zu\n", i);
        begin(&w, false);
        assert_int_equal(start(&w, &view), 3);
        if (cases[i].v4 != RP_VERDICT_NONE)
            answer(&w, RP_FAMILY_V4, cases[i].v4, 60);
        if (cases[i].v6 != RP_VERDICT_NONE)
            answer(&w, RP_FAMILY_V6, cases[i].v6, 60);
        assert_int_equal(look(&w, &view, &finding), cases[i].decision);
        if (cases[i].decision == RP_DECISION_NONE)
            assert_int_equal(finding.verdict, cases[i].verdict);
        if (cases[i].decision == RP_DECISION_ADDRESSES) {
            assert_int_equal(finding.take[0], cases[i].v4 == RP_VERDICT_ADDRESSES);
            assert_int_equal(finding.take[1], cases[i].v6 == RP_VERDICT_ADDRESSES);
        }
        if (cases[i].decision == RP_DECISION_WAIT)
            assert_int_equal(finding.wait_until_ns,
                             cases[i].patient ? BEGIN_NS + RP_FAMILY_PATIENCE_MS * MS : 0);
        w.now_ns += RP_FAMILY_PATIENCE_MS * MS;
        if (cases[i].patient)
            assert_int_not_equal(look(&w, &view, &finding), RP_DECISION_WAIT);
        end(&w);
    }
}

/* "a" in one search domain, "a" in another: two hosts. */
static void takes_the_addresses_of_one_host(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        world w;
        rp_view view;
        rp_finding finding;
        begin(&w, false);
        (void)start(&w, &view);
        for (unsigned family = 0; family < RP_FAMILIES; family++) {
            rp_answer made = of(RP_VERDICT_ADDRESSES, 60);
            made.rank = family == first ? 0 : 1;
            rp__cache_answered(w.name, family, &made);
        }
        assert_int_equal(look(&w, &view, &finding), RP_DECISION_ADDRESSES);
        assert_true(finding.take[first]);
        assert_false(finding.take[1 - first]);
        end(&w);
    }
}

static void forgets_silence_with_an_answer(void **state)
{
    world w;
    rp_view view;
    rp_finding finding;
    (void)state;
    begin(&w, false);
    (void)start(&w, &view);
    answer(&w, RP_FAMILY_V4, RP_VERDICT_ADDRESSES, 0);
    assert_int_equal(look(&w, &view, &finding), RP_DECISION_WAIT);
    w.now_ns += RP_FAMILY_PATIENCE_MS * MS;
    assert_int_equal(look(&w, &view, &finding), RP_DECISION_ADDRESSES);
    assert_true(finding.partial);
    /* Another name: at once. */
    w.name = rp__cache_get(&w.cache, "other.test");
    (void)start(&w, &view);
    answer(&w, RP_FAMILY_V4, RP_VERDICT_ADDRESSES, 0);
    assert_int_equal(look(&w, &view, &finding), RP_DECISION_ADDRESSES);
    assert_true(finding.partial);
    answer(&w, RP_FAMILY_V6, RP_VERDICT_NO_DATA, 0);
    (void)start(&w, &view);
    answer(&w, RP_FAMILY_V4, RP_VERDICT_ADDRESSES, 0);
    assert_int_equal(look(&w, &view, &finding), RP_DECISION_WAIT);
    end(&w);
}

static void bounds_old_answers(void **state)
{
    static const struct {
        bool no_stale;
        uint32_t ttl_s;
        uint64_t after_s;
        bool served;
    } cases[] = {
        {false, 60, 60, true},
        {false, 60, 60 + RP_STALE_LIMIT_S - 1, true},
        {false, 60, 60 + RP_STALE_LIMIT_S, false},
        {true, 60, 60, false},
        {false, 0, 0, false}, /* what is not to be kept is not kept for this either */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world w;
        rp_finding finding;
        begin(&w, cases[i].no_stale);
        (void)fill(&w, RP_VERDICT_ADDRESSES, cases[i].ttl_s, RP_VERDICT_NO_DATA, 30, &finding);
        assert_false(finding.stale);
        w.now_ns += cases[i].after_s * S;
        rp_decision decision = fill(&w, RP_VERDICT_FAILED, 0, RP_VERDICT_FAILED, 0, &finding);
        assert_int_equal(decision, cases[i].served ? RP_DECISION_ADDRESSES : RP_DECISION_NONE);
        assert_int_equal(finding.stale, cases[i].served);
        end(&w);
    }
}

static void asks_failing_servers_now_and_then(void **state)
{
    world w;
    rp_view view;
    rp_finding finding;
    (void)state;
    begin(&w, false);
    (void)fill(&w, RP_VERDICT_ADDRESSES, 60, RP_VERDICT_ADDRESSES, 3600, &finding);
    w.now_ns += 60 * S;
    uint64_t failed_ns = w.now_ns;
    /* Of two, the one that is still good serves alone, and is not called old. */
    assert_int_equal(fill(&w, RP_VERDICT_FAILED, 0, 0, 0, &finding), RP_DECISION_ADDRESSES);
    assert_true(finding.take[1] && !finding.take[0] && !finding.stale);
    w.now_ns = failed_ns + RP_STALE_RECHECK_S * S - 1;
    assert_int_equal(start(&w, &view), 0);
    w.now_ns++;
    assert_int_equal(start(&w, &view), 1);
    answer(&w, RP_FAMILY_V4, RP_VERDICT_NO_DATA, 30);
    assert_int_equal(look(&w, &view, &finding), RP_DECISION_ADDRESSES);
    /* "No data" ended what was old. */
    w.now_ns += 30 * S;
    assert_int_equal(fill(&w, RP_VERDICT_FAILED, 0, 0, 0, &finding), RP_DECISION_ADDRESSES);
    assert_false(finding.take[0]);
    end(&w);
}

static void remembers_so_many_names(void **state)
{
    world w;
    char host[32];
    rp_view view;
    (void)state;
    begin(&w, false);
    (void)start(&w, &view); /* "h.test" is asked for, and stays */
    for (unsigned i = 0; i < 3 * RP_CACHE_LIMIT; i++) {
        (void)snprintf(host, sizeof(host), "n%u.test", i);
        assert_non_null(rp__cache_get(&w.cache, host));
        if (i >= 10)
            assert_non_null(rp__cache_get(&w.cache, "n5.test")); /* in use, and stays */
    }
    assert_int_equal(w.cache.count, RP_CACHE_LIMIT);
    uint64_t allocations = w.memory.allocations;
    assert_ptr_equal(rp__cache_get(&w.cache, "h.test"), w.name);
    assert_non_null(rp__cache_get(&w.cache, "n5.test"));
    assert_int_equal(w.memory.allocations, allocations);
    assert_non_null(rp__cache_get(&w.cache, "n6.test"));
    assert_int_equal(w.memory.allocations, allocations + 1);
    w.memory.fail_in = 1;
    assert_null(rp__cache_get(&w.cache, "n7.test"));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_answers_for_their_time),
        cmocka_unit_test(decides_about_two_halves),
        cmocka_unit_test(takes_the_addresses_of_one_host),
        cmocka_unit_test(forgets_silence_with_an_answer),
        cmocka_unit_test(bounds_old_answers),
        cmocka_unit_test(asks_failing_servers_now_and_then),
        cmocka_unit_test(remembers_so_many_names),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
