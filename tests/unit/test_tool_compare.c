/* test_tool_compare.c - what `ringport compare` rests on: a run's slices of time, the reader of
 * JSON, and the test of ranks. */
#include "compare.h"
#include "json_read.h"
#include "support/check.h"
#include "timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000u

static void test_timeline(void **state)
{
    (void)state;
    timeline *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
    CHECK(a != NULL && b != NULL);
    for (uint64_t ms = 0; ms < 320; ms++)
        timeline_record(a, ms * MS, 5);
    assert_int_equal(a->count, 32);
    assert_int_equal(a->slices[31].count, 10);
    timeline_record(a, 320 * (uint64_t)MS, 7); /* does not fit: twice as long */
    assert_int_equal(a->count, 17);
    assert_int_equal(a->slices[15].count, 20);
    assert_int_equal(a->slices[16].count, 1);
    assert_int_equal(a->slices[16].max, 7);
    assert_int_equal(a->slices[17].count, 0);
    timeline_record(b, 3600 * (uint64_t)1000 * MS, 9); /* an hour on */
    timeline_record(b, 0, 9);
    timeline_add(b, a);
    assert_int_equal(b->slices[0].count, 322);
    timeline_add(a, b); /* the other way round */
    assert_int_equal(a->slices[0].count, 643);
    assert_true(timeline_seconds(a) == timeline_seconds(b) && a->count == b->count);
    free(a);
    free(b);
}

static double number_at(const char *value)
{
    double number;
    return json_value(value, &number) ? number : -1;
}

static void test_json(void **state)
{
    (void)state;
    const char *text = " { \"a\" : 1.5, \"t\\\"{\": \"x}\\\"]\", \"o\": {\"a\": [ ], \"b\": -2e1},"
                       "\"l\":[{\"n\":1}, [2] ,3],\"ab\":7 }";
    assert_true(number_at(json_member(text, "a")) == 1.5);
    assert_true(number_at(json_member(text, "ab")) == 7);
    assert_true(number_at(json_member(json_member(text, "o"), "b")) == -20);
    const char *list = json_member(text, "l");
    assert_true(number_at(json_member(json_item(list, 0), "n")) == 1);
    assert_true(number_at(json_item(json_item(list, 1), 0)) == 2);
    assert_true(number_at(json_item(list, 2)) == 3);
    assert_null(json_item(list, 3));
    assert_null(json_item(json_member(json_member(text, "o"), "a"), 0));
    assert_null(json_member(text, "b"));
    assert_null(json_member(NULL, "b"));
    assert_true(number_at(json_member(text, "o")) == -1);
    assert_true(number_at(NULL) == -1);
}

/* What would make a chart without an end of somebody's file. */
static void test_json_no_number(void **state)
{
    (void)state;
    static const char *const none[] = {"1e999", "-1e999", "1e31", "1e-31", "5e-324",
                                       "-inf",  "-nan",   "-",    "",      "\"1\""};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        double number = 1;
        assert_false(json_value(none[i], &number));
        assert_true(number == 0);
    }
    assert_true(number_at("1e30") == 1e30);
    assert_true(number_at("-1e-30") == -1e-30);
    assert_true(number_at("0") == 0);
}

/* Whatever it is, nothing behind its end is read. */
static void test_json_cut(void **state)
{
    (void)state;
    const char *text = "{\"a\":{\"x\":[1,{\"y\":\"\\\"\"}]},\"b\":[[]],\"c\":2}";
    for (size_t size = 0; size < strlen(text); size++) {
        char *cut = malloc(size + 1);
        CHECK(cut != NULL);
        memcpy(cut, text, size);
        cut[size] = '\0';
        assert_null(json_member(cut, "c") != NULL && size < strlen(text) - 2 ? cut : NULL);
        (void)json_item(json_member(json_member(cut, "a"), "x"), 5);
        free(cut);
    }
    char deep[2 * 100 + 16] = "{\"a\":";
    memset(deep + 5, '[', 100);
    memcpy(deep + 105, ",\"c\":1}", 8);
    assert_null(json_member(deep, "c"));
}

static void test_ranks(void **state)
{
    (void)state;
    const double low[] = {1, 2, 3, 4, 5, 6, 7, 8}, high[] = {11, 12, 13, 14, 15, 16, 17, 18};
    const double mixed[] = {1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5}, same[] = {3, 3, 3, 3, 3, 3};
    double sure = compare_surely(low, 8, high, 8);
    assert_true(sure > 11.2 && sure < 11.4); /* 32^2 / (64 * 17 / 12) */
    assert_true(compare_surely(high, 8, low, 8) == -sure);
    assert_true(compare_surely(low, 8, mixed, 8) < 1);
    assert_true(compare_surely(same, 6, same, 6) == 0);
    assert_true(compare_surely(low, 4, high, 8) == 0); /* too few */
    /* Ties make the variance less: 12.5^2 over 25 / 12 * (11 - 240 / 90). */
    const double zeros[] = {0, 0, 0, 0, 0}, ones[] = {1, 1, 1, 1, 1};
    sure = compare_surely(zeros, 5, ones, 5);
    assert_true(sure > 8.99 && sure < 9.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeline), cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_cut), cmocka_unit_test(test_json_no_number),
        cmocka_unit_test(test_ranks),
    };
    return cmocka_run_group_tests_name("tool_compare", tests, NULL, NULL);
}
