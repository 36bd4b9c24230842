/* test_order.c - the order of a name's addresses, and the memory of those that failed. */
#include "net/health.h"
#include "net/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

/* "a1" is IPv4, "b1" IPv6; a digit behind a colon is the key, a "!" says that it failed. */
static size_t parse(const char *text, rp_address *addresses, uint32_t *keys, bool *failed)
{
    size_t count = 0;
    for (; *text != '\0'; text += strspn(text, " "), count++) {
        addresses[count] =
            (rp_address){.family = text[0] == 'a' ? 4 : 6, .bytes = {(uint8_t)text[1]}};
        text += 2;
        keys[count] = 0;
        failed[count] = false;
        if (*text == ':') {
            keys[count] = (uint32_t)(text[1] - '0');
            text += 2;
        }
        if (*text == '!') {
            failed[count] = true;
            text++;
        }
    }
    return count;
}

static void expect(const char *given, unsigned turn, const char *expected)
{
    rp_address addresses[RP_ADDRESSES_LIMIT];
    uint32_t keys[RP_ADDRESSES_LIMIT] = {0};
    bool failed[RP_ADDRESSES_LIMIT] = {false};
    char text[4 * RP_ADDRESSES_LIMIT] = "";
    size_t count = parse(given, addresses, keys, failed), used = 0;
    rp__order(addresses, keys, failed, count, turn);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%c%c", i > 0 ? " " : "",
                                 addresses[i].family == 4 ? 'a' : 'b', addresses[i].bytes[0]);
    assert_string_equal(text, expected);
}

static void orders(void **state)
{
    (void)state;
    expect("a1", 3, "a1");
    /* The families take turns, and the first one's begins. */
    expect("a1 a2 b1 b2", 0, "a1 b1 a2 b2");
    expect("b1 b2 a1 a2 a3", 0, "b1 a1 b2 a2 a3");
    expect("a1:1 a2:1 b1:2", 0, "b1 a1 a2");
    /* Equals begin one further each time. */
    expect("a1 a2", 0, "a1 a2");
    expect("a1 a2", 1, "a2 a1");
    expect("a1 a2", 2, "a1 a2");
    expect("a1 a2 a3", 4, "a2 a3 a1");
    expect("a1:2 a2:1 a3:2 a4:1", 1, "a3 a1 a4 a2");
    expect("b1 b2 a1 a2", 1, "b2 a2 b1 a1");
    /* Those that failed come last, and take no turn of the healthy ones. */
    expect("a1! a2", 0, "a2 a1");
    expect("a1 a2! a3", 0, "a1 a3 a2");
    expect("a1 a2! a3", 1, "a3 a1 a2");
    expect("b1! a1", 0, "a1 b1");
    expect("b1:2! b2:2! a1 a2", 0, "a1 a2 b1 b2");
    expect("b1:2! b2:2 a1! a2", 0, "b2 a2 b1 a1");
    expect("a1! a2!", 0, "a1 a2");
    expect("a1:1 a2:2!", 0, "a1 a2");
}

static void spreads_over_the_healthy(void **state)
{
    (void)state;
    for (size_t healthy = 1; healthy <= 5; healthy++) {
        unsigned firsts[6] = {0};
        for (unsigned turn = 0; turn < 60; turn++) {
            rp_address addresses[6];
            bool failed[6] = {false};
            for (size_t i = 0; i < 6; i++) {
                addresses[i] = (rp_address){.family = 4, .bytes = {(uint8_t)i}};
                failed[i] = i >= healthy;
            }
            rp__order(addresses, NULL, failed, 6, turn);
            firsts[addresses[0].bytes[0]]++;
        }
        for (size_t i = 0; i < healthy; i++)
            assert_int_equal(firsts[i], 60 / healthy);
    }
}

static uint32_t key(const char *text)
{
    rp_address address = {0};
    assert_true(rp__address_parse(&address, text, strlen(text)));
    return rp__order_key(&address);
}

/* This machine has a way to itself, and may have none to elsewhere. connect refuses broadcast, but
 * not with Wine 10; and a link's address without the link, but for systems that choose one. */
static void knows_the_way(void **state)
{
    (void)state;
    assert_true(key("127.0.0.1") > 0);
    assert_true(key("255.255.255.255") == 0 || key("fe80::1") == 0);
}

static rp_address numbered(unsigned i, uint16_t port)
{
    return (rp_address){.family = 4,
                        .port = port,
                        .bytes = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static void remembers_failures(void **state)
{
    rp_health health = {0};
    (void)state;
    rp_address one = numbered(1, 443), other_port = numbered(1, 8443), two = numbered(2, 443);
    assert_false(rp__health_failed(&health, &one, 0));
    rp__health_note(&health, &one, false, 10 * MS);
    assert_true(rp__health_failed(&health, &one, 10 * MS));
    assert_false(rp__health_failed(&health, &other_port, 10 * MS));
    assert_false(rp__health_failed(&health, &two, 10 * MS));
    assert_true(rp__health_failed(&health, &one, (10 + RP_FAILED_MS) * MS - 1));
    assert_false(rp__health_failed(&health, &one, (10 + RP_FAILED_MS) * MS));
    /* What is well is forgotten, and costs no other one its place. */
    rp__health_note(&health, &one, false, 10 * MS);
    rp__health_note(&health, &two, true, 10 * MS);
    assert_true(rp__health_failed(&health, &one, 11 * MS));
    rp__health_note(&health, &one, true, 12 * MS);
    assert_false(rp__health_failed(&health, &one, 12 * MS));
    /* Any number of them; the latest ones are known. */
    for (unsigned i = 0; i < 100000; i++) {
        rp_address address = numbered(i, 443);
        rp__health_note(&health, &address, false, i * MS / 100);
        assert_true(rp__health_failed(&health, &address, i * MS / 100));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders),
        cmocka_unit_test(spreads_over_the_healthy),
        cmocka_unit_test(knows_the_way),
        cmocka_unit_test(remembers_failures),
    };
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
