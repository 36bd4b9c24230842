/* test_tool_histogram.c - the histogram of `ringport load` against sorted values. */
#include "histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = calloc(2, sizeof(histogram));
    return *state == NULL;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void test_empty(void **state)
{
    histogram *h = *state;
    histogram_step step = {0};
    assert_int_equal(histogram_percentile(h, 50), 0);
    assert_true(histogram_mean(h) == 0.0);
    assert_int_equal(histogram_at_most(h, 1000), 0);
    assert_false(histogram_next(h, &step));
    histogram_add(h, h + 1);
    assert_int_equal(h->count, 0);
}

static void test_small_values_are_exact(void **state)
{
    histogram *h = *state;
    for (uint64_t i = 0; i < 128; i++)
        histogram_record(h, i);
    assert_int_equal(h->min, 0);
    assert_int_equal(h->max, 127);
    assert_true(histogram_mean(h) == 63.5);
    assert_int_equal(histogram_percentile(h, 0), 0);
    assert_int_equal(histogram_percentile(h, 50), 63);
    assert_int_equal(histogram_percentile(h, 100), 127);
    for (uint64_t i = 0; i < 128; i++)
        assert_int_equal(histogram_at_most(h, i), i + 1);
}

/* Each value lies in a bucket whose end is at most a 64th above it. */
static void test_precision(void **state)
{
    histogram *h = *state;
    for (unsigned bit = 0; bit < HISTOGRAM_BITS; bit++) {
        for (int offset = -1; offset <= 1; offset++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)offset;
            if (value >= UINT64_C(1) << HISTOGRAM_BITS)
                continue;
            memset(h, 0, sizeof(*h));
            histogram_record(h, value);
            histogram_record(h, (UINT64_C(1) << HISTOGRAM_BITS) - 1);
            uint64_t found = histogram_percentile(h, 50);
            assert_true(found >= value);
            assert_true(found - value <= value / 64);
        }
    }
}

static void test_too_large(void **state)
{
    histogram *h = *state;
    histogram_record(h, UINT64_MAX);
    assert_int_equal(h->max, (UINT64_C(1) << HISTOGRAM_BITS) - 1);
    assert_int_equal(histogram_percentile(h, 100), h->max);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_percentiles(void **state)
{
    enum { COUNT = 10000 };
    static uint64_t values[COUNT];
    static const double percents[] = {1, 10, 50, 90, 99, 99.9, 99.99, 100};
    histogram *h = *state;
    uint64_t seed = 1, sum = 0;
    for (size_t i = 0; i < COUNT; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        values[i] = (seed >> 33) >> (i % 24);
        sum += values[i];
        histogram_record(h, values[i]);
    }
    qsort(values, COUNT, sizeof(values[0]), by_value);
    assert_int_equal(h->sum, sum);
    assert_int_equal(h->min, values[0]);
    assert_int_equal(h->max, values[COUNT - 1]);
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        size_t rank = (size_t)(percents[i] / 100 * (double)COUNT + 0.5);
        uint64_t exact = values[rank - 1], found = histogram_percentile(h, percents[i]);
        assert_true(found >= exact);
        assert_true(found - exact <= exact / 64);
    }
}

/* Of 1 to 100 the 55th percentile is 55: not 56, for 55 / 100 * 100 is more than 55. */
static void test_ranks(void **state)
{
    histogram *h = *state;
    for (uint64_t i = 1; i <= 100; i++)
        histogram_record(h, i);
    for (unsigned i = 1; i <= 100; i++)
        assert_int_equal(histogram_percentile(h, i), i);
    memset(h, 0, sizeof(*h));
    for (unsigned i = 0; i < 999; i++)
        histogram_record(h, 1);
    histogram_record(h, 100);
    assert_int_equal(histogram_percentile(h, 99.9), 1);
}

static void test_add(void **state)
{
    histogram *a = *state, *b = a + 1;
    histogram_record(a, 5);
    histogram_record(b, 3);
    histogram_record(b, 900);
    histogram_add(a, b);
    assert_int_equal(a->count, 3);
    assert_int_equal(a->sum, 908);
    assert_int_equal(a->min, 3);
    assert_int_equal(a->max, 900);
    assert_int_equal(histogram_at_most(a, 5), 2);
}

static void test_steps(void **state)
{
    histogram *h = *state;
    histogram_step step = {0};
    static const uint64_t values[] = {3, 7, 7, 40, 100, 101};
    static const histogram_step expected[] = {{5, 1, 1},  {10, 2, 3},  {20, 0, 3},
                                              {50, 1, 4}, {100, 1, 5}, {200, 1, 6}};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        histogram_record(h, values[i]);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(histogram_next(h, &step));
        assert_memory_equal(&step, &expected[i], sizeof(step));
    }
    assert_false(histogram_next(h, &step));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(test_empty),       TEST(test_small_values_are_exact),
        TEST(test_precision),   TEST(test_too_large),
        TEST(test_percentiles), TEST(test_add),
        TEST(test_steps),       TEST(test_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
