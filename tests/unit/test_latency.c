/* test_latency.c - how late is late: percentiles of a histogram that forgets. */
#include "client/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define S_NS UINT64_C(1000000000)

static void add(rp_latency *l, uint64_t us, unsigned count, uint64_t now_ns)
{
    for (unsigned i = 0; i < count; i++)
        rp__latency_add(l, us, now_ns);
}

static void assert_about(uint64_t us, uint64_t is)
{
    assert_true(us > is);
    assert_true(us <= is + is / 8 + 1);
}

/* From a microsecond to four minutes; what is longer counts as that. */
static void test_one_time(void **state)
{
    (void)state;
    for (uint64_t us = 0; us < 250000000; us = us * 5 / 4 + 1) {
        rp_latency l = {.total = 0};
        add(&l, us, 1000, S_NS);
        for (unsigned percent = 1; percent <= 99; percent += 14)
            assert_about(rp__latency_percentile(&l, percent), us);
    }
    rp_latency l = {.total = 0};
    add(&l, UINT64_MAX, 1000, S_NS);
    assert_true(rp__latency_percentile(&l, 50) > 250000000);
}

static void test_percentiles(void **state)
{
    (void)state;
    rp_latency l = {.total = 0};
    for (uint64_t ms = 1; ms <= 1000; ms++)
        rp__latency_add(&l, ms * 1000, S_NS);
    for (unsigned percent = 1; percent <= 99; percent++) {
        uint64_t us = rp__latency_percentile(&l, percent), is = percent * UINT64_C(10000);
        assert_true(us >= is);
        assert_true(us <= is + is / 8 + 1000);
    }
}

/* Nothing is said of what is not known, the highest percentile least. */
static void test_few(void **state)
{
    (void)state;
    rp_latency l = {.total = 0};
    add(&l, 100, 49, S_NS);
    assert_int_equal(rp__latency_percentile(&l, 50), 0);
    add(&l, 100, 1, S_NS);
    assert_int_not_equal(rp__latency_percentile(&l, 50), 0);
    assert_int_not_equal(rp__latency_percentile(&l, 95), 0);
    assert_int_equal(rp__latency_percentile(&l, 99), 0);
    add(&l, 100, 150, S_NS);
    assert_int_not_equal(rp__latency_percentile(&l, 99), 0);
}

/* A server that is faster now is known as such after a few thousand answers, or a while;
 * and what an answer cost is not asked each time. */
static void test_forgets(void **state)
{
    (void)state;
    rp_latency l = {.total = 0};
    add(&l, 1000000, 100000, S_NS);
    add(&l, 1000, 20000, S_NS);
    assert_about(rp__latency_percentile(&l, 95), 1000);
    l = (rp_latency){.total = 0};
    add(&l, 1000000, 1000, S_NS);
    for (uint64_t second = 1; second < 3600; second++)
        rp__latency_add(&l, 1000, second * S_NS);
    assert_about(rp__latency_percentile(&l, 90), 1000);
    rp__latency_add(&l, 1000, UINT64_C(1000000) * S_NS);
    assert_int_equal(l.total, 1);
    assert_int_equal(rp__latency_percentile(&l, 50), 0);
    add(&l, 1000, 100, UINT64_C(1000000) * S_NS); /* and from there it goes on as from the start */
    assert_int_equal(l.total, 101);
    assert_about(rp__latency_percentile(&l, 50), 1000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_time),
        cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_few),
        cmocka_unit_test(test_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
